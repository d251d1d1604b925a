"""How a network was made, as plain values, so that a run's folder can make it again."""

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any, Self

import torch
from torch import Tensor, nn

from .config import Config


class Rebuildable(nn.Module):
    """A module that remembers the arguments it was made with.

    Good arguments are plain values, configs, tensors and other rebuildable modules. A tensor comes back as
    zeros of its shape: what matters in it belongs in a buffer, which is saved with the weights. An argument
    called ``weights`` says where the numbers came from; it is forgotten, for a run has its own.
    """

    def __new__(cls, *args: Any, **options: Any) -> Self:
        self = super().__new__(cls)
        vars(self)["_made_with"] = args, options
        return self


def recipe(made: Any) -> Any:
    """What :func:`rebuild` needs, ready for JSON.

    >>> class Net(Rebuildable):
    ...     def __init__(self, width, *, weights=None): super().__init__()
    >>> recipe(Net(8, weights="imagenet"))["arguments"]
    {'width': 8}
    """
    if isinstance(made, Rebuildable):
        args, options = vars(made)["_made_with"]
        positional = dict(zip(inspect.signature(made.__init__).parameters, args, strict=False))  # type: ignore[misc]
        return _named(made, {k: v for k, v in (positional | options).items() if k != "weights"})
    if is_dataclass(made) and not isinstance(made, type):
        return _named(made, {f.name: getattr(made, f.name) for f in fields(made) if f.init})
    if isinstance(made, Tensor):
        return {"tensor": list(made.shape), "dtype": str(made.dtype).removeprefix("torch.")}
    if isinstance(made, Mapping):
        return {str(k): recipe(v) for k, v in made.items()}
    if isinstance(made, list | tuple):
        return [recipe(v) for v in made]
    plain = made is None or isinstance(made, bool | int | float | str)
    return made if plain else {"unknown": type(made).__qualname__}


def _named(made: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    kind = type(made)
    return {"class": f"{kind.__module__}:{kind.__qualname__}", "arguments": recipe(arguments)}


def origin(made: Any) -> str | None:
    """The name of the weights, a file's or a tag, that a network or a part of it was made with.

    >>> class Net(Rebuildable):
    ...     def __init__(self, *, weights=None): super().__init__()
    >>> origin(Net(weights="folder/convnet.safetensors"))
    'convnet.safetensors'
    """
    args, options = vars(made)["_made_with"]
    if options.get("weights") is not None:
        return PurePath(str(options["weights"])).name
    inner = (origin(part) for part in (*args, *options.values()) if isinstance(part, Rebuildable))
    return next((name for name in inner if name), None)


def rebuild(saved: Any) -> Any:
    """Make again what :func:`recipe` describes, with fresh weights. Only networks and configs are made."""
    if isinstance(saved, list):
        return tuple(map(rebuild, saved))
    if not isinstance(saved, Mapping):
        return saved
    if "tensor" in saved:
        return torch.zeros(saved["tensor"], dtype=getattr(torch, saved["dtype"]))
    if "unknown" in saved:
        raise ValueError(f"this {saved['unknown']} does not say how it was made. Make the method yourself "
                         "and give it: run.method(method)")  # fmt: skip
    if "class" not in saved:
        return {k: rebuild(v) for k, v in saved.items()}
    module, _, name = saved["class"].partition(":")
    try:
        kind = importlib.import_module(module)
        for part in name.split("."):
            kind = getattr(kind, part)
    except (ImportError, AttributeError):
        raise ValueError(f"there is no {name} in {module} here. Define it, make the method with it and give "
                         "it: run.method(method)") from None  # fmt: skip
    if not (isinstance(kind, type) and issubclass(kind, Rebuildable | Config)):
        raise ValueError(f"recipe: want a Rebuildable module or a Config, got {saved['class']}")
    return kind(**{k: rebuild(v) for k, v in saved["arguments"].items()})
