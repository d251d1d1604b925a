"""Which pictures make a batch. A sampler is a pure function: (seed, epoch, index) -> row numbers.

It holds no position. To resume, ask for the next index; to prefetch, ask for several at once.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np

from .streams import stream

if TYPE_CHECKING:
    from .benchmark import Benchmark


class Draw(NamedTuple):
    """The row numbers of one batch."""

    sketch: np.ndarray
    photo: np.ndarray


@dataclass(frozen=True, eq=False)
class Items:
    """What a sampler needs to know of the pictures it may draw: four columns of the same length.

    Args:
        label: class of each picture, names or numbers.
        is_sketch: True for a sketch, False for a photo.
        instance: name of the object within its class, the same for a sketch and the photo of one object;
            "" for a picture that has no partner. Only :class:`Pairs` reads it.
        rows: row numbers to hand out, by default ``0, 1, 2, ...``

    >>> items = Items(["cat", "cat", "van", "van"], [True, False, True, False])
    >>> PxK(items, p=2, k=1, seed=1).batch(epoch=0, index=0)
    Draw(sketch=array([0, 2]), photo=array([1, 3]))
    """

    label: Any
    is_sketch: Any
    instance: Any = None
    rows: Any = None

    def __post_init__(self) -> None:
        n = len(self.label)
        instance = np.full(n, "") if self.instance is None else np.asarray(self.instance).astype(str)
        columns = {
            "label": np.asarray(self.label),
            "is_sketch": np.asarray(self.is_sketch, bool),
            "instance": instance,
            "rows": np.arange(n) if self.rows is None else np.asarray(self.rows, np.int64),
        }
        for name, column in columns.items():
            if column.shape != (n,):
                raise ValueError(
                    f"{name}: want one value for each of the {n} labels, got shape {column.shape}"
                )
            object.__setattr__(self, name, column)

    @classmethod
    def of(cls, benchmark: "Benchmark") -> Self:
        """The pictures that a benchmark gives for training."""
        rows, column = benchmark.train, benchmark.catalogue.column
        sketch = column("modality")[rows] == "sketch"
        return cls(column("label")[rows], sketch, column("instance")[rows], rows)


@dataclass(frozen=True, eq=False, kw_only=True)
class Sampler(ABC):
    """Batches of one epoch, in order, as a pure function of the seed and the epoch's number."""

    items: Items = field(kw_only=False)
    seed: int = 0
    _latest: dict[int, list[Draw]] = field(default_factory=dict, init=False, repr=False)

    @abstractmethod
    def __len__(self) -> int:
        """Batches in an epoch."""

    @abstractmethod
    def plan(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions in ``items`` of every batch of an epoch: (sketches, photos)."""

    def batch(self, epoch: int, index: int) -> Draw:
        if not 0 <= index < len(self):
            raise ValueError(f"index: want 0 to {len(self) - 1}, got {index}")
        if (draws := self._latest.get(epoch)) is None:
            rows = self.items.rows
            draws = [Draw(rows[sketch], rows[photo]) for sketch, photo in self.plan(epoch)]
            self._latest.clear()
            self._latest[epoch] = draws
        return draws[index]

    def random(self, epoch: int, *names: str | int) -> np.random.Generator:
        return stream(self.seed, type(self).__name__, epoch, *names)


@dataclass(frozen=True, eq=False, kw_only=True)
class PxK(Sampler):
    r"""``p`` classes with ``k`` sketches and ``k`` photos each, laid out class by class.

    In an epoch every class comes up equally often, and each picture of a class is used once before any is
    used again; within a batch a picture repeats only where its class has fewer than ``k``. The epoch is as
    long as the larger modality needs on average, rounded up so that the classes come out even:

    .. math:: \text{batches} = v \cdot C / p, \quad
              v = \min \{ v \ge N / (C k) : p \text{ divides } v C \}
    """

    p: int
    k: int
    parts: ClassVar[int] = 1
    _members: list[tuple[np.ndarray, np.ndarray]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        members = []  # of each class, the positions of its sketches and of its photos
        for name in np.unique(self.items.label):
            mine = self.items.label == name
            both = np.flatnonzero(mine & self.items.is_sketch), np.flatnonzero(mine & ~self.items.is_sketch)
            if not (len(both[0]) and len(both[1])):
                have, lack = ("sketches", "photos") if len(both[0]) else ("photos", "sketches")
                raise ValueError(f"items: class {str(name)!r} has {have} but no {lack}; leave it out")
            members.append(both)
        of = "the number of classes" if self.parts == 1 else "half the classes (the two parts share none)"
        _within("p", self.p, len(members) // self.parts, of)
        _within("k", self.k, None)
        object.__setattr__(self, "_members", members)

    def __len__(self) -> int:
        classes, width = len(self._members), self.parts * self.p
        sketches = int(self.items.is_sketch.sum())
        most = max(sketches, len(self.items.is_sketch) - sketches)
        even = width // math.gcd(width, classes)  # visits come in multiples of this
        visits = -(-most // (classes * self.k * even)) * even
        return visits * classes // width

    def plan(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        members, width = self._members, self.parts * self.p
        classes = cycle(self.random(epoch, "classes"), len(members), block=width, blocks=len(self))
        visits = len(self) * width // len(members)
        pictures = [
            [positions[cycle(self.random(epoch, modality, c), len(positions), block=self.k, blocks=visits)]
             for modality, positions in zip(("sketch", "photo"), both, strict=True)]
            for c, both in enumerate(members)
        ]  # fmt: skip
        seen = np.zeros(len(members), int)
        for chosen in classes:
            yield (
                np.concatenate([pictures[c][0][seen[c]] for c in chosen]),
                np.concatenate([pictures[c][1][seen[c]] for c in chosen]),
            )
            seen[chosen] += 1


class Episodes(PxK):
    """Two PxK batches of disjoint classes, meta-train then meta-test: the two halves of one batch.

    A loader's batches come apart with ``train, test = batch.halves()``.
    """

    parts: ClassVar = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Uniform(Sampler):
    """Two shuffled decks, dealt side by side: ``sketches`` from one, ``photos`` from the other.

    Nothing is balanced. The epoch ends with the deck that runs out first; what is left is not used in it.
    """

    sketches: int
    photos: int

    def __post_init__(self) -> None:
        n = int(self.items.is_sketch.sum())
        _within("sketches", self.sketches, n, "all there are")
        _within("photos", self.photos, len(self.items.rows) - n, "all there are")

    def __len__(self) -> int:
        n = int(self.items.is_sketch.sum())
        return min(n // self.sketches, (len(self.items.rows) - n) // self.photos)

    def plan(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        sketches = self.random(epoch, "sketch").permutation(np.flatnonzero(self.items.is_sketch))
        photos = self.random(epoch, "photo").permutation(np.flatnonzero(~self.items.is_sketch))
        s, p = self.sketches, self.photos
        for i in range(len(self)):
            yield sketches[i * s : (i + 1) * s], photos[i * p : (i + 1) * p]


@dataclass(frozen=True, eq=False, kw_only=True)
class Captioned(Sampler):
    """Single pictures, sketches and photos shuffled together; each comes with its own caption.

    No pair of a sketch and a photo plays a part: this sampler never looks at instances, or at classes.
    """

    size: int

    def __post_init__(self) -> None:
        _within("size", self.size, len(self.items.rows), "all there are")

    def __len__(self) -> int:
        return len(self.items.rows) // self.size

    def plan(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        order = self.random(epoch, "order").permutation(len(self.items.rows))
        for i in range(len(self)):
            some = order[i * self.size : (i + 1) * self.size]
            sketch = self.items.is_sketch[some]
            yield some[sketch], some[~sketch]


@dataclass(frozen=True, eq=False, kw_only=True)
class Pairs(Sampler):
    """``size`` sketches, each with a photo of the same object: row i of one belongs to row i of the other.

    With ``negatives=n``, n hard negatives of each sketch follow in ``photo``: photos of other objects of its
    class, drawn one by one, those of sketch i at ``size + i * n`` and after. Every paired sketch is used once
    an epoch, but for what does not fill a batch.
    """

    size: int
    negatives: int = 0
    _table: tuple[np.ndarray, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.negatives < 0:
            raise ValueError(f"negatives: want 0 or more, got {self.negatives}")
        items = self.items
        _, label = np.unique(items.label, return_inverse=True)
        named, instance = np.unique(items.instance, return_inverse=True)
        same = label * len(named) + instance  # one number for one object of one class
        photos = np.flatnonzero(~items.is_sketch)
        photos = photos[np.argsort(same[photos], kind="stable")]  # an object is a slice, so is a class
        sketches = np.flatnonzero(items.is_sketch & (items.instance != ""))
        slices = [np.searchsorted(keys[photos], keys[sketches], side)
                  for keys in (same, label) for side in ("left", "right")]  # fmt: skip
        paired = slices[0] < slices[1]
        first, last, low, high = (s[paired] for s in slices)
        sketches = sketches[paired]
        _within("size", self.size, len(sketches), "the sketches that have a photo")
        alone = (high - low) == (last - first)
        if self.negatives and alone.any():
            raise ValueError(
                f"negatives: class {str(items.label[sketches[alone][0]])!r} has photos of one object only, "
                "so no hard negative; leave the class out or set negatives=0"
            )
        object.__setattr__(self, "_table", (sketches, photos, first, last, low, high))

    def __len__(self) -> int:
        return len(self._table[0]) // self.size

    def plan(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        sketches, photos, first, last, low, high = self._table
        n = len(sketches)
        order = self.random(epoch, "order").permutation(n)
        own = photos[self.random(epoch, "photo").integers(first, last)]
        # Any photo of the class outside [first, last): draw from what is left and step over the hole.
        other = self.random(epoch, "negative")
        draws = low[:, None] + (
            other.random((n, self.negatives)) * (high - low - last + first)[:, None]
        ).astype(int)
        draws += np.where(draws >= first[:, None], (last - first)[:, None], 0)
        for i in range(len(self)):
            some = order[i * self.size : (i + 1) * self.size]
            yield sketches[some], np.concatenate([own[some], photos[draws[some].ravel()]])


def cycle(rng: np.random.Generator, n: int, *, block: int, blocks: int) -> np.ndarray:
    """``(blocks, block)`` numbers below ``n``: one shuffle of all of them after another, cut into blocks.

    A block that starts in one shuffle and ends in the next takes from the next what it does not have yet, so
    no block repeats a number unless ``block > n``.

    >>> cycle(np.random.default_rng(0), 5, block=3, blocks=5).tolist()
    [[2, 4, 3], [0, 1, 4], [2, 1, 3], [0, 3, 2], [0, 4, 1]]
    """
    order = np.empty(0, int)
    while len(order) < block * blocks:
        new = rng.permutation(n)
        if begun := min(len(order) % block, n):
            had = np.isin(new, order[-begun:])
            fresh, lead = new[~had], min(block - len(order) % block, n - begun)
            rest = rng.permutation(np.concatenate([fresh[lead:], new[had]]))
            new = np.concatenate([fresh[:lead], rest])
        order = np.concatenate([order, new])
    return order[: block * blocks].reshape(blocks, block)


def _within(name: str, value: int, most: int | None, of: str = "") -> None:
    if value < 1 or (most is not None and value > most):
        wanted = "1 or more" if most is None else f"1 to {most}, {of}"
        raise ValueError(f"{name}: want {wanted}, got {value}")
