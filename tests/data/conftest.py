"""Small catalogues, written into the test's own folder."""

import zlib

import numpy as np
import pytest
from PIL import Image

from sbirkit.data import Item, PictureError, write_catalogue


def _noise(item):
    """A picture that follows from the source up to '#', so ``a#1`` copies ``a``; ``bad...`` fails."""
    if item.source.startswith("bad"):
        raise PictureError("cannot be used")
    rng = np.random.default_rng(zlib.crc32(item.source.split("#")[0].encode()))
    pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    return Image.fromarray(pixels if item.modality == "photo" else pixels[..., 0])


def _world(classes=10, instances=5):
    """``instances`` paired objects of each class: one photo and one sketch of each."""
    return [
        Item(f"class {c:02d}", modality, f"{modality}/{c}/{i}", instance=str(i), caption=f"thing {i}")
        for c in range(classes)
        for i in range(instances)
        for modality in ("photo", "sketch")
    ]


@pytest.fixture
def make(tmp_path):
    """``make(items, **options)``: a catalogue of 16-pixel noise."""

    def make(
        items, *, name="tiny", sizes=(16,), workers=1, out=None, picture=_noise, overwrite=False, **card
    ):
        return write_catalogue(
            out or tmp_path / name, items, picture, card={"name": name, **card}, sizes=sizes,
            workers=workers, progress=False, overwrite=overwrite,
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def noise():
    return _noise


@pytest.fixture(scope="session")
def world():
    return _world
