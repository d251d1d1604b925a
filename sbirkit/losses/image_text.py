"""MA-SBIR: every picture finds its caption, every caption its picture."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from ._check import check_choice, check_pair, check_range, check_same_width


def image_text_contrast(
    image: Tensor,
    text: Tensor,
    y: Tensor | None = None,
    *,
    scale: float | Tensor = 1 / 0.07,
    targets: Literal["diagonal", "label-aware"] = "diagonal",
) -> Tensor:
    r"""Symmetric cross-entropy over the similarities of all pictures with all captions.

    .. math:: L = -\frac{1}{2B} \sum_{i,j} q_{ij} \left[
              \log \frac{e^{\sigma t_i^\top v_j}}{\sum_k e^{\sigma t_i^\top v_k}} +
              \log \frac{e^{\sigma t_i^\top v_j}}{\sum_k e^{\sigma t_k^\top v_j}} \right]

    paper, released code: ``"diagonal"``, :math:`q_{ij} = [i = j]`, as in CLIP (Radford et al., 2021).
    Captions of one class, even identical ones, are then pushed apart. ours: ``"label-aware"``,
    :math:`q_{ij} = [y_i = y_j]` over the number of items of that class. They agree when all classes differ.

    For the fine-grained variant give a sketch and its photo instead of an image and its text.

    Args:
        image: ``(B, D)``. text: ``(B, D)``, row by row its caption; both are normalised here.
        y: ``(B,)`` class ids, for ``"label-aware"``.
        scale: sigma, the inverse temperature; released code: learnable, from 14.3.

    >>> round(image_text_contrast(torch.eye(2), torch.eye(2), scale=1.0).item(), 4)
    0.3133
    >>> x, y = torch.eye(2), torch.tensor([5, 5])
    >>> image_text_contrast(x, x, y, scale=1.0, targets="label-aware")
    tensor(0.8133)
    """
    check_choice("targets", targets, ("diagonal", "label-aware"))
    if not isinstance(scale, Tensor):
        check_range("scale", scale, 0)
    if targets == "label-aware" and y is None:
        raise ValueError("y: targets='label-aware' needs the class of every pair")
    if targets == "diagonal" or y is None:
        y = torch.arange(len(image), device=image.device)
    v, t = (F.normalize(check_pair(n, x, y), dim=1) for n, x in (("image", image), ("text", text)))
    check_same_width(image=v, text=t)
    with torch.autocast(v.device.type, enabled=False):
        logits = scale * (t @ v.T)  # (B, B), a row per caption
    same = (y[:, None] == y).to(logits.dtype)
    q = same / same.sum(1, keepdim=True)  # symmetric
    return -(q * (logits.log_softmax(1) + logits.log_softmax(0))).sum() / (2 * max(len(y), 1))
