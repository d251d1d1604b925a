"""Running notebooks in place: what is stored, and when it is stale."""

import json

import pytest

from sbirkit.runs import notebooks

DRAW = """
from IPython.display import display
print("a" * 3)
display({"text/plain": "twin", "application/vnd.jupyter.widget-view+json": {"model_id": "1"}}, raw=True)
"""


def test_stores_outputs_that_are_the_same_every_time(write):
    path = write("00-one", ("markdown", "# One"), ("code", DRAW))
    assert notebooks.stale(path) == "never run"
    notebooks.execute(path)
    first = path.read_bytes()
    notebooks.execute(path)
    assert path.read_bytes() == first

    notebook = json.loads(first)
    assert notebooks.stale(path) == ""
    assert sorted(notebook["metadata"]) == ["kernelspec", "language_info", "sbirkit"]
    assert notebook["cells"][1]["outputs"][0]["text"] == ["aaa\n"]
    assert notebook["cells"][1]["outputs"][1]["data"] == {"text/plain": ["twin"]}, "no widget view"
    assert notebook["cells"][1]["metadata"] == {}, "no time stamps"

    path.write_text(first.decode().replace("# One", "# Another"))
    assert notebooks.stale(path) == "changed since it was run"


def test_failed_notebook_is_left_alone_and_the_rest_goes_on(write, capsys):
    bad = write("00-bad", ("code", "1/0"))
    good = write("01-good", ("code", "2 + 3"))
    before = bad.read_bytes()
    assert notebooks.main(["--notebooks", str(bad.parent)]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert bad.read_bytes() == before
    assert json.loads(good.read_text())["cells"][0]["outputs"][0]["data"] == {"text/plain": ["5"]}
    assert notebooks.main(["--notebooks", str(bad.parent), "--check"]) == 1
    assert capsys.readouterr().out == "00-bad.ipynb: never run (run `make notebooks`)\n"
    assert notebooks.main(["--notebooks", str(bad.parent), "--check", "good"]) == 0


def test_too_large_an_output_is_not_stored(write):
    path = write("00-large", ("code", "print(('x' * 99 + chr(10)) * 11_000)"))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"1\.2 MB; 1 MB is the limit"):
        notebooks.execute(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_unknown_name_is_an_error_that_lists_the_known(write):
    path = write("04-dsn")
    assert notebooks.find("dsn", where=path.parent) == [path]
    with pytest.raises(ValueError, match="no notebook is called 'dns'; there are 04-dsn"):
        notebooks.find("dns", where=path.parent)


@pytest.mark.parametrize("line", ["seed = int(0)", "import os", "seed: int = 0", "a = b = 0", "seed += 1"])
def test_parameters_are_literals_only(line):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": line}
    with pytest.raises(ValueError, match="want lines like `seed = 0`"):
        notebooks.parameters({"cells": [cell]})


def test_digest_sees_sources_and_tags_only():
    cell = {"cell_type": "code", "metadata": {"tags": ["b", "a"]}, "source": ["x\n", "y"], "outputs": []}

    def digest(**changes):
        return notebooks.source_digest({"cells": [cell | changes], "metadata": {}})

    assert digest() == digest(source="x\ny") == digest(outputs=[1], execution_count=3)
    assert digest() != digest(source="x\nz")
    assert digest() != digest(cell_type="markdown")
    assert digest() != digest(metadata={"tags": ["a"]})


@pytest.mark.parametrize("kind", [list, str])
def test_a_progress_bar_leaves_its_last_line_only(kind):
    pieces = [["first\n", "\r 0%"], ["\r 50%"], ["\r100%\n", "last\r"]]
    outputs = [
        {"output_type": "stream", "name": "stderr", "text": text if kind is list else "".join(text)}
        for text in pieces
    ]
    other = {"output_type": "stream", "name": "stdout", "text": kind("x")}
    cell = {"outputs": [*outputs, other]}
    notebooks.settle_progress({"cells": [cell, {"source": ""}]})
    assert [output["name"] for output in cell["outputs"]] == ["stderr", "stdout"]
    assert isinstance(cell["outputs"][0]["text"], kind)
    assert "".join(cell["outputs"][0]["text"]) == "first\n100%\nlast"


def test_a_kernel_that_never_spoke_is_replaced():
    seen = []

    def work(manager):
        seen.append(manager)
        if len(seen) < 3:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return "done"

    assert notebooks.with_kernel(work) == "done"
    assert len({id(manager) for manager in seen}) == 3


def test_any_other_failure_is_not_tried_again():
    seen = []

    def work(manager):
        seen.append(manager)
        raise RuntimeError("the cell is wrong")

    with pytest.raises(RuntimeError, match="the cell is wrong"):
        notebooks.with_kernel(work)
    assert len(seen) == 1
