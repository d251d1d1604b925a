"""A run for a question: the one on disk, the one that came with the repository, or one trained now."""

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbirkit import paths
from sbirkit.models.making import make
from sbirkit.models.method import Method
from sbirkit.runs import changes
from sbirkit.training import Run, TrainConfig, fit
from sbirkit.training.config import read_profile
from sbirkit.training.loop import describe, folder_name
from sbirkit.training.memory import keep_freed_memory

if TYPE_CHECKING:
    from sbirkit.data import Benchmark


def arm(
    name: str,
    bench: "Benchmark",
    *,
    profile: str = "laptop",
    seed: int = 0,
    train: Mapping[str, Any] | None = None,
    **options: Any,
) -> tuple[Method, TrainConfig]:
    """A method and how it is trained, as a profile has them; `make reproduce` may have changed some of it.

    Args:
        seed: of the first weights and of the training. train: changes to the profile's training.
        options: of :func:`sbirkit.models.make`: the network, its weights, the method's own.
    """
    read = read_profile(profile)
    given = read.get("options", {}) | read.get(name, {}).get("options", {})
    more_train, more_options = changes.of(name)
    method = make(name, bench, seed=seed, **given | options | more_options)
    changed = {"seed": seed} | dict(train or {}) | more_train
    return method, training(name, bench, profile, views=len(method.views()), **changed)


def training(name: str, bench: "Benchmark", profile: str, *, views: int = 0, **changed: Any) -> TrainConfig:
    """How a profile trains a method here: where fewer classes than ``p`` are trained on, a batch has all.

    Steps follow from what a batch holds, so that all methods look at as many pictures there as well.
    """
    config, n = TrainConfig.profile(profile, name, views=views, **changed), len(bench.train_classes)
    return config if config.p <= n else TrainConfig.profile(profile, name, views=views, **changed | {"p": n})


def obtain(
    name: str,
    bench: "Benchmark",
    *,
    profile: str = "laptop",
    seed: int = 0,
    train: Mapping[str, Any] | None = None,
    progress: bool = True,
    **options: Any,
) -> Run:
    """Load the run that these parameters describe, or train it.

    Looked for in ``sbirkit.paths.runs()``, then among the runs that came with the repository: there the
    parameters must agree; code that has changed since, or data that rounds otherwise here, is said. With
    ``SBIRKIT_FRESH=FOLDER`` in the environment only that folder counts, so that everything is made again.

    >>> obtain("dsn", world.benchmark("unseen-16", setting="gzs"))  # doctest: +SKIP
    """
    method, config = arm(name, bench, profile=profile, seed=seed, train=train, **options)
    wanted, fresh = describe(method, bench, config), os.environ.get("SBIRKIT_FRESH")
    out = (Path(fresh) if fresh else paths.runs()) / folder_name(wanted)
    if not fresh and not out.is_dir() and (run := shipped(wanted, bench.catalogue.name)):
        if run.stale(type(method)):
            warnings.warn(f"{run.path.name} was made by code that has changed since; `python -m "
                          "sbirkit.runs.standings` makes it again", stacklevel=2)  # fmt: skip
        return run
    keep_freed_memory()
    return fit(method, bench, config, out=out, progress=progress)


def shipped(wanted: Mapping[str, Any], data: str, folder: Path | None = None) -> Run | None:
    """The run with these parameters on the data of this name that came with the repository, with its weights.

    First weights and pictures may differ in the last digit on another machine: they need not agree.
    """
    folder = folder or paths.results()
    for path in sorted(folder.glob("*/weights.safetensors")) if folder else ():
        run = Run.open(path.parent)
        if _said(run.params) == _said(wanted) and run.manifest["data"]["name"] == data:
            return run
    return None


def _said(params: Mapping[str, Any]) -> str:
    """What was asked for, in one text."""
    bench = {key: params["benchmark"][key] for key in ("split", "setting", "classes")}
    return json.dumps([params[key] for key in ("method", "train", "origin")] + [bench], sort_keys=True)
