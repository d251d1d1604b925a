"""Pictures and a probe that the method notebooks share: an idea in boxes, a loss that pushes points about,
the curve of a run, maps of embeddings before and after. Colour never speaks alone; every figure is described.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from .data.sheets import CARD, GREY, INK, Sheet, canvas

if TYPE_CHECKING:
    from .data import Benchmark, Catalogue
    from .training import Run

COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#8C6D1F",
    "#767676",
)  # Okabe-Ito
MARKS = {"sketch": "^", "photo": "o", "text": "s"}  # by the word that a name holds; a diamond for others
LONGEST = 0.5  # of an arrow, in units of the plane
NOT_TERMS = ("step", "epoch", "seconds", "lr", "images", "selection", "phase", "loss")


def circle(*degrees: float) -> Tensor:
    """``(N, 2)`` points on the unit circle: where embeddings of two dimensions live, once normalised.

    >>> circle(0, 90).round(decimals=3)
    tensor([[1., 0.],
            [0., 1.]])
    """
    angle = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angle.cos(), angle.sin()], dim=1).float()


def push(
    losses: Mapping[str, Callable[[Tensor], Tensor]],
    x: Tensor,
    y: Sequence[int],
    names: Sequence[str],
    *,
    ring: bool = True,
) -> Sheet:
    """A panel for each loss: its value at ``x``, and an arrow on every point, the way descent would move it.

    Args:
        losses: title -> a function of ``(N, 2)`` points that gives a scalar.
        x: ``(N, 2)``. y: a class for each point, by colour.
        names: what each point is; its mark follows the word "sketch", "photo" or "text" in it.
        ring: draw the unit circle.
    """
    if len(x) != len(y) or len(x) != len(names):
        raise ValueError(f"x, y, names: want as many of each, got {len(x)}, {len(y)}, {len(names)}")
    found = {title: _slope(loss, x) for title, loss in losses.items()}
    steps = {title: -gradient for title, (_, gradient) in found.items()}
    scale = LONGEST / (max(float(step.norm(dim=1).max()) for step in steps.values()) or 1)
    figure = Sheet(figsize=(3.1 * len(found) + 0.2, 3.3), facecolor=CARD, dpi=110, layout="constrained")
    said = []
    for ax, (title, (value, _)) in zip(
        figure.subplots(1, len(found), squeeze=False)[0], found.items(), strict=True
    ):
        if ring:
            turn = np.linspace(0, 2 * np.pi, 200)
            ax.plot(np.cos(turn), np.sin(turn), color=GREY, lw=0.8, alpha=0.5)
        moves = []
        arrow = {"arrowstyle": "-|>", "color": INK, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
        for point, step, kind, name in zip(
            x.tolist(), (steps[title] * scale).tolist(), y, names, strict=True
        ):
            ax.plot(*point, _mark(name), color=COLOURS[kind % len(COLOURS)], ms=9, mec=INK, zorder=3)
            if np.hypot(step[0], step[1]) > 0.01:
                ax.annotate("", np.add(point, step), point, zorder=4,
                            arrowprops=arrow)  # fmt: skip
            moves.append(f"{name} {_heading(step)}")
            outside = ring and np.hypot(*point) > 0.9  # the name stands beyond the circle
            at, shift = (np.multiply(point, 1.24), (0, 0)) if outside else (point, (0, 11))
            ax.annotate(name, at, xytext=shift, textcoords="offset points", ha="center", va="center",
                        fontsize=8, color=INK, parse_math=False)  # fmt: skip
        ax.set_title(f"{title}: {value:.3f}", color=INK, fontsize=10, parse_math=False)
        ax.set(aspect="equal", xticks=[], yticks=[])
        if ring:
            ax.set(xlim=(-1.7, 1.7), ylim=(-1.45, 1.45))
        else:
            ax.margins(0.3)
        ax.set_facecolor(CARD)
        for side in ax.spines.values():
            side.set_visible(False)
        said.append(f"{title} is {value:.3f}: {', '.join(moves)}")
    figure.alt = f"Points in the plane with arrows of descent. {'. '.join(said)}."
    return figure


def boxes(
    places: Mapping[str, tuple[float, float]],
    arrows: Sequence[tuple[str, str, str]],
    *,
    title: str,
    width: float = 8.5,
    height: float = 3.2,
    dashed: Sequence[str] = (),
) -> Sheet:
    """An idea in boxes: each text at its place (0 to 1, from the left and from below), with named arrows.

    Args:
        arrows: (from, to, what is written on it). dashed: boxes that are ours or not always there.
    """
    if lost := {end for a, b, _ in arrows for end in (a, b)} - set(places):
        raise ValueError(f"arrows: no box is called {', '.join(sorted(lost))}")
    figure = Sheet(figsize=(width, height), facecolor=CARD, dpi=110, layout="constrained")
    ax = figure.add_subplot()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()
    drawn = {}
    for text, place in places.items():
        edge = {"fc": "white", "ec": INK, "boxstyle": "round,pad=0.4", "ls": "--" if text in dashed else "-"}
        drawn[text] = ax.text(
            *place, text, ha="center", va="center", fontsize=9, color=INK, bbox=edge, zorder=3
        )
    for a, b, what in arrows:
        line = {"arrowstyle": "-|>", "color": INK, "lw": 1.2, "patchA": drawn[a].get_bbox_patch(),
                "patchB": drawn[b].get_bbox_patch(), "shrinkA": 2, "shrinkB": 2}  # fmt: skip
        ax.annotate("", places[b], places[a], arrowprops=line)
        middle = np.add(places[a], places[b]) / 2
        ax.text(middle[0], middle[1], what, ha="center", va="center", fontsize=8, color=INK, zorder=4,
                bbox={"fc": CARD, "ec": "none", "pad": 1})  # fmt: skip
    figure.suptitle(title, color=INK, fontsize=10, weight="bold")
    said = "; ".join(f"{a} to {b}" + (f" ({what})" if what else "") for a, b, what in arrows)
    figure.alt = f"{title}. Boxes and arrows: {said}.".replace("\n", " ")
    return figure


def curve(run: "Run", *, title: str = "", smooth: int = 9) -> Sheet:
    """The terms of a loss by step, a running mean; and what the selection classes said where asked.

    Args:
        run: its history is read. smooth: how many lines a mean runs over.
    """
    lines = [line for line in run.history if "selection" not in line]
    looks = [(line["step"], line["selection"]) for line in run.history if line.get("selection") is not None]
    if not lines:
        raise ValueError(f"run: {run.path.name} has no history of its steps")
    terms = [name for name in lines[-1] if name not in NOT_TERMS and isinstance(lines[-1][name], int | float)]
    figure = Sheet(figsize=(8.4, 2.9), facecolor="none", dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    canvas(0, 0, ax=left), canvas(0, 0, ax=right)
    said = []
    for k, name in enumerate(terms):
        points = [(line["step"], line[name]) for line in lines if line.get(name) is not None]
        step, value = np.array(points, dtype=float).T
        n = max(1, min(smooth, len(value) // 4))
        mean = np.convolve(np.pad(value, (n // 2, (n - 1) // 2), mode="edge"), np.ones(n) / n, mode="valid")
        left.plot(step, mean, color=COLOURS[k % 8], ls=("-", "--", "-.", ":")[k % 4], lw=1.8, label=name)
        said.append(f"{name} from {mean[0]:.2f} to {mean[-1]:.2f}")
    left.set(xlabel="step", ylabel="term, before its weight")
    left.legend(frameon=False, labelcolor=GREY, fontsize=8)
    right.set(xlabel="step", ylabel="mAP@all, selection classes")
    if looks:
        right.plot(*zip(*looks, strict=True), "o-", color=COLOURS[0], lw=1.8)
        best = max(looks, key=lambda look: look[1])
        right.annotate(f"best {best[1]:.3f}", best, xytext=(0, 7), textcoords="offset points", ha="center",
                       color=GREY, fontsize=9)  # fmt: skip
        right.margins(y=0.25)
        said.append(f"selection mAP@all best {best[1]:.3f} at step {best[0]}")
    figure.suptitle(title, color=GREY, fontsize=10)
    figure.alt = f"{title or 'Training'} by step: {'; '.join(said)}."
    return figure


def bars(
    numbers: Mapping[str, float], *, xlabel: str, strong: str = "", chance: float | None = None
) -> Sheet:
    """A horizontal bar with its number for each name; one of them may stand out."""
    figure, ax = canvas(6.4, 0.5 + 0.36 * len(numbers))
    for k, (name, value) in enumerate(numbers.items()):
        mine = name == strong
        ax.barh(
            k,
            value,
            0.7,
            color=COLOURS[0] if mine else "#9AA5AD",
            hatch="" if mine else "///",
            edgecolor=CARD,
        )
        ax.text(
            value,
            k,
            f" {value:.3f}",
            va="center",
            color=GREY,
            fontsize=9,
            weight="bold" if mine else "normal",
        )
    if chance is not None:
        ax.axvline(chance, color=GREY, ls="--", lw=1)
    ax.set_yticks(range(len(numbers)), list(numbers), parse_math=False)
    ax.set(xlabel=xlabel, ylim=(len(numbers) - 0.4, -0.6))
    ax.margins(x=0.12)
    said = ", ".join(f"{name} {value:.3f}" for name, value in numbers.items())
    figure.alt = f"Bars of {xlabel}: {said}" + ("." if chance is None else f"; chance {chance:.3f}.")
    return figure


def flatten(vectors: ArrayLike, *, seed: int = 0) -> NDArray[np.float64]:
    """``(N, 2)`` by t-SNE on cosine distances: near stays near; sizes and gaps of clusters say little."""
    from sklearn.manifold import TSNE

    unit = np.asarray(vectors, dtype=np.float64)
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True).clip(min=1e-12)
    near = min(30.0, (len(unit) - 1) / 3)
    return TSNE(perplexity=near, init="pca", random_state=seed, max_iter=500).fit_transform(unit)


def maps(panels: Mapping[str, ArrayLike], labels: Any, modality: Any, *, seed: int = 0) -> Sheet:
    """The same pictures in several embeddings: colour and name for the class, the mark for the modality.

    Args:
        panels: title -> ``(N, D)``. labels, modality: ``(N,)``.
    """
    labels, modality = np.asarray(labels), np.asarray(modality)
    names = sorted(set(labels.tolist()))
    figure = Sheet(figsize=(4.4 * len(panels), 4.2), facecolor=CARD, dpi=110, layout="constrained")
    for ax, (title, vectors) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        flat = flatten(vectors, seed=seed)
        for k, name in enumerate(names):
            for kind, mark in MARKS.items():
                rows = (labels == name) & (modality == kind)
                if rows.any():
                    ax.plot(*flat[rows].T, mark, color=COLOURS[k % 8], ms=4.5, mew=0.8, alpha=0.8,
                            mfc="none" if kind == "sketch" else COLOURS[k % 8])  # fmt: skip
        for k, name in enumerate(names):
            x, y = np.median(flat[labels == name], axis=0)
            frame = {"fc": CARD, "ec": COLOURS[k % 8], "alpha": 0.85, "pad": 1.5}
            ax.text(x, y, name.replace("_", " "), ha="center", va="center", fontsize=8, color=INK,
                    weight="bold", bbox=frame, parse_math=False)  # fmt: skip
        ax.set_title(title, color=INK, fontsize=10, parse_math=False)
        ax.set(xticks=[], yticks=[])
        ax.set_facecolor(CARD)
        for side in ax.spines.values():
            side.set_color(GREY)
    figure.supxlabel("t-SNE · hollow triangles: sketches · dots: photos", color=INK, fontsize=9)
    said = ", ".join(name.replace("_", " ") for name in names)
    figure.alt = f"Maps by t-SNE, {' and '.join(panels)}: sketches and photos of {said}."
    return figure


def domain_probe(vectors: ArrayLike, modality: Any, labels: Any) -> float:
    """How well a linear probe tells sketch from photo; 0.5 is a guess. Each class is asked about by a probe
    that learned from the other half of the classes.

    >>> domain_probe([[1.0, k] for k in range(8)] + [[-1.0, k] for k in range(8)],
    ...              ["photo"] * 8 + ["sketch"] * 8, list("abcdabcd") * 2)
    1.0
    """
    from sklearn.linear_model import LogisticRegression

    x, is_sketch, labels = (
        np.asarray(vectors, dtype=np.float64),
        np.asarray(modality) == "sketch",
        np.asarray(labels),
    )
    x = x / np.linalg.norm(x, axis=1, keepdims=True).clip(min=1e-12)
    x = x / x.std()
    half = np.isin(labels, sorted(set(labels.tolist()))[::2])
    right = []
    for told in (half, ~half):
        probe = LogisticRegression(max_iter=1000).fit(x[told], is_sketch[told])
        said = probe.predict(x[~told])
        right += [np.mean(said[is_sketch[~told] == kind] == kind) for kind in (False, True)]
    return float(np.mean(right))


def measured(run: "Run", bench: "Benchmark", metric: str = "mAP@all") -> float:
    """A run's number on unseen classes: the one on record, else measured now, and kept."""
    from .training import evaluate

    return float((run.number("zs") or evaluate(run, bench, ["zs"])["zs"])[metric])


def real_sets() -> list[str]:
    """Names of the prepared catalogues of real pictures. While outputs are made to be stored, it is empty:
    no real picture enters the repository.
    """
    import json
    import os

    from . import paths

    if os.environ.get("SBIRKIT_STORING"):
        return []
    cards = {
        path.parent.name: json.loads(path.read_text("utf-8")) for path in paths.data().glob("*/card.json")
    }
    return sorted(name for name, card in cards.items() if card["title"] != "Doodle World")


def some_of(
    catalogue: "Catalogue", classes: Sequence[str], *, each: int, rows: ArrayLike | None = None
) -> NDArray[np.int64]:
    """The first ``each`` sketches and photos of every class, in order; of ``rows`` where given."""
    rows = np.arange(len(catalogue)) if rows is None else np.asarray(rows)
    label, modality = catalogue.column("label")[rows], catalogue.column("modality")[rows]
    parts = [rows[(label == c) & (modality == m)][:each] for c in classes for m in ("sketch", "photo")]
    return np.sort(np.concatenate(parts))


def spread(vectors: ArrayLike, labels: Any, modality: Any) -> tuple[float, float]:
    """Mean cosine of a sketch and a photo: of the same class, and of two classes.

    >>> spread([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0], [0.0, 4.0]], list("abab"), ["sketch"] * 2 + ["photo"] * 2)
    (1.0, 0.0)
    """
    x, labels, is_sketch = (
        np.asarray(vectors, dtype=float),
        np.asarray(labels),
        np.asarray(modality) == "sketch",
    )
    x = x / np.linalg.norm(x, axis=1, keepdims=True).clip(min=1e-12)
    cosine, same = x[is_sketch] @ x[~is_sketch].T, labels[is_sketch][:, None] == labels[~is_sketch]
    return float(cosine[same].mean()), float(cosine[~same].mean())


def _slope(loss: Callable[[Tensor], Tensor], x: Tensor) -> tuple[float, Tensor]:
    points = x.detach().clone().requires_grad_()
    value = loss(points)
    (gradient,) = torch.autograd.grad(value, points, allow_unused=True, materialize_grads=True)
    return value.item(), gradient


def _mark(name: str) -> str:
    return next((mark for word, mark in MARKS.items() if word in name), "D")


def _heading(step: Sequence[float]) -> str:
    """The way an arrow points, in words."""
    if np.hypot(step[0], step[1]) <= 0.01:
        return "stays"
    eighth = round(np.arctan2(step[1], step[0]) / (np.pi / 4)) % 8
    ways = ("right", "up right", "up", "up left", "left", "down left", "down", "down right")
    return f"moves {ways[eighth]}"
