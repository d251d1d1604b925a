"""Ranks of relevant items: from scores, from histograms, from tensors."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sbirkit.retrieval.ranks import (
    Ranks,
    level_counts,
    ranks_from_histogram,
    ranks_from_scores,
    ranks_from_tensor,
)

PARTS = ("above", "upto", "before", "through")


def by_hand(scores, lo, hi):
    """The four counts of each relevant item, best first, straight from their meaning."""
    rows = {part: [] for part in PARTS}
    for row in scores.tolist():
        own = sorted(row[lo:hi], reverse=True)
        rows["above"].append([sum(v > s for v in row) for s in own])
        rows["upto"].append([sum(v >= s for v in row) for s in own])
        rows["before"].append([sum(v > s for v in own) for s in own])
        rows["through"].append([sum(v >= s for v in own) for s in own])
    return rows


blocks = st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 6), st.integers(0, 10**6))


def draw(block):
    b, size, levels, seed = block
    rng = np.random.default_rng(seed)
    lo, hi = sorted(rng.integers(0, size + 1, 2).tolist())
    return rng.integers(-levels, levels, (b, size)), lo, hi


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=150, deadline=None)
@given(block=blocks)
def test_ranks_from_scores_equal_counting_by_hand(dtype, block):
    scores, lo, hi = draw(block)
    scores = scores.astype(dtype)
    kept = scores.copy()
    ranks, _ = ranks_from_scores(scores, lo, hi)
    want = by_hand(kept, lo, hi)
    assert {part: getattr(ranks, part).tolist() for part in PARTS} == want
    np.testing.assert_array_equal(scores, kept)  # a one-row slice must not be sorted in place


@settings(max_examples=80, deadline=None)
@given(block=blocks)
def test_tensors_rank_as_arrays_do(block):
    scores, lo, hi = draw(block)
    want, edge = ranks_from_scores(scores.astype(np.float32), lo, hi, top=3)
    got, edge_there = ranks_from_tensor(torch.tensor(scores, dtype=torch.float32), lo, hi, top=3)
    for part in PARTS:
        np.testing.assert_array_equal(getattr(got, part), getattr(want, part))
    np.testing.assert_array_equal(edge_there, edge)


@settings(max_examples=80, deadline=None)
@given(block=blocks)
def test_levels_unfold_to_items(block):
    scores, lo, hi = draw(block)
    levels = (scores - scores.min()).astype(np.uint8)
    n = int(levels.max()) + 1
    ranks = ranks_from_histogram(level_counts(levels, n), level_counts(levels[:, lo:hi], n))
    assert ranks.relevant == hi - lo
    assert ranks.gallery == scores.shape[1]
    items = ranks.items()
    assert {part: getattr(items, part).tolist() for part in PARTS} == by_hand(scores, lo, hi)


def test_mixed_levels_are_those_shared_with_irrelevant_items():
    ranks, _ = ranks_from_scores(np.array([[3.0, 3.0, 2.0, 1.0, 1.0]]), 0, 4)
    assert ranks.mixed().tolist() == [[False, False, False, True]]


def test_edge_is_the_score_at_the_last_rank_kept():
    scores = np.array([[1.0, 5.0, 3.0]])
    assert [ranks_from_scores(scores, 0, 1, top=t)[1].tolist() for t in (1, 2, 3, 9)] == [[5], [3], [1], [1]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_refused(bad):
    scores = np.array([[1.0, 2.0, 3.0], [1.0, bad, 3.0]])
    with pytest.raises(ValueError, match="finite"):
        ranks_from_scores(scores, 0, 1)
    with pytest.raises(ValueError, match="finite"):
        ranks_from_tensor(torch.from_numpy(scores), 0, 1)


def test_a_huge_gallery_does_not_overflow():
    n = 70_000
    ranks, _ = ranks_from_scores(np.arange(n, dtype=np.float32)[None], 0, 2)
    assert isinstance(ranks, Ranks)
    assert ranks.above.tolist() == [[n - 2, n - 1]]
