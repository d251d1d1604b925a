"""One model, many numbers: what each defect of a protocol makes of the same embeddings."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sbirkit.models.method import Method
from sbirkit.retrieval import Protocol, evaluate_embeddings, fit_itq, score
from sbirkit.retrieval.selection import select
from sbirkit.training.evaluation import embed_rows

if TYPE_CHECKING:
    from sbirkit.data import Benchmark

METRICS = ("mAP@all", "mAP@all-voc", "mAP@50-strict", "mAP@50-lenient", "mAP@50-by-k", "mAP@50-over-r",
           "P@50", "P@100")  # fmt: skip
REPEATED = 0.2  # of each class's photos: Sketchy's lists have the 12,500 originals twice, of 60,502
FITTED = 1_500  # training pictures of each modality that codes are fitted on


def protocol(method: Method, bench: "Benchmark", *, size: int, seed: int = 0) -> dict[str, float]:
    """The same embeddings under protocols that were published, and under ours.

    ``mAP@50``: a photo's class has 100 photos here, so a cut at 50 is to them what a cut at 200 is to the
    published galleries. ``repeated``: a fifth of the photos stands in the gallery twice. ``macro``: mean over
    classes. ``codes``: as many bits as the embedding has numbers, fitted on training pictures (``clean``), or
    on the test queries, each modality centred on its own (``transductive``). ``seen``: held-out pictures of
    training classes.
    """
    how = Protocol.of(bench, metrics=("mAP@all",))
    rows = select(bench, how)
    rng = np.random.default_rng(seed)
    fitted = [_some(bench, "sketch", rng), _some(bench, "photo", rng)]
    every = np.unique(np.concatenate([rows.query, rows.gallery, *fitted]))
    vectors = embed_rows(method, bench.catalogue, every, size=size)
    q, g, *known = (vectors[np.searchsorted(every, part)] for part in (rows.query, rows.gallery, *fitted))
    plain = score(q, g, rows.y_query, rows.y_gallery, metrics=METRICS)
    found = {name: float(plain[name]) for name in METRICS}
    found["mAP@all-macro"] = float(plain.macro("mAP@all"))
    again = np.concatenate([np.arange(len(g)), repeated(rows.y_gallery)])
    twice = score(q, g[again], rows.y_query, rows.y_gallery[again], metrics=("mAP@all", "P@50", "P@100"))
    found |= {f"{name}-repeated": float(twice[name]) for name in twice.metrics}
    coded = f"codes{vectors.shape[1]}"
    coder = fit_itq(*known, bits=vectors.shape[1], seed=seed)
    for name, codes, fit in (("clean", "itq", coder), ("transductive", "itq-transductive", None)):
        how = Protocol.of(bench, coded, codes=codes, metrics=("mAP@all",))
        how = replace(how, seed=0)
        found[f"codes-{name}"] = float(
            evaluate_embeddings((every, vectors), bench, how, coder=fit)["mAP@all"]
        )
    return found


def repeated(y_gallery: NDArray[Any]) -> NDArray[np.int64]:
    """Which photos stand in the gallery a second time: the first fifth of each class."""
    chosen = [np.flatnonzero(y_gallery == label) for label in np.unique(y_gallery)]
    return np.concatenate([mine[: round(REPEATED * len(mine))] for mine in chosen])


def _some(bench: "Benchmark", modality: str, rng: np.random.Generator) -> NDArray[np.int64]:
    mine = bench.train[bench.catalogue.column("modality")[bench.train] == modality]
    return np.sort(rng.choice(mine, min(FITTED, len(mine)), replace=False))
