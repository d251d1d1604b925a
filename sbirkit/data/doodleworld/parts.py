"""Shared parts: what a wheel, an eye or a window is, wherever it appears.

Every part names its ``kind``; a class's attribute vector counts these kinds, so two classes that
share parts share attributes.
"""

from math import cos, pi, sin

from .colors import RGB, shade
from .grammar import Figure, Points


def both(*half: tuple[float, float]) -> list[tuple[float, float]]:
    """A symmetric outline from its right half, told from one end to the other.

    >>> both((1, 0), (0.5, 1))
    [(1, 0), (0.5, 1), (-0.5, 1), (-1, 0)]
    """
    return [*half, *[(-x, y) for x, y in reversed(half) if x]]


def wheel(
    f: Figure, x: float, y: float, r: float, *, tyre: RGB | str = "black", hub: RGB | str = "silver"
) -> None:
    """A tyre with a hub."""
    f.oval(x, y, r, r, tyre, kind="wheel", round=0.3)
    f.oval(x, y, r * 0.5, r * 0.5, hub, kind="hub", detail=1)


def hoop(
    f: Figure,
    x: float,
    y: float,
    r: float,
    *,
    fill: RGB | str = "black",
    width: float = 0.06,
    spokes: int = 6,
) -> None:
    """A thin wheel that one sees through, with spokes."""
    turn = f.num(0, 60)
    for k in range(spokes // 2):
        with f.at(x, y, turn=turn + k * 360 / spokes):
            f.line([(-r, 0), (r, 0)], "grey", 0.02, kind="spoke", detail=2)
    ring = [(x + r * cos(k * pi / 12), y + r * sin(k * pi / 12)) for k in range(25)]
    f.line(ring, fill, width, kind="wheel")
    f.oval(x, y, 0.05, 0.05, "silver", kind="hub", detail=2)


def window(
    f: Figure,
    x: float,
    y: float,
    w: float,
    h: float,
    *,
    shape: str = "square",
    bars: bool = False,
    detail: int = 1,
) -> None:
    """A pane centred on ``(x, y)``, ``w`` by ``h``; ``shape`` is square, round or arched."""
    if shape == "round":
        f.oval(x, y, w / 2, h / 2, "glass", kind="window", detail=detail, round=0.2)
    elif shape == "arched":
        f.box(
            x - w / 2, y - h / 2, x + w / 2, y + h / 2, "glass", soft=w * 0.45, kind="window", detail=detail
        )
    else:
        f.box(x - w / 2, y - h / 2, x + w / 2, y + h / 2, "glass", kind="window", detail=detail)
    if bars:
        f.line([(x, y - h / 2), (x, y + h / 2)], "white", 0.02, kind="window bar", detail=2)
        f.line([(x - w / 2, y), (x + w / 2, y)], "white", 0.02, kind="window bar", detail=2)


def door(
    f: Figure, x: float, y: float, w: float, h: float, fill: RGB | str = "brown", *, detail: int = 1
) -> None:
    """A door standing on ``y``, centred on ``x``, with a knob."""
    f.box(x - w / 2, y, x + w / 2, y + h, fill, kind="door", detail=detail, texture="planks")
    f.oval(x + w * 0.3, y + h * 0.45, 0.025, 0.025, "gold", kind="knob", detail=2)


def roof(f: Figure, x0: float, x1: float, y: float, h: float, fill: RGB | str, *, peak: float = 0.5) -> None:
    """A gable over ``[x0, x1]``; ``peak`` is where along it the top is (0 to 1)."""
    f.poly([(x0, y), (x1, y), (x0 + (x1 - x0) * peak, y + h)], fill, kind="roof", texture="tiles", round=0.3)


def eye(f: Figure, x: float, y: float, r: float, *, iris: RGB | str = "white") -> None:
    """An eye with a pupil."""
    f.oval(x, y, r, r * 1.1, iris, kind="eye", detail=1, round=0.2)
    f.oval(x, y, r * 0.5, r * 0.6, "black", kind="pupil", detail=1, round=0)


def dot_eye(f: Figure, x: float, y: float, r: float = 0.04) -> None:
    """A small dark eye."""
    f.oval(x, y, r, r, "black", kind="eye", detail=1, round=0)


def leg(
    f: Figure,
    x: float,
    top: float,
    foot: float,
    width: float,
    fill: RGB | str,
    *,
    knee: float = 0.0,
    hoof: str | None = None,
) -> None:
    """A leg from ``top`` down to ``foot``; ``knee`` bends it sideways; a hoof or paw in its own colour."""
    f.limb(
        [(x, top), (x + knee, (top + foot) / 2), (x, foot)],
        width * 1.2,
        width * 0.85,
        fill,
        kind="leg",
        round=0.5,
    )
    if hoof:
        f.box(x - width * 0.5, foot - 0.02, x + width * 0.5, foot + width * 0.5, hoof, kind="hoof", detail=2)


def tail(f: Figure, points: Points, width: float, fill: RGB | str, *, tip: float = 0.4) -> None:
    """A tail along ``points``; ``tip`` is the width at the end as a share of ``width``."""
    f.limb(points, width, width * tip, fill, kind="tail")


def ear(
    f: Figure,
    x: float,
    y: float,
    w: float,
    h: float,
    fill: RGB | str,
    *,
    turn: float = 0.0,
    pointed: bool = True,
) -> None:
    """An ear standing on ``(x, y)``, leaning by ``turn`` degrees."""
    with f.at(x, y, turn=turn):
        if pointed:
            f.poly([(-w / 2, 0), (w / 2, 0), (0, h)], fill, kind="ear", round=0.4)
        else:
            f.oval(0, h / 2, w / 2, h / 2, fill, kind="ear", round=0.4)


def wing(f: Figure, points: Points, fill: RGB | str, *, feathers: int = 0) -> None:
    """A wing with outline ``points``; ``feathers`` lines run from the first point to the far side."""
    f.blob(points, fill, kind="wing", round=0.5)
    root, far = points[0], points[len(points) // 2]
    for k in range(feathers):
        share = 0.35 + 0.5 * k / max(1, feathers)
        x, y = root[0] + (far[0] - root[0]) * share, root[1] + (far[1] - root[1]) * share
        f.line([(x, y + 0.06), (x - 0.05, y - 0.1)], shade(fill, -0.4), 0.015, kind="feather", detail=2)


def leaf(
    f: Figure, x: float, y: float, length: float, *, turn: float = 0.0, fill: RGB | str = "green"
) -> None:
    """A leaf growing from ``(x, y)`` in direction ``turn`` (degrees), with its vein."""
    with f.at(x, y, turn=turn):
        w = length * 0.24
        f.blob([(0, 0), (length * 0.4, w), (length, 0), (length * 0.4, -w)], fill, kind="leaf", round=0.4)
        f.line([(0, 0), (length * 0.8, 0)], shade(fill, -0.4), 0.015, kind="vein", detail=2)


def handle(
    f: Figure, x: float, y: float, w: float, h: float, fill: RGB | str, *, thick: float = 0.07
) -> None:
    """A loop like a cup's: attached at ``x``, centred on ``y``, reaching ``w`` to the right."""
    f.limb(
        [
            (x, y + h / 2),
            (x + w * 0.8, y + h * 0.45),
            (x + w, y),
            (x + w * 0.75, y - h * 0.45),
            (x, y - h / 2),
        ],
        thick,
        thick,
        fill,
        kind="handle",
    )


def lamp(f: Figure, x: float, y: float, r: float = 0.06) -> None:
    """A light on a vehicle."""
    f.oval(x, y, r, r, "yellow", kind="light", detail=2, round=0.3)


def whiskers(f: Figure, x: float, y: float, length: float, *, detail: int = 2) -> None:
    """Three whiskers to each side of a nose at ``(x, y)``."""
    for side in (-1, 1):
        for rise in (-0.08, 0.0, 0.08):
            f.line(
                [(x + side * 0.05, y), (x + side * length, y + rise)],
                "dark",
                0.012,
                kind="whisker",
                detail=detail,
            )
