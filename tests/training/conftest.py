"""A tiny benchmark, and the tiny methods of ``tiny.py``."""

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny():
    """The module ``tiny.py`` beside this file, under that name also for those that import it by name."""
    if "tiny" not in sys.modules:
        spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
        sys.modules["tiny"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["tiny"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data") / "bars"


@pytest.fixture(scope="session")
def bench(tiny, folder):
    return tiny.benchmark(folder)
