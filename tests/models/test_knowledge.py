"""What a card or a table says of the classes, and what it leaves open."""

from types import SimpleNamespace

import pytest
import torch

from sbirkit.losses import affinity_of_paths, affinity_of_vectors
from sbirkit.models import TextTable
from sbirkit.models.knowledge import affinity, class_paths, class_vectors

CARD = {
    "classes": {
        "cat": {"path": ["thing", "animal", "cat"], "attributes": {"legs": 1.0, "tail": 0.5}},
        "van": {"path": ["thing", "vehicle", "van"], "attributes": {"wheels": 1.0}},
        "ghost": {},
    }
}
NAMES = ("van", "ghost", "cat")


@pytest.fixture
def catalogue():
    return SimpleNamespace(card=CARD)


def test_paths_start_below_the_root(catalogue):
    assert class_paths(catalogue, NAMES) == [("vehicle", "van"), (), ("animal", "cat")]
    assert class_paths(SimpleNamespace(card={}), NAMES) == [(), (), ()]


def test_attributes_make_vectors_and_gaps_are_gaps(catalogue):
    got = class_vectors(catalogue, NAMES)
    nan = torch.nan
    torch.testing.assert_close(
        got, torch.tensor([[0, 0, 1.0], [nan] * 3, [1, 0.5, 0]]), equal_nan=True
    )  # legs, tail, wheels
    assert class_vectors(catalogue, ("ghost",)) is None
    assert class_vectors(SimpleNamespace(card={}), NAMES) is None


def test_a_table_goes_before_the_card(catalogue):
    table = TextTable(["cat"], torch.tensor([[3.0, 4.0]]))
    got = class_vectors(catalogue, NAMES, table)
    assert got.isfinite().all(1).tolist() == [False, False, True]
    assert class_vectors(catalogue, NAMES, TextTable(["dog"], torch.ones(1, 2))) is None


def test_affinities_come_from_the_tree_else_from_vectors_else_from_nowhere(catalogue):
    places = [("animal",), ("vehicle", "bus")]
    got = affinity(catalogue, NAMES, ("animal", "bus"), paths=places)
    assert torch.equal(got, affinity_of_paths(class_paths(catalogue, NAMES), places))
    assert got[2].tolist() == [1.0, 0.0]
    table = TextTable(["van", "cat", "bus"], torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]]))
    bare = SimpleNamespace(card={})
    for where, paths in ((bare, places), (catalogue, None), (catalogue, [(), ()])):
        got = affinity(where, NAMES, ("animal", "bus"), paths=paths, table=table)
        want = affinity_of_vectors(table.encode_text(NAMES), table.encode_text(["animal", "bus"]))
        assert torch.equal(got, want)
        assert got.isfinite().all()
    assert affinity(bare, NAMES, ("animal",), paths=[("animal",)]) is None
    assert affinity(bare, NAMES, (), table=table) is None
    assert affinity(bare, ("ghost",), ("bus",), table=table) is None
