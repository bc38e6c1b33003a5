"""A new hub: settings, authority, ledger, the broker's files and the first officer. Everything that a commune begins with."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from kengd.errors import KengdError, UsageError
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.broker import BrokerSettings, Listener
from kengd.hub.authority.brokerfiles import BrokerFiles
from kengd.hub.ledger.store import Ledger
from kengd.hub.people.people import People
from kengd.hub.settings import HubSettings, read_hub

SHELL: Final = "hub-shell"
"""The certificate of `kengd hub …` at a terminal: the broker knows each worker and the shell apart."""
BROKER_DIR: Final = "broker"
SETTINGS_OF: Final = "settings:"
"""Key in the ledger's values, with the post behind it: its settings as they were given out, without keys (for its rules sheet)."""


@dataclass(frozen=True, slots=True)
class Founded:
    """`password`: of the first officer, for one sign-in; it is shown once."""

    settings: HubSettings
    config: Path
    broker_config: str
    login: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a commune says of itself. `addresses`: names and addresses that posts call the broker by."""

    commune: str
    name: str
    addresses: tuple[str, ...]
    state: Path
    broker_port: int = 8883
    broker_host: str = "127.0.0.1"
    web_host: str = "127.0.0.1"
    web_port: int = 8080
    login: str = "quantri"
    database_url: str | None = None
    listen: str | None = None
    trial_port: int | None = None
    kid: str | None = None


def settings_text(wish: Wish) -> str:
    """`hub.toml` of a new hub."""
    database = f"\n[database]\nurl = {_text(wish.database_url)}\n" if wish.database_url else ""
    listen = "" if wish.listen is None else f"listen = {_text(wish.listen)}\n"
    listen += "" if wish.trial_port is None else f"trial_port = {wish.trial_port}\n"
    return f"""\
# Cài đặt máy trực ban xã. Sửa xong chạy: sudo systemctl restart kengd-hub
state_dir = {_text(wish.state)}

[commune]
id = {_text(wish.commune)}
name = {_text(wish.name)}
{database}
[broker]
host = {_text(wish.broker_host)}                 # máy chủ MQTT, nhìn từ máy này
port = {wish.broker_port}
names = {json.dumps(list(wish.addresses), ensure_ascii=False)}      # các điểm kẻng gọi tới máy này bằng tên, địa chỉ nào
{listen}# Nhiều tiến trình cùng trực trên một PostgreSQL (một tiến trình chết thì tiến trình khác làm tiếp): bỏ dấu # ở dòng dưới, rồi
# chép tệp này thành hub-2.toml với client = "hub-2" và web.port khác, chạy: kengd --config hub-2.toml hub serve
# shared = true

[web]
host = {_text(wish.web_host)}                 # "0.0.0.0": mở trang từ máy khác; khi đó nên có cert và key
port = {wish.web_port}

[duty]
call_after_s = 60                    # báo động chưa ai nhận: sau bao lâu gọi người kế tiếp
alarm_all = "confirm"                # hoặc "second_officer": báo động mọi điểm phải có cán bộ thứ hai
"""


def found(wish: Wish, config: Path, now_ms: int) -> Founded:
    """Make it. Raises UsageError `hub_exists` where there is one, SettingsError, and what the authority and ledger raise."""
    if config.exists():
        raise UsageError(
            "hub_exists",
            f"đã có {config}",
            cure="máy trực ban đã lập rồi; muốn lập lại từ đầu thì dời tệp ấy và thư mục dữ liệu đi",
            en=f"{config} exists",
        )
    text = settings_text(wish)
    settings = read_hub(text.encode(), config)
    try:
        settings.state.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as wrong:
        raise KengdError(
            "no_directory",
            f"không tạo được thư mục {settings.state} ({wrong.strerror})",
            cure="chạy bằng quyền root, hoặc chọn thư mục khác bằng --state",
            en=f"cannot make {settings.state}",
        ) from wrong
    names = tuple(dict.fromkeys((*wish.addresses, wish.broker_host)))  # the hub itself calls it by the last one
    authority = Authority.begin(settings.authority, wish.commune, wish.name, names, now_ms, kid=wish.kid)
    for name in (settings.broker.client, SHELL):
        authority.client_files(name, now_ms)
    files = write_broker(authority, settings)
    ledger = Ledger(settings.database_url)
    try:
        password = People(ledger, lambda: now_ms, secrets.token_bytes).first_officer(wish.login)
    finally:
        ledger.close()
    _write_new(config, text)
    return Founded(settings, config, str(files.config), wish.login, password)


def write_broker(authority: Authority, settings: HubSettings) -> BrokerFiles:
    """The broker's files as they have to be now: after each revocation and renewal, and when the hub's settings were changed.

    A broker that root starts becomes the user `mosquitto`, but on loopback: there it belongs to whoever tries it out.
    """
    broker = settings.broker
    tried_out = broker.listen is not None and ip_address(broker.listen).is_loopback
    user = "root" if os.getuid() == 0 and tried_out else None
    listener = Listener(broker.port, broker.listen)
    home = settings.homeassistant.prefix if settings.homeassistant.enabled else None
    wanted = BrokerSettings((listener,), user=user, open_port=broker.trial_port, home=home)
    return authority.write_broker(settings.state / BROKER_DIR, wanted)


def _write_new(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def _text(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)


def village_ids(names: Sequence[str]) -> dict[str, str]:
    """Village name → id: "Thôn Đông Hạ" → "thon-dong-ha"."""
    from kengd.hub.notices.gsm import plain_text

    found: dict[str, str] = {}
    for name in names:
        words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in plain_text(name).lower())
        found[name] = "-".join(words.split())[:40].strip("-") or "thon"
    return found
