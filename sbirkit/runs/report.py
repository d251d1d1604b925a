"""The page at the end of `make reproduce`: notebooks, figures, claims, environment. It needs no web."""

import html
import platform
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sbirkit.runs import notebooks
from sbirkit.runs.figures import Claim, Judged, Record, collect, judge

if TYPE_CHECKING:
    from sbirkit.runs.reproduce import Job

MARKS = {"agrees": "✓", "differs": "✗", "missing": "✗", "failed": "✗", "done": "✓"}
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
:root { color-scheme: light dark; --good: #17643a; --bad: #a3210f; --line: #8886;
  --back: #fff; --ink: #1b1b1b }
@media (prefers-color-scheme: dark) {
  :root { --good: #7fd6a2; --bad: #ff9d8c; --back: #16181c; --ink: #e8e8e8 } a { color: #9cc3ff }
}
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem;
  background: var(--back); color: var(--ink) }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
caption { text-align: left; padding: .3rem 0 }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0;
  border-bottom: 1px solid var(--line) }
tbody th { font-weight: normal }
pre { overflow-x: auto; border: 1px solid var(--line); padding: .6rem }
.agrees, .done { color: var(--good) }
.differs, .missing, .failed { color: var(--bad); font-weight: bold }
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


def judged(job: "Job") -> list[tuple[Judged, str]]:
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
    return [
        (one, one.verdict if job.as_shipped or one.verdict in ("new", "missing") else "not compared")
        for one in found
    ]


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

    from sbirkit.training.manifest import git_state

    packages = {d.metadata["Name"]: d.version for d in distributions()}
    git = git_state()
    commit = "no checkout" if git is None else git["commit"] + ", with changed files" * git["changed"]
    return {
        "Python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "commit": commit,
        "packages": ", ".join(f"{name} {packages[name]}" for name in sorted(packages, key=str.lower)),
    }


def write(jobs: Sequence["Job"], out: Path, *, profile: str, about: Mapping[str, str] | None = None) -> Path:
    """The report on all notebooks, as ``index.html``. ``about`` is the environment, name by name."""
    about = environment() if about is None else about
    rows = [(job, *one) for job in jobs for one in judged(job)]
    figures = [row for row in rows if not isinstance(row[1].record, Claim)]
    claims = [row for row in rows if isinstance(row[1].record, Claim)]
    finished = sum(job.done() for job in jobs)
    counts = Counter(verdict for *_, verdict in rows)
    parts = [
        f"<p>Profile <b>{html.escape(profile)}</b>: {finished} of {len(jobs)} notebooks are done.</p>",
        f"<p>{_say(counts)}</p>",
        _table("Notebooks", ("Notebook", "Status", "Seconds"), [_notebook(job) for job in jobs]),
        *(_failed(job) for job in jobs if job.beside("failed.ipynb").is_file()),
        _table("Figures", ("Figure", "Fresh", "Shipped", "Band", "Verdict", "Notebook"),
               [_figure(*row) for row in figures]),
        _table("Claims", ("Claim", "Fresh", "Shipped", "Verdict", "Notebook"),
               [_claim(*row) for row in claims]),
        _table("Environment", ("What", "Value"),
               [(html.escape(name), html.escape(value)) for name, value in about.items()]),
    ]  # fmt: skip
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>sbirkit, reproduced</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body><main><h1>sbirkit, reproduced</h1>\n{chr(10).join(parts)}\n</main></body></html>\n"
    )
    path = out / "index.html"
    path.write_text(text, encoding="utf-8")
    return path


def _say(counts: Mapping[str, int]) -> str:
    if not counts:
        return "No figure and no claim is on record."
    said = (
        "Figures and claims: " + ", ".join(f"{count} {html.escape(v)}" for v, count in counts.items()) + "."
    )
    if "not compared" in counts:
        said += (
            " The shipped values were made with each notebook's own parameters; where this run has others,"
        )
        said += " the two are shown but not compared."
    return said


def _table(title: str, head: Iterable[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are HTML; the first of each row names it."""
    if not rows:
        return f"<h2>{title}</h2><p>None.</p>"
    top = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "\n".join(
        f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<h2>{title}</h2><div class="wide" role="region" aria-label="{title}" tabindex="0"><table>'
        f"<thead><tr>{top}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


def _marked(word: str) -> str:
    """A verdict or status: told by its word, then by sign and colour."""
    mark = f'<span aria-hidden="true">{MARKS[word]} </span>' if word in MARKS else ""
    return f'<span class="{word.replace(" ", "-")}">{mark}{html.escape(word)}</span>'


def _link(job: "Job", text: str) -> str:
    there = job.beside("html")
    text = html.escape(text)
    return f'<a href="{html.escape(there.name)}">{text}</a>' if there.is_file() else text


def _notebook(job: "Job") -> tuple[str, ...]:
    seconds = job.stamp().get("seconds", "") if job.done() else ""
    return _link(job, job.title), _marked(job.status), str(seconds)


def _failed(job: "Job") -> str:
    cell, error = failure(job.beside("failed.ipynb"))
    where = f"cell {cell}" if cell else "no cell of its own"
    title = html.escape(job.title)
    return f'<h3>{title} failed: {where}</h3><pre tabindex="0">{html.escape(error)}</pre>'


def _said(record: Record | None) -> str:
    if record is None:
        return "none"
    return html.escape(record.said if isinstance(record, Claim) else f"{record.value:g}")


def _figure(job: "Job", one: Judged, verdict: str) -> tuple[str, ...]:
    record = one.record
    note, band = getattr(record, "note", ""), getattr(record, "band", 0.0)
    name = html.escape(record.name) + (f"<br><small>{html.escape(note)}</small>" if note else "")
    shown = f"± {band:g}" if band else "same digits"
    return name, _said(one.fresh), _said(one.shipped), shown, _marked(verdict), _link(job, job.source.stem)


def _claim(job: "Job", one: Judged, verdict: str) -> tuple[str, ...]:
    name = html.escape(one.record.name)
    return name, _said(one.fresh), _said(one.shipped), _marked(verdict), _link(job, job.source.stem)
