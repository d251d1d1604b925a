"""``make reproduce`` on tiny notebooks: done by content, failures kept, Ctrl-C harmless."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from sbirkit.runs import reproduce

PARAMETERS = ("code", "profile = 'laptop'\nseed = 0", "parameters")
COUNT = """
from pathlib import Path
with Path("runs.txt").open("a") as f:
    f.write(f"{profile} {seed}\\n")
"""


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Calls the command on the folder of notebooks, with data of its own and code that stays the same."""
    monkeypatch.setattr(reproduce, "code_digest", lambda: "this code")
    monkeypatch.setenv("SBIRKIT_HOME", str(tmp_path / "home"))
    out = tmp_path / "out"

    def call(*args: str) -> int:
        return reproduce.main(["--notebooks", str(tmp_path / "with spaces"), "--out", str(out), *args])

    call.out = out
    return call


def test_runs_what_is_missing_and_then_does_nothing(tool, write):
    path = write("00-count", ("markdown", "# Fine & good"), PARAMETERS, ("code", COUNT))
    assert tool("--profile", "smoke") == 0
    os.utime(path)
    assert tool("--profile", "smoke") == 0
    ran = (path.parent / "runs.txt").read_text()
    assert ran == "smoke 0\n", "the profile is injected, and a new time stamp changes nothing"

    assert sorted(p.name for p in tool.out.iterdir()) == ["00-count.html", "00-count.ipynb", "index.html"]
    page = (tool.out / "index.html").read_text()
    assert '<a href="00-count.html">Fine &amp; good</a></th><td><span class="done">' in page
    assert "1 of 1 notebooks are done" in page
    stamp = json.loads((tool.out / path.name).read_text())["metadata"]["sbirkit"]
    assert len(stamp["digest"]) == 64
    assert stamp["seconds"] > 0


def test_whatever_a_result_depends_on_makes_it_run_again(tool, write, tmp_path, monkeypatch):
    path = write("00-one", PARAMETERS)
    done = tmp_path / path.name

    def is_done(**options) -> bool:
        return reproduce.plan([path], tmp_path, **options)[0].done()

    assert not is_done(), "missing"
    digest = reproduce.plan([path], tmp_path)[0].digest
    done.write_text(json.dumps({"metadata": {"sbirkit": {"digest": digest}}}))
    assert is_done()
    os.utime(path)
    assert is_done(), "a time stamp does not count"
    assert not is_done(profile="smoke")
    assert not is_done(given={"seed": 3})

    def card(name: str, digest: str) -> None:
        file = tmp_path / "home" / "data" / name / "card.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"digest": digest}))

    card("doodleworld", "1")
    assert is_done(), "drawn on demand: the code determines it"
    card("own", "1")
    assert not is_done()
    (tmp_path / "home" / "data" / "own" / "card.json").unlink()
    assert is_done()
    with monkeypatch.context() as patch:
        patch.setattr(reproduce, "code_digest", lambda: "other code")
        assert not is_done()
    write("00-one", PARAMETERS, ("markdown", "more"))
    assert not is_done()


def test_failure_is_kept_shown_and_does_not_stop_the_rest(tool, write, capsys):
    write("00-bad", ("markdown", "# Bad"), PARAMETERS, ("code", "seed / 0"))
    write("01-good", ("markdown", "# Good"), PARAMETERS)
    assert tool() == 1
    said = capsys.readouterr().out
    assert "FAILED  00-bad, cell 4" in said
    assert "ZeroDivisionError" in said
    assert {p.name for p in tool.out.glob("*.ipynb")} == {"00-bad.failed.ipynb", "01-good.ipynb"}
    page = (tool.out / "index.html").read_text()
    assert 'Bad</a></th><td><span class="failed">' in page
    assert "<h3>Bad failed: cell 4</h3>" in page
    assert "1 of 2 notebooks are done" in page

    write("00-bad", ("markdown", "# Bad"), PARAMETERS, ("code", "seed / 1"))
    assert tool("--only", "bad") == 0
    assert {p.name for p in tool.out.glob("*.ipynb")} == {"00-bad.ipynb", "01-good.ipynb"}
    assert "2 of 2 notebooks are done" in (tool.out / "index.html").read_text()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["-p", "sede", "3"], "no chosen notebook has a parameter 'sede'; did you mean 'seed'?"),
        (["-p", "seed", "many"], "parameter seed: want int like 0, got str 'many'"),
        (["-p", "seed", "True"], "parameter seed: want int like 0, got bool True"),
        (["--only", "zero"], "no notebook is called 'zero'; there are 00-one"),
        (["--profile", "labtop"], "invalid choice: 'labtop'"),
    ],
)
def test_misspelt_options_are_errors_before_anything_runs(tool, write, capsys, args, said):
    write("00-one", PARAMETERS)
    with pytest.raises(SystemExit) as stop:
        tool(*args)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err
    assert not tool.out.exists()


def test_only_notebooks_that_have_a_parameter_get_it(write, tmp_path):
    sources = [write("00-with", PARAMETERS), write("01-without", ("code", "1"))]
    jobs = reproduce.plan(sources, tmp_path, given={"seed": 5})
    assert [job.parameters for job in jobs] == [{"profile": "laptop", "seed": 5}, {}]


def test_runs_are_trained_again_in_a_folder_beside_the_notebooks(tmp_path, monkeypatch):
    def seen():
        return reproduce.os.environ.get("SBIRKIT_FRESH")

    monkeypatch.setenv("SBIRKIT_FRESH", "before")
    with reproduce.runs_in(tmp_path / "runs"):
        assert seen() == str(tmp_path / "runs")
    assert seen() == "before"
    with reproduce.runs_in(None):
        assert seen() is None
    assert seen() == "before"


def test_taking_the_runs_there_are_is_another_result(write, tmp_path):
    path = write("00-one", PARAMETERS)
    fresh, taken = (reproduce.plan([path], tmp_path, fresh=fresh)[0].digest for fresh in (True, False))
    assert fresh != taken


def test_says_beforehand_how_long_it_takes(write, tmp_path):
    jobs = reproduce.plan([write("00-one", PARAMETERS), write("01-two", PARAMETERS)], tmp_path)
    assert reproduce.expected(jobs) == ""
    jobs[0].target.write_text(json.dumps({"metadata": {"sbirkit": {"digest": "old", "seconds": 150.0}}}))
    assert reproduce.expected(jobs[:1]) == "About 2 min, by their last execution."
    assert reproduce.expected(jobs) == (
        "About 2 min, by their last execution, and 1 that have not been timed."
    )


def test_code_digest_follows_the_code(tmp_path, monkeypatch):
    package = tmp_path / "sbirkit"
    package.mkdir()
    (package / "paths.py").write_text("")
    monkeypatch.setattr(reproduce.paths, "__file__", str(package / "paths.py"))
    monkeypatch.setattr(reproduce.paths, "checkout", lambda: None)
    before = reproduce.code_digest()
    assert reproduce.code_digest() == before
    (package / "losses.py").write_text("margin = 0.2")
    assert reproduce.code_digest() != before


def test_ctrl_c_loses_the_notebook_in_flight_and_its_kernel_only(tool, write):
    write("00-quick", PARAMETERS)
    write("01-slow", ("code", "import os; open('kernel.pid', 'w').write(str(os.getpid()))"), ("code", WAIT))
    command = [sys.executable, "-m", "sbirkit.runs.reproduce", "--out", str(tool.out), "--notebooks"]
    folder = tool.out.parent / "with spaces"
    child = subprocess.Popen(
        [*command, str(folder)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        wait_for((folder / "waiting").exists)
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=30)
    finally:
        child.kill()
    assert child.returncode == 130
    assert "run the same command to go on" in said
    assert {p.name for p in tool.out.glob("*.ipynb")} == {"00-quick.ipynb"}
    kernel = int((folder / "kernel.pid").read_text())
    wait_for(lambda: not alive(kernel))


WAIT = """
import time
open("waiting", "w").close()
time.sleep(300)
"""


def wait_for(ready, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
