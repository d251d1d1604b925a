"""Batches across processes: every process sees all rows, and gradients find their way back."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def gather(rows: Tensor) -> Tensor:
    r"""The rows of all processes, ``(N_0 + N_1 + ..., D)``; with one process, ``rows`` itself.

    Training averages gradients over the W processes, so the objective is :math:`\frac{1}{W} \sum_r L_r`. The
    gradient of a gathered row is summed over all the losses that it entered, so a loss of gathered rows has
    the gradient it would have in one process. Labels are gathered in the same way, in the same order.

    >>> gather(torch.eye(2)).shape
    torch.Size([2, 2])
    """
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return rows
    counts = torch.zeros(dist.get_world_size(), dtype=torch.int64, device=rows.device)
    counts[dist.get_rank()] = len(rows)
    dist.all_reduce(counts)
    before, total = int(counts[: dist.get_rank()].sum()), int(counts.sum())
    above, below = (
        rows.new_zeros(before, *rows.shape[1:]),
        rows.new_zeros(total - before - len(rows), *rows.shape[1:]),
    )
    return _Sum.apply(torch.cat([above, rows, below]))


class _Sum(torch.autograd.Function):
    """The sum over processes; so is its gradient, however often it is taken."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return _Sum.apply(grad)
