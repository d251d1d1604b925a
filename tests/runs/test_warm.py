"""A job in a fork of a warm server is the job: arguments, environment, folder, streams, code, end."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sbirkit.runs import warm

SAYS = """
import json, os, sys
print(json.dumps({"argv": sys.argv[1:], "word": os.environ.get("WORD"), "home": os.getcwd(),
                  "imported": "colorsys" in sys.modules, "in": sys.stdin.read()}))
print("not so well", file=sys.stderr)
if sys.argv[1:] == ["wrong"]:
    raise ValueError("planted")
if sys.argv[1:] == ["words"]:
    raise SystemExit("said at the end")
raise SystemExit(int(sys.argv[1]))
"""
WAITS = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("pids").write_text(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""

pytestmark = pytest.mark.skipif(
    not warm.possible(), reason="no forks where there is a GPU driver, or no Linux"
)


@pytest.fixture
def where(monkeypatch):
    monkeypatch.setattr(warm, "SERVERS", {})
    yield (found := warm.server({}, ["colorsys", "no_such_module"]))
    for process, _ in warm.SERVERS.values():
        process.kill()
        process.wait()
    shutil.rmtree(Path(found).parent)


@pytest.fixture
def call(tmp_path):
    (tmp_path / "says.py").write_text(SAYS)
    (tmp_path / "waits.py").write_text(WAITS)

    def call(*words, socket="", **how):
        env = os.environ | {warm.NAME: socket, "WORD": "here", "PYTHONPATH": os.getcwd()}
        command = [sys.executable, "-m", "sbirkit.runs.warm", *words]
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(command, env=env, cwd=tmp_path, text=True, **streams, **how)

    return call


@pytest.mark.parametrize("warmed", [True, False])
def test_a_job_gets_what_it_would_get_from_python(call, tmp_path, warmed, request):
    socket = request.getfixturevalue("where") if warmed else ""
    for code in ("0", "3"):
        job = call("says", code, socket=socket)
        out, err = job.communicate("typed")
        assert json.loads(out) == {"argv": [code], "word": "here", "home": str(tmp_path), "in": "typed",
                                   "imported": warmed}  # fmt: skip
        assert (job.returncode, err) == (int(code), "not so well\n")
    job = call("says", "wrong", socket=socket)
    assert "ValueError: planted" in job.communicate("")[1]
    assert job.returncode == 1
    job = call("says", "words", socket=socket)
    assert (job.communicate("")[1], job.returncode) == ("not so well\nsaid at the end\n", 1)


def test_two_jobs_run_at_once_and_do_not_see_one_another(call, where):
    jobs = [call("says", code, socket=where) for code in ("4", "5")]
    assert [json.loads(job.communicate(code)[0])["in"] for job, code in zip(jobs, "45", strict=True)] == [
        "4",
        "5",
    ]
    assert [job.returncode for job in jobs] == [4, 5]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("ended", ["caller", "job"])
def test_a_job_ends_with_its_caller_and_the_caller_with_its_job(call, where, tmp_path, ended):
    caller = call("waits", socket=where)
    deadline = time.monotonic() + 30
    while not (pids := (tmp_path / "pids")).exists() or len(pids.read_text().split()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    job, child = map(int, pids.read_text().split())
    assert alive(job)
    assert alive(child)
    assert job != caller.pid
    os.kill(caller.pid if ended == "caller" else job, signal.SIGKILL)
    caller.wait(10)
    while alive(job) or (ended == "caller" and alive(child)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if ended == "job":
        os.kill(child, signal.SIGKILL)
        assert caller.returncode != 0


def test_a_server_ends_with_the_process_that_started_it(tmp_path):
    starts = f"""
import os, sys
sys.path.insert(0, {os.getcwd()!r})
from sbirkit.runs import warm
warm.server({{}}, ["colorsys"])
process, where = warm.SERVERS[""]
print(process.pid, where, flush=True)
"""
    one = subprocess.run(
        [sys.executable, "-c", starts], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    deadline = time.monotonic() + 20
    pid, where = one.stdout.split()
    while alive(int(pid)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not Path(where).parent.exists()


def test_nobody_listening_is_no_reason_to_fail(call, tmp_path, monkeypatch):
    job = call("says", "0", socket=str(tmp_path / "nowhere"))
    assert json.loads(job.communicate("")[0])["imported"] is False


def test_a_job_that_does_not_ask_for_it_is_started_as_ever():
    assert warm.through({}) == ([], {warm.NAME: ""})
