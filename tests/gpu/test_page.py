"""What is said of a GPU is what the record says, and an empty cell where nothing was run."""

import json

import pytest

from sbirkit import paths
from sbirkit.gpu import page
from sbirkit.runs.dryrun import SUSTAINED, sustained
from sbirkit.runs.papers import measured_on

RATE = {"pictures_per_step": 64.0, "images_per_second": 1234.5, "of bare": 0.5, "waiting": 0.25,
        "memory": {"bytes": 2e9}}  # fmt: skip
FOUND = {
    "machine": {"gpu": {"name": "Abacus"}, "versions": {"torch": "1"}, "device": "cuda"},
    "budget": {"quick": False},
    "stages": {
        "repeat-dsn": {"measured": {"bitwise": False}, "checks": [
            {"what": "twice: bit for bit", "ok": False, "aim": True}, {"what": "loss", "ok": True}]},
        "repeat-softmax": {"measured": {"bitwise": True}, "checks": [
            {"what": "twice: bit for bit", "ok": True, "aim": True}]},
        "agree-softmax": {"measured": {"zs mAP@all, here and on a CPU, by seed": [[0.5, 0.4], [0.3, 0.2]]},
                          "checks": [{"what": "mAP", "ok": False}]},
        "throughput-dsn": {"measured": {"bf16": RATE, "fp32": {}}, "checks": [
            {"what": "of the bare network's", "ok": True, "aim": True}]},
        "paper-dsn": {"measured": RATE | {"network": "net", "size": 9, "operations a second": 7.0},
                      "checks": []},
        "paper-masbir": {"measured": {"failed": "open_clip missing"}, "checks": []},
        "paper-ramln": {"error": "no memory", "checks": []},
    },
}  # fmt: skip


def test_a_record_becomes_rows_in_the_methods_order():
    softmax, dsn = page.alike(FOUND)
    assert softmax == {"method": "softmax", "the same run twice": "bit for bit", "killed and resumed": "",
                       "mAP@all here": "0.400", "on a CPU": "0.300"}  # fmt: skip
    assert (dsn["the same run twice"], dsn["mAP@all here"]) == ("not the same", "")
    loop, published = page.speeds(FOUND)
    assert loop == {"what": "dsn", "network": "convnet, 64 px", "a step": "64", "pictures a second": "1,234",
                    "of the bare network's": "50%", "spent on data": "25%", "GB": "2.0"}  # fmt: skip
    assert published["network"] == "net, 9 px"


def test_the_summary_counts_checks_and_aims_apart():
    machine, held = page.summary(FOUND).split(". ")
    assert machine == "Abacus, torch 1: 7 stages were run"
    assert (
        held == "1 of 2 checks hold, 1 of 2 times the same bytes came out, 1 of 1 aims of speed are reached."
    )


def test_a_record_of_this_machine_comes_before_the_one_in_the_repository(tmp_path, monkeypatch):
    monkeypatch.setenv("SBIRKIT_HOME", str(tmp_path))
    shipped = paths.results() / "gpu" / "check.json"
    assert page.place() == shipped
    assert measured_on(shipped) == page.record()
    mine = tmp_path / "gpu-check" / "cuda.json"
    mine.parent.mkdir()
    mine.write_text(json.dumps(FOUND | {"stages": {"evaluate": {}}}))
    assert page.place() == shipped, "nothing was timed yet"
    mine.write_text(json.dumps(FOUND))
    assert page.record() == FOUND


def test_a_network_that_was_not_measured_is_reckoned_with_the_slowest_that_was():
    assert sustained({}) == (SUSTAINED, "an assumed")
    assert sustained(FOUND) == (7.0, "the Abacus's measured")


def test_the_shipped_record_is_whole():
    found = page.record(paths.results() / "gpu" / "check.json")
    assert not [name for name, stage in found["stages"].items() if "error" in stage]
    assert not [c for s in found["stages"].values() for c in s["checks"] if not c["ok"] and not c.get("aim")]
    assert page.alike(found)
    rates = [float(row["pictures a second"].replace(",", "")) for row in page.speeds(found)]
    assert min(rates) == pytest.approx(1388)
