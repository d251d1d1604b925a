"""Opening refuses whatever is not exactly what was written; reading gives back exactly what was."""

import json
import pickle
import shutil

import numpy as np
import pytest

from sbirkit.data import Catalogue, CatalogueError, catalogue, load

TABLE, PIXELS, CARD = "table.parquet", "pixels.bin", "card.json"


@pytest.fixture
def cat(make, world):
    return make(world(4, 3), title="Tiny World", splits={"two": ["Class 00", "class-01"]})


def edit_card(path, **changes):
    card = json.loads((path / CARD).read_text())
    (path / CARD).write_text(json.dumps({**card, **changes}))


def test_pictures_come_back(cat, noise, world):
    items = world(4, 3)
    assert len(cat) == len(items)
    for row, item in enumerate(items):
        picture = cat.images([row])
        np.testing.assert_array_equal(picture[0], np.asarray(noise(item)))
        assert cat.column("label")[row] == item.label.replace(" ", "_")
        assert cat.column("instance")[row] == item.instance
    assert cat.column("caption")[0] == "thing 0"


def test_rows_by_modality(cat):
    assert cat.photos.tolist() == list(range(0, 24, 2))
    assert cat.sketches.tolist() == list(range(1, 24, 2))
    assert cat.pixels("sketch").shape == (12, 16, 16)
    assert cat.pixels("photo", 16).shape == (12, 16, 16, 3)
    np.testing.assert_array_equal(cat.pixels("photo")[cat.position[cat.photos]], cat.images(cat.photos))
    mixed = cat.images([1, 0])
    assert [image.shape for image in mixed] == [(16, 16), (16, 16, 3)]


def test_labels_index_the_classes(cat):
    assert cat.classes == ["class_00", "class_01", "class_02", "class_03"]
    assert [cat.classes[i] for i in cat.labels] == cat.column("label").tolist()


def test_nothing_can_be_written_through_it(cat):
    for array in (cat.pixels("photo"), cat.column("label"), cat.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_several_sizes(make, noise, world):
    cat = make(world(2, 2), sizes=(32, 8, 16))
    assert cat.sizes == (8, 16, 32)
    assert cat.images([0, 2], 32).shape == (2, 32, 32, 3)
    assert cat.images([0, 2]).shape == (2, 8, 8, 3)
    assert all(block["offset"] % 4096 == 0 for block in cat.card["blocks"])
    np.testing.assert_array_equal(cat.images([1], 16)[0], np.asarray(noise(world(2, 2)[1])))


def test_questions_that_have_no_answer(cat):
    with pytest.raises(ValueError, match="at 16, got 'photo' at 64"):
        cat.pixels("photo", 64)
    with pytest.raises(ValueError, match="no column 'colour'; there are label, modality"):
        cat.column("colour")
    with pytest.raises(ValueError, match="row numbers from 0 to 23"):
        cat.images([24])
    with pytest.raises(ValueError, match="row numbers"):
        cat.images([-1])


@pytest.mark.parametrize("ask", [Catalogue.images, Catalogue.sheet, Catalogue.pairs])
@pytest.mark.parametrize("rows", [[True, False] * 12, np.zeros(24, bool), [0.9, 1.7]])
def test_a_mask_or_fractions_are_no_row_numbers(cat, ask, rows):
    """Cast to whole numbers they would show the pictures of rows 0 and 1."""
    kind = np.asarray(rows).dtype
    with pytest.raises(TypeError, match=rf"want row numbers, got {kind}; of a mask, give np\.flatnonzero"):
        ask(cat, rows)


def test_says_what_it_is(cat):
    assert repr(cat) == "Tiny World: 12 sketches and 12 photos of 4 classes at 16 px"


def test_card_is_plain_and_sorted(cat):
    text = (cat.path / CARD).read_text("utf-8")
    card = json.loads(text)
    assert list(card) == sorted(card)
    assert card["counts"] == {
        "images": 24, "sketch": 12, "photo": 12, "classes": 4, "paired_instances": 12,
        "per_class": {name: {"sketch": 3, "photo": 3} for name in cat.classes},
    }  # fmt: skip
    assert card["splits"] == {"two": ["class_00", "class_01"]}
    assert str(cat.path.parent) not in text


def test_whole_catalogue_has_no_problems(cat):
    assert cat.verify() == []


@pytest.mark.parametrize("file", [TABLE, PIXELS, CARD])
def test_every_flipped_byte_is_noticed(cat, file):
    whole = (cat.path / file).read_bytes()
    places = (
        np.random.default_rng(0).integers(0, len(whole), 60) if file != PIXELS else [0, 5000, len(whole) - 1]
    )
    for place in places:
        broken = bytearray(whole)
        broken[place] ^= 1
        (cat.path / file).write_bytes(broken)
        if file == CARD and same_json(broken, whole):
            continue
        with pytest.raises(CatalogueError, match=file.split(".")[0]):
            Catalogue.open(cat.path)
        assert catalogue.verify(cat.path)


def same_json(a, b):
    """A flipped bit may turn one blank into another."""
    try:
        return json.loads(bytes(a)) == json.loads(bytes(b))
    except ValueError:
        return False


@pytest.mark.parametrize("file", [TABLE, PIXELS, CARD])
def test_missing_file(cat, file):
    (cat.path / file).unlink()
    with pytest.raises(CatalogueError, match=rf"{file}.*Prepare it again"):
        Catalogue.open(cat.path)


@pytest.mark.parametrize(("change", "word"), [(-1, "truncated"), (+1, "too long")])
@pytest.mark.parametrize("file", [TABLE, PIXELS])
def test_wrong_length(cat, file, change, word):
    data = (cat.path / file).read_bytes()
    (cat.path / file).write_bytes(data[:-1] if change < 0 else data + b"x")
    with pytest.raises(CatalogueError, match=rf"{file} is {word}: .* bytes instead of"):
        Catalogue.open(cat.path)


def test_truncated_card(cat):
    data = (cat.path / CARD).read_bytes()
    (cat.path / CARD).write_bytes(data[: len(data) // 2])
    with pytest.raises(CatalogueError, match=r"card.json is damaged"):
        Catalogue.open(cat.path)


@pytest.mark.parametrize("text", ["[]", "null", "{}", "3", '{"schema": 1}'])
def test_card_of_another_kind(cat, text):
    (cat.path / CARD).write_text(text)
    with pytest.raises(CatalogueError, match=r"card\.json"):
        Catalogue.open(cat.path)


def test_edited_card(cat):
    edit_card(cat.path, licence="public domain")
    with pytest.raises(CatalogueError, match="edited or damaged"):
        Catalogue.open(cat.path)


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (2, "by a newer sbirkit: its schema is 2, this version reads 1; upgrade"),
        (0, "by an older sbirkit.*Prepare it"),
        ("x", "an older sbirkit"),
    ],
)
def test_version_skew(cat, schema, says):
    edit_card(cat.path, schema=schema)
    with pytest.raises(CatalogueError, match=says):
        Catalogue.open(cat.path)


def test_resealed_blocks_must_still_add_up(cat):
    card = json.loads((cat.path / CARD).read_text())
    card["blocks"][1]["offset"] += 4096
    card["seal"] = catalogue.seal(card)
    (cat.path / CARD).write_text(json.dumps(card))
    with pytest.raises(CatalogueError, match="the block sketch at 16 px does not fit"):
        Catalogue.open(cat.path)


def test_resealed_classes_are_found_by_verify(cat):
    card = json.loads((cat.path / CARD).read_text())
    card["classes"]["class_00"] = {"family": "other"}
    card["seal"] = catalogue.seal(card)
    (cat.path / CARD).write_text(json.dumps(card))
    assert any("content digest" in problem for problem in catalogue.verify(cat.path))


def test_not_a_catalogue(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for name, says in [("empty", "not a catalogue"), ("file", "is a file"), ("none", "does not exist")]:
        with pytest.raises(CatalogueError, match=says):
            Catalogue.open(tmp_path / name)


def test_verify_lists_every_problem(cat):
    for file in (TABLE, PIXELS):
        data = bytearray((cat.path / file).read_bytes())
        data[10] ^= 1
        (cat.path / file).write_bytes(data)
    assert len(cat.verify()) == 2


def test_a_large_file_is_checked_in_places_on_opening_and_wholly_by_verify(make, world, monkeypatch):
    monkeypatch.setattr(catalogue, "CHUNK", 256)
    monkeypatch.setattr(catalogue, "SPREAD", 4)
    cat = make(world(4, 3))
    looked = np.linspace(0, len(cat.card["pixels"]["chunks"]) - 1, 4, dtype=int)
    for chunk, refused in [(int(looked[1]), True), (int(looked[1]) + 1, False)]:
        data = bytearray((cat.path / PIXELS).read_bytes())
        data[chunk * 256] ^= 1
        (cat.path / PIXELS).write_bytes(data)
        if refused:
            with pytest.raises(CatalogueError, match="was altered near byte"):
                Catalogue.open(cat.path)
        else:
            Catalogue.open(cat.path)
        assert catalogue.verify(cat.path) == [f"{cat.path / PIXELS} was altered near byte {chunk * 256:,}"]
        data[chunk * 256] ^= 1
        (cat.path / PIXELS).write_bytes(data)


def test_may_move(cat, tmp_path):
    shutil.move(cat.path, tmp_path / "elsewhere")
    assert Catalogue.open(tmp_path / "elsewhere").digest == cat.digest


def test_pickles_as_its_path(cat):
    again = pickle.loads(pickle.dumps(cat))
    assert (again.digest, len(again)) == (cat.digest, len(cat))
    assert len(pickle.dumps(cat)) < 1000


def test_pickle_notices_a_replaced_folder(cat, make, world):
    data = pickle.dumps(cat)
    make(world(3, 3), overwrite=True)
    with pytest.raises(CatalogueError, match="replaced by another"):
        pickle.loads(data)


def test_load_by_name_path_or_not_at_all(cat, make, world, tmp_path, monkeypatch):
    monkeypatch.setenv("SBIRKIT_HOME", str(tmp_path / "home"))
    make(world(2, 2), out=tmp_path / "home" / "data" / "mine")
    assert len(load("mine")) == 8
    assert load(cat.path).digest == cat.digest == load(str(cat.path)).digest
    with pytest.raises(CatalogueError, match=r"no catalogue 'yours'; prepared here: mine\. Prepare one with"):
        load("yours")
