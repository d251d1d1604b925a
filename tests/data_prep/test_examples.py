"""The small archives go through the same commands as the real ones, and every planted fault is found."""

import numpy as np
import pytest

from data_prep import examples
from data_prep.quickdraw import GOOGLE
from data_prep.tuberlin import ALIASES
from sbirkit.data import LeakError, leaks, normalise
from sbirkit.data.splits import read_list
from sbirkit.models import TextTable


def given(paths):
    return [word for path in paths for word in ("--from", path)]


def test_sketchy(tmp_path, prepare):
    cat = prepare("sketchy", *given(examples.sketchy(tmp_path, objects=3)))
    assert cat.card["counts"]["per_class"]["cat"] == {"sketch": 6, "photo": 8}
    assert (cat.column("instance")[cat.sketches] == "").sum() == 1, "the sketch whose photo is not there"
    digest, original = cat.column("digest")[cat.photos], cat.column("original")[cat.photos]
    assert len(set(digest)) == len(cat.photos) == 32, "saved anew: no two photos have the same bytes"
    assert len(set(original)) == 20, "12 originals and 8 of the extension"
    bench = cat.benchmark(["cat"], selection=0)
    assert len(bench.gallery_rows()) == 5
    assert len(cat.benchmark(["cat"], selection=0, gallery="as-published").gallery_rows()) == 8


def test_tuberlin_spellings(tmp_path, prepare):
    cat = prepare("tuberlin", *given(examples.tuberlin(tmp_path, each=2)))
    assert cat.classes == ["giraffe", "hot_air_balloon", "palm_tree", "spider"]
    assert all(count == {"sketch": 2, "photo": 2} for count in cat.card["counts"]["per_class"].values())
    assert set(ALIASES) & set(examples.TUBERLIN.values()), "one of them is a real misspelling"


def test_quickdraw_takes_recognised_drawings(tmp_path, prepare):
    cat = prepare("quickdraw", *given(examples.quickdraw(tmp_path, each=3)))
    assert cat.card["counts"]["per_class"] == {c: {"sketch": 3, "photo": 3} for c in cat.classes}
    assert "motorcycle" in cat.classes
    (aside,) = cat.card["set_aside"]
    assert aside["why"].startswith("not a line of JSON")
    assert [w for w in cat.card["warnings"] if "windmill.ndjson ends in the middle" in w]
    ink = (cat.pixels("sketch", 64) < 128).mean(axis=(1, 2))
    assert ((ink > 0.01) & (ink < 0.5)).all()


def test_classes_are_those_of_the_sets():
    assert {normalise(c) for c in examples.SKETCHY} <= {normalise(c) for c in read_list("sketchy-all-125")}
    theirs = {normalise(c) for c in read_list("tuberlin-all-250")}
    assert {normalise(c) for c in examples.TUBERLIN} <= theirs
    assert set(examples.QUICKDRAW.values()) <= set(read_list("quickdraw-all-110"))
    assert all(GOOGLE.get(ours, ours) == word for word, ours in examples.QUICKDRAW.items())


def test_every_fault_of_a_folder_is_found(tmp_path, prepare, capsys):
    cat = prepare("folder", "--from", examples.own(tmp_path / "mine", each=6))
    said = capsys.readouterr().err
    assert {a["source"] for a in cat.card["set_aside"]} == {
        "photo/airplane/broken.jpg",
        "photo/airplane/letter.jpg",
    }
    assert "class 'castle' has no photo" in said
    assert "passed over 1 files" in said
    assert "hot_air_balloon" in cat.classes
    assert len(cat.classes) == len(examples.OWN) + 1
    with pytest.raises(LeakError, match=r"photo/bicycle/from another folder\.jpg"):
        cat.benchmark(["windmill", "cat"])
    bench = cat.benchmark(["windmill", "cat"], on_leak="drop")
    seen, unseen = np.intersect1d(bench.train, cat.photos), bench.gallery_rows()
    ((i, j),) = leaks.near_duplicates(cat.images(seen), cat.images(unseen))
    assert cat.column("source")[seen[i]] == "photo/camel/from the web.jpg"
    assert cat.column("source")[unseen[j]] == "photo/windmill/005.jpg"


def test_a_sound_folder_has_no_fault(tmp_path, prepare):
    cat = prepare("folder", "--from", examples.own(tmp_path / "mine", each=2, faults=False))
    assert cat.card["set_aside"] == cat.card["warnings"] == []
    assert len(cat) == 4 * len(examples.OWN)


def test_words_have_the_gaps_that_are_asked_for(tmp_path):
    names = examples.OWN
    table = TextTable.read(examples.words(tmp_path / "words.npz", missing=3))
    known = table.encode_text(names).isfinite().all(1).tolist()
    assert known == [False] * 3 + [True] * (len(names) - 3)
    with np.load(tmp_path / "words.npz") as arrays:
        assert len(arrays["names"]) == len(names) - 2, "two have no row, one a row of NaN"
    whole = TextTable.read(examples.words(tmp_path / "whole.npz", missing=0))
    assert whole.encode_text(names).isfinite().all()
