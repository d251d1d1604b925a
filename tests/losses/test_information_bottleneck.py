import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from sbirkit.losses.information_bottleneck import (
    Gaussian,
    GaussianStream,
    adaptation_ramp,
    bottleneck_divergence,
    pairwise_kl,
    shared_information,
    standard_kl,
)

S, P, D = 5, 6, 3
Y_S, Y_P = torch.tensor([0, 0, 1, 2, 4]), torch.tensor([0, 1, 1, 2, 3, 0])
DIRECTIONS = ["symmetric", "sketch-photo", "photo-sketch"]


def tensors(dtype=torch.float64, s=S, p=P):
    g = torch.Generator().manual_seed(11)
    return [torch.randn(n, D, generator=g, dtype=dtype) for n in (s, s, p, p)]


def streams(*four):
    return Gaussian(*four[:2]), Gaussian(*four[2:])


def kl(m, s, n, t):
    total = 0
    for d in range(len(m)):
        total = total + t[d] - s[d] - 0.5
        total = total + (torch.exp(s[d]) ** 2 + (m[d] - n[d]) ** 2) / (2 * torch.exp(t[d]) ** 2)
    return total


def naive_divergence(m, s, n, t, direction):
    """The equation, one pair and one dimension at a time; shares no code with sbirkit."""
    terms = []
    for i in range(len(m)):
        for j in range(len(n)):
            if Y_S[i] == Y_P[j]:
                there, back = kl(m[i], s[i], n[j], t[j]), kl(n[j], t[j], m[i], s[i])
                terms.append({"symmetric": (there + back) / 2, "sketch-photo": there}.get(direction, back))
    return sum(terms) / len(terms)


def naive_information(z, x, temperature):
    def f(a, b):
        return torch.exp((a * b).sum() / (a * a).sum().sqrt() / (b * b).sum().sqrt() / temperature)

    terms = []
    for i in range(len(z)):
        for j in range(len(x)):
            if Y_S[i] == Y_P[j]:
                row = sum(f(z[i], b) for b in x) / len(x)
                column = sum(f(a, x[j]) for a in z) / len(z)
                terms.append((torch.log(f(z[i], x[j]) / row) + torch.log(f(z[i], x[j]) / column)) / 2)
    return sum(terms) / len(terms)


CASES = {
    **{
        d: (
            lambda *x, d=d: bottleneck_divergence(*streams(*x), Y_S, Y_P, direction=d),
            lambda *x, d=d: naive_divergence(*x, d),
        )
        for d in DIRECTIONS
    },
    "information": (
        lambda m, s, n, t: shared_information(m + s, n + t, Y_S, Y_P, temperature=0.5).estimate,
        lambda m, s, n, t: naive_information(m + s, n + t, 0.5),
    ),
    "standard": (
        lambda m, s, n, t: standard_kl(Gaussian(m, s)) + standard_kl(Gaussian(n, t)),
        lambda m, s, n, t: sum(
            sum(kl(a, b, torch.zeros(D), torch.zeros(D)) for a, b in zip(u, v, strict=True)) / len(u)
            for u, v in ((m, s), (n, t))
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_value_and_gradients_equal_naive(case):
    results = []
    for f in CASES[case]:
        leaves = [x.requires_grad_() for x in tensors()]
        loss = f(*leaves)
        results.append((loss, *torch.autograd.grad(loss, leaves)))
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("case", CASES)
def test_gradient_equals_finite_differences(case):
    torch.autograd.gradcheck(CASES[case][0], tuple(x.requires_grad_() for x in tensors()))


def test_divergence_agrees_with_torch():
    m, s, n, t = tensors()
    want = kl_divergence(Normal(m[:, None], s.exp()[:, None]), Normal(n, t.exp())).sum(2)
    torch.testing.assert_close(pairwise_kl(*streams(m, s, n, t)), want)


def test_keeps_its_digits_where_sigma_is_small():
    """1 / sigma^2 is 22,026 here: multiplied out in float32, the square would lose all digits."""
    m = 3 + torch.zeros(1, 128)
    p, q = Gaussian(m, torch.full_like(m, -5.0)), Gaussian(m + 1e-4, torch.full_like(m, -5.0))
    want = 128 * float(q.mean[0, 0].double() - 3) ** 2 * math.exp(10) / 2
    assert pairwise_kl(p, q).item() == pytest.approx(want, rel=1e-4)


def test_is_symmetric_under_swapping_the_streams():
    s, p = streams(*tensors())
    there = {d: bottleneck_divergence(s, p, Y_S, Y_P, direction=d) for d in DIRECTIONS}
    back = {d: bottleneck_divergence(p, s, Y_P, Y_S, direction=d) for d in DIRECTIONS}
    torch.testing.assert_close(there["symmetric"], back["symmetric"])
    torch.testing.assert_close(there["sketch-photo"], back["photo-sketch"])
    assert abs(there["sketch-photo"] - there["photo-sketch"]) > 0.1
    torch.testing.assert_close((there["sketch-photo"] + there["photo-sketch"]) / 2, there["symmetric"])
    a, b = shared_information(s.mean, p.mean, Y_S, Y_P), shared_information(p.mean, s.mean, Y_P, Y_S)
    torch.testing.assert_close(a, b)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_with_sigma_one_it_is_half_the_squared_distance(direction):
    m, _, n, _ = tensors()
    pairs = [(m[i] - n[j]).square().sum() / 2 for i in range(S) for j in range(P) if Y_S[i] == Y_P[j]]
    got = bottleneck_divergence(Gaussian.fixed(m), Gaussian.fixed(n), Y_S, Y_P, direction=direction)
    torch.testing.assert_close(got, torch.stack(pairs).mean())


@pytest.mark.parametrize("case", ["symmetric", "information"])
def test_ignores_the_order_of_items(case):
    m, s, n, t = tensors()
    a, b = torch.tensor([3, 0, 4, 1, 2]), torch.tensor([5, 2, 0, 1, 4, 3])
    if case == "symmetric":
        got = bottleneck_divergence(*streams(m[a], s[a], n[b], t[b]), Y_S[a], Y_P[b])
        want = bottleneck_divergence(*streams(m, s, n, t), Y_S, Y_P)
    else:
        got = shared_information(2 * m[a], n[b] / 3, Y_S[a], Y_P[b]).estimate
        want = shared_information(m, n, Y_S, Y_P).estimate
    torch.testing.assert_close(got, want)


def test_duplicated_rows_change_nothing():
    m, s, n, t = (torch.cat([x, x]) for x in tensors())
    y, v = torch.cat([Y_S, Y_S]), torch.cat([Y_P, Y_P])
    got = bottleneck_divergence(*streams(m, s, n, t), y, v), shared_information(m, n, y, v).estimate
    m, s, n, t = tensors()
    want = bottleneck_divergence(*streams(m, s, n, t), Y_S, Y_P), shared_information(m, n, Y_S, Y_P).estimate
    torch.testing.assert_close(got, want)
    same = Gaussian(m, s)
    ids = torch.arange(S)
    assert bottleneck_divergence(same, same, ids, ids).abs() < 1e-9  # equal streams do not differ


@pytest.mark.parametrize(("n", "m"), [(S, P), (0, P), (S, 0), (0, 0)])
def test_no_pair_is_zero_with_gradient(n, m):
    leaves = [x.requires_grad_() for x in tensors(torch.float32, n, m)]
    y, v = Y_S[:n], Y_P[:m] + 10
    estimate, cap = shared_information(leaves[0], leaves[2], y, v)
    loss = bottleneck_divergence(*streams(*leaves), y, v) + estimate
    loss.backward()
    assert (loss.item(), cap) == (0, 0)
    assert not any(x.grad.any() or x.grad.isnan().any() for x in leaves)
    assert standard_kl(streams(*tensors(s=0))[0]).item() == 0


def test_one_class_and_one_item_share_no_information():
    """All are positives of all, so nothing can stand out; with equal rows the estimate is zero."""
    z = torch.ones(4, D)
    estimate, cap = shared_information(z, z, *[torch.zeros(4, dtype=torch.int64)] * 2)
    assert (estimate.item(), cap) == (pytest.approx(0, abs=1e-5), 0)
    m, _, n, _ = tensors()
    estimate, cap = shared_information(m[:1], n[:1], Y_S[:1], Y_P[:1])
    assert (estimate.item(), cap) == (pytest.approx(0, abs=1e-12), 0)
    assert bottleneck_divergence(*streams(*(x[:1] for x in tensors())), Y_S[:1], Y_P[:1]) > 0


def test_estimate_reaches_the_cap_when_classes_are_told_apart_and_zero_when_not():
    y = torch.arange(4).repeat(3)
    z = torch.eye(4, dtype=torch.float64)[y]
    estimate, cap = shared_information(z, z, y, y, temperature=0.02)
    assert cap == pytest.approx(math.log(4))
    assert estimate.item() == pytest.approx(cap, abs=1e-9)
    flat = torch.ones_like(z)
    assert shared_information(flat, flat, y, y).estimate.item() == pytest.approx(0, abs=1e-9)
    assert shared_information(z, z, y, y, classes=100).cap == pytest.approx(math.log(12))  # the batch
    assert shared_information(z, z, y, y, classes=3).cap == pytest.approx(math.log(3))
    assert shared_information(z, z[:8], y, y[:8], classes=100).cap == pytest.approx(math.log(8))


def test_estimate_may_pass_the_cap_where_classes_are_unlike_in_number():
    y, v = torch.tensor([0] * 9 + [1]), torch.tensor([0] + [1] * 9)
    estimate, cap = shared_information(torch.eye(2)[y], torch.eye(2)[v], y, v, temperature=0.02)
    assert estimate > cap + 0.5  # said in the docstring


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("case", ["symmetric", "information", "standard"])
def test_half_precision_is_computed_in_float32(case, dtype):
    half = [x.to(dtype) for x in tensors()]
    f = CASES[case][0]
    if case == "information":  # its sum of two halves would round
        f = lambda m, s, n, t: shared_information(m, n, Y_S, Y_P).estimate  # noqa: E731
    want = f(*(x.float() for x in half))
    got = f(*half)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = f(*half)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, want)
    torch.testing.assert_close(inside, want, rtol=0, atol=1e-6)


def test_keeps_no_tensor_of_all_pairs_and_dimensions():
    n, width = 24, 16
    y = torch.zeros(n, dtype=torch.int64)  # one class: every pair counts
    a, b, c, d = (torch.rand(n, width).requires_grad_() for _ in range(4))
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        bottleneck_divergence(Gaussian(a, b), Gaussian(c, d), y, y)
        shared_information(a, c, y, y)
    assert n * width <= max(kept) <= 2 * n * n


def test_draws_what_the_generator_says():
    q = Gaussian(*tensors()[:2])
    one, again = (q.draw(generator=torch.Generator().manual_seed(5)) for _ in range(2))
    state = torch.get_rng_state()
    other = q.draw(generator=torch.Generator().manual_seed(6))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(state, torch.get_rng_state())
    many = Gaussian(torch.full((20000, 2), 3.0), torch.tensor([[-1.0, 0.5]]).expand(20000, 2))
    z = many.draw(generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(z.mean(0), torch.tensor([3.0, 3.0]), atol=0.04, rtol=0)
    torch.testing.assert_close(z.std(0), torch.tensor([-1.0, 0.5]).exp(), atol=0.03, rtol=0)


def test_draw_passes_a_gradient_to_both_parameters():
    m, s, *_ = (x.requires_grad_() for x in tensors())
    z = Gaussian(m, s).draw(generator=torch.Generator().manual_seed(5))
    to_mean, to_spread = torch.autograd.grad(z.sum(), (m, s))
    torch.testing.assert_close(to_mean, torch.ones_like(m))
    torch.testing.assert_close(to_spread, z - m)


def inflated(classify):
    """Sigma after 150 steps on the divergence of two unlike streams plus a classification of ``classify``."""
    y = torch.arange(2).repeat(8)
    mean = torch.eye(2)[y] * 2 - 1
    shift = torch.tensor([0.6, 0.6])
    log_sigma = nn.Parameter(torch.full((1, 2), -1.0))
    g = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam([log_sigma], lr=0.05)
    for _ in range(150):
        s, p = (Gaussian(m, log_sigma.expand(16, 2)) for m in (mean, mean + shift))
        z = {"sampled": lambda q: q.draw(generator=g), "mean": lambda q: q.mean}[classify]
        loss = 0.1 * bottleneck_divergence(s, p, y, y)
        loss = loss + sum(nn.functional.cross_entropy(4 * z(q), y) for q in (s, p))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return log_sigma.exp().max().item()


def test_sigma_inflates_unless_the_sample_is_classified():
    assert inflated("mean") > 2  # from 0.37: the divergence vanishes for nothing
    assert inflated("sampled") < 0.8


def test_stream_keeps_sigma_within_bounds_and_lets_it_return():
    torch.manual_seed(0)
    stream = GaussianStream(4, 3)
    x = torch.randn(6, 4)
    assert torch.equal(stream(x).log_sigma, stream(2 * x).log_sigma)  # at the start, the same for all
    nn.init.normal_(stream.spread.weight, std=3)
    q = stream(x)
    assert -5 <= q.log_sigma.min() < q.log_sigma.max() <= 1
    nn.init.constant_(stream.spread.bias, 9.0)  # near the upper bound, a hard clamp would have no gradient
    stream(torch.zeros(1, 4)).log_sigma.sum().backward()
    assert (stream.spread.bias.grad > 0).all()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert {t.dtype for t in stream(x)} == {torch.float32}
    with pytest.raises(ValueError, match="want low < -2 < high"):
        GaussianStream(4, 3, low=-1.0)


def test_ramp():
    progress = [0.0, 0.2, 0.35, 0.5, 1.0]
    assert [adaptation_ramp(t) for t in progress] == pytest.approx([0, 0, 0.5, 1, 1])
    assert [adaptation_ramp(t, schedule="joint") for t in progress] == [1.0] * 5
    assert [adaptation_ramp(t, start=0.5, end=0.5) for t in (0.49, 0.5)] == [0, 1]  # a step
    with pytest.raises(ValueError, match=r"progress: want a number in \[0, 1\], got 3"):
        adaptation_ramp(3)
    with pytest.raises(ValueError, match=r"start: want a number in \[0, 0.5\]"):
        adaptation_ramp(0.3, start=0.7)
    with pytest.raises(ValueError, match="schedule: want one of"):
        adaptation_ramp(0.3, schedule="late")


def test_says_what_is_wrong():
    s, p = streams(*tensors())
    with pytest.raises(ValueError, match="direction: want one of 'symmetric'"):
        bottleneck_divergence(s, p, Y_S, Y_P, direction="both")
    with pytest.raises(ValueError, match=r"photo.mean: want \(N, D\) and \(N,\), got \(6, 3\) and \(5,\)"):
        bottleneck_divergence(s, p, Y_S, Y_S)
    with pytest.raises(ValueError, match="want the same width for mean and log_sigma"):
        bottleneck_divergence(Gaussian(s.mean, s.log_sigma[:, :1]), p, Y_S, Y_P)
    with pytest.raises(ValueError, match="want the same width for z_sketch and z_photo"):
        shared_information(s.mean, p.mean[:, :2], Y_S, Y_P)
    with pytest.raises(ValueError, match="temperature: want"):
        shared_information(s.mean, p.mean, Y_S, Y_P, temperature=0)
    with pytest.raises(ValueError, match="classes: want"):
        shared_information(s.mean, p.mean, Y_S, Y_P, classes=0)
