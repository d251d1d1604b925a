"""Can sketch and photo still be told apart?"""

from numpy.typing import ArrayLike

from .pictures import checked
from .probes import balanced_accuracy, linear_probe


def modality_probe(
    vectors: ArrayLike,
    labels: ArrayLike,
    is_sketch: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    across_classes: bool = False,
    seed: int = 0,
) -> float:
    """Balanced accuracy of a fresh probe that tells sketch from photo, on pictures it has not seen; 0.5 is a
    guess, and a little less is one, too.

    Args:
        groups: the individual of each row: a sketch and its own photo stay on one side.
        across_classes: ask about other classes than the probe has learned from: is there *one* direction for
            the modality, whatever is shown? NaN with fewer than two classes.

    >>> x = [[1.0, k] for k in range(8)] + [[-1.0, k] for k in range(8)]
    >>> modality_probe(x, list("abcdabcd") * 2, [True] * 8 + [False] * 8)
    1.0
    """
    x, labels, is_sketch = checked(vectors, labels, is_sketch)
    if across_classes:
        answers = linear_probe(x, is_sketch, groups=labels, within=[0] * len(x), seed=seed)
    else:
        answers = linear_probe(x, is_sketch, groups=groups, within=labels, seed=seed)
    return balanced_accuracy(answers, is_sketch)
