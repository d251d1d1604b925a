"""How test data gets into training, and how to see it. Plain functions on lists and arrays."""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .names import normalise

# One class under different names in the data sets of the field. A note to a reader, never grounds to refuse.
SYNONYMS = [
    {"motorbike", "motorcycle"},
    {"couch", "sofa"},
    {"airplane", "aeroplane", "plane"},
    {"crocodile", "crocodilian"},
    {"tv", "television"},
    {"cell_phone", "mobile_phone"},
    {"telephone", "phone"},
    {"pistol", "revolver", "handgun"},
    {"wrist_watch", "watch"},
    {"eyeglasses", "glasses"},
    {"car", "car_sedan", "automobile"},
    {"bear", "bear_animal"},
    {"mouse", "mouse_animal"},
    {"racket", "tennis_racket"},
    {"rabbit", "bunny"},
    {"flower", "flower_with_stem"},
    {"purse", "handbag"},
    {"crane", "crane_machine"},
    {"bicycle", "bike"},
]


class LeakError(ValueError):
    """Test data would reach training or selection; the message says which, and what to do."""


@dataclass(frozen=True)
class Leak:
    """One way in which test data was found outside the test."""

    kind: str
    what: str
    examples: tuple[str, ...]
    advice: str

    def __str__(self) -> str:
        more = len(self.examples) - 10
        named = ", ".join(self.examples[:10]) + (f" and {more} more" if more > 0 else "")
        return f"{self.kind}: {self.what}: {named}. {self.advice}"


def class_overlap(a: Iterable[str], b: Iterable[str]) -> list[tuple[str, str, str]]:
    """Pairs of names that mean one class, and why: ``same``, ``spelling``, ``plural`` or ``synonym``.

    >>> class_overlap(["Hot dog", "cats", "sofa", "mouse"], ["hotdog", "cat", "couch", "computer-mouse"])
    [('Hot dog', 'hotdog', 'spelling'), ('cats', 'cat', 'plural'), ('sofa', 'couch', 'synonym')]
    """
    theirs = [(name, normalise(name)) for name in b]
    found = []
    for mine in a:
        key = normalise(mine)
        for name, other in theirs:
            if how := _alike(key, other):
                found.append((mine, name, how))
    return found


def picture_overlap(a: Iterable[Hashable], b: Iterable[Hashable]) -> list[tuple[int, int]]:
    """Index pairs ``(i, j)`` with ``a[i] == b[j]``: give it content hashes, such as :func:`file_digests`.

    >>> picture_overlap(["x", "y"], ["z", "y", "y"])
    [(1, 1), (1, 2)]
    """
    where = defaultdict(list)
    for j, key in enumerate(b):
        where[key].append(j)
    return [(i, j) for i, key in enumerate(a) for j in where.get(key, ())]


def file_digests(paths: Iterable[str | Path]) -> list[str]:
    """A content hash for each file."""
    return [hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest() for path in paths]


def near_duplicates(
    a: Sequence[np.ndarray] | np.ndarray,
    b: Sequence[np.ndarray] | np.ndarray | None = None,
    *,
    bits: int = 6,
    likeness: float = 0.95,
    block: int = 2048,
) -> list[tuple[int, int]]:
    """Index pairs of pictures that look the same: re-encoded, resized, slightly brightened copies.

    Candidates are pictures whose :func:`phash` differs in at most ``bits`` of 64 bits; of these, the ones
    whose 16 x 16 grey thumbnails correlate by at least ``likeness`` are kept. Without ``b``,
    pairs ``i < j`` within ``a``. Compared in blocks, so memory stays flat.

    Args:
        a, b: uint8 pictures, ``(H, W)`` or ``(H, W, 3)``.
    """
    (hash_a, thumb_a), (hash_b, thumb_b) = (
        (phash(images), _standardised(_thumbnails(images, 16))) for images in (a, a if b is None else b)
    )
    found = []
    for start in range(0, len(hash_a), block):
        near = np.bitwise_count(hash_a[start : start + block, None] ^ hash_b[None]) <= bits
        for row in np.flatnonzero(near.any(axis=1)):
            i, js = start + int(row), np.flatnonzero(near[row])
            js = js[thumb_b[js] @ thumb_a[i] >= likeness]
            found += [(i, int(j)) for j in js if b is not None or i < j]
    return found


def phash(images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """``(N,)`` uint64: which of the 8 x 8 lowest frequencies of the grey picture lie above their median.

    Reference: Zauner, *Implementation and benchmarking of perceptual image hash functions*, 2010.
    """
    from scipy.fft import dctn

    low = dctn(_thumbnails(images, 32), axes=(1, 2))[:, :8, :8].reshape(-1, 64)
    bits = low > np.median(low[:, 1:], axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).ravel()


def validation_is_test(validation: Iterable[str], test: Iterable[str]) -> Leak | None:
    """Checkpoints chosen on classes of the test set: the commonest leak in published code."""
    pairs = class_overlap(validation, test)
    advice = "Select on held-out seen classes instead, and report the last checkpoint too."
    shared = tuple(b for _, b, how in pairs if how in ("same", "spelling"))
    return Leak("validation is test", "unseen classes used for selection", shared, advice) if shared else None


def pretraining_overlap(pretraining: Iterable[str], unseen: Iterable[str]) -> Leak | None:
    """Unseen classes that the backbone has been trained on."""
    shared = tuple(
        f"{b} (as {a})" if how != "same" else b for a, b, how in class_overlap(pretraining, unseen)
    )
    advice = "Say so beside the result, or pre-train without these classes."
    return (
        Leak("pre-training", "unseen classes are in the pre-training data", shared, advice)
        if shared
        else None
    )


def report(
    *,
    train_classes: Iterable[str] = (),
    selection_classes: Iterable[str] = (),
    unseen_classes: Iterable[str] = (),
    pretraining_classes: Iterable[str] = (),
    train_pictures: Sequence[Hashable] = (),
    test_pictures: Sequence[Hashable] = (),
) -> list[Leak]:
    """Every leak that the given lists show, worst first; leave out what you do not know.

    ``*_pictures`` are content hashes (:func:`file_digests`, or the ``digest`` column of a catalogue).
    """
    train, unseen = list(train_classes), list(unseen_classes)
    found: list[Leak | None] = []
    if shared := [f"{a} ({how}: {b})" for a, b, how in class_overlap(train, unseen)]:
        advice = "Take them out of training; for a synonym, look at the pictures first."
        found.append(Leak("classes", "trained on unseen classes", tuple(shared), advice))
    if pairs := picture_overlap(train_pictures, test_pictures):
        named = tuple(f"training picture {i} = test picture {j}" for i, j in pairs)
        found.append(
            Leak("pictures", f"{len(pairs)} pairs of equal pictures", named, "Drop the training copies.")
        )
    found.append(validation_is_test(selection_classes, unseen))
    found.append(pretraining_overlap(pretraining_classes, unseen))
    return [leak for leak in found if leak]


def _alike(a: str, b: str) -> str:
    """How two normalised names mean the same, or ``""``."""
    if a == b:
        return "same"
    if a.replace("_", "") == b.replace("_", ""):
        return "spelling"
    if a in _singulars(b) or b in _singulars(a):
        return "plural"
    return "synonym" if any(a in group and b in group for group in SYNONYMS) else ""


def _singulars(name: str) -> set[str]:
    """What the name may be the plural of.

    >>> sorted(_singulars("butterflies"))
    ['butterfli', 'butterflie', 'butterfly']
    """
    endings = [("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", "")]
    return {name.removesuffix(end) + new for end, new in endings if name.endswith(end)}


def _standardised(small: np.ndarray) -> np.ndarray:
    """Rows whose dot products are correlations; a blank picture is like a blank one and no other."""
    flat = small.reshape(len(small), small.shape[1] ** 2) - small.mean(axis=(1, 2), dtype=np.float32)[:, None]
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    blank = norm < 1e-3
    flat = np.where(blank, 0, flat / np.where(blank, 1, norm))
    return np.hstack([flat, blank.astype(np.float32)])


def _thumbnails(images: Sequence[np.ndarray] | np.ndarray, side: int) -> np.ndarray:
    """``(N, side, side)`` float32, grey."""
    small = np.empty((len(images), side, side), dtype=np.float32)
    for out, image in zip(small, images, strict=True):
        grey = Image.fromarray(np.asarray(image)).convert("L")
        out[:] = np.asarray(grey.resize((side, side), Image.Resampling.BOX))
    return small
