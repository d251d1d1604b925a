"""Download a file once: resumable, checked, and never half there under its own name."""

import contextlib
import errno
import hashlib
import http.client
import json
import os
import re
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout
from tqdm import tqdm

AGENT = "sbirkit-data-prep/0.1 (zero-shot sketch retrieval teaching suite)"
CHUNK = 2**18
_PASSING = (TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException, urllib.error.URLError)
SPARE = 64 * 2**20  # bytes of disk we leave free


class FetchError(RuntimeError):
    """A download that cannot go on; what arrived is kept unless it is wrong."""


class _Cut(Exception):
    """A passing fault: worth another try."""


class _Stale(_Cut):
    """What we have is of no use to the server: begin again."""


def fetch(
    url: str, to: Path, *, md5: str = "", first: int | None = None, attempts: int = 6, pause: float = 1.0,
    timeout: float = 30.0, progress: bool = True,
) -> str:  # fmt: skip
    """Bring ``url`` to the file ``to`` and return its sha256.

    A cut download waits in ``to.part`` and goes on from there (``Range`` with ``If-Range``), in this run or
    the next; a server that ignores ranges, or whose file has changed, makes it start again. The digest of
    the first download is noted beside the file, and a file that no longer has it is set aside. Proxies are
    taken from the environment.

    Args:
        md5: known checksum, "" if nobody published one. first: only so many leading bytes are wanted.
        attempts: tries in a row that bring nothing new before giving up, ``pause`` seconds apart at first.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    with _alone(to):
        part, note = _beside(to, ".part"), _read_note(to)
        if to.is_file():
            goal = min((n for n in (first, note.get("total")) if n), default=0)
            if not note or to.stat().st_size >= goal:
                return _settle(to, to, note, md5)
            os.replace(to, part)  # a head that is now wanted longer
            note.pop("sha256", None)
        failures, best = 0, _size(part)
        with tqdm(desc=to.name, unit="B", unit_scale=True, unit_divisor=1024, disable=not progress) as bar:
            while True:
                try:
                    _transfer(url, to, note, bar, first=first, timeout=timeout)
                    break
                except _Cut as cut:
                    if isinstance(cut, _Stale):
                        note.clear()
                    grown, best = _size(part) > best, max(best, _size(part))
                    failures = 0 if grown else failures + 1
                    if failures >= attempts:
                        kept = f"{_size(part):,} bytes are kept, the same command goes on from there"
                        raise FetchError(f"{url}: {cut}; {attempts} tries in vain ({kept})") from None
                    wait = min(pause * 2**failures, 30.0)
                    tqdm.write(f"{to.name}: {cut}; trying again in {wait:.0f} s")
                    time.sleep(wait)
        return _settle(part, to, note, md5)


@contextlib.contextmanager
def _alone(to: Path) -> Iterator[None]:
    """Nobody else downloads this file meanwhile."""
    try:
        with FileLock(f"{to}.lock", timeout=0):
            yield
    except Timeout:
        raise FetchError(f"{to.name} is being downloaded by another process; wait for it") from None


def _transfer(
    url: str, to: Path, note: dict[str, Any], bar: tqdm, *, first: int | None, timeout: float
) -> None:
    """One request: append what is missing to the part, or raise :class:`_Cut`."""
    part, have = _beside(to, ".part"), 0
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
    if note.get("validator") and note.get("url") == url:
        have = _size(part)
    if any(n and have >= n for n in (first, note.get("total"))):
        return  # all there: only the last step was missing
    if have or first is not None:
        headers["Range"] = f"bytes={have}-{'' if first is None else first - 1}"
    if have:
        headers["If-Range"] = note["validator"]
    request, opener = urllib.request.Request(url, headers=headers), urllib.request.build_opener(_NoDowngrade)
    with _passing(), opener.open(request, timeout=timeout) as reply:
        start, total = _extent(reply)
        validator = _validator(reply)
        if start != have or (have and validator != note["validator"]):
            if start:
                raise _Stale("the server's file has changed")
            have = 0
        if reply.headers.get_content_type() == "text/html":
            raise FetchError(f"{url}: the server sent a web page, not the file; fetch it by hand, use --from")
        want = total if first is None else min(first, total or first)
        _check_space(to.parent, (want or 0) - have)
        note.clear()
        note.update(url=url, validator=validator, total=total)
        _write_note(to, note)
        bar.total, bar.n = want, have
        with part.open("ab" if have else "wb") as out:
            _copy(reply, out, want, bar)
    if want is None:  # the reply says at least how much it would have brought
        want = _size(part) + (reply.length or 0)
    if _size(part) < want:
        raise _Cut(f"the connection was cut at {_size(part):,} of {want:,} bytes")


def _copy(reply: IO[bytes], out: IO[bytes], want: int | None, bar: tqdm) -> None:
    while want is None or out.tell() < want:
        if not (chunk := reply.read(CHUNK if want is None else min(CHUNK, want - out.tell()))):
            return
        out.write(chunk)
        bar.update(len(chunk))


@contextlib.contextmanager
def _passing() -> Iterator[None]:
    """Sort what goes wrong on the way into passing faults (:class:`_Cut`) and final ones."""
    try:
        yield
    except urllib.error.HTTPError as error:
        if error.code == 416:
            raise _Stale("the server has no such range") from None
        if error.code in (408, 425, 429) or error.code >= 500:
            raise _Cut(f"the server answered {error.code} {error.reason}") from None
        raise FetchError(f"{error.url}: the server answered {error.code} {error.reason}") from None
    except _PASSING as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise FetchError(f"the server's certificate is not trusted: {reason}") from None
        raise _Cut(str(reason) or type(reason).__name__) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise FetchError("the disk is full; what arrived is kept: make room, run the same again") from None


def _extent(reply: Any) -> tuple[int, int | None]:
    """Where the body starts, and how long the whole file is (None: the server does not say)."""
    if reply.status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", reply.headers.get("Content-Range", "").strip())
        if not found:
            raise _Cut("the server sent a part without saying which")
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = reply.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _validator(reply: Any) -> str:
    """What tells one version of the file from the next: a strong ETag, else the date."""
    etag = reply.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else reply.headers.get("Last-Modified", "")


def _settle(found: Path, to: Path, note: dict[str, Any], md5: str) -> str:
    """Check the finished file, note its digest and give it its name; a wrong one is set aside."""
    digest, known = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with found.open("rb") as f:
        while chunk := f.read(CHUNK):
            digest.update(chunk)
            known.update(chunk)
    expected, got = (md5, known.hexdigest()) if md5 else (note.get("sha256", ""), digest.hexdigest())
    if expected and got != expected:
        aside = _beside(to, ".wrong")
        os.replace(found, aside)
        _beside(to, ".json").unlink(missing_ok=True)
        why = "published checksum" if md5 else "digest of its first download"
        raise FetchError(f"{to.name} has not the {why}: {got}, not {expected}; set aside as {aside.name}")
    _write_note(to, note | {"sha256": digest.hexdigest(), "bytes": found.stat().st_size})
    if found != to:
        os.replace(found, to)
    return digest.hexdigest()


def _check_space(folder: Path, need: int) -> None:
    if (free := shutil.disk_usage(folder).free) < need + SPARE:
        raise FetchError(f"{folder}: want {need / 2**20:,.0f} MiB more, {free / 2**20:,.0f} MiB are free")


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follow redirects, but never from https to something that anyone on the way may alter."""

    def redirect_request(self, req: Any, *rest: Any) -> Any:
        if req.type == "https" and not rest[-1].startswith("https:"):
            raise FetchError(f"{req.full_url} redirects to the insecure {rest[-1]}; refused")
        return super().redirect_request(req, *rest)


def _beside(to: Path, suffix: str) -> Path:
    return to.with_name(to.name + suffix)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _read_note(to: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return dict(json.loads(_beside(to, ".json").read_text()))
    return {}


def _write_note(to: Path, note: dict[str, Any]) -> None:
    part = _beside(to, ".json.part")
    part.write_text(json.dumps(note, indent=1))
    os.replace(part, _beside(to, ".json"))
