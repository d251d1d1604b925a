"""RAMLN's quadruplet: one positive, and a wrong-class negative from each of the two modalities."""

import torch
from torch import Tensor, nn

from ._check import check_choice, check_pair, check_range, check_same_width, widen
from .distance import unit_distance
from .triplet import farthest, mean_of_active, mean_where, nearest, pad_one


def cross_modal_quadruplet(
    sketch: Tensor,
    photo: Tensor,
    y_sketch: Tensor,
    y_photo: Tensor,
    *,
    margin: float | Tensor = 0.2,
    balance: float = 0.5,
    hinge: str = "joint",
    mining: str = "hard",
    relation: Tensor | None = None,
    stress: float = 1.0,
    kappa: float | None = None,
) -> Tensor:
    r"""Hinge over an anchor, a positive of the other modality, and one negative of each modality.

    With :math:`x_k = d(a, p) - d(a, n_k) + \mu_a`, where :math:`n_1` is of the anchor's own modality and
    :math:`n_2` of the other, both of a class that is not the anchor's:

    .. math:: L_\mathrm{joint} = [(1-\lambda)\, x_1 + \lambda\, x_2]_+
              = [d(a,p) - (1-\lambda)\, d(a,n_1) - \lambda\, d(a,n_2) + \mu_a]_+ , \qquad
              L_\mathrm{split} = (1-\lambda)\, [x_1]_+ + \lambda\, [x_2]_+

    averaged over sketch anchors and over photo anchors, then over the two. Per quadruplet, joint <= split:
    one hinge lets an easy negative of one modality hide a violated one of the other.
    :math:`\lambda = 0` and :math:`\lambda = 1` are the two triplets.

    paper: Liu et al., *RAMLN* (https://arxiv.org/abs/2412.00120): two negatives of different modalities, an
    inter- and an intra-modal constraint, a margin per anchor, hard mining, and the form inside the
    joint brackets.
    ours: the brackets (without them the loss has no lower bound), which negative is which, the split form,
    both anchor directions, unit-length rows, the weighting by ``relation``, the soft hinge.

    Args:
        sketch, photo: ``(S, D)`` and ``(P, D)`` embeddings.
        y_sketch, y_photo: ``(S,)`` and ``(P,)`` class ids.
        margin: :math:`\mu`, a number in [0, 2], or one per anchor, ``(S + P,)``, sketches first.
        balance: :math:`\lambda`, in [0, 1].
        hinge: ``"joint"`` or ``"split"``.
        mining: ``"hard"``: one quadruplet per anchor, of its farthest positive and its two nearest negatives;
            mean over the anchors that have a positive and a negative (if one modality has none, the other's
            term stands alone). ``"all"``: mean over all quadruplets (split: triplets) with a positive hinge,
            counted by sorting in O((S + P)^2) memory.
        relation: ``(C, C)`` similarity of classes, see :func:`relation_weights`; then each :math:`x_k` is
            multiplied by the weight of its pair :math:`(a, n_k)`.
        stress: see :func:`relation_weights`.
        kappa: replaces :math:`[x]_+` by :math:`\log(1 + e^{\kappa x}) / \kappa`, whose slope depends on the
            margin (what :func:`~sbirkit.losses.meta_margin_loss` needs); only with hard mining.

    Returns:
        Scalar; zero, still attached to the graph, when no quadruplet counts.

    >>> s, x = torch.eye(2), torch.eye(2).flip(0)
    >>> y = torch.arange(2)
    >>> cross_modal_quadruplet(s, x, y, y, margin=0.2, balance=0.25)  # sqrt 2 - 0.75 sqrt 2 - 0 + 0.2
    tensor(0.5536)
    """
    sketch, photo = check_pair("sketch", sketch, y_sketch), check_pair("photo", photo, y_photo)
    check_same_width(sketch=sketch, photo=photo)
    check_range("balance", balance, 0, 1)
    check_choice("hinge", hinge, ("joint", "split"))
    check_choice("mining", mining, ("hard", "all"))
    if kappa is not None:
        check_range("kappa", kappa, 1e-6)
        if mining == "all":
            raise ValueError('kappa: a soft hinge is positive everywhere; use it with mining="hard"')
    cross = unit_distance(sketch, photo)
    mu = _margins(margin, cross, len(sketch) + len(photo))
    total = cross.new_zeros(())
    for own, y_own, y_other, d, m in (
        (sketch, y_sketch, y_photo, cross, mu[: len(sketch)]),
        (photo, y_photo, y_sketch, cross.T.contiguous(), mu[len(sketch) :]),
    ):
        classes, lambdas = (y_own, y_other), (1 - balance, balance)
        distances = (unit_distance(own, own), d)
        weights = [
            weight
            * (
                torch.ones_like(e)
                if relation is None
                else relation_weights(relation, y_own, y, stress=stress)
            )
            for weight, e, y in zip(lambdas, distances, classes, strict=True)
        ]
        wrong = [y_own[:, None] != y for y in classes]
        if mining == "hard":
            total = total + _hard(distances, wrong, weights, m, hinge, kappa)
        elif hinge == "joint" and 0 < balance < 1:
            total = total + _all_joint(distances, wrong, weights, m)
        else:
            parts = zip(distances, wrong, weights, strict=True)
            total = total + sum(mean_of_active(d, ~wrong[1], e, n, m, w) for e, n, w in parts)
    return total / 2


def relation_weights(
    relation: Tensor, y_anchor: Tensor, y_negative: Tensor, *, stress: float = 1.0
) -> Tensor:
    r"""Weight of each pair (anchor, negative) by how related their classes are.

    .. math:: \omega_{an} = \frac{e^{\beta \rho(y_a, y_n)}}
              {\operatorname{mean}_{n': y_{n'} \neq y_a} e^{\beta \rho(y_a, y_{n'})}}

    ours: the paper's title says "relation-aware", and its author's earlier work (ARAML, 2024) that wrong
    classes should not all be treated alike; no formula is public. Weights have mean one over an anchor's
    wrong-class items, so :math:`\beta` moves attention without changing the size of the loss: above 0 towards
    related classes, below 0 away from them, 0 nowhere. They are constants: nothing learns to look away.

    Args:
        relation: ``(C, C)`` :math:`\rho`, from word vectors, a taxonomy, or cosines of class prototypes; its
            rows and columns are class ids. NaN (nothing known) weighs 1.
        y_anchor, y_negative: ``(A,)`` and ``(N,)`` class ids. stress: :math:`\beta`.

    Returns:
        ``(A, N)``; the entries of the anchor's own class mean nothing.

    >>> relation = torch.tensor([[1.0, 0.9, 0.1], [0.9, 1.0, 0.1], [0.1, 0.1, 1.0]])
    >>> relation_weights(relation, torch.tensor([0]), torch.tensor([1, 2]), stress=2.0)
    tensor([[1.6640, 0.3360]])
    """
    if relation.ndim != 2 or relation.shape[0] != relation.shape[1]:
        raise ValueError(f"relation: want a square (C, C) matrix, got {tuple(relation.shape)}")
    ids = torch.cat([y_anchor, y_negative])
    if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < len(relation):
        raise ValueError(
            f"relation: has {len(relation)} classes, but the labels run from {ids.min()} to {ids.max()}"
        )
    raw = (stress * widen(relation.detach())[y_anchor[:, None], y_negative]).exp()
    counts = (y_anchor[:, None] != y_negative) & ~raw.isnan()
    mean = torch.where(counts, raw, 0).sum(1, keepdim=True) / counts.sum(1, keepdim=True)
    return torch.where(counts, raw / mean, 1)


def _margins(margin: float | Tensor, like: Tensor, n: int) -> Tensor:
    """``(n, 1)`` margins of the type of ``like``; a number and a tensor full of it give the same bits."""
    if not isinstance(margin, Tensor):
        check_range("margin", margin, 0, 2)
        return like.new_full((n, 1), margin)
    if margin.shape != (n,):
        raise ValueError(
            f"margin: want a number or one per anchor, ({n},), sketches first, got {tuple(margin.shape)}"
        )
    return margin.to(like)[:, None]


def _hard(
    distances: tuple[Tensor, Tensor],
    wrong: list[Tensor],
    weights: list[Tensor],
    margin: Tensor,
    hinge: str,
    kappa: float | None,
) -> Tensor:
    """Each anchor's hardest quadruplet. A modality without a negative has weight zero."""
    far, margin = farthest(distances[1], ~wrong[1]), margin[:, 0]
    terms, shares = [], []
    for d, n, w in zip(distances, wrong, weights, strict=True):
        near, column = nearest(d, n)
        terms.append(margin + far - near)
        shares.append(pad_one(w * n).gather(1, column[:, None])[:, 0])
    valid = ~wrong[1].all(1) & (shares[0] + shares[1] > 0)
    soft = nn.ReLU() if kappa is None else nn.Softplus(kappa)
    if hinge == "joint":
        return mean_where(valid, soft(shares[0] * terms[0] + shares[1] * terms[1]))
    return mean_where(valid, shares[0] * soft(terms[0]) + shares[1] * soft(terms[1]))


def _all_joint(
    distances: tuple[Tensor, Tensor], wrong: list[Tensor], weights: list[Tensor], margin: Tensor
) -> Tensor:
    """Mean joint hinge over all active quadruplets, one positive of every anchor at a time.

    With the positive fixed, a quadruplet is active where x_1 > -x_2, so two sorts tell how many of the other
    modality's negatives each negative is active with; as in ``mean_of_active``, counts are all it takes.
    """
    own, cross = distances
    with torch.no_grad():
        c_pos, c_neg = torch.zeros_like(cross), [torch.zeros_like(own), torch.zeros_like(cross)]
        n = torch.zeros((), dtype=torch.int64, device=own.device)
        present, order = (~wrong[1]).int().sort(dim=1, descending=True, stable=True)
        for k in range(int(present.sum(1).max()) if len(present) else 0):
            column = order[:, k : k + 1]
            reach = margin + cross.gather(1, column)
            x = [
                torch.where((present[:, k : k + 1] > 0) & w, v * (reach - d), -torch.inf)
                for d, w, v in zip(distances, wrong, weights, strict=True)
            ]
            for i, (mine, other) in enumerate((x, x[::-1])):
                partners = torch.searchsorted(other.sort(1).values, -mine, right=True)
                count = weights[i] * (other.shape[1] - partners)
                c_neg[i] += count
                c_pos.scatter_add_(1, column, count.sum(1, keepdim=True))
            n += (other.shape[1] - partners).sum()
    total = (c_pos * cross).sum() - (c_neg[0] * own).sum() - (c_neg[1] * cross).sum()
    return (total + (c_pos.sum(1, keepdim=True) * margin).sum()) / n.clamp(min=1)
