import pytest

from sbirkit.data import LeakError, Split, normalise
from sbirkit.data.splits import PUBLISHED, draw, read_list

SIZES = {
    "sketchy-25-sake": (25, 125), "sketchy-25-sempcyc": (25, 125), "sketchy-21-yelamarthi": (21, 125),
    "tuberlin-30-sake": (30, 250), "tuberlin-30-sempcyc": (30, 250), "quickdraw-30-dey": (30, 110),
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_published_lists_have_the_published_sizes(name):
    split = Split.named(name)
    assert (len(split.unseen), len(split.classes)) == SIZES[name]
    assert set(split.unseen) < set(split.classes)
    assert split.source
    assert split.name == name


def test_all_published_names_are_tested():
    assert set(SIZES) == set(PUBLISHED) == set(Split.names())


@pytest.mark.parametrize(
    ("a", "b", "shared"),
    [
        ("sketchy-25-sake", "sketchy-25-sempcyc", "bell squirrel tank wheelchair"),
        ("sketchy-25-sake", "sketchy-21-yelamarthi", "scissors tree wheelchair windmill"),
        ("sketchy-25-sempcyc", "sketchy-21-yelamarthi", "door pear rhinoceros saw wheelchair"),
        ("tuberlin-30-sake", "tuberlin-30-sempcyc", "rollerblades"),
    ],
)
def test_lists_of_one_popular_name_are_different_benchmarks(a, b, shared):
    assert set(Split.named(a).unseen) & set(Split.named(b).unseen) == set(shared.split())


@pytest.mark.parametrize(
    ("name", "n"), [("sketchy-25-sempcyc", 12), ("tuberlin-30-sempcyc", 15), ("sketchy-21-yelamarthi", 21)]
)
def test_selection_lists_that_leak_are_kept_as_documentation_only(name, n):
    split = Split.named(name)
    assert len(split.published_selection) == n
    assert set(split.published_selection) <= set(split.unseen)
    assert split.selection is None
    assert "published_selection" in split.source


@pytest.mark.parametrize("name", ["Sketchy 25", "sketchy25", "TU-Berlin 30", "TU-Berlin-30"])
def test_popular_names_are_ambiguous_however_they_are_spelt(name):
    """Suggesting one of the two benchmarks would be the very mistake."""
    with pytest.raises(ValueError, match=r"ambiguous: '.*-sake' .* or '.*-sempcyc'"):
        Split.named(name)


def test_the_start_of_one_name_only_is_no_ambiguity():
    with pytest.raises(ValueError, match=r"no list 'QuickDraw' \(did you mean 'quickdraw-30-dey'\?\)"):
        Split.named("QuickDraw")


@pytest.mark.parametrize("name", ["sketchy-25", "sketchy", "tuberlin-30", "tuberlin"])
def test_popular_names_are_ambiguous_and_both_are_named(name):
    with pytest.raises(ValueError, match=rf"ambiguous: '{name}.*-sake' .* or '{name}.*-sempcyc'"):
        Split.named(name)


@pytest.mark.parametrize("name", ["", "flickr-25", "sketchy-25-sale"])
def test_unknown_names_list_the_known_ones(name):
    with pytest.raises(ValueError, match=r"no list.*quickdraw-30-dey"):
        Split.named(name)


def test_a_misspelt_name_gets_a_suggestion():
    with pytest.raises(ValueError, match="did you mean 'sketchy-25-sake'"):
        Split.named("sketchy-25-sale")


def test_names_are_normalised():
    assert Split("mine", ["Hot Air-Balloon"]).unseen == ("hot_air_balloon",)
    assert "hot_air_balloon" in Split.named("tuberlin-30-sake").unseen


def test_own_file(tmp_path):
    path = tmp_path / "my list.txt"
    path.write_bytes("\ufeff# mine\r\nTeddy-Bear  # soft\r\n\r\n  cat\r\n".encode())
    split = Split.from_file(path)
    assert (split.name, split.unseen, split.selection) == ("my list", ("teddy_bear", "cat"), None)


def test_own_file_with_repeats(tmp_path):
    (tmp_path / "a.txt").write_text("cat\nteddy_bear\nTeddy bear\n")
    with pytest.raises(ValueError, match="'Teddy bear' repeats 'teddy_bear'"):
        Split.from_file(tmp_path / "a.txt")


def test_own_file_without_classes(tmp_path):
    (tmp_path / "a.txt").write_text("# nothing\n\n")
    with pytest.raises(ValueError, match="names no class"):
        Split.from_file(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"cat\n---\n", r"a\.txt:2: .* at least one letter or digit, got '---'; a comment begins with #"),
        ("caf\u00e9\n".encode("latin-1"), r"a\.txt is not UTF-8 text .*: save it as UTF-8"),
        ("cat\n".encode("utf-16"), r"a\.txt is not UTF-8 text .*: save it as UTF-8"),
    ],
)
def test_own_file_of_another_kind(data, says, tmp_path):
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(ValueError, match=says):
        Split.from_file(tmp_path / "a.txt")


def test_selecting_on_unseen_classes_is_a_leak():
    with pytest.raises(LeakError, match=r"teddy_bear.*held-out seen classes"):
        Split("mine", ("teddy_bear", "cat"), selection=("dog", "Teddy Bear"))


def test_random_ignores_order_and_obeys_the_seed():
    names = [normalise(name) for name in read_list("sketchy-all-125")]
    a, b = Split.random(names, 25, seed=3), Split.random(names[::-1], 25, seed=3)
    assert a == b
    assert len(set(a.unseen)) == 25
    assert a.unseen != Split.random(names, 25, seed=4).unseen


def test_random_is_the_same_on_every_machine():
    assert Split.random(["ant", "bee", "cat", "dog", "elk"], 2, seed=0).unseen == ("bee", "elk")


def test_random_is_fair():
    names = [f"c{i}" for i in range(20)]
    counts = dict.fromkeys(names, 0)
    for seed in range(400):
        for name in draw(names, 5, "unseen", seed):
            counts[name] += 1
    assert all(65 < count < 135 for count in counts.values())  # 100 expected, 4 standard deviations


@pytest.mark.parametrize("n", [0, 3, -1])
def test_random_of_too_many(n):
    with pytest.raises(ValueError, match="want 1 to 2 unseen classes of 3"):
        Split.random(["a", "b", "c"], n)
