"""RAMLN: which term teaches what, margins within their bounds, and the plain quadruplet underneath."""

from dataclasses import replace

import pytest
import torch

from sbirkit.losses import cross_modal_quadruplet, cross_modal_triplet
from sbirkit.models import RAMLN, RAMLNConfig
from sbirkit.training import reach


def parts(found):
    return {term: {name.split(".")[0] for name in names} for term, names in found.items()}


@pytest.fixture
def ramln(tiny, bench):
    def make(**options):
        return tiny.system("ramln", bench.train_classes, **options)

    return make


def test_only_the_meta_term_teaches_the_margins(tiny, bench, ramln):
    method = ramln()
    batch = tiny.batch(method, bench)
    for k in range(2):  # before and after the memory was written
        found = reach(method, batch, step=tiny.step())
        assert parts(found) == {
            "quadruplet": {"backbone", "projection"},
            "classification": {"backbone", "projection", "classifier"},
            "meta": {"backbone", "projection", "margins"},
        }
        assert {"margins.out.weight", "margins.out.bias"} <= found["meta"]
        assert ("margins.key.weight" in found["meta"]) == (
            k > 0
        )  # once W_o is not zero and there is a memory
        for _ in range(3):  # a slot is filled in each step, and one alone leaves nothing to choose
            method.after_step(batch, tiny.step())
        with torch.no_grad():
            method.margins.out.weight.normal_(std=0.1)
    fixed = ramln(margin="fixed")
    assert not any("margins" in names for names in parts(reach(fixed, batch, step=tiny.step())).values())
    assert set(fixed.losses(batch, step=tiny.step())) == {"quadruplet", "classification"}
    fixed.after_step(batch, tiny.step())
    assert not fixed.margins.usage.any()


def test_the_gradient_of_the_margins_is_that_of_finite_differences(tiny, bench, ramln):
    method = ramln(inner=0.5).double()
    method.backbone.prepare = lambda images: (images.double() / 127.5 - 1).expand(-1, 3, -1, -1)
    batch, bias = tiny.batch(method, bench), method.margins.out.bias
    (slope,) = torch.autograd.grad(method.losses(batch, step=tiny.step())["meta"], bias)
    up, down = (_value(method, batch, tiny.step(), bias, e) for e in (1e-4, -1e-4))
    assert slope.item() != 0
    assert slope.item() == pytest.approx((up - down) / 2e-4, rel=1e-3)


def _value(method, batch, step, bias, shift):
    with torch.no_grad():
        bias.add_(shift)
    value = method.losses(batch, step=step)["meta"].item()
    with torch.no_grad():
        bias.sub_(shift)
    return value


def test_margins_are_bounded_and_a_range_of_one_point_is_the_fixed_margin(tiny, bench, ramln):
    method = ramln(low=0.2, high=0.4)
    batch, n = tiny.batch(method, bench), 8
    torch.nn.init.normal_(method.margins.out.weight, std=20)
    for _ in range(3):
        method.losses(batch, step=tiny.step())
        method.after_step(batch, tiny.step())
    e = method.embed(batch.sketch, "sketch"), method.embed(batch.photo, "photo")
    margin = method.margin(*e, batch.y_sketch, batch.y_photo)
    assert margin.shape == (2 * n,)
    assert not margin.requires_grad
    assert 0.2 <= margin.min() < margin.max() <= 0.4
    assert not method.margins.memory.requires_grad
    assert {"margins.memory", "margins.usage"} <= method.state_dict().keys()
    one, two = ramln(low=0.3, high=0.3, meta=0.0), ramln(margin="fixed", fixed=0.3)
    values = [m.losses(batch, step=tiny.step())["quadruplet"] for m in (one, two)]
    assert torch.equal(*values)


@pytest.mark.parametrize("balance", [0.0, 1.0])
def test_the_ends_of_balance_are_triplets(tiny, bench, ramln, balance):
    method = ramln(balance=balance, margin="fixed", stress=0.0)
    batch = tiny.batch(method, bench)
    s, p = method.embed(batch.sketch, "sketch"), method.embed(batch.photo, "photo")
    got, y = method.losses(batch, step=tiny.step())["quadruplet"], (batch.y_sketch, batch.y_photo)
    if balance:
        both = [cross_modal_triplet(s, p, *y, margin=0.3, mining="hard"),
                cross_modal_triplet(p, s, *y[::-1], margin=0.3, mining="hard")]  # fmt: skip
        torch.testing.assert_close(got, sum(both) / 2)
    want = cross_modal_quadruplet(s, p, *y, margin=0.3, balance=balance)
    torch.testing.assert_close(got, want)
    split = ramln(balance=0.5, margin="fixed", stress=0.0, hinge="split").losses(batch, step=tiny.step())
    joint = ramln(balance=0.5, margin="fixed", stress=0.0).losses(batch, step=tiny.step())
    assert joint["quadruplet"] <= split["quadruplet"]


def test_relations_are_cosines_of_the_classifier_and_constants(ramln):
    method = ramln()
    relation, rows = method.relation(), method.classifier.weight
    assert not relation.requires_grad
    want = [[torch.nn.functional.cosine_similarity(a, b, dim=0).item() for b in rows] for a in rows]
    torch.testing.assert_close(relation, torch.tensor(want))


def test_says_what_it_lacks(tiny, bench):
    with pytest.raises(ValueError, match="dim: RAMLN takes its virtual step on the projection"):
        RAMLN(RAMLNConfig(dim=0), backbone=tiny.Maps(), classes=bench.train_classes)
    with pytest.raises(ValueError, match="classes: want the names of the training classes"):
        RAMLN(backbone=tiny.Maps(), classes=())
    with pytest.raises(ValueError, match="margin wants 'learned' or 'fixed'"):
        replace(RAMLNConfig(), margin="free")
