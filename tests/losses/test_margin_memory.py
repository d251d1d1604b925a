"""The margin network: read, bounds, write, and what it must not do to the embedding."""

import copy

import pytest
import torch

from sbirkit.losses import MarginNetwork, cross_modal_quadruplet

KEYED = pytest.mark.parametrize("keyed", ["slots", "classes"])


def batch(seed: int = 0, n: int = 6, classes: int = 3, dim: int = 5):
    g = torch.Generator().manual_seed(seed)
    s, x = (torch.randn(n, dim, generator=g) for _ in range(2))
    y = torch.arange(n) % classes
    return s, x, y, y.flip(0)


def learned(keyed: str, **options) -> MarginNetwork:
    """A network whose head and key are no longer at their start, with three batches in memory."""
    net = MarginNetwork(5, keyed=keyed, size=4, **options)
    g = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g))
    for seed in range(3):
        net.write(*batch(seed))
    return net


def naive_margin(net, x, y, row_class=None):
    """R(x) for one anchor, row of memory by row of memory."""
    x = x / x.norm()
    k = net.key.weight @ x
    rows = [
        j
        for j in range(len(net.memory))
        if net.usage[j] > 0 and (row_class is None or row_class[j] != int(y))
    ]
    score = torch.stack([net.sharpness * k @ net.memory[j] / (k.norm() * net.memory[j].norm()) for j in rows])
    w = score.exp() / score.exp().sum()
    r = sum(wj * net.memory[j] for wj, j in zip(w, rows, strict=True))
    z = net.out.weight[0] @ torch.cat([x, r, (x - r).abs()]) + net.out.bias[0]
    return net.low + (net.high - net.low) / (1 + (-z).exp())


@KEYED
def test_read_equals_the_equation(keyed):
    net, (s, x, ys, yp) = learned(keyed), batch(7)
    row_class = [j // 2 for j in range(8)] if keyed == "classes" else None
    want = [naive_margin(net, a, y, row_class) for a, y in zip([*s, *x], [*ys, *yp], strict=True)]
    got = net(s, x, ys, yp)
    assert got.std() > 0.01
    torch.testing.assert_close(got, torch.stack(want))


@KEYED
def test_margins_stay_in_their_range_whatever_is_learned(keyed):
    net = learned(keyed, low=0.1, high=0.5)
    with torch.no_grad():
        net.out.weight.mul_(1e3)
    mu = net(*batch(5))
    assert mu.min() >= 0.1
    assert mu.max() <= 0.5
    assert mu.max() - mu.min() > 0.3


@KEYED
def test_gradient_reaches_the_network_and_never_the_embedding(keyed):
    net, (s, x, ys, yp) = learned(keyed), batch(7)
    s, x = s.requires_grad_(), x.requires_grad_()
    net(s, x, ys, yp).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in net.parameters())
    assert s.grad is None
    assert x.grad is None


@KEYED
def test_gradient_equals_finite_differences(keyed):
    net = learned(keyed).double()
    data = [t.double() if t.is_floating_point() else t for t in batch(7)]
    names, values = zip(*net.named_parameters(), strict=True)

    def margins(*params):
        return torch.func.functional_call(net, dict(zip(names, params, strict=True)), tuple(data))

    assert torch.autograd.gradcheck(margins, values)


def test_detached_margins_leave_the_network_without_gradient():
    net, data = learned("slots"), batch(7)
    embedded = [t.requires_grad_() if t.is_floating_point() else t for t in data]
    cross_modal_quadruplet(*embedded, margin=net(*data).detach()).backward()
    assert embedded[0].grad.abs().sum() > 0
    assert all(p.grad is None for p in net.parameters())


@KEYED
def test_a_closed_range_is_the_plain_quadruplet_bit_for_bit(keyed):
    net, data = learned(keyed, low=0.2, high=0.2), batch(7)
    mine, plain = (
        [t.clone().requires_grad_() if t.is_floating_point() else t for t in data] for _ in range(2)
    )
    a = cross_modal_quadruplet(*mine, margin=net(*mine))
    b = cross_modal_quadruplet(*plain, margin=0.2)
    a.backward(), b.backward()
    assert torch.equal(a, b)
    assert torch.equal(mine[0].grad, plain[0].grad)
    assert torch.equal(mine[1].grad, plain[1].grad)


@KEYED
def test_before_the_first_write_every_margin_is_the_middle(keyed):
    net = MarginNetwork(5, keyed=keyed, size=4, low=0.1, high=0.5)
    torch.testing.assert_close(net(*batch()), torch.full((12,), 0.3))


@KEYED
def test_write_keeps_no_graph_and_may_come_before_the_backward_pass(keyed):
    net, (s, x, ys, yp) = learned(keyed), batch(7)
    s = s.requires_grad_()
    want = copy.deepcopy(net)
    want(s, x, ys, yp).sum().backward()
    mu = net(s, x, ys, yp)
    net.write(2 * s, x, ys, yp)
    mu.sum().backward()
    assert not net.memory.requires_grad
    assert not net.usage.requires_grad
    for p, q in zip(net.parameters(), want.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad)


@KEYED
def test_state_is_saved_and_restored(keyed):
    net, fresh = learned(keyed), MarginNetwork(5, keyed=keyed, size=4)
    assert {"memory", "usage"} < set(net.state_dict())
    fresh.load_state_dict(net.state_dict())
    for n in (net, fresh):
        n.write(*batch(11))
    assert torch.equal(net(*batch(7)), fresh(*batch(7)))
    assert torch.equal(net.usage, fresh.usage)


@KEYED
def test_writing_nothing_and_asking_nothing(keyed):
    net = learned(keyed)
    before = copy.deepcopy(net.state_dict())
    s, x, ys, yp = batch(7)
    net.write(s[:0], x[:0], ys[:0], yp[:0])
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    assert net(s[:0], x[:0], ys[:0], yp[:0]).shape == (0,)


@KEYED
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_and_autocast_write_and_read_in_float32(keyed, dtype):
    net, (s, x, ys, yp) = learned(keyed), batch(7)
    same = copy.deepcopy(net)
    s, x = s.to(dtype), x.to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        net.write(s, x, ys, yp)
        got = net(s, x, ys, yp)
    same.write(s.float(), x.float(), ys, yp)
    assert torch.equal(got, same(s.float(), x.float(), ys, yp))


def test_slots_fill_one_by_one_and_remember_a_rare_feature():
    net = MarginNetwork(4, size=4)
    common, rare = torch.eye(4)[:1], torch.eye(4)[3:]
    y = torch.zeros(1, dtype=torch.int64)
    net.write(common, common, y, y)
    assert (net.usage > 0).sum() == 1
    net.write(common, rare, y, y)
    assert (net.usage > 0).sum() == 2
    noise = torch.Generator().manual_seed(0)
    for _ in range(20):
        net.write(common + 0.1 * torch.randn(1, 4, generator=noise), common, y, y)
    likeness = torch.nn.functional.normalize(net.memory, dim=1) @ rare[0]
    assert likeness.max() > 0.99


@torch.no_grad()
@pytest.mark.parametrize("writes", [0, 1, 5], ids=["an empty slot left", "just full", "full"])
def test_one_write_equals_the_update_by_hand(writes):
    net, (s, x, ys, yp) = learned("slots"), batch(7)
    for seed in range(writes):
        net.write(*batch(20 + seed))
    memory, usage = net.memory.clone(), net.usage.clone()
    items = torch.nn.functional.normalize(torch.cat([s, x]), dim=1)
    net.write(s, x, ys, yp)
    reads = torch.zeros(len(items), len(memory))
    for i, item in enumerate(items):
        k = net.key.weight @ item
        for j, slot in enumerate(memory):
            reads[i, j] = (10 * (k @ slot) / (k.norm() * slot.norm())).exp() if usage[j] > 0 else 0
        reads[i] /= reads[i].sum()
    want, want_usage = [], 0.99 * usage + reads.sum(0)
    for j, slot in enumerate(memory):
        a = reads[:, j].sum()
        mean = (reads[:, j, None] * items).sum(0) / a if a > 0 else slot
        want.append(0.9**a * slot + (1 - 0.9**a) * mean)
    full = [j for j in range(len(memory)) if usage[j] > 0]

    def likeness(v, rows):
        return max(float(v @ want[j] / (v.norm() * want[j].norm())) for j in rows)

    value = [float(want_usage[j]) * (1 - likeness(want[j], [k for k in full if k != j])) for j in full]
    empty = [j for j in range(len(memory)) if j not in full]
    taken = empty[0] if empty else full[value.index(min(value))]
    rarest = min(range(len(items)), key=lambda i: likeness(items[i], full))
    want[taken], want_usage[taken] = items[rarest], want_usage.mean() + 1
    torch.testing.assert_close(net.memory, torch.stack(want))
    torch.testing.assert_close(net.usage, want_usage)


def test_class_rows_are_moving_means_of_each_class_and_modality():
    net = MarginNetwork(2, keyed="classes", size=3, decay=0.75)
    s, x = torch.tensor([[3.0, 0.0], [0.0, 2.0]]), torch.tensor([[0.0, 1.0]])
    net.write(s, x, torch.tensor([1, 1]), torch.tensor([2]))
    torch.testing.assert_close(net.memory[2], torch.tensor([0.5, 0.5]))  # class 1, sketches: the mean itself
    torch.testing.assert_close(net.memory[5], torch.tensor([0.0, 1.0]))  # class 2, photos
    assert net.usage.tolist() == [0, 0, 2, 0, 0, 1]
    net.write(s[:1], x[:0], torch.tensor([1]), torch.tensor([], dtype=torch.int64))
    torch.testing.assert_close(net.memory[2], torch.tensor([0.625, 0.375]))


def test_an_anchor_reads_other_classes_only():
    """Moving a class's own rows does not move its margin; moving another class's rows does."""
    net, (s, x, ys, yp) = learned("classes", sharpness=1.0), batch(7)
    before = net(s, x, ys, yp)
    net.memory[0:2] = net.memory[0:2].flip(1)  # class 0
    changed = (net(s, x, ys, yp) - before).abs() > 1e-6
    own = torch.cat([ys, yp]) == 0
    assert not changed[own].any()
    assert changed[~own].all()


def test_says_which_argument_is_wrong():
    s, x, ys, yp = batch()
    with pytest.raises(ValueError, match=r"keyed: want one of 'slots', 'classes', got 'items'"):
        MarginNetwork(5, keyed="items")
    with pytest.raises(ValueError, match=r"high: want a number in \[0.4, 2\], got 0.3"):
        MarginNetwork(5, low=0.4, high=0.3)
    with pytest.raises(ValueError, match=r"memory \(64, 7\)"):
        MarginNetwork(7)(s, x, ys, yp)
    with pytest.raises(ValueError, match=r"labels: want class ids below 2, got 0 to 2"):
        MarginNetwork(5, keyed="classes", size=2)(s, x, ys, yp)
