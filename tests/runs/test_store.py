"""Runs on disk: opened, listed, compared, made again; what is broken or stale is said."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from sbirkit.models.baselines import Softmax, Triplet, TripletConfig
from sbirkit.runs.store import Run, compare, runs
from sbirkit.training import evaluate, fit


@pytest.fixture(scope="module")
def tiny():
    if "tiny" not in sys.modules:
        path = Path(__file__).parents[1] / "training" / "tiny.py"
        spec = importlib.util.spec_from_file_location("tiny", path)
        sys.modules["tiny"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["tiny"]


@pytest.fixture(scope="module")
def made(tiny, tmp_path_factory):
    """Two runs, one of them evaluated; and one that was interrupted."""
    home = tmp_path_factory.mktemp("home")
    bench = tiny.benchmark(home / "bars")

    def train(name, method, **config):
        return fit(method, bench, tiny.config(**config), out=home / name, progress=False)

    one = train("one", Triplet(TripletConfig(dim=8), backbone=tiny.Net()))
    two = train("two", Softmax(backbone=tiny.Net(4), classes=bench.train_classes, seed=3), lr=0.02)
    evaluate(one, bench, ["zs", "fg-across-classes"])
    (home / "three.partial").mkdir()
    return bench, one, two


def test_a_run_makes_its_method_again(tiny, made):
    bench, one, two = made
    for run, kind in ((one, Triplet), (two, Softmax)):
        method = Run.open(run.path).method()
        assert type(method) is kind
        assert not method.training
        for name, x in run.weights().items():
            assert torch.equal(method.state_dict()[name], x)
    assert one.method().config == TripletConfig(dim=8)
    assert two.method().backbone.first.weight.shape[0] == 4
    assert two.method().classes == bench.train_classes


def test_runs_are_listed_and_compared_in_one_line(made):
    one = made[1]
    assert [run.path.name for run in runs(one.path.parent)] == ["one", "two"]
    table = compare(runs(one.path.parent))
    first, second = table.rows
    assert (first["lr"], second["lr"]) == (0.01, 0.02)
    assert (first["width"], second["width"]) == ("", 4)
    assert first["zs mAP@all"] == one.number("zs")["mAP@all"]
    assert first["fg-across-classes Acc@1"] == one.number("fg-across-classes")["Acc@1"]
    assert "zs mAP@all" not in second
    assert not {"p", "size", "digest", "first_weights"} & (first.keys() | second.keys())
    assert "2 runs on the same benchmark" in str(table)
    assert runs(one.path / "nothing") == []


def test_a_manifest_says_where_a_run_comes_from(made):
    bench, one, _ = made
    said = one.manifest
    assert said["data"] == {"name": "bars", "digest": bench.catalogue.digest}
    assert said["benchmark"]["digest"] == bench.digest
    assert said["versions"]["torch"] == torch.__version__.split("+")[0]
    assert said["seconds"] > 0
    assert said["processes"] == 1
    assert said["git"] is None or len(said["git"]["commit"]) == 40
    assert str(one.path.parent) not in (one.path / "manifest.json").read_text()


def test_a_run_of_other_code_is_stale(made, monkeypatch, tmp_path):
    from sbirkit import paths
    from sbirkit.training.manifest import code_digest

    _, one, _ = made
    assert not one.stale()
    package = Path(paths.__file__).parent
    for part in ("losses", "models", "training", "data"):
        for file in (package / part).rglob("*.py"):
            copy = tmp_path / "sbirkit" / file.relative_to(package)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    monkeypatch.setattr(paths, "__file__", str(tmp_path / "sbirkit" / "paths.py"))
    assert not one.stale()
    with (tmp_path / "sbirkit" / "losses" / "triplet.py").open("a") as file:
        file.write("OTHER = 1  # a comment alone would not count\n")
    assert one.stale()
    monkeypatch.undo()

    class Own(Triplet):
        pass

    assert len({code_digest(Own), code_digest(Triplet), code_digest()}) == 3


def test_what_is_no_run_is_said(made, tmp_path):
    _, one, _ = made
    with pytest.raises(ValueError, match=r"three, params\.json, .* missing\. It was interrupted: call fit"):
        Run.open(one.path.with_name("three"))
    with pytest.raises(ValueError, match=r"params\.json, metrics\.json, manifest\.json missing\.$"):
        Run.open(tmp_path)
    with pytest.raises(ValueError, match="which: want 'best' or 'last', got 'first'"):
        one.weights("first")
    with pytest.raises(ValueError, match="want at least one run"):
        compare([])
    assert "Triplet, best after" in repr(one)
