"""Small creatures: insects and other crawlers, from above or from the side."""

import numpy as np

from ..colors import shade
from ..grammar import Figure
from ..parts import dot_eye, eye

# Outlines read better packed than one point a line.
# fmt: off
KINGDOM = "animal"


def _feelers(f: Figure, x: float, y: float, length: float, *, turn: float = 0.0, spread: float = 25.0,
        knob: bool = False) -> None:
    """Two antennae from ``(x, y)``, to both sides of the direction ``turn``."""
    for side in (-1, 1):
        with f.at(x, y, turn=turn + side * spread):
            f.line([(0, 0), (0.6 * length, -side * 0.1 * length), (length, side * 0.05 * length)], "dark",
                0.035, bend=True, kind="antenna")
            if knob:
                f.oval(length, side * 0.05 * length, 0.05, 0.05, "dark", kind="knob")


def ant(f: Figure) -> None:
    """From the side: three beads, six bent legs."""
    skin, hump, big = f.color("black", "brown", "red", "dark"), f.num(0, 0.16), f.adjective("", "fat", "slim")
    rear = {"": 0.26, "fat": 0.34, "slim": 0.2}[big]
    step = f.num(0.1, 0.22)
    for k, x in enumerate((-0.12, 0.06, 0.24)):
        for lift, tone in ((step, 0.25), (-step, 0)):
            out = x + (k - 1) * 0.44 + lift * 0.7
            f.line([(x, hump), (0.6 * x + 0.4 * out, 0.2 + hump * 0.5), (out, -0.25), (out + 0.07, -0.68)],
                shade(skin, tone), 0.045, kind="leg")
    f.oval(-0.56, 0.02, 0.36, rear, skin, kind="abdomen", turn=-10, round=0.8)
    f.oval(0.06, hump, 0.24, 0.14, skin, kind="thorax", round=0.8)
    y = f.num(0.08, 0.24)
    _feelers(f, 0.66, y + 0.15, f.num(0.34, 0.46), turn=52, spread=22)
    f.oval(0.52, y, 0.26, 0.22, skin, kind="head", round=0.8)
    f.oval(0.58, y + 0.06, 0.055, 0.06, "white", kind="eye", detail=1, round=0)
    f.line([(0.74, y - 0.08), (0.86, y - 0.16), (0.8, y - 0.24)], shade(skin, -0.3), 0.045, kind="jaw",
        detail=1)
    for x in (-0.7, -0.52) if f.chance(0.4) else ():
        f.line([(x, rear * 0.75), (x - 0.05, 0), (x, -rear * 0.7)], shade(skin, 0.35), 0.03, bend=True,
            kind="ring", detail=1)


def bee(f: Figure) -> None:
    """From the side, flying: stripes, a sting and two wings."""
    build = f.adjective("", "fat", "slim")
    h = {"": 0.36, "fat": 0.46, "slim": 0.27}[build]
    coat, n, w = f.color("yellow", "gold", "orange"), int(f.num(2, 3.9)), f.num(0.2, 0.28)
    lift, y = f.num(-12, 20), -0.14
    f.poly([(-0.68, y + 0.08), (-0.94, y - 0.02), (-0.68, y - 0.08)], "black", kind="sting", round=0)
    for x in (-0.2, 0.02, 0.24):
        f.line([(x, y - 0.8 * h), (x + 0.06, y - h - 0.14), (x - 0.02, y - h - 0.24)], "black", 0.04,
            kind="leg", detail=1)
    for turn in (118, 84):
        with f.at(0.04, y + 0.8 * h, turn=turn + lift):
            f.oval(0.33, 0, 0.38, w, "glass", kind="wing", round=0.2)
    f.oval(-0.12, y, 0.62, h, coat, round=0.8, texture="fur")
    for k in range(n):
        x = -0.46 + 0.68 * k / (n - 0.5)
        reach = h * np.sqrt(max(0.1, 1 - ((x + 0.12) / 0.62) ** 2)) * 0.92
        f.limb([(x + 0.03, y + reach), (x - 0.03, y), (x + 0.03, y - reach)], 0.13, 0.13, "black",
            kind="stripe", round=0.2)
    _feelers(f, 0.68, y + 0.24, 0.34, turn=55, knob=f.chance(0.5))
    f.oval(0.6, y + 0.06, 0.24, 0.24, coat if f.chance(0.5) else "dark", kind="head")
    eye(f, 0.66, y + 0.12, 0.07)
    f.line([(0.62, y - 0.06), (0.7, y - 0.08), (0.76, y - 0.03)], "dark", 0.03, bend=True, kind="mouth",
        detail=2)


def butterfly(f: Figure) -> None:
    form = f.pick("wings", "round", "pointed", "tailed")
    main, spot = f.color("orange", "blue", "yellow", "purple", "white", "red"), f.color("black", "white",
        "yellow", "pink", tell="spots")
    up, low, marks = f.num(0.62, 0.86), f.num(0.5, 0.74), int(f.num(1, 2.9))
    for side in (-1, 1):
        s = side * f.num(0.92, 1.0)
        lower = [(0, -0.05), (s * 0.5, 0.0), (s * 0.72, -0.3), (s * 0.45, -low - 0.1), (s * 0.14, -0.5)]
        if form == "tailed":
            lower[3:4] = [(s * 0.6, -low), (s * 0.52, -0.95), (s * 0.38, -low)]
        f.blob(lower, shade(main, -0.2), kind="wing", round=0.3)
        top = (s * 0.92, up) if form == "pointed" else (s * 0.72, up)
        f.blob([(0, 0.05), (s * 0.22, 0.45), top, (s * (0.95 if form != "pointed" else 0.84), 0.4 * up + 0.1),
            (s * 0.62, -0.06)], main, kind="wing", round=0.3)
        f.oval(s * 0.6, 0.4, 0.15, 0.15, spot, kind="spot", round=0.1)
        if marks > 1:
            f.oval(s * 0.42, -0.3, 0.11, 0.13, spot, kind="spot", detail=1, round=0.1)
        f.line([(s * 0.1, 0.08), (s * 0.42, 0.22)], shade(main, -0.5), 0.025, kind="vein", detail=2)
    _feelers(f, 0, 0.42, f.num(0.36, 0.5), turn=90, spread=26, knob=True)
    f.oval(0, -0.04, 0.07, 0.46, "dark")
    f.oval(0, 0.4, 0.09, 0.1, "dark", kind="head")


def crab(f: Figure) -> None:
    build = f.adjective("", "wide", "round")
    w, h = {"": (0.5, 0.34), "wide": (0.6, 0.3), "round": (0.44, 0.42)}[build]
    skin, claw, high = f.color("red", "orange", "blue", "brown", "pink"), f.num(0.2, 0.28), f.num(0.3, 0.52)
    y = -0.2
    for side in (-1, 1):
        for k in range(3):
            x, out = side * w * (0.8 - 0.22 * k), side * (0.94 - 0.2 * k)
            f.limb([(x, y - 0.1 - 0.06 * k), (0.45 * x + 0.55 * out, y - 0.02 - 0.16 * k),
                (out, y - 0.4 - 0.12 * k)], 0.1, 0.05, shade(skin, -0.2), bend=False, kind="leg")
        f.limb([(side * 0.8 * w, y + 0.15), (side * 0.82, y + 0.2), (side * 0.72, high - 0.05)], 0.14, 0.12,
            skin, bend=False, kind="arm")
        with f.at(side * 0.7, high, turn=90 - side * f.num(-25, 15), size=claw / 0.24, flip=False):
            f.blob([(-0.1, 0), (0.02, 0.2), (0.26, 0.2), (0.44, 0.08), (0.2, 0.04), (0.44, -0.08),
                (0.26, -0.2), (0.02, -0.2)], skin, kind="claw")
        f.line([(side * 0.14, y + 0.7 * h), (side * 0.17, y + h + 0.12)], skin, 0.06, kind="eye stalk")
        eye(f, side * 0.17, y + h + 0.18, 0.09)
    f.blob([(0, y + h), (0.7 * w, y + 0.85 * h), (w, y + 0.2 * h), (0.6 * w, y - 0.8 * h), (0, y - h),
        (-0.6 * w, y - 0.8 * h), (-w, y + 0.2 * h), (-0.7 * w, y + 0.85 * h)], skin, kind="shell", round=0.8)
    f.line([(-0.16, y - 0.06), (0, y - 0.13), (0.16, y - 0.06)], "dark", 0.035, bend=True, kind="mouth",
        detail=1)
    for x in (-0.6, 0.55, 0.1) if f.chance(0.4) else ():
        f.oval(x * w, y + 0.45 * h, 0.06, 0.05, shade(skin, 0.45), kind="spot", detail=1)


def scorpion(f: Figure) -> None:
    """From above: pincers raised, the tail swung round to one side."""
    build = f.adjective("", "fat", "slim")
    w = {"": 0.21, "fat": 0.28, "slim": 0.16}[build]
    skin, claw, out = f.color("brown", "black", "tan", "orange", "red"), f.num(0.9, 1.25), f.num(0.4, 0.54)
    x, curl, low = -0.24, f.num(-0.15, 0.2), shade(skin, -0.5)
    for side in (-1, 1):
        for y, to in ((0.2, 0.24), (0.06, 0.02), (-0.08, -0.22), (-0.2, -0.46)):
            f.line([(x, y), (x + side * 0.34, y + 0.08), (x + side * 0.54, to)], skin, 0.05, kind="leg")
        f.limb([(x + side * 0.08, 0.24), (x + side * out, 0.3), (x + side * (out - 0.04), 0.56)], 0.1, 0.09,
            skin, bend=False, kind="arm")
        with f.at(x + side * (out - 0.04), 0.5, turn=90 + side * f.num(-10, 20), size=claw):
            f.blob([(0, -0.03), (0.1, 0.14), (0.26, 0.14), (0.42, 0.05), (0.2, 0.02), (0.4, -0.07),
                (0.24, -0.13), (0.08, -0.12)], skin, kind="claw")
    path = [(x, -0.3), (x + 0.06, -0.62), (0.16, -0.86), (0.5, -0.84), (0.74, -0.5),
        (0.62 + 0.3 * curl, -0.1 + curl)]
    f.limb(path, 0.24, 0.12, skin, kind="tail", round=0.8)
    for (px, py), turn in zip(path[1:5], (-80, -30, 25, 75), strict=True):
        with f.at(px, py, turn=turn):
            f.line([(0, -0.09), (0, 0.09)], low, 0.03, kind="ring", detail=1)
    with f.at(*path[-1], turn=100 - 40 * curl, size=1.2):
        f.blob([(-0.1, 0.0), (0.0, 0.12), (0.14, 0.12), (0.36, 0.14), (0.2, -0.06), (0.02, -0.12)], skin,
            kind="sting")
    f.oval(x, -0.1, w, 0.36, skin, kind="body", round=0.8)
    for y in (0.02, -0.13, -0.28):
        f.line([(x - 0.8 * w, y), (x + 0.8 * w, y)], low, 0.03, kind="ring", detail=1)
    f.oval(x, 0.24, w * 0.9, 0.16, skin, kind="head", round=0.8)
    for side in (-1, 1):
        dot_eye(f, x + side * 0.07, 0.28, 0.035)


def snail(f: Figure) -> None:
    shell, skin = f.color("brown", "orange", "tan", "pink", "yellow", "purple"), f.color("cream", "tan",
        "grey", "lime", tell="a body")
    size, turns, tall = f.num(0.46, 0.58), f.num(2.0, 3.0), f.num(0.25, 0.45)
    for dx in (-0.05, 0.12):
        f.line([(0.68, tall - 0.25), (0.72 + dx, tall + 0.12)], skin, 0.06, kind="feeler")
        f.oval(0.72 + dx, tall + 0.14, 0.06, 0.06, "dark", kind="eye", round=0)
    f.blob([(-0.94, -0.72), (-0.6, -0.52), (0.2, -0.5), (0.42, -0.3), (0.5, tall - 0.2), (0.66, tall - 0.06),
        (0.84, tall - 0.2), (0.82, -0.35), (0.66, -0.68), (0.3, -0.76), (-0.5, -0.76)], skin)
    x, y = -0.18, -0.56 + size
    f.oval(x, y, size * f.num(0.98, 1.1), size, shell, kind="shell", round=0.8)
    a = np.linspace(0, 2 * np.pi * turns, int(11 * turns)) + f.num(-2.4, -1.2)
    r = size * 0.9 * np.linspace(1, 0.08, len(a))
    f.line(np.column_stack([x + r * np.cos(a), y + r * np.sin(a)]), shade(shell, -0.55), 0.045, kind="spiral")
    f.line([(0.8, tall - 0.32), (0.68, tall - 0.36)], "dark", 0.03, kind="mouth", detail=1)


def snake(f: Figure) -> None:
    pose = f.choose("slithering", "coiled", "rearing")
    f.adjectives.append(pose)
    skin, w = f.color("green", "brown", "yellow", "red", "grey", "black"), f.num(0.18, 0.25)
    pattern = f.pick("skin", "plain", "banded", "spotted")
    x = np.linspace(-0.92, 0.55, 19)
    if pose == "slithering":
        wave = f.num(0.2, 0.3)
        path = np.column_stack([x, wave * np.sin((x + 0.9) * f.num(4.8, 7.0))])
    elif pose == "coiled":
        a = np.linspace(0, 5.2 * np.pi, 34)
        r = np.linspace(1, 0.42, 34)
        path = np.column_stack([0.7 * r * np.cos(a), -0.62 + 0.24 * r * np.sin(a) + 0.02 * a])
        path = np.concatenate([path, [(-0.16, 0.1), (0.0, 0.38), (0.16, 0.56)]])
    else:
        path = np.array([(-0.92, -0.55), (-0.72, -0.72), (-0.48, -0.55), (-0.24, -0.74), (0.05, -0.76),
            (0.28, -0.5), (0.12, -0.1), (0.06, 0.24), (0.26, 0.5)])
    for lo, hi in ((0, 14), (12, 25), (23, 37)) if pose == "coiled" else ((0, 99),):
        f.limb(path[lo:hi], (0.3 + lo / 40) * w, w, skin, kind="body")
    (hx, hy), (bx, by) = path[-1], path[-2]
    if pattern != "plain":
        for px, py in path[3:-2:3]:
            f.oval(px, py, *((0.035, 0.4 * w) if pattern == "banded" else (0.05, 0.05)), shade(skin, 0.55),
                kind="mark", detail=1, round=0)
    with f.at(hx, hy, turn=float(np.degrees(np.arctan2(hy - by, hx - bx))) * 0.4):
        f.line([(0.24, 0), (0.4, 0)], "red", 0.04, kind="tongue")
        f.line([(0.5, 0.07), (0.4, 0), (0.5, -0.07)], "red", 0.04, kind="tongue")
        f.blob([(-0.08, 0.1), (0.08, 0.15), (0.24, 0.1), (0.3, 0), (0.24, -0.1), (0.08, -0.13),
            (-0.08, -0.09)], skin, kind="head")
        dot_eye(f, 0.12, 0.06, 0.04)


def spider(f: Figure) -> None:
    """From above: two round parts, eight long bent legs."""
    build = f.adjective("", "fat", "slim")
    r = {"": 0.32, "fat": 0.4, "slim": 0.25}[build]
    skin, knee, thread = f.color("black", "brown", "grey", "dark", "red"), f.num(0.46, 0.58), f.chance(0.35)
    bow = f.num(-0.35, 0.35)
    y = -0.12
    if thread:
        f.line([(0, 0.2), (0, 1.0)], "silver", 0.03, kind="thread")
    for side in (-1, 1):
        for k, (a, b) in enumerate(np.radians([(44, 88), (16, 46), (-12, -44), (-38, -84)])):
            kx, ky = side * knee * np.cos(a), y + 0.12 + knee * np.sin(a)
            shin = (0.5, 0.42, 0.42, 0.5)[k]
            f.line([(0, y + 0.1), (kx, ky), (kx + side * shin * np.cos(b + bow),
                ky + shin * np.sin(b + bow))], skin, 0.05, kind="leg")
    f.oval(0, y - 0.18, r, r * 1.12, skin, kind="abdomen", texture="fur", round=0.8)
    f.oval(0, y + 0.3, 0.19, 0.18, skin, kind="head", round=0.8)
    mark = f.choose("none", "cross", "spots")
    if mark == "cross":
        f.line([(0, y), (0, y - 0.36)], "white", 0.05, kind="mark", detail=1)
        f.line([(-0.11, y - 0.12), (0.11, y - 0.12)], "white", 0.05, kind="mark", detail=1)
    elif mark == "spots":
        for px, py in ((-0.1, -0.05), (0.1, -0.05), (0, -0.25)):
            f.oval(px, y + py, 0.055, 0.055, "orange", kind="mark", detail=1, round=0)
    for side in (-1, 1):
        f.oval(side * 0.08, y + 0.34, 0.05, 0.055, "white", kind="eye", detail=1, round=0)


def caterpillar(f: Figure) -> None:
    skin, n, arch = f.color("green", "lime", "yellow", "brown"), int(f.num(5, 7.9)), f.num(0.0, 0.4)
    other = shade(skin, f.num(-0.3, 0.35))
    xs = np.linspace(-0.76, 0.3, n)
    ys = -0.2 + arch * np.sin(np.linspace(0.2, 2.9, n))
    r = 0.62 / n + 0.1
    for k, (x, y) in enumerate(zip(xs, ys, strict=True)):
        for dx in (-0.05, 0.05):
            f.line([(x + dx, y - 0.8 * r), (x + dx, y - r - 0.12)], "dark", 0.045, kind="leg", detail=0
                if dx > 0 else 1)
        f.oval(x, y, r, r * 1.1, other if k % 2 else skin, kind="segment", round=0.8)
    _feelers(f, 0.56, 0.12, 0.34, turn=82, spread=24, knob=f.chance(0.6))
    f.oval(0.54, -0.08, 0.28, 0.28, f.color("red", "green", "orange", tell="a head"), kind="head", round=0.8)
    for x in (0.46, 0.66):
        eye(f, x, 0.0, 0.065)
    f.line([(0.44, -0.18), (0.56, -0.24), (0.68, -0.18)], "dark", 0.03, bend=True, kind="mouth", detail=1)


def dragonfly(f: Figure) -> None:
    """From above: a long thin tail and four long wings."""
    skin, long, sweep = f.color("blue", "green", "red", "teal", "purple"), f.num(0.72, 0.88), f.num(-8, 14)
    w, sheet = f.num(0.1, 0.15), f.color("glass", "silver", "cream", tell=None)
    with f.at(turn=f.num(-25, 25)):
        for side in (-1, 1):
            for y, turn in ((0.36, 12 + sweep), (0.16, -16 + sweep)):
                with f.at(0, y, turn=90 - side * (90 - turn)):
                    f.oval(0.08 + long / 2, 0, long / 2, w, sheet, kind="wing", round=0.1)
                    f.line([(0.15, 0), (long - 0.05, 0)], shade(sheet, -0.4), 0.02, kind="vein", detail=2)
        f.limb([(0, 0.1), (0, -0.5), (0.05, -0.95)], 0.13, 0.08, skin, kind="tail")
        for y in (-0.25, -0.45, -0.65):
            f.line([(-0.05, y), (0.06, y)], shade(skin, -0.6), 0.035, kind="ring", detail=1)
        f.oval(0, 0.27, 0.13, 0.25, skin, kind="thorax")
        f.oval(0, 0.58, 0.13, 0.11, skin, kind="head")
        for side in (-1, 1):
            f.oval(side * 0.13, 0.62, 0.1, 0.11, shade(skin, -0.5), kind="eye", round=0.6)


def ladybug(f: Figure) -> None:
    shell, n = f.color("red", "orange", "yellow"), f.choose("two", "three", "four")
    f.features.append(f"{n} spots a side")
    w, h, big, apart = f.num(0.58, 0.72), f.num(0.62, 0.72), f.num(0.1, 0.14), f.num(0.0, 0.12)
    for side in (-1, 1):
        for y, out in ((0.25, 0.25), (-0.1, 0.3), (-0.45, 0.25)):
            f.line([(side * 0.8 * w, y), (side * (w + 0.14), y + 0.04), (side * (w + out), y - 0.14)],
                "black", 0.06, kind="leg")
    _feelers(f, 0, 0.72, 0.3, turn=90, spread=34, knob=f.chance(0.5))
    f.oval(0, 0.55, 0.36, 0.26, "black", kind="head")
    for side in (-1, 1):
        f.oval(side * 0.17, 0.66, 0.08, 0.07, "white", kind="eye", detail=1, round=0)
    f.oval(0, -0.12, w, h, shell, kind="shell", round=0.9)
    f.poly([(-0.03, h - 0.16), (0.03, h - 0.16), (0.03 + apart, -0.1 - h), (-0.03 - apart, -0.1 - h)],
        "black", kind="seam", round=0)
    spots = {"two": [(0.5, 0.3), (0.55, -0.3)], "three": [(0.42, 0.45), (0.62, -0.02), (0.45, -0.5)],
        "four": [(0.35, 0.55), (0.68, 0.2), (0.35, -0.1), (0.55, -0.5)]}[n]
    for side in (-1, 1):
        for x, y in spots:
            f.oval(side * x * w, y * h - 0.12, big, big, "black", kind="spot", round=0.1)


BENCHMARK = (ant, bee, butterfly, crab, scorpion, snail, snake, spider)
PRETRAINING = (caterpillar, dragonfly, ladybug)
