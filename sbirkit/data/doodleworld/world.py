"""Doodle World: the embedded data set, a small world with its own rules."""

import json
import warnings
from dataclasses import asdict, dataclass, fields
from functools import cache, lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from ... import paths
from ..catalogue import Catalogue
from ..streams import stream
from ..writing import Item, write_catalogue
from . import words
from .grammar import Drawing, Figure
from .photo import photo
from .sketch import DRAWERS, Drawer, sketch, sketch_view
from .view import View

VERSION = 1
"""Frozen. Whatever changes a picture, a class or a split bumps it, and every result is made again."""

POPULATIONS = ("benchmark", "pretraining", "pretraining-leaky")


@dataclass(frozen=True)
class World:
    """A world is its generator version, a seed and the position of its knobs: the same pictures each time.

    The knobs, with their ranges:

    - ``gap`` (0 to 2): how far a sketch is from its photo. 0: traced, from a flatly lit thing; 1: people keep
      two fifths of the photo's viewpoint and get proportions a little wrong; 2: they draw the thing as they
      know it, proportions drift far, and photos have strong light, shadow, texture and grain.
    - ``abstraction`` (0 to 1): the share of detail that people leave out, and how summary their outlines are.
    - ``diversity`` (0 to 2): a factor on the width of every range that individuals of a class are drawn from.
    - ``clutter`` (0 to 3): 4 times this many things stand in the background of a photo, on average.
    - ``imbalance`` (1 to 20): objects in the largest class, divided by those in the smallest.

    Args:
        objects: individuals per class; each has one photo and ``sketches`` sketches by different people.
        population: "benchmark" (64 classes), "pretraining" (44 others) or "pretraining-leaky" (as many, but
            16 of them are the unseen classes of the split ``unseen-16``, other individuals).
        sizes: picture sides, in pixels, 32 to 224.
    """

    seed: int = 0
    objects: int = 100
    sketches: int = 1
    gap: float = 1.0
    abstraction: float = 0.35
    diversity: float = 1.0
    clutter: float = 1.0
    imbalance: float = 1.0
    population: str = "benchmark"
    sizes: tuple[int, ...] = (64,)

    def __post_init__(self) -> None:
        for name, value in [(n, getattr(self, n)) for n in ("seed", "objects", "sketches")]:
            if not isinstance(value, int):
                raise TypeError(f"{name}: want a whole number, got {value!r}")
        for knob, (low, high) in KNOBS.items():
            value = getattr(self, knob)
            if not low <= value <= high:
                raise ValueError(f"{knob}: want {low} to {high}, got {value!r}")
        if self.population not in POPULATIONS:
            raise ValueError(f"population: choose from {', '.join(POPULATIONS)}, got {self.population!r}")
        if self.objects < 2 or self.sketches < 1:
            raise ValueError(f"want objects >= 2 and sketches >= 1, got {self.objects} and {self.sketches}")
        if not self.sizes or not all(isinstance(s, int) and 32 <= s <= 224 for s in self.sizes):
            raise ValueError(f"sizes: want picture sides of 32 to 224 pixels, got {self.sizes!r}")

    @property
    def identity(self) -> dict[str, object]:
        """What makes this world this world: recorded in the card, compared on opening."""
        return {"generator": VERSION, **asdict(self), "sizes": list(self.sizes)}

    @property
    def name(self) -> str:
        """A folder name: version, seed, and whatever differs from the defaults.

        >>> World(gap=0.5).name
        'doodleworld-v1-s0-gap0.5'
        """
        plain = World()
        parts = [f"doodleworld-v{VERSION}", f"s{self.seed}"]
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "seed" or value == getattr(plain, field.name):
                continue
            if field.name == "sizes":
                parts.append("-".join(f"{s}px" for s in value))
            elif field.name == "population":
                parts.append(value)
            else:
                parts.append(f"{field.name}{value:g}")
        return "-".join(parts)

    # Who lives here ------------------------------------------------------------------------------
    @property
    def labels(self) -> list[str]:
        """The classes of this world's population, in alphabetical order."""
        return sorted(_population(self.population))

    def count(self, label: str) -> int:
        """How many individuals of a class there are: ``objects``, fewer where ``imbalance`` says so."""
        if self.imbalance == 1:
            return self.objects
        labels = self.labels
        rank = stream(self.seed, "imbalance").permutation(len(labels))[labels.index(label)]
        return max(2, round(self.objects * self.imbalance ** (-rank / max(1, len(labels) - 1))))

    def figure(self, label: str, individual: int) -> Figure:
        """One individual, before anybody has seen or drawn it."""
        return _figure(self.seed, self.diversity, label, individual)

    def photo(self, label: str, individual: int, size: int = 64) -> np.ndarray:
        """``(size, size, 3)`` uint8."""
        parts, view = self.figure(label, individual).parts, self.view(label, individual)
        dice = partial(stream, self.seed, "photo", label, individual)
        return photo(parts, view, dice, size, gap=self.gap, clutter=self.clutter)

    def view(self, label: str, individual: int) -> View:
        """From where an individual's photo is taken."""
        return View.draw(stream(self.seed, "photo", label, individual, "view"))

    def sketch(self, label: str, individual: int, take: int = 0, size: int = 64) -> np.ndarray:
        """``(size, size)`` uint8. ``take`` counts the people who draw this individual."""
        rng = stream(self.seed, "sketch", label, individual, take)
        view = sketch_view(self.view(label, individual), rng, self.gap)
        drawer = Drawer.number(self.seed, self.drawer(label, individual, take))
        parts = self.figure(label, individual).parts
        return sketch(parts, view, drawer, rng, size, gap=self.gap, abstraction=self.abstraction)

    def drawer(self, label: str, individual: int, take: int = 0) -> int:
        """Which of the world's people draws this sketch."""
        return int(stream(self.seed, "hand", label, individual, take).integers(DRAWERS))

    # As a catalogue ------------------------------------------------------------------------------
    def items(self) -> list[Item]:
        """Every picture of this world, described."""
        items = []
        for label in self.labels:
            first = _FRESH if self.population != "benchmark" else 0
            for k in range(first, first + self.count(label)):
                figure = self.figure(label, k)
                for take in range(-1, self.sketches):
                    modality = "photo" if take < 0 else "sketch"
                    rng = stream(self.seed, "caption", label, k, take)
                    said = words.caption(label, figure, modality, rng)
                    source = f"{label}/{k:05d}/{modality}" + (f"/{take}" if take > 0 else "")
                    hand = {"drawer": -1 if take < 0 else self.drawer(label, k, take)}
                    items.append(Item(label, modality, source, instance=f"{k:05d}", caption=said, extra=hand))
        return items

    def picture(self, item: Item) -> dict[int, np.ndarray]:
        """Draw what ``item`` describes, at every size."""
        label, number, modality, *take = item.source.split("/")
        if modality == "photo":
            return {size: self.photo(label, int(number), size) for size in self.sizes}
        return {
            size: self.sketch(label, int(number), int(take[0]) if take else 0, size) for size in self.sizes
        }

    def card(self) -> dict[str, object]:
        """What the catalogue says about itself."""
        classes = {
            label: {
                "family": family(label),
                "path": lineage(label),
                "attributes": words.attributes(label, inhabitants()[label]),
            }
            for label in self.labels
        }
        same = measured()["identity"] == self.identity
        return {
            "name": self.name,
            "title": "Doodle World",
            "licence": "CC0-1.0 (made by a program; nobody's pictures)",
            "provenance": f"sbirkit.data.doodleworld, generator version {VERSION}",
            "recipe": self.identity,
            "classes": classes,
            "splits": {name: list(unseen) for name, unseen in splits().items()}
            if self.population == "benchmark"
            else {},
            "baselines": measured()["baselines"] if same else {},
        }

    def prepare(
        self, out: Path | None = None, *, workers: int | None = None, progress: bool = True
    ) -> Catalogue:
        """Open this world's catalogue, drawing it first if it is not there yet.

        Whoever comes while another process draws it waits, and then opens the same pictures.
        """
        from filelock import FileLock

        out = out or paths.data() / self.name
        out.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(out.with_name(f".{out.name}.drawing")):
            if (out / "card.json").exists():
                catalogue = Catalogue.open(out)
            else:
                write = partial(write_catalogue, workers=workers, progress=progress)
                catalogue = write(out, self.items(), self.picture, card=self.card(), sizes=self.sizes)
        if catalogue.card["recipe"] != self.identity:
            raise ValueError(f"{out} holds another world ({catalogue.card['recipe']}); choose another folder")
        known = measured()
        if known["identity"] == self.identity and known["digest"] != catalogue.digest:
            warnings.warn(
                f"Doodle World looks a little different here (digest {catalogue.digest[:12]}, reference "
                f"{known['digest'][:12]}): another platform or library rounds otherwise. Results made here "
                "agree with one another; the last digits may differ from the shipped ones.",
                stacklevel=2,
            )
        return catalogue


KNOBS: dict[str, tuple[float, float]] = {
    "gap": (0, 2), "abstraction": (0, 1), "diversity": (0, 2), "clutter": (0, 3), "imbalance": (1, 20),
}  # fmt: skip
_FRESH = (
    50_000  # individuals of the pre-training populations are numbered from here: none is in the benchmark
)


@lru_cache(maxsize=8)  # a photo and the sketches of it are made one after the other
def _figure(seed: int, diversity: float, label: str, individual: int) -> Figure:
    figure = Figure(stream(seed, "object", label, individual), diversity)
    inhabitants()[label](figure)
    return figure


@cache
def measured() -> dict[str, Any]:
    """Splits, digests and baselines on record, written by ``python -m benchmarks.world``."""
    return json.loads((files(__package__) / "measured.json").read_text(encoding="utf-8"))


@cache
def inhabitants() -> dict[str, Drawing]:
    """Every class and the function that draws it."""
    from .families import FAMILIES

    return {
        fn.__name__: fn for module in FAMILIES.values() for fn in (*module.BENCHMARK, *module.PRETRAINING)
    }


@cache
def _population(which: str) -> tuple[str, ...]:
    from .families import FAMILIES

    kind = "BENCHMARK" if which == "benchmark" else "PRETRAINING"
    labels = [fn.__name__ for module in FAMILIES.values() for fn in getattr(module, kind)]
    if which != "pretraining-leaky":
        return tuple(labels)
    leaked = splits()["unseen-16"]
    stay = stream(VERSION, "leaky").permutation(sorted(labels))[: len(labels) - len(leaked)]
    return (*stay.tolist(), *leaked)


@cache
def family(label: str) -> str:
    """The family that a class belongs to."""
    from .families import FAMILIES

    return next(
        name for name, module in FAMILIES.items()
        if label in {fn.__name__ for fn in (*module.BENCHMARK, *module.PRETRAINING)}
    )  # fmt: skip


def lineage(label: str) -> list[str]:
    """The path from the root of the family tree: ``["thing", "animal", "mammal", "cow"]``."""
    from .families import FAMILIES

    return ["thing", FAMILIES[family(label)].KINGDOM, family(label), label]


@cache
def splits() -> dict[str, tuple[str, ...]]:
    """The unseen classes of the world's two splits, drawn once: the same for every seed and knob."""
    labels = sorted(_population("benchmark"))
    homes = sorted({family(label) for label in labels})
    random = stream(VERSION, "unseen-16").permutation(labels)[:16]
    away = set(stream(VERSION, "unseen-families").permutation(homes)[:2].tolist())
    return {
        "unseen-16": tuple(sorted(random.tolist())),
        "unseen-families": tuple(label for label in labels if family(label) in away),
    }
