"""Fixtures that every part of the suite shares."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Small real data sets beside the checkout. Not part of the product: absent, the test is skipped."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the real pictures in ../shared/data, which are not part of this repository")
    return folder


@pytest.fixture(scope="session")
def tiny():
    """``tests/training/tiny.py``: the smallest things that can be trained.

    It is put under that name also for the processes that tests start, which import it by name.
    """
    if "tiny" not in sys.modules:
        spec = importlib.util.spec_from_file_location("tiny", ROOT / "tests" / "training" / "tiny.py")
        sys.modules["tiny"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["tiny"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data") / "bars"


@pytest.fixture(scope="session")
def bench(tiny, folder):
    """Four training classes of bars, two to select on, three unseen."""
    return tiny.benchmark(folder)
