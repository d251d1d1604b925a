"""Exercise checks. A notebook calls one on the student's answer; the tests call it on ours.

Each compares with a reference on small inputs and names the idea that is missing. What is not attempted yet
(``...`` gives None) only prints, so that an untouched notebook runs to its end.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .data.names import normalise

if TYPE_CHECKING:
    from torch import Tensor

    from .data.sheets import Sheet
    from .retrieval.published import Published

Hint = tuple[Callable[..., Any], str]  # a usual mistake, computed, and what it lacks


def _judge(right: bool, said: str, hint: str) -> None:
    _judge_quietly(right, said, hint)
    print("✓ right")


def _judge_quietly(right: bool, said: str, hint: str) -> None:
    if not right:
        raise AssertionError(f"{said} Hint: {hint}")


def _untouched(answer: Any) -> bool:
    if answer is None:
        print("○ not attempted yet (if you did: is there a `return`?)")
    return answer is None


def _hint(given: Sequence[Any], cases: Sequence[Any], mistakes: Sequence[Hint], otherwise: str) -> str:
    """The hint of the first mistake that gives what was given, in every case."""
    for mistake, hint in mistakes:
        if all(np.allclose(got, mistake(*case), atol=1e-4) for got, case in zip(given, cases, strict=True)):
            return hint
    return otherwise


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
    if _untouched(None if all(answers.get(letter) is None for letter in ZERO_SHOT) else answers):
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
    _match(
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
    from .data.doodleworld import World
    from .data.sheets import tiles

    turned = {letter: World(**{knob: end}) for letter, (knob, end) in KNOB_PUZZLE.items()}
    worlds = {"before": World(), **turned}
    cells = [(w.photo(label, individual, 96), w.sketch(label, individual, size=96)) for w in worlds.values()]
    return tiles(cells, list(worlds), columns=5, title="Which knob was turned?")


def check_knobs(answers: Mapping[str, str]) -> None:
    """Which knob was turned in each picture of :func:`knob_puzzle`: ``{"A": "gap", ...}``."""
    if _untouched(None if not any(answers.values()) else answers):
        return
    for letter, (knob, _) in KNOB_PUZZLE.items():
        if answers.get(letter) != knob:
            raise AssertionError(f"{letter} is not {answers.get(letter)!r}. Hint: {KNOB_HINTS[knob]}")
    print("✓ right")


def check_nearest(student: Callable[..., Any]) -> None:
    """``student(sketches, photos)``: for each sketch the number of the photo with the nearest pixels."""
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (7, 8, 8), dtype=np.uint8)
    sketches = np.clip(photos[[4, 1, 6, 2]] + rng.normal(0, 40, (4, 8, 8)), 0, 255).astype(np.uint8)
    if _untouched(got := student(sketches, np.repeat(photos[..., None], 3, axis=3))):
        return
    wrapped, true = (((sketches[:, None] - p) ** 2).sum((2, 3)) for p in (photos, photos.astype(float)))
    hint = "square the differences of the pixels, sum them for each pair, and take the smallest sum."
    if np.shape(got) != (4,):
        hint = "want one number for each sketch: compare every sketch with every photo, argmin over photos."
    elif np.array_equal(got, wrapped.argmin(1)):
        hint = "uint8 wraps around: 3 - 5 is 254 there. Make the pixels float first."
    elif np.array_equal(got, true.argmax(1)):
        hint = "that is the farthest photo: the nearest has the smallest distance."
    _judge(np.array_equal(got, [4, 1, 6, 2]), f"got {np.asarray(got).tolist()}, not the nearest.", hint)


def chance_map(relevant: int, gallery: int) -> float:
    r"""Mean of AP@all over all orders of ``gallery`` photos, ``relevant`` of them right.

    .. math:: \beta + (1 - \beta) \frac{H_G}{G}, \quad \beta = \frac{R-1}{G-1}, \quad H_G = \sum_{i=1}^G 1/i

    A relevant photo stands at each place ``i`` alike; there it counts itself and, of the ``i - 1`` above it,
    a share ``beta`` on average.

    >>> chance_map(1, 2)
    0.75
    """
    share = (relevant - 1) / (gallery - 1)
    return float(share + (1 - share) * (1 / np.arange(1, gallery + 1)).sum() / gallery)


def check_chance(student: Callable[..., Any]) -> None:
    """``student(relevant, gallery)``: mAP@all of a ranking at random, to two per cent."""
    cases = [(1, 4), (3, 10), (20, 320), (100, 1600)]
    if _untouched(student(*cases[0])):
        return
    given, want = [student(*case) for case in cases], [chance_map(*case) for case in cases]
    mistakes: list[Hint] = [
        (lambda r, g: r / g, "that is the precision at a random place. AP looks only at places which hold a "
         "relevant photo, and there that photo itself counts."),
        (lambda r, g: chance_map(1, g), "the other R - 1 relevant photos may stand above it, too."),
    ]  # fmt: skip
    hint = _hint(given, cases, mistakes, "average (1 + hits expected above) / place, over all places.")
    wrong = next((i for i in range(4) if not np.isclose(given[i], want[i], rtol=0.02)), 0)
    said = f"{cases[wrong][0]} relevant of {cases[wrong][1]}: got {given[wrong]:.4f}, want {want[wrong]:.4f}."
    _judge(np.allclose(given, want, rtol=0.02), said, hint)


# 02 · splits and leaks


def check_same_classes(student: Callable[..., Any]) -> None:
    """``student(a, b)``: the classes in both lists, as a set in :func:`sbirkit.data.normalise` spelling."""
    a = ["Hot-air balloon", "T-shirt", "computer mouse", "tiger", "hat"]
    b = ["hot_air_balloon", "t shirt", "mouse (animal)", "Tiger", "tiger shark", "hat"]
    if _untouched(got := student(a, b)):
        return
    want, got = {"hot_air_balloon", "t_shirt", "tiger", "hat"}, set(got)
    hint = "spelling differs from list to list: normalise every name of both before you compare."
    if {normalise(name) for name in got} > want:
        hint = "part of a name is not the name: a computer mouse is no animal. Compare whole names."
    elif {normalise(name) for name in got} == want:
        hint = "these are the classes; give them in normalised spelling."
    _judge(got == want, f"got {sorted(got)}.", hint)


def check_copies(student: Callable[..., Any]) -> None:
    """``student(train, test)``: pairs ``(i, j)`` with ``train[i]`` equal to ``test[j]``, pixel by pixel."""
    train = np.random.default_rng(0).integers(1, 255, (4, 6, 6), dtype=np.uint8)
    test = np.stack([train[2], train[1][::-1], train[0] + 1, train[2], 255 - train[3]])
    if _untouched(got := student(train, test)):
        return
    found = {(int(i), int(j)) for i, j in got}
    hint = "a picture may be there more than once: keep every place, not the last one."
    if found - {(2, 0), (2, 3)}:
        hint = "different pictures can share a mean, a sum, a histogram: compare all pixels in place."
    elif not found:
        hint = "picture.tobytes() says everything about a picture; equal bytes, equal picture."
    _judge(found == {(2, 0), (2, 3)}, f"got {sorted(found)}.", hint)


def check_roles(student: Callable[..., Any]) -> None:
    """``student(classes, unseen, n, seed)``: the seen classes as ``(train, selection)``, n in selection."""
    classes, unseen = [f"c{i:02d}" for i in range(20)], ["c03", "c11", "c17"]
    if _untouched(student(classes, unseen, 4, 0)):
        return
    drawn = [[set(part) for part in student(classes, unseen, 4, seed)] for seed in range(6)]
    train, selection = drawn[0]
    again = [set(part) for part in student(classes[::-1], unseen, 4, 0)]
    faults = [
        (any((a | b) & set(unseen) for a, b in drawn), "an unseen class is in use",
         "take the unseen classes out before you draw: what is chosen on them is chosen on the test"),
        (any(a & b for a, b in drawn), "a class has two roles", "what selection holds out leaves training"),
        (any(len(a) != 13 or len(b) != 4 for a, b in drawn), "a seen class is lost, or selection has not n",
         "every seen class is in one of the two parts; n of them in selection"),
        (again != [train, selection], "the order of the list matters",
         "sort the names first: a directory listing comes in another order on another machine"),
        (all(b == selection for _, b in drawn), "the seed changes nothing",
         "draw with a generator made from the seed, such as np.random.default_rng(seed)"),
    ]  # fmt: skip
    fault, hint = next((pair for found, *pair in faults if found), ["", ""])
    _judge(not fault, f"{fault}.", f"{hint}.")


# 03 · protocol lab


def check_strict_ap(student: Callable[..., Any]) -> None:
    """``student(rel, k)``: strict AP@k of one ranking; ``rel`` is the relevance of the whole gallery."""
    rankings = ("1011000100", "0110000001", "1111111000", "0000000011")
    cases = [(np.array([c == "1" for c in text]), k) for text in rankings for k in (4, 6)]
    if _untouched(student(*cases[0])):
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
    hint = _hint(given, cases, mistakes, "sum the precision at the hits in the top k; divide by min(k, R).")
    wrong = int(np.abs(np.subtract(given, want)).argmax())
    said = f"{rankings[wrong // 2]} at k={cases[wrong][1]}: got {given[wrong]:.4f}, want {want[wrong]:.4f}."
    _judge(np.allclose(given, want, atol=1e-6), said, hint)


def lenient_rows() -> "set[Published]":
    """Printed mAP@200 above the P@200 of the same key, which no strict formula gives where R >= 200."""
    from .retrieval import published_numbers

    precision = {row.key[:-1]: row.value for row in published_numbers(metric="P@200")}
    return {r for r in published_numbers(metric="mAP@200") if r.value > precision.get(r.key[:-1], np.inf)}


def check_lenient_rows(student: Callable[..., Any]) -> None:
    """``student(rows)``: those rows of :func:`published_numbers` that print an mAP@200 above its P@200."""
    from .retrieval import published_numbers

    if _untouched(got := student(published_numbers())):
        return
    got, want = set(got), lenient_rows()
    hint = "the proof is an mAP@200 above the P@200 of the same method, in the same table column."
    if any(row.metric != "mAP@200" for row in got):
        hint = "give the rows of mAP@200; their P@200 is only the witness."
    elif got > want:
        hint = "compare like with like: same method, dim, setting, dataset and classes (see row.key)."
    elif got and got < want:
        hint = "generalised and binary settings, and every data set, are in the table as well."
    _judge(got == want, f"got {len(got)} rows, {len(got & want)} of them right, of {len(want)}.", hint)


def check_class_interval(student: Callable[..., Any]) -> None:
    """``student(values, classes, n, seed)``: 95 % bootstrap interval of the mean over classes."""
    rng, classes = np.random.default_rng(0), np.repeat(np.arange(6), [200, 40, 40, 40, 40, 200])
    values = np.array([0.1, 0.3, 0.5, 0.55, 0.6, 0.2])[classes] + rng.normal(0, 0.02, len(classes))
    if _untouched(got := student(values, classes, 2000, 0)):
        return
    from .retrieval.result import bootstrap

    means = np.array([values[classes == c].mean() for c in range(6)])
    want, narrow = bootstrap(means, n=2000), bootstrap(values, n=2000)
    hint = "draw as many class means as there are classes, with replacement; average; repeat; 2.5 and 97.5 %."
    if np.allclose(got, narrow, atol=0.01):
        hint = "you drew queries, but ask about other classes: average each class, then draw classes."
    elif np.ptp(got) < 0.5 * np.ptp(want):
        hint = "it is too narrow: is each draw made of whole classes, with replacement?"
    said = f"got {got[0]:.3f} to {got[1]:.3f}, want about {want[0]:.3f} to {want[1]:.3f}."
    _judge(np.allclose(got, want, atol=0.02), said, hint)


# 04 to 08 · baselines and the four methods


def _match(
    student: Callable[..., Any],
    right: Callable[..., Any],
    cases: Sequence[Any],
    mistakes: Sequence[Hint],
    otherwise: str,
) -> None:
    """The student's answer against ours in every case; the hint is that of the mistake that was made."""
    if _untouched(student(*cases[0])):
        return
    given = [np.asarray(student(*case), dtype=float) for case in cases]
    want = [np.asarray(right(*case), dtype=float) for case in cases]
    if given[0].shape != want[0].shape:
        said = f"got the shape {given[0].shape}, want {want[0].shape}."
        _judge(False, said, otherwise)
    off = [float(np.abs(a - b).max()) for a, b in zip(given, want, strict=True)]
    worst = int(np.argmax(off))
    said = f"it is off by {off[worst]:.4f} in case {worst + 1} of {len(cases)}."
    _judge(max(off) < 1e-4, said, _hint(given, cases, mistakes, otherwise))


def _draws(n: int, *shapes: tuple[int, ...]) -> list[list["Tensor"]]:
    """``n`` cases of random tensors with these shapes."""
    import torch

    made = torch.Generator().manual_seed(0)
    return [[torch.randn(shape, generator=made) for shape in shapes] for _ in range(n)]


def check_triplet(student: Callable[..., Any]) -> None:
    """``student(d, same, margin)``: mean hinge over active triplets; ``d`` and ``same`` are ``(S, P)``."""
    import torch

    same = torch.tensor([[1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]]) > 0
    cases = [(d.abs(), same, margin) for (d,), margin in zip(_draws(3, (3, 5)), (0.0, 0.2, 1.0), strict=True)]

    def hinges(d: "Tensor", same: "Tensor", margin: float, sign: int = 1) -> "Tensor":
        h = margin + sign * (d[:, :, None] - d[:, None, :])
        return h[same[:, :, None] & ~same[:, None, :]]

    mistakes: list[Hint] = [
        (
            lambda *c: hinges(*c).relu().mean(),
            "you average over all triplets; satisfied ones are no work left "
            "to do, and dilute the rest. Divide by the number of positive hinges.",
        ),
        (
            lambda *c: hinges(*c).mean(),
            "a triplet that is right by more than the margin must not pay: [.]+ .",
        ),
        (
            lambda d, s, m: hinges(d, s, m, -1)[hinges(d, s, m, -1) > 0].mean(),
            "right and wrong photo are exchanged.",
        ),
    ]
    _match(
        student,
        lambda *c: hinges(*c)[hinges(*c) > 0].mean(),
        cases,
        mistakes,
        "margin + d(right) - d(wrong) for every sketch, right photo, wrong photo; mean of those above 0.",
    )


def check_leak_gain(student: Callable[..., Any]) -> None:
    """``student(clean, leaky)``: what leaking gave the leaked classes beyond the others.

    Both are ``{"leaked": [numbers of classes], "control": [numbers of classes]}``.
    """
    rng = np.random.default_rng(0)
    cases = [tuple({"leaked": rng.random(5), "control": rng.random(4)} for _ in range(2)) for _ in range(3)]

    def gain(clean: Any, leaky: Any, part: str) -> float:
        return float(np.mean(leaky[part]) - np.mean(clean[part]))

    mistakes: list[Hint] = [
        (
            lambda a, b: gain(a, b, "leaked"),
            "some of that rise also came to classes that nobody leaked: the "
            "second network may just be the better one. Subtract it.",
        ),
        (lambda a, b: gain(b, a, "leaked") - gain(b, a, "control"), "the sign: leaky minus clean."),
        (
            lambda a, b: np.mean(b["leaked"]) - np.mean(b["control"]),
            "leaked classes may be easier ones; compare "
            "each group with itself under the clean network first.",
        ),
    ]
    _match(
        student,
        lambda a, b: gain(a, b, "leaked") - gain(a, b, "control"),
        cases,
        mistakes,
        "take the mean of each group, its rise from clean to leaky, then the difference of the rises.",
    )


def check_quadruplet(student: Callable[..., Any]) -> None:
    """``student(d_pos, d_own, d_other, margin, balance)``: RAMLN's joint hinge, of one anchor."""
    cases = [(0.9, 0.5, 1.4, 0.3, 0.5), (1.0, 0.8, 0.2, 0.1, 0.25), (0.2, 1.5, 1.2, 0.4, 0.7)]

    def bracket(p: float, own: float, other: float, m: float, share: float) -> float:
        return p - (1 - share) * own - share * other + m

    mistakes: list[Hint] = [
        (bracket, "nothing keeps it from going below zero: descent would push negatives away for ever."),
        (
            lambda p, a, b, m, s: max(0.0, bracket(p, b, a, m, s)),
            "balance weighs the other modality's negative, 1 - balance the one of the anchor's own.",
        ),
        (
            lambda p, a, b, m, s: (1 - s) * max(0.0, p - a + m) + s * max(0.0, p - b + m),
            "that is the split form, a hinge for each negative. The joint one mixes first, then cuts.",
        ),
    ]
    _match(
        student,
        lambda *c: max(0.0, bracket(*c)),
        cases,
        mistakes,
        "mix the two negative distances by balance, subtract from d_pos, add the margin, cut at zero.",
    )


def check_bounded(student: Callable[..., Any]) -> None:
    """``student(raw, low, high)``: any number to a margin in the range, with a slope everywhere."""
    import torch

    raw = torch.linspace(-4, 4, 9)
    cases = [(raw, 0.1, 0.5), (raw, 0.0, 1.0)]
    mistakes: list[Hint] = [
        (
            lambda x, a, b: x.clamp(a, b),
            "outside the range its slope is zero: a margin that hits the edge never comes back.",
        ),
        (lambda x, a, b: b * x.sigmoid(), "at the lower end it falls below low."),
        (lambda x, a, b: a + b * x.sigmoid(), "it reaches low + high; the width of the range is high - low."),
    ]
    _match(
        student,
        lambda x, a, b: a + (b - a) * x.sigmoid(),
        cases,
        mistakes,
        "squash to 0 ... 1 with a sigmoid, stretch to the width of the range, shift to low.",
    )


def check_contrastive(student: Callable[..., Any]) -> None:
    """``student(z, y, temperature)``: supervised contrast of unit rows ``z``; each class has two or more."""
    import torch
    from torch.nn import functional as F

    from .losses import supervised_contrastive

    y = torch.tensor([0, 0, 1, 1, 1])
    cases = [(F.normalize(z, dim=1), y, t) for (z,), t in zip(_draws(2, (5, 3)), (0.5, 1.0), strict=True)]

    def form(z: "Tensor", y: "Tensor", t: float, *, kind: str) -> "Tensor":
        f, me = z @ z.T / t, torch.eye(len(z), dtype=torch.bool)
        same = (y[:, None] == y) & ~me
        share = f.softmax(1) if kind == "itself" else f.masked_fill(me, -1e9).softmax(1)
        if kind == "inside":
            return -((share * same).sum(1) / same.sum(1)).log().mean()
        logs = share.clamp(min=1e-30).log()
        return -(logs[same].mean() if kind == "pooled" else ((logs * same).sum(1) / same.sum(1)).mean())

    mistakes: list[Hint] = [
        (
            lambda *c: form(*c, kind="itself"),
            "an item is compared with itself in the denominator; leave it out.",
        ),
        (lambda *c: form(*c, kind="inside"), "the mean over positives stands outside the log."),
        (lambda *c: form(*c, kind="pooled"), "average each anchor's positives first, then the anchors."),
    ]
    _match(
        student,
        lambda z, y, t: supervised_contrastive(z, y, temperature=t),
        cases,
        mistakes,
        "log-softmax over all *other* items, mean over the positives of each anchor, mean of anchors.",
    )


def check_bank(student: Callable[..., Any]) -> None:
    """``student(bank, c, slot, new)``: the bank ``(C, K, D)`` with one slot of class ``c`` replaced."""
    cases = [
        (bank, c, slot, new)
        for (bank, new), c, slot in zip(_draws(2, (4, 3, 2), (2,)), (3, 1), (1, 2), strict=True)
    ]

    def put(bank: "Tensor", where: Any, new: "Tensor") -> "Tensor":
        bank = bank.clone()
        bank[where] = new
        return bank

    mistakes: list[Hint] = [
        (
            lambda b, c, s, n: put(b, s, n),
            "bank[slot] is *class* number slot, all of it: the released fault.",
        ),
        (lambda b, c, s, n: put(b, c, n), "all slots of the class were overwritten, not the one."),
        (lambda b, c, s, n: b, "nothing was written; or into a copy that you did not return."),
    ]
    _match(
        lambda b, *rest: student(b.clone(), *rest),
        lambda b, c, s, n: put(b, (c, s), n),
        cases,
        mistakes,
        "the bank has three axes: class, slot, feature.",
    )


def check_converted(student: Callable[..., Any]) -> None:
    """``student(z, table, source, target)``: rows ``z`` with one modality taken off and another put on."""
    from torch.nn import functional as F

    from .losses import converted

    cases = [
        (3 * z, 0.4 * table, s, t)
        for (z, table), (s, t) in zip(_draws(2, (3, 4), (4, 4)), ((1, 0), (2, 3)), strict=True)
    ]
    mistakes: list[Hint] = [
        (
            lambda z, m, s, t: F.normalize(z - m[s] + m[t], dim=1),
            "z must have length one before a vector that was learned for unit rows is taken from it.",
        ),
        (lambda z, m, s, t: F.normalize(z, dim=1) - m[s] + m[t], "normalise the result: cosines expect it."),
        (lambda z, m, s, t: converted(z, m, source=t, target=s), "source and target are exchanged."),
    ]
    _match(
        student,
        lambda z, m, s, t: converted(z, m, source=s, target=t),
        cases,
        mistakes,
        "normalise, subtract table[source], add table[target], normalise.",
    )


def check_targets(student: Callable[..., Any]) -> None:
    """``student(y)``: ``(B, B)`` label-aware targets, each row a distribution over the right captions."""
    import torch

    cases = [(torch.tensor([4, 7, 4, 4, 1]),), (torch.tensor([2, 2]),)]
    mistakes: list[Hint] = [
        (lambda y: torch.eye(len(y)), "that is the diagonal: captions of one class are pushed apart."),
        (lambda y: y[:, None] == y, "a row must sum to one: share it among the right captions."),
    ]

    def right(y: "Tensor") -> "Tensor":
        same = (y[:, None] == y).float()
        return same / same.sum(1, keepdim=True)

    _match(student, right, cases, mistakes, "compare every label with every label; divide by the row's sum.")


def check_symmetric_kl(student: Callable[..., Any]) -> None:
    """``student(m, s, n, t)``: half the sum of both divergences between N(m, s^2) and N(n, t^2), ``(D,)``."""
    cases = [(m, s.exp(), n, t.exp()) for m, s, n, t in _draws(3, *[(4,)] * 4)]

    def kl(m: "Tensor", s: "Tensor", n: "Tensor", t: "Tensor") -> "Tensor":
        return ((t / s).log() + (s**2 + (m - n) ** 2) / (2 * t**2) - 0.5).sum()

    mistakes: list[Hint] = [
        (kl, "that is one direction; add the other one, and halve."),
        (lambda m, s, n, t: kl(n, t, m, s), "that is one direction; add the other one, and halve."),
        (lambda m, s, n, t: kl(m, s, n, t) + kl(n, t, m, s), "halve the sum of the two."),
        (
            lambda m, s, n, t: (m - n).square().sum() / 2,
            "that holds where both deviations are 1; here they are not.",
        ),
    ]
    _match(
        student,
        lambda m, s, n, t: (kl(m, s, n, t) + kl(n, t, m, s)) / 2,
        cases,
        mistakes,
        "log(t/s) + (s^2 + (m - n)^2) / (2 t^2) - 1/2, summed over dimensions; then both ways, halved.",
    )


def check_spread(student: Callable[..., Any]) -> None:
    """``student(graph)``: the matrix that a graph convolution multiplies by, after Kipf and Welling."""
    import torch

    cases = [((a + a.T).abs().fill_diagonal_(0),) for (a,) in _draws(2, (4, 4))]
    cases.append((torch.zeros(3, 3),))

    def spread(a: "Tensor", *, loops: bool = True) -> "Tensor":
        a = a + loops * torch.eye(len(a))
        scale = a.sum(1).clamp(min=1e-9).rsqrt()
        return scale[:, None] * a * scale

    mistakes: list[Hint] = [
        (lambda a: spread(a, loops=False), "a class must keep its own vector, too: add the identity first."),
        (
            lambda a: (a + torch.eye(len(a))) / (a + torch.eye(len(a))).sum(1, keepdim=True),
            "that divides rows only; the symmetric form has one over the root of the degree on both sides.",
        ),
    ]
    _match(student, spread, cases, mistakes, "A + I, its row sums D, then D^-1/2 (A + I) D^-1/2.")


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
    if any(map(_untouched, given[:1])):
        return
    wanted = [((a - b).mean(), half(a - b, t)) for a, b, t in cases]
    right = all(
        np.shape(g) == (2,) and np.allclose(g, w, atol=1e-6) for g, w in zip(given, wanted, strict=True)
    )
    otherwise = (
        "return two numbers: the mean of the differences, and t times their deviation over the root of n."
    )
    hint = otherwise if any(np.shape(g) != (2,) for g in given) else _hint(given, cases, mistakes, otherwise)
    _judge(right, "not the mean and half-interval of the differences.", hint)


# 14 · real data


def check_shown(student: Callable[..., Any]) -> None:
    """``student(file, photos)``: the photo, of these stems, whose object a sketch shows; "" if none."""
    photos = {"n02691156_10151", "hot-air-3", "tom", "8"}
    want = {"n02691156_10151-3.png": "n02691156_10151", "n02691156_10151-12.png": "n02691156_10151",
            "hot-air-3-1.png": "hot-air-3", "tom.png": "tom", "7.png": "", "n1-2.png": ""}  # fmt: skip
    if _untouched(student("n02691156_10151-3.png", photos)):
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
    _judge(not wrong, f"{file}: got {wrong.get(file)!r}, want {want.get(file)!r}.", hint)


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
    _match(
        student, size, cases, mistakes, "(sketches + 3 photos) times side squared, over all sizes; / 2**20."
    )


def check_recognised(student: Callable[..., Any]) -> None:
    """``student(lines, n)``: numbers of the lines that hold the first n recognised drawings."""
    good, bad = '{"recognized": true, "drawing": []}', '{"recognized": false, "drawing": []}'
    lines = [bad, good, bad, good, "{broken", good, good, good[:20]]
    if _untouched(student(lines, 3)):
        return
    got = [list(student(lines, n)) for n in (1, 3, 9)]
    hint = "read line by line, keep the recognised ones, stop at n."
    if got[0] == [0]:
        hint = "the game did not recognise that one: it may show anything."
    elif len(got[1]) < 3:
        hint = "n recognised drawings are wanted, not those among the first n lines."
    elif len(got[1]) > 3:
        hint = "stop at n."
    _judge(got == [[1], [1, 3, 5], [1, 3, 5, 6]], f"for n = 1, 3, 9 got {got}.", hint)


# 15 · your own data


def check_usable(student: Callable[..., Any]) -> None:
    """``student(pictures)``: classes with a sketch and a photo; ``pictures`` are (class folder, modality)."""
    pictures = [("Hot-air balloon", "sketch"), ("hot_air_balloon", "photo"), ("cat", "sketch"),
                ("cat", "photo"), ("cat", "photo"), ("castle", "sketch"), ("castle", "sketch"),
                ("dog", "photo")]  # fmt: skip
    if _untouched(got := student(pictures)):
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
    _judge(got == both, f"got {sorted(got)}.", hint)


def check_centred(student: Callable[..., Any]) -> None:
    """``student(vectors)``: ``(C, W)`` less the mean over known classes; a row with a NaN is unknown."""
    x = np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, 6.0], [np.nan, 1.0]])
    if _untouched(got := student(x.copy())):
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
    _judge(
        got.shape == x.shape and np.allclose(got, want, equal_nan=True), f"got {got.round(2).tolist()}.", hint
    )


def check_lookup(student: Callable[..., Any]) -> None:
    """``student(classes, names, vectors)``: a row for each class; NaN for one that the table lacks."""
    names, vectors = ["Cat", "hot air balloon", "cat", "owl"], np.arange(8.0).reshape(4, 2)
    if _untouched(got := student(["owl", "dog", "hot_air_balloon", "cat"], names, vectors)):
        return
    got = np.asarray(got, dtype=float)
    want = np.array([[6, 7], [np.nan, np.nan], [2, 3], [0, 1]])
    hint = "one row for each class, in the order of classes."
    if got.shape == want.shape:
        if not np.isnan(got[1]).all():
            hint = "a class that the table lacks has no vector: NaN, never another class's row."
        elif np.isnan(got[2]).any():
            hint = "spelling: compare normalise(name) with normalise(name)."
        elif (got[3] == [4, 5]).all():
            hint = "of two rows for one name the first counts, so that no later line can replace it."
    _judge(got.shape == want.shape and np.allclose(got, want, equal_nan=True), f"got {got.tolist()}.", hint)


# 16 · your own method


def check_slope(student: Callable[..., Any]) -> None:
    """``student(f, x, h)``: the gradient of ``f`` at ``x`` by central differences; ``x`` is left alone."""
    cases = [(lambda v: float((v**3).sum()), np.array([1.0, -2.0]), 0.1),
             (lambda v: float(np.exp(v[0]) * v[1]), np.array([0.3, 2.0]), 0.05)]  # fmt: skip
    if _untouched(student(*cases[0])):
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
    if any((x != case[1]).any() for x, case in zip(given, cases, strict=True)):
        hint = "x has changed: put every entry back, or work on a copy."
    right = all(
        x.shape == np.shape(slope(*c)) and np.allclose(x, slope(*c)) for x, c in zip(got, cases, strict=True)
    )
    right = right and not hint.startswith("x has")
    fitting = all(x.shape == case[1].shape for x, case in zip(got, cases, strict=True))
    if fitting and not hint.startswith("x has"):
        hint = _hint(got, cases, mistakes, hint)
    _judge(right, "not the central difference.", hint)


def check_gain(student: Callable[..., Any]) -> None:
    """``student(mine, theirs)``: mean difference over seeds, and half its 95 % interval (Student's t)."""
    mine, theirs = np.array([0.40, 0.35, 0.46]), np.array([0.38, 0.34, 0.43])
    if _untouched(got := student(mine, theirs)):
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
    _judge(
        right, f"got {got.round(4).tolist()}.", hint or "(mean of gaps, t times their deviation / root n)."
    )


def check_meeting(student: Callable[..., Any]) -> None:
    """``student(sketch, photo, y_sketch, y_photo)``: notebook 16's term, zero where nothing is common."""
    import torch
    from torch.nn.functional import normalize

    ys, yp = torch.tensor([0, 0, 1, 2, 5]), torch.tensor([0, 1, 1, 2, 3])
    cases = [(s, p, ys, yp) for s, p in _draws(2, (5, 4), (5, 4))]
    if _untouched(student(*cases[0])):
        return

    def meet(s: "Tensor", p: "Tensor", ys: "Tensor", yp: "Tensor", *, unit: bool = True, n: int = 3) -> Any:
        s, p = (normalize(s, dim=1), normalize(p, dim=1)) if unit else (s, p)
        gaps = [(s[ys == c].mean(0) - p[yp == c].mean(0)).square().sum() for c in range(3)]
        return torch.stack(gaps).sum() / n

    apart = cases[0][0].clone().requires_grad_()
    alone = torch.as_tensor(student(apart, cases[0][1], ys, yp + 10))
    hint = "the mean of nothing is NaN; a sum over nothing is 0."
    value = alone.detach().item()
    _judge_quietly(value == 0, f"without a common class got {value}.", hint)
    hint = "add 0 times the embeddings: a bare 0 has no graph, and backward stops there."
    _judge_quietly(alone.requires_grad, "without a common class the loss has no graph.", hint)
    mistakes: list[Hint] = [
        (lambda *c: meet(*c, unit=False), "rows of length one first."),
        (lambda *c: meet(*c, n=5), "only classes that have both count, in the divisor as well."),
        (lambda *c: meet(*c, n=1), "the mean over classes, not the sum."),
    ]
    otherwise = "for each common class: mean sketch minus mean photo, squared, summed."
    _match(student, meet, cases, mistakes, otherwise)


# 17 · scaling up


def check_merge(student: Callable[..., Any]) -> None:
    """``student(parts, k)``: the k best of all; a part is ``(start, scores, ids)``, ids within its chunk."""
    parts = [(0, [0.9, 0.5, 0.1], [2, 0, 1]), (3, [0.8, 0.5], [1, 0]), (5, [0.95, 0.5], [0, 1])]
    if _untouched(got := student(parts, 5)):
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
    _judge(got == [5, 2, 4, 0, 3], f"got {got}, want [5, 2, 4, 0, 3].", hint)


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
    _match(
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
    _match(
        student,
        lambda m, n: (m * n).sum() / n.sum(),
        cases,
        mistakes,
        "sum of mean times count, / sum of counts.",
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
    if _untouched(None if not any(answers.values()) else answers):
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
    _match(
        student,
        lambda a, b: error(a - b),
        cases,
        mistakes,
        "the change of every query, its standard deviation with ddof=1, divided by the root of Q.",
    )


# 21 · the atlas


def _pictures(seed: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Vectors of unequal length, classes and kinds: on each the usual mistakes give something else."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(24, 3)) * rng.uniform(0.2, 5, (24, 1))
    return vectors, rng.integers(0, 3, 24), np.arange(24) % 3 == 0


def check_other_class(student: Callable[..., Any]) -> None:
    """``student(vectors, labels, is_sketch)``: for each row, is the nearest of the other modality of another
    class?"""
    from .explore.layout import across, unit

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
    _match(
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
    _match(
        student,
        lambda a, b, k: share(a, b, 1, k) / k,
        cases,
        mistakes,
        "argsort each row, leave the first (itself) out, take k; count what both sets hold; mean over k.",
    )


# 30 · The reproduction report


def check_verdict(student: Callable[..., Any]) -> None:
    """``student(fresh, stored, band)``: ``"agrees"`` within the band and at its edges, else ``"differs"``."""
    cases = [(0.50, 0.49, 0.02), (0.47, 0.50, 0.02), (0.53, 0.50, 0.02), (3, 3, 0), (5, 4, 1), (4, 5, 1)]

    def verdict(fresh: float, stored: float, band: float, *, edge: bool = True) -> str:
        gap = abs(fresh - stored)
        return "agrees" if gap < band or (edge and gap == band) else "differs"

    given = [student(*case) for case in cases]
    if _untouched(given[0]):
        return
    hint = "compare the size of the difference with the band."
    if given == [verdict(*case, edge=False) for case in cases]:
        hint = "a difference as large as the band still agrees; a band of 0 asks for the same number."
    elif given == ["agrees" if f - s <= b else "differs" for f, s, b in cases]:
        hint = "a fresh number far below differs, too: take the difference without its sign."
    _judge(given == [verdict(*case) for case in cases], f"For fresh, stored, band {cases}: {given}.", hint)


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
    _match(student, lambda v: two * np.std(v, ddof=1), cases, mistakes, right)


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
    _match(
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
    _match(
        student,
        lambda y, a, b: np.mean(each(y, b - a)),
        cases,
        mistakes,
        "the mean of each class's own mean change, second minus first.",
    )
