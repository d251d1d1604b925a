"""The cross-modal triplet: against the equation by hand, a peer, and every batch that has nothing to say."""

import sys

import pytest
import torch

from sbirkit.losses import cross_modal_triplet


def naive(sketch, photo, ys, yp, margin, mining="all"):
    """The equation, one triplet at a time. Slow on purpose; shares no code with sbirkit."""

    def dist(a, b):
        a, b = a / (a * a).sum().sqrt(), b / (b * b).sum().sqrt()
        return ((a - b) ** 2).sum().sqrt()

    terms = []
    for i in range(len(sketch)):
        positive = [dist(sketch[i], photo[p]) for p in range(len(photo)) if yp[p] == ys[i]]
        negative = [dist(sketch[i], photo[n]) for n in range(len(photo)) if yp[n] != ys[i]]
        if mining == "hard" and positive and negative:
            terms.append((margin + max(positive) - min(negative)).clamp(min=0))
        if mining == "all":
            hinges = [margin + p - n for p in positive for n in negative]
            terms += [h for h in hinges if h > 0]
    return sum(terms) / len(terms) if terms else torch.zeros((), dtype=sketch.dtype)


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(7)
    s, x = (torch.randn(n, 8, generator=g, dtype=torch.float64) for n in (5, 6))
    return s, x, torch.tensor([0, 0, 1, 2, 2]), torch.tensor([0, 1, 1, 2, 2, 3])


MODES = pytest.mark.parametrize("mining", ["all", "hard"])


@MODES
@pytest.mark.parametrize("margin", [0.0, 0.05, 0.2, 1.0, 2.0])
def test_equals_naive_with_its_gradient(batch, margin, mining):
    s, x, ys, yp = batch
    mine, hand = ([t.clone().requires_grad_() for t in (s, x)] for _ in range(2))
    got, want = (
        cross_modal_triplet(*mine, ys, yp, margin=margin, mining=mining),
        naive(*hand, ys, yp, margin, mining),
    )
    assert want > 0
    torch.testing.assert_close(got, want)
    got.backward(), want.backward()
    torch.testing.assert_close([t.grad for t in mine], [t.grad for t in hand])


@MODES
def test_gradient_equals_finite_differences(batch, mining):
    s, x, ys, yp = batch
    inputs = s.requires_grad_(), x.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: cross_modal_triplet(a, b, ys, yp, mining=mining), inputs)


@MODES
def test_ignores_scale_order_and_class_names(batch, mining):
    s, x, ys, yp = batch
    base, perm = cross_modal_triplet(*batch, mining=mining), torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(cross_modal_triplet(9 * s, x[perm], ys, yp[perm], mining=mining), base)
    torch.testing.assert_close(cross_modal_triplet(s, x, 100 - ys, 100 - yp, mining=mining), base)


@MODES
def test_duplicated_photos(batch, mining):
    """Twice every photo is four times every triplet: the mean stays."""
    s, x, ys, yp = batch
    twice = cross_modal_triplet(s, x.repeat(2, 1), ys, yp.repeat(2), mining=mining)
    torch.testing.assert_close(twice, cross_modal_triplet(*batch, mining=mining))


def test_a_negative_exactly_at_the_margin_is_not_active():
    """The same photo under two classes, margin 0: that hinge is zero and stays out of the mean."""
    s = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    x = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.6, 0.8]], dtype=torch.float64)
    ours, hand = (x.clone().requires_grad_() for _ in range(2))
    labels = torch.tensor([0]), torch.tensor([0, 1, 2])
    got, want = cross_modal_triplet(s, ours, *labels, margin=0.0), naive(s, hand, *labels, 0.0)
    torch.testing.assert_close(got, want)
    assert got.item() == pytest.approx(2**0.5 - 0.8**0.5)
    got.backward(), want.backward()
    torch.testing.assert_close(ours.grad, hand.grad)


@MODES
def test_one_class_has_no_negative_however_large_the_margin(mining):
    y = torch.zeros(2, dtype=torch.int64)
    assert cross_modal_triplet(torch.eye(2), torch.eye(2), y, y, margin=2.0, mining=mining) == 0


@MODES
def test_a_collapsed_embedding_costs_the_margin_and_has_a_finite_gradient(mining):
    s = torch.ones(4, 3, requires_grad=True)
    y = torch.tensor([0, 0, 1, 1])
    loss = cross_modal_triplet(s, torch.ones(4, 3), y, y, margin=0.3, mining=mining)
    loss.backward()
    assert loss.item() == pytest.approx(0.3)
    assert torch.isfinite(s.grad).all()


@MODES
@pytest.mark.parametrize(
    ("ys", "yp"),
    [
        ([0, 0], [0, 0]),
        ([0, 1], [2, 3]),
        ([0], [0]),
        ([0], [1]),
        ([], [0]),
        ([0], []),
        ([], []),
        ([0, 1], [0, 1]),
    ],
    ids=[
        "one class",
        "no positive",
        "one pair",
        "one stranger",
        "no sketch",
        "no photo",
        "empty",
        "satisfied",
    ],
)
def test_no_triplet_is_zero_with_grad(ys, yp, mining):
    s, x = torch.eye(2)[: len(ys)].requires_grad_(), torch.eye(2)[: len(yp)].requires_grad_()
    labels = (torch.tensor(y, dtype=torch.int64) for y in (ys, yp))
    loss = cross_modal_triplet(s, x, *labels, margin=0.1, mining=mining)
    loss.backward()
    assert loss.item() == 0
    assert (s.grad == 0).all()
    assert (x.grad == 0).all()


@MODES
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(batch, mining, dtype):
    s, x, ys, yp = batch
    s, x = s.to(dtype).requires_grad_(), x.to(dtype)
    loss = cross_modal_triplet(s, x, ys, yp, mining=mining)
    torch.testing.assert_close(
        loss, cross_modal_triplet(s.float(), x.float(), ys, yp, mining=mining), rtol=0, atol=0
    )
    loss.backward()
    assert s.grad.dtype == dtype


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("margin", [0.05, 0.2])
@MODES
def test_equals_pytorch_metric_learning(seed, margin, mining):
    pytest.importorskip("pytorch_metric_learning", reason="peers are in the `bench` extra")
    from pytorch_metric_learning import distances, losses, miners, reducers

    g = torch.Generator().manual_seed(seed)
    s, x = (torch.randn(n, 64, generator=g) for n in (40, 48))
    ys, yp = (torch.randint(0, 6, (len(t),), generator=g) for t in (s, x))
    ours, theirs = ([t.clone().requires_grad_() for t in (s, x)] for _ in range(2))
    got = cross_modal_triplet(*ours, ys, yp, margin=margin, mining=mining)
    reducer = reducers.AvgNonZeroReducer() if mining == "all" else reducers.MeanReducer()
    loss = losses.TripletMarginLoss(margin=margin, distance=distances.LpDistance(), reducer=reducer)
    chosen = (
        miners.BatchHardMiner(distance=distances.LpDistance())(s, ys, x, yp) if mining == "hard" else None
    )
    want = loss(theirs[0], ys, chosen, theirs[1], yp)
    assert abs(got - want) < 1e-5
    got.backward(), want.backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-5)


def test_large_batches_build_no_cubic_tensor():
    """1,500 x 1,500 with two classes: the (S, P, P) tensor would take 13 GB."""
    resource = pytest.importorskip("resource", reason="memory limits are a POSIX matter")
    s = torch.randn(1500, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = torch.arange(1500) % 2
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cross_modal_triplet(s, s.flip(0), y, y).backward()
    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 1e9
    assert torch.isfinite(s.grad).all()


def test_says_which_argument_is_wrong(batch):
    s, x, ys, yp = batch
    with pytest.raises(ValueError, match=r"photo: want \(N, D\) and \(N,\), got \(6, 8\) and \(5,\)"):
        cross_modal_triplet(s, x, ys, yp[:5])
    with pytest.raises(ValueError, match=r"sketch \(5, 7\), photo \(6, 8\)"):
        cross_modal_triplet(s[:, 1:], x, ys, yp)
    with pytest.raises(ValueError, match=r"margin: want a number in \[0, 2\], got -1"):
        cross_modal_triplet(*batch, margin=-1)
    with pytest.raises(ValueError, match=r"mining: want one of 'all', 'hard', got 'semi'"):
        cross_modal_triplet(*batch, mining="semi")
