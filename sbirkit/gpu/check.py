"""How fast this machine is and whether it is right: ``python -m sbirkit.gpu``, ``make gpu-check``.

Stage by stage: every method trained for real, in fp32 and bf16; the same seeds beside the CPU's runs that
came with the repository; the same run twice; a killed run resumed; evaluation beside the CPU's; torchrun; and
the throughput, beside the bare network's. After each stage one JSON file is written whole, with the machine's
description in it; what stands there is not measured again, so a cut costs the stage in hand.

On a machine without make, ``python3 -m sbirkit.gpu`` from the checkout takes what is
installed there.
"""

import argparse
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sbirkit import paths

SCHEMA = 1
NEEDED = {  # module -> what its package is called
    "torch": "torch", "numpy": "numpy", "pyarrow": "pyarrow", "PIL": "pillow", "scipy": "scipy",
    "sklearn": "scikit-learn", "safetensors": "safetensors", "lightning_fabric": "lightning-fabric",
    "filelock": "filelock", "tqdm": "tqdm", "threadpoolctl": "threadpoolctl", "torchvision": "torchvision",
    "matplotlib": "matplotlib",
}  # fmt: skip
OPTIONAL = {"timm": "timm", "open_clip": "open_clip_torch"}  # the networks of two papers


@dataclass(frozen=True, kw_only=True)
class How:
    """Where and how long to measure.

    Args:
        device: "cuda" or "cpu". quick: tiny budgets, only to see that everything runs.
        folder: of the runs that are trained here, beside the JSON file.
    """

    device: str
    quick: bool
    folder: Path

    @property
    def profile(self) -> str:
        """How long to train: the `gpu` profile on a GPU, `laptop` on a CPU."""
        return "smoke" if self.quick else "gpu" if self.device == "cuda" else "laptop"


def missing(wanted: Mapping[str, str]) -> list[str]:
    """The packages that are not installed, by the names one installs them under.

    >>> missing({"json": "json", "no_such_module": "no-such-package"})
    ['no-such-package']
    """
    return [package for module, package in wanted.items() if importlib.util.find_spec(module) is None]


def advice(packages: Sequence[str]) -> str:
    """What to do about missing packages, with a network and without one."""
    names = " ".join(packages)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"missing here: {names}.\n"
        f"With a network: {sys.executable} -m pip install {names}\n"
        f"Without one: on another machine `python3 -m pip download --no-deps --only-binary=:all: "
        f"--python-version {version} --platform manylinux_2_28_x86_64 -d wheels {names}`, carry the folder "
        f"here, then {sys.executable} -m pip install --no-index --no-deps --target site wheels/*.whl and "
        "PYTHONPATH=site before this command."
    )


def machine(device: str) -> dict[str, Any]:
    """The machine in words and numbers, as far as it tells."""
    import torch

    from sbirkit import paths
    from sbirkit.training.manifest import PACKAGES, _version

    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    said: dict[str, Any] = {
        "device": device,
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(), "cores": cores, "memory_gb": round(size / 1e9),
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version()}
        | {p: _version(p) for p in (*PACKAGES, "triton", *OPTIONAL.values())},
        "git": paths.git_state(),
    }  # fmt: skip
    if device == "cuda":
        found = torch.cuda.get_device_properties(0)
        said["gpu"] = {
            "name": found.name, "count": torch.cuda.device_count(), "memory_bytes": found.total_memory,
            "multiprocessors": found.multi_processor_count, "capability": [found.major, found.minor],
            "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "driver": _driver(),
            "tf32": {"matmul": torch.backends.cuda.matmul.allow_tf32,
                     "convolution": torch.backends.cudnn.allow_tf32},
        }  # fmt: skip
    return said


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _driver() -> str | None:
    try:
        done = subprocess.run(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
                              capture_output=True, text=True, check=True, timeout=30)  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.splitlines()[0].strip() if done.stdout else None


class Record:
    """The JSON file: the machine, and a result for each stage. It is whole at every moment.

    Several processes may add to it. A file of another machine, other code or another budget is not added to.
    """

    def __init__(self, path: Path, head: Mapping[str, Any], *, fresh: bool = False) -> None:
        self.path = path
        self.stages: dict[str, dict[str, Any]] = {}
        self.head: dict[str, Any] = {"schema": SCHEMA, "made_by": "python -m sbirkit.gpu", **head}
        if fresh and path.is_file():
            path.replace(path.with_suffix(".before.json"))
        found = self.look() or self.head
        matters = self.head.keys() - {"made_by"}
        if other := sorted(key for key in matters if _same(found.get(key)) != _same(self.head[key])):
            raise ValueError(f"--out: {path} is of another {', '.join(other)}; choose another file, or "
                             "--fresh to begin it anew")  # fmt: skip

    def look(self) -> dict[str, Any]:
        """What the file says besides its stages, which are taken over; empty if there is no file."""
        if not self.path.is_file():
            return {}
        found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        self.stages |= found.pop("stages", {})
        return found

    def done(self, name: str) -> bool:
        return "error" not in self.stages.get(name, {"error": "not run"})

    def add(self, name: str, result: Mapping[str, Any]) -> None:
        from filelock import FileLock

        from sbirkit.training.files import write_json

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            head = self.look() or self.head
            self.stages[name] = dict(result)
            write_json(self.path, head | {"stages": self.stages})


def _same(value: Any) -> Any:
    """What must agree for two shards to go into one file: the code of runs and stages, not the commit."""
    if not isinstance(value, Mapping):
        return value
    return {k: _same(v) for k, v in value.items() if k not in ("git", "threads")}


def chosen(names: Sequence[str], wanted: str, shard: str) -> list[str]:
    """The stages that are asked for: by name or by the start of one, or every n-th.

    >>> chosen(["train-dsn", "train-ramln", "torchrun"], "train", "")
    ['train-dsn', 'train-ramln']
    >>> chosen(["a", "b", "c", "d", "e"], "", "2/3")
    ['b', 'e']
    """
    parts = [part for part in wanted.split(",") if part]
    if unknown := [part for part in parts if not any(name.startswith(part) for name in names)]:
        raise ValueError(f"--stages: there is no {', '.join(unknown)}; there are {', '.join(names)}")
    found = [name for name in names if not parts or any(name.startswith(part) for part in parts)]
    if shard:
        k, _, n = shard.partition("/")
        if not (k.isdigit() and n.isdigit() and 1 <= int(k) <= int(n)):
            raise ValueError(f"--shard: want k/n with k from 1 to n, as in 2/4, got {shard!r}")
        found = found[int(k) - 1 :: int(n)]
    return found


def told(name: str, result: Mapping[str, Any]) -> Iterator[str]:
    """A stage in a few lines: its numbers in short, and every check that did not hold."""
    if "error" in result:
        yield f"{name}: FAILED: {result['error'].splitlines()[-1]}"
        return
    checks = result["checks"]
    held = sum(check["ok"] for check in checks)
    yield f"{name}: {result['says']} ({held} of {len(checks)} checks hold, {result['seconds']:.0f} s)"
    for check in checks:
        if not check["ok"]:
            kind = "aim not reached" if check.get("aim") else "DOES NOT HOLD"
            yield f"    {kind}: {check['what']}: wanted {check['wanted']}, got {check['got']}"


def broken(stages: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Stages with an error, or with a check that does not hold; an aim that is not reached is none."""
    return [
        name
        for name, result in stages.items()
        if "error" in result or any(not c["ok"] and not c.get("aim") for c in result["checks"])
    ]


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m sbirkit.gpu", description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    made.add_argument("--device", default="auto", choices=("auto", "cuda", "cpu"))
    made.add_argument(
        "--quick", action="store_true", help="tiny budgets: does everything run? (2 min on 2 cores)"
    )
    made.add_argument("--stages", default="", help="names, or how they start, with commas (default: all)")
    made.add_argument("--shard", default="", help="every n-th stage from the k-th on, as in 2/4")
    made.add_argument("--workers", type=int, default=1, help="stages that time nothing run side by side")
    made.add_argument("--minutes", type=float, default=0.0, help="begin no stage that would end later")
    made.add_argument("--out", type=Path, help="the JSON file (build/gpu-check/DEVICE.json)")
    made.add_argument("--fresh", action="store_true", help="measure again what is there")
    made.add_argument("--list", action="store_true", help="only name the stages, with the minutes expected")
    made.add_argument("--child", default="", help=argparse.SUPPRESS)
    made.add_argument("--beside", type=int, default=0, help=argparse.SUPPRESS)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """0 if every check holds, 1 if one does not, 2 if something is missing, 3 if time ran out."""
    args = parser().parse_args(argv)
    if lacking := missing(NEEDED):
        print(f"gpu-check: {advice(lacking)}", file=sys.stderr)
        return 2
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it before fit could say it
    import torch

    from sbirkit.runs.fresh import ends_with_parent

    from . import measuring

    if args.child or args.beside:
        ends_with_parent()
    if args.child:
        measuring.child(json.loads(args.child))
        return 0
    if args.device == "cuda" and not torch.cuda.is_available():
        print(
            "gpu-check: --device cuda, but torch sees no GPU here: nvidia-smi says whether there is one, "
            f"torch {torch.__version__} whether it can use it. --device cpu runs the same on the processor.",
            file=sys.stderr,
        )
        return 2
    device = args.device if args.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    out = args.out or paths.home() / "gpu-check" / f"{device}{'-quick' * args.quick}.json"
    how = How(device=device, quick=args.quick, folder=out.parent / f"{out.stem}-runs" / measuring.digest())
    stages = measuring.stages(how)
    try:
        names = chosen(list(stages), args.stages, args.shard)
        if args.list:
            print("\n".join(f"{name:24}{stages[name].minutes:5.1f} min" for name in names))
            return 0
        head = {"machine": machine(device), "code": measuring.digest(),
                "budget": {"quick": how.quick, "profile": how.profile}}  # fmt: skip
        record = Record(out, head, fresh=args.fresh)
    except ValueError as error:
        print(f"gpu-check: {error}", file=sys.stderr)
        return 2
    if args.fresh:
        shutil.rmtree(how.folder, ignore_errors=True)
    began = time.monotonic()
    if args.workers > 1:
        left = [name for name in names if not record.done(name)]
        together(how, stages, left, record, workers=args.workers, minutes=args.minutes)
        record.look()
    return run(how, stages, names, record, minutes=args.minutes, began=began, beside=args.beside)


def together(
    how: How, stages: Mapping[str, Any], names: Sequence[str], record: Record, *, workers: int, minutes: float
) -> None:
    """The stages among these that time nothing, side by side; each process adds to the same record."""
    from . import measuring
    from .sidebyside import shares, side_by_side

    dealt = shares({name: stages[name].minutes for name in names if not stages[name].alone}, workers)
    if not dealt:
        return
    measuring.bench(how.quick)  # drawn once, on all cores
    words = ["-m", "sbirkit.gpu", "--device", how.device, "--out", str(record.path)]
    words += ["--quick"] * how.quick + ["--minutes", str(minutes), "--beside", str(len(dealt) - 1)]
    side_by_side([[*words, "--stages", ",".join(share)] for share in dealt])


def run(
    how: How,
    stages: Mapping[str, Any],
    names: Sequence[str],
    record: Record,
    *,
    minutes: float,
    began: float | None = None,
    beside: int = 0,
) -> int:
    """Do what is not done yet, in order; the record is written after each stage.

    Args:
        minutes: begin no stage that would end later than so many after ``began``; 0: all.
        beside: how many other processes share the machine, which is written down.
    """
    late: list[str] = []
    began = time.monotonic() if began is None else began
    where = record.head["machine"].get("gpu", {}).get("name") or record.head["machine"]["processor"]
    left = [name for name in names if not record.done(name)]
    print(
        f"{len(left)} of {len(names)} stages to do on {where}, about "
        f"{sum(stages[name].minutes for name in left):.0f} min; into {record.path}",
        flush=True,
    )
    for k, name in enumerate(left, 1):
        gone = (time.monotonic() - began) / 60
        if minutes and gone + stages[name].minutes > minutes:
            late.append(name)
            continue
        start, when = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
        try:
            result = stages[name].work(how)
        except Exception as error:  # the others still get their turn
            result = {"error": "".join(traceback.format_exception(error)), "checks": []}
        commit = (record.head["machine"]["git"] or {}).get("commit")
        result |= {"seconds": round(time.monotonic() - start, 2), "when": when, "commit": commit}
        result |= {"beside": beside} if beside else {}
        record.add(name, result)
        for line in told(name, result):
            print(f"[{k}/{len(left)}] {line}" if not line.startswith(" ") else line, flush=True)
    wrong = [name for name in broken(record.stages) if name in names]
    if late:
        print(f"out of time: {', '.join(late)}; the same command goes on from there")
    if wrong:
        print(f"not as it should be: {', '.join(wrong)}; the whole story is in {record.path}")
    elif not late:
        print(f"all {len(names)} stages hold; {record.path}")
    return 1 if wrong else 3 if late else 0
