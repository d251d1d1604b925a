"""What any method has to beat: no training, classification, and the plain cross-modal triplet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from sbirkit.losses import cross_entropy, cross_modal_triplet

from .config import Config, weight
from .gathering import gather
from .method import Method, Step
from .projecting import Projected, Projecting, classifier

if TYPE_CHECKING:
    from sbirkit.data.loading import Batch


class Frozen(Method):
    """The backbone's pooled features as they are; those of a fresh backbone are the untrained baseline."""

    def __init__(self, config: Config | None = None, *, backbone: nn.Module, seed: int = 0) -> None:
        super().__init__(config, backbone=backbone, seed=seed)
        self.requires_grad_(False)

    def losses(self, batch: "Batch", *, step: Step) -> dict[str, Tensor]:
        return {}


@dataclass(frozen=True, kw_only=True)
class SoftmaxConfig(Projected):
    softmax: float = weight(1.0)


class Softmax(Projecting):
    """Tell the seen classes apart, with one linear classifier for both modalities."""

    Options = SoftmaxConfig

    def __init__(self, config: Config | None = None, *, classes: Sequence[str], **options: Any) -> None:
        super().__init__(config, classes=classes, **options)
        self.classifier = classifier(self.dim, self.classes, seed=self.seed)

    def losses(self, batch: "Batch", *, step: Step) -> dict[str, Tensor]:
        if not self.config.softmax:
            return {}
        x = self.projection(self.together((batch.sketch, batch.photo)))
        y = torch.cat([batch.y_sketch, batch.y_photo])
        return {"softmax": cross_entropy(self.classifier(x), y)}


@dataclass(frozen=True, kw_only=True)
class TripletConfig(Projected):
    triplet: float = weight(1.0)
    margin: float = 0.2
    mining: Literal["all", "hard"] = "all"


class Triplet(Projecting):
    """A sketch nearer to photos of its class than to others: :func:`.losses.cross_modal_triplet`."""

    Options = TripletConfig

    def losses(self, batch: "Batch", *, step: Step) -> dict[str, Tensor]:
        if not self.config.triplet:
            return {}
        rows = self.projection(self.together((batch.sketch, batch.photo)))
        rows = rows[: len(batch.sketch)], rows[len(batch.sketch) :]
        every = [gather(x) for x in (*rows, batch.y_sketch, batch.y_photo)]
        margin, mining = self.config.margin, self.config.mining
        return {"triplet": cross_modal_triplet(*every, margin=margin, mining=mining)}
