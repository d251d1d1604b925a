"""A small residual network for small pictures: the backbone that two CPU cores can train in a minute."""

import torch
from torch import Tensor, nn


class ConvNet(nn.Module):
    """Four residual stages (He et al., 2016, the layout of ResNet-10), ``width`` channels in the first.

    One network sees both modalities: a sketch's single channel is repeated. Takes the catalogue's ``uint8``
    pictures as they are and normalises inside, so no float picture is ever moved.

    >>> net = ConvNet(width=8, dim=32)
    >>> net(torch.zeros(2, 1, 64, 64, dtype=torch.uint8)).shape
    torch.Size([2, 32])
    """

    def __init__(self, *, width: int = 16, dim: int = 128) -> None:
        super().__init__()
        self.dim = dim
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width)
        )
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.stages = nn.Sequential(
            *(Block(a, b, stride=2) for a, b in zip([width, *widths], widths, strict=False))
        )
        self.head = nn.Linear(widths[-1], dim)
        self.to(memory_format=torch.channels_last)

    def features(self, images: Tensor) -> Tensor:
        """``(B, 1 or 3, H, W)`` uint8 to the last feature map, ``(B, 8 width, H/32, W/32)``."""
        x = normalise(images).contiguous(memory_format=torch.channels_last)
        return self.stages(self.stem(x).relu())

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images).mean(dim=(2, 3)))


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


def normalise(images: Tensor) -> Tensor:
    """``uint8`` to floats in [-1, 1], three channels."""
    if images.ndim != 4 or images.shape[1] not in (1, 3) or images.dtype != torch.uint8:
        raise ValueError(f"images: want (B, 1 or 3, H, W) uint8, got {tuple(images.shape)} {images.dtype}")
    x = images.float().div_(127.5).sub_(1)
    return x.expand(-1, 3, -1, -1) if images.shape[1] == 1 else x
