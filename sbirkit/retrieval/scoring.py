"""From embeddings to a :class:`Result`: exact, block by block, never a queries x gallery matrix.

Queries are taken class by class and the gallery is laid out so that a class is one slice of it; then the
ranks of the relevant items need one product, one sort of values and one look-up per query (:mod:`.ranks`);
every metric is a formula of these ranks (:mod:`.metrics`).
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import itemgetter
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .codes import hamming, words
from .inputs import as_numpy, joint, unit, vectors
from .metrics import DEFAULT, DEFAULT_INSTANCE, RECALL_LEVELS, Metric, curve
from .protocol import Protocol
from .ranks import Ranks, best, level_counts, ranks_from_histogram, ranks_from_scores, ranks_from_tensor
from .result import Result
from .ties import RULES, Ties, break_ties, random_orders

Distance = Literal["cosine", "euclidean", "hamming"]
Within = Literal["gallery", "class"]
Scores = Callable[[NDArray[np.int64]], Any]
DRAWS = 8  # random orders behind a mean over ties that has no closed form
BLOCK_BYTES = 128 << 20  # float32 scores and their copies held at once, all threads together
CELL = 32  # queries that share a generator, whatever the blocks and threads
SLAB = 1 << 17  # relevant items ranked at once: few enough for the cache


def score(
    query: Any,
    gallery: Any,
    y_query: Any,
    y_gallery: Any,
    *,
    metrics: Sequence[str] | None = None,
    distance: Distance | None = None,
    ties: Ties | None = None,
    query_instance: Any = None,
    gallery_instance: Any = None,
    within: Within | None = None,
    protocol: Any = None,
    device: Any = None,
    **options: Any,
) -> Result:
    """Rank the gallery for each query and measure it by name.

    Args:
        query: ``(Q, D)`` embeddings, numpy or torch; for ``hamming`` packed codes (uint64 words or bytes).
        gallery: ``(G, D)``, alike.
        y_query: ``(Q,)`` class of each, whole numbers or strings. y_gallery: ``(G,)``.
        metrics: names such as ``"mAP@200-strict"``; default :data:`.metrics.DEFAULT`, with instances also
            :data:`.metrics.DEFAULT_INSTANCE`.
        distance: ``cosine`` (default), ``euclidean`` (of the vectors as given) or ``hamming``.
        ties: what equal scores mean, see :mod:`.ties`; default ``expected``. A metric without a closed form
            (VOC interpolation) is then averaged over 8 random orders, and the result says so.
        query_instance: ``(Q,)`` object each query shows, for ``Acc@K``; ``""`` has no partner.
        gallery_instance: ``(G,)``. Instances are told apart within their class.
        within: ``class`` ranks each query among the gallery of its own class (fine-grained).
        protocol: what is measured; printed with every number. A :class:`Protocol` gives ``metrics``,
            ``distance``, ``ties`` and ``within``, has its open counts filled in, and may not be contradicted.
        device: a torch device to compute on; default that of the embeddings.
        options: ``top``, best gallery items to keep for each query (10); ``block``, queries at once (256,
            fewer where the gallery is large); ``workers``, threads (all cores); ``seed``, of the random
            orders (0).

    >>> x = np.eye(3)
    >>> result = score(x, x, ["cat", "dog", "owl"], ["cat", "dog", "rat"], metrics=["mAP@all"])
    >>> result.per_query("mAP@all").tolist(), result.counts["without_relevant"]
    ([1.0, 1.0, nan], 1)
    """
    began = time.perf_counter()
    how = _How(
        distance=distance, metrics=metrics, ties=ties, within=within, protocol=protocol,
        query_instance=query_instance, gallery_instance=gallery_instance, **options,
    )  # fmt: skip
    if how.distance not in get_args(Distance):
        raise ValueError(f"distance: want one of {', '.join(get_args(Distance))}, got {how.distance!r}")
    sides = ("query", query), ("gallery", gallery)
    device = device or next((x.device for _, x in sides if str(getattr(x, "device", "cpu")) != "cpu"), None)
    q, g = (words(*side) if how.distance == "hamming" else vectors(*side) for side in sides)
    if q.shape[1] != g.shape[1]:
        raise ValueError(f"query and gallery: want vectors of one length, got {q.shape[1]} and {g.shape[1]}")
    layout = _Layout.of(y_query, y_gallery, how, sizes=(len(q), len(g)))
    if how.distance == "hamming":
        turned, g = ~q, g[layout.columns]  # what differs from the turned bits agrees: higher is better
        agree: Scores = lambda rows: hamming(turned[rows], g)  # noqa: E731
        return _Pass(agree, layout, how, levels=64 * q.shape[1] + 1).result(began)
    scores = _products(q, g, layout.columns, distance=how.distance, device=device)
    return _Pass(scores, layout, replace(how, workers=1) if device else how).result(began)


def score_by(
    scores: Scores | NDArray[Any],
    y_query: Any,
    y_gallery: Any,
    *,
    levels: int = 0,
    distance: str | None = None,
    **options: Any,
) -> Result:
    """:func:`score` for any similarity: a learned relation, a fused score, a distance with its sign turned.

    Args:
        scores: a ``(Q, G)`` array, or a function of ``(b,)`` query numbers giving their ``(b, G)`` scores;
            **higher is better**. It is called from several threads unless ``workers=1``.
        levels: if scores are whole numbers ``0 .. levels-1``, say so: counting is quicker than sorting.
        distance: its name in the result, default "given scores".
        options: the other arguments of :func:`score`, but for ``device``.

    >>> scores = np.array([[0.9, 0.1, 0.8]])
    >>> result = score_by(scores, ["cat"], ["dog", "cat", "cat"], metrics=["mAP@all", "MRR"])
    >>> round(result["mAP@all"], 4), result["MRR"]
    (0.5833, 0.5)
    """
    began = time.perf_counter()
    how = _How(distance=distance, given=True, **options)
    sizes = (as_numpy(y_query).size, as_numpy(y_gallery).size)
    layout = _Layout.of(y_query, y_gallery, how, sizes=sizes)
    if not callable(scores):
        matrix = as_numpy(scores)
        if matrix.shape != sizes:
            raise ValueError(f"scores: want {sizes} (queries, gallery), got {matrix.shape}")
        scores = matrix.__getitem__
    call: Scores = scores

    def laid_out(rows: NDArray[np.int64]) -> NDArray[Any]:
        part = as_numpy(call(rows))
        if part.shape != (len(rows), sizes[1]):
            raise ValueError(f"scores: want a ({len(rows)}, {sizes[1]}) block, got {part.shape}")
        if levels and (part.dtype.kind not in "iu" or part.min() < 0 or part.max() >= levels):
            raise ValueError(
                f"scores: want whole numbers from 0 to {levels - 1}, got {part.dtype} outside of them"
            )
        part = part[:, layout.columns]
        return part if levels or part.dtype in (np.float32, np.float64) else part.astype(np.float64)

    return _Pass(laid_out, layout, how, levels=levels).result(began)


@dataclass(kw_only=True)
class _How:
    """The options of :func:`score` and :func:`score_by`, settled: what is None follows the protocol."""

    metrics: Any = None
    distance: Any = None
    ties: Any = None
    query_instance: Any = None
    gallery_instance: Any = None
    within: Any = None
    protocol: Any = None
    top: int = 10
    block: int = 256
    workers: int | None = None
    seed: int = 0
    given: bool = False  # the scores, not embeddings

    def __post_init__(self) -> None:
        said = self.protocol if isinstance(self.protocol, Protocol) else None
        self.distance = self.distance or (
            said.distance if said else "given scores" if self.given else "cosine"
        )
        self.ties = self.ties or (said.ties if said else "expected")
        self.within = self.within or (said.within if said else "gallery")
        if (self.query_instance is None) != (self.gallery_instance is None):
            raise ValueError("query_instance and gallery_instance: want both or none")
        if self.metrics is None:
            of_class = DEFAULT if self.within == "gallery" else ()
            of_object = () if self.query_instance is None else DEFAULT_INSTANCE
            self.metrics = said.metrics if said else of_class + of_object
        if self.ties not in RULES:
            raise ValueError(f"ties: want one of {', '.join(RULES)}, got {self.ties!r}")
        if self.within not in get_args(Within):
            raise ValueError(f"within: want 'gallery' or 'class', got {self.within!r}")
        for name, least in (("top", 0), ("block", 1), ("workers", 1)):
            value = getattr(self, name)
            if not (isinstance(value, (int, np.integer)) and value >= least) and (name, value) != (
                "workers",
                None,
            ):
                raise ValueError(f"{name}: want a whole number >= {least}, got {value!r}")
        named = Metric.several(self.metrics)
        self.metrics = [m.name for m in named]
        self.by_class = [m for m in named if not m.by_instance]
        self.by_instance = [m for m in named if m.by_instance]
        if self.query_instance is None and self.by_instance:
            name = self.by_instance[0].name
            raise ValueError(f"metrics: {name} needs query_instance and gallery_instance, got none")
        if self.within == "class" and self.by_class:
            raise ValueError(
                "within='class': all that is ranked is of the query's class; want only Acc@K and MRR-instance"
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
    def of(cls, y_query: Any, y_gallery: Any, how: _How, *, sizes: tuple[int, int]) -> "_Layout":
        n = sizes[0]
        if not all(sizes):
            raise ValueError(f"query and gallery: want at least one item each, got {n} and {sizes[1]}")
        classes, y = joint(("y_query", "y_gallery"), y_query, y_gallery, sizes)
        starts = np.concatenate([[0], np.bincount(y[n:], minlength=len(classes)).cumsum()])
        columns, own = np.argsort(y[n:], kind="stable"), None
        if how.query_instance is not None:
            names = ("query_instance", "gallery_instance")
            known, ids = joint(names, how.query_instance, how.gallery_instance, sizes)
            pairs = y * len(known) + ids
            columns = np.argsort(pairs[n:], kind="stable")
            laid = pairs[n:][columns]
            own = np.stack([laid.searchsorted(pairs[:n], side) for side in ("left", "right")], axis=1)
            own[(known == "")[ids[:n]] if known.dtype.kind == "U" else []] = 0
        return cls(classes.tolist(), y[:n], y[n:], np.argsort(y[:n], kind="stable"), columns, starts, own)


def _products(
    q: NDArray[Any], g: NDArray[Any], columns: NDArray[np.int64], *, distance: str, device: Any
) -> Scores:
    """Scores as one matrix product: cosine, or what orders like minus the Euclidean distance."""
    kind = np.result_type(q, g)
    if distance == "cosine":
        g = unit(g[columns].astype(kind, copy=False))

        def rows_of(rows: NDArray[np.int64]) -> NDArray[Any]:
            return unit(q[rows].astype(kind, copy=False))

    else:  # -|q - g|^2 / 2 = q.g - |g|^2 / 2 - |q|^2 / 2, and the last term is the same for a whole row
        centre = g.mean(axis=0, dtype=np.float64).astype(kind)  # near the origin fewer digits cancel
        g = g[columns] - centre
        g = np.concatenate([g, (g * g).sum(axis=1, keepdims=True) / -2], axis=1)

        def rows_of(rows: NDArray[np.int64]) -> NDArray[Any]:
            return np.concatenate([q[rows] - centre, np.ones((len(rows), 1), kind)], axis=1)

    turned = g.T
    if device is None:
        return lambda rows: rows_of(rows) @ turned
    import torch

    try:
        there = torch.from_numpy(g).to(device).T
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device: cannot use {str(device)!r}: {error}") from error
    return lambda rows: torch.from_numpy(rows_of(rows)).to(there.device) @ there


class _Pass:
    """The arrays that blocks of queries fill in, each its own rows, from several threads."""

    def __init__(self, scores: Scores, layout: _Layout, how: _How, *, levels: int = 0) -> None:
        self.scores, self.layout, self.how, self.levels = scores, layout, how, levels
        self.inside = how.within == "class"
        q, ranked = len(layout.y_query), len(layout.y_gallery)
        if self.inside:
            ranked = int(np.diff(layout.starts)[layout.y_query].min())
        self.values = {m.name: np.full(q, np.nan) for m in [*how.by_class, *how.by_instance]}
        self.curve = np.full((q, len(RECALL_LEVELS)), np.nan, np.float32)
        self.top = np.zeros((q, min(how.top, ranked)), np.int64)
        self.tied = np.zeros(q, bool)
        runs = np.split(layout.queries, np.flatnonzero(np.diff(layout.y_query[layout.queries])) + 1)
        self.cells = [run[i : i + CELL] for run in runs for i in range(0, len(run), CELL)]
        self.cell = np.empty(q, np.int64)
        self.cell[layout.queries] = np.repeat(np.arange(len(self.cells)), [len(c) for c in self.cells])

    def run(self) -> None:
        """All blocks. They fill the cores; a BLAS that does so too would only get in the way."""
        workers = self.how.workers or _cores()
        step = min(self.how.block, BLOCK_BYTES // (8 * len(self.layout.columns) * workers))
        blocks = [[self.cells[0]]]
        for cell in self.cells[1:]:
            if sum(map(len, blocks[-1])) + len(cell) > step:
                blocks.append([])
            blocks[-1].append(cell)
        with _one_blas_thread() if workers > 1 else nullcontext(), ThreadPoolExecutor(workers) as pool:
            list(pool.map(self._block, map(np.concatenate, blocks)))

    def _block(self, queries: NDArray[np.int64]) -> None:
        """Scores, then class by class the ranks, in slabs that stay in the cache."""
        scores = self.scores(queries)
        classes = self.layout.y_query[queries]
        cuts = np.flatnonzero(np.diff(classes, prepend=-1, append=-1))
        for start, stop in pairwise(cuts.tolist()):
            lo, hi = self.layout.starts[classes[start] : classes[start] + 2].tolist()
            step = CELL * max(1, SLAB // (CELL * max(hi - lo, 1)))
            for i in range(start, stop, step):
                rows = slice(i, min(i + step, stop))
                self._slab(scores[rows], queries[rows], lo, hi)

    def _slab(self, scores: Any, queries: NDArray[np.int64], lo: int, hi: int) -> None:
        keep, columns, how, first = self.top.shape[1], self.layout.columns, self.how, 0
        if self.inside:
            if hi == lo:
                return
            scores, columns, first, lo, hi = scores[:, lo:hi], columns[lo:hi], lo, 0, hi - lo
        if self.levels:
            every, own = level_counts(scores, self.levels), level_counts(scores[:, lo:hi], self.levels)
            ranks = ranks_from_histogram(every, own)
            edge: Any = (self.levels - 1 - (ranks.upto >= keep).argmax(axis=1)).astype(scores.dtype)
        else:
            find = ranks_from_scores if isinstance(scores, np.ndarray) else ranks_from_tensor
            ranks, edge = find(scores, lo, hi, top=keep)
        if keep:
            self.top[queries] = columns[best(scores, edge, keep, columns)]
        if how.by_class and hi > lo:
            self.curve[queries] = self._measure(how.by_class, ranks, queries)
        if how.by_instance and self.layout.own is not None:
            own = self.layout.own[queries] - first
            paired = np.flatnonzero(own[:, 1] > own[:, 0])
            if len(paired):
                self._measure(how.by_instance, first_ranks(scores[paired], own[paired]), queries[paired])

    def _measure(
        self, metrics: list[Metric], ranks: Ranks, queries: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Fill in the values of some queries; gives their curve."""
        values, line, tied = evaluate(metrics, ranks, self.how.ties, self.cell[queries], self.how.seed)
        self.tied[queries] |= tied
        for metric, value in zip(metrics, values, strict=True):
            self.values[metric.name][queries] = value
        return line

    def result(self, began: float) -> Result:
        layout, how = self.layout, self.how
        protocol = how.protocol
        counts = {
            "queries": len(layout.y_query),
            "gallery": len(layout.y_gallery),
            "classes": len(np.unique(layout.y_query)),
        }
        if isinstance(protocol, Protocol):
            protocol = protocol.fitted(
                metrics=tuple(how.metrics), distance=how.distance, ties=how.ties, within=how.within, **counts
            )
        self.run()
        if how.by_class:
            missing = np.diff(layout.starts)[layout.y_query] == 0
        else:
            missing = np.isnan(self.values[how.by_instance[0].name])
        counts |= {"without_relevant": int(missing.sum()), "tied": int(self.tied.sum())}
        inside = self.inside and not isinstance(protocol, Protocol)
        notes = ["each query among the gallery of its class"] if inside else []
        named = [*how.by_class, *how.by_instance]
        drawn = ", ".join(m.name for m in named if m.needs_order or how.ties == "averaged")
        if counts["tied"] and drawn and how.ties in ("expected", "averaged"):
            notes.append(f"{drawn}: mean over {DRAWS} random orders of equal scores, seed {how.seed}")
        return Result(
            values=self.values,
            y_query=layout.y_query,
            classes=layout.classes,
            protocol=protocol,
            distance=how.distance,
            ties=how.ties,
            counts=counts,
            seconds=time.perf_counter() - began,
            top=self.top,
            top_classes=layout.y_gallery[self.top],
            curve=self.curve,
            notes=notes,
        )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _one_blas_thread() -> Any:
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def first_ranks(scores: Any, own: NDArray[np.int64]) -> Ranks:
    """Rank of the best of each query's own items, columns ``own[i, 0]:own[i, 1]`` of its row."""
    count = own[:, 1] - own[:, 0]
    turn = np.arange(count.max())
    at = own[:, :1] + np.minimum(turn, count[:, None] - 1)  # short rows repeat their last item
    mine = scores[np.arange(len(own))[:, None], at]
    first = mine.max(1)[:, None] if isinstance(mine, np.ndarray) else mine.amax(1)[:, None]
    above, upto = (as_numpy(part.sum(1))[:, None] for part in (scores > first, scores >= first))
    through = (as_numpy(mine == first) & (turn < count[:, None])).sum(axis=1)[:, None]
    return Ranks(above, upto, np.zeros_like(above), through, relevant=1, gallery=scores.shape[1])


def evaluate(
    metrics: Sequence[Metric], ranks: Ranks, ties: Ties, cells: NDArray[np.int64], seed: int
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64], NDArray[np.bool_]]:
    """Every metric and the precision-recall curve of some queries, and which of them ties can move.

    Queries of one number in ``cells`` draw their random orders from one generator.
    """
    tied = np.asarray(ranks.mixed().any(axis=1))
    if ties in ("grouped", "best", "worst"):
        settled = break_ties(ranks, ties)
        return [m(settled) for m in metrics], curve(settled.items()), tied
    found = {m: m(ranks) for m in metrics if ties == "expected" and not m.needs_order}
    drawn = [m for m in metrics if m not in found]
    if drawn:
        settled = break_ties(ranks, "best")
        found |= {m: m(settled) for m in drawn}
    for cell in np.unique(cells[tied]) if drawn else ():
        rows = tied & (cells == cell)
        some = ranks.each(itemgetter(rows)).items()
        orders = random_orders(some, np.random.default_rng([seed, cell]), DRAWS)
        for m in drawn:
            found[m][rows] = np.mean([m(order) for order in orders], axis=0)
    return [found[m] for m in metrics], curve(ranks), tied
