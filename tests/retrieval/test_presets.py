"""Each preset prints what its repository's own loop would: slow references in our words, query by query."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from sbirkit.retrieval.presets import COLUMNS, PRESETS, as_reported


def cosine(q, g):
    return (q / np.linalg.norm(q, axis=1, keepdims=True)) @ (g / np.linalg.norm(g, axis=1, keepdims=True)).T


def envelope_ap(relevant, top, divisor):
    """Area under precision made monotone from the right, over the first ``top`` ranks only."""
    precision, hits = [], 0
    for i, hit in enumerate(relevant[:top], start=1):
        hits += hit
        precision.append(hits / i)
    return sum(max(precision[i:]) for i, hit in enumerate(relevant[:top]) if hit) / divisor


def plain_sum(relevant, top):
    hits, total = 0, 0.0
    for i, hit in enumerate(relevant[:top], start=1):
        if hit:
            hits += 1
            total += hits / i
    return total, hits


def sake_like(relevant, scores):
    n, r = len(relevant), sum(relevant)
    return {
        "mAP@all": envelope_ap(relevant, n, r),
        "mAP@200": envelope_ap(relevant, min(200, n), min(200, r)),
        "P@100": sum(relevant[:100]) / 100,
        "P@200": sum(relevant[:200]) / 200,
    }


def zse_like(relevant, scores):
    r = sum(relevant)
    share = {f"P@{k}": sum(relevant[: min(k, r)]) / min(k, r) for k in (100, 200)}
    return sake_like(relevant, scores) | share


def sem_pcyc(relevant, scores):
    first = average_precision_score(relevant[:200], scores[:200]) if any(relevant[:200]) else 0.0
    every = average_precision_score(relevant, scores)
    return sake_like(relevant, scores) | {"mAP@all": every, "mAP@200": first}


def torchmetrics_like(relevant, scores):
    def mean_over_hits(top):
        total, hits = plain_sum(relevant, top)
        return total / hits if hits else 0.0

    lenient = {"mAP@all": mean_over_hits(len(relevant)), "mAP@200": mean_over_hits(200)}
    return sake_like(relevant, scores) | lenient


def cvae(relevant, scores):
    return {"mAP@200": plain_sum(relevant, 200)[0] / 200, "P@200": sum(relevant[:200]) / 200}


def ranx_like(relevant, scores):
    r = sum(relevant)
    maps = {"mAP@all": plain_sum(relevant, None)[0] / r, "mAP@200": plain_sum(relevant, 200)[0] / r}
    return sake_like(relevant, scores) | maps


LOOPS = {
    "sake": sake_like, "dsn": sake_like, "acnet": sake_like, "zse": zse_like, "ma-sbir": zse_like,
    "sem-pcyc": sem_pcyc, "doodle2search": sem_pcyc, "clip-at": torchmetrics_like,
    "clip-prompt": torchmetrics_like, "cvae": cvae, "ranx": ranx_like,
}  # fmt: skip


def printed(name, scores, y_query, y_gallery):
    """Sort each row, measure it, take the mean as the repository does."""
    rows = []
    for s, y in zip(scores, y_query, strict=True):
        order = np.argsort(-s, kind="stable")
        rows.append(LOOPS[name]((y_gallery[order] == y).astype(int).tolist(), s[order]))
    groups = [[r for r, y in zip(rows, y_query, strict=True) if y == c] for c in np.unique(y_query)]
    if PRESETS[name].averaging == "micro":
        groups = [rows]
    return {c: np.mean([np.mean([r[c] for r in group]) for group in groups]) for c in rows[0]}


@pytest.fixture(scope="module")
def data():
    """Classes of 40 to 320 photos, so that R is below 100, between, and above 200; queries unbalanced too."""
    rng = np.random.default_rng(3)
    photos, sketches = np.array([40, 90, 130, 180, 220, 320]), np.array([3, 9, 2, 5, 1, 6])
    centres = rng.normal(size=(6, 12))
    y_query, y_gallery = np.repeat(np.arange(6), sketches), np.repeat(np.arange(6), photos)
    shuffle = rng.permutation(len(y_gallery))
    y_gallery = y_gallery[shuffle]
    query = 0.8 * centres[y_query] + rng.normal(size=(len(y_query), 12))
    gallery = 0.8 * centres[y_gallery] + rng.normal(size=(len(y_gallery), 12))
    return query, gallery, y_query, y_gallery


@pytest.mark.parametrize("name", list(PRESETS))
def test_preset_equals_its_loop(data, name):
    query, gallery, y_query, y_gallery = data
    want = printed(name, cosine(query, gallery), y_query, y_gallery)
    (row,) = as_reported(*data, presets=[name]).rows
    for column in PRESETS[name].metrics:
        assert row[column] == pytest.approx(want[column], abs=1e-9), column
    for column in set(COLUMNS) - set(PRESETS[name].metrics):
        assert row[column] == ""


def test_own_distances_are_used_when_asked(data):
    query, gallery, y_query, y_gallery = data
    query, gallery = (
        query * np.linspace(1, 4, len(query))[:, None],
        gallery * np.linspace(1, 5, len(gallery))[:, None],
    )
    euclidean = -np.linalg.norm(query[:, None] - gallery[None], axis=2)
    rows = as_reported(query, gallery, y_query, y_gallery, presets=["sem-pcyc", "zse"], distance=None).rows
    for row, scores in zip(rows, (euclidean, cosine(query, gallery)), strict=True):
        want = printed(row["repository"], scores, y_query, y_gallery)
        assert row["mAP@200"] == pytest.approx(want["mAP@200"], abs=1e-9)


def test_ties_follow_the_repository():
    """Six equal scores: scikit-learn sees one threshold, an unstable sort leaves the order to chance."""
    query, gallery = np.array([[1.0, 0.0]]), np.repeat([[1.0, 0.0]], 6, axis=0)
    y_gallery = np.array([0, 0, 1, 1, 1, 1])
    rows = {r["repository"]: r for r in as_reported(query, gallery, [0], y_gallery).rows}
    assert rows["sem-pcyc"]["mAP@all"] == pytest.approx(average_precision_score(y_gallery == 0, np.ones(6)))
    orders = [np.random.default_rng(i).permutation([1, 1, 0, 0, 0, 0]).tolist() for i in range(4000)]
    chance = np.mean([plain_sum(order, 6)[0] / 2 for order in orders])
    assert rows["clip-prompt"]["mAP@all"] == pytest.approx(chance, abs=0.02)
    assert rows["clip-prompt"]["mAP@all"] > rows["sem-pcyc"]["mAP@all"] + 0.1


def test_one_ranking_reads_differently(data):
    rows = {r["repository"]: r for r in as_reported(*data).rows}
    assert list(rows) == list(PRESETS)
    assert rows["sem-pcyc"]["mAP@200"] > rows["zse"]["mAP@200"] + 0.1
    assert len({round(r["mAP@200"], 6) for r in rows.values() if r["mAP@200"] != ""}) >= 5


def test_presets_say_where_they_come_from():
    for preset in PRESETS.values():
        assert preset.found <= set(preset.metrics) <= set(COLUMNS)
        assert len(preset.says) > 30
    assert PRESETS["sake"].evidence("mAP@all") == "found"
    assert PRESETS["doodle2search"].evidence("P@200") == "inferred"


def test_one_preset_may_be_a_word(data):
    assert as_reported(*data, presets="zse").rows == as_reported(*data, presets=["zse"]).rows


def test_unknown_preset_is_named(data):
    with pytest.raises(ValueError, match="unknown sakee; there are sake, dsn"):
        as_reported(*data, presets=["sakee"])
