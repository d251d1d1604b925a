"""Figures and claims of a notebook, as a reader sees them and as `make reproduce` compares them.

A call leaves one line to read, and the same as JSON in the cell's output. The *shipped* value is the one in
the repository's stored notebook, the *fresh* one that of the notebook executed now.
"""

import html
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from sbirkit.retrieval.result import Result

MIME = "application/vnd.sbirkit.figure+json"
SLACK = 1e-9  # 0.52 - 0.50 is a little more than 0.02
Verdict = Literal["agrees", "differs", "new", "missing"]


def _rounded(name: str, value: float) -> float:
    """Six digits that count: what is stored, shown and compared."""
    if isinstance(value, bool) or not isinstance(
        number := getattr(value, "item", lambda: value)(), int | float
    ):
        raise TypeError(f"{name}: want a number, got {type(value).__name__} {value!r}")
    if not math.isfinite(number):
        raise ValueError(
            f"{name}: want a finite number, got {number}; leave the figure out where there is none"
        )
    return number if isinstance(number, int) else float(f"{number:.6g}")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number by name, and how far another run of the same may lie from it."""

    name: str
    value: float
    band: float = 0.0
    note: str = ""

    def __post_init__(self) -> None:
        _named(self.name)
        object.__setattr__(self, "value", _rounded(self.name, self.value))
        object.__setattr__(self, "band", _rounded(self.name, self.band))
        if self.band < 0:
            raise ValueError(f"band of {self.name}: want 0 or more, got {self.band}")

    @property
    def said(self) -> str:
        """``0.512 ± 0.02``"""
        return f"{self.value:g}" + (f" ± {self.band:g}" if self.band else "")

    def agrees(self, shipped: "Figure | Claim") -> bool:
        """Whether the shipped value lies in this one's band, its edges included."""
        return isinstance(shipped, Figure) and abs(self.value - shipped.value) <= self.band + SLACK


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence tested: its verdict, and the effect with its interval where there is one."""

    name: str
    verdict: str
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None

    def __post_init__(self) -> None:
        _named(self.name)
        if not isinstance(self.verdict, str) or not self.verdict.strip():
            raise ValueError(f"verdict of {self.name}: want a word like 'holds', got {self.verdict!r}")
        for field in ("effect", "low", "high", "n"):
            if (value := getattr(self, field)) is not None:
                object.__setattr__(self, field, _rounded(f"{field} of {self.name}", value))
        if (self.low is None) != (self.high is None):
            raise ValueError(f"{self.name}: want both ends of the interval, low and high, or neither")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"{self.name}: want low <= high, got {self.low} and {self.high}")

    @property
    def said(self) -> str:
        """``holds: +0.03 [0.01, 0.05], n = 5``"""
        parts = [] if self.effect is None else [f"{self.effect:+.3g}"]
        parts += [] if self.low is None else [f"[{self.low:.3g}, {self.high:.3g}]"]
        more = ", ".join([" ".join(parts)] * bool(parts) + [f"n = {self.n}"] * (self.n is not None))
        return self.verdict + f": {more}" * bool(more)

    def agrees(self, shipped: "Figure | Claim") -> bool:
        """Whether the shipped verdict is the same; the effect may move inside it."""
        return isinstance(shipped, Claim) and self.verdict == shipped.verdict


Record = Figure | Claim


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure or claim afresh and as shipped; None where there is none."""

    fresh: Record | None
    shipped: Record | None
    verdict: Verdict

    @property
    def record(self) -> Record:
        """The fresh one, or else the shipped one."""
        record = self.fresh or self.shipped
        assert record is not None
        return record


def figure(name: str, value: float, *, band: float = 0.0, note: str = "") -> None:
    """Show a number and leave it for the report.

    Args:
        band: how far the shipped and the fresh value may lie apart and still agree; 0: not in six digits.
        note: what it was measured on, as in ``"unseen-16, seed 0"``.

    >>> figure("dsn.zs.mAP@all", 0.5124, band=0.02, note="unseen-16, seed 0")
    dsn.zs.mAP@all = 0.5124 ± 0.02 (unseen-16, seed 0)
    """
    one = Figure(name, value, band, note)
    _show(one, f"{name} = {one.said}" + f" ({note})" * bool(note))


def claim(
    name: str,
    verdict: str,
    *,
    effect: float | None = None,
    low: float | None = None,
    high: float | None = None,
    n: int | None = None,
) -> None:
    """Show the verdict on a claim and leave it for the report.

    Args:
        effect: the difference that was measured; low, high: its interval; n: of how many pairs or seeds.

    >>> claim("DSN: the memory helps", "holds", effect=0.031, low=0.012, high=0.05, n=5)
    DSN: the memory helps: holds: +0.031 [0.012, 0.05], n = 5
    """
    one = Claim(name, verdict, effect, low, high, n)
    _show(one, f"{name}: {one.said}")


def better(name: str, ours: "Result", other: "Result", *, metric: str = "mAP@all") -> None:
    r"""Leave the claim that one result is above another, class by class on the same queries.

    .. math:: \frac{1}{C} \sum_c (a_c - b_c), \quad \text{95 \% of its bootstrap over classes}

    It holds where the interval lies above 0, fails where it lies below, else it is undecided. It speaks of
    these classes and of one training each; what another seed would say is not in it.
    """
    from sbirkit.retrieval.result import bootstrap

    mine, theirs = ours.per_class(metric), other.per_class(metric)
    if mine.keys() != theirs.keys():
        raise ValueError(f"{name}: want results on the same classes, got {len(mine)} and {len(theirs)}")
    gap = np.array([mine[label] - theirs[label] for label in mine])
    low, high = bootstrap(gap)
    verdict = "holds" if low > 0 else "fails" if high < 0 else "undecided"
    claim(name, verdict, effect=float(gap.mean()), low=low, high=high, n=len(gap))


def collect(notebook: Mapping[str, Any]) -> list[Record]:
    """The figures and claims in a notebook's outputs, in order. A name used twice is an error."""
    found: list[Record] = []
    cells: dict[str, int] = {}
    for number, left in _left(notebook):
        fields = dict(left)
        kind = {"figure": Figure, "claim": Claim}[fields.pop("kind")]
        one = kind(**fields)
        if one.name in cells:
            first = cells[one.name]
            raise ValueError(
                f"the name {one.name!r} is used in cell {first} and in cell {number}: want one each"
            )
        cells[one.name] = number
        found.append(one)
    return found


def judge(fresh: Sequence[Record], shipped: Sequence[Record]) -> list[Judged]:
    """Each name once: agrees or differs by the fresh band, new where not shipped, missing where not fresh.

    >>> fresh, shipped = [Figure("a", 0.50, 0.02), Figure("b", 1)], [Figure("a", 0.52), Figure("c", 2)]
    >>> [one.verdict for one in judge(fresh, shipped)]
    ['agrees', 'new', 'missing']
    """
    there = {one.name: one for one in shipped}
    judged = []
    for one in fresh:
        other = there.pop(one.name, None)
        verdict: Verdict = "new" if other is None else "agrees" if one.agrees(other) else "differs"
        judged.append(Judged(one, other, verdict))
    return judged + [Judged(None, other, "missing") for other in there.values()]


def _named(name: str) -> None:
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"name: want a few characters like 'dsn.zs.mAP@all', got {name!r}")


def _left(notebook: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The number of each cell, counted from 1, with what a call left in its outputs."""
    for number, cell in enumerate(notebook["cells"], 1):
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                yield number, output["data"][MIME]


def _show(one: Record, line: str) -> None:
    """One line: displayed in a notebook, printed elsewhere (which needs no IPython at all)."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if not hasattr(shell, "kernel"):
        print(line)
        return
    from IPython.display import display

    left = {"kind": type(one).__name__.lower()} | asdict(one)
    display({"text/plain": line, "text/html": f"<p>{html.escape(line)}</p>", MIME: left}, raw=True)
