"""Every kind of bad file that data sets are known to hold, built here."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

from sbirkit.data.pictures import PictureError, fit, read_picture, settle

RNG = np.random.default_rng(0)
RGB = Image.fromarray(RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8))


def encoded(img, kind, **options):
    out = io.BytesIO()
    img.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize(("modality", "mode"), [("photo", "RGB"), ("sketch", "L")])
def test_known_formats_give_one_mode_per_modality(kind, modality, mode):
    picture = read_picture(encoded(RGB, kind), modality)
    assert (picture.mode, picture.size) == (mode, (60, 40))


def test_path_and_bytes_agree(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(RGB, "PNG"))
    assert read_picture(tmp_path / "a.png", "photo") == RGB == read_picture(encoded(RGB, "PNG"), "photo")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.95])
def test_truncated_is_refused(kind, share):
    data = encoded(RGB, kind)
    with pytest.raises(PictureError):
        read_picture(data[: int(len(data) * share)], "photo")


def test_truncated_is_refused_even_if_pillow_was_told_to_be_lenient(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encoded(RGB, "JPEG")
    with pytest.raises(PictureError):
        read_picture(data[: len(data) // 2], "photo")
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_damaged_in_the_middle():
    data = bytearray(encoded(RGB, "PNG"))
    data[len(data) // 2] ^= 255
    with pytest.raises(PictureError, match="damaged"):
        read_picture(bytes(data), "photo")


def test_empty_file(tmp_path):
    (tmp_path / "a.jpg").touch()
    with pytest.raises(PictureError, match="empty"):
        read_picture(tmp_path / "a.jpg", "photo")


@pytest.mark.parametrize(
    "data", [b"hello, I am text", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.4"]
)
def test_not_a_picture(data):
    with pytest.raises(PictureError, match="not a picture in a known format"):
        read_picture(data, "photo")


def test_other_formats_that_pillow_reads_are_refused():
    with pytest.raises(PictureError, match="not a picture in a known format"):
        read_picture(encoded(RGB, "PPM"), "photo")


def test_missing_file(tmp_path):
    with pytest.raises(PictureError, match="cannot be read: No such file"):
        read_picture(tmp_path / "a.png", "photo")


def bomb(side):
    """A valid header, and a few bytes that claim to be ``side`` x ``side`` pixels."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(1000))),
    ]
    body = b"".join(
        struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d))
        for n, d in [*chunks, (b"IEND", b"")]
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("side", [9_000, 60_000])
def test_decompression_bomb_is_refused_before_decoding(side, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(PictureError, match="more than the 64,000,000"):
        read_picture(bomb(side), "photo")


def test_limits_can_be_moved():
    with pytest.raises(PictureError, match="60 x 40 pixels are more than the 2,399"):
        read_picture(encoded(RGB, "PNG"), "photo", max_pixels=2399)
    assert read_picture(encoded(RGB, "PNG"), "photo", max_pixels=2400)


def test_too_small():
    with pytest.raises(PictureError, match="shorter than 8"):
        read_picture(encoded(RGB.resize((200, 7)), "PNG"), "photo")


def test_cmyk():
    red = Image.new("CMYK", (20, 20), (0, 255, 255, 0))
    r, g, b = read_picture(encoded(red, "JPEG", quality=100), "photo").getpixel((5, 5))
    assert r > 200
    assert max(g, b) < 60


def test_palette_with_transparency_is_laid_on_white():
    img = Image.new("P", (20, 20), 1)
    img.putpalette([0, 0, 0, 255, 0, 0])
    img.paste(0, (0, 0, 10, 20))
    picture = read_picture(encoded(img, "PNG", transparency=0), "photo")
    assert picture.getpixel((2, 2)) == (255, 255, 255)
    assert picture.getpixel((15, 2)) == (255, 0, 0)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_half_transparent_black_is_grey(mode):
    img = Image.new(mode, (20, 20), (0, 128) if mode == "LA" else (0, 0, 0, 128))
    assert read_picture(encoded(img, "PNG"), "sketch").getpixel((3, 3)) == pytest.approx(127, abs=1)


def test_transparent_colour_of_an_rgb_file():
    img = Image.new("RGB", (20, 20), (1, 2, 3))
    assert read_picture(encoded(img, "PNG", transparency=(1, 2, 3)), "photo").getpixel((0, 0)) == (
        255,
        255,
        255,
    )


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(kind):
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(16, 0)
    picture = np.asarray(read_picture(encoded(Image.fromarray(ramp), kind), "sketch"))
    assert np.abs(picture[0].astype(int) - np.linspace(0, 255, 64)).max() <= 1


def test_transparent_grey_of_sixteen_bits_is_laid_on_white():
    chunk = b"tRNS" + struct.pack(">H", 300)
    data = encoded(Image.fromarray(np.array([[300, 301] * 8] * 16, np.uint16)), "PNG")
    data = data[:33] + struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]
    assert np.asarray(read_picture(data, "sketch"))[0, :2].tolist() == [255, 1]


def test_dark_sixteen_bits_stay_dark():
    dark = Image.fromarray(np.full((16, 16), 300, np.uint16))
    assert read_picture(encoded(dark, "PNG"), "sketch").getpixel((0, 0)) == 1


@pytest.mark.parametrize(("top", "want"), [(1.0, 255), (255.0, 255), (65535.0, 255), (200.0, 200)])
def test_floats(top, want):
    img = Image.fromarray(np.linspace(0, top, 256, dtype=np.float32).reshape(16, 16))
    assert np.asarray(read_picture(encoded(img, "TIFF"), "sketch")).max() == want


def test_floats_that_are_no_numbers():
    img = Image.fromarray(np.full((16, 16), np.nan, np.float32))
    with pytest.raises(PictureError, match="not finite"):
        read_picture(encoded(img, "TIFF"), "sketch")


@pytest.mark.parametrize("value", [0, 255])
def test_thirty_two_bit_integers(value):
    img = Image.fromarray(np.full((16, 16), value, np.int32))
    assert read_picture(encoded(img, "TIFF"), "sketch").getpixel((0, 0)) == value


def test_one_bit():
    assert read_picture(encoded(Image.new("1", (16, 16), 1), "PNG"), "photo").getpixel((0, 0)) == (255,) * 3


def test_exif_rotation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side: turn it clockwise
    img = Image.new("RGB", (60, 40), "white")
    img.paste("black", (0, 0, 10, 40))
    picture = read_picture(encoded(img, "JPEG", exif=exif), "photo")
    assert picture.size == (40, 60)
    assert sum(picture.getpixel((20, 2))) < 60 < sum(picture.getpixel((20, 50)))


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_exif_orientation_is_that_of_pillow(kind, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    data = encoded(RGB, kind, exif=exif)
    want = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(read_picture(data, "photo"), want)


@pytest.mark.parametrize(
    ("odd", "size"),
    [
        (struct.pack("<HHII", 0x011A, 1, 4, 1), (40, 60)),  # a resolution of another type
        (None, (60, 40)),  # nothing that can be read
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_odd_exif_does_not_spoil_the_pixels(odd, size, kind):
    entries = struct.pack("<HHHI4s", 2, 0x0112, 3, 1, b"\6") + (odd or b"")
    exif = b"Exif\0\0" + (b"II*\0\x08\0\0\0" + entries + bytes(4) if odd else b"garbage!")
    assert read_picture(encoded(RGB, kind, exif=exif), "photo").size == size


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animations_give_their_first_frame(kind):
    frames = [Image.new("RGB", (20, 20), c) for c in ("red", "lime", "blue")]
    data = encoded(
        frames[0],
        kind,
        save_all=True,
        append_images=frames[1:],
        **({"lossless": True} if kind == "WEBP" else {}),
    )
    assert read_picture(data, "photo").getpixel((5, 5)) == (255, 0, 0)


def test_unknown_modality():
    with pytest.raises(ValueError, match="want 'sketch' or 'photo', got 'drawing'"):
        read_picture(b"", "drawing")


def test_settle_keeps_pixels_of_the_right_mode():
    assert settle(RGB, "photo") == RGB


def test_photos_are_stretched_and_sketches_padded():
    wide = Image.new("RGB", (40, 20), "black")
    assert (fit(wide, 16, "photo") == 0).all()
    sketch = fit(wide, 16, "sketch")
    assert (sketch[:3] == 255).all()
    assert (sketch[5:11] == 0).all()


@pytest.mark.parametrize("size", [64, 224])
def test_padding_is_that_of_pillow_except_that_a_thin_drawing_stays_visible(size):
    for shape in RNG.integers(8, 400, (40, 2)):
        sketch = Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8))
        want = ImageOps.pad(sketch, (size, size), method=Image.Resampling.BICUBIC, color=255)
        np.testing.assert_array_equal(fit(sketch, size, "sketch"), want)
    for shape in ((60_000, 8), (8, 60_000)):
        ink = fit(Image.new("L", shape, 0), size, "sketch") == 0
        assert ink.sum() == size


def test_crop_keeps_the_centre():
    img = Image.new("RGB", (40, 20), "white")
    img.paste("black", (10, 0, 30, 20))
    assert (fit(img, 20, "photo", how="crop") == 0).all()


def test_shrinking_does_not_alias():
    """A one-pixel checkerboard becomes even grey: sampling every n-th pixel would give black or white."""
    board = Image.fromarray((np.indices((256, 256)).sum(0) % 2 * 255).astype(np.uint8))
    assert np.abs(fit(board, 16, "sketch").astype(int) - 127).max() <= 12


def test_unknown_way_to_fit():
    with pytest.raises(ValueError, match="how: want"):
        fit(RGB, 8, "photo", how="squash")
