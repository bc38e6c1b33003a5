"""Proof of sound: does the iron really sound while the relay strikes, and only then? (P9, R20, H2). Pure.

All times monotonic ms. The sensor may be a vibration switch on the iron, a current sensor or a contact at the hammer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

PROOF_WITHIN_MS = 1_000
"""No proof this long after the first stroke is "rơ-le đóng, không nghe tiếng"."""
RINGING_OUT_MS = 4_000
"""Struck iron rings on after the last blow; sound within this time after the end is no fault."""
STRAY_MS = 2_000
QUIET_MS = 10_000


@dataclass(frozen=True, slots=True)
class Proof:
    """What the sensor said. `heard` is about the activation named; `stray_since_ms`: sound that no relay made."""

    activation: str | None = None
    first_stroke_ms: int = 0
    ended_ms: int = -RINGING_OUT_MS
    heard: bool = False
    level: bool = False
    stray_since_ms: int | None = None
    last_sound_ms: int | None = None
    stray: bool = False
    silent: bool = False


def sensor(proof: Proof, active: bool, now_ms: int) -> Proof:
    """The sensor's level changed."""
    if not active:
        last_ms = now_ms if proof.level else proof.last_sound_ms
        return replace(proof, level=False, last_sound_ms=last_ms)
    heard = proof.heard or (proof.activation is not None and now_ms >= proof.first_stroke_ms)
    since_ms = proof.stray_since_ms
    if proof.activation is None and since_ms is None and now_ms > proof.ended_ms + RINGING_OUT_MS:
        since_ms = now_ms
    return replace(
        proof, level=True, heard=heard, silent=proof.silent and not heard, stray_since_ms=since_ms, last_sound_ms=now_ms
    )


def begun(proof: Proof, activation: str, first_stroke_ms: int) -> Proof:
    """The relay begins an activation; sound from now on is its proof."""
    return replace(
        proof,
        activation=activation,
        first_stroke_ms=first_stroke_ms,
        heard=False,
        silent=False,
        stray_since_ms=None,
        stray=False,
    )


def ended(proof: Proof, now_ms: int) -> Proof:
    """The relay is at rest."""
    return replace(proof, activation=None, ended_ms=now_ms, silent=False)


def look(proof: Proof, now_ms: int) -> Proof:
    """Time has passed: raise or clear `silent` (relay on, no sound) and `stray` (sound, relay at rest)."""
    if proof.activation is not None:
        late = now_ms >= proof.first_stroke_ms + PROOF_WITHIN_MS
        return replace(proof, silent=late and not proof.heard)
    since_ms = proof.stray_since_ms
    if since_ms is None and proof.level and now_ms > proof.ended_ms + RINGING_OUT_MS:
        since_ms = now_ms
    if since_ms is None:
        return proof
    sounding = proof.level or (proof.last_sound_ms is not None and now_ms < proof.last_sound_ms + STRAY_MS)
    if not sounding and now_ms > (proof.last_sound_ms or 0) + QUIET_MS:
        return replace(proof, stray_since_ms=None, stray=False)
    return replace(proof, stray_since_ms=since_ms, stray=proof.stray or (sounding and now_ms >= since_ms + STRAY_MS))
