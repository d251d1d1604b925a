import math

import pytest
import torch

from sbirkit.losses.contrastive import projection_head, supervised_contrastive


def naive(z, y, temperature):
    """The equation, one pair at a time; shares no code with sbirkit."""
    z = [row / (row * row).sum().sqrt() for row in z]
    terms = []
    for i in range(len(z)):
        others = [a for a in range(len(z)) if a != i]
        positives = [p for p in others if y[p] == y[i]]
        if positives:
            below = sum(torch.exp((z[i] * z[a]).sum() / temperature) for a in others)
            each = [torch.log(torch.exp((z[i] * z[p]).sum() / temperature) / below) for p in positives]
            terms.append(-sum(each) / len(each))
    return sum(terms) / len(terms) if terms else torch.zeros((), dtype=torch.float64)


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(3)
    return torch.randn(9, 6, generator=g, dtype=torch.float64), torch.tensor([0, 2, 0, 1, 5, 2, 0, 7, 2])


@pytest.mark.parametrize("temperature", [0.07, 0.5, 3.0])
def test_value_and_gradient_equal_naive(batch, temperature):
    z, y = batch
    a, b = z.clone().requires_grad_(), z.clone().requires_grad_()
    one, other = supervised_contrastive(a, y, temperature=temperature), naive(b, y, temperature)
    torch.testing.assert_close(one, other)
    one.backward()
    other.backward()
    torch.testing.assert_close(a.grad, b.grad)


def test_gradient_equals_finite_differences(batch):
    z, y = batch
    torch.autograd.gradcheck(lambda x: supervised_contrastive(x, y, temperature=0.3), z.requires_grad_())


def test_equals_pytorch_metric_learning():
    losses = pytest.importorskip("pytorch_metric_learning.losses", reason="compares with its SupConLoss")
    g = torch.Generator().manual_seed(0)
    for seed, classes in enumerate((2, 5, 40)):  # with 40 classes some anchors have no positive
        z = torch.randn(64, 32, generator=g.manual_seed(seed))
        y = torch.randint(classes, (64,), generator=g)
        a, b = z.clone().requires_grad_(), z.clone().requires_grad_()
        one, other = supervised_contrastive(a, y, temperature=0.07), losses.SupConLoss(temperature=0.07)(b, y)
        one.backward()
        other.backward()
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)
        torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=1e-5)


def test_ignores_scale_and_order(batch):
    z, y = batch
    order = torch.randperm(len(z), generator=torch.Generator().manual_seed(1))
    base = supervised_contrastive(z, y)
    torch.testing.assert_close(supervised_contrastive(7 * z[order], y[order]), base)
    torch.testing.assert_close(supervised_contrastive(z, 100 - y), base)


def test_shards_average_to_the_whole(batch):
    """What each of three processes computes on gathered rows; anchors without positives lie unevenly."""
    z, y = batch
    whole, parts = z.clone().requires_grad_(), z.clone().requires_grad_()
    supervised_contrastive(whole, y).backward()
    shards = [
        supervised_contrastive(parts[k : k + 3], y[k : k + 3], against=parts, y_against=y, first=k)
        for k in (0, 3, 6)
    ]
    mean = sum(shards) / 3
    mean.backward()
    torch.testing.assert_close(mean, supervised_contrastive(z, y))
    torch.testing.assert_close(parts.grad, whole.grad)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_no_positive_is_zero_with_gradient(n):
    z = torch.randn(n, 3, requires_grad=True)
    with torch.autograd.set_detect_anomaly(True):  # no NaN even where it would be masked later
        loss = supervised_contrastive(z, torch.arange(n))
        loss.backward()
    assert loss.item() == 0
    assert z.grad.eq(0).all()


def test_one_class_of_equal_rows_is_log_of_the_others():
    z = torch.ones(5, 3, requires_grad=True)  # every other item is as near as every positive
    loss = supervised_contrastive(z, torch.zeros(5, dtype=torch.int64))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(4), abs=1e-5)
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(batch, dtype):
    z, y = batch[0].to(dtype), batch[1]
    got = supervised_contrastive(z, y)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, supervised_contrastive(z.float(), y))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(supervised_contrastive(z.float(), y), got, rtol=0, atol=1e-6)


def test_projection_head_has_one_layer_or_two():
    assert [m.weight.shape for m in projection_head(8, width=3, hidden=False)] == [(3, 8)]
    assert [tuple(p.shape) for p in projection_head(8, width=3).parameters()] == [(8, 8), (8,), (3, 8), (3,)]


def test_says_what_is_wrong(batch):
    z, y = batch
    with pytest.raises(ValueError, match=r"z: want \(N, D\) and \(N,\), got \(9, 6\) and \(8,\)"):
        supervised_contrastive(z, y[:8])
    with pytest.raises(ValueError, match="temperature: want"):
        supervised_contrastive(z, y, temperature=0)
    with pytest.raises(ValueError, match="against and y_against go together"):
        supervised_contrastive(z, y, against=z)
    with pytest.raises(ValueError, match="first: 9 anchors from row 1 do not fit in 9 rows"):
        supervised_contrastive(z, y, against=z, y_against=y, first=1)
    with pytest.raises(ValueError, match="want the same width"):
        supervised_contrastive(z, y, against=z[:, :3], y_against=y)
