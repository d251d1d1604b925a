"""Runs for a question: trained once, opened after, shipped ones found, old ones said."""

import json
import shutil
import warnings

import pytest

from sbirkit import paths
from sbirkit.data.sampling import Items
from sbirkit.models import Triplet
from sbirkit.runs.arms import arm, obtain, shipped, training
from sbirkit.training import TrainConfig, loop
from sbirkit.training.loop import describe

TRAIN = {"steps": 2, "size": 32, "select_every": 0, "checkpoint_every": 0, "device": "cpu"}
OPTIONS = {"train": TRAIN, "profile": "smoke", "weights": None, "progress": False}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SBIRKIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SBIRKIT_FRESH", raising=False)
    monkeypatch.setattr(paths, "results", lambda: tmp_path / "results")
    return tmp_path


@pytest.fixture
def trained(monkeypatch):
    """How many runs were trained."""
    seen, real = [], loop._Loop.run
    monkeypatch.setattr(loop._Loop, "run", lambda self, out: (seen.append(out.name), real(self, out)))
    return seen


def test_it_trains_once_and_opens_after(bench, home, trained):
    one = obtain("ramln", bench, **OPTIONS)
    two = obtain("ramln", bench, **OPTIONS)
    assert one.path == two.path
    assert one.path.parent == home / "home" / "runs"
    assert len(trained) == 1
    others = [obtain("ramln", bench, **OPTIONS, seed=1), obtain("ramln", bench, **OPTIONS, balance=0.3),
              obtain("ramln", bench, **OPTIONS | {"train": TRAIN | {"steps": 3}})]  # fmt: skip
    assert len({run.path for run in (one, *others)}) == len(trained) == 4


def test_a_shipped_run_is_found_by_what_was_asked_for(bench, home, trained, monkeypatch):
    made = obtain("ramln", bench, **OPTIONS)
    place = home / "results" / "ramln-laptop"
    shutil.copytree(made.path, place)
    shutil.rmtree(home / "home")
    params = json.loads((place / "params.json").read_text())
    (place / "params.json").write_text(json.dumps(params | {"first_weights": "of another machine"}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert obtain("ramln", bench, **OPTIONS).path == place.resolve()
    assert len(trained) == 1
    assert obtain("ramln", bench, **OPTIONS, balance=0.3).path.parent == home / "home" / "runs"
    said = json.loads((place / "manifest.json").read_text())
    (place / "manifest.json").write_text(json.dumps(said | {"code": "older"}))
    with pytest.warns(UserWarning, match="ramln-laptop was made by code that has changed since"):
        obtain("ramln", bench, **OPTIONS)
    (place / "weights.safetensors").rename(place / "gone")  # only its record came: it is trained
    assert obtain("ramln", bench, **OPTIONS).path.parent == home / "home" / "runs"
    (place / "gone").rename(place / "weights.safetensors")
    monkeypatch.setenv("SBIRKIT_FRESH", str(home / "fresh"))
    fresh = obtain("ramln", bench, **OPTIONS)
    assert fresh.path.parent == home / "fresh"
    assert obtain("ramln", bench, **OPTIONS).path == fresh.path
    assert len(trained) == 4


def test_ones_own_run_goes_before_a_shipped_one(bench, home):
    made = obtain("softmax", bench, **OPTIONS)
    shutil.copytree(made.path, home / "results" / "softmax-laptop")
    assert obtain("softmax", bench, **OPTIONS).path == made.path
    method, config = arm("softmax", bench, profile="smoke", train=TRAIN, weights=None)
    wanted, data = describe(method, bench, config), bench.catalogue.name
    assert shipped(wanted, data).path.name == "softmax-laptop"
    assert shipped(wanted, data, home / "nowhere") is None
    assert shipped(wanted, f"{data}-s1") is None, "the same classes and split, other pictures"


@pytest.mark.filterwarnings("ignore:DSN")
def test_a_profile_says_how_and_what_is_asked_for_goes_before_it(bench):
    method, config = arm("dsn", bench, profile="paper", weights=None)
    assert (method.dim, config.k, config.size, config.weight_decay) == (512, 2, 224, 5e-4)
    assert config.p == 4  # all classes that there are, of 24
    assert config.steps == 2_560_000 // (2 * 4 * 2 * 3)  # three views of each picture
    method, config = arm(
        "dsn", bench, profile="paper", weights=None, dim=32, train={"p": 4, "steps": 7}, seed=5
    )
    assert (method.dim, config.p, config.steps, config.seed, method.seed) == (32, 4, 7, 5, 5)
    assert arm("softmax", bench, weights=None, train={"seed": 2})[1].seed == 2
    method, config = arm("triplet", bench, weights=None)
    assert isinstance(method, Triplet)
    assert config.steps == 38_400 // 16
    with pytest.raises(ValueError, match=r"profile: want one of smoke, .*photos, got 'huge'"):
        arm("dsn", bench, profile="huge", weights=None)


@pytest.mark.filterwarnings("ignore:DSN")
def test_every_arm_looks_at_as_many_pictures(bench):
    """Four classes are trained on, and a batch wants sixteen: what is drawn counts, not what was wanted."""
    for name in ("softmax", "triplet", "ramln", "dsn", "masbir", "bdasketret"):
        method, config = arm(name, bench, weights=None, network="convnet")
        drawn = method.sampler(Items.of(bench), p=config.p, k=config.k, seed=0).batch(0, 0)
        seen = config.steps * (len(drawn.sketch) + len(drawn.photo)) * (1 + len(method.views()))
        assert 38_400 - 192 < seen <= 38_400, name


def test_enough_classes_leave_a_batch_as_the_profile_has_it(bench):
    assert training("softmax", bench, "smoke") == TrainConfig.profile("smoke", "softmax")
    assert training("softmax", bench, "smoke", p=3) == TrainConfig.profile("smoke", "softmax", p=3)
