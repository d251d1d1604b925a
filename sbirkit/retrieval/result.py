"""What a measurement leaves: a small object with every number by its full name, and how far to trust it."""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from .protocol import Protocol

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAN = float("nan")


@dataclass(frozen=True, eq=False)
class Result:
    """Scores of every query. ``result["mAP@all"]`` is their mean (micro), ``result.macro`` that of classes.

    Attributes:
        values: metric name -> ``(Q,)`` score per query; nan where a query has no relevant item.
        y_query: ``(Q,)`` index into ``classes``.
        protocol: what was measured. distance, ties: how.
        counts: queries, gallery items, classes; queries with nothing relevant in the gallery; queries with
            equal scores that the tie rule decides.
        notes: whatever else a reader must know to compare the numbers.
        top: ``(Q, k)`` best gallery items. top_classes: their classes.
        curve: ``(Q, 101)`` interpolated precision at recall 0, 0.01, ... 1.
    """

    values: Mapping[str, NDArray[np.float64]]
    y_query: NDArray[np.int64]
    classes: list[Any]
    protocol: Any
    distance: str
    ties: str
    counts: dict[str, int]
    seconds: float
    top: NDArray[np.int64]
    top_classes: NDArray[np.int64]
    curve: NDArray[np.float32]
    notes: list[str] = field(default_factory=list)

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics measured."""
        return list(self.values)

    def per_query(self, name: str) -> NDArray[np.float64]:
        """``(Q,)`` scores, nan where nothing is relevant."""
        if name not in self.values:
            raise KeyError(f"{name!r} was not measured; there are {', '.join(self.values)}")
        return self.values[name]

    def __getitem__(self, name: str) -> float:
        return _mean(self.per_query(name))

    def per_class(self, name: str) -> dict[Any, float]:
        """Class -> mean over its queries, for the classes that have a score."""
        value = self.per_query(name)
        known = np.isfinite(value)
        total = np.bincount(self.y_query[known], value[known], len(self.classes))
        n = np.bincount(self.y_query[known], minlength=len(self.classes))
        return {self.classes[c]: float(total[c] / n[c]) for c in np.flatnonzero(n)}

    def macro(self, name: str) -> float:
        """Mean over classes of the class means."""
        return _mean(np.array(list(self.per_class(name).values())))

    def interval(
        self,
        name: str,
        *,
        over: Literal["queries", "classes"] = "queries",
        level: float = 0.95,
        n: int = 1000,
        seed: int = 0,
    ) -> tuple[float, float]:
        """Bootstrap percentile interval: of the micro mean over queries, or of the macro mean over classes.

        Over queries it tells how far other sketches of *these* classes would move the number; over classes,
        how far other unseen classes would: wider, and usually the honest one. With few classes it is still
        too narrow: of 95 % intervals over 10 classes about 90 % cover the truth, over 25 about 93 %.
        """
        if over not in ("queries", "classes"):
            raise ValueError(f"over: want 'queries' or 'classes', got {over!r}")
        value = self.per_query(name) if over == "queries" else np.array(list(self.per_class(name).values()))
        return bootstrap(value[np.isfinite(value)], level=level, n=n, seed=seed)

    def table(self) -> list[dict[str, Any]]:
        """One row per metric: micro and macro mean, their intervals, and the queries they stand on."""
        return [
            {
                "metric": name,
                "micro": self[name],
                "over queries": self.interval(name),
                "macro": self.macro(name),
                "over classes": self.interval(name, over="classes"),
                "queries": int(np.isfinite(value).sum()),
            }
            for name, value in self.values.items()
        ]

    def sentence(self) -> str:
        """What the numbers stand on."""
        c = self.counts
        ranked = (
            f"{c['queries']:,} queries of {c['classes']:,} classes against {c['gallery']:,} gallery items"
        )
        parts = [ranked if self.protocol is None else str(self.protocol)]
        if not isinstance(self.protocol, Protocol):  # it says these itself
            parts += [self.distance, f"ties {self.ties}"]
        if c["without_relevant"]:
            parts.append(f"{c['without_relevant']:,} queries without a relevant item left out")
        if c["tied"]:
            parts.append(f"{c['tied']:,} queries with ties that matter")
        return "; ".join(parts + self.notes)

    def plot_precision_recall(self, **options: Any) -> "Figure":
        """Interpolated precision at each recall; see :func:`.plots.precision_recall`."""
        from . import plots

        return plots.precision_recall(self, **options)

    def plot_classes(self, name: str | None = None, **options: Any) -> "Figure":
        """A bar for each class with its interval; see :func:`.plots.class_bars`."""
        from . import plots

        return plots.class_bars(self, name or self.metrics[0], **options)

    def plot_confusion(self, families: Mapping[Any, str] | None = None, **options: Any) -> "Figure":
        """What is retrieved instead; see :func:`.plots.confusion`."""
        from . import plots

        return plots.confusion(self, families, **options)

    def plot_strips(self, query_images: Any, gallery_images: Any, **options: Any) -> "Figure":
        """The worst (or best) queries and what they found; see :func:`.plots.strips`."""
        from . import plots

        return plots.strips(self, query_images, gallery_images, **options)

    def _cells(self) -> list[list[str]]:
        cells = [["metric", "micro", "95 % over queries", "macro", "95 % over classes", "queries"]]
        for row in self.table():
            span, wide = ("{:.4f} – {:.4f}".format(*row[key]) for key in ("over queries", "over classes"))
            means = f"{row['micro']:.4f}", f"{row['macro']:.4f}"
            cells.append([row["metric"], means[0], span, means[1], wide, f"{row['queries']:,}"])
        return cells

    def _repr_markdown_(self) -> str:
        return markdown(self._cells(), self.sentence())

    def _repr_html_(self) -> str:
        head, *rows = self._cells()
        top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
        body = "".join(
            f'<tr><th scope="row">{html.escape(name)}</th>'
            + "".join(f"<td>{v}</td>" for v in cells)
            + "</tr>"
            for name, *cells in rows
        )
        caption = f"<caption>{html.escape(self.sentence())}</caption>"
        return f"<table>{caption}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} {self[name]:.4f}" for name in self.values)
        return f"<Result {numbers}; {self.sentence()}>"

    def to_dict(self) -> dict[str, Any]:
        """Lists, strings and numbers for JSON; nan becomes None."""
        protocol = self.protocol.to_dict() if isinstance(self.protocol, Protocol) else self.protocol
        protocol = protocol if protocol is None or isinstance(protocol, dict) else str(protocol)
        return {
            "schema": 1,
            "values": {name: _plain(value) for name, value in self.values.items()},
            "y_query": self.y_query.tolist(),
            "classes": self.classes,
            "protocol": protocol,
            "distance": self.distance,
            "ties": self.ties,
            "counts": self.counts,
            "seconds": round(self.seconds, 3),
            "notes": self.notes,
            "top": self.top.tolist(),
            "top_classes": self.top_classes.tolist(),
            "curve": [_plain(row) for row in self.curve.astype(np.float64).round(5)],
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Result":
        """The inverse of :meth:`to_dict`."""
        if saved.get("schema") != 1:
            raise ValueError(f"Result.from_dict: want schema 1, got {saved.get('schema')!r}; measure again")
        parts = {key: part for key, part in saved.items() if key != "schema"}
        parts["values"] = {name: np.array(value, np.float64) for name, value in saved["values"].items()}
        parts["curve"] = np.array(saved["curve"], np.float32)
        for key in ("y_query", "top", "top_classes"):
            parts[key] = np.array(saved[key], np.int64)
        if isinstance(saved["protocol"], dict):
            parts["protocol"] = Protocol(**saved["protocol"])
        return cls(**parts)

    def to_json(self) -> str:
        """:meth:`to_dict` as one line of strict JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)


def bootstrap(
    value: NDArray[np.float64], *, level: float = 0.95, n: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the mean of ``value`` under resampling; (nan, nan) of nothing.

    >>> bootstrap(np.array([0.5, 0.5, 0.5]))
    (0.5, 0.5)
    """
    if not 0 < level < 1 or n < 1:
        raise ValueError(f"level and n: want 0 < level < 1 and n >= 1, got {level} and {n}")
    size = len(value)
    if not size:
        return NAN, NAN
    rng, step = np.random.default_rng(seed), max(1, (1 << 22) // size)  # so many at once, to bound memory
    means = [
        value[rng.integers(size, size=(min(step, n - i), size), dtype=np.int32)].mean(axis=1)
        for i in range(0, n, step)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def markdown(cells: list[list[str]], caption: str) -> str:
    """A table, first row on top, and words below it. What stands in a cell cannot break it.

    Numbers stand on the right of their column, words, and the first column, on the left.

    >>> print(markdown([["method", "mAP", "verdict"], ["a|b", "nan", "holds"]], "By hand."))
    | method | mAP | verdict |
    | :--- | ---: | :--- |
    | a\\|b | nan | holds |
    <BLANKLINE>
    By hand.
    <BLANKLINE>
    """
    head, *rows = [[html.escape(cell).replace("|", "\\|") for cell in row] for row in cells]
    wordy = [any(row[i][:1].isalpha() and row[i] != "nan" for row in rows) or not i for i in range(len(head))]
    lines = [head, [":---" if words else "---:" for words in wordy], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{html.escape(caption)}\n"


def _mean(value: NDArray[np.float64]) -> float:
    known = value[np.isfinite(value)]
    return float(known.mean()) if len(known) else NAN


def _plain(value: NDArray[np.float64]) -> list[float | None]:
    return [None if np.isnan(v) else v for v in value.tolist()]
