"""The vector grammar: a class is a function that draws its parts, back to front, on a :class:`Figure`.

A figure is one individual object. Its random choices are made once, so the same object can be seen
as a photo and drawn as a sketch. Coordinates: x to the right, y up, the object about within [-1, 1].
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .colors import PALETTE, shade

Points: TypeAlias = Sequence[tuple[float, float]] | NDArray[np.float64]
RGB: TypeAlias = tuple[float, float, float]
Fill: TypeAlias = str | RGB


@dataclass(slots=True)
class Part:
    """One outline of a figure."""

    xy: NDArray[np.float64]  # (N, 2)
    fill: RGB
    closed: bool = True
    width: float = 0.0  # of an open line, in figure units
    kind: str = "body"  # names the part; class attributes are counted from these
    detail: int = 0  # 0: nobody leaves it out, 1: most people draw it, 2: only a careful drawer
    texture: str | None = None  # see photo.TEXTURES
    round: float = 0.6  # 0: flat like paper, 1: like a ball
    corners: bool = False  # straight edges meeting in corners: drawn stroke by stroke
    ink: bool = True  # False: a patch of colour without an outline


class Figure:
    """What a class function draws on; also its dice (:meth:`num`, :meth:`pick`, :meth:`color`)."""

    def __init__(self, rng: np.random.Generator, diversity: float = 1.0) -> None:
        self.parts: list[Part] = []
        self.adjectives: list[str] = []
        self.features: list[str] = []  # "round windows": told in captions as "with ..."
        self._rng, self._diversity = rng, diversity
        self._frame, self._scale = np.eye(3), 1.0

    # The dice ------------------------------------------------------------------------------------
    def num(self, low: float, high: float) -> float:
        """A number in ``[low, high]``; the diversity knob narrows (0) or widens (2) the range."""
        return (low + high) / 2 + (self._rng.random() - 0.5) * (high - low) * self._diversity

    def chance(self, p: float) -> bool:
        """True with probability ``p``; at diversity 0 always the likelier side."""
        if self._rng.random() >= self._diversity:
            return p >= 0.5
        return bool(self._rng.random() < p)

    def choose(self, *options: str) -> str:
        """One option, not told in the caption. At diversity 0 always the first."""
        roll, at = self._rng.random(), int(self._rng.integers(len(options)))
        return options[at] if roll < self._diversity else options[0]

    def pick(self, noun: str, *options: str) -> str:
        """One option, told in captions: ``pick("windows", "round", "square")`` -> "with round windows"."""
        chosen = self.choose(*options)
        self.features.append(f"{chosen} {noun[:-1] if chosen == 'one' and noun.endswith('s') else noun}")
        return chosen

    def adjective(self, *options: str) -> str:
        """One option, told in captions as an adjective; ``""`` says nothing."""
        chosen = self.choose(*options)
        if chosen:
            self.adjectives.append(chosen)
        return chosen

    def color(self, *names: str, tell: str | None = "") -> RGB:
        """A slightly varied colour out of ``names`` (see colors.PALETTE).

        ``tell=""`` says it as an adjective of the object, ``tell="a roof"`` as a feature
        ("with a red roof"), ``tell=None`` keeps it quiet.
        """
        name = self.choose(*names)
        if tell == "":
            self.adjectives.append(name)
        elif tell:
            head, _, noun = tell.rpartition(" ")
            article = "an " if head == "a" and name[0] in "aeiou" else f"{head} " if head else ""
            self.features.append(f"{article}{name} {noun}")
        jitter = (self._rng.random(3) - 0.5) * 0.14 * self._diversity
        red, green, blue = (
            min(0.98, max(0.02, c + j)) for c, j in zip(PALETTE[name], jitter.tolist(), strict=True)
        )
        return (red, green, blue)

    # The pen -------------------------------------------------------------------------------------
    def poly(self, points: Points, fill: Fill, **look: object) -> None:
        """A closed outline with straight edges."""
        self._add(np.asarray(points, float), fill, corners=True, **look)

    def blob(self, points: Points, fill: Fill, **look: object) -> None:
        """A closed smooth outline through ``points``."""
        self._add(smooth(np.asarray(points, float), closed=True), fill, **look)

    def oval(
        self, x: float, y: float, rx: float, ry: float, fill: Fill, *, turn: float = 0, **look: object
    ) -> None:
        """An ellipse, turned by ``turn`` degrees."""
        self._add(_CIRCLE * (rx, ry) @ _rotation(turn) + (x, y), fill, **look)

    def box(
        self, x0: float, y0: float, x1: float, y1: float, fill: Fill, *, soft: float = 0.0, **look: object
    ) -> None:
        """A rectangle; ``soft`` is the radius of its corners."""
        if not soft:
            return self.poly([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill, **{"round": 0.25, **look})
        r = min(soft, abs(x1 - x0) / 2, abs(y1 - y0) / 2)
        (x0, x1), (y0, y1) = sorted((x0, x1)), sorted((y0, y1))
        arcs = [
            _CIRCLE[quarter] * r + centre
            for quarter, centre in zip(
                _QUARTERS,
                [(x1 - r, y1 - r), (x0 + r, y1 - r), (x0 + r, y0 + r), (x1 - r, y0 + r)],
                strict=True,
            )
        ]
        self._add(np.concatenate(arcs), fill, **{"round": 0.35, **look})

    def limb(
        self, points: Points, start: float, end: float, fill: Fill, *, bend: bool = True, **look: object
    ) -> None:
        """A tube along ``points``, ``start`` wide at first and ``end`` wide at last: legs, tails, necks."""
        spine = np.asarray(points, float)
        if bend and len(spine) > 2:
            spine = smooth(spine, closed=False)
        along = np.gradient(spine, axis=0)
        normal = along[:, ::-1] * (-1, 1) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
        half = np.linspace(start / 2, end / 2, len(spine))[:, None] * normal
        self._add(np.concatenate([spine + half, (spine - half)[::-1]]), fill, **look)

    def line(
        self, points: Points, fill: Fill, width: float = 0.03, *, bend: bool = False, **look: object
    ) -> None:
        """An open line."""
        xy = np.asarray(points, float)
        xy = smooth(xy, closed=False) if bend and len(xy) > 2 else xy
        self._add(xy, fill, closed=False, width=width, **look)

    @contextmanager
    def at(
        self, x: float = 0, y: float = 0, *, turn: float = 0, size: float = 1, flip: bool = False
    ) -> Iterator[None]:
        """Draw inside a frame moved to ``(x, y)``, turned by ``turn`` degrees, scaled, maybe mirrored."""
        outer, outer_scale = self._frame, self._scale
        inner = np.eye(3)
        inner[:2, :2] = (_rotation(turn).T * size) @ np.diag([-1.0 if flip else 1.0, 1.0])
        inner[:2, 2] = x, y
        self._frame, self._scale = outer @ inner, outer_scale * size
        yield
        self._frame, self._scale = outer, outer_scale

    def _add(self, xy: NDArray[np.float64], fill: Fill, **look: object) -> None:
        m = self._frame
        xy = xy @ m[:2, :2].T + m[:2, 2]
        rgb = PALETTE[fill] if isinstance(fill, str) else fill
        part = Part(xy, rgb, **look)  # type: ignore[arg-type]
        part.width *= self._scale
        self.parts.append(part)


Drawing: TypeAlias = Callable[[Figure], None]

_ANGLE = np.linspace(0, 2 * np.pi, 24, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLE), np.sin(_ANGLE)], axis=1)
_QUARTERS = [np.arange(k, k + 7) % 24 for k in (0, 6, 12, 18)]


def _rotation(degrees: float) -> NDArray[np.float64]:
    """Right-multiplied row-vector rotation, counter-clockwise."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, s], [-s, c]])


def smooth(points: NDArray[np.float64], *, closed: bool, steps: int = 5) -> NDArray[np.float64]:
    """A Catmull-Rom spline through ``points``, ``steps`` samples a segment.

    >>> smooth(np.array([[0., 0.], [1., 0.], [1., 1.]]), closed=False).shape
    (11, 2)
    """
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    basis = _BASIS if steps == 5 else _basis(steps)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 4, axis=0)  # (segments, 2, 4)
    curve = (windows @ basis).transpose(0, 2, 1).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, points[-1:]])


def _basis(steps: int) -> NDArray[np.float64]:
    t = np.arange(steps) / steps
    return 0.5 * np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3]
    )  # (4, steps)


_BASIS = _basis(5)

__all__ = ["RGB", "Drawing", "Figure", "Fill", "Part", "Points", "shade", "smooth"]
