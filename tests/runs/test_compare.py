"""A comparison from a folder of pictures to its table, and all that may be wrong with what is given."""

import csv
import json
import re
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from sbirkit.models.baselines import Triplet, TripletConfig
from sbirkit.models.guessing import network_of
from sbirkit.runs import compare, given, scores, transfer
from sbirkit.training import Run, evaluate, fit

CLASSES = [f"class {c:02d}" for c in range(7)]
UNSEEN = CLASSES[:3]
METHODS = "untrained,frozen,softmax,triplet,ramln,dsn,masbir,bdasketret"


def draw(tiny, folder, classes=CLASSES, count=20, modalities=("sketch", "photo")):
    for name in classes:
        for modality in modalities:
            (place := folder / modality / name.replace(" ", "-")).mkdir(parents=True)
            for i in range(count):
                item = tiny.Item(name, modality, f"{modality}/{name}/{i}")
                Image.fromarray(tiny.picture(item)[tiny.SIZE]).save(place / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """One home for the module, so that pictures are prepared once."""
    place = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SBIRKIT_HOME", str(place))
        patch.delenv("SBIRKIT_FRESH", raising=False)
        yield place


@pytest.fixture(scope="module")
def shapes(tiny, home):
    """Seven classes of twenty pictures each; one is no picture."""
    folder = draw(tiny, home / "my <shapes>")
    (folder / "photo" / "class-05" / "3.png").write_bytes(b"no picture")
    (home / "unseen.txt").write_text("# unseen\n" + "\n".join(UNSEEN))
    return folder


def at_random(relevant, gallery):
    """A right photo stands at any place i alike, below i - 1 of which the others have their share."""
    places = np.arange(1, gallery + 1)
    return np.mean((1 + (places - 1) * (relevant - 1) / (gallery - 1)) / places)


def run(*words):
    return compare.main([str(w) for w in words])


def command(shapes, *more):
    return (shapes, "--split", shapes.parent / "unseen.txt", "--profile", "smoke", "--weights", "doodleworld",
            "--workers", "1", "--images", "32", "--quiet", *more)  # fmt: skip


@pytest.fixture(scope="module")
def out(shapes, home):
    """The comparison of all methods, once."""
    vectors = home / "vectors.npz"
    names = [name.replace(" ", "_") for name in CLASSES if name != "class 04"]
    rows = np.random.default_rng(0).normal(size=(len(names), 12)).astype(np.float16)
    np.savez(vectors, names=np.array(names), vectors=rows)
    assert run(*command(shapes, "--seeds", 1, "--vectors", vectors)) == 0
    return home / "compare" / "my-shapes"


def test_a_folder_becomes_a_table_and_a_page(out):
    table = (out / "table.md").read_text()
    rows = re.findall(r"^\| ([\w, ]+?) \| (\d\.\d{3}) ", table, re.MULTILINE)
    wanted = METHODS.split(",")
    assert [name for name, _ in rows] == [*wanted[:7], "masbir, converted", wanted[7]]
    assert "3 unseen classes of my <shapes>" in table.replace("&lt;", "<").replace("&gt;", ">")
    assert "the last weights count" in table
    assert "vectors: 6 of 7 classes have one" in table
    assert f"zero-shot; chance {at_random(20, 60):.3f}" in table
    assert "masbir: too narrow, or too few training pictures, for a 64-bit code" in table
    assert "leave out where they need one: class_04" in table
    aside = "pictures set aside (1): photo/class-05/3.png (not a picture"
    assert all(aside in text for text in (table, (out / "index.html").read_text()))
    with (out / "runs.csv").open() as file:
        runs = list(csv.DictReader(file))
    assert [r["method"] for r in runs] == wanted
    for one, (_, shown) in zip(runs[:7], rows, strict=False):
        record = Run.open(out / "records" / f"{one['method']}_unseen_s0")
        zs = record.number("zs")["mAP@all"]
        assert float(one["zs mAP@all"]) == zs == pytest.approx(float(shown), abs=5e-4)
        if one["method"] == "masbir":  # twelve numbers, as the vectors have
            assert one["codes64 mAP@all"] == ""
        else:
            assert float(one["codes64 mAP@all"]) == record.number("codes64")["mAP@all"]
        details = json.loads((record.path / "details.json").read_text())
        assert details["per_class"].keys() == {name.replace(" ", "_") for name in UNSEEN}
        assert details["chance"] == pytest.approx(at_random(20, 60), abs=1e-9)
    with (out / "table.csv").open() as file:
        long = {(r["method"], r["metric"]): r for r in csv.DictReader(file)}
    assert long["dsn", "seen mAP@all"]["n"] == "1"
    assert long["dsn", "seen mAP@all"]["half_interval"] == ""


def test_the_page_is_whole_in_itself_and_says_what_it_shows(out):
    page = (out / "index.html").read_text()
    assert "my <shapes>" not in page
    assert "my &lt;shapes&gt;" in page
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", page)
    images = re.findall(r"<img\b[^>]*>", page)
    assert len(images) == 1 + 3 * 8 * 11
    assert all(re.search(r'alt="[^"]+', image) for image in images)
    assert page.count("✓ class") + page.count("✗ class") == 3 * 8 * 10
    hit = page.count('class="hit"')
    assert hit == page.count("✓ class") > 0


def test_what_is_there_is_not_made_again(shapes, home, out, monkeypatch, capsys):
    before = (out / "table.md").read_text()
    monkeypatch.setattr(compare, "do", lambda job, **_: pytest.fail(f"{job.name} was made again"))
    assert run(*command(shapes, "--seeds", 1, "--vectors", home / "vectors.npz")) == 0
    assert (out / "table.md").read_text() == before
    assert "runs to make" not in capsys.readouterr().out


def test_stopped_in_the_middle_it_goes_on(shapes, home, monkeypatch, capsys):
    real, seen = compare.do, []

    def interrupted(job, **options):
        seen.append(job.name)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return real(job, **options)

    monkeypatch.setattr(compare, "do", interrupted)
    words = command(shapes, "--seeds", 2, "--methods", "untrained,frozen", "--name", "stopped")
    assert run(*words) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert "untrained" in (home / "compare/stopped/table.md").read_text()
    assert run(*words) == 0
    said = capsys.readouterr().out
    assert "3 runs to make (1 are there already)" in said
    assert seen == ["untrained_unseen_s0", "frozen_unseen_s0", "frozen_unseen_s0", "untrained_unseen_s1",
                    "frozen_unseen_s1"]  # fmt: skip
    assert re.search(r"frozen \| \d\.\d{3} ± \d\.\d{3} ", said)


@pytest.fixture(scope="module")
def handful(tiny, home):
    """Five classes of eight: three are trained on, fewer than a batch of the smoke profile wants."""
    return draw(tiny, home / "handful", CLASSES[:5], 8)


def small(handful, *more):
    return run(handful, "--profile", "smoke", "--weights", "doodleworld", "--workers", "1", "--images", "96",
               "--seeds", 1, "--quiet", *more)  # fmt: skip


def test_a_handful_of_pictures_is_measured_without_codes(handful, home):
    assert small(handful, "--methods", "softmax") == 0
    (row,) = csv.DictReader((home / "compare/handful/runs.csv").open())
    assert row["codes64 mAP@all"] == ""
    assert 0 < float(row["seen mAP@all"]) <= 1
    said = "softmax: too narrow, or too few training pictures, for a 64-bit code"
    assert said in (home / "compare/handful/table.md").read_text()


def test_where_few_classes_are_trained_on_all_methods_look_at_as_many_pictures(handful, home):
    assert small(handful, "--methods", "softmax,masbir,dsn:p=2", "--name", "alike") == 0
    rows = list(csv.DictReader((home / "compare/alike/runs.csv").open()))
    assert [int(row["images"]) for row in rows] == [96, 96, 96]


def test_a_method_with_changed_options_is_a_row_of_its_own(shapes, home):
    methods = "dsn,dsn:memory_write=correct,dsn:memory=0.0+contrastive=0.0,dsn:images=96+p=2"
    assert run(*command(shapes, "--seeds", 1, "--methods", methods, "--name", "arms")) == 0
    rows = list(csv.DictReader((home / "compare" / "arms" / "runs.csv").open()))
    assert [row["method"] for row in rows] == methods.split(",")
    plain, same, other, longer = (row["seen mAP@all"] for row in rows)
    assert plain == same
    assert len({plain, other, longer}) == 3
    looked = [int(row["images"]) for row in rows]
    assert looked[0] == looked[1]
    assert max(looked[:3]) < looked[3] <= 96


def test_one_that_fails_does_not_stop_the_others_and_the_page_says_it(shapes, home, monkeypatch, capsys):
    real = compare.do

    def broken(job, **options):
        if job.method == "untrained":
            raise RuntimeError("out of luck")
        return real(job, **options)

    monkeypatch.setattr(compare, "do", broken)
    assert run(*command(shapes, "--seeds", 1, "--methods", "untrained,frozen", "--name", "luck")) == 1
    said = capsys.readouterr().out
    why = "FAILED untrained_unseen_s0: RuntimeError: out of luck"
    assert why in said
    assert "frozen_unseen_s0: mAP@all" in said
    pages = [home / "compare/luck" / name for name in ("table.md", "index.html")]
    words = command(shapes, "--seeds", 1, "--methods", "untrained,frozen", "--name", "luck")
    assert run(*words, "--table") == 0
    assert all(why in page.read_text() for page in pages)
    monkeypatch.setattr(compare, "do", real)
    assert run(*words) == 0
    assert not any("FAILED" in page.read_text() for page in pages)


def test_several_splits_are_pooled_split_by_split(shapes, home):
    words = command(shapes, "--seeds", 2, "--methods", "untrained", "--splits", 2, "--name", "splits")
    assert run(*words) == 0
    with (home / "compare/splits/table.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["metric"] == "ZS mAP@all"]
    assert [r["split"] for r in rows] == ["unseen", "random-3-s1", "all 2 splits"]
    assert [r["n"] for r in rows] == ["2", "2", "2"]
    mean = (float(rows[0]["mean"]) + float(rows[1]["mean"])) / 2
    assert float(rows[2]["mean"]) == pytest.approx(mean, abs=1e-5)
    assert rows[2]["over"] == "splits"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": "my shaped"}, r"DATA: there is no .*did you mean 'my <shapes>'"),
        ({"--split": "no.txt"}, r"SPLIT: there is no file no\.txt"),
        ({"--methods": "ramln,dsm"}, r"METHODS: there is no dsm \(did you mean 'dsn'\?\)"),
        ({"--methods": "dsn:memry=0"}, r"no parameter 'dsn.memry' \(did you mean 'memory'\?\)"),
        ({"--methods": "dsn:contrastive=-1"}, "parameter dsn.contrastive: "),
        ({"--methods": "dsn:contrastive"}, "parameter dsn.contrastive: .* got ''"),
        ({"--methods": "dsn:images=0"}, "parameter dsn.images: .* from 1, got 0"),
        ({"--seeds": "0"}, "SEEDS: want 1 or more, got 0"),
        ({"--images": "0"}, "--images: want 1 or more, got 0"),
        ({"--weights": "imagenett"}, "WEIGHTS: want a file .* got 'imagenett'"),
        ({"--weights": "gone.npz"}, "WEIGHTS: .*there is no file"),
        ({"--weights": "odd.npz"}, "weights: of no network known here. The file holds 1 arrays, like a"),
        ({"--vectors": "odd.npz"}, "VECTORS: want an .npz with the arrays names and vectors"),
        ({"--vectors": "gone.npz"}, "VECTORS: there is no file"),
        ({"--from": "nowhere"}, "--from: there is no run nowhere"),
        ({"--queries": "my sketches"}, "--queries: there is no my sketches"),
        ({"--queries": "no picture"}, "--queries: no picture cannot be prepared, for the reason above"),
        ({"--onto": "doodlewood"}, "--onto: there is no doodlewood"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_before_anything_is_trained(shapes, home, out, change, said, capsys, monkeypatch):
    np.savez(home / "odd.npz", a=np.zeros(3))
    (home / "no picture").mkdir(exist_ok=True)
    monkeypatch.setattr(compare, "do", lambda job, **_: pytest.fail("trained"))
    monkeypatch.chdir(home)
    words = list(command(shapes, "--seeds", 1, "--vectors", home / "vectors.npz"))
    words[0] = home / change.get("data", words[0])
    assert run(*words, *(word for pair in change.items() if pair[0] != "data" for word in pair)) == 1
    assert re.search(said, capsys.readouterr().err)


def test_a_split_that_names_no_class_suggests_one(shapes, home, capsys):
    (home / "odd.txt").write_text("class 01\nclas 2\n")
    assert run(shapes, "--split", home / "odd.txt", "--profile", "smoke", "--weights", "doodleworld") == 1
    assert re.search(
        r"odd.txt names what is no class here: clas_2 \(did you mean 'class_0", capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("classes", "modalities", "said"),
    [
        (CLASSES, ("photo",), "there is no sketch in it"),
        (CLASSES[:3], ("sketch", "photo"), "3 classes have both sketches and photos: .* Want 4"),
    ],
)
def test_too_little_is_said(tiny, home, tmp_path, classes, modalities, said, capsys):
    folder = draw(tiny, tmp_path / "few", classes, 2, modalities)
    assert run(folder, "--profile", "smoke", "--weights", "doodleworld", "--quiet") == 1
    assert re.search(said, capsys.readouterr().err)


def test_where_unseen_classes_come_from(bench, tmp_path):
    catalogue = bench.catalogue
    usable = given.both(catalogue)
    chosen, _ = given.splits(catalogue, usable, data=tmp_path)
    assert (len(chosen[0].unseen), chosen[0].name) == (2, "random-2-s0")
    (tmp_path / "classes.csv").write_text("class,split\nclass 03,unseen\nclass-08,unseen\nclass 01,seen\n")
    chosen, said = given.splits(catalogue, usable, data=tmp_path, count=3)
    assert [c.name for c in chosen] == ["given", "random-2-s1", "random-2-s2"]
    assert chosen[0].unseen == ("class_03", "class_08")
    assert "column split of classes.csv" in said[0]
    (tmp_path / "mine.txt").write_text("class 05\n")
    chosen, _ = given.splits(catalogue, usable, data=tmp_path, file=str(tmp_path / "mine.txt"))
    assert chosen[0].unseen == ("class_05",)
    (tmp_path / "random-2-s1.txt").write_text("class 05\n")
    chosen, _ = given.splits(
        catalogue, usable, data=tmp_path, file=str(tmp_path / "random-2-s1.txt"), count=2
    )
    assert [c.name for c in chosen] == ["given-random-2-s1", "random-1-s1"]
    chosen, said = given.splits(catalogue, [n for n in usable if n != "class_08"], data=tmp_path)
    assert chosen[0].unseen == ("class_03",)
    assert "left out: class_08" in said[0]


def test_folders_of_one_name_are_kept_apart(tiny, handful, home, tmp_path, capsys):
    (tmp_path / "v1.5").mkdir()
    assert [given.name_of(tmp_path / name) for name in ("v1.5", "v1.5.tar.gz")] == ["v1.5", "v1.5"]
    assert small(handful, "--methods", "untrained") == 0
    before = (home / "compare/handful/about.json").read_text()
    capsys.readouterr()
    other = draw(tiny, tmp_path / "handful", CLASSES[:4], 6)
    for _ in range(2):  # and found again
        assert small(other, "--methods", "untrained") == 0
        said = capsys.readouterr().out
        assert f"compare/handful is of {handful}: these are kept in handful-" in said
    assert (home / "compare/handful/about.json").read_text() == before
    assert len(list((home / "compare").glob("handful-*/index.html"))) == 1


@pytest.mark.parametrize("place", ["", "outer/inner/", "zip"])
def test_a_table_of_classes_is_read_wherever_the_pictures_lie(bench, tmp_path, place):
    """As a spreadsheet saves it: capitals, semicolons, a short row."""
    text = "\ufeffClass;Split\nclass 03; Unseen\nclass-08;TEST\nclass 01\n"
    if place == "zip":
        with zipfile.ZipFile(data := tmp_path / "mine.zip", "w") as archive:
            archive.writestr("mine/classes.csv", text)
    else:
        (file := (data := tmp_path / "mine") / place / "classes.csv").parent.mkdir(parents=True)
        file.write_text(text)
    (found,), _ = given.splits(bench.catalogue, given.both(bench.catalogue), data=data)
    assert (found.name, found.unseen) == ("given", ("class_03", "class_08"))


def test_a_table_of_classes_that_says_nothing_is_said(bench, tmp_path):
    def asked(data):
        (tmp_path / "classes.csv").write_bytes(data)
        return given.splits(bench.catalogue, given.both(bench.catalogue), data=tmp_path)

    (found,), said = asked(b"name,split\nclass 03,unseen\n")
    assert found.name == "random-2-s0"
    assert "classes.csv says nothing of unseen classes: want the columns class and split, it has" in said[0]
    assert "classes.csv: its column split calls no class unseen" in asked(b"class,split\nclass 03,seen")[1][0]
    with pytest.raises(ValueError, match=r"SPLIT: classes\.csv: want text in UTF-8, got .* save it again"):
        asked("class,split\nMöwe,unseen\n".encode("latin-1"))


def test_of_few_classes_two_are_unseen_and_one_alone_is_said(bench):
    catalogue = bench.catalogue
    for n in (4, 5):
        (drawn,), _ = given.splits(catalogue, given.both(catalogue)[:n], data=catalogue.path)
        assert len(drawn.unseen) == 2
        assert not any("every ranking" in line for line in given.said_of(given.benchmark(catalogue, drawn)))
    alone = given.benchmark(catalogue, given.Split("alone", ("class_05",)))
    assert "alone: one unseen class: every ranking is right" in given.said_of(alone)


def test_words_are_looked_up_by_name_then_by_what_is_near(tmp_path):
    path, table = tmp_path / "v.npz", tmp_path / "names.csv"
    known = ["cat", "wristwatch", "dog", "ball", "base", "chair", "axes"]
    np.savez(path, names=np.array(known), vectors=np.eye(7))
    classes = ["cat", "wrist_watch", "dogs", "base_ball", "office_chair", "yeti", "axe"]
    (names, rows), said = given.vectors(str(path), classes)
    assert names == ["cat", "wrist_watch", "dogs", "base_ball", "office_chair", "axe"]
    for row, near in zip(rows, [[0], [1], [2], [4, 3], [5], [6]], strict=True):
        np.testing.assert_allclose(row, np.eye(7)[near].mean(0))
    assert "missing" not in said[0]
    assert any(line.endswith("one: yeti") for line in said)
    assert any("base_ball: base+ball" in line and "cat:" not in line for line in said)
    table.write_text("class,glove\nyeti,cat\noffice chair,\n")
    (names, rows), said = given.vectors(str(path), ["yeti", "office_chair"], names=f"{table}:glove")
    assert names == ["yeti"]
    assert rows[0].argmax() == 0
    assert given.vectors(str(path), ["yeti"])[0] is None
    with pytest.raises(ValueError, match="wants the columns class and clip, it has class, glove"):
        given.vectors(str(path), ["yeti"], names=f"{table}:clip")


def test_a_row_that_is_not_finite_is_no_vector_and_names_may_be_bytes(tmp_path):
    rows = np.eye(4)
    rows[0, 3], rows[2] = np.inf, np.nan
    np.savez(path := tmp_path / "v.npz", names=np.array([b"cat", b"dog", b"owl", b"owl"]), vectors=rows)
    (names, kept), said = given.vectors(str(path), ["cat", "dog", "owl"])
    assert names == ["dog", "owl"]
    np.testing.assert_array_equal(kept, rows[[1, 3]])
    assert said == ["vectors: 2 of 3 classes have one",
                    "without a vector, which the methods leave out where they need one: cat"]  # fmt: skip


def test_a_file_of_vectors_that_is_none_is_said_in_a_line(tmp_path):
    path = tmp_path / "v.npz"
    np.savez_compressed(
        path, names=np.array(["cat", "dog"]), vectors=np.random.default_rng(0).normal(size=(2, 99))
    )
    whole = path.read_bytes()
    np.save(tmp_path / "v.npy", np.eye(3))
    array, hurt = (tmp_path / "v.npy").read_bytes(), bytearray(whole)
    hurt[len(whole) // 2 - 200 : len(whole) // 2 + 200] = bytes(400)
    for data in (b"", b"PK\x03\x04 junk", whole[: len(whole) // 2], bytes(hurt), array):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"^VECTORS: want an \.npz with the arrays names and vectors"):
            given.vectors(str(path), ["cat", "dog"])


def test_where_masbir_takes_its_words_is_said(shapes, home, out, handful, capsys):
    said = (
        "no class that is trained on has a vector: the class names, as Doodle World's small CLIP reads them"
    )
    assert said not in (out / "table.md").read_text()
    np.savez(home / "unseen.npz", names=np.array(UNSEEN), vectors=np.eye(3))
    words = command(shapes, "--seeds", 1, "--name", "words", "--table")
    assert run(*words, "--methods", "masbir", "--vectors", home / "unseen.npz") == 0
    assert f"unseen: {said}" in capsys.readouterr().out
    assert run(*words, "--methods", "masbir,dsn") == 0
    assert said in capsys.readouterr().out
    assert run(*words, "--methods", "dsn") == 0
    assert said not in capsys.readouterr().out


def test_classes_of_imagenet_are_told_by_words():
    labels = ["tench", "Dungeness crab, Cancer magister", "sports car, sport car", "cassette player"]
    assert given.shown_before(["crab", "car", "cart", "sports_cars", "player_piano"], labels) == {
        "crab": labels[1], "car": labels[2], "sports_cars": labels[2],
    }  # fmt: skip


def test_a_network_is_told_by_its_weights():
    from torchvision import models

    from sbirkit.models.backbones import backbone

    for name in ("mobilenet_v2", "resnet18", "resnet50"):
        with torch.device("meta"):
            state = models.get_model(name).state_dict()
        if name == "mobilenet_v2":
            state["features.0.1.running_mean"] = torch.ones(32)
            folded = state | {"features.0.1.running_mean": torch.zeros(32)}
            assert network_of(folded) == "mobilenet_v2_tf"
        assert network_of(state) == name
        assert network_of({f"module.{key}": x for key, x in state.items()}) == name
    assert network_of(backbone("convnet").state_dict()) == "convnet"
    with pytest.raises(ValueError, match=r"of no network known here\. The file holds 1 arrays, like x"):
        network_of({"x": torch.zeros(1)})


def test_differences_are_paired_seed_by_seed():
    rows = {
        "softmax": {"ZS mAP@all": [0.1, 0.5]},
        "dsn": {"ZS mAP@all": [0.2, 0.6]},
        "odd": {"ZS mAP@all": [0.9]},
    }
    base, above = scores.against(rows)
    assert base == "softmax"
    assert above.keys() == {"dsn"}
    head, softmax, dsn, odd = scores.table(rows)
    assert head[:3] == ["method", "ZS mAP@all", "above softmax"]
    assert (softmax[2], dsn[2], odd[2]) == ("", "+0.100 ± 0.000", "")


@pytest.fixture(scope="module")
def trained(tiny, bench, tmp_path_factory):
    method = Triplet(TripletConfig(dim=8), backbone=tiny.Net())
    return fit(method, bench, tiny.config(), out=tmp_path_factory.mktemp("run") / "one", progress=False)


def test_the_same_sketches_from_elsewhere_find_the_same(trained, bench):
    there = {"class_01": "uno", "class_03": "tre"}
    other = transfer.renamed(transfer.renamed(bench.catalogue, there), {v: k for k, v in there.items()})
    asked = transfer.asking(other, ["class_01", "class_03"])
    found = transfer.across(trained, bench, asked)["metrics"]
    assert found["mAP@all"] == pytest.approx(found["own sketches, mAP@all"], abs=1e-9)
    result = evaluate(trained, bench, ["zs"])["zs"]
    mine = np.isin(np.array(result.classes)[result.y_query], ["class_01", "class_03"])
    assert found["mAP@all"] == pytest.approx(result.per_query("mAP@all")[mine].mean(), abs=1e-9)
    with pytest.raises(ValueError, match="has no sketch of class_01"):
        transfer.asking(transfer.renamed(bench.catalogue, {"class_01": "uno"}), ["class_01"])


def test_elsewhere_leaves_out_what_it_was_trained_on(trained, bench, tiny, folder):
    found = transfer.elsewhere(trained, bench)
    assert found["metrics"]["mAP@all"] == evaluate(trained, bench, ["zs"])["zs"]["mAP@all"]
    assert found["metrics"]["chance"] == pytest.approx(at_random(10, 30), abs=1e-9)
    other = bench.catalogue.benchmark(["class 00", "class 01", "class 07"])
    found = transfer.elsewhere(trained, other)
    assert found["left_out"] == ["class_00"]
    assert "2 unseen classes" in found["says"]
    with pytest.raises(ValueError, match="too few unseen classes are left"):
        transfer.elsewhere(trained, bench.catalogue.benchmark(["class 00", "class 02", "class 07"]))
    assert len(trained.looks) <= 2, "a run of somebody's is not written to"


def test_transfer_rows_come_into_the_table(shapes, home, out, capsys):
    words = command(shapes, "--seeds", 1, "--methods", "frozen", "--name", "away")
    assert run(*words, "--queries", shapes, "--from", "softmax_unseen-16_s0") == 0
    text = (home / "compare/away/table.md").read_text()
    assert "Transfer: sketches of my &lt;shapes&gt; for the same photos (unseen)" in text
    row = next(
        line for line in text.split("for the same photos")[1].splitlines() if line.startswith("| frozen")
    )
    cells = [cell.strip() for cell in row.split("|")[2:6]]
    assert cells[0] == cells[2]  # they are its own
    assert "Transfer: trained on doodleworld" in text
    assert "| softmax_unseen-16_s0 | 0." in text


def test_sketches_of_two_folders_of_one_name_and_arms_of_other_plans_do_not_mix(
    tiny, handful, home, tmp_path
):
    unseen = [n.replace("_", " ") for n in given.Split.random(CLASSES[:5], 2, seed=0).unseen]
    ann, bob = (draw(tiny, tmp_path / who / "drawn", [name], 4, ["sketch"])
                for who, name in zip(("ann", "bob"), unseen, strict=True))  # fmt: skip
    nobody = draw(tiny, tmp_path / "seen", sorted({*CLASSES[:5]} - {*unseen}), 4, ["sketch"])

    def parts(methods, *more):
        assert small(handful, "--methods", methods, "--name", "two", *more) == 0
        text = (home / "compare/two/table.md").read_text().split("## Notes")[0]
        return {part.partition("\n")[0]: re.findall(r"^\| ([^|]+?) \| \d", part, re.MULTILINE)
                for part in text.split("## Transfer: ")[1:]}  # fmt: skip

    title, arms = "sketches of drawn for the same photos", ["frozen", "dsn:p=2"]
    asked = ("--queries", nobody, "--queries", ann)
    assert parts(",".join(arms), *asked) == {f"{title} (random-2-s0)": arms}
    page = (home / "compare/two/index.html").read_text()
    assert re.search(r"<li>transfer left out: queries: seen-\w+ has no sketch of class_", page)
    both = parts(",".join(arms), "--queries", bob)
    assert both == {f"{title}, from {who} (random-2-s0)": arms for who in ("ann", "bob")}
    assert set(map(tuple, parts("frozen").values())) == {("frozen",)}


def test_two_orders_agree_as_far_as_their_pairs_do():
    rng = np.random.default_rng(0)
    one, two = ({name: rng.normal(i, 2, 3).tolist() for i, name in enumerate("abcde")} for _ in range(2))
    tau, low, high = scores.agreement(one, two | {"f": [0.0]})
    pairs = [(a, b) for a in "abcde" for b in "abcde" if a < b]
    same = sum((np.mean(one[a]) > np.mean(one[b])) == (np.mean(two[a]) > np.mean(two[b])) for a, b in pairs)
    assert tau == pytest.approx((same - (len(pairs) - same)) / len(pairs))
    assert -1 <= low < high <= 1
    assert scores.agreement({n: [v[0]] for n, v in one.items()}, {n: [v[0]] for n, v in one.items()}) == (
        1,
        1,
        1,
    )
    with pytest.raises(ValueError, match="want three names that both have, got a"):
        scores.agreement(one, {"a": [1.0]})


def test_records_are_read_without_the_plan_they_came_from(out):
    ((name, rows),) = scores.read(out / "records").items()
    assert name == "unseen"
    assert list(rows) == METHODS.split(",")
    record = Run.open(out / "records" / "dsn_unseen_s0")
    assert rows["dsn"]["seen mAP@all"] == [record.number("seen")["mAP@all"]]
    assert rows["dsn"][scores.SEED] == [0]


def test_records_of_another_budget_are_passed_over_and_of_more_methods_or_splits_are_not(handful, home):
    def kept(*more):
        assert small(handful, "--name", "budgets", *more) == 0
        found = scores.read(home / "compare" / "budgets" / "records")
        return {split: list(rows) for split, rows in found.items()}

    one, two = "random-2-s0", "random-2-s1"
    assert kept("--methods", "untrained,softmax", "--splits", 2) == {
        one: ["untrained", "softmax"], two: ["untrained", "softmax"]
    }  # fmt: skip
    assert kept("--methods", "frozen") == {
        one: ["untrained", "frozen", "softmax"],
        two: ["untrained", "softmax"],
    }
    assert kept("--methods", "frozen", "--images", 48) == {one: ["frozen"]}
    assert kept("--methods", "frozen", "--images", 96)[one] == ["untrained", "frozen", "softmax"]


def test_seeds_that_differ_are_not_paired():
    rows = {
        "softmax": {"ZS mAP@all": [0.1, 0.5], "seed": [0, 1]},
        "dsn": {"ZS mAP@all": [0.2, 0.6], "seed": [0, 2]},
    }
    assert scores.against(rows) == ("softmax", {})
    assert "seed" not in scores.table(rows)[0]
