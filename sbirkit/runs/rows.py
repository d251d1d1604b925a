"""The methods that stand side by side, by label. Read without torch, so that nothing to do takes no time."""

from typing import Any

CLIP: dict[str, Any] = {"network": "clip-tiny"}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {  # label -> method, and its options
    "untrained": ("untrained", {}),
    "frozen": ("frozen", {}),
    "softmax": ("softmax", {}),
    "triplet": ("triplet", {}),
    "ramln": ("ramln", {}),
    "dsn": ("dsn", {}),
    "masbir": ("masbir", {"network": "convnet"}),
    "bdasketret": ("bdasketret", {}),
    "clip-frozen": ("frozen", CLIP),
    "clip-softmax": ("softmax", CLIP),
    "clip-triplet": ("triplet", CLIP),
    "clip-masbir": ("masbir", CLIP),
}
HALVED = ("clip-softmax", "clip-triplet", "clip-masbir")  # their passes cost twice as much
COLUMNS = (  # heading, setting, metric; of a generalised result the harmonic mean
    ("ZS mAP@all", "zs", "mAP@all"),
    ("strict mAP@200", "zs", "mAP@200-strict"),
    ("P@100", "zs", "P@100"),
    ("seen mAP@all", "seen", "mAP@all"),
    ("GZS harmonic", "gzs-separate", "mAP@all"),
    ("64-bit mAP@all", "codes64", "mAP@all"),
    ("FG Acc@1", "fg-across-classes", "Acc@1"),
)


def record_name(label: str, split: str, seed: int) -> str:
    """Of the folder that keeps a run's record.

    >>> record_name("dsn", "unseen-16", 0)
    'dsn_unseen-16_s0'
    """
    return f"{label}_{split}_s{seed}"
