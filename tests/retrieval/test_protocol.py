"""Protocols: which rows are ranked, what the sentence says, and that unlike results do not mix."""

import json
import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from sbirkit.data import Item, write_catalogue
from sbirkit.retrieval import Generalised, Result, compare, evaluate_embeddings, score
from sbirkit.retrieval.codes import fit_itq, hamming, itq_transductive, sign_codes
from sbirkit.retrieval.protocol import Protocol, spoken
from sbirkit.retrieval.selection import select

UNSEEN = ["class 00", "class 01", "class 02", "class 03"]


def picture(item):
    rng = np.random.default_rng(zlib.crc32(item.source.split("#")[0].encode()))
    pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    return Image.fromarray(pixels if item.modality == "photo" else pixels[..., 0])


def items(classes, salt=""):
    """Ten objects with photo and sketch, two more photos, one photo listed twice, one lone sketch."""
    for c in classes:
        for i in range(10):
            yield Item(c, "photo", f"{salt}photo/{c}/{i}", instance=str(i))
            yield Item(c, "sketch", f"{salt}sketch/{c}/{i}", instance=str(i))
        yield Item(c, "photo", f"{salt}photo/{c}/0#again", instance="0")
        yield Item(c, "photo", f"{salt}photo/{c}/x")
        yield Item(c, "photo", f"{salt}photo/{c}/y")
        yield Item(c, "sketch", f"{salt}sketch/{c}/lone", instance="lone")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    names = [f"class {c:02d}" for c in range(14)]
    card = {"name": "tiny", "title": "Tiny-Ext"}
    out = tmp_path_factory.mktemp("protocol") / "tiny"
    listed = list(items(names))
    listed = [listed[i] for i in np.random.default_rng(9).permutation(len(listed))]  # classes interleave
    return write_catalogue(out, listed, picture, card=card, sizes=(16,), workers=1, progress=False)


@pytest.fixture(scope="module")
def embeddings(catalogue):
    rng = np.random.default_rng(2)
    classes, objects = 0.7 * rng.normal(size=(14, 24)), 0.6 * rng.normal(size=(14, 12, 24))
    place = {"": 10, "lone": 11} | {str(i): i for i in range(10)}
    instance = np.array([place[i] for i in catalogue.column("instance")])
    return (
        classes[catalogue.labels]
        + objects[catalogue.labels, instance]
        + rng.normal(size=(len(catalogue), 24))
    )


@pytest.fixture(scope="module")
def zs(catalogue):
    return catalogue.benchmark(UNSEEN, setting="zs")


@pytest.fixture(scope="module")
def gzs(catalogue):
    return catalogue.benchmark(UNSEEN, setting="gzs")


def names(benchmark, rows):
    return np.array(benchmark.catalogue.column("label"))[rows]


# --- zero-shot --------------------------------------------------------------------------------------------


def test_zero_shot_is_score_on_the_unseen_rows(zs, embeddings):
    q, g = zs.queries("unseen"), zs.gallery_rows("unseen")
    got = evaluate_embeddings(embeddings, zs, "zs", metrics=["mAP@all", "P@100-min"])
    want = score(embeddings[q], embeddings[g], names(zs, q), names(zs, g), metrics=["mAP@all", "P@100-min"])
    for metric in want.metrics:
        np.testing.assert_array_equal(got.per_query(metric), want.per_query(metric))
    assert got.classes == ["class_00", "class_01", "class_02", "class_03"]
    p = got.protocol
    assert (p.classes, p.queries, p.photos, p.seed) == (4, 44, 48, None)


def test_gallery_as_published_lists_a_photo_twice(catalogue, zs, embeddings):
    twice = catalogue.benchmark(UNSEEN, setting="zs", gallery="as-published")
    a, b = evaluate_embeddings(embeddings, zs), evaluate_embeddings(embeddings, twice)
    assert b.protocol.photos == a.protocol.photos + 4
    assert "48 distinct photos" in str(a.protocol)
    assert "52 photos as published" in str(b.protocol)
    with pytest.raises(ValueError, match=r"gallery 'deduplicated' against 'as-published'"):
        compare({"a": a, "b": b})


def test_selection_part(zs, embeddings):
    result = evaluate_embeddings(embeddings, zs, "zs", part="selection", metrics=["mAP@all"])
    assert set(result.classes) == {c.replace(" ", "_") for c in zs.selection_classes}
    assert " selection classes of Tiny-Ext" in str(result.protocol)


@pytest.mark.parametrize("form", ["mapping", "pair", "torch", "half"])
def test_embeddings_come_in_any_form(zs, embeddings, form):
    want = evaluate_embeddings(embeddings.astype(np.float32), zs, metrics=["mAP@all"])
    rows = np.concatenate([zs.gallery_rows("unseen"), zs.queries("unseen")])
    given = {
        "mapping": {int(r): embeddings[r].astype(np.float32) for r in rows},
        "pair": (rows, torch.tensor(embeddings[rows]).float()),
        "torch": torch.tensor(embeddings).float(),
        "half": embeddings.astype(np.float16),
    }[form]
    got = evaluate_embeddings(given, zs, metrics=["mAP@all"])
    assert got["mAP@all"] == pytest.approx(want["mAP@all"], abs=2e-3 if form == "half" else 1e-12)


# --- generalised ------------------------------------------------------------------------------------------


def test_sempcyc_appends_a_fifth_of_seen_items_to_both_sides(gzs, embeddings):
    protocol = Protocol.of(gzs, "gzs-sempcyc", metrics=["mAP@all"], seed=7)
    rows = select(gzs, protocol)
    assert (protocol.queries, protocol.seen_queries) == (44, 8)  # int(0.2 * 44)
    assert (protocol.photos, protocol.seen_photos) == (48, 9)  # int(0.2 * 48)
    for part, seen in ((rows.query, rows.seen_query), (rows.gallery, rows.seen_gallery)):
        assert np.isin(part[seen], gzs.seen_test).all()
        assert not np.isin(part, gzs.train).any()
        assert np.isin(part[~seen], gzs.unseen).all()
        assert len(set(part)) == len(part)
    result = evaluate_embeddings(embeddings, gzs, protocol)
    want = score(embeddings[rows.query], embeddings[rows.gallery], names(gzs, rows.query),
                 names(gzs, rows.gallery), metrics=["mAP@all"])  # fmt: skip
    assert result["mAP@all"] == want["mAP@all"]
    assert "44 sketches + 8 of seen classes against 48 distinct photos + 9 of seen classes" in str(protocol)


def test_released_variant_draws_from_the_training_rows(gzs):
    rows = select(gzs, Protocol.of(gzs, "gzs-sempcyc-released"))
    assert np.isin(rows.query[rows.seen_query], gzs.train).all()
    assert np.isin(rows.gallery[rows.seen_gallery], gzs.train).all()


def test_draws_follow_the_seed(gzs):
    a, b, c = (select(gzs, Protocol.of(gzs, "gzs-sempcyc", seed=s)) for s in (0, 0, 1))
    assert (a.query == b.query).all()
    assert (a.gallery == b.gallery).all()
    assert set(a.gallery) != set(c.gallery)


def test_separate_reports_seen_unseen_and_their_harmonic_mean(gzs, embeddings):
    both = evaluate_embeddings(embeddings, gzs, "gzs-separate", metrics=["mAP@all", "P@100"])
    rows = select(gzs, both.protocol)
    assert both.protocol.seen_queries == len(gzs.queries("seen_test"))
    assert both.protocol.seen_photos == min(48, len(gzs.gallery_rows("seen_test")))
    gallery, y = embeddings[rows.gallery], names(gzs, rows.gallery)
    for part, result in ((rows.seen_query, both.seen), (~rows.seen_query, both.unseen)):
        q = rows.query[part]
        assert result["mAP@all"] == score(embeddings[q], gallery, names(gzs, q), y)["mAP@all"]
    s, u = both.seen["mAP@all"], both.unseen["mAP@all"]
    assert both["mAP@all"] == pytest.approx(2 * s * u / (s + u))
    assert both.table()[0] == {"metric": "mAP@all", "seen": s, "unseen": u, "harmonic": both["mAP@all"]}
    assert "unseen" in repr(both)
    assert compare({"x": both, "y": both}).rows[0]["mAP@all"] == both["mAP@all"]


def test_seen_and_unseen_results_of_ones_own_make_a_harmonic_mean():
    rng = np.random.default_rng(0)
    x, g, y, y_g = rng.normal(size=(30, 4)), rng.normal(size=(50, 4)), np.arange(30) % 3, np.arange(50) % 3
    seen, unseen = (score(x[y < 1], g, y[y < 1], y_g), score(x[y > 0], g, y[y > 0], y_g))
    both = Generalised(seen, unseen)
    s, u = seen["P@100"], unseen["P@100"]
    assert both["P@100"] == pytest.approx(2 / (1 / s + 1 / u))
    assert both.table()[2] == {"metric": "P@100", "seen": s, "unseen": u, "harmonic": both["P@100"]}
    with pytest.raises(ValueError, match="want the same distance, got cosine and euclidean"):
        Generalised(seen, score(x[y > 0], g, y[y > 0], y_g, distance="euclidean"))
    with pytest.raises(ValueError, match="want one gallery for both, got 50 and 40 items"):
        Generalised(seen, score(x[y > 0], g[:40], y[y > 0], y_g[:40]))


def test_generalised_wants_held_out_rows(zs, embeddings):
    with pytest.raises(ValueError, match="open it with setting='gzs'"):
        evaluate_embeddings(embeddings, zs, "gzs-separate")


# --- fine-grained -----------------------------------------------------------------------------------------


def own_photo_ranks(benchmark, embeddings, *, within):
    """Rank of each sketch's own photo, by sorting cosines one query at a time."""
    label, instance = benchmark.catalogue.column("label"), benchmark.catalogue.column("instance")
    photos = [r for r in benchmark.gallery_rows("unseen") if instance[r] != ""]
    ranks = []
    for q in benchmark.queries("unseen"):
        pool = [r for r in photos if label[r] == label[q] or not within]
        x = embeddings[q] / np.linalg.norm(embeddings[q])
        near = sorted(pool, key=lambda r: -(x @ embeddings[r]) / np.linalg.norm(embeddings[r]))
        hit = [i for i, r in enumerate(near, 1) if (label[r], instance[r]) == (label[q], instance[q])]
        ranks += hit[:1]
    return np.array(ranks)


@pytest.mark.parametrize(("setting", "within"), [("fg-within-class", True), ("fg-across-classes", False)])
def test_fine_grained_equals_sorting_by_hand(zs, embeddings, setting, within):
    result = evaluate_embeddings(embeddings, zs, setting)
    ranks = own_photo_ranks(zs, embeddings, within=within)
    assert len(ranks) == result.protocol.queries == 40, "sketches of no photographed object are left out"
    assert result.protocol.photos == 40, "photos of no named object are no candidates"
    assert result["Acc@1"] == pytest.approx((ranks <= 1).mean())
    assert result["Acc@5"] == pytest.approx((ranks <= 5).mean())
    assert result["MRR-instance"] == pytest.approx((1 / ranks).mean())
    np.testing.assert_allclose(result.per_query("MRR-instance"), 1 / ranks)
    assert set(result.per_class("Acc@1")) == {"class_00", "class_01", "class_02", "class_03"}
    assert "4 sketches without a photo of their own left out" in result.notes


@pytest.mark.parametrize("setting", ["fg-within-class", "fg-across-classes"])
def test_fine_grained_top_counts_gallery_positions(zs, embeddings, setting):
    result = evaluate_embeddings(embeddings, zs, setting)
    rows = select(zs, result.protocol)
    best = rows.gallery[result.top[:, 0]]
    instance, label = zs.catalogue.column("instance"), zs.catalogue.column("label")
    own = (instance[best] == instance[rows.query]) & (label[best] == label[rows.query])
    assert own.mean() == pytest.approx(result["Acc@1"])
    assert [result.classes[c] for c in result.top_classes[:, 0]] == label[best].tolist()
    assert [result.classes[c] for c in result.y_query] == label[rows.query].tolist()


def test_within_class_is_easier_than_across(zs, embeddings):
    inside, across = (
        evaluate_embeddings(embeddings, zs, f"fg-{s}") for s in ("within-class", "across-classes")
    )
    assert inside["MRR-instance"] > across["MRR-instance"]
    with pytest.raises(ValueError, match="setting 'fg-within-class' against 'fg-across-classes'"):
        compare([inside, across])


# --- codes ------------------------------------------------------------------------------------------------


def test_codes_are_fitted_on_training_rows_only(zs, embeddings):
    result = evaluate_embeddings(embeddings, zs, "codes16", metrics=["mAP@all"])
    train = zs.train
    modality = zs.catalogue.column("modality")[train]
    coder = fit_itq(embeddings[train[modality == "sketch"]], embeddings[train[modality == "photo"]], bits=16)
    q, g = zs.queries("unseen"), zs.gallery_rows("unseen")
    distance = hamming(coder.encode(embeddings[q]), coder.encode(embeddings[g]))
    rng, y = np.random.default_rng(0), names(zs, g)
    ap = []
    for row, label in zip(distance, names(zs, q), strict=True):
        draws = []
        for _ in range(60):
            hit = (y == label)[np.lexsort((rng.random(len(row)), row))]
            draws.append((hit * hit.cumsum() / np.arange(1, len(hit) + 1)).sum() / hit.sum())
        ap.append(np.mean(draws))
    assert result["mAP@all"] == pytest.approx(np.mean(ap), abs=3e-3)
    given = evaluate_embeddings(embeddings, zs, "codes16", coder=coder, metrics=["mAP@all"])
    assert given["mAP@all"] == result["mAP@all"]
    text = str(result.protocol)
    assert text.startswith("16-bit codes: 4 unseen classes")
    assert "hamming on itq codes" in text


@pytest.mark.parametrize(("kind", "codes"), [("itq-transductive", itq_transductive), ("sign", None)])
def test_other_codes_by_name(zs, embeddings, kind, codes):
    result = evaluate_embeddings(embeddings, zs, "codes24", codes=kind, metrics=["mAP@all"])
    q, g = zs.queries("unseen"), zs.gallery_rows("unseen")
    a, b = (
        codes(embeddings[q], embeddings[g])
        if codes
        else (sign_codes(embeddings[q]), sign_codes(embeddings[g]))
    )
    want = score(a, b, names(zs, q), names(zs, g), distance="hamming", metrics=["mAP@all"])
    assert result["mAP@all"] == want["mAP@all"]


def test_codes_say_what_does_not_fit(zs, embeddings):
    with pytest.raises(ValueError, match="1 to 24 bits"):
        evaluate_embeddings(embeddings, zs, "codes64")
    with pytest.raises(ValueError, match="codes64 wants 64 bits, sign gives 24"):
        evaluate_embeddings(embeddings, zs, "codes64", codes="sign")
    coder = fit_itq(embeddings, bits=8)
    with pytest.raises(ValueError, match="codes16 wants 16 bits, itq gives 8"):
        evaluate_embeddings(embeddings, zs, "codes16", coder=coder)
    with pytest.raises(ValueError, match="goes with codes='itq'"):
        evaluate_embeddings(embeddings, zs, "codes24", codes="sign", coder=coder)
    few = {int(r): embeddings[r] for r in zs.unseen}
    with pytest.raises(ValueError, match=r"embeddings: .* rows wanted are missing"):
        evaluate_embeddings(few, zs, "codes16")


# --- across data sets -------------------------------------------------------------------------------------


def test_across_data_sets_matches_normalised_names_and_names_the_rest(zs, embeddings, tmp_path):
    spelled = ["Class-00", "class (01)", "zebra", *(f"other {i}" for i in range(8))]
    card = {"name": "other", "title": "Other-Ext"}
    listed = list(items(spelled, "other/"))
    other = write_catalogue(
        tmp_path / "o", listed, picture, sizes=(16,), workers=1, card=card, progress=False
    )
    two = other.benchmark(["class 00", "class 01", "zebra"])
    theirs = np.random.default_rng(0).normal(size=(len(other), 24))
    result = evaluate_embeddings(embeddings, zs, "cross-dataset", gallery=two, gallery_embeddings=theirs,
                                 metrics=["mAP@all"])  # fmt: skip
    q = zs.queries("unseen")
    q = q[np.isin(names(zs, q), ["class_00", "class_01"])]
    g = two.gallery_rows("unseen")
    want = score(embeddings[q], theirs[g], names(zs, q), names(two, g), metrics=["mAP@all"])
    assert result["mAP@all"] == want["mAP@all"]
    assert result.notes == ["left out: class_02, class_03", "in the gallery only: zebra"]
    p = result.protocol
    assert (p.classes, p.queries, p.photos) == (2, 22, 36)
    assert "2 unseen classes of Tiny-Ext" in str(p)
    assert "distinct photos of Other-Ext" in str(p)
    with pytest.raises(ValueError, match="goes with cross-dataset only, got 'zs'"):
        evaluate_embeddings(embeddings, zs, "zs", gallery=two, gallery_embeddings=theirs)
    with pytest.raises(ValueError, match="gallery_embeddings: want one for each"):
        evaluate_embeddings(embeddings, zs, "cross-dataset", gallery=two)


# --- values, sentences, tables ----------------------------------------------------------------------------

SKETCHY = Protocol(
    split="sketchy-21-yelamarthi", classes=21, query_data="Sketchy-Ext", gallery_data="Sketchy-Ext",
    queries=12694, photos=10453, metrics=("mAP@200-strict",),
)  # fmt: skip


def test_the_sentence():
    assert str(SKETCHY) == (
        "21 unseen classes of Sketchy-Ext (Yelamarthi), 12,694 sketches against 10,453 distinct photos, "
        "strict mAP@200, cosine"
    )
    other = replace(SKETCHY, split="own list", averaging="macro", ties="grouped", seed=3)
    assert str(other).endswith("strict mAP@200, cosine, ties grouped, mean over classes, seed 3")
    assert "(own list)" in str(other)


@pytest.mark.parametrize(
    ("metric", "said"),
    [("mAP@all", "mAP@all"), ("mAP@all-voc", "VOC mAP@all"), ("mAP@200-over-r", "over-r mAP@200"),
     ("P@100-min", "min P@100"), ("R-precision", "R-precision"), ("MRR", "MRR"),
     ("MRR-instance", "instance MRR")],
)  # fmt: skip
def test_metrics_as_spoken(metric, said):
    assert spoken(metric) == said


def test_protocols_are_values():
    twin = Protocol(**SKETCHY.to_dict())
    assert twin == SKETCHY
    assert hash(twin) == hash(SKETCHY)
    assert SKETCHY.differences(twin) == {}
    assert SKETCHY.differences(replace(twin, seed=1, photos=12553)) == {
        "photos": (10453, 12553),
        "seed": (None, 1),
    }
    with pytest.raises(AttributeError):
        twin.seed = 4


@pytest.mark.parametrize(
    ("field", "value"),
    [("setting", "zero"), ("setting", "codes0"), ("part", "train"), ("gallery", "all"), ("averaging", "mean"),
     ("codes", "itq"), ("ties", "random")],
)  # fmt: skip
def test_a_wrong_field_is_named(field, value):
    with pytest.raises(ValueError, match=f"{field}: want .*got '{value}'"):
        replace(SKETCHY, **{field: value})


def test_wrong_metrics_are_named():
    with pytest.raises(ValueError, match="name of several formulas"):
        replace(SKETCHY, metrics=["mAP@200"])
    with pytest.raises(ValueError, match="want a list of names, got 'mAP@all'"):
        replace(SKETCHY, metrics="mAP@all")
    with pytest.raises(ValueError, match=r"fg-across-classes wants Acc@K or MRR-instance, .* got MRR"):
        replace(SKETCHY, setting="fg-across-classes", metrics=["Acc@1", "MRR"])


def test_a_saved_result_keeps_its_protocol(zs, embeddings):
    result = evaluate_embeddings(embeddings, zs)
    again = Result.from_dict(json.loads(result.to_json()))
    assert again.protocol == result.protocol
    assert compare([result, again]).rows[0]["mAP@all"] == result["mAP@all"]


def test_the_very_rows_are_part_of_a_protocol(catalogue):
    """Two lists of one length and one name are still two protocols."""
    a, b = (Protocol.of(catalogue.benchmark(list(unseen))) for unseen in (UNSEEN, [*UNSEEN[1:], "class 05"]))
    assert set(a.differences(b)) == {"digest"}
    assert a == Protocol.of(catalogue.benchmark(UNSEEN))


def test_a_protocol_of_another_benchmark_is_refused(zs, gzs, embeddings):
    with pytest.raises(ValueError, match=r"protocol: not one of this benchmark; .*photos 10453 against 48"):
        evaluate_embeddings(embeddings, zs, SKETCHY)
    with pytest.raises(TypeError, match="the protocol says metrics already"):
        evaluate_embeddings(embeddings, zs, Protocol.of(zs), metrics=["mAP@all"])


def test_missing_and_wrong_embeddings_are_named(zs, embeddings):
    with pytest.raises(ValueError, match=f"embeddings: want one for each of {len(embeddings)} rows, got 3"):
        evaluate_embeddings(embeddings[:3], zs)
    rows = zs.queries("unseen")
    with pytest.raises(ValueError, match="48 of 48 rows wanted are missing, the first is row"):
        evaluate_embeddings((rows, embeddings[rows]), zs)
    with pytest.raises(ValueError, match="row numbers want to lie in 0"):
        evaluate_embeddings((rows + 10_000, embeddings[rows]), zs)


def test_compare_shows_alike_results_and_refuses_unlike_ones(zs, embeddings):
    noise = np.random.default_rng(1).normal(size=embeddings.shape)
    a = evaluate_embeddings(embeddings, zs, metrics=["mAP@all", "P@100"])
    b = evaluate_embeddings(embeddings + noise, zs, metrics=["mAP@all", "P@100"])
    table = compare({"plain": a, "noisy": b})
    assert [row["method"] for row in table.rows] == ["plain", "noisy"]
    assert table.rows[0]["mAP@all"] == a["mAP@all"] > table.rows[1]["mAP@all"]
    assert str(a.protocol) in str(table)
    assert f"{b['P@100']:.4f}" in table._repr_markdown_()
    c = evaluate_embeddings(
        embeddings, zs, distance="euclidean", averaging="macro", metrics=["mAP@all", "P@100"]
    )
    with pytest.raises(
        ValueError, match="distance 'cosine' against 'euclidean'; averaging 'micro' against 'macro'"
    ):
        compare({"a": a, "c": c})
    mixed = compare({"a": a, "c": c}, mixed=True)
    assert mixed.rows[1]["mAP@all"] == c.macro("mAP@all")
    assert [row["protocol"] for row in mixed.rows] == [str(a.protocol), str(c.protocol)]
    d = evaluate_embeddings(embeddings, zs, metrics=["mAP@all"])
    with pytest.raises(ValueError, match="metrics"):
        compare([a, d])
    assert set(compare([a, d], metrics=["mAP@all"]).rows[0]) == {"method", "mAP@all"}


def test_a_method_may_have_any_name(zs, embeddings):
    result = evaluate_embeddings(embeddings, zs, metrics=["mAP@all"])
    lines = compare({"<b>a|b": result})._repr_markdown_().splitlines()
    assert lines[2].startswith(r"| &lt;b&gt;a\|b | ")


def test_compare_wants_protocols(zs, embeddings):
    bare = score(embeddings[:3], embeddings[:3], [0, 1, 2], [0, 1, 2])
    with pytest.raises(ValueError, match="results: 1 without a protocol"):
        compare([bare])
    with pytest.raises(ValueError, match="at least one"):
        compare([])
