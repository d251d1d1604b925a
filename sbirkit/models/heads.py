"""The linear layers on top of a backbone's pooled features."""

import torch
from torch import Tensor, nn


def svd_factors(weight: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    r"""A classifier's weight as the product of two, by its ``dim`` largest singular values.

    .. math:: W \approx U_h \,(S_h V_h^\top), \quad W = U S V^\top

    released code (DSN): the embedding starts as :math:`S_h V_h^\top`, the classifier on it as :math:`U_h`.

    Args:
        weight: ``(K, C)``, of a classifier that tells K classes by C features.
        dim: ``h`` above, at most ``min(K, C)``.

    Returns:
        ``(h, C)`` and ``(K, h)``, float32.

    >>> embed, classify = svd_factors(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), 1)
    >>> classify @ embed
    tensor([[2., 0.], [0., 0.]])
    """
    if weight.ndim != 2 or not 1 <= dim <= min(weight.shape):
        got = tuple(weight.shape)
        raise ValueError(f"dim: want 1 to min(K, C) for a (K, C) weight, got {dim} for a weight of {got}")
    u, s, v = torch.linalg.svd(weight.detach().float(), full_matrices=False)
    return s[:dim, None] * v[:dim], u[:, :dim].contiguous()


def embedding(classifier: nn.Linear | None, inputs: int, dim: int) -> tuple[nn.Linear, nn.Linear | None]:
    """A linear embedding of pooled features, and on it the head that still tells the classifier's classes.

    Without a ``classifier`` the embedding starts at random and there is no head.
    """
    embed = nn.Linear(inputs, dim)
    if classifier is None:
        return embed, None
    if classifier.in_features != inputs:
        raise ValueError(f"classifier: want {inputs} inputs, got {classifier.in_features}")
    head = nn.Linear(dim, classifier.out_features)
    with torch.no_grad():
        for layer, factor in zip((embed, head), svd_factors(classifier.weight, dim), strict=True):
            layer.weight.copy_(factor)
    return embed, head
