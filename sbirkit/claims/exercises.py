"""Exercise checks of the ablation notebooks; see :mod:`sbirkit.checks` for how they speak."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sbirkit.checks.judging import Hint, match

# 09 · RAMLN


def check_paired(student: Callable[..., Any]) -> None:
    """``student(a, b)``: mean difference and half its 95 % t-interval, of numbers paired by seed."""
    from scipy import stats

    cases = [
        ([0.42, 0.35, 0.39], [0.40, 0.34, 0.36]),
        ([0.5, 0.2, 0.3, 0.6, 0.4], [0.4, 0.15, 0.2, 0.5, 0.36]),
    ]

    def half(d: Any, quantile: float, ddof: int = 1) -> float:
        return float(quantile * np.std(d, ddof=ddof) / np.sqrt(len(d)))

    def paired(a: Any, b: Any, *, ddof: int = 1) -> tuple[float, float]:
        d = np.subtract(a, b)
        return float(d.mean()), half(d, float(stats.t.ppf(0.975, len(d) - 1)), ddof)

    def unpaired(a: Any, b: Any) -> tuple[float, float]:
        spread = np.sqrt(np.var(a, ddof=1) / len(a) + np.var(b, ddof=1) / len(b))
        return float(np.mean(a) - np.mean(b)), float(stats.t.ppf(0.975, len(a) - 1) * spread)

    mistakes: list[Hint] = [
        (unpaired, "a seed gives both arms the same batches: take differences first, then their deviation."),
        (lambda a, b: (paired(a, b)[0], half(np.subtract(a, b), 1.96)),
         "1.96 is for many seeds; with n of them take t with n - 1 degrees of freedom."),
        (lambda a, b: paired(a, b, ddof=0), "divide the squares by n - 1: the mean was estimated, too."),
    ]  # fmt: skip
    match(
        student, paired, cases, mistakes, "d = a - b; its mean; t(0.975, n - 1) * std(d, ddof=1) / sqrt(n)."
    )


def check_torn(student: Callable[..., Any]) -> None:
    """``student(near_sketch, near_photo)``: the share of pictures near their class in one modality alone."""
    rng = np.random.default_rng(0)
    cases = [tuple(rng.random((2, n)) < p) for n, p in ((10, 0.5), (7, 0.8))]
    mistakes: list[Hint] = [
        (lambda s, p: np.mean(s | p), "that counts pictures which are near in both, too."),
        (lambda s, p: np.mean(s & p), "that is the share which is near in both."),
        (lambda s, p: np.mean(s & ~p), "near among photos and far among sketches is torn as well."),
        (lambda s, p: np.sum(s ^ p), "a share, not a count."),
    ]
    match(student, lambda s, p: np.mean(s ^ p), cases, mistakes, "exactly one of the two is true.")


# 10 · DSN


def check_mmd(student: Callable[..., Any]) -> None:
    """``student(kxx, kyy, kxy)``: the unbiased squared MMD of three kernel matrices."""
    rng = np.random.default_rng(0)
    cases = []
    for n, m in ((4, 5), (3, 6)):
        x, y = rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + 1
        kernel = [np.exp(-((a[:, None] - b) ** 2).sum(2) / 2) for a, b in ((x, x), (y, y), (x, y))]
        cases.append(tuple(kernel))

    def off(k: Any) -> Any:
        n = len(k)
        return (k.sum() - np.trace(k)) / (n * (n - 1))

    mistakes: list[Hint] = [
        (lambda a, b, c: a.mean() + b.mean() - 2 * c.mean(),
         "every point is like itself: leave the diagonals out, or two equal samples seem to differ."),
        (lambda a, b, c: off(a) + off(b) - c.mean(), "the mean between the samples counts twice."),
        (lambda a, b, c: off(a) * (1 - 1 / len(a)) + off(b) * (1 - 1 / len(b)) - 2 * c.mean(),
         "without the diagonal there are n(n - 1) pairs, not n squared."),
    ]  # fmt: skip
    match(student, lambda a, b, c: off(a) + off(b) - 2 * c.mean(), cases, mistakes,
           "mean of kxx off its diagonal, plus that of kyy, minus twice the mean of kxy.")  # fmt: skip


def check_variance(student: Callable[..., Any]) -> None:
    """``student(x)``: half the mean squared distance of two different rows of ``x``."""
    rng = np.random.default_rng(0)
    cases = [(rng.normal(size=shape),) for shape in ((5, 3), (3, 2))]
    mistakes: list[Hint] = [
        (lambda x: x.var(0).sum(), "that divides by n: a row was compared with itself, too."),
        (lambda x: 2 * x.var(0, ddof=1).sum(), "half of the mean squared distance."),
        (lambda x: x.var(0, ddof=1).mean(), "distances add up over the dimensions; they are not averaged."),
    ]
    match(student, lambda x: x.var(0, ddof=1).sum(), cases, mistakes,
           "mean of |x_i - x_j|^2 over i != j, halved; or variances over n - 1, added up.")  # fmt: skip


# 11 · MA-SBIR


def check_centred(student: Callable[..., Any]) -> None:
    """``student(x, is_sketch)``: each modality's mean taken from its rows, and length one again."""
    rng = np.random.default_rng(0)
    cases = [(rng.normal(size=(n, 3)) + 1, np.arange(n) % 3 == 0) for n in (9, 7)]

    def shifted(x: Any, sketch: Any) -> Any:
        return x - np.where(sketch[:, None], x[sketch].mean(0), x[~sketch].mean(0))

    def unit(x: Any) -> Any:
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    mistakes: list[Hint] = [
        (
            lambda x, s: unit(x - x.mean(0)),
            "one mean for all leaves the gap as it is: one for each modality.",
        ),
        (shifted, "cosines are to be compared: give the rows length one afterwards."),
        (lambda x, s: np.where(s[:, None], unit(shifted(x, s)), unit(x)), "photos have a mean, too."),
    ]
    match(student, lambda x, s: unit(shifted(x, s)), cases, mistakes,
           "x[is_sketch].mean(0) from sketches, x[~is_sketch].mean(0) from photos, normalise.")  # fmt: skip


def check_correction(student: Callable[..., Any]) -> None:
    """``student(p, level)``: which of several p-values pass, after Benjamini and Hochberg."""
    cases = [(np.array([0.001, 0.02, 0.03, 0.04, 0.6]), 0.05), (np.array([0.04, 0.9, 0.012, 0.2]), 0.05),
             (np.array([0.03, 0.01, 0.049, 0.045]), 0.05)]  # fmt: skip

    def passes(p: Any, level: float) -> Any:
        order = np.argsort(p)
        under = p[order] <= level * np.arange(1, len(p) + 1) / len(p)
        last = np.flatnonzero(under).max(initial=-1)
        return np.isin(np.arange(len(p)), order[: last + 1])

    def alone(p: Any, level: float) -> Any:
        return p <= level * (np.argsort(np.argsort(p)) + 1) / len(p)

    mistakes: list[Hint] = [
        (lambda p, level: p < level, "that is no correction: of 50 false claims two or three would pass."),
        (
            lambda p, level: p <= level / len(p),
            "that is Bonferroni's, against a single error; this one is milder.",
        ),
        (alone, "find the *last* one under its line: all before it pass, even those above theirs."),
    ]
    match(
        student,
        passes,
        cases,
        mistakes,
        "sort; the k-th against level * k / m; up to the last that is under, all pass.",
    )


# 12 · BDA-SketRet


def check_readable(student: Callable[..., Any]) -> None:
    """``student(share, right)``: nats read of a label: its entropy less the mean surprise."""
    cases = [
        (np.array([0.5, 0.5]), np.array([0.9, 0.8, 0.6])),
        (np.array([0.25, 0.25, 0.5]), np.array([0.5, 0.7])),
    ]

    def entropy(share: Any) -> Any:
        return -(share * np.log(share)).sum()

    mistakes: list[Hint] = [
        (lambda s, r: np.log(r).mean(), "that is minus the surprise; how much was there to know before?"),
        (
            lambda s, r: entropy(s) - np.log(r).mean(),
            "the surprise is *minus* the log; a good probe's is small.",
        ),
        (lambda s, r: (entropy(s) + np.log(r).mean()) / np.log(2), "those are bits; want nats."),
        (lambda s, r: entropy(s) + np.log(r.mean()), "the mean of the logs, not the log of the mean."),
    ]
    match(student, lambda s, r: entropy(s) + np.log(r).mean(), cases, mistakes,
           "-sum(share * log(share)) + mean(log(right)).")  # fmt: skip


def check_order(student: Callable[..., Any]) -> None:
    """``student(a, b)``: Spearman's correlation of two lists without ties."""
    rng = np.random.default_rng(0)
    cases = [(np.exp(3 * rng.normal(size=n)), rng.normal(size=n)) for n in (6, 9)]

    def ranks(x: Any) -> Any:
        return np.argsort(np.argsort(x))

    def right(a: Any, b: Any) -> float:
        return float(np.corrcoef(ranks(a), ranks(b))[0, 1])

    mistakes: list[Hint] = [
        (lambda a, b: np.corrcoef(a, b)[0, 1], "that is Pearson's, of the numbers; rank them first."),
        (lambda a, b: np.corrcoef(np.argsort(a), np.argsort(b))[0, 1],
         "argsort says who is at each place, not the place of each: argsort it once more."),
        (lambda a, b: np.mean(ranks(a) == ranks(b)), "ranks need not be equal; how far do they go together?"),
    ]  # fmt: skip
    match(student, right, cases, mistakes, "rank both, then Pearson's correlation of the ranks.")
