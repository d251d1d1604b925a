"""Files of weights: every format, the names of other libraries, and what is refused."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sbirkit.models.weights import downloading, is_file, load_weights, read_weights


class Bomb:
    """Unpickling it would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.mkdir, (self.path,)


class Network(nn.Module):
    """Ours is ``net.0``; an other library would call it ``0`` and its classifier ``fc``."""

    def __init__(self, classes: int = 0) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
        self.register_buffer("mean", torch.full((1,), 7.0))
        self.classifier = nn.Linear(2, classes) if classes else None


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pth", ".pt"])
def test_reads_each_format(tmp_path: Path, suffix: str):
    state = {"a.weight": torch.randn(2, 3), "a.bias": torch.randn(2).half()}
    path = tmp_path / f"net{suffix}"
    if suffix == ".safetensors":
        save_file(state, path)
    elif suffix == ".npz":
        np.savez(path, **{k: v.numpy() for k, v in state.items()})
    else:
        wrapped = {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}}
        torch.save(state if suffix == ".pth" else wrapped, path)
    read = read_weights(str(path))
    assert read.keys() == state.keys()
    assert all(torch.equal(read[k], state[k]) and read[k].dtype == state[k].dtype for k in state)


@pytest.mark.parametrize("suffix", [".npz", ".pth"])
def test_a_file_cannot_run_code(tmp_path: Path, suffix: str):
    path, made = tmp_path / f"bad{suffix}", tmp_path / "made"
    if suffix == ".npz":
        np.savez(path, bomb=np.array([Bomb(made)], dtype=object))
    else:
        path.write_bytes(pickle.dumps({"bomb": Bomb(made)}, protocol=2))
    with pytest.raises(ValueError, match="cannot be read as named tensors"):
        read_weights(path)
    assert not made.exists()


@pytest.mark.parametrize("name", ["torn.safetensors", "torn.npz", "torn.pth", "notes.txt"])
def test_says_which_file_is_no_file_of_weights(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"not a network")
    with pytest.raises(ValueError, match=rf"weights: .*{name} cannot be read"):
        read_weights(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_weights(tmp_path / "absent.pth")


def test_a_file_and_a_tag_are_told_apart():
    assert is_file("a/b.npz")
    assert is_file(Path("odd"))
    assert not is_file("imagenet")
    assert not is_file(None)


@pytest.mark.parametrize("head", ["fc.", "last_linear.", "classifier.1.", "classifier."])
def test_takes_the_names_of_the_library(head: str):
    own = Network(classes=4)
    foreign = {k.removeprefix("net."): torch.randn_like(v) for k, v in own.net.state_dict().items()
               if v.is_floating_point()}  # fmt: skip
    foreign |= {head + "weight": torch.randn(4, 2), head + "bias": torch.randn(4)}
    load_weights(own, foreign)
    assert torch.equal(own.net[0].weight, foreign["0.weight"])
    assert own.classifier is not None
    assert torch.equal(own.classifier.bias, foreign[head + "bias"])
    assert own.mean.item() == 7  # not in the file: kept
    load_weights(without := Network(), foreign)
    assert torch.equal(without.net[1].running_var, foreign["1.running_var"])


def test_takes_its_own_names():
    one, other = Network(classes=2), Network(classes=2)
    one.mean.fill_(3)
    load_weights(other, one.state_dict())
    after = other.state_dict()
    assert all(torch.equal(v, after[k]) for k, v in one.state_dict().items())


def test_halves_are_widened():
    own = Network()
    load_weights(own, {k: v.half() for k, v in own.state_dict().items() if v.is_floating_point()})
    assert own.net[0].weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("net.0.bias"), "lacks net.0.bias"),
        (lambda s: s.update({"5.weight": torch.ones(1)}), "has net.5.weight, which the network has not"),
        (lambda s: s.update({"net.0.bias": torch.ones(9)}), r"net.0.bias as \(9,\), the network as \(2,\)"),
        (lambda s: s.update({"fc.weight": torch.ones(1000, 2)}), r"as \(1000, 2\), the network as \(4, 2\)"),
    ],
)
def test_weights_of_another_network_are_refused_whole(change, message):
    own = Network(classes=4)
    before = {k: v.clone() for k, v in own.state_dict().items()}
    state = {k: torch.zeros_like(v) for k, v in before.items()}
    change(state)
    with pytest.raises(ValueError, match=f"weights: they are of another network.*{message}"):
        load_weights(own, state)
    assert all(torch.equal(v, before[k]) for k, v in own.state_dict().items())


def test_a_failed_download_says_what_to_do():
    message = r"'imagenet' of net.*no route.*run this once with a connection.*from somewhere.*weights=None"
    with pytest.raises(ConnectionError, match=message), downloading("net", "imagenet", "somewhere"):
        raise OSError("no route\nlong story")
