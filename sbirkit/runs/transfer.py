"""Runs away from home: other people's sketches for the same photos, and other data sets altogether.

Nothing is trained. Each measurement is kept in ``transfer/`` of the comparison, with the time it was made: it
is a look at unseen classes.
"""

import itertools
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sbirkit import paths
from sbirkit.data import Benchmark, Catalogue, Split
from sbirkit.data.catalogue import canonical, digest
from sbirkit.data.names import normalise
from sbirkit.models.making import METHODS
from sbirkit.retrieval import evaluate_embeddings
from sbirkit.training import Run, embed_rows, evaluate
from sbirkit.training.evaluation import default_device
from sbirkit.training.files import read_json, write_json

from . import given
from .comparing import arm_of

METRICS = ("mAP@all", "P@100")


@dataclass(frozen=True, slots=True)
class Journeys:
    """Where to: sketches from elsewhere, data sets to measure these runs on, and runs to measure here."""

    queries: tuple[str, ...] = ()
    names: str = ""  # CSV[:COLUMN] with the name of each class among the queries
    onto: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


def renamed(catalogue: Catalogue, names: Mapping[str, str]) -> Catalogue:
    """The same pictures under other class names: ``{name there: name here}``; classes not named are kept."""
    label = [names.get(name, name) for name in catalogue.column("label").tolist()]
    column = catalogue.table.schema.get_field_index("label")
    table = catalogue.table.set_column(column, "label", [label])
    mark = digest(canonical([catalogue.digest, sorted(names.items())]))
    return Catalogue(catalogue.path, catalogue.card | {"digest": mark}, table)


def asking(catalogue: Catalogue, classes: Sequence[str]) -> Benchmark:
    """The sketches of these classes as queries, and nothing else; photos they need not have."""
    wanted = np.isin(catalogue.column("label"), list(classes)) & (catalogue.column("modality") == "sketch")
    rows = np.flatnonzero(wanted)
    if not len(rows):
        some, wanted_names = ", ".join(catalogue.classes[:5]), ", ".join(classes)
        raise ValueError(f"queries: {catalogue.name} has no sketch of {wanted_names}; it has {some} and so "
                         "on. --queries-names CSV:COLUMN says what each class is called there")  # fmt: skip
    none = rows[:0]
    names = tuple(sorted(set(catalogue.column("label")[rows])))
    return Benchmark(catalogue, Split("queries", names), "zs", "deduplicated", none, none, none, rows)


def across(run: Run, bench: Benchmark, queries: Benchmark) -> dict[str, Any]:
    """Other sketches against the benchmark's own photos, and its own sketches of the same classes beside."""
    method, size = run.method().to(default_device()), run.params["train"]["size"]
    asked, own, photos = queries.queries(), bench.queries(), bench.gallery_rows()
    vectors = embed_rows(method, queries.catalogue, asked, size=size)
    home = embed_rows(method, bench.catalogue, np.concatenate([own, photos]), size=size)
    result = evaluate_embeddings(
        (asked, vectors), queries, "cross-dataset", gallery=bench, metrics=METRICS,
        gallery_embeddings=(photos, home[len(own) :]),
    )  # fmt: skip
    beside: Any = evaluate_embeddings((np.concatenate([own, photos]), home), bench, "zs", metrics=METRICS)
    both = [normalise(str(c)) in set(queries.unseen_classes) for c in beside.classes]
    mine = np.array(both)[beside.y_query]
    numbers = {m: float(result[m]) for m in METRICS}
    numbers |= {f"own sketches, {m}": float(np.nanmean(beside.per_query(m)[mine])) for m in METRICS}
    return {"says": str(result.protocol), "metrics": numbers}


def elsewhere(run: Run, bench: Benchmark) -> dict[str, Any]:
    """A run on another data set's unseen classes, without those that it was trained on under that name."""
    known = sorted(set(run.params["benchmark"]["classes"]) & set(bench.unseen_classes))
    left = [name for name in bench.unseen_classes if name not in known]
    if len(left) < 2:
        raise ValueError(f"{run.path.name} was trained on {', '.join(known)}: too few unseen classes are "
                         f"left in {bench.catalogue.name}")  # fmt: skip
    if known:
        split = Split(f"{bench.split.name}, {len(known)} known classes left out", tuple(left))
        bench = bench.catalogue.benchmark(split, setting="zs", selection=0, on_leak="drop")
    method = run.method().to(default_device())
    result: Any = evaluate(method, bench, ["zs"], size=run.params["train"]["size"])["zs"]
    return {"says": str(result.protocol), "left_out": known,
            "metrics": {m: float(result[m]) for m in METRICS} | {"chance": given.chance(bench)}}  # fmt: skip


def journeys(
    plan: Any, asked: Journeys, done: Sequence[tuple[Any, Any]], *, quiet: bool = False
) -> Iterator[str]:
    """Make what is missing, and say it line by line. ``done`` are jobs with their runs, weights at hand."""
    names = given.mapping(asked.names) if asked.names else {}
    there = {normalise(elsewhere): here for here, elsewhere in names.items() if elsewhere}

    def query(source: str, job: Any, run: Run) -> str:
        catalogue = renamed(given.drawings(source, [run.params["train"]["size"]], quiet=quiet), there)
        home = plan.bench(job.split)
        queries = asking(catalogue, home.unseen_classes)
        title = f"sketches of {Path(source).name} for the same photos"
        return _keep(plan, source, title, job.method, job.split, job.seed, [run.path.name, queries.digest],
                     partial(across, run, home, queries))  # fmt: skip

    def onto(source: str, job: Any, run: Run) -> str:
        bench = other(source, run.params["train"]["size"], quiet=quiet)
        title = f"trained here, tested on {bench.catalogue.card['title']}"
        return _keep(plan, source, title, job.method, job.split, job.seed, [run.path.name, bench.digest],
                     partial(elsewhere, run, bench))  # fmt: skip

    def here(source: str, split: Split) -> str:
        run = origin(source)
        bench = given.benchmark(given.pictures(plan.data, [run.params["train"]["size"]], quiet=quiet), split)
        title = f"trained on {run.manifest['data']['name']}, tested here"
        return _keep(plan, str(run.path), title, run.path.name, split, 0, [run.path.name, bench.digest],
                     partial(elsewhere, run, bench))  # fmt: skip

    for journey in [
        *(partial(query, source, *one) for source in asked.queries for one in done),
        *(partial(onto, source, *one) for source in asked.onto for one in done),
        *(partial(here, source, split) for source in asked.origins for split in plan.splits),
    ]:
        try:
            yield journey()
        except (ValueError, given.Stopped) as error:  # the others still get their turn
            yield f"left out: {error}"


def check(asked: Journeys, sizes: Sequence[int], *, quiet: bool = False) -> None:
    """Every source can be prepared, or a mistake is said by its option's name: before anything is trained."""
    look: dict[str, Any] = {
        "--queries": given.drawings,
        "--onto": lambda source, sizes, **how: other(source, sizes[0], **how),
    }
    for option, sources in (("--queries", asked.queries), ("--onto", asked.onto)):
        for source, size in itertools.product(sources, sizes):
            try:
                look[option](source, [size], quiet=quiet)
            except ValueError as error:
                raise ValueError(re.sub("^DATA:", f"{option}:", str(error))) from None
            except given.Stopped:
                raise ValueError(f"{option}: {source} cannot be prepared, for the reason above") from None
    for source in asked.origins:
        origin(source)
    if asked.names:
        given.mapping(asked.names)


def other(source: str, size: int, *, quiet: bool = False) -> Benchmark:
    """Another data set with its own unseen classes."""
    catalogue = given.pictures(source, [size], quiet=quiet)
    split = given.splits(catalogue, given.both(catalogue), data=Path(source).expanduser())[0][0]
    return given.benchmark(catalogue, split)


def origin(source: str) -> Run:
    """A run by its folder, or by its name among one's own runs and those that came with the repository."""
    places = [Path(source), paths.runs() / source, *([paths.results() / source] if paths.results() else [])]  # type: ignore[operator]
    for place in places:
        if (place / "params.json").is_file():
            return Run.open(place)
    raise ValueError(f"--from: there is no run {source}; want a folder with params.json and weights, or a "
                     f"name in {paths.runs()}")  # fmt: skip


def kept(plan: Any, runs: Container[str]) -> list[dict[str, Any]]:
    """The measurements of these runs, and of those from elsewhere, on this plan's splits; methods in order.

    A title tells two sources of one name apart by the folders that they lie in.
    """
    found = [read_json(path) for path in (plan.out / "transfer").glob("*.json")]
    marks = {split.name: plan.bench(split).digest for split in plan.splits}
    found = [one for one in found if one.get("home") == marks.get(one["split"], "")
             and (arm_of(one["row"])[0] not in METHODS or one["of"][0] in runs)]  # fmt: skip
    for title in {one["title"] for one in found}:
        mine = [one for one in found if one["title"] == title]
        if len({(one["row"], one["split"], one["seed"]) for one in mine}) < len(mine):
            for one in mine:
                one["title"] += f", from {Path(one['source']).parent.name}"
    order = {name: i for i, name in enumerate(METHODS)}
    place = len(order)
    return sorted(
        found, key=lambda x: (x["title"], x["split"], order.get(x["row"], place), x["row"], x["seed"])
    )


def _keep(
    plan: Any, source: str, title: str, row: str, split: Split, seed: int, what: Sequence[str], measure: Any
) -> str:
    """Measure, unless there is a record of the very same; returns a line to read."""
    source = given.full(source)
    path = plan.out / "transfer" / f"{digest(canonical([source, title, row, split.name, seed]))[:16]}.json"
    found, home = read_json(path) if path.is_file() else {}, plan.bench(split).digest
    if (found.get("of"), found.get("home")) != (list(what), home):
        now = datetime.now(UTC).isoformat(timespec="seconds")
        found = {"title": title, "source": source, "row": row, "split": split.name, "seed": seed,
                 "of": list(what), "home": home, "when": now} | measure()  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, found)
    return f"{title}: {row} {split.name} seed {seed}: mAP@all {found['metrics']['mAP@all']:.3f}"
