"""The user's own folder, with everything that can be wrong with it."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from filelock import FileLock

from data_prep import archives
from data_prep.cli import main
from sbirkit.data.catalogue import Catalogue


@pytest.fixture
def pets(tree, png):
    names = [
        f"{m}/{c}/{i}.{e}" for m, e in (("photo", "jpg"), ("sketch", "png")) for c in "ab" for i in range(3)
    ]
    return tree({name: png(i, "JPEG" if name.endswith("jpg") else "PNG") for i, name in enumerate(names)})


def sources(catalogue):
    return catalogue.column("source").tolist()


def test_folder_and_archives_of_it_give_the_same_catalogue(pets, prepare, tmp_path):
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as z:
        for path in sorted(pets.rglob("*.*")):
            z.write(path, f"top/{path.relative_to(pets).as_posix()}")
    subprocess.run(
        [sys.executable, "-m", "tarfile", "-c", str(tmp_path / "pets.tgz"), "."], cwd=pets, check=True
    )
    one = prepare("folder", "--from", pets)
    two = prepare("folder", "--from", tmp_path / "pets.zip", out="two")
    three = prepare("folder", "--from", tmp_path / "pets.tgz", out="three")
    assert one.digest == two.digest == three.digest
    assert (len(one.sketches), len(one.photos), one.classes) == (6, 6, ["a", "b"])
    assert sources(one)[0] == "sketch/a/0.png"
    assert one.card["set_aside"] == one.card["warnings"] == []


def test_any_number_of_workers_and_several_sizes(pets, prepare, tmp_path):
    one = prepare("folder", "--from", pets, "--size", 32, 48)
    main(
        [
            "folder",
            "--from",
            str(pets),
            "--out",
            str(tmp_path / "two"),
            "--size",
            "48",
            "32",
            "--workers",
            "2",
        ]
    )
    assert one.sizes == (32, 48)
    assert Catalogue.open(tmp_path / "two").digest == one.digest


def test_bad_pictures_are_set_aside_and_named(pets, prepare, png):
    bad = {
        "photo/a/empty.jpg": b"",
        "photo/a/text.jpg": b"this is no picture",
        "photo/b/cut.png": png(1)[:200],
        "sketch/b/bomb.png": png(1)[:16] + (60_000).to_bytes(4, "big") * 2 + png(1)[24:],
    }
    for name, data in bad.items():
        (pets / name).write_bytes(data)
    catalogue = prepare("folder", "--from", pets)
    assert {entry["source"]: entry["why"] != "" for entry in catalogue.card["set_aside"]} == dict.fromkeys(
        bad, True
    )
    assert len(catalogue) == 12
    assert not set(bad) & set(sources(catalogue))


def test_unreadable_file_is_set_aside(pets, prepare, monkeypatch):
    real = archives._Folder.stream

    def stream(self, at):
        if at.name == "0.jpg":
            raise PermissionError(13, "Permission denied")
        return real(self, at)

    monkeypatch.setattr(archives._Folder, "stream", stream)
    aside = prepare("folder", "--from", pets).card["set_aside"]
    assert [entry["source"] for entry in aside] == ["photo/a/0.jpg", "photo/b/0.jpg"]
    assert "Permission denied" in aside[0]["why"]


def test_broken_link_is_set_aside(pets, prepare):
    (pets / "photo/a/x.jpg").symlink_to("nowhere.jpg")
    (entry,) = prepare("folder", "--from", pets).card["set_aside"]
    assert entry["source"] == "photo/a/x.jpg"


def test_strange_names_are_all_kept(tree, prepare, png):
    names = [
        "one two.png",
        "ümläut.png",
        "u\u0308.png",
        "\u00fc.png",
        "空.png",
        "A.png",
        "a.png",
        "x.PNG",
        "-rf.png",
    ]
    catalogue = prepare(
        "folder", "--from", tree({f"{m}/cat/{n}": png() for m in ("photo", "sketch") for n in names})
    )
    assert len(set(sources(catalogue))) == 2 * len(names)


def test_classes_of_several_spellings_are_one_and_it_is_said(tree, prepare, png):
    folders = [
        "photo/Hot-air balloon",
        "photo/hot_air_balloon",
        "sketch/hot air balloon",
        "sketch/car (sedan)",
    ]
    catalogue = prepare("folder", "--from", tree({f"{f}/1.png": png(i) for i, f in enumerate(folders)}))
    assert catalogue.classes == ["car_sedan", "hot_air_balloon"]
    assert len(set(sources(catalogue))) == 4
    assert any(
        "'Hot-air balloon' and 'hot_air_balloon' are one class" in w for w in catalogue.card["warnings"]
    )


def test_class_without_any_letter(tree, png, tmp_path, capsys):
    folder = tree({"photo/--/1.png": png()})
    assert main(["folder", "--from", str(folder), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "the folder photo/-- needs another name" in said
    assert "at least one letter or digit" in said


def test_pairs_are_found_across_spellings_of_a_class(tree, prepare, png):
    files = ["photo/Cafe\u0301 noir/tom.jpg", "sketch/caf\u00e9-noir/tom-2.png", "sketch/dog/tom.png"]
    catalogue = prepare("folder", "--pairs", "stem", "--from", tree({name: png() for name in files}))
    instance = dict(zip(sources(catalogue), catalogue.column("instance"), strict=True))
    assert instance == {files[0]: "tom", files[1]: "tom", files[2]: ""}


def test_empty_class_and_class_in_one_modality_are_said(pets, prepare, png, capsys):
    (pets / "photo/lonely").mkdir()
    (pets / "photo/lonely/1.png").write_bytes(png())
    (pets / "sketch/nothing").mkdir()
    catalogue = prepare("folder", "--from", pets)
    assert (
        "class 'lonely' has no sketch: it can be neither searched for nor trained across"
        in catalogue.card["warnings"]
    )
    assert "class 'nothing' is empty: none of its pictures could be used" in catalogue.card["warnings"]
    assert "nothing" not in catalogue.classes
    assert "class 'lonely'" in capsys.readouterr().err


@pytest.mark.parametrize("found", ["Photo/cat/1.png", "photo/cat/1.svg"])
def test_why_all_photos_are_missing_is_said(found, tree, prepare, png):
    said = prepare("folder", "--from", tree({"sketch/cat/1.png": png(), found: png(1)})).card["warnings"]
    assert said[0].startswith("no pictures in photo/<class>/: want that spelling, and files of .bmp, .gif, ")


def test_what_is_passed_over_is_said(pets, prepare, png):
    for name in (
        "photo/readme.txt",
        "photo/loose.jpg",
        "photo/a/deep/er.jpg",
        "photo/a/notes.csv",
        ".hidden/x",
    ):
        (pets / name).parent.mkdir(exist_ok=True)
        (pets / name).write_bytes(png())
    (warning,) = prepare("folder", "--from", pets).card["warnings"]
    assert warning.startswith("photo: passed over 4 files")
    assert "'a/deep/er.jpg'" in warning


@pytest.mark.parametrize("files", [{"readme.txt": b""}, {"photo/a/": b""}, {"cat/1.png": b""}])
def test_folder_without_pictures(files, tree, tmp_path, capsys):
    assert main(["folder", "--from", str(tree(files)), "--out", str(tmp_path / "out")]) == 1
    assert "has no pictures in sketch/<class>/ or photo/<class>/" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_two_places_of_one_part(tree, png, tmp_path, capsys):
    folder = tree({"x/photo/a/1.png": png(), "y/photo/a/1.png": png()})
    assert main(["folder", "--from", str(folder), "--out", str(tmp_path / "out")]) == 1
    assert "several places (mine/x/photo/, mine/y/photo/)" in capsys.readouterr().err


def test_class_called_photo(tree, prepare, png):
    catalogue = prepare("folder", "--from", tree({"photo/photo/1.png": png(), "sketch/photo/1.png": png(1)}))
    assert sources(catalogue) == ["sketch/photo/1.png", "photo/photo/1.png"]


def test_pairs_and_captions(tree, prepare, png, tmp_path):
    names = [
        "photo/a/tom.jpg",
        "sketch/a/tom.png",
        "sketch/a/tom-2.png",
        "sketch/b/tom.png",
        "sketch/a/x-2.png",
    ]
    folder = tree({name: png(i) for i, name in enumerate(names)})
    (tmp_path / "said.csv").write_text(
        '\ufefffile,caption\nphoto/a/tom.jpg,"a cat, fat"\nphoto/a/gone.jpg,x\n'
    )
    catalogue = prepare("folder", "--from", folder, "--pairs", "stem", "--captions", tmp_path / "said.csv")
    table = dict(zip(sources(catalogue), catalogue.column("instance"), strict=True))
    assert table == dict(zip(names, ["tom", "tom", "tom", "", ""], strict=True))
    assert catalogue.column("caption")[sources(catalogue).index("photo/a/tom.jpg")] == "a cat, fat"
    assert "said.csv: 1 captions are of no picture here: 'photo/a/gone.jpg'" in catalogue.card["warnings"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("picture,caption\n", "wants the columns file and caption"),
        ("file,caption\na,1\na,2\n", "said.csv:3: 'a' comes twice"),
        ("file,caption\na,1\nb,fat, grey\n", "said.csv:3: more or fewer fields than columns. Put a caption"),
        ("caption,file\n1,a\nb\n", "said.csv:3: more or fewer fields than columns. Put a caption"),
        ('file,caption\na,1\nb,"2\nc,3\n', "said.csv:3: unexpected end of data. Put a caption"),
        ('file,caption\nb,"2\nc,"3"\n', "said.csv:2: ',' expected after '\"'. Put a caption"),
        ('file,caption,"x', "said.csv:1: unexpected end of data"),
        ("file,caption\na," + "x" * 200_000, "said.csv:2: field larger than field limit"),
        ("file,caption\na,caf\udce9\n", "said.csv is not UTF-8 text (invalid continuation byte): save it as"),
        ("\udcff\udcfef", "said.csv is not UTF-8 text (invalid start byte): save it as UTF-8"),
    ],
)
def test_wrong_captions(text, why, pets, tmp_path, capsys):
    (tmp_path / "said.csv").write_text(text, errors="surrogateescape")
    options = ["--captions", str(tmp_path / "said.csv"), "--out", str(tmp_path / "out")]
    assert main(["folder", "--from", str(pets), *options]) == 1
    assert why in capsys.readouterr().err


def test_existing_catalogue_is_replaced_only_when_asked(pets, prepare, tmp_path, capsys):
    first = prepare("folder", "--from", pets)
    (pets / "photo/a/0.jpg").unlink()
    command = ["folder", "--from", str(pets), "--out", str(tmp_path / "out"), "--workers", "1"]
    assert main(command) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert Catalogue.open(tmp_path / "out").digest == first.digest
    assert main([*command, "--overwrite"]) == 0
    assert len(Catalogue.open(tmp_path / "out")) == 11


def test_two_preparations_at_once(pets, tmp_path, capsys):
    with FileLock(tmp_path / ".out.lock"):
        assert main(["folder", "--from", str(pets), "--out", str(tmp_path / "out")]) == 1
    assert "being prepared by another process" in capsys.readouterr().err


def test_stopped_then_resumed(pets, prepare, tmp_path, monkeypatch, capsys):
    from sbirkit.data import writing

    monkeypatch.setattr(writing, "SHARD", 4)
    real, calls = writing._shard, []

    def interrupted(*job):
        calls.append(job)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*job)

    monkeypatch.setattr(writing, "_shard", interrupted)
    command = ["folder", "--from", str(pets), "--out", str(tmp_path / "out"), "--workers", "1"]
    assert main(command) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert main(command) == 0
    assert len(calls) == 4, "of three shards, only the third was made again"
    assert Catalogue.open(tmp_path / "out").digest == prepare("folder", "--from", pets, out="two").digest


def test_changed_files_are_not_mixed_with_shards_of_the_old_ones(pets, tmp_path, png, monkeypatch):
    from sbirkit.data import writing

    command = ["folder", "--from", str(pets), "--out", str(tmp_path / "out"), "--workers", "1"]
    with monkeypatch.context() as patch:
        patch.setattr(writing, "_join", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        assert main(command) == 130
    (pets / "photo/a/0.jpg").write_bytes(png(77, "JPEG"))
    assert main(command) == 0
    changed = Catalogue.open(tmp_path / "out").images([6])[0]
    (tmp_path / "out").rename(tmp_path / "old")
    assert main(command) == 0
    assert (Catalogue.open(tmp_path / "out").images([6])[0] == changed).all()


def test_damaged_member_of_a_zip_is_set_aside(pets, prepare, tmp_path):
    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w") as z:
        for file in sorted(pets.rglob("*.*")):
            z.write(file, file.relative_to(pets).as_posix())
    data = bytearray(path.read_bytes())
    at = data.index(b"photo/a/1.jpg") + 200
    data[at : at + 8] = bytes(8)
    path.write_bytes(data)
    (entry,) = prepare("folder", "--from", path).card["set_aside"]
    assert entry["source"] == "photo/a/1.jpg"
    assert "CRC" in entry["why"]


def test_verify_lists_problems_and_says_so(pets, prepare, tmp_path, capsys):
    prepare("folder", "--from", pets)
    assert main(["verify", str(tmp_path / "out")]) == 0
    assert "ok:" in capsys.readouterr().out
    with (tmp_path / "out/pixels.bin").open("r+b") as f:
        f.write(b"\x01\x02\x03")
    assert main(["verify", str(tmp_path / "out"), str(tmp_path / "gone")]) == 1
    said = capsys.readouterr().err
    assert "pixels.bin was altered" in said
    assert "gone does not exist" in said
    assert said.count("Prepare it again") == 1


def test_card_says_where_it_comes_from_and_names_no_path_of_this_machine(pets, prepare, tmp_path):
    card = prepare("folder", "--from", pets, "--licence", "CC0", "--title", "Pets").card
    assert (card["title"], card["licence"], card["made"]["command"]) == (
        "Pets",
        "CC0",
        "python -m data_prep folder",
    )
    assert str(tmp_path) not in json.dumps(card)


def test_real_pictures(shared_data, tmp_path, prepare):
    mini = tmp_path / "mini"
    for modality in ("photo", "sketch"):
        for label in ("ant", "wrist_watch"):
            (mini / modality).mkdir(parents=True, exist_ok=True)
            (mini / modality / label).symlink_to(shared_data / "real-mini" / modality / label)
    catalogue = prepare("folder", "--from", mini)
    counts = catalogue.card["counts"]["per_class"]
    assert counts == {"ant": {"sketch": 80, "photo": 42}, "wrist_watch": {"sketch": 80, "photo": 120}}
    assert catalogue.card["set_aside"] == catalogue.card["warnings"] == []
    assert 200 < catalogue.pixels("sketch").mean() < 254
    assert np.ptp(catalogue.pixels("photo")) == 255
