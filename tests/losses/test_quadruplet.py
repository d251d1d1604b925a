"""The quadruplet: against the equation by hand, its two ends, its weights, and batches without negatives."""

import itertools

import pytest
import torch

from sbirkit.losses import cross_modal_quadruplet, cross_modal_triplet, relation_weights


def naive(sketch, photo, ys, yp, margin, balance, hinge, mining, omega=None, kappa=None):
    """The equation, one quadruplet at a time. Slow on purpose; shares no code with sbirkit.

    ``omega(y_anchor, y_negative, ys of that modality)`` is the weight of a pair.
    """

    def dist(a, b):
        a, b = a / (a * a).sum().sqrt(), b / (b * b).sum().sqrt()
        return ((a - b) ** 2).sum().sqrt()

    def bracket(x):
        return x.clamp(min=0) if kappa is None else (1 + (kappa * x).exp()).log() / kappa

    def mean(terms):
        return sum(terms) / len(terms) if terms else torch.zeros((), dtype=sketch.dtype)

    total = 0
    for own, other, y_own, y_other, mu in (
        (sketch, photo, ys, yp, margin[: len(sketch)]),
        (photo, sketch, yp, ys, margin[len(sketch) :]),
    ):
        joint, inside, across, hard = [], [], [], []
        for a, ya in enumerate(y_own):
            pos = [dist(own[a], x) for x, y in zip(other, y_other, strict=True) if y == ya]
            one, two = (
                [
                    (dist(own[a], x), 1.0 if omega is None else omega(ya, y, labels))
                    for x, y in zip(rows, labels, strict=True)
                    if y != ya
                ]
                for rows, labels in ((own, y_own), (other, y_other))
            )
            if pos and (one or two):
                near1, near2 = (
                    min(n, key=lambda dw: dw[0].item(), default=(torch.zeros(()), 0.0)) for n in (one, two)
                )
                x1, x2 = (max(pos) - n[0] + mu[a] for n in (near1, near2))
                v1, v2 = (1 - balance) * near1[1], balance * near2[1]
                hard.append(
                    bracket(v1 * x1 + v2 * x2) if hinge == "joint" else v1 * bracket(x1) + v2 * bracket(x2)
                )
            for p, (n1, w1), (n2, w2) in itertools.product(pos, one, two):
                joint.append((1 - balance) * w1 * (p - n1 + mu[a]) + balance * w2 * (p - n2 + mu[a]))
            for terms, negatives in ((inside, one), (across, two)):
                terms += [(p - n + mu[a], w) for p in pos for n, w in negatives]
        if mining == "hard":
            total = total + mean(hard)
        elif hinge == "joint":
            total = total + mean([t for t in joint if t > 0])
        else:
            inside, across = (mean([w * x for x, w in terms if x > 0]) for terms in (inside, across))
            total = total + (1 - balance) * inside + balance * across
    return total / 2


def by_hand(relation, stress):
    def omega(ya, yn, labels):
        of = [torch.exp(stress * relation[ya, y]) for y in labels if y != ya]
        return torch.exp(stress * relation[ya, yn]) / (sum(of) / len(of))

    return omega


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(3)
    s, x = (torch.randn(n, 6, generator=g, dtype=torch.float64) for n in (7, 6))
    return s, x, torch.tensor([0, 0, 1, 2, 2, 2, 4]), torch.tensor([0, 1, 1, 2, 2, 3])


@pytest.fixture
def relation():
    r = torch.rand(5, 5, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    return (r + r.T) / 2


MODES = pytest.mark.parametrize("mining", ["hard", "all"])
HINGES = pytest.mark.parametrize("hinge", ["joint", "split"])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("balance", [0.3, 0.5])
@HINGES
@MODES
def test_equals_naive_with_its_gradient(batch, relation, mining, hinge, balance, weighted):
    s, x, ys, yp = batch
    margin = torch.linspace(0.05, 0.6, 13, dtype=torch.float64)
    ours, hand = ([t.clone().requires_grad_() for t in (s, x, margin)] for _ in range(2))
    extra = {"relation": relation, "stress": 2.0} if weighted else {}
    got = cross_modal_quadruplet(
        *ours[:2], ys, yp, margin=ours[2], balance=balance, hinge=hinge, mining=mining, **extra
    )
    omega = by_hand(relation, 2.0) if weighted else None
    want = naive(hand[0], hand[1], ys.tolist(), yp.tolist(), hand[2], balance, hinge, mining, omega)
    assert want > 0.05
    torch.testing.assert_close(got, want)
    got.backward(), want.backward()
    torch.testing.assert_close([t.grad for t in ours], [t.grad for t in hand])


@HINGES
def test_soft_hinge_equals_naive_and_tends_to_the_hard_one(batch, hinge):
    s, x, ys, yp = batch
    margin = torch.full((13,), 0.2, dtype=torch.float64)
    for kappa in (1.0, 10.0):
        got = cross_modal_quadruplet(*batch, kappa=kappa, hinge=hinge)
        want = naive(s, x, ys.tolist(), yp.tolist(), margin, 0.5, hinge, "hard", kappa=kappa)
        torch.testing.assert_close(got, want)
    hard, nearly = (cross_modal_quadruplet(*batch, hinge=hinge, kappa=k) for k in (None, 1e5))
    torch.testing.assert_close(nearly, hard, rtol=0, atol=1e-5)
    assert cross_modal_quadruplet(*batch, kappa=10.0, hinge=hinge) > hard


@HINGES
@MODES
def test_gradient_equals_finite_differences(batch, mining, hinge):
    s, x, ys, yp = batch
    inputs = (
        s.requires_grad_(),
        x.requires_grad_(),
        torch.full((13,), 0.3, dtype=torch.float64, requires_grad=True),
    )
    assert torch.autograd.gradcheck(
        lambda a, b, m: cross_modal_quadruplet(a, b, ys, yp, margin=m, hinge=hinge, mining=mining), inputs
    )


@HINGES
@MODES
def test_ends_are_the_two_triplets(batch, mining, hinge):
    s, x, ys, yp = batch
    across = [
        cross_modal_triplet(a, b, ya, yb, mining=mining) for a, b, ya, yb in ((s, x, ys, yp), (x, s, yp, ys))
    ]
    got = cross_modal_quadruplet(*batch, balance=1.0, mining=mining, hinge=hinge)
    torch.testing.assert_close(got, sum(across) / 2)
    margin = torch.full((13,), 0.2, dtype=torch.float64)
    inside = naive(s, x, ys.tolist(), yp.tolist(), margin, 0.0, "split", mining)
    torch.testing.assert_close(
        cross_modal_quadruplet(*batch, balance=0.0, mining=mining, hinge=hinge), inside
    )


def test_joint_never_exceeds_split_with_hard_mining(relation):
    smaller = 0
    for seed in range(30):
        g = torch.Generator().manual_seed(seed)
        s, x = (torch.randn(8, 4, generator=g) for _ in range(2))
        y = torch.arange(4).repeat_interleave(2)
        for options in ({}, {"relation": relation.float()}):
            joint, split = (
                cross_modal_quadruplet(s, x, y, y, hinge=h, **options) for h in ("joint", "split")
            )
            assert joint <= split + 1e-6
            smaller += bool(joint < split - 1e-3)
    assert smaller > 0  # and it is not the same function


@HINGES
def test_a_quadruplet_exactly_at_the_margin_is_not_active(hinge):
    """Positive and both negatives of sketch 0 at one distance, margin 0; one more photo is nearer."""
    s = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    x = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.6, 0.8]], dtype=torch.float64)
    ys, yp = torch.tensor([0, 1]), torch.tensor([0, 2, 3])
    ours, hand = (s.clone().requires_grad_() for _ in range(2))
    got = cross_modal_quadruplet(ours, x, ys, yp, margin=0.0, hinge=hinge, mining="all")
    want = naive(hand, x, ys.tolist(), yp.tolist(), torch.zeros(5).double(), 0.5, hinge, "all")
    torch.testing.assert_close(got, want)
    torch.testing.assert_close(torch.autograd.grad(got, ours)[0][0], torch.autograd.grad(want, hand)[0][0])


def test_joint_lets_an_easy_negative_hide_a_violated_one():
    """Sketch 0 sits on a wrong-class photo, its wrong-class sketch is opposite; no other anchor counts."""
    s, x = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([[0.8, 0.6], [1.0, 0.0]])
    ys, yp = torch.tensor([0, 1]), torch.tensor([0, 5])
    margin = torch.tensor([0.2, 0.2, 0.0, 0.0])
    joint, split = (cross_modal_quadruplet(s, x, ys, yp, margin=margin, hinge=h) for h in ("joint", "split"))
    positive = 0.4**0.5  # sketch 0 to photo 0, and photo 0 to photo 1
    assert joint == 0  # positive - 0.5 * 2 - 0.5 * 0 + 0.2 < 0
    assert split.item() == pytest.approx(0.5 * (positive + 0.2) / 2)


@MODES
def test_margin_number_and_tensor_give_the_same_bits(batch, mining):
    s, x, ys, yp = (t.float() if t.is_floating_point() else t for t in batch)
    number, tensor = (
        cross_modal_quadruplet(s, x, ys, yp, margin=m, mining=mining) for m in (0.3, torch.full((13,), 0.3))
    )
    assert torch.equal(number, tensor)


@HINGES
@MODES
def test_ignores_scale_order_and_which_modality_is_first(batch, mining, hinge):
    s, x, ys, yp = batch
    options = {"mining": mining, "hinge": hinge}
    base, order = cross_modal_quadruplet(*batch, **options), torch.tensor([4, 1, 0, 5, 3, 2])
    torch.testing.assert_close(cross_modal_quadruplet(3 * s, x[order], ys, yp[order], **options), base)
    torch.testing.assert_close(cross_modal_quadruplet(x, s, yp, ys, **options), base)


@HINGES
@MODES
def test_duplicated_rows(batch, mining, hinge):
    s, x, ys, yp = batch
    twice = cross_modal_quadruplet(
        s.repeat(2, 1), x.repeat(2, 1), ys.repeat(2), yp.repeat(2), mining=mining, hinge=hinge
    )
    torch.testing.assert_close(twice, cross_modal_quadruplet(*batch, mining=mining, hinge=hinge))


@HINGES
@MODES
@pytest.mark.parametrize(
    ("ys", "yp"),
    [([0, 0], [0, 0]), ([0, 1], [2, 3]), ([0], [0]), ([0], [1]), ([], [0]), ([0], []), ([], [])],
    ids=["one class", "no positive", "one pair", "one stranger", "no sketch", "no photo", "empty"],
)
def test_no_quadruplet_is_zero_with_grad(ys, yp, mining, hinge):
    s, x = torch.eye(2)[: len(ys)].requires_grad_(), torch.eye(2)[: len(yp)].requires_grad_()
    labels = (torch.tensor(y, dtype=torch.int64) for y in (ys, yp))
    loss = cross_modal_quadruplet(s, x, *labels, mining=mining, hinge=hinge)
    loss.backward()
    assert loss.item() == 0
    assert (s.grad == 0).all()
    assert (x.grad == 0).all()


def test_a_modality_without_negatives_leaves_the_other_alone(batch):
    """Only one class of sketches: their hard quadruplets are inter-modal triplets of share lambda."""
    s, x, _, yp = batch
    ys = torch.zeros(7, dtype=torch.int64)
    margin = torch.full((13,), 0.5, dtype=torch.float64)
    for hinge in ("joint", "split"):
        want = naive(s, x, ys.tolist(), yp.tolist(), margin, 0.25, hinge, "hard")
        torch.testing.assert_close(
            cross_modal_quadruplet(s, x, ys, yp, margin=0.5, balance=0.25, hinge=hinge), want
        )


@HINGES
@MODES
def test_a_collapsed_embedding_has_a_finite_gradient(mining, hinge):
    s, y = torch.ones(4, 3, requires_grad=True), torch.tensor([0, 0, 1, 1])
    loss = cross_modal_quadruplet(s, torch.ones(4, 3), y, y, margin=0.3, mining=mining, hinge=hinge)
    loss.backward()
    assert loss.item() == pytest.approx(0.3)
    assert torch.isfinite(s.grad).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(batch, dtype):
    s, x, ys, yp = batch
    s, x = s.to(dtype).requires_grad_(), x.to(dtype)
    loss = cross_modal_quadruplet(s, x, ys, yp)
    assert torch.equal(loss, cross_modal_quadruplet(s.float(), x.float(), ys, yp))
    loss.backward()
    assert s.grad.dtype == dtype


def test_weights_have_mean_one_and_follow_the_relation(relation):
    ys, yp = torch.tensor([0, 1, 2]), torch.tensor([0, 1, 2, 3, 4, 4])
    w = relation_weights(relation, ys, yp, stress=3.0)
    wrong = ys[:, None] != yp
    torch.testing.assert_close((w * wrong).sum(1) / wrong.sum(1), torch.ones(3, dtype=torch.float64))
    assert w[0, 1:].argmax() == relation[0][yp[1:]].argmax()
    away = relation_weights(relation, ys, yp, stress=-3.0)
    assert away[0, 1:].argmin() == relation[0][yp[1:]].argmax()
    torch.testing.assert_close(relation_weights(relation, ys, yp, stress=0.0), torch.ones_like(w))


@MODES
@HINGES
def test_no_stress_or_nothing_known_is_no_relation(batch, relation, mining, hinge):
    plain = cross_modal_quadruplet(*batch, mining=mining, hinge=hinge)
    flat = cross_modal_quadruplet(*batch, mining=mining, hinge=hinge, relation=relation, stress=0.0)
    unknown = torch.full_like(relation, torch.nan)
    torch.testing.assert_close(flat, plain)
    torch.testing.assert_close(
        cross_modal_quadruplet(*batch, mining=mining, hinge=hinge, relation=unknown), plain
    )


def test_a_missing_vector_weighs_one_and_spoils_no_other(relation):
    ys, yp = torch.tensor([0]), torch.tensor([1, 2, 3])
    known = relation_weights(relation, ys, yp[:2])
    relation[:, 3] = torch.nan
    torch.testing.assert_close(
        relation_weights(relation, ys, yp), torch.cat([known, torch.ones(1, 1).double()], 1)
    )


def test_says_which_argument_is_wrong(batch, relation):
    with pytest.raises(
        ValueError, match=r"margin: want a number or one per anchor, \(13,\), sketches first, got \(7,\)"
    ):
        cross_modal_quadruplet(*batch, margin=torch.zeros(7))
    with pytest.raises(ValueError, match=r"balance: want a number in \[0, 1\], got 1.5"):
        cross_modal_quadruplet(*batch, balance=1.5)
    with pytest.raises(ValueError, match=r"kappa: a soft hinge is positive everywhere"):
        cross_modal_quadruplet(*batch, kappa=10, mining="all")
    with pytest.raises(ValueError, match=r"relation: has 3 classes, but the labels run from 0 to 4"):
        cross_modal_quadruplet(*batch, relation=relation[:3, :3])
    with pytest.raises(ValueError, match=r"relation: want a square \(C, C\) matrix, got \(5, 4\)"):
        cross_modal_quadruplet(*batch, relation=relation[:, :4])
