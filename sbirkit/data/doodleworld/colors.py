"""Named colours, so that a caption can say what was drawn."""

RGB = tuple[float, float, float]

PALETTE: dict[str, RGB] = {
    "red": (0.80, 0.16, 0.15),
    "orange": (0.93, 0.52, 0.14),
    "yellow": (0.95, 0.81, 0.22),
    "green": (0.27, 0.58, 0.24),
    "lime": (0.60, 0.78, 0.27),
    "teal": (0.15, 0.55, 0.55),
    "blue": (0.18, 0.38, 0.74),
    "sky": (0.53, 0.75, 0.92),
    "purple": (0.49, 0.27, 0.62),
    "pink": (0.94, 0.60, 0.68),
    "brown": (0.48, 0.31, 0.18),
    "tan": (0.80, 0.65, 0.45),
    "cream": (0.95, 0.90, 0.76),
    "white": (0.94, 0.94, 0.93),
    "silver": (0.74, 0.76, 0.79),
    "grey": (0.52, 0.53, 0.55),
    "dark": (0.25, 0.25, 0.27),
    "black": (0.11, 0.11, 0.12),
    "gold": (0.84, 0.66, 0.25),
    "skin": (0.90, 0.72, 0.58),
    "glass": (0.68, 0.84, 0.90),
}


def shade(color: RGB | str, by: float) -> RGB:
    """Towards white for ``by > 0``, towards black for ``by < 0``.

    >>> shade((0.5, 0.5, 0.5), -1.0)
    (0.0, 0.0, 0.0)
    """
    rgb = PALETTE[color] if isinstance(color, str) else color
    goal = 1.0 if by > 0 else 0.0
    red, green, blue = (c + (goal - c) * abs(by) for c in rgb)
    return (red, green, blue)
