"""Things on wheels, seen from the side and driving to the right."""

from ..grammar import Figure, shade
from ..parts import hoop, lamp, wheel, window

# Outlines read better packed than one point a line.
# fmt: off


def bicycle(f: Figure) -> None:
    paint = f.color("red", "blue", "green", "black", "orange", "purple")
    bars = f.pick("handlebars", "straight", "curved", "high")
    r, far, low = f.num(0.36, 0.46), f.num(0.46, 0.54), f.choose("diamond", "low") == "low"
    axle, seat, head = r - 0.8, f.num(0.22, 0.4), f.num(0.2, 0.38)
    back, crank, post, front = (-far, axle), (-0.05, axle - 0.03), (-0.22, seat - 0.08), (0.33, head)
    for x in (-far, far):
        hoop(f, x, axle, r, width=f.num(0.05, 0.075), spokes=8)
    low_end = (crank[0] * 0.6 + post[0] * 0.4, crank[1] * 0.6 + post[1] * 0.4)
    f.line([post, back, crank, post], paint, 0.06, kind="frame")
    f.line([low_end if low else post, front, crank], paint, 0.06, kind="frame")
    f.line([(far, axle), (0.33, head), (0.28, head + 0.2)], paint, 0.06, kind="fork")
    ends = {"straight": (0.46, 0.24), "curved": (0.52, 0.05), "high": (0.06, 0.42)}[bars]
    f.line([(0.28, head + 0.2), (0.36, head + 0.24), (ends[0], head + ends[1])], "black", 0.06,
        kind="handlebar")
    f.limb([(-0.4, seat + 0.03), (-0.24, seat), (-0.06, seat)], 0.14, 0.05, "black", kind="seat")
    f.oval(*crank, 0.09, 0.09, "silver", kind="crank", detail=1)
    f.line([(-0.13, axle - 0.2), (0.03, axle + 0.14)], "dark", 0.035, kind="pedal", detail=1)
    if f.chance(0.35):
        f.poly([(0.4, head + 0.2), (0.78, head + 0.2), (0.72, head - 0.06), (0.46, head - 0.06)],
            f.color("brown", "tan", "white", tell="a basket"), kind="basket", texture="mesh")


def bus(f: Figure) -> None:
    size = f.adjective("", "double-decker", "short")
    paint = f.color("red", "yellow", "blue", "green", "white", "orange")
    half, top = (0.72, 0.42) if size == "short" else (0.92, 0.62 if size == "double-decker" else 0.3)
    low, n = -0.42, 4 if size == "short" else int(f.num(5, 7.9))
    f.box(-half, low, half, top, paint, soft=f.num(0.06, 0.18), kind="body")
    if f.chance(0.5):
        f.box(-half, low + 0.1, half, low + 0.2, shade(paint, 0.5 if f.chance(0.5) else -0.5), kind="stripe",
            detail=2)
    shape, step = f.pick("windows", "square", "round", "tall"), (2 * half - 0.3) / n
    h = min({"tall": 0.4, "round": step * 0.75}.get(shape, 0.28), 0.34 if top > 0.5 else 0.44)
    for y in (top - 0.25, top - 0.66) if top > 0.5 else (top - 0.27,):
        for k in range(n):
            window(f, -half + 0.08 + (k + 0.5) * step, y, step * 0.75, h,
                shape="round" if shape == "round" else "square", detail=0)
    f.box(half - 0.2, low + 0.1, half - 0.05, low + 0.58, "glass", kind="door", detail=1)
    r, axle = f.num(0.15, 0.2), f.num(0.5, 0.62)
    for x in (-axle * half, axle * half * 0.9):
        wheel(f, x, low, r)
    lamp(f, half - 0.04, low + 0.05)


def car(f: Figure) -> None:
    style = f.adjective("", "round", "sporty", "boxy")
    paint = f.color("red", "blue", "green", "yellow", "white", "silver", "black", "orange")
    h = {"round": 0.46, "sporty": 0.28, "boxy": 0.42}.get(style, 0.38) + f.num(-0.04, 0.04)
    a, b, deck = f.num(-0.5, -0.35), f.num(0.14, 0.3), f.num(0.0, 0.08)
    if style == "round":
        f.blob([(-0.75, deck), (-0.5, deck + h * 0.75), (-0.1, deck + h), (0.3, deck + h * 0.7),
            (0.5, deck - 0.1), (-0.6, deck - 0.2)], paint, kind="cabin")
        a, b = -0.38, 0.2
    else:
        back, front = (-0.85, 0.45) if style == "boxy" else (f.num(-0.78, -0.6), f.num(0.45, 0.58))
        f.poly([(back, deck - 0.1), (a - 0.2 * (style == "boxy"), deck + h), (b, deck + h),
            (front, deck - 0.1)], paint, kind="cabin", round=0.4)
    f.blob([(-0.92, -0.3), (-0.93, -0.05), (-0.8, deck), (0, deck + 0.02), (0.55, deck - 0.01),
        (0.86, deck - 0.1), (0.94, -0.3), (0.5, -0.36), (-0.5, -0.36)], paint, kind="body", round=0.5)
    top, mid = deck + h - 0.08, (a + b) / 2
    for x0, x1, lean in ((mid - 0.04, a, -0.12), (mid + 0.04, b - 0.02, 0.14)):
        f.poly([(x0, deck + 0.02), (x0, top), (x1, top), (x1 + lean, deck + 0.02)], "glass", kind="window",
            round=0.2)
    r, out = f.num(0.19, 0.25), f.num(0.5, 0.58)
    for x in (-out, out):
        wheel(f, x, -0.34, r)
    f.line([(mid, deck), (mid, -0.3)], shade(paint, -0.5), 0.02, kind="door", detail=1)
    f.line([(mid - 0.18, deck - 0.08), (mid - 0.06, deck - 0.08)], "dark", 0.03, kind="handle", detail=2)
    lamp(f, 0.84, -0.14)
    if style == "sporty":
        f.limb([(-0.96, deck + 0.12), (-0.66, deck + 0.12)], 0.05, 0.05, paint, kind="spoiler", detail=1)
    elif f.chance(0.25):
        f.box(a - 0.05, deck + h, b - 0.05, deck + h + 0.14, "brown", kind="luggage", detail=1)


def motorcycle(f: Figure) -> None:
    paint = f.color("red", "black", "blue", "orange", "green", "yellow")
    r, far, reach = f.num(0.31, 0.4), f.num(0.5, 0.58), f.pick("fork", "steep", "long")
    front, axle = far + 0.06 * (reach == "long"), r - 0.75
    for x in (-far, front):
        wheel(f, x, axle, r)
        f.limb([(x - r, axle + 0.18), (x, axle + r + 0.05), (x + r * 0.9, axle + 0.24)], 0.07, 0.07, paint,
            kind="fender", detail=2)
    f.poly([(-0.3, -0.5), (0.16, -0.5), (0.26, -0.05), (-0.32, 0)], "grey", kind="engine", texture="tiles")
    f.limb([(0.05, -0.42), (-0.4, -0.5), (-0.88, axle - 0.02)], 0.09, 0.15, "silver", kind="exhaust")
    f.line([(front, axle), (0.22 if reach == "long" else 0.36, 0.35)], "silver", 0.08, kind="fork")
    seat = f.num(0.02, 0.14)
    f.limb([(-0.82, seat + f.num(0.08, 0.22)), (-0.5, seat + 0.04), (-0.1, seat)], 0.12, 0.18, "black",
        kind="seat")
    f.blob([(-0.18, 0.02), (-0.05, 0.22), (0.2, 0.3), (0.36, 0.16), (0.2, -0.02)], paint, kind="tank")
    bar = f.num(0.42, 0.6)
    f.line([(0.34, 0.28), (0.26, bar), (0.06, bar + 0.03)], "black", 0.065, kind="handlebar")
    f.oval(0.47, 0.24, 0.1, 0.11, "yellow", kind="light")
    if f.chance(0.35):
        f.limb([(0.36, 0.3), (0.42, 0.5), (0.32, 0.72)], 0.08, 0.05, "glass", kind="windshield")
    if f.chance(0.35):
        f.box(-0.85, -0.25, -0.45, 0.02, f.color("brown", "dark", "silver", tell="a side bag"), soft=0.06,
            kind="bag")


def tractor(f: Figure) -> None:
    paint = f.color("green", "red", "blue", "orange", "yellow")
    big, small, roofed = f.num(0.42, 0.52), f.num(0.2, 0.27), f.pick("cab", "closed", "open")
    ground, deck = -0.78, f.num(0.0, 0.12)
    top = f.num(0.62, 0.8)
    if roofed == "closed":
        f.poly([(-0.72, -0.1), (-0.66, top), (0.0, top), (0.1, -0.1)], paint, kind="cab", round=0.3)
        f.poly([(-0.6, 0.15), (-0.56, top - 0.1), (-0.06, top - 0.1), (0.0, 0.15)], "glass", kind="window",
            round=0.2)
    else:
        for x in (-0.66, 0.02):
            f.line([(x, 0), (x, top)], "dark", 0.06, kind="post")
        f.limb([(-0.62, 0.34), (-0.5, 0.1), (-0.2, 0.1)], 0.1, 0.1, "black", kind="seat")
        f.line([(0.06, 0.05), (-0.14, 0.34)], "black", 0.05, kind="steering wheel", detail=1)
    f.box(-0.76, top - 0.03, 0.1, top + 0.09, shade(paint, -0.3), soft=0.05, kind="roof")
    f.box(-0.5, -0.45, 0.86, deck, paint, soft=f.num(0.03, 0.16), kind="hood")
    f.box(0.74, -0.38, 0.86, deck - 0.08, "dark", kind="grille", detail=1, texture="tiles")
    f.line([(0.4, deck), (0.4, deck + f.num(0.3, 0.5))], "dark", 0.075, kind="chimney")
    wheel(f, -0.45, ground + big, big, hub=f.color("yellow", "silver", "red", tell="hubs"))
    wheel(f, 0.6, ground + small, small, hub="yellow")
    lamp(f, 0.86, deck - 0.08)


def train(f: Figure) -> None:
    """A steam engine, perhaps with a wagon."""
    paint = f.color("black", "red", "green", "blue")
    trim, load = f.color("gold", "red", "yellow", tell=None), f.chance(0.45)
    back = -0.35 if load else -0.92
    if load:
        cargo = f.color("brown", "tan", "orange", tell="a wagon")
        f.box(-0.98, -0.3, -0.5, f.num(0.0, 0.3), cargo, kind="wagon", texture="planks")
        f.line([(-0.52, -0.3), (-0.3, -0.3)], "dark", 0.06, kind="coupling")
    cab, r = back + f.num(0.4, 0.5), f.num(0.19, 0.25)
    fat = f.num(0.12, 0.22)
    f.box(cab - 0.1, -0.25, 0.82, fat, paint, soft=0.12, kind="boiler", round=0.7)
    for x in (0.2, 0.5):
        f.line([(x, -0.22), (x, fat)], trim, 0.04, kind="band", detail=2)
    f.box(back, -0.35, cab, 0.5, shade(paint, -0.15), kind="cab")
    f.box(back - 0.06, 0.48, cab + 0.08, 0.6, trim, kind="roof")
    window(f, (back + cab) / 2, 0.26, 0.2, 0.24, shape=f.pick("windows", "square", "round", "arched"),
        detail=0)
    stack, tall = f.choose("cone", "pipe", "diamond"), f.num(0.35, 0.5) + fat
    wide = {"cone": (0.07, 0.17, 0.17), "pipe": (0.09, 0.09, 0.12), "diamond": (0.06, 0.2, 0.1)}[stack]
    left = [(0.6 - w, y) for w, y in zip(wide, (fat - 0.02, tall - 0.14, tall), strict=True)]
    f.poly([*left, *[(1.2 - x, y) for x, y in left[::-1]]], "dark", kind="chimney")
    if f.chance(0.7):
        f.oval(0.2, fat, 0.11, 0.13, trim, kind="dome", detail=1)
    f.poly([(0.78, -0.35), (0.98, -0.62), (0.66, -0.62)], trim, kind="cowcatcher", texture="stripes")
    f.box(back, -0.42, 0.8, -0.28, "dark", kind="frame")
    wheels = [back + 0.24, back + 0.24 + 2.1 * r] + ([0.3, 0.62] if load else [0.12, 0.4, 0.66])
    for k, x in enumerate(wheels + ([-0.85, -0.62] if load else [])):
        big = r if k < 2 else 0.13
        wheel(f, x, -0.62 + big, big, tyre="dark", hub=trim)
    f.line([(wheels[0], -0.45), (wheels[1], -0.45)], "silver", 0.05, kind="rod", detail=2)
    if f.chance(0.6):
        for k in range(3):
            f.oval(0.5 - 0.24 * k, tall + 0.12 + 0.05 * k, 0.1 + 0.03 * k, 0.08 + 0.02 * k, "silver",
                kind="smoke", detail=1)
    if f.chance(0.5):
        f.line([(-0.98, -0.66), (0.98, -0.66)], "brown", 0.05, kind="rail", detail=1)


_LOADS = {"box": "a box", "tank": "a tank", "dump": "a dump bed", "flat": "crates"}


def truck(f: Figure) -> None:
    load = f.choose("box", "tank", "dump", "flat")
    paint = f.color("red", "blue", "green", "yellow", "white", "orange")
    cargo = f.color("silver", "white", "orange", "tan", "teal", tell=_LOADS[load])
    top, gap, nose = f.num(0.42, 0.62), f.num(0.2, 0.32), f.chance(0.5)
    if load == "box":
        f.box(-0.95, -0.3, gap, top, cargo, kind="cargo")
    elif load == "tank":
        f.box(-0.95, -0.25, gap, top - 0.12, cargo, soft=0.3, kind="cargo", round=0.8)
    elif load == "dump":
        f.poly([(-0.98, top - 0.1), (gap, top - 0.1), (gap - 0.05, -0.25), (-0.75, -0.25)], cargo,
            kind="cargo")
        f.blob([(-0.85, top - 0.1), (-0.5, top + 0.15), (-0.2, top + 0.12), (gap - 0.1, top - 0.1)], "brown",
            kind="load", texture="speckle", detail=1)
    else:
        for k, x in enumerate((-0.85, -0.45, -0.05)):
            f.box(x, -0.26, x + f.num(0.28, 0.36), f.num(0.0, 0.45), cargo if k % 2 else "tan", kind="crate",
                texture="planks")
    f.box(-0.96, -0.4, 0.9, -0.26, "dark", kind="frame")
    cab = top - f.num(0.1, 0.25)
    outline = [(gap + 0.06, -0.38), (gap + 0.06, cab), (0.68 if nose else 0.82, cab)]
    outline += [(0.74, 0.05), (0.96, 0.0), (0.97, -0.38)] if nose else [(0.96, 0.0), (0.96, -0.38)]
    f.poly(outline, paint, kind="cab", round=0.35)
    x = 0.66 if nose else 0.78
    f.poly([(gap + 0.16, 0.04), (gap + 0.16, cab - 0.08), (x - 0.03, cab - 0.08), (x + 0.04, 0.04)], "glass",
        kind="window", round=0.2)
    r = f.num(0.17, 0.22)
    for x in (-0.72, -0.72 + 2.15 * r, 0.66) if f.chance(0.6) else (-0.6, 0.66):
        wheel(f, x, -0.45, r)
    if f.chance(0.4):
        f.line([(gap + 0.01, -0.2), (gap + 0.01, cab + 0.2)], "silver", 0.06, kind="chimney", detail=1)
    lamp(f, 0.93, -0.2)


def wheelbarrow(f: Figure) -> None:
    paint = f.color("green", "red", "blue", "grey", "orange", "yellow")
    wood, r, deep = f.color("tan", "brown", "dark", tell=None), f.num(0.2, 0.28), f.num(0.4, 0.55)
    x, rim = f.num(0.55, 0.66), f.num(0.2, 0.32)
    load = f.adjective("", "loaded", "empty")
    if load == "loaded":
        f.blob([(-0.4, rim - 0.1), (-0.2, rim + 0.2), (0.1, rim + 0.32), (0.4, rim + 0.18),
            (0.55, rim - 0.1)], f.color("brown", "green", "tan", tell=None), kind="load", texture="leaves")
    f.line([(-0.12, -0.25), (-0.3, -0.72), (-0.1, -0.72)], "dark", 0.07, kind="leg")
    (hoop if f.choose("solid", "spoked") == "spoked" else wheel)(f, x, r - 0.75, r)
    f.limb([(-0.96, f.num(0.0, 0.2)), (-0.3, -0.2), (x, r - 0.75)], 0.08, 0.07, wood, bend=False,
        kind="handle")
    f.poly([(-0.55, rim), (0.82, rim + f.num(0.0, 0.12)), (0.38, rim - deep), (-0.28, rim - deep)], paint,
        kind="tray", texture="planks" if f.chance(0.3) else None, round=0.4)
    f.line([(-0.58, rim), (0.84, rim + 0.06)], shade(paint, -0.4), 0.05, kind="rim", detail=2)


def scooter(f: Figure) -> None:
    """The kind one pushes with a foot."""
    paint = f.color("red", "blue", "pink", "green", "silver", "orange")
    r, lean, tall = f.num(0.11, 0.2), f.num(0.1, 0.22), f.adjective("", "low", "tall")
    top, far = {"low": 0.5, "tall": 0.9}.get(tall, 0.72), f.num(0.5, 0.6)
    floor = r - 0.85
    f.limb([(far - lean, top), (far + 0.02, floor)], 0.08, 0.09, "silver", kind="stem")
    f.limb([(-far, floor + 0.02), (far - 0.25, floor + 0.02), (far - 0.02, floor + 0.35)], 0.11, 0.1, paint,
        kind="deck")
    for x in (-far, far + 0.03):
        wheel(f, x, floor, r)
    bars = f.pick("handlebars", "straight", "curved")
    x = far - lean
    drop = -0.12 if bars == "curved" else 0.02
    f.line([(x - 0.3, top + drop), (x, top), (x + 0.24, top + drop)], "black", 0.08, bend=True,
        kind="handlebar")
    if f.chance(0.5):
        f.limb([(-far - r, floor + 0.12), (-far, floor + r + 0.06), (-far + r, floor + 0.1)], 0.06, 0.06,
            paint, kind="fender", detail=1)
    if f.chance(0.4):
        f.box(x - 0.02, top - 0.35, x + 0.28, top - 0.1, f.color("brown", "pink", "white", tell="a basket"),
            kind="basket", texture="mesh")


def skateboard(f: Figure) -> None:
    paint = f.color("red", "blue", "green", "purple", "orange", "brown", "black")
    bend, r, half = f.num(0.12, 0.26), f.num(0.12, 0.17), f.num(0.85, 0.95)
    rise = f.num(0.08, 0.16)
    wheels = f.color("white", "yellow", "red", "lime", tell="wheels")
    x = half * 0.58
    for dx, dy in ((0.14, 0.16), (0, 0)):
        for side in (-x, x):
            f.oval(side + dx, dy - 0.3, r, r, wheels, kind="wheel", detail=int(dx > 0))
            f.oval(side + dx, dy - 0.3, r * 0.4, r * 0.4, "dark", kind="hub", detail=1 + int(dx > 0))
    f.blob([(-half, bend), (-half * 0.7, -0.06), (0, -0.12), (half * 0.7, -0.06), (half, bend),
        (half * 0.98, bend + rise), (half * 0.72, rise + 0.06), (0, rise), (-half * 0.66, rise + 0.06),
        (-half * 0.9, bend + rise)], paint, kind="deck", texture=f.choose("grain", "speckle", "stripes"),
        round=0.3)
    for side in (-x, x):
        f.poly([(side - 0.12, -0.08), (side + 0.12, -0.08), (side + 0.04, -0.24), (side - 0.04, -0.24)],
            "silver", kind="axle", detail=1)


def van(f: Figure) -> None:
    size = f.adjective("", "small", "tall")
    paint = f.color("white", "red", "blue", "yellow", "green", "orange", "silver")
    half, top = (0.75 if size == "small" else 0.9), (0.58 if size == "tall" else 0.42)
    shape, low = f.pick("windows", "square", "round", "small"), -0.45
    a = half - f.num(0.42, 0.6)
    f.poly([(-half, low), (-half, top - 0.05), (-half + 0.06, top), (a, top), (half - 0.18, 0.02),
        (half, -0.08), (half, low)], paint, kind="body", round=0.4)
    if f.chance(0.4):
        f.box(-half, low + 0.08, half, low + 0.3, shade(paint, -0.35), kind="stripe", detail=2)
    f.poly([(a - 0.12, 0.05), (a - 0.12, top - 0.1), (a + 0.02, top - 0.1), (half - 0.27, 0.05)], "glass",
        kind="window", round=0.2)
    n = min(2, max(1, int(f.num(0.5, 2.99))))
    for k in range(n if shape != "small" else 1):
        w = 0.24 if shape == "small" else 0.32
        window(f, a - 0.38 - k * 0.42, top - 0.25, w, w * 0.85,
            shape="round" if shape == "round" else "square")
    f.line([(a - 0.17, top - 0.04), (a - 0.17, low + 0.06)], shade(paint, -0.5), 0.025, kind="door", detail=1)
    r = f.num(0.17, 0.23)
    for x in (-half * 0.58, half * 0.6):
        wheel(f, x, low, r)
    lamp(f, half - 0.06, -0.2)
    if f.chance(0.3):
        f.box(-half + 0.15, top, a - 0.2, top + 0.1, "brown", kind="luggage", detail=1)


BENCHMARK = (bicycle, bus, car, motorcycle, tractor, train, truck, wheelbarrow)
PRETRAINING = (scooter, skateboard, van)
KINGDOM = "artefact"
