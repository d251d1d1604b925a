"""Vectors to points of the plane: made, turned alike, packed for a browser, picked by a line around them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]  # (N, 2)
HOW = ("pca", "umap")
TOP = 65_535  # of an unsigned integer of 16 bits


def layout(
    snapshots: Sequence[ArrayLike],
    *,
    how: str = "pca",
    seed: int = 0,
    neighbours: int = 15,
    like: ArrayLike | None = None,
) -> list[Points]:
    """The same rows at successive moments, each ``(N, D)``, as points ``(N, 2)`` turned as alike as they go.

    Rows are brought to length one first, as retrieval compares them by cosine. Every map is turned onto the
    one before it; UMAP also *starts* from it, so that a cloud can be followed with the eye.

    Args:
        how: ``"pca"``, or ``"umap"``, where near stays near and sizes and gaps say little.
        neighbours: of UMAP. like: points that the first map is turned onto.

    >>> a, b = layout([[[1, 0], [0, 1], [-1, 0]], [[0, 1], [-1, 0], [0, -1]]])  # a quarter turn
    >>> bool(np.allclose(a, b))
    True
    """
    if how not in HOW:
        raise ValueError(f"how: want one of {', '.join(HOW)}, got {how!r}")
    found: list[Points] = []
    before = None if like is None else np.asarray(like, np.float64)
    for vectors in snapshots:
        x = unit(vectors)
        points = pca(x) if how == "pca" else umap(x, seed=seed, neighbours=neighbours, start=before)
        before = points if before is None else turned(points, before)
        found.append(before)
    return found


def pca(x: ArrayLike) -> Points:
    """The two directions of largest variance; the largest weight of each direction is positive.

    >>> pca([[0, 0, 1], [0, 0, 3], [0, 0, 8]])[:, 0].round(6).tolist()
    [-3.0, -1.0, 4.0]
    """
    x = np.asarray(x, np.float64)
    centred = x - x.mean(0)
    values, directions = np.linalg.eigh(centred.T @ centred)
    two = directions[:, np.argsort(-values, kind="stable")[:2]]
    two = two * np.where(two[np.abs(two).argmax(0), range(two.shape[1])] < 0, -1, 1)
    points = np.zeros((len(x), 2))
    points[:, : two.shape[1]] = centred @ two  # vectors of one number lie on a line
    return points


def umap(x: NDArray[Any], *, seed: int, neighbours: int = 15, start: Points | None = None) -> Points:
    """UMAP on cosine distances, one thread, the same for the same seed on one machine."""
    try:
        from umap import UMAP
    except ModuleNotFoundError as error:  # pragma: no cover
        raise ModuleNotFoundError(
            "how='umap' needs umap-learn: pip install 'sbirkit[notebooks]', or take how='pca'"
        ) from error
    near = min(neighbours, len(x) - 1)
    first: Any = 10 * _spread(start if start is not None else pca(x))
    made = UMAP(n_neighbors=near, metric="cosine", init=first, random_state=seed, n_jobs=1)
    return np.asarray(made.fit_transform(np.asarray(x, np.float32)), np.float64)


def turned(points: Points, onto: Points) -> Points:
    r"""Moved, turned and mirrored, never stretched: :math:`\min_R \|(P - \bar P) R - (Q - \bar Q)\|`."""
    p, q = points - points.mean(0), onto - onto.mean(0)
    left, _, right = np.linalg.svd(p.T @ q)
    return np.asarray(p @ left @ right + onto.mean(0))


def unit(vectors: ArrayLike) -> NDArray[np.float32]:
    """Rows of length one; a row of zeros stays."""
    x = np.asarray(vectors, np.float32)
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12), np.float32)


def pack(maps: Sequence[Points], *, edge: float = 0.04) -> NDArray[np.uint16]:
    """``(S, N, 2)``: all maps in one square frame, so that a cloud that shrinks is seen to.

    Args:
        edge: of the frame left free on each side.
    """
    points = np.stack([np.asarray(one, np.float64) for one in maps])
    low, high = points.min((0, 1)), points.max((0, 1))
    side = float((high - low).max()) / (1 - 2 * edge) or 1.0
    return np.asarray(np.rint(((points - (low + high) / 2) / side + 0.5) * TOP), np.uint16)


def unpack(packed: NDArray[np.uint16]) -> Points:
    """Back to 0 ... 1, off by at most half of 1/65535."""
    return packed.astype(np.float64) / TOP


def inside(points: ArrayLike, polygon: ArrayLike) -> NDArray[np.bool_]:
    """``(N,)``: is each point within a closed line? Where it crosses itself, by the even-odd rule.

    >>> inside([[0.5, 0.5], [2, 0.5]], [[0, 0], [1, 0], [1, 1], [0, 1]]).tolist()
    [True, False]
    """
    (x, y), corners = np.asarray(points, np.float64).T, np.asarray(polygon, np.float64)
    found = np.zeros(len(x), bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, 0), strict=True):
        if ay != by:  # a ray to the right crosses this side
            found ^= ((ay > y) != (by > y)) & (x < ax + (y - ay) * (bx - ax) / (by - ay))
    return found


def across(vectors: ArrayLike, is_sketch: ArrayLike, *, block: int = 1024) -> NDArray[np.int64]:
    """``(N,)``: the row of the other modality with the largest cosine; -1 where there is no other."""
    x, sketch = unit(vectors), np.asarray(is_sketch, bool)
    found = np.full(len(x), -1)
    for kind in (True, False):
        mine, other = np.flatnonzero(sketch == kind), np.flatnonzero(sketch != kind)
        if len(other):
            for some in np.split(mine, range(block, len(mine), block)):
                found[some] = other[(x[some] @ x[other].T).argmax(1)]
    return found


def kept(vectors: ArrayLike, points: ArrayLike, *, k: int = 10, sample: int = 500, seed: int = 0) -> float:
    """How far to trust a map: the share of each row's ``k`` nearest that are among its ``k`` nearest in it.

    Args:
        sample: asked of so many rows at most, drawn by ``seed``.
    """
    x, flat = unit(vectors), np.asarray(points, np.float64)
    k = min(k, len(x) - 1)
    rows = np.random.default_rng(seed).permutation(len(x))[:sample]
    shares = []
    for row in rows:
        far, off = -(x @ x[row]), ((flat - flat[row]) ** 2).sum(1)
        far[row] = off[row] = np.inf
        near = set(np.argpartition(far, k - 1)[:k].tolist())
        shares.append(len(near & set(np.argpartition(off, k - 1)[:k].tolist())) / k)
    return float(np.mean(shares))


def _spread(points: Points) -> Points:
    """Centred, the wider side from -1 to 1; as UMAP wants its first guess, times ten."""
    centred = points - points.mean(0)
    return np.asarray(centred / (np.abs(centred).max() or 1.0))
