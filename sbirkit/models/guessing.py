"""Which network a file of weights belongs to, told by the names and shapes in it."""

import re
from collections import defaultdict
from collections.abc import Mapping

from torch import Tensor

RESNETS: dict[
    tuple[tuple[int, ...], bool], str
] = {  # blocks of each layer, whether they have three convolutions
    ((2, 2, 2, 2), False): "resnet18",
    ((3, 4, 6, 3), False): "resnet34",
    ((3, 4, 6, 3), True): "resnet50",
    ((3, 4, 23, 3), True): "resnet101",
}
VISION: dict[tuple[int, ...], str] = {
    (768, 32): "ViT-B-32",
    (768, 16): "ViT-B-16",
    (1024, 14): "ViT-L-14",
}  # width, patch
KNOWN = "MobileNetV2, ResNet-18/34/50/101 and SE-ResNet-50 (torchvision's or timm's names), CLIP, convnet"


def network_of(state: Mapping[str, Tensor]) -> str:
    """The name that :func:`.backbones.backbone` knows the network by.

    MobileNetV2 whose normalisation is folded into its convolutions is TensorFlow's, ``"mobilenet_v2_tf"``.

    >>> import torch
    >>> network_of({f"layer{i}.{b}.conv1.weight": torch.zeros(1) for i in range(1, 5) for b in range(2)})
    'resnet18'
    """
    named = {name.removeprefix("module.").removeprefix("net."): x for name, x in state.items()}
    if "features.18.0.weight" in named and named["features.18.0.weight"].shape[:1] == (1280,):
        mean = named.get("features.0.1.running_mean")
        return "mobilenet_v2_tf" if mean is not None and not mean.any() else "mobilenet_v2"
    if (tokens := named.get("token_embedding.weight")) is not None or "visual.proj" in named:
        return _clip(named, tokens)
    if "stem.0.weight" in named and "blocks.0.way.0.weight" in named:
        return "convnet"
    blocks: dict[int, set[int]] = defaultdict(set)
    for name in named:
        if found := re.match(r"layer([1-4])\.(\d+)\.", name):
            blocks[int(found[1])].add(int(found[2]))
    counts = tuple(len(blocks[i]) for i in range(1, 5))
    kind = RESNETS.get((counts, any(".conv3." in name for name in named)), "")
    if any(".se." in name or ".se_module." in name for name in named):
        legacy = "legacy_" * any(".se_module." in name for name in named)
        kind = f"{legacy}se{kind}" if kind == "resnet50" else ""
    return kind or _lost(named)


def _clip(named: Mapping[str, Tensor], tokens: Tensor | None) -> str:
    first = named.get("visual.conv1.weight")
    if tokens is not None and tokens.shape[0] == 2048:
        return "clip-tiny"
    if "visual.layer1.0.conv1.weight" in named:
        deep = len({n.split(".")[2] for n in named if n.startswith("visual.layer3.")})
        return {6: "RN50", 23: "RN101"}.get(deep) or _lost(named)
    shape = () if first is None else (first.shape[0], first.shape[-1])
    return VISION.get(shape) or _lost(named)


def _lost(named: Mapping[str, Tensor]) -> str:
    some = ", ".join(sorted(named)[:3]) or "nothing"
    raise ValueError(f"weights: of no network known here. The file holds {len(named)} arrays, like {some}; "
                     f"known are {KNOWN}")  # fmt: skip
