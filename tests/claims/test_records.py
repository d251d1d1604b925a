"""Records that ship: of this code, of the arms as they are written now, and the page made from them."""

import copy

import pytest

from sbirkit import paths
from sbirkit.claims import records
from sbirkit.claims.__main__ import whole
from sbirkit.claims.page import records_folder
from sbirkit.claims.reading import read_ledger
from sbirkit.claims.records import jobs, keep, lacking, stale
from sbirkit.training.files import read_json
from sbirkit.training.manifest import code_digest

LEDGER, OUT = read_ledger(), paths.results() / "claims"
SHIPPED = sorted(OUT.glob("*-world*/*.json"))
WANTED = {job.name: job for job in jobs(LEDGER, profile="laptop", seeds=10)}


def made(job):
    """A record as a run leaves it, without the run."""
    from sbirkit.models.ramln import RAMLN

    return {"asked": job.asked(), "params": {"method": {"class": "sbirkit.models.ramln:RAMLN"}},
            "manifest": {"code": code_digest(RAMLN)}, "digests": {},
            "numbers": {v: {s: {} for s in sources} for v, sources in job.needs.items()}}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: None, ""),
        (lambda r: r["asked"]["train"].update(images=1), "its arm has changed"),
        (lambda r: r["asked"]["options"].update(balance=0.9), "its arm has changed"),
        (lambda r: r["manifest"].update(code="older"), "made by code that has changed"),
        (lambda r: r["numbers"]["embed"].pop("zs"), "zs not measured"),
        (lambda r: r["digests"].update(zs="older"), "zs is measured otherwise now"),
    ],
)
def test_a_record_is_done_only_if_it_is_whole_and_of_now(tmp_path, change, said):
    job = WANTED["ramln-split.home.s0"]
    assert lacking(job, tmp_path) == "not run"
    record = copy.deepcopy(made(job))
    change(record)
    keep(job, tmp_path, record)
    assert lacking(job, tmp_path) == said


@pytest.mark.parametrize(("profile", "half"), [("smoke", 160), ("laptop", 4_800), ("gpu", 38_400)])
def test_where_a_picture_costs_twice_a_run_looks_at_half_as_many(profile, half):
    told = {job.arm.name: job.training()["images"] for job in jobs(LEDGER, profile=profile, seeds=1)
            if job.arm.half}  # fmt: skip
    assert told == {"clip-softmax": half, "clip-masbir": half}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_record_is_of_this_code_and_of_an_arm_that_is_there(path):
    record = read_json(path)
    assert not stale(record), "made by other code: run `make ledger`"
    profile, _, world = path.parent.name.partition("-world")
    mine = {job.name: job for job in jobs(LEDGER, profile=profile, seeds=10, world_seed=int(world))}
    wanted = mine[path.stem].asked()
    assert record["asked"] == wanted
    assert record["digests"] == {source: records.digest(source) for source in record["digests"]}
    assert path.stat().st_size < 16_000


def test_the_shipped_page_is_made_from_the_records():
    if not records_folder(OUT, "laptop").is_dir():
        pytest.skip("no records of the ledger here yet")
    assert "on a fresh world" in whole(LEDGER, OUT)
    assert (OUT / "README.md").read_text(encoding="utf-8") == whole(LEDGER, OUT)
