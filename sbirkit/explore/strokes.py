"""Strokes of a pen, and the picture they make: the same with a browser and without."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

MOST = 2_000  # points of a stroke that are kept
WIDTH = 0.024  # of the pen, as a share of the pad's side: about 1.5 pixels of 64
FINER = 4  # drawn so much larger, then shrunk


@dataclass(frozen=True)
class Stroke:
    """One line of the pen: ``(x, y)`` from 0 to 1, right and down; ``width`` is a share of the side.

    >>> Stroke.of([[0, 0.5], [2, 0.5]]).points
    ((0.0, 0.5), (1.0, 0.5))
    """

    points: tuple[tuple[float, float], ...]
    width: float = WIDTH

    @classmethod
    def of(cls, points: Any, width: float = WIDTH) -> "Stroke":
        """Check what came from a pen: pairs of numbers. Outside moves to the edge; too many are thinned."""
        try:
            xy = np.asarray(points, dtype=np.float64)
        except (TypeError, ValueError):
            xy = np.zeros(0)
        if xy.ndim != 2 or xy.shape[1] != 2 or not len(xy) or not np.isfinite(xy).all():
            raise ValueError(f"points: want pairs [x, y] of numbers from 0 to 1, got {str(points)[:60]}")
        if not (isinstance(width, int | float) and math.isfinite(width) and 0.004 <= width <= 0.2):
            raise ValueError(f"width: want 0.004 to 0.2 of the pad's side, got {width!r}")
        if len(xy) > MOST:
            xy = xy[np.linspace(0, len(xy) - 1, MOST).round().astype(int)]
        return cls(tuple(map(tuple, xy.clip(0, 1).round(4).tolist())), float(width))

    @property
    def length(self) -> float:
        """Of the line, in sides of the pad."""
        return float(np.hypot(*np.diff(np.array(self.points), axis=0).T).sum())


def rasterise(strokes: Iterable[Stroke], size: int = 64) -> np.ndarray:
    """``(size, size)`` uint8, black on white, smooth edges.

    >>> picture = rasterise([Stroke.of([[0, 0.5], [1, 0.5]])], 32)
    >>> int(picture[16, 16]) < 200, int(picture[4, 4])
    (True, 255)
    """
    side = size * FINER
    img = Image.new("L", (side, side), 255)
    pen = ImageDraw.Draw(img)
    for stroke in strokes:
        line, thick = [(x * side, y * side) for x, y in stroke.points], stroke.width * side
        pen.line(line, fill=0, width=max(1, round(thick)), joint="curve")
        for x, y in (line[0], line[-1]):  # round ends; a dot is nothing else
            pen.ellipse([x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2], fill=0)
    return np.asarray(img.resize((size, size), Image.Resampling.BOX))


def remark(strokes: Sequence[Stroke]) -> str:
    """A kind word about a drawing that says little."""
    if strokes and sum(stroke.length for stroke in strokes) < 0.05:
        return "One dot says little: what comes back is close to chance. Draw an outline."
    return ""
