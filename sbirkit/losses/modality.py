r"""MA-SBIR: an embedding is meaning plus modality, :math:`z = s + M_m`; a table ``M`` holds the modalities.

All terms take the same arguments: ``image`` and ``text`` ``(B, D)``, normalised here, with their modalities
``v`` and ``t`` ``(B,)``, rows of ``table`` ``(K, D)``. The fine-grained variant gives sketch and photo.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._check import check_choice, check_pair, check_range, check_same_width, widen

PHOTO, SKETCH, SKETCH_TEXT, PHOTO_TEXT = range(4)  # rows of the table; released code: 0, 1, 2, 3 too


class ModalityTable(nn.Embedding):
    """The ``(K, D)`` learnable modality vectors, as ``.weight``.

    released code: drawn from N(0, 1), rows about 22 times as long as the embeddings they are taken from
    (``std=1.0``). ours: ``std`` 0.02, so that training starts from the embeddings.

    >>> ModalityTable(8).weight.shape
    torch.Size([4, 8])
    """

    def __init__(self, dim: int, *, modalities: int = 4, std: float = 0.02) -> None:
        check_range("std", std, 0)
        super().__init__(modalities, dim)
        nn.init.normal_(self.weight, std=std)


def meaning(z: Tensor, modality: Tensor, table: Tensor) -> Tensor:
    r"""``(B, D)``: :math:`s = z / \lVert z \rVert - M_m`, an embedding without its modality.

    >>> meaning(torch.tensor([[2.0, 0.0]]), torch.tensor([0]), torch.tensor([[0.25, 1.0]]))
    tensor([[ 0.7500, -1.0000]])
    """
    z = check_pair("z", z, modality)
    check_same_width(z=z, table=table)
    return F.normalize(z, dim=1) - F.embedding(modality, widen(table))


def centre(image: Tensor, text: Tensor, *, detach: bool = False) -> Tensor:
    r"""``(B, D)``: :math:`c = n\left(\tfrac12 (z_v + z_t)\right)`, what a picture and its caption share.

    released code: a gradient flows through it. ours: ``detach=True`` makes it a fixed target.

    >>> centre(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
    tensor([[0.7071, 0.7071]])
    """
    check_same_width(image=image, text=text)
    c = F.normalize(F.normalize(widen(image), dim=1) + F.normalize(widen(text), dim=1), dim=1)
    return c.detach() if detach else c


def semantic(
    image: Tensor, text: Tensor, v: Tensor, t: Tensor, table: Tensor, *, detach: bool = False
) -> Tensor:
    r"""Without their modalities, a picture and its caption lie where they meet.

    .. math:: L = \frac1B \sum_i \left(1 - \cos(s_v, c)\right) + \left(1 - \cos(s_t, c)\right)

    paper, released code: weight 0.1. ours: ``detach``, see :func:`centre`.

    >>> x, i = torch.eye(2), torch.tensor([0, 0])
    >>> round(semantic(x, x.flip(0), i, i, torch.zeros(1, 2)).item(), 4)
    0.5858
    """
    s_v, s_t = _meanings(image, text, v, t, table)
    c = centre(image, text, detach=detach)
    return _apart(s_v, c) + _apart(s_t, c)


def reconstruction(image: Tensor, text: Tensor, v: Tensor, t: Tensor, table: Tensor) -> Tensor:
    r"""A caption's meaning in the picture's modality is the picture, and the reverse.

    .. math:: L = \frac1B \sum_i \left(1 - \cos(s_t + M_v, z_v)\right) + \left(1 - \cos(s_v + M_t, z_t)\right)

    paper, released code: weight 0.02.

    >>> x, i = torch.eye(2), torch.tensor([0, 0])
    >>> reconstruction(x, x.flip(0), i, i, torch.zeros(1, 2)).item()
    2.0
    """
    s_v, s_t = _meanings(image, text, v, t, table)
    m_v, m_t = F.embedding(v, widen(table)), F.embedding(t, widen(table))
    return _apart(s_t + m_v, widen(image)) + _apart(s_v + m_t, widen(text))


def modality_discrimination(
    image: Tensor,
    text: Tensor,
    v: Tensor,
    t: Tensor,
    table: Tensor,
    discriminator: Callable[[Tensor], Tensor],
) -> Tensor:
    r"""A meaning that is given another modality is recognised as of that modality.

    .. math:: L = \frac{1}{2B(K-1)} \sum_i \left[
              \sum_{k \neq t} \mathrm{CE}\left(D(n(s_t + M_k)), k\right) +
              \sum_{k \neq v} \mathrm{CE}\left(D(n(s_v + M_k)), k\right) \right]

    released code: weight 0.1, :math:`D` is one linear layer, ``nn.Linear(dim, K)``; nothing is reversed, so
    the table and the encoders *help* it. paper: not named among the three families of losses in what we read.

    Args:
        discriminator: ``(N, D)`` to ``(N, K)`` logits.

    >>> x, i = torch.eye(2), torch.tensor([0, 0])
    >>> modality_discrimination(x, x, i, i, torch.zeros(2, 2), torch.zeros_like)
    tensor(0.6931)
    """
    wide = widen(table)
    k = torch.arange(len(wide), device=wide.device)

    def told(s: Tensor, own: Tensor) -> Tensor:
        converted = F.normalize(s[:, None] + wide, dim=2)  # (B, K, D)
        with torch.autocast(s.device.type, enabled=False):
            logits = discriminator(converted.flatten(0, 1))  # (BK, K)
        error = F.cross_entropy(logits, k.repeat(len(s)), reduction="none").view(-1, len(k))
        other = k != own[:, None]
        return torch.where(other, error, 0).sum() / other.sum().clamp(min=1)

    s_v, s_t = _meanings(image, text, v, t, table)
    return (told(s_t, t) + told(s_v, v)) / 2


def orthogonality(
    image: Tensor,
    text: Tensor,
    table: Tensor,
    *,
    form: Literal["elementwise", "dot"] = "elementwise",
    detach: bool = False,
) -> Tensor:
    r"""What is shared has no part in any modality vector.

    .. math:: L = \frac{1}{BK} \sum_{i,k} \sum_j \lvert c_{ij} M_{kj} \rvert
              \quad\text{or}\quad \frac{1}{BK} \sum_{i,k} \lvert c_i^\top M_k \rvert

    released code: ``"elementwise"``, which is zero only when no dimension is used by both; weight 0.
    ours: ``"dot"``, zero when they are orthogonal.

    >>> x, m = torch.tensor([[3.0, 4.0]]), torch.tensor([[4.0, -3.0]])
    >>> [round(orthogonality(x, x, m, form=f).item(), 4) for f in ("elementwise", "dot")]
    [4.8, 0.0]
    """
    check_choice("form", form, ("elementwise", "dot"))
    c, m = centre(image, text, detach=detach), widen(table)
    check_same_width(image=c, table=m)
    with torch.autocast(c.device.type, enabled=False):
        products = (c.abs() @ m.abs().T) if form == "elementwise" else (c @ m.T).abs()  # (B, K)
    return products.sum() / max(products.numel(), 1)


def converted(z: Tensor, table: Tensor, *, source: int = SKETCH, target: int = PHOTO) -> Tensor:
    r"""``(B, D)``: :math:`n(z - M_\text{source} + M_\text{target})`, a sketch's embedding as a photo's.

    paper, released code: retrieval is measured with and without it, sketches only.

    >>> converted(torch.tensor([[5.0, 0.0]]), torch.tensor([[0.0, 0.5], [0.0, -0.5]]))
    tensor([[0.7071, 0.7071]])
    """
    modality = torch.full((len(z),), source, device=z.device)
    return F.normalize(meaning(z, modality, table) + widen(table)[target], dim=1)


def _meanings(image: Tensor, text: Tensor, v: Tensor, t: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
    check_pair("image", image, v)
    check_pair("text", text, t)
    check_same_width(image=image, text=text, table=table)
    return meaning(image, v, table), meaning(text, t, table)


def _apart(x: Tensor, y: Tensor) -> Tensor:
    """One minus the mean cosine of paired rows; zero without rows."""
    return (1 - F.cosine_similarity(x, y, dim=1)).sum() / max(len(x), 1)
