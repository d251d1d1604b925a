"""Binary codes: learned rotations, packing into 64-bit words, Hamming distances.

A photo becomes a few machine words and a comparison one ``xor`` and one population count. Codes tie often
(64 bits know 65 distances), so their metrics are the tie-aware ones of :mod:`sbirkit.retrieval.ties`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .inputs import as_numpy, vectors

Array = NDArray[Any]
WORD = 64


def pack(bits: Array) -> NDArray[np.uint64]:
    """``(N, b)`` booleans as ``(N, ceil(b / 64))`` words; the spare bits of the last word are zero.

    >>> pack(np.array([[True, False, True]])).tolist()
    [[5]]
    """
    if bits.ndim != 2 or bits.dtype != np.bool_:
        raise ValueError(f"bits: want an (N, b) array of booleans, got {bits.shape} {bits.dtype}")
    octets = np.packbits(bits, axis=1, bitorder="little")
    padded = np.zeros((len(bits), -(-bits.shape[1] // WORD) * 8), np.uint8)
    padded[:, : octets.shape[1]] = octets
    return padded.view("<u8").astype(np.uint64, copy=False)


def words(name: str, x: Any) -> NDArray[np.uint64]:
    """Packed codes as ``(N, W)`` uint64; bytes as ``numpy.packbits`` gives are filled up with zero bits."""
    x = as_numpy(x)
    if x.ndim == 1 and x.dtype == np.uint64:
        x = x[:, None]
    if x.ndim != 2 or not x.size or x.dtype not in (np.uint8, np.uint64):
        wanted = "(N, words) uint64 as codes.pack gives, or (N, bytes) uint8 as numpy.packbits gives"
        raise ValueError(f"{name}: want packed codes, {wanted}, got {x.shape} of {x.dtype}")
    if x.dtype == np.uint8:
        x = np.pad(x, ((0, 0), (0, -x.shape[1] % 8))).view(np.uint64)
    return x


def hamming(query: Any, gallery: Any) -> Array:
    """``(Q, G)`` numbers of differing bits between packed codes ``(Q, W)`` and ``(G, W)``.

    >>> hamming(pack(np.array([[True, False]])), pack(np.array([[True, True], [False, True]]))).tolist()
    [[1, 2]]
    """
    q, g = words("query", query), words("gallery", gallery)
    if q.shape[1] != g.shape[1]:
        raise ValueError(f"query has codes of {q.shape[1]} words and gallery of {g.shape[1]}")
    columns = np.ascontiguousarray(g.T)
    distance = np.zeros((len(q), len(g)), np.uint8 if WORD * len(columns) < 256 else np.uint16)
    for i, own in enumerate(q):  # row by row: the words stay in the cache
        for column, word in zip(columns, own, strict=True):
            distance[i] += np.bitwise_count(column ^ word)
    return distance


@dataclass(frozen=True, eq=False)
class Coder:
    """``x -> [(x - mean) projection > 0]``, packed. Fitted once, then the same for sketches and photos."""

    mean: Array  # (D,)
    projection: Array  # (D, b)

    @property
    def bits(self) -> int:
        return int(self.projection.shape[1])

    def encode(self, x: Any) -> NDArray[np.uint64]:
        """``(N, D)`` embeddings to ``(N, ceil(b / 64))`` words."""
        x = _rows("x", x)
        if x.shape[1] != len(self.mean):
            raise ValueError(f"x has {x.shape[1]} dimensions, the coder was fitted on {len(self.mean)}")
        return pack((x - self.mean) @ self.projection > 0)


def fit_itq(*parts: Any, bits: int = 64, iterations: int = 50, seed: int = 0) -> Coder:
    r"""Iterative quantisation: a rotation of the leading principal axes that lies close to its own signs.

    .. math:: \min_{B,R} \lVert B - V R \rVert_F^2, \quad B = \operatorname{sign}(V R), \quad
              R = W U^\top \ \text{where}\ B^\top V = U \Sigma W^\top

    ``V`` are the centred embeddings on their ``bits`` leading principal axes. Give embeddings of *seen*
    classes, both modalities, ``fit_itq(sketches, photos)``: one common mean, and nothing of the test set.

    Reference: Gong and Lazebnik, *Iterative Quantization*, CVPR 2011, section 2.2.

    >>> x = np.random.default_rng(0).normal(size=(200, 16))
    >>> fit_itq(x, bits=8).encode(x).shape
    (200, 1)
    """
    x = np.concatenate([_rows(f"part {i}", part) for i, part in enumerate(parts)])
    if not 1 <= bits <= x.shape[1]:
        raise ValueError(f"bits={bits}: embeddings of {x.shape[1]} dimensions give 1 to {x.shape[1]} bits")
    if len(x) <= bits:
        raise ValueError(f"bits={bits}: want more than {bits} embeddings to fit on, got {len(x)}")
    mean = x.mean(0)
    axes = _principal_axes(x - mean)[:, :bits]
    v = (x - mean) @ axes
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(bits, bits)))[0]
    for _ in range(iterations):
        u, _, wt = np.linalg.svd(np.where(v @ rotation >= 0, 1.0, -1.0).T @ v)
        rotation = wt.T @ u.T
    return Coder(mean, axes @ rotation)


def itq_transductive(query: Any, gallery: Any, *, iterations: int = 50) -> tuple[Array, Array]:
    r"""The released fit: on the *test queries*, gallery and queries centred apart; packed codes of both.

    As in the public code of SEM-PCYC and DSN: as many bits as dimensions, the first rotation from a generator
    seeded with the number of iterations, and the update :math:`R = W^\top U^\top`. That lacks a transpose of
    :func:`fit_itq` (``numpy.linalg.svd`` returns :math:`W^\top` where MATLAB gives :math:`W`), so it stays a
    rotation but does not approach its signs. Only to reproduce printed numbers.
    """
    q, g = _rows("query", query), _rows("gallery", gallery)
    q, g = q - q.mean(0), g - g.mean(0)
    axes = np.linalg.eigh(np.cov(q, rowvar=False), "U")[1][:, ::-1]
    v, dims = q @ axes, q.shape[1]
    rotation = np.linalg.svd(np.random.RandomState(iterations).randn(dims, dims))[0]
    for _ in range(iterations):
        u, _, wt = np.linalg.svd(np.where(v @ rotation >= 0, 1.0, -1.0).T @ v)
        rotation = wt @ u.T
    return pack(v @ rotation > 0), pack(g @ axes @ rotation > 0)


def sign_codes(x: Any) -> NDArray[np.uint64]:
    """The signs of the embeddings themselves, packed: for models trained to be read that way."""
    return pack(_rows("x", x) > 0)


def _principal_axes(centred: Array) -> Array:
    """``(D, D)`` eigenvectors of the covariance, largest first, each with its largest entry positive."""
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
    largest = np.abs(axes).argmax(0)
    return axes * np.sign(axes[largest, np.arange(axes.shape[1])])


def _rows(name: str, x: Any) -> Array:
    return vectors(name, x).astype(np.float64, copy=False)
