"""What `make reproduce` gives its workers to do: execute a notebook, or train a method; and what came of it.

A job knows by content whether it is done, and leaves its result whole or not at all.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from sbirkit.runs import figures, notebooks, warm
from sbirkit.runs.rows import record_name

SPLIT = "unseen-16"
ENDED: dict[Path, threading.Event] = {}  # by folder: set when what is done for it is to be given up
CHILDREN: dict["subprocess.Popen[str]", Path] = {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended. One that was skipped says what it lacked, one that failed where and how."""

    name: str
    said: Literal["done", "failed", "skipped", "stopped"]
    seconds: float = 0.0
    error: str = ""
    cell: int = 0  # counted from 1 as in the executed notebook; 0: none


@dataclass(frozen=True, slots=True)
class Job:
    """One notebook to execute: where from, where to, with what, and the digest that tells it is done."""

    source: Path
    target: Path
    parameters: Mapping[str, Any]
    digest: str
    title: str
    as_shipped: bool = True  # with the notebook's own parameters, as its stored outputs were made
    needs: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.source.stem

    @property
    def out(self) -> Path:
        return self.target.parent

    def beside(self, kind: str) -> Path:
        """A sister file, as in ``01-data.failed.ipynb``."""
        return self.target.with_name(f"{self.target.stem}.{kind}")

    def done(self) -> bool:
        """Whether the target is there and came from exactly this."""
        return self.stamp().get("digest") == self.digest

    def stamp(self) -> dict[str, Any]:
        """What was noted in the executed notebook: its digest, its seconds. Empty where there is none."""
        if not self.target.is_file():
            return {}
        return json.loads(self.target.read_text(encoding="utf-8"))["metadata"].get("sbirkit", {})

    @property
    def status(self) -> str:
        """One word or three for the report."""
        return "done" if self.done() else "failed" if self.beside("failed.ipynb").is_file() else "not run yet"

    def run(self) -> None:
        """Execute to a temporary name; rename when it is whole.

        A failed notebook is kept as ``NAME.failed.ipynb``, an interrupted one is not kept.
        """
        import papermill

        from sbirkit.runs import report

        start = time.monotonic()
        part, failed = self.beside(f"running-{uuid4().hex[:8]}.ipynb"), self.beside("failed.ipynb")
        try:
            executed = notebooks.with_kernel(
                lambda manager: papermill.execute_notebook(
                    self.source, part, dict(self.parameters), kernel_name="python3", language="python",
                    # Not cwd=: that moves this whole process, other threads and their kernels with it.
                    resources={"metadata": {"path": str(self.source.parent)}},
                    progress_bar=False, km=manager, extra_arguments=notebooks.QUIET_KERNEL,
                ),
                env=self.env, ended=ended(self.out),
            )  # fmt: skip
            seconds = round(time.monotonic() - start, 1)
            notebooks.settle_progress(executed)
            executed.metadata["sbirkit"] = {"digest": self.digest, "seconds": seconds}
            part.write_text(json.dumps(executed, indent=1), encoding="utf-8")
            figures.collect(executed)  # a name used twice is an error
            self.beside("html").write_text(report.page(part), encoding="utf-8")
            os.replace(part, self.target)
            failed.unlink(missing_ok=True)
        except Exception:
            if part.is_file() and not ended(self.out).is_set():
                os.replace(part, failed)
                self.target.unlink(missing_ok=True)  # of an earlier version: it answers for nothing now
                self.beside("html").write_text(report.page(failed), encoding="utf-8")
            raise
        finally:
            part.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Training:
    """One method to train and to measure, in a process of its own: killed and called again, it goes on."""

    label: str
    seed: int
    profile: str
    out: Path
    digest: str
    as_shipped: bool = True
    needs: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``dsn``, as a notebook asks for it; of a further seed ``dsn, seed 1``."""
        return self.label + f", seed {self.seed}" * (self.seed > 0)

    @property
    def record(self) -> Path:
        """Where parameters, numbers and manifest are kept."""
        return self.out / "records" / record_name(self.label, SPLIT, self.seed)

    def stamp(self) -> dict[str, Any]:
        path = self.record / "stamp.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def done(self) -> bool:
        return self.stamp().get("digest") == self.digest

    @property
    def status(self) -> str:
        return "done" if self.done() else "failed" if self.log.is_file() else "not run yet"

    @property
    def log(self) -> Path:
        """What a training that failed had said."""
        return self.record.with_suffix(".failed.txt")

    def run(self) -> None:
        start = time.monotonic()
        words, more = warm.through(self.env)
        command = [sys.executable, "-m", *words, "sbirkit.runs.fresh", self.label, str(self.seed),
                   self.profile, str(self.record.parent)]  # fmt: skip
        env = os.environ | self.env | more
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        CHILDREN[child] = self.out
        try:
            said, _ = child.communicate()
        finally:
            del CHILDREN[child]
        if child.returncode:
            if not ended(self.out).is_set():
                self.log.parent.mkdir(parents=True, exist_ok=True)
                self.log.write_text(said, encoding="utf-8")
            raise RuntimeError(said.strip()[-2000:] or f"the process ended with {child.returncode}")
        stamp = {"digest": self.digest, "seconds": round(time.monotonic() - start, 1)}
        part = self.record / f"stamp-{uuid4().hex[:8]}"
        part.write_text(json.dumps(stamp), encoding="utf-8")
        os.replace(part, self.record / "stamp.json")
        self.log.unlink(missing_ok=True)


Task = Job | Training


def carry_out(job: Task) -> Outcome:
    """Do a job where this is called: on a worker. An error is an outcome, so that the others go on."""
    start = time.monotonic()
    try:
        if not job.done():  # by a worker that was lost before it could tell
            job.run()
    except Exception as error:
        if ended(job.out).is_set():
            return Outcome(job.name, "stopped")
        seconds, cell = time.monotonic() - start, getattr(error, "cell_index", -1) + 1
        return Outcome(job.name, "failed", seconds, notebooks.plain(error), cell)
    return Outcome(job.name, "done", time.monotonic() - start)


def ended(out: Path) -> threading.Event:
    """Set when what this process does for a folder is to be given up."""
    return ENDED.setdefault(out, threading.Event())


def begin(out: Path) -> None:
    """Ready for work again, after an earlier interruption."""
    ended(out).clear()


def end_all(out: Path) -> None:
    """Give up what this process does for a folder, at once and with all that was started; none is kept."""
    ended(out).set()

    def repeat() -> None:  # what was just about to start is ended a moment later
        for _ in range(50):
            notebooks.end_kernels(ended(out))
            for child in [child for child, folder in list(CHILDREN.items()) if folder == out]:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
            time.sleep(0.1)

    threading.Thread(target=repeat, daemon=True).start()
