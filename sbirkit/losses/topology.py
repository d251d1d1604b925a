"""BDA-SketRet: classes that are near in meaning stay near, as a loss and as a number to report."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ._check import check_pair, widen
from .classification import check_labels
from .distance import unit_distance
from .graph import check_distance


def topology_preservation(projections: Tensor, distance: Tensor) -> Tensor:
    r"""Distances of the class projections follow the given ones, up to a common factor.

    .. math:: L_\text{topo} = \frac{1}{|A|} \sum_{(i,j) \in A} \left(
              \frac{\delta(P_i, P_j)}{\bar\delta} - \frac{d_{ij}}{\bar d} \right)^2, \quad
              A = \{i < j : d_{ij} \text{ known}\}

    with :math:`\bar\delta, \bar d` the means over ``A``. paper: "topology-preserving"; no equation was read.
    ours: all of it; :math:`\delta` is the distance of unit vectors, since classes are told by cosine, and the
    mean keeps the weight free of the number of classes. NaN distances are left out; the given distances get
    no gradient. Equal projections have no topology to correct: their gradient is zero.

    Args:
        projections: ``(C, D)``. distance: ``(C, C)``, e.g. :func:`vector_distance`.

    >>> topology_preservation(torch.eye(3), torch.ones(3, 3) - torch.eye(3))
    tensor(0.)
    """
    wide, target = widen(projections), distance.detach()
    if wide.ndim != 2 or distance.shape != (len(wide), len(wide)):
        got = f"{tuple(projections.shape)} and {tuple(distance.shape)}"
        raise ValueError(f"projections, distance: want (C, D) and (C, C), got {got}")
    check_distance(distance)
    pairs = _pairs(target)
    ours, given = (_to_mean_one(d[pairs]) for d in (unit_distance(wide, wide), target.to(wide.dtype)))
    return (ours - given).square().sum() / max(len(given), 1)


def class_distance(emb: Tensor, y: Tensor, classes: int) -> Tensor:
    r"""``(C, C)`` distances of visual centroids: unit vectors, averaged over each class.

    ours: for :func:`rank_correlation` of *unseen* classes with their meanings, which says whether the
    topology carries over (the projections' own distances are optimised and prove nothing). A class without
    an item has NaN.

    Args:
        emb: ``(N, D)``. y: ``(N,)`` class ids below ``classes``.

    >>> class_distance(torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0, 2]), 3)
    tensor([[0.0000,    nan, 1.4142],
            [   nan,    nan,    nan],
            [1.4142,    nan, 0.0000]])
    """
    emb = F.normalize(check_pair("emb", emb, y), dim=1)
    check_labels(y, classes)
    member = F.one_hot(y.long(), classes).to(emb.dtype)
    total = member.T @ emb  # the centroid's length does not matter
    some = member.any(0)
    return unit_distance(total, total).where(some[:, None] & some, torch.nan)


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's correlation of two ``(C, C)`` distance matrices over the pairs that both know.

    ours: nan where fewer than three pairs are known, or one matrix has one and the same distance throughout.

    >>> d = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]])
    >>> rank_correlation(d, d ** 2)
    1.0
    """
    if a.shape != b.shape:
        raise ValueError(f"a, b: want two (C, C) matrices, got {tuple(a.shape)} and {tuple(b.shape)}")
    check_distance(a)
    check_distance(b)
    pairs = _pairs(a.cpu()) & _pairs(b.cpu())
    x, y = (d.detach().cpu().double()[pairs].numpy() for d in (a, b))
    if len(x) < 3 or min(x.max() - x.min(), y.max() - y.min()) == 0:
        return float("nan")
    from scipy.stats import spearmanr

    return float(spearmanr(x, y).statistic)


def _pairs(distance: Tensor) -> Tensor:
    """``(C, C)`` bool, true for known pairs above the diagonal."""
    return torch.ones_like(distance, dtype=torch.bool).triu(1) & distance.isfinite()


def _to_mean_one(d: Tensor) -> Tensor:
    return d / (d.sum() / max(len(d), 1)).clamp(min=1e-12)
