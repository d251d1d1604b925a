"""Roles of rows: nothing in two of them, no picture on both sides, the same for any order of the table."""

from dataclasses import replace

import numpy as np
import pytest

from sbirkit.data import Benchmark, Item, LeakError, Split


@pytest.fixture
def cat(make, world):
    return make(world(12, 10), title="Tiny World", splits={"three": ["class 00", "class 01", "class 02"]})


def sources(cat, rows):
    return set(cat.column("source")[rows])


def test_roles(cat):
    bench = cat.benchmark("three")
    assert bench.unseen_classes == ("class_00", "class_01", "class_02")
    assert len(bench.selection_classes) == 2
    assert len(bench.train_classes) == 7
    parts = [bench.train, bench.selection, bench.seen_test, bench.unseen]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(cat)))
    assert (cat.column("modality")[bench.queries()] == "sketch").all()
    assert (cat.column("modality")[bench.gallery_rows("selection")] == "photo").all()
    assert len(bench.queries()) == len(bench.gallery_rows()) == 30
    with pytest.raises(ValueError, match="part: want one of selection, seen_test, unseen, got 'train'"):
        bench.queries("train")
    with pytest.raises(ValueError, match="read-only"):
        bench.train[0] = 0


def test_says_what_it_is(cat):
    assert repr(cat.benchmark("three")) == (
        "3 unseen classes of Tiny World (three), 30 sketches against 30 distinct photos, zero-shot"
    )
    assert "30 photos as published" in repr(cat.benchmark("three", gallery="as-published"))
    said = repr(cat.benchmark("three", setting="gzs"))
    assert "beside 28 held-out pictures of seen classes, generalised zero-shot" in said


def test_any_way_to_name_a_split(cat):
    same = {
        cat.benchmark(split).digest
        for split in ("three", ["Class 00", "class-01", "CLASS_02"],
                      Split("s", ("class_00", "class_01", "class_02")))
    }  # fmt: skip
    assert len(same) == 1


def test_order_of_the_table_does_not_matter(make, world):
    items = world(12, 10)
    shuffled = [items[i] for i in np.random.default_rng(0).permutation(len(items))]
    a, b = make(items, name="a"), make(shuffled, name="b")
    for setting in ("zs", "gzs"):
        one, two = (c.benchmark(["class 00"], setting=setting, seed=5) for c in (a, b))
        for part in ("train", "selection", "seen_test", "unseen"):
            assert sources(a, getattr(one, part)) == sources(b, getattr(two, part))


def test_selection_by_seed_share_and_name(cat):
    drawn = {cat.benchmark("three", seed=seed).selection_classes for seed in range(20)}
    assert len(drawn) > 10
    assert len(cat.benchmark("three", selection=0.5).selection_classes) == 4
    named = cat.benchmark("three", selection=["Class 05", "class-07"])
    assert named.selection_classes == ("class_05", "class_07")
    assert cat.benchmark("three", selection=0).selection_classes == ()
    split = Split("s", ("class_00",), selection=("class_03",))
    assert cat.benchmark(split).selection_classes == ("class_03",)


def test_digest_names_the_benchmark(cat):
    digests = [
        cat.benchmark("three").digest, cat.benchmark("three", seed=1).digest,
        cat.benchmark("three", setting="gzs").digest,
        cat.benchmark(["class 00"]).digest, cat.benchmark("three", gallery="as-published").digest,
    ]  # fmt: skip
    assert len(set(digests)) == len(digests)
    assert cat.benchmark("three").digest == digests[0]


# --- generalised ------------------------------------------------------------------------------------------


def test_gzs_holds_out_a_fifth_of_each_training_class_by_instance(cat):
    bench = cat.benchmark("three", setting="gzs")
    label, instance = cat.column("label"), cat.column("instance")
    assert len(bench.seen_test) == 7 * 2 * 2
    for name in bench.train_classes:
        held = bench.seen_test[label[bench.seen_test] == name]
        trained = bench.train[label[bench.train] == name]
        assert len(held) == 4
        assert not set(instance[held]) & set(instance[trained])
    assert cat.benchmark("three").seen_test.size == 0


def test_gzs_without_instances(make):
    items = [Item(f"c{c}", m, f"{m}{c}{i}") for c in range(6) for m in ("photo", "sketch") for i in range(5)]
    cat = make(items)
    bench = cat.benchmark(["c0"], setting="gzs")
    assert len(bench.seen_test) == 3 * 2


def test_gzs_never_holds_out_a_picture_and_trains_on_its_copy(make):
    items = [
        Item(f"c{c}", m, f"{m}{c}{i}#{copy}", instance=f"{i}{copy}")
        for c in range(6) for m in ("photo", "sketch") for i in range(10) for copy in "ab"
    ]  # fmt: skip
    bench = make(items).benchmark(["c0"], setting="gzs")
    digest = bench.catalogue.column("digest")
    assert not set(digest[bench.train]) & set(digest[bench.seen_test])
    assert "training copies of held-out pictures" in " ".join(bench.notes)


def test_gzs_leaves_a_class_that_is_too_small_in_training(make, world):
    cat = make(
        [
            *world(6, 5),
            Item("small", "photo", "x"),
            Item("small", "sketch", "y"),
            Item("small", "sketch", "z"),
        ]
    )
    bench = cat.benchmark(["class 00"], setting="gzs", selection=["class 01"])
    assert "small" in bench.train_classes
    assert "small" not in cat.column("label")[bench.seen_test]


# --- fine-grained -----------------------------------------------------------------------------------------


def test_fg_keeps_pairs_only(make, world):
    lonely = [Item("class 00", "photo", "p1", instance="alone"), Item("class 00", "sketch", "s1"),
              Item("class 01", "sketch", "s2", instance="alone")]  # fmt: skip
    cat = make([*world(6, 5), *lonely])
    bench = cat.benchmark(["class 00", "class 01"], setting="fg")
    assert len(bench.queries()) == len(bench.gallery_rows()) == 10
    assert len(cat.benchmark(["class 00"]).queries()) == 6
    assert "fine-grained" in repr(bench)


def test_fg_drops_a_sketch_whose_photo_is_a_repeat(make, world):
    items = [*world(6, 5), Item("class 00", "photo", "photo/0/0#copy", instance="9"),
             Item("class 00", "sketch", "new", instance="9")]  # fmt: skip
    bench = make(items).benchmark(["class 00"], setting="fg")
    instance = bench.catalogue.column("instance")
    assert set(instance[bench.queries()]) == set(instance[bench.gallery_rows()]) == set("01234")


def test_fg_without_pairs(make):
    cat = make(
        [Item(f"c{c}", m, f"{m}{c}{i}") for c in range(6) for m in ("photo", "sketch") for i in range(3)]
    )
    with pytest.raises(ValueError, match=r"these unseen classes lack an instance with both.*c0"):
        cat.benchmark(["c0"], setting="fg")


# --- galleries and leaks ----------------------------------------------------------------------------------


def test_repeated_photos(make, world):
    repeats = [Item("class 00", "photo", f"photo/0/{i}#again") for i in range(3)]
    cat = make([*world(6, 5), *repeats, Item("class 00", "sketch", "sketch/0/0#again")])
    clean, published = cat.benchmark(["class 00"]), cat.benchmark(["class 00"], gallery="as-published")
    assert len(clean.gallery_rows()) == 5
    assert "#" not in "".join(sources(cat, clean.gallery_rows()))  # the first of the copies stays
    assert len(published.gallery_rows()) == 8
    assert len(clean.queries()) == len(published.queries()) == 6


@pytest.mark.parametrize("modality", ["photo", "sketch"])
def test_a_training_picture_in_the_test_is_an_error_or_dropped(make, world, modality):
    copies = [Item("class 05", modality, f"{modality}/0/{i}#copy") for i in range(3)]
    cat = make([*world(6, 5), *copies])
    options = {"selection": ["class 01", "class 02"]}
    with pytest.raises(LeakError) as leak:
        cat.benchmark(["class 00"], **options)
    assert f"3 pictures of train are also in unseen: {modality}/0/0#copy = {modality}/0/0;" in str(leak.value)
    assert "on_leak='drop'" in str(leak.value)
    bench = cat.benchmark(["class 00"], on_leak="drop", **options)
    assert not any("#" in source for source in sources(cat, bench.train))
    assert bench.notes == ("3 pictures of train that are also in unseen are dropped",)
    assert len(bench.unseen) == 10


def test_a_selection_picture_in_the_test_is_an_error(make, world):
    cat = make([*world(6, 5), Item("class 01", "photo", "photo/0/0#copy")])
    with pytest.raises(LeakError, match="1 pictures of selection are also in unseen"):
        cat.benchmark(["class 00"], selection=["class 01", "class 02"])


def test_many_leaks_are_counted_and_ten_named(make, world):
    cat = make([*world(6, 15), *[Item("class 05", "photo", f"photo/0/{i}#copy") for i in range(15)]])
    with pytest.raises(LeakError, match="and 5 more") as leak:
        cat.benchmark(["class 00"], selection=["class 01"])
    assert str(leak.value).count(" = ") == 10


def test_selecting_on_the_published_test_classes_is_refused(make):
    split = Split.named("sketchy-25-sempcyc")
    cat = make([Item(c, m, f"{m}{c}") for c in split.classes for m in ("photo", "sketch")])
    with pytest.raises(LeakError, match=r"bear, geyser.*this is the list its authors selected on"):
        cat.benchmark("sketchy-25-sempcyc", selection=split.published_selection)
    bench = cat.benchmark("sketchy-25-sempcyc")
    assert (len(bench.unseen_classes), len(bench.selection_classes)) == (25, 10)


@pytest.mark.parametrize(
    ("moved", "to", "says"),
    [
        ("unseen", "train", "train: these classes are unseen ones"),
        ("unseen", "selection", "selection: these classes are unseen ones"),
        ("selection", "train", "selection: these classes are also trained on"),
        ("train", "seen_test", "rows are also in train"),
    ],
)
def test_a_benchmark_made_by_hand_is_checked_too(cat, moved, to, says):
    good = cat.benchmark("three")
    parts = {part: getattr(good, part) for part in ("train", "selection", "seen_test", "unseen")}
    parts[to] = np.concatenate([parts[to], parts[moved][:4]])
    with pytest.raises(LeakError, match=says):
        Benchmark(cat, good.split, "zs", "deduplicated", **parts)


def test_unseen_rows_cannot_be_hidden_by_leaving_them_out_of_the_test(cat):
    good = cat.benchmark("three")
    with pytest.raises(LeakError, match="train: these classes are unseen ones: class_00"):
        Benchmark(cat, good.split, "zs", "deduplicated", good.unseen[:4], good.selection, good.seen_test,
                  good.unseen[-4:])  # fmt: skip


def test_copies_saved_anew_are_known_by_their_original(make, world):
    def named(item):
        original = item.source if item.modality == "sketch" else f"{item.label}/{item.instance}"
        return replace(item, extra={"original": original})

    anew = [Item("class 00", "photo", f"again/{i}", instance=str(i)) for i in range(3)]
    cat = make([named(item) for item in [*world(6, 5), *anew, Item("class 01", "photo", "more", "9")]])
    bench = cat.benchmark(["class 00", "class 01"])
    assert len(bench.queries()) == 10
    once = {f"photo/{c}/{i}" for c in (0, 1) for i in range(5)}
    assert sources(cat, bench.gallery_rows()) == once | {"more"}
    assert len(cat.benchmark(["class 00", "class 01"], gallery="as-published").gallery_rows()) == 14


# --- classes that cannot take part ------------------------------------------------------------------------


def test_seen_classes_with_one_modality_are_left_out_and_noted(make, world):
    cat = make([*world(6, 5), Item("half", "photo", "x")])
    bench = cat.benchmark(["class 00"])
    assert "half" not in bench.train_classes + bench.selection_classes
    assert bench.notes == ("left out, as seen classes without both modalities: half",)


def test_unseen_classes_with_one_modality_are_an_error(make, world):
    cat = make([*world(6, 5), Item("half", "photo", "x")])
    with pytest.raises(ValueError, match="these unseen classes lack both sketches and photos: half"):
        cat.benchmark(["class 00", "half"])
    with pytest.raises(ValueError, match="selection: these classes lack pictures of both modalities: half"):
        cat.benchmark(["class 00"], selection=["half"])


def test_an_empty_class(make, world):
    cat = make([*world(6, 5), Item("gone", "photo", "bad")])
    assert "gone" not in cat.benchmark(["class 00"]).train_classes
    with pytest.raises(ValueError, match=r"'gone' .all its pictures were set aside"):
        cat.benchmark(["gone"])


# --- mistakes in the call ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("split", "options", "says"),
    [
        ("thre", {}, "tiny has no list 'thre' .did you mean 'three'"),
        ("sketchy-25", {}, "ambiguous"),
        (["clas 01"], {}, "not in tiny: 'clas_01' .did you mean 'class_01'"),
        ("three", {"selection": ["nobody"]}, "selection classes: not in tiny: 'nobody'"),
        ("three", {"selection": ["class 00"]}, "selection: class_00 are unseen classes of three"),
        ("three", {"selection": 1.0}, "share of the seen classes from 0 to below 1, got 1.0"),
        ("three", {"selection": 0.9}, "at least two classes left for training, of 9 seen ones 8"),
        ("three", {"setting": "gzsl"}, "setting: want one of zs, gzs, fg, got 'gzsl'"),
        ("three", {"gallery": "all"}, "gallery: want one of deduplicated, as-published, got 'all'"),
        ("three", {"on_leak": "ignore"}, "on_leak: want one of error, drop"),
    ],
)
def test_mistakes_are_explained(cat, split, options, says):
    with pytest.raises(ValueError, match=says):
        cat.benchmark(split, **options)
