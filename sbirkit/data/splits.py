"""Which classes are unseen. Two different lists are called "Sketchy 25"; here each has its own name."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Self

from .leaks import LeakError, validation_is_test
from .names import normalise, normalise_all, suggest

SELECTED_ON_TEST = "; its authors chose checkpoints on classes of the test set (see published_selection)"
# name: (every class of the data set, the selection list published with it, where it comes from)
PUBLISHED = {
    "sketchy-25-sake": ("sketchy-all-125", None, "SAKE, 100/25; used by SAKE, DSN, ZSE-SBIR, TCN"),
    "sketchy-25-sempcyc": (
        "sketchy-all-125",
        "sketchy-25-sempcyc-selection-12",
        "SEM-PCYC, 100/25 at random; used by SEM-PCYC, IIAE, LCALE" + SELECTED_ON_TEST,
    ),
    "sketchy-21-yelamarthi": (
        "sketchy-all-125",
        "sketchy-21-yelamarthi",
        "Yelamarthi et al., 104/21, classes outside ImageNet-1K; used by CVAE, Doodle2Search, MA-SBIR"
        + SELECTED_ON_TEST,
    ),
    "tuberlin-30-sake": ("tuberlin-all-250", None, "SAKE, 220/30, at least 400 photos a class; used by DSN"),
    "tuberlin-30-sempcyc": (
        "tuberlin-all-250",
        "tuberlin-30-sempcyc-selection-15",
        "SEM-PCYC, 220/30 at random; used by SEM-PCYC, MA-SBIR" + SELECTED_ON_TEST,
    ),
    "quickdraw-30-dey": ("quickdraw-all-110", None, "Dey et al., 80/30; used by Doodle2Search, ZSE-SBIR"),
}


def _letters(name: str) -> str:
    """``TU-Berlin 30`` and ``tuberlin-30`` are one loose name."""
    return "".join(c for c in name.casefold() if c.isalnum())


@dataclass(frozen=True)
class Split:
    """The unseen classes of a benchmark, in the spelling of :func:`sbirkit.data.normalise`.

    Attributes:
        unseen: tested on, never trained on. selection: seen classes held out to choose checkpoints, or
            None to have some drawn. classes: every class of the data set the list was made for, if known.
        source: where the list comes from.
        published_selection: what the authors validated on, kept as documentation. These are test classes:
            using them for selection is a leak, and :func:`sbirkit.data.benchmark.build` refuses it.
    """

    name: str
    unseen: tuple[str, ...]
    selection: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None
    source: str = ""
    published_selection: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for key in ("unseen", "selection", "classes", "published_selection"):
            if (names := getattr(self, key)) is not None:
                object.__setattr__(self, key, normalise_all(names, where=f"{key} of split {self.name!r}"))
        if not self.unseen:
            raise ValueError(f"unseen: split {self.name!r} names no class")
        if leak := validation_is_test(self.selection or (), self.unseen):
            raise LeakError(str(leak))

    @classmethod
    def named(cls, name: str) -> Self:
        """A published list.

        >>> len(Split.named("sketchy-25-sake").unseen)
        25
        >>> Split.named("sketchy-25")
        Traceback (most recent call last):
        ValueError: split 'sketchy-25' is ambiguous: 'sketchy-25-sake' (SAKE, 100/25; ...
        """
        if name not in PUBLISHED:
            loose = _letters(str(name))
            alike = [known for known in PUBLISHED if loose and _letters(known).startswith(loose)]
            if len(alike) > 1:
                said = " or ".join(f"{known!r} ({PUBLISHED[known][2]})" for known in alike)
                raise ValueError(f"split {name!r} is ambiguous: {said}")
            hint = f" (did you mean {alike[0]!r}?)" if alike else suggest(str(name), cls.names())
            raise ValueError(f"split: no list {name!r}{hint}; "
                             f"there are {', '.join(PUBLISHED)}")  # fmt: skip
        every, selection, source = PUBLISHED[name]
        return cls(
            name,
            read_list(name),
            classes=read_list(every),
            source=source,
            published_selection=read_list(selection) if selection else None,
        )

    @staticmethod
    def names() -> list[str]:
        """The published lists."""
        return list(PUBLISHED)

    @classmethod
    def from_file(cls, path: str | Path, *, name: str = "") -> Self:
        """Your own list: one unseen class a line; blank lines and ``#`` comments are skipped."""
        path, unseen = Path(path), []
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not UTF-8 text ({error.reason}): save it as UTF-8") from None
        for number, line in enumerate(lines, start=1):
            if said := line.split("#")[0].strip():
                try:
                    normalise(said)
                except ValueError as error:
                    raise ValueError(f"{path}:{number}: {error}; a comment begins with #") from None
                unseen.append(said)
        return cls(name or path.stem, tuple(unseen), source=str(path.name))

    @classmethod
    def random(cls, classes: Iterable[str], n: int, *, seed: int = 0) -> Self:
        """``n`` classes at random: the same ones whatever the order of ``classes``.

        >>> Split.random(["cat", "dog", "owl"], 1, seed=1) == Split.random(["owl", "cat", "dog"], 1, seed=1)
        True
        """
        every = normalise_all(classes, where="classes")
        if not 0 < n < len(every):
            raise ValueError(f"n: want 1 to {len(every) - 1} unseen classes of {len(every)}, got {n}")
        source = f"{n} of {len(every)} classes at random, seed {seed}"
        return cls(
            f"random-{n}-s{seed}",
            tuple(sorted(draw(every, n, "unseen", seed))),
            None,
            tuple(sorted(every)),
            source,
        )


def read_list(name: str) -> tuple[str, ...]:
    """One of the lists that come with sbirkit, in its own spelling; ``sketchy-all-125`` is a whole data set.

    >>> len(read_list("tuberlin-all-250"))
    250
    """
    return tuple((resources.files(__package__) / "splits" / f"{name}.txt").read_text("utf-8").splitlines())


def draw(names: Sequence[str], n: int, *why: object) -> list[str]:
    """``n`` of the names, by the hash of each with ``why``: their order and the platform do not matter."""
    return sorted(names, key=lambda name: hashlib.blake2b(repr((*why, name)).encode()).digest())[:n]
