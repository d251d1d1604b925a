"""Beasts on four legs, most of them from the side, facing right."""

import numpy as np

from ..colors import RGB, shade
from ..grammar import Figure
from ..parts import dot_eye, ear, eye, leg, tail, whiskers

# Outlines read better packed than one point a line.
# fmt: off
KINGDOM = "animal"


def _legs(f: Figure, hind: float, fore: float, *, top: float, foot: float, width: float, fill: RGB,
        hoof: str | None = None) -> None:
    """Two pairs of legs in mid-step; the far ones are darker."""
    step = f.num(2, 14)
    apart = 0.05 + width
    for x, swing, tone in ((hind + apart, step, -0.3), (fore - apart, -step, -0.3), (hind, -step, 0), (fore,
            step, 0)):
        with f.at(x, top, turn=swing):
            leg(f, 0, 0, foot - top, width, shade(fill, tone), hoof=hoof)


def _trunk(f: Figure, fill: RGB, head: tuple[float, float], *, rump: float, chest: float, back: float,
        belly: float, neck: float, slope: float = 0.0, sag: float = 0.03, texture: str | None = None) -> None:
    """Body and neck in one outline; ``head`` is where the neck ends, ``slope`` lowers the rump."""
    x, y = head
    deep = back - belly
    f.blob([(rump, belly + 0.3 * deep), (rump + 0.02, back - slope - 0.2 * deep), (rump + 0.14, back - slope),
        ((rump + chest) / 2, back - slope / 2 - sag), (chest - 0.32, back), ((chest - 0.32 + x) / 2,
        (back + y) / 2 + 0.02), (x - neck / 2, y), (x + neck / 2, y - 0.06), ((chest + x) / 2 + 0.03,
        (back + y) / 2 - 0.3 * neck), (chest, back - 0.45 * deep), (chest - 0.12, belly + 0.04),
        ((rump + chest) / 2, belly - 0.03), (rump + 0.25, belly + 0.06)], fill, texture=texture)


def _ruff(f: Figure, x: float, y: float, rx: float, ry: float, *, bumps: int, depth: float, fill: RGB,
        kind: str) -> None:
    """A fluffy round: wool or a mane."""
    a = np.linspace(0, 2 * np.pi, 2 * bumps, endpoint=False) + f.num(0, 1)
    r = np.where(np.arange(2 * bumps) % 2, 1 - depth, 1)
    f.blob(np.column_stack([x + rx * r * np.cos(a), y + ry * r * np.sin(a)]), fill, kind=kind, texture="fur")


def _long_head(f: Figure, length: float, deep: float, fill: RGB) -> None:
    """A grazer's head, from the poll at the origin towards +x."""
    a, b = length, deep / 2
    f.blob([(-0.1, 0.5 * b), (0.05, b), (0.5 * a, 0.8 * b), (0.92 * a, 0.62 * b), (a, -0.1 * b),
        (0.9 * a, -0.75 * b), (0.5 * a, -0.75 * b), (0.1 * a, -1.1 * b), (-0.1, -0.6 * b)], fill, kind="head")


def _patch(f: Figure, x: float, y: float, rx: float, ry: float, *, fill: RGB | str) -> None:
    """An irregular patch of another colour."""
    with f.at(x, y, turn=f.num(-30, 30)):
        f.poly([(-rx, 0.1 * ry), (-0.4 * rx, ry), (0.7 * rx, 0.8 * ry), (rx, -0.3 * ry), (-0.2 * rx, -ry)],
            fill, kind="patch", round=0.2)


def camel(f: Figure) -> None:
    double = f.pick("hump", "a single", "a double") == "a double"
    coat = f.color("tan", "brown", "cream", "gold")
    hump, head = f.num(0.3, 0.5), f.num(0.5, 0.72)
    tail(f, [(-0.6, 0.0), (-0.74, -0.12), (-0.72, -0.35)], 0.07, coat)
    _legs(f, -0.48, 0.25, top=-0.1, foot=-0.95, width=f.num(0.11, 0.15), fill=coat)
    f.limb([(0.25, -0.02), (0.52, -0.12), (0.66, 0.2), (0.62, head)], 0.36, 0.17, coat, kind="neck")
    top = 0.15
    bumps = ([(-0.46, top + 0.08), (-0.36, top + hump), (-0.22, top + 0.8 * hump), (-0.12, top + 0.02),
        (-0.02, top + 0.8 * hump), (0.1, top + hump), (0.22, top)] if double else [(-0.38, top + 0.1),
        (-0.22, top + 0.75 * hump), (-0.1, top + 1.1 * hump), (0.04, top + 0.7 * hump), (0.2, top)])
    f.blob([(-0.66, -0.1), (-0.6, 0.12), *bumps, (0.38, 0.05), (0.42, -0.15), (0.25, -0.28), (-0.2, -0.27),
        (-0.5, -0.24)], coat, kind="body", texture="fur")
    ear(f, 0.53, head + 0.06, 0.09, 0.15, coat, turn=25)
    with f.at(0.6, head, turn=f.num(-22, 4)):
        _long_head(f, 0.36, 0.22, coat)
        dot_eye(f, 0.1, 0.03, 0.035)
        f.line([(0.33, -0.03), (0.22, -0.04)], "dark", 0.02, kind="mouth", detail=2)
    if f.chance(0.4):
        f.box(-0.28, -0.12, 0.1, 0.16, f.color("red", "blue", "purple", tell="a saddle"), kind="saddle",
            detail=1, soft=0.08)


def _cat_head(f: Figure, x: float, y: float, size: float, *, coat: RGB, striped: bool) -> None:
    with f.at(x, y, size=size):
        for side in (-1, 1):
            ear(f, side * 0.29, 0.2, 0.34, 0.42, coat, turn=-side * 14)
            ear(f, side * 0.29, 0.24, 0.18, 0.26, "pink", turn=-side * 14)
        f.oval(0, 0, 0.48, 0.4, coat, kind="head", texture="fur")
        for stripe in (-0.1, 0.1) if striped else ():
            f.line([(stripe, 0.36), (stripe * 0.8, 0.2)], shade(coat, -0.6), 0.05, kind="stripe", detail=1)
        iris = f.color("lime", "yellow", "sky", tell=None)
        for side in (-1, 1):
            eye(f, side * 0.19, 0.05, 0.1, iris=iris)
            f.line([(0, -0.13), (side * 0.05, -0.2), (side * 0.13, -0.18)], "dark", 0.03, kind="mouth",
                detail=1)
        f.poly([(-0.06, -0.07), (0.06, -0.07), (0, -0.14)], "pink", kind="nose", round=0)
        whiskers(f, 0, -0.12, 0.62, detail=0)


def cat(f: Figure) -> None:
    build = f.adjective("", "fat", "slim")
    w = {"": 0.4, "fat": 0.54, "slim": 0.31}[build] + f.num(-0.03, 0.03)
    coat = f.color("orange", "grey", "black", "white", "brown", "cream")
    striped = f.chance(0.4)
    if f.chance(0.6):  # sitting, from the front
        curl = f.num(-0.1, 0.3)
        tail(f, [(0.7 * w, -0.78), (w + 0.22, -0.74), (w + 0.36, -0.4), (w + 0.22, curl),
            (w + 0.3, curl + 0.12)], 0.14, coat, tip=0.7)
        f.blob([(-0.5 * w, 0.15), (0.5 * w, 0.15), (w, -0.5), (0.9 * w, -0.92), (-0.9 * w, -0.92),
            (-w, -0.5)], coat, texture="fur")
        for side in (-1, 1):
            f.limb([(side * 0.12, -0.35), (side * 0.13, -0.88)], 0.15, 0.17, coat, kind="leg", detail=1)
            for y in (-0.4, -0.65) if striped else ():
                f.line([(side * (w - 0.04), y), (side * (w - 0.16), y + 0.02)], shade(coat, -0.6), 0.05,
                    kind="stripe", detail=1)
        _cat_head(f, 0, 0.38, f.num(0.9, 1.1), coat=coat, striped=striped)
    else:  # walking, looking at you
        rise = f.num(0.3, 0.7)
        tail(f, [(-0.6, -0.05), (-0.8, 0.12), (-0.78, 0.1 + 0.5 * rise), (-0.9, rise)], 0.13, coat, tip=0.7)
        _legs(f, -0.5, 0.3, top=-0.2, foot=-0.72, width=0.15, fill=coat)
        f.oval(-0.1, -0.15, 0.62, 0.2 + 0.22 * w, coat, texture="fur")
        for x in (-0.45, -0.28, -0.11, 0.06) if striped else ():
            f.line([(x, 0.1), (x - 0.03, -0.14)], shade(coat, -0.6), 0.06, kind="stripe", detail=1)
        _cat_head(f, 0.45, 0.2, f.num(0.74, 0.9), coat=coat, striped=striped)


def cow(f: Figure) -> None:
    spotted = f.chance(0.75)
    coat = f.color("white", "cream", "brown") if spotted else f.color("black", "brown")
    mark = "black" if spotted else "white"
    belly = f.num(-0.34, -0.22)
    horn = f.num(0.1, 0.24)
    f.limb([(-0.7, 0.25), (-0.84, 0.05), (-0.82, -0.3)], 0.05, 0.04, coat, kind="tail")
    f.oval(-0.82, -0.36, 0.06, 0.11, mark, kind="tuft", detail=1)
    f.oval(-0.3, belly - 0.04, 0.16, 0.14, "pink", kind="udder")
    _legs(f, -0.56, 0.3, top=-0.1, foot=-0.85, width=f.num(0.13, 0.17), fill=coat)
    f.blob([(-0.74, 0.0), (-0.7, 0.28), (-0.4, 0.34), (0.0, 0.3), (0.3, 0.36), (0.55, 0.3), (0.55, 0.0),
        (0.4, -0.2), (0.0, belly), (-0.4, belly), (-0.66, -0.2)], coat)
    for x, y in ((-0.5, 0.12), (-0.1, 0.1), (0.26, -0.02)):
        _patch(f, x + f.num(-0.08, 0.08), y, f.num(0.12, 0.24), f.num(0.09, 0.19), fill=mark)
    with f.at(0.62, f.num(0.28, 0.44)):
        for side in (-1, 1):
            f.limb([(side * 0.1, 0.18), (side * (0.12 + horn), 0.22), (side * (0.1 + horn), 0.22 + horn)],
                0.1, 0.02, "cream", kind="horn")
            ear(f, side * 0.15, 0.12, 0.13, 0.26, coat, turn=-side * 100, pointed=False)
        f.blob([(-0.18, 0.2), (0, 0.26), (0.18, 0.2), (0.17, -0.05), (0.13, -0.3), (-0.13, -0.3),
            (-0.17, -0.05)], coat, kind="head")
        f.oval(0, -0.27, 0.2, 0.14, "pink", kind="snout")
        for side in (-1, 1):
            dot_eye(f, side * 0.09, 0.04)
            f.oval(side * 0.08, -0.26, 0.03, 0.04, "dark", kind="nostril", detail=2)
        if f.chance(0.35):
            f.oval(-0.0, -0.52, 0.1, 0.1, "gold", kind="bell", detail=1)


def elephant(f: Figure) -> None:
    skin = f.color("grey", "silver", "dark", "brown")
    trunk = f.pick("trunk", "a hanging", "a raised", "a curled")
    big = f.num(0.85, 1.15)
    f.line([(-0.74, 0.2), (-0.88, -0.02), (-0.84, -0.25)], shade(skin, -0.3), 0.05, bend=True, kind="tail")
    _legs(f, -0.58, 0.1, top=-0.1, foot=-0.85, width=f.num(0.22, 0.28), fill=skin)
    f.blob([(-0.78, 0.0), (-0.7, 0.36), (-0.3, 0.52), (0.15, 0.46), (0.34, 0.1), (0.22, -0.28), (-0.2, -0.36),
        (-0.66, -0.3)], skin)
    f.oval(0.42, 0.34, 0.32, 0.34, skin, kind="head")
    way = {"a hanging": [(0.6, 0.36), (0.82, 0.1), (0.84, -0.35), (0.96, -0.5)], "a raised": [(0.6, 0.3),
        (0.88, 0.2), (0.96, 0.5), (0.84, 0.86)], "a curled": [(0.6, 0.36), (0.84, 0.05), (0.88, -0.35),
        (0.7, -0.5), (0.6, -0.36)]}[trunk]
    f.limb(way, 0.3, 0.13, skin, kind="trunk")
    if f.chance(0.7):
        f.limb([(0.56, 0.1), (0.7, -0.05), (0.62 + f.num(0.15, 0.35), -0.02)], 0.1, 0.03, "cream",
            kind="tusk")
    with f.at(0.3, 0.5, size=big):
        f.blob([(0.04, 0.12), (-0.2, 0.16), (-0.4, -0.1), (-0.36, -0.45), (-0.14, -0.6), (0.02, -0.35)],
            shade(skin, 0.15), kind="ear")
    dot_eye(f, 0.52, 0.42, 0.045)


def giraffe(f: Figure) -> None:
    coat = f.color("yellow", "gold", "cream", "orange")
    spot = shade(f.color("brown", "orange", tell=None), -0.35)
    head = (f.num(0.2, 0.5), f.num(0.66, 0.8))
    tail(f, [(-0.46, -0.12), (-0.6, -0.25), (-0.58, -0.48)], 0.06, coat)
    f.oval(-0.58, -0.52, 0.05, 0.09, spot, kind="tuft", detail=1)
    _legs(f, -0.36, 0.14, top=-0.25, foot=-0.97, width=f.num(0.1, 0.13), fill=coat)
    _trunk(f, coat, head, rump=-0.5, chest=0.3, back=0.04, belly=-0.36, neck=f.num(0.15, 0.2), slope=0.1)
    spots = [(-0.38, -0.17), (-0.18, -0.08), (-0.1, -0.27), (0.06, -0.1), (0.17, -0.27)]
    spots += [(0.1 + (head[0] - 0.1) * t, head[1] * t) for t in (0.32, 0.58, 0.82)]
    for k, (x, y) in enumerate(spots):
        _patch(f, x, y, r := f.num(0.07, 0.1) - 0.02 * (k > 4), r, fill=spot)
    for dx in (-0.03, 0.08):
        f.line([(head[0] + dx, head[1] + 0.06), (head[0] + dx - 0.02, head[1] + 0.2)], spot, 0.04,
            kind="horn")
    ear(f, head[0] - 0.05, head[1] + 0.06, 0.08, 0.16, coat, turn=65)
    with f.at(*head, turn=f.num(-35, -8)):
        _long_head(f, 0.34, 0.2, coat)
        dot_eye(f, 0.1, 0.02, 0.03)


def horse(f: Figure) -> None:
    coat = f.color("brown", "tan", "white", "black", "grey")
    other = f.chance(0.4)
    tone = -0.6 if sum(coat) > 0.6 else 0.35
    mane = f.color("cream", "dark", tell="a mane") if other else shade(coat, tone)
    head = (f.num(0.5, 0.66), f.num(0.5, 0.74))
    swish = f.num(0.05, 0.35)
    f.blob([(-0.62, 0.26), (-0.68 - swish * 0.5, 0.3), (-0.76 - swish * 0.6, 0.0), (-0.72 - swish, -0.5),
        (-0.62 - swish * 0.6, -0.3), (-0.58, 0.05)], mane, kind="tail")
    _legs(f, -0.5, 0.34, top=-0.05, foot=-0.9, width=f.num(0.1, 0.14), fill=coat, hoof="dark")
    ear(f, head[0] + 0.02, head[1] + 0.06, 0.1, 0.17, coat, turn=5)
    _trunk(f, coat, head, rump=-0.68, chest=0.52, back=0.24, belly=-0.18, neck=0.26)
    x, y = head
    f.blob([(x + 0.1, y + 0.14), (x - 0.1, y + 0.15), (x - 0.24, y - 0.02), (x / 2 - 0.05, y / 2 + 0.15),
        (0.08, 0.26), (0.26, 0.12), (x / 2 + 0.2, y / 2 + 0.04), (x, y - 0.08)], mane, kind="mane")
    with f.at(x, y, turn=f.num(-58, -28)):
        _long_head(f, 0.46, 0.27, coat)
        dot_eye(f, 0.1, 0.05, 0.035)
        f.oval(0.4, 0.0, 0.025, 0.025, "dark", kind="nostril", detail=2)
        if f.chance(0.3):
            f.line([(0.26, 0.1), (0.26, -0.1)], "red", 0.035, kind="bridle", detail=2)
    if f.chance(0.3):
        f.blob([(-0.25, 0.26), (-0.05, 0.24), (0.15, 0.3), (0.12, 0.0), (-0.18, 0.0)], f.color("red", "blue",
            "brown", tell="a saddle"), kind="saddle", detail=1)


def pig(f: Figure) -> None:
    build = f.adjective("", "fat", "small")
    ry = {"": 0.4, "fat": 0.5, "small": 0.32}[build]
    skin = f.color("pink", "pink", "cream", "brown")
    pinker = shade(skin, -0.22)
    t = np.linspace(0, f.num(9, 12), 20)
    curl = np.column_stack([-0.66 - 0.022 * t - 0.07 * np.sin(t), 0.22 - 0.1 * np.cos(t)])
    f.line(curl, pinker, 0.05, kind="tail")
    _legs(f, -0.46, 0.22, top=-0.15, foot=-0.3 - ry * 0.8, width=f.num(0.15, 0.19), fill=skin)
    f.oval(-0.1, 0, 0.6, ry, skin)
    if f.chance(0.35):
        for x in (-0.4, -0.05):
            _patch(f, x, f.num(-0.15, 0.2), f.num(0.08, 0.16), f.num(0.08, 0.14), fill=shade(skin, -0.6))
    with f.at(0.5, f.num(0.08, 0.24), size=f.num(0.9, 1.1)):
        f.oval(0, 0, 0.35, 0.33, skin, kind="head")
        droop = f.num(15, 75)
        for side in (-1, 1):
            ear(f, side * 0.23, 0.22, 0.24, 0.27, pinker, turn=-side * droop)
            dot_eye(f, side * 0.14 + 0.04, 0.09, 0.045)
        f.oval(0.06, -0.09, 0.21, 0.16, pinker, kind="snout", round=0.3)
        for side in (-1, 1):
            f.oval(0.06 + side * 0.09, -0.09, 0.04, 0.06, "dark", kind="nostril", round=0)
        f.line([(-0.06, -0.25), (0.06, -0.28), (0.16, -0.25)], "dark", 0.025, bend=True, kind="mouth",
            detail=2)


def rabbit(f: Figure) -> None:
    ears = f.pick("ears", "upright", "bent", "spread")
    coat = f.color("white", "grey", "brown", "tan", "cream")
    long, lean = f.num(0.58, 0.72), {"upright": 8, "bent": 8, "spread": 38}[ears]
    front = f.chance(0.5)
    if front:
        w = f.num(0.36, 0.48)
        f.oval(0, -0.52, w, 0.42, coat, texture="fur")
        f.oval(0, -0.55, w * 0.6, 0.28, shade(coat, 0.5), kind="belly", detail=2)
        for side in (-1, 1):
            f.oval(side * 0.26, -0.86, 0.2, 0.1, coat, kind="foot")
            f.oval(side * 0.16, -0.42, 0.08, 0.17, coat, kind="paw", turn=-side * 15, detail=1)
    else:
        f.oval(-0.8, -0.55, 0.15, 0.14, "white", kind="tail", texture="fur")
        f.blob([(-0.72, -0.6), (-0.55, -0.15), (-0.2, 0.0), (0.15, -0.1), (0.3, -0.5), (0.2, -0.85),
            (-0.5, -0.88)], coat, texture="fur")
        f.oval(-0.42, -0.58, 0.28, 0.27, coat, kind="haunch", detail=1)
        f.oval(-0.36, -0.86, 0.26, 0.08, coat, kind="foot")
        f.limb([(0.16, -0.45), (0.2, -0.88)], 0.14, 0.12, coat, kind="paw")
    with f.at(0 if front else 0.22, 0, size=f.num(0.92, 1.06)):
        for side in (-1, 1):
            with f.at(side * 0.14, 0.2, turn=-side * lean):
                if ears == "bent" and side > 0:
                    f.limb([(0, 0), (0.04, 0.6 * long), (0.16, 0.72 * long), (0.34, 0.5 * long)], 0.2, 0.14,
                        coat, kind="ear")
                else:
                    f.oval(0, long / 2, 0.12, long / 2 + 0.05, coat, kind="ear")
                    f.oval(0, long / 2, 0.06, long / 2 - 0.06, "pink", kind="inner ear", detail=1)
        f.oval(0, 0.06, 0.32, 0.26, coat, kind="head", texture="fur")
        for side in (-1, 1):
            dot_eye(f, side * 0.14, 0.13, 0.05)
        f.box(-0.06, -0.17, 0.06, -0.04, "white", kind="tooth", detail=1)
        f.oval(0, 0.01, 0.05, 0.04, "pink", kind="nose", detail=1)
        whiskers(f, 0, -0.01, 0.44)


def dog(f: Figure) -> None:
    coat = f.color("brown", "tan", "white", "black", "grey", "gold")
    dark = shade(coat, -0.45) if f.chance(0.6) else shade(coat, 0.35)
    sits = f.chance(0.35)
    wag, snout, flop = f.num(0.2, 0.5), f.num(0.28, 0.38), f.num(0.3, 0.44)
    if sits:
        tail(f, [(-0.5, -0.75), (-0.75, -0.7), (-0.85, -0.7 + wag)], 0.13, coat)
        f.blob([(0.0, 0.3), (0.32, 0.2), (0.34, -0.3), (0.3, -0.6), (-0.1, -0.88), (-0.55, -0.88),
            (-0.6, -0.55), (-0.3, -0.1)], coat, texture="fur")
        f.limb([(0.2, -0.2), (0.24, -0.9)], 0.18, 0.15, coat, kind="leg")
        f.oval(-0.3, -0.65, 0.22, 0.24, coat, kind="haunch", detail=1)
        f.oval(-0.18, -0.88, 0.22, 0.07, coat, kind="foot", detail=1)
        x, y = 0.16, 0.48
    else:
        tail(f, [(-0.6, 0.1), (-0.8, 0.3), (-0.8 + 0.1, 0.3 + wag)], 0.14, coat)
        _legs(f, -0.52, 0.26, top=-0.05, foot=-0.8, width=f.num(0.14, 0.18), fill=coat)
        _trunk(f, coat, (0.44, 0.46), rump=-0.66, chest=0.42, back=0.18, belly=-0.25, neck=0.34,
            texture="fur")
        x, y = 0.46, 0.5
    if f.chance(0.45):
        f.limb([(x - 0.24, y - 0.14), (x + 0.18, y - 0.26)], 0.1, 0.1, f.color("red", "blue", "green",
            tell="a collar"), kind="collar", detail=1)
    with f.at(x, y):
        if f.chance(0.45):
            f.limb([(0.28, -0.14), (0.32, -0.24), (0.31, -0.36)], 0.13, 0.13, "pink", kind="tongue")
        f.blob([(-0.26, 0.05), (-0.1, 0.27), (0.14, 0.24), (0.26, 0.06), (snout + 0.14, 0.02),
            (snout + 0.16, -0.14), (0.2, -0.2), (-0.1, -0.24)], coat, kind="head", texture="fur")
        f.oval(snout + 0.14, 0.0, 0.08, 0.07, "black", kind="nose")
        f.line([(snout + 0.12, -0.1), (0.16, -0.1)], "dark", 0.025, kind="mouth", detail=1)
        f.blob([(-0.08, 0.24), (-0.22, 0.2), (-0.32, 0.22 - flop), (-0.22, 0.14 - flop),
            (-0.1, 0.2 - 0.7 * flop)], dark, kind="ear")
        eye(f, 0.12, 0.1, 0.06)
    if f.chance(0.4):
        f.oval(-0.2, -0.1 if not sits else -0.4, f.num(0.12, 0.2), 0.14, dark, kind="patch", detail=1,
            round=0.2)


def hedgehog(f: Figure) -> None:
    spikes, depth = int(f.num(9, 14)), f.num(0.14, 0.26)
    quills = f.color("brown", "dark", "grey", "tan")
    face = f.color("cream", "tan", "skin", tell=None)
    tall = f.num(0.5, 0.7)
    for x in (-0.5, -0.25, 0.2, 0.42):
        f.oval(x, -0.55, 0.1, 0.12, shade(face, -0.35), kind="leg")
    a = np.linspace(-0.05, np.pi * 1.04, 2 * spikes + 1)
    r = 1 + np.where(np.arange(2 * spikes + 1) % 2, depth, -0.06)
    dome = np.column_stack([-0.1 + 0.72 * r * np.cos(a), -0.45 + (tall + 0.2) * r * np.sin(a)])
    nose = f.num(0.84, 0.95)
    f.blob([(0.2, 0.1), (0.46, 0.06), (nose, -0.3), (0.75, -0.46), (0.3, -0.55), (-0.5, -0.55), (-0.3, -0.4),
        (0.1, -0.35)], face, kind="head")
    f.poly(np.concatenate([dome, [(-0.45, -0.48), (0.2, -0.44)]]) * (1, 1), quills, kind="quills",
        texture="fur")
    f.blob([(0.24, -0.02), (0.48, 0.04), (nose, -0.3), (0.72, -0.46), (0.34, -0.5), (0.2, -0.25)], face,
        kind="face")
    for x, y in ((-0.55, -0.25), (-0.35, 0.05), (-0.2, -0.2), (-0.05, 0.15), (0.05, -0.1), (-0.65, -0.05)):
        f.line([(x + 0.06, y - 0.07), (x, y + 0.07), (x - 0.06, y - 0.05)], shade(quills, 0.4), 0.03,
            kind="quill", detail=1)
    f.oval(nose, -0.29, 0.07, 0.07, "black", kind="nose")
    f.oval(0.34, 0.0, 0.09, 0.1, face, kind="ear", detail=1)
    dot_eye(f, 0.56, -0.16, 0.05)


def lion(f: Figure) -> None:
    coat = f.color("gold", "tan", "yellow")
    mane = f.color("brown", "orange", "dark", tell="a mane")
    bumps, big = int(f.num(8, 13)), f.num(0.48, 0.58)
    walks = f.chance(0.55)
    if walks:
        rise = f.num(0.0, 0.5)
        tail(f, [(-0.66, -0.05), (-0.84, 0.1), (-0.78, 0.15 + rise / 2), (-0.88, 0.1 + rise)], 0.08, coat,
            tip=0.8)
        f.oval(-0.88, 0.14 + rise, 0.1, 0.12, mane, kind="tuft")
        _legs(f, -0.54, 0.3, top=-0.25, foot=-0.85, width=f.num(0.15, 0.19), fill=coat)
        f.oval(-0.12, -0.16, 0.6, 0.28, coat, texture="fur")
        x, y = 0.36, 0.22
    else:
        tail(f, [(0.35, -0.8), (0.66, -0.75), (0.7, -0.4)], 0.08, coat, tip=0.8)
        f.oval(0.72, -0.36, 0.1, 0.13, mane, kind="tuft")
        f.blob([(-0.25, 0), (0.25, 0), (0.46, -0.6), (0.42, -0.9), (-0.42, -0.9), (-0.46, -0.6)], coat,
            texture="fur")
        for side in (-1, 1):
            f.limb([(side * 0.14, -0.3), (side * 0.15, -0.88)], 0.18, 0.2, coat, kind="leg", detail=1)
        x, y = 0, 0.3
    with f.at(x, y):
        _ruff(f, 0, 0, big, big, bumps=bumps, depth=f.num(0.12, 0.24), fill=mane, kind="mane")
        for side in (-1, 1):
            f.oval(side * 0.26, 0.28, 0.1, 0.1, coat, kind="ear", detail=1)
        f.oval(0, 0, 0.33, 0.32, coat, kind="head")
        for side in (-1, 1):
            dot_eye(f, side * 0.13, 0.08, 0.045)
            f.line([(0, -0.1), (side * 0.05, -0.17), (side * 0.14, -0.16)], "dark", 0.03, kind="mouth",
                detail=1)
        f.poly([(-0.09, 0.0), (0.09, 0.0), (0, -0.11)], "dark", kind="nose", round=0)
        whiskers(f, 0, -0.09, 0.28)


def mouse(f: Figure) -> None:
    coat = f.color("grey", "white", "brown", "silver")
    big, back = f.num(0.2, 0.29), f.num(0.16, 0.4)
    curl = f.num(-0.3, 0.35)
    f.line([(-0.4, -0.42), (-0.7, -0.5), (-0.85, -0.2), (-0.7, 0.0 + curl * 0.5), (-0.9, 0.2 + curl)], "pink",
        0.06, bend=True, kind="tail")
    f.oval(0.1, 0.26, big, big, shade(coat, -0.15), kind="ear")
    f.blob([(-0.58, -0.35), (-0.45, back - 0.15), (-0.1, back), (0.3, 0.2), (0.6, 0.02), (0.9, -0.28),
        (0.6, -0.46), (0.2, -0.55), (-0.4, -0.56)], coat, texture="fur")
    for x in (-0.3, 0.3):
        f.oval(x, -0.57, 0.14, 0.06, "pink", kind="foot")
    f.oval(0.3, 0.3, big * 1.1, big * 1.15, coat, kind="ear")
    f.oval(0.3, 0.29, big * 0.68, big * 0.75, "pink", kind="inner ear", detail=1)
    f.oval(0.9, -0.27, 0.07, 0.07, "pink", kind="nose")
    dot_eye(f, 0.6, -0.1, 0.055)
    for rise in (-0.12, 0.02, 0.16):
        f.line([(0.74, -0.28), (0.56, -0.34 + rise * 1.6)], "dark", 0.018, kind="whisker", detail=1)


def sheep(f: Figure) -> None:
    wool = f.color("white", "cream", "grey", "brown")
    skin = shade(f.color("black", "tan", "cream", tell="a face"), 0.08)
    bumps = int(f.num(9, 14))
    _legs(f, -0.42, 0.22, top=-0.3, foot=f.num(-0.88, -0.76), width=f.num(0.1, 0.14), fill=skin)
    f.oval(-0.74, 0.1, 0.14, 0.12, wool, kind="tail", texture="fur", detail=1)
    _ruff(f, -0.1, 0, 0.68, f.num(0.44, 0.56), bumps=bumps, depth=0.13, fill=wool, kind="wool")
    with f.at(0.56, f.num(0.1, 0.34)):
        f.oval(0, -0.06, 0.2, 0.3, skin, kind="head", turn=f.num(0, 25))
        for side in (-1, 1):
            ear(f, side * 0.15, 0.08, 0.13, 0.28, skin, turn=-side * f.num(95, 125), pointed=False)
            eye(f, side * 0.08, 0.02, 0.045)
        _ruff(f, 0, 0.22, 0.22, 0.14, bumps=6, depth=0.16, fill=wool, kind="wool")
        f.line([(-0.05, -0.2), (0.0, -0.23), (0.05, -0.2)], "pink", 0.03, kind="mouth", detail=2)


BENCHMARK = (camel, cat, cow, elephant, giraffe, horse, pig, rabbit)
PRETRAINING = (dog, hedgehog, lion, mouse, sheep)
