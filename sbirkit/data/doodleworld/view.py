"""Where the onlooker stands: figure units to pixels, with a turn, a lean and some perspective."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class View:
    """``View()`` looks straight at a figure that fills the picture."""

    turn: float = 0.0  # degrees, counter-clockwise
    lean: float = 0.0  # shear
    squeeze: float = 1.0  # width seen, as when walking round the object
    keystone: float = 0.0  # perspective: > 0 makes the right side look nearer
    scale: float = 0.82
    dx: float = 0.0
    dy: float = 0.0
    mirror: bool = False

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "View":
        """A photographer's choice."""
        u = rng.random(8) * 2 - 1
        scale = 0.74 + 0.13 * u[4]
        room = 0.9 * (0.97 - scale)
        return cls(
            turn=18 * u[0] * abs(u[0]),
            lean=0.15 * u[1],
            squeeze=0.8 + 0.2 * u[2],
            keystone=0.25 * u[3],
            scale=scale,
            dx=room * u[5],
            dy=room * u[6],
            mirror=bool(u[7] > 0),
        )

    def toward(self, other: "View", share: float) -> "View":
        """This view moved towards ``other`` by ``share`` in [0, 1]; whom it faces does not blend."""
        mixed = {
            name: (1 - share) * getattr(self, name) + share * getattr(other, name)
            for name in ("turn", "lean", "squeeze", "keystone", "scale", "dx", "dy")
        }
        return replace(self, **mixed)

    def matrix(self) -> NDArray[np.float64]:
        """Linear part of the view, acting on column vectors."""
        c, s = np.cos(np.radians(self.turn)), np.sin(np.radians(self.turn))
        side = -1.0 if self.mirror else 1.0
        return self.scale * np.array([[c, -s], [s, c]]) @ np.array([[self.squeeze * side, self.lean], [0, 1]])

    def __call__(self, xy: NDArray[np.float64], size: int) -> NDArray[np.float64]:
        """Figure units ``(N, 2)`` to pixels ``(N, 2)``."""
        seen = xy @ self.matrix().T
        if self.keystone:
            seen /= 1 - self.keystone * np.minimum(1.2, np.maximum(-1.2, seen[:, :1]))
        seen += (1 + self.dx, 1 + self.dy)
        seen *= size / 2
        return seen

    def each(self, lines: Sequence[NDArray[np.float64]], size: int) -> list[NDArray[np.float64]]:
        """The same for many outlines at once, which is quicker."""
        ends = np.cumsum([len(line) for line in lines])[:-1]
        return np.split(self(np.concatenate(lines), size), ends) if lines else []
