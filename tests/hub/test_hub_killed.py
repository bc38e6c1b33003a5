"""The hub's process dies; what it had promised is done by the next one, once."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from tests.hub.commune import OFFICER, Commune, Service, until


@pytest.fixture(scope="module")
def commune(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commune]:
    """One post; the hub in this process only writes the ledger."""
    with Commune(tmp_path_factory.mktemp("killed"), serve=False) as whole:
        whole.enrol("dong", ["Thôn 1"])
        yield whole.start()


@pytest.fixture
def service(commune: Commune) -> Iterator[Service]:
    """Not started yet; ended at the end."""
    one = Service(commune.founded.config)
    yield one
    one.end(signal.SIGKILL)


def test_a_dispatch_that_was_kept_and_not_sent_is_sent_by_the_next_process(commune: Commune, service: Service) -> None:
    """Killed between the commit and the first publish; and killed again while it rings: the bell rings once (P5, R2)."""
    until(lambda: commune.bells["dong"].book(), 60, "the post is up")
    commune.ring("act-kept-0001", ["dong"])
    assert commune.states("act-kept-0001") == {"dong": "waiting"}
    service.start()
    until(lambda: commune.states("act-kept-0001") == {"dong": "ringing"}, 40, "the next process has sent it")
    assert service.end(signal.SIGKILL) == -signal.SIGKILL
    commune.hub.acts.hush(OFFICER, "hush-kept-0001", ["dong"], None)
    assert commune.states("hush-kept-0001") == {"dong": "waiting"}
    service.start()
    until(lambda: commune.states("hush-kept-0001") == {"dong": "done"}, 40, "and the hush goes out with the third")
    until(lambda: commune.states("act-kept-0001") == {"dong": "cut"}, 10, "what the post wrote meanwhile is here")
    time.sleep(0.3)
    assert len({ring["activation"] for ring in commune.bells["dong"].rings()}) == 1
    assert service.end(signal.SIGTERM) == 0
