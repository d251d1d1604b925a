"""Every check passes a right answer, names the idea that a wrong one lacks, and lets nobody's answer be."""

import itertools
import json
import math
import re

import numpy as np
import pytest
import torch

from sbirkit import checks
from sbirkit.data import normalise
from sbirkit.retrieval import score_by


def nearest(sketches, photos):
    s, p = sketches.reshape(len(sketches), -1).astype(float), photos.mean(3).reshape(len(photos), -1)
    return np.array([((p - row) ** 2).sum(1).argmin() for row in s])


def nearest_in_uint8(sketches, photos):
    return ((sketches[:, None] - photos.mean(3).astype(np.uint8)) ** 2).sum((2, 3)).argmin(1)


def farthest(sketches, photos):
    p = photos.mean(3)
    return [((p - row) ** 2).sum((1, 2)).argmax() for row in sketches]


def chance(relevant, gallery):
    """By brute force where there are few photos, else by McSherry and Najork as the package has it."""
    if gallery > 10:
        labels = [1] * relevant + [0] * (gallery - relevant)
        return score_by(np.zeros((1, gallery)), [1], labels, metrics=["mAP@all"])["mAP@all"]
    orders = [set(o) for o in itertools.combinations(range(gallery), relevant)]
    return np.mean([np.mean([(k + 1) / (i + 1) for k, i in enumerate(sorted(o))]) for o in orders])


def verdict(fresh, stored, band):
    return "differs" if abs(fresh - stored) > band else "agrees"


def band(values):
    pairs = [(a - b) ** 2 for a, b in itertools.combinations(values, 2)]
    return 1.96 * math.sqrt(sum(pairs) / len(pairs))  # the mean square of two draws' difference


def same_classes(a, b):
    return {normalise(x) for x in a} & {normalise(x) for x in b}


def as_spelt(a, b):
    return {name for name in a if normalise(name) in map(normalise, b)}


def copies(train, test):
    return [(i, j) for i, x in enumerate(train) for j, y in enumerate(test) if (x == y).all()]


def roles(classes, unseen, n, seed):
    seen = sorted(set(classes) - set(unseen))
    chosen = set(np.random.default_rng(seed).permutation(seen)[:n])
    return [c for c in seen if c not in chosen], sorted(chosen)


def unsorted_roles(classes, unseen, n, seed):
    seen = [c for c in classes if c not in unseen]
    order = np.random.default_rng(seed).permutation(len(seen))
    return [seen[i] for i in order[n:]], [seen[i] for i in order[:n]]


def held_and_kept(classes, unseen, n, seed):
    return sorted(set(classes) - set(unseen)), roles(classes, unseen, n, seed)[1]


def one_lost(classes, unseen, n, seed):
    train, selection = roles(classes, unseen, n, seed)
    return train[1:], selection


def strict_ap(rel, k):
    hits, total = 0, 0.0
    for place, hit in enumerate(rel[:k], 1):
        hits += hit
        total += hit * hits / place
    return total / min(k, sum(rel))


def lenient_ap(rel, k):
    return strict_ap(rel, k) * min(k, sum(rel)) / max(sum(rel[:k]), 1)


def lenient_rows(rows):
    beside = {r.key[:-1]: r.value for r in rows if r.metric == "P@200"}
    return [r for r in rows if r.metric == "mAP@200" and r.value > beside.get(r.key[:-1], 100)]


def by_method_only(rows):
    beside = {r.method: r.value for r in rows if r.metric == "P@200"}
    return lenient_rows(rows) + [
        r for r in rows if r.metric == "mAP@200" and r.value > beside.get(r.method, 0)
    ]


def over_classes(values, classes, n, seed):
    rng, means = np.random.default_rng(seed), [values[classes == c].mean() for c in np.unique(classes)]
    return np.quantile([rng.choice(means, len(means)).mean() for _ in range(n)], [0.025, 0.975])


def over_queries(values, classes, n, seed):
    rng = np.random.default_rng(seed)
    return np.quantile([rng.choice(values, len(values)).mean() for _ in range(n)], [0.025, 0.975])


def triplet(d, same, margin):
    terms = [
        margin + d[s, p] - d[s, n]
        for s in range(len(d))
        for p in range(d.shape[1])
        for n in range(d.shape[1])
        if same[s, p] and not same[s, n]
    ]
    active = [float(term) for term in terms if term > 0]
    return sum(active) / len(active)


def hinges(d, same, margin):
    return (margin + d[:, :, None] - d[:, None])[same[:, :, None] & ~same[:, None]]


def leak_gain(clean, leaky):
    rise = {part: np.mean(leaky[part]) - np.mean(clean[part]) for part in clean}
    return rise["leaked"] - rise["control"]


def paired(a, b, t):
    d = [x - y for x, y in zip(a, np.broadcast_to(b, np.shape(a)), strict=True)]
    mean = sum(d) / len(d)
    return mean, t * math.sqrt(sum((x - mean) ** 2 for x in d) / (len(d) - 1) / len(d))


def joint(d_pos, d_own, d_other, margin, balance):
    return max(0, (1 - balance) * (d_pos - d_own + margin) + balance * (d_pos - d_other + margin))


def split(d_pos, d_own, d_other, margin, balance):
    return (1 - balance) * max(0, d_pos - d_own + margin) + balance * max(0, d_pos - d_other + margin)


def contrast(z, y, temperature, *, itself=False, inside=False, pooled=False):
    """One anchor and one positive at a time."""
    logs, each = [], []
    for i in range(len(z)):
        others = [a for a in range(len(z)) if itself or a != i]
        total = sum(math.exp(z[i] @ z[a] / temperature) for a in others)
        share = [
            math.exp(z[i] @ z[p] / temperature) / total for p in range(len(z)) if p != i and y[p] == y[i]
        ]
        logs += [-math.log(v) for v in share]
        each.append(-math.log(np.mean(share)) if inside else np.mean([-math.log(v) for v in share]))
    return np.mean(logs) if pooled else np.mean(each)


def bank(bank, c, slot, new):
    bank[c, slot] = new
    return bank


def released_bank(bank, c, slot, new):
    bank[slot] = new
    return bank


def whole_bank(bank, c, slot, new):
    bank[c] = new
    return bank


def unit(x):
    return x / x.norm(dim=1, keepdim=True)


def convert(z, table, source, target):
    return unit(unit(z) - table[source] + table[target])


def targets(y):
    return [[float(a == b) / int((y == a).sum()) for b in y] for a in y]


def kl(m, s, n, t):
    p, q = torch.distributions.Normal(m, s), torch.distributions.Normal(n, t)
    return torch.distributions.kl_divergence(p, q).sum()


def by_rows(x):
    return x / x.sum(1, keepdim=True)


def spread(graph):
    linked = graph + torch.eye(len(graph))
    degree = torch.diag(linked.sum(1) ** -0.5)
    return degree @ linked @ degree


def shown(file, photos):
    stem = file.removesuffix(".png")
    found = [p for p in photos if stem == p or (stem.startswith(p + "-") and stem[len(p) + 1 :].isdecimal())]
    return max(found, key=len, default="")


def recognised(lines, n):
    found = []
    for k, line in enumerate(lines):
        try:
            found += [k] if json.loads(line)["recognized"] else []
        except ValueError:
            continue
    return found[:n]


def usable(pictures):
    found = {}
    for name, modality in pictures:
        found.setdefault(normalise(name), set()).add(modality)
    return [name for name, kinds in found.items() if kinds == {"sketch", "photo"}]


def centred(x):
    x[np.isnan(x).any(1)] = np.nan
    return x - np.nanmean(x, axis=0)


def lookup(classes, names, vectors, *, spelt=normalise, last=False, missing=np.nan):
    rows = {}
    for name, row in zip(names, vectors, strict=True):
        if last or spelt(name) not in rows:
            rows[spelt(name)] = row
    return [rows.get(spelt(c), np.full(vectors.shape[1], missing)) for c in classes]


def slope(f, x, h):
    found = []
    for i in range(len(x)):
        up, down = x.copy(), x.copy()
        up[i], down[i] = x[i] + h, x[i] - h
        found.append((f(up) - f(down)) / (2 * h))
    return found


def forward(f, x, h):
    return [(f(x + h * e) - f(x)) / h for e in np.eye(len(x))]


def spoiling(f, x, h):
    found = slope(f, x, h)
    x += h
    return found


def gained(a, b, *, t=4.303, ddof=1, n=3):
    gaps = [x - y for x, y in zip(a, b, strict=True)]
    mean = sum(gaps) / 3
    spread = (sum((g - mean) ** 2 for g in gaps) / (3 - ddof)) ** 0.5
    return mean, t * spread / n**0.5


def unpaired(a, b):
    return a.mean() - b.mean(), 4.303 * ((a.var(ddof=1) + b.var(ddof=1)) / 3) ** 0.5


def meeting(sketch, photo, ys, yp, *, unit=True, among=None, graph=True):
    """One class at a time, one picture at a time."""
    total, classes = (
        0 * sketch.sum() if graph else torch.zeros(()),
        sorted(set(ys.tolist()) & set(yp.tolist())),
    )
    for c in classes:
        middle = []
        for rows, y in ((sketch, ys), (photo, yp)):
            mine = [(r / (r * r).sum().sqrt() if unit else r) for r, k in zip(rows, y, strict=True) if k == c]
            middle.append(sum(mine) / len(mine))
        total = total + ((middle[0] - middle[1]) ** 2).sum()
    return total / (among or max(1, len(classes)))


def merge(parts, k):
    every = [(-s, start + i) for start, scores, ids in parts for s, i in zip(scores, ids, strict=True)]
    return [i for _, i in sorted(every)[:k]]


def merge_local(parts, k):
    every = [(-s, start, i) for start, scores, ids in parts for s, i in zip(scores, ids, strict=True)]
    return [i for _, _, i in sorted(every)[:k]]


def bits(a, b):
    return [[sum(int(x ^ y).bit_count() for x, y in zip(p, q, strict=True)) for q in b] for p in a]


RIGHT = {
    checks.check_nearest: nearest,
    checks.check_chance: chance,
    checks.check_same_classes: same_classes,
    checks.check_copies: copies,
    checks.check_roles: roles,
    checks.check_strict_ap: strict_ap,
    checks.check_lenient_rows: lenient_rows,
    checks.check_class_interval: over_classes,
    checks.check_triplet: triplet,
    checks.check_leak_gain: leak_gain,
    checks.check_verdict: verdict,
    checks.check_band: band,
    checks.check_quadruplet: joint,
    checks.check_bounded: lambda raw, low, high: low + (high - low) / (1 + (-raw).exp()),
    checks.check_contrastive: contrast,
    checks.check_bank: bank,
    checks.check_converted: convert,
    checks.check_targets: targets,
    checks.check_symmetric_kl: lambda m, s, n, t: (kl(m, s, n, t) + kl(n, t, m, s)) / 2,
    checks.check_spread: spread,
    checks.check_paired: paired,
    checks.check_shown: shown,
    checks.check_mebibytes: lambda a, b, sizes: sum(a * s**2 + b * s**2 * 3 for s in sizes) / 1024 / 1024,
    checks.check_recognised: recognised,
    checks.check_usable: usable,
    checks.check_centred: centred,
    checks.check_lookup: lookup,
    checks.check_slope: slope,
    checks.check_gain: gained,
    checks.check_meeting: meeting,
    checks.check_merge: merge,
    checks.check_hamming: bits,
    checks.check_whole_mean: lambda m, n: np.repeat(m, n).mean(),
}
WRONG = [
    (checks.check_paired, lambda a, b, t: ((a - b).mean(), np.hypot(paired(a, 0, t)[1], paired(b, 0, t)[1])),
     "differences first"),
    (checks.check_paired, lambda a, b, t: (paired(a, b, t)[0], t * np.std(a - b) / np.sqrt(len(a))), "n - 1"),
    (checks.check_paired, lambda a, b, t: (paired(a, b, t)[0], t * np.std(a - b, ddof=1)), "root of n"),
    (checks.check_paired, lambda a, b, t: (-paired(a, b, t)[0], paired(a, b, t)[1]), "the sign"),
    (checks.check_paired, lambda a, b, t: paired(a, b, t)[0], "two numbers"),
    (checks.check_nearest, nearest_in_uint8, "uint8 wraps"),
    (checks.check_nearest, farthest, "farthest"),
    (checks.check_nearest, lambda s, p: nearest(s, p)[:, None], "one number for each sketch"),
    (checks.check_nearest, lambda s, p: [0] * len(s), "smallest sum"),
    (checks.check_nearest, lambda s, p: np.abs(s[:, None] - p.mean(3)).sum((2, 3)).argmin(1), "plain dif"),
    (checks.check_nearest, lambda s, p: nearest(s, p[..., :1].repeat(3, 3)), "three channels"),
    (checks.check_chance, lambda r, g: r / g, "that photo itself counts"),
    (checks.check_chance, lambda r, g: chance(1, g), "other R - 1"),
    (checks.check_chance, lambda r, g: 0.5, "over all places"),
    (checks.check_same_classes, lambda a, b: set(a) & set(b), "spelling differs"),
    (checks.check_same_classes, as_spelt, "give them"),
    (checks.check_same_classes, lambda a, b: same_classes(a, b) | {"mouse_animal"}, "whole names"),
    (checks.check_copies, lambda a, b: [(i, j) for i, x in enumerate(a) for j, y in enumerate(b)
                                        if x.mean() == y.mean()], "share a mean"),
    (checks.check_copies, lambda a, b: list({i: (i, j) for i, j in copies(a, b)}.values()), "more than once"),
    (checks.check_copies, lambda a, b: list({j: (i, j) for i, j in copies(a, b)}.values()), "more than once"),
    (checks.check_copies, lambda a, b: [], "tobytes"),
    (checks.check_roles, lambda c, u, n, s: roles(c, [], n, s), "chosen on the test"),
    (checks.check_roles, held_and_kept, "leaves training"),
    (checks.check_roles, one_lost, "every seen class"),
    (checks.check_roles, unsorted_roles, "sort the names"),
    (checks.check_roles, lambda c, u, n, s: roles(c, u, n, 0), "from the seed"),
    (checks.check_strict_ap, lenient_ap, "lenient rule"),
    (checks.check_strict_ap, lambda r, k: strict_ap(r, k) * min(k, r.sum()) / k, "fewer than k"),
    (checks.check_strict_ap, lambda r, k: strict_ap(r, k) * min(k, r.sum()) / r.sum(), "more than k"),
    (checks.check_strict_ap, lambda r, k: (r.cumsum() / np.arange(1, 11))[:k].mean(), "only the places"),
    (checks.check_strict_ap, lambda r, k: r[:k].sum() / k, "P@k"),
    (checks.check_strict_ap, lambda r, k: 1.0, r"divide by min\(k, R\)"),
    (checks.check_lenient_rows, by_method_only, "like with like"),
    (checks.check_lenient_rows, lambda rows: lenient_rows(rows)[:2], "generalised and binary"),
    (checks.check_lenient_rows, lambda rows: rows, "only the witness"),
    (checks.check_lenient_rows, lambda rows: [], "the same method"),
    (checks.check_class_interval, over_queries, "average each class"),
    (checks.check_class_interval, lambda v, c, n, s: np.add([-1e-3, 1e-3], 0.37), "too narrow"),
    (checks.check_class_interval, lambda v, c, n, s: (0.0, 1.0), "with replacement"),
    (checks.check_triplet, lambda *given: hinges(*given).relu().mean(), "positive hinges"),
    (checks.check_triplet, lambda d, same, m: triplet(-d, same, m), "exchanged"),
    (checks.check_triplet, lambda *given: hinges(*given).mean(), "must not pay"),
    (checks.check_triplet, lambda d, same, m: 0.0, "for every sketch"),
    (checks.check_leak_gain, lambda a, b: np.mean(b["leaked"]) - np.mean(a["leaked"]), "Subtract it"),
    (checks.check_leak_gain, lambda a, b: leak_gain(b, a), "the sign"),
    (checks.check_leak_gain, lambda a, b: np.mean(b["leaked"]) - np.mean(b["control"]), "easier ones"),
    (checks.check_leak_gain, lambda a, b: 0.0, "difference of the rises"),
    (checks.check_verdict, lambda f, s, b: "agrees" if abs(f - s) < b else "differs", "as large as the band"),
    (checks.check_verdict, lambda f, s, b: "agrees" if f - s <= b else "differs", "without its sign"),
    (checks.check_verdict, lambda f, s, b: "agrees", "compare the size"),
    (checks.check_band, lambda v: 1.96 * np.std(v, ddof=1), "here two runs differ"),
    (checks.check_band, lambda v: 1.96 * math.sqrt(2) * np.std(v), "one less than their number"),
    (checks.check_band, lambda v: band(v) / math.sqrt(len(v)), "not the mean"),
    (checks.check_band, lambda v: 0.0, "twice that"),
    (checks.check_quadruplet, lambda p, a, b, m, s: p - (1 - s) * a - s * b + m, "below zero"),
    (checks.check_quadruplet, lambda p, a, b, m, s: joint(p, b, a, m, s), "balance weighs"),
    (checks.check_quadruplet, split, "mixes first"),
    (checks.check_quadruplet, lambda *c: 1.0, "cut at zero"),
    (checks.check_bounded, lambda x, a, b: x.clamp(a, b), "never comes back"),
    (checks.check_bounded, lambda x, a, b: b * x.sigmoid(), "shift to low"),
    (checks.check_bounded, lambda x, a, b: a + b * x.sigmoid(), "high - low"),
    (checks.check_bounded, lambda x, a, b: a + (b - a) * (x / 9).sigmoid(), "both ends"),
    (checks.check_bounded, lambda x, a, b: x, "squash"),
    (checks.check_bounded, lambda x, a, b: x.mean(), "one margin for each"),
    (checks.check_contrastive, lambda *c: contrast(*c, itself=True), "compared with itself"),
    (checks.check_contrastive, lambda *c: contrast(*c, inside=True), "outside the log"),
    (checks.check_contrastive, lambda *c: contrast(*c, pooled=True), "each anchor's positives first"),
    (checks.check_contrastive, lambda *c: 0.0, "mean of anchors"),
    (checks.check_bank, released_bank, "released fault"),
    (checks.check_bank, whole_bank, "not the one"),
    (checks.check_bank, lambda b, c, s, n: b, "did not return"),
    (checks.check_bank, lambda b, c, s, n: b[c], "three axes"),
    (checks.check_converted, lambda z, m, s, t: unit(z - m[s] + m[t]), "length one"),
    (checks.check_converted, lambda z, m, s, t: unit(z) - m[s] + m[t], "normalise the result"),
    (checks.check_converted, lambda z, m, s, t: convert(z, m, t, s), "exchanged"),
    (checks.check_converted, lambda z, m, s, t: unit(z), "subtract table"),
    (checks.check_targets, lambda y: torch.eye(len(y)), "the diagonal"),
    (checks.check_targets, lambda y: y[:, None] == y, "sum to one"),
    (checks.check_targets, lambda y: y, "the row's sum"),
    (checks.check_symmetric_kl, kl, "one direction"),
    (checks.check_symmetric_kl, lambda m, s, n, t: kl(n, t, m, s), "one direction"),
    (checks.check_symmetric_kl, lambda m, s, n, t: kl(m, s, n, t) + kl(n, t, m, s), "halve the sum"),
    (checks.check_symmetric_kl, lambda m, s, n, t: ((m - n) ** 2).sum() / 2, "both deviations are 1"),
    (checks.check_symmetric_kl, lambda m, s, n, t: m.sum(), "both ways"),
    (checks.check_spread, lambda a: by_rows(a + torch.eye(len(a))), "both sides"),
    (checks.check_spread, lambda a: a * torch.outer(a.sum(1), a.sum(1)).clamp(min=1e-9).rsqrt(),
     "its own vector"),
    (checks.check_spread, lambda a: a, "row sums"),
    (checks.check_shown, lambda f, p: "" if f.endswith("-12.png") else shown(f, p), "two digits"),
    (checks.check_shown, lambda f, p: f.split("-")[0] if f.split("-")[0] in p else shown(f, p)
     if f == "tom.png" else "", "last one"),
    (checks.check_shown, lambda f, p: "" if f == "tom.png" else shown(f, p), "very name"),
    (checks.check_shown, lambda f, p: f.rpartition("-")[0] or shown(f, p), "not there"),
    (checks.check_shown, lambda f, p: f, "the stem"),
    (checks.check_mebibytes, lambda a, b, s: 3 * sum((a + b) * x * x for x in s) / 2**20, "grey"),
    (checks.check_mebibytes, lambda a, b, s: sum((a + b) * x * x for x in s) / 2**20, "three bytes"),
    (checks.check_mebibytes, lambda a, b, s: sum((a + 3 * b) * x * x for x in s) / 2**18, "uint8"),
    (checks.check_mebibytes, lambda a, b, s: (a + 3 * b) * s[0] ** 2 / 2**20, "every side"),
    (checks.check_mebibytes, lambda a, b, s: sum((a + 3 * b) * x * x for x in s) / 1e6, r"2\*\*20 bytes"),
    (checks.check_mebibytes, lambda a, b, s: 0.0, "side squared"),
    (checks.check_recognised, lambda lines, n: list(range(n)), "may show anything"),
    (checks.check_recognised, lambda rows, n: [1] if n == 1 else recognised(rows[:n], n), "not those among"),
    (checks.check_recognised, lambda lines, n: recognised(lines, 9), "stop at n"),
    (checks.check_recognised, lambda lines, n: recognised(lines, min(n, 3)), "line by line"),
    (checks.check_usable, lambda p: {n for n, _ in p if sum(n == m for m, _ in p) > 1}, "no pair"),
    (checks.check_usable, lambda p: {normalise(n) for n, m in p if m == "photo"}, "without a sketch"),
    (checks.check_usable, lambda p: {n for n, _ in p if {(n, "sketch"), (n, "photo")} <= {*p}}, "normalise"),
    (checks.check_usable, lambda p: {"Hot-air balloon", "cat"}, "in the spelling"),
    (checks.check_usable, lambda p: set(), "collect"),
    (checks.check_centred, lambda x: x - x.mean(0), "one NaN makes"),
    (checks.check_centred, lambda x: np.nan_to_num(x - np.nanmean(x, axis=0)), "row of zeros"),
    (checks.check_centred, lambda x: x - np.nanmean(x, axis=0), "half a vector"),
    (checks.check_centred, lambda x: 0.0, "known throughout"),
    (checks.check_lookup, lambda *c: lookup(*c, missing=0.0), "lacks"),
    (checks.check_lookup, lambda *c: lookup(*c, spelt=str.lower), "spelling"),
    (checks.check_lookup, lambda *c: lookup(*c, last=True), "first counts"),
    (checks.check_lookup, lambda c, n, v: lookup(c, map(normalise, n), v, spelt=str), "spelling"),
    (checks.check_lookup, lambda *c: [], "in the order"),
    (checks.check_slope, forward, "to one side"),
    (checks.check_slope, lambda f, x, h: 2 * np.array(slope(f, x, h)), "2h apart"),
    (checks.check_slope, spoiling, "put every entry back"),
    (checks.check_slope, lambda f, x, h: 0.0, "the others held"),
    (checks.check_gain, lambda a, b: gained(b, a), "mine minus theirs"),
    (checks.check_gain, unpaired, "differences first"),
    (checks.check_gain, lambda a, b: gained(a, b, t=1.96), "many seeds"),
    (checks.check_gain, lambda a, b: gained(a, b, ddof=0), "ddof=1"),
    (checks.check_gain, lambda a, b: gained(a, b, n=1), "root of n"),
    (checks.check_gain, lambda a, b: 0.0, "mean of gaps"),
    (checks.check_meeting, lambda *c: meeting(*c) if c[2][0] == c[3][0] else math.nan, "a sum over"),
    (checks.check_meeting, lambda *c: meeting(*c, graph=False), "no graph"),
    (checks.check_meeting, lambda *c: meeting(*c) + 0 * (c[0] * 0).sum().sqrt(), "poisons the slope"),
    (checks.check_meeting, lambda *c: meeting(*c, unit=False), "length one"),
    (checks.check_meeting, lambda *c: meeting(*c, among=5), "in the divisor"),
    (checks.check_meeting, lambda *c: meeting(*c, among=1), "not the sum"),
    (checks.check_meeting, lambda *c: 0 * c[0].sum(), "for each common"),
    (checks.check_merge, merge_local, "within chunks"),
    (checks.check_merge, lambda parts, k: [s + i for s, _, ids in parts for i in ids][:k], "one chunk after"),
    (checks.check_merge, lambda parts, k: sorted(merge(parts, k)), "among equals"),
    (checks.check_merge, lambda parts, k: [1, 3, 0, 6, 4], "largest first"),
    (checks.check_merge, lambda parts, k: [], "each chunk's start"),
    (checks.check_hamming, lambda a, b: (a[:, None] != b).sum(2), "differing words"),
    (checks.check_hamming, lambda a, b: np.bitwise_count(a[:, None] & b).sum(2), "what both have"),
    (checks.check_hamming, lambda a, b: 64 * a.shape[1] - np.array(bits(a, b)), "bits agree"),
    (checks.check_hamming, lambda a, b: np.array(bits(a[:, :1], b[:, :1])), "several words"),
    (checks.check_hamming, lambda a, b: np.zeros((len(a), len(b))), "XOR every"),
    (checks.check_whole_mean, lambda m, n: m.mean(), "weigh by the counts"),
    (checks.check_whole_mean, lambda m, n: m @ n, "how many there are"),
    (checks.check_whole_mean, lambda m, n: m @ n / len(n), "not of processes"),
    (checks.check_whole_mean, lambda m, n: 0.0, "sum of counts"),
]  # fmt: skip


@pytest.mark.parametrize("check", RIGHT, ids=lambda check: check.__name__)
def test_a_right_answer_passes_and_none_is_no_fault(check, capsys):
    check(RIGHT[check])
    check(lambda *given: None)
    assert capsys.readouterr().out.splitlines() == [
        "✓ right",
        "○ not attempted yet (if you did: is there a `return`?)",
    ]


@pytest.mark.parametrize(("check", "answer", "idea"), WRONG)
def test_the_hint_names_the_missing_idea(check, answer, idea):
    with pytest.raises(AssertionError, match=rf"Hint: .*{idea}"):
        check(answer)


def test_knobs(capsys):
    right = {letter: knob for letter, (knob, _) in checks.KNOB_PUZZLE.items()}
    checks.check_knobs(dict.fromkeys(right, ""))
    assert capsys.readouterr().out.startswith("○")
    checks.check_knobs(right)
    for letter, knob in right.items():
        with pytest.raises(AssertionError, match=rf"{letter} is not 'imbalance'\. Hint: .*\?|build|stance"):
            checks.check_knobs(right | {letter: "imbalance"})
        assert knob not in checks.KNOB_HINTS[knob]


def test_each_knob_of_the_puzzle_changes_its_picture_and_says_nothing():
    sheet = checks.knob_puzzle()
    images = [np.asarray(image.get_array()) for image in sheet.axes[0].images]
    photos, sketches = images[0::2], images[1::2]
    changed = [
        ((photo != photos[0]).any(), (sketch != sketches[0]).any())
        for photo, sketch in zip(photos[1:], sketches[1:], strict=True)
    ]
    assert changed == [(True, False), (False, True), (True, True), (True, True)]
    assert not [knob for knob, _ in checks.KNOB_PUZZLE.values() if knob in sheet.alt]


def test_zero_shot_names_the_sentence_that_is_wrong(capsys):
    checks.check_zero_shot(dict.fromkeys("ABCDE"))
    assert "not attempted" in capsys.readouterr().out
    right = {letter: answer for letter, (answer, _) in checks.ZERO_SHOT.items()}
    checks.check_zero_shot(right)
    for letter, (answer, hint) in checks.ZERO_SHOT.items():
        with pytest.raises(AssertionError, match=f"{letter} is not {not answer}. Hint: {re.escape(hint)}"):
            checks.check_zero_shot(right | {letter: not answer})


def cosines(query, photos):
    return photos @ query / np.linalg.norm(photos, axis=1) / np.linalg.norm(query)


def test_order_passes_ours_and_names_what_is_missing(capsys):
    checks.check_order(lambda query, photos: None)
    assert "not attempted" in capsys.readouterr().out
    checks.check_order(lambda query, photos: np.argsort(-cosines(query, photos)))
    for wrong, hint in (
        (lambda query, photos: np.argsort(cosines(query, photos)), "begins with the smallest"),
        (lambda query, photos: np.argsort(-(photos @ query)), "divide by the lengths"),
        (lambda query, photos: sorted(cosines(query, photos))[::-1], "the photos' numbers"),
        (lambda query, photos: int(cosines(query, photos).argmax()), "from the largest down"),
    ):
        with pytest.raises(AssertionError, match=hint):
            checks.check_order(wrong)


def test_knob_effects_are_what_the_shipped_curves_say():
    from sbirkit.runs.knob_curves import read

    right = {letter: knob for letter, (knob, _) in checks.KNOB_EFFECTS.items()}
    assert right == {"A": "diversity", "B": "gap", "C": "clutter", "D": "abstraction"}
    curves = read()["curves"]
    assert all(line[0]["change_interval"][0] > 0.05 for line in curves["class"]["diversity"].values())
    assert all(line[0]["change_interval"][1] < 0 for line in curves["class"]["gap"].values())
    assert curves["object"]["gap"]["hog"][0]["mean"] > 0.5
    assert curves["object"]["gap"]["hog"][0]["change_interval"][0] > 0.3
    assert all(line[-1]["change_interval"][1] < 0 for line in curves["class"]["clutter"].values())
    lost = {name: -line[-1]["change"] for name, line in curves["class"]["abstraction"].items()}
    assert lost["hog"] == min(lost.values()) < 0.02
    checks.check_knob_effects(right)
    checks.check_knob_effects(dict.fromkeys(right, ""))
    for letter, (_, hint) in checks.KNOB_EFFECTS.items():
        with pytest.raises(AssertionError, match=re.escape(hint)):
            checks.check_knob_effects(right | {letter: "imbalance"})


def test_the_error_of_a_change_is_that_of_pairs():
    def ours(here, there):
        return np.std(here - there, ddof=1) / math.sqrt(len(here))

    checks.check_error_of_change(ours)
    for wrong, hint in (
        (lambda a, b: math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a)), "other. queries"),
        (lambda a, b: np.std(a - b, ddof=1), "root Q"),
        (lambda a, b: np.std(a - b) / math.sqrt(len(a)), "ddof=1"),
        (lambda a, b: (a - b).mean(), "the change itself"),
    ):
        with pytest.raises(AssertionError, match=hint):
            checks.check_error_of_change(wrong)


def test_won_and_lost_leaves_equal_scores_out():
    def share(yes):
        return sum(map(bool, yes)) / len(yes)

    checks.check_won_and_lost(lambda a, b: [share(b > a), share(a > b), math.fsum(b - a) / len(a)])
    checks.check_won_and_lost(lambda a, b: None)
    for wrong, hint in (
        (lambda a, b: [share(b >= a), share(a > b), (b - a).mean()], "neither won nor lost"),
        (lambda a, b: [sum(b > a), sum(a > b), (b - a).mean()], "want shares"),
        (lambda a, b: [share(a > b), share(b > a), (a - b).mean()], "second minus the first"),
        (lambda a, b: [0, 0, 0], "three numbers"),
    ):
        with pytest.raises(AssertionError, match=hint):
            checks.check_won_and_lost(wrong)


def test_a_class_counts_once_however_many_queries_it_has():
    def ours(labels, first, second):
        change = {}
        for label, a, b in zip(labels, first, second, strict=True):
            change.setdefault(label, []).append(b - a)
        return sum(sum(c) / len(c) for c in change.values()) / len(change)

    checks.check_class_change(ours)
    for wrong, hint in (
        (lambda y, a, b: (b - a).mean(), "every query counts the same"),
        (lambda y, a, b: (b - a).sum() / len(set(y)), "not a sum"),
        (lambda y, a, b: -ours(y, a, b), "the sign"),
        (lambda y, a, b: 7.0, "own mean change"),
    ):
        with pytest.raises(AssertionError, match=hint):
            checks.check_class_change(wrong)


def test_other_class_passes_ours_and_names_what_is_missing(capsys):
    def ours(vectors, labels, is_sketch, *, unit=True, cross=True, sign=1):
        x = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) if unit else vectors
        cosine = sign * (x @ x.T)
        if cross:
            cosine[is_sketch[:, None] == is_sketch] = -np.inf
        else:
            np.fill_diagonal(cosine, -np.inf)
        return labels[cosine.argmax(1)] != labels

    checks.check_other_class(lambda *_: None)
    assert "not attempted" in capsys.readouterr().out
    checks.check_other_class(ours)
    for wrong, hint in (
        (lambda *a: ours(*a, unit=False), "length one"),
        (lambda *a: ours(*a, cross=False), "only pictures of the other modality"),
        (lambda v, y, s: np.zeros(len(y), bool), "nearest to itself"),
        (lambda *a: ours(*a, sign=-1), "farthest"),
        (lambda *a: ~ours(*a), "True where it is right"),
        (lambda *a: ours(*a).mean(), "argmax along each row"),
    ):
        with pytest.raises(AssertionError, match=hint):
            checks.check_other_class(wrong)


def test_kept_passes_ours_and_names_what_is_missing():
    def ours(far, off, k, *, skip=1):
        both = zip(far.argsort(1)[:, skip : k + skip], off.argsort(1)[:, skip : k + skip], strict=True)
        return np.mean([np.isin(a, b).mean() for a, b in both])

    checks.check_kept(ours)
    for wrong, hint in (
        (lambda *a: ours(*a, skip=0), "nearest to itself"),
        (lambda a, b, k: ours(a, b, k) * k, "divide by k"),
        (lambda a, b, k: (a.argsort(1)[:, 1 : k + 1] == b.argsort(1)[:, 1 : k + 1]).mean(), "as sets"),
        (lambda *a: 1 - ours(*a), "is lost"),
        (lambda a, b, k: 0.123, "count what both sets hold"),
    ):
        with pytest.raises(AssertionError, match=hint):
            checks.check_kept(wrong)
