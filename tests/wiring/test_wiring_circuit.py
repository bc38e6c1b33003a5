"""The circuits as they are drawn: nets are found from the lines on the paper, then the promises of the hardware are tried."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping

import pytest

from tests.wiring.drawing import SHEETS, SVG, Nets, Part, names, points_of, read

Closed = Mapping[str, tuple[tuple[str, str], ...]]
SUPPLIES = ("+12 V", "+3,3 V", "+5 V", "0 V", "GND", "L", "N")
LEFT_OPEN = {"relay-module": {"NC"}, "time-relay": {"16", "18"}}
"""Terminals that may stay unused."""
TIED = {"06-coi-lon": {"KT3"}, "11-mach-cat-cung": {"KT1", "KT3"}}
"""Time relays whose supply and contact begin at the same wire."""
TWO = (("1", "2"),)
FUSED: Closed = {"F1": TWO, "F2": TWO, "F3": TWO, "F4": TWO}


def nets(name: str) -> Nets:
    """The nets of a sheet by the end of its name."""
    return Nets(read(next(full for full in names() if full.endswith(name))))


def ohms(part: Part) -> float:
    """ "2,2 kΩ" → 2200."""
    found = re.match(r"([\d,]+) (k?)Ω", part.value)
    assert found is not None, part
    return float(found[1].replace(",", ".")) * (1000 if found[2] else 1)


def resistor(found: Nets, a: object, b: object) -> Part:
    """The only resistor between these nets."""
    between = [
        part
        for part in found.drawing.parts
        if part.kind == "resistor" and {found.of(part.ref, "1"), found.of(part.ref, "2")} == {a, b}
    ]
    assert len(between) == 1, between
    return between[0]


@pytest.mark.parametrize("name", names())
def test_no_two_supplies_are_joined(name: str) -> None:
    """No short circuit on paper; a pin of the Pi is joined with no supply."""
    found = Nets(read(name))
    flags = {part.value for part in found.drawing.parts if part.kind == "flag"}
    for net in {id(net): net for net in map(found.named, flags)}.values():
        there = {supply for supply in SUPPLIES if supply in flags and found.named(supply) == net}
        assert len(there) <= 1, there
        pins = {pin for pin in found.terminals(net) if ":GPIO" in pin}
        assert not (there and pins), (there, pins)


@pytest.mark.parametrize("name", names())
def test_every_terminal_leads_somewhere(name: str) -> None:
    """A part with a loose leg is a mistake, but for the contacts that are meant to stay unused."""
    found = Nets(read(name))
    alone = set()
    for n, part in enumerate(found.drawing.parts):
        for pin, place in part.pins.items():
            if part.kind == "flag" or pin in LEFT_OPEN.get(part.kind, set()):
                continue
            net = found.at(n, pin)
            if len(found.terminals(net)) < 2 and not any(place in (wire[0], wire[-1]) for wire in found.drawing.wires):
                alone.add(f"{part.ref}:{pin}")
    assert alone == set()


@pytest.mark.parametrize("name", names())
def test_no_part_is_shorted_out(name: str) -> None:
    """A wire drawn over a part, or round it, joins its two ends: then it is not in the circuit at all."""
    found = Nets(read(name))
    shorted = [
        part.ref
        for n, part in enumerate(found.drawing.parts)
        if part.kind != "flag" and len({found.at(n, pin) for pin in part.pins}) < len(part.pins)
    ]
    assert shorted == [ref for ref in shorted if ref in TIED.get(name, set())]


@pytest.mark.parametrize("name", names())
def test_the_bar_of_a_diode_is_at_its_cathode(name: str) -> None:
    """The drawn mark and the named terminal are one: the triangle's point and the bar lie nearer to K than to A."""
    root = ET.fromstring((SHEETS / f"{name}.svg").read_text(encoding="utf-8"))
    for group in root.iter(f"{SVG}g"):
        if group.attrib["data-kind"] not in ("diode", "led"):
            continue
        pins = {
            ring.attrib["data-pin"]: (float(ring.attrib["cx"]), float(ring.attrib["cy"]))
            for ring in group.iter(f"{SVG}circle")
        }
        bar = [points_of(line) for line in group.iter(f"{SVG}polyline")][2]
        base, point, other = points_of(next(iter(group.iter(f"{SVG}polygon"))))

        def to_cathode(place: tuple[float, float], pins: dict[str, tuple[float, float]] = pins) -> float:
            (ax, ay), (kx, ky) = pins["A"], pins["K"]
            return (place[0] - kx) ** 2 + (place[1] - ky) ** 2 - (place[0] - ax) ** 2 - (place[1] - ay) ** 2

        assert all(to_cathode(place) < 0 for place in (*bar, point)) and to_cathode(base) > 0 < to_cathode(other)


@pytest.mark.parametrize(
    ("name", "diode", "load", "plus", "minus"),
    [
        ("bua-go", "D1", "Y1", "+", "−"),
        ("coi-hu", "D1", "Y2", "+", "−"),
        ("coi-lon", "D2", "K2", "86", "85"),
        ("coi-lon", "D3", "K3", "86", "85"),
        ("coi-lon", "D4", "Y2", "+", "−"),
    ],
)
def test_a_flyback_diode_lies_across_its_coil_the_right_way_round(
    name: str, diode: str, load: str, plus: str, minus: str
) -> None:
    """H4: cathode to plus, anode to 0 V; the other way round it is a short circuit, left out it kills the contact."""
    found = nets(name)
    assert found.of(diode, "K") == found.of(load, plus)
    assert found.of(diode, "A") == found.of(load, minus) == found.named("0 V")


CHAIN: Closed = {
    **FUSED,
    "Q1": TWO,
    "K1": (("COM", "NO"),),
    "A2": (("X1:1", "X1:2"), ("X1:3", "X1:4")),
}


@pytest.mark.parametrize(("name", "load"), [("bua-go", "Y1"), ("coi-hu", "Y2")])
def test_the_striker_has_current_only_through_fuse_isolator_cut_off_and_relay(name: str, load: str) -> None:
    """H4, H5: open any one of them and the coil is dead."""
    found = nets(name)
    plus, coil = found.named("+12 V"), found.of(load, "+")
    assert found.reached(plus, coil, CHAIN)
    for part in ("F2", "Q1", "K1", "A2"):
        assert not found.reached(plus, coil, {key: ways for key, ways in CHAIN.items() if key != part}), part
    for ways in CHAIN["A2"]:
        assert not found.reached(plus, coil, {**CHAIN, "A2": (ways,)})


REST: Closed = {"KT1": (("15", "16"),), "KT2": (("15", "16"),), "KT3": (("15", "16"),)}
RUN = (("15", "18"),)
WELDED: Closed = {"K1": (("COM", "NO"),)}


def test_the_cut_off_box_ends_a_stroke_whose_relay_never_opens() -> None:
    """H4: K1 welded: KT1 is live, runs out, the coil is dead, and KT1 stays live, so that it stays dead."""
    found = nets("mach-cat-cung")
    supply, sense, coil = found.named("X1:1"), found.named("X1:3"), found.named("X1:4")
    assert not found.reached(supply, coil, REST)
    assert found.reached(supply, coil, {**REST, **WELDED})
    assert found.of("KT1", "A1") == found.of("KT1", "15") == sense
    ran_out: Closed = {**REST, **WELDED, "KT1": RUN}
    assert not found.reached(supply, coil, ran_out)
    assert found.reached(supply, sense, ran_out)


def test_the_cut_off_box_ends_a_sounding_and_lets_it_begin_again() -> None:
    """H4, H9: strokes start KT3, KT3 feeds KT2, KT2 takes the supply from K1: no stroke is felt, KT3 lets go, all is as before."""
    found = nets("mach-cat-cung")
    supply, sense, coil = found.named("X1:1"), found.named("X1:3"), found.named("X1:4")
    assert found.of("KT3", "B1") == sense and found.of("KT3", "A1") == found.of("KT3", "15") == supply
    assert found.of("KT3", "18") == found.of("KT2", "A1")
    assert not found.reached(supply, found.of("KT2", "A1"), {**REST, **WELDED})
    sounding: Closed = {**REST, **WELDED, "KT3": RUN}
    assert found.reached(supply, found.of("KT2", "A1"), sounding) and found.reached(supply, coil, sounding)
    cut: Closed = {**sounding, "KT2": RUN}
    assert not found.reached(supply, coil, cut) and not found.reached(supply, sense, cut)
    assert found.reached(supply, coil, {**REST, **WELDED})


@pytest.mark.parametrize("name", ["mach-cat-cung", "coi-lon"])
def test_the_cut_off_needs_no_raspberry_pi(name: str) -> None:
    """H4: supply and return of every time relay come from the battery's side; no pin of the Pi is on it."""
    found = nets(name)
    zero = found.named("X1:0" if name == "mach-cat-cung" else "0 V")
    assert [part for part in found.drawing.parts if part.kind == "raspberry"] == []
    assert all(found.of(timer, "A2") == zero for timer in ("KT1", "KT2", "KT3"))


MOTOR: Closed = {**FUSED, **REST, "Q1": TWO, "K3": (("30", "87a"),)}
PULLED: Closed = {"K2": (("30", "87"),)}


def test_a_motor_siren_is_silenced_although_its_power_relay_has_welded() -> None:
    """H4: KT1 behind K2 pulls K3; K3 opens the siren's wire and not the one that KT1 is fed from."""
    found = nets("coi-lon")
    plus, siren, sense = found.named("+12 V"), found.of("Y2", "+"), found.of("KT1", "A1")
    assert not found.reached(plus, siren, MOTOR)
    assert found.reached(plus, siren, {**MOTOR, **PULLED})
    assert not found.reached(plus, found.of("K3", "86"), {**MOTOR, **PULLED})
    ran_out: Closed = {**MOTOR, **PULLED, "KT1": RUN}
    assert found.reached(plus, found.of("K3", "86"), ran_out)
    cut: Closed = {**ran_out, "K3": ()}
    assert not found.reached(plus, siren, cut) and found.reached(plus, sense, cut)


def test_a_motor_siren_stops_after_a_sounding_and_with_the_isolator() -> None:
    """H4, H5: KT2 drops the coil of K2; Q1 takes power and control."""
    found = nets("coi-lon")
    plus, pull = found.named("+12 V"), found.of("K2", "86")
    on: Closed = {**MOTOR, **WELDED}
    assert found.reached(plus, pull, on)
    assert not found.reached(plus, pull, {**on, "KT2": RUN})
    assert not found.reached(plus, pull, MOTOR)
    assert not found.reached(plus, pull, {**on, "Q1": ()})
    assert not found.reached(plus, found.of("Y2", "+"), {**on, **PULLED, "Q1": ()})


def test_the_relay_board_is_pulled_to_rest() -> None:
    """P1, R10: 10 kΩ from IN to GND; with a transistor from its base; with an optocoupler the pin is pulled up."""
    high = nets("ro-le-muc-cao")
    assert high.of("K1", "IN") == high.of("A1", "GPIO17")
    assert resistor(high, high.of("K1", "IN"), high.of("A1", "GND@9")).value == "10 kΩ"
    assert high.of("K1", "VCC") == high.of("A1", "5V@2") and high.of("K1", "GND") == high.of("A1", "GND@9")
    low = nets("ro-le-muc-thap")
    assert resistor(low, low.of("V1", "B"), low.of("A1", "GND@9")).value == "10 kΩ"
    assert ohms(resistor(low, low.of("A1", "GPIO17"), low.of("V1", "B"))) >= 1000
    assert low.of("V1", "C") == low.of("K1", "IN") and low.of("V1", "E") == low.of("A1", "GND@9")
    ground, three, pin = low.of("A1", "GND@9", 1), low.of("A1", "3V3@1"), low.of("A1", "GPIO4")
    both = [
        part
        for part in low.drawing.parts
        if part.kind == "resistor" and {low.of(part.ref, "1"), low.of(part.ref, "2")} == {three, pin}
    ]
    assert [part.value for part in both] == ["10 kΩ"]
    assert (3.3 - 1.2) / ohms(resistor(low, three, low.of("OK4", "A"))) < 0.016
    assert low.of("OK4", "K") == pin and low.of("OK4", "C") == low.of("K1", "IN", 1) and low.of("OK4", "E") == ground


@pytest.mark.parametrize("name", ["ro-le-muc-cao", "ro-le-muc-thap"])
def test_a_pin_of_the_pi_never_meets_five_volts(name: str) -> None:
    """An active-low board pulls IN to 5 V: a transistor or an optocoupler stands between."""
    found = nets(name)
    for n, part in enumerate(found.drawing.parts):
        for pin in (pin for pin in part.pins if pin.startswith("GPIO")):
            there = found.terminals(found.at(n, pin))
            assert not any(other.endswith((":VCC", ":5V@2")) for other in there)
            assert name == "ro-le-muc-cao" or "K1:IN" not in there


@pytest.mark.parametrize(
    ("name", "pin", "contact", "leg", "other"),
    [
        ("nut-trong-nha", "GPIO5", "S1", "1", "2"),
        ("nut-trong-nha", "GPIO6", "S2", "1", "2"),
        ("nut-trong-nha", "GPIO13", "S3", "1", "2"),
        ("nut-ngoai-troi", "GPIO5", "OK1", "C", "E"),
        ("nut-ngoai-troi", "GPIO12", "OK2", "C", "E"),
        ("cam-bien-rung", "GPIO24", "OK3", "C", "E"),
        ("cau-dao", "GPIO25", "Q1", "13–14 a", "13–14 b"),
        ("cau-dao", "GPIO16", "U1", "AC-OK a", "AC-OK b"),
        ("cau-dao", "GPIO26", "U1", "BAT-OK a", "BAT-OK b"),
    ],
)
def test_a_contact_is_read_through_an_rc_with_a_pull_up(
    name: str, pin: str, contact: str, leg: str, other: str
) -> None:
    """R67, H15: 1 kΩ to the pin, 100 nF at the pin, 2.2 kΩ to 3.3 V at the line; closed the pin is low for certain."""
    found = nets(name)
    three, ground = found.named("+3,3 V"), found.named("GND")
    line = found.of(contact, leg)
    assert found.of(contact, other) == ground
    assert ohms(resistor(found, found.of("A1", pin), line)) == 1000
    pull = ohms(resistor(found, line, three))
    assert pull == 2200 and 3.3 / pull >= 0.001  # enough current to keep a contact clean
    at_pin = [
        part
        for part in found.drawing.parts
        if part.kind == "capacitor" and found.of(part.ref, "1") == found.of("A1", pin)
    ]
    assert [(part.value, found.of(part.ref, "2") == ground) for part in at_pin] == [("100 nF", True)]
    weak = 50_000  # the Pi's own pull-down, where kengd sets one (active_low = false)
    assert 3.3 * weak / (weak + 1000 + pull) > 1.6  # open it is still high
    assert {f"A1:{supply}" for supply in ("3V3@17",)} <= found.terminals(three)


FEED: Closed = {"R31": TWO, "R32": TWO}
RELEASED: Closed = {"S4": (("COM", "NC"),)}
PRESSED: Closed = {"S4": (("NO", "COM"),)}


def test_water_or_a_crushed_cable_cannot_press_the_outdoor_button() -> None:
    """H15: released, core 2 is held at 0 V by NC, whatever lies between cores 1 and 2; pressed, OK1 has current enough."""
    found = nets("nut-ngoai-troi")
    plus, zero, core = found.named("+12 V"), found.named("0 V"), found.named("X2:2")
    wet: Closed = {"S4": (("COM", "NC"), ("NO", "COM"))}
    assert not found.reached(plus, core, {**FEED, **RELEASED})
    assert found.reached(core, zero, RELEASED) and found.reached(core, zero, wet)  # the lamp is shorted out
    assert found.reached(plus, found.of("OK1", "A"), {**FEED, **PRESSED}) and not found.reached(core, zero, PRESSED)
    assert found.of("OK1", "K") == zero
    series = sum(ohms(found.drawing.of(ref)[0]) for ref in ("R31", "R32"))
    for battery_v in (10.8, 14.4):
        lamp_a = (battery_v - 1.2) / series
        assert 0.005 < lamp_a < 0.05 and lamp_a * 0.5 > 3.3 / 2200  # PC817: at least half of it sinks the pull-up


def test_a_cut_cable_or_an_open_lid_is_noticed_outdoors() -> None:
    """H8, H17: core 4 is a loop closed in the button's box, through the lid of the cabinet."""
    found = nets("nut-ngoai-troi")
    plus, zero = found.named("+12 V"), found.named("0 V")
    loop: Closed = {"R33": TWO, "OK2": (("A", "K"),), "S6": TWO, "S5": TWO}
    assert found.reached(plus, zero, loop)
    for broken in loop:
        assert not found.reached(plus, zero, {key: ways for key, ways in loop.items() if key != broken}), broken
    assert {"S5:2", "X2:4"} <= found.terminals(found.named("X2:4"))
    assert (14.4 - 1.2) / ohms(found.drawing.of("R33")[0]) < 0.02


@pytest.mark.parametrize(
    ("name", "clamps"), [("nut-ngoai-troi", ("X2:1", "X2:2", "X2:4")), ("cam-bien-rung", ("X3:1",))]
)
def test_every_core_that_comes_from_outside_has_its_surge_suppressor(name: str, clamps: tuple[str, ...]) -> None:
    """H3: to PE, before the resistor or the optocoupler."""
    found = nets(name)
    for clamp in clamps:
        guards = [
            part
            for part in found.drawing.parts
            if part.kind == "arrester" and found.of(part.ref, "1") == found.named(clamp)
        ]
        assert [found.of(guard.ref, "2") == found.named("PE") for guard in guards] == [True], clamp


def test_each_lamp_has_a_series_resistor() -> None:
    """A light-emitting diode straight on a pin kills one or the other; 16 mA is a pin's most."""
    found = nets("hai-den")
    for pin, lamp in (("GPIO22", "L1"), ("GPIO23", "L2")):
        assert (3.3 - 1.8) / ohms(resistor(found, found.of("A1", pin), found.of(lamp, "A"))) < 0.016
        assert found.of(lamp, "K") == found.named("GND") == found.of("A1", "GND@14")
    assert found.of("L1, L2", "−") == found.of("V2, V3", "C") and found.of("L1, L2", "+") == found.named("+12 V")
    assert found.of("V2, V3", "E") == found.named("GND")
    assert ohms(resistor(found, found.named("từ chân"), found.of("V2, V3", "B"))) == 1000


def test_every_branch_of_the_battery_has_its_fuse() -> None:
    """H1, H3: nothing but the charger and fuses on the bus bar; the battery's own fuse at its plus."""
    found = nets("ac-quy")
    bus = found.of("U1", "+")
    assert found.terminals(bus) == {"U1:+", "F1:1", "F2:1", "F3:1", "F5:1", "F6:1", "F7:1"}
    assert found.of("F1", "2") == found.of("G1", "+")
    assert found.terminals(found.named("0 V")) >= {"G1:−", "U1:-", "U2:IN-", "0 V"}
    assert found.of("F6", "2") == found.of("U2", "IN+") and found.of("U2", "5V") == found.of("A1", "5V")


def test_the_mains_pass_the_rcd_before_anything_else() -> None:
    """H3: 30 mA in front of charger and surge protection; PE goes round it."""
    found = nets("ac-quy")
    assert found.terminals(found.named("L")) == {"L", "QF1:1"} and found.terminals(found.named("N")) == {"N", "QF1:3"}
    assert found.terminals(found.of("QF1", "2")) == {"QF1:2", "U1:L", "FV1:L"}
    assert found.terminals(found.of("QF1", "4")) == {"QF1:4", "U1:N", "FV1:N"}
    assert found.terminals(found.named("PE")) == {"PE", "U1:PE", "FV1:PE"}
    assert "30 mA" in found.drawing.of("QF1")[0].value


def test_the_isolator_stands_before_the_cut_off_box() -> None:
    """H5: what it opens is the striker's supply, and its own contact tells."""
    found = nets("cau-dao")
    assert found.reached(found.named("+12 V"), found.named("X1:1"), {"F2": TWO, "Q1": TWO})
    assert not found.reached(found.named("+12 V"), found.named("X1:1"), {"F2": TWO})
