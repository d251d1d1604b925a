"""Curves over the world's knobs: measured again for one setting, and current."""

import numpy as np
import pytest

from sbirkit.data.doodleworld import World
from sbirkit.runs import knob_curves


@pytest.fixture(scope="module")
def record():
    return knob_curves.read()


def test_the_shipped_curves_are_current(record):
    assert knob_curves.stale(record) == [], "run `python -m sbirkit.runs.knob_curves`"


def test_other_weights_or_settings_make_them_stale(record):
    then = record["made_with"]
    other = then["methods"] | {"dsn": then["methods"]["dsn"] | {"weights": "0"}}
    assert knob_curves.stale({"made_with": then | {"methods": other}}) == ["dsn"]
    assert knob_curves.stale({"made_with": then | {"world": 0}}) == ["world"]


@pytest.mark.parametrize(("knob", "value"), [("clutter", 3.0)])
def test_one_setting_measured_again(record, knob, value):
    describe = {name: knob_curves.describer(name) for name in ("hog", "ramln")}
    found = knob_curves.scores(describe, {knob: value}, worlds=record["worlds"][:1])
    place = record["values"][knob].index(value)
    for name, values in found.items():
        for t, task in enumerate(knob_curves.TASKS):
            shipped = record["curves"][task][knob][name][place]["by_world"][0]
            assert values[t].mean() == pytest.approx(shipped, abs=0.01), (name, task)


def test_the_default_stands_in_every_curve_and_is_the_same_point(record):
    for curves in record["curves"].values():
        for name in record["made_with"]["methods"]:
            points = [curves[knob][name][values.index(getattr(World(), knob))]
                      for knob, values in record["values"].items()]  # fmt: skip
            assert all(point == points[0] for point in points)
            assert points[0]["change"] == 0
            assert points[0]["change_interval"] == [0, 0]


def test_a_point_is_the_mean_and_pairs_make_the_change_sharper():
    rng = np.random.default_rng(1)
    base = rng.random((2, 5, 12))
    here = base - 0.1 + rng.normal(0, 0.01, base.shape)
    point = knob_curves.point(here, base)
    assert point["mean"] == pytest.approx(here.mean(), abs=1e-4)
    assert point["by_world"] == pytest.approx(here.mean((1, 2)), abs=1e-4)
    low, high = point["interval"]
    assert low < point["mean"] < high
    assert high - low == pytest.approx(2 * 1.96 * here.std() / np.sqrt(here.size), rel=0.25)
    low, high = point["change_interval"]
    assert low < -0.1 < high
    assert high - low < 0.01


def test_a_query_is_drawn_for_its_own_class_only():
    drawn = knob_curves.resampled((2, 5, 3), 0)
    assert drawn.shape == (1_000, 5, 6)
    assert (drawn // 6 == np.arange(5)[:, None]).all()
    assert {*drawn[:, 0].ravel()} == {*range(6)}
