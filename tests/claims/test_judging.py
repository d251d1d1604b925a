"""From records to outcomes: pairs by seed, the best on selection classes, orders; page and pictures."""

import itertools
import math
import warnings

import pytest

from sbirkit.claims.judging import curve, judge
from sbirkit.claims.page import page, records_folder, table
from sbirkit.claims.reading import Side, read_ledger
from sbirkit.claims.records import Records
from sbirkit.training.files import write_json

TEXT = """
[train.laptop]
images = 64
[seconds]
laptop = 1
[places.home]
[places.hard]
world = {gap = 2}
[arms.a]
method = "softmax"
[arms.b]
method = "triplet"
[arms.c]
method = "triplet"
options = {margin = 0.3}
"""
BASE = {
    "paper": "DSN",
    "kind": "ours",
    "source": "here",
    "quantity": "zs mAP@all",
    "direction": "up",
    "least": 0.01,
}
PLAIN = {"id": "x.plain", "sentence": "A | beats <b>.", "better": "a", "than": "b"}


def toml(value):
    return (
        repr(list(value))
        if isinstance(value, list | tuple)
        else f'"{value}"'
        if isinstance(value, str)
        else value
    )


@pytest.fixture
def ledger(tmp_path):
    def write(*claims, more=""):
        lines = "".join(
            "[[claims]]\n" + "".join(f"{k} = {toml(v)}\n" for k, v in (BASE | claim).items())
            for claim in claims
        )
        (tmp_path / "claims.toml").write_text(TEXT + lines + more, encoding="utf-8")
        return read_ledger(tmp_path / "claims.toml")

    return write


def record(arm, place, seed, numbers, verb="embed"):
    asked = {"train": {"seed": seed}}
    return f"{arm}.{place}.s{seed}", {"asked": asked, "numbers": {verb: numbers}}


def records(values, *, place="home", selection=None):
    """``{arm: mAP by seed}``."""
    chosen = selection or {}
    return Records(dict(
        record(arm, place, seed, {"zs": {"mAP@all": v}, "selection": {"mAP@all": chosen.get(arm, 0)}})
        for arm, mine in values.items() for seed, v in enumerate(mine) if v is not None
    ))  # fmt: skip


def test_seeds_are_paired_and_a_seed_that_lacks_a_side_is_left_out(ledger):
    found = records({"a": [0.5, 0.6, None, 0.7], "b": [0.4, 0.45, 0.3, None]})
    (one,) = judge(ledger(PLAIN), found)
    assert one.differences == pytest.approx({0: 0.1, 1: 0.15})
    assert one.test.n == 2
    assert one.test.effect == pytest.approx(0.125)


def test_without_an_arm_nothing_was_run(ledger):
    (one,) = judge(ledger(PLAIN), records({"a": [0.5, 0.6]}))
    assert (one.verdict, one.said, one.test.n) == ("not run", "not run", 0)
    assert math.isnan(one.q)


def test_the_best_arm_is_chosen_on_selection_classes_not_on_the_test(ledger):
    values = {"a": [0.5, 0.5], "b": [0.3, 0.3], "c": [0.4, 0.4]}
    claim = PLAIN | {"than": ["b", "c"]}
    (one,) = judge(ledger(claim), records(values, selection={"b": 0.9, "c": 0.8}))
    assert (one.than, one.test.effect) == ("b", pytest.approx(0.2))
    leaky = {
        "id": "x.leaky",
        "sentence": "s",
        "better": ["b", "c"],
        "than": ["b", "c"],
        "chosen_on": "unseen",
    }
    (one,) = judge(ledger(leaky), records(values, selection={"b": 0.9, "c": 0.8}))
    assert (one.better, one.than, one.test.effect) == ("c", "b", pytest.approx(0.1))
    (one,) = judge(ledger(claim), records({"a": [0.5], "b": [0.3]}))
    assert one.verdict == "not run", "a sweep with a gap has no best"


def test_beyond_takes_the_other_effect_away(ledger):
    claim = PLAIN | {"better": "a@hard", "than": "b@hard", "beyond": ["a", "b"]}
    easy = records({"a": [0.5, 0.5], "b": [0.45, 0.46]})
    hard = records({"a": [0.3, 0.3], "b": [0.1, 0.2]}, place="hard")
    (one,) = judge(ledger(claim), Records({**easy.by_name, **hard.by_name}))
    assert one.differences == pytest.approx({0: 0.2 - 0.05, 1: 0.1 - 0.04})
    (one,) = judge(ledger(claim), hard)
    assert one.verdict == "not run"


@pytest.mark.parametrize("second", list(itertools.permutations([0.1, 0.2, 0.3])))
def test_swapped_pairs_are_counted_as_one_counts_them(ledger, second):
    first = [0.1, 0.2, 0.3]
    claim = {"id": "x.order", "sentence": "s", "order_of": ["a", "b", "c"], "than_quantity": "zs P@100"}
    found = Records(dict(record(arm, "home", 0, {"zs": {"mAP@all": x, "P@100": y}})
                         for arm, x, y in zip("abc", first, second, strict=True)))  # fmt: skip
    swapped = sum(
        (first[i] < first[j]) != (second[i] < second[j]) for i, j in itertools.combinations(range(3), 2)
    )
    (one,) = judge(ledger(claim), found)
    assert one.differences == {0: pytest.approx(swapped / 3)}


def test_two_quantities_and_two_verbs_of_one_arm(ledger):
    numbers = dict([record("a", "home", 0, {"zs": {"mAP@all": 0.5, "P@100": 0.6}})])
    numbers["a.home.s0"]["numbers"]["other"] = {"zs": {"mAP@all": 0.7}}
    two = PLAIN | {"than": "a", "than_quantity": "zs P@100"}
    verbs = PLAIN | {"id": "x.verbs", "sentence": "t", "better": "a:other", "than": "a"}
    first, second = judge(ledger(two, verbs), Records(numbers))
    assert first.test.effect == pytest.approx(-0.1)
    assert second.test.effect == pytest.approx(0.2)


CURVE = """
[[curves]]
id = "k"
paper = "DSN"
title = "What it is worth"
knob = "gap"
at = [1, 2]
places = ["home", "hard"]
better = "a"
than = "b"
quantity = "zs mAP@all"
"""


@pytest.fixture
def filled(ledger):
    made = ledger(
        PLAIN, PLAIN | {"id": "x.down", "sentence": "B is $worse$.", "direction": "down"}, more=CURVE
    )
    home = records({"a": [0.5, 0.51, 0.52], "b": [0.4, 0.41, 0.43]})
    hard = records({"a": [0.3, 0.33, 0.32], "b": [0.3, 0.31, 0.3]}, place="hard")
    return made, Records({**home.by_name, **hard.by_name})


def test_a_curve_has_a_point_for_each_position_that_was_run(filled):
    ledger, found = filled
    line = ledger.curves["k"]
    (at, mean, low, high), other = curve(line, found)
    assert (at, mean) == (1, pytest.approx(0.29 / 3))
    assert low < mean < high
    assert other[:2] == (2, pytest.approx(0.04 / 3))
    only = {k: v for k, v in found.by_name.items() if ".hard." in k}
    assert [point[0] for point in curve(line, Records(only))] == [2]


def test_the_page_holds_what_the_records_say_and_breaks_at_nothing(filled, tmp_path):
    ledger, found = filled
    for seed in (0, 1):
        folder = records_folder(tmp_path / "out", "laptop", seed)
        folder.mkdir(parents=True)
        for name, one in found.by_name.items():
            write_json(folder / f"{name}.json", one)
    text = page(ledger, tmp_path / "out")
    first, second = judge(ledger, found)
    assert (first.verdict, second.verdict) == ("holds", "does not hold")
    assert "A \\| beats &lt;b&gt;." in text
    assert "2 claims: 1 holds, 1 does not hold." in text
    assert "+0.097 [+0.082, +0.111]" in text
    assert "on a fresh world" in text
    assert "| +0.01 |" in text
    widths = {len(row) for row in table([first, second], {})}
    assert len(widths) == 1
    assert "Profile" not in page(ledger, tmp_path / "empty")


def test_pictures_say_what_they_show(filled, tmp_path):
    from sbirkit.claims.plots import curve_over_knob, forest, small_multiples

    ledger, found = filled
    outcomes = judge(ledger, found)
    drawn = [forest(outcomes), curve_over_knob(ledger.curves["k"], found),
             small_multiples([ledger.curves["k"]] * 2, found)]  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for k, figure in enumerate(drawn):
            figure.savefig(tmp_path / f"{k}.png")
    assert "B is $worse$. does not hold: +0.097" in drawn[0].alt
    assert "gap 1: +0.097" in drawn[1].alt
    marks = {line.get_marker() for line in drawn[0].axes[0].lines if len(line.get_xdata()) == 1}
    assert marks == {"o", "X"}, "the verdict is told by its mark, too"
    with pytest.raises(ValueError, match="none of the claims was run"):
        forest(judge(ledger, Records({})))


def test_numbers_that_are_not_there_are_none():
    assert Records({}).number(Side("a"), "zs mAP@all", 0) is None
    assert Records({}).seeds == []
