"""Exercises of notebooks 21 to 23: the explorers."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .judging import Hint, match, untouched

# 21 · the atlas


def _pictures(seed: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Vectors of unequal length, classes and kinds: on each the usual mistakes give something else."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(24, 3)) * rng.uniform(0.2, 5, (24, 1))
    return vectors, rng.integers(0, 3, 24), np.arange(24) % 3 == 0


def check_other_class(student: Callable[..., Any]) -> None:
    """``student(vectors, labels, is_sketch)``: for each row, is the nearest of the other modality of another
    class?"""
    from ..explore.layout import across, unit

    def judged(near: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]) -> Callable[..., Any]:
        return lambda v, y, s: y[near(v, s)] != y

    def nearest(v: NDArray[Any], allowed: NDArray[Any], sign: int = 1) -> NDArray[Any]:
        return np.where(allowed, sign * (v @ v.T), -np.inf).argmax(1)

    mistakes: list[Hint] = [
        (judged(lambda v, s: nearest(v, s[:, None] != s)),
         "bring the rows to length one: cosine, not the dot product."),
        (judged(lambda v, s: nearest(unit(v), ~np.eye(len(v), dtype=bool))),
         "only pictures of the other modality count."),
        (judged(lambda v, s: nearest(unit(v), np.ones((len(v),) * 2, bool))),
         "every row is nearest to itself."),
        (judged(lambda v, s: nearest(unit(v), s[:, None] != s, -1)),
         "that is the farthest: the largest cosine is nearest."),
        (lambda v, y, s: y[across(v, s)] == y,
         "that is True where it is right; want True where it is wrong."),
    ]  # fmt: skip
    match(
        student,
        judged(across),
        [_pictures(seed) for seed in range(4)],
        mistakes,
        "cosines, those within one modality set to -inf, argmax along each row, compare the classes.",
    )


def check_kept(student: Callable[..., Any]) -> None:
    """``student(far, off, k)``: the share of each row's ``k`` nearest by ``far`` that are so by ``off``."""
    rng = np.random.default_rng(0)

    def distances(x: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(np.linalg.norm(x[:, None] - x, axis=2))

    cases = [(distances(rng.normal(size=(20, 6))), distances(rng.normal(size=(20, 2))), k) for k in (3, 5)]

    def share(far: NDArray[Any], off: NDArray[Any], skip: int, k: int) -> float:
        near = [[set(row[skip : k + skip].tolist()) for row in d.argsort(1)] for d in (far, off)]
        return float(np.mean([len(a & b) for a, b in zip(*near, strict=True)]))

    mistakes: list[Hint] = [
        (lambda a, b, k: share(a, b, 0, k) / k, "every row is nearest to itself: leave that one out."),
        (lambda a, b, k: share(a, b, 1, k), "that is how many; divide by k."),
        (lambda a, b, k: np.mean(a.argsort(1)[:, 1 : k + 1] == b.argsort(1)[:, 1 : k + 1]),
         "the order among the k does not matter: compare them as sets."),
        (lambda a, b, k: 1 - share(a, b, 1, k) / k, "that is the share that is lost."),
    ]  # fmt: skip
    match(
        student,
        lambda a, b, k: share(a, b, 1, k) / k,
        cases,
        mistakes,
        "argsort each row, leave the first (itself) out, take k; count what both sets hold; mean over k.",
    )


# 22 · knobs

KNOB_EFFECTS = {  # what is true of one knob -> the knob, hint
    "A": (
        "diversity",
        "when all individuals of a class are built alike, a class is one thing: which knob does that?",
    ),
    "B": ("gap", "a traced sketch fits its own photo line by line, and keeps that photo's odd viewpoint."),
    "C": ("clutter", "drawers leave the background away; only the photo has one."),
    "D": ("abstraction", "the photos stay as they are, and the main outline stays in the sketch."),
}


def check_knob_effects(answers: Mapping[str, str]) -> None:
    """Which knob each sentence of notebook 22 is about: ``{"A": "gap", ...}``."""
    if untouched(None if not any(answers.values()) else answers):
        return
    for letter, (knob, hint) in KNOB_EFFECTS.items():
        if answers.get(letter) != knob:
            raise AssertionError(f"{letter} is not {answers.get(letter)!r}. Hint: {hint}")
    print("✓ right")


def check_error_of_change(student: Callable[..., Any]) -> None:
    """``student(here, there)``: the standard error of the mean change of the same queries, ``(Q,)`` each."""
    rng = np.random.default_rng(0)
    ability = rng.random((2, 40))
    cases = [(a + rng.normal(0, 0.05, 40), a + rng.normal(0, 0.05, 40)) for a in ability]

    def error(x: NDArray[Any]) -> float:
        return float(x.std(ddof=1) / np.sqrt(len(x)))

    mistakes: list[Hint] = [
        (
            lambda a, b: np.hypot(error(a), error(b)),
            "that is for two sets of *other* queries. These are the same: take each query's change first.",
        ),
        (
            lambda a, b: (a - b).std(ddof=1),
            "that is the spread of one query; a mean of Q is surer by root Q.",
        ),
        (lambda a, b: (a - b).std() / np.sqrt(len(a)), "the spread of a sample has Q - 1 below: ddof=1."),
        (lambda a, b: (a - b).mean(), "that is the change itself; want how far it may be off."),
    ]
    match(
        student,
        lambda a, b: error(a - b),
        cases,
        mistakes,
        "the change of every query, its standard deviation with ddof=1, divided by the root of Q.",
    )


# 23 · runs browser


def check_won_and_lost(student: Callable[..., Any]) -> None:
    """``student(first, second)``: share of queries won, share lost, mean change; scores ``(Q,)`` each."""
    first = np.array([0.5, 0.2, 0.9, 0.4, 0.7])
    cases = [
        (first, np.array([0.6, 0.2, 0.3, 0.8, 0.75])),
        (first[:4], np.array([0.5, 0.2, 0.95, 0.1])),
    ]
    mistakes: list[Hint] = [
        (
            lambda a, b: ((b >= a).mean(), (b < a).mean(), (b - a).mean()),
            "an equal score is neither won nor lost.",
        ),
        (
            lambda a, b: ((b > a).sum(), (b < a).sum(), (b - a).mean()),
            "those are counts; want shares of all queries.",
        ),
        (
            lambda a, b: ((a > b).mean(), (a < b).mean(), (a - b).mean()),
            "that is what the *first* won. A change is the second minus the first.",
        ),
    ]
    match(
        student,
        lambda a, b: ((b > a).mean(), (b < a).mean(), (b - a).mean()),
        cases,
        mistakes,
        "three numbers: the share of queries that rose, the share that fell, and the mean of second - first.",
    )


def check_class_change(student: Callable[..., Any]) -> None:
    """``student(labels, first, second)``: the mean over classes of their queries' mean change."""
    rng = np.random.default_rng(0)
    labels = np.array(["owl", "cow", "owl", "owl", "car", "owl"])
    cases = [(labels, *rng.random((2, 6))), (labels[::-1], *rng.random((2, 6)))]

    def each(names: NDArray[Any], change: NDArray[Any], of: Callable[..., Any] = np.mean) -> list[float]:
        return [of(change[names == name]) for name in np.unique(names)]

    mistakes: list[Hint] = [
        (
            lambda y, a, b: (b - a).mean(),
            "there every query counts the same: first a mean within each class.",
        ),
        (lambda y, a, b: np.mean(each(y, b - a, np.sum)), "within a class, a mean and not a sum."),
        (lambda y, a, b: np.mean(each(y, a - b)), "the sign: second minus first."),
    ]
    match(
        student,
        lambda y, a, b: np.mean(each(y, b - a)),
        cases,
        mistakes,
        "the mean of each class's own mean change, second minus first.",
    )
