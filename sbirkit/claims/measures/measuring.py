"""What is measured on a trained method, by name: the final evaluation's side of the claims.

Each name is a function of :class:`Looks`, which embeds every picture once however many are asked for. Nothing
here is ever part of training or of choosing a checkpoint.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sbirkit.data.names import suggest
from sbirkit.data.streams import stream
from sbirkit.losses import path_distance, vector_distance
from sbirkit.models.convnet import ConvNet
from sbirkit.models.knowledge import class_paths, class_vectors
from sbirkit.models.making import make
from sbirkit.models.text import Clip
from sbirkit.retrieval import Protocol, Result, evaluate_embeddings

from .cell_modality_probe import cell_modality_probe
from .class_rank_correlation import class_rank_correlation
from .information_plane import paired_information, readable_information
from .intra_class_spread import intra_class_spread, relative_spread
from .joint_separation import joint_separation
from .mean_centred import mean_centred
from .mmd import mmd
from .pictures import Floats, Pictures, embedded, read, taken
from .probes import balanced_accuracy, linear_probe
from .proxy_a_distance import a_distance
from .retention import linear_cka, neighbour_overlap

if TYPE_CHECKING:
    from sbirkit.data import Benchmark
    from sbirkit.models.method import Method

ENOUGH = 1000  # training pictures, for the means of the modalities


@dataclass(frozen=True, eq=False)
class Looks:
    """A trained method on some pictures of a part of a benchmark.

    Args:
        part: ``"unseen"`` classes, ``"selection"`` classes, or ``"seen_test"``: held-out pictures of training
            classes. each: at most so many sketches and so many photos of a class.
        verb: how to embed: a verb of the method's, or ``"subtracted"``: MA-SBIR's without the modality.
        teacher: what the method started from, for ``"retention"``; by default the stand-in of its network.
        size: side of the pictures. seed: of the choice of pictures, and of the probes' halves.
    """

    method: "Method"
    bench: "Benchmark"
    part: str = "unseen"
    each: int = 50
    verb: str = "embed"
    teacher: "Method | None" = None
    size: int = 0
    seed: int = 0

    @cached_property
    def pixels(self) -> int:
        return self.size or min(self.bench.catalogue.sizes)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        return taken(self.bench, self.part, each=self.each, seed=self.seed)

    @cached_property
    def seen(self) -> Pictures:
        """The pictures as the method sees them."""
        return embedded(self.method, self.bench, self.rows, size=self.pixels, verb=self.verb)

    @cached_property
    def taught(self) -> Floats:
        """The same pictures as the teacher sees them."""
        teacher = self.teacher or standin_of(self.method, self.bench)
        return embedded(teacher, self.bench, self.rows, size=self.pixels).vectors

    @cached_property
    def centred(self) -> Pictures:
        """The control: the same pictures, each modality's mean taken away."""
        return Pictures(
            **{**vars(self.seen), "vectors": mean_centred(self.seen.vectors, self.seen.is_sketch)}
        )

    def told(self, what: str) -> Floats:
        """Held-out answers of a fresh probe, kept, since several measures are made of them: of the
        ``"modality"``; of it once ``"centred"``; of the ``"class"``, or of that of a ``"sketch"`` or a
        ``"photo"`` by a probe that learned from the other modality."""
        if what not in self._answers:
            p = self.centred if what == "centred" else self.seen
            asked = {"sketch": p.is_sketch, "photo": ~p.is_sketch}.get(what)
            y = p.is_sketch if what in ("modality", "centred") else p.labels
            self._answers[what] = linear_probe(
                p.vectors, y, groups=p.instance, within=p.labels, asked=asked, seed=self.seed
            )
        return self._answers[what]

    @cached_property
    def _answers(self) -> dict[str, Floats]:
        return {}


def standin_of(method: "Method", bench: "Benchmark") -> "Method":
    """The frozen network, with the package's own weights, that a method started from."""
    kinds = {Clip: "clip-tiny", ConvNet: "convnet"}
    for module in method.modules():
        for kind, name in kinds.items():
            if isinstance(module, kind):
                device = next(method.parameters()).device
                return make("frozen", bench, network=name).to(device)
    raise ValueError(
        f"teacher: {type(method).__name__} did not start from weights of this package; give the method that "
        "it started from, such as make('frozen', bench, network=..., weights=...)"
    )


# --- by name ----------------------------------------------------------------------------------------------


def _distance(looks: Looks) -> dict[str, float]:
    return {
        "proxy_a_distance": a_distance(balanced_accuracy(looks.told("modality"), looks.seen.is_sketch)),
        "proxy_a_distance_centred": a_distance(
            balanced_accuracy(looks.told("centred"), looks.seen.is_sketch)
        ),
    }


def _mmd(looks: Looks) -> dict[str, float]:
    return {
        kind: mmd(p.vectors[p.is_sketch], p.vectors[~p.is_sketch], seed=looks.seed)
        for kind, p in (("mmd", looks.seen), ("mmd_centred", looks.centred))
    }


def _modality(looks: Looks) -> dict[str, float]:
    p = looks.seen
    across = linear_probe(p.vectors, p.is_sketch, groups=p.labels, within=0 * p.labels, seed=looks.seed)
    return {
        "modality_probe": balanced_accuracy(looks.told("modality"), p.is_sketch),
        "modality_probe_across_classes": balanced_accuracy(across, p.is_sketch),
        "modality_probe_centred": balanced_accuracy(looks.told("centred"), p.is_sketch),
    }


def _class(looks: Looks) -> dict[str, float]:
    y = looks.seen.labels
    names = {"class": "class_probe", "sketch": "class_probe_photo_to_sketch",
             "photo": "class_probe_sketch_to_photo"}  # fmt: skip
    return {name: balanced_accuracy(looks.told(what), y) for what, name in names.items()}


def _spread(looks: Looks) -> dict[str, float]:
    p, found = looks.seen, {}
    for kind, rows in (("sketch", p.is_sketch), ("photo", ~p.is_sketch)):
        found[f"intra_class_spread_{kind}"] = intra_class_spread(p.vectors[rows], p.labels[rows])
        found[f"relative_spread_{kind}"] = relative_spread(p.vectors[rows], p.labels[rows])
    return found


def _order(looks: Looks) -> dict[str, float]:
    """Against the family tree and against attributes, of all pictures and of each modality."""
    p, catalogue = looks.seen, looks.bench.catalogue
    places, vectors = class_paths(catalogue, p.classes), class_vectors(catalogue, p.classes)
    given = {"taxonomy": path_distance(places) if any(places) else None,
             "attributes": None if vectors is None else vector_distance(vectors)}  # fmt: skip
    some = {"": np.ones(len(p.labels), bool), "_sketch": p.is_sketch, "_photo": ~p.is_sketch}
    return {
        f"class_rank_{kind}{which}": class_rank_correlation(p.vectors[rows], p.labels[rows], distance)
        for kind, distance in given.items() if distance is not None
        for which, rows in some.items()
    }  # fmt: skip


def _joint(looks: Looks) -> dict[str, float]:
    p = looks.seen
    found = joint_separation(p.vectors, p.labels, p.is_sketch)
    return {f"joint_{name}": value for name, value in asdict(found).items()}


def _retention(looks: Looks) -> dict[str, float]:
    p, found = looks.seen, {}
    for kind, rows in (("photo", ~p.is_sketch), ("sketch", p.is_sketch)):
        found[f"retention_top10_{kind}"] = neighbour_overlap(p.vectors[rows], looks.taught[rows])
        found[f"retention_cka_{kind}"] = linear_cka(p.vectors[rows], looks.taught[rows])
    return found


def _information(looks: Looks) -> dict[str, float]:
    p = looks.seen
    found = {
        f"information_{what}": readable_information(looks.told(what), y)
        for what, y in (("class", p.labels), ("modality", p.is_sketch))
    }
    pairs = [_by_individual(p, kind) for kind in (True, False)]
    both = sorted(pairs[0].keys() & pairs[1].keys())
    found["information_pair"] = paired_information(
        *(p.vectors[[one[name] for name in both]] for one in pairs), seed=looks.seed
    )
    return found | {
        "information_class_cap": math.log(len(p.classes)),
        "information_modality_cap": math.log(2),
    }


def _by_individual(p: Pictures, kind: bool) -> dict[str, int]:
    return {str(p.instance[row]): int(row) for row in np.flatnonzero(p.is_sketch == kind)[::-1]}


def _cells(looks: Looks) -> dict[str, float]:
    p = looks.seen
    few = np.isin(looks.rows, taken(looks.bench, looks.part, each=min(looks.each, 15), seed=looks.seed))
    shape: list[int] = []

    def flat(method: Any, images: Any, modality: str) -> Any:
        maps = method.backbone.features(images, modality)
        shape[:] = maps.shape[1:]
        return maps.flatten(1)

    maps = read(looks.method, flat, looks.bench, looks.rows[few], size=looks.pixels).reshape(-1, *shape)
    return {
        name: cell_modality_probe(
            maps, p.is_sketch[few], p.labels[few], groups=p.instance[few], kernel=kernel, seed=looks.seed
        )
        for name, kernel in (("cell_modality_probe", False), ("cell_modality_probe_kernel", True))
    }


def _centred(looks: Looks) -> dict[str, float]:
    """mAP@all of the whole part as it is, centred by its own means, and by those of training pictures."""
    bench, part = looks.bench, looks.part
    rows = np.unique(np.concatenate([bench.queries(part), bench.gallery_rows(part)]))
    train = np.sort(stream(looks.seed, "means").permutation(bench.train)[:ENOUGH])
    (x, sketch), (known, kinds) = (
        (p.vectors, p.is_sketch)
        for p in (embedded(looks.method, bench, r, size=looks.pixels, verb=looks.verb) for r in (rows, train))
    )
    kinds_of = {"mAP": x, "mAP_centred": mean_centred(x, sketch),
                "mAP_centred_on_seen": mean_centred(x, sketch, of=(known, kinds))}  # fmt: skip
    protocol = Protocol.of(bench, part=part, metrics=["mAP@all"])
    found = {}
    for name, vectors in kinds_of.items():
        result = evaluate_embeddings((rows, vectors.astype(np.float32)), bench, protocol)
        assert isinstance(result, Result)
        found[name] = result["mAP@all"]
    return found


MEASURES: Mapping[str, Callable[[Looks], dict[str, float]]] = {
    "proxy_a_distance": _distance,
    "mmd": _mmd,
    "modality_probe": _modality,
    "class_probe": _class,
    "intra_class_spread": _spread,
    "class_rank_correlation": _order,
    "joint_separation": _joint,
    "retention": _retention,
    "information_plane": _information,
    "cell_modality_probe": _cells,
    "mean_centred": _centred,
}


def measure(
    name: str | Sequence[str], method: "Method", bench: "Benchmark", *, seed: int = 0, **options: Any
) -> dict[str, float]:
    """Measure a trained method on classes of the test.

    Args:
        name: one of :data:`MEASURES`, or several, which then share their embeddings.
        seed: of the measurement, not of the training: leave it alone to compare on the same pictures.
        options: of :class:`Looks`: ``part``, ``each``, ``verb``, ``teacher``, ``size``.

    Returns:
        Number by name. A number that there is none for, as with one class alone, is left out.

    >>> measure("mmd", run.method(), bench, part="selection")  # doctest: +SKIP
    {'mmd': 0.031, 'mmd_centred': 0.004}
    """
    names = [name] if isinstance(name, str) else list(name)
    for one in names:
        if one not in MEASURES:
            raise ValueError(f"name: there is no measure {one!r}{suggest(one, list(MEASURES))}; "
                             f"there are {', '.join(MEASURES)}")  # fmt: skip
    looks = Looks(method, bench, seed=seed, **options)
    found = {key: float(value) for one in names for key, value in MEASURES[one](looks).items()}
    return {key: value for key, value in found.items() if math.isfinite(value)}
