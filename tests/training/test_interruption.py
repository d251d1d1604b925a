"""A run whose process is killed, resumed, ends where the uninterrupted run ends: bit for bit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Forks before anything is computed: every moment gets a process of its own, and only one import is paid.
SCRIPT = """
import os, signal, sys
from pathlib import Path
import tiny, torch, lightning_fabric
from sbirkit.training import fit, files, loop, history

torch.set_num_threads(1)
root = Path(sys.argv[1])
bench = tiny.benchmark(root / "bars")

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def before(owner, name, wanted=lambda *a: True):
    real = getattr(owner, name)
    def hook(*args, **kwargs):
        if wanted(*args):
            die()
        return real(*args, **kwargs)
    setattr(owner, name, hook)

def at_step(n):
    before(loop._Loop, "train", lambda self, batch: self.done == n)

def half_line(owner, name):
    def hook(self, **line):
        with self.path.open("a") as file:
            file.write('{"step": 7, "l')
        die()
    real = getattr(owner, name)
    setattr(owner, name, lambda self, **line: (hook if line["step"] == 7 else real)(self, **line))

moments = {
    "in-the-first-step": lambda: at_step(0),
    "in-a-step": lambda: at_step(7),
    "at-a-checkpoint": lambda: at_step(9),
    "writing-weights": lambda: before(files, "save_file", lambda x, path: "00000006" in str(path)),
    "writing-state": lambda: before(torch, "save", lambda x, path: x["done"] == 9),
    "before-the-new-name": lambda: before(Path, "replace", lambda a, b: b.name == "00000009"),
    "before-the-old-goes": lambda: before(files.shutil, "rmtree", lambda p, *a: p.name == "00000003"),
    "in-a-line-of-history": lambda: half_line(history.History, "note"),
    "between-best-and-checkpoint": lambda: before(loop._Loop, "save", lambda self: self.done == 9),
    "before-metrics": lambda: before(loop, "write_json", lambda p, v: p.name == "metrics.json"),
    "before-the-end": lambda: before(Path, "replace", lambda a, b: b.name == "before-the-end"),
}

def train(name):
    fit(tiny.Memory(backbone=tiny.Net()), bench, tiny.config(), out=root / name, progress=False)

def process(work):
    pid = os.fork()
    if not pid:
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

assert process(lambda: train("whole")) == 0
for name, prepare in moments.items():
    assert process(lambda: (prepare(), train(name))) == -signal.SIGKILL, name
    assert not (root / name).exists(), name
    assert process(lambda: train(name)) == 0, name

def train_system(system, folder):
    method = tiny.system(system, bench.train_classes)
    fit(method, bench, tiny.config(steps=8), out=root / folder, progress=False)

for system in tiny.SYSTEMS:
    assert process(lambda: train_system(system, system)) == 0
    killed = f"killed-{system}"
    assert process(lambda: (at_step(5), train_system(system, killed))) == -signal.SIGKILL
    assert not (root / killed).exists()
    assert process(lambda: train_system(system, killed)) == 0
print(*moments)
"""
FILES = ("weights.safetensors", "last.safetensors", "history.jsonl", "metrics.json", "params.json")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_killed_at_any_moment_and_resumed_it_ends_the_same(tmp_path):
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    moments = done.stdout.split()
    assert len(moments) == 11
    for name in moments:
        assert {p.name for p in (tmp_path / name).iterdir()} == {
            p.name for p in (tmp_path / "whole").iterdir()
        }
        for file in FILES:
            same = (tmp_path / name / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
            assert same, f"killed {name}: {file} differs"
    for system in ("ramln", "dsn", "masbir", "bdasketret"):  # with their memories and margins
        for file in FILES:
            one, two = (tmp_path / folder / file for folder in (system, f"killed-{system}"))
            assert one.read_bytes() == two.read_bytes(), f"{system}: {file} differs"


def test_an_error_in_the_middle_gives_the_method_back_and_the_next_call_goes_on(tiny, bench, tmp_path):
    from sbirkit.training import Run, fit

    class Stops(tiny.Memory):
        stop = -1

        def after_step(self, batch, step):
            super().after_step(batch, step)
            if step.number == self.stop:
                raise KeyboardInterrupt

    method, seen = Stops(backbone=tiny.Net()), []
    method.stop = 8
    with pytest.raises(KeyboardInterrupt):
        fit(method, bench, tiny.config(), out=tmp_path / "run", progress=False)
    with pytest.raises(ValueError, match="It was interrupted: call fit"):
        Run.open(tmp_path / "run")
    method.stop, real = -1, method.losses
    method.losses = lambda batch, *, step: seen.append(step.number) or real(batch, step=step)
    run = fit(method, bench, tiny.config(), out=tmp_path / "run", progress=False)
    assert seen == list(range(6, 12))
    whole = fit(Stops(backbone=tiny.Net()), bench, tiny.config(), out=tmp_path / "whole", progress=False)
    for name in ("last.safetensors", "history.jsonl", "metrics.json"):
        assert (run.path / name).read_bytes() == (whole.path / name).read_bytes()
