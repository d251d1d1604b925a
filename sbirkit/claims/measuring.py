"""One run of the ledger: trained or loaded, measured, recorded."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sbirkit.training import Run
from sbirkit.training.evaluation import default_device, evaluate

from .reading import EMBED, EVALUATED
from .records import Job, digest, keep, measures

if TYPE_CHECKING:
    from sbirkit.data import Benchmark

WORDS = 64  # numbers in a random direction


def fill(job: Job, folder: Path) -> str:
    """Do one job and write its record; returns what it came to, in words.

    The weights stay among the runs of ``sbirkit.paths.runs()``: a measure that is added later finds them.
    """
    import torch

    from sbirkit.runs.arms import obtain

    torch.set_num_threads(1)  # runs side by side; and the number of threads moves the last digits
    bench, arm = job.place.benchmark(job.world_seed), job.arm
    options = dict(arm.options)
    if (words := options.pop("words", None)) is not None:
        options["table"] = random_words(bench, words)
    run = obtain(
        arm.method, bench, profile=job.profile, seed=job.seed, train=job.training(), progress=False, **options
    )
    numbers: dict[str, dict[str, Any]] = {EMBED: {}}
    for verb, sources in job.needs.items():
        settings = [s for s in sources if s in EVALUATED and s != "selection"]
        if missing := [s for s in settings if not run.number(s, verb=verb)]:
            evaluate(run, bench, missing, verb=verb)
        numbers[verb] = {s: run.number(s, verb=verb) for s in settings}
        numbers[verb] |= measured(run, bench, [s for s in sources if s in measures()], verb=verb)
    if (value := run.metrics["selection"]["best"]["mAP@all"]) is not None:
        numbers[EMBED]["selection"] = {"mAP@all": value}
    used = {source for mine in numbers.values() for source in mine}
    keep(job, folder, {
        "arm": arm.name, "place": job.place.name, "asked": job.asked(), "params": run.params,
        "manifest": run.manifest, "numbers": numbers,
        "digests": {source: digest(source) for source in sorted(used) if digest(source)},
    })  # fmt: skip
    zs = numbers[EMBED].get("zs", {}).get("mAP@all")
    said = "" if zs is None else f" mAP@all {zs:.3f}"
    return f"{job.name}:{said} ({run.manifest['seconds']:.0f} s of training)"


def measured(
    run: Run, bench: "Benchmark", names: Sequence[str], *, verb: str = EMBED
) -> dict[str, dict[str, float]]:
    """``{measure: {key: number}}``. Measures of the package share their embeddings; no number, no key."""
    if not names:
        return {}
    method, size = run.method().to(default_device()), run.params["train"]["size"]
    found, known = {}, measures()
    looks = None
    for name in names:
        if name == "protocol":
            found[name] = known[name](method, bench, size=size)
            continue
        if looks is None:
            from .measures import Looks

            looks = Looks(method, bench, verb=verb, size=size)
        found[name] = known[name](looks)
    return {name: {k: float(v) for k, v in one.items() if math.isfinite(v)} for name, one in found.items()}


def random_words(bench: "Benchmark", kind: str) -> Any:
    """A direction for each class that says nothing of it: the control for what is known of classes."""
    import torch

    from sbirkit.models.text import TextTable

    if kind != "random":
        raise ValueError(f"words: want 'random', got {kind!r}")
    names = tuple(bench.catalogue.classes)
    drawn = np.random.default_rng(0).standard_normal((len(names), WORDS)).astype(np.float32)
    return TextTable(names, torch.from_numpy(drawn))


def quiet() -> None:
    """In the process of a run: Ctrl-C is for the one that started it; known warnings are not repeated."""
    import signal
    import warnings

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.filterwarnings("ignore", message="Doodle World looks a little different")
