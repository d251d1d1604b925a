"""Networks that turn pictures into features, behind one small interface."""

import math
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from sbirkit.data.names import suggest

from .recipe import Rebuildable
from .seeding import named_seed
from .weights import downloading, is_file, load_weights, read_weights

Modality = Literal["sketch", "photo"]
Told = Modality | Tensor  # one modality for all pictures, or a tag for each, ``(B,)``: 0 sketch, 1 photo
Norm = Literal["batch", "fixed", "frozen"]
Scale = tuple[
    tuple[float, ...], tuple[float, ...]
]  # mean and deviation of the channels, for pixels in [0, 1]

SIGNED: Scale = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)  # to [-1, 1]
IMAGENET: Scale = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TORCHVISION = ("resnet18", "resnet34", "resnet50", "resnet101", "mobilenet_v2")
EXTRA = "that needs more packages: pip install 'sbirkit[backbones]'"


class Backbone(Rebuildable, ABC):
    """Pictures to features: :meth:`features` gives the last map, calling it the pooled vector.

    Takes ``(B, 1 or 3, H, W)`` uint8 pictures of at least 32 pixels a side and normalises them itself, so no
    float picture is ever moved; grey ones are repeated. A backbone looks at ``modality`` once gates are
    attached (:func:`.gates.attach_gates`).
    """

    dim: int  # width of the pooled vector
    map_dim: int  # channels of the map
    stages: Mapping[str, int]  # submodules after which a gate may stand, and their channels
    mean: Tensor
    std: Tensor
    classifier: nn.Linear | None  # of the classes it was pre-trained on, where one was asked for

    def __init__(self, scale: Scale) -> None:
        super().__init__()
        self.classifier = None
        for name, values in zip(("mean", "std"), scale, strict=True):
            self.register_buffer(name, 255 * torch.tensor(values).view(1, 3, 1, 1))

    def prepare(self, images: Tensor) -> Tensor:
        """``uint8`` to normalised floats, three channels."""
        shape = tuple(images.shape)
        if images.ndim != 4 or images.shape[1] not in (1, 3) or images.dtype != torch.uint8:
            raise ValueError(f"images: want (B, 1 or 3, H, W) uint8, got {shape} {images.dtype}")
        if min(shape[2:]) < 32:
            raise ValueError(f"images: want at least 32 pixels a side, got {shape}")
        x = (images - self.mean).div_(self.std)  # one channel becomes three here
        return x.contiguous(memory_format=torch.channels_last)

    @abstractmethod
    def run(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised pictures to the map and the pooled vector."""

    def both(self, images: Tensor, modality: Told) -> tuple[Tensor, Tensor]:
        """The map and the pooled vector of one pass."""
        if isinstance(modality, Tensor):
            if modality.shape != (len(images),):
                raise ValueError(f"modality: want a tag for each of {len(images)} pictures, got "
                                 f"{tuple(modality.shape)}")  # fmt: skip
        elif modality not in ("sketch", "photo"):
            raise ValueError(f"modality: want 'sketch', 'photo' or a tag for each picture, got {modality!r}")
        return self.run(self.prepare(images))

    def features(self, images: Tensor, modality: Told) -> Tensor:
        """The last feature map, ``(B, map_dim, h, w)``."""
        return self.both(images, modality)[0]

    def forward(self, images: Tensor, modality: Told) -> Tensor:
        """The pooled vector, ``(B, dim)``."""
        return self.both(images, modality)[1]


class Cnn(Backbone):
    """A ResNet or MobileNetV2 of torchvision, or a ResNet or SE-ResNet of timm; the map's mean is pooled.

    Args:
        name: torchvision's or timm's. ``"mobilenet_v2_tf"`` is MobileNetV2 as TensorFlow trains it: input in
            [-1, 1], SAME padding, normalisation ``"fixed"``, for its statistics are folded into its weights.
        weights: a file with the library's names or ours, ``"imagenet"``, a tag of torchvision, or None.
        classes: outputs of :attr:`classifier`; 0 leaves it out, 1000 keeps ImageNet's.
        norm: batch normalisation by the ``"batch"``; by ``"fixed"`` statistics, in training too, while scale
            and shift learn; or ``"frozen"`` altogether.
    """

    def __init__(
        self, name: str, *, weights: str | Path | None = None, classes: int = 0, norm: Norm | None = None
    ) -> None:
        folded = name == "mobilenet_v2_tf"
        self.norm = norm or ("fixed" if folded else "batch")
        if self.norm not in ("batch", "fixed", "frozen") or (folded and norm == "batch"):
            wanted = "'fixed' or 'frozen'" if folded else "'batch', 'fixed' or 'frozen'"
            raise ValueError(f"norm: {name} wants {wanted}, got {norm!r}")
        tag = None if is_file(weights) else str(weights or "") or None
        net, scale = (_torchvision if folded or name in TORCHVISION else _timm)(name, tag)
        super().__init__(scale)
        parts = OrderedDict(net.named_children())
        parts.pop("global_pool", parts.pop("avgpool", None))
        head = parts.popitem()[1]  # torchvision's MobileNetV2 keeps a dropout before it
        self.dim = self.map_dim = next(m.in_features for m in head.modules() if isinstance(m, nn.Linear))
        self.net = nn.Sequential(parts)  # named as in the library
        if folded:
            _same_padding(self.net)
        mobile = {
            "features.1": 16,
            "features.3": 24,
            "features.6": 32,
            "features.13": 96,
            "features.18": 1280,
        }
        ends = mobile if "features" in parts else {f"layer{i}": self.dim >> (4 - i) for i in range(1, 5)}
        self.stages = {f"net.{stage}": channels for stage, channels in ends.items()}
        self.classifier = nn.Linear(self.dim, classes) if classes else None
        if weights is not None:
            load_weights(self, read_weights(weights) if is_file(weights) else net.state_dict())
        if self.norm == "frozen":
            for layer in _norms(self):
                layer.requires_grad_(False)
        self.to(memory_format=torch.channels_last).train()

    def run(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.net(x)
        return x, x.mean(dim=(2, 3))

    def train(self, mode: bool = True) -> Self:
        """As usual, but normalisation whose statistics are fixed stays as it is in evaluation."""
        super().train(mode)
        if self.norm != "batch":
            for layer in _norms(self):
                layer.eval()
        return self


def backbone(name: str, *, weights: str | Path | None = None, seed: int = 0, **options: Any) -> Backbone:
    """Make a backbone by name; ``weights`` are a file, a tag such as ``"imagenet"``, or None for random ones.

    ``"convnet"`` (with ``width=16``) is ours and small; it and ``"clip-tiny"`` come with weights learned from
    Doodle World, ``"doodleworld"``. ``"resnet18"``, ``"resnet50"``, ``"mobilenet_v2"``
    are torchvision's, ``"mobilenet_v2_tf"`` is the last as TensorFlow trains it. ``"seresnet50"`` and other
    ResNets come from timm, ``"clip-tiny"``, ``"ViT-B-32"``, ``"RN50"`` and their like from open_clip, as
    :class:`.text.Clip`; both need the extra ``backbones``. ``seed`` is of the random numbers.

    >>> net = backbone("convnet", width=8)
    >>> net(torch.zeros(2, 1, 64, 64, dtype=torch.uint8), "sketch").shape
    torch.Size([2, 128])
    """
    from .convnet import ConvNet
    from .standins import TAGS, standin
    from .text import Clip

    if str(weights) in TAGS:
        weights = standin(name, str(weights))
    with named_seed(seed, "backbone"):
        if name == "convnet":
            return ConvNet(weights=weights, **options)
        if name == "clip-tiny" or name.startswith(("ViT-", "RN")):
            # OpenAI's transformers have another activation, which open_clip keeps in the name.
            quick = "" if weights != "openai" or name.endswith("-quickgelu") else "-quickgelu"
            return Clip(name + quick, weights=weights, **options)
        return Cnn(name, weights=weights, **options)


def _torchvision(name: str, tag: str | None) -> tuple[nn.Module, Scale]:
    from torchvision import models

    net, folded = models.get_model(name.removesuffix("_tf")), name.endswith("_tf")
    if tag:
        known = {} if folded else models.get_model_weights(name).__members__
        found = known.get("IMAGENET1K_V1" if tag == "imagenet" else tag)
        if found is None:
            options = ", ".join(map(repr, ["imagenet", *known])) if known else "no tag, give the file"
            raise ValueError(f"weights: {name} has {options}; got {tag!r}")
        with downloading(name, tag, found.url):
            net.load_state_dict(found.get_state_dict(check_hash=True))
    return net, SIGNED if folded else IMAGENET


def _timm(name: str, tag: str | None) -> tuple[nn.Module, Scale]:
    known = ["convnet", *TORCHVISION, "mobilenet_v2_tf", "seresnet50", "clip-tiny", "ViT-B-32"]
    try:
        import timm
        from timm.models.resnet import ResNet
        from timm.models.senet import SENet
    except ModuleNotFoundError as error:
        raise ValueError(f"name: {name!r} is not torchvision's; timm may have it, but {EXTRA}; or take one "
                         f"of {', '.join(known)}") from error  # fmt: skip
    if not timm.is_model(name):
        raise ValueError(f"name: there is no {name!r}{suggest(name, known)}; want one of {', '.join(known)}, "
                         "or another ResNet that timm knows")  # fmt: skip
    if tag not in (None, "imagenet"):
        raise ValueError(f"weights: {name} has 'imagenet'; for others put timm's tag in the name, "
                         f"as in 'seresnet50.a1_in1k'; got {tag!r}")  # fmt: skip
    cfg: Any = timm.get_pretrained_cfg(name)
    with downloading(name, str(tag), cfg.hf_hub_id or cfg.url):
        net = timm.create_model(name, pretrained=bool(tag))
    if not isinstance(net, ResNet | SENet):
        raise ValueError(f"name: of timm only ResNets and SE-ResNets serve here, got {name!r}")
    return net, (tuple(cfg.mean), tuple(cfg.std))


def _norms(net: nn.Module) -> list[nn.Module]:
    return [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]


def _same_padding(net: nn.Module) -> None:
    """Convolutions of stride 2 put the odd pixel of padding right and below, as TensorFlow's SAME does."""
    for conv in net.modules():
        if isinstance(conv, nn.Conv2d) and conv.stride == (2, 2):
            conv.padding = (0, 0)
            conv.register_forward_pre_hook(_pad)


def _pad(conv: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
    (x,), edges = args, []
    for n in (x.shape[3], x.shape[2]):
        total = max(2 * (math.ceil(n / 2) - 1) + 3 - n, 0)  # kernel 3, stride 2
        edges += [total // 2, total - total // 2]
    return (nn.functional.pad(x, edges),)
