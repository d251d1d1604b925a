"""Explorers: draw, drag, lasso and turn, and see what an embedding does.

Each is a state in plain Python, which shows itself in a notebook: as a live view where there is a kernel, as
a picture on paper. ``pad = RetrievalState(searchers)`` in one cell, ``pad`` in the next; running the second
again loses nothing, and all views of one state agree.
"""

import importlib
from typing import Any

_HOMES = {  # name -> module, loaded when first named
    "AtlasState": "atlas",
    "Handmade": "searching",
    "KnobsState": "knobs",
    "PlaygroundState": "playground",
    "RetrievalState": "sketchpad",
    "RunsState": "runs",
    "Searcher": "searching",
    "Stroke": "strokes",
    "on_the_way": "atlas",
    "rasterise": "strokes",
}
__all__ = [*_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
