"""Distances: against a difference of rows, to the second derivative, and at zero."""

import pytest
import torch

from sbirkit.losses import unit_distance
from sbirkit.losses._check import check_choice, check_pair, check_range, check_same_width


def rows(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_equals_the_norm_of_differences():
    a, b = rows(5, 7), rows(4, 7, seed=1)
    want = [[(x / x.norm() - y / y.norm()).norm() for y in b] for x in a]
    torch.testing.assert_close(unit_distance(a, b), torch.tensor(want, dtype=torch.float64))


def test_first_and_second_derivatives():
    a, b = rows(3, 4).requires_grad_(), rows(2, 4, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(unit_distance, (a, b))
    assert torch.autograd.gradgradcheck(unit_distance, (a, b))


def test_equal_rows_are_at_zero_with_zero_gradient():
    a = rows(3, 512, dtype=torch.float32).repeat(2, 1).requires_grad_()
    d = unit_distance(a, a)
    assert (d.diagonal() == 0).all()
    assert (d.diagonal(3) == 0).all()
    d.diagonal(3).sum().backward()
    assert (a.grad == 0).all()


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6])
def test_float32_keeps_its_digits_near_zero(gap):
    a = rows(4, 64)
    b = a + gap * rows(4, 64, seed=1)
    a, b = a.float(), b.float()
    want = (
        a.double() / a.double().norm(dim=1, keepdim=True) - b.double() / b.double().norm(dim=1, keepdim=True)
    ).norm(dim=1)
    torch.testing.assert_close(unit_distance(a, b).diagonal().double(), want, rtol=1e-5, atol=2e-7)


def test_gradient_never_exceeds_what_a_distance_can_have():
    a = torch.nn.functional.normalize(rows(64, 128, dtype=torch.float32), dim=1)
    b = (a + 1e-6 * rows(64, 128, seed=1, dtype=torch.float32)).requires_grad_()
    unit_distance(a, b).diagonal().sum().backward()
    assert b.grad.norm(dim=1).max() < 1.5


def test_autocast_changes_nothing():
    a, b = (rows(6, 8, seed=s, dtype=torch.float32).requires_grad_() for s in (0, 1))
    plain = torch.autograd.grad(unit_distance(a, b).sum(), (a, b))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = torch.autograd.grad(unit_distance(a, b).sum(), (a, b))
    assert all(torch.equal(p, m) for p, m in zip(plain, mixed, strict=True))


def test_checks_say_what_is_wrong():
    x, y = torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"photo: want \(N, D\) and \(N,\), got \(2, 3\) and \(1,\)"):
        check_pair("photo", x, y[:1])
    with pytest.raises(TypeError, match=r"photo: want floating-point embeddings, got torch.int64"):
        check_pair("photo", x.long(), y)
    with pytest.raises(TypeError, match=r"y_photo: want whole-number class ids \(int64\), got torch.float32"):
        check_pair("photo", x, y.float())
    with pytest.raises(ValueError, match=r"sketch and photo, got sketch \(2, 3\), photo \(2, 4\)"):
        check_same_width(sketch=x, photo=torch.zeros(2, 4))
    with pytest.raises(ValueError, match=r"margin: want a number in \[0, 2\], got nan"):
        check_range("margin", float("nan"), 0, 2)
    with pytest.raises(ValueError, match=r"hinge: want one of 'joint', 'split', got 'both'"):
        check_choice("hinge", "both", ("joint", "split"))
    assert (
        check_pair("photo", x.half(), y).dtype == check_pair("photo", x.bfloat16(), y).dtype == torch.float32
    )
