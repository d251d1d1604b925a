"""Measures by name, on a small method and a small benchmark."""

import math

import numpy as np
import pytest
import torch

from sbirkit.claims.measures import MEASURES, Looks, class_probe, measure, modality_probe
from sbirkit.models import MASBIR, TextTable
from sbirkit.models.baselines import Frozen


@pytest.fixture(scope="module")
def bench(tiny, folder):
    return tiny.benchmark(folder, setting="gzs")


@pytest.fixture(scope="module")
def method(tiny):
    return Frozen(backbone=tiny.Maps()).eval()


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("part", ["unseen", "selection", "seen_test"])
def test_every_measure_has_finite_numbers_that_repeat(bench, method, name, part):
    found = measure(name, method, bench, part=part, teacher=method, each=8)
    assert all(math.isfinite(v) and type(v) is float for v in found.values())
    assert found == measure(name, method, bench, part=part, teacher=method, each=8)
    # the bars' card knows of no taxonomy, and eight photos have no ten neighbours
    assert found or name == "class_rank_correlation" or (name, part) == ("retention", "seen_test")


def test_several_share_their_pictures_and_agree_with_the_functions(bench, method, monkeypatch):
    passes = []
    real = torch.nn.Module.__call__
    monkeypatch.setattr(
        type(method), "embed", lambda self, x, kind: passes.append(kind) or real(self.backbone, x, kind)
    )
    found = measure(["modality_probe", "class_probe", "mmd"], method, bench, each=8)
    assert sorted(passes) == ["photo", "sketch"]
    p = Looks(method, bench, each=8).seen
    told = {"groups": p.instance}
    assert found["modality_probe"] == modality_probe(p.vectors, p.labels, p.is_sketch, **told)
    assert found["class_probe"] == class_probe(p.vectors, p.labels, p.is_sketch, **told)
    for asked, name in (("sketch", "photo_to_sketch"), ("photo", "sketch_to_photo")):
        want = class_probe(p.vectors, p.labels, p.is_sketch, asked=asked, **told)
        assert found[f"class_probe_{name}"] == want


def test_pictures_are_of_the_part_in_pairs_and_the_same_for_every_method(tiny, bench, method):
    looks = Looks(method, bench, each=3)
    assert set(looks.rows) <= set(bench.unseen)
    assert len(looks.rows) == 3 * 2 * 3
    assert set(looks.seen.instance[looks.seen.is_sketch]) == set(looks.seen.instance[~looks.seen.is_sketch])
    other = Looks(Frozen(backbone=tiny.Maps(seed=1)), bench, each=3)
    assert (looks.rows == other.rows).all()
    assert (looks.rows != Looks(method, bench, each=3, seed=1).rows).any()


def test_a_method_keeps_everything_of_its_own_start(bench, method):
    found = measure("retention", method, bench, teacher=method, each=8)
    assert all(v == pytest.approx(1) for v in found.values())
    with pytest.raises(ValueError, match="teacher: Frozen did not start from weights of this package"):
        measure("retention", method, bench, each=8)


def test_subtracting_takes_away_what_the_table_holds(tiny, bench):
    names = bench.catalogue.classes
    text = TextTable(names, torch.eye(len(names), 16) + 0.1)
    made = MASBIR(backbone=tiny.Maps(), classes=bench.train_classes, text=text).eval()
    with torch.no_grad():
        made.table.weight.zero_()
    plain, same = (Looks(made, bench, each=4, verb=verb).seen.vectors for verb in ("embed", "subtracted"))
    np.testing.assert_allclose(plain, same, atol=1e-6)
    with torch.no_grad():
        made.table.weight[1, 0] = 5.0  # of sketches
    p = Looks(made, bench, each=4, verb="subtracted").seen
    np.testing.assert_allclose(p.vectors[~p.is_sketch], plain[~p.is_sketch], atol=1e-6)
    assert (p.vectors[p.is_sketch][:, 0] < -0.9).all()


def test_what_there_is_not_is_said(bench, method):
    with pytest.raises(ValueError, match=r"no measure 'modality_prob' \(did you mean 'modality_probe'"):
        measure("modality_prob", method, bench)
    with pytest.raises(ValueError, match="part: want one of selection, seen_test, unseen, got 'train'"):
        measure("mmd", method, bench, part="train")
    with pytest.raises(ValueError, match="'subtracted' wants a method with a modality table"):
        measure("mmd", method, bench, verb="subtracted")
    with pytest.raises(ValueError, match="each: want 1 or more, got 0"):
        measure("mmd", method, bench, each=0)
