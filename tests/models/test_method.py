"""Methods, their configs, and how they are written down and made again."""

import json
import pickle
import re
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Literal

import pytest
import torch
from torch import nn

from sbirkit.models.baselines import Frozen, Triplet, TripletConfig
from sbirkit.models.config import Config, weight
from sbirkit.models.gathering import gather
from sbirkit.models.method import Step
from sbirkit.models.recipe import Rebuildable, rebuild, recipe


@dataclass(frozen=True, kw_only=True)
class Options(Config):
    pull: float = weight(1.0)
    push: float = weight(0.0)
    rounds: int = 3
    kind: Literal["a", "b"] = "a"
    name: str | None = None
    on: bool = False
    sizes: tuple[int, ...] = (1, 2)


class Net(Rebuildable):
    def __init__(self, width=4, *more, bank=None, weights=None, **options):
        super().__init__()
        self.dim, self.weights, self.options = width, weights, options
        self.register_buffer("bank", bank)
        self.layer = nn.Linear(2, width)


def test_wrong_names_and_kinds_of_options_are_errors_that_help():
    for changes, said in [
        ({"rounds": 1.5}, "Options: rounds wants int, got 1.5"),
        ({"rounds": True}, "Options: rounds wants int, got True"),
        ({"kind": "c"}, "Options: kind wants 'a' or 'b', got 'c'"),
        ({"name": 3}, "Options: name wants str or NoneType, got 3"),
        ({"on": 1}, "Options: on wants bool, got 1"),
        ({"pull": "1"}, "Options: pull wants float, got '1'"),
        ({"pull": -0.1}, "Options: weight pull wants 0 or more, got -0.1"),
        ({"push": float("nan")}, "Options: weight push wants 0 or more, got nan"),
    ]:
        with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
            Options(**changes)
    with pytest.raises(
        TypeError, match=r"Options: there is no 'puhs' \(did you mean 'push'\?\); it has pull, push"
    ):
        Options(puhs=1.0)
    with pytest.raises(ValueError, match="kind wants"):
        replace(Options(), kind="z")


def test_a_config_is_a_value():
    one = Options(pull=2, name="x")
    assert one == pickle.loads(pickle.dumps(one)) == deepcopy(one) == replace(Options(), pull=2, name="x")
    assert one.weights() == {"pull": 2, "push": 0.0}
    assert hash(one) == hash(Options(pull=2, name="x"))


def test_what_was_made_is_made_again_from_json():
    made = Net(6, bank=torch.ones(2, 3), weights="imagenet", deep=[1, 2], own=Options(rounds=5))
    again = rebuild(json.loads(json.dumps(recipe(made))))
    assert (again.dim, again.weights) == (6, None)
    assert again.options == {"deep": (1, 2), "own": Options(rounds=5)}
    assert torch.equal(again.bank, torch.zeros(2, 3))
    again.load_state_dict(made.state_dict())
    assert recipe(deepcopy(made)) == recipe(pickle.loads(pickle.dumps(made))) == recipe(again)


def test_only_networks_and_configs_are_made():
    with pytest.raises(ValueError, match="want a Rebuildable module or a Config, got os:system"):
        rebuild({"class": "os:system", "arguments": {"command": "true"}})
    with pytest.raises(ValueError, match=r"there is no Gone in somewhere here.*run\.method\(method\)"):
        rebuild({"class": "somewhere:Gone", "arguments": {}})
    with pytest.raises(ValueError, match=r"this Linear does not say how it was made"):
        rebuild(recipe(Net(other=nn.Linear(2, 2))))


def test_a_config_of_another_method_is_refused():
    with pytest.raises(TypeError, match="config: Triplet wants a TripletConfig, got Options"):
        Triplet(Options(), backbone=Net())
    assert Triplet(backbone=Net()).config == TripletConfig()


def test_steps_draw_by_name_and_number():
    def draw(number, *names, seed=0):
        step = Step(number=number, epoch=0, total=9, seed=seed)
        return torch.rand(4, generator=step.generator(*names)).tolist()

    assert draw(3, "noise") == draw(3, "noise")
    different = [
        draw(3, "noise"),
        draw(4, "noise"),
        draw(3, "mask"),
        draw(3, "noise", 1),
        draw(3, "noise", seed=1),
    ]
    assert len({tuple(numbers) for numbers in different}) == 5


def test_alone_nothing_is_gathered():
    x = torch.eye(3)
    assert gather(x) is x


def test_frozen_embeds_what_the_backbone_gives():
    class Grey(Net):
        def forward(self, images, modality):
            return self.layer(images.float().mean((1, 2))[:, :2]) + (modality == "photo")

    method, images = Frozen(backbone=Grey()), torch.ones(2, 3, 4, 4, dtype=torch.uint8)
    assert method.dim == 4
    torch.testing.assert_close(method.embed(images, "photo"), method.embed(images, "sketch") + 1)
    assert not any(p.requires_grad for p in method.parameters())
    assert method.losses(None, step=None) == {}
