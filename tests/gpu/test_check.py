"""gpu-check on the CPU: the record survives anything, checks can fail, and real stages run."""

import json
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sbirkit.gpu import check, measuring, sidebyside, throughput
from sbirkit.gpu.check import How, Record, run
from sbirkit.gpu.sidebyside import side_by_side
from sbirkit.models.baselines import Triplet, TripletConfig
from sbirkit.models.gates import attach_gates
from sbirkit.training import fit

HEAD = {
    "machine": {"device": "cpu", "processor": "abacus", "git": {"commit": "1"}},
    "code": "of today",
    "budget": {"quick": True},
}
GOOD = {"says": "fine", "measured": {"x": 1}, "checks": [measuring.below("gap", 0.1, 0.2)]}


@pytest.fixture
def how(tmp_path):
    return How(device="cpu", quick=True, folder=tmp_path / "runs")


def stage(result, seen, name, minutes=0.1):
    def work(how):
        seen.append(name)
        if isinstance(result, Exception):
            raise result
        return json.loads(json.dumps(result))

    return measuring.Stage(work, minutes)


def test_the_record_is_written_after_each_stage_and_done_ones_are_not_done_again(how, tmp_path, capsys):
    path, seen = tmp_path / "check.json", []
    stages = {"a": stage(GOOD, seen, "a"), "b": stage(RuntimeError("no luck"), seen, "b"),
              "c": stage(GOOD, seen, "c")}  # fmt: skip

    def go(**more):
        record = Record(path, HEAD, fresh=more.get("fresh", False))
        return run(how, stages, list(stages), record, minutes=0)

    assert go() == 1
    said = json.loads(path.read_text())
    assert list(said["stages"]) == ["a", "b", "c"]
    assert "no luck" in said["stages"]["b"]["error"]
    assert said["machine"] == HEAD["machine"]
    assert "b: FAILED: RuntimeError: no luck" in capsys.readouterr().out
    stages["b"] = stage(GOOD, seen, "b again")
    assert go() == 0
    assert seen == ["a", "b", "c", "b again"]
    assert go(fresh=True) == 0
    assert seen[4:] == ["a", "b again", "c"]


ADDS = """
import json, sys
from pathlib import Path
from sbirkit.gpu.check import Record
record = Record(Path(sys.argv[1]), json.loads(sys.argv[2]))
for k in range(25):
    record.add(f"{sys.argv[3]}{k}", {"says": "fine", "checks": []})
"""


def test_processes_side_by_side_add_to_one_record_and_none_loses_what_another_found(tmp_path):
    path = tmp_path / "check.json"
    side_by_side([["-c", ADDS, str(path), json.dumps(HEAD), name] for name in "abc"])
    assert len(Record(path, HEAD).stages) == 75


def test_the_machine_is_described_as_the_first_process_found_it(tmp_path):
    path = tmp_path / "check.json"
    for threads in (16, 5):
        Record(path, {"machine": HEAD["machine"] | {"threads": threads}}).add(str(threads), GOOD)
    assert json.loads(path.read_text())["machine"]["threads"] == 16


def test_a_fresh_record_puts_the_old_one_aside(tmp_path):
    path = tmp_path / "check.json"
    Record(path, HEAD).add("a", GOOD)
    Record(path, HEAD, fresh=True).add("b", GOOD)
    assert list(json.loads(path.read_text())["stages"]) == ["b"]
    assert list(json.loads(path.with_suffix(".before.json").read_text())["stages"]) == ["a"]


def test_workers_share_what_times_nothing_and_the_rest_runs_alone(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(measuring, "bench", lambda quick: None)
    monkeypatch.setattr(sidebyside, "side_by_side", seen.extend)
    free, alone = measuring.Stage(lambda how: GOOD, 1), measuring.Stage(lambda how: GOOD, 1, alone=True)
    stages = {"a": free, "b": free, "c": alone, "d": free}
    how, record = How(device="cpu", quick=True, folder=tmp_path), Record(tmp_path / "check.json", HEAD)
    check.together(how, stages, ["c"], record, workers=2, minutes=3)
    assert not seen, "nothing to share"
    check.together(how, stages, list(stages), record, workers=2, minutes=3)
    assert [words[-1] for words in seen] == ["a,d", "b"]
    for words in seen:
        args = check.parser().parse_args(words[2:])
        assert (args.minutes, args.quick, args.device, args.beside) == (3, True, "cpu", 1)
    assert run(how, stages, ["a"], record, minutes=3, began=time.monotonic() - 150, beside=1) == 3, "too late"
    assert run(how, stages, ["a"], record, minutes=3, beside=1) == 0
    assert record.stages["a"]["beside"] == 1


def test_what_was_started_side_by_side_ends_with_an_interruption(monkeypatch, tmp_path):
    forever = ["-c", f"import pathlib, time; pathlib.Path({str(tmp_path / 'up')!r}).touch(); time.sleep(600)"]
    started, real = [], sidebyside.subprocess.Popen

    def start(*words, **how):
        started.append(real(*words, **how))
        return started[-1]

    def interrupted(thread):
        while not (tmp_path / "up").exists():
            time.sleep(0.05)
        raise KeyboardInterrupt

    monkeypatch.setattr(sidebyside.subprocess, "Popen", start)
    monkeypatch.setattr(sidebyside.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        side_by_side([forever, forever])
    assert [one.wait(5) for one in started] == [-9, -9]


def test_a_cut_loses_the_stage_in_hand_only(how, tmp_path):
    path, seen = tmp_path / "check.json", []
    stages = {
        "a": stage(GOOD, seen, "a"),
        "b": measuring.Stage(lambda how: (_ for _ in ()).throw(KeyboardInterrupt), 1),
    }
    with pytest.raises(KeyboardInterrupt):
        run(how, stages, ["a", "b"], Record(path, HEAD), minutes=0)
    assert list(json.loads(path.read_text())["stages"]) == ["a"]


def test_a_check_that_does_not_hold_is_said_and_an_aim_is_no_failure(how, tmp_path, capsys):
    aim = GOOD | {"checks": [measuring.below("speed", 0.5, 0.2, aim=True)]}
    bad = GOOD | {"checks": [measuring.below("gap", 0.3, 0.2)]}
    stages = {"aim": stage(aim, [], "aim"), "bad": stage(bad, [], "bad")}
    record = Record(tmp_path / "check.json", HEAD)
    assert run(how, stages, ["aim"], record, minutes=0) == 0
    assert "aim not reached: speed: wanted at most 0.2, got 0.5" in capsys.readouterr().out
    assert run(how, stages, ["aim", "bad"], record, minutes=0) == 1
    said = capsys.readouterr().out
    assert "DOES NOT HOLD: gap: wanted at most 0.2, got 0.3" in said
    assert "not as it should be: bad" in said


def test_no_stage_begins_that_would_end_too_late(how, tmp_path, capsys):
    seen = []
    stages = {"short": stage(GOOD, seen, "short", 1), "long": stage(GOOD, seen, "long", 9)}
    assert run(how, stages, [*stages], Record(tmp_path / "c.json", HEAD), minutes=5) == 3
    assert seen == ["short"]
    assert "out of time: long" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (HEAD | {"machine": HEAD["machine"] | {"processor": "other"}}, "machine"),
        (HEAD | {"code": "of tomorrow"}, "code"),
        (HEAD | {"budget": {"quick": False}}, "budget"),
    ],
)
def test_shards_of_two_machines_are_not_mixed(head, word, tmp_path):
    path = tmp_path / "check.json"
    Record(path, HEAD).add("a", GOOD)
    assert Record(path, HEAD).done("a")
    with pytest.raises(ValueError, match=f"of another {word}"):
        Record(path, head)
    assert not Record(path, head, fresh=True).done("a")


def test_the_digest_follows_what_makes_runs_and_what_measures_them(monkeypatch):
    before, real = measuring.digest(), measuring.code_lines
    assert measuring.digest() == before
    monkeypatch.setattr(measuring, "code_lines", lambda text: [*real(text), "pass"])
    assert measuring.digest() != before
    monkeypatch.undo()
    monkeypatch.setattr(measuring, "code_digest", lambda kind: "other")
    assert measuring.digest() != before


def test_a_later_commit_whose_runs_are_the_same_adds_to_a_record(how, tmp_path):
    path, later = tmp_path / "check.json", HEAD | {"machine": HEAD["machine"] | {"git": {"commit": "2"}}}
    for head, name in ((HEAD, "a"), (later, "b")):
        run(how, {name: stage(GOOD, [], name)}, [name], Record(path, head), minutes=0)
    written = json.loads(path.read_text())["stages"]
    assert {name: one["commit"] for name, one in written.items()} == {"a": "1", "b": "2"}


def test_names_and_shards():
    names = [f"s{k}" for k in range(7)]
    shards = [check.chosen(names, "", f"{k}/3") for k in (1, 2, 3)]
    assert sorted(name for shard in shards for name in shard) == names
    with pytest.raises(ValueError, match="there is no nothing"):
        check.chosen(names, "nothing", "")
    for shard in ("0/2", "3/2", "half", "1"):
        with pytest.raises(ValueError, match="want k/n"):
            check.chosen(names, "", shard)


def test_missing_packages_are_named_with_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(check, "NEEDED", {"json": "json", "no_such_module": "no-such-package"})
    assert check.main(["--device", "cpu"]) == 2
    said = capsys.readouterr().err
    assert "missing here: no-such-package." in said
    assert "pip install no-such-package" in said
    assert "pip download" in said


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said(capsys):
    assert check.main(["--device", "cuda"]) == 2
    assert "torch sees no GPU here" in capsys.readouterr().err


def test_two_runs_that_differ_are_not_the_same(tiny, bench, tmp_path):
    def one(name, seed):
        method = Triplet(TripletConfig(dim=8), backbone=tiny.Net())
        return fit(method, bench, tiny.config(steps=4, seed=seed), out=tmp_path / name, progress=False)

    a, b, c = one("a", 0), one("b", 0), one("c", 1)
    assert measuring.apart(a, b)["bitwise"]
    other = measuring.apart(a, c)
    assert not other["bitwise"]
    assert other["largest difference of a weight"] > 0
    cpu, gpu = (SimpleNamespace(device=device) for device in ("cpu", "cuda"))
    assert [x["ok"] for x in measuring.same_end(cpu, "twice", measuring.apart(a, b))] == [True] * 3
    strict, mild = (measuring.same_end(how, "twice", other)[-1] for how in (cpu, gpu))
    assert not strict["ok"]
    assert "aim" not in strict
    assert mild["aim"]


def test_the_reference_is_the_shipped_run_of_the_same_parameters(how, monkeypatch):
    slow = How(device="cpu", quick=False, folder=how.folder)
    monkeypatch.setattr(measuring, "bench", lambda quick: shipped)
    from sbirkit.data import load

    shipped = load("doodleworld").benchmark("unseen-16", setting="gzs")
    recorded = json.loads(Path(measuring.paths.results() / "dsn_unseen-16_s1/metrics.json").read_text())
    want = next(r for r in recorded["results"] if r["setting"] == "zs" and r["weights"] == "best")
    assert measuring.reference(slow, "dsn", 1) == want["metrics"]["mAP@all"]
    real = measuring.made
    monkeypatch.setattr(measuring, "made", lambda how, name, **more: real(how, name, lr=0.5, **more))
    with pytest.raises(ValueError, match="another train"):
        measuring.reference(slow, "dsn", 1)


def test_the_loop_is_timed_and_waiting_is_a_fraction(tiny, bench, tmp_path):
    method = tiny.system("dsn", bench.train_classes)
    config = tiny.config(steps=40, select_every=0, checkpoint_every=0)
    found = throughput.looped(method, bench, config, folder=tmp_path / "timed", times=3)
    assert found["pictures_per_step"] == 2 * 4 * 2 * 3  # two modalities, p x k, three views
    assert found["images_per_second"] == pytest.approx(48 / found["seconds_per_step"])
    assert 0 <= found["waiting"] < 1
    assert throughput.making(bench, method, config, times=2) > 0
    rate = throughput.bare(tiny.Maps(), pictures=4, size=32, precision="bf16-mixed", device="cpu", times=2)
    assert rate > 0


def test_a_network_with_gates_is_timed_bare_too(tiny):
    network = attach_gates(tiny.Maps())
    how = {"pictures": 4, "size": 32, "precision": "32-true", "device": "cpu", "times": 1}
    assert throughput.bare(network, **how) > 0
    with pytest.raises(RuntimeError, match="has gates"):  # told for that time only
        network.run(torch.zeros(1, 3, 32, 32))


def test_real_stages_hold_on_the_cpu_and_a_planted_fault_does_not(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(measuring, "TRAINED", ("softmax", "dsn", "ramln"))
    out, ask = tmp_path / "check.json", ["--device", "cpu", "--quick", "--out"]
    names = "evaluate,repeat-ramln,agree-ramln,throughput-softmax,quickdraw,train-still,train-dsn"
    assert check.main([*ask, str(out), "--stages", names]) == 0, capsys.readouterr().out
    said = json.loads(out.read_text())
    assert said["machine"]["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert said["stages"]["repeat-ramln"]["measured"]["bitwise"]
    for label in ("fp32", "bf16"):
        stage = said["stages"][f"train-dsn-{label}"]["measured"]
        assert stage["images_per_second"] > 0
        assert stage["pictures"] == 6 * 48  # steps, and three views of 16 pictures
    real, calls = measuring.embed_rows, iter(range(99))

    def third_is_noisy(*args, **more):
        vectors = real(*args, **more)
        noise = np.random.default_rng(0).normal(0, vectors.std(), vectors.shape)
        return vectors + noise * (next(calls) % 3 == 2)

    monkeypatch.setattr(measuring, "embed_rows", third_is_noisy)
    assert check.main([*ask, str(tmp_path / "other.json"), "--stages", "evaluate"]) == 1
    assert "plain fp32: mAP@all beside the CPU's: wanted at most 0.005" in capsys.readouterr().out
