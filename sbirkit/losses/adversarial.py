r"""BDA-SketRet, level 1: no cell of a feature map tells a sketch from a photo.

paper: "spatial feature maps" are aligned by a "cross-entropy based adversarial loss". ours: all else, the
classifier, both forms and the balance of the streams; no code and no equation of it are known to us.

All terms take the maps ``sketch`` ``(S, C, H, W)`` and ``photo`` ``(P, C, H', W')``, and a ``classifier`` as
:func:`domain_classifier` makes it. A batch without sketches or without photos has nothing to align: zero.
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._check import check_choice, check_range, widen
from .modality import PHOTO, SKETCH

Classifier = Callable[[Tensor], Tensor]


def domain_classifier(channels: int, *, hidden: int = 0) -> nn.Sequential:
    """``(N, channels, H, W)`` to ``(N, 2, H, W)`` logits, each cell by itself; columns ``PHOTO``, ``SKETCH``.

    ours: one 1x1 convolution, or two with ``hidden`` channels between them.

    >>> domain_classifier(8)(torch.zeros(1, 8, 3, 3)).shape
    torch.Size([1, 2, 3, 3])
    """
    inner = [nn.Conv2d(channels, hidden, 1), nn.ReLU()] if hidden else []
    return nn.Sequential(*inner, nn.Conv2d(hidden or channels, 2, 1))


def reverse(x: Tensor, strength: float = 1.0) -> Tensor:
    r"""Gradient reversal: :math:`x` forward, :math:`-\lambda\, \partial L / \partial x` backward.

    Reference: Ganin & Lempitsky, *Unsupervised Domain Adaptation by Backpropagation*, 2015.

    >>> x = torch.ones(2, requires_grad=True)
    >>> reverse(x, 0.5).sum().backward(); x.grad
    tensor([-0.5000, -0.5000])
    """
    check_range("strength", strength, 0)
    return _Reverse.apply(x, strength)


def domain_error(sketch: Tensor, photo: Tensor, classifier: Classifier) -> Tensor:
    r"""What the classifier minimises: its cross-entropy, averaged over the cells of each stream.

    .. math:: L_D = -\frac{1}{|U_s|} \sum_{u \in U_s} \log D_s(F_s[u])
                    -\frac{1}{|U_i|} \sum_{u \in U_i} \log D_i(F_i[u])

    ours: streams weigh the same, however many maps they have. A guess scores :math:`2 \log 2`.

    >>> x = torch.zeros(1, 8, 2, 2)
    >>> round(domain_error(x, x, lambda f: f[:, :2]).item(), 4)
    1.3863
    """
    of_sketch, of_photo = _log_domains(sketch, photo, classifier)
    return _mean(-of_sketch[:, SKETCH]) + _mean(-of_photo[:, PHOTO])


def domain_confusion(sketch: Tensor, photo: Tensor, classifier: nn.Module) -> Tensor:
    r"""What the encoder minimises: the cross-entropy to a label that is half sketch, half photo.

    .. math:: L_\text{conf} = -\sum_{m \in \{s, i\}} \frac{1}{|U_m|} \sum_{u \in U_m}
              \tfrac12 \left[ \log D_s(F_m[u]) + \log D_i(F_m[u]) \right] \ge 2 \log 2

    ours: bounded below, unlike the reversed error. The classifier's parameters get no gradient.

    >>> x = torch.ones(1, 8, 2, 2)
    >>> round(domain_confusion(x, x, nn.Conv2d(8, 2, 1)).item(), 4) >= 1.3862
    True
    """
    fixed = {name: p.detach() for name, p in classifier.named_parameters()}
    logs = _log_domains(sketch, photo, lambda x: torch.func.functional_call(classifier, fixed, (x,)))
    return _mean(-logs[0]) + _mean(-logs[1])


def spatial_adversarial(
    sketch: Tensor,
    photo: Tensor,
    classifier: nn.Module,
    *,
    form: Literal["reversal", "confusion"] = "reversal",
    strength: float = 1.0,
) -> Tensor:
    r"""Both players in one scalar, for one optimiser: the classifier learns, the encoder unlearns.

    .. math:: L = L_D(\operatorname{reverse}_\lambda(F)) \quad\text{or}\quad
              L = \lambda\, L_\text{conf}(F) + L_D(\operatorname{detach}(F))

    ours: in both forms the classifier descends :math:`L_D` at full strength. The encoder *ascends*
    :math:`\lambda L_D` with ``"reversal"`` and descends :math:`\lambda L_\text{conf}` with ``"confusion"``.
    To alternate instead, step one optimiser on :func:`domain_error` of detached maps, the other on
    :func:`domain_confusion`.

    Args:
        strength: lambda, of the encoder's side only.

    >>> x = torch.zeros(1, 8, 2, 2)
    >>> spatial_adversarial(x[:0], x, domain_classifier(8)).item()
    0.0
    """
    check_choice("form", form, ("reversal", "confusion"))
    check_range("strength", strength, 0)
    if form == "reversal":
        return domain_error(reverse(sketch, strength), reverse(photo, strength), classifier)
    confusion = strength * domain_confusion(sketch, photo, classifier)
    return confusion + domain_error(sketch.detach(), photo.detach(), classifier)


@torch.no_grad()
def domain_accuracy(sketch: Tensor, photo: Tensor, classifier: Classifier) -> float:
    """Share of cells told right, averaged over the two streams; 0.5 is a guess, nan without one stream.

    ours: to be drawn during training. It should fall to about 0.5 while class accuracy stays.

    >>> x = torch.zeros(1, 8, 2, 2)
    >>> domain_accuracy(x, x, domain_classifier(8))
    0.5
    """
    of_sketch, of_photo = _log_domains(sketch, photo, classifier)
    right = [(x.argmax(1) == own).double().mean() for x, own in ((of_sketch, SKETCH), (of_photo, PHOTO))]
    return float(sum(right) / 2)


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, strength: float) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.strength = inputs[1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * grad, None


def _log_domains(sketch: Tensor, photo: Tensor, classifier: Classifier) -> list[Tensor]:
    """Log-probabilities ``(N, 2, H, W)`` of both streams, without rows when one stream has none."""
    if sketch.ndim != 4 or photo.ndim != 4 or sketch.shape[1] != photo.shape[1]:
        raise ValueError("sketch, photo: want feature maps (N, C, H, W) of the same C, got "
                         f"{tuple(sketch.shape)} and {tuple(photo.shape)}")  # fmt: skip
    rows = None if len(sketch) and len(photo) else 0
    with torch.autocast(sketch.device.type, enabled=False):
        return [F.log_softmax(classifier(widen(x[:rows])), dim=1) for x in (sketch, photo)]


def _mean(x: Tensor) -> Tensor:
    return x.sum() / max(x.numel(), 1)
