"""Birds and swimmers, most of them from the side, facing right."""

import numpy as np

from ..colors import RGB, shade
from ..grammar import Figure
from ..parts import dot_eye, eye, wing

# Outlines read better packed than one point a line.
# fmt: off
KINGDOM = "animal"


def _beak(f: Figure, x: float, y: float, length: float, deep: float, *, fill: RGB | str,
        turn: float = 0.0) -> None:
    """A pointed beak growing from ``(x, y)``, with the line where it opens."""
    with f.at(x, y, turn=turn):
        f.poly([(0, deep / 2), (length, -0.1 * deep), (0, -deep / 2)], fill, kind="beak", round=0.3)
        f.line([(0, 0), (0.7 * length, -0.05 * deep)], shade(fill, -0.5), 0.02, kind="mouth", detail=2)


def _waves(f: Figure, y: float, width: float) -> None:
    """Ripples of water."""
    x = np.linspace(-width, width, 13)
    f.line(np.column_stack([x, y + 0.04 * np.sin(np.arange(13) * np.pi / 2)]), "blue", 0.035, bend=True,
        kind="water", detail=1)


def duck(f: Figure) -> None:
    coat, bill = f.color("yellow", "white", "brown", "grey"), f.color("orange", "gold", tell=None)
    crown = f.color("green", "blue", "brown", tell="a head") if f.chance(0.35) else coat
    swims, up, tip = f.chance(0.5), f.num(0.32, 0.5), f.num(0.05, 0.3)
    if not swims:
        for x in (-0.12, 0.12):
            f.line([(x, -0.45), (x, -0.82)], bill, 0.07, kind="leg")
            f.poly([(x - 0.06, -0.82), (x + 0.24, -0.9), (x - 0.1, -0.93)], bill, kind="foot")
    f.limb([(0.34, -0.1), (0.4, 0.2), (0.36, up)], 0.38, 0.26, crown, kind="neck")
    f.blob([(-0.9, tip + 0.08), (-0.6, 0.0), (-0.1, 0.04), (0.3, 0.1), (0.56, -0.1), (0.5, -0.42),
        (0.1, -0.56), (-0.4, -0.52), (-0.74, -0.24)], coat)
    f.blob([(0.5, up + 0.06), (0.7, up + 0.02), (0.94, up - 0.02), (0.95, up - 0.1), (0.72, up - 0.14),
        (0.5, up - 0.12)], bill, kind="beak", round=0.3)
    f.oval(0.4, up, 0.25, 0.25, crown, kind="head")
    if f.chance(0.4):
        f.box(0.2, 0.14, 0.56, 0.2, "white", soft=0.03, kind="collar", detail=1)
    wing(f, [(0.2, -0.1), (-0.2, 0.0), (-0.62, f.num(-0.05, 0.12)), (-0.5, -0.3), (-0.05, -0.36)],
        shade(coat, -0.15), feathers=3)
    dot_eye(f, 0.47, up + 0.06, 0.045)
    if swims:
        _waves(f, -0.58, 0.9)


def fish(f: Figure) -> None:
    build = f.adjective("", "slim", "round")
    h = {"": 0.38, "slim": 0.26, "round": 0.52}[build]
    skin, fork, high = (f.color("orange", "blue", "red", "yellow", "silver", "green", "purple"),
        f.num(0.05, 0.25), f.num(0.28, 0.48))
    fin = f.color("yellow", "red", "blue", "white", tell="fins") if f.chance(0.4) else shade(skin, -0.25)
    f.blob([(-0.45, 0.02), (-0.7, 0.7 * high), (-0.94, high), (-0.9 + fork, 0), (-0.94, -high),
        (-0.7, -0.7 * high), (-0.45, -0.02)], fin, kind="tail fin")
    f.blob([(-0.25, 0.5 * h), (-0.15, h + 0.22), (0.1, h + f.num(0.1, 0.3)), (0.35, 0.7 * h)], fin,
        kind="back fin")
    f.blob([(-0.05, -0.8 * h), (-0.25, -h - 0.2), (-0.3, -0.7 * h)], fin, kind="belly fin", detail=1)
    f.blob([(0.86, 0), (0.6, 0.7 * h), (0.2, h), (-0.25, 0.75 * h), (-0.56, 0.08), (-0.56, -0.08),
        (-0.25, -0.75 * h), (0.2, -h), (0.6, -0.7 * h)], skin)
    pattern = f.choose("striped", "plain", "scaly")
    if pattern != "plain":
        f.adjectives.append(pattern)
    if pattern == "striped":
        for x in (0.22, -0.02, -0.26):
            f.line([(x, 0.8 * h), (x - 0.06, 0), (x, -0.8 * h)], shade(skin, 0.65), 0.08, bend=True,
                kind="stripe")
    elif pattern == "scaly":
        for x, y in ((0.15, 0.3), (0.15, -0.3), (-0.05, 0), (-0.22, 0.35), (-0.22, -0.35), (0.15, 0.0)):
            f.line([(x, y * h + 0.09), (x - 0.07, y * h), (x, y * h - 0.09)], shade(skin, -0.5), 0.025,
                bend=True, kind="scale", detail=1)
    f.line([(0.44, 0.6 * h), (0.36, 0), (0.44, -0.6 * h)], shade(skin, -0.5), 0.03, bend=True, kind="gill",
        detail=1)
    eye(f, 0.62, 0.18 * h + 0.02, 0.085)
    f.line([(0.84, -0.06), (0.7, -0.12)], "dark", 0.03, kind="mouth", detail=1)


def flamingo(f: Figure) -> None:
    coat, pose = f.color("pink", "pink", "orange", "white"), f.pick("on the ground", "two legs", "one leg")
    y, reach = f.num(0.0, 0.12), f.num(0.5, 0.64)
    leg = shade("pink", -0.2)
    f.line([(-0.12, y - 0.1), (-0.1, -0.5), (-0.16, -0.94), (0.06, -0.96)], leg, 0.06, kind="leg")
    if pose == "one leg":
        f.line([(0.05, y - 0.2), (0.32, -0.42), (-0.1, -0.5)], leg, 0.06, kind="leg")
    else:
        f.line([(0.08, y - 0.1), (0.14, -0.5), (0.08, -0.94), (0.3, -0.96)], leg, 0.06, kind="leg")
    f.blob([(-0.72, y - 0.22), (-0.5, y + 0.05), (-0.1, y + 0.2), (0.24, y + 0.12), (0.34, y - 0.05),
        (0.1, y - 0.28), (-0.3, y - 0.28)], coat)
    wing(f, [(0.14, y + 0.06), (-0.2, y + 0.12), (-0.6, y - 0.16), (-0.2, y - 0.18)], shade(coat, -0.18),
        feathers=3)
    x = reach - 0.1
    f.limb([(0.2, y), (0.46, y + 0.08), (0.5, y + 0.3), (0.3, y + 0.46), (0.26, y + 0.68), (0.4, y + 0.8),
        (x, y + 0.74)], 0.15, 0.1, coat, kind="neck")
    f.oval(x, y + 0.75, 0.13, 0.11, coat, kind="head")
    f.blob([(x + 0.06, y + 0.8), (x + 0.22, y + 0.74), (x + 0.28, y + 0.5), (x + 0.2, y + 0.54),
        (x + 0.1, y + 0.67)], "cream", kind="beak")
    f.blob([(x + 0.2, y + 0.66), (x + 0.27, y + 0.62), (x + 0.28, y + 0.48), (x + 0.2, y + 0.53)], "black",
        kind="beak tip", detail=1)
    dot_eye(f, x + 0.02, y + 0.78, 0.03)


def octopus(f: Figure) -> None:
    skin, n = f.color("purple", "red", "orange", "pink", "teal"), int(f.num(6, 8.9))
    tall, w, mood = f.num(0.6, 0.76), f.num(0.36, 0.48), f.pick("arms", "curly", "straight", "wavy")
    curl = {"curly": 0.3, "straight": 0.0, "wavy": -0.16}[mood]
    for k, t in enumerate(np.linspace(-1, 1, n)):
        out, low, twist = 0.9 * t, -0.92 + 0.5 * t * t, curl * (1 if t > 0 else -1)
        way = [(0.5 * w * t, 0), (0.8 * t, -0.3 + 0.1 * t * t), (out - 0.3 * twist, low + 0.12),
            (out + 0.1 * twist, low), (out + 0.3 * twist, low + abs(curl))]
        f.limb(way, 0.17, 0.08, shade(skin, -0.15 * (k % 2)), kind="arm")
    f.blob([(0, 0.2 + tall), (0.8 * w, 0.1 + 0.8 * tall), (w, 0.35), (0.75 * w, -0.05), (0.4 * w, -0.2),
        (-0.4 * w, -0.2), (-0.75 * w, -0.05), (-w, 0.35), (-0.8 * w, 0.1 + 0.8 * tall)], skin, kind="head",
        round=0.8)
    for side in (-1, 1):
        eye(f, side * 0.17, 0.2, f.num(0.09, 0.13))
    f.line([(-0.1, 0.0), (0, -0.04), (0.1, 0.0)], "dark", 0.03, bend=True, kind="mouth", detail=1)
    for x, y in ((-0.2, 0.6), (0.05, 0.72), (0.22, 0.55)) if f.chance(0.4) else ():
        f.oval(x, y, 0.06, 0.06, shade(skin, 0.4), kind="spot", detail=1)


def owl(f: Figure) -> None:
    build = f.adjective("", "fat", "slim")
    w = {"": 0.5, "fat": 0.62, "slim": 0.4}[build]
    coat, tufts, r = f.color("brown", "grey", "tan", "white"), f.chance(0.7), f.num(0.2, 0.25)
    perch = f.chance(0.5)
    if perch:
        f.limb([(-0.92, -0.86), (0.92, -0.8)], 0.13, 0.1, "brown", kind="branch", texture="grain")
    tip = 0.95 if tufts else 0.72
    f.blob([(0, 0.74), (0.3, 0.76), (0.42, tip), (w, 0.5), (w, -0.2), (0.75 * w, -0.68), (0, -0.82),
        (-0.75 * w, -0.68), (-w, -0.2), (-w, 0.5), (-0.42, tip), (-0.3, 0.76)], coat, texture="speckle")
    f.oval(0, -0.32, 0.62 * w, 0.42, shade(coat, 0.45), kind="belly", detail=1)
    for y in (-0.15, -0.35, -0.55):
        x = np.linspace(-0.4 * w, 0.4 * w, 7)
        f.line(np.column_stack([x, y - 0.06 * (np.arange(7) % 2)]), shade(coat, -0.4), 0.03, kind="feather",
            detail=1)
    spread = f.num(0, 0.24)
    for side in (-1, 1):
        wing(f, [(side * 0.9 * w, 0.12), (side * (w + 0.1 + spread), -0.2), (side * (0.95 * w + spread),
            -0.62), (side * 0.66 * w, -0.3)], shade(coat, -0.3))
        f.oval(side * 0.14, -0.82, 0.11, 0.07, "orange", kind="foot", detail=1)
    for side in (-1, 1):
        f.oval(side * 0.22, 0.38, r + 0.05, r + 0.06, shade(coat, 0.5), kind="eye disc", round=0.2)
        f.oval(side * 0.22, 0.38, r * 0.72, r * 0.76, f.color("yellow", "orange", tell=None), kind="eye",
            round=0.2)
        f.oval(side * 0.22, 0.38, r * 0.36, r * 0.38, "black", kind="pupil", round=0)
    f.poly([(-0.08, 0.3), (0.08, 0.3), (0, 0.1)], "orange", kind="beak", round=0.3)


def penguin(f: Figure) -> None:
    build = f.adjective("", "fat", "slim")
    w = {"": 0.42, "fat": 0.54, "slim": 0.34}[build]
    coat, lift, look = f.color("black", "dark", "blue"), f.num(8, 60), f.choose("front", "side")
    bill = f.color("orange", "yellow", tell=None)
    for side in (-1, 1):
        f.oval(side * 0.2, -0.9, 0.2, 0.08, bill, kind="foot")
        with f.at(side * 0.82 * w, 0.22, turn=side * lift):
            f.oval(0, -0.3, 0.11, 0.36, shade(coat, 0.12), kind="wing")
    f.blob([(0, 0.94), (0.26, 0.84), (0.3, 0.55), (0.8 * w, 0.2), (w, -0.35), (0.7 * w, -0.8), (0, -0.9),
        (-0.7 * w, -0.8), (-w, -0.35), (-0.8 * w, 0.2), (-0.3, 0.55), (-0.26, 0.84)], coat)
    x = 0.1 if look == "side" else 0
    f.blob([(x, 0.36), (0.6 * w + 0.5 * x, 0.1), (0.74 * w + 0.5 * x, -0.4), (0.4 * w, -0.78),
        (-0.4 * w, -0.78), (-0.74 * w + x, -0.4), (-0.6 * w + x, 0.1)], "white", kind="belly", round=0.3)
    if look == "side":
        _beak(f, 0.24, 0.68, 0.32, 0.16, fill=bill, turn=-6)
        eye(f, 0.12, 0.74, 0.07)
    else:
        for side in (-1, 1):
            f.oval(side * 0.12, 0.68, 0.12, 0.15, "white", kind="cheek", round=0.2)
            dot_eye(f, side * 0.11, 0.72, 0.05)
        f.poly([(-0.1, 0.62), (0.1, 0.62), (0, 0.46)], bill, kind="beak", round=0.3)
    if f.chance(0.3):
        f.box(-0.34, 0.34, 0.34, 0.46, f.color("red", "green", "purple", tell="a scarf"), soft=0.05,
            kind="scarf")


def sea_turtle(f: Figure) -> None:
    view = f.choose("above", "side")
    skin, shell = f.color("green", "lime", "teal"), f.color("brown", "green", "tan", "orange", tell="a shell")
    skin = shade(skin, 0.15)
    if view == "above":
        with f.at(turn=f.num(-25, 25)):
            sweep, rx, ry = f.num(-0.1, 0.25), f.num(0.5, 0.6), f.num(0.4, 0.48)
            for side in (-1, 1):
                f.blob([(0.35, side * 0.25), (0.5, side * 0.3), (0.42 - sweep, side * 0.72),
                    (0.1 - sweep, side * 0.92), (0.12, side * 0.5)], skin, kind="flipper")
                f.blob([(-0.4, side * 0.25), (-0.55, side * 0.2), (-0.85, side * 0.48), (-0.55, side * 0.45)],
                    skin, kind="flipper")
            f.poly([(-0.5, 0.06), (-0.76, 0), (-0.5, -0.06)], skin, kind="tail", detail=1)
            f.oval(0.72, 0, 0.22, 0.17, skin, kind="head")
            f.oval(-0.02, 0, rx, ry, shell, kind="shell")
            lines = shade(shell, -0.45)
            a = np.radians(np.arange(0, 360, 60) + 30)
            hexagon = np.column_stack([0.26 * np.cos(a) - 0.02, 0.22 * np.sin(a)])
            f.poly(hexagon, shade(shell, 0.2), kind="plate", round=0.3)
            for b in a:
                f.line([(0.26 * np.cos(b) - 0.02, 0.22 * np.sin(b)), (rx * np.cos(b) - 0.02, ry * np.sin(b))],
                    lines, 0.03, kind="seam", detail=1)
            for side in (-1, 1):
                dot_eye(f, 0.78, side * 0.1, 0.04)
    else:
        h, low = f.num(0.42, 0.58), -0.25
        f.blob([(0.0, -0.2), (0.35, -0.25), (0.35, -0.55), (0.1, -0.92), (0.05, -0.55)], shade(skin, -0.25),
            kind="flipper")
        f.blob([(-0.45, -0.15), (-0.62, -0.25), (-0.95, -0.5), (-0.6, -0.45)], skin, kind="flipper")
        f.limb([(0.4, -0.18), (0.62, -0.06), (0.72, 0.02)], 0.26, 0.2, skin, kind="neck")
        f.blob([(0.6, 0.12), (0.76, 0.2), (0.94, 0.06), (0.88, -0.1), (0.66, -0.12)], skin, kind="head")
        f.blob([(-0.68, low), (-0.5, low + 0.6 * h), (-0.1, low + h), (0.3, low + 0.75 * h), (0.56, low),
            (0.2, low - 0.12), (-0.4, low - 0.12)], shell, kind="shell")
        top, lines = low + 0.6 * h, shade(shell, -0.45)
        f.line([(-0.36, low), (-0.25, top), (0.15, top), (0.28, low)], lines, 0.03, kind="seam")
        f.line([(-0.25, top), (-0.34, low + 0.82 * h)], lines, 0.03, kind="seam", detail=1)
        f.line([(-0.6, low + 0.02), (0.5, low + 0.02)], lines, 0.03, kind="seam", detail=1)
        f.blob([(0.22, -0.2), (0.42, -0.3), (0.3, -0.62), (f.num(-0.2, 0.1), -0.88), (0.02, -0.45)], skin,
            kind="flipper")
        dot_eye(f, 0.78, 0.07, 0.04)


def shark(f: Figure) -> None:
    skin, jaw = f.color("grey", "blue", "dark", "teal", "silver"), f.chance(0.7)
    fin, h, bend = f.num(0.34, 0.52), f.num(0.28, 0.36), f.num(-0.1, 0.1)
    f.poly([(-0.1, 0.6 * h), (-0.2, h + fin), (0.3, 0.7 * h)], skin, kind="back fin", round=0.3)
    f.poly([(-0.66, bend + 0.06), (-0.98, bend + 0.52), (-0.8, bend), (-0.94, bend - 0.36),
        (-0.62, bend - 0.06)], skin, kind="tail fin", round=0.3)
    f.poly([(-0.42, -0.5 * h), (-0.56, -h - 0.12), (-0.28, -0.7 * h)], skin, kind="belly fin", detail=1,
        round=0.3)
    f.blob([(0.96, 0.04), (0.6, 0.8 * h), (0.2, h), (-0.3, 0.65 * h), (-0.78, bend + 0.06),
        (-0.78, bend - 0.06), (-0.3, -0.7 * h), (0.2, -h), (0.6, -0.75 * h)], skin)
    f.blob([(0.86, -0.06), (0.5, -0.12), (0.0, -0.25 * h), (-0.5, -0.25 * h), (-0.2, -0.75 * h),
        (0.2, -0.94 * h), (0.6, -0.66 * h)], shade(skin, 0.7), kind="belly", detail=2, ink=False)
    f.poly([(0.2, -0.4 * h), (-0.14, -h - 0.36), (-0.06, -0.5 * h)], shade(skin, -0.2), kind="side fin",
        round=0.3)
    if jaw:
        f.poly([(0.88, -0.04), (0.44, -0.02), (0.58, -0.85 * h)], "red", kind="mouth", round=0)
        f.poly([(0.44, 0), (0.52, -0.15), (0.6, -0.03), (0.68, -0.15), (0.76, -0.03), (0.82, -0.12),
            (0.88, 0)], "white", kind="teeth", round=0)
    else:
        f.line([(0.86, -0.08), (0.7, -0.15), (0.56, -0.08)], "dark", 0.035, bend=True, kind="mouth")
    for x in (0.12, 0.2, 0.28):
        f.line([(x, 0.07), (x - 0.03, -0.12)], shade(skin, -0.6), 0.028, kind="gill", detail=1)
    dot_eye(f, 0.62, 0.14, 0.045)


def jellyfish(f: Figure) -> None:
    skin, w, h = f.color("pink", "purple", "blue", "white", "orange"), f.num(0.55, 0.75), f.num(0.5, 0.68)
    n, sway, low = int(f.num(4, 6.9)), f.num(0.04, 0.12), f.num(-0.95, -0.7)
    for x in np.linspace(-0.78 * w, 0.78 * w, n):
        y = np.linspace(0.25, low + 0.15 * abs(x), 9)
        f.line(np.column_stack([x + sway * np.sin(np.arange(9) * np.pi / 2), y]), shade(skin, -0.25), 0.05,
            bend=True, kind="tentacle")
    if f.chance(0.5):
        for x in (-0.14, 0.14):
            f.limb([(x, 0.2), (1.4 * x, -0.1), (0.6 * x, -0.35), (1.2 * x, -0.6)], 0.16, 0.05,
                shade(skin, 0.3), kind="arm", detail=1)
    hem = [(w * (1 - 2 * k / 8), 0.2 + (0.0, 0.1)[k % 2]) for k in range(9)]
    f.blob([(-w, 0.3), (-0.82 * w, 0.2 + 0.7 * h), (0, 0.25 + h), (0.82 * w, 0.2 + 0.7 * h), (w, 0.3), *hem],
        skin, kind="bell", round=0.8)
    if f.chance(0.6):
        for x in (-0.35, 0, 0.35):
            f.oval(x * w, 0.2 + 0.55 * h, 0.07, 0.09, shade(skin, -0.4), kind="spot", detail=1)


def parrot(f: Figure) -> None:
    coat, other = (f.color("red", "green", "blue", "yellow"), f.color("blue", "yellow", "green", "orange",
        tell="a wing"))
    lean, tail, fat = f.num(5, 25), f.num(0.3, 0.46), f.num(0.24, 0.32)
    with f.at(0.0, 0.06, turn=-lean):
        for k, x in enumerate((-0.1, 0.02, 0.12)):
            f.limb([(x, -0.3), (1.2 * x - 0.04, -0.5 - tail)], 0.14, 0.07, (coat, other, coat)[k],
                kind="tail")
        f.blob([(-0.1, 0.55), (0.15, 0.55), (fat, 0.1), (fat, -0.2), (0.1, -0.5), (-0.15, -0.5),
            (-fat, -0.15), (-fat, 0.2)], coat)
        wing(f, [(0.02, 0.28), (-0.24, 0.2), (-fat - 0.08, -0.2), (-0.14, -0.66), (0.1, -0.2)], other,
            feathers=3)
        if f.chance(0.4):
            for turn in (95, 120, 145):
                with f.at(-0.04, 0.64, turn=turn):
                    f.blob([(0, 0.05), (0.22, 0.03), (0.28, -0.04), (0, -0.05)], shade(other, 0.1),
                        kind="crest")
        f.oval(0.04, 0.56, 0.26, 0.24, coat, kind="head")
        f.blob([(0.2, 0.68), (0.42, 0.62), (0.46, 0.32), (0.36, 0.4), (0.22, 0.44)], f.color("black", "cream",
            "orange", tell=None), kind="beak")
        f.oval(0.12, 0.58, 0.11, 0.1, "white", kind="cheek", detail=1, round=0.2)
        dot_eye(f, 0.13, 0.6, 0.045)
    f.limb([(-0.7, -0.36), (0.85, -0.3)], 0.12, 0.1, "brown", kind="branch", texture="grain")
    for x in (0.0, 0.16):
        f.oval(x, -0.29, 0.07, 0.09, "grey", kind="foot", detail=1)


def swan(f: Figure) -> None:
    coat, raised, high = f.color("white", "white", "black", "grey"), f.chance(0.4), f.num(0.55, 0.76)
    bow = f.num(0.2, 0.36)
    f.blob([(-0.95, f.num(0.1, 0.3)), (-0.6, 0.02), (-0.1, 0.0), (0.36, 0.0), (0.52, -0.25), (0.3, -0.52),
        (-0.3, -0.55), (-0.7, -0.35)], coat)
    f.limb([(0.3, -0.28), (0.56, -0.05), (0.3 + 0.4 * bow, 0.32), (0.28, high - 0.08), (0.44, high + 0.12),
        (0.6, high)], 0.24, 0.13, coat, kind="neck")
    f.oval(0.58, high, 0.15, 0.12, coat, kind="head")
    _beak(f, 0.68, high - 0.01, 0.27, 0.13, fill="orange", turn=-15)
    f.oval(0.68, high + 0.04, 0.045, 0.05, "black", kind="knob", detail=1)
    if raised:
        f.features.append("raised wings")
        wing(f, [(0.2, -0.15), (0.0, 0.3), (-0.5, 0.58), (-0.75, 0.38), (-0.6, -0.1), (-0.1, -0.35)],
            shade(coat, -0.12), feathers=4)
    else:
        wing(f, [(0.24, -0.12), (-0.2, 0.08), (-0.78, 0.12), (-0.5, -0.25), (-0.05, -0.36)],
            shade(coat, -0.12), feathers=4)
    dot_eye(f, 0.59, high + 0.03, 0.03)
    _waves(f, -0.58, 0.92)


def whale(f: Figure) -> None:
    skin, h, up = f.color("blue", "grey", "dark", "teal"), f.num(0.42, 0.58), f.num(0.3, 0.55)
    spout = f.chance(0.75)
    f.blob([(-0.7, up - 0.1), (-0.95, up + 0.24), (-0.82, up + 0.28), (-0.7, up + 0.12), (-0.55, up + 0.28),
        (-0.42, up + 0.2)], skin, kind="tail fin")
    f.blob([(0.9, -0.15), (0.8, 0.5 * h - 0.1), (0.4, h - 0.12), (0.0, 0.6 * h - 0.1), (-0.4, 0.1),
        (-0.6, up), (-0.74, up - 0.02), (-0.7, 0.0), (-0.4, -0.4), (0.2, -h), (0.75, -0.45)], skin)
    f.blob([(0.88, -0.2), (0.5, -0.2), (0.1, -0.3), (-0.35, -0.38), (0.2, -h + 0.02), (0.72, -0.45)],
        shade(skin, 0.7), kind="belly", detail=1)
    for x in (0.1, 0.3, 0.5):
        f.line([(x, -0.3), (x + 0.05, -0.5)], shade(skin, -0.2), 0.025, kind="groove", detail=2)
    f.blob([(0.25, -0.25), (0.4, -0.35), (0.2, -0.72), (0.02, -0.68)], shade(skin, -0.2), kind="flipper")
    if spout:
        f.features.append("a spout")
        for side in (-1, 1):
            f.line([(0.4, h - 0.1), (0.42 + side * 0.06, h + 0.2), (0.4 + side * 0.24, h + 0.3),
                (0.4 + side * 0.3, h + 0.12)], "sky", 0.06, bend=True, kind="spout")
    dot_eye(f, 0.6, 0.0, 0.05)
    f.line([(0.88, -0.14), (0.7, -0.18), (0.54, -0.1)], "dark", 0.03, bend=True, kind="mouth", detail=1)


BENCHMARK = (duck, fish, flamingo, octopus, owl, penguin, sea_turtle, shark)
PRETRAINING = (jellyfish, parrot, swan, whale)
