"""Every metric from its definition, one item at a time. Slow on purpose; shares no code with sbirkit."""

import itertools
import math
import re

NAN = float("nan")


def metric(name, ranked):
    """Score of one ranking: a list of booleans (relevant or not), best match first."""
    total = sum(ranked)
    if total == 0:
        return NAN
    number = re.search(r"@(\d+)", name)
    k = int(number[1]) if number else len(ranked)
    top = ranked[:k]
    precisions = []  # at each hit of the top k
    for i, hit in enumerate(top):
        if hit:
            precisions.append(sum(top[: i + 1]) / (i + 1))
    hits = len(precisions)
    raised = []  # the best precision at this rank of the top k or a later one
    for i, hit in enumerate(top):
        if hit:
            raised.append(max(sum(top[: j + 1]) / (j + 1) for j in range(i, len(top))))
    gains = sum(1 / math.log2(i + 2) for i, hit in enumerate(top) if hit)
    ideal = sum(1 / math.log2(i + 2) for i in range(min(total, k)))
    few = min(total, k)
    family = name if number is None else name.replace(number[1], "K")
    return {
        "mAP@all": sum(precisions) / total,
        "mAP@all-voc": sum(raised) / total,
        "mAP@K-strict": sum(precisions) / few,
        "mAP@K-strict-voc": sum(raised) / few,
        "mAP@K-lenient": sum(precisions) / hits if hits else 0.0,
        "mAP@K-by-k": sum(precisions) / k,
        "mAP@K-over-r": sum(precisions) / total,
        "P@K": hits / k,
        "P@K-min": sum(ranked[:few]) / few,
        "recall@K": hits / total,
        "nDCG@all": gains / ideal,
        "nDCG@K": gains / ideal,
        "R-precision": sum(ranked[:total]) / total,
        "MRR": 1 / (ranked.index(True) + 1),
        "Acc@K": float(hits > 0),
    }[family]


def levels(scores, relevant):
    """Relevance by level of equal score, best level first."""
    pairs = sorted(zip(scores, relevant, strict=True), key=lambda pair: -pair[0])
    return [[r for _, r in same] for _, same in itertools.groupby(pairs, key=lambda pair: pair[0])]


def best(groups):
    """Relevant items first among equals."""
    return [r for level in groups for r in sorted(level, reverse=True)]


def worst(groups):
    """Relevant items last among equals."""
    return [r for level in groups for r in sorted(level)]


def shuffled(groups, rng):
    """Equals in one random order."""
    return [r for level in groups for r in rng.sample(level, len(level))]


def expected(name, groups):
    """Mean over every distinct order of the equals, all of them equally likely."""
    orders = [sorted(set(itertools.permutations(level))) for level in groups]
    values = [metric(name, [r for level in order for r in level]) for order in itertools.product(*orders)]
    return sum(values) / len(values)


def grouped(name, groups):
    """All of a level stand at the rank of its last item, with the precision there, as scikit-learn has it."""
    total = sum(map(sum, groups))
    if total == 0:
        return NAN
    number = re.search(r"@(\d+)", name)
    size = sum(map(len, groups))
    k = int(number[1]) if number else size
    rank, found, items = 0, 0, []  # (rank, precision) of each relevant item
    for level in groups:
        rank, found = rank + len(level), found + sum(level)
        items += [(rank, found / rank)] * sum(level)
    top = [(r, p) for r, p in items if r <= k]
    few = min(total, k)
    family = name if number is None else name.replace(number[1], "K")
    precisions = sum(p for _, p in top)
    raised = sum(max(p for r, p in top if r >= rank) for rank, _ in top)
    gains = sum(1 / math.log2(r + 1) for r, _ in top)
    return {
        "mAP@all": precisions / total,
        "mAP@all-voc": raised / total,
        "mAP@K-strict": precisions / few,
        "mAP@K-strict-voc": raised / few,
        "mAP@K-lenient": precisions / len(top) if top else 0.0,
        "mAP@K-by-k": precisions / k,
        "mAP@K-over-r": precisions / total,
        "P@K": len(top) / k,
        "P@K-min": sum(r <= few for r, _ in items) / few,
        "recall@K": len(top) / total,
        "nDCG@all": gains / sum(1 / math.log2(i + 2) for i in range(few)),
        "nDCG@K": gains / sum(1 / math.log2(i + 2) for i in range(few)),
        "R-precision": sum(r <= total for r, _ in items) / total,
        "MRR": 1 / items[0][0],
        "Acc@K": float(len(top) > 0),
    }[family]
