"""What the sheets say: blinks, conditions, figures, parts and tests are the program's own and fit together."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET

import pytest

from firmware_config.wiring.generator import cutoff, energy
from firmware_config.wiring.generator.parts import ELECTRIC, SMALL
from firmware_config.wiring.generator.sheets.lamps import EN, SHOWN_MS
from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin
from kengd.bellcode.layout import lay_out, slow_roll
from kengd.bellcode.profile import Profile, SirenProfile, StrikerProfile
from kengd.cli import COMMANDS
from kengd.duty.health import CATALOGUE
from kengd.duty.lamps import BELL_LAMP, POLICE_LAMP, lit
from tests.wiring.drawing import SHEETS, SVG, names, read


def flat(name: str) -> str:
    """All words of a sheet in one line, so that a sentence broken into lines is found."""
    return " ".join(text.words for text in read(name).texts)


def test_every_blink_of_both_lamps_is_on_the_card_and_no_other() -> None:
    """H20: name, look and meaning, word for word, in the order of the program."""
    words = [text.words for text in read("09-hai-den").texts]
    first = words.index("Nghĩa là")
    shown = [
        (words[n], words[n + 1], words[n + 2], words[n + 3])
        for n in range(first, len(words) - 3)
        if words[n] in ("KẺNG", "CÔNG AN")
    ]
    said = [("KẺNG", blink) for blink in BELL_LAMP] + [("CÔNG AN", blink) for blink in POLICE_LAMP]
    assert shown == [(lamp, blink.looks, blink.vi, EN[blink.code]) for lamp, blink in said]
    assert set(EN) == {blink.code for _, blink in said}


def test_the_bars_on_the_card_are_black_when_the_lamp_is_lit() -> None:
    """The drawing of each blink, looked at every 50 ms, is what `lit` says; the lamp test is shown once."""
    root = ET.fromstring((SHEETS / "09-hai-den.svg").read_text(encoding="utf-8"))
    frames, bars = [], []
    for box in root.iter(f"{SVG}rect"):
        x, y, w = (float(box.get(key, "0")) for key in ("x", "y", "width"))
        if w == 15 * SHOWN_MS / 1000 and "stroke" in box.attrib:
            frames.append((x, y))
        elif box.attrib["fill"] == "#000" and "stroke" not in box.attrib:
            bars.append((x, y, w))
    assert len(frames) == len(BELL_LAMP) + len(POLICE_LAMP)
    for (x, y), blink in zip(frames, (*BELL_LAMP, *POLICE_LAMP), strict=True):
        for at_ms in range(25, SHOWN_MS, 50):
            here = x + at_ms * 15 / 1000
            black = any(left <= here < left + w for left, top, w in bars if top == y)
            assert black == (at_ms < blink.period_ms if blink.code == "test" else lit(blink, at_ms)), (
                blink.code,
                at_ms,
            )


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("12-cau-dao", "isolator_open"),
        ("12-cau-dao", "mains_lost"),
        ("12-cau-dao", "battery_low"),
        ("10-cam-bien-rung", "no_proof_of_sound"),
        ("10-cam-bien-rung", "sound_without_relay"),
        ("17-nghiem-thu-1", "isolator_open"),
        ("18-nghiem-thu-2", "isolator_open"),
    ],
)
def test_conditions_are_quoted_as_the_program_says_them(name: str, code: str) -> None:
    """Who reads the sheet and the screen sees the same sentence."""
    assert CATALOGUE[code].vi in flat(name)


def gaps_and_blasts(profile: Profile) -> tuple[int, int]:
    """The longest rest within a code and the longest time that the relay is closed, over all ready-made codes."""
    rests, blasts = [0], [0]
    for book in BUILTIN_NAMES:
        for signal in builtin(book).signals.values():
            if (isinstance(profile, SirenProfile)) != (book == "coi_hu"):
                continue
            score = lay_out(signal.pattern, profile, limit_ms=300_000)
            edges = [edge.at_ms for edge in score.edges(300_000)]
            spans = [(later - earlier) for earlier, later in itertools.pairwise(edges)]
            blasts += spans[::2]
            rests += spans[1::2]
    return max(rests), max(blasts)


def test_the_time_relays_cut_later_than_the_program_and_sooner_than_harm() -> None:
    """H4, H9: KT1 above the longest stroke or blast, KT3 above the longest rest of any code, KT2 above the hard limit."""
    striker, siren = StrikerProfile(), SirenProfile()
    rest_ms, stroke_ms = gaps_and_blasts(striker)
    blown_rest_ms, blast_ms = gaps_and_blasts(siren)
    assert stroke_ms <= striker.longest_stroke_ms < cutoff.STROKE_S * 1000 <= 1000
    assert blast_ms == 36_000 < cutoff.LONGEST_BLAST_MS < cutoff.BLAST_S * 1000
    slow = slow_roll(striker)
    assert max(rest_ms, blown_rest_ms, slow.cycle_ms or slow.lead_ms) < cutoff.PAUSE_S * 1000
    assert cutoff.SOUNDING_MIN * 60 > 300
    assert striker.shortest_gap_ms >= cutoff.RECOVERY_MS and siren.shortest_gap_ms >= cutoff.RECOVERY_MS
    assert striker.hold_ms >= cutoff.PULSE_MS


@pytest.mark.parametrize("name", ["05-coi-hu", "06-coi-lon"])
def test_a_siren_s_settings_stop_before_its_time_relay(name: str) -> None:
    """Else KT1 would cut what the codebook asks for."""
    assert f"longest_continuous_ms = {cutoff.LONGEST_BLAST_MS}" in flat(name)


def test_the_battery_is_reckoned_rightly() -> None:
    """H1: 24 h and three alarms of 5 min, done again by hand: 8.6 W, 17.2 Ah at rest, 0.6 Ah for alarms, 30.9 Ah needed."""
    striker = energy.STRIKER
    rest_w = 5.1 * 0.6 / 0.85 + 4 + 1
    assert striker.rest_w == pytest.approx(rest_w)
    assert striker.rest_ah == pytest.approx(rest_w * 24 / 12)
    assert striker.alarm_ah == pytest.approx(3 * 5 / 60 * 5 * 0.5)
    assert striker.needed_ah == pytest.approx((rest_w * 2 + 0.625) / 0.576)
    assert (striker.chosen_ah, energy.SIREN.chosen_ah) == (33, 40)
    said = flat("13-ac-quy")
    for figure in ("8,6 W", "17,2 Ah", "0,6 Ah", "30,9 Ah", "33 Ah", "40 Ah", "24 giờ nghỉ + 3 lần báo động 5 phút"):
        assert figure in said


def test_the_share_of_driven_time_is_not_more_than_the_bell_allows() -> None:
    """The reckoning takes the striker's whole duty window."""
    bell = StrikerProfile()
    assert energy.STRIKER.share == bell.duty_on_ms / bell.duty_window_ms


def test_every_part_that_is_drawn_is_on_the_parts_list_and_the_other_way_round() -> None:
    """Who buys by the list can wire by the sheets."""
    listed = [ref for item in (*ELECTRIC, *SMALL) for ref in item.refs.split()]
    assert len(listed) == len(set(listed))
    drawn: set[str] = set()
    for name in names():
        for part in read(name).parts:
            if part.kind != "flag":
                drawn |= set(part.ref.replace(",", " ").split())
            elif re.match(r"X\d:", part.value):
                drawn.add(part.value.partition(":")[0])
    assert drawn == set(listed)


def test_the_parts_list_has_every_item_and_room_for_prices() -> None:
    """Numbered through both pages; the price columns are empty."""
    words = [text.words for name in ("15-vat-tu-1", "16-vat-tu-2") for text in read(name).texts]
    numbers = [int(word) for word in words if re.fullmatch(r"\d\d?", word)]
    assert set(range(1, len(ELECTRIC) + len(SMALL) + 1)) <= set(numbers)
    assert {"Đơn giá", "Thành tiền", "Tổng cộng (đồng)"} <= set(words)
    assert not any(re.search(r"\d\s*(?:đồng|VND|₫)", word) for word in words)


def test_commissioning_ends_with_the_safety_tests_unplugged_and_plugged_and_with_doctor() -> None:
    """H4, H5, H9 with the Pi unplugged and plugged; then `kengd doctor`; then signatures."""
    said = flat("18-nghiem-thu-2")
    places = [said.index(f"{mark} · ") for mark in ("H4", "H5", "H9", "D")]
    assert places == sorted(places)
    for start, end in itertools.pairwise(places):
        assert "Pi RÚT RA" in said[start:end] and "Pi CẮM" in said[start:end]
    last = said[places[-1] :]
    assert "sudo kengd doctor --boot" in last and "sudo kengd doctor:" in last and "Người giữ kẻng" in last


@pytest.mark.parametrize("name", names())
def test_every_kengd_command_on_paper_exists(name: str) -> None:
    """An installer types what he reads."""
    assert set(re.findall(r"sudo kengd ([a-z]+)", flat(name))) <= set(COMMANDS)


@pytest.mark.parametrize("name", [name for name in names() if not re.match(r"1[5-8]|0[19]", name)])
def test_every_sheet_of_wires_says_which_hazard_or_why(name: str) -> None:
    """A warning, or notes with a reason; at least one English line for each heading."""
    drawing = read(name)
    assert sum(text.lang == "en" for text in drawing.texts) >= 5
    assert len([text for text in drawing.texts if re.fullmatch(r"•|[1-9]\.", text.words)]) >= 3
