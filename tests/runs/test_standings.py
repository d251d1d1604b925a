"""The standings: intervals by hand, records that carry what they say, a table of records alone."""

import json
import math

import numpy as np
import pytest
import torch
from scipy import stats

from sbirkit.models.baselines import Triplet, TripletConfig
from sbirkit.runs import standings
from sbirkit.training import Run, evaluate, fit


@pytest.mark.parametrize("n", [2, 3, 7, 10])
def test_an_interval_is_students(n):
    values = np.random.default_rng(n).normal(size=n)
    mean, half = standings.interval(values)
    low, high = stats.t.interval(0.95, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert (mean - half, mean + half) == pytest.approx((low, high), abs=1e-3)
    assert math.isnan(standings.interval([0.3])[1])


@pytest.fixture(scope="module")
def run(tiny, bench, tmp_path_factory):
    method = Triplet(TripletConfig(dim=8), backbone=tiny.Net())
    run = fit(method, bench, tiny.config(), out=tmp_path_factory.mktemp("run") / "one", progress=False)
    evaluate(run, bench, ["zs"])
    return run


def test_a_shipped_run_is_small_and_answers_as_before(run, bench, tmp_path):
    standings.ship(run, tmp_path / "triplet_mine_s0", weights=True)
    standings.ship(run, tmp_path / "triplet_mine_s1", weights=False)
    with_weights, record = (Run.open(tmp_path / f"triplet_mine_s{k}") for k in range(2))
    assert with_weights.number("zs") == record.number("zs") == run.number("zs")
    for name, x in run.weights().items():
        got = with_weights.weights()[name]
        assert got.dtype == (torch.float16 if x.ndim > 1 else x.dtype)
        torch.testing.assert_close(got.to(x), x, rtol=1e-3, atol=1e-4)
    steps = [line["step"] for line in with_weights.history if "triplet" in line]
    assert steps[0] == 0
    assert len(steps) < len(run.history)
    assert "history.json" not in {p.name for p in record.path.iterdir()}
    with pytest.raises(FileNotFoundError, match="only its record is here"):
        record.method()
    again = evaluate(with_weights.method(), bench, ["zs"], size=32)["zs"]["mAP@all"]
    assert again == pytest.approx(run.number("zs")["mAP@all"], abs=5e-3)


def test_the_table_holds_what_the_records_say(run, tmp_path):
    for seed, value in enumerate([0.2, 0.3, 0.4]):
        folder = tmp_path / standings.record_name("triplet", "mine", seed)
        standings.ship(run, folder, weights=False)
        metrics = json.loads((folder / "metrics.json").read_text())
        metrics["results"][0]["metrics"]["mAP@all"] = value
        (folder / "metrics.json").write_text(json.dumps(metrics))
    (tmp_path / "stray").mkdir()
    found = standings.collect(tmp_path)
    assert {split: list(labels) for split, labels in found.items()} == {"mine": ["triplet"]}
    head, row = standings.table(found["mine"])
    assert dict(zip(head, row, strict=True))["ZS mAP@all"] == "0.300 ± 0.248"
    assert (row[0], row[-2]) == ("triplet", "3")
    assert dict(zip(head, row, strict=True))["GZS harmonic"] == ""
    text = standings.page(tmp_path)
    assert "0.300 ± 0.248" in text
    assert "## mine" in text


def test_a_wrong_row_is_said(capsys):
    with pytest.raises(SystemExit):
        standings.main(["--rows", "ramln,drn"])
    assert "there is no drn; there are untrained, frozen" in capsys.readouterr().err
