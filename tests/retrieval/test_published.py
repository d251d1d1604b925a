"""The table of published numbers: transcribed rightly, and honest about itself."""

from collections import defaultdict

import pytest

from sbirkit.retrieval.published import SOURCES, published_numbers

ROWS = published_numbers()


@pytest.mark.parametrize(
    ("row", "values"),
    [
        (("SAKE", "Sketchy-Ext", "zs", 25, "mAP@all"), [54.7]),
        (("SAKE", "TU-Berlin-Ext", "binary", 30, "P@100"), [48.1]),
        (("DSN", "TU-Berlin-Ext", "zs", 30, "mAP@all"), [48.4, 48.1]),
        (("Doodle2Search", "Sketchy-Ext", "zs", 21, "mAP@200"), [46.1, 36.9]),
        (("MA-SBIR", "QuickDraw-Ext", "zs", 30, "P@200"), [42.5]),
        (("MA-SBIR", "Sketchy-Ext", "gzs", 21, "mAP@200"), [62.3]),
        (("MA-SBIR", "Sketchy-Ext", "zs", 21, "mAP@200"), [69.1]),
        (("RPKD", "QuickDraw-Ext", "zs", 30, "P@100"), [23.0]),
        (("BDA-SketRet", "Sketchy-Ext", "zs", 21, "mAP@200"), [55.6]),
        (("SpLIP", "Sketchy", "fg", 21, "Acc@5"), [66.71]),
    ],
)
def test_numbers_are_those_of_the_sources(row, values):
    method, dataset, setting, classes, metric = row
    rows = published_numbers(method, dataset, setting=setting, classes=classes, metric=metric)
    assert [row.value for row in rows] == values


def test_every_source_is_named_and_used():
    used = {letter for row in ROWS for letter in row.sources}
    assert used == set(SOURCES)
    assert all(row.sources for row in ROWS)


def test_conflict_flag_says_exactly_where_sources_disagree():
    values = defaultdict(set)
    for row in ROWS:
        values[row.key].add(row.value)
    assert any(row.conflict for row in ROWS)
    for row in ROWS:
        assert row.conflict == (len(values[row.key]) > 1), row


def test_map200_above_p200_is_marked_and_nothing_else_is():
    p200 = defaultdict(list)
    for row in ROWS:
        if row.metric == "P@200":
            p200[row.key[:-1]].append(row.value)
    marked = {row.method for row in ROWS if row.warning == "lenient-or-swapped"}
    assert {"BDA-SketRet", "SEM-PCYC", "Doodle2Search", "STL", "CLIP-AT (re-implementation)"} <= marked
    for row in ROWS:
        above = row.metric == "mAP@200" and any(row.value > other for other in p200[row.key[:-1]])
        assert (row.warning == "lenient-or-swapped") == above, row
        if above:
            assert "strict" not in row.variant, f"{row} cannot be a strict value"


def test_recalled_and_unverified_numbers_stay_out():
    assert not [row for row in ROWS if row.method.startswith(("NAVE", "RAMLN", "MCC"))]


def test_splits_are_unambiguous_and_values_are_per_cent():
    known = {"sketchy-25-sake", "sketchy-25-sempcyc", "sketchy-21-yelamarthi", "tuberlin-30-sake",
             "tuberlin-30-sempcyc", "quickdraw-30-dey", "unknown"}  # fmt: skip
    assert {row.split for row in ROWS} == known
    assert all(0 < row.value < 100 for row in ROWS)
    assert {row.split for row in published_numbers("MA-SBIR", "TU-Berlin-Ext")} == {"tuberlin-30-sempcyc"}


def test_no_row_twice():
    assert len({(row.key, row.value, row.sources) for row in ROWS}) == len(ROWS)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"method='Sake2'.*SAKE"):
        published_numbers("Sake2")
