"""From row numbers to tensors: gather, augment, hand over in order. ``uint8`` until the model.

Batch ``i`` of epoch ``e`` is a function of the seed, ``e`` and ``i`` alone. So threads may make batches ahead
of time, a run may start in the middle of an epoch, and the pictures are the same bit for bit.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor

from .augment import Augment
from .sampling import Draw, Sampler
from .streams import stream

if TYPE_CHECKING:
    from .benchmark import Benchmark
    from .catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Batch:
    """S sketches and P photos. Photos lie channel last in memory (``torch.channels_last``)."""

    sketch: Tensor  # (S, 1, H, W) uint8
    photo: Tensor  # (P, 3, H, W) uint8
    y_sketch: Tensor  # (S,) class ids: places in `Loader.classes`
    y_photo: Tensor  # (P,)
    sketch_instance: Tensor  # (S,) one number for one object of one class, -1 without a partner
    photo_instance: Tensor  # (P,)
    sketch_rows: np.ndarray  # (S,) rows of the catalogue
    photo_rows: np.ndarray  # (P,)
    sketch_caption: tuple[str, ...]
    photo_caption: tuple[str, ...]
    views: tuple[tuple[Tensor, Tensor], ...]  # further augmented (sketch, photo) of the same rows
    epoch: int
    index: int

    def to(self, device: torch.device | str) -> Self:
        """The same batch with its tensors on ``device``."""
        return self._each(lambda x: x.to(device, non_blocking=True) if isinstance(x, Tensor) else x)

    def halves(self) -> tuple[Self, Self]:
        """Meta-train and meta-test, when the sampler is :class:`~sbirkit.data.sampling.Episodes`."""
        return self._each(lambda x: x[: len(x) // 2]), self._each(lambda x: x[len(x) // 2 :])

    def part(self, sketches: slice, photos: slice) -> Self:
        """Some of its sketches and some of its photos, in every view."""
        return self._each(lambda x: x[sketches], lambda x: x[photos])

    def _each(self, change: Any, change_photos: Any = None) -> Self:
        other = change_photos or change
        new = {
            f.name: (other if "photo" in f.name else change)(getattr(self, f.name))
            for f in fields(self)
            if f.name not in ("views", "epoch", "index")
        }
        return replace(self, **new, views=tuple((change(s), other(p)) for s, p in self.views))


class Loader:
    """Batches of a catalogue, or of a benchmark's training rows.

    Args:
        source: a benchmark, which gives training pictures only, or a catalogue.
        sampler: which rows make a batch; its seed also seeds the augmentation.
        size: side of the pictures in a batch. They are read at this size if it is stored, else cropped from
            the next larger one, up to a quarter larger (packed at 72, they leave 64 px room to shift).
        augment: what happens to ``batch.sketch`` and ``batch.photo``; nothing by default.
        views: one recipe for each further view of the same pictures, e.g. two for a contrastive loss.
        workers: threads that make batches ahead; 0 makes them when asked. The batches do not depend on it.
        prefetch: how many batches may wait, or be in the making, ahead of the one in use.
        resident: a device that holds all pixels; batches are then made there, without workers.

    ``for batch in loader.epoch(3, start=5)`` resumes in the middle of epoch 3.
    """

    def __init__(
        self,
        source: "Benchmark | Catalogue",
        sampler: Sampler,
        *,
        size: int,
        augment: Augment | None = None,
        views: Sequence[Augment] = (),
        workers: int = 1,
        prefetch: int = 2,
        resident: torch.device | str | None = None,
    ) -> None:
        if workers < 0 or prefetch < 1:
            raise ValueError(f"workers, prefetch: want at least 0 and 1, got {workers} and {prefetch}")
        catalogue: Any = getattr(source, "catalogue", source)
        self.sampler, self.size, self.workers, self.prefetch = sampler, size, workers, prefetch
        self.recipes = (augment or Augment(), *views)
        self.resident = None if resident is None else torch.device(resident)
        self.classes: tuple[str, ...] = tuple(getattr(source, "train_classes", catalogue.classes))
        _check_rows(source, catalogue, sampler)
        number = {name: i for i, name in enumerate(self.classes)}
        label, instance = catalogue.column("label"), catalogue.column("instance")
        self._y = np.array([number.get(name, -1) for name in label])
        objects = [f"{name}\n{one}" for name, one in zip(label, instance, strict=True)]
        self._instance = np.where(instance == "", -1, np.unique(objects, return_inverse=True)[1])
        self._caption, self._position = catalogue.column("caption"), catalogue.position
        stored = _stored(catalogue.sizes, size)
        self._pixels: dict[str, Any] = {
            m: np.asarray(catalogue.pixels(m, stored)) for m in ("sketch", "photo")
        }
        if resident is not None:
            self._pixels = {m: torch.from_numpy(x.copy()).to(resident) for m, x in self._pixels.items()}

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self.sampler)

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch from number ``start`` on. Leaving early stops the threads."""
        if not 0 <= start <= len(self):
            raise ValueError(f"start: want 0 to {len(self)}, got {start}")
        indices = range(start, len(self))
        if self.workers == 0 or self.resident is not None:
            return (self.batch(epoch, i) for i in indices)
        return self._ahead(epoch, indices)

    def batch(self, epoch: int, index: int) -> Batch:
        """One batch, made here and now."""
        return self._make(epoch, index, self.sampler.batch(epoch, index))

    def _ahead(self, epoch: int, indices: range) -> Iterator[Batch]:
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="sbirkit-loader")
        waiting: deque[Future[Batch]] = deque()
        try:
            for i in indices:
                waiting.append(pool.submit(self._make, epoch, i, self.sampler.batch(epoch, i)))
                if len(waiting) > self.prefetch:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _make(self, epoch: int, index: int, draw: Draw) -> Batch:
        views = []
        for v, recipe in enumerate(self.recipes):
            pair = []
            for modality, rows in zip(("sketch", "photo"), draw, strict=True):
                rng = stream(self.sampler.seed, "augment", modality, epoch, index, v)
                pictures = recipe(self._pixels[modality], rng, size=self.size, which=self._position[rows])
                tensor = torch.as_tensor(pictures)
                pair.append(tensor[:, None] if modality == "sketch" else tensor.permute(0, 3, 1, 2))
            views.append((pair[0], pair[1]))
        y, instance = (
            [torch.as_tensor(ids[rows], device=self.resident) for rows in draw]
            for ids in (self._y, self._instance)
        )
        caption = [tuple(self._caption[rows]) for rows in draw]
        labels = (y[0], y[1], instance[0], instance[1])
        return Batch(*views[0], *labels, *draw, caption[0], caption[1], tuple(views[1:]), epoch, index)


def _stored(sizes: Sequence[int], size: int) -> int:
    fit = [s for s in sizes if size <= s <= 1.25 * size]
    if not fit:
        stored = ", ".join(map(str, sizes))
        raise ValueError(f"size: want one that is stored ({stored}) or up to a fifth smaller, got {size}")
    return min(fit)


def _check_rows(source: Any, catalogue: "Catalogue", sampler: Sampler) -> None:
    """The sampler holds rows of ``source`` only, and knows sketches from photos as the catalogue does."""
    rows = sampler.items.rows
    allowed = getattr(source, "train", np.arange(len(catalogue)))
    if (stray := ~np.isin(rows, allowed)).any():
        raise ValueError(f"sampler: {stray.sum()} of its rows, like {rows[stray][0]}, are not for training")
    if ((catalogue.column("modality")[rows] == "sketch") != sampler.items.is_sketch).any():
        raise ValueError("sampler: items.is_sketch does not agree with the catalogue's modality")
