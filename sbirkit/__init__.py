"""Learn, reproduce and compare zero-shot sketch-based image retrieval."""

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = ["data", "explore", "losses", "models", "paths", "retrieval", "runs", "training"]


def __getattr__(name: str) -> Any:
    """``sbirkit.data`` and its sisters load when first named, so ``import sbirkit`` costs nothing."""
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
