"""How fast 64-bit codes are measured, and what an index costs and finds.

    python benchmarks/index.py                 # both parts, a few minutes on two cores
    python benchmarks/index.py codes --repeat 5

Loops that go query by query are timed on some queries and scaled to all; the table says on how many. The loop
"as in DSN" is ours, written to do what its published evaluation does, not its code.
"""

import argparse
import time

import numpy as np
from _measure import Row, compare, machine, table
from scipy.spatial.distance import cdist
from sklearn.metrics import average_precision_score

from sbirkit.retrieval import Index, fit_itq, score

METRICS = ("mAP@all", "mAP@200-strict", "P@100", "P@200")


def clustered(n: int, dims: int, classes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """``n`` embeddings in classes of unequal size, like photos of a data set, and their classes."""
    y = rng.choice(classes, n, p=rng.dirichlet(np.full(classes, 4.0)))
    centres = np.random.default_rng(0).normal(size=(classes, dims))
    return (0.6 * centres[y] + rng.normal(size=(n, dims))).astype(np.float32), y


def bits_of(codes: np.ndarray) -> np.ndarray:
    return np.unpackbits(codes.view(np.uint8), axis=1).astype(bool)


def loop_as_in_dsn(q: np.ndarray, g: np.ndarray, y_query: np.ndarray, y_gallery: np.ndarray) -> list[float]:
    """Euclidean distances of booleans, a sort for each metric, the envelope by a Python loop."""
    scores, out = -cdist(q, g), []
    for s, y in zip(scores, y_query, strict=True):
        for top in (None, 200):
            hit = (y_gallery == y)[np.argsort(-s)]
            relevant = hit.sum() if top is None else min(top, hit.sum())
            hit = hit[:top]
            precision = np.append(hit.cumsum() / np.arange(1, len(hit) + 1), 0.0)
            recall = np.append(0.0, hit.cumsum() / relevant)
            for i in range(len(precision) - 2, -1, -1):
                precision[i] = max(precision[i], precision[i + 1])
            steps = [i for i in range(len(hit)) if recall[i + 1] != recall[i]]
            out.append(sum((recall[i + 1] - recall[i]) * precision[i] for i in steps))
        for top in (100, 200):
            out.append((y_gallery == y)[np.argsort(-s)][:top].sum() / top)
    return out


def loop_with_sklearn(
    q: np.ndarray, g: np.ndarray, y_query: np.ndarray, y_gallery: np.ndarray
) -> list[float]:
    """Hamming distances by cdist, average precision by scikit-learn; mAP@all only."""
    scores = -cdist(q, g, metric="hamming")
    return [average_precision_score(y_gallery == y, s) for s, y in zip(scores, y_query, strict=True)]


def measure_codes(args: argparse.Namespace) -> None:
    rng = np.random.default_rng(1)
    x, y_query = clustered(args.queries, 512, 25, rng)
    z, y_gallery = clustered(args.gallery, 512, 25, rng)
    coder = fit_itq(x[:2000], z[:2000], bits=64)
    q, g = coder.encode(x), coder.encode(z)
    bq, bg = bits_of(q), bits_of(g)
    some = {
        "loop as in DSN": (loop_as_in_dsn, 40),
        "cdist + scikit-learn, mAP@all only": (loop_with_sklearn, 200),
    }

    def ours(ties: str) -> None:
        score(q, g, y_query, y_gallery, distance="hamming", metrics=METRICS, ties=ties)

    contenders = {f"sbirkit, ties {ties}": lambda ties=ties: ours(ties) for ties in ("expected", "grouped")}
    contenders |= {
        f"{name} ({n} queries, scaled)": lambda f=f, n=n: f(bq[:n], bg, y_query[:n], y_gallery)
        for name, (f, n) in some.items()
    }
    rows = compare(contenders, repeat=args.repeat)
    scale = [1.0, 1.0, *(args.queries / n for _, n in some.values())]
    rows = [Row(r.name, tuple(s * k for s in r.seconds)) for r, k in zip(rows, scale, strict=True)]
    print(f"\n64-bit codes, {args.queries:,} queries x {args.gallery:,} photos; ratio to the loop as in DSN")
    print(table(rows, baseline=rows[2].name))
    got = score(q[:200], g, y_query[:200], y_gallery, distance="hamming", metrics=["mAP@all"], ties="grouped")
    apart = np.abs(got.per_query("mAP@all") - loop_with_sklearn(bq[:200], bg, y_query[:200], y_gallery)).max()
    print(f"largest difference from scikit-learn, ties grouped: {apart:.1e}")


def measure_indexes(args: argparse.Namespace) -> None:
    rng = np.random.default_rng(2)
    queries, _ = clustered(1000, 128, 200, rng)
    print("\nindexes, 128 dimensions, 1,000 queries, the 10 nearest; recall against exact cosine")
    print(f"{'':34}{'photos':>9}{'build s':>10}{'search s':>10}{'recall':>8}")
    for n in args.sizes:
        gallery, _ = clustered(n, 128, 200, rng)
        exact = Index.build(gallery)
        coder = fit_itq(gallery[:5000], bits=64)
        codes, coded = coder.encode(gallery), coder.encode(queries)
        truth = exact.search(queries, 10)[1]
        choices = {
            "exact": (gallery, queries, {}),
            "flat (FAISS)": (gallery, queries, {"kind": "flat"}),
            "ivfpq, 16 parts": (gallery, queries, {"kind": "ivfpq"}),
            "ivfpq, 16 parts, all lists": (gallery, queries, {"kind": "ivfpq", "probes": 1 << 16}),
            "ivfpq, 32 parts": (gallery, queries, {"kind": "ivfpq", "parts": 32}),
            "exact on 64-bit codes": (codes, coded, {}),
            "binary (FAISS) on 64-bit codes": (codes, coded, {"kind": "binary"}),
        }
        for name, (vectors, asked, options) in choices.items():
            start = time.perf_counter()
            index = Index.build(vectors, **options)
            built = time.perf_counter() - start
            took = min(_timed(index, asked) for _ in range(args.repeat))
            found = index.search(asked, 10)[1]
            share = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth, strict=True)])
            print(f"{name:34}{n:9,}{built:10.2f}{took:10.3f}{share:8.3f}")


def _timed(index: Index, queries: np.ndarray) -> float:
    start = time.perf_counter()
    index.search(queries, 10)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=["codes", "indexes"])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--queries", type=int, default=12_000)
    parser.add_argument("--gallery", type=int, default=17_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 50_000, 100_000])
    args = parser.parse_args()
    print(machine())
    if args.part != "indexes":
        measure_codes(args)
    if args.part != "codes":
        measure_indexes(args)


if __name__ == "__main__":
    main()
