import math

import pytest
import torch

from sbirkit.losses.image_text import image_text_contrast


def naive(image, text, positives, scale):
    """The equation, one pair at a time; ``positives(i, j)`` says whether they belong together."""
    image, text = ([r / (r * r).sum().sqrt() for r in rows] for rows in (image, text))
    n, total = len(image), 0
    e = [[torch.exp(scale * (text[i] * image[j]).sum()) for j in range(n)] for i in range(n)]
    for i in range(n):
        mine = [j for j in range(n) if positives(i, j)]
        row, column = sum(e[i]), sum(e[k][i] for k in range(n))
        total = total - sum(torch.log(e[i][j] / row) for j in mine) / len(mine)
        total = total - sum(torch.log(e[j][i] / column) for j in mine) / len(mine)
    return total / (2 * n)


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(2)
    image, text = (torch.randn(6, 4, generator=g, dtype=torch.float64) for _ in range(2))
    return image, text, torch.tensor([3, 1, 3, 0, 1, 3])


@pytest.mark.parametrize("targets", ["diagonal", "label-aware"])
@pytest.mark.parametrize("scale", [1 / 0.07, 1.5])
def test_value_and_gradient_equal_naive(batch, targets, scale):
    image, text, y = batch
    together = (lambda i, j: i == j) if targets == "diagonal" else (lambda i, j: y[i] == y[j])
    a, b = ([image.clone().requires_grad_(), text.clone().requires_grad_()] for _ in range(2))
    one, other = image_text_contrast(*a, y, scale=scale, targets=targets), naive(*b, together, scale)
    torch.testing.assert_close(one, other)
    one.backward()
    other.backward()
    for mine, theirs in zip(a, b, strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)


@pytest.mark.parametrize("targets", ["diagonal", "label-aware"])
def test_gradient_equals_finite_differences_scale_included(batch, targets):
    image, text, y = batch
    log_scale = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(
        lambda v, t, s: image_text_contrast(v, t, y, scale=s.exp(), targets=targets),
        (image.requires_grad_(), text.requires_grad_(), log_scale),
    )


def test_label_aware_is_diagonal_when_all_classes_differ(batch):
    image, text, _ = batch
    aware = image_text_contrast(image, text, torch.tensor([9, 4, 2, 7, 1, 0]), targets="label-aware")
    torch.testing.assert_close(aware, image_text_contrast(image, text))


def test_only_diagonal_targets_push_equal_captions_apart():
    """Two identical pairs beside another: at the label-aware optimum the gradient is gone."""
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    y = torch.tensor([0, 0, 1])
    aware = image_text_contrast(x, x, y, scale=50.0, targets="label-aware").item()
    diagonal = image_text_contrast(x, x, y, scale=50.0).item()
    assert aware == pytest.approx(2 / 3 * math.log(2), abs=1e-5)  # the entropy of the targets
    assert diagonal == pytest.approx(aware, abs=1e-5)
    apart = torch.tensor([[0.9, 0.3], [0.9, -0.3], [-1.0, 0.0]])
    assert image_text_contrast(apart, apart, y, scale=50.0).item() < diagonal - 0.1
    assert image_text_contrast(apart, apart, y, scale=50.0, targets="label-aware").item() > aware + 0.1


@pytest.mark.parametrize("targets", ["diagonal", "label-aware"])
def test_ignores_scale_order_and_the_roles(batch, targets):
    image, text, y = batch
    base = image_text_contrast(image, text, y, targets=targets)
    torch.testing.assert_close(
        image_text_contrast(3 * image.flip(0), text.flip(0), y.flip(0), targets=targets), base
    )
    torch.testing.assert_close(image_text_contrast(text, image, y, targets=targets), base)


@pytest.mark.parametrize("targets", ["diagonal", "label-aware"])
@pytest.mark.parametrize("n", [0, 1])
def test_none_or_one_pair_is_zero_with_gradient(n, targets):
    image = torch.randn(n, 3, requires_grad=True)
    loss = image_text_contrast(image, torch.randn(n, 3), torch.zeros(n, dtype=torch.int64), targets=targets)
    loss.backward()
    assert loss.item() == 0
    assert image.grad.abs().sum() < 1e-6


@pytest.mark.parametrize("targets", ["diagonal", "label-aware"])
def test_one_class_of_equal_rows_is_log_n(targets):
    x = torch.ones(4, 3, requires_grad=True)
    loss = image_text_contrast(x, torch.ones(4, 3), torch.zeros(4, dtype=torch.int64), targets=targets)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(4), abs=1e-5)
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(batch, dtype):
    image, text, _ = (x.to(dtype) for x in batch)
    got = image_text_contrast(image, text)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, image_text_contrast(image.float(), text.float()))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(image_text_contrast(image.float(), text.float()), got, rtol=0, atol=1e-6)


def test_says_what_is_wrong(batch):
    image, text, y = batch
    with pytest.raises(ValueError, match="y: targets='label-aware' needs the class of every pair"):
        image_text_contrast(image, text, targets="label-aware")
    with pytest.raises(ValueError, match=r"text: want \(N, D\) and \(N,\), got \(5, 4\) and \(6,\)"):
        image_text_contrast(image, text[:5], y)
    with pytest.raises(ValueError, match="want the same width for image and text"):
        image_text_contrast(image, text[:, :3])
    with pytest.raises(ValueError, match="targets: want one of"):
        image_text_contrast(image, text, targets="rows")
    with pytest.raises(ValueError, match="scale: want"):
        image_text_contrast(image, text, scale=-1.0)
