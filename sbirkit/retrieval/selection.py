"""Which rows of a benchmark a protocol ranks, against which."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sbirkit.data import Benchmark

    from .protocol import Protocol

Rows = NDArray[np.int64]
SHARE = 0.2  # seen items that SEM-PCYC adds, as a share of the unseen ones


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


def select(benchmark: "Benchmark", protocol: "Protocol", *, gallery: "Benchmark | None" = None) -> Selection:
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


def _seen(benchmark: "Benchmark", protocol: "Protocol", queries: int, photos: int) -> tuple[Rows, Rows]:
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
    own = np.isin(instances(benchmark, query), instances(benchmark, named))
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


def digest(rows: Selection, *benchmarks: "Benchmark") -> str:
    """Short name of the very pictures ranked."""
    from sbirkit.data import catalogue

    said = (b.catalogue.digest.encode() for b in benchmarks)
    return catalogue.digest(*said, rows.query.tobytes(), b"|", rows.gallery.tobytes())[:12]


def _classes(benchmark: "Benchmark", rows: Rows) -> NDArray[np.str_]:
    from sbirkit.data import normalise

    names = np.array([normalise(name) for name in benchmark.catalogue.classes])
    return names[benchmark.catalogue.labels[rows]]


def instances(benchmark: "Benchmark", rows: Rows) -> NDArray[np.str_]:
    """Objects are told apart within their class."""
    names = benchmark.catalogue.column("instance")[rows].astype(str)
    return np.char.add(np.char.add(_classes(benchmark, rows), "/"), names)
