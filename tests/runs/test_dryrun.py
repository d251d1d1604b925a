"""The paper profiles: every value has a source, every plan can be carried out, costs are reckoned right."""

import json
import math

import numpy as np
import pytest

from data_prep.cli import main as data_prep
from sbirkit.data import Catalogue, Split
from sbirkit.retrieval.presets import PRESETS
from sbirkit.runs import dryrun, standin_archives
from sbirkit.runs.papers import DATA, MARKS, SYSTEMS, Plan, hours, leaves, measured_on, read
from sbirkit.training.config import read_profile

PLANS = [(method, data) for data in DATA for method in SYSTEMS]


def test_every_value_of_the_profile_has_a_mark_and_every_mark_a_value():
    profile, marks = read_profile("paper"), read("marks")
    assert leaves(profile["train"]).keys() == leaves(marks["train"]).keys()
    for method in SYSTEMS:
        assert leaves(profile.get(method, {})).keys() == leaves(marks.get(method, {})).keys()
        assert marks["differs"][method]
    assert profile.keys() <= {"train", *SYSTEMS}
    every = [*leaves(marks["train"]).values(), *(v for m in SYSTEMS for v in leaves(marks[m]).values())]
    assert {mark for mark, _ in every} <= set(MARKS)


@pytest.mark.parametrize(("method", "data"), PLANS)
def test_a_plan_is_complete(method, data):
    plan = Plan.of(method, data)
    facts = plan.facts()
    assert {"network", "split", "gallery", "preset", "steps", "train", "test", "train.lr"} <= facts.keys()
    assert {mark for _, mark, _ in facts.values()} <= set(MARKS)
    assert all(source for _, mark, source in facts.values() if mark != "ours")
    split = Split.named(plan.value("split"))
    assert split.classes is not None
    assert len(split.classes) == plan.about["classes"][0]
    assert plan.value("preset") in PRESETS
    assert plan.config().steps == plan.value("steps")
    assert plan.config().size == 224
    for part, rows in (("train", plan.value("train")), ("test", plan.value("test"))):
        assert len(rows) == 2, part
    sketches, photos = np.add(plan.value("train"), plan.value("test"))
    assert sketches <= plan.about["sketches"][0]
    assert photos <= plan.about["photos"][0] + 207  # two published lists differ by as many photos
    numbers = plan.published()
    assert bool(numbers) == ("published" in plan.own)
    assert all(row.setting == "zs" and row.dataset == plan.about["title"] for row in numbers)


def test_the_numbers_to_compare_with_are_those_of_the_split():
    def numbers(method, data):
        return {(row.metric, row.value) for row in Plan.of(method, data).published()}

    assert numbers("dsn", "sketchy") == {("mAP@all", 58.3), ("P@100", 70.4)}
    assert numbers("masbir", "sketchy") == {("mAP@200", 69.1), ("P@200", 75.5)}
    assert numbers("masbir", "quickdraw") == {("mAP@all", 32.7), ("P@200", 42.5)}
    assert numbers("bdasketret", "sketchy") == {("mAP@all", 43.7), ("P@100", 51.4)}
    assert numbers("ramln", "tuberlin") == numbers("dsn", "quickdraw") == set()


def test_what_was_found_is_what_is_done():
    dsn, masbir = Plan.of("dsn", "sketchy").config(), Plan.of("masbir", "tuberlin").config()
    assert (2 * dsn.p * dsn.k, dsn.lr, dsn.weight_decay) == (96, 1e-4, 5e-4)
    assert dsn.steps == 20 * min(55_252 // 32, 68_401 // 64)
    assert (2 * masbir.p * masbir.k, masbir.lr, masbir.weight_decay) == (256, 5e-8, 0.1)
    there = Plan.of("dsn", "tuberlin")
    assert 2 * there.config().p * there.config().k == 90
    assert there.config().steps == 20 * min(15_400 // 9, 176_500 // 81)


def test_the_cost_by_hand():
    plan = Plan.of("dsn", "sketchy")
    trained = 21_360 * 96 * 3
    embedded = 22 * 0.1 * (55_252 + 68_401) + 15_229 + 17_101
    assert plan.pictures == trained
    assert plan.embedded == pytest.approx(embedded, abs=1)
    assert plan.bytes == 224 * 224 * (75_481 + 3 * 85_502)
    rates = {"images_per_second": 1000.0, "embedded images_per_second": 5000.0,
             "made on the CPU, images_per_second": 400.0}  # fmt: skip
    want = (trained / 1000 + embedded / 5000) / 3600
    assert hours(plan, rates, resident=plan.bytes + 1) == pytest.approx(want, rel=1e-4)
    want = (trained / 400 + embedded / 5000) / 3600
    assert hours(plan, rates, resident=4 << 30) == pytest.approx(want, rel=1e-4)


def test_only_a_whole_check_on_a_gpu_counts_as_measured(tmp_path):
    path = tmp_path / "cuda.json"
    assert measured_on(path) == {}
    for device, quick, counts in (("cuda", False, True), ("cuda", True, False), ("cpu", False, False)):
        path.write_text(json.dumps({"machine": {"device": device}, "budget": {"quick": quick}, "stages": {}}))
        assert bool(measured_on(path)) is counts


@pytest.mark.parametrize("data", DATA)
def test_the_adapter_takes_the_stand_in_whole(data, tmp_path):
    classes = Split.named(Plan.of("dsn", data).value("split")).unseen
    classes = sorted({*classes[:9], *(standin_archives.GOOGLE if data == "quickdraw" else ())})
    given = standin_archives.build(data, classes, tmp_path / "archives", each=2)
    words = [word for path in given for word in ("--from", str(path))]
    where = ["--out", str(tmp_path / "out"), "--downloads", str(tmp_path / "d"), "--workers", "1", "--quiet"]
    assert data_prep([data, *words, "--size", "32", *where]) == 0
    catalogue = Catalogue.open(tmp_path / "out")
    assert catalogue.classes == sorted(classes)
    count = catalogue.card["counts"]
    each = {"sketchy": (2, 5)}.get(data, (2, 2))  # the extension repeats the originals and has one more
    assert (count["sketch"], count["photo"]) == tuple(n * len(classes) for n in each)
    assert not catalogue.card["set_aside"]
    sketches = catalogue.column("digest")[catalogue.column("modality") == "sketch"]
    assert len(set(sketches)) == len(sketches)
    assert not (tmp_path / "d").exists(), "nothing was downloaded"


def test_one_dry_run_goes_through_every_stage(tmp_path, capsys):
    which = ["--data", "quickdraw", "--methods", "bdasketret", "--size", "32", "--steps", "2"]
    ask = [*which, "--out", str(tmp_path), "--measured", str(tmp_path / "none.json")]
    assert dryrun.main(ask) == 0, capsys.readouterr().err
    (row,) = json.loads((tmp_path / "dry-run.json").read_text())
    assert row["seconds"].keys() == {"split", "make", "train", "evaluate", "reckon"}
    assert {"classification", "spatial", "topology", "loss"} <= row["terms"].keys()
    assert row["dry numbers"].keys() == {"mAP@all", "mAP@200", "P@100", "P@200"}
    assert all(0 <= v <= 1 for v in row["dry numbers"].values())
    assert row["stubbed"]["steps"] == [2, 46_840]
    assert "30 unseen classes of QuickDraw, extended" in row["says"]
    assert math.isfinite(row["cost"]["GPU hours"])
    assert row["cost"]["basis"].startswith("NOT measured")
    page = (tmp_path / "README.md").read_text()
    assert "mAP@all 15.4; P@200 35.5" in page
    assert "| split | quickdraw-30-dey | inferred |" in page
    assert "no code and no hyper-parameter of it is public" in page
    assert {p.name for p in tmp_path.iterdir()} == {"dry-run.json", "README.md"}


def test_a_failing_stage_is_said_and_the_others_go_on(tmp_path, monkeypatch, capsys):
    def broken(plan, catalogue, *args, **more):
        if plan.method == "ramln":
            raise ValueError("planted")
        return real(plan)

    def real(plan):
        price = {
            "pixels lie on the GPU": False,
            "GPU hours": 1.0,
            "basis": "x: y",
            "pictures": 1,
            "GB": {"catalogue": 1, "a run": 1},
        }
        facts = {k: list(v) for k, v in plan.facts().items()}
        return {"method": plan.method, "data": plan.data, "seconds": {"train": 1.0}, "terms": {"loss": 1.0},
                "cost": price, "facts": facts, "published": [], "differs": []}  # fmt: skip

    monkeypatch.setattr(dryrun, "try_out", broken)
    monkeypatch.setattr(dryrun, "prepare", lambda *a, **k: type("C", (list,), {"classes": []})())
    ask = ["--data", "tuberlin", "--methods", "ramln,dsn", "--out", str(tmp_path)]
    assert dryrun.main(ask) == 1
    said = capsys.readouterr()
    assert "tuberlin ramln: FAILED: ValueError: planted" in said.err
    assert "tuberlin dsn: 1.0 s" in said.out
