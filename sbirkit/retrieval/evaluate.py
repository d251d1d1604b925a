"""Measure a model on a benchmark: embeddings of its rows in, the protocol's result out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .codes import Coder, fit_itq, itq_transductive, sign_codes
from .protocol import Protocol, told
from .result import Result
from .scoring import score
from .selection import Rows, instances, select

if TYPE_CHECKING:
    from sbirkit.data import Benchmark


@dataclass(frozen=True, eq=False)
class Generalised:
    """Seen and unseen queries over one gallery. ``g["mAP@all"]`` is the harmonic mean of the two.

    >>> x, y = np.eye(3), np.array(["cat", "dog", "owl"])
    >>> seen, unseen = (score(x[i], x, y[i], y, metrics=["P@1", "P@2"]) for i in ([0], [1, 2]))
    >>> Generalised(seen, unseen)["P@2"]
    0.5
    """

    seen: Result
    unseen: Result
    protocol: Protocol | None = None

    def __post_init__(self) -> None:
        for what in ("metrics", "distance", "ties"):
            one, other = getattr(self.seen, what), getattr(self.unseen, what)
            if one != other:
                raise ValueError(f"seen and unseen: want the same {what}, got {one} and {other}")
        if (one := self.seen.counts["gallery"]) != (other := self.unseen.counts["gallery"]):
            raise ValueError(f"seen and unseen: want one gallery for both, got {one:,} and {other:,} items")

    @property
    def metrics(self) -> list[str]:
        return self.unseen.metrics

    def __getitem__(self, metric: str) -> float:
        return _harmonic(self.seen[metric], self.unseen[metric])

    def macro(self, metric: str) -> float:
        """The harmonic mean of the two means over classes."""
        return _harmonic(self.seen.macro(metric), self.unseen.macro(metric))

    def table(self) -> list[dict[str, Any]]:
        """One row per metric: seen, unseen, harmonic mean."""
        columns = {"seen": self.seen, "unseen": self.unseen, "harmonic": self}
        mean = self.protocol.mean if self.protocol else lambda result, metric: float(result[metric])
        return [{"metric": m} | {name: mean(part, m) for name, part in columns.items()} for m in self.metrics]

    def __repr__(self) -> str:
        line = "{metric}: seen {seen:.4f}, unseen {unseen:.4f}, harmonic {harmonic:.4f}"
        numbers = "; ".join(line.format(**row) for row in self.table())
        return f"<Generalised {numbers}; {self.protocol or self.unseen.sentence()}>"


def _harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0


def evaluate_embeddings(
    embeddings: Any,
    benchmark: "Benchmark",
    protocol: Protocol | str = "zs",
    *,
    gallery: "Benchmark | None" = None,
    gallery_embeddings: Any = None,
    coder: Coder | None = None,
    **options: Any,
) -> Result | Generalised:
    """Measure a benchmark under a protocol.

    Args:
        embeddings: ``(N, D)``, one for each row of the catalogue's table; or a mapping from row numbers to
            vectors; or a pair ``(rows, vectors)``.
        protocol: a protocol, or a setting such as "gzs-separate" of which ``options`` say the rest.
        gallery: the benchmark of the photos, for "cross-dataset", with its own ``gallery_embeddings``.
        coder: for codes; by default ITQ is fitted on ``benchmark.train``, both modalities.

    Returns:
        A :class:`Result`; for "gzs-separate" a :class:`Generalised`.
    """
    if isinstance(protocol, str):
        protocol = Protocol.of(benchmark, protocol, gallery=gallery, **options)
    elif options:
        raise TypeError(
            f"options go with the name of a setting; the protocol says {', '.join(options)} already"
        )
    chosen = ("part", "metrics", "distance", "ties", "averaging", "codes", "seed")
    same = {name: getattr(protocol, name) for name in chosen}
    fresh = Protocol.of(benchmark, protocol.setting, gallery=gallery, **same)
    if wrong := protocol.differences(fresh):
        raise ValueError(f"protocol: not one of this benchmark; {told(wrong)}")
    rows = select(benchmark, protocol, gallery=gallery)
    mine = theirs = _Lookup("embeddings", embeddings, len(benchmark.catalogue.labels))
    if gallery is not None:
        theirs = _Lookup("gallery_embeddings", gallery_embeddings, len(gallery.catalogue.labels))
    q, g = mine[rows.query], theirs[rows.gallery]
    if protocol.bits:
        if protocol.codes == "itq" and coder is None:
            sketches = np.intersect1d(benchmark.train, benchmark.catalogue.sketches)
            parts = mine[sketches], mine[np.setdiff1d(benchmark.train, sketches)]
            coder = fit_itq(*parts, bits=protocol.bits, seed=protocol.seed or 0)
        q, g = _encoded(q, g, protocol, coder)
    if protocol.setting == "gzs-separate":
        how: dict[str, Any] = {name: getattr(protocol, name) for name in ("metrics", "distance", "ties")}
        seen, unseen = (
            score(q[part], g, rows.y_query[part], rows.y_gallery, protocol=f"{name} part: {protocol}", **how)
            for name, part in (("seen", rows.seen_query), ("unseen", ~rows.seen_query))
        )
        return Generalised(seen, unseen, protocol)
    own: dict[str, Any] = {}
    if protocol.setting.startswith("fg"):
        pairs = (("query", benchmark, rows.query), ("gallery", gallery or benchmark, rows.gallery))
        own = {f"{side}_instance": instances(of, which) for side, of, which in pairs}
    result = score(q, g, rows.y_query, rows.y_gallery, protocol=protocol, **own)
    return replace(result, notes=[*result.notes, *rows.notes])


class _Lookup:
    """Vectors by row number."""

    def __init__(self, name: str, embeddings: Any, size: int) -> None:
        self.name = name
        if isinstance(embeddings, Mapping):
            embeddings = (list(embeddings), [np.asarray(v) for v in embeddings.values()])
        if isinstance(embeddings, tuple):
            rows, vectors = embeddings
            self.vectors = np.stack(vectors) if isinstance(vectors, list) else vectors
            rows = np.asarray(rows, np.int64)
        else:
            self.vectors, rows = embeddings, np.arange(size)
        if self.vectors is None or len(self.vectors) != len(rows):
            got = "none" if self.vectors is None else len(self.vectors)
            raise ValueError(f"{name}: want one for each of {len(rows)} rows, got {got}")
        if len(rows) and not 0 <= rows.min() <= rows.max() < size:
            raise ValueError(
                f"{name}: row numbers want to lie in 0 to {size - 1}, got {rows.min()} to {rows.max()}"
            )
        self.place = np.full(size, -1)
        self.place[rows] = np.arange(len(rows))

    def __getitem__(self, rows: Rows) -> Any:
        place = self.place[rows]
        if (place < 0).any():
            raise ValueError(f"{self.name}: {int((place < 0).sum())} of {len(rows)} rows wanted are missing, "
                             f"the first is row {rows[place < 0][0]}")  # fmt: skip
        return self.vectors[place]


def _encoded(q: Any, g: Any, protocol: Protocol, coder: Coder | None) -> tuple[Any, Any]:
    if (coder is None) == (protocol.codes == "itq"):
        raise ValueError(f"coder: goes with codes='itq', got codes={protocol.codes!r}")
    bits = coder.bits if coder else q.shape[1]
    if bits != protocol.bits:
        raise ValueError(
            f"protocol: {protocol.setting} wants {protocol.bits} bits, {protocol.codes} gives {bits}"
        )
    if coder:
        return coder.encode(q), coder.encode(g)
    return itq_transductive(q, g) if protocol.codes == "itq-transductive" else (sign_codes(q), sign_codes(g))
