"""Pooled features, then one linear layer: the embedding of most methods."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from .config import Config
from .method import Method
from .seeding import named_seed


@dataclass(frozen=True, kw_only=True)
class Projected(Config):
    """``dim`` is the width of the embedding; 0 leaves the backbone's features as they are."""

    dim: int = 128


class Projecting(Method):
    """A method whose embedding is a linear layer on the backbone's pooled features.

    ours: the layer starts orthogonal, so that at step 0 cosines are those of the frozen features, or, where
    it narrows them, of a random projection of these.
    """

    Options = Projected

    def __init__(
        self,
        config: Config | None = None,
        *,
        backbone: nn.Module,
        classes: Sequence[str] = (),
        seed: int = 0,
    ) -> None:
        super().__init__(config, backbone=backbone, classes=classes, seed=seed)
        self.projection: nn.Module = nn.Identity()
        if self.config.dim:
            self.projection = projection(self.dim, self.config.dim, seed=seed)
            self.dim = self.config.dim

    def embed(self, images: Tensor, modality: str) -> Tensor:
        return self.projection(self.backbone(images, modality))


def projection(inputs: int, dim: int, *, seed: int) -> nn.Linear:
    """A linear layer that starts orthogonal, without a shift.

    >>> layer = projection(8, 8, seed=0)
    >>> round((layer.weight @ layer.weight.T).trace().item(), 4)
    8.0
    """
    with named_seed(seed, "projection"):
        layer = nn.Linear(inputs, dim)
        nn.init.orthogonal_(layer.weight)
        nn.init.zeros_(layer.bias)
    return layer


def classifier(dim: int, classes: Sequence[str], *, seed: int) -> nn.Linear:
    """Logits of the training classes."""
    if not classes:
        raise ValueError("classes: want the names of the training classes, bench.train_classes")
    with named_seed(seed, "classifier"):
        return nn.Linear(dim, len(classes))
