"""What a measurement leaves: a small object with every number by its full name, and how far to trust it."""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

RECALL_LEVELS = np.linspace(0, 1, 101)


@dataclass(frozen=True, eq=False)
class Result:
    """Scores of every query. ``result["mAP@all"]`` is the mean over queries (micro).

    Attributes:
        values: metric name -> ``(Q,)`` score per query; nan where a query has no relevant item.
        y_query: ``(Q,)`` index into ``classes``.
        protocol: what was measured. distance, ties: how. counts: of queries, gallery, classes, and how many queries
            have nothing relevant in the gallery or equal scores that the tie rule decides.
        notes: whatever a reader must know to compare the numbers.
        top: ``(Q, k)`` best gallery items. top_classes: their classes.
        curve: ``(Q, 101)`` interpolated precision at recall 0, 0.01, ... 1; where scores tie, of one random order.
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
        """Class -> mean over its queries, for classes with a measured query."""
        value = self.per_query(name)
        known = np.isfinite(value)
        total = np.bincount(self.y_query[known], value[known], len(self.classes))
        n = np.bincount(self.y_query[known], minlength=len(self.classes))
        return {self.classes[c]: float(total[c] / n[c]) for c in np.flatnonzero(n)}

    def macro(self, name: str) -> float:
        """Mean over classes of the class means."""
        return _mean(np.array(list(self.per_class(name).values())))

    def interval(
        self, name: str, *, over: Literal["queries", "classes"] = "queries", level: float = 0.95, n: int = 1000,
        seed: int = 0,
    ) -> tuple[float, float]:  # fmt: skip
        """Bootstrap percentile interval: of the micro mean over queries, or of the macro mean over classes.

        Over queries it tells how far other sketches of *these* classes would move the number; over classes, how far
        other unseen classes would, which is the wider and usually the honest one.
        """
        if over not in ("queries", "classes"):
            raise ValueError(f"over: want 'queries' or 'classes', got {over!r}")
        if not 0 < level < 1 or n < 1:
            raise ValueError(f"level and n: want 0 < level < 1 and n >= 1, got {level} and {n}")
        value = self.per_query(name) if over == "queries" else np.array(list(self.per_class(name).values()))
        value = value[np.isfinite(value)]
        if not len(value):
            return float("nan"), float("nan")
        rng = np.random.default_rng(seed)
        step = max(1, (1 << 22) // len(value))  # resamples at once, to bound memory
        draws = [
            value[rng.integers(len(value), size=(min(step, n - i), len(value)), dtype=np.int32)].mean(axis=1)
            for i in range(0, n, step)
        ]
        low, high = np.quantile(np.concatenate(draws), [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def table(self) -> list[dict[str, Any]]:
        """One row per metric: micro and macro mean with intervals, and the queries it stands on."""
        return [
            {
                "metric": name,
                "micro": self[name],
                "over queries": self.interval(name),
                "macro": self.macro(name),
                "over classes": self.interval(name, over="classes"),
                "queries": int(np.isfinite(self.values[name]).sum()),
            }
            for name in self.values
        ]

    def sentence(self) -> str:
        """What the numbers stand on."""
        c = self.counts
        what = str(self.protocol) if self.protocol is not None else (
            f"{c['queries']:,} queries of {c['classes']:,} classes against {c['gallery']:,} gallery items"
        )  # fmt: skip
        parts = [what, self.distance, f"ties {self.ties}"]
        if c["without_relevant"]:
            parts.append(f"{c['without_relevant']:,} queries without a relevant item left out")
        if c["tied"]:
            parts.append(f"{c['tied']:,} queries with ties that matter")
        return "; ".join(parts + self.notes)

    def _cells(self) -> list[list[str]]:
        rows = [["metric", "micro", "95 % over queries", "macro", "95 % over classes", "queries"]]
        for row in self.table():
            spans = ("{:.4f} – {:.4f}".format(*row[key]) for key in ("over queries", "over classes"))
            rows.append([row["metric"], f"{row['micro']:.4f}", next(spans), f"{row['macro']:.4f}", next(spans),
                         f"{row['queries']:,}"])  # fmt: skip
        return rows

    def _repr_markdown_(self) -> str:
        head, *rows = ([cell.replace("|", "\\|") for cell in row] for row in self._cells())
        lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
        return (
            "\n".join("| " + " | ".join(line) + " |" for line in lines)
            + f"\n\n{html.escape(self.sentence())}\n"
        )

    def _repr_html_(self) -> str:
        head, *rows = ([html.escape(cell) for cell in row] for row in self._cells())
        body = "".join(
            f'<tr><th scope="row">{row[0]}</th>' + "".join(f"<td>{v}</td>" for v in row[1:]) + "</tr>"
            for row in rows
        )
        top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
        return (
            f"<table><caption>{html.escape(self.sentence())}</caption>"
            f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
        )

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} {self[name]:.4f}" for name in self.values)
        return f"<Result {numbers}; {self.sentence()}>"

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers for JSON; nan becomes None. The curve is kept as its mean per class."""
        return {
            "schema": 1,
            "values": {k: [None if v != v else v for v in a.tolist()] for k, a in self.values.items()},
            "y_query": self.y_query.tolist(),
            "classes": self.classes,
            "protocol": None if self.protocol is None else str(self.protocol),
            "distance": self.distance,
            "ties": self.ties,
            "counts": self.counts,
            "seconds": round(self.seconds, 3),
            "notes": self.notes,
            "top": self.top.tolist(),
            "top_classes": self.top_classes.tolist(),
            "curve": [[None if v != v else round(v, 5) for v in row] for row in self.curve.tolist()],
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Result":
        """The inverse of :meth:`to_dict`; the protocol comes back as its sentence."""
        if saved.get("schema") != 1:
            raise ValueError(f"Result.from_dict: want schema 1, got {saved.get('schema')!r}; measure again")
        known = {
            k: saved[k] for k in ("classes", "protocol", "distance", "ties", "counts", "seconds", "notes")
        }
        whole = {k: np.array(saved[k], np.int64) for k in ("y_query", "top", "top_classes")}
        values = {k: np.array(v, np.float64) for k, v in saved["values"].items()}
        return cls(values=values, curve=np.array(saved["curve"], np.float32), **whole, **known)

    def to_json(self) -> str:
        """One line of JSON, the same for the same result."""
        return json.dumps(self.to_dict(), sort_keys=True, allow_nan=False)


def _mean(value: NDArray[np.float64]) -> float:
    known = value[np.isfinite(value)]
    return float(known.mean()) if len(known) else float("nan")
