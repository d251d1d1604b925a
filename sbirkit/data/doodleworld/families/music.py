"""Things that sound."""

from ..colors import shade
from ..grammar import Figure

KINGDOM = "artefact"

# fmt: off


def bell(f: Figure) -> None:
    metal, w, tall = f.color("gold", "silver", "brown"), f.num(0.55, 0.75), f.num(0.5, 0.75)
    f.oval(0, -0.62, 0.14, 0.16, shade(metal, -0.3), kind="clapper", round=0.9)
    f.line([(-0.12, tall), (-0.1, tall + 0.2), (0.1, tall + 0.2), (0.12, tall)], metal, 0.06, kind="loop",
        bend=True)
    f.blob([(-w, -0.6), (-w * 0.75, -0.35), (-w * 0.6, tall * 0.5), (-0.2, tall), (0.2, tall),
        (w * 0.6, tall * 0.5), (w * 0.75, -0.35), (w, -0.6)], metal, kind="body", round=0.8)
    f.line([(-w * 0.75, -0.38), (0, -0.46), (w * 0.75, -0.38)], shade(metal, -0.5), 0.03, kind="band",
        bend=True, detail=1)
    if f.pick("bow", "a red", "no") == "a red":
        for side in (-1, 1):
            f.blob([(0, tall), (side * 0.35, tall + 0.2), (side * 0.38, tall - 0.12)], "red", kind="ribbon",
                detail=1)


def drum(f: Figure) -> None:
    shell, w, h = f.color("red", "blue", "green", "brown"), f.num(0.6, 0.8), f.num(0.3, 0.5)
    f.box(-w, -h - 0.1, w, h - 0.1, shell, kind="shell", round=0.7)
    f.oval(0, -h - 0.1, w, 0.18, shell, kind="shell", ink=False)
    zigzag = [(-w + 2 * w * k / 6, h - 0.15 if k % 2 else -h - 0.12) for k in range(7)]
    f.line(zigzag, f.color("gold", "white", "yellow", tell="cords"), 0.04, kind="cord", detail=1)
    f.line([(-w, -h - 0.1), (-w * 0.5, -h - 0.26), (w * 0.5, -h - 0.26), (w, -h - 0.1)], "gold", 0.05,
        bend=True, kind="rim")
    f.oval(0, h - 0.1, w, f.num(0.16, 0.24), "cream", kind="skin", round=0.1)
    if f.pick("drumsticks", "two", "no") == "two":
        for side in (-1, 1):
            f.limb([(side * 0.15, h), (side * f.num(0.7, 0.9), h + f.num(0.35, 0.5))], 0.06, 0.08, "tan",
                kind="stick")
            f.oval(side * 0.14, h - 0.01, 0.07, 0.07, "tan", kind="stick tip", detail=1)


def guitar(f: Figure) -> None:
    wood, w = f.color("orange", "brown", "red", "black", "tan"), f.num(0.38, 0.5)
    with f.at(turn=f.num(-35, 35), size=0.95):
        f.box(-0.07, 0.1, 0.07, 0.8, "dark", kind="neck")
        f.poly([(-0.12, 0.78), (0.12, 0.78), (0.15, 1.0), (-0.15, 1.0)], shade(wood, -0.3), kind="head")
        waist = w * f.num(0.55, 0.75)
        if f.adjective("acoustic", "electric") == "acoustic":
            f.blob([(0, 0.28), (-w * 0.75, 0.15), (-waist, -0.18), (-w, -0.6), (0, -0.95), (w, -0.6),
                (waist, -0.18), (w * 0.75, 0.15)], wood, kind="body", texture="grain")
            f.oval(0, -0.18, 0.16, 0.16, "black", kind="sound hole", round=0)
        else:
            f.blob([(0, 0.1), (-w * 0.7, 0.4), (-waist, -0.1), (-w, -0.6), (0, -0.9), (w, -0.6),
                (waist, -0.1), (w * 0.8, 0.35)], wood, kind="body")
            f.box(-0.14, -0.3, 0.14, -0.15, "white", kind="pickup", detail=1)
        f.box(-0.18, -0.66, 0.18, -0.58, "dark", kind="bridge", detail=1)
        for x in (-0.03, 0.03):
            f.line([(x, -0.6), (x, 0.8)], "white", 0.015, kind="string", detail=2)


BENCHMARK = ()
PRETRAINING = (bell, drum, guitar)
