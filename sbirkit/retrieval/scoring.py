"""From embeddings to a :class:`Result`: exact, block by block, never a queries x gallery matrix.

Queries are taken class by class and the gallery is laid out so that a class is one slice of it; then the ranks of
the relevant items need one product, one sort of values and one look-up per query (:mod:`.ranks`), and every metric
is a formula of these ranks (:mod:`.metrics`).
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .metrics import Metric, envelope
from .ranks import Ranks, level_counts, ranks_from_histogram, ranks_from_scores, ranks_from_tensor
from .result import RECALL_LEVELS, Result
from .ties import RULES, Ties, break_ties

Distance = Literal["cosine", "euclidean", "hamming"]
Scores = Callable[[NDArray[np.int64]], Any]
DEFAULT = ("mAP@all", "mAP@200-strict", "P@100", "P@200")
DEFAULT_INSTANCE = ("Acc@1", "Acc@5")
DRAWS = 16  # random orders behind a mean over ties that has no closed form
BLOCK_BYTES = 128 << 20  # scores held at once, all threads together
SLAB = 1 << 17  # relevant items ranked at once: small enough for the cache


def score(
    query: Any,
    gallery: Any,
    y_query: Any,
    y_gallery: Any,
    *,
    metrics: Sequence[str] | None = None,
    distance: Distance = "cosine",
    ties: Ties = "expected",
    query_instance: Any = None,
    gallery_instance: Any = None,
    within: Literal["gallery", "class"] = "gallery",
    protocol: Any = None,
    top: int = 10,
    block: int = 256,
    device: Any = None,
    workers: int | None = None,
    seed: int = 0,
) -> Result:
    """Rank the gallery for each query and measure it by name.

    Args:
        query: ``(Q, D)`` embeddings, numpy or torch; for ``hamming`` packed codes (uint64 words or uint8 bytes).
        gallery: ``(G, D)``, alike.
        y_query: ``(Q,)`` class of each, whole numbers or strings. y_gallery: ``(G,)``.
        metrics: names such as ``"mAP@200-strict"``; default :data:`DEFAULT`, and Acc@1, Acc@5 with instances.
        distance: ``cosine``, ``euclidean`` (of the vectors as given) or ``hamming``.
        ties: what equal scores mean, see :mod:`.ties`. A metric without a closed form (VOC interpolation) is averaged
            over 16 random orders under ``expected``, and the result says so.
        query_instance: ``(Q,)`` object each query shows, for ``Acc@K``; ``""`` has no partner.
        gallery_instance: ``(G,)``. Instances are told apart within their class.
        within: ``class`` ranks each query among the gallery of its own class (fine-grained; only ``Acc@K``).
        protocol: what was measured; printed with every number.
        top: best gallery items to keep for each query.
        block: queries at once; lowered where the gallery is large.
        device: a torch device to compute on; default that of the embeddings.
        workers: threads; default all cores this process may use.
        seed: of the random orders.

    >>> x = np.eye(3)
    >>> result = score(x, x, ["cat", "dog", "owl"], ["cat", "dog", "dog"], metrics=["mAP@all"])
    >>> result.per_query("mAP@all").tolist(), result.counts["without_relevant"]
    ([1.0, 0.9166666666666666, nan], 1)
    """
    if distance not in ("cosine", "euclidean", "hamming"):
        raise ValueError(f"distance: want 'cosine', 'euclidean' or 'hamming', got {distance!r}")
    device = _device(query, gallery, device)
    prepare = _codes if distance == "hamming" else _vectors
    q, g = prepare("query", query), prepare("gallery", gallery)
    if q.shape[1:] != g.shape[1:]:
        raise ValueError(f"query and gallery: want vectors of one length, got {q.shape} and {g.shape}")
    layout = _Layout.of(y_query, y_gallery, query_instance, gallery_instance, len(q), len(g))
    scores: Scores
    if distance == "hamming":
        scores, levels = _hamming(q, g, layout.columns), 64 * q.shape[1] + 1
    else:
        scores, levels = _products(q, g, layout.columns, distance, device), 0
    return _measure(
        scores, layout, levels=levels, metrics=metrics, distance=distance, ties=ties, within=within,
        protocol=protocol, top=top, block=block, workers=1 if device else workers, seed=seed,
    )  # fmt: skip


def score_by(
    scores: Scores | NDArray[Any],
    y_query: Any,
    y_gallery: Any,
    *,
    levels: int = 0,
    metrics: Sequence[str] | None = None,
    ties: Ties = "expected",
    query_instance: Any = None,
    gallery_instance: Any = None,
    within: Literal["gallery", "class"] = "gallery",
    distance: str = "given scores",
    protocol: Any = None,
    top: int = 10,
    block: int = 256,
    workers: int | None = None,
    seed: int = 0,
) -> Result:
    """:func:`score` for any similarity: a learned relation, a fused score, a distance with its sign turned.

    Args:
        scores: a ``(Q, G)`` array, or a function of ``(b,)`` query numbers that gives their ``(b, G)`` scores;
            **higher is better**. It is called from several threads unless ``workers=1``.
        levels: if scores are whole numbers ``0 .. levels-1``, say so: counting is quicker than sorting.

    The other arguments are those of :func:`score`.

    >>> result = score_by(np.array([[0.9, 0.1, 0.8]]), ["cat"], ["dog", "cat", "cat"], metrics=["mAP@all", "MRR"])
    >>> round(result["mAP@all"], 4), result["MRR"]
    (0.5833, 0.5)
    """
    n_query, n_gallery = np.shape(y_query)[:1], np.shape(y_gallery)[:1]
    if not callable(scores):
        matrix = _numpy(scores)
        if matrix.shape != n_query + n_gallery:
            raise ValueError(f"scores: want {n_query + n_gallery} (queries, gallery), got {matrix.shape}")
        scores = matrix.__getitem__
    layout = _Layout.of(y_query, y_gallery, query_instance, gallery_instance, *n_query, *n_gallery)

    def laid_out(rows: NDArray[np.int64]) -> NDArray[Any]:
        part = _numpy(scores(rows))
        if part.shape != (len(rows), *n_gallery):
            raise ValueError(f"scores: want a ({len(rows)}, {n_gallery[0]}) block, got {part.shape}")
        part = part[:, layout.columns]
        return part if levels or part.dtype in (np.float32, np.float64) else part.astype(np.float64)

    return _measure(
        laid_out, layout, levels=levels, metrics=metrics, distance=distance, ties=ties, within=within,
        protocol=protocol, top=top, block=block, workers=workers, seed=seed,
    )  # fmt: skip


# -- what goes in ---------------------------------------------------------------------------------------------------


def _numpy(x: Any) -> NDArray[Any]:
    if hasattr(x, "detach"):
        x = x.detach().cpu()
        x = x.float() if str(x.dtype) == "torch.bfloat16" else x
    return np.asarray(x)


def _device(query: Any, gallery: Any, device: Any) -> Any:
    """The torch device to compute on, or None for numpy."""
    kinds = {str(x.device) for x in (query, gallery) if hasattr(x, "detach")} - {"cpu"}
    if device is None and kinds:
        device = kinds.pop()
    return device


def _vectors(name: str, x: Any) -> NDArray[Any]:
    x = _numpy(x)
    if x.ndim != 2 or not len(x) or x.dtype.kind not in "fiu":
        raise ValueError(f"{name}: want (N, D) numbers with N >= 1, got {x.shape} of {x.dtype}")
    x = x if x.dtype in (np.float32, np.float64) else x.astype(np.float32)
    if not np.isfinite(x.sum()) and not np.isfinite(x).all():  # a finite sum proves it, and is quick
        bad = np.flatnonzero(~np.isfinite(x).all(axis=1))
        raise ValueError(
            f"{name}: want finite numbers, got nan or infinity in {len(bad)} rows, the first is {bad[0]}"
        )
    return x


def _codes(name: str, x: Any) -> NDArray[np.uint64]:
    x = _numpy(x)
    if x.ndim == 1 and x.dtype == np.uint64:
        x = x[:, None]
    if x.ndim != 2 or not len(x) or x.dtype not in (np.uint8, np.uint64):
        raise ValueError(
            f"{name}: want packed codes, (N, words) uint64 or (N, bytes) uint8 as numpy.packbits gives, "
            f"got {x.shape} of {x.dtype}"
        )
    if x.dtype == np.uint8:
        x = np.pad(x, ((0, 0), (0, -x.shape[1] % 8))).view(np.uint64)
    return x


def _products(
    q: NDArray[Any], g: NDArray[Any], columns: NDArray[np.int64], distance: str, device: Any
) -> Scores:
    """Scores as one matrix product: cosine, or what orders like minus the Euclidean distance."""
    kind = np.result_type(q, g)
    if distance == "cosine":
        g = _unit(g[columns].astype(kind, copy=False))
        centre = None
    else:  # |q-g|^2 = |q|^2 - 2 (q.g - |g|^2/2): the first term is the same for a whole row
        centre = g.mean(axis=0, dtype=np.float64).astype(kind)  # near the origin fewer digits cancel
        g = g[columns] - centre
        g = np.concatenate([g, (g * g).sum(axis=1, keepdims=True) / -2], axis=1)

    def rows_of(rows: NDArray[np.int64]) -> NDArray[Any]:
        part = q[rows].astype(kind, copy=False)
        if centre is None:
            return _unit(part)
        return np.concatenate([part - centre, np.ones((len(rows), 1), kind)], axis=1)

    if device is None:
        transposed = g.T
        return lambda rows: rows_of(rows) @ transposed
    import torch

    on = torch.from_numpy(g).to(device).T
    return lambda rows: torch.from_numpy(rows_of(rows)).to(on.device) @ on


def _unit(x: NDArray[Any]) -> NDArray[Any]:
    """Rows of length 1; a zero row stays zero. Scaled first, so that no square overflows."""
    x = x / np.maximum(np.abs(x).max(axis=1, keepdims=True), np.finfo(x.dtype).tiny)
    x /= np.maximum(np.sqrt(np.einsum("nd,nd->n", x, x))[:, None], np.finfo(x.dtype).tiny)
    return x


def _hamming(q: NDArray[np.uint64], g: NDArray[np.uint64], columns: NDArray[np.int64]) -> Scores:
    """Bits that agree, as whole numbers."""
    words = np.ascontiguousarray(g[columns].T)

    def scores(rows: NDArray[np.int64]) -> NDArray[Any]:
        first, *others = (np.bitwise_count(~q[rows, w, None] ^ word) for w, word in enumerate(words))
        return sum(others, first.astype(np.uint16)) if others else first

    return scores


def _labels(name: str, y: Any, n: int) -> NDArray[Any]:
    y = _numpy(y)
    if y.shape != (n,):
        raise ValueError(f"{name}: want ({n},), one for each row, got {y.shape}")
    if y.dtype.kind == "O" and all(isinstance(v, str) for v in y):
        y = y.astype(str)
    if y.dtype.kind not in "iuUT":
        raise TypeError(f"{name}: want whole numbers or strings, got {y.dtype}, such as {y[0]!r}")
    return y.astype(str) if y.dtype.kind == "T" else y


def _same_kind(left: str, a: NDArray[Any], right: str, b: NDArray[Any]) -> None:
    if (a.dtype.kind == "U") != (b.dtype.kind == "U"):
        raise TypeError(
            f"{left} and {right}: want both whole numbers or both strings, got {a.dtype} and {b.dtype}"
        )


@dataclass(frozen=True)
class _Layout:
    """Queries and gallery in an order in which a class is a slice, and an instance a slice of that."""

    classes: list[Any]
    y_query: NDArray[np.int64]
    y_gallery: NDArray[np.int64]
    queries: NDArray[np.int64]  # query numbers, class by class
    columns: NDArray[np.int64]  # gallery numbers, class by class
    starts: NDArray[np.int64]  # of each class in the columns, and the end
    own: NDArray[np.int64] | None  # (Q, 2) slice of the columns that shows the query's very object

    @classmethod
    def of(cls, y_query: Any, y_gallery: Any, i_query: Any, i_gallery: Any, q: int, g: int) -> "_Layout":
        if not q or not g:
            raise ValueError(f"query and gallery: want at least one item each, got {q} and {g}")
        y_query, y_gallery = _labels("y_query", y_query, q), _labels("y_gallery", y_gallery, g)
        _same_kind("y_query", y_query, "y_gallery", y_gallery)
        if (i_query is None) != (i_gallery is None):
            raise ValueError("query_instance and gallery_instance: want both or none")
        names, codes = np.unique(np.concatenate([y_query, y_gallery]), return_inverse=True)
        codes, classes = codes.astype(np.int64), names.tolist()
        yq, yg = codes[:q], codes[q:]
        starts = np.concatenate([[0], np.bincount(yg, minlength=len(classes)).cumsum()])
        if i_query is None:
            columns, own = np.argsort(yg, kind="stable"), None
        else:
            i_query, i_gallery = (
                _labels("query_instance", i_query, q),
                _labels("gallery_instance", i_gallery, g),
            )
            _same_kind("query_instance", i_query, "gallery_instance", i_gallery)
            known, ids = np.unique(np.concatenate([i_query, i_gallery]), return_inverse=True)
            pairs = codes * len(known) + ids
            columns = np.argsort(pairs[q:], kind="stable")
            laid = pairs[q:][columns]
            own = np.stack([laid.searchsorted(pairs[:q], side) for side in ("left", "right")], axis=1)
            if i_query.dtype.kind == "U":
                own[i_query == ""] = 0
        return cls(classes, yq, yg, np.argsort(yq, kind="stable"), columns, starts, own)


# -- the pass over the blocks ---------------------------------------------------------------------------------------


def _measure(
    scores: Scores, layout: _Layout, *, levels: int, metrics: Sequence[str] | None, distance: str, ties: Ties,
    within: str, protocol: Any, top: int, block: int, workers: int | None, seed: int,
) -> Result:  # fmt: skip
    began = time.perf_counter()
    if metrics is None:
        metrics = (() if within == "class" else DEFAULT) + (() if layout.own is None else DEFAULT_INSTANCE)
    if isinstance(metrics, str) or not metrics:
        raise ValueError(f"metrics: want a list of names, got {metrics!r}")
    wanted = [Metric.named(name) for name in dict.fromkeys(metrics)]
    if ties not in RULES:
        raise ValueError(f"ties: want one of {', '.join(RULES)}, got {ties!r}")
    if within not in ("gallery", "class"):
        raise ValueError(f"within: want 'gallery' or 'class', got {within!r}")
    if layout.own is None and any(m.by_instance for m in wanted):
        raise ValueError("metrics: Acc@K needs query_instance and gallery_instance, got none")
    if within == "class" and not all(m.by_instance for m in wanted):
        raise ValueError("within='class': every item ranked is of the query's class; want only Acc@K metrics")
    if block < 1 or top < 0:
        raise ValueError(f"block and top: want block >= 1 and top >= 0, got {block} and {top}")
    workers = workers or _cores()
    job = _Pass(scores, layout, levels, wanted, ties, within == "class", top, seed)
    step = max(1, min(block, BLOCK_BYTES // (8 * len(layout.columns) * workers)))
    blocks = [layout.queries[i : i + step] for i in range(0, len(layout.queries), step)]
    with _one_blas_thread() if workers > 1 else nullcontext(), ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(job.run, range(len(blocks)), blocks):
            pass
    return job.result(distance, protocol, time.perf_counter() - began)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _one_blas_thread() -> Any:
    """Blocks already fill the cores; a BLAS that does so too would only get in the way."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


class _Pass:
    """The arrays that blocks of queries fill in, each its own rows, from several threads."""

    def __init__(
        self, scores: Scores, layout: _Layout, levels: int, metrics: list[Metric], ties: Ties, inside: bool,
        top: int, seed: int,
    ) -> None:  # fmt: skip
        q, g = len(layout.y_query), len(layout.y_gallery)
        self.scores, self.layout, self.levels, self.metrics = scores, layout, levels, metrics
        self.ties, self.inside, self.seed = ties, inside, seed
        self.top = np.empty((q, min(top, g)), np.int64)
        self.values = {m.name: np.full(q, np.nan) for m in metrics}
        self.curve = np.full((q, len(RECALL_LEVELS)), np.nan, np.float32)
        self.mixed = np.zeros(q, bool)

    def run(self, number: int, queries: NDArray[np.int64]) -> None:
        """One block: scores, then class by class the ranks, in slabs that stay in the cache."""
        block = self.scores(queries)
        rng = np.random.default_rng([self.seed, number])
        classes = self.layout.y_query[queries]
        cuts = np.flatnonzero(np.diff(classes, prepend=-1, append=-1))
        for start, stop in zip(cuts[:-1], cuts[1:], strict=True):
            c = classes[start]
            lo, hi = (int(v) for v in self.layout.starts[c : c + 2])
            step = max(1, SLAB // max(hi - lo, 1))
            for i in range(start, stop, step):
                rows = slice(i, min(i + step, stop))
                self._slab(block[rows], queries[rows], lo, hi, rng)

    def _slab(
        self, scores: Any, queries: NDArray[np.int64], lo: int, hi: int, rng: np.random.Generator
    ) -> None:
        by_class = [m for m in self.metrics if not m.by_instance]
        size = self.top.shape[1]
        if self.levels:
            every = level_counts(scores, self.levels)
            edge = self.levels - 1 - (every.cumsum(axis=1) >= size).argmax(axis=1)
            ranks = ranks_from_histogram(every, level_counts(scores[:, lo:hi], self.levels))
        elif isinstance(scores, np.ndarray):
            ranks, edge = ranks_from_scores(scores, lo, hi, top=size)
        else:
            ranks, edge = ranks_from_tensor(scores, lo, hi, top=size)
        if size:
            self._keep_top(scores, edge, queries)
        if by_class and hi > lo:
            names = [m.name for m in by_class]
            values, curve, self.mixed[queries] = evaluate(by_class, ranks, self.ties, rng)
            for name, value in zip(names, values, strict=True):
                self.values[name][queries] = value
            self.curve[queries] = curve
        by_instance = [m for m in self.metrics if m.by_instance]
        if by_instance:
            area = scores[:, lo:hi] if self.inside else scores
            assert self.layout.own is not None
            own = self.layout.own[queries] - (lo if self.inside else 0)
            paired = np.flatnonzero(own[:, 1] > own[:, 0])
            if len(paired):
                first = first_ranks(area[paired], own[paired])
                values, _, mixed = evaluate(by_instance, first, self.ties, rng)
                self.mixed[queries[paired]] |= mixed
                for metric, value in zip(by_instance, values, strict=True):
                    self.values[metric.name][queries[paired]] = value

    def _keep_top(self, scores: Any, edge: Any, queries: NDArray[np.int64]) -> None:
        """The best items: whatever reaches the score at the last rank kept; equal ones by gallery number."""
        size = self.top.shape[1]
        if isinstance(scores, np.ndarray):
            row, column = np.nonzero(scores >= edge[:, None])
            value = scores[row, column].astype(np.float64)
        else:
            near = (scores >= edge[:, None]).nonzero(as_tuple=True)
            value = scores[near].double().cpu().numpy()
            row, column = (part.cpu().numpy() for part in near)
        item = self.layout.columns[column]
        order = np.lexsort((item, -value, row))
        first = np.searchsorted(row[order], np.arange(len(queries)))
        self.top[queries] = item[order][first[:, None] + np.arange(size)]

    def result(self, distance: str, protocol: Any, seconds: float) -> Result:
        layout = self.layout
        present = np.diff(layout.starts)
        counts = {
            "queries": len(layout.y_query),
            "gallery": len(layout.y_gallery),
            "classes": len(np.unique(layout.y_query)),
            "without_relevant": int((present[layout.y_query] == 0).sum()),
            "tied": int(self.mixed.sum()),
        }
        notes = []
        drawn = [m.name for m in self.metrics if m.needs_order]
        if self.ties == "averaged":
            drawn = [m.name for m in self.metrics]
        if counts["tied"] and drawn and self.ties in ("expected", "averaged"):
            notes.append(
                f"{', '.join(drawn)}: mean over {DRAWS} random orders of equal scores, seed {self.seed}"
            )
        return Result(
            values=self.values, y_query=layout.y_query, classes=layout.classes, protocol=protocol, distance=distance,
            ties=self.ties, counts=counts, seconds=seconds, notes=notes, top=self.top,
            top_classes=layout.y_gallery[self.top], curve=self.curve,
        )  # fmt: skip


def first_ranks(scores: Any, own: NDArray[np.int64]) -> Ranks:
    """Rank of the best of each query's own items, columns ``own[i, 0]:own[i, 1]`` of its row."""
    n = len(own)
    width = int((own[:, 1] - own[:, 0]).max())
    at = own[:, :1] + np.minimum(np.arange(width), (own[:, 1] - own[:, 0] - 1)[:, None])  # the last, repeated
    mine = scores[np.arange(n)[:, None], at]
    best = mine.max(axis=1, keepdims=True) if isinstance(mine, np.ndarray) else mine.amax(dim=1, keepdim=True)
    above, upto = (_numpy(part.sum(1))[:, None] for part in (scores > best, scores >= best))
    fresh = np.arange(width) < (own[:, 1] - own[:, 0])[:, None]
    through = (_numpy(mine == best) & fresh).sum(axis=1)[:, None]
    return Ranks(above, upto, np.zeros_like(above), through, relevant=1, gallery=scores.shape[1])


def evaluate(
    metrics: Sequence[Metric], ranks: Ranks, ties: Ties, rng: np.random.Generator
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64], NDArray[np.bool_]]:
    """Every metric and the precision-recall curve of some queries, and which queries the tie rule can move."""

    mixed = ranks.mixed().any(axis=1)
    if ties in ("grouped", "best", "worst"):
        settled = break_ties(ranks, ties)
        return [m(settled) for m in metrics], _curve(settled), mixed
    exact = {} if ties == "averaged" else {m: m(ranks) for m in metrics if not m.needs_order}
    pending = [m for m in metrics if m not in exact]
    settled = break_ties(ranks, "best")
    drawn, curve = {m: m(settled) for m in pending}, _curve(settled)
    if mixed.any():
        some = ranks.rows(mixed).items()
        orders = [break_ties(some, "averaged", rng) for _ in range(DRAWS if pending else 1)]
        curve[mixed] = _curve(orders[0])
        for metric, value in drawn.items():
            value[mixed] = np.mean([metric(order) for order in orders], axis=0)
    found = exact | drawn
    return [found[m] for m in metrics], curve, mixed


def _curve(ranks: Ranks) -> NDArray[np.float64]:
    """``(b, 101)`` interpolated precision at recall 0, 0.01, ... 1."""
    best = envelope(ranks, ranks.gallery)
    if ranks.weight is None:
        need = np.ceil(RECALL_LEVELS * ranks.relevant - 1e-9).astype(np.int64).clip(1) - 1
        return best[:, need.clip(max=best.shape[1] - 1)]
    need = np.ceil(RECALL_LEVELS * ranks.relevant - 1e-9).clip(1)
    at = (ranks.through[:, None, :] >= need[None, :, None]).argmax(axis=2)
    return np.take_along_axis(best, at, axis=1)
