"""BDA-SketRet's bottleneck: what an embedding keeps of the class, and of the modality."""

import math

import numpy as np
from numpy.typing import ArrayLike
from torch import from_numpy

from sbirkit.data.streams import stream

from .pictures import Floats, unit

TEMPERATURES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def readable_information(answers: ArrayLike, y: ArrayLike) -> float:
    r"""What a held-out probe reads of ``y`` from an embedding, in nats: a lower bound of :math:`I(z; y)`.

    .. math:: I(z; y) \ge H(y) - \frac1N \sum_i -\log p(y_i \mid z_i)

    Reference: Barber & Agakov, *The IM Algorithm*, NIPS 2003. Never below 0, which is a bound, too, nor
    above :math:`H(y)`. A linear probe's bound: a cleverer reader may find more.

    Args:
        answers: ``(N, K)`` log-probabilities of :func:`.probes.linear_probe`; rows of NaN are left out.

    >>> certain = np.log([[1.0, 1e-300], [1e-300, 1.0]])
    >>> round(readable_information(certain, [0, 1]), 4)
    0.6931
    """
    answers, y = np.asarray(answers, dtype=np.float64), np.unique(np.asarray(y), return_inverse=True)[1]
    told = np.isfinite(answers).any(1)
    if not told.any():
        return float("nan")
    share = np.bincount(y[told]) / told.sum()
    entropy = -sum(p * math.log(p) for p in share if p)
    return max(0.0, float(entropy + answers[told, y[told]].mean()))


def paired_information(sketch: ArrayLike, photo: ArrayLike, *, seed: int = 0) -> float:
    r"""InfoNCE lower bound, in nats, of what a sketch's embedding tells of its own photo's.

    .. math:: \frac1N \sum_i \tfrac12 \left[ \log \frac{e^{f_{ii}}}{\frac1N \sum_j e^{f_{ij}}} +
              \log \frac{e^{f_{ii}}}{\frac1N \sum_j e^{f_{ji}}} \right] \le \log N, \quad f = \cos / \tau

    Reference: van den Oord et al., *Contrastive Predictive Coding*, 2018. Every sketch has one photo that is
    right, so it is a bound, other than the training term :func:`.losses.shared_information`. The temperature
    is the one of :data:`TEMPERATURES` that does best on half of the pairs; the other half is measured, so
    its cap is the log of half of the pairs. NaN with fewer than four pairs.

    Args:
        sketch, photo: ``(N, D)``, row by row of the same individual.

    >>> round(paired_information(np.eye(8), np.eye(8)), 4) == round(math.log(4), 4)
    True
    """
    s, p = unit(sketch), unit(photo)
    if s.shape != p.shape:
        raise ValueError(f"sketch, photo: want pairs, got {s.shape} and {p.shape}")
    if len(s) < 4:
        return float("nan")
    order = stream(seed, "pairs").permutation(len(s))
    choose, ask = order[: len(s) // 2], order[len(s) // 2 :]
    best = max(TEMPERATURES, key=lambda t: _infonce(s[choose] @ p[choose].T / t))
    return max(0.0, _infonce(s[ask] @ p[ask].T / best))


def _infonce(f: Floats) -> float:
    """Of ``(N, N)`` scores with the right ones on the diagonal."""
    scores = from_numpy(f)
    both = (scores.log_softmax(0) + scores.log_softmax(1)).diagonal().mean() / 2
    return float(both) + math.log(len(f))
