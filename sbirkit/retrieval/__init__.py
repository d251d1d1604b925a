"""Measures, protocols and indexes: from embeddings to numbers that have one meaning.

``leaks`` is :mod:`sbirkit.data.leaks`: whether a split and its file lists let the test into training.

>>> from sbirkit.retrieval import leaks
>>> [leak.examples for leak in leaks.report(train_classes=["cat", "Sofa"], unseen_classes=["couch", "owl"])]
[('Sofa (synonym: couch)',)]
"""

import importlib
from typing import Any

_HOMES = {  # name -> module, loaded when first named
    "as_reported": "presets",
    "chance_map": "metrics",
    "compare": "comparison",
    "evaluate_embeddings": "evaluate",
    "fit_itq": "codes",
    "Generalised": "evaluate",
    "Index": "index",
    "Metric": "metrics",
    "PRESETS": "presets",
    "Protocol": "protocol",
    "published_numbers": "published",
    "Result": "result",
    "score": "scoring",
    "score_by": "scoring",
}
__all__ = [*_HOMES, "leaks"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name == "leaks":  # they know no embeddings, so they live with the data
        return importlib.import_module("sbirkit.data.leaks")
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
