"""Contact sheets, grids and pairs: look at the data before believing any number about it.

Pictures lie on a light card that is part of the figure, so they read the same in a light and a dark notebook;
in a notebook the figure shows itself as an ``<img>`` with alternative text. Class names are data: they are
neither markup nor mathematics.
"""

import base64
import html
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .catalogue import row_numbers
from .names import normalise
from .pictures import MODES
from .splits import draw

if TYPE_CHECKING:
    from .catalogue import Catalogue

CARD, INK = "#f7f6f2", "#262626"  # 14:1
GREY = "#767676"  # 4.5:1 on white and on black
TILE, GAP, TEXT, DPI = 0.9, 0.08, 0.2, 144  # inches; pixels per inch


class Sheet(Figure):
    """A matplotlib figure that carries its own description. ``sheet.savefig("world.png")`` works as ever."""

    alt: str = ""

    def _repr_html_(self) -> str:
        return _img(self, self.alt)

    def _ipython_display_(self) -> None:
        show(self)


def show(figure: Figure, *, alt: str = "") -> None:
    """Show any matplotlib figure in a notebook as an ``<img>`` that says what is to be seen on it.

    Args:
        alt: the description; by default the one that the figure carries.
    """
    from IPython.display import publish_display_data

    if not (alt := alt or getattr(figure, "alt", "")):
        raise ValueError("alt: want a sentence saying what it shows, for those who cannot see it")
    publish_display_data({"text/html": _img(figure, alt), "text/plain": alt})


def canvas(width: float, height: float, *, ax: Axes | None = None) -> tuple[Any, Axes]:
    """A figure and its axes for a curve or bars: no background and grey ink, for light and dark notebooks.

    Args:
        width, height: in inches. ax: axes to dress instead of new ones.
    """
    if ax is None:
        ax = Sheet(figsize=(width, height), facecolor="none", dpi=110, layout="constrained").add_subplot()
    ax.set_facecolor("none")
    for part in (ax.title, ax.xaxis.label, ax.yaxis.label):
        part.set_color(GREY)
    ax.tick_params(colors=GREY)
    for side, spine in ax.spines.items():
        spine.set(color=GREY, visible=side in ("left", "bottom"))
    return ax.figure, ax


def tiles(
    cells: Sequence[Sequence[np.ndarray]],
    names: Sequence[str],
    *,
    title: str,
    columns: int = 8,
    alt: str = "",
) -> Sheet:
    """Any uint8 pictures: each cell is one or some of them side by side, over a name.

    Args:
        alt: the description; by default the title and the names.
    """
    _check_counts(columns=columns)
    if len(cells) != len(names):
        raise ValueError(f"names: want one for each of {len(cells)} cells, got {len(names)}")
    return _draw(
        cells, names, columns=columns, title=title, alt=alt or f"{title}: {', '.join(dict.fromkeys(names))}."
    )


def sheet(
    catalogue: "Catalogue",
    rows: Iterable[int] | None = None,
    *,
    n: int = 32,
    modality: str | None = None,
    columns: int = 8,
    size: int | None = None,
    title: str = "",
    seed: int = 0,
) -> Sheet:
    """A contact sheet, each picture over its class.

    Args:
        rows: which pictures, in this order; by default ``n`` drawn by ``seed``, from all classes alike.
        modality: draw only ``"sketch"`` or ``"photo"``.
    """
    _check_counts(n=n, columns=columns)
    if rows is None:
        rows = _spread(catalogue, n, modality, seed)
    rows = row_numbers(list(rows))
    tiles = [[image] for image in catalogue.images(rows, size)]
    names = [_said(catalogue.column("label")[row]) for row in rows]
    what = {"sketch": "sketches", "photo": "photos"}.get(str(modality), "pictures")
    title = title or f"{catalogue.card['title']}: {len(rows)} {what}"
    alt = f"{title}. A contact sheet showing {', '.join(dict.fromkeys(names))}."
    return _draw(tiles, names, columns=columns, title=title, alt=alt)


def grid(
    catalogue: "Catalogue",
    classes: Iterable[str] | None = None,
    *,
    each: int = 3,
    columns: int = 2,
    size: int | None = None,
    title: str = "",
    seed: int = 0,
) -> Sheet:
    """Class by modality: ``each`` sketches, then ``each`` photos of every class; all classes by default."""
    _check_counts(each=each, columns=columns)
    chosen = catalogue.classes if classes is None else [normalise(name) for name in classes]
    if unknown := [name for name in chosen if name not in catalogue.classes]:
        raise ValueError(f"classes: not in {catalogue.name}: {', '.join(unknown)}")
    side = size or catalogue.sizes[0]
    tiles: list[list[np.ndarray]] = []
    for name in chosen:
        of_class = catalogue.column("label") == name
        tiles.append([])
        for modality in sorted(MODES, reverse=True):
            rows = np.flatnonzero(of_class & (catalogue.column("modality") == modality))
            drawn = [int(row) for row in draw(list(map(str, rows)), each, "grid", seed)]
            tiles[-1] += [*catalogue.images(drawn, side)] if drawn else []
            tiles[-1] += [np.full((side, side), 235, np.uint8)] * (each - len(drawn))
    title = title or f"{catalogue.card['title']}: {each} sketches and {each} photos of each class"
    names = [_said(name) for name in chosen]
    alt = f"{title}. A grid with a row for each of {', '.join(names)}."
    return _draw(tiles, names, columns=columns, title=title, alt=alt)


def pairs(
    catalogue: "Catalogue",
    rows: Iterable[int] | None = None,
    *,
    n: int = 12,
    columns: int = 4,
    size: int | None = None,
    title: str = "",
    seed: int = 0,
) -> Sheet:
    """A sketch on the left, the photo of the same object on the right.

    Args:
        rows: rows of sketches; by default ``n`` drawn by ``seed``.
    """
    _check_counts(n=n, columns=columns)
    label, instance = catalogue.column("label"), catalogue.column("instance")
    photo_of = {(label[row], instance[row]): row for row in catalogue.photos[::-1] if instance[row]}
    paired = [row for row in catalogue.sketches if (label[row], instance[row]) in photo_of]
    if not paired:
        raise ValueError(f"pairs: {catalogue.name} has no instance with both a sketch and a photo")
    if rows is None:
        rows = [paired[int(i)] for i in draw([str(i) for i in range(len(paired))], n, "pairs", seed)]
    rows = [int(row) for row in row_numbers(list(rows))]
    if lost := sorted(set(rows) - set(paired)):
        raise ValueError(f"rows: want sketches that have a photo of the same instance, got {lost[:10]}")
    photos = [photo_of[label[row], instance[row]] for row in rows]
    tiles = list(zip(catalogue.images(rows, size), catalogue.images(photos, size), strict=True))
    names = [_said(label[row]) for row in rows]
    title = (
        title or f"{catalogue.card['title']}: {len(rows)} sketches, each beside the photo of the same object"
    )
    return _draw(tiles, names, columns=columns, title=title, alt=f"{title}: {', '.join(names)}.")


def _img(figure: Figure, alt: str) -> str:
    data = io.BytesIO()
    figure.savefig(data, format="webp", dpi=DPI, pil_kwargs={"quality": 85})  # a tenth of a PNG
    width = round(figure.get_figwidth() * 96)
    return (
        f'<img alt="{html.escape(alt)}" style="width:{width}px;max-width:100%;height:auto" '
        f'src="data:image/webp;base64,{base64.b64encode(data.getvalue()).decode()}">'
    )


def _spread(catalogue: "Catalogue", n: int, modality: str | None, seed: int) -> list[int]:
    """``n`` rows, each class once before any twice, in order of class."""
    if modality not in (None, *MODES):
        raise ValueError(f"modality: want 'sketch', 'photo' or None, got {modality!r}")
    wanted = {None: np.arange(len(catalogue)), "sketch": catalogue.sketches, "photo": catalogue.photos}[
        modality
    ]
    order = np.random.default_rng(seed).permutation(wanted)
    label, turn, seen = catalogue.labels, [], dict[int, int]()
    for row in order:
        turn.append(seen.get(label[row], 0))
        seen[label[row]] = turn[-1] + 1
    drawn = order[np.argsort(turn, kind="stable")][:n]
    return sorted(drawn.tolist(), key=lambda row: (label[row], catalogue.column("modality")[row], row))


def _draw(
    tiles: Sequence[Sequence[np.ndarray]], names: Sequence[str], *, columns: int, title: str, alt: str
) -> Sheet:
    """Lay out cells, each some tiles over a name, on one pair of axes: 500 pictures are still quick."""
    columns = max(1, min(columns, len(tiles)))
    rows, across = -(-len(tiles) // columns), max((len(cell) for cell in tiles), default=1)
    cell_w, cell_h = across * TILE + GAP * 1.5, TILE + TEXT + GAP / 2
    head = 0.36
    figure = Sheet(figsize=(columns * cell_w + GAP, rows * cell_h + head + GAP), facecolor=CARD, dpi=DPI)
    figure.alt = alt
    axes = figure.add_axes((0, 0, 1, 1))
    width, height = figure.get_size_inches()
    axes.axis("off")
    text: dict[str, Any] = {"color": INK, "parse_math": False, "ha": "left", "family": "sans-serif"}
    axes.text(GAP, head / 2, title, fontsize=9, weight="bold", va="center", **text)
    for i, (cell, name) in enumerate(zip(tiles, names, strict=True)):
        x, y = GAP + (i % columns) * cell_w, head + (i // columns) * cell_h
        for j, tile in enumerate(cell):
            left = x + j * TILE
            extent = (left, left + TILE - GAP / 2, y + TILE - GAP / 2, y)
            axes.imshow(tile, "gray", vmin=0, vmax=255, extent=extent, interpolation="bicubic")
        room = int(across * TILE / 0.068)
        short = name if len(name) <= room else name[: room - 1] + "…"
        axes.text(x, y + TILE, short, fontsize=7, va="top", **text)
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
    return figure


def _said(name: str) -> str:
    return str(name).replace("_", " ")


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name}: want at least 1, got {value}")
