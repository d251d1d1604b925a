"""What ships in results/: made by this code, on this world, and the weights give the numbers on record."""

import importlib

import pytest

from sbirkit import paths
from sbirkit.data.doodleworld.world import measured
from sbirkit.runs import standings
from sbirkit.training import Run

RUNS = [Run.open(path.parent) for path in sorted(paths.results().glob("*/params.json"))]


def kind(run):
    module, name = run.params["method"]["class"].split(":")
    return getattr(importlib.import_module(module), name)


def test_every_row_has_its_runs_and_the_first_its_weights():
    found = standings.collect(paths.results())
    assert "unseen-16" in found
    for split, runs in found.items():
        seeds = {label: len(mine) for label, mine in runs.items()}
        assert set(seeds) <= set(standings.ROWS)
        assert min(seeds.values()) >= 3, f"{split}: {seeds}"
    assert set(found["unseen-16"]) == set(standings.ROWS)
    for label in standings.ROWS:
        folder = paths.results() / standings.record_name(label, "unseen-16", 0)
        assert (folder / "weights.safetensors").is_file(), folder.name


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.path.name)
def test_a_record_is_of_this_code_and_this_world(run):
    assert not run.stale(kind(run)), "made by other code: run `python -m sbirkit.runs.standings`"
    assert run.manifest["data"]["digest"] == measured()["digest"]
    assert run.number("zs")
    assert run.metrics["selection"]["best"]["mAP@all"] is not None
    seed = int(run.path.name.rpartition("_s")[2])
    assert run.params["train"]["seed"] == seed


def test_the_table_beside_the_records_is_made_from_them():
    assert (paths.results() / "README.md").read_text(encoding="utf-8") == standings.page(paths.results())
