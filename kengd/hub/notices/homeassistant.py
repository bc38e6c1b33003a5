"""Home Assistant finds each post by itself (MQTT device discovery), read-only: nothing here can ring. Pure; off by default.

One retained message `homeassistant/device/<id>/config` a post, and one state message that the hub makes from what the post
said. There is no command topic: Home Assistant's commands are unsigned. When the hub dies, the values expire there (P9).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Literal

from kengd.clock import iso_utc
from kengd.wire.status import Status
from kengd.wire.topics import check_slug

EXPIRE_S: Final = 180
"""The hub repeats the state every 60 s; after three misses Home Assistant shows nothing rather than something old."""
NOTHING: Final = "không"
"""Said in words: Home Assistant lets an empty value be, and would go on showing the one before."""
LONGEST_LIST: Final = 240
"""Home Assistant takes states of at most 255 characters."""


@dataclass(frozen=True, slots=True)
class HomePost:
    """A post as Home Assistant shows it. `page_url`: of its own page, "" = none."""

    commune: str
    post: str
    name: str
    area: str = ""
    version: str = ""
    page_url: str = ""


def state_topic(commune: str, post: str) -> str:
    """Where the hub puts the state; outside the tree of commands, so no right over those comes with it."""
    return f"kengd-ha/{check_slug(commune)}/{check_slug(post)}/state"


def discovery(post: HomePost, prefix: str = "homeassistant") -> tuple[str, bytes]:
    """Topic and payload of the retained discovery message. Raises UsageError `bad_slug`."""
    state, key = state_topic(post.commune, post.post), _key(post.commune, post.post)

    def sensor(platform: str, name: str, field: str, **more: str) -> dict[str, Any]:
        entity = {"platform": platform, "unique_id": f"{key}_{field}", "name": name, "state_topic": state}
        return entity | {"value_template": "{{ value_json." + field + " }}", "expire_after": EXPIRE_S} | more

    only_present = {
        "availability_topic": state,
        "availability_template": "{{ value_json.presence }}",
        "payload_available": "ON",
        "payload_not_available": "OFF",
    }
    device: dict[str, Any] = {
        "identifiers": [key],
        "name": post.name,
        "manufacturer": "kengd",
        "model": "điểm kẻng",
        "serial_number": f"{post.commune}/{post.post}",
    }
    if post.version:
        device["sw_version"] = post.version
    if post.area:
        device["suggested_area"] = post.area
    if post.page_url:
        device["configuration_url"] = post.page_url
    payload = {
        "device": device,
        "origin": {"name": "kengd"} | ({"sw_version": post.version} if post.version else {}),
        "qos": 1,
        "components": {
            "presence": sensor(
                "binary_sensor", "Kết nối", "presence", device_class="connectivity", entity_category="diagnostic"
            ),
            "sounding": sensor("binary_sensor", "Đang đánh", "sounding", device_class="sound", **only_present),
            "signal": sensor("sensor", "Hiệu lệnh", "signal", icon="mdi:bell-ring", **only_present),
            "proof": sensor("sensor", "Kiểm tiếng", "proof", entity_category="diagnostic", **only_present),
            "problem": sensor(
                "binary_sensor",
                "Sự cố",
                "problem",
                device_class="problem",
                entity_category="diagnostic",
                **only_present,
            ),
            "conditions": sensor("sensor", "Tình trạng", "conditions", entity_category="diagnostic", **only_present),
            "last_ring": sensor("sensor", "Lần đánh gần nhất", "last_ring", device_class="timestamp"),
        },
    }
    return _config_topic(prefix, key), _json(payload)


def forget(commune: str, post: str, prefix: str = "homeassistant") -> tuple[str, bytes]:
    """Topic and the empty retained payload that takes the device out again (setting switched off, post removed)."""
    return _config_topic(prefix, _key(check_slug(commune), check_slug(post))), b""


def state(status: Status | Literal["absent"], last_ring_ms: int | None = None) -> bytes:
    """What the post says about itself, and nothing more. `last_ring_ms`: unix ms of its last `ringing` entry, None = never."""
    last = None if last_ring_ms is None else iso_utc(last_ring_ms)
    if status == "absent":
        unknown = dict.fromkeys(("sounding", "signal", "proof", "problem", "conditions"))
        return _json({"presence": "OFF", **unknown, "last_ring": last})
    sounding = status.sounding
    sick = "; ".join(condition.vi for condition in status.conditions)
    return _json(
        {
            "presence": "ON",
            "sounding": "OFF" if sounding is None else "ON",
            "signal": NOTHING if sounding is None else f"{sounding.signal} ({sounding.purpose.value})",
            "proof": NOTHING if sounding is None else _PROOFS[sounding.proved],
            "problem": "ON" if any(condition.severity != "minor" for condition in status.conditions) else "OFF",
            "conditions": (sick if len(sick) <= LONGEST_LIST else sick[: LONGEST_LIST - 1] + "…") or "tốt",
            "last_ring": last,
        }
    )


_PROOFS = {
    True: "đã nghe tiếng",
    False: "rơ-le đã đóng, không nghe thấy tiếng",
    None: "rơ-le đã đóng, chưa kiểm được tiếng",
}


def _key(commune: str, post: str) -> str:
    return f"kengd_{commune}_{post}"


def _config_topic(prefix: str, key: str) -> str:
    return f"{prefix}/device/{key}/config"


def _json(data: dict[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
