"""To whom a command goes: each post in exactly one publish, none too large, nobody twice (DESIGN section 7, H22)."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from kengd.duty.words import Purpose
from kengd.wire.addressing import ALARM_LIFETIME_S, KEPT_LIFETIME_S, Address, addresses, claims, expiry
from kengd.wire.command import LIFETIME_S, SMALL_PAYLOAD, URGENT_LIFETIME_S, Accepted, judge
from kengd.wire.freshness import Nonces
from kengd.wire.orders import is_text, read_order
from kengd.wire.signing import sign
from kengd.wire.topics import all_command_topic, command_topic, is_slug
from tests.wire.seal import KEY, KID, MONO, NONCE, NOW, circumstances

SLUGS = st.text("abcxyz0189-", min_size=1, max_size=40).filter(is_slug)
WORST = st.sampled_from(["\U0001f514" * 200, '"' * 200, "\\" * 200, '"\\' * 100, "ệ" * 200, "Đ/c Hùng"])
TEXTS = (st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200) | WORST).filter(is_text)
IDS = st.text("Az9_.~-", min_size=1, max_size=64)
WHY = st.fixed_dictionaries({}, optional={"why": TEXTS})


def both(first: st.SearchStrategy[dict[str, Any]], second: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Any]:
    return st.tuples(first, second).map(lambda pair: pair[0] | pair[1])


COMMANDS = st.one_of(
    both(
        st.fixed_dictionaries(
            {
                "do": st.just("ring"),
                "signal": st.text("az09_-", min_size=1, max_size=40),
                "purpose": st.sampled_from([purpose.value for purpose in Purpose]),
                "by": TEXTS,
            },
            optional={"at": st.integers(NOW, NOW + 600)},
        ),
        WHY,
    ),
    both(st.fixed_dictionaries({"do": st.just("hush"), "by": TEXTS}, optional={"activation": IDS}), WHY),
    st.fixed_dictionaries({"do": st.just("taken"), "by": TEXTS, "activation": IDS}),
    both(st.fixed_dictionaries({"do": st.just("silence"), "by": TEXTS, "until": st.integers(0, NOW + 9_999)}), WHY),
    both(
        st.fixed_dictionaries({"do": st.just("lock_input"), "by": TEXTS, "button": TEXTS, "locked": st.booleans()}),
        WHY,
    ),
)
POSTS = st.lists(SLUGS, min_size=1, max_size=12, unique=True)
CROWD = [f"{n:03}".rjust(40, "x") for n in range(300)]
LOUD = {
    "do": "ring", "signal": "s" * 40, "purpose": "actual", "by": "\U0001f514" * 200, "why": '"' * 200, "at": NOW + 600
}  # fmt: skip
LOCK = {
    "do": "lock_input",
    "by": "\U0001f514" * 200,
    "why": "\U0001f514" * 200,
    "button": "\U0001f514" * 200,
    "locked": False,
}


def nonces_for(posts: list[str], which: list[int]) -> dict[str, str]:
    return {posts[n % len(posts)]: NONCE for n in which}


@given(SLUGS, POSTS, st.lists(st.integers(0, 11)), st.booleans(), st.none() | st.integers(1, 5))
@example("c" * 40, CROWD, [0, 7], False, None)
@example("c" * 40, CROWD, [], True, None)
def test_each_post_is_in_exactly_one_publish(
    commune: str, posts: list[str], alone: list[int], everyone: bool, limit: int | None
) -> None:
    """A post addressed twice would ring twice (or refuse once); one left out would stay silent. Those with a nonce are alone
    with it; `*` is said only when nobody needs one."""
    nonces = nonces_for(posts, alone)
    found = list(addresses(commune, posts, nonces, everyone=everyone, limit=limit))
    assert sorted(post for address in found for post in address.posts) == sorted(posts)
    assert {address.posts[0]: address.nonce for address in found if address.nonce is not None} == nonces
    assert all(len(address.posts) == 1 for address in found if address.nonce is not None)
    whole = [address for address in found if address.whole]
    assert whole == ([Address(tuple(posts), whole=True)] if everyone and not nonces and len(posts) > 1 else [])
    for address in found:
        aud = address.audience(commune)
        named = [aud] if isinstance(aud, str) else aud
        assert named == ([f"{commune}/*"] if address.whole else [f"{commune}/{post}" for post in address.posts])
        single = len(address.posts) == 1
        assert address.topic(commune) == (
            command_topic(commune, address.posts[0]) if single else all_command_topic(commune)
        )
        if limit is not None and not address.whole:
            assert len(address.posts) <= limit


@given(SLUGS, POSTS | st.just(CROWD), st.lists(st.integers(0, 11)), st.booleans(), COMMANDS)
@example("c" * 40, CROWD, [1], False, LOUD)
@example("c" * 40, CROWD, [], False, LOCK)
def test_no_payload_is_too_large_for_a_post(
    commune: str, posts: list[str], alone: list[int], everyone: bool, cmd: dict[str, Any]
) -> None:
    """DESIGN 7: 4 KiB after verification, for any names, any `by` and `why` that are allowed, a `jti` of 64 characters."""
    read_order(cmd)
    for address in addresses(commune, posts, nonces_for(posts, alone), everyone=everyone, cmd=cmd):
        said = claims(commune, address, cmd, jti="j" * 64, iat=NOW, exp=NOW + 60)
        assert len(said) <= SMALL_PAYLOAD
        assert json.loads(said)["cmd"] == cmd


@given(POSTS, st.lists(st.integers(0, 11)), st.booleans(), COMMANDS, st.sampled_from([0.0, 30.5, 59.0]))
def test_every_post_accepts_what_is_addressed_to_it_and_nothing_else(
    posts: list[str], alone: list[int], everyone: bool, cmd: dict[str, Any], later_s: float
) -> None:
    """The other end judges: the post it is for takes it, under its own clock or with its nonce; any other does not."""
    cmd.pop("at", None)
    for address in addresses("cong-lac", posts, nonces_for(posts, alone), everyone=everyone, cmd=cmd):
        raw = sign(claims("cong-lac", address, cmd, jti="j" * 16, iat=NOW, exp=expiry(cmd, NOW)), KID, KEY)
        clock = "untrusted" if address.nonce else "ntp"
        for post in [*posts, "x-stranger-x"]:
            around = circumstances(
                commune="cong-lac", post=post, wall_s=NOW + later_s, clock=clock, nonces=Nonces(NONCE, MONO - 30_000)
            )
            taken = isinstance(judge(raw, retained=False, circumstances=around), Accepted)
            assert taken is (post in address.posts or address.whole)


def test_orders_that_say_less_share_more() -> None:
    """About 140 posts in one publish with ordinary words (DESIGN 7)."""
    posts = [f"thon-{n}" for n in range(140)]
    cmd = {"do": "ring", "signal": "alarm", "purpose": "actual", "by": "Đ/c Hùng", "why": "có trộm ở thôn 3"}
    assert len(list(addresses("cong-lac", posts, {}, cmd=cmd))) == 1


def test_an_order_ceases_to_count_soon() -> None:
    """DESIGN 7: an alarm a minute; an appointed one a minute after its time, never more than ten minutes; a setting a day."""
    ring: dict[str, Any] = {"do": "ring"}
    assert expiry(ring, NOW) == expiry({**ring, "at": None}, NOW) == NOW + ALARM_LIFETIME_S
    assert expiry({**ring, "at": NOW - 5}, NOW) == NOW + ALARM_LIFETIME_S
    assert expiry({**ring, "at": NOW + 100}, NOW) == NOW + 100 + ALARM_LIFETIME_S
    assert expiry({**ring, "at": NOW + 600}, NOW) == NOW + URGENT_LIFETIME_S
    assert expiry({"do": "hush"}, NOW) == expiry({"do": "taken"}, NOW) == NOW + ALARM_LIFETIME_S
    assert expiry({"do": "silence"}, NOW) == NOW + KEPT_LIFETIME_S <= NOW + LIFETIME_S
    assert expiry({"do": "lock_input"}, NOW, kept_s=60) == NOW + 60
