"""The inhabitants: one module per family, one function per class.

A class is named after its function. ``BENCHMARK`` classes are what methods are compared on;
``PRETRAINING`` classes are a disjoint population that stands in for the pictures behind ImageNet and CLIP.
"""

from importlib import import_module

_NAMES = (
    *("vehicle", "craft", "mammal", "feather_and_fin", "crawler", "plant", "building", "household"),
    *("tool", "clothing", "music", "food"),  # in the pre-training population only
)
FAMILIES = {name: import_module(f"{__name__}.{name}") for name in _NAMES}
