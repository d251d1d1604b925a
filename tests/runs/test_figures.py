"""Figures and claims: shown in one line, left in the output, collected and judged by their bands."""

import json
import subprocess
import sys

import pytest

from sbirkit.runs import notebooks
from sbirkit.runs.figures import MIME, Claim, Figure, better, claim, collect, figure, judge

LEAVE = """
from sbirkit.runs.figures import claim, figure
figure("<a>.mAP", 0.123456789, band=0.02, note="n & m")
claim("memory helps", "holds", effect=0.03, low=0.01, high=0.05, n=5)
"""


def notebook(*records):
    """A notebook with one cell for each record."""
    return {"cells": [{"cell_type": "code", "outputs": [{"data": {MIME: record}}]} for record in records]}


def test_a_notebook_keeps_what_its_reader_saw(write):
    path = write("00-one", ("markdown", "# One"), ("code", LEAVE))
    notebooks.execute(path)
    stored = notebooks.read(path)
    assert collect(stored) == [
        Figure("<a>.mAP", 0.123457, 0.02, "n & m"),
        Claim("memory helps", "holds", 0.03, 0.01, 0.05, 5),
    ]
    shown = stored["cells"][1]["outputs"][0]["data"]
    assert shown["text/plain"] == ["<a>.mAP = 0.123457 ± 0.02 (n & m)"]
    assert "".join(shown["text/html"]) == "<p>&lt;a&gt;.mAP = 0.123457 ± 0.02 (n &amp; m)</p>"

    def nbval():
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval", "--rootdir"]
        return subprocess.run([*command, path.parent, path], capture_output=True, text=True, check=False)

    assert nbval().returncode == 0, "the same call leaves the same"
    path.write_text(path.read_text().replace('"value": 0.123457', '"value": 0.2'))
    assert "0.2" in (said := nbval()).stdout, "only the number behind the line was changed, and nbval saw it"
    assert said.returncode == 1


def test_without_a_notebook_it_prints(capsys):
    figure("loss", 2, note="")
    claim("it helps", "undecided")
    assert capsys.readouterr().out == "loss = 2\nit helps: undecided\n"


@pytest.mark.parametrize(
    ("fresh", "shipped", "verdict"),
    [
        (Figure("a", 0.52, 0.02), Figure("a", 0.50), "agrees"),  # on the edge, where floats are a hair over
        (Figure("a", 0.48, 0.02), Figure("a", 0.50), "agrees"),
        (Figure("a", 0.521, 0.02), Figure("a", 0.50, 9), "differs"),  # the fresh band counts
        (Figure("a", 3), Figure("a", 3), "agrees"),
        (Figure("a", 3.0001), Figure("a", 3), "differs"),
        (Claim("a", "holds", 0.1), Claim("a", "holds", 0.3), "agrees"),
        (Claim("a", "fails", 0.1), Claim("a", "holds", 0.1), "differs"),
        (Claim("a", "holds"), Figure("a", 1), "differs"),
        (Figure("a", 1, 9), None, "new"),
        (None, Claim("a", "holds"), "missing"),
    ],
)
def test_verdicts(fresh, shipped, verdict):
    (found,) = judge([fresh] if fresh else [], [shipped] if shipped else [])
    assert found.verdict == verdict
    assert found.record.name == "a"


def test_order_is_that_of_the_fresh_notebook_then_what_is_missing():
    found = judge([Figure("b", 1), Figure("a", 1)], [Figure("c", 1), Figure("a", 1)])
    assert [(one.record.name, one.verdict) for one in found] == [
        ("b", "new"),
        ("a", "agrees"),
        ("c", "missing"),
    ]


def test_a_name_used_twice_is_an_error():
    one = {"kind": "figure", "name": "a", "value": 1, "band": 0, "note": ""}
    two = {"kind": "claim", "name": "a", "verdict": "holds"}
    assert collect(json.loads(json.dumps(notebook(one)))) == [Figure("a", 1)]
    with pytest.raises(ValueError, match="'a' is used in cell 1 and in cell 2"):
        collect(notebook(one, two))


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: Figure("a", float("nan")), ValueError, "a: want a finite number, got nan"),
        (lambda: Figure("a", True), TypeError, "want a number, got bool"),
        (lambda: Figure("a", "1"), TypeError, "want a number, got str '1'"),
        (lambda: Figure(" ", 1), ValueError, "name: want"),
        (lambda: Figure("a", 1, -1), ValueError, "band of a: want 0 or more"),
        (lambda: Claim("a", ""), ValueError, "verdict of a"),
        (lambda: Claim("a", "holds", low=1), ValueError, "both ends"),
        (lambda: Claim("a", "holds", low=2, high=1), ValueError, "low <= high"),
    ],
)
def test_what_cannot_be_compared_is_an_error(make, error, said):
    with pytest.raises(error, match=said):
        make()


def test_numbers_of_other_libraries_become_plain():
    numpy, torch = pytest.importorskip("numpy"), pytest.importorskip("torch")
    values = [Figure("a", one).value for one in (numpy.float32(0.1), torch.tensor(0.1), 0.1)]
    assert values == [0.1] * 3
    assert {type(value) for value in values} == {float}


class Measured:
    """As much of a result as a claim looks at."""

    def __init__(self, *values):
        self.values = values

    def per_class(self, metric):
        assert metric == "mAP@all"
        return dict(enumerate(self.values))


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        ((0.3, 0.4, 0.5), "ours is better: holds: +0.2 [0.2, 0.2], n = 3"),
        ((0.05, 0.15, 0.25), "ours is better: fails: -0.05 [-0.05, -0.05], n = 3"),
        ((0.6, 0.2, 0.0), "ours is better: undecided: +0.0667 [-0.3, 0.5], n = 3"),
    ],
)
def test_better_is_judged_class_by_class(ours, said, capsys):
    better("ours is better", Measured(*ours), Measured(0.1, 0.2, 0.3))
    assert capsys.readouterr().out == said + "\n"


def test_better_wants_the_same_classes():
    with pytest.raises(ValueError, match="want results on the same classes, got 2 and 1"):
        better("a", Measured(1, 2), Measured(1))
