r"""BDA-SketRet: align feature maps by an adversary, semantic features by a bottleneck, classes by a graph.

.. math:: L = L_\mathrm{sem} + \lambda_1 L_\mathrm{spa} + \alpha L_\mathrm{kl} - \beta I(z_s; z_i)
              + \lambda_3 L_\mathrm{topo}

paper: Chaudhuri, Chavan, Banerjee, Dutta and Akata, *BDA-SketRet: Bi-Level Domain Adaptation for Zero-Shot
SBIR*, 2022 (https://arxiv.org/abs/2201.06570): the two levels, "cross-entropy based adversarial" on feature
maps and "a symmetric loss motivated by the information bottleneck" on semantic features, a projection that
preserves topology, with graph convolution, and that one level follows the other. No code of it is public.
ours: every equation, all weights, one backbone for both streams (gates can tell it the modality).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from sbirkit.losses import (
    Gaussian,
    GaussianStream,
    GraphProjection,
    adaptation_ramp,
    bottleneck_divergence,
    class_graph,
    cosine_classification,
    domain_classifier,
    shared_information,
    spatial_adversarial,
    topology_preservation,
    vector_distance,
)

from .backbones import Backbone
from .config import weight
from .gates import attach_gates
from .gathering import gather
from .method import Method, Step, stacked
from .projecting import Projected, projection
from .seeding import named_seed

if TYPE_CHECKING:
    from sbirkit.data.loading import Batch


@dataclass(frozen=True, kw_only=True)
class BDASketRetConfig(Projected):
    """All values are ours.

    Args:
        classification, spatial, divergence, information, topology: weights of the terms; ``divergence`` is
            the bottleneck's alpha, ``information`` its beta.
        temperature: of the cosines with the class projections, and of the information's estimate.
        form, strength: of :func:`.losses.spatial_adversarial`. hidden: channels within its classifier.
        streams: Gaussians whose samples are classified, or, ``"fixed"``, means with deviation 1.
        direction: of the divergence; the paper's is symmetric.
        schedule: level 1 first, level 2 ramped in (paper: "progressively"), or both ``"joint"`` throughout.
        graph, neighbours: which classes the graph joins, see :func:`.losses.class_graph`.
        gates: tell the backbone the modality.
    """

    classification: float = weight(1.0)
    spatial: float = weight(0.1)
    divergence: float = weight(0.001)
    information: float = weight(0.1)
    topology: float = weight(1.0)
    temperature: float = 0.1
    form: Literal["confusion", "reversal"] = "confusion"
    strength: float = 1.0
    hidden: int = 64
    streams: Literal["gaussian", "fixed"] = "gaussian"
    direction: Literal["symmetric", "sketch-photo", "photo-sketch"] = "symmetric"
    schedule: Literal["progressive", "joint"] = "progressive"
    graph: Literal["knn", "tree"] = "knn"
    neighbours: int = 5
    gates: bool = False


class BDASketRet(Method):
    """Two levels of domain adaptation over a graph of the training classes.

    Args:
        vectors: ``(C, W)``, one for each training class, of words or attributes; NaN where there is none.
            None gives each class a direction of its own, and then topology is off, and says so.
        distance: ``(C, C)`` between the training classes, for graph and topology; by default of the vectors.
            Names of unseen classes never enter.
    """

    Options = BDASketRetConfig
    distance: Tensor | None

    def __init__(
        self,
        config: BDASketRetConfig | None = None,
        *,
        backbone: Backbone,
        classes: Sequence[str],
        vectors: Tensor | None = None,
        distance: Tensor | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(config, backbone=backbone, classes=classes, seed=seed)
        c, n = self.config, len(self.classes)
        for name, given in (("vectors", vectors), ("distance", distance)):
            if given is not None and len(given) != n:
                raise ValueError(f"{name}: want a row for each of {n} training classes, got {len(given)}")
        if distance is None and vectors is not None:
            distance = vector_distance(vectors.float())
        self.knows = distance is not None and bool(distance.isfinite().fill_diagonal_(False).any())
        if c.topology and not self.knows:
            warnings.warn("BDASketRet: nothing is known of the classes, so the graph has no edge and "
                          "topology is off. Give vectors=... or distance=...", stacklevel=2)  # fmt: skip
        self.register_buffer("distance", distance)
        inputs = self.dim
        if c.gates:
            self.backbone = attach_gates(backbone, seed=seed)
        self.dim = c.dim or self.dim
        with named_seed(seed, "stream"):
            self.stream = GaussianStream(inputs, self.dim)
            self.stream.mean = projection(inputs, self.dim, seed=seed)
        with named_seed(seed, "adversary"):
            self.adversary = domain_classifier(backbone.map_dim, hidden=c.hidden)
        edges = torch.zeros(n, n)
        if distance is not None and self.knows:
            edges = class_graph(distance, kind=c.graph, k=c.neighbours)
        with named_seed(seed, "classes"):
            self.projections = GraphProjection(torch.eye(n) if vectors is None else vectors, edges, self.dim)

    def embed(self, images: Tensor, modality: str) -> Tensor:
        return self.stream.mean(self.backbone(images, modality))

    def weights(self, step: Step) -> dict[str, float]:
        """Level 2 waits for level 1, where the schedule says so."""
        ramp = adaptation_ramp(step.number / max(step.total, 1), schedule=self.config.schedule)
        given = self.config.weights()
        return given | {name: ramp * given[name] for name in ("divergence", "information")}

    def losses(self, batch: "Batch", *, step: Step) -> dict[str, Tensor]:
        c, n, active = self.config, len(batch.sketch), self.weights(step)
        maps, pooled = self.backbone.both(*stacked((batch.sketch, batch.photo)))
        q = self.stream(pooled) if c.streams == "gaussian" else Gaussian.fixed(self.stream.mean(pooled))
        z = q.mean
        if c.streams == "gaussian":
            z = q.draw(generator=step.generator("bottleneck", step.rank))
        y, projections, terms = (batch.y_sketch, batch.y_photo), self.projections(), {}
        if c.classification:
            parts = [cosine_classification(*part, temperature=c.temperature)
                     for part in ((z[:n], projections, y[0]), (z[n:], projections, y[1]))]  # fmt: skip
            terms["classification"] = torch.stack(parts).mean()
        if c.spatial:
            terms["spatial"] = spatial_adversarial(
                maps[:n], maps[n:], self.adversary, form=c.form, strength=c.strength
            )
        if active["divergence"]:
            sketch, photo = (Gaussian(*(gather(x[part]) for x in q)) for part in (slice(n), slice(n, None)))
            terms["divergence"] = bottleneck_divergence(
                sketch, photo, gather(y[0]), gather(y[1]), direction=c.direction
            )
        if active["information"]:
            rows = (gather(x) for x in (z[:n], z[n:], *y))
            told = shared_information(*rows, temperature=c.temperature, classes=len(self.classes))
            terms["information"] = -told.estimate
        if c.topology and self.knows and self.distance is not None:
            terms["topology"] = topology_preservation(projections, self.distance)
        return terms
