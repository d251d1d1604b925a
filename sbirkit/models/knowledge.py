"""What is known of a class beside its pictures: its place in a taxonomy, its attributes, its word vector."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sbirkit.losses import affinity_of_paths, affinity_of_vectors

from .text import TextTable

if TYPE_CHECKING:
    from sbirkit.data import Catalogue

Paths = list[tuple[str, ...]]


def class_paths(catalogue: "Catalogue", names: Sequence[str]) -> Paths:
    """Of each class, the path to it from below the taxonomy's root; empty where the card has none."""
    told: dict[str, Any] = catalogue.card.get("classes") or {}
    return [tuple(told.get(name, {}).get("path", ())[1:]) for name in names]


def class_vectors(
    catalogue: "Catalogue", names: Sequence[str], table: TextTable | None = None
) -> Tensor | None:
    """``(C, W)``: word vectors from a table, else the card's attributes; NaN for a class that has none.

    None where no class has any.
    """
    if table is not None:
        found = table.encode_text(names)
    else:
        told: dict[str, Any] = catalogue.card.get("classes") or {}
        own = [told.get(name, {}).get("attributes", {}) for name in names]
        kinds = sorted({kind for one in own for kind in one})
        rows = [[one.get(kind, 0.0) if one else torch.nan for kind in kinds] for one in own]
        found = torch.tensor(rows).reshape(len(names), len(kinds))
    return found if found.isfinite().all(1).any() and found.shape[1] else None


def affinity(
    catalogue: "Catalogue",
    names: Sequence[str],
    teacher: Sequence[str],
    *,
    paths: Sequence[Sequence[str]] | None = None,
    table: TextTable | None = None,
) -> Tensor | None:
    """``(C, T)`` affinities of training classes to a teacher's, for :class:`.dsn.DSN`.

    From the taxonomy, where the card and the teacher have one; else from word vectors; else None.

    Args:
        names: the training classes. teacher: names of the teacher's classes. paths: their places.
    """
    own = class_paths(catalogue, names)
    if paths is not None and any(own) and any(paths):
        return affinity_of_paths(own, paths)
    if table is None or not teacher:
        return None
    vectors = table.encode_text(names), table.encode_text(teacher)
    known = all(v.isfinite().all(1).any() for v in vectors)
    return affinity_of_vectors(*vectors) if known else None
