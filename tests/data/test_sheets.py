import html
import io
import re

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from sbirkit.data import Item, sheets


@pytest.fixture
def cat(make, world):
    return make(world(6, 4), title="Tiny World")


def texts(sheet):
    return [text.get_text() for text in sheet.axes[0].texts]


def shown(sheet):
    return [np.asarray(image.get_array()) for image in sheet.axes[0].images]


def test_a_sheet_shows_these_rows_in_this_order(cat):
    sheet = cat.sheet([5, 0, 9], title="three")
    for image, row in zip(shown(sheet), [5, 0, 9], strict=True):
        np.testing.assert_array_equal(image, cat.images([row])[0])
    assert texts(sheet) == ["three", *(cat.column("label")[row].replace("_", " ") for row in (5, 0, 9))]


def test_a_drawn_sheet_shows_every_class_before_any_twice(cat):
    sheet = cat.sheet(n=6, modality="sketch")
    assert sorted(texts(sheet)[1:]) == [name.replace("_", " ") for name in cat.classes]
    assert texts(sheet)[0] == "Tiny World: 6 sketches"
    assert all(image.ndim == 2 for image in shown(sheet))
    assert len(shown(cat.sheet(n=1000))) == len(cat)


def test_the_seed_decides(cat):
    assert [i.tobytes() for i in shown(cat.sheet(seed=1, n=6))] == [
        i.tobytes() for i in shown(cat.sheet(seed=1, n=6))
    ]
    assert [i.tobytes() for i in shown(cat.sheet(seed=1, n=6))] != [
        i.tobytes() for i in shown(cat.sheet(seed=2, n=6))
    ]


def test_a_grid_has_sketches_then_photos_of_each_class(cat):
    images = shown(cat.grid(["class 01", "class-04"], each=2))
    assert [image.ndim for image in images] == [2, 2, 3, 3] * 2
    photos = [
        cat.images([row])[0] for row in np.flatnonzero(cat.column("label") == "class_04") if row % 2 == 0
    ]
    assert any((images[-1] == photo).all() for photo in photos)


def test_a_grid_leaves_room_where_pictures_lack(make):
    cat = make([Item("a", "photo", "x"), Item("b", "sketch", "y")])
    images = shown(cat.grid(each=2))
    assert len(images) == 8
    assert sum((image == 235).all() for image in images) == 6


def test_pairs_are_of_one_instance(cat):
    sheet = cat.pairs(n=5)
    images = shown(sheet)
    assert len(images) == 10
    for sketch, photo in zip(images[::2], images[1::2], strict=True):
        row = next(r for r in cat.sketches if (cat.images([r])[0] == sketch).all())
        np.testing.assert_array_equal(
            cat.images([row - 1])[0], photo
        )  # world() puts the photo before its sketch


def test_pairs_need_pairs(make, cat):
    with pytest.raises(ValueError, match="no instance with both"):
        make([Item("a", "photo", "x"), Item("a", "sketch", "y")], name="b").pairs()
    with pytest.raises(ValueError, match=r"want sketches that have a photo.*got \[0\]"):
        cat.pairs([0, 1])


def test_names_are_neither_mathematics_nor_markup(make):
    cat = make([Item("x", "photo", "x")], title='$\\frac{1}{0$ <script>alert("1")</script>')
    page = cat.sheet()._repr_html_()  # would raise on the broken formula if it were read as one
    assert "<script" not in page
    assert html.escape('<script>alert("1")</script>') in page
    assert all(not text.get_parse_math() for text in cat.sheet().axes[0].texts)


def test_shows_itself_as_an_image_with_alternative_text(cat):
    page = cat.sheet(n=6)._repr_html_()
    alt = re.search(r'alt="([^"]*)"', page)[1]
    assert alt.startswith("Tiny World: 6 pictures. A contact sheet showing class 00, class 01")
    assert page.startswith("<img ")
    assert "max-width:100%" in page


def test_ipython_gets_one_picture_not_two(cat, monkeypatch):
    published = []
    display = pytest.importorskip("IPython.display")
    monkeypatch.setattr(display, "publish_display_data", published.append)
    cat.sheet(n=6)._ipython_display_()
    assert [set(data) for data in published] == [{"text/html", "text/plain"}]


def luminance(colour):
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_text_is_readable_whatever_the_page_behind_it(cat):
    """The card is opaque, so only its own contrast counts: at least 7 to 1."""
    sheet = cat.sheet(n=6)
    out = io.BytesIO()
    sheet.savefig(out, format="png")
    pixels = np.asarray(Image.open(out).convert("RGBA"))
    assert (pixels[..., 3] == 255).all()
    strip = luminance(pixels[: pixels.shape[0] // 12, :, :3].reshape(-1, 3) / 255)
    assert (strip.max() + 0.05) / (strip.min() + 0.05) > 7


def test_every_text_lies_on_the_card_and_off_the_pictures(make):
    cat = make([Item("a very long name of a class indeed " * 3, "photo", str(i)) for i in range(9)])
    sheet = cat.sheet(columns=4)
    sheet.draw_without_rendering()
    card = sheet.bbox
    pictures = [image.get_window_extent() for image in sheet.axes[0].images]
    for text in sheet.axes[0].texts[1:]:
        box = text.get_window_extent()
        assert card.x0 <= box.x0 < box.x1 <= card.x1
        assert card.y0 <= box.y0 < box.y1 <= card.y1
        assert not any(box.overlaps(picture) for picture in pictures)


def test_no_figure_is_left_in_pyplot(cat):
    before = plt.get_fignums()
    cat.grid()
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda cat: cat.sheet(modality="drawing"), "modality: want 'sketch', 'photo' or None"),
        (lambda cat: cat.sheet(n=0), "n: want at least 1, got 0"),
        (lambda cat: cat.grid(["nobody"]), "classes: not in tiny: nobody"),
        (lambda cat: cat.sheet([999]), "row numbers from 0 to 47"),
        (lambda cat: cat.sheet(size=99), "at 16, got"),
    ],
)
def test_mistakes_are_explained(cat, call, says):
    with pytest.raises(ValueError, match=says):
        call(cat)


def test_tiles_show_any_pictures_over_their_names():
    sketch, photo = np.zeros((8, 8), np.uint8), np.full((8, 8, 3), 9, np.uint8)
    made = sheets.tiles([[sketch, photo], [photo]], ["a pair", "$alone$"], title="both", columns=2)
    assert [image.shape for image in shown(made)] == [(8, 8), (8, 8, 3), (8, 8, 3)]
    assert texts(made) == ["both", "a pair", "$alone$"]
    assert made.alt == "both: a pair, $alone$."
    with pytest.raises(ValueError, match="names: want one for each of 1 cells, got 2"):
        sheets.tiles([[sketch]], ["a", "b"], title="")


def test_any_figure_is_shown_with_its_description(monkeypatch):
    published = []
    monkeypatch.setattr("IPython.display.publish_display_data", published.append)
    figure, ax = sheets.canvas(2, 1)
    ax.plot([0, 1])
    sheets.show(figure, alt='it rises <from> "0"')
    assert published[0]["text/plain"] == 'it rises <from> "0"'
    assert 'alt="it rises &lt;from&gt; &quot;0&quot;"' in published[0]["text/html"]
    with pytest.raises(ValueError, match="alt: want a sentence"):
        sheets.show(figure)


def test_given_axes_are_dressed_and_stay_where_they_are():
    figure, given = plt.subplots()
    assert sheets.canvas(9, 9, ax=given) == (figure, given)
    assert given.title.get_color() == sheets.GREY
    plt.close(figure)
