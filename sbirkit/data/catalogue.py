"""A catalogue: one table, one file of pixels, one card. Opened by memory map, and only when it is whole.

The folder holds ``table.parquet`` (a row per picture), ``pixels.bin`` (one contiguous block of uint8 per
modality and size, each starting on a 4 KiB page) and ``card.json`` (what it is, and the digests of the rest).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .pictures import MODES

if TYPE_CHECKING:
    import pyarrow

    from .benchmark import Benchmark
    from .sheets import Sheet

SCHEMA = 1
CARD, TABLE, PIXELS = "card.json", "table.parquet", "pixels.bin"
COLUMNS = ("label", "modality", "instance", "caption", "source", "digest")
PAGE, CHUNK = 4096, 8 * 2**20
SPREAD = 64  # chunks of a large file checked on opening: up to 512 MiB, well under a second
CHANNELS = {"sketch": 1, "photo": 3}
AGAIN = "Prepare it again (`python -m data_prep` says how) or restore the folder from a copy."


class CatalogueError(ValueError):
    """A catalogue that cannot be opened or written; the message says what, where and what to do."""


def row_numbers(rows: Iterable[int]) -> np.ndarray:
    """``(n,)`` int64, of whole numbers only: a mask, cast, would be the rows 0 and 1 over and over.

    >>> row_numbers([3, 1])
    array([3, 1])
    """
    found = np.atleast_1d(np.asarray(rows))
    if found.size and not np.issubdtype(found.dtype, np.integer):
        raise TypeError(f"rows: want row numbers, got {found.dtype}; of a mask, give np.flatnonzero(mask)")
    return found.astype(np.int64)


class Catalogue:
    """An opened, read-only data set. ``Catalogue.open(folder)`` makes one.

    ``cat.table`` has a row per picture. ``cat.pixels("photo", 64)`` is a memory map in table order;
    ``cat.images(rows)`` gives any rows' pictures.
    """

    def __init__(self, path: Path, card: dict[str, Any], table: "pyarrow.Table") -> None:
        self.path, self.card, self.table = path, card, table
        self.digest: str = card["digest"]
        self.name: str = card["name"]
        self.sizes: tuple[int, ...] = tuple(card["sizes"])
        self._columns: dict[str, np.ndarray] = {}
        self._maps: dict[tuple[str, int], np.ndarray] = {}

    @classmethod
    def open(cls, path: str | Path) -> "Catalogue":
        """Check the folder, then open it.

        Always checked: schema version, the card's own seal, the presence and length of every file, the
        table's digest, the arithmetic of the blocks. Pixel digests: all below 512 MiB, else a spread of
        chunks; :meth:`verify` reads everything.

        Raises:
            CatalogueError: with the first problem found.
        """
        path = Path(path).expanduser()
        problems, card, table = _look(path, thorough=False)
        if problems:
            raise CatalogueError(f"{problems[0]}. {AGAIN}")
        return cls(path, card, table)

    def verify(self) -> list[str]:
        """Read every byte again; every problem found, none if all is well."""
        return verify(self.path)

    def column(self, name: str) -> np.ndarray:
        """One column of the table as a read-only array."""
        if name not in self._columns:
            if name not in self.table.column_names:
                raise ValueError(f"name: no column {name!r}; there are {', '.join(self.table.column_names)}")
            values = np.array(self.table.column(name).to_numpy())
            values.flags.writeable = False
            self._columns[name] = values
        return self._columns[name]

    @cached_property
    def classes(self) -> list[str]:
        """The classes that have pictures, in alphabetical order."""
        return sorted(set(self.column("label")))

    @cached_property
    def labels(self) -> np.ndarray:
        """``(N,)`` int64: for each row, its class as an index into :attr:`classes`."""
        index = {name: i for i, name in enumerate(self.classes)}
        labels = np.array([index[name] for name in self.column("label")], dtype=np.int64)
        labels.flags.writeable = False
        return labels

    @cached_property
    def sketches(self) -> np.ndarray:
        """Row numbers of the sketches, ascending."""
        return np.flatnonzero(self.column("modality") == "sketch")

    @cached_property
    def photos(self) -> np.ndarray:
        """Row numbers of the photos, ascending."""
        return np.flatnonzero(self.column("modality") == "photo")

    @cached_property
    def position(self) -> np.ndarray:
        """``(N,)``: for each row, its place within ``pixels(modality, size)``."""
        position = np.empty(len(self), dtype=np.int64)
        position[self.sketches], position[self.photos] = range(len(self.sketches)), range(len(self.photos))
        return position

    def pixels(self, modality: str, size: int | None = None) -> np.ndarray:
        """Memory map, uint8: ``(n, size, size)`` for sketches, ``(n, size, size, 3)`` for photos.

        ``size`` defaults to the smallest one that is stored.
        """
        size = self.sizes[0] if size is None else size
        if (modality, size) not in self._maps:
            if modality not in MODES or size not in self.sizes:
                sizes = ", ".join(map(str, self.sizes))
                raise ValueError(f"pixels: want 'sketch' or 'photo' at {sizes}, got {modality!r} at {size}")
            block = next(b for b in self.card["blocks"] if (b["modality"], b["size"]) == (modality, size))
            shape = block_shape(block)
            self._maps[modality, size] = (
                np.memmap(self.path / PIXELS, np.uint8, "r", block["offset"], shape)
                if block["count"]
                else np.zeros(shape, np.uint8)
            )
        return self._maps[modality, size]

    def images(self, rows: Iterable[int], size: int | None = None) -> np.ndarray | list[np.ndarray]:
        """The pictures of these rows, in their order: one array if all are of one modality, else a list."""
        rows = row_numbers(rows)
        if rows.size and not 0 <= rows.min() <= rows.max() < len(self):
            raise ValueError(
                f"rows: want row numbers from 0 to {len(self) - 1}, got {rows.min()} to {rows.max()}"
            )
        modality, at = self.column("modality")[rows], self.position[rows]
        if len(set(modality)) == 1:
            return self.pixels(modality[0], size)[at]
        return [self.pixels(m, size)[i] for m, i in zip(modality, at, strict=True)]

    def benchmark(self, split: Any, **options: Any) -> "Benchmark":
        """Seen, selection and unseen rows: see :func:`sbirkit.data.benchmark.build`."""
        from .benchmark import build

        return build(self, split, **options)

    def sheet(self, rows: Iterable[int] | None = None, **options: Any) -> "Sheet":
        """A contact sheet: see :func:`sbirkit.data.sheets.sheet`."""
        from .sheets import sheet

        return sheet(self, rows, **options)

    def grid(self, classes: Iterable[str] | None = None, **options: Any) -> "Sheet":
        """Classes by modality: see :func:`sbirkit.data.sheets.grid`."""
        from .sheets import grid

        return grid(self, classes, **options)

    def pairs(self, rows: Iterable[int] | None = None, **options: Any) -> "Sheet":
        """A sketch beside its own photo: see :func:`sbirkit.data.sheets.pairs`."""
        from .sheets import pairs

        return pairs(self, rows, **options)

    def __len__(self) -> int:
        return self.table.num_rows

    def __repr__(self) -> str:
        return (
            f"{self.card['title']}: {len(self.sketches):,} sketches and {len(self.photos):,} photos of "
            f"{len(self.classes)} classes at {', '.join(map(str, self.sizes))} px"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.path, self.digest)  # a worker process maps the same files


def verify(path: str | Path) -> list[str]:
    """Every problem of a catalogue folder, even one that refuses to open; an empty list if it is whole."""
    return _look(Path(path).expanduser(), thorough=True)[0]


def digest(*parts: bytes) -> str:
    """BLAKE2b of the parts, 128 bits in hex: the one digest used throughout the data part."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(part)
    return state.hexdigest()


def canonical(value: Any) -> bytes:
    """JSON that is equal exactly when the values are: sorted keys, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def block_shape(block: Mapping[str, Any]) -> tuple[int, ...]:
    """``(n, size, size)`` for one channel, ``(n, size, size, 3)`` for three."""
    side, channels = (block["size"], block["size"]), block["channels"]
    return (block["count"], *side) if channels == 1 else (block["count"], *side, channels)


def block_bytes(block: Mapping[str, Any]) -> int:
    """Bytes of pixels in a block, before the padding to the next page."""
    return block["count"] * block["size"] ** 2 * block["channels"]


def table_digest(table: "pyarrow.Table") -> str:
    """Digest of what the table says, whatever library wrote it."""
    return digest(*(canonical([name, table.column(name).to_pylist()]) for name in table.column_names))


def content_digest(card: Mapping[str, Any], table: "pyarrow.Table") -> str:
    """The digest that names a catalogue: pictures, table, classes and splits; no time, path or machine."""
    said = {key: card[key] for key in ("schema", "blocks", "classes", "splits")}
    return digest(canonical(said), card["pixels"]["digest"].encode(), table_digest(table).encode())


def seal(card: Mapping[str, Any]) -> str:
    """Digest of the card itself, without the seal."""
    return digest(canonical({key: value for key, value in card.items() if key != "seal"}))


def read_card(path: Path) -> dict[str, Any]:
    """The card of a folder, if it is one we can read and nobody has edited it."""
    if not path.is_dir():
        what = "is a file, not the folder of a catalogue" if path.exists() else "does not exist"
        raise CatalogueError(f"{path} {what}")
    if not (path / CARD).is_file():
        raise CatalogueError(f"{path} has no {CARD}: it is not a catalogue, or not a whole one")
    try:
        card = json.loads((path / CARD).read_text("utf-8"))
        schema = card["schema"]
    except (ValueError, TypeError, KeyError) as error:
        raise CatalogueError(f"{path / CARD} is damaged ({type(error).__name__}: {error})") from None
    if schema != SCHEMA:
        newer = isinstance(schema, int) and schema > SCHEMA
        raise CatalogueError(
            f"{path} was written by {'a newer' if newer else 'an older'} sbirkit: its schema is {schema!r}, "
            f"this version reads {SCHEMA}{'; upgrade sbirkit to open it' if newer else ''}"
        )
    if card.get("seal") != seal(card):
        raise CatalogueError(f"{path / CARD} was edited or damaged: its seal does not match")
    return card


def _look(path: Path, *, thorough: bool) -> tuple[list[str], dict[str, Any], "pyarrow.Table"]:
    """What is wrong with a folder, its card and its table; the last two are good for use if nothing is."""
    try:
        card = read_card(path)
    except CatalogueError as error:
        return [str(error)], {}, None
    problems = []
    for name, said in ((TABLE, card["table"]), (PIXELS, card["pixels"])):
        if not (path / name).is_file():
            problems.append(f"{path / name} is missing")
        elif (size := (path / name).stat().st_size) != said["bytes"]:
            word = "truncated" if size < said["bytes"] else "too long"
            problems.append(f"{path / name} is {word}: {size:,} bytes instead of {said['bytes']:,}")
    if problems:
        return problems, card, None
    table = None
    if digest(data := (path / TABLE).read_bytes()) != card["table"]["digest"]:
        problems.append(f"{path / TABLE} was altered: its digest is not the one on the card")
    else:
        problems += _table_problems(path, card, table := _table(data), thorough=thorough)
    return [*problems, *_pixel_problems(path / PIXELS, card["pixels"], thorough=thorough)], card, table


def _table_problems(
    path: Path, card: Mapping[str, Any], table: "pyarrow.Table", *, thorough: bool
) -> Iterator[str]:
    end, modality = 0, table.column("modality").to_pylist()
    for block in card["blocks"]:
        if block["offset"] != end or block["count"] != modality.count(block["modality"]):
            yield f"{path}: the block {block['modality']} at {block['size']} px does not fit the table"
        end = -(-(end + block_bytes(block)) // PAGE) * PAGE
    if end != card["pixels"]["bytes"]:
        yield f"{path}: the blocks add up to {end:,} bytes, the card says {card['pixels']['bytes']:,}"
    if thorough and content_digest(card, table) != card["digest"]:
        yield f"{path}: the content digest is not the one on the card"


def _pixel_problems(path: Path, said: Mapping[str, Any], *, thorough: bool) -> Iterator[str]:
    chunks = said["chunks"]
    if digest("".join(chunks).encode()) != said["digest"] or len(chunks) != -(-said["bytes"] // CHUNK):
        yield f"{path}: the chunk digests do not add up to the digest on the card"
    every = thorough or len(chunks) <= SPREAD
    looked = range(len(chunks)) if every else np.linspace(0, len(chunks) - 1, SPREAD, dtype=int)
    with path.open("rb") as file:
        for i in looked:
            file.seek(int(i) * CHUNK)
            if digest(file.read(CHUNK)) != chunks[i]:
                yield f"{path} was altered near byte {int(i) * CHUNK:,}"


def _table(data: bytes) -> "pyarrow.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    # in this thread: with a pool of its own, pyarrow now and then aborts a short program as it ends
    return pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)


def _reopen(path: Path, digest: str) -> Catalogue:
    catalogue = Catalogue.open(path)
    if catalogue.digest != digest:
        raise CatalogueError(f"{path} was replaced by another catalogue while it was in use; open it again.")
    return catalogue
