"""What grows: fruit, flowers, trees."""

import numpy as np

from ..colors import RGB, shade
from ..grammar import Figure
from ..parts import leaf

# Outlines read better packed than one point a line.
# fmt: off
KINGDOM = "plant"


def _around(n: int, start: float = 0.0) -> list[float]:
    """``n`` directions in degrees, evenly round."""
    return [start + 360 * k / n for k in range(n)]


def _fan(f: Figure, y: float, turns: list[float], *, length: float, width: float, fill: RGB) -> None:
    """Pointed leaves from one point, the middle ones in front."""
    for turn in turns:
        with f.at(0, y, turn=turn):
            f.poly([(0, -width / 2), (0.5 * length, -0.4 * width), (length, 0), (0.5 * length, 0.4 * width),
                (0, width / 2)], shade(fill, f.num(-0.15, 0.15)), kind="leaf", round=0.4)


def apple(f: Figure) -> None:
    build = f.adjective("", "wide", "tall")
    w, h = {"": (0.72, 0.66), "wide": (0.86, 0.6), "tall": (0.62, 0.72)}[build]
    skin, lean = f.color("red", "red", "green", "yellow"), f.num(-0.15, 0.2)
    dip, narrow = f.num(0.12, 0.24), f.num(0.55, 0.75)
    with f.at(0, -0.14):
        f.blob([(0, h - dip), (0.4 * w, h), (0.9 * w, 0.6 * h), (w, 0), (narrow * w, -0.8 * h),
            (0.25 * w, -h), (0, -h + 0.08), (-0.25 * w, -h), (-narrow * w, -0.8 * h), (-w, 0),
            (-0.9 * w, 0.6 * h), (-0.4 * w, h)], skin, round=0.9)
        f.limb([(0, h - dip - 0.03), (0.3 * lean, h + 0.1), (lean, h + 0.26)], 0.06, 0.09, "brown",
            kind="stem")
        for side in {"one": (1,), "two": (1, -1), "no": ()}[f.choose("one", "two", "no")]:
            leaf(f, 0.25 * lean + side * 0.02, h + 0.04, f.num(0.4, 0.58), turn=90 - side * f.num(50, 82))
        f.line([(-0.15, h - dip + 0.02), (0, h - dip - 0.06), (0.15, h - dip + 0.02)], shade(skin, -0.5),
            0.03, bend=True, kind="dimple", detail=1)


def banana(f: Figure) -> None:
    n = 2 if f.chance(0.4) else 1
    f.features.append("one fruit" if n == 1 else "two fruits")
    skin, c, fat = f.color("yellow", "yellow", "lime", "gold"), f.num(0.3, 0.6), f.num(0.16, 0.24)
    turn, tip, low = f.num(-20, 10), shade("brown", -0.3), 0.1
    for k in range(n):
        with f.at(0.62, 0.55, turn=turn + 26 * k, size=0.96), f.at(-0.66, -0.6 + low):
            f.blob([(0.72, 0.45), (0.62, 0.05 - 0.2 * c), (0.25, -0.25 - 0.5 * c), (-0.3, -0.3 - 0.4 * c),
                (-0.82, 0.16), (-0.84, 0.24), (-0.3, -0.3 - 0.4 * c + 1.6 * fat),
                (0.2, -0.22 - 0.5 * c + 1.7 * fat), (0.44, 0.12), (0.62, 0.48)], skin, kind="body", round=0.6)
            f.line([(0.4, -0.02 - 0.45 * c + fat), (0.1, -0.25 - 0.45 * c + fat),
                (-0.3, -0.26 - 0.4 * c + fat)], shade(skin, -0.4), 0.025, bend=True, kind="ridge", detail=1)
            f.limb([(0.64, 0.36), (0.72, 0.62)], 0.15, 0.1, shade(skin, -0.3), kind="stem")
            f.oval(-0.84, 0.2, 0.06, 0.06, tip, kind="tip", round=0.2)
            for x in (-0.3, 0.1) if f.chance(0.4) else ():
                f.oval(x, -0.28 - 0.42 * c + 0.7 * fat, 0.07, 0.04, tip, kind="spot", detail=2, round=0)


def cactus(f: Figure) -> None:
    arms = f.pick("arms", "two", "one", "three")
    skin, w, top = f.color("green", "teal", "lime"), f.num(0.3, 0.42), f.num(0.7, 0.9)
    pot = f.chance(0.5)
    low = -0.5 if pot else -0.9
    spines: list[tuple[float, float, float]] = []
    for k, side in enumerate({"one": [1], "two": [1, -1], "three": [1, -1, 1]}[arms]):
        y, reach, rise = (f.num(-0.15, 0.2), f.num(0.42, 0.56), f.num(0.25, 0.42)) if k < 2 else (0.45, 0.36,
            0.2)
        f.limb([(0, y - 0.05), (side * reach * 0.7, y - 0.06), (side * reach, y + 0.06),
            (side * reach, y + rise)], 0.2, 0.18, skin, kind="arm")
        f.oval(side * reach, y + rise, 0.09, 0.08, skin, kind="arm tip", ink=False)
        spines += [(side * (reach + 0.1), y + rise * t, 0 if side > 0 else 180) for t in (0.3, 0.8)]
    f.box(-w / 2, low, w / 2, top, skin, soft=w * 0.48)
    for x in (-0.2 * w, 0.2 * w):
        f.line([(x, low + 0.1), (x, top - 0.12)], shade(skin, -0.4), 0.025, kind="ridge", detail=1)
    for y in np.linspace(low + 0.3, top - 0.15, 3):
        spines += [(w / 2, y, 0), (-w / 2, y, 180)]
    for x, y, turn in spines:
        with f.at(x, y, turn=turn + f.num(-25, 25)):
            f.line([(-0.02, 0), (0.1, 0)], "dark", 0.022, kind="spine")
    if pot:
        f.poly([(-0.38, -0.45), (0.38, -0.45), (0.28, -0.95), (-0.28, -0.95)], f.color("orange", "brown",
            "blue", "white", tell="a pot"), kind="pot", round=0.4)
        f.box(-0.44, -0.56, 0.44, -0.4, "brown", kind="rim", detail=1)
    if f.chance(0.4):
        for turn in _around(5):
            with f.at(0, top, turn=turn):
                f.oval(0.1, 0, 0.09, 0.06, "pink", kind="petal", detail=1)


def flower(f: Figure) -> None:
    shape = f.pick("petals", "round", "pointed", "narrow")
    n, petal = (int(f.num(5, 8.9)) + 3 * (shape == "narrow"), f.color("red", "yellow", "pink", "purple",
        "white", "blue", "orange"))
    heart, big = f.color("yellow", "brown", "orange", tell="a heart"), f.num(0.9, 1.1)
    bend, size = f.num(-0.15, 0.15), f.num(0.14, 0.2)
    f.limb([(0, 0.35), (bend, -0.3), (0, -0.96)], 0.07, 0.08, "green", kind="stem")
    for side in (-1, 1) if f.chance(0.7) else (1,):
        leaf(f, 0.5 * bend, f.num(-0.75, -0.5), 0.55, turn=90 - side * f.num(35, 60))
    wide = {"round": min(0.2, 1.05 / n), "pointed": 0.15, "narrow": 0.08}[shape]
    for turn in _around(n, f.num(0, 60)):
        with f.at(0, 0.38, turn=turn, size=big):
            if shape == "pointed":
                f.blob([(0.05, 0), (0.3, wide), (0.56, 0), (0.3, -wide)], petal, kind="petal", round=0.4)
            else:
                f.oval(0.34, 0, 0.22, wide, petal, kind="petal", round=0.4)
    f.oval(0, 0.38, size, size, heart, kind="heart", texture="speckle")


def mushroom(f: Figure) -> None:
    form = f.pick("cap", "a round", "a flat", "a pointed")
    cap, w = f.color("red", "brown", "orange", "tan", "purple"), f.num(0.68, 0.88)
    h = {"a round": 0.75, "a flat": 0.5, "a pointed": 0.98}[form]
    stem, foot = f.num(0.15, 0.24), f.num(1.1, 1.6)
    f.blob([(-stem, 0.1), (stem, 0.1), (stem * 0.9, -0.4), (stem * foot, -0.85), (0, -0.93),
        (-stem * foot, -0.85), (-stem * 0.9, -0.4)], "cream", kind="stem")
    if f.chance(0.5):
        f.blob([(-stem, -0.1), (stem, -0.1), (stem * 1.7, -0.3), (-stem * 1.7, -0.3)], "white", kind="ring",
            detail=1)
    f.oval(0, -0.02, w * 0.92, 0.13, shade("cream", -0.25), kind="gills")
    shoulder = 0.6 if form == "a pointed" else 0.88
    f.blob([(-w, 0), (-shoulder * w, 0.45 * h), (-0.4 * w, 0.86 * h), (0, h), (0.4 * w, 0.86 * h),
        (shoulder * w, 0.45 * h), (w, 0), (0.5 * w, -0.06), (-0.5 * w, -0.06)], cap, kind="cap", round=0.8)
    if f.chance(0.7):
        for x, y in ((-0.5, 0.3), (0.05, 0.62), (0.5, 0.28), (-0.05, 0.2)):
            r = f.num(0.08, 0.14)
            f.oval(x * w, y * h, r, r * 0.85, "white", kind="spot", detail=1, round=0.2)


def palm_tree(f: Figure) -> None:
    n, lean = int(f.num(6, 8.9)), f.num(-0.35, 0.35)
    green, top = f.color("green", "lime", "teal"), f.num(0.28, 0.38)
    spine = np.array([(-lean, -0.95), (-0.7 * lean, -0.4), (0, top)])
    f.limb(spine, 0.24, 0.13, f.color("brown", "tan", tell="a trunk"), kind="trunk", texture="grain")
    for t in np.linspace(0.12, 0.85, 6):
        x, y = -lean * (1 - t * t), -0.95 + t * (top + 0.95)
        f.line([(x - 0.1 + 0.04 * t, y), (x + 0.1 - 0.04 * t, y + 0.02)], "dark", 0.022, kind="ring",
            detail=1)
    droop, reach = f.num(0.3, 0.55), f.num(0.72, 0.84)
    for turn in np.linspace(-20, 200, n):
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        tip = (reach * c, top + 0.45 * s - droop * abs(c) * 0.8)
        mid = (0.55 * reach * c, top + 0.5 * s + 0.12)
        f.blob([(0, top - 0.05), (mid[0] - 0.02 * c, mid[1] - 0.16), tip, (mid[0] + 0.1 * c, mid[1] + 0.06),
            (0, top + 0.06)], shade(green, f.num(-0.2, 0.2)), kind="leaf", round=0.3)
    if f.chance(0.6):
        for x in (-0.1, 0.09):
            f.oval(x, top - 0.09, 0.1, 0.1, "brown", kind="coconut")


def pineapple(f: Figure) -> None:
    build = f.adjective("", "slim", "plump")
    w = {"": 0.44, "slim": 0.36, "plump": 0.54}[build]
    skin, spiky = f.color("gold", "orange", "yellow", "brown"), int(f.num(5, 8.9))
    _fan(f, 0.2, list(np.linspace(35, 145, spiky)), length=f.num(0.55, 0.8), width=0.2, fill=(0.25, 0.55,
        0.25))
    f.box(-w, -0.95, w, 0.36, skin, soft=w * 0.85, texture="mesh", round=0.7)
    rows = int(f.num(3, 5.9))
    for k in range(rows):
        y = -0.78 + 1.0 * k / rows
        for side in (-1, 1):
            a, b = (-side * 0.9 * w, y), (side * 0.9 * w, y + 0.42)
            f.line([a, b], shade(skin, -0.5), 0.03, kind="rhomb", detail=0 if k % 2 else 1)
    _fan(f, 0.28, [65, 115, 90], length=f.num(0.4, 0.55), width=0.2, fill=(0.3, 0.62, 0.3))


def tree(f: Figure) -> None:
    crown = f.pick("crown", "a round", "a wide", "a tall")
    green, n = f.color("green", "lime", "orange", "teal", "red"), int(f.num(6, 9.9))
    w, h = {"a round": (0.6, 0.56), "a wide": (0.8, 0.46), "a tall": (0.46, 0.64)}[crown]
    y, trunk = 0.9 - h - f.num(0, 0.08), f.num(0.1, 0.18)
    f.poly([(-trunk * 1.8, -0.95), (-trunk, -0.75), (-trunk * 0.8, y), (trunk * 0.8, y), (trunk, -0.75),
        (trunk * 1.8, -0.95)], "brown", kind="trunk", texture="grain")
    a = np.linspace(0, 2 * np.pi, 4 * n, endpoint=False) + f.num(0, 1)
    r = 0.84 + 0.28 * np.abs(np.sin(a * n / 2))
    f.blob(np.column_stack([w * r * np.cos(a), y + h * r * np.sin(a)]), green, kind="crown", texture="leaves")
    if f.chance(0.5):
        for side in (-1, 1):
            f.line([(0, y - 0.95 * h), (side * 0.35 * w, y - 0.3 * h)], "brown", 0.05, kind="branch",
                detail=1)
    if f.chance(0.45):
        fruit = f.color("red", "yellow", "orange", tell="fruit")
        for turn in _around(5, f.num(0, 70)):
            with f.at(0, y, turn=turn):
                f.oval(0.6 * min(w, h), 0, 0.07, 0.07, fruit, kind="fruit", detail=1)
    if f.chance(0.3):
        f.oval(0, (y - h - 0.95) / 2, 0.06, 0.09, "dark", kind="hole", detail=1, round=0)


def carrot(f: Figure) -> None:
    build = f.adjective("", "thick", "thin")
    w, bend = {"": 0.26, "thick": 0.36, "thin": 0.19}[build], f.num(-0.2, 0.2)
    skin, n = f.color("orange", "orange", "purple", "yellow"), int(f.num(3, 5.9))
    with f.at(turn=f.num(-40, 40)):
        for turn in np.linspace(55, 125, n):
            with f.at(0, 0.36, turn=turn):
                f.blob([(0, 0), (0.25, 0.09), (0.42, 0.06), (0.56, 0), (0.42, -0.07), (0.25, -0.05)],
                    shade("green", f.num(-0.2, 0.3)), kind="leaf", texture="leaves")
        f.blob([(0, 0.42), (0.7 * w, 0.4), (w, 0.28), (0.75 * w + 0.3 * bend, -0.2), (bend, -0.92),
            (-0.6 * w + 0.3 * bend, -0.2), (-w, 0.28), (-0.7 * w, 0.4)], skin)
        for side, y in ((1, 0.12), (-1, -0.02), (1, -0.22), (-1, -0.38)):
            edge = side * (w - 0.55 * w * (0.3 - y)) + 0.3 * bend * (0.3 - y)
            f.line([(edge * 0.95, y), (edge * 0.3, y - 0.02)], shade(skin, -0.5), 0.028, kind="crease",
                detail=1)


def cherry(f: Figure) -> None:
    n, skin = 3 if f.pick("fruits", "two", "two", "three") == "three" else 2, f.color("red", "purple",
        "orange", "black")
    r, top, spread = f.num(0.28, 0.36), (f.num(-0.1, 0.3), 0.85), f.num(0.36, 0.5)
    for x in np.linspace(-spread, spread, n):
        y = -0.5 + f.num(-0.1, 0.1)
        f.limb([(x, y + 0.7 * r), (0.7 * x + 0.3 * top[0] + 0.06, 0.25), top], 0.05, 0.05, "green",
            kind="stem")
        f.oval(x, y, r * (0.8 if n > 2 else 1), r * (0.8 if n > 2 else 1), skin, kind="fruit", round=1)
        f.line([(x - 0.1, y + 0.72 * r), (x, y + 0.6 * r), (x + 0.1, y + 0.72 * r)], shade(skin, -0.5), 0.03,
            bend=True, kind="dimple", detail=1)
        f.oval(x - 0.1, y + 0.06, 0.05, 0.08, "white", kind="shine", detail=2, round=0)
    for turn in (200,) if f.chance(0.5) else (200, -25):
        leaf(f, *top, f.num(0.45, 0.62), turn=turn + f.num(-10, 10))


def pine_tree(f: Figure) -> None:
    n, w = int(f.num(3, 5.9)), f.num(0.52, 0.72)
    green, snow = f.color("green", "teal", "blue"), f.chance(0.3)
    f.box(-0.11, -0.95, 0.11, -0.5, "brown", kind="trunk", texture="grain")
    step, jag = 1.3 / n, f.num(0, 0.09)
    for k in range(n):
        y, half = -0.66 + step * k, w * (1 - 0.62 * k / n)
        top = y + 1.65 * step
        f.poly([(-half, y), (-half * 0.5, y + jag), (0, y), (half * 0.5, y + jag), (half, y), (0,
            min(top, 0.95))], shade(green, 0.06 * k - 0.15), kind="crown", texture="leaves")
        if snow:
            f.poly([(-half * 0.35, y + 1.07 * step), (0, y + 0.95 * step), (half * 0.35, y + 1.07 * step), (0,
                min(top, 0.95))], "white", kind="snow", detail=1, round=0.2)


def pumpkin(f: Figure) -> None:
    build = f.adjective("", "tall", "flat")
    w, h = {"": (0.42, 0.62), "tall": (0.36, 0.72), "flat": (0.46, 0.5)}[build]
    skin, y = f.color("orange", "orange", "gold", "green", "white"), -0.2
    lean = f.num(-0.25, 0.25)
    f.limb([(0, y + h - 0.1), (0.2 * lean, y + h + 0.12), (lean, y + h + 0.26)], 0.16, 0.13, "green",
        kind="stem")
    for x, share in ((-0.52, 0.88), (0.52, 0.88), (-0.27, 0.96), (0.27, 0.96), (0, 1)):
        f.oval(x, y, w * (0.9 if x else 0.6), h * share, skin, kind="lobe", round=0.8)
    if f.chance(0.3):
        f.features.append("a face")
        for side in (-1, 1):
            f.poly([(side * 0.2, y + 0.1), (side * 0.46, y + 0.1), (side * 0.33, y + 0.32)], "black",
                kind="eye", round=0)
        f.poly([(-0.45, y - 0.1), (-0.15, y - 0.2), (0, y - 0.12), (0.15, y - 0.2), (0.45, y - 0.1),
            (0.25, y - 0.34), (-0.25, y - 0.34)], "black", kind="mouth", round=0)
    elif f.chance(0.5):
        leaf(f, 0.05, y + h, 0.5, turn=f.num(-20, 20))


def tulip(f: Figure) -> None:
    petal, open_ = f.color("red", "yellow", "pink", "purple", "white", "orange"), f.num(0.24, 0.44)
    w, h, bend = f.num(0.3, 0.38), f.num(0.6, 0.76), f.num(-0.12, 0.12)
    f.limb([(0, 0.3), (bend, -0.3), (0, -0.96)], 0.07, 0.08, "green", kind="stem")
    for side in (-1, 1) if f.chance(0.75) else (-1,):
        tall, out = f.num(-0.15, 0.15), f.num(0.3, 0.45)
        f.blob([(0, -0.95), (side * 0.22, -0.6), (side * out, tall), (side * 0.08, -0.45)], shade("green",
            0.1), kind="leaf")
    f.blob([(-0.15, 0.25), (0.15, 0.25), (0.22, 0.2 + h), (0, 0.3 + h), (-0.22, 0.2 + h)],
        shade(petal, -0.25), kind="petal")
    for side in (-1, 1):
        f.blob([(0, 0.12), (side * w, 0.24), (side * (w + 0.02), 0.2 + 0.6 * h), (side * open_, 0.2 + h),
            (side * 0.1, 0.2 + 0.55 * h), (-side * 0.06, 0.3)], petal, kind="petal")
    f.blob([(0, 0.1), (0.2, 0.3), (0, 0.1 + 0.85 * h), (-0.2, 0.3)], shade(petal, 0.15), kind="petal",
        detail=1)


BENCHMARK = (apple, banana, cactus, flower, mushroom, palm_tree, pineapple, tree)
PRETRAINING = (carrot, cherry, pine_tree, pumpkin, tulip)
