"""How to train, as a value, and four profiles of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
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
PROFILES: dict[str, dict[str, Any]] = {
    "smoke": {"steps": 20, "p": 4, "k": 2, "warmup": 2, "select_every": 10, "checkpoint_every": 10},
    "laptop": {"steps": 800, "p": 16, "k": 2, "warmup": 40, "select_every": 100, "checkpoint_every": 100},
    "gpu": {"steps": 4000, "p": 32, "k": 4, "warmup": 200, "precision": "bf16-mixed"},
    "paper": {
        "steps": 20_000, "p": 32, "k": 2, "warmup": 1000, "size": 224, "lr": 1e-4, "augment": "strong",
        "select_every": 1000, "checkpoint_every": 500,
    },
}  # fmt: skip


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
    def profile(cls, name: str, **changes: Any) -> Self:
        """One of :data:`PROFILES`, with some values of your own.

        >>> TrainConfig.profile("smoke", lr=0.01).steps
        20
        """
        if name not in PROFILES:
            raise ValueError(f"profile: want one of {', '.join(PROFILES)}, got {name!r}")
        return cls(**PROFILES[name] | changes)

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
