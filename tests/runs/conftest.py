"""Tiny notebooks to run."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path):
    """``write("00-name", ("markdown", "# Title"), ("code", "1 + 1", "tag"))`` makes one."""
    folder = tmp_path / "with spaces"
    folder.mkdir()

    def one(name: str, *cells: tuple[str, ...]) -> Path:
        written = []
        for k, (kind, source, *tags) in enumerate(cells):
            cell = {
                "cell_type": kind,
                "id": f"c{k}",
                "metadata": {"tags": tags} if tags else {},
                "source": source,
            }
            if kind == "code":
                cell |= {"outputs": [], "execution_count": None}
            written.append(cell)
        path = folder / f"{name}.ipynb"
        path.write_text(json.dumps({"cells": written, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        return path

    return one
