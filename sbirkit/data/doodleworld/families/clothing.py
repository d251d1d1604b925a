"""Things to wear."""

from ..colors import shade
from ..grammar import Figure

KINGDOM = "artefact"

# fmt: off


def eyeglasses(f: Figure) -> None:
    rim, lens = f.color("black", "brown", "red", "gold"), f.choose("glass", "dark", "sky")
    shape, r, thick = f.pick("lenses", "round", "square"), f.num(0.3, 0.4), f.num(0.05, 0.09)
    f.line([(-0.15, 0.05), (0, 0.13), (0.15, 0.05)], rim, thick, bend=True, kind="bridge")
    for side in (-1, 1):
        f.line([(side * 0.85, 0.15), (side * 0.97, 0.2), (side * 0.99, f.num(-0.1, 0.1))], rim, thick,
            kind="arm")
        x = side * 0.5
        if shape == "round":
            f.oval(x, 0, r + thick, r + thick, rim, kind="rim", round=0)
            f.oval(x, 0, r - 0.02, r - 0.02, lens, kind="lens", round=0.3)
        else:
            f.box(x - r - thick, -r * 0.8, x + r + thick, r * 0.8, rim, soft=0.12, kind="rim")
            f.box(x - r + 0.02, -r * 0.8 + thick, x + r - 0.02, r * 0.8 - thick, lens, soft=0.09,
                kind="lens")


def hat(f: Figure) -> None:
    felt, band = (f.color("black", "brown", "red", "tan", "grey"),
        f.color("red", "white", "blue", "gold", tell="a band"))
    w, tall, style = f.num(0.4, 0.5), f.num(0.5, 0.9), f.adjective("tall", "floppy", "pointed")
    if style == "tall":
        f.box(-w, -0.3, w, 0.25 + tall * 0.6, felt, kind="crown", round=0.5)
    elif style == "pointed":
        f.poly([(-w, -0.3), (w, -0.3), (f.num(-0.15, 0.15), 0.9)], felt, kind="crown", round=0.5)
    else:
        f.blob([(-w, -0.3), (-w * 0.9, 0.2), (-0.15, 0.5), (0, 0.4), (0.2, 0.52), (w * 0.9, 0.2),
            (w, -0.3)], felt, kind="crown")
    f.box(-w, -0.3, w, -0.12, band, kind="band", detail=1)
    f.oval(0, -0.34, f.num(0.8, 0.95), f.num(0.13, 0.2), felt, kind="brim", round=0.5)


def shoe(f: Figure) -> None:
    leather, sole = (f.color("brown", "red", "blue", "black", "white"),
        f.color("white", "dark", "tan", tell="a sole"))
    top, heel = f.num(0.15, 0.55), f.chance(0.4)
    f.blob([(-0.85, -0.35), (-0.82, top), (-0.6, top + 0.12), (-0.25, top + 0.02), (0.1, 0.02), (0.6, -0.1),
        (0.92, -0.3), (0.85, -0.42), (0, -0.42)], leather, kind="upper")
    f.oval(-0.53, top + 0.06, 0.29, 0.08, shade(leather, -0.6), kind="opening", detail=1, round=0)
    f.box(-0.88, -0.52, 0.93, -0.38, sole, soft=0.06, kind="sole")
    if heel:
        f.box(-0.88, -0.7, -0.45, -0.5, sole, kind="heel")
    if f.pick("laces", "white", "no") == "white":
        for k in range(3):
            x, y = -0.2 + 0.17 * k, top * 0.6 + 0.05 - 0.1 * k
            f.line([(x - 0.1, y - 0.08), (x + 0.08, y + 0.07)], "white", 0.04, kind="lace", detail=1)


def t_shirt(f: Figure) -> None:
    cloth = f.color("blue", "red", "white", "yellow", "green", "pink")
    w, sleeve, length = f.num(0.42, 0.55), f.num(0.3, 0.5), f.num(0.7, 0.9)
    pattern = f.adjective("", "striped", "")
    f.poly([(-0.2, 0.7), (-w - 0.05, 0.6), (-w - sleeve, 0.1), (-w - sleeve + 0.25, -0.06), (-w, 0.2),
        (-w, -length), (w, -length), (w, 0.2), (w + sleeve - 0.25, -0.06), (w + sleeve, 0.1),
        (w + 0.05, 0.6), (0.2, 0.7), (0, 0.55)], cloth, kind="shirt", round=0.3,
        texture="stripes" if pattern else None)
    f.line([(-0.2, 0.7), (0, 0.53), (0.2, 0.7)], shade(cloth, -0.4), 0.03, kind="collar", bend=True,
        detail=1)
    if f.chance(0.4):
        f.box(0.1, 0.0, w - 0.08, 0.25, shade(cloth, -0.2), kind="pocket", detail=2)


BENCHMARK = ()
PRETRAINING = (eyeglasses, hat, shoe, t_shirt)
