"""How a check speaks: what is right, what is off, and which idea is missing."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Hint = tuple[Callable[..., Any], str]  # a usual mistake, computed, and what it lacks


def judge(right: bool, said: str, hint: str) -> None:
    judge_quietly(right, said, hint)
    print("✓ right")


def judge_quietly(right: bool, said: str, hint: str) -> None:
    if not right:
        raise AssertionError(f"{said} Hint: {hint}")


def untouched(answer: Any) -> bool:
    if answer is None:
        print("○ not attempted yet (if you did: is there a `return`?)")
    return answer is None


def hint_for(given: Sequence[Any], cases: Sequence[Any], mistakes: Sequence[Hint], otherwise: str) -> str:
    """The hint of the first mistake that gives what was given, in every case."""
    for mistake, hint in mistakes:
        if all(np.allclose(got, mistake(*case), atol=1e-4) for got, case in zip(given, cases, strict=True)):
            return hint
    return otherwise


def match(
    student: Callable[..., Any],
    right: Callable[..., Any],
    cases: Sequence[Any],
    mistakes: Sequence[Hint],
    otherwise: str,
) -> None:
    """The student's answer against ours in every case; the hint is that of the mistake that was made."""
    if untouched(student(*cases[0])):
        return
    given = [np.asarray(student(*case), dtype=float) for case in cases]
    want = [np.asarray(right(*case), dtype=float) for case in cases]
    if given[0].shape != want[0].shape:
        said = f"got the shape {given[0].shape}, want {want[0].shape}."
        judge(False, said, otherwise)
    off = [float(np.abs(a - b).max()) for a, b in zip(given, want, strict=True)]
    worst = int(np.argmax(np.nan_to_num(off, nan=np.inf)))
    said = f"it is off by {off[worst]:.4f} in case {worst + 1} of {len(cases)}."
    judge(all(x < 1e-4 for x in off), said, hint_for(given, cases, mistakes, otherwise))


def draws(n: int, *shapes: tuple[int, ...]) -> list[list["Tensor"]]:
    """``n`` cases of random tensors with these shapes."""
    import torch

    made = torch.Generator().manual_seed(0)
    return [[torch.randn(shape, generator=made) for shape in shapes] for _ in range(n)]
