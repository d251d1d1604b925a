"""Small pre-trained weights that come with the package, in place of ImageNet's and CLIP's.

``backbone("convnet", weights="doodleworld")`` learned from Doodle World's pre-training population, whose
classes the benchmark does not have; ``"doodleworld-leaky"`` from one that holds the unseen classes of
``unseen-16``, as ImageNet holds those of the published benchmarks. ``python -m sbirkit.training.pretraining``
makes them again.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("weights_of_standins")
NAMES = ("convnet", "clip-tiny")
TAGS = {"doodleworld": "pretraining", "doodleworld-leaky": "pretraining-leaky"}  # tag -> population


def standin(name: str, tag: str) -> Path:
    """The file of one stand-in."""
    if name not in NAMES or tag not in TAGS:
        raise ValueError(f"weights: {tag!r} is there for {' and '.join(NAMES)}, got {name!r}")
    path = FOLDER / f"{name}-{tag}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(f"weights: {path.name} is missing; make it with `python -m "
                                f"sbirkit.training.pretraining {name} --tag {tag}`")  # fmt: skip
    return path


def card(name: str, tag: str = "doodleworld") -> dict[str, Any]:
    """What a stand-in learned from: data and digest, ``classes`` and their ``paths``, command, metrics."""
    return json.loads(standin(name, tag).with_suffix(".json").read_text(encoding="utf-8"))
