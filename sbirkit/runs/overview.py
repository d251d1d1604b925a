"""What the last notebook shows: the numbers of this repository, and of the `make reproduce` it is run by."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbirkit import paths
from sbirkit.runs import fresh, notebooks
from sbirkit.runs.figures import Judged, collect, judge
from sbirkit.runs.rows import COLUMNS, ROWS

if TYPE_CHECKING:
    from sbirkit.retrieval.comparison import Comparison

REPRODUCED = "SBIRKIT_REPRODUCED"  # tells a notebook the folder that it is executed into
LAST = "30_report"


def reproduced() -> Path | None:
    """The folder that `make reproduce` fills now; None where a notebook is read or run by itself."""
    given = os.environ.get(REPRODUCED)
    return Path(given) if given else None


def verdicts() -> Iterator[tuple[str, Judged]]:
    """The name of each notebook with its figures and claims: stored ones, and the fresh ones there are."""
    out = reproduced()
    for path in notebooks.find():
        if path.stem == LAST:
            continue
        executed = out / path.name if out else None
        stored = collect(notebooks.read(path))
        if executed and executed.is_file():
            yield from ((path.stem, one) for one in judge(collect(notebooks.read(executed)), stored))
        else:
            yield from ((path.stem, Judged(None, one, "missing")) for one in stored)


def figures() -> "Comparison":
    """A row for each figure and claim: the fresh value where there is one, the stored one, the verdict."""
    from sbirkit.retrieval.comparison import Comparison

    rows = []
    for notebook, one in verdicts():
        row: dict[str, Any] = {"notebook": notebook, "what": one.record.name}
        row["fresh"] = one.fresh.said if one.fresh else ""
        row |= {
            "stored": one.shipped.said if one.shipped else "",
            "verdict": one.verdict if one.fresh else "",
        }
        rows.append(row)
    how = "Fresh: of this run of `make reproduce`." if reproduced() else "Stored: as this repository came."
    return Comparison(rows, f"{how} ± is the band within which another run has to lie.")


def methods() -> "Comparison":
    """A row for each method: what its record says, the fresh number where there is one, and what it cost."""
    from sbirkit.retrieval.comparison import Comparison

    shipped, out = paths.results(), reproduced()
    there = {row.label: row for row in (fresh.rows(shipped, None) if shipped else ()) if row.seed == 0}
    mine = {row.label: row for row in (fresh.rows(out / "records", None) if out else ()) if row.seed == 0}
    band = fresh.bands(shipped)
    rows = []
    for label in (label for label in ROWS if label in there):
        row: dict[str, Any] = {"method": label}
        for heading in (heading for heading, *_ in COLUMNS if heading in there[label].numbers):
            value = there[label].numbers[heading][0]
            row[heading] = f"{value:.3f}"
            if label in mine and heading in mine[label].numbers:
                new = mine[label].numbers[heading][0]
                agrees = abs(new - value) <= band.get(heading, 0.0)
                row[heading] = f"{new:.3f} (stored {value:.3f}, {'agrees' if agrees else 'differs'})"
        rows.append(row | {"seconds": round(mine.get(label, there[label]).seconds)})
    widths = ", ".join(f"{heading} {width:.3f}" for heading, width in band.items())
    return Comparison(rows, f"unseen-16, seed 0. Another seed lies within, 95 times in 100: {widths}.")
