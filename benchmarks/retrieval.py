"""How fast is evaluation? ``python -m benchmarks.retrieval [--shape S M codes] [--full | --quick]``.

Every contender starts from embeddings and ends with numbers, score matrix included, side by side in one run.
sbirkit gives mAP@all, mAP@200, P@100 and P@200 (or every variant); what the others give stands beside their
names. Loops "in the manner of" a repository are ours, written from its description: the same work in the same
order, none of its lines. Slow contenders run on some of the queries, and their time and memory are scaled up:
the table says so. Peers that are not installed are left out, and named.

Printed as tables; kept as JSON and a picture in ``build/benchmarks``.
"""

import argparse
import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks._measure import Row, compare, machine, peak_memory
from sbirkit import paths
from sbirkit.retrieval import score

SHAPES = {  # queries, gallery, dimensions (or bits), classes
    "XS": (200, 300, 32, 5),
    "S": (2_000, 3_000, 128, 25),
    "M": (12_000, 17_000, 512, 25),
    "codes": (12_000, 17_000, 64, 25),
    "QuickDraw-Ext": (92_291, 54_151, 512, 30),
}
OURS, FLOOR = "sbirkit", "matrix product alone"
EVERY = (
    "mAP@all", "mAP@all-voc", "mAP@200-strict", "mAP@200-strict-voc", "mAP@200-lenient", "mAP@200-by-k",
    "mAP@200-over-r", "P@100", "P@200", "P@200-min", "recall@200", "nDCG@all", "nDCG@200", "R-precision",
    "MRR",
)  # fmt: skip
AIMS = {  # at least so many times our time
    "M": {
        "manner of SAKE, DSN, ACNet": 40,
        "manner of ZSE-SBIR": 30,
        "manner of SEM-PCYC": 60,
        "scikit-learn": 8,
        "pytorch-metric-learning": 8,
        "torchmetrics": 8,
        "numpy argsort": 1.7,
    },
    "codes": {"manner of DSN": 60, "cdist, scikit-learn": 25},
}


@dataclass
class World:
    """Embeddings with a class structure, so that scores look like real ones."""

    query: np.ndarray
    gallery: np.ndarray
    y_query: np.ndarray
    y_gallery: np.ndarray
    answers: dict[str, float] = field(default_factory=dict)  # contender -> mAP@all over its queries

    @classmethod
    def make(cls, q: int, g: int, d: int, classes: int, *, codes: bool) -> "World":
        rng = np.random.default_rng(0)
        centres = rng.standard_normal((classes, d), np.float32) * 0.25
        y_query, y_gallery = rng.integers(0, classes, q), rng.integers(0, classes, g)
        sides = [centres[y] + rng.standard_normal((len(y), d), np.float32) for y in (y_query, y_gallery)]
        if codes:
            return cls(*(np.packbits(x > 0, axis=1) for x in sides), y_query, y_gallery)
        return cls(*(x / np.linalg.norm(x, axis=1, keepdims=True) for x in sides), y_query, y_gallery)

    def part(self, n: int) -> "World":
        return World(self.query[:n], self.gallery, self.y_query[:n], self.y_gallery, self.answers)

    @property
    def relevant(self) -> np.ndarray:
        return self.y_query[:, None] == self.y_gallery


# Contenders: each takes a World and gives mAP@all, or None where it measures less


def ours(w: World) -> float:
    return score(w.query, w.gallery, w.y_query, w.y_gallery)["mAP@all"]


def ours_every(w: World) -> float:
    return score(w.query, w.gallery, w.y_query, w.y_gallery, metrics=EVERY)["mAP@all"]


def ours_codes(w: World) -> float:
    return score(w.query, w.gallery, w.y_query, w.y_gallery, distance="hamming", ties="grouped")["mAP@all"]


def product(w: World) -> None:
    for i in range(0, len(w.query), 256):
        w.query[i : i + 256] @ w.gallery.T


def numpy_argsort(w: World) -> float:
    total, places = 0.0, np.arange(1, len(w.gallery) + 1)
    for i in range(0, len(w.query), 256):
        order = np.argsort(-(w.query[i : i + 256] @ w.gallery.T), axis=1)
        hit = w.y_gallery[order] == w.y_query[i : i + 256, None]
        total += ((hit.cumsum(axis=1) / places * hit).sum(axis=1) / hit.sum(axis=1)).sum()
    return total / len(w.query)


def faiss_flat(w: World) -> None:
    import faiss

    index = faiss.IndexFlatIP(w.gallery.shape[1])
    index.add(w.gallery)
    _, found = index.search(w.query, 200)
    hit = w.y_gallery[found] == w.y_query[:, None]
    hit.mean(axis=1), (hit.cumsum(axis=1) / np.arange(1, 201) * hit).sum(axis=1)


def sklearn_loop(w: World) -> float:
    from sklearn.metrics import average_precision_score

    scores = w.query @ w.gallery.T
    return float(np.mean([average_precision_score(r, s) for r, s in zip(w.relevant, scores, strict=True)]))


def torchmetrics_map(w: World) -> float:
    import torch
    from torchmetrics.functional.retrieval import retrieval_average_precision

    scores, relevant = torch.from_numpy(w.query @ w.gallery.T + 2), torch.from_numpy(w.relevant)
    return float(np.mean([retrieval_average_precision(s, r) for s, r in zip(scores, relevant, strict=True)]))


def metric_learning(w: World) -> float:
    import torch
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    q, y_q, g, y_g = (torch.from_numpy(x) for x in (w.query, w.y_query, w.gallery, w.y_gallery))
    calculator = AccuracyCalculator(include=("mean_average_precision",), k=len(g), device=torch.device("cpu"))
    return calculator.get_accuracy(q, y_q, g, y_g)["mean_average_precision"]


def ranx_map(w: World) -> float:
    from ranx import Qrels, Run, evaluate

    names = [str(i) for i in range(len(w.gallery))]
    scores = w.query @ w.gallery.T
    queries = [str(i) for i in range(len(w.query))]
    relevant = {q: {names[j]: 1 for j in np.flatnonzero(r)} for q, r in zip(queries, w.relevant, strict=True)}
    run = {q: dict(zip(names, s.tolist(), strict=True)) for q, s in zip(queries, scores, strict=True)}
    return float(evaluate(Qrels.from_dict(relevant), Run.from_dict(run), "map"))


def enveloped_ap(scores: np.ndarray, relevant: np.ndarray, k: int | None = None) -> float:
    """One query: sort, cumulate, then raise the precision to its right maximum item by item in Python."""
    hit = relevant[np.argsort(-scores)][:k]
    found = np.cumsum(hit)
    recall = np.concatenate([[0.0], found / min(relevant.sum(), len(hit)), [1.0]])
    precision = np.concatenate([[0.0], found / np.arange(1, len(hit) + 1), [0.0]])
    for i in range(len(precision) - 1, 0, -1):
        precision[i - 1] = max(precision[i - 1], precision[i])
    step = np.flatnonzero(recall[1:] != recall[:-1])
    return float(np.sum((recall[step + 1] - recall[step]) * precision[step + 1]))


def precision_at(scores: np.ndarray, relevant: np.ndarray, k: int) -> float:
    return float(relevant[np.argsort(-scores)][:k].mean())


def four_passes(scores: np.ndarray, relevant: np.ndarray, each: Callable[..., Any]) -> None:
    each(enveloped_ap, scores, relevant, None)
    each(enveloped_ap, scores, relevant, 200)
    each(precision_at, scores, relevant, 100)
    each(precision_at, scores, relevant, 200)


def in_turn(
    measure: Callable[..., float], scores: np.ndarray, relevant: np.ndarray, k: int | None
) -> list[float]:
    return [measure(s, r, k) for s, r in zip(scores, relevant, strict=True)]


def in_processes(
    measure: Callable[..., float], scores: np.ndarray, relevant: np.ndarray, k: int | None
) -> None:
    from joblib import Parallel, delayed

    Parallel(n_jobs=2)(delayed(measure)(s, r, k) for s, r in zip(scores, relevant, strict=True))


def like_sake(w: World) -> None:
    from scipy.spatial.distance import cdist

    four_passes(-cdist(w.query, w.gallery), w.relevant, in_turn)


def like_zse(w: World) -> None:
    four_passes(w.query @ w.gallery.T, w.relevant, in_processes)


def sklearn_ap(scores: np.ndarray, relevant: np.ndarray, k: int | None = None) -> float:
    from sklearn.metrics import average_precision_score

    order = np.argsort(-scores)[:k]
    return average_precision_score(relevant[order], scores[order]) if relevant[order].any() else 0.0


def set_precision(scores: np.ndarray, relevant: np.ndarray, k: int) -> float:
    return len(set(np.argsort(-scores)[:k].tolist()) & set(np.flatnonzero(relevant).tolist())) / k


def like_sem_pcyc(w: World) -> None:
    from scipy.spatial.distance import cdist

    scores, relevant = np.exp(-cdist(w.query, w.gallery)), w.relevant.astype(np.int64)
    for measure, k in ((sklearn_ap, None), (sklearn_ap, 200), (set_precision, 100), (set_precision, 200)):
        in_processes(measure, scores, relevant, k)


def bits(w: World) -> tuple[np.ndarray, np.ndarray]:
    return np.unpackbits(w.query, axis=1), np.unpackbits(w.gallery, axis=1)


def codes_like_dsn(w: World) -> None:
    from scipy.spatial.distance import cdist

    four_passes(-cdist(*(b.astype(np.float64) for b in bits(w))), w.relevant, in_turn)


def codes_sklearn(w: World) -> float:
    from scipy.spatial.distance import cdist
    from sklearn.metrics import average_precision_score

    scores = -cdist(*bits(w), "hamming")
    return float(np.mean([average_precision_score(r, s) for r, s in zip(w.relevant, scores, strict=True)]))


NEEDS = {  # contender -> modules; imported first, so that no import is timed or counted as memory
    "faiss flat, k=200": ("faiss",),
    "scikit-learn": ("sklearn.metrics",),
    "torchmetrics": ("torchmetrics.functional.retrieval",),
    "pytorch-metric-learning": ("pytorch_metric_learning.utils.accuracy_calculator", "faiss"),
    "ranx": ("ranx",),
    "cdist, scikit-learn": ("scipy.spatial.distance", "sklearn.metrics"),
    "manner of SAKE, DSN, ACNet": ("scipy.spatial.distance",),
    "manner of DSN": ("scipy.spatial.distance",),
    "manner of ZSE-SBIR": ("joblib",),
    "manner of SEM-PCYC": ("joblib", "scipy.spatial.distance", "sklearn.metrics"),
}


def installed(name: str) -> bool:
    try:
        for module in NEEDS.get(name, ()):
            importlib.import_module(module)
    except ImportError as error:
        print(f"left out {name}: {error}")
        return False
    return True


# name -> contender, queries that it is timed on (0: all of them), what it gives
Contender = tuple[Callable[[World], float | None], int, str]
EMBEDDED: dict[str, Contender] = {
    OURS: (ours, 0, "mAP@all, mAP@200, P@100, P@200"),
    "sbirkit, every variant": (ours_every, 0, f"{len(EVERY)} metrics"),
    FLOOR: (product, 0, "nothing"),
    "numpy argsort": (numpy_argsort, 0, "mAP@all"),
    "faiss flat, k=200": (faiss_flat, 0, "only @200"),
    "scikit-learn": (sklearn_loop, 200, "mAP@all"),
    "torchmetrics": (torchmetrics_map, 200, "mAP@all"),
    "pytorch-metric-learning": (metric_learning, 256, "mAP@all"),
    "ranx": (ranx_map, 40, "mAP@all"),
    "manner of SAKE, DSN, ACNet": (like_sake, 100, "mAP@all, mAP@200, P@100, P@200"),
    "manner of ZSE-SBIR": (like_zse, 200, "the same, 2 processes"),
    "manner of SEM-PCYC": (like_sem_pcyc, 200, "the same, 2 processes"),
}
CODED: dict[str, Contender] = {
    OURS: (ours_codes, 0, "mAP@all, mAP@200, P@100, P@200"),
    "cdist, scikit-learn": (codes_sklearn, 200, "mAP@all"),
    "manner of DSN": (codes_like_dsn, 100, "mAP@all, mAP@200, P@100, P@200"),
}


@dataclass
class Bench:
    """The contenders at one shape, each with its share of the queries."""

    shape: str

    def __post_init__(self) -> None:
        q, g, d, classes = SHAPES[self.shape]
        self.chosen = CODED if self.shape == "codes" else EMBEDDED
        if self.huge:
            self.chosen = {name: EMBEDDED[name] for name in (OURS, FLOOR)}
        self.chosen = {name: one for name, one in self.chosen.items() if installed(name)}
        self.world = World.make(q, g, d, classes, codes=self.shape == "codes")
        self.parts = {name: self.world.part(min(n or q, q)) for name, (_, n, _) in self.chosen.items()}
        self.scale = {name: q / len(part.query) for name, part in self.parts.items()}

    @property
    def huge(self) -> bool:
        return self.shape == "QuickDraw-Ext"

    def call(self, name: str) -> Callable[[], None]:
        def work() -> None:
            answer = self.chosen[name][0](self.parts[name])
            if answer is not None:
                self.world.answers[name] = answer

        return work

    def memory(self) -> dict[str, float]:
        """Bytes above the inputs. Before anything is timed: it forks, and threads do not survive a fork."""
        alone = [name for name, (_, _, gives) in self.chosen.items() if "processes" not in gives]
        return {name: peak_memory(self.call(name)) * self.scale[name] for name in alone}

    def run(self, memory: dict[str, float], *, repeat: int) -> dict[str, Any]:
        calls = {name: self.call(name) for name in self.chosen}
        taken = compare(calls, repeat=1 if self.huge else repeat, warmup=0 if self.huge else 1)
        rows = {
            row.name: Row(row.name, tuple(s * self.scale[row.name] for s in row.seconds)) for row in taken
        }
        lines = []
        for name, row in rows.items():
            answer = self.world.answers.get(name)
            mine = self.chosen[OURS][0](self.parts[name]) if answer is not None and name != OURS else None
            lines.append(
                {
                    "name": name,
                    "gives": self.chosen[name][2],
                    "timed on": len(self.parts[name].query),
                    "seconds": row.median,
                    "ratio": 1 / row.ratio(rows[OURS]),
                    "memory": memory.get(name),
                    "mAP differs by": None if mine is None or answer is None else abs(answer - mine),
                    "aim": AIMS.get(self.shape, {}).get(name),
                }
            )
        q, g, d, _ = SHAPES[self.shape]
        said = {"queries": q, "gallery": g, "dimensions": d, "machine": machine()}
        return {"shape": self.shape, **said, "rows": lines}


def show(found: dict[str, Any]) -> str:
    """One shape as a table in Markdown."""
    unit = "bits" if found["shape"] == "codes" else "dimensions"
    lines = [
        "{shape}: {queries:,} queries x {gallery:,} photos x {dimensions} ".format(**found) + unit,
        "| contender | gives | timed on | s | x ours | aim | MB | mAP differs by |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for r in found["rows"]:
        scaled = "" if r["timed on"] == found["queries"] else f"{r['timed on']} queries, scaled"
        aim = "" if r["aim"] is None else f"{r['aim']} {'met' if r['ratio'] >= r['aim'] else 'MISSED'}"
        memory = "" if r["memory"] is None else f"{r['memory'] / 2**20:,.0f}"
        differs = "" if r["mAP differs by"] is None else f"{r['mAP differs by']:.0e}"
        cells = [
            r["name"],
            r["gives"],
            scaled,
            f"{r['seconds']:.3g}",
            f"{r['ratio']:.2f}",
            aim,
            memory,
            differs,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    floor = next((r for r in found["rows"] if r["name"] == FLOOR), None)
    if floor is not None:
        lines.append(f"\n{OURS} takes {1 / floor['ratio']:.2f}x the time of the {FLOOR} (aim: at most 1.8x).")
    return "\n".join(lines)


def draw(every: list[dict[str, Any]]) -> Any:
    """Times against ours, on a logarithmic axis, one panel for each shape."""
    from matplotlib.figure import Figure

    tall = [len(found["rows"]) for found in every]
    figure = Figure(figsize=(7, 0.9 * len(every) + 0.28 * sum(tall)), layout="constrained", dpi=120)
    axes = figure.subplots(len(every), 1, squeeze=False, height_ratios=tall)[:, 0]
    for ax, found in zip(axes, every, strict=True):
        rows = sorted(found["rows"], key=lambda r: r["ratio"])
        colours = ["#0072B2" if r["name"].startswith(OURS) else "#999999" for r in rows]
        bars = ax.barh([r["name"] for r in rows], [r["ratio"] for r in rows], color=colours)
        ax.bar_label(bars, [f"{r['ratio']:.1f}x  {r['seconds']:.3g} s" for r in rows], padding=4, fontsize=8)
        ax.set(xscale="log", title=f"{found['shape']}: {found['queries']:,} x {found['gallery']:,}")
        ax.set_xlim(right=max(r["ratio"] for r in rows) * 6)
        ax.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("time, as a multiple of sbirkit's")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.retrieval", description=__doc__.splitlines()[0])
    parser.add_argument("--shape", nargs="+", choices=SHAPES, default=["S", "M", "codes"])
    parser.add_argument("--full", action="store_true", help="also the shape of QuickDraw-Ext (minutes)")
    parser.add_argument("--repeat", type=int, default=3, help="rounds, after one that does not count")
    parser.add_argument("--quick", action="store_true", help="XS, one round: does it run at all?")
    args = parser.parse_args()
    if args.quick:
        args.shape, args.repeat = ["XS"], 1
    shapes = [*args.shape, *(["QuickDraw-Ext"] if args.full else [])]
    benches = [Bench(shape) for shape in dict.fromkeys(shapes)]
    memory = [bench.memory() for bench in benches]
    every = []
    for bench, needed in zip(benches, memory, strict=True):
        every.append(bench.run(needed, repeat=args.repeat))
        print(show(every[-1]), end="\n\n", flush=True)
    print(every[-1]["machine"])
    folder = paths.home() / "benchmarks" / ("quick" if args.quick else "")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "retrieval.json").write_text(json.dumps(every, indent=1) + "\n")
    draw(every).savefig(folder / "retrieval.png")
    print(f"kept in {folder}")


if __name__ == "__main__":
    main()
