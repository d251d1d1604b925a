"""A figure drawn by hand: what is left out, how the lines run, how the hand shakes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..streams import stream
from .canvas import XY, Canvas
from .grammar import Part
from .view import View

DRAWERS = 48  # people who draw in this world

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Drawer:
    """A person's way of drawing. Lengths are in figure units (the object is about 2 across)."""

    pen: float  # line width, share of the picture's side
    ink: float  # 0: pale grey, 1: black
    wobble: float  # how far the hand strays along a line
    tremor: float  # how much it shakes
    slack: float  # by how much lines miss or overshoot their ends
    overdraw: float  # chance of going over a line again
    lift: float  # chance that a line is broken off
    see_through: float  # chance of drawing a line that something else hides
    care: float  # more or less detail than others draw
    drift: float  # how far proportions stray
    stray: float  # how often a part sits beside its place

    @staticmethod
    @cache
    def number(seed: int, k: int) -> "Drawer":
        """The ``k``-th person of the world with this seed: always the same hand."""
        u = stream(seed, "drawer", k).random(11)
        return Drawer(
            pen=0.010 + 0.022 * u[0] ** 1.5,
            ink=0.55 + 0.45 * u[1] ** 0.5,
            wobble=0.012 + 0.035 * u[2],
            tremor=0.010 * u[3] ** 2,
            slack=0.065 * u[4] ** 1.5,
            overdraw=0.7 * u[5] ** 2,
            lift=0.22 * u[6] ** 2,
            see_through=0.7 * u[7] ** 4,
            care=0.5 * (u[8] - 0.5),
            drift=0.03 + 0.09 * u[9],
            stray=0.06 * u[10] ** 2,
        )


def sketch_view(photo_view: View, rng: np.random.Generator, gap: float) -> View:
    """People draw from memory: nearer to a plain view the wider the gap, and facing as they please."""
    u = rng.random(5) * 2 - 1
    plain = View(turn=5 * u[0], lean=0.04 * u[1], squeeze=0.97 + 0.06 * u[2], scale=0.84 + 0.06 * u[3])
    seen = photo_view.toward(plain, min(1.0, 0.6 * gap))
    turned = abs(u[4]) < 0.35 * gap
    return replace(seen, mirror=photo_view.mirror ^ turned)


def sketch(
    parts: Sequence[Part],
    view: View,
    drawer: Drawer,
    rng: np.random.Generator,
    size: int,
    *,
    gap: float,
    abstraction: float,
) -> Image:
    """``(size, size)``, dark lines on white paper."""
    canvas = Canvas(size)
    canvas.pixels[...] = 255
    width = max(0.9, drawer.pen * size)
    grey = (1 - drawer.ink) * 0.7
    warp = _Drift(rng, drawer.drift * gap)
    hand = (drawer.wobble * (0.5 + 0.5 * gap), drawer.tremor * gap)
    for part in parts:
        roll = rng.random(4)
        if not part.ink or roll[0] < _left_out(part.detail, abstraction - drawer.care):
            continue
        xy = warp(part.xy)
        if roll[1] < 4 * drawer.stray:
            xy = xy + rng.normal(size=2) * drawer.stray * gap
        lines = (
            _edges(xy, drawer, gap, rng)
            if part.corners
            else [_line(xy, part, hand, drawer, abstraction, rng)]
        )
        if part.closed and roll[2] >= drawer.see_through:
            body = xy if part.corners else lines[0][: len(xy)]
            canvas.fill(view(body, size), (1, 1, 1))
        if roll[3] < drawer.overdraw:
            again = [line + rng.normal(size=2) * 0.012 + _wander(len(line), 0.012, rng) for line in lines]
            lines = lines + [line[: max(2, int(len(line) * rng.uniform(0.4, 1)))] for line in again]
        lines = [piece for line in lines for piece in _broken(line, drawer.lift * (0.5 + abstraction), rng)]
        if lines:
            canvas.stroke(view.each(lines, size), (grey, grey, grey), width)
    return canvas.pixels[..., 0].copy()


def _left_out(detail: int, abstraction: float) -> float:
    """The chance that a part of this level of detail is not drawn."""
    return (0.0, 1.1 * abstraction - 0.25, 1.4 * abstraction + 0.05)[detail]


class _Drift:
    """Proportions gone a little wrong: a slow bend of the whole plane, so parts stay together."""

    def __init__(self, rng: np.random.Generator, amount: float) -> None:
        self._wave = rng.normal(size=(2, 2)) * 1.1
        self._phase = rng.random(2) * 2 * np.pi
        self._amount = amount
        self._stretch = 1 + rng.normal(size=2) * amount * 0.7

    def __call__(self, xy: XY) -> XY:
        return (xy + self._amount * np.sin(xy @ self._wave + self._phase)) * self._stretch


@cache
def _waves(n: int) -> NDArray[np.float64]:
    """``(n, 8)``: slow waves along a closed line, slower ones stronger."""
    t = np.arange(n) / n * 2 * np.pi
    return np.concatenate([[np.cos(k * t) / k, np.sin(k * t) / k] for k in (1, 2, 3, 5)]).T


def _wander(n: int, amount: float, rng: np.random.Generator) -> XY:
    return _waves(n) @ (rng.normal(size=(8, 2)) * amount)


def _line(
    xy: XY,
    part: Part,
    hand: tuple[float, float],
    drawer: Drawer,
    abstraction: float,
    rng: np.random.Generator,
) -> XY:
    """One stroke round (or along) a part, begun anywhere, its end missing the start a little."""
    n = len(xy)
    reach = float(np.ptp(xy, axis=0).max())
    wobble, tremor = hand
    line = xy + _wander(n, wobble * min(1.0, 0.25 + reach), rng)
    if tremor:
        line = line + rng.normal(size=(n, 2)) * tremor * min(1.0, reach)
    if abstraction > 0.5 and n > 16:  # only the main turns of the outline are kept
        keep = np.linspace(0, n - 1, max(8, int(n * (1.5 - abstraction)))).astype(int)
        line = line[keep]
    if not part.closed:
        return line
    start = int(rng.integers(len(line)))
    end = line[start] + rng.normal(size=2) * drawer.slack * min(1.0, reach)
    return np.concatenate([line[start:], line[:start], end[None]])


def _edges(xy: XY, drawer: Drawer, gap: float, rng: np.random.Generator) -> list[XY]:
    """Straight edges, each a stroke of its own: bowed, and missing or overshooting the corners."""
    start, end = xy, np.concatenate([xy[1:], xy[:1]])
    along = end - start
    length = np.hypot(*along.T)[:, None]
    over = rng.normal(size=(2, len(xy), 1)) * drawer.slack * np.minimum(1, 0.3 / np.maximum(length, 1e-6))
    stray = rng.normal(size=(2, len(xy), 2)) * drawer.slack * 0.35 * np.minimum(1, length)
    start, end = start - over[0] * along + stray[0], end + over[1] * along + stray[1]
    t = np.linspace(0, 1, 6)[None, :, None]
    bow = rng.normal(size=(len(xy), 1, 1)) * drawer.wobble * (0.4 + 0.6 * gap) * np.sin(np.pi * t)
    normal = along[:, None, ::-1] * (-1, 1)
    lines = start[:, None] * (1 - t) + end[:, None] * t + bow * normal
    return list(lines)


def _broken(line: XY, chance: float, rng: np.random.Generator) -> list[XY]:
    """The line, or what is left when the pen was lifted too early or in between."""
    if rng.random() >= chance or len(line) < 5:
        return [line]
    cut, hole = int(rng.integers(1, len(line))), max(1, int(len(line) * 0.18 * rng.random() + 1))
    return [piece for piece in (line[:cut], line[cut + hole :]) if len(piece) > 1]
