"""DSN: what each term moves, a teacher that stays, a memory that is written as the text means it."""

import warnings
from copy import deepcopy

import pytest
import torch
from torch.nn import functional as F

from sbirkit.losses import distil, supervised_contrastive
from sbirkit.models import DSN, DSNConfig, backbone, make
from sbirkit.models.heads import svd_factors
from sbirkit.training import TrainConfig, fit, reach


@pytest.fixture
def dsn(tiny, bench):
    def make(**options):
        return tiny.system("dsn", bench.train_classes, **options)

    return make


def parts(found):
    return {term: {name.split(".")[0] for name in names} for term, names in found.items()}


def test_each_term_moves_its_own_parts(tiny, bench, dsn):
    method = dsn(head="mlp")
    batch = tiny.batch(method, bench)
    assert "memory" not in {t for t, names in reach(method, batch, step=tiny.step()).items() if names}
    method.after_step(batch, tiny.step())
    shared = {"backbone", "projection"}
    assert parts(reach(method, batch, step=tiny.step())) == {
        "classification": shared | {"classifier"},
        "distillation": shared | {"head"},
        "contrastive": shared | {"contrast"},
        "memory": {"backbone"},  # of the pooled features, as in the released code
    }
    released = dsn(memory_gradient="released")
    released.losses(batch, step=tiny.step())
    released.after_step(batch, tiny.step())
    terms = released.losses(batch, step=tiny.step())
    assert terms["memory"] > 0
    assert reach(released, batch, step=tiny.step())["memory"] == set()


def test_the_teacher_is_the_backbone_as_it_was_and_never_moves(tiny, bench, dsn):
    net = tiny.Maps(classes=tiny.TEACHES)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    method = dsn(net=net)
    batch = tiny.batch(method, bench)
    assert not any("teacher" in name for name in method.state_dict())
    assert not any("teacher" in name for name, _ in method.named_parameters())
    optimiser = torch.optim.SGD(method.parameters(), lr=0.1)
    logits = method.taught(batch.photo)
    for _ in range(3):
        optimiser.zero_grad()
        torch.stack([*method.losses(batch, step=tiny.step()).values()]).sum().backward()
        optimiser.step()
        method.train()
    assert all(torch.equal(v, before[k]) for k, v in method.teacher.state_dict().items())
    assert not method.teacher.training
    assert torch.equal(method.taught(batch.photo), logits)
    assert not torch.equal(method.backbone.backbone.first.stage.weight, before["first.weight"])


def test_starts_as_the_teachers_classifier_factorised(tiny, bench, dsn):
    net = tiny.Maps(classes=tiny.TEACHES)
    weight = net.classifier.weight.detach().clone()
    for distillation in (1.0, 0.0):  # where it starts does not depend on a weight
        method = dsn(net=tiny.Maps(classes=tiny.TEACHES), distillation=distillation)
        embed, classify = svd_factors(weight, 12)
        assert torch.equal(method.projection.weight, embed)
        assert torch.equal(method.head.weight, classify)


def test_terms_are_the_losses_of_the_right_rows(tiny, bench, dsn):
    method = dsn()
    batch, n = tiny.batch(method, bench), 8
    terms = method.losses(batch, step=tiny.step())
    e = method.embed(batch.photo, "photo")
    want = distil(method.head(e), method.taught(batch.photo), method.affinity[batch.y_photo], nu=0.3)
    torch.testing.assert_close(terms["distillation"], want)
    rows = [
        method.embed(x, m) for view in batch.views for x, m in zip(view, ("sketch", "photo"), strict=True)
    ]
    labels = torch.cat([batch.y_sketch, batch.y_photo] * 2)
    want = supervised_contrastive(torch.cat(rows), labels, temperature=0.07)
    torch.testing.assert_close(terms["contrastive"], want)
    logits = method.classifier(torch.cat([method.embed(batch.sketch, "sketch"), e]))
    torch.testing.assert_close(terms["classification"], F.cross_entropy(logits, labels[: 2 * n]))
    assert len(method.views()) == 2
    assert dsn(contrastive=0.0).views() == ()


def test_the_memory_is_written_after_the_loss_and_forgotten_with_the_epoch(tiny, bench, dsn):
    method = dsn()
    batch = tiny.batch(method, bench)
    assert method.losses(batch, step=tiny.step())["memory"] == 0
    assert not method.memory.filled.any()
    method.after_step(batch, tiny.step())
    assert method.memory.filled.tolist() == [2, 2, 2, 2]
    assert torch.equal(method.memory.bank[batch.y_sketch[0], 0], method.backbone(batch.sketch, "sketch")[0])
    assert not method.memory.bank.requires_grad
    keeps = dsn(empty=False)
    for one, left in ((method, 0), (keeps, 2)):
        one.losses(batch, step=tiny.step())
        one.memory.empty()
        one.after_step(batch, tiny.step())
        one.begin_epoch(1)
        assert one.memory.filled.max() == left


def test_without_a_teacher_it_says_so_and_goes_on(tiny, bench):
    classes = bench.train_classes
    with pytest.warns(UserWarning, match="no classifier to learn from, so distillation is off"):
        method = DSN(DSNConfig(dim=12, slots=3), backbone=tiny.Maps(), classes=classes)
    assert "distillation" not in method.losses(tiny.batch(method, bench), step=tiny.step())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DSN(DSNConfig(dim=12, distillation=0.0, slots=3), backbone=tiny.Maps(), classes=classes)
        plain = DSN(DSNConfig(dim=12, slots=3), backbone=tiny.Maps(classes=5), classes=classes)
    batch = tiny.batch(plain, bench)
    want = distil(plain.head(plain.embed(batch.photo, "photo")), plain.taught(batch.photo))
    torch.testing.assert_close(plain.losses(batch, step=tiny.step())["distillation"], want)
    with pytest.raises(
        ValueError, match=r"affinity: want a row for each of 4 training|want a row for each of 4"
    ):
        DSN(DSNConfig(dim=12), backbone=tiny.Maps(classes=5), classes=classes, affinity=torch.zeros(3, 5))


def test_in_evaluation_a_joint_pass_is_two_separate_ones(tiny, bench):
    method = tiny.system("dsn", bench.train_classes, net=backbone("convnet", width=8, classes=16)).eval()
    batch = tiny.batch(method, bench)
    for p in method.backbone.parameters():
        if p.ndim > 1:
            torch.nn.init.normal_(p, std=0.2)
    joint = method.projection(method.together((batch.sketch, batch.photo)))
    apart = [method.embed(batch.sketch, "sketch"), method.embed(batch.photo, "photo")]
    torch.testing.assert_close(joint, torch.cat(apart))
    assert not torch.allclose(method.embed(batch.photo, "sketch"), apart[1])


def test_a_method_made_anew_from_a_run_embeds_and_says_that_its_teacher_is_not_there(tiny, bench, tmp_path):
    made = make("dsn", bench)
    few = TrainConfig(steps=1, p=2, k=2, size=tiny.SIZE, warmup=0, checkpoint_every=0, device="cpu")
    run = fit(made, bench, few, out=tmp_path / "run", progress=False)
    anew, given = run.method(), run.method(make("dsn", bench))
    batch = tiny.batch(made, bench)
    assert torch.equal(anew.embed(batch.photo, "photo"), made.embed(batch.photo, "photo"))
    terms = [method.losses(batch, step=tiny.step())["distillation"] for method in (made, given)]
    assert torch.equal(*terms)
    with pytest.raises(ValueError, match=r"teacher: not among the weights of a run.*run.method\(method\)"):
        deepcopy(anew).losses(batch, step=tiny.step())
