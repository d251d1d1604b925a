"""Backbones: one interface, the libraries' own numbers, and the differences of TensorFlow's MobileNetV2."""

import copy
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from sbirkit.models.backbones import Backbone, Cnn, backbone
from sbirkit.models.recipe import rebuild, recipe

SMALL = ["convnet", "resnet18", "mobilenet_v2", "mobilenet_v2_tf", "resnet10t", "clip-tiny"]
EXTRA = {"resnet10t": "timm", "seresnet50": "timm", "clip-tiny": "open_clip"}
CHANCE = 0.353  # mAP of 4 classes of 5 at random: 4/19 + 15/19 (1 + 1/2 + ... + 1/20) / 20
MEAN, STD = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))


def pictures(n: int = 2, size: int = 64, channels: int = 3) -> Tensor:
    g = torch.Generator().manual_seed(size)
    return torch.randint(0, 256, (n, channels, size, size), generator=g, dtype=torch.uint8)


def lively(net: torch.nn.Module) -> torch.nn.Module:
    """With statistics that fit, as after training: a deep network at random else puts out next to nothing."""
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1
            torch.nn.init.uniform_(module.weight, 0.5, 1)
    with torch.no_grad():
        net.train()(pictures(8) / 127.5 - 1)
    return net.eval()


@pytest.fixture(scope="module")
def made() -> dict[str, Backbone]:
    return {}


@pytest.fixture
def net(request: pytest.FixtureRequest, made: dict[str, Backbone]) -> Backbone:
    name = request.param
    if name in EXTRA:
        pytest.importorskip(EXTRA[name], reason="needs the extra 'backbones'")
    if name not in made:
        made[name] = backbone(name).eval()
    return made[name]


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network, and nothing downloaded before."""

    def refuse(*args, **options):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    hub = pytest.importorskip("huggingface_hub", reason="needs the extra 'backbones'")
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)  # else it tries again for a minute
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))


@pytest.mark.parametrize("net", SMALL, indirect=True)
@torch.inference_mode()
def test_one_interface(net: Backbone):
    for size in (32, 47, 64):
        grey = pictures(size=size, channels=1)
        fmap, pooled = net.both(grey, "sketch")
        assert pooled.shape == (2, net.dim)
        assert fmap.shape[:2] == (2, net.map_dim)
        assert fmap.ndim == 4
        assert torch.equal(net(grey, "sketch"), pooled)
        assert torch.equal(net.features(grey, "sketch"), fmap)
        as_photo = net(grey.expand(-1, 3, -1, -1), "photo")
        torch.testing.assert_close(as_photo, pooled, atol=1e-4, rtol=1e-4)
    assert all(isinstance(net.get_submodule(stage), torch.nn.Module) for stage in net.stages)


@pytest.mark.parametrize("net", SMALL, indirect=True)
@torch.inference_mode()
def test_a_copy_and_a_rebuilt_one_are_the_same_network(net: Backbone):
    again = rebuild(recipe(net)).eval()
    again.load_state_dict(net.state_dict())
    for other in (again, copy.deepcopy(net)):
        assert torch.equal(other(pictures(), "photo"), net(pictures(), "photo"))


@pytest.mark.parametrize("net", ["convnet"], indirect=True)
def test_first_weights_come_from_the_seed(net: Backbone):
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    same, other = backbone("convnet"), backbone("convnet", seed=1)
    assert torch.equal(same.head.weight, net.head.weight)
    assert not torch.equal(other.head.weight, net.head.weight)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_resnet_equals_torchvision(tmp_path: Path):
    from torchvision.models import resnet18

    plain = lively(resnet18())
    torch.save(plain.state_dict(), tmp_path / "resnet18.pth")
    net = backbone("resnet18", weights=tmp_path / "resnet18.pth", classes=1000).eval()
    with torch.inference_mode():
        want = plain((pictures() / 255 - MEAN) / STD)
        got = net.classifier(net(pictures(), "photo"))
    torch.testing.assert_close(got, want, atol=1e-4, rtol=1e-4)


def test_resnet_equals_timm():
    timm = pytest.importorskip("timm", reason="needs the extra 'backbones'")
    plain = lively(timm.create_model("resnet10t"))
    net = backbone("resnet10t").eval()
    net.net.load_state_dict({k: v for k, v in plain.state_dict().items() if not k.startswith("fc.")})
    mean, std = (torch.tensor(plain.pretrained_cfg[k]).view(1, 3, 1, 1) for k in ("mean", "std"))
    with torch.inference_mode():
        want = plain.forward_features((pictures() / 255 - mean) / std)
        torch.testing.assert_close(net.features(pictures(), "photo"), want, atol=1e-4, rtol=1e-4)


def pad_right_and_below(plain: torch.nn.Module, x: Tensor) -> Tensor:
    """torchvision's MobileNetV2, each convolution of stride 2 preceded by a row and a column of zeros."""
    for module in plain.modules():
        if isinstance(module, torch.nn.Conv2d) and module.stride == (2, 2):
            module.padding = (0, 0)
            module.register_forward_pre_hook(lambda m, args: torch.nn.functional.pad(args[0], (0, 1, 0, 1)))
    return plain.features(x).mean((2, 3))


def test_tensorflow_mobilenet_pads_and_normalises_its_own_way():
    from torchvision.models import mobilenet_v2

    plain, net = lively(mobilenet_v2()), backbone("mobilenet_v2_tf").eval()
    net.net.features.load_state_dict(plain.features.state_dict())
    with torch.inference_mode():
        want = pad_right_and_below(plain, pictures() / 127.5 - 1)
        assert want.std() > 0.1
        torch.testing.assert_close(net(pictures(), "photo"), want, atol=1e-4, rtol=1e-4)
        assert net.features(pictures(size=65), "photo").shape[2:] == (3, 3)  # SAME: 65, 33, 17, 9, 5, 3


@pytest.mark.parametrize("norm", ["batch", "fixed", "frozen"])
def test_normalisation_learns_only_as_far_as_asked(norm):
    net = Cnn("resnet18", norm=norm).train()
    before = net.net.bn1.running_mean.clone()
    net(pictures(4), "photo").square().sum().backward()
    assert torch.equal(net.net.bn1.running_mean, before) == (norm != "batch")
    assert (net.net.bn1.weight.grad is None) == (norm == "frozen")
    assert net.net.conv1.weight.grad.abs().sum() > 0
    assert net.train(False).train().training
    assert net.net.bn1.training == (norm == "batch")


def test_folded_normalisation_is_fixed_unless_frozen():
    assert not backbone("mobilenet_v2_tf").net.features[0][1].training
    with pytest.raises(ValueError, match="norm: mobilenet_v2_tf wants 'fixed' or 'frozen', got 'batch'"):
        backbone("mobilenet_v2_tf", norm="batch")
    with pytest.raises(ValueError, match="norm: resnet18 wants 'batch', 'fixed' or 'frozen', got 'off'"):
        backbone("resnet18", norm="off")


def shown(shared_data: Path, modality: str, label: str, n: int) -> Tensor:
    from PIL import Image

    files = sorted((shared_data / "real-mini" / modality / label).iterdir())[:n]
    images = np.stack([np.asarray(Image.open(f).convert("RGB").resize((224, 224))) for f in files])
    return torch.from_numpy(images).permute(0, 3, 1, 2)


@torch.inference_mode()
def test_real_weights_of_mobilenet(shared_data: Path):
    """They name photos, and find them by sketches; in training mode, which must not matter."""
    file = shared_data / "backbone-mobilenetv2" / "mobilenet_v2_1.0_224.npz"
    names = (file.parent / "imagenet_labels.txt").read_text().split("\n")
    net = backbone("mobilenet_v2_tf", weights=file, classes=1000).train()
    labels = {"panda": "giant panda", "saxophone": "sax", "umbrella": "umbrella", "laptop": "laptop"}
    photos = torch.cat([net(shown(shared_data, "photo", label, 5), "photo") for label in labels])
    sketches = torch.cat([net(shown(shared_data, "sketch", label, 5), "sketch") for label in labels])
    best = net.classifier(photos).topk(5).indices.tolist()
    wanted = np.repeat([*labels.values()], 5)
    assert np.mean([any(w in names[k] for k in five) for w, five in zip(wanted, best, strict=True)]) >= 0.85
    y = torch.arange(4).repeat_interleave(5)
    scores = torch.nn.functional.normalize(sketches) @ torch.nn.functional.normalize(photos).T
    rel = (y[scores.argsort(dim=1, descending=True)] == y[:, None]).double()
    precision = rel.cumsum(1) / torch.arange(1, 21)
    assert (precision * rel).sum(1).div(5).mean() > CHANCE + 0.1


@pytest.mark.parametrize(
    ("name", "weights", "where"),
    [
        ("resnet18", "imagenet", "resnet18-"),
        ("resnet50", "IMAGENET1K_V2", "resnet50-"),
        ("seresnet50", "imagenet", "seresnet50"),
        ("ViT-B-32", "openai", "clip"),
    ],
)
@pytest.mark.usefixtures("unreachable")
def test_a_missing_download_says_what_to_do(name: str, weights: str, where: str):
    if name in ("seresnet50", "ViT-B-32"):
        pytest.importorskip("open_clip", reason="needs the extra 'backbones'")
    with pytest.raises(
        ConnectionError, match=rf"'{weights}' of {name}.*fetch it from \S*{where}.*weights='FILE'"
    ):
        backbone(name, weights=weights)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "resnet81",
            {},
            r"name: there is no 'resnet81' \(did you mean 'resnet18'.*want one of convnet",
        ),
        ("vit_tiny_patch16_224", {}, "of timm only ResNets"),
        ("resnet18", {"weights": "openai"}, "weights: resnet18 has 'imagenet', .*; got 'openai'"),
        ("mobilenet_v2_tf", {"weights": "imagenet"}, "mobilenet_v2_tf has no tag, give the file"),
        ("resnet10t", {"weights": "a1"}, "put timm's tag in the name"),
    ],
)
def test_says_what_it_has(name: str, options: dict, message: str):
    pytest.importorskip("timm", reason="needs the extra 'backbones'")
    with pytest.raises(ValueError, match=message):
        backbone(name, **options)


def test_says_what_pictures_it_wants(made: dict[str, Backbone]):
    net = made.get("convnet") or backbone("convnet")
    with pytest.raises(ValueError, match=r"at least 32 pixels a side, got \(2, 3, 31, 31\)"):
        net(pictures(size=31), "photo")
    with pytest.raises(ValueError, match="want 'sketch', 'photo' or a tag for each picture, got 'photos'"):
        net(pictures(), "photos")  # type: ignore[arg-type]
