"""A method with an embedded gallery: what answers a query in the explorers."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sbirkit.data.augment import Augment
from sbirkit.data.loading import _stored
from sbirkit.retrieval import Index

from .pictures import url

if TYPE_CHECKING:
    from sbirkit.data import Benchmark, Catalogue

Array = NDArray[Any]
BATCH = 256
KEPT = 4_096  # small pictures kept ready for the browser: some 10 MB


class Handmade(nn.Module):
    """A descriptor of :mod:`sbirkit.models.handmade` that embeds like a trained method.

    >>> from sbirkit.models.handmade import raw_pixels
    >>> Handmade(raw_pixels).embed(torch.zeros(2, 1, 64, 64, dtype=torch.uint8), "sketch").shape
    torch.Size([2, 256])
    """

    def __init__(self, describe: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> None:
        super().__init__()
        self.describe = describe
        self.nothing = nn.Parameter(torch.zeros(()), requires_grad=False)  # says on which device it is

    def embed(self, images: Tensor, modality: str) -> Tensor:
        pixels = images[:, 0] if images.shape[1] == 1 else images.permute(0, 2, 3, 1)
        return torch.from_numpy(self.describe(pixels.cpu().numpy()))


class Gallery:
    """Embedded pictures of one part: ``rows`` of the catalogue, ``vectors`` of length one."""

    def __init__(self, catalogue: "Catalogue", rows: Array, vectors: Array) -> None:
        self.rows, self.vectors = rows, vectors
        self.labels = catalogue.column("label")[rows]
        self.index = Index.build(vectors)
        self.classes, self.codes = np.unique(self.labels, return_inverse=True)

    def __len__(self) -> int:
        return len(self.rows)

    @functools.cached_property
    def centres(self) -> Array:
        """``(C, D)``: the mean vector of each of ``classes``."""
        total = np.zeros((len(self.classes), self.vectors.shape[1]), np.float32)
        np.add.at(total, self.codes, self.vectors)
        return np.asarray(total / np.bincount(self.codes)[:, None])

    def near(self, query: Array) -> Array:
        """``(N,)`` cosines with a unit vector, higher is nearer."""
        return np.asarray(self.vectors @ query)


def distance(cosine: Any) -> Any:
    """Euclidean distance of unit vectors, 0 to 2."""
    return np.sqrt(np.maximum(2 - 2 * cosine, 0))


class Searcher:
    """A name, a method, and galleries embedded by it.

    Args:
        name: how it is called on the screen.
        method: with ``embed(images, modality)``, as every :class:`~sbirkit.models.method.Method`; one that
            also has ``embed_text(texts)`` answers words. None has no weights yet, and says so kindly.
        photos: part -> catalogue rows, such as ``{"unseen": bench.gallery_rows()}``.
        sketches: part -> rows whose sketches are shown as neighbours, offered as examples, and tell the
            modality offset; without them those are left out.
        size: side of the pictures that the method sees.
    """

    def __init__(
        self,
        name: str,
        method: Any,
        catalogue: "Catalogue",
        *,
        photos: Mapping[str, Array],
        sketches: Mapping[str, Array] | None = None,
        size: int = 64,
    ) -> None:
        if not photos or any(not len(rows) for rows in photos.values()):
            raise ValueError(
                f"photos: {name!r} wants at least one part, and photos in each; got {len(photos)} parts"
            )
        self.name, self.method, self.catalogue, self.size = name, method, catalogue, size
        self.parts = tuple(photos)
        known = {part: rows for part, rows in (sketches or {}).items() if len(rows)}
        self._rows = {"photo": dict(photos), "sketch": known}
        self._galleries: dict[tuple[str, str], Gallery] = {}

    @classmethod
    def of(cls, name: str, method: Any, bench: "Benchmark", *, size: int = 64) -> "Searcher":
        """Over a benchmark's unseen classes, and the held-out pictures of seen ones where it has them."""
        parts = ["unseen", *(["seen"] if len(bench.seen_test) else [])]
        role = {"unseen": "unseen", "seen": "seen_test"}
        photos = {part: bench.gallery_rows(role[part]) for part in parts}
        sketches = {part: bench.queries(role[part]) for part in parts}
        return cls(name, method, bench.catalogue, photos=photos, sketches=sketches, size=size)

    @property
    def reads(self) -> bool:
        """Whether it answers words."""
        return callable(getattr(self.method, "embed_text", None))

    def rows(self, part: str, modality: str = "photo") -> Array:
        """The catalogue's rows of one part, or of ``"both"``; none where it has no such pictures."""
        rows = self._rows[modality]
        some = [*rows.values()] if part == "both" else [rows[part]] if part in rows else []
        return np.concatenate([np.empty(0, np.int64), *some])

    def gallery(self, part: str, modality: str = "photo") -> Gallery:
        """Embedded when first asked for. ``"both"`` is all parts in one, as in the generalised setting."""
        self._ready()
        if (part, modality) not in self._galleries:
            rows = self._rows[modality]
            if part != "both" and part not in rows:
                raise ValueError(f"gallery: {self.name} has {', '.join([*rows, 'both'])}; got {part!r}")
            if part == "both":
                every = [self.gallery(one, modality) for one in rows]
                found = np.concatenate([g.rows for g in every]), np.concatenate([g.vectors for g in every])
            else:
                some = np.split(rows[part], range(BATCH, len(rows[part]), BATCH))
                found = rows[part], np.concatenate([self.embed(self.pictures(r), modality) for r in some])
            self._galleries[part, modality] = Gallery(self.catalogue, *found)
        return self._galleries[part, modality]

    def pictures(self, rows: Sequence[int] | Array) -> Array:
        """Pictures of one modality at the side that the method sees, as in its evaluation."""
        modality = self.catalogue.column("modality")[rows[0]]
        stored = self.catalogue.pixels(modality, _stored(self.catalogue.sizes, self.size))
        which, rng = self.catalogue.position[rows], np.random.default_rng(0)
        return Augment()(np.asarray(stored), rng, size=self.size, which=which)

    @torch.inference_mode()
    def embed(self, pictures: Array, modality: str = "sketch") -> Array:
        """``(N, H, W)`` or ``(N, H, W, 3)`` uint8 to ``(N, D)`` unit vectors."""
        self._ready()
        images = torch.from_numpy(np.array(pictures))
        images = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)
        device = getattr(next(self.method.parameters(), None), "device", "cpu")
        training = self.method.training
        self.method.eval()
        try:
            return _unit(self.method.embed(images.to(device), modality).float().cpu().numpy())
        finally:
            self.method.train(training)

    @torch.inference_mode()
    def embed_text(self, texts: Sequence[str]) -> Array:
        """``(N, D)`` unit vectors of words, where the method reads."""
        self._ready()
        if not self.reads:
            raise ValueError(f"{self.name} reads no words; ask it with a sketch")
        vectors = self.method.embed_text(list(texts)).float().cpu().numpy()
        if unknown := [text for text, v in zip(texts, vectors, strict=True) if not np.isfinite(v).all()]:
            names = ", ".join(map(repr, unknown))
            raise ValueError(
                f"{self.name} has no vector for {names}; it was given those of its training classes"
            )
        return _unit(vectors)

    def offset(self, part: str) -> Array:
        """``(D,)``: mean sketch minus mean photo. It needs no class, so it may be known at test time."""
        return self.gallery(part, "sketch").vectors.mean(0) - self.gallery(part).vectors.mean(0)

    def _ready(self) -> None:
        if self.method is None:
            raise ValueError(f"{self.name} has no weights here yet: train it, or open a run that did")


@functools.lru_cache(maxsize=KEPT)
def thumbnail(catalogue: "Catalogue", row: int) -> str:
    """The picture of a row for the browser, kept ready."""
    return url(np.asarray(catalogue.images([row])[0]))


def _unit(x: Array) -> Array:
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12), np.float32)
