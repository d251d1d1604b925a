"""CLIP as a backbone with words, its tokens without a network, and tables of given vectors."""

import socket
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sbirkit.models.backbones import backbone
from sbirkit.models.recipe import rebuild, recipe
from sbirkit.models.text import MERGES, TINY, Clip, TextTable, tokenizer


@pytest.fixture(scope="module")
def clip() -> Clip:
    pytest.importorskip("open_clip", reason="needs the extra 'backbones'")
    made = backbone("clip-tiny")
    assert isinstance(made, Clip)
    return made.eval()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args, **options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def pictures(size: int = 64) -> torch.Tensor:
    return torch.randint(0, 256, (2, 3, size, size), dtype=torch.uint8)


@pytest.mark.usefixtures("no_network")
def test_few_merges_spell_every_text(clip: Clip):
    for merges in (None, 0, MERGES):
        tokens = tokenizer(77, merges)
        for text in ("a sketch of a grand piano", "çà 猫 🐈 xyzzy", "<end_of_text>"):
            ids = tokens.encode(text)
            assert max(ids) < tokens.vocab_size
            assert tokens.decode(ids).split() == text.split()
    assert tokens.vocab_size == TINY["text_cfg"]["vocab_size"] == 2048


def test_fewer_merges_are_the_first_of_all_merges(clip: Clip):
    """Every token of the short vocabulary is the same token, with the same number, in the full one."""
    few, full = tokenizer(77, MERGES), tokenizer(77)
    assert {k: v for k, v in full.encoder.items() if v < 512 + MERGES}.items() <= few.encoder.items()
    assert few.encode("the of and") == full.encode("the of and")


@torch.inference_mode()
def test_has_two_towers_of_one_width(clip: Clip):
    words = clip.encode_text(["a cat", "a drawing of a dog"])
    assert words.shape == (2, clip.dim) == clip(pictures(), "sketch").shape
    assert not torch.allclose(words[0], words[1])
    torch.testing.assert_close(clip.encode_text(["a drawing of a dog"])[0], words[1], atol=1e-5, rtol=1e-4)
    long = ["cat " * 400]
    assert clip.encode_text(long).isfinite().all()


@torch.inference_mode()
def test_the_image_tower_is_that_of_open_clip(clip: Clip):
    import open_clip

    images = pictures()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (open_clip.OPENAI_DATASET_MEAN,
                                                            open_clip.OPENAI_DATASET_STD))  # fmt: skip
    want = clip.net.encode_image((images / 255 - mean) / std)
    torch.testing.assert_close(clip(images, "photo"), want, atol=1e-4, rtol=1e-4)
    smooth = torch.full((1, 3, 128, 128), 90, dtype=torch.uint8)
    torch.testing.assert_close(
        clip(smooth, "photo"), clip(smooth[..., :64, :64], "photo"), atol=1e-4, rtol=1e-4
    )


@torch.inference_mode()
def test_the_map_keeps_places(clip: Clip):
    """What changes in one corner of the picture shows most in its own cell."""
    one = pictures()
    other = one.clone()
    other[:, :, 4:20, 44:60] = 255 - other[:, :, 4:20, 44:60]
    change = (clip.features(one, "photo") - clip.features(other, "photo")).norm(dim=1)
    assert change.shape == (2, 2, 2)
    assert change.flatten(1).argmax(dim=1).tolist() == [1, 1]


def test_learns_words_and_pictures_together():
    pytest.importorskip("open_clip", reason="needs the extra 'backbones'")
    clip = backbone("clip-tiny")
    (clip(pictures(), "photo") * clip.encode_text(["a cat", "a dog"])).sum().backward()
    names = [n for n, p in clip.named_parameters() if p.grad is None]
    assert names == ["net.logit_scale"]


def test_saves_and_loads(clip: Clip, tmp_path: Path):
    for state in (clip.state_dict(), clip.net.state_dict()):  # ours, and open_clip's own names
        torch.save(state, tmp_path / "clip.pt")
        again = backbone("clip-tiny", weights=tmp_path / "clip.pt", seed=1).eval()
        assert torch.equal(again.encode_text(["a cat"]), clip.encode_text(["a cat"]))
        assert torch.equal(again(x := pictures(), "photo"), clip(x, "photo"))
    assert "weights" not in recipe(again)["arguments"]


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("ViT-B-23", None, r"open_clip has no 'ViT-B-23' \(did you mean 'ViT-B-32'"),
        ("ViT-B-32", "imagenet", "weights: ViT-B-32 has 'openai', .*; got 'imagenet'"),
        ("clip-tiny", "openai", "weights: clip-tiny has no tags: give a file, or None"),
        ("ViT-B-32-quickgelu", "laion2b_s34b_b79k", "ViT-B-32-quickgelu has 'openai', .*; got 'laion2b"),
        ("ViT-B-16-SigLIP", None, "want a vision transformer or ResNet with CLIP's own text tower"),
    ],
)
def test_says_what_it_has(name: str, weights: str | None, message: str):
    pytest.importorskip("open_clip", reason="needs the extra 'backbones'")
    with pytest.raises(ValueError, match=message):
        Clip(name, weights=weights)
    if name == "ViT-B-32":
        with pytest.raises(ValueError, match="weights 'openai' belong to 'ViT-B-32-quickgelu'"):
            Clip("ViT-B-32", weights="openai")


def test_without_open_clip_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    monkeypatch.setitem(sys.modules, "timm", None)
    for name in ("clip-tiny", "seresnet50", "resnet26"):
        with pytest.raises(ValueError, match=r"pip install 'sbirkit\[backbones\]'"):
            backbone(name)


def test_a_table_gives_rows_by_name(tmp_path: Path):
    names = np.array(["cat", "grand_piano", "cat", "hot-air balloon"])
    np.savez(tmp_path / "words.npz", names=names, vectors=np.arange(8, dtype=np.float16).reshape(4, 2))
    table = TextTable.read(tmp_path / "words.npz")
    got = table.encode_text(["Grand piano", "unicorn", "cat", "hot air balloon"])
    assert got[[0, 2, 3]].tolist() == [[2, 3], [0, 1], [6, 7]]
    assert got[1].isnan().all()
    assert got.dtype == torch.float32
    assert table.dim == 2
    assert not list(table.parameters())


def test_a_table_survives_saving():
    table = TextTable(["cat", "dog"], torch.randn(2, 3))
    again = rebuild(recipe(table))
    again.load_state_dict(table.state_dict())
    assert torch.equal(again.encode_text(["dog", "cat"]), table.encode_text(["dog", "cat"]))


def test_a_table_reads_real_vectors(shared_data: Path):
    table = TextTable.read(shared_data / "semantic-vectors" / "clip_text_vocab.npz")
    rows = table.encode_text(["airplane", "hedgehog"])
    assert rows.shape == (2, 512)
    assert rows[0].norm().item() == pytest.approx(1, abs=1e-2)
    assert rows[1].isnan().all()


def test_a_table_says_what_does_not_fit(tmp_path: Path):
    with pytest.raises(ValueError, match=r"a row for each of N names, got 1 names and \(2, 3\)"):
        TextTable(["cat"], torch.zeros(2, 3))
    with pytest.raises(ValueError, match="'Cat' repeats 'cat'"):
        TextTable(["cat", "Cat"], torch.zeros(2, 3))
    with pytest.raises(TypeError, match="texts: want a list of texts, got one text 'cat'"):
        TextTable(["cat"], torch.zeros(1, 3)).encode_text("cat")
    np.savez(tmp_path / "odd.npz", words=np.zeros(3))
    with pytest.raises(ValueError, match="want the arrays names and vectors"):
        TextTable.read(tmp_path / "odd.npz")
