"""The measures against loops that share no code with them, and on cases whose answers are known."""

import math
import sys

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

from sbirkit.claims import measures as m


@pytest.fixture
def told():
    """60 random vectors of 5 classes, both modalities, of 30 individuals."""
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(5), 12)
    return rng.normal(size=(60, 6)), labels, np.tile([True, False], 30), np.repeat(np.arange(30), 2)


def unit(v):
    return v / math.sqrt(sum(a * a for a in v))


def gap(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


# --- kernel -----------------------------------------------------------------------------------------------


def naive_mmd(x, y, width):
    def mean(a, b, same):
        terms = [
            math.exp(-gap(p, q) / (2 * width**2))
            for i, p in enumerate(a)
            for j, q in enumerate(b)
            if not (same and i == j)
        ]
        return sum(terms) / len(terms)

    return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)


@pytest.mark.parametrize("width", [0.5, 2.0])
def test_mmd_equals_the_loop(told, width):
    x, y = told[0][:25], told[0][25:] + 0.3
    assert m.mmd(x, y, width=width) == pytest.approx(naive_mmd(x, y, width), abs=1e-12)


def test_mmd_in_blocks_is_the_same(told, monkeypatch):
    x, y = told[0][:25], told[0][25:]
    whole = m.mmd(x, y)
    monkeypatch.setattr(sys.modules["sbirkit.claims.measures.mmd"], "BLOCK", 7)
    assert m.mmd(x, y) == pytest.approx(whole, abs=1e-12)


def test_mmd_is_unbiased_and_knows_no_scale():
    rng = np.random.default_rng(0)
    found = [m.mmd(rng.normal(size=(40, 3)), rng.normal(size=(40, 3)), width=1.0) for _ in range(200)]
    assert abs(np.mean(found)) < 3 * np.std(found) / math.sqrt(200)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 3)) + 1
    assert m.mmd(7 * x, 7 * y) == pytest.approx(m.mmd(x, y))


def test_mmd_of_too_few_or_equal_rows():
    assert math.isnan(m.mmd([[0.0]], [[1.0], [2.0]]))
    assert m.mmd(np.ones((3, 2)), np.ones((4, 2))) == 0
    with pytest.raises(ValueError, match=r"want \(n, D\) and \(m, D\), got \(3, 2\) and \(4, 3\)"):
        m.mmd(np.ones((3, 2)), np.ones((4, 3)))


def test_median_distance_of_a_large_sample_is_close_and_repeats():
    x = np.random.default_rng(0).normal(size=(3000, 4))
    exact = np.median([math.sqrt(gap(a, b)) for k, a in enumerate(x[:300]) for b in x[:k]])
    assert m.median_distance(x) == pytest.approx(exact, rel=0.05)
    assert m.median_distance(x, seed=1) == m.median_distance(x, seed=1) != m.median_distance(x)


# --- probes -----------------------------------------------------------------------------------------------


def test_halves_keep_individuals_whole_and_classes_even(told):
    _, labels, _, who = told
    first = m.halves(who, within=labels, seed=5)
    assert all(len(set(first[who == k])) == 1 for k in who)
    assert all(abs(2 * first[labels == c].sum() - 12) == 0 for c in range(5))
    assert (first != m.halves(who, within=labels, seed=6)).any()
    odd = m.halves(np.arange(15), within=np.repeat(np.arange(5), 3))
    assert first.sum() == 30
    assert odd.sum() in (7, 8)


def test_a_probe_is_never_asked_about_an_individual_it_has_learned():
    """Whoever knows the individuals knows the answers, which were drawn for each of them."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(80), 2)
    y, x = rng.integers(2, size=80)[who], np.eye(80)[who] + 0.01 * rng.normal(size=(160, 80))
    apart = m.balanced_accuracy(m.linear_probe(x, y, groups=who), y)
    mixed = m.balanced_accuracy(m.linear_probe(x, y), y)
    assert apart < 0.6
    assert mixed > 0.65  # half of the others are known


def test_probe_equals_one_made_by_hand(told, monkeypatch):
    x, labels, is_sketch, who = told
    monkeypatch.setattr("sbirkit.claims.measures.probes.PENALTIES", (1.0,))
    got = m.linear_probe(x, is_sketch, groups=who, within=labels)
    first = m.halves(who, within=labels)
    for learn in (first, ~first):
        centre = x[learn].mean(0)
        scale = (x[learn] - centre).std()
        probe = LogisticRegression(C=1.0, max_iter=1000, tol=1e-3)
        probe.fit((x[learn] - centre) / scale, is_sketch[learn])
        want = probe.predict_log_proba((x[~learn] - centre) / scale)
        np.testing.assert_allclose(got[~learn], want, atol=1e-9)


def test_probes_guess_on_noise_and_know_what_is_there():
    rng = np.random.default_rng(0)
    labels, sketch = np.repeat(np.arange(8), 100), np.tile([True, False], 400)
    noise = rng.normal(size=(800, 8))
    assert 0.42 < m.modality_probe(noise, labels, sketch) < 0.58
    assert 0.05 < m.class_probe(noise, labels, sketch) < 0.2
    apart = noise + 9 * np.where(sketch, 1, -1)[:, None] * np.eye(8)[0]
    assert m.modality_probe(apart, labels, sketch) > 0.99
    assert m.modality_probe(apart, labels, sketch, across_classes=True) > 0.99
    assert m.proxy_a_distance(apart, labels, sketch) > 1.95
    assert abs(m.proxy_a_distance(noise, labels, sketch)) < 0.35


def test_a_direction_of_each_class_is_not_one_for_all():
    rng = np.random.default_rng(0)
    labels, sketch = np.repeat(np.arange(8), 60), np.tile([True, False], 240)
    sign = np.where(sketch, 1, -1) * np.where(labels % 2, 1, -1)
    x = np.eye(16)[labels] + 0.5 * sign[:, None] * np.eye(16)[8 + labels] + 0.05 * rng.normal(size=(480, 16))
    assert m.modality_probe(x, labels, sketch) > 0.95
    assert m.modality_probe(x, labels, sketch, across_classes=True) < 0.8


def test_a_class_may_be_readable_in_each_modality_and_not_across():
    rng = np.random.default_rng(0)
    labels, sketch = np.repeat(np.arange(4), 60), np.tile([True, False], 120)
    x = np.eye(8)[np.where(sketch, labels, 4 + (labels + 1) % 4)] + 0.05 * rng.normal(size=(240, 8))
    assert m.class_probe(x, labels, sketch) > 0.99
    assert m.class_probe(x, labels, sketch, asked="sketch") < 0.6
    with pytest.raises(ValueError, match="asked: want both, sketch or photo, got 'both '"):
        m.class_probe(x, labels, sketch, asked="both ")


def test_probes_without_enough_to_learn_have_no_number(told):
    x, labels, sketch, _ = told
    assert math.isnan(m.class_probe(x, np.zeros(60, int), sketch))
    assert math.isnan(m.modality_probe(x, labels, np.ones(60, bool)))
    assert math.isnan(m.modality_probe(x, np.zeros(60, int), sketch, across_classes=True))
    assert math.isnan(m.class_probe(x[:2], [0, 1], sketch[:2]))
    with pytest.raises(ValueError, match="want finite numbers, 1 rows are not"):
        m.modality_probe(np.where(np.arange(60)[:, None] == 3, np.nan, x), labels, sketch)


def test_balanced_accuracy_counts_each_value_alike():
    answers = np.log([[0.9, 0.1]] * 9 + [[0.9, 0.1]])
    assert m.balanced_accuracy(answers, [0] * 9 + [1]) == 0.5
    answers[:5] = np.nan
    assert m.balanced_accuracy(answers, [0] * 9 + [1]) == 0.5


# --- spread, order, separation ----------------------------------------------------------------------------


def naive_spread(x, labels):
    found = []
    for c in set(labels.tolist()):
        mine = [unit(v) for v, y in zip(x, labels, strict=True) if y == c]
        pairs = [gap(a, b) for i, a in enumerate(mine) for j, b in enumerate(mine) if i != j]
        found.append(sum(pairs) / len(pairs) / 2)
    return sum(found) / len(found)


def test_spread_equals_the_loop_and_forgets_scale(told):
    x, labels, *_ = told
    assert m.intra_class_spread(x, labels) == pytest.approx(naive_spread(x, labels))
    assert m.intra_class_spread(5 * x, labels) == pytest.approx(m.intra_class_spread(x, labels))
    whole = naive_spread(x, np.zeros(60, int))
    assert m.relative_spread(x, labels) == pytest.approx(naive_spread(x, labels) / whole)
    assert math.isnan(m.intra_class_spread(x[:3], [0, 1, 2]))
    assert math.isnan(m.relative_spread(np.ones((4, 2)), [0, 0, 1, 1]))


def test_rank_correlation_equals_scipy_and_leaves_the_unknown_out(told):
    x, labels, *_ = told
    given = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
    given[4] = given[:, 4] = np.nan
    centres = [unit(np.mean([unit(v) for v in x[labels == c]], axis=0)) for c in range(4)]
    pairs = [(i, j) for i in range(4) for j in range(i)]
    want = spearmanr(
        [gap(centres[i], centres[j]) for i, j in pairs], [given[i, j] for i, j in pairs]
    ).statistic
    assert m.class_rank_correlation(x, labels, given) == pytest.approx(want)
    assert math.isnan(m.class_rank_correlation(x, labels, np.full((5, 5), np.nan)))
    assert math.isnan(m.class_rank_correlation(x[labels < 2], labels[labels < 2], given[:2, :2]))


def naive_joint(x, labels, is_sketch):
    near, within, across = [], [], []
    rows = [unit(v) for v in x]
    for i, a in enumerate(rows):
        score = {}
        for kind in (True, False):
            mean = {}
            for c in set(labels.tolist()):
                d = [
                    gap(a, b)
                    for j, b in enumerate(rows)
                    if j != i and labels[j] == c and is_sketch[j] == kind
                ]
                mean[c] = sum(d) / len(d)
            own = mean.pop(labels[i])
            other = min(mean.values())
            score[kind] = (other - own) / max(other, own)
        near.append(sum(s > 0 for s in score.values()))
        within.append(score[bool(is_sketch[i])])
        across.append(score[not is_sketch[i]])
    shares = [sum(n == k for n in near) / len(near) for k in (2, 1, 0)]
    return [*shares, sum(within) / len(within), sum(across) / len(across)]


def test_joint_separation_equals_the_loop(told):
    x, labels, sketch, _ = told
    x = x + 2 * np.eye(6)[labels]
    got = m.joint_separation(x, labels, sketch)
    want = naive_joint(x, labels, sketch)
    assert [got.near_both, got.torn, got.near_none, got.within, got.across] == pytest.approx(want)
    assert min(want[:3]) > 0


def test_joint_separation_sees_who_is_torn():
    """Photos of each class lie where the sketches of the other are."""
    x = np.repeat(np.eye(2), 4, axis=0)
    labels, sketch = np.array([0, 0, 1, 1, 1, 1, 0, 0]), np.array([True, True, False, False] * 2)
    found = m.joint_separation(x, labels, sketch)
    assert (found.torn, found.within, found.across) == (1, 1, -1)
    assert math.isnan(m.joint_separation(x, 0 * labels, sketch).torn)
    assert math.isnan(m.joint_separation(x[:2], labels[:2], sketch[:2]).torn)


# --- retention, information -------------------------------------------------------------------------------


def naive_overlap(a, b, k):
    def nearest(x, i):
        rows = [unit(v) for v in x]
        return set(sorted((j for j in range(len(x)) if j != i), key=lambda j: gap(rows[i], rows[j]))[:k])

    return sum(len(nearest(a, i) & nearest(b, i)) for i in range(len(a))) / (k * len(a))


def test_overlap_equals_the_loop_in_any_blocks(told, monkeypatch):
    x = told[0]
    y = x + np.random.default_rng(0).normal(size=x.shape)
    want = naive_overlap(x, y, 4)
    assert m.neighbour_overlap(x, y, k=4) == pytest.approx(want)
    monkeypatch.setattr("sbirkit.claims.measures.retention.BLOCK", 7)
    assert m.neighbour_overlap(x, y, k=4) == pytest.approx(want)
    assert m.neighbour_overlap(x, 3 * x @ np.linalg.qr(y[:6])[0], k=4) == 1
    assert math.isnan(m.neighbour_overlap(x[:5], y[:5], k=4))


def test_strangers_agree_by_chance():
    rng = np.random.default_rng(0)
    found = m.neighbour_overlap(rng.normal(size=(500, 8)), rng.normal(size=(500, 8)), k=10)
    assert found == pytest.approx(10 / 499, abs=0.01)


def test_cka_equals_the_definition_by_kernels(told):
    x = told[0]
    y = np.tanh(x[:, :4])
    rows = [np.array([unit(v) for v in z]) for z in (x, y)]
    centring = np.eye(60) - 1 / 60
    one, other = (centring @ z @ z.T @ centring for z in rows)
    want = (one * other).sum() / math.sqrt((one * one).sum() * (other * other).sum())
    assert m.linear_cka(x, y) == pytest.approx(want)
    assert math.isnan(m.linear_cka(np.ones((3, 2)), np.eye(3)))


def test_readable_information_of_a_known_channel():
    """A bit that is told right with 3/4: log 2 - H(1/4)."""
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    said = np.array([0, 0, 0, 1, 1, 1, 1, 0])
    answers = np.log(np.where(np.eye(2)[said] > 0, 0.75, 0.25))
    want = math.log(2) + 0.75 * math.log(0.75) + 0.25 * math.log(0.25)
    assert m.readable_information(answers, y) == pytest.approx(want)
    assert m.readable_information(np.log(np.where(np.eye(2)[1 - y] > 0, 0.9, 0.1)), y) == 0
    assert math.isnan(m.readable_information(np.full((8, 2), np.nan), y))


def test_paired_information_lies_between_nothing_and_its_cap():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 16))
    nothing = m.paired_information(x, rng.normal(size=(200, 16)))
    some = m.paired_information(x, x + 2 * rng.normal(size=x.shape))
    assert nothing < 0.1 < some < math.log(100)
    assert m.paired_information(x, x) == pytest.approx(math.log(100), abs=0.01)
    assert math.isnan(m.paired_information(x[:3], x[:3]))
    with pytest.raises(ValueError, match="want pairs"):
        m.paired_information(x, x[:9])


# --- cells, centring --------------------------------------------------------------------------------------


def test_cells_are_of_their_maps_and_not_repeated():
    maps = np.arange(3 * 2 * 4).reshape(3, 2, 2, 2)
    found, of = m.cells(maps, each=3, seed=1)
    for row, k in zip(found, of, strict=True):
        assert row.tolist() in [maps[k, :, i, j].tolist() for i in range(2) for j in range(2)]
    assert len({tuple(row) for row in found}) == 9
    assert len(m.cells(maps, each=99)[0]) == 12


def test_a_circle_is_seen_by_the_kernel_alone():
    rng = np.random.default_rng(0)
    angle, sketch = rng.uniform(0, 2 * np.pi, (200, 4)), np.tile([True, False], 100)
    radius = np.where(sketch, 1, 3)[:, None]
    maps = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(200, 2, 2, 2)
    labels = np.repeat(np.arange(4), 50)
    assert m.cell_modality_probe(maps, sketch, labels) < 0.65
    assert m.cell_modality_probe(maps, sketch, labels, kernel=True) > 0.95


def test_centring_closes_a_shift_and_can_use_the_means_of_others(told):
    x, labels, sketch, _ = told
    shifted = m.unit(m.unit(x) + np.where(sketch, 2, -2)[:, None] * np.eye(6)[0])
    centred = m.mean_centred(shifted, sketch)
    assert m.modality_probe(shifted, labels, sketch) > 0.95
    assert m.modality_probe(centred, labels, sketch) < 0.7
    np.testing.assert_allclose(m.mean_centred(shifted, sketch, of=(shifted, sketch)), centred)
    other = m.mean_centred(shifted, sketch, of=(np.eye(6)[:2], [True, False]))
    np.testing.assert_allclose(other[0], m.unit([shifted[0] - np.eye(6)[0]])[0])
    with pytest.raises(ValueError, match="vectors of 6 numbers, got 3"):
        m.mean_centred(shifted, sketch, of=(np.eye(3)[:2], [True, False]))
