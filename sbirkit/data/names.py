"""Class names. Data sets spell them differently; this is the one place where spelling is settled."""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence

_KEPT = ("L", "M", "N")  # Unicode letters, the marks that sit on them, and digits


def normalise(name: str) -> str:
    """Lower-case words joined by ``_``; spaces and punctuation only separate words.

    So the spellings of one class meet, and different classes stay apart. A path such as ``../cat`` is
    only a strange way to write ``cat``.

    >>> [normalise(n) for n in ("hot-air_balloon", "Hot air balloon", "car_(sedan)", "T-shirt")]
    ['hot_air_balloon', 'hot_air_balloon', 'car_sedan', 't_shirt']
    >>> normalise("computer-mouse") == normalise("mouse (animal)")
    False
    """
    if not isinstance(name, str):
        raise TypeError(f"name: want a class name (str), got {type(name).__name__}")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    kept = "".join(c if unicodedata.category(c)[0] in _KEPT else " " for c in folded)
    if not (words := kept.split()):
        raise ValueError(f"name: want a class name with at least one letter or digit, got {name!r}")
    return "_".join(words)


def normalise_all(names: Iterable[str], *, where: str) -> tuple[str, ...]:
    """Normalise a list in its own order; two entries that mean one class are an error.

    >>> normalise_all(["Teddy-bear", "cat"], where="my list")
    ('teddy_bear', 'cat')
    """
    first: dict[str, str] = {}
    for name in [names] if isinstance(names, str) else names:
        if (key := normalise(name)) in first:
            raise ValueError(f"{where}: {name!r} repeats {first[key]!r} (both are {key!r}); keep one of them")
        first[key] = name
    return tuple(first)


def suggest(name: str, known: Sequence[str]) -> str:
    """`` (did you mean 'hot_dog'?)`` or an empty string: the tail of an error about an unknown name.

    >>> suggest("hotdog", ["cat", "hot_dog"])
    " (did you mean 'hot_dog'?)"
    """
    squashed = {k.replace("_", ""): k for k in known}
    found = difflib.get_close_matches(name.replace("_", ""), squashed, n=2, cutoff=0.65)
    close = [squashed[c] for c in found]
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""
