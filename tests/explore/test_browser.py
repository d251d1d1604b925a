"""The explorers in JupyterLab in a real browser: what is drawn, pressed and read, never pixels."""

import math
import re

import pytest

EVIL = "<img src=x onerror=alert(1)>"
SETUP = """
import sys
sys.path.insert(0, {tests!r})
from conftest import Reader
from sbirkit.data import Catalogue
from sbirkit.explore import Handmade, RetrievalState, Searcher
from sbirkit.models.handmade import raw_pixels
bench = Catalogue.open({folder!r}).benchmark(["class 01", "class 03"], setting="gzs", selection=["class 05"])
pad = RetrievalState([Searcher.of("edges", Reader(bench), bench, size=32),
                      Searcher.of({evil!r}, Handmade(raw_pixels), bench, size=32)], wanted="class 01")
"""


@pytest.fixture(scope="module")
def page(lab, folder):
    from pathlib import Path

    setup = SETUP.format(tests=str(Path(__file__).parent), folder=str(folder), evil=EVIL)
    page = lab.notebook("pad", setup, "pad", "pad")
    page.dialogs = []
    page.on("dialog", lambda dialog: (page.dialogs.append(dialog.message), dialog.dismiss()))
    page.locator("canvas.sb-pad").nth(1).wait_for(timeout=60_000)
    return page


def drag(page, start, end, *, pad=0):
    canvas = page.locator("canvas.sb-pad").nth(pad)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*spots[0])
    page.mouse.down()
    page.mouse.move(*spots[1], steps=8)
    page.mouse.up()


def test_empty_pad_then_a_drag_gives_ranked_photos_in_both_views(page):
    first, second = page.locator(".sb-sketchpad").all()
    first.get_by_text("Nothing asked yet").wait_for()
    drag(page, (0.1, 0.3), (0.9, 0.7))
    for view in (first, second):
        view.locator("article").first.locator("button.sb-tile").nth(5).wait_for()
        assert re.search(r"first class 01 at rank \d+", view.locator("article").first.inner_text())
        assert re.search(r"[✓✗] class 0[13]", view.locator("article").first.inner_text())


def test_names_are_text(page):
    assert EVIL in page.locator("article h4").all_inner_texts()
    assert page.locator(".sb img[src='x']").count() == 0
    assert page.dialogs == []


def test_why_neighbours_and_metrics_by_keyboard_alone(page):
    view = page.locator(".sb-sketchpad").first
    view.get_by_role("button", name="Why?").first.focus()
    page.keyboard.press("Enter")
    view.get_by_text("nearest wrong class is class 03").wait_for()
    view.locator("button.sb-tile").first.focus()
    page.keyboard.press("Enter")
    view.get_by_text("nearest sketches").wait_for()
    view.locator("summary").focus()
    page.keyboard.press("Enter")
    view.get_by_text("mAP@200-lenient").wait_for()


def test_the_keyboard_draws_undoes_and_erases(page):
    view = page.locator(".sb-sketchpad").first
    view.get_by_role("button", name="Clear").click()
    view.get_by_text("Nothing asked yet").wait_for()
    view.locator("canvas.sb-pad").focus()
    page.keyboard.press("Space")
    for key in ("Shift+ArrowRight", "Shift+ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    page.keyboard.press("Space")
    view.locator("button.sb-tile").first.wait_for()
    page.keyboard.press("u")
    view.get_by_text("Nothing asked yet").wait_for()


def test_running_the_cell_again_loses_nothing(page):
    drag(page, (0.2, 0.8), (0.8, 0.2))
    page.locator(".sb-sketchpad").first.locator("button.sb-tile").first.wait_for()
    page.locator(".jp-Cell .cm-content").nth(1).click()
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(300)
    page.locator(".sb-sketchpad").first.locator("button.sb-tile").first.wait_for()
    assert page.problems == []


def test_after_a_restart_it_says_what_to_do(page):
    lost = page.locator(".sb-sketchpad .sb-lost").first
    assert not lost.is_visible()
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    lost.wait_for(state="visible", timeout=20_000)
    assert "Run the notebook's cells again" in lost.inner_text()


def loss(view):
    return float(re.search(r"loss\s+(-?\d+\.\d+)", view.locator(".sb-read").inner_text())[1])


def test_dragging_and_stepping_make_the_loss_fall(lab):
    page = lab.notebook(
        "play", "from sbirkit.explore import PlaygroundState; play = PlaygroundState()", "play"
    )
    view = page.locator(".sb-playground")
    board = view.locator("canvas.sb-board")
    board.wait_for(timeout=60_000)
    view.get_by_role("button", name="... and the quadruplet fixes").click()
    view.get_by_text("The same points.").wait_for()
    start, box = loss(view), board.bounding_box()

    def at(degrees):
        x, y = math.cos(math.radians(degrees)) / 1.6, math.sin(math.radians(degrees)) / 1.6
        return box["x"] + (x + 1) / 2 * box["width"], box["y"] + (1 - y) / 2 * box["height"]

    page.mouse.move(*at(96))  # the sketch of class 1, towards its photo
    page.mouse.down()
    page.mouse.move(*at(128), steps=10)
    page.mouse.up()
    page.wait_for_timeout(500)
    dragged = loss(view)
    assert dragged < start
    view.get_by_role("button", name="What a triplet misses").click()
    view.get_by_text("the loss is 0").wait_for()
    assert loss(view) == 0
    view.get_by_label("Loss", exact=True).last.select_option("contrastive")
    view.get_by_text("Everything counts").wait_for()
    before = loss(view)
    board.focus()
    page.keyboard.press("n")
    view.get_by_text(re.compile(r"(sketch|photo) of class \d, at")).wait_for()
    for _ in range(5):
        page.keyboard.press("Space")
    page.wait_for_timeout(500)
    assert loss(view) < before
    assert page.problems == []


def test_a_knob_turned_by_keyboard_changes_pictures_and_marker(lab):
    page = lab.notebook("knobs", "from sbirkit.explore import KnobsState; knobs = KnobsState('owl')", "knobs")
    view = page.locator(".sb-world")
    slider, marker = view.get_by_label("clutter", exact=True), view.locator(".sb-marker")
    slider.wait_for(timeout=60_000)
    now = view.locator(".sb-pairs").nth(1).locator("img")
    before = [now.nth(i).get_attribute("src") for i in (0, 1)]
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_function("() => document.querySelector('.sb-marker')?.dataset.value === '3'")
    assert "clutter: how many other things" in view.inner_text()
    assert now.nth(0).get_attribute("src") == before[0]  # the sketch stays
    assert now.nth(1).get_attribute("src") != before[1]
    assert slider.evaluate("e => document.activeElement === e")
    place = float(marker.get_attribute("x1"))
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => document.querySelector('.sb-marker').dataset.value === '2.95'")
    assert float(marker.get_attribute("x1")) < place
    assert "≈" in view.locator("table").inner_text()
    view.get_by_role("button", name="find the photo of this very object").press("Enter")
    view.locator("th", has_text="MRR").wait_for()
    view.get_by_role("button", name="RAMLN").press("Enter")
    page.wait_for_function("() => document.querySelector('.sb-key[aria-pressed=\"true\"]')")
    assert page.problems == []


RUNS = """
import pathlib, sys, tempfile
sys.path.insert(0, {tests!r})
from conftest import tiny_runs
from sbirkit.data import Catalogue
from sbirkit.explore import RunsState
bench = Catalogue.open({folder!r}).benchmark(["class 01", "class 03"], setting="gzs", selection=["class 05"])
runs = RunsState(tiny_runs(pathlib.Path(tempfile.mkdtemp()), bench), bench)
"""


def test_two_runs_are_chosen_and_a_lost_query_is_opened_by_keyboard(lab, folder):
    from pathlib import Path

    setup = RUNS.format(tests=str(Path(__file__).parent), folder=str(folder))
    page = lab.notebook("runs", setup, "runs")
    page.on("dialog", lambda dialog: page.problems.append(dialog.message))
    view = page.locator(".sb-runs")
    second = view.get_by_label("Second run")
    second.wait_for(timeout=60_000)
    view.get_by_text("edges_s1 came without weights").wait_for()
    second.focus()
    page.keyboard.press("ArrowDown")  # from edges_s1 to pixels_s0
    view.locator(".sb-changes th", has_text="train.lr").wait_for()
    assert second.input_value() == "pixels_s0"
    assert "tests:Pixels" in view.locator(".sb-changes").inner_text()
    assert view.locator(".sb-bars li").count() == 2
    lost = view.locator(".sb-queries").first.get_by_role("button").first
    lost.focus()
    page.keyboard.press("Enter")
    view.locator("article").nth(1).locator(".sb-tile").nth(7).wait_for()
    for k in (0, 1):
        assert re.search(r"[✓✗] class 0[13]", view.locator("article").nth(k).inner_text())
    assert lost.evaluate("e => document.activeElement === e && e.getAttribute('aria-pressed') === 'true'")
    second.focus()
    page.keyboard.press("ArrowDown")  # the hostile name
    view.locator("article h4", has_text=EVIL).wait_for()
    assert view.locator("img[src='x']").count() == 0
    assert page.problems == []


ATLAS = """
import numpy as np
from sbirkit.data import Catalogue
from sbirkit.explore import AtlasState
world = Catalogue.open({folder!r})
rng, rows = np.random.default_rng(0), np.arange(len(world))
moments = [(f"step {{s}}", rng.normal(size=(len(rows), 8))) for s in (0, 1)]
atlas = AtlasState([({evil!r}, moments), ("still", moments[0][1])], world, rows,
                   families={{name: {evil!r} for name in world.classes}})
"""


def test_the_atlas_by_mouse_and_by_keyboard_alone(lab, folder):
    page = lab.notebook("atlas", ATLAS.format(folder=str(folder), evil=EVIL), "atlas")
    page.dialogs = []
    page.on("dialog", lambda dialog: (page.dialogs.append(dialog.message), dialog.dismiss()))
    view = page.locator(".sb-atlas")
    plane, still = view.locator("canvas.sb-over").nth(0), view.locator("canvas.sb-over").nth(1)
    plane.wait_for(timeout=60_000)
    view.get_by_text("Nothing is picked of 120 pictures.").wait_for()
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    corners = [(0.02, 0.02), (0.5, 0.02), (0.5, 0.98), (0.02, 0.98)]  # its left half
    spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot, steps=8)
    page.mouse.up()
    view.locator("button.sb-tile").first.wait_for()
    many = int(re.search(r"(\d+) picked: \d+ sketches", view.inner_text())[1])
    assert 20 < many < 100
    assert view.locator("button.sb-tile").count() == min(many, 48)
    assert re.search(r"[✓✗] class 0\d\s+photo", view.locator("button.sb-tile").first.inner_text())

    still.focus()
    page.keyboard.press("Escape")
    view.get_by_text("Nothing is picked of 120 pictures.").wait_for()
    for key in ("ArrowRight", "ArrowUp", "+", "+"):  # the middle of the map, and a wider circle
        page.keyboard.press(key)
    view.get_by_text("nearest by still").wait_for()  # what the cursor is next to
    page.keyboard.press("Enter")
    view.get_by_text(re.compile(r"\d+ picked: ")).wait_for()
    few = int(re.search(r"(\d+) picked: ", view.inner_text())[1])
    assert 0 < few < 100
    assert still.evaluate("e => document.activeElement === e")
    moment = view.get_by_label("Moment", exact=True)
    moment.focus()
    page.keyboard.press("Home")
    page.wait_for_function(
        "() => document.querySelector('.sb-atlas input').getAttribute('aria-valuetext') === 'step 0'"
    )
    view.get_by_label("Colour by").select_option("family")
    view.get_by_role("button", name=EVIL, exact=True).press("Enter")
    page.wait_for_function("() => document.querySelector('.sb-legend [aria-pressed=\"true\"]')")
    assert int(re.search(r"(\d+) picked: ", view.inner_text())[1]) == few
    assert EVIL in view.locator("h4").all_inner_texts()
    assert view.locator("img[src='x']").count() == 0
    assert page.dialogs == []
    assert page.problems == []


ALL = """
import pathlib, sys, tempfile
import numpy as np
sys.path.insert(0, {tests!r})
from conftest import tiny_runs
from sbirkit.data import Catalogue
from sbirkit.explore import AtlasState, KnobsState, PlaygroundState, RunsState
world = Catalogue.open({folder!r})
bench = world.benchmark(["class 01", "class 03"], setting="gzs", selection=["class 05"])
vectors = np.random.default_rng(0).normal(size=(len(world), 8))
atlas = AtlasState([("one", vectors)], world, np.arange(len(world)))
runs = RunsState(tiny_runs(pathlib.Path(tempfile.mkdtemp()), bench), bench)
knobs, play = KnobsState("owl"), PlaygroundState()
"""
TWICE = """
from IPython.display import display
for state in (atlas, knobs, runs, play):
    display(state, state.view())
"""


def test_two_views_of_each_agree_a_rerun_loses_nothing_the_file_stays_small_and_a_restart_is_told(
    lab, folder
):
    from pathlib import Path

    page = lab.notebook("all", ALL.format(tests=str(Path(__file__).parent), folder=str(folder)), TWICE)

    def both(name):
        views = page.locator(f".sb-{name}")
        views.nth(1).wait_for(timeout=60_000)
        return views.nth(0), views.nth(1)

    def the_same(*texts):
        for name, text in zip(("atlas", "world", "runs", "playground"), texts, strict=True):
            for view in both(name):
                view.get_by_text(text).first.wait_for()

    (atlas, _), (knobs, _), (runs, _), (play, _) = (both(n) for n in ("atlas", "world", "runs", "playground"))
    plane = atlas.locator("canvas.sb-over")
    plane.focus()
    for _ in range(14):
        page.keyboard.press("+")
    page.keyboard.press("Enter")
    knobs.get_by_role("button", name="All as in the benchmark").press("Enter")  # changes nothing
    knobs.get_by_label("clutter", exact=True).focus()
    page.keyboard.press("End")  # and at once, without waiting for an answer, to the next
    knobs.get_by_label("gap", exact=True).focus()
    page.keyboard.press("End")
    runs.get_by_label("First run").select_option("edges_s0")
    runs.get_by_label("Second run").select_option("pixels_s0")
    runs.locator(".sb-queries button").first.press("Enter")
    play.get_by_role("button", name="... and the quadruplet fixes").press("Enter")
    query = re.compile(r"Query \d+: class 0")
    said = "120 picked: 60 sketches, 60 photos", "here clutter stands elsewhere", query, "The same points."
    the_same(*said)

    page.locator(".jp-Cell .cm-content").nth(1).click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        "() => /\\[3\\]/.test(document.querySelectorAll('.jp-InputPrompt')[1].textContent)"
    )
    the_same(*said)

    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    saved = (lab.folder / "all.ipynb").read_text()
    assert "120 picked" in saved  # the twin on paper
    assert '"_esm"' not in saved  # and no state of any widget
    assert len(saved) < 1_000_000

    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    for name in ("atlas", "world", "runs", "playground"):
        for view in both(name):
            view.get_by_role("alert").wait_for(state="visible", timeout=20_000)
    assert page.problems == []
