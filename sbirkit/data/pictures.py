"""From any picture file to a clean 8-bit picture, or to a sentence that says why not."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MODES = {"sketch": "L", "photo": "RGB"}
TURNS = {  # by EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
MAX_PIXELS = 64_000_000
MAX_BYTES = 512 * 2**20

Picture = Image.Image | Mapping[int, np.ndarray]


class PictureError(ValueError):
    """This picture cannot be used; the message says why. A preparation sets it aside and goes on."""


def read_picture(
    source: str | Path | bytes, modality: str, *, max_pixels: int = MAX_PIXELS, min_side: int = 8
) -> Image.Image:
    """Decode one picture safely: a sketch comes back as ``L``, a photo as ``RGB``, at its own size.

    The size is read from the header before anything is decoded, so a decompression bomb costs nothing.
    Truncated files are refused rather than filled with grey. EXIF rotation is applied, transparency is
    laid on white, animations give their first frame, 16-bit and floating-point pixels are scaled to 8 bits.

    Args:
        source: a file, or its bytes.
        max_pixels: larger pictures are refused. min_side: thinner ones too.

    >>> import io; f = io.BytesIO(); Image.new("LA", (20, 10), (0, 0)).save(f, "PNG")
    >>> picture = read_picture(f.getvalue(), "sketch")
    >>> picture.mode, picture.size, picture.getpixel((0, 0))
    ('L', (20, 10), 255)
    """
    _check_modality(modality)
    data = source if isinstance(source, bytes) else _read(Path(source))
    if not data:
        raise PictureError("the file is empty (0 bytes)")
    strictness, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as img:
            width, height = img.size
            if width * height > max_pixels:
                raise PictureError(f"{width} x {height} pixels are more than the {max_pixels:,} allowed")
            if min(width, height) < min_side:
                raise PictureError(f"{width} x {height} pixels: a side is shorter than {min_side}")
            img.load()
            return settle(_upright(img), modality)
    except PictureError:
        raise
    except Image.UnidentifiedImageError:
        raise PictureError(f"not a picture in a known format ({', '.join(FORMATS)})") from None
    except Image.DecompressionBombError:
        raise PictureError(f"more than the {max_pixels:,} pixels allowed (a decompression bomb?)") from None
    except Exception as error:  # decoders raise whatever they like on damaged files
        raise PictureError(f"damaged: {error or type(error).__name__}") from error
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = strictness


def settle(img: Image.Image, modality: str) -> Image.Image:
    """Any Pillow mode to ``L`` (sketch) or ``RGB`` (photo), transparency laid on white.

    >>> settle(Image.new("I;16", (8, 8), 65535), "photo").getpixel((0, 0))
    (255, 255, 255)
    """
    _check_modality(modality)
    if img.mode in ("I", "F") or img.mode.startswith("I;"):
        img = _eight_bits(img)
    if img.has_transparency_data:
        rgba = img.convert("RGBA")
        img = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return img.convert(MODES[modality])


def fit(
    img: Image.Image, size: int, modality: str, *, how: Literal["stretch", "pad", "crop"] | None = None
) -> np.ndarray:
    """Resize to a square with anti-aliasing: uint8, ``(size, size)`` or ``(size, size, 3)``.

    ``stretch`` ignores the aspect ratio: published protocols treat photos so, hence our default for them.
    ``pad`` keeps the whole picture on a white square, the default for sketches; ``crop`` keeps the centre.

    >>> fit(Image.new("L", (40, 20), 0), 8, "sketch")[:, 0].tolist()
    [255, 255, 0, 0, 0, 0, 255, 255]
    """
    _check_modality(modality)
    img, square = settle(img, modality), (size, size)
    match how or ("pad" if modality == "sketch" else "stretch"):
        case "stretch":
            out = img.resize(square, Image.Resampling.BICUBIC)
        case "pad":
            white = "white" if img.mode == "RGB" else 255
            inner = [max(1, round(side / max(img.size) * size)) for side in img.size]  # a hair stays visible
            out = ImageOps.pad(img.resize(inner, Image.Resampling.BICUBIC), square, color=white)
        case "crop":
            out = ImageOps.fit(img, square, method=Image.Resampling.BICUBIC)
        case other:
            raise ValueError(f"how: want 'stretch', 'pad' or 'crop', got {other!r}")
    return np.asarray(out)


def _upright(img: Image.Image) -> Image.Image:
    """Turned as its EXIF says. The rest of it is not looked at, and none that can be read is no damage."""
    try:
        turn = img.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # Pillow raises whatever it likes here, too
        return img
    return img.transpose(TURNS[turn]) if turn in TURNS else img


def _eight_bits(img: Image.Image) -> Image.Image:
    """Scale to 0..255: by 65535 for 16-bit modes, else by the first usual maximum that holds the pixels."""
    pixels = np.asarray(img, dtype=np.float64)
    if "transparency" in img.info:  # of a 16-bit PNG: this grey is to be white
        pixels = np.where(pixels == img.info["transparency"], 65535, pixels)
    top = pixels.max()
    if not np.isfinite(pixels).all():
        raise PictureError("some pixels are not finite numbers")
    usual = (1.0, 255.0, 65535.0) if img.mode == "F" else (255.0, 65535.0)
    peak = 65535.0 if img.mode.startswith("I;") else next((p for p in usual if top <= p), top)
    return Image.fromarray((pixels.clip(0, peak) * (255 / peak) + 0.5).astype(np.uint8))


def _read(path: Path) -> bytes:
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise PictureError(f"the file has {size:,} bytes, more than the {MAX_BYTES:,} allowed")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror}") from error


def _check_modality(modality: str) -> None:
    if modality not in MODES:
        raise ValueError(f"modality: want 'sketch' or 'photo', got {modality!r}")
