import math

import pytest
import torch

from sbirkit.losses.category_memory import CategoryMemory, prototype_distance


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)


class Naive:
    """The dossier's sentences with lists; shares no code with sbirkit."""

    def __init__(self, classes, slots):
        self.slots, self.banks = slots, [[] for _ in range(classes)]

    def remember(self, sketches, ys, photos, yp):
        for s, c in zip(sketches, ys, strict=True):
            bank, own = self.banks[c], [p for p, y in zip(photos, yp, strict=True) if y == c]
            if len(bank) < self.slots:
                bank.append(s)
            elif own:
                query = [sum(column) / len(own) for column in zip(*own, strict=True)]
                likeness = [cosine(b, query) for b in bank]
                if cosine(s, query) > min(likeness):
                    bank[likeness.index(min(likeness))] = s

    def loss(self, photos, yp):
        terms = []
        for p, c in zip(photos, yp, strict=True):
            if bank := self.banks[c]:
                terms.append(cosine(p, [sum(column) / len(bank) for column in zip(*bank, strict=True)]))
        return 1 - sum(terms) / len(terms) if terms else 0.0


def draw(n, classes, g, dim=5):
    return torch.randn(n, dim, generator=g, dtype=torch.float64), torch.randint(classes, (n,), generator=g)


def test_twenty_batches_equal_naive():
    g = torch.Generator().manual_seed(0)
    memory, naive = CategoryMemory(4, 5, slots=3).double(), Naive(4, 3)
    for _ in range(20):
        (s, ys), (x, yx) = draw(4, 4, g), draw(3, 4, g)
        memory.remember(s, ys, x, yx)
        naive.remember(s.tolist(), ys.tolist(), x.tolist(), yx.tolist())
        for c in range(4):
            assert memory.bank[c, : memory.filled[c]].tolist() == naive.banks[c]
        assert memory(x, yx).item() == pytest.approx(naive.loss(x.tolist(), yx.tolist()), abs=1e-12)
    assert memory.filled.tolist() == [3] * 4


def filled(dim=2, **options):
    """Two classes, two slots: class 0 full of [-1, 0] and [0, 1], class 1 full of [0, -1]."""
    memory = CategoryMemory(2, dim, slots=2, **options)
    s = torch.tensor([[-1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [0.0, -1.0]])
    memory.remember(s, torch.tensor([0, 0, 1, 1]), s[:0], torch.zeros(0, dtype=torch.int64))
    return memory


def test_a_closer_sketch_takes_the_place_of_the_farthest():
    memory, new, query, y = (
        filled(),
        torch.tensor([[2.0, 1.0]]),
        torch.tensor([[1.0, 0.0]]),
        torch.tensor([0]),
    )
    memory.remember(new, y, query, y)
    assert memory.bank[0].tolist() == [[2, 1], [0, 1]]
    assert memory.bank[1].tolist() == [[0, -1], [0, -1]]


def test_a_farther_sketch_and_a_class_without_photos_change_nothing():
    memory, y = filled(), torch.tensor([0])
    before = memory.bank.clone()
    memory.remember(torch.tensor([[-1.0, -0.1]]), y, torch.tensor([[0.0, 1.0]]), y)
    memory.remember(torch.tensor([[5.0, 0.0]]), y, torch.tensor([[1.0, 0.0]]), torch.tensor([1]))
    assert torch.equal(memory.bank, before)


def test_released_write_takes_the_slot_for_a_class():
    """Class 1's farthest slot is number 0, so class 0 is overwritten, whole; class 1 never changes."""
    memory, y = filled(write="released"), torch.tensor([1])
    memory.remember(torch.tensor([[3.0, 0.0]]), y, torch.tensor([[1.0, 0.0]]), y)
    assert memory.bank[0].tolist() == [[3, 0], [3, 0]]
    assert memory.bank[1].tolist() == [[0, -1], [0, -1]]


def test_released_gradient_is_none_and_the_value_the_same():
    x, y = torch.tensor([[1.0, 2.0], [3.0, -1.0]], requires_grad=True), torch.tensor([0, 1])
    intended, released = filled()(x, y), filled(gradient="released")(x, y)
    assert intended.item() == released.item() > 0
    assert not released.requires_grad
    intended.backward()
    assert x.grad.norm() > 0.1
    (released + x.sum() * 0).backward()  # beside other terms it adds nothing
    assert torch.equal(x.grad, torch.autograd.grad(filled()(x, y), x)[0])


def test_the_bank_itself_gets_no_gradient():
    memory, s = CategoryMemory(1, 3), torch.randn(2, 3, requires_grad=True)
    memory.remember(s, torch.tensor([0, 0]), s, torch.tensor([0, 0]))
    assert not memory.bank.requires_grad
    assert not list(memory.parameters())


def test_gradient_equals_finite_differences():
    g = torch.Generator().manual_seed(1)
    memory, (s, ys), (x, yx) = CategoryMemory(3, 5).double(), draw(6, 2, g), draw(5, 3, g)
    memory.remember(s, ys, x, yx)
    assert 0 < (memory.filled[yx] > 0).sum() < 5  # one class is empty
    torch.autograd.gradcheck(lambda p: memory(p, yx), x.requires_grad_())


def test_ignores_scale_and_photo_order():
    memory, (x, y) = filled(), draw(6, 2, torch.Generator().manual_seed(2), dim=2)
    torch.testing.assert_close(memory(4 * x.flip(0), y.flip(0)), memory(x, y))


def test_mean_is_over_filled_slots_only():
    memory = CategoryMemory(2, 2, slots=10)
    memory.remember(
        torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.tensor([1, 1]), torch.eye(2), torch.tensor([0, 0])
    )
    assert memory.prototypes().tolist() == [[0, 0], [1, 2]]


@pytest.mark.parametrize("n", [0, 1, 3])
def test_empty_bank_is_zero_with_gradient(n):
    x = torch.randn(n, 4, requires_grad=True)
    loss = CategoryMemory(2, 4)(x, torch.zeros(n, dtype=torch.int64))
    loss.backward()
    assert loss.item() == 0
    assert x.grad.eq(0).all()


def test_state_is_saved_and_emptied():
    memory, other = filled(), CategoryMemory(2, 2, slots=2)
    other.load_state_dict(memory.state_dict())
    assert torch.equal(other.bank, memory.bank)
    assert other.filled.tolist() == [2, 2]
    memory.empty()
    assert not memory.bank.any()
    assert memory.filled.tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    memory, x, y = CategoryMemory(1, 3), torch.randn(4, 3).to(dtype), torch.zeros(4, dtype=torch.int64)
    memory.remember(x, y, x, y)
    assert memory.bank.dtype == memory(x, y).dtype == torch.float32
    torch.testing.assert_close(memory(x, y), memory(x.float(), y))


def test_prototype_distance_skips_what_is_not_known():
    x = torch.eye(2)
    assert prototype_distance(x, -x, torch.tensor([True, False])).item() == 2
    assert prototype_distance(x, -x, torch.tensor([False, False])).item() == 0


def test_says_what_is_wrong():
    memory, y = CategoryMemory(2, 3), torch.tensor([0])
    with pytest.raises(ValueError, match="y_photo: want 0 to 1, got 2 to 2"):
        memory(torch.ones(1, 3), y + 2)
    with pytest.raises(ValueError, match="y_sketch: want 0 to 1, got -1 to -1"):
        memory.remember(torch.ones(1, 3), y - 1, torch.ones(1, 3), y)
    with pytest.raises(ValueError, match="want the same width for photo and bank"):
        memory(torch.ones(1, 4), y)
    with pytest.raises(ValueError, match="gradient: want one of 'intended', 'released', got 'none'"):
        CategoryMemory(2, 3, gradient="none")
    with pytest.raises(ValueError, match="slots: write='released' needs at most 2, one per class, got 10"):
        CategoryMemory(2, 3, write="released")
