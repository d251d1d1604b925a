"""The inhabitants: one module per family, one function per class.

A class is named after its function. ``BENCHMARK`` classes are what methods are compared on;
``PRETRAINING`` classes are a disjoint population that stands in for ImageNet and CLIP's pictures.
"""
