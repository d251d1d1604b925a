"""What this generator version drew when results were made, so that a change cannot slip in unseen."""

import hashlib
import platform

import matplotlib
import numpy as np

from .world import World, inhabitants


def outline_digest(label: str, *, individuals: int = 4) -> str:
    """Of the outlines of a class's first individuals, to a thousandth: the same on every platform."""
    hashed = hashlib.sha256()
    for k in range(individuals):
        for part in World().figure(label, k).parts:
            hashed.update(np.round(part.xy * 1000).astype(np.int32).tobytes())
            hashed.update(f"{part.kind} {part.detail} {part.texture} {part.closed}".encode())
    return hashed.hexdigest()[:12]


def picture_digest() -> str:
    """Of one photo and one sketch of every class, bit by bit: may differ between platforms."""
    world, hashed = World(), hashlib.sha256()
    for label in sorted(inhabitants()):
        hashed.update(world.photo(label, 0).tobytes() + world.sketch(label, 0).tobytes())
    return hashed.hexdigest()


def here() -> dict[str, str]:
    """The platform, as far as it decides how pictures are rounded."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "matplotlib": matplotlib.__version__,
        "numpy": np.__version__,
    }
