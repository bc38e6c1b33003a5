"""How a score will sound: 16-bit mono WAV of struck iron or of a motor siren. Standard library only. Pure.

A piece of hanging iron rings in the partials of a free bar (frequencies 1 : 2.76 : 5.40 : 8.93), the high ones dying first.
"""

from __future__ import annotations

import math
import struct
from array import array
from itertools import pairwise

from kengd.bellcode.heat import closed_spans
from kengd.bellcode.profile import Profile, SirenProfile
from kengd.bellcode.score import Score

RATE = 22_050
LOUDEST = 30_000
TAIL_MS = 2_000
PARTIALS = ((430.0, 1.0, 0.70), (437.0, 0.5, 0.60), (1187.0, 0.7, 0.35), (2322.0, 0.5, 0.18), (3840.0, 0.35, 0.07))
SIREN_HZ = 520.0
SIREN_SLOWING_MS = 1_200
WAVE = 2048

Spans = list[tuple[int, int]]


def wav_bytes(score: Score, profile: Profile, for_ms: int) -> bytes:
    """A whole WAV file of the first `for_ms` (1 or more) of the score, resting silent where nothing is struck."""
    spans = list(closed_spans(score, for_ms))
    count = max(for_ms, 1) * RATE // 1000
    body = _siren(spans, profile, count) if isinstance(profile, SirenProfile) else _iron(spans, count)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    head = struct.pack("<4sI4s", b"RIFF", 36 + len(body), b"WAVE")
    return head + form + struct.pack("<4sI", b"data", len(body)) + body


def _iron(spans: Spans, count: int) -> bytes:
    """Blows added up. Samples lie side by side in one big integer, so that one addition adds a whole blow.

    That is exact as long as no sum leaves 16 bits: the blow is made so quiet that even the closest blows stay within.
    """
    starts = [on * RATE // 1000 for on, _ in spans]
    blow = _blow(min((later - earlier for earlier, later in pairwise(starts)), default=RATE))
    packed = _packed(blow)
    out = bytearray()
    ringing, done, struck = 0, 0, 0
    lanes = RATE  # one second at a time
    while done < count:
        size = min(lanes, count - done)
        while struck < len(starts) and starts[struck] < done + size:
            ringing += packed << (16 * (starts[struck] - done))
            struck += 1
        chunk, ringing = _unpacked(ringing, size)
        out += chunk
        done += size
    return bytes(out)


def _blow(closest: int) -> list[int]:
    """One blow, loud enough that blows `closest` samples apart never add up beyond 16 bits."""
    size = RATE * TAIL_MS // 1000
    most = sum(loud / (1 - math.exp(-closest / (RATE * decay_s))) for _, loud, decay_s in PARTIALS)
    wave = [0.0] * size
    for hz, loud, decay_s in PARTIALS:
        turn, fall = 2 * math.pi * hz / RATE, math.exp(-1 / (RATE * decay_s))
        # x[n] = 2·r·cos(w)·x[n-1] - r²·x[n-2]: a decaying sine without a sine for each sample
        a, b = 2 * fall * math.cos(turn), -fall * fall
        before, now = 0.0, loud * fall * math.sin(turn)
        for n in range(1, size):
            wave[n] += now
            before, now = now, a * now + b * before
    gain, fade = LOUDEST / most, RATE // 20
    for n in range(fade):
        wave[size - 1 - n] *= n / fade
    return [round(gain * sample) for sample in wave]


def _packed(samples: list[int]) -> int:
    """The sum of samples[n] · 2^(16 n), signs and all."""
    lifted = struct.pack(f"<{len(samples)}H", *(sample + 0x8000 for sample in samples))
    return int.from_bytes(lifted, "little") - _lift(len(samples))


def _unpacked(packed: int, size: int) -> tuple[bytes, int]:
    """The first `size` samples in little-endian bytes, and what rings on behind them."""
    bits = 16 * size
    head = (packed + _lift(size)) & ((1 << bits) - 1)
    rest = (packed - (head - _lift(size))) >> bits
    return (head ^ _lift(size)).to_bytes(2 * size, "little"), rest


def _lift(size: int) -> int:
    """0x8000 in each of `size` lanes: no lane is negative any more."""
    return int.from_bytes(b"\x00\x80" * size, "little")


def _siren(spans: Spans, profile: SirenProfile, count: int) -> bytes:
    """A rotor that gathers speed while the relay is closed and loses it after; pitch and loudness follow its speed."""
    wave = array("f", (_rotor(n / WAVE) for n in range(WAVE)))
    out = array("h")
    up, down = _pull(max(profile.spin_up_ms, 1) / 2), _pull(SIREN_SLOWING_MS / 2)
    speed = place = 0.0
    step, mask, loudest = SIREN_HZ * WAVE / RATE, WAVE - 1, LOUDEST * 0.8
    edges = [(on * RATE // 1000, off * RATE // 1000) for on, off in spans]
    for (_, off), (after, _) in pairwise([(0, 0), *edges, (count, count)]):
        for target, pull, until in ((1.0, up, off), (0.0, down, min(after, count))):
            missing = until - len(out)
            while missing > 0:
                if target == 0.0 and speed < 0.002:
                    out.extend(array("h", bytes(2 * missing)))
                    break
                speed += (target - speed) * pull
                place += speed * step
                out.append(int(wave[int(place) & mask] * speed * loudest))
                missing -= 1
    return struct.pack(f"<{count}h", *out[:count])


def _pull(slow_ms: float) -> float:
    """The share of the missing speed that is gained in one sample."""
    return 1 - math.exp(-1000 / (RATE * slow_ms))


def _rotor(turn: float) -> float:
    """One turn of the rotor: a rounded sawtooth within ±1."""
    return sum(math.sin(2 * math.pi * k * turn) / k for k in range(1, 6)) / 1.75
