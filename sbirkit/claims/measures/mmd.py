"""The domain gap as a kernel sees it."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from sbirkit.data.streams import stream

from .pictures import Floats

BLOCK = 512  # rows at a time: memory stays linear in the number of rows
SAMPLE = 1000  # rows that the median is taken of


def mmd(x: ArrayLike, y: ArrayLike, *, width: float | None = None, seed: int = 0) -> float:
    r"""Squared maximum mean discrepancy of two samples, unbiased: 0 on average where they are alike.

    .. math:: \frac{1}{n(n-1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m(m-1)} \sum_{i \ne j} k(y_i, y_j)
              - \frac{2}{nm} \sum_{i,j} k(x_i, y_j), \quad
              k(a, b) = \exp\left(-\frac{\lVert a - b \rVert^2}{2 \sigma^2}\right)

    Reference: Gretton et al., *A Kernel Two-Sample Test*, JMLR 2012, eq. 3. It may be a little below 0.

    Args:
        x: ``(n, D)``, y: ``(m, D)``. NaN with fewer than two rows in either.
        width: sigma; by default :func:`median_distance` of both samples together. To compare embeddings,
            each has its own: the number does not change when all vectors are scaled.

    >>> round(mmd([[0.0], [0.0]], [[1.0], [1.0]], width=1.0), 4)
    0.7869
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"x, y: want (n, D) and (m, D), got {x.shape} and {y.shape}")
    if min(len(x), len(y)) < 2:
        return float("nan")
    width = median_distance(np.concatenate([x, y]), seed=seed) if width is None else width
    if width <= 0:
        return 0.0 if (x == x[0]).all() and (y == x[0]).all() else float("nan")
    within = [
        (sum(k.sum() for k in _kernels(z, z, width)) - len(z)) / (len(z) * (len(z) - 1)) for z in (x, y)
    ]
    between = sum(k.sum() for k in _kernels(x, y, width)) / (len(x) * len(y))
    return float(sum(within) - 2 * between)


def median_distance(x: ArrayLike, *, seed: int = 0) -> float:
    """The median distance of two different rows; of large samples, of :data:`SAMPLE` rows drawn by ``seed``.

    >>> median_distance([[0.0], [1.0], [3.0]])
    2.0
    """
    x = np.asarray(x, dtype=np.float64)
    if len(x) > SAMPLE:
        x = x[stream(seed, "median").choice(len(x), SAMPLE, replace=False)]
    squared = _squared(x, x)[np.triu_indices(len(x), 1)]
    return float(np.sqrt(np.median(squared))) if len(squared) else 0.0


def _kernels(x: Floats, y: Floats, width: float) -> Iterator[Floats]:
    for start in range(0, len(x), BLOCK):
        yield np.exp(_squared(x[start : start + BLOCK], y) / (-2 * width**2))


def _squared(x: Floats, y: Floats) -> Floats:
    return ((x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T).clip(min=0)
