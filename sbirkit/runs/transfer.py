"""Runs away from home: other people's sketches for the same photos, and other data sets altogether.

Nothing is trained. Each measurement is kept in ``transfer/`` of the comparison, with the time it was made: it
is a look at unseen classes.
"""

from collections.abc import Iterator, Mapping, Sequence
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
    for source in asked.queries:
        for job, run in done:
            catalogue = renamed(given.drawings(source, [run.params["train"]["size"]], quiet=quiet), there)
            bench = plan.bench(job.split)
            queries = asking(catalogue, bench.unseen_classes)
            title = f"sketches of {Path(source).name} for the same photos"
            yield _keep(plan, title, job.method, job.split.name, job.seed, [run.path.name, queries.digest],
                        partial(across, run, bench, queries))  # fmt: skip
    for source in asked.onto:
        for job, run in done:
            bench = other(source, run.params["train"]["size"], quiet=quiet)
            title = f"trained here, tested on {bench.catalogue.card['title']}"
            yield _keep(plan, title, job.method, job.split.name, job.seed, [run.path.name, bench.digest],
                        partial(elsewhere, run, bench))  # fmt: skip
    for source in asked.origins:
        run = origin(source)
        catalogue = given.pictures(plan.data, [run.params["train"]["size"]], quiet=quiet)
        for split in plan.splits:
            bench = given.benchmark(catalogue, split)
            title = f"trained on {run.manifest['data']['name']}, tested here"
            yield _keep(plan, title, run.path.name, split.name, 0, [run.path.name, bench.digest],
                        partial(elsewhere, run, bench))  # fmt: skip


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


def kept(plan: Any) -> list[dict[str, Any]]:
    """All measurements of this kind so far, in the order of the methods."""
    found = [read_json(path) for path in (plan.out / "transfer").glob("*.json")]
    order = {name: i for i, name in enumerate(METHODS)}
    place = len(order)
    return sorted(
        found, key=lambda x: (x["title"], x["split"], order.get(x["row"], place), x["row"], x["seed"])
    )


def _keep(plan: Any, title: str, row: str, split: str, seed: int, what: Sequence[str], measure: Any) -> str:
    """Measure, unless there is a record of the very same; returns a line to read."""
    path = plan.out / "transfer" / f"{digest(canonical([title, row, split, seed]))[:16]}.json"
    found = read_json(path) if path.is_file() else {}
    if found.get("of") != list(what):
        now = datetime.now(UTC).isoformat(timespec="seconds")
        found = {"title": title, "row": row, "split": split, "seed": seed, "of": list(what), "when": now}
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_json(path, found | measure())
        except ValueError as error:  # the others still get their turn
            return f"left out: {error}"
        found = read_json(path)
    return f"{title}: {row} {split} seed {seed}: mAP@all {found['metrics']['mAP@all']:.3f}"
