"""Broker, hub and posts of these tests. `post` is shared by a module and quiet before each test; `new_post` makes one's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.broker import Broker
from tests.post.hub import Hub
from tests.post.village import Post

NewPost = Callable[..., Post]


@dataclass(frozen=True)
class Frozen:
    """A post whose office was stopped (SIGSTOP) at `since_s`, monotonic, with commands waiting."""

    hub: Hub
    post: Post
    office: int
    asked: tuple[str, ...]
    since_s: float


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frozen]:
    """It takes 30 s until the belfry loses patience, so it begins with the session when it is needed at all."""
    directory = tmp_path_factory.mktemp("frozen")
    with Broker(directory / "broker") as broker, ExitStack() as ends:
        hub = Hub(broker.port)
        ends.callback(hub.close)
        post = Post(directory / "post", id="dong-cung", hub=hub)
        ends.callback(post.end)
        post.start()
        office = post.freeze_office()
        expires = int(time.time()) + 20
        asked = tuple(hub.ring(post.id, exp=expires) for _ in range(3))
        yield Frozen(hub, post, office, asked, time.monotonic())


@pytest.fixture(scope="session", autouse=True)
def _begin_the_long_stillness(request: pytest.FixtureRequest) -> None:
    """Other tests run meanwhile."""
    if any("frozen" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("frozen")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A mosquitto for the module."""
    with Broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture(scope="module")
def hub(broker: Broker) -> Iterator[Hub]:
    """The hub of the module."""
    made = Hub(broker.port)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, hub: Hub) -> Iterator[Post]:
    """A running post that the module's tests leave as they found it."""
    post = Post(tmp_path_factory.mktemp("shared"), id="chung", hub=hub)
    try:
        yield post.start()
    finally:
        post.end()


@pytest.fixture
def post(shared: Post) -> Post:
    """The shared post, nothing sounding."""
    shared.shell(do="hush")
    shared.rests()
    return shared


@pytest.fixture
def new_post(tmp_path: Path) -> Iterator[NewPost]:
    """Makes posts; each ends with the test."""
    made: list[Post] = []

    def make(**wishes: Any) -> Post:
        made.append(Post(tmp_path / f"post{len(made)}", **wishes))
        return made[-1]

    yield make
    with ExitStack() as ends:  # each ends, whatever the others do
        for each in made:
            ends.callback(each.end)
