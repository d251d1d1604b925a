"""A small residual network for small pictures: the backbone that two CPU cores can train in a minute."""

from pathlib import Path

import torch
from torch import Tensor, nn

from .backbones import SIGNED, Backbone
from .weights import load_weights, read_weights


class ConvNet(Backbone):
    """Four residual stages (He et al., 2016, the layout of ResNet-10), ``width`` channels in the first.

    A linear layer of ``dim`` outputs follows the pooling. ``weights`` are a file, or None; ``classes`` are
    the outputs of :attr:`classifier`, which is left out at 0.

    >>> net = ConvNet(width=8, dim=32)
    >>> net(torch.zeros(2, 1, 64, 64, dtype=torch.uint8), "sketch").shape
    torch.Size([2, 32])
    """

    def __init__(
        self, *, width: int = 16, dim: int = 128, weights: str | Path | None = None, classes: int = 0
    ) -> None:
        super().__init__(SIGNED)
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width)
        )
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.dim, self.map_dim = dim, widths[-1]
        self.blocks = nn.Sequential(
            *(Block(a, b, stride=2) for a, b in zip([width, *widths], widths, strict=False))
        )
        self.stages = {f"blocks.{i}": channels for i, channels in enumerate(widths)}
        self.head = nn.Linear(self.map_dim, dim)
        self.classifier = nn.Linear(dim, classes) if classes else None
        if weights is not None:
            load_weights(self, read_weights(weights))
        self.to(memory_format=torch.channels_last)

    def run(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.blocks(self.stem(x).relu())
        return x, self.head(x.mean(dim=(2, 3)))


class Block(nn.Module):
    """Two 3 x 3 convolutions and a way round them."""

    def __init__(self, inside: int, out: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, out, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out)
        self.way = nn.Sequential(nn.Conv2d(inside, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))
        return (y + self.way(x)).relu()
