"""The smallest things that can be trained: shared by the tests and by the processes they start."""

import zlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from sbirkit.data import Catalogue, Item, write_catalogue
from sbirkit.data.loading import Loader
from sbirkit.data.sampling import Items
from sbirkit.models import DSN, MASBIR, RAMLN, BDASketRet, TextTable
from sbirkit.models.backbones import SIGNED, Backbone
from sbirkit.models.baselines import Triplet, TripletConfig
from sbirkit.models.config import Config, weight
from sbirkit.models.method import Method, Step
from sbirkit.models.recipe import Rebuildable
from sbirkit.models.seeding import named_seed
from sbirkit.training.config import TrainConfig

SIZE = 32


def picture(item):
    """A bar whose angle is the class's, on noise; photos are coloured."""
    rng = np.random.default_rng(zlib.crc32(item.source.encode()))
    angle = int(item.label[-2:]) * np.pi / 9 + rng.normal(0, 0.05)
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2 + rng.uniform(-3, 3, (2, 1, 1))
    bar = abs(x * np.sin(angle) - y * np.cos(angle)) < 3
    if item.modality == "sketch":
        return {SIZE: np.where(bar, 0, 255).astype(np.uint8)}
    noise = rng.integers(90, 160, (SIZE, SIZE, 3))
    return {SIZE: np.where(bar[..., None], rng.integers(200, 256, 3), noise).astype(np.uint8)}


def catalogue(folder, *, classes=9, objects=10):
    if (folder / "card.json").is_file():
        return Catalogue.open(folder)
    items = [
        Item(f"class {c:02d}", modality, f"{modality}/{c}/{i}", instance=str(i))
        for c in range(classes)
        for i in range(objects)
        for modality in ("photo", "sketch")
    ]
    card = {"name": "bars", "title": "Bars"}
    return write_catalogue(folder, items, picture, card=card, sizes=(SIZE,), workers=1, progress=False)


def benchmark(folder, *, setting="zs", selection=("class 04", "class 05"), **size):
    unseen = ["class 01", "class 03", "class 07"]
    return catalogue(folder, **size).benchmark(unseen, setting=setting, selection=selection)


class Net(Rebuildable):
    """One convolution, a norm that may be left out, and dropout, so that a resumed run needs its noise."""

    def __init__(self, width=8, *, norm=True, drop=0.1, seed=0, weights=None):
        super().__init__()
        with named_seed(seed, "net"):
            conv = nn.Conv2d(3, width, 5, stride=4), nn.Conv2d(width, 16, 3, stride=2)
        self.first, self.second = conv
        self.norm = nn.BatchNorm2d(16) if norm else nn.Identity()
        self.drop = nn.Dropout(drop)
        self.dim = 16

    def forward(self, images, modality):
        x = (images.float() / 127.5 - 1).expand(-1, 3, -1, -1)
        x = self.norm(self.second(self.first(x).relu())).relu()
        return self.drop(x.mean((2, 3)))


@dataclass(frozen=True, kw_only=True)
class MemoryConfig(TripletConfig):
    noise: float = weight(0.5)
    pull: float = weight(0.1)


class Memory(Triplet):
    """A triplet with all that a method may have: noise of its own, a memory that epochs empty."""

    Options = MemoryConfig

    def __init__(self, config=None, *, backbone, classes=(), seed=0):
        super().__init__(config, backbone=backbone, classes=classes, seed=seed)
        self.register_buffer("centre", torch.zeros(self.dim))
        self.register_buffer("epochs", torch.zeros((), dtype=torch.int64))

    def losses(self, batch, *, step):
        terms = super().losses(batch, step=step)
        photo = self.embed(batch.photo, "photo")
        if self.config.noise:
            noise = torch.randn(photo.shape, generator=step.generator("noise"))
            terms["noise"] = (photo * noise).mean()
        if self.config.pull:
            terms["pull"] = (photo - self.centre).square().mean()
        self._latest = photo.detach()
        return terms

    def begin_epoch(self, epoch):
        self.centre.zero_()
        self.epochs += 1

    def after_step(self, batch, step):
        self.centre.lerp_(self._latest.mean(0), 0.1)


@dataclass(frozen=True, kw_only=True)
class RivalConfig(Config):
    fool: float = weight(1.0)
    tell: float = weight(1.0)


class Rivals(Method):
    """A critic tells sketches from photos, the backbone makes that hard; they move in turn."""

    Options = RivalConfig
    phases = ("tell", "fool")

    def __init__(self, config=None, *, backbone):
        super().__init__(config, backbone=backbone)
        self.critic = nn.Linear(self.dim, 1)

    def losses(self, batch, *, step):
        sign = 1 if step.phase == "tell" else -1
        gap = self.critic(self.embed(batch.photo, "photo")).mean()
        gap = gap - self.critic(self.embed(batch.sketch, "sketch")).mean()
        return {step.phase: -sign * gap}

    def groups(self, lr):
        backbone = {"params": list(self.backbone.parameters()), "lr": lr / 2, "phase": "fool"}
        return [backbone, {"params": list(self.critic.parameters()), "lr": lr, "phase": "tell"}]


def config(**changes):
    small = {"steps": 12, "p": 4, "k": 2, "warmup": 2, "size": SIZE, "lr": 0.01, "device": "cpu",
             "augment": {"shift": 0.06, "each": 0.5},
             "select_every": 4, "checkpoint_every": 3, "log_every": 2}  # fmt: skip
    return TrainConfig(**small | changes)


class Maps(Backbone):
    """As ``Net``, with maps, stages for gates and a classifier; nothing mixes a batch's pictures."""

    def __init__(self, width=8, *, classes=0, seed=0):
        super().__init__(SIGNED)
        with named_seed(seed, "maps"):
            self.first = nn.Conv2d(3, width, 5, stride=4)
            self.second = nn.Conv2d(width, 16, 3, stride=2)
            self.classifier = nn.Linear(16, classes) if classes else None
        self.dim = self.map_dim = 16
        self.stages = {"first": width, "second": 16}

    def run(self, x):
        x = self.second(self.first(x).relu()).relu()
        return x, x.mean((2, 3))


TEACHES = 16  # classes of the tiny networks' own classifier: enough for an embedding of 12 made from it
SYSTEMS = {"ramln": RAMLN, "dsn": DSN, "masbir": MASBIR, "bdasketret": BDASketRet}
SMALL = {
    "ramln": {"dim": 12, "slots": 6},
    "dsn": {"dim": 12, "slots": 3},
    "masbir": {"orthogonality": 0.1},
    "bdasketret": {"dim": 12, "hidden": 8, "schedule": "joint", "neighbours": 1},
}


def vectors(classes):
    """What the name of a class tells: the direction of its bars."""
    angle = torch.tensor([2 * np.pi / 9 * int(name[-2:]) for name in classes])
    return torch.stack([angle.cos(), angle.sin(), torch.full_like(angle, 0.5)], dim=1)


def system(name, classes, *, net=None, kind=None, **options):
    """One of the four methods, with all that it may be told of the classes, and no term off."""
    net, kind = net or Maps(classes=TEACHES), kind or SYSTEMS[name]
    told = {}
    if name == "dsn" and net.classifier is not None:
        told = {"affinity": torch.linspace(0, 1, len(classes) * TEACHES).view(-1, TEACHES)}
    if name == "bdasketret":
        told = {"vectors": vectors(classes)}
    if name == "masbir" and not hasattr(net, "encode_text"):
        told = {"text": TextTable(classes, vectors(classes))}
    return kind(kind.Options(**SMALL[name] | options), backbone=net, classes=classes, **told)


def batch(method, bench, *, p=4, k=2, index=0):
    """A batch as the method asks for it."""
    sampler = method.sampler(Items.of(bench), p=p, k=k, seed=0)
    return Loader(bench, sampler, size=SIZE, views=method.views(), workers=0).batch(0, index)


def step(number=9, total=10, seed=0):
    return Step(number=number, epoch=0, total=total, seed=seed)
