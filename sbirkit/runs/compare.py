"""``make compare DATA=folder``: every method on your own pictures, a table and a report.

Prepares the folder, trains each method from the same weights on as many pictures, measures all of them, and
writes ``build/compare/NAME/``. What is done is kept: the same command goes on after an interruption, and one
with more seeds or methods only adds what is missing.
"""

import argparse
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sbirkit import paths
from sbirkit.data.catalogue import digest
from sbirkit.data.names import normalise, suggest
from sbirkit.models.making import METHODS
from sbirkit.training import Run
from sbirkit.training.config import PROFILES, TrainConfig, read_profile

from . import changes, given, scores, transfer
from .comparing import Job, Plan, arm_of, do, forget

SLOWER = {"ramln": 1.35, "dsn": 1.2, "masbir": 1.15, "bdasketret": 1.15}  # a step, beside softmax's
EMBEDS = 3.0  # times as fast as training


def say(text: str) -> None:
    print(text, flush=True)


def minutes(seconds: float) -> str:
    """Words for a time.

    >>> minutes(50), minutes(600), minutes(9000)
    ('50 s', '10 min', '2 h 30 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    whole = round(seconds / 60)
    return f"{whole} min" if whole < 100 else f"{whole // 60} h {whole % 60:02d} min"


def pace(plan: Plan) -> float:
    """Pictures a second in training, measured now with the plain softmax baseline: a few seconds."""
    import torch

    from sbirkit.data.loading import Loader
    from sbirkit.data.sampling import Items
    from sbirkit.models.method import Step
    from sbirkit.training.evaluation import default_device

    from .arms import arm

    bench = plan.bench(plan.splits[0])
    method, config = arm("softmax", bench, **plan.options(bench))
    device = default_device() if config.device == "auto" else config.device
    sampler = method.sampler(Items.of(bench), p=config.p, k=config.k, seed=0)
    batch = Loader(bench, sampler, size=config.size, workers=0).batch(0, 0).to(device)
    method.to(device).train()
    step = Step(number=0, epoch=0, total=1, seed=0, device=device)
    for _ in range(2):  # the first one warms up
        start = time.perf_counter()
        torch.stack(list(method.losses(batch, step=step).values())).sum().backward()
        float(next(method.parameters()).detach().sum())  # waits for a GPU
        seconds = time.perf_counter() - start
    return (len(batch.sketch) + len(batch.photo)) / seconds


class Clock:
    """How long jobs take: guessed beforehand, better after each one that is done."""

    def __init__(self, plan: Plan, workers: int) -> None:
        self.plan, self.workers, self.rate = plan, workers, 0.0
        self.known: dict[str, list[float]] = {}

    def learn(self, job: Job) -> None:
        """From the record of a job that is done."""
        from sbirkit.training.files import read_json

        self.known.setdefault(job.method, []).append(read_json(job.record / "manifest.json")["seconds"])

    def seconds(self, job: Job) -> float:
        """Of one job by itself."""
        bench = self.plan.bench(job.split)
        looked = len(bench.unseen) + len(bench.seen_test) + len(bench.train)
        looked += len(bench.selection) * (3 if job.images() else 1)
        self.rate = self.rate or pace(self.plan)
        measuring = looked / (EMBEDS * self.rate)
        if own := self.known.get(job.method):
            return sum(own) / len(own) + measuring
        return job.images() * SLOWER.get(job.kind, 1.0) / self.rate + measuring

    def left(self, jobs: Sequence[Job]) -> float:
        """Of all that are left, side by side; each is counted less what another process has done of it."""
        return sum(self.seconds(job) * (1 - job.share()) for job in jobs) / self.workers


def work(plan: Plan, jobs: Sequence[Job], clock: Clock, *, workers: int, scheduler: str = "") -> list[str]:
    """Do the jobs, side by side or in turn; returns what failed, in words. The table grows as they end."""
    failed: list[str] = []

    def ended(job: Job, outcome: Callable[[], str]) -> None:
        waiting.remove(job)
        try:
            told = outcome()
            clock.learn(job)
        except KeyboardInterrupt:
            raise
        except Exception as error:  # the others still get their turn
            failed.append(told := f"FAILED {job.name}: {type(error).__name__}: {error}")
            scores.about(plan, failed=scores.said(plan.out).get("failed", {}) | {job.key(): told})
        scores.write(plan)
        gone = len(jobs) - len(waiting)
        left = f"; about {minutes(clock.left(waiting))} left" if waiting else ""
        say(f"[{gone}/{len(jobs)}] {told}{left}")

    waiting = list(jobs)
    if workers == 1 and not scheduler:
        for job in jobs:
            ended(job, lambda job=job: do(job, progress=sys.stderr.isatty()))  # type: ignore[misc]
        return failed
    with pool(workers, scheduler) as executor:
        futures: dict[Future[str], Job] = {executor.submit(do, job): job for job in jobs}
        for future in _as_they_end(futures, waiting, clock):
            ended(futures[future], future.result)
    return failed


def _as_they_end(
    futures: dict[Future[str], Job], waiting: Sequence[Job], clock: Clock
) -> Iterator[Future[str]]:
    """Each future as it ends; until then a bar with the time left, where there is a terminal."""
    from tqdm import tqdm

    total = clock.left(waiting)
    shown = "{desc} |{bar}| {percentage:.0f} %, {elapsed} gone"
    with tqdm(total=total, bar_format=shown, desc="compare", disable=None, leave=False) as bar:
        pending = set(futures)
        while pending:
            done, pending = wait(pending, timeout=2, return_when="FIRST_COMPLETED")
            yield from done
            if not bar.disable:
                left = clock.left(waiting)
                bar.total = bar.format_dict["elapsed"] + left
                bar.n = bar.format_dict["elapsed"]
                bar.set_description_str(f"compare, about {minutes(left)} left")


@contextmanager
def pool(workers: int, scheduler: str = "") -> Iterator[Executor]:
    """Processes of this machine, or those of a Dask scheduler that sees the same disk. Ctrl-C ends them."""
    if scheduler:
        from distributed import Client

        with Client(scheduler) as client:
            yield client.get_executor()
        return
    made = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_deaf)
    try:
        yield made
    except BaseException:
        for child in multiprocessing.active_children():
            child.terminate()
        made.shutdown(wait=False, cancel_futures=True)
        raise
    made.shutdown()


def _deaf() -> None:
    """Ctrl-C is the first process's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def understand(args: argparse.Namespace) -> Plan:
    """From the command line to a plan, with every mistake said before anything is trained."""
    methods = tuple(dict.fromkeys(name.strip() for name in args.methods.split(",") if name.strip()))
    arms = {label: arm_of(label) for label in methods}
    if unknown := [n + suggest(n, list(METHODS)) for n, _ in arms.values() if n not in METHODS]:
        raise ValueError(f"METHODS: there is no {', '.join(unknown)}; there are {', '.join(METHODS)}")
    for name, changed in arms.values():
        changes.check({f"{name}.{key}": value for key, value in changed.items()}, args.profile)
    if not methods:
        raise ValueError(f"METHODS: want some of {', '.join(METHODS)}")
    for name, value in (("SEEDS", args.seeds), ("SPLITS", args.splits), ("--images", args.images)):
        if value is not None and value < 1:
            raise ValueError(f"{name}: want 1 or more, got {value}")
    if not args.data:
        raise ValueError("DATA: want a folder, zip or tar with photo/<class>/* and sketch/<class>/*")
    network, weights, told = given.network(args.weights, args.network)
    say(f"Network: {told}.")
    asked = {"images": args.images, "size": args.size, "device": args.device}
    train = {name: value for name, value in asked.items() if value is not None}
    read = read_profile(args.profile)
    plain = read["train"] | train
    own = [(name, train | changes.split(changed)[0]) for name, changed in arms.values()]
    sizes = {TrainConfig.profile(args.profile, name, **how).size for name, how in own}
    transfer.check(journeys(args), sorted(sizes), quiet=args.quiet)
    catalogue = given.pictures(args.data, sorted(sizes), quiet=args.quiet)
    usable = given.both(catalogue)
    say(f"Pictures: {catalogue!r}.")
    splits, notes = given.splits(
        catalogue, usable, data=Path(args.data).expanduser(), file=args.split, count=args.splits
    )
    notes += given.faults(catalogue)
    table = None
    if args.vectors:
        table, more = given.vectors(args.vectors, catalogue.classes, names=args.names)
        notes += more
    home, source = paths.home() / "compare", given.full(args.data)
    name = normalise(given.name_of(Path(source))).replace("_", "-")
    out = args.out or home / (args.name or name)
    if not (args.out or args.name) and (before := scores.said(out).get("source", "")) not in ("", source):
        out = home / f"{name}-{digest(source.encode())[:6]}"
        notes.append(f"{home / name} is of {before}: these are kept in {out.name}, or as --name says")
    threads = max(1, (os.cpu_count() or 1) // args.workers) if args.workers > 1 else 0
    plan = Plan(catalogue.path, tuple(splits), methods, args.seeds, args.profile, network, weights, out,
                args.data, train, table, threads)  # fmt: skip
    kinds, reads = {name for name, _ in arms.values()}, network.startswith(("clip", "ViT-", "RN"))
    for split in splits:
        bench = plan.bench(split)
        notes += given.said_of(bench)
        if "masbir" in kinds and not reads and "table" not in plan.options(bench):
            notes += given.words_of(bench)
    for note in dict.fromkeys(notes):
        say(f"  {note}")
    known = {} if weights in (None, *given.TAGS) else given.shown_before(usable, given.imagenet(weights))
    other = any("images" in changed or "steps" in changed for _, changed in arms.values())
    budget = (f"{plain['images']:,} pictures a run{', or what its name says,' * other} at {max(sizes)} px, "
              f"profile {args.profile}")  # fmt: skip
    scores.about(plan, source=source, network=told, pictures=repr(catalogue), notes=notes, imagenet=known,
                 budget=budget)  # fmt: skip
    return plan


def journeys(args: argparse.Namespace) -> transfer.Journeys:
    return transfer.Journeys(tuple(args.queries), args.queries_names, tuple(args.onto), tuple(args.origins))


def travel(plan: Plan, args: argparse.Namespace) -> Iterator[str]:
    """Measurements away from home, of the runs whose weights are here."""
    runs = [(job, paths.runs() / details["run"]) for job, details, _ in scores.found(plan)]
    done = [(job, Run.open(path)) for job, path in runs if (path / "weights.safetensors").is_file()]
    return transfer.journeys(plan, journeys(args), done, quiet=args.quiet)


def options() -> argparse.ArgumentParser:
    first = (__doc__ or "").split("\n\n")
    parser = argparse.ArgumentParser(prog="python -m sbirkit.runs.compare", description=first[1])
    parser.add_argument("data", help="a folder, zip or tar with photo/<class>/* and sketch/<class>/*")
    add = parser.add_argument
    add("--split", default="", help="a text, one unseen class a line (default: classes.csv, else drawn)")
    add("--splits", type=int, default=1, help="that one and further ones drawn at random, so many in all")
    add("--weights", default="", help="a file, whose network is recognised; imagenet, doodleworld or none")
    add("--network", default="", help="the network of the weights, where it cannot be recognised")
    add("--vectors", default="", help="an .npz with names and vectors: of the classes' names")
    add("--names", default="", metavar="CSV[:COLUMN]", help="the name of each class among the vectors")
    add("--seeds", type=int, default=3, help="runs of each method and split (3)")
    add(
        "--methods",
        default=",".join(METHODS),
        help="with commas (all); dsn:contrastive=0+images=9600 is one with changes",
    )
    add("--profile", default="photos", choices=PROFILES)
    add("--images", type=int, help="pictures that a run looks at, instead of the profile's")
    add("--size", type=int, help="side of the pictures, instead of the profile's")
    add("--device", choices=("cpu", "cuda"), help="default: a GPU where there is one")
    add("--workers", type=int, default=_workers(), help="runs side by side (%(default)s here)")
    add("--scheduler", default="", help="the address of a Dask scheduler whose workers see the same disk")
    add("--queries", action="append", default=[], metavar="PATH",
        help="also ask with these sketches (or Quick, Draw! ndjson) for the same photos")  # fmt: skip
    add("--queries-names", default="", metavar="CSV[:COLUMN]", help="what each class is called there")
    add("--onto", action="append", default=[], metavar="DATA", help="also test these runs there: doodleworld")
    add("--from", action="append", default=[], metavar="RUN", dest="origins",
        help="also test this run here, as results/softmax_unseen-16_s0")  # fmt: skip
    add("--name", default="", help="of the folder in build/compare (default: that of the pictures)")
    add("--out", type=Path, help="another folder for table, report and records")
    add("--table", action="store_true", help="train nothing; write table and report of what is there")
    add("--quiet", action="store_true", help="less to read while pictures are prepared")
    return parser


def _workers() -> int:
    """A GPU is shared badly, cores are shared well."""
    import torch

    return 1 if torch.cuda.is_available() else max(1, min(4, os.cpu_count() or 1))


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 if all went well, 1 if something failed, 130 after Ctrl-C."""
    args = options().parse_args(argv)
    plan: Any = None
    try:
        plan = understand(args)
        jobs = plan.jobs()
        missing = [job for job in jobs if not job.details()]
        workers = max(1, min(args.workers, len(missing)))
        clock = Clock(plan, workers)
        for job in jobs:
            if job not in missing:
                clock.learn(job)
        failed: list[str] = []
        if missing and not args.table:
            there = f" ({len(jobs) - len(missing)} are there already)" if len(missing) < len(jobs) else ""
            say(f"{len(missing)} runs to make{there}: about {minutes(clock.left(missing))} on this machine, "
                f"{workers} side by side. Ctrl-C stops, the same command goes on.")  # fmt: skip
            failed = work(plan, missing, clock, workers=workers, scheduler=args.scheduler)
        left = []
        for line in travel(plan, args):
            say(line)
            left += [f"transfer {line}"] * line.startswith("left out")
        scores.about(plan, left_out=list(dict.fromkeys(left)))
        table, page = scores.write(plan)
        say(f"\n{table.read_text('utf-8')}\nThe table: {table}\nThe report: {page}")
        return bool(failed)
    except KeyboardInterrupt:
        print("\nStopped. What is done is kept: the same command goes on from there.", file=sys.stderr)
        return 130
    except given.Stopped as stop:
        return int(stop.args[0])
    except (ValueError, OSError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 1
    finally:
        if plan is not None:
            forget(plan)


if __name__ == "__main__":
    raise SystemExit(main())
