"""Measures, protocols and indexes: from embeddings to numbers that have one meaning."""

import importlib
from typing import Any

_HOMES = {  # name -> module, loaded when first named
    "as_reported": "presets",
    "compare": "protocol",
    "evaluate_embeddings": "protocol",
    "fit_itq": "codes",
    "Generalised": "protocol",
    "Index": "index",
    "Metric": "metrics",
    "PRESETS": "presets",
    "Protocol": "protocol",
    "published_numbers": "published",
    "Result": "result",
    "score": "scoring",
    "score_by": "scoring",
}
__all__ = [*_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
