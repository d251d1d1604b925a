"""Each published set, on small archives built here in the original layouts; no network."""

import dataclasses
import functools
import hashlib
import http.server
import io
import json
import sys
import tarfile
import threading
import types
import zipfile
import zlib

import pytest

from data_prep import quickdraw, tuberlin, tuberlin_caltech
from data_prep.cli import SETS, main
from sbirkit.data.catalogue import Catalogue
from sbirkit.data.doodleworld import KNOBS
from sbirkit.data.doodleworld.world import POPULATIONS
from sbirkit.data.splits import Split


@pytest.fixture
def site(tmp_path):
    """A folder, and the address under which a local server publishes it."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as z:
        for name, data in files.items():
            z.writestr(name, data)
    return path


def rows(catalogue):
    names = ("label", "modality", "instance")
    return {s: r for s, *r in zip(*(catalogue.column(n).tolist() for n in ("source", *names)), strict=True)}


def publish(monkeypatch, name, remote, site):
    """Point a set's remote file at the local server, with the checksum of what lies there."""
    folder, url = site
    md5 = hashlib.md5((folder / remote.name).read_bytes()).hexdigest()
    here = dataclasses.replace(remote, url=f"{url}/{remote.name}", md5=md5)
    for module in (tuberlin, tuberlin_caltech):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, here)


# --- the command line ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [[], ["--help"]])
def test_welcome_lists_every_set(argv, capsys):
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert all(f"\n  {name} " in said for name in SETS)


@pytest.mark.parametrize("name", SETS)
def test_help_says_what_it_costs(name, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    said = capsys.readouterr().out
    assert end.value.code == 0
    assert all(word in said for word in ("Disk:", "Time:", "--out", "--size", "--workers"))
    assert ("--from" in said) == (name != "doodleworld")


def test_help_explains_every_knob(capsys):
    with pytest.raises(SystemExit):
        main(["doodleworld", "--help"])
    said = capsys.readouterr().out
    assert all(f"- `{name}` ({low} to {high}): " in said for name, (low, high) in KNOBS.items())
    assert all(population in said for population in POPULATIONS)


def test_unknown_set(capsys):
    assert main(["imagenet"]) == 2
    assert "no data set 'imagenet'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["sketchy", "tuberlin", "quickdraw"])
def test_what_only_the_user_can_fetch_is_explained(name, tmp_path, capsys):
    assert main([name, "--out", str(tmp_path / "out"), "--downloads", str(tmp_path / "d")]) == 1
    said = capsys.readouterr().err
    assert all(
        word in said for word in ("--from", "https://" if name != "quickdraw" else "http://", "licence")
    )
    assert not (tmp_path / "d").exists(), "nothing was downloaded in vain"


@pytest.mark.parametrize("name", [name for name in SETS if name != "doodleworld"])
def test_a_wrong_archive_is_an_error_and_downloads_nothing(name, png, tmp_path, capsys):
    wrong = zipped(tmp_path / "holiday.zip", {"beach/1.jpg": png(), "readme.txt": b""})
    here = ["--out", str(tmp_path / "out"), "--downloads", str(tmp_path / "d")]
    assert main([name, "--from", str(wrong), *here]) == 1
    said = capsys.readouterr().err
    assert "holiday.zip has no pictures in " in said
    assert "/<class>/" in said
    assert "(?" not in said
    assert not (tmp_path / "d").exists()


# --- Sketchy ------------------------------------------------------------------------------------------------


@pytest.fixture
def sketchy_files(png):
    photo, other = png(1, "JPEG"), png(2, "JPEG")
    return {
        "256x256/sketch/tx_000000000000/hot-air_balloon/n0_10-1.png": png(11),
        "256x256/sketch/tx_000000000000/hot-air_balloon/n0_10-12.png": png(12),
        "256x256/sketch/tx_000000000000/hot-air_balloon/n0_99-1.png": png(13),
        "256x256/sketch/tx_000100000000/hot-air_balloon/n0_10-1.png": png(14),
        "256x256/photo/tx_000000000000/hot-air_balloon/n0_10.jpg": photo,
        "256x256/photo/tx_000100000000/hot-air_balloon/n0_10.jpg": other,
        "EXTEND_image_sketchy/hot-air_balloon/n0_10.jpg": photo,
        "EXTEND_image_sketchy/hot-air_balloon/ext_1.jpg": other,
    }


def test_sketchy_pairs_and_keeps_both_copies_of_the_originals(sketchy_files, tree, prepare, capsys):
    catalogue = prepare("sketchy", "--from", tree(sketchy_files))
    assert rows(catalogue) == {
        "sketch/hot-air_balloon/n0_10-1.png": ["hot_air_balloon", "sketch", "n0_10"],
        "sketch/hot-air_balloon/n0_10-12.png": ["hot_air_balloon", "sketch", "n0_10"],
        "sketch/hot-air_balloon/n0_99-1.png": ["hot_air_balloon", "sketch", ""],
        "photo/hot-air_balloon/n0_10.jpg": ["hot_air_balloon", "photo", "n0_10"],
        "extended/hot-air_balloon/n0_10.jpg": ["hot_air_balloon", "photo", "n0_10"],
        "extended/hot-air_balloon/ext_1.jpg": ["hot_air_balloon", "photo", ""],
    }
    digest = dict(zip(catalogue.column("source"), catalogue.column("digest"), strict=True))
    assert digest["photo/hot-air_balloon/n0_10.jpg"] == digest["extended/hot-air_balloon/n0_10.jpg"]
    original = catalogue.column("original").tolist()
    assert original.count("hot_air_balloon/n0_10") == 4
    assert original.count("extended/hot-air_balloon/ext_1.jpg") == 1
    said = capsys.readouterr().err
    assert "1 photos of the extension are named like an original (published: 12,500)" in said
    assert "sketch: 3; published 75,481 (75,478 fewer)" in said
    assert "photo: 3; published 85,502" in said
    assert "1 pictures repeat another one" in said


def test_sketchy_extension_may_stay_packed_in_the_same_folder(sketchy_files, tree, prepare, tmp_path):
    extension = {n: d for n, d in sketchy_files.items() if n.startswith("EXTEND")}
    folder = tree({n: d for n, d in sketchy_files.items() if n not in extension})
    one = prepare("sketchy", "--from", folder, "--from", zipped(tmp_path / "renamed.zip", extension))
    (tmp_path / "renamed.zip").rename(folder / "EXTEND_image_sketchy-2.zip")
    assert prepare("sketchy", "--from", folder, out="two").digest == one.digest
    assert len(prepare("sketchy", "--from", folder, "--originals-only", out="three")) == 4


def test_sketchy_says_which_part_is_missing(sketchy_files, tree, tmp_path, capsys):
    folder = tree({n: d for n, d in sketchy_files.items() if not n.startswith("EXTEND")})
    assert main(["sketchy", "--from", str(folder), "--out", str(tmp_path / "out")]) == 1
    assert "found no extended pictures" in capsys.readouterr().err


def test_seven_zip_says_how_to_unpack(tmp_path, capsys):
    (tmp_path / "rendered_256x256.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(99))
    main(["sketchy", "--from", str(tmp_path / "rendered_256x256.7z"), "--out", str(tmp_path / "out")])
    assert "`7z x rendered_256x256.7z`, then give the folder" in capsys.readouterr().err


def test_expected_counts_are_those_of_the_split_lists():
    assert len(Split.named("sketchy-25-sake").classes) == 125
    assert len(Split.named("tuberlin-30-sake").classes) == 250
    assert len(quickdraw.classes()) == 110


# --- TU-Berlin ----------------------------------------------------------------------------------------------


def test_tuberlin_downloads_sketches_and_settles_the_names_of_photos(
    png, site, prepare, tmp_path, monkeypatch
):
    classes = ["t-shirt", "wrist-watch", "mouse (animal)", "giraffe", "pipe (for smoking)"]
    folders = ["tshirt", "wristwatching", "mouse", "griaffe", "pipe"]
    files = {f"png/{c}/{i}.png": png(i) for i, c in enumerate(classes)}
    zipped(site[0] / "sketches_png.zip", {"png/filelist.txt": b"x", **files})
    photos = {f"ImageResized/{f}/n_{i}.JPEG": png(i + 50, "JPEG") for i, f in enumerate(folders)}
    publish(monkeypatch, "SKETCHES", tuberlin.SKETCHES, site)
    catalogue = prepare("tuberlin", "--from", zipped(tmp_path / "photos.zip", photos))
    assert catalogue.classes == ["giraffe", "mouse_animal", "pipe_for_smoking", "t_shirt", "wrist_watch"]
    assert catalogue.card["counts"]["per_class"]["wrist_watch"] == {"sketch": 1, "photo": 1}
    (file,) = catalogue.card["made"]["files"]
    assert file["sha256"] == hashlib.sha256((site[0] / "sketches_png.zip").read_bytes()).hexdigest()
    assert (file["name"], file["md5_checked"]) == ("sketches_png.zip", True)


def test_every_alias_leads_to_a_class_of_the_published_list():
    assert set(tuberlin.ALIASES.values()) <= set(Split.named("tuberlin-30-sake").classes)


def test_tuberlin_sketches_only(png, tree, prepare):
    catalogue = prepare("tuberlin", "--sketches-only", "--from", tree({"sketches_png/ant/1.png": png()}))
    assert (len(catalogue), catalogue.card["expected"]) == (1, {"sketch": 20_000, "classes": 250})


# --- TU-Berlin x Caltech-101 --------------------------------------------------------------------------------


@pytest.fixture
def originals(png, site):
    """Both archives as published, small: 3 sketches, 2 photos a class, 125 airplanes, one of them twice."""
    sketches, photos = {}, {"101_ObjectCategories/BACKGROUND_Google/image_0001.jpg": png(0, "JPEG")}
    for n, row in enumerate(tuberlin_caltech.mapping()):
        for i in range(3):
            sketches[f"png/{row['tuberlin']}/{3 * n + i}.png"] = png(3 * n + i)
        for c in row["caltech101"].split("+"):
            for i in range(125 if c == "airplanes" else 2):
                photos[f"101_ObjectCategories/{c}/image_{i:04}.jpg"] = png(
                    zlib.crc32(f"{c} {i}".encode()), "JPEG"
                )
    photos["101_ObjectCategories/airplanes/image_0999.jpg"] = photos[
        "101_ObjectCategories/airplanes/image_0003.jpg"
    ]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as t:
        for name, data in photos.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    zipped(site[0] / "sketches_png.zip", sketches)
    inner = {
        "caltech-101/101_ObjectCategories.tar.gz": buffer.getvalue(),
        "caltech-101/Annotations.tar": b"x",
    }
    zipped(site[0] / "caltech-101.zip", inner)
    return site


def test_tuberlin_caltech_from_the_original_archives(originals, prepare, monkeypatch, capsys):
    publish(monkeypatch, "SKETCHES", tuberlin.SKETCHES, originals)
    publish(monkeypatch, "PHOTOS", tuberlin_caltech.PHOTOS, originals)
    catalogue = prepare("tuberlin-caltech")
    counts = catalogue.card["counts"]
    assert (counts["classes"], counts["sketch"]) == (46, 138)
    assert counts["per_class"]["airplane"] == {"sketch": 3, "photo": 120}, "125 different ones, cut to 120"
    assert counts["per_class"]["sailboat"]["photo"] == 4, "two categories merged"
    repeat = "photo/airplanes/image_0999.jpg is the same file as photo/airplanes/image_0003.jpg: left out"
    assert repeat in catalogue.card["warnings"]
    assert catalogue.card["classes"]["fish"] == {"note": "photos are bass"}
    assert len(catalogue.card["splits"]["tuberlin-caltech-12"]) == 12
    assert "classes: 46; published 46 (as published)" in capsys.readouterr().err
    assert [f["name"] for f in catalogue.card["made"]["files"]] == ["sketches_png.zip", "caltech-101.zip"]
    again = prepare("tuberlin-caltech", "--from", originals[0], out="two")
    assert again.digest == catalogue.digest, "what was downloaded may be given instead"
    assert (
        prepare("tuberlin-caltech", "--from", originals[0], "--seed", 1, out="three").digest
        != catalogue.digest
    )


def test_wrong_checksum_stops_it(originals, tmp_path, monkeypatch, capsys):
    publish(monkeypatch, "SKETCHES", tuberlin.SKETCHES, originals)
    (originals[0] / "sketches_png.zip").write_bytes(b"something else")
    assert main(["tuberlin-caltech", "--out", str(tmp_path / "o"), "--downloads", str(tmp_path / "d")]) == 1
    assert "has not the published checksum" in capsys.readouterr().err
    assert (tmp_path / "d/sketches_png.zip.wrong").is_file()


def test_tuberlin_caltech_sets_a_photo_aside_that_cannot_be_read(originals, prepare, tmp_path):
    with zipfile.ZipFile(originals[0] / "caltech-101.zip") as outer:
        data = outer.read("caltech-101/101_ObjectCategories.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(data)) as t:
        t.extractall(tmp_path / "photos", filter="data")
    (tmp_path / "photos/101_ObjectCategories/ant/broken.jpg").symlink_to("nowhere")
    sources = ["--from", tmp_path / "photos", "--from", originals[0] / "sketches_png.zip"]
    catalogue = prepare("tuberlin-caltech", *sources)
    assert [entry["source"] for entry in catalogue.card["set_aside"]] == ["photo/ant/broken.jpg"]
    assert catalogue.card["counts"]["per_class"]["ant"]["photo"] == 2


def test_mapping_is_that_of_the_real_pictures(shared_data):
    import csv

    with (shared_data / "real-mini/classes.csv").open() as f:
        real = {
            row["class"]: (row["split"], row["tuberlin_name"], row["caltech101_name"])
            for row in csv.DictReader(f)
        }
    assert {
        r["class"]: (r["split"], r["tuberlin"], r["caltech101"]) for r in tuberlin_caltech.mapping()
    } == real


# --- QuickDraw ----------------------------------------------------------------------------------------------


def line(word, k, recognized=True):
    drawing = [[[0, 255, 255 - k], [k, 200, 255]]]
    return (
        json.dumps({"word": word, "recognized": recognized, "key_id": str(k), "drawing": drawing}).encode()
        + b"\n"
    )


def test_quickdraw_from_files_takes_the_recognised_and_sets_aside_the_malformed(tree, prepare, png):
    files = {
        "The Eiffel Tower.ndjson": b"".join(
            [line("x", 0, False), line("x", 1), b"{broken\n", b"\n", line("x", 2)]
        ),
        "crocodile.ndjson": line("crocodile", 3) + line("crocodile", 4)[:30],
        "nose.ndjson": line("nose", 5),
        "QuickDraw_images_final/eiffel tower/1.jpg": png(1, "JPEG"),
        "QuickDraw_images_final/crocodilian/1.jpg": png(2, "JPEG"),
    }
    catalogue = prepare("quickdraw", "--from", tree(files), "--size", 32, 64)
    assert catalogue.classes == ["crocodilian", "eiffel_tower"], "named as the published splits name them"
    assert catalogue.card["counts"]["per_class"]["eiffel_tower"] == {"sketch": 2, "photo": 1}
    (aside,) = catalogue.card["set_aside"]
    assert aside["why"].startswith("not a line of JSON")
    assert "crocodile.ndjson ends in the middle of a drawing, which is left out" in catalogue.card["warnings"]
    assert catalogue.pixels("sketch", 64).min(axis=(1, 2)).max() < 60


def test_quickdraw_counts_only_recognised_drawings(tmp_path):
    lines = [line("x", 0, False), line("x", 1), b"{broken\n", line("x", 2, False), line("x", 3), line("x", 4)]
    (tmp_path / "x.ndjson").write_bytes(b"".join(lines))
    starts = [sum(map(len, lines[:k])) for k in (1, 2, 4)]
    assert quickdraw.recognised(tmp_path / "x.ndjson", 2) == (starts, False)


def test_quickdraw_strokes_of_other_classes_are_not_swapped_for_a_download(tree, prepare, tmp_path, capsys):
    folder = tree({"unicorn.ndjson": line("unicorn", 1)})
    assert main(["quickdraw", "--sketches-only", "--from", str(folder), "--out", str(tmp_path / "o")]) == 1
    assert "no ndjson file has the name of one of the 110; --all-classes" in capsys.readouterr().err
    assert prepare("quickdraw", "--sketches-only", "--all-classes", "--from", folder).classes == ["unicorn"]


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (["ant.ndjson", "more/ant.ndjson"], []),
        (["hot air balloon.ndjson", "hot_air_balloon.ndjson"], ["--all-classes"]),
    ],
)
def test_quickdraw_names_two_files_of_one_class(names, options, tree, tmp_path, capsys):
    options = [*options, "--from", str(tree({name: line("x", 1) for name in names}))]
    assert main(["quickdraw", "--sketches-only", *options, "--out", str(tmp_path / "o")]) == 1
    said = capsys.readouterr().err
    assert all(f"{tmp_path / 'mine' / name} " in said for name in names)
    assert "give one of them" in said


def test_quickdraw_passes_over_what_macos_adds_to_archives(tree, prepare):
    files = {"Simple/owl.ndjson": line("owl", 1), "__MACOSX/Simple/._owl.ndjson": b"Mac OS X\n"}
    catalogue = prepare("quickdraw", "--sketches-only", "--all-classes", "--from", tree(files))
    assert (catalogue.classes, len(catalogue), catalogue.card["set_aside"]) == (["owl"], 1, [])


def test_quickdraw_with_all_classes_of_nothing(tmp_path, capsys):
    assert main(["quickdraw", "--sketches-only", "--all-classes", "--out", str(tmp_path / "o")]) == 1
    assert "want --from with a folder of <class>.ndjson files, found none" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--per-class", "0"], ["--width", "0"], ["--width", "1"]])
def test_quickdraw_wrong_options(wrong, tmp_path, capsys):
    assert main(["quickdraw", "--sketches-only", *wrong, "--out", str(tmp_path / "out")]) == 1
    assert "want --per-class >= 1, 0 < --width <= 0.25" in capsys.readouterr().err


def test_quickdraw_takes_published_sketches_too(tree, prepare, png):
    files = {
        f"QuickDraw_{m}_final/ant/1.{e}": png(i)
        for i, (m, e) in enumerate([("images", "jpg"), ("sketches", "png")])
    }
    assert list(rows(prepare("quickdraw", "--from", tree(files)))) == ["sketch/ant/1.png", "photo/ant/1.jpg"]


def test_quickdraw_downloads_heads_until_they_hold_enough(site, prepare, monkeypatch):
    folder, url = site
    monkeypatch.setattr(quickdraw, "URL", url + "/{}.ndjson")
    monkeypatch.setattr(quickdraw, "LINE", 50)
    monkeypatch.setattr(quickdraw, "classes", lambda: ("hot_air_balloon", "ant"))
    (folder / "hot air balloon.ndjson").write_bytes(b"".join(line("b", k) for k in range(200)))
    (folder / "ant.ndjson").write_bytes(b"".join(line("a", k) for k in range(3)))
    catalogue = prepare("quickdraw", "--sketches-only", "--per-class", 5)
    assert {c: n["sketch"] for c, n in catalogue.card["counts"]["per_class"].items()} == {
        "hot_air_balloon": 5,
        "ant": 3,
    }
    sizes = {f["name"]: f["bytes"] for f in catalogue.card["made"]["files"]}
    assert sizes["hot air balloon.ndjson"] < 1_100, "not the whole file of 24,000 bytes"


def test_quickdraw_real_drawings(shared_data, prepare, tmp_path):
    folder = tmp_path / "some"
    folder.mkdir()
    for name in ("cat", "The Mona Lisa"):
        (folder / f"{name}.ndjson").symlink_to(shared_data / f"quickdraw-mini/simplified/{name}.ndjson")
    catalogue = prepare("quickdraw", "--from", folder, "--all-classes", "--sketches-only", "--per-class", 20)
    assert catalogue.card["counts"]["per_class"]["the_mona_lisa"] == {"sketch": 20, "photo": 0}
    assert catalogue.card["set_aside"] == []


# --- Doodle World -------------------------------------------------------------------------------------------


@pytest.fixture
def made(tree, png, prepare):
    return prepare("folder", "--from", tree({"photo/a/1.png": png(), "sketch/a/1.png": png(1)}))


def test_doodleworld_hands_its_knobs_over(made, monkeypatch, tmp_path, capsys):
    asked = []

    @dataclasses.dataclass
    class World:
        seed: int = 0
        gap: float = 1.0
        sizes: tuple[int, ...] = (64,)

        def prepare(self, out, *, workers, progress):
            asked.append((self, out, workers, progress))
            return Catalogue.open(made.path)

    fake = types.SimpleNamespace(World=World, KNOBS={"gap": (0, 2)})
    monkeypatch.setitem(sys.modules, "sbirkit.data.doodleworld", fake)
    assert (
        main(["doodleworld", "--gap", "0.5", "--size", "32", "64", "--workers", "2", "--out", str(tmp_path)])
        == 0
    )
    assert asked == [(World(gap=0.5, sizes=(32, 64)), tmp_path, 2, True)]
    with pytest.raises(SystemExit):
        main(["doodleworld", "--help"])
    assert "0 to 2 (1.0)" in capsys.readouterr().out
