"""What all data sets share: find the class folders, list them, announce, pack, report."""

import os
import re
import sys
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from sbirkit.data.catalogue import CHANNELS, Catalogue
from sbirkit.data.names import normalise
from sbirkit.data.pictures import Picture, PictureError, read_picture
from sbirkit.data.writing import Item, write_catalogue

from .archives import ArchiveError, Tree, open_inner, open_tree
from .fetch import fetch

PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
RATE = 300  # pictures a second and process, read at 250 pixels a side and fitted to 64
SHOWN = 10  # notes printed; all are on the card


@dataclass(frozen=True, slots=True)
class Part:
    """A folder of class folders: ``where`` is a regular expression for its path, wherever that lies.

    ``key`` begins the source of its pictures: ``photo/cat/1.jpg``.
    """

    key: str
    modality: str
    where: str

    def __str__(self) -> str:
        """Its folder as people write it: the first of the alternatives."""
        return re.split(r"\(|\|", self.where)[0]


@dataclass(frozen=True, slots=True)
class Remote:
    """A file that anyone may download. ``md5`` as its publisher or independent users report it, or ""."""

    name: str
    url: str
    megabytes: int
    md5: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The picture files of a part as ``(class folder, file)``, and the folders that have none."""

    part: Part
    tree: Tree
    files: list[tuple[str, str]]
    empty: list[str]
    warnings: list[str]

    def by_class(self) -> dict[str, list[str]]:
        """``{class folder: files}``."""
        found = defaultdict(list)
        for folder, file in self.files:
            found[folder].append(file)
        return found

    def items(
        self, label: Callable[[str], str] = str, instance: Callable[[str, str], str] = lambda folder, file: ""
    ) -> list[Item]:
        """One for each file: ``label`` of its folder, ``instance`` of folder and file."""
        key, modality = self.part.key, self.part.modality
        return [Item(label(d), modality, f"{key}/{d}/{f}", instance(d, f)) for d, f in self.files]


def find(
    paths: Iterable[Path], parts: Sequence[Part], *,
    cache: Path, inner: str = "$^", other: Sequence[Path] = (),
) -> dict[str, Tree]:  # fmt: skip
    """Where each part lies in the given folders and archives; parts that are nowhere are left out.

    Args:
        inner: regular expression for archives to open inside of those.
        other: paths that hold something else of use; any other one without a part is a mistake.
    """
    rules = {part.key: re.compile(rf"(?:^|/)(?:{part.where})/(?=[^/]+/[^/]+$)") for part in parts}
    found: dict[str, dict[Tree, str]] = defaultdict(dict)
    for path in paths:
        useful = path in other
        for label, tree in _open(path.resolve().name, open_tree(path, cache=cache), inner, cache):
            for name in filter(_is_picture, tree.names()):
                for key, rule in rules.items():
                    if match := rule.search(f"{label}/{name}"):
                        at, useful = f"{label}/{name}"[: match.end()], True
                        found[key][Tree(tree.path, at[len(label) + 1 :])] = at
        if not useful:
            wanted = " or ".join(f"{part}/<class>/" for part in parts)
            raise ValueError(f"--from: {path} has no pictures in {wanted}; --help says what is needed")
    for key, places in found.items():
        if len(places) > 1:
            said = ", ".join(places.values())
            raise ValueError(f"--from: {key} pictures are in several places ({said}); give only one of them")
    return {key: next(iter(places)) for key, places in found.items()}


def _is_picture(name: str) -> bool:
    return Path(name).suffix.lower() in PICTURES


def _open(label: str, tree: Tree, inner: str, cache: Path) -> list[tuple[str, Tree]]:
    """A tree, and those of the archives in it, with the names they are known by."""
    trees = [(re.sub(r"(\.(zip|tar|tgz|gz|bz2|xz))+$", "", label), tree)]
    for name in tree.names():
        if re.search(inner, name):
            trees += _open(Path(name).name, open_inner(tree, name, cache=cache), inner, cache)
    return trees


def listing(part: Part, tree: Tree) -> Listing:
    """``<class>/<file>`` of a part. A warning names whatever else is there, and a class of two spellings."""
    files, folders, passed = [], set(), []
    for name in tree.names():
        folder, slash, file = name.partition("/")
        if slash and not file:
            folders.add(folder)
        elif slash and "/" not in file and _is_picture(file):
            files.append((folder, file))
        elif not name.endswith("/"):
            passed.append(name)
    warnings, spellings = [], defaultdict(set)
    if passed:
        some = ", ".join(map(repr, passed[:3]))
        warnings.append(
            f"{part.key}: passed over {len(passed)} files, not pictures in a class folder: {some}"
        )
    used = {folder for folder, _ in files}
    for folder in folders | used:
        try:
            spellings[normalise(folder)].add(folder)
        except ValueError as error:
            raise ValueError(f"--from: the folder {part}/{folder} needs another name: {error}") from None
    for label, names in sorted(spellings.items()):
        if len(names) > 1:
            said = " and ".join(map(repr, sorted(names)))
            warnings.append(f"{part.key}: the folders {said} are one class, {label!r}")
    return Listing(part, tree, files, sorted(folders - used), warnings)


def read(trees: Mapping[str, Tree], item: Item) -> Image.Image:
    """The picture of an item whose source is ``<part>/<class folder>/<file>``."""
    key, _, name = item.source.partition("/")
    try:
        return read_picture(trees[key].read(name), item.modality)
    except ArchiveError as error:
        raise PictureError(str(error)) from error


def instance_of(photos: Iterable[Listing]) -> Callable[[str, str], str]:
    """Gives, by class folder and file, the photo of that class that a file shows by its name; "" if none."""
    stems = defaultdict(set)
    for folder, file in (pair for found in photos for pair in found.files):
        stems[normalise(folder)].add(Path(file).stem)
    return lambda folder, file: shown_in(stems.get(normalise(folder), set()), file)


def shown_in(photos: set[str], file: str) -> str:
    """The photo, among these stems, that a file was made after by its name; "" if none.

    >>> shown_in({"n02691156_10151"}, "n02691156_10151-3.png"), shown_in({"8"}, "7.png")
    ('n02691156_10151', '')
    """
    stem = Path(file).stem
    return next((s for s in (stem, re.sub(r"-\d+$", "", stem)) if s in photos), "")


def download(args: Namespace, remotes: Sequence[Remote]) -> list[Path]:
    """Fetch what is not there yet; the digests go on the card."""
    if total := sum(r.megabytes for r in remotes if not (args.downloads / r.name).is_file()):
        say(args, f"To download: {total:,} MB into {args.downloads}, {total / 300:.0f} min at 5 MB/s.")
    for r in remotes:
        sha256 = fetch(r.url, args.downloads / r.name, md5=r.md5, progress=not args.quiet)
        args.files.append({"name": r.name, "url": r.url, "sha256": sha256, "md5_checked": bool(r.md5)})
    return [args.downloads / r.name for r in remotes]


def pack(
    args: Namespace, lists: Sequence[Listing], items: Sequence[Item], picture: Callable[[Item], Picture],
    card: Mapping[str, Any],
) -> Catalogue:  # fmt: skip
    """Announce, write, and compare with what was published (``card["expected"]``)."""
    count = {m: sum(i.modality == m for i in items) for m in CHANNELS}
    need = sum(count[m] * CHANNELS[m] * s * s for m in CHANNELS for s in args.size) / 2**20
    minutes = 1 + len(items) // (60 * RATE * (args.workers or os.cpu_count() or 1))
    say(
        args,
        f"To prepare: {count['sketch']:,} sketches and {count['photo']:,} photos into {args.out}, in about "
        f"{minutes} min.\nDisk: {need:,.0f} MiB, at work twice that. Stopped, the same command goes on.",
    )
    made = {"command": f"python -m data_prep {args.name}", "files": args.files}
    recipe = [card.get("recipe"), {found.part.key: found.tree.stamp() for found in lists}]
    warnings = [w for found in lists for w in found.warnings] + card.get("warnings", [])
    whole = {"name": args.out.name, "made": made, **card, "recipe": recipe, "warnings": warnings}
    catalogue = write_catalogue(
        args.out, items, picture, card=whole, sizes=args.size, workers=args.workers,
        progress=not args.quiet, overwrite=args.overwrite,
    )  # fmt: skip
    report(args, catalogue)
    return catalogue


def report(args: Namespace, catalogue: Catalogue) -> None:
    """What came out, what differs from the publication, what was set aside."""
    say(args, f"{catalogue!r}\nin {args.out}")
    for key, want in catalogue.card.get("expected", {}).items():
        got = catalogue.card["counts"][key]
        said = "as published" if got == want else f"{abs(got - want):,} {'more' if got > want else 'fewer'}"
        say(args, f"  {key}: {got:,}; published {want:,} ({said})")
    digests = catalogue.column("digest")
    if repeats := len(digests) - len(set(digests)):
        say(args, f"  {repeats:,} pictures repeat another one; all are kept, a benchmark may leave them out")
    aside = [f"{a['source']}: {a['why']}" for a in catalogue.card["set_aside"]]
    for what, notes in (("set aside", aside), ("warnings", catalogue.card["warnings"])):
        if notes:
            rest = [f"... and {len(notes) - SHOWN:,} more, on the card"] if len(notes) > SHOWN else []
            say(args, "\n    ".join([f"  {what}: {len(notes):,}", *notes[:SHOWN], *rest]))


def say(args: Namespace, text: str) -> None:
    if not args.quiet:
        print(text, file=sys.stderr, flush=True)
