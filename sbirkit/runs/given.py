"""What somebody gives to a comparison, understood: pictures, unseen classes, weights, word vectors."""

import csv
import io
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, is_zipfile

import numpy as np

from sbirkit import paths
from sbirkit.data import Benchmark, Catalogue, Split, load
from sbirkit.data.catalogue import CARD, canonical, digest
from sbirkit.data.names import normalise, suggest
from sbirkit.models.guessing import network_of
from sbirkit.models.making import described
from sbirkit.models.standins import NAMES, TAGS
from sbirkit.models.weights import is_file, read_weights
from sbirkit.retrieval import chance_map

LEAST = 4  # classes with both modalities: two to train on, two unseen, for of one alone all photos are right
SAID = 3  # pictures that were set aside, and warnings, named on the page; all are on the card
FEW = 5  # pictures of a class and modality below which we say so
SHARE = 0.25  # of the classes, unseen where nobody says which
HELD_FROM = 8  # seen classes from which on some are held out for choosing checkpoints
ENDING = re.compile(r"(\.(zip|tar|tgz|tbz2?|txz|gz|bz2|xz))+$", re.IGNORECASE)
CACHED = {"mobilenet_v2": "mobilenet_v2-b0353104.pth", "resnet18": "resnet18-f37072fd.pth"}


class Stopped(Exception):
    """The preparation of pictures ended early and has said why; the number is what the process returns."""


# --- pictures ---------------------------------------------------------------------------------------------


def pictures(source: str, sizes: Sequence[int], *, quiet: bool = False) -> Catalogue:
    """A folder, zip or tar of pictures as a catalogue; or one that is prepared already, by folder or name.

    It is prepared once under ``sbirkit.paths.data()``: the name there changes with the files.
    """
    path = Path(source).expanduser()
    if source == "doodleworld":
        from sbirkit.data.doodleworld.world import World

        return World(sizes=tuple(sizes)).prepare(progress=not quiet)
    if (path / CARD).is_file() or (not path.exists() and (paths.data() / source / CARD).is_file()):
        return _large_enough(load(path if path.exists() else source), sizes)
    if not path.exists():
        near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ValueError(f"DATA: there is no {source}{suggest(path.name, near)}. Want a folder, zip or tar "
                         "with photo/<class>/* and sketch/<class>/*, or a prepared data set")  # fmt: skip
    return _prepared(path, "folder", sizes, quiet=quiet)


def drawings(source: str, sizes: Sequence[int], *, quiet: bool = False) -> Catalogue:
    """As :func:`pictures`, for sketches alone: also a folder of Quick, Draw! ``.ndjson`` files."""
    path = Path(source).expanduser()
    if path.is_dir() and next(path.rglob("*.ndjson"), None):
        return _prepared(path, "quickdraw", sizes, "--sketches-only", "--all-classes", quiet=quiet)
    return pictures(source, sizes, quiet=quiet)


def full(source: str) -> str:
    """The whole path of what is there; the name of something prepared as it is."""
    path = Path(source).expanduser()
    return str(path.resolve()) if path.exists() and source != "doodleworld" else source


def name_of(path: Path) -> str:
    """What pictures are called: a folder's name whole, an archive's without its ending.

    >>> name_of(Path("of/v1.5.tar.gz"))
    'v1.5'
    """
    path = path.resolve()
    return path.name if path.is_dir() else ENDING.sub("", path.name)


def _prepared(path: Path, kind: str, sizes: Sequence[int], *more: str, quiet: bool) -> Catalogue:
    from data_prep.archives import open_tree
    from data_prep.cli import main

    stamp = open_tree(path, cache=paths.home() / "downloads").stamp()
    mark = digest(canonical([kind, stamp, sorted(sizes), more]))[:8]
    out = paths.data() / f"{normalise(name_of(path)).replace('_', '-')}-{mark}"
    if not (out / CARD).is_file():
        told = ["--title", name_of(path)] if kind == "folder" else []
        side = [str(size) for size in sorted(sizes)]
        code = main([kind, "--from", str(path), "--out", str(out), "--size", *side, *told, *more,
                     *["--quiet"] * quiet])  # fmt: skip
        if code == 130:
            raise KeyboardInterrupt
        if code:
            raise Stopped(code)
    return Catalogue.open(out)


def _large_enough(catalogue: Catalogue, sizes: Sequence[int]) -> Catalogue:
    for size in sizes:
        if not any(size <= s <= 1.25 * size for s in catalogue.sizes):
            have = ", ".join(map(str, catalogue.sizes))
            raise ValueError(f"DATA: {catalogue.name} is prepared at {have} px, {size} are wanted. Give the "
                             f"pictures themselves, or take --size {max(catalogue.sizes)}")  # fmt: skip
    return catalogue


# --- classes ----------------------------------------------------------------------------------------------


def faults(catalogue: Catalogue) -> list[str]:
    """What its card says of pictures that were set aside, and of others to look at: the first of each."""
    aside = [f"{one['source']} ({one['why']})" for one in catalogue.card["set_aside"]]
    found = {"pictures set aside": aside, "warnings": catalogue.card["warnings"]}
    return [f"{what} ({len(some)}): {'; '.join(some[:SAID])}{'; ...' * (len(some) > SAID)}"
            for what, some in found.items() if some]  # fmt: skip


def both(catalogue: Catalogue) -> list[str]:
    """Classes that have sketches and photos; an error where they are too few to learn and to test."""
    modality, label = catalogue.column("modality"), catalogue.column("label")
    found = sorted(set(label[modality == "sketch"]) & set(label[modality == "photo"]))
    if lacking := [m for m in ("sketch", "photo") if not (modality == m).any()]:
        raise ValueError(
            f"DATA: there is no {lacking[0]} in it; want {lacking[0]}/<class>/* beside the others"
        )
    if len(found) < LEAST:
        raise ValueError(f"DATA: {len(found)} classes have both sketches and photos"
                         f"{': ' + ', '.join(found) if found else ''}. Want {LEAST} at least, better 20; the "
                         "folders of a class have the same name in sketch/ and photo/")  # fmt: skip
    return found


def splits(
    catalogue: Catalogue, usable: Sequence[str], *, data: Path, file: str = "", count: int = 1
) -> tuple[list[Split], list[str]]:
    """The splits to compare on, the given one first, and what is to be said of them.

    Which classes are unseen is told by a file, else by the column ``split`` of ``classes.csv`` beside the
    pictures, else by the data set's card; else a quarter is drawn. Further splits are drawn alike.
    """
    named = {normalise(n) for n in usable}
    given, notes = _given(catalogue, data, file)
    if given is not None:
        known = {normalise(n) for n in catalogue.classes}
        if lost := [n for n in given.unseen if n in known and n not in named]:
            notes.append(f"unseen classes without sketches or photos, left out: {', '.join(lost)}")
            given = Split(given.name, tuple(n for n in given.unseen if n not in lost), source=given.source)
        if unknown := [n + suggest(n, sorted(named)) for n in given.unseen if n not in named]:
            raise ValueError(f"SPLIT: {given.source} names what is no class here: {', '.join(unknown)}")
        if len(usable) - len(given.unseen) < 2:
            said = f"SPLIT: {given.source} calls {len(given.unseen)} of {len(usable)} classes unseen"
            raise ValueError(f"{said}; want two at least to train on")
    n = len(given.unseen) if given else max(2, min(round(SHARE * len(usable)), len(usable) - 2))
    drawn = [Split.random(usable, n, seed=s) for s in range(count + 1)]
    chosen = ([given, *drawn[1:]] if given else drawn)[:count]
    return chosen, [*notes, *(f"{s.name}: {len(s.unseen)} unseen classes, {s.source}" for s in chosen)]


def _given(catalogue: Catalogue, data: Path, file: str) -> tuple[Split | None, list[str]]:
    if file:
        if not Path(file).is_file():
            raise ValueError(f"SPLIT: there is no file {file}; want a text with one unseen class a line")
        found = Split.from_file(file)
        name = re.sub(r"^(?=random-\d+-s\d+$)", "given-", found.name.replace("_", "-"))  # no drawn one's
        return Split(name, found.unseen, source=f"from {found.source}"), []
    names, notes = _of_table(data)
    if names:
        return Split("given", tuple(names), source="from the column split of classes.csv"), notes
    for name, unseen in catalogue.card["splits"].items():
        return Split(name, tuple(unseen), source=f"from the card of {catalogue.name}"), notes
    return None, notes


def _of_table(data: Path) -> tuple[list[str], list[str]]:
    """Unseen classes by the uppermost ``classes.csv`` of a folder or an archive, and why there are none."""
    from data_prep.archives import open_tree

    tree = open_tree(data, cache=paths.home() / "downloads") if data.exists() else None
    found = [name for name in (tree.names() if tree else ()) if Path(name).name.lower() == "classes.csv"]
    if not tree or not found:
        return [], []
    file = min(found, key=lambda name: (name.count("/"), name))
    head, rows = _rows(tree.read(file), f"SPLIT: {file}")
    if not {"class", "split"} <= set(head):
        return [], [f"{file} says nothing of unseen classes: want the columns class and split, it has "
                    f"{', '.join(head) or 'none'}"]  # fmt: skip
    names = [row["class"] for row in rows if row["class"] and row["split"].lower() in ("unseen", "test")]
    return names, [] if names else [f"{file}: its column split calls no class unseen or test"]


def _rows(data: bytes, file: str) -> tuple[list[str], list[dict[str, str]]]:
    """Columns, in small letters, and rows of a CSV file by commas or semicolons; a short row has blanks."""
    text = _text(data, file)
    first = text.lstrip().partition("\n")[0]
    mark = ";" if first.count(";") > first.count(",") else ","
    head, *rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark) if row] or [[]]
    head = [name.strip().lower() for name in head]
    return head, [
        dict.fromkeys(head, "") | {k: v.strip() for k, v in zip(head, row, strict=False)} for row in rows
    ]


def _text(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}: want text in UTF-8, got {error}; save it again as UTF-8") from None


def benchmark(catalogue: Catalogue, split: Split) -> Benchmark:
    """Generalised zero-shot. Where few classes are seen, all are trained on and the last weights count."""
    seen = len(both(catalogue)) - len(split.unseen)
    held: dict[str, Any] = {} if seen >= HELD_FROM else {"selection": 0}
    return catalogue.benchmark(split, setting="gzs", on_leak="drop", **held)


def chance(bench: Benchmark) -> float:
    """mAP@all of a random order of the photos, the mean over queries."""
    labels, photos = bench.catalogue.labels, bench.gallery_rows()
    return chance_map(np.bincount(labels[photos], minlength=labels.max() + 1)[labels[bench.queries()]],
                      len(photos))  # fmt: skip


def words_of(bench: Benchmark) -> list[str]:
    """Where MA-SBIR's words come from where no vectors say what the classes are."""
    where = "the attributes on the data's card are"
    if described(bench.catalogue, bench.train_classes) is None:
        where = "the class names, as Doodle World's small CLIP reads them, are"
    return [f"{bench.split.name}: no class that is trained on has a vector: {where} MA-SBIR's words"]


def said_of(bench: Benchmark) -> list[str]:
    """What a reader must know of a benchmark: held-out classes, what was left out, thin classes."""
    cat, said = bench.catalogue, [f"{bench.split.name}: {note}" for note in bench.notes]
    if not bench.selection_classes:
        said.append(f"{bench.split.name}: {len(bench.train_classes)} seen classes are too few to hold some "
                    "out: the last weights count")  # fmt: skip
    if len(bench.unseen_classes) == 1:
        said.append(f"{bench.split.name}: one unseen class: every ranking is right")
    counts = cat.card["counts"]["per_class"]
    if thin := [n for n in cat.classes if 0 < min(counts[n].values()) < FEW]:
        said.append(f"fewer than {FEW} sketches or photos: {', '.join(thin)}; their numbers mean little")
    return said


# --- weights ----------------------------------------------------------------------------------------------


def network(weights: str, name: str = "") -> tuple[str, str | None, str]:
    """Name, weights and a sentence: of a file by what is in it, of nothing the best that is at hand."""
    if weights in TAGS:
        name = name or "convnet"
        if name not in NAMES:
            raise ValueError(f"WEIGHTS: {weights} is there for {' and '.join(NAMES)}, got {name!r}")
        return name, weights, f"{name} with weights from Doodle World's pre-training"
    if weights.lower() == "none":
        return name or "convnet", None, f"{name or 'convnet'} from random weights"
    if is_file(weights):
        try:
            kind = name or network_of(read_weights(weights))
        except FileNotFoundError as error:
            near = [p.name for p in Path(weights).parent.glob("*")] if Path(weights).parent.is_dir() else []
            raise ValueError(f"WEIGHTS: {error}{suggest(Path(weights).name, near)}") from None
        except ValueError as error:
            raise ValueError(f"{error}. Name the network, --network NAME, if it is one of them") from None
        return kind, str(Path(weights).resolve()), f"{kind} with weights from {Path(weights).name}"
    if weights and weights != "imagenet":
        raise ValueError(f"WEIGHTS: want a file (.npz, .safetensors, .pth), imagenet, doodleworld or none, "
                         f"got {weights!r}{suggest(weights, ['imagenet', *TAGS, 'none'])}")  # fmt: skip
    return _downloaded(name, must=weights == "imagenet")


def _downloaded(name: str, *, must: bool) -> tuple[str, str | None, str]:
    """torchvision's ImageNet weights, from this disk or the net; else our own small network."""
    from torch.hub import get_dir

    from sbirkit.models.backbones import backbone

    there = [n for n, file in CACHED.items() if (Path(get_dir()) / "checkpoints" / file).is_file()]
    name = name or (there[0] if there else next(iter(CACHED)))
    try:
        backbone(name, weights="imagenet")
    except ConnectionError:
        if must:
            raise
        sad = (
            "convnet with weights from Doodle World's drawings: no ImageNet weights are on this disk and "
            "none could be downloaded. Numbers on photos will be low; WEIGHTS=file.npz is much better"
        )
        return "convnet", "doodleworld", sad
    return name, "imagenet", f"{name} with torchvision's ImageNet weights"


# --- words ------------------------------------------------------------------------------------------------


def vectors(
    file: str, classes: Sequence[str], *, names: str = ""
) -> tuple[tuple[list[str], np.ndarray] | None, list[str]]:
    """A vector for each class that has one, and what is to be said.

    A class is looked up by its name; else by the same letters, a plural, all its words (their mean), or the
    last of them; a row with a number that is not finite is none. ``names`` is a CSV file, ``FILE:COLUMN``,
    that says it for each class; empty means none.
    """
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"VECTORS: there is no file {file}; want an .npz with the arrays names and vectors")
    try:
        if not is_zipfile(path):
            raise ValueError("it is no whole file as np.savez writes one")
        with np.load(path, allow_pickle=False) as arrays:
            if not {"names", "vectors"} <= set(arrays.files):
                raise ValueError(f"it holds {', '.join(arrays.files)}")
            names_of = [n.decode() if isinstance(n, bytes) else str(n) for n in arrays["names"].tolist()]
            given, rows = list(map(normalise, names_of)), arrays["vectors"].astype(np.float32)
        if rows.ndim != 2 or len(rows) != len(given) or not rows.shape[1]:
            raise ValueError(f"it has {len(given)} names and vectors of shape {rows.shape}")
    except (ValueError, OSError, EOFError, BadZipFile, zlib.error) as error:
        raise ValueError(
            f"VECTORS: want an .npz with the arrays names and vectors (N, D): {file}: {error}"
        ) from None
    known = np.isfinite(rows).all(1)
    place = {name: i for i, name in reversed(list(enumerate(given))) if known[i]}
    told = mapping(names) if names else {}
    found, near, missing = {}, [], []
    for name in map(normalise, classes):
        wanted = told.get(name, name)
        own = [place[normalise(wanted)]] if wanted and normalise(wanted) in place else []
        rows_of = own or ([] if name in told else _near(name, place))
        if not rows_of:
            missing.append(name)
            continue
        found[name] = rows[rows_of].mean(0)
        if (by := "+".join(given[i] for i in rows_of)) != name:
            near.append(f"{name}: {by}")
    said = [f"vectors: {len(found)} of {len(classes)} classes have one"]
    said += [
        f"without a vector, which the methods leave out where they need one: {', '.join(missing)}"
    ] * bool(missing)
    said += [f"vectors by another name, please look them over: {'; '.join(near)}"] * bool(near)
    return (list(found), np.stack(list(found.values()))) if found else None, said


def _near(name: str, place: Mapping[str, int]) -> list[int]:
    """Rows of the same letters, of a plural or singular, of all the words, or of the last word."""
    squashed = {known.replace("_", ""): known for known in place}
    for one in (name.replace("_", ""), f"{name}s".replace("_", ""), name.replace("_", "").removesuffix("s")):
        if one in squashed:
            return [place[squashed[one]]]
    words = name.split("_")
    if len(words) > 1:
        if all(word in place for word in words):
            return [place[word] for word in words]
        if words[-1] in place:
            return [place[words[-1]]]
    return []


def mapping(source: str) -> dict[str, str]:
    """``{class: name elsewhere}`` from ``FILE.csv`` or ``FILE.csv:COLUMN``, with a column ``class``."""
    file, _, column = source.rpartition(":") if not Path(source).is_file() else (source, "", "")
    if not Path(file).is_file():
        raise ValueError(f"names: there is no file {file or source}; want FILE.csv or FILE.csv:COLUMN")
    head, rows = _rows(Path(file).read_bytes(), f"names: {file}")
    column = column.lower() or next((c for c in head if c != "class"), "")
    if "class" not in head or column not in head:
        raise ValueError(f"names: {file} wants the columns class and {column or 'a second one'}, it has "
                         f"{', '.join(head) or 'none'}")  # fmt: skip
    return {normalise(row["class"]): row[column] for row in rows if row["class"]}


def imagenet(weights: str | None) -> list[str]:
    """ImageNet's class names: from ``imagenet_labels.txt`` beside the weights, else torchvision's list."""
    beside = Path(weights or "").parent / "imagenet_labels.txt"
    if weights and is_file(weights) and beside.is_file():
        return [line.strip() for line in beside.read_text("utf-8").splitlines() if line.strip()]
    from torchvision.models import _meta

    return list(_meta._IMAGENET_CATEGORIES)


def shown_before(classes: Iterable[str], labels: Iterable[str]) -> dict[str, str]:
    """``{class: label}`` for classes all of whose words are in a label. By words alone: an approximation.

    >>> shown_before(["crabs", "cup", "sea_horse"], ["Dungeness crab, Cancer magister", "coffee mug"])
    {'crabs': 'Dungeness crab, Cancer magister'}
    """
    stems = [(label, [_stems(part) for part in label.split(",")]) for label in labels]
    found = {}
    for name in classes:
        wanted = _stems(name)
        if label := next((label for label, parts in stems if any(wanted <= part for part in parts)), ""):
            found[name] = label
    return found


def _stems(text: str) -> set[str]:
    words = re.findall(r"[^\W_]+", text.lower())
    return {word.removesuffix("s") if len(word) > 3 else word for word in words}
