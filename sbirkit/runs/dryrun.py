"""Every stage of the `paper` profiles on tiny stand-ins: ``python -m sbirkit.runs.dryrun``.

For each data set archives of the published layout are made, with a few pictures of each class. The real
adapter prepares them, the paper's split parts them, the paper's network (without downloaded weights) takes a
few steps with the paper's options, the unseen classes are measured by its evaluator's formulas, and a report
says what the real thing would cost and which printed numbers it would stand beside. Only counts are small.
Numbers of a dry run mean nothing.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sbirkit import paths
from sbirkit.data import Catalogue, Split
from sbirkit.models.method import Method
from sbirkit.models.text import TextTable
from sbirkit.retrieval import Protocol, as_reported
from sbirkit.retrieval.selection import select
from sbirkit.training import TrainConfig, embed_rows, fit
from sbirkit.training.files import write_json, write_weights
from sbirkit.training.loop import RESIDENT

from .arms import arm
from .papers import DATA, SYSTEMS, Plan, disk, hours, measured_on, place
from .standin_archives import build

if TYPE_CHECKING:
    from sbirkit.data import Benchmark

OTHERS = 14  # seen classes beside the unseen ones
SUSTAINED = 50e12  # operations a second: assumed where no GPU was measured


def classes_of(data: str, methods: Sequence[str], others: int = OTHERS) -> list[str]:
    """All unseen classes of the methods' splits, and some that are seen in every one."""
    splits = [Split.named(Plan.of(name, data).value("split")) for name in methods]
    unseen = {name for split in splits for name in split.unseen}
    seen = [name for name in splits[0].classes or () if name not in unseen]
    return sorted(unseen | set(seen[:others]))


def prepare(data: str, methods: Sequence[str], folder: Path, *, size: int, others: int = OTHERS) -> Catalogue:
    """The published layout in small, through the adapter that the real archives go through."""
    given = build(data, classes_of(data, methods, others), folder / f"{data}-archives")
    out = folder / f"{data}-{size}"
    shutil.rmtree(out, ignore_errors=True)
    words = [word for path in given for word in ("--from", str(path))]
    root = Path(paths.__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "data_prep", data, *words, "--out", str(out), "--size", str(size),
         "--downloads", str(folder / "downloads"), "--workers", "1", "--quiet"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"data_prep {data} ended with {done.returncode}: {done.stderr[-2000:]}")
    return Catalogue.open(out)


def benchmark(plan: Plan, catalogue: Catalogue) -> "Benchmark":
    """The paper's split and gallery."""
    return catalogue.benchmark(plan.value("split"), gallery=plan.value("gallery"))


def network_file(name: str, folder: Path) -> Path:
    """Random weights in the layout in which the real ones are published, its 1,000 classes among them."""
    path = folder / f"{name}-random.safetensors"
    if not path.is_file():
        import timm

        folder.mkdir(parents=True, exist_ok=True)
        write_weights(path, timm.create_model(name, pretrained=False).state_dict())
    return path


def words(bench: "Benchmark", folder: Path) -> TextTable:
    """Random vectors for the class names, by way of the file that real ones come in."""
    names = sorted(bench.train_classes)
    path = folder / f"vectors-{len(names)}.npz"
    vectors = np.random.default_rng(0).normal(size=(len(names), 300)).astype(np.float32)
    np.savez(path, names=np.array(names), vectors=vectors)
    return TextTable.read(path)


def paper_arm(plan: Plan, bench: "Benchmark", folder: Path, **train: Any) -> tuple[Method, TrainConfig]:
    """The paper's network, options and training; a network with a teacher gets weights from a file."""
    name = plan.value("network")
    weights = network_file(name, folder) if plan.method == "dsn" else None
    table = words(bench, folder) if plan.method == "bdasketret" else None
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "DSN|BDASketRet")  # a term that is off by mistake
        return arm(plan.method, bench, profile="paper", train=plan.changes() | train, network=name,
                   weights=weights, table=table)  # fmt: skip


def measure(plan: Plan, method: Method, bench: "Benchmark", *, size: int) -> dict[str, float]:
    """The unseen classes by the formulas of the paper's evaluator."""
    rows = select(bench, Protocol.of(bench))
    q, g = (embed_rows(method, bench.catalogue, part, size=size) for part in (rows.query, rows.gallery))
    (row,) = as_reported(
        q, g, rows.y_query, rows.y_gallery, presets=[plan.value("preset")], distance=None
    ).rows
    return {k: v for k, v in row.items() if isinstance(v, float)}


def operations(method: Method, size: int) -> float:
    """Of one picture's forward pass, as torch counts them."""
    from torch.utils.flop_counter import FlopCounterMode

    method.eval()
    blank = torch.zeros(1, 3, size, size, dtype=torch.uint8, device=next(method.parameters()).device)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        method.embed(blank, "photo")
    return float(counter.get_total_flops())


def cost(plan: Plan, method: Method, *, size: int, record: Mapping[str, Any]) -> dict[str, Any]:
    """Expected hours on a GPU and GB on disk, and how far that can be trusted."""
    found: dict[str, Any] = {"pictures": plan.pictures, "embedded": plan.embedded, "GB": disk(plan, method),
                             "pixels lie on the GPU": plan.bytes < RESIDENT}  # fmt: skip
    stage = record.get("stages", {}).get(f"paper-{plan.method}", {})
    if "measured" in stage and "failed" not in stage["measured"]:
        name = record["machine"]["gpu"]["name"]
        took = hours(plan, stage["measured"], resident=RESIDENT)
        return found | {"GPU hours": took, "basis": f"measured on {name} (gpu-check)"}
    own = hasattr(method.backbone, "size")  # CLIP looks at pictures at a size of its own
    flops = operations(method, size) * (1 if own else (plan.config().size / size) ** 2)
    rate, where = sustained(record)
    rough = (3 * plan.pictures + plan.embedded) * flops / rate / 3600
    said = (
        f"NOT measured: {flops / 1e9:.1f} billion operations a picture, three times that to train, at "
        f"{where} {rate / 1e12:.0f} TFLOP/s, without what the CPU does"
    )
    return found | {"GPU hours": rough, "basis": said}


def sustained(record: Mapping[str, Any]) -> tuple[float, str]:
    """Operations a second: the least that another paper's network reached on a GPU, else assumed."""
    stages = [one for name, one in record.get("stages", {}).items() if name.startswith("paper-")]
    rates = [one["measured"]["operations a second"] for one in stages
             if "operations a second" in one.get("measured", {})]  # fmt: skip
    if not rates:
        return SUSTAINED, "an assumed"
    return min(rates), f"the {record['machine']['gpu']['name']}'s measured"


def try_out(
    plan: Plan, catalogue: Catalogue, folder: Path, *, size: int, steps: int, record: Mapping[str, Any]
) -> dict[str, Any]:
    """Split, train, evaluate, reckon: one method on one stand-in."""
    seconds: dict[str, float] = {}

    @contextmanager
    def clock(stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        seconds[stage] = round(time.perf_counter() - start, 2)

    with clock("split"):
        bench = benchmark(plan, catalogue)
    few: dict[str, Any] = {
        "p": 2,
        "k": 1,
        "steps": steps,
        "warmup": 1,
        "size": size,
        "precision": "32-true",
        "device": "cpu",
        "select_every": 0,
        "checkpoint_every": 0,
        "log_every": 1,
    }
    with clock("make"):
        method, config = paper_arm(plan, bench, folder, **few)
    out = folder / f"run-{plan.data}-{plan.method}"
    shutil.rmtree(out, ignore_errors=True)
    with clock("train"):
        run = fit(method, bench, config, out=out, progress=False)
    terms = {k: v for k, v in run.history[-2].items() if k not in ("step", "lr")}
    with clock("evaluate"):
        numbers = measure(plan, method, bench, size=size)
    with clock("reckon"):
        price = cost(plan, method, size=size, record=record)
    shutil.rmtree(out, ignore_errors=True)
    return {
        "method": plan.method,
        "data": plan.data,
        "says": repr(bench),
        "seconds": seconds,
        "terms": terms,
        "dry numbers": numbers,
        "cost": price,
        "differs": plan.differs(),
        "stubbed": {
            "steps": [steps, plan.config().steps],
            "batch": [4, 2 * plan.config().p * plan.config().k],
            "pictures": [len(catalogue), plan.about["sketches"][0] + plan.about["photos"][0]],
            "size": [size, plan.config().size],
            "weights": ["random", "pre-trained"],
            "precision": ["32-true", plan.config().precision],
        },
        "facts": {k: list(v) for k, v in plan.facts().items()},
        "published": [
            {
                "metric": r.metric,
                "value": r.value,
                "split": r.split,
                "formula": r.variant,
                "sources": list(r.sources),
                "warning": r.warning,
            }
            for r in plan.published()
        ],
    }


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """The report as Markdown."""
    said = [
        "# Dry run of the paper profiles",
        "",
        "Every stage ran on stand-ins; numbers of quality mean nothing "
        "and are not shown. Marks: found, inferred, ours.",
        "",
        "| data | method | split | seconds | pictures | GPU hours | GB: data, a run | to compare with |",
        "| --- | --- | --- | --- | --: | --: | --: | --- |",
    ]
    for row in rows:
        price, facts = row["cost"], row["facts"]
        took = ", ".join(f"{k} {v:.1f}" for k, v in row["seconds"].items())
        beside = (
            "; ".join(
                f"{p['metric']} {p['value']:g}" + (f" ({p['warning']})" if p["warning"] else "")
                for p in row["published"]
            )
            or "nothing was printed"
        )
        room = f"{price['GB']['catalogue']:.1f}, {price['GB']['a run']:.1f}"
        said.append(
            f"| {row['data']} | {row['method']} | {facts['split'][0]} ({facts['split'][1]}) | {took} | "
            f"{price['pictures'] / 1e6:.1f} M | {price['GPU hours']:.1f} | {room} | {beside} |"
        )
    said += ["", "## What the hours rest on", ""]
    said += sorted({f"- {row['method']}: {row['cost']['basis']}." for row in rows})
    if not all(row["cost"]["pixels lie on the GPU"] for row in rows):
        said.append(
            f"- `fit` keeps pixels on a GPU up to {RESIDENT / 2**30:.0f} GiB; larger data are augmented on "
            "the CPU by one thread, and measured hours count with that."
        )
    said += ["", "While a catalogue is made it takes twice its room, the archives not counted."]
    for row in rows:
        said += [
            "",
            f"## {row['method']} on {row['data']}",
            "",
            "| value | | mark | source |",
            "| --- | --- | --- | --- |",
        ]
        said += [f"| {k} | {v} | {mark} | {source} |" for k, (v, mark, source) in row["facts"].items()]
        said += ["", "Where it differs from the paper:", "", *(f"- {line}" for line in row["differs"])]
    return "\n".join(said) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """0 if every stage of every combination ran."""
    parser = argparse.ArgumentParser(prog="python -m sbirkit.runs.dryrun", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--data", default=",".join(DATA))
    parser.add_argument("--methods", default=",".join(SYSTEMS))
    parser.add_argument("--size", type=int, default=224, help="side of the pictures (%(default)s)")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--out", type=Path, default=paths.home() / "paper-dry-run", help="(%(default)s)")
    parser.add_argument("--measured", type=Path, default=place("paper"),
                        help="what gpu-check wrote on a GPU (%(default)s)")  # fmt: skip
    args = parser.parse_args(argv)
    record, rows, failed = measured_on(args.measured), [], 0
    methods = args.methods.split(",")
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out) as made:
        for data in args.data.split(","):
            try:
                plans = [Plan.of(name, data) for name in methods]
                start = time.perf_counter()
                catalogue = prepare(data, methods, Path(made), size=args.size)
            except (ValueError, RuntimeError) as error:
                print(f"{data}: prepare: FAILED: {error}", file=sys.stderr)
                failed += 1
                continue
            print(f"{data}: prepared {len(catalogue):,} pictures of {len(catalogue.classes)} classes in "
                  f"{time.perf_counter() - start:.1f} s", flush=True)  # fmt: skip
            for plan in plans:
                try:
                    row = try_out(
                        plan, catalogue, Path(made), size=args.size, steps=args.steps, record=record
                    )
                except Exception as error:  # the others still get their turn
                    print(
                        f"{data} {plan.method}: FAILED: {type(error).__name__}: {error}",
                        file=sys.stderr,
                        flush=True,
                    )
                    failed += 1
                    continue
                rows.append(row)
                print(f"{data} {plan.method}: {sum(row['seconds'].values()):.1f} s, terms "
                      f"{', '.join(row['terms'])}; {row['cost']['GPU hours']:.1f} GPU hours "
                      f"({row['cost']['basis'].partition(':')[0]})", flush=True)  # fmt: skip
    if rows:
        write_json(args.out / "dry-run.json", rows)
        (args.out / "README.md").write_text(page(rows), encoding="utf-8")
        print(f"the report is in {args.out / 'README.md'}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
