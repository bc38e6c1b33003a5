"""A broker and a post on the line, for the tests of this room."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kengd.uplink.line import Inbound, LineSettings
from kengd.uplink.post_session import PostSession
from kengd.uplink.shell import ShellLink
from tests.broker import Broker

ABSENT = b'{"v":1,"presence":"absent"}'
COMMAND = "kengd/1/cong-lac/post-1/command"
ALL = "kengd/1/cong-lac/all/command"
STATUS = "kengd/1/cong-lac/post-1/status"
ENTRY = "kengd/1/cong-lac/post-1/entry"


def until(true: Callable[[], object], within_s: float = 5.0) -> float:
    """Wait for it; how long it took in s. AssertionError after `within_s`."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < within_s, f"not within {within_s} s"
        time.sleep(0.002)
    return time.monotonic() - begun


class Post:
    """A session that writes down all it hears and, unless told otherwise, acknowledges."""

    def __init__(self, settings: LineSettings, *, acks: bool = True, jitter: float | None = None) -> None:
        self.heard: list[Inbound] = []
        self.states: list[bool] = []
        self.published: list[tuple[int, int]] = []
        self.acks = acks
        self.raises: Callable[[Inbound], BaseException | None] = lambda _: None
        self.session = PostSession(
            settings,
            self._command,
            self.states.append,
            ABSENT,
            on_published=lambda *each: self.published.append(each),
            jitter=random.random if jitter is None else lambda: jitter,
        )

    def _command(self, inbound: Inbound) -> None:
        self.heard.append(inbound)
        if (error := self.raises(inbound)) is not None:
            raise error
        if self.acks:
            self.session.ack(inbound.token)

    def payloads(self) -> list[bytes]:
        """What it heard, in order."""
        return [inbound.payload for inbound in self.heard]

    def start(self, within_s: float = 5.0) -> Post:
        """Start and wait until it is up."""
        self.session.start()
        until(lambda: self.session.up, within_s)
        return self


Posts = Callable[..., Post]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A fresh mosquitto."""
    with Broker(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def settings(broker: Broker) -> LineSettings:
    """Post 1 on that broker."""
    return LineSettings(broker.host, broker.port, "post-1", "cong-lac", "post-1")


@pytest.fixture
def post(settings: LineSettings) -> Iterator[Posts]:
    """Makes posts; each ends with the test."""
    made: list[Post] = []

    def make(acks: bool = True, jitter: float | None = None, **changes: object) -> Post:
        made.append(Post(replace(settings, **changes), acks=acks, jitter=jitter))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.session.leave(ABSENT)


@pytest.fixture
def hub(broker: Broker) -> Iterator[ShellLink]:
    """Somebody who sends commands and hears the post."""
    with ShellLink(broker.host, broker.port) as link:
        link.connect()
        yield link
