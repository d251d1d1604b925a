"""Samplers: what each promises of its batches, checked by counting."""

from collections import Counter

import numpy as np
import pytest

from sbirkit.data.sampling import Captioned, Episodes, Items, Pairs, PxK, Uniform, cycle
from sbirkit.data.streams import stream


def world(sketches: dict[str, int], photos: dict[str, int], *, first: int = 100) -> Items:
    """Numbered pictures; the i-th sketch and the i-th photo of a class show the same object ``o{i}``."""
    table = [(c, True, f"o{i}") for c, n in sketches.items() for i in range(n)]
    table += [(c, False, f"o{i}") for c, n in photos.items() for i in range(n)]
    order = np.random.default_rng(5).permutation(len(table))
    label, sketch, instance = zip(*[table[i] for i in order], strict=True)
    return Items(label, sketch, instance, np.arange(first, first + len(table)))


def even(classes: int, pictures: int) -> Items:
    counts = {f"c{i}": pictures for i in range(classes)}
    return world(counts, counts)


def epoch(sampler, number=0):
    return [sampler.batch(number, i) for i in range(len(sampler))]


def labels(items: Items, rows):
    return items.label[rows - items.rows[0]]


@pytest.mark.parametrize(
    ("classes", "pictures", "p", "k"),
    [(4, 20, 4, 4), (4, 20, 2, 5), (5, 7, 3, 4), (7, 1, 2, 3), (1, 9, 1, 2)],
)
def test_pxk_is_balanced(classes, pictures, p, k):
    items = even(classes, pictures)
    visits, used = Counter(), Counter()
    for draw in epoch(PxK(items, p=p, k=k)):
        for rows, wants_sketch in ((draw.sketch, True), (draw.photo, False)):
            assert (items.is_sketch[rows - 100] == wants_sketch).all()
            of = labels(items, rows).reshape(p, k)
            assert (of == of[:, :1]).all()  # laid out class by class
            assert len(set(of[:, 0])) == p
            if k <= pictures:
                assert len(set(rows)) == p * k
            used.update(rows.tolist())
        assert (labels(items, draw.sketch) == labels(items, draw.photo)).all()
        visits.update(set(labels(items, draw.sketch)))
    assert len(visits) == classes
    assert len(set(visits.values())) == 1  # every class equally often
    assert len(used) == len(items.rows)  # every picture is seen ...
    assert max(used.values()) - min(used.values()) <= 1  # ... and none again before all others of its class


def test_pxk_epoch_is_no_longer_than_it_needs():
    assert len(PxK(even(4, 20), p=4, k=4)) == 5
    assert len(PxK(even(4, 21), p=4, k=4)) == 6
    assert len(PxK(even(6, 8), p=4, k=4)) == 3  # 2 visits x 6 classes / 4


def test_pxk_cycles_through_a_class_with_few_pictures():
    items = world({"few": 3, "many": 50}, {"few": 2, "many": 50})
    for draw in epoch(PxK(items, p=2, k=6)):
        few = labels(items, draw.sketch) == "few"
        assert sorted(Counter(draw.sketch[few].tolist()).values()) == [2, 2, 2]
        assert sorted(Counter(draw.photo[few].tolist()).values()) == [3, 3]
        assert len(set(draw.sketch[~few])) == 6


def test_pxk_keeps_classes_of_different_size_equal():
    items = world({"a": 2, "b": 90, "c": 31}, {"a": 5, "b": 7, "c": 40})
    visits = Counter(c for draw in epoch(PxK(items, p=2, k=3)) for c in labels(items, draw.sketch).tolist())
    assert len(set(visits.values())) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda items, seed: PxK(items, p=5, k=2, seed=seed),
        lambda items, seed: Episodes(items, p=2, k=2, seed=seed),
        lambda items, seed: Uniform(items, sketches=3, photos=5, seed=seed),
        lambda items, seed: Captioned(items, size=9, seed=seed),
        lambda items, seed: Pairs(items, size=4, negatives=2, seed=seed),
    ],
)
def test_a_batch_is_a_function_of_seed_epoch_and_index(make):
    items = even(5, 11)

    def rows(draw):
        return [*draw.sketch.tolist(), -1, *draw.photo.tolist()]

    forward = {(e, i): rows(make(items, 3).batch(e, i)) for e in range(3) for i in range(len(make(items, 3)))}
    one = make(items, 3)
    for e, i in sorted(forward, key=lambda at: (at[1], -at[0])):  # hop between epochs
        assert rows(one.batch(e, i)) == forward[e, i]
    for other in (make(items, 4).batch(0, 0), one.batch(1, 0)):
        assert set(other.sketch) != set(one.batch(0, 0).sketch)  # other pictures, not only another order
        assert set(other.photo) != set(one.batch(0, 0).photo)
    for wrong in (-1, len(one)):
        with pytest.raises(ValueError, match="index: want 0 to"):
            one.batch(0, wrong)


def test_pxk_says_what_is_wrong():
    with pytest.raises(ValueError, match="p: want 1 to 4, the number of classes, got 5"):
        PxK(even(4, 20), p=5, k=2)
    with pytest.raises(ValueError, match="class 'b' has sketches but no photos"):
        PxK(world({"a": 2, "b": 2}, {"a": 2}), p=1, k=1)
    with pytest.raises(ValueError, match="class 'b' has photos but no sketches"):
        PxK(world({"a": 2}, {"a": 2, "b": 2}), p=1, k=1)
    with pytest.raises(ValueError, match="k: want 1 or more, got 0"):
        PxK(even(4, 20), p=2, k=0)
    with pytest.raises(ValueError, match=r"is_sketch: want one value for each of the 2 labels"):
        Items(["a", "b"], [True])


def test_episodes_meet_disjoint_classes_and_share_the_load():
    items = even(7, 6)
    sampler, trained, tested = Episodes(items, p=3, k=2), Counter(), Counter()
    for e in range(20):
        for draw in epoch(sampler, e):
            for rows in draw:
                train, test = (set(labels(items, half)) for half in np.split(rows, 2))
                assert len(train) == len(test) == 3
                assert not train & test
            trained.update(train)
            tested.update(test)
    assert len(trained) == len(tested) == 7
    assert set((trained + tested).values()) == {20 * len(sampler) * 6 // 7}
    assert len(epoch(Episodes(even(4, 20), p=2, k=4))) == 5
    with pytest.raises(ValueError, match=r"p: want 1 to 2, half the classes .*, got 3"):
        Episodes(even(4, 20), p=3, k=2)


def test_uniform_deals_two_decks():
    items = world({"a": 10, "b": 13}, {"a": 30, "b": 1})
    draws = epoch(Uniform(items, sketches=5, photos=8))
    assert len(draws) == 3  # 31 photos / 8; sketches would do for 4
    for rows, size in (
        (np.concatenate([d.sketch for d in draws]), 15),
        (np.concatenate([d.photo for d in draws]), 24),
    ):
        assert len(set(rows)) == size
    with pytest.raises(ValueError, match="photos: want 1 to 31, all there are, got 40"):
        Uniform(items, sketches=5, photos=40)


def test_captioned_mixes_single_pictures_and_never_looks_at_pairs():
    items = world({"a": 20, "b": 5}, {"a": 30, "b": 9})
    draws = epoch(Captioned(items, size=8))
    rows = np.concatenate([np.concatenate(d) for d in draws])
    assert len(rows) == len(set(rows)) == 64 // 8 * 8
    assert all(len(d.sketch) + len(d.photo) == 8 for d in draws)
    assert len({len(d.sketch) for d in draws}) > 1  # as the shuffle has it
    for d in draws:
        assert items.is_sketch[d.sketch - 100].all()
        assert not items.is_sketch[d.photo - 100].any()
    nobody = Items(["?"] * 64, items.is_sketch, None, items.rows)  # no class, no instance: the same batches
    for mine, theirs in zip(draws, epoch(Captioned(nobody, size=8)), strict=True):
        assert np.array_equal(mine.sketch, theirs.sketch)
        assert np.array_equal(mine.photo, theirs.photo)


def test_pairs_are_pairs_and_negatives_are_hard():
    items = world({"a": 6, "b": 9}, {"a": 8, "b": 4})  # b's last five sketches have no photo
    sampler, used, negatives = Pairs(items, size=5, negatives=3), Counter(), {}
    assert len(sampler) == 2
    for e in range(60):
        for draw in epoch(sampler, e):
            assert len(draw.photo) == 5 * 4
            used.update(draw.sketch.tolist())
            own, hard = draw.photo[:5], draw.photo[5:].reshape(5, 3)
            for s, p, others in zip(draw.sketch - 100, own - 100, hard - 100, strict=True):
                assert (items.label[s], items.instance[s]) == (items.label[p], items.instance[p])
                assert (items.label[others] == items.label[s]).all()
                assert (items.instance[others] != items.instance[s]).all()
                assert not items.is_sketch[others].any()
                negatives.setdefault((items.label[s], items.instance[s]), set()).update(
                    items.instance[others]
                )
    assert len(used) == 10  # those that have a photo
    for (label, instance), seen in negatives.items():  # every other photo of the class gets its turn
        assert seen == {f"o{i}" for i in range({"a": 8, "b": 4}[label])} - {instance}


def test_pairs_say_what_is_wrong():
    with pytest.raises(ValueError, match="size: want 1 to 2, the sketches that have a photo, got 3"):
        Pairs(world({"a": 5}, {"a": 2}), size=3)
    with pytest.raises(ValueError, match="class 'b' has photos of one object only"):
        Pairs(world({"a": 5, "b": 2}, {"a": 5, "b": 1}), size=2, negatives=1)
    unpaired = Items(["a", "a"], [True, False], ["", ""])
    with pytest.raises(ValueError, match="want 1 to 0, the sketches"):
        Pairs(unpaired, size=1)


@pytest.mark.parametrize("block", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 7])
def test_cycle_never_repeats_in_a_block_and_stays_even(n, block):
    for seed in range(20):
        blocks = cycle(np.random.default_rng(seed), n, block=block, blocks=9)
        assert blocks.shape == (9, block)
        for i in range(0, blocks.size - n + 1, n):
            assert sorted(blocks.ravel()[i : i + n]) == list(range(n))
        if block <= n:
            assert all(len(set(b)) == block for b in blocks.tolist())


def test_streams_depend_on_their_names_alone():
    first = stream(0, "order", 3).random(4)
    stream(0, "other").random(1000)
    assert np.array_equal(stream(0, "order", 3).random(4), first)
    assert np.array_equal(stream(np.int64(0), "order", np.int64(3)).random(4), first)
    others = [stream(1, "order", 3), stream(0, "order", 4), stream(0, "order", "3"), stream(0, "order3")]
    assert all(not np.array_equal(s.random(4), first) for s in others)
    assert stream(7, "a").integers(2**32, size=2).tolist() == [533181591, 2000884760]  # on every platform
