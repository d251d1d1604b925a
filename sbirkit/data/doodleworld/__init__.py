"""Doodle World, the embedded data set: drawn by a vector grammar, owned by nobody, turned by knobs."""

from .world import KNOBS, VERSION, World, family, inhabitants, lineage, splits

__all__ = ["KNOBS", "VERSION", "World", "family", "inhabitants", "lineage", "splits"]
