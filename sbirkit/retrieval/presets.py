"""What public repositories print as "mAP@all", "mAP@200", "P@100" and "P@200", in sbirkit's own names.

Read from their evaluation code; nothing of it is copied.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .comparison import Comparison
from .scoring import Distance, score
from .ties import Ties

COLUMNS = ("mAP@all", "mAP@200", "P@100", "P@200")


@dataclass(frozen=True, slots=True)
class Preset:
    """How one repository measures.

    ``metrics`` maps a column it prints to the metric it is. ``found`` are the columns whose formula stands in
    code that the repository runs or ships; the others are inferred from its sibling or its paper. ``ties`` is
    the rule of its average precision: "expected" where an unstable sort leaves equal scores to chance.
    ``gallery`` says what its photo lists hold.
    """

    name: str
    metrics: Mapping[str, str]
    found: frozenset[str]
    averaging: Literal["micro", "macro"]
    distance: Distance
    ties: Ties
    gallery: str
    says: str

    def evidence(self, column: str) -> str:
        """ "found" in the code, or "inferred"."""
        return "found" if column in self.found else "inferred"


def _preset(
    name: str, metrics: str, says: str, *, found: str = "all", averaging: Literal["micro", "macro"] = "micro",
    distance: Distance = "cosine", ties: Ties = "expected", gallery: str = "as-published",
) -> Preset:  # fmt: skip
    names = {column: metric for column, metric in zip(COLUMNS, metrics.split(), strict=True) if metric != "-"}
    seen = frozenset(names if found == "all" else found.split())
    return Preset(name, names, seen, averaging, distance, ties, gallery, says)


PRESETS = {
    preset.name: preset
    for preset in (
        _preset(
            "sake",
            "mAP@all-voc mAP@200-strict-voc P@100 P@200",
            "Prints class means only, so the overall number is taken as their mean (inferred). Euclidean "
            "between unit vectors, which orders like cosine. The envelope at K sees the first K only. Its"
            " photo lists hold the original photos twice.",
            averaging="macro",
        ),
        _preset(
            "dsn",
            "mAP@all-voc mAP@200-strict-voc P@100 P@200",
            "SAKE's formulas; prints the mean over classes of class means.",
            averaging="macro",
        ),
        _preset(
            "zse",
            "mAP@all-voc mAP@200-strict-voc P@100-min P@200-min",
            "Divides P@K by min(K, R), after that many photos; mean over queries. Uses SAKE's photo lists.",
        ),
        _preset(
            "ma-sbir",
            "mAP@all-voc mAP@200-strict-voc P@100-min P@200-min",
            "ZSE-SBIR's functions on cosine scores; its photo lists name each photo once. On QuickDraw it"
            " computes mAP@all and P@200 only.",
            gallery="deduplicated",
        ),
        _preset(
            "sem-pcyc",
            "mAP@all mAP@200-lenient P@100 P@200",
            "scikit-learn's average precision of the first K scores, so the divisor is the number of hits"
            " among them; equal scores are one threshold. Euclidean between vectors as they are.",
            distance="euclidean",
            ties="grouped",
            gallery="deduplicated",
        ),
        _preset(
            "doodle2search",
            "mAP@all mAP@200-lenient - P@200",
            "Prints mAP@all. Its mAP@200 stands in commented-out lines and is lenient; the precision "
            "beside it is the relevance of the 201st photo alone, so P@200 goes by the paper's word "
            "(inferred).",
            found="mAP@all mAP@200",
            distance="euclidean",
            ties="grouped",
            gallery="deduplicated",
        ),
        _preset(
            "acnet",
            "mAP@all-voc mAP@200-strict-voc P@100 P@200",
            "SAKE's formulas on cosine distances, mean over queries. Drops TU-Berlin classes with fewer "
            "than 400 photos. Another state of the repository measured with pytorch-metric-learning, no "
            "envelope.",
        ),
        _preset(
            "clip-at",
            "mAP@all - - -",
            "Logs torchmetrics' average precision against one photo drawn for each sketch, so its gallery"
            " has repeats and changes from run to run. Its scores are never positive, and a torchmetrics "
            "that takes such items as irrelevant gives 0.",
            gallery="sampled",
        ),
        _preset(
            "clip-prompt",
            "mAP@all mAP@200-lenient P@100 P@200",
            "A re-implementation of CLIP-AT; torchmetrics with top_k=200 divides by the hits found.",
        ),
        _preset(
            "cvae",
            "- mAP@200-by-k - P@200",
            "Retrieves 200 photos by cosine and divides the sum of precisions at hits by 200.",
            gallery="deduplicated",
        ),
        _preset(
            "ranx",
            "mAP@all mAP@200-over-r P@100 P@200",
            "A library, for comparison: map@200 divides by all relevant photos.",
            gallery="any",
        ),
    )
}


def as_reported(
    query: Any,
    gallery: Any,
    y_query: Any,
    y_gallery: Any,
    *,
    presets: Iterable[str] | None = None,
    distance: Distance | None = "cosine",
    **options: Any,
) -> Comparison:
    """What each repository would have printed for one ranking.

    Args:
        query, gallery, y_query, y_gallery: as for :func:`sbirkit.retrieval.score`.
        presets: names of :data:`PRESETS`, default all.
        distance: one for all, so that only the formulas differ; None takes each repository's own.
        options: of ``score``, such as ``device`` or ``workers``.

    The gallery is taken as given: whether it lists photos twice is the caller's doing, and the column
    ``gallery`` tells what the repository's lists do. Equal scores follow each preset's rule.

    >>> import numpy as np
    >>> x = np.eye(4)
    >>> table = as_reported(x[:2], x, [0, 1], [0, 1, 1, 0], presets=["sake", "sem-pcyc"])
    >>> [row["repository"] for row in table.rows]
    ['sake', 'sem-pcyc']
    """
    names = [presets] if isinstance(presets, str) else list(PRESETS if presets is None else presets)
    if unknown := [name for name in names if name not in PRESETS]:
        raise ValueError(f"presets: unknown {', '.join(unknown)}; there are {', '.join(PRESETS)}")
    results: dict[tuple[str, str], Any] = {}

    def ask(preset: Preset, column: str) -> tuple[Distance, Ties]:
        return distance or preset.distance, preset.ties if column.startswith("mAP") else "expected"

    chosen = [PRESETS[name] for name in names]
    for how in {ask(preset, column) for preset in chosen for column in preset.metrics}:
        metrics = {m: None for preset in chosen for c, m in preset.metrics.items() if ask(preset, c) == how}
        results[how] = score(
            query, gallery, y_query, y_gallery, metrics=list(metrics), distance=how[0], ties=how[1], **options
        )
    rows = []
    for preset in chosen:
        row: dict[str, Any] = {"repository": preset.name} | dict.fromkeys(COLUMNS, "")
        for column, metric in preset.metrics.items():
            result = results[ask(preset, column)]
            row[column] = float(result.macro(metric) if preset.averaging == "macro" else result[metric])
        over = "classes" if preset.averaging == "macro" else "queries"
        rows.append(row | {"mean over": over, "gallery": preset.gallery})
    return Comparison(
        rows, f"One ranking ({distance or 'each own distance'}), read by each repository's formulas."
    )
