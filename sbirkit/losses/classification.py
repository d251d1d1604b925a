"""Naming the class: cross-entropy over logits, or over cosines with one vector per class."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ._check import check_pair, check_range, check_same_width, widen


def check_labels(y: Tensor, classes: int) -> None:
    """Check that class ids are in ``0 ... classes - 1``: torch skips -100 and breaks a GPU on others."""
    if y.numel() and (int(y.min()) < 0 or int(y.max()) >= classes):
        got = f"{int(y.min())} to {int(y.max())}"
        raise ValueError(f"y: want class ids in 0 to {classes - 1}, got {got}; number the classes from 0")


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    r"""Mean surprise at the right class.

    .. math:: L = -\frac1N \sum_i \log \operatorname{softmax}(l_i)_{y_i}

    paper, released code: in all four methods. ours: every label is checked; no item gives zero.

    Args:
        logits: ``(N, C)``. y: ``(N,)`` class ids, columns of ``logits``.

    >>> round(cross_entropy(torch.tensor([[0.0, 0.0], [9.0, 0.0]]), torch.tensor([1, 0])).item(), 4)
    0.3466
    """
    logits = check_pair("logits", logits, y)
    check_labels(y, logits.shape[1])
    return F.cross_entropy(logits, y.long(), reduction="sum") / max(len(y), 1)


def cosine_classification(g: Tensor, projections: Tensor, y: Tensor, *, temperature: float = 0.1) -> Tensor:
    r"""BDA-SketRet's class-wise discriminative term: the own class has the nearest projection.

    .. math:: L_\text{sem} = \frac1N \sum_i \mathrm{CE}\left(\cos(g_i, P) / \tau,\ y_i\right)

    paper: "class-wise discriminative mapping between sketch, image and semantic spaces"; no equation was
    read. ours: the cosine softmax and ``temperature`` 0.1; once for each modality, over seen classes only.

    Args:
        g: ``(N, D)``. projections: ``(C, D)``, a row per class, from :class:`GraphProjection`. y: ``(N,)``.

    >>> x = torch.eye(2)
    >>> round(cosine_classification(x, 3 * x, torch.tensor([0, 1]), temperature=1.0).item(), 4)
    0.3133
    """
    check_range("temperature", temperature, 1e-6)
    g = F.normalize(check_pair("g", g, y), dim=1)
    check_same_width(g=g, projections=projections)
    with torch.autocast(g.device.type, enabled=False):
        return cross_entropy(g @ F.normalize(widen(projections), dim=1).T / temperature, y)
