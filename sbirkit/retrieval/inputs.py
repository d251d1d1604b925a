"""What comes in: embeddings and labels of any make, checked and laid out plainly."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_numpy(x: Any) -> NDArray[Any]:
    """A tensor or anything like an array, as a numpy array."""
    if hasattr(x, "detach"):
        x = x.detach().cpu()
        x = x.float() if str(x.dtype) == "torch.bfloat16" else x
    return np.asarray(x)


def vectors(name: str, x: Any) -> NDArray[Any]:
    """Finite float32 or float64 rows."""
    x = as_numpy(x)
    if x.dtype == np.uint64:
        raise ValueError(f"{name}: want embeddings, got uint64, which are packed codes: distance='hamming'")
    if x.ndim != 2 or not x.size or x.dtype.kind not in "fiu":
        raise ValueError(f"{name}: want (N, D) numbers with N >= 1 and D >= 1, got {x.shape} of {x.dtype}")
    x = x if x.dtype in (np.float32, np.float64) else x.astype(np.float32)
    if not np.isfinite(x.sum()) and not np.isfinite(x).all():  # a finite sum proves it, and is quick
        bad = np.flatnonzero(~np.isfinite(x).all(axis=1))
        raise ValueError(
            f"{name}: want finite numbers, got nan or infinity in {len(bad)} rows, first {bad[0]}"
        )
    return x


def unit(x: NDArray[Any]) -> NDArray[Any]:
    """Rows of length 1; a zero row stays zero."""
    tiny = np.finfo(x.dtype).tiny
    norm = np.sqrt(np.einsum("nd,nd->n", x, x))[:, None]
    if not (np.isfinite(norm).all() and (norm > tiny**0.4).all()):  # a square over- or underflowed
        x = x / np.maximum(np.abs(x).max(axis=1, keepdims=True), tiny)
        norm = np.maximum(np.sqrt(np.einsum("nd,nd->n", x, x))[:, None], tiny)
    return x / norm


def labels(name: str, y: Any, n: int) -> NDArray[Any]:
    """Whole numbers or strings, one for each row."""
    y = as_numpy(y)
    if y.shape != (n,):
        raise ValueError(f"{name}: want ({n},), one for each row, got {y.shape}")
    if y.dtype.kind == "T" or (y.dtype.kind == "O" and all(isinstance(v, str) for v in y)):
        y = y.astype(str)
    if y.dtype.kind not in "iuU":
        raise TypeError(f"{name}: want whole numbers or strings, got {y.dtype}, such as {y[0]!r}")
    return y


def joint(
    names: tuple[str, str], left: Any, right: Any, sizes: tuple[int, int]
) -> tuple[Any, NDArray[np.int64]]:
    """The distinct labels of both sides, and their numbers."""
    a, b = (labels(name, y, n) for name, y, n in zip(names, (left, right), sizes, strict=True))
    if (a.dtype.kind == "U") != (b.dtype.kind == "U"):
        got = f"{a.dtype} and {b.dtype}"
        raise TypeError(f"{' and '.join(names)}: want both whole numbers or both strings, got {got}")
    known, numbers = np.unique(np.concatenate([a, b]), return_inverse=True)
    return known, numbers.astype(np.int64)
