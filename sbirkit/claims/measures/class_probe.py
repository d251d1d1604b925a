"""Can the class still be read?"""

import numpy as np
from numpy.typing import ArrayLike

from .pictures import checked
from .probes import balanced_accuracy, linear_probe


def class_probe(
    vectors: ArrayLike,
    labels: ArrayLike,
    is_sketch: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    asked: str = "both",
    seed: int = 0,
) -> float:
    """Balanced accuracy of a fresh probe that tells the classes, on pictures it has not seen.

    Args:
        groups: the individual of each row; all its pictures are on one side.
        asked: ``"both"``: learn from sketches and photos, tell either. ``"sketch"``: learn from photos alone,
            tell sketches; ``"photo"``: the reverse. Then a class must lie in the same place in both.

    Returns:
        NaN with one class, or where a class has too few pictures to learn from.

    >>> x = [[1.0, 0.0]] * 4 + [[0.0, 1.0]] * 4
    >>> class_probe(x, [0] * 4 + [1] * 4, [True, False] * 4, asked="sketch")
    1.0
    """
    if asked not in ("both", "sketch", "photo"):
        raise ValueError(f"asked: want both, sketch or photo, got {asked!r}")
    x, labels, is_sketch = checked(vectors, labels, is_sketch)
    rows = None if asked == "both" else np.asarray(is_sketch, bool) == (asked == "sketch")
    return balanced_accuracy(
        linear_probe(x, labels, groups=groups, within=labels, asked=rows, seed=seed), labels
    )
