"""Stand-ins for what ImageNet and CLIP give real backbones, learned from Doodle World's other classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from sbirkit.data.sampling import Captioned, Items, Sampler
from sbirkit.losses import cross_entropy, image_text_contrast

from .backbones import Backbone
from .config import Config, weight
from .gathering import gather
from .method import Method, Step
from .text import Clip

if TYPE_CHECKING:
    from sbirkit.data.loading import Batch


@dataclass(frozen=True, kw_only=True)
class PretrainingConfig(Config):
    """``smoothing`` is of the labels that a classifier learns from."""

    pretraining: float = weight(1.0)
    smoothing: float = 0.1


class Classification(Method):
    """As ImageNet's networks were made: tell classes of photos apart. No sketch is looked at."""

    Options = PretrainingConfig

    def __init__(self, config: PretrainingConfig | None = None, *, backbone: Backbone, classes: Sequence[str],
                 seed: int = 0) -> None:  # fmt: skip
        super().__init__(config, backbone=backbone, classes=classes, seed=seed)
        if backbone.classifier is None or backbone.classifier.out_features != len(classes):
            raise ValueError(f"backbone: want one made with classes={len(classes)}")

    def sampler(self, items: Items, *, p: int, k: int, seed: int) -> Sampler:
        columns = (items.label, items.is_sketch, items.instance, items.rows)
        photos = Items(*(column[~items.is_sketch] for column in columns))
        return Captioned(photos, size=2 * p * k, seed=seed)

    def losses(self, batch: "Batch", *, step: Step) -> dict[str, Tensor]:
        logits = self.backbone.classifier(self.backbone(batch.photo, "photo"))
        if not self.config.smoothing:
            return {"pretraining": cross_entropy(logits, batch.y_photo)}
        smooth = nn.functional.cross_entropy(logits, batch.y_photo, label_smoothing=self.config.smoothing)
        return {"pretraining": smooth}


class ImageText(Method):
    """As CLIP was made: pictures of both kinds find their captions, captions their pictures."""

    Options = PretrainingConfig

    def __init__(self, config: PretrainingConfig | None = None, *, backbone: Clip, seed: int = 0) -> None:
        super().__init__(config, backbone=backbone, seed=seed)

    def sampler(self, items: Items, *, p: int, k: int, seed: int) -> Sampler:
        return Captioned(items, size=2 * p * k, seed=seed)

    def losses(self, batch: "Batch", *, step: Step) -> dict[str, Tensor]:
        image = self.together((batch.sketch, batch.photo))
        text = self.backbone.encode_text([*batch.sketch_caption, *batch.photo_caption])
        scale = self.backbone.net.logit_scale.exp().clamp(max=100)
        return {"pretraining": image_text_contrast(gather(image), gather(text), scale=scale)}
