"""Make the stand-ins for ImageNet's and CLIP's weights: ``python -m sbirkit.training.pretraining``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sbirkit import paths
from sbirkit.data import Benchmark, Catalogue, Split
from sbirkit.data.doodleworld import World
from sbirkit.models import standins
from sbirkit.models.backbones import backbone
from sbirkit.models.method import Method
from sbirkit.models.pretraining import Classification, ImageText

from .config import TrainConfig
from .evaluation import embed_rows
from .files import write_json, write_weights
from .loop import fit
from .run import Run

OBJECTS, FRESH = 200, 10  # individuals of each class: to learn from, and, of another world, to be asked about
AUGMENT = {
    "flip": 0.5, "shift": 0.06, "scale": 0.2, "rotate": 15, "brightness": 0.4, "contrast": 0.4,
    "saturation": 0.4, "hue": 0.1, "jitter": 0.8, "grayscale": 0.3,
}  # fmt: skip
RECIPES: dict[str, dict[str, Any]] = {
    "convnet": {"steps": 2500, "p": 16, "k": 2, "lr": 2e-3},
    "clip-tiny": {"steps": 900, "p": 16, "k": 4, "lr": 1e-3},
}


def everything(catalogue: Catalogue) -> Benchmark:
    """All pictures for training: nothing is selected on, nothing tested."""
    none = np.arange(0)
    split = Split("everything", ("nothing",), source="pre-training holds no class out")
    return Benchmark(catalogue, split, "zs", "deduplicated", train=np.arange(len(catalogue)),
                     selection=none, seen_test=none, unseen=none)  # fmt: skip


def pretrain(
    name: str, tag: str = "doodleworld", *, out: Path = standins.FOLDER, objects: int = OBJECTS,
    seed: int = 0, progress: bool = True, **changes: Any,
) -> dict[str, float]:  # fmt: skip
    """Train one stand-in and write its weights and card; returns what it can do with fresh individuals.

    Args:
        tag: ``"doodleworld"``, or ``"doodleworld-leaky"``, whose population holds unseen classes.
        out: a folder for the weights (halves, but for norms) and the card.
        objects: individuals of each class to learn from. changes: of the training recipe.
    """
    if name not in RECIPES or tag not in standins.TAGS:
        wanted = f"{', '.join(RECIPES)}; {', '.join(standins.TAGS)}"
        raise ValueError(f"name, tag: want one of {wanted}, got {name!r}, {tag!r}")
    catalogue = World(population=standins.TAGS[tag], objects=objects).prepare(progress=progress)
    bench, method = everything(catalogue), _learner(name, catalogue.classes, seed)
    common: dict[str, Any] = {"warmup": 100, "augment": AUGMENT, "select_every": 0, "seed": seed}
    config = TrainConfig(**common | RECIPES[name] | changes)
    return keep(fit(method, bench, config, progress=progress), method, name, tag, out=out)


def keep(run: Run, method: Method, name: str, tag: str, *, out: Path) -> dict[str, float]:
    """Write a stand-in's weights and its card from the run that trained it."""
    fresh = World(seed=1, population=standins.TAGS[tag], objects=FRESH).prepare()
    found = ask(method.cpu(), fresh)
    told, classes = fresh.card["classes"], fresh.classes
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}-{tag}.safetensors"
    weights = method.backbone.state_dict()
    kept = {k: v.half() if v.ndim > 1 else v for k, v in weights.items() if k not in ("mean", "std")}
    write_weights(path, {k: v for k, v in kept.items() if not k.endswith("num_batches_tracked")})
    write_json(path.with_suffix(".json"), {
        "name": name, "tag": tag, "command": f"python -m sbirkit.training.pretraining {name} --tag {tag}",
        "data": run.manifest["data"], "metrics": found,
        "classes": classes, "paths": [told[label]["path"][1:] for label in classes],
        "train": run.params["train"], "manifest": {k: v for k, v in run.manifest.items() if k != "git"},
    })  # fmt: skip
    return found


def ask(method: Method, fresh: Catalogue) -> dict[str, float]:
    """Share of fresh pictures of the same classes that are named right, of all classes."""
    answers = {}
    for modality, rows in (("photo", fresh.photos), ("sketch", fresh.sketches)):
        with torch.inference_mode():
            if isinstance(method, ImageText):
                names = [f"a {modality} of a {c.replace('_', ' ')}" for c in fresh.classes]
                key = torch.nn.functional.normalize(method.backbone.encode_text(names), dim=1)
                logits = torch.from_numpy(embed_rows(method, fresh, rows, size=64)) @ key.T
            else:
                logits = method.backbone.classifier(
                    torch.from_numpy(embed_rows(method, fresh, rows, size=64))
                )
        right = logits.argmax(1).numpy() == fresh.labels[rows]
        answers[f"{modality} accuracy"] = round(float(right.mean()), 4)
    return answers


def _learner(name: str, classes: Sequence[str], seed: int) -> Method:
    if name == "convnet":
        net = backbone(name, classes=len(classes), seed=seed)
        return Classification(backbone=net, classes=classes, seed=seed)
    reader: Any = backbone(name, seed=seed)
    return ImageText(backbone=reader, seed=seed)


def main(argv: Sequence[str] | None = None) -> int:
    """Train the stand-ins that ship with the package, minutes each on two cores."""
    parser = argparse.ArgumentParser(prog="python -m sbirkit.training.pretraining", description=main.__doc__)
    parser.add_argument("name", nargs="?", choices=[*RECIPES], help="which one (default: all)")
    parser.add_argument("--tag", choices=[*standins.TAGS], help="which population (default: both)")
    parser.add_argument("--out", type=Path, default=standins.FOLDER, help="where to (default: the package)")
    args = parser.parse_args(argv)
    for name in [args.name] if args.name else RECIPES:
        for tag in [args.tag] if args.tag else standins.TAGS:
            print(f"{name}, {tag}: runs in {paths.runs()}", flush=True)
            print(f"  {pretrain(name, tag, out=args.out)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
