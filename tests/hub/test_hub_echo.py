"""What waited at the broker while the hub was away is no word of now: neither presence nor a clock is read out of it (P9, H22)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kengd.hub import echo
from kengd.hub.authority.own import ClientFiles
from kengd.hub.echo import Echo
from kengd.hub.service import Hub
from kengd.uplink.shell import ShellLink
from kengd.wire.status import build_status
from kengd.wire.topics import status_topic
from tests.hub.commune import COMMUNE, Commune, now_ms, until
from tests.hub.spine_kit import status

POST = "dong"
LAY_MS = 30_000
"""So long a status waits; more than a clock may be wrong."""


def test_everything_is_late_until_our_own_word_of_this_connection_is_back() -> None:
    """Each connection has a word of its own: one that was sent into an earlier connection may itself have waited."""
    said: list[bytes] = []
    line = Echo(said.append)
    seen = [line.waiting()]
    line.line(True)
    seen.append(line.waiting())
    line.came(said[0])
    seen.append(line.waiting())
    line.line(False)
    seen.append(line.waiting())
    line.line(True)
    line.came(said[0])
    seen.append(line.waiting())
    line.came(said[1])
    seen.append(line.waiting())
    assert (seen, said[0] != said[1]) == ([True, True, False, True, True, False], True)


def test_a_broker_that_does_not_bring_our_word_back_is_believed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an access list of before: what comes then counts as said now, as it did before there was such a word."""
    line = Echo(lambda _: None)
    line.line(True)
    later_s = time.monotonic() + echo.PATIENCE_S
    assert line.waiting()
    monkeypatch.setattr(time, "monotonic", lambda: later_s)
    assert not line.waiting()


def test_a_status_that_waited_at_the_broker_is_no_slow_clock(tmp_path: Path) -> None:
    """A real broker keeps the post's word for a hub that is away; the next process hears it late and takes nobody's clock for
    wrong; the word after it, as old by its own time but said now, it does take for that."""
    with Commune(tmp_path, serve=False) as commune:
        bell = commune.enrol(POST, ["Thôn 1"])
        commune.start_broker()
        commune.hub.start()
        until(lambda: commune.hub.line.up, 20, "the first hub is there")
        commune.hub.stop()
        files = ClientFiles(*(str(bell.directory / "keys" / name) for name in ("ca.pem", "broker.pem", "broker.key")))
        with ShellLink("127.0.0.1", commune.port, ca=files.ca, cert=files.cert, key=files.key) as post:
            post.connect()

            def say(seq: int) -> None:
                raw = build_status(status(at_ms=now_ms() - LAY_MS, seq=seq))
                post.publish(status_topic(COMMUNE, POST), raw, retain=True)

            say(1)
            hub = Hub(commune.settings)
            hub.start()
            try:
                until(lambda: hub.watch.seen(POST).present, 20, "what waited is heard")
                waited = hub.watch.seen(POST)
                until(lambda: not hub._echo.waiting(), 20, "our own word is back")
                say(2)
                until(lambda: hub.watch.seen(POST).live, 20, "what is said now is heard")
                now = hub.watch.seen(POST)
            finally:
                hub.stop()
    assert (waited.live, waited.ahead_ms, waited.needs_nonce()) == (False, None, False)
    assert now.status is not None and now.status.seq == 2
    assert now.ahead_ms is not None and abs(now.ahead_ms + LAY_MS) < 10_000 and now.differs()
