"""DSN: sketches and photos of one class, in every augmented view, are each other's positives."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._check import check_pair, check_range, check_same_width


def supervised_contrastive(
    z: Tensor,
    y: Tensor,
    *,
    against: Tensor | None = None,
    y_against: Tensor | None = None,
    first: int = 0,
    temperature: float = 0.07,
) -> Tensor:
    r"""Every item names its positives among all others; the mean over its positives is outside the log.

    .. math:: L = -\frac{1}{|\{i : P_i \neq \emptyset\}|} \sum_{i : P_i \neq \emptyset}
              \frac{1}{|P_i|} \sum_{p \in P_i}
              \log \frac{\exp(z_i^\top z_p / \tau)}{\sum_{a \neq i} \exp(z_i^\top z_a / \tau)},
              \quad P_i = \{p \neq i : y_p = y_i\}

    paper: over augmented views of both modalities together, with a projection head (:func:`projection_head`).
    released code: two views, no head (``z`` is the retrieval embedding itself), ``temperature`` 0.07, weight
    0.1; the plain, unaugmented view takes no part. Form: eq. 2 of Khosla et al., *Supervised Contrastive
    Learning*, 2020. ours: anchors without a positive leave the mean (two views always have one).

    With ``against`` the anchors are rows ``first, first + 1, ...`` of a larger set, as on one process of
    many. The result is then scaled so that the *mean over equal shards* is the loss of the whole set.

    Args:
        z: ``(N, D)`` embeddings, views and modalities in one pile; normalised here. y: ``(N,)`` class ids.
        against: ``(M, D)`` contrast set that contains the anchors; default ``z``. y_against: ``(M,)``.

    Returns:
        Scalar. Zero, still attached to the graph, when no anchor has a positive.

    >>> z = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(supervised_contrastive(z, torch.tensor([0, 0, 1]), temperature=1.0).item(), 4)
    0.3133
    """
    check_range("temperature", temperature, 1e-6)
    z = F.normalize(check_pair("z", z, y), dim=1)
    if (against is None) != (y_against is None):
        raise ValueError("against and y_against go together: give the contrast set's rows and their classes")
    if against is None or y_against is None:
        others, y_others = z, y
    else:
        others, y_others = F.normalize(check_pair("against", against, y_against), dim=1), y_against
        check_same_width(z=z, against=against)
    if not 0 <= first <= len(others) - len(z):
        raise ValueError(f"first: {len(z)} anchors from row {first} do not fit in {len(others)} rows")
    column = torch.arange(len(others), device=z.device)
    itself = column == first + torch.arange(len(z), device=z.device)[:, None]  # (N, M)
    with torch.autocast(z.device.type, enabled=False):
        # a finite floor: a lone item's log-sum-exp has a derivative too
        logits = (z @ others.T / temperature).masked_fill(itself, torch.finfo(z.dtype).min)
    positive = (y[:, None] == y_others) & ~itself
    count = positive.sum(1)
    attraction = logits.masked_fill(~positive, 0).sum(1) / count.clamp(min=1)
    loss = torch.where(count > 0, logits.logsumexp(1) - attraction, 0).sum()
    _, place, sizes = y_others.unique(return_inverse=True, return_counts=True)
    anchors = (sizes[place] > 1).sum().clamp(min=1)  # those with a positive, in the whole set
    return loss / anchors * (len(others) / max(len(z), 1))


def projection_head(dim: int, *, width: int = 128, hidden: bool = True) -> nn.Sequential:
    """``(N, dim)`` to ``(N, width)``: what the contrastive term sees instead of the retrieval embedding.

    paper: a fully connected head; its depth and width are not known to us. released code: none is built,
    though an argument ``contrastive_dim=128`` exists. ours: two layers as in Khosla et al., or one.

    >>> projection_head(64)(torch.zeros(2, 64)).shape
    torch.Size([2, 128])
    """
    inner = [nn.Linear(dim, dim), nn.ReLU()] if hidden else []
    return nn.Sequential(*inner, nn.Linear(dim, width))
