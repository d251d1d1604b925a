"""From a method to numbers. Each look at unseen classes leaves a line in the run's folder."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sbirkit.data.augment import Augment
from sbirkit.data.leaks import LeakError
from sbirkit.data.loading import _stored
from sbirkit.models.method import Method
from sbirkit.retrieval import Generalised, Protocol, Result, evaluate_embeddings

from .run import Run, Which

if TYPE_CHECKING:
    from sbirkit.data import Benchmark, Catalogue

SETTINGS = ("zs", "seen", "gzs-separate", "codes64", "fg-across-classes")


@torch.inference_mode()
def embed_rows(
    method: Method,
    catalogue: "Catalogue",
    rows: np.ndarray,
    *,
    size: int,
    batch: int = 256,
    verb: str = "embed",
) -> np.ndarray:
    """``(len(rows), dim)`` float32 embeddings of pictures, without augmentation, in evaluation mode.

    Args:
        verb: the method's verb to embed with, where it has another than ``embed``.
    """
    device = next(method.parameters()).device
    training, embed = method.training, getattr(method, verb)
    is_sketch = catalogue.column("modality")[rows] == "sketch"
    out: np.ndarray | None = None
    method.eval()
    try:
        for modality, mine in (("sketch", np.flatnonzero(is_sketch)), ("photo", np.flatnonzero(~is_sketch))):
            pixels = np.asarray(catalogue.pixels(modality, _stored(catalogue.sizes, size)))
            for some in np.split(mine, range(batch, len(mine), batch)) if len(mine) else ():
                which = catalogue.position[rows[some]]
                pictures = torch.from_numpy(
                    Augment()(pixels, np.random.default_rng(0), size=size, which=which)
                )
                images = pictures[:, None] if modality == "sketch" else pictures.permute(0, 3, 1, 2)
                vectors = embed(images.to(device), modality).float().cpu().numpy()
                out = np.empty((len(rows), vectors.shape[1]), np.float32) if out is None else out
                out[some] = vectors
    finally:
        method.train(training)
    return np.empty((0, method.dim), np.float32) if out is None else out


def evaluate(
    source: Run | Method,
    bench: "Benchmark",
    settings: Sequence[str] | None = None,
    *,
    weights: Which = "best",
    size: int | None = None,
    verb: str = "embed",
    device: torch.device | str | None = None,
) -> dict[str, Result | Generalised]:
    """Measure a run, or a method, on the unseen classes.

    Args:
        settings: protocols, see :data:`.retrieval.protocol.SETTINGS`, and ``"seen"``, held-out sketches and
            photos of training classes among themselves; by default those of :data:`SETTINGS` that the
            benchmark and the width of the embedding allow.
        weights: of a run: ``"best"`` on the selection classes, or ``"last"``.
        size: side of the pictures; by default the one that the run was trained at.
        verb: which of the method's ways to embed, if it has several.
        device: where a run is measured; a method stays where it is.

    Returns:
        A result for each setting. A run also keeps them, in ``metrics.json`` and ``looks.jsonl``.
    """
    if isinstance(source, Run):
        if seen := sorted(set(source.params["benchmark"]["classes"]) & set(bench.unseen_classes)):
            raise LeakError(
                f"bench: {source.path.name} was trained on these unseen classes: {', '.join(seen)}"
            )
        method = source.method(which=weights).to(device or default_device())
        size = size or source.params["train"]["size"]
    else:
        method, size = source, size or min(bench.catalogue.sizes)
    settings = [s for s in SETTINGS if _allows(bench, method, s)] if settings is None else list(settings)
    coded = any(s.startswith("codes") for s in settings)  # a coder is fitted on training pictures
    rows = np.unique(
        np.concatenate([bench.unseen, bench.seen_test, bench.train if coded else bench.train[:0]])
    )
    vectors = embed_rows(method, bench.catalogue, rows, size=size, verb=verb)
    found = {
        s: evaluate_embeddings(
            (rows, vectors), bench, Protocol.of(bench, part="seen_test") if s == "seen" else s
        )
        for s in settings
    }
    if isinstance(source, Run):
        where = {"benchmark": bench.digest, "weights": weights, "verb": verb}
        results = [
            where | {"setting": s, "protocol": str(r.protocol), "metrics": _numbers(r)}
            for s, r in found.items()
        ]
        line = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "on": repr(bench),
            "results": results,
        }
        with (source.path / "looks.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
        source.keep(results)
    return found


def default_device() -> str:
    """A GPU where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def _allows(bench: "Benchmark", method: Method, setting: str) -> bool:
    if setting.startswith("gzs") or setting == "seen":
        return len(bench.seen_test) > 0
    if setting.startswith("codes"):
        return method.dim >= int(setting.removeprefix("codes"))
    named = bench.catalogue.column("instance") != ""
    return not setting.startswith("fg") or all(
        named[rows].any() for rows in (bench.queries(), bench.gallery_rows())
    )


def _numbers(result: Result | Generalised) -> dict[str, Any]:
    """Metric -> number, for JSON; three numbers where seen and unseen queries are apart."""
    if isinstance(result, Generalised):
        return {row.pop("metric"): {k: _plain(v) for k, v in row.items()} for row in result.table()}
    return {name: _plain(result[name]) for name in result.metrics}


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
