"""Furniture and tableware."""

from math import cos, pi, sin

from ..grammar import Figure, shade
from ..parts import handle

# Outlines read better packed than one point a line.
# fmt: off


def bed(f: Figure) -> None:
    wood = f.color("brown", "tan", "white", "dark", tell="a frame")
    cover = f.color("blue", "red", "green", "purple", "yellow", "pink", "teal", tell="a blanket")
    board, head, foot = f.pick("headboard", "square", "round", "barred"), f.num(0.4, 0.62), f.num(0.0, 0.2)
    low, seat, half = -0.68, f.num(-0.12, 0.0), f.num(0.84, 0.94)
    soft = 0.1 if board == "round" else 0.01
    if board == "barred":
        for y in (head, (head + seat) / 2 + 0.08):
            f.line([(-half, y), (-half + 0.2, y)], wood, 0.07, kind="bar")
        for x in (-half, -half + 0.2):
            f.limb([(x, low), (x, head + 0.08)], 0.08, 0.08, wood, kind="post")
    else:
        f.box(-half - 0.05, low, -half + 0.16, head, wood, soft=soft, kind="headboard")
    pillow = f.color("white", "cream", "sky", tell=None)
    with f.at(-half + 0.36, seat + 0.12, turn=f.num(-12, 25)):
        f.box(-0.2, -0.13, 0.2, 0.13, pillow, soft=0.11, kind="pillow", round=0.7)
    f.box(-half + 0.12, low + 0.3, half - 0.08, seat + 0.03, "cream", soft=0.05, kind="mattress")
    edge, drop = f.num(-0.4, -0.05), f.num(-0.36, -0.2)
    f.box(edge, drop, half - 0.1, seat + 0.09, cover, soft=0.07, kind="blanket", texture=f.choose("", "mesh",
        "spots", "stripes") or None)
    f.box(edge - 0.05, drop, edge + 0.12, seat + 0.1, shade(cover, 0.5), soft=0.04, kind="fold", detail=1)
    f.box(-half + 0.1, low + 0.18, half - 0.1, low + 0.34, wood, kind="frame")
    f.box(half - 0.12, low, half + 0.05, foot, wood, soft=soft, kind="footboard")


def chair(f: Figure) -> None:
    wood = f.color("brown", "tan", "red", "white", "blue", "green", "dark")
    back, tall = f.pick("back", "slatted", "solid", "barred", "round"), f.adjective("", "tall", "low")
    top, seat = {"tall": 0.95, "low": 0.62}.get(tall, 0.8), f.num(-0.12, 0.0)
    near, far, skew, w = f.num(0.48, 0.58), f.num(0.36, 0.44), f.num(-0.12, 0.12), f.num(0.09, 0.13)
    rise = f.num(0.16, 0.26)
    left, right = skew - far, skew + far
    for x in (left, right):
        f.limb([(x, seat + rise), (x, -0.68)], w, w * 0.8, shade(wood, -0.25), kind="leg")
    if back in ("solid", "round"):
        f.box(left - 0.04, seat + rise + 0.14 * (back == "solid"), right + 0.04, top, wood,
            soft=0.36 if back == "round" else 0.05, kind="back")
    if back != "round":
        for x in (left, right):
            f.limb([(x, seat + rise - 0.05), (x, top + 0.03)], w, w * 0.9, wood, kind="post")
    if back == "slatted":
        for k in range(3):
            y = top - 0.06 - k * (top - seat - rise) * 0.33
            f.limb([(left, y), (right, y)], 0.11, 0.11, wood, kind="slat")
    elif back == "barred":
        f.limb([(left - 0.05, top), (right + 0.05, top)], 0.12, 0.12, wood, kind="slat")
        for k in (1, 2, 3):
            x = left + k * far / 2
            f.line([(x, seat + rise), (x, top - 0.06)], wood, 0.055, kind="bar")
    for x in (-near + 0.05, near - 0.05):
        f.limb([(x, seat), (x, -0.92)], w * 1.1, w * 0.8, wood, kind="leg")
    if f.chance(0.3):
        for x, inner in ((-near, left), (near, right)):
            f.line([(inner, seat + rise + 0.32), (x, seat + 0.28), (x, seat)], wood, 0.08, kind="armrest")
    f.poly([(-near, seat), (near, seat), (right + 0.03, seat + rise), (left - 0.03, seat + rise)], wood,
        kind="seat", texture="grain", round=0.2)
    f.box(-near, seat - 0.1, near, seat, shade(wood, -0.15), kind="seat edge", detail=1)
    if f.chance(0.3):
        f.oval(skew / 2, seat + rise / 2, near * 0.72, rise * 0.42, f.color("red", "cream", "teal",
            tell="a cushion"), kind="cushion", detail=1)


def couch(f: Figure) -> None:
    size = f.adjective("", "wide", "small")
    cloth = f.color("red", "blue", "green", "brown", "grey", "purple", "cream", "teal")
    half, top = {"wide": 0.95, "small": 0.72}.get(size, 0.86), f.num(0.35, 0.55)
    arms, n = f.pick("arms", "round", "square", "low"), 2 if size == "small" else int(f.num(2, 3.99))
    soft, a, arm = f.num(0.06, 0.22), f.num(0.2, 0.28), f.num(0.12, 0.2) - 0.18 * (arms == "low")
    for x in (-half + 0.12, half - 0.12):
        f.limb([(x, -0.45), (x, -0.66)], 0.11, 0.07, f.color("brown", "dark", tell=None), kind="leg")
    cloth_back, step = shade(cloth, -0.15), 2 * (half - a) / n
    if f.chance(0.5):
        f.box(-half + 0.1, -0.4, half - 0.1, top, cloth_back, soft=soft, kind="back")
    else:
        f.blob([(-half + 0.08, -0.3), (-half + 0.12, top - 0.12), (-half * 0.4, top + 0.02), (0, top + 0.12),
            (half * 0.4, top + 0.02), (half - 0.12, top - 0.12), (half - 0.08, -0.3)], cloth_back,
            kind="back")
    for k in range(n):
        x = -half + a + k * step
        f.box(x, -0.28, x + step, -0.02, shade(cloth, 0.12), soft=0.08, kind="cushion", round=0.6)
    f.box(-half + 0.1, -0.52, half - 0.1, -0.26, cloth, soft=0.04, kind="base")
    for x in (-half, half - a):
        f.box(x, -0.52, x + a, arm, cloth, soft=a / 2 if arms == "round" else 0.03, kind="arm", round=0.6)
    if f.chance(0.5):
        pillow = f.color("yellow", "white", "orange", "pink", tell="a pillow")
        with f.at(f.num(-0.4, 0.4), 0.08, turn=f.num(20, 60)):
            f.box(-0.15, -0.15, 0.15, 0.15, pillow, soft=0.05, kind="pillow")


def cup(f: Figure) -> None:
    form = f.adjective("", "tall", "wide")
    paint = f.color("white", "red", "blue", "green", "yellow", "orange", "pink", "teal")
    top, w = {"tall": (0.64, 0.5), "wide": (0.32, 0.66)}.get(form, (0.5, 0.54))
    low, taper, x = -0.72, f.num(0.6, 1.0), -0.18
    if f.chance(0.4):
        f.oval(x, low + 0.04, 0.78, 0.13, shade(paint, -0.15), kind="saucer")
    middle, h = (top + low) / 2 + 0.05, (top - low) * f.num(0.5, 0.65)
    handle(f, x + w * 0.9, middle, f.num(0.34, 0.44), h, paint, thick=f.num(0.09, 0.15))
    base = w * taper
    look = f.choose("", "spots", "stripes", "speckle") or None
    f.blob([(x - w, top), (x - w * 0.99, top - 0.02), (x - (w + base) / 2, middle - 0.1),
        (x - base * 0.95, low + 0.12), (x - base * 0.7, low), (x, low - 0.05), (x + base * 0.7, low), (x +
        base * 0.95, low + 0.12), (x + (w + base) / 2, middle - 0.1), (x + w * 0.99, top - 0.02), (x + w,
        top)], paint, kind="body", texture=look)
    f.oval(x, top, w, 0.13, shade(paint, 0.3), kind="rim", round=0)
    f.oval(x, top - 0.02, w * 0.84, 0.085, f.color("brown", "tan", "dark", tell=None), kind="drink",
        detail=2, round=0)
    decor = f.pick("sides", "plain", "banded", "spotted")
    if decor == "banded":
        f.limb([(x - w * 0.93, middle + 0.08), (x, middle), (x + w * 0.93, middle + 0.08)], 0.14, 0.14,
            shade(paint, -0.5), kind="stripe", detail=1)
    elif decor == "spotted":
        for dx, dy in ((-0.5, 0.1), (0, -0.08), (0.5, 0.1)):
            f.oval(x + dx * w, middle + dy, 0.09, 0.09, shade(paint, -0.5), kind="spot", detail=1)
    if f.chance(0.4):
        for dx in (-0.2, 0.1):
            f.line([(x + dx, top + 0.1), (x + dx + 0.09, top + 0.19), (x + dx - 0.02, top + 0.28)], "silver",
                0.04, bend=True, kind="steam", detail=1)


def table_lamp(f: Figure) -> None:
    shade_color = f.color("yellow", "red", "cream", "green", "pink", "sky", "orange", tell="a shade")
    base = f.color("brown", "dark", "blue", "teal", "gold", "white", tell=None)
    form, wide, narrow = f.pick("foot", "round", "slim", "square"), f.num(0.55, 0.72), f.num(0.2, 0.4)
    top, edge = f.num(0.8, 0.92), f.num(0.0, 0.15)
    f.limb([(0, -0.85), (0, edge + 0.05)], 0.1, 0.08, base, kind="stem")
    if form == "round":
        f.oval(0, f.num(-0.48, -0.38), f.num(0.26, 0.4), f.num(0.3, 0.36), base, kind="foot", round=0.8)
    elif form == "square":
        f.poly([(-0.3, -0.8), (0.3, -0.8), (0.17, -0.18), (-0.17, -0.18)], base, kind="foot")
    f.box(-f.num(0.32, 0.44), -0.95, f.num(0.32, 0.44), -0.8, shade(base, -0.25), soft=0.06, kind="base")
    if f.chance(0.5):
        f.line([(wide * 0.6, edge), (wide * 0.6, edge - 0.22)], "gold", 0.035, kind="cord", detail=1)
        f.oval(wide * 0.6, edge - 0.24, 0.045, 0.045, "gold", kind="cord", detail=1)
    flare = f.choose("straight", "bell", "dome")
    bow = {"straight": 0.5, "bell": 0.32, "dome": 0.8}[flare]
    side, y = narrow + (wide - narrow) * bow, (top + edge) / 2
    if flare == "straight":
        outline = [(-wide, edge), (wide, edge), (narrow, top), (-narrow, top)]
        f.poly(outline, shade_color, kind="shade", round=0.4, texture="stripes" if f.chance(0.2) else None)
    else:
        f.blob([(-wide, edge), (0, edge - 0.04), (wide, edge), (side, y), (narrow, top), (0, top + 0.02),
            (-narrow, top), (-side, y)], shade_color, kind="shade", texture="spots" if f.chance(0.2) else
            None)
    if f.chance(0.4):
        f.line([(-wide * 0.93, edge + 0.1), (wide * 0.93, edge + 0.1)], shade(shade_color, -0.5), 0.05,
            kind="stripe", detail=1)


def teapot(f: Figure) -> None:
    form = f.adjective("", "squat", "tall")
    paint = f.color("white", "red", "blue", "green", "yellow", "brown", "teal", "pink")
    w, h = {"squat": (0.56, 0.36), "tall": (0.42, 0.56)}.get(form, (0.5, 0.48))
    y, x = -0.72 + h + 0.05, -0.05
    lift = f.num(0.0, 0.2)
    f.limb([(x + w * 0.8, y - 0.18), (x + w + 0.14, y - 0.08), (x + w + 0.22, y + 0.22 + lift),
        (x + w + 0.4, y + 0.34 + lift)], 0.32, 0.12, paint, kind="spout")
    if f.pick("handle", "side", "top") == "side":
        handle(f, x - w * 0.85, y + 0.05, -f.num(0.34, 0.46), h * f.num(1.0, 1.3), paint, thick=0.11)
    else:
        f.limb([(x - w * 0.85, y + h * 0.5), (x - w * 0.75, y + h + 0.3), (x, y + h + 0.5),
            (x + w * 0.75, y + h + 0.3), (x + w * 0.85, y + h * 0.5)], 0.09, 0.09, shade(paint, -0.4),
            kind="handle")
    f.box(x - w * 0.55, y - h - 0.06, x + w * 0.55, y - h + 0.12, shade(paint, -0.2), soft=0.05, kind="foot")
    f.oval(x, y, w, h, paint, kind="body", round=0.8, texture=f.choose("", "spots", "speckle") or None)
    decor = f.choose("", "band", "flower")
    if decor == "band":
        f.limb([(x - w * 0.95, y), (x, y - 0.08), (x + w * 0.95, y)], 0.12, 0.12, shade(paint, -0.5),
            kind="stripe", detail=1)
    elif decor == "flower":
        for k in range(5):
            f.oval(x + 0.12 * cos(k * 1.26), y + 0.12 * sin(k * 1.26), 0.08, 0.08, "red", kind="petal",
                detail=2)
        f.oval(x, y, 0.06, 0.06, "yellow", kind="flower", detail=2)
    knob = f.num(0.07, 0.12)
    f.oval(x, y + h + 0.08 + knob, knob, knob, shade(paint, -0.3), kind="knob")
    f.blob([(x - w * 0.6, y + h * 0.78), (x - w * 0.4, y + h + 0.04), (x, y + h + 0.12),
        (x + w * 0.4, y + h + 0.04), (x + w * 0.6, y + h * 0.78), (x, y + h * 0.72)], shade(paint, -0.12),
        kind="lid")


def umbrella(f: Figure) -> None:
    paint = f.color("red", "blue", "yellow", "green", "purple", "pink", "black", "orange")
    n, hook = int(f.num(3, 5.99)), f.pick("handle", "hooked", "straight")
    half, top, edge = f.num(0.76, 0.92), f.num(0.72, 0.84), f.num(-0.02, 0.12)
    wood, low = f.color("brown", "dark", "tan", tell=None), -0.82
    other = f.color("white", "sky", "cream", tell="panels") if f.chance(0.4) else None
    with f.at(turn=f.num(-18, 18)):
        f.line([(0, top), (0, low)], "dark", 0.06, kind="shaft")
        if hook == "hooked":
            f.limb([(0, low + 0.25), (0, low), (0.08, low - 0.1), (0.2, low - 0.08), (0.24, low + 0.06)],
                0.1, 0.1, wood, kind="handle")
        else:
            f.box(-0.07, low - 0.06, 0.07, low + 0.2, wood, soft=0.05, kind="handle")
        f.line([(0, top), (0, top + 0.14)], "dark", 0.06, kind="tip", detail=1)
        ribs = [-half + 2 * half * k / n for k in range(n + 1)]
        dome = [(half * cos(pi * k / 12), edge + (top - edge) * sin(pi * k / 12)) for k in range(13)]
        dip = f.num(0.06, 0.14)
        hem = [(a + 2 * half / n * t, edge + dip * sin(pi * t)) for a in ribs[:-1] for t in (0.25, 0.5, 0.75,
            1.0)]
        f.poly([*dome, *hem[:-1]], paint, kind="canopy", round=0.5)
        for k in range(1, n) if n > 1 else ():
            x = ribs[k]
            f.line([(0, top), (x * 0.7, (top * 2 + edge) / 3), (x, edge)], shade(paint, -0.5), 0.025,
                bend=True, kind="rib", detail=1)
            if other and k % 2:
                f.blob([(x, edge + 0.02), (x * 0.7, (top * 2 + edge) / 3), (0, top - 0.02),
                    (ribs[k + 1] * 0.7, (top * 2 + edge) / 3), (ribs[k + 1], edge + 0.02), ((x + ribs[k + 1])
                    / 2, edge + dip + 0.02)], other, kind="panel", ink=False)


def wine_glass(f: Figure) -> None:
    form = f.adjective("", "wide", "slim")
    wine = f.color("red", "purple", "gold", "pink", tell="wine")
    w, base = {"wide": 0.52, "slim": 0.35}.get(form, 0.43), f.num(0.34, 0.46)
    top, rim = 0.9, f.num(0.7, 0.95)
    low = 0.1 if f.pick("stem", "short", "long") == "long" else -0.22
    f.oval(0, -0.86, base, 0.09, "glass", kind="foot")
    f.limb([(0, low), (0, -0.86)], 0.1, 0.09, "glass", kind="stem")

    def bowl(y: float) -> list[tuple[float, float]]:
        t = (y - low) / (top - low)
        half = w * (min(1.0, (t / 0.4)) ** 0.5 if t < 0.4 else 1 - (1 - rim) * ((t - 0.4) / 0.6) ** 1.5)
        return [(-half, y), (half, y)]

    fill = low + (top - low) * f.num(0.4, 0.7)
    for level, color, inset, kind in ((top, "glass", 1.0, "bowl"), (fill, wine, 0.88, "wine")):
        rows = [bowl(low + (level - low) * t) for t in (0, 0.04, 0.15, 0.3, 0.5, 0.75, 1)]
        outline = [row[0] for row in rows[::-1]] + [row[1] for row in rows[1:]]
        f.blob([(x * inset, y + (1 - inset) * 0.2) for x, y in outline], color, kind=kind, round=0.4)
    half = bowl(top)[1][0]
    f.oval(0, top, half, 0.07, shade("glass", 0.5), kind="rim", detail=1, round=0)
    half = bowl(fill)[1][0] * 0.88
    f.oval(0, fill + 0.02, half, 0.06, shade(wine, 0.25), kind="surface", detail=2, round=0)
    if f.chance(0.3):
        f.line([(-w * 0.6, low + 0.35), (-w * 0.62, top - 0.25)], "white", 0.05, kind="shine", detail=2)


def bottle(f: Figure) -> None:
    form = f.adjective("", "slim", "wide")
    glass = f.color("green", "brown", "sky", "blue", "white", "pink")
    w, neck = {"slim": 0.22, "wide": 0.44}.get(form, 0.32), f.num(0.1, 0.14)
    shoulder, top = f.num(-0.05, 0.25), 0.78
    slope = f.num(0.1, 0.3)
    side = [(w, -0.9), (w, shoulder), (w * 0.8, shoulder + slope * 0.6), (neck, shoulder + slope),
        (neck, top)]
    f.poly([*side, *[(-x, y) for x, y in side[::-1]]], glass, kind="body", round=0.6)
    cap = f.color("red", "gold", "brown", "black", tell="a cap")
    f.box(-neck - 0.04, top, neck + 0.04, 0.93, cap, soft=0.03, kind="cap")
    shape = f.pick("label", "square", "oval", "wide")
    paper = f.color("cream", "white", "yellow", "red", tell=None)
    y = (shoulder - 0.9) / 2
    if shape == "oval":
        f.oval(0, y, w * 0.75, 0.24, paper, kind="label", detail=1, round=0.2)
    else:
        f.box(-w * (1 if shape == "wide" else 0.75), y - 0.22, w * (1 if shape == "wide" else 0.75),
            y + 0.22, paper, kind="label", detail=1)
    f.line([(-w * 0.4, y + 0.05), (w * 0.4, y + 0.05)], "dark", 0.035, kind="writing", detail=2)


def candle(f: Figure) -> None:
    form = f.adjective("", "thick", "thin")
    wax = f.color("white", "red", "cream", "green", "purple", "orange", "sky")
    w, top = {"thick": 0.36, "thin": 0.13}.get(form, 0.22), f.num(0.2, 0.42)
    stand = f.pick("stand", "flat", "handled", "tall")
    metal, low = f.color("gold", "silver", "brown", tell=None), -0.3 if stand == "tall" else -0.78
    if stand == "handled":
        handle(f, 0.4, -0.68, 0.34, 0.3, metal, thick=0.07)
    if stand == "tall":
        f.limb([(0, low), (0, -0.85)], 0.12, 0.12, metal, kind="stand")
        f.oval(0, -0.87, 0.36, 0.09, metal, kind="stand")
    f.oval(0, low, max(w + 0.14, 0.5 if stand != "tall" else 0.2), 0.12, metal, kind="dish")
    f.box(-w, low, w, top, wax, soft=0.05, kind="wax", round=0.6,
        texture="stripes" if f.chance(0.2) else None)
    f.oval(0, top, w, min(0.07, w * 0.35), shade(wax, 0.4), kind="rim", detail=1, round=0)
    for k in range(2):
        x = w * (-0.75 if k else 0.5)
        f.limb([(x, top), (x, top - f.num(0.14, 0.4))], 0.09, 0.11, shade(wax, 0.2), kind="drip", detail=1)
    f.line([(0, top), (0.01, top + 0.13)], "dark", 0.04, kind="wick")
    h, lean = f.num(0.34, 0.46), f.num(-0.1, 0.1)
    for size, color, detail in ((1.0, "orange", 0), (0.55, "yellow", 1)):
        y = top + 0.07
        f.blob([(0, y), (0.14 * size, y + 0.13 * size), (0.06 * size + lean / 2, y + h * 0.65 * size),
            (lean * size, y + h * size), (lean / 2 - 0.07 * size, y + h * 0.65 * size), (-0.14 * size, y +
            0.13 * size)], color, kind="flame", detail=detail, round=0.2)


def clock(f: Figure) -> None:
    shape = f.adjective("round", "square")
    paint, r = f.color("red", "brown", "blue", "green", "gold", "black", "purple"), f.num(0.6, 0.7)
    sort, face = f.choose("alarm", "wall"), f.color("white", "cream", "sky", "yellow", tell="a face")
    if sort == "alarm":
        for side in (-1, 1):
            f.limb([(side * r * 0.6, -r * 0.6), (side * r * 0.85, -0.92)], 0.13, 0.08, shade(paint, -0.3),
                kind="foot")
            with f.at(side * r * 0.68, r * 0.86 + 0.06 * (shape == "square"), turn=-side * 35):
                f.blob([(-0.24, -0.04), (0, -0.1), (0.24, -0.04), (0.14, 0.17), (-0.14, 0.17)], "gold",
                    kind="bell")
    else:
        r *= 1.28
    if shape == "square":
        f.box(-r, -r, r, r, paint, soft=0.1, kind="case")
        f.box(-r * 0.82, -r * 0.82, r * 0.82, r * 0.82, face, kind="face", round=0.1)
    else:
        f.oval(0, 0, r, r, paint, kind="case")
        f.oval(0, 0, r * 0.82, r * 0.82, face, kind="face", round=0.1)
    n = 12 if f.choose("all", "four") == "all" else 4
    for k in range(n):
        x, y = cos(2 * pi * k / n), sin(2 * pi * k / n)
        f.line([(x * r * 0.62, y * r * 0.62), (x * r * 0.74, y * r * 0.74)], "dark", 0.05, kind="tick",
            detail=int(k % (n // 4) > 0))
    for length, width in ((0.36, 0.08), (0.58, 0.055)):
        turn = f.num(0, 2 * pi)
        f.line([(0, 0), (r * length * cos(turn), r * length * sin(turn))], "black", width, kind="hand")
    f.oval(0, 0, 0.05, 0.05, "red", kind="hub", detail=2)


def table(f: Figure) -> None:
    size = f.adjective("", "long", "tall")
    wood = f.color("brown", "tan", "white", "red", "green", "dark")
    near, top = {"long": 0.95, "tall": 0.76}.get(size, 0.84), {"long": 0.15, "tall": 0.4}.get(size, 0.24)
    far, deep, w = near - f.num(0.12, 0.28), f.num(0.2, 0.34), f.num(0.08, 0.14)
    low, shape = {"long": -0.55, "tall": -0.85}.get(size, -0.7), f.pick("top", "square", "round")
    pillar = shape == "round" and f.chance(0.5)
    if pillar:
        f.limb([(0, top + 0.05), (0, low)], 0.18, 0.16, wood, kind="leg")
        f.limb([(-0.42, low - 0.05), (0, low + 0.1), (0.42, low - 0.05)], 0.12, 0.12, wood, kind="foot")
    else:
        for x, foot in ((-far + 0.06, low + 0.18), (far - 0.06, low + 0.18), (-near + 0.1, low),
            (near - 0.1, low)):
            side = x * (0.85 if shape == "round" else 1)
            f.limb([(side, top + 0.08), (side, foot)], w, w * 0.8, shade(wood, -0.2), kind="leg")
    if shape == "round":
        f.oval(0, top + deep / 2 - 0.06, near, deep / 2, shade(wood, -0.3), kind="edge", detail=1)
        f.oval(0, top + deep / 2, near, deep / 2, wood, kind="top", texture="grain", round=0.2)
    else:
        f.box(-near, top - 0.1, near, top, shade(wood, -0.15), kind="edge")
        f.poly([(-near, top), (near, top), (far, top + deep), (-far, top + deep)], wood, kind="top",
            texture="grain", round=0.2)
    if f.chance(0.3):
        f.oval(0, top + deep + 0.06, 0.16, 0.1, f.color("blue", "yellow", "teal", tell="a bowl"),
            kind="bowl", detail=1)


BENCHMARK = (bed, chair, couch, cup, table_lamp, teapot, umbrella, wine_glass)
PRETRAINING = (bottle, candle, clock, table)
KINGDOM = "artefact"
