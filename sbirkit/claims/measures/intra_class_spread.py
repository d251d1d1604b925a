"""How far the pictures of one class lie apart."""

import numpy as np
from numpy.typing import ArrayLike

from .pictures import checked


def intra_class_spread(vectors: ArrayLike, labels: ArrayLike) -> float:
    r"""Mean variance of a class around its centre, for unit vectors and without bias.

    .. math:: \frac1C \sum_c \frac{1}{2 n_c (n_c - 1)} \sum_{i \ne j \in c} \lVert x_i - x_j \rVert^2
              = \frac1C \sum_c \frac{n_c}{n_c - 1} \left(1 - \lVert \bar x_c \rVert^2\right)

    Give the rows of one modality. A class with one picture says nothing and is left out; NaN without any.

    >>> intra_class_spread([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [0, 0, 1])
    1.0
    """
    x, labels = checked(vectors, labels)
    found = [_variance(x[labels == label]) for label in np.unique(labels)]
    known = [v for v in found if not np.isnan(v)]
    return float(np.mean(known)) if known else float("nan")


def relative_spread(vectors: ArrayLike, labels: ArrayLike) -> float:
    """:func:`intra_class_spread` as a share of the spread of all pictures, since an embedding that shrinks
    altogether spreads less in every class. 1: classes are no tighter than the whole. NaN where all are equal.

    >>> relative_spread([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [0, 0, 1, 1])
    0.0
    """
    x, labels = checked(vectors, labels)
    whole = _variance(x)
    return intra_class_spread(x, labels) / whole if whole > 1e-12 else float("nan")


def _variance(x: np.ndarray) -> float:
    """Of unit rows around their mean; NaN for one alone."""
    if len(x) < 2:
        return float("nan")
    return float(len(x) / (len(x) - 1) * ((x**2).sum(1).mean() - (x.mean(0) ** 2).sum()))
