"""Imports once, jobs many times: a process that has imported what takes seconds, and forks for each job.

``python -m sbirkit.runs.warm MODULE ARGS...`` is ``python -m MODULE ARGS...``. Where ``$SBIRKIT_WARM`` names
the socket of a server, a fork of that server does it, with this process's environment, folder and streams; it
ends when this process does, and this one with the process that started it. Without a server it is done here.
"""

import importlib
import json
import os
import runpy
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from .fresh import ends_with_parent

NAME = "SBIRKIT_WARM"
MODULES = (
    "torch", "lightning_fabric", "sklearn.base", "ipykernel.kernelapp", "sbirkit.lessons",
    "sbirkit.training.loop", "sbirkit.training.evaluation", "sbirkit.runs.standings", "sbirkit.runs.arms",
)  # fmt: skip
INLINE = "module://matplotlib_inline.backend_inline"  # of a kernel; read when matplotlib is imported
HEAD = struct.Struct("!I")
SERVERS: dict[str, tuple["subprocess.Popen[bytes]", str]] = {}  # of this process, by number of threads


def possible() -> bool:
    """Forks are safe where there is no GPU driver and no Objective-C: on Linux without an NVIDIA device."""
    return sys.platform == "linux" and not Path("/dev/nvidiactl").exists()


def server(env: Mapping[str, str], modules: Sequence[str] = MODULES) -> str:
    """The socket of this process's server, which is started if there is none; it ends with this process.

    Args:
        env: the environment that jobs will have: the number of threads is settled when torch is imported.
    """
    threads = env.get("OMP_NUM_THREADS", "")
    going = SERVERS.get(threads)
    if going is None or going[0].poll() is not None:
        where = str(Path(tempfile.mkdtemp(prefix="sbirkit-warm-")) / "socket")
        words = [sys.executable, "-m", __name__, "--serve", str(os.getpid()), where, *modules]
        made = os.environ | env | {"MPLBACKEND": INLINE}
        started = subprocess.Popen(words, env=made, stdin=subprocess.DEVNULL, start_new_session=True)
        going = SERVERS[threads] = started, where
    return going[1]


def through(env: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """What to put between ``python -m`` and a module, and into the environment, so that a server does it.

    Both empty where a job's environment does not ask for it (``SBIRKIT_WARM=yes``), or where it cannot be.
    """
    if not env.get(NAME) or not possible():
        return [], {NAME: ""}
    return [__name__], {NAME: server(env)}


def serve(parent: int, where: str, modules: Sequence[str]) -> int:
    """Import, then fork for each caller, until the process that started this is gone.

    Returns in each job, too, with its exit code.
    """
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(where)
        door.listen()
        for name in modules:
            with suppress(ImportError):
                importlib.import_module(name)
        door.settimeout(0.5)
        while os.getppid() == parent:  # no thread watches it: a process with threads should not fork
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            with suppress(TimeoutError):
                line = door.accept()[0]
                if os.fork() == 0:
                    line.setblocking(True)
                    door.close()
                    return keep(line)
                line.close()
    Path(where).unlink(missing_ok=True)
    Path(where).parent.rmdir()
    return 0


def keep(line: socket.socket) -> int:
    """Hear what is asked, do it in a fork, and end that when the caller is gone. Returns in the fork only."""
    head, streams, *_ = socket.recv_fds(line, HEAD.size, 3)
    with line.makefile("rb") as heard:
        asked = json.loads(heard.read(HEAD.unpack(head)[0]))
    if job := os.fork():

        def watch() -> None:
            line.recv(1)  # nothing ever comes: it returns when the caller is gone
            with suppress(ProcessLookupError):
                os.killpg(job, signal.SIGKILL)

        threading.Thread(target=watch, daemon=True).start()
        code = os.waitstatus_to_exitcode(os.waitpid(job, 0)[1])
        with suppress(OSError):
            line.sendall(struct.pack("!i", code))
        os._exit(0)
    line.close()
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    return run(asked["argv"])


def run(argv: Sequence[str]) -> int:
    """``python -m``; returns the exit code."""
    sys.argv = [*argv]
    sys.path[0] = os.getcwd()
    try:
        runpy.run_module(argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, int) or end.code is None:
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def ask(where: str, argv: Sequence[str]) -> int | None:
    """Have a server do it; returns the exit code, or None if nobody listens there."""
    with socket.socket(socket.AF_UNIX) as line:
        for _ in range(50):  # it may only just be starting
            with suppress(OSError):
                line.connect(where)
                break
            time.sleep(0.1)
        else:
            return None
        said = json.dumps({"argv": [*argv], "env": dict(os.environ), "cwd": os.getcwd()}).encode()
        socket.send_fds(line, [HEAD.pack(len(said))], [0, 1, 2])
        line.sendall(said)
        code = line.recv(4)
    return struct.unpack("!i", code)[0] if code else 1


def main(argv: Sequence[str]) -> int:
    if argv[0] == "--serve":
        return serve(int(argv[1]), argv[2], argv[3:])
    ends_with_parent()
    where = os.environ.pop(NAME, "")
    code = ask(where, argv) if where else None
    return run(argv) if code is None else code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
