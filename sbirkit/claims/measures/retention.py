"""How much of what pre-training knew is still there."""

import numpy as np
from numpy.typing import ArrayLike

from .pictures import Floats, unit

BLOCK = 512


def neighbour_overlap(student: ArrayLike, teacher: ArrayLike, *, k: int = 10) -> float:
    r"""Share of a picture's ``k`` nearest neighbours, by cosine, that student and teacher agree on.

    .. math:: \frac1N \sum_i \frac{1}{k} \left| N_k^\text{student}(i) \cap N_k^\text{teacher}(i) \right|

    A picture is not its own neighbour, and ties go to the earlier row. Strangers agree on
    :math:`k / (N - 1)` by chance. NaN where there are not more than ``k`` other pictures.

    Args:
        student: ``(N, D)``, teacher: ``(N, E)``: the same pictures in two embeddings.

    >>> neighbour_overlap([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], [[2, 0], [2, 1], [0, 2], [1, 2]], k=1)
    1.0
    """
    a, b = _same(student, teacher)
    if k < 1:
        raise ValueError(f"k: want 1 or more, got {k}")
    if len(a) <= k + 1:
        return float("nan")
    shared = 0
    for start in range(0, len(a), BLOCK):
        one, other = (_nearest(x, start, k) for x in (a, b))
        shared += int((one[:, :, None] == other[:, None]).sum())
    return shared / (k * len(a))


def linear_cka(student: ArrayLike, teacher: ArrayLike) -> float:
    r"""Linear centred kernel alignment: 1 where the embeddings differ by rotation and scale alone.

    .. math:: \frac{\lVert Y^\top X \rVert_F^2}{\lVert X^\top X \rVert_F\, \lVert Y^\top Y \rVert_F}
              \quad \text{with centred columns}

    Reference: Kornblith et al., *Similarity of Neural Network Representations Revisited*, ICML 2019, eq. 5.
    ours: of rows of length one. With fewer rows than columns it is high by chance; NaN with fewer than two,
    or where one embedding is the same for all.

    >>> round(linear_cka([[1, 0], [0, 1], [-1, 0]], [[0, 2], [-2, 0], [0, -2]]), 6)
    1.0
    """
    a, b = (x - x.mean(0) for x in _same(student, teacher))
    scale = np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)
    return float(np.linalg.norm(b.T @ a) ** 2 / scale) if len(a) > 1 and scale > 1e-12 else float("nan")


def _same(student: ArrayLike, teacher: ArrayLike) -> tuple[Floats, Floats]:
    a, b = unit(student), unit(teacher)
    if len(a) != len(b):
        raise ValueError(f"student, teacher: want the same pictures, got {len(a)} and {len(b)}")
    return a, b


def _nearest(x: Floats, start: int, k: int) -> np.ndarray:
    """``(BLOCK, k)`` row numbers of the nearest to each of a block's rows."""
    cosine = (x[start : start + BLOCK] @ x.T).round(12)  # equal rows are equal, whatever the block
    rows = np.arange(len(cosine))
    cosine[rows, start + rows] = -np.inf
    return np.argsort(-cosine, axis=1, kind="stable")[:, :k]
