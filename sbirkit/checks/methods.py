"""Exercises of notebooks 04 to 08: the baselines and the four methods."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .judging import Hint, draws, judge, judge_quietly, match, untouched

if TYPE_CHECKING:
    from torch import Tensor

# 04 to 08 · baselines and the four methods


def check_triplet(student: Callable[..., Any]) -> None:
    """``student(d, same, margin)``: mean hinge over active triplets; ``d`` and ``same`` are ``(S, P)``."""
    import torch

    same = torch.tensor([[1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]]) > 0
    cases = [(d.abs(), same, margin) for (d,), margin in zip(draws(3, (3, 5)), (0.0, 0.2, 1.0), strict=True)]

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
    match(
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
    match(
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
    match(
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
    if untouched(student(raw, 0.1, 0.5)):
        return
    for low, high in ((0.1, 0.5), (0.0, 1.0)):
        x = raw.clone().requires_grad_()
        margin = torch.as_tensor(student(x, low, high))
        told = f"of {tuple(x.shape)} it makes {tuple(margin.shape)}."
        judge_quietly(margin.shape == x.shape, told, "one margin for each number.")
        told = f"for low = {low} and high = {high} it "
        hint = "squash to 0 ... 1, and shift to low."
        judge_quietly(bool((margin >= low).all()), f"{told}falls below low.", hint)
        hint = "the width of the range is high - low: stretch to that, not to high."
        judge_quietly(bool((margin <= high).all()), f"{told}passes high.", hint)
        slopes = torch.autograd.grad(margin.sum(), x)[0] if margin.requires_grad else torch.zeros_like(x)
        hint = "where the slope is zero, a margin that hits the edge never comes back."
        judge_quietly(bool((slopes > 0).all()), f"{told}does not rise with raw everywhere.", hint)
        reach = (margin[-1] - margin[0]).item() / (high - low)
        hint = "squash to 0 ... 1, stretch to the width of the range, shift to low: both ends are to be had."
        judge_quietly(reach > 0.5, f"{told}uses {reach:.0%} of the range for raw from -4 to 4.", hint)
    judge(True, "", "")


def check_contrastive(student: Callable[..., Any]) -> None:
    """``student(z, y, temperature)``: supervised contrast of unit rows ``z``; each class has two or more."""
    import torch
    from torch.nn import functional as F

    from ..losses import supervised_contrastive

    y = torch.tensor([0, 0, 1, 1, 1])
    cases = [(F.normalize(z, dim=1), y, t) for (z,), t in zip(draws(2, (5, 3)), (0.5, 1.0), strict=True)]

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
    match(
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
        for (bank, new), c, slot in zip(draws(2, (4, 3, 2), (2,)), (3, 1), (1, 2), strict=True)
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
    match(
        lambda b, *rest: student(b.clone(), *rest),
        lambda b, c, s, n: put(b, (c, s), n),
        cases,
        mistakes,
        "the bank has three axes: class, slot, feature.",
    )


def check_converted(student: Callable[..., Any]) -> None:
    """``student(z, table, source, target)``: rows ``z`` with one modality taken off and another put on."""
    from torch.nn import functional as F

    from ..losses import converted

    cases = [
        (3 * z, 0.4 * table, s, t)
        for (z, table), (s, t) in zip(draws(2, (3, 4), (4, 4)), ((1, 0), (2, 3)), strict=True)
    ]
    mistakes: list[Hint] = [
        (
            lambda z, m, s, t: F.normalize(z - m[s] + m[t], dim=1),
            "z must have length one before a vector that was learned for unit rows is taken from it.",
        ),
        (lambda z, m, s, t: F.normalize(z, dim=1) - m[s] + m[t], "normalise the result: cosines expect it."),
        (lambda z, m, s, t: converted(z, m, source=t, target=s), "source and target are exchanged."),
    ]
    match(
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

    match(student, right, cases, mistakes, "compare every label with every label; divide by the row's sum.")


def check_symmetric_kl(student: Callable[..., Any]) -> None:
    """``student(m, s, n, t)``: half the sum of both divergences between N(m, s^2) and N(n, t^2), ``(D,)``."""
    cases = [(m, s.exp(), n, t.exp()) for m, s, n, t in draws(3, *[(4,)] * 4)]

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
    match(
        student,
        lambda m, s, n, t: (kl(m, s, n, t) + kl(n, t, m, s)) / 2,
        cases,
        mistakes,
        "log(t/s) + (s^2 + (m - n)^2) / (2 t^2) - 1/2, summed over dimensions; then both ways, halved.",
    )


def check_spread(student: Callable[..., Any]) -> None:
    """``student(graph)``: the matrix that a graph convolution multiplies by, after Kipf and Welling."""
    import torch

    cases = [((a + a.T).abs().fill_diagonal_(0),) for (a,) in draws(2, (4, 4))]
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
    match(student, spread, cases, mistakes, "A + I, its row sums D, then D^-1/2 (A + I) D^-1/2.")
