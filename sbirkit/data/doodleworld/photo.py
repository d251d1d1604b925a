"""A figure seen as a photo: light, texture, shadow, a cluttered place behind it."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .canvas import XY, Canvas
from .colors import PALETTE, RGB, shade
from .grammar import Part, smooth
from .view import View

Image = NDArray[np.uint8]


def photo(
    parts: Sequence[Part],
    view: View,
    dice: Callable[[str], np.random.Generator],
    size: int,
    *,
    gap: float,
    clutter: float,
) -> Image:
    """``(size, size, 3)``. ``gap`` scales what only a photo has: shading, texture, cast light, noise.

    ``dice`` gives the random numbers of each purpose, so that turning one knob leaves the rest alone.
    """
    light = _light(dice("light"))
    canvas = Canvas(size)
    _place(canvas, dice("place"), size, clutter, light)
    outlines = view.each([part.xy for part in parts], size)
    _shadow(canvas, outlines, dice("shadow"), size, gap)
    surface = dice("surface")
    unit = view.scale * size / 2
    for part, xy in zip(parts, outlines, strict=True):
        draw_part(canvas, part, xy, unit, light, surface, gap)
    front = dice("front")
    if front.random() < 0.18 * clutter:
        _foreground(canvas, front, size)
    return _develop(canvas.pixels, dice("develop"), size, gap)


def draw_part(
    canvas: Canvas, part: Part, xy: XY, unit: float, light: XY, rng: np.random.Generator, gap: float = 1.0
) -> None:
    """One part with its shading and texture."""
    if not part.closed:
        canvas.stroke([xy], part.fill, max(0.7, part.width * unit))
        return
    low, high = xy.min(0), xy.max(0)
    reach = min(high - low)
    if reach < 3 or gap == 0:
        canvas.fill(xy, part.fill)
        return
    depth = part.round * gap
    canvas.fill(xy, shade(part.fill, -min(0.75, 0.55 * depth)))
    canvas.clip(xy)
    middle = (low + high) / 2
    steps = _SOFT if reach > 14 else _HARD
    for grow, push, tone, alpha in steps:
        inner = (xy - middle) * grow + middle + light * (push * reach)
        canvas.fill(inner, shade(part.fill, tone * depth), alpha)
    if part.texture:
        TEXTURES[part.texture](canvas, part.fill, low, high, unit, rng)
    canvas.clip(None)
    canvas.stroke([xy, xy[[-1, 0]]], shade(part.fill, -0.55), max(0.5, 0.012 * unit), 0.45)


# Layers of light: how much smaller than the part, how far towards the light, what tone, how opaque.
_HARD = ((0.92, 0.10, 0.0, 0.85), (0.62, 0.22, 0.16, 0.7))
_SOFT = (
    (1.0, 0.06, -0.25, 0.6),
    (0.9, 0.10, 0.0, 0.7),
    (0.72, 0.17, 0.1, 0.55),
    (0.48, 0.25, 0.25, 0.5),
    (0.25, 0.3, 0.4, 0.4),
)

# Textures: what a surface is made of. Each draws inside the clipped part. ----------------------------


def _rows(low: XY, high: XY, step: float, slope: float = 0.0) -> list[XY]:
    ys = np.arange(low[1] - step - abs(slope) * (high[0] - low[0]), high[1] + step, max(step, 1.5))
    rise = slope * (high[0] - low[0])
    return [np.array([(low[0] - 1, y), (high[0] + 1, y + rise)]) for y in ys]


def _columns(low: XY, high: XY, step: float, slope: float = 0.0) -> list[XY]:
    return [row[:, ::-1] for row in _rows(low[::-1], high[::-1], step, slope)]


def _scatter(low: XY, high: XY, each: float, rng: np.random.Generator, most: int = 90) -> XY:
    count = int(np.clip(np.prod((high - low) / each), 4, most))
    return low + rng.random((count, 2)) * (high - low)


def _stripes(canvas: Canvas, rgb: RGB, low: XY, high: XY, unit: float, rng: np.random.Generator) -> None:
    canvas.stroke(_columns(low, high, 0.17 * unit, 0.25), shade(rgb, -0.65), 0.06 * unit, 0.85)


def _planks(canvas: Canvas, rgb: RGB, low: XY, high: XY, unit: float, rng: np.random.Generator) -> None:
    canvas.stroke(_columns(low, high, 0.12 * unit), shade(rgb, -0.45), max(0.5, 0.012 * unit), 0.7)


def _grain(canvas: Canvas, rgb: RGB, low: XY, high: XY, unit: float, rng: np.random.Generator) -> None:
    canvas.stroke(_rows(low, high, 0.055 * unit, 0.04), shade(rgb, -0.4), max(0.4, 0.012 * unit), 0.4)


def _bricks(canvas: Canvas, rgb: RGB, low: XY, high: XY, unit: float, rng: np.random.Generator) -> None:
    step = max(0.1 * unit, 2.0)
    courses = _rows(low, high, step)
    joints = [
        np.array([(x, course[0, 1]), (x, course[0, 1] + step)])
        for row, course in enumerate(courses)
        for x in np.arange(low[0] + (row % 2) * step, high[0], 2 * step)
    ]
    lines = courses + joints
    canvas.stroke(lines, shade(rgb, 0.45), max(0.5, 0.014 * unit), 0.55)


def _spots(canvas: Canvas, rgb: RGB, low: XY, high: XY, unit: float, rng: np.random.Generator) -> None:
    for x, y in _scatter(low, high, 0.16 * unit, rng, 24):
        r = (0.03 + 0.035 * rng.random()) * unit
        canvas.fill(_DISC * r + (x, y), shade(rgb, -0.6), 0.85)


def _fur(canvas: Canvas, rgb: RGB, low: XY, high: XY, unit: float, rng: np.random.Generator) -> None:
    roots = _scatter(low, high, 0.07 * unit, rng)
    tips = roots + (rng.random(roots.shape) - (0.5, 0.9)) * (0.05 * unit, 0.11 * unit)
    hairs = list(np.stack([roots, tips], axis=1))
    half = len(hairs) // 2
    canvas.stroke(hairs[:half], shade(rgb, -0.35), max(0.5, 0.015 * unit), 0.5)
    canvas.stroke(hairs[half:], shade(rgb, 0.3), max(0.5, 0.015 * unit), 0.5)


def _leaves(canvas: Canvas, rgb: RGB, low: XY, high: XY, unit: float, rng: np.random.Generator) -> None:
    for k, (x, y) in enumerate(_scatter(low, high, 0.13 * unit, rng, 30)):
        r = (0.05 + 0.04 * rng.random()) * unit
        canvas.fill(_DISC * (r, 0.7 * r) + (x, y), shade(rgb, 0.22 if k % 2 else -0.3), 0.6)


def _mesh(canvas: Canvas, rgb: RGB, low: XY, high: XY, unit: float, rng: np.random.Generator) -> None:
    lines = _rows(low, high, 0.1 * unit, 0.5) + _rows(low, high, 0.1 * unit, -0.5)
    canvas.stroke(lines, shade(rgb, -0.45), max(0.5, 0.014 * unit), 0.6)


def _tiles(canvas: Canvas, rgb: RGB, low: XY, high: XY, unit: float, rng: np.random.Generator) -> None:
    lines = _rows(low, high, 0.09 * unit) + _columns(low, high, 0.09 * unit)
    canvas.stroke(lines, shade(rgb, -0.35), max(0.5, 0.012 * unit), 0.6)


def _speckle(canvas: Canvas, rgb: RGB, low: XY, high: XY, unit: float, rng: np.random.Generator) -> None:
    dots = _scatter(low, high, 0.07 * unit, rng)
    canvas.stroke(list(np.stack([dots, dots + 0.1], axis=1)), shade(rgb, -0.45), max(0.8, 0.025 * unit), 0.6)


TEXTURES = {
    "stripes": _stripes,
    "planks": _planks,
    "grain": _grain,
    "bricks": _bricks,
    "spots": _spots,
    "fur": _fur,
    "leaves": _leaves,
    "mesh": _mesh,
    "tiles": _tiles,
    "speckle": _speckle,
}

# The place ------------------------------------------------------------------------------------------

_DISC = np.stack([np.cos(a := np.linspace(0, 2 * np.pi, 12, endpoint=False)), np.sin(a)], axis=1)
_PLACES = {  # upper colour, lower colour, how the two meet (share of the height; 0: no horizon)
    "field": ("sky", "green", 0.42),
    "beach": ("sky", "tan", 0.38),
    "street": ("silver", "grey", 0.40),
    "room": ("cream", "brown", 0.34),
    "wall": ("tan", "tan", 0.0),
    "studio": ("white", "silver", 0.25),
    "dusk": ("pink", "purple", 0.36),
    "garden": ("lime", "green", 0.50),
    "water": ("sky", "teal", 0.45),
    "night": ("dark", "black", 0.30),
    "shelf": ("teal", "brown", 0.22),
}
_THINGS = ("grey", "brown", "green", "tan", "teal", "dark", "silver", "orange", "blue", "cream", "pink")


def _light(rng: np.random.Generator) -> XY:
    """The direction that light comes from: above, a little left or right."""
    angle = np.pi / 2 + (rng.random() - 0.5) * 2.2
    return np.array([np.cos(angle), np.sin(angle)])


def _place(canvas: Canvas, rng: np.random.Generator, size: int, clutter: float, light: XY) -> None:
    upper, lower, horizon = _PLACES[list(_PLACES)[int(rng.integers(len(_PLACES)))]]
    top, bottom = (np.asarray(PALETTE[c]) + (rng.random(3) - 0.5) * 0.2 for c in (upper, lower))
    ramp = np.linspace(0, 1, size)[:, None, None]
    scene = top * (1 - 0.25 * ramp) + 0.12 * ramp
    scene = np.broadcast_to(scene, (size, size, 3)).copy()
    if horizon:
        line = int(size * (1 - horizon + 0.12 * (rng.random() - 0.5)))
        scene[line:] = bottom * (1.05 - 0.3 * ramp[line:])
    canvas.pixels[..., :3] = np.clip(scene * 255, 0, 255)
    canvas.pixels[..., 3] = 255
    for _ in range(rng.poisson(4 * clutter)):
        _thing(canvas, rng, size, light)


def _thing(canvas: Canvas, rng: np.random.Generator, size: int, light: XY) -> None:
    """Something nondescript in the background: a box, a bump, a post, a tuft."""
    kind = int(rng.integers(5))
    x, y = rng.random(2) * size
    w, h = (0.06 + 0.22 * rng.random(2)) * size
    rgb = PALETTE[_THINGS[int(rng.integers(len(_THINGS)))]]
    rgb = shade(rgb, 0.3 * rng.random() - 0.15)
    if kind == 4:
        roots = np.column_stack([x + (rng.random(9) - 0.5) * w, np.full(9, y)])
        tips = roots + np.column_stack([(rng.random(9) - 0.5) * 0.4 * w, h * (0.4 + 0.6 * rng.random(9))])
        canvas.stroke(list(np.stack([roots, tips], axis=1)), rgb, max(0.8, 0.012 * size), 0.9)
        return
    if kind == 0:
        xy = np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])
    elif kind == 1:
        xy = _DISC * (w / 1.6, h / 1.6) + (x, y)
    elif kind == 2:
        xy = np.array([(x, 0), (x + 0.18 * w, 0), (x + 0.18 * w, y + h), (x, y + h)])
    else:
        angle = np.linspace(0, 2 * np.pi, 7, endpoint=False)
        spokes = (0.35 + 0.5 * rng.random(7))[:, None]
        xy = smooth(np.column_stack([np.cos(angle), np.sin(angle)]) * spokes * (w, h) + (x, y), closed=True)
    texture = list(TEXTURES)[int(rng.integers(len(TEXTURES)))] if rng.random() < 0.3 else None
    draw_part(canvas, Part(xy, rgb, round=0.4, texture=texture), xy, size / 2, light, rng)


def _shadow(canvas: Canvas, outlines: list[XY], rng: np.random.Generator, size: int, gap: float) -> None:
    """The object's dim shape, thrown to one side."""
    offset = (rng.random(2) - (0.5, 0.9)) * 0.12 * size
    strength = (0.1 + 0.25 * rng.random()) * min(1.0, gap)
    if strength == 0:
        return
    for xy in outlines:
        if len(xy) > 2:
            canvas.fill(xy + offset, (0, 0, 0), strength / 2)


def _foreground(canvas: Canvas, rng: np.random.Generator, size: int) -> None:
    """Something in front that hides a little of the object: blades of grass, or a post at the edge."""
    if rng.random() < 0.5:
        x = np.linspace(0, size, 16) + rng.normal(size=16) * size / 20
        tip = np.column_stack([x + rng.normal(size=16) * size / 25, (0.05 + 0.2 * rng.random(16)) * size])
        blades = np.stack([np.column_stack([x, np.zeros(16)]), tip], axis=1)
        canvas.stroke(list(blades), shade("green", -0.3), max(1.0, size / 45), 1.0)
    else:
        edge = size * (0.02 if rng.random() < 0.5 else 0.9)
        post = np.array([(0.0, 0.0), (0.07, 0.0), (0.06, 1.0), (0.01, 1.0)]) * size + (edge, 0)
        canvas.fill(post, PALETTE[_THINGS[int(rng.integers(len(_THINGS)))]])


def _develop(pixels: Image, rng: np.random.Generator, size: int, gap: float) -> Image:
    """Light falling off to one side, white balance, exposure, focus and grain."""
    image = pixels[..., :3].astype(np.float32)
    tilt = rng.normal(size=2) * 0.14 * gap
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    lamp = 1 + tilt[0] * axis[:, None] + tilt[1] * axis[None, :]
    tone = (1 + rng.normal(size=3) * 0.05 * gap) * (1 + rng.normal() * 0.1 * gap)
    image *= lamp[..., None] * tone.astype(np.float32)
    if rng.random() < 0.3 * gap:  # slightly out of focus
        image[1:-1] = (image[:-2] + 2 * image[1:-1] + image[2:]) / 4
        image[:, 1:-1] = (image[:, :-2] + 2 * image[:, 1:-1] + image[:, 2:]) / 4
    image += rng.standard_normal((size, size, 1), dtype=np.float32) * np.float32(6 * gap * rng.random())
    return np.clip(image, 0, 255).astype(np.uint8)
