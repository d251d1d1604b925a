"""The package as a whole: quick to import, layered one way, small, and clean of machine-bound text."""

import ast
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Lines of code that each folder may grow to. The drawings of Doodle World are content, not machinery.
BUDGET = {
    "data": 3_000,
    "losses": 1_000,
    "models": 1_600,  # the four systems among them
    "training": 900,  # the stand-ins' pre-training among it
    "retrieval": 2_000,
    "runs": 4_000,  # make reproduce, make compare and the dry run of the paper profiles among them
    "gpu": 1_100,
    "claims": 3_000,  # the ledger, all that is measured on a run, and what notebooks 09 to 12 need
    "explore": 2_800,
    "checks": 1_200,  # of the notebooks' exercises
    "": 450,  # the files beside the folders, lessons among them
}
CONTENT = "sbirkit/data/doodleworld/families/"
LARGEST = 3_000_000  # bytes of a tracked file
UNWANTED = {"IPython", "ipywidgets", "jupyter_core", "matplotlib", "papermill"}

# A layer may import itself and what stands after it; `paths` and the like belong to everyone.
LAYERS = {
    "checks": {"explore", "runs", "training", "retrieval", "models", "losses", "data"},
    "explore": {"claims", "runs", "training", "retrieval", "models", "losses", "data"},
    "claims": {"checks", "runs", "training", "retrieval", "models", "losses", "data"},
    "gpu": {"runs", "training", "retrieval", "models", "losses", "data"},
    "runs": {"training", "retrieval", "models", "losses", "data", "data_prep"},
    "training": {"retrieval", "models", "losses", "data"},
    "retrieval": {"models", "losses", "data"},
    "models": {"losses", "data"},
    "losses": set(),
    "data": set(),
    "data_prep": {"data"},
}


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.strip()


def test_import_is_quick_and_brings_no_notebook_machinery():
    said = python(
        "import sys, time, torch; start = time.perf_counter(); import sbirkit; "
        "print(time.perf_counter() - start); "
        f"print(*sorted({UNWANTED!r} & sys.modules.keys()))"
    )
    seconds, *loaded = said.split()
    assert float(seconds) < 0.5
    assert not loaded


def test_every_part_imports_without_notebook_machinery():
    parts = [p.parent.name for p in sorted(ROOT.glob("sbirkit/*/__init__.py")) if p.parent.name != "explore"]
    said = python(
        f"import sys, importlib; [importlib.import_module('sbirkit.' + part) for part in {parts!r}]; "
        f"print(*sorted({UNWANTED!r} & sys.modules.keys()))"
    )
    assert said == ""


def layer(module: str) -> str:
    """``sbirkit.data.names`` -> ``data``; ``data_prep.sketchy`` -> ``data_prep``; others -> empty."""
    first, *rest = module.split(".")
    if first == "sbirkit" and rest:
        return rest[0]
    return first if first == "data_prep" else ""


def imports(source: str, module: str, *, package: bool = False) -> set[str]:
    """Every module that a file names in an import, relative ones resolved, at the top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: len(module.split(".")) - node.level + package] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            found |= {name} | {f"{name}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize(
    ("source", "module", "package", "wanted"),
    [
        ("import sbirkit.data.names", "sbirkit.x", False, "sbirkit.data.names"),
        ("def f():\n    from sbirkit import runs", "sbirkit.data.x", False, "sbirkit.runs"),
        ("from ..training import loop", "sbirkit.losses.x", False, "sbirkit.training.loop"),
        ("from .names import normalise", "sbirkit.data", True, "sbirkit.data.names"),
        ("from . import explore", "sbirkit", True, "sbirkit.explore"),
    ],
)
def test_imports_are_seen_however_written(source, module, package, wanted):
    assert wanted in imports(source, module, package=package)


def test_imports_run_one_way():
    wrong = []
    for path in sorted([*ROOT.glob("sbirkit/**/*.py"), *ROOT.glob("data_prep/**/*.py")]):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        own = layer(module)
        if own not in LAYERS:
            continue
        for name in imports(path.read_text(), module, package=path.name == "__init__.py"):
            other = layer(name)
            if other in LAYERS and other != own and other not in LAYERS[own]:
                wrong.append(f"{path.relative_to(ROOT)} ({own}) imports {name}")
    assert not wrong, "\n".join(sorted(wrong))


def code_lines(path: Path) -> int:
    """Lines that hold code: no blank lines, no comments, no docstrings."""
    with path.open("rb") as file:
        kinds = (
            tokenize.COMMENT,
            tokenize.NL,
            tokenize.NEWLINE,
            tokenize.INDENT,
            tokenize.DEDENT,
            tokenize.ENCODING,
        )
        tokens = [t for t in tokenize.tokenize(file.readline) if t.type not in (*kinds, tokenize.ENDMARKER)]
    lines = {n for t in tokens for n in range(t.start[0], t.end[0] + 1)}
    for node in ast.walk(ast.parse(path.read_text())):
        holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, holders) and ast.get_docstring(node, clean=False) is not None:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def test_code_lines_leave_out_words(tmp_path):
    path = tmp_path / "x.py"
    function = 'def f():\n    "doc"\n    return x\n'
    path.write_text('"""Doc\n\nstring."""\n\n# why\nx = (\n    1,  # one\n\n    2,\n)\n\n\n' + function)
    assert code_lines(path) == 6


def test_every_folder_keeps_its_budget():
    sizes: dict[str, dict[str, int]] = {folder: {} for folder in BUDGET}
    for path in ROOT.glob("sbirkit/**/*.py"):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(CONTENT):
            folder = name.split("/")[1]
            sizes[folder if folder in BUDGET else ""][name] = code_lines(path)
    for folder, files in sizes.items():
        largest = sorted(files, key=files.__getitem__, reverse=True)[:5]
        assert sum(files.values()) <= BUDGET[folder], f"{sum(files.values())} lines; the largest: {largest}"


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The files that git knows; nothing to check in an archive without git."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    said = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [path for name in said.split("\0") if name and (path := ROOT / name).is_file()]


def test_tracked_files_are_small(tracked):
    assert [path.name for path in tracked if path.stat().st_size > LARGEST] == []


# Written in pieces, so that this file does not hold what it forbids.
FORBIDDEN = {
    "the address of a package index": "|".join(
        ("pypi" + r"\.org", r"/simple\b/?[\"'\s]", "index" + "-url", "find" + "-links")
    ),
    "a folder of one machine": r"(?<![\w.}/])/(?:root|home/\w+|Users/\w+|work|tmp/\w+)/",
    "unfinished work": "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_tracked_files_are_free_of(tracked, what):
    found = []
    for path in tracked:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        text = re.sub(r"[A-Za-z0-9+/=]{200,}", "", text)  # a picture in base64 spells anything
        for match in re.finditer(FORBIDDEN[what], text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path.relative_to(ROOT)}:{line}: {match[0].strip()}")
    assert not found, f"{what}:\n" + "\n".join(found)
