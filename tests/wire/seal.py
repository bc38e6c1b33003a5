"""Commands made by hand for tests: compact JWS with `cryptography` alone, so that nothing of ours checks itself."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kengd.wire.command import Circumstances
from kengd.wire.freshness import Nonces
from kengd.wire.signing import KeyRing

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
KID = "hub-2026"
NOW = 1_790_000_000
MONO = 5_000_000
NONCE = "00112233445566778899aabbccddeeff"


def b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def public(key: Ed25519PrivateKey) -> str:
    return b64(key.public_key().public_bytes_raw()).decode()


def jws(header: bytes, payload: bytes, key: Ed25519PrivateKey = KEY) -> bytes:
    body = b64(header) + b"." + b64(payload)
    return body + b"." + b64(key.sign(body))


def claims(**changes: Any) -> dict[str, Any]:
    """A good alarm; a change to `...` takes the claim away."""
    good: dict[str, Any] = {
        "iss": "hub:conglac",
        "aud": "conglac/thon-1",
        "jti": "order-0001",
        "iat": NOW,
        "exp": NOW + 60,
        "cmd": {"do": "ring", "signal": "alarm", "purpose": "actual", "by": "Đ/c Hùng"},
    }
    return {name: value for name, value in (good | changes).items() if value is not ...}


def command(header: dict[str, Any] | None = None, key: Ed25519PrivateKey = KEY, **changes: Any) -> bytes:
    header = {"alg": "EdDSA", "kid": KID, "typ": "JWT"} if header is None else header
    return jws(json.dumps(header).encode(), json.dumps(claims(**changes)).encode(), key)


def circumstances(**changes: Any) -> Circumstances:
    usual: dict[str, Any] = {
        "commune": "conglac",
        "post": "thon-1",
        "keys": KeyRing({KID: public(KEY)}),
        "wall_s": NOW + 0.25,
        "mono_ms": MONO,
        "clock": "ntp",
        "nonces": Nonces(NONCE, MONO - 30_000),
    }
    return Circumstances(**(usual | changes))
