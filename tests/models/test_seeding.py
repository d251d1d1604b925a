"""Named random numbers."""

import torch
from torch import nn

from sbirkit.models.seeding import generator, named_seed


def test_weights_depend_on_seed_and_name_alone():
    def made(seed, name, before=0):
        for _ in range(before):
            torch.rand(1)
        with named_seed(seed, name):
            return nn.Linear(3, 3).weight

    assert torch.equal(made(0, "head"), made(0, "head", before=2))
    assert not torch.equal(made(0, "head"), made(1, "head"))
    assert not torch.equal(made(0, "head"), made(0, "tail"))


def test_others_random_numbers_go_on_as_if_nothing_was():
    torch.manual_seed(1)
    want = torch.rand(2, 3)
    torch.manual_seed(1)
    first = torch.rand(3)
    with named_seed(0, "head"):
        torch.rand(7)
    assert torch.equal(torch.stack([first, torch.rand(3)]), want)


def test_generators_of_one_name_start_alike():
    one, two, other = (torch.rand(3, generator=generator(0, n)) for n in ("a", "a", "b"))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
