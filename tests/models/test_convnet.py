"""The small backbone: shapes, both modalities, what it refuses."""

import pytest
import torch

from sbirkit.models.convnet import ConvNet


@pytest.mark.parametrize("size", [32, 64, 96])
@pytest.mark.parametrize("channels", [1, 3])
def test_embeds_either_modality_at_any_size(size: int, channels: int):
    net = ConvNet(width=8, dim=16).eval()
    images = torch.randint(0, 256, (2, channels, size, size), dtype=torch.uint8)
    assert net(images, "sketch").shape == (2, 16)


def test_a_sketch_is_a_grey_photo():
    net = ConvNet(width=8, dim=16).eval()
    grey = torch.randint(0, 256, (2, 1, 64, 64), dtype=torch.uint8)
    torch.testing.assert_close(net(grey, "sketch"), net(grey.expand(-1, 3, -1, -1), "sketch"))


def test_normalises_to_minus_one_and_one():
    ends = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(-1, -1, 32, 32)
    assert ConvNet(width=8).prepare(ends).amin((1, 2, 3)).tolist() == [-1, 1]


def test_every_parameter_learns():
    net = ConvNet(width=8, dim=16)
    net(torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8), "photo").square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@pytest.mark.parametrize("wrong", [torch.zeros(2, 3, 64, 64), torch.zeros(2, 2, 64, 64, dtype=torch.uint8)])
def test_says_what_it_wants(wrong: torch.Tensor):
    with pytest.raises(ValueError, match=r"images: want \(B, 1 or 3, H, W\) uint8"):
        ConvNet(width=8)(wrong, "photo")
