"""SIGHUP: settings are read again without interrupting a ring; keys of the hub come and go without a restart."""

from __future__ import annotations

import signal
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kengd.wire.signing import public_text
from tests.post.conftest import NewPost
from tests.post.hub import KID, Hub, until
from tests.post.village import ALARM, Post

RING = {"do": "ring", "signal": "alarm", "purpose": "test", "by": "Đ/c Hùng"}


def reload(post: Post) -> None:
    """SIGHUP, and wait until both processes have read the settings."""
    before = sum("settings read again" in line for line in post.log)
    post.signal(signal.SIGHUP)
    until(lambda: sum("settings read again" in line for line in post.log) > before, 15, "read again")


def test_a_reload_during_a_ring_does_not_interrupt_it(new_post: NewPost, hub: Hub) -> None:
    """Strokes keep their pace through it, the activation stays; new patterns count from the next ring on."""
    post = new_post(id="doc-lai", hub=hub).start()
    post.press()
    post.rings()
    activation = (post.sounding() or {})["activation"]
    post.config.write_text(post.config.read_text().replace(ALARM, "(1 tiếng; nghỉ 700 ms) đến khi dừng"))
    reload(post)
    struck = post.strokes()
    until(lambda: post.strokes() >= struck + 4, 4, "it goes on")
    assert (post.sounding() or {})["activation"] == activation
    strokes = [t_ns for t_ns, on in list(post.edges) if on]
    assert max((b - a) / 1e6 for a, b in pairwise(strokes)) < 400
    assert [kind for kind, _ in post.kinds() if kind in ("cut", "finished", "failed")] == []
    post.shell(do="hush")
    post.rests()
    began_ns = post.press()
    until(lambda: post.strokes(began_ns) >= 3, 6, "the new pattern")
    strokes = [t_ns for t_ns, on in list(post.edges) if on and t_ns >= began_ns]
    assert min((b - a) / 1e6 for a, b in pairwise(strokes)) > 600


def test_keys_are_added_and_revoked_without_a_restart(new_post: NewPost, hub: Hub) -> None:
    """Rotation: the new key counts after SIGHUP, the revoked one no more; neither process is replaced."""
    post = new_post(id="doi-khoa", hub=hub).start()
    processes = (post.pid, post.office_pid())
    fresh = Ed25519PrivateKey.generate()

    def by_new_key() -> str:
        claims = hub.claims(post.id, RING)
        hub.say(post.id, hub.seal(claims, key=fresh, kid="hub-2"))
        return str(claims["jti"])

    before = post.head()
    by_new_key()
    post.wrote("refused", "unknown_key", before)
    good = post.config.read_text()
    post.config.write_text(good + f'[[hub.keys]]\nkid = "hub-2"\npublic = "{public_text(fresh)}"\n')
    reload(post)

    def taken() -> bool:
        jti = by_new_key()
        until(lambda: post.head() > before and (hub.answers(post.id, jti) or _refused_since(post)), 3)
        return ("tested", None) in hub.answers(post.id, jti)

    until(taken, 10, "the new key counts")
    hub.answered(post.id, hub.ring(post.id, purpose="test"), "tested")

    post.config.write_text(post.config.read_text().replace(f'kid = "{KID}"', f'kid = "{KID}"\nrevoked = true'))
    reload(post)
    began = post.strokes()

    def turned_away() -> bool:
        seq = post.head()
        hub.ring(post.id, purpose="test")
        until(lambda: post.kinds(seq), 3, "an answer")
        return ("refused", "unknown_key") in post.kinds(seq)

    until(turned_away, 10, "the revoked key counts no more")
    assert post.strokes() == began
    assert (post.pid, post.office_pid()) == processes


def _refused_since(post: Post) -> bool:
    return post.kinds()[-1] == ("refused", "unknown_key")
