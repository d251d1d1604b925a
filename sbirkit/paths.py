"""Where sbirkit keeps what it makes. One place, so notebooks need no paths."""

import os
from pathlib import Path


def checkout() -> Path | None:
    """The folder of the repository when running from one, else None."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "pyproject.toml").is_file() and (root / "notebooks").is_dir() else None


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
