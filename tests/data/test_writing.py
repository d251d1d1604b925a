"""Written whole or not at all, the same for any number of workers, and resumed to the same bits."""

import errno
import functools
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from sbirkit.data import Catalogue, CatalogueError, Item, PictureError, writing

# 1,000 pictures in 4 shards; each takes about SLOW milliseconds
SCRIPT = """
    import os, sys, time
    import numpy as np
    from sbirkit.data import Item, PictureError, write_catalogue

    SLOW = float(os.environ.get("SLOW", 0)) / 1000

    def picture(item):
        i = int(item.source)
        time.sleep(SLOW)
        if i % 100 == 7:
            raise PictureError("bad luck")
        if os.environ.get("DIE") == item.source:
            os._exit(3)
        rng = np.random.default_rng(i)
        shape = (16, 16) if item.modality == "sketch" else (16, 16, 3)
        return {16: rng.integers(0, 256, shape, dtype=np.uint8)}

    if __name__ == "__main__":
        out, workers = sys.argv[1], int(sys.argv[2])
        items = [Item(f"c{i % 5}", ("sketch", "photo")[i % 2], str(i)) for i in range(1000)]
        print(write_catalogue(out, items, picture, card={"name": "x"}, sizes=(16,), workers=workers).digest)
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """``script(out, workers, **environment)`` starts a preparation in a process of its own."""
    path = tmp_path_factory.mktemp("script") / "prepare.py"
    path.write_text(textwrap.dedent(SCRIPT))

    def start(out, workers=2, *, first="", **environment):
        own = path.with_name(f"prepare_{zlib.crc32(first.encode())}.py")
        own.write_text(f"{first}\n{path.read_text()}")
        command = [sys.executable, own, out, str(workers)]
        env = {**os.environ, **environment}
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


@pytest.fixture(scope="module")
def undisturbed(script, tmp_path_factory):
    """The folder that an undisturbed preparation leaves, as digests."""
    out = tmp_path_factory.mktemp("undisturbed") / "x"
    said, problem = (process := script(out, 1)).communicate(timeout=60)
    assert process.returncode == 0, problem
    assert said.strip() == Catalogue.open(out).digest
    return contents(out)


def contents(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in Path(folder).iterdir()}


def finish(process):
    out, problem = process.communicate(timeout=60)
    assert process.returncode == 0, problem
    return out.strip()


def wait_for_shards(out, process, n=1):
    partial = Path(f"{out}.partial")
    deadline = time.monotonic() + 30
    while len(list(partial.glob("*.shard"))) < n:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def leftovers(folder):
    return [p.name for p in folder.iterdir() if not p.name.endswith(".lock")]


@pytest.mark.parametrize("workers", [3])
def test_any_number_of_workers_writes_the_same_bytes(script, undisturbed, tmp_path, workers):
    finish(script(tmp_path / "other name", workers))
    assert contents(tmp_path / "other name") == undisturbed
    assert leftovers(tmp_path) == ["other name"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_then_resumed(script, undisturbed, tmp_path, how):
    out = tmp_path / "x"
    process = script(out, 2, SLOW="3")
    wait_for_shards(out, process)
    process.send_signal(how)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert not out.exists()
    done = {p.name: p.stat().st_mtime_ns for p in Path(f"{out}.partial").glob("*.shard")}
    assert 0 < len(done) < 4
    with pytest.raises(CatalogueError, match="does not exist"):
        Catalogue.open(out)
    second = script(out, 2, SLOW="3")
    wait_for_shards(out, second, len(done) + 1)
    kept = {p.name: p.stat().st_mtime_ns for p in Path(f"{out}.partial").glob("*.shard")}
    assert done.items() <= kept.items()  # not drawn again
    finish(second)
    assert contents(out) == undisturbed
    assert leftovers(tmp_path) == ["x"]


def test_killed_while_joining(script, undisturbed, tmp_path):
    """Every shard is there, the folder is half written: still not there, and then whole."""
    out = tmp_path / "x"
    dies = "import os; from sbirkit.data import writing; writing._write_table = lambda *a: os._exit(9)"
    assert script(out, 1, first=dies).wait(timeout=60) == 9
    assert not out.exists()
    finish(script(out, 1))
    assert contents(out) == undisturbed


def test_workers_do_not_outlive_a_killed_parent(script, tmp_path):
    process = script(tmp_path / "x", 2, SLOW="40")  # ten seconds a shard
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        pytest.skip("needs /proc to see the workers")
    while len(workers := children.read_text().split()) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    deadline = time.monotonic() + 5
    process.kill()
    process.wait(timeout=10)
    while any(alive(pid) for pid in workers):
        assert time.monotonic() < deadline, "a worker lives on"
        time.sleep(0.05)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_two_preparations_at_once(script, make, world, tmp_path, undisturbed):
    out = tmp_path / "x"
    process = script(out, 1, SLOW="3")
    wait_for_shards(out, process)
    start = time.monotonic()
    with pytest.raises(CatalogueError, match="being prepared by another process"):
        make(world(2, 2), out=out)
    assert time.monotonic() - start < 5
    finish(process)
    assert contents(out) == undisturbed


def test_the_lock_is_given_back_after_a_failure(make, world, tmp_path):
    with pytest.raises(RuntimeError, match="failed on 'photo/0/0': ZeroDivisionError"):
        make(world(2, 2), picture=broken)
    with FileLock(tmp_path / ".tiny.lock", timeout=0):
        pass


def broken(item):
    return 1 / 0


def test_a_dead_worker_is_reported_and_what_is_done_is_kept(script, undisturbed, tmp_path):
    process = script(tmp_path / "x", 2, DIE="900")
    _, problem = process.communicate(timeout=60)
    assert "CatalogueError: A worker process died" in problem
    assert not (tmp_path / "x").exists()
    finish(script(tmp_path / "x", 2))
    assert contents(tmp_path / "x") == undisturbed


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_for_real(script, undisturbed, tmp_path):
    """Files may grow to 200 kB: the shards fit, the joined pixels do not."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))"
    _, problem = script(tmp_path / "x", 2, first=limit).communicate(timeout=60)
    assert "CatalogueError: The disk is full" in problem
    assert not (tmp_path / "x").exists()
    assert len(list((tmp_path / "x.partial").glob("*.shard"))) == 4
    finish(script(tmp_path / "x", 2))
    assert contents(tmp_path / "x") == undisturbed


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_while_drawing(make, world, monkeypatch, tmp_path, code):
    def full(source, target):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(writing.os, "replace", full)
    with pytest.raises(CatalogueError, match=r"disk is full.*tiny.partial; make room and run the same"):
        make(world(2, 2))
    monkeypatch.undo()
    assert len(make(world(2, 2))) == 8


def test_other_trouble_with_the_disk_is_not_called_full(make, world, monkeypatch):
    def denied(source, target):
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(writing.os, "replace", denied)
    with pytest.raises(PermissionError):
        make(world(2, 2))


def test_a_place_that_cannot_be_written_to_is_named(make, world, tmp_path):
    (tmp_path / "file").touch()
    says = r"file cannot be written to \(.*\): choose another folder \(--out\), or set SBIRKIT_HOME"
    with pytest.raises(CatalogueError, match=says):
        make(world(2, 2), out=tmp_path / "file" / "tiny")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_of_others_is_named_not_the_lock_in_it(make, world, tmp_path):
    (tmp_path / "others").mkdir(mode=0o500)
    with pytest.raises(CatalogueError, match=r"others cannot be written to \(Permission denied\)"):
        make(world(2, 2), out=tmp_path / "others" / "tiny")


@pytest.mark.parametrize("platform", ["darwin"])
def test_processes_that_are_spawned_do_the_same(script, undisturbed, tmp_path, platform):
    first = "import sys; from sbirkit.data import writing; import types; " \
            f"writing.sys = types.SimpleNamespace(platform={platform!r}, stderr=sys.stderr)"  # fmt: skip
    process = script(tmp_path / "x", 2, first=first)
    _, problem = process.communicate(timeout=60)
    assert process.returncode == 0, problem
    assert contents(tmp_path / "x") == undisturbed


def test_forking_beside_a_busy_torch(script, undisturbed, tmp_path):
    first = "import torch; torch.set_num_threads(4); (torch.ones(600, 600) @ torch.ones(600, 600)).sum()"
    finish(script(tmp_path / "x", 2, first=first))
    assert contents(tmp_path / "x") == undisturbed


# --- plans ------------------------------------------------------------------------------------------------


def interrupted(make, items, **options):
    """Leave finished shards behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "_join", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            make(items, **options)


def test_shards_of_another_plan_are_never_reused(make, noise, world, capsys):
    items = world(4, 3)
    for options in [{"sizes": (8,)}, {"picture": functools.partial(shifted, by=1)}, {"recipe": {"gap": 1}}]:
        interrupted(make, items, overwrite=True, **options)
        capsys.readouterr()
        cat = make(items, overwrite=True)
        assert "discarding 1 shards of a different preparation" in capsys.readouterr().err
        np.testing.assert_array_equal(cat.images([0])[0], np.asarray(noise(items[0])))


def test_shards_of_the_same_plan_are_reused(make, world, capsys, monkeypatch):
    interrupted(make, world(4, 3), licence="draft")
    monkeypatch.setattr(writing, "_shard", lambda *a: pytest.fail("drawn again"))
    assert make(world(4, 3), licence="final").card["licence"] == "final"
    assert capsys.readouterr().err == ""


def test_a_torn_shard_is_drawn_again(make, world, tmp_path):
    items = world(4, 3)
    interrupted(make, items)
    shard = next((tmp_path / "tiny.partial").glob("*.shard"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    assert make(items).digest == make(items, name="other").digest


def shifted(item, by):
    rng = np.random.default_rng(by)
    return Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))


# --- what is written --------------------------------------------------------------------------------------


def test_digest_is_about_content(make, world):
    items = world(4, 3)
    base = make(items)
    assert make(items, name="b", licence="other", made={"command": "x"}).digest == base.digest
    others = {
        make(items[::-1], name="c").digest,
        make(items[:-1], name="d").digest,
        make(items, name="e", sizes=(8,)).digest,
        make(items, name="f", classes={"class 00": {"family": "f"}}).digest,
        make(items, name="g", splits={"s": ["class 00"]}).digest,
        make([*items[:-1], Item("class 03", "sketch", "sketch/3/2", caption="other")], name="h").digest,
    }
    assert len(others | {base.digest}) == 7


def test_equal_pictures_have_equal_digests(make):
    cat = make(
        [
            Item("a", "photo", "x#1"),
            Item("b", "photo", "x#2"),
            Item("a", "photo", "y"),
            Item("a", "sketch", "x"),
        ]
    )
    a, b, c, d = cat.column("digest")
    assert a == b
    assert len({a, c, d}) == 3


def test_the_digest_of_a_picture_is_taken_at_its_own_size(make, noise):
    """Two pictures that only differ in detail lost by shrinking are not copies."""
    cat = make([Item("a", "photo", "p"), Item("a", "photo", "q")], sizes=(8,), picture=fine)
    assert (cat.images([0]) == cat.images([1])).all()
    assert len(set(cat.column("digest"))) == 2


def fine(item):
    pixels = np.full((256, 256, 3), 128, np.uint8)
    pixels[0, 0] += item.source == "p"
    return Image.fromarray(pixels)


def test_bad_pictures_are_set_aside_and_listed(make, world):
    items = world(3, 3)
    items.insert(4, Item("Class 00", "photo", "bad one"))
    cat = make(items, set_aside=[{"source": "archive/../x", "why": "escapes"}])
    assert len(cat) == 18
    assert cat.card["set_aside"] == [
        {"source": "archive/../x", "why": "escapes"},
        {"label": "class_00", "modality": "photo", "source": "bad one", "why": "cannot be used"},
    ]
    assert "bad one" not in cat.column("source")
    assert cat.card["warnings"] == []


def test_classes_without_pictures_or_with_one_modality_are_kept_and_named(make, world):
    cat = make([*world(2, 2), Item("empty", "photo", "bad"), Item("half", "photo", "x")], warnings=["mine"])
    assert cat.card["warnings"] == [
        "mine",
        "class 'empty' is empty: none of its pictures could be used",
        "class 'half' has no sketch: it can be neither searched for nor trained across",
    ]
    assert cat.card["counts"]["per_class"]["empty"] == {"sketch": 0, "photo": 0}
    assert cat.classes == ["class_00", "class_01", "half"]
    assert cat.card["counts"]["classes"] == 3


def test_nothing_left(make, tmp_path):
    with pytest.raises(
        CatalogueError, match=r"all 2 were set aside, the first \(bad1\) because: cannot be used"
    ):
        make([Item("a", "photo", "bad1"), Item("a", "sketch", "bad2")])
    assert not (tmp_path / "tiny").exists()


def test_one_modality_alone(make):
    cat = make([Item("a", "sketch", "x"), Item("b", "sketch", "y")])
    assert cat.pixels("photo").shape == (0, 16, 16, 3)
    assert len(cat.photos) == 0


def test_extra_columns(make):
    items = [
        Item("a", "photo", "x", extra={"drawer": 3, "score": 1}),
        Item("a", "photo", "y", extra={"drawer": 4, "score": 0.5, "by": "Ann"}),
        Item("a", "photo", "z"),
    ]
    cat = make(items)
    assert cat.table.column("drawer").to_pylist() == [3, 4, None]
    assert cat.table.column("score").to_pylist() == [1.0, 0.5, None]
    assert cat.table.column("by").to_pylist() == [None, "Ann", None]


def test_names_of_sources_are_only_text(make):
    """Spaces, unicode, ``../`` and names differing in case: rows, never paths."""
    sources = ["a b", "ü", "../../escape", "A", "a", "$HOME", "x\ny"]
    cat = make([Item("Größe ../ x", "photo", source) for source in sources])
    assert cat.column("source").tolist() == sources
    assert cat.classes == ["grösse_x"]


def test_labels_that_differ_in_case_are_one_class(make):
    cat = make([Item("Cat", "photo", "x"), Item("cat", "sketch", "y"), Item("CAT", "photo", "z")])
    assert cat.classes == ["cat"]


def test_an_existing_folder_is_not_touched(make, world, tmp_path):
    cat = make(world(2, 2))
    before = contents(cat.path)
    with pytest.raises(CatalogueError, match=r"exists already.*overwrite=True"):
        make(world(3, 3))
    assert contents(cat.path) == before


def test_overwrite_replaces_catalogues_only(make, world, tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "holiday.jpg").touch()
    with pytest.raises(CatalogueError, match="overwrite=True replaces catalogues only"):
        make(world(2, 2), overwrite=True)
    assert contents(tmp_path / "tiny")


def test_the_old_one_stays_until_the_new_one_is_whole(make, world, tmp_path):
    old = make(world(2, 2))
    interrupted(make, world(3, 3), overwrite=True)
    assert Catalogue.open(old.path).digest == old.digest
    new = make(world(3, 3), overwrite=True)
    assert len(new) == 18
    assert old.images([0]).shape == (1, 16, 16, 3)  # whoever holds the old one may go on reading
    assert leftovers(tmp_path) == ["tiny"]


def test_a_link_stays_and_the_folder_it_leads_to_is_replaced(make, world, tmp_path):
    (tmp_path / "big").mkdir()
    (tmp_path / "tiny").symlink_to("big/real")  # nowhere yet
    for n in (2, 3, 4):
        make(world(n, 2), overwrite=True)
        assert len(Catalogue.open(tmp_path / "big/real")) == 4 * n
        assert (tmp_path / "tiny").is_symlink()
    assert leftovers(tmp_path / "big") == ["real"]


def test_a_swap_cut_between_its_two_renames_is_mended(make, world, tmp_path, monkeypatch):
    old = make(world(2, 2))
    rename = Path.rename

    def cut(self, target):
        if self.name == "whole":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", cut)
    with pytest.raises(KeyboardInterrupt):
        make(world(3, 3), overwrite=True)
    monkeypatch.undo()
    with pytest.raises(CatalogueError, match="exists already"):
        make(world(3, 3))
    assert Catalogue.open(old.path).digest == old.digest
    assert len(make(world(3, 3), overwrite=True)) == 18
    assert leftovers(tmp_path) == ["tiny"]


# --- mistakes in the call ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([], "items: want at least one"),
        ([Item("a", "drawing", "x")], "modality of 'x': want 'sketch' or 'photo', got 'drawing'"),
        ([Item("", "photo", "x")], "at least one letter"),
        (
            [Item("a", "photo", "x", extra={"digest": "0"})],
            "extra column 'digest' of 'x' is a column already",
        ),
    ],
)
def test_wrong_items(make, items, says):
    with pytest.raises(ValueError, match=says):
        make(items)


@pytest.mark.parametrize("sizes", [(), (0,), (64.0,), (5000,)])
def test_wrong_sizes(make, world, sizes):
    with pytest.raises(ValueError, match="sizes: want whole numbers from 8 to 4096"):
        make(world(), sizes=sizes)


def test_wrong_workers(make, world):
    with pytest.raises(ValueError, match="workers: want at least 1, got 0"):
        make(world(), workers=0)


def test_pictures_that_workers_cannot_reach(make, world):
    with pytest.raises(TypeError, match="picture: want a top-level function"):
        make(world(), picture=lambda item: None)


def test_a_card_that_json_cannot_hold_fails_first(make, world, tmp_path):
    with pytest.raises((TypeError, ValueError)):
        make(world(), made={"when": float("nan")})
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("shape", "kind"), [((16, 16), "uint8"), ((8, 8, 3), "uint8"), ((16, 16, 3), "float32")]
)
def test_wrong_arrays(make, shape, kind):
    with pytest.raises(RuntimeError, match=r"failed on 'x': TypeError: want uint8 \(16, 16, 3\), got"):
        make([Item("a", "photo", "x")], picture=functools.partial(array, shape=shape, kind=kind))


def array(item, shape, kind):
    return {16: np.zeros(shape, kind)}


def test_missing_size(make):
    with pytest.raises(RuntimeError, match="want arrays at"):
        make(
            [Item("a", "sketch", "x")],
            sizes=(8, 16),
            picture=functools.partial(array, shape=(16, 16), kind="uint8"),
        )


def test_picture_error_is_a_value_error():
    assert issubclass(PictureError, ValueError)
