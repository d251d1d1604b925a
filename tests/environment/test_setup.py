"""The environment: lock, pyproject, environment.yml and Makefile agree, and set-up repairs itself."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()


@pytest.fixture
def bootstrap(tmp_path, monkeypatch):
    """bootstrap.py at work in a checkout of its own, where making and filling .venv only leaves a note."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tmp_path / "a checkout"
    root.mkdir()
    for name in ("pyproject.toml", "requirements.lock"):
        (root / name).write_text(name)
    venv = root / ".venv"
    monkeypatch.setattr(sys, "argv", ["bootstrap.py"])
    for name, value in {
        "ROOT": root,
        "VENV": venv,
        "STAMP": venv / "setup.json",
        "LOCK": root / "requirements.lock",
    }.items():
        monkeypatch.setattr(module, name, value)
    module.notes = []

    def call(command):
        assert command[1:3] == ["-m", "venv"]
        module.notes.append("made")
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").symlink_to(sys.executable)

    monkeypatch.setattr(module, "call", call)
    monkeypatch.setattr(module, "fill", lambda torch: module.notes.append(f"filled {torch}"))

    def again(*argv):
        module.notes.clear()
        monkeypatch.setattr(sys, "argv", ["bootstrap.py", *argv])
        assert module.main() == 0
        return module.notes

    module.again = again
    return module


def test_second_set_up_does_nothing_whatever_the_time_stamps(bootstrap):
    assert bootstrap.again() == ["made", "filled default"]
    os.utime(bootstrap.LOCK)
    assert bootstrap.again() == []


def test_changed_content_is_brought_in(bootstrap):
    bootstrap.again()
    bootstrap.LOCK.write_text("newer")
    assert bootstrap.again() == ["filled default"]
    (bootstrap.ROOT / "pyproject.toml").write_text("newer")
    assert bootstrap.again() == ["filled default"]
    assert bootstrap.again() == []


def test_interrupted_set_up_is_made_again(bootstrap, monkeypatch):
    def killed(torch):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "fill", killed)
        with pytest.raises(KeyboardInterrupt):
            bootstrap.main()
    assert json.loads(bootstrap.STAMP.read_text())["complete"] is False
    assert bootstrap.again() == ["made", "filled default"]
    assert bootstrap.again() == []


@pytest.mark.parametrize(
    "damage", ["stamp gone", "stamp cut", "python gone", "python broken", "moved", "upgraded"]
)
def test_damage_is_repaired(bootstrap, monkeypatch, damage):
    bootstrap.again()
    python = bootstrap.VENV / "bin" / "python"
    match damage:
        case "stamp gone":
            bootstrap.STAMP.unlink()
        case "stamp cut":
            bootstrap.STAMP.write_text(bootstrap.STAMP.read_text()[:20])
        case "python gone":
            python.unlink()
        case "python broken":
            python.unlink()
            python.symlink_to("nowhere")
        case "moved":
            stamp = json.loads(bootstrap.STAMP.read_text()) | {"root": "elsewhere"}
            bootstrap.STAMP.write_text(json.dumps(stamp))
        case "upgraded":
            monkeypatch.setattr(bootstrap.platform, "python_version", lambda: "3.12.99")
    assert bootstrap.again() == ["made", "filled default"]
    assert bootstrap.again() == []


def test_cpu_build_is_asked_for_once_and_kept(bootstrap):
    assert bootstrap.again("--torch", "cpu") == ["made", "filled cpu"]
    assert bootstrap.again() == []
    bootstrap.LOCK.write_text("newer")
    assert bootstrap.again() == ["filled cpu"]
    assert bootstrap.again("--torch", "default") == ["made", "filled default"]


def test_cpu_build_takes_everything_but_torch_from_the_hashed_lock(bootstrap, monkeypatch):
    monkeypatch.undo()
    entries = bootstrap.packages(LOCK)
    rest = [entry.split("==")[0] for entry in entries if not bootstrap.CUDA_BUILD.match(entry)]
    gone = {entry.split("==")[0] for entry in entries} - set(rest)
    assert {"torch", "torchvision", "triton"} < gone
    assert {"numpy", "lightning-fabric", "pytorch-metric-learning", "uv"} < set(rest)
    assert not [name for name in rest if name.startswith(("nvidia", "cuda"))]
    sync, torch, own = bootstrap.commands("cpu", Path("rest.lock"))
    assert sync[-3:] == ["--require-hashes", "--compile-bytecode", "rest.lock"]
    assert torch[-5:] == [
        "--torch-backend",
        "cpu",
        "--compile-bytecode",
        f"torch=={pins()['torch']}",
        f"torchvision=={pins()['torchvision']}",
    ]
    assert "--no-deps" in own
    assert [command[2] for command in bootstrap.commands("default", Path("l"))] == ["sync", "install"]


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0)])
def test_wrong_python_is_told_what_was_found_and_what_to_do(bootstrap, monkeypatch, version):
    monkeypatch.setattr(bootstrap.sys, "version_info", version)
    monkeypatch.setattr(bootstrap.platform, "python_version", lambda: ".".join(map(str, version)))
    with pytest.raises(SystemExit, match=r"needs Python 3\.13, 3\.12, 3\.11, but this is 3\.1[04]") as stop:
        bootstrap.main()
    assert sys.executable in str(stop.value)
    assert "make setup" in str(stop.value)


def test_missing_venv_module_is_named(bootstrap, monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit, match=r"lacks its module 'ensurepip'[^`]*python3-venv"):
        bootstrap.main()


def test_bootstrap_parses_on_old_pythons():
    import ast

    ast.parse((ROOT / "bootstrap.py").read_text(), feature_version=(3, 7))


def pins() -> dict[str, str]:
    """Name to version, as locked."""
    return dict(re.findall(r"^([a-z0-9][a-z0-9.-]*)==([^ ;\\]+)", LOCK, flags=re.MULTILINE))


def requirements() -> list[str]:
    extras = PROJECT["project"]["optional-dependencies"]
    return [
        *PROJECT["project"]["dependencies"],
        *(line for lines in extras.values() for line in lines),
        *PROJECT["dependency-groups"]["setup"],
    ]


@pytest.mark.parametrize("line", requirements())
def test_lock_satisfies_pyproject(line):
    wanted = Requirement(line)
    assert Version(pins()[canonicalize_name(wanted.name)]) in wanted.specifier


def test_every_locked_package_has_hashes_and_no_address():
    entries = re.findall(r"^[a-z0-9].*\n(?:[ \t].*\n)*", LOCK, flags=re.MULTILINE)
    assert len(entries) == len(re.findall(r"^[^\s#]", LOCK, flags=re.MULTILINE)) > 50
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in LOCK


def test_lock_serves_each_platform():
    markers = dict(re.findall(r"^(\S+)==[^;\n]*;([^\\\n]*)", LOCK, flags=re.MULTILINE))
    assert "linux" in markers["triton"]
    assert "win32" in markers["colorama"] or "Windows" in markers["colorama"]
    assert "torch" not in markers, "torch itself is for every platform"


def test_environment_yml_takes_the_lock_and_the_same_pythons():
    lines = [line.strip() for line in (ROOT / "environment.yml").read_text().splitlines()]
    python = next(line for line in lines if line.startswith("- python"))
    assert python.removeprefix("- python") == PROJECT["project"]["requires-python"]
    others = [line for line in lines if line.startswith("- ") and line != python]
    assert others == ["- conda-forge", "- pip", "- pip:", "- --requirement requirements.lock"]


def make(*args: str) -> str:
    """What make says, also when the tests themselves were started by make."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MAKE", "MFLAGS", "GNUMAKE"))
    }
    done = subprocess.run(["make", *args], cwd=ROOT, env=own, capture_output=True, text=True, check=True)
    return done.stdout


def test_help_is_the_default_and_lists_every_target():
    targets = set(
        re.findall(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)[0].split()
    )
    assert make() == make("help")
    assert set(re.findall(r"^  make ([\w-]+) +\w", make("help"), flags=re.MULTILINE)) == targets


TARGETS = "lab test lint notebooks reproduce compare ledger gpu-check paper-dry-run world lock"


@pytest.mark.parametrize("target", TARGETS.split())
def test_every_target_sets_up_first(target):
    assert "bootstrap.py" in make("--dry-run", target).splitlines()[0]


def test_lab_listens_on_loopback_only():
    assert "--ip=127.0.0.1" in make("--dry-run", "lab")


def test_readme_and_ci_call_the_same_test_command():
    assert "make test" in (ROOT / "README.md").read_text()
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert ".ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_ci_tries_every_supported_python():
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    low, high = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["project"]["requires-python"]).groups()
    wanted = [f'"3.{minor}"' for minor in range(int(low), int(high))]
    assert f"python: [{', '.join(wanted)}]" in workflow


def test_one_version_everywhere():
    import sbirkit

    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {sbirkit.__version__}\n" in citation
    assert PROJECT["project"]["version"] == sbirkit.__version__
