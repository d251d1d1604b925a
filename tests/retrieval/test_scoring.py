"""The whole way from embeddings to numbers."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from sbirkit.retrieval import Protocol, score, score_by
from sbirkit.retrieval.metrics import DEFAULT, DEFAULT_INSTANCE

NAMES = [
    "mAP@all",
    "mAP@5-strict",
    "mAP@5-lenient",
    "P@3",
    "P@3-min",
    "nDCG@all",
    "R-precision",
    "MRR",
    "recall@50",
]


def world(*, seed=0, q=40, g=90, d=8, classes=4, dtype=np.float64):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((classes, d))
    y_q, y_g = rng.integers(0, classes, q), rng.integers(0, classes, g)
    sketch = centres[y_q] + rng.standard_normal((q, d))
    photo = centres[y_g] + rng.standard_normal((g, d))
    return sketch.astype(dtype), photo.astype(dtype), y_q, y_g


def slow_scores(q, g, distance):
    q, g = np.asarray(q, np.float64), np.asarray(g, np.float64)
    if distance == "cosine":
        return np.array([[a @ b / np.sqrt((a @ a) * (b @ b)) for b in g] for a in q])
    return np.array([[-(((a - b) ** 2).sum()) for b in g] for a in q])


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_equals_the_definition_on_slow_scores(naive, distance, dtype):
    q, g, y_q, y_g = world(dtype=dtype)
    result = score(q, g, y_q, y_g, metrics=NAMES, distance=distance, block=7)
    scores = slow_scores(q, g, distance)
    for name in NAMES:
        want = [
            naive.metric(name, naive.best(naive.levels(s.tolist(), (y_g == c).tolist())))
            for s, c in zip(scores, y_q, strict=True)
        ]
        np.testing.assert_allclose(result.per_query(name), want, atol=1e-12)


def test_equals_scikit_learn():
    q, g, y_q, y_g = world(dtype=np.float32, q=60, g=700)
    scores = slow_scores(q, g, "cosine")
    got = score(q, g, y_q, y_g, metrics=["mAP@all"], ties="grouped").per_query("mAP@all")
    want = [average_precision_score(y_g == c, s) for c, s in zip(y_q, scores, strict=True)]
    np.testing.assert_allclose(got, want, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 15), st.integers(1, 8)),
    block=st.integers(1, 12),
    rule=st.sampled_from(["expected", "grouped", "best", "worst"]),
)
def test_any_shape_equals_one_query_at_a_time(naive, seed, shape, block, rule):
    q, g, classes = shape
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 5, (q, g))  # ties, classes of one query, classes without a photo
    y_q, y_g = rng.integers(0, classes, q), rng.integers(0, classes, g)
    result = score_by(scores, y_q, y_g, metrics=NAMES, ties=rule, block=block, workers=1)
    for name in NAMES:
        for i in range(q):
            groups = naive.levels(scores[i].tolist(), (y_g == y_q[i]).tolist())
            got = result.per_query(name)[i]
            if rule == "grouped":
                assert got == pytest.approx(naive.grouped(name, groups), abs=1e-12, nan_ok=True)
            elif rule != "expected":
                ranked = getattr(naive, rule)(groups)
                assert got == pytest.approx(naive.metric(name, ranked), abs=1e-12, nan_ok=True)
            elif g <= 6:
                assert got == pytest.approx(naive.expected(name, groups), abs=1e-12, nan_ok=True)
    assert result.counts["without_relevant"] == sum(c not in set(y_g.tolist()) for c in y_q.tolist())


@pytest.mark.parametrize("rule", ["expected", "grouped", "best", "worst"])
def test_the_order_of_gallery_and_queries_changes_nothing(rule):
    rng = np.random.default_rng(3)
    q, g = rng.integers(-2, 3, (30, 6)).astype(float), rng.integers(-2, 3, (50, 6)).astype(float)
    y_q, y_g = rng.integers(0, 4, 30), rng.integers(0, 4, 50)
    a, b = rng.permutation(30), rng.permutation(50)

    def dot(left, right):
        return lambda rows: left[rows] @ right.T  # whole numbers: exact in any order

    base = score_by(dot(q, g), y_q, y_g, metrics=NAMES, ties=rule)
    moved = score_by(dot(q[a], g[b]), y_q[a], y_g[b], metrics=NAMES, ties=rule)
    for name in NAMES:
        np.testing.assert_allclose(moved.per_query(name), base.per_query(name)[a], atol=1e-12)


def test_blocks_and_threads_change_nothing():
    q, g, y_q, y_g = world(q=50)
    base = score(q, g, y_q, y_g, metrics=NAMES, block=50, workers=1)
    other = score(q, g, y_q, y_g, metrics=NAMES, block=3, workers=2)
    for name in NAMES:
        np.testing.assert_allclose(other.per_query(name), base.per_query(name), atol=1e-12)
    np.testing.assert_array_equal(other.top, base.top)


@pytest.mark.parametrize("ties", ["expected", "averaged"])
def test_random_orders_are_the_same_on_every_machine(ties):
    rng = np.random.default_rng(4)
    scores, y_q, y_g = rng.integers(0, 4, (150, 40)), rng.integers(0, 3, 150), rng.integers(0, 3, 40)
    own = {"query_instance": rng.integers(0, 9, 150), "gallery_instance": rng.integers(0, 9, 40)}
    names, bases = ["mAP@all-voc", "P@3", "Acc@1"], []
    for block, workers in ((150, 1), (40, 2), (7, 2)):
        result = score_by(
            scores, y_q, y_g, metrics=names, ties=ties, block=block, workers=workers, seed=3, **own
        )
        bases.append(np.array([result.per_query(name) for name in names]))
    np.testing.assert_allclose(bases[1:], [bases[0]] * 2, atol=1e-12)
    other = score_by(scores, y_q, y_g, metrics=["mAP@all-voc"], ties=ties, seed=4)
    assert np.abs(other.per_query("mAP@all-voc") - bases[0][0]).max() > 1e-3


def test_inputs_may_be_strided_and_are_left_alone():
    q, g, y_q, y_g = world()
    wide_q, wide_g = np.repeat(q, 2, axis=1)[:, ::2], np.asfortranarray(g)
    kept = wide_q.copy(), wide_g.copy()
    result = score(wide_q, wide_g, y_q[::-1][::-1], y_g)
    assert result["mAP@all"] == score(q, g, y_q, y_g)["mAP@all"]
    np.testing.assert_array_equal(wide_q, kept[0])
    np.testing.assert_array_equal(wide_g, kept[1])


def test_tensors_of_any_float_type():
    q, g, y_q, y_g = world(dtype=np.float32)
    base = score(q, g, y_q, y_g)["mAP@all"]
    as_tensors = (torch.from_numpy(x) for x in (q, g, y_q, y_g))
    assert score(*as_tensors)["mAP@all"] == base
    rough = score(torch.from_numpy(q).bfloat16().requires_grad_(), torch.from_numpy(g).half(), y_q, y_g)
    assert rough["mAP@all"] == pytest.approx(base, abs=0.02)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_a_torch_device_gives_the_same(distance):
    q, g, y_q, y_g = world(dtype=np.float64)
    ids = np.arange(90) % 7
    names = [*NAMES, "mAP@all-voc", "Acc@1", "Acc@5"]
    instances = {"query_instance": ids[:40], "gallery_instance": ids}
    base = score(q, g, y_q, y_g, metrics=names, distance=distance, **instances)
    there = score(q, g, y_q, y_g, metrics=names, distance=distance, device="cpu", **instances)
    for name in names:
        np.testing.assert_allclose(there.per_query(name), base.per_query(name), atol=1e-12)
    np.testing.assert_array_equal(there.top, base.top)


def test_packed_codes_equal_counting_bits(naive):
    rng = np.random.default_rng(5)
    y_q, y_g = rng.integers(0, 3, 20), rng.integers(0, 3, 60)
    for bits in (8, 24, 64, 128, 300):
        a, b = rng.integers(0, 2, (20, bits), np.uint8), rng.integers(0, 2, (60, bits), np.uint8)
        agree = (a[:, None] == b[None]).sum(axis=2)
        packed = np.packbits(a, axis=1), np.packbits(b, axis=1)
        for rule in ("expected", "grouped", "best", "worst"):
            got = score(*packed, y_q, y_g, metrics=NAMES, distance="hamming", ties=rule)
            want = score_by(agree.astype(float), y_q, y_g, metrics=NAMES, ties=rule)
            for name in NAMES:
                np.testing.assert_allclose(got.per_query(name), want.per_query(name), atol=1e-12)
            np.testing.assert_array_equal(got.top, want.top)
            np.testing.assert_allclose(got.curve, want.curve, atol=1e-6)
    words = [np.packbits(x, axis=1)[:, :8].copy().view(np.uint64)[:, 0] for x in (a, b)]
    assert score(*words, y_q, y_g, distance="hamming").distance == "hamming"


def test_one_query_per_class_leaves_the_scores_whole():
    # A one-row slice is contiguous already: sorting "a copy" of it in place would spoil the ranking.
    scores = np.array([[0.9, 0.1, 0.5, 0.7], [0.2, 0.8, 0.3, 0.6]])
    kept = scores.copy()
    result = score_by(lambda rows: scores[rows], ["a", "b"], ["a", "a", "b", "b"], metrics=["mAP@all"])
    np.testing.assert_allclose(result.per_query("mAP@all"), [(1 + 2 / 4) / 2, (1 / 2 + 2 / 3) / 2])
    np.testing.assert_array_equal(result.top, [[0, 3, 2, 1], [1, 3, 2, 0]])
    np.testing.assert_array_equal(scores, kept)


@pytest.mark.parametrize("k", [1, 2, 5, 30])
def test_top_items_are_the_best_and_equal_ones_come_by_number(k):
    rng = np.random.default_rng(0)
    scores, y = rng.integers(0, 6, (12, 25)), rng.integers(0, 3, 25)
    result = score_by(scores, y[:12], y, top=k)
    want = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(result.top, want)
    np.testing.assert_array_equal(np.array(result.classes)[result.top_classes], y[want])


def test_instances_are_told_apart_within_their_class(naive):
    rng = np.random.default_rng(1)
    scores = rng.integers(0, 9, (15, 40)).astype(float)
    y_q, y_g = rng.integers(0, 3, 15).astype(str), rng.integers(0, 3, 40).astype(str)
    i_q, i_g = rng.choice(["", "1", "2", "3", "4"], 15), rng.choice(["", "1", "2", "3"], 40)
    for rule in ("expected", "grouped", "best", "worst"):
        for within in ("gallery", "class"):
            result = score_by(
                scores, y_q, y_g, metrics=["Acc@1", "Acc@5"], ties=rule, within=within,
                query_instance=i_q, gallery_instance=i_g, block=4,
            )  # fmt: skip
            for i in range(15):
                area = y_g == y_q[i] if within == "class" else np.full(40, True)
                own = (y_g == y_q[i]) & (i_g == i_q[i]) & (i_q[i] != "")
                groups = naive.levels(scores[i, area].tolist(), own[area].tolist())
                for name, k in (("Acc@1", 1), ("Acc@5", 5)):
                    got = result.per_query(name)[i]
                    if not own.any():
                        assert np.isnan(got)
                    elif rule == "expected":
                        assert got == pytest.approx(chance(groups, k), abs=1e-9)
                    elif rule == "grouped":
                        assert got == naive.grouped(name, groups)
                    else:
                        assert got == naive.metric(name, getattr(naive, rule)(groups))


def chance(groups, k):
    """Probability of a hit in the top k: one minus drawing only misses from the level that k cuts."""
    left, missed = k, 1.0
    for level in groups:
        others, size = level.count(False), len(level)
        for _ in range(min(left, size)):
            missed, others, size = missed * others / size, others - 1, size - 1
        left -= min(left, len(level))
    return 1 - missed


def test_accuracy_comes_by_default_with_instances():
    q, g, y_q, y_g = world()
    result = score(q, g, y_q, y_g, query_instance=np.arange(40), gallery_instance=np.arange(90))
    assert result.metrics == [*DEFAULT, *DEFAULT_INSTANCE]
    inside = score(
        q, g, y_q, y_g, query_instance=np.arange(40), gallery_instance=np.arange(90), within="class"
    )
    assert inside.metrics == list(DEFAULT_INSTANCE)
    assert "gallery of its class" in inside.sentence()


def test_within_class_the_top_is_of_the_class():
    q, g, y_q, y_g = world()
    ids = {"query_instance": np.arange(40), "gallery_instance": np.arange(90)}
    result = score(q, g, y_q, y_g, within="class", **ids)
    scores = slow_scores(q, g, "cosine")
    for i in range(40):
        pool = np.flatnonzero(y_g == y_q[i])
        np.testing.assert_array_equal(result.top[i], pool[np.argsort(-scores[i, pool])][:10])


def test_rank_of_the_very_object():
    scores, y = np.array([[4, 3, 2, 1], [1, 2, 3, 4]]), ["a", "a", "b", "b"]
    ids = {"query_instance": ["2", "1"], "gallery_instance": ["1", "2", "1", "2"]}
    across = score_by(scores, ["a", "b"], y, metrics=["MRR-instance"], **ids)
    assert across.per_query("MRR-instance").tolist() == [1 / 2, 1 / 2]
    twice = score_by(scores, ["b", "a"], y, metrics=["MRR-instance"], **ids)
    assert twice.per_query("MRR-instance").tolist() == [1 / 4, 1 / 4]
    inside = score_by(scores, ["b", "a"], y, metrics=["MRR-instance"], within="class", **ids)
    assert inside.per_query("MRR-instance").tolist() == [1 / 2, 1 / 2]


OWN = Protocol(split="my own", query_data="Mine", gallery_data="Mine", metrics=["P@5"], distance="euclidean")


def test_a_protocol_says_how_and_its_counts_are_filled_in():
    q, g, y_q, y_g = world()
    result = score(q, g, y_q, y_g, protocol=OWN)
    assert (result.metrics, result.distance) == (["P@5"], "euclidean")
    assert result["P@5"] == score(q, g, y_q, y_g, metrics=["P@5"], distance="euclidean")["P@5"]
    p = result.protocol
    assert (p.classes, p.queries, p.photos) == (4, 40, 90)
    assert str(p) in repr(result)
    assert score(q, g, y_q, y_g, protocol=p).protocol == p
    own = {"query_instance": np.arange(40), "gallery_instance": np.arange(90)}
    mixed = replace(OWN, metrics=["Acc@1", "P@5", "Acc@5"])
    assert score(q, g, y_q, y_g, protocol=mixed, **own).protocol.metrics == ("Acc@1", "P@5", "Acc@5")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"metrics": ["P@6"]}, "metrics .*P@5.* against .*P@6"),
        ({"distance": "cosine"}, "distance 'euclidean' against 'cosine'"),
        ({"ties": "best"}, "ties 'expected' against 'best'"),
        ({"protocol": replace(OWN, queries=41)}, "queries 41 against 40"),
        ({"protocol": replace(OWN, photos=90, classes=5)}, "classes 5 against 4$"),
    ],
)
def test_a_protocol_that_is_contradicted_is_refused(options, says):
    with pytest.raises(ValueError, match=f"protocol: it says otherwise than what is measured; {says}"):
        score(*world(), **({"protocol": OWN} | options))


def test_extreme_lengths_do_not_spoil_cosine():
    q, g, y_q, y_g = world(dtype=np.float32)
    base = score(q, g, y_q, y_g)["mAP@all"]
    factor = np.where(np.arange(90) % 2, 1e30, 1e-30).astype(np.float32)[:, None]
    assert score(q * np.float32(1e-25), g * factor, y_q, y_g)["mAP@all"] == pytest.approx(base, abs=1e-6)


def test_a_zero_vector_is_equally_far_from_all():
    result = score(np.zeros((1, 3)), np.eye(3), ["a"], ["a", "b", "c"], metrics=["mAP@all"])
    assert result["mAP@all"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_far_from_the_origin_euclidean_keeps_its_order():
    q, g, y_q, y_g = world(dtype=np.float64)
    base = score(q, g, y_q, y_g, distance="euclidean")["mAP@all"]
    assert score(q + 1e5, g + 1e5, y_q, y_g, distance="euclidean")["mAP@all"] == pytest.approx(base, abs=1e-9)


def test_nothing_relevant_at_all_is_nan_and_said():
    result = score(np.eye(2), np.eye(2), ["a", "b"], ["c", "d"])
    assert np.isnan(result["mAP@all"])
    assert result.counts["without_relevant"] == 2
    assert "2 queries without a relevant item" in repr(result)


def test_memory_stays_far_below_the_matrix():
    rng = np.random.default_rng(0)
    q, g = rng.standard_normal((6000, 8), np.float32), rng.standard_normal((9000, 8), np.float32)
    y_q, y_g = rng.integers(0, 20, 6000), rng.integers(0, 20, 9000)
    tracemalloc.start()
    score(q, g, y_q, y_g, block=64)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6000 * 9000 * 4 / 4


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (
            {"query": np.ones(3)},
            ValueError,
            r"query: want \(N, D\) numbers with N >= 1 and D >= 1, got \(3,\)",
        ),
        ({"query": np.ones((0, 3))}, ValueError, "query: want"),
        ({"gallery": np.ones((0, 3))}, ValueError, "gallery: want"),
        ({"gallery": np.ones((4, 2))}, ValueError, "vectors of one length, got 3 and 2"),
        ({"query": np.array([["a", "b", "c"]])}, ValueError, "query: want"),
        ({"y_query": [0]}, ValueError, r"y_query: want \(2,\), one for each row, got \(1,\)"),
        ({"y_gallery": [[0, 1, 2, 3]]}, ValueError, r"y_gallery: want \(4,\)"),
        ({"y_query": [0.5, 1.5]}, TypeError, "y_query: want whole numbers or strings, got float64, such as"),
        ({"y_query": [None, "a"]}, TypeError, "y_query: want whole numbers or strings, got object"),
        ({"y_query": [True, False]}, TypeError, "got bool"),
        ({"y_query": ["a", "b"]}, TypeError, "want both whole numbers or both strings"),
        ({"query": np.array([[1, np.nan, 1], [1, 1, 1]])}, ValueError, "nan or infinity in 1 rows, first 0"),
        ({"gallery": np.full((4, 3), np.inf)}, ValueError, "gallery: want finite numbers"),
        ({"distance": "manhattan"}, ValueError, "distance: want one of cosine, euclidean, hamming"),
        ({"distance": "hamming"}, ValueError, "query: want packed codes"),
        (
            {"query": np.ones((2, 3), np.uint64)},
            ValueError,
            "want embeddings, got uint64, which are packed codes",
        ),
        ({"ties": "random"}, ValueError, "ties: want one of expected"),
        ({"metrics": "mAP@all"}, ValueError, "metrics: want a list of names"),
        ({"metrics": []}, ValueError, "metrics: want a list of names"),
        ({"metrics": ["Acc@1"]}, ValueError, "needs query_instance"),
        ({"query_instance": [1, 2]}, ValueError, "want both or none"),
        ({"within": "class", "metrics": ["P@1"]}, ValueError, "want only Acc@K"),
        ({"within": "family"}, ValueError, "within: want 'gallery' or 'class'"),
        ({"block": 0}, ValueError, "block: want a whole number >= 1, got 0"),
        ({"workers": 1.5}, ValueError, "workers: want a whole number >= 1, got 1.5"),
        ({"device": "gpu"}, ValueError, "device: cannot use 'gpu'"),
        ({"metric": ["P@1"]}, TypeError, "'metric'"),
        ({"y_query": None}, ValueError, r"y_query: want \(2,\)"),
        ({"top": -1}, ValueError, "top: want"),
    ],
)
def test_a_mistake_is_named(change, error, says):
    given = {
        "query": np.eye(3)[:2],
        "gallery": np.eye(4)[:, :3],
        "y_query": [0, 1],
        "y_gallery": [0, 1, 0, 1],
    }
    with pytest.raises(error, match=says):
        score(**(given | change))


@pytest.mark.parametrize(
    ("scores", "options", "says"),
    [
        (np.ones((2, 3)), {}, r"scores: want \(1, 3\) \(queries, gallery\), got \(2, 3\)"),
        (lambda rows: np.ones((len(rows), 2)), {}, r"scores: want a \(1, 3\) block, got \(1, 2\)"),
        (np.array([[1.0, np.nan, 2.0]]), {}, "finite"),
        (np.array([[1, 2, 7]]), {"levels": 5}, "whole numbers from 0 to 4"),
        (np.array([[1.0, 2.0, 3.0]]), {"levels": 5}, "whole numbers from 0 to 4"),
    ],
)
def test_wrong_scores_are_named(scores, options, says):
    with pytest.raises(ValueError, match=says):
        score_by(scores, ["a"], ["a", "b", "b"], **options)
