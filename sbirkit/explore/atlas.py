"""The embedding atlas: maps of the same pictures side by side; pick on one, and see them on all."""

import base64
import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sbirkit.data.sheets import CARD, GREY, INK, Sheet
from sbirkit.training.evaluation import embed_rows

from .layout import across, inside, kept, layout, pack, unpack
from .pictures import said
from .searching import thumbnail
from .state import State, action

if TYPE_CHECKING:
    from sbirkit.data import Catalogue

Array = NDArray[Any]
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B07800", "#3A9BD6", "#8C6D1F", "#767676")
KINDS = ("photo", "sketch")
RIGHT, WRONG = "nearest of the other kind: same class", "nearest of the other kind: another class"
ASKED = "class", "modality", "family", "error"
PANELS, PAGE = 4, 48  # maps side by side; thumbnails at once


class AtlasState(State):
    """Where methods, or moments of one training, put the same pictures.

    Args:
        panels: pairs ``(title, vectors)``, each ``(N, D)``; for a slider, pairs ``(title, moments)`` of pairs
            ``(name, vectors)``.
        catalogue, rows: the ``N`` pictures.
        how: ``"pca"`` or ``"umap"``. seed: of UMAP.
        families: class -> family, where there are some.

    >>> atlas = AtlasState([("pixels", vectors)], bench.catalogue, rows)  # doctest: +SKIP
    >>> atlas.lasso(0, [[0, 0], [0.5, 0], [0.5, 1], [0, 1]])  # its left half  # doctest: +SKIP
    >>> atlas.picked_rows  # doctest: +SKIP
    """

    script = "atlas"

    def __init__(
        self,
        panels: Sequence[tuple[str, Any]],
        catalogue: "Catalogue",
        rows: ArrayLike,
        *,
        how: str = "pca",
        families: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.catalogue, self.rows, self.how = catalogue, _rows(rows, catalogue), how
        read = [(str(title), _moments(str(title), given, len(self.rows))) for title, given in panels]
        if not 1 <= len(read) <= PANELS or len({title for title, _ in read}) < len(read):
            raise ValueError(f"panels: want 1 to {PANELS}, each with a title of its own, got {len(read)}")
        self.titles = [title for title, _ in read]
        self.vectors = [[vectors for _, vectors in moments] for _, moments in read]
        self.labels = catalogue.column("label")[self.rows]
        self.is_sketch = catalogue.column("modality")[self.rows] == "sketch"
        self.maps: list[list[Array]] = []
        for moments in self.vectors:
            like = self.maps[0][0] if self.maps else None
            self.maps.append(layout(moments, how=how, seed=seed, like=like))
        self.packed = [pack(maps) for maps in self.maps]
        self.moments = max(([name for name, _ in moments] for _, moments in read), key=len)
        self.nearest = [[across(v, self.is_sketch) for v in moments] for moments in self.vectors]
        self.groups = self._group(families)
        self.moment, self.colour, self.spot, self.page = len(self.moments) - 1, "class", "", 0
        self.picked = np.zeros(len(self.rows), bool)
        self.looked: int | None = None  # the picture that is looked at
        self._trust = dict[tuple[int, int], float]()
        self._cloud = self._pack()

    @classmethod
    def of(
        cls,
        methods: Mapping[str, Any],
        catalogue: "Catalogue",
        rows: ArrayLike,
        *,
        size: int = 64,
        **options: Any,
    ) -> "AtlasState":
        """Embed the rows by each method; for a slider, a mapping ``{moment: method}`` in a method's place."""

        def embed(given: Any) -> Any:
            if isinstance(given, Mapping):
                return [(str(name), embed(one)) for name, one in given.items()]
            return embed_rows(given, catalogue, np.asarray(rows), size=size)

        return cls([(title, embed(given)) for title, given in methods.items()], catalogue, rows, **options)

    # What may be done ------------------------------------------------------------------------------------

    @action
    def lasso(self, panel: int, points: Any, add: bool = False) -> None:
        """Pick what lies within a line on one map, ``[x, y]`` from 0 to 1, from the left and from below."""
        try:
            line = np.asarray(points, np.float64)
        except (TypeError, ValueError):
            line = np.zeros(0)
        if line.ndim != 2 or line.shape[1] != 2 or len(line) < 3 or not np.isfinite(line).all():
            raise ValueError("points: want at least three pairs [x, y]; draw around the points to pick them")
        self._pick(inside(self.points(panel), line), add)

    @action
    def circle(self, panel: int, x: float, y: float, radius: float, add: bool = False) -> None:
        """Pick what lies within a circle on one map."""
        if not all(isinstance(v, int | float) and np.isfinite(v) for v in (x, y, radius)) or radius <= 0:
            raise ValueError(f"radius, x, y: want numbers, the radius above 0, got {radius!r}, {x!r}, {y!r}")
        self._pick(((self.points(panel) - [x, y]) ** 2).sum(1) <= radius**2, add)

    @action
    def clear(self) -> None:
        """Pick nothing."""
        self.picked, self.page = np.zeros(len(self.rows), bool), 0

    @action
    def look(self, number: int | None = None) -> None:
        """Look at one picture by its number among the rows, or at none."""
        if number is not None and (not isinstance(number, int) or not 0 <= number < len(self.rows)):
            raise ValueError(f"number: want 0 to {len(self.rows) - 1}, got {number!r}")
        self.looked = number

    @action
    def move_to(self, moment: int) -> None:
        """Show another moment; what is picked stays picked."""
        if not isinstance(moment, int) or not 0 <= moment < len(self.moments):
            raise ValueError(f"moment: want 0 to {len(self.moments) - 1}, got {moment!r}")
        self.moment = moment

    @action
    def colour_by(self, what: str) -> None:
        """Colour by class, modality, family or error."""
        if what not in self.groups:
            more = "; families were not given" * (what == "family")
            raise ValueError(f"what: want one of {', '.join(self.groups)}, got {what!r}{more}")
        self.colour, self.spot = what, ""

    @action
    def light(self, name: str) -> None:
        """Show one group of the legend strongly and the others faintly; again, or ``""``, for all alike."""
        names = self.groups[self.colour][0]
        if name and name not in names:
            raise ValueError(f"name: want one of {', '.join(names)}, got {name!r}")
        self.spot = "" if name == self.spot else name

    @action
    def turn(self, pages: int = 1) -> None:
        """To the next thumbnails of what is picked, or back."""
        last = max(0, (int(self.picked.sum()) - 1) // PAGE)
        self.page = min(last, max(0, self.page + int(pages)))

    # What follows from it ---------------------------------------------------------------------------------

    @property
    def picked_rows(self) -> Array:
        """The catalogue's rows of what is picked: to go on with in the next cell."""
        return self.rows[self.picked]

    def at(self, panel: int) -> int:
        """The moment a panel shows: one with fewer stays at its last."""
        if not isinstance(panel, int) or not 0 <= panel < len(self.titles):
            raise ValueError(f"panel: want 0 to {len(self.titles) - 1}, got {panel!r}")
        return min(self.moment, len(self.packed[panel]) - 1)

    def points(self, panel: int) -> Array:
        """``(N, 2)`` from 0 to 1: where a panel shows each picture now, as the browser has it."""
        at = self.at(panel)
        return unpack(self.packed[panel][at])

    def wrong(self, panel: int, moment: int | None = None) -> Array:
        """``(N,)``: is the nearest of the other modality of another class? By vectors, not on the map."""
        near = self.nearest[panel][self.at(panel) if moment is None else moment]
        return np.asarray((near >= 0) & (self.labels[near] != self.labels))

    def trust(self, panel: int, moment: int) -> float:
        """The share of each picture's ten nearest that its map keeps."""
        if (panel, moment) not in self._trust:
            self._trust[panel, moment] = kept(self.vectors[panel][moment], self.maps[panel][moment])
        return self._trust[panel, moment]

    # What is shown ----------------------------------------------------------------------------------------

    def cloud(self) -> dict[str, Any]:
        return self._cloud

    def shown(self) -> dict[str, Any]:
        order = np.flatnonzero(self.picked)
        order = order[np.lexsort((self.is_sketch[order], self.labels[order]))]
        tiles = [self._tile(i, 0) for i in order[self.page * PAGE :][:PAGE]]
        signs = f" ✓ and ✗: by {self.titles[0]}." if any(t["sign"] for t in tiles) else ""
        return {
            "message": self.message, "moment": self.moment, "moments": self.moments,
            "colour": self.colour, "colours": [*self.groups], "spot": self.spot,
            "panels": [{"title": title, "at": self.at(p), "words": self._words(p)}
                       for p, title in enumerate(self.titles)],
            "picked": base64.b64encode(np.packbits(self.picked, bitorder="little").tobytes()).decode(),
            "count": len(order), "summary": self._summary() + signs, "page": self.page,
            "pages": -(-len(order) // PAGE),
            "tiles": tiles,
            "looked": None if self.looked is None else self._look(self.looked),
        }  # fmt: skip

    def twin(self) -> Sheet:
        """Each map, or up to four of its moments, and some of what is picked."""
        cells = [(p, s) for p, maps in enumerate(self.packed) for s in _some(len(maps), 4)]
        if len(self.moments) == 1:
            cells = [(p, 0) for p in range(len(self.titles))]
        across_ = min(2 if len(self.moments) == 1 else 4, len(cells))
        down, strip = -(-len(cells) // across_), 1.25 * bool(self.picked.any())
        side = 9.6 / across_ if across_ > 1 else 5.6
        names = self.groups[self.colour][0]
        legend = 0.4 + 0.19 * -(-len(names) // 6) * (self.colour != "class" or len(names) <= 24)
        height = down * (side + 0.32) + legend + strip
        figure = Sheet(figsize=(side * across_ + 0.2, height), facecolor=CARD, dpi=110)
        for i, (panel, moment) in enumerate(cells):
            top = height - (i // across_) * (side + 0.32)
            place = (0.1 + side * (i % across_), top - side - 0.27, side - 0.1, side - 0.1)
            ax = figure.add_axes(
                tuple(v / w for v, w in zip(place, (*figure.get_size_inches(),) * 2, strict=True))
            )
            self._draw(ax, panel, moment)
        self._legend(figure, (strip + legend - 0.05) / height)
        for j, i in enumerate(np.flatnonzero(self.picked)[_some(int(self.picked.sum()), 9)]):
            ax = figure.add_axes((0.1 / figure.get_figwidth() + j / 9, 0.25 / height, 0.085, 0.9 / height))
            ax.imshow(self.catalogue.images([self.rows[i]])[0], "gray", vmin=0, vmax=255)
            ax.axis("off")
            ax.text(0, 1.02, self._name(i)[:18], transform=ax.transAxes, fontsize=6.5, color=INK, va="bottom",
                    parse_math=False)  # fmt: skip
        figure.alt = f"An atlas of {len(self.rows)} pictures by {self.how.upper()}. " + " ".join(
            f"{t}: {self._words(p)}." for p, t in enumerate(self.titles)
        ) + (f" {self._summary()}" if self.picked.any() else "")  # fmt: skip
        return figure

    # Small matters ----------------------------------------------------------------------------------------

    def _group(self, families: Mapping[str, str] | None) -> dict[str, tuple[list[str], Array]]:
        """What may be coloured: names, and ``(N,)`` the place of each picture's name among them."""
        found: dict[str, tuple[list[str], Array]] = {}
        kinds = np.where(self.is_sketch, "sketch", "photo")
        columns: dict[str, Any] = {"class": self.labels, "modality": kinds}
        if families is not None:
            if lost := sorted({str(n) for n in set(self.labels) if n not in families}):
                raise ValueError(
                    f"families: want one for each class, there is none for {', '.join(lost[:5])}"
                )
            columns["family"] = np.array([families[n] for n in self.labels])
        for what, column in columns.items():
            names, codes = np.unique(column.astype(str), return_inverse=True)
            found[what] = names.tolist(), codes
        if len(set(kinds)) == 2:
            found["error"] = [RIGHT, WRONG], np.zeros(len(self.rows), int)  # differs by panel and moment
        return found

    def _pack(self) -> dict[str, Any]:
        """Sent once: positions, kinds, groups and errors, as bytes."""
        wrong = [[self.wrong(p, s) for s in range(len(m))] for p, m in enumerate(self.packed)]
        return {
            "n": len(self.rows), "sketch": self.is_sketch.astype(np.uint8).tobytes(),
            "positions": [m.astype("<u2").tobytes() for m in self.packed],
            "wrong": [np.stack(w).astype(np.uint8).tobytes() for w in wrong],
            "groups": {
                what: {"names": names, "codes": codes.astype("<u2").tobytes(), "colours": self._colours(what)}
                for what, (names, codes) in self.groups.items()
            },
        }  # fmt: skip

    def _colours(self, what: str) -> list[str]:
        names = self.groups[what][0]
        return [COLOURS[7], COLOURS[1]] if what == "error" else [COLOURS[k % 8] for k in range(len(names))]

    def _pick(self, found: Array, add: bool) -> None:
        self.picked, self.page = (self.picked | found) if add else found, 0
        if not found.any():
            self.message = "Nothing lies there."

    def _name(self, i: int) -> str:
        return f"{said(self.labels[i])}, {KINDS[int(self.is_sketch[i])]}"

    def _tile(self, i: int, panel: int) -> dict[str, Any]:
        near = self.nearest[panel][self.at(panel)][i]
        sign = "" if near < 0 else "✗" if self.labels[near] != self.labels[i] else "✓"
        return {"number": int(i), "url": thumbnail(self.catalogue, int(self.rows[i])), "sign": sign,
                "label": said(self.labels[i]), "modality": KINDS[int(self.is_sketch[i])]}  # fmt: skip

    def _look(self, i: int) -> dict[str, Any]:
        """A picture, and what each panel has nearest to it in the other modality."""
        near = []
        for panel, title in enumerate(self.titles):
            j = int(self.nearest[panel][self.at(panel)][i])
            if j >= 0:
                near.append({**self._tile(j, panel), "title": title,
                             "sign": "✓" if self.labels[j] == self.labels[i] else "✗"})  # fmt: skip
        return {**self._tile(i, 0), "sign": "", "near": near}

    def _words(self, panel: int) -> str:
        at = self.at(panel)
        trust = f"the map keeps {self.trust(panel, at):.0%} of each picture's ten nearest"
        if "error" not in self.groups:
            return f"all are of one modality; {trust}"
        return f"{self.wrong(panel).mean():.0%} have another class nearest in the other modality; {trust}"

    def _summary(self) -> str:
        if not self.picked.any():
            return f"Nothing is picked of {len(self.rows):,} pictures."
        names, counts = np.unique(self.labels[self.picked], return_counts=True)
        most = np.argsort(-counts, kind="stable")
        listed = ", ".join(f"{said(names[k])} {counts[k]}" for k in most[:6])
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        sketches = int(self.is_sketch[self.picked].sum())
        return (f"{counts.sum():,} picked: {sketches} sketches, {counts.sum() - sketches} photos. "
                f"{listed}{more}.")  # fmt: skip

    def _draw(self, ax: Any, panel: int, moment: int) -> None:
        points, (names, codes) = unpack(self.packed[panel][moment]), self.groups[self.colour]
        if self.colour == "error":
            codes = self.wrong(panel, moment).astype(int)
        colours = np.array(self._colours(self.colour))[codes]
        small = 14 if len(points) <= 2000 else 3
        size = small * (1 + (codes if self.colour == "error" else 0 * codes))  # colour never alone
        faint = np.array([bool(self.spot) and names[c] != self.spot for c in codes])
        for kind, mark in ((False, "o"), (True, "^")):
            for dim in (False, True):
                of = (self.is_sketch == kind) & (faint == dim)
                ax.scatter(*points[of].T, s=size[of], marker=mark, lw=0.7, alpha=0.15 if dim else 0.8,
                           edgecolors=colours[of], facecolors="none" if kind else colours[of])  # fmt: skip
        ax.scatter(
            *points[self.picked].T, s=small * 2.6, marker="o", facecolors="none", edgecolors=INK, lw=0.8
        )
        if self.colour in ("class", "family") and len(names) <= 24:
            for k, name in enumerate(names):
                back = {"fc": CARD, "ec": "none", "alpha": 0.7, "pad": 0.8}
                ax.text(*np.median(points[codes == k], 0), said(name)[:20], fontsize=7, color=INK,
                        ha="center", va="center", parse_math=False, bbox=back)  # fmt: skip
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=[], yticks=[])
        when = f" · {self.moments[moment]}" if len(self.packed[panel]) > 1 else ""
        ax.set_title(f"{self.titles[panel]}{when}"[:60], fontsize=9, color=INK, parse_math=False, pad=3)
        ax.set_facecolor(CARD)
        for spine in ax.spines.values():
            spine.set_color(GREY)

    def _legend(self, figure: Sheet, top: float) -> None:
        from matplotlib.lines import Line2D

        names, colours = self.groups[self.colour][0], self._colours(self.colour)
        handles = [Line2D([], [], ls="", marker="o", mfc=INK, mec=INK, ms=4, label="photo"),
                   Line2D([], [], ls="", marker="^", mfc="none", mec=INK, ms=5, label="sketch")]  # fmt: skip
        if len(names) <= 24 and self.colour != "modality":
            handles += [Line2D([], [], ls="", marker="s", color=c, ms=4, label=said(n)[:44])
                        for n, c in zip(names, colours, strict=True)]  # fmt: skip
        legend = figure.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, top), ncols=6,
                               frameon=False, fontsize=7, labelcolor=INK, handletextpad=0.2)  # fmt: skip
        for text in legend.get_texts():
            text.set_parse_math(False)


def on_the_way(first: Any, last: Any, *, steps: int = 4) -> dict[str, Any]:
    r"""Methods on the straight line from one's weights to the other's, :math:`(1 - t) \theta_0 + t \theta_1`.

    Not the path that training took, but from its first to its last point; both are of one recipe.

    >>> import torch
    >>> a, b = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    >>> half = on_the_way(a, b, steps=2)["50 %"].weight
    >>> bool(torch.allclose(half, (a.weight + b.weight) / 2))
    True
    """
    start, end, found = first.state_dict(), last.state_dict(), {}
    if start.keys() != end.keys():
        raise ValueError("first, last: want two methods of one recipe; their weights have other names")
    for k in range(steps + 1):
        method = copy.deepcopy(first)
        method.load_state_dict({name: start[name].lerp(w, k / steps) if w.is_floating_point() else w
                                for name, w in end.items()})  # fmt: skip
        found[f"{k / steps:.0%}".replace("%", " %")] = method.eval()
    return found


def _rows(rows: ArrayLike, catalogue: "Catalogue") -> Array:
    found = np.asarray(rows)
    if found.ndim != 1 or found.dtype.kind not in "iu" or len(found) < 3:
        raise ValueError(f"rows: want at least 3 row numbers of {catalogue.name}, got {found.size} of shape "
                         f"{found.shape}; a map of fewer says nothing")  # fmt: skip
    if found.min() < 0 or found.max() >= len(catalogue):
        raise ValueError(f"rows: want 0 to {len(catalogue) - 1}, got {found.min()} to {found.max()}")
    return found


def _moments(title: str, given: Any, n: int) -> list[tuple[str, Array]]:
    """One panel's moments with their vectors; every mistake in words."""
    several = isinstance(given, Sequence) and all(
        isinstance(one, tuple) and len(one) == 2 and isinstance(one[0], str) for one in given
    )
    moments = list(given) if several else [("", given)]
    if not moments:
        raise ValueError(f"panels: {title!r} has no vectors")
    found = []
    for name, vectors in moments:
        x, where = np.asarray(vectors, np.float32), f"panels: {title!r}" + f" at {name!r}" * bool(name)
        if x.ndim != 2 or len(x) != n or not x.shape[1]:
            raise ValueError(f"{where}: want a vector for each of the {n} rows, got shape {x.shape}")
        if bad := int((~np.isfinite(x)).any(1).sum()):
            raise ValueError(f"{where}: {bad} of {n} vectors hold NaN or infinity; leave those rows out")
        found.append((str(name), x))
    return found


def _some(n: int, most: int) -> list[int]:
    """At most so many of ``n`` places, the first and the last among them."""
    return sorted({round(i) for i in np.linspace(0, n - 1, min(n, most))}) if n else []
