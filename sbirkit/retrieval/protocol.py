"""What a number was measured on, as a value: it prints itself, and results of different ones do not mix."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sbirkit.retrieval.codes import Coder, fit_itq, itq_transductive, sign_codes
from sbirkit.retrieval.result import Result
from sbirkit.retrieval.scoring import DEFAULT, score

if TYPE_CHECKING:
    from sbirkit.data import Benchmark

Rows = NDArray[np.int64]
SETTINGS = {
    "zs": "",
    "gzs-sempcyc": "generalised after SEM-PCYC: ",
    "gzs-sempcyc-released": "generalised after SEM-PCYC, seen items from the training set as released: ",
    "gzs-separate": "generalised, seen and unseen queries apart: ",
    "fg-within-class": "fine-grained within each class: ",
    "fg-across-classes": "fine-grained across classes: ",
    "codes64": "64-bit codes: ",
    "cross-dataset": "across data sets: ",
}
CODES = ("itq", "itq-transductive", "sign")
INSTANCE_METRICS = ("Acc@1", "Acc@5", "MRR")
AUTHORS = {"yelamarthi": "Yelamarthi", "sake": "SAKE", "sempcyc": "SEM-PCYC", "dey": "Dey"}
SHARE = 0.2  # seen items that SEM-PCYC adds, as a share of the unseen ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Everything that gives a retrieval number its meaning, apart from the model. Equal means comparable.

    ``setting`` is one of :data:`SETTINGS` (codes of another length are "codes32", "codes128", ...); ``part``
    is "unseen", or "selection" for choosing checkpoints. ``seed`` is None where nothing is drawn. ``digest``
    stands for the very pictures ranked.

    >>> print(Protocol(split="sketchy-21-yelamarthi", classes=21, query_data="Sketchy-Ext", queries=12694,
    ...                gallery_data="Sketchy-Ext", photos=10453, metrics=("mAP@200-strict",)))
    21 unseen classes of Sketchy-Ext (Yelamarthi), 12,694 sketches against 10,453 distinct photos, \
strict mAP@200, cosine
    """

    setting: str = "zs"
    part: str = "unseen"
    split: str
    classes: int
    query_data: str
    gallery_data: str
    queries: int
    photos: int
    seen_queries: int = 0
    seen_photos: int = 0
    gallery: str = "deduplicated"
    metrics: tuple[str, ...] = DEFAULT
    distance: str = "cosine"
    ties: str = "expected"
    averaging: str = "micro"
    codes: str = ""
    seed: int | None = None
    digest: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", tuple(self.metrics))
        if self.setting not in SETTINGS and not self.bits:
            raise ValueError(f"setting: want one of {', '.join(SETTINGS)}, got {self.setting!r}")
        wanted = {"part": ("unseen", "selection"), "gallery": ("deduplicated", "as-published"),
                  "averaging": ("micro", "macro"), "codes": CODES if self.bits else ("",)}  # fmt: skip
        for name, values in wanted.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name}: want one of {', '.join(values)}, got {getattr(self, name)!r}")

    @property
    def bits(self) -> int:
        """Length of the codes, 0 where there are none."""
        found = re.fullmatch(r"codes([1-9]\d*)", self.setting)
        return int(found[1]) if found else 0

    @classmethod
    def of(
        cls,
        benchmark: "Benchmark",
        setting: str = "zs",
        *,
        gallery: "Benchmark | None" = None,
        **options: Any,
    ) -> Self:
        """The protocol of a benchmark, its rows counted.

        Args:
            gallery: where the photos come from, for "cross-dataset".
            options: any field that is not counted: part, metrics, distance, ties, averaging, codes, seed.
        """
        bits = setting.startswith("codes")
        chosen: dict[str, Any] = {"seed": 0} if setting.startswith("gzs") or bits else {}
        chosen |= {"codes": "itq", "distance": "hamming"} if bits else {}
        chosen |= {"metrics": INSTANCE_METRICS} if setting.startswith("fg") else {}
        chosen |= options
        draft = cls(
            setting=setting, split=benchmark.split.name, classes=0, query_data=_name(benchmark),
            gallery_data=_name(gallery or benchmark), queries=0, photos=0,
            gallery=(gallery or benchmark).gallery, **chosen,
        )  # fmt: skip
        rows = select(benchmark, draft, gallery=gallery)
        seen_queries, seen_photos = int(rows.seen_query.sum()), int(rows.seen_gallery.sum())
        return replace(
            draft,
            classes=len(np.unique(rows.y_query[~rows.seen_query])),
            queries=len(rows.query) - seen_queries,
            photos=len(rows.gallery) - seen_photos,
            seen_queries=seen_queries,
            seen_photos=seen_photos,
            digest=_digest(rows, benchmark, gallery or benchmark),
        )

    def differences(self, other: "Protocol") -> dict[str, tuple[Any, Any]]:
        """The fields in which two protocols differ: name -> (mine, the other's)."""
        pairs = {f.name: (getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def mean(self, result: Any, metric: str) -> float:
        """A result's number under this averaging."""
        return float(result.macro(metric) if self.averaging == "macro" else result[metric])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; ``Protocol(**d)`` brings it back."""
        return asdict(self) | {"metrics": list(self.metrics)}

    def __str__(self) -> str:
        author = AUTHORS.get(self.split.rsplit("-", 1)[-1], self.split)
        what = f"{self.bits}-bit codes: " if self.bits else SETTINGS[self.setting]
        photos = "distinct photos" if self.gallery == "deduplicated" else "photos as published"
        seen = [f" + {n:,} of seen classes" if n else "" for n in (self.seen_queries, self.seen_photos)]
        into = f" of {self.gallery_data}" if self.gallery_data != self.query_data else ""
        parts = [
            f"{what}{self.classes} {self.part} classes of {self.query_data} ({author})",
            f"{self.queries:,} sketches{seen[0]} against {self.photos:,} {photos}{into}{seen[1]}",
            *map(spoken, self.metrics),
            f"{self.distance} on {self.codes} codes" if self.bits else self.distance,
            "" if self.ties == "expected" else f"ties {self.ties}",
            "" if self.averaging == "micro" else "mean over classes",
            "" if self.seed is None else f"seed {self.seed}",
        ]
        return ", ".join(part for part in parts if part)


def spoken(metric: str) -> str:
    """A metric's name as one says it.

    >>> spoken("mAP@200-strict-voc"), spoken("P@100")
    ('strict VOC mAP@200', 'P@100')
    """
    name, *variants = metric.split("-", 1)
    if name == "R" or not variants:
        return metric
    return f"{variants[0].replace('-voc', ' VOC').replace('voc', 'VOC')} {name}"


@dataclass(frozen=True, eq=False)
class Selection:
    """Which rows a protocol ranks: sketches against photos, with their classes and objects."""

    query: Rows
    gallery: Rows
    y_query: NDArray[np.str_]
    y_gallery: NDArray[np.str_]
    seen_query: NDArray[np.bool_]
    seen_gallery: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def select(benchmark: "Benchmark", protocol: Protocol, *, gallery: "Benchmark | None" = None) -> Selection:
    """The rows of a protocol. ``result.top`` counts photos within ``select(...).gallery``.

    Seen items are held-out rows of training classes (``benchmark.seen_test``), never training rows, except
    in "gzs-sempcyc-released".
    """
    cross = protocol.setting == "cross-dataset"
    if cross != (gallery is not None):
        raise ValueError(
            f"gallery: a second benchmark goes with cross-dataset only, got {protocol.setting!r}"
        )
    photos_of = gallery or benchmark
    query, photos = benchmark.queries(protocol.part), photos_of.gallery_rows(protocol.part)
    seen_query = seen_photos = np.empty(0, np.int64)
    notes: tuple[str, ...] = ()
    if protocol.setting.startswith("gzs"):
        seen_query, seen_photos = _seen(benchmark, protocol, len(query), len(photos))
    if protocol.setting.startswith("fg"):
        query, photos, notes = _paired(benchmark, query, photos)
    if cross:
        query, notes = _shared(benchmark, photos_of, query, photos)
    if not len(query) or not len(photos):
        raise ValueError(
            f"benchmark: {protocol.setting} leaves {len(query)} sketches and {len(photos)} photos"
        )
    every, all_photos = np.concatenate([query, seen_query]), np.concatenate([photos, seen_photos])
    return Selection(
        every, all_photos, _classes(benchmark, every), _classes(photos_of, all_photos),
        np.arange(len(every)) >= len(query), np.arange(len(all_photos)) >= len(photos), notes,
    )  # fmt: skip


def _seen(benchmark: "Benchmark", protocol: Protocol, queries: int, photos: int) -> tuple[Rows, Rows]:
    """Rows of seen classes that a generalised protocol adds to queries and gallery."""
    if not len(benchmark.seen_test):
        raise ValueError("benchmark: no held-out rows of seen classes; open it with setting='gzs'")
    pools = benchmark.queries("seen_test"), benchmark.gallery_rows("seen_test")
    if protocol.setting == "gzs-sempcyc-released":
        both = benchmark.catalogue.sketches, benchmark.catalogue.photos
        pools = np.intersect1d(benchmark.train, both[0]), np.intersect1d(benchmark.train, both[1])
    rng = np.random.default_rng(protocol.seed)
    if protocol.setting == "gzs-separate":
        return pools[0], _draw(rng, pools[1], min(photos, len(pools[1])))
    wanted = int(SHARE * queries), int(SHARE * photos)
    for what, pool, n in zip(("sketches", "photos"), pools, wanted, strict=True):
        if len(pool) < n:
            raise ValueError(
                f"benchmark: {protocol.setting} wants {n} {what} of seen classes, there are {len(pool)}"
            )
    return _draw(rng, pools[0], wanted[0]), _draw(rng, pools[1], wanted[1])


def _draw(rng: np.random.Generator, rows: Rows, n: int) -> Rows:
    return np.sort(rng.choice(rows, n, replace=False))


def _paired(benchmark: "Benchmark", query: Rows, photos: Rows) -> tuple[Rows, Rows, tuple[str, ...]]:
    """Photos that show a named object, and the sketches whose own photo is among them."""
    named = photos[benchmark.catalogue.column("instance")[photos] != ""]
    own = np.isin(_instances(benchmark, query), _instances(benchmark, named))
    alone = int((~own).sum())
    return query[own], named, (f"{alone:,} sketches without a photo of their own left out",) if alone else ()


def _shared(one: "Benchmark", two: "Benchmark", query: Rows, photos: Rows) -> tuple[Rows, tuple[str, ...]]:
    """Sketches whose class is in the other gallery; photos of other classes stay there and are named."""
    y_query, y_photos = _classes(one, query), _classes(two, photos)
    notes = []
    for what, here, there in (("left out", y_query, y_photos), ("in the gallery only", y_photos, y_query)):
        if alone := sorted(set(here) - set(there)):
            notes.append(f"{what}: {', '.join(alone)}")
    return query[np.isin(y_query, y_photos)], tuple(notes)


def _digest(rows: Selection, *benchmarks: "Benchmark") -> str:
    """Short name of the very pictures ranked."""
    said = [str(b.catalogue.digest).encode() for b in benchmarks]
    return hashlib.sha256(b"|".join([*said, rows.query.tobytes(), rows.gallery.tobytes()])).hexdigest()[:12]


def _name(benchmark: "Benchmark") -> str:
    return str(benchmark.catalogue.card.get("title") or benchmark.catalogue.name)


def _classes(benchmark: "Benchmark", rows: Rows) -> NDArray[np.str_]:
    from sbirkit.data import normalise

    names = np.array([normalise(name) for name in benchmark.catalogue.classes])
    return names[benchmark.catalogue.labels[rows]]


def _instances(benchmark: "Benchmark", rows: Rows) -> NDArray[np.str_]:
    """Objects are told apart within their class."""
    names = benchmark.catalogue.column("instance")[rows].astype(str)
    return np.char.add(np.char.add(_classes(benchmark, rows), "/"), names)


@dataclass(frozen=True, eq=False)
class Generalised:
    """Seen and unseen queries over one gallery. ``g["mAP@all"]`` is the harmonic mean of the two."""

    seen: Result
    unseen: Result
    protocol: Protocol

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
        mean = self.protocol.mean
        return [
            {
                "metric": m,
                "seen": mean(self.seen, m),
                "unseen": mean(self.unseen, m),
                "harmonic": mean(self, m),
            }
            for m in self.metrics
        ]

    def __repr__(self) -> str:
        line = "{metric}: seen {seen:.4f}, unseen {unseen:.4f}, harmonic {harmonic:.4f}"
        numbers = "; ".join(line.format(**row) for row in self.table())
        return f"<Generalised {numbers}; {self.protocol}>"


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
        raise ValueError(f"protocol: not one of this benchmark; {_said(wrong)}")
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
    how: dict[str, Any] = {name: getattr(protocol, name) for name in ("metrics", "distance", "ties")}
    how["protocol"] = protocol
    if protocol.setting.startswith("fg"):
        result = _fine_grained(q, g, benchmark, rows, within=protocol.setting == "fg-within-class", **how)
    elif protocol.setting == "gzs-separate":
        seen, unseen = (
            score(q[part], g, rows.y_query[part], rows.y_gallery, **how)
            for part in (rows.seen_query, ~rows.seen_query)
        )
        return Generalised(seen, unseen, protocol)
    else:
        result = score(q, g, rows.y_query, rows.y_gallery, **how)
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


def _fine_grained(
    q: Any, g: Any, benchmark: "Benchmark", rows: Selection, *, within: bool, **how: Any
) -> Result:
    """Relevant is the photo of the sketch's own object, among photos of its class or of all classes."""
    own, theirs = _instances(benchmark, rows.query), _instances(benchmark, rows.gallery)
    names, y_query = np.unique(rows.y_query, return_inverse=True)
    groups = [(np.arange(len(q)), np.arange(len(g)))]
    if within:
        groups = [(np.flatnonzero(rows.y_query == c), np.flatnonzero(rows.y_gallery == c)) for c in names]
    top = min(10, *(len(photos) for _, photos in groups))
    parts = [
        score(
            q[i], g[j], own[i], theirs[j], query_instance=own[i], gallery_instance=theirs[j], top=top, **how
        )
        for i, j in groups
    ]
    back = np.argsort(np.concatenate([i for i, _ in groups]))

    def joined(pieces: Iterator[Any]) -> Any:
        return np.concatenate(list(pieces))[back]

    best = joined(j[part.top] for part, (_, j) in zip(parts, groups, strict=True))
    known, y_gallery = np.unique(np.concatenate([names, rows.y_gallery]), return_inverse=True)
    return replace(
        parts[0],
        values={m: joined(part.values[m] for part in parts) for m in parts[0].metrics},
        y_query=np.searchsorted(known, names)[y_query],
        classes=known.tolist(),
        counts={
            "queries": len(q), "gallery": len(g), "classes": len(names), "without_relevant": 0,
            "tied": sum(part.counts["tied"] for part in parts),
        },
        seconds=sum(part.seconds for part in parts),
        top=best,
        top_classes=y_gallery[len(names) :][best],
        curve=joined(part.curve for part in parts),
        notes=list(dict.fromkeys(note for part in parts for note in part.notes)),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Comparison:
    """Results side by side; each row holds a method's name and its numbers."""

    rows: list[dict[str, Any]]
    caption: str

    def _cells(self) -> list[list[str]]:
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        show = [[f"{v:.4f}" if isinstance(v, float) else str(v) for v in (row.get(c, "") for c in columns)]
                for row in self.rows]  # fmt: skip
        return [columns, *show]

    def __str__(self) -> str:
        cells = self._cells()
        wide = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        lines = ("  ".join(c.ljust(w) for c, w in zip(row, wide, strict=True)).rstrip() for row in cells)
        return "\n".join([*lines, self.caption])

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        head, *rows = self._cells()
        lines = [head, ["---"] * len(head), *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{self.caption}\n"


def compare(
    results: Mapping[str, Any] | Sequence[Any], *, metrics: Sequence[str] | None = None, mixed: bool = False
) -> Comparison:
    """Put results in one table, if they were measured in the same way.

    Args:
        results: name -> result, or results to be numbered. Each needs its ``protocol``.
        metrics: columns; then results may have been measured with more metrics than these.
        mixed: allow different protocols; each row then says its own.
    """
    named = dict(results) if isinstance(results, Mapping) else {str(i + 1): r for i, r in enumerate(results)}
    if not named:
        raise ValueError("results: want at least one")
    if alone := [name for name, r in named.items() if not isinstance(r.protocol, Protocol)]:
        raise ValueError(
            f"results: {', '.join(alone)} without a protocol; score(..., protocol=...) keeps one"
        )
    columns = tuple(metrics or dict.fromkeys(m for r in named.values() for m in r.protocol.metrics))
    protocols = {name: r.protocol for name, r in named.items()}
    if metrics:
        protocols = {name: replace(p, metrics=columns) for name, p in protocols.items()}
    first, *others = protocols.items()
    for name, protocol in others:
        if (wrong := first[1].differences(protocol)) and not mixed:
            raise ValueError(
                f"{first[0]!r} and {name!r} were not measured in the same way: {_said(wrong)}. "
                "mixed=True puts them in one table in which each row says its protocol"
            )
    rows = []
    for name, r in named.items():
        row = {"method": name} | {m: r.protocol.mean(r, m) for m in columns if m in r.metrics}
        rows.append(row | ({"protocol": str(r.protocol)} if mixed else {}))
    return Comparison(rows, "Protocols differ; see each row." if mixed else str(first[1]))


def _said(differences: Mapping[str, tuple[Any, Any]]) -> str:
    return "; ".join(f"{name} {a!r} against {b!r}" for name, (a, b) in differences.items())
