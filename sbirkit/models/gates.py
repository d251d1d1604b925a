"""One network for two modalities, with gates that know which one they see.

paper (DSN): its CSE-ResNet-50 is an SE-ResNet-50 that is told the modality. released code (DSN): a one-bit
tag, sketch 0 and photo 1, joins what the second layer of every SE block sees; its column starts at zero, so
the network starts as the plain one. ours: gates of the same kind for networks that have no SE blocks.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .backbones import Backbone, Told
from .seeding import named_seed

TAG = {"sketch": 0.0, "photo": 1.0}


class Tagged(nn.Module):
    """Something that must be told the modality; :class:`Gated` does so in every pass."""

    _tag: Tensor | None = None

    @property
    def tag(self) -> Tensor:
        """``(B, 1)``, or ``(1, 1)`` where all pictures are of one modality."""
        if self._tag is None:
            raise RuntimeError("this backbone has gates: call the network that attach_gates returned")
        return self._tag


class TaggedLayer(Tagged):
    r"""The second layer of an SE block, which sees the tag :math:`t` as well.

    .. math:: W [z; t] + b = (W_z z + b) + t\,w, \quad w = 0 \text{ at first}

    The column ``w`` is added on its own: at step 0 the block is the plain one bit for bit, which a wider
    matrix product need not be.
    """

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        self.plain = plain
        self.column = nn.Parameter(torch.zeros(plain.out_channels))

    def forward(self, z: Tensor) -> Tensor:
        y = self.plain(z)
        return y + (self.tag * self.column)[:, :, None, None].to(y.dtype)


class Gate(Tagged):
    r"""Weigh the channels of a map, or of a transformer's tokens, by what is in them and by the tag. ours.

    .. math:: x \cdot 2\,\sigma(V\,[\phi(U \bar x);\, t] + c), \quad V = 0,\ c = 0 \text{ at first}

    so at step 0 every channel is multiplied by exactly 1. :math:`\bar x` is the mean over places, and
    :math:`\phi` is SiLU: of few ReLUs all may be dead from the start.

    >>> gate, x = Gate(nn.Identity(), 8), torch.randn(2, 8, 4, 4)
    >>> gate._tag = torch.ones(1, 1)
    >>> torch.equal(gate(x), x)
    True
    """

    def __init__(self, stage: nn.Module, channels: int, *, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(channels // reduction, 4)
        self.stage = stage
        self.squeeze = nn.Linear(channels, hidden)
        self.excite = nn.Linear(hidden + 1, channels)
        nn.init.zeros_(self.excite.weight)
        nn.init.zeros_(self.excite.bias)

    def forward(self, *args: Tensor, **options: Tensor) -> Tensor:
        x = self.stage(*args, **options)  # (B, C, h, w) or (B, tokens, C)
        places = (2, 3) if x.ndim == 4 else (1,)
        z = nn.functional.silu(self.squeeze(x.mean(dim=places)))
        excited = self.excite(torch.cat([z, self.tag.to(z).expand(len(z), 1)], dim=1))
        scale = 2 * excited.sigmoid()  # (B, C)
        return x * (scale[:, :, None, None] if x.ndim == 4 else scale[:, None])


class Gated(Backbone):
    """A backbone with gates: in its SE blocks where it has them, else after each of its stages.

    The backbone given becomes part of this one and changes in place.
    """

    def __init__(self, backbone: Backbone) -> None:
        nn.Module.__init__(self)
        if not isinstance(backbone, Backbone):
            raise TypeError(f"backbone: want a Backbone, got {type(backbone).__name__}")
        if any(isinstance(m, Tagged) for m in backbone.modules()):
            raise ValueError("backbone: it has gates already")
        self.backbone = backbone
        self.dim, self.map_dim, self.stages = backbone.dim, backbone.map_dim, backbone.stages
        if blocks := [m for m in backbone.modules() if hasattr(m, "fc1") and hasattr(m, "fc2")]:
            for block in blocks:
                block.fc2 = TaggedLayer(block.fc2)  # type: ignore[arg-type]
        else:
            for name, channels in backbone.stages.items():
                backbone.set_submodule(name, Gate(backbone.get_submodule(name), channels))

    @property
    def classifier(self) -> nn.Linear | None:  # type: ignore[override]
        return self.backbone.classifier

    def prepare(self, images: Tensor) -> Tensor:
        return self.backbone.prepare(images)

    def run(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.backbone.run(x)

    def both(self, images: Tensor, modality: Told) -> tuple[Tensor, Tensor]:
        with self._telling(modality, images.device):
            return super().both(images, modality)

    @contextmanager
    def _telling(self, modality: Told, device: torch.device) -> Iterator[None]:
        gates = [m for m in self.modules() if isinstance(m, Tagged)]
        tag = modality if isinstance(modality, Tensor) else torch.tensor([TAG.get(modality, 0.0)])
        for gate in gates:
            gate._tag = tag[:, None].to(device, torch.float32)
        try:
            yield
        finally:
            for gate in gates:
                gate._tag = None


def attach_gates(backbone: Backbone, *, seed: int = 0) -> Gated:
    """Let ``backbone`` know the modality. At step 0 the features are the plain ones, bit for bit."""
    with named_seed(seed, "gates"):
        return Gated(backbone)
