"""How a score will sound: WAV files that any player reads."""

from __future__ import annotations

import io
import time
import wave
from array import array

import pytest

from kengd.bellcode.layout import lay_out
from kengd.bellcode.notation import parse
from kengd.bellcode.profile import Profile, SirenProfile, StrikerProfile
from kengd.bellcode.sounding import RATE, _blow, _iron, wav_bytes


def samples(text: str, profile: Profile, for_ms: int) -> array[int]:
    data = wav_bytes(lay_out(parse(text), profile, limit_ms=300_000), profile, for_ms)
    with wave.open(io.BytesIO(data)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 22_050)
        return array("h", sound.readframes(sound.getnframes()))


def loudest(sound: array[int], from_ms: int, to_ms: int) -> int:
    return max(abs(sample) for sample in sound[from_ms * RATE // 1000 : to_ms * RATE // 1000])


def test_iron_rings_at_each_blow_and_dies_away() -> None:
    """Loud right after each blow, quieter before the next, nothing before the first and long after the last."""
    sound = samples("nghỉ 500 ms; 2 tiếng mỗi tiếng 2 giây", StrikerProfile(), 7000)
    assert len(sound) == 7 * RATE
    assert loudest(sound, 0, 500) == 0
    assert loudest(sound, 500, 600) > 15_000
    assert 0 < loudest(sound, 2300, 2500) < 4_000
    assert loudest(sound, 2500, 2600) > 15_000
    assert loudest(sound, 6000, 7000) < 500


def test_a_siren_gathers_speed_and_dies_away() -> None:
    """Quiet at first, loud after spin-up, silent some seconds after its end."""
    sound = samples("hú 3 giây", SirenProfile(), 12_000)
    assert loudest(sound, 0, 20) < 2_500
    assert loudest(sound, 1500, 3000) > 15_000
    assert loudest(sound, 9000, 12_000) == 0


def test_blows_are_added_up_exactly() -> None:
    """Samples side by side in one big integer give what adding them one by one gives, and never leave 16 bits."""
    spans = [(at, at + 50) for at in (0, 90, 180, 700, 1001, 1999)]
    count = 3 * RATE
    starts = [on * RATE // 1000 for on, _ in spans]
    blow = _blow(starts[1] - starts[0])
    plain = [0] * count
    for start in starts:
        for n, sample in enumerate(blow[: count - start]):
            plain[start + n] += sample
    assert array("h", _iron(spans, count)).tolist() == plain
    assert max(map(abs, plain)) < 32_768


@pytest.mark.parametrize(
    ("text", "profile"),
    [
        ("(1 tiếng mỗi tiếng 250 ms) đến khi dừng", StrikerProfile()),
        ("(hú 4 giây; nghỉ 2 giây) đến khi dừng", SirenProfile()),
    ],
)
def test_a_minute_of_sound_is_made_in_a_moment(text: str, profile: Profile) -> None:
    """Less than 2 s for 60 s of sound, in processor time."""
    score = lay_out(parse(text), profile, limit_ms=300_000)
    before = time.process_time()
    assert len(wav_bytes(score, profile, 60_000)) == 44 + 60 * RATE * 2
    assert time.process_time() - before < 2
