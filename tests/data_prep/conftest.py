"""Pictures, archives and a command line for the tests of data_prep."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.cli import main
from sbirkit.data.catalogue import Catalogue


@pytest.fixture(scope="session")
def png() -> Callable[..., bytes]:
    """``png(seed)``: the bytes of a small picture, another for each seed; ``kind`` is any Pillow format."""

    def make(seed: int = 0, kind: str = "PNG") -> bytes:
        pixels = np.random.default_rng(seed).integers(0, 255, (24, 20, 3), dtype=np.uint8)
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, kind)
        return out.getvalue()

    return make


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """``tree({"photo/cat/1.png": b"..."})``: a folder of these; "x/" is an empty folder."""

    def make(files: dict[str, bytes], name: str = "mine") -> Path:
        root = tmp_path / name
        for file, data in files.items():
            path = root / file
            (path if file.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
            if not file.endswith("/"):
                path.write_bytes(data)
        return root

    return make


@pytest.fixture
def prepare(tmp_path: Path) -> Callable[..., Catalogue]:
    """``prepare("folder", "--from", path)``: run the command in one process and open what it made."""

    def run(name: str, *options: object, out: str = "out") -> Catalogue:
        where = ["--out", tmp_path / out, "--downloads", tmp_path / "downloads", "--workers", 1]
        code = main([name, *map(str, [*options, *where])])
        assert code == 0, f"{name} ended with {code}"
        return Catalogue.open(tmp_path / out)

    return run
