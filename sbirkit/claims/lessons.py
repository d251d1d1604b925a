"""What the ablation notebooks show of the ledger: its claims, guesses, verdicts, and small experiments."""

import html
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sbirkit import paths
from sbirkit.data.names import suggest

if TYPE_CHECKING:
    from sbirkit.data.sheets import Sheet

    from .judging import Outcome
    from .reading import Curve
    from .records import Records

ANSWERS = ("holds", "does not hold", "undecided")


def records(profile: str = "laptop", *, world_seed: int = 0, folder: Path | None = None) -> "Records":
    """The records of the ledger's runs: those that came with the repository; of ``smoke``, your own.

    Without any, an empty one: every claim is then "not run".
    """
    from .page import records_folder
    from .records import Records

    shipped = None if profile == "smoke" else paths.results()
    return Records(records_folder(folder or (shipped or paths.home()) / "claims", profile, world_seed))


def outcomes(paper: str, found: "Records") -> list["Outcome"]:
    """What came of a paper's claims, corrected for *all* the claims of the ledger."""
    from .judging import judge
    from .reading import PAPERS, read_ledger

    if paper not in PAPERS:
        raise ValueError(f"paper: there is no {paper!r}{suggest(paper, list(PAPERS))}; "
                         f"there are {', '.join(PAPERS)}")  # fmt: skip
    return [one for one in judge(read_ledger(), found) if one.claim.paper == paper]


class Shown(str):
    """Text that a notebook shows as the HTML beside it."""

    markup: str

    def __new__(cls, text: str, markup: str) -> "Shown":
        self = super().__new__(cls, text)
        self.markup = markup
        return self

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return str(self)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> Shown:
    rows = [list(row) for row in rows]
    lines = ("".join(f"<td style='text-align:left'>{html.escape(c)}</td>" for c in row) for row in rows)
    cells = "".join(f"<tr>{line}</tr>" for line in lines)
    top = "".join(f"<th scope='col' style='text-align:left'>{html.escape(c)}</th>" for c in head)
    markup = f"<table><caption>{html.escape(caption)}</caption><tr>{top}</tr>{cells}</table>"
    return Shown("\n".join([caption, *(" | ".join(row) for row in [list(head), *rows])]), markup)


def sentences(found: Sequence["Outcome"]) -> Shown:
    """The sentences to be tested, as they were written down before any run; nothing of what came of them."""
    sign = {"up": "at least +", "down": "at least −", "same": "within ±"}
    rows = [
        [
            c.id,
            c.sentence,
            c.kind,
            c.source,
            " ".join(dict.fromkeys(c.quantity.removeprefix("zs ").split())),
            f"{sign[c.direction]}{c.least:g}",
        ]
        for c in (one.claim for one in found)
    ]
    head = ["claim", "sentence", "whose", "source", "quantity", "what would matter"]
    return table(head, rows, "Written down before any run")


def guessed(guesses: Mapping[str, str], found: Sequence["Outcome"]) -> Shown:
    """Guesses beside what came. ``found`` may be undecided or not run: then nobody was wrong.

    Args:
        guesses: claim id -> one of :data:`ANSWERS`, or "" for none.
    """
    by_id = {one.claim.id: one for one in found}
    rows = []
    for name, guess in guesses.items():
        if name not in by_id:
            raise ValueError(f"guesses: there is no claim {name!r}{suggest(name, list(by_id))}")
        if guess and guess not in ANSWERS:
            raise ValueError(f"guesses: for {name} want {', '.join(ANSWERS)} or '', got {guess!r}")
        verdict = by_id[name].verdict
        settled = verdict in ("holds", "does not hold")
        mark = (
            "no guess"
            if not guess
            else "open"
            if not settled
            else "as guessed"
            if guess == verdict
            else "a surprise"
        )
        rows.append([name, guess or "…", by_id[name].said, mark])
    return table(["claim", "your guess", "what came", ""], rows, "Guess and outcome")


def verdicts(found: Sequence["Outcome"]) -> None:
    """A line for each claim, which the report compares too: the verdict, and the effect with its interval."""
    from sbirkit.runs.figures import claim

    for one in found:
        t = one.test
        known = {
            k: v for k, v in (("effect", t.effect), ("low", t.low), ("high", t.high)) if math.isfinite(v)
        }
        claim(f"{one.claim.id} · {one.claim.sentence.rstrip('.')}", one.verdict, **known, n=t.n or None)


def why(found: Sequence["Outcome"]) -> Shown:
    """How each verdict came about: the differences by seed, and what the correction did to it."""
    rows = []
    for one in found:
        by_seed = ", ".join(f"{seed}: {d:+.3f}" for seed, d in sorted(one.differences.items()))
        arms = f"{one.better} against {one.than}" if one.better else ""
        after = "" if one.verdict == one.test.alone else f"alone: {one.test.alone}"
        q = "" if math.isnan(one.q) else f"{one.q:.3f}"
        rows.append([one.claim.id, one.verdict, by_seed, arms, q, after])
    head = ["claim", "verdict", "differences by seed", "arms", "p, corrected", "before the correction"]
    return table(head, rows, "Why")


def again(found: Sequence["Outcome"], elsewhere: "Records", where: str = "on a fresh world") -> Shown:
    """What came of the same claims elsewhere: by default on a world on which nothing was trained or tuned.

    *Turned* is a verdict that is the opposite there; *less* or *more* is said where one is undecided.
    """
    from .judging import judge
    from .page import effect
    from .reading import read_ledger

    there = {one.claim.id: one for one in judge(read_ledger(), elsewhere)}
    rows = [
        [
            one.claim.id,
            f"{one.verdict}, {effect(one)}",
            f"{other.verdict}, {effect(other)}",
            fared(one, other),
        ]
        for one in found
        if (other := there[one.claim.id]).test.n
    ]
    said = (
        f"Once more, {where}"
        if rows
        else f"Not put to the test {where} yet: make ledger ARGS='--world-seed 1' does on a fresh world, "
        "ARGS='--profile gpu' on a GPU"
    )
    return table(["claim", "here", where, ""], rows, said)


def fared(one: "Outcome", other: "Outcome") -> str:
    """A verdict beside that of the same claim elsewhere: the same, more, less or turned."""
    if one.verdict == other.verdict:
        return "the same"
    return "more" if one.verdict == "undecided" else "less" if other.verdict == "undecided" else "turned"


MARKS = {"holds": ("o", 0, "full"), "does not hold": ("X", 1, "full"), "undecided": ("o", 7, "none")}


def forest(found: Sequence["Outcome"], *, title: str = "") -> "Sheet":
    """Effects with their intervals, a row for each claim, a panel for each kind of quantity.

    The bar across a row is what would *not* matter; an arrow says which way the claim points. A dot holds, a
    cross does not hold, a ring is undecided; what was not run has none. A dagger is at a claim that was more
    than undecided before the correction for many claims.
    """
    from matplotlib.patches import Patch

    from sbirkit.data.sheets import GREY, Sheet, canvas
    from sbirkit.lessons import COLOURS

    panels: dict[str, list[Outcome]] = {}
    for one in found:
        source, _, key = one.claim.quantity.partition(" ")
        of = "" if source in ("zs", key) else f" ({source})"
        panels.setdefault(f"{key}{of}".replace("_", " "), []).append(one)
    if not panels:
        raise ValueError("found: want at least one outcome")
    sizes = [len(rows) + 1.2 for rows in panels.values()]
    figure = Sheet(figsize=(8.4, 0.3 * sum(sizes) + 0.8), facecolor="none", dpi=110, layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=sizes)[:, 0]
    for ax, (name, rows) in zip(axes, panels.items(), strict=True):
        canvas(0, 0, ax=ax)
        ax.use_sticky_edges = False  # so that a bar ends within the panel
        ax.tick_params(labelsize=8)
        ax.axvline(0, color=GREY, lw=1)
        for k, one in enumerate(rows):
            t, least = one.test, one.claim.least
            ax.barh(k, 2 * least, 0.8, left=-least, color=GREY, alpha=0.18, lw=0)
            if not t.n:
                ax.text(0, k, " not run", va="center", color=GREY, fontsize=8)
                continue
            mark, colour, fill = MARKS[one.verdict]
            if math.isfinite(t.low):
                ax.plot([t.low, t.high], [k, k], "|-", color=COLOURS[colour], lw=2, ms=7)
            ax.plot(t.effect, k, mark, color=COLOURS[colour], fillstyle=fill, ms=7)
        arrow = {"up": "→", "down": "←", "same": "↔"}
        names = [
            f"{one.claim.id}{'' if one.verdict == one.test.alone else ' †'} {arrow[one.claim.direction]}"
            for one in rows
        ]
        ax.set_yticks(range(len(rows)), names, fontsize=8, parse_math=False)
        ax.set(ylim=(len(rows) - 0.4, -0.6))
        ax.set_xlabel(f"difference of {name}", color=GREY, fontsize=8, parse_math=False)
        ax.margins(x=0.08)
    figure.suptitle(title, color=GREY, fontsize=10)
    for verdict, (mark, colour, fill) in MARKS.items():
        axes[0].plot([], [], mark, color=COLOURS[colour], fillstyle=fill, ms=8, label=verdict)
    keys, labels = axes[0].get_legend_handles_labels()
    keys, labels = [*keys, Patch(color=GREY, alpha=0.18, lw=0)], [*labels, "would not matter"]
    if any(one.verdict != one.test.alone for one in found):
        keys, labels = [*keys, Patch(alpha=0)], [*labels, "† undecided by the correction only"]
    figure.legend(
        keys, labels, loc="outside lower center", ncols=5, frameon=False, labelcolor=GREY, fontsize=8
    )
    said = "; ".join(f"{one.claim.id} {one.said}" for one in found)
    figure.alt = f"Forest plot{' of ' + title if title else ''}. {said}."
    return figure


def over_knob(line: "Curve", found: "Records", *, least: float = 0) -> "Sheet":
    """The mean effect at each position of a knob, with its 95 % interval over seeds.

    Args:
        least: the smallest effect that would matter, a grey band on both sides of zero.
    """
    from sbirkit.data.sheets import GREY, canvas
    from sbirkit.lessons import COLOURS

    from .judging import curve

    figure, ax = canvas(5.4, 2.8)
    ax.axhline(0, color=GREY, lw=1)
    if least:
        ax.axhspan(-least, least, color=GREY, alpha=0.18, lw=0)
    points = curve(line, found)
    if points:
        at, mean, low, high = np.array(points, dtype=float).T
        ax.plot(at, mean, "o--", color=COLOURS[0], lw=1)  # dashed: nothing was measured in between
        if np.isfinite(low).all():
            ax.errorbar(at, mean, [mean - low, high - mean], fmt="none", color=COLOURS[0], lw=2, capsize=4)
        ax.margins(x=0.08, y=0.1)
    else:
        ax.text(0.5, 0.6, "no runs yet", transform=ax.transAxes, ha="center", color=GREY)
    ax.set_xticks(list(line.at))
    ax.set_xlabel(line.knob, color=GREY, parse_math=False)
    ax.set_ylabel(
        f"difference of {line.quantity.removeprefix('zs ')}", color=GREY, fontsize=8, parse_math=False
    )
    ax.set_title(line.title, color=GREY, fontsize=10, parse_math=False)
    ends = {p: "" if math.isnan(p[2]) else f" [{p[2]:+.3f}, {p[3]:+.3f}]" for p in points}
    said = "; ".join(f"at {p[0]:g} {p[1]:+.3f}{ends[p]}" for p in points) or "No runs yet"
    band = f" Less than {least:g} would not matter." if least else ""
    figure.alt = f"{line.title}, over {line.knob}: {said}.{band}"
    return figure


def plane(
    points: Mapping[str, tuple[float, float]], *, cap: float, title: str = "", path: bool = True
) -> "Sheet":
    """The information plane: what is read of the class against what is read of the modality, in nats.

    Args:
        points: name -> (modality, class). cap: of the class, the log of their number.
        path: join them in their order.
    """
    from sbirkit.data.sheets import GREY, canvas
    from sbirkit.lessons import COLOURS

    figure, ax = canvas(6.4, 3.4)
    if points:
        x, y = np.array(list(points.values()), dtype=float).T
        if path:
            ax.plot(x, y, "-", color=GREY, lw=1)
        for k, (name, (a, b)) in enumerate(points.items()):
            ax.plot(a, b, "osD^vPX*"[k % 8], color=COLOURS[k % 8], ms=8, alpha=0.85, label=name)
    else:
        ax.text(0.5, 0.5, "no runs yet", transform=ax.transAxes, ha="center", color=GREY)
    ax.axhline(cap, color=GREY, ls="--", lw=1, label="all of the class")
    ax.axvline(math.log(2), color=GREY, ls=":", lw=1, label="all of the modality")
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, labelcolor=GREY, fontsize=9)
    ax.set(
        xlabel="nats read of the modality (at most log 2)",
        ylabel="nats read of the class",
        xlim=(-0.02, 0.78),
    )
    ax.margins(y=0.2)
    ax.set_title(title, color=GREY, fontsize=10, parse_math=False)
    said = "; ".join(f"{name}: modality {a:.2f}, class {b:.2f}" for name, (a, b) in points.items())
    figure.alt = f"Information plane, caps {math.log(2):.2f} and {cap:.2f} nats. {said or 'No runs yet'}."
    return figure


def plane_of(found: "Records", arms: Mapping[str, str]) -> dict[str, tuple[float, float]]:
    """Means over seeds of what was read in each arm, ready for :func:`plane`; arms without runs are left out.

    Args:
        arms: what to call it -> the arm.
    """
    from .reading import Side

    points = {}
    for name, arm in arms.items():
        pairs = [
            [
                found.number(Side(arm), f"information_plane information_{what}", seed)
                for what in ("modality", "class")
            ]
            for seed in found.seeds
        ]
        whole = [pair for pair in pairs if None not in pair]
        if whole:
            modality, classes = np.mean(np.array(whole, dtype=float), axis=0)
            points[name] = (float(modality), float(classes))
    return points


# --- small experiments ------------------------------------------------------------------------------------


def settle(loss: Callable[[Tensor], Tensor], x: Tensor, *, steps: int = 100, lr: float = 0.05) -> Tensor:
    """Where points come to rest under a loss, by plain gradient descent on the unit sphere.

    >>> settle(lambda x: x[:, 0].sum(), torch.tensor([[0.6, 0.8]])).round(decimals=1).tolist()
    [[-1.0, 0.0]]
    """
    x = torch.nn.functional.normalize(x.detach().double(), dim=1)
    for _ in range(steps):
        points = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(loss(points), points, materialize_grads=True, allow_unused=True)
        x = torch.nn.functional.normalize(x - lr * slope, dim=1)
    return x.round(decimals=9)


def two_clouds(
    *,
    classes: int = 4,
    each: int = 12,
    dim: int = 8,
    gap: float = 1.0,
    own: float = 0.0,
    noise: float = 0.3,
    seed: int = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Made-up embeddings with a known gap: vectors, class ids, and which are sketches.

    A vector is its class's direction, plus for sketches ``gap`` along one direction that all share and
    ``own`` along one of the class's own, plus noise.
    """
    made = torch.Generator().manual_seed(seed)
    meaning, shift = torch.randn(classes, dim, generator=made), torch.randn(dim, generator=made)
    private = torch.randn(classes, dim, generator=made)
    meaning, shift, private = (torch.nn.functional.normalize(x, dim=-1) for x in (meaning, shift, private))
    y = torch.arange(classes).repeat_interleave(2 * each)
    sketch = (torch.arange(each * 2) < each).repeat(classes)
    x = meaning[y] + sketch[:, None] * (gap * shift + own * private[y])
    return x + noise * torch.randn(x.shape, generator=made), y, sketch


def squeezed(weight: float, *, steps: int = 150, lr: float = 0.1, seed: int = 0) -> dict[str, float]:
    """A whole bottleneck in a second: a linear encoder to four dimensions, classification, and a divergence.

    The input holds the class, the modality, and some of both at once. The code is drawn around the encoder's
    output with deviation 1, so what is small beside 1 is lost.

    Returns:
        What a fresh probe reads of the drawn code, in nats: ``class`` and ``modality``.
    """
    from sbirkit.losses import Gaussian, bottleneck_divergence, cross_entropy

    from .measures import linear_probe, readable_information

    made = torch.Generator().manual_seed(seed)
    x, y, sketch = two_clouds(classes=4, each=16, dim=8, gap=2.0, own=0.5, noise=0.3, seed=seed)
    encoder, classes = (0.8 * torch.randn(shape, generator=made) for shape in ((8, 4), (4, 4)))
    for _ in range(steps):
        weights = [w.clone().requires_grad_() for w in (encoder, classes)]
        q = Gaussian.fixed(x @ weights[0])
        said = q.draw(generator=made) @ weights[1]
        apart = bottleneck_divergence(
            Gaussian.fixed(q.mean[sketch]), Gaussian.fixed(q.mean[~sketch]), y[sketch], y[~sketch]
        )
        slopes = torch.autograd.grad(cross_entropy(said, y) + weight * apart, weights)
        encoder, classes = (w - lr * slope for w, slope in zip((encoder, classes), slopes, strict=True))
    z = Gaussian.fixed(x @ encoder).draw(generator=made).numpy()
    asked: dict[str, Any] = {"class": y.numpy(), "modality": sketch.numpy()}
    return {
        name: readable_information(linear_probe(z, target, within=y.numpy(), seed=seed), target)
        for name, target in asked.items()
    }


def circles(panels: Mapping[str, Tensor], y: Tensor, sketch: Tensor) -> "Sheet":
    """Points on the unit circle: colour and letter for the class, the mark for the modality."""
    from sbirkit.data.sheets import GREY, Sheet, canvas
    from sbirkit.lessons import COLOURS

    figure = Sheet(figsize=(2.6 * len(panels), 3.1), facecolor="none", dpi=110, layout="constrained")
    turn = torch.linspace(0, 2 * math.pi, 100)
    for ax, (title, points) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        canvas(0, 0, ax=ax)
        ax.plot(turn.cos(), turn.sin(), color=GREY, lw=0.6)
        x = torch.nn.functional.normalize(points.double(), dim=1)
        for c in y.unique().tolist():
            for kind, mark in ((True, "^"), (False, "o")):
                rows = (y == c) & (sketch == kind)
                ax.plot(
                    *x[rows].T,
                    mark,
                    color=COLOURS[c % 8],
                    ms=7,
                    mfc="none" if kind else COLOURS[c % 8],
                    alpha=0.8,
                )
            middle = 1.3 * torch.nn.functional.normalize(x[y == c].mean(0), dim=0)
            ax.text(
                *middle.tolist(),
                "ABCDEFGH"[c % 8],
                color=COLOURS[c % 8],
                ha="center",
                va="center",
                weight="bold",
            )
        ax.set(aspect="equal", xlim=(-1.5, 1.5), ylim=(-1.5, 1.5))
        ax.set_axis_off()
        ax.set_title(title, color=GREY, fontsize=10, parse_math=False)
    figure.supxlabel("hollow triangles: sketches · dots: photos", color=GREY, fontsize=9)
    figure.alt = f"Sketches and photos of {len(y.unique())} classes on a circle: {', '.join(panels)}."
    return figure
