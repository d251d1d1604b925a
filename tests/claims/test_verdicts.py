"""Intervals, p-values and corrections against code that thinks for itself, and the cases at the edges."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from sbirkit.claims.verdicts import benjamini_hochberg, holm, interval, settle
from sbirkit.claims.verdicts import test as tried


def differences(n, mean, spread, seed=0):
    return (np.random.default_rng(seed).normal(size=n) * spread + mean).tolist()


@pytest.mark.parametrize("n", [2, 3, 5, 12])
def test_an_interval_is_students(n):
    values = differences(n, 0.02, 0.01, seed=n)
    low, high = stats.t.interval(0.95, n - 1, loc=np.mean(values), scale=stats.sem(values))
    assert interval(values) == pytest.approx((np.mean(values), low, high), abs=1e-12)


@pytest.mark.parametrize("direction", ["up", "down", "same"])
@pytest.mark.parametrize("mean", [-0.05, -0.012, -0.004, 0.0, 0.004, 0.012, 0.05])
@pytest.mark.parametrize("spread", [0.0005, 0.004, 0.05])
def test_a_verdict_is_what_the_interval_says(direction, mean, spread):
    least = 0.01
    found = tried(differences(4, mean, spread), direction=direction, least=least)
    low, high = found.low, found.high
    if direction == "down":
        low, high = -high, -low
    if direction == "same":
        holds, fails = -least < low and high < least, low > least or high < -least
    else:
        holds, fails = low > least, high < least
    assert found.alone == ("holds" if holds else "does not hold" if fails else "undecided")
    assert (found.p < 0.05) == (holds or fails)


def test_p_is_that_of_a_t_test_against_the_least_effect():
    values = differences(6, 0.03, 0.01)
    assert tried(values, direction="up", least=0.01).p == pytest.approx(
        stats.ttest_1samp(values, 0.01).pvalue
    )
    turned = [-v for v in values]
    assert tried(turned, direction="down", least=0.01).p == pytest.approx(
        stats.ttest_1samp(values, 0.01).pvalue
    )


def test_one_seed_decides_nothing_and_no_seed_is_no_run():
    alone = tried([0.5], direction="up", least=0.01)
    assert (alone.effect, alone.n, alone.alone) == (0.5, 1, "undecided")
    assert all(map(math.isnan, (alone.low, alone.high, alone.p)))
    assert tried([], direction="up", least=0.01).alone == "not run"


@pytest.mark.parametrize(
    ("value", "direction", "wanted"),
    [(0.1, "up", "holds"), (0.0, "up", "does not hold"), (0.0, "same", "holds"),
     (-0.1, "up", "does not hold"), (0.1, "same", "does not hold"), (-0.1, "down", "holds"),
     (0.125, "up", "undecided")],
)  # fmt: skip
def test_without_variance_the_point_decides(value, direction, wanted):
    found = tried([value] * 3, direction=direction, least=0.125 if value == 0.125 else 0.01)
    assert (found.low, found.high) == (value, value)
    assert found.alone == wanted
    assert found.p == (1.0 if wanted == "undecided" else 0.0)


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [([0.1], {"direction": "better", "least": 0.1}, "direction: want 'up'"),
     ([0.1], {"direction": "up", "least": 0.0}, "above 0, got 0.0"),
     ([0.1, math.nan], {"direction": "up", "least": 0.1}, "want finite numbers")],
)  # fmt: skip
def test_nonsense_is_refused(values, options, said):
    with pytest.raises(ValueError, match=said):
        tried(values, **options)


def naive_rejections(p, *, level=0.05, holm=False):
    """Which are rejected, by the definitions: from the smallest up (Holm), from the largest down (BH)."""
    order, m = sorted(range(len(p)), key=p.__getitem__), len(p)
    passed = 0
    if holm:
        for rank, i in enumerate(order):
            if p[i] > level / (m - rank):
                break
            passed = rank + 1
    else:
        passed = max([rank for rank, i in enumerate(order, 1) if p[i] <= level * rank / m], default=0)
    return set(order[:passed])


@pytest.mark.parametrize("seed", range(20))
def test_corrections_reject_what_their_definitions_reject(seed):
    p = (np.random.default_rng(seed).random(12) ** 4).tolist()
    assert set(np.flatnonzero(benjamini_hochberg(p) <= 0.05)) == naive_rejections(p)
    assert set(np.flatnonzero(holm(p) <= 0.05)) == naive_rejections(p, holm=True)
    assert stats.false_discovery_control(p) == pytest.approx(benjamini_hochberg(p))
    assert (holm(p) >= benjamini_hochberg(p)).all()


def test_corrections_do_not_count_what_was_not_run():
    p = [0.01, math.nan, 0.03, math.nan]
    for correct in (benjamini_hochberg, holm):
        got = correct(p)
        assert np.isnan(got[[1, 3]]).all()
        assert got[[0, 2]] == pytest.approx(correct([0.01, 0.03]))
        assert correct([]).shape == (0,)
        assert np.isnan(correct([math.nan])).all()


def test_the_order_of_the_claims_does_not_matter():
    p = [0.04, 0.01, 0.03, 0.01]
    for order in itertools.permutations(range(4)):
        for correct in (benjamini_hochberg, holm):
            np.testing.assert_allclose(correct([p[i] for i in order]), correct(p)[list(order)])


def test_the_correction_can_only_take_verdicts_away():
    close = tried(differences(3, 0.03, 0.012), direction="up", least=0.01)
    assert close.alone == "holds"
    blank = [tried(differences(3, 0.05, 0.05, seed=k), direction="up", least=0.05) for k in range(40)]
    assert settle([close]) == ["holds"]
    settled = settle([close, *blank])
    assert settled[0] == "undecided"
    assert all(
        after in (before.alone, "undecided") for after, before in zip(settled, [close, *blank], strict=True)
    )
