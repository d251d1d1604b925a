"""The stand-ins: what they may know, what they learn from, and how they come back."""

import json

import pytest
import torch

from sbirkit.data.doodleworld import World
from sbirkit.data.doodleworld.world import splits
from sbirkit.data.sampling import Items
from sbirkit.models import backbone, standins
from sbirkit.models.pretraining import Classification
from sbirkit.training import pretraining


def test_the_strict_ones_know_no_class_of_the_benchmark_and_the_leaky_one_the_unseen():
    benchmark = set(World().labels)
    for name in standins.NAMES:
        assert not set(standins.card(name)["classes"]) & benchmark
    leaky = set(standins.card("convnet", "doodleworld-leaky")["classes"])
    assert leaky & benchmark == set(splits()["unseen-16"])


@pytest.mark.parametrize("name", standins.NAMES)
def test_a_card_says_what_was_learned_from_and_what_it_is_worth(name):
    card = standins.card(name)
    assert card["command"] == f"python -m sbirkit.training.pretraining {name} --tag doodleworld"
    assert len(card["paths"]) == len(card["classes"]) == 44
    assert all(path[-1] == label for path, label in zip(card["paths"], card["classes"], strict=True))
    assert card["train"]["steps"] == pretraining.RECIPES[name]["steps"]
    assert max(card["metrics"].values()) > 0.5  # chance is 1 / 44


def test_photos_only_teach_the_classifier():
    items = Items(["a", "a", "b", "b"], [True, False, True, False])
    method = Classification(backbone=backbone("convnet", width=8, classes=2), classes=("a", "b"))
    for sketches, photos in (method.sampler(items, p=1, k=1, seed=0).batch(0, i) for i in range(1)):
        assert len(sketches) == 0
        assert sorted(photos) == [1, 3]
    with pytest.raises(ValueError, match="want one made with classes=3"):
        Classification(backbone=backbone("convnet", width=8, classes=2), classes=("a", "b", "c"))


def test_a_stand_in_is_written_and_loaded_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SBIRKIT_HOME", str(tmp_path))
    monkeypatch.setattr(pretraining, "FRESH", 2)
    out = tmp_path / "weights"
    found = pretraining.pretrain("convnet", out=out, objects=2, progress=False, steps=3, p=4, warmup=1)
    assert set(found) == {"photo accuracy", "sketch accuracy"}
    assert all(0 <= value <= 1 for value in found.values())
    file = out / "convnet-doodleworld.safetensors"
    assert json.loads(file.with_suffix(".json").read_text())["metrics"] == found
    net = backbone("convnet", weights=file, classes=44, seed=3)
    fresh = backbone("convnet", classes=44, seed=3)
    assert not torch.equal(net.classifier.weight, fresh.classifier.weight)
    monkeypatch.setattr(standins, "FOLDER", out)
    again = backbone("convnet", weights="doodleworld", classes=44, seed=9)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))
    with pytest.raises(FileNotFoundError, match=r"leaky\.safetensors is missing; make it with"):
        backbone("convnet", weights="doodleworld-leaky")


def test_wrong_names_are_said():
    with pytest.raises(ValueError, match="is there for convnet and clip-tiny, got 'resnet18'"):
        backbone("resnet18", weights="doodleworld")
    with pytest.raises(ValueError, match="want one of convnet, clip-tiny; doodleworld, doodleworld-leaky"):
        pretraining.pretrain("resnet18")
