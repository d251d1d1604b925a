"""Where sbirkit keeps what it makes. One place, so notebooks need no paths."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any


def checkout() -> Path | None:
    """The folder of the repository when running from one, else None."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "pyproject.toml").is_file() and (root / "notebooks").is_dir() else None


def git_state() -> dict[str, Any] | None:
    """Commit of the checkout and whether files differ from it; None without a checkout or git."""
    root = checkout()
    if root is None or not shutil.which("git"):
        return None

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain"))}


def home() -> Path:
    """``$SBIRKIT_HOME`` if set; ``build/`` of a checkout; else ``~/.cache/sbirkit``."""
    if chosen := os.environ.get("SBIRKIT_HOME"):
        return Path(chosen).expanduser().resolve()
    root = checkout()
    return root / "build" if root else Path.home() / ".cache" / "sbirkit"


def data() -> Path:
    """Prepared catalogues live here, one folder each."""
    return home() / "data"


def runs() -> Path:
    """What training leaves behind."""
    return home() / "runs"


def results() -> Path | None:
    """Runs that came with the repository: of a checkout only."""
    root = checkout()
    return root / "results" if root else None
