"""What is kept of a run of the ledger: one small JSON file for each arm, place and seed."""

import ast
import hashlib
import importlib
import inspect
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sbirkit.models.recipe import recipe
from sbirkit.training.config import read_profile
from sbirkit.training.files import read_json, write_json
from sbirkit.training.manifest import code_digest, code_lines

from .reading import EVALUATED, Arm, Ledger, Place, Side


@dataclass(frozen=True, slots=True)
class Job:
    """One run that the ledger wants, and what of it: ``{verb: settings and measures}``."""

    arm: Arm
    place: Place
    seed: int
    profile: str
    world_seed: int
    train: Mapping[str, Any]
    needs: Mapping[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        return f"{self.arm.name}.{self.place.name}.s{self.seed}"

    def training(self) -> dict[str, Any]:
        """What the run is told of its training, beside its seed."""
        whole = self.train.get("images") or read_profile(self.profile)["train"]["images"]
        return dict(self.train) | dict(self.arm.train) | ({"images": whole // 2} if self.arm.half else {})

    def asked(self) -> dict[str, Any]:
        """What decides the run, as plain values; a record of anything else is not of this job."""
        return recipe({
            "method": self.arm.method, "options": dict(self.arm.options), "profile": self.profile,
            "train": self.training() | {"seed": self.seed}, "split": self.place.split,
            "world": {"seed": self.world_seed} | dict(self.place.world),
        })  # fmt: skip


def jobs(ledger: Ledger, *, profile: str, seeds: int, world_seed: int = 0) -> list[Job]:
    """Every run that the ledger wants, seed by seed, so that what is interrupted is still paired."""
    if profile not in ledger.train:
        raise ValueError(f"profile: want one of {', '.join(ledger.train)}, got {profile!r}")
    return [
        Job(ledger.arms[arm], ledger.places[place], seed, profile, world_seed, ledger.train[profile], needs)
        for seed in range(seeds)
        for (arm, place), needs in ledger.needs().items()
    ]


class Records:
    """The records in a folder, read once.

    >>> Records({}).number(Side("ramln"), "zs mAP@all", 0) is None
    True
    """

    def __init__(self, source: Path | Mapping[str, Mapping[str, Any]]) -> None:
        if isinstance(source, Path):
            source = {path.stem: read_json(path) for path in sorted(source.glob("*.s*.json"))}
        self.by_name = dict(source)

    def number(self, side: Side, quantity: str, seed: int) -> float | None:
        """What was measured, or None."""
        record = self.by_name.get(f"{side.arm}.{side.place}.s{seed}", {})
        source, _, key = quantity.partition(" ")
        return record.get("numbers", {}).get(side.verb, {}).get(source, {}).get(key)

    @property
    def seeds(self) -> list[int]:
        return sorted({record["asked"]["train"]["seed"] for record in self.by_name.values()})

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(dict(record) for record in self.by_name.values())

    def __len__(self) -> int:
        return len(self.by_name)


def lacking(job: Job, folder: Path) -> str:
    """Why a job has work to do, in words; empty where its record is whole and of the present code."""
    path = folder / f"{job.name}.json"
    if not path.is_file():
        return "not run"
    record = read_json(path)
    if record["asked"] != job.asked():
        return "its arm has changed"
    if stale(record):
        return "made by code that has changed"
    for verb, sources in job.needs.items():
        for source in sources:
            if source not in record["numbers"].get(verb, {}):
                if source in EVALUATED or source in measures():
                    return f"{source} not measured"
            elif record["digests"].get(source, "") != digest(source):
                return f"{source} is measured otherwise now"
    return ""


def stale(record: Mapping[str, Any]) -> bool:
    """Whether the code that makes such a run has changed since."""
    module, _, name = record["params"]["method"]["class"].partition(":")
    return record["manifest"]["code"] != code_digest(getattr(importlib.import_module(module), name))


def keep(job: Job, folder: Path, record: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{job.name}.json", record)


def measures() -> dict[str, Any]:
    """Every measure of a run by name: those of :mod:`sbirkit.claims.measures`, and ``protocol``."""
    from .variants import protocol

    try:
        found = importlib.import_module("sbirkit.claims.measures").MEASURES
    except ModuleNotFoundError as error:
        if error.name != "sbirkit.claims.measures":
            raise
        found = {}
    return {**found, "protocol": protocol}


def unknown(needs: Iterable[Mapping[str, tuple[str, ...]]]) -> list[str]:
    """Measures that are asked for and not there."""
    named = {source for one in needs for sources in one.values() for source in sources}
    return sorted(named - measures().keys() - set(EVALUATED))


@cache
def digest(source: str) -> str:
    """Names the code of a measure, without prose: its own, and the files of what it calls by name.

    Empty for a setting, which the run's own digest covers.
    """
    if (function := measures().get(source)) is None:
        return ""
    said = inspect.getsource(function)
    names = {node.id for node in ast.walk(ast.parse(said)) if isinstance(node, ast.Name)}
    called = [vars(sys.modules[function.__module__]).get(name) for name in names]
    named = {getattr(one, "__module__", None) or "" for one in called} | {f"{__package__}.measures.pictures"}
    ours = sorted(name for name in named if name.startswith(f"{__package__}.") and name in sys.modules)
    texts = [said] + [
        Path(sys.modules[name].__file__ or "").read_text(encoding="utf-8")
        for name in ours if name != function.__module__
    ]  # fmt: skip
    lines = [code_lines(text) for text in texts]
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()[:16]
