"""The runs on disk: list them, compare them.

>>> compare(runs())  # doctest: +SKIP
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sbirkit import paths
from sbirkit.retrieval.comparison import Comparison
from sbirkit.training.run import Run

__all__ = ["Run", "compare", "runs"]


def runs(folder: str | Path | None = None) -> list[Run]:
    """All finished runs in a folder, by default ``sbirkit.paths.runs()``, by name."""
    folder = paths.runs() if folder is None else Path(folder)
    return [Run.open(path.parent) for path in sorted(folder.glob("*/metrics.json")) if _finished(path.parent)]


def compare(
    chosen: Sequence[Run],
    *,
    settings: Sequence[str] = ("zs", "gzs-separate", "codes64", "fg-across-classes"),
    metrics: Sequence[str] = ("mAP@all", "Acc@1"),
) -> Comparison:
    """A row for each run: where its parameters differ from another's, and its numbers.

    Numbers are those of the best weights on the run's own benchmark; a generalised one is the harmonic mean.
    """
    if not chosen:
        raise ValueError("chosen: want at least one run")
    flat = [_flat({k: run.params[k] for k in ("method", "train", "benchmark")}) for run in chosen]
    names = [name for name in dict.fromkeys(k for one in flat for k in one) if not _equal(flat, name)]
    keep = [name for name in names if not name.endswith(("digest", "benchmark.classes"))]
    rows = []
    for run, params in zip(chosen, flat, strict=True):
        row: dict[str, Any] = {"run": run.path.name} | {k.rpartition(".")[2]: params.get(k, "") for k in keep}
        best = run.metrics["selection"]["best"]
        row |= {"selection": "" if best["mAP@all"] is None else best["mAP@all"], "steps": best["steps"]}
        for setting in settings:
            measured = run.number(setting)
            row |= {f"{setting} {name}": measured[name] for name in metrics if name in measured}
        rows.append(row | {"seconds": run.manifest["seconds"]})
    others = len({run.params["benchmark"]["digest"] for run in chosen})
    same = "the same benchmark" if others == 1 else f"{others} different benchmarks: compare with care"
    return Comparison(rows, f"{len(rows)} runs on {same}; weights chosen on selection classes.")


def _finished(path: Path) -> bool:
    return not path.name.endswith(".partial") and (path / "manifest.json").is_file()


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` -> ``{"a.b": 1}``; a recipe's ``arguments`` are left out of the name."""
    if not isinstance(value, Mapping):
        return {name: value if isinstance(value, str | int | float | None) else str(value)}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= _flat(inner, name if key == "arguments" else f"{name}.{key}".lstrip("."))
    return found


def _equal(flat: Sequence[Mapping[str, Any]], name: str) -> bool:
    return all(one.get(name) == flat[0].get(name) for one in flat)
