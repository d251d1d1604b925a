"""Cells of notebooks that meet other people's data, on the smallest of it."""

import json
from pathlib import Path

import numpy as np

from sbirkit.data import LeakError, Split
from sbirkit.models import TextTable
from sbirkit.runs import scores
from sbirkit.runs.given import HELD_FROM, both


def cell(root, name, words):
    """The source of the one code cell that says these words."""
    cells = json.loads((root / "notebooks" / f"{name}.ipynb").read_text())["cells"]
    (found,) = ["".join(c["source"]) for c in cells if c["cell_type"] == "code" and words in "".join(c["source"])]
    return found


def test_two_methods_are_too_few_to_order(root, capsys):
    zs = {name: [0.1 * k] for k, name in enumerate(("frozen", "softmax", "ramln", "dsn"))}
    mine = {"given": {name: {"ZS mAP@all": [0.5]} for name in ("softmax", "dsn")}}
    exec(cell(root, "13_compare", "theirs = "), {"zs": zs, "scores": scores, "found": mine, "real": "mine"})
    assert "mine (given): fewer than three methods that both tables have" in capsys.readouterr().out


def test_own_classes_get_vectors_that_stand_in(root, bench, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {"data": "mine", "vectors": "", "told": Path(), "seed": 0, "bench": bench, "np": np, "Path": Path,
             "TextTable": TextTable}  # fmt: skip
    exec(cell(root, "15_your_own_data", "table = TextTable.read"), names)
    known = names["table"].encode_text(bench.train_classes).isfinite().all(1)
    assert known.tolist() == [True, False, False, True]
    assert "Stand-ins: a vector by seed for each of your classes" in capsys.readouterr().out


def test_four_classes_of_ones_own_have_none_to_select_on(root, tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    mine = tiny.catalogue(tmp_path / "four", classes=4)
    names = {"unseen": "class 00, class 01", "mine": mine, "Split": Split, "LeakError": LeakError, "Path": Path,
             "HELD_FROM": HELD_FROM, "both": both}  # fmt: skip
    exec(cell(root, "15_your_own_data", 'Split.from_file("unseen.txt")'), names)
    assert "2 unseen classes" in capsys.readouterr().out
