"""Keep the first stages of a network as pre-training left them: general features, and a shorter way back."""

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from .backbones import Backbone


def hold(net: "Backbone", stages: int) -> None:
    """Nothing up to the end of the first ``stages`` of ``net.stages`` learns any more; 0 holds nothing.

    Batch normalisation in there goes on normalising as it did, see ``norm`` of :class:`.backbones.Cnn`. Gates
    that are attached afterwards learn. A recipe remembers what is held.

    >>> from sbirkit.models import backbone
    >>> net = backbone("convnet", width=8)
    >>> hold(net, 2)
    >>> sorted({name.split(".")[0] + "." + name.split(".")[1] for name, p in net.named_parameters()
    ...         if p.requires_grad and name.startswith("blocks")})
    ['blocks.2', 'blocks.3']
    """
    if not 0 <= stages <= len(net.stages):
        kind, most = type(net).__name__, len(net.stages)
        raise ValueError(f"held: want 0 to {most}, the stages of {kind}, got {stages}")
    if not stages:
        return
    last = list(net.stages)[stages - 1] + "."
    names = [name for name, _ in net.named_parameters()]  # in the order in which pictures pass
    end = max(i for i, name in enumerate(names) if name.startswith(last))
    parameters: dict[str, nn.Parameter] = dict(net.named_parameters())
    for name in names[: end + 1]:
        parameters[name].requires_grad_(False)
    vars(net)["held"] = stages
