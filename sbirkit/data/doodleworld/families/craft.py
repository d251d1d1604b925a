"""What flies or floats, mostly from the side and heading right."""

from itertools import pairwise
from math import cos, pi, sin

import numpy as np

from ..grammar import Figure, shade
from ..parts import both, window

# Outlines read better packed than one point a line.
# fmt: off


def _waves(f: Figure, y: float) -> None:
    """The sea's line."""
    f.line([(x, y + 0.04 * (-1) ** k) for k, x in enumerate(np.linspace(-0.96, 0.96, 9))], "blue", 0.05,
        bend=True, kind="wave", detail=1)


def _portholes(f: Figure, x0: float, x1: float, y: float, n: int, *, shape: str = "round",
    detail: int = 1) -> None:
    """A row of ``n`` small windows."""
    for k in range(n):
        window(f, x0 + (k + 0.5) * (x1 - x0) / n, y, 0.12, 0.12, shape=shape, detail=detail)


def airplane(f: Figure) -> None:
    paint, trim = f.color("white", "silver", "red", "yellow", "blue", "green"), f.color("red", "blue",
        "orange", "teal", tell="a tail")
    fat, sort, sweep = f.num(0.15, 0.22), f.adjective("", "jet", "propeller"), f.num(0.2, 0.4)
    with f.at(turn=f.num(-6, 16), size=0.94):
        f.poly([(0.1, fat * 0.5), (-0.12, fat * 0.5), (-0.1 - sweep, fat + 0.26),
            (0.02 - sweep, fat + 0.26)], shade(paint, -0.3), kind="wing")
        tall = f.num(0.42, 0.55)
        f.poly([(-0.55, fat * 0.5), (-0.84, fat * 0.4), (-0.98, tall), (-0.8, tall)], trim, kind="tail")
        f.blob([(-0.95, fat * 0.6), (-0.5, fat * 0.85), (0.4, fat), (0.78, fat * 0.7), (0.95, -0.04),
            (0.78, -fat * 0.7), (0.3, -fat), (-0.45, -fat * 0.75)], paint, kind="body", round=0.7)
        f.poly([(0.6, fat * 0.65), (0.82, fat * 0.5), (0.85, 0.04), (0.58, 0.04)], "glass", kind="window",
            detail=1)
        _portholes(f, -0.55, 0.5, 0.05, int(f.num(4, 7.9)), shape=f.pick("windows", "round", "square"))
        f.poly([(0.24, -fat * 0.3), (-0.12, -fat * 0.3), (-0.2 - sweep, -0.56), (-0.02 - sweep, -0.56)],
            shade(paint, -0.15), kind="wing")
        f.poly([(-0.64, 0.04), (-0.84, 0.04), (-1, -0.12), (-0.88, -0.12)], trim, kind="tail wing")
        if sort == "propeller":
            f.oval(0.97, -0.03, 0.04, f.num(0.26, 0.36), "dark", kind="propeller", round=0)
        elif sort == "jet":
            f.box(-0.18, -0.42, 0.16, -0.26, "grey", soft=0.07, kind="engine")


def canoe(f: Figure) -> None:
    paint, wood = f.color("red", "brown", "green", "yellow", "blue", "tan", "orange"), f.color("tan",
        "brown", tell=None)
    tips, deep, rise = f.pick("ends", "curled", "pointed"), f.num(0.3, 0.42), f.num(0.2, 0.34)
    sag = 0.12
    for k in range(2 if f.chance(0.4) else 1):  # a paddle leans against the far side
        with f.at(f.num(-0.35, 0.0) + 0.5 * k, 0.2, turn=f.num(-28, 28)):
            f.line([(0, -0.4), (0, 0.5)], wood, 0.06, kind="paddle")
            f.oval(0, 0.55, 0.09, 0.2, wood, kind="paddle blade")
    inner = both((0.88, rise - 0.06), (0.4, sag + 0.06))
    f.blob([*inner, (-0.4, sag - 0.1), (0.4, sag - 0.1)], shade(paint, -0.6), kind="inside", detail=1)
    for x in (-0.4, 0.4):
        f.box(x - 0.1, sag - 0.1, x + 0.1, sag + 0.01, wood, kind="seat", detail=2)
    end = (0.82, rise + 0.1) if tips == "curled" else (0.98, rise)
    low = -deep
    f.blob([end, (0.98, rise - 0.08), (0.8, low * 0.5), (0.45, low), (-0.45, low), (-0.8, low * 0.5),
        (-0.98, rise - 0.08), (-end[0], end[1]), (-0.74, sag), (-0.3, sag - 0.16), (0.3, sag - 0.16), (0.74,
        sag)], paint, kind="hull", texture=f.choose("grain", "", "planks") or None)
    band = f.choose("", "stripe", "zigzag")
    if band:
        xs = np.linspace(-0.7, 0.7, 9)
        f.line([(x, -0.12 + (0.05 * (-1) ** k if band == "zigzag" else 0)) for k, x in enumerate(xs)],
            shade(paint, 0.6), 0.05, kind="stripe", detail=1)
    if f.chance(0.6):
        _waves(f, low - 0.02)


def helicopter(f: Figure) -> None:
    paint, glass = f.color("red", "blue", "green", "yellow", "orange", "white", "black"), f.num(0.2, 0.3)
    w, h, top = f.num(0.42, 0.54), f.num(0.28, 0.36), 0.42
    length = f.adjective("", "long", "stubby")
    end = {"long": -0.85, "stubby": -0.6}.get(length, -0.74)
    f.limb([(0.1, 0.06), (end, 0.14)], 0.3, 0.1, paint, bend=False, kind="boom")
    f.poly([(end + 0.12, 0.1), (end - 0.02, 0.1), (end - 0.06, 0.42), (end + 0.04, 0.42)], paint, kind="tail")
    if f.pick("tail", "round", "crossed") == "round":
        f.oval(end, 0.16, 0.15, 0.15, "silver", kind="tail rotor", round=0)
    for turn in (40, 130):
        with f.at(end, 0.16, turn=turn):
            f.line([(-0.17, 0), (0.17, 0)], "dark", 0.05, kind="tail rotor")
    f.line([(0.3, h - 0.1), (0.3, top)], "dark", 0.09, kind="mast")
    f.oval(0.3, -0.05, w, h, paint, kind="body", round=0.7)
    f.blob([(0.34, -0.05), (0.36, h - 0.1), (0.5, h - 0.12), (0.3 + w * 0.86, glass * 0.3),
        (0.3 + w * 0.95, -0.05)], "glass", kind="window")
    if f.chance(0.6):
        window(f, 0.12, 0.02, 0.22, 0.24, shape=f.choose("square", "round"))
    for x in (0.1, 0.5):
        f.line([(x, -0.05 - h * 0.8), (x - 0.04, -0.52)], "dark", 0.05, kind="strut")
    f.line([(-0.2, -0.53), (0.72, -0.53), (0.82, -0.45)], "dark", 0.065, kind="skid")
    reach, droop = f.num(0.62, 0.68), f.num(0, 0.06)
    for side in (-1, 1):
        f.limb([(0.3, top + 0.02), (0.3 + side * reach, top + 0.02 - droop)], 0.05, 0.1, "dark", kind="rotor")


def hot_air_balloon(f: Figure) -> None:
    form, look = f.adjective("", "round", "slim"), f.choose("gores", "band", "plain", "zigzag")
    paint, told = f.color("red", "blue", "purple", "orange", "green"), {"plain": None, "band": "a band"}
    other = f.color("yellow", "white", "sky", "pink", tell=told.get(look, "stripes"))
    w, y = {"round": 0.72, "slim": 0.52}.get(form, 0.62), 0.3
    low, h, basket = f.num(-0.42, -0.3), 0.62, f.num(0.13, 0.2)
    for x in (-1, 1):
        f.line([(x * 0.22, low + 0.1), (x * basket, -0.72)], "dark", 0.035, kind="rope")
    side = [(w, y), (w * 0.75, y + h * 0.72), (0, y + h)]
    f.blob(both((0.15, low), (w * 0.62, low + 0.3), *side), paint, kind="balloon", round=0.7)
    if look == "gores":
        for r in (0.66, 0.24):
            f.blob([(x * r, v) for x, v in both((0.15, low + 0.03), (w * 0.62, low + 0.3), *side)],
                other if r > 0.5 else paint, kind="gore", detail=int(r < 0.5), round=0.4)
    elif look != "plain":
        xs = np.linspace(-w * 0.96, w * 0.96, 9)
        for rise in (-0.13, 0.13) if look == "zigzag" else (0.0,):
            dip = [(x, y + rise + (0.08 * (-1) ** k if look == "zigzag" else -0.1 * cos(x / w * pi / 2))) for
                k, x in enumerate(xs)]
            f.line(dip, other, 0.09 if look == "zigzag" else 0.22, kind="stripe", detail=1)
    f.box(-basket, -0.94, basket, -0.7, f.color("brown", "tan", "gold", tell="a basket"), soft=0.04,
        kind="basket", texture="mesh")
    if f.chance(0.4):
        f.oval(0, -0.64, 0.07, 0.08, "skin", kind="head", detail=1)


def rocket(f: Figure) -> None:
    form = f.adjective("", "slim", "fat")
    paint = f.color("white", "silver", "red", "blue", "yellow", "green")
    trim, w = f.color("red", "orange", "blue", "purple", tell="fins"), {"slim": 0.2, "fat": 0.38}.get(form,
        0.28)
    low, shoulder, fin, drop = -0.5, f.num(0.25, 0.45), f.num(0.24, 0.36), f.num(0.05, 0.25)
    with f.at(turn=f.num(-30, 30)):
        if f.chance(0.75):
            for size, hue in ((1.0, "orange"), (0.55, "yellow")):
                flame = both((w * 0.6 * size, low - 0.02), (w * 0.75 * size, low - 0.16 * size),
                    (0, low - 0.45 * size))
                f.blob(flame, hue, kind="flame", detail=int(size < 1), round=0.1)
        for side in (-1, 1):
            f.poly([(side * w * 0.8, low + 0.36), (side * (w + fin), low - drop + 0.1), (side * (w + fin),
                low - drop), (side * w * 0.7, low)], trim, kind="fin")
        f.box(-w * 0.55, low - 0.1, w * 0.55, low + 0.02, "dark", kind="nozzle", detail=1)
        f.blob(both((w * 0.72, low), (w, low + 0.35), (w * 0.98, shoulder), (w * 0.5, 0.7), (0, 0.92)),
            paint, kind="body", round=0.7)
        f.blob(both((w * 0.9, shoulder + 0.1), (w * 0.5, 0.7), (0, 0.92)), trim, kind="nose", round=0.6)
        n = {"one": 1, "two": 2, "three": 3}[f.pick("windows", "one", "two", "three")]
        for k in range(n):
            window(f, 0, shoulder - 0.1 - 0.26 * k, 0.2, 0.2, shape="round", detail=0)
        if f.chance(0.5):
            f.line([(-w * 0.8, low + 0.12), (w * 0.8, low + 0.12)], trim, 0.06, kind="stripe", detail=1)


def sailboat(f: Figure) -> None:
    hull, sail = f.color("red", "blue", "brown", "white", "green", "yellow", tell="a hull"), f.color("white",
        "red", "orange", "sky", "yellow", "pink")
    sails, half, deep = f.pick("sails", "two", "one", "curved"), f.num(0.62, 0.8), f.num(0.22, 0.32)
    top, low, mast = f.num(0.8, 0.92), -0.45, f.num(-0.1, 0.1)
    look = f.choose("", "stripes", "tiles") or None
    f.line([(mast, low), (mast, top)], "brown", 0.06, kind="mast")
    y, back, front = top - f.num(0.05, 0.4), f.num(0.6, 0.72), f.num(0.45, 0.62)
    belly = 0.2 if sails == "curved" else 0.0
    for x, peak, reach, tone in ((mast - 0.05, top, -back, 0.0), (mast + 0.06, y, front, -0.15)):
        if reach < 0 or sails != "one":
            leech = [(x + reach * (1 - t + belly * 2 * sin(pi * t) * t),
                low + 0.17 + (peak - low - 0.17) * t) for t in (0, 0.25, 0.5, 0.75, 1)]
            f.poly([(x, low + 0.17), *leech], shade(sail, tone), kind="sail", texture=look, round=0.5)
    if f.chance(0.5):
        f.poly([(mast, top + 0.08), (mast, top - 0.08), (mast - 0.22, top)], "red", kind="flag", detail=1)
    f.poly([(-half, low), (half + 0.12, low), (half * 0.72, low - deep), (-half * 0.8, low - deep)], hull,
        kind="hull", texture="planks" if f.chance(0.4) else None, round=0.5)
    if f.chance(0.6):
        _waves(f, low - deep)


def ship(f: Figure) -> None:
    """A steamer: funnels, decks and portholes."""
    size = f.adjective("", "long", "stubby")
    hull = f.color("black", "red", "blue", "white", "green", "grey", tell="a hull")
    half, low, rim = {"stubby": 0.74}.get(size, 0.95), -0.6, -0.16 if size == "long" else -0.08
    decks, n, lean = max(1, int(f.num(1, 2.99))), max(1, int(f.num(1, 3.99))), f.num(0, 0.08)
    paint, y = f.color("red", "orange", "black", "yellow", tell="funnels"), rim + decks * 0.22
    for k in range(n):
        x = (-0.02 + (k - (n - 1) / 2) * 0.34) * half - 0.05
        f.poly([(x - 0.09, y - 0.04), (x + 0.09, y - 0.04), (x + 0.09 - lean, y + 0.4),
            (x - 0.09 - lean, y + 0.4)], paint, kind="chimney", round=0.6)
        f.box(x - 0.1 - lean * 0.8, y + 0.26, x + 0.1 - lean, y + 0.34, "white", kind="band", detail=2)
        if k == 0 or n > 2:
            f.oval(x - 0.14, y + 0.5, 0.14, 0.09, "silver", kind="smoke", detail=1)
    for k in range(decks):
        r = half * (0.68 - 0.16 * k)
        f.box(-r - 0.02, rim + 0.22 * k - 0.02, r, rim + 0.22 * (k + 1), "white", kind="deck")
        _portholes(f, -r, r, rim + 0.22 * k + 0.11, 5 - k, shape="square")
    if f.chance(0.5):
        f.line([(half * 0.78, rim), (half * 0.78, rim + 0.6)], "dark", 0.04, kind="mast", detail=1)
    f.poly([(-half, rim), (half + 0.03, rim + 0.1), (half * 0.8, low), (-half * 0.84, low)], hull,
        kind="hull", round=0.5)
    if f.chance(0.6):
        f.poly([(-half * 0.89, low + 0.14), (half * 0.86, low + 0.14), (half * 0.8, low),
            (-half * 0.84, low)], "red", kind="stripe", detail=2)
    _portholes(f, -half * 0.8, half * 0.8, rim - 0.18, int(f.num(4, 6.99)), detail=0)
    if f.chance(0.6):
        _waves(f, low)


def submarine(f: Figure) -> None:
    paint = f.color("yellow", "grey", "blue", "red", "green", "black", "orange")
    size = f.adjective("", "slim", "fat")
    h, x = {"slim": 0.25, "fat": 0.4}.get(size, 0.32), f.num(-0.1, 0.2)
    y, end = -0.2, -0.74
    top, wide = y + h + f.num(0.18, 0.28), f.num(0.16, 0.24)
    f.line([(x, top - 0.05), (x, top + 0.32), (x + 0.2, top + 0.32)], "dark", 0.085, kind="periscope")
    f.poly([(x - wide - 0.05, y + h * 0.7), (x - wide, top), (x + wide, top),
        (x + wide + 0.08, y + h * 0.7)], shade(paint, -0.15), kind="tower")
    blade = f.num(0.17, 0.26)
    for side in (-1, 1):
        f.oval(-0.93, y + side * blade * 0.6, 0.06, blade * 0.6, "silver", kind="propeller", round=0.2)
    f.box(-0.95, y - 0.05, end, y + 0.05, "dark", kind="axle")
    for side in (-1, 1):
        f.poly([(-0.45, y + side * h * 0.6), (-0.66, y + side * h * 0.5), (-0.8, y + side * (h + 0.12)),
            (-0.64, y + side * (h + 0.12))], shade(paint, -0.3), kind="fin", detail=int(side < 0))
    f.blob([(-0.84, y), (-0.66, y + h * 0.62), (-0.3, y + h * 0.96), (0.4, y + h), (0.8, y + h * 0.7),
        (0.95, y), (0.8, y - h * 0.7), (0.4, y - h), (-0.3, y - h * 0.96), (-0.66, y - h * 0.62)], paint,
        kind="body", round=0.8)
    shape, n = f.pick("windows", "round", "square"), max(2, int(f.num(3, 5.49)))
    for k in range(n):
        window(f, -0.4 + 1.05 * k / (n - 1), y + 0.02, 0.19, 0.19, shape=shape, detail=0)
    if f.chance(0.5):
        f.line([(-0.66, y - h * 0.45), (0.1, y - h * 0.6), (0.8, y - h * 0.45)], shade(paint, -0.5), 0.04,
            bend=True, kind="stripe", detail=2)
    for k in range(2 if f.chance(0.5) else 0):
        f.oval(-0.75 - 0.1 * k, 0.35 + 0.22 * k, 0.06, 0.06, "sky", kind="bubble", detail=1)


def blimp(f: Figure) -> None:
    paint = f.color("silver", "grey", "yellow", "red", "blue", "white")
    size, trim = f.adjective("", "slim", "fat"), f.color("red", "blue", "orange", "dark", tell="fins")
    h, y, x = {"slim": 0.32, "fat": 0.48}.get(size, 0.4), 0.12, f.num(-0.1, 0.12)
    wide = f.num(0.2, 0.32)
    f.poly([(x - wide, y - h * 0.8), (x + wide, y - h * 0.8), (x + wide * 0.75, y - h - 0.24),
        (x - wide * 0.75, y - h - 0.24)], shade(trim, -0.3), kind="cabin")
    f.blob([(-0.92, y), (-0.6, y + h * 0.62), (-0.1, y + h * 0.97), (0.4, y + h * 0.92), (0.8, y + h * 0.55),
        (0.95, y), (0.8, y - h * 0.55), (0.4, y - h * 0.92), (-0.1, y - h * 0.97), (-0.6, y - h * 0.62)],
        paint, kind="balloon", round=0.8)
    for side in (-1, 1):
        f.poly([(-0.5, y + side * h * 0.5), (-0.8, y + side * h * 0.2), (-0.98, y + side * (h + 0.12)),
            (-0.76, y + side * (h + 0.12))], trim, kind="fin")
    _portholes(f, x - wide * 0.8, x + wide * 0.8, y - h - 0.1, 3, shape=f.choose("square", "round"))
    f.poly([(-0.55, y + 0.04), (-0.95, y + 0.1), (-0.95, y - 0.1), (-0.55, y - 0.04)], trim, kind="fin",
        detail=1)
    for r in (0.35, -0.35) if f.pick("seams", "curved", "no") == "curved" else ():
        f.line([(-0.75, y + h * r), (0, y + h * r * 1.6), (0.82, y + h * r)], shade(paint, -0.45), 0.03,
            bend=True, kind="seam", detail=1)


def flying_saucer(f: Figure) -> None:
    paint, light = f.color("silver", "grey", "purple", "teal", "green", "red"), f.color("yellow", "lime",
        "pink", "orange", tell="lights")
    half, thick, dome = f.num(0.84, 0.96), f.num(0.18, 0.26), f.num(0.36, 0.46)
    y, high = f.num(0.0, 0.2), f.adjective("", "tall", "flat")
    h = {"tall": 0.6, "flat": 0.34}.get(high, 0.46)
    if f.chance(0.45):
        f.poly([(-0.25, y), (0.25, y), (0.6, -0.92), (-0.6, -0.92)], shade("yellow", 0.4), kind="beam",
            round=0)
    else:
        for x in (-0.4, 0.4):
            f.line([(x, y - 0.05), (x * 1.3, y - 0.45)], "dark", 0.06, kind="leg")
            f.oval(x * 1.3, y - 0.47, 0.09, 0.05, "dark", kind="foot", detail=1)
    arc = [(dome * cos(pi * k / 10), y + 0.08 + h * sin(pi * k / 10)) for k in range(11)]
    f.poly(arc, "glass", kind="dome", round=0.6)
    if f.chance(0.6):
        f.oval(0, y + 0.22, 0.12, 0.15, "lime", kind="head", detail=1)
        for x in (-0.05, 0.05):
            f.oval(x, y + 0.25, 0.035, 0.05, "black", kind="eye", detail=2)
    f.line([(0, y + h), (0, y + h + 0.2)], "dark", 0.04, kind="antenna", detail=1)
    f.oval(0, y, half, thick, paint, kind="body", round=0.6)
    n = int(f.num(4, 6.99))
    for k in range(n):
        x = (2 * k / (n - 1) - 1) * 0.72
        f.oval(x * half, y - 0.02 - 0.1 * (1 - x * x), 0.075, 0.065, light, kind="light", round=0.2)


def kite(f: Figure) -> None:
    paint, look = f.color("red", "blue", "green", "purple", "orange"), f.choose("quarters", "half", "plain")
    other = f.color("yellow", "white", "pink", "sky", tell=None if look == "plain" else "a patch")
    w, top, low, cross = f.num(0.4, 0.56), 0.92, f.num(-0.3, -0.15), f.num(0.38, 0.56)
    tail, sway = f.pick("tail", "bowed", "curly", "plain"), f.num(0.12, 0.24)
    with f.at(turn=f.num(-30, 10), size=0.95):
        string = [(0, low), (sway, low - 0.2), (-sway, low - 0.42), (sway * 0.8, -0.92)]
        f.line(string, "dark", 0.045, bend=True, kind="tail")
        for x, y in string[1:] if tail == "bowed" else ():
            for side in (-1, 1):
                f.poly([(x, y), (x + side * 0.12, y + 0.08), (x + side * 0.12, y - 0.06)], other, kind="bow")
        if tail == "curly":
            f.line([(sway * 0.8, -0.92), (0.4, -0.8), (0.26, -0.68), (0.2, -0.85), (0.5, -0.94)], "dark",
                0.045, bend=True, kind="tail")
        f.poly([(0, top), (w, cross), (0, low), (-w, cross)], paint, kind="sail", round=0.3)
        if look != "plain":
            f.poly([(0, top), (w, cross), (0, cross)] if look == "quarters" else [(0, top), (w, cross),
                (0, low)], other, kind="patch", ink=False, round=0.2)
            if look == "quarters":
                f.poly([(0, low), (-w, cross), (0, cross)], other, kind="patch", ink=False, round=0.2)
        f.line([(0, top), (0, low)], "dark", 0.035, kind="stick")
        f.line([(-w, cross), (w, cross)], "dark", 0.035, kind="stick")


def parachute(f: Figure) -> None:
    paint = f.color("red", "blue", "orange", "green", "purple")
    other = f.color("white", "yellow", "sky", "pink", tell="panels")
    load, half, edge = f.choose("human", "boxed"), f.num(0.68, 0.86), f.num(0.26, 0.38)
    top, n, y = f.num(0.8, 0.93), int(f.num(3, 5.99)), -0.5
    cuts = [(-half + 2 * half * k / n, edge) for k in range(n + 1)]
    for x, rim in cuts:
        f.line([(x, rim), (0.1 * x, y)], "dark", 0.028, kind="rope")
    arc = [(half * cos(pi * k / 12), edge + (top - edge) * sin(pi * k / 12)) for k in range(13)]
    hem = [(a + 2 * half / n * t, edge + 0.09 * sin(pi * t)) for a, _ in cuts[:-1] for t in (0.25, 0.5, 0.75,
        1)]
    f.poly([*arc, *hem[:-1]], paint, kind="canopy", round=0.6)
    for (a, _), (b, _) in list(pairwise(cuts))[1::2]:
        high = [(x, edge + (top - edge) * max(0,
            1 - (x / half) ** 2) ** 0.5 * 0.98) for x in (a * 0.85, b * 0.85)]
        f.blob([(a, edge), (a * 0.98, edge + 0.15), high[0], high[1], (b * 0.98, edge + 0.15), (b, edge)],
            other, kind="panel", detail=1, round=0.4)
    if load == "boxed":
        f.box(-0.15, y - 0.28, 0.15, y + 0.03, f.color("brown", "tan", tell="a crate"), kind="crate",
            texture="planks")
        return
    suit = f.color("green", "blue", "dark", "orange", tell="a jumper")
    for side in (-1, 1):
        f.line([(0, y - 0.05), (side * 0.17, y + 0.14)], suit, 0.07, kind="arm")
        f.line([(0, y - 0.22), (side * f.num(0.06, 0.16), y - 0.45)], suit, 0.08, kind="leg")
    f.oval(0, y - 0.13, 0.08, 0.17, suit, kind="body")
    f.oval(0, y + 0.1, 0.1, 0.11, "skin", kind="head")


BENCHMARK = (airplane, canoe, helicopter, hot_air_balloon, rocket, sailboat, ship, submarine)
PRETRAINING = (blimp, flying_saucer, kite, parachute)
KINGDOM = "artefact"
