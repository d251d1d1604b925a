"""Checks that every loss shares: shapes, labels, options. A mistake is named before it becomes a number."""

from collections.abc import Sequence

import torch
from torch import Tensor


def widen(x: Tensor) -> Tensor:
    """``x`` in float32 when it is half precision, else as it is: no loss is computed in 8 or 11 bits."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def check_pair(name: str, emb: Tensor, y: Tensor) -> Tensor:
    """Check ``(N, D)`` embeddings with ``(N,)`` whole-number labels; returns the embeddings, widened."""
    if emb.ndim != 2 or y.shape != emb.shape[:1]:
        raise ValueError(f"{name}: want (N, D) and (N,), got {tuple(emb.shape)} and {tuple(y.shape)}")
    if not emb.is_floating_point():
        raise TypeError(f"{name}: want floating-point embeddings, got {emb.dtype}")
    if y.is_floating_point() or y.dtype == torch.bool:
        raise TypeError(f"y_{name}: want whole-number class ids (int64), got {y.dtype}")
    return widen(emb)


def check_same_width(**embs: Tensor) -> None:
    """Check that all embeddings, given by name, have the same number of columns."""
    if len({e.shape[-1] for e in embs.values()}) > 1:
        got = ", ".join(f"{name} {tuple(e.shape)}" for name, e in embs.items())
        raise ValueError(f"want the same width for {' and '.join(embs)}, got {got}")


def check_range(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Check ``low <= value <= high`` (NaN fails)."""
    if not low <= value <= high:
        raise ValueError(f"{name}: want a number in [{low:g}, {high:g}], got {value}")


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Check that ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name}: want one of {', '.join(map(repr, choices))}, got {value!r}")
