"""Read pictures straight out of folders and archives. Nothing a stranger packed is unpacked by name.

A :class:`Tree` lists and reads files of a folder, a zip or a tar. Names inside are only ever looked up,
never joined to a path of this disk, so ``../`` has nowhere to go; such names are refused all the same,
because an honest archive has none. Compressed tars, and archives inside archives, are first expanded to
one file under a name of our own.
"""

import bz2
import contextlib
import errno
import functools
import gzip
import hashlib
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

MAX_MEMBERS = 2_000_000
MAX_TOTAL = 256 * 2**30  # bytes, all members together
MAX_MEMBER = 512 * 2**20  # bytes, one file read into memory
MAX_RATIO = 200  # unpacked / packed, for anything above 1 MiB; pictures stay below 10
CHUNK = 2**20
TRUST = "If you trust it, unpack it yourself and give the folder"

_JUNK = re.compile(r"(^|/)(__MACOSX/|\.|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_UNPACK = {b"7z\xbc\xaf\x27\x1c": "7z x", b"Rar!": "unrar x"}
_PACKED: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_SUSPICIOUS = {
    r"^/": "has an absolute path",
    r"^[A-Za-z]:": "starts with a drive letter",
    r"\\": "has a backslash",
    r"(^|/)\.\.(/|$)": "climbs out with '..'",
    r"[\x00-\x1f\x7f\ud800-\udfff]": "has unprintable characters",
}
_DAMAGE = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError)


class ArchiveError(ValueError):
    """An archive that is damaged, hostile, or of a kind we do not read."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The files below ``prefix`` of a folder, zip or tar. Small, hashable and picklable.

    Names use ``/`` and are kept as they are, so files that differ only in case, or in how an accent is
    encoded, stay two files on every system. A name that ends in ``/`` is a folder.
    """

    path: Path
    prefix: str = ""

    def names(self) -> list[str]:
        start, whole = self.prefix, _store(self.path).names()
        return sorted(n.removeprefix(start) for n in whole if n.startswith(start) and n != start)

    def read(self, name: str) -> bytes:
        """The bytes of one file. A missing or damaged one raises :class:`ArchiveError`."""
        store = _store(self.path)  # that folder or archive gone is no fault of one file
        try:
            return store.read(self.prefix + name)
        except KeyError:
            raise ArchiveError(f"{self.path.name} has no file {self.prefix + name!r}") from None
        except _DAMAGE as error:
            raise ArchiveError(f"{name!r} in {self.path.name} cannot be read: {error}") from error

    def stamp(self) -> str:
        """Changes when the files change: names, sizes and dates, not contents."""
        marks: dict[str, tuple[int, int]] = {}
        for name in self.names() if self.path.is_dir() else [""]:
            with contextlib.suppress(OSError):  # what cannot be read will be set aside
                found = (self.path / self.prefix / name if name else self.path).stat()
                marks[name] = (found.st_size, found.st_mtime_ns)
        return hashlib.sha256(repr((self.prefix, marks)).encode()).hexdigest()[:16]


def open_tree(path: Path, *, cache: Path) -> Tree:
    """A folder, a zip or a tar (``.gz``, ``.bz2``, ``.xz`` too), recognised by content, checked and ready.

    Args:
        cache: where a compressed tar is expanded, once.
    """
    if not path.is_dir():
        path = _plain(path, cache)
    _store(path)
    return Tree(path)


def open_inner(tree: Tree, name: str, *, cache: Path) -> Tree:
    """An archive that lies inside another one (Caltech's zip holds a ``tar.gz``)."""
    store = _store(tree.path)
    if isinstance(store, _Folder):
        return open_tree(tree.path / tree.prefix / name, cache=cache)
    inner = cache / f"{_key(tree.path, name)}-{Path(name).name}"
    _expand(tree.path, lambda: store.stream(store.find(tree.prefix + name)[0]), inner, MAX_TOTAL)
    return open_tree(inner, cache=cache)


def check_members(members: Iterable[tuple[str, int, int, str]], archive: str) -> None:
    """Refuse an archive with names that could escape a folder or mean two things, or that is a bomb.

    Args:
        members: name, packed and unpacked bytes (by their own declaration), and a fault found before or "".

    >>> check_members([("photo/cat/1.jpg", 9, 9, ""), ("photo/Cat/1.jpg", 9, 9, "")], "ok.zip")
    >>> check_members([("photo/../../x", 9, 9, "")], "bad.zip")
    Traceback (most recent call last):
    ...
    data_prep.archives.ArchiveError: bad.zip: member 'photo/../../x' climbs out with '..'; refused. If ...
    """
    seen: set[str] = set()
    total = 0
    for name, packed, unpacked, fault in members:
        faults = [fault] if fault else [why for rule, why in _SUSPICIOUS.items() if re.search(rule, name)]
        if name in seen:
            faults.append("occurs twice")
        if unpacked > CHUNK and unpacked > MAX_RATIO * packed:
            faults.append(f"is a bomb: {packed:,} bytes for {unpacked:,}")
        if faults:
            raise ArchiveError(f"{archive}: member {name!r} {faults[0]}; refused. {TRUST}")
        seen.add(name)
        total += unpacked
        if len(seen) > MAX_MEMBERS or total > MAX_TOTAL:
            limits = f"{MAX_MEMBERS:,} members or {MAX_TOTAL:,} bytes"
            raise ArchiveError(f"{archive} unpacks to more than {limits}: a bomb? {TRUST}")


class _Store:
    """What a tree reads from: ``where`` gives, for each name, where its bytes are and how many."""

    where: dict[str, tuple[Any, int]]

    def names(self) -> Iterable[str]:
        return self.where

    def find(self, name: str) -> tuple[Any, int]:
        return self.where[name]

    def stream(self, at: Any) -> IO[bytes]:
        raise OSError("not a file")

    def read(self, name: str) -> bytes:
        at, size = self.find(name)
        if size > MAX_MEMBER:
            raise OSError(f"{size:,} bytes are more than the {MAX_MEMBER:,} allowed")
        with self.stream(at) as f:
            return f.read()


class _Folder(_Store):
    """A folder of the user's own disk. Links are followed, since the user laid them; loops are not."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> Iterator[str]:
        for folder, inner, files in os.walk(self.root, followlinks=True, onerror=_raise):
            here = Path(folder).relative_to(self.root)
            if any(os.path.samefile(folder, self.root / over) for over in here.parents):
                inner.clear()  # it lies in itself; two links to one folder are two folders
                continue
            for name in [*(f"{i}/" for i in inner), *files]:
                key = f"{here.as_posix()}/{name}".removeprefix("./")
                if re.search(r"[\ud800-\udfff]", key):
                    raise ValueError(f"{self.root}: {os.fsencode(key)!r} is not a UTF-8 file name: rename it")
                if not _JUNK.search(key):
                    yield key

    def find(self, name: str) -> tuple[Path, int]:
        found = (self.root / name).stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for, for ever
            raise OSError("not a file")
        return self.root / name, found.st_size

    def stream(self, at: Path) -> IO[bytes]:
        return at.open("rb")


class _Zip(_Store):
    def __init__(self, path: Path) -> None:
        self.file = zipfile.ZipFile(path)
        infos = self.file.infolist()
        faults = {i: "is a link" for i in infos if stat.S_ISLNK(i.external_attr >> 16)}
        faults |= {i: "is encrypted" for i in infos if i.flag_bits & 1}
        found = [(i.orig_filename, i.compress_size, i.file_size, faults.get(i, "")) for i in infos]
        check_members(found, path.name)
        self.where = {i.filename: (i, i.file_size) for i in infos if not _JUNK.search(i.filename)}

    def stream(self, at: zipfile.ZipInfo) -> IO[bytes]:
        return self.file.open(at)


class _Tar(_Store):
    """An uncompressed tar: every file is a stretch of it, so reading one needs no search."""

    def __init__(self, path: Path) -> None:
        self.file = tarfile.open(path, "r:")  # noqa: SIM115 - stays open for as long as the process reads
        infos = {}
        for i in self.file:
            odd = "" if i.isdir() or (i.isreg() and not i.issparse()) else "is a device, a pipe or sparse"
            fault = "is a link" if i.issym() or i.islnk() else odd
            name = re.sub(r"^(\./)+|^\.$", "", i.name) + "/" * i.isdir()
            infos[i] = (name, i.size, i.size, fault)
        check_members((found for found in infos.values() if found[0] != "/"), path.name)
        self.where = {
            n: (i, size) for i, (n, _, size, _) in infos.items() if n != "/" and not _JUNK.search(n)
        }

    def stream(self, at: tarfile.TarInfo) -> IO[bytes]:
        return self.file.extractfile(at) or super().stream(at)


def _store(path: Path) -> _Store:
    """The reader of a path: one for each process, since forked workers must not share a file position."""
    mark = path.stat()
    return _Folder(path) if path.is_dir() else _open(path, os.getpid(), mark.st_size, mark.st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _open(path: Path, *_mark: int) -> _Store:
    try:
        # a zip is known by its end, so a tar whose last member is a zip would pass for one
        return _Tar(path) if tarfile.is_tarfile(path) else _Zip(path)
    except ArchiveError:
        raise
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _plain(path: Path, cache: Path) -> Path:
    """The zip or tar itself, or a compressed tar expanded in ``cache``."""
    try:
        with path.open("rb") as f:
            head = f.read(512)
    except OSError as error:
        raise ValueError(f"{path} cannot be opened: {error.strerror or error}") from error
    name = path.name
    for magic, command in _UNPACK.items():
        if head.startswith(magic):
            raise ArchiveError(f"{name} must be unpacked first: run `{command} {name}`, then give the folder")
    if head.lstrip()[:1] == b"<":
        raise ArchiveError(f"{name} is a web page, not an archive: open it in a browser, follow its link")
    for magic, opener in _PACKED.items():
        if head.startswith(magic):
            plain, limit = cache / f"{_key(path)}.tar", MAX_RATIO * path.stat().st_size + CHUNK
            _expand(path, functools.partial(opener, path), plain, limit)
            path = plain
            break
    if not (zipfile.is_zipfile(path) or tarfile.is_tarfile(path)):
        raise ArchiveError(f"{name} ({path.stat().st_size:,} bytes) is no folder, and no whole zip or tar")
    return path


def _damaged(path: Path, error: Exception) -> ArchiveError:
    return ArchiveError(f"{path.name} is cut short or damaged ({error}): fetch it again")


def _key(path: Path, inner: str = "") -> str:
    """A name of our own for what is expanded from ``path``; a changed archive gets another."""
    mark = path.stat()
    text = f"{path.resolve()}|{mark.st_size}|{mark.st_mtime_ns}|{inner}"
    return "expanded-" + hashlib.sha256(text.encode()).hexdigest()[:16]


def _expand(archive: Path, opener: Callable[[], IO[bytes]], to: Path, limit: int) -> None:
    """Copy at most ``limit`` bytes to the file ``to``, which has its name only when it is whole."""
    if to.is_file():
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    part, done = to.with_name(f"{to.name}.{os.getpid()}.part"), 0
    try:
        with opener() as src, part.open("wb") as out:
            while chunk := src.read(CHUNK):
                done += len(chunk)
                if done > min(limit, MAX_TOTAL):
                    raise ArchiveError(f"{archive.name} swells past {limit:,} bytes: a bomb? {TRUST}")
                out.write(chunk)
        os.replace(part, to)
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ArchiveError(f"{to.parent}: the disk is full, {archive.name} cannot be expanded") from error
        raise _damaged(archive, error) from error
    finally:
        part.unlink(missing_ok=True)


def _raise(error: OSError) -> None:
    raise ValueError(f"{error.filename} cannot be listed: {error.strerror}") from error
