"""What an answer costs: ``python -m benchmarks.explore``, a minute or two on two cores.

The sketchpad, from the message of a lifted pen to the thumbnails that go to the browser, for four methods
over a gallery of 10,000 photos, and what a thousand queries leave behind in memory. The atlas of 20,000
points: to make it, to answer a lasso and a look, and, where there is a Chromium, to draw it. The runs
browser: the first time two runs are shown, when both are measured, and a query after that.
"""

import gc
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import sbirkit
from benchmarks._measure import _kilobytes, machine
from sbirkit import paths
from sbirkit.explore import AtlasState, Handmade, RetrievalState, RunsState, Searcher
from sbirkit.explore.alone import page
from sbirkit.models.baselines import Frozen
from sbirkit.models.convnet import ConvNet
from sbirkit.models.handmade import hog, raw_pixels
from sbirkit.runs.standings import collect

AGAIN = """(i) => {
  const start = performance.now();
  window.show(i);
  // reading a pixel back waits for the drawing
  for (const one of document.querySelectorAll("canvas")) one.getContext("2d").getImageData(0, 0, 1, 1);
  return performance.now() - start;
}"""
ATLAS = "atlas of 2 x 20,000 points"
FOUND: dict[str, list[int]] = {}  # what was timed: median, 95 % below, longest; in ms


def spread(what: str, taken: list[float]) -> str:
    FOUND[what] = [round(float(ms)) for ms in np.quantile(taken, [0.5, 0.95, 1])]
    return "median {} ms, 95 % below {} ms, longest {} ms".format(*FOUND[what])


def timed(do: Callable[[], Any]) -> float:
    start = time.perf_counter()
    do()
    return 1000 * (time.perf_counter() - start)


def sketchpad() -> None:
    world = sbirkit.data.load("doodleworld")
    photos = {"unseen": np.resize(world.photos, 10_000)}
    sketches = {"unseen": world.sketches}
    methods = {
        "HOG": Handmade(hog),
        "raw pixels": Handmade(raw_pixels),
        "convnet": Frozen(backbone=ConvNet()),
        "wide convnet": Frozen(backbone=ConvNet(width=32, dim=256)),
    }
    searchers = [Searcher(n, m, world, photos=photos, sketches=sketches) for n, m in methods.items()]
    pad = RetrievalState(searchers, k=6, wanted="owl")
    pad.draw([[0.1, 0.1], [0.9, 0.9]])  # embeds the galleries
    rng = np.random.default_rng(0)
    taken, memory, sent = [], [], ""
    for i in range(1_000):
        points = rng.random((30, 2)).cumsum(0) % 1
        start = time.perf_counter()
        pad.receive({"do": "draw", "points": points.tolist(), "width": 0.024})
        sent = json.dumps(pad.shown())
        taken.append(1000 * (time.perf_counter() - start))
        if i % 8 == 7:
            pad.clear()
        if i % 100 == 99:
            gc.collect()
            memory.append(_kilobytes("VmRSS") / 1024)
    said = spread("sketchpad, 4 methods, 10,000 photos: stroke to thumbnails, in the kernel", taken)
    print(f"a stroke's message to that of the thumbnails: {said}; {len(sent) / 1000:.0f} kB")
    print("resident memory after 100, 200 ... 1,000 queries, MB:", *(f"{m:.0f}" for m in memory))


def atlas(n: int = 20_000, dim: int = 128) -> None:
    world, rng = sbirkit.data.load("doodleworld"), np.random.default_rng(0)
    rows = np.resize(np.concatenate([world.photos, world.sketches]), n)
    vectors = [rng.normal(size=(n, dim)).astype(np.float32) for _ in range(2)]
    made: list[AtlasState] = []
    seconds = timed(lambda: made.append(AtlasState([*zip("ab", vectors, strict=True)], world, rows))) / 1000
    cloud, shown = made[0], [made[0].shown()]
    lassos, looks = [], []
    for i in range(50):
        around = 0.5 + (0.1 + 0.2 * rng.random((40, 1))) * np.stack(
            [np.cos(t := np.arange(40) / 6.4), np.sin(t)], 1
        )
        lasso = {"do": "lasso", "panel": i % 2, "points": around.tolist()}
        lassos.append(timed(lambda asked=lasso: (cloud.receive(asked), json.dumps(cloud.shown()))))
        shown.append(cloud.shown())
        looks.append(
            timed(lambda k=i: (cloud.receive({"do": "look", "number": k}), json.dumps(cloud.shown())))
        )
    print(f"atlas of 2 x {n:,} points of {dim} numbers, made in {seconds:.1f} s")
    print("lasso to message:", spread(f"{ATLAS}: lasso to message", lassos))
    print("look to message:", spread(f"{ATLAS}: look to message", looks))
    print(f"message: {len(json.dumps(shown[-1])) / 1000:.0f} kB; positions once: {8 * n / 1000:.0f} kB")
    drawing(cloud, shown[:12])


def drawing(cloud: AtlasState, shown: list[dict[str, Any]]) -> None:
    """Both maps anew after a pick, in a browser without a graphics card."""
    found = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if found is None:
        print("drawn: not measured, there is no Chromium here")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1200, "height": 1000})
        view.set_content(page(cloud, shown))
        view.wait_for_function("() => !!window.show")
        taken = [view.evaluate(AGAIN, i) for i in range(len(shown))]
        browser.close()
    said = spread(f"{ATLAS}: both maps drawn anew, without a graphics card", taken[2:])
    print(f"both maps drawn anew after a pick: {said}")


def runs() -> None:
    bench = sbirkit.data.load("doodleworld").benchmark("unseen-16", setting="gzs")
    known = [run for several in collect(paths.results())["unseen-16"].values() for run in several]
    names = ("softmax_unseen-16_s0", "ramln_unseen-16_s0")
    browser = RunsState(known, bench, first=names[0], second=names[1])
    first = timed(browser.shown) / 1000
    asks = [
        timed(lambda q=q: (browser.receive({"do": "ask", "query": q}), json.dumps(browser.shown())))
        for q in range(50)
    ]
    said = spread("runs browser: a query to its strips", asks)
    print(f"runs browser, {len(bench.queries()):,} queries over {len(bench.gallery_rows()):,} photos: "
          f"first shown after {first:.1f} s; a query to its strips: {said}; "
          f"{len(json.dumps(browser.shown())) / 1000:.0f} kB")  # fmt: skip


def main() -> None:
    sketchpad()
    atlas()
    runs()
    print(machine())
    kept = Path(__file__).parent / "results" / "explore.json"
    kept.write_text(json.dumps({"ms": FOUND, "machine": machine()}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
