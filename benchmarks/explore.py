"""What a stroke costs: ``python -m benchmarks.explore``, about half a minute on two cores.

From the message of a lifted pen to the thumbnails that go to the browser, for four methods over a gallery of
10,000 photos; and what a thousand queries leave behind in memory.
"""

import gc
import json
import time

import numpy as np

import sbirkit
from benchmarks._measure import _kilobytes, machine
from sbirkit.explore import Handmade, RetrievalState, Searcher
from sbirkit.models.baselines import Frozen
from sbirkit.models.convnet import ConvNet
from sbirkit.models.handmade import hog, raw_pixels


def main() -> None:
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
    taken, memory = [], []
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
    middle, high, most = np.quantile(taken, [0.5, 0.95, 1])
    spread = f"median {middle:.0f} ms, 95 % below {high:.0f} ms, longest {most:.0f} ms"
    print(f"pen up to thumbnails, 4 methods, 10,000 photos: {spread}; {len(sent) / 1000:.0f} kB")
    print("resident memory after 100, 200 ... 1,000 queries, MB:", *(f"{m:.0f}" for m in memory))
    print(machine())


if __name__ == "__main__":
    main()
