r"""Ranking metrics. Papers in this field print different numbers under one name; here each has its own.

Every function takes :class:`Ranks` and gives one float64 number per query. Where equal scores remain in the
ranks (rule ``expected``), it is the mean over all orders of the equal ones, in closed form, after McSherry
and Najork, *Computing information retrieval performance measures efficiently in the presence of tied scores*,
ECIR 2008.

Notation: a relevant item stands in a level of :math:`n` equal scores, :math:`r` of them relevant, below
:math:`a` items of which :math:`p` are relevant; :math:`m = \min(\max(K - a, 0), n)` places of the level are
in the top ``K``. Without ties :math:`n = r = 1`. A ``K`` beyond the gallery stays: missing ranks are misses.
"""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .ranks import Ranks, where

Values = NDArray[np.float64]
RECALL_LEVELS = np.linspace(0, 1, 101)
DEFAULT = ("mAP@all", "mAP@200-strict", "P@100", "P@200")
DEFAULT_INSTANCE = ("Acc@1", "Acc@5", "MRR-instance")


@lru_cache(maxsize=4)
def harmonic(n: int) -> Values:
    """``H_0 .. H_n``, the sums of ``1/i``."""
    return np.concatenate([[0.0], np.cumsum(1 / np.arange(1, n + 1))])


def chance_map(relevant: ArrayLike, gallery: int) -> float:
    r"""Mean of AP@all over all orders of ``gallery`` photos, ``relevant`` of them right.

    .. math:: \beta + (1 - \beta) \frac{H_G}{G}, \quad \beta = \frac{R-1}{G-1}, \quad H_G = \sum_{i=1}^G 1/i

    A relevant photo stands at each place ``i`` alike; there it counts itself and, of the ``i - 1`` above it,
    a share ``beta`` on average. Of several queries, a number each, the mean over those that have any.

    >>> chance_map(1, 2), chance_map([1, 2, 0], 2)
    (0.75, 0.875)
    """
    r = np.atleast_1d(relevant).astype(float)
    share = (r[r > 0] - 1) / max(1, gallery - 1)
    return float(np.mean(share + (1 - share) * harmonic(gallery)[-1] / gallery)) if len(share) else np.nan


@lru_cache(maxsize=4)
def discounts(n: int) -> Values:
    """``D_0 .. D_n``, the sums of ``1/log2(1+i)``: the gain of ``n`` hits in a row."""
    return np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, n + 2)))])


def _total(ranks: Ranks, part: NDArray[Any]) -> Values:
    """Sum over relevant items."""
    return (part if ranks.weight is None else part * ranks.weight).sum(axis=1, dtype=np.float64)


def _head(ranks: Ranks, k: int) -> Ranks:
    """Only the columns that can reach the top ``k``, to save time."""
    width = int(np.count_nonzero(ranks.above < k, axis=1).max(initial=0))
    if ranks.weight is not None or width == ranks.above.shape[1]:
        return ranks
    return ranks.each(lambda part: part[:, :width])


def hits(ranks: Ranks, k: int) -> Values:
    r"""Relevant items in the top ``k``: each counts :math:`m/n`."""
    ranks = _head(ranks, k)
    part = (ranks.upto <= k).astype(np.float64)
    at = where((ranks.above < k) & (ranks.upto > k))
    part[at] = (k - ranks.above[at]) / (ranks.upto - ranks.above)[at]
    return _total(ranks, part)


def precision_sum(ranks: Ranks, k: int) -> Values:
    r"""Sum of the precision at each relevant item in the top ``k``.

    .. math:: \sum_{i \le k} \mathrm{rel}_i \mathrm{prec}_i; \quad \text{each item of a level gives }
        \frac1n \sum_{t=1}^{m} \frac{p + 1 + (t-1)\beta}{a+t}
        = \frac{\beta m + (p + 1 - \beta (a+1)) (H_{a+m} - H_a)}{n}, \quad \beta = \frac{r-1}{n-1}
    """
    ranks = _head(ranks, k)
    part = (ranks.before + 1) / (ranks.above + 1)
    if k < ranks.gallery:
        part *= ranks.above < k
    at = where(ranks.upto - ranks.above > 1)
    if len(at[0]):
        a, n, p, r = _level(ranks, at)
        m, h = np.clip(k - a, 0, n), harmonic(ranks.gallery)
        slope = (r - 1) / (n - 1)
        part[at] = (slope * m + (p + 1 - slope * (a + 1)) * (h[a + m] - h[a])) / n
    return _total(ranks, part)


def gain(ranks: Ranks, k: int) -> Values:
    r"""Discounted gain in the top ``k``; each item of a level gives :math:`(D_{a+m} - D_a) / n`."""
    ranks = _head(ranks, k)
    d = discounts(ranks.gallery)
    part = 1 / np.log2(ranks.above + 2)
    if k < ranks.gallery:
        part *= ranks.above < k
    at = where(ranks.upto - ranks.above > 1)
    if len(at[0]):
        a, n, _, _ = _level(ranks, at)
        part[at] = (d[a + np.clip(k - a, 0, n)] - d[a]) / n
    return _total(ranks, part)


def envelope(ranks: Ranks, k: int) -> Values:
    """Precision at each relevant item in the top ``k``, raised to the best precision at any later one.

    Returns ``(b, n)``; 0 for items beyond ``k``. Needs one order: ties must be broken.
    """
    precision = (ranks.before + 1) / (ranks.above + 1)
    if k < ranks.gallery:
        precision *= ranks.above < k
    return _raised(precision)


def curve(ranks: Ranks) -> Values:
    """``(b, 101)`` precision at recall 0, 0.01, ... 1, each raised to the best one at a higher recall.

    Among equal scores it is that of the mean ranks: the ``x``-th of ``r`` items among ``n`` stands on average
    at place ``x (n + 1) / (r + 1)``.
    """
    need = np.maximum(np.ceil(RECALL_LEVELS * ranks.relevant - 1e-9), 1).astype(np.int64)
    if ranks.weight is None:
        precision = (ranks.before + 1) / (ranks.above + 1)
        at = where(ranks.upto - ranks.above > 1)
        a, n, p, r = _level(ranks, at)
        precision[at] = (at[1] + 1) / (a + (at[1] + 1 - p) * (n + 1) / (r + 1))
        return _raised(precision)[:, need - 1]
    a, n, p, r = _level(ranks, ...)
    step = (n + 1) / (r + 1)
    last = (p + r) / np.maximum(a + r * step, 1)  # within a level precision rises or falls steadily
    peak = np.where(r > 0, np.maximum(last, (p + 1) / (a + step)), 0)
    later = np.pad(_raised(peak)[:, 1:], ((0, 0), (0, 1)))
    shift = np.arange(len(a))[:, None] * (ranks.relevant + 1)  # one rising line of all rows, for one look-up
    level = (ranks.through + shift).ravel().searchsorted((need + shift).ravel()).reshape(len(a), -1)
    level -= np.arange(len(a))[:, None] * a.shape[1]
    a, p, step, last, later = (np.take_along_axis(part, level, axis=1) for part in (a, p, step, last, later))
    return np.maximum(need / (a + (need - p) * step), np.maximum(last, later))


def _raised(precision: Values) -> Values:
    """The best at this column or any later one."""
    backwards = precision[:, ::-1]
    return np.maximum.accumulate(backwards, axis=1, out=backwards)[:, ::-1]


def lenient(ranks: Ranks, k: int) -> Values:
    r"""Mean precision over the hits in the top ``k``, 0 without one: it forgives all that the ranking missed.

    A ratio, so its mean over tied orders needs the number :math:`x` of hits among the :math:`m` places of the
    level that straddles ``k``, which is hypergeometric; given :math:`x` it is a level of :math:`m` items.
    """
    value = precision_sum(ranks, k) / np.maximum(hits(ranks, k), 1)
    cut = (ranks.above < k) & (ranks.upto > k)
    if ranks.weight is not None:
        cut &= ranks.weight > 0
    rows = np.flatnonzero(cut.any(axis=1))
    ranks, cut, h = ranks.each(lambda part: part[rows]), cut[rows], harmonic(ranks.gallery)
    inside = (ranks.upto <= k).astype(np.int64)
    whole = replace(ranks, weight=inside if ranks.weight is None else inside * ranks.weight)
    sure, base = precision_sum(whole, k), hits(whole, k)
    for i, row in enumerate(rows):
        a, n, p, r = (int(v) for v in _level(ranks, (i, cut[i].argmax())))
        m = k - a
        x = np.arange(max(0, r - (n - m)), min(r, m) + 1)
        slope = (x - 1) / max(m - 1, 1)
        partial = x / m * (slope * m + (p + 1 - slope * (a + 1)) * (h[k] - h[a]))
        value[row] = _hypergeometric(x, n, r, m) @ ((sure[i] + partial) / np.maximum(base[i] + x, 1))
    return value


def reciprocal_rank(ranks: Ranks) -> Values:
    r"""1 / rank of the first relevant item; in a level, :math:`\sum_{t \ge 1} P(T = t) / (a + t)`."""
    a, n, r = _first(ranks)
    value = 1.0 / (a + 1)
    open_ = np.flatnonzero(n > r)
    value[open_] = 0.0
    a, n, r = a[open_], n[open_], r[open_]
    alone = np.ones(len(open_))  # P(no relevant item among the first t places)
    for t in range(int((n - r).max(initial=-1)) + 1):
        value[open_] += alone * r / (n - t) / (a + t + 1)
        alone = alone * (n - t - r) / (n - t)
        live = alone > 1e-18
        a, n, r, alone, open_ = a[live], n[live], r[live], alone[live], open_[live]
    return value


def accuracy(ranks: Ranks, k: int) -> Values:
    """1 if a relevant item is in the top ``k``; in a level, the probability of it."""
    from scipy.special import gammaln

    a, n, r = _first(ranks)
    m = np.clip(k - a, 0, n)
    rest = np.maximum(n - r - m, 0)
    missed = gammaln(n - m + 1) - gammaln(rest + 1) + gammaln(n - r + 1) - gammaln(n + 1)
    return np.where(m > n - r, 1.0, np.where(m == 0, 0.0, 1 - np.exp(missed)))


def _level(ranks: Ranks, at: Any) -> tuple[Any, Any, Any, Any]:
    """``a, n, p, r`` of some items."""
    a, p = ranks.above[at], ranks.before[at]
    return a, ranks.upto[at] - a, p, ranks.through[at] - p


def _first(ranks: Ranks) -> tuple[Any, Any, Any]:
    """``a, n, r`` of the level of each query's first relevant item."""
    column = 0 if ranks.weight is None else (ranks.weight > 0).argmax(axis=1)
    a, n, _, r = _level(ranks, (np.arange(len(ranks.above)), column))
    return a, n, r


def _hypergeometric(x: NDArray[Any], n: int, r: int, m: int) -> Values:
    """P(x of the r relevant among m of n)."""
    from scipy.special import gammaln

    def choose(total: Any, some: Any) -> Any:
        return gammaln(total + 1) - gammaln(some + 1) - gammaln(total - some + 1)

    return np.exp(choose(r, x) + choose(n - r, m - x) - choose(n, m))


# name -> how to compute it from the ranks and K (of "@all": the gallery), and what its ties need.
Formula = Callable[[Ranks, int], Values]
FORMULAS: dict[str, Formula] = {
    "mAP@all": lambda q, k: precision_sum(q, k) / q.relevant,
    "mAP@all-voc": lambda q, k: _total(q, envelope(q, k)) / q.relevant,
    "mAP@{K}-strict": lambda q, k: precision_sum(q, k) / min(q.relevant, k),
    "mAP@{K}-strict-voc": lambda q, k: _total(q, envelope(q, k)) / min(q.relevant, k),
    "mAP@{K}-lenient": lenient,
    "mAP@{K}-by-k": lambda q, k: precision_sum(q, k) / k,
    "mAP@{K}-over-r": lambda q, k: precision_sum(q, k) / q.relevant,
    "P@{K}": lambda q, k: hits(q, k) / k,
    "P@{K}-min": lambda q, k: hits(q, min(k, q.relevant)) / min(k, q.relevant),
    "recall@{K}": lambda q, k: hits(q, k) / q.relevant,
    "nDCG@all": lambda q, k: gain(q, k) / discounts(q.gallery)[q.relevant],
    "nDCG@{K}": lambda q, k: gain(q, k) / discounts(q.gallery)[min(q.relevant, k)],
    "R-precision": lambda q, k: hits(q, q.relevant) / q.relevant,
    "MRR": lambda q, k: reciprocal_rank(q),
    "Acc@{K}": accuracy,
    "MRR-instance": lambda q, k: reciprocal_rank(q),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's name, taken apart.

    >>> Metric.named("mAP@200-strict")
    Metric(name='mAP@200-strict', family='mAP@{K}-strict', k=200)
    """

    name: str
    family: str
    k: int | None = None

    @classmethod
    def named(cls, name: str) -> "Metric":
        """Read a name; one that papers use for several formulas is refused."""
        if not isinstance(name, str):
            raise TypeError(f"metrics: want names such as 'mAP@all', got {name!r}")
        number = re.search(r"@(\d+)", name)
        family = name if number is None else name.replace(number[0], "@{K}", 1)
        k = None if number is None else int(number[1])
        if family in FORMULAS and k != 0 and "{K}" not in name:
            return cls(name, family, k)
        if family == "mAP@{K}":
            same = ", ".join(f.format(K=k) for f in FORMULAS if f.startswith("mAP@{K}-"))
            raise ValueError(f"metrics: {name!r} is the name of several formulas; choose from {same}")
        lower = {known.lower(): known.format(K=k or "{K}") for known in FORMULAS}
        near = difflib.get_close_matches(family.lower(), lower, n=1, cutoff=0)[0]
        raise ValueError(
            f"metrics: unknown {name!r}; did you mean {lower[near]!r}? "
            f"Known, with K >= 1: {', '.join(FORMULAS)}"
        )

    @classmethod
    def several(cls, names: Sequence[str]) -> "list[Metric]":
        """Read a list of names, each once."""
        if isinstance(names, str) or not names:
            raise ValueError(f"metrics: want a list of names, got {names!r}")
        return [cls.named(name) for name in dict.fromkeys(names)]

    @property
    def by_instance(self) -> bool:
        """Relevant is the one pictured object, not its class."""
        return self.family in ("Acc@{K}", "MRR-instance")

    @property
    def needs_order(self) -> bool:
        """No closed form over tied orders: a maximum does not commute with a mean."""
        return self.family.endswith("-voc")

    def __call__(self, ranks: Ranks) -> Values:
        return FORMULAS[self.family](ranks, self.k or ranks.gallery)
