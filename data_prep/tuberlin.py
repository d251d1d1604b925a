"""TU-Berlin with its extension: 250 classes, 80 sketches each, and 204,489 photos.

The sketches (20,000; CC BY 4.0; about 525 MB) are downloaded from their authors' server and checked. The
photos of the extension are on Google Drive, behind a page that only a person may pass, so you fetch them
yourself: the zip with the folder ImageResized, published with "Deep Sketch Hashing" (Liu et al., CVPR
2017):
https://drive.google.com/uc?id=0B2U-hnwRkpRrMFVvTmFQa3dmSUk (unverified).

Then: python -m data_prep tuberlin --from ImageResized.zip (what you give may hold the sketches too)

Terms of the photos: no licence was found; they come from ImageNet and the web: non-commercial research only.
Their folders spell many classes differently (wristwatching, griaffe, tshirt): brought to the sketches' names.
Disk: 2.5 GiB for the catalogue at 64 pixels, beside the archives. Time: about 15 minutes of one core.
"""

from argparse import ArgumentParser, Namespace
from functools import partial

from sbirkit.data.catalogue import Catalogue
from sbirkit.data.names import normalise

from .gather import Part, Remote, download, find, listing, pack, read

SUMMARY = "TU-Berlin and its extension, 250 classes (sketches downloaded, photos fetched by you: --help)"
SKETCHES = Remote(
    "sketches_png.zip",
    "https://cybertron.cg.tu-berlin.de/eitz/projects/classifysketch/sketches_png.zip",
    525,
    "023123df86a928a5273e3ba11990d8fd",  # as two public projects report it
)
SKETCH = Part("sketch", "sketch", r"png(?:_ready)?|sketches(?:_png)?")
PHOTO = Part("photo", "photo", r"ImageResized(?:_ready)?|images")
CREDIT = "Eitz, Hays, Alexa, 'How Do Humans Sketch Objects?', SIGGRAPH 2012 (CC BY 4.0)"
ALIASES = {  # folders of the photo archive that are more than words run together
    "chandeler": "chandelier", "diamod": "diamond", "griaffe": "giraffe", "mouse": "mouse_animal",
    "pipe": "pipe_for_smoking", "spacesshuttle": "space_shuttle", "spidar": "spider", "tromobone": "trombone",
    "wristwatching": "wrist_watch",
}  # fmt: skip


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--sketches-only", action="store_true", help="without the photos of the extension")


def photo_class(classes: dict[str, str], folder: str) -> str:
    """The sketches' name for a folder of photos; ``classes`` is keyed by names run together.

    >>> [photo_class({"tshirt": "t_shirt"}, folder) for folder in ("wristwatching", "T shirt", "ant")]
    ['wrist_watch', 't_shirt', 'ant']
    """
    glued = normalise(folder).replace("_", "")
    return ALIASES.get(glued) or classes.get(glued) or normalise(folder)


def prepare(args: Namespace) -> Catalogue:
    parts = [SKETCH] if args.sketches_only else [SKETCH, PHOTO]
    inner = r"(sketches_png|ImageResized|images)[^/]*\.zip$"
    trees = find(args.sources, parts, cache=args.downloads, inner=inner)
    if "photo" not in trees and not args.sketches_only:
        raise ValueError(f"--from: no photos found. Add --sketches-only to go without. Else:\n\n{__doc__}")
    if "sketch" not in trees:
        trees |= find(download(args, [SKETCHES]), [SKETCH], cache=args.downloads)
    lists = [listing(part, trees[part.key]) for part in parts]
    names = {normalise(folder) for folder, _ in lists[0].files}
    known = partial(photo_class, {name.replace("_", ""): name for name in names})
    items = [i for found in lists for i in found.items(label=str if found.part == SKETCH else known)]
    photos = {} if args.sketches_only else {"photo": 204_489}
    return pack(args, lists, items, partial(read, trees), {
        "title": "TU-Berlin" if args.sketches_only else "TU-Berlin, extended",
        "licence": "sketches: CC BY 4.0; photos: none found, for non-commercial research",
        "provenance": f"{CREDIT}; photos: Liu et al., 'Deep Sketch Hashing', CVPR 2017",
        "expected": {"sketch": 20_000, **photos, "classes": 250},
    })  # fmt: skip
