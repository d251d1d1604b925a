"""The inhabitants: one module per family, one function per class.

A class is named after its function. ``BENCHMARK`` classes are what methods are compared on;
``PRETRAINING`` classes are a disjoint population that stands in for the pictures behind ImageNet and CLIP.
"""

from . import building, clothing, craft, crawler, feather_and_fin, food, household, mammal, music, plant, tool, vehicle

FAMILIES = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        vehicle, craft, mammal, feather_and_fin, crawler, plant, building, household, tool, clothing, music, food,
    )
}  # fmt: skip
