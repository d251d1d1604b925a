"""Loading: the same batches whatever the threads, in order, and nothing left behind."""

import threading
import time
import traceback
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from sbirkit.data.augment import Augment
from sbirkit.data.loading import Loader
from sbirkit.data.sampling import Captioned, Episodes, Items, Pairs, PxK, Uniform
from sbirkit.data.writing import Item, write_catalogue

RECIPE = Augment(
    flip=0.5, shift=0.1, scale=0.2, rotate=20, brightness=0.3, hue=0.1, grayscale=0.2, stroke=0.5
)
SIZES = (16, 24)


def draw_item(item):
    shape = () if item.modality == "sketch" else (3,)
    noise = np.random.default_rng(int(item.source))
    return {s: noise.integers(0, 256, (s, s, *shape), dtype=np.uint8) for s in SIZES}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    items = [
        Item(
            label, modality, f"{1000 * c + 100 * m + i}", f"o{i}" if i < 7 else "", f"{label} {modality} {i}"
        )
        for c, label in enumerate(["ant", "bus", "cup", "dog", "elk", "fan", "gem", "hat"])
        for m, (modality, n) in enumerate((("sketch", 9), ("photo", 8)))
        for i in range(n)
    ]
    order = np.random.default_rng(0).permutation(len(items))
    out = tmp_path_factory.mktemp("loading") / "toy"
    return write_catalogue(
        out,
        [items[i] for i in order],
        draw_item,
        card={"name": "toy"},
        sizes=SIZES,
        workers=1,
        progress=False,
    )


@pytest.fixture(scope="module")
def bench(catalogue):
    return catalogue.benchmark(split=["bus", "hat"], selection=["cup"])


@pytest.fixture
def sampler(bench):
    return PxK(Items.of(bench), p=3, k=2, seed=1)


def same(one, other):
    for f in fields(one):
        a, b = getattr(one, f.name), getattr(other, f.name)
        if f.name == "views":
            assert len(a) == len(b)
            assert all(
                torch.equal(x, y) for u, v in zip(a, b, strict=True) for x, y in zip(u, v, strict=True)
            )
        elif isinstance(a, torch.Tensor):
            assert a.dtype == b.dtype
            assert torch.equal(a, b)
        else:
            assert np.array_equal(a, b)
    return True


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("sbirkit-loader")]


def test_a_batch_is_what_the_catalogue_holds(catalogue, bench, sampler):
    loader = Loader(bench, sampler, size=16)
    assert loader.classes == ("ant", "dog", "elk", "fan", "gem")
    for batch in loader.epoch(0):
        assert batch.sketch.dtype == batch.photo.dtype == torch.uint8
        assert batch.sketch.shape == (6, 1, 16, 16)
        assert batch.photo.shape == (6, 3, 16, 16)
        assert batch.photo.is_contiguous(memory_format=torch.channels_last)
        for modality, pictures in (("sketch", batch.sketch), ("photo", batch.photo)):
            rows = getattr(batch, f"{modality}_rows")
            stored = catalogue.images(rows, 16).reshape(6, 16, 16, -1).transpose(0, 3, 1, 2)
            assert np.array_equal(pictures.numpy(), stored)
            assert np.isin(rows, bench.train).all()
            assert (catalogue.column("modality")[rows] == modality).all()
            ids = getattr(batch, f"y_{modality}").tolist()
            assert [loader.classes[y] for y in ids] == catalogue.column("label")[rows].tolist()
            assert list(getattr(batch, f"{modality}_caption")) == catalogue.column("caption")[rows].tolist()
    assert (batch.epoch, batch.index) == (0, len(loader) - 1)


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_change_nothing(bench, sampler, workers):
    def batches(n):
        loader = Loader(bench, sampler, size=20, augment=RECIPE, views=(RECIPE, Augment(flip=1)), workers=n)
        return [b for e in range(2) for b in loader.epoch(e)]

    alone = batches(0)
    assert len(alone) == 2 * len(sampler) > 10
    assert all(same(a, b) for a, b in zip(alone, batches(workers), strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_resumes_in_the_middle_of_an_epoch(bench, sampler, workers):
    whole = list(Loader(bench, sampler, size=16, augment=RECIPE, workers=workers).epoch(1))
    fresh = Loader(bench, replace(sampler), size=16, augment=RECIPE, workers=workers)
    tail = list(fresh.epoch(1, start=5))
    assert len(tail) == len(whole) - 5 > 0
    assert all(same(a, b) for a, b in zip(whole[5:], tail, strict=True))
    assert same(fresh.batch(1, 5), whole[5])
    assert list(fresh.epoch(1, start=len(fresh))) == []
    with pytest.raises(ValueError, match=f"start: want 0 to {len(fresh)}, got -1"):
        fresh.epoch(1, start=-1)


def test_seeds_epochs_batches_and_views_differ(bench, sampler):
    fixed = type("Fixed", (), {"items": sampler.items, "seed": 1, "__len__": lambda s: 9})
    fixed.batch = lambda s, e, i: sampler.batch(
        0, 0
    )  # the same pictures always: what differs is augmentation

    def pixels(seed, epoch, index):
        chosen = fixed()
        chosen.seed = seed
        batch = Loader(bench, chosen, size=16, augment=RECIPE, views=(RECIPE,)).batch(epoch, index)
        return [batch.sketch, batch.photo, *batch.views[0]]

    base = pixels(1, 0, 0)
    assert not torch.equal(base[0], base[2])
    assert not torch.equal(base[1], base[3])
    for other in (pixels(2, 0, 0), pixels(1, 1, 0), pixels(1, 0, 1)):
        assert not any(torch.equal(a, b) for a, b in zip(base, other, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(base, pixels(1, 0, 0), strict=True))


def test_batches_come_in_order_and_not_too_far_ahead(bench, sampler):
    loader, begun = Loader(bench, sampler, size=16, workers=3, prefetch=4), []
    make = loader._make

    def slow_first(epoch, index, draw):
        begun.append(index)
        time.sleep(0.1 if index == 0 else 0)
        return make(epoch, index, draw)

    loader._make = slow_first
    for i, batch in enumerate(loader.epoch(0)):
        assert batch.index == i
        assert max(begun) <= i + 4
    assert i == len(loader) - 1


def test_an_error_in_a_thread_surfaces_with_its_traceback(bench, sampler):
    loader = Loader(bench, sampler, size=16, workers=2)
    loader._caption = None
    with pytest.raises(TypeError) as caught:
        list(loader.epoch(0))
    assert "in _make" in "".join(traceback.format_tb(caught.value.__traceback__))
    assert not threads()


def test_leaving_early_leaves_no_thread(bench, sampler):
    loader = Loader(bench, sampler, size=16, workers=3)
    batches = loader.epoch(0)
    assert not threads()  # none before the first batch is asked for
    next(batches)
    assert threads()
    batches.close()
    assert not threads()
    for _ in loader.epoch(0):
        break
    assert not threads()


def test_episodes_come_apart_in_halves(bench):
    loader = Loader(bench, Episodes(Items.of(bench), p=2, k=3), size=16, augment=RECIPE, views=(RECIPE,))
    for batch in loader.epoch(0):
        train, test = batch.halves()
        assert train.sketch.shape == test.photo.shape[:1] + train.sketch.shape[1:] == (6, 1, 16, 16)
        assert not set(train.y_sketch.tolist()) & set(test.y_sketch.tolist())
        assert train.y_sketch.tolist() == train.y_photo.tolist()
        assert train.sketch_caption + test.sketch_caption == batch.sketch_caption
        assert torch.equal(torch.cat([train.views[0][1], test.views[0][1]]), batch.views[0][1])
        assert train.index == batch.index


def test_instances_tell_partners(bench):
    loader = Loader(bench, Pairs(Items.of(bench), size=5, negatives=1), size=16)
    for batch in loader.epoch(0):
        assert torch.equal(batch.sketch_instance, batch.photo_instance[:5])
        assert (batch.sketch_instance >= 0).all()
        assert (batch.sketch_instance != batch.photo_instance[5:]).all()
        assert torch.equal(batch.y_sketch, batch.y_photo[5:])
    items = Items.of(bench)
    every = Loader(bench, Captioned(items, size=len(items.rows)), size=16).batch(0, 0)
    assert (every.sketch_instance == -1).sum() == 5 * 2  # o7 and o8 of each class
    assert len(every.sketch_instance.unique()) == 5 * 7 + 1


def test_a_whole_catalogue_and_lopsided_batches(catalogue):
    items = Items(catalogue.column("label"), catalogue.column("modality") == "sketch")
    batch = Loader(catalogue, Uniform(items, sketches=4, photos=11), size=16).batch(0, 0)
    assert len(batch.sketch) == 4
    assert len(batch.photo) == 11
    moved = batch.to("cpu")
    assert same(moved, batch)


@pytest.mark.parametrize("workers", [0, 2])
def test_resident_pixels_make_the_same_batches(bench, sampler, workers):
    recipe = Augment(flip=0.5, shift=0.2)
    there = Loader(bench, sampler, size=20, augment=recipe, views=(recipe,), resident="cpu", workers=workers)
    here = Loader(bench, sampler, size=20, augment=recipe, views=(recipe,))
    assert all(same(a, b) for a, b in zip(here.epoch(0), there.epoch(0), strict=True))


def test_resident_pixels_on_a_gpu(bench, sampler):
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    there = Loader(bench, sampler, size=20, augment=Augment(flip=0.5, shift=0.2), resident="cuda").batch(0, 0)
    assert there.photo.device.type == there.y_photo.device.type == "cuda"
    assert same(
        there.to("cpu"), Loader(bench, sampler, size=20, augment=Augment(flip=0.5, shift=0.2)).batch(0, 0)
    )


def test_it_says_what_is_wrong(catalogue, bench, sampler):
    with pytest.raises(
        ValueError, match=r"size: want one that is stored \(16, 24\) or up to a fifth smaller, got 17"
    ):
        Loader(bench, sampler, size=17)
    everything = Items(catalogue.column("label"), catalogue.column("modality") == "sketch")
    with pytest.raises(ValueError, match=r"sampler: 51 of its rows, like \d+, are not for training"):
        Loader(bench, PxK(everything, p=2, k=2), size=16)
    upside_down = Items(catalogue.column("label"), catalogue.column("modality") == "photo")
    with pytest.raises(ValueError, match="is_sketch does not agree"):
        Loader(catalogue, PxK(upside_down, p=2, k=2), size=16)
    with pytest.raises(ValueError, match="want at least 0 and 1, got -1 and 2"):
        Loader(bench, sampler, size=16, workers=-1)
