"""Methods by name: right parts, right side information, and unseen names never asked for."""

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

from sbirkit.data import Catalogue
from sbirkit.losses import affinity_of_paths, path_distance, vector_distance
from sbirkit.models import METHODS, TextTable, backbone, make, standins
from sbirkit.models.baselines import Frozen
from sbirkit.models.gates import Gated
from sbirkit.models.text import Clip
from sbirkit.training import TrainConfig, fit

PLACES = {"bus": ["vehicle", "road", "bus"], "cow": ["animal", "cow"]}


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """Stand-ins of random numbers, in a folder of their own."""
    pytest.importorskip("open_clip", reason="needs the extra 'backbones'")
    folder = tmp_path_factory.mktemp("standins")
    for name, options in (("convnet", {"classes": len(PLACES)}), ("clip-tiny", {})):
        for tag in standins.TAGS:
            state = backbone(name, seed=len(tag), **options).state_dict()
            save_file({k: v.contiguous() for k, v in state.items()}, folder / f"{name}-{tag}.safetensors")
            card = {"classes": list(PLACES), "paths": list(PLACES.values()), "metrics": {}}
            (folder / f"{name}-{tag}.json").write_text(json.dumps(card))
    return folder


@pytest.fixture
def packaged(standing, monkeypatch):
    monkeypatch.setattr(standins, "FOLDER", standing)


@pytest.fixture(scope="module")
def told(tiny, tmp_path_factory):
    """The bars, on a card that knows the classes; asking it for an unseen one is a failure."""
    folder = tmp_path_factory.mktemp("told") / "bars"
    tiny.catalogue(folder)
    bench = tiny.benchmark(folder)
    seen = bench.train_classes

    class Spied(dict):
        def get(self, name, default=None):
            assert name in seen, f"asked for {name}"
            return super().get(name, default)

        __getitem__ = get

    bench.catalogue.card["classes"] = Spied(
        (
            name,
            {
                "path": ["thing", "animal" if i % 2 else "vehicle", name],
                "attributes": {"bar": 1.0, name: 0.5},
            },
        )
        for i, name in enumerate(bench.catalogue.classes)
    )
    return bench


class Spy(TextTable):
    asked: set

    def encode_text(self, texts):
        vars(self).setdefault("asked", set()).update(texts)
        return super().encode_text(texts)


@pytest.mark.usefixtures("packaged")
@pytest.mark.parametrize("name", METHODS)
def test_every_name_makes_a_method_that_knows_seen_classes_only(told, name):
    method = make(name, told, seed=3)
    assert type(method) is METHODS[name]
    assert method.classes in ((), told.train_classes)
    network = method.backbone.backbone if isinstance(method.backbone, Gated) else method.backbone
    assert isinstance(network, Clip) == (name == "masbir")
    first = backbone("clip-tiny" if name == "masbir" else "convnet", weights="doodleworld").state_dict()
    key = next(k for k in first if k.endswith("weight") and first[k].ndim == 4)
    plain = {k.replace(".stage", "").removeprefix("backbone.").removeprefix("backbone."): v
             for k, v in method.state_dict().items()}  # fmt: skip
    assert torch.equal(plain[key], first[key]) == (name != "untrained")
    table = Spy([*told.train_classes, *told.unseen_classes], torch.rand(7, 5))
    make(name, told, table=table, **({"network": "convnet"} if name == "masbir" else {}))
    assert vars(table).get("asked", set()) <= {*told.train_classes, *PLACES}
    assert bool(vars(table).get("asked")) == (name in ("masbir", "bdasketret"))


@pytest.mark.usefixtures("packaged")
def test_side_information_is_found_on_the_cards(told):
    paths = [tuple(told.catalogue.card["classes"].get(name)["path"][1:]) for name in told.train_classes]
    dsn = make("dsn", told)
    assert torch.equal(dsn.affinity, affinity_of_paths(paths, [*PLACES.values()]))
    assert dsn.teacher.classifier.out_features == len(PLACES)
    bda = make("bdasketret", told)
    assert torch.equal(bda.distance, vector_distance(bda.projections.vectors * 1.25**0.5))
    words = make("masbir", told, network="convnet").text.vectors[:-1]  # attributes, less their mean
    assert torch.allclose(words.sum(0), torch.zeros(words.shape[1]), atol=1e-5)
    assert not torch.equal(words[0], words[1])


def test_without_attributes_the_family_tree_makes_the_graph(told, monkeypatch):
    classes = told.catalogue.card["classes"]
    bare = type(classes)((name, {"path": dict.__getitem__(classes, name)["path"]}) for name in classes)
    monkeypatch.setitem(told.catalogue.card, "classes", bare)
    bda = make("bdasketret", told, weights=None)
    paths = [tuple(bare.get(name)["path"][1:]) for name in told.train_classes]
    assert torch.equal(bda.distance, path_distance(paths))
    assert torch.equal(bda.projections.vectors, torch.eye(4))
    monkeypatch.delitem(told.catalogue.card, "classes")
    with pytest.warns(UserWarning, match="nothing is known of the classes"):
        make("bdasketret", told, weights=None)
    with pytest.warns(UserWarning, match="distillation is off"):
        make("dsn", told, weights=None)


@pytest.mark.usefixtures("packaged")
def test_words_in_place_of_a_text_tower_train_and_are_saved(tiny, told, tmp_path):
    method = make("masbir", told, network="convnet")
    config = tiny.config(steps=2, select_every=0, checkpoint_every=0)
    run = fit(method, told, config, out=tmp_path / "run", progress=False)
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    assert torch.equal(run.method().embed(images, "photo"), method.embed(images, "photo"))


@pytest.mark.usefixtures("packaged")
def test_the_seed_is_of_all_first_weights(told):
    one, same, other = (make("ramln", told, seed=s, weights=None).state_dict() for s in (0, 0, 1))
    assert all(torch.equal(one[k], same[k]) for k in one)
    for part in ("backbone.stem.0.weight", "projection.weight", "classifier.weight"):
        assert not torch.equal(one[part], other[part])


def test_wrong_names_help(told, standing, tmp_path, monkeypatch):
    with pytest.raises(
        ValueError, match=r"there is no method 'ramlm' \(did you mean 'ramln'\?\); there are untr"
    ):
        make("ramlm", told)
    for name in ("ramln", "frozen", "untrained"):
        with pytest.raises(TypeError, match="there is no 'marginn'"):
            make(name, told, weights=None, marginn="fixed")
    with pytest.raises(
        ValueError, match="weights: 'doodleworld' is there for convnet and clip-tiny, got 'resnet18'"
    ):
        make("ramln", told, network="resnet18")
    monkeypatch.setattr(standins, "FOLDER", tmp_path)
    with pytest.raises(
        FileNotFoundError, match=r"make it with `python -m sbirkit\.training\.pretraining convnet"
    ):
        make("ramln", told)
    shutil.copy(standing / "convnet-doodleworld.safetensors", tmp_path / "mine.safetensors")
    got = make("softmax", told, weights=tmp_path / "mine.safetensors")
    assert isinstance(make("frozen", told, weights=tmp_path / "mine.safetensors"), Frozen)
    assert TrainConfig.profile("smoke", views=len(got.views())).steps == 20
    assert isinstance(told.catalogue, Catalogue)


@pytest.mark.parametrize("name", ["ramln", "dsn", "masbir", "bdasketret"])
@pytest.mark.parametrize("network", ["convnet", "resnet18", "mobilenet_v2", "mobilenet_v2_tf", "clip-tiny"])
@pytest.mark.filterwarnings("ignore:DSN")
def test_every_method_takes_a_step_on_every_network(tiny, told, name, network):
    if network == "clip-tiny":
        pytest.importorskip("open_clip", reason="needs the extra 'backbones'")
    table = TextTable(told.train_classes, tiny.vectors(told.train_classes))
    options = {"gates": True} if name == "bdasketret" else {}
    method = make(name, told, network=network, weights=None, table=table, **options)
    batch = tiny.batch(method, told, p=2, k=1)
    step = tiny.step()
    torch.stack([*method.losses(batch, step=step).values()]).sum().backward()
    method.after_step(batch, step)
    assert all(p.grad is None or p.grad.isfinite().all() for p in method.parameters())
    assert any(p.grad is not None and p.grad.any() for p in method.backbone.parameters())
    with torch.inference_mode():
        z = method.eval().embed(batch.photo, "photo")
    assert z.shape == (len(batch.photo), method.dim)
    assert z.isfinite().all()
