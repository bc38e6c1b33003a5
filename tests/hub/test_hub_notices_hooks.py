"""Webhooks and Frigate against a real HTTP server on this machine."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kengd.errors import UsageError
from kengd.hub.notices import wording
from kengd.hub.notices.hooks import Hooks, frigate_channel, webhook_channel
from kengd.hub.notices.words import Channel, Notice, NoticeFailed, NoticeKind

NOTICE = wording.alarm(
    at_ms=1_796_223_900_000,
    post="dong-cao",
    post_name="Kẻng Đông Cao",
    villages=(),
    signal_vi="Báo động",
    activation="a1",
)


class Server(ThreadingHTTPServer):
    """Answers with `status` (and `location`), remembers the requests."""

    daemon_threads = True
    status, location = 200, ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, {key.lower(): value for key, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def test_a_webhook_gets_the_notice_as_json_signed_with_its_secret(server: Server) -> None:
    """Plain webhooks. The receiver checks the HMAC of the bytes it got."""
    Hooks().webhook(NOTICE, webhook_channel(server.url + "/hook?x=1", "s3cret"))
    path, headers, body = server.got[0]
    assert path == "/hook?x=1"
    assert headers["x-kengd-signature"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {
        "v": 1,
        "id": NOTICE.id,
        "kind": "alarm",
        "title": "BÁO ĐỘNG Kẻng Đông Cao",
        "body": "Báo động tại Kẻng Đông Cao lúc 22:05 02/12, do bấm nút tại điểm kẻng.",
        "at": "2026-12-02T15:05:00.000Z",
        "posts": ["dong-cao"],
        "activation": "a1",
        "repeats": 0,
    }


def test_without_a_secret_nothing_is_signed(server: Server) -> None:
    """An HMAC under no key would only look like one."""
    Hooks().webhook(NOTICE, webhook_channel(server.url))
    assert (server.got[0][0], "x-kengd-signature" in server.got[0][1]) == ("/", False)


def test_frigate_is_told_to_mark_the_time_at_the_camera(server: Server) -> None:
    """STACK 10: POST /api/events/<camera>/<label>/create with duration and include_recording."""
    Hooks().frigate(NOTICE, frigate_channel(server.url + "/", "cong_dinh", "keng", 90, "tok"))
    path, headers, body = server.got[0]
    assert (path, json.loads(body), headers["authorization"]) == (
        "/api/events/cong_dinh/keng/create",
        {"duration": 90, "include_recording": True},
        "Bearer tok",
    )


@pytest.mark.parametrize(
    ("status", "code", "retry"),
    [
        (302, "hook_redirect", False),
        (401, "hook_refused", False),
        (404, "hook_refused", False),
        (429, "hook_refused", True),
        (500, "hook_refused", True),
        (503, "hook_refused", True),
    ],
)
def test_refusals_are_told_apart_and_no_redirect_is_followed(
    server: Server, status: int, code: str, retry: bool
) -> None:
    """A redirect would carry the notice, and a token, to somewhere nobody set."""
    server.status, server.location = status, server.url + "/elsewhere"
    with pytest.raises(NoticeFailed) as failed:
        Hooks().webhook(NOTICE, webhook_channel(server.url + "/here"))
    assert (failed.value.code, failed.value.retry, [path for path, *_ in server.got]) == (code, retry, ["/here"])


@contextmanager
def pouring(first: bytes, then: bytes, pause_s: float) -> Iterator[str]:
    """The URL of a server that says `first`, and then `then` again and again for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def pour() -> None:
            line, _ = listening.accept()
            with line:
                try:
                    line.sendall(first)
                    for _ in range(2_000):  # an end far behind every bound, in case one is broken
                        if over.wait(pause_s):
                            break
                        line.sendall(then)
                    over.wait(30)
                except OSError:
                    pass

        thread = threading.Thread(target=pour)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def test_an_answer_without_end_is_read_up_to_its_bound() -> None:
    """64 KiB are enough to know that it was taken."""
    with pouring(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000, 0) as url:
        assert Hooks(timeout_s=5).webhook(NOTICE, webhook_channel(url)) == "máy chủ đã nhận (mã 200)"


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["headers", "body"])
def test_a_server_that_drips_is_cut_off_at_the_deadline(first: bytes) -> None:
    """Each byte is in time, the whole is not: a time-out of the socket alone would wait for ever."""
    with pouring(first, b"X", 0.05) as url:
        began = time.perf_counter()
        with pytest.raises(NoticeFailed) as failed:
            Hooks(timeout_s=0.4).webhook(NOTICE, webhook_channel(url))
        took = time.perf_counter() - began
    assert took < 3
    assert (failed.value.retry, failed.value.vi) == (True, "không gửi được tới máy chủ (quá thời gian)")


def test_a_machine_that_is_not_there_is_tried_again_and_its_url_is_in_no_text() -> None:
    """P12: a path can be a password."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(NoticeFailed) as failed:
        Hooks().webhook(NOTICE, webhook_channel(f"http://127.0.0.1:{port}/SECRET"))
    assert (failed.value.code, failed.value.retry) == ("hook_unreachable", True)
    assert "SECRET" not in failed.value.for_people()


def test_the_body_of_a_webhook_is_bounded(server: Server) -> None:
    """Whatever a notice holds, 16 KiB are not exceeded."""
    huge = Notice(NoticeKind.ALARM, "k", "ế" * 10_000, "ế" * 100_000, 0, tuple("p" * 40 + str(n) for n in range(5_000)))
    Hooks().webhook(huge, webhook_channel(server.url))
    assert len(server.got[0][2]) <= 16 * 1024


@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://x/", "http://", "http://user:SECRET@h/", "https://h/#a", "http://h/a b", "http://h/\r\nX: SECRET",
        "http://h:99999/", "http://[::1/", "file:///etc/passwd", "http://h/" + "a" * 2_000, "http://kẻng/",
    ],
)  # fmt: skip
def test_a_bad_url_is_refused_when_the_settings_are_read_without_being_printed(url: str) -> None:
    """With a sentence and a cure in Vietnamese."""
    with pytest.raises(UsageError) as wrong:
        webhook_channel(url)
    assert wrong.value.code == "bad_hook_url" and wrong.value.cure
    assert "SECRET" not in wrong.value.for_people()


@pytest.mark.parametrize(
    ("camera", "label", "duration"), [("../x", "keng", 60), ("", "keng", 60), ("cam", "a/b", 60), ("cam", "keng", 0)]
)
def test_a_bad_camera_is_refused_when_the_settings_are_read(camera: str, label: str, duration: int) -> None:
    """No path can be slipped in."""
    with pytest.raises(UsageError):
        frigate_channel("http://h:5000", camera, label, duration)


def test_a_secret_that_cannot_stand_in_a_header_is_refused() -> None:
    """And not printed."""
    with pytest.raises(UsageError) as wrong:
        frigate_channel("http://h:5000", "cam", token="SECRET\r\nX: y")
    assert "SECRET" not in wrong.value.for_people()
    assert "s3" not in repr(Channel("webhook", "http://h/", secret="s3"))
