"""How hard each term of a loss pulls: a term that hardly pulls cannot be tested by taking it away."""

from copy import deepcopy
from typing import TYPE_CHECKING

import torch

from sbirkit.data.loading import Loader
from sbirkit.data.sampling import Items
from sbirkit.models.method import Method, Step
from sbirkit.training import TrainConfig
from sbirkit.training.evaluation import default_device

if TYPE_CHECKING:
    from sbirkit.data import Benchmark


def pulls(
    method: Method, bench: "Benchmark", config: TrainConfig, *, batches: int = 3, late: bool = True
) -> dict[str, float]:
    r"""Each term's part of the gradient that reaches what embeds a picture, :math:`\theta`.

    .. math:: \rho_k = \frac{\lVert w_k \nabla_\theta L_k \rVert}{\sum_j \lVert w_j \nabla_\theta L_j \rVert}

    The parts say how strong the terms are, not whether they agree: two of one half each may cancel out.

    Args:
        method: untouched; a copy of it is asked.
        config: of the batches. batches: how many, of which the mean is taken.
        late: ask with the weights of the last step; some terms have none in the first.

    Returns:
        The parts, by term, with a sum of 1. A term that reaches only its own parameters has 0.
    """
    if batches < 1:
        raise ValueError(f"batches: want 1 or more, got {batches}")
    device = default_device()
    asked = deepcopy(method).to(device).train()
    sampler = asked.sampler(Items.of(bench), p=config.p, k=config.k, seed=config.seed)
    loader = Loader(bench, sampler, size=config.size, augment=config.recipe(), views=asked.views(), workers=0)
    theta = [p for n, p in asked.named_parameters() if p.requires_grad and n.startswith(EMBEDDING)]
    total = max(config.steps, 1)
    length: dict[str, float] = {}
    for index in range(batches):
        batch = loader.batch(0, index % len(loader)).to(device)
        for phase in asked.phases:
            number = total - 1 if late else 0
            step = Step(number=number, epoch=0, total=total, seed=config.seed, phase=phase, device=device)
            torch.manual_seed(config.seed + index)
            weights = asked.weights(step)
            for name, term in asked.losses(batch, step=step).items():
                slopes = (
                    torch.autograd.grad(term, theta, retain_graph=True, allow_unused=True)
                    if term.requires_grad
                    else ()
                )
                square = sum(float(s.square().sum()) for s in slopes if s is not None)
                length[name] = length.get(name, 0.0) + weights[name] * square**0.5
        asked.after_step(batch, step)
    whole = sum(length.values()) or 1.0
    return {name: part / whole for name, part in length.items()}


EMBEDDING = ("backbone.", "projection.", "stream.")
