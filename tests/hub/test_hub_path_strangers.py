"""Strangers on the whole path, as the hub and the real post see it: nothing that they say counts, and nobody is thrown out by them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from kengd.errors import KengdError
from kengd.hub.authority import certificates
from kengd.hub.authority.own import ClientFiles
from kengd.hub.ledger import merging
from kengd.hub.ledger.merging import ENTRY
from kengd.hub.roster import Seen
from kengd.uplink.shell import ShellLink
from kengd.wire.entry import to_json
from kengd.wire.status import ABSENT, build_status
from kengd.wire.topics import all_command_topic, command_topic, entry_topic, status_topic
from tests.hub.authority_kit import begin, post_files, wish
from tests.hub.commune import COMMUNE, OFFICER, Commune, now_ms, until
from tests.hub.spine_kit import chained, said

POST, THIEF = "dong", "tay"


@pytest.fixture(scope="module")
def commune(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commune]:
    """One real post; of a second one there is only the card, in the wrong hands."""
    with Commune(tmp_path_factory.mktemp("strangers")) as whole:
        post_files(whole.directory / "worn", whole.authority.enrol(wish(POST), now_ms()))
        bell = whole.enrol(POST, ["Thôn 1"])  # again: what it had before is revoked
        whole.enrol(THIEF, ["Thôn 2"])
        whole.start_broker()
        whole.hub.start()
        bell.start()
        until(lambda: whole.present(POST), 60, "the real post is there")
        yield whole


def keys(directory: Path) -> ClientFiles:
    return ClientFiles(*(str(directory / name) for name in ("ca.pem", "broker.pem", "broker.key")))


@pytest.fixture
def stolen(commune: Commune) -> ClientFiles:
    """The card of the second post."""
    return keys(commune.bells[THIEF].directory / "keys")


def link(commune: Commune, files: ClientFiles, client_id: str | None = None) -> ShellLink:
    return ShellLink("127.0.0.1", commune.port, ca=files.ca, cert=files.cert, key=files.key, client_id=client_id)


def is_shut_out(commune: Commune, files: ClientFiles) -> bool:
    """It cannot even connect (TLS 1.3 tells a client late)."""
    try:
        with link(commune, files) as stranger:
            stranger.connect()
            stranger.publish(status_topic(COMMUNE, POST), ABSENT, retain=True)
    except KengdError as refused:
        return refused.code in ("broker_unreachable", "broker_refused")
    return False


def as_before(commune: Commune, before: Seen, entries: int) -> None:
    """The hub's picture of the real post: there since the same moment, the same book, no entry that it did not write."""
    now = commune.hub.watch.seen(POST)
    assert (now.since_ms, now.present, now.refused) == (before.since_ms, True, None)
    assert now.status is not None and before.status is not None and now.status.book == before.status.book
    assert entries_of(commune, POST) == entries
    assert commune.hub.line.up


def entries_of(commune: Commune, post: str) -> int:
    with commune.hub.ledger.read() as connection:
        return len(connection.execute(select(ENTRY.c.seq).where(ENTRY.c.post == post)).all())


def settled(commune: Commune) -> tuple[Seen, int]:
    """When the hub has all that the post has written."""
    last = until(commune.bells[POST].book, 60, "its page is up")[-1]["seq"]
    until(lambda: entries_of(commune, POST) >= last, 15, "its book is here")
    return commune.hub.watch.seen(POST), entries_of(commune, POST)


def test_another_posts_card_speaks_for_nobody_else_under_whatever_name(commune: Commune, stolen: ClientFiles) -> None:
    """P12, STACK 3: its status, its entries, commands to it or to all, another commune: each refused, and nobody is thrown out."""
    before, count = settled(commune)
    lie = build_status(replace(before.status, at_ms=now_ms(), seq=0))  # type: ignore[type-var, arg-type]
    entry = to_json(chained([said("ringing", activation="a" * 16, signal="alarm", purpose="actual")])[0]).encode()
    said_there = [
        (status_topic(COMMUNE, POST), lie), (status_topic(COMMUNE, POST), ABSENT), (entry_topic(COMMUNE, POST), entry),
        (command_topic(COMMUNE, POST), b"x"), (all_command_topic(COMMUNE), b"x"), (status_topic("xa-khac", POST), lie),
    ]  # fmt: skip
    hub_name = commune.settings.broker.client
    for name in (None, f"kengd-{COMMUNE}-{POST}", POST, hub_name):
        for topic, payload in said_there:
            with link(commune, stolen, name) as thief:
                thief.connect()
                with pytest.raises(KengdError) as refused:
                    thief.publish(topic, payload, retain=True)
                assert refused.value.code == "publish_refused"
    as_before(commune, before, count)


def test_what_a_stolen_card_says_in_its_own_name_moves_nothing_of_another_post(
    commune: Commune, stolen: ClientFiles
) -> None:
    """P9: it may lie about itself; the answer to a command counts only from the post that was asked."""
    commune.bells[POST].freeze()
    commune.ring("act-stranger-01", [POST])
    jti = commune.targets("act-stranger-01")[POST].jti
    lines = [said("received", command_id=jti), said("ringing", command_id=jti, activation="a" * 16, signal="alarm")]
    with link(commune, stolen) as thief:
        thief.connect()
        for entry in chained(lines):
            thief.publish(entry_topic(COMMUNE, THIEF), to_json(entry).encode())
    until(lambda: entries_of(commune, THIEF) == 2, 10, "the hub has read it")
    assert commune.states("act-stranger-01") == {POST: "sent"}
    commune.bells[POST].thaw()
    until(lambda: commune.states("act-stranger-01") == {POST: "ringing"}, 15, "the real one rings, and says so")
    commune.hub.acts.hush(OFFICER, "hush-stranger-1", [POST], None)
    until(lambda: commune.states("hush-stranger-1") == {POST: "done"}, 15, "and is hushed")
    with commune.hub.ledger.read() as connection:
        assert {chain.post for chain in merging.all_chains(connection) if chain.wrong_seq is not None} == set()


def test_certificates_that_are_foreign_revoked_or_past_their_time_do_not_come_in(
    commune: Commune, tmp_path: Path
) -> None:
    """R42, R43: and the post whose name they bear goes on as if nothing were."""
    before, count = settled(commune)
    twin = begin(tmp_path / "twin", COMMUNE)
    own_ca = str(commune.authority.ca_file)
    foreign = post_files(tmp_path / "foreign", twin.enrol(wish(POST), now_ms()))
    late = certificates.make_client(commune.authority._store.ca(), POST, 1, now_ms() - 10 * certificates.DAY_MS)
    (tmp_path / "late.pem").write_bytes(late.certificate_pem())
    (tmp_path / "late.key").write_bytes(late.key_pem())
    lost = keys(commune.directory / "worn")
    for cert, key in (
        (foreign.cert, foreign.key),
        (str(tmp_path / "late.pem"), str(tmp_path / "late.key")),
        (lost.cert, lost.key),
    ):
        assert is_shut_out(commune, ClientFiles(own_ca, cert, key)), cert
    as_before(commune, before, count)
    kept = json.loads(build_status(commune.hub.watch.seen(POST).status))  # type: ignore[arg-type]
    assert kept["presence"] == "present"
