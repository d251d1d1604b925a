"""What each knob of Doodle World does to each method: ``python -m sbirkit.runs.knob_curves``, some minutes.

The shipped runs of seed 0 answer in small worlds that none of them was trained on. One knob moves, the others
stand where the benchmark has them, and every draw stays the same: at all settings of a knob the same
individuals are photographed from the same side and sketched by the same people. So the points of a curve are
*paired*: how much it changes is known better than where it stands.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sbirkit import paths
from sbirkit.data.doodleworld import VERSION, World, splits
from sbirkit.models.handmade import hog
from sbirkit.retrieval import score
from sbirkit.training import Run
from sbirkit.training.files import read_json, write_json
from sbirkit.training.manifest import PACKAGES, _version, code_digest

from .standings import record_name

Describe = Callable[[NDArray[np.uint8], str], NDArray[np.float32]]
Scores = dict[str, NDArray[np.float64]]
Point = tuple[str, float]

SPLIT, SIZE = "unseen-16", 64
TASKS = {  # what is asked -> the metric, and what counts as right
    "class": ("mAP@all", "any photo of the sketch's class"),
    "object": ("MRR", "the one photo of the very object that was drawn"),
}
TURNED = {
    "gap": (0.0, 0.5, 1.0, 1.5, 2.0),
    "abstraction": (0.0, 0.2, 0.35, 0.7, 1.0),
    "diversity": (0.0, 0.5, 1.0, 1.5, 2.0),
    "clutter": (0.0, 0.5, 1.0, 2.0, 3.0),
}
WORLDS = (1, 2)  # seeds: other individuals and other people than in world 0, which was trained on
SKETCHES, PHOTOS = 12, 20  # of each class, in each world
METHODS = ("hog", "frozen", "softmax", "ramln", "dsn", "masbir", "bdasketret")
DRAWS = 1_000  # of the bootstrap


def measure(
    *, worlds: Sequence[int] = WORLDS, methods: Sequence[str] = METHODS, progress: bool = True
) -> dict[str, Any]:
    """The whole record, as it is written to ``results/knobs.json``."""
    start, describe = time.process_time(), {name: describer(name) for name in methods}
    found: dict[Point, Scores] = {}
    points = [(knob, value) for knob, values in TURNED.items() for value in values]
    base = scores(describe, {}, worlds=worlds)
    for k, (knob, value) in enumerate(points, 1):
        default = value == getattr(World(), knob)
        found[knob, value] = base if default else scores(describe, {knob: value}, worlds=worlds)
        if progress:
            said = ", ".join(f"{name} {values[0].mean():.3f}" for name, values in found[knob, value].items())
            print(f"[{k}/{len(points)}] {knob} {value:g}: {said}", flush=True)
    n = len(splits()[SPLIT])
    return {
        "split": SPLIT, "tasks": {task: list(said) for task, said in TASKS.items()}, "seed": 0,
        "worlds": list(worlds), "queries": len(worlds) * n * SKETCHES, "gallery": n * PHOTOS,
        "interval": f"95 %, percentiles of {DRAWS:,} bootstraps over queries, class by class; classes, "
                    "weights and galleries stay as they are",
        "values": {knob: list(values) for knob, values in TURNED.items()},
        "curves": {task: _curves(found, base, t, methods) for t, task in enumerate(TASKS)},
        "made_with": made_with(methods),
        "versions": {package: _version(package) for package in PACKAGES},
        "cpu_seconds": round(time.process_time() - start),
    }  # fmt: skip


def _curves(found: Mapping[Point, Scores], base: Scores, t: int, methods: Sequence[str]) -> dict[str, Any]:
    """Knob -> method -> points of task ``t``."""
    return {
        knob: {
            name: [point(found[knob, value][name][t], base[name][t]) for value in values] for name in methods
        }
        for knob, values in TURNED.items()
    }


def scores(
    describe: Mapping[str, Describe], position: Mapping[str, float], *, worlds: Sequence[int] = WORLDS
) -> Scores:
    """Method -> ``(tasks, worlds, classes, sketches)``: each query in the gallery of its own world."""
    labels = splits()[SPLIT]
    drawn, taken = ([(label, k) for label in labels for k in range(n)] for n in (SKETCHES, PHOTOS))
    y = {"class": [[label for label, _ in part] for part in (drawn, taken)],
         "object": [[f"{label}/{k}" for label, k in part] for part in (drawn, taken)]}  # fmt: skip
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in describe}
    for seed in worlds:
        world = World(seed=seed, **position)  # type: ignore[arg-type]
        sketches = np.stack([world.sketch(*one, size=SIZE) for one in drawn])
        photos = np.stack([world.photo(*one, SIZE) for one in taken])
        for name, embed in describe.items():
            x = embed(sketches, "sketch"), embed(photos, "photo")
            for task, (metric, _) in TASKS.items():
                result = score(*x, *y[task], metrics=[metric], distance="cosine", workers=1)
                found[name].append(result.per_query(metric).reshape(len(labels), SKETCHES))
    return {
        name: np.stack([values[t :: len(TASKS)] for t in range(len(TASKS))]) for name, values in found.items()
    }


def describer(name: str) -> Describe:
    """What turns pictures into vectors: HOG, or the shipped weights of a method."""
    if name == "hog":
        return lambda pictures, modality: hog(pictures)
    method, known = _run(name).method(), dict[bytes, NDArray[np.float32]]()

    @torch.inference_mode()
    def embed(pictures: NDArray[np.uint8], modality: str) -> NDArray[np.float32]:
        key = hashlib.sha256(pictures.tobytes()).digest()  # clutter leaves sketches as they are
        if key not in known:
            images = torch.from_numpy(pictures)
            images = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)
            parts = [method.embed(some, modality).float().numpy() for some in images.split(64)]
            known[key] = np.concatenate(parts)
        return known[key]

    return embed


def point(values: NDArray[np.float64], base: NDArray[np.float64], *, seed: int = 0) -> dict[str, Any]:
    """Mean and interval, and the same of the change against the default setting, query by query.

    Args:
        values, base: ``(worlds, classes, sketches)``, here and at the default.
    """
    drawn = resampled(values.shape, seed)
    means = values.transpose(1, 0, 2).reshape(-1)[drawn].mean((1, 2))
    shift = (values - base).transpose(1, 0, 2).reshape(-1)[drawn].mean((1, 2))
    return {
        "mean": _short(values.mean()), "interval": [_short(v) for v in np.percentile(means, (2.5, 97.5))],
        "change": _short((values - base).mean()),
        "change_interval": [_short(v) for v in np.percentile(shift, (2.5, 97.5))],
        "by_world": [_short(v) for v in values.mean((1, 2))],
    }  # fmt: skip


def resampled(shape: tuple[int, ...], seed: int) -> NDArray[np.int64]:
    """``(draws, classes, queries)``: for each class as many of its queries as it has, drawn with return."""
    worlds, classes, sketches = shape
    each = worlds * sketches
    drawn = np.random.default_rng(seed).integers(each, size=(DRAWS, classes, each))
    return drawn + each * np.arange(classes)[:, None]


def made_with(methods: Sequence[str] = METHODS) -> dict[str, Any]:
    """What a record stands on: the world, how it was measured, and each method's weights and code."""
    return {
        "world": VERSION,
        "settings": [
            SPLIT,
            [list(said) for said in TASKS.values()],
            SIZE,
            SKETCHES,
            PHOTOS,
            list(WORLDS),
            DRAWS,
        ],
        "methods": {name: {} if name == "hog" else _identity(name) for name in methods},
    }


@cache
def _identity(name: str) -> dict[str, str]:
    run = _run(name)
    weights = hashlib.sha256((run.path / "weights.safetensors").read_bytes()).hexdigest()
    return {"weights": weights[:16], "code": code_digest(type(run.method()))[:16]}


def read(path: Path | None = None) -> dict[str, Any]:
    """The record that came with the repository; empty where there is none."""
    folder = paths.results()
    path = path or (folder / "knobs.json" if folder else Path("knobs.json"))
    return read_json(path) if path.is_file() else {}


def stale(record: Mapping[str, Any]) -> list[str]:
    """What has changed since the curves were measured; nothing where they are current."""
    then, now = record["made_with"], made_with([*record["made_with"]["methods"]])
    changed = [name for name in ("world", "settings") if then[name] != now[name]]
    return changed + [name for name, said in then["methods"].items() if said != now["methods"][name]]


def at(record: Mapping[str, Any], task: str, knob: str, name: str, value: float) -> dict[str, Any]:
    """A curve read anywhere: between two measured points, where ``measured`` is false, on the straight line.

    >>> ends = [{"mean": m, "interval": [m, m], "change": 0, "change_interval": [0, 0]} for m in (0.5, 0.4)]
    >>> record = {"values": {"gap": [0, 1]}, "curves": {"class": {"gap": {"ours": ends}}}}
    >>> [at(record, "class", "gap", "ours", 0.5)[key] for key in ("mean", "measured")]
    [0.45, False]
    """
    places, points = record["values"][knob], record["curves"][task][knob][name]

    def line(heights: Sequence[float]) -> float:
        return _short(np.interp(value, places, heights))

    found: dict[str, Any] = {key: line([p[key] for p in points]) for key in ("mean", "change")}
    for key in ("interval", "change_interval"):
        found[key] = [line([p[key][end] for p in points]) for end in (0, 1)]
    return found | {"measured": any(abs(value - place) < 1e-9 for place in places)}


@cache
def _run(name: str) -> Run:
    folder = paths.results()
    if folder is None:
        raise ValueError("there are no shipped runs beside the package: run this from a checkout")
    return Run.open(folder / record_name(name, SPLIT, 0))


def _short(value: float) -> float:
    return round(float(value), 4)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the curves and write them."""
    parser = argparse.ArgumentParser(prog="python -m sbirkit.runs.knob_curves", description=main.__doc__)
    parser.add_argument(
        "--check", action="store_true", help="measure nothing; exit 1 and say what has changed"
    )
    parser.add_argument("--out", type=Path, help="default: results/knobs.json of the checkout")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)  # the number of threads moves the last digits
    if args.check:
        changed = stale(read(args.out)) if read(args.out) else ["never measured"]
        print(f"Changed since: {', '.join(changed)}." if changed else "The curves are current.")
        return bool(changed)
    out = args.out or (paths.results() or paths.home()) / "knobs.json"
    write_json(out, measure())
    print(f"The curves: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
