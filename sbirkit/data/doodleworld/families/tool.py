"""Things held in the hand to work with."""

from ..colors import shade
from ..grammar import Figure

KINGDOM = "artefact"

# fmt: off


def axe(f: Figure) -> None:
    with f.at(turn=f.num(-25, 25)):
        wood = f.color("brown", "tan", tell="a handle")
        bow = f.num(-0.1, 0.1)
        f.limb([(0.05, 0.75), (bow, 0), (0, -0.95)], 0.13, 0.17, wood, kind="handle", texture="grain")
        steel, reach, edge = f.color("silver", "grey", "red"), f.num(0.5, 0.75), f.num(0.3, 0.5)
        head = [(0.14, 0.75), (0.14, 0.4), (-0.1, 0.38), (-reach, 0.55 - edge), (-reach - 0.1, 0.55),
            (-reach, 0.55 + edge)]
        f.blob([*head, (-0.1, 0.75)], steel, kind="blade", round=0.3)
        if f.pick("blade", "a single", "a double") == "a double":
            f.blob([(-x, y) for x, y in [*head, (-0.1, 0.75)]], steel, kind="blade", round=0.3)
        f.line([(-reach, 0.55 - edge * 0.8), (-reach, 0.55 + edge * 0.8)], "white", 0.03, kind="edge",
            detail=2)


def hammer(f: Figure) -> None:
    with f.at(turn=f.num(-30, 30)):
        grip, steel = f.color("brown", "red", "blue", "yellow", tell="a handle"), f.color("silver", "dark")
        f.limb([(0, 0.6), (0, -0.3), (0, -0.95)], 0.14, f.num(0.15, 0.24), grip, kind="handle", bend=False)
        f.box(-0.08, -0.95, 0.08, -0.4, shade(grip, -0.3), soft=0.05, kind="grip", detail=2)
        w, h = f.num(0.35, 0.5), f.num(0.12, 0.17)
        if f.pick("head", "a clawed", "a double") == "a clawed":
            f.blob([(-0.1, 0.6 - h), (-0.1, 0.6 + h), (-0.55, 0.62), (-0.9, 0.3), (-0.55, 0.44)], steel,
                kind="claw", round=0.4)
            f.box(-0.15, 0.6 - h, w, 0.6 + h, steel, kind="head")
        else:
            f.box(-w, 0.6 - h, w, 0.6 + h, steel, kind="head")
            f.box(-w - 0.1, 0.55 - h, -w, 0.65 + h, steel, kind="head")
        f.box(w, 0.54 - h, w + 0.14, 0.66 + h, steel, kind="head", soft=0.03)


def key(f: Figure) -> None:
    with f.at(turn=f.num(50, 110) if f.choose("flat", "up") == "up" else f.num(-20, 20)):
        metal, r = f.color("gold", "silver", "brown"), f.num(0.28, 0.4)
        shape = f.pick("bow", "a round", "a heart-shaped", "a square")
        f.box(-0.3, -0.07, 0.9, 0.07, metal, kind="shaft")
        teeth = 2 if f.num(0, 1) < 0.5 else 3
        depth = f.num(0.2, 0.32)
        for k in range(teeth):
            f.box(0.84 - k * 0.2, -0.07 - depth * (1 if k % 2 == 0 else 0.7), 0.73 - k * 0.2, -0.05, metal,
                kind="tooth")
        if shape == "a round":
            f.oval(-0.55, 0, r, r, metal, kind="bow", round=0.4)
        elif shape == "a square":
            f.box(-0.55 - r, -r, -0.55 + r, r, metal, soft=0.08, kind="bow")
        else:
            f.blob([(-0.3, 0), (-0.5, r), (-0.85, r), (-0.75, 0), (-0.85, -r), (-0.5, -r)], metal,
                kind="bow", round=0.4)
        f.oval(-0.58, 0, r * 0.5, r * 0.5, "white", kind="hole", round=0)


def saw(f: Figure) -> None:
    with f.at(turn=f.num(-22, 22)):
        steel, tall, slim = f.color("silver", "grey", tell=None), f.num(0.26, 0.36), f.num(0.04, 0.14)
        n = 9
        teeth = [(0.45 - 1.4 * (k + j / 2) / n, -tall - (0.11 if j else 0)) for k in range(n) for j in (0,
            1)]
        f.poly([(0.45, tall * 0.6), *teeth, (-0.95, -tall), (-0.95, -tall + 2 * slim)], steel, kind="blade",
            round=0.2)
        grip = f.color("brown", "red", "orange", "blue", tell="a handle")
        f.blob([(0.35, 0.3), (0.7, 0.38), (0.98, 0.2), (0.95, -0.3), (0.7, -0.5), (0.4, -0.38)], grip,
            kind="handle")
        f.oval(0.68, -0.05, 0.11, f.num(0.16, 0.24), "white", kind="hole", round=0, turn=10)


BENCHMARK = ()
PRETRAINING = (axe, hammer, key, saw)
