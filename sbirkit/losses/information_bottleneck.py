r"""BDA-SketRet, level 2: keep what sketch and photo of a class share, drop what only one of them shows.

.. math:: L_\text{ib} = \alpha\, L_\text{kl} - \beta\, I(z_s; z_i), \quad q_m(z \mid x) = N(\mu_m, \sigma_m^2)

with :func:`bottleneck_divergence` and :func:`shared_information`; :math:`\alpha = 0` is "no bottleneck".
paper: semantic features are aligned by "a symmetric loss motivated by the information bottleneck". ours: all
else. The other reading, a classifier on ``z`` and :func:`standard_kl` for each stream, fits the same words.

A **pair** is a sketch and a photo of one class: every such pair of the batch counts once and the same.
Classify the *sampled* ``z`` (:meth:`Gaussian.draw`): else a growing sigma costs nothing and the divergence
vanishes by it.
"""

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._check import check_choice, check_pair, check_range, check_same_width, widen


class Gaussian(NamedTuple):
    """Diagonal normal distributions: ``mean`` and ``log_sigma``, each ``(N, D)``."""

    mean: Tensor
    log_sigma: Tensor

    @classmethod
    def fixed(cls, mean: Tensor) -> "Gaussian":
        """Deterministic fallback, sigma 1: the divergence is half a squared distance, ``z`` is ``mean``."""
        return cls(mean, torch.zeros_like(mean))

    def draw(self, *, generator: torch.Generator) -> Tensor:
        r"""``(N, D)``: :math:`z = \mu + \sigma \epsilon,\ \epsilon \sim N(0, 1)`; both get a gradient.

        ours: the noise is drawn where the ``generator`` lives, so a CPU one gives a GPU the same numbers.

        >>> q = Gaussian.fixed(torch.zeros(9999, 1))
        >>> abs(q.draw(generator=torch.Generator().manual_seed(0)).std().item() - 1) < 0.02
        True
        """
        mean = widen(self.mean)
        noise = torch.randn(mean.shape, generator=generator, device=generator.device, dtype=mean.dtype)
        return mean + widen(self.log_sigma).exp() * noise.to(mean.device)


class Information(NamedTuple):
    """An ``estimate`` in nats, and the ``cap`` that the true value has, to be drawn beside it."""

    estimate: Tensor
    cap: float


class GaussianStream(nn.Module):
    r"""``(N, dim)`` features to a :class:`Gaussian` of ``width`` dimensions.

    .. math:: \mu = W_\mu x + b, \qquad \log \sigma = l + (h - l) \operatorname{sigmoid}(W_\sigma x + c)

    ours: ``log_sigma`` is kept between ``low`` and ``high`` smoothly, so that it can come back from these
    bounds, and starts at -2 for every input.

    >>> q = GaussianStream(8, 4)(torch.zeros(2, 8))
    >>> q.mean.shape, round(q.log_sigma[0, 0].item(), 4)
    (torch.Size([2, 4]), -2.0)
    """

    def __init__(self, dim: int, width: int, *, low: float = -5.0, high: float = 1.0) -> None:
        super().__init__()
        if not low < -2 < high:
            raise ValueError(f"low, high: want low < -2 < high (log sigma starts at -2), got {low}, {high}")
        self.low, self.high = low, high
        self.mean, self.spread = nn.Linear(dim, width), nn.Linear(dim, width)
        nn.init.zeros_(self.spread.weight)
        nn.init.constant_(self.spread.bias, math.log((-2 - low) / (high + 2)))

    def forward(self, x: Tensor) -> Gaussian:
        spread = widen(self.spread(x)).sigmoid()
        return Gaussian(widen(self.mean(x)), self.low + (self.high - self.low) * spread)


def pairwise_kl(p: Gaussian, q: Gaussian) -> Tensor:
    r"""``(N, M)`` divergences of every distribution of ``p`` from every one of ``q``.

    .. math:: \mathrm{KL}(p_i \Vert q_j) = \sum_d \log \frac{\sigma_{jd}}{\sigma_{id}}
              + \frac{\sigma_{id}^2 + (\mu_{id} - \mu_{jd})^2}{2 \sigma_{jd}^2} - \frac12

    ours: three matrix products in float64 where the device has it, since the square is multiplied out.

    >>> pairwise_kl(Gaussian.fixed(torch.zeros(1, 2)), Gaussian.fixed(torch.tensor([[3.0, 4.0]])))
    tensor([[12.5000]])
    """
    out = widen(p.mean).dtype
    exact = out if p.mean.device.type == "mps" else torch.float64
    m, s, n, t = (x.to(exact) for x in (*p, *q))
    with torch.autocast(m.device.type, enabled=False):
        w = (-2 * t).exp()  # (M, D)
        square = ((2 * s).exp() + m.square()) @ w.T - 2 * m @ (n * w).T + (n.square() * w).sum(1)
    return (square / 2 + t.sum(1) - s.sum(1, keepdim=True) - m.shape[1] / 2).to(out)


def bottleneck_divergence(
    sketch: Gaussian,
    photo: Gaussian,
    y_sketch: Tensor,
    y_photo: Tensor,
    *,
    direction: Literal["symmetric", "sketch-photo", "photo-sketch"] = "symmetric",
) -> Tensor:
    r"""Mean divergence between the two Gaussians of every pair :math:`(i, j) \in A = \{y_i = y_j\}`.

    .. math:: L_\text{kl} = \frac{1}{|A|} \sum_{(i,j) \in A}
              \tfrac12 \left[ \mathrm{KL}(q_i \Vert q_j) + \mathrm{KL}(q_j \Vert q_i) \right]

    paper: symmetric. ours: one-sided alone, ``"sketch-photo"`` :math:`\mathrm{KL}(q_i \Vert q_j)` or
    ``"photo-sketch"`` :math:`\mathrm{KL}(q_j \Vert q_i)`, ``i`` the sketch. No pair gives zero.

    Args:
        sketch: ``(S, D)`` twice. photo: ``(P, D)`` twice. y_sketch: ``(S,)``. y_photo: ``(P,)``.

    >>> s, p, y = torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]), torch.tensor([0])
    >>> bottleneck_divergence(Gaussian.fixed(s), Gaussian.fixed(p), y, y)
    tensor(12.5000)
    """
    check_choice("direction", direction, ("symmetric", "sketch-photo", "photo-sketch"))
    for name, q, y in (("sketch", sketch, y_sketch), ("photo", photo, y_photo)):
        check_pair(f"{name}.mean", q.mean, y)
        check_pair(f"{name}.log_sigma", q.log_sigma, y)
        check_same_width(mean=q.mean, log_sigma=q.log_sigma)
    check_same_width(sketch=sketch.mean, photo=photo.mean)
    sides = []
    if direction != "photo-sketch":
        sides.append(pairwise_kl(sketch, photo))
    if direction != "sketch-photo":
        sides.append(pairwise_kl(photo, sketch).T)
    same = y_sketch[:, None] == y_photo
    return torch.where(same, torch.stack(sides).mean(0), 0).sum() / same.sum().clamp(min=1)


def standard_kl(q: Gaussian) -> Tensor:
    r"""Variational bottleneck: mean divergence from the standard normal, of one stream.

    .. math:: L = \frac1N \sum_i \mathrm{KL}(q_i \Vert N(0, I))
                = \frac{1}{2N} \sum_{i,d} \mu_{id}^2 + \sigma_{id}^2 - 1 - 2 \log \sigma_{id}

    Reference: Alemi et al., *Deep Variational Information Bottleneck*, 2017. ours: the alternative reading of
    the paper, to be added to the classification of ``z`` for both streams alike.

    >>> standard_kl(Gaussian.fixed(torch.tensor([[3.0, 4.0], [0.0, 0.0]])))
    tensor(6.2500)
    """
    check_same_width(mean=q.mean, log_sigma=q.log_sigma)
    mean, s = widen(q.mean), widen(q.log_sigma)
    return (mean.square() + torch.expm1(2 * s) - 2 * s).sum() / (2 * max(len(mean), 1))


def shared_information(
    z_sketch: Tensor,
    z_photo: Tensor,
    y_sketch: Tensor,
    y_photo: Tensor,
    *,
    temperature: float = 0.1,
    classes: int | None = None,
) -> Information:
    r"""InfoNCE estimate of :math:`I(z_s; z_i)`: how much a pair stands out among all sketches and photos.

    .. math:: \frac{1}{|A|} \sum_{(i,j) \in A} \tfrac12 \left[
              \log \frac{e^{f_{ij}}}{\frac1P \sum_k e^{f_{ik}}} +
              \log \frac{e^{f_{ij}}}{\frac1S \sum_k e^{f_{kj}}} \right], \quad f = \cos(z_s, z_i) / \tau

    Form: van den Oord et al., *Contrastive Predictive Coding*, 2018. ours: all same-class pairs. What a pair
    shares is its class, so the true value is at most the log of the number of classes, and InfoNCE sees at
    most the log of the batch; ``cap`` is the lower one. Several positives in a row void the usual bound: it
    is an *estimate*, which may pass the cap where the classes of the two streams are unlike in number.

    Args:
        z_sketch: ``(S, D)``, drawn or means. z_photo: ``(P, D)``. y_sketch: ``(S,)``. y_photo: ``(P,)``.
        classes: how many there are in training; default: those that have a pair in this batch.

    Returns:
        The estimate (to be *maximised*; zero, still attached to the graph, without a pair) and the cap.

    >>> x, y = torch.eye(2), torch.tensor([0, 1])
    >>> estimate, cap = shared_information(x, x, y, y)
    >>> round(estimate.item(), 3), round(cap, 3)
    (0.693, 0.693)
    """
    check_range("temperature", temperature, 1e-6)
    check_range("classes", 1 if classes is None else classes, 1)
    s, p = (check_pair(n, z, y) for n, z, y in (("sketch", z_sketch, y_sketch), ("photo", z_photo, y_photo)))
    check_same_width(z_sketch=s, z_photo=p)
    with torch.autocast(s.device.type, enabled=False):
        f = F.normalize(s, dim=1) @ F.normalize(p, dim=1).T / temperature  # (S, P)
    same = y_sketch[:, None] == y_photo
    batch = math.log(max(len(p), 1)) + math.log(max(len(s), 1))
    ratio = (f.log_softmax(1) + f.log_softmax(0) + batch) / 2
    estimate = torch.where(same, ratio, 0).sum() / same.sum().clamp(min=1)
    shared = len(y_sketch[same.any(1)].unique()) if classes is None else classes
    return Information(estimate, math.log(max(min(shared, len(s), len(p)), 1)))


def adaptation_ramp(
    progress: float,
    *,
    schedule: Literal["joint", "progressive"] = "progressive",
    start: float = 0.2,
    end: float = 0.5,
) -> float:
    r"""Factor on the weight of level 2, given the share of training that is done.

    .. math:: \operatorname{clip}\left( \frac{t - \text{start}}{\text{end} - \text{start}},\ 0,\ 1 \right)

    paper: the levels are adapted "progressively"; how is not known. ours: ``"progressive"``, level 1 first
    and level 2 ramped in, or ``"joint"``, 1 throughout.

    >>> [adaptation_ramp(t, start=0.25, end=0.75) for t in (0.0, 0.5, 1.0)]
    [0.0, 0.5, 1.0]
    """
    check_choice("schedule", schedule, ("joint", "progressive"))
    check_range("progress", progress, 0, 1)
    check_range("start", start, 0, end)
    if schedule == "joint" or progress >= end:
        return 1.0
    return max(0.0, progress - start) / (end - start) if progress > start else 0.0
