"""Which parameters a term moves: seen at its gradient; and a first batch to see it on."""

import torch

from sbirkit.data.loading import Loader
from sbirkit.data.sampling import Items, PxK
from sbirkit.models.baselines import Softmax, Triplet
from sbirkit.models.method import Step
from sbirkit.training import first_batch, reach


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


def test_first_batch_is_what_the_method_asks_for(tiny, bench):
    method = tiny.system("dsn", bench.train_classes)
    batch, step = first_batch(method, bench, p=3, k=2)
    assert len(batch.views) == len(method.views()) == 2
    assert batch.sketch.shape[2:] == (tiny.SIZE, tiny.SIZE)
    assert {*batch.sketch_rows, *batch.photo_rows} <= set(bench.train)
    assert (step.number, step.total) == (0, 1)
    again, _ = first_batch(tiny.system("dsn", bench.train_classes), bench, p=3, k=2)
    assert torch.equal(batch.photo, again.photo)
    assert not torch.equal(batch.photo, first_batch(method, bench, p=3, k=2, seed=1)[0].photo)
