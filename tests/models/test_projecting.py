"""The linear layer that most methods embed with."""

import torch

from sbirkit.models.projecting import Projected, Projecting, classifier, projection


class Plain(Projecting):
    def losses(self, batch, *, step):
        return {}


def test_starts_with_the_cosines_of_the_features():
    x = torch.randn(6, 10, generator=torch.Generator().manual_seed(0))
    for dim in (10, 16):  # as wide, or wider
        y = projection(10, dim, seed=1)(x)
        torch.testing.assert_close(y @ y.T, x @ x.T)
    narrow = projection(10, 4, seed=1)
    torch.testing.assert_close(narrow.weight @ narrow.weight.T, torch.eye(4))
    assert not narrow.bias.any()


def test_depends_on_its_own_seed_alone():
    torch.manual_seed(0)
    one = projection(5, 3, seed=0)
    before = torch.rand(1)
    torch.manual_seed(1)
    classifier(5, ("a",), seed=0)
    two = projection(5, 3, seed=0)
    assert torch.equal(one.weight, two.weight)
    assert not torch.equal(one.weight, projection(5, 3, seed=1).weight)
    torch.manual_seed(0)
    projection(5, 3, seed=9)
    assert torch.equal(torch.rand(1), before)  # the user's numbers are left alone


def test_embeds_each_modality_by_the_same_layer(tiny):
    method = Plain(Projected(dim=5), backbone=tiny.Maps())
    images = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    assert method.dim == 5
    want = method.projection(method.backbone(images, "photo"))
    assert torch.equal(method.embed(images, "photo"), want)
    bare = Plain(Projected(dim=0), backbone=tiny.Maps())
    assert bare.dim == 16
    assert torch.equal(bare.embed(images, "photo"), bare.backbone(images, "photo"))
