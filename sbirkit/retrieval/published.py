"""Numbers that papers printed, each with its source, and with a flag where two sources disagree.

They stand in ``published.csv``, for plotting beside one's own. Most come from later papers' comparison
tables, and rows of one column often stand for different splits and different formulas: read
``split``, ``variant``, ``conflict`` and ``warning`` before comparing anything.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

SOURCES = {
    "S": "SpLIP (ECCV 2024), table images of its project page",
    "P": "PSKD (ACM MM 2022), table images of its repository",
    "M": "MDVAE (SIGIR 2022 submission), table image of its repository",
    "F": "SketchFusion (CVPR 2025), tables as converted to text",
    "U": "UNION, README of its repository",
    "A": "ACNet, README of leftthomas/ACNet",
    "C": "ClipPrompt, README of leftthomas/ClipPrompt, a re-implementation of CLIP-AT",
    "I": "issue 9 of aneeshan95/Sketch_LVM, a user's re-run of CLIP-AT",
    "W": "wizwand, a leaderboard site",
}


@dataclass(frozen=True, slots=True)
class Published:
    """One printed number, in per cent.

    ``metric`` is the name it was printed under, ``variant`` the formula of the method's public evaluation
    code where that was read ("unknown" elsewhere). ``sources`` are letters of :data:`SOURCES`; where
    ``sure_source`` is false the number comes from one of them and it is not on record from which.
    ``conflict`` is true for every row whose key has another value elsewhere in the table.
    ``warning`` is "lenient-or-swapped" for an mAP@200 above its own P@200, which the strict formula
    cannot give where each class has 200 photos or more, and "columns-swapped" where the columns of the
    source look exchanged.
    """

    method: str
    year: int | None
    venue: str
    dim: str
    setting: str
    dataset: str
    classes: int | None
    split: str
    metric: str
    variant: str
    value: float
    sources: tuple[str, ...]
    sure_source: bool
    conflict: bool
    warning: str
    note: str

    @property
    def key(self) -> tuple[object, ...]:
        """What two rows must share to be about the same number."""
        return (self.method, self.dim, self.setting, self.dataset, self.classes, self.metric)


@cache
def _rows() -> tuple[Published, ...]:
    text = resources.files("sbirkit.retrieval").joinpath("published.csv").read_text(encoding="utf-8")
    return tuple(_read(row) for row in csv.DictReader(text.splitlines()))


def _read(row: dict[str, str]) -> Published:
    plain = {name: row[name] for name in ("method", "venue", "dim", "setting", "dataset", "split", "metric")}
    return Published(
        **plain,
        variant=row["variant"],
        warning=row["warning"],
        note=row["note"],
        year=int(row["year"]) if row["year"] else None,
        classes=int(row["classes"]) if row["classes"] else None,
        value=float(row["value"]),
        sources=tuple(row["source"].replace("|", ";").split(";")),
        sure_source="|" not in row["source"],
        conflict=row["conflict"] == "yes",
    )


def published_numbers(
    method: str | None = None,
    dataset: str | None = None,
    *,
    metric: str | None = None,
    setting: str | None = None,
    split: str | None = None,
    classes: int | None = None,
) -> list[Published]:
    """Rows of the table that match every argument given (names without regard to case).

    Settings are "zs", "gzs", "fg", "binary" and "cross-dataset".

    >>> [(row.value, row.sources) for row in published_numbers("CLIP-AT", metric="mAP@200", setting="zs")]
    [(72.3, ('S', 'F')), (71.3, ('U',))]
    """
    wanted = {"method": method, "dataset": dataset, "metric": metric, "setting": setting, "split": split}
    rows = list(_rows())
    for name, value in wanted.items():
        if value is None:
            continue
        known = sorted({getattr(row, name) for row in rows if getattr(row, name)}, key=str.lower)
        if str(value).lower() not in [text.lower() for text in known]:
            raise ValueError(
                f"{name}={value!r}: no such row among the published numbers; choose from {known}"
            )
        rows = [row for row in rows if getattr(row, name).lower() == value.lower()]
    return [row for row in rows if classes is None or row.classes == classes]
