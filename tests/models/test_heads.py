"""Linear heads, and DSN's start from a classifier."""

import numpy as np
import pytest
import torch
from torch import nn

from sbirkit.models.heads import embedding, svd_factors


def test_factors_are_the_best_of_their_rank():
    """Eckart and Young: what is lost is the norm of the singular values left out."""
    weight = torch.randn(20, 12, generator=torch.Generator().manual_seed(0))
    s = np.linalg.svd(weight.numpy(), compute_uv=False)
    for dim in (1, 5, 12):
        embed, head = svd_factors(weight, dim)
        assert embed.shape == (dim, 12)
        assert head.shape == (20, dim)
        lost = np.linalg.norm((head @ embed - weight).numpy())
        np.testing.assert_allclose(lost, np.linalg.norm(s[dim:]), atol=1e-4)
        torch.testing.assert_close(head.T @ head, torch.eye(dim), atol=1e-4, rtol=0)  # the scale is in embed


def test_at_full_rank_the_head_still_classifies_alike():
    classifier, x = nn.Linear(12, 20), torch.randn(7, 12)
    embed, head = embedding(classifier, 12, 12)
    assert head is not None
    got = (embed(x) - embed.bias) @ head.weight.T
    torch.testing.assert_close(got, classifier(x) - classifier.bias, atol=1e-4, rtol=1e-4)
    assert embed.weight.requires_grad
    assert head.weight.requires_grad


def test_without_a_classifier_it_is_random():
    embed, head = embedding(None, 12, 4)
    assert head is None
    assert (embed.in_features, embed.out_features) == (12, 4)


def test_says_what_does_not_fit():
    with pytest.raises(ValueError, match=r"dim: want 1 to min\(K, C\).*got 13 for a weight of \(20, 12\)"):
        svd_factors(torch.zeros(20, 12), 13)
    with pytest.raises(ValueError, match="classifier: want 8 inputs, got 12"):
        embedding(nn.Linear(12, 20), 8, 4)
