"""What ``gpu-check`` measures: a function for each kind of stage, returning numbers and checks."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sbirkit import paths
from sbirkit.data.doodleworld.world import World
from sbirkit.models.making import METHODS
from sbirkit.models.method import Method
from sbirkit.models.recipe import recipe
from sbirkit.runs.arms import arm
from sbirkit.training import Run, TrainConfig, embed_rows, evaluate, fit
from sbirkit.training.files import read_json, read_weights
from sbirkit.training.manifest import code_digest, code_lines

from .throughput import bare, begin_memory, compiled, looped, peak_memory

if TYPE_CHECKING:
    from sbirkit.data import Benchmark

    from .check import How

SYSTEMS = ("ramln", "dsn", "masbir", "bdasketret")
TRAINED = ("softmax", "triplet", *SYSTEMS)
PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed"}
SEEDS = 3  # as many as came with the repository
# The bands. They were set before any GPU was seen.
FIRST = 2e-3  # relative, of the first step's terms in fp32 without TF32: rounding, nothing else
BAND = 0.03  # mAP@all, mean over the seeds, beside the CPU: two standard deviations between seeds are 0.03
PRECISE = 0.03  # mAP@all of bf16 beside fp32, one seed each
EVALUATED = 1e-3  # mAP@all of the same weights, without TF32
ROUNDED = 5e-3  # the same as PyTorch comes, TF32 in convolutions where the GPU has it
AIM = 0.6  # of the bare network's pictures a second
WAITING = 0.1  # of a step
QUICKDRAW = (92_291, 54_151, 30)  # sketches, photos, classes of QuickDraw-Ext's unseen part
SECONDS = 30.0  # to rank them, on a GPU
NOISY = {  # terms that draw on the device, or look at views that were augmented there
    "ramln": {"meta", "loss"}, "dsn": {"contrastive", "loss"},
}  # fmt: skip


@dataclass(frozen=True)
class Stage:
    work: Callable[["How"], dict[str, Any]]
    minutes: float  # expected on a GPU, generously, by what an H200 took
    alone: bool = False  # it measures time: nothing may run beside it


def stages(how: "How") -> dict[str, Stage]:
    """All stages by name, in the order in which they say most first."""
    from .paper import paper

    found: dict[str, Stage] = {"evaluate": Stage(evaluated, 0.3)}
    found |= {f"repeat-{name}": Stage(partial(repeated, name=name), 0.8) for name in TRAINED}
    found |= {f"resume-{name}": Stage(partial(resumed, name=name), 1)
              for name in (SYSTEMS[1:2] if how.quick else SYSTEMS)}  # fmt: skip
    found["torchrun"] = Stage(torchrun, 1.5)
    found |= {
        f"throughput-{name}": Stage(partial(throughput, name=name), 1.2, alone=True) for name in TRAINED
    }
    found["batch-size"] = Stage(batch_size, 0.3, alone=True)
    found["resolution"] = Stage(resolution, 0.3, alone=True)
    found["quickdraw-shape"] = Stage(quickdraw_shape, 0.3, alone=True)
    found |= {f"agree-{name}": Stage(partial(agreed, name=name), 3) for name in TRAINED}
    found["train-still"] = Stage(still, 0.2)
    found |= {f"train-{name}-{precision}": Stage(partial(trained, name=name, precision=precision), 1)
              for name in TRAINED for precision in PRECISIONS}  # fmt: skip
    found |= {f"paper-{name}": Stage(partial(paper, name=name), 0.8, alone=True) for name in SYSTEMS}
    return (
        found if how.device == "cuda" else {k: replace(v, minutes=_on_cpu(k, how)) for k, v in found.items()}
    )


def digest() -> str:
    """Names the code that makes the runs and that measures them, so that nothing older is taken for fresh."""
    said = [code_digest(kind) for kind in METHODS.values()]
    for name in ("measuring", "paper", "throughput"):
        said += code_lines(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8"))
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]


def _on_cpu(name: str, how: "How") -> float:
    """Minutes on two cores: a `laptop` run takes 1 to 2."""
    return 0.05 if how.quick else {"train": 2.0, "agree": 6.0, "paper": 3.0}.get(name.partition("-")[0], 1.0)


def check(what: str, ok: bool, wanted: Any, got: Any, *, aim: bool = False) -> dict[str, Any]:
    """One thing that should hold; an ``aim`` is wished for, and not reaching it breaks nothing."""
    return {"what": what, "ok": bool(ok), "wanted": wanted, "got": got} | ({"aim": True} if aim else {})


def below(what: str, got: float, most: float, *, aim: bool = False) -> dict[str, Any]:
    return check(what, got <= most, f"at most {most:g}", round(float(got), 6), aim=aim)


@cache
def bench(quick: bool, size: int = 64, objects: int | None = None) -> "Benchmark":
    """Doodle World; a tenth of it to be quick."""
    few = objects or (6 if quick else World().objects)
    world = World(objects=few, sizes=(size,)).prepare(progress=False)
    return world.benchmark("unseen-16", setting="gzs")


def made(
    how: "How", name: str, *, profile: str = "", device: str = "", seed: int = 0, **train: Any
) -> tuple[Method, TrainConfig]:
    """A method and how it is trained here: on the convnet, MA-SBIR by the words of the data's card."""
    where = {"device": device or how.device}
    less = {"steps": 6, "select_every": 0, "checkpoint_every": 0} if how.quick else {}
    return arm(name, bench(how.quick), profile=profile or how.profile, seed=seed, network="convnet",
               train=where | less | train)  # fmt: skip


def short(how: "How", name: str, out: Path, *, halt: int = -1) -> Run:
    """A few dozen steps as a `laptop` run has them, with checkpoints; it stands still after step ``halt``."""
    n = 12 if how.quick else 120
    few: dict[str, Any] = {"p": 4} if how.quick else {}
    method, config = made(
        how, name, profile="laptop", steps=n, select_every=0, checkpoint_every=n // 3, **few
    )
    if halt >= 0:
        real = method.after_step

        def stopping(batch: Any, step: Any) -> None:
            real(batch, step)
            if step.number == halt:
                time.sleep(3600)

        vars(method)["after_step"] = stopping
    return fit(method, bench(how.quick), config, out=out, progress=False)


def child(spec: Mapping[str, Any]) -> None:
    """What a started process does: one short run, described in JSON."""
    from .check import How

    how = How(device=spec["device"], quick=spec["quick"], folder=Path(spec["folder"]))
    short(how, spec["name"], Path(spec["out"]), halt=spec.get("halt", -1))


def command(how: "How", name: str, out: Path, **more: Any) -> tuple[list[str], dict[str, str]]:
    """How to start a process that makes a short run: what follows ``python``, and its environment."""
    spec = {
        "name": name,
        "out": str(out),
        "device": how.device,
        "quick": how.quick,
        "folder": str(how.folder),
    }
    root = str(Path(paths.__file__).resolve().parents[1])
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    }
    return ["-m", "sbirkit.gpu", "--child", json.dumps(spec | more)], env


def begun_anew(how: "How", label: str) -> Path:
    """The folder for a run that must be made now: whatever is left of an earlier one goes."""
    out = how.folder / label
    for old in (out, out.with_name(out.name + ".partial")):
        shutil.rmtree(old, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    return out


def zs(how: "How", run: Run) -> float:
    """mAP@all on the unseen classes."""
    if not run.number("zs"):
        evaluate(run, bench(how.quick), ["zs"], device=how.device)
    return run.number("zs")["mAP@all"]


# --- training ----------------------------------------------------------------------------------------------


def trained(how: "How", name: str, precision: str) -> dict[str, Any]:
    """One method for real, by the profile of this device. Cut short, it goes on from its checkpoint."""
    method, config = made(how, name, precision=PRECISIONS[precision])
    out = how.folder / f"{name}-{precision}"
    begin_memory(how.device)
    whole = not out.exists() and not out.with_name(out.name + ".partial").exists()
    run = fit(method, bench(how.quick), config, out=out, progress=False)
    found, seconds = zs(how, run), run.manifest["seconds"]
    losses = [line["loss"] for line in run.history if "loss" in line]
    few = max(1, len(losses) // 10)
    start, end = float(np.mean(losses[:few])), float(np.mean(losses[-few:]))
    measured = {
        "train": {k: getattr(config, k) for k in ("steps", "p", "k", "size", "lr", "precision", "augment")},
        "pictures": run.manifest["images"], "seconds": seconds, "zs mAP@all": found,
        "images_per_second": run.manifest["images"] / max(seconds, 1e-9),
        "selection": run.metrics["selection"], "loss": {"start": start, "end": end},
        "memory": peak_memory(how.device) if whole else None,
    }  # fmt: skip
    checks = [check("every step's terms are numbers", len(losses) == config.steps, config.steps, len(losses))]
    if not how.quick:
        checks.append(check("the loss falls", end < start, f"below {start:.3g}", round(end, 4)))
        chance = 0.066
        checks.append(
            check("better than chance", found > 2 * chance, f"above {2 * chance:.3f}", round(found, 4))
        )
    if precision == "bf16":
        method, config = made(how, name, precision=PRECISIONS["fp32"])
        other = fit(method, bench(how.quick), config, out=how.folder / f"{name}-fp32", progress=False)
        checks.append(
            below("mAP@all of bf16 beside fp32", abs(found - zs(how, other)), PRECISE, aim=how.quick)
        )
    rate = measured["images_per_second"]
    return {"says": f"mAP@all {found:.3f}, {rate:,.0f} images/s, {seconds:.0f} s", "measured": measured,
            "checks": checks}  # fmt: skip


def still(how: "How") -> dict[str, Any]:
    """The two baselines that are not trained."""
    found = {}
    for name in ("untrained", "frozen"):
        method, config = made(how, name)
        found[name] = zs(how, fit(method, bench(how.quick), config, out=how.folder / name, progress=False))
    better = check("frozen beats untrained", found["frozen"] > found["untrained"],
                   f"above {found['untrained']:.3f}", round(found["frozen"], 4))  # fmt: skip
    return {
        "says": ", ".join(f"{k} {v:.3f}" for k, v in found.items()),
        "measured": found,
        "checks": [better],
    }


# --- agreement and repeatability ---------------------------------------------------------------------------


@contextmanager
def exact() -> Iterator[None]:
    """Full fp32: no TF32 in products or convolutions."""
    homes: tuple[Any, ...] = torch.backends.cudnn, torch.backends.cuda.matmul
    was = [home.allow_tf32 for home in homes]
    try:
        for home in homes:
            home.allow_tf32 = False
        yield
    finally:
        for home, value in zip(homes, was, strict=True):
            home.allow_tf32 = value


def first_terms(how: "How", name: str, device: str) -> dict[str, float]:
    """The terms of the first step, in fp32, of pictures as they are."""
    few: dict[str, Any] = {"p": 4} if how.quick else {}
    method, config = made(how, name, profile="laptop", device=device, steps=1, augment="none", log_every=1,
                          select_every=0, checkpoint_every=0, **few)  # fmt: skip
    out = begun_anew(how, f"first-{name}-{device}")
    with exact():
        run = fit(method, bench(how.quick), config, out=out, progress=False)
    line = run.history[0]
    return {k: v for k, v in line.items() if k not in {"step", "lr", "selection"} | NOISY.get(name, set())}


def reference(how: "How", name: str, seed: int) -> float:
    """What a CPU came to: of the runs that came with the repository; to be quick, made here."""
    if how.quick:
        method, config = made(how, name, device="cpu", seed=seed)
        run = fit(method, bench(True), config, out=how.folder / f"cpu-{name}-{seed}", progress=False)
        return zs(replace(how, device="cpu"), run)
    folder = paths.results()
    path = (folder or Path()) / f"{name}_unseen-16_s{seed}"
    if folder is None or not path.is_dir():
        raise FileNotFoundError(f"{path}: want the record of the CPU's run there; run this from a checkout")
    method, config = made(how, name, profile="laptop", seed=seed)
    said = read_json(path / "params.json")
    mine = {"method": recipe(method), "train": recipe({f: getattr(config, f) for f in said["train"]})}
    for key, value in mine.items():
        there = {k: v for k, v in said[key].items() if k != "device"}
        if {k: v for k, v in value.items() if k != "device"} != there:
            raise ValueError(f"{path.name}: made with another {key} than the `laptop` profile has now, so it "
                             "cannot be compared with")  # fmt: skip
    return Run.open(path).number("zs")["mAP@all"]


def agreed(how: "How", name: str) -> dict[str, Any]:
    """The first step, and the same seeds trained to the end, beside the CPU's."""
    here, there = first_terms(how, name, how.device), first_terms(how, name, "cpu")
    off = {k: abs(here[k] - there[k]) / max(abs(there[k]), 1e-3) for k in there}
    profile, seeds = ("smoke", 1) if how.quick else ("laptop", SEEDS)
    pairs = []
    for seed in range(seeds):
        method, config = made(how, name, profile=profile, seed=seed)
        run = fit(
            method, bench(how.quick), config, out=how.folder / f"{name}-{profile}-{seed}", progress=False
        )
        pairs.append((zs(how, run), reference(how, name, seed)))
    mine, cpus = np.mean(pairs, axis=0)
    checks = [below(f"the first step's {k}, relative to the CPU's", v, FIRST) for k, v in off.items()]
    checks.append(below("mAP@all, mean over seeds, beside the CPU's", abs(mine - cpus), BAND))
    return {"says": f"mAP@all {mine:.3f} here, {cpus:.3f} on a CPU, {seeds} seeds",
            "measured": {"first step": {"here": here, "cpu": there}, "profile": profile,
                         "zs mAP@all, here and on a CPU, by seed": pairs},
            "checks": checks}  # fmt: skip


def apart(one: Run, other: Run) -> dict[str, Any]:
    """Whether two runs ended the same, bit for bit, and if not how far apart."""
    names = ("last.safetensors", "history.jsonl")
    same = all((one.path / n).read_bytes() == (other.path / n).read_bytes() for n in names)
    a, b = (read_weights(run.path / names[0]) for run in (one, other))
    gaps = [float((a[k].float() - b[k].float()).abs().nan_to_num().max()) for k in a if a[k].numel()]
    lines = [[line["loss"] for line in run.history if "loss" in line] for run in (one, other)]
    return {"bitwise": same, "largest difference of a weight": max(gaps),
            "steps": [len(x) for x in lines], "last loss": [x[-1] for x in lines]}  # fmt: skip


def same_end(how: "How", what: str, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Bit for bit on a CPU; on a GPU that is wished for, and otherwise it is said how far apart."""
    a, b = found["last loss"]
    return [
        check(f"{what}: as many steps", len(set(found["steps"])) == 1, found["steps"][0], found["steps"][1]),
        check(f"{what}: the same loss at the end", abs(a - b) <= 0.05 * abs(a) + 1e-6, a, b),
        check(f"{what}: bit for bit", found["bitwise"], "the same files",
              f"weights up to {found['largest difference of a weight']:.2g} apart", aim=how.device != "cpu"),
    ]  # fmt: skip


def repeated(how: "How", name: str) -> dict[str, Any]:
    """The same run twice; which operations have no repeatable kernel, PyTorch says itself."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        runs = [short(how, name, begun_anew(how, f"twice-{name}-{k}")) for k in "ab"]
    found: dict[str, Any] = apart(*runs)
    loose = {str(w.message).partition(" does not have")[0] for w in heard if "determinis" in str(w.message)}
    found["without a repeatable kernel"] = sorted(loose)
    said = "bit for bit" if found["bitwise"] else "NOT bit for bit"
    return {"says": said, "measured": found, "checks": same_end(how, "twice the same run", found)}


def resumed(how: "How", name: str) -> dict[str, Any]:
    """A process that is killed in the middle, and the run taken up again here."""
    whole = short(how, name, begun_anew(how, f"whole-{name}"))
    out = begun_anew(how, f"killed-{name}")
    steps = whole.params["train"]["steps"]
    halt = 2 * (steps // 3) + 1  # a little after the second checkpoint
    words, env = command(how, name, out, halt=halt)
    saved = out.with_name(out.name + ".partial") / "checkpoints" / f"{2 * (steps // 3):08d}"
    log = how.folder / f"killed-{name}.log"
    with (
        log.open("w") as heard,
        subprocess.Popen([sys.executable, *words], env=env, stdout=heard, stderr=heard) as going,
    ):
        deadline = time.monotonic() + 480
        while not saved.exists() and going.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
        alive = going.poll() is None
        going.kill()
    if not saved.exists():
        raise RuntimeError(f"the process to be killed came to no checkpoint: {log.read_text()[-2000:]}")
    begun = not out.exists()
    found = apart(whole, short(how, name, out))
    checks = [check("the process was killed in the middle", alive and begun, "alive, unfinished",
                    f"{'alive' if alive else 'ended'}, {'un' if begun else ''}finished")]  # fmt: skip
    checks += same_end(how, "killed and resumed", found)
    said = "bit for bit" if found["bitwise"] else "NOT bit for bit"
    return {"says": f"killed after step {halt}, resumed: {said}", "measured": found, "checks": checks}


def torchrun(how: "How", name: str = "softmax") -> dict[str, Any]:
    """One process under torchrun, as it would be started on several GPUs."""
    plain = short(how, name, begun_anew(how, "without-torchrun"))
    out = begun_anew(how, "with-torchrun")
    words, env = command(how, name, out)
    start = ["-m", "torch.distributed.run", "--nnodes", "1", "--node-rank", "0", "--nproc-per-node", "1",
             "--master-addr", "127.0.0.1", "--master-port", str(_free_port())]  # fmt: skip
    done = subprocess.run(
        [sys.executable, *start, *words], env=env, capture_output=True, text=True, check=False, timeout=400
    )
    if done.returncode or not out.exists():
        raise RuntimeError(f"torchrun ended with {done.returncode}: {done.stderr[-3000:]}")
    found = apart(plain, Run.open(out))
    return {"says": "one process, " + ("bit for bit" if found["bitwise"] else "NOT bit for bit"),
            "measured": found, "checks": same_end(how, "with and without torchrun", found)}  # fmt: skip


def _free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


# --- evaluation --------------------------------------------------------------------------------------------


def evaluated(how: "How") -> dict[str, Any]:
    """Shipped weights, embedded here and on the CPU, and measured."""
    from sbirkit.retrieval import evaluate_embeddings

    here, folder, checks = bench(how.quick), paths.results(), []
    measured: dict[str, dict[str, dict[str, float]]] = {}
    if folder is None:
        raise FileNotFoundError(
            "results/: want the weights that came with the repository; run from a checkout"
        )
    for name in TRAINED[-2:] if how.quick else TRAINED:
        run = Run.open(folder / f"{name}_unseen-16_s0")
        found: dict[str, dict[str, float]] = {}
        units: list[np.ndarray] = []  # the CPU's first
        for label, device in (("cpu", "cpu"), ("strict", how.device), ("plain", how.device)):
            method = run.method().to(device)
            start = time.perf_counter()
            with nullcontext() if label == "plain" else exact():
                vectors = embed_rows(method, here.catalogue, here.unseen, size=64)
            seconds = time.perf_counter() - start
            units.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
            found[label] = {
                "mAP@all": float(evaluate_embeddings((here.unseen, vectors), here)["mAP@all"]),
                "images_per_second": len(vectors) / seconds,
                "least cosine with the CPU's": float((units[0] * units[-1]).sum(1).min()),
            }
        for label, most in (("strict", EVALUATED), ("plain", ROUNDED)):
            gap = abs(found[label]["mAP@all"] - found["cpu"]["mAP@all"])
            checks.append(below(f"{name}, {label} fp32: mAP@all beside the CPU's", gap, most))
        measured[name] = found
    rate = np.mean([one["plain"]["images_per_second"] for one in measured.values()])
    return {"says": f"{len(measured)} methods, {rate:,.0f} images/s", "measured": measured, "checks": checks}


def quickdraw_shape(how: "How") -> dict[str, Any]:
    """Ranking as many sketches and photos as QuickDraw-Ext has, of 512 numbers each."""
    from sbirkit.retrieval import score

    queries, photos, classes = (900, 500, 30) if how.quick else QUICKDRAW
    rng = np.random.default_rng(0)
    labels = [np.sort(rng.integers(classes, size=n)) for n in (queries, photos)]
    centres = rng.normal(size=(classes, 512)).astype(np.float32)
    q, g = (0.2 * centres[y] + rng.standard_normal((len(y), 512), dtype=np.float32) for y in labels)
    metrics = ["mAP@all", "mAP@200-strict", "P@100", "P@200"]
    device = how.device if how.device != "cpu" else None
    start = time.perf_counter()
    found = score(q, g, *labels, metrics=metrics, device=device)
    seconds = time.perf_counter() - start
    some = rng.choice(queries, min(500, queries), replace=False)
    beside = score(q[some], g, labels[0][some], labels[1], metrics=metrics)
    gaps = {m: float(np.nanmax(abs(found.per_query(m)[some] - beside.per_query(m)))) for m in metrics}
    checks = [below(f"{m} of {len(some)} sketches, each beside the CPU's", gap, 2e-2 if "P@" in m else 1e-3)
              for m, gap in gaps.items()]  # fmt: skip
    checks.append(below("seconds", seconds, SECONDS, aim=True))
    return {"says": f"{queries:,} x {photos:,} in {seconds:.1f} s",
            "measured": {"queries": queries, "photos": photos, "seconds": seconds, "gaps": gaps,
                         "numbers": {m: float(found[m]) for m in metrics}}, "checks": checks}  # fmt: skip


# --- throughput --------------------------------------------------------------------------------------------


def rates(how: "How", name: str, precision: str, *, here: "Benchmark | None" = None, times: int = 0,
          **train: Any) -> dict[str, Any]:  # fmt: skip
    """Pictures a second of the loop, of the bare network, and their ratio."""
    times = times or (2 if how.quick else 40 if how.device == "cuda" else 10)
    given = {"precision": precision, "steps": 8 * times, "select_every": 0, "checkpoint_every": 0} | train
    method, config = arm(name, here or bench(how.quick), profile=how.profile, network="convnet",
                         train={"device": how.device} | given)  # fmt: skip
    out = begun_anew(how, f"timed-{name}-{precision}")
    begin_memory(how.device)
    found: dict[str, Any] = looped(method, here or bench(how.quick), config, folder=out, times=times)
    found["memory"] = peak_memory(how.device)
    shutil.rmtree(out, ignore_errors=True)
    plain = made(how, "softmax")[0].backbone
    found["bare images_per_second"] = bare(plain, pictures=int(found["pictures_per_step"]), size=config.size,
                                           precision=precision, device=how.device, times=times)  # fmt: skip
    found["of bare"] = found["images_per_second"] / found["bare images_per_second"]
    return found


def throughput(how: "How", name: str) -> dict[str, Any]:
    """The loop beside the bare network, waiting for data, and what compiling is worth."""
    measured: dict[str, Any] = {label: rates(how, name, p) for label, p in PRECISIONS.items()}
    checks = []
    for label, found in measured.items():
        checks.append(check(f"{label}: of the bare network's pictures a second", found["of bare"] >= AIM,
                            f"at least {AIM:g}", round(found["of bare"], 3), aim=True))  # fmt: skip
        checks.append(
            below(f"{label}: fraction of a step spent on data", found["waiting"], WAITING, aim=True)
        )
    if how.device == "cuda" and name == TRAINED[0]:  # the network is the others' too
        measured["compiled"] = compiling(how, name)
    best = measured["bf16"] if how.device == "cuda" else measured["fp32"]
    says = (f"{best['images_per_second']:,.0f} images/s, {best['of bare']:.0%} of the bare network, "
            f"{best['waiting']:.0%} of a step for data")  # fmt: skip
    return {"says": says, "measured": measured, "checks": checks}


def compiling(how: "How", name: str, precision: str = "bf16-mixed") -> dict[str, Any]:
    """The same loop with the network compiled; why not, where it cannot be."""
    times = 2 if how.quick else 40
    method, config = made(how, name, precision=precision, steps=8 * times, select_every=0, checkpoint_every=0)
    start = time.perf_counter()
    try:
        found = looped(compiled(method), bench(how.quick), config, folder=begun_anew(how, f"compiled-{name}"),
                       times=times)  # fmt: skip
    except Exception as error:  # a compiler that is not there, an operation that it does not know
        return {"failed": f"{type(error).__name__}: {str(error)[:300]}"}
    return found | {"seconds with compiling": time.perf_counter() - start}


def batch_size(how: "How") -> dict[str, Any]:
    """Pictures a second by the size of a batch: where a larger one stops paying."""
    precision = PRECISIONS["bf16" if how.device == "cuda" else "fp32"]
    found = {}
    for k in (1, 2) if how.quick else (2, 4, 8, 16, 32, 64):
        one = rates(
            how, "softmax", precision, k=k, times=0 if how.quick else 20 if how.device == "cuda" else 5
        )
        found[str(int(one["pictures_per_step"]))] = one
    most = max(one["images_per_second"] for one in found.values())
    enough = next(size for size, one in found.items() if one["images_per_second"] >= 0.9 * most)
    return {
        "says": f"{enough} pictures a step reach 90 % of the most, {most:,.0f} images/s",
        "measured": found,
        "checks": [],
    }


def resolution(how: "How") -> dict[str, Any]:
    """The same at twice the side, where the network has more to do."""
    size = 72 if how.quick else 128
    precision = PRECISIONS["bf16" if how.device == "cuda" else "fp32"]
    found = rates(how, "softmax", precision, here=bench(how.quick, size, 10), size=size)
    aim = check("of the bare network's pictures a second", found["of bare"] >= AIM, f"at least {AIM:g}",
                round(found["of bare"], 3), aim=True)  # fmt: skip
    return {"says": f"{size} px: {found['images_per_second']:,.0f} images/s, {found['of bare']:.0%} of bare",
            "measured": found, "checks": [aim]}  # fmt: skip
