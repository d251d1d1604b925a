"""The loss playground without a browser: values, arrows, pairs, and what each preset claims."""

import json
import math

import pytest
import torch

from sbirkit import losses
from sbirkit.explore import PlaygroundState
from sbirkit.explore.games import GAMES, PRESETS


@pytest.fixture
def play():
    return PlaygroundState()


def told(name):
    play = PlaygroundState()
    play.tell(name)
    return play


@pytest.mark.parametrize("game", GAMES)
def test_arrows_equal_differences_of_the_loss(game):
    play = PlaygroundState(game)
    x = play._places()
    for i in range(len(play.dots)):
        for axis in (0, 1):
            way = torch.zeros_like(x)
            way[i, axis] = 1e-5
            slope = (play.loss(x + way) - play.loss(x - way)).item() / 2e-5
            if game == "memory" and play.dots[i].kind == "sketch":
                assert play.gradient[i, axis] == 0  # a memory hands no gradient to what it holds
            else:
                assert play.gradient[i, axis].item() == pytest.approx(slope, abs=2e-4)


@pytest.mark.parametrize("game", GAMES)
def test_descent_lowers_every_loss(game):
    play = PlaygroundState(game)
    before = play.value
    play.run(100)
    assert play.value < before - 0.01
    assert all(abs(v) <= 1.6 for dot in play.dots for v in (dot.x, dot.y))
    json.dumps(play.shown(), allow_nan=False)


def test_active_pairs_of_a_triplet_are_those_of_a_naive_loop(play):
    play.turn("margin", 0.2)
    sketch, photo = ([d for d in play.dots if d.kind == kind] for kind in ("sketch", "photo"))

    def far(a, b):
        return math.dist((a.x, a.y), (b.x, b.y))

    want = set()
    for s in sketch:
        for p in photo:
            for n in photo:
                if s.label == p.label != n.label and 0.2 + far(s, p) - far(s, n) > 0:
                    want |= {frozenset((id(s), id(p))), frozenset((id(s), id(n)))}
    found = {frozenset((id(play.dots[i]), id(play.dots[j]))) for i, j, _ in play.pairs}
    # a pair of no net count, pulled as often as pushed, may be quiet
    assert found <= want
    assert len(want - found) <= 0.4 * len(want)


def test_the_value_is_the_package_s_own(play):
    x, y = play._places(), torch.tensor([d.label for d in play.dots])
    s, p = ([i for i, d in enumerate(play.dots) if d.kind == kind] for kind in ("sketch", "photo"))
    want = losses.cross_modal_triplet(x[s], x[p], y[s], y[p], margin=0.2)
    assert play.value == pytest.approx(want.item())


def test_a_triplet_misses_what_the_quadruplet_fixes():
    missed, fixed = told("what a triplet misses"), told("what the quadruplet fixes")
    assert [(d.x, d.y) for d in missed.dots] == [(d.x, d.y) for d in fixed.dots]
    assert missed.value == 0
    assert missed.pairs == []
    assert fixed.value > 0.05
    before = math.dist(*[(d.x, d.y) for d in fixed.dots if d.kind == "sketch"])
    fixed.run(100)
    after = math.dist(*[(d.x, d.y) for d in fixed.dots if d.kind == "sketch"])
    assert after > 1.5 * before


def test_one_hinge_hides_a_violation_and_two_do_not():
    play = told("one hinge hides")
    assert play.value == 0
    play.turn("hinge", "split")
    assert play.value > 0.01


def test_a_memory_without_gradient_has_a_value_and_no_arrow():
    play = told("a memory without gradient")
    assert play.value > 0.1
    assert not play.gradient.any()
    play.step()
    assert play.message == "No gradient: nothing moves."
    play.turn("gradient", "intended")
    assert play.gradient.norm() > 0.1


def test_modality_vectors_learn_the_step_between_the_clouds():
    play = told("taking off a modality")

    def step():
        (px, py), (sx, sy) = [(d.x, d.y) for d in play.dots if d.kind == "vector"]
        return sx - px, sy - py

    before, _ = step()
    play.run(200)
    assert play.value < 0.01
    assert step()[0] > before + 0.1


def test_the_bottleneck_removes_modality_and_keeps_class():
    play = told("what the bottleneck removes")
    before = play.readings()
    play.run(200)
    after = play.readings()
    assert after["modality gap"] < 0.1 * before["modality gap"]
    assert after["mAP@all"] == 1


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_tells_its_story_and_starts_again(preset):
    play = told(preset)
    assert play.shown()["words"] == PRESETS[preset].story
    start = [(d.x, d.y) for d in play.dots]
    play.move(0, 1.2, 1.2)
    play.again()
    assert [(d.x, d.y) for d in play.dots] == start
    assert PRESETS[preset].story in play.twin().alt


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"do": "move", "index": 99, "x": 0, "y": 0}, "index: want a point"),
        ({"do": "move", "index": 0, "x": None, "y": 0}, "x, y: want numbers"),
        ({"do": "move", "index": 0, "x": float("nan"), "y": 0}, "x, y: want numbers"),
        ({"do": "turn", "knob": "margin", "value": 7}, "margin: want 0 to 1, got 7"),
        ({"do": "turn", "knob": "mining", "value": "soft"}, "mining: want one of all, hard"),
        ({"do": "turn", "knob": "colour", "value": 1}, "knob: triplet has margin, mining"),
        ({"do": "choose", "game": "chess"}, "game: want one of"),
        ({"do": "tell", "preset": "x"}, "preset: want one of"),
        ({"do": "run", "steps": 10**9}, "steps: want 1 to 1000"),
        ({"do": "pace", "rate": 0}, "rate: want 0.001 to 1"),
    ],
)
def test_a_mistake_becomes_a_message(play, asked, said):
    play.receive(asked)
    assert said in play.message


def test_points_stay_in_the_plane_and_all_in_one_place_is_no_catastrophe(play):
    play.move(0, 50, -50)
    assert (play.dots[0].x, play.dots[0].y) == (1.6, -1.6)
    for game in GAMES:
        play.choose(game)
        for i in range(len(play.dots)):
            play.move(i, 0, 0)
        play.run(3)
        json.dumps(play.shown()["dots"], allow_nan=False)


def test_history_does_not_grow_for_ever(play):
    play.choose("contrastive")
    for _ in range(8):
        play.run(100)
    assert len(play.history) == 500


@pytest.mark.parametrize("game", GAMES)
def test_a_point_at_the_origin_is_no_catastrophe(game):
    play = PlaygroundState(game)
    for i, dot in enumerate(play.dots):
        play.move(i, 0, 0)
        json.dumps(play.shown(), allow_nan=False)
        assert game != "triplet" or len(play.pairs) > 3  # the others' are still there
        play.move(i, dot.x, dot.y)


def test_a_modality_vector_is_of_no_class_and_a_class_s_own_vector_is():
    def kinds(play):
        return {
            (*sorted((play.dots[i].kind, play.dots[j].kind)), same) for i, j, _, same in play.shown()["pairs"]
        }

    assert ("photo", "vector", True) not in kinds(told("taking off a modality"))
    assert ("photo", "vector", True) in kinds(PlaygroundState("cosine"))
