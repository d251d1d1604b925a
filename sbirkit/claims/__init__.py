"""The claims ledger: what each paper says, put to the test, with what came of it.

``claims.toml`` holds the claims, the arms that they compare and the places where these are compared, all of
it written before any run. ``python -m sbirkit.claims`` (``make ledger``) fills it; a verdict needs only the
small records in ``results/claims/``. ``python -m sbirkit.claims.asking`` makes the experiments that looked
for reasons afterwards; they have no verdict.

>>> from sbirkit.claims import read_ledger
>>> read_ledger().claims["ramln.intra"].quantity
'zs mAP@all'
"""

import importlib
from typing import Any

_HOMES = {  # name -> module, loaded when first named
    "Claim": "reading",
    "Ledger": "reading",
    "Outcome": "judging",
    "Records": "records",
    "curve": "judging",
    "curve_over_knob": "plots",
    "forest": "plots",
    "judge": "judging",
    "page": "page",
    "read_ledger": "reading",
    "small_multiples": "plots",
}
__all__ = [*_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
