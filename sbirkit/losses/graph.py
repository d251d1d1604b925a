"""BDA-SketRet: a graph over the classes, and a projection for each of them that knows its neighbours."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._check import check_choice, check_range


def vector_distance(vectors: Tensor) -> Tensor:
    r"""``(C, C)`` Euclidean distances of class vectors, of words or attributes.

    .. math:: d_{ij} = \lVert w_i - w_j \rVert

    ours: a class with NaN in its vector, a missing one, has NaN for its distances.

    >>> vector_distance(torch.tensor([[0.0, 0.0], [3.0, 4.0], [float("nan"), 0.0]]))
    tensor([[0., 5., nan],
            [5., 0., nan],
            [nan, nan, nan]])
    """
    if vectors.ndim != 2 or not vectors.is_floating_point():
        got = f"{tuple(vectors.shape)} {vectors.dtype}"
        raise ValueError(f"vectors: want (C, W) floats, a row per class, got {got}")
    wide = vectors.double()
    return torch.cdist(wide, wide, compute_mode="donot_use_mm_for_euclid_dist").float()


def path_distance(paths: Sequence[Sequence[str]]) -> Tensor:
    r"""``(C, C)`` steps between places in a taxonomy, up to the common ancestor and down again.

    ours: a class is the path to it from below the root, as in :func:`affinity_of_paths`; an empty path is a
    class that the taxonomy lacks and has NaN for its distances.

    >>> path_distance([("animal", "cat"), ("animal", "dog"), ("tool",), ()])
    tensor([[0., 2., 3., nan],
            [2., 0., 3., nan],
            [3., 3., 0., nan],
            [nan, nan, nan, nan]])
    """
    if any(isinstance(path, str) for path in paths):
        raise TypeError("paths: want a sequence of names per class, ('animal', 'cat'), got a string")

    def steps(a: Sequence[str], b: Sequence[str]) -> float:
        shared = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        return len(a) + len(b) - 2.0 * shared if a and b else float("nan")

    return torch.tensor([[steps(a, b) for b in paths] for a in paths]).reshape(len(paths), len(paths))


def class_graph(
    distance: Tensor, *, kind: Literal["knn", "tree"] = "knn", k: int = 5, temperature: float | None = None
) -> Tensor:
    r"""``(C, C)`` weights of the edges between near classes, the other entries zero.

    .. math:: A_{ij} = A_{ji} = \exp(-d_{ij}^2 / T) \text{ if } j \text{ is one of the } k \text{ nearest of }
              i \text{ or the reverse, or } ij \text{ is in the minimum spanning tree}

    paper: "graph convolution" is a keyword. released code (the first author's earlier one): a minimum
    spanning tree of word-vector distances. ours: ``"knn"`` too, a tie to the lower class id; fewer classes
    than ``k`` are all joined; a class whose distances are NaN stays without an edge.

    Args:
        distance: ``(C, C)``, of :func:`vector_distance`, :func:`path_distance` or any other.
        temperature: ``T`` above; default the mean square of the distances.

    >>> class_graph(torch.tensor([[0.0, 1.0, 4.0], [1.0, 0.0, 3.0], [4.0, 3.0, 0.0]]), k=1, temperature=9.0)
    tensor([[0.0000, 0.8948, 0.0000],
            [0.8948, 0.0000, 0.3679],
            [0.0000, 0.3679, 0.0000]])
    """
    check_choice("kind", kind, ("knn", "tree"))
    check_range("k", k, 1)
    check_distance(distance)
    d = distance.detach().cpu().double()
    known = d.isfinite() & ~torch.eye(len(d), dtype=torch.bool)
    if kind == "knn":
        nearest = d.where(known, torch.inf).argsort(dim=1, stable=True)[:, :k]
        chosen = torch.zeros_like(known).scatter(1, nearest, True) & known
    else:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import minimum_spanning_tree

        # one is added since scipy takes a distance of zero for "no edge"; the tree is the same
        edges = coo_array((1 + d[known].numpy(), tuple(known.nonzero().T.numpy())), shape=d.shape)
        chosen = torch.from_numpy(minimum_spanning_tree(edges.tocsr()).toarray() > 0)
    if temperature is None:
        temperature = float(d[known].square().sum() / known.sum().clamp(min=1)) or 1.0
    check_range("temperature", temperature, 1e-12)
    return torch.where(chosen | chosen.T, (-d.square() / temperature).exp(), 0).float().to(distance.device)


def normalised(graph: Tensor) -> Tensor:
    r"""``(C, C)``: :math:`\hat A = D^{-1/2} (A + I) D^{-1/2}`, with :math:`D` the row sums of :math:`A + I`.

    Reference: Kipf & Welling, *Semi-Supervised Classification with Graph Convolutional Networks*, 2017.

    >>> normalised(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    tensor([[0.5000, 0.5000],
            [0.5000, 0.5000]])
    """
    linked = graph + torch.eye(len(graph), device=graph.device, dtype=graph.dtype)
    scale = linked.sum(1).rsqrt()
    return scale[:, None] * linked * scale


class GraphProjection(nn.Module):
    r"""``()`` to ``(C, dim)``: a projection per class, by two graph convolutions over the class vectors.

    .. math:: P = \hat A\, \operatorname{relu}(\hat A\, W\, \Theta_1)\, \Theta_2

    paper: "topology-preserving semantic projection network"; its depth and widths are not known. ours: two
    layers with biases; rows of ``W`` scaled to length one; a missing vector (NaN) becomes a learnable one, so
    that such classes stay apart; one lies ready for every class, so that no shape depends on what is missing.
    Give it seen classes only: unseen names must not enter training.

    Args:
        vectors: ``(C, W)``. graph: ``(C, C)``, of :func:`class_graph`. hidden: inner width, default ``dim``.

    >>> GraphProjection(torch.eye(3), torch.zeros(3, 3), 8)().shape
    torch.Size([3, 8])
    """

    vectors: Tensor
    missing: Tensor
    spread: Tensor

    def __init__(self, vectors: Tensor, graph: Tensor, dim: int, *, hidden: int | None = None) -> None:
        super().__init__()
        if vectors.ndim != 2 or graph.shape != (len(vectors), len(vectors)):
            got = f"{tuple(vectors.shape)} and {tuple(graph.shape)}"
            raise ValueError(f"vectors, graph: want (C, W) and (C, C), got {got}")
        check_distance(graph)
        width, known = vectors.shape[1], vectors.isfinite().all(1)
        self.register_buffer("vectors", F.normalize(vectors.float().where(known[:, None], 0), dim=1))
        self.register_buffer("missing", ~known)
        self.register_buffer("spread", normalised(graph.float()))
        self.inner = nn.Linear(width, hidden or dim)
        self.outer = nn.Linear(hidden or dim, dim)
        self.stand_in = nn.Parameter(F.normalize(torch.randn(len(vectors), width), dim=1))

    def forward(self) -> Tensor:
        nodes = torch.where(self.missing[:, None], self.stand_in, self.vectors)
        with torch.autocast(nodes.device.type, enabled=False):
            return self.spread @ self.outer(F.relu(self.spread @ self.inner(nodes)))


def check_distance(distance: Tensor) -> None:
    """Check that ``(C, C)`` numbers between classes are symmetric, not negative, or NaN."""
    square = distance.ndim == 2 and distance.shape[0] == distance.shape[1]
    if not square or not torch.allclose(distance, distance.T, equal_nan=True) or (distance < 0).any():
        got = "another matrix" if square else tuple(distance.shape)
        raise ValueError(f"distance, graph: want (C, C), symmetric, no negative number, got {got}")
