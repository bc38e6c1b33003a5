"""Every mistake in the settings stops the start, named with line, reason and cure (R27, H18, section 8)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kengd.settings.find import load
from kengd.settings.problems import Problem, SettingsError

Write = Callable[..., str]
Change = tuple[str, str]

BUTTON = '\n[[gpio.buttons]]\nname = "{}"\npin = {}\ndoes = "{}"\n'
INPUT = '\n[[gpio.inputs]]\nname = "{}"\npin = {}\nmeans = "{}"\n'


def problems(config: str) -> tuple[Problem, ...]:
    """What is wrong; the settings must be refused with exit code 2."""
    with pytest.raises(SettingsError) as caught:
        load(config)
    assert (caught.value.exit_code, caught.value.code) == (2, "settings_invalid")
    return caught.value.problems


def found(config: str) -> list[tuple[str, str, int | None]]:
    """(code, where, line) of all problems."""
    return [(problem.code, problem.where, problem.line) for problem in problems(config)]


UNKNOWN = [
    (("commune =", "comune ="), "post.comune", 4, "commune"),
    (("alarm_s", "alarms_s"), "limits.alarms_s", 15, "alarm_s"),
    (("relay = { pin", "relay = { pins = 1, pin"), "gpio.relay.pins", 19, "pin"),
    (('kind = "striker"', 'kind = "striker"\nhold = 3'), "bell.hold", 13, "hold_ms"),
    (('at = "22:00"', 'at = "22:00"\nexept = []'), "timetable[1].exept", 33, "except"),
    (('kid = "k1"', 'kid = "k1"\nrevokd = true'), "hub.keys[1].revokd", 41, "revoked"),
    (('does = "hush"', 'does = "hush"\nplaces = "x"'), "gpio.buttons[2].places", 30, "place"),
    (("[limits]", "[limit]"), "limit", 14, "limits"),
    (
        ('use = "cong_lac"', 'use = "cong_lac"\n[codebook.signals.x]\nnames = "x"'),
        "codebook.signals.x.names",
        11,
        "name",
    ),
]


@pytest.mark.parametrize(("change", "where", "line", "near"), UNKNOWN)
def test_an_unknown_key_stops_the_start_with_its_line_and_the_nearest_known_key(
    write: Write, change: Change, where: str, line: int, near: str
) -> None:
    """R27: a key that does nothing is refused; the person sees the line and what was probably meant."""
    wrong = [problem for problem in problems(write(change)) if problem.code == "unknown_key"]
    assert [(problem.where, problem.line) for problem in wrong] == [(where, line)]
    assert f'"{near}"' in wrong[0].cure


VALUES: list[tuple[Change, str, int | None]] = [
    (('id = "thon-1"', 'id = "Thôn 1"'), "post.id", 5),
    (('id = "thon-1"', 'id = "all"'), "post.id", 5),
    (('id = "thon-1"', 'id = "a/b"'), "post.id", 5),
    (('id = "thon-1"', "id = 1"), "post.id", 5),
    (('commune = "cong-lac"', 'commune = "all"'), "post.commune", 4),
    (('name = "Kẻng thôn 1"', 'name = "a\\nb"'), "post.name", 6),
    (('use = "cong_lac"', 'use = "cong_lc"'), "codebook.use", 9),
    (('kind = "striker"', 'kind = "gong"'), "bell", 11),
    (('kind = "striker"', 'kind = "striker"\nhold_ms = 401'), "bell.hold_ms", 13),
    (('kind = "striker"', 'kind = "striker"\nhold_ms = "120"'), "bell.hold_ms", 13),
    (('kind = "striker"', 'kind = "striker"\nhold_ms = 120.5'), "bell.hold_ms", 13),
    (('kind = "striker"', 'kind = "striker"\nhold_ms = true'), "bell.hold_ms", 13),
    (('kind = "striker"', 'kind = "striker"\nhold_ms = inf'), "bell.hold_ms", 13),
    (('kind = "striker"', 'kind = "striker"\nurgent_every_ms = 200'), "bell", 11),
    (('kind = "striker"', 'kind = "striker"\nhold_ms = 300\nlongest_stroke_ms = 200'), "bell", 11),
    (('kind = "striker"', 'kind = "striker"\nquickening_from_ms = 290'), "bell", 11),
    (("alarm_s = 180", "alarm_s = 601"), "limits.alarm_s", 15),
    (("alarm_s = 180", "alarm_s = 999999999"), "limits.alarm_s", 15),
    (("alarm_s = 180", "alarm_s = 0"), "limits.alarm_s", 15),
    (("alarm_s = 180", "alarm_s = nan"), "limits.alarm_s", 15),
    (("alarm_s = 180", "alarm_s = 400"), "limits", 14),
    (("alarm_s = 180", "alarm_s = 10\ndrill_s = 301"), "limits", 14),
    (("alarm_s = 180", "hard_limit_s = 601"), "limits.hard_limit_s", 15),
    (('pins = "simulated"', 'pins = "mock"'), "gpio.pins", 18),
    (("pin = 17", "pin = 28"), "gpio.relay.pin", 19),
    (("pin = 17", "pin = 1"), "gpio.relay.pin", 19),
    (("pin = 17", "pin = 4"), "gpio.relay.pin", 19),
    (("pin = 17", "pin = 14"), "gpio.relay.pin", 19),
    (("pin = 5", "pin = 0"), "gpio.buttons[1].pin", 23),
    (('does = "alarm"', 'does = "alram"'), "gpio.buttons[1].does", 24),
    (('does = "alarm"', 'does = "alarm"\nhold_ms = 299'), "gpio.buttons[1].hold_ms", 25),
    (('does = "alarm"', 'does = "alarm"\nhold_ms = 3001'), "gpio.buttons[1].hold_ms", 25),
    (('does = "hush"', 'does = "hush"\nhold_ms = 1000'), "gpio.buttons[2].hold_ms", 30),
    (('at = "22:00"', 'at = "22h00"'), "timetable[1].at", 32),
    (('at = "22:00"', 'at = "24:00"'), "timetable[1].at", 32),
    (('signal = "curfew"', 'signal = "alarm"'), "timetable[1].signal", 33),
    (('signal = "curfew"', 'signal = "all_clear"'), "timetable[1].signal", 33),
    (('signal = "curfew"', 'signal = "curfw"'), "timetable[1].signal", 33),
    (('signal = "curfew"', 'signal = "curfew"\ndays = "t2-t9"'), "timetable[1].days", 34),
    (('signal = "curfew"', 'signal = "curfew"\ngrace_s = 3601'), "timetable[1].grace_s", 34),
    (('signal = "curfew"', 'signal = "curfew"\nexcept = ["30-04", "31/02"]'), "timetable[1].except[2]", 34),
    (('host = "127.0.0.1"', 'host = "bad host"'), "broker.host", 36),
    (('ca = "ca.pem"', "port = 0"), "broker.port", 37),
    (('ca = "ca.pem"', 'cert = "c.pem"'), "broker", 35),
    (('ca = "ca.pem"', 'ca = "ca.pem"\npassword_file = "p"'), "broker", 35),
    (('ca = "ca.pem"', 'ca = "ca.pem"\nversion = "4"'), "broker.version", 38),
    (('ca = "ca.pem"', "keepalive_s = 1"), "broker.keepalive_s", 37),
    (('public = "AAAA', 'public = "!AAA'), "hub.keys[1].public", 41),
    (('public = "AAAA', 'public = "AAAAAAAA'), "hub.keys[1].public", 41),
]


@pytest.mark.parametrize(("change", "where", "line"), VALUES)
def test_a_value_out_of_bounds_is_named_with_its_line(write: Write, change: Change, where: str, line: int) -> None:
    """R27: nan, inf, huge numbers, wrong types, unknown names and clashes are refused; one mistake is one problem."""
    assert found(write(change)) == [("value", where, line)]


MISSING: list[tuple[Change, str, int | None]] = [
    (('pins = "simulated"\n', ""), "gpio.pins", 17),
    (('id = "thon-1"\n', ""), "post.id", 3),
    (("relay = { pin = 17 }\n", ""), "gpio.relay", 17),
    (("pin = 17", "active_low = true"), "gpio.relay.pin", 19),
    (('host = "127.0.0.1"\n', ""), "broker.host", 35),
    (('kind = "striker"', "hold_ms = 120"), "bell.kind", 11),
    (
        ('use = "cong_lac"', 'use = "cong_lac"\n[codebook.signals.fog]\nname = "Sương"'),
        "codebook.signals.fog",
        10,
    ),
]


@pytest.mark.parametrize(("change", "where", "line"), MISSING)
def test_what_is_missing_is_named_at_its_table(write: Write, change: Change, where: str, line: int) -> None:
    """P11: above all there are no default pins; what must be said must be said."""
    assert found(write(change)) == [("missing", where, line)]


CLASHES: list[tuple[str, str, int]] = [
    (BUTTON.format("second", 17, "alarm"), "gpio.buttons[3].pin", 45),
    (BUTTON.format("second", 5, "alarm"), "gpio.buttons[3].pin", 45),
    (BUTTON.format("alarm", 7, "alarm"), "gpio.buttons[3].name", 44),
    ("\n[gpio.lamps]\nbell = 17\n", "gpio.lamps.bell", 44),
    ("\n[gpio.lamps]\nbell = 22\npolice = 22\n", "gpio.lamps.police", 45),
    (INPUT.format("rung", 6, "proof_of_sound"), "gpio.inputs[1].pin", 45),
    (INPUT.format("a", 24, "lid_open") + INPUT.format("b", 25, "lid_open"), "gpio.inputs[2].means", 51),
    (INPUT.format("a", 24, "lid_open") + INPUT.format("a", 25, "mains_lost"), "gpio.inputs[2].name", 49),
    ('\n[[hub.keys]]\nkid = "k1"\npublic = "' + "B" * 42 + 'A"\n', "hub.keys[2].kid", 44),
]


@pytest.mark.parametrize(("more", "where", "line"), CLASHES)
def test_two_uses_of_one_pin_or_name_clash(write: Write, more: str, where: str, line: int) -> None:
    """One pin has one use, and a name names one thing."""
    assert found(write(more=more)) == [("clash", where, line)]


REAL = ('pins = "simulated"', 'pins = "kengd"')


@pytest.mark.parametrize("pins", ["kengd", "lgpio"])
def test_what_only_simulated_pins_may_do_is_refused_on_real_ones(write: Write, pins: str) -> None:
    """P11, R36: a real post never takes its clock for granted and sends no edges about."""
    real = ('pins = "simulated"', f'pins = "{pins}"\nedge_udp = 9999')
    config = write(real, more='\n[clock]\nassume = "ntp"\n')
    assert found(config) == [("clash", "gpio.edge_udp", 19), ("clash", "clock.assume", 45)]


def test_pins_are_taken_from_the_settings_alone(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """P11: GPIOZERO_PIN_FACTORY has no effect, neither instead of the setting nor against it."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    assert load(write(REAL)).plan.pins == "kengd"
    assert found(write(('pins = "simulated"\n', ""))) == [("missing", "gpio.pins", 17)]


def signal(name: str, /, **fields: str) -> Change:
    """Put a signal into the codebook (its table stands on line 10)."""
    text = "".join(f'{key} = "{value}"\n' for key, value in fields.items())
    return ('use = "cong_lac"', f'use = "cong_lac"\n[codebook.signals.{name}]\n{text}'.rstrip())


CODES: list[tuple[list[Change], list[tuple[str, str, int | None]]]] = [
    ([signal("alarm", pattern="3 tieng")], [("value", "codebook.signals.alarm.pattern", 11)]),
    ([signal("curfew", pattern="10 tiếng mỗi tiếng 100 ms")], [("cannot_play", "codebook.signals.curfew.pattern", 11)]),
    ([signal("curfew", pattern="hú 3 giây")], [("cannot_play", "codebook.signals.curfew.pattern", 11)]),
    ([signal("curfew", pattern="(1 tiếng) đến khi dừng")], [("value", "codebook.signals.curfew.pattern", 11)]),
    ([signal("all_clear", pattern="(1 tiếng) đến khi dừng")], [("value", "codebook.signals.all_clear.pattern", 11)]),
    ([signal("alarm", kind="routine", pattern="3 tiếng")], [("value", "codebook.signals.alarm.kind", 11)]),
    (
        [signal("hush", kind="routine", name="x", pattern="1 tiếng")],
        [("value", "codebook.signals.hush", 10)],
    ),
    (
        [('use = "cong_lac"', 'use = "cong_lac"\nsignals.all_clear.remove = true')],
        [("missing", "codebook.signals.all_clear", 10)],
    ),
    (
        [('use = "cong_lac"', 'use = "cong_lac"\nsignals.nothing.remove = true')],
        [("value", "codebook.signals.nothing", 10)],
    ),
    ([('use = "cong_lac"', 'use = "cong_lac"\n[drill]\nprefix = "3 tieng"')], [("value", "drill.prefix", 11)]),
    (
        [('use = "cong_lac"', 'use = "cong_lac"\n[drill]\nprefix = "(1 tiếng) đến khi dừng"')],
        [("value", "drill.prefix", 11)],
    ),
    (
        [('use = "cong_lac"', 'use = "cong_lac"\n[drill]\nprefix = "hú 5 giây"')],
        [("cannot_play", "drill.prefix", 11)],
    ),
]


@pytest.mark.parametrize(("changes", "expected"), CODES)
def test_a_code_that_cannot_be_read_or_played_is_refused_with_its_line(
    write: Write, changes: list[Change], expected: list[tuple[str, str, int | None]]
) -> None:
    """Section 2: a pattern the bell cannot play is refused when the settings are read, never silently changed."""
    assert found(write(*changes)) == expected


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(write: Write) -> None:
    """R27: one look at the list is enough to put everything right."""
    config = write(("pin = 5", "pin = 17"), ('does = "hush"', 'does = "hsh"'), ('at = "22:00"', 'at = "25:00"'))
    assert found(config) == [
        ("clash", "gpio.buttons[1].pin", 23),
        ("value", "gpio.buttons[2].does", 29),
        ("value", "timetable[1].at", 32),
    ]
    with pytest.raises(SettingsError) as caught:
        load(config)
    assert all(f"dòng {line}" in caught.value.for_people() for line in (23, 29, 32))


def test_a_mistake_in_toml_itself_has_its_line(write: Write) -> None:
    """Section 8: `kengd check` names the line of what cannot be read at all."""
    assert found(write(("alarm_s = 180", "alarm_s = "))) == [("toml", "", 15)]
    assert found(write(more='\nx = "')) == [("toml", "", 43)]


def test_what_windows_writes_is_read_and_what_is_no_text_is_named(write: Write) -> None:
    """An installer edits the card on a Windows PC: mark and line ends of Notepad are no mistake, another encoding is."""
    from pathlib import Path

    config = Path(write())
    text = config.read_bytes()
    config.write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert load(str(config)).plan.name == "Kẻng thôn 1"
    config.write_bytes(text.replace("ẻ".encode(), b"\xfe"))
    assert found(str(config)) == [("toml", "", 6)]


def test_no_secret_is_repeated_in_a_complaint(write: Write) -> None:
    """P12: a long value (a key, a token) is not echoed."""
    secret = "s3cret" * 12
    with pytest.raises(SettingsError) as caught:
        load(write(more=f'\n[web]\ntoken_sha256 = "{secret}"\n'))
    assert secret not in caught.value.for_people() + caught.value.en
