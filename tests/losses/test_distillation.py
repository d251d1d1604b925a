import math

import pytest
import torch

from sbirkit.losses.distillation import affinity_of_paths, affinity_of_vectors, distil


def naive(student, teacher, affinity, keep, kappa, nu):
    """The equation, one logit at a time; shares no code with sbirkit."""
    terms = []
    for g, t, a, photo in zip(student, teacher, affinity, keep, strict=True):
        if photo:
            raised = [torch.exp(kappa * x + nu * y) for x, y in zip(t, a, strict=True)]
            log_sum = torch.log(sum(torch.exp(x) for x in g))
            terms.append(-sum(r / sum(raised) * (x - log_sum) for r, x in zip(raised, g, strict=True)))
    return sum(terms) / len(terms)


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(5)
    student, teacher = (3 * torch.randn(5, 7, generator=g, dtype=torch.float64) for _ in range(2))
    affinity = torch.rand(5, 7, generator=g, dtype=torch.float64)
    return student, teacher, affinity, torch.tensor([True, False, True, True, False])


@pytest.mark.parametrize(("kappa", "nu"), [(1.0, 0.3), (0.25, 4.0), (1.0, 0.0)])
def test_value_and_gradient_equal_naive(batch, kappa, nu):
    student, teacher, affinity, keep = batch
    a, b = student.clone().requires_grad_(), student.clone().requires_grad_()
    one, other = distil(a, teacher, affinity, keep=keep, kappa=kappa, nu=nu), naive(b, *batch[1:], kappa, nu)
    torch.testing.assert_close(one, other)
    one.backward()
    other.backward()
    torch.testing.assert_close(a.grad, b.grad)
    assert a.grad[~keep].eq(0).all()


def test_gradient_equals_finite_differences(batch):
    torch.autograd.gradcheck(lambda x: distil(x, *batch[1:3], keep=batch[3]), batch[0].requires_grad_())


def test_teacher_gets_no_gradient(batch):
    student, teacher = batch[0].requires_grad_(), batch[1].requires_grad_()
    distil(student, teacher).backward()
    assert teacher.grad is None


def test_ignores_row_order_and_a_constant_in_either_logits(batch):
    student, teacher, affinity, _ = batch
    base = distil(student, teacher, affinity)
    torch.testing.assert_close(distil(student.flip(0), teacher.flip(0), affinity.flip(0)), base)
    torch.testing.assert_close(distil(student + 9, teacher - 4, affinity), base)


def test_affinity_moves_the_best_student_towards_the_akin_class():
    """The minimiser is the raised teacher itself, and its loss the target's entropy."""
    teacher, affinity = torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 0.0]])
    best = torch.tensor([[math.log(2.0), 0.0, 0.0]])
    entropy = -(0.5 * math.log(0.5) + 0.5 * math.log(0.25))
    assert distil(best, teacher, affinity, nu=math.log(2.0)).item() == pytest.approx(entropy, abs=1e-6)
    assert distil(teacher, teacher, affinity, nu=math.log(2.0)).item() > entropy + 0.01


def test_without_affinity_or_mask_it_is_plain(batch):
    student, teacher, affinity, _ = batch
    plain = distil(student, teacher)
    torch.testing.assert_close(plain, distil(student, teacher, affinity, nu=0))
    torch.testing.assert_close(plain, naive(student, teacher, affinity, [True] * 5, 1.0, 0.0))


@pytest.mark.parametrize("n", [0, 3])
def test_no_photo_is_zero_with_gradient(n):
    student = torch.randn(n, 4, requires_grad=True)
    loss = distil(student, torch.randn(n, 4), keep=torch.zeros(n, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert student.grad.eq(0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(batch, dtype):
    student, teacher, affinity, keep = (x.to(dtype) if x.is_floating_point() else x for x in batch)
    got = distil(student, teacher, affinity, keep=keep)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, distil(student.float(), teacher.float(), affinity.float(), keep=keep))


def test_paths_same_ancestor_cousin_and_far():
    cat, bird, animal, rook = (
        ("animal", "mammal", "cat"),
        ("animal", "bird"),
        ("animal",),
        ("animal", "bird", "rook"),
    )
    got = affinity_of_paths([cat, bird], [cat, bird, animal, rook, ("tool", "saw"), ()], threshold=0.2)
    # cat to bird: 3 steps; cat to rook: 4 steps, a similarity of 0.2, which is not above the threshold
    torch.testing.assert_close(got, torch.tensor([[1, 1 / 4, 1, 0, 0, 0], [1 / 4, 1, 1, 1, 0, 0]]))
    assert affinity_of_paths([cat], [rook], threshold=0.19).item() == pytest.approx(1 / 5)
    assert affinity_of_paths([], [cat, bird]).shape == (0, 2)
    assert affinity_of_paths([()], [()]).item() == 0  # unknown is not akin to unknown


def test_vectors_threshold_and_missing():
    nan, u = float("nan"), torch.tensor([[1.0, 0.0], [float("nan"), 1.0], [0.0, 0.0]])
    v = torch.tensor([[5.0, 0.0], [0.19, 1.0], [-1.0, 0.0], [nan, nan]])
    got = affinity_of_vectors(u, v)
    assert got.tolist() == [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert affinity_of_vectors(u, v, threshold=0.1)[0, 1].item() == pytest.approx(0.19 / math.hypot(0.19, 1))
    same = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    assert affinity_of_vectors(same, same).max() == 1  # not a rounding above


def test_says_what_is_wrong(batch):
    student, teacher, affinity, keep = batch
    with pytest.raises(ValueError, match=r"want \(N, T\) thrice and \(N,\), got \[\(5, 7\), \(5, 6\)"):
        distil(student, teacher[:, :6], affinity)
    with pytest.raises(ValueError, match="thrice"):
        distil(student, teacher, keep=keep[:2])
    with pytest.raises(TypeError, match="keep: want a bool per row"):
        distil(student, teacher, keep=keep.long())
    with pytest.raises(TypeError, match="sequence of names per class"):
        affinity_of_paths(["cat"], [("cat",)])
    with pytest.raises(ValueError, match="threshold: want"):
        affinity_of_vectors(student, teacher, threshold=1.5)
