"""BDA-SketRet's first level: can the modality be read from single cells of the feature maps?"""

import numpy as np
from numpy.typing import ArrayLike

from sbirkit.data.streams import stream

from .mmd import median_distance
from .pictures import Floats, rows_of
from .probes import balanced_accuracy, linear_probe


def cells(maps: ArrayLike, *, each: int, seed: int = 0) -> tuple[Floats, np.ndarray]:
    """``(N * each, C)`` cells of ``(N, C, h, w)`` maps, drawn without repeats, and the map of each.

    Where a map has fewer cells than ``each``, all of them.

    >>> found, of = cells(np.arange(8).reshape(2, 1, 2, 2), each=2)
    >>> found.shape, of.tolist()
    ((4, 1), [0, 0, 1, 1])
    """
    maps = np.asarray(maps, dtype=np.float64)
    if maps.ndim != 4:
        raise ValueError(f"maps: want (N, C, h, w), got {maps.shape}")
    flat = maps.reshape(*maps.shape[:2], -1).transpose(0, 2, 1)  # (N, places, C)
    each = min(each, flat.shape[1])
    random = stream(seed, "cells")
    places = [random.permutation(flat.shape[1])[:each] for _ in flat]
    rows = np.repeat(np.arange(len(flat)), each)
    return flat[rows, np.asarray(places, np.int64).reshape(-1)], rows


def cell_modality_probe(
    maps: ArrayLike,
    is_sketch: ArrayLike,
    labels: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    each: int = 4,
    kernel: bool = False,
    seed: int = 0,
) -> float:
    """Balanced accuracy of a fresh probe on single cells of pictures that it has not seen; 0.5 is a guess.

    The discriminator of the training is no witness: it was there to be deceived. Cells are taken as they
    are, their lengths included, for that is what it saw.

    Args:
        maps: ``(N, C, h, w)``. is_sketch, labels: ``(N,)``. groups: the individual of each picture.
        each: cells of each picture.
        kernel: look at :func:`random_features` of the cells, which shows what a straight line cannot part.

    >>> maps = np.stack([np.full((2, 2, 2), k % 2 + 0.1) * [[[1]], [[-1 + 2 * (k % 2)]]] for k in range(16)])
    >>> cell_modality_probe(maps, [k % 2 == 0 for k in range(16)], [0] * 16)
    1.0
    """
    found, of = cells(maps, each=each, seed=seed)
    is_sketch, labels = np.asarray(is_sketch, bool)[of], np.asarray(labels)[of]
    x = random_features(found, seed=seed) if kernel else found
    groups = of if groups is None else np.asarray(groups)[of]
    return balanced_accuracy(linear_probe(x, is_sketch, groups=groups, within=labels, seed=seed), is_sketch)


def random_features(x: ArrayLike, *, count: int = 256, seed: int = 0) -> Floats:
    r"""``(N, count)``: features in which a straight line is a curve among the rows ``x``.

    .. math:: \sqrt{2 / K} \cos(W x + b), \quad W \sim N(0, \sigma^{-2}),\ b \sim U(0, 2\pi)

    Reference: Rahimi & Recht, *Random Features for Large-Scale Kernel Machines*, NIPS 2007: their products
    approach the kernel of :func:`.mmd`, with :math:`\sigma` its median distance.

    >>> x = random_features([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], count=4096)
    >>> round(float(x[0] @ x[1]), 1)
    1.0
    """
    x = rows_of(x)
    random, width = stream(seed, "features"), median_distance(x, seed=seed) or 1.0
    weights, shift = random.normal(0, 1 / width, (x.shape[1], count)), random.uniform(0, 2 * np.pi, count)
    return np.sqrt(2 / count) * np.cos(x @ weights + shift)
