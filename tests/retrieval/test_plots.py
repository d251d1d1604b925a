"""A result draws itself: figures hold the numbers, say what they show and refuse what they cannot."""

import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure

from sbirkit.retrieval import plots, score, score_by

NAMES = np.array(["cat", "dog", "hot_air_balloon", "$x$<b>"])
FAMILIES = {"cat": "animal", "dog": "animal", "hot_air_balloon": "vehicle", "$x$<b>": "thing"}


@pytest.fixture
def result():
    rng = np.random.default_rng(0)
    y_q, y_g = rng.integers(0, 4, 40), rng.integers(0, 4, 80)
    centres = rng.standard_normal((4, 6))
    q, g = centres[y_q] + rng.standard_normal((40, 6)), centres[y_g] + rng.standard_normal((80, 6))
    return score(q, g, NAMES[y_q], NAMES[y_g], metrics=["mAP@all", "P@5"])


def drawn(figure, tmp_path):
    """It can be saved without a warning (missing glyphs, bad layout), and says what it shows."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 3000
    assert isinstance(figure, Figure)
    return figure.alt


def test_precision_recall_draws_the_mean_curve(result, tmp_path):
    figure = result.plot_precision_recall()
    alt = drawn(figure, tmp_path)
    bold = figure.axes[0].lines[-1].get_ydata()
    np.testing.assert_allclose(bold, result.curve.mean(axis=0), rtol=1e-6)
    assert len(figure.axes[0].lines) == 4 + 1
    assert f"{bold[50]:.2f} at recall 0.5" in alt


def test_bars_are_the_class_means_in_order(result, tmp_path):
    figure = result.plot_classes("P@5")
    alt = drawn(figure, tmp_path)
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    assert widths == sorted(result.per_class("P@5").values(), reverse=True)
    assert "Bars of P@5 for 4 classes" in alt
    assert "mean over classes" in alt


def test_many_classes_are_cut_and_the_title_says_so(result):
    figure = result.plot_classes(most=2)
    assert len(figure.axes[0].patches) == 2
    assert "2 of 4 classes" in figure.axes[0].get_title()


def test_confusion_counts_what_was_retrieved(tmp_path):
    scores = np.array([[4, 3, 2, 1], [1, 2, 4, 3]])
    result = score_by(scores, ["cat", "cow"], ["cat", "dog", "cow", "cow"], top=2)
    figure = result.plot_confusion()
    share = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(share, [[0.5, 0, 0.5], [0, 1, 0]])  # asked: cat, cow; found: cat, cow, dog
    assert "75% is right" in drawn(figure, tmp_path)
    assert "cat finding dog (50%)" in figure.alt
    together = result.plot_confusion({"cat": "pet", "dog": "pet", "cow": "farm"})
    np.testing.assert_allclose(together.axes[0].images[0].get_array(), np.eye(2))
    assert "100% is right." in together.alt


def test_confusion_needs_a_family_for_every_class(result):
    with pytest.raises(ValueError, match="no family for cat"):
        result.plot_confusion({k: v for k, v in FAMILIES.items() if k != "cat"})


def test_strips_tell_hits_and_misses_by_colour_and_sign(result, tmp_path):
    pictures = np.zeros((80, 8, 8, 3), np.uint8)
    figure = result.plot_strips(pictures[:40, ..., 0], lambda numbers: pictures[numbers], n=3, k=4)
    alt = drawn(figure, tmp_path)
    worst = np.argsort(result.per_query("mAP@all"), kind="stable")[:3]
    assert len(figure.axes) == 3 * 5
    for i, row in enumerate(worst):
        for j, c in enumerate(result.top_classes[row, :4]):
            ax = figure.axes[i * 5 + j + 1]
            hit = c == result.y_query[row]
            assert ax.get_title().startswith("✓" if hit else "✗")
            frame = ax.spines["left"].get_edgecolor()
            assert (frame[2] > frame[0]) == hit  # blue or vermilion
    assert alt.startswith("The worst queries by mAP@all, each beside its top 4")
    best = result.plot_strips(pictures, pictures, queries="best", n=1).axes[0].get_title()
    assert best.endswith(f"{result.per_query('mAP@all').max():.2f}")
    chosen = result.plot_strips(pictures, pictures, queries=[7, 3])
    assert len(chosen.axes) == 2 * 11


def test_a_long_name_leaves_room_for_the_score(tmp_path):
    names = ["very_long_class_name", "another_long_class_name"]
    result = score_by(np.array([[2.0, 1.0]]), names[:1], names[::-1], metrics=["mAP@all"])
    figure = result.plot_strips(np.zeros((1, 4, 4)), np.zeros((2, 4, 4)))
    assert [ax.get_title() for ax in figure.axes] == ["very long… 0.50", "✗ another long…", "✓"]


def test_many_classes_are_told_by_a_colour_bar(tmp_path):
    names = [f"class_{i}" for i in range(20)]
    figure = score_by(np.eye(20), names, names, top=1).plot_confusion()
    assert len(figure.axes) == 2
    assert "100% is right." in drawn(figure, tmp_path)
    assert figure.axes[1].get_yticklabels()[-1].get_text() == "100%"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"queries": "random"}, "want 'worst', 'best' or query numbers"),
        ({"k": 0}, "nothing to show"),
        ({"queries": []}, "nothing to show"),
        ({"gallery_images": lambda numbers: []}, "images: want 60 pictures, got 0"),
    ],
)
def test_strips_refuse_what_they_cannot_draw(result, options, says):
    pictures = np.zeros((80, 4, 4), np.uint8)
    given = {"query_images": pictures, "gallery_images": pictures} | options
    with pytest.raises(ValueError, match=says):
        result.plot_strips(**given)


def test_plots_draw_on_given_axes(result):
    axes = Figure().subplots(1, 3)
    plots.precision_recall(result, ax=axes[0])
    plots.class_bars(result, "mAP@all", ax=axes[1])
    figure = plots.confusion(result, FAMILIES, ax=axes[2])
    assert figure is axes[0].figure
    assert figure.alt.startswith("Shares of families")


def test_nothing_to_draw_is_said():
    result = score_by(np.ones((1, 1)), ["a"], ["b"], top=0)
    with pytest.raises(ValueError, match="no curve"):
        result.plot_precision_recall()
    with pytest.raises(ValueError, match="no score in any class"):
        result.plot_classes()
    with pytest.raises(ValueError, match="score with top >= 1"):
        result.plot_confusion()
