"""Where the relevant items stand. Every metric of this package follows from these ranks alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ranks:
    """Ranks of the relevant items of ``b`` queries that all have the same number of them.

    Column ``j`` is a relevant item (``weight`` is None) or a whole level of equal scores that holds
    ``weight`` relevant items (binary codes have few levels, so this is much shorter). Best first.

    Attributes:
        above: ``(b, n)`` gallery items with a strictly better score.
        upto: ``(b, n)`` gallery items with a better *or equal* score; without ties ``above + 1``.
        before: ``(b, n)`` relevant items among ``above``.
        through: ``(b, n)`` relevant items among ``upto``.
        relevant: ``R``, relevant items of each query in the whole gallery.
        gallery: ``G``, gallery items.
        weight: None or ``(b, n)``.
    """

    above: Counts
    upto: Counts
    before: Counts
    through: Counts
    relevant: int
    gallery: int
    weight: Counts | None = None

    def mixed(self) -> NDArray[np.bool_]:
        """``(b, n)``: tied with an irrelevant item. Only there does the order of equal scores matter."""
        tied = np.greater(self.upto - self.above, self.through - self.before)
        return tied if self.weight is None else tied & (self.weight > 0)

    def each(self, change: Callable[[Counts], Counts]) -> "Ranks":
        """The same change made to every array: some of the queries, some of the columns."""
        return replace(
            self,
            above=change(self.above),
            upto=change(self.upto),
            before=change(self.before),
            through=change(self.through),
            weight=None if self.weight is None else change(self.weight),
        )

    def items(self) -> "Ranks":
        """Levels unfolded: one column for each relevant item."""
        if self.weight is None:
            return self
        times, shape = self.weight.ravel(), (len(self.above), self.relevant)
        unfolded = self.each(lambda part: np.repeat(part.ravel(), times).reshape(shape))
        return replace(unfolded, weight=None)


def where(mask: NDArray[np.bool_]) -> tuple[Counts, Counts]:
    """Rows and columns that hold, several times faster than ``numpy.nonzero`` where they are few."""
    row, column = np.divmod(np.flatnonzero(mask), max(mask.shape[1], 1))
    return row, column


def ranks_from_scores(scores: NDArray[Any], lo: int, hi: int, *, top: int = 0) -> tuple[Ranks, NDArray[Any]]:
    """Ranks of the gallery items ``lo:hi`` under each row of ``scores``, higher is better.

    Sorts score *values* (several times cheaper than sorting positions) and looks each relevant score up.

    Args:
        scores: ``(b, G)``, left as they are.
        top: also tell the score of the item at this rank.

    Returns:
        The ranks, and ``(b,)`` scores at rank ``top`` (of the last item where ``top`` exceeds ``G``).

    >>> ranks, _ = ranks_from_scores(np.array([[0.2, 0.9, 0.5, 0.2]]), 0, 2)
    >>> ranks.above.tolist(), ranks.upto.tolist()
    ([[0, 2]], [[1, 4]])
    """
    b, size = scores.shape
    relevant = hi - lo
    found = scores[:, lo:hi].copy()  # a copy also where one row is already contiguous: it is sorted in place
    found.sort(axis=1)
    below, over = np.empty((2, b, relevant), np.int64)  # items with a lower score; with a lower or equal one
    edge = np.empty(b, scores.dtype)
    line = np.full(size + 1, np.nan, scores.dtype)  # nan ends the line: it equals nothing
    body, after = line[:-1], line[1:]
    follows = np.empty(relevant, scores.dtype)
    tied = np.zeros((b, relevant), bool)
    for i in range(b):
        body[:] = scores[i]
        body.sort()
        if not (np.isfinite(body[0]) and np.isfinite(body[-1])):
            raise ValueError("scores: want finite numbers, got nan or infinity")
        edge[i] = body[max(size - max(top, 1), 0)]
        below[i] = body.searchsorted(found[i])
        np.take(after, below[i], out=follows)
        same = np.equal(follows, found[i], out=tied[i])
        over[i] = below[i] + 1
        if same.any():
            over[i, same] = body.searchsorted(found[i, same], side="right")
    upto, above = size - below[:, ::-1], size - over[:, ::-1]
    through = np.broadcast_to(np.arange(1, relevant + 1), (b, relevant))
    before = through - 1
    if tied.any():
        before, through = before.copy(), through.copy()
        for i in np.flatnonzero(tied.any(axis=1)).tolist():
            level = found[i, tied[i]]
            before[i, tied[i, ::-1]] = relevant - found[i].searchsorted(level, side="right")[::-1]
            through[i, tied[i, ::-1]] = relevant - found[i].searchsorted(level, side="left")[::-1]
    return Ranks(above, upto, before, through, relevant, size), edge


def ranks_from_histogram(every: Counts, own: Counts) -> Ranks:
    """Ranks from how many items, and how many relevant ones, stand at each level of score.

    Args:
        every: ``(b, L)`` gallery items per level, best level first. own: the relevant ones among them.

    >>> ranks = ranks_from_histogram(np.array([[1, 3]]), np.array([[0, 2]]))
    >>> ranks.above.tolist(), ranks.upto.tolist(), ranks.relevant
    ([[0, 1]], [[1, 4]], 2)
    """
    upto, through = every.cumsum(axis=1), own.cumsum(axis=1)
    relevant, size = (int(part[0, -1]) for part in (through, upto))
    return Ranks(upto - every, upto, through - own, through, relevant, size, weight=own)


def level_counts(levels: NDArray[Any], n: int) -> Counts:
    """Row by row, how many entries of each level ``n-1, ..., 1, 0``: histograms, best level first."""
    kind = np.min_scalar_type(n)  # 8 or 16 bits sort by radix: quicker than counting, and threads share it
    edges = np.arange(1, n).astype(kind)
    below = np.array([np.sort(row.astype(kind), kind="stable").searchsorted(edges) for row in levels])
    return np.diff(below, axis=1, prepend=0, append=levels.shape[1])[:, ::-1]


def ranks_from_tensor(scores: Any, lo: int, hi: int, *, top: int = 0) -> tuple[Ranks, Any]:
    """:func:`ranks_from_scores` of a torch tensor, on its device: one sort and four look-ups in all."""
    import torch

    size, relevant = scores.shape[1], hi - lo
    line, found = scores.sort(dim=1).values, scores[:, lo:hi].sort(dim=1).values
    if not torch.isfinite(line[:, [0, -1]]).all():
        raise ValueError("scores: want finite numbers, got nan or infinity")

    def counts(row: torch.Tensor, side: str) -> Counts:
        below = torch.searchsorted(row, found, side=side)
        return (row.shape[1] - below).flip(1).cpu().numpy()

    above, upto = counts(line, "right"), counts(line, "left")
    ranks = Ranks(above, upto, counts(found, "right"), counts(found, "left"), relevant, size)
    return ranks, line[:, max(size - max(top, 1), 0)]


def best(scores: Any, edge: Any, keep: int, number: NDArray[np.int64]) -> NDArray[np.int64]:
    """Columns of the ``keep`` best scores of each row: all that reach ``edge``, equal ones by number."""
    near = scores >= edge[:, None]
    if isinstance(scores, np.ndarray):
        row, column = where(near)
        value = scores[row, column].astype(np.float64)
    else:
        row, column = (part.cpu().numpy() for part in near.nonzero(as_tuple=True))
        value = scores[near].double().cpu().numpy()
    order = np.lexsort((number[column], -value, row))
    first = np.searchsorted(row[order], np.arange(len(scores)))
    return column[order][first[:, None] + np.arange(keep)]
