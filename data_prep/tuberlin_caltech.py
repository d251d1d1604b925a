"""TU-Berlin sketches x Caltech-101 photos: 46 shared classes, both CC BY 4.0. Nothing to ask for.

Downloads sketches_png.zip (about 525 MB) and caltech-101.zip (about 137 MB), both checked against the
checksums that independent users report. Gives 3,680 sketches (80 a class) and 3,333 photos (31 to 120 a
class: larger ones are cut at random with a fixed seed; files that repeat another byte by byte are left out
and named).
Where the two sets mean different things by a class (fish: bass), data_prep/tuberlin_caltech.csv says so.
The card holds a split, tuberlin-caltech-12: 34 classes seen, 12 unseen, drawn once at random.
Disk: 850 MB for the archives, 60 MiB for the catalogue at 64 pixels. Time: about 2 minutes of one core."""

import csv
import hashlib
import random
from argparse import ArgumentParser, Namespace
from functools import partial
from importlib import resources

from sbirkit.data.catalogue import Catalogue
from sbirkit.data.writing import Item

from .archives import ArchiveError, Tree
from .gather import Part, Remote, download, find, listing, pack, read
from .tuberlin import CREDIT, SKETCH, SKETCHES

SUMMARY = "TU-Berlin sketches x Caltech-101 photos, 46 classes, CC BY, downloaded (the easiest real one)"
PHOTOS = Remote(
    "caltech-101.zip",
    "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip",
    137,
    "3138e1922a9193bfa496528edbbc45d0",  # as many public projects report it
)
PHOTO = Part("photo", "photo", r"101_ObjectCategories")
CAP = 120  # photos a class, at most


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=0, help="of the cut of large classes (%(default)s)")


def mapping() -> list[dict[str, str]]:
    """One row per class: its name here and in either source, its side of the split, a note."""
    with resources.files(__package__).joinpath("tuberlin_caltech.csv").open(encoding="utf-8") as f:
        return list(csv.DictReader(f))


def prepare(args: Namespace) -> Catalogue:
    inner = r"sketches_png[^/]*\.zip$|caltech-?101[^/]*\.zip$|101_ObjectCategories\.tar\.gz$"
    trees = find(args.sources, [SKETCH, PHOTO], cache=args.downloads, inner=inner)
    for part, remote in ((SKETCH, SKETCHES), (PHOTO, PHOTOS)):
        if part.key not in trees:
            trees |= find(download(args, [remote]), [part], cache=args.downloads, inner=inner)
    lists = [listing(part, trees[part.key]) for part in (SKETCH, PHOTO)]
    sketches, photos = (found.by_class() for found in lists)
    items: list[Item] = []
    warnings = []
    for row in mapping():
        label, categories = row["class"], row["caltech101"].split("+")
        kept, repeats = distinct(trees["photo"], [f"{c}/{file}" for c in categories for file in photos[c]])
        warnings += [f"photo/{name} is the same file as photo/{first}: left out" for name, first in repeats]
        if len(kept) > CAP:
            kept = sorted(random.Random(f"{args.seed} {label}").sample(kept, CAP))
        items += [
            Item(label, "sketch", f"sketch/{row['tuberlin']}/{file}") for file in sketches[row["tuberlin"]]
        ]
        items += [Item(label, "photo", f"photo/{name}") for name in kept]
    return pack(args, lists, items, partial(read, trees), {
        "title": "TU-Berlin x Caltech-101",
        "licence": "CC BY 4.0 (both)",
        "provenance": f"{CREDIT}; Li, Andreeto, Ranzato, Perona, 'Caltech 101', 2022, doi:10.22002/D1.20086",
        "warnings": warnings,
        "classes": {row["class"]: {"note": row["note"]} if row["note"] else {} for row in mapping()},
        "splits": {"tuberlin-caltech-12": [row["class"] for row in mapping() if row["split"] == "unseen"]},
        "expected": {"sketch": 3_680, "photo": 3_333, "classes": 46},
    })  # fmt: skip


def distinct(tree: Tree, names: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """The first of every set of equal files, and ``(repeat, first)`` for the others."""
    first: dict[bytes | str, str] = {}
    repeats = []
    for name in names:
        try:
            mark: bytes | str = hashlib.sha256(tree.read(name)).digest()
        except ArchiveError:  # it repeats nothing, and is set aside when it is read again
            mark = name
        if (known := first.setdefault(mark, name)) != name:
            repeats.append((name, known))
    return list(first.values()), repeats
