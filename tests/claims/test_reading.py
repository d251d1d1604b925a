"""The ledger as data: what is there is complete, and what is wrong is said before any run."""

import pytest

from sbirkit.claims.reading import PAPERS, Side, read_ledger
from sbirkit.claims.records import jobs
from sbirkit.data.doodleworld.world import World, splits
from sbirkit.models.making import METHODS
from sbirkit.training import TrainConfig

LEDGER = read_ledger()
START = """
[train.laptop]
images = 64
[seconds]
laptop = 1
[places.home]
[arms.one]
method = "softmax"
[arms.two]
method = "triplet"
options = {margin = 0.3}
"""
CLAIM = """
[[claims]]
id = "x.y"
paper = "DSN"
sentence = "One beats two."
kind = "ours"
source = "nowhere"
better = "one"
than = "two"
quantity = "zs mAP@all"
direction = "up"
least = 0.01
"""


def test_every_paper_has_claims_of_its_own_and_controls_of_ours():
    for paper in PAPERS:
        kinds = {claim.kind for claim in LEDGER.claims.values() if claim.paper == paper}
        assert kinds == {"found", "ours"}, paper
    assert len({(claim.paper, claim.sentence) for claim in LEDGER.claims.values()}) == len(LEDGER.claims)


def test_every_arm_and_place_can_be_made_and_is_used():
    used = LEDGER.needs()
    assert {arm for arm, _ in used} == set(LEDGER.arms)
    assert {place for _, place in used} == set(LEDGER.places)
    for arm in LEDGER.arms.values():
        fields = {k: v for k, v in arm.options.items() if k not in ("network", "weights", "words")}
        METHODS[arm.method].Options(**fields)
    for profile in LEDGER.train:
        for job in jobs(LEDGER, profile=profile, seeds=1):
            TrainConfig.profile(profile, job.arm.method, **job.training())
    for place in LEDGER.places.values():
        World(**place.world)
        assert place.split in splits()


def test_an_arm_is_run_once_whatever_number_of_claims_asks_for_it():
    names = [job.name for job in jobs(LEDGER, profile="laptop", seeds=3)]
    assert len(names) == len(set(names)) == 3 * len(LEDGER.needs())
    asked = [job.asked() for job in jobs(LEDGER, profile="laptop", seeds=1)]
    assert all(a != b for k, a in enumerate(asked) for b in asked[:k]), "two arms are the same run"


def test_arms_of_a_comparison_see_as_many_pictures():
    for claim in LEDGER.claims.values():
        if claim.order_of:
            continue
        budgets = {LEDGER.arms[side.arm].train.get("images") for side, _ in claim.asked()
                   if LEDGER.arms[side.arm].method != "frozen"}  # fmt: skip
        assert len(budgets) <= 1, claim.id


def test_every_run_of_a_needed_side_is_asked_for_its_source():
    needs = LEDGER.needs()
    for claim in LEDGER.claims.values():
        for side, quantity in claim.asked():
            assert quantity.partition(" ")[0] in needs[side.arm, side.place][side.verb], claim.id


def test_a_side_is_written_as_it_is_read():
    for text in ("a", "a@b", "a:c", "a@b:c"):
        assert str(Side.read(text)) == text


def test_only_some_papers():
    part = LEDGER.only(["RAMLN"])
    assert {c.paper for c in part.claims.values()} == {"RAMLN"}
    assert set(part.needs()) < set(LEDGER.needs())
    with pytest.raises(ValueError, match="no ramln; there are RAMLN"):
        LEDGER.only(["ramln"])


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "claims.toml"
        path.write_text(text, encoding="utf-8")
        return read_ledger(path)

    return write


def test_a_small_ledger_is_read(written):
    assert list(written(START + CLAIM).needs()) == [("one", "home"), ("two", "home")]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('than = "two"', 'than = "tow"', "x.y: there is no 'tow'"),
        ('than = "two"', 'than = "two@away"', "x.y: there is no 'away'"),
        ('than = "two"', "", "want better and than, or order_of"),
        ('method = "triplet"', 'method = "tripled"', "no such method: two: tripled"),
        ('paper = "DSN"', 'paper = "DNS"', "paper wants one of RAMLN"),
        ("least = 0.01", "least = 0", "least wants a number above 0, got 0"),
        ('"zs mAP@all"', '"mAP@all"', "quantity wants two words"),
        ('direction = "up"', 'direction = "more"', "direction wants one of"),
        ('than = "two"', 'than = "two"\nbeyond = ["one"]', "beyond wants two sides, got 1"),
    ],
)
def test_what_is_wrong_is_said(written, old, new, said):
    assert old in START + CLAIM
    with pytest.raises(ValueError, match=said):
        written((START + CLAIM).replace(old, new))


def test_an_id_is_used_once(written):
    with pytest.raises(ValueError, match=r"x\.y is there twice"):
        written(START + CLAIM + CLAIM)
