"""What can be said about a figure: captions, attribute vectors and a family tree."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from ..streams import stream
from .colors import PALETTE
from .grammar import Drawing, Figure

_PAIRS = {"scissors", "eyeglasses", "trousers", "headphones"}
_UNCOUNTED = {"skin", "fruit", "wine", "fur", "wool", "hair", "icing", "smoke"}
_OPENINGS = {
    "photo": (
        "{}",
        "{}",
        "a photo of {}",
        "a picture of {}",
        "{} in the scene",
        "there is {} here",
        "we see {}",
    ),
    "sketch": (
        "{}",
        "a sketch of {}",
        "a drawing of {}",
        "{}, drawn by hand",
        "a quick sketch of {}",
        "{} in pencil",
    ),
}


def name(label: str) -> str:
    """``hot_air_balloon`` -> ``hot air balloon``; things that come in pairs say so."""
    words = label.replace("_", " ")
    return f"pair of {words}" if label in _PAIRS else words


def article(phrase: str) -> str:
    """
    >>> article("orange cup"), article("red cup")
    ('an orange cup', 'a red cup')
    """
    return f"{'an' if phrase[0] in 'aeio' or phrase.startswith('umb') else 'a'} {phrase}"


def _counted(feature: str) -> str:
    """``round windows`` stays; ``round back`` -> ``a round back``."""
    first, *_, last = feature.split()
    settled = first in {"a", "an", "no", "one", "two", "three"} or last.endswith("s") or last in _UNCOUNTED
    return feature if settled else article(feature)


def caption(label: str, figure: Figure, modality: str, rng: np.random.Generator) -> str:
    """One true sentence about an individual, worded differently each time.

    A sketch shows no colours, so its captions name none. What is told, and in which words, is chance:
    now and then only the name.
    """
    coloured = modality == "photo"
    adjectives = [a for a in figure.adjectives if coloured or a not in PALETTE]
    features = [f for f in figure.features if coloured or not PALETTE.keys() & set(f.split())]
    told = [a for a in adjectives if rng.random() < 0.75]
    phrase = article(" ".join([*sorted(told, key=lambda a: a in PALETTE), name(label)]))
    kept = [_counted(f) for f in features if rng.random() < 0.6][:2]
    if kept:
        phrase += " with " + " and ".join(kept)
    openings = _OPENINGS[modality]
    return openings[int(rng.integers(len(openings)))].format(phrase)


def attributes(label: str, drawing: Drawing, *, individuals: int = 16) -> dict[str, float]:
    """Which kinds of parts a class has, and in which share of its individuals.

    Counted from the drawing itself, so no table of attributes can disagree with the pictures.
    """
    counts: Counter[str] = Counter()
    for k in range(individuals):
        figure = Figure(stream(0, "attributes", label, k))
        drawing(figure)
        counts.update({part.kind for part in figure.parts})
    return {kind: round(n / individuals, 4) for kind, n in sorted(counts.items())}


def attribute_matrix(classes: Mapping[str, Mapping], labels: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """``(len(labels), kinds)`` float32 and the kinds' names, from the ``classes`` of a catalogue's card."""
    kinds = sorted({kind for label in labels for kind in classes[label]["attributes"]})
    rows = [[classes[label]["attributes"].get(kind, 0.0) for kind in kinds] for label in labels]
    return np.asarray(rows, np.float32), kinds


def kinship(a: Sequence[str], b: Sequence[str]) -> float:
    """Wu-Palmer similarity of two paths from the root of the family tree: 1 for the same class.

    >>> kinship(["thing", "animal", "mammal", "cow"], ["thing", "animal", "mammal", "pig"])
    0.75
    """
    shared = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return 2 * shared / (len(a) + len(b))
