"""The runs of the ledger, a few side by side; what is there already is not made again."""

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from pathlib import Path

from .measuring import fill, quiet
from .reading import Ledger
from .records import Job, lacking, unknown


def work(ledger: Ledger, wanted: Sequence[Job], folder: Path, *, workers: int, minutes: float = 0) -> int:
    """Do the jobs that have something to do, a few side by side; returns how many failed."""
    if strange := unknown(job.needs for job in wanted):
        print(f"Not measured, for there is no such measure here: {', '.join(strange)}")
    missing = [job for job in wanted if lacking(job, folder)]
    each = ledger.seconds[wanted[0].profile] if wanted else 0
    took = spoken(len(missing) * each / workers)
    print(f"{len(missing)} of {len(wanted)} runs to do, {took} if none of them is trained yet; "
          f"records in {folder}", flush=True)  # fmt: skip
    if not missing:
        return 0
    for place in {job.place.name: job.place for job in missing}.values():
        place.benchmark(
            missing[0].world_seed, progress=True
        )  # draws on all cores, before the runs share them
    begun, done, failed, waiting = time.monotonic(), 0, 0, list(missing)
    running: dict[Future[str], Job] = {}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=quiet) as pool:
        try:
            while waiting or running:
                late = minutes and time.monotonic() - begun > 60 * minutes
                while waiting and len(running) < workers and not late:
                    job = waiting.pop(0)
                    running[pool.submit(fill, job, folder)] = job
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    job, done = running.pop(future), done + 1
                    try:
                        said = future.result()
                    except BrokenProcessPool:
                        raise SystemExit(f"The process of {job.name} was ended from outside (for memory?); "
                                         "the same command goes on from here.") from None  # fmt: skip
                    except Exception as error:  # the others still get their turn
                        failed, said = failed + 1, f"FAILED: {job.name}: {type(error).__name__}: {error}"
                    left = (time.monotonic() - begun) / done * (len(missing) - done)
                    print(f"[{done}/{len(missing)}, {spoken(left)} left] {said}", flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in active_children():
                process.terminate()
            print(f"\nStopped after {done} runs; the same command goes on from here.", flush=True)
            raise SystemExit(130) from None
    if waiting:
        print(f"{len(waiting)} runs are left for the next time; the same command goes on from here.")
    return failed


def spoken(seconds: float) -> str:
    """A time as one says it.

    >>> spoken(40), spoken(130)
    ('1 minute', '2 minutes')
    """
    minutes = max(1, round(seconds / 60))
    return f"{minutes} minute{'s' * (minutes > 1)}"
