"""The loop: it learns, repeats itself, chooses on selection classes, and stops on nonsense."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from sbirkit.models.baselines import Frozen, Softmax, Triplet, TripletConfig
from sbirkit.training import Diverged, Run, TrainConfig, evaluation, fit


def weights(run, which="best"):
    return {k: v.numpy().tobytes() for k, v in run.weights(which).items()}


def test_a_triplet_learns_and_leaves_a_whole_run(tiny, bench, tmp_path):
    method = Triplet(TripletConfig(dim=16), backbone=tiny.Net())
    run = fit(method, bench, tiny.config(steps=40), out=tmp_path / "run", progress=False)
    steps = [line for line in run.history if "triplet" in line]
    assert [line["step"] for line in steps] == list(range(40))
    assert np.mean([s["triplet"] for s in steps[-8:]]) < 0.8 * np.mean([s["triplet"] for s in steps[:8]])
    looked = [line for line in run.history if "selection" in line]
    assert [line["step"] for line in looked] == list(range(3, 40, 4))
    best, last = run.metrics["selection"]["best"], run.metrics["selection"]["last"]
    assert best["mAP@all"] == max(line["selection"] for line in looked)
    assert last == {"steps": 40, "mAP@all": looked[-1]["selection"]}
    kept = {"params.json", "metrics.json", "manifest.json", "history.jsonl"}
    assert {p.name for p in run.path.iterdir()} == kept | {"weights.safetensors", "last.safetensors"}
    assert run.manifest["images"] == 40 * 16
    assert not method.training
    assert weights(run) == {k: v.numpy().tobytes() for k, v in method.state_dict().items()}


def test_the_kept_weights_give_the_value_they_were_chosen_for(tiny, bench, tmp_path):
    from sbirkit.retrieval import evaluate_embeddings

    class Spoils(tiny.Memory):
        def after_step(self, batch, step):
            super().after_step(batch, step)
            if step.number == 9:
                self.projection.weight.data[1:] = 0

    method = Spoils(backbone=tiny.Net())
    run = fit(method, bench, tiny.config(), out=tmp_path / "run", progress=False)
    assert run.metrics["selection"]["best"] != run.metrics["selection"]["last"]
    for which, said in run.metrics["selection"].items():
        method, rows = run.method(method, which=which), bench.selection
        vectors = evaluation.embed_rows(method, bench.catalogue, rows, size=tiny.SIZE)
        options = {"part": "selection", "metrics": ("mAP@all",)}
        assert evaluate_embeddings((rows, vectors), bench, "zs", **options)["mAP@all"] == said["mAP@all"]


def test_twice_the_same_and_the_users_random_numbers_untouched(tiny, bench, tmp_path):
    torch.manual_seed(3)
    want, made = torch.rand(3), []
    for k in range(2):
        torch.manual_seed(3)
        method = tiny.Memory(backbone=tiny.Net())
        made.append(fit(method, bench, tiny.config(), out=tmp_path / str(k), progress=False))
        assert torch.equal(torch.rand(3), want)
    assert weights(made[0], "last") == weights(made[1], "last")
    for name in ("metrics.json", "history.jsonl", "weights.safetensors"):
        assert (made[0].path / name).read_bytes() == (made[1].path / name).read_bytes()
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("term", ["triplet", "noise", "pull"])
def test_a_term_of_weight_zero_is_as_if_not_written(tiny, bench, tmp_path, term):
    class Without(tiny.Memory):
        def losses(self, batch, *, step):
            return {k: v for k, v in super().losses(batch, step=step).items() if k != term}

    def plain():
        return tiny.Net(norm=False, drop=0.0)

    runs = [
        fit(kind(config, backbone=plain()), bench, tiny.config(steps=4), out=tmp_path / name, progress=False)
        for name, kind, config in [
            ("off", tiny.Memory, tiny.MemoryConfig(**{term: 0.0})), ("out", Without, tiny.MemoryConfig()),
        ]
    ]  # fmt: skip
    assert weights(runs[0], "last") == weights(runs[1], "last")
    assert term not in runs[0].history[0]


def test_frozen_is_measured_and_not_trained(tiny, bench, tmp_path):
    method = Frozen(backbone=tiny.Net())
    before = {k: v.clone() for k, v in method.state_dict().items()}
    run = fit(method, bench, tiny.config(), out=tmp_path / "run", progress=False)
    assert all(torch.equal(v, before[k]) for k, v in method.state_dict().items())
    assert run.metrics["selection"]["best"]["steps"] == 0
    assert 0 < run.metrics["selection"]["best"]["mAP@all"] <= 1


def test_four_classes_of_twenty_pictures_train(tiny, tmp_path):
    bench = tiny.benchmark(tmp_path / "few", classes=9, objects=10)
    assert (len(bench.train_classes), len(bench.train)) == (4, 80)
    method = Softmax(backbone=tiny.Net(), classes=bench.train_classes)
    run = fit(method, bench, tiny.config(p=16, k=4, steps=30), out=tmp_path / "run", progress=False)
    assert run.manifest["images"] == 30 * 4 * 4 * 2
    assert run.history[-2]["softmax"] < 0.9 * math.log(4)


def test_without_selection_classes_the_last_is_the_best(tiny, folder, tmp_path):
    bench = tiny.benchmark(folder, selection=0.0)
    method = Triplet(backbone=tiny.Net())
    run = fit(method, bench, tiny.config(), out=tmp_path / "run", progress=False)
    assert run.metrics["selection"]["best"] == {"steps": 12, "mAP@all": None}
    assert weights(run) == weights(run, "last")


def test_phases_move_their_own_parameters_at_their_own_rate(tiny, bench, tmp_path):
    method = tiny.Rivals(backbone=tiny.Net(drop=0.0))
    moved = {}

    def watch(phase, before, p):
        moved.setdefault(phase, set()).update(
            k for k, v in method.named_parameters() if not torch.equal(v, before[k])
        )

    real, state = method.losses, {}

    def losses(batch, *, step):
        if state:
            watch(state["phase"], state["before"], None)
        state.update(phase=step.phase, before={k: v.detach().clone() for k, v in method.named_parameters()})
        return real(batch, step=step)

    method.losses = losses
    fit(method, bench, tiny.config(steps=3, warmup=0), out=tmp_path / "run", progress=False)
    assert moved["tell"] <= {"critic.weight", "critic.bias"}
    assert "critic.weight" in moved["tell"]
    assert "backbone.first.weight" in moved["fool"]
    assert not moved["fool"] & {"critic.weight", "critic.bias"}
    first = Run.open(tmp_path / "run").history[:2]
    assert [("tell" in line, "fool" in line) for line in first] == [(True, False), (False, True)]


def test_nonsense_stops_with_step_term_and_batch(tiny, bench, tmp_path):
    class Breaks(tiny.Memory):
        def losses(self, batch, *, step):
            terms = super().losses(batch, step=step)
            return terms | {"pull": terms["pull"] * (float("nan") if step.number == 7 else 1)}

    method = Breaks(backbone=tiny.Net())
    before = {k: v.clone() for k, v in method.state_dict().items()}
    with pytest.raises(Diverged, match="step 7: the term 'pull' is nan") as caught:
        fit(method, bench, tiny.config(), out=tmp_path / "run", progress=False)
    saved = torch.load(tmp_path / "run.partial" / "batch-00000007.pt", weights_only=True)
    assert saved["sketch"].shape == (8, 1, tiny.SIZE, tiny.SIZE)
    assert "batch-00000007.pt" in caught.value.__notes__[0]
    lines = [
        json.loads(line) for line in (tmp_path / "run.partial" / "history.jsonl").read_text().split("\n")[:-1]
    ]
    assert lines[-1]["step"] == 7
    assert lines[-1]["pull"] is None
    assert all(torch.equal(v, before[k]) for k, v in method.state_dict().items())
    assert not (tmp_path / "run").exists()


def test_what_is_there_is_opened_and_what_differs_is_refused(tiny, bench, tmp_path):
    method = Triplet(backbone=tiny.Net())
    run = fit(method, bench, tiny.config(), out=tmp_path / "run", progress=False)
    made = (run.path / "manifest.json").stat().st_mtime_ns
    other = Triplet(backbone=tiny.Net())
    again = fit(other, bench, tiny.config(), out=tmp_path / "run", progress=False)
    assert (again.path / "manifest.json").stat().st_mtime_ns == made
    assert torch.equal(other.projection.weight, method.projection.weight)
    with pytest.raises(ValueError, match=r"holds a run of other train;"):
        fit(Triplet(backbone=tiny.Net()), bench, tiny.config(lr=0.02), out=tmp_path / "run", progress=False)
    with pytest.raises(ValueError, match=r"holds a run of other method, first_weights;"):
        fit(Triplet(backbone=tiny.Net(4)), bench, tiny.config(), out=tmp_path / "run", progress=False)


def test_the_default_folder_is_named_after_what_matters(tiny, bench, tmp_path, monkeypatch):
    monkeypatch.setenv("SBIRKIT_HOME", str(tmp_path))
    one, two, same = (
        fit(Frozen(backbone=tiny.Net(seed=seed)), bench, tiny.config(), progress=False) for seed in (0, 1, 0)
    )
    assert one.path.parent == tmp_path / "runs"
    assert one.path == same.path != two.path


def test_unseen_pictures_are_never_read(tiny, folder, tmp_path, monkeypatch):
    bench, read = tiny.benchmark(folder), set()
    from sbirkit.data.augment import Augment

    whole = Augment.__call__

    def watched(self, pixels, rng, *, size=None, which=None):
        rows = bench.catalogue.sketches if pixels.ndim == 3 else bench.catalogue.photos
        read.update(rows[which].tolist())
        return whole(self, pixels, rng, size=size, which=which)

    monkeypatch.setattr(Augment, "__call__", watched)
    fit(Triplet(backbone=tiny.Net()), bench, tiny.config(), out=tmp_path / "run", progress=False)
    assert read
    assert read <= set(bench.train) | set(bench.selection)


def test_a_wrong_name_or_kind_is_said(tiny, bench, tmp_path):
    with pytest.raises(TypeError, match="there is no 'stepps' \\(did you mean 'steps'\\?\\)"):
        TrainConfig(stepps=3)
    with pytest.raises(ValueError, match=r"steps wants int, got 3\.5"):
        TrainConfig(steps=3.5)
    with pytest.raises(ValueError, match="precision wants '32-true' or 'bf16-mixed', got '8-true'"):
        TrainConfig(precision="8-true")
    with pytest.raises(ValueError, match="augment wants one of none, light, strong, or fields, got 'heavy'"):
        TrainConfig(augment="heavy")
    with pytest.raises(ValueError, match="steps wants 0 or more, got -1"):
        replace(TrainConfig(), steps=-1)
    with pytest.raises(ValueError, match="made for other classes than the 4 that are trained on here"):
        fit(Softmax(backbone=tiny.Net(), classes=("a", "b")), bench, tiny.config(), out=tmp_path / "r")

    class Stray(tiny.Memory):
        def losses(self, batch, *, step):
            return {"tripled": self.embed(batch.photo, "photo").sum()}

    with pytest.raises(ValueError, match=r"tripled without a weight; weights that are not 0: triplet, noise"):
        fit(Stray(backbone=tiny.Net()), bench, tiny.config(), out=tmp_path / "s", progress=False)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_learning_rate_rises_and_falls_in_either_precision(tiny, bench, tmp_path, precision):
    method, config = Triplet(backbone=tiny.Net()), tiny.config(steps=6, precision=precision, lr=0.5)
    run = fit(method, bench, config, out=tmp_path / "run", progress=False)
    got = [line["lr"] for line in run.history if "lr" in line]
    cosine = [(1 + math.cos(math.pi * t / 6)) / 2 for t in range(6)]
    assert got == pytest.approx([0.5 * c * (0.5 if t == 0 else 1) for t, c in enumerate(cosine)])
    assert all(v.dtype != torch.bfloat16 for v in run.weights().values())


def test_only_matrices_decay_and_groups_keep_their_rates(tiny):
    from sbirkit.training.loop import _groups

    method = tiny.Rivals(backbone=tiny.Net())
    method.backbone.second.requires_grad_(False)
    groups = _groups(method, tiny.config(lr=0.2, weight_decay=0.3))
    got = [(g["lr"], g["weight_decay"], g["phase"], sorted({p.ndim for p in g["params"]})) for g in groups]
    assert got == [
        (0.1, 0.3, "fool", [4]),
        (0.1, 0.0, "fool", [1]),
        (0.2, 0.3, "tell", [2]),
        (0.2, 0.0, "tell", [1]),
    ]
    assert not any(p is method.backbone.second.weight for g in groups for p in g["params"])
