"""Words as vectors: CLIP by open_clip, from real weights or tiny, and a table of given vectors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from sbirkit.data.names import normalise, normalise_all, suggest

from .backbones import EXTRA, Backbone
from .recipe import Rebuildable
from .weights import downloading, is_file, load_weights, read_weights

MERGES = 1534  # so many of CLIP's 48,894 merges make 2,048 tokens
TINY: dict[str, Any] = {
    "embed_dim": 128,
    "vision_cfg": {"image_size": 64, "width": 12, "head_width": 64, "layers": (1, 1, 1, 1)},
    "text_cfg": {"context_length": 32, "vocab_size": MERGES + 514, "width": 96, "heads": 3, "layers": 2},
}


class Clip(Backbone):
    """CLIP (Radford et al., ICML 2021): as a backbone its image tower; :meth:`encode_text` is the other one.

    Pictures are resized to what the tower takes. The map is the last stage's, or the last block's patches.

    Args:
        name: a vision transformer or a ResNet of open_clip, or ``"clip-tiny"``, a ResNet that two cores can
            train: CLIP's own kind of ResNet, for a transformer learns little from 20,000 pictures (ours).
        weights: a file, a tag of open_clip such as ``"laion2b_s34b_b79k"``, or None. OpenAI's own weights,
            ``"openai"``, belong to the names that end in ``-quickgelu``.
    """

    def __init__(self, name: str = "clip-tiny", *, weights: str | Path | None = None) -> None:
        try:
            import open_clip
        except ModuleNotFoundError as error:
            raise ValueError(f"name: {name!r} is open_clip's, and {EXTRA}") from error
        mean, std = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
        config = TINY if name == "clip-tiny" else open_clip.get_model_config(name)
        if config is None:
            known = [n for n in open_clip.list_models() if n.startswith("ViT-")]
            raise ValueError(f"name: open_clip has no {name!r}{suggest(name, known)}")
        vision = config["vision_cfg"]
        if "width" not in vision or "vocab_size" not in config["text_cfg"]:
            raise ValueError(
                f"name: want a vision transformer or ResNet with CLIP's own text tower, got {name!r}"
            )
        if weights is None or is_file(weights):
            net = open_clip.CLIP(**config)
        else:
            source = self._source(name, str(weights), bool(config.get("quick_gelu")))
            mean, std = source.get("mean", mean), source.get("std", std)
            with downloading(
                name, str(weights), source.get("hf_hub") or source.get("url", "open_clip's hub")
            ):
                net = open_clip.create_model(name, pretrained=str(weights))
        super().__init__((mean, std))
        self.net = net
        self.dim, width = config["embed_dim"], vision["width"]
        size = net.visual.image_size
        self.size: int = size if isinstance(size, int) else size[0]
        if isinstance(vision["layers"], int):
            self.map_dim, blocks = width, vision["layers"]
            ends = sorted({(i + 1) * blocks // 4 - 1 for i in range(4)})
            self.stages = {f"net.visual.transformer.resblocks.{i}": width for i in ends}
        else:
            self.map_dim = 32 * width
            self.stages = {f"net.visual.layer{i}": (2 << i) * width for i in range(1, 5)}
        self.tokenize = tokenizer(config["text_cfg"]["context_length"], MERGES if config is TINY else None)
        if is_file(weights):
            load_weights(self, read_weights(weights))  # type: ignore[arg-type]

    @staticmethod
    def _source(name: str, tag: str, quick: bool) -> dict[str, Any]:
        import open_clip

        source = open_clip.get_pretrained_cfg(name, tag)
        if not source:
            known = open_clip.list_pretrained_tags_by_model(name)
            options = ", ".join(map(repr, known)) or "no tags: give a file, or None"
            raise ValueError(f"weights: {name} has {options}; got {tag!r}")
        if bool(source.get("quick_gelu")) != quick:
            other = name.removesuffix("-quickgelu") if quick else name + "-quickgelu"
            raise ValueError(f"name: weights {tag!r} belong to {other!r}, which differs in its activation")
        return source

    def run(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if x.shape[2:] != (self.size, self.size):
            x = nn.functional.interpolate(x, size=(self.size, self.size), mode="bicubic", antialias=True)
        out = self.net.visual.forward_intermediates(x, indices=1)
        return out["image_intermediates"][0], out["image_features"]

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """``(N, dim)``. A text of more tokens than the tower takes is cut off."""
        _check_texts(texts)
        return self.net.encode_text(self.tokenize(list(texts)).to(self.mean.device))


def tokenizer(context: int, merges: int | None = None) -> Any:
    """CLIP's byte-pair encoding, which comes with open_clip; fewer ``merges`` make more and shorter pieces.

    The most frequent merges come first, so the first few thousand still spell every text, with a vocabulary
    that a tiny network can afford.
    """
    from open_clip.tokenizer import SimpleTokenizer

    made = SimpleTokenizer(context_length=context)
    if merges is not None:
        made.bpe_ranks = {pair: rank for pair, rank in made.bpe_ranks.items() if rank < merges}
        kept = 512 + merges  # every byte, within a word and at its end, and the merges
        made.sot_token_id, made.eot_token_id = made.all_special_ids = [kept, kept + 1]
        made.vocab_size = kept + 2
        made.encoder = {token: i for token, i in made.encoder.items() if i < kept}
        made.encoder |= {"<start_of_text>": kept, "<end_of_text>": kept + 1}
        made.decoder = {i: token for token, i in made.encoder.items()}
    return made


class TextTable(Rebuildable):
    """Given vectors in place of a text tower: one for each class name, a row of NaN where there is none.

    >>> table = TextTable(["cat", "hot-air balloon"], torch.eye(2))
    >>> table.encode_text(["Hot air balloon", "dog"])
    tensor([[0., 1.],
            [nan, nan]])
    """

    vectors: Tensor

    def __init__(self, names: Sequence[str], vectors: Tensor) -> None:
        super().__init__()
        if vectors.ndim != 2 or len(names) != len(vectors):
            got = f"{len(names)} names and {tuple(vectors.shape)}"
            raise ValueError(f"vectors: want (N, D), a row for each of N names, got {got}")
        self.dim = vectors.shape[1]
        self.rows = {name: i for i, name in enumerate(normalise_all(names, where="names"))}
        missing = torch.full((1, self.dim), torch.nan)
        self.register_buffer("vectors", torch.cat([vectors.detach().float().cpu(), missing]))

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """From an ``.npz`` with ``names`` and ``vectors``; the first of two rows for one name counts."""
        with np.load(path, allow_pickle=False) as arrays:
            if not {"names", "vectors"} <= set(arrays.files):
                raise ValueError(f"path: want the arrays names and vectors in {path}, got {arrays.files}")
            names, vectors = [normalise(str(n)) for n in arrays["names"]], torch.from_numpy(arrays["vectors"])
        first = {name: i for i, name in reversed(list(enumerate(names)))}
        order = sorted(first.values())
        return cls([names[i] for i in order], vectors[order])

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """``(N, dim)`` for N class names."""
        _check_texts(texts)
        return self.vectors[[self.rows.get(normalise(text), -1) for text in texts]]


def _check_texts(texts: Sequence[str]) -> None:
    if isinstance(texts, str):
        raise TypeError(f"texts: want a list of texts, got one text {texts!r}")
