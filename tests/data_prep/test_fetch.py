"""Downloads against a local server that can misbehave in every way we know."""

import errno
import hashlib
import http.server
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from filelock import FileLock

from data_prep import fetch as module
from data_prep.fetch import FetchError, fetch

BODY = bytes(range(256)) * 400  # 102,400 bytes
SHA, MD5 = hashlib.sha256(BODY).hexdigest(), hashlib.md5(BODY).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Answers ``/file`` as ``behave`` says: a function of the handler and the number of the request."""

    daemon_threads = True
    behave: Callable[["Handler", int], None]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []
        self.conditions: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}/file"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.headers.get("Range"))
        self.server.conditions.append(self.headers.get("If-Range"))
        self.server.behave(self, len(self.server.asked))

    def log_message(self, *args: object) -> None:
        pass

    def reply(
        self, body: bytes = BODY, *, etag: str | None = '"a"', ranges: bool = True, send: int | None = None,
        length: int | None = None, status: int = 200, **headers: str,
    ) -> None:  # fmt: skip
        """An honest reply, unless told otherwise: ``send`` only so many bytes, claim another ``length``."""
        asked, start, stop = self.headers.get("Range"), 0, len(body)
        if ranges and asked and self.headers.get("If-Range", etag) == etag:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, stop = int(first), min(int(last) + 1 if last else stop, stop)
            status = 206 if start < len(body) else 416
            headers.setdefault("Content-Range", f"bytes {start}-{stop - 1}/{len(body)}")
        part = body[start:stop]
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        if etag:
            self.send_header("ETag", etag)
        if length != -1:
            self.send_header("Content-Length", str(len(part) if length is None else length))
        self.end_headers()
        self.wfile.write(part[:send])


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as s:
        s.behave = lambda handler, n: handler.reply()
        thread = threading.Thread(target=s.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield s
        s.shutdown()
        thread.join()


@pytest.fixture
def get(server, tmp_path):
    """Download from the server, without waiting between tries."""
    return lambda **options: fetch(
        server.url, tmp_path / "x.zip", **{"pause": 0.0, "attempts": 3, "progress": False, **options}
    )


def kept(tmp_path):
    return sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".lock")


def test_whole_file(get, tmp_path):
    assert get(md5=MD5) == SHA
    assert (tmp_path / "x.zip").read_bytes() == BODY
    assert kept(tmp_path) == ["x.zip", "x.zip.json"]
    assert json.loads((tmp_path / "x.zip.json").read_text())["sha256"] == SHA


def test_what_is_there_is_not_fetched_again(get, server):
    get()
    assert get() == SHA
    assert len(server.asked) == 1


def test_a_file_put_there_by_hand_is_taken_if_its_checksum_is_right(get, server, tmp_path):
    (tmp_path / "x.zip").write_bytes(BODY)
    assert get(md5=MD5) == SHA
    assert server.asked == []


def test_cut_connection_goes_on_where_it_was_cut(get, server):
    server.behave = lambda h, n: h.reply(send=30_000)
    assert get(md5=MD5) == SHA
    assert server.asked == [None, "bytes=30000-", "bytes=60000-", "bytes=90000-"]
    assert server.conditions == [None, '"a"', '"a"', '"a"']


def test_cut_for_good_keeps_the_part_and_the_next_run_goes_on(get, server, tmp_path):
    server.behave = lambda h, n: h.reply(send=30_000) if n == 1 else h.reply(send=0)
    with pytest.raises(FetchError, match=r"cut at 30,000 of 102,400 bytes.*3 tries.*30,000 bytes are kept"):
        get()
    assert kept(tmp_path) == ["x.zip.json", "x.zip.part"]
    server.behave = lambda h, n: h.reply()
    assert get(md5=MD5) == SHA
    assert server.asked[-1] == "bytes=30000-"


def test_finished_part_of_a_killed_run_needs_no_more_bytes(get, server, tmp_path):
    get()
    (tmp_path / "x.zip").rename(tmp_path / "x.zip.part")
    assert get(md5=MD5) == SHA
    assert len(server.asked) == 1


def test_server_that_ignores_ranges_makes_it_start_again(get, server):
    server.behave = lambda h, n: h.reply(ranges=False, send=30_000 if n == 1 else None)
    assert get(md5=MD5) == SHA
    assert server.asked == [None, "bytes=30000-"]


def test_server_that_ignores_ranges_and_always_cuts_is_given_up(get, server):
    server.behave = lambda h, n: h.reply(ranges=False, send=30_000)
    with pytest.raises(FetchError, match="3 tries in vain"):
        get()
    assert len(server.asked) == 4  # the first one brought something


def test_file_that_changed_meanwhile_is_not_glued_to_the_old_one(get, server, tmp_path):
    new = BODY[::-1]
    server.behave = lambda h, n: h.reply(send=30_000) if n == 1 else h.reply(new, etag='"b"')
    assert get() == hashlib.sha256(new).hexdigest()
    assert (tmp_path / "x.zip").read_bytes() == new


def test_server_that_sends_a_range_of_a_changed_file_in_spite_of_if_range(get, server, tmp_path):
    def behave(h, n):
        if n == 1:
            return h.reply(send=30_000)
        h.headers.replace_header("If-Range", '"b"') if "If-Range" in h.headers else None
        return h.reply(BODY[::-1], etag='"b"')

    server.behave = behave
    get()
    assert (tmp_path / "x.zip").read_bytes() == BODY[::-1]


def test_cut_is_seen_when_the_range_does_not_say_how_long_the_file_is(get, server, tmp_path):
    def behave(h, n):
        start = int((h.headers["Range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        headers = {"Content_Range": f"bytes {start}-102399/*"} if start else {}
        h.reply(send=30_000, **headers)

    server.behave = behave
    assert get() == SHA
    assert server.asked == [None, "bytes=30000-", "bytes=60000-", "bytes=90000-"]


def test_wrong_content_range_is_not_believed(get, server):
    server.behave = lambda h, n: (
        h.reply(send=30_000)
        if n == 1
        else h.reply(Content_Range="bytes 7-102399/102400")
        if n == 2
        else h.reply()
    )
    assert get(md5=MD5) == SHA


def test_nothing_to_tell_versions_apart_by_means_no_resuming(get, server):
    server.behave = lambda h, n: h.reply(etag=None, send=30_000 if n == 1 else None)
    assert get(md5=MD5) == SHA
    assert server.asked == [None, None]


def test_weak_etags_do_not_count(get, server):
    server.behave = lambda h, n: h.reply(etag='W/"a"', send=30_000 if n == 1 else None)
    assert get(md5=MD5) == SHA
    assert server.asked == [None, None]


def test_range_not_satisfiable_starts_again(get, server, tmp_path):
    (tmp_path / "x.zip.part").write_bytes(bytes(200_000))
    note = {"url": server.url, "validator": '"a"', "total": None}
    (tmp_path / "x.zip.json").write_text(json.dumps(note))
    assert get(md5=MD5) == SHA
    assert server.asked == ["bytes=200000-", None]


def test_damaged_note_means_from_the_beginning(get, tmp_path):
    (tmp_path / "x.zip.part").write_bytes(b"rubbish")
    (tmp_path / "x.zip.json").write_text("{")
    assert get(md5=MD5) == SHA


def test_wrong_checksum_sets_the_file_aside(get, tmp_path):
    with pytest.raises(
        FetchError, match=r"x\.zip has not the published checksum.*set aside as x\.zip\.wrong"
    ):
        get(md5="0" * 32)
    assert kept(tmp_path) == ["x.zip.wrong"]
    assert get(md5=MD5) == SHA


def test_file_that_changed_on_disk_is_noticed(get, tmp_path):
    get()
    (tmp_path / "x.zip").write_bytes(b"!" + BODY[1:])
    with pytest.raises(FetchError, match="digest of its first download"):
        get()


def test_file_that_was_deleted_may_be_another_when_fetched_again(get, server, tmp_path):
    get()
    (tmp_path / "x.zip").unlink()
    server.behave = lambda h, n: h.reply(b"new")
    assert get() == hashlib.sha256(b"new").hexdigest()


def test_content_length_too_small_is_caught_by_the_checksum(get, server):
    server.behave = lambda h, n: h.reply(length=50_000)
    with pytest.raises(FetchError, match="checksum"):
        get(md5=MD5)


def test_content_length_too_large_is_a_cut(get, server):
    server.behave = lambda h, n: h.reply(ranges=False, length=200_000)
    with pytest.raises(FetchError, match="cut at 102,400 of 200,000 bytes"):
        get()


def test_no_content_length_is_fine(get, server):
    server.behave = lambda h, n: h.reply(length=-1)
    assert get(md5=MD5) == SHA


def test_missing_file_is_final(get, server):
    server.behave = lambda h, n: h.send_error(404)
    with pytest.raises(FetchError, match="404 Not Found"):
        get()
    assert len(server.asked) == 1


def test_busy_server_is_asked_again(get, server):
    server.behave = lambda h, n: h.send_error(503) if n < 3 else h.reply()
    assert get() == SHA


def test_silent_server_times_out(get, server):
    server.behave = lambda h, n: time.sleep(1)
    with pytest.raises(FetchError, match=r"timed out.*2 tries in vain"):
        get(timeout=0.1, attempts=2)


def test_unreachable_server(get, server):
    server.server_close()
    with pytest.raises(FetchError, match="refused"):
        get()


def test_web_page_is_not_an_archive(get, server, tmp_path):
    server.behave = lambda h, n: h.reply(b"<html>log in</html>", Content_Type="text/html; charset=utf-8")
    with pytest.raises(FetchError, match="web page"):
        get()
    assert kept(tmp_path) == []


def test_redirect_is_followed_unless_it_gives_up_encryption(get, server):
    server.behave = lambda h, n: h.reply(b"", status=302, Location="/there") if n == 1 else h.reply()
    assert get() == SHA
    request = module.urllib.request.Request("https://example.org/x")
    with pytest.raises(FetchError, match="insecure"):
        module._NoDowngrade().redirect_request(request, None, 302, "", {}, "http://example.org/x")


def test_proxy_of_the_environment_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "")
    assert fetch("http://nowhere.invalid/file", tmp_path / "x", progress=False) == SHA


def test_head_only_then_more_then_all(get, server, tmp_path):
    get(first=1_000)
    assert (tmp_path / "x.zip").read_bytes() == BODY[:1_000]
    get(first=5_000)
    assert (tmp_path / "x.zip").read_bytes() == BODY[:5_000]
    get(first=4_000)
    assert get(md5=MD5) == SHA
    assert server.asked == ["bytes=0-999", "bytes=1000-4999", "bytes=5000-"]


def test_head_of_a_server_that_ignores_ranges(get, server, tmp_path):
    server.behave = lambda h, n: h.reply(ranges=False)
    get(first=1_000)
    assert (tmp_path / "x.zip").read_bytes() == BODY[:1_000]


def test_head_longer_than_the_file_is_the_file(get):
    assert get(first=10**6) == SHA
    assert get(first=10**6) == SHA


def test_full_disk_is_seen_before_the_start(get, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(0, 0, 1000))
    with pytest.raises(FetchError, match="MiB are free"):
        get()
    assert kept(tmp_path) == []


def test_disk_that_fills_up_keeps_what_arrived(get, server, tmp_path, monkeypatch):
    real = module._copy

    def full(reply, out, want, bar):
        out.write(reply.read(30_000))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_copy", full)
    with pytest.raises(FetchError, match="disk is full"):
        get()
    monkeypatch.setattr(module, "_copy", real)
    assert get(md5=MD5) == SHA
    assert server.asked[-1] == "bytes=30000-"


def test_two_downloads_of_one_file(get, server, tmp_path):
    with FileLock(tmp_path / "x.zip.lock"), pytest.raises(FetchError, match="another process"):
        get()
    assert server.asked == []
    assert get() == SHA


def test_stopped_by_the_user(get, server, tmp_path, monkeypatch):
    def interrupt(reply, out, want, bar):
        out.write(reply.read(30_000))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_copy", interrupt)
        with pytest.raises(KeyboardInterrupt):
            get()
    assert get(md5=MD5) == SHA
    assert server.asked == [None, "bytes=30000-"]
