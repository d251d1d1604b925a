"""Results side by side, if they were measured in the same way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .protocol import Protocol, told
from .result import markdown


@dataclass(frozen=True, eq=False)
class Comparison:
    """Results side by side; each row holds a method's name and its numbers."""

    rows: list[dict[str, Any]]
    caption: str

    def _cells(self) -> list[list[str]]:
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        show = [[f"{v:.4f}" if isinstance(v, float) else str(v) for v in (row.get(c, "") for c in columns)]
                for row in self.rows]  # fmt: skip
        return [columns, *show]

    def __str__(self) -> str:
        cells = self._cells()
        wide = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        lines = ("  ".join(c.ljust(w) for c, w in zip(row, wide, strict=True)).rstrip() for row in cells)
        return "\n".join([*lines, self.caption])

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return markdown(self._cells(), self.caption)


def compare(
    results: Mapping[str, Any] | Sequence[Any], *, metrics: Sequence[str] | None = None, mixed: bool = False
) -> Comparison:
    """Put results in one table, if they were measured in the same way.

    Args:
        results: name -> result, or results to be numbered. Each needs its ``protocol``.
        metrics: columns; then results may have been measured with more metrics than these.
        mixed: allow different protocols; each row then says its own.
    """
    named = dict(results) if isinstance(results, Mapping) else {str(i + 1): r for i, r in enumerate(results)}
    if not named:
        raise ValueError("results: want at least one")
    if alone := [name for name, r in named.items() if not isinstance(r.protocol, Protocol)]:
        raise ValueError(
            f"results: {', '.join(alone)} without a protocol; score(..., protocol=...) keeps one"
        )
    columns = tuple(metrics or dict.fromkeys(m for r in named.values() for m in r.protocol.metrics))
    protocols = {name: r.protocol for name, r in named.items()}
    if metrics:
        protocols = {name: replace(p, metrics=columns) for name, p in protocols.items()}
    first, *others = protocols.items()
    for name, protocol in others:
        if (wrong := first[1].differences(protocol)) and not mixed:
            raise ValueError(
                f"{first[0]!r} and {name!r} were not measured in the same way: {told(wrong)}. "
                "mixed=True puts them in one table in which each row says its protocol"
            )
    rows = []
    for name, r in named.items():
        row = {"method": name} | {m: r.protocol.mean(r, m) for m in columns if m in r.metrics}
        rows.append(row | ({"protocol": str(r.protocol)} if mixed else {}))
    return Comparison(rows, "Protocols differ; see each row." if mixed else str(first[1]))
