"""Claims read from a comparison of other pictures."""

import csv
from dataclasses import replace

import pytest

from sbirkit.claims import Records, elsewhere, read_ledger
from sbirkit.claims.reading import Side
from sbirkit.models.making import METHODS
from sbirkit.runs.comparing import arm_of

LEDGER = read_ledger()
MUTE = elsewhere.label(LEDGER.arms["dsn-mute"])


@pytest.mark.parametrize("label", elsewhere.needed(LEDGER))
def test_a_label_says_its_arm(label):
    arm = next(arm for arm in LEDGER.arms.values() if elsewhere.label(arm) == label)
    method, options = arm_of(label)
    asked = {key: value for key, value in arm.options.items() if key != "network"}
    assert (method, options) == (arm.method, asked)
    METHODS[method].Options(**options)


@pytest.mark.parametrize("arm", ["masbir-random", "clip-masbir", "dsn-views", "ramln-leaky"])
def test_what_a_label_cannot_say_has_none(arm):
    assert elsewhere.label(LEDGER.arms[arm]) == ""


def test_no_two_arms_share_a_label():
    labels = [label for arm in LEDGER.arms.values() if (label := elsewhere.label(arm))]
    assert len(labels) == len(set(labels)) > 20


@pytest.fixture
def table(tmp_path):
    """Three splits; the mute arm lacks a seed in two of them, so that seed counts nowhere there."""
    path = tmp_path / "runs.csv"
    rows = [["method", "split", "seed", "zs mAP@all", "codes64 mAP@all"]]
    for number, split in enumerate(("given", "random-1", "random-2")):
        for seed in (0, 1):
            rows.append(["dsn", split, seed, 0.5 + seed + 0.01 * number, ""])
            if seed == 0 or split == "given":
                rows.append([MUTE, split, seed, 0.4 + seed, ""])
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_splits_stand_where_seeds_do_and_unpaired_seeds_are_left_out(table):
    records = elsewhere.read(table, LEDGER)
    one, other = ([records.number(Side(a), "zs mAP@all", s) for s in range(3)] for a in ("dsn", "dsn-mute"))
    assert one == pytest.approx([1.0, 0.51, 0.52])
    assert other == pytest.approx([0.9, 0.4, 0.4])
    assert records.number(Side("dsn"), "codes64 mAP@all", 0) is None


def test_claims_stand_beside_each_other(table):
    home = {}
    for seed in range(3):
        for arm, value in (("dsn", 0.3 - 0.01 * seed), ("dsn-mute", 0.4)):
            numbers = {"embed": {"zs": {"mAP@all": value}}}
            home[f"{arm}.home.s{seed}"] = {"numbers": numbers, "asked": {"train": {"seed": seed}}}
    pairs = elsewhere.beside(LEDGER, Records(home), elsewhere.read(table, LEDGER))
    assert [one.claim.id for one, _ in pairs] == ["dsn.contrast"]
    ((_, here, there, same),) = elsewhere.table(pairs)[1:]
    assert same == "no"
    assert here.startswith("−0.110")
    assert there.startswith("+0.110")
    assert there.endswith(("holds", "undecided"))
    ((one, other),) = pairs
    small = (
        replace(one, test=replace(one.test, effect=-0.009)),
        replace(other, test=replace(other.test, effect=0.009)),
    )
    assert (elsewhere.way(*small), elsewhere.way(other, other)) == ("too small in both", "yes")


def test_a_ledger_of_other_claims_has_no_central_ones(table, tmp_path):
    other = replace(LEDGER, claims={}, curves={})
    assert "Of 0 effects" in elsewhere.section(other, tmp_path, table)
    assert elsewhere.section(other, tmp_path, tmp_path / "none.csv") == ""
