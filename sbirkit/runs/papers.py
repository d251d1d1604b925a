"""The `paper` profiles: what each paper does on each data set, where that is known from, what it costs."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbirkit import paths
from sbirkit.retrieval.published import Published, published_numbers
from sbirkit.training.config import TrainConfig, read_profile

if TYPE_CHECKING:
    from sbirkit.models.method import Method

DATA = ("sketchy", "tuberlin", "quickdraw")
SYSTEMS = ("ramln", "dsn", "masbir", "bdasketret")
MARKS = ("found", "inferred", "ours")
Fact = tuple[Any, ...]  # value, mark, source


@cache
def read(name: str) -> dict[str, Any]:
    """One of the files ``paper-*.toml`` beside the profiles."""
    text = (files("sbirkit.training") / "profiles" / f"paper-{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def leaves(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` -> ``{"a.b": 1}``."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= leaves(value, f"{before}{key}.") if isinstance(value, Mapping) else {before + key: value}
    return found


@dataclass(frozen=True)
class Plan:
    """One method on one data set, as its paper has it.

    >>> plan = Plan.of("dsn", "sketchy")
    >>> plan.value("split"), plan.config().steps, plan.pictures
    ('sketchy-25-sake', 21360, 6151680)
    """

    method: str
    data: str
    own: Mapping[str, Any]
    about: Mapping[str, Any]

    @classmethod
    def of(cls, method: str, data: str) -> "Plan":
        for what, name, known in (("method", method, SYSTEMS), ("data", data, DATA)):
            if name not in known:
                raise ValueError(f"{what}: want one of {', '.join(known)}, got {name!r}")
        told = read(data)
        return cls(method, data, told[method], told["data"])

    def value(self, name: str) -> Any:
        return self.own[name][0]

    def facts(self) -> dict[str, Fact]:
        """Every value that decides the run, with its mark and its source."""
        profile, marks = read_profile("paper"), read("marks")
        shared = {f"train.{k}": (v, *marks["train"][k]) for k, v in profile["train"].items() if k != "images"}
        told = leaves(marks.get(self.method, {}))
        mine = {k: (v, *told[k]) for k, v in leaves(profile.get(self.method, {})).items()}
        here = {k: tuple(v) for k, v in self.own.items() if isinstance(v, list)}
        batch = {f"train.{k}": tuple(v) for k, v in self.own.get("batch", {}).items()}
        return shared | mine | batch | here

    def changes(self) -> dict[str, Any]:
        """To the `paper` profile's training, for this data set."""
        batch = {k: v[0] for k, v in self.own.get("batch", {}).items()}
        return {"steps": self.value("steps")} | batch

    def config(self, **more: Any) -> TrainConfig:
        return TrainConfig.profile("paper", self.method, **self.changes() | more)

    @property
    def views(self) -> int:
        """Further views of each picture: DSN's two."""
        return 2 if self.method == "dsn" else 0

    @property
    def pictures(self) -> int:
        """How many pictures pass through training, all views counted."""
        c = self.config()
        return c.steps * 2 * c.p * c.k * (1 + self.views)

    @property
    def embedded(self) -> int:
        """How many are embedded to choose a checkpoint and to measure the unseen classes."""
        c, chosen = self.config(), 0.1  # of the seen classes
        looks = c.steps // c.select_every + 1 if c.select_every else 1
        return round(looks * chosen * sum(self.value("train"))) + sum(self.value("test"))

    @property
    def bytes(self) -> int:
        """Of the catalogue at this size; at work twice that."""
        side = self.config().size ** 2
        return side * (self.about["sketches"][0] + 3 * self.about["photos"][0])

    def differs(self) -> list[str]:
        """What the paper does and sbirkit does not."""
        return read("marks")["differs"][self.method]

    def published(self) -> list[Published]:
        """The numbers that it would be compared with, of the same split where that is known."""
        name = self.own.get("published")
        if not name:
            return []
        rows = published_numbers(name, self.about["title"], setting="zs")
        split = self.value("split")
        return [row for row in rows if row.split in (split, "unknown")]


def hours(plan: Plan, measured: Mapping[str, Any], *, resident: int) -> float:
    r"""Expected hours: :math:`(\text{trained} / r + \text{embedded} / e) / 3600`.

    Where the pixels take ``resident`` bytes or more they stay on the CPU, and one thread makes the batches
    there: then :math:`r` is at most what that gives.
    """
    rate = measured["images_per_second"]
    if plan.bytes >= resident:
        rate = min(rate, measured["made on the CPU, images_per_second"])
    return (plan.pictures / rate + plan.embedded / measured["embedded images_per_second"]) / 3600


def disk(plan: Plan, method: "Method") -> dict[str, float]:
    """GB that are needed: for the catalogue, at work twice that, and for one run with its checkpoint."""
    weights = sum(x.numel() * x.element_size() for x in method.state_dict().values())
    moving = sum(p.numel() * p.element_size() for p in method.parameters() if p.requires_grad)
    return {"catalogue": plan.bytes / 1e9, "while it is made": 2 * plan.bytes / 1e9,
            "a run": (3 * weights + 2 * moving) / 1e9}  # fmt: skip


def place(stages: str = "throughput") -> Path:
    """This machine's record of ``gpu-check``, if such stages are in it; else the one that was shipped."""
    mine, shipped = paths.home() / "gpu-check" / "cuda.json", paths.results()
    known = json.loads(mine.read_text(encoding="utf-8"))["stages"] if mine.is_file() else ()
    own = any(name.startswith(stages) for name in known)
    return mine if own or shipped is None else shipped / "gpu" / "check.json"


def measured_on(path: Path) -> dict[str, Any]:
    """The record of a ``gpu-check`` on a GPU; empty where there is none or it was a quick one."""
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    sound = found["machine"]["device"] == "cuda" and not found["budget"]["quick"]
    return found if sound else {}
