r"""RAMLN: a quadruplet with two negatives of different modalities, and a margin learned by meta-learning.

.. math:: L = w_q\, L_\mathrm{qua}(R(x)) + w_c\, L_\mathrm{ce} + w_m\, L_\mathrm{meta}

paper: Liu, Du, Gao and Han, *Relation-Aware Meta-Learning for Zero-Shot Sketch-Based Image Retrieval*, 2024
(https://arxiv.org/abs/2412.00120): the quadruplet, a margin per input that an external memory decides, the
meta-learning, an auxiliary cross-entropy. No code, no table and no hyper-parameter of it is public.
ours: everything that these words leave open, so all numbers below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from sbirkit.losses import (
    MarginNetwork,
    cross_entropy,
    cross_modal_quadruplet,
    meta_margin_loss,
    split_classes,
)

from .config import Config, weight
from .gathering import gather
from .method import Step
from .projecting import Projected, Projecting, classifier
from .seeding import named_seed

if TYPE_CHECKING:
    from sbirkit.data.loading import Batch


@dataclass(frozen=True, kw_only=True)
class RAMLNConfig(Projected):
    """All values are ours.

    Args:
        quadruplet, classification, meta: weights of the terms.
        balance: of the two negatives; 0 is the anchor's own modality alone, 1 the other alone.
        hinge: one around both negatives (paper), or one around each.
        mining: batch-hard, or all quadruplets that are active.
        stress: how much more a related wrong class weighs; relations are cosines of the classifier's rows.
        margin: ``"learned"`` between ``low`` and ``high``, or ``"fixed"`` at ``fixed``.
        memory: keyed by ``slots`` of them, by class and modality, or ``"off"``: the anchor alone decides.
        inner, outer, softness: of :func:`.losses.meta_margin_loss`: its step, the margin of its test, the
            sharpness of its hinge.
    """

    quadruplet: float = weight(1.0)
    classification: float = weight(1.0)
    meta: float = weight(1.0)
    balance: float = 0.5
    hinge: Literal["joint", "split"] = "joint"
    mining: Literal["hard", "all"] = "hard"
    stress: float = 1.0
    margin: Literal["learned", "fixed"] = "learned"
    fixed: float = 0.3
    low: float = 0.1
    high: float = 0.5
    memory: Literal["slots", "classes", "off"] = "slots"
    slots: int = 64
    inner: float = 0.1
    outer: float = 0.3
    softness: float = 10.0


class RAMLN(Projecting):
    """Quadruplet, learned margin, episodes. An episode is a batch whose classes are split in two."""

    Options = RAMLNConfig

    def __init__(self, config: Config | None = None, *, classes: Sequence[str], **options: Any) -> None:
        super().__init__(config, classes=classes, **options)
        c = self.config
        if not c.dim:
            raise ValueError("dim: RAMLN takes its virtual step on the projection; want 1 or more, got 0")
        self.classifier = classifier(self.dim, self.classes, seed=self.seed)
        by_class = c.memory == "classes"
        with named_seed(self.seed, "margins"):
            self.margins = MarginNetwork(
                self.dim, keyed="classes" if by_class else "slots", low=c.low, high=c.high,
                size=len(self.classes) if by_class else c.slots,
            )  # fmt: skip
        self._latest: tuple[Tensor, ...] = ()

    def losses(self, batch: "Batch", *, step: Step) -> dict[str, Tensor]:
        c, n = self.config, len(batch.sketch)
        features = self.together((batch.sketch, batch.photo))
        embedded = self.projection(features)
        y = gather(batch.y_sketch), gather(batch.y_photo)
        pair = gather(embedded[:n]), gather(embedded[n:])
        self._latest = pair[0].detach(), pair[1].detach(), *y
        terms = {}
        if c.quadruplet:
            terms["quadruplet"] = cross_modal_quadruplet(
                *pair, *y, margin=self.margin(*pair, *y), balance=c.balance, hinge=c.hinge, mining=c.mining,
                relation=self.relation() if c.stress else None, stress=c.stress,
            )  # fmt: skip
        if c.classification:
            labels = torch.cat([batch.y_sketch, batch.y_photo])
            terms["classification"] = cross_entropy(self.classifier(embedded), labels)
        if c.meta and c.margin == "learned":
            terms["meta"] = meta_margin_loss(
                self.projection, self.margins, gather(features[:n]), gather(features[n:]), *y,
                test_classes=split_classes(*y, generator=step.generator("episode")),
                step=c.inner, margin=c.outer, kappa=c.softness, balance=c.balance, hinge=c.hinge,
            )  # fmt: skip
        return terms

    def margin(self, sketch: Tensor, photo: Tensor, y_sketch: Tensor, y_photo: Tensor) -> Tensor | float:
        """One for each anchor, sketches first. Only the meta term teaches the network that gives them."""
        if self.config.margin == "fixed":
            return self.config.fixed
        return self.margins(sketch, photo, y_sketch, y_photo).detach()

    def relation(self) -> Tensor:
        """``(C, C)``: how alike the classifier's classes are, as cosines. ours."""
        rows = F.normalize(self.classifier.weight.detach().float(), dim=1)
        return rows @ rows.T

    def after_step(self, batch: "Batch", step: Step) -> None:
        if self.config.margin == "learned" and self.config.memory != "off":
            self.margins.write(*self._latest)
