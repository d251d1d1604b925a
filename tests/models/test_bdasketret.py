"""BDA-SketRet: two levels, an adversary that really opposes, a topology that only the classes learn."""

import warnings

import pytest
import torch

from sbirkit.losses import (
    Gaussian,
    bottleneck_divergence,
    domain_accuracy,
    domain_classifier,
    domain_error,
    rank_correlation,
    topology_preservation,
    unit_distance,
)
from sbirkit.losses.modality import PHOTO, SKETCH
from sbirkit.models import BDASketRet, BDASketRetConfig
from sbirkit.models.method import stacked
from sbirkit.models.recipe import rebuild, recipe
from sbirkit.training import reach

NAN = float("nan")


@pytest.fixture
def bda(tiny, bench):
    def make(**options):
        return tiny.system("bdasketret", bench.train_classes, **options)

    return make


def parts(found):
    return {term: {name.split(".")[0] for name in names} for term, names in found.items()}


def test_each_term_moves_its_own_parts(tiny, bench, bda):
    method = bda()
    batch = tiny.batch(method, bench)
    found = reach(method, batch, step=tiny.step())
    assert parts(found) == {
        "classification": {"backbone", "stream", "projections"},
        "spatial": {"backbone", "adversary"},
        "divergence": {"backbone", "stream"},
        "information": {"backbone", "stream"},
        "topology": {"projections"},
    }
    assert {"stream.spread.weight", "stream.mean.weight"} <= found["divergence"]
    fixed = bda(streams="fixed")
    assert not any(
        "spread" in name for names in reach(fixed, batch, step=tiny.step()).values() for name in names
    )


@pytest.mark.parametrize("form", ["confusion", "reversal"])
def test_the_adversary_gets_better_and_the_backbone_makes_it_worse(tiny, bench, bda, form):
    method = bda(form=form)
    batch, n = tiny.batch(method, bench), 8

    def error():
        maps = method.backbone.features(*stacked((batch.sketch, batch.photo)))
        return domain_error(maps[:n], maps[n:], method.adversary)

    # an adversary that has learned something; else the two forms cannot be told from chance
    optimiser = torch.optim.Adam(method.adversary.parameters(), lr=0.01)
    for _ in range(20):
        optimiser.zero_grad()
        error().backward()
        optimiser.step()
    method.zero_grad()
    before = error().item()
    method.losses(batch, step=tiny.step())["spatial"].backward()
    for part, sign in ((method.adversary, -1), (method.backbone, 1)):
        saved = [p.detach().clone() for p in part.parameters()]
        with torch.no_grad():
            for p in part.parameters():
                if p.grad is not None:
                    p.sub_(1e-3 * p.grad / max(p.grad.norm(), 1e-8))
            assert (error().item() - before) * sign > 0
            for p, old in zip(part.parameters(), saved, strict=True):
                p.copy_(old)


def test_level_two_waits_for_level_one(tiny, bench, bda):
    method = bda(schedule="progressive")
    batch = tiny.batch(method, bench)
    for number, ramp in ((0, 0.0), (20, 0.0), (35, 0.5), (50, 1.0), (99, 1.0)):
        step = tiny.step(number, 100)
        weights = method.weights(step)
        assert weights["divergence"] == pytest.approx(0.001 * ramp)
        assert weights["information"] == pytest.approx(0.1 * ramp)
        assert (weights["spatial"], weights["topology"]) == (0.1, 1.0)
        terms = method.losses(batch, step=step)
        assert ({"divergence", "information"} <= set(terms)) == (ramp > 0)
        assert ({"divergence", "information"} & set(terms) == set()) == (ramp == 0)
    assert bda(schedule="joint").weights(tiny.step(0, 100)) == method.config.weights()


def test_noise_is_the_steps_own_and_the_embedding_has_none(tiny, bench, bda):
    method = bda()
    batch = tiny.batch(method, bench)
    value = [
        method.losses(batch, step=s)["classification"] for s in (tiny.step(3), tiny.step(3), tiny.step(4))
    ]
    assert torch.equal(value[0], value[1])
    assert not torch.equal(value[0], value[2])
    fixed = bda(streams="fixed")
    value = [fixed.losses(batch, step=s)["classification"] for s in (tiny.step(3), tiny.step(4))]
    assert torch.equal(*value)
    assert torch.equal(method.embed(batch.photo, "photo"), method.embed(batch.photo, "photo"))
    pooled = method.backbone(batch.photo, "photo")
    assert torch.equal(method.embed(batch.photo, "photo"), method.stream(pooled).mean)


def test_the_bottleneck_is_symmetric_and_half_a_square_at_deviation_one(tiny, bench, bda):
    method = bda(streams="fixed")
    batch = tiny.batch(method, bench)
    z = method.embed(batch.sketch, "sketch"), method.embed(batch.photo, "photo")
    y = batch.y_sketch, batch.y_photo
    pairs = [(z[0][i] - z[1][j]).square().sum() / 2
             for i in range(8) for j in range(8) if y[0][i] == y[1][j]]  # fmt: skip
    got = method.losses(batch, step=tiny.step())["divergence"]
    torch.testing.assert_close(got, torch.stack(pairs).mean(), rtol=1e-4, atol=1e-5)
    q = [method.stream(method.backbone(x, m)) for x, m in ((batch.sketch, "sketch"), (batch.photo, "photo"))]
    there, back = bottleneck_divergence(*q, *y), bottleneck_divergence(*q[::-1], *y[::-1])
    torch.testing.assert_close(there, back)
    assert isinstance(q[0], Gaussian)


def test_topology_brings_the_projections_to_the_given_distances(bda):
    method = bda()
    optimiser = torch.optim.Adam(method.projections.parameters(), lr=0.01)
    first = topology_preservation(method.projections(), method.distance).item()
    for _ in range(60):
        optimiser.zero_grad()
        loss = topology_preservation(method.projections(), method.distance)
        loss.backward()
        optimiser.step()
    assert loss < 0.2 * first
    p = method.projections().detach()
    assert rank_correlation(unit_distance(p, p), method.distance) > 0.5


def test_what_is_not_known_is_said_and_left_out(tiny, bench):
    classes = bench.train_classes

    def make(**told):
        return BDASketRet(
            BDASketRetConfig(dim=12, schedule="joint"), backbone=tiny.Maps(), classes=classes, **told
        )

    one = torch.full((4, 3), NAN)
    one[2] = 1.0
    for told in (
        {},
        {"vectors": torch.full((4, 3), NAN)},
        {"vectors": one},
        {"distance": torch.full((4, 4), NAN)},
    ):
        with pytest.warns(UserWarning, match="nothing is known of the classes"):
            method = make(**told)
        terms = method.losses(tiny.batch(method, bench), step=tiny.step())
        assert set(terms) == {"classification", "spatial", "divergence", "information"}
        assert all(v.isfinite() for v in terms.values())
    some = tiny.vectors(classes)
    some[1] = NAN
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        method = make(vectors=some)
        BDASketRet(BDASketRetConfig(topology=0.0), backbone=tiny.Maps(), classes=classes)
    terms = method.losses(tiny.batch(method, bench), step=tiny.step())
    torch.stack([*terms.values()]).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in method.parameters())
    assert (method.projections.stand_in.grad.norm(dim=1) > 0).tolist() == [False, True, False, False]
    again = rebuild(recipe(method))  # from shapes alone
    again.load_state_dict(method.state_dict())
    assert torch.equal(again.projections(), method.projections())
    for name, wrong in (("vectors", torch.zeros(3, 2)), ("distance", torch.zeros(3, 3))):
        with pytest.raises(ValueError, match=f"{name}: want a row for each of 4 training classes, got 3"):
            make(**{name: wrong})


def test_domain_accuracy_is_told_by_columns(tiny, bench, bda):
    """The adversary's columns are those of the table of modalities, on maps as the method stacks them."""
    method = bda()
    batch = tiny.batch(method, bench)
    maps, _ = method.backbone.both(*stacked((batch.sketch, batch.photo)))
    told = domain_classifier(16)
    with torch.no_grad():
        told[0].weight.zero_()
        told[0].bias[:] = torch.tensor([0.0, 0.0]).index_fill(0, torch.tensor(SKETCH), 5.0)
    assert domain_accuracy(maps[:8], maps[8:], told) == 0.5
    assert SKETCH != PHOTO
