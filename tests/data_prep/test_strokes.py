"""Strokes to pixels, against a slow reference that measures distances."""

import itertools
import json
import time

import numpy as np
import pytest

from data_prep.strokes import parse, rasterise
from sbirkit.data.pictures import PictureError

HOUSE = [
    [[0, 0, 200, 200, 0], [255, 120, 120, 255, 255]],
    [[0, 100, 200], [120, 0, 120]],
    [[90, 90], [200, 255]],
]


def naive(drawing, size, width, margin):
    """Ink by the distance of each pixel's centre to the nearest segment. Slow on purpose."""
    xs, ys = [x for s in drawing for x in s[0]], [y for s in drawing for y in s[1]]
    scale = size * (1 - 2 * margin - width) / max(max(xs) - min(xs), max(ys) - min(ys))
    out = np.full((size, size), 255.0)
    for row in range(size):
        for column in range(size):
            nearest = np.inf
            for x, y in drawing:
                points = [
                    (
                        (a - (min(xs) + max(xs)) / 2) * scale + size / 2,
                        (b - (min(ys) + max(ys)) / 2) * scale + size / 2,
                    )
                    for a, b in zip(x, y, strict=True)
                ]
                for (ax, ay), (bx, by) in itertools.pairwise(points):
                    px, py = column + 0.5, row + 0.5
                    t = ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
                    t = min(max(t, 0), 1)
                    nearest = min(nearest, np.hypot(px - ax - t * (bx - ax), py - ay - t * (by - ay)))
            out[row, column] = 255 * (1 - min(max(width * size / 2 - nearest + 0.5, 0), 1))
    return out


@pytest.mark.parametrize(("size", "width", "margin"), [(48, 1 / 16, 0.05), (33, 1 / 11, 0.1)])
def test_equals_naive(size, width, margin):
    got = rasterise(HOUSE, size, width=width, margin=margin).astype(float)
    want = naive(HOUSE, size, width, margin)
    assert np.abs(got - want).mean() < 3
    assert np.corrcoef(got.ravel(), want.ravel())[0, 1] > 0.99


def test_centred_whatever_the_proportions():
    for drawing in ([[[0, 255], [0, 0]]], [[[9, 9], [0, 255]]], [[[1000, 1200, 1100], [-50, -50, 90]]]):
        ink = rasterise(drawing, 64) < 128
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        assert abs(rows[0] + rows[-1] - 63) <= 1
        assert abs(columns[0] + columns[-1] - 63) <= 1
        assert 3 <= min(rows[0], columns[0]) <= 5, "as large as the margin allows"


def test_up_is_up():
    ink = 255 - rasterise([[[0, 128, 255], [255, 0, 255]]], 64).astype(int)  # a roof: y grows downwards
    assert (ink[:32].sum(0) > 0).sum() < (ink[32:].sum(0) > 0).sum() * 1.01
    assert ink[5, 30:34].max() > 128
    assert ink[58, 30:34].max() == 0


def test_line_width_follows_the_size():
    share = [(255 - rasterise(HOUSE, size)).mean() for size in (64, 128, 224)]
    assert np.ptp(share) / np.mean(share) < 0.05


def test_grey_at_the_edges_and_the_same_every_time():
    first = rasterise(HOUSE, 64)
    rasterise([[[0, 255], [0, 255]]], 64)
    assert len(np.unique(first)) > 20
    assert (rasterise(HOUSE, 64) == first).all()
    assert first.dtype == np.uint8
    assert first.flags.owndata, "not a view of the canvas, which is used again"


def test_settings_of_matplotlib_do_not_matter():
    import matplotlib as mpl

    turn = np.linspace(0, 40, 2_000)
    spiral = [[(turn * np.cos(turn)).tolist(), (turn * np.sin(turn)).tolist()]]
    plain = rasterise(spiral, 64)
    with mpl.rc_context({"path.simplify_threshold": 1.0, "path.snap": True, "lines.antialiased": False}):
        assert (rasterise(spiral, 64) == plain).all()


def test_dots_are_drawn():
    for dot, count in (([[[7], [7]]], 1), ([[[7, 7, 7], [7, 7, 7]]], 1), ([[[0], [0]], [[255], [255]]], 2)):
        ink = (255 - rasterise(dot, 64, width=1 / 16)).sum(dtype=float) / 255
        assert ink == pytest.approx(count * np.pi * 2**2, rel=0.1), "round, as wide as the line"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "not a line of JSON"),
        ('{"drawing": [[[1, 2], [3, 4', "not a line of JSON"),
        (b"\xff\xfe", "not a line of JSON"),
        ("[" * 100_000, "not a line of JSON"),
        ("[1]", "no 'drawing'"),
        ('{"word": "cat"}', "no 'drawing'"),
        ('{"drawing": []}', "no 'drawing'"),
        ('{"drawing": "no"}', "no 'drawing'"),
        ('{"drawing": [7]}', r"stroke 1: want \[\[x"),
        ('{"drawing": [[[1, 2]]]}', r"stroke 1: want \[\[x"),
        ('{"drawing": [[[1], [1]], [[1, 2], [3]]]}', "stroke 2: want as many y as x, got 2 x and 1 y"),
        ('{"drawing": [[[], []]]}', "stroke 1: want as many y as x, got 0"),
        ('{"drawing": [[[1, "2"], [3, 4]]]}', "finite numbers"),
        ('{"drawing": [[[1, true], [3, 4]]]}', "finite numbers"),
        ('{"drawing": [[[1, NaN], [3, 4]]]}', "finite numbers"),
        ('{"drawing": [[[1, 1e300], [3, 4]]]}', "finite numbers"),
        ('{"drawing": [[[1, 1' + "0" * 400 + "], [3, 4]]]}", "finite numbers"),
        (json.dumps({"drawing": [[[1] * 100_001, [1] * 100_001]]}), "more than 100,000 points"),
    ],
)
def test_malformed_lines(line, why):
    with pytest.raises(PictureError, match=why):
        parse(line)


def test_raw_drawings_with_times_are_understood():
    record = parse('{"drawing": [[[0.5, 9.5], [1.5, 3.5], [0, 16]]]}')
    assert rasterise(record["drawing"], 32).min() < 60


def test_more_than_a_thousand_a_second():
    rng = np.random.default_rng(0)
    drawings = [[rng.integers(0, 255, (2, 12)).tolist() for _ in range(5)] for _ in range(300)]
    rasterise(drawings[0], 64)
    start = time.process_time()
    for drawing in drawings:
        rasterise(drawing, 64)
    assert len(drawings) / (time.process_time() - start) > 1_000


def test_real_drawings(shared_data):
    for path in sorted((shared_data / "quickdraw-mini/simplified").glob("*.ndjson"))[::40]:
        ink = np.array([255 - rasterise(parse(line)["drawing"], 64) for line in path.open("rb")])
        assert (ink.max(axis=(1, 2)) > 200).all()
        assert 4 < ink.mean() < 80
