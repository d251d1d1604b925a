"""Modality gates: nothing at step 0, then something, and only through the network that was returned."""

import copy

import pytest
import torch
from torch import Tensor, nn

from sbirkit.models.backbones import Backbone, backbone
from sbirkit.models.gates import Gate, Gated, TaggedLayer, attach_gates
from sbirkit.models.recipe import rebuild, recipe

EXTRA = {"seresnet50": "timm", "legacy_seresnet50": "timm", "clip-tiny": "open_clip"}
NAMES = ["convnet", "resnet18", "mobilenet_v2_tf", "seresnet50", "legacy_seresnet50", "clip-tiny"]


def pictures(n: int = 2) -> Tensor:
    return torch.randint(
        0, 256, (n, 3, 64, 64), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )


def make(name: str) -> Backbone:
    """With no branch closed at the start, as timm closes them."""
    if name in EXTRA:
        pytest.importorskip(EXTRA[name], reason="needs the extra 'backbones'")
    net = backbone(name)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1)
    return net


@pytest.mark.parametrize("name", NAMES)
def test_starts_as_the_plain_network_then_tells_the_modalities_apart(name: str):
    net = make(name)
    plain = copy.deepcopy(net).eval()
    gated = attach_gates(net).eval()
    gates = [m for m in gated.modules() if isinstance(m, Gate | TaggedLayer)]
    assert gated.classifier is None
    assert (gated.dim, gated.map_dim) == (plain.dim, plain.map_dim)
    with torch.inference_mode():
        for modality in ("sketch", "photo"):
            for a, b in zip(gated.both(pictures(), modality), plain.both(pictures(), modality), strict=True):
                assert torch.equal(a, b)
    columns = [p for n, p in gated.named_parameters() if n.endswith(("column", "excite.weight"))]
    assert len(columns) == len(gates) == (16 if "seresnet" in name else 4 if "mobile" not in name else 5)
    for step in range(2):
        grads = torch.autograd.grad(gated(pictures(), "photo").square().sum(), columns)
        assert all(g.abs().sum() > 0 for g in grads), step
        with torch.no_grad():
            for column, grad in zip(columns, grads, strict=True):
                column.add_(0.1 * grad / grad.norm())
    with torch.inference_mode():
        sketch, photo = gated(pictures(), "sketch"), gated(pictures(), "photo")
    assert (sketch - photo).norm() > 1e-2 * (photo - photo.mean(0)).norm()


@pytest.mark.parametrize("name", ["resnet18", "seresnet50"])
def test_starts_as_the_plain_network_in_half_precision(name: str):
    net = make(name)
    plain = copy.deepcopy(net).eval()
    gated = attach_gates(net).eval()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for a, b in zip(gated.both(pictures(), "photo"), plain.both(pictures(), "photo"), strict=True):
            assert a.dtype == b.dtype
            assert torch.equal(a, b)


def test_every_parameter_of_a_gate_learns():
    gated = attach_gates(backbone("convnet", width=8))
    optimiser = torch.optim.SGD(gated.parameters(), lr=0.1)
    for _ in range(2):  # the first step opens the way to what lies before the zeros
        optimiser.zero_grad()
        gated(pictures(4), "photo").square().mean().backward()
        optimiser.step()
    for gate in gated.modules():
        if isinstance(gate, Gate):
            assert all(
                p.grad.abs().sum() > 0 for p in (*gate.squeeze.parameters(), *gate.excite.parameters())
            )


def test_the_column_is_that_of_a_wider_layer():
    """Against the concatenation that the equation writes."""
    layer, z = TaggedLayer(nn.Conv2d(6, 10, 1)), torch.randn(3, 6, 1, 1)
    nn.init.normal_(layer.column)
    wide = nn.Conv2d(7, 10, 1)
    with torch.no_grad():
        wide.weight.copy_(torch.cat([layer.plain.weight, layer.column[:, None, None, None]], dim=1))
        wide.bias.copy_(layer.plain.bias)
    for tag in (0.0, 1.0):
        layer._tag = torch.full((1, 1), tag)
        torch.testing.assert_close(layer(z), wide(torch.cat([z, torch.full((3, 1, 1, 1), tag)], dim=1)))


def test_a_gate_weighs_channels_of_tokens_as_of_maps():
    gate, x = Gate(nn.Identity(), 8), torch.randn(2, 8, 3, 5)
    nn.init.normal_(gate.excite.weight)
    gate._tag = torch.ones(1, 1)
    tokens = gate(x.flatten(2).mT)
    torch.testing.assert_close(gate(x), tokens.mT.reshape(x.shape))
    ratio = (gate(x) / x).flatten(2)
    torch.testing.assert_close(ratio, ratio[:, :, :1].expand_as(ratio))
    assert ratio.min() > 0
    assert ratio.max() < 2


def test_survives_saving_and_copying():
    gated = attach_gates(backbone("convnet", width=8)).eval()
    for p in gated.parameters():
        nn.init.normal_(p, std=0.3)
    again = rebuild(recipe(gated)).eval()
    again.load_state_dict(gated.state_dict())
    for other in (again, copy.deepcopy(gated)):
        for modality in ("sketch", "photo"):
            assert torch.equal(other(pictures(), modality), gated(pictures(), modality))


def test_first_weights_come_from_the_seed():
    one, same, other = (attach_gates(backbone("convnet", width=8), seed=s).state_dict() for s in (0, 0, 1))
    key = "backbone.blocks.0.squeeze.weight"
    assert torch.equal(one[key], same[key])
    assert not torch.equal(one[key], other[key])


def test_refuses_to_guess():
    net = backbone("convnet", width=8)
    gated = attach_gates(net)
    with pytest.raises(RuntimeError, match="call the network that attach_gates returned"):
        net(pictures(), "photo")
    for twice in (net, gated):
        with pytest.raises(ValueError, match="it has gates already"):
            attach_gates(twice)
    with pytest.raises(TypeError, match="backbone: want a Backbone, got Linear"):
        Gated(nn.Linear(1, 1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="modality: want"):
        gated(pictures(), "drawing")  # type: ignore[arg-type]
    gated(pictures(), "sketch")
    with pytest.raises(RuntimeError, match="attach_gates"):  # nothing is left over from the call before
        gated.backbone(pictures(), "photo")


@pytest.mark.parametrize("name", ["convnet", "clip-tiny", "seresnet50"])
@torch.inference_mode()
def test_a_tag_for_each_picture_is_what_its_modality_is(name: str):
    net = make(name)
    plain = copy.deepcopy(net).eval()
    gated, images = attach_gates(net).eval(), pictures(4)
    tags = torch.tensor([0.0, 1.0, 1.0, 0.0])
    for got, want in zip(gated.both(images, tags), plain.both(images, tags), strict=True):
        assert torch.equal(got, want)  # step 0
    for key, p in gated.named_parameters():
        if key.endswith(("column", "excite.weight")):
            nn.init.normal_(p, std=0.5)
    joint = gated(images, tags)
    for i, tag in enumerate(tags):
        alone = gated(images[i : i + 1], "photo" if tag else "sketch")[0]
        torch.testing.assert_close(joint[i], alone, atol=1e-4, rtol=1e-4)
    assert (gated(images, 1 - tags) - joint).norm() > 1e-2 * (joint - joint.mean(0)).norm()
    for wrong in (torch.zeros(3), torch.zeros(4, 1)):
        with pytest.raises(ValueError, match="modality: want a tag for each of 4 pictures"):
            gated(images, wrong)
