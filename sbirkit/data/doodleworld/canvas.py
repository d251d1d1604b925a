"""A square of pixels to draw on: anti-aliased paths by Agg, the 2D library inside matplotlib."""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform, TransformedPath
from numpy.typing import NDArray

XY = NDArray[np.float64]
_IDENTITY = IdentityTransform()
_CLOSED: dict[int, NDArray[np.uint8]] = {}


class Canvas:
    """Coordinates are pixels, y up. ``pixels`` is a live ``(n, n, 4)`` view, top row first."""

    def __init__(self, size: int) -> None:
        self._agg = RendererAgg(size, size, 72)
        self.pixels: NDArray[np.uint8] = np.asarray(self._agg.buffer_rgba())
        self._gc = self._agg.new_gc()
        self._gc.set_joinstyle("round")
        self._gc.set_capstyle("round")
        self._gc.set_snap(False)
        # Agg knows the last clip by the address of its path: kept alive, no address comes up twice.
        self._clips: list[Path] = []

    def fill(self, xy: XY, rgb: Sequence[float], alpha: float = 1.0) -> None:
        """Fill a closed outline."""
        self._gc.set_linewidth(0)
        self._agg.draw_path(self._gc, Path(xy, _codes(len(xy))), _IDENTITY, (*rgb, alpha))

    def stroke(self, lines: Sequence[XY], rgb: Sequence[float], width: float, alpha: float = 1.0) -> None:
        """Draw open lines, ``width`` pixels wide, all at once (overlaps do not darken)."""
        xy = lines[0] if len(lines) == 1 else np.concatenate(lines)
        codes = np.full(len(xy), Path.LINETO, np.uint8)
        codes[0] = Path.MOVETO
        at = 0
        for line in lines[:-1]:
            at += len(line)
            codes[at] = Path.MOVETO
        self._gc.set_linewidth(width)
        red, green, blue = rgb
        self._gc.set_foreground((red, green, blue, alpha), isRGBA=True)
        self._agg.draw_path(self._gc, Path(xy, codes), _IDENTITY, None)

    def clip(self, xy: XY | None) -> None:
        """Confine what follows to an outline; None lifts it."""
        if xy is None:
            self._gc.set_clip_path(None)
        else:
            self._clips.append(Path(xy, _codes(len(xy))))
            self._gc.set_clip_path(TransformedPath(self._clips[-1], _IDENTITY))


def _codes(n: int) -> NDArray[np.uint8]:
    if n not in _CLOSED:
        codes = np.full(n, Path.LINETO, np.uint8)
        codes[0] = Path.MOVETO
        _CLOSED[n] = codes
    return _CLOSED[n]
