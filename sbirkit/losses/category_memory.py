"""DSN: a bank of sketch features for every class; photos are pulled to the mean of their class's bank."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._check import check_choice, check_pair, check_range, check_same_width


def prototype_distance(photo: Tensor, prototype: Tensor, known: Tensor) -> Tensor:
    r"""One minus the mean cosine between photos and the prototypes of their classes.

    .. math:: L = 1 - \frac{1}{|I|} \sum_{i \in I} \cos(f_i, b_{y_i}), \quad I = \{i : \text{known}_i\}

    paper, released code: photos whose class has an empty bank are left out. ours: a scalar zero if all are.

    Args:
        photo: ``(N, D)`` features. prototype: ``(N, D)``, row by row. known: ``(N,)`` bool.

    >>> x = torch.eye(2)
    >>> prototype_distance(x, x.flip(0), torch.tensor([True, False])).item()
    1.0
    """
    cosine = F.cosine_similarity(photo, prototype, dim=1)
    return torch.where(known, 1 - cosine, 0).sum() / known.sum().clamp(min=1)


class CategoryMemory(nn.Module):
    """Up to ``slots`` sketch features per class, kept for being close to the class's photos.

    paper: pull photos to sketch prototypes of their class. released code: of the pooled features, not of the
    retrieval embedding; 10 slots; no momentum; emptied at each epoch; written *before* the loss is read; two
    faults. Its photos are detached, so the term has a value and no gradient (``gradient="released"``), and it
    overwrites *class number* ``slot`` instead of a slot of the sketch's class (``write="released"``).
    ours: both as the text means them, by default.

    The banks are buffers: they move, save and load with the module.

    Args:
        classes: C. dim: D. slots: K, the size of each class's bank.

    >>> memory = CategoryMemory(2, 2)
    >>> photo, y = torch.eye(2), torch.tensor([0, 1])
    >>> memory.remember(torch.eye(2).flip(0), y, photo, y)
    >>> memory(photo, y).item(), memory.filled.tolist()
    (1.0, [1, 1])
    """

    bank: Tensor  # (C, K, D)
    filled: Tensor  # (C,)

    def __init__(
        self,
        classes: int,
        dim: int,
        *,
        slots: int = 10,
        write: Literal["correct", "released"] = "correct",
        gradient: Literal["intended", "released"] = "intended",
    ) -> None:
        super().__init__()
        check_range("classes", classes, 1)
        check_range("slots", slots, 1)
        check_choice("write", write, ("correct", "released"))
        check_choice("gradient", gradient, ("intended", "released"))
        if write == "released" and classes < slots:
            raise ValueError(f"slots: write='released' needs at most {classes}, one per class, got {slots}")
        self.write, self.gradient = write, gradient
        self.register_buffer("bank", torch.zeros(classes, slots, dim))
        self.register_buffer("filled", torch.zeros(classes, dtype=torch.int64))

    def empty(self) -> None:
        """Forget everything: at the start of every epoch."""
        self.bank.zero_()
        self.filled.zero_()

    @torch.no_grad()
    def remember(self, sketch: Tensor, y_sketch: Tensor, photo: Tensor, y_photo: Tensor) -> None:
        r"""Write sketches one by one. Once a bank is full, the photos of the batch decide who stays.

        .. math:: j = \operatorname{argmin}_k \cos(B_{ck}, q_c), \quad
                  B_{cj} \leftarrow s \ \text{ if } \cos(s, q_c) > \cos(B_{cj}, q_c)

        where ``q_c`` is the mean photo feature of class ``c`` in this batch; without one a full bank stays.

        Args:
            sketch: ``(S, D)`` features. y_sketch: ``(S,)``. photo: ``(P, D)`` features. y_photo: ``(P,)``.
        """
        sketch, photo = self._check("sketch", sketch, y_sketch), self._check("photo", photo, y_photo)
        sketch, photo = sketch.to(self.bank.dtype), photo.to(self.bank.dtype)
        filled = self.filled.tolist()
        for new, c in zip(sketch, y_sketch.tolist(), strict=True):
            if filled[c] < self.bank.shape[1]:
                self.bank[c, filled[c]] = new
                filled[c] += 1
            elif len(own := photo[y_photo == c]):
                query = own.mean(0)
                worst, slot = F.cosine_similarity(self.bank[c], query, dim=1).min(0)
                if F.cosine_similarity(new, query, dim=0) > worst:
                    self.bank[slot if self.write == "released" else (c, slot)] = new
        self.filled.copy_(torch.tensor(filled))

    def prototypes(self) -> Tensor:
        """``(C, D)`` means over the filled slots; zero for an empty bank."""
        used = torch.arange(self.bank.shape[1], device=self.bank.device) < self.filled[:, None]  # (C, K)
        return (self.bank * used[:, :, None]).sum(1) / self.filled.clamp(min=1)[:, None]

    def forward(self, photo: Tensor, y_photo: Tensor) -> Tensor:
        """:func:`prototype_distance` from ``(N, D)`` photo features to their classes' prototypes."""
        photo = self._check("photo", photo, y_photo)
        if self.gradient == "released":
            photo = photo.detach()
        prototype = self.prototypes().to(photo.dtype)
        return prototype_distance(photo, prototype[y_photo], self.filled[y_photo] > 0)

    def _check(self, name: str, features: Tensor, y: Tensor) -> Tensor:
        wide = check_pair(name, features, y)
        check_same_width(**{name: wide, "bank": self.bank})
        if len(y) and (y.min() < 0 or y.max() >= len(self.bank)):
            raise ValueError(
                f"y_{name}: want 0 to {len(self.bank) - 1}, got {int(y.min())} to {int(y.max())}"
            )
        return wide
