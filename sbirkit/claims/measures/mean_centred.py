"""The cheapest cure of a modality gap, as a control: take each modality's mean away."""

import numpy as np
from numpy.typing import ArrayLike

from .pictures import Floats, checked, unit


def mean_centred(
    vectors: ArrayLike, is_sketch: ArrayLike, *, of: tuple[ArrayLike, ArrayLike] | None = None
) -> Floats:
    r"""``(N, D)``: unit rows less the mean of their modality, of length one again.

    .. math:: n\left(x_i - \bar x_{m_i}\right)

    Args:
        of: vectors and modality that the means are taken of, such as those of training pictures; by default
            the rows themselves, which is transductive: it looks at the statistics of the test.

    >>> x = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]
    >>> mean_centred(x, [True, True, False, False]).round(3)
    array([[ 0.,  1.],
           [ 0., -1.],
           [ 0.,  1.],
           [ 0., -1.]])
    """
    x, is_sketch = checked(vectors, is_sketch)
    source, kinds = (x, is_sketch) if of is None else checked(*of)
    if source.shape[1] != x.shape[1]:
        raise ValueError(f"of: want vectors of {x.shape[1]} numbers, got {source.shape[1]}")
    shifted = x.copy()
    for kind in (True, False):
        theirs = source[np.asarray(kinds, bool) == kind]
        if len(theirs):
            shifted[np.asarray(is_sketch, bool) == kind] -= theirs.mean(0)
    return unit(shifted)
