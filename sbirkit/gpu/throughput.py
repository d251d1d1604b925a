"""How fast a method trains, beside the least that its network needs: bare forward and backward passes."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sbirkit.data.loading import Batch, Loader
from sbirkit.models.backbones import Backbone
from sbirkit.models.gates import Gated
from sbirkit.models.method import Method
from sbirkit.training.config import TrainConfig
from sbirkit.training.loop import _batches, _fabric, _Loop, _repeatable

if TYPE_CHECKING:
    from sbirkit.data import Benchmark


def timed(work: Callable[[], Any], times: int, *, device: str, warm: int = 1) -> float:
    """Seconds that one call takes, of ``times`` in a row after ``warm`` ones, until the device is done."""
    for _ in range(warm):
        work()
    wait(device)
    start = time.perf_counter()
    for _ in range(times):
        work()
    wait(device)
    return (time.perf_counter() - start) / times


def wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def begin_memory(device: str) -> None:
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_memory(device: str) -> dict[str, Any]:
    """The most that was held: by torch on the GPU since :func:`begin_memory`, or by this process ever."""
    if device == "cuda":
        return {"bytes": torch.cuda.max_memory_allocated(), "reserved": torch.cuda.max_memory_reserved()}
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return {"bytes": None}
    return {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "of": "the whole process"}


def bare(network: Backbone, *, pictures: int, size: int, precision: str, device: str, times: int) -> float:
    """Pictures a second of forward and backward passes on one random tensor: no data, loss or optimiser.

    A network with gates is told one modality throughout.
    """
    network = network.to(device).train()
    x = torch.randn(pictures, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)
    kind = torch.bfloat16 if precision == "bf16-mixed" else None

    def work() -> None:
        told = network._telling("photo", x.device) if isinstance(network, Gated) else nullcontext()
        with told, torch.autocast(device, kind) if kind else nullcontext():
            out = network.run(x)[1]
        out.float().square().mean().backward()
        network.zero_grad(set_to_none=True)

    return pictures / timed(work, times, device=device, warm=max(2, times // 4))


def looped(
    method: Method, bench: "Benchmark", config: TrainConfig, *, folder: Path, times: int
) -> dict[str, float]:
    """Pictures a second of the loop that ``fit`` runs, all views counted, and where the rest goes.

    ``waiting`` is the fraction of a step that goes away when the same batch is used again and again: what it
    costs that batches are chosen, augmented and brought to the device.
    """
    fabric = _fabric(config)
    device = fabric.device.type
    folder.mkdir(parents=True, exist_ok=True)
    with _repeatable(fabric.device):
        loop = _Loop(method, bench, config, folder, fabric, False)
        loop.method.train()

        def step(batches: Iterator[Batch]) -> None:
            batch = next(batches)
            if batch.index == 0:
                loop.method.begin_epoch(batch.epoch)
            loop.train(batch.to(fabric.device))
            loop.done += 1
            if loop.done % config.log_every == 0:
                loop.look()

        live = _batches(loop.loader, 0)
        with closing(live):
            seconds = timed(lambda: step(live), times, device=device, warm=max(2, times // 4))
            pictures = loop.images // loop.done
            same = repeat(next(live).to(fabric.device))
        free = timed(lambda: step(same), times, device=device)
    return {
        "images_per_second": pictures / seconds, "seconds_per_step": seconds, "pictures_per_step": pictures,
        "waiting": max(0.0, 1 - free / seconds), "resident": float(loop.loader.resident is not None),
    }  # fmt: skip


def making(bench: "Benchmark", method: Method, config: TrainConfig, *, times: int) -> float:
    """Pictures a second that one thread makes on the CPU, as where the pixels do not fit on the device."""
    from sbirkit.data.sampling import Items

    sampler = method.sampler(Items.of(bench), p=config.p, k=config.k, seed=config.seed)
    loader = Loader(
        bench, sampler, size=config.size, augment=config.recipe(), views=method.views(), workers=0
    )
    first = loader.batch(0, 0)
    pictures = (len(first.sketch) + len(first.photo)) * (1 + len(first.views))
    n = len(loader)
    turn = iter(range(10**9))
    return pictures / timed(lambda: loader.batch(0, next(turn) % n), times, device="cpu")


def compiled(method: Method) -> Method:
    """The same method with its network compiled, before :func:`.training.fit`. Weights keep their names.

    Numbers may differ in the last digit from those of the network as it is, so a run's parameters should say
    that it was compiled: give it a folder of its own, ``fit(..., out=...)``.
    """
    inner = getattr(method.backbone, "blocks", None) or getattr(method.backbone, "net", method.backbone)
    core: nn.Module = getattr(inner, "visual", inner)
    core.compile()
    return method
