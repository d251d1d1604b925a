"""Each metric against its definition, over random rankings with ties."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from sbirkit.retrieval import Metric, chance_map, score_by
from sbirkit.retrieval.metrics import FORMULAS
from sbirkit.retrieval.ranks import ranks_from_scores

FAMILIES = [family for family in FORMULAS if not Metric.named(family.format(K=1)).by_instance]
ORDERED = [family for family in FAMILIES if family.endswith("-voc")]


def measure(scores, relevant, names, ties="expected", **options):
    """Score one ranking; relevant items have the query's class."""
    y = ["yes" if r else "no" for r in relevant]
    result = score_by(np.array([scores], float), ["yes"], y, metrics=names, ties=ties, workers=1, **options)
    return {name: float(result.per_query(name)[0]) for name in names}


rankings = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12).map(
    lambda pairs: tuple(map(list, zip(*pairs, strict=True)))
)
few = rankings.filter(lambda r: len(r[0]) <= 7)
cutoffs = st.integers(1, 15)  # also beyond the gallery
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("rule", ["best", "worst"])
@quick
@given(ranking=rankings, k=cutoffs)
def test_best_and_worst_order_equal_the_definition(naive, rule, ranking, k):
    names = [family.format(K=k) for family in FAMILIES]
    groups = naive.levels(*ranking)
    want = {name: naive.metric(name, getattr(naive, rule)(groups)) for name in names}
    assert measure(*ranking, names, rule) == pytest.approx(want, abs=1e-12, nan_ok=True)


@quick
@given(ranking=rankings, k=cutoffs)
def test_grouped_equals_the_definition(naive, ranking, k):
    names = [family.format(K=k) for family in FAMILIES]
    want = {name: naive.grouped(name, naive.levels(*ranking)) for name in names}
    assert measure(*ranking, names, "grouped") == pytest.approx(want, abs=1e-12, nan_ok=True)


@quick
@given(ranking=few, k=st.integers(1, 9))
def test_expected_is_the_mean_over_every_order_of_the_equals(naive, ranking, k):
    names = [family.format(K=k) for family in FAMILIES if family not in ORDERED]
    want = {name: naive.expected(name, naive.levels(*ranking)) for name in names}
    assert measure(*ranking, names) == pytest.approx(want, abs=1e-12, nan_ok=True)


@quick
@given(ranking=rankings, k=cutoffs)
def test_counting_levels_equals_sorting_scores(ranking, k):
    names = [family.format(K=k) for family in FAMILIES if family not in ORDERED]
    for rule in ("expected", "grouped", "best", "worst"):
        sets = names if rule == "expected" else names + [family.format(K=k) for family in ORDERED]
        y = ["yes" if r else "no" for r in ranking[1]]
        counted = score_by(np.array([ranking[0]]), ["yes"], y, metrics=sets, ties=rule, levels=5, workers=1)
        got = {name: counted[name] for name in sets}
        assert got == pytest.approx(measure(*ranking, sets, rule), abs=1e-12, nan_ok=True)


@quick
@given(ranking=rankings)
def test_all_rules_agree_without_ties(ranking):
    scores, relevant = ranking
    names = [family.format(K=3) for family in FAMILIES]
    distinct = np.random.default_rng(0).permutation(len(scores)).tolist()
    want = measure(distinct, relevant, names)
    for rule in ("grouped", "best", "worst", "averaged"):
        assert measure(distinct, relevant, names, rule) == pytest.approx(want, abs=1e-12, nan_ok=True)


@quick
@given(ranking=rankings, k=cutoffs)
def test_the_rules_keep_their_order(ranking, k):
    names = [
        family.format(K=k) for family in FAMILIES if not family.endswith("lenient")
    ]  # a ratio may swap them
    low, mean, high = (measure(*ranking, names, rule) for rule in ("worst", "expected", "best"))
    if any(ranking[1]):
        assert all(low[n] - 1e-9 <= mean[n] <= high[n] + 1e-9 for n in names)


@quick
@given(ranking=rankings, k=cutoffs)
def test_strict_ap_never_exceeds_precision_when_enough_is_relevant(ranking, k):
    if sum(ranking[1]) >= k:
        for rule in ("expected", "best", "worst", "grouped"):
            got = measure(*ranking, [f"mAP@{k}-strict", f"P@{k}"], rule)
            assert got[f"mAP@{k}-strict"] <= got[f"P@{k}"] + 1e-12


@quick
@given(ranking=rankings.filter(lambda r: any(r[1])))
def test_grouped_is_what_scikit_learn_computes(ranking):
    scores, relevant = ranking
    want = average_precision_score(relevant, scores)
    assert measure(scores, relevant, ["mAP@all"], "grouped")["mAP@all"] == pytest.approx(want, abs=1e-9)


@pytest.mark.parametrize(
    "name", ["mAP@all-voc", "mAP@40-strict-voc", "mAP@all", "mAP@40-lenient", "MRR", "nDCG@40"]
)
def test_averaged_approaches_the_mean_over_random_orders(naive, name):
    import random

    rng, numbers = random.Random(0), np.random.default_rng(0)
    scores, relevant = numbers.integers(0, 4, 60).tolist(), (numbers.random(60) < 0.3).tolist()
    groups = naive.levels(scores, relevant)
    orders = [naive.metric(name, naive.shuffled(groups, rng)) for _ in range(3000)]
    many = score_by(
        np.tile(np.array(scores, float), (200, 1)), ["y"] * 200, ["y" if r else "n" for r in relevant],
        metrics=[name], ties="averaged", workers=1,
    )  # fmt: skip
    error = np.std(orders) * (1 / 3000 + 1 / 1600) ** 0.5
    assert abs(many[name] - np.mean(orders)) < 4 * error
    assert "8 random orders" in many.sentence()


def test_expected_averages_only_what_has_no_closed_form():
    scores = np.array([[1.0, 1.0, 0.0, 0.0]])
    result = score_by(scores, ["a"], ["a", "b", "a", "b"], metrics=["mAP@all", "mAP@all-voc"])
    assert result.notes == ["mAP@all-voc: mean over 8 random orders of equal scores, seed 0"]
    assert score_by(scores, ["a"], ["a", "b", "a", "b"], metrics=["mAP@all"]).notes == []


def test_worked_out_on_paper():
    # ranks of the three relevant items: 1, 3, 6
    got = measure([9, 8, 7, 6, 5, 4], [1, 0, 1, 0, 0, 1], [f.format(K=4) for f in FAMILIES])
    found = 1 + 2 / 3
    assert got == pytest.approx(
        {
            "mAP@all": (found + 1 / 2) / 3,
            "mAP@all-voc": (found + 1 / 2) / 3,
            "mAP@4-strict": found / 3,
            "mAP@4-strict-voc": found / 3,
            "mAP@4-lenient": found / 2,
            "mAP@4-by-k": found / 4,
            "mAP@4-over-r": found / 3,
            "P@4": 1 / 2,
            "P@4-min": 2 / 3,
            "recall@4": 2 / 3,
            "nDCG@all": (1 + 1 / 2 + 1 / np.log2(7)) / (1.5 + 1 / np.log2(3)),
            "nDCG@4": 1.5 / (1.5 + 1 / np.log2(3)),
            "R-precision": 2 / 3,
            "MRR": 1.0,
        }
    )


def test_interpolation_lifts_an_early_miss():
    got = measure([3, 2, 1], [0, 1, 1], ["mAP@all", "mAP@all-voc", "mAP@2-strict-voc"])
    assert got == pytest.approx(
        {"mAP@all": (1 / 2 + 2 / 3) / 2, "mAP@all-voc": 2 / 3, "mAP@2-strict-voc": 1 / 4}
    )


def test_a_perfect_ranking_scores_exactly_one():
    names = [f.format(K=5) for f in FAMILIES]
    assert set(measure(range(20, 0, -1), [1] * 5 + [0] * 15, names).values()) == {1.0}


def test_first_hit_among_thousands_of_equals():
    n, r = 5000, 40
    got = measure([0.0] * n, [1] * r + [0] * (n - r), ["MRR", "P@10", "mAP@all"])
    first = [r / n]  # P(T = t), step by step
    for t in range(1, n - r + 1):
        first.append(first[-1] * (n - r - t + 1) / (n - t))
    assert got["MRR"] == pytest.approx(np.dot(first, 1 / np.arange(1, n - r + 2)), rel=1e-9)
    assert got["P@10"] == pytest.approx(r / n)


def test_ap_depends_on_the_ranks_alone():
    ranks, _ = ranks_from_scores(np.array([[0.1, 0.4, 0.3, 0.2]]), 1, 3)
    assert ranks.above.tolist() == [[0, 1]]
    assert Metric.named("mAP@all")(ranks).tolist() == [1.0]


def test_chance_is_the_mean_over_all_orders():
    def naive(r, g):
        orders = [sorted(hits) for hits in itertools.combinations(range(1, g + 1), r)]
        return np.mean([np.mean([(k + 1) / i for k, i in enumerate(hits)]) for hits in orders])

    for r, g in ((1, 1), (1, 5), (2, 7), (5, 7), (7, 7)):
        assert chance_map(r, g) == pytest.approx(naive(r, g), abs=1e-12)
    assert chance_map([2, 0, 5], 7) == pytest.approx((naive(2, 7) + naive(5, 7)) / 2)
    assert np.isnan(chance_map([0], 3))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mAP@200", "name of several formulas; choose from mAP@200-strict"),
        ("map@all", "did you mean 'mAP@all'"),
        ("P@0", "K >= 1"),
        ("P@{K}", "unknown"),
        ("precision", "Known"),
    ],
)
def test_a_wrong_name_is_refused(name, says):
    with pytest.raises(ValueError, match=says.replace("{", r"\{")):
        Metric.named(name)


def test_a_metric_that_is_no_name_is_refused():
    with pytest.raises(TypeError, match="want names such as"):
        Metric.named(200)
