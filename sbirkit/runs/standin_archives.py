"""Tiny archives with the layout of the published ones, to try the real adapters without the data.

Their pictures mean nothing: a bar whose angle is the class's.
"""

import io
import json
import math
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
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
            lines = [json.dumps({"word": name, "recognized": True, "drawing": [drawing(name, k)]}) + "\n"
                     for k in range(each)]  # fmt: skip
            (strokes / f"{GOOGLE.get(name, name.replace('_', ' '))}.ndjson").write_text("".join(lines))
            for k in range(each):
                packed.writestr(f"QuickDraw_images_final/{name}/{k}.jpg", picture(name, "photo", k))
    return [strokes, photos]


def picture(name: str, modality: str, k: int, side: int = 64) -> bytes:
    """A file: the bar of the class, black on white, or coloured on noise."""
    ends = list(_ends(name, k, side))
    if modality == "sketch":
        image, colour, kind = Image.new("L", (side, side), 255), (0,), "PNG"
    else:
        noise = np.random.default_rng(zlib.crc32(f"{name} {k}".encode())).integers(90, 160, (side, side, 3))
        image, kind = Image.fromarray(noise.astype(np.uint8)), "JPEG"
        colour = tuple(zlib.crc32(name.encode()) >> s & 255 for s in (0, 8, 16))
    ImageDraw.Draw(image).line(ends, fill=colour if len(colour) > 1 else 0, width=5)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def drawing(name: str, k: int) -> list[list[int]]:
    """One stroke, as Google's files have them: ``[[x, ...], [y, ...]]``."""
    (x0, y0), (x1, y1) = _ends(name, k, 256)
    return [[round(x0), round(x1)], [round(y0), round(y1)]]


def _ends(name: str, k: int, side: int) -> Iterator[tuple[float, float]]:
    angle = zlib.crc32(name.encode()) % 180 / 180 * math.pi + 0.1 * k
    for sign in (-1, 1):
        yield side * (0.5 + sign * 0.4 * math.cos(angle)), side * (0.5 + sign * 0.4 * math.sin(angle))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
