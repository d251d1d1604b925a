"""Where a run comes from: versions, machine, data, and the code that made it."""

import ast
import hashlib
import inspect
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import torch

from sbirkit import paths

if TYPE_CHECKING:
    from sbirkit.data import Benchmark

PACKAGES = ("sbirkit", "torch", "torchvision", "numpy", "lightning-fabric", "safetensors")
# What a run depends on beside its method; pictures and splits are named by the digests of the data.
MAKERS = ("losses/*.py", "data/augment.py", "data/loading.py", "data/sampling.py", "data/streams.py",
          "training/config.py", "training/evaluation.py", "training/loop.py",
          *(f"models/{name}.py" for name in (
              "backbones", "config", "convnet", "gates", "gathering", "heads", "method", "projecting",
              "seeding", "text", "weights")))  # fmt: skip


def code_digest(method: type | None = None) -> str:
    """Names the code that makes a run: losses, batches, loop, networks, and the method itself.

    Comments, docstrings and empty lines do not count, nor do the files of other methods.
    """
    package = paths.Path(paths.__file__).parent
    modules = {kind.__module__.split(".", 1)[-1] for kind in (method.__mro__ if method else ())}
    own = {f"{name.replace('.', '/')}.py" for name in modules if name.startswith("models.")}
    total = hashlib.sha256()
    for file in sorted({f for part in (*MAKERS, *own) for f in package.glob(part)}):
        total.update(file.relative_to(package).as_posix().encode() + b"\0")
        total.update("\n".join(code_lines(file.read_text(encoding="utf-8"))).encode())
    for kind in method.__mro__ if method else ():
        if kind.__module__.split(".")[0] not in ("sbirkit", "torch", "builtins", "abc"):
            total.update(_source(kind).encode())
    return total.hexdigest()


def _source(kind: type) -> str:
    """What a class of the user's own says. In a notebook Python finds no source of a class, only of its
    functions; an edited term must not open the run of the old one.
    """
    said = [kind.__qualname__]
    parts: list[Any] = [kind, *(f for f in vars(kind).values() if inspect.isfunction(f))]
    for part in parts:
        try:
            said.append(inspect.getsource(part))
        except (OSError, TypeError):
            continue
        if part is kind:
            return said[-1]
    return "\n".join(said)


@cache
def code_lines(source: str) -> list[str]:
    """The lines that do something.

    >>> code_lines('def f():\\n    "Says."\\n\\n    return 1  # one\\n')
    ['def f():', '    return 1  # one']
    """
    lines = dict(enumerate(source.splitlines(), 1))
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            for n in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1):
                lines.pop(n)
    return [line for line in lines.values() if line.strip() and not line.lstrip().startswith("#")]


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
        "git": paths.git_state(),
        **more,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
