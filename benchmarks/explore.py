"""What an answer costs: ``python -m benchmarks.explore``, a minute or two on two cores.

The sketchpad, from the message of a lifted pen to the thumbnails that go to the browser, for four methods
over a gallery of 10,000 photos, and what a thousand queries leave behind in memory. The atlas of 20,000
points: to make it, to answer a lasso and a look, and, where there is a Chromium, to draw it. The runs
browser: the first time two runs are shown, when both are measured, and a query after that.
"""

import base64
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
from sbirkit import explore, paths
from sbirkit.explore import AtlasState, Handmade, RetrievalState, RunsState, Searcher
from sbirkit.models.baselines import Frozen
from sbirkit.models.convnet import ConvNet
from sbirkit.models.handmade import hog, raw_pixels
from sbirkit.runs.standings import collect

PAGE = """<body><style>{css}</style><div id="here"></div><script type="module">{script}
const state = {state};
const unpack = (v) => new DataView(Uint8Array.from(atob(v), (c) => c.charCodeAt(0)).buffer);
const c = state.cloud;
c.sketch = unpack(c.sketch); c.positions = c.positions.map(unpack); c.wrong = c.wrong.map(unpack);
for (const g of Object.values(c.groups)) g.codes = unpack(g.codes);
let shown = state.shown[0], heard = () => {{}};
const model = {{ get: (name) => (name === "cloud" ? c : shown), on: (_, f) => {{ heard = f; }},
  off() {{}}, send() {{}} }};
render({{ model, el: document.getElementById("here") }});
window.again = (i) => {{
  const start = performance.now();
  shown = state.shown[i];
  heard();
  // reading a pixel back waits for the drawing
  for (const one of document.querySelectorAll("canvas")) one.getContext("2d").getImageData(0, 0, 1, 1);
  return performance.now() - start;
}};
</script>"""


FOUND: dict[str, list[int]] = {}  # what was timed: median, 95 % below, longest; in ms


def spread(what: str, taken: list[float]) -> str:
    FOUND[what] = [round(float(ms)) for ms in np.quantile(taken, [0.5, 0.95, 1])]
    return "median {} ms, 95 % below {} ms, longest {} ms".format(*FOUND[what])


ATLAS = "2 x 20,000 points"
PEN_UP = "sketchpad, four methods, 10,000 photos: pen up to thumbnails"


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
    print(
        f"pen up to thumbnails, 4 methods, 10,000 photos: {spread(PEN_UP, taken)}; {len(sent) / 1000:.0f} kB"
    )
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
    print(
        f"lasso to message: {spread(f'atlas, {ATLAS}: lasso to message', lassos)}; "
        f"look to message: {spread(f'atlas, {ATLAS}: look to message', looks)}"
    )
    print(f"message: {len(json.dumps(shown[-1])) / 1000:.0f} kB; positions once: {8 * n / 1000:.0f} kB")
    drawing(cloud, shown[:12])


def drawing(cloud: AtlasState, shown: list[dict[str, Any]]) -> None:
    """Both maps anew after a pick, in a browser without a graphics card."""
    found = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if found is None:
        print("drawn: not measured, there is no Chromium here")
        return
    from playwright.sync_api import sync_playwright

    home = Path(explore.__file__).parent
    script = "".join((home / f"{name}.js").read_text("utf-8") for name in ("common", "atlas"))
    state = {"cloud": cloud.cloud(), "shown": shown}
    page_ = PAGE.format(
        css=(home / "explore.css").read_text("utf-8"),
        script=script.replace("export default { render };", ""),
        state=json.dumps(state, default=lambda b: base64.b64encode(b).decode()).replace("<", "\\u003c"),
    )  # fmt: skip
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.set_content(page_)
        page.wait_for_function("() => !!window.again")
        taken = [page.evaluate("i => window.again(i)", i) for i in range(len(shown))]
        browser.close()
    said = spread(f"atlas, {ATLAS}: both maps drawn anew, without a graphics card", taken[2:])
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
