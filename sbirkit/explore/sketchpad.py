"""Draw, and several methods answer side by side; then ask why, part by part."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbirkit.data.names import normalise, suggest
from sbirkit.data.sheets import Sheet
from sbirkit.retrieval import score_by

from .pictures import said, strips, url
from .searching import Searcher, distance, thumbnail
from .state import State, action, told
from .strokes import MOST, WIDTH, Stroke, rasterise, remark

METRICS = (
    "mAP@all", "mAP@200-strict", "mAP@200-lenient", "mAP@200-by-k", "mAP@200-over-r", "P@10", "P@100", "MRR",
)  # fmt: skip
ASKS = ("sketch", "words", "both")
PARTS = 60  # strokes that are taken away in turn, at most


@dataclass
class Answer:
    """What one method says: gallery rows best first, and how good that is if the wanted class is known.

    Attributes:
        rank: place of the first photo of the wanted class, from 1; 0 where there is none.
        problem: why there is no answer, in words.
    """

    name: str
    rows: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    distances: list[float] = field(default_factory=list)
    rank: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    problem: str = ""


class RetrievalState(State):
    """The sketchpad: strokes (or a sketch of the catalogue, or words) in, ranked photos out.

    Args:
        searchers: the methods, side by side; all over one catalogue.
        k: photos shown of each.
        gallery: ``"unseen"``, or ``"seen"`` or ``"both"`` (generalised) where the searchers have them.
        wanted: the class that is meant; then hits are marked and the query is measured.
    """

    script = "sketchpad"

    def __init__(
        self, searchers: Sequence[Searcher], *, k: int = 6, gallery: str = "unseen", wanted: str = ""
    ) -> None:
        super().__init__()
        if not searchers or len({s.name for s in searchers}) < len(searchers):
            raise ValueError("searchers: want at least one, each with a name of its own")
        if any(s.catalogue is not searchers[0].catalogue for s in searchers):
            raise ValueError("searchers: want all over one catalogue, so that their answers can be compared")
        if not 1 <= k <= 48:
            raise ValueError(f"k: want 1 to 48 photos, got {k}")
        self.searchers, self.k = {s.name: s for s in searchers}, k
        self.catalogue, self.parts = searchers[0].catalogue, searchers[0].parts
        self.strokes: list[Stroke] = []
        self.example: int | None = None  # a row of the catalogue, instead of strokes
        self.words, self.ask, self.wanted = "", "sketch", ""
        self.answers: list[Answer] = []
        self.focus: dict[str, Any] = {}  # a photo's neighbours
        self.why: dict[str, list[str]] = {}
        self.without: dict[str, list[int]] = {}  # method -> rank of the wanted class without each stroke
        self._past: list[tuple[list[Stroke], int | None]] = []
        self.gallery = self._part(gallery)
        self.wanted = self._class(wanted)
        self._answer()

    # What may be done ------------------------------------------------------------------------------------

    @action
    def draw(self, points: Any, width: float = WIDTH) -> None:
        """One more stroke; an example steps aside."""
        stroke = Stroke.of(points, width)
        self._remember()
        self.strokes, self.example = [*self.strokes, stroke], None
        self._answer()
        if len(points) > MOST:
            kept = f"kept {MOST:,} of the stroke's {len(points):,} points"
            self.message = f"{self.message} {kept}.".strip().capitalize()

    @action
    def erase(self, index: int, of: int | None = None) -> None:
        """Take stroke ``index`` away, unless there are not ``of`` strokes: it may be another by now."""
        if of is not None and of != len(self.strokes):
            self.message = "The strokes have changed since: nothing was taken away."
            return
        self._stroke(index)
        self._remember()
        self.strokes = [s for i, s in enumerate(self.strokes) if i != index]
        self._answer()

    @action
    def undo(self) -> None:
        """Back to before the last stroke, erasure, example or clearing."""
        if not self._past:
            self.message = "Nothing to undo."
            return
        self.strokes, self.example = self._past.pop()
        self._answer()

    @action
    def clear(self) -> None:
        """An empty pad."""
        self._remember()
        self.strokes, self.example = [], None
        self._answer()

    @action
    def pick(self, label: str = "", number: int = 0) -> None:
        """A sketch of the catalogue as the query: the ``number``-th of a class, round and round.

        Of the gallery's own queries, so that it was not trained on; of all others where there is none.
        """
        label = self._class(label or self.wanted) or self.classes[0]
        labels, own = self.catalogue.column("label"), self._first.rows(self.gallery, "sketch")
        rows = own[labels[own] == label]
        if not (held_out := len(rows) > 0):
            rows = self.catalogue.sketches[labels[self.catalogue.sketches] == label]
        if not len(rows):
            raise ValueError(f"label: {self.catalogue.name} has no sketch of {said(label)}; draw one")
        self._remember()
        self.strokes, self.example, self.wanted = [], int(rows[number % len(rows)]), label
        self._answer()
        if not held_out:
            why = f"Here {said(label)} has no queries of its own; this sketch may have been trained on."
            self.message = f"{self.message} {why}".strip()

    @action
    def want(self, label: str) -> None:
        """Say which class is meant; ``""`` for none."""
        self.wanted = self._class(label)
        self._answer()

    @action
    def look_in(self, gallery: str) -> None:
        """Choose the gallery."""
        self.gallery = self._part(gallery)
        self._answer()

    @action
    def say(self, words: str, ask: str = "words") -> None:
        """Ask with words, or with sketch and words: the mean of both vectors."""
        if ask not in ASKS:
            raise ValueError(f"ask: want one of {', '.join(ASKS)}, got {ask!r}")
        self.words, self.ask = str(words).strip()[:200], ask
        self._answer()

    @action
    def neighbours(self, name: str, row: int) -> None:
        """What lies around a photo: the nearest photos and the nearest sketches of the same method."""
        searcher, row = self._searcher(name), int(row)
        gallery = searcher.gallery(self.gallery)
        if row not in (at := {int(r): i for i, r in enumerate(gallery.rows)}):
            raise ValueError(f"row: want a photo of the gallery {self.gallery!r}, got {row}")
        query, near = gallery.vectors[at[row]], {}
        for modality in ("photo", "sketch"):
            if not len(searcher.rows(self.gallery, modality)):
                continue
            around = searcher.gallery(self.gallery, modality)
            found = [int(around.rows[i]) for i in around.index.search(query[None], self.k + 1)[1][0]]
            near[modality] = [r for r in found if r != row][: self.k]
        self.focus = {"name": name, "row": row, **near}

    @action
    def explain(self, name: str) -> None:
        """Why is this wrong? Distances to the wanted class and the nearest wrong one, and the modality."""
        self.why[name] = self._why(self._searcher(name))

    @action
    def take_apart(self) -> None:
        """Take each stroke away in turn: where does the first photo of the wanted class stand then?"""
        if self.ask == "words":
            raise ValueError("Strokes play no part in a question by words.")
        if not self.wanted or len(self.strokes) < 2:
            raise ValueError(
                "Draw at least two strokes and say what it is meant to be; then each can be tried without."
            )
        kept = range(min(len(self.strokes), PARTS))
        less = [[s for j, s in enumerate(self.strokes) if j != i] for i in kept]
        if len(self.strokes) > PARTS:
            self.message = f"Tried without each of the first {PARTS} of {len(self.strokes)} strokes."
        for answer in self.answers:
            if not answer.problem:
                searcher = self.searchers[answer.name]
                vectors = searcher.embed(np.stack([rasterise(one, searcher.size) for one in less]))
                self.without[answer.name] = [self._rank(searcher, self._mixed(searcher, v)) for v in vectors]

    @action
    def close(self, what: str) -> None:
        """Put a panel away: ``"focus"``, ``"without"`` or a method's ``"why"``."""
        self.focus = {} if what == "focus" else self.focus
        self.without = {} if what == "without" else self.without
        self.why = {} if what == "why" else self.why

    # What is asked ----------------------------------------------------------------------------------------

    @property
    def classes(self) -> list[str]:
        """Classes that have photos in the gallery."""
        rows = np.concatenate([self._first.rows(part) for part in self._chosen])
        return sorted(set(self.catalogue.column("label")[rows]))

    def picture(self, size: int = 64) -> NDArray[np.uint8]:
        """The sketch as methods see it: what was drawn, or the example."""
        if self.example is not None:
            return np.asarray(self.catalogue.images([self.example])[0])
        return rasterise(self.strokes, size)

    def query(self, searcher: Searcher) -> NDArray[np.float32] | None:
        """``(D,)`` unit vector of what is asked, None where nothing is."""
        sketch = words = None
        if self.ask != "words" and (self.strokes or self.example is not None):
            if self.example is None:
                asked = self.picture(searcher.size)[None]
            else:
                asked = searcher.pictures([self.example])
            sketch = searcher.embed(asked)[0]
        if self.ask != "sketch" and self.words:
            words = searcher.embed_text([self.words])[0]
        if sketch is None or words is None:
            return words if sketch is None else sketch
        return np.asarray((sketch + words) / max(float(np.linalg.norm(sketch + words)), 1e-12), np.float32)

    def _answer(self) -> None:
        self.why, self.without, self.focus = {}, {}, {}
        self.answers = [self._ask(searcher) for searcher in self.searchers.values()]
        if all(not a.rows and not a.problem for a in self.answers):
            self.message = self._empty()
        elif self.ask != "words" and self.example is None:
            self.message = remark(self.strokes)

    def _ask(self, searcher: Searcher) -> Answer:
        start = time.perf_counter()
        try:
            query = self.query(searcher)
            if query is None:
                return Answer(searcher.name)
            gallery = searcher.gallery(self.gallery)
        except Exception as error:  # a method that fails must not silence the others
            return Answer(searcher.name, problem=told(error))
        near = gallery.near(query)
        places = np.argsort(-near, kind="stable")[: self.k]
        found = Answer(
            searcher.name,
            rows=[int(gallery.rows[i]) for i in places],
            labels=[str(gallery.labels[i]) for i in places],
            distances=[float(distance(near[i])) for i in places],
        )
        if self.wanted in gallery.classes:
            found.rank = self._rank(searcher, query)
            code = int(np.flatnonzero(gallery.classes == self.wanted)[0])
            options = {"metrics": METRICS, "distance": "cosine", "workers": 1}
            result = score_by(near[None], [code], gallery.codes, **options)
            found.metrics = {name: result[name] for name in METRICS}
        found.seconds = time.perf_counter() - start
        return found

    def _rank(self, searcher: Searcher, query: NDArray[np.float32]) -> int:
        """Place of the first photo of the wanted class; equal distances count against it."""
        gallery = searcher.gallery(self.gallery)
        near, right = gallery.near(query), gallery.labels == self.wanted
        return int((near[~right] >= near[right].max()).sum()) + 1 if right.any() else 0

    def _mixed(self, searcher: Searcher, sketch: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.ask != "both" or not self.words:
            return sketch
        both = sketch + searcher.embed_text([self.words])[0]
        return np.asarray(both / max(float(np.linalg.norm(both)), 1e-12), np.float32)

    def _why(self, searcher: Searcher) -> list[str]:
        if not self.wanted:
            raise ValueError("Say first what it is meant to be: without a wanted class nothing is wrong.")
        if (query := self.query(searcher)) is None:
            raise ValueError(self._empty())
        gallery = searcher.gallery(self.gallery)
        right = gallery.labels == self.wanted
        if not right.any():
            return [f"There is no photo of {said(self.wanted)} in this gallery: nothing could be right."]
        d, rank = distance(gallery.near(query)), self._rank(searcher, query)
        hit, miss = np.where(right, d, np.inf).argmin(), np.where(right, np.inf, d).argmin()
        lines = [
            f"The nearest {said(self.wanted)} is at distance {d[hit]:.3f}, rank {rank} of {len(gallery):,}."
        ]
        if right.all():
            return [*lines, "There is no other class here: nothing could be wrong."]
        wrong = str(gallery.labels[miss])
        nearer = int((d[~right] <= d[hit]).sum())
        lines.append(
            f"The nearest wrong class is {said(wrong)}, at {d[miss]:.3f}; {nearer:,} wrong photos are "
            f"no farther than the nearest right one."
        )
        own, other = (
            np.linalg.norm(gallery.centres[gallery.classes == c][0] - query) for c in (self.wanted, wrong)
        )
        verdict = {
            (True, True): "the nearest photo is right, and so is its class",
            (True, False): "the wrong class as a whole is nearer: single photos help",
            (False, True): "its own class as a whole is nearer: single photos mislead",
            (False, False): "the wrong class as a whole is nearer, too",
        }[rank == 1, bool(own < other)]
        lines.append(
            f"To the centres of the two classes: {own:.3f} ({said(self.wanted)}) and {other:.3f} "
            f"({said(wrong)}); {verdict}."
        )
        if len(searcher.rows(self.gallery, "sketch")):
            lines.append(self._modality(searcher, query, rank))
        return lines

    def _modality(self, searcher: Searcher, query: NDArray[np.float32], rank: int) -> str:
        offset = searcher.offset(self.gallery)
        moved = query - offset
        moved = moved / max(float(np.linalg.norm(moved)), 1e-12)
        gallery = searcher.gallery(self.gallery)
        way = query - gallery.centres[gallery.classes == self.wanted][0]
        along = float(way @ offset) / max(float(np.linalg.norm(way) * np.linalg.norm(offset)), 1e-12)
        after = self._rank(searcher, np.asarray(moved, np.float32))
        effect = "no change" if after == rank else "better" if after < rank else "worse"
        return (
            f"Sketches lie {np.linalg.norm(offset):.3f} from photos on average; the way from the class to "
            f"this query points along that offset with cosine {along:.2f}. "
            f"Offset taken off: rank {after}, {effect}."
        )

    # What is shown ----------------------------------------------------------------------------------------

    def shown(self) -> dict[str, Any]:
        empty = not self.strokes and self.example is None
        return {
            "message": self.message,
            "strokes": [{"points": s.points, "width": s.width} for s in self.strokes],
            "example": "" if self.example is None else thumbnail(self.catalogue, self.example),
            "seen_as": "" if empty else url(self.picture(self._first.size)),
            "wanted": self.wanted, "classes": self.classes,
            "gallery": self.gallery, "galleries": [*self.parts, *(["both"] if len(self.parts) > 1 else [])],
            "words": self.words, "ask": self.ask, "reads": any(s.reads for s in self.searchers.values()),
            "can_undo": bool(self._past),
            "answers": [self._shown(answer) for answer in self.answers],
            "focus": self._focus(),
            "without": [
                {"name": name, "now": next(a.rank for a in self.answers if a.name == name), "ranks": ranks}
                for name, ranks in self.without.items()
            ],
        }  # fmt: skip

    def _shown(self, answer: Answer) -> dict[str, Any]:
        photos = [
            {**self._tile(row, label), "distance": round(d, 3)}
            for row, label, d in zip(answer.rows, answer.labels, answer.distances, strict=True)
        ]
        line = f"first {said(self.wanted)} at rank {answer.rank}" if answer.rank else ""
        return {
            "name": answer.name, "problem": answer.problem, "line": line, "photos": photos,
            "ms": round(1000 * answer.seconds), "why": self.why.get(answer.name, []),
            "metrics": [[name, round(value, 4)] for name, value in answer.metrics.items()],
        }  # fmt: skip

    def _tile(self, row: int, label: str | None = None) -> dict[str, Any]:
        label = str(self.catalogue.column("label")[row]) if label is None else label
        sign = "" if not self.wanted else "✓" if label == self.wanted else "✗"
        return {"row": row, "label": said(label), "sign": sign, "url": thumbnail(self.catalogue, row)}

    def _focus(self) -> dict[str, Any]:
        if not self.focus:
            return {}
        near: dict[str, Any] = {
            m: [self._tile(row) for row in self.focus[m]] for m in ("photo", "sketch") if m in self.focus
        }
        return {"name": self.focus["name"], "of": self._tile(self.focus["row"]), **near}

    def twin(self) -> Sheet:
        asked = self._asked()
        rows = []
        for answer in self.answers:
            pictures = self.catalogue.images(answer.rows) if answer.rows else []
            tiles = [self._tile(row, label) for row, label in zip(answer.rows, answer.labels, strict=True)]
            cells = [(p, t["label"], t["sign"]) for p, t in zip(pictures, tiles, strict=True)]
            name = answer.name + (f": {answer.problem}" if answer.problem else "")
            if answer.metrics:
                name += f": rank {answer.rank}, AP@all {answer.metrics['mAP@all']:.3f}"
            query = [] if self.ask == "words" or not answer.rows else [(self.picture(), "the query", "")]
            rows.append((name, [*query, *cells]))
        found = "; ".join(
            f"{a.name}: {', '.join(map(said, a.labels)) or a.problem or 'nothing yet'}" for a in self.answers
        )
        title = f"{asked}, against {self.gallery} classes"
        return strips(
            rows, title=title, words=self.message, alt=f"Sketchpad. {title}. {found}. {self.message}".strip()
        )

    # Small matters ----------------------------------------------------------------------------------------

    def _asked(self) -> str:
        what = f"sketch {self.example} of {said(self.wanted)}" if self.example is not None else (
            f"A drawing of {len(self.strokes)} strokes" if self.strokes else "An empty pad"
        )  # fmt: skip
        if self.ask == "words":
            what = f"the words “{self.words}”"
        elif self.ask == "both" and self.words:
            what += f" with the words “{self.words}”"
        return what[0].upper() + what[1:]

    def _empty(self) -> str:
        return "Nothing asked yet: draw something, pick an example" + (
            ", or write a few words." if any(s.reads for s in self.searchers.values()) else "."
        )

    @property
    def _first(self) -> Searcher:
        return next(iter(self.searchers.values()))

    @property
    def _chosen(self) -> tuple[str, ...]:
        return self.parts if self.gallery == "both" else (self.gallery,)

    def _remember(self) -> None:
        self._past = [*self._past[-99:], (self.strokes, self.example)]

    def _part(self, gallery: str) -> str:
        known = [*self.parts, "both"]
        if gallery not in known:
            raise ValueError(f"gallery: want one of {', '.join(known)}, got {gallery!r}")
        return gallery

    def _class(self, label: str) -> str:
        every = self.catalogue.classes
        name = label if label in every else normalise(label) if label else ""
        if name and name not in every:
            raise ValueError(f"class: {self.catalogue.name} has no {label!r}{suggest(name, every)}")
        return name

    def _stroke(self, index: int) -> None:
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(self.strokes):
            raise ValueError(f"index: want a stroke from 0 to {len(self.strokes) - 1}, got {index!r}")

    def _searcher(self, name: str) -> Searcher:
        if name not in self.searchers:
            raise ValueError(f"name: want one of {', '.join(self.searchers)}, got {name!r}")
        return self.searchers[name]
