"""Where a run comes from: versions, machine, data, and the code that made it."""

import hashlib
import inspect
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import torch

from sbirkit import paths

if TYPE_CHECKING:
    from sbirkit.data import Benchmark

PACKAGES = ("sbirkit", "torch", "torchvision", "numpy", "lightning-fabric", "safetensors")
MAKERS = ("losses", "models", "training", "data")


def code_digest(method: type | None = None) -> str:
    """Names the code that makes runs: losses, models, training, data, and a method defined elsewhere."""
    package = paths.Path(paths.__file__).parent
    total = hashlib.sha256()
    for file in sorted(f for part in MAKERS for f in (package / part).rglob("*.py")):
        total.update(file.relative_to(package).as_posix().encode() + b"\0" + file.read_bytes())
    for kind in method.__mro__ if method else ():
        if kind.__module__.split(".")[0] not in ("sbirkit", "torch", "builtins", "abc"):
            try:
                total.update(inspect.getsource(kind).encode())
            except (OSError, TypeError):
                total.update(kind.__qualname__.encode())
    return total.hexdigest()


def git_state() -> dict[str, Any] | None:
    """Commit of the checkout and whether files differ from it; None without a checkout or git."""
    root = paths.checkout()
    if root is None or not shutil.which("git"):
        return None

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain"))}


def manifest(bench: "Benchmark", device: torch.device, **more: Any) -> dict[str, Any]:
    """All that is worth knowing of a run beside its parameters and numbers."""
    cuda = device.type == "cuda"
    return {
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in PACKAGES},
        "platform": f"{platform.system()} {platform.machine()}",
        "device": torch.cuda.get_device_name(device) if cuda else platform.processor() or device.type,
        "threads": torch.get_num_threads(),
        "data": {"name": bench.catalogue.name, "digest": bench.catalogue.digest},
        "benchmark": {"says": repr(bench), "digest": bench.digest},
        "git": git_state(),
        **more,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
