"""``make reproduce`` on tiny notebooks: done by content, in order; failures and lost workers are harmless."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sbirkit.runs import crew, jobs, reproduce
from sbirkit.runs.jobs import Outcome

PARAMETERS = ("code", "profile = 'laptop'\nseed = 0", "parameters")
COUNT = """
from pathlib import Path
with Path("runs.txt").open("a") as f:
    f.write(f"{profile} {seed}\\n")
"""


@pytest.fixture(scope="module")
def scheduler():
    """A Dask scheduler in this process, with two workers in threads: quick, and another's for the command."""
    from distributed import LocalCluster

    options = {"host": "127.0.0.1", "protocol": "tcp://", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, **options) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def tool(tmp_path, monkeypatch, scheduler):
    """Calls the command on the folder of notebooks, with data of its own and code that stays the same."""
    monkeypatch.setattr(reproduce, "code_digest", lambda: "this code")
    monkeypatch.setenv("SBIRKIT_HOME", str(tmp_path / "home"))
    out = tmp_path / "out"

    def call(*args: str, at: str = scheduler) -> int:
        where = ["--notebooks", str(tmp_path / "with spaces"), "--out", str(out), "--scheduler", at]
        return reproduce.main([*where, *args])

    call.out = out
    return call


def test_runs_what_is_missing_and_then_does_nothing(tool, write):
    path = write("00-count", ("markdown", "# Fine & good"), PARAMETERS, ("code", COUNT))
    assert tool("--profile", "smoke") == 0
    os.utime(path)
    assert tool("--profile", "smoke") == 0
    ran = (path.parent / "runs.txt").read_text()
    assert ran == "smoke 0\n", "the profile is injected, and a new time stamp changes nothing"

    left = {p.name for p in tool.out.iterdir()} - {".lock"}
    assert left == {"00-count.html", "00-count.ipynb", "figures.json", "index.html"}
    page = (tool.out / "index.html").read_text()
    assert '<a href="00-count.html">Fine &amp; good</a></th><td><span class="done">' in page
    assert "<b>1 of 1</b> notebooks executed" in page
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
    assert "<b>1 of 2</b> notebooks executed" in page

    write("00-bad", ("markdown", "# Bad"), PARAMETERS, ("code", "seed / 1"))
    assert tool("--only", "bad") == 0
    assert {p.name for p in tool.out.glob("*.ipynb")} == {"00-bad.ipynb", "01-good.ipynb"}
    assert "<b>2 of 2</b> notebooks executed" in (tool.out / "index.html").read_text()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["-p", "sede", "3"], "no chosen notebook has a parameter 'sede'; did you mean 'seed'?"),
        (["-p", "imags=9600"], "there is no parameter 'imags' (did you mean 'images'?)"),
        (["-p", "images=many"], "parameter images: images wants a whole number from 1, got 'many'"),
        (["-p", "lr=fast"], "parameter lr: TrainConfig: lr wants float, got 'fast'"),
        (["-p", "dns.contrastive=1"], "there is no method 'dns' (did you mean 'dsn'?)"),
        (["-p", "dsn.contrast=1"], "there is no parameter 'dsn.contrast' (did you mean 'contrastive'?)"),
        (
            ["-p", "dsn.contrastive=-1"],
            "parameter dsn.contrastive: DSNConfig: weight contrastive wants 0 or more",
        ),
        (["-p", "seed"], "-p: want NAME=VALUE or NAME VALUE, got seed"),
        (["--seeds", "0"], "seeds: want how many, a whole number from 1, got '0'"),
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


def test_a_changed_profile_reaches_what_trains(write, tmp_path, monkeypatch):
    from sbirkit.runs import changes

    source = write("00-one", PARAMETERS)
    given = {"images": 640, "dsn.contrastive": 0.5, "dsn.lr": 0.1}
    (job,) = reproduce.plan([source], tmp_path, given=given)
    (plain,) = reproduce.plan([source], tmp_path)
    assert job.digest != plain.digest
    assert (job.as_shipped, plain.as_shipped) == (False, True)
    monkeypatch.setenv(changes.NAME, job.env[changes.NAME])
    assert changes.of("dsn") == ({"images": 640, "lr": 0.1}, {"contrastive": 0.5})
    assert changes.of("softmax") == ({"images": 640}, {})
    monkeypatch.setenv(changes.NAME, plain.env[changes.NAME])
    assert changes.of("dsn") == ({}, {})


def test_smoke_is_small_and_nothing_small_is_compared_with_what_was_shipped(write, tmp_path, monkeypatch):
    path = write("00-one", ("code", "seeds = 3\nbudget = 1280", "parameters"))

    def planned(**options):
        return reproduce.plan([path], tmp_path, rows=["dsn"], **options)

    training, job = planned(profile="smoke")
    assert job.parameters == {"seeds": 1, "budget": 320}
    assert planned(profile="smoke", given={"budget": 9}, seeds=2)[-1].parameters == {"seeds": 2, "budget": 9}
    assert training.env["SBIRKIT_OBJECTS"] == job.env["SBIRKIT_OBJECTS"] == "20"
    assert (training.as_shipped, job.as_shipped) == (False, False)
    training, job = planned()
    assert job.parameters == {}
    assert not job.env["SBIRKIT_OBJECTS"]
    assert (training.as_shipped, job.as_shipped) == (True, True)
    monkeypatch.setenv("SBIRKIT_OBJECTS", "50")
    few = planned()
    assert not any(task.as_shipped for task in few)
    assert few[-1].digest != job.digest


def test_many_notebooks_share_one_import_and_a_few_do_not(write, tmp_path):
    paths = [write(f"{k:02}-one", PARAMETERS) for k in range(reproduce.MANY)]
    assert reproduce.plan(paths, tmp_path)[0].env["SBIRKIT_WARM"] == "yes"
    assert not reproduce.plan(paths[1:], tmp_path)[0].env["SBIRKIT_WARM"]


def test_what_trains_trains_in_a_folder_beside_the_notebooks(tool, write):
    seen = "import os; open('seen', 'w').write(os.environ['SBIRKIT_FRESH'])"
    path = write("00-one", PARAMETERS, ("code", seen))
    assert tool() == 0
    assert (path.parent / "seen").read_text() == str(tool.out / "runs")
    assert tool("--fresh", "no") == 0
    assert (path.parent / "seen").read_text() == ""


def test_what_is_needed_comes_first_and_what_lacks_it_is_skipped(tool, write, capsys):
    note = "open('order', 'a').write({name!r} + ' ')"

    def noted(name, *cells, needs=()):
        path = write(name, ("markdown", f"# {name}"), ("code", note.format(name=name)), *cells)
        path.write_text(path.read_text().replace('"metadata": {}, "nbformat"', '"metadata": {"sbirkit": '
                        + json.dumps({"needs": list(needs)}) + '}, "nbformat"'))  # fmt: skip
        return path

    noted("00-last", needs=["*"])
    noted("01-third", needs=["02-second"])
    noted("02-second", needs=["03-first"])
    path = noted("03-first")
    noted("04-bad", ("code", "1 / 0"))
    noted("05-lost", needs=["04-bad"])
    noted("06-lost-too", needs=["05-lost"])
    assert tool() == 1
    said = capsys.readouterr().out
    order = (path.parent / "order").read_text().split()
    assert [name for name in order if name != "04-bad"] == ["03-first", "02-second", "01-third", "00-last"]
    assert "SKIPPED 05-lost: it needs 04-bad" in said
    assert "SKIPPED 06-lost-too: it needs 05-lost" in said
    assert "3 failed or skipped." in said
    page = (tool.out / "index.html").read_text()
    assert "needs 04-bad, which failed" in page

    path.write_text(path.read_text().replace("# 03-first", "# 03 anew"))
    (path.parent / "order").unlink()
    assert tool("--only", "third") == 0
    assert (path.parent / "order").read_text().split() == ["03-first", "02-second", "01-third"]


def test_needs_must_be_there_and_not_go_round(write, tmp_path):
    def needing(name, other):
        path = write(name)
        path.write_text(
            path.read_text().replace('{}, "nbf', f'{{"sbirkit": {{"needs": ["{other}"]}}}}, "nbf')
        )
        return path

    with pytest.raises(ValueError, match="no notebook and no method is called dns"):
        reproduce.plan([needing("00-one", "dns")], tmp_path)
    assert reproduce.plan([needing("00-one", "dsn")], tmp_path)[0].needs == ("dsn",)
    with pytest.raises(ValueError, match="00-one, 01-two wait for one another"):
        reproduce.plan([needing("00-one", "01-two"), needing("01-two", "00-one")], tmp_path)


def test_independent_notebooks_run_side_by_side(tool, write):
    meet = """
import time
from pathlib import Path
Path({mine!r}).touch()
end = time.monotonic() + 240
while not Path({other!r}).exists():
    assert time.monotonic() < end, "alone"
    time.sleep(0.05)
"""
    write("00-one", ("code", meet.format(mine="a", other="b")))
    write("01-two", ("code", meet.format(mine="b", other="a")))
    assert tool() == 0


def test_a_notebook_runs_in_its_folder_and_moves_nobody_else(tool, write, monkeypatch):
    path = write("00-here", ("code", "from pathlib import Path\nPath('here').touch()"))
    moves, move = [], os.chdir
    monkeypatch.setattr(os, "chdir", lambda where: (moves.append(where), move(where)))
    assert tool() == 0
    assert (path.parent / "here").is_file()
    assert {Path(where) for where in moves} <= {Path.cwd()}


def test_only_one_works_on_a_folder(tool, write, capsys):
    write("00-one", PARAMETERS)
    with reproduce.alone(tool.out):
        assert tool() == 1
    assert "another `make reproduce` is at work" in capsys.readouterr().out
    (tool.out / "00-one.running-1.ipynb").touch()
    assert tool() == 0
    assert not list(tool.out.glob("*running*"))


def test_methods_are_trained_before_the_notebooks(write, tmp_path):
    tasks = reproduce.plan([write("00-one", PARAMETERS)], tmp_path, seeds=2, rows=["dsn", "frozen"])
    assert [task.name for task in tasks] == ["dsn", "frozen", "dsn, seed 1", "frozen, seed 1", "00-one"]
    assert len({task.digest for task in tasks}) == 5
    assert reproduce.plan([], tmp_path, rows=["dsn"], fresh=False) == []
    assert reproduce.chosen_rows("dsn,clip") == [
        "dsn",
        "clip-frozen",
        "clip-softmax",
        "clip-triplet",
        "clip-masbir",
    ]


def test_a_training_that_fails_says_why(tmp_path):
    task = jobs.Training("dsn", 0, "no such profile", tmp_path, "digest")
    outcome = jobs.carry_out(task)
    assert outcome.said == "failed"
    assert "profile: want one of smoke" in outcome.error
    assert task.status == "failed"
    assert "profile: want one of smoke" in task.log.read_text()


def test_nobody_at_the_scheduler_is_said(tool, write, capsys, monkeypatch):
    write("00-one", PARAMETERS)
    monkeypatch.setattr(crew, "PATIENCE", "1s")
    assert tool(at="tcp://127.0.0.1:9") == 1
    assert "nobody answers at tcp://127.0.0.1:9" in capsys.readouterr().out


def test_taking_the_runs_there_are_is_another_result(write, tmp_path):
    path = write("00-one", PARAMETERS)
    fresh, taken = (reproduce.plan([path], tmp_path, fresh=fresh)[0].digest for fresh in (True, False))
    assert fresh != taken


def test_says_how_long_it_takes(write, tmp_path):
    tasks = reproduce.plan([write(f"0{k}-one", PARAMETERS) for k in range(3)], tmp_path)
    clock = reproduce.Clock(tasks, 2)
    assert (clock.beforehand(), clock.said()) == ("", "time left not known yet")
    for task, seconds in zip(tasks, (420.0, 200.0), strict=False):
        task.target.write_text(json.dumps({"metadata": {"sbirkit": {"digest": "old", "seconds": seconds}}}))
    clock = reproduce.Clock(tasks, 2)
    assert clock.beforehand() == (
        "About 8 min, by the last time; a guess for the 1 that have not been timed here."
    ), "420, 200 and their mean, on two workers"
    assert 400 < clock.seconds() <= 465
    clock.ended(Outcome("01-one", "done", 260.0))
    assert 400 < clock.seconds() <= 420, "no sooner than the longest"
    clock.ended(Outcome("00-one", "skipped"))
    clock.ended(Outcome("02-one", "done", 1.0))
    assert clock.seconds() == 0


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


def test_ctrl_c_loses_the_notebook_in_flight_and_leaves_no_process(tool, write):
    """With a cluster of the command's own; and killed the hard way it leaves none either."""
    write("00-quick", PARAMETERS)
    write("01-slow", ("code", "import os; open('pids', 'w').write(f'{os.getpid()} {os.getppid()}')"),
          ("code", WAIT))  # fmt: skip
    command = [sys.executable, "-m", "sbirkit.runs.reproduce", "--workers", "1", "--out", str(tool.out)]
    folder = tool.out.parent / "with spaces"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background has it ignored
    for way in (signal.SIGINT, signal.SIGKILL):
        child = subprocess.Popen(
            [*command, "--notebooks", str(folder)], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        try:
            wait_for((folder / "waiting").exists)
            child.send_signal(way)
            said, _ = child.communicate(timeout=900)
        finally:
            child.kill()
        for pid in (folder / "pids").read_text().split():  # the kernel, the worker
            wait_for(lambda pid=pid: not alive(int(pid)))
        (folder / "waiting").unlink()
        assert {p.name for p in tool.out.glob("*.ipynb")} - {"01-slow.running"} >= {"00-quick.ipynb"}
        if way == signal.SIGINT:
            assert child.returncode == 130
            assert "run the same command to go on" in said
            assert {p.name for p in tool.out.glob("*.ipynb")} == {"00-quick.ipynb"}
    assert "0 of 2" not in said
    assert "1 of 2 methods and notebooks to run" in said, "resumed"


LOSE = """
import os, time
from pathlib import Path
first = not Path("begun").exists()
Path("pids").write_text(f"{os.getpid()} {os.getppid()}")
Path("begun").touch()
time.sleep(300 if first else 0)
"""


def test_a_lost_worker_loses_nothing(tool, write):
    """A scheduler and two workers as processes of their own; the one at work is killed in the middle."""
    folder = write("00-lose", PARAMETERS, ("code", LOSE)).parent
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    started = [dask("scheduler", "--host", address, "--no-dashboard", "--no-jupyter")]
    killed = []

    def kill_the_worker() -> None:
        wait_for((folder / "begun").exists)
        kernel, worker = map(int, (folder / "pids").read_text().split())
        os.kill(worker, signal.SIGKILL)
        killed.extend([kernel, worker])

    try:
        started += [
            dask("worker", address, "--no-nanny", "--no-dashboard", "--nthreads", "1") for _ in range(2)
        ]
        wait_for(lambda: answers(port))
        thread = threading.Thread(target=kill_the_worker)
        thread.start()
        assert tool(at=address) == 0
        thread.join()
        assert killed[1] in {process.pid for process in started}
        wait_for(lambda: not alive(killed[0]))
        assert json.loads((tool.out / "00-lose.ipynb").read_text())["metadata"]["sbirkit"]["digest"]
        assert not list(tool.out.glob("*failed*"))
    finally:
        for process in started:
            process.kill()
            process.wait()


def dask(*words: str) -> subprocess.Popen:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-m", "dask", *words], **quiet)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


WAIT = """
import time
open("waiting", "w").close()
time.sleep(300)
"""


def wait_for(ready, seconds: float = 900) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Not gone, and not dead and waiting for somebody to notice."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.is_dir():
        return stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
