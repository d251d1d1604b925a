"""Two runs compared, without a browser: what changed, what was won and lost, and what is missing."""

import json

import numpy as np
import pytest

from sbirkit.explore.runs import KEPT, NOWHERE, RunsState, by_class, by_query, changed

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def browser(runs, bench):
    return RunsState(runs, bench, first="edges_s0", second="pixels_s0")


def leaves(value, way=()):
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*way, key))
    else:
        yield ".".join(way), value


def test_what_changed_is_what_a_loop_over_all_leaves_finds():
    one = {"a": 1, "b": {"c": [1, 2], "d": {"e": None}}, "only": {"f": "x"}, "same": {"g": 2.0}, "flag": True}
    two = {"a": 1, "b": {"c": [1, 3], "d": {"e": "None"}}, "same": {"g": 2}, "flag": 1, "new": 0}
    left, right = dict(leaves(one)), dict(leaves(two))
    names = {n for n in [*left, *right] if n not in left or n not in right or left[n] != right[n]}
    found = {name: both for name, *both in changed(one, two)}
    assert found.keys() == names | {"flag"}  # True is not 1
    assert found["only.f"] == ["x", NOWHERE]
    assert found["new"] == [NOWHERE, "0"]
    assert found["b.c"] == ["[1, 2]", "[1, 3]"]
    assert changed(one, one) == []
    assert changed({"m": {"arguments": {"lr": 1}}}, {"m": {"arguments": {"lr": 2}}}) == [("m.lr", "1", "2")]
    assert changed({"m": 3}, {"m": {"x": 1}}) == [("m", "3", NOWHERE), ("m.x", NOWHERE, "1")]


def test_classes_and_queries_are_what_loops_find():
    rng = np.random.default_rng(0)
    labels = [f"c{k}" for k in rng.integers(0, 4, 40)]
    one, two = rng.random((2, 40))
    one[3] = two[8] = np.nan
    naive = {}
    for label, a, b in zip(labels, one, two, strict=True):
        if not np.isnan(a + b):
            naive.setdefault(label, []).append((a, b))
    found = by_class(labels, one, two)
    assert {name for name, *_ in found} == set(naive)
    for name, a, b in found:
        assert (a, b) == pytest.approx(tuple(np.mean(naive[name], axis=0)))
    assert [b - a for _, a, b in found] == sorted((b - a for _, a, b in found), reverse=True)
    change = sorted((two[q] - one[q], q) for q in range(40) if not np.isnan(one[q] + two[q]))
    lost, won = by_query(one, two, 5)
    assert lost == [q for _, q in change[:5]]
    assert won == [q for _, q in change[::-1][:5]]
    assert by_query(one, one) == ([], [])


def average_precision(order):
    hits, total = 0, 0.0
    for rank, right in enumerate(order, 1):
        if right:
            hits += 1
            total += hits / rank
    return total / hits


def test_scores_and_strips_are_those_of_two_rankings_made_by_hand(browser, bench):
    from sbirkit.training import embed_rows

    label = bench.catalogue.column("label")
    queries, photos = bench.queries(), bench.gallery_rows()
    scores, tops = [], []
    for run in browser.pair():
        q, p = (embed_rows(run.method(), bench.catalogue, rows, size=32) for rows in (queries, photos))
        q, p = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (q, p))
        order = np.argsort(-(q @ p.T), axis=1, kind="stable")
        scores.append(
            [average_precision(label[photos][o] == label[row]) for o, row in zip(order, queries, strict=True)]
        )
        tops.append(photos[order[:, :8]])
    shown = browser.shown()
    assert shown["classes"] == [
        (name, pytest.approx(a, abs=1e-6), pytest.approx(b, abs=1e-6))
        for name, a, b in by_class(label[queries], *map(np.array, scores))
    ]
    worst = shown["lost"][0]
    assert worst["scores"] == pytest.approx([s[worst["query"]] for s in scores], abs=1e-3)
    browser.ask(worst["query"])
    for side, result in enumerate(browser.results()[0]):
        strip = browser.strip(result, worst["query"])
        assert [row for row, *_ in strip] == tops[side][worst["query"]].tolist()
        assert all(hit == (name == worst["label"]) for _, name, hit in strip)
    assert [len(s["tiles"]) for s in browser.shown()["query"]["strips"]] == [8, 8]


def test_intervals_are_over_the_seeds_of_the_same_settings(browser):
    title, (edges, pixels) = browser.headlines()[0]
    assert title == "ZS mAP@all"
    values = [0.5, 0.6]
    assert edges["value"] == 0.5
    assert (edges["mean"], edges["seeds"]) == (pytest.approx(np.mean(values)), 2)
    assert edges["half"] == pytest.approx(12.706 * np.std(values, ddof=1) / np.sqrt(2))
    assert (pixels["half"], pixels["seeds"]) == (None, 1)


def test_curves_hold_every_term_of_both(browser):
    found = browser.curves()
    assert [*found] == ["selection mAP@all", "softmax", "loss"]
    assert found["selection mAP@all"] == [[(1, 0.7)], [(1, 0.7)]]
    assert found["softmax"][0] == [(0, 3.0), (1, 2.0)]


def test_without_weights_or_history_the_rest_still_works(browser):
    browser.choose("second", "edges_s1")
    shown = browser.shown()
    assert sum("without weights" in note for note in shown["notes"]) == 1
    assert any("without its history" in note for note in shown["notes"])
    assert shown["classes"] == shown["lost"] == []
    assert [row[0] for row in shown["changes"]] == ["method.seed"]
    assert shown["curves"]
    browser.ask(0)
    assert [len(s["tiles"]) for s in browser.shown()["query"]["strips"]] == [8, 0]
    assert "without weights" in browser.twin().alt


def test_a_run_is_measured_once_and_few_are_kept(browser, runs, bench, monkeypatch):
    from sbirkit.explore import runs as module

    asked = []
    real = module.embed_rows
    monkeypatch.setattr(module, "embed_rows", lambda *a, **k: asked.append(1) or real(*a, **k))
    for _ in range(3):
        browser.shown()
    assert len(asked) == 2
    monkeypatch.setattr(module, "KEPT", 1)
    browser.choose("second", EVIL)
    browser.shown()
    assert len(asked) == 3
    assert [*browser._measured] == [EVIL]  # the latest
    assert KEPT >= 2  # both sides, so that looking again measures nothing


def test_a_run_that_was_trained_on_the_unseen_classes_is_not_measured(browser):
    run = browser.pair()[1]
    run.params["benchmark"]["classes"] = ["class_01"]
    shown = browser.shown()
    assert any("was trained on 1 of the unseen classes" in note for note in shown["notes"])
    assert shown["classes"] == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"do": "choose", "side": "third", "name": "edges_s0"}, "want first or second"),
        ({"do": "choose", "side": "first", "name": "edges"}, "there is no run 'edges'"),
        ({"do": "choose", "side": "first", "name": "pixels_s0"}, "the same run"),
        ({"do": "ask", "query": 10_000}, "query: want 0 to"),
        ({"do": "ask", "query": True}, "query: want 0 to"),
    ],
)
def test_bad_wishes_are_answered_in_words(browser, asked, said):
    browser.receive(asked)
    assert said in browser.message
    json.dumps(browser.shown())


def test_no_runs_or_the_same_twice_are_refused(runs, bench):
    with pytest.raises(ValueError, match="at least one"):
        RunsState([], bench)
    with pytest.raises(ValueError, match="twice"):
        RunsState([runs[0], runs[0]], bench)


def test_names_are_data_and_the_twin_escapes_them(browser):
    assert EVIL in browser.shown()["runs"]
    browser.choose("second", EVIL)
    page = browser.twin()._repr_html_()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_the_twin_tells_what_is_seen(browser):
    browser.swap()
    assert browser.names == {"first": "pixels_s0", "second": "edges_s0"}
    query = browser.shown()["lost"] or browser.shown()["won"]
    browser.ask(query[0]["query"])
    alt = browser.twin().alt
    assert "pixels_s0 and edges_s0" in alt
    assert "of 8 photos right" in alt


def test_one_run_under_two_names_is_one_seed(runs, bench):
    import shutil

    again = runs[0].path.with_name("edges_again")
    shutil.copytree(runs[0].path, again)
    browser = RunsState([*runs, type(runs[0]).open(again)], bench)
    cells = dict(browser.headlines())["ZS mAP@all"]
    assert cells[0]["seeds"] == 2
    assert {run.params["method"]["arguments"]["seed"] for run in browser.seeds(runs[0])} == {0, 1}


def test_damaged_weights_become_a_note(runs, bench):
    (runs[1].path / "weights.safetensors").write_bytes(b"12345678")
    browser = RunsState(runs, bench, first="edges_s0", second="pixels_s0")
    browser.receive({"do": "choose", "side": "second", "name": "edges_s1"})
    assert any(note.startswith("edges_s1 answers no query here: ") for note in browser.shown()["notes"])
