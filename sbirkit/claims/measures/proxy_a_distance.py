"""The domain gap as a probe sees it."""

from numpy.typing import ArrayLike

from .modality_probe import modality_probe


def proxy_a_distance(
    vectors: ArrayLike,
    labels: ArrayLike,
    is_sketch: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    seed: int = 0,
) -> float:
    r"""How well a held-out linear probe tells the two modalities apart, as a distance.

    .. math:: d_A = 2 (1 - 2 \varepsilon)

    with :math:`\varepsilon` the probe's balanced error: 2 where it always knows, 0 where it guesses. It
    may be a little below 0 by chance, and is left so, for differences of clipped numbers are biased.

    Reference: Ben-David et al., *Analysis of Representations for Domain Adaptation*, NIPS 2006. The classes
    of the two sides are the same here, so the distance is of the modality, not of what is shown.

    >>> x = [[1.0, k] for k in range(8)] + [[-1.0, k] for k in range(8)]
    >>> proxy_a_distance(x, list("abcdabcd") * 2, [True] * 8 + [False] * 8)
    2.0
    """
    return a_distance(modality_probe(vectors, labels, is_sketch, groups=groups, seed=seed))


def a_distance(accuracy: float) -> float:
    """The distance that a balanced accuracy stands for.

    >>> a_distance(0.75)
    1.0
    """
    return 2 * (1 - 2 * (1 - accuracy))
