"""What a method is: a way to embed pictures, and the terms of a loss."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from sbirkit.data.sampling import Items, PxK, Sampler

from .config import Config
from .recipe import Rebuildable
from .seeding import generator

if TYPE_CHECKING:
    from sbirkit.data import Benchmark
    from sbirkit.data.augment import Augment
    from sbirkit.data.loading import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Where training stands: step ``number`` of ``total``, both counted from 0 as in ``range``."""

    number: int
    epoch: int
    total: int
    seed: int
    phase: str = "all"
    rank: int = 0  # of this process
    device: torch.device | str = "cpu"

    def generator(self, *names: str | int) -> torch.Generator:
        """Random numbers for one purpose in this step, the same in every process.

        A term that draws noise for its own rows adds ``step.rank`` to the names.
        """
        return generator(self.seed, "step", self.number, *names, device=self.device)


class Method(Rebuildable, ABC):
    """A network with its loss. Two verbs, :meth:`embed` and :meth:`losses`; the rest is optional.

    What must survive an interruption (a memory, a count) is a parameter or a buffer. Modules are made inside
    ``with named_seed(seed, "projection")``, so that no module's first weights depend on another's.

    Args:
        config: hyper-parameters; each term of the loss has its weight there.
        backbone: a network with ``dim`` and ``forward(images, modality) -> (B, dim)``.
        classes: names of the training classes, ``bench.train_classes``, where the method needs them.
        seed: of the first weights.
    """

    Options: ClassVar[type[Config]] = Config  # the kind of its config
    phases: ClassVar[tuple[str, ...]] = ("all",)
    backbone: Any

    def __init__(
        self,
        config: Config | None = None,
        *,
        backbone: nn.Module,
        classes: Sequence[str] = (),
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.config: Any = self.Options() if config is None else config
        if not isinstance(self.config, self.Options):
            wanted, got = self.Options.__name__, type(config).__name__
            raise TypeError(f"config: {type(self).__name__} wants a {wanted}, got {got}")
        self.backbone, self.classes, self.seed = backbone, tuple(classes), seed
        self.dim: int = backbone.dim  # type: ignore[assignment]

    def embed(self, images: Tensor, modality: str) -> Tensor:
        """``(B, C, H, W)`` uint8 pictures of one modality to ``(B, dim)``; retrieval compares by cosine."""
        return self.backbone(images, modality)

    def together(self, *pairs: tuple[Tensor, Tensor]) -> Tensor:
        """Pooled features of all pictures in one pass, so that batch normalisation sees both modalities.

        Args:
            pairs: (sketches, photos), of a batch and of its views.

        Returns:
            ``(N, backbone.dim)``, pair by pair, sketches first.
        """
        return self.backbone(*stacked(*pairs))

    @abstractmethod
    def losses(self, batch: "Batch", *, step: Step) -> dict[str, Tensor]:
        """The terms, not weighted: name -> scalar. One whose weight is 0 is not computed and not named."""

    def weights(self, step: Step) -> dict[str, float]:
        """What each term counts in this step; by default what the config says."""
        return self.config.weights()

    # Optional hooks -------------------------------------------------------------------------------------

    def groups(self, lr: float) -> list[dict[str, Any]]:
        """Parameters with their learning rate, as for an optimiser; those that need no gradient are skipped.

        With several ``phases`` every step goes through them in order, asking for the losses each time
        (``step.phase``); a group may name its ``"phase"``, and is then moved in that phase only.
        """
        return [{"params": list(self.parameters()), "lr": lr}]

    def sampler(self, items: Items, *, p: int, k: int, seed: int) -> Sampler:
        """Which pictures make a batch: ``p`` classes, all where there are fewer, ``k`` of each modality."""
        return PxK(items, p=min(p, len(set(items.label))), k=k, seed=seed)

    def views(self) -> Sequence["Augment"]:
        """One recipe for each further view of a batch's pictures, found in ``batch.views``."""
        return ()

    def start(self, bench: "Benchmark") -> None:
        """Before the first step, and again when training resumes, before the saved weights are loaded."""

    def begin_epoch(self, epoch: int) -> None:
        """Before the first batch of an epoch."""

    def after_step(self, batch: "Batch", step: Step) -> None:
        """After the optimiser has moved: a memory's write, say. With several processes, gather first."""


def stacked(*pairs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """All pictures in one pile, ``(N, 3, H, W)``, and each one's tag: 0 for a sketch, 1 for a photo."""
    images = torch.cat([x.expand(-1, 3, -1, -1) for pair in pairs for x in pair])
    tags = [x.new_full((len(x),), m, dtype=torch.float32) for pair in pairs for m, x in enumerate(pair)]
    return images, torch.cat(tags)
