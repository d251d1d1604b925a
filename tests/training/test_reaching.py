"""Which parameters a term moves: seen at its gradient."""

import torch

from sbirkit.data.loading import Loader
from sbirkit.data.sampling import Items, PxK
from sbirkit.models.baselines import Softmax, Triplet
from sbirkit.models.method import Step
from sbirkit.training import reach


def test_each_term_reaches_its_own_parameters(tiny, bench):
    batch = Loader(bench, PxK(Items.of(bench), p=4, k=2), size=tiny.SIZE, workers=0).batch(0, 0)
    step = Step(number=0, epoch=0, total=1, seed=0)
    every = {f"backbone.{part}.{kind}" for part in ("first", "second", "norm") for kind in ("weight", "bias")}
    every |= {"projection.weight", "projection.bias"}
    assert reach(Triplet(backbone=tiny.Net()), batch, step=step)["triplet"] == every
    method = Softmax(backbone=tiny.Net(), classes=bench.train_classes)
    classifier = {"classifier.weight", "classifier.bias"}
    assert reach(method, batch, step=step)["softmax"] == every | classifier
    method.together = lambda *pairs: Softmax.together(method, *pairs).detach()
    head = {"projection.weight", "projection.bias"}
    assert reach(method, batch, step=step)["softmax"] == head | classifier
    method.losses = lambda batch, *, step: {"none": torch.zeros(())}
    assert reach(method, batch, step=step) == {"none": set()}
    assert all(p.grad is None for p in method.parameters())
