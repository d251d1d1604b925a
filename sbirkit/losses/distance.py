"""Euclidean distance of unit vectors, exact near zero and differentiable twice."""

from typing import Any

import torch
from torch import Tensor, nn


def unit_distance(a: Tensor, b: Tensor) -> Tensor:
    r"""Distances of every row of ``a`` to every row of ``b``, all rows first scaled to length one.

    .. math:: d_{ij} = \lVert \hat a_i - \hat b_j \rVert = \sqrt{2 - 2 \cos(a_i, b_j)} \in [0, 2]

    ours: the square is taken in float64 where the device has it, so that ``d`` keeps all its digits near
    zero; at zero, where the root has no derivative, the gradient is zero. The second derivative exists.

    Args:
        a: ``(N, D)``. b: ``(M, D)``.

    Returns:
        ``(N, M)``.

    >>> unit_distance(torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 3.0], [-1.0, 0.0]]))
    tensor([[0.0000, 1.4142, 2.0000]])
    """
    return _Euclidean.apply(nn.functional.normalize(a, dim=1), nn.functional.normalize(b, dim=1))


class _Euclidean(torch.autograd.Function):
    """|a_i - b_j| by one matrix product; its gradient by one more."""

    @staticmethod
    def forward(a: Tensor, b: Tensor) -> Tensor:
        exact = a.dtype if a.device.type == "mps" else torch.float64
        wide_a, wide_b = a.to(exact), b.to(exact)
        squared = wide_a.square().sum(1, keepdim=True) + wide_b.square().sum(1) - 2 * wide_a @ wide_b.T
        return squared.where(squared > 8 * torch.finfo(exact).eps, 0).sqrt().to(a.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        a, b, d = ctx.saved_tensors
        with torch.autocast(a.device.type, enabled=False):
            pull = grad / d.where(d > 0, torch.inf)  # of each pair, along (a - b)
            return pull.sum(1, keepdim=True) * a - pull @ b, pull.sum(0)[:, None] * b - pull.T @ a
