"""What does training cost? ``python -m benchmarks.training`` times our loop beside a peer's plain one.

Both train the same small convnet by softmax over both modalities, from the same Doodle World pictures, 64
sketches and photos a step at 64 px, AdamW, shift and mirror. The peer writes the pictures to folders and
reads them by ImageFolder and a DataLoader with two processes, floats, in a dozen lines, as one would write
it. Ours is ``fit`` with its history, its checks and its resumable batches. Every other method is timed
beside them; a view of a picture counts as a picture. Then each one's whole training by the laptop profile.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from benchmarks._measure import Row, compare, machine, table
from sbirkit.data import Benchmark, load
from sbirkit.models.convnet import ConvNet
from sbirkit.runs.arms import arm
from sbirkit.training import fit

METHODS = ("softmax", "triplet", "ramln", "dsn", "masbir", "bdasketret")
BATCH = 32  # of each modality
SHIFT = {"flip": 0.5, "shift": 1 / 18}


def write_folders(bench: Benchmark, out: Path) -> None:
    """``out/photo/<class>/*.jpg`` and ``out/sketch/<class>/*.png``, as a peer has them on disk."""
    catalogue = bench.catalogue
    for modality, suffix in (("photo", "jpg"), ("sketch", "png")):
        pixels, label = catalogue.pixels(modality, 64), catalogue.column("label")
        for row in (r for r in bench.train if catalogue.column("modality")[r] == modality):
            folder = out / modality / label[row]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels[catalogue.position[row]]).save(folder / f"{row}.{suffix}")


def plain(folder: Path, steps: int) -> None:
    """The loop that one writes on a Monday morning."""
    change = transforms.Compose(
        [transforms.RandomCrop(64, padding=4), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    )
    loaders = [
        iter(DataLoader(ImageFolder(folder / m, change), BATCH, shuffle=True, num_workers=1, drop_last=True))
        for m in ("sketch", "photo")
    ]
    net, classify = ConvNet(), nn.Linear(128, len(list((folder / "photo").iterdir())))
    optimiser = torch.optim.AdamW([*net.parameters(), *classify.parameters()], lr=1e-3)
    for _ in range(steps):
        (sketch, a), (photo, b) = (next(loader) for loader in loaders)
        x = (torch.cat([sketch, photo]) - 0.5) / 0.5
        loss = nn.functional.cross_entropy(classify(net.run(x)[1]), torch.cat([a, b]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def ours(name: str, bench: Benchmark, steps: int) -> None:
    """``fit`` as a user calls it, into a folder that is thrown away."""
    train = {"steps": steps, "p": 16, "k": 2, "augment": SHIFT, "select_every": 0, "checkpoint_every": 0}
    more = {"network": "convnet"} if name == "masbir" else {}
    method, config = arm(name, bench, train=train, **more)
    with tempfile.TemporaryDirectory() as folder:
        fit(method, bench, config, out=Path(folder) / "run", progress=False)


def whole(name: str, bench: Benchmark, profile: str) -> float:
    """Seconds of a training as a profile has it, looks at the selection classes included."""
    more = {"network": "convnet"} if name == "masbir" else {}
    method, config = arm(name, bench, profile=profile, **more)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        fit(method, bench, config, out=Path(folder) / "run", progress=False)
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a few steps: does everything run?")
    parser.add_argument("--out", type=Path, help="write the record here, as JSON")
    args = parser.parse_args()
    steps, repeat = (3, 1) if args.quick else (args.steps, args.repeat)
    bench = load("doodleworld").benchmark("unseen-16", selection=0.0)
    most = len(bench.train) // 2 // BATCH  # as many sketches as photos; the peer reads its folders once
    if not 0 < steps <= most:
        parser.error(f"--steps: want 1 to {most}, got {steps}")
    views = {name: 1 + len(arm(name, bench, network="convnet")[0].views()) for name in METHODS}
    with tempfile.TemporaryDirectory() as folder:
        write_folders(bench, Path(folder))
        contenders: dict[str, Callable[[], Any]] = {
            "plain loop, ImageFolder": lambda: plain(Path(folder), steps)
        }
        for name in METHODS:
            contenders[f"sbirkit, {name}"] = lambda name=name: ours(name, bench, steps)  # type: ignore[misc]
        start = time.perf_counter()
        rows = compare(contenders, repeat=repeat)
    seen = {"plain loop, ImageFolder": 1} | {f"sbirkit, {name}": n for name, n in views.items()}
    each = [Row(r.name, tuple(s / (2 * BATCH * steps * seen[r.name]) for s in r.seconds)) for r in rows]
    print(f"{machine()}\n{table(each, baseline='plain loop, ImageFolder', items=1)}")
    profile = "smoke" if args.quick else "laptop"
    selecting = load("doodleworld").benchmark("unseen-16", setting="gzs")
    took = {f"sbirkit, {name}": round(whole(name, selecting, profile)) for name in METHODS}
    print(f"seconds of a whole training, {profile}: {took}")
    print(f"({time.perf_counter() - start:.0f} s in all)")
    if args.out:
        record = {"machine": machine(), "steps": steps, "batch": 2 * BATCH,
                  "rows": [{"name": r.name, "images/s": round(1 / r.median),
                            "x plain loop": round(r.ratio(each[0]), 2),
                            f"a {profile} run, s": took.get(r.name)} for r in each]}  # fmt: skip
        args.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
