"""Descriptors without learning: what a learned embedding has to beat."""

import numpy as np
from numpy.typing import NDArray


def raw_pixels(images: NDArray[np.uint8], *, side: int = 16) -> NDArray[np.float32]:
    """Grey, shrunk to ``side`` by ``side``: ``(N, H, W[, 3])`` uint8 to ``(N, side**2)``.

    >>> raw_pixels(np.zeros((2, 64, 64), np.uint8)).shape
    (2, 256)
    """
    grey = _grey(images)
    n, height, width = grey.shape
    block = grey[:, : height // side * side, : width // side * side]
    small = block.reshape(n, side, height // side, side, width // side).mean((2, 4)).reshape(n, -1)
    return small - small.mean(1, keepdims=True)


def hog(images: NDArray[np.uint8], *, cells: int = 8, angles: int = 9) -> NDArray[np.float32]:
    r"""Histograms of oriented gradients over ``cells`` x ``cells``: ``(N, cells**2 * angles)``.

    Each pixel votes for the direction of its gradient (opposite directions count as one, so a dark line and
    the edge of a surface agree) with its strength; each cell's histogram is divided by its norm over the
    2 x 2 cells around it. After Dalal and Triggs, CVPR 2005, with hard votes and one normalisation a cell.
    """
    grey = _grey(images)
    dy, dx = np.zeros_like(grey), np.zeros_like(grey)
    dy[:, 1:-1], dx[:, :, 1:-1] = grey[:, 2:] - grey[:, :-2], grey[:, :, 2:] - grey[:, :, :-2]
    n, height, width = grey.shape
    strength = np.hypot(dx, dy)
    angle = (np.arctan2(dy, dx) / np.pi % 1 * angles).astype(np.int64) % angles
    rows = (np.arange(height) * cells // height)[:, None] * cells * angles
    columns = (np.arange(width) * cells // width)[None, :] * angles
    bins = angle + rows + columns + np.arange(n)[:, None, None] * cells**2 * angles
    votes = np.bincount(bins.ravel(), strength.ravel(), n * cells**2 * angles)
    votes = votes.reshape(n, cells, cells, angles).astype(np.float32)
    padded = np.pad((votes**2).sum(-1), ((0, 0), (1, 0), (1, 0)), mode="edge")
    around = padded[:, :-1, :-1] + padded[:, 1:, :-1] + padded[:, :-1, 1:] + padded[:, 1:, 1:]
    return np.asarray(votes / np.sqrt(around + 1e-2)[..., None], np.float32).reshape(n, -1)


def _grey(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    if images.ndim not in (3, 4) or images.dtype != np.uint8:
        raise ValueError(f"images: want (N, H, W) or (N, H, W, 3) uint8, got {images.shape} {images.dtype}")
    grey = images if images.ndim == 3 else images @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.asarray(grey, np.float32) / np.float32(255)
