"""A method by name, with what it needs to know of the classes found on the data's own card."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sbirkit.data.names import suggest
from sbirkit.losses import path_distance

from . import standins
from .backbones import Backbone, backbone
from .baselines import Frozen, Softmax, Triplet
from .bdasketret import BDASketRet
from .config import Config
from .dsn import DSN
from .holding import hold
from .knowledge import affinity, class_paths, class_vectors
from .masbir import MASBIR
from .method import Method
from .ramln import RAMLN
from .text import Clip, TextTable
from .weights import CLASSIFIERS, is_file, read_weights

if TYPE_CHECKING:
    from sbirkit.data import Benchmark, Catalogue

METHODS: dict[str, type[Method]] = {
    "untrained": Frozen, "frozen": Frozen, "softmax": Softmax, "triplet": Triplet,
    "ramln": RAMLN, "dsn": DSN, "masbir": MASBIR, "bdasketret": BDASketRet,
}  # fmt: skip


def make(
    name: str,
    bench: "Benchmark",
    *,
    network: str = "",
    weights: str | Path | None = "doodleworld",
    table: TextTable | None = None,
    seed: int = 0,
    norm: str | None = None,
    held: int = 0,
    **options: Any,
) -> Method:
    """A method for a benchmark's training classes.

    Side information comes from the card of the data (attributes, family tree) or from ``table``: DSN's
    affinities, BDA-SketRet's class vectors, MA-SBIR's words where the backbone reads none. Unseen classes'
    names are never asked for.

    Args:
        name: one of :data:`METHODS`. network: a backbone's name; by default ``"clip-tiny"`` for MA-SBIR and
            ``"convnet"`` for the others.
        weights: a file, a tag, or None; of the stand-ins ``"doodleworld"``. ``"untrained"`` takes none.
        table: a vector for each class name.
        seed: of all first weights. norm: of torchvision's and timm's networks. held: how many of the first
            stages keep their pre-trained numbers, see :func:`.holding.hold`. options: of the config.
    """
    if name not in METHODS:
        raise ValueError(f"name: there is no method {name!r}{suggest(name, list(METHODS))}; "
                         f"there are {', '.join(METHODS)}")  # fmt: skip
    kind, classes = METHODS[name], bench.train_classes
    config: Config = kind.Options(**options)
    network = network or ("clip-tiny" if kind is MASBIR else "convnet")
    tag = str(weights) if str(weights) in standins.TAGS and name != "untrained" else ""
    card: Mapping[str, Any] = standins.card(network, tag) if tag else {}
    more: dict[str, Any] = {"norm": norm} if norm else {}
    if kind is DSN and weights is not None and not network.startswith(("clip", "ViT-", "RN")):
        more["classes"] = len(card["classes"]) if card else taught(weights)
    net = backbone(network, weights=None if name == "untrained" else weights, seed=seed, **more)
    if kind is Frozen:
        return Frozen(backbone=net, seed=seed)
    hold(net, held if weights is not None and name != "untrained" else 0)  # random numbers have to learn
    known = _known(kind, bench, net, card, table, tag or "doodleworld")
    return kind(config, backbone=net, classes=classes, seed=seed, **known)


def taught(weights: str | Path) -> int:
    """How many classes the classifier of given weights tells: ImageNet's for a tag, 0 for a file without."""
    if not is_file(weights):
        return 1000
    heads = ("classifier.weight", *(f"{head}weight" for head in CLASSIFIERS))
    found = [tensor for key, tensor in read_weights(weights).items() if key in heads]
    return len(found[0]) if found else 0


def _known(
    kind: type[Method], bench: "Benchmark", net: Backbone, card: Mapping[str, Any], table: TextTable | None,
    tag: str,
) -> dict[str, Any]:  # fmt: skip
    """What a kind of method is told of the training classes."""
    catalogue, classes = bench.catalogue, bench.train_classes
    if kind is DSN and net.classifier is not None:
        teacher, places = card.get("classes", ()), card.get("paths")
        return {"affinity": affinity(catalogue, classes, teacher, paths=places, table=table)}
    if kind is BDASketRet:
        vectors, places = class_vectors(catalogue, classes, table), class_paths(catalogue, classes)
        distance = path_distance(places) if vectors is None and any(places) else None
        return {"vectors": vectors, "distance": distance}
    if kind is MASBIR and not isinstance(net, Clip):
        return {"text": table or described(catalogue, classes) or words(classes, tag)}
    return {}


def described(catalogue: "Catalogue", names: tuple[str, ...]) -> TextTable | None:
    """A vector for each class from the attributes on the card, less their mean; None where there are none."""
    vectors = class_vectors(catalogue, names)
    return None if vectors is None else TextTable(names, vectors - vectors.nanmean(0))


@torch.no_grad()
def words(names: tuple[str, ...], tag: str = "doodleworld") -> TextTable:
    """A vector for each class name, from the text tower of the CLIP that learned from Doodle World."""
    reader = backbone("clip-tiny", weights=tag).eval()
    phrases = [f"a photo of a {name.replace('_', ' ')}" for name in names]
    return TextTable(names, reader.encode_text(phrases))  # type: ignore[operator]
