"""Turn the knobs of Doodle World: the pictures change, and so does what each method makes of them."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbirkit.data.doodleworld import KNOBS, World, splits
from sbirkit.data.names import normalise, suggest
from sbirkit.data.sheets import CARD, GREY, INK, Sheet
from sbirkit.runs.knob_curves import at, read, stale

from .pictures import said, url
from .state import State, action

SIDE = 96  # of a picture, in pixels
PEOPLE = 4  # individuals side by side
TURNABLE = {  # knob -> what it does
    "gap": "how far a sketch is from its photo: viewpoint, proportions, light, texture",
    "abstraction": "how much people leave out when they draw",
    "diversity": "how much the individuals of a class differ in build",
    "clutter": "how many other things stand in a photo",
}
ASKED = {"class": "find any photo of the class", "object": "find the photo of this very object"}
NAMES = {"hog": "edges (HOG)", "frozen": "frozen", "softmax": "softmax", "ramln": "RAMLN", "dsn": "DSN",
         "masbir": "MA-SBIR", "bdasketret": "BDA-SketRet"}  # fmt: skip
COLOURS = ("#767676", "#8C6D1F", "#E69F00", "#0072B2", "#D55E00", "#009E73", "#CC79A7")
DASHES = ((2, 2), (6, 2, 1, 2), (4, 2), (), (8, 3), (5, 2, 1, 2, 1, 2), (3, 1))
MARKS = ("s", "v", "P", "o", "^", "D", "X")  # of matplotlib
PLAIN = World()


class KnobsState(State):
    """The world's knobs, some of its pictures, and the curves that were measured.

    Args:
        label: a class of the benchmark whose individuals are drawn.
        knob: the one whose curves are shown first.
        curves: a record of :mod:`sbirkit.runs.knob_curves`, by default the shipped one; ``{}`` for none.

    >>> knobs = KnobsState("owl", curves={})
    >>> knobs.turn("gap", 2)
    >>> knobs.position["gap"], knobs.message
    (2.0, 'No curves were measured here: `python -m sbirkit.runs.knob_curves` makes them.')
    """

    script = "knobs"

    def __init__(
        self, label: str = "owl", *, knob: str = "gap", curves: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.curves = read() if curves is None else dict(curves)
        self.changed_since = stale(self.curves) if curves is None and self.curves else []
        self.position = {name: float(getattr(PLAIN, name)) for name in TURNABLE}
        self.first, self.task, self.spot = 0, "class", ""
        self.label, self.knob = self._class(label), self._knob(knob)
        self.message = self._remark()

    # What may be done ------------------------------------------------------------------------------------

    @action
    def turn(self, knob: str, value: float) -> None:
        """Turn one knob, to 0.05; its curves are shown."""
        low, high = KNOBS[self._knob(knob)]
        sound = isinstance(value, int | float) and not isinstance(value, bool)
        if not sound or not low <= value <= high:
            raise ValueError(f"{knob}: want {low:g} to {high:g}, got {value!r}")
        self.knob, self.position[knob] = knob, round(round(value * 20) / 20, 2)
        self.message = self._remark()

    @action
    def look_at(self, knob: str) -> None:
        """Show the curves of a knob, which stays where it is."""
        self.knob = self._knob(knob)
        self.message = self._remark()

    @action
    def choose(self, label: str) -> None:
        """Individuals of another class."""
        self.label = self._class(label)
        self.message = self._remark()

    @action
    def others(self) -> None:
        """Other individuals of the class."""
        self.first += PEOPLE
        self.message = self._remark()

    @action
    def ask(self, task: str) -> None:
        """What the curves are about: finding the class, or the very object."""
        if task not in ASKED:
            raise ValueError(f"task: want one of {', '.join(ASKED)}, got {task!r}")
        self.task = task
        self.message = self._remark()

    @action
    def light(self, name: str) -> None:
        """Draw one method's curve strongly, the others faintly; again, or ``""``, for all alike."""
        if name and name not in self.methods:
            raise ValueError(f"name: want one of {', '.join(self.methods) or 'none'}, got {name!r}")
        self.spot = "" if name == self.spot else name
        self.message = self._remark()

    @action
    def reset(self) -> None:
        """All knobs to where the benchmark has them."""
        self.position = {name: float(getattr(PLAIN, name)) for name in TURNABLE}
        self.message = self._remark()

    # What is known ----------------------------------------------------------------------------------------

    @property
    def methods(self) -> list[str]:
        """Those that were measured."""
        return [*self.curves["made_with"]["methods"]] if self.curves else []

    @property
    def elsewhere(self) -> list[str]:
        """Knobs away from the benchmark, beside the one whose curve is shown."""
        return [n for n, value in self.position.items() if n != self.knob and value != getattr(PLAIN, n)]

    def world(self) -> World:
        """The world at this position, with the individuals of the benchmark."""
        return World(**self.position)  # type: ignore[arg-type]

    def readings(self) -> dict[str, dict[str, Any]]:
        """Method -> its curve read where the knob stands."""
        value = self.position[self.knob]
        return {name: at(self.curves, self.task, self.knob, name, value) for name in self.methods}

    def pairs(self, world: World) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
        """Sketch and photo of each individual shown."""
        return [_pair(world, self.label, self.first + k) for k in range(PEOPLE)]

    # What is shown ----------------------------------------------------------------------------------------

    def shown(self) -> dict[str, Any]:
        curves = self.curves["curves"][self.task][self.knob] if self.curves else {}
        reading = self.readings()
        return {
            "message": self.message, "label": self.label, "classes": PLAIN.labels,
            "unseen": [*splits()["unseen-16"]],
            "knob": self.knob, "task": self.task, "tasks": ASKED, "spot": self.spot,
            "knobs": [
                {"name": n, "value": self.position[n], "low": KNOBS[n][0], "high": KNOBS[n][1],
                 "plain": getattr(PLAIN, n), "words": words}
                for n, words in TURNABLE.items()
            ],
            "before": [[url(p) for p in pair] for pair in self.pairs(PLAIN)],
            "now": [[url(p) for p in pair] for pair in self.pairs(self.world())],
            "metric": self.curves["tasks"][self.task][0] if self.curves else "",
            "values": self.curves["values"][self.knob] if self.curves else [],
            "plainly": not self.elsewhere, "basis": self._basis(),
            "curves": [
                {"name": name, "title": NAMES.get(name, name),
                 "colour": COLOURS[k % 7], "dash": DASHES[k % 7], "means": [p["mean"] for p in curves[name]],
                 "bands": [p["interval"] for p in curves[name]], "here": reading[name]}
                for k, name in enumerate(self.methods)
            ],
        }  # fmt: skip

    def twin(self) -> Sheet:
        """A row for each knob: two individuals at the measured settings, and the curves with a mark."""
        values = self.curves["values"] if self.curves else {n: np.linspace(*KNOBS[n], 5) for n in TURNABLE}
        figure = Sheet(figsize=(10.4, 1.72 * len(TURNABLE) + 0.75), facecolor=CARD, dpi=100)
        height = figure.get_figheight()
        for i, knob in enumerate(TURNABLE):
            top = height - 0.42 - 1.72 * i
            figure.text(
                0.015, top / height, f"{knob}: {TURNABLE[knob]}", fontsize=9, weight="bold", color=INK
            )
            for j, value in enumerate(values[knob]):
                world, left = World(**{knob: float(value)}), 0.15 + 1.3 * j  # type: ignore[arg-type]
                for row in (0, 1):  # two individuals
                    low = (top - 0.72 - 0.63 * row) / height
                    for k, picture in enumerate(_pair(world, self.label, self.first + row)):
                        box = figure.add_axes(((left + 0.6 * k) / 10.4, low, 0.58 / 10.4, 0.58 / height))
                        box.imshow(picture, "gray", vmin=0, vmax=255)
                        box.axis("off")
                figure.text(left / 10.4, (top - 1.49) / height, f"{value:g}", fontsize=8, color=INK)
            if self.curves:
                ax = figure.add_axes((7.2 / 10.4, (top - 1.32) / height, 2.9 / 10.4, 1.3 / height))
                self._plot(ax, knob)
        if self.curves:
            handles, names = ax.get_legend_handles_labels()
            figure.legend(
                handles, names, ncols=7, loc="lower center", frameon=False, fontsize=8, labelcolor=INK
            )
        place = ", ".join(f"{n} {v:g}" for n, v in self.position.items())
        title = f"Doodle World's knobs: {said(self.label)}; {ASKED[self.task]}; you stand at {place}"
        figure.text(0.015, 1 - 0.2 / height, title, fontsize=10, color=INK)
        figure.alt = f"{title}. {self._spoken()} {self.message}".strip()
        return figure

    def _plot(self, ax: Any, knob: str) -> None:
        for k, name in enumerate(self.methods):
            points, x = self.curves["curves"][self.task][knob][name], self.curves["values"][knob]
            faint = bool(self.spot) and name != self.spot
            ax.plot(x, [p["mean"] for p in points], marker=MARKS[k % 7], ms=3.5, lw=1.4, color=COLOURS[k % 7],
                    alpha=0.3 if faint else 1, label=NAMES.get(name, name))  # fmt: skip
            low, high = zip(*(p["interval"] for p in points), strict=True)
            ax.fill_between(x, low, high, color=COLOURS[k % 7], alpha=0.04 if faint else 0.12, lw=0)
        ax.axvline(self.position[knob], color=INK, ls="--", lw=1.2)
        ax.set(ylim=(0, None))
        ax.set_ylabel(self.curves["tasks"][self.task][0], fontsize=8, color=INK)
        ax.tick_params(labelsize=7, colors=INK)
        ax.set_facecolor(CARD)
        for side, spine in ax.spines.items():
            spine.set(color=GREY, visible=side in ("left", "bottom"))

    # Small matters ----------------------------------------------------------------------------------------

    def _basis(self) -> str:
        """What the curves stand on."""
        if not self.curves:
            return ""
        c = self.curves
        return (
            f"{c['queries']} sketches of unseen classes in {len(c['worlds'])} fresh worlds, {c['gallery']} "
            f"photos in each; right is {c['tasks'][self.task][1]}. Weights of seed {c['seed']}. "
            f"Bands: {c['interval']}."
        )

    def _remark(self) -> str:
        if not self.curves:
            return "No curves were measured here: `python -m sbirkit.runs.knob_curves` makes them."
        if self.changed_since:
            return f"The curves are older than {', '.join(self.changed_since)}: measure them again."
        if self.elsewhere:
            stand = " and ".join(self.elsewhere) + (" stands" if len(self.elsewhere) == 1 else " stand")
            return (
                f"The curve of {self.knob} was measured with the other knobs as the benchmark has them; here "
                f"{stand} elsewhere, so it does not speak of these pictures."
            )
        return ""

    def _spoken(self) -> str:
        value, found = self.position[self.knob], self.readings()
        read_off = ", ".join(f"{NAMES.get(n, n)} {r['mean']:.3f}" for n, r in found.items())
        return f"At {self.knob} {value:g}: {read_off}." if found else ""

    def _knob(self, knob: str) -> str:
        if knob not in TURNABLE:
            raise ValueError(f"knob: want one of {', '.join(TURNABLE)}, got {knob!r}")
        return knob

    def _class(self, label: str) -> str:
        name = normalise(str(label))
        if name not in PLAIN.labels:
            raise ValueError(f"label: Doodle World has no {label!r}{suggest(name, PLAIN.labels)}")
        return name


@functools.lru_cache(maxsize=512)
def _pair(world: World, label: str, individual: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return world.sketch(label, individual, size=SIDE), world.photo(label, individual, SIDE)
