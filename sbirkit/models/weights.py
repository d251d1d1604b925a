"""Where a network's numbers come from: a file, a hub, or nowhere."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".npz")
CLASSIFIERS = ("fc.", "last_linear.", "classifier.1.")  # what other libraries call `classifier.`


def is_file(weights: str | Path | None) -> bool:
    """Whether ``weights`` means a file; otherwise it is the tag of a download, such as ``"imagenet"``."""
    return isinstance(weights, Path) or Path(weights or "").suffix in SUFFIXES


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """``{name: tensor}`` from safetensors, from torch's own format or from ``.npz``. No file can run code."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"weights: there is no file {path}")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
        if path.suffix not in SUFFIXES:
            raise ValueError(f"want one of {', '.join(SUFFIXES)}")
        state = torch.load(path, map_location="cpu", weights_only=True)
        state = state.get("state_dict", state)
        return {name.removeprefix("module."): tensor for name, tensor in state.items()}
    except Exception as error:  # each library has errors of its own
        reason = str(error).partition("\n")[0]
        raise ValueError(f"weights: {path} cannot be read as named tensors: {reason}") from error


def load_weights(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Fill ``network`` from a ``state`` with its own names, or with those of the library its ``net`` is from.

    Everything must be there and fit, but for counters, and for a classifier that the network lacks.
    """
    own, given = network.state_dict(), {}
    for name, tensor in state.items():
        head = next((c for c in CLASSIFIERS if name.startswith(c)), "")
        if head:
            given["classifier." + name.removeprefix(head)] = tensor
        elif name in own or name.startswith("classifier."):
            given[name] = tensor
        else:
            given["net." + name] = tensor
    if "classifier.weight" not in own:
        given = {k: v for k, v in given.items() if not k.startswith("classifier.")}
    free = {k for k in own if k in ("mean", "std") or k.endswith("num_batches_tracked")}
    wrong = [f"lacks {k}" for k in own if k not in given and k not in free]
    wrong += [f"has {k}, which the network has not" for k in given if k not in own]
    wrong += [
        f"has {k} as {tuple(v.shape)}, the network as {tuple(own[k].shape)}"
        for k, v in given.items()
        if k in own and v.shape != own[k].shape
    ]
    if wrong:
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ValueError(f"weights: they are of another network. The file {'; it '.join(wrong[:3])}{more}")
    network.load_state_dict(given, strict=False)


@contextmanager
def downloading(name: str, tag: str, source: str) -> Iterator[None]:
    """A failed download in here says what else can be done. ``source`` is where the file may be fetched."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise ConnectionError(
            f"weights: {tag!r} of {name} is not on this disk and could not be downloaded "
            f"({str(error).partition(chr(10))[0]}). Do one of three things: run this once with a connection, "
            f"it is kept; fetch it from {source} on another machine and give the file, weights='FILE'; or "
            "start from random numbers, weights=None."
        ) from error
