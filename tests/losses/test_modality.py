import math

import pytest
import torch
from torch import nn

from sbirkit.losses import modality
from sbirkit.losses.modality import PHOTO, SKETCH, ModalityTable

B, D, K = 5, 6, 4


def unit(x):
    return x / (x * x).sum().sqrt()


def cos(a, b):
    return (unit(a) * unit(b)).sum()


def naive(name, image, text, v, t, table, weight):
    """The dossier's equations, one item at a time; shares no code with sbirkit."""
    total = 0
    for i in range(len(image)):
        zv, zt, mv, mt = unit(image[i]), unit(text[i]), table[v[i]], table[t[i]]
        sv, st, c = zv - mv, zt - mt, unit((zv + zt) / 2)
        if name == "semantic":
            total = total + (1 - cos(sv, c)) + (1 - cos(st, c))
        elif name == "reconstruction":
            total = total + (1 - cos(st + mv, zv)) + (1 - cos(sv + mt, zt))
        elif name == "discrimination":
            for s, own in ((sv, v[i]), (st, t[i])):
                for k in (k for k in range(K) if k != own):
                    logits = [(w * unit(s + table[k])).sum() for w in weight]
                    total = total - torch.log(torch.exp(logits[k]) / sum(map(torch.exp, logits))) / (
                        2 * (K - 1)
                    )
        elif name == "elementwise":
            total = total + sum(abs(c[j] * m[j]) for m in table for j in range(D)) / K
        elif name == "dot":
            total = total + sum(abs((c * m).sum()) for m in table) / K
    return total / len(image)


def ours(name, image, text, v, t, table, weight):
    if name == "discrimination":
        return modality.modality_discrimination(image, text, v, t, table, lambda x: x @ weight.T)
    if name in ("elementwise", "dot"):
        return modality.orthogonality(image, text, table, form=name)
    return getattr(modality, name)(image, text, v, t, table)


NAMES = ["semantic", "reconstruction", "discrimination", "elementwise", "dot"]


def batch(n=B, dtype=torch.float64):
    g = torch.Generator().manual_seed(4)
    image, text, table, weight = (torch.randn(k, D, generator=g, dtype=dtype) for k in (n, n, K, K))
    v, t = torch.tensor([0, 1, 0, 1, 1])[:n], torch.tensor([3, 2, 3, 3, 2])[:n]
    return image, text, v, t, table, weight


@pytest.mark.parametrize("name", NAMES)
def test_value_and_gradients_equal_naive(name):
    results = []
    for f in (ours, naive):
        image, text, v, t, table, weight = batch()
        leaves = [x.requires_grad_() for x in (image, text, table, weight)]
        loss = f(name, image, text, v, t, table, weight)
        results.append((loss, *torch.autograd.grad(loss, leaves, allow_unused=True)))
    for mine, theirs in zip(*results, strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("name", NAMES)
def test_gradient_equals_finite_differences(name):
    image, text, v, t, table, weight = batch()
    torch.autograd.gradcheck(
        lambda a, b, m: ours(name, a, b, v, t, m, weight),
        (image.requires_grad_(), text.requires_grad_(), table.requires_grad_()),
    )


@pytest.mark.parametrize("name", NAMES)
def test_ignores_scale_order_and_the_roles(name):
    image, text, v, t, table, weight = batch()
    base = ours(name, image, text, v, t, table, weight)
    order = torch.tensor([3, 0, 4, 1, 2])
    shuffled = ours(name, 5 * image[order], text[order] / 3, v[order], t[order], table, weight)
    torch.testing.assert_close(shuffled, base)
    torch.testing.assert_close(
        ours(name, text, image, t, v, table, weight), base
    )  # and so for sketch and photo


@pytest.mark.parametrize("name", NAMES)
def test_no_item_is_zero_with_gradient_and_one_item_is_finite(name):
    for n in (0, 1):
        image, *rest = batch(n, torch.float32)
        loss = ours(name, image.requires_grad_(), *rest)
        loss.backward()
        assert torch.isfinite(image.grad).all()
        assert (loss.item() == 0) == (n == 0)


@pytest.mark.parametrize("name", NAMES)
def test_duplicated_rows_count_once(name):
    image, text, v, t, table, weight = batch()
    twice = [torch.cat([x, x]) for x in (image, text, v, t)]
    torch.testing.assert_close(
        ours(name, *twice, table, weight), ours(name, image, text, v, t, table, weight)
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", NAMES)
def test_half_precision_is_computed_in_float32(name, dtype):
    image, text, v, t, table, weight = batch(dtype=torch.float32)
    image, text = image.to(dtype), text.to(dtype)
    got = ours(name, image, text, v, t, table, weight)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, ours(name, image.float(), text.float(), v, t, table, weight))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = ours(name, image, text, v, t, table, weight)
    torch.testing.assert_close(inside, got, rtol=0, atol=1e-6)


def test_with_equal_embeddings_and_no_modality_nothing_is_left():
    image, _, v, t, table, _ = batch()
    empty = torch.zeros_like(table)
    assert modality.semantic(image, image, v, t, empty).item() == pytest.approx(0, abs=1e-12)
    assert modality.reconstruction(image, image, v, t, empty).item() == pytest.approx(0, abs=1e-12)


def test_true_modalities_solve_every_term():
    """Meanings and modalities in orthogonal dimensions: the table that made the embeddings is the answer."""
    meanings = torch.eye(D, dtype=torch.float64)[:2]
    table = torch.eye(D, dtype=torch.float64)[2:]
    v, t = torch.tensor([0, 1]), torch.tensor([3, 2])
    image, text = ((meanings + table[m]) / math.sqrt(2) for m in (v, t))
    true = table / math.sqrt(2)  # embeddings have length one, so each part has 1 / sqrt 2
    for k in range(4):
        torch.testing.assert_close(modality.meaning(image, v, true), meanings / math.sqrt(2))
        wrong = true.roll(1, 0) if k else true
        loss = modality.reconstruction(image, text, v, t, wrong).item()
        assert (loss > 0.1) if k else (loss == pytest.approx(0, abs=1e-12))
    sharp = modality.modality_discrimination(image, text, v, t, true, lambda x: 100 * x @ table.T)
    assert sharp.item() < 1e-6
    photo = (meanings + table[PHOTO]) / math.sqrt(2)
    sketch = (meanings + table[SKETCH]) / math.sqrt(2)
    torch.testing.assert_close(modality.converted(sketch, true), photo)
    torch.testing.assert_close(modality.converted(photo, true, source=PHOTO, target=SKETCH), sketch)


def test_centre_carries_a_gradient_unless_detached():
    image, text, v, t, table, _ = batch()
    image.requires_grad_()
    grads = [
        torch.autograd.grad(modality.semantic(image, text, v, t, table, detach=d), image)[0]
        for d in (False, True)
    ]
    assert (grads[0] - grads[1]).abs().max() > 1e-3
    assert modality.orthogonality(image, text, table).requires_grad
    assert not modality.orthogonality(image, text, table, detach=True).requires_grad


def test_modality_table_starts_small_or_as_released():
    torch.manual_seed(0)
    assert ModalityTable(512).weight.std().item() == pytest.approx(0.02, rel=0.1)
    released = ModalityTable(512, std=1.0)
    assert released.weight.norm(dim=1).mean().item() == pytest.approx(22.6, rel=0.1)
    assert released(torch.tensor([SKETCH])).equal(released.weight[[1]])


def test_linear_discriminator_learns_with_the_table():
    """Nothing is reversed: one descent step on all parameters lowers the term."""
    torch.manual_seed(0)
    image, text, v, t, *_ = batch(dtype=torch.float32)
    table, d = ModalityTable(D, std=1.0), nn.Linear(D, K)
    leaves = [table.weight, *d.parameters()]
    before = modality.modality_discrimination(image, text, v, t, table.weight, d)
    before.backward()
    with torch.no_grad():
        for p in leaves:
            p.sub_(0.1 * p.grad)
    assert modality.modality_discrimination(image, text, v, t, table.weight, d) < before


def test_says_what_is_wrong():
    image, text, v, t, table, _ = batch()
    with pytest.raises(ValueError, match="want the same width for image and text and table"):
        modality.semantic(image, text, v, t, table[:, :3])
    with pytest.raises(ValueError, match="want the same width for image and text"):
        modality.orthogonality(image, text[:, :3], table)
    with pytest.raises(TypeError, match="want whole-number"):
        modality.reconstruction(image, text, v.double(), t, table)
    with pytest.raises(ValueError, match="form: want one of 'elementwise', 'dot'"):
        modality.orthogonality(image, text, table, form="cosine")
    with pytest.raises(IndexError):
        modality.reconstruction(image, text, v - 1, t, table)
