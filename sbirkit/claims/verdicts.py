r"""From differences, one for each seed, to a verdict.

.. math:: \bar d \pm t_{n-1} \frac{s}{\sqrt n}, \qquad
          T = \frac{m}{s / \sqrt n}, \quad m = \sigma \bar d - \delta

:math:`d_k` is the difference of two arms with seed :math:`k`; :math:`\delta > 0` is the smallest effect that
matters and :math:`\sigma` the claimed direction, both written down before any run. A claim

- **holds** where the whole interval lies beyond :math:`\delta` in the claimed direction,
- **does not hold** where the whole interval lies short of it: an effect that matters is excluded,
- is **undecided** otherwise.

A claim that two arms are the *same* has :math:`m = |\bar d| - \delta`: it holds where the whole interval lies
within :math:`\pm\delta`, and does not where it lies outside on one side.

A ledger gives many verdicts, so each must also survive a correction over all of them: the two-sided p-value
of :math:`m = 0` after Benjamini and Hochberg (1995), at 5 %. It bounds what a reader of the list cares for,
the expected share of wrong ones among the verdicts given (where claims share arms, as they do, under positive
dependence). Holm's correction (1979), which bounds the chance of a single wrong one, is reported beside it:
with three seeds hardly anything can pass it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Direction = Literal["up", "down", "same"]
Verdict = Literal["holds", "does not hold", "undecided", "not run"]
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Test:
    """What the differences say of one claim on its own.

    ``effect``, ``low`` and ``high`` are in the quantity's own sign; ``p`` is NaN below two seeds.
    """

    effect: float
    low: float
    high: float
    n: int
    p: float
    alone: Verdict

    __test__ = False  # pytest: not one of yours


def interval(differences: Sequence[float]) -> tuple[float, float, float]:
    r"""Mean and the ends of its 95 % t-interval; NaN ends for one value alone.

    >>> [round(x, 3) for x in interval([0.1, 0.2, 0.3])]
    [0.2, -0.048, 0.448]
    """
    n = len(differences)
    if not n:
        return math.nan, math.nan, math.nan
    mean = differences[0] if _spread(differences) == 0 else math.fsum(differences) / n
    if n == 1:
        return mean, math.nan, math.nan
    half = float(stats.t.ppf(1 - LEVEL / 2, n - 1)) * _spread(differences) / math.sqrt(n)
    return mean, mean - half, mean + half


def test(differences: Sequence[float], *, direction: Direction, least: float) -> Test:
    """Put one claim to the test, before any correction.

    Without variance, as where two arms are the same bit for bit, the interval is a point and p is 0 (1 where
    the point is ``least`` itself).

    Args:
        differences: one for each seed. direction: what the claim says of them. least: the smallest that
            matters, above 0.

    >>> test([0.030, 0.034, 0.032], direction="up", least=0.01).alone
    'holds'
    """
    if direction not in ("up", "down", "same"):
        raise ValueError(f"direction: want 'up', 'down' or 'same', got {direction!r}")
    if not 0 < least < math.inf:
        raise ValueError(f"least: want the smallest effect that matters, above 0, got {least!r}")
    if not all(map(math.isfinite, differences)):
        raise ValueError(f"differences: want finite numbers, got {list(differences)}")
    effect, low, high = interval(differences)
    n = len(differences)
    if n < 2:
        return Test(effect, low, high, n, math.nan, "undecided" if n else "not run")
    beyond = {"up": effect, "down": -effect, "same": abs(effect)}[direction] - least
    error = _spread(differences) / math.sqrt(n)
    p = 2 * float(stats.t.sf(abs(beyond) / error, n - 1)) if error else float(beyond == 0)
    claimed = beyond < 0 if direction == "same" else beyond > 0
    alone: Verdict = "undecided" if p >= LEVEL else "holds" if claimed else "does not hold"
    return Test(effect, low, high, n, p, alone)


def benjamini_hochberg(p: Sequence[float]) -> NDArray[np.float64]:
    r"""Adjusted p-values, :math:`\min_{j \ge i} \frac{m}{j} p_{(j)}`, at most 1; NaN stays, not counted.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    return _stepped(p, lambda m, rank: m / rank, up=True)


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    r"""Adjusted p-values, :math:`\max_{j \le i} (m - j + 1) \, p_{(j)}`, at most 1; NaN stays, not counted.

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    return _stepped(p, lambda m, rank: m - rank + 1, up=False)


def settle(tests: Sequence[Test]) -> list[Verdict]:
    """Verdicts that survive the correction over all the tests; those that do not become undecided."""
    adjusted = benjamini_hochberg([one.p for one in tests])
    return [
        "undecided" if one.alone in ("holds", "does not hold") and not q < LEVEL else one.alone
        for one, q in zip(tests, adjusted, strict=True)
    ]


def _spread(values: Sequence[float]) -> float:
    """Standard deviation over n - 1, exactly 0 for equal values, which a rounded mean would hide."""
    return 0.0 if max(values) == min(values) else float(np.std(values, ddof=1))


def _stepped(p: Sequence[float], factor, *, up: bool) -> NDArray[np.float64]:  # type: ignore[no-untyped-def]
    given = np.asarray(p, dtype=np.float64)
    out = np.full(given.shape, np.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    m = len(order)
    scaled = given[order] * factor(m, np.arange(1, m + 1))
    if m:
        run = np.minimum.accumulate(scaled[::-1])[::-1] if up else np.maximum.accumulate(scaled)
        out[order] = np.minimum(run, 1)
    return out
