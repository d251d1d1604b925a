"""RAMLN's meta objective: a margin is good if a step taken with it helps classes unseen by that step."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ._check import check_pair, check_range
from .margin_memory import MarginNetwork
from .quadruplet import cross_modal_quadruplet


def meta_margin_loss(
    head: nn.Module,
    margins: MarginNetwork,
    sketch: Tensor,
    photo: Tensor,
    y_sketch: Tensor,
    y_photo: Tensor,
    *,
    test_classes: Tensor,
    step: float = 0.1,
    margin: float = 0.2,
    kappa: float | None = 10.0,
    second_order: bool = True,
    **quadruplet: Any,
) -> Tensor:
    r"""Fixed-margin quadruplet on held-out classes, after one virtual step with learned margins on the rest.

    .. math:: \theta' = \theta - \alpha \nabla_\theta L_T(\theta; \mu = R_\varphi), \qquad
              L = L_V(\theta'; \mu = m)

    :math:`\theta` are the parameters of ``head``, :math:`\varphi` those of ``margins``; :math:`V` are the
    items of ``test_classes``, :math:`T` all others. The inner step feels the margin only through the *slope*
    of the hinge: a hard hinge has slope 0 or 1, flat in the margin, and without the second derivative
    (``second_order=False``) the step is a constant; either way :math:`\partial L / \partial \varphi = 0` and
    the margins would never learn. Hence the soft hinge inside.

    paper: RAMLN learns the margin by meta-learning, to generalise to unseen classes; nothing more is public.
    ours: this objective (after MAML, Finn et al., 2017, https://arxiv.org/abs/1703.03400), one step on the
    embedding head only, classes as tasks.

    Args:
        head: from features to embeddings, the same for both modalities; no dropout, no batch norm.
        margins: the network; its memory is read, not written.
        sketch, photo: ``(S, F)`` and ``(P, F)`` features that enter ``head``.
        y_sketch, y_photo: ``(S,)`` and ``(P,)`` class ids.
        test_classes: ids of the meta-test classes, see :func:`split_classes`.
        step: :math:`\alpha`. margin: :math:`m`. kappa: of the soft hinge inside; ``None`` is the hard one.
        second_order: differentiate through the step. quadruplet: more options of ``cross_modal_quadruplet``.

    Returns:
        Scalar; its gradient reaches ``margins`` and ``head`` (and the features, if they have one).

    >>> head, net = torch.nn.Linear(3, 2, bias=False), MarginNetwork(2)
    >>> x, y = torch.randn(8, 3), torch.arange(4).repeat_interleave(2)
    >>> loss = meta_margin_loss(head, net, x, x, y, y, test_classes=torch.tensor([2, 3]))
    >>> loss.backward(); head.weight.grad.shape
    torch.Size([2, 3])
    """
    check_pair("sketch", sketch, y_sketch), check_pair("photo", photo, y_photo)
    check_range("step", step, 0)
    theta: dict[str, Tensor] = {name: p for name, p in head.named_parameters() if p.requires_grad}
    test_s, test_p = torch.isin(y_sketch, test_classes), torch.isin(y_photo, test_classes)

    def embedded(params: dict[str, Tensor], s: Tensor, p: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        both = (
            functional_call(head, params, (features[part],)) for features, part in ((sketch, s), (photo, p))
        )
        return *both, y_sketch[s], y_photo[p]

    train = embedded(theta, ~test_s, ~test_p)
    inner = cross_modal_quadruplet(*train, margin=margins(*train), kappa=kappa, **quadruplet)
    gradients = torch.autograd.grad(
        inner, [*theta.values()], create_graph=second_order, retain_graph=True, materialize_grads=True
    )
    moved = {name: p - step * g for (name, p), g in zip(theta.items(), gradients, strict=True)}
    return cross_modal_quadruplet(*embedded(moved, test_s, test_p), margin=margin, **quadruplet)


def split_classes(
    y_sketch: Tensor, y_photo: Tensor, *, generator: torch.Generator, share: float = 0.5
) -> Tensor:
    """A random ``share`` of the classes that have both a sketch and a photo, as meta-test classes.

    ours. Both sides of the split keep two classes where there are four: with one, no negative exists.

    >>> y = torch.arange(6)
    >>> len(split_classes(y, y[:4], generator=torch.Generator().manual_seed(0)))
    2
    """
    check_range("share", share, 0, 1)
    classes = y_sketch.unique()
    classes = classes[torch.isin(classes, y_photo)]
    n = max(2, min(round(share * len(classes)), len(classes) - 2))
    order = torch.randperm(len(classes), generator=generator, device=generator.device)
    return classes[order[:n].to(classes.device)]
