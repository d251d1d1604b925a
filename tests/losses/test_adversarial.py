import math

import pytest
import torch
from torch import nn

from sbirkit.losses.adversarial import (
    domain_accuracy,
    domain_classifier,
    domain_confusion,
    domain_error,
    reverse,
    spatial_adversarial,
)
from sbirkit.losses.modality import PHOTO, SKETCH

C = 4


def maps(s=2, p=3, dtype=torch.float64):
    g = torch.Generator().manual_seed(3)
    return torch.randn(s, C, 2, 3, generator=g, dtype=dtype), torch.randn(
        p, C, 2, 2, generator=g, dtype=dtype
    )


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    return domain_classifier(C, hidden=3).double()


def naive(kind, sketch, photo, classifier):
    """The dossier's equations, one cell at a time; shares no code with sbirkit."""
    w1, b1, w2, b2 = (p.flatten(1) if p.ndim == 4 else p for p in classifier.parameters())
    total = 0
    for stream, own in ((sketch, SKETCH), (photo, PHOTO)):
        n, _, h, w = stream.shape
        for i in range(n):
            for row in range(h):
                for column in range(w):
                    a = w2 @ (w1 @ stream[i, :, row, column] + b1).clamp(min=0) + b2
                    log = a - torch.log(torch.exp(a).sum())
                    cost = -log[own] if kind == "error" else -(log[0] + log[1]) / 2
                    total = total + cost / (n * h * w)
    return total


KINDS = {"error": domain_error, "confusion": domain_confusion}


@pytest.mark.parametrize("kind", KINDS)
def test_value_and_gradients_equal_naive(kind, classifier):
    results = []
    for f in (KINDS[kind], lambda *args: naive(kind, *args)):
        s, p = (x.requires_grad_() for x in maps())
        loss = f(s, p, classifier)
        results.append((loss, *torch.autograd.grad(loss, (s, p))))
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_equals_finite_differences(kind, classifier):
    s, p = (x.requires_grad_() for x in maps())
    torch.autograd.gradcheck(lambda a, b: KINDS[kind](a, b, classifier), (s, p))


def gradients(loss, leaves):
    return torch.autograd.grad(loss, leaves, allow_unused=True, retain_graph=True)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_reversal_turns_the_encoders_gradient_and_not_the_classifiers(classifier, strength):
    s, p = (x.requires_grad_() for x in maps())
    mine, theirs = [*classifier.parameters()], [s, p]
    loss, plain = spatial_adversarial(s, p, classifier, strength=strength), domain_error(s, p, classifier)
    torch.testing.assert_close(loss, plain)
    for got, want in zip(gradients(loss, mine), gradients(plain, mine), strict=True):
        torch.testing.assert_close(got, want)
    for got, want in zip(gradients(loss, theirs), gradients(plain, theirs), strict=True):
        torch.testing.assert_close(got, -strength * want)
        assert want.abs().max() > 1e-3


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_confusion_gives_each_player_its_own_gradient_only(classifier, strength):
    s, p = (x.requires_grad_() for x in maps())
    mine, theirs = [*classifier.parameters()], [s, p]
    confusion, error = domain_confusion(s, p, classifier), domain_error(s, p, classifier)
    assert gradients(confusion, mine) == (None,) * 4
    loss = spatial_adversarial(s, p, classifier, form="confusion", strength=strength)
    torch.testing.assert_close(loss, strength * confusion + error)
    for got, want in zip(gradients(loss, mine), gradients(error, mine), strict=True):
        torch.testing.assert_close(got, want)
    for got, want in zip(gradients(loss, theirs), gradients(confusion, theirs), strict=True):
        torch.testing.assert_close(got, strength * want)
        assert want.abs().max() > 1e-3


def test_reversal_of_a_reversal_and_its_second_derivative():
    x = torch.tensor([2.0, 3.0], dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad((reverse(x, 0.5) ** 2).sum(), x, create_graph=True)
    torch.testing.assert_close(g, -x.detach())
    (h,) = torch.autograd.grad(g.sum(), x)  # -0.5 * 2 * d reverse(x), reversed once more
    torch.testing.assert_close(h, torch.full_like(x, 0.5))
    torch.testing.assert_close(torch.autograd.grad(reverse(reverse(x)).sum(), x)[0], torch.ones_like(x))


@pytest.mark.parametrize("form", ["reversal", "confusion"])
def test_a_game_on_shifted_maps_ends_at_a_guess(form):
    """The encoder is one shift per stream: it has to make up for the gap that the classifier sees."""
    torch.manual_seed(0)
    s, p = maps(8, 8, torch.float32)
    s, p = (x - x.mean((0, 2, 3), keepdim=True) for x in (s, p))
    shift = nn.Parameter(torch.ones(C, 1, 1))  # sketches lie one to the side
    d = domain_classifier(C)
    judge = torch.optim.SGD(d.parameters(), lr=0.5)
    for _ in range(60):
        judge.zero_grad()
        domain_error(s + shift.detach(), p, d).backward()
        judge.step()
    seen = domain_accuracy(s + shift, p, d)
    both = torch.optim.SGD([{"params": d.parameters(), "lr": 0.5}, {"params": [shift], "lr": 0.2}])
    for _ in range(300):
        both.zero_grad()
        spatial_adversarial(s + shift, p, d, form=form).backward()
        both.step()
    assert seen > 0.8
    assert shift.abs().mean() < 0.2  # from one
    assert abs(domain_accuracy(s + shift, p, d) - 0.5) < 0.15
    assert domain_error(s + shift, p, d).item() == pytest.approx(2 * math.log(2), abs=0.05)


@pytest.mark.parametrize("form", ["reversal", "confusion"])
@pytest.mark.parametrize(("n", "m"), [(0, 3), (2, 0), (0, 0), (1, 1)])
def test_a_missing_stream_is_zero_with_gradient(classifier, form, n, m):
    s, p = (x.requires_grad_() for x in maps(n, m))
    loss = spatial_adversarial(s, p, classifier, form=form)
    loss.backward()
    assert (loss.item() == 0) == (n * m == 0)
    for x in (s, p, *classifier.parameters()):
        assert torch.isfinite(x.grad).all()
        assert n * m or not x.grad.any()
    assert math.isnan(domain_accuracy(s, p, classifier)) == (n * m == 0)


def test_duplicated_maps_and_unequal_streams_change_nothing(classifier):
    s, p = maps()
    for f in (*KINDS.values(), domain_accuracy):
        with torch.no_grad():
            a, b = f(s, torch.cat([p, p, p]), classifier), f(s, p, classifier)
        assert float(a) == pytest.approx(float(b))


@pytest.mark.parametrize("form", ["reversal", "confusion"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(classifier, dtype, form):
    s, p = (x.to(dtype) for x in maps())
    d = classifier.float()
    want = spatial_adversarial(s.float(), p.float(), d, form=form)
    got = spatial_adversarial(s, p, d, form=form)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = spatial_adversarial(s, p, d, form=form)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, want)
    torch.testing.assert_close(inside, want, rtol=0, atol=1e-6)


def test_accuracy_counts_cells_and_knows_the_streams():
    s, p = torch.zeros(1, C, 1, 4), torch.zeros(1, C, 1, 1)
    s[0, 0, 0, :3] = 1  # three of four sketch cells show a sketch, the photo's cell shows none
    told = lambda x: torch.stack([0.5 - x[:, 0], x[:, 0] - 0.5] if PHOTO == 0 else [x[:, 0], 1 - x[:, 0]], 1)  # noqa: E731
    assert domain_accuracy(s, p, told) == pytest.approx((0.75 + 1) / 2)
    assert domain_accuracy(p, s, told) == pytest.approx((0 + 0.25) / 2)


def test_says_what_is_wrong(classifier):
    s, p = maps()
    with pytest.raises(
        ValueError, match=r"want feature maps \(N, C, H, W\) of the same C, got .*\(3, 3, 2, 2\)"
    ):
        domain_error(s, p[:, :3], classifier)
    with pytest.raises(ValueError, match="want feature maps"):
        domain_confusion(s[0], p, classifier)
    with pytest.raises(ValueError, match="form: want one of 'reversal', 'confusion'"):
        spatial_adversarial(s, p, classifier, form="flip")
    with pytest.raises(ValueError, match="strength: want a number in"):
        spatial_adversarial(s, p, classifier, strength=-1)
