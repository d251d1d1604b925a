"""Notebook 30's tables: stored numbers alone, and beside those of a run of make reproduce."""

import json
import shutil

import pytest

from sbirkit import paths
from sbirkit.runs import notebooks, overview
from sbirkit.runs.figures import MIME
from sbirkit.runs.rows import ROWS


def notebook(path, value):
    record = {"kind": "figure", "name": "mAP", "value": value, "band": 0.02, "note": ""}
    cell = {"cell_type": "code", "source": "", "outputs": [{"data": {MIME: record}}]}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"cells": [cell], "metadata": {}}))
    return path


@pytest.mark.parametrize(("value", "verdict"), [(0.51, "agrees"), (0.6, "differs")])
def test_a_figure_stands_beside_the_fresh_one(tmp_path, monkeypatch, value, verdict):
    sources = [
        notebook(tmp_path / "src" / f"{name}.ipynb", 0.5) for name in ("01_one", "02_two", overview.LAST)
    ]
    monkeypatch.setattr(notebooks, "find", lambda: sources)
    monkeypatch.delenv(overview.REPRODUCED, raising=False)
    stored = {"fresh": "", "stored": "0.5 ± 0.02", "verdict": ""}
    found = overview.figures()
    assert [row["notebook"] for row in found.rows] == ["01_one", "02_two"]
    assert all(row | stored == row for row in found.rows)
    assert found.caption.startswith("Stored")

    monkeypatch.setenv(overview.REPRODUCED, str(tmp_path / "out"))
    notebook(tmp_path / "out" / "01_one.ipynb", value)
    first, second = overview.figures().rows
    assert (first["fresh"], first["verdict"]) == (f"{value} ± 0.02", verdict)
    assert second | stored == second


def test_a_method_stands_beside_the_fresh_one(tmp_path, monkeypatch):
    monkeypatch.delenv(overview.REPRODUCED, raising=False)
    shipped = {row["method"]: row for row in overview.methods().rows}
    assert list(shipped) == list(ROWS)
    value = shipped["frozen"]["ZS mAP@all"]
    assert 0 < float(value) < 1

    monkeypatch.setenv(overview.REPRODUCED, str(tmp_path))
    shutil.copytree(paths.results() / "frozen_unseen-16_s0", tmp_path / "records" / "frozen_unseen-16_s0")
    fresh = {row["method"]: row for row in overview.methods().rows}
    assert fresh["frozen"]["ZS mAP@all"] == f"{value} (stored {value}, agrees)"
    assert fresh["dsn"] == shipped["dsn"]
