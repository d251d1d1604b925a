"""One interface to find the nearest photos: exact by default, FAISS for galleries too large for that."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sbirkit.data.catalogue import digest

from .codes import hamming, words
from .inputs import unit, vectors
from .ranks import best

Array = NDArray[Any]
Kind = Literal["exact", "flat", "ivfpq", "binary"]
VERSION = 1
BLOCK = 1 << 24  # entries of one block of scores: 64 MB


@dataclass(frozen=True, eq=False)
class Index:
    """A gallery that can be searched, saved and opened again. Make one with :meth:`build`.

    Scores are higher for nearer photos: cosine similarity, minus the Euclidean distance, or minus the number
    of differing bits. Photos of equal score come in gallery order.

    >>> gallery = np.eye(3)
    >>> scores, ids = Index.build(gallery).search(np.array([[0.0, 3.0, 4.0]]), k=2)
    >>> ids.tolist(), [f"{score:.1f}" for score in scores[0]]
    ([[2, 1]], ['0.8', '0.6'])
    """

    kind: Kind
    distance: str
    size: int
    width: int  # dimensions, or words of a code
    vectors: Array | None  # an approximate index opened from a file has none
    faiss: Any = None

    @classmethod
    def build(
        cls, vectors: Any, *, kind: Kind = "exact", distance: str | None = None, seed: int = 0, **options: int
    ) -> "Index":
        """Index ``(N, D)`` embeddings, or ``(N, W)`` uint64 codes.

        Args:
            kind: "exact" (numpy, any distance), "flat" (FAISS, exact), "ivfpq" (FAISS, approximate), "binary"
                (FAISS, exact, for codes).
            distance: "cosine" (default for embeddings), "euclidean", or "hamming" (always for codes).
            seed: of the clustering in "ivfpq".
            options: of "ivfpq" only: ``lists`` (default about ``4 sqrt(N)``), ``probes`` of them visited by a
                search (default a sixteenth), ``parts`` that a vector is cut into (default about ``D / 8``;
                more find more and train much longer), ``bits`` for each part (8).
        """
        if kind not in get_args(Kind):
            raise ValueError(f"kind: want one of {', '.join(get_args(Kind))}, got {kind!r}")
        binary = isinstance(vectors, np.ndarray) and vectors.dtype == np.uint64
        distance = distance or ("hamming" if binary else "cosine")
        fits = {"exact", "binary"} if distance == "hamming" else {"exact", "flat", "ivfpq"}
        if (
            distance not in {"cosine", "euclidean", "hamming"}
            or binary != (distance == "hamming")
            or kind not in fits
        ):
            what = "uint64 codes" if binary else "embeddings"
            raise ValueError(
                f"kind={kind!r} with distance={distance!r} does not suit {what}; see Index.build"
            )
        if kind != "ivfpq" and options:
            raise TypeError(f"kind={kind!r} takes no options, got {', '.join(options)}")
        x = _checked("vectors", vectors, distance)
        index = cls(kind, distance, x.shape[0], x.shape[1], vectors=x)
        return (
            index
            if kind == "exact"
            else replace(index, faiss=_faiss_index(x, kind, distance, seed, **options))
        )

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        what = f"{self.width * 64}-bit codes" if self.distance == "hamming" else f"{self.width} dimensions"
        return f"Index({self.kind}, {self.size:,} photos, {what}, {self.distance})"

    def search(self, queries: Any, k: int) -> tuple[Array, NDArray[np.int64]]:
        """Scores and gallery positions ``(Q, min(k, N))``, best first.

        An approximate index may find fewer than ``k``; the rest has position -1 and score minus infinity.
        """
        if k < 1:
            raise ValueError(f"k: want at least 1, got {k}")
        q = _checked("queries", queries, self.distance, self.width)
        k = min(k, self.size)
        if self.faiss is None:
            parts = [_nearest(self._scores(block), k) for block in _blocks(q, self.size)]
            return np.concatenate([s for s, _ in parts]), np.concatenate([i for _, i in parts])
        found, ids = self.faiss.search(q.view(np.uint8) if self.distance == "hamming" else q, k)
        scores = -np.sqrt(np.maximum(found, 0)) if self.distance == "euclidean" else found.astype(np.float32)
        scores = 0.0 - scores if self.distance == "hamming" else scores
        scores = np.where(ids < 0, -np.inf, scores).astype(np.float32)
        order = np.lexsort((ids, -scores), axis=1)
        return np.take_along_axis(scores, order, 1), np.take_along_axis(ids, order, 1).astype(np.int64)

    def recall(self, queries: Any, k: int, *, exact: "Index | None" = None) -> float:
        """Share of the ``k`` nearest photos that the search finds, against an exact search.

        A found photo counts when its true score reaches the true ``k``-th best, so ties do no harm.

        Args:
            exact: the exact index of the same gallery; needed after :meth:`load`, which keeps no vectors.
        """
        vectors = self.vectors if exact is None else exact.vectors
        if vectors is None:
            raise ValueError(
                "exact: an approximate index that was opened from a file needs the exact one to compare with"
            )
        truth = replace(self, kind="exact", faiss=None, vectors=vectors)
        if (len(vectors), vectors.shape[1]) != (self.size, self.width):
            raise ValueError(f"exact: want an index of the same {self.size} photos, got {exact}")
        _, ids = self.search(queries, k)
        q, good, at = _checked("queries", queries, self.distance, self.width), 0, 0
        for block in _blocks(q, self.size):
            scores = truth._scores(block)
            edge = _edge(scores, ids.shape[1])
            mine = ids[at : at + len(block)]
            reached = np.take_along_axis(scores, mine.clip(0), 1) >= edge[:, None]
            good, at = good + int((reached & (mine >= 0)).sum()), at + len(block)
        return good / ids.size

    def _scores(self, q: Array) -> Array:
        """``(b, N)``, higher is nearer."""
        assert self.vectors is not None
        if self.distance == "hamming":
            return 0.0 - hamming(q, self.vectors).astype(np.float32)
        if self.distance == "cosine":
            return q @ self.vectors.T
        centre, x, squares = self._centred
        q = q - centre
        return -np.sqrt(np.maximum((q**2).sum(1)[:, None] + squares - 2 * (q @ x.T), 0))

    @cached_property
    def _centred(self) -> tuple[Array, Array, Array]:
        """The gallery's mean, the gallery around it, squared lengths there: near 0 fewer digits cancel."""
        assert self.vectors is not None
        centre = self.vectors.mean(0, dtype=np.float64).astype(np.float32)
        x = self.vectors - centre
        return centre, x, (x**2).sum(1)

    def save(self, path: str | Path) -> Path:
        """Write one file, whole or not at all. It holds numbers only, no pickled objects."""
        from safetensors.numpy import save

        if self.faiss is None:
            assert self.vectors is not None
            tensors = {"vectors": np.ascontiguousarray(self.vectors)}
        else:
            import faiss

            write = faiss.serialize_index_binary if self.kind == "binary" else faiss.serialize_index
            tensors = {"faiss": write(self.faiss)}
        card = {"kind": self.kind, "distance": self.distance, "size": self.size, "width": self.width}
        head = {"sbirkit-index": str(VERSION), "card": json.dumps(card), "digest": _digest(tensors)}
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
        try:
            with draft.open("wb") as file:
                file.write(save(tensors, metadata=head))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return path

    @classmethod
    def load(cls, path: str | Path) -> "Index":
        """Open a saved index. A damaged file, or one of another version, is refused."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                head = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise ValueError(f"{path}: not a saved index, or cut short ({error})") from error
        if head.get("sbirkit-index") != str(VERSION):
            found = head.get("sbirkit-index", "no index")
            raise ValueError(f"{path}: want an index of version {VERSION}, found {found}; build it anew")
        if head["digest"] != _digest(tensors):
            raise ValueError(
                f"{path}: the content does not match its digest; the file is damaged, build it anew"
            )
        card = json.loads(head["card"])
        if "vectors" in tensors:
            return cls(**card, vectors=tensors["vectors"])
        faiss = _faiss()
        read = faiss.deserialize_index_binary if card["kind"] == "binary" else faiss.deserialize_index
        return cls(**card, vectors=None, faiss=read(tensors["faiss"]))


def _blocks(q: Array, size: int) -> Iterator[Array]:
    step = max(1, BLOCK // size)
    return (q[i : i + step] for i in range(0, len(q), step))


def _nearest(scores: Array, k: int) -> tuple[Array, NDArray[np.int64]]:
    """The ``k`` largest of each row, largest first, the earlier column first among equals."""
    ids = best(scores, _edge(scores, k), k, np.arange(scores.shape[1]))
    return np.take_along_axis(scores, ids, 1), ids


def _edge(scores: Array, k: int) -> Array:
    """The ``k``-th largest of each row."""
    return np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k]


def _checked(name: str, x: Any, distance: str, width: int | None = None) -> Array:
    """Float32 rows, of unit length for cosine; codes stay codes."""
    if distance == "hamming":
        x = words(name, x)
    else:
        x = vectors(name, x).astype(np.float32, copy=False)
        x = unit(x) if distance == "cosine" else x
    if width not in (None, x.shape[1]):
        raise ValueError(f"{name}: want (N, {width}) like the gallery, got {x.shape}")
    return np.ascontiguousarray(x)


def _digest(tensors: dict[str, Array]) -> str:
    said = ((f"{name} {x.dtype} {x.shape}".encode(), x.tobytes()) for name, x in sorted(tensors.items()))
    return digest(*(part for pair in said for part in pair))


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ImportError('this kind of index needs FAISS: pip install "sbirkit[index]"') from error
    return faiss


def _faiss_index(
    x: Array,
    kind: Kind,
    distance: str,
    seed: int,
    *,
    lists: int | None = None,
    probes: int | None = None,
    parts: int | None = None,
    bits: int = 8,
) -> Any:
    faiss, (size, dims) = _faiss(), x.shape
    if kind == "binary":
        index = faiss.IndexBinaryFlat(dims * 64)
        index.add(x.view(np.uint8))
        return index
    measure = faiss.METRIC_L2 if distance == "euclidean" else faiss.METRIC_INNER_PRODUCT
    if kind == "flat":
        index = faiss.IndexFlat(dims, measure)
    else:
        if size < 2**bits:
            raise ValueError(
                f"vectors: {bits}-bit parts want at least {2**bits} of them, got {size}; use 'flat'"
            )
        lists = lists or max(1, min(round(4 * size**0.5), size // 39))
        parts = parts or next(n for n in range(max(dims // 8, 1), 0, -1) if dims % n == 0)
        if dims % parts or not 1 <= lists <= size:
            raise ValueError(
                f"parts={parts}, lists={lists}: want parts that divide {dims} and 1 to {size} lists"
            )
        coarse = faiss.IndexFlat(dims, measure)
        index = faiss.IndexIVFPQ(coarse, dims, lists, parts, bits, measure)
        for clustering in (index.cp, index.pq.cp):
            clustering.seed, clustering.min_points_per_centroid = seed, 1
        index.own_fields, index.nprobe = True, probes or max(1, lists // 16)
        coarse.this.disown()
        index.train(x)
    index.add(x)
    return index
