"""Numbers for a run: right rows, right settings, every look kept."""

import numpy as np
import pytest
import torch

from sbirkit.data import LeakError
from sbirkit.models.baselines import Frozen, Triplet, TripletConfig
from sbirkit.training import embed_rows, evaluate, fit


@pytest.fixture
def run(tiny, bench, tmp_path):
    return fit(Triplet(backbone=tiny.Net()), bench, tiny.config(), out=tmp_path / "run", progress=False)


def test_rows_are_embedded_one_by_one_in_their_order(tiny, bench):
    method, cat = Triplet(backbone=tiny.Net()), bench.catalogue
    rows = np.array([7, 0, 3, 120, 44, 2])
    got = embed_rows(method, cat, rows, size=tiny.SIZE, batch=2)
    assert method.training
    method.eval()
    for row, vector in zip(rows, got, strict=True):
        modality = str(cat.column("modality")[row])
        image = torch.from_numpy(np.array(cat.images([row], tiny.SIZE)[0]))
        image = image[None, None] if modality == "sketch" else image.permute(2, 0, 1)[None]
        torch.testing.assert_close(torch.from_numpy(vector), method.embed(image, modality)[0])


def test_default_settings_are_those_that_the_benchmark_and_the_width_allow(tiny, folder, bench, run):
    assert list(evaluate(run, bench)) == ["zs", "codes64", "fg-across-classes"]
    narrow = Frozen(backbone=tiny.Net())
    generalised = tiny.benchmark(folder, setting="gzs")
    found = evaluate(narrow, generalised)
    assert list(found) == ["zs", "seen", "gzs-separate", "fg-across-classes"]
    assert 0 < found["gzs-separate"]["mAP@all"] < 1
    with pytest.raises(ValueError, match="no held-out rows of seen classes"):
        evaluate(run, bench, ["gzs-separate"])


def test_every_look_is_kept_and_a_second_one_takes_the_firsts_place(bench, run):
    first = evaluate(run, bench, ["zs"])
    again = evaluate(run, bench, ["zs", "fg-across-classes"])
    last = evaluate(run, bench, ["zs"], weights="last")
    assert first["zs"]["mAP@all"] == again["zs"]["mAP@all"] == run.number("zs")["mAP@all"]
    assert run.number("zs", which="last")["mAP@all"] == last["zs"]["mAP@all"]
    assert run.number("codes64") == {}
    rows = [(row["weights"], row["setting"]) for row in run.metrics["results"]]
    assert sorted(rows) == [("best", "fg-across-classes"), ("best", "zs"), ("last", "zs")]
    assert [len(look["results"]) for look in run.looks] == [1, 2, 1]
    assert run.looks[0]["results"][0]["metrics"]["mAP@all"] == first["zs"]["mAP@all"]


def test_classes_that_were_trained_on_are_no_unseen_classes(tiny, folder, run):
    bench = tiny.catalogue(folder).benchmark(["class 00", "class 01"], selection=["class 04", "class 05"])
    with pytest.raises(LeakError, match="trained on these unseen classes: class_00"):
        evaluate(run, bench)


def test_another_verb_is_another_measurement(tiny, bench, tmp_path):
    run = fit(
        Triplet(TripletConfig(dim=64), backbone=tiny.Net()),
        bench,
        tiny.config(),
        out=tmp_path / "r",
        progress=False,
    )
    kind = Triplet

    def features(self, images, modality):
        return self.backbone(images, modality)

    try:
        kind.features = features
        found = evaluate(run, bench, ["zs"], verb="features")
    finally:
        del kind.features
    assert run.number("zs") == {}
    assert run.number("zs", verb="features")["mAP@all"] == found["zs"]["mAP@all"]
