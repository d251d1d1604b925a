"""Exercises of notebook 30: the reproduction report."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .judging import Hint, judge, match, untouched

# 30 · The reproduction report


def check_verdict(student: Callable[..., Any]) -> None:
    """``student(fresh, stored, band)``: ``"agrees"`` within the band and at its edges, else ``"differs"``."""
    cases = [(0.50, 0.49, 0.02), (0.47, 0.50, 0.02), (0.53, 0.50, 0.02), (3, 3, 0), (5, 4, 1), (4, 5, 1)]

    def verdict(fresh: float, stored: float, band: float, *, edge: bool = True) -> str:
        gap = abs(fresh - stored)
        return "agrees" if gap < band or (edge and gap == band) else "differs"

    given = [student(*case) for case in cases]
    if untouched(given[0]):
        return
    hint = "compare the size of the difference with the band."
    if given == [verdict(*case, edge=False) for case in cases]:
        hint = "a difference as large as the band still agrees; a band of 0 asks for the same number."
    elif given == ["agrees" if f - s <= b else "differs" for f, s, b in cases]:
        hint = "a fresh number far below differs, too: take the difference without its sign."
    judge(given == [verdict(*case) for case in cases], f"For fresh, stored, band {cases}: {given}.", hint)


def check_band(student: Callable[..., Any]) -> None:
    """``student(values)``: 1.96 deviations of the difference of two draws, from a few of them."""
    cases = [([0.30, 0.32, 0.34],), ([0.1, 0.5, 0.2, 0.4, 0.3],)]
    two = 1.96 * 2**0.5
    mistakes: list[Hint] = [
        (
            lambda v: 1.96 * np.std(v, ddof=1),
            "that is how far one run lies from the mean; here two runs differ.",
        ),
        (
            lambda v: two * np.std(v),
            "the mean was made of the same values: divide by one less than their number.",
        ),
        (lambda v: two * np.std(v, ddof=1) / len(v) ** 0.5, "not the mean is drawn again, but one run."),
    ]
    right = "the variance of the values, twice that, its root, times 1.96."
    match(student, lambda v: two * np.std(v, ddof=1), cases, mistakes, right)
