"""Tie rules as changes of ranks."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbirkit.retrieval import score_by
from sbirkit.retrieval.ranks import ranks_from_scores
from sbirkit.retrieval.ties import RULES, break_ties

SCORES = np.array([[2.0, 1.0, 1.0, 2.0, 1.0, 1.0, 0.0]])  # relevant: the first three


def places(rule, seed=0):
    ranks, _ = ranks_from_scores(SCORES, 0, 3)
    return break_ties(ranks, rule, np.random.default_rng(seed)).upto[0].tolist()


def test_each_rule_on_one_example():
    assert places("best") == [1, 3, 4]
    assert places("worst") == [2, 5, 6]
    assert places("grouped") == [2, 6, 6]
    assert places("expected") == [2, 6, 6]  # ranks as they are: the formulas average


def test_random_orders_are_all_equally_likely():
    draws = 3_000
    seen = Counter(tuple(places("averaged", seed)) for seed in range(draws))
    # 2 places for the first item; 6 pairs of the places 3 to 6 for the other two
    assert set(seen) == {(a, b, c) for a in (1, 2) for b in range(3, 6) for c in range(b + 1, 7)}
    error = [(n - draws / 12) / (draws / 12) ** 0.5 for n in seen.values()]
    assert max(map(abs, error)) < 4.5


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 30), relevant=st.integers(1, 30))
def test_a_random_order_is_a_possible_order(seed, size, relevant):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (3, size)).astype(float)
    ranks, _ = ranks_from_scores(scores, 0, min(relevant, size))
    low, one, high = (break_ties(ranks, rule, rng).upto for rule in ("best", "averaged", "worst"))
    assert (low <= one).all()
    assert (one <= high).all()
    assert (np.diff(one, axis=1) > 0).all()


def test_the_rules_on_coarse_codes_are_points_apart():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 5, 600)
    code = rng.integers(0, 2, (5, 24))
    bits = np.where(rng.random((600, 24)) < 0.3, 1 - code[y], code[y])
    agree = (bits[:40, None] == bits[None]).sum(axis=2)
    got = {
        rule: score_by(agree, y[:40], y, levels=25, metrics=["mAP@all"], ties=rule)["mAP@all"]
        for rule in RULES
    }
    assert got["worst"] < got["grouped"] < got["expected"] < got["best"]
    assert got["best"] - got["worst"] > 0.05
    assert got["averaged"] == pytest.approx(got["expected"], abs=0.01)


def test_duplicates_that_are_all_relevant_are_no_tie_that_matters():
    result = score_by(np.array([[2.0, 2.0, 1.0]]), ["a"], ["a", "a", "b"])
    assert result.counts["tied"] == 0
