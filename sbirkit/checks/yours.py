"""Exercises of notebooks 13 to 17: comparing, real data, your own data and method, scaling up."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..data.names import normalise
from .judging import Hint, draws, hint_for, judge, judge_quietly, match, untouched

if TYPE_CHECKING:
    from torch import Tensor

# 13 · Compare


def check_paired(student: Callable[..., Any]) -> None:
    """``student(a, b, t)``: the mean of ``a - b``, and half its interval; ``t`` is Student's factor."""
    rng = np.random.default_rng(0)
    cases = [(base + rng.normal(0.02, 0.004, n), base, t)
             for n, t in ((3, 4.303), (5, 2.776)) for base in [rng.normal(0.4, 0.1, n)]]  # fmt: skip

    def half(d: NDArray[np.float64], t: float, *, ddof: int = 1) -> float:
        return float(t * np.std(d, ddof=ddof) / np.sqrt(len(d)))

    mistakes: list[Hint] = [
        (
            lambda a, b, t: ((a - b).mean(), np.hypot(half(a, t), half(b, t))),
            "that treats the two as strangers. They share a seed: take the differences first.",
        ),
        (
            lambda a, b, t: ((a - b).mean(), half(a - b, t, ddof=0)),
            "the deviation divides by n - 1: ddof=1.",
        ),
        (
            lambda a, b, t: ((a - b).mean(), t * np.std(a - b, ddof=1)),
            "that is how far single differences scatter; their mean scatters less, by the root of n.",
        ),
        (lambda a, b, t: ((b - a).mean(), half(a - b, t)), "the sign: a minus b."),
    ]
    given = [student(*case) for case in cases]
    if any(map(untouched, given[:1])):
        return
    wanted = [((a - b).mean(), half(a - b, t)) for a, b, t in cases]
    right = all(
        np.shape(g) == (2,) and np.allclose(g, w, atol=1e-6) for g, w in zip(given, wanted, strict=True)
    )
    otherwise = (
        "return two numbers: the mean of the differences, and t times their deviation over the root of n."
    )
    hint = (
        otherwise if any(np.shape(g) != (2,) for g in given) else hint_for(given, cases, mistakes, otherwise)
    )
    judge(right, "not the mean and half-interval of the differences.", hint)


# 14 · real data


def check_shown(student: Callable[..., Any]) -> None:
    """``student(file, photos)``: the photo, of these stems, whose object a sketch shows; "" if none."""
    photos = {"n02691156_10151", "hot-air-3", "tom", "8"}
    want = {"n02691156_10151-3.png": "n02691156_10151", "n02691156_10151-12.png": "n02691156_10151",
            "hot-air-3-1.png": "hot-air-3", "tom.png": "tom", "7.png": "", "n1-2.png": ""}  # fmt: skip
    if untouched(student("n02691156_10151-3.png", photos)):
        return
    wrong = {file: got for file in want if (got := student(file, photos)) != want[file]}
    hints = {
        "n02691156_10151-12.png": "the number behind the dash may have two digits.",
        "hot-air-3-1.png": "a name may hold dashes of its own: cut at the last one.",
        "tom.png": "a sketch may carry its photo's very name.",
        "n1-2.png": 'a photo that is not there cannot be shown: "" then, however the name reads.',
    }
    file = next(iter(wrong), "")
    hint = hints.get(file, 'the stem up to its last dash, if such a photo is there; else "".')
    judge(not wrong, f"{file}: got {wrong.get(file)!r}, want {want.get(file)!r}.", hint)


def check_mebibytes(student: Callable[..., Any]) -> None:
    """``student(sketches, photos, sizes)``: MiB of pixels of a catalogue."""
    cases = [(1000, 500, (64,)), (75_481, 85_502, (64, 224))]

    def size(sketches: int, photos: int, sizes: Sequence[int], each: float = 1.0) -> float:
        return each * sum((sketches + 3 * photos) * s * s for s in sizes) / 2**20

    mistakes: list[Hint] = [
        (lambda a, b, s: size(3 * a, b, s), "a sketch is grey: one byte a pixel, not three."),
        (lambda a, b, s: size(a, b / 3, s), "a photo has three bytes a pixel: red, green, blue."),
        (lambda a, b, s: size(a, b, s, 4.0), "they are stored as uint8: one byte, not four of a float."),
        (lambda a, b, s: size(a, b, s[:1]), "every side in sizes is stored."),
        (lambda a, b, s: size(a, b, s, 2**20 / 1e6), "a MiB has 2**20 bytes."),
    ]
    match(
        student, size, cases, mistakes, "(sketches + 3 photos) times side squared, over all sizes; / 2**20."
    )


def check_recognised(student: Callable[..., Any]) -> None:
    """``student(lines, n)``: numbers of the lines that hold the first n recognised drawings."""
    good, bad = '{"recognized": true, "drawing": []}', '{"recognized": false, "drawing": []}'
    lines = [bad, good, bad, good, "{broken", good, good, good[:20]]
    if untouched(student(lines, 3)):
        return
    got = [list(student(lines, n)) for n in (1, 3, 9)]
    hint = "read line by line, keep the recognised ones, stop at n."
    if got[0] == [0]:
        hint = "the game did not recognise that one: it may show anything."
    elif len(got[1]) < 3:
        hint = "n recognised drawings are wanted, not those among the first n lines."
    elif len(got[1]) > 3:
        hint = "stop at n."
    judge(got == [[1], [1, 3, 5], [1, 3, 5, 6]], f"for n = 1, 3, 9 got {got}.", hint)


# 15 · your own data


def check_usable(student: Callable[..., Any]) -> None:
    """``student(pictures)``: classes with a sketch and a photo; ``pictures`` are (class folder, modality)."""
    pictures = [("Hot-air balloon", "sketch"), ("hot_air_balloon", "photo"), ("cat", "sketch"),
                ("cat", "photo"), ("cat", "photo"), ("castle", "sketch"), ("castle", "sketch"),
                ("dog", "photo")]  # fmt: skip
    if untouched(got := student(pictures)):
        return
    got, both = set(got), {"hot_air_balloon", "cat"}
    hint = "collect the modalities of every class; keep those that have two."
    if got >= {"castle"}:
        hint = "two sketches are no pair: a class needs a sketch and a photo."
    elif got >= {"dog"}:
        hint = "a class without a sketch can be neither searched for nor trained across."
    elif got == {"cat"}:
        hint = "two folders may spell one class in two ways: normalise(name) first."
    elif {normalise(name) for name in got} == both:
        hint = "give the classes in the spelling of normalise."
    judge(got == both, f"got {sorted(got)}.", hint)


def check_centred(student: Callable[..., Any]) -> None:
    """``student(vectors)``: ``(C, W)`` less the mean over known classes; a row with a NaN is unknown."""
    x = np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, 6.0], [np.nan, 1.0]])
    if untouched(got := student(x.copy())):
        return
    got, want = np.asarray(got, dtype=float), x - [2.0, 4.0]
    want[3] = np.nan
    hint = "mean over the rows that are known throughout; subtract it; unknown rows stay NaN."
    if got.shape == x.shape:
        if np.isnan(got).all():
            hint = "one NaN makes every mean NaN: take the mean of the known rows only."
        elif not np.isnan(got[1]).any():
            hint = "a row of zeros would be a class like any other, the average one. Let unknown stay NaN."
        elif not np.isnan(got[3]).all():
            hint = "half a vector is no vector: a row with one NaN is unknown, and counts in no mean."
    judge(
        got.shape == x.shape and np.allclose(got, want, equal_nan=True), f"got {got.round(2).tolist()}.", hint
    )


def check_lookup(student: Callable[..., Any]) -> None:
    """``student(classes, names, vectors)``: a row for each class; NaN for one that the table lacks."""
    names, vectors = ["Cat", "hot air balloon", "cat", "owl"], np.arange(8.0).reshape(4, 2)
    if untouched(got := student(["Owl", "dog", "hot-air balloon", "cat"], names, vectors)):
        return
    got = np.asarray(got, dtype=float)
    want = np.array([[6, 7], [np.nan, np.nan], [2, 3], [0, 1]])
    hint = "one row for each class, in the order of classes."
    if got.shape == want.shape:
        if not np.isnan(got[1]).all():
            hint = "a class that the table lacks has no vector: NaN, never another class's row."
        elif np.isnan(got[[0, 2]]).any():
            hint = "spelling: compare normalise(name) with normalise(name)."
        elif (got[3] == [4, 5]).all():
            hint = "of two rows for one name the first counts, so that no later line can replace it."
    judge(got.shape == want.shape and np.allclose(got, want, equal_nan=True), f"got {got.tolist()}.", hint)


# 16 · your own method


def check_slope(student: Callable[..., Any]) -> None:
    """``student(f, x, h)``: the gradient of ``f`` at ``x`` by central differences; ``x`` is left alone."""
    cases = [(lambda v: float((v**3).sum()), np.array([1.0, -2.0]), 0.1),
             (lambda v: float(np.exp(v[0]) * v[1]), np.array([0.3, 2.0]), 0.05)]  # fmt: skip
    if untouched(student(*cases[0])):
        return
    given = [x.copy() for _, x, _ in cases]
    got = [np.asarray(student(f, x, h), dtype=float) for (f, _, h), x in zip(cases, given, strict=True)]

    def slope(f: Callable[..., float], x: NDArray[np.float64], h: float, back: float = 1.0) -> Any:
        steps = np.eye(len(x)) * h
        return np.array([(f(x + s) - f(x - back * s)) / ((1 + back) * h) for s in steps])

    mistakes: list[Hint] = [
        (lambda f, x, h: slope(f, x, h, back=0.0), "that is a difference to one side, wrong in proportion "
         "to h. To both sides the error falls with h squared."),
        (lambda *c: 2 * slope(*c), "the two points are 2h apart."),
    ]  # fmt: skip
    hint = "for each entry: (f(x + h) - f(x - h)) / 2h, the others held."
    if any(not np.allclose(x, case[1], rtol=0, atol=1e-12) for x, case in zip(given, cases, strict=True)):
        hint = "x has changed: put every entry back, or work on a copy."
    right = all(
        x.shape == np.shape(slope(*c)) and np.allclose(x, slope(*c)) for x, c in zip(got, cases, strict=True)
    )
    right = right and not hint.startswith("x has")
    fitting = all(x.shape == case[1].shape for x, case in zip(got, cases, strict=True))
    if fitting and not hint.startswith("x has"):
        hint = hint_for(got, cases, mistakes, hint)
    judge(right, "not the central difference.", hint)


def check_gain(student: Callable[..., Any]) -> None:
    """``student(mine, theirs)``: mean difference over seeds, and half its 95 % interval (Student's t)."""
    mine, theirs = np.array([0.40, 0.35, 0.46]), np.array([0.38, 0.34, 0.43])
    if untouched(got := student(mine, theirs)):
        return
    gap = mine - theirs
    got = np.asarray(got, dtype=float)
    t, root = 4.303, 3**0.5
    want = np.array([gap.mean(), t * gap.std(ddof=1) / root])
    apart = t * float(np.sqrt(mine.var(ddof=1) + theirs.var(ddof=1))) / root
    hints: list[tuple[Any, str]] = [
        (want * [-1, 1], "mine minus theirs."),
        ([want[0], apart], "a seed is shared by both: take the differences first, then their spread."),
        ([want[0], 1.96 * gap.std(ddof=1) / root], "1.96 is for many seeds; with three it is t = 4.303."),
        ([want[0], t * gap.std() / root], "the deviation of a sample divides by n - 1: ddof=1."),
        ([want[0], t * gap.std(ddof=1)], "of a mean: divide by the root of n."),
    ]
    fits = got.shape == (2,)
    hint = next((said for value, said in hints if fits and np.allclose(got, value, atol=2e-4)), "")
    right = fits and np.allclose(got, want, atol=2e-4)
    judge(right, f"got {got.round(4).tolist()}.", hint or "(mean of gaps, t times their deviation / root n).")


def check_meeting(student: Callable[..., Any]) -> None:
    """``student(sketch, photo, y_sketch, y_photo)``: notebook 16's term, zero where nothing is common."""
    import torch
    from torch.nn.functional import normalize

    ys, yp = torch.tensor([0, 0, 1, 2, 5]), torch.tensor([0, 1, 1, 2, 3])
    cases = [(s, p, ys, yp) for s, p in draws(2, (5, 4), (5, 4))]
    if untouched(student(*cases[0])):
        return

    def meet(s: "Tensor", p: "Tensor", ys: "Tensor", yp: "Tensor", *, unit: bool = True, n: int = 3) -> Any:
        s, p = (normalize(s, dim=1), normalize(p, dim=1)) if unit else (s, p)
        gaps = [(s[ys == c].mean(0) - p[yp == c].mean(0)).square().sum() for c in range(3)]
        return torch.stack(gaps).sum() / n

    for common, named in (("without a", yp + 10), ("with a", yp)):
        apart = cases[0][0].clone().requires_grad_()
        loss = torch.as_tensor(student(apart, cases[0][1], ys, named))
        if common == "without a":
            hint = "the mean of nothing is NaN; a sum over nothing is 0."
            judge_quietly(loss.item() == 0, f"without a common class got {loss.item()}.", hint)
        hint = "add 0 times the embeddings: a bare 0 has no graph, and backward stops there."
        judge_quietly(loss.requires_grad, f"{common} common class the loss has no graph.", hint)
        slopes = torch.autograd.grad(loss, apart)[0]
        hint = "divide by one at least: a NaN that is masked afterwards still poisons the slope."
        judge_quietly(bool(slopes.isfinite().all()), f"{common} common class a slope is no number.", hint)
    mistakes: list[Hint] = [
        (lambda *c: meet(*c, unit=False), "rows of length one first."),
        (lambda *c: meet(*c, n=5), "only classes that have both count, in the divisor as well."),
        (lambda *c: meet(*c, n=1), "the mean over classes, not the sum."),
    ]
    otherwise = "for each common class: mean sketch minus mean photo, squared, summed."
    match(student, meet, cases, mistakes, otherwise)


# 17 · scaling up


def check_merge(student: Callable[..., Any]) -> None:
    """``student(parts, k)``: the k best of all; a part is ``(start, scores, ids)``, ids within its chunk."""
    parts = [(0, [0.9, 0.5, 0.1], [2, 0, 1]), (3, [0.8, 0.5], [1, 0]), (5, [0.95, 0.5], [0, 1])]
    if untouched(got := student(parts, 5)):
        return
    got = [int(i) for i in got]
    hint = "add each chunk's start to its ids, sort all by score, keep the k first."
    if got == [0, 2, 1, 0, 0]:
        hint = "these are places within chunks: add the chunk's start."
    elif got[:3] == [2, 0, 1]:
        hint = "that is one chunk after the other; the best of all may stand in the last."
    elif set(got) == {5, 2, 4, 0, 3}:
        hint = "among equals the earlier photo comes first, or the answer hangs on the chunks."
    elif got == [1, 3, 0, 6, 4]:
        hint = "a high score is near: the largest first."
    judge(got == [5, 2, 4, 0, 3], f"got {got}, want [5, 2, 4, 0, 3].", hint)


def check_hamming(student: Callable[..., Any]) -> None:
    """``student(a, b)``: ``(A, B)`` counts of differing bits of codes ``(A, W)`` and ``(B, W)``, uint64."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2**63, (7, 2), dtype=np.uint64)
    cases = [(codes[:3], codes[3:]), (codes[:2, :1], codes[:2, :1])]
    mistakes: list[Hint] = [
        (lambda a, b: (a[:, None] != b).sum(2), "that counts differing words of 64 bits; look into them."),
        (lambda a, b: np.bitwise_count(a[:, None] & b).sum(2), "& keeps what both have; ^ what differs."),
        (lambda a, b: 64 * a.shape[1] - np.bitwise_count(a[:, None] ^ b).sum(2), "these bits agree."),
        (lambda a, b: np.bitwise_count(a[:, None] ^ b)[..., 0], "a code may have several words: add them."),
    ]  # fmt: skip
    match(
        student,
        lambda a, b: np.bitwise_count(a[:, None] ^ b).sum(2),
        cases,
        mistakes,
        "XOR every pair, np.bitwise_count, sum over words.",
    )


def check_whole_mean(student: Callable[..., Any]) -> None:
    """``student(means, counts)``: the mean over all items, from each process's mean and count."""
    cases = [(np.array([0.2, 0.8]), np.array([3, 1])), (np.array([1.0, 2.0, 4.0]), np.array([5, 5, 2]))]
    mistakes: list[Hint] = [
        (lambda m, n: m.mean(), "one process has seen more than the other: weigh by the counts."),
        (lambda m, n: (m * n).sum(), "divide by how many there are in all."),
        (lambda m, n: (m * n).sum() / len(m), "divide by the number of items, not of processes."),
    ]  # fmt: skip
    match(
        student,
        lambda m, n: (m * n).sum() / n.sum(),
        cases,
        mistakes,
        "sum of mean times count, / sum of counts.",
    )
