"""What the loss playground plays: each loss on a few points of the plane, its knobs, and what to look for.

A game's loss is called with the points by kind; nothing of :mod:`sbirkit.losses` is written again here.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from sbirkit import losses

KINDS = ("sketch", "photo", "vector")  # a vector is what a method learns beside the pictures


@dataclass(frozen=True)
class Dot:
    """A point: ``kind``, class ``label`` (its number, for a modality vector, which has a ``name``), place."""

    kind: str
    label: int
    x: float
    y: float
    name: str = ""


@dataclass(frozen=True)
class Knob:
    """A slider from ``low`` to ``high``, or a choice if there are ``names``."""

    start: Any
    low: float = 0.0
    high: float = 1.0
    names: tuple[str, ...] = ()

    def check(self, name: str, value: Any) -> Any:
        if self.names:
            if value not in self.names:
                raise ValueError(f"{name}: want one of {', '.join(self.names)}, got {value!r}")
            return value
        sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not sound or not self.low <= value <= self.high:
            raise ValueError(f"{name}: want {self.low:g} to {self.high:g}, got {value!r}")
        return float(value)


@dataclass(frozen=True)
class Game:
    """One loss to play with.

    Attributes:
        loss: ``loss(points, **knobs) -> scalar``; ``points`` has ``sketch, photo, vector`` and their ``y_``.
        directions: whether only the direction of a point counts (rows are scaled to length one).
    """

    title: str
    loss: Callable[..., Tensor]
    start: Callable[[], list[Dot]]
    knobs: Mapping[str, Knob] = field(default_factory=dict)
    look: str = ""
    directions: bool = True


@dataclass(frozen=True)
class Preset:
    """A game set up so that an argument of a paper can be seen: ``story`` says what to look for."""

    title: str
    game: str
    story: str
    knobs: Mapping[str, Any] = field(default_factory=dict)
    dots: Callable[[], list[Dot]] | None = None


def on_circle(places: Sequence[tuple[str, int, float]]) -> list[Dot]:
    """Kind, class and angle in degrees, on the unit circle."""
    return [Dot(k, y, math.cos(math.radians(a)), math.sin(math.radians(a))) for k, y, a in places]


def mixed() -> list[Dot]:
    """Two sketches and two photos of each of three classes, in disorder."""
    angles = {"sketch": (20, 65, 150, 210, 265, 320), "photo": (100, 0, 185, 130, 300, 235)}
    return on_circle([(kind, i // 2, a) for kind in angles for i, a in enumerate(angles[kind])])


def crowded() -> list[Dot]:
    """Every sketch nearer to its photo than to the other, and the two sketches side by side."""
    return on_circle([("sketch", 0, 84), ("sketch", 1, 96), ("photo", 0, 50), ("photo", 1, 130)])


def shifted() -> list[Dot]:
    """Three pairs, sketch and photo, apart by one and the same step; and two vectors, not yet learned."""
    dots = []
    for y, angle in enumerate((90, 210, 330)):
        x, z = 0.85 * math.cos(math.radians(angle)), 0.85 * math.sin(math.radians(angle))
        dots += [Dot("sketch", y, x + 0.35, z + 0.1), Dot("photo", y, x - 0.35, z - 0.1)]
    return [
        *dots,
        Dot("vector", 0, -0.05, 0.05, "photo vector"),
        Dot("vector", 1, 0.05, 0.05, "sketch vector"),
    ]


def two_streams() -> list[Dot]:
    """Class runs from left to right; modality from top to bottom."""
    sketch, photo = ((-0.8, -0.5, 0.5, 0.8), 0.55, 0.65), ((-0.9, -0.4, 0.4, 0.9), -0.6, -0.7)
    return [
        Dot(kind, i // 2, x, heights[i % 2])
        for kind, (xs, *heights) in (("sketch", sketch), ("photo", photo))
        for i, x in enumerate(xs)
    ]


def with_vectors() -> list[Dot]:
    """The disorder, and one vector for each class."""
    return [
        *mixed(),
        *(Dot("vector", y, 0.6 * math.cos(a), 0.6 * math.sin(a)) for y, a in enumerate((0.6, 2.7, 4.8))),
    ]


def _triplet(c: SimpleNamespace, margin: float, mining: str) -> Tensor:
    return losses.cross_modal_triplet(c.sketch, c.photo, c.y_sketch, c.y_photo, margin=margin, mining=mining)


def _quadruplet(c: SimpleNamespace, margin: float, balance: float, hinge: str, mining: str) -> Tensor:
    options: dict[str, Any] = {"margin": margin, "balance": balance, "hinge": hinge, "mining": mining}
    return losses.cross_modal_quadruplet(c.sketch, c.photo, c.y_sketch, c.y_photo, **options)


def _contrastive(c: SimpleNamespace, temperature: float) -> Tensor:
    every = torch.cat([c.sketch, c.photo]), torch.cat([c.y_sketch, c.y_photo])
    return losses.supervised_contrastive(*every, temperature=temperature)


def _memory(c: SimpleNamespace, gradient: str, write: str) -> Tensor:
    classes = int(torch.cat([c.y_sketch, c.y_photo]).max()) + 1
    options: dict[str, Any] = {"slots": 2, "gradient": gradient, "write": write}
    memory = losses.CategoryMemory(classes, 2, **options).to(c.photo.dtype)
    memory.remember(c.sketch.detach(), c.y_sketch, c.photo.detach(), c.y_photo)
    return memory(c.photo, c.y_photo)


def _pairs(c: SimpleNamespace) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    n = min(len(c.sketch), len(c.photo))
    row = torch.zeros(n, dtype=torch.int64)
    return c.photo[:n], c.sketch[:n], row, row + 1, c.vector[:2]


def _semantic(c: SimpleNamespace, reconstruction: float) -> Tensor:
    terms = _pairs(c)
    return losses.semantic(*terms) + reconstruction * losses.reconstruction(*terms)


def _orthogonality(c: SimpleNamespace, form: str) -> Tensor:
    image, text, _, _, table = _pairs(c)
    return losses.orthogonality(image, text, table, form=form)  # type: ignore[arg-type]


def _image_text(c: SimpleNamespace, scale: float, targets: str) -> Tensor:
    n = min(len(c.sketch), len(c.photo))
    options: dict[str, Any] = {"scale": scale, "targets": targets}
    return losses.image_text_contrast(c.sketch[:n], c.photo[:n], c.y_sketch[:n], **options)


def _bottleneck(c: SimpleNamespace, alpha: float, beta: float, sigma: float, direction: str) -> Tensor:
    spread = math.log(sigma)
    s, p = (losses.Gaussian(x, torch.full_like(x, spread)) for x in (c.sketch, c.photo))
    total = c.sketch.sum() * 0
    if alpha:
        total = total + alpha * losses.bottleneck_divergence(s, p, c.y_sketch, c.y_photo, direction=direction)  # type: ignore[arg-type]
    if beta:
        total = total - beta * losses.shared_information(c.sketch, c.photo, c.y_sketch, c.y_photo).estimate
    return total


def _standard(c: SimpleNamespace, sigma: float) -> Tensor:
    every = torch.cat([c.sketch, c.photo])
    return losses.standard_kl(losses.Gaussian(every, torch.full_like(every, math.log(sigma))))


def _cosine(c: SimpleNamespace, temperature: float) -> Tensor:
    every = torch.cat([c.sketch, c.photo]), torch.cat([c.y_sketch, c.y_photo])
    return losses.cosine_classification(every[0], c.vector, every[1], temperature=temperature)


def _softmax(c: SimpleNamespace) -> Tensor:
    every = torch.cat([c.sketch, c.photo]), torch.cat([c.y_sketch, c.y_photo])
    return losses.cross_entropy(every[0] @ c.vector.T, every[1])


def _topology(c: SimpleNamespace, near: float) -> Tensor:
    distance = torch.full((3, 3), 1.0, dtype=c.vector.dtype).fill_diagonal_(0)
    distance[0, 1] = distance[1, 0] = near
    return losses.topology_preservation(c.vector[:3], distance)


def _distil(c: SimpleNamespace, kappa: float) -> Tensor:
    teacher = 4.0 * torch.nn.functional.one_hot(c.y_photo, len(c.vector)).to(c.photo.dtype)
    return losses.distil(c.photo @ c.vector.T, teacher, kappa=kappa)


def _confusion(c: SimpleNamespace, angle: float) -> Tensor:
    way = torch.tensor([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
    judge = torch.nn.Conv2d(2, 2, 1, bias=False).to(c.sketch.dtype).requires_grad_(False)
    judge.weight.copy_(torch.stack([-2 * way, 2 * way]).view(2, 2, 1, 1))
    return losses.domain_confusion(c.sketch[:, :, None, None], c.photo[:, :, None, None], judge)


_MARGIN = Knob(0.2, 0.0, 1.0)
_MINING = Knob("hard", names=("hard", "all"))
GAMES: dict[str, Game] = {
    "triplet": Game(
        "Cross-modal triplet",
        _triplet,
        mixed,
        {"margin": _MARGIN, "mining": Knob("all", names=("all", "hard"))},
        "Anchors are sketches. A line joins points whose distance counts; once every photo of another "
        "class is a margin farther, all is quiet.",
    ),
    "quadruplet": Game(
        "RAMLN: quadruplet",
        _quadruplet,
        mixed,
        {
            "margin": _MARGIN,
            "balance": Knob(0.5),
            "hinge": Knob("split", names=("split", "joint")),
            "mining": _MINING,
        },
        "A second negative, of the anchor's own modality. Turn the balance: 1 is the triplet with both "
        "directions.",
    ),
    "contrastive": Game(
        "DSN: cross-modal contrastive",
        _contrastive,
        mixed,
        {"temperature": Knob(0.3, 0.05, 1.0)},
        "Everything counts, near things more; a low temperature looks only at the nearest.",
    ),
    "memory": Game(
        "DSN: category memory",
        _memory,
        mixed,
        {
            "gradient": Knob("intended", names=("intended", "released")),
            "write": Knob("correct", names=("correct", "released")),
        },
        "Photos go to the mean of their class's remembered sketches. The sketches get no gradient: they "
        "are memories.",
    ),
    "image-text": Game(
        "MA-SBIR: image and text",
        _image_text,
        mixed,
        {"scale": Knob(5.0, 1.0, 15.0), "targets": Knob("diagonal", names=("diagonal", "label-aware"))},
        "Squares are the captions here, pair by pair. On the diagonal two captions of one class push each "
        "other away.",
    ),
    "semantic": Game(
        "MA-SBIR: meaning without modality",
        _semantic,
        shifted,
        {"reconstruction": Knob(0.0, 0.0, 1.0)},
        "Diamonds are the modality vectors. What is left when they are taken off should meet in the middle.",
    ),
    "orthogonality": Game(
        "MA-SBIR: orthogonality",
        _orthogonality,
        shifted,
        {"form": Knob("dot", names=("dot", "elementwise"))},
        "What sketch and photo share should have no part in a modality vector; elementwise forbids more "
        "than a right angle.",
    ),
    "bottleneck": Game(
        "BDA-SketRet: information bottleneck",
        _bottleneck,
        two_streams,
        {
            "alpha": Knob(0.5),
            "beta": Knob(0.5),
            "sigma": Knob(0.7, 0.3, 1.5),
            "direction": Knob("symmetric", names=("symmetric", "sketch-photo", "photo-sketch")),
        },
        "Alpha draws the two streams of a class together; beta keeps classes apart. With only alpha "
        "everything may fall into one point.",
        False,
    ),
    "standard": Game(
        "Variational bottleneck",
        _standard,
        two_streams,
        {"sigma": Knob(0.7, 0.3, 1.5)},
        "Everything is drawn to the origin, whatever its class: this is what a bottleneck costs.",
        False,
    ),
    "cosine": Game(
        "BDA-SketRet: nearest projection",
        _cosine,
        with_vectors,
        {"temperature": Knob(0.3, 0.05, 1.0)},
        "Diamonds are the class projections; pictures and diamonds move towards each other.",
    ),
    "softmax": Game(
        "Softmax",
        _softmax,
        with_vectors,
        {},
        "Diamonds are the classifier's weights. Length counts here: being sure means being long.",
        False,
    ),
    "topology": Game(
        "BDA-SketRet: topology",
        _topology,
        with_vectors,
        {"near": Knob(0.5, 0.1, 1.0)},
        "Only the diamonds count: classes 0 and 1 should be this near, compared with the others.",
    ),
    "distil": Game(
        "DSN: distillation",
        _distil,
        with_vectors,
        {"kappa": Knob(1.0, 0.1, 2.0)},
        "The teacher knows the class of each photo; sketches take no part.",
        False,
    ),
    "confusion": Game(
        "BDA-SketRet: domain confusion",
        _confusion,
        two_streams,
        {"angle": Knob(90.0, 0.0, 180.0)},
        "A fixed judge tells sketch from photo along one direction; the points move until it cannot. "
        "Classes may fall together.",
        False,
    ),
}
PRESETS: dict[str, Preset] = {
    "what a triplet misses": Preset(
        "What a triplet misses",
        "triplet",
        "Every sketch is nearer to its own photo than to the other, by more than the margin: the loss is "
        "0. Yet two sketches of "
        "different classes lie side by side.",
        {"margin": 0.1, "mining": "hard"},
        crowded,
    ),
    "what the quadruplet fixes": Preset(
        "... and the quadruplet fixes",
        "quadruplet",
        "The same points. The negative of the same modality is too near, so there is a loss, and a step "
        "drives the sketches apart.",
        {"margin": 0.1, "balance": 0.5, "hinge": "split", "mining": "hard"},
        crowded,
    ),
    "one hinge hides": Preset(
        "One hinge hides a violation",
        "quadruplet",
        "The joint hinge adds both negatives before it cuts: an easy one pays for a violated one, and the "
        "loss is 0. Turn the hinge to split.",
        {"margin": 0.1, "balance": 0.9, "hinge": "joint", "mining": "hard"},
        crowded,
    ),
    "a memory without gradient": Preset(
        "A memory without a gradient",
        "memory",
        "The loss has a value, and no arrow: the released code detaches the photos, so nothing can move. "
        "Switch gradient to intended.",
        {"gradient": "released", "write": "correct"},
    ),
    "taking off a modality": Preset(
        "Taking off a modality vector",
        "semantic",
        "Sketches lie to the right of their photos, all by one step. Run: the vectors learn that step; "
        "the gap shrinks when each is "
        "taken off.",
        {"reconstruction": 0.2},
    ),
    "what the bottleneck removes": Preset(
        "What the bottleneck removes",
        "bottleneck",
        "Up and down only tells sketch from photo; left and right tells the class. Run: the first goes, "
        "the second stays.",
        {"alpha": 0.3, "beta": 0.6},
    ),
}
