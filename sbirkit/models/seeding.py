"""Named random numbers for torch: each purpose has its own, so switching one off changes no other."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sbirkit.data.streams import stream


def named_number(seed: int, *names: str | int) -> int:
    """A seed for torch that depends on ``seed`` and ``names`` alone."""
    return int(stream(seed, *names).integers(2**63))


@contextmanager
def named_seed(seed: int, *names: str | int) -> Iterator[None]:
    """Make modules in here, on the CPU: their first weights depend on ``seed`` and ``names`` alone.

    >>> with named_seed(0, "projection"):
    ...     one = torch.nn.Linear(2, 2)
    >>> with named_seed(0, "classifier"), named_seed(0, "projection"):
    ...     two = torch.nn.Linear(2, 2)
    >>> torch.equal(one.weight, two.weight)
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(named_number(seed, *names))
        yield


def generator(seed: int, *names: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator for one purpose."""
    return torch.Generator(device).manual_seed(named_number(seed, *names))
