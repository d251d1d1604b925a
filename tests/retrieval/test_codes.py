"""Binary codes: packing, distances, and the two ITQ fits."""

import numpy as np
import pytest
import torch

from sbirkit.retrieval.codes import fit_itq, hamming, itq_transductive, pack, sign_codes


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def unpack(codes, bits):
    return [[bool(int(row[b // 64]) >> (b % 64) & 1) for b in range(bits)] for row in codes]


@pytest.mark.parametrize("bits", [1, 8, 63, 64, 65, 100, 256])
def test_pack_and_hamming_equal_bit_by_bit_counting(rng, bits):
    a, b = rng.random((5, bits)) > 0.5, rng.random((7, bits)) > 0.5
    assert unpack(pack(a), bits) == a.tolist()
    naive = [[sum(bool(s) != bool(t) for s, t in zip(x, y, strict=True)) for y in b] for x in a]
    assert hamming(pack(a), pack(b)).tolist() == naive


def test_all_256_bits_may_differ():
    a = np.zeros((1, 256), bool)
    assert hamming(pack(a), pack(~a)).item() == 256


def quantisation_error(x, coder):
    z = (x - coder.mean) @ coder.projection
    return float(((np.where(z >= 0, 1, -1) - z) ** 2).mean())


def test_itq_lowers_its_objective_with_every_iteration(rng):
    x = rng.normal(size=(400, 24)) @ rng.normal(size=(24, 24)) / 5
    errors = [quantisation_error(x, fit_itq(x, bits=16, iterations=n)) for n in (0, 1, 2, 5, 50)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.95 * errors[0]


def test_itq_projection_is_a_rotation_of_the_leading_axes(rng):
    x = rng.normal(size=(500, 12)) * np.arange(1, 13)
    coder = fit_itq(x[:200], x[200:], bits=4)
    np.testing.assert_allclose(coder.mean, x.mean(0))
    np.testing.assert_allclose(coder.projection.T @ coder.projection, np.eye(4), atol=1e-10)
    outside = np.abs(coder.projection[:7]).max()  # variance grows with the column: the last four carry most
    assert outside < 0.2 < np.abs(coder.projection[8:]).max()


def test_codes_keep_neighbours(rng):
    centres = rng.normal(size=(10, 64)) * 3
    x = centres[np.repeat(np.arange(10), 30)] + rng.normal(size=(300, 64))
    distance = hamming(*[fit_itq(x, bits=32).encode(x)] * 2)
    same = np.repeat(np.arange(10), 30)[:, None] == np.repeat(np.arange(10), 30)
    assert distance[same].mean() < 0.5 * distance[~same].mean()


def test_same_seed_same_coder_and_torch_equals_numpy(rng):
    x = rng.normal(size=(90, 20))
    a, b = fit_itq(x, bits=16, seed=3), fit_itq(torch.tensor(x, requires_grad=True), bits=16, seed=3)
    assert (a.projection == b.projection).all()
    assert (a.encode(x) != fit_itq(x, bits=16, seed=4).encode(x)).any()


def released(query, gallery, n_iter=50):
    """Our reading of the public routine, line by line in our words: fit on queries, transpose missing."""
    query, gallery = query - query.mean(axis=0), gallery - gallery.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(query.T), "U")
    vectors = vectors[:, np.argsort(values)[::-1]]
    a, b = query.dot(vectors), gallery.dot(vectors)
    state = np.random.RandomState(n_iter)
    turn = np.linalg.svd(state.randn(a.shape[1], a.shape[1]))[0]
    for _ in range(n_iter):
        signs = np.sign(a.dot(turn)) + (a.dot(turn) == 0)
        left, _, right = np.linalg.svd(signs.T.dot(a))
        turn = right.dot(left.T)
    return a.dot(turn) > 0, b.dot(turn) > 0


def test_transductive_fit_is_the_released_one(rng):
    q, g = rng.normal(size=(150, 16)) + 1, rng.normal(size=(220, 16)) - 1
    for got, want in zip(itq_transductive(q, g), released(q, g), strict=True):
        assert unpack(got, 16) == want.tolist()


def test_transductive_fit_centres_the_modalities_apart(rng):
    q, g = rng.normal(size=(150, 16)), rng.normal(size=(220, 16))
    base, moved = itq_transductive(q, g), itq_transductive(q, g + 5)
    assert (base[1] == moved[1]).all()
    clean = fit_itq(q, g, bits=16)
    assert (clean.encode(g) != clean.encode(g + 5)).any()


def test_sign_codes():
    assert sign_codes(np.array([[0.5, -1.0, 0.0, 2.0]])).tolist() == [[0b1001]]


def test_errors_say_what_was_wanted(rng):
    x = rng.normal(size=(100, 32))
    with pytest.raises(ValueError, match="bits=64: embeddings of 32 dimensions give 1 to 32 bits"):
        fit_itq(x, bits=64)
    with pytest.raises(ValueError, match="more than 32 embeddings"):
        fit_itq(x[:32], bits=32)
    with pytest.raises(ValueError, match="part 1: want finite numbers, got nan or infinity in 2 rows"):
        fit_itq(x, np.where(np.arange(100)[:, None] < 2, np.nan, x), bits=8)
    with pytest.raises(ValueError, match="fitted on 32"):
        fit_itq(x, bits=8).encode(x[:, :5])
    with pytest.raises(ValueError, match="query: want packed codes"):
        hamming(x, pack(x > 0))
    with pytest.raises(ValueError, match="1 words and gallery of 2"):
        hamming(pack(x > 0), pack(rng.random((3, 65)) > 0.5))
    with pytest.raises(ValueError, match="booleans"):
        pack(x)
