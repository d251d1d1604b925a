"""What a number was measured on, as a value: it prints itself, and results of different ones do not mix."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .metrics import DEFAULT, DEFAULT_INSTANCE, Metric
from .selection import digest, select
from .ties import RULES

if TYPE_CHECKING:
    from sbirkit.data import Benchmark

SETTINGS = {
    "zs": "",
    "gzs-sempcyc": "generalised after SEM-PCYC: ",
    "gzs-sempcyc-released": "generalised after SEM-PCYC, seen items from the training set as released: ",
    "gzs-separate": "generalised, seen and unseen queries apart: ",
    "fg-within-class": "fine-grained within each class: ",
    "fg-across-classes": "fine-grained across classes: ",
    "codes64": "64-bit codes: ",
    "cross-dataset": "across data sets: ",
}
CODES = ("itq", "itq-transductive", "sign")
AUTHORS = {"yelamarthi": "Yelamarthi", "sake": "SAKE", "sempcyc": "SEM-PCYC", "dey": "Dey"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Everything that gives a retrieval number its meaning, apart from the model. Equal means comparable.

    ``setting`` is one of :data:`SETTINGS` (codes of another length are "codes32", "codes128", ...); ``part``
    is "unseen", "selection" for choosing checkpoints, or "seen_test", held-out pictures of training classes.
    ``seed`` is None where nothing is drawn. ``digest`` stands for the very pictures ranked. Classes, queries
    and photos left at 0 are counted by :func:`sbirkit.retrieval.score`.

    >>> print(Protocol(split="sketchy-21-yelamarthi", classes=21, query_data="Sketchy-Ext", queries=12694,
    ...                gallery_data="Sketchy-Ext", photos=10453, metrics=("mAP@200-strict",)))
    21 unseen classes of Sketchy-Ext (Yelamarthi), 12,694 sketches against 10,453 distinct photos, \
strict mAP@200, cosine
    """

    setting: str = "zs"
    part: str = "unseen"
    split: str
    classes: int = 0
    query_data: str
    gallery_data: str
    queries: int = 0
    photos: int = 0
    seen_queries: int = 0
    seen_photos: int = 0
    gallery: str = "deduplicated"
    metrics: tuple[str, ...] = DEFAULT
    distance: str = "cosine"
    ties: str = "expected"
    averaging: str = "micro"
    codes: str = ""
    seed: int | None = None
    digest: str = ""

    def __post_init__(self) -> None:
        metrics = Metric.several(self.metrics)
        object.__setattr__(self, "metrics", tuple(m.name for m in metrics))
        if self.setting not in SETTINGS and not self.bits:
            raise ValueError(f"setting: want one of {', '.join(SETTINGS)}, got {self.setting!r}")
        wanted = {"part": ("unseen", "selection", "seen_test"), "gallery": ("deduplicated", "as-published"),
                  "averaging": ("micro", "macro"), "ties": RULES,
                  "codes": CODES if self.bits else ("",)}  # fmt: skip
        for name, values in wanted.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name}: want one of {', '.join(values)}, got {getattr(self, name)!r}")
        if self.setting.startswith("fg") and (other := [m.name for m in metrics if not m.by_instance]):
            wanted_metrics = "Acc@K or MRR-instance, which ask for the very object"
            raise ValueError(f"metrics: {self.setting} wants {wanted_metrics}, got {', '.join(other)}")

    @property
    def within(self) -> str:
        """What a query is ranked among: the "gallery", or its own "class"."""
        return "class" if self.setting == "fg-within-class" else "gallery"

    @property
    def bits(self) -> int:
        """Length of the codes, 0 where there are none."""
        found = re.fullmatch(r"codes([1-9]\d*)", self.setting)
        return int(found[1]) if found else 0

    @classmethod
    def of(
        cls,
        benchmark: "Benchmark",
        setting: str = "zs",
        *,
        gallery: "Benchmark | None" = None,
        **options: Any,
    ) -> Self:
        """The protocol of a benchmark, its rows counted.

        Args:
            gallery: where the photos come from, for "cross-dataset".
            options: any field that is not counted: part, metrics, distance, ties, averaging, codes, seed.
        """
        bits = setting.startswith("codes")
        chosen: dict[str, Any] = {"seed": 0} if setting.startswith("gzs") or bits else {}
        chosen |= {"codes": "itq", "distance": "hamming"} if bits else {}
        chosen |= {"metrics": DEFAULT_INSTANCE} if setting.startswith("fg") else {}
        chosen |= options
        draft = cls(
            setting=setting, split=benchmark.split.name, query_data=_name(benchmark),
            gallery_data=_name(gallery or benchmark), gallery=(gallery or benchmark).gallery, **chosen,
        )  # fmt: skip
        rows = select(benchmark, draft, gallery=gallery)
        seen_queries, seen_photos = int(rows.seen_query.sum()), int(rows.seen_gallery.sum())
        return replace(
            draft,
            classes=len(np.unique(rows.y_query[~rows.seen_query])),
            queries=len(rows.query) - seen_queries,
            photos=len(rows.gallery) - seen_photos,
            seen_queries=seen_queries,
            seen_photos=seen_photos,
            digest=digest(rows, benchmark, gallery or benchmark),
        )

    def differences(self, other: "Protocol") -> dict[str, tuple[Any, Any]]:
        """The fields in which two protocols differ: name -> (mine, the other's)."""
        pairs = {f.name: (getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def fitted(self, **found: Any) -> Self:
        """The protocol of one measurement: what is 0 here is counted in, what differs is refused."""
        found["queries"] -= self.seen_queries
        found["gallery"] -= self.seen_photos
        found["photos"] = found.pop("gallery")
        if self.seen_queries:
            del found["classes"]  # they count the seen ones too
        wrong = {n: (getattr(self, n), v) for n, v in found.items() if getattr(self, n) not in (0, v)}
        if wrong:
            raise ValueError(f"protocol: it says otherwise than what is measured; {told(wrong)}")
        return replace(self, **{n: v for n, v in found.items() if n != "within"})

    def mean(self, result: Any, metric: str) -> float:
        """A result's number under this averaging."""
        return float(result.macro(metric) if self.averaging == "macro" else result[metric])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; ``Protocol(**d)`` brings it back."""
        return asdict(self) | {"metrics": list(self.metrics)}

    def __str__(self) -> str:
        author = AUTHORS.get(self.split.rsplit("-", 1)[-1], self.split)
        what = f"{self.bits}-bit codes: " if self.bits else SETTINGS[self.setting]
        photos = "distinct photos" if self.gallery == "deduplicated" else "photos as published"
        seen = [f" + {n:,} of seen classes" if n else "" for n in (self.seen_queries, self.seen_photos)]
        into = f" of {self.gallery_data}" if self.gallery_data != self.query_data else ""
        parts = [
            f"{what}{self.classes} {self.part.removesuffix('_test')} classes of {self.query_data} ({author})",
            f"{self.queries:,} sketches{seen[0]} against {self.photos:,} {photos}{into}{seen[1]}",
            *map(spoken, self.metrics),
            f"{self.distance} on {self.codes} codes" if self.bits else self.distance,
            "" if self.ties == "expected" else f"ties {self.ties}",
            "" if self.averaging == "micro" else "mean over classes",
            "" if self.seed is None else f"seed {self.seed}",
        ]
        return ", ".join(part for part in parts if part)


def spoken(metric: str) -> str:
    """A metric's name as one says it.

    >>> spoken("mAP@200-strict-voc"), spoken("P@100")
    ('strict VOC mAP@200', 'P@100')
    """
    name, *variants = metric.split("-", 1)
    if name == "R" or not variants:
        return metric
    return f"{variants[0].replace('-voc', ' VOC').replace('voc', 'VOC')} {name}"


def told(differences: Mapping[str, tuple[Any, Any]]) -> str:
    """:meth:`Protocol.differences` in words."""
    return "; ".join(f"{name} {a!r} against {b!r}" for name, (a, b) in differences.items())


def _name(benchmark: "Benchmark") -> str:
    return str(benchmark.catalogue.card.get("title") or benchmark.catalogue.name)
