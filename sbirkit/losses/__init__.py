"""The losses of the four methods: one equation, one function, one file, and no other part of sbirkit."""

from .distance import unit_distance
from .margin_memory import MarginNetwork
from .meta import meta_margin_loss, split_classes
from .quadruplet import cross_modal_quadruplet, relation_weights
from .triplet import cross_modal_triplet

__all__ = [
    "MarginNetwork",
    "cross_modal_quadruplet",
    "cross_modal_triplet",
    "meta_margin_loss",
    "relation_weights",
    "split_classes",
    "unit_distance",
]
