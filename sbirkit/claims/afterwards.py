"""Questions that came up once the ledger had answered. No verdicts: nothing of it was written down before."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sbirkit import paths

from .lessons import Shown, table
from .reading import Side
from .verdicts import interval

if TYPE_CHECKING:
    from sbirkit.data.sheets import Sheet

    from .judging import Outcome
    from .records import Records

LABELS = {"bda": "bdasketret"}  # arms whose long runs have another name


def summed(found: Sequence["Outcome"]) -> Shown:
    """What came out, in four heaps. *The other way*: the whole interval is on the wrong side of zero, and the
    effect would matter; the rest of what does not hold is too small to matter, either way."""
    heaps: dict[str, list[str]] = {
        "holds": [], "does not hold: the other way": [], "does not hold: too small": [], "undecided": []
    }  # fmt: skip
    for one in found:
        heap: str = one.verdict
        if heap == "does not hold":
            sign = {"up": 1, "down": -1, "same": math.nan}[one.claim.direction]
            wrong = (
                max(sign * one.test.low, sign * one.test.high) < 0 and abs(one.test.effect) >= one.claim.least
            )
            heap += ": the other way" if wrong else ": too small"
        heaps.setdefault(heap, []).append(one.claim.id)
    rows = [[heap, str(len(ids)), ", ".join(ids) or "none"] for heap, ids in heaps.items()]
    return table(["verdict", "how many", "claims"], rows, "What came out")


def longer(found: "Records", pairs: Iterable[tuple[str, str]], *, seeds: Sequence[int] = (0, 1, 2)) -> Shown:
    """Differences of mAP@all on unseen classes, in the ledger and in the long runs of the repository.

    The long runs look at four times as many pictures and keep the weights that were best on selection
    classes. They exist for whole methods only, as the laptop profile trains them.

    Args:
        pairs: (arm, arm that it is compared with).
    """
    shipped = _shipped()
    rows = []
    for better, than in pairs:
        short = [found.number(Side(arm), "zs mAP@all", seed) for arm in (better, than) for seed in seeds]
        long = [shipped.get((LABELS.get(arm, arm), seed)) for arm in (better, than) for seed in seeds]
        rows.append([f"{better} against {than}", *(_said(numbers) for numbers in (short, long))])
    return table(
        ["compared", "the ledger's runs", "runs four times as long"], rows, "Does the budget decide?"
    )


def _shipped() -> dict[tuple[str, int], float]:
    from sbirkit.runs.standings import collect

    folder = paths.results()
    runs = collect(folder) if folder else {}
    return {
        (label, run.params["train"]["seed"]): run.number("zs")["mAP@all"]
        for label, mine in runs.get("unseen-16", {}).items()
        for run in mine
    }


def _said(numbers: Sequence[float | None]) -> str:
    known = [n for n in numbers if n is not None]
    if len(known) < len(numbers):
        return "not run"
    half = len(known) // 2
    mean, low, high = interval([a - b for a, b in zip(known[:half], known[half:], strict=True)])
    return f"{mean:+.3f}" + ("" if math.isnan(low) else f" [{low:+.3f}, {high:+.3f}]")


def shares(parts: Mapping[str, Mapping[str, float]]) -> "Sheet":
    """Each term's part of the pull, see :func:`.pulls.pulls`: a panel for each moment, a bar for each term.

    Args:
        parts: moment -> term -> part.
    """
    from sbirkit.data.sheets import GREY, Sheet, canvas
    from sbirkit.lessons import COLOURS

    terms = list(dict.fromkeys(term for one in parts.values() for term in one))
    size = (8.4, 0.7 + 0.32 * len(terms))
    figure = Sheet(figsize=size, facecolor="none", dpi=110, layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(parts), sharey=True))
    for ax, (moment, one) in zip(axes, parts.items(), strict=True):
        canvas(0, 0, ax=ax)
        for k, term in enumerate(terms):
            ax.barh(k, one.get(term, 0.0), 0.7, color=COLOURS[0])
            ax.text(one.get(term, 0.0), k, f" {one.get(term, 0.0):.1%}", va="center", color=GREY, fontsize=9)
        ax.set_yticks(range(len(terms)), terms, parse_math=False)
        ax.set(xlim=(0, 1.2), xticks=(0, 0.5, 1), ylim=(len(terms) - 0.4, -0.6))
        ax.set_title(moment, color=GREY, fontsize=10, parse_math=False)
    figure.supxlabel("part of the pull on what embeds a picture", color=GREY, fontsize=9)
    said = "; ".join(
        f"{moment}: " + ", ".join(f"{term} {part:.1%}" for term, part in one.items())
        for moment, one in parts.items()
    )
    figure.alt = f"How hard each term pulls. {said}."
    return figure


# --- what `python -m sbirkit.claims.asking` found -----------------------------------------------------------


def by_batch(rows: Sequence[Mapping[str, Any]]) -> Shown:
    """RAMLN with both negatives, and with that of the other modality alone, by batch and by pictures."""
    lines = []
    for batch, images in dict.fromkeys((row["batch"], row["images"]) for row in rows):
        mine = [row for row in rows if (row["batch"], row["images"]) == (batch, images)]
        value = {(row["arm"], row["seed"]): row["mAP@all"] for row in mine}
        seeds = sorted(s for arm, s in value if arm == "ramln" and ("ramln-inter", s) in value)
        both, alone = ([value[arm, s] for s in seeds] for arm in ("ramln", "ramln-inter"))
        lines.append([
            f"{batch:,}", f"{images:,}", str(mine[0]["steps"]), f"{np.mean(both):.3f}",
            f"{np.mean(alone):.3f}", _said(both + alone), str(len(seeds)),
        ])  # fmt: skip
    head = ["batch", "pictures", "steps", "both negatives", "the other's alone", "difference", "seeds"]
    return table(head, lines, "RAMLN's second negative, mAP@all on unseen classes")


def equal_steps(rows: Sequence[Mapping[str, Any]]) -> Shown:
    """DSN against its controls, with as many pictures, and with as many optimiser steps."""
    value = {(row["arm"], row["images"], row["seed"]): row for row in rows}
    counts = {(row["arm"], row["images"]): row["steps"] for row in rows}
    pairs = ((9_600, 9_600), (9_600, 3_200), (28_800, 9_600))
    lines = []
    for than in ("dsn-views", "dsn-no-contrast"):
        for ours, theirs in pairs:
            both = {s for a, i, s in value if (a, i) == ("dsn", ours)}
            both &= {s for a, i, s in value if (a, i) == (than, theirs)}
            if not both:
                continue
            at = [(arm, images, s) for arm, images in (("dsn", ours), (than, theirs)) for s in sorted(both)]
            told = [value[one]["mAP@all"] for one in at]
            lines.append([
                f"dsn against {than}", f"{ours:,} and {theirs:,}",
                f"{counts['dsn', ours]} and {counts[than, theirs]}", _said(told), str(len(both)),
            ])  # fmt: skip
    head = ["compared", "pictures", "steps", "difference of mAP@all", "seeds"]
    return table(head, lines, "As many pictures, or as many steps")


def pointing(rows: Sequence[Mapping[str, Any]]) -> Shown:
    """Where the learned modality vectors point, and what a probe reads once this or that is taken away."""
    lines = []
    for arm, mine in _by_arm(rows):
        mean = {
            key: float(np.mean([row[key] for row in mine])) for key in ("gap", "learned", "cosine", "within")
        }
        probe = [f"{np.mean([row['probe'][what] for row in mine]):.2f}" for what in mine[0]["probe"]]
        lines.append([arm, f"{mean['gap']:.2f}", f"{mean['learned']:.2f}", f"{mean['cosine']:+.2f}",
                      f"{mean['within']:.0%}", *probe])  # fmt: skip
    head = ["arm", "length of the gap", "of the learned one", "their cosine", "in 16 main directions",
            "probe: as it is", "less the learned", "less the gap", "less a random one"]  # fmt: skip
    return table(
        head, lines, "Where the learned vectors point, and what a fresh probe then reads; means over seeds"
    )


def drawn(rows: Sequence[Mapping[str, Any]]) -> Shown:
    """What is read of the means of the streams, and of the codes drawn around them, in nats."""
    keys = ("means modality", "drawn modality", "means class", "drawn class", "deviation", "spread")
    lines = [
        [arm, *(f"{np.mean([row[key] for row in mine]):.2f}" for key in keys)] for arm, mine in _by_arm(rows)
    ]
    head = ["arm", "modality, of means", "of drawn codes", "class, of means", "of drawn codes",
            "deviation of the noise", "spread of the means"]  # fmt: skip
    return table(head, lines, "Nats that a fresh probe reads; means over seeds")


def _by_arm(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    arms = dict.fromkeys(row["arm"] for row in rows)
    return [(arm, [row for row in rows if row["arm"] == arm]) for arm in arms]
