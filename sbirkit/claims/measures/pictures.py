"""Which pictures a measurement looks at, as vectors with what is known of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from sbirkit.data.streams import stream
from sbirkit.losses.modality import PHOTO, SKETCH, meaning
from sbirkit.training.evaluation import embed_rows

if TYPE_CHECKING:
    from sbirkit.data import Benchmark
    from sbirkit.models.method import Method

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
SUBTRACTED = "subtracted"  # a verb of ours: MA-SBIR's embedding without its modality


@dataclass(frozen=True, eq=False)
class Pictures:
    """Embedded pictures of one part of a benchmark.

    Attributes:
        vectors: ``(N, D)``, rows of length one. labels: ``(N,)`` ids into ``classes``.
        is_sketch: ``(N,)``. instance: ``(N,)``, the same for a sketch and its own photo, else unique.
    """

    vectors: Floats
    labels: NDArray[np.int64]
    is_sketch: Bools
    instance: NDArray[np.str_]
    classes: tuple[str, ...]


def unit(vectors: ArrayLike) -> Floats:
    r"""``(N, D)``: :math:`x / \lVert x \rVert` for every row; a row of zeros stays.

    >>> unit([[3.0, 4.0], [0.0, 0.0]]).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    x = rows_of(vectors)
    return x / np.linalg.norm(x, axis=1, keepdims=True).clip(min=1e-12)


def rows_of(vectors: ArrayLike, *told: Any) -> Floats:
    """``(N, D)`` finite float64 rows, after a check that everything told has an entry for each."""
    x = np.asarray(vectors, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"vectors: want (N, D), got {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"vectors: want finite numbers, {int((~np.isfinite(x)).any(1).sum())} rows are not")
    if wrong := [shape for one in told if (shape := np.shape(one)) != (len(x),)]:
        raise ValueError(f"labels, modality: want ({len(x)},), an entry for each vector, got {wrong[0]}")
    return x


def checked(vectors: ArrayLike, *told: Any) -> tuple[Any, ...]:
    """Unit rows, and as arrays everything told of them."""
    return (unit(rows_of(vectors, *told)), *map(np.asarray, told))


def taken(bench: "Benchmark", part: str, *, each: int, seed: int) -> NDArray[np.int64]:
    """Rows of at most ``each`` sketches and ``each`` photos of every class, drawn by individuals.

    A sketch and its own photo come together. The draw depends on the class and ``seed`` alone, so that every
    arm of a comparison is measured on the same pictures.

    Args:
        part: ``"unseen"``, ``"selection"`` or ``"seen_test"``.
    """
    if each < 1:
        raise ValueError(f"each: want 1 or more, got {each}")
    rows, catalogue = np.concatenate([bench.queries(part), bench.gallery_rows(part)]), bench.catalogue
    labels, sketch = catalogue.labels[rows], catalogue.column("modality")[rows] == "sketch"
    who, kept = individuals(bench, rows), []
    for label in np.unique(labels):
        order = stream(seed, "measure", catalogue.classes[label]).permutation(np.unique(who[labels == label]))
        place = {name: k for k, name in enumerate(order)}
        for kind in (True, False):
            mine = rows[(labels == label) & (sketch == kind)]
            names = who[(labels == label) & (sketch == kind)]
            kept.append(mine[np.argsort([place[name] for name in names], kind="stable")[:each]])
    return np.unique(np.concatenate(kept)) if kept else rows


def individuals(bench: "Benchmark", rows: NDArray[np.int64]) -> NDArray[np.str_]:
    """A name for what each row shows: its class and instance, or the row itself."""
    label, instance = bench.catalogue.column("label")[rows], bench.catalogue.column("instance")[rows]
    named = [f"{c}/{i}" if i else f"row {r}" for r, c, i in zip(rows, label, instance, strict=True)]
    return np.array(named, dtype=str)


def embedded(
    method: "Method", bench: "Benchmark", rows: NDArray[np.int64], *, size: int, verb: str = "embed"
) -> Pictures:
    """The rows as a method sees them, through one of its verbs or :data:`SUBTRACTED`."""
    if verb == SUBTRACTED:
        if not hasattr(method, "table"):
            raise ValueError(f"verb: {SUBTRACTED!r} wants a method with a modality table, such as MA-SBIR; "
                             f"{type(method).__name__} has none")  # fmt: skip
        vectors = read(method, _without_modality, bench, rows, size=size)
    else:
        vectors = embed_rows(method, bench.catalogue, rows, size=size, verb=verb)
    catalogue = bench.catalogue
    present, labels = np.unique(catalogue.labels[rows], return_inverse=True)
    return Pictures(
        unit(vectors),
        labels,
        catalogue.column("modality")[rows] == "sketch",
        individuals(bench, rows),
        tuple(catalogue.classes[k] for k in present),
    )


def read(
    method: "Method",
    look: Callable[["Method", Tensor, str], Tensor],
    bench: "Benchmark",
    rows: NDArray[np.int64],
    *,
    size: int,
) -> NDArray[np.float32]:
    """``(len(rows), D)``: what ``look(method, images, modality)`` finds in each picture."""
    return embed_rows(_Looking(method, look), bench.catalogue, rows, size=size)  # type: ignore[arg-type]


class _Looking(nn.Module):
    """A method whose ``embed`` is a look at something within it."""

    def __init__(self, method: "Method", look: Callable[["Method", Tensor, str], Tensor]) -> None:
        super().__init__()
        self.method, self.look, self.dim = method, look, method.dim
        self.training = method.training

    def embed(self, images: Tensor, modality: str) -> Tensor:
        return self.look(self.method, images, modality)


def _without_modality(method: Any, images: Tensor, modality: str) -> Tensor:
    z = method.embed(images, modality)
    tag = torch.full((len(z),), SKETCH if modality == "sketch" else PHOTO, device=z.device)
    return meaning(z, tag, method.table.weight)
