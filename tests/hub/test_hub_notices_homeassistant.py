"""Home Assistant sees each post and can ring none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kengd.duty.health import condition
from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.errors import UsageError
from kengd.hub.notices.homeassistant import HomePost, discovery, forget, state, state_topic
from kengd.wire.status import Status
from kengd.wire.topics import parse_topic

POST = HomePost("cong-lac", "dong-cao", "Kẻng Đông Cao", "Đông Cao", "1.0", "http://10.0.0.7:8080/")
STATUS = Status(
    at_ms=0,
    clock="ntp",
    nonce="ab" * 16,
    book="b",
    seq=1,
    hash="0" * 64,
    version="1.0",
    codebook_version=1,
    timetable_version=1,
)


def test_one_retained_message_describes_the_device_and_its_read_only_entities() -> None:
    """STACK 10: homeassistant/device/<id>/config with device, origin and components."""
    topic, payload = discovery(POST)
    said = json.loads(payload)
    assert topic == "homeassistant/device/kengd_cong-lac_dong-cao/config"
    assert (set(said), said["device"]["name"], said["origin"]["name"]) == (
        {"device", "origin", "qos", "components"}, "Kẻng Đông Cao", "kengd",
    )  # fmt: skip
    assert {name: entity["platform"] for name, entity in said["components"].items()} == {
        "presence": "binary_sensor", "sounding": "binary_sensor", "signal": "sensor", "proof": "sensor",
        "problem": "binary_sensor", "conditions": "sensor", "last_ring": "sensor",
    }  # fmt: skip
    ids = [entity["unique_id"] for entity in said["components"].values()]
    assert len(set(ids)) == len(ids) == 7


def test_nothing_in_it_can_ring() -> None:
    """Home Assistant's commands are unsigned: there is no command topic, and no topic in the tree of commands."""
    _, payload = discovery(POST)
    keys: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            keys.extend(value)
            for item in value.values():
                walk(item)

    walk(json.loads(payload))
    assert [key for key in keys if "command" in key or "press" in key] == []
    assert {entity["state_topic"] for entity in json.loads(payload)["components"].values()} == {
        state_topic("cong-lac", "dong-cao")
    }
    assert parse_topic(state_topic("cong-lac", "dong-cao")) is None


def test_every_template_reads_a_field_that_the_state_has() -> None:
    """In both shapes of the state."""
    fields = {
        entity["value_template"].removeprefix("{{ value_json.").removesuffix(" }}")
        for entity in json.loads(discovery(POST)[1])["components"].values()
    }
    assert fields == set(json.loads(state(STATUS))) == set(json.loads(state("absent")))


@pytest.mark.parametrize(
    ("proved", "words"),
    [
        (True, "đã nghe tiếng"),
        (False, "rơ-le đã đóng, không nghe thấy tiếng"),
        (None, "rơ-le đã đóng, chưa kiểm được tiếng"),
    ],
)
def test_a_ringing_post_says_whether_it_was_heard(proved: bool | None, words: str) -> None:
    """P9: what the post said and nothing more."""
    sounding = Sounding("a1", "alarm", Purpose.DRILL, Source.HUB, 0, proved)
    status = Status(**{name: getattr(STATUS, name) for name in STATUS.__slots__} | {"sounding": sounding})
    assert json.loads(state(status, 1_796_223_900_000)) == {
        "presence": "ON", "sounding": "ON", "signal": "alarm (drill)", "proof": words, "problem": "OFF", "conditions": "tốt",
        "last_ring": "2026-12-02T15:05:00.000Z",
    }  # fmt: skip


def test_of_an_absent_post_nothing_is_claimed_but_its_last_ring() -> None:
    """P9: absent is not silent."""
    assert json.loads(state("absent", 0)) == {
        "presence": "OFF", "sounding": None, "signal": None, "proof": None, "problem": None, "conditions": None,
        "last_ring": "1970-01-01T00:00:00.000Z",
    }  # fmt: skip


def test_conditions_are_in_words_and_fit_home_assistants_255_characters() -> None:
    """Longer states are refused there; the nonce goes nowhere."""
    sick = tuple(
        condition(code, "nút cổng đình") for code in ("battery_low", "button_stuck", "lid_open", "too_hot") * 5
    )
    status = Status(**{name: getattr(STATUS, name) for name in STATUS.__slots__} | {"conditions": sick})
    said = json.loads(state(status))
    assert said["problem"] == "ON" and len(said["conditions"]) <= 255
    assert b"abab" not in state(status)


def test_switched_off_the_device_is_taken_out_again() -> None:
    """An empty retained payload on the same topic."""
    assert forget("cong-lac", "dong-cao") == (discovery(POST)[0], b"")


def test_what_is_no_slug_makes_no_topic() -> None:
    """No wildcard gets into a topic."""
    with pytest.raises(UsageError):
        state_topic("cong-lac", "+")
