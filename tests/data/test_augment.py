"""Augmentation against naive loops and torchvision, on the CPU and as torch tensors."""

import numpy as np
import pytest
import torch
from torchvision.transforms import functional as peer

from sbirkit.data.augment import Augment, _stroke

ALL = Augment(
    flip=0.5, shift=0.2, scale=0.3, rotate=30, each=0.7, brightness=0.4, contrast=0.4,
    saturation=0.4, hue=0.1, jitter=0.8, grayscale=0.2, stroke=1,
)  # fmt: skip


@pytest.fixture(params=["sketch", "photo"])
def pictures(request):
    """Noise; a sketch has a white rim, as sketches do."""
    shape = (12, 20, 20) if request.param == "sketch" else (12, 20, 20, 3)
    noise = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    if request.param == "sketch":
        noise[:, [0, -1]] = noise[:, :, [0, -1]] = 255
    return noise


@pytest.fixture
def photos():
    """Blocks of 4 x 4 equal pixels, so that every fourth pixel has the mean of all."""
    small = np.random.default_rng(2).integers(30, 200, (16, 5, 5, 3), dtype=np.uint8)
    return small.repeat(4, 1).repeat(4, 2)


def rng():
    return np.random.default_rng(3)


def naive(picture, linear, shift, size, *, bilinear):
    """Look up every output pixel in the source, one at a time."""
    side = len(picture)

    def at(x, y):
        if 0 <= x < side and 0 <= y < side:
            return picture[y, x].astype(float)
        if picture.ndim == 2:
            return 255.0
        return picture[min(max(y, 0), side - 1), min(max(x, 0), side - 1)].astype(float)

    out = np.empty((size, size, *picture.shape[2:]))
    for y in range(size):
        for x in range(size):
            dx, dy = x + 0.5 - size / 2, y + 0.5 - size / 2
            u = linear[0][0] * dx + linear[0][1] * dy + side / 2 + shift[0] - 0.5
            v = linear[1][0] * dx + linear[1][1] * dy + side / 2 + shift[1] - 0.5
            if not bilinear:
                out[y, x] = at(round(u), round(v))
                continue
            i, j = int(np.floor(u)), int(np.floor(v))
            a, b = u - i, v - j
            out[y, x] = (1 - b) * ((1 - a) * at(i, j) + a * at(i + 1, j)) + b * (
                (1 - a) * at(i, j + 1) + a * at(i + 1, j + 1)
            )
    return out


def test_all_off_is_the_identity(pictures):
    assert np.array_equal(Augment()(pictures, rng()), pictures)
    assert torch.equal(Augment()(torch.from_numpy(pictures), rng()), torch.from_numpy(pictures))
    off = Augment(rotate=30, scale=0.3, flip=1, shift=0.3, geometry=0, hue=0.5, brightness=1, jitter=0)
    assert np.array_equal(off(pictures, rng()), pictures)
    which = np.array([3, 3, 0])
    assert np.array_equal(Augment()(pictures, rng(), which=which), pictures[which])
    assert np.array_equal(Augment()(pictures, rng(), size=16), pictures[:, 2:18, 2:18])


def test_input_is_left_alone(pictures):
    before = pictures.copy()
    ALL(pictures, rng())
    ALL(torch.from_numpy(pictures), rng())
    assert np.array_equal(pictures, before)


def test_flip(pictures):
    assert np.array_equal(Augment(flip=1)(pictures, rng()), pictures[:, :, ::-1])
    some = Augment(flip=0.5)(pictures, rng())
    flipped = [np.array_equal(a, b[:, ::-1]) for a, b in zip(some, pictures, strict=True)]
    kept = [np.array_equal(a, b) for a, b in zip(some, pictures, strict=True)]
    assert any(flipped)
    assert any(kept)
    assert all(f != k for f, k in zip(flipped, kept, strict=True))


@pytest.mark.parametrize("size", [20, 16, 18])
def test_shift_equals_naive(pictures, size):
    recipe, pictures = Augment(shift=0.3, flip=0.5), pictures // 2  # no white but what comes from outside
    change = recipe.draw(rng(), len(pictures), size)
    assert abs(change.shift).max() > 0.2 * size
    got = recipe(pictures, rng(), size=size)
    for i, picture in enumerate(pictures):
        want = naive(picture, change.linear[i], np.rint(change.shift[i]), size, bilinear=False)
        assert np.array_equal(got[i], want)


@pytest.mark.parametrize("size", [20, 17])
def test_warp_equals_naive(pictures, size):
    recipe = Augment(shift=0.1, flip=0.5, rotate=40, scale=0.3)
    change = recipe.draw(rng(), len(pictures), size)
    got = recipe(pictures, rng(), size=size).astype(float)
    for i, picture in enumerate(pictures):
        want = naive(picture, change.linear[i], change.shift[i], size, bilinear=True)
        assert abs(got[i] - want).max() <= 2


def test_rotation_turns_the_right_way_about_the_centre():
    """A dot right of the centre, turned by the drawn angle, is where trigonometry puts it."""
    picture = np.full((1, 101, 101), 255, np.uint8)
    picture[0, 47:54, 87:94] = 0
    recipe = Augment(rotate=60)
    for seed in range(5):
        linear = recipe.draw(np.random.default_rng(seed), 1, 101).linear[0]
        y, x = np.argwhere(recipe(picture, np.random.default_rng(seed))[0] < 128).mean(0) - 50
        assert np.hypot(x, y) == pytest.approx(40, abs=0.5)
        assert linear @ [x, y] == pytest.approx([40, 0], abs=0.7)


def test_what_is_drawn_covers_the_ranges_of_the_recipe():
    """DSN's geometry, counted over many draws."""
    change = Augment(geometry=0.7, flip=0.5, scale=0.3, rotate=30, shift=10 / 224, each=0.5).draw(
        rng(), 40_000, 224
    )
    linear, shift = change.linear, change.shift
    mirrored = np.linalg.det(linear) < 0
    linear[mirrored, :, 0] *= -1
    stretch = 1 / np.linalg.norm(linear, axis=2)  # rows: one over the factor of each axis
    angle = np.rad2deg(np.arctan2(linear[:, 0, 1], linear[:, 0, 0]))
    assert mirrored.mean() == pytest.approx(0.35, abs=0.01)
    for what, none in (
        (stretch[:, 0], 1),
        (stretch[:, 1], 1),
        (angle, 0),
        (shift[:, 0], 0),
        (shift[:, 1], 0),
    ):
        assert (abs(what - none) > 1e-9).mean() == pytest.approx(0.35, abs=0.01)
    assert (stretch.min(), stretch.max()) == pytest.approx((0.7, 1.3), abs=0.001)
    assert (angle.min(), angle.max()) == pytest.approx((-30, 30), abs=0.1)
    assert (shift.min(), shift.max()) == pytest.approx((-10, 10), abs=0.01)
    assert abs(np.corrcoef(stretch[:, 0], stretch[:, 1])[0, 1]) < 0.9  # each axis on its own


def test_turning_one_knob_leaves_the_others_alone():
    with_it, without = ALL.draw(rng(), 50, 20), Augment(shift=0.2, each=0.7).draw(rng(), 50, 20)
    assert np.array_equal(with_it.shift, without.shift)
    colour = Augment(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, jitter=0.8, grayscale=0.2)
    assert np.array_equal(colour.draw(rng(), 50, 20).colour, ALL.draw(rng(), 50, 20).colour)
    used = rng()
    Augment().draw(used, 50, 20)
    other = rng()
    ALL.draw(other, 50, 20)
    assert used.random() == other.random()


@pytest.mark.parametrize("knob", ["brightness", "contrast", "saturation"])
def test_jitter_equals_torchvision(photos, knob):
    recipe = Augment(**{knob: 0.5})
    change = recipe.draw(rng(), len(photos), 20)
    got = recipe(photos, rng()).astype(int)
    for i, photo in enumerate(photos):
        linear = change.colour[i]
        factor = linear.sum(1)[0] if knob != "saturation" else linear[0, 0] - linear[1, 0]
        assert 0.5 <= factor <= 1.5
        want = getattr(peer, f"adjust_{knob}")(torch.from_numpy(photo).permute(2, 0, 1), factor)
        assert abs(got[i] - want.permute(1, 2, 0).numpy()).max() <= 2
    assert not np.array_equal(got, photos)


def test_hue_keeps_greys_and_brightness_and_comes_full_circle(photos):
    grey = np.arange(0, 256, dtype=np.uint8)[None, :, None, None].repeat(256, 2).repeat(3, 3)
    assert abs(Augment(hue=0.5)(grey, rng()).astype(int) - grey).max() <= 1
    gentle = (photos // 4 + 96).astype(np.uint8)  # far from 0 and 255: nothing is cut off
    turned = Augment(hue=0.5)(gentle, rng())
    luma = np.array([0.299, 0.587, 0.114])
    assert abs(turned @ luma - gentle @ luma).max() < 1.5
    assert abs(turned.astype(int) - gentle).max() > 10


def test_grayscale(photos):
    got = Augment(grayscale=1, hue=0.5, saturation=1)(photos, rng())
    assert (got == got[..., :1]).all()
    assert abs(got[..., 0] - photos @ np.array([0.299, 0.587, 0.114])).max() <= 1


def test_stroke_by_hand():
    line = np.full((2, 5, 5), 200, np.uint8)
    line[:, :, 2] = 0
    thick, thin = _stroke(line, np.array([1.0, -1.0]), np)
    assert (thick[0] == [200, 0, 0, 200, 200]).all()
    assert (thin[0] == 200).all()
    half = _stroke(line, np.array([0.5, 0.0]), np)
    assert (half[0] == [200, 100, 0, 200, 200]).all()
    assert (half[1] == line[1]).all()


def test_sketches_keep_their_colour_and_photos_their_strokes(pictures):
    recipe = Augment(brightness=1, grayscale=1) if pictures.ndim == 3 else Augment(stroke=1)
    assert np.array_equal(recipe(pictures, rng()), pictures)


@pytest.mark.parametrize("size", [20, 16, 15])
def test_a_device_does_the_same(pictures, size):
    tensor = torch.from_numpy(pictures)
    for recipe in (Augment(), Augment(flip=0.5, shift=0.4)):
        assert np.array_equal(recipe(tensor, rng(), size=size), recipe(pictures, rng(), size=size))
    got, want = ALL(tensor, rng(), size=size), ALL(pictures, rng(), size=size)
    assert got.dtype == torch.uint8
    assert abs(got.numpy().astype(int) - want).max() <= 4  # interpolated, then multiplied


@pytest.mark.parametrize(
    ("knob", "value", "most"),
    [("flip", 1.5, "1"), ("rotate", -3, "180"), ("hue", 0.6, "0.5"), ("scale", 1.0, "0.9")],
)
def test_knobs_have_sane_ranges(knob, value, most):
    with pytest.raises(ValueError, match=f"{knob}: want a number from 0 to {most}, got {value}"):
        Augment(**{knob: value})
