"""The ledger's pictures: a forest of effects, an effect over a knob, several of these side by side.

No background and grey ink, for light and dark notebooks; a verdict has a colour *and* a mark; every figure
carries its description as ``figure.alt``.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sbirkit.data.sheets import GREY, Sheet, canvas

from .judging import Outcome, curve
from .reading import Curve
from .records import Records
from .verdicts import Verdict

MARKS: Mapping[Verdict, tuple[str, str, str]] = {  # mark, colour (Okabe-Ito), as one says it in the legend
    "holds": ("o", "#0072B2", "holds (disc)"),
    "does not hold": ("X", "#D55E00", "does not hold (cross)"),
    "undecided": ("s", GREY, "undecided (square)"),
}
REACH = 6.0  # smallest effects that matter; what lies further is drawn at the edge, with an arrow


def forest(outcomes: Sequence[Outcome], *, ax: Axes | None = None, width: float = 7.5) -> Figure:
    """Each claim's effect with its interval, in units of the smallest effect that matters.

    To the right of 1 is as claimed and large enough; between -1 and 1 is where it does not matter. For a
    claim that two arms are the same, that middle is the claim, and its effects are drawn in their own sign.
    """
    shown = [one for one in outcomes if one.test.n]
    if not shown:
        raise ValueError("forest: none of the claims was run; fill the ledger with `make ledger`")
    figure, ax = canvas(width, 1.3 + 0.36 * len(shown), ax=ax)
    ax.axvspan(-1, 1, color=GREY, alpha=0.15, lw=0)
    ax.axvline(0, color=GREY, lw=0.8)
    for row, one in enumerate(shown):
        mark, colour, _ = MARKS[one.verdict]
        scale = (-1 if one.claim.direction == "down" else 1) / one.claim.least
        middle = one.test.effect * scale
        if one.test.n > 1:
            ends = [max(-REACH, min(REACH, x * scale)) for x in (one.test.low, one.test.high)]
            ax.plot(ends, [row, row], color=colour, lw=1.8, solid_capstyle="butt")
        ax.plot(max(-REACH, min(REACH, middle)), row, mark, color=colour, ms=7)
        if abs(middle) > REACH:
            side = math.copysign(1, middle)
            where = "left" if side > 0 else "right"
            ax.annotate(f"{middle:+.0f}", (side * REACH, row), xytext=(side * 7, 0), color=GREY, fontsize=8,
                        textcoords="offset points", va="center", ha=where)  # fmt: skip
    labels = [textwrap.fill(one.claim.sentence, 58) for one in shown]
    ax.set_yticks(range(len(shown)), labels, fontsize=7.5, parse_math=False)
    ax.set(xlim=(-REACH - 0.8, REACH + 0.8), ylim=(len(shown) - 0.4, -0.6))
    ax.set_xlabel("effect / smallest that matters; right is as claimed")
    for verdict in dict.fromkeys(one.verdict for one in shown):
        mark, colour, name = MARKS[verdict]
        ax.plot([], [], mark, color=colour, label=name)
    ax.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False, labelcolor=GREY, fontsize=8
    )
    return _said(
        figure, "Forest of effects. " + " ".join(f"{one.claim.sentence} {one.said}." for one in shown)
    )


def curve_over_knob(line: Curve, records: Records, *, ax: Axes | None = None) -> Figure:
    """The effect at each position of a knob, with a band of 95 % intervals and a dot for each mean."""
    points = curve(line, records)
    if not points:
        raise ValueError(f"{line.id}: none of its arms was run; fill the ledger with `make ledger`")
    figure, ax = canvas(4.6, 3.2, ax=ax)
    at, mean, low, high = zip(*points, strict=True)
    ax.axhline(0, color=GREY, lw=0.8)
    ax.fill_between(at, low, high, color=MARKS["holds"][1], alpha=0.2, lw=0)
    ax.plot(at, mean, "o-", color=MARKS["holds"][1], lw=2)
    ax.set_xticks(at, [f"{x:g}" for x in at])
    ax.set(xlabel=line.knob)
    name = line.quantity.partition(" ")[2]
    ax.set_ylabel(f"difference in {name}", parse_math=False)
    ax.set_title(textwrap.fill(line.title, 34), fontsize=9, color=GREY, parse_math=False)
    told = "; ".join(
        f"{x:g}: {m:+.3f}" + ("" if math.isnan(a) else f" ({a:+.3f} to {b:+.3f})") for x, m, a, b in points
    )
    against = "" if len(line.better) > 1 else f" of {line.better[0]}"
    return _said(figure, f"{line.title}: difference in {name}{against} to {line.than} at {line.knob} {told}.")


def small_multiples(lines: Sequence[Curve], records: Records, *, columns: int = 3) -> Figure:
    """Curves side by side, those of one quantity on one scale."""
    known = [line for line in lines if curve(line, records)]
    if not known:
        raise ValueError("small_multiples: none of the curves has runs; fill the ledger with `make ledger`")
    columns = min(columns, len(known))
    rows = math.ceil(len(known) / columns)
    sheet = Sheet(figsize=(3.5 * columns, 2.9 * rows), facecolor="none", dpi=110, layout="constrained")
    axes = sheet.subplots(rows, columns, squeeze=False).ravel()
    said = [curve_over_knob(line, records, ax=ax).alt for line, ax in zip(known, axes, strict=False)]  # type: ignore[attr-defined]
    for ax in axes[len(known) :]:
        ax.set_axis_off()
    for quantity in {line.quantity for line in known}:
        mine = [ax for line, ax in zip(known, axes, strict=False) if line.quantity == quantity]
        low, high = min(ax.get_ylim()[0] for ax in mine), max(ax.get_ylim()[1] for ax in mine)
        for ax in mine:
            ax.set_ylim(low, high)
    return _said(sheet, " ".join(said))


def _said(figure: Figure, alt: str) -> Figure:
    figure.alt = alt  # type: ignore[attr-defined]
    return figure
