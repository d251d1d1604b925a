"""How to train, as a value; ``profiles/`` holds four of them as files."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal, Self

from sbirkit.data.augment import Augment
from sbirkit.models.config import Config

AUGMENT: dict[str, dict[str, float]] = {
    "none": {},
    "light": {"flip": 0.5, "shift": 0.06, "scale": 0.1, "rotate": 10},
    "strong": {
        "flip": 0.5, "shift": 0.06, "scale": 0.3, "rotate": 30, "geometry": 0.7, "each": 0.5, "stroke": 0.5,
        "brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1, "jitter": 0.8, "grayscale": 0.2,
    },
}  # fmt: skip
PROFILES = ("smoke", "laptop", "gpu", "paper")


@cache
def read_profile(name: str) -> dict[str, Any]:
    """A profile's file: ``[train]``, and for some methods ``[METHOD.train]`` and ``[METHOD.options]``."""
    if name not in PROFILES:
        raise ValueError(f"profile: want one of {', '.join(PROFILES)}, got {name!r}")
    return tomllib.loads((files(__package__) / "profiles" / f"{name}.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Config):
    """How a method is trained.

    Args:
        steps: optimiser steps. p, k: a batch holds ``k`` sketches and ``k`` photos of ``p`` classes.
        lr: at its height; it rises over ``warmup`` steps and falls along a cosine.
        weight_decay: AdamW's, for matrices and kernels only.
        size: side of the pictures. augment: a name in :data:`AUGMENT`, or the fields of an ``Augment``.
        seed: of batches, augmentation and the terms' noise.
        select_every: measure selection classes every so many steps, and at the end; 0 is the end only.
        checkpoint_every: save all that is needed to resume; 0 is never.
        log_every: steps between two looks at the terms; each look waits for the device.
    """

    steps: int = 800
    p: int = 16
    k: int = 2
    lr: float = 1e-3
    weight_decay: float = 0.05
    warmup: int = 40
    size: int = 64
    augment: str | Mapping[str, float] = "light"
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = 0
    select_every: int = 200
    checkpoint_every: int = 200
    log_every: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        least = {"steps": 0, "p": 1, "k": 1, "lr": 0, "weight_decay": 0, "warmup": 0, "size": 1,
                 "select_every": 0, "checkpoint_every": 0, "log_every": 1}  # fmt: skip
        for name, low in least.items():
            if not low <= getattr(self, name) < math.inf:
                raise ValueError(f"TrainConfig: {name} wants {low} or more, got {getattr(self, name)}")
        self.recipe()

    @classmethod
    def profile(cls, name: str, method: str = "", *, views: int = 0, **changes: Any) -> Self:
        """How a profile trains a method, with some values of your own.

        A profile says how many ``images`` are looked at. Steps follow, so that methods with further views of
        each picture take fewer of them.

        >>> TrainConfig.profile("smoke", lr=0.01).steps, TrainConfig.profile("smoke", views=1).steps
        (20, 10)
        """
        read = read_profile(name)
        values = read["train"] | read.get(method, {}).get("train", {}) | changes
        images = values.pop("images")
        if "steps" in values:
            return cls(**values)
        draft = cls(**values)
        return replace(draft, steps=max(1, images // (2 * draft.p * draft.k * (1 + views))))

    def recipe(self) -> Augment:
        """What ``augment`` stands for."""
        if not isinstance(self.augment, str):
            return Augment(**self.augment)
        if self.augment not in AUGMENT:
            known = ", ".join(AUGMENT)
            raise ValueError(f"TrainConfig: augment wants one of {known}, or fields, got {self.augment!r}")
        return Augment(**AUGMENT[self.augment])

    def share(self, step: int, steps: int) -> float:
        r"""The part of ``lr`` in a step: :math:`\min(1, (t + 1) / w) \cdot (1 + \cos \pi t / T) / 2`.

        >>> [round(TrainConfig(warmup=2).share(t, 4), 2) for t in range(4)]
        [0.5, 0.85, 0.5, 0.15]
        """
        return min(1.0, (step + 1) / max(1, self.warmup)) * (1 + math.cos(math.pi * step / steps)) / 2
