"""Things from the kitchen, ready to eat."""

from ..colors import shade
from ..grammar import Figure

KINGDOM = "food"

# fmt: off


def hamburger(f: Figure) -> None:
    bun, w = shade("tan", f.num(-0.15, 0.1)), f.num(0.75, 0.9)
    thick, tall = f.num(0.16, 0.26), f.num(0.45, 0.65)
    f.box(-w, -0.7, w, -0.38, bun, soft=0.16, kind="bun", round=0.6)
    layers = 2 if f.adjective("", "double") else 1
    y = -0.4
    for _ in range(layers):
        f.box(-w - 0.02, y, w + 0.02, y + thick, "brown", soft=0.1, kind="patty", texture="speckle")
        y += thick
    if f.chance(0.6):
        f.poly([(-w, y + 0.08), (w, y + 0.08), (w * 0.7, y), (w * 0.45, y - 0.14), (w * 0.2, y),
            (-w * 0.9, y)], "yellow", kind="cheese", detail=1)
    waves = [(-w - 0.05 + (2 * w + 0.1) * k / 8, y + (0.0 if k % 2 else 0.12)) for k in range(9)]
    f.blob([*waves, (w, y + 0.16), (-w, y + 0.16)], "lime", kind="lettuce", round=0.2)
    f.blob([(-w, y + 0.12), (-w * 0.85, y + tall * 0.7), (0, y + tall), (w * 0.85, y + tall * 0.7),
        (w, y + 0.12)], bun, kind="bun", round=0.9)
    if f.pick("bun", "a seeded", "a plain") == "a seeded":
        for x, dy in ((-0.4, 0.55), (0, 0.75), (0.4, 0.55), (-0.15, 0.5), (0.2, 0.45)):
            f.oval(x * w, y + tall * dy + 0.03, 0.05, 0.03, "cream", kind="seed", detail=1, round=0)


def ice_cream(f: Figure) -> None:
    w, depth = f.num(0.32, 0.42), f.num(0.8, 0.98)
    f.poly([(-w, 0), (w, 0), (0, -depth)], "tan", kind="cone", texture="mesh")
    flavours = [f.color("pink", "brown", "cream", "lime", tell=None if k else "") for k in range(3)]
    scoops = {"one": 1, "two": 2, "three": 3}[f.pick("scoops", "two", "one", "three")]
    r = {1: 0.42, 2: 0.36, 3: 0.3}[scoops]
    places = {1: [(0.0, 0.22)], 2: [(0.0, 0.15), (0.0, 0.62)], 3: [(-0.24, 0.15), (0.24, 0.15), (0.0,
        0.52)]}
    spots = places[scoops]
    for ((x, y), flavour) in zip(spots, flavours, strict=False):
        f.oval(x, y, r * 1.05, r, flavour, kind="scoop", round=0.9)
    if f.chance(0.5):
        f.oval(0.02, spots[-1][1] + r + 0.06, 0.09, 0.09, "red", kind="cherry", detail=1)


BENCHMARK = ()
PRETRAINING = (hamburger, ice_cream)
