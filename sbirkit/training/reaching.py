"""A first look at a loss: one batch, and which parameters each term moves."""

from typing import TYPE_CHECKING

import torch

from sbirkit.models.method import Method, Step

if TYPE_CHECKING:
    from sbirkit.data import Benchmark
    from sbirkit.data.loading import Batch


def first_batch(
    method: Method, bench: "Benchmark", *, p: int = 8, k: int = 2, size: int | None = None, seed: int = 0
) -> tuple["Batch", Step]:
    """A batch as the method asks for it, without augmentation, and a first step: to look at its losses.

    >>> batch, step = first_batch(method, bench)  # doctest: +SKIP
    >>> method.losses(batch, step=step)  # doctest: +SKIP

    Args:
        p, k: ``k`` sketches and photos of ``p`` classes. size: of the pictures; default the smallest stored.
    """
    from sbirkit.data.loading import Loader
    from sbirkit.data.sampling import Items

    sampler = method.sampler(Items.of(bench), p=p, k=k, seed=seed)
    size = size or min(bench.catalogue.sizes)
    batch = Loader(bench, sampler, size=size, views=method.views(), workers=0).batch(0, 0)
    device = next(method.parameters()).device
    return batch.to(device), Step(number=0, epoch=0, total=1, seed=seed, device=device)


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
