"""The index: exact is exact, ties are settled, recall is honest, saved files open again or are refused."""

import builtins
import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from sbirkit.retrieval.codes import pack
from sbirkit.retrieval.index import Index

faiss = pytest.importorskip("faiss", reason="FAISS is an optional extra")


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def clusters(rng):
    centres = rng.normal(size=(40, 32))
    gallery = centres[rng.integers(0, 40, 2000)] + 0.4 * rng.normal(size=(2000, 32))
    return centres[:25] + 0.2 * rng.normal(size=(25, 32)), gallery


def naive(queries, gallery, k, distance):
    """Sort every score; the earlier photo first among equals."""
    out = []
    for q in queries:
        scored = []
        for i, x in enumerate(gallery):
            if distance == "hamming":
                score = -sum(bin(int(a) ^ int(b)).count("1") for a, b in zip(q, x, strict=True))
            elif distance == "euclidean":
                score = -(sum((a - b) ** 2 for a, b in zip(q, x, strict=True)) ** 0.5)
            else:
                score = sum(a * b for a, b in zip(q, x, strict=True))
                score /= (sum(a * a for a in q) * sum(b * b for b in x)) ** 0.5
            scored.append((-score, i))
        out.append(sorted(scored)[:k])
    return [[-s for s, _ in row] for row in out], [[i for _, i in row] for row in out]


@pytest.mark.parametrize("kind", ["exact", "flat"])
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_exact_kinds_equal_naive(rng, kind, distance):
    q, g = rng.normal(size=(6, 9)), rng.normal(size=(50, 9))
    index = Index.build(g, kind=kind, distance=distance)
    scores, ids = index.search(q, 7)
    want, where = naive(q, g, 7, distance)
    assert ids.tolist() == where
    np.testing.assert_allclose(scores, want, atol=2e-5)
    assert index.recall(q, 7) == 1.0


def test_far_from_the_origin_distances_keep_their_digits(rng):
    g = 50 + 0.01 * rng.normal(size=(60, 32))
    scores, ids = Index.build(g, distance="euclidean").search(g[:5], 4)
    want, where = naive(g[:5].astype(np.float32), g.astype(np.float32), 4, "euclidean")
    assert ids.tolist() == where
    np.testing.assert_allclose(scores, want, atol=2e-4)


@pytest.mark.parametrize("kind", ["exact", "binary"])
@pytest.mark.parametrize("bits", [16, 64, 128])
def test_code_kinds_equal_naive_but_for_ties(rng, kind, bits):
    q, g = pack(rng.random((5, bits)) > 0.5), pack(rng.random((60, bits)) > 0.5)
    index = Index.build(g, kind=kind)
    scores, ids = index.search(q, 9)
    want, where = naive(q, g, 9, "hamming")
    np.testing.assert_array_equal(scores, want)
    assert index.recall(q, 9) == 1.0
    if kind == "exact":
        assert ids.tolist() == where


def test_ties_come_in_gallery_order_also_at_the_edge():
    gallery = np.array([[0.0, 1.0]] + [[1.0, 0.0]] * 6)
    assert Index.build(gallery).search([[2.0, 0.0]], 3)[1].tolist() == [[1, 2, 3]]
    assert Index.build(gallery).search([[2.0, 0.0]], 7)[1].tolist() == [[1, 2, 3, 4, 5, 6, 0]]


def test_blocks_do_not_change_the_answer(clusters, monkeypatch):
    q, g = clusters
    whole = Index.build(g).search(q, 20)
    monkeypatch.setattr("sbirkit.retrieval.index.BLOCK", 3 * len(g))
    for a, b in zip(whole, Index.build(g).search(q, 20), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("kind", ["exact", "flat"])
def test_k_beyond_the_gallery_gives_the_gallery(rng, kind):
    index = Index.build(rng.normal(size=(4, 3)), kind=kind)
    assert sorted(index.search(rng.normal(size=(1, 3)), 99)[1][0]) == [0, 1, 2, 3]
    assert index.recall(rng.normal(size=(2, 3)), 99) == 1.0


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_ivfpq_recall_is_counted_item_by_item_and_grows_with_probes(clusters, distance):
    q, g = clusters
    recalls = []
    for probes in (1, 4, 40):
        index = Index.build(g, kind="ivfpq", distance=distance, lists=40, parts=4, bits=4, probes=probes)
        recalls.append(index.recall(q, 10))
        exact = Index.build(g, distance=distance).search(q, 10)[1]
        found = index.search(q, 10)[1]
        share = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, exact, strict=True)])
        assert recalls[-1] == pytest.approx(share)  # no ties here, so sets of positions say the same
    assert recalls == sorted(recalls)
    assert 0 < recalls[0] < recalls[-1] < 1


def test_ivfpq_marks_what_it_did_not_find(clusters):
    q, g = clusters
    index = Index.build(g, kind="ivfpq", lists=40, probes=1)
    scores, ids = index.search(q, 1000)
    assert (ids == -1).any()
    assert (scores[ids == -1] == -np.inf).all()
    assert np.isfinite(scores[ids >= 0]).all()
    assert (np.diff(np.where(np.isinf(scores), -2, scores), axis=1) <= 0).all()
    assert index.recall(q, 1000) < 0.5


def test_same_seed_same_clusters(clusters):
    q, g = clusters
    a, b, c = (Index.build(g, kind="ivfpq", seed=s).search(q, 10)[0] for s in (0, 0, 1))
    assert (a == b).all()
    assert (a != c).any()


@pytest.mark.parametrize("kind", ["exact", "flat", "ivfpq", "binary"])
def test_saved_indexes_open_again(clusters, kind, tmp_path):
    q, g = clusters
    if kind == "binary":
        q, g = pack(q > 0), pack(g > 0)
    index = Index.build(g, kind=kind)
    path = index.save(tmp_path / "deep" / "gallery.index")
    again = Index.load(path)
    assert repr(again) == repr(index)
    for a, b in zip(index.search(q, 8), again.search(q, 8), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [p.name for p in path.parent.iterdir()] == ["gallery.index"], "no partial file stays behind"
    if kind != "exact":
        with pytest.raises(ValueError, match="exact: an approximate index"):
            again.recall(q, 8)
        exact = Index.build(g)
        assert again.recall(q, 8, exact=exact) == index.recall(q, 8)


def test_a_failed_save_leaves_the_old_file(clusters, tmp_path, monkeypatch):
    _, g = clusters
    path = Index.build(g).save(tmp_path / "a.index")
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        Index.build(g[:50]).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.index"]


def test_damaged_truncated_foreign_and_newer_files_are_refused(clusters, tmp_path):
    path = Index.build(clusters[1]).save(tmp_path / "a.index")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ValueError, match="does not match its digest"):
        Index.load(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cut short"):
        Index.load(path)
    path.write_bytes(b"hello")
    with pytest.raises(ValueError, match="not a saved index"):
        Index.load(path)
    path.write_bytes(whole)
    with safe_open(path, framework="numpy") as file:
        head, vectors = file.metadata(), file.get_tensor("vectors")
    assert json.loads(head["card"])["size"] == 2000
    save_file({"vectors": vectors}, path, metadata=head | {"sbirkit-index": "99"})
    with pytest.raises(ValueError, match="want an index of version 1, found 99"):
        Index.load(path)
    with pytest.raises(FileNotFoundError):
        Index.load(tmp_path / "absent.index")


def test_torch_half_and_strided_input(rng):
    g = rng.normal(size=(30, 8)).astype(np.float32)
    want = Index.build(g).search(g[:3], 4)[1]
    assert (Index.build(torch.tensor(g)).search(torch.tensor(g[:3]), 4)[1] == want).all()
    wide = np.repeat(g, 2, axis=1)[:, ::2]
    assert (Index.build(wide).search(wide[:3], 4)[1] == want).all()
    assert (Index.build(g.astype(np.float16)).search(g[:3], 1)[1] == want[:, :1]).all()


def test_errors_say_what_was_wanted(rng, monkeypatch):
    g = rng.normal(size=(20, 8))
    bad = g.copy()
    bad[3, 1] = np.nan
    with pytest.raises(
        ValueError, match="vectors: want finite numbers, got nan or infinity in 1 rows, first 3"
    ):
        Index.build(bad)
    with pytest.raises(
        ValueError, match=r"vectors: want \(N, D\) numbers with N >= 1 and D >= 1, got \(0, 8\)"
    ):
        Index.build(g[:0])
    with pytest.raises(ValueError, match=r"queries: want \(N, 8\)"):
        Index.build(g).search(g[:, :5], 1)
    with pytest.raises(ValueError, match="k: want at least 1"):
        Index.build(g).search(g, 0)
    with pytest.raises(ValueError, match="kind: want one of exact, flat, ivfpq, binary"):
        Index.build(g, kind="hnsw")
    with pytest.raises(ValueError, match="kind='binary' with distance='cosine' does not suit embeddings"):
        Index.build(g, kind="binary")
    with pytest.raises(ValueError, match="does not suit uint64 codes"):
        Index.build(pack(g > 0), kind="flat")
    with pytest.raises(TypeError, match="takes no options, got lists"):
        Index.build(g, lists=4)
    with pytest.raises(ValueError, match="8-bit parts want at least 256"):
        Index.build(g, kind="ivfpq")
    with pytest.raises(ValueError, match="parts=3"):
        Index.build(rng.normal(size=(300, 8)), kind="ivfpq", parts=3)
    with pytest.raises(ValueError, match="same 20 photos"):
        Index.build(g).recall(g, 1, exact=Index.build(g[:5]))
    real = builtins.__import__

    def without_faiss(name, *args, **kwargs):
        if name == "faiss":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_faiss)
    assert len(Index.build(g)) == 20
    with pytest.raises(ImportError, match=r"sbirkit\[index\]"):
        Index.build(g, kind="flat")
