"""Tiny archives with the layout of the published ones, to try the real adapters without the data.

Their pictures mean little: a bar whose angle is the class's, and a line of their own.
"""

import io
import json
import math
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

EACH = 3  # sketches, and photos, of each class
GOOGLE = {  # where the strokes' files are named otherwise
    "crocodilian": "crocodile", "eiffel_tower": "The Eiffel Tower", "motorcycle": "motorbike",
    "teddy_bear": "teddy-bear",
}  # fmt: skip


def build(data: str, classes: Sequence[str], out: Path, *, each: int = EACH) -> list[Path]:
    """Write the archives of a data set into ``out``; returns what ``data_prep NAME --from`` takes."""
    makers: dict[str, Callable[[Sequence[str], Path, int], list[Path]]] = {
        "sketchy": sketchy, "tuberlin": tuberlin, "quickdraw": quickdraw,
    }  # fmt: skip
    if data not in makers:
        raise ValueError(f"data: want one of {', '.join(makers)}, got {data!r}")
    out.mkdir(parents=True, exist_ok=True)
    return makers[data](classes, out, each)


def sketchy(classes: Sequence[str], out: Path, each: int) -> list[Path]:
    """The unpacked folder 256x256, and the zip of the extension, which repeats the originals."""
    root, extension = out / "256x256", out / "EXTEND_image_sketchy.zip"
    with zipfile.ZipFile(extension, "w") as packed:
        for number, name in enumerate(classes):
            folder = name.replace("hot_air", "hot-air")
            for k in range(each):
                stem = f"n{number:08d}_{k}"
                photo = picture(name, "photo", k)
                _write(root / "photo" / "tx_000000000000" / folder / f"{stem}.jpg", photo)
                _write(
                    root / "sketch" / "tx_000000000000" / folder / f"{stem}-1.png", picture(name, "sketch", k)
                )
                packed.writestr(f"EXTEND_image_sketchy/{folder}/{stem}.jpg", photo)
            packed.writestr(f"EXTEND_image_sketchy/{folder}/ext_{number}.jpg", picture(name, "photo", each))
    return [root, extension]


def tuberlin(classes: Sequence[str], out: Path, each: int) -> list[Path]:
    """Both zips; the photos' folders run the words of a class together."""
    sketches, photos = out / "sketches_png.zip", out / "ImageResized.zip"
    with zipfile.ZipFile(sketches, "w") as one, zipfile.ZipFile(photos, "w") as other:
        for number, name in enumerate(classes):
            for k in range(each):
                one.writestr(f"png/{name}/{each * number + k}.png", picture(name, "sketch", k))
                folder = name.replace("_", "")
                other.writestr(f"ImageResized/{folder}/{folder}_{k}.jpg", picture(name, "photo", k))
    return [sketches, photos]


def quickdraw(classes: Sequence[str], out: Path, each: int) -> list[Path]:
    """A folder of strokes, a line a drawing, and the zip of the photos."""
    strokes, photos = out / "strokes", out / "QuickDraw_images_final.zip"
    strokes.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(photos, "w") as packed:
        for name in classes:
            lines = [json.dumps({"word": name, "recognized": True, "drawing": drawing(name, k)}) + "\n"
                     for k in range(each)]  # fmt: skip
            (strokes / f"{GOOGLE.get(name, name.replace('_', ' '))}.ndjson").write_text("".join(lines))
            for k in range(each):
                packed.writestr(f"QuickDraw_images_final/{name}/{k}.jpg", picture(name, "photo", k))
    return [strokes, photos]


def picture(name: str, modality: str, k: int, side: int = 64) -> bytes:
    """A file: the strokes black on white, or coloured on noise. No two are equal, as a benchmark demands."""
    if modality == "sketch":
        image, kind = Image.new("L", (side, side), 255), "PNG"
        colour: int | tuple[int, ...] = 0
    else:
        noise = _rng(name, k).integers(90, 160, (side, side, 3), dtype=np.uint8)
        image, kind = Image.fromarray(noise), "JPEG"
        colour = tuple(zlib.crc32(name.encode()) >> shift & 255 for shift in (0, 8, 16))
    for x, y in drawing(name, k):
        points = [(a * side / 256, b * side / 256) for a, b in zip(x, y, strict=True)]
        ImageDraw.Draw(image).line(points, fill=colour, width=3)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def drawing(name: str, k: int) -> list[list[list[int]]]:
    """Strokes as Google's files have them, ``[[x, ...], [y, ...]]``: the class's bar, and some of its own."""
    angle = zlib.crc32(name.encode()) % 180 / 180 * math.pi
    bar = [[round(128 + sign * 100 * f(angle)) for sign in (-1, 1)] for f in (math.cos, math.sin)]
    return [bar, _rng(name, k).integers(0, 256, (2, 4)).tolist()]


def _rng(name: str, k: int) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(f"{name} {k}".encode()))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
