"""The sketchpad without a browser: strokes, answers, reasons."""

import json
import re

import numpy as np
import pytest
import torch

from sbirkit.explore import RetrievalState, Searcher, Stroke, rasterise

BAR = [[0.1, 0.3], [0.9, 0.7]]


@pytest.fixture
def pad(searchers):
    return RetrievalState(searchers, k=5)


def test_strokes_become_ink_where_they_were_drawn():
    picture = rasterise([Stroke.of([[0, 0.5], [1, 0.5]])], 64)
    assert picture[32, 32] < 60
    assert (picture[:24] == 255).all()


def test_a_wider_pen_leaves_more_ink():
    thin, thick = ((255.0 - rasterise([Stroke.of(BAR, w)])).sum() for w in (0.02, 0.06))
    assert 2.5 < thick / thin < 3.5


@pytest.mark.parametrize("points", [[], [1, 2], [[0, np.nan]], "scribble", [[0, 1, 2]], None, [["a", "b"]]])
def test_a_stroke_that_is_none_is_refused_in_words(points):
    with pytest.raises(ValueError, match=r"points: want pairs \[x, y\]"):
        Stroke.of(points)


@pytest.mark.parametrize("width", [0, -1, 5, float("nan"), "thick"])
def test_a_pen_has_a_width(width):
    with pytest.raises(ValueError, match="width: want"):
        Stroke.of(BAR, width)


def test_an_empty_pad_says_what_to_do(pad):
    assert pad.message.startswith("Nothing asked yet: draw something, pick an example")
    assert all(answer.rows == [] for answer in pad.answers)


def test_one_dot_gets_a_kind_word(pad):
    pad.draw([[0.5, 0.5]])
    assert pad.message.startswith("One dot says little")
    assert len(pad.answers[0].rows) == 5


def test_ten_thousand_points_are_thinned_and_said_so(pad):
    pad.draw([[i / 10_000, 0.5] for i in range(10_000)])
    assert len(pad.strokes[0].points) == 2_000
    assert pad.strokes[0].points[-1][0] == pytest.approx(1, abs=1e-3)
    assert "2,000" in pad.message
    assert len(json.dumps(pad.shown())) < 200_000


def test_answers_equal_a_search_by_hand(pad, bench):
    pad.want("class 03")
    pad.draw(BAR)
    for answer in pad.answers:
        searcher = pad.searchers[answer.name]
        query = searcher.embed(pad.picture(searcher.size)[None])[0]
        rows = bench.gallery_rows()
        photos = searcher.embed(np.array(bench.catalogue.images(rows)), "photo")
        near = [float(v @ query) for v in photos]
        order = sorted(range(len(near)), key=lambda i: -near[i])
        assert answer.rows == [int(rows[i]) for i in order[:5]]
        right = [bench.catalogue.column("label")[rows[i]] == "class_03" for i in order]
        assert answer.rank == right.index(True) + 1
        hits = [i + 1 for i, hit in enumerate(right) if hit]
        by_hand = sum((n + 1) / place for n, place in enumerate(hits)) / len(hits)
        assert answer.metrics["mAP@all"] == pytest.approx(by_hand)
        assert answer.metrics["MRR"] == pytest.approx(1 / answer.rank)


def test_metrics_need_a_wanted_class_and_marks_need_signs(pad):
    pad.draw(BAR)
    shown = pad.shown()["answers"][0]
    assert shown["metrics"] == []
    assert {photo["sign"] for photo in shown["photos"]} == {""}
    pad.want("class 01")
    signs = {photo["label"]: photo["sign"] for photo in pad.shown()["answers"][0]["photos"]}
    assert all(sign == ("✓" if label == "class 01" else "✗") for label, sign in signs.items())


def test_galleries_hold_their_classes_and_both_holds_all(pad):
    assert pad.classes == ["class_01", "class_03"]
    pad.look_in("seen")
    assert set(pad.classes) == {"class_00", "class_02", "class_04"}
    pad.look_in("both")
    assert len(pad.classes) == 5
    pad.draw(BAR)
    searcher = pad.searchers["edges"]
    assert len(searcher.gallery("both")) == len(searcher.gallery("seen")) + len(searcher.gallery("unseen"))


def test_undo_brings_back_everything_in_turn(pad):
    pad.draw(BAR)
    pad.draw([[0.2, 0.9], [0.9, 0.2]])
    kept = pad.strokes
    pad.erase(0)
    pad.pick("class 01")
    pad.clear()
    pad.undo()
    assert pad.example is not None
    pad.undo()
    assert pad.strokes == kept[1:]
    pad.undo()
    assert pad.strokes == kept
    for _ in range(3):
        pad.undo()
    assert pad.strokes == []
    assert pad.message == "Nothing to undo."


def test_a_photo_has_neighbours_in_both_modalities_and_not_itself(pad, bench):
    pad.draw(BAR)
    row = pad.answers[0].rows[0]
    pad.neighbours("edges", row)
    modality = bench.catalogue.column("modality")
    assert row not in pad.focus["photo"]
    assert len(pad.focus["photo"]) == len(pad.focus["sketch"]) == 5
    assert {str(modality[r]) for r in pad.focus["photo"]} == {"photo"}
    assert {str(modality[r]) for r in pad.focus["sketch"]} == {"sketch"}


def test_why_names_the_nearest_wrong_class_and_the_offset(pad):
    pad.want("class 01")
    pad.draw(BAR)
    pad.explain("edges")
    text = " ".join(pad.why["edges"])
    assert "nearest wrong class is class 03" in text
    assert f"rank {pad.answers[0].rank} of 20" in text
    assert "Offset taken off: rank" in text


def test_why_needs_a_wanted_class(pad):
    pad.draw(BAR)
    with pytest.raises(ValueError, match="Say first what it is meant to be"):
        pad.explain("edges")


def test_taking_a_stroke_away_gives_the_rank_of_the_rest(pad):
    pad.want("class 03")
    strokes = [BAR, [[0.1, 0.1], [0.1, 0.9]], [[0.9, 0.1], [0.5, 0.5]]]
    for stroke in strokes:
        pad.draw(stroke)
    pad.take_apart()
    found = {name: list(ranks) for name, ranks in pad.without.items()}
    for i in range(3):
        pad.erase(i)
        assert [answer.rank for answer in pad.answers] == [found[a.name][i] for a in pad.answers]
        pad.undo()


def test_words_ask_where_a_method_reads_and_excuse_themselves_where_not(pad):
    pad.want("class 01")
    pad.say("class 01")
    edges, pixels = pad.answers
    assert edges.labels[0] == "class_01"
    assert pixels.problem == "pixels reads no words; ask it with a sketch"


def test_a_word_without_a_vector_is_no_answer(pad, monkeypatch):
    """A method that was given a table has NaN for other names; ranked, these would list the first photos."""
    edges = pad.searchers["edges"]
    nothing = torch.full((1, edges.gallery("unseen").vectors.shape[1]), torch.nan)
    monkeypatch.setattr(edges.method, "embed_text", lambda texts: nothing)
    pad.say("a gnu")
    assert pad.answers[0].rows == []
    assert pad.answers[0].problem.startswith("edges has no vector for 'a gnu'")


def test_sketch_and_words_lie_between_both(pad):
    searcher = pad.searchers["edges"]
    pad.draw(BAR)
    sketch = pad.query(searcher)
    pad.say("class 01", "words")
    words = pad.query(searcher)
    pad.say("class 01", "both")
    both = pad.query(searcher)
    want = (sketch + words) / np.linalg.norm(sketch + words)
    assert both == pytest.approx(want, abs=1e-6)


def test_a_method_without_weights_says_so_beside_the_others(searchers, bench):
    pad = RetrievalState([Searcher.of("tomorrow's", None, bench), searchers[0]])
    pad.draw(BAR)
    assert pad.answers[0].problem == "tomorrow's has no weights here yet: train it, or open a run that did"
    assert pad.answers[1].rows


def test_example_is_a_sketch_of_the_class_and_goes_round(pad, bench):
    pad.pick("class 03", 0)
    first = pad.example
    assert pad.wanted == bench.catalogue.column("label")[first] == "class_03"
    pad.pick("class 03", 10)
    assert pad.example == first


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"do": "erase", "index": 3}, "index: want a stroke"),
        ({"do": "erase", "index": True}, "index: want a stroke"),
        ({"do": "draw", "points": "x"}, "points: want"),
        ({"do": "look_in", "gallery": "garden"}, "gallery: want one of unseen, seen, both"),
        ({"do": "want", "label": "clas 01"}, "did you mean 'class_01'"),
        ({"do": "neighbours", "name": "edges", "row": -1}, "row: want a photo"),
        ({"do": "explain", "name": "nobody"}, "name: want one of"),
        ({"do": "view"}, "RetrievalState has no action 'view'"),
        ({"do": "__init__"}, "has no action"),
        ({"do": "draw", "colour": 1}, "unexpected keyword"),
        ("hello", "want a message such as"),
    ],
)
def test_whatever_a_view_sends_a_mistake_becomes_a_message(pad, asked, said):
    pad.receive(asked)
    assert said in pad.message


class Broken(torch.nn.Module):
    """Embeds photos, fails on sketches, and has no parameters."""

    def __init__(self, error=None):
        super().__init__()
        self.error = error

    def embed(self, images, modality):
        if self.error and modality == "sketch":
            raise self.error
        return images.float().mean(1).flatten(1)


def test_a_method_that_fails_says_so_and_silences_no_other(searchers, bench):
    broken = Searcher.of("broken", Broken(RuntimeError("shapes cannot be multiplied")), bench, size=32)
    pad = RetrievalState([broken, searchers[0]], wanted="class 01")
    pad.receive({"do": "draw", "points": BAR})
    assert pad.answers[0].problem == "RuntimeError: shapes cannot be multiplied"
    assert pad.answers[1].rows
    view = pad.view()
    before = view.shown.get("reply", 0)
    pad.receive({"do": "explain", "name": "broken"})
    assert pad.message == "RuntimeError: shapes cannot be multiplied"
    assert view.shown["reply"] == before + 1


def test_a_method_without_parameters_answers(bench):
    pad = RetrievalState([Searcher.of("still", Broken(), bench, size=32)])
    pad.draw(BAR)
    assert pad.answers[0].problem == ""
    assert len(pad.answers[0].rows) == 6


def both_sizes(item):
    pixels = np.random.default_rng(len(item.source)).integers(0, 256, (64, 64), dtype=np.uint8)
    pixels = pixels if item.modality == "sketch" else np.stack([pixels] * 3, -1)
    return {32: pixels[::2, ::2].copy(), 64: pixels}


def test_an_example_is_embedded_at_the_searcher_s_size(tmp_path):
    """As its evaluation does; the catalogue's default is the smaller."""
    from sbirkit.data import Catalogue, Item, write_catalogue
    from sbirkit.training import embed_rows

    items = [Item(f"class {c}", m, f"{m}/{c}", instance="0") for c in range(2) for m in ("photo", "sketch")]
    card = {"name": "two", "title": "Two"}
    options = {"card": card, "sizes": (32, 64), "workers": 1, "progress": False}
    write_catalogue(tmp_path / "two", items, both_sizes, **options)
    world = Catalogue.open(tmp_path / "two")
    assert world.images(world.sketches[:1]).shape[1] != 64

    class Sized(torch.nn.Linear):
        def embed(self, images, modality):
            return self(images.float().mean(1).flatten(1) / 255)

    method = Sized(64 * 64, 8)
    pad = RetrievalState([Searcher("sized", method, world, photos={"unseen": world.photos}, size=64)])
    pad.pick("class 0")
    want = embed_rows(method, world, np.array([pad.example]), size=64)[0]
    assert pad.answers[0].problem == ""
    assert pad.query(pad.searchers["sized"]) == pytest.approx(want / np.linalg.norm(want), abs=1e-5)


def test_a_second_press_takes_no_second_stroke(pad):
    for y in (0.2, 0.5, 0.8):
        pad.draw([[0.1, y], [0.9, y]])
    for _ in range(2):
        pad.receive({"do": "erase", "index": 0, "of": 3})
    assert [stroke.points[0][1] for stroke in pad.strokes] == [0.5, 0.8]
    assert "nothing was taken away" in pad.message


def test_why_says_of_a_right_answer_what_speaks_for_it(searchers):
    pad = RetrievalState(searchers, wanted="class 01")
    said = {}
    for label in ("class 01", "class 03"):
        for number in range(10):
            pad.pick(label, number)
            for answer in pad.answers:
                pad.explain(answer.name)
                own, other = map(float, re.findall(r"(\d\.\d+) \(", pad.why[answer.name][2]))
                said.setdefault((answer.rank == 1, own < other), pad.why[answer.name][2])
    assert said[True, True].endswith("the nearest photo is right, and so is its class.")
    for (right, _), line in said.items():
        assert not right or "mislead" not in line


def test_strokes_play_no_part_in_words(pad):
    pad.want("class 01")
    pad.draw(BAR)
    pad.draw(BAR)
    pad.say("class 01")
    pad.receive({"do": "take_apart"})
    assert pad.message == "Strokes play no part in a question by words."
    assert pad.without == {}


def test_more_strokes_than_are_tried_is_said(searchers):
    pad = RetrievalState(searchers[1:], wanted="class 01")
    pad.strokes = [Stroke.of([[0.1, i / 70], [0.9, i / 70]]) for i in range(64)]
    pad.draw(BAR)
    pad.take_apart()
    assert len(pad.without["pixels"]) == 60
    assert pad.message == "Tried without each of the first 60 of 65 strokes."


def test_examples_of_seen_classes_are_held_out(searchers, bench):
    pad = RetrievalState(searchers, gallery="seen")
    for number in range(10):
        pad.pick("class 00", number)
        assert pad.example in bench.queries("seen_test")
    assert pad.message == ""
    pad.look_in("unseen")
    pad.pick("class 00")
    assert "may have been trained on" in pad.message


def test_without_sketches_the_rest_still_answers(searchers, bench):
    rows = {"unseen": bench.gallery_rows()}
    bare = Searcher("bare", searchers[0].method, bench.catalogue, photos=rows, size=32)
    pad = RetrievalState([bare], wanted="class 01")
    pad.draw(BAR)
    pad.explain("bare")
    assert len(pad.why["bare"]) == 3
    pad.neighbours("bare", pad.answers[0].rows[0])
    shown = pad.shown()["focus"]
    assert len(shown["photo"]) == 6
    assert "sketch" not in shown
    pad.look_in("both")
    pad.explain("bare")
    assert len(pad.why["bare"]) == 3


def test_watchers_hear_of_changes_and_are_let_go(pad):
    class Ear:
        heard = 0

        def hear(self):
            self.heard += 1

    ear = Ear()
    pad.watch(ear.hear)
    pad.draw(BAR)
    assert ear.heard == 1
    del ear
    pad.draw(BAR)
    assert pad._watching == []


def test_the_view_follows_the_state_and_is_one(pad):
    view = pad.view()
    pad.draw(BAR)
    assert pad.view() is view
    assert len(view.shown["strokes"]) == 1
    view.state.receive({"do": "clear"})
    assert view.shown["strokes"] == []


def test_every_answer_is_another_message_so_that_the_browser_is_never_left_waiting(pad):
    view, sent = pad.view(), []
    view.observe(lambda change: sent.append(change.new), "shown")
    for _ in range(2):  # the second changes nothing
        view.state.receive({"do": "clear"})
    assert len(sent) == 2
    assert {name: view.shown[name] for name in pad.shown()} == pad.shown()  # the count hides nothing


def test_it_shows_itself_live_and_on_paper(pad):
    pad.want("class 01")
    pad.draw(BAR)
    bundle = pad._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "Sketchpad. A drawing of 1 strokes" in bundle["text/plain"]
    assert bundle["text/html"].startswith('<img alt="Sketchpad.')
    assert len(bundle["text/html"]) < 200_000


def test_repeated_use_keeps_nothing_but_a_hundred_undos(pad):
    for i in range(150):
        pad.draw([[0.1, i / 200], [0.9, 0.5]])
        pad.clear()
    assert len(pad._past) == 100
    assert len(pad._watching) <= 1
