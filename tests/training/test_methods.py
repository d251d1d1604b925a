"""The four systems in the loop: terms that are off, totals, interruptions, few pictures, odd batches."""

from dataclasses import replace

import pytest
import torch

from sbirkit.models import METHODS
from sbirkit.models.backbones import backbone
from sbirkit.models.recipe import rebuild, recipe
from sbirkit.training import fit

SYSTEMS = ("ramln", "dsn", "masbir", "bdasketret")
TERMS = [(name, term) for name in SYSTEMS for term in METHODS[name].Options().weights()]
SHORT = {"steps": 3, "select_every": 0, "checkpoint_every": 0, "lr": 0.003}


def alike(one, two):
    """Bit for bit, NaN too."""
    assert one.keys() == two.keys()
    return all(x.numpy().tobytes() == two[k].numpy().tobytes() for k, x in one.items())


def same(one, two, *files):
    return [(one.path / file).read_bytes() == (two.path / file).read_bytes() for file in files]


@pytest.mark.parametrize(("name", "term"), TERMS)
def test_a_term_of_weight_zero_is_as_if_not_written(tiny, bench, tmp_path, name, term):
    kind = METHODS[name]

    class Without(kind):
        def losses(self, batch, *, step):
            return {k: v for k, v in super().losses(batch, step=step).items() if k != term}

        def weights(self, step):  # MA-SBIR's depend on each other
            whole, self.config = self.config, replace(self.config, **{term: 0.0})
            try:
                return super().weights(step)
            finally:
                self.config = whole

        def views(self):
            return () if term == "contrastive" else super().views()

    runs = []
    for folder, how, options in (("off", kind, {term: 0.0}), ("out", Without, {}), ("on", kind, {})):
        method = tiny.system(
            name,
            bench.train_classes,
            net=backbone("convnet", width=8, classes=tiny.TEACHES),
            kind=how,
            **options,
        )
        run = fit(method, bench, tiny.config(**SHORT), out=tmp_path / folder, progress=False)
        runs.append((run, run.weights("last")))
    (off, a), (out, b), (on, c) = runs
    if (name, term) == ("dsn", "memory"):  # what nothing reads is not written either
        a, b, c = ({k: v for k, v in one.items() if not k.startswith("memory.")} for one in (a, b, c))
    assert alike(a, b), term
    assert same(off, out, "history.jsonl") == [True]
    assert all(term not in line for line in off.history)
    assert all(term in line for line in on.history if "loss" in line)
    assert not alike(a, c)  # the term does something


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_total_is_the_plain_weighted_sum(tiny, bench, tmp_path, name):
    options = {"schedule": "progressive"} if name == "bdasketret" else {}
    method = tiny.system(name, bench.train_classes, **options)
    run = fit(method, bench, tiny.config(**SHORT | {"steps": 10}), out=tmp_path / "run", progress=False)
    given = method.config.weights()
    divisor = sum(given.values()) if name == "masbir" else 1
    lines = [line for line in run.history if "loss" in line]
    assert len(lines) == 10
    for line in lines:
        ramp = min(1, max(0, (line["step"] / 10 - 0.2) / 0.3)) if name == "bdasketret" else 1
        late = {"divergence": ramp, "information": ramp}
        weights = {term: w * (late.get(term, 1) if name == "bdasketret" else 1) for term, w in given.items()}
        assert {t for t in given if t in line} == {t for t, w in weights.items() if w}
        want = sum(w * line[term] for term, w in weights.items() if w) / divisor
        assert line["loss"] == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("name", SYSTEMS)
def test_interrupted_and_resumed_it_ends_bit_for_bit_the_same(tiny, bench, tmp_path, name):
    kind = METHODS[name]

    class Stops(kind):
        stop = -1

        def after_step(self, batch, step):
            super().after_step(batch, step)
            if step.number == self.stop:
                raise KeyboardInterrupt

    def train(folder, method):
        return fit(method, bench, tiny.config(steps=8), out=tmp_path / folder, progress=False)

    method = tiny.system(name, bench.train_classes, kind=Stops)
    first = {k: v.clone() for k, v in method.state_dict().items()}
    method.stop = 4  # a step after the checkpoint
    with pytest.raises(KeyboardInterrupt):
        train("cut", method)
    assert alike(method.state_dict(), first)
    method.stop = -1
    cut, whole = train("cut", method), train("whole", tiny.system(name, bench.train_classes, kind=Stops))
    files = ("weights.safetensors", "last.safetensors", "history.jsonl", "metrics.json")
    assert all(same(cut, whole, *files))
    moved = {k for k, v in whole.weights("last").items() if not alike({k: v}, {k: first[k]})}
    memory = {"ramln": {"margins.memory", "margins.usage"}, "dsn": {"memory.bank", "memory.filled"}}
    assert memory.get(name, set()) <= moved


@pytest.mark.parametrize("name", METHODS)
def test_four_classes_of_twenty_pictures_train(tiny, tmp_path, name):
    bench = tiny.benchmark(tmp_path / "few", classes=9, objects=10)
    assert (len(bench.train_classes), len(bench.train)) == (4, 80)
    if name in SYSTEMS:
        method = tiny.system(name, bench.train_classes)
    else:
        told = {"classes": bench.train_classes} if name == "softmax" else {}
        method = METHODS[name](backbone=tiny.Maps(), **told)
    config = tiny.config(p=16, k=2, steps=12, select_every=0, checkpoint_every=0)
    run = fit(method, bench, config, out=tmp_path / "run", progress=False)
    assert run.manifest["images"] > 0 or name in ("untrained", "frozen")


@pytest.mark.parametrize("name", SYSTEMS)
def test_fine_grained_released_and_fixed_variants_train(tiny, bench, tmp_path, name):
    variants = {
        "ramln": [{"margin": "fixed"},
                  {"memory": "classes", "hinge": "split", "mining": "all", "stress": 0.0},
                  {"memory": "off"}],
        "dsn": [{"sampling": "released", "memory_gradient": "released", "memory_write": "released",
                 "empty": False}, {"head": "mlp", "gates": False, "dim": 0}, {"head": "linear"}],
        "masbir": [{"variant": "fine-grained"}, {"targets": "diagonal", "captions": "class", "detach": True}],
        "bdasketret": [{"streams": "fixed", "direction": "sketch-photo", "graph": "tree"},
                       {"form": "reversal", "gates": True, "dim": 0, "schedule": "progressive"}],
    }  # fmt: skip
    for k, options in enumerate(variants[name]):
        method = tiny.system(name, bench.train_classes, **options)
        run = fit(method, bench, tiny.config(**SHORT), out=tmp_path / str(k), progress=False)
        again = run.method(which="last")
        images = torch.randint(0, 256, (3, 1, 32, 32), dtype=torch.uint8)
        for modality in ("sketch", "photo"):
            now = run.method(method, which="last").embed(images, modality)
            assert torch.equal(again.embed(images, modality), now)
            assert now.shape == (3, method.dim)


@pytest.mark.parametrize("name", SYSTEMS)
def test_odd_batches_give_numbers(tiny, bench, name):
    method = tiny.system(name, bench.train_classes)
    whole = tiny.batch(method, bench)
    none, one, some = slice(0, 0), slice(0, 1), slice(None)
    for sketches, photos in ((none, some), (some, none), (one, one), (one, none), (slice(0, 2), slice(0, 2))):
        method.zero_grad()
        step, part = tiny.step(), whole.part(sketches, photos)
        terms = method.losses(part, step=step)
        assert set(terms) == {t for t, w in method.weights(step).items() if w}
        total = torch.stack([*terms.values()]).sum()
        total.backward()
        method.after_step(part, step)
        assert total.isfinite()
        assert all(p.grad is None or p.grad.isfinite().all() for p in method.parameters())
        assert all(b.isfinite().all() for k, b in method.named_buffers() if not k.startswith("text."))


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_was_made_is_made_again(tiny, bench, name):
    method = tiny.system(name, bench.train_classes, net=backbone("convnet", width=8, classes=tiny.TEACHES))
    again = rebuild(recipe(method))
    again.load_state_dict(method.state_dict())
    images = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    assert torch.equal(again.eval().embed(images, "photo"), method.eval().embed(images, "photo"))


@pytest.mark.parametrize("name", SYSTEMS)
def test_first_weights_come_from_the_seed_alone(tiny, bench, name):
    made = []
    for number in (0, 1):
        torch.manual_seed(number)
        made.append(tiny.system(name, bench.train_classes, dim=12)
                    if name != "masbir" else tiny.system(name, bench.train_classes))  # fmt: skip
    assert alike(*(m.state_dict() for m in made))
