"""Do classes that are near in meaning look near?"""

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from sbirkit.losses.topology import class_distance, rank_correlation

from .pictures import checked


def class_rank_correlation(vectors: ArrayLike, labels: ArrayLike, distance: Tensor | ArrayLike) -> float:
    r"""Spearman's correlation of two kinds of distances between classes: of visual centres, and a given one.

    .. math:: \rho\left( \left\lVert n(\bar x_a) - n(\bar x_b) \right\rVert,\ d_{ab} \right)_{a < b}

    Measure it on *unseen* classes: what a term was trained to do for the projections of seen ones proves
    nothing. Pairs with a distance of NaN, of a class whose vector or place is not known, are left out.

    Args:
        labels: ``(N,)`` class ids. distance: ``(C, C)``, of meanings, NaN where unknown.

    Returns:
        NaN with fewer than three known pairs, or where one kind is the same for all of them.

    >>> x = [[1.0, 0.0], [0.9, 0.4], [0.0, 1.0]]
    >>> class_rank_correlation(x, [0, 1, 2], [[0.0, 1.0, 3.0], [1.0, 0.0, 2.0], [3.0, 2.0, 0.0]])
    1.0
    """
    x, ids = checked(vectors, labels)
    given = torch.as_tensor(np.asarray(distance), dtype=torch.float64)
    y = torch.from_numpy(ids.astype(np.int64))
    return rank_correlation(class_distance(torch.from_numpy(x), y, len(given)), given)
