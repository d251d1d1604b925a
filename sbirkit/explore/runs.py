"""Two runs side by side: what changed between them, and what came of it, down to single queries."""

import json
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sbirkit.data.names import suggest
from sbirkit.data.sheets import CARD, GREY, INK, Sheet
from sbirkit.retrieval import evaluate_embeddings
from sbirkit.retrieval.plots import HIT, MISS
from sbirkit.retrieval.result import Result
from sbirkit.runs.standings import COLUMNS, interval
from sbirkit.training import Run, embed_rows

from .pictures import said
from .searching import thumbnail
from .state import State, action, told

if TYPE_CHECKING:
    from sbirkit.data import Benchmark

Array = NDArray[Any]
KEPT = 6  # measured runs held at a time; of each the scores and best photos, not the embeddings
MOST = 8  # queries named on either side
ACROSS = 8  # photos in a strip
SIDES = ("first", "second")
NOWHERE = "(not there)"
WHERE = ("method", "train", "benchmark", "origin")  # of a run's params; the rest are digests
COLOURS = ("#0072B2", "#D55E00")
DASHES = ((), (6, 3))


def changed(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Where two nested parameters differ: ``(name, in the first, in the second)``, in the first's order.

    >>> changed({"train": {"lr": 0.1, "p": 4}}, {"train": {"lr": 0.2, "p": 4}, "teacher": "vgg"})
    [('train.lr', '0.1', '0.2'), ('teacher', '(not there)', 'vgg')]
    """
    one, two = _flat(first), _flat(second)

    def there(side: Mapping[str, Any], name: str) -> str:
        return _word(side[name]) if name in side else NOWHERE

    return [
        (name, there(one, name), there(two, name))
        for name in dict.fromkeys([*one, *two])
        if not (name in one and name in two and _same(one[name], two[name]))
    ]


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` -> ``{"a.b": 1}``; a recipe's ``arguments`` are left out of the name."""
    if not isinstance(value, Mapping) or not value:
        return {name: value} if name else {}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= _flat(inner, name if key == "arguments" else f"{name}.{key}".lstrip("."))
    return found


def _same(one: Any, two: Any) -> bool:
    return bool(one == two) and isinstance(one, bool) == isinstance(two, bool)


def by_class(labels: Sequence[str], first: Array, second: Array) -> list[tuple[str, float, float]]:
    """``(class, mean in the first, in the second)``, the most won by the second first.

    A class counts the queries that have a score in both; one that has none is left out.

    Args:
        labels: ``(Q,)`` the class of each query.
        first, second: ``(Q,)`` score of each query, nan where nothing is relevant.

    >>> by_class(["cow", "owl", "owl"], np.array([0.5, 0.0, 0.5]), np.array([0.5, 0.5, 1.0]))
    [('owl', 0.25, 0.75), ('cow', 0.5, 0.5)]
    """
    names, known = np.asarray(labels), np.isfinite(first) & np.isfinite(second)
    rows = [
        (str(name), float(first[mine].mean()), float(second[mine].mean()))
        for name in np.unique(names[known]) for mine in [known & (names == name)]
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row[1] - row[2], row[0]))


def by_query(first: Array, second: Array, most: int = MOST) -> tuple[list[int], list[int]]:
    """The queries that the second lost most and won most, at most ``most`` of each, the greatest first.

    >>> by_query(np.array([0.5, 0.9, 0.2, np.nan]), np.array([0.6, 0.1, 0.2, 1.0]))
    ([1], [0])
    """
    change = np.nan_to_num(second - first)
    up = np.argsort(change, kind="stable")
    down = np.argsort(-change, kind="stable")
    return [int(q) for q in up[:most] if change[q] < 0], [int(q) for q in down[:most] if change[q] > 0]


class RunsState(State):
    """Choose two runs, and see what changed, how each trained, and what was won and lost.

    Args:
        runs: finished runs, each with another folder name, such as those of :func:`sbirkit.runs.store.runs`.
        bench: on whose unseen classes the two are measured, query by query.
        first, second: names of the two shown first; by default the first two.

    >>> browser = RunsState(runs, bench, first="softmax_unseen-16_s0")  # doctest: +SKIP
    """

    script = "runs"

    def __init__(
        self, runs: Sequence[Run], bench: "Benchmark", *, first: str | None = None, second: str | None = None
    ) -> None:
        super().__init__()
        names = [run.path.name for run in runs]
        if not names:
            raise ValueError("runs: want at least one finished run; `sbirkit.runs.store.runs()` lists yours")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"runs: want each folder name once, got {twice!r} twice")
        self.runs, self.bench = dict(zip(names, runs, strict=True)), bench
        self._measured: OrderedDict[str, Result] = OrderedDict()
        self.names = {"first": self._name(first or names[0]), "second": self._name(second or names[:2][-1])}
        self.query: int | None = None

    # What may be done ------------------------------------------------------------------------------------

    @action
    def choose(self, side: str, name: str) -> None:
        """Another run on the ``first`` or ``second`` side; the query stays."""
        if side not in SIDES:
            raise ValueError(f"side: want first or second, got {side!r}")
        self.names[side] = self._name(name)
        if self.names["first"] == self.names["second"]:
            self.message = "Both are the same run: nothing can have changed."

    @action
    def swap(self) -> None:
        """The first becomes the second."""
        self.names = {"first": self.names["second"], "second": self.names["first"]}

    @action
    def ask(self, query: int) -> None:
        """Show what both retrieve for one query, a number among the benchmark's queries."""
        n = len(self.bench.queries())
        if not isinstance(query, int | np.integer) or isinstance(query, bool) or not 0 <= query < n:
            raise ValueError(f"query: want 0 to {n - 1}, got {query!r}")
        self.query = int(query)

    # What is known ---------------------------------------------------------------------------------------

    def pair(self) -> tuple[Run, Run]:
        """The two that were chosen."""
        return self.runs[self.names["first"]], self.runs[self.names["second"]]

    def changes(self) -> list[tuple[str, str, str]]:
        """What was asked for differently."""
        one, two = ({key: run.params[key] for key in WHERE if key in run.params} for run in self.pair())
        return changed(one, two)

    def curves(self) -> dict[str, list[list[tuple[int, float]]]]:
        """Term -> the first's and the second's points ``(step, value)``; the selection comes first."""
        found: dict[str, list[list[tuple[int, float]]]] = {"selection mAP@all": [[], []]}
        for side, run in enumerate(self.pair()):
            for line in run.history:
                for term, value in line.items():
                    if (
                        term in ("step", "lr")
                        or not isinstance(value, int | float)
                        or not math.isfinite(value)
                    ):
                        continue
                    title = "selection mAP@all" if term == "selection" else term
                    found.setdefault(title, [[], []])[side].append((line["step"], float(value)))
        return {term: both for term, both in found.items() if any(both)}

    def headlines(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """Each number of the standings, for both: ``value``, and ``mean``, ``half`` over ``seeds``."""
        rows = []
        for title, setting, metric in COLUMNS:
            cells = []
            for run in self.pair():
                values = [other.number(setting).get(metric) for other in self.seeds(run)]
                known = [v for v in values if v is not None]
                mean, half = interval(known) if len(known) > 1 else (None, None)
                cells.append({"value": run.number(setting).get(metric), "mean": mean, "half": half,
                              "seeds": len(known)})  # fmt: skip
            if any(cell["value"] is not None for cell in cells):
                rows.append((title, cells))
        return rows

    def seeds(self, run: Run) -> list[Run]:
        """It and those that differ from it in nothing but the seed, one for each seed."""
        same = [other for other in self.runs.values() if _asked_for(other) == _asked_for(run)]
        return [*{_asked_for(other, seed=True): other for other in [*same, run]}.values()]

    def measured(self, run: Run) -> Result:
        """Scores and best photos of every query, measured when first asked for."""
        name = run.path.name
        if name not in self._measured:
            if seen := sorted(set(run.params["benchmark"]["classes"]) & set(self.bench.unseen_classes)):
                raise ValueError(f"{name} was trained on {len(seen)} of the unseen classes here, {seen[0]} "
                                 "among them; choose the benchmark it was made for")  # fmt: skip
            rows = np.concatenate([self.bench.queries(), self.bench.gallery_rows()])
            method, size = run.method(), run.params["train"]["size"]
            vectors = embed_rows(method, self.bench.catalogue, rows, size=size)
            found = evaluate_embeddings((rows, vectors), self.bench, "zs")
            self._measured[name] = found
            while len(self._measured) > KEPT:
                self._measured.popitem(last=False)
        self._measured.move_to_end(name)
        return self._measured[name]

    def results(self) -> tuple[list[Result | None], list[str]]:
        """Both measurements; None, and words, for a run that cannot be measured here."""
        found: list[Result | None] = []
        notes = []
        for run in self.pair():
            try:
                found.append(self.measured(run))
            except FileNotFoundError:
                found.append(None)
                notes.append(
                    f"{run.path.name} came without weights, so it answers no query here. Its record is "
                    "below; shipped runs of seed 0 have weights, and `fit` makes them anew."
                )
            except Exception as error:  # such as damaged weights
                found.append(None)
                notes.append(f"{run.path.name} answers no query here: {told(error)}")
        return found, list(dict.fromkeys(notes))

    def labels(self) -> Array:
        """``(Q,)`` the class of each query."""
        return np.asarray(self.bench.catalogue.column("label")[self.bench.queries()])

    # What is shown ---------------------------------------------------------------------------------------

    def shown(self) -> dict[str, Any]:
        results, notes = self.results()
        for run in dict.fromkeys(self.pair(), None):
            if not run.history:
                notes.append(f"{run.path.name} came without its history: it has no curves.")
            if run.params["benchmark"]["digest"] != self.bench.digest:
                notes.append(f"{run.path.name} was made for another benchmark than the one measured here.")
        classes: list[tuple[str, float, float]] = []
        lost: list[dict[str, Any]] = []
        won: list[dict[str, Any]] = []
        if results[0] is not None and results[1] is not None:
            one, two = (r.per_query("mAP@all") for r in results if r is not None)
            classes = by_class(self.labels().tolist(), one, two)
            down, up = by_query(one, two)
            lost, won = ([self._told(q, one, two) for q in some] for some in (down, up))
        return {
            "message": self.message, "runs": [*self.runs], "names": [self.names[side] for side in SIDES],
            "notes": notes, "changes": self.changes(), "headlines": self.headlines(),
            "curves": [{"term": term, "both": both} for term, both in self.curves().items()],
            "colours": COLOURS, "dashes": DASHES, "classes": classes, "lost": lost, "won": won,
            "query": self._asked(results),
        }  # fmt: skip

    def _told(self, query: int, one: Array, two: Array) -> dict[str, Any]:
        label = str(self.labels()[query])
        return {"query": query, "label": label, "scores": [_three(one[query]), _three(two[query])]}

    def strip(self, result: Result, query: int) -> list[tuple[int, str, bool]]:
        """``(row, class, whether it is right)`` of the best photos."""
        rows = self.bench.gallery_rows()[result.top[query, :ACROSS]]
        classes = self.bench.catalogue.column("label")[rows]
        return [(int(r), str(c), bool(c == self.labels()[query]))
                for r, c in zip(rows, classes, strict=True)]  # fmt: skip

    def _asked(self, results: Sequence[Result | None]) -> dict[str, Any] | None:
        if self.query is None:
            return None
        strips, world = [], self.bench.catalogue
        for result in results:
            found = [] if result is None else self.strip(result, self.query)
            value = None if result is None else _three(result.per_query("mAP@all")[self.query])
            tiles = [{"url": thumbnail(world, row), "label": label, "hit": hit} for row, label, hit in found]
            strips.append({"tiles": tiles, "score": value})
        row = int(self.bench.queries()[self.query])
        label = str(self.labels()[self.query])
        return {"number": self.query, "label": label, "url": thumbnail(world, row), "strips": strips}

    def twin(self) -> Sheet:
        """What changed, the numbers, the curves, the classes, and both strips of the query (or the worst)."""
        shown, (results, _) = self.shown(), self.results()
        query = self.query
        if query is None and shown["lost"]:
            query = shown["lost"][0]["query"]
        high = 6.6 + 2.7 * (query is not None and any(r is not None for r in results))
        figure = Sheet(figsize=(10.4, high), facecolor=CARD, dpi=100)
        ink: dict[str, Any] = {"color": INK, "parse_math": False, "va": "top", "fontsize": 8}

        def write(x: float, down: float, words: str, **options: Any) -> None:
            figure.text(x / 10.4, 1 - down / high, words, **(ink | options))

        title = f"{shown['names'][0]} (first, solid) and {shown['names'][1]} (second, dashed)"
        write(0.15, 0.12, title, fontsize=10, weight="bold")
        write(0.15, 0.45, "What changed", weight="bold")
        rows = shown["changes"]
        lines = [f"{name}: {_cut(a)} → {_cut(b)}" for name, a, b in rows[:11]]
        more = [f"and {len(rows) - 11} more"] if len(rows) > 11 else [] if rows else ["nothing"]
        write(0.15, 0.67, "\n".join([*lines, *more]), fontsize=7, linespacing=1.35)
        write(6.0, 0.45, "Numbers: first, second (mean ± half the 95 % interval over seeds)", weight="bold")
        told = [f"{name}: {_cell(a)},  {_cell(b)}" for name, (a, b) in shown["headlines"]]
        write(6.0, 0.67, "\n".join(told), fontsize=7, linespacing=1.35)
        self._charts(figure, shown, high)
        for k, note in enumerate(shown["notes"][:2]):
            write(0.15, 6.2 + 0.17 * k, _cut(note, 150), fontsize=7)
        if high > 7 and query is not None:
            self._strips(figure, results, query, high, write)
        figure.alt = self._spoken(shown, results, query)
        return figure

    def _charts(self, figure: Sheet, shown: Mapping[str, Any], high: float) -> None:
        for k, curve in enumerate(shown["curves"][:4]):
            left, down = 0.5 + 2.35 * (k % 2), 2.75 + 1.75 * (k // 2)
            ax = figure.add_axes((left / 10.4, 1 - (down + 1.25) / high, 1.75 / 10.4, 1.15 / high))
            for points, colour, line in zip(curve["both"], COLOURS, ("-", "--"), strict=True):
                if points:
                    ax.plot(*zip(*points, strict=True), line, color=colour, lw=1.4)
            ax.set_title(curve["term"], fontsize=8, color=INK, parse_math=False)
            _plain(ax)
        if shown["classes"]:
            ax = figure.add_axes((6.3 / 10.4, 1 - 6.05 / high, 3.2 / 10.4, 3.3 / high))
            change = [b - a for _, a, b in shown["classes"]]
            ax.barh(range(len(change)), change, color=[HIT if c > 0 else MISS for c in change],
                    hatch=["" if c > 0 else "////" for c in change], edgecolor=CARD, lw=0)  # fmt: skip
            names = [said(name)[:18] for name, *_ in shown["classes"]]
            ax.set_yticks(range(len(names)), names, parse_math=False)
            reach = max(0.02, *map(abs, change)) * 1.45
            for y, c in enumerate(change):
                side = "left" if c >= 0 else "right"
                ax.text(c, y, f" {c:+.3f} ", va="center", ha=side, fontsize=6.5, color=INK)
            ax.set(xlim=(-reach, reach))
            ax.invert_yaxis()
            ax.axvline(0, color=INK, lw=0.8)
            ax.set_title("mAP@all of each class: second minus first", fontsize=8, color=INK)
            _plain(ax)

    def _strips(self, figure: Sheet, results: Any, query: int, high: float, write: Any) -> None:
        from matplotlib.patches import Rectangle

        world, label = self.bench.catalogue, said(self.labels()[query])
        write(0.15, 6.6, f"Query {query}, {label}", weight="bold")
        for i, result in enumerate(results):
            down = 6.85 + 1.22 * i
            cells: list[tuple[int, str, bool | None]] = [(int(self.bench.queries()[query]), "sketch", None)]
            cells += [] if result is None else self.strip(result, query)
            for j, (row, name, hit) in enumerate(cells):
                box = (0.9 + 1.02 * j) / 10.4, 1 - (down + 0.95) / high, 0.93 / 10.4, 0.93 / high
                ax = figure.add_axes(box)
                ax.imshow(np.asarray(world.images([row])[0]), "gray", vmin=0, vmax=255)
                ax.axis("off")
                colour, style = (GREY, "-") if hit is None else (HIT, "-") if hit else (MISS, "--")
                ax.add_patch(Rectangle((0, 0), 1, 1, transform=ax.transAxes, fill=False, lw=2.4, ls=style,
                                       edgecolor=colour, clip_on=False))  # fmt: skip
                sign = "" if hit is None else "✓ " if hit else "✗ "
                write(0.9 + 1.02 * j, down + 0.99, f"{sign}{said(name)}"[:15], fontsize=7)
            write(0.15, down + 0.4, SIDES[i])

    def _spoken(self, shown: Mapping[str, Any], results: Sequence[Result | None], query: int | None) -> str:
        words = [
            f"Runs {shown['names'][0]} and {shown['names'][1]}: {len(shown['changes'])} parameters differ."
        ]
        words += [f"{name} {_cell(a)} and {_cell(b)}." for name, (a, b) in shown["headlines"][:1]]
        if classes := shown["classes"]:
            won = sum(b > a for _, a, b in classes)
            (top, a, b), (low, c, d) = classes[0], classes[-1]
            words.append(f"The second is better on {won} of {len(classes)} classes: {said(top)} {b - a:+.3f} "
                         f"and, at the other end, {said(low)} {d - c:+.3f}.")  # fmt: skip
        for side, result in zip(SIDES, results, strict=True) if query is not None else ():
            if result is not None:
                hits = [hit for *_, hit in self.strip(result, query)]  # type: ignore[arg-type]
                label = said(self.labels()[query])
                words.append(
                    f"Query {query}, {label}: the {side} has {sum(hits)} of {len(hits)} photos right."
                )
        return " ".join([*words, *shown["notes"]])

    def _name(self, name: str) -> str:
        if name not in self.runs:
            raise ValueError(f"name: there is no run {name!r}{suggest(str(name), [*self.runs])}")
        return name


def _asked_for(run: Run, *, seed: bool = False) -> str:
    """Its parameters in one line, by default without the seeds among them."""

    def without(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {key: without(inner) for key, inner in value.items() if seed or key != "seed"}

    return json.dumps(without({key: run.params.get(key) for key in WHERE}), sort_keys=True, default=str)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _three(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 3)


def _cut(words: str, most: int = 34) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def _cell(cell: Mapping[str, Any]) -> str:
    if cell["value"] is None:
        return "not measured"
    spread = "" if cell["half"] is None else f" ({cell['mean']:.3f} ± {cell['half']:.3f})"
    return f"{cell['value']:.3f}{spread}"


def _plain(ax: Any) -> None:
    ax.set_facecolor(CARD)
    ax.tick_params(labelsize=7, colors=INK)
    for side, spine in ax.spines.items():
        spine.set(color=GREY, visible=side in ("left", "bottom"))
