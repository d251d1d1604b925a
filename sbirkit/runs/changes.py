"""Parameters of a profile, changed for all notebooks: ``-p images=9600``, ``-p dsn.contrastive=0.5``.

They travel in the environment, so that whatever trains in a notebook is trained with them.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sbirkit.data.names import suggest

NAME = "SBIRKIT_CHANGES"
NOT_HERE = ("seed", "device")  # a notebook's own, and the machine's


def trainable() -> list[str]:
    """The names that a profile's ``[train]`` may have."""
    from sbirkit.training.config import TrainConfig

    return ["images", *(f.name for f in fields(TrainConfig) if f.name not in NOT_HERE)]


def of(method: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the environment changes in how a method is trained, and in its options."""
    given = json.loads(os.environ.get(NAME) or "{}")
    mine = {key.rpartition(".")[2]: value for key, value in given.items() if key.rpartition(".")[0] == method}
    every = {key: value for key, value in given.items() if "." not in key}
    train, options = split(mine)
    return every | train, options


def split(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Changes to one method: of how it is trained, and of its own options."""
    train = trainable() if given else []
    return ({key: value for key, value in given.items() if key in train},
            {key: value for key, value in given.items() if key not in train})  # fmt: skip


def check(given: Mapping[str, Any], profile: str) -> None:
    """Every name is one that training knows, or ``METHOD.NAME``; every value is of its kind."""
    from sbirkit.models.making import METHODS
    from sbirkit.training.config import TrainConfig

    train = trainable()
    for key, value in given.items():
        method, _, name = key.rpartition(".")
        if method and method not in METHODS:
            hint = suggest(method, list(METHODS))
            raise ValueError(f"parameter {key}: there is no method {method!r}{hint}; "
                             f"there are {', '.join(METHODS)}")  # fmt: skip
        options = [f.name for f in fields(METHODS[method].Options)] if method else []
        if name not in train + options:
            raise ValueError(f"there is no parameter {key!r}{suggest(name, train + options)}; "
                             f"there are {', '.join(train + options)}")  # fmt: skip
        try:
            if name in options and name not in train:
                METHODS[method].Options(**{name: value})
            else:
                whole = {"images": int} if name == "images" else {}
                if whole and (type(value) is not int or value < 1):
                    raise ValueError(f"images wants a whole number from 1, got {value!r}")
                TrainConfig.profile(profile, method, **{name: value})
        except (TypeError, ValueError) as error:
            raise ValueError(f"parameter {key}: {error}") from None
