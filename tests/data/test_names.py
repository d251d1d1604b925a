import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sbirkit.data.names import normalise, normalise_all, suggest
from sbirkit.data.splits import read_list


@pytest.mark.parametrize(
    "spellings",
    [
        ("hot-air_balloon", "hot air balloon", "Hot-Air Balloon", " hot__air  balloon "),
        ("jack-o-lantern", "jack_o_lantern"),
        ("car_(sedan)", "car (sedan)", "car sedan"),
        ("palm tree", "palm_tree"),
        ("teddy_bear", "teddy-bear"),
        ("t-shirt", "T-Shirt"),
        ("straße", "STRASSE"),
        ("café", "cafe\u0301", "CAFÉ"),
        ("ｃａｔ", "cat", "../cat", "/cat/", "..\\cat"),
    ],
)
def test_spellings_of_one_class_meet(spellings):
    assert len({normalise(name) for name in spellings}) == 1


@pytest.mark.parametrize(
    "pair",
    [("computer-mouse", "mouse (animal)"), ("mouse", "computer-mouse"), ("bear (animal)", "teddy-bear"),
     ("cup", "teacup"), ("cafe", "café")],
)  # fmt: skip
def test_different_classes_stay_apart(pair):
    assert normalise(pair[0]) != normalise(pair[1])


@pytest.mark.parametrize("name", ["sketchy-all-125", "tuberlin-all-250", "quickdraw-all-110"])
def test_no_published_list_loses_a_class(name):
    assert len(set(map(normalise, read_list(name)))) == len(read_list(name))


def test_marks_of_other_scripts_are_kept():
    assert normalise("हाथी") == unicodedata.normalize("NFKC", "हाथी")


@given(st.text())
def test_settled_names_stay(name):
    try:
        once = normalise(name)
    except ValueError:
        assume(False)
    assert normalise(once) == once
    assert not set(once) & set("/\\. ")


@pytest.mark.parametrize("name", ["", "  ", "../..", "★", "_"])
def test_a_name_without_letters_is_an_error(name):
    with pytest.raises(ValueError, match="at least one letter or digit"):
        normalise(name)


def test_not_a_string():
    with pytest.raises(TypeError, match="got int"):
        normalise(3)


def test_repeats_are_named():
    with pytest.raises(ValueError, match=r"my list: 'Teddy-bear' repeats 'teddy_bear'"):
        normalise_all(["teddy_bear", "cat", "Teddy-bear"], where="my list")


def test_one_string_is_one_name():
    assert normalise_all("hot dog", where="") == ("hot_dog",)


def test_suggestions():
    assert "'hot_air_balloon'" in suggest("hotair_baloon", ["cat", "hot_air_balloon"])
    assert suggest("zebra", ["cat", "dog"]) == ""
