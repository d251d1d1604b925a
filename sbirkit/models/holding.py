"""Keep the first stages of a network as pre-training left them: general features, and a shorter way back."""

import inspect
from typing import TYPE_CHECKING, Any

from .backbones import Backbone, Cnn
from .convnet import ConvNet
from .text import Clip

if TYPE_CHECKING:
    Base = Backbone
else:
    Base = object


class Held(Base):
    """A network whose first ``held`` stages do not learn; a recipe says so like any other argument."""

    def __init__(self, *, held: int, **options: Any) -> None:
        super().__init__(**options)
        freeze(self, held)


class HeldCnn(Held, Cnn): ...


class HeldConvNet(Held, ConvNet): ...


class HeldClip(Held, Clip): ...


KINDS: dict[type[Backbone], type[Backbone]] = {Cnn: HeldCnn, ConvNet: HeldConvNet, Clip: HeldClip}


def hold(net: Backbone, stages: int) -> None:
    """Nothing up to the end of the first ``stages`` of ``net.stages`` learns any more; 0 holds nothing.

    Batch normalisation in there goes on normalising as it did, see ``norm`` of :class:`.backbones.Cnn`. Gates
    that are attached afterwards learn. The network becomes one of :data:`KINDS`.

    >>> from sbirkit.models import backbone
    >>> net = backbone("convnet", width=8)
    >>> hold(net, 2)
    >>> sorted({name[:8] for name, p in net.named_parameters() if p.requires_grad and "blocks" in name})
    ['blocks.2', 'blocks.3']
    """
    if not 0 <= stages <= len(net.stages):
        name, most = type(net).__name__, len(net.stages)
        raise ValueError(f"held: want 0 to {most}, the stages of {name}, got {stages}")
    if not stages:
        return
    kind = type(net)
    args, options = vars(net)["_made_with"]
    named = dict(zip(inspect.signature(kind).parameters, args, strict=False))
    freeze(net, stages)
    net.__class__ = KINDS[kind]
    vars(net)["_made_with"] = (), named | options | {"held": stages}


def freeze(net: Backbone, stages: int) -> None:
    """No parameter asks for a gradient, up to the last one of the ``stages``-th stage."""
    last = list(net.stages)[stages - 1] + "."
    parameters = list(net.named_parameters())  # in the order in which pictures pass
    end = max(i for i, (name, _) in enumerate(parameters) if name.startswith(last))
    for _, p in parameters[: end + 1]:
        p.requires_grad_(False)
