"""Descriptors without learning, against loops written from their definitions."""

import numpy as np
import pytest

from sbirkit.models.handmade import hog, raw_pixels


def pictures(n: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(n, 32, 32, 3)).astype(np.uint8)


def naive_hog(image: np.ndarray, cells: int, angles: int) -> np.ndarray:
    """One pixel at a time."""
    grey = (image @ np.array([0.299, 0.587, 0.114])) / 255
    side = len(grey)
    votes = np.zeros((cells, cells, angles))
    for y in range(side):
        for x in range(side):
            dy = grey[y + 1, x] - grey[y - 1, x] if 0 < y < side - 1 else 0.0
            dx = grey[y, x + 1] - grey[y, x - 1] if 0 < x < side - 1 else 0.0
            turn = (np.arctan2(dy, dx) / np.pi) % 1
            votes[y * cells // side, x * cells // side, int(turn * angles) % angles] += np.hypot(dx, dy)
    energy = (votes**2).sum(-1)
    out = np.zeros_like(votes)
    for r in range(cells):
        for c in range(cells):
            around = sum(energy[max(0, r - a), max(0, c - b)] for a in (0, 1) for b in (0, 1))
            out[r, c] = votes[r, c] / np.sqrt(around + 1e-2)
    return out.ravel()


def test_hog_equals_naive():
    images = pictures()
    want = np.stack([naive_hog(image, 4, 9) for image in images])
    np.testing.assert_allclose(hog(images, cells=4), want, atol=1e-4)


def test_hog_takes_no_notice_of_which_side_is_dark():
    """A dark line on paper and a light one on slate are the same line."""
    grey = pictures()[..., 0]
    np.testing.assert_allclose(hog(grey), hog(255 - grey), atol=1e-3)


def test_raw_pixels_are_block_means_without_brightness():
    grey = pictures()[..., 0]
    blocks = [(slice(2 * r, 2 * r + 2), slice(2 * c, 2 * c + 2)) for r in range(16) for c in range(16)]
    small = np.array([[g[block].mean() / 255 for block in blocks] for g in grey])
    np.testing.assert_allclose(raw_pixels(grey), small - small.mean(1, keepdims=True), atol=1e-6)
    assert np.abs(raw_pixels(np.full((1, 32, 32), 77, np.uint8))).max() < 1e-6


@pytest.mark.parametrize("descriptor", [hog, raw_pixels])
def test_one_picture_does_not_depend_on_its_neighbours(descriptor):
    images = pictures(5)
    np.testing.assert_allclose(descriptor(images)[3:4], descriptor(images[3:4]), atol=1e-6)


@pytest.mark.parametrize("descriptor", [hog, raw_pixels])
def test_says_what_it_wants(descriptor):
    with pytest.raises(ValueError, match=r"images: want \(N, H, W\).*got \(32, 32\) float64"):
        descriptor(np.zeros((32, 32)))
