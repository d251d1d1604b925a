"""A fresh linear probe: what can be read from vectors by someone who had no part in making them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sbirkit.data.streams import stream

from .pictures import Bools, Floats, rows_of

PENALTIES = (0.1, 1.0, 10.0)  # inverse strengths, as scikit-learn's ``C``


def halves(groups: ArrayLike, *, within: ArrayLike | None = None, seed: int = 0) -> Bools:
    """``(N,)``: which rows are on the first side, where a group is never divided.

    Args:
        groups: the individual of each row, so that no probe is asked about one it has learned from.
        within: the class of each row; each class's groups are then shared out evenly.

    >>> halves([0, 0, 1, 1, 2, 2, 3, 3], within=[0, 0, 0, 0, 1, 1, 1, 1]).reshape(4, 2).all(1).sum()
    np.int64(2)
    """
    groups = np.asarray(groups)
    strata = np.zeros(len(groups), np.int64) if within is None else np.asarray(within)
    if strata.shape != groups.shape:
        raise ValueError(f"within: want an entry for each of {len(groups)} rows, got {strata.shape}")
    first, turn, settled = np.zeros(len(groups), bool), 0, np.zeros(len(groups), bool)
    for value in np.unique(strata):
        mine = (strata == value) & ~settled
        names = stream(seed, "halves", str(value)).permutation(np.unique(groups[mine]))
        chosen = np.isin(groups, names[turn::2])
        first[chosen & ~settled] = True
        settled |= np.isin(groups, names)
        turn = (turn + len(names)) % 2  # an odd class gives its spare group to the side that is behind
    return first


def linear_probe(
    vectors: ArrayLike,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    within: ArrayLike | None = None,
    asked: ArrayLike | None = None,
    seed: int = 0,
) -> Floats:
    r"""``(N, K)``: held-out log-probabilities of the K values of ``y``, sorted, for every row.

    .. math:: p(y \mid x) = \operatorname{softmax}(W x + b), \quad
              \min_{W, b} \sum_i -\log p(y_i \mid x_i) + \tfrac{1}{2C} \lVert W \rVert^2

    The rows are divided in two; each half is told by a probe that learned from the other, after columns are
    centred and scaled, all by one factor, as the learning half says. ``C`` of :data:`PENALTIES` is the one
    that does best on half of the learning half.

    Args:
        groups, within: see :func:`halves`; by default every row is an individual,
            and ``within`` is ``y``.
        asked: ``(N,)`` bool; probes learn from the other rows only, and are asked about these.

    Returns:
        NaN where a probe cannot be made: ``y`` has one value, or the learning rows lack one of them.

    >>> x, y = [[1.0, 0.1 * k] for k in range(8)] + [[-1.0, 0.1 * k] for k in range(8)], [0] * 8 + [1] * 8
    >>> (linear_probe(x, y).argmax(1) == y).all()
    np.True_
    """
    from scipy.special import log_softmax
    from sklearn.linear_model import LogisticRegression

    x = rows_of(vectors, y)
    values, y = np.unique(y, return_inverse=True)
    groups = np.arange(len(x)) if groups is None else np.asarray(groups)
    within = y if within is None else np.asarray(within)
    answers = np.full((len(x), len(values)), np.nan)

    def fitted(rows: Bools, penalty: float) -> tuple[Floats, float, LogisticRegression]:
        centre = x[rows].mean(0)
        scale = float((x[rows] - centre).std()) or 1.0
        probe = LogisticRegression(C=penalty, max_iter=1000, tol=1e-3)
        return centre, scale, probe.fit((x[rows] - centre) / scale, y[rows])

    def said(model: tuple[Floats, float, LogisticRegression], rows: Bools) -> Floats:
        centre, scale, probe = model
        scores = probe.decision_function((x[rows] - centre) / scale)
        return log_softmax(scores if scores.ndim == 2 else np.stack([0 * scores, scores], 1), axis=1)

    for learn, ask in _turns(groups, within, seed, asked):
        if len(values) < 2 or not _holds_all(y[learn], len(values)):
            continue
        inner = learn & halves(groups, within=within, seed=seed + 1)
        best = 1.0
        if _holds_all(y[inner], len(values)) and (rest := learn & ~inner).any():
            loss = [
                -said(fitted(inner, c), rest)[np.arange(int(rest.sum())), y[rest]].mean() for c in PENALTIES
            ]
            best = PENALTIES[int(np.argmin(loss))]
        answers[ask] = said(fitted(learn, best), ask) if ask.any() else answers[ask]
    return answers


def _turns(
    groups: NDArray, within: NDArray, seed: int, asked: ArrayLike | None
) -> Iterator[tuple[Bools, Bools]]:
    """The rows to learn from and those to ask about, twice."""
    first = halves(groups, within=within, seed=seed)
    for learn, ask in ((first, ~first), (~first, first)):
        yield (
            (learn, ask)
            if asked is None
            else (learn & ~np.asarray(asked, bool), ask & np.asarray(asked, bool))
        )


def _holds_all(y: NDArray[np.int64], values: int) -> bool:
    return len(np.unique(y)) == values


def balanced_accuracy(answers: ArrayLike, y: ArrayLike) -> float:
    r"""Mean over the values of ``y`` of the share that is told right; rows without an answer are left out.

    .. math:: \frac1K \sum_k \frac{1}{|\{i : y_i = k\}|} \sum_{i : y_i = k} [\hat y_i = k]

    >>> balanced_accuracy([[0.0, -9.0], [0.0, -9.0], [0.0, -9.0]], [0, 0, 1])
    0.5
    """
    answers, (values, y) = np.asarray(answers), np.unique(np.asarray(y), return_inverse=True)
    told = np.isfinite(answers).any(1)
    if not told.any():
        return float("nan")
    right = answers[told].argmax(1) == y[told]
    return float(np.mean([right[y[told] == k].mean() for k in range(len(values)) if (y[told] == k).any()]))
