"""Experiments made once the ledger had answered, to find reasons: ``python -m sbirkit.claims.asking``.

They were not written down before and have no verdict. What they give is kept in ``results/claims``, and
:mod:`.afterwards` shows it. They take the runs of the ledger, which are made again where they are not there.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sbirkit.training.files import read_json, write_json

from .measures import Looks, linear_probe, modality_probe, readable_information
from .measures.pictures import read
from .reading import Ledger, read_ledger

if TYPE_CHECKING:
    from sbirkit.data import Benchmark
    from sbirkit.training import Run

SEEDS = (0, 1, 2)
EQUAL = {"dsn": (9_600, 28_800), "dsn-views": (3_200, 9_600), "dsn-no-contrast": (3_200, 9_600)}
BATCHES = (  # p, k, pictures of a run: small batches for few, some and many steps; then large ones
    (16, 2, 4_800), (16, 2, 9_600), (16, 2, 76_800), (16, 8, 9_600), (16, 8, 38_400), (32, 16, 76_800),
)  # fmt: skip
Rows = Iterator[dict[str, Any]]


def trained(ledger: Ledger, bench: "Benchmark", name: str, seed: int, **train: Any) -> "Run":
    """An arm of the ledger at home, as the laptop profile has it, with some of its training changed."""
    from sbirkit.runs.arms import obtain

    arm = ledger.arms[name]
    given = dict(ledger.train["laptop"]) | {"seed": seed} | dict(arm.train) | train
    return obtain(arm.method, bench, seed=seed, train=given, progress=False, **dict(arm.options))


def retrieved(run: "Run", bench: "Benchmark") -> dict[str, Any]:
    """How long a run was, and its mAP@all on unseen classes."""
    from sbirkit.training.evaluation import evaluate

    if not run.number("zs"):
        evaluate(run, bench, ["zs"])
    return {"steps": run.params["train"]["steps"], "mAP@all": run.number("zs")["mAP@all"]}


def steps(ledger: Ledger, bench: "Benchmark") -> Rows:
    """DSN with as many optimiser steps as its controls: views of a picture cost pictures, not steps."""
    for name, budgets in EQUAL.items():
        for images in budgets:
            for seed in SEEDS:
                run = trained(ledger, bench, name, seed, images=images)
                yield {"arm": name, "seed": seed, "images": images} | retrieved(run, bench)


def batches(ledger: Ledger, bench: "Benchmark") -> Rows:
    """RAMLN's second negative in small batches and in large ones, at the laptop's rate and precision.

    On a GPU pictures, batch, rate and precision changed together; here the first two change one by one.
    """
    for p, k, images in BATCHES:
        for name in ("ramln", "ramln-inter"):
            for seed in SEEDS:
                run = trained(ledger, bench, name, seed, p=p, k=k, images=images)
                said = {"arm": name, "seed": seed, "batch": 2 * p * k, "images": images}
                yield said | retrieved(run, bench)


def vectors(ledger: Ledger, bench: "Benchmark") -> Rows:
    """Where MA-SBIR's modality vectors point, and how readable the modality is once others are taken."""
    from sbirkit.losses.modality import PHOTO, SKETCH

    for name in ("masbir", "masbir-no-discriminator"):
        for seed in SEEDS:
            method: Any = trained(ledger, bench, name, seed).method()
            seen = Looks(method, bench, each=25).seen
            z, sketch = np.asarray(seen.vectors, float), seen.is_sketch
            rows = method.table.weight.detach().numpy().astype(float)
            gap, learned = z[sketch].mean(0) - z[~sketch].mean(0), rows[SKETCH] - rows[PHOTO]
            any_one = np.random.default_rng(seed).standard_normal(len(gap))
            any_one *= np.linalg.norm(gap) / np.linalg.norm(any_one)
            main = np.linalg.svd(z - z.mean(0), full_matrices=False)[2][:16]
            taken = {"nothing": 0 * gap, "learned": learned, "gap": gap, "random": any_one}
            yield {
                "arm": name, "seed": seed, "gap": float(np.linalg.norm(gap)),
                "learned": float(np.linalg.norm(learned)),
                "cosine": float(gap @ learned / np.linalg.norm(gap) / np.linalg.norm(learned)),
                "within": float(np.linalg.norm(main @ learned) ** 2 / (learned @ learned)),
                "probe": {
                    what: modality_probe(
                        z - np.where(sketch[:, None], v, -v) / 2, seen.labels, sketch, groups=seen.instance
                    )
                    for what, v in taken.items()
                },
            }  # fmt: skip


def codes(ledger: Ledger, bench: "Benchmark") -> Rows:
    """What is read of BDA-SketRet's means, which retrieval compares, and of the codes that are drawn."""
    import torch

    for name in ("bda-open", "bda-symmetric-2", "bda-symmetric-1"):
        for seed in SEEDS:
            method: Any = trained(ledger, bench, name, seed).method()
            looks = Looks(method, bench, each=25)

            def both(m: Any, images: Any, modality: str) -> Any:
                return torch.cat([*m.stream(m.backbone(images, modality))], dim=1)

            mean, log_sigma = np.split(read(method, both, bench, looks.rows, size=looks.pixels), 2, axis=1)
            noise = np.random.default_rng(seed).standard_normal(mean.shape)
            kinds: Mapping[str, NDArray[Any]] = {"means": mean, "drawn": mean + np.exp(log_sigma) * noise}
            yield {
                "arm": name, "seed": seed, "deviation": float(np.exp(log_sigma).mean()),
                "spread": float(mean.std(0).mean()),
            } | {
                f"{kind} {what}": float(
                    readable_information(
                        linear_probe(z, asked, groups=looks.seen.instance, within=looks.seen.labels), asked
                    )
                )
                for kind, z in kinds.items()
                for what, asked in (("modality", looks.seen.is_sketch), ("class", looks.seen.labels))
            }  # fmt: skip


QUESTIONS = {"batches": batches, "steps": steps, "vectors": vectors, "codes": codes}


def kept(folder: Path | None = None) -> dict[str, list[dict[str, Any]]]:
    """What was found, by question; empty where nothing was asked."""
    from sbirkit import paths

    home = folder or paths.results()
    path = home / "claims" / "afterwards.json" if home else None
    return read_json(path) if path and path.is_file() else {}


def main(names: Sequence[str] = ()) -> int:
    """Ask all questions, or those named, and keep what they give beside what is there."""
    import torch

    from sbirkit import paths
    from sbirkit.data import load

    torch.set_num_threads(1)
    folder = paths.results()
    if folder is None:
        raise SystemExit("asking: there is no folder of results; run it from a checkout of the repository")
    ledger, bench = read_ledger(), load("doodleworld").benchmark("unseen-16", setting="gzs")
    for name in names or QUESTIONS:
        if name not in QUESTIONS:
            raise SystemExit(f"asking: want some of {', '.join(QUESTIONS)}, got {name!r}")
        rows = []
        for row in QUESTIONS[name](ledger, bench):
            print(name, row, flush=True)
            rows.append(row)
        write_json(folder / "claims" / "afterwards.json", kept() | {name: rows})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
