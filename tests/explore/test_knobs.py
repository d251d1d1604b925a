"""The knobs of the world without a browser: positions, pictures, curves and what is said of them."""

import json

import numpy as np
import pytest

from sbirkit.data.doodleworld import World
from sbirkit.explore import KnobsState
from sbirkit.runs import knob_curves


def curve(*means):
    points = [{"mean": m, "interval": [m - 0.1, m + 0.1], "change": m - means[1],
               "change_interval": [m - means[1] - 0.05, m - means[1] + 0.05]} for m in means]  # fmt: skip
    return {"ours": points, "<b>theirs</b>": points[::-1]}


@pytest.fixture
def record():
    knobs = {"gap": (0, 1, 2), "abstraction": (0, 0.35, 1), "diversity": (0, 1, 2), "clutter": (0, 1, 3)}
    return {
        "values": {name: list(values) for name, values in knobs.items()},
        "curves": {
            "class": {name: curve(0.5, 0.4, 0.2) for name in knobs},
            "object": {name: curve(0.4, 0.4, 0.2) for name in knobs},
        },
        "tasks": {task: list(said) for task, said in knob_curves.TASKS.items()},
        "made_with": {"methods": {"ours": {}, "<b>theirs</b>": {}}},
        "queries": 6, "gallery": 9, "worlds": [1], "seed": 0, "interval": "95 %",
    }  # fmt: skip


@pytest.fixture
def knobs(record):
    return KnobsState("owl", curves=record)


def test_it_begins_where_the_benchmark_stands(knobs):
    assert knobs.world() == World()
    shown = knobs.shown()
    assert shown["now"] == shown["before"]
    assert shown["plainly"]
    assert knobs.message == ""


@pytest.mark.parametrize(
    ("knob", "value", "moves"),
    [("clutter", 3, (1,)), ("abstraction", 1, (0,)), ("gap", 2, (0, 1)), ("diversity", 0, (0, 1))],
)
def test_a_turned_knob_changes_the_pictures_it_is_about_and_no_others(knobs, knob, value, moves):
    knobs.turn(knob, value)
    for before, now in zip(knobs.pairs(World()), knobs.pairs(knobs.world()), strict=True):
        for i in (0, 1):
            assert np.array_equal(before[i], now[i]) == (i not in moves)


def test_a_curve_is_read_where_the_knob_stands_and_between_points_on_the_line(knobs):
    knobs.turn("gap", 2)
    assert knobs.readings()["ours"]["mean"] == 0.2
    assert knobs.readings()["ours"]["measured"]
    knobs.turn("gap", 1.5)
    found = knobs.readings()["ours"]
    assert found["mean"] == pytest.approx(0.3)
    assert found["interval"] == pytest.approx([0.2, 0.4])
    assert found["change"] == pytest.approx(-0.1)
    assert not found["measured"]
    knobs.turn("gap", 0)
    knobs.ask("object")
    assert knobs.readings()["ours"]["mean"] == 0.4
    assert knobs.shown()["metric"] == "MRR"


def test_two_knobs_away_and_the_curve_says_that_it_does_not_speak_of_the_pictures(knobs):
    knobs.turn("clutter", 3)
    assert knobs.shown()["plainly"]
    knobs.turn("gap", 2)
    assert "clutter stand" in knobs.message
    assert not knobs.shown()["plainly"]
    knobs.reset()
    assert knobs.message == ""


def test_other_individuals_and_classes_are_other_pictures(knobs):
    before = knobs.shown()["now"]
    knobs.others()
    assert not set(map(tuple, before)) & set(map(tuple, knobs.shown()["now"]))
    knobs.choose("palm tree")
    assert knobs.label == "palm_tree"


def test_a_spotlight_goes_on_and_off(knobs):
    knobs.light("ours")
    assert knobs.shown()["spot"] == "ours"
    knobs.light("ours")
    assert knobs.shown()["spot"] == ""


def test_without_curves_the_pictures_still_turn():
    knobs = KnobsState("owl", curves={})
    knobs.turn("gap", 2)
    assert knobs.shown()["curves"] == []
    assert "knob_curves" in knobs.message
    assert "knob_curves" in knobs.twin().alt


def test_old_curves_say_so(knobs):
    knobs.changed_since = ["ramln"]
    knobs.turn("gap", 2)
    assert knobs.message == "The curves are older than ramln: measure them again."


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"do": "turn", "knob": "gap", "value": 3}, "gap: want 0 to 2, got 3"),
        ({"do": "turn", "knob": "gap", "value": float("nan")}, "gap: want 0 to 2"),
        ({"do": "turn", "knob": "gap", "value": True}, "gap: want 0 to 2"),
        ({"do": "turn", "knob": "imbalance", "value": 3}, "knob: want one of gap"),
        ({"do": "look_at", "knob": "x"}, "knob: want one of gap"),
        ({"do": "choose", "label": "palmtree"}, "Doodle World has no 'palmtree'"),
        ({"do": "ask", "task": "x"}, "task: want one of class, object"),
        ({"do": "light", "name": "x"}, "name: want one of ours"),
    ],
)
def test_a_mistake_becomes_a_message(knobs, asked, said):
    knobs.receive(asked)
    assert said in knobs.message


def test_it_shows_itself_live_and_on_paper(knobs):
    knobs.turn("gap", 1.5)
    bundle = knobs._repr_mimebundle_()
    json.dumps(knobs.shown(), allow_nan=False)
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "At gap 1.5: ours 0.300" in bundle["text/plain"]
    assert "&lt;b&gt;theirs" in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert len(bundle["text/html"]) < 300_000
