"""The atlas without a browser: maps, picks, errors, and what is said of them."""

import html
import json

import numpy as np
import pytest

from sbirkit.explore import AtlasState
from sbirkit.explore.layout import across, inside, kept, layout, pack, turned, unpack

SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1]]


def vectors(n, dim=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


@pytest.fixture
def world(bench):
    return bench.catalogue


@pytest.fixture
def rows(bench):
    return np.sort(np.concatenate([bench.queries(), bench.gallery_rows()]))


@pytest.fixture
def atlas(world, rows):
    near = [(f"step {s}", vectors(len(rows)) + s * vectors(len(rows), seed=1)) for s in (0, 0.1, 0.2)]
    return AtlasState([("moving", near), ("still", vectors(len(rows), seed=2))], world, rows,
                      families={"class_01": "bars", "class_03": "bars"})  # fmt: skip


# Layout


def test_a_layout_is_the_same_for_the_same_vectors_and_turned_vectors_are_turned_back():
    x, turn = vectors(40), np.linalg.qr(vectors(8, 8, seed=3))[0]
    first, second = layout([x, x @ turn])
    assert np.array_equal(first, layout([x])[0])
    assert np.allclose(first, second, atol=1e-4)


def test_pca_keeps_what_a_plane_can_hold():
    angle = np.random.default_rng(0).uniform(0, 6.28, 30)
    ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle], 1)
    flat = layout([ring])[0]
    distances = [np.linalg.norm(a[:, None] - a, axis=2) for a in (ring, flat)]
    assert np.allclose(*distances, atol=1e-5)
    assert kept(ring, flat) == 1


def test_umap_is_the_same_for_the_same_seed_and_starts_from_the_map_before():
    pytest.importorskip("umap")
    x = np.concatenate([vectors(25, seed=1) + 4, vectors(25, seed=2) - 4])
    first, second = layout([x, x], how="umap", seed=3, neighbours=8)
    again = layout([x], how="umap", seed=3, neighbours=8)[0]
    assert np.array_equal(first, again)
    gap = np.linalg.norm(first[:25].mean(0) - first[25:].mean(0))
    assert np.linalg.norm(first - second, axis=1).mean() < gap / 2
    assert kept(x, first) > kept(x, np.random.default_rng(0).normal(size=(50, 2)))


def test_turning_never_stretches():
    p, q = vectors(20, 2).astype(float), 3 * vectors(20, 2, seed=1).astype(float)
    moved = turned(p, q)
    pairs = [np.linalg.norm(a[:, None] - a, axis=2) for a in (p, moved)]
    assert np.allclose(*pairs)
    assert np.allclose(moved.mean(0), q.mean(0))
    assert ((moved - q) ** 2).sum() <= ((p - p.mean(0) + q.mean(0) - q) ** 2).sum() + 1e-9


def test_packing_loses_half_a_step_and_keeps_sizes_over_time():
    a = vectors(50, 2).astype(float)
    packed = pack([a, a / 2])
    assert packed.dtype == np.uint16
    back = unpack(packed)
    side = (back[0].max(0) - back[0].min(0)) / (a.max(0) - a.min(0))
    assert np.allclose(side, side[0], rtol=1e-3)  # one scale for both axes
    ideal = (a - a[0]) * side[0]
    assert np.abs(back[0] - back[0][0] - ideal).max() < 3 / 65_535
    assert np.ptp(back[1], axis=0) == pytest.approx(np.ptp(back[0], axis=0) / 2, abs=1e-3)
    assert 0 < back.min() < back.max() < 1
    assert unpack(pack([np.ones((4, 2))])) == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("corners", [3, 5, 12])  # the last lines cross themselves
def test_inside_agrees_with_a_naive_loop(corners):
    points, line = (
        np.random.default_rng(corners).random((200, 2)),
        np.random.default_rng(9).random((corners, 2)),
    )

    def naive(x, y):
        crossings = 0
        for k in range(corners):
            (ax, ay), (bx, by) = line[k], line[(k + 1) % corners]
            if min(ay, by) <= y < max(ay, by) and ax + (y - ay) / (by - ay) * (bx - ax) > x:
                crossings += 1
        return crossings % 2 == 1

    found = inside(points, line)
    assert found.tolist() == [naive(x, y) for x, y in points]
    assert found.any()


def test_the_nearest_of_the_other_modality_and_the_errors_agree_with_a_naive_loop(atlas):
    x, sketch, labels = atlas.vectors[1][0], atlas.is_sketch, atlas.labels
    assert np.array_equal(across(x, sketch), across(x, sketch, block=3))
    wrong = []
    for i in range(len(x)):
        best = max(
            (j for j in range(len(x)) if sketch[j] != sketch[i]),
            key=lambda j: x[i] @ x[j] / np.linalg.norm(x[i]) / np.linalg.norm(x[j]),
        )
        wrong.append(labels[best] != labels[i])
    assert atlas.wrong(1).tolist() == wrong
    assert 0 < sum(wrong) < len(wrong)
    n = len(x)
    assert np.frombuffer(atlas.cloud()["wrong"][1], np.uint8).astype(bool).tolist() == wrong
    assert len(atlas.cloud()["wrong"][0]) == 3 * n


def test_kept_counts_neighbours_like_a_naive_loop():
    x, flat, total = vectors(30), vectors(30, 2, seed=5), 0
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    for i in range(30):
        near = sorted((j for j in range(30) if j != i), key=lambda j: -(u[i] @ u[j]))[:10]
        drawn = sorted((j for j in range(30) if j != i), key=lambda j: np.sum((flat[i] - flat[j]) ** 2))[:10]
        total += len(set(near) & set(drawn)) / 10
    assert kept(x, flat) == pytest.approx(total / 30)


# Picking


def test_a_pick_on_one_map_is_the_same_pictures_on_all(atlas):
    points = atlas.points(1)
    middle = np.median(points[:, 0])
    atlas.lasso(1, [[0, 0], [middle, 0], [middle, 1], [0, 1]])
    assert np.array_equal(atlas.picked, points[:, 0] < middle)
    assert np.array_equal(atlas.picked_rows, atlas.rows[points[:, 0] < middle])
    kept_ = atlas.picked.copy()
    atlas.move_to(0)
    atlas.colour_by("error")
    assert np.array_equal(atlas.picked, kept_)


def test_the_browser_gets_the_pick_as_one_bit_for_each_picture_and_the_cloud_once(atlas):
    import base64

    cloud = atlas.cloud()
    atlas.circle(0, *atlas.points(0)[3], 1e-3)
    atlas.circle(0, *atlas.points(0)[9], 1e-3, add=True)
    bits = np.frombuffer(base64.b64decode(atlas.shown()["picked"]), np.uint8)
    assert np.flatnonzero(np.unpackbits(bits, bitorder="little")).tolist() == [3, 9]
    assert atlas.cloud() is cloud
    moments = np.frombuffer(cloud["positions"][0], "<u2").reshape(3, -1, 2)
    assert np.allclose(moments[2] / 65_535, atlas.points(0))
    assert len(json.dumps(atlas.shown())) < 60_000


def test_a_map_follows_the_slider_and_one_without_moments_stays(atlas):
    before = [atlas.points(p) for p in (0, 1)]
    atlas.move_to(0)
    assert not np.array_equal(atlas.points(0), before[0])
    assert np.array_equal(atlas.points(1), before[1])


def test_pages_of_thumbnails_end_where_the_pick_ends(world):
    many = AtlasState([("all", vectors(len(world)))], world, np.arange(len(world)))
    many.lasso(0, SQUARE)
    numbers = []
    for _ in range(many.shown()["pages"]):
        numbers += [tile["number"] for tile in many.shown()["tiles"]]
        many.turn()
    assert sorted(numbers) == list(range(len(world)))
    page = many.page
    many.turn(5)
    assert many.page == page
    many.clear()
    assert many.shown()["tiles"] == []


def test_what_is_picked_and_looked_at_is_said_in_words(atlas):
    atlas.lasso(0, SQUARE)
    n = len(atlas.rows)
    assert atlas.shown()["summary"].startswith(f"{n} picked: {atlas.is_sketch.sum()} sketches")
    atlas.look(2)
    looked = atlas.shown()["looked"]
    assert looked["label"] == "class 01"
    for panel, near in enumerate(looked["near"]):
        assert near["modality"] != looked["modality"]
        assert near["sign"] == ("✗" if atlas.wrong(panel)[2] else "✓")
    atlas.look()
    assert atlas.shown()["looked"] is None
    atlas.circle(0, 0, 0, 1e-6)
    assert atlas.message == "Nothing lies there."


def test_groups_and_their_light(atlas):
    assert atlas.shown()["colours"] == ["class", "modality", "family", "error"]
    atlas.colour_by("family")
    atlas.light("bars")
    assert atlas.spot == "bars"
    atlas.light("bars")
    assert atlas.spot == ""
    with pytest.raises(ValueError, match="name: want one of bars"):
        atlas.light("boxes")


# Names are data


def test_hostile_names_are_text_everywhere(world, rows):
    evil = "<img src=x onerror=alert(1)> $\\frac{"
    atlas = AtlasState([(evil, vectors(len(rows)))], world, rows, families=dict.fromkeys(world.classes, evil))
    atlas.colour_by("family")
    atlas.light(evil)
    atlas.lasso(0, SQUARE)
    page = atlas.twin()._repr_html_()
    assert "<img src=x" not in page
    assert html.escape(evil) in page
    assert page.count("<img") == 1


# On paper


def test_the_twin_describes_itself_and_grows_with_the_moments(atlas):
    sheet = atlas.twin()
    assert len([ax for ax in sheet.axes if ax.get_title()]) == 4
    assert "another class nearest" in sheet.alt
    atlas.lasso(0, SQUARE)
    assert "picked" in atlas.twin().alt
    for what in ("modality", "family", "error"):
        atlas.colour_by(what)
        assert atlas.twin().alt


def test_of_embeds_pictures_and_moments(world, rows):
    from sbirkit.explore import Handmade
    from sbirkit.models.handmade import raw_pixels

    method = Handmade(raw_pixels)
    atlas = AtlasState.of({"a": method, "b": {"0": method, "1": method}}, world, rows, size=32)
    assert np.array_equal(atlas.vectors[0][0], atlas.vectors[1][1])
    assert atlas.moments == ["0", "1"]


# Mistakes


def test_one_modality_alone_has_no_errors_but_a_map(world):
    photos = AtlasState([("p", vectors(len(world.photos)))], world, world.photos)
    assert "error" not in photos.shown()["colours"]
    assert "one modality" in photos.shown()["panels"][0]["words"]
    photos.look(0)
    assert photos.shown()["looked"]["near"] == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda x: x[:-1], "want a vector for each of the"),
        (lambda x: np.where(np.arange(len(x))[:, None] == 1, np.nan, x), "1 of .* hold NaN"),
        (lambda x: x[:, 0], "want a vector for each"),
        (lambda x: [("a", x), ("b", x[1:])], "at 'b': want a vector for each"),
        (lambda x: [], "has no vectors"),
    ],
)
def test_vectors_that_do_not_fit_are_refused_in_words(world, rows, spoil, said):
    with pytest.raises(ValueError, match=f"panels: 'm'.*{said}"):
        AtlasState([("m", spoil(vectors(len(rows))))], world, rows)


def test_other_mistakes_are_named(world, rows):
    x = vectors(len(rows))
    with pytest.raises(ValueError, match="at least 3 row numbers"):
        AtlasState([("m", x[:2])], world, rows[:2])
    with pytest.raises(ValueError, match="rows: want 0 to"):
        AtlasState([("m", x[:3])], world, [0, 1, 10_000])
    with pytest.raises(ValueError, match="a title of its own"):
        AtlasState([("m", x), ("m", x)], world, rows)
    with pytest.raises(ValueError, match="how: want one of pca, umap"):
        AtlasState([("m", x)], world, rows, how="tsne")
    with pytest.raises(ValueError, match="none for class_01"):
        AtlasState([("m", x)], world, rows, families={"class_03": "bars"})


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"do": "lasso", "panel": 0, "points": [[0, 0], [1, 1]]}, "at least three pairs"),
        ({"do": "lasso", "panel": 0, "points": [[0, 0], [1, None], [1, 1]]}, "at least three pairs"),
        ({"do": "lasso", "panel": 7, "points": SQUARE}, "panel: want 0 to 1"),
        ({"do": "circle", "panel": 0, "x": 0, "y": 0, "radius": 0}, "radius above 0"),
        ({"do": "look", "number": 10_000}, "number: want 0 to"),
        ({"do": "move_to", "moment": 3}, "moment: want 0 to 2"),
        ({"do": "colour_by", "what": "taste"}, "want one of class, modality, family, error"),
        ({"do": "wrong", "panel": 0}, "no action"),
    ],
)
def test_a_wrong_message_becomes_a_kind_word_and_changes_nothing(atlas, asked, said):
    before = atlas.picked.copy(), atlas.moment, atlas.colour
    atlas.receive(asked)
    assert said in atlas.message
    assert (atlas.picked == before[0]).all()
    assert (atlas.moment, atlas.colour) == before[1:]


def test_the_signs_of_what_is_picked_say_whose_they_are(atlas):
    atlas.clear()
    assert "✓" not in atlas.shown()["summary"]
    atlas.lasso(0, [[0, 0], [1, 0], [1, 1], [0, 1]])
    assert atlas.shown()["summary"].endswith(f"✓ and ✗: by {atlas.titles[0]}.")
