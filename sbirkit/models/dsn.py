r"""DSN, the domain-smoothing network: contrast over augmented views, a memory of sketches, a frozen teacher.

.. math:: L = L_\mathrm{cls} + L_\mathrm{kd} + 0.1\, L_\mathrm{con} + L_\mathrm{mem}

paper: Wang, Wang, Yan, Wu and Deng, *Domain-Smoothing Network for Zero-Shot Sketch-Based Image Retrieval*,
IJCAI 2021 (https://arxiv.org/abs/2106.11841). released code: github.com/haowang1992/DSN; the weights above,
temperature, slots, ``kappa`` and ``nu`` are its defaults. ours: gates for any backbone, balanced batches, and
the memory as the text means it; ``memory_gradient`` and ``memory_write`` bring the released behaviour back.
"""

import warnings
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from sbirkit.data.augment import Augment
from sbirkit.data.sampling import Items, Sampler, Uniform
from sbirkit.losses import CategoryMemory, cross_entropy, distil, projection_head, supervised_contrastive

from .backbones import Backbone
from .config import weight
from .gates import attach_gates
from .gathering import gather
from .heads import embedding
from .method import Method, Step
from .projecting import Projected, classifier, projection
from .seeding import named_seed

if TYPE_CHECKING:
    from sbirkit.data.loading import Batch

VIEW = Augment(
    geometry=0.7, flip=0.5, scale=0.3, rotate=30, shift=10 / 224, each=0.5,
    brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, jitter=0.8, grayscale=0.2,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DSNConfig(Projected):
    """Defaults are those of the released code, but for ``dim`` (64 there, 512 in the paper's tables).

    Args:
        classification, distillation, contrastive, memory: weights of the terms.
        gates: tell the backbone the modality (the paper's CSE blocks, or gates after each stage).
        head: what the contrastive term sees: the embedding itself (released code), or a projection of it by
            one layer or two (paper: a fully connected head).
        temperature: of the contrastive term. kappa, nu: of the teacher's logits, and of the affinities.
        slots: sketches that the memory keeps of each class.
        memory_gradient, memory_write: as the paper means them, or as the released code has them.
        empty: forget the memory at the start of every epoch (released code).
        sampling: ``p x k`` balanced (ours); or two shuffled decks, a third of the batch sketches.
    """

    classification: float = weight(1.0)
    distillation: float = weight(1.0)
    contrastive: float = weight(0.1)
    memory: float = weight(1.0)
    gates: bool = True
    head: Literal["none", "linear", "mlp"] = "none"
    temperature: float = 0.07
    kappa: float = 1.0
    nu: float = 0.3
    slots: int = 10
    memory_gradient: Literal["intended", "released"] = "intended"
    memory_write: Literal["correct", "released"] = "correct"
    empty: bool = True
    sampling: Literal["balanced", "released"] = "balanced"


class DSN(Method):
    """Classification, distillation, contrast and memory on one shared backbone that knows the modality.

    The embedding starts as the teacher's classifier, factorised (released code), where the backbone comes
    with one; the same classifier is the frozen teacher's. Without one the distillation is off, and says so.

    Args:
        affinity: ``(C, T)``, of the training classes to the teacher's, see :func:`.knowledge.affinity`; None
            distils the teacher's plain logits.
    """

    Options = DSNConfig
    affinity: Tensor | None
    teacher: Any

    def __init__(
        self,
        config: DSNConfig | None = None,
        *,
        backbone: Backbone,
        classes: Sequence[str],
        affinity: Tensor | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(config, backbone=backbone, classes=classes, seed=seed)
        c = self.config
        inputs, teaches = self.dim, getattr(backbone, "classifier", None)
        if c.distillation and teaches is None:
            warnings.warn("DSN: the backbone has no classifier to learn from, so distillation is off. "
                          "Make it with classes=... and weights that hold one.", stacklevel=2)  # fmt: skip
        # The teacher is not part of the network's state: retrieval does not need it.
        vars(self)["teacher"] = deepcopy(backbone).requires_grad_(False).eval() if teaches else None
        if affinity is not None and (teaches is None or len(affinity) != len(self.classes)):
            raise ValueError(f"affinity: want a row for each of {len(self.classes)} classes and a backbone "
                             f"with a classifier, got {tuple(affinity.shape)}")  # fmt: skip
        self.register_buffer("affinity", affinity)
        if c.gates:
            self.backbone = attach_gates(backbone, seed=seed)
        self.projection: nn.Module = nn.Identity()
        self.head: nn.Module | None = None
        if c.dim:
            self.projection = projection(inputs, c.dim, seed=seed)
            self.dim = c.dim
        if teaches is not None:  # where it starts must not depend on a weight
            if c.dim and c.dim <= min(teaches.weight.shape):
                with named_seed(seed, "embedding"):  # of its biases
                    self.projection, self.head = embedding(teaches, inputs, c.dim)
            else:
                with named_seed(seed, "head"):
                    self.head = nn.Linear(self.dim, teaches.out_features)
        self.classifier = classifier(self.dim, self.classes, seed=seed)
        with named_seed(seed, "contrast"):
            wide = projection_head(self.dim, hidden=c.head == "mlp")
            self.contrast: nn.Module = nn.Identity() if c.head == "none" else wide
        self.memory = CategoryMemory(
            len(self.classes), inputs, slots=c.slots, write=c.memory_write, gradient=c.memory_gradient
        )
        self._latest: tuple[Tensor, ...] = ()

    def embed(self, images: Tensor, modality: str) -> Tensor:
        return self.projection(self.backbone(images, modality))

    def sampler(self, items: Items, *, p: int, k: int, seed: int) -> Sampler:
        if self.config.sampling == "balanced":
            return super().sampler(items, p=p, k=k, seed=seed)
        third = max(1, round(2 * p * k / 3))
        return Uniform(items, sketches=third, photos=max(1, 2 * p * k - third), seed=seed)

    def views(self) -> Sequence[Augment]:
        return (VIEW, VIEW) if self.config.contrastive else ()

    def begin_epoch(self, epoch: int) -> None:
        if self.config.empty:
            self.memory.empty()

    def losses(self, batch: "Batch", *, step: Step) -> dict[str, Tensor]:
        c, n = self.config, len(batch.y_sketch)
        y = torch.cat([batch.y_sketch, batch.y_photo])
        features = self.together((batch.sketch, batch.photo), *batch.views)
        embedded = self.projection(features)
        f, e = features[: len(y)], embedded[: len(y)]  # of the plain view
        self._latest = f[:n].detach(), batch.y_sketch, f[n:].detach(), batch.y_photo
        terms = {}
        if c.classification:
            terms["classification"] = cross_entropy(self.classifier(e), y)
        if c.distillation and self.head is not None:
            rows = None if self.affinity is None else self.affinity[batch.y_photo]
            terms["distillation"] = distil(
                self.head(e[n:]), self.taught(batch.photo), rows, kappa=c.kappa, nu=c.nu
            )
        if c.contrastive:
            z, labels = self.contrast(embedded[len(y) :]), y.repeat(len(batch.views))
            terms["contrastive"] = supervised_contrastive(
                gather(z), gather(labels), temperature=c.temperature
            )
        if c.memory:
            terms["memory"] = self.memory(gather(f[n:]), gather(batch.y_photo))
        return terms

    @torch.no_grad()
    def taught(self, photo: Tensor) -> Tensor:
        """``(P, T)`` logits of the frozen teacher."""
        teacher = self.teacher.to(photo.device)
        return teacher.classifier(teacher(photo, "photo"))

    def after_step(self, batch: "Batch", step: Step) -> None:
        """ours: the memory is written after the step; released code: before the loss reads it."""
        if self.config.memory:
            self.memory.remember(*map(gather, self._latest))
