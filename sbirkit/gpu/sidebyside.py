"""Several processes of one command, a share of the work each, on one machine."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from threading import Thread


def shares(minutes: Mapping[str, float], workers: int) -> list[list[str]]:
    """The names dealt out so that all shares take about as long: the longest first, to whoever has least.

    >>> shares({"a": 1, "b": 5, "c": 2, "d": 3}, 2)
    [['b', 'a'], ['d', 'c']]
    """
    dealt: list[list[str]] = [[] for _ in range(workers)]
    for name in sorted(minutes, key=lambda name: -minutes[name]):
        min(dealt, key=lambda share: sum(minutes[one] for one in share)).append(name)
    return [share for share in dealt if share]


def side_by_side(commands: Sequence[Sequence[str]]) -> None:
    """Start this Python with each command, pass on line by line what they say, and wait for all.

    Each takes its part of the cores. They are killed if this one is interrupted; where this one may be killed
    itself, they should call :func:`.fresh.ends_with_parent`.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    env = os.environ | {"OMP_NUM_THREADS": str(max(1, cores // len(commands))), "PYTHONUNBUFFERED": "1"}
    going = [
        subprocess.Popen([sys.executable, *words], env=env, stdout=subprocess.PIPE, text=True)
        for words in commands
    ]
    heard = [Thread(target=_pass_on, args=(one,), daemon=True) for one in going]
    try:
        for thread in heard:
            thread.start()
        for one, thread in zip(going, heard, strict=True):
            one.wait()
            thread.join()
    finally:
        for one in going:
            one.kill()


def _pass_on(process: subprocess.Popen[str]) -> None:
    for line in process.stdout or ():
        print(line, end="", flush=True)
