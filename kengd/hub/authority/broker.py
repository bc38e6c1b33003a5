"""Text of mosquitto's settings and access list for a commune; those of the district above it are deploy/district/. Pure.
mosquitto 2.0.11 and 2.0.21.

A client is who its certificate says: the common name becomes its user name and its client id, so a post can neither speak for
another one nor take over its session. A refused subscription is confirmed all the same and merely brings nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kengd.errors import UsageError
from kengd.hub.authority.naming import address_of, check_server_names

ROOT = "kengd/1"
PORT = 8883
LARGEST_PACKET = 131_072
"""Bytes: the largest command is 48 KiB, and an entry may carry a codebook of 32 KiB in its detail."""
MOST_QUEUED_BYTES = 134_217_728
"""Per client, besides the number of messages: ten days of a commune's entries for a hub that is away fit in well, and a post that
says the largest things without end does not fill the machine. What is dropped is asked for again (`replay`)."""
MOST_IN_FLIGHT = 10_000
"""Per client. With 0 ("any") or 65535 a bridge of 2.0.11 names a receive maximum that the broker above takes for a protocol error."""
CONF, ACL, CA, CRL, SERVER, DATA = "mosquitto.conf", "acl", "ca.pem", "crl.pem", "server.pem", "data"
BRIDGE, BRIDGE_CA = "bridge.pem", "bridge-ca.pem"
_PATH = re.compile(r"/(?! )[^\x00-\x1f\x7f]*(?<! )")
_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,40}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the broker listens, always with TLS; `address` None: everywhere."""

    port: int = PORT
    address: str | None = None


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """`user`: whom mosquitto becomes when root starts it, None its own default ("mosquitto"). `log`: as after `log_dest`.

    `open_port`: for trials on one machine only: a listener on 127.0.0.1 without TLS and without rules; clients keep the names
    they give themselves, so that one certificate may be used twice; and a post's certificate may command, as anybody there may.
    `home`: Home Assistant's discovery prefix, None where the hub tells it nothing.
    """

    listeners: tuple[Listener, ...] = (Listener(),)
    user: str | None = None
    log: str = "stderr"
    open_port: int | None = None
    home: str | None = None


@dataclass(frozen=True, slots=True)
class Bridge:
    """The way up to a district's broker. `bundle`: the PEM that the district gave (`Authority.bridge_for`).

    `commands_down`: whether signed commands that come from the district reach this commune's posts.
    """

    host: str
    port: int = PORT
    commands_down: bool = False
    bundle: bytes = field(default=b"", repr=False)


def broker_conf(place: Path, settings: BrokerSettings) -> str:
    """mosquitto.conf; all other files lie beside it in `place`. Raises UsageError `bad_path`, `bad_listener`, `bad_user`."""
    base = _path(place)
    rules = ["allow_anonymous false", f"acl_file {base}/{ACL}"]
    lines = [  # log_type information would add a line about each save, every two seconds, for ever
        "# Do kengd viết ra; sửa ở đây sẽ mất ở lần ghi sau. Written by kengd; changes made here are lost.",
        *([] if settings.user is None else [f"user {_user(settings.user)}"]),
        "",
        f"per_listener_settings {'false' if settings.open_port is None else 'true'}",
        *([] if settings.open_port is not None else rules),
        "",
        "# The order is out in a moment, not after Nagle; and what was confirmed is on disk a second later.",
        "set_tcp_nodelay true",
        "persistence true",
        f"persistence_location {base}/{DATA}/",
        "autosave_interval 1",
        "persistent_client_expiration 14d",
        f"max_inflight_messages {MOST_IN_FLIGHT}",
        "max_queued_messages 100000",
        f"max_queued_bytes {MOST_QUEUED_BYTES}",
        f"max_packet_size {LARGEST_PACKET}",
        "",
        f"log_dest {_log(settings.log)}",
        *(f"log_type {kind}" for kind in ("error", "warning", "notice")),
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
        "connection_messages true",
        "",
    ]
    for listener in _listeners(settings.listeners):
        lines += [
            f"listener {listener.port}{'' if listener.address is None else f' {listener.address}'}",
            f"cafile {base}/{CA}",
            f"certfile {base}/{SERVER}",
            f"keyfile {base}/{SERVER}",
            f"crlfile {base}/{CRL}",
            "require_certificate true",
            "use_identity_as_username true",
            *(["use_username_as_clientid true"] if settings.open_port is None else rules),
            "",
        ]
    if settings.open_port is not None:
        lines += [f"listener {settings.open_port} 127.0.0.1", "allow_anonymous true", ""]
    return "\n".join(lines)


def commune_acl(commune: str, hub_names: Iterable[str], readers: Iterable[str], settings: BrokerSettings) -> str:
    """A post: its own topics and the commune's commands. Hub workers and shell: all of the commune, and what Home Assistant
    is told. A reader: what posts say of themselves and what Home Assistant is told, and not one word of its own."""
    root = f"{ROOT}/{commune}"
    home = _home(settings.home, commune)
    lines = [
        "# Do kengd viết ra. Written by kengd.",
        f"pattern read {root}/%u/command",
        f"pattern read {root}/all/command",
        f"pattern write {root}/%u/status",
        f"pattern write {root}/%u/entry",
        *([] if settings.open_port is None else [f"pattern readwrite {root}/#"]),
    ]
    for name in hub_names:
        lines += ["", f"user {name}", f"topic readwrite {root}/#", *(f"topic write {one}" for one in home)]
        lines += ["topic read $SYS/#"]
    for name in readers:  # patterns hold for them too: what those would allow is denied again, and a denial comes first
        lines += ["", f"user {name}", f"topic deny {root}/{name}/#", f"topic deny {root}/all/#"]
        lines += [f"topic read {one}" for one in (f"{root}/+/status", f"{root}/+/entry", *home)]
    return "\n".join(lines) + "\n"


def bridge_conf(place: Path, commune: str, bridge: Bridge) -> str:
    """The lines that a commune's mosquitto.conf has besides. Topics carry the commune, so nothing is renamed.

    Commands never go up, entries and statuses never come down: no message can go round. Raises UsageError.
    """
    base = _path(place)
    host = check_server_names([bridge.host])[0]
    if ":" in host:
        raise UsageError(
            "bad_bridge",
            "mosquitto không nối lên được địa chỉ IPv6 viết bằng số",
            cure="dùng tên máy hoặc địa chỉ IPv4 của huyện, tỉnh",
            en="mosquitto reads address:port, so an IPv6 address needs a name",
        )
    down = [f"topic +/command in 1 {ROOT}/{commune}/ {ROOT}/{commune}/"] if bridge.commands_down else []
    return "\n".join(
        [
            "connection district",
            f"address {host}:{_port(bridge.port)}",
            f"remote_clientid {commune}",
            "bridge_protocol_version mqttv50",
            "cleansession false",
            "start_type automatic",
            "restart_timeout 1 30",
            "keepalive_interval 20",
            "notifications_local_only true",
            "bridge_attempt_unsubscribe false",
            f"bridge_cafile {base}/{BRIDGE_CA}",
            f"bridge_certfile {base}/{BRIDGE}",
            f"bridge_keyfile {base}/{BRIDGE}",
            f"topic +/status out 1 {ROOT}/{commune}/ {ROOT}/{commune}/",
            f"topic +/entry out 1 {ROOT}/{commune}/ {ROOT}/{commune}/",
            *down,
            "",
        ]
    )


def _home(prefix: str | None, commune: str) -> tuple[str, ...]:
    """Where the hub tells Home Assistant of the posts: how to find them, and how they are."""
    if prefix is None:
        return ()
    if _PREFIX.fullmatch(prefix) is None:
        raise UsageError(
            "bad_prefix",
            f"tiền tố của Home Assistant không đúng: {prefix[:60]!r}",
            cure="thường là homeassistant",
            en="bad discovery prefix",
        )
    return (f"{prefix}/device/+/config", f"kengd-ha/{commune}/+/state")


def _listeners(listeners: Sequence[Listener]) -> Sequence[Listener]:
    wrong = not listeners or any(
        listener.address is not None and address_of(listener.address) is None for listener in listeners
    )
    if wrong:
        raise UsageError(
            "bad_listener",
            "địa chỉ nghe của máy chủ MQTT không đúng",
            cure="ghi một địa chỉ IP của máy này, hoặc bỏ trống để nghe ở mọi địa chỉ",
            en="bad listener address",
        )
    for listener in listeners:
        _port(listener.port)
    return listeners


def _port(port: int) -> int:
    if not 1 <= port <= 65_535:
        raise UsageError(
            "bad_port", f"cổng {port} không đúng", cure="dùng cổng từ 1 tới 65535, thường là 8883", en="bad port"
        )
    return port


def _path(place: Path) -> str:
    """mosquitto reads a path to the end of the line, quotes and all; spaces at its ends are lost."""
    if _PATH.fullmatch(str(place)) is None or not str(place).isprintable():
        raise UsageError(
            "bad_path",
            f"mosquitto không đọc được tên thư mục này: {str(place)[:200]!r}",
            cure="dùng đường dẫn đầy đủ, không có dấu cách ở cuối",
            en="bad directory name for mosquitto",
        )
    return str(place).rstrip("/")


def _user(name: str) -> str:
    if _USER.fullmatch(name) is None:
        raise UsageError(
            "bad_user", f"tên người dùng không đúng: {name[:40]!r}", cure="ví dụ: mosquitto", en="bad user name"
        )
    return name


def _log(where: str) -> str:
    kind, _, path = where.partition(" ")
    if kind == "file" and path:
        return f"file {_path(Path(path))}"
    if where not in ("stderr", "stdout", "syslog", "none"):
        raise UsageError(
            "bad_log",
            f"nơi ghi nhật ký không đúng: {where[:60]!r}",
            cure="dùng stderr, syslog, none, hoặc file /đường/dẫn",
            en="bad log_dest",
        )
    return where
