"""Small pictures for a browser, and strips of pictures for paper."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from sbirkit.data.sheets import CARD, INK, Sheet
from sbirkit.retrieval.plots import HIT, MISS

Strip = tuple[str, Sequence[tuple[np.ndarray, str, str]]]  # a title; picture, words, "✓" or "✗" or ""


def url(picture: np.ndarray) -> str:
    """A picture inside its own address: JPEG for photos, PNG for drawings."""
    data, photo = io.BytesIO(), picture.ndim == 3
    options: dict[str, Any] = {"quality": 85} if photo else {"compress_level": 6}
    Image.fromarray(picture).save(data, "JPEG" if photo else "PNG", **options)
    kind = "jpeg" if photo else "png"
    return f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode()}"


def said(name: Any) -> str:
    """A class as words."""
    return str(name).replace("_", " ")


def strips(rows: Sequence[Strip], *, title: str, alt: str, words: str = "") -> Sheet:
    """Rows of pictures, each under its own title; what is right and wrong has a colour *and* a sign."""
    across = max([6, *(len(cells) for _, cells in rows)])
    head = 0.42 + 0.2 * bool(words)
    figure = Sheet(figsize=(0.98 * across + 0.2, head + 1.45 * max(1, len(rows))), facecolor=CARD, dpi=110)
    figure.alt = alt
    width, height = figure.get_size_inches()
    page = figure.add_axes((0, 0, 1, 1))
    page.set(xlim=(0, width), ylim=(height, 0))
    page.axis("off")
    ink: dict[str, Any] = {"color": INK, "parse_math": False, "va": "center"}
    page.text(0.1, 0.2, title, fontsize=10, weight="bold", **ink)
    if words:
        page.text(0.1, 0.45, words, fontsize=8, **ink)
    for i, (name, cells) in enumerate(rows):
        top = head + 1.45 * i
        page.text(0.1, top + 0.1, name, fontsize=8.5, **ink)
        for j, (picture, text, sign) in enumerate(cells):
            left, colour = 0.1 + 0.98 * j, {"✓": HIT, "✗": MISS}.get(sign, INK)
            page.imshow(picture, "gray", vmin=0, vmax=255, extent=(left, left + 0.9, top + 1.12, top + 0.22))
            edge = page.add_patch(_frame(left, top + 0.22, 0.9, colour, 2.2 if sign else 0.8))
            edge.set_clip_on(False)
            page.text(left, top + 1.24, f"{sign} {said(text)}".strip()[:15], fontsize=7.5, **ink)
    page.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
    return figure


def _frame(x: float, y: float, side: float, colour: str, line: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), side, side, fill=False, edgecolor=colour, linewidth=line)
