"""Files that are there whole or not at all, whenever the process dies."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Let ``write`` fill a file or a folder of another name, bring it to the disk, then give it its name."""
    draft = path.with_name(f".{path.name}.draft")
    if draft.is_dir():
        shutil.rmtree(draft)
    write(draft)
    for file in draft.iterdir() if draft.is_dir() else [draft]:
        with file.open("rb+") as opened:
            os.fsync(opened.fileno())
    draft.replace(path)


def write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def write_weights(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """As safetensors, each tensor laid out plainly."""
    plain = {
        name: x.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, x in tensors.items()
    }
    write_whole(path, lambda draft: save_file(plain, draft))


def read_weights(path: Path) -> dict[str, Tensor]:
    return load_file(path)


def write_checkpoint(folder: Path, number: int, tensors: Mapping[str, Tensor], state: Any) -> None:
    """Checkpoint ``number``; older ones go when it stands."""

    def write(draft: Path) -> None:
        draft.mkdir(parents=True)
        write_weights(draft / "weights.safetensors", tensors)
        torch.save(state, draft / "state.pt")

    folder.mkdir(exist_ok=True)
    write_whole(folder / f"{number:08d}", write)
    for old in sorted(folder.glob("[0-9]*"))[:-1]:
        shutil.rmtree(old)


def read_checkpoint(folder: Path) -> tuple[dict[str, Tensor], Any] | None:
    """Weights and state of the latest checkpoint, on the CPU."""
    if not (found := sorted(folder.glob("[0-9]*"))):
        return None
    state = torch.load(found[-1] / "state.pt", map_location="cpu", weights_only=True)
    return read_weights(found[-1] / "weights.safetensors"), state
