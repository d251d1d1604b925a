"""The losses of the four methods: one equation, one function, one file, and no other part of sbirkit."""

from .adversarial import (
    domain_accuracy,
    domain_classifier,
    domain_confusion,
    domain_error,
    spatial_adversarial,
)
from .category_memory import CategoryMemory
from .classification import cosine_classification, cross_entropy
from .contrastive import projection_head, supervised_contrastive
from .distance import unit_distance
from .distillation import affinity_of_paths, affinity_of_vectors, distil
from .graph import GraphProjection, class_graph, path_distance, vector_distance
from .image_text import image_text_contrast
from .information_bottleneck import (
    Gaussian,
    GaussianStream,
    Information,
    adaptation_ramp,
    bottleneck_divergence,
    shared_information,
    standard_kl,
)
from .margin_memory import MarginNetwork
from .meta import meta_margin_loss, split_classes
from .modality import (
    ModalityTable,
    converted,
    modality_discrimination,
    orthogonality,
    reconstruction,
    semantic,
)
from .quadruplet import cross_modal_quadruplet, relation_weights
from .topology import class_distance, rank_correlation, topology_preservation
from .triplet import cross_modal_triplet

__all__ = [
    "CategoryMemory",
    "Gaussian",
    "GaussianStream",
    "GraphProjection",
    "Information",
    "MarginNetwork",
    "ModalityTable",
    "adaptation_ramp",
    "affinity_of_paths",
    "affinity_of_vectors",
    "bottleneck_divergence",
    "class_distance",
    "class_graph",
    "converted",
    "cosine_classification",
    "cross_entropy",
    "cross_modal_quadruplet",
    "cross_modal_triplet",
    "distil",
    "domain_accuracy",
    "domain_classifier",
    "domain_confusion",
    "domain_error",
    "image_text_contrast",
    "meta_margin_loss",
    "modality_discrimination",
    "orthogonality",
    "path_distance",
    "projection_head",
    "rank_correlation",
    "reconstruction",
    "relation_weights",
    "semantic",
    "shared_information",
    "spatial_adversarial",
    "split_classes",
    "standard_kl",
    "supervised_contrastive",
    "topology_preservation",
    "unit_distance",
    "vector_distance",
]
