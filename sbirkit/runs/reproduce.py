"""``make reproduce``: every notebook afresh into ``build/reproduce/<profile>/``, and a report on them all.

What is done is known by content. The executed notebook carries a digest of its sources, its parameters, the
package's code, the locked versions and the real data at hand; while that digest holds, it is not run again.
"""

import argparse
import ast
import difflib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbirkit import paths
from sbirkit.runs import figures, notebooks, report

PROFILES = ("smoke", "laptop", "gpu", "paper")


@dataclass(frozen=True, slots=True)
class Job:
    """One notebook to execute: where from, where to, with what, and the digest that tells it is done."""

    source: Path
    target: Path
    parameters: Mapping[str, Any]
    digest: str
    title: str
    as_shipped: bool = True  # with the notebook's own parameters, as its stored outputs were made

    def beside(self, kind: str) -> Path:
        """A sister file, as in ``01-data.failed.ipynb``."""
        return self.target.with_name(f"{self.target.stem}.{kind}")

    def done(self) -> bool:
        """Whether the target is there and came from exactly this."""
        return self.target.is_file() and self.stamp().get("digest") == self.digest

    def stamp(self) -> dict[str, Any]:
        """What was noted in the executed notebook: its digest, its seconds."""
        return json.loads(self.target.read_text(encoding="utf-8"))["metadata"].get("sbirkit", {})

    @property
    def status(self) -> str:
        """One word or three for the report."""
        return "done" if self.done() else "failed" if self.beside("failed.ipynb").is_file() else "not run yet"


def code_digest() -> str:
    """One digest over every file of the package and over the lock: what the numbers depend on."""
    package = Path(paths.__file__).parent
    files = sorted(p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    if root := paths.checkout():
        files.append(root / "requirements.lock")
    total = hashlib.sha256()
    for path in files:
        total.update(path.relative_to(package.parent).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def data_digests() -> dict[str, str]:
    """The digest of each prepared real data set. Doodle World is drawn on demand: the code determines it."""
    cards = sorted(paths.data().glob("*/card.json"))
    return {
        c.parent.name: json.loads(c.read_text())["digest"]
        for c in cards
        if "doodleworld" not in c.parent.name
    }


def settle(own: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the given parameters that a notebook has, checked against the types of its defaults.

    >>> settle({"seed": 0, "lr": 0.1}, {"lr": 1, "epochs": 3})
    {'lr': 1}
    """
    for name in own.keys() & given.keys():
        default, value = own[name], given[name]
        fits = type(value) is type(default) or default is None or (type(default), type(value)) == (float, int)
        if not fits:
            wanted, came = type(default).__name__, type(value).__name__
            raise ValueError(f"parameter {name}: want {wanted} like {default!r}, got {came} {value!r}")
    return {name: value for name, value in given.items() if name in own}


def plan(
    sources: Sequence[Path],
    out: Path,
    *,
    profile: str = "laptop",
    given: Mapping[str, Any] | None = None,
    fresh: bool = True,
) -> list[Job]:
    """A job for each notebook. A parameter that none of them has is an error: papermill would only log it."""
    given = given or {}
    read = [notebooks.read(path) for path in sources]
    owned = [notebooks.parameters(notebook) for notebook in read]
    known = set().union(*owned) - {"profile"}
    for name in given.keys() - known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"they have {', '.join(sorted(known)) or 'none'}"
        raise ValueError(f"no chosen notebook has a parameter {name!r}; {hint}")
    code, data = code_digest(), data_digests()
    jobs = []
    for path, notebook, own in zip(sources, read, owned, strict=True):
        values = settle(own, {"profile": profile, **given})
        content = [notebooks.source_digest(notebook), values, code, data, fresh]
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        lines = [line for cell in notebook["cells"] for line in cell["source"].splitlines()]
        title = next((line[2:] for line in lines if line.startswith("# ")), path.stem)
        as_shipped = all(own[name] == value for name, value in values.items())
        jobs.append(Job(path, out / path.name, values, digest, title, as_shipped))
    return jobs


def run(job: Job, *, progress: bool = True) -> float:
    """Execute one notebook to a temporary name; rename it when it is whole. Returns the seconds it took.

    A failed one is kept as ``NAME.failed.ipynb``, an interrupted one is not kept.
    """
    import papermill

    start = time.monotonic()
    part, failed = job.beside("running.ipynb"), job.beside("failed.ipynb")
    bar = {"desc": job.source.stem, "leave": False, "position": 1} if progress else False
    try:
        executed = notebooks.with_kernel(
            lambda manager: papermill.execute_notebook(
                job.source,
                part,
                dict(job.parameters),
                kernel_name="python3",
                language="python",
                cwd=job.source.parent,
                progress_bar=bar,
                km=manager,
                extra_arguments=notebooks.QUIET_KERNEL,
            )
        )
        seconds = time.monotonic() - start
        notebooks.settle_progress(executed)
        executed.metadata["sbirkit"] = {"digest": job.digest, "seconds": round(seconds, 1)}
        part.write_text(json.dumps(executed, indent=1), encoding="utf-8")
        figures.collect(executed)  # a name used twice is an error
        job.beside("html").write_text(report.page(part), encoding="utf-8")
        os.replace(part, job.target)
        failed.unlink(missing_ok=True)
        return seconds
    except Exception:
        if part.is_file():
            os.replace(part, failed)
            job.target.unlink(missing_ok=True)  # of an earlier version: it answers for nothing now
            job.beside("html").write_text(report.page(failed), encoding="utf-8")
        raise
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def runs_in(folder: Path | None) -> Iterator[None]:
    """Kernels started inside train what they need in this folder; with None they take what there is."""
    before = os.environ.pop("SBIRKIT_FRESH", None)
    if folder is not None:
        os.environ["SBIRKIT_FRESH"] = str(folder.resolve())
    try:
        yield
    finally:
        os.environ.pop("SBIRKIT_FRESH", None)
        if before is not None:
            os.environ["SBIRKIT_FRESH"] = before


def expected(jobs: Sequence[Job]) -> str:
    """How long notebooks will take, by the seconds of their last execution; empty without any."""
    known = [job.stamp()["seconds"] for job in jobs if job.target.is_file() and "seconds" in job.stamp()]
    if not known:
        return ""
    new = len(jobs) - len(known)
    more = f", and {new} that have not been timed" if new else ""
    return f"About {max(1, round(sum(known) / 60))} min, by their last execution{more}."


def _parsed(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def main(argv: Sequence[str] | None = None) -> int:
    """Execute the notebooks that are missing or changed, and write a report on them all."""
    from tqdm import tqdm

    parser = argparse.ArgumentParser(prog="python -m sbirkit.runs.reproduce", description=main.__doc__)
    parser.add_argument("--profile", default="laptop", choices=PROFILES, help="how much to compute")
    parser.add_argument("--only", default="", help="parts of notebook names, with commas (default: all)")
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), dest="given")
    parser.add_argument("--notebooks", type=Path, help="another folder of notebooks")
    parser.add_argument("--out", type=Path, help="where to (default: build/reproduce/PROFILE)")
    parser.add_argument("--fresh", default="yes", choices=("yes", "no"),
                        help="train all runs again (default), or take those there are")  # fmt: skip
    args = parser.parse_args(argv)
    out, fresh = args.out or paths.home() / "reproduce" / args.profile, args.fresh == "yes"
    given = {name: _parsed(value) for name, value in args.given}
    try:
        chosen = set(notebooks.find(args.only, where=args.notebooks))
        every = notebooks.find(where=args.notebooks)
        plan([path for path in every if path in chosen], out, profile=args.profile, given=given)
        jobs = plan(every, out, profile=args.profile, given=given, fresh=fresh)
    except ValueError as error:
        parser.error(str(error))

    out.mkdir(parents=True, exist_ok=True)
    pending = [job for job in jobs if job.source in chosen and not job.done()]
    print(
        f"{len(pending)} of {len(chosen)} notebooks to run (profile {args.profile}).",
        expected(pending),
        flush=True,
    )
    failed, code = 0, 0
    shown = "{desc} |{bar}| {n_fmt}/{total_fmt} notebooks, {elapsed} gone, about {remaining} left"
    where = out / "runs" if fresh else None
    with runs_in(where), tqdm(total=len(pending), bar_format=shown, desc="reproduce", disable=None) as bar:
        for job in pending:
            try:
                seconds = run(job, progress=not bar.disable)
                tqdm.write(f"done    {job.source.stem} ({seconds:.0f} s)")
            except KeyboardInterrupt:
                tqdm.write("Interrupted: what is done stays done; run the same command to go on.")
                code = 130
                break
            except Exception as error:  # the others still get their turn
                failed += 1
                cell = f", cell {error.cell_index + 1}" if hasattr(error, "cell_index") else ""
                tqdm.write(f"FAILED  {job.source.stem}{cell}\n{notebooks.plain(error)}")
                if job.beside("failed.ipynb").is_file():
                    tqdm.write(f"        as far as it came: {job.beside('failed.ipynb')}")
            bar.update()
    about = report.environment() | {f"data: {name}": digest for name, digest in data_digests().items()}
    page = report.write(jobs, out, profile=args.profile, about=about)
    print(f"{failed} failed. " * bool(failed) + f"The report: {page}")
    return code or bool(failed)


if __name__ == "__main__":
    raise SystemExit(main())
