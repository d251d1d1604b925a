"""Cells marked for comparison are compared: a wrong constant in a loss turns nbval red."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sbirkit.runs import notebooks

ROOT = Path(__file__).resolve().parents[2]
MARK = "joint is never above split"  # in the cell that is taken
BEGIN = """
from sbirkit import lessons
from sbirkit.losses import cross_modal_quadruplet as quadruplet
import torch
y = torch.tensor([0, 1]), torch.tensor([0, 1])
"""


def package(folder: Path) -> Path:
    """A copy of the package, of links but for the losses."""
    copy = folder / "sbirkit"
    copy.mkdir()
    for path in (ROOT / "sbirkit").iterdir():
        if path.name not in ("losses", "__pycache__"):
            (copy / path.name).symlink_to(path)
    shutil.copytree(
        ROOT / "sbirkit" / "losses", copy / "losses", ignore=shutil.ignore_patterns("__pycache__")
    )
    return copy


@pytest.mark.parametrize("fault", [False, True], ids=["as it is", "with a fault"])
def test_nbval_compares_the_stored_output_with_a_live_loss(tmp_path, fault):
    if fault:
        file = package(tmp_path) / "losses" / "quadruplet.py"
        text = file.read_text(encoding="utf-8")
        assert "(1 - balance, balance)" in text
        file.write_text(text.replace("(1 - balance, balance)", "(0.9 - balance, balance)"), encoding="utf-8")
    whole = json.loads((ROOT / "notebooks" / "05_ramln.ipynb").read_text(encoding="utf-8"))
    (cell,) = [one for one in whole["cells"] if MARK in "".join(one["source"]) and notebooks.tags(one)]
    begin = {"cell_type": "code", "id": "begin", "metadata": {}, "source": BEGIN, "outputs": [],
             "execution_count": None}  # fmt: skip
    path = tmp_path / "part.ipynb"
    path.write_text(json.dumps(whole | {"cells": [begin, cell]}), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "--rootdir"]
    done = subprocess.run(
        [*command, tmp_path, path],
        env=os.environ | {"PYTHONPATH": str(tmp_path if fault else ROOT)}, cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ("1 failed" in done.stdout) == fault, done.stdout
    assert done.returncode == int(fault)
    assert ("joint is never above split" in done.stdout) == fault, "the cell is shown, with both outputs"
