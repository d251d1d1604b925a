"""What is asked once the ledger has answered: pulls, budgets, tables of later experiments."""

from dataclasses import dataclass

import pytest
import torch

from sbirkit.claims import afterwards, asking, lessons
from sbirkit.claims.pulls import pulls
from sbirkit.claims.records import Records
from sbirkit.models.config import Config, weight
from sbirkit.models.method import Method
from sbirkit.training import TrainConfig


@dataclass(frozen=True, kw_only=True)
class Terms(Config):
    strong: float = weight(3.0)
    weak: float = weight(1.0)
    aside: float = weight(5.0)
    detached: float = weight(5.0)


class Pulled(Method):
    """Two terms of one gradient, weighed 3 to 1; one that reaches a parameter aside; one without any."""

    Options = Terms

    def __init__(self, **options):
        super().__init__(**options)
        self.aside = torch.nn.Parameter(torch.ones(1))

    def losses(self, batch, *, step):
        z = self.backbone(batch.photo, "photo").mean()
        return {"strong": z, "weak": -z, "aside": self.aside.sum(), "detached": z.detach()}


@pytest.fixture
def method(tiny):
    return Pulled(backbone=tiny.Net(norm=False, drop=0.0))


def test_a_pull_is_weight_times_gradient(method, bench, tiny):
    config = TrainConfig(steps=2, p=3, k=2, size=tiny.SIZE)
    before = {k: v.clone() for k, v in method.state_dict().items()}
    found = pulls(method, bench, config, batches=2)
    assert found == {
        "strong": pytest.approx(0.75),
        "weak": pytest.approx(0.25),
        "aside": 0.0,
        "detached": 0.0,
    }
    assert all(torch.equal(v, before[k]) for k, v in method.state_dict().items())
    assert all(p.grad is None for p in method.parameters())


def test_no_batch_is_no_pull(method, bench, tiny):
    with pytest.raises(ValueError, match="batches: want 1 or more, got 0"):
        pulls(method, bench, TrainConfig(size=tiny.SIZE), batches=0)


def test_shares_are_said_for_each_moment():
    figure = afterwards.shares({"first": {"a<b": 0.75, "c": 0.25}, "last": {"c": 1.0}})
    assert "first: a<b 75.0%, c 25.0%; last: c 100.0%" in figure.alt


def arms(**values):
    """Records of arms at home, three seeds with a little noise."""
    return Records({
        f"{name}.home.s{seed}": {"asked": {"train": {"seed": seed}},
                                 "numbers": {"embed": {"zs": {"mAP@all": value + noise}}}}
        for name, value in values.items()
        for seed, noise in enumerate((0.0, 0.001, -0.001))
    })  # fmt: skip


@pytest.mark.parametrize(
    ("whole", "heap"),
    [(0.60, "holds"), (0.501, "too small"), (0.494, "too small"), (0.40, "the other way")],
)
def test_heaps_tell_too_small_from_the_other_way(whole, heap):
    made = arms(**{"ramln": whole, "ramln-inter": 0.5, "ramln-plain": 0.2})
    noisy = {"ramln.home.s0": 0.002, "ramln.home.s1": -0.002}
    for name, more in noisy.items():
        made.by_name[name]["numbers"]["embed"]["zs"]["mAP@all"] += more
    lines = afterwards.summed(lessons.outcomes("RAMLN", made)).splitlines()
    (line,) = [line for line in lines if "ramln.inter" in line]
    assert heap in line


def test_a_longer_run_that_is_not_there_is_not_run():
    shown = afterwards.longer(arms(softmax=0.3, ours=0.4), [("ours", "softmax")])
    assert "ours against softmax | +0.100 [+0.100, +0.100] | not run" in shown


def test_long_runs_come_from_the_repository():
    shown = afterwards.longer(arms(), [("clip-masbir", "clip-frozen")])
    assert "clip-masbir against clip-frozen | not run | +" in shown


def test_equal_steps_pair_by_seed():
    rows = [{"arm": arm, "seed": s, "images": i, "steps": i // 96 if arm == "dsn" else i // 32, "mAP@all": v}
            for arm, i, v in (("dsn", 9_600, 0.3), ("dsn-views", 9_600, 0.4), ("dsn-views", 3_200, 0.2))
            for s in (0, 1)]  # fmt: skip
    lines = afterwards.equal_steps(rows).splitlines()
    assert lines[2] == "dsn against dsn-views | 9,600 and 9,600 | 100 and 300 | -0.100 [-0.100, -0.100] | 2"
    assert lines[3] == "dsn against dsn-views | 9,600 and 3,200 | 100 and 100 | +0.100 [+0.100, +0.100] | 2"
    assert len(lines) == 4
    assert len(afterwards.equal_steps([]).splitlines()) == 2


def test_batches_pair_by_seed():
    rows = [{"arm": arm, "seed": s, "batch": 64, "images": 9_600, "steps": 150, "mAP@all": v + s / 10}
            for arm, v, seeds in (("ramln", 0.4, (0, 1, 2)), ("ramln-inter", 0.3, (1, 2)))
            for s in seeds]  # fmt: skip
    lines = afterwards.by_batch(rows).splitlines()
    assert lines[2] == "64 | 9,600 | 150 | 0.550 | 0.450 | +0.100 [+0.100, +0.100] | 2"
    assert len(lines) == 3
    assert len(afterwards.by_batch([]).splitlines()) == 2


def test_what_was_asked_is_shown():
    later = asking.kept()
    assert later.keys() == asking.QUESTIONS.keys()
    assert "masbir-no-discriminator" in afterwards.pointing(later["vectors"])
    assert "bda-symmetric-1" in afterwards.drawn(later["codes"])
    assert "1,024 | 76,800 | 75" in afterwards.by_batch(later["batches"])
    assert "dsn against dsn-no-contrast | 9,600 and 3,200 | 100 and 100" in afterwards.equal_steps(
        later["steps"]
    )


def test_without_a_file_nothing_was_asked(tmp_path):
    assert asking.kept(tmp_path) == {}
