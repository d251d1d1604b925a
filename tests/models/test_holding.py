"""Held stages keep their numbers in training; what is held belongs to what a run is."""

import pytest
import torch

from sbirkit.models import backbone, make
from sbirkit.models.holding import hold
from sbirkit.models.recipe import rebuild, recipe
from sbirkit.training import Run, TrainConfig, fit


@pytest.mark.parametrize("name", ["convnet", "resnet18", "mobilenet_v2", "clip-tiny"])
def test_all_before_the_end_of_a_stage_is_held_and_all_after_learns(name):
    if name == "clip-tiny":
        pytest.importorskip("open_clip", reason="needs the extra 'backbones'")
    net = backbone(name).eval()
    hold(net, 2)
    net(torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8), "photo").sum().backward()
    for k, stage in enumerate(net.stages):
        learned = [p.grad is not None for p in net.get_submodule(stage).parameters()]
        assert set(learned) == {k >= 2}
    learns = [p.requires_grad for name, p in net.named_parameters()]
    assert learns.index(True) == learns.count(False)  # none learns before one that is held


def test_nothing_held_is_a_network_as_it_was():
    net = backbone("convnet")
    before = recipe(net)
    hold(net, 0)
    assert recipe(net) == before
    assert all(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize("stages", [-1, 5])
def test_more_stages_than_there_are(stages):
    with pytest.raises(ValueError, match="held: want 0 to 4, the stages of ConvNet"):
        hold(backbone("convnet"), stages)


def test_a_recipe_remembers_what_is_held():
    net = backbone("convnet", width=8)
    hold(net, 3)
    again = rebuild(recipe(net))
    assert [p.requires_grad for p in again.parameters()] == [p.requires_grad for p in net.parameters()]
    assert recipe(again) == recipe(net)


@pytest.mark.filterwarnings("ignore:DSN")
@pytest.mark.parametrize("name", ["softmax", "dsn"])
def test_a_run_moves_only_what_is_not_held(tiny, tmp_path, name):
    bench = tiny.benchmark(tmp_path / "bars", objects=3)
    method = make(name, bench, weights="doodleworld", held=2)
    first = {k: v.clone() for k, v in method.state_dict().items()}
    config = TrainConfig(steps=2, p=2, k=1, size=32)
    run = fit(method, bench, config, out=tmp_path / "run", progress=False)
    last = Run.open(run.path).method().state_dict()
    moved = [k for k in last if "conv" in k and not torch.equal(first[k], last[k])]
    assert any("blocks.3" in k for k in moved)
    assert not any("blocks.0" in k or "blocks.1" in k for k in moved)
