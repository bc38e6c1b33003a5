"""Slips of the pen that TOML itself does not bear, each said in Vietnamese with the cure that fits; keys as people copy them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from kengd.office.lines import revoked_out
from kengd.settings.find import load
from kengd.settings.mistyped import said
from kengd.settings.problems import Problem, SettingsError

Write = Callable[..., str]


def first(config: str) -> Problem:
    with pytest.raises(SettingsError) as caught:
        load(config)
    assert len(caught.value.problems) == 1, "one slip, one complaint"
    return caught.value.problems[0]


SLIPS = [
    (('id = "thon-1"', 'id = "thon-1'), 5, "thiếu dấu nháy đóng", '"…"'),
    (('id = "thon-1"', "id = thon-1"), 5, "không đọc được giá trị", '"…"'),
    (('id = "thon-1"', "id = “thon-1”"), 5, "dấu nháy cong", "dấu nháy thẳng"),
    (('id = "thon-1"', 'id "thon-1"'), 5, "sau tên thiếu dấu =", "tên viết liền"),
    (('id = "thon-1"', 'tên = "thon-1"'), 5, "tên viết sai hoặc", "không dấu"),
    (('id = "thon-1"', 'id = "thon-1"\nid = "thon-2"'), 6, "đã ghi một lần", "chỉ giữ một dòng"),
    (("[limits]", "[post]"), 14, "đã ghi một lần", "gộp hai bảng"),
    (("[limits]", "[limits"), 14, "thiếu dấu ]", "[limits]"),
    (("[[timetable]]", "[[timetable]"), 31, "thiếu dấu ]]", "[[timetable]]"),
    (('at = "22:00"', "at = 22:00"), 32, "thừa chữ", '"05:00"'),
    (("pin = 5", "pin = GPIO5"), 23, "không đọc được giá trị", "số viết liền"),
]


@pytest.mark.parametrize(("change", "line", "vi", "cure"), SLIPS)
def test_a_slip_of_the_pen_is_said_with_its_line_and_the_cure_that_fits(
    write: Write, change: tuple[str, str], line: int, vi: str, cure: str
) -> None:
    """The installer knows neither TOML nor English."""
    problem = first(write(change))
    assert problem.line == line
    assert vi in problem.vi and cure in problem.cure
    assert not re.search(r"[A-Z][a-z]+ [a-z]+ [a-z]+", problem.vi), "no English sentence"


def test_what_tomllib_may_say_tomorrow_is_still_told() -> None:
    """Words of a newer Python that are not in the table are shown as they are."""
    assert said("Brand new complaint", "x") == (
        "viết sai cách TOML (Brand new complaint)",
        'mỗi dòng là: tên = giá trị; chữ đặt trong dấu nháy "…"; tên bảng đặt trong […]',
    )


def test_a_pattern_that_cannot_be_read_is_told_once_not_again_by_whoever_rings_it(write: Write) -> None:
    """One mistake, one complaint: not also that the timetable and a button name a signal that is not there."""
    new = '[codebook.signals.wake]\nkind = "routine"\nname = "Báo thức"\npattern = "2 tieng"\n\n[bell]'
    use = '\n[[timetable]]\nat = "05:00"\nsignal = "wake"\n[[gpio.buttons]]\nname = "w"\npin = 9\ndoes = "wake"\n'
    assert first(write(("[bell]", new), more=use)).where == "codebook.signals.wake.pattern"


@pytest.mark.parametrize(
    ("signal", "vi", "cure"),
    [
        ("wake", "bảng hiệu lệnh không có", "[codebook.signals.wake]"),
        ("alarm", "không bao giờ đánh theo giờ", "curfew"),
    ],
)
def test_a_signal_that_is_not_there_and_one_that_no_clock_rings_are_two_mistakes(
    write: Write, signal: str, vi: str, cure: str
) -> None:
    """Who wants to be woken by cong_lac learns that the codebook has no such signal, and how to write it."""
    problem = first(write(('signal = "curfew"', f'signal = "{signal}"')))
    assert problem.where == "timetable[1].signal"
    assert vi in problem.vi and cure in problem.cure


KEY = "__8AAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxw"


@pytest.mark.parametrize("written", [KEY, KEY + "=", KEY.replace("_", "/"), KEY.replace("_", "/") + "="])
def test_a_key_that_is_accepted_is_one_that_the_office_can_read(write: Write, written: str) -> None:
    """A key copied from another tool's base64 once passed `kengd check` and then kept the office from starting."""
    loaded = load(write(more=f'\n[[hub.keys]]\nkid = "k9"\npublic = "{written}"\n'))
    assert loaded.hub_keys[-1].public == KEY
    assert revoked_out(loaded.office_plan).key("k9") is not None


@pytest.mark.parametrize("written", [KEY[:-1] + "x", KEY[:-4], KEY + "AA", "-----BEGIN PUBLIC KEY-----", "…"])
def test_a_key_that_the_office_could_not_read_is_refused_with_a_cure(write: Write, written: str) -> None:
    """The last one but two has spare bits set: the wire knows one spelling only."""
    problem = first(write(more=f'\n[[hub.keys]]\nkid = "k9"\npublic = "{written}"\n'))
    assert problem.where.startswith("hub.keys[") and "chép nguyên vẹn" in problem.cure


def test_a_relay_on_the_serial_ports_other_pin_is_warned_of(write: Write) -> None:
    """R10: GPIO 15 is pulled up while the serial console is on; 14 is refused, 17 is good."""
    warned = load(write(("pin = 17", "pin = 15"))).warnings
    assert [item.where for item in warned if "nối tiếp" in item.vi] == ["gpio.relay.pin"]


def test_the_brokers_address_is_asked_for_without_a_pattern_of_signs(write: Write) -> None:
    """No regular expression for people."""
    for host in ("10.0.0. 1", "mqtt://10.0.0.1:8883"):
        problem = first(write(('host = "127.0.0.1"', f'host = "{host}"')))
        assert problem.where == "broker.host" and "mqtt://" in problem.cure and "^" not in problem.cure
