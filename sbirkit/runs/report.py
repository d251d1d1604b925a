"""The page at the end of `make reproduce`: methods, notebooks, figures, claims. It needs no web."""

import html
import json
import platform
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sbirkit import paths
from sbirkit.runs import fresh, notebooks
from sbirkit.runs.figures import Claim, Judged, Record, collect, judge
from sbirkit.runs.jobs import Job, Task, Training
from sbirkit.runs.rows import COLUMNS

MARKS = {"agrees": "✓", "differs": "✗", "missing": "✗", "failed": "✗", "done": "✓", "holds": "✓",
         "skipped": "–", "not run yet": "–", "new": "+", "undecided": "?", "fails": "✗",
         "does not hold": "✗"}  # fmt: skip
ERROR_MARK = "papermill-error-cell-tag"  # of a cell that papermill adds to point at an error

# A browser that reads this line fetches nothing, whatever a notebook's output asks for.
POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="'
    "default-src 'none'; img-src data:; font-src data:; media-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline' 'unsafe-eval'; worker-src blob:"
    '">'
)
OFFLINE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js_requirejs %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
"""
FETCHED = re.compile(
    r"""<script\b[^>]*\bsrc\s*=\s*["']?(?:https?:)?//[^>]*>\s*</script>"""
    r"""|<link\b[^>]*\bhref\s*=\s*["']?(?:https?:)?//[^>]*>""",
    re.IGNORECASE,
)

STYLE = """
:root { color-scheme: light dark; --good: #17643a; --bad: #a3210f; --line: #8885; --soft: #8881;
  --back: #fff; --ink: #1b1b1b; --quiet: #5a5f66 }
@media (prefers-color-scheme: dark) {
  :root { --good: #7fd6a2; --bad: #ff9d8c; --back: #16181c; --ink: #e8e8e8; --quiet: #a9b0b8 }
  a { color: #9cc3ff } a:visited { color: #c3b1ff }
}
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem;
  background: var(--back); color: var(--ink) }
h1 { margin-bottom: .2rem } h2 { margin-top: 2.4rem }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1rem; margin: 1rem 0 }
.sum { display: flex; flex-wrap: wrap; gap: .6rem; padding: 0; list-style: none }
.sum li { border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .9rem }
.sum b { font-size: 1.4rem; margin-right: .3rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0;
  border-bottom: 1px solid var(--line) }
thead th { white-space: nowrap; vertical-align: bottom } tbody th { font-weight: normal }
tbody tr:hover { background: var(--soft) }
td.n, th.n { text-align: right } td { overflow-wrap: anywhere }
small, .quiet { color: var(--quiet) } td small { white-space: nowrap }
pre { overflow-x: auto; border: 1px solid var(--line); padding: .6rem; max-height: 30rem }
.agrees, .done, .holds { color: var(--good); white-space: nowrap }
.differs, .missing, .failed, .fails, .does-not-hold { color: var(--bad); font-weight: bold;
  white-space: nowrap }
"""


def page(executed: Path) -> str:
    """An executed notebook as one page that fetches nothing; formulas stay as they were written."""
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        embed_images=True, template_file="offline.html.j2",
        extra_loaders=[DictLoader({"offline.html.j2": OFFLINE})],
    )  # fmt: skip
    text, _ = exporter.from_filename(str(executed))
    return FETCHED.sub("", text).replace("<head>", f"<head>{POLICY}", 1)


def judged(job: Job) -> list[tuple[Judged, str]]:
    """Each figure and claim of a notebook that ran, with its verdict.

    The stored notebook was run with its own parameters: where others were asked for, nothing is compared.
    """
    executed = job.target if job.done() else job.beside("failed.ipynb")
    if not executed.is_file():
        return []
    try:
        found = judge(collect(notebooks.read(executed)), collect(notebooks.read(job.source)))
    except ValueError:  # a name used twice: told where the failure is told
        return []
    return [(one, one.verdict if job.as_shipped else "not compared") for one in found]


def failure(executed: Path) -> tuple[int, str]:
    """The cell, counted from 1, where an executed notebook failed, and the traceback; 0 where none did."""
    notebook = notebooks.read(executed)
    cells = [cell for cell in notebook["cells"] if ERROR_MARK not in notebooks.tags(cell)]
    for number, cell in enumerate(cells, 1):
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                trace = "\n".join(output["traceback"]) or f"{output['ename']}: {output['evalue']}"
                return number, re.sub(r"\x1b\[[0-9;]*m", "", trace)
    try:
        collect(notebook)
    except ValueError as error:
        return 0, str(error)
    return 0, "The notebook itself has no error: see what was printed when it ran."


def environment() -> dict[str, str]:
    """What the numbers were made with: Python, packages, machine, commit."""
    from importlib.metadata import distributions

    packages = {d.metadata["Name"]: d.version for d in distributions()}
    git = paths.git_state()
    commit = "no checkout" if git is None else git["commit"] + ", with changed files" * git["changed"]
    return {
        "Python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "commit": commit,
        "packages": ", ".join(f"{name} {packages[name]}" for name in sorted(packages, key=str.lower)),
    }


def write(
    tasks: Sequence[Task],
    out: Path,
    *,
    profile: str,
    about: Mapping[str, str] | None = None,
    ledger: Sequence[Mapping[str, Any]] = (),
    shipped: Path | None = None,
) -> Path:
    """The report on all methods and notebooks, as ``index.html``; its numbers also as ``figures.json``.

    Args:
        about: the environment, name by name. ledger: rows for :func:`ledger_table`.
        shipped: the records that came with the repository.
    """
    about = environment() if about is None else about
    jobs = [task for task in tasks if isinstance(task, Job)]
    trained = [task for task in tasks if isinstance(task, Training)]
    rows = [(job, *one) for job in jobs for one in judged(job)]
    numbers = list(_numbers(trained, out, shipped or paths.results()))
    figures = [row for row in rows if not isinstance(row[1].record, Claim)]
    claims = [row for row in rows if isinstance(row[1].record, Claim)]
    counts = Counter([verdict for *_, verdict in rows] + [one["verdict"] for one in numbers])
    failed = [task for task in tasks if task.status == "failed"]
    parts = {
        "Methods": _methods(trained, numbers) if trained else "",
        "Notebooks": table(("Notebook", "Status", "Seconds"), [_notebook(job, failed) for job in jobs]),
        "Failures": "".join(_failed(task) for task in failed),
        "Figures": table(("Figure", "Fresh", "Shipped", "Band", "Verdict", "Notebook"),
                          [_figure(*row) for row in figures]),
        "Claims": table(("Claim", "Fresh", "Shipped", "Verdict", "Notebook"),
                         [_claim(*row) for row in claims]),
        "Ledger": ledger_table(ledger) if ledger else "",
        "Environment": table(("What", "Value"),
                              [(html.escape(name), _folded(value)) for name, value in about.items()]),
    }  # fmt: skip
    there = {title: body for title, body in parts.items() if body}
    links = "".join(f'<a href="#{title.lower()}">{title}</a>' for title in there)
    body = "".join(f'<h2 id="{title.lower()}">{title}</h2>\n{body}\n' for title, body in there.items())
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>sbirkit, reproduced</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body><main><h1>sbirkit, reproduced</h1>\n{_summary(tasks, profile, counts)}\n"
        f"<nav>{links}</nav>\n{body}</main></body></html>\n"
    )
    (out / "figures.json").write_text(_plain(rows, numbers), encoding="utf-8")
    path = out / "index.html"
    path.write_text(text, encoding="utf-8")
    return path


def _summary(tasks: Sequence[Task], profile: str, counts: Mapping[str, int]) -> str:
    """What a reader wants to know first: is it all there, and does it agree?"""
    kinds: dict[str, list[Task]] = {
        "methods trained": [task for task in tasks if isinstance(task, Training)],
        "notebooks executed": [task for task in tasks if isinstance(task, Job)],
    }
    said = [
        f"<li><b>{sum(task.done() for task in mine)} of {len(mine)}</b> {kind}</li>"
        for kind, mine in kinds.items()
        if mine
    ]
    order = ["agrees", "differs", "missing", "new", "not compared"]
    said += [f"<li><b>{counts[v]}</b> {_marked(v)}</li>" for v in order if counts.get(v)]
    words = "<b>Fresh</b> is what was computed now, <b>shipped</b> what came with the repository. "
    words += "They <b>agree</b> where they lie within the band of one another. "
    if not counts:
        words = "No figure and no claim is on record. "
    if counts.get("not compared"):
        words += "The shipped values were made with the laptop profile and each notebook's own parameters; "
        words += "where this run has others, the two are shown but not compared. "
    return (
        f'<p class="quiet">Profile {html.escape(profile)}.</p><ul class="sum">{"".join(said)}</ul>'
        f"<p>{words}</p>"
    )


def _numbers(trained: Sequence[Training], out: Path, shipped: Path | None) -> list[dict[str, Any]]:
    """The numbers of the methods of this run that are done."""
    there = {(task.label, task.seed) for task in trained if task.done()}
    compared = all(task.as_shipped for task in trained)
    found = fresh.judged(out / "records", shipped, compared=compared)
    return [one for one in found if (one["method"], one["seed"]) in there]


def _methods(trained: Sequence[Training], numbers: Sequence[Mapping[str, Any]]) -> str:
    """A row for each method and seed; in each cell the fresh number, the shipped one and the verdict."""
    cells = {(one["method"], one["seed"], one["column"]): one for one in numbers}
    shown = [heading for heading, *_ in COLUMNS]
    rows = []
    for task in trained:
        own = [cells.get((task.label, task.seed, heading)) for heading in shown]
        seconds = f"{task.stamp()['seconds']:.0f}" if task.done() else ""
        rows.append((html.escape(task.name), _marked(task.status), *map(_cell, own), seconds))
    width = {one["column"]: one["band"] for one in numbers}
    heads = [h + (f"<br><small>± {width[h]:.3f}</small>" if width.get(h) else "") for h in shown]
    words = (
        "Each method trained again from its first weights, and measured on classes that it has never seen. "
        "Below each fresh number stands the shipped one. The band under a heading is how far another seed "
        "would lie, 95 times in 100; on the machine that made the shipped runs the digits are the same."
    )
    return f"<p>{words}</p>" + table(("Method", "Status", *heads, "Seconds"), rows)


def _cell(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return ""
    shipped = "none" if one["shipped"] is None else f"{one['shipped']:.3f}"
    return f"{one['fresh']:.3f}<br><small>{shipped}</small> {_marked(one['verdict'], quiet=True)}"


def ledger_rows() -> list[dict[str, Any]]:
    """The claims that came with the repository, from ``results/claims/ledger.json``; none without it."""
    folder = paths.results()
    path = folder / "claims" / "ledger.json" if folder else None
    return json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else []


def ledger_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The claims of the ledger, a plain dict each.

    Keys: ``claim`` (the sentence); where there are such: ``paper``, ``verdict``, ``effect``, ``low``,
    ``high``, ``n`` (pairs or seeds), ``note``. Others are not shown.
    """
    said = []
    for row in rows:
        low, high, effect = row.get("low"), row.get("high"), row.get("effect")
        shown = "" if effect is None else f"{effect:+.3f}"
        shown += "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
        note = f"<br><small>{html.escape(str(row['note']))}</small>" if row.get("note") else ""
        verdict = _marked(str(row["verdict"])) if row.get("verdict") else ""
        n = "" if row.get("n") is None else str(row["n"])
        paper = html.escape(str(row.get("paper") or ""))
        said.append((html.escape(str(row["claim"])) + note, paper, shown, n, verdict))
    return table(("Claim", "Paper", "Effect", "n", "Verdict"), said)


def _plain(rows: Sequence[tuple[Job, Judged, str]], numbers: Sequence[Mapping[str, Any]]) -> str:
    """All numbers as JSON, without times: twice the same run is twice the same file."""
    said = [
        {"notebook": job.name, "name": one.record.name, "fresh": one.fresh and one.fresh.said,
         "shipped": one.shipped and one.shipped.said, "verdict": verdict}
        for job, one, verdict in rows
    ]  # fmt: skip
    return json.dumps({"methods": numbers, "notebooks": said}, indent=1, ensure_ascii=False) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are HTML; the first of each row names it."""
    if not rows:
        return "<p>None.</p>"
    top = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "\n".join(
        f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="wide" role="region" aria-label="{head[0]}s" tabindex="0"><table>'
        f"<thead><tr>{top}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


def _folded(value: str) -> str:
    """A long value opens when it is asked for."""
    text = html.escape(value)
    return text if len(value) < 200 else f"<details><summary>{text[:60]} ...</summary>{text}</details>"


def _marked(word: str, *, quiet: bool = False) -> str:
    """A verdict or status: told by its word, then by sign and colour; quietly by the sign alone."""
    sign = MARKS.get(word, "")
    kind = html.escape(word.replace(" ", "-"))
    if quiet:
        said = f'role="img" aria-label="{html.escape(word)}" title="{html.escape(word)}"'
        return f'<span class="{kind}" {said}>{sign}</span>' if sign else ""
    mark = f'<span aria-hidden="true">{sign} </span>' if sign else ""
    return f'<span class="{kind}">{mark}{html.escape(word)}</span>'


def _link(job: Job, text: str) -> str:
    there = job.beside("html")
    text = html.escape(text)
    return f'<a href="{html.escape(there.name)}">{text}</a>' if there.is_file() else text


def _notebook(job: Job, failed: Sequence[Task]) -> tuple[str, ...]:
    seconds = f"{job.stamp().get('seconds', 0):.0f}" if job.done() else ""
    lost = [task.name for task in failed if task.name in job.needs]
    status = "skipped" if lost and job.status == "not run yet" else job.status
    why = f" <small>needs {html.escape(', '.join(lost))}, which failed</small>" if status == "skipped" else ""
    return _link(job, job.title), _marked(status) + why, seconds


def _failed(task: Task) -> str:
    if isinstance(task, Job):
        cell, error = failure(task.beside("failed.ipynb"))
        where, title = f"cell {cell}" if cell else "no cell of its own", task.title
    else:
        where, title, error = "in training", task.name, task.log.read_text(encoding="utf-8")
    return f'<h3>{html.escape(title)} failed: {where}</h3><pre tabindex="0">{html.escape(error)}</pre>'


def _said(record: Record | None) -> str:
    if record is None:
        return "none"
    return html.escape(record.said if isinstance(record, Claim) else f"{record.value:g}")


def _figure(job: Job, one: Judged, verdict: str) -> tuple[str, ...]:
    record = one.record
    note, band = getattr(record, "note", ""), getattr(record, "band", 0.0)
    name = html.escape(record.name) + (f"<br><small>{html.escape(note)}</small>" if note else "")
    shown = f"± {band:g}" if band else "same digits"
    return name, _said(one.fresh), _said(one.shipped), shown, _marked(verdict), _link(job, job.name)


def _claim(job: Job, one: Judged, verdict: str) -> tuple[str, ...]:
    name = html.escape(one.record.name)
    return name, _said(one.fresh), _said(one.shipped), _marked(verdict), _link(job, job.name)
