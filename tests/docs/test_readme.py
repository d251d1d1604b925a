"""The README tells the truth: its code runs, its numbers are those of the records."""

import importlib
import re
import sys
from pathlib import Path

import pytest


@pytest.fixture
def text(root: Path) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def tables(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(root))
    yield importlib.import_module("docs.readme")
    sys.modules.pop("docs.readme", None)


def test_tables_are_those_of_the_records(text: str, tables):
    assert tables.filled(text) == text, "run `python -m docs.readme`"


def test_an_edited_number_is_noticed(text: str, tables):
    changed = re.sub(r"(\| chance \| )0\.(\d)", r"\g<1>9.\2", text)
    assert changed != text
    assert tables.filled(changed) != changed


def test_python_example_runs(text: str, tmp_path: Path):
    """As written, on a small world in place of the whole one."""
    import sbirkit
    from sbirkit.data.doodleworld import World

    code = re.search(r"```python\n(.*?)```", text, re.S)
    assert code
    small = World(objects=3).prepare(tmp_path / "w", workers=1, progress=False)
    names: dict = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sbirkit.data, "load", lambda name: small)
        exec(code[1], names)
    assert 0 < names["result"]["mAP@all"] < 1
    assert "16 unseen classes of Doodle World" in repr(names["bench"])


def test_commands_and_links_exist(text: str, root: Path):
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.M))
    assert set(re.findall(r"make ([a-z-]+)", text)) - {"sure"} <= targets
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert links
    assert [link for link in links if not (root / link).exists()] == []
