"""Sketchy with its extension: 125 classes, 75,481 sketches of 12,500 photographed objects, and more photos.

Both parts are on Google Drive, behind a page that only a person may pass, so you fetch them yourself:

1. rendered_256x256.7z, linked from http://sketchy.eye.gatech.edu (unverified: MD5
   6a9dccbd07b48566c4754a7674087657, as one public project reports it). Unpack it: `7z x
   rendered_256x256.7z` gives the folder 256x256.
2. The extension: a zip with the folder EXTEND_image_sketchy, published with "Deep Sketch Hashing" (Liu et
   al., CVPR 2017): https://drive.google.com/uc?id=0B2U-hnwRkpRrdGZKTzkwbkEwVkk (unverified). It may stay
   packed.

Then: python -m data_prep sketchy --from 256x256 --from EXTEND_image_sketchy.zip

Terms: no licence was found. The photos come from ImageNet: non-commercial research, do not pass them on.
Of the renderings of every picture, tx_000000000000 is taken, as published work does.
A sketch n02691156_10151-3.png shows the object of n02691156_10151.jpg: that is its instance.
The extension (73,002 photos) repeats the 12,500 originals. Both copies are kept, since published galleries
have them; by the column "original" a deduplicated gallery knows them, should their pixels differ.
Disk: some GB for the archives, 1.3 GiB for the catalogue at 64 pixels. Time: about 9 minutes of one core."""

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from functools import partial

from sbirkit.data.catalogue import Catalogue
from sbirkit.data.names import normalise

from .gather import Part, find, instance_of, listing, pack, read, say

SUMMARY = "Sketchy and its extension, 125 classes (you fetch the archives yourself: --help)"
PARTS = (
    Part("sketch", "sketch", r"sketch/tx_000000000000(?:_ready)?"),
    Part("photo", "photo", r"photo/tx_000000000000(?:_ready)?"),
    Part("extended", "photo", r"EXTEND_image_sketchy(?:_ready)?|extended_photo"),
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--originals-only", action="store_true", help="without the extension")


def prepare(args: Namespace) -> Catalogue:
    parts = PARTS[: 2 if args.originals_only else 3]
    trees = find(args.sources, parts, cache=args.downloads, inner=r"EXTEND_image_sketchy[^/]*\.zip$")
    if lacking := [part.key for part in parts if part.key not in trees]:
        raise ValueError(
            f"--from: found no {' and no '.join(lacking)} pictures. What is needed:\n\n{__doc__}"
        )
    lists = [listing(part, trees[part.key]) for part in parts]
    instance = instance_of(found for found in lists if found.part.key == "photo")
    items = [
        replace(i, extra={"original": f"{normalise(i.label)}/{i.instance}" if i.instance else i.source})
        for found in lists
        for i in found.items(instance=instance)
    ]
    repeats = sum(item.source.startswith("extended/") and item.instance != "" for item in items)
    say(args, f"{repeats:,} photos of the extension are named like an original (published: 12,500).")
    return pack(args, lists, items, partial(read, trees), {
        "title": "Sketchy" if args.originals_only else "Sketchy, extended",
        "licence": "none found; photos from ImageNet, for non-commercial research",
        "provenance": "Sangkloy, Burnell, Ham, Hays, 'The Sketchy Database', SIGGRAPH 2016; extension: "
        "Liu et al., 'Deep Sketch Hashing', CVPR 2017",
        "expected": {"sketch": 75_481, "photo": 12_500 if args.originals_only else 85_502, "classes": 125},
    })  # fmt: skip
