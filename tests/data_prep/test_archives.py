"""Archives that strangers packed: read without unpacking, or refused with a reason."""

import bz2
import errno
import gzip
import io
import lzma
import multiprocessing
import os
import pickle
import re
import stat
import tarfile
import zipfile

import pytest

from data_prep import archives
from data_prep.archives import ArchiveError, open_inner, open_tree

FILES = {
    "photo/cat/1.jpg": b"one",
    "photo/Cat/1.jpg": b"other case",
    "photo/two words/ä ö.jpg": b"spaces and accents",
    "photo/caf\u00e9/1.jpg": b"composed",
    "photo/cafe\u0301/1.jpg": b"decomposed",
    "photo/空/一.png": b"",
}


def make_zip(path, files, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as z:
        for name, data in files.items():
            z.writestr(name, data)
    return path


def make_tar(path, files, mode="w", members=()):
    with tarfile.open(path, mode) as t:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
        for info in members:
            t.addfile(info)
    return path


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def refuse(tmp_path, cache):
    """The reason why an archive is refused."""

    def reason(path):
        before = {p for p in tmp_path.rglob("*") if p.parent != cache}
        with pytest.raises(ArchiveError) as caught:
            open_tree(path, cache=cache)
        assert {p for p in tmp_path.rglob("*") if p.parent != cache} - {cache} == before, (
            "something was unpacked"
        )
        return str(caught.value)

    return reason


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_every_kind_reads_the_same(kind, tmp_path, cache):
    path = tmp_path / f"a.{kind}"
    if kind == "folder":
        for name, data in FILES.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    elif kind == "zip":
        make_zip(path, FILES)
    else:
        make_tar(path, FILES, "w:" + kind.removeprefix("tar").removeprefix("."))
    tree = open_tree(path, cache=cache)
    assert [n for n in tree.names() if not n.endswith("/")] == sorted(FILES)
    assert {name: tree.read(name) for name in FILES} == FILES
    assert pickle.loads(pickle.dumps(tree)) == tree


def test_kind_is_seen_in_the_content_not_in_the_name(tmp_path, cache):
    path = make_zip(tmp_path / "picture.jpg", FILES)
    assert open_tree(path, cache=cache).read("photo/cat/1.jpg") == b"one"


@pytest.mark.parametrize("kind", ["tar", "tar.gz"])
def test_tar_that_ends_with_a_zip_is_read_as_the_tar(kind, tmp_path, cache):
    last = make_zip(tmp_path / "list.xlsx", {"sheet.xml": b"x"}).read_bytes()
    files = {"photo/cat/1.jpg": b"one", "list.xlsx": last}
    path = make_tar(tmp_path / f"a.{kind}", files, "w:gz" if kind == "tar.gz" else "w")
    assert open_tree(path, cache=cache).names() == ["list.xlsx", "photo/cat/1.jpg"]


def test_leading_dot_and_folders_of_tars(tmp_path, cache):
    folder = tarfile.TarInfo("./photo/empty")
    folder.type = tarfile.DIRTYPE
    root = tarfile.TarInfo(".")
    root.type = tarfile.DIRTYPE
    path = make_tar(tmp_path / "a.tar", {"./photo/cat/1.jpg": b"x"}, members=[root, folder])
    assert open_tree(path, cache=cache).names() == ["photo/cat/1.jpg", "photo/empty/"]


def test_litter_of_operating_systems_is_not_listed(tmp_path, cache):
    litter = dict.fromkeys(["__MACOSX/photo/._1.jpg", "photo/.DS_Store", "photo/cat/Thumbs.db"], b"x")
    path = make_zip(tmp_path / "a.zip", {**litter, "photo/cat/1.jpg": b"x"})
    assert open_tree(path, cache=cache).names() == ["photo/cat/1.jpg"]


def test_archive_inside_an_archive(tmp_path, cache):
    inner = make_tar(tmp_path / "in.tar.gz", FILES, "w:gz").read_bytes()
    outer = open_tree(make_zip(tmp_path / "out.zip", {"top/in.tar.gz": inner}), cache=cache)
    tree = open_inner(outer, "top/in.tar.gz", cache=cache)
    assert tree.read("photo/cat/1.jpg") == b"one"
    expanded = sorted(p.name for p in cache.iterdir())
    open_inner(outer, "top/in.tar.gz", cache=cache)
    assert sorted(p.name for p in cache.iterdir()) == expanded, "expanded once"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../evil.png", "climbs out"),
        ("photo/../../evil.png", "climbs out"),
        ("/etc/evil.png", "absolute path"),
        ("C:/evil.png", "drive letter"),
        ("photo\\..\\evil.png", "backslash"),
        ("photo/a\nb.png", "unprintable"),
    ],
)
def test_names_that_escape_are_refused(name, why, tmp_path, refuse):
    assert why in refuse(make_zip(tmp_path / "a.zip", {"photo/cat/1.png": b"x", name: b"x"}))
    assert why in refuse(make_tar(tmp_path / "a.tar", {"photo/cat/1.png": b"x", name: b"x"}))
    assert why in refuse(make_tar(tmp_path / "a.tgz", {name: b"x"}, "w:gz"))


def test_name_with_a_hidden_end_is_refused(tmp_path, refuse):
    path = make_zip(tmp_path / "a.zip", {"photo/1.pngX../evil": b"x"})
    path.write_bytes(path.read_bytes().replace(b"1.pngX..", b"1.png\0.."))
    assert "unprintable" in refuse(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_name_that_occurs_twice_is_refused(tmp_path, refuse):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("photo/1.png", b"shown")
        z.writestr("photo/1.png", b"meant")
    assert "occurs twice" in refuse(path)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (tarfile.SYMTYPE, "link"),
        (tarfile.LNKTYPE, "link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.FIFOTYPE, "device"),
    ],
)
def test_links_and_devices_in_tars_are_refused(kind, why, tmp_path, refuse):
    info = tarfile.TarInfo("photo/cat/1.png")
    info.type, info.linkname = kind, "/etc/passwd"
    said = refuse(make_tar(tmp_path / "a.tar", {}, members=[info]))
    assert f"'photo/cat/1.png' is a {why}" in said
    assert said.endswith("; refused. If you trust it, unpack it yourself and give the folder")


def test_links_in_zips_are_refused(tmp_path, refuse):
    info = zipfile.ZipInfo("photo/cat/1.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr(info, "/etc/passwd")
    assert "is a link" in refuse(path)


def test_encrypted_zip_is_refused(tmp_path, refuse):
    path = make_zip(tmp_path / "a.zip", {"photo/cat/1.png": b"x"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "encrypted" in refuse(path)


def test_zip_bomb_is_refused_by_its_ratio(tmp_path, refuse):
    assert "is a bomb" in refuse(make_zip(tmp_path / "a.zip", {"photo/cat/1.png": bytes(3 * 2**20)}))


@pytest.mark.parametrize("opener", [gzip.open, bz2.open, lzma.open])
def test_compressed_tar_that_swells_is_stopped(opener, tmp_path, refuse, cache):
    make_tar(tmp_path / "a.tar", {"photo/1.png": bytes(20 * 2**20)})
    with opener(tmp_path / "a.tar.x", "wb") as f:
        f.write((tmp_path / "a.tar").read_bytes())
    assert "a bomb? If you trust it, unpack it yourself" in refuse(tmp_path / "a.tar.x")
    assert list(cache.iterdir()) == []


def test_total_count_and_member_limits(tmp_path, refuse, cache, monkeypatch):
    path = make_zip(tmp_path / "a.zip", {f"photo/{i}.png": os.urandom(1000) for i in range(20)})
    tree = open_tree(path, cache=cache)
    monkeypatch.setattr(archives, "MAX_MEMBER", 999)
    with pytest.raises(ArchiveError, match="1,000 bytes are more than the 999 allowed"):
        tree.read("photo/1.png")
    archives._open.cache_clear()
    monkeypatch.setattr(archives, "MAX_TOTAL", 19_999)
    assert "unpacks to more than" in refuse(path)
    monkeypatch.setattr(archives, "MAX_TOTAL", 20_000)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 19)
    assert re.search("more than 19 members .* a bomb[?] If you trust it, unpack it yourself", refuse(path))


def test_full_disk_is_not_called_damage(tmp_path, cache, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = make_tar(tmp_path / "a.tar.gz", FILES, "w:gz")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ArchiveError, match="the disk is full"):
        open_tree(path, cache=cache)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_cut_short(kind, tmp_path, refuse):
    path = tmp_path / f"a.{kind}"
    files = {f"photo/{i}.png": os.urandom(3000) for i in range(9)}
    make_zip(path, files) if kind == "zip" else make_tar(path, files, "w:gz" if kind == "tar.gz" else "w")
    path.write_bytes(path.read_bytes()[: 3 * path.stat().st_size // 5])
    assert "cut short" in refuse(path) or "no whole zip or tar" in refuse(path)


def test_damaged_member_spoils_only_itself(tmp_path, cache):
    path = make_zip(tmp_path / "a.zip", {"photo/1.png": b"A" * 50, "photo/2.png": b"fine"})
    path.write_bytes(path.read_bytes().replace(zipfile.zlib.compress(b"A" * 50)[2:-4], b"\xff" * 4, 1))
    tree = open_tree(path, cache=cache)
    with pytest.raises(ArchiveError, match=r"'photo/1\.png' in a\.zip cannot be read"):
        tree.read("photo/1.png")
    assert tree.read("photo/2.png") == b"fine"
    with pytest.raises(ArchiveError, match=r"no file 'photo/3\.png'"):
        tree.read("photo/3.png")


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"7z\xbc\xaf\x27\x1c...", "7z x a.x"),
        (b"Rar!\x1a\x07", "unrar x a.x"),
        (b"\n<!DOCTYPE html>", "web page"),
        (b"hello", "no folder, and no whole zip or tar"),
        (b"", "0 bytes"),
    ],
)
def test_other_files_say_what_to_do(head, why, tmp_path, refuse):
    (tmp_path / "a.x").write_bytes(head)
    assert why in refuse(tmp_path / "a.x")


def test_missing_path(tmp_path, cache):
    with pytest.raises(ValueError, match="nowhere cannot be opened: No such file"):
        open_tree(tmp_path / "nowhere", cache=cache)


def test_folder_follows_links_but_not_in_circles(tmp_path, cache):
    real = tmp_path / "elsewhere"
    real.mkdir()
    (real / "1.png").write_bytes(b"x")
    (tmp_path / "a/photo").mkdir(parents=True)
    (tmp_path / "a/photo/cat").symlink_to(real)
    (tmp_path / "a/photo/loop").symlink_to(tmp_path / "a")
    names = open_tree(tmp_path / "a", cache=cache).names()
    assert "photo/cat/1.png" in names
    assert len(names) < 10


def test_two_links_to_one_folder_are_two_folders(tmp_path, cache):
    (tmp_path / "a/all").mkdir(parents=True)
    (tmp_path / "a/all/1.png").write_bytes(b"x")
    for name in ("cat", "kitty"):
        (tmp_path / "a" / name).symlink_to("all")
    names = open_tree(tmp_path / "a", cache=cache).names()
    assert [name for name in names if name.endswith(".png")] == ["all/1.png", "cat/1.png", "kitty/1.png"]


def test_pipe_among_the_pictures_is_not_waited_for(tmp_path, cache, monkeypatch):
    os.mkfifo(tmp_path / "1.png")
    monkeypatch.setattr(archives._Folder, "stream", lambda self, at: pytest.fail("opened"))
    with pytest.raises(ArchiveError, match=r"'1\.png' in .* cannot be read: not a file"):
        open_tree(tmp_path, cache=cache).read("1.png")


def test_folder_with_a_name_that_is_not_text(tmp_path, cache):
    try:
        open(os.fsencode(tmp_path) + b"/\xff.png", "wb").close()
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    with pytest.raises(ValueError, match="not a UTF-8 file name: rename it"):
        open_tree(tmp_path, cache=cache).names()


def _read(tree, name, times):
    return {tree.read(name) for _ in range(times)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_forked_readers_do_not_disturb_each_other(tmp_path, cache):
    files = {f"{i}.png": os.urandom(300_000) for i in range(8)}
    for path in (make_zip(tmp_path / "a.zip", files), make_tar(tmp_path / "a.tar", files)):
        tree = open_tree(path, cache=cache)
        tree.read("0.png")
        with multiprocessing.get_context("fork").Pool(2) as pool:
            got = pool.starmap(_read, [(tree, name, 60) for name in files], chunksize=1)
        assert got == [{data} for data in files.values()]


def test_folder_or_archive_that_vanishes_is_not_one_bad_file(tmp_path, cache):
    tree = open_tree(make_zip(tmp_path / "a.zip", FILES), cache=cache)
    tree.path.unlink()
    with pytest.raises(FileNotFoundError):
        tree.read("photo/cat/1.jpg")


def test_stamp_changes_with_the_files(tmp_path, cache):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.png").write_bytes(b"x")
    first = open_tree(tmp_path / "a", cache=cache).stamp()
    assert open_tree(tmp_path / "a", cache=cache).stamp() == first
    (tmp_path / "a/1.png").write_bytes(b"xy")
    assert open_tree(tmp_path / "a", cache=cache).stamp() != first
