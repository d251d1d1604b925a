"""RAMLN's margin: read from an external memory, bounded, one per anchor."""

import torch
from torch import Tensor, nn

from ._check import check_choice, check_pair, check_range, check_same_width


class MarginNetwork(nn.Module):
    r"""A margin for every anchor, from what the memory holds near it.

    With the anchor :math:`x` (unit length) and the memory's filled rows :math:`M_j`:

    .. math:: w = \operatorname{softmax}_j\, \gamma \cos(W_k x, M_j), \quad r = \sum_j w_j M_j, \quad
              R(x) = \mu_{\min} + (\mu_{\max} - \mu_{\min})\, \sigma(W_o\, [x;\, r;\, |x - r|] + b)

    * ``keyed="slots"``: ``size`` rows, least used, least distinct written first, see :meth:`write`.
    * ``keyed="classes"``: a row for each of ``size`` classes and each modality, a moving mean; an anchor
      reads the rows of other classes only, so :math:`r` is the nearest wrong meaning.

    paper: a learned margin per input, an external memory of features that decides it, to keep rare
    features of seen classes. ours: everything else. The range is bounded because a free margin would win by
    sinking to minus infinity; :math:`x` is detached, so margins never move the embedding. Until something is
    learned every margin is the middle of the range; with ``low == high`` the loss is the plain quadruplet.

    The memory and its usage are buffers: they are saved, and follow the device, with the parameters.

    Args:
        dim: width D of the embeddings. size: slots, or classes.
        low, high: the range of the margin. sharpness: :math:`\gamma`.
        rate: how far one read moves a slot towards what read it. decay: of usage, or of a class's mean.

    >>> net = MarginNetwork(4, size=8, low=0.1, high=0.5)
    >>> s, x, y = torch.eye(4)[:2], torch.eye(4)[2:], torch.arange(2)
    >>> net.write(s, x, y, y)
    >>> net(s, x, y, y)  # sketches first; nothing learned yet, so the middle
    tensor([0.3000, 0.3000, 0.3000, 0.3000], grad_fn=<AddBackward0>)
    """

    memory: Tensor
    usage: Tensor

    def __init__(
        self,
        dim: int,
        *,
        keyed: str = "slots",
        size: int = 64,
        low: float = 0.1,
        high: float = 0.5,
        sharpness: float = 10.0,
        rate: float = 0.1,
        decay: float = 0.99,
    ) -> None:
        super().__init__()
        check_choice("keyed", keyed, ("slots", "classes"))
        check_range("size", size, 1)
        check_range("low", low, 0, 2)
        check_range("high", high, low, 2)
        check_range("rate", rate, 0, 1)
        check_range("decay", decay, 0, 1)
        self.keyed, self.low, self.high = keyed, low, high
        self.sharpness, self.rate, self.decay = sharpness, rate, decay
        self.key = nn.Linear(dim, dim, bias=False)
        self.out = nn.Linear(3 * dim, 1)
        nn.init.eye_(self.key.weight)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        rows = size if keyed == "slots" else 2 * size
        self.register_buffer("memory", torch.zeros(rows, dim))
        self.register_buffer("usage", torch.zeros(rows))  # 0: never filled

    def forward(self, sketch: Tensor, photo: Tensor, y_sketch: Tensor, y_photo: Tensor) -> Tensor:
        """Margins ``(S + P,)`` of sketch and photo anchors, in the order of ``cross_modal_quadruplet``."""
        x, row = self._anchors(sketch, photo, y_sketch, y_photo)
        with torch.autocast(x.device.type, enabled=False):
            read = self._weights(x, row) @ self.memory.clone()  # a write may come before the backward pass
            share = self.out(torch.cat([x, read, (x - read).abs()], dim=1)).sigmoid()[:, 0]
        return self.low + (self.high - self.low) * share

    @torch.no_grad()
    def write(self, sketch: Tensor, photo: Tensor, y_sketch: Tensor, y_photo: Tensor) -> None:
        r"""Put a batch into the memory; no graph is kept. Call it once per step, after the margins are used.

        Slots: usage :math:`u \leftarrow \rho u + a` with reads :math:`a_j = \sum_i w_{ij}`; every slot
        moves towards its readers' mean,
        :math:`M_j \leftarrow M_j + (1 - (1 - \eta)^{a_j}) (\bar x_j - M_j)`;
        then the item least like any slot takes the slot of least value
        :math:`u_j (1 - \max_k \cos(M_j, M_k))`, with average usage: an unused slot like others goes first, a
        rare feature stays long. Classes: :math:`M_{c,m} \leftarrow \rho M_{c,m} + (1 - \rho)\, \bar x_{c,m}`,
        at first the mean itself.
        """
        x, row = self._anchors(sketch, photo, y_sketch, y_photo)
        if not len(x):
            return
        with torch.autocast(x.device.type, enabled=False):
            filled = self.usage > 0
            if self.keyed == "classes":
                w = nn.functional.one_hot(row, len(self.memory)).to(x)
                speed = torch.where(filled, 1 - self.decay, 1.0) * (w.sum(0) > 0)
            else:
                w = self._weights(x, row)
                speed = 1 - (1 - self.rate) ** w.sum(0)
                self.usage.mul_(self.decay)
            self.usage.add_(w.sum(0))
            self.memory.lerp_(w.T @ x / w.sum(0).clamp(min=1e-6)[:, None], speed[:, None])
            if self.keyed == "slots":
                rows, others = nn.functional.normalize(self.memory, dim=1), ~torch.eye(len(filled)).to(filled)
                alone = 1 - torch.where(others, rows @ rows.T, -1).amax(1)
                rarest = torch.where(filled, x @ rows.T, -1).amax(1).argmin()
                slot = (self.usage * alone).argmin()
                self.memory[slot], self.usage[slot] = x[rarest], self.usage.mean() + 1

    def _anchors(
        self, sketch: Tensor, photo: Tensor, y_sketch: Tensor, y_photo: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Both modalities as detached unit rows, and the memory row that belongs to each (class-keyed)."""
        sketch, photo = check_pair("sketch", sketch, y_sketch), check_pair("photo", photo, y_photo)
        check_same_width(sketch=sketch, photo=photo, memory=self.memory)
        row = torch.cat([2 * y_sketch, 2 * y_photo + 1])
        if self.keyed == "classes" and len(row):
            low, high = int(row.min()) // 2, int(row.max()) // 2
            if not 0 <= low <= high < len(self.memory) // 2:
                raise ValueError(f"labels: want class ids below {len(self.memory) // 2}, got {low} to {high}")
        return nn.functional.normalize(torch.cat([sketch, photo]).detach().to(self.memory), dim=1), row

    def _weights(self, x: Tensor, row: Tensor) -> Tensor:
        """``(N, rows)`` attention over what may be read; a row of zeros where nothing may."""
        cos = nn.functional.normalize(self.key(x), dim=1) @ nn.functional.normalize(self.memory, dim=1).T
        readable = (self.usage > 0).expand_as(cos)
        if self.keyed == "classes":
            readable = readable & (row[:, None] // 2 != torch.arange(len(self.memory), device=x.device) // 2)
        scores = torch.where(readable, self.sharpness * cos, -1e9)
        return scores.softmax(1) * readable
