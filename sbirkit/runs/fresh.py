"""Methods trained afresh beside those that came with the repository: what is measured, and how they compare.

``python -m sbirkit.runs.fresh LABEL SEED PROFILE FOLDER`` trains and measures one; `make reproduce` calls it.
"""

import json
import math
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbirkit.runs.rows import COLUMNS

TWO_DRAWS = 1.96 * math.sqrt(2)  # 95 % of the differences of two draws are smaller, in deviations


@dataclass(frozen=True, slots=True)
class Row:
    """A method's numbers, fresh and shipped: ``{column: (fresh, shipped or None)}``."""

    label: str
    seed: int
    numbers: Mapping[str, tuple[float, float | None]]
    seconds: float


def numbers(folder: Path) -> dict[str, float]:
    """The numbers on a record, by heading of :data:`COLUMNS`, of the best weights on its own benchmark."""
    metrics, params = (json.loads((folder / f"{name}.json").read_text()) for name in ("metrics", "params"))
    digest = params["benchmark"]["digest"]
    own = {
        one["setting"]: one["metrics"]
        for one in metrics["results"]
        if (one["benchmark"], one["weights"], one["verb"]) == (digest, "best", "embed")
    }
    found = {heading: own.get(setting, {}).get(metric) for heading, setting, metric in COLUMNS}
    return {
        heading: value["harmonic"] if isinstance(value, dict) else value
        for heading, value in found.items()
        if value is not None
    }


def rows(records: Path, shipped: Path | None, *, split: str = "unseen-16") -> list[Row]:
    """A row for each record in a folder, beside the shipped one of the same label and seed."""
    found = []
    for path in sorted(records.glob(f"*_{split}_s*/metrics.json")):
        label, _, seed = path.parent.name.rsplit("_", 2)
        other = shipped / path.parent.name if shipped else None
        there = numbers(other) if other and (other / "metrics.json").is_file() else {}
        mine = {heading: (value, there.get(heading)) for heading, value in numbers(path.parent).items()}
        manifest = json.loads((path.parent / "manifest.json").read_text())
        found.append(Row(label, int(seed[1:]), mine, manifest["seconds"]))
    return sorted(found, key=lambda row: (row.seed, row.label))


def bands(shipped: Path | None, *, split: str = "unseen-16") -> dict[str, float]:
    r"""How far a fresh number may lie from the shipped one: as far as another seed's would, 95 times in 100.

    .. math:: 1.96 \sqrt 2 \, s, \qquad s^2 = \frac{\sum_m \sum_i (x_{mi} - \bar x_m)^2}{\sum_m (n_m - 1)}

    over the seeds :math:`i` of the shipped methods :math:`m` that a seed changes. On the same machine a fresh
    run gives the shipped digits; elsewhere, rounding grows to what a seed does.
    """
    of: dict[str, dict[str, list[float]]] = {}
    for path in sorted(shipped.glob(f"*_{split}_s*/metrics.json")) if shipped else ():
        label = path.parent.name.rsplit("_", 2)[0]
        for heading, value in numbers(path.parent).items():
            of.setdefault(heading, {}).setdefault(label, []).append(value)
    return {heading: TWO_DRAWS * _pooled(list(values.values())) for heading, values in of.items()}


def _pooled(groups: Sequence[Sequence[float]]) -> float:
    """The deviation within groups, over those that vary.

    >>> round(_pooled([[1.0, 3.0], [10.0, 12.0], [5.0, 5.0]]), 4)
    1.4142
    """
    moved = [group for group in groups if max(group) > min(group)]
    free = sum(len(group) - 1 for group in moved)
    squares = sum((x - sum(group) / len(group)) ** 2 for group in moved for x in group)
    return math.sqrt(squares / free) if free else 0.0


def judged(records: Path, shipped: Path | None, *, compared: bool) -> Iterator[dict[str, Any]]:
    """One plain dict for each fresh number: method, seed, column, fresh, shipped, band, verdict."""
    band = bands(shipped)
    for row in rows(records, shipped):
        for heading, (fresh, there) in row.numbers.items():
            width = band.get(heading, 0.0)
            verdict = "new" if there is None else "not compared"
            if there is not None and compared:
                verdict = "agrees" if abs(fresh - there) <= width else "differs"
            yield {"method": row.label, "seed": row.seed, "column": heading, "fresh": fresh,
                   "shipped": there, "band": width, "verdict": verdict}  # fmt: skip


def ends_with_parent() -> None:
    """This process ends when the one that started it is gone, however that died."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(argv: Sequence[str] | None = None) -> int:
    """Train and measure one row; its record goes to the folder, the run to ``SBIRKIT_FRESH``."""
    from sbirkit.runs import standings

    label, seed, profile, out = sys.argv[1:] if argv is None else argv
    print(standings.measure(label, "unseen-16", int(seed), profile, Path(out), keep_weights=False))
    return 0


if __name__ == "__main__":
    ends_with_parent()
    raise SystemExit(main())
