"""What every notebook in notebooks/ keeps to. Read as JSON: no kernel, milliseconds."""

import ast
import json
import re
from pathlib import Path

import pytest

from sbirkit.runs import notebooks
from sbirkit.runs.rows import ROWS

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LONGEST = 20  # lines of a code cell
OUTPUT = 300_000  # bytes of one cell's outputs
DEFINED = 60  # lines of all cells tagged `definition`: where writing a function or class is the lesson

LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(\s*<?([^)\s>]+)>?[^)]*\)")
IMG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)


def faults(path: Path, notebook: notebooks.Notebook) -> list[str]:
    """Everything that breaks the contract, in words."""
    cells = notebook["cells"]
    found = [*_opening(cells), *_parameters(notebook), *_stored(path, notebook), *_needs(notebook)]
    defined = sum(len(cell["source"].splitlines()) for cell in cells if "definition" in notebooks.tags(cell))
    if defined > DEFINED:
        found.append(f"its definitions take {defined} lines, want at most {DEFINED}")
    for k, cell in enumerate(cells, 1):
        check = _code if cell["cell_type"] == "code" else _markdown
        found += [f"cell {k}: {fault}" for fault in check(path, cell)]
    return found


def _opening(cells):
    text = cells[0]["source"] if cells and cells[0]["cell_type"] == "markdown" else ""
    if not text.startswith("# "):
        yield "the first cell is not a title (# ...)"
    for word in ("**You will**", "**Before:**", "**Time:**"):
        if word not in text:
            yield f"the first cell does not say {word}"


def _parameters(notebook):
    count = sum("parameters" in notebooks.tags(cell) for cell in notebook["cells"])
    if count != 1:
        yield f"{count} cells are tagged parameters, want one"
    try:
        notebooks.parameters(notebook)
    except ValueError as error:
        yield str(error)


def _stored(path, notebook):
    if why := notebooks.stale(path):
        yield f"its outputs are stale ({why}): run `make notebooks`"
    if path.stat().st_size > notebooks.LARGEST:
        yield f"it takes {path.stat().st_size / 1e6:.1f} MB, want under 1"
    if "widgets" in notebook["metadata"]:
        yield "it stores widget state"


def _needs(notebook):
    known = {path.stem for path in NOTEBOOKS} | {*ROWS, "*"}
    for name in notebooks.needs(notebook):
        if name not in known:
            yield f"it needs {name}, which is no notebook and no method"


def _code(path, cell):
    free = {"exercise", "solution", "definition"} & set(notebooks.tags(cell))
    lines = cell["source"].splitlines()
    if len(lines) > LONGEST and not free:
        yield f"{len(lines)} lines, want at most {LONGEST}"
    code = "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    if not free and any(isinstance(node, kinds) for node in ast.walk(ast.parse(code))):
        yield "defines a function or class: that belongs in the package, unless it is the lesson"
    for output in cell["outputs"]:
        if output["output_type"] == "error":
            yield f"stores an error: {output['ename']}"
        if notebooks.WIDGET_VIEW in output.get("data", {}):
            yield "stores a view of a widget"
    stored = str(cell["outputs"])
    if len(stored) > OUTPUT:
        yield f"its outputs take {len(stored) / 1e3:.0f} kB, want under {OUTPUT / 1e3:.0f}"
    if address := re.search(r"<[\w.]+ (?:object )?at 0x[0-9a-f]+>", stored):
        yield f"shows {address[0]}, which differs every time"


def _markdown(path, cell):
    text = re.sub(r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$", "", cell["source"], flags=re.DOTALL)
    for image, words, target in LINK.findall(text):
        if image and not words.strip():
            yield f"picture {target} has no alt text"
        relative = not re.match(r"[a-z]+:|#", target)
        if relative and not (path.parent / target.split("#")[0]).exists():
            yield f"the link to {target} leads nowhere"
    for tag in IMG.findall(text):
        if not re.search(r"""\balt=["'][^"']""", tag):
            yield f"{tag} has no alt text"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_the_contract(path):
    assert not (found := faults(path, notebooks.read(path))), f"{path.name}:\n" + "\n".join(found)


def markdown(source):
    return {"cell_type": "markdown", "id": "m", "metadata": {}, "source": source}


def code(source, *tags, outputs=()):
    return {
        "cell_type": "code",
        "id": "c",
        "metadata": {"tags": list(tags)},
        "source": source,
        "outputs": list(outputs),
    }


GOOD = [
    markdown("# 00 · Start\n\n**You will** see. **Before:** nothing. **Time:** 1 s."),
    code("profile = 'laptop'  # smoke | laptop\nseed = 0", "parameters"),
    code("def mine(x):\n    ...", "exercise"),
    code("class Mine:\n    ...", "definition"),
    markdown("[here](here.png), ![a van](here.png), `![](code)`, [far](https://example.org/x)"),
]
SHOWN = {"output_type": "display_data", "metadata": {}}
BROKEN = {
    "not a title": [markdown("Hello **You will** **Before:** **Time:**"), *GOOD[1:]],
    r"does not say \*\*Time:\*\*": [markdown("# T\n**You will** x **Before:** y"), *GOOD[1:]],
    "0 cells are tagged parameters": [GOOD[0]],
    "2 cells are tagged parameters": [*GOOD, code("a = 1", "parameters")],
    "want lines like": [GOOD[0], code("seed = int('0')", "parameters")],
    "its definitions take 63 lines": [*GOOD, code("def f():\n" + "    x\n" * 60, "definition")],
    "cell 6: 21 lines": [*GOOD, code("x\n" * 21)],
    "cell 6: defines a function": [*GOOD, code("if True:\n    def f(): ...")],
    "cell 6: stores an error: KeyError": [
        *GOOD,
        code("x", outputs=[{"output_type": "error", "ename": "KeyError"}]),
    ],
    "cell 6: stores a view of a widget": [
        *GOOD,
        code("x", outputs=[SHOWN | {"data": {notebooks.WIDGET_VIEW: {}}}]),
    ],
    "cell 6: its outputs take 400 kB": [
        *GOOD,
        code("x", outputs=[SHOWN | {"data": {"text/html": "x" * 400_000}}]),
    ],
    "cell 6: shows <a.B object at 0x7f>": [
        *GOOD,
        code("x", outputs=[SHOWN | {"data": {"text/plain": "<a.B object at 0x7f>"}}]),
    ],
    "cell 6: picture here.png has no alt": [*GOOD, markdown("![ ](here.png)")],
    "cell 6: <img src='here.png'> has no alt": [*GOOD, markdown("<img src='here.png'>")],
    "cell 6: the link to gone.ipynb#part leads nowhere": [*GOOD, markdown("[gone](gone.ipynb#part)")],
}


def made(folder, cells, **metadata):
    """A notebook with current outputs, as `make notebooks` would leave it."""
    (folder / "here.png").touch()
    path = folder / "00.ipynb"
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    notebook["metadata"]["sbirkit"] = {"source_digest": notebooks.source_digest(notebook)}
    path.write_text(json.dumps(notebook))
    return path


def test_contract_accepts_a_good_notebook(tmp_path):
    path = made(tmp_path, GOOD)
    assert faults(path, notebooks.read(path)) == []


@pytest.mark.parametrize("fault", BROKEN)
def test_contract_sees_each_fault_and_no_other(tmp_path, fault):
    path = made(tmp_path, BROKEN[fault])
    found = faults(path, notebooks.read(path))
    assert len(found) == 1
    assert re.search(fault, found[0])


def test_contract_sees_stale_outputs_and_widget_state(tmp_path):
    path = made(tmp_path, GOOD, widgets={"state": {}})
    path.write_text(path.read_text().replace("seed = 0", "seed = 1"))
    found = faults(path, notebooks.read(path))
    assert found == [
        "its outputs are stale (changed since it was run): run `make notebooks`",
        "it stores widget state",
    ]


def test_contract_sees_needs_that_are_nowhere(tmp_path):
    path = made(tmp_path, GOOD)
    notebook = notebooks.read(path)
    notebook["metadata"]["sbirkit"]["needs"] = ["dsn", "*", "dns"]
    assert faults(path, notebook) == ["it needs dns, which is no notebook and no method"]
