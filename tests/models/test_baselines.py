"""The baselines: their losses are what they say, and off is off."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sbirkit.losses import cross_modal_triplet
from sbirkit.models.baselines import Projected, Softmax, SoftmaxConfig, Triplet, TripletConfig
from sbirkit.models.method import Step

STEP = Step(number=0, epoch=0, total=1, seed=0)


class Flat(nn.Module):
    dim = 12

    def forward(self, images, modality):
        x = images.float().expand(-1, 3, -1, -1) / 255
        photo = modality[:, None] if isinstance(modality, torch.Tensor) else float(modality == "photo")
        return x.flatten(1) - 0.5 * photo


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(0)
    sketch, photo = (torch.randint(256, (6, c, 2, 2), generator=g, dtype=torch.uint8) for c in (1, 3))
    y = torch.tensor([0, 0, 1, 1, 2, 2])
    return SimpleNamespace(sketch=sketch, photo=photo, y_sketch=y, y_photo=y.flip(0))


def test_softmax_is_cross_entropy_over_both_modalities(batch):
    method = Softmax(SoftmaxConfig(dim=5), backbone=Flat(), classes=("a", "b", "c"))
    terms = method.losses(batch, step=STEP)
    surprises = []
    for images, modality, labels in (
        (batch.sketch, "sketch", batch.y_sketch),
        (batch.photo, "photo", batch.y_photo),
    ):
        for logits, label in zip(method.classifier(method.embed(images, modality)), labels, strict=True):
            surprises.append(logits.exp().sum().log() - logits[label])
    torch.testing.assert_close(terms["softmax"], torch.stack(surprises).mean())


@pytest.mark.parametrize("mining", ["all", "hard"])
def test_triplet_is_the_loss_on_the_embeddings(batch, mining):
    method = Triplet(TripletConfig(margin=0.5, mining=mining), backbone=Flat())
    rows = method.embed(batch.sketch, "sketch"), method.embed(batch.photo, "photo")
    want = cross_modal_triplet(*rows, batch.y_sketch, batch.y_photo, margin=0.5, mining=mining)
    torch.testing.assert_close(method.losses(batch, step=STEP)["triplet"], want)


def test_a_weight_of_zero_computes_nothing(batch):
    def fail(*_):
        raise AssertionError("was computed")

    for method in (
        Triplet(TripletConfig(triplet=0.0), backbone=Flat()),
        Softmax(SoftmaxConfig(softmax=0.0), backbone=Flat(), classes=("a", "b")),
    ):
        method.embed = fail
        assert method.losses(batch, step=STEP) == {}


def test_width_zero_leaves_the_features_and_heads_do_not_depend_on_each_other(batch):
    bare = Triplet(TripletConfig(dim=0), backbone=Flat())
    assert bare.dim == 12
    assert torch.equal(bare.embed(batch.photo, "photo"), Flat()(batch.photo, "photo"))
    few, many = (Softmax(backbone=Flat(), classes=tuple(map(str, range(n))), seed=4) for n in (2, 9))
    assert torch.equal(few.projection.weight, many.projection.weight)
    assert few.dim == Projected().dim == 128
