"""Your own pictures: a folder, zip or tar with

    photo/<class>/<any name>.jpg
    sketch/<class>/<any name>.png

Formats: JPEG, PNG, WebP, GIF, BMP, TIFF. With --pairs stem, sketch/cat/tom.png and sketch/cat/tom-2.png
show the very cat of photo/cat/tom.jpg, for fine-grained retrieval. --captions is a CSV file with the
columns file and caption, as in: photo/cat/tom.jpg,"a fat grey cat". A picture that cannot be read is set
aside and named.
Time: about a minute for 15,000 pictures on one core. Disk: 16 KiB a picture at 64 pixels, less for
sketches."""

import csv
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sbirkit.data.catalogue import Catalogue

from .gather import PICTURES, Part, find, instance_of, listing, pack, read

SUMMARY = "your own pictures: photo/<class>/*, sketch/<class>/*"
PARTS = (Part("sketch", "sketch", "sketch"), Part("photo", "photo", "photo"))


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--pairs", choices=("none", "stem"), default="none", help="pair by file name")
    parser.add_argument("--captions", type=Path, metavar="CSV", help="columns: file, caption")
    parser.add_argument("--title", help="what the card calls it (default: the name of the folder)")
    parser.add_argument("--licence", default="", help="what the card says about the pictures' licence")


def prepare(args: Namespace) -> Catalogue:
    if len(args.sources) != 1:
        raise ValueError(f"--from: want your folder, zip or tar, once; got {len(args.sources)} paths")
    trees = find(args.sources, PARTS, cache=args.downloads)
    lists = [listing(part, trees[part.key]) for part in PARTS if part.key in trees]
    instance = instance_of(found for found in lists if found.part.key == "photo" and args.pairs == "stem")
    items = [item for found in lists for item in found.items(instance=instance)]
    captions = _captions(args.captions) if args.captions else {}
    warnings = [
        f"no pictures in {part}/<class>/: want that spelling, and files of {', '.join(sorted(PICTURES))}"
        for part in PARTS if part.key not in trees
    ]  # fmt: skip
    items = [replace(item, caption=captions.pop(item.source, "")) for item in items]
    if captions:
        some = ", ".join(map(repr, sorted(captions)[:3]))
        warnings += [f"{args.captions.name}: {len(captions)} captions are of no picture here: {some}"]
    classes: dict[str, Any] = {label: {} for found in lists for label in found.empty}
    return pack(args, lists, items, partial(read, trees), {
        "title": args.title or args.sources[0].resolve().name, "licence": args.licence,
        "provenance": "the user's own", "warnings": warnings, "classes": classes,
    })  # fmt: skip


def _captions(path: Path) -> dict[str, str]:
    """``{file: caption}``. A repeated file, a missing column or a torn row is the user's mistake."""
    found: dict[str, str] = {}
    line = 1  # where the row begins
    try:
        with path.open(newline="", encoding="utf-8-sig") as f:
            rows = csv.DictReader(f, strict=True)  # strict: a quote that stays open is an error
            if not {"file", "caption"} <= set(rows.fieldnames or ()):
                raise ValueError(
                    f"--captions: {path} wants the columns file and caption, has {rows.fieldnames}"
                )
            line = rows.line_num + 1
            for row in rows:
                if None in row or None in row.values():
                    raise csv.Error("more or fewer fields than columns")
                if row["file"] in found:
                    raise ValueError(f"--captions: {path}:{line}: {row['file']!r} comes twice")
                found[row["file"]] = row["caption"]
                line = rows.line_num + 1
    except UnicodeDecodeError as error:
        raise ValueError(f"--captions: {path} is not UTF-8 text ({error.reason}): save it as UTF-8") from None
    except csv.Error as error:
        raise ValueError(
            f"--captions: {path}:{line}: {error}. Put a caption that has a comma in it in "
            '"quotes", and double a quote within'
        ) from None
    return found
