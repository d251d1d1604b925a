"""A result draws itself. Colours differ for every common colour blindness, and colour never speaks alone.

Curves and bars have no background and grey ink, so they read in a light and a dark notebook; pictures lie on
a light card. Every figure carries its description as ``figure.alt``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sbirkit.data.sheets import CARD, GREY, INK, Sheet, canvas

from .metrics import RECALL_LEVELS
from .result import Result, bootstrap

HIT, MISS = "#0072B2", "#D55E00"  # Okabe-Ito
Images = Sequence[Any] | NDArray[Any] | Callable[[list[int]], Sequence[Any]]


def precision_recall(result: Result, *, ax: Axes | None = None) -> Figure:
    """Interpolated precision at 101 levels of recall: bold for all queries, a thin line for each class."""
    known = np.isfinite(result.curve[:, 0])
    curve, y = result.curve[known], result.y_query[known]
    if not len(curve):
        raise ValueError(
            "precision_recall: no query has both a relevant item and a class metric, so no curve"
        )
    figure, ax = canvas(5, 3.6, ax=ax)
    for c in np.unique(y):
        ax.plot(RECALL_LEVELS, curve[y == c].mean(axis=0), color=GREY, lw=0.6, alpha=0.5)
    mean = curve.mean(axis=0)
    ax.plot(RECALL_LEVELS, mean, color=HIT, lw=2.5)
    ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    ax.set_title("All queries (bold), each class (thin)", fontsize=10)
    points = ", ".join(f"{mean[i]:.2f} at recall {i / 100:g}" for i in (0, 25, 50, 75, 100))
    spread = f"thin grey lines show {len(np.unique(y))} classes"
    return _said(figure, f"Precision against recall. The mean over queries falls from {points}; {spread}.")


def class_bars(
    result: Result, name: str, *, ax: Axes | None = None, level: float = 0.95, most: int = 40
) -> Figure:
    """A bar for each class, best first, with the bootstrap interval over its queries; the mean as a line.

    With more than ``most`` classes only the best and the worst are drawn, and the title says so.
    """
    value = result.per_class(name)
    if not value:
        raise ValueError(f"class_bars: {name} has no score in any class")
    ranked = sorted(value, key=lambda label: -value[label])
    shown = ranked if len(ranked) <= most else ranked[: most // 2] + ranked[most // 2 - most :]
    figure, ax = canvas(5.5, 0.9 + 0.2 * len(shown), ax=ax)
    scores = result.per_query(name)
    for i, label in enumerate(shown):
        own = scores[result.y_query == result.classes.index(label)]
        low, high = bootstrap(own[np.isfinite(own)], level=level)
        ax.barh(i, value[label], height=0.72, color=HIT, alpha=0.5)
        ax.plot([low, high], [i, i], color=GREY, lw=2)
        ax.plot([low, high], [i, i], "|", color=GREY, ms=6)
    mean = result.macro(name)
    ax.axvline(mean, color=MISS, lw=1.5, ls="--")
    side, shift = ("right", -4) if mean > 0.5 else ("left", 4)
    spot: dict[str, Any] = {"xytext": (shift, 0), "textcoords": "offset points", "ha": side}
    ax.annotate(f"mean {mean:.3f}", (mean, -0.7), color=GREY, **spot)
    ax.set_yticks(range(len(shown)), [_word(label) for label in shown], parse_math=False)
    few = "" if len(shown) == len(ranked) else f" ({len(shown)} of {len(ranked)} classes: best and worst)"
    ax.set(ylim=(len(shown) - 0.4, -1.3), xlabel=f"{name}, {level:.0%} interval over queries")
    ax.set_title(f"{name} by class{few}", parse_math=False)
    ends = (
        f"best {_word(ranked[0])} {value[ranked[0]]:.2f}, worst {_word(ranked[-1])} {value[ranked[-1]]:.2f}"
    )
    return _said(
        figure, f"Bars of {name} for {len(shown)} classes{few}: {ends}, mean over classes {mean:.3f}."
    )


def confusion(result: Result, families: Mapping[Any, str] | None = None, *, ax: Axes | None = None) -> Figure:
    """Of what each class or family retrieves among its best items, the share that belongs to each other one.

    Args:
        families: class -> family, for every class of queries and gallery; without it, class by class.
    """
    labels = [str(c) for c in result.classes]
    if families is not None:
        if lost := [c for c in result.classes if c not in families]:
            raise ValueError(f"families: no family for {', '.join(map(str, lost[:10]))}")
        labels = [families[c] for c in result.classes]
    names, group = np.unique(labels, return_inverse=True)
    n, kept = len(names), result.top.shape[1]
    if not kept:
        raise ValueError("confusion: no retrieved items were kept; score with top >= 1")
    pair = group[result.y_query][:, None] * n + group[result.top_classes]
    share = np.bincount(pair.ravel(), minlength=n * n).reshape(n, n).astype(float)
    asked = np.flatnonzero(share.sum(axis=1))
    share = share[asked] / share[asked].sum(axis=1, keepdims=True)
    found = np.flatnonzero(share.any(axis=0))
    share = share[:, found]
    side = min(0.5, 9 / max(share.shape))
    figure, ax = canvas(2.2 + side * len(found), 1.6 + side * len(asked), ax=ax)
    brightest = share.max()
    image = ax.imshow(share, cmap="cividis", vmin=0, vmax=brightest, aspect="auto")
    if max(share.shape) <= 14:
        for (i, j), v in np.ndenumerate(share):
            if v >= 0.005:
                ink = "white" if v < 0.55 * brightest else "black"
                ax.text(j, i, f"{v:.0%}", ha="center", va="center", fontsize=8, color=ink)
    else:
        bar = figure.colorbar(image, ax=ax, format="{x:.0%}")
        bar.ax.tick_params(colors=GREY)
        bar.outline.set_visible(False)
    size = 9 if side > 0.3 else 6
    ax.set_yticks(range(len(asked)), [_word(names[i]) for i in asked], fontsize=size, parse_math=False)
    slant: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor", "parse_math": False}
    ax.set_xticks(range(len(found)), [_word(names[i]) for i in found], fontsize=size, **slant)
    kind = "classes" if families is None else "families"
    ax.set(xlabel="retrieved", ylabel="asked for", title=f"Top {kept}: {kind} found")
    wrong = np.where(asked[:, None] == found[None], -1.0, share)
    i, j = np.unravel_index(wrong.argmax(), wrong.shape)
    right = np.mean([share[i, found == c].sum() for i, c in enumerate(asked)])
    alt = f"Shares of {kind} among the top {kept}. On average {right:.0%} is right"
    if wrong[i, j] > 0:
        alt += f"; the commonest confusion is {_word(names[asked[i]])} finding {_word(names[found[j]])}"
        alt += f" ({wrong[i, j]:.0%})"
    return _said(figure, alt + ".")


def strips(
    result: Result,
    query_images: Images,
    gallery_images: Images,
    *,
    name: str | None = None,
    queries: str | Iterable[int] = "worst",
    n: int = 6,
    k: int = 10,
) -> Figure:
    """The failure gallery: queries beside their best ``k`` items, hits and misses by colour *and* sign.

    Args:
        query_images: pictures by query number: an array or list, or a function of a list of numbers.
        gallery_images: pictures by gallery number, alike.
        name: metric to rank queries by; default the first.
        queries: ``"worst"``, ``"best"`` or query numbers.
        n: how many queries, if they are not given.
    """
    name = name or result.metrics[0]
    value = result.per_query(name)
    if isinstance(queries, str):
        if queries not in ("worst", "best"):
            raise ValueError(f"queries: want 'worst', 'best' or query numbers, got {queries!r}")
        known = np.flatnonzero(np.isfinite(value))
        order = np.argsort(value[known] * (1 if queries == "worst" else -1), kind="stable")
        title, rows = f"The {queries} queries by {name}", known[order][:n].tolist()
    else:
        title, rows = f"Queries by {name}", [int(i) for i in queries]
    k = min(k, result.top.shape[1])
    if not rows or not k:
        raise ValueError("strips: nothing to show; want at least one query and one retrieved item")
    asked = _pictures(query_images, rows)
    found = _pictures(gallery_images, result.top[rows, :k].ravel().tolist())
    figure = Sheet(figsize=(1.0 * (k + 1) + 0.3, 1.3 * len(rows) + 0.4), facecolor=CARD, dpi=110)
    axes = figure.subplots(len(rows), k + 1, squeeze=False)
    edges = {"left": 0.01, "right": 0.99, "bottom": 0.02, "top": 1 - 0.65 / figure.get_figheight()}
    figure.subplots_adjust(**edges, wspace=0.08, hspace=0.36)
    figure.suptitle(title, color=INK, fontsize=10, weight="bold", parse_math=False)
    for i, row in enumerate(rows):
        wanted = int(result.y_query[row])
        _picture(axes[i, 0], asked[i], f"{_short(_word(result.classes[wanted]), 10)} {value[row]:.2f}", INK)
        for j in range(k):
            c = int(result.top_classes[row, j])
            sign, ink = ("✓", HIT) if c == wanted else ("✗", MISS)
            text = sign if c == wanted else f"{sign} {_short(_word(result.classes[c]), 13)}"
            _picture(axes[i, j + 1], found[i * k + j], text, ink)
    hits = (result.top_classes[rows, :k] == result.y_query[rows, None]).sum(axis=1)
    said = (
        f"{_word(result.classes[result.y_query[r]])}: {h} of {k}" for r, h in zip(rows, hits, strict=True)
    )
    return _said(figure, f"{title}, each beside its top {k}; hits: {', '.join(said)}.")


def _pictures(source: Images, numbers: list[int]) -> Sequence[Any]:
    images = source(numbers) if callable(source) else [source[i] for i in numbers]
    if len(images) != len(numbers):
        raise ValueError(f"images: want {len(numbers)} pictures, got {len(images)}")
    return images


def _picture(ax: Axes, image: Any, text: str, ink: str) -> None:
    image = np.asarray(image)
    ax.imshow(image, cmap="gray", vmin=0, vmax=255 if image.dtype == np.uint8 else 1)
    ax.set_title(text, color=INK, fontsize=8, pad=3, parse_math=False)
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(color=ink, linewidth=1 if ink == INK else 2.5)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _word(label: Any) -> str:
    return str(label).replace("_", " ")


def _said(figure: Any, alt: str) -> Figure:
    figure.alt = alt
    return figure
