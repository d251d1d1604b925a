"""What the ablation notebooks say of the ledger's records."""

from dataclasses import replace

import pytest

pytest.importorskip("sbirkit.claims.judging")

from sbirkit.claims import lessons
from sbirkit.claims.reading import read_ledger
from sbirkit.claims.records import Records


def record(seed, **numbers):
    return {"asked": {"train": {"seed": seed}}, "numbers": {"embed": numbers}}


@pytest.fixture
def found():
    """Both negatives are five points better than one, with three seeds."""
    made = {}
    for seed, noise in enumerate((0.0, 0.001, -0.001)):
        made[f"ramln.home.s{seed}"] = record(seed, zs={"mAP@all": 0.50 + noise})
        made[f"ramln-inter.home.s{seed}"] = record(seed, zs={"mAP@all": 0.45})
        plane = {"information_modality": 0.1 + noise, "information_class": 2.0}
        made[f"bda.home.s{seed}"] = record(seed, information_plane=plane)
    return Records(made)


def test_verdicts_come_from_the_records(found, capsys):
    results = lessons.outcomes("RAMLN", found)
    lessons.verdicts(results)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(results)
    (line,) = [one for one in lines if one.startswith("ramln.inter ·")]
    assert "holds: +0.05 [" in line
    assert line.endswith("n = 3")
    assert all(one.endswith("not run") for one in lines if one != line)
    assert "ramln.inter holds: +0.050" in lessons.forest(results, title="RAMLN").alt
    assert "0: +0.050, 1: +0.051, 2: +0.049" in lessons.why(results)


def test_a_fresh_world_stands_beside(found):
    results = lessons.outcomes("RAMLN", found)
    worse = dict(found.by_name)
    for seed, noise in enumerate((0.0, 0.001, -0.001)):
        worse[f"ramln-inter.home.s{seed}"] = record(seed, zs={"mAP@all": 0.55 + noise})
    shown = lessons.again(results, Records(worse)).splitlines()
    assert shown[2:] == [
        "ramln.inter | holds, +0.050 [+0.048, +0.052] | does not hold, −0.050 [−0.050, −0.050] | turned"
    ]
    assert lessons.again(results, found).endswith("the same")
    assert "Once more, on a GPU" in lessons.again(results, found, "on a GPU")
    missing = lessons.again(results, Records({}), "on a GPU")
    assert "Not put to the test on a GPU yet" in missing
    assert "--world-seed 1" in missing
    assert "--profile gpu" in missing
    inter = next(one for one in results if one.claim.id == "ramln.inter")
    other = next(one for one in lessons.outcomes("RAMLN", Records({})) if one.claim.id == "ramln.inter")
    undecided = replace(other, verdict="undecided")
    assert (lessons.fared(inter, undecided), lessons.fared(undecided, inter)) == ("less", "more")


def test_guesses_stand_beside_what_came(found):
    results = lessons.outcomes("RAMLN", found)
    shown = lessons.guessed({"ramln.inter": "holds", "ramln.intra": "holds", "ramln.torn": ""}, results)
    marks = [line.rpartition(" | ")[2] for line in shown.splitlines()[2:]]
    assert marks == ["as guessed", "open", "no guess"]
    assert "a surprise" in lessons.guessed({"ramln.inter": "does not hold"}, results)
    with pytest.raises(ValueError, match=r"did you mean 'ramln.intra'"):
        lessons.guessed({"ramln.intrra": ""}, results)
    with pytest.raises(
        ValueError, match=r"for ramln\.inter want holds, does not hold, undecided or '', got 'yes'"
    ):
        lessons.guessed({"ramln.inter": "yes"}, results)


def test_without_records_every_claim_is_not_run(tmp_path):
    nothing = lessons.records(folder=tmp_path)
    results = lessons.outcomes("BDA-SketRet", nothing)
    assert {one.verdict for one in results} == {"not run"}
    assert "No runs yet" in lessons.over_knob(read_ledger().curves["bda.bottleneck"], nothing).alt
    assert lessons.plane_of(nothing, {"none": "bda-open"}) == {}
    with pytest.raises(ValueError, match="paper: there is no 'RAMNL'"):
        lessons.outcomes("RAMNL", nothing)


def test_a_plane_is_of_means_over_seeds(found):
    points = lessons.plane_of(found, {"whole": "bda", "none": "bda-open"})
    assert points == {"whole": (pytest.approx(0.1), pytest.approx(2.0))}


def test_sentences_tell_no_outcome(found):
    shown = lessons.sentences(lessons.outcomes("RAMLN", found))
    assert "Both negatives beat the negative of the other modality alone." in shown
    assert "holds" not in shown
    assert "<table>" in shown._repr_html_()
