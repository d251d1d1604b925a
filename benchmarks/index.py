"""What an index costs and finds: ``python -m benchmarks.index [--quick]``, a minute or two on two cores.

How fast 64-bit codes are measured stands in ``python -m benchmarks.retrieval --shape codes``.
"""

import argparse
import time

import numpy as np

from benchmarks._measure import machine
from sbirkit.retrieval import Index, fit_itq


def clustered(n: int, dims: int, classes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """``n`` embeddings in classes of unequal size, like photos of a data set, and their classes."""
    y = rng.choice(classes, n, p=rng.dirichlet(np.full(classes, 4.0)))
    centres = np.random.default_rng(0).normal(size=(classes, dims))
    return (0.6 * centres[y] + rng.normal(size=(n, dims))).astype(np.float32), y


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
    parser = argparse.ArgumentParser(prog="benchmarks.index", description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 50_000, 100_000])
    parser.add_argument("--quick", action="store_true", help="one small gallery: does it run at all?")
    args = parser.parse_args()
    if args.quick:
        args.sizes, args.repeat = [2_000], 1
    print(machine())
    measure_indexes(args)


if __name__ == "__main__":
    main()
