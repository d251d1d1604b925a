"""Dask does the work: a cluster of this machine's own, or a scheduler that is there."""

import logging
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sbirkit.runs.jobs import Outcome, Task, begin, carry_out, end_all

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = "20s"  # with a scheduler that does not answer


@contextmanager
def crew(scheduler: str = "", *, workers: int = 2) -> Iterator["Client"]:
    """A client of a Dask scheduler; without an address, of workers that end with this, on loopback only."""
    import dask
    from distributed import Client, LocalCluster

    if scheduler:
        with Client(scheduler, timeout=PATIENCE) as client:
            yield client
        return
    quiet = {
        "distributed.logging.distributed": "critical", "distributed.admin.log-length": 0,
        # Dask watches itself fifty times a second, which costs a fifth of a core
        "distributed.admin.tick.interval": "1s", "distributed.admin.system-monitor.interval": "10s",
        "distributed.worker.profile.enabled": False,
    }  # fmt: skip
    with dask.config.set(quiet), _deaf():
        cluster = LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", memory_limit=0,
            dashboard_address=None, scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            silence_logs=logging.CRITICAL,
        )  # fmt: skip
    with cluster, Client(cluster) as client:
        yield client


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes started inside do not hear Ctrl-C: they end when they are told."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def drive(jobs: Sequence[Task], client: "Client") -> Iterator[Outcome | None]:
    """Hand out jobs as workers come free and their needs are met; yield each outcome, and None every second.

    A job whose need has failed is skipped. A job whose worker is lost is given to another by Dask. Left
    early, as on Ctrl-C, what is in flight is ended where it runs.
    """
    from distributed import wait

    waiting = {job.name: job for job in jobs}
    running: dict[Any, Task] = {}
    ended: dict[str, Outcome] = {}
    token, folders = uuid4().hex[:8], {job.out for job in jobs}
    for out in folders:
        client.run(begin, out)
    try:
        while waiting or running:
            lost = next(((job, what) for job in waiting.values() if (what := lacks(job, ended))), None)
            if lost:
                name, what = lost[0].name, lost[1]
                del waiting[name]
                ended[name] = Outcome(name, "skipped", error=f"it needs {', '.join(what)}")
                yield ended[name]
                continue
            free = max(1, sum(client.nthreads().values())) - len(running)
            for job in [job for job in waiting.values() if ready(job, waiting, running)][: max(0, free)]:
                future = client.submit(
                    carry_out, waiting.pop(job.name), key=f"{job.name}-{token}", pure=False
                )
                running[future] = job
            if not running:
                break
            try:
                finished = wait(list(running), timeout=1, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                yield None
                continue
            for future in finished:
                job = running.pop(future)
                ended[job.name] = _outcome(future, job)
                yield ended[job.name]
    finally:
        if running:
            client.cancel(list(running), force=True)
            for out in folders:
                client.run(end_all, out)


def ready(job: Task, waiting: Mapping[str, Task], running: Mapping[Any, Task]) -> bool:
    """Whether nothing that a job needs is still to come."""
    others = [*waiting.values(), *running.values()]
    if "*" in job.needs:
        return all("*" in other.needs for other in others)
    return {other.name for other in others}.isdisjoint(job.needs)


def lacks(job: Task, ended: Mapping[str, Outcome]) -> list[str]:
    """What a job needs and will not get."""
    return [name for name in job.needs if name in ended and ended[name].said != "done"]


def _outcome(future: Any, job: Task) -> Outcome:
    if future.status == "finished":
        return future.result()
    error = future.exception() if future.status == "error" else "it was cancelled"
    return Outcome(job.name, "failed", error=f"{type(error).__name__}: {error}")
