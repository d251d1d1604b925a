"""A sketch nearer to photos of its class than to photos of any other."""

import torch
from torch import Tensor

from ._check import check_choice, check_pair, check_range, check_same_width
from .distance import unit_distance


def cross_modal_triplet(
    sketch: Tensor,
    photo: Tensor,
    y_sketch: Tensor,
    y_photo: Tensor,
    *,
    margin: float = 0.2,
    mining: str = "all",
) -> Tensor:
    r"""Hinge over triplets of a sketch (anchor), a photo of its class and a photo of another class.

    .. math:: L = \frac{1}{|A|} \sum_{(i,p,n) \in A} \left[ m + d(s_i, x_p) - d(s_i, x_n) \right]_+ ,
              \quad y_p = y_i \neq y_n

    * ``mining="all"``: :math:`A` holds the triplets whose hinge is positive.
    * ``mining="hard"``: one triplet per sketch, its farthest positive and its nearest negative; :math:`A`
      holds every sketch that has both.

    paper: Schroff et al., *FaceNet*, CVPR 2015, eq. 3; Hermans et al., 2017 (https://arxiv.org/abs/1703.07737)
    for distances not squared, batch-hard choice (eq. 5) and the mean over active triplets (section 3.2).
    ours: anchors are sketches only; rows are scaled to unit length, so ``0 <= d <= 2``; active triplets are
    counted by sorting, which needs O(S P) memory and gives the same value and gradient.

    Args:
        sketch, photo: ``(S, D)`` and ``(P, D)`` embeddings.
        y_sketch, y_photo: ``(S,)`` and ``(P,)`` class ids.
        margin: :math:`m`, in [0, 2].
        mining: ``"all"`` or ``"hard"``.

    Returns:
        Scalar; zero, still attached to the graph, when no triplet counts.

    >>> s = torch.tensor([[1.0, 0.0]]); x = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    >>> cross_modal_triplet(s, x, torch.tensor([0]), torch.tensor([0, 1]))
    tensor(1.6142)
    """
    sketch, photo = check_pair("sketch", sketch, y_sketch), check_pair("photo", photo, y_photo)
    check_same_width(sketch=sketch, photo=photo)
    check_range("margin", margin, 0, 2)
    check_choice("mining", mining, ("all", "hard"))
    d, same = unit_distance(sketch, photo), y_sketch[:, None] == y_photo
    m = d.new_full((len(d), 1), margin)
    if mining == "all":
        return mean_of_active(d, same, d, ~same, m)
    far, (near, _) = farthest(d, same), nearest(d, ~same)
    return mean_where(same.any(1) & ~same.all(1), (m[:, 0] + far - near).relu())


def mean_of_active(
    d_pos: Tensor, pos: Tensor, d_neg: Tensor, neg: Tensor, margin: Tensor, weight: Tensor | None = None
) -> Tensor:
    r"""Mean of :math:`\omega_{an} [m_a + d_{ap} - d_{an}]_+` over the triplets whose hinge is positive.

    The sum is linear in the distances once it is known how often each one takes part: a positive counts for
    the (weights of) negatives below :math:`m_a + d_{ap}`, a negative for the positives that reach past it.
    Both counts come from one sort each; they are constants, so the gradient is exact.

    Args:
        d_pos, pos: ``(A, P)`` distances and which of them are positives. d_neg, neg: ``(A, N)`` likewise.
        margin: ``(A, 1)``. weight: ``(A, N)``, 1 by default; a constant to the gradient.
    """
    with torch.no_grad():
        weight = torch.ones_like(d_neg) if weight is None else weight
        reach = torch.where(pos, margin + d_pos, -torch.inf)
        negatives, order = torch.where(neg, d_neg, torch.inf).sort(1)
        below = torch.searchsorted(negatives, reach)
        passed = torch.nn.functional.pad((weight * neg).gather(1, order).cumsum(1), (1, 0)).gather(1, below)
        beyond = (pos.shape[1] - torch.searchsorted(reach.sort(1).values, d_neg, right=True)) * neg
        n = below.sum().clamp(min=1)
        c_pos, c_neg = passed / n, weight * beyond / n
    return (c_pos * d_pos).sum() - (c_neg * d_neg).sum() + (c_pos.sum(1, keepdim=True) * margin).sum()


def farthest(d: Tensor, among: Tensor) -> Tensor:
    """The largest distance of each row to the columns it is allowed; -1 where there are none."""
    return pad_one(torch.where(among, d, -1), -1).max(1).values


def nearest(d: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """The smallest distance of each row to the columns it is allowed, and its column; 3 where none is."""
    values, columns = pad_one(torch.where(among, d, 3), 3).min(1)
    return values, columns


def mean_where(valid: Tensor, values: Tensor) -> Tensor:
    """Mean of the ``valid`` values; zero, attached to the graph, without any."""
    return torch.where(valid, values, 0).sum() / valid.sum().clamp(min=1)


def pad_one(x: Tensor, value: float = 0) -> Tensor:
    """One more column, so that a row of none still has a largest and a smallest."""
    return torch.nn.functional.pad(x, (0, 1), value=value)
