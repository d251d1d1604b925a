r"""MA-SBIR: sketches and photos meet in words; what is left over is a vector for each modality.

.. math:: L = \frac{w_1 L_\mathrm{clip} + w_2 L_\mathrm{sem} + w_3 L_\mathrm{dis} + w_4 L_\mathrm{rec}
              + w_5 L_\mathrm{ort}}{\sum_k w_k}

paper: Lyou, Lee, Kim and Lee, *Modality-Aware Representation Learning for Zero-Shot Sketch-Based Image
Retrieval*, WACV 2024 (https://arxiv.org/abs/2401.04860). released code: github.com/eunyi-lyou/MA-ZS-SBIR; the
weights 1, 0.1, 0.1, 0.02 and 0 are its defaults, and so is the division by their sum. ours: label-aware
targets, a small first table, shuffled captions, given word vectors where there is no text tower.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from sbirkit.data.sampling import Captioned, Items, Pairs, Sampler
from sbirkit.losses import (
    ModalityTable,
    converted,
    image_text_contrast,
    modality_discrimination,
    orthogonality,
    reconstruction,
    semantic,
)
from sbirkit.losses.modality import PHOTO, PHOTO_TEXT, SKETCH, SKETCH_TEXT

from .config import Config, weight
from .gathering import gather
from .method import Method, Step
from .projecting import projection
from .seeding import named_seed
from .text import Clip, TextTable

if TYPE_CHECKING:
    from sbirkit.data.loading import Batch


@dataclass(frozen=True, kw_only=True)
class MASBIRConfig(Config):
    """Weights are those of the released code.

    Args:
        cross_modal, semantic, discriminator, reconstruction, orthogonality: weights of the terms; the total
            is divided by their sum.
        variant: tie pictures to captions (``"category"``), or sketches to their own photos.
        targets: same class or same row is right (ours; released code: ``"diagonal"``).
        captions: the data's own, or "a photo of a <class>." for each (released code).
        deviation: of the first modality table (released code: 1).
        table_rate: learning rate of table and discriminator, times that of the networks (released code: the
            table 5e-3, CLIP 5e-8, which leaves CLIP as it was).
        train_text: let the text tower learn, too.
        detach: keep the meeting point of the semantic term from moving to the pictures.
    """

    cross_modal: float = weight(1.0)
    semantic: float = weight(0.1)
    discriminator: float = weight(0.1)
    reconstruction: float = weight(0.02)
    orthogonality: float = weight(0.0)
    variant: Literal["category", "fine-grained"] = "category"
    targets: Literal["label-aware", "diagonal"] = "label-aware"
    captions: Literal["own", "class"] = "own"
    temperature: float = 0.07
    deviation: float = 0.02
    table_rate: float = 5.0
    train_text: bool = True
    detach: bool = False


class MASBIR(Method):
    """Modality-aware embeddings. No pair of a sketch and a photo is ever used in the ``"category"`` variant.

    ``embed`` gives the *original* features, :meth:`embed_converted` those with a sketch's modality exchanged
    for a photo's; :meth:`embed_text` puts words into the same space.

    Args:
        backbone: a :class:`.text.Clip`, whose text tower reads the captions; or any other.
        text: for other backbones, a vector for each class name; a class without one takes no part in terms
            that need it.
    """

    Options = MASBIRConfig

    def __init__(
        self,
        config: Config | None = None,
        *,
        backbone: nn.Module,
        classes: Sequence[str],
        text: TextTable | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(config, backbone=backbone, classes=classes, seed=seed)
        c, self.text = self.config, text
        self.projection: nn.Module = nn.Identity()
        if text is not None:
            self.projection = projection(self.dim, text.dim, seed=seed)
            self.dim = text.dim
            if c.variant == "category" and not text.encode_text(self.classes).isfinite().all(1).any():
                raise ValueError("text: none of the training classes has a vector; look at its names")
        elif not isinstance(backbone, Clip):
            raise ValueError(f"text: {type(backbone).__name__} reads no captions; give text=TextTable(...), "
                             "a vector for each class name, or take a CLIP backbone")  # fmt: skip
        else:
            for name, p in backbone.net.named_parameters():
                if not name.startswith(("visual.", "logit_scale")):
                    p.requires_grad_(c.train_text and c.variant == "category")
            backbone.net.logit_scale.requires_grad_(False)  # the method has its own
        self.scale = nn.Parameter(torch.tensor(math.log(1 / c.temperature)))
        with named_seed(seed, "modality"):
            self.table = ModalityTable(self.dim, std=c.deviation)
            self.discriminator = nn.Linear(self.dim, self.table.num_embeddings)

    def embed(self, images: Tensor, modality: str) -> Tensor:
        return self.projection(self.backbone(images, modality))

    def embed_converted(self, images: Tensor, modality: str) -> Tensor:
        """As ``embed``, but a sketch is given a photo's modality."""
        z = self.embed(images, modality)
        return converted(z, self.table.weight) if modality == "sketch" else z

    def embed_text(self, texts: Sequence[str]) -> Tensor:
        """``(N, dim)``: captions, or class names where vectors were given; NaN for an unknown name."""
        return (self.backbone if self.text is None else self.text).encode_text(texts)

    def weights(self, step: Step) -> dict[str, float]:
        given = self.config.weights()
        return {name: w / (sum(given.values()) or 1) for name, w in given.items()}

    def groups(self, lr: float) -> list[dict[str, Any]]:
        quick = [*self.table.parameters(), *self.discriminator.parameters()]
        apart = {id(p) for p in quick}
        slow = [p for p in self.parameters() if id(p) not in apart]
        return [{"params": slow, "lr": lr}, {"params": quick, "lr": lr * self.config.table_rate}]

    def sampler(self, items: Items, *, p: int, k: int, seed: int) -> Sampler:
        size = 2 * p * k
        if self.config.variant == "fine-grained":
            paired = len(Pairs(items, size=1, seed=seed))
            return Pairs(items, size=min(p * k, paired), seed=seed)
        return Captioned(items, size=min(size, len(items.rows)), seed=seed)

    def losses(self, batch: "Batch", *, step: Step) -> dict[str, Tensor]:
        c, n = self.config, len(batch.sketch)
        z = self.projection(self.together((batch.sketch, batch.photo)))
        y = torch.cat([batch.y_sketch, batch.y_photo])
        photo = torch.arange(len(z), device=z.device) >= n
        if c.variant == "category":
            image, words = z, self.read(batch)
            v, t = torch.where(photo, PHOTO, SKETCH), torch.where(photo, PHOTO_TEXT, SKETCH_TEXT)
            known = words.isfinite().all(1)
            if not known.all():
                image, words, v, t, y = (x[known] for x in (image, words, v, t, y))
        else:
            image, words, y = z[n:], z[:n], batch.photo_instance
            v, t = torch.full_like(y, PHOTO), torch.full_like(y, SKETCH)
        image, words, v, t, y = map(gather, (image, words, v, t, y))
        table, terms = self.table.weight, {}
        if c.cross_modal:
            scale = self.scale.clamp(max=math.log(100)).exp()  # as CLIP bounds it
            terms["cross_modal"] = image_text_contrast(image, words, y, scale=scale, targets=c.targets)
        if c.semantic:
            terms["semantic"] = semantic(image, words, v, t, table, detach=c.detach)
        if c.discriminator:
            terms["discriminator"] = modality_discrimination(image, words, v, t, table, self.discriminator)
        if c.reconstruction:
            terms["reconstruction"] = reconstruction(image, words, v, t, table)
        if c.orthogonality:
            terms["orthogonality"] = orthogonality(image, words, table, detach=c.detach)
        return terms

    def read(self, batch: "Batch") -> Tensor:
        """``(B, dim)``: each picture's caption, sketches first; its class's vector where those were given."""
        y = torch.cat([batch.y_sketch, batch.y_photo])
        if self.text is not None:
            return self.text.encode_text(self.classes)[y]
        own = (*batch.sketch_caption, *batch.photo_caption)
        names = [f"a photo of a {self.classes[i].replace('_', ' ')}." for i in y.tolist()]
        told = self.config.captions == "own"
        return self.backbone.encode_text(
            [text if told and text else name for text, name in zip(own, names, strict=True)]
        )
