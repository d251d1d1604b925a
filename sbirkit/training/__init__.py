"""One loop for all methods, and what it leaves behind."""

import importlib
import logging
from typing import Any

from . import config

# Not in config.py: the shipped runs carry a digest of that file.
config.PROFILES += ("photos",)  # type: ignore[assignment]
logging.getLogger("lightning_fabric.utilities.rank_zero").setLevel(logging.WARNING)  # no hints for each run

_HOMES = {  # name -> module, loaded when first named
    "Diverged": "history",
    "embed_rows": "evaluation",
    "evaluate": "evaluation",
    "first_batch": "reaching",
    "fit": "loop",
    "reach": "reaching",
    "Run": "run",
    "TrainConfig": "config",
}
__all__ = [*_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
