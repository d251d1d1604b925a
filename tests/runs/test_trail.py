"""The map of the notebooks."""

import json

from sbirkit.runs import notebooks
from sbirkit.runs.trail import CHAPTERS, trail


def write(folder, name, opening):
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": opening}
    (folder / name).write_text(
        json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )


def test_a_notebook_tells_what_it_is_and_the_readme_says_it_shorter(tmp_path):
    write(
        tmp_path,
        "01_a.ipynb",
        "# 01 · A & B: long\n\n**You will** see\nall.\n**Time:** smoke x · laptop a minute. Reading: 9 h.",
    )
    write(tmp_path, "20_c.ipynb", "# 20 · C\n\n**You will** play.\n**Time:** smoke x · laptop two, at most.")
    found = trail(tmp_path)
    assert [(s.title, s.about, s.runs, s.reads) for s in found.stops] == [
        ("01 · A & B", "see all.", "a minute", "9 h"),
        ("20 · C", "play.", "two", ""),
    ]
    (tmp_path / "README.md").write_text(
        "| Notebook | x |\n|---|---|\n| [01 · A](01_a.ipynb) | All <of> it. |\n"
    )
    found = trail(tmp_path)
    assert found.stops[0].about == "All <of> it."
    assert [chapter for chapter, _ in found.chapters()] == [CHAPTERS[0], CHAPTERS[20]]
    page = found._repr_html_()
    assert '<a href="01_a.ipynb">01 · A &amp; B</a>' in page
    assert "All &lt;of&gt; it." in page
    assert "01 · A & B: All <of> it." in repr(found)


def test_every_notebook_has_its_place_and_its_times():
    stops = trail().stops
    assert [stop.file for stop in stops] == [path.name for path in notebooks.find()]
    assert [stop.file for stop in stops if not (stop.about and stop.runs)] == []
