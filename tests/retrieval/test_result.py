"""What a result can tell, keep and give back."""

import json

import numpy as np
import pytest

from sbirkit.retrieval import Result, score_by
from sbirkit.retrieval.result import bootstrap


@pytest.fixture
def result():
    """Class a: 1.0 and 0.5; class <b|>: 0.25; one query of a class that the gallery lacks."""
    scores = np.array([[4, 3, 2, 1], [3, 4, 2, 1], [4, 3, 2, 1], [4, 3, 2, 1]], float)
    return score_by(scores, ["a", "a", "<b|>", "z"], ["a", "c", "c", "<b|>"], metrics=["mAP@all", "P@1"])


def test_micro_macro_and_per_class(result):
    np.testing.assert_array_equal(result.per_query("mAP@all"), [1, 0.5, 0.25, np.nan])
    assert result["mAP@all"] == pytest.approx(1.75 / 3)
    assert result.per_class("mAP@all") == {"a": 0.75, "<b|>": 0.25}
    assert result.macro("mAP@all") == pytest.approx(0.5)
    assert result.counts == {"queries": 4, "gallery": 4, "classes": 3, "without_relevant": 1, "tied": 0}


def test_a_metric_not_measured_is_named(result):
    with pytest.raises(KeyError, match=r"'MRR' was not measured; there are mAP@all, P@1"):
        result["MRR"]


def test_interval_covers_the_mean_and_narrows_with_more_queries():
    rng = np.random.default_rng(0)
    few, many = rng.random(50), rng.random(5000)
    for value in (few, many):
        low, high = bootstrap(value)
        half = 1.96 * value.std() / len(value) ** 0.5  # the normal approximation
        assert (low, high) == pytest.approx((value.mean() - half, value.mean() + half), abs=half / 4)
    assert bootstrap(few, level=0.5)[1] < bootstrap(few)[1]
    assert bootstrap(few, seed=1) == bootstrap(few, seed=1) != bootstrap(few, seed=2)


def test_interval_over_classes_is_of_the_macro_mean(result):
    assert result.interval("mAP@all", over="classes") == (0.25, 0.75)
    low, high = result.interval("mAP@all")
    assert 0.25 <= low < high <= 1


@pytest.mark.parametrize("wrong", [{"over": "images"}, {"level": 1.0}, {"n": 0}])
def test_a_wrong_interval_is_refused(result, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        result.interval("mAP@all", **wrong)


def test_nothing_measured_gives_nan_not_an_error():
    empty = score_by(np.ones((1, 1)), ["a"], ["b"], metrics=["mAP@all"])
    assert np.isnan([empty["mAP@all"], empty.macro("mAP@all"), *empty.interval("mAP@all")]).all()
    assert empty.table()[0]["queries"] == 0
    assert "nan" in empty._repr_html_()


def test_json_round_trip(result):
    again = Result.from_dict(json.loads(result.to_json()))
    assert again.to_dict() == result.to_dict()
    assert again.table() == result.table()
    for part in ("y_query", "top", "top_classes", "curve"):
        np.testing.assert_array_equal(getattr(again, part), getattr(result, part))
    with pytest.raises(ValueError, match="want schema 1, got 9"):
        Result.from_dict({**result.to_dict(), "schema": 9})


def test_tables_are_escaped_and_say_what_was_measured():
    result = score_by(np.eye(2), ["a", "b"], ["a", "b"], protocol="<b>2 classes</b>", metrics=["P@1"])
    for text in (result._repr_html_(), result._repr_markdown_()):
        assert "&lt;b&gt;2 classes&lt;/b&gt;" in text
        assert "<b>" not in text
        assert "P@1" in text
        assert "1.0000" in text
    lines = result._repr_markdown_().splitlines()
    assert len({line.count("|") for line in lines[:3]}) == 1


def test_the_sentence_stands_on_counts(result):
    assert result.sentence() == (
        "4 queries of 3 classes against 4 gallery items; given scores; ties expected; "
        "1 queries without a relevant item left out"
    )


def test_curve_is_the_interpolated_precision(result):
    # first query: its one item at rank 1; second: at rank 2; third: at rank 4
    np.testing.assert_allclose(result.curve[:3], np.tile([[1], [0.5], [0.25]], 101))
    assert np.isnan(result.curve[3]).all()


def test_curve_against_a_slow_one():
    rng = np.random.default_rng(0)
    scores, relevant = rng.permutation(30).astype(float), rng.random(30) < 0.4
    curve = score_by(scores[None], ["y"], np.where(relevant, "y", "n")).curve[0]
    ranked = relevant[np.argsort(-scores)]
    precision, recall = ranked.cumsum() / np.arange(1, 31), ranked.cumsum() / ranked.sum()
    want = [max(precision[recall >= level - 1e-9]) for level in np.linspace(0, 1, 101)]
    np.testing.assert_allclose(curve, want, atol=1e-6)


def test_tied_curve_is_that_of_the_mean_ranks():
    # levels: one relevant of two; then two relevant of three. Mean places: 1.5; then 2 + 4/3 and 2 + 8/3.
    scores, y = np.array([[2, 2, 1, 1, 1]]), ["y", "n", "y", "y", "n"]
    at = [1 / 1.5, 2 / (2 + 4 / 3), 3 / (2 + 8 / 3)]
    want = [max(at[:]), max(at[1:]), at[2]]
    for levels in (0, 3):
        curve = score_by(scores, ["y"], y, levels=levels).curve[0]
        np.testing.assert_allclose(curve[[0, 33, 34, 66, 67, 100]], np.repeat(want, 2), rtol=1e-6)
