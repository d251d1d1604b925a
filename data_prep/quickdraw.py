"""QuickDraw-Extended: 110 classes, 3,000 sketches each, and 204,000 photos.

Sketches: "Quick, Draw!" (Google, CC BY 4.0), from its public bucket: of every class the first 3,000
drawings that the game recognised, read from the head of its file (about 0.5 GB in all; whole files would be
7 GB or so), and drawn here from their strokes, anti-aliased. The published extension took another 3,000 and
does not say which: for its very pictures, fetch
http://datasets.cvc.uab.es/QuickDraw/QuickDraw_sketches_final.zip and give that with --from. A folder of
<class>.ndjson files is taken instead of the download, too.

Photos: collected from Flickr by Dey et al. (CVPR 2019); no licence was found, so non-commercial research
only.
Fetch http://datasets.cvc.uab.es/QuickDraw/QuickDraw_images_final.zip yourself (unverified; no checksum
found).

Then: python -m data_prep quickdraw --from QuickDraw_images_final.zip

Disk: 3.7 GiB for the catalogue at 64 pixels, beside the archives. Time: about 15 minutes of one core.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

from sbirkit.data.catalogue import Catalogue
from sbirkit.data.names import normalise
from sbirkit.data.pictures import Picture, PictureError
from sbirkit.data.splits import Split
from sbirkit.data.writing import Item

from .archives import Tree
from .fetch import fetch
from .gather import Part, find, listing, pack, read, say
from .strokes import WIDTH, parse, rasterise

SUMMARY = "QuickDraw-Extended, 110 classes (strokes downloaded, photos fetched by you: --help)"
URL = "https://storage.googleapis.com/quickdraw_dataset/full/simplified/{}.ndjson"
PARTS = (
    Part("sketch", "sketch", r"QuickDraw_sketches(?:_final)?"),
    Part("photo", "photo", r"QuickDraw_images(?:_final)?"),
)
GOOGLE = {  # where Google's name is not ours with spaces
    "crocodilian": "crocodile", "eiffel_tower": "The Eiffel Tower", "motorcycle": "motorbike",
    "teddy_bear": "teddy-bear",
}  # fmt: skip
LINE = 1_600  # bytes we expect a recognised drawing to take, generously


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--per-class", type=int, default=3_000, help="drawings of each class (%(default)s)")
    parser.add_argument("--width", type=float, default=WIDTH, help="of lines, part of the side (%(default)s)")
    parser.add_argument("--sketches-only", action="store_true", help="without the photos of the extension")
    parser.add_argument("--all-classes", action="store_true", help="every ndjson of --from, not only the 110")


def prepare(args: Namespace) -> Catalogue:
    if args.per_class < 1 or not 0 < args.width <= 0.25:
        raise ValueError(f"want --per-class >= 1, 0 < --width <= 0.25; got {args.per_class}, {args.width}")
    parts = PARTS[: 1 if args.sketches_only else 2]
    inner = r"QuickDraw_(sketches|images)[^/]*\.zip$"
    folders = [path for path in args.sources if path.is_dir()]
    local = {p: sorted(p / n for n in Tree(p).names() if n.endswith(".ndjson")) for p in folders}
    with_strokes = [folder for folder, files in local.items() if files]
    trees = find(args.sources, parts, cache=args.downloads, inner=inner, other=with_strokes)
    if "photo" not in trees and not args.sketches_only:
        raise ValueError(f"--from: no photos found. Add --sketches-only to go without. Else:\n\n{__doc__}")
    lists = [listing(part, trees[part.key]) for part in parts if part.key in trees]
    given = [path for files in local.values() for path in files]
    strokes = {} if "sketch" in trees else stroke_files(args, given)
    items = [item for found in lists for item in found.items()]
    warnings = []
    for label, path in strokes.items():
        offsets, cut = recognised(path, args.per_class)
        items += [Item(label, "sketch", f"strokes/{path.name}@{offset}") for offset in offsets]
        warnings += [f"{path.name} ends in the middle of a drawing, which is left out"] * cut
    files = {path.name: path for path in strokes.values()}
    photos = {} if args.sketches_only else {"photo": 204_000}
    return pack(args, lists, items, partial(picture, trees, files, args.size, args.width), {
        "title": "QuickDraw" if args.sketches_only else "QuickDraw, extended",
        "licence": "sketches: CC BY 4.0; photos: none found, for non-commercial research",
        "provenance": "The Quick, Draw! Dataset, Google; photos: Dey et al., 'Doodle to Search', CVPR 2019",
        "warnings": warnings,
        "expected": {} if args.all_classes else {"sketch": 330_000, **photos, "classes": 110},
        "recipe": {name: [(s := path.stat()).st_size, s.st_mtime_ns] for name, path in files.items()},
    })  # fmt: skip


def stroke_files(args: Namespace, local: Sequence[Path]) -> dict[str, Path]:
    """``{class: ndjson file}``: from those that ``--from`` holds, else downloaded as far as needed."""
    wanted = {label: GOOGLE.get(label, label.replace("_", " ")) for label in classes()}
    known = {name: label for label, name in wanted.items()}
    found: dict[str, Path] = {}
    for path in local:
        if label := normalise(path.stem) if args.all_classes else known.get(path.stem):
            if label in found:
                raise ValueError(f"--from: {found[label]} and {path} are both {label!r}: give one of them")
            found[label] = path
    if found:
        return found if args.all_classes else {label: found[label] for label in wanted if label in found}
    if args.all_classes:
        raise ValueError("--all-classes: want --from with a folder of <class>.ndjson files, found none")
    if local:
        raise ValueError("--from: no ndjson file has the name of one of the 110; --all-classes takes any")
    megabytes = len(wanted) * args.per_class * LINE / 1e6
    say(args, f"To download: about {megabytes:,.0f} MB into {args.downloads}.")
    return {label: _download(args, name) for label, name in wanted.items()}


def classes() -> tuple[str, ...]:
    """The 110 of the extension."""
    return Split.named("quickdraw-30-dey").classes or ()


def _download(args: Namespace, name: str) -> Path:
    """The head of one class's file, twice as long until it holds enough drawings or all there are."""
    url, path = URL.format(quote(name)), args.downloads / "quickdraw" / f"{name}.ndjson"
    first = args.per_class * LINE
    while True:
        sha256 = fetch(url, path, first=first, progress=not args.quiet)
        if path.stat().st_size < first or len(recognised(path, args.per_class)[0]) >= args.per_class:
            args.files.append({"name": path.name, "url": url, "sha256": sha256, "bytes": path.stat().st_size})
            return path
        first *= 2


def recognised(path: Path, count: int) -> tuple[list[int], bool]:
    """Where the first ``count`` recognised drawings start, and whether the file ends in the middle of one.

    Lines that cannot be read are among them: they come up again when drawn, and are set aside there.
    """
    offsets: list[int] = []
    offset = good = 0
    with path.open("rb") as file:
        for line in file:
            try:
                take = good_one = bool(parse(line).get("recognized", True))
            except PictureError:
                if not line.endswith(b"\n"):
                    return offsets, True
                take, good_one = bool(line.strip()), False
            if take:
                offsets.append(offset)
            good += good_one
            offset += len(line)
            if good == count:
                break
    return offsets, False


def picture(
    trees: Mapping[str, Tree], files: Mapping[str, Path], sizes: Sequence[int], width: float, item: Item
) -> Picture:
    """A photo or a published sketch from its tree; a stroke drawing from its line."""
    key, _, rest = item.source.partition("/")
    if key != "strokes":
        return read(trees, item)
    name, _, offset = rest.rpartition("@")
    with files[name].open("rb") as file:
        file.seek(int(offset))
        drawing = parse(file.readline())["drawing"]
    return {size: rasterise(drawing, size, width=width) for size in sizes}
