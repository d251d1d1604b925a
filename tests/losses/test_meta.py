"""The meta objective: the margin receives its true gradient, and the two shortcuts give it exactly none."""

import pytest
import torch
from torch import nn

from sbirkit.losses import MarginNetwork, cross_modal_quadruplet, meta_margin_loss, split_classes


@pytest.fixture
def episode():
    """Four classes, two of them for the test; head and network in float64, away from their start."""
    g = torch.Generator().manual_seed(1)
    y = torch.arange(4).repeat_interleave(3)
    centre = torch.randn(4, 6, generator=g, dtype=torch.float64)
    s, x = (centre[y] + torch.randn(12, 6, generator=g, dtype=torch.float64) for _ in range(2))
    head, net = nn.Linear(6, 4).double(), MarginNetwork(4, size=3).double()
    with torch.no_grad():
        for p in [*head.parameters(), *net.parameters()]:
            p.copy_(0.5 * torch.randn(p.shape, generator=g, dtype=torch.float64))
    net.write(head(s), head(x), y, y)
    net.write(head(x), head(s), y, y)
    return head, net, (s, x, y, y), torch.tensor([1, 3])


def outer_gradient(head, net, data, test, **options):
    """d outer / d phi as autograd sees it, zeros where phi does not take part."""
    loss = meta_margin_loss(head, net, *data, test_classes=test, **options)
    return torch.autograd.grad(loss, [*net.parameters()], materialize_grads=True)


def finite_differences(function, parameters, h=1e-5):
    out = []
    for p in parameters:
        grad = torch.zeros_like(p)
        for i in range(p.numel()):
            ends = []
            for sign in (1, -1):
                with torch.no_grad():
                    p.view(-1)[i] += sign * h
                ends.append(function().item())
                with torch.no_grad():
                    p.view(-1)[i] -= sign * h
            grad.view(-1)[i] = (ends[0] - ends[1]) / (2 * h)
        out.append(grad)
    return out


@pytest.mark.parametrize("hinge", ["joint", "split"])
def test_margin_receives_its_true_gradient(episode, hinge):
    head, net, data, test = episode
    got = outer_gradient(head, net, data, test, hinge=hinge, step=0.5)
    want = finite_differences(
        lambda: meta_margin_loss(head, net, *data, test_classes=test, hinge=hinge, step=0.5),
        [*net.parameters()],
    )
    for a, b in zip(got, want, strict=True):
        assert a.abs().sum() > 1e-8
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-9)


def test_head_and_features_receive_their_true_gradient(episode):
    """With constant margins: a learned margin's input is detached, so its share is left out by design."""
    head, _, (s, x, ys, yp), test = episode
    s, constant = s.requires_grad_(), MarginNetwork(4, low=0.3, high=0.3).double()
    inputs = [*head.parameters(), s]

    def outer():
        return meta_margin_loss(head, constant, s, x, ys, yp, test_classes=test)

    got = torch.autograd.grad(outer(), inputs)
    assert all(g.abs().sum() > 0 for g in got)
    torch.testing.assert_close([*got], finite_differences(outer, inputs), rtol=1e-5, atol=1e-8)


def test_a_hard_hinge_gives_the_margin_exactly_nothing(episode):
    """Its slope is 0 or 1 whatever the margin: the inner step, and so the outer loss, is flat in phi."""
    head, net, data, test = episode
    assert all((g == 0).all() for g in outer_gradient(head, net, data, test, kappa=None))
    # Not an artefact of autograd: a small finite change of phi changes no bit of the outer loss either.
    base = meta_margin_loss(head, net, *data, test_classes=test, kappa=None)
    with torch.no_grad():
        net.out.bias += 1e-6
    assert net(head(data[0]), head(data[1]), *data[2:]).std() > 0
    assert torch.equal(meta_margin_loss(head, net, *data, test_classes=test, kappa=None), base)


def test_a_first_order_step_gives_the_margin_exactly_nothing(episode):
    """The step becomes a constant to autograd, although the loss does depend on phi."""
    head, net, data, test = episode
    assert all((g == 0).all() for g in outer_gradient(head, net, data, test, second_order=False))
    base = meta_margin_loss(head, net, *data, test_classes=test, second_order=False)
    torch.testing.assert_close(base, meta_margin_loss(head, net, *data, test_classes=test), rtol=0, atol=0)
    with torch.no_grad():
        net.out.bias += 0.5
    assert meta_margin_loss(head, net, *data, test_classes=test, second_order=False) != base


def test_first_order_still_serves_the_head(episode):
    head, net, data, test = episode
    loss = meta_margin_loss(head, net, *data, test_classes=test, second_order=False)
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(loss, [*head.parameters()]))


def test_no_step_is_the_plain_quadruplet_of_the_test_classes(episode):
    head, net, (s, x, ys, yp), test = episode
    of_test = torch.isin(ys, test)
    want = cross_modal_quadruplet(head(s[of_test]), head(x[of_test]), ys[of_test], yp[of_test], margin=0.2)
    got = meta_margin_loss(head, net, s, x, ys, yp, test_classes=test, step=0.0)
    torch.testing.assert_close(got, want)


def test_equals_the_two_steps_by_hand(episode):
    head, net, (s, x, ys, yp), test = episode
    t, v = ~torch.isin(ys, test), torch.isin(ys, test)
    inner = cross_modal_quadruplet(
        head(s[t]), head(x[t]), ys[t], yp[t], margin=net(head(s[t]), head(x[t]), ys[t], yp[t]), kappa=10.0
    )
    dw, db = torch.autograd.grad(inner, [head.weight, head.bias])
    moved = nn.Linear(6, 4).double()
    moved.load_state_dict({"weight": head.weight - 0.3 * dw, "bias": head.bias - 0.3 * db})
    want = cross_modal_quadruplet(moved(s[v]), moved(x[v]), ys[v], yp[v], margin=0.4)
    got = meta_margin_loss(head, net, s, x, ys, yp, test_classes=test, step=0.3, margin=0.4)
    torch.testing.assert_close(got, want)


def test_nothing_is_changed_but_gradients(episode):
    head, net, data, test = episode
    before = [v.clone() for m in (head, net) for v in m.state_dict().values()]
    meta_margin_loss(head, net, *data, test_classes=test).backward()
    after = [v for m in (head, net) for v in m.state_dict().values()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_learning_the_margins_lowers_the_outer_loss(episode):
    head, net, data, test = episode
    optimiser = torch.optim.Adam(net.parameters(), 0.05)
    losses = []
    for _ in range(30):
        loss = meta_margin_loss(head, net, *data, test_classes=test, step=0.5)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 1e-4


@pytest.mark.parametrize(
    "test", [[], [0, 1, 2, 3], [0], [0, 1, 2]], ids=["no test", "no train", "one", "one left"]
)
def test_a_side_without_negatives_is_defined(episode, test):
    head, net, data, _ = episode
    loss = meta_margin_loss(head, net, *data, test_classes=torch.tensor(test, dtype=torch.int64))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(head.weight.grad).all()
    assert (loss == 0) == (len(test) < 2)


def test_half_precision_features_under_autocast(episode):
    head, net, (s, x, ys, yp), test = episode
    head, net, s, x = head.float(), net.float(), s.float(), x.float()
    want = meta_margin_loss(head, net, s, x, ys, yp, test_classes=test)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = meta_margin_loss(head, net, s.bfloat16(), x.bfloat16(), ys, yp, test_classes=test)
    got.backward()
    assert abs(got - want) < 0.05
    assert net.out.weight.grad.abs().sum() > 0


def test_split_takes_half_of_the_classes_that_have_both():
    ys, yp = torch.tensor([0, 1, 2, 3, 4, 5, 9, 9]), torch.tensor([5, 4, 3, 2, 1, 0, 8])
    draws = [split_classes(ys, yp, generator=torch.Generator().manual_seed(k)) for k in range(20)]
    assert all(len(set(d.tolist())) == 3 and set(d.tolist()) <= set(range(6)) for d in draws)
    assert len({tuple(sorted(d.tolist())) for d in draws}) > 5
    assert torch.equal(draws[4], split_classes(ys, yp, generator=torch.Generator().manual_seed(4)))


@pytest.mark.parametrize(("classes", "n"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 2), (5, 2), (16, 8)])
def test_split_leaves_two_classes_where_it_can(classes, n):
    y = torch.arange(classes)
    assert len(split_classes(y, y, generator=torch.Generator().manual_seed(0))) == n
