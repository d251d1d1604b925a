"""Write a catalogue: in shards by several processes, resumable, and whole or not there at all.

Work happens in ``<out>.partial``, shard by shard, each written under a temporary name and then renamed.
When all are there they are joined, and one rename makes the folder. Killed at any moment, the next call
goes on from the finished shards, and the result is the same bit for bit, whatever the number of processes.
"""

import errno
import json
import os
import pickle
import platform
import shutil
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from .. import __version__
from . import catalogue as store
from .catalogue import Catalogue, CatalogueError
from .names import normalise
from .pictures import MODES, Picture, PictureError, fit, settle

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Item", "Picture", "PictureError", "write_catalogue"]
SHARD = 256  # pictures; small enough that a kill loses seconds, large enough that files stay few
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


@dataclass(frozen=True, slots=True)
class Item:
    """One picture to be: what is known about it before it is drawn or read.

    ``instance`` pairs a sketch with the photo of the same object within its class; ``""`` is unpaired.
    ``extra`` adds columns to the table.
    """

    label: str
    modality: str
    source: str
    instance: str = ""
    caption: str = ""
    extra: Mapping[str, str | int | float] = field(default_factory=dict)


class _Work(NamedTuple):
    """What decides the pixels, handed to every worker with its piece of the items."""

    items: Sequence[Item]
    picture: Callable[[Item], Picture]
    sizes: tuple[int, ...]


def write_catalogue(
    out: str | Path,
    items: Sequence[Item],
    picture: Callable[[Item], Picture],
    *,
    card: Mapping[str, Any],
    sizes: Sequence[int] = (64,),
    workers: int | None = None,
    progress: bool = True,
    overwrite: bool = False,
) -> Catalogue:
    """Turn items into a catalogue folder and open it.

    Args:
        out: the folder to make. It must not exist, unless ``overwrite``, and then the old one is lost only
            when the new one is whole.
        items: one per picture, in table order.
        picture: top-level function, or a ``functools.partial`` of one. Gives a ``PIL.Image``, fitted here to
            each size, or ``{size: uint8 array}``; raises :class:`PictureError` to have the item set aside.
        card: ``name`` is needed; ``title``, ``licence``, ``provenance``, ``classes`` (``{label: {...}}``),
            ``splits`` (``{name: [unseen]}``), ``set_aside``, ``warnings`` and ``made`` are understood.
            ``recipe`` is anything that decides the pixels but shows neither in items nor in ``picture``.
        workers: processes; all cores by default.

    A class that ends up without pictures, or with only one modality, is kept and named under ``warnings``.
    """
    from filelock import FileLock, Timeout

    out = Path(out).expanduser().resolve()  # of a link, the folder it leads to: renaming the link moves none
    work = _Work(_checked(items), picture, tuple(sorted(set(sizes))))
    if not sizes or not all(isinstance(s, int) and 8 <= s <= 4096 for s in sizes):
        raise ValueError(f"sizes: want whole numbers from 8 to 4096, got {sizes}")
    if workers is not None and workers < 1:
        raise ValueError(f"workers: want at least 1, got {workers}")
    store.canonical(dict(card))  # a card that JSON cannot hold must fail now, not after an hour
    if not isinstance(card.get("name"), str):
        raise ValueError("card: want at least a 'name'")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(out.with_name(f".{out.name}.lock"), timeout=1):
            return _write(out, work, dict(card), workers=workers, progress=progress, overwrite=overwrite)
    except Timeout:
        raise CatalogueError(
            f"{out} is being prepared by another process. Wait for it, or stop it and run this again."
        ) from None
    except OSError as error:
        if not os.access(out.parent, os.W_OK | os.X_OK):
            raise CatalogueError(
                f"{out.parent} cannot be written to ({error.strerror}): choose another folder (--out), or "
                f"set SBIRKIT_HOME to one that can"
            ) from error
        if error.errno not in _FULL:
            raise
        raise CatalogueError(
            f"The disk is full: could not go on writing {out}. What is done is kept in {_partial(out)}; "
            f"make room and run the same command again to go on from there."
        ) from error


def _write(
    out: Path, work: _Work, card: dict[str, Any], *, workers: int | None, progress: bool, overwrite: bool
) -> Catalogue:
    old = out.with_name(f".{out.name}.replaced")
    if old.exists():  # a swap was cut short: between its two renames, or before the old one was removed
        shutil.rmtree(old) if out.exists() else old.rename(out)
    if out.exists() and not (overwrite and (out / store.CARD).is_file()):
        advice = (
            "pass overwrite=True to replace it"
            if not overwrite
            else "overwrite=True replaces catalogues only"
        )
        raise CatalogueError(f"{out} exists already. Open it, remove it, or choose another name; {advice}.")
    partial = _partial(out)
    plan = _plan(work, card.get("recipe"))
    _keep_only(partial, plan)
    shards = [partial / f"{plan[:16]}-{i:06d}.shard" for i in range(-(-len(work.items) // SHARD))]
    _make_shards(shards, work, workers=workers, progress=progress)
    whole = partial / "whole"
    shutil.rmtree(whole, ignore_errors=True)
    whole.mkdir()
    _join(whole, shards, work, card)
    if out.exists():
        out.rename(old)
    whole.rename(out)
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    return Catalogue.open(out)


def _checked(items: Sequence[Item]) -> list[Item]:
    """Normalised labels, known modalities, no column named twice."""
    if not items:
        raise ValueError("items: want at least one")
    done = []
    for item in items:
        if item.modality not in MODES:
            raise ValueError(
                f"items: modality of {item.source!r}: want 'sketch' or 'photo', got {item.modality!r}"
            )
        if taken := set(item.extra) & set(store.COLUMNS):
            raise ValueError(f"items: extra column {min(taken)!r} of {item.source!r} is a column already")
        done.append(
            Item(normalise(item.label), item.modality, item.source, item.instance, item.caption, item.extra)
        )
    return done


def _plan(work: _Work, recipe: Any) -> str:
    """What decides every pixel: shards of another plan are never mixed in."""
    try:
        how = pickle.dumps(work.picture, protocol=5)
    except Exception as error:
        raise TypeError(
            f"picture: want a top-level function or a partial of one, got {work.picture!r}"
        ) from error
    rows = [[i.label, i.modality, i.source, i.instance, i.caption, dict(i.extra)] for i in work.items]
    tools = [store.SCHEMA, SHARD, __version__, np.__version__, Image.__version__]
    return store.digest(store.canonical([rows, work.sizes, recipe, tools]), how)


def _partial(out: Path) -> Path:
    return out.with_name(f"{out.name}.partial")


def _keep_only(partial: Path, plan: str) -> None:
    """Discard what an earlier, different preparation left."""
    partial.mkdir(exist_ok=True)
    others = [p for p in partial.glob("*.shard") if not p.name.startswith(plan[:16])]
    if others:
        print(f"{partial}: discarding {len(others)} shards of a different preparation", file=sys.stderr)
    for path in [*others, *partial.glob("*.tmp")]:
        path.unlink(missing_ok=True)


# --- shards -----------------------------------------------------------------------------------------------


def _make_shards(shards: Sequence[Path], work: _Work, *, workers: int | None, progress: bool) -> None:
    from tqdm import tqdm

    pieces = [work._replace(items=work.items[n * SHARD : (n + 1) * SHARD]) for n in range(len(shards))]
    jobs = [(shard, piece) for shard, piece in zip(shards, pieces, strict=True) if not _is_whole(shard)]
    left, total = sum(len(piece.items) for _, piece in jobs), len(work.items)
    workers = min(workers or _cores(), len(jobs))
    done = _in_processes(jobs, workers) if workers > 1 else (_shard(*job) for job in jobs)
    silent = not progress or bool(os.environ.get("TQDM_DISABLE"))
    with tqdm(total=total, initial=total - left, unit=" pictures", disable=silent) as bar:
        for count in done:
            bar.update(count)


def _in_processes(jobs: Sequence[tuple[Path, _Work]], workers: int) -> Iterator[int]:
    """Each job's count of pictures, as it finishes."""
    import multiprocessing

    # fork starts at once and needs no importable __main__; a worker runs Pillow and NumPy, no threads
    how = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    pool = ProcessPoolExecutor(workers, mp_context=how, initializer=_start_worker, initargs=(os.getpid(),))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: fork beside threads
            futures = [pool.submit(_shard, *job) for job in jobs]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise CatalogueError(
            f"A worker process died while making pictures (out of memory, or a crash in a decoder). What is "
            f"done is kept in {jobs[0][0].parent}; run again to go on, with workers=1 to see where it dies."
        ) from error
    except BaseException:
        for worker in list((pool._processes or {}).values()):
            worker.terminate()  # half a shard is nothing: no need to wait for it
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, and do not outlive it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.25)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _shard(path: Path, work: _Work) -> int:
    """Make one shard: a line of JSON, then the pixels by modality and size. Returns the number of items."""
    rows: list[dict[str, Any]] = []
    stacks: dict[tuple[str, int], list[np.ndarray]] = {(m, s): [] for m in sorted(MODES) for s in work.sizes}
    for i, item in enumerate(work.items):
        try:
            arrays, mark = _arrays(work.picture(item), item.modality, work.sizes)
        except PictureError as why:
            rows.append({"item": i, "why": str(why)})
            continue
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _FULL:
                raise
            raise RuntimeError(
                f"picture: failed on {item.source!r}: {type(error).__name__}: {error}"
            ) from error
        rows.append({"item": i, "digest": mark})
        for size, array in arrays.items():
            stacks[item.modality, size].append(array)
    body = b"".join(np.stack(stack).tobytes() if stack else b"" for stack in stacks.values())
    head = {"rows": rows, "bytes": len(body), "digest": store.digest(body)}
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(store.canonical(head) + b"\n" + body)
    os.replace(temporary, path)
    return len(work.items)


def _arrays(made: Picture, modality: str, sizes: tuple[int, ...]) -> tuple[dict[int, np.ndarray], str]:
    """The picture at every size, and the digest of its pixels at the largest size that is known of it."""
    if isinstance(made, Image.Image):
        source = settle(made, modality)
        arrays = {size: fit(source, size, modality) for size in sizes}
        full = np.asarray(source)
    else:
        arrays = {size: np.asarray(array) for size, array in made.items()}
        if set(arrays) != set(sizes):
            raise TypeError(f"want arrays at {sizes}, got {tuple(arrays)}")
        for size, array in arrays.items():
            want = (size, size) if modality == "sketch" else (size, size, 3)
            if array.shape != want or array.dtype != np.uint8:
                raise TypeError(f"want uint8 {want}, got {array.dtype} {array.shape}")
        full = arrays[max(arrays)]
    return arrays, store.digest(repr(full.shape).encode(), full.tobytes())


def _is_whole(shard: Path) -> bool:
    """Is this shard's file there, and exactly what was written?"""
    try:
        with shard.open("rb") as file:
            head, body = json.loads(file.readline()), file.read()
    except (OSError, ValueError):
        return False
    return store.digest(body) == head["digest"]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# --- joining ----------------------------------------------------------------------------------------------


def _join(folder: Path, shards: Sequence[Path], work: _Work, card: dict[str, Any]) -> None:
    """All shards into one table, one pixel file, one card."""
    items, heads = work.items, []
    for shard in shards:
        with shard.open("rb") as file:
            heads.append((json.loads(file.readline()), file.tell()))
    rows = [(SHARD * n + row["item"], row) for n, (head, _) in enumerate(heads) for row in head["rows"]]
    kept = [(items[i], row["digest"]) for i, row in rows if "digest" in row]
    aside = [
        {"label": items[i].label, "modality": items[i].modality, "source": items[i].source, "why": row["why"]}
        for i, row in rows if "why" in row
    ]  # fmt: skip
    if not kept:
        first = aside[0]
        raise CatalogueError(
            f"No picture is left: all {len(aside)} were set aside, the first ({first['source']}) because: "
            f"{first['why']}"
        )
    table = _make_table(kept)
    table_file = _write_table(folder / store.TABLE, table)
    blocks, pixels = _join_pixels(folder / store.PIXELS, shards, heads, work)
    classes = {normalise(name): facts for name, facts in card.get("classes", {}).items()}
    counts = _counts(items, kept, classes)
    versions = {"sbirkit": __version__, "python": platform.python_version(), "numpy": np.__version__,
                "pillow": Image.__version__}  # fmt: skip
    whole = {
        "title": card["name"],
        "licence": "",
        "provenance": "",
        **card,
        "schema": store.SCHEMA,
        "sizes": list(work.sizes),
        "blocks": blocks,
        "pixels": pixels,
        "table": table_file,
        "counts": counts,
        "classes": {name: classes.get(name, {}) for name in counts["per_class"]},
        "splits": {name: sorted(map(normalise, unseen)) for name, unseen in card.get("splits", {}).items()},
        "set_aside": [*card.get("set_aside", []), *aside],
        "warnings": [*card.get("warnings", []), *_warnings(counts["per_class"])],
        "made": {**card.get("made", {}), "versions": versions},
    }
    whole["digest"] = store.content_digest(whole, table)
    whole["seal"] = store.seal(whole)
    text = json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    with _synced(folder / store.CARD) as file:
        file.write(text.encode())


def _make_table(kept: Sequence[tuple[Item, str]]) -> "pyarrow.Table":
    import pyarrow as pa

    columns: dict[str, list[Any]] = {
        name: [getattr(item, name) for item, _ in kept] for name in store.COLUMNS if name != "digest"
    }
    columns["digest"] = [mark for _, mark in kept]
    for name in sorted({name for item, _ in kept for name in item.extra}):
        values = [item.extra.get(name) for item, _ in kept]
        if {type(v) for v in values} == {int, float}:
            values = [None if v is None else float(v) for v in values]
        columns[name] = values
    return pa.table(columns)


def _write_table(path: Path, table: "pyarrow.Table") -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    data = sink.getvalue().to_pybytes()
    with _synced(path) as file:
        file.write(data)
    return {"bytes": len(data), "digest": store.digest(data)}


def _join_pixels(
    path: Path, shards: Sequence[Path], heads: Sequence[tuple[dict[str, Any], int]], work: _Work
) -> tuple[list[dict[str, Any]], dict[str, Any]]:  # fmt: skip
    """One block per modality and size, in the order in which every shard lays them out."""
    made = [[work.items[SHARD * n + r["item"]].modality for r in head["rows"] if "digest" in r]
            for n, (head, _) in enumerate(heads)]  # fmt: skip
    at = [offset for _, offset in heads]
    blocks: list[dict[str, Any]] = []
    with _synced(path) as file:
        for modality, size in [(m, s) for m in sorted(MODES) for s in work.sizes]:
            block = {"modality": modality, "size": size, "channels": store.CHANNELS[modality],
                     "count": sum(m.count(modality) for m in made), "offset": file.tell()}  # fmt: skip
            for n, shard in enumerate(shards):
                length = store.block_bytes({**block, "count": made[n].count(modality)})
                with shard.open("rb") as source:
                    source.seek(at[n])
                    file.write(source.read(length))
                at[n] += length
            file.write(bytes(-file.tell() % store.PAGE))
            blocks.append(block)
    with path.open("rb") as file:
        chunks = [store.digest(chunk) for chunk in iter(lambda: file.read(store.CHUNK), b"")]
    total = path.stat().st_size
    return blocks, {"bytes": total, "digest": store.digest("".join(chunks).encode()), "chunks": chunks}


def _counts(
    items: Sequence[Item], kept: Sequence[tuple[Item, str]], classes: Mapping[str, Any]
) -> dict[str, Any]:
    """How many of everything; a class that lost all its pictures is there with zeros."""
    per_class = {
        name: dict.fromkeys(MODES, 0) for name in sorted({item.label for item in items} | set(classes))
    }
    instances: dict[str, set[tuple[str, str]]] = {m: set() for m in MODES}
    for item, _ in kept:
        per_class[item.label][item.modality] += 1
        if item.instance:
            instances[item.modality].add((item.label, item.instance))
    total = {m: sum(count[m] for count in per_class.values()) for m in MODES}
    return {
        "images": len(kept), **total, "classes": sum(any(c.values()) for c in per_class.values()),
        "paired_instances": len(set.intersection(*instances.values())), "per_class": per_class,
    }  # fmt: skip


def _warnings(per_class: Mapping[str, Mapping[str, int]]) -> list[str]:
    said = []
    for name, count in per_class.items():
        lacking = [m for m in MODES if not count[m]]
        if len(lacking) == len(MODES):
            said.append(f"class {name!r} is empty: none of its pictures could be used")
        elif lacking:
            said.append(
                f"class {name!r} has no {lacking[0]}: it can be neither searched for nor trained across"
            )
    return said


@contextmanager
def _synced(path: Path) -> Iterator[BinaryIO]:
    """A file that is on the disk, not only on its way there, when the block ends."""
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
