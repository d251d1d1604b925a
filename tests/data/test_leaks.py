import numpy as np
import pytest
from PIL import Image
from scipy.fft import idctn

from sbirkit.data import Split, leaks


def scene(seed, side=64, channels=3):
    """A smooth random picture: what photos are to a perceptual hash."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (7, 7, 3), dtype=np.uint8))
    big = small.resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(big if channels == 3 else big.convert("L"))


def doodle(seed, side=64):
    """A few thin dark lines on white: what sketches are."""
    rng = np.random.default_rng(seed)
    page = np.full((side, side), 255, np.uint8)
    for _ in range(6):
        (x, y), (dx, dy) = rng.integers(8, side - 8, 2), rng.normal(size=2)
        t = np.arange(side)
        page[(y + t * dy).astype(int).clip(0, side - 1), (x + t * dx).astype(int).clip(0, side - 1)] = 0
    return page


def test_class_overlap_by_every_way_of_writing():
    pairs = leaks.class_overlap(
        ["cat", "Hot-Dog", "knives", "butterflies", "buses", "sofa", "mouse", "bus"],
        ["Cat", "hotdog", "knife", "butterfly", "bus", "couch", "computer-mouse", "bu"],
    )
    how = {(a, b): kind for a, b, kind in pairs}
    assert how == {
        ("cat", "Cat"): "same",
        ("Hot-Dog", "hotdog"): "spelling",
        ("knives", "knife"): "plural",
        ("butterflies", "butterfly"): "plural",
        ("buses", "bus"): "plural",
        ("sofa", "couch"): "synonym",
        ("bus", "bus"): "same",
        ("bus", "bu"): "plural",
    }


def test_parts_of_names_are_no_overlap():
    assert (
        leaks.class_overlap(["bear", "cup", "computer-mouse"], ["teddy_bear", "teacup", "mouse (animal)"])
        == []
    )


def test_picture_overlap_equals_naive():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 30, 40).tolist(), rng.integers(0, 30, 50).tolist()
    assert leaks.picture_overlap(a, b) == [(i, j) for i in range(40) for j in range(50) if a[i] == b[j]]


def test_files_are_compared_by_content(tmp_path):
    for name, data in [("a", b"1"), ("b", b"2"), ("c", b"1")]:
        (tmp_path / name).write_bytes(data)
    a, b, c = leaks.file_digests([tmp_path / name for name in "abc"])
    assert a == c != b


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x,
        lambda x: (x * 0.9 + 12).astype(np.uint8),
        lambda x: np.asarray(Image.fromarray(x).resize((48, 48)).resize((96, 96))),
        lambda x: (x + np.random.default_rng(1).normal(0, 4, x.shape)).clip(0, 255).astype(np.uint8),
    ],
    ids=["copy", "contrast", "resized", "noise"],
)
@pytest.mark.parametrize("draw", [scene, doodle])
def test_near_duplicates_survive_small_changes(draw, change):
    a = [draw(seed) for seed in range(30)]
    b = [change(draw(seed)) for seed in (100, 7, 101, 19)]
    assert leaks.near_duplicates(a, b) == [(7, 1), (19, 3)]


@pytest.mark.parametrize("draw", [scene, doodle])
def test_different_pictures_are_not_near_duplicates(draw):
    assert leaks.near_duplicates([draw(seed) for seed in range(300)]) == []


def test_blank_pages_are_alike_and_like_nothing_else():
    blank = np.full((64, 64), 255, np.uint8)
    assert leaks.near_duplicates([blank, doodle(1), blank, scene(2)]) == [(0, 2)]


def test_blocks_do_not_matter():
    pictures = [scene(seed % 40) for seed in range(100)]
    assert leaks.near_duplicates(pictures, block=7) == leaks.near_duplicates(pictures, block=1000)
    want = [(i, j) for i in range(100) for j in range(i + 1, 100) if i % 40 == j % 40]
    assert leaks.near_duplicates(pictures) == want


def test_no_pictures():
    assert leaks.near_duplicates([], [scene(0)]) == []


def test_published_selection_is_found_to_be_the_test():
    split = Split.named("tuberlin-30-sempcyc")
    leak = leaks.validation_is_test(split.published_selection, split.unseen)
    assert len(leak.examples) == 15
    assert "held-out seen classes" in str(leak)
    assert "and 5 more" in str(leak)
    assert leaks.validation_is_test(["cat"], split.unseen) is None


def test_pretraining_names_the_classes_it_knows():
    leak = leaks.pretraining_overlap(["motorcycles", "sofa", "dog"], ["couch", "motorcycle", "zebra"])
    assert set(leak.examples) == {"couch (as sofa)", "motorcycle (as motorcycles)"}


def test_report_lists_what_it_is_given():
    assert leaks.report(train_classes=["cat"], unseen_classes=["dog"]) == []
    found = leaks.report(
        train_classes=["cat", "dog"], selection_classes=["owl"], unseen_classes=["owl", "Cat"],
        pretraining_classes=["cats"], train_pictures=["1", "2"], test_pictures=["2"],
    )  # fmt: skip
    assert [leak.kind for leak in found] == ["classes", "pictures", "validation is test", "pre-training"]
    assert "training picture 1 = test picture 0" in str(found[1])


def test_equal_hashes_of_unlike_pictures_are_no_duplicates():
    """The hash keeps only signs: two pictures of the same signs, in which other waves are strong."""
    signs = np.random.default_rng(0).permutation([1.0, -1.0] * 32).reshape(8, 8)
    pictures = []
    for strong in ((0, 5), (5, 0)):
        waves = np.zeros((32, 32))
        waves[:8, :8] = 6 * signs
        waves[strong] *= 100
        waves[0, 0] = 32 * 128
        pictures.append(idctn(waves, norm="ortho").round().clip(0, 255).astype(np.uint8))
    assert leaks.phash(pictures[:1]) == leaks.phash(pictures[1:])
    assert leaks.near_duplicates(pictures) == []
