"""DSN (after SAKE): a frozen teacher's soft labels, raised for the classes akin to the photo's own."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ._check import check_range, check_same_width, widen


def distil(
    student: Tensor,
    teacher: Tensor,
    affinity: Tensor | None = None,
    *,
    keep: Tensor | None = None,
    kappa: float = 1.0,
    nu: float = 0.3,
) -> Tensor:
    r"""Cross-entropy to the teacher's distribution, with its logits shifted by class affinities.

    .. math:: L = -\frac{1}{|I|} \sum_{i \in I} t_i^\top \log \operatorname{softmax}(g_i), \quad
              t_i = \operatorname{softmax}(\kappa\, T_i + \nu\, a_{y_i})

    paper, released code: photos only, ``I``; ``kappa`` 1 and ``nu`` 0.3, after SAKE (Liu et al., 2019).
    ours: ``affinity=None`` is the plain teacher. The teacher gets no gradient.

    Args:
        student: ``(N, T)`` logits over the teacher's classes. teacher: ``(N, T)`` its logits, same pictures.
        affinity: ``(N, T)``, the rows ``a[y]`` of :func:`affinity_of_paths` or :func:`affinity_of_vectors`.
        keep: ``(N,)`` bool, the photos; default every row.

    >>> logits = torch.zeros(1, 2)
    >>> round(distil(logits, logits, torch.tensor([[1.0, 0.0]])).item(), 4)
    0.6931
    """
    keep = torch.ones(len(student), dtype=torch.bool, device=student.device) if keep is None else keep
    raised = torch.zeros_like(teacher) if affinity is None else affinity
    shapes = [tuple(x.shape) for x in (student, teacher, raised, keep)]
    if student.ndim != 2 or shapes != [*[tuple(student.shape)] * 3, (len(student),)]:
        raise ValueError(f"student, teacher, affinity, keep: want (N, T) thrice and (N,), got {shapes}")
    if keep.dtype != torch.bool:
        raise TypeError(f"keep: want a bool per row, true for photos, got {keep.dtype}")
    target = (kappa * widen(teacher) + nu * widen(raised)).detach().softmax(1)
    each = -(target * widen(student).log_softmax(1)).sum(1)
    return torch.where(keep, each, 0).sum() / keep.sum().clamp(min=1)


def affinity_of_paths(
    seen: Sequence[Sequence[str]], teacher: Sequence[Sequence[str]], *, threshold: float = 0.2
) -> Tensor:
    r"""``(C, T)`` affinities from places in a taxonomy.

    .. math:: a = 1 \text{ if one is the other or its ancestor, else }
              s = \frac{1}{1 + \text{steps between them}} \text{ where } s > \text{threshold, else } 0

    paper, released code: WordNet's path similarity, threshold 0.2 (SAKE's script). ours: any tree, so that
    nothing is downloaded. A class is the path to it from below the root; an empty path stands for a class
    that the tree lacks and has affinity 0 to all.

    >>> affinity_of_paths([("animal", "cat")], [("animal",), ("animal", "dog"), ("tool", "saw"), ()])
    tensor([[1.0000, 0.3333, 0.0000, 0.0000]])
    """
    check_range("threshold", threshold, 0, 1)

    def one(a: Sequence[str], b: Sequence[str]) -> float:
        shared = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        if shared == min(len(a), len(b)):
            return float(shared > 0)
        similarity = 1 / (1 + len(a) + len(b) - 2 * shared)
        return similarity if similarity > threshold else 0.0

    if any(isinstance(path, str) for path in (*seen, *teacher)):
        raise TypeError("seen, teacher: want a sequence of names per class, ('animal', 'cat'), got a string")
    return torch.tensor([[one(a, b) for b in teacher] for a in seen]).reshape(len(seen), len(teacher))


def affinity_of_vectors(seen: Tensor, teacher: Tensor, *, threshold: float = 0.2) -> Tensor:
    r"""``(C, T)`` affinities from class vectors, where there is no taxonomy.

    .. math:: a = \cos(u, v) \text{ where } \cos(u, v) > \text{threshold, else } 0

    ours: the same vector gives 1 as in :func:`affinity_of_paths`, but no vector knows an ancestor. A vector
    with NaN, a missing one, has affinity 0 to all.

    Args:
        seen: ``(C, D)``. teacher: ``(T, D)``.

    >>> nan = float("nan")
    >>> affinity_of_vectors(torch.eye(2), torch.tensor([[3.0, 4.0], [nan, nan], [1.0, 0.0]]))
    tensor([[0.6000, 0.0000, 1.0000],
            [0.8000, 0.0000, 0.0000]])
    """
    check_range("threshold", threshold, 0, 1)
    check_same_width(seen=seen, teacher=teacher)
    cosine = F.normalize(widen(seen), dim=1) @ F.normalize(widen(teacher), dim=1).T
    return torch.where(cosine > threshold, cosine.clamp(max=1), 0)
