"""What people build, seen from the front."""

from itertools import pairwise
from math import cos, pi, sin

import numpy as np

from ..grammar import RGB, Figure, shade
from ..parts import both, door, roof, window

# Outlines read better packed than one point a line.
# fmt: off


def bridge(f: Figure) -> None:
    form = f.adjective("hanging", "arched", "stone")
    paint = f.color("red", "grey", "brown", "tan", "blue", "orange")
    deck, low = f.num(-0.12, 0.02), -0.55
    f.box(-0.98, low - 0.14, 0.98, low, "blue", kind="water", detail=2)
    if form == "stone":
        n, rise = int(f.num(2, 3.99)), f.num(0.1, 0.3)
        step, crown = 1.9 / n, [(0.95 - 1.9 * t, deck + 0.15 + rise * sin(pi * t)) for t in (0, 0.25, 0.5,
            0.75, 1)]
        holes = [(-0.95 + (k + 0.5 - 0.36 * cos(pi * t)) * step,
            low + (deck + 0.1 - low) * sin(pi * t)) for k in range(n) for t in (0, 0.15, 0.3, 0.5, 0.7, 0.85,
            1)]
        f.poly([(-0.95, low), *holes, (0.95, low), *crown], paint, kind="arch", texture="bricks")
        return f.line(crown, shade(paint, -0.4), 0.07, kind="rail")
    if form == "arched":
        bow = [(0.9 * cos(pi * t / 10), deck + f.num(0.5, 0.52) * sin(pi * t / 10)) for t in range(11)]
        f.line(bow, paint, f.num(0.07, 0.1), kind="arch")
        for x, y in bow[1:-1]:
            f.line([(x, deck), (x, y)], paint, 0.035, kind="cable")
    top = f.num(0.45, 0.75) if form == "hanging" else deck
    for x in (-0.5, 0.5):
        f.box(x - 0.07, low - 0.1, x + 0.07, top, paint, kind="tower")
    if form == "hanging":
        sag = [(2 * abs(x)) ** 1.8 if abs(x) < 0.5 else (0.96 - abs(x)) / 0.46 for x in np.linspace(-0.96,
            0.96, 25)]
        rope = [(0.08 * k - 0.96, deck + 0.06 + (top - deck - 0.06) * y) for k, y in enumerate(sag)]
        f.line(rope, shade(paint, -0.3), 0.045, kind="cable")
        for x, y in rope[2:-2:2]:
            f.line([(x, deck), (x, y)], shade(paint, -0.3), 0.025, kind="cable", detail=1)
    f.box(-0.98, deck - 0.06, 0.98, deck + 0.06, shade(paint, -0.2), kind="deck")


def _battlement(f: Figure, x0: float, x1: float, y: float, fill: RGB, *, low: float, teeth: int = 3) -> None:
    """A wall from ``low`` up to ``y`` with a toothed top."""
    step = (x1 - x0) / (2 * teeth - 1)
    top = [(x0 + (k + e) * step, y + 0.11 * (1 - k % 2)) for k in range(2 * teeth - 1) for e in (0, 1)]
    f.poly([(x0, low), *top, (x1, low)], fill, kind="battlement", texture="bricks", round=0.4)


def castle(f: Figure) -> None:
    stone = f.color("grey", "tan", "silver", "cream", "pink", "brown")
    tops, wide, low = f.pick("towers", "flat", "pointed"), f.num(0.34, 0.44), -0.75
    wall, side, keep = f.num(-0.08, 0.1), f.num(0.2, 0.42), f.chance(0.6)
    flag = tops == "flat" and f.chance(0.6)
    told = "flags" if flag else "roofs" if tops == "pointed" else None
    cap = f.color("red", "blue", "purple", "green", tell=told)
    if keep:
        _battlement(f, -0.3, 0.3, side + f.num(0.1, 0.3), shade(stone, -0.15), low=low)
        window(f, 0, side, 0.13, 0.22, shape="arched")
    _battlement(f, -0.8, 0.8, wall, stone, low=low, teeth=6)
    for x in (-0.76, 0.76):
        _battlement(f, x - wide / 2, x + wide / 2, side, shade(stone, 0.15), low=low)
        if tops == "pointed":
            roof(f, x - wide * 0.62, x + wide * 0.62, side + 0.08, f.num(0.34, 0.46), cap)
        elif flag:
            f.line([(x, side), (x, side + 0.46)], "dark", 0.04, kind="pole")
            f.poly([(x, side + 0.48), (x + 0.24, side + 0.38), (x, side + 0.28)], cap, kind="flag")
        window(f, x, f.num(-0.1, 0.1), 0.12, 0.2, shape="arched")
    w, h = f.num(0.15, 0.22), f.num(0.2, 0.28)
    f.poly(both((w, low), (w, low + h), (w * 0.8, low + h * 1.5), (0, low + h * 1.8)), "brown", kind="gate",
        texture="mesh")


def church(f: Figure) -> None:
    place = f.adjective("", "long", "tall")
    wall = f.color("white", "cream", "tan", "grey", "pink")
    top = f.color("red", "brown", "dark", "blue", "teal", tell="a roof")
    x, w, low = (-0.5 if place == "long" else f.num(-0.42, -0.34)), f.num(0.4, 0.48), -0.85
    eaves, tower = (-0.3 if place == "long" else -0.2), (0.25 if place == "tall" else 0.08) + f.num(-0.05,
        0.05)
    end = 0.95 if place == "long" else 0.7
    f.poly([(x, eaves), (end, eaves), (end - 0.12, eaves + 0.42), (x, eaves + 0.42)], top, kind="roof",
        texture="tiles")
    f.box(x, low, end - 0.05, eaves, wall, kind="wall")
    shape, n = f.pick("windows", "arched", "round", "square"), 3 if place == "long" else 2
    for k in range(n):
        window(f, x + w / 2 + 0.05 + (k + 0.5) * (end - x - w / 2 - 0.1) / n, -0.55, 0.17,
            0.17 if shape == "round" else 0.3, shape=shape)
    f.box(x - w / 2, low, x + w / 2, tower, shade(wall, 0.1), kind="tower")
    spire = min(f.num(0.34, 0.5), 0.72 - tower)
    roof(f, x - w * 0.58, x + w * 0.58, tower, spire, top)
    y = tower + spire
    f.line([(x, y - 0.03), (x, y + 0.24)], "dark", 0.055, kind="cross")
    f.line([(x - 0.1, y + 0.14), (x + 0.1, y + 0.14)], "dark", 0.055, kind="cross")
    if f.chance(0.5):
        f.oval(x, tower - 0.2, 0.11, 0.11, "gold", kind="clock", detail=1)
    else:
        window(f, x, tower - 0.2, 0.14, 0.22, shape="arched")
    f.box(x - 0.12, low, x + 0.12, low + 0.36, "brown", soft=0.11, kind="door")


def house(f: Figure) -> None:
    size = f.adjective("", "wide", "tall")
    wall = f.color("white", "cream", "yellow", "red", "sky", "pink", "tan", "lime")
    half, eaves = {"wide": (0.86, -0.1), "tall": (0.52, 0.25)}.get(size, (0.68, 0.05))
    top, low = f.color("red", "brown", "dark", "blue", "orange", tell="a roof"), -0.8
    high, form = f.num(0.45, 0.62), f.choose("gable", "hip")
    if f.chance(0.75):
        x = half * (0.5 if f.chance(0.5) else -0.5)
        f.box(x - 0.09, eaves, x + 0.09, eaves + high * 0.95, "brown", kind="chimney", texture="bricks")
    f.box(-half, low, half, eaves, wall, kind="wall", texture=f.choose("", "bricks", "grain") or None)
    if form == "gable":
        roof(f, -half - 0.12, half + 0.12, eaves, high, top)
        if f.chance(0.5):
            window(f, 0, eaves + high * 0.36, 0.18, 0.18, shape="round")
    else:
        f.poly(both((half + 0.12, eaves), (half * 0.6, eaves + high * 0.85)), top, kind="roof",
            texture="tiles")
    shape, middle = f.pick("windows", "square", "round", "arched"), f.chance(0.5)
    for side in (-1, 1):
        if size == "tall":
            window(f, side * half * 0.5, eaves - 0.28, 0.28, 0.28, shape=shape, bars=True, detail=0)
        if middle or side > 0:
            window(f, side * half * 0.62, low + 0.5, 0.28, 0.28, shape=shape, bars=True, detail=0)
    paint = f.color("brown", "red", "green", "blue", tell="a door")
    door(f, 0 if middle else -half * 0.45, low, 0.26, f.num(0.46, 0.56), paint, detail=0)


def lighthouse(f: Figure) -> None:
    size, paint = f.adjective("", "slim", "stout"), f.color("red", "blue", "black", "white", "orange")
    w, narrow = {"slim": 0.2, "stout": 0.38}.get(size, 0.28), f.num(0.55, 0.75)
    low, top, second = -0.8, 0.42, "white" if max(paint) < 0.9 else "red"
    n = {"plain": 1, "striped": int(f.num(4, 6.99)), "two-tone": 2}[f.pick("walls", "striped", "plain",
        "two-tone")]
    f.blob([(-0.8, -0.95), (-0.6, -0.75), (-0.2, -0.68), (0.3, -0.72), (0.65, -0.8), (0.85, -0.95)], "grey",
        kind="rock", detail=1)
    rows = [(low + (top - low) * k / n, w * (1 - (1 - narrow) * k / n)) for k in range(n + 1)]
    for k, ((y0, w0), (y1, w1)) in enumerate(pairwise(rows)):
        f.poly(both((w0, y0), (w1, y1)), second if k % 2 else paint, kind="tower", round=0.6)
    w *= narrow
    if f.chance(0.75):
        for side in (-1, 1):
            for rise in (-0.1, 0.14) if f.chance(0.6) else (0.0,):
                f.line([(side * (w + 0.1), 0.6), (side * 0.75, 0.6 + 2 * rise)], "yellow", 0.07, kind="beam")
    f.box(-w * 0.7, top, w * 0.7, 0.72, "yellow", kind="light")
    f.box(-w - 0.1, top - 0.03, w + 0.1, top + 0.07, "dark", kind="balcony")
    roof(f, -w * 0.95, w * 0.95, 0.7, 0.22, "red" if n > 1 else "dark")
    window(f, 0, -0.05, 0.11, 0.17, shape="arched")
    f.box(-0.09, low, 0.09, low + 0.28, "brown", soft=0.08, kind="door", detail=1)


def skyscraper(f: Figure) -> None:
    paint = f.color("grey", "blue", "sky", "silver", "tan", "teal", "brown", "dark")
    form = f.pick("top", "flat", "stepped", "pointed", "slanted")
    rows, cols = int(f.num(5, 6.99)), int(f.num(3, 4.49))
    w, low, top = f.num(0.3, 0.42), -0.92, f.num(0.48, 0.58)
    lit, peak = f.color("yellow", "glass", "white", tell="windows"), top + 0.08
    if form == "stepped":
        f.box(-w * 0.4, top, w * 0.4, top + 0.26, paint, kind="tower")
        f.box(-w * 0.7, top - 0.05, w * 0.7, top + 0.13, paint, kind="tower")
        peak = top + 0.26
    elif form == "pointed":
        f.poly([(-w, top), (w, top), (0, top + 0.3)], shade(paint, -0.2), kind="top")
        peak = top + 0.28
    slant = 0.25 * (form == "slanted")
    f.poly([(-w, low), (w, low), (w, top), (-w, top + slant)], paint, kind="tower", round=0.3)
    if form != "slanted" and f.chance(0.7):
        f.line([(0, peak - 0.02), (0, 0.94)], "dark", 0.045, kind="antenna")
    high, wide = (top - low - 0.3) / rows, 2 * w * 0.88 / cols
    style = f.choose("panes", "bands", "columns")
    for k in range(cols if style == "columns" else rows):
        x, y = -w * 0.88 + (k + 0.5) * wide, top - 0.05 - (k + 0.5) * high
        if style == "columns":
            f.box(x - wide * 0.3, low + 0.28, x + wide * 0.3, top - 0.06, lit, kind="window", texture="tiles")
        elif style == "bands":
            f.box(-w * 0.86, y - high * 0.28, w * 0.86, y + high * 0.28, lit, kind="window")
        else:
            for c in range(cols):
                x = -w * 0.88 + (c + 0.5) * wide
                f.box(x - wide * 0.34, y - high * 0.32, x + wide * 0.34, y + high * 0.32, lit, kind="window",
                    round=0)
    f.box(-0.1, low, 0.1, low + 0.2, "dark", kind="door", detail=1)


def tent(f: Figure) -> None:
    form = f.pick("shape", "pointed", "round", "long")
    paint = f.color("orange", "green", "blue", "red", "yellow", "tan", "purple")
    half, top, low = f.num(0.66, 0.82), f.num(0.4, 0.65), -0.6
    slit, look, dark = f.num(0.16, 0.3), f.choose("", "stripes", "grain") or None, shade(paint, -0.65)
    if form == "round":
        top -= 0.15
        dome = both((half, low), (half * 0.85, low * 0.4 + top * 0.6), (half * 0.45, top - 0.06), (0, top))
        f.blob([*dome, (0, low - 0.03)], paint, kind="canvas", texture=look)
        f.poly([(-slit * 1.4, low), (slit * 1.4, low), (0, top - 0.3)], dark, kind="opening")
        for side in (-1, 1):
            f.line([(0, top), (side * half * 0.5, top - 0.4), (side * half * 0.6, low)], dark, 0.035,
                bend=True, kind="pole", detail=1)
            f.line([(side * half * 0.9, low + 0.35), (side * 0.96, low - 0.05)], "dark", 0.03, kind="rope",
                detail=1)
    else:
        x, far = (-0.3 if form == "long" else 0), 0.84
        half *= 0.75 if form == "long" else 1
        if form == "long":
            f.poly([(x, top), (far - 0.3, top - 0.08), (far, low + 0.1), (x + half, low)], shade(paint,
                -0.2), kind="side", texture=look, round=0.3)
        f.poly([(x - half, low), (x + half, low), (x, top)], paint, kind="canvas", texture=look, round=0.3)
        f.poly([(x - slit, low), (x + slit, low), (x, top - f.num(0.1, 0.4))], dark, kind="opening")
        f.line([(x, low), (x, top)], dark, 0.03, kind="pole", detail=2)
        if f.chance(0.4):
            f.poly([(x, top), (x, top + 0.26), (x + 0.26, top + 0.16)], "red", kind="flag")
        for edge, y in ((x - half, low), (far if form == "long" else x + half, low)):
            f.line([(edge, y + 0.15), (edge + 0.15 * (1 if edge > 0 else -1), y - 0.12)], "dark", 0.03,
                kind="rope", detail=1)


def windmill(f: Figure) -> None:
    wall = f.color("white", "tan", "brown", "red", "cream", "grey")
    cap = f.color("red", "brown", "dark", "blue", tell="a cap")
    blades, low, top = f.pick("blades", "slatted", "plain", "solid"), -0.92, f.num(0.1, 0.25)
    wide, narrow, length = f.num(0.36, 0.48), f.num(0.2, 0.28), f.num(0.62, 0.72)
    f.poly(both((wide, low), (narrow, top)), wall, kind="tower", texture=f.choose("", "bricks",
        "planks") or None, round=0.6)
    if f.chance(0.5):
        f.blob(both((narrow + 0.04, top), (narrow, top + 0.2), (narrow * 0.4, top + 0.32)), cap, kind="roof")
    else:
        roof(f, -narrow - 0.06, narrow + 0.06, top, 0.32, cap)
    f.box(-0.11, low, 0.11, low + 0.3, "brown", soft=0.1 * f.chance(0.5), kind="door", detail=1)
    window(f, 0, -0.3, 0.15, 0.18, shape=f.choose("square", "round", "arched"))
    start, broad = f.num(10, 80), f.num(0.14, 0.2)
    for k in range(4):
        with f.at(0, top + 0.06, turn=start + 90 * k):
            look = {"slatted": "tiles", "plain": None, "solid": "grain"}[blades]
            f.poly([(0.14, 0.02), (length, 0.02), (length, broad), (0.14, broad)],
                "brown" if blades == "solid" else "cream", kind="blade", texture=look, round=0.1)
            f.line([(0, 0), (length, 0)], "dark", 0.055, kind="blade")
            for x in (0.3, 0.45) if blades == "slatted" else ():
                f.line([(x, 0), (x, broad)], "dark", 0.03, kind="slat", detail=1)
    f.oval(0, top + 0.06, 0.06, 0.06, "dark", kind="hub", detail=1)


def barn(f: Figure) -> None:
    wall = f.color("red", "brown", "grey", "green", "white")
    trim = f.color("white", "cream", "yellow", tell=None) if min(wall) < 0.8 else shade("brown", 0)
    half, low, eaves = f.num(0.62, 0.74), -0.8, f.num(-0.15, 0.05)
    top, gap = f.num(0.58, 0.78), f.num(0.55, 0.68)
    if f.chance(0.4):
        f.box(half - 0.02, low, half + 0.24, 0.3, "silver", kind="silo", texture="tiles")
        f.oval(half + 0.11, 0.3, 0.13, 0.13, "grey", kind="silo roof")
    outline = both((half, low), (half, eaves), (half * gap, (eaves + top) / 2 + 0.1), (0, top))
    f.poly(outline, wall, kind="wall", texture="planks")
    f.line([(x * 1.08, y) for x, y in outline[1:-1]], f.color("dark", "brown", "silver", tell="a roof"),
        0.11, kind="roof")
    f.box(-0.3, low, 0.3, -0.2, wall, kind="door")
    sign = f.pick("doors", "crossed", "double")
    for x in (-0.3, 0.3) if sign == "crossed" else (0.0,):
        f.line([(x, low), (-x, -0.2)], trim, 0.06, kind="beam")
    f.line([(-0.3, low), (-0.3, -0.2), (0.3, -0.2), (0.3, low)], trim, 0.06, kind="frame")
    window(f, 0, eaves + 0.22, 0.24, 0.24, shape=f.choose("square", "round", "arched"), bars=True, detail=0)


def igloo(f: Figure) -> None:
    snow, low = f.color("white", "sky", "silver", "cream"), -0.6
    size = f.adjective("", "tall", "flat")
    top = {"tall": 0.56, "flat": 0.18}.get(size, 0.36)
    half, side = f.num(0.7, 0.8), f.num(-0.05, 0.35)
    dome = [(half * cos(pi * k / 12) - 0.1, low + (top - low) * sin(pi * k / 12)) for k in range(13)]
    f.poly(dome, snow, kind="dome", round=0.5)
    for r, turn in ((0.28, 0), (0.55, 1), (0.8, 0)):
        y = low + (top - low) * r
        w = half * (1 - r * r) ** 0.5
        f.line([(-w - 0.1, y), (-0.1, y + 0.05), (w - 0.1, y)], "grey", 0.03, bend=True, kind="joint",
            detail=int(r > 0.6))
        for k in range(-2, 3):
            x = -0.1 + (k + 0.5 * turn) * w * 0.45
            if abs(x + 0.1) < w * 0.93 - 0.05 and r < 0.8:
                f.line([(x, y), (x * 0.88, y + (top - low) * 0.27)], "grey", 0.03, kind="joint", detail=1)
    w, h = f.num(0.3, 0.36), f.num(0.42, 0.52)
    arch = [(cos(pi * k / 8), sin(pi * k / 8)) for k in range(9)]
    f.poly([(side + 0.15 + w * x, low - 0.04 + h * y) for x, y in arch], shade(snow, 0.2), kind="tunnel",
        round=0.3)
    f.poly([(side + 0.15 + w * 0.65 * x, low - 0.04 + h * 0.7 * y) for x, y in arch], "dark", kind="opening",
        round=0)


def well(f: Figure) -> None:
    stone, top = f.color("grey", "tan", "silver", "brown"), f.color("red", "brown", "green", "blue",
        tell="a roof")
    w, rim, low = f.num(0.44, 0.58), f.num(-0.25, -0.1), -0.85
    eaves = f.num(0.38, 0.5)
    f.oval(0, rim, w, 0.14, "dark", kind="opening", round=0)
    for x in (-w + 0.06, w - 0.06):
        f.box(x - 0.045, rim, x + 0.045, eaves + 0.1, "brown", kind="post")
    f.line([(-w, eaves - 0.12), (w + 0.16, eaves - 0.12), (w + 0.16, eaves - 0.28)], "dark", 0.05,
        kind="crank")
    drop = f.num(0.02, 0.18)
    f.line([(0, eaves - 0.12), (0, drop)], "tan", 0.035, kind="rope")
    f.poly(both((0.1, drop - 0.2), (0.14, drop)), f.color("brown", "silver", tell="a bucket"), kind="bucket")
    front = both((w, rim), (w * 0.97, low + 0.05), (w * 0.5, low - 0.05))
    f.blob([*front, (-w * 0.5, rim - 0.12), (0, rim - 0.15), (w * 0.5, rim - 0.12)], stone, kind="wall",
        texture="bricks")
    roof(f, -w - f.num(0.14, 0.24), w + f.num(0.14, 0.24), eaves, f.num(0.32, 0.45), top)


BENCHMARK = (bridge, castle, church, house, lighthouse, skyscraper, tent, windmill)
PRETRAINING = (barn, igloo, well)
KINGDOM = "artefact"
