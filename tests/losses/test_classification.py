import math

import pytest
import torch

from sbirkit.losses import cosine_classification, cross_entropy

N, C, D = 5, 3, 4
Y = torch.tensor([0, 2, 1, 1, 0])


def inputs(dtype=torch.float64, n=N):
    g = torch.Generator().manual_seed(2)
    return torch.randn(n, D, generator=g, dtype=dtype), torch.randn(C, D, generator=g, dtype=dtype)


def naive(g, p, temperature=None):
    """One item, one class at a time; without a temperature the products are the logits."""
    total = 0
    for i in range(len(g)):
        logits = []
        for c in range(len(p)):
            dot = (g[i] * p[c]).sum()
            lengths = (g[i] * g[i]).sum().sqrt() * (p[c] * p[c]).sum().sqrt()
            logits.append(dot if temperature is None else dot / lengths / temperature)
        total = total - torch.log(torch.exp(logits[Y[i]]) / sum(map(torch.exp, logits)))
    return total / len(g)


CASES = {
    "plain": (lambda g, p: cross_entropy(g @ p.T, Y), naive),
    "cosine": (
        lambda g, p: cosine_classification(g, p, Y, temperature=0.2),
        lambda g, p: naive(g, p, 0.2),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_value_and_gradients_equal_naive(case):
    results = []
    for f in CASES[case]:
        leaves = [x.requires_grad_() for x in inputs()]
        loss = f(*leaves)
        results.append((loss, *torch.autograd.grad(loss, leaves)))
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("case", CASES)
def test_gradient_equals_finite_differences(case):
    torch.autograd.gradcheck(CASES[case][0], tuple(x.requires_grad_() for x in inputs()))


def test_cosine_ignores_scale_and_duplicated_rows():
    g, p = inputs()
    base = cosine_classification(g, p, Y)
    torch.testing.assert_close(cosine_classification(7 * g, p / 5, Y), base)
    torch.testing.assert_close(cosine_classification(torch.cat([g, g]), p, torch.cat([Y, Y])), base)


def test_no_item_is_zero_with_gradient_and_one_class_costs_nothing():
    g, p = (x.requires_grad_() for x in inputs(n=0))
    loss = cosine_classification(g, p, Y[:0])
    loss.backward()
    assert loss.item() == 0
    assert not p.grad.any()
    g, p = inputs()
    assert cosine_classification(g, p[:1], torch.zeros_like(Y)).item() == 0
    assert cosine_classification(g[:1], torch.ones(C, D).double(), Y[:1]).item() == pytest.approx(math.log(C))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    g, p = (x.to(dtype) for x in inputs())
    want = cosine_classification(g.float(), p.float(), Y)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = cosine_classification(g, p, Y)
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, want, rtol=0, atol=1e-6)
    torch.testing.assert_close(cross_entropy(g, Y), cross_entropy(g.float(), Y))


@pytest.mark.parametrize("bad", [-100, -1, C])  # torch takes -100 for "skip this one"
def test_says_which_label_is_out_of_range(bad):
    g, p = inputs()
    y = Y.clone()
    y[3] = bad
    with pytest.raises(ValueError, match=f"y: want class ids in 0 to 2, got .*{bad}.*; number the classes"):
        cosine_classification(g, p, y)


def test_says_what_is_wrong():
    g, p = inputs()
    with pytest.raises(ValueError, match="want the same width for g and projections"):
        cosine_classification(g, p[:, :2], Y)
    with pytest.raises(TypeError, match="want whole-number class ids"):
        cross_entropy(g, Y.double())
    with pytest.raises(ValueError, match="temperature"):
        cosine_classification(g, p, Y, temperature=0.0)
