"""What happened in each step: one line of JSON, written every few steps so that the device need not wait."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .files import write_whole


class Diverged(ArithmeticError):
    """A term of the loss is no longer a number."""

    def __init__(self, step: int, term: str, value: float) -> None:
        super().__init__(step, term, value)
        self.step, self.term, self.value = step, term, value

    def __str__(self) -> str:
        return f"step {self.step}: the term {self.term!r} is {self.value}"


class History:
    """Collects each step's scalars on the device and fetches them together.

    Args:
        path: a file of JSON lines. start: steps before this one are kept, later ones came after the
            checkpoint and are dropped. writes: False in all processes but the first.
    """

    def __init__(self, path: Path, *, start: int = 0, writes: bool = True) -> None:
        self.path, self.writes = path, writes
        self._waiting: list[tuple[dict[str, Any], list[str], Tensor]] = []
        if writes:
            kept = [line for line in read_history(path) if line["step"] < start]
            text = "".join(json.dumps(line) + "\n" for line in kept)
            write_whole(path, lambda draft: draft.write_text(text))

    def add(self, known: Mapping[str, Any], loss: Tensor, terms: Mapping[str, Tensor]) -> None:
        """One step: what the CPU knows, the loss, and its terms before weighting."""
        values = [x.detach().reshape(()).float() for x in (*terms.values(), loss)]
        self._waiting.append((dict(known), [*terms, "loss"], torch.stack(values)))

    def flush(self) -> dict[str, float]:
        """Write what waits; returns the latest scalars. A value that is not finite raises after writing."""
        if not self._waiting:
            return {}
        fetched = iter(torch.cat([x for *_, x in self._waiting]).tolist())
        waiting, self._waiting = self._waiting, []
        latest: dict[str, float] = {}
        for known, names, _ in waiting:
            latest = {name: next(fetched) for name in names}
            sound = {name: value if math.isfinite(value) else None for name, value in latest.items()}
            self.note(**known, **sound)
            for name, value in latest.items():
                if not math.isfinite(value):
                    raise Diverged(known["step"], name, value)
        return latest

    def note(self, **line: Any) -> None:
        """One line of its own."""
        if self.writes:
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")


def read_history(path: Path) -> list[dict[str, Any]]:
    """The lines of a history; what a kill cut off is left out."""
    lines = path.read_text().split("\n")[:-1] if path.is_file() else []
    return [json.loads(line) for line in lines]
