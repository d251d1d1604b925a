"""Stroke drawings (Quick, Draw! ``ndjson``) to pictures: anti-aliased, any size, always the same pixels."""

import functools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from sbirkit.data.pictures import PictureError

Stroke = Sequence[Sequence[float]]  # [[x, ...], [y, ...]], a third row (time) is ignored
MAX_POINTS = 100_000
WIDTH = 1 / 40  # of the side: 1.6 pixels at 64, about the pencil of the photos' sketchers


def parse(line: str | bytes) -> dict[str, Any]:
    """One ``ndjson`` line with a drawing worth the name, or :class:`PictureError` saying why not.

    >>> parse('{"word": "cat", "drawing": [[[0, 255], [0, 9]]]}')["word"]
    'cat'
    >>> parse('{"word": "cat", "drawing": [[[0, 255], [0]]]}')
    Traceback (most recent call last):
    ...
    sbirkit.data.pictures.PictureError: stroke 1: want as many y as x, got 2 x and 1 y
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PictureError(f"not a line of JSON: {error}") from None
    drawing = record.get("drawing") if isinstance(record, dict) else None
    if not isinstance(drawing, list) or not drawing:
        raise PictureError("no 'drawing' with strokes in it")
    for number, stroke in enumerate(drawing, start=1):
        rows = stroke[:2] if isinstance(stroke, list) else []
        if len(rows) < 2 or not all(isinstance(row, list) for row in rows):
            raise PictureError(f"stroke {number}: want [[x, ...], [y, ...]]")
        x, y = rows
        if len(x) != len(y) or not x:
            raise PictureError(f"stroke {number}: want as many y as x, got {len(x)} x and {len(y)} y")
        if not all(type(v) in (int, float) and abs(v) < 1e6 for v in (*x, *y)):  # NaN is not, either
            raise PictureError(f"stroke {number}: want finite numbers")
    if sum(len(stroke[0]) for stroke in drawing) > MAX_POINTS:
        raise PictureError(f"more than {MAX_POINTS:,} points")
    return record


def rasterise(
    drawing: Sequence[Stroke], size: int, *, width: float = WIDTH, margin: float = 0.05
) -> np.ndarray:
    """Black strokes on white, centred, as large as the margin allows: uint8 ``(size, size)``.

    Args:
        width: of the line, and ``margin`` on each side, as parts of the side.

    >>> rasterise([[[0, 255], [7, 7]]], 9, width=1 / 9)[:, 4].tolist()
    [255, 255, 255, 255, 0, 255, 255, 255, 255]
    """
    from matplotlib.path import Path
    from matplotlib.transforms import IdentityTransform

    strokes = [np.array(stroke[:2], dtype=np.float64).T for stroke in drawing]
    # A dot has no direction, so Agg would draw nothing: give it a hair's breadth.
    strokes = [np.concatenate([s, s[-1:] + 1e-3]) if (s == s[0]).all() else s for s in strokes]
    points = np.concatenate(strokes)  # (N, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = size * (1 - 2 * margin - width) / max((high - low).max(), 1.0)
    codes = np.full(len(points), Path.LINETO, dtype=np.uint8)
    codes[np.cumsum([0, *map(len, strokes[:-1])])] = Path.MOVETO
    path = Path((points - (low + high) / 2) * (scale, -scale) + size / 2, codes)
    path.should_simplify = False
    renderer, pen = _pen(size)
    pen.set_linewidth(width * size)
    renderer.clear()
    renderer.draw_path(pen, path, IdentityTransform())
    return 255 - np.asarray(renderer.buffer_rgba())[..., 3]


@functools.lru_cache(maxsize=8)
def _pen(size: int) -> tuple[Any, Any]:
    """A canvas and a round black pen of matplotlib's Agg, made once for each size."""
    from matplotlib.backend_bases import GraphicsContextBase
    from matplotlib.backends.backend_agg import RendererAgg

    pen = GraphicsContextBase()
    pen.set_capstyle("round")
    pen.set_joinstyle("round")
    pen.set_foreground((0.0, 0.0, 0.0))
    pen.set_snap(False)
    return RendererAgg(size, size, 72), pen
