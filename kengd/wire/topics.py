"""Topics of the wire, version 1: built and read in one place (DESIGN section 7). Pure."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, get_args

from kengd.errors import UsageError

VERSION = "1"
ALL = "all"
Leaf = Literal["command", "status", "entry"]

_LEAVES = get_args(Leaf)
_SLUG = re.compile(r"[a-z0-9-]{1,40}")


class Topic(NamedTuple):
    """A topic taken apart. `post` is "all" only where `leaf` is "command"."""

    commune: str
    post: str
    leaf: Leaf


def is_slug(text: str) -> bool:
    """True for a commune or post slug: `[a-z0-9-]{1,40}`, and not the reserved `all`."""
    return _SLUG.fullmatch(text) is not None and text != ALL


def check_slug(text: str) -> str:
    """The slug itself. Raises UsageError `bad_slug`."""
    if not is_slug(text):
        raise UsageError(
            "bad_slug",
            f"“{text[:60]}” không dùng làm mã xã hoặc mã điểm kẻng được",
            cure="chỉ dùng chữ thường không dấu, chữ số và gạch nối, 1–40 ký tự; “all” đã được dành riêng",
            en=f"{text[:60]!r} is not a slug: [a-z0-9-], 1 to 40 characters, not 'all'",
        )
    return text


def command_topic(commune: str, post: str) -> str:
    """Hub → one post."""
    return f"kengd/{VERSION}/{commune}/{post}/command"


def all_command_topic(commune: str) -> str:
    """Hub → all posts of the commune; `aud` says whom."""
    return f"kengd/{VERSION}/{commune}/{ALL}/command"


def status_topic(commune: str, post: str) -> str:
    """Post → hub, retained, and the Last Will."""
    return f"kengd/{VERSION}/{commune}/{post}/status"


def entry_topic(commune: str, post: str) -> str:
    """Post → hub: one journal entry."""
    return f"kengd/{VERSION}/{commune}/{post}/entry"


def echo_topic(commune: str, client: str) -> str:
    """A hub worker → itself: behind it comes what is said now (`kengd.hub.echo`)."""
    return f"kengd/{VERSION}/{commune}/{client}/echo"


def every_status(commune: str) -> str:
    """The hub's filter for the status of all posts."""
    return status_topic(commune, "+")


def every_entry(commune: str) -> str:
    """The hub's filter for the entries of all posts."""
    return entry_topic(commune, "+")


def parse_topic(topic: str) -> Topic | None:
    """The parts of a topic of this version, or None: another version, another shape, no slug (R49)."""
    parts = topic.split("/")
    if len(parts) != 5 or parts[0] != "kengd" or parts[1] != VERSION or parts[4] not in _LEAVES:
        return None
    _, _, commune, post, leaf = parts
    if not is_slug(commune) or not (is_slug(post) or (post == ALL and leaf == "command")):
        return None
    return Topic(commune, post, leaf)  # type: ignore[arg-type]  # just compared with the leaves
