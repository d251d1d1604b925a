"""The explorers' scripts in a browser, answered by hand: what is shown and asked while the kernel is away."""

import math

import numpy as np
import pytest

from sbirkit.explore import AtlasState, KnobsState, PlaygroundState, RetrievalState

INKS = """() => {  // of the pixels that are painted without a hue: how many are dark, how many light
  const { width, height } = document.querySelector("canvas");
  const d = document.querySelector("canvas").getContext("2d").getImageData(0, 0, width, height).data;
  let dark = 0, light = 0;
  for (let i = 0; i < d.length; i += 4) {
    const hue = Math.max(d[i], d[i + 1], d[i + 2]) - Math.min(d[i], d[i + 1], d[i + 2]);
    if (d[i + 3] < 200 || hue > 25) continue;
    if (d[i] < 80) dark++; else if (d[i] > 180) light++;
  }
  return [dark, light];
}"""
FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return sum(
        w * (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4)
        for w, v in zip((0.2126, 0.7152, 0.0722), parts, strict=True)
    )


def contrast(one, two):
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def board_place(state, index):
    dot = state.dots[index]
    return (dot.x / 1.6 + 1) / 2, (1 - dot.y / 1.6) / 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_playground_paints_in_the_theme_s_ink_from_the_start_and_after_a_change(live, scheme):
    view = live(PlaygroundState(), scheme=scheme)
    view.page.evaluate(FRAME)
    dark, light = view.page.evaluate(INKS)
    assert (dark > light) == (scheme == "light")
    view.page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
    view.page.evaluate(FRAME)
    dark, light = view.page.evaluate(INKS)
    assert (dark > light) == (scheme == "dark")


def test_white_numbers_can_be_read_on_every_point():
    colours = {dot["colour"] for dot in PlaygroundState("cosine").shown()["dots"]}
    assert len(colours) == 3
    assert min(contrast("#ffffff", colour) for colour in colours) > 4.5


def test_sliders_show_what_the_loss_uses(live):
    play = PlaygroundState()
    view = live(play)
    preset = view.page.get_by_role("button", name="What a triplet misses")
    preset.click()
    view.answer()
    margin = view.page.locator(".sb-knobs input[type=range]").first
    start = float(margin.input_value())
    margin.fill("0.9")
    view.answer()
    assert play.knobs["margin"] == 0.9
    preset.click()
    view.answer()
    assert float(margin.input_value()) == play.knobs["margin"] == start
    margin.focus()
    play.turn("margin", 0.5)
    view.tell()
    assert float(margin.input_value()) == 0.5


def test_arrows_pressed_before_an_answer_all_count(live):
    play = PlaygroundState()
    view, before = live(play), play.dots[0].x
    view.page.locator("canvas").focus()
    for _ in range(5):
        view.page.keyboard.press("ArrowLeft")
    view.answer()
    assert play.dots[0].x == pytest.approx(before - 0.25)


def test_a_second_finger_moves_no_point(live):
    play = PlaygroundState()
    view, before = live(play), list(play.dots)
    view.point("pointerdown", *board_place(play, 0))
    view.point("pointerdown", *board_place(play, 4), finger=2)
    view.point("pointermove", 0.1, 0.1, finger=2)
    view.point("pointerup", 0.1, 0.1, finger=2)
    view.point("pointermove", 0.75, 0.25)
    view.point("pointerup", 0.75, 0.25)
    view.answer()
    assert math.dist((play.dots[0].x, play.dots[0].y), (0.8, 0.8)) < 0.02
    assert play.dots[1:] == before[1:]


@pytest.fixture
def atlas(bench):
    """Two maps of all pictures, which do not agree; all of them are picked."""
    rng, world = np.random.default_rng(0), bench.catalogue
    panels = [(title, rng.normal(size=(len(world), 8))) for title in ("one", "two")]
    state = AtlasState(panels, world, np.arange(len(world)))
    state.lasso(0, [[0, 0], [1, 0], [1, 1], [0, 1]])
    return state


@pytest.mark.parametrize(
    ("script", "button", "asked"),
    [
        ("sketchpad", "Clear", {"do": "clear"}),
        ("playground", "Step", {"do": "step"}),
        ("world", "Other individuals", {"do": "others"}),
        ("atlas", "More", {"do": "turn", "pages": 1}),
    ],
)
def test_a_message_without_an_answer_stops_nothing_for_good(live, atlas, pad, script, button, asked):
    made = {"atlas": atlas, "sketchpad": pad}
    make = {"playground": PlaygroundState, "world": lambda: KnobsState("owl")}
    view = live(made[script] if script in made else make[script]())
    view.page.clock.install()
    press = view.page.get_by_role("button", name=button, exact=True)
    press.click()
    assert view.sent() == [asked]  # and no answer
    press.click()
    assert view.sent() == []
    view.page.clock.run_for(5_100)
    assert "No answer for five seconds" in view.page.locator(".sb-message").inner_text()
    assert view.sent() == [asked]


def test_a_second_finger_leaves_the_line_around_points_alone(live, atlas):
    atlas.clear()
    view, top = live(atlas), "canvas.sb-over"
    view.point("pointerdown", 0, 0, board=top)
    view.point("pointerdown", 0.5, 0.5, finger=2, board=top)
    view.point("pointermove", 1, 0, board=top)
    view.point("pointerup", 0.5, 0.5, finger=2, board=top)
    view.point("pointermove", 1, 1, board=top)
    view.point("pointermove", 0, 1, board=top)
    view.point("pointerup", 0, 1, board=top)
    view.answer()
    assert atlas.picked.all()


@pytest.fixture
def pad(searchers):
    return RetrievalState(searchers, wanted="class 01")


def stroke(view, y, *, finger=1):
    view.point("pointerdown", 0.1, y, finger=finger)
    view.point("pointermove", 0.9, y, finger=finger)
    view.point("pointerup", 0.9, y, finger=finger)


def heights(pad):
    return [round(stroke.points[0][1], 2) for stroke in pad.strokes]


def test_a_finished_stroke_stays_until_it_is_answered(live, pad):
    view = live(pad)
    stroke(view, 0.2)
    one = view.page.evaluate(INKS)[0]
    stroke(view, 0.8)
    two = view.page.evaluate(INKS)[0]
    assert two > 1.8 * one > 0
    view.answer()
    assert view.page.evaluate(INKS)[0] == pytest.approx(two, rel=0.02)
    assert heights(pad) == [0.2, 0.8]
    view.page.get_by_role("button", name="Undo").click()
    view.answer()
    assert view.page.evaluate(INKS)[0] == pytest.approx(one, rel=0.02)


def test_a_double_click_erases_one_stroke(live, pad):
    for y in (0.2, 0.5, 0.8):
        pad.draw([[0.1, y], [0.9, y]])
    view = live(pad)
    view.page.get_by_role("button", name="Erase").click()
    box = view.page.locator("canvas").bounding_box()
    view.page.mouse.dblclick(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    view.answer()
    assert heights(pad) == [0.5, 0.8]


def test_a_palm_leaves_the_stroke_alone(live, pad):
    view = live(pad)
    view.point("pointerdown", 0.1, 0.1)
    view.point("pointerdown", 0.9, 0.9, finger=2)
    view.point("pointermove", 0.92, 0.9, finger=2)
    view.point("pointerup", 0.92, 0.9, finger=2)
    view.point("pointermove", 0.5, 0.1)
    view.point("pointerup", 0.5, 0.1)
    view.answer()
    assert len(pad.strokes) == 1
    assert {round(y, 2) for _, y in pad.strokes[0].points} == {0.1}


def test_a_stroke_of_the_mouse_ends_that_of_the_keyboard(live, pad):
    view = live(pad)
    view.page.locator("canvas").focus()
    view.page.keyboard.press("Space")
    view.page.keyboard.press("Shift+ArrowRight")
    stroke(view, 0.3)
    view.answer()
    assert heights(pad) == [0.5, 0.3]


def test_words_that_were_not_entered_stay(live, pad):
    view = live(pad)
    words = view.page.get_by_label("Ask in words")
    words.fill("class 03")
    stroke(view, 0.3)
    view.answer()
    assert words.input_value() == "class 03"
    words.press("Enter")
    view.answer()
    assert pad.words == words.input_value() == "class 03"
    pad.say("class 01")
    view.tell()
    assert words.input_value() == "class 01"
    apart = view.page.get_by_role("button", name="Without each stroke")
    assert apart.get_attribute("aria-disabled") == "true"


def test_the_keyboard_stays_near_what_is_gone(live, pad):
    pad.draw([[0.1, 0.3], [0.9, 0.7]])
    pad.draw([[0.1, 0.9], [0.9, 0.1]])
    view = live(pad)

    def press(name):
        view.page.get_by_role("button", name=name).first.press("Enter")
        view.answer()
        return view.focus()

    press("Why?")
    assert press("Close") == "sb-answers"
    press("Without each stroke")
    assert press("stroke 1") == "sb-pad"  # its table is gone
    while pad._past:
        assert press("Undo") == "Undo"
    assert press("Undo") == "Undo"


def test_a_good_answer_is_read_aloud(live, pad):
    view = live(pad)
    stroke(view, 0.3)
    view.answer()
    assert pad.message == ""
    want = "; ".join(f"{a.name}: first class 01 at rank {a.rank}" for a in pad.answers)
    assert view.page.locator(".sb-message").inner_text() == want


@pytest.mark.parametrize("script", ["playground", "sketchpad"])
def test_nothing_is_cut_off_on_a_telephone(live, pad, script):
    view = live(PlaygroundState() if script == "playground" else pad, size=(390, 800))
    wide, box = view.page.evaluate("""() => [document.documentElement.scrollWidth,
        document.querySelector("canvas").getBoundingClientRect().toJSON()]""")
    assert wide == 390
    assert box["width"] == pytest.approx(box["height"], abs=3)


def test_back_on_a_mark_before_the_answer_it_is_looked_at_again(live, atlas):
    atlas.clear()
    view, places = live(atlas), atlas.points(0)
    far = np.linalg.norm(places[:, None] - places, axis=2) + 9 * np.eye(len(places))
    here, there = map(int, np.argsort(-far.min(1))[:2])  # the two that lie most by themselves

    def hover(i):
        view.point("pointermove", places[i][0], 1 - places[i][1], board="canvas.sb-over")

    hover(here)
    view.answer()
    hover(there)
    hover(here)
    view.answer()
    assert atlas.looked == here


def test_the_keyboard_stays_where_a_button_has_no_more_to_do(live, atlas):
    view = live(atlas)
    more, nothing = (view.page.get_by_role("button", name=name) for name in ("More", "Pick nothing"))
    for _ in range(4):  # the last presses do nothing
        more.press("Enter")
        view.answer()
    assert atlas.page == 2
    assert view.focus() == "more"
    nothing.press("Enter")
    view.answer()
    assert nothing.evaluate("e => e === document.activeElement")
    nothing.press("Enter")
    assert view.sent() == []


def test_a_slider_with_the_focus_follows_the_state(live):
    knobs = KnobsState("owl")
    view = live(knobs)
    slider = view.page.get_by_label("gap", exact=True)
    slider.focus()
    view.answer()
    view.page.keyboard.press("End")
    view.answer()
    assert float(slider.input_value()) == knobs.position["gap"] == 2
    knobs.reset()
    view.tell()
    assert float(slider.input_value()) == knobs.position["gap"] == 1
