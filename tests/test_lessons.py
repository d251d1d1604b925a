"""The pictures of the method notebooks: what they compute, what they say, what they refuse."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from sbirkit import lessons


def test_arrows_go_down_the_loss_and_the_words_say_where():
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    figure = lessons.push({"up": lambda x: x[0, 0] ** 2 / 2}, x, [0, 1], ["a sketch", "b photo"])
    assert figure.alt.endswith("up is 0.500: a sketch moves left, b photo stays.")


def test_all_panels_share_one_scale():
    x = torch.zeros(1, 2)
    figure = lessons.push(
        {"weak": lambda x: x[0, 1], "strong": lambda x: -4 * x[0, 0]}, x, [0], ["point"], ring=False
    )
    arrows = [next(a.xy for a in ax.texts if a.get_text() == "") for ax in figure.axes]
    np.testing.assert_allclose(arrows, [[0, -lessons.LONGEST / 4], [lessons.LONGEST, 0]], atol=1e-6)


def test_a_loss_without_a_gradient_moves_nothing():
    figure = lessons.push(
        {"flat": lambda x: x.detach().sum() + 0 * x.sum()}, torch.ones(2, 2), [0, 0], ["a", "b"]
    )
    assert "a stays, b stays" in figure.alt


def test_push_says_what_does_not_fit():
    with pytest.raises(ValueError, match="want as many of each, got 1, 2, 1"):
        lessons.push({}, torch.zeros(1, 2), [0, 1], ["a"])


def test_names_are_no_mathematics(tmp_path):
    lessons.push({"$a": lambda x: x.sum()}, torch.ones(1, 2), [0], ["$_{"]).savefig(tmp_path / "x.png")


def test_boxes_know_their_ends():
    places = {"a": (0.2, 0.5), "b": (0.8, 0.5)}
    assert "a to b (via)" in lessons.boxes(places, [("a", "b", "via")], title="T").alt
    with pytest.raises(ValueError, match="no box is called c"):
        lessons.boxes(places, [("a", "c", "")], title="T")


class FakeRun:
    def __init__(self, tmp_path, history):
        self.path, self.history = tmp_path, history


def test_the_curve_tells_terms_from_looks(tmp_path):
    lines = [{"step": k, "lr": 0.1, "near": 2.0 - k / 100, "loss": 9.0} for k in range(100)]
    looks = [{"step": 49, "selection": 0.25}, {"step": 99, "selection": 0.5}, {"step": 99, "selection": None}]
    figure = lessons.curve(FakeRun(tmp_path, lines + looks), title="T")
    assert "near from 1.99 to 1.02" in figure.alt
    assert "best 0.500 at step 99" in figure.alt
    assert [line.get_label() for line in figure.axes[0].lines] == ["near"]


def test_a_run_without_history_says_so(tmp_path):
    with pytest.raises(ValueError, match="has no history"):
        lessons.curve(FakeRun(tmp_path, []))


def test_bars_say_their_numbers():
    assert lessons.bars({"a": 0.25, "b": 0.5}, xlabel="mAP", chance=0.1).alt == (
        "Bars of mAP: a 0.250, b 0.500; chance 0.100."
    )


@pytest.fixture(scope="module")
def clouds():
    rng = np.random.default_rng(0)
    labels, modality = np.repeat(list("abcd"), 20), np.tile(["sketch", "photo"], 40)
    centre = np.eye(4)[np.repeat(np.arange(4), 20)]
    return 6 * centre + rng.normal(size=(80, 4)), labels, modality


def test_maps_keep_near_what_is_near_and_are_the_same_twice(clouds):
    vectors, labels, modality = clouds
    flat = lessons.flatten(vectors)
    np.testing.assert_array_equal(flat, lessons.flatten(vectors))
    gaps = np.linalg.norm(flat[:, None] - flat, axis=2)
    np.fill_diagonal(gaps, np.inf)
    assert (labels[gaps.argmin(1)] == labels).mean() > 0.9
    figure = lessons.maps({"one": vectors}, labels, modality)
    assert "Maps by t-SNE, one: sketches and photos of a, b, c, d." in figure.alt


def test_the_probe_guesses_where_there_is_nothing_to_tell_and_knows_where_there_is(clouds):
    vectors, labels, modality = clouds
    assert 0.3 < lessons.domain_probe(vectors, modality, labels) < 0.7
    told = np.column_stack([vectors, 9.0 * (modality == "sketch")])
    assert lessons.domain_probe(told, modality, labels) > 0.95


def test_no_figure_stays_open():
    assert not plt.get_fignums()
