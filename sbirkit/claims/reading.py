"""The ledger as data: ``claims.toml``, read and checked."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from sbirkit.data.names import suggest
from sbirkit.models.making import METHODS
from sbirkit.retrieval.protocol import SETTINGS

from .verdicts import Direction

if TYPE_CHECKING:
    from sbirkit.data import Benchmark

PAPERS = ("RAMLN", "DSN", "MA-SBIR", "BDA-SketRet", "Protocol")
HOME = "home"
EMBED = "embed"
SIDES = ("better", "than", "beyond", "order_of", "order_in")
EVALUATED = (*SETTINGS, "seen", "selection")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A method with its options, and changes to how it is trained. Claims that share an arm share its runs.

    Args:
        options: ``words = "random"`` gives each class a random direction in place of its words.
        half: of the pictures that the others look at, for a picture costs twice as much here.
    """

    name: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    half: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where arms are compared: a Doodle World with some of its knobs turned, and a split of it."""

    name: str
    split: str = "unseen-16"
    world: Mapping[str, Any] = field(default_factory=dict)

    def benchmark(self, seed: int = 0, *, progress: bool = False) -> "Benchmark":
        """Generalised, so that seen classes have held-out pictures; drawn where it is not there yet."""
        from sbirkit.data.doodleworld.world import World

        world = World(**{"seed": seed} | dict(self.world))
        return world.prepare(progress=progress).benchmark(self.split, setting="gzs")


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison, written ``ARM``, ``ARM@PLACE``, ``ARM:VERB`` or ``ARM@PLACE:VERB``.

    The verb is what embeds, where it is another than ``embed``.

    >>> Side.read("masbir@small:embed_converted")
    Side(arm='masbir', place='small', verb='embed_converted')
    """

    arm: str
    place: str = HOME
    verb: str = EMBED

    @classmethod
    def read(cls, text: str) -> "Side":
        rest, _, verb = text.partition(":")
        arm, _, place = rest.partition("@")
        return cls(arm, place or HOME, verb or EMBED)

    def __str__(self) -> str:
        place = "" if self.place == HOME else f"@{self.place}"
        return f"{self.arm}{place}" + ("" if self.verb == EMBED else f":{self.verb}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A sentence that a run can prove wrong.

    The effect with a seed is ``quantity`` of ``better`` less that of ``than``. Several arms on a side stand
    for the one that does best on the *selection* classes, on the mean over seeds. ``beyond``, two sides,
    asks for more than the effect between these two: whether a knob matters. With ``order_of`` the effect is
    the share of pairs of these arms that ``quantity`` and ``than_quantity`` put in different orders; with
    ``order_in`` the second number is of these arms, one for each.

    Args:
        id: paper and a word, with a dot. sentence: what is claimed, falsifiable.
        kind: ``"found"``, the paper or its code says it, where ``source`` says; ``"ours"``, a control or a
            question that follows from it.
        quantity: a setting of :func:`sbirkit.training.evaluate` and a metric, as in ``"zs mAP@all"``, or a
            measure of :mod:`sbirkit.claims.measures` and one of its keys.
        than_quantity: of the other side, where it is another.
        direction: ``"up"``, ``"down"`` or ``"same"``; least: the smallest effect that matters.
        chosen_on: ``"unseen"`` lets ``better`` choose on the test, to show what that is worth.
    """

    id: str
    paper: str
    sentence: str
    kind: Literal["found", "ours"]
    source: str
    quantity: str
    direction: Direction
    least: float
    better: tuple[Side, ...] = ()
    than: tuple[Side, ...] = ()
    beyond: tuple[Side, ...] = ()
    order_of: tuple[Side, ...] = ()
    order_in: tuple[Side, ...] = ()
    than_quantity: str = ""
    chosen_on: Literal["selection", "unseen"] = "selection"
    note: str = ""

    def asked(self) -> Iterator[tuple[Side, str]]:
        """Every side with the quantity wanted of it."""
        other = self.than_quantity or self.quantity
        for side in (*self.better, *self.order_of, *self.beyond[:1]):
            yield side, self.quantity
        for side in (*self.than, *(self.order_in or self.order_of), *self.beyond[1:]):
            yield side, other


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """An effect at several positions of a knob, for a picture.

    The knob is the world's, with a place for each position in ``at``; or the method's, with an arm for each
    in ``better``.
    """

    id: str
    paper: str
    title: str
    knob: str
    at: tuple[float, ...]
    better: tuple[str, ...]
    than: str
    quantity: str
    places: tuple[str, ...] = (HOME,)

    def sides(self) -> Iterator[tuple[Side, Side]]:
        """Both sides at each position."""
        for arm, place in zip(_spun(self.better, self.at), _spun(self.places, self.at), strict=True):
            yield Side(arm, place), Side(self.than, place)


def _spun(names: Sequence[str], at: Sequence[float]) -> Sequence[str]:
    return names if len(names) > 1 else [*names] * len(at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All of ``claims.toml``."""

    train: Mapping[str, Mapping[str, Any]]
    seconds: Mapping[str, float]
    places: Mapping[str, Place]
    arms: Mapping[str, Arm]
    claims: Mapping[str, Claim]
    curves: Mapping[str, Curve]

    def only(self, papers: Sequence[str]) -> "Ledger":
        """The part that is about some of the papers."""
        if unknown := [name for name in papers if name not in PAPERS]:
            raise ValueError(f"papers: there is no {', '.join(unknown)}; there are {', '.join(PAPERS)}")
        claims = {k: c for k, c in self.claims.items() if c.paper in papers}
        curves = {k: c for k, c in self.curves.items() if c.paper in papers}
        return Ledger(train=self.train, seconds=self.seconds, places=self.places, arms=self.arms,
                      claims=claims, curves=curves)  # fmt: skip

    def needs(self) -> dict[tuple[str, str], dict[str, tuple[str, ...]]]:
        """``{(arm, place): {verb: settings and measures}}``: each pair is one run for each seed.

        Every run also says its mAP, whatever its claims are about.
        """
        found: dict[tuple[str, str], dict[str, set[str]]] = {}
        asked = [pair for claim in self.claims.values() for pair in claim.asked()]
        asked += [(s, c.quantity) for c in self.curves.values() for pair in c.sides() for s in pair]
        for side, quantity in asked:
            source = quantity.partition(" ")[0]
            found.setdefault((side.arm, side.place), {EMBED: {"zs"}}).setdefault(side.verb, set()).add(source)
        return {k: {v: tuple(sorted(x)) for v, x in sorted(found[k].items())} for k in sorted(found)}


def read_ledger(path: Path | None = None) -> Ledger:
    """Read ``claims.toml``, or another file of its form. What it names must be there."""
    text = (path or files(__package__) / "claims.toml").read_text(encoding="utf-8")
    read = tomllib.loads(text)
    places = {name: Place(name=name, **given) for name, given in read["places"].items()}
    arms = {name: Arm(name=name, **given) for name, given in read["arms"].items()}
    if wrong := [f"{a.name}: {a.method}" for a in arms.values() if a.method not in METHODS]:
        raise ValueError(f"arms: no such method: {', '.join(wrong)}; there are {', '.join(METHODS)}")
    claims, curves = {}, {}
    for given in read["claims"]:
        read_in: dict[str, Any] = {k: _sides(v) if k in SIDES else v for k, v in given.items()}
        one = Claim(**read_in)
        if one.id in claims:
            raise ValueError(f"claims: {one.id} is there twice")
        _check(one, arms, places)
        claims[one.id] = one
    for given in read.get("curves", ()):
        given["better"] = [given["better"]] if isinstance(given["better"], str) else given["better"]
        drawn: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        line = Curve(**drawn)
        if not {len(line.places), len(line.better)} <= {1, len(line.at)}:
            raise ValueError(f"{line.id}: want one place, or one arm in better, for each position in `at`")
        for pair in line.sides():
            _known(line.id, pair, arms, places)
        curves[line.id] = line
    return Ledger(train=read["train"], seconds=read["seconds"], places=places, arms=arms, claims=claims,
                  curves=curves)  # fmt: skip


def _sides(given: str | list[str]) -> tuple[Side, ...]:
    return tuple(map(Side.read, [given] if isinstance(given, str) else given))


def _check(claim: Claim, arms: Mapping[str, Arm], places: Mapping[str, Place]) -> None:
    who = claim.id
    for name, wanted in (("paper", PAPERS), ("kind", ("found", "ours")), ("direction", get_args(Direction)),
                         ("chosen_on", ("selection", "unseen"))):  # fmt: skip
        if getattr(claim, name) not in wanted:
            raise ValueError(f"{who}: {name} wants one of {', '.join(wanted)}, got {getattr(claim, name)!r}")
    if not isinstance(claim.least, float) or claim.least <= 0:
        raise ValueError(f"{who}: least wants a number above 0, got {claim.least!r}")
    if bool(claim.order_of) == bool(claim.better and claim.than):
        raise ValueError(f"{who}: want better and than, or order_of")
    if claim.order_of and (len(claim.order_of) < 3 or not claim.than_quantity):
        raise ValueError(f"{who}: order_of wants three arms or more, and a than_quantity")
    if claim.order_in and len(claim.order_in) != len(claim.order_of):
        raise ValueError(f"{who}: order_in wants an arm for each of order_of")
    if len(claim.beyond) not in (0, 2):
        raise ValueError(f"{who}: beyond wants two sides, got {len(claim.beyond)}")
    for quantity in (claim.quantity, claim.than_quantity or claim.quantity):
        if not all(quantity.partition(" ")):
            raise ValueError(f"{who}: quantity wants two words, as in 'zs mAP@all', got {quantity!r}")
    _known(who, [side for side, _ in claim.asked()], arms, places)


def _known(who: str, sides: Sequence[Side], arms: Mapping[str, Arm], places: Mapping[str, Place]) -> None:
    for side in sides:
        for name, known in ((side.arm, arms), (side.place, places)):
            if name not in known:
                raise ValueError(f"{who}: there is no {name!r}{suggest(name, list(known))}")
