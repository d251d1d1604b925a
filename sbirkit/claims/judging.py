"""From records to outcomes: each claim's differences, its test, its verdict."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .reading import Claim, Curve, Ledger, Side
from .records import Records
from .verdicts import Test, Verdict, benjamini_hochberg, holm, interval, settle, test


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a claim.

    Args:
        differences: by seed. better, than: the arms in the end, where the claim lets one choose.
        q, holm: the p-value after Benjamini and Hochberg's and after Holm's correction.
    """

    claim: Claim
    test: Test
    verdict: Verdict
    differences: dict[int, float]
    better: str = ""
    than: str = ""
    q: float = math.nan
    holm: float = math.nan

    @property
    def said(self) -> str:
        """``holds: +0.032 [+0.024, +0.040], n = 3``"""
        if not self.test.n:
            return self.verdict
        ends = "" if math.isnan(self.test.low) else f" [{self.test.low:+.3f}, {self.test.high:+.3f}]"
        return f"{self.verdict}: {self.test.effect:+.3f}{ends}, n = {self.test.n}"


def judge(ledger: Ledger, records: Records) -> list[Outcome]:
    """Every claim of the ledger, with the correction over all that were run."""
    drafts = []
    for claim in ledger.claims.values():
        better, than = pick(claim, records)
        found = differences(claim, records, better, than)
        tried = test([*found.values()], direction=claim.direction, least=claim.least)
        drafts.append((claim, tried, found, str(better or ""), str(than or "")))
    tests = [tried for _, tried, *_ in drafts]
    p = [one.p for one in tests]
    rows = zip(drafts, settle(tests), benjamini_hochberg(p), holm(p), strict=True)
    return [
        Outcome(claim, tried, verdict, found, better, than, float(q), float(h))
        for (claim, tried, found, better, than), verdict, q, h in rows
    ]


def pick(claim: Claim, records: Records) -> tuple[Side | None, Side | None]:
    """The arm that stands for each side: the best on the selection classes where there are several."""
    if claim.order_of:
        return None, None
    other = claim.than_quantity or claim.quantity
    better = _best(claim.better, claim.chosen_on, claim.quantity, records)
    return better, _best(claim.than, "selection", other, records)


def differences(claim: Claim, records: Records, better: Side | None, than: Side | None) -> dict[int, float]:
    """The claim's effect with each seed that has all the runs it needs."""
    found = {}
    for seed in records.seeds:
        if claim.order_of:
            value = swapped(claim, records, seed)
        else:
            value = _effect(records, seed, better, than, claim.quantity, claim.than_quantity)
            if claim.beyond:
                one, other = claim.beyond
                without = _effect(records, seed, one, other, claim.quantity, claim.than_quantity)
                value = None if value is None or without is None else value - without
        if value is not None:
            found[seed] = value
    return found


def swapped(claim: Claim, records: Records, seed: int) -> float | None:
    r"""The share of pairs of arms that two quantities put in different orders, :math:`(1 - \tau) / 2`."""
    pairs = [
        [records.number(one, claim.quantity, seed), records.number(other, claim.than_quantity, seed)]
        for one, other in zip(claim.order_of, claim.order_in or claim.order_of, strict=True)
    ]
    if any(value is None for pair in pairs for value in pair):
        return None
    values = np.asarray(pairs, dtype=np.float64)
    i, j = np.triu_indices(len(values), 1)
    a, b = np.sign(values[i] - values[j]).T
    return float(np.mean(a * b < 0))


def curve(line: Curve, records: Records) -> list[tuple[float, float, float, float]]:
    """``(knob, mean, low, high)`` at each position of the knob that has runs."""
    points = []
    for at, (better, than) in zip(line.at, line.sides(), strict=True):
        found = [_effect(records, seed, better, than, line.quantity) for seed in records.seeds]
        if known := [value for value in found if value is not None]:
            points.append((at, *interval(known)))
    return points


def _effect(
    records: Records, seed: int, better: Side | None, than: Side | None, quantity: str, other: str = ""
) -> float | None:
    if better is None or than is None:
        return None
    a, b = records.number(better, quantity, seed), records.number(than, other or quantity, seed)
    return None if a is None or b is None else a - b


def _best(sides: Sequence[Side], on: str, quantity: str, records: Records) -> Side | None:
    """The side with the highest mean over the seeds; None where one of several was not run at all.

    Selection classes are measured by their mAP@all whatever the claim is about.
    """
    if len(sides) == 1:
        return sides[0]
    means = []
    for side in sides:
        asked = (Side(side.arm, side.place), "selection mAP@all") if on == "selection" else (side, quantity)
        values = [v for seed in records.seeds if (v := records.number(*asked, seed)) is not None]
        if not values:
            return None
        means.append(math.fsum(values) / len(values))
    return sides[int(np.argmax(means))] if means else None
