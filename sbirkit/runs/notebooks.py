"""Notebooks as stored files: find them, read their parameters, run them in place, tell when one is stale.

``python -m sbirkit.runs.notebooks`` (or ``make notebooks``) is the only thing that writes stored outputs.
"""

import argparse
import ast
import hashlib
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from sbirkit import paths
from sbirkit.runs import warm
from sbirkit.runs.figures import collect

T = TypeVar("T")
Notebook = dict[str, Any]
LARGEST = 1_000_000  # bytes of a stored notebook
KEPT_CELL_METADATA = ("jupyter", "tags")
QUIET_KERNEL = ["--IPKernelApp.log_level=40"]  # errors only: it warns about loopback connections
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def folder() -> Path:
    """Where the notebooks are: they belong to a checkout, not to the installed package."""
    root = paths.checkout()
    if root is None:
        raise ValueError("there is no notebooks/ folder beside the package: run this from a checkout")
    return root / "notebooks"


def find(only: str = "", *, where: Path | None = None) -> list[Path]:
    """The notebooks in reading order; ``only`` is parts of names, with commas, and empty means all."""
    found = sorted((where or folder()).glob("*.ipynb"))
    chosen = found
    if parts := [part for part in only.split(",") if part]:
        chosen = [path for path in found if any(part in path.stem for part in parts)]
        if not chosen:
            names = ", ".join(path.stem for path in found) or "no notebooks at all"
            raise ValueError(f"only: no notebook is called {only!r}; there are {names}")
    return chosen


def read(path: Path) -> Notebook:
    """A notebook as plain JSON, each source as one string."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def tags(cell: Notebook) -> list[str]:
    """The tags of a cell, sorted."""
    return sorted(cell.get("metadata", {}).get("tags", []))


def source_digest(notebook: Notebook) -> str:
    """A short digest of what a person wrote: kinds, tags and sources of the cells, never their outputs.

    >>> cell = {"cell_type": "code", "source": "1 + 1", "metadata": {}, "outputs": []}
    >>> source_digest({"cells": [cell]}) == source_digest({"cells": [cell | {"outputs": [{"text": "2"}]}]})
    True
    """
    written = [[cell["cell_type"], tags(cell), "".join(cell["source"])] for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()[:16]


def parameters(notebook: Notebook) -> dict[str, Any]:
    """Names and values of the cell tagged ``parameters``, which may hold literals only.

    >>> cell = {"metadata": {"tags": ["parameters"]}, "source": "seed = 0  # any\\nlr = 1e-3"}
    >>> parameters({"cells": [cell]})
    {'seed': 0, 'lr': 0.001}
    """
    found: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if "parameters" not in tags(cell):
            continue
        for line in ast.parse(cell["source"]).body:
            match line:
                case ast.Assign(targets=[ast.Name(name)], value=value) if _literal(value):
                    found[name] = ast.literal_eval(value)
                case _:
                    raise ValueError(
                        f"parameters cell: want lines like `seed = 0`, got `{ast.unparse(line)}`"
                    )
    return found


def _literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except ValueError:
        return False
    return True


def needs(notebook: Notebook) -> list[str]:
    """What has to be there before: names of notebooks, labels of runs, or ``*`` for all the others.

    A notebook says so in its metadata, ``{"sbirkit": {"needs": ["dsn", "05_ramln"]}}``.
    """
    found = notebook["metadata"].get("sbirkit", {}).get("needs", [])
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ValueError(f"needs of a notebook: want a list of names, got {found!r}")
    return found


def takes_long(notebook: Notebook) -> bool:
    """Whether to begin with it where many are executed: ``{"sbirkit": {"long": true}}`` in its metadata."""
    return bool(notebook["metadata"].get("sbirkit", {}).get("long"))


def stale(path: Path) -> str:
    """Why the stored outputs of a notebook do not belong to its sources; empty where they do."""
    notebook = read(path)
    stored = notebook["metadata"].get("sbirkit", {}).get("source_digest")
    if stored == source_digest(notebook):
        return ""
    return "changed since it was run" if stored else "never run"


def tidy(notebook: Notebook) -> Notebook:
    """Keep what a reader sees and what is the same on every machine; drop the rest, in place."""
    for cell in notebook["cells"]:
        cell["metadata"] = {
            key: cell["metadata"][key] for key in KEPT_CELL_METADATA if key in cell["metadata"]
        }
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
    settle_progress(notebook)
    wanted, long = needs(notebook), takes_long(notebook)
    notebook["metadata"] = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "sbirkit": {"source_digest": source_digest(notebook)}
        | ({"needs": wanted} if wanted else {})
        | ({"long": True} if long else {}),
    }
    return notebook


def settle_progress(notebook: Notebook) -> None:
    """Of a line that was overwritten again and again keep what a terminal would show at last, in place."""
    for cell in notebook["cells"]:
        kept: list[Any] = []
        for output in cell.get("outputs", []):
            stream = output["output_type"] == "stream"
            if stream and kept and kept[-1].get("name") == output["name"]:
                kept[-1]["text"] += output["text"]  # each update of a bar comes by itself
            else:
                kept.append(output)
        for output in kept:
            if output["output_type"] == "stream":
                lines = "".join(output["text"]).split("\n")
                seen = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
                as_list = isinstance(output["text"], list)  # as files have it; in memory it is one string
                output["text"] = seen.splitlines(keepends=True) if as_list else seen
        if kept:
            cell["outputs"] = kept


def with_kernel(
    work: Callable[[Any], T],
    *,
    env: Mapping[str, str] | None = None,
    ended: threading.Event | None = None,
) -> T:
    """Call ``work(kernel_manager)`` with a kernel that ends with it, or at once on Ctrl-C.

    In the main thread nbclient would take Ctrl-C for itself and report a dead kernel, as if the notebook had
    failed; so the work is done in another. The whole process group of the kernel goes, its workers included.
    A kernel that dies before it has said a word has lost the race for a port: another one is tried.

    Args:
        env: what the kernel finds in its environment beside what is there.
        ended: set by :func:`end_kernels`; then no other kernel is tried.
    """
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.utils import run_sync

    mine = ended or threading.Event()

    def attempt() -> T:
        manager = AsyncKernelManager(kernel_name="python3")
        words, more = warm.through(env or {})
        if manager.kernel_spec:  # where a dollar begins a name, two of them are one
            given = {**(env or {}), **more}
            manager.kernel_spec.env |= {name: value.replace("$", "$$") for name, value in given.items()}
            if words:  # which see to it that the kernel ends when this process does
                manager.kernel_spec.argv = [
                    sys.executable,
                    "-m",
                    *words,
                    "ipykernel_launcher",
                    "--IPKernelApp.parent_handle=1",
                    "-f",
                    "{connection_file}",
                ]
        LIVE[manager] = mine
        try:
            return work(manager)
        finally:
            del LIVE[manager]
            if manager.has_kernel:
                run_sync(manager.shutdown_kernel)(now=True)

    def task() -> T:
        for _ in range(2):
            try:
                return attempt()
            except RuntimeError as error:
                if "before replying" not in str(error) or mine.is_set():
                    raise
        return attempt()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(task)
        try:
            return future.result()
        except KeyboardInterrupt:
            while not wait([future], timeout=0.2).done:
                end_kernels(mine)
            raise


LIVE: dict[Any, threading.Event] = {}  # the kernels that this process runs, and what tells their end


def end_kernels(ended: threading.Event) -> None:
    """End the kernels that were started with this, at once and with all that they have started."""
    ended.set()
    for manager, mine in list(LIVE.items()):
        if mine is ended and manager.has_kernel and (group := getattr(manager.provisioner, "pgid", None)):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def execute(path: Path) -> float:
    """Run a notebook in place and store its outputs, whole or not at all. Returns the seconds it took."""
    import nbformat
    from nbclient import NotebookClient

    start = time.monotonic()
    notebook = nbformat.read(path, as_version=4)
    options = {
        "resources": {"metadata": {"path": str(path.parent)}},
        "timeout": None,
        "store_widget_state": False,
        "record_timing": False,
        "coalesce_streams": True,
        "extra_arguments": QUIET_KERNEL,
    }
    with_kernel(lambda manager: NotebookClient(notebook, km=manager, **options).execute())
    collect(notebook)  # a name used twice is an error
    text = nbformat.writes(tidy(notebook)) + "\n"
    if len(text.encode()) > LARGEST:
        raise ValueError(
            f"its outputs take {len(text) / 1e6:.1f} MB; 1 MB is the limit: show fewer or smaller pictures"
        )
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
    return time.monotonic() - start


def plain(error: BaseException) -> str:
    """An error of a notebook without terminal colours: the cell, then the traceback."""
    return re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip() or type(error).__name__


def main(argv: Sequence[str] | None = None) -> int:
    """Run notebooks in place, or only tell which ones are stale."""
    parser = argparse.ArgumentParser(prog="python -m sbirkit.runs.notebooks", description=main.__doc__)
    parser.add_argument("only", nargs="?", default="", help="parts of names, with commas (default: all)")
    parser.add_argument("--check", action="store_true", help="run nothing; exit 1 and name the stale ones")
    parser.add_argument("--notebooks", type=Path, help="another folder of notebooks")
    args = parser.parse_args(argv)
    try:
        chosen = find(args.only, where=args.notebooks)
    except ValueError as error:
        parser.error(str(error))

    if args.check:
        problems = [f"{path.name}: {why} (run `make notebooks`)" for path in chosen if (why := stale(path))]
        print("\n".join(problems) or f"The outputs of all {len(chosen)} notebooks are current.")
        return bool(problems)

    os.environ["TQDM_DISABLE"] = "1"  # a stored progress bar tells nothing and differs every time
    os.environ["SBIRKIT_STORING"] = "1"  # no real picture enters the repository: see lessons.real_sets
    failed = 0
    for k, path in enumerate(chosen, 1):
        print(f"[{k}/{len(chosen)}] {path.stem} ...", end=" ", flush=True)
        try:
            print(f"{execute(path):.0f} s", flush=True)
        except KeyboardInterrupt:
            print("\nInterrupted: this notebook is as it was before.", file=sys.stderr)
            return 130
        except Exception as error:  # the others still get their turn
            failed += 1
            print(f"failed, and left as it was before:\n{plain(error)}", flush=True)
    return bool(failed)


if __name__ == "__main__":
    raise SystemExit(main())
