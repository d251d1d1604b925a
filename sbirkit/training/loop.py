"""The one loop that trains every method."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from sbirkit import paths
from sbirkit.data.loading import Batch, Loader
from sbirkit.data.sampling import Captioned, Items
from sbirkit.models.method import Method, Step
from sbirkit.models.recipe import origin, recipe
from sbirkit.models.seeding import named_number

from .config import TrainConfig
from .evaluation import default_device, embed_rows
from .files import read_checkpoint, read_json, write_checkpoint, write_json, write_weights
from .history import Diverged, History
from .manifest import code_digest, manifest
from .run import WEIGHTS, Run

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from sbirkit.data import Benchmark

RESIDENT = 4 << 30  # bytes of pixels that a GPU may hold


def fit(
    method: Method,
    bench: "Benchmark",
    config: TrainConfig | None = None,
    *,
    out: str | Path | None = None,
    progress: bool = True,
) -> Run:
    """Train a method on a benchmark's training classes; checkpoints are chosen on its selection classes.

    The method is trained in place and ends with the chosen weights, in evaluation mode. A run that is already
    there is opened, one that was interrupted goes on and ends bit for bit where it would have ended; if it is
    interrupted here, the method gets its first weights back. Unseen classes are not touched. Under
    ``torchrun`` all processes call this alike, and share each batch.

    Args:
        out: the run's folder; by default one in ``sbirkit.paths.runs()``, named after all that matters.
        progress: show a bar with the terms and the time left.
    """
    import filelock

    config = config or TrainConfig()
    if method.classes and method.classes != bench.train_classes:
        raise ValueError(f"method: made for other classes than the {len(bench.train_classes)} that are "
                         "trained on here; make it with classes=bench.train_classes")  # fmt: skip
    first = {k: v.detach().to("cpu", copy=True) for k, v in method.state_dict().items()}
    params = describe(method, bench, config, first)
    out = paths.runs() / folder_name(params) if out is None else Path(out).expanduser().resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    fabric = _fabric(config)
    lock = filelock.FileLock(out.with_name(f".{out.name}.lock"))
    with lock if fabric.global_rank == 0 else nullcontext():
        fabric.barrier()
        if not out.exists():
            folder = out.with_name(out.name + ".partial")
            if fabric.global_rank == 0:
                _begin(folder, params)
            fabric.barrier()
            try:
                with _repeatable(fabric.device):
                    _Loop(method, bench, config, folder, fabric, progress).run(out)
            except BaseException:
                method.load_state_dict(first, strict=False)
                raise
        run = Run.open(out)
        _same(params, run.params, out)
    run.method(method)
    return run


class _Loop:
    """Everything that lasts from the first step to the last."""

    def __init__(
        self,
        method: Method,
        bench: "Benchmark",
        config: TrainConfig,
        folder: Path,
        fabric: "Fabric",
        progress: bool,
    ) -> None:
        self.method, self.bench, self.config, self.folder = method, bench, config, folder
        self.fabric, self.first = fabric, fabric.global_rank == 0
        self.progress = progress and self.first
        method.start(bench)
        self.loader = self._loader()
        groups = _groups(method, config)
        self.total = config.steps if groups else 0
        if fabric.world_size > 1 and fabric.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(method)
        method.to(fabric.device).to(memory_format=torch.channels_last)
        self.done, self.images, self.seconds = 0, 0, 0.0
        self.selected: dict[str, Any] = {}
        if saved := read_checkpoint(folder / "checkpoints"):
            method.load_state_dict(saved[0])
        if self.total:
            self.optimiser = torch.optim.AdamW(groups, lr=config.lr, fused=True)
            self.lrs = [group["lr"] for group in groups]
            self.model, self.stepper = fabric.setup(_Forward(method), self.optimiser)
        if saved:
            state = saved[1]
            self.optimiser.load_state_dict(state["optimiser"])
            self.done, self.images, self.seconds = state["done"], state["images"], state["seconds"]
            self.selected = state["selected"]
        self.history = History(folder / "history.jsonl", start=self.done, writes=self.first)
        self.started = time.perf_counter()

    def run(self, out: Path) -> None:
        from tqdm.auto import tqdm

        self.method.train()
        batches = _batches(self.loader, self.done)
        bar = tqdm(total=self.total, initial=self.done, disable=not self.progress, unit="step")
        with closing(batches), bar:
            while self.done < self.total:
                batch = next(batches)
                if batch.index == 0:
                    self.method.begin_epoch(batch.epoch)
                self.train(self._share(batch).to(self.fabric.device))
                self.done += 1
                last = self.done == self.total
                every = self.config.log_every, self.config.select_every, self.config.checkpoint_every
                log, select, save = (n > 0 and self.done % n == 0 and not last for n in every)
                if log or select or save or last:
                    said = self.look()
                    bar.update(self.done - bar.n)
                    bar.set_postfix({k: f"{v:.3g}" for k, v in said.items()}, refresh=False)
                if select:
                    self.select()
                if save:
                    self.save()
        self.select()
        self.finish(out)

    def train(self, batch: Batch) -> None:
        """One step: the terms, their weighted sum, its gradient, the optimiser; for each phase in turn."""
        share = self.config.share(self.done, self.total)
        for group, lr in zip(self.optimiser.param_groups, self.lrs, strict=True):
            group["lr"] = lr * share
        for phase in self.method.phases:
            step = Step(
                number=self.done, epoch=batch.epoch, total=self.total, seed=self.config.seed, phase=phase,
                rank=self.fabric.global_rank, device=self.fabric.device,
            )  # fmt: skip
            names: list[str | int] = ["step", self.done, phase]
            torch.manual_seed(named_number(self.config.seed, *names, *([step.rank] if step.rank else [])))
            weights = {name: w for name, w in self.method.weights(step).items() if w}
            terms = self.model(lambda m, step=step: m.losses(batch, step=step))
            if not terms or (stray := terms.keys() - weights.keys()):
                said = f"{', '.join(sorted(stray))} without a weight" if terms else "no term at all"
                raise ValueError(f"{type(self.method).__name__}.losses gave {said}; "
                                 f"weights that are not 0: {', '.join(weights) or 'none'}")  # fmt: skip
            loss = torch.stack([weights[name] * terms[name] for name in terms]).sum()
            self.fabric.backward(loss)
            for group in self.optimiser.param_groups:
                if group.get("phase", phase) != phase:
                    for p in group["params"]:
                        p.grad = None
            self.stepper.step()
            self.optimiser.zero_grad()
            known = {"step": self.done, "lr": self.config.lr * share}
            self.history.add(known | ({} if phase == "all" else {"phase": phase}), loss, terms)
        self.method.after_step(batch, step)
        pictures = (len(batch.sketch) + len(batch.photo)) * (1 + len(batch.views))
        self.images += pictures * self.fabric.world_size

    def look(self) -> dict[str, float]:
        """Fetch the terms since the last look. One that is no number stops the run; its batch is saved."""
        try:
            return self.history.flush()
        except Diverged as sad:
            path = self.folder / f"batch-{sad.step:08d}.pt"
            batch = self.loader.batch(*divmod(sad.step, len(self.loader)))
            names = ("sketch", "photo", "y_sketch", "y_photo", "sketch_rows", "photo_rows")
            torch.save({name: torch.as_tensor(getattr(batch, name)) for name in names}, path)
            sad.add_note(f"Its batch is in {path}. A smaller lr (now {self.config.lr:g}) or a longer warmup "
                         "often helps; steps before it are in history.jsonl beside it.")  # fmt: skip
            raise

    def select(self) -> None:
        """Measure the selection classes; the best weights so far are kept."""
        value = None
        if len(self.bench.selection):
            from sbirkit.retrieval import Protocol, evaluate_embeddings

            rows = self.bench.selection
            vectors = embed_rows(self.method, self.bench.catalogue, rows, size=self.config.size)
            how = Protocol.of(self.bench, part="selection", metrics=("mAP@all",))
            value = float(evaluate_embeddings((rows, vectors), self.bench, how)["mAP@all"])
            if self.done:
                self.history.note(step=self.done - 1, selection=value)
        now = {"steps": self.done, "mAP@all": value}
        best = self.selected.get("best")
        self.selected["last"] = now
        if best is None or value is None or value > best["mAP@all"]:
            self.selected["best"] = now
            if self.first:
                write_weights(self.folder / WEIGHTS["best"], self.method.state_dict())

    def save(self) -> None:
        """A checkpoint. Batches, augmentation and noise are functions of the step: they need no state."""
        if self.first:
            state = {"optimiser": self.optimiser.state_dict(), "done": self.done, "images": self.images,
                     "seconds": self._clock(), "selected": self.selected}  # fmt: skip
            write_checkpoint(self.folder / "checkpoints", self.done, self.method.state_dict(), state)
        self.fabric.barrier()

    def finish(self, out: Path) -> None:
        """Complete the folder, and only then give it its name."""
        if self.first:
            write_weights(self.folder / WEIGHTS["last"], self.method.state_dict())
            write_json(self.folder / "metrics.json", {"selection": self.selected, "results": []})
            said = manifest(
                self.bench, self.fabric.device, code=read_json(self.folder / "params.json")["code"],
                images=self.images, seconds=round(self._clock(), 2), processes=self.fabric.world_size,
            )  # fmt: skip
            write_json(self.folder / "manifest.json", said)
            self.folder.replace(out)
            shutil.rmtree(out / "checkpoints", ignore_errors=True)
        self.fabric.barrier()

    def _clock(self) -> float:
        return self.seconds + time.perf_counter() - self.started

    def _loader(self) -> Loader:
        config, device, catalogue = self.config, self.fabric.device, self.bench.catalogue
        sampler = self.method.sampler(Items.of(self.bench), p=config.p, k=config.k, seed=config.seed)
        fits = device.type == "cuda" and catalogue.card["pixels"]["bytes"] < RESIDENT
        return Loader(
            self.bench, sampler, size=config.size, augment=config.recipe(), views=self.method.views(),
            resident=device if fits else None,
        )  # fmt: skip

    def _share(self, batch: Batch) -> Batch:
        """This process's part: every n-th row, so that all get their part of each class."""
        n, rank = self.fabric.world_size, self.fabric.global_rank
        if n == 1:
            return batch
        sketches, photos = len(batch.sketch), len(batch.photo)
        if isinstance(self.loader.sampler, Captioned):  # mixed, only the sum is the same in each batch
            if (sketches + photos) % n:
                raise ValueError(f"p, k: {n} processes cannot share {sketches + photos} pictures evenly; "
                                 f"choose multiples of {n}")  # fmt: skip
            return batch.part(slice(rank, None, n), slice((rank - sketches) % n, None, n))
        if sketches % n or photos % n:
            raise ValueError(f"p, k: {n} processes cannot share {sketches} sketches and "
                             f"{photos} photos evenly; choose multiples of {n}")  # fmt: skip
        return batch.part(slice(rank, None, n), slice(rank, None, n))


class _Forward(nn.Module):
    """Whatever is computed in here counts as the forward pass, to autocast and to distributed training."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(self, call: Callable[[Method], dict[str, Tensor]]) -> dict[str, Tensor]:
        return call(self.method)


def _groups(method: Method, config: TrainConfig) -> list[dict[str, Any]]:
    """The method's groups of parameters that train, each split: vectors and scalars do not decay."""
    made = []
    for group in method.groups(config.lr):
        trained = [p for p in group["params"] if p.requires_grad]
        for decays in (True, False):
            decay = {"weight_decay": group.get("weight_decay", config.weight_decay) if decays else 0.0}
            if mine := [p for p in trained if (p.ndim > 1) == decays]:
                made.append({"lr": config.lr} | group | decay | {"params": mine})
    return made


def _batches(loader: Loader, start: int) -> Generator[Batch]:
    epoch, index = divmod(start, len(loader))
    while True:
        yield from loader.epoch(epoch, start=index)
        epoch, index = epoch + 1, 0


def _fabric(config: TrainConfig) -> "Fabric":
    """One process; or, under torchrun, one of its processes."""
    from lightning_fabric import Fabric
    from lightning_fabric.strategies import DDPStrategy

    world, local = (int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    device = default_device() if config.device == "auto" else config.device
    fabric = Fabric(
        accelerator=device, devices=local, num_nodes=world // local, precision=config.precision,
        strategy=DDPStrategy(find_unused_parameters=True) if world > 1 else "auto",
    )  # fmt: skip
    fabric.launch()
    return fabric


@contextmanager
def _repeatable(device: torch.device) -> Iterator[None]:
    """The same numbers each time: strictly on a CPU, as far as there are such kernels elsewhere."""
    was = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic
    filled, searched = memory.fill_uninitialized_memory, torch.backends.cudnn.benchmark
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            torch.use_deterministic_algorithms(True, warn_only=device.type != "cpu")
            memory.fill_uninitialized_memory = torch.backends.cudnn.benchmark = False
            yield
        finally:
            torch.use_deterministic_algorithms(was[0], warn_only=was[1])
            memory.fill_uninitialized_memory, torch.backends.cudnn.benchmark = filled, searched


def describe(
    method: Method, bench: "Benchmark", config: TrainConfig, first: Mapping[str, Tensor] | None = None
) -> dict[str, Any]:
    """All that decides what a run becomes, as plain values. ``first`` are the method's first weights."""
    total = hashlib.sha256()
    for name, x in sorted((first or method.state_dict()).items()):
        total.update(name.encode() + x.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return {
        "method": recipe(method),
        "train": recipe(asdict(config)),
        "benchmark": {"split": bench.split.name, "setting": bench.setting, "digest": bench.digest,
                      "classes": list(bench.train_classes)},
        "origin": origin(method),
        "first_weights": total.hexdigest(),
        "code": code_digest(type(method)),
    }  # fmt: skip


def folder_name(params: Mapping[str, Any]) -> str:
    """A name for the run that is described: its method, and a mark that all that matters changes."""
    kind = params["method"]["class"].rpartition(":")[2].rpartition(".")[2].lower()
    return f"{kind}-{hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:12]}"


def _begin(folder: Path, params: Mapping[str, Any]) -> None:
    """A new folder, or one that was begun with the same parameters and the same code."""
    folder.mkdir(exist_ok=True)
    if (begun := folder / "params.json").is_file():
        _same(params, read_json(begun), folder, *params)
    else:
        write_json(begun, params)


def _same(params: Mapping[str, Any], found: Mapping[str, Any], folder: Path, *keys: str) -> None:
    keys = keys or ("method", "train", "benchmark", "first_weights")
    if other := [key for key in keys if params[key] != found[key]]:
        raise ValueError(f"out: {folder} holds a run of other {', '.join(other)}; delete it or choose "
                         "another folder")  # fmt: skip
