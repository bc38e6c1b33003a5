"""Zalo, Telegram, ntfy and e-mail through apprise, and not one secret in any log."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kengd.errors import UsageError
from kengd.hub.notices import wording
from kengd.hub.notices.apprise_channel import apprise_channel, deliver
from kengd.hub.notices.words import NoticeFailed

NOTICE = wording.absent(at_ms=0, post="a", post_name="Kẻng Đông Cao", since_ms=0)


class Ntfy(ThreadingHTTPServer):
    """A little ntfy."""

    daemon_threads = True
    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict[str, str]] = []

    def url(self, more: str = "") -> str:
        return f"ntfy://officer:hunter2SECRET@127.0.0.1:{self.server_address[1]}/topicSECRET{more}"


class _Handler(BaseHTTPRequestHandler):
    server: Ntfy

    def do_POST(self) -> None:
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def ntfy() -> Iterator[Ntfy]:
    with Ntfy() as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def test_a_notice_arrives_with_its_title_and_diacritics(ntfy: Ntfy) -> None:
    """The long form for those who have a smartphone."""
    assert deliver(NOTICE, apprise_channel(ntfy.url())) == "dịch vụ đã nhận"
    got = ntfy.got[0]
    assert (got["title"], got["message"]) == ("Kẻng Đông Cao mất liên lạc", wording.long_text(NOTICE))


@pytest.mark.parametrize(("status", "retry"), [(401, False), (429, True), (500, True)])
def test_a_refusal_keeps_the_http_status_and_nothing_else(ntfy: Ntfy, status: int, retry: bool) -> None:
    """What an installer needs to know, and no more."""
    ntfy.status = status
    with pytest.raises(NoticeFailed) as failed:
        deliver(NOTICE, apprise_channel(ntfy.url()))
    assert (failed.value.vi, failed.value.retry) == (f"dịch vụ trả lời mã {status}", retry)


def test_no_secret_is_logged_with_every_logger_wide_open(
    ntfy: Ntfy, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """P12: apprise and urllib3 print tokens at debug, and on failures at warning; refused URLs are printed too."""
    names = ["apprise", "urllib3", "urllib3.connectionpool", "requests"]
    for name in ("", *names):
        logging.getLogger(name).setLevel(1)
    caplog.set_level(1)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        dead = gone.getsockname()[1]
    deliver(NOTICE, apprise_channel(ntfy.url()))
    ntfy.status = 403
    for url in (ntfy.url(), f"ntfy://officer:hunter2SECRET@127.0.0.1:{dead}/topicSECRET"):
        with pytest.raises(NoticeFailed) as failed:
            deliver(NOTICE, apprise_channel(url))
        assert "SECRET" not in failed.value.for_people()
    for url in ("zalo://SECRET", "tgram://SECRET/x", "nonsense://SECRET"):
        with pytest.raises(UsageError):
            apprise_channel(url)
    logging.getLogger().setLevel(logging.WARNING)
    printed = capfd.readouterr()
    assert [text.count("SECRET") for text in (caplog.text, printed.out, printed.err)] == [0, 0, 0]


@pytest.mark.parametrize(
    "url",
    [
        "zalo://SECRET", "tgram://SECRET/1", "nosuch://SECRET/x", "SECRET", "", "zalo://1:SECRET/1\n", "mailto://SECRET bad",
        "ntfy://h/t?verify=no&x=SECRET", "https" + "x" * 3_000 + "://SECRET", "mailto://",
    ],
)  # fmt: skip
def test_a_url_that_apprise_does_not_know_is_refused_with_a_cure_and_without_its_secret(url: str) -> None:
    """When the settings are read, not at the first alarm."""
    with pytest.raises(UsageError) as wrong:
        apprise_channel(url)
    assert wrong.value.cure and "SECRET" not in wrong.value.for_people() + str(wrong.value)


def test_the_services_that_a_commune_may_use_are_known() -> None:
    """Zalo bot, Telegram, ntfy, e-mail, SMS gateways; a gateway of 160 characters gets the short form."""
    urls = [
        "zalo://123456789:abcdefghijKLMN/42",
        "tgram://123456789:abcdefghijklmnopqrstuvwxyz012345678/42",
        "ntfy://ntfy.sh/topic",
        "mailto://user:pass@example.com",
        "httpsms://ApiKey@+84912345678",
    ]
    assert [(channel.shown, channel.short) for channel in map(apprise_channel, urls)] == [
        ("zalo", False), ("tgram", False), ("ntfy", False), ("mailto", False), ("httpsms", True),
    ]  # fmt: skip


def test_apprise_is_imported_only_when_a_channel_needs_it() -> None:
    """It costs time and memory that a hub without it does not pay."""
    script = (
        "import sys, kengd.hub.notices.telling, kengd.hub.notices.apprise_channel as c; print('apprise' in sys.modules);"
        "c.apprise_channel('ntfy://ntfy.sh/x'); print('apprise' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "True"]
