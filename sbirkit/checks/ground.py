"""Exercises of notebooks 00 to 03: the task, the world, splits, protocols."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..data.names import normalise
from ..retrieval import chance_map
from .judging import Hint, hint_for, judge, match, untouched

if TYPE_CHECKING:
    from ..data.sheets import Sheet
    from ..retrieval.published import Published

# 00 · start here

ZERO_SHOT = {  # penguins are called unseen: is it still zero-shot? -> answer, hint
    "A": (
        False,
        "the photos are of penguins: the network has met the class, sketch or no sketch.",
    ),
    "B": (
        False,
        "pre-training is training, too: penguins in those photos are penguins met. It is the commonest leak.",
    ),
    "C": (
        True,
        "owls and ducks are other classes, however alike. Learning from relatives is the whole idea.",
    ),
    "D": (
        False,
        "whoever stops at the best result on penguins has chosen by penguins; choose by classes set aside.",
    ),
    "E": (True, "a name or a description is no picture. It is allowed by custom, and must be said."),
}


def check_zero_shot(answers: Mapping[str, bool | None]) -> None:
    """Which of five recipes is zero-shot: ``{"A": False, ...}``; None is not answered yet."""
    if untouched(None if all(answers.get(letter) is None for letter in ZERO_SHOT) else answers):
        return
    for letter, (right, hint) in ZERO_SHOT.items():
        if answers.get(letter) is not right:
            raise AssertionError(f"{letter} is not {answers.get(letter)}. Hint: {hint}")
    print("✓ right")


def check_order(student: Callable[..., Any]) -> None:
    """``student(query, photos)``: the numbers of the photos, the one with the highest cosine first."""
    query, photos = (
        np.array([2.0, 0.0]),
        np.array([[1.0, 3.0], [5.0, 4.0], [0.3, 0.1], [-2.0, 0.1], [1.0, 1.0]]),
    )
    cases = [(query, photos), (query[::-1], photos[::-1])]

    def cosines(q: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(x @ q / (np.linalg.norm(x, axis=1) * np.linalg.norm(q)))

    mistakes: list[Hint] = [
        (lambda q, x: np.argsort(cosines(q, x)), "argsort begins with the smallest; nearest is the largest."),
        (lambda q, x: np.argsort(-(x @ q)), "a long vector is not a near one: divide by the lengths first."),
        (lambda q, x: -np.sort(-cosines(q, x)), "those are the cosines; want the photos' numbers."),
    ]  # fmt: skip
    match(
        student,
        lambda q, x: np.argsort(-cosines(q, x)),
        cases,
        mistakes,
        "cosine of the query with every photo, then the numbers of the photos from the largest down.",
    )


# 01 · Doodle World

KNOB_PUZZLE: dict[str, tuple[str, Any]] = {
    "A": ("clutter", 3.0), "B": ("abstraction", 1.0), "C": ("diversity", 0.0), "D": ("gap", 2.0)
}  # fmt: skip
KNOB_HINTS = {
    "clutter": "the object is the same in both photos, and so is the sketch; what else is in the picture?",
    "abstraction": "the photo is the same; what has the sketch lost?",
    "diversity": "the thing itself has another build, in both pictures; which knob makes individuals?",
    "gap": "it is one individual still, but the two pictures disagree more: light, stance, proportions.",
}


def knob_puzzle(*, label: str = "owl", individual: int = 7) -> "Sheet":
    """Four pictures of one object, photo and sketch, before and after one knob was turned to an end."""
    from ..data.doodleworld import World
    from ..data.sheets import tiles

    turned = {letter: World(**{knob: end}) for letter, (knob, end) in KNOB_PUZZLE.items()}
    worlds = {"before": World(), **turned}
    cells = [(w.photo(label, individual, 96), w.sketch(label, individual, size=96)) for w in worlds.values()]
    return tiles(cells, list(worlds), columns=5, title="Which knob was turned?")


def check_knobs(answers: Mapping[str, str]) -> None:
    """Which knob was turned in each picture of :func:`knob_puzzle`: ``{"A": "gap", ...}``."""
    if untouched(None if not any(answers.values()) else answers):
        return
    for letter, (knob, _) in KNOB_PUZZLE.items():
        if answers.get(letter) != knob:
            raise AssertionError(f"{letter} is not {answers.get(letter)!r}. Hint: {KNOB_HINTS[knob]}")
    print("✓ right")


def check_nearest(student: Callable[..., Any]) -> None:
    """``student(sketches, photos)``: for each sketch the number of the photo with the nearest pixels."""
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (8, 8, 8), dtype=np.uint8)
    sketches = np.clip(photos[[4, 1, 6, 2, 0]] + rng.normal(0, 40, (5, 8, 8)), 0, 255).astype(np.uint8)
    one = sketches[4]  # of photo 0 a row of pixels is far off, of photo 7 every pixel a little
    photos[0] = np.where(np.arange(64).reshape(8, 8) < 8, 255 - one, one)
    photos[7] = np.where(one < 128, one + 22, one - 22)
    dye = np.minimum(photos, 255 - photos) * (np.arange(8) > 0)[:, None, None]  # from blue to red: one grey
    coloured = np.stack([photos + dye, photos, photos - dye], axis=3).astype(np.uint8)
    if untouched(got := student(sketches, coloured)):
        return
    apart = sketches[:, None] - photos.astype(float)
    true = (apart**2).sum((2, 3))
    hint = "square the differences of the pixels, sum them for each pair, and take the smallest sum."
    if np.shape(got) != (5,):
        hint = "want one number for each sketch: compare every sketch with every photo, argmin over photos."
    elif np.array_equal(got, ((sketches[:, None] - photos) ** 2).sum((2, 3)).argmin(1)):
        hint = "uint8 wraps around: 3 - 5 is 254 there. Make the pixels float first."
    elif np.array_equal(got, true.argmax(1)):
        hint = "that is the farthest photo: the nearest has the smallest distance."
    elif np.array_equal(got, np.abs(apart).sum((2, 3)).argmin(1)):
        hint = "squares, not plain differences, of the mean of all three channels."
    judge(np.array_equal(got, true.argmin(1)), f"got {np.asarray(got).tolist()}, not the nearest.", hint)


def check_chance(student: Callable[..., Any]) -> None:
    """``student(relevant, gallery)``: mAP@all of a ranking at random, to two per cent."""
    cases = [(1, 4), (3, 10), (20, 320), (100, 1600)]
    if untouched(student(*cases[0])):
        return
    given, want = [student(*case) for case in cases], [chance_map(*case) for case in cases]
    mistakes: list[Hint] = [
        (lambda r, g: r / g, "that is the precision at a random place. AP looks only at places which hold a "
         "relevant photo, and there that photo itself counts."),
        (lambda r, g: chance_map(1, g), "the other R - 1 relevant photos may stand above it, too."),
    ]  # fmt: skip
    hint = hint_for(given, cases, mistakes, "average (1 + hits expected above) / place, over all places.")
    wrong = next((i for i in range(4) if not np.isclose(given[i], want[i], rtol=0.02)), 0)
    said = f"{cases[wrong][0]} relevant of {cases[wrong][1]}: got {given[wrong]:.4f}, want {want[wrong]:.4f}."
    judge(np.allclose(given, want, rtol=0.02), said, hint)


# 02 · splits and leaks


def check_same_classes(student: Callable[..., Any]) -> None:
    """``student(a, b)``: the classes in both lists, as a set in :func:`sbirkit.data.normalise` spelling."""
    a = ["Hot-air balloon", "T-shirt", "computer mouse", "tiger", "hat"]
    b = ["hot_air_balloon", "t shirt", "mouse (animal)", "Tiger", "tiger shark", "hat"]
    if untouched(got := student(a, b)):
        return
    want, got = {"hot_air_balloon", "t_shirt", "tiger", "hat"}, set(got)
    hint = "spelling differs from list to list: normalise every name of both before you compare."
    if {normalise(name) for name in got} > want:
        hint = "part of a name is not the name: a computer mouse is no animal. Compare whole names."
    elif {normalise(name) for name in got} == want:
        hint = "these are the classes; give them in normalised spelling."
    judge(got == want, f"got {sorted(got)}.", hint)


def check_copies(student: Callable[..., Any]) -> None:
    """``student(train, test)``: pairs ``(i, j)`` with ``train[i]`` equal to ``test[j]``, pixel by pixel."""
    train = np.random.default_rng(0).integers(1, 255, (4, 6, 6), dtype=np.uint8)
    test = np.stack([train[2], train[1][::-1], train[0] + 1, train[2], 255 - train[3]])
    train, right = np.concatenate([train, train[2:3]]), {(2, 0), (2, 3), (4, 0), (4, 3)}
    if untouched(got := student(train, test)):
        return
    found = {(int(i), int(j)) for i, j in got}
    hint = "a picture may be there more than once: keep every place, not the last one."
    if found - right:
        hint = "different pictures can share a mean, a sum, a histogram: compare all pixels in place."
    elif not found:
        hint = "picture.tobytes() says everything about a picture; equal bytes, equal picture."
    judge(found == right, f"got {sorted(found)}.", hint)


def check_roles(student: Callable[..., Any]) -> None:
    """``student(classes, unseen, n, seed)``: the seen classes as ``(train, selection)``, n in selection."""
    classes, unseen = [f"c{i:03d}" for i in range(200)], ["c003", "c011", "c017"]
    if untouched(student(classes, unseen, 4, 0)):
        return
    drawn = [[set(part) for part in student(classes, unseen, 4, seed)] for seed in range(6)]
    train, selection = drawn[0]
    orders = [classes[::-1], classes[100:] + classes[:100], classes[::2] + classes[1::2]]
    again = [[set(part) for part in student(order, unseen, 4, 0)] for order in orders]
    faults = [
        (any((a | b) & set(unseen) for a, b in drawn), "an unseen class is in use",
         "take the unseen classes out before you draw: what is chosen on them is chosen on the test"),
        (any(a & b for a, b in drawn), "a class has two roles", "what selection holds out leaves training"),
        (any(len(a) != 193 or len(b) != 4 for a, b in drawn), "a seen class is lost, or selection has not n",
         "every seen class is in one of the two parts; n of them in selection"),
        (any(one != [train, selection] for one in again), "the order of the list matters",
         "sort the names first: a directory listing comes in another order on another machine"),
        (all(b == selection for _, b in drawn), "the seed changes nothing",
         "draw with a generator made from the seed, such as np.random.default_rng(seed)"),
    ]  # fmt: skip
    fault, hint = next((pair for found, *pair in faults if found), ["", ""])
    judge(not fault, f"{fault}.", f"{hint}.")


# 03 · protocol lab


def check_strict_ap(student: Callable[..., Any]) -> None:
    """``student(rel, k)``: strict AP@k of one ranking; ``rel`` is the relevance of the whole gallery."""
    rankings = ("1011000100", "0110000001", "1111111000", "0000000011")
    cases = [(np.array([c == "1" for c in text]), k) for text in rankings for k in (4, 6)]
    if untouched(student(*cases[0])):
        return
    given = [float(student(*case)) for case in cases]

    def ap(rel: NDArray[np.bool_], k: int, divisor: float, *, everywhere: bool = False) -> float:
        precision = rel.cumsum() / np.arange(1, len(rel) + 1)
        return float((precision[:k] * (rel[:k] | everywhere)).sum() / divisor)

    mistakes: list[Hint] = [
        (lambda r, k: ap(r, k, max(r[:k].sum(), 1)), "you divide by the hits found, which forgives every "
         "photo the ranking missed: that is the lenient rule. How many hits were possible?"),
        (lambda r, k: ap(r, k, k), "with fewer than k relevant photos not even a perfect ranking reaches 1."),
        (lambda r, k: ap(r, k, r.sum()), "with more than k relevant photos none has room for them all."),
        (lambda r, k: ap(r, k, k, everywhere=True), "only the places that hold a relevant photo count."),
        (lambda r, k: r[:k].mean(), "that is P@k; AP adds up the precision at each hit."),
    ]  # fmt: skip
    want = [ap(rel, k, min(k, rel.sum())) for rel, k in cases]
    hint = hint_for(
        given, cases, mistakes, "sum the precision at the hits in the top k; divide by min(k, R)."
    )
    wrong = int(np.abs(np.subtract(given, want)).argmax())
    said = f"{rankings[wrong // 2]} at k={cases[wrong][1]}: got {given[wrong]:.4f}, want {want[wrong]:.4f}."
    judge(np.allclose(given, want, atol=1e-6), said, hint)


def lenient_rows() -> "set[Published]":
    """Printed mAP@200 above the P@200 of the same key, which no strict formula gives where R >= 200."""
    from ..retrieval import published_numbers

    precision = {row.key[:-1]: row.value for row in published_numbers(metric="P@200")}
    return {r for r in published_numbers(metric="mAP@200") if r.value > precision.get(r.key[:-1], np.inf)}


def check_lenient_rows(student: Callable[..., Any]) -> None:
    """``student(rows)``: those rows of :func:`published_numbers` that print an mAP@200 above its P@200."""
    from ..retrieval import published_numbers

    if untouched(got := student(published_numbers())):
        return
    got, want = set(got), lenient_rows()
    hint = "the proof is an mAP@200 above the P@200 of the same method, in the same table column."
    if any(row.metric != "mAP@200" for row in got):
        hint = "give the rows of mAP@200; their P@200 is only the witness."
    elif got > want:
        hint = "compare like with like: same method, dim, setting, dataset and classes (see row.key)."
    elif got and got < want:
        hint = "generalised and binary settings, and every data set, are in the table as well."
    judge(got == want, f"got {len(got)} rows, {len(got & want)} of them right, of {len(want)}.", hint)


def check_class_interval(student: Callable[..., Any]) -> None:
    """``student(values, classes, n, seed)``: 95 % bootstrap interval of the mean over classes."""
    rng, classes = np.random.default_rng(0), np.repeat(np.arange(6), [200, 40, 40, 40, 40, 200])
    values = np.array([0.1, 0.3, 0.5, 0.55, 0.6, 0.2])[classes] + rng.normal(0, 0.02, len(classes))
    if untouched(got := student(values, classes, 2000, 0)):
        return
    from ..retrieval.result import bootstrap

    means = np.array([values[classes == c].mean() for c in range(6)])
    want, narrow = bootstrap(means, n=2000), bootstrap(values, n=2000)
    hint = "draw as many class means as there are classes, with replacement; average; repeat; 2.5 and 97.5 %."
    if np.allclose(got, narrow, atol=0.01):
        hint = "you drew queries, but ask about other classes: average each class, then draw classes."
    elif np.ptp(got) < 0.5 * np.ptp(want):
        hint = "it is too narrow: is each draw made of whole classes, with replacement?"
    said = f"got {got[0]:.3f} to {got[1]:.3f}, want about {want[0]:.3f} to {want[1]:.3f}."
    judge(np.allclose(got, want, atol=0.02), said, hint)
