"""Every check passes a right answer, names the idea that a wrong one lacks, and lets nobody's answer be."""

import itertools

import numpy as np
import pytest

from sbirkit import checks
from sbirkit.data import normalise
from sbirkit.retrieval import score_by


def nearest(sketches, photos):
    s, p = sketches.reshape(len(sketches), -1).astype(float), photos.mean(3).reshape(len(photos), -1)
    return np.array([((p - row) ** 2).sum(1).argmin() for row in s])


def nearest_in_uint8(sketches, photos):
    return ((sketches[:, None] - photos[..., 0]) ** 2).sum((2, 3)).argmin(1)


def farthest(sketches, photos):
    p = photos[..., 0].astype(float)
    return [((p - row) ** 2).sum((1, 2)).argmax() for row in sketches]


def chance(relevant, gallery):
    """By brute force where there are few photos, else by McSherry and Najork as the package has it."""
    if gallery > 10:
        labels = [1] * relevant + [0] * (gallery - relevant)
        return score_by(np.zeros((1, gallery)), [1], labels, metrics=["mAP@all"])["mAP@all"]
    orders = [set(o) for o in itertools.combinations(range(gallery), relevant)]
    return np.mean([np.mean([(k + 1) / (i + 1) for k, i in enumerate(sorted(o))]) for o in orders])


def same_classes(a, b):
    return {normalise(x) for x in a} & {normalise(x) for x in b}


def as_spelt(a, b):
    return {name for name in a if normalise(name) in map(normalise, b)}


def copies(train, test):
    return [(i, j) for i, x in enumerate(train) for j, y in enumerate(test) if (x == y).all()]


def roles(classes, unseen, n, seed):
    seen = sorted(set(classes) - set(unseen))
    chosen = set(np.random.default_rng(seed).permutation(seen)[:n])
    return [c for c in seen if c not in chosen], sorted(chosen)


def unsorted_roles(classes, unseen, n, seed):
    seen = [c for c in classes if c not in unseen]
    order = np.random.default_rng(seed).permutation(len(seen))
    return [seen[i] for i in order[n:]], [seen[i] for i in order[:n]]


def held_and_kept(classes, unseen, n, seed):
    return sorted(set(classes) - set(unseen)), roles(classes, unseen, n, seed)[1]


def one_lost(classes, unseen, n, seed):
    train, selection = roles(classes, unseen, n, seed)
    return train[1:], selection


def strict_ap(rel, k):
    hits, total = 0, 0.0
    for place, hit in enumerate(rel[:k], 1):
        hits += hit
        total += hit * hits / place
    return total / min(k, sum(rel))


def lenient_ap(rel, k):
    return strict_ap(rel, k) * min(k, sum(rel)) / max(sum(rel[:k]), 1)


def lenient_rows(rows):
    beside = {r.key[:-1]: r.value for r in rows if r.metric == "P@200"}
    return [r for r in rows if r.metric == "mAP@200" and r.value > beside.get(r.key[:-1], 100)]


def by_method_only(rows):
    beside = {r.method: r.value for r in rows if r.metric == "P@200"}
    return lenient_rows(rows) + [
        r for r in rows if r.metric == "mAP@200" and r.value > beside.get(r.method, 0)
    ]


def over_classes(values, classes, n, seed):
    rng, means = np.random.default_rng(seed), [values[classes == c].mean() for c in np.unique(classes)]
    return np.quantile([rng.choice(means, len(means)).mean() for _ in range(n)], [0.025, 0.975])


def over_queries(values, classes, n, seed):
    rng = np.random.default_rng(seed)
    return np.quantile([rng.choice(values, len(values)).mean() for _ in range(n)], [0.025, 0.975])


RIGHT = {
    checks.check_nearest: nearest,
    checks.check_chance: chance,
    checks.check_same_classes: same_classes,
    checks.check_copies: copies,
    checks.check_roles: roles,
    checks.check_strict_ap: strict_ap,
    checks.check_lenient_rows: lenient_rows,
    checks.check_class_interval: over_classes,
}
WRONG = [
    (checks.check_nearest, nearest_in_uint8, "uint8 wraps"),
    (checks.check_nearest, farthest, "farthest"),
    (checks.check_nearest, lambda s, p: nearest(s, p)[:, None], "one number for each sketch"),
    (checks.check_nearest, lambda s, p: [0] * len(s), "smallest sum"),
    (checks.check_chance, lambda r, g: r / g, "that photo itself counts"),
    (checks.check_chance, lambda r, g: chance(1, g), "other R - 1"),
    (checks.check_chance, lambda r, g: 0.5, "over all places"),
    (checks.check_same_classes, lambda a, b: set(a) & set(b), "spelling differs"),
    (checks.check_same_classes, as_spelt, "give them"),
    (checks.check_same_classes, lambda a, b: same_classes(a, b) | {"mouse_animal"}, "whole names"),
    (checks.check_copies, lambda a, b: [(i, j) for i, x in enumerate(a) for j, y in enumerate(b)
                                        if x.mean() == y.mean()], "share a mean"),
    (checks.check_copies, lambda a, b: list({i: (i, j) for i, j in copies(a, b)}.values()), "more than once"),
    (checks.check_copies, lambda a, b: [], "tobytes"),
    (checks.check_roles, lambda c, u, n, s: roles(c, [], n, s), "chosen on the test"),
    (checks.check_roles, held_and_kept, "leaves training"),
    (checks.check_roles, one_lost, "every seen class"),
    (checks.check_roles, unsorted_roles, "sort the names"),
    (checks.check_roles, lambda c, u, n, s: roles(c, u, n, 0), "from the seed"),
    (checks.check_strict_ap, lenient_ap, "lenient rule"),
    (checks.check_strict_ap, lambda r, k: strict_ap(r, k) * min(k, r.sum()) / k, "fewer than k"),
    (checks.check_strict_ap, lambda r, k: strict_ap(r, k) * min(k, r.sum()) / r.sum(), "more than k"),
    (checks.check_strict_ap, lambda r, k: (r.cumsum() / np.arange(1, 11))[:k].mean(), "only the places"),
    (checks.check_strict_ap, lambda r, k: r[:k].sum() / k, "P@k"),
    (checks.check_strict_ap, lambda r, k: 1.0, r"divide by min\(k, R\)"),
    (checks.check_lenient_rows, by_method_only, "like with like"),
    (checks.check_lenient_rows, lambda rows: lenient_rows(rows)[:2], "generalised and binary"),
    (checks.check_lenient_rows, lambda rows: rows, "only the witness"),
    (checks.check_lenient_rows, lambda rows: [], "the same method"),
    (checks.check_class_interval, over_queries, "average each class"),
    (checks.check_class_interval, lambda v, c, n, s: np.add([-1e-3, 1e-3], 0.37), "too narrow"),
    (checks.check_class_interval, lambda v, c, n, s: (0.0, 1.0), "with replacement"),
]  # fmt: skip


@pytest.mark.parametrize("check", RIGHT, ids=lambda check: check.__name__)
def test_a_right_answer_passes_and_none_is_no_fault(check, capsys):
    check(RIGHT[check])
    check(lambda *given: None)
    assert capsys.readouterr().out.splitlines() == [
        "✓ right",
        "○ not attempted yet (if you did: is there a `return`?)",
    ]


@pytest.mark.parametrize(("check", "answer", "idea"), WRONG)
def test_the_hint_names_the_missing_idea(check, answer, idea):
    with pytest.raises(AssertionError, match=rf"Hint: .*{idea}"):
        check(answer)


def test_knobs(capsys):
    right = {letter: knob for letter, (knob, _) in checks.KNOB_PUZZLE.items()}
    checks.check_knobs(dict.fromkeys(right, ""))
    assert capsys.readouterr().out.startswith("○")
    checks.check_knobs(right)
    for letter, knob in right.items():
        with pytest.raises(AssertionError, match=rf"{letter} is not 'imbalance'\. Hint: .*\?|build|stance"):
            checks.check_knobs(right | {letter: "imbalance"})
        assert knob not in checks.KNOB_HINTS[knob]


def test_each_knob_of_the_puzzle_changes_its_picture_and_says_nothing():
    sheet = checks.knob_puzzle()
    images = [np.asarray(image.get_array()) for image in sheet.axes[0].images]
    photos, sketches = images[0::2], images[1::2]
    changed = [
        ((photo != photos[0]).any(), (sketch != sketches[0]).any())
        for photo, sketch in zip(photos[1:], sketches[1:], strict=True)
    ]
    assert changed == [(True, False), (False, True), (True, True), (True, True)]
    assert not [knob for knob, _ in checks.KNOB_PUZZLE.values() if knob in sheet.alt]
