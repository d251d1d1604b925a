"""What training leaves behind: one folder, whole or not there at all."""

import importlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from torch import Tensor, nn

from sbirkit.models.method import Method
from sbirkit.models.recipe import rebuild

from .files import read_json, read_weights, write_json
from .history import read_history
from .manifest import code_digest

Which = Literal["best", "last"]
WEIGHTS = {"best": "weights.safetensors", "last": "last.safetensors"}
APART = ("benchmark", "weights", "verb", "setting")  # what tells two measurements apart


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """A finished run: ``params.json, metrics.json, history.jsonl, weights.safetensors, last.safetensors,
    manifest.json``, and ``looks.jsonl`` once unseen classes were looked at. Of a run that came with the
    repository, weights and history may be missing.

    ``weights.safetensors`` are those that did best on the selection classes, ``last.safetensors`` the last.
    """

    path: Path

    @classmethod
    def open(cls, path: str | Path) -> Self:
        path = Path(path).expanduser().resolve()
        needed = ["params.json", "metrics.json", "manifest.json"]
        if lacking := [name for name in needed if not (path / name).is_file()]:
            begun = path.with_name(path.name + ".partial").is_dir()
            hint = "It was interrupted: call fit(...) again as before, and it goes on." if begun else ""
            raise ValueError(f"path: no run in {path}, {', '.join(lacking)} missing. {hint}".rstrip())
        return cls(path)

    @cached_property
    def params(self) -> dict[str, Any]:
        """What was asked for: the method and its config, how to train, on which data."""
        return read_json(self.path / "params.json")

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Versions, machine, data, code, seconds."""
        return read_json(self.path / "manifest.json")

    @property
    def metrics(self) -> dict[str, Any]:
        """``{"selection": {"best": ..., "last": ...}, "results": [...]}``; see :func:`.training.evaluate`."""
        return read_json(self.path / "metrics.json")

    @property
    def history(self) -> list[dict[str, Any]]:
        """A line for each step, with its terms; and one for each look at the selection classes.

        Of a run that came with the repository, every tenth step.
        """
        thinned = self.path / "history.json"
        return read_json(thinned) if thinned.is_file() else read_history(self.path / "history.jsonl")

    @property
    def looks(self) -> list[dict[str, Any]]:
        """Every evaluation on unseen classes: when, what, on what."""
        return read_history(self.path / "looks.jsonl")

    def weights(self, which: Which = "best") -> dict[str, Tensor]:
        if which not in WEIGHTS:
            raise ValueError(f"which: want 'best' or 'last', got {which!r}")
        if not (path := self.path / WEIGHTS[which]).is_file():
            raise FileNotFoundError(f"which: {self.path.name} came without its {which} weights, only its "
                                    "record is here; fit(...) trains it again")  # fmt: skip
        return read_weights(path)

    def method(self, method: Method | None = None, *, which: Which = "best") -> Method:
        """The trained method, made anew from its recipe, or loaded into one you made, ready to embed.

        Made anew it lacks what is no part of its weights, as DSN's frozen teacher, which only its losses ask.
        """
        made = rebuild(self.params["method"]) if method is None else method
        made.load_state_dict(self.weights(which))
        if method is None:
            for name in [name for name, part in vars(made).items() if isinstance(part, nn.Module)]:
                vars(made)[name] = _Absent(name)
        return made.eval()

    def stale(self, method: type | None = None) -> bool:
        """Whether the code that makes such runs has changed since. A class of your own: name it."""
        if method is None:
            module, _, name = self.params["method"]["class"].partition(":")
            method = getattr(importlib.import_module(module), name) if module.startswith("sbirkit.") else None
        return self.manifest["code"] != code_digest(method)

    def keep(self, results: list[dict[str, Any]]) -> None:
        """Put numbers into ``metrics.json``, in place of older ones of the same measurement."""
        metrics = self.metrics
        fresh = [[row[k] for k in APART] for row in results]
        old = [row for row in metrics["results"] if [row[k] for k in APART] not in fresh]
        write_json(self.path / "metrics.json", metrics | {"results": old + results})

    def number(self, setting: str, *, which: Which = "best", verb: str = "embed") -> dict[str, float]:
        """Metric -> number of one setting on the run's own benchmark; empty where it was not measured."""
        key = [self.params["benchmark"]["digest"], which, verb, setting]
        for row in self.metrics["results"]:
            if [row[k] for k in APART] == key:
                return {m: v["harmonic"] if isinstance(v, dict) else v for m, v in row["metrics"].items()}
        return {}

    def __repr__(self) -> str:
        best = self.metrics["selection"]["best"]
        value = (
            "no selection classes" if best["mAP@all"] is None else f"selection mAP@all {best['mAP@all']:.4f}"
        )
        kind = self.params["method"]["class"].rpartition(":")[2]
        return f"<Run {self.path.name}: {kind}, best after {best['steps']} steps, {value}>"


class _Absent:
    """Stands where a network was that is not among a run's weights; whoever asks it for anything is told."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, asked: str) -> Any:
        if asked.startswith("__"):
            raise AttributeError(asked)
        raise ValueError(
            f"{self._name}: not among the weights of a run. To train on or to compute losses, make the "
            "method as it was made and give it: run.method(method)"
        )
