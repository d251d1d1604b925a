import itertools
import math

import pytest
import torch

from sbirkit.losses import GraphProjection, class_graph, path_distance, vector_distance
from sbirkit.losses.graph import normalised

NAN = float("nan")


def vectors(n=7, width=4):
    return torch.randn(n, width, generator=torch.Generator().manual_seed(9))


def edges(graph):
    return {(i, j) for i, j in graph.nonzero().tolist() if i < j}


def naive_tree(d):
    """Lightest spanning tree by trying every set of edges."""
    n = len(d)
    best, weight = None, math.inf
    for chosen in itertools.combinations(itertools.combinations(range(n), 2), n - 1):
        group = list(range(n))
        for i, j in chosen:
            group = [group[i] if g == group[j] else g for g in group]
        total = sum(float(d[i, j]) for i, j in chosen)
        if len(set(group)) == 1 and total < weight:
            best, weight = set(chosen), total
    return best


def test_vector_distance_equals_naive_and_knows_missing_rows():
    w = vectors()
    w[2, 1] = NAN
    d = vector_distance(w)
    for i, j in itertools.product(range(7), repeat=2):
        want = NAN if 2 in (i, j) else math.dist(w[i].tolist(), w[j].tolist())
        assert d[i, j].item() == pytest.approx(want, rel=1e-6, abs=1e-7, nan_ok=True)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_nearest_neighbours_equal_naive(k):
    d = vector_distance(vectors())
    want = set()
    for i in range(7):
        near = sorted((j for j in range(7) if j != i), key=lambda j: float(d[i, j]))[:k]
        want |= {(min(i, j), max(i, j)) for j in near}
    graph = class_graph(d, k=k, temperature=3.0)
    assert edges(graph) == want
    assert torch.equal(graph, graph.T)
    for i, j in want:
        assert graph[i, j].item() == pytest.approx(math.exp(-(float(d[i, j]) ** 2) / 3), rel=1e-5)


def test_tree_equals_naive():
    d = vector_distance(vectors(5))
    assert edges(class_graph(d, kind="tree")) == naive_tree(d)


@pytest.mark.parametrize("kind", ["knn", "tree"])
def test_missing_classes_stay_without_an_edge_and_change_nothing(kind):
    w = vectors()
    whole = torch.cat([w[:3], torch.full((2, 4), NAN), w[3:]])
    kept = [0, 1, 2, 5, 6, 7, 8]
    graph = class_graph(vector_distance(whole), kind=kind, k=2)
    assert not graph[3:5].any()
    assert not graph[:, 3:5].any()
    torch.testing.assert_close(graph[kept][:, kept], class_graph(vector_distance(w), kind=kind, k=2))
    assert not class_graph(torch.full((3, 3), NAN), kind=kind).any()  # nobody is known


@pytest.mark.parametrize("kind", ["knn", "tree"])
def test_duplicated_vectors_are_joined(kind):
    """scipy's tree takes a distance of zero for a missing edge."""
    w = vectors(4)
    w[3] = w[0]
    assert class_graph(vector_distance(w), kind=kind, k=1)[0, 3].item() == 1
    same = class_graph(vector_distance(w[[0, 0, 0]]), kind=kind)
    assert len(edges(same)) == (3 if kind == "knn" else 2)
    assert same.max() == 1


@pytest.mark.parametrize("kind", ["knn", "tree"])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_classes(kind, n):
    graph = class_graph(vector_distance(vectors(n)), kind=kind)
    assert graph.shape == (n, n)
    assert len(edges(graph)) == (n == 2)
    assert torch.isfinite(normalised(graph)).all()


def test_scale_of_vectors_does_not_matter_without_a_temperature():
    w = vectors()
    torch.testing.assert_close(class_graph(vector_distance(w)), class_graph(vector_distance(50 * w)))


def test_taxonomy_joins_sisters():
    paths = [("animal", "cat"), ("animal", "dog"), ("tool", "saw"), ("tool", "axe"), (), ("tool",)]
    d = path_distance(paths)
    assert d[0].tolist()[:4] == [0, 2, 4, 4]
    assert (d[5, 2], d[5, 0]) == (1, 3)
    assert d[4].isnan().all()
    assert edges(class_graph(d, k=1)) == {(0, 1), (2, 5), (3, 5)}
    assert len(edges(class_graph(d, kind="tree"))) == 4
    assert path_distance([]).shape == (0, 0)


def test_normalised_equals_naive_and_has_largest_eigenvalue_one():
    a = class_graph(vector_distance(vectors()), k=2)
    got = normalised(a)
    degree = [1 + sum(row) for row in a.tolist()]
    for i, j in itertools.product(range(7), repeat=2):
        want = (float(a[i, j]) + (i == j)) / math.sqrt(degree[i] * degree[j])
        assert got[i, j].item() == pytest.approx(want, rel=1e-5)
    assert torch.linalg.eigvalsh(got).max().item() == pytest.approx(1, abs=1e-5)


def test_projection_equals_naive():
    torch.manual_seed(0)
    w, a = vectors(4), class_graph(vector_distance(vectors(4)), k=1)
    net = GraphProjection(w, a, 3, hidden=5)
    layers = [
        (net.inner.weight.tolist(), net.inner.bias.tolist()),
        (net.outer.weight.tolist(), net.outer.bias.tolist()),
    ]
    x = [[v / math.hypot(*row) for v in row] for row in w.tolist()]
    degree = [1 + sum(row) for row in a.tolist()]
    for depth, (weight, bias) in enumerate(layers):
        y = [
            [
                sum(u * v for u, v in zip(row, out, strict=True)) + b
                for out, b in zip(weight, bias, strict=True)
            ]
            for row in x
        ]
        x = [
            [
                sum(
                    (float(a[i, j]) + (i == j)) / math.sqrt(degree[i] * degree[j]) * y[j][c] for j in range(4)
                )
                for c in range(len(bias))
            ]
            for i in range(4)
        ]
        x = [[max(v, 0) for v in row] for row in x] if depth == 0 else x
    torch.testing.assert_close(net(), torch.tensor(x))


def test_projection_follows_the_order_of_classes():
    w, order = vectors(), torch.tensor([4, 0, 6, 1, 5, 2, 3])
    a = class_graph(vector_distance(w), k=2)
    nets = []
    for x, g in ((w, a), (w[order], a[order][:, order])):
        torch.manual_seed(0)
        nets.append(GraphProjection(x, g, 8)())
    torch.testing.assert_close(nets[0][order], nets[1])


def test_missing_vectors_are_learned_and_stay_apart():
    torch.manual_seed(0)
    w = vectors()
    w[2], w[5, 0] = NAN, NAN
    net = GraphProjection(w, class_graph(vector_distance(w)), 8)
    p = net()
    p.square().sum().backward()
    assert torch.isfinite(p).all()
    assert (p[2] - p[5]).norm() > 0.01
    moved = net.stand_in.grad.norm(dim=1) > 0
    assert torch.equal(moved, net.missing)
    whole = GraphProjection(vectors(), torch.zeros(7, 7), 8)
    whole.load_state_dict(net.state_dict())  # no shape depends on what is missing
    assert torch.equal(whole(), net())
    alone = GraphProjection(torch.full((3, 4), NAN), torch.zeros(3, 3), 8)  # no vector at all
    assert torch.isfinite(alone()).all()


def test_neighbours_reach_over_two_edges_only():
    chain = torch.zeros(4, 4)
    for i in range(3):
        chain[i, i + 1] = chain[i + 1, i] = 1.0
    torch.manual_seed(0)
    net = GraphProjection(torch.eye(4), chain, 16, hidden=32)
    net.vectors.requires_grad_()
    (to,) = torch.autograd.grad(net()[0].square().sum(), net.vectors)
    assert (to.norm(dim=1) > 0).tolist() == [True, True, True, False]


def test_projection_is_saved_whole_and_ignores_autocast():
    torch.manual_seed(0)
    w = vectors()
    w[1] = NAN
    net = GraphProjection(w, class_graph(vector_distance(w)), 8)
    other = GraphProjection(w.roll(1, 1), torch.zeros(7, 7), 8)
    other.load_state_dict(net.state_dict())
    torch.testing.assert_close(other(), net())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(net(), other(), rtol=0, atol=0)


def test_says_what_is_wrong():
    d = vector_distance(vectors())
    with pytest.raises(ValueError, match=r"want \(C, C\), symmetric, no negative number, got \(7, 6\)"):
        class_graph(d[:, :6])
    with pytest.raises(ValueError, match="symmetric"):
        class_graph(d.triu())
    with pytest.raises(ValueError, match="no negative"):
        class_graph(-d)
    with pytest.raises(ValueError, match="kind: want one of 'knn', 'tree'"):
        class_graph(d, kind="ring")
    with pytest.raises(ValueError, match="k: want"):
        class_graph(d, k=0)
    with pytest.raises(ValueError, match="temperature: want"):
        class_graph(d, temperature=0.0)
    with pytest.raises(ValueError, match=r"vectors: want \(C, W\) floats"):
        vector_distance(torch.zeros(3, 2, dtype=torch.int64))
    with pytest.raises(TypeError, match="paths: want a sequence of names"):
        path_distance(["animal"])
    with pytest.raises(
        ValueError, match=r"vectors, graph: want \(C, W\) and \(C, C\), got \(7, 4\) and \(6, 6\)"
    ):
        GraphProjection(vectors(), torch.zeros(6, 6), 8)
