"""How fast the papers' own networks train and embed here: what the dry run reckons the costs with."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sbirkit.runs.dryrun import benchmark, operations, paper_arm, prepare
from sbirkit.runs.papers import Plan

from .check import OPTIONAL, advice, missing
from .throughput import bare, begin_memory, looped, making, peak_memory, timed

if TYPE_CHECKING:
    from .check import How

MODULES = {"dsn": "timm", "masbir": "open_clip"}  # networks that are not torchvision's


def paper(how: "How", name: str) -> dict[str, Any]:
    """One paper's network, batch, views and precision, on a stand-in for Sketchy that lies on the device."""
    module = MODULES.get(name, "")
    if module and (lacking := missing({module: OPTIONAL[module]})):
        return {"says": f"not measured: {', '.join(lacking)} missing", "checks": [],
                "measured": {"failed": advice(lacking)}}  # fmt: skip
    plan, size = Plan.of(name, "sketchy"), 64 if how.quick else 224
    times = 1 if how.quick else 20 if how.device == "cuda" else 2
    few: dict[str, Any] = {"p": 2, "k": 1} if how.quick else {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        bench = benchmark(
            plan, prepare("sketchy", [name], folder, size=size, others=14 if how.quick else 125)
        )
        method, config = paper_arm(plan, bench, folder, size=size, device=how.device, select_every=0,
                                   checkpoint_every=0, warmup=1, **few | {"steps": 8 * times})  # fmt: skip
        found: dict[str, Any] = {
            "network": plan.value("network"),
            "size": size,
            "precision": config.precision,
            "operations a picture": operations(method, size),
        }
        begin_memory(how.device)
        found |= looped(method, bench, config, folder=folder / "run", times=times)
        found["memory"] = peak_memory(how.device)
        found["made on the CPU, images_per_second"] = making(bench, method, config, times=max(1, times // 10))
        found["embedded images_per_second"] = embedding(method, size, how.device, quick=how.quick)
        plain = paper_arm(plan, bench, folder, size=size)[0].backbone
        found["bare images_per_second"] = bare(
            plain,
            pictures=int(found["pictures_per_step"]),
            size=size,
            precision=config.precision,
            device=how.device,
            times=times,
        )
    found["of bare"] = found["images_per_second"] / found["bare images_per_second"]
    found["operations a second"] = 3 * found["operations a picture"] * found["images_per_second"]
    rate = f"{found['images_per_second']:,.0f} images/s, {found['of bare']:.0%} of bare"
    return {"says": f"{found['network']} at {size} px: {rate}", "measured": found, "checks": []}


@torch.inference_mode()
def embedding(method: Any, size: int, device: str, *, quick: bool) -> float:
    """Pictures a second that are embedded, in fp32 and batches of 256 as the evaluation does."""
    n = 4 if quick else 256 if device == "cuda" else 8
    images = torch.zeros(n, 3, size, size, dtype=torch.uint8, device=device)
    method.eval()
    return n / timed(
        lambda: method.embed(images, "photo"), 1 if quick or device != "cuda" else 20, device=device
    )
