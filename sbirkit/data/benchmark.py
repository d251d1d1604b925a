"""Seen, selection, unseen: which rows may be used for what, checked so that nothing leaks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from .catalogue import canonical, digest
from .leaks import LeakError
from .names import normalise_all, suggest
from .pictures import MODES
from .splits import PUBLISHED, Split, draw

if TYPE_CHECKING:
    from .catalogue import Catalogue

Setting = Literal["zs", "gzs", "fg"]
Gallery = Literal["deduplicated", "as-published"]
SETTINGS = {"zs": "zero-shot", "gzs": "generalised zero-shot", "fg": "fine-grained zero-shot"}
GALLERIES = ("deduplicated", "as-published")
PARTS = ("selection", "seen_test", "unseen")
# pairs that must share no picture: the first learns or chooses, the second measures
APART = (("train", "selection"), ("train", "seen_test"), ("train", "unseen"), ("selection", "unseen"))
SELECTED, HELD_OUT = 0.1, 0.2  # of the seen classes; of each training class on the seen side of "gzs"


@dataclass(frozen=True, eq=False, repr=False)
class Benchmark:
    """The rows of a catalogue by role. :func:`build` makes one; one made by hand is checked just the same.

    Attributes:
        train: rows of training classes, both modalities. selection: rows of held-out *seen* classes, for
            choosing checkpoints. seen_test: held-out rows of training classes ("gzs" only).
            unseen: rows of unseen classes; only the final evaluation may touch them.
        notes: what was left out and why, in sentences.
    """

    catalogue: "Catalogue"
    split: Split
    setting: Setting
    gallery: Gallery
    train: np.ndarray
    selection: np.ndarray
    seen_test: np.ndarray
    unseen: np.ndarray
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for part in ("train", *PARTS):
            rows = np.array(getattr(self, part), dtype=np.int64)
            rows.flags.writeable = False
            object.__setattr__(self, part, rows)
        _check_classes(self)
        for one, other in APART:
            if (copies := _copies(self.catalogue, getattr(self, one), getattr(self, other))).size:
                raise LeakError(_picture_leak(self, one, other, copies))

    @cached_property
    def train_classes(self) -> tuple[str, ...]:
        """Classes that training may use, in alphabetical order."""
        return _classes(self.catalogue, self.train)

    @cached_property
    def selection_classes(self) -> tuple[str, ...]:
        """Seen classes kept out of training, to choose checkpoints on."""
        return _classes(self.catalogue, self.selection)

    @cached_property
    def unseen_classes(self) -> tuple[str, ...]:
        """The classes of the test."""
        return _classes(self.catalogue, self.unseen)

    def queries(self, part: str = "unseen") -> np.ndarray:
        """Rows of the sketches of ``"selection"``, ``"seen_test"`` or ``"unseen"``."""
        return self._rows(part, "sketch")

    def gallery_rows(self, part: str = "unseen") -> np.ndarray:
        """Rows of the photos of a part; each picture once, unless the gallery is ``"as-published"``."""
        return self._rows(part, "photo")

    @cached_property
    def digest(self) -> str:
        """Names this benchmark: the same pictures in the same roles, or another digest."""
        said = [self.catalogue.digest, self.setting, self.gallery, self.split.unseen]
        return digest(canonical(said), *(b"|" + getattr(self, part).tobytes() for part in ("train", *PARTS)))

    def _rows(self, part: str, modality: str) -> np.ndarray:
        if part not in PARTS:
            raise ValueError(f"part: want one of {', '.join(PARTS)}, got {part!r}")
        rows = getattr(self, part)
        return rows[self.catalogue.column("modality")[rows] == modality]

    def __repr__(self) -> str:
        photos = "distinct photos" if self.gallery == "deduplicated" else "photos as published"
        title, held = self.catalogue.card["title"], len(self.seen_test)
        beside = f", beside {held:,} held-out pictures of seen classes" if held else ""
        return (
            f"{len(self.unseen_classes)} unseen classes of {title} ({self.split.name}), "
            f"{len(self.queries()):,} sketches against {len(self.gallery_rows()):,} {photos}{beside}, "
            f"{SETTINGS[self.setting]}"
        )


def build(
    catalogue: "Catalogue",
    split: str | Split | Sequence[str],
    *,
    setting: Setting = "zs",
    gallery: Gallery = "deduplicated",
    selection: float | Sequence[str] | None = None,
    seed: int = 0,
    on_leak: Literal["error", "drop"] = "error",
) -> Benchmark:
    """Give every row of the catalogue its role.

    A seen class with one modality only cannot be trained across modalities: it is left out and noted. An
    unseen class in that state would change what the benchmark means, so it is an error.

    Args:
        split: the name of a published list or of one on the catalogue's card, a :class:`Split`, or the
            unseen classes themselves.
        setting: ``"zs"`` tests on unseen classes; ``"gzs"`` also holds out 20 % of each training class,
            whole instances at a time; ``"fg"`` keeps only instances that have both a sketch and a photo.
        gallery: ``"deduplicated"`` keeps the first of the photos that are equal pixel for pixel, or in a
            column ``original`` (Sketchy's copies may be saved anew); ``"as-published"`` keeps all.
        selection: the share of the seen classes to hold out (0.1, at least two classes, drawn by ``seed``
            whatever the order of the table), or their names; 0 for none.
        on_leak: a picture of one part found in another is an error, or its copy is dropped and noted.
    """
    for name, value, known in (
        ("setting", setting, tuple(SETTINGS)),
        ("gallery", gallery, GALLERIES),
        ("on_leak", on_leak, ("error", "drop")),
    ):
        if value not in known:
            raise ValueError(f"{name}: want one of {', '.join(known)}, got {value!r}")
    split = _resolve(catalogue, split)
    _check_known(catalogue, split.unseen, f"unseen classes of split {split.name!r}")
    rows, notes = np.arange(len(catalogue)), []
    if setting == "fg":
        rows = _paired(catalogue, rows)
    usable = set(_crossable(catalogue, rows))
    if lacking := [name for name in split.unseen if name not in usable]:
        what = "an instance with both a sketch and a photo" if setting == "fg" else "both sketches and photos"
        raise ValueError(f"split: these unseen classes lack {what}: {', '.join(lacking)}. Add pictures, or "
                         f"test on a list without them: split=[...]")  # fmt: skip
    if single := sorted(set(catalogue.classes) - usable):
        notes.append(f"left out, as seen classes without both modalities: {', '.join(single)}")
    seen = sorted(usable - set(split.unseen))
    chosen = _selection_classes(catalogue, split, seen, selection, seed)
    if len(train_classes := [name for name in seen if name not in chosen]) < 2:
        raise ValueError(f"selection: want at least two classes left for training, of {len(seen)} seen ones "
                         f"{len(chosen)} would be held out")  # fmt: skip
    parts = {"train": _of(catalogue, rows, train_classes), "selection": _of(catalogue, rows, chosen),
             "seen_test": rows[:0], "unseen": _of(catalogue, rows, split.unseen)}  # fmt: skip
    if setting == "gzs":
        parts["seen_test"] = held = _held_out(catalogue, parts["train"], seed)
        parts["train"] = np.setdiff1d(parts["train"], held)
        if (copies := _copies(catalogue, parts["train"], held)).size:
            parts["train"] = np.setdiff1d(parts["train"], copies)
            notes.append(f"{len(copies)} training copies of held-out pictures are left out")
    for one, other in APART if on_leak == "drop" else ():
        if (copies := _copies(catalogue, parts[one], parts[other])).size:
            parts[one] = np.setdiff1d(parts[one], copies)
            notes.append(f"{len(copies)} pictures of {one} that are also in {other} are dropped")
    for part in PARTS if gallery == "deduplicated" else ():
        parts[part] = _distinct(catalogue, parts[part])
        if setting == "fg":
            parts[part] = _paired(catalogue, parts[part])
    parts["train"] = _of(catalogue, parts["train"], _crossable(catalogue, parts["train"]))
    return Benchmark(catalogue, split, setting, gallery, **parts, notes=tuple(notes))


def _resolve(catalogue: "Catalogue", split: str | Split | Sequence[str]) -> Split:
    if isinstance(split, Split):
        return split
    if not isinstance(split, str):
        return Split("own list", tuple(split), source="given in the call")
    if split in (own := catalogue.card["splits"]):
        return Split(split, tuple(own[split]), source=f"the card of {catalogue.name}")
    if own and not any(known.startswith(split) for known in PUBLISHED):
        raise ValueError(
            f"split: {catalogue.name} has no list {split!r}{suggest(split, [*own, *PUBLISHED])}; its own are "
            f"{', '.join(own)}, the published ones {', '.join(PUBLISHED)}"
        )
    return Split.named(split)


def _check_known(catalogue: "Catalogue", names: Sequence[str], what: str) -> None:
    said = []
    for name in names:
        if name in catalogue.card["counts"]["per_class"] and name not in catalogue.classes:
            said.append(f"{name!r} (all its pictures were set aside: see card['set_aside'])")
        elif name not in catalogue.classes:
            said.append(f"{name!r}{suggest(name, catalogue.classes)}")
    if said:
        raise ValueError(f"{what}: not in {catalogue.name}: {', '.join(said)}")


def _selection_classes(
    catalogue: "Catalogue", split: Split, seen: list[str], selection: float | Sequence[str] | None, seed: int
) -> list[str]:
    """Held-out seen classes: as named in the call, else on the split, else drawn."""
    selection = split.selection if selection is None else selection
    if selection is None or isinstance(selection, int | float):
        share = SELECTED if selection is None else float(selection)
        if not 0 <= share < 1:
            raise ValueError(
                f"selection: want a share of the seen classes from 0 to below 1, got {selection}"
            )
        return sorted(draw(seen, max(2, round(share * len(seen))), "selection", seed)) if share else []
    names = normalise_all(selection, where="selection")
    _check_known(catalogue, names, "selection classes")
    if shared := sorted(set(names) & set(split.unseen)):
        published = set(names) <= set(split.published_selection or ())
        raise LeakError(
            f"selection: {', '.join(shared)} are unseen classes of {split.name}"
            + (
                " (this is the list its authors selected on, and it is part of their test set)"
                if published
                else ""
            )
            + ". Choose checkpoints on seen classes: leave selection out to have some drawn."
        )
    if lost := [name for name in names if name not in seen]:
        raise ValueError(f"selection: these classes lack pictures of both modalities: {', '.join(lost)}")
    return sorted(names)


# --- rows -------------------------------------------------------------------------------------------------


def _of(catalogue: "Catalogue", rows: np.ndarray, classes: Iterable[str]) -> np.ndarray:
    """Those of the rows whose class is among the given ones."""
    wanted = [i for i, name in enumerate(catalogue.classes) if name in set(classes)]
    return rows[np.isin(catalogue.labels[rows], wanted)]


def _classes(catalogue: "Catalogue", rows: np.ndarray) -> tuple[str, ...]:
    return tuple(catalogue.classes[i] for i in np.unique(catalogue.labels[rows]))


def _crossable(catalogue: "Catalogue", rows: np.ndarray) -> list[str]:
    """Classes of which the rows hold both modalities."""
    modality = catalogue.column("modality")[rows]
    both = [set(_classes(catalogue, rows[modality == m])) for m in MODES]
    return sorted(set.intersection(*both))


def _paired(catalogue: "Catalogue", rows: np.ndarray) -> np.ndarray:
    """Rows whose instance has both a sketch and a photo among the rows."""
    keys = list(zip(catalogue.labels[rows], catalogue.column("instance")[rows], strict=True))
    modality = catalogue.column("modality")[rows]
    has = [{k for k, m in zip(keys, modality, strict=True) if m == wanted and k[1]} for wanted in MODES]
    both = set.intersection(*has)
    return rows[np.array([key in both for key in keys], dtype=bool)]


def _distinct(catalogue: "Catalogue", rows: np.ndarray) -> np.ndarray:
    """All sketches, and the first of the photos that are equal pixel for pixel, or in column ``original``."""
    photo = catalogue.column("modality")[rows] == "photo"
    photos = rows[photo]
    for name in [name for name in ("digest", "original") if name in catalogue.table.column_names]:
        _, first = np.unique(catalogue.column(name)[photos].astype(str), return_index=True)
        photos = np.sort(photos[first])
    return np.sort(np.concatenate([rows[~photo], photos]))


def _copies(catalogue: "Catalogue", a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rows of ``a`` whose picture is also in ``b``."""
    digests, theirs = catalogue.column("digest"), set(catalogue.column("digest")[b])
    return a[np.array([mark in theirs for mark in digests[a]], dtype=bool)]


def _held_out(catalogue: "Catalogue", rows: np.ndarray, seed: int) -> np.ndarray:
    """A fifth of each class, by whole instances, so that a sketch and its photo stay on one side.

    Paired and unpaired instances are drawn apart, so each side keeps both modalities; a class too small for
    that stays in training as a whole.
    """
    label, instance, mark = (catalogue.column(name) for name in ("label", "instance", "digest"))
    modality = catalogue.column("modality")
    units: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        units[label[row]][f"instance {instance[row]}" if instance[row] else f"picture {mark[row]}"].append(
            row
        )
    held: list[int] = []
    for name, members in units.items():
        kinds: dict[frozenset[str], list[str]] = defaultdict(list)
        for unit, mine in members.items():
            kinds[frozenset(modality[mine])].append(unit)
        drawn = [
            row
            for kind in kinds.values()
            if len(kind) > 1
            for unit in draw(kind, max(1, round(HELD_OUT * len(kind))), "seen_test", seed, name)
            for row in members[unit]
        ]
        held += drawn if set(modality[drawn]) == set(MODES) else []
    return np.array(sorted(held), dtype=np.int64)


# --- checks -----------------------------------------------------------------------------------------------


def _check_classes(bench: Benchmark) -> None:
    """No class in two roles, no row in both train and seen_test."""
    roles = {"train": bench.train_classes, "selection": bench.selection_classes}
    for role, names in roles.items():
        if shared := sorted(set(names) & (set(bench.unseen_classes) | set(bench.split.unseen))):
            raise LeakError(f"{role}: these classes are unseen ones: {', '.join(shared)}")
    if shared := sorted(set(bench.train_classes) & set(bench.selection_classes)):
        raise LeakError(f"selection: these classes are also trained on: {', '.join(shared)}")
    if shared := sorted(set(_classes(bench.catalogue, bench.seen_test)) - set(bench.train_classes)):
        raise ValueError(f"seen_test: these classes are not trained on: {', '.join(shared)}")
    if (rows := np.intersect1d(bench.train, bench.seen_test)).size:
        raise LeakError(f"seen_test: {len(rows)} rows are also in train")


def _picture_leak(bench: Benchmark, one: str, other: str, copies: np.ndarray) -> str:
    source, mark = bench.catalogue.column("source"), bench.catalogue.column("digest")
    twin = {mark[row]: source[row] for row in getattr(bench, other)}
    named = "; ".join(f"{source[row]} = {twin[mark[row]]}" for row in copies[:10])
    more = f"; and {len(copies) - 10} more" if len(copies) > 10 else ""
    return (
        f"{len(copies)} pictures of {one} are also in {other}: {named}{more}. Pass on_leak='drop' to leave "
        f"the copies in {one} out, or take the duplicates out of the data set."
    )
