"""How hard is Doodle World? ``python -m benchmarks.world`` measures it and writes what the card reports.

Chance, raw pixels, a HOG-like descriptor, and a small convnet trained from scratch for about a minute on
two cores, on the unseen classes of both splits. The record (``sbirkit/data/doodleworld/measured.json``) also
freezes the world: its splits, outlines and pictures. ``--check`` measures nothing and only says whether they
still agree.
"""

import argparse
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sbirkit.data.augment import Augment
from sbirkit.data.benchmark import Benchmark
from sbirkit.data.doodleworld import World, frozen, inhabitants, splits
from sbirkit.data.loading import Batch, Loader
from sbirkit.data.sampling import Items, PxK
from sbirkit.models.convnet import ConvNet
from sbirkit.models.handmade import hog, raw_pixels
from sbirkit.retrieval import score

RECORD = Path(frozen.__file__).with_name("measured.json")
METRICS = ("mAP@all", "P@100")
STEPS, LEARNING_RATE, TEMPERATURE = 1200, 2e-3, 0.1
AUGMENT = Augment(
    flip=0.5,
    shift=0.06,
    rotate=8,
    scale=0.1,
    grayscale=0.4,
    brightness=0.4,
    contrast=0.4,
    saturation=0.4,
    hue=0.1,
)


def measure(embed_sketch: np.ndarray, embed_photo: np.ndarray, bench: Benchmark) -> dict[str, float]:
    """The unseen classes' sketches against their photos; embeddings are of all sketches, all photos."""
    world = bench.catalogue
    query, gallery = bench.queries("unseen"), bench.gallery_rows("unseen")
    label = world.column("label")
    sketches, photos = embed_sketch[world.position[query]], embed_photo[world.position[gallery]]
    result = score(sketches, photos, label[query], label[gallery], metrics=METRICS)
    return {name: round(float(result[name]), 4) for name in METRICS}


def step_loss(net: ConvNet, classify: nn.Linear, batch: Batch) -> torch.Tensor:
    """Cross-entropy over the seen classes, and supervised contrast with the other modality."""
    images = torch.cat([batch.sketch.expand(-1, 3, -1, -1), batch.photo])
    embedding, y = net(images, "photo"), torch.cat([batch.y_sketch, batch.y_photo])
    sketch, photo = F.normalize(embedding, dim=1).split([len(batch.sketch), len(batch.photo)])
    similar = sketch @ photo.T / TEMPERATURE
    same = (batch.y_sketch[:, None] == batch.y_photo[None]).float()
    directions = ((similar, same), (similar.T, same.T))
    contrast = [-(s.log_softmax(1) * m).sum(1).div(m.sum(1)).mean() for s, m in directions]
    return F.cross_entropy(classify(embedding), y) + 0.5 * (contrast[0] + contrast[1])


def train_convnet(bench: Benchmark, seed: int) -> ConvNet:
    """1,200 steps of 32 sketches and 32 photos at 64 px. Settings chosen on selection classes."""
    torch.manual_seed(seed)
    net, classify = ConvNet(width=16, dim=128), nn.Linear(128, len(bench.train_classes))
    parameters = [*net.parameters(), *classify.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=STEPS)
    sampler = PxK(Items.of(bench), seed=seed, p=8, k=4)
    loader = Loader(bench, sampler, size=64, augment=AUGMENT)
    done = 0
    for epoch in range(10**6):
        for batch in loader.epoch(epoch):
            optimiser.zero_grad()
            step_loss(net, classify, batch).backward()
            optimiser.step()
            schedule.step()
            if (done := done + 1) == STEPS:
                return net.eval()
    raise AssertionError("unreachable")


@torch.inference_mode()
def embed(net: ConvNet, images: np.ndarray) -> np.ndarray:
    """``(N, H, W[, 3])`` uint8 to ``(N, D)``."""
    tensor = torch.from_numpy(np.array(images))
    tensor = tensor[:, None] if tensor.ndim == 3 else tensor.permute(0, 3, 1, 2)
    return torch.cat([net(part, "photo") for part in tensor.split(256)]).numpy()


def baselines(bench: Benchmark, seeds: int) -> dict[str, dict]:
    """Every rung of the ladder on one split."""
    sketches, photos = (bench.catalogue.pixels(m, 64) for m in ("sketch", "photo"))
    rng = np.random.default_rng(0)
    table: dict[str, dict] = {
        "chance": measure(rng.normal(size=(len(sketches), 64)), rng.normal(size=(len(photos), 64)), bench),
        "raw pixels": measure(raw_pixels(sketches), raw_pixels(photos), bench),
        "hog": measure(hog(sketches), hog(photos), bench),
    }
    runs, start = [], time.perf_counter()
    for seed in range(seeds):
        net = train_convnet(bench, seed)
        runs.append(measure(embed(net, sketches), embed(net, photos), bench))
        print(f"  convnet, seed {seed}: {runs[-1]}", flush=True)
    seconds = (time.perf_counter() - start) / seeds
    table["convnet"] = {m: round(float(np.mean([r[m] for r in runs])), 4) for m in METRICS}
    table["convnet"] |= {"runs": runs, "steps": STEPS, "seconds a run": round(seconds)}
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare the world with the record")
    parser.add_argument(
        "--seeds", type=int, default=3, help="training runs of the convnet a split (default 3)"
    )
    args = parser.parse_args()

    world = World()
    record = {
        "identity": world.identity,
        "splits": {name: list(unseen) for name, unseen in splits().items()},
        "outlines": {label: frozen.outline_digest(label) for label in sorted(inhabitants())},
        "pictures": frozen.picture_digest(),
        "platform": frozen.here(),
    }
    if args.check:
        known = json.loads(RECORD.read_text(encoding="utf-8"))
        differs = [key for key, value in record.items() if known[key] != value]
        print(f"differs from the record: {', '.join(differs)}" if differs else "as recorded")
        return bool(differs)

    catalogue = world.prepare()
    record["digest"] = catalogue.digest
    record["baselines"] = {}
    for split in splits():
        bench = catalogue.benchmark(split=split, setting="zs")
        print(bench, flush=True)
        record["baselines"][split] = baselines(bench, args.seeds)
    record["made"] = {
        "command": "python -m benchmarks.world",
        "metric": "micro mean over unseen sketches against deduplicated unseen photos, cosine, ties expected",
        "versions": {name: version(name) for name in ("sbirkit", "torch", "numpy", "matplotlib")},
        "threads": torch.get_num_threads(),
    }
    temporary = RECORD.with_suffix(".tmp")
    temporary.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(temporary, RECORD)
    print(json.dumps(record["baselines"], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
