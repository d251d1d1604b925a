"""The report: every figure with its verdict, failures with their cell, and nothing fetched from the web."""

import json
import re

import pytest

from sbirkit.runs import report
from sbirkit.runs.figures import MIME
from sbirkit.runs.reproduce import Job

WEB = re.compile(r"<(?:script|link|style|img|iframe)\b[^>]*(?:src|href)\s*=\s*[\"']?(?:https?:)?//", re.I)


def code(*outputs, tags=()):
    return {"cell_type": "code", "id": "a", "source": "x", "execution_count": 1, "outputs": list(outputs),
            "metadata": {"tags": list(tags)}}  # fmt: skip


def left(**record):
    return {"output_type": "display_data", "metadata": {}, "data": {"text/plain": "x", MIME: record}}


def number(name, value, band=0.0, note=""):
    return left(kind="figure", name=name, value=value, band=band, note=note)


@pytest.fixture
def job(tmp_path):
    """``job(shipped_outputs, fresh_outputs)`` is a notebook that was executed."""

    def one(shipped, fresh=None, *, name="00-one", failed=None, as_shipped=True):
        source, out = tmp_path / "source", tmp_path / "out"
        source.mkdir(exist_ok=True)
        out.mkdir(exist_ok=True)
        made = Job(source / f"{name}.ipynb", out / f"{name}.ipynb", {}, "digest", "<One>", as_shipped)
        texts = {made.source: [code(*shipped)], made.target: fresh and [code(*fresh)],
                 made.beside("failed.ipynb"): failed}  # fmt: skip
        for path, cells in texts.items():
            if cells is not None:
                stamp = {"sbirkit": {"digest": "digest", "seconds": 7.5}}
                path.write_text(
                    json.dumps({"cells": cells, "metadata": stamp, "nbformat": 4, "nbformat_minor": 5})
                )
        return made

    return one


def write(*jobs, **about):
    return report.write(jobs, jobs[0].target.parent, profile="smoke", about=about).read_text()


def test_every_figure_and_claim_has_its_verdict(job):
    held = {"kind": "claim", "name": "memory <helps>", "verdict": "holds", "effect": 0.03}
    shipped = [number("a", 0.50), number("gone", 1), left(**held)]
    fresh = [number("a", 0.52, 0.02, "n < 3"), number("more", 2), left(**held | {"verdict": "fails"})]
    text = write(job(shipped, fresh), data="12 & 3")
    rows = [re.sub(r"<[^>]+>", "|", row) for row in text.splitlines() if row.startswith("<tr>")]
    rows = [re.sub(r"\|+", "|", row).strip("|") for row in rows]
    assert rows == [
        "&lt;One&gt;|✓ |done|7.5",
        "a|n &lt; 3|0.52|0.5|± 0.02|✓ |agrees|00-one",
        "more|2|none|same digits|new|00-one",
        "gone|none|1|same digits|✗ |missing|00-one",
        "memory &lt;helps&gt;|fails: +0.03|holds: +0.03|✗ |differs|00-one",
        "data|12 &amp; 3",
    ]
    assert "Figures and claims: 1 agrees, 1 new, 1 differs, 1 missing." in text
    assert "<script" not in text
    assert not WEB.search(text)


def test_other_parameters_are_shown_and_not_compared(job):
    text = write(job([number("a", 1)], [number("a", 2)], as_shipped=False))
    assert 'class="not-compared">not compared</span>' in text
    assert "differs</span>" not in text
    assert "with each notebook&#x27;s own" in text or "with each notebook's own" in text


def test_a_failure_is_shown_with_its_cell_and_error(job):
    error = {
        "output_type": "error",
        "ename": "E",
        "evalue": "",
        "traceback": ["\x1b[31m<lambda>\x1b[0m", "E: 0"],
    }
    mark = code(tags=[report.ERROR_MARK])
    text = write(job([number("a", 1)], failed=[mark, code(number("a", 1)), mark, code(error)]))
    assert "<h3>&lt;One&gt; failed: cell 2</h3>" in text
    assert "&lt;lambda&gt;\nE: 0</pre>" in text
    assert "agrees</span>" in text, "what came before the failure still counts"


def test_a_name_used_twice_is_told_as_the_failure(job):
    text = write(job([number("a", 1)], failed=[code(number("b", 1)), code(number("b", 2))]))
    assert "failed: no cell of its own" in text
    assert "the name &#x27;b&#x27; is used in cell 1 and in cell 2" in text


def test_what_never_ran_has_no_figures(job):
    text = write(job([number("a", 1)]))
    assert "not run yet" in text
    assert "No figure and no claim is on record." in text


def test_the_page_of_a_notebook_fetches_nothing(tmp_path):
    web = "<script src='https://a.b/c.js'></script><link rel=stylesheet href=//a.b/c.css><b>kept</b>"
    html = {"output_type": "display_data", "metadata": {}, "data": {"text/html": web}}
    cells = [{"cell_type": "markdown", "id": "m", "metadata": {}, "source": "# T\n$x^2$ [a](https://a.b)"}]
    path = tmp_path / "a.ipynb"
    notebook = {"cells": [*cells, code(html)], "nbformat": 4, "nbformat_minor": 5}
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    path.write_text(json.dumps(notebook | {"metadata": {"widgets": widgets}}))
    text = report.page(path)
    assert not WEB.search(text)
    assert not re.search(r"import\b[^;]*https?://|cdnjs|unpkg", text)
    assert "default-src 'none'" in text.partition("<style")[0], "before anything could be fetched"
    assert "$x^2$" in text
    assert "<b>kept</b>" in text
    assert 'href="https://a.b"' in text, "a link to follow stays"
