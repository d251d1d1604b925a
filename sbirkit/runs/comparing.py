"""One comparison as a list of jobs, and how one job is done: train or open, measure, leave a record."""

import ast
import json
import re
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sbirkit.data import Benchmark, Catalogue, Split
from sbirkit.data.catalogue import canonical, digest
from sbirkit.models.making import METHODS
from sbirkit.models.text import TextTable
from sbirkit.models.weights import is_file
from sbirkit.training import Run, evaluate
from sbirkit.training.config import read_profile
from sbirkit.training.evaluation import SETTINGS, _allows
from sbirkit.training.files import read_json, write_json
from sbirkit.training.loop import describe, folder_name
from sbirkit.training.manifest import code_digest

from . import changes
from .arms import arm, obtain, training
from .given import benchmark, chance
from .standings import record_name, ship

ASKED, SHOWN = 6, 10  # queries that the report shows, and photos of each
CODED = 64  # a code of so many bits is fitted on more pictures than that


def arm_of(label: str) -> tuple[str, dict[str, Any]]:
    """A method by name, and what a label changes of its options and its training.

    >>> arm_of("dsn"), arm_of("ramln:balance=1.0+margin=fixed")
    (('dsn', {}), ('ramln', {'balance': 1.0, 'margin': 'fixed'}))
    """
    name, _, said = label.partition(":")
    return name, {
        key: _value(value) for key, _, value in (one.partition("=") for one in said.split("+") if one)
    }


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the jobs of one comparison share."""

    catalogue: Path
    splits: tuple[Split, ...]
    methods: tuple[str, ...]
    seeds: int
    profile: str
    network: str
    weights: str | None
    out: Path
    data: str = ""  # as it was given
    train: Mapping[str, Any] = field(default_factory=dict)
    table: tuple[list[str], np.ndarray] | None = None
    threads: int = 0  # of each process; 0 leaves it to torch

    def jobs(self) -> list["Job"]:
        """A seed of every method and split before the next seed, so that a first table is there early."""
        return [
            Job(self, m, s, seed) for seed in range(self.seeds) for s in self.splits for m in self.methods
        ]

    def bench(self, split: Split) -> Benchmark:
        return _bench(self.catalogue, split)

    def options(self, bench: Benchmark) -> dict[str, Any]:
        """What :func:`.arms.obtain` is told; of the vectors only those of classes that are trained on."""
        more: dict[str, Any] = {}
        if self.table is not None:
            names, rows = self.table
            mine = [i for i, name in enumerate(names) if name in bench.train_classes]
            if mine:
                import torch

                more["table"] = TextTable([names[i] for i in mine], torch.from_numpy(rows[mine]))
        if self.network == "convnet":  # its first stages know no photographs
            more["held"] = 0
        return {"profile": self.profile, "network": self.network, "weights": self.weights,
                "train": dict(self.train)} | more  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """One method, or a changed one, on one split from one seed."""

    plan: Plan
    method: str  # as it was asked for: dsn, or dsn:contrastive=0+images=9600
    split: Split
    seed: int

    @property
    def kind(self) -> str:
        return arm_of(self.method)[0]

    @property
    def name(self) -> str:
        return record_name(re.sub(r"[^\w.=+-]", "-", self.method), self.split.name, self.seed)

    @property
    def record(self) -> Path:
        return self.plan.out / "records" / self.name

    @property
    def now(self) -> Path:
        """Where a running job says which run it is at."""
        return self.plan.out / "now" / f"{self.name}.json"

    def key(self) -> str:
        """Names what is asked for, the code that does it included."""
        plan, read = self.plan, read_profile(self.plan.profile)
        table = b"" if plan.table is None else canonical(plan.table[0]) + plan.table[1].tobytes()
        asked = [self.method, self.seed, plan.bench(self.split).digest, plan.network]
        how = [read["train"], read.get("options", {}), read.get(self.kind, {}), dict(plan.train)]
        said = [*asked, _file_digest(plan.weights), *how, code_digest(METHODS[self.kind])]
        return digest(canonical(said), table)

    def details(self) -> dict[str, Any]:
        """The record's own page; empty where there is none, or one of something else."""
        path = self.record / "details.json"
        found: dict[str, Any] = read_json(path) if path.is_file() else {}
        return found if found.get("key") == self.key() else {}

    def images(self) -> int:
        """Pictures that its training looks at, about."""
        if self.kind in ("untrained", "frozen"):
            return 0
        train, _ = changes.split(arm_of(self.method)[1])
        changed = dict(self.plan.train) | train
        config = training(self.kind, self.plan.bench(self.split), self.plan.profile, **changed)
        return config.steps * 2 * config.p * config.k

    def share(self) -> float:
        """How much of it is done, while another process is at it: 0 to 1."""
        try:
            said = read_json(self.now)
            with (Path(said["run"]) / "history.jsonl").open("rb") as file:
                done = max((json.loads(line).get("step", 0) for line in file.readlines()[-1:]), default=0)
        except (OSError, ValueError, KeyError):
            return 0.0
        return min(1.0, (done + 1) / max(1, said["steps"]))


def do(job: Job, *, progress: bool = False) -> str:
    """Train or open the run, measure it, and leave its record; returns what it came to."""
    import torch

    if job.plan.threads:
        torch.set_num_threads(job.plan.threads)
    bench = job.plan.bench(job.split)
    name, changed = arm_of(job.method)
    train, changed = changes.split(changed)
    options = job.plan.options(bench) | changed
    options["train"] |= train
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        method, config = arm(name, bench, seed=job.seed, **options)
        run = Path(folder_name(describe(method, bench, config)))
        job.now.parent.mkdir(parents=True, exist_ok=True)
        write_json(job.now, {"run": str(_runs() / f"{run}.partial"), "steps": config.steps})
        del method
        made = obtain(name, bench, seed=job.seed, progress=progress, **options)
    notes = sorted({str(w.message) for w in said if issubclass(w.category, UserWarning)})
    measure(made, bench, job, notes)
    job.now.unlink(missing_ok=True)
    return f"{job.name}: mAP@all {made.number('zs')['mAP@all']:.3f} ({made.manifest['seconds']:.0f} s)"


def measure(run: Run, bench: Benchmark, job: Job, notes: Sequence[str]) -> None:
    """All protocols, what each class came to, what a few queries found; as a record beside the others."""
    few = len(bench.train) <= CODED  # a coder cannot be fitted on so few
    settings = [s for s in SETTINGS if s != "codes64" and _allows(bench, run.method(), s)] if few else None
    found: Any = evaluate(run, bench, settings)
    result = found["zs"]
    if job.kind == "masbir":
        evaluate(run, bench, ["zs"], verb="embed_converted")
    if "codes64" not in found:
        notes = [*notes, f"{job.method}: too narrow, or too few training pictures, for a 64-bit code"]
    queries, photos = bench.queries(), bench.gallery_rows()
    asked = shown(bench)
    place = {int(row): i for i, row in enumerate(queries)}
    strips = [{"query": row, "top": photos[result.top[place[row], :SHOWN]].tolist()} for row in asked]
    ship(run, job.record, weights=False)
    write_json(job.record / "details.json", {
        "key": job.key(), "run": run.path.name, "per_class": result.per_class("mAP@all"), "strips": strips,
        "chance": chance(bench), "notes": list(notes), "method": job.method, "split": job.split.name,
        "seed": job.seed, "transfer": {}, "unseen": list(job.split.unseen),
    })  # fmt: skip


def stale(plan: Plan) -> list[str]:
    """Records of this plan's folder that it would make otherwise: by another budget, of other pictures.

    Those of more methods, seeds or splits than it asks for stand: the key tells that they are made alike.
    """
    splits, found = {split.name: split for split in plan.splits}, []
    for path in sorted((plan.out / "records").glob("*_*_s*/details.json")):
        said = read_json(path)
        try:
            split = splits.get(said["split"]) or Split(said["split"], tuple(said.get("unseen", ())))
            key = Job(plan, said["method"], split, said["seed"]).key()
        except (ValueError, KeyError):  # classes or a method that there are no more
            key = ""
        if said["key"] != key:
            found.append(path.parent.name)
    return found


def shown(bench: Benchmark) -> list[int]:
    """The same few sketches for every method: the middle one of some unseen classes."""
    queries = bench.queries()
    labels = bench.catalogue.labels[queries]
    kinds = np.unique(labels)
    some = kinds[np.linspace(0, len(kinds) - 1, min(ASKED, len(kinds))).astype(int)]
    return [int((mine := queries[labels == kind])[len(mine) // 2]) for kind in some]


def forget(plan: Plan) -> None:
    """Take away what an interrupted comparison left of its progress."""
    shutil.rmtree(plan.out / "now", ignore_errors=True)


def _runs() -> Path:
    import os

    from sbirkit import paths

    return Path(os.environ.get("SBIRKIT_FRESH") or paths.runs())


@cache
def _bench(path: Path, split: Split) -> Benchmark:
    return benchmark(Catalogue.open(path), split)


@cache
def _file_digest(weights: str | None) -> str:
    return digest(Path(weights).read_bytes()) if weights and is_file(weights) else str(weights)
