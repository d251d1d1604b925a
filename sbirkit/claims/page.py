"""The ledger as Markdown, made from its records alone."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sbirkit.retrieval.result import markdown

from .judging import Outcome, judge
from .reading import PAPERS, Claim, Ledger
from .records import Records
from .verdicts import LEVEL

HOW = (
    "Each claim was written down with the smallest effect that would matter before any run; `claims.toml` "
    "has them all. The effect is a mean of differences paired by seed, with its 95 % t-interval. A claim "
    "*holds* where the whole interval lies beyond that smallest effect, *does not hold* where it lies short "
    "of it, and is *undecided* otherwise, or where it does not survive the correction for many claims "
    f"(Benjamini and Hochberg, {LEVEL:.0%}, over the whole ledger). *Found* claims are the papers', *ours* "
    "are controls and questions. All of it on Doodle World, with small networks and short trainings."
)


def records_folder(out: Path, profile: str, world_seed: int = 0) -> Path:
    return out / f"{profile}-world{world_seed}"


def page(ledger: Ledger, out: Path) -> str:
    """The claims with their verdicts, for each profile that has records, with the fresh world beside."""
    said = ["# The claims ledger", "", f"Made by `python -m sbirkit.claims`. {HOW}"]
    for profile in ledger.train:
        first, second = (Records(records_folder(out, profile, seed)) for seed in (0, 1))
        if not len(first):
            continue
        outcomes = judge(ledger, first)
        again = {one.claim.id: one for one in judge(ledger, second)} if len(second) else {}
        said += ["", f"## Profile {profile}", "", summary(outcomes)]
        for paper in PAPERS:
            mine = [one for one in outcomes if one.claim.paper == paper]
            if mine:
                said += ["", f"### {paper}", "", markdown(table(mine, again), caption(mine))]
    return "\n".join(said) + "\n"


def rows(ledger: Ledger, folder: Path) -> list[dict[str, Any]]:
    """The claims as plain values, for the report of ``make reproduce``; None for a number that lacks."""
    made = []
    for one in judge(ledger, Records(folder)):
        numbers = {"effect": one.test.effect, "low": one.test.low, "high": one.test.high}
        known = {k: round(v, 6) if math.isfinite(v) else None for k, v in numbers.items()}
        note = f"{compared(one)}; {quantities(one.claim)}; matters from {one.claim.least:g}"
        said = {"claim": one.claim.sentence, "paper": one.claim.paper, "verdict": one.verdict + remark(one)}
        made.append(said | known | {"n": one.test.n, "note": note})
    return made


def table(outcomes: Sequence[Outcome], again: dict[str, Outcome]) -> list[list[str]]:
    """A row for each claim, most telling first as they stand in the file."""
    head = ["claim", "whose", "compared", "quantity", "matters from", "effect [95 %]", "seeds", "verdict"]
    rows = [head + ["on a fresh world"] * bool(again)]
    for one in outcomes:
        row = [one.claim.sentence, one.claim.kind, compared(one), quantities(one.claim),
               f"{SIGN[one.claim.direction]}{one.claim.least:g}", effect(one), str(one.test.n or ""),
               one.verdict + remark(one)]  # fmt: skip
        if again:
            other = again.get(one.claim.id)
            row += [f"{other.verdict}, {effect(other)}" if other and other.test.n else ""]
        rows.append(row)
    return rows


SIGN = {"up": "+", "down": "−", "same": "±"}


def effect(one: Outcome) -> str:
    t = one.test
    if not t.n:
        return ""
    ends = "" if t.n < 2 else f" [{t.low:+.3f}, {t.high:+.3f}]"
    return f"{t.effect:+.3f}{ends}".replace("-", "−")


def compared(one: Outcome) -> str:
    """``ramln against ramln-intra``, and out of how many, where the best was chosen."""
    claim = one.claim
    if claim.order_of:
        other = " against their twins" if claim.order_in else ""
        return f"the order of {len(claim.order_of)} methods{other}"
    if claim.better == claim.than and len(claim.better) == 1:
        return str(claim.better[0])
    sides = []
    for chosen, given in ((one.better, claim.better), (one.than, claim.than)):
        many = f" (best of {len(given)})" if len(given) > 1 else ""
        sides.append((chosen or "not run") + many)
    beyond = f", beyond {claim.beyond[0]} against {claim.beyond[1]}" if claim.beyond else ""
    return " against ".join(sides) + beyond


def quantities(claim: Claim) -> str:
    """The quantity in a few words, both where the sides differ."""
    names = [claim.quantity, claim.than_quantity or claim.quantity]
    short = [" ".join(dict.fromkeys(name.split())).replace("zs ", "") for name in names]
    return " against ".join(dict.fromkeys(short))


def remark(one: Outcome) -> str:
    """What the verdict leaves out: the correction's part in it."""
    if one.verdict != one.test.alone:
        return f" (alone: {one.test.alone})"
    return ", after Holm, too" if one.holm < LEVEL and one.verdict != "undecided" else ""


def summary(outcomes: Sequence[Outcome]) -> str:
    count = Counter(one.verdict for one in outcomes)
    named = [f"{count[v]} {v}" for v in ("holds", "does not hold", "undecided", "not run") if count[v]]
    return f"{len(outcomes)} claims: " + ", ".join(named) + "."


def caption(outcomes: Sequence[Outcome]) -> str:
    seeds = sorted({one.test.n for one in outcomes if one.test.n})
    runs = (
        "no runs yet"
        if not seeds
        else f"{seeds[0]} to {seeds[-1]} seeds"
        if len(seeds) > 1
        else f"{seeds[0]} seeds"
    )
    return f"{summary(outcomes)} Paired by seed, {runs}."
