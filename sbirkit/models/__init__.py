"""Networks that embed sketches and photos in one space: four systems, what they have to beat, backbones."""

import importlib
from typing import Any

_HOMES = {  # name -> module, loaded when first named
    "BDASketRet": "bdasketret",
    "BDASketRetConfig": "bdasketret",
    "DSN": "dsn",
    "DSNConfig": "dsn",
    "Frozen": "baselines",
    "MASBIR": "masbir",
    "MASBIRConfig": "masbir",
    "METHODS": "making",
    "RAMLN": "ramln",
    "RAMLNConfig": "ramln",
    "Softmax": "baselines",
    "SoftmaxConfig": "baselines",
    "TextTable": "text",
    "Triplet": "baselines",
    "TripletConfig": "baselines",
    "attach_gates": "gates",
    "backbone": "backbones",
    "make": "making",
}
__all__ = [*_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
