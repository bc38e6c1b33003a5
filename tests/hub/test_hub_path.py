"""The whole path with real parts: officer → ledger → mosquitto (TLS) → post → relay, and back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import jwt
import pytest

from kengd.hub.chains import Chain
from kengd.hub.incidents import Incident
from kengd.hub.ledger import incidents, merging
from kengd.hub.roster import why_silent
from kengd.wire.topics import command_topic
from tests.hub.commune import COMMUNE, OFFICER, Commune, now_ms, until

POSTS = ("dong", "tay", "nam", "bac", "giua")


def _other_key(settings: str) -> str:
    """The post believes another hub."""
    at = settings.index('public = "') + len('public = "')
    return settings[:at] + "A" * 42 + "A" + settings[at + 43 :]


@pytest.fixture(scope="module")
def commune(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commune]:
    """Five posts; `bac` believes another hub's key."""
    with Commune(tmp_path_factory.mktemp("commune")) as whole:
        for number, post in enumerate(POSTS, start=1):
            whole.enrol(post, [f"Thôn {number}"], change=_other_key if post == "bac" else str)
        yield whole.start()


def test_each_of_five_posts_is_shown_as_it_is(commune: Commune) -> None:
    """P9: within 2 s every state is the post's own word: ringing, refused for its reason, or nothing where nothing was said."""
    commune.bells["tay"].end()
    commune.bells["nam"].freeze()
    until(lambda: not commune.present("tay"), 15, "the hub knows that tay is away")
    began = time.monotonic()
    commune.ring("act-five-posts", POSTS)
    expected = {"dong": "ringing", "giua": "ringing", "bac": "refused", "tay": "sent", "nam": "sent"}
    until(lambda: commune.states("act-five-posts") == expected, 2.0 + 8.0, str(expected))
    assert time.monotonic() - began < 10
    assert commune.targets("act-five-posts")["bac"].reason == "bad_signature"
    assert (why_silent(commune.hub.watch.seen("tay"), now_ms()) or "").startswith("mất liên lạc từ")
    commune.hub.acts.hush(OFFICER, "hush-five-posts", POSTS, None)
    until(lambda: commune.states("hush-five-posts")["dong"] == "done", 5, "dong is hushed")
    assert commune.states("act-five-posts")["nam"] == "cancelled"
    commune.bells["nam"].thaw()
    commune.bells["tay"].start()
    until(lambda: commune.present("tay") and commune.present("nam"), 60, "all are back")
    until(lambda: commune.states("hush-five-posts")["nam"] == "done", 30, "the frozen one heard the hush")
    # The broker had kept both for tay, in their order: it may begin for an instant, and the hush behind it ends it.
    until(lambda: commune.states("hush-five-posts")["tay"] == "done", 30, "tay heard the hush")
    until(lambda: all(bell.edges()[-1:] in ([], [0]) for bell in commune.bells.values()), 30, "every relay is at rest")


def test_a_keepers_alarm_is_taken_charge_of_and_ended(commune: Commune) -> None:
    """A button's alarm is an incident at once; `taken` goes back to the post; hết báo động is hush, all-clear, closed (H16, H20)."""
    commune.bells["dong"].press()

    def of_dong() -> list[Incident]:
        with commune.hub.ledger.read() as connection:
            found = incidents.open_ones(connection)
            placed = {
                item.incident for item in incidents.sounded_of(connection, [one.id for one in found]) if item.place
            }
        return [one for one in found if one.post == "dong" and one.acknowledged_ms is None and one.id in placed]

    [incident] = until(of_dong, 10, "the incident is there")
    assert (incident.village, incident.text) == ("thon-1", ""), "its place is no reason"
    commune.hub.acts.acknowledge(OFFICER, incident.id)
    until(
        lambda: any(
            e["kind"] == "received" and (e["detail"] or {}).get("do") == "taken" for e in commune.bells["dong"].book()
        ),
        10,
        "the lamp is told",
    )
    commune.hub.acts.all_clear(OFFICER, incident.id, "clear-dong-1")
    until(
        lambda: [ring["signal"] for ring in commune.bells["dong"].rings()][-1] == "all_clear",
        10,
        "the all-clear sounds",
    )
    kinds = [(e["kind"], e["signal"], e["reason"]) for e in commune.bells["dong"].book()][-7:]
    assert ("refused", "all_clear", "alarm_sounding") not in kinds
    assert of_dong() == []


def test_the_merged_book_has_every_entry_of_every_post_once(commune: Commune) -> None:
    """P8: chain verified on arrival, nothing missing."""
    for post, bell in commune.bells.items():
        book = bell.book()
        until(partial(_holds, commune, post, book[-1]["seq"]), 10, f"the book of {post} is here")
        chain = _chain(commune, post)
        assert (chain.gap_ms, chain.wrong_seq) == (None, None)
        with commune.hub.ledger.read() as connection:
            kept = merging.stored(connection, post, chain.book, 0, 10_000)
        assert [entry.hash for entry in kept][: len(book)] == [entry["hash"] for entry in book]


def _received(commune: Commune, post: str, do: str) -> bool:
    return any(
        entry["kind"] == "received" and (entry["detail"] or {}).get("do") == do for entry in commune.bells[post].book()
    )


def _quiet(commune: Commune, post: str) -> bool:
    status = commune.hub.watch.seen(post).status
    return status is not None and status.sounding is None


def _holds(commune: Commune, post: str, seq: int) -> bool:
    return _chain(commune, post).seq >= seq


def _chain(commune: Commune, post: str) -> Chain:
    with commune.hub.ledger.read() as connection:
        return next(chain for chain in merging.all_chains(connection) if chain.post == post)


def test_a_broker_killed_before_it_delivered_loses_no_command(commune: Commune) -> None:
    """STACK finding 7: mosquitto forgets what it has acknowledged; the hub's own outbox repeats the same bytes."""
    commune.bells["giua"].freeze()
    commune.ring("act-broker-dies", ["giua"])
    until(lambda: commune.states("act-broker-dies") == {"giua": "sent"}, 5, "the broker has it")
    commune.kill_broker()
    commune.start_broker()
    commune.bells["giua"].thaw()
    until(lambda: commune.states("act-broker-dies") == {"giua": "ringing"}, 40, "it rings all the same")
    activations = {ring["activation"] for ring in commune.bells["giua"].rings()}
    commune.hub.acts.hush(OFFICER, "hush-broker-dies", ["giua"], "thử xong")
    until(lambda: commune.states("act-broker-dies") == {"giua": "cut"}, 10, "hushed")
    time.sleep(0.2)
    assert {ring["activation"] for ring in commune.bells["giua"].rings()} == activations


def test_a_silent_test_goes_the_whole_way_and_moves_no_relay(commune: Commune) -> None:
    """R31: the same topic, signature and queue as the real thing."""
    until(lambda: _quiet(commune, "dong"), 60, "the all-clear is over")
    before = commune.bells["dong"].edges()
    commune.ring("act-silent-1", ["dong"], "test")
    until(lambda: commune.states("act-silent-1") == {"dong": "tested"}, 5, "tested")
    assert commune.bells["dong"].edges() == before


def _foreign(commune: Commune, algorithm: str, jti: str) -> bytes:
    """A command that a library of somebody else's has made, with the hub's own key where the algorithm has one."""
    kid, key = commune.authority.signing()
    now_s = now_ms() // 1000
    claims = {
        "iss": f"hub:{COMMUNE}", "aud": f"{COMMUNE}/dong", "jti": jti, "iat": now_s, "exp": now_s + 60,
        "cmd": {"do": "ring", "signal": "alarm", "purpose": "drill", "by": "máy khác", "why": "thử"},
    }  # fmt: skip
    secret: object = key
    if algorithm == "HS256":  # the old trick: the public key, which everybody may know, as a shared secret
        secret = key.public_key().public_bytes_raw()
    if algorithm == "none":
        secret = None
    return jwt.encode(claims, secret, algorithm=algorithm, headers={"kid": kid}).encode()  # type: ignore[arg-type]


def test_a_command_of_another_jws_library_rings_and_its_forgeries_do_not(commune: Commune) -> None:
    """RFC 7515: any JWT library can order a ring with the right key; `alg` none and HS256 with the public key never do (P5)."""
    before = len(commune.bells["dong"].rings())
    for algorithm in ("none", "HS256"):
        commune.hub.line.publish(command_topic(COMMUNE, "dong"), _foreign(commune, algorithm, f"forged-{algorithm}"))
    until(lambda: _refusals(commune, "dong") >= 2, 10, "both forgeries are refused")
    assert len(commune.bells["dong"].rings()) == before
    commune.hub.line.publish(command_topic(COMMUNE, "dong"), _foreign(commune, "EdDSA", "foreign-12345678"))
    until(lambda: len(commune.bells["dong"].rings()) == before + 1, 10, "the true one rings")
    commune.hub.acts.hush(OFFICER, "hush-foreign", ["dong"], None)
    until(lambda: commune.states("hush-foreign") == {"dong": "done"}, 10, "hushed")


def _refusals(commune: Commune, post: str) -> int:
    return sum(entry["kind"] == "refused" and entry["reason"] == "malformed" for entry in commune.bells[post].book())
