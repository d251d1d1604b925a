"""Every method on the same footing: ``python -m sbirkit.runs.standings`` trains, measures and tabulates.

Each row is trained from the same stand-in weights, with the same batches and augmentation, on as many
pictures as the others of its network; unseen classes are looked at once, by the final evaluation. What is
there already is not made again. The records of the runs, and the weights of the first seed on the first
split, go to ``results/``; the table is made from these records alone.
"""

import argparse
import math
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from sbirkit import paths
from sbirkit.training import Run, evaluate
from sbirkit.training.config import read_profile
from sbirkit.training.files import read_weights, write_json, write_weights

from .arms import obtain
from .rows import COLUMNS, HALVED, ROWS, record_name

T95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}


def measure(
    label: str, split: str, seed: int, profile: str, out: Path, *, keep_weights: bool, world_seed: int = 0
) -> str:
    """One run, from training to its record in ``out``; returns what it came to."""
    import torch

    from sbirkit.data import load
    from sbirkit.data.doodleworld import World

    torch.set_num_threads(1)  # runs side by side; and the number of threads moves the last digits
    name, options = ROWS[label]
    world = World(seed=world_seed).prepare(progress=False) if world_seed else load("doodleworld")
    bench = world.benchmark(split, setting="gzs")
    run = obtain(
        name, bench, profile=profile, seed=seed, train=pictures(label, profile), progress=False, **options
    )
    if not run.number("zs"):
        evaluate(run, bench)
        if name == "masbir":
            evaluate(run, bench, ["zs"], verb="embed_converted")
    ship(run, out / record_name(label, split, seed), weights=keep_weights)
    found, seconds = run.number("zs")["mAP@all"], run.manifest["seconds"]
    return f"{label} {split} seed {seed}: mAP@all {found:.3f} ({seconds:.0f} s)"


def pictures(label: str, profile: str) -> dict[str, int]:
    """What a row changes of a profile's training.

    >>> pictures("clip-softmax", "laptop"), pictures("softmax", "laptop")
    ({'images': 19200}, {})
    """
    return {"images": read_profile(profile)["train"]["images"] // 2} if label in HALVED else {}


def ship(run: Run, folder: Path, *, weights: bool) -> None:
    """Copy a run's record; with ``weights`` also its best, matrices as halves, and a thinned history."""
    if run.path == folder.resolve():
        return
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in ("params.json", "metrics.json", "manifest.json"):
        shutil.copy2(run.path / name, draft / name)
    if weights:
        whole = read_weights(run.path / "weights.safetensors")
        small = {k: v.half() if v.is_floating_point() and v.ndim > 1 else v for k, v in whole.items()}
        write_weights(draft / "weights.safetensors", small)
        lines = run.history
        write_json(
            draft / "history.json", [x for k, x in enumerate(lines) if k % 10 == 0 or "selection" in x]
        )
    shutil.rmtree(folder, ignore_errors=True)
    draft.replace(folder)


def collect(folder: Path) -> dict[str, dict[str, list[Run]]]:
    """``{split: {label: runs by seed}}`` of the records in a folder."""
    found: dict[str, dict[str, list[Run]]] = {}
    for path in sorted(folder.glob("*_*_s*/metrics.json")):
        label, split, _ = path.parent.name.rsplit("_", 2)
        found.setdefault(split, {}).setdefault(label, []).append(Run.open(path.parent))
    return found


def interval(values: Sequence[float]) -> tuple[float, float]:
    r"""Mean and half the 95 % interval, :math:`t_{n-1} \, s / \sqrt n`; NaN for one value alone.

    >>> [round(x, 3) for x in interval([0.1, 0.2, 0.3])]
    [0.2, 0.248]
    """
    n = len(values)
    half = T95.get(n, 1.96) * float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return float(np.mean(values)), half


def table(
    runs: Mapping[str, Sequence[Run]], columns: Iterable[tuple[str, str, str]] = COLUMNS
) -> list[list[str]]:
    """A row for each label of :data:`ROWS` that has runs: mean, half-interval, number of seeds."""
    columns = tuple(columns)
    rows = [["method", *(heading for heading, *_ in columns), "seeds", "seconds"]]
    for label in (label for label in ROWS if label in runs):
        cells = [label]
        for _, setting, metric in columns:
            values = [run.number(setting).get(metric) for run in runs[label]]
            known = [v for v in values if v is not None]
            mean, half = interval(known) if known else (math.nan, math.nan)
            cells.append(
                "" if math.isnan(mean) else f"{mean:.3f}" + ("" if math.isnan(half) else f" ± {half:.3f}")
            )
        seconds = np.mean([run.manifest["seconds"] for run in runs[label]])
        rows.append([*cells, str(len(runs[label])), f"{seconds:.0f}"])
    return rows


def page(folder: Path) -> str:
    """The standings as Markdown, made from the records in a folder."""
    from sbirkit.retrieval.result import markdown

    how = (
        "Made by `python -m sbirkit.runs.standings` from the records beside this file: mean ± half the "
        "95 % interval over seeds (Student's t). A seed changes first weights, batches and noise."
    )
    said = ["# Standings", "", how]
    for split, runs in collect(folder).items():
        every = [run for those in runs.values() for run in those]
        pictures = max(run.manifest["images"] for run in every)
        where = sorted({run.manifest["device"] for run in every})
        what = (
            f"{every[0].manifest['data']['name']}, up to {pictures:,} pictures a run, on {', '.join(where)}"
        )
        said += ["", f"## {split}", "", markdown(table(runs), every[0].manifest["benchmark"]["says"]), what]
    return "\n".join(said) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Train and measure what is missing, then write the table."""
    parser = argparse.ArgumentParser(prog="python -m sbirkit.runs.standings", description=main.__doc__)
    parser.add_argument("--rows", default=",".join(ROWS), help="labels, with commas (default: all)")
    parser.add_argument("--splits", default="unseen-16,unseen-families")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--world-seed", type=int, default=0, help="1: confirm on a fresh world")
    parser.add_argument("--workers", type=int, default=2, help="runs side by side, a thread each")
    parser.add_argument("--out", type=Path, help="default: results/ of the checkout, or results/world1")
    parser.add_argument("--table", action="store_true", help="only write the table")
    args = parser.parse_args(argv)
    home = paths.results() or paths.home() / "results"
    out = args.out or (home / f"world{args.world_seed}" if args.world_seed else home)
    labels, splits = args.rows.split(","), args.splits.split(",")
    if unknown := [label for label in labels if label not in ROWS]:
        parser.error(f"--rows: there is no {', '.join(unknown)}; there are {', '.join(ROWS)}")
    jobs = [(label, split, seed) for split in splits for seed in range(args.seeds) for label in labels]
    failed = 0
    if not args.table:
        print(
            f"{len(jobs)} runs, about {len(jobs) * 1.2 / args.workers:.0f} minutes if none is there",
            flush=True,
        )
        with ProcessPoolExecutor(args.workers, mp_context=get_context("spawn")) as pool:
            how = {"world_seed": args.world_seed}
            shown = (splits[0], 0) if not args.world_seed else None  # whose weights come with the repository
            waiting = [pool.submit(measure, *job, args.profile, out, **how, keep_weights=job[1:] == shown)
                       for job in jobs]  # fmt: skip
            for k, done in enumerate(as_completed(waiting), 1):
                try:
                    print(f"[{k}/{len(jobs)}] {done.result()}", flush=True)
                except Exception as error:  # the others still get their turn
                    failed += 1
                    print(f"[{k}/{len(jobs)}] FAILED: {error}", flush=True)
    (out / "README.md").write_text(page(out), encoding="utf-8")
    print(f"The table: {out / 'README.md'}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
