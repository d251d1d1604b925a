"""The report: every figure with its verdict, failures with their cell, and nothing fetched from the web."""

import json
import re

import pytest

from sbirkit.runs import fresh, report
from sbirkit.runs.figures import MIME
from sbirkit.runs.jobs import Job, Training

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
    return report.write(jobs, jobs[0].out, profile="smoke", about=about).read_text()


def told(text):
    """The rows of all tables, as words."""
    rows = [
        re.sub(r"<[^>]+>", "|", row) for row in text.splitlines() if row.startswith('<tr><th scope="row"')
    ]
    return [re.sub(r"\|+", "|", row).strip("|") for row in rows]


def test_every_figure_and_claim_has_its_verdict(job):
    held = {"kind": "claim", "name": "memory <helps>", "verdict": "holds", "effect": 0.03}
    shipped = [number("a", 0.50), number("gone", 1), left(**held)]
    fresh = [number("a", 0.52, 0.02, "n < 3"), number("more", 2), left(**held | {"verdict": "fails"})]
    text = write(job(shipped, fresh), data="12 & 3")
    assert told(text) == [
        "&lt;One&gt;|✓ |done|8",
        "a|n &lt; 3|0.52|0.5|± 0.02|✓ |agrees|00-one",
        "more|2|none|same digits|+ |new|00-one",
        "gone|none|1|same digits|✗ |missing|00-one",
        "memory &lt;helps&gt;|fails: +0.03|holds: +0.03|✗ |differs|00-one",
        "data|12 &amp; 3",
    ]
    for count in (
        '1</b> <span class="agrees"',
        '1</b> <span class="differs"',
        "1 of 1</b> notebooks executed",
    ):
        assert count in text
    assert "<script" not in text
    assert not WEB.search(text)


def test_other_parameters_are_shown_and_not_compared(job):
    text = write(job([number("a", 1)], [number("a", 2)], as_shipped=False))
    assert 'class="not-compared">not compared</span>' in text
    assert "differs</span>" not in text
    assert "each notebook's own parameters" in text


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


def record(folder, value, *, codes=0.2):
    """A run's record: a zero-shot and a generalised number, and two that do not count."""
    folder.mkdir(parents=True)
    own = {"benchmark": "b", "weights": "best", "verb": "embed"}
    results = [
        own | {"setting": "zs", "metrics": {"mAP@all": value}},
        own | {"setting": "gzs-separate", "metrics": {"mAP@all": {"harmonic": codes, "seen": 1.0}}},
        own | {"setting": "zs", "benchmark": "another", "metrics": {"mAP@all": 0.9}},
        own | {"setting": "zs", "weights": "last", "metrics": {"mAP@all": 0.8}},
    ]
    files = {
        "metrics": {"results": results},
        "params": {"benchmark": {"digest": "b"}},
        "manifest": {"seconds": 60.0},
        "stamp": {"digest": "d", "seconds": 61.0},
    }
    for name, said in files.items():
        (folder / f"{name}.json").write_text(json.dumps(said))


@pytest.fixture
def trained(tmp_path):
    """Shipped records of two methods at three seeds, and a fresh run of each."""
    for label, values in {
        "dsn": (0.30, 0.32, 0.34),
        "ramln": (0.40, 0.42, 0.44),
        "frozen": (0.2, 0.2, 0.2),
    }.items():
        for seed, value in enumerate(values):
            record(tmp_path / "shipped" / f"{label}_unseen-16_s{seed}", value)
    tasks = [Training(label, 0, "laptop", tmp_path / "out", "d") for label in ("dsn", "ramln", "frozen")]
    for task, value in zip(tasks, (0.355, 0.46, 0.2), strict=True):
        record(task.record, value)
    return tasks


def test_a_fresh_number_agrees_where_another_seed_would_lie(trained, tmp_path):
    # by hand: both methods deviate by 0.02, frozen does not vary and is left out; 1.96 sqrt(2) 0.02 = 0.0554
    assert fresh.bands(tmp_path / "shipped")["ZS mAP@all"] == pytest.approx(0.0554, abs=1e-4)
    judged = fresh.judged(tmp_path / "out" / "records", tmp_path / "shipped", compared=True)
    found = {(one["method"], one["column"]): one for one in judged}
    assert found["dsn", "ZS mAP@all"]["verdict"] == "agrees"
    assert found["ramln", "ZS mAP@all"]["verdict"] == "differs"
    assert (found["frozen", "ZS mAP@all"]["fresh"], found["frozen", "GZS harmonic"]["fresh"]) == (0.2, 0.2)
    assert {name for _, name in found} == {"ZS mAP@all", "GZS harmonic"}


def test_methods_stand_beside_what_was_shipped(trained, tmp_path):
    options = {"profile": "laptop", "about": {}, "shipped": tmp_path / "shipped"}
    page = report.write(trained, tmp_path / "out", **options)
    first = told(page.read_text())[0]
    assert first.startswith("dsn|✓ |done|0.355|0.300| |✓|")
    assert first.endswith("|61")
    assert "3 of 3</b> methods trained" in page.read_text()
    numbers = json.loads(page.with_name("figures.json").read_text())["methods"]
    assert [one["verdict"] for one in numbers if one["column"] == "ZS mAP@all"] == [
        "agrees",
        "agrees",
        "differs",
    ]

    (trained[1].record / "stamp.json").unlink()
    trained[1].log.write_text("it said <no>")
    text = report.write(trained, tmp_path / "out", **options).read_text()
    assert "<h3>ramln failed: in training</h3>" in text
    assert "it said &lt;no&gt;" in text
    assert 'class="differs"' not in text, "a number of an earlier run is not this run's"


def test_the_ledger_has_a_section_where_there_is_one(job):
    row = {"claim": "a < b", "paper": "RAMLN", "verdict": "holds", "note": "five seeds", "anything": "else"}
    row |= {"effect": 0.031, "low": 0.01, "high": 0.05, "n": 5}
    made = job([number("a", 1)])
    text = report.write(
        [made], made.out, profile="laptop", about={}, ledger=[row, {"claim": "bare"}]
    ).read_text()
    assert "a &lt; b|five seeds|RAMLN|+0.031 [0.010, 0.050]|5|✓ |holds" in told(text)
    assert "bare" in told(text)
    assert 'id="ledger"' not in report.write([made], made.out, profile="laptop", about={}).read_text()


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
