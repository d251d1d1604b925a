"""Which parameters each term of a loss moves."""

from typing import TYPE_CHECKING

import torch

from sbirkit.models.method import Method, Step

if TYPE_CHECKING:
    from sbirkit.data.loading import Batch


def reach(method: Method, batch: "Batch", *, step: Step) -> dict[str, set[str]]:
    """The names of the parameters to which each term sends a gradient that is not zero.

    ``{name.split(".")[0] for name in reach(...)["triplet"]}`` says which parts of the network a term trains.
    """
    names, parameters = zip(*((n, p) for n, p in method.named_parameters() if p.requires_grad), strict=True)
    found = {}
    for term, value in method.losses(batch, step=step).items():
        gradients: tuple = (None,) * len(names)
        if value.requires_grad:
            gradients = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
        found[term] = {n for n, g in zip(names, gradients, strict=True) if g is not None and g.any()}
    return found
