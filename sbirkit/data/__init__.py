"""What an image is, how it is stored, split, sampled and augmented."""

# ruff: noqa: F401

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .benchmark import Benchmark
    from .catalogue import Catalogue, CatalogueError
    from .leaks import LeakError
    from .names import normalise
    from .pictures import PictureError, fit, read_picture
    from .splits import Split
    from .writing import Item, write_catalogue

OBJECTS = "SBIRKIT_OBJECTS"  # in the environment: how many individuals a class of Doodle World has
_EXPORTS = {
    "augment": (),
    "benchmark": ("Benchmark",),
    "catalogue": ("Catalogue", "CatalogueError"),
    "doodleworld": (),
    "leaks": ("LeakError",),
    "loading": (),
    "names": ("normalise",),
    "pictures": ("PictureError", "fit", "read_picture"),
    "sampling": (),
    "sheets": (),
    "splits": ("Split",),
    "writing": ("Item", "write_catalogue"),
}
_HOME = {name: module for module, names in _EXPORTS.items() for name in names}
__all__ = [*_HOME, "load"]  # noqa: PLE0604


def load(name: str | Path) -> "Catalogue":
    """Open a prepared catalogue by folder, or by the name it was prepared under.

    ``"doodleworld"`` needs no preparation: it is drawn on first use, in about a minute. With
    ``SBIRKIT_OBJECTS=20`` in the environment it has 20 individuals of each class instead of 100: that is what
    `make reproduce PROFILE=smoke` works on.

    >>> world = load("doodleworld")  # doctest: +SKIP
    """
    from .. import paths
    from .catalogue import Catalogue, CatalogueError

    prepared = paths.data() / str(name)
    if str(name) == "doodleworld":
        from .doodleworld.world import World

        few = os.environ.get(OBJECTS)
        if few and not few.isdecimal():
            raise ValueError(f"{OBJECTS}: want how many individuals a class has, as in 20, got {few!r}")
        return (World(objects=int(few)) if few else World()).prepare()
    for folder in (prepared, Path(name).expanduser()):
        if folder.is_dir():
            return Catalogue.open(folder)
    found = sorted(p.parent.name for p in paths.data().glob("*/card.json"))
    raise CatalogueError(
        f"name: no catalogue {str(name)!r}; prepared here: {', '.join(found) or 'none yet'}. "
        f"Prepare one with `python -m data_prep NAME` or give the path of its folder."
    )


def __getattr__(name: str) -> Any:
    """Names load when first used: asking for a split list costs no image library."""
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    if name in _EXPORTS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__, *_EXPORTS]
