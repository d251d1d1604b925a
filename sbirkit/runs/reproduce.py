"""``make reproduce``: train every method and execute every notebook afresh, and report on them all.

What is done is known by content. A result carries a digest of its sources, its parameters, the package's
code, the locked versions and the real data at hand; while that digest holds, it is not made again.
"""

import argparse
import ast
import difflib
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sbirkit import paths
from sbirkit.data import OBJECTS
from sbirkit.runs import changes, notebooks, report, warm
from sbirkit.runs.jobs import SPLIT, Job, Outcome, Task, Training
from sbirkit.runs.overview import REPRODUCED
from sbirkit.runs.rows import ROWS, record_name

PROFILES = ("smoke", "laptop", "gpu", "paper")
SMALL = {"smoke": {"seeds": 1, "budget": 320}}  # of notebooks that have such a parameter
MANY = 8  # notebooks from which on it pays to import once for all, see :mod:`.warm`
FEW = {"smoke": "20"}  # individuals of each class of Doodle World: a fifth


def code_digest() -> str:
    """One digest over every file of the package and over the lock: what the numbers depend on."""
    package = Path(paths.__file__).parent
    files = sorted(p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    if root := paths.checkout():
        files.append(root / "requirements.lock")
    total = hashlib.sha256()
    for path in files:
        total.update(path.relative_to(package.parent).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def data_digests() -> dict[str, str]:
    """The digest of each prepared real data set. Doodle World is drawn on demand: the code determines it."""
    cards = sorted(paths.data().glob("*/card.json"))
    return {
        c.parent.name: json.loads(c.read_text())["digest"]
        for c in cards
        if "doodleworld" not in c.parent.name
    }


def settle(own: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the given parameters that a notebook has, checked against the types of its defaults.

    >>> settle({"seed": 0, "lr": 0.1}, {"lr": 1, "epochs": 3})
    {'lr': 1}
    """
    for name in own.keys() & given.keys():
        default, value = own[name], given[name]
        fits = type(value) is type(default) or default is None or (type(default), type(value)) == (float, int)
        if not fits:
            wanted, came = type(default).__name__, type(value).__name__
            raise ValueError(f"parameter {name}: want {wanted} like {default!r}, got {came} {value!r}")
    return {name: value for name, value in given.items() if name in own}


def plan(
    sources: Sequence[Path],
    out: Path,
    *,
    profile: str = "laptop",
    given: Mapping[str, Any] | None = None,
    seeds: int = 0,
    fresh: bool = True,
    rows: Iterable[str] = (),
    named: Sequence[Path] | None = None,
) -> list[Task]:
    """What there is to do: a job for each notebook, and before them one for each method to train.

    A parameter of no notebook has to be one of training, see :mod:`.changes`; else it is an error.

    Args:
        seeds: how many seeds each method is trained with; 0 is the notebooks' own, once.
        fresh: train the ``rows``, and all that a notebook trains, in a folder of this run's own.
        named: the notebooks whose parameters can be given; by default all.
    """
    given = dict(given or {})
    read = [notebooks.read(path) for path in sources]
    owned = [notebooks.parameters(notebook) for notebook in read]
    asked = [own for path, own in zip(sources, owned, strict=True) if named is None or path in named]
    known = set().union(*asked) - {"profile"}
    changed = {name: given[name] for name in given.keys() - known}
    if changed:
        _check(changed, known, profile)
    values = {name: value for name, value in given.items() if name in known} | {"profile": profile}
    values = SMALL.get(profile, {}) | values | ({"seeds": seeds} if seeds else {})
    settled = [settle(own, values) for own in owned]

    made = json.dumps(changed, sort_keys=True) if changed else ""
    env = {changes.NAME: made, "SBIRKIT_FRESH": str(out / "runs") if fresh else "", REPRODUCED: str(out),
           OBJECTS: os.environ.get(OBJECTS) or FEW.get(profile, ""),
           warm.NAME: "yes" * (len(sources) >= MANY),
           "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}  # fmt: skip
    basis = [code_digest(), made, env[OBJECTS], env["OMP_NUM_THREADS"]]

    def digest(*content: Any) -> str:
        return hashlib.sha256(json.dumps([*content, *basis], sort_keys=True).encode()).hexdigest()

    tasks: dict[str, Task] = {}
    first, data = values.get("seed", 0), data_digests()
    for seed in range(first, first + max(1, seeds)) if fresh else ():
        for label in rows:
            as_shipped = profile == "laptop" and not (changed or env[OBJECTS])
            one = Training(label, seed, profile, out, digest(label, seed, profile), as_shipped, env=env)
            tasks[one.name] = one
    stems = {path.stem for path in sources}
    wanted = {path.stem: tuple(notebooks.needs(one)) for path, one in zip(sources, read, strict=True)}
    if lost := [name for needs in wanted.values() for name in needs if name not in {"*", *stems, *ROWS}]:
        raise ValueError(f"needs: no notebook and no method is called {', '.join(lost)}")
    parts = dict(zip(wanted, zip(sources, read, owned, settled, strict=True), strict=True))
    long = [path.stem for path, one in zip(sources, read, strict=True) if notebooks.takes_long(one)]
    for name in in_order(wanted, first=long):
        (path, notebook, own, mine), needs = parts[name], wanted[name]
        before = list(tasks) if "*" in needs else [name for name in needs if name in tasks]
        content = [notebooks.source_digest(notebook), mine, data, fresh, [tasks[n].digest for n in before]]
        lines = [line for cell in notebook["cells"] for line in cell["source"].splitlines()]
        title = next((line[2:] for line in lines if line.startswith("# ")), path.stem)
        same = all(own[name] == value for name, value in mine.items())
        as_shipped = same and not (changed or env[OBJECTS])
        tasks[name] = Job(path, out / path.name, mine, digest(*content), title, as_shipped, needs, env)
    return list(tasks.values())


def in_order(wanted: Mapping[str, Sequence[str]], *, first: Sequence[str] = ()) -> list[str]:
    """Names, each after those that it needs and else as they came; those that need all come last.

    >>> in_order({"report": ["*"], "b": ["c"], "a": [], "c": []})
    ['a', 'c', 'b', 'report']
    >>> in_order({"a": [], "b": [], "c": ["a"]}, first=["c", "b"])
    ['b', 'a', 'c']
    """
    left = sorted(wanted, key=lambda name: ("*" in wanted[name], name not in first))
    found: list[str] = []
    while left:
        free = next((name for name in left if set(wanted[name]).isdisjoint(left)), None)
        if free is None:
            raise ValueError(f"needs: {', '.join(left)} wait for one another")
        left.remove(free)
        found.append(free)
    return found


def _check(changed: Mapping[str, Any], known: set[str], profile: str) -> None:
    try:
        changes.check(changed, profile)
    except ValueError as error:
        name = next(iter(changed))
        if len(changed) == 1 and (close := difflib.get_close_matches(name, known, n=1)):
            raise ValueError(
                f"no chosen notebook has a parameter {name!r}; did you mean {close[0]!r}?"
            ) from None
        raise ValueError(f"{error}; chosen notebooks have {', '.join(sorted(known)) or 'none'}") from None


def pending(tasks: Sequence[Task], chosen: Iterable[str]) -> list[Task]:
    """Of the chosen tasks and what they need, those that are missing or changed, or need such a one."""
    wanted, by_name = set(chosen), {task.name: task for task in tasks}
    ahead = list(wanted)
    while ahead:
        more = {name for name in by_name[ahead.pop()].needs if name in by_name} - wanted
        wanted |= more
        ahead += more
    found: dict[str, Task] = {}
    for task in tasks:  # what a task needs stands before it
        lacks = bool(found) if "*" in task.needs else not found.keys().isdisjoint(task.needs)
        if task.name in wanted and (lacks or not task.done()):
            found[task.name] = task
    return list(found.values())


class Clock:
    """How long it will take, by what each task took the last time, here or for the shipped record."""

    def __init__(self, tasks: Sequence[Task], workers: int) -> None:
        self.workers = max(1, workers)
        self.known = {task.name: seconds for task in tasks if (seconds := _last(task))}
        self.left = [task.name for task in tasks]
        self.took: list[float] = []
        self.since = time.monotonic()

    def ended(self, outcome: Outcome) -> None:
        self.left.remove(outcome.name)
        if outcome.said in ("done", "failed"):
            self.took.append(outcome.seconds)
        self.since = time.monotonic()

    def seconds(self) -> float | None:
        """What is left; None where nothing like it has been timed yet."""
        times = [*self.known.values(), *self.took]
        if not times and self.left:
            return None
        usual = sum(times) / len(times) if times else 0.0
        work = sum(self.known.get(name, usual) for name in self.left)
        longest = max((self.known.get(name, usual) for name in self.left), default=0.0)
        return max(0.0, max(work / self.workers, longest) - (time.monotonic() - self.since))

    def said(self) -> str:
        """``about 3 min left``"""
        if (seconds := self.seconds()) is None:
            return "time left not known yet"
        return (
            f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {max(1, seconds):.0f} s left"
        )

    def beforehand(self) -> str:
        """The same before anything has run; empty where it cannot be said."""
        if (seconds := self.seconds()) is None:
            return ""
        new = len([name for name in self.left if name not in self.known])
        more = f"; a guess for the {new} that have not been timed here" if new else ""
        return f"About {max(1, round(seconds / 60))} min, by the last time{more}."


def _last(task: Task) -> float | None:
    if seconds := task.stamp().get("seconds"):
        return seconds
    shipped = paths.results()
    if isinstance(task, Job) or not shipped or task.profile != "laptop":
        return None
    path = shipped / record_name(task.label, SPLIT, task.seed) / "manifest.json"
    return json.loads(path.read_text())["seconds"] + 10 if path.is_file() else None


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Only one at a time works on a folder; the lock goes with the process that holds it."""
    import filelock

    out.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(out / ".lock", timeout=0):
            for left in out.glob("*.running-*.ipynb"):  # of one that was killed
                left.unlink()
            yield
    except filelock.Timeout:
        raise ValueError(
            f"out: another `make reproduce` is at work in {out}; wait for it, or choose another --out"
        ) from None


def work(tasks: Sequence[Task], *, scheduler: str, workers: int) -> tuple[int, bool]:
    """Carry out tasks and tell how it goes: how many failed or were skipped, and whether interrupted."""
    from tqdm import tqdm

    from sbirkit.runs.crew import crew, drive

    failed = 0
    shown = "{desc} |{bar}| {n_fmt}/{total_fmt}, {elapsed} gone, {postfix}"
    by_name = {task.name: task for task in tasks}
    try:
        with crew(scheduler, workers=workers) as client:
            if not client.nthreads():
                print(f"No worker at {scheduler} yet; waiting for one (dask worker {scheduler}).", flush=True)
            clock = Clock(tasks, workers if not scheduler else sum(client.nthreads().values()))
            with tqdm(total=len(tasks), bar_format=shown, desc="reproduce", disable=None) as bar:
                bar.set_postfix_str(clock.said())
                for outcome in drive(tasks, client):
                    if outcome is not None:
                        clock.ended(outcome)
                        failed += outcome.said in ("failed", "skipped")
                        bar.update()
                        count = f"[{len(tasks) - len(clock.left)}/{len(tasks)}] " if bar.disable else ""
                        more = f", {clock.said()}" if bar.disable and clock.left else ""
                        tqdm.write(count + told(outcome, by_name[outcome.name]) + more)
                    bar.set_postfix_str(clock.said())
    except KeyboardInterrupt:
        print("Interrupted: what is done stays done; run the same command to go on.", flush=True)
        return failed, True
    except OSError as error:
        raise ValueError(f"scheduler: nobody answers at {scheduler} ({error})") from None
    return failed, False


def told(outcome: Outcome, task: Task) -> str:
    """An outcome in a line; a failure with its cell, its error and where the rest is."""
    if outcome.said == "done":
        return f"done    {outcome.name} ({outcome.seconds:.0f} s)"
    if outcome.said == "skipped":
        return f"SKIPPED {outcome.name}: {outcome.error}"
    cell = f", cell {outcome.cell}" if outcome.cell else ""
    kept = task.beside("failed.ipynb") if isinstance(task, Job) else task.log
    more = f"\n        as far as it came: {kept}" if kept.is_file() else ""
    return f"FAILED  {outcome.name}{cell}\n{outcome.error}{more}"


def _given(pairs: Sequence[Sequence[str]]) -> dict[str, Any]:
    """``[["seed", "3"], ["images=9600"]]`` -> ``{"seed": 3, "images": 9600}``"""
    found: dict[str, Any] = {}
    for words in pairs:
        name, equals, value = words[0].partition("=")
        if len(words) == 2 and not equals:
            value = words[1]
        elif len(words) != 1 or not equals:
            raise ValueError(f"-p: want NAME=VALUE or NAME VALUE, got {' '.join(words)}")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value
    return found


def chosen_rows(only: str) -> list[str]:
    """The methods whose labels hold one of the parts; all without any."""
    parts = [part for part in only.split(",") if part]
    return [label for label in ROWS if not parts or any(part in label for part in parts)]


def main(argv: Sequence[str] | None = None) -> int:
    """Train and execute what is missing or changed, and write a report on it all."""
    parser = argparse.ArgumentParser(prog="python -m sbirkit.runs.reproduce", description=main.__doc__)
    parser.add_argument("--profile", default="laptop", choices=PROFILES, help="how much to compute")
    only = "parts of the names of notebooks and methods, with commas (default: all)"
    parser.add_argument("--only", default="", help=only)
    parameter = "a notebook's parameter, or training's: images=9600, dsn.contrastive=0.5"
    parser.add_argument("-p", nargs="+", action="append", default=[], metavar="NAME=VALUE", dest="given",
                        help=parameter)  # fmt: skip
    parser.add_argument("--seeds", default="", help="how many seeds each method is trained with (default: 1)")
    parser.add_argument("--notebooks", type=Path, help="another folder of notebooks, and no methods")
    parser.add_argument("--out", type=Path, help="where to (default: build/reproduce/PROFILE)")
    parser.add_argument("--fresh", default="yes", choices=("yes", "no"),
                        help="train all again (default), or take the runs there are")  # fmt: skip
    parser.add_argument(
        "--scheduler", default="", help="a Dask scheduler, tcp://HOST:PORT, that sees this folder"
    )
    parser.add_argument("--workers", type=int, default=0, help="without a scheduler: how many side by side")
    args = parser.parse_args(argv)
    out, fresh = (args.out or paths.home() / "reproduce" / args.profile).resolve(), args.fresh == "yes"
    rows = chosen_rows(args.only) if fresh and not args.notebooks else []
    try:
        if args.seeds and not (args.seeds.isdecimal() and int(args.seeds) > 0):
            raise ValueError(f"seeds: want how many, a whole number from 1, got {args.seeds!r}")
        given, every = _given(args.given), notebooks.find(where=args.notebooks)
        if args.only and rows:
            named = [path for path in every if any(p in path.stem for p in args.only.split(",") if p)]
        else:
            named = notebooks.find(args.only, where=args.notebooks)
        options: dict[str, Any] = {"profile": args.profile, "given": given, "seeds": int(args.seeds or 0)}
        tasks = plan(every, out, rows=ROWS if fresh and not args.notebooks else (), named=named,
                     fresh=fresh, **options)  # fmt: skip
    except ValueError as error:
        parser.error(str(error))

    chosen = {path.stem for path in named} | {
        task.name for task in tasks if getattr(task, "label", "") in rows
    }
    left = pending(tasks, chosen)
    failed, interrupted = 0, False
    workers = args.workers or _hands(args.profile)
    count = f"{len(left)} of {len(chosen)} methods and notebooks to run (profile {args.profile})."
    print(count, Clock(left, workers).beforehand() if left else "", flush=True)
    if left:
        try:
            with alone(out):
                failed, interrupted = work(left, scheduler=args.scheduler, workers=workers)
        except ValueError as error:
            print(error)
            return 1
    out.mkdir(parents=True, exist_ok=True)
    about = report.environment() | {f"data: {name}": digest for name, digest in data_digests().items()}
    read = sorted(tasks, key=lambda task: task.name if isinstance(task, Job) else "")  # as one reads them
    page = report.write(read, out, profile=args.profile, about=about, ledger=report.ledger_rows())
    print(f"{failed} failed or skipped. " * bool(failed) + f"The report: {page}")
    return 130 if interrupted else int(bool(failed))


def _hands(profile: str) -> int:
    """How many work side by side, a thread each: this machine's cores, from 2 to 8.

    With ``gpu`` and ``paper`` it is 2: they would crowd the GPU.
    """
    return 2 if profile in ("gpu", "paper") else min(8, max(2, os.cpu_count() or 2))


if __name__ == "__main__":
    raise SystemExit(main())
