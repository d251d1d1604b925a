"""The pictures of the explorers, light and dark: ``python -m docs.explorers [name ...]`` takes them again.

Each state is brought to a telling moment in plain Python and shown by its own view in a headless Chromium.
"""

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

import sbirkit
from sbirkit import paths
from sbirkit.data.doodleworld import family
from sbirkit.explore import (
    AtlasState,
    Handmade,
    KnobsState,
    PlaygroundState,
    RetrievalState,
    RunsState,
    Searcher,
)
from sbirkit.explore.alone import page
from sbirkit.explore.state import State
from sbirkit.models.handmade import hog
from sbirkit.runs.arms import obtain
from sbirkit.runs.standings import collect

HERE = Path(__file__).resolve().parent
BENCH = sbirkit.data.load("doodleworld").benchmark("unseen-16", setting="gzs")
WHEEL = 2 * np.pi * np.arange(13) / 12
CAR = (
    [(0.1, 0.6), (0.2, 0.55), (0.25, 0.4), (0.4, 0.38), (0.48, 0.25), (0.68, 0.25), (0.78, 0.4), (0.9, 0.45),
     (0.9, 0.6), (0.1, 0.6)],
    *([(x + 0.085 * np.cos(t), 0.62 + 0.085 * np.sin(t)) for t in WHEEL] for x in (0.3, 0.72)),
)  # fmt: skip


def sketchpad() -> State:
    searchers = [Searcher.of("HOG", Handmade(hog), BENCH)]
    for title, name in (("frozen", "frozen"), ("RAMLN", "ramln"), ("DSN", "dsn")):
        searchers.append(Searcher.of(title, obtain(name, BENCH, progress=False).method(), BENCH))
    pad = RetrievalState(searchers, wanted="car")
    for stroke in CAR:
        pad.draw(stroke)
    pad.explain("HOG")
    pad.take_apart()
    return pad


def playground() -> State:
    play = PlaygroundState()
    play.tell("what the quadruplet fixes")
    return play


def atlas() -> State:
    draw, families = np.random.default_rng(0), {name: family(name) for name in BENCH.unseen_classes}
    rows = np.sort(
        [*draw.choice(BENCH.queries(), 300, False), *draw.choice(BENCH.gallery_rows(), 300, False)]
    )
    methods = {
        t: obtain(n, BENCH, progress=False).method() for t, n in (("frozen", "frozen"), ("RAMLN", "ramln"))
    }
    shown = AtlasState.of(methods, BENCH.catalogue, rows, families=families)
    shown.colour_by("family")
    shown.circle(1, *np.median(shown.points(1), axis=0), 0.06)
    shown.look(int(np.flatnonzero(shown.picked & shown.is_sketch)[0]))
    return shown


def knobs() -> State:
    turned = KnobsState("penguin")
    turned.turn("gap", 2)
    return turned


def runs() -> State:
    known = [run for several in collect(paths.results())["unseen-16"].values() for run in several]
    browser = RunsState(known, BENCH, first="softmax_unseen-16_s0", second="ramln_unseen-16_s0")
    browser.ask(browser.shown()["lost"][0]["query"])
    return browser


EXPLORERS: dict[str, tuple[Callable[[], State], int]] = {  # and how wide
    "sketchpad": (sketchpad, 1220), "playground": (playground, 1120), "atlas": (atlas, 1020),
    "knobs": (knobs, 1120), "runs": (runs, 1120),
}  # fmt: skip


def main(names: list[str]) -> None:
    with sync_playwright() as play:
        found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for name in names or EXPLORERS:
            make, width = EXPLORERS[name]
            html = page(make())
            for theme in ("light", "dark"):
                view = browser.new_page(viewport={"width": width, "height": 400}, color_scheme=theme)
                view.set_content(html)
                view.wait_for_timeout(1500)
                shot = Image.open(io.BytesIO(view.locator("#here").screenshot()))
                target = HERE / f"explore-{name}{'-dark' if theme == 'dark' else ''}.png"
                shot.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(target, optimize=True)
                print(target.name, shot.size, target.stat().st_size, flush=True)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
