"""Make ``.venv`` from a plain Python: what ``make setup`` runs. Standard library only.

Nothing to do is the usual case, and quick: ``.venv/setup.json`` names the *content* of the lock and of
pyproject.toml, the Python and the kind of torch that the environment was made from. Where one of them differs
the environment is brought up to date; where the last set-up did not finish, it is made again from nothing,
because a package that was being written when the power went looks whole and is not.

The syntax is old on purpose: a Python too old for sbirkit must get as far as being told so.
"""

import argparse
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "setup.json"
LOCK = ROOT / "requirements.lock"
# What the CPU build of torch replaces or does without.
CUDA_BUILD = re.compile(r"(torch|torchvision|triton|nvidia-.+|cuda-.+)==")


def supported() -> str:
    """The Pythons that will do, newest first: ``3.13, 3.12, 3.11``."""
    return ", ".join(f"3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1))


def complaint() -> str:
    """Why this Python cannot make the environment, and what to do; empty where it can."""
    this = f"{platform.python_version()} ({sys.executable})"
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        others = [p for p in ("python" + v for v in supported().split(", ")) if runs(p)]
        use = "Install one, or name one: PYTHON=/path/to/python3.12 make setup"
        if others:
            use = f"Found {others[0]}: PYTHON={others[0]} make setup"
        return f"sbirkit needs Python {supported()}, but this is {this}.\n{use}"
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as missing:
        return (
            f"Python {this} lacks its module {missing.name!r}, which makes virtual environments.\n"
            "On Debian or Ubuntu: sudo apt install python3-venv"
        )
    return ""


def runs(python) -> bool:
    """Whether a command line Python starts at all (a broken link or a pyenv shim may not)."""
    try:
        silence = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.call([str(python), "-I", "-S", "-c", ""], **silence) == 0
    except OSError:
        return False


def packages(text: str) -> list:
    """The lock's entries, each with its hashes.

    >>> packages("# by uv\\na==1 \\\\\\n    --hash=sha256:00\\n    # via b\\nuv==2\\n")
    ['a==1 \\\\\\n    --hash=sha256:00\\n    # via b\\n', 'uv==2\\n']
    """
    return re.findall(r"^[A-Za-z0-9].*\n(?:[ \t].*\n)*", text, flags=re.MULTILINE)


def state(torch: str) -> dict:
    """Everything that an environment depends on. Two equal states need the same environment."""

    def digest(path):
        return hashlib.sha256(path.read_bytes()).hexdigest()

    return {
        "python": platform.python_version(),
        "torch": torch,
        "root": str(ROOT),
        "lock": digest(LOCK),
        "pyproject": digest(ROOT / "pyproject.toml"),
        "complete": True,
    }


def recorded() -> dict:
    """What the last set-up wrote, or nothing."""
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}


def record(what: dict) -> None:
    """Write the stamp whole or not at all."""
    part = STAMP.with_suffix(".part")
    part.write_text(json.dumps(what, indent=1))
    os.replace(str(part), str(STAMP))


def commands(torch: str, lock: Path) -> list:
    """What fills the environment, in order. ``lock`` is the lock, or for the CPU build what remains of it.

    Compiled at once: `make reproduce` starts dozens of processes, and where none may write bytecode
    (PYTHONDONTWRITEBYTECODE, as in many containers) each would spend ten seconds on compiling the same files.
    """
    uv = [str(VENV / "bin" / "uv"), "pip"]
    here = ["--python", str(VENV / "bin" / "python")]
    steps = [[*uv, "sync", *here, "--require-hashes", "--compile-bytecode", str(lock)]]
    if torch == "cpu":
        pins = [p.split()[0] for p in packages(LOCK.read_text()) if re.match("(torch|torchvision)==", p)]
        steps.append([*uv, "install", *here, "--torch-backend", "cpu", "--compile-bytecode", *pins])
    steps.append([*uv, "install", *here, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    return steps


def call(command: list) -> None:
    """Run one step; say which one failed, and what usually helps."""
    code = subprocess.call(command, cwd=str(ROOT))
    if code:
        other = "\nPyTorch's own index out of reach? make setup TORCH=default does without it."
        sys.exit(
            f"\nThis step failed ({code}):\n  {' '.join(map(shlex.quote, command))}\n"
            "If the package index was out of reach, try again: what was downloaded is kept.\n"
            "Behind a mirror or proxy: uv reads UV_DEFAULT_INDEX and HTTPS_PROXY, not pip's settings."
            + (other if "--torch-backend" in command else "")
        )


def fill(torch: str) -> None:
    """A hashed uv by pip, then everything else by uv."""
    entries = packages(LOCK.read_text())
    own = VENV / "uv.lock.txt"
    own.write_text("".join(e for e in entries if e.startswith("uv==")))
    options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"]
    call([str(VENV / "bin" / "python"), "-m", "pip", "install", *options, "--requirement", str(own)])
    lock = LOCK
    if torch == "cpu":
        print(
            "The CPU build comes from PyTorch's own index: pinned, but outside the lock's hashes.", flush=True
        )
        lock = VENV / "without-torch.lock.txt"
        lock.write_text("".join(e for e in entries if not CUDA_BUILD.match(e)))
    for command in commands(torch, lock):
        call(command)


def main() -> int:
    """Check, and do what is missing."""
    parser = argparse.ArgumentParser(description="Make or repair sbirkit's .venv.")
    parser.add_argument(
        "--torch",
        default="",
        choices=["", "default", "cpu"],
        help="which build of torch (default: the one that is there, else the lock's)",
    )
    args = parser.parse_args()

    before = recorded()
    torch = args.torch or before.get("torch", "default")
    if before == state(torch) and runs(VENV / "bin" / "python"):
        return 0
    why = complaint()
    if why:
        sys.exit(why)
    try:
        import fcntl
    except ImportError:
        sys.exit("On Windows, please work inside WSL: https://learn.microsoft.com/windows/wsl")

    with open(__file__) as this:
        fcntl.flock(this, fcntl.LOCK_EX)  # a second `make setup` waits for the first
        before, after = recorded(), state(torch)
        sound = runs(VENV / "bin" / "python")
        if before == after and sound:
            return 0
        start = time.monotonic()
        same = all(before.get(key) == after[key] for key in ("python", "torch", "root", "complete"))
        if not (same and sound):
            print(
                f"Making .venv with Python {after['python']}. The first time takes minutes and GB.",
                flush=True,
            )
            if sys.platform == "linux" and torch != "cpu":
                print("(Linux without an NVIDIA GPU: make setup TORCH=cpu takes far less room.)", flush=True)
            shutil.rmtree(str(VENV), ignore_errors=True)
            # Where .venv itself is active, `python3` is the one inside it: go back to its base.
            call([getattr(sys, "_base_executable", sys.executable), "-m", "venv", str(VENV)])
        record(dict(after, complete=False))
        fill(torch)
        record(after)
        print(f"Ready in {time.monotonic() - start:.0f} s. Next: make lab, or make help.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. Nothing is lost: run make setup again.")
