import math

import pytest
import torch

from sbirkit.losses import class_distance, rank_correlation, topology_preservation, vector_distance

C, D = 6, 4
NAN = float("nan")


def inputs(dtype=torch.float64, missing=True):
    g = torch.Generator().manual_seed(5)
    p, w = torch.randn(C, D, generator=g, dtype=dtype), torch.randn(C, 3, generator=g)
    if missing:
        w[2] = NAN
    return p, vector_distance(w).to(dtype)


def naive(p, d):
    """The equation, one pair of classes at a time; shares no code with sbirkit."""
    unit = [x / (x * x).sum().sqrt() for x in p]
    pairs = [(i, j) for i in range(len(p)) for j in range(i + 1, len(p)) if not math.isnan(d[i, j])]
    mine = [((unit[i] - unit[j]) ** 2).sum().sqrt() for i, j in pairs]
    given = [d[i, j] for i, j in pairs]
    a, b = sum(mine) / len(pairs), sum(given) / len(pairs)
    return sum((x / a - y / b) ** 2 for x, y in zip(mine, given, strict=True)) / len(pairs)


@pytest.mark.parametrize("missing", [False, True])
def test_value_and_gradient_equal_naive(missing):
    results = []
    for f in (topology_preservation, naive):
        p, d = inputs(missing=missing)
        loss = f(p.requires_grad_(), d)
        results.append((loss, *torch.autograd.grad(loss, p)))
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_gradient_equals_finite_differences():
    p, d = inputs()
    torch.autograd.gradcheck(lambda x: topology_preservation(x, d), (p.requires_grad_(),))


def test_given_distances_get_no_gradient():
    p, d = inputs(missing=False)
    d.requires_grad_()
    topology_preservation(p.requires_grad_(), d).backward()
    assert p.grad.any()
    assert d.grad is None


def test_ignores_scales_order_and_rotation():
    p, d = inputs()
    base = topology_preservation(p, d)
    order = torch.tensor([5, 2, 0, 1, 4, 3])
    turn, _ = torch.linalg.qr(inputs()[0].T @ inputs()[0])
    torch.testing.assert_close(topology_preservation(8 * p, d / 30), base)
    torch.testing.assert_close(topology_preservation(p[order], d[order][:, order]), base)
    torch.testing.assert_close(topology_preservation(p @ turn, d), base)


def test_its_own_distances_are_the_solution_and_descent_finds_it():
    w = torch.nn.functional.normalize(inputs(torch.float32)[0], dim=1)
    d = vector_distance(w)
    assert topology_preservation(w, d).item() == pytest.approx(0, abs=1e-10)
    p = torch.randn(C, D, generator=torch.Generator().manual_seed(1)).requires_grad_()
    start = rank_correlation(vector_distance(p.detach()), d)
    optimiser = torch.optim.Adam([p], lr=0.05)
    for _ in range(150):
        optimiser.zero_grad()
        topology_preservation(p, d).backward()
        optimiser.step()
    assert rank_correlation(class_distance(p.detach(), torch.arange(C), C), d) > max(0.9, start + 0.2)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_classes_have_no_topology(n):
    p, d = inputs(missing=False)
    p = p[:n].requires_grad_()
    loss = topology_preservation(p, d[:n, :n])
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert torch.isfinite(p.grad).all()


def test_nothing_known_is_zero_with_gradient():
    p = inputs()[0].requires_grad_()
    loss = topology_preservation(p, torch.full((C, C), NAN))
    loss.backward()
    assert loss.item() == 0
    assert not p.grad.any()


def test_equal_projections_and_duplicated_rows_have_a_finite_gradient():
    p, d = inputs(missing=False)
    for row in (torch.ones(C, D), torch.cat([p[:3], p[:3]])):
        x = row.double().requires_grad_()
        topology_preservation(x, d).backward()
        assert torch.isfinite(x.grad).all()
    flat = topology_preservation(p.requires_grad_(), torch.zeros(C, C))  # all words alike
    assert math.isfinite(flat.item())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    p, d = inputs(torch.float32)
    want = topology_preservation(p.to(dtype).float(), d)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = topology_preservation(p.to(dtype), d)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, want, rtol=0, atol=1e-6)


def test_class_distance_equals_naive():
    g = torch.Generator().manual_seed(8)
    emb, y = torch.randn(12, D, generator=g), torch.tensor([0, 0, 0, 1, 1, 3, 3, 3, 3, 4, 4, 0])
    got = class_distance(emb * torch.rand(12, 1, generator=g), y, 5)
    unit = emb / emb.norm(dim=1, keepdim=True)
    centres = [unit[y == c].mean(0) for c in range(5)]
    for i in range(5):
        for j in range(5):
            a, b = centres[i].tolist(), centres[j].tolist()
            want = (
                NAN
                if 2 in (i, j)
                else math.dist([x / math.hypot(*a) for x in a], [x / math.hypot(*b) for x in b])
            )
            assert got[i, j].item() == pytest.approx(want, abs=1e-6, nan_ok=True)


def test_rank_correlation_on_paper():
    """Ranks 1 2 3 4 5 6 against 2 1 3 4 6 5: rho = 1 - 6 * 4 / (6 * 35)."""
    a, b = torch.zeros(4, 4), torch.zeros(4, 4)
    upper = torch.triu_indices(4, 4, 1)
    a[*upper] = torch.tensor([1.0, 2, 3, 4, 5, 6])
    b[*upper] = torch.tensor([20.0, 10, 30, 400, 6000, 500])
    a, b = a + a.T, b + b.T
    assert rank_correlation(a, b) == pytest.approx(1 - 24 / 210)
    assert rank_correlation(a, 7 - a) == pytest.approx(-1)
    b[3], b[:, 3] = NAN, NAN  # 1 2 4 against 20 10 400 are left: 1 - 6 * 2 / (3 * 8)
    assert rank_correlation(a, b) == pytest.approx(0.5)


@pytest.mark.filterwarnings("error")
def test_rank_correlation_needs_three_pairs_and_a_difference():
    d = vector_distance(torch.randn(3, 2, generator=torch.Generator().manual_seed(0)))
    assert math.isnan(rank_correlation(d, torch.ones(3, 3)))
    assert math.isnan(rank_correlation(d[:2, :2], d[:2, :2]))
    assert math.isnan(rank_correlation(d[:0, :0], d[:0, :0]))
    lost = d.clone()
    lost[0, 1] = lost[1, 0] = NAN
    assert math.isnan(rank_correlation(d, lost))


def test_says_what_is_wrong():
    p, d = inputs()
    with pytest.raises(
        ValueError, match=r"projections, distance: want \(C, D\) and \(C, C\), got .*\(5, 5\)"
    ):
        topology_preservation(p, d[:5, :5])
    with pytest.raises(ValueError, match="symmetric"):
        topology_preservation(p, d.triu())
    with pytest.raises(ValueError, match="a, b: want two"):
        rank_correlation(d, d[:5, :5])
    with pytest.raises(ValueError, match="y: want class ids in 0 to 4, got 0 to 5"):
        class_distance(p, torch.arange(C), 5)
