"""RAMLN's aim: no picture near its class in one modality and far from it in the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .pictures import Floats, checked


@dataclass(frozen=True, slots=True)
class Separation:
    """Shares of the pictures, which add up to 1, and how far apart the classes are; see
    :func:`joint_separation`."""

    near_both: float
    torn: float
    near_none: float
    within: float
    across: float


def joint_separation(vectors: ArrayLike, labels: ArrayLike, is_sketch: ArrayLike) -> Separation:
    r"""Is a picture nearer to its own class than to any other, among sketches, and among photos?

    .. math:: d_{icm} = \operatorname{mean}_{j \ne i,\ y_j = c,\ m_j = m} \lVert x_i - x_j \rVert^2, \quad
              s_{im} = \frac{\min_{c \ne y_i} d_{icm} - d_{i y_i m}}{\max(\min_{c \ne y_i} d_{icm},
              d_{i y_i m})}

    ``near_both``, ``torn``, ``near_none``: shares of pictures with :math:`s_{im} > 0` in both modalities, in
    one alone (the paper: far from one modality while near the other), in none. ``torn`` falls, too, where
    pictures lose their class in both; read the three together. ``within`` and ``across``: means of
    :math:`s_{im}` in the picture's own modality and in the other, as in a silhouette: 1 is far apart, 0 is
    mixed up.

    Pictures that lack a companion of their class in either modality are left out; NaN where none is left, and
    with one class. ours: all of it, for the paper gives no measure.

    >>> x = [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    >>> joint_separation(x, [0] * 4 + [1] * 4, [True, True, False, False] * 2).near_both
    1.0
    """
    x, labels, is_sketch = checked(vectors, labels, is_sketch)
    classes, y = np.unique(labels, return_inverse=True)
    modality, each = np.asarray(is_sketch, bool).astype(int), np.arange(len(x))
    distance = np.stack([_to_classes(x, y, len(classes), modality == m) for m in (0, 1)], axis=2)  # (N, C, 2)
    own = distance[each, y]  # (N, 2)
    distance[each, y] = np.inf
    other = np.where(np.isnan(distance), np.inf, distance).min(1, initial=np.inf)
    known = np.isfinite(own).all(1) & np.isfinite(other).all(1)
    if not known.any():
        return Separation(*[float("nan")] * 5)
    own, other, modality = own[known], other[known], modality[known]
    score = (other - own) / np.maximum(np.maximum(other, own), 1e-12)  # (N, 2)
    near = (other - own > 1e-12).sum(1)
    mine, pick = modality[:, None], np.take_along_axis
    both, torn, none = (float((near == k).mean()) for k in (2, 1, 0))
    within, across = (float(pick(score, side, 1).mean()) for side in (mine, 1 - mine))
    return Separation(both, torn, none, within, across)


def _to_classes(x: Floats, y: np.ndarray, classes: int, among: np.ndarray) -> Floats:
    """``(N, C)`` mean squared distances of unit rows to the rows ``among`` of each class, itself left out."""
    member = np.zeros((len(x), classes))
    member[np.arange(len(x)), y] = among
    total, own = x @ (x.T @ member), member  # (N, C) sums of cosines; 1 where a row counts itself
    count = member.sum(0) - own
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (total - own * (x**2).sum(1)[:, None]) / count
    return np.where(count > 0, 2 - 2 * mean, np.nan)
