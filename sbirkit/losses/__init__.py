"""The losses of the four methods: one equation, one function, one file, and no other part of sbirkit."""

from .category_memory import CategoryMemory
from .contrastive import projection_head, supervised_contrastive
from .distance import unit_distance
from .distillation import affinity_of_paths, affinity_of_vectors, distil
from .image_text import image_text_contrast
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
from .triplet import cross_modal_triplet

__all__ = [
    "CategoryMemory",
    "MarginNetwork",
    "ModalityTable",
    "affinity_of_paths",
    "affinity_of_vectors",
    "converted",
    "cross_modal_quadruplet",
    "cross_modal_triplet",
    "distil",
    "image_text_contrast",
    "meta_margin_loss",
    "modality_discrimination",
    "orthogonality",
    "projection_head",
    "reconstruction",
    "relation_weights",
    "semantic",
    "split_classes",
    "supervised_contrastive",
    "unit_distance",
]
