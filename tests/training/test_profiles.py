"""Profiles as files, and the digest of the code that makes a run."""

from dataclasses import fields
from inspect import signature

import pytest

from sbirkit.models import METHODS, make
from sbirkit.training import TrainConfig, manifest
from sbirkit.training.config import PROFILES, read_profile


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_names_only_what_there_is(name):
    read = dict(read_profile(name))
    assert read.keys() <= {"train", "options", *METHODS}
    assert read.pop("options", {}).keys() <= signature(make).parameters.keys() - {"options"}
    assert read["train"]["images"] > 0
    known = {f.name for f in fields(TrainConfig)} | {"images"}
    for method, tables in read.items():
        assert method == "train" or tables.keys() <= {"train", "options"}
        assert (tables if method == "train" else tables.get("train", {})).keys() <= known
    for method, kind in METHODS.items():
        kind.Options(**read.get(method, {}).get("options", {}))
        config = TrainConfig.profile(name, method, views=2)
        assert config.steps == max(1, read["train"]["images"] // (2 * config.p * config.k * 3))
        assert TrainConfig.profile(name, method, steps=5, lr=0.5).lr == 0.5
    assert TrainConfig.profile(name, steps=5).steps == 5


def test_what_says_nothing_to_the_machine_does_not_change_the_digest():
    plain = 'def f(x):\n    "Says."\n    return x\n'
    assert manifest.code_lines(plain) == manifest.code_lines(
        'def f(x):\n\n    "Other."\n    # why\n    return x\n'
    )
    assert manifest.code_lines(plain) != manifest.code_lines(plain.replace("return x", "return -x"))
    assert manifest.code_lines('x = "text"\n') == ['x = "text"']


def test_a_method_is_named_by_its_own_file_and_no_others(monkeypatch):
    digests = {name: manifest.code_digest(kind) for name, kind in METHODS.items()}
    assert digests["frozen"] == digests["softmax"] == digests["triplet"]  # one file
    assert len(set(digests.values())) == 5
    real = manifest.code_lines

    def changed(wanted):
        text = next(p for p in manifest.paths.Path(manifest.paths.__file__).parent.rglob(wanted)).read_text()
        monkeypatch.setattr(
            manifest, "code_lines", lambda source: [*real(source), "x"] if source == text else real(source)
        )
        return {name for name, kind in METHODS.items() if manifest.code_digest(kind) != digests[name]}

    assert changed("ramln.py") == {"ramln"}
    assert changed("quadruplet.py") == set(METHODS)
    assert changed("knowledge.py") == set()


def test_a_class_of_ones_own_counts():
    class Mine(METHODS["ramln"]):
        pass

    assert manifest.code_digest(Mine) != manifest.code_digest(METHODS["ramln"])
