"""Timing side by side, in one process and one run: a busy machine then slows every contender alike."""

import os
import platform
import statistics
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """What one contender took, in seconds, round by round (rounds are shared by all contenders)."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def ratio(self, baseline: "Row") -> float:
        """How many times faster than ``baseline``: the median over rounds."""
        return statistics.median(b / s for b, s in zip(baseline.seconds, self.seconds, strict=True))


def compare(contenders: dict[str, Callable[[], Any]], *, repeat: int = 5, warmup: int = 1) -> list[Row]:
    """Time every contender once a round, in turn, after ``warmup`` rounds that do not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(warmup + repeat):
        for name, contender in contenders.items():
            start = time.perf_counter()
            contender()
            if turn >= warmup:
                seconds[name].append(time.perf_counter() - start)
    return [Row(name, tuple(taken)) for name, taken in seconds.items()]


def table(rows: Sequence[Row], *, baseline: str | None = None, items: int | None = None) -> str:
    """A plain table: median and best seconds, ``items`` a second if given, times faster than ``baseline``."""
    reference = next((r for r in rows if r.name == baseline), None)
    if baseline is not None and reference is None:
        raise ValueError(f"baseline: choose from {[r.name for r in rows]}, got {baseline!r}")
    head = ["", "median s", "best s", *(["items/s"] if items else []), *(["ratio"] if reference else [])]
    lines = [head]
    for r in rows:
        line = [r.name, f"{r.median:.4g}", f"{min(r.seconds):.4g}"]
        line += [f"{items / r.median:,.0f}"] if items else []
        line += [f"{r.ratio(reference):.2f}x"] if reference else []
        lines.append(line)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def peak_memory(work: Callable[[], Any]) -> int:
    """Bytes of resident memory that ``work`` needs at its peak above what was there before (Linux).

    It runs in a forked child, so one measurement does not disturb the next. Threads of the parent do not
    survive a fork: call this before any threaded matrix product of torch (OpenMP), or the child may hang.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(read)
            with open("/proc/self/clear_refs", "w") as f:
                f.write("5")  # forget the peak so far
            before = _kilobytes("VmRSS")
            work()
            os.write(write, str(max(0, _kilobytes("VmHWM") - before) * 1024).encode())
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    if not said:
        raise RuntimeError("peak_memory: the measured function failed; its traceback is above")
    return int(said)


def _kilobytes(field: str) -> int:
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(field + ":"))


def machine() -> str:
    """One line that says where a figure was taken, and how busy the machine was."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as f:
            model = next((x.split(":", 1)[1].strip() for x in f if x.startswith("model name")), model)
        load = f", load {os.getloadavg()[0]:.1f}"
    except OSError:
        load = ""
    import numpy as np
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, torch {torch.__version__}"
    return f"{model}, {cores} cores, {platform.system()}; {versions}{load}"
