"""The way through the notebooks: what each is about, how long it runs and how long it takes to read."""

import html
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .notebooks import find, folder, read

CHAPTERS = {  # the first number of each
    0: "See what it is about",
    4: "What a method has to beat, and four methods",
    9: "Take the methods apart",
    13: "Compare, and bring your own",
    20: "Play",
    30: "The report",
}
ENTRY = re.compile(r"^\| *\[[^\]]*\]\(([^)]+\.ipynb)\) *\| *(.*?) *\|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Stop:
    """One notebook of the way."""

    file: str
    title: str
    about: str
    runs: str
    reads: str

    @property
    def number(self) -> int:
        return int(self.file[:2])


@dataclass(frozen=True, slots=True)
class Trail:
    """All notebooks that there are, in chapters; a table in a notebook."""

    stops: tuple[Stop, ...]

    def chapters(self) -> Iterator[tuple[str, list[Stop]]]:
        """Each chapter that has notebooks, with them."""
        firsts = [*CHAPTERS, 1_000]
        for first, after in itertools.pairwise(firsts):
            if inside := [stop for stop in self.stops if first <= stop.number < after]:
                yield CHAPTERS[first], inside

    def __repr__(self) -> str:
        lines = []
        for chapter, stops in self.chapters():
            lines += ["", chapter] + [
                f"  {s.title}: {s.about} (runs {s.runs}; reading {s.reads})" for s in stops
            ]
        return "\n".join(lines[1:])

    def _repr_html_(self) -> str:
        say, left = html.escape, ' style="text-align:left"'
        rows = []
        for chapter, stops in self.chapters():
            rows.append(f'<tr><th colspan="4" scope="rowgroup"{left}>{say(chapter)}</th></tr>')
            for s in stops:
                link = f'<a href="{say(s.file)}">{say(s.title)}</a>'
                cells = "".join(f"<td{left}>{say(text)}</td>" for text in (s.about, s.runs, s.reads))
                rows.append(f"<tr><td{left}>{link}</td>{cells}</tr>")
        heads = "".join(
            f'<th scope="col"{left}>{h}</th>' for h in ("notebook", "what it is about", "runs", "reading")
        )
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def trail(where: Path | None = None) -> Trail:
    """The notebooks in a folder, by default those of the checkout: told by themselves and by its README."""
    where = where or folder()
    readme = where / "README.md"
    about = dict(ENTRY.findall(readme.read_text(encoding="utf-8"))) if readme.is_file() else {}
    stops = []
    for path in find(where=where):
        opening = read(path)["cells"][0]["source"]
        title = opening.splitlines()[0].lstrip("# ") if opening else path.stem
        said = re.search(r"\*\*You will\*\* (.*?)(?=\*\*|$)", opening, re.DOTALL)
        words = about.get(path.name) or (" ".join(said[1].split()) if said else "")
        stops.append(Stop(path.name, title.split(":")[0], words, *times(opening)))
    return Trail(tuple(stops))


def times(opening: str) -> tuple[str, str]:
    """How long a notebook runs and reads, from the line that says so.

    >>> times("**Time:** smoke a few seconds · laptop a minute, once more at first. Reading: 40 minutes.")
    ('a minute', '40 minutes')
    """
    line = opening.partition("**Time:**")[2].replace("\n", " ")
    until = r"(.*?)(?=[.,;:·]| with | for | each| in every profile|$)"
    runs = re.search("laptop " + until, line) or re.match(" *" + until, line)
    reads = re.search(r"(?:Reading[^:.]*|Playing): ([^.]*)", line)
    return (runs[1].strip() if runs else ""), (reads[1].strip() if reads else "")
