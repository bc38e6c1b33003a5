"""P5, R1, R2, R27, R49 over a real broker: what must not ring does not, and each refusal is answered and written."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.post.conftest import NewPost
from tests.post.hub import COMMUNE, Hub, until
from tests.post.village import Post

RING = {"do": "ring", "signal": "alarm", "purpose": "actual", "by": "Đ/c Hùng"}
Changes = dict[str, Any]


def now_s(ahead: int = 0) -> int:
    return int(time.time()) + ahead


REFUSED: dict[str, Callable[[], Changes]] = {
    "expired": lambda: {"iat": now_s(-120), "exp": now_s(-60)},
    "not_yet_valid": lambda: {"iat": now_s(60), "exp": now_s(120)},
    "lifetime": lambda: {"exp": now_s(601)},
    "wrong_audience": lambda: {"aud": f"{COMMUNE}/thon-khac"},
    "wrong_issuer": lambda: {"iss": "hub:xa-khac"},
    "unknown_field": lambda: {"cmd": RING | {"loud": True}},
    "unknown_do": lambda: {"cmd": {"do": "open_the_gate", "by": "Đ/c Hùng"}},
    "unknown_signal": lambda: {"cmd": RING | {"signal": "khong-co"}},
    "malformed": lambda: {"cmd": RING | {"by": ""}},
    "bad_nonce": lambda: {"nonce": "0" * 32},
    "bad_at": lambda: {"cmd": RING | {"at": now_s(300)}},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_signed_command_that_must_not_ring_is_refused_by_name(post: Post, hub: Hub, reason: str) -> None:
    """P5: the entry carries the command's id, so the hub knows which one; a repeat of the same bytes does not ring either."""
    began_ns = time.monotonic_ns()
    claims = hub.claims(post.id, RING, **REFUSED[reason]())
    hub.say(post.id, hub.seal(claims))
    assert hub.refused(post.id, claims["jti"]) == reason
    hub.say(post.id, hub.seal(claims))
    assert post.strokes(began_ns) == 0
    assert post.sounding() is None


UNSIGNED: dict[str, Callable[[Hub, Changes], bytes]] = {
    "bad_signature": lambda hub, claims: hub.seal(claims, key=Ed25519PrivateKey.generate()),
    "unknown_key": lambda hub, claims: hub.seal(claims, kid="hub-0"),
    "malformed": lambda hub, claims: b'{"do":"ring","signal":"alarm"}',
    "too_large": lambda hub, claims: hub.seal(claims) + b"A" * 49_152,
}


@pytest.mark.parametrize("reason", UNSIGNED)
def test_what_is_not_signed_by_the_hub_is_refused_and_written(post: Post, hub: Hub, reason: str) -> None:
    """P5, P12: unauthenticated; nothing in it is believed, so the entry carries no command id."""
    before, began_ns = post.head(), time.monotonic_ns()
    hub.say(post.id, UNSIGNED[reason](hub, hub.claims(post.id, RING)))
    entry = post.wrote("refused", reason, before)
    assert (entry["command_id"], entry["detail"]["authenticated"]) == (None, False)
    assert post.strokes(began_ns) == 0


def test_a_retained_command_is_refused_live_and_from_the_store(new_post: NewPost, hub: Hub) -> None:
    """P5, R1: found in the store at the first connect, and published while the post listens (retainAsPublished)."""
    post = new_post(id="retained", hub=hub)
    raw = hub.seal(hub.claims(post.id, RING))
    hub.say(post.id, raw, retain=True)
    post.start()
    post.wrote("refused", "retained")
    hub.say(post.id, raw, retain=True)
    until(lambda: post.kinds().count(("refused", "retained")) == 2, 5, "live")
    assert post.strokes() == 0
    hub.say(post.id, b"", retain=True)
    claims = hub.claims(post.id, RING)
    hub.say(post.id, hub.seal(claims))
    hub.answered(post.id, claims["jti"], "ringing")


def test_other_bytes_under_the_same_id_are_refused(post: Post, hub: Hub) -> None:
    """P5: `jti_reused`."""
    claims = hub.claims(post.id, RING | {"purpose": "test"})
    hub.say(post.id, hub.seal(claims))
    hub.answered(post.id, claims["jti"], "tested")
    began_ns = time.monotonic_ns()
    hub.say(post.id, hub.seal(claims | {"cmd": RING}))
    hub.wrote(post.id, lambda each: (each["command_id"], each["reason"]) == (claims["jti"], "jti_reused"))
    assert post.strokes(began_ns) == 0


def test_a_command_to_all_posts_that_does_not_name_this_one_is_passed_over(post: Post, hub: Hub) -> None:
    """DESIGN section 7: one publish for the commune, `aud` says whom; one that names the commune rings."""
    before, began_ns = post.head(), time.monotonic_ns()
    hub.say("all", hub.seal(hub.claims(post.id, RING, aud=[f"{COMMUNE}/thon-khac"])))
    claims = hub.claims(post.id, RING | {"purpose": "test"}, aud=[f"{COMMUNE}/*"])
    hub.say("all", hub.seal(claims))
    hub.answered(post.id, claims["jti"], "tested")
    assert [kind for kind, _ in post.kinds(before)] == ["received", "tested"]
    assert post.strokes(began_ns) == 0


def test_a_repeat_is_answered_by_the_first_reply_again_and_written_once(post: Post, hub: Hub) -> None:
    """DESIGN section 7: the hub repeats the same bytes every 5 s; the post rings once and answers each time."""
    claims = hub.claims(post.id, RING | {"purpose": "test"})
    raw = hub.seal(claims)
    hub.say(post.id, raw)
    hub.answered(post.id, claims["jti"], "tested")

    def first_replies() -> int:
        return sum((e["command_id"], e["kind"]) == (claims["jti"], "received") for e in hub.deliveries[post.id])

    for number in (2, 3):
        hub.say(post.id, raw)
        until(partial(lambda number: first_replies() >= number, number), 5, "answered again")
    until(lambda: hub.answers(post.id, claims["jti"])[2:], 5, "written once")
    assert hub.answers(post.id, claims["jti"]) == [("received", None), ("tested", None), ("refused", "duplicate")]


def test_a_command_rings_once_whatever_dies_between_its_deliveries(new_post: NewPost, hub: Hub) -> None:
    """P5, R2: delivered again after kill -9 of the office, of the belfry, after a stop, and after power was lost."""
    post = new_post(id="once", hub=hub).start()
    claims = hub.claims(post.id, RING | {"signal": "meeting"}, exp=now_s(300))
    raw = hub.seal(claims)
    hub.say(post.id, raw)
    hub.answered(post.id, claims["jti"], "finished", 8)
    assert post.strokes() == 3

    def office() -> None:
        post.renew_office()

    def orderly() -> None:
        assert post.stop() == 0
        post.start()

    def belfry() -> None:
        post.kill()
        post.start()

    def power() -> None:
        post.lose_power()
        post.start()

    for after in (office, belfry, orderly, power):
        after()
        heard = len(hub.deliveries[post.id])
        hub.say(post.id, raw)

        def again(heard: int = heard) -> bool:
            return any(
                (e["command_id"], e["kind"]) == (claims["jti"], "received") for e in hub.deliveries[post.id][heard:]
            )

        until(again, 5, f"the first reply again after {after.__name__}")
    assert post.strokes() == 3
    assert hub.answers(post.id, claims["jti"]).count(("refused", "duplicate")) >= 1
    assert hub.answers(post.id, claims["jti"]).count(("ringing", None)) == 1


@pytest.mark.parametrize("victim", ["office", "belfry"])
def test_a_kill_between_ring_and_acknowledgement_rings_no_second_time(new_post: NewPost, hub: Hub, victim: str) -> None:
    """P5: the broker delivers the unacknowledged command again; spool and book know it. Moments from a seed."""
    post = new_post(id=f"unacked-{victim}", hub=hub).start()
    chance = random.Random(f"moments {victim}")
    for number in range(2 if victim == "office" else 3):
        before = post.strokes()
        claims = hub.claims(post.id, RING | {"signal": "meeting"}, exp=now_s(120))
        hub.line.publish_all([(f"kengd/1/{COMMUNE}/{post.id}/command", hub.seal(claims))], qos=1)
        time.sleep(chance.uniform(0, 0.02))
        if victim == "office":
            post.renew_office()
        else:
            post.kill()
            post.start()
        jti = claims["jti"]
        until(partial(hub.answers, post.id, jti), 10, f"an answer, round {number}")
        until(lambda: post.sounding() is None, 5, "its end")
        rung = post.strokes() - before
        assert rung <= 3, f"round {number} rang twice"
        ringing = hub.answers(post.id, jti).count(("ringing", None))
        assert ringing <= 1
        if victim == "office":
            assert (rung, ringing) in ((3, 1), (0, 0))


def test_ten_thousand_random_payloads_move_nothing_and_kill_nobody(new_post: NewPost, hub: Hub) -> None:
    """P5, P12: random bytes, and good commands with a byte or a claim changed; the book holds them as counts; a good one rings."""
    post = new_post(id="noise", hub=hub).start()
    chance = random.Random(20_261_122)
    good = [hub.seal(hub.claims(post.id, RING)) for _ in range(20)]

    def mutated() -> bytes:
        raw = bytearray(chance.choice(good))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(raw))
            deed = chance.randrange(3)
            if deed == 0:
                raw[at] ^= 1 << chance.randrange(8)
            elif deed == 1:
                del raw[at:]
                break
            else:
                raw[at:at] = chance.randbytes(chance.randint(1, 3))
        return bytes(raw)

    noise = [
        mutated() if number % 2 else chance.randbytes(chance.choice((0, 1, 30, 300, 3_000))) for number in range(10_000)
    ]
    office, before = post.office_pid(), post.head()
    topics = [f"kengd/1/{COMMUNE}/{post.id}/command", f"kengd/1/{COMMUNE}/all/command"]
    began_s = time.monotonic()
    hub.line.publish_all([(chance.choice(topics), raw) for raw in noise])
    jti = hub.ring(post.id)
    hub.answered(post.id, jti, "ringing", 30)
    print(f"10,000 refused in {time.monotonic() - began_s:.1f} s")
    hub.hush(post.id)
    post.rests()
    assert post.office_pid() == office
    assert post.head() - before < 60
    assert post.kengd("journal", "verify").returncode == 0
    assert post.entries()[0]["seq"] == 1
    ringing = [each for each in post.entries() if each["kind"] == "ringing"]
    assert [each["command_id"] for each in ringing] == [jti]
