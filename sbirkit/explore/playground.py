"""Drag points and see a loss answer: its value, where it pushes, which pairs take part."""

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbirkit.data.sheets import GREY, Sheet, canvas
from sbirkit.retrieval import score

from .games import GAMES, KINDS, PRESETS, Dot
from .state import State, action

EDGE = 1.6  # the plane goes from -EDGE to EDGE
MOST = 14  # points; all pairs are looked at
COLOURS = ("#0072B2", "#B34A00", "#00734F", "#A9487F")  # white numbers can be read on each
MARKS = {"sketch": "o", "photo": "s", "vector": "D"}


class PlaygroundState(State):
    """A loss, some points, and gradient descent by hand.

    >>> play = PlaygroundState("triplet")
    >>> before = play.value
    >>> play.run(50)
    >>> play.value < before
    True
    """

    script = "playground"

    def __init__(self, game: str = "triplet", *, rate: float = 0.1) -> None:
        super().__init__()
        self.game, self.preset, self.story = "", "", ""
        self.dots: list[Dot] = []
        self.knobs: dict[str, Any] = {}
        self.history: list[float] = []
        self.rate = 0.1
        self._begin(game)
        self._pace(rate)

    # What may be done ------------------------------------------------------------------------------------

    @action
    def choose(self, game: str) -> None:
        """Another loss, from its own start."""
        self._begin(game)

    @action
    def tell(self, preset: str) -> None:
        """A preset: points and knobs that show an argument."""
        if preset not in PRESETS:
            raise ValueError(f"preset: want one of {', '.join(PRESETS)}, got {preset!r}")
        chosen = PRESETS[preset]
        self._begin(chosen.game)
        self.preset, self.story = preset, chosen.story
        self.knobs |= chosen.knobs
        if chosen.dots:
            self.dots = chosen.dots()
        self._measure()

    @action
    def turn(self, knob: str, value: Any) -> None:
        """One knob of the loss."""
        known = GAMES[self.game].knobs
        if knob not in known:
            raise ValueError(f"knob: {self.game} has {', '.join(known) or 'none'}; got {knob!r}")
        self.knobs[knob] = known[knob].check(knob, value)
        self._measure()

    @action
    def move(self, index: int, x: float, y: float) -> None:
        """Put a point somewhere else."""
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(self.dots):
            raise ValueError(f"index: want a point from 0 to {len(self.dots) - 1}, got {index!r}")
        if not all(isinstance(v, int | float) and math.isfinite(v) for v in (x, y)):
            raise ValueError(f"x, y: want numbers, got {x!r} and {y!r}")
        x, y = (min(EDGE, max(-EDGE, float(v))) for v in (x, y))
        self.dots[index] = replace(self.dots[index], x=x, y=y)
        self._measure()

    @action
    def pace(self, rate: float) -> None:
        """The length of a step."""
        self._pace(rate)

    @action
    def step(self) -> None:
        """One step of gradient descent."""
        self._descend(1)

    @action
    def run(self, steps: int = 100) -> None:
        """Many steps, or fewer when nothing moves any more."""
        if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= 1000:
            raise ValueError(f"steps: want 1 to 1000, got {steps!r}")
        self._descend(steps)

    @action
    def again(self) -> None:
        """From the start, knobs as they are."""
        chosen = PRESETS[self.preset].dots if self.preset else None
        self.dots = (chosen or GAMES[self.game].start)()
        self.history = []
        self._measure()

    # How it is computed -----------------------------------------------------------------------------------

    def loss(self, x: Tensor) -> Tensor:
        """The loss of ``(N, 2)`` places, with the kinds and classes of the points."""
        points = SimpleNamespace()
        for kind in KINDS:
            at = [i for i, dot in enumerate(self.dots) if dot.kind == kind]
            setattr(points, kind, x[at])
            setattr(points, f"y_{kind}", torch.tensor([self.dots[i].label for i in at], dtype=torch.int64))
        return GAMES[self.game].loss(points, **self.knobs)

    def _places(self) -> Tensor:
        return torch.tensor([(d.x, d.y) for d in self.dots], dtype=torch.float64)

    def _slope(self, x: Tensor) -> tuple[float, Tensor]:
        x = x.clone().requires_grad_()
        loss = self.loss(x)
        if not loss.requires_grad:
            return loss.item(), torch.zeros_like(x)
        grad = torch.autograd.grad(loss, x, allow_unused=True)[0]
        return loss.item(), torch.zeros_like(x) if grad is None else grad

    def _measure(self) -> None:
        """Value, gradient and the pairs that take part, at the places of now."""
        x = self._places()
        self.value, self.gradient = self._slope(x)
        self.pairs = self._active(x)

    def _active(self, x: Tensor) -> list[tuple[int, int, float]]:
        r"""Pairs that the loss ties together: those whose block of second derivatives is not zero.

        .. math:: w_{ij} = \lVert \partial^2 L / \partial x_i \partial x_j \rVert > 0

        A hinge that is satisfied has none; nor has a constant, whatever its value.
        """
        if not self.loss(x.clone().requires_grad_()).requires_grad:
            return []
        n = len(self.dots)
        h = torch.autograd.functional.hessian(self.loss, x).view(n, 2, n, 2)
        weight = h.nan_to_num(posinf=0, neginf=0).pow(2).sum((1, 3)).sqrt()
        if GAMES[self.game].directions:  # a point at the origin has none
            somewhere = x.norm(dim=1) > 1e-9
            weight = weight * (somewhere[:, None] & somewhere)
        top = float(weight.max())
        return [
            (i, j, round(float(weight[i, j]) / top, 3))
            for i in range(n)
            for j in range(i)
            if weight[i, j] > max(1e-9, 0.02 * top)
        ]

    def _descend(self, steps: int) -> None:
        x = self._places()
        for _ in range(steps):
            value, grad = self._slope(x)
            self.history.append(value)
            if grad.norm() < 1e-6:
                self.message = "No gradient: nothing moves."
                break
            x = x - self.rate * grad
            if GAMES[self.game].directions:  # only directions count: stay on the circle
                still = torch.tensor([d.kind == "vector" for d in self.dots])[:, None]
                x = torch.where(still, x, torch.nn.functional.normalize(x, dim=1))
            x = x.clamp(-EDGE, EDGE)
        self.history = self.history[-500:]
        self.dots = [replace(d, x=a, y=b) for d, (a, b) in zip(self.dots, x.tolist(), strict=True)]
        self._measure()

    def readings(self) -> dict[str, float]:
        """What retrieval would say of these points, and how far the modalities are apart."""
        x = self._places().numpy()
        side = {k: [i for i, d in enumerate(self.dots) if d.kind == k] for k in KINDS}
        labels = np.array([d.label for d in self.dots])
        s, p = side["sketch"], side["photo"]
        found = score(x[s] + 1e-12, x[p] + 1e-12, labels[s], labels[p], metrics=["mAP@all"], workers=1)
        gap = float(np.linalg.norm(x[s].mean(0) - x[p].mean(0)))
        return {
            "loss": self.value,
            "length of the gradient": float(self.gradient.norm()),
            "mAP@all": found["mAP@all"],
            "modality gap": gap,
        }

    def _begin(self, game: str) -> None:
        if game not in GAMES:
            raise ValueError(f"game: want one of {', '.join(GAMES)}, got {game!r}")
        self.game, self.preset, self.story = game, "", ""
        self.dots, self.history = GAMES[game].start(), []
        self.knobs = {name: knob.start for name, knob in GAMES[game].knobs.items()}
        self._measure()

    def _pace(self, rate: float) -> None:
        sound = isinstance(rate, int | float) and not isinstance(rate, bool)
        if not sound or not 0.001 <= rate <= 1:
            raise ValueError(f"rate: want 0.001 to 1, got {rate!r}")
        self.rate = float(rate)

    # What is shown ----------------------------------------------------------------------------------------

    def shown(self) -> dict[str, Any]:
        game = GAMES[self.game]
        return {
            "message": self.message, "edge": EDGE, "rate": self.rate,
            "game": self.game, "games": {name: g.title for name, g in GAMES.items()},
            "preset": self.preset, "presets": {name: p.title for name, p in PRESETS.items()},
            "words": self.story or game.look,
            "knobs": [
                {"name": n, "value": self.knobs[n], "low": k.low, "high": k.high, "names": k.names}
                for n, k in game.knobs.items()
            ],
            "dots": [
                {"kind": d.kind, "label": d.label, "x": d.x, "y": d.y, "name": d.name,
                 "colour": COLOURS[d.label % 4], "push": (-g).tolist()}
                for d, g in zip(self.dots, self.gradient, strict=True)
            ],
            "pairs": [(i, j, weight, self._same(i, j)) for i, j, weight in self.pairs],
            "directions": game.directions, "history": self.history,
            "readings": [[name, f"{value:.4f}"] for name, value in self.readings().items()],
        }  # fmt: skip

    def _same(self, i: int, j: int) -> bool:
        """Whether two points are of one class; a vector with a name is of none."""
        a, b = self.dots[i], self.dots[j]
        return a.label == b.label and not a.name and not b.name

    def twin(self) -> Sheet:
        figure, ax = canvas(4.6, 4.9)
        game = GAMES[self.game]
        if game.directions:
            ring = np.linspace(0, 2 * np.pi, 200)
            ax.plot(np.cos(ring), np.sin(ring), color=GREY, lw=0.7, alpha=0.6)
        for i, j, weight in self.pairs:
            a, b = self.dots[i], self.dots[j]
            style = "-" if self._same(i, j) else ":"
            ax.plot([a.x, b.x], [a.y, b.y], color=GREY, lw=0.5 + 2 * weight, ls=style)
        arrow = {"arrowstyle": "->", "color": GREY}
        longest = max(float(self.gradient.norm(dim=1).max()), 1e-12)
        for d, g in zip(self.dots, (-self.gradient / longest * 0.35).tolist(), strict=True):
            ax.plot(d.x, d.y, MARKS[d.kind], ms=10, color=COLOURS[d.label % 4], mec=GREY)
            ax.annotate(str(d.label), (d.x, d.y), color="white", ha="center", va="center", fontsize=7)
            if math.hypot(*g) > 0.01:
                ax.annotate("", (d.x + g[0], d.y + g[1]), (d.x, d.y), arrowprops=arrow)
        ax.set(xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE), aspect="equal", xticks=[], yticks=[])
        title = PRESETS[self.preset].title if self.preset else game.title
        ax.set_title(f"{title}: loss {self.value:.4f}", fontsize=10)
        read = ", ".join(f"{name} {value:.3f}" for name, value in self.readings().items())
        figure.alt = (
            f"Loss playground, {title}. {len(self.dots)} points, sketches round, photos square, "
            f"learned vectors as diamonds; {len(self.pairs)} active pairs. {read}. {self.story or game.look}"
        )
        return figure
