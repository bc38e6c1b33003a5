"""The commune's side as tests need it: signs commands, sends any bytes, writes down every entry and status it hears."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kengd.wire.signing import public_text, sign
from tests.post.mini_mqtt import Heard, Mqtt

COMMUNE = "cong-lac"
KID = "hub-1"
Entry = dict[str, Any]


def until(true: Callable[[], Any], within_s: float, what: str = "") -> Any:
    """Wait for it; the true value. AssertionError after `within_s`."""
    deadline = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.005)
    return found


class Hub:
    """One hub on one broker."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.key = Ed25519PrivateKey.generate()
        self.deliveries: dict[str, list[Entry]] = {}
        self.statuses: dict[str, list[tuple[float, dict[str, Any]]]] = {}
        self.line = Mqtt(
            port,
            f"hub-{secrets.token_hex(4)}",
            [f"kengd/1/{COMMUNE}/+/entry", f"kengd/1/{COMMUNE}/+/status"],
            self._hear,
        )
        self.line.wait_up()

    @property
    def public(self) -> str:
        """The key as the settings write it."""
        return public_text(self.key)

    def close(self) -> None:
        """Hang up."""
        self.line.close()

    def _hear(self, heard: Heard) -> None:
        _, _, _, post, leaf = heard.topic.split("/")
        if leaf == "entry":
            self.deliveries.setdefault(post, []).append(json.loads(heard.payload))
        else:
            self.statuses.setdefault(post, []).append((heard.mono_s, json.loads(heard.payload)))

    # ---- sending

    def claims(self, post: str, cmd: dict[str, Any], /, **changes: Any) -> dict[str, Any]:
        """A good command for this post; a change to `...` takes a claim away."""
        now = int(time.time())
        good: dict[str, Any] = {
            "iss": f"hub:{COMMUNE}",
            "aud": f"{COMMUNE}/{post}",
            "jti": secrets.token_hex(8),
            "iat": now,
            "exp": now + 60,
            "cmd": cmd,
        }
        return {name: value for name, value in (good | changes).items() if value is not ...}

    def seal(self, claims: dict[str, Any], *, key: Ed25519PrivateKey | None = None, kid: str = KID) -> bytes:
        """The compact JWS."""
        return sign(json.dumps(claims, ensure_ascii=False).encode(), kid, key or self.key)

    def say(self, post: str, raw: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Any bytes on a post's command topic."""
        self.line.publish(f"kengd/1/{COMMUNE}/{post}/command", raw, qos=qos, retain=retain)

    def order(self, post: str, cmd: dict[str, Any], **changes: Any) -> str:
        """A signed command; its jti."""
        claims = self.claims(post, cmd, **changes)
        self.say(post, self.seal(claims))
        return str(claims["jti"])

    def ring(
        self, post: str, signal: str = "alarm", purpose: str = "actual", *, at: int | None = None, **changes: Any
    ) -> str:
        """Ring; its jti."""
        cmd = {"do": "ring", "signal": signal, "purpose": purpose, "by": "Đ/c Hùng", "why": "thử"}
        return self.order(post, cmd if at is None else cmd | {"at": at}, **changes)

    def hush(self, post: str, activation: str | None = None, **changes: Any) -> str:
        """Hush; its jti."""
        cmd = {"do": "hush", "by": "Đ/c Hùng"}
        return self.order(post, cmd if activation is None else cmd | {"activation": activation}, **changes)

    # ---- hearing

    def entries(self, post: str) -> list[Entry]:
        """What this post reported, each entry once, in order (P8)."""
        once = {(entry["book"], entry["seq"]): entry for entry in self.deliveries.get(post, [])}
        return sorted(once.values(), key=lambda entry: entry["seq"])

    def answers(self, post: str, jti: str) -> list[tuple[str, str | None]]:
        """(kind, reason) of the entries that answer this command."""
        return [(each["kind"], each["reason"]) for each in self.entries(post) if each["command_id"] == jti]

    def answered(self, post: str, jti: str, kind: str, within_s: float = 5.0) -> Entry:
        """The first entry of this kind with this command id."""
        return self.wrote(
            post, lambda each: each["command_id"] == jti and each["kind"] == kind, within_s, f"{kind} {jti}"
        )

    def refused(self, post: str, jti: str, within_s: float = 5.0) -> str:
        """The reason with which this command was refused."""
        return str(self.answered(post, jti, "refused", within_s)["reason"])

    def wrote(self, post: str, which: Callable[[Entry], bool], within_s: float = 5.0, what: str = "entry") -> Entry:
        """The first entry of which this is true."""
        found: Entry = until(lambda: next(filter(which, self.entries(post)), None), within_s, what)
        return found

    def status(self, post: str) -> dict[str, Any]:
        """The newest status."""
        heard = self.statuses.get(post)
        return heard[-1][1] if heard else {}

    def save_key(self, path: Path) -> Path:
        """The private key as PKCS8 PEM, for `kengd command`."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        path.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        path.chmod(0o600)
        return path
