"""A new hub: settings, authority, ledger, the broker's files and the first officer. Everything that a commune begins with."""

from __future__ import annotations

import json
import logging
import os
import secrets
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from kengd.errors import KengdError, UsageError
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.broker import Bridge, BrokerSettings, Listener
from kengd.hub.authority.brokerfiles import BrokerFiles, bundle_in_force
from kengd.hub.ledger.store import Ledger
from kengd.hub.people.people import People
from kengd.hub.settings import District, HubSettings, read_hub

log = logging.getLogger("kengd.hub")

SHELL: Final = "hub-shell"
"""The certificate of `kengd hub …` at a terminal: the broker knows each worker and the shell apart."""
BROKER_DIR: Final = "broker"
SETTINGS_OF: Final = "settings:"
"""Key in the ledger's values, with the post behind it: its settings as they were given out, without keys (for its rules sheet)."""
ONE_WORKER: Final = """\
# Nhiều tiến trình cùng trực trên một PostgreSQL (một tiến trình chết thì tiến trình khác làm tiếp): bỏ dấu # ở dòng dưới, rồi
# chép tệp này thành hub-2.toml với client = "hub-2" và web.port khác, chạy: kengd --config hub-2.toml hub serve
# shared = true
"""
MOST_WORKERS: Final = 9


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
    """What a commune says of itself. `addresses`: names and addresses that posts call the broker by; `broker_host`: that the
    hub calls it by. `workers`: how many share one PostgreSQL."""

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
    workers: int = 1
    own_cert: bool = False


def settings_text(wish: Wish, worker: int = 1) -> str:
    """`hub.toml` of a new hub; of its second worker `hub-2.toml`, whose page has the next port."""
    database = f"\n[database]\nurl = {_text(wish.database_url)}\n" if wish.database_url else ""
    listen = "" if wish.listen is None else f"listen = {_text(wish.listen)}\n"
    listen += "" if wish.trial_port is None else f"trial_port = {wish.trial_port}\n"
    own_cert = "own_cert = true                      # HTTPS bằng chứng thư do chính xã cấp\n" if wish.own_cert else ""
    shared = f'client = "hub-{worker}"\nshared = true\n' if wish.workers > 1 else ONE_WORKER
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
{listen}{shared}
[web]
host = {_text(wish.web_host)}                 # "0.0.0.0": mở trang từ máy khác; khi đó nên có own_cert = true
port = {wish.web_port + worker - 1}
{own_cert}
[duty]
call_after_s = 60                    # báo động chưa ai nhận: sau bao lâu gọi người kế tiếp
alarm_all = "confirm"                # hoặc "second_officer": báo động mọi điểm phải có cán bộ thứ hai
"""


def found(wish: Wish, config: Path, now_ms: int) -> Founded:
    """Make it. Raises UsageError `hub_exists` where there is one, SettingsError, and what the authority and ledger raise."""
    texts = {_config_of(config, worker): settings_text(wish, worker) for worker in range(1, wish.workers + 1)}
    _check(wish, texts)
    settings = read_hub(texts[config].encode(), config)
    _check_place(config.parent)
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
    for name in (*(f"hub-{worker}" for worker in range(1, wish.workers + 1)), SHELL):
        authority.client_files(name, now_ms)
    files = write_broker(authority, settings)
    ledger = Ledger(settings.database_url)
    try:
        password = People(ledger, lambda: now_ms, secrets.token_bytes).first_officer(wish.login)
    finally:
        ledger.close()
    for path, text in texts.items():
        _write_new(path, text)
    return Founded(settings, config, str(files.config), wish.login, password)


def _config_of(config: Path, worker: int) -> Path:
    return config if worker == 1 else config.with_name(f"{config.stem}-{worker}{config.suffix}")


def _check(wish: Wish, configs: Iterable[Path]) -> None:
    for config in configs:
        if config.exists():
            raise UsageError(
                "hub_exists",
                f"đã có {config}",
                cure="máy trực ban đã lập rồi; muốn lập lại từ đầu thì dời tệp ấy và thư mục dữ liệu đi",
                en=f"{config} exists",
            )
    if wish.workers > 1 and not (wish.database_url or "").startswith("postgresql"):
        raise UsageError(
            "needs_postgresql",
            "nhiều tiến trình cùng trực thì phải dùng PostgreSQL",
            cure="thêm --database postgresql://…, hoặc bỏ --workers",
            en="several workers need PostgreSQL",
        )


def _check_place(directory: Path) -> None:
    """The settings are written last: without them keys and ledger would be of no use, and in the way of a second try."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as wrong:
        raise KengdError(
            "no_directory",
            f"không ghi được tệp cài đặt vào {directory} ({wrong.strerror})",
            cure="chạy bằng quyền root, hoặc chọn tệp khác: kengd --config TỆP hub begin …",
            en=f"cannot write into {directory}",
        ) from wrong


def write_broker(authority: Authority, settings: HubSettings) -> BrokerFiles:
    """The broker's files as they have to be now: after each revocation and renewal, and when the hub's settings were changed.

    A broker that root starts becomes the user `mosquitto`, but on loopback: there it belongs to whoever tries it out.
    A district's file that cannot be read is said in the log, and the way up stays as it was: whoever is to be shut out of this
    commune now must not stay in because of it.
    """
    broker = settings.broker
    tried_out = broker.listen is not None and ip_address(broker.listen).is_loopback
    user = "root" if os.getuid() == 0 and tried_out else None
    listener = Listener(broker.port, broker.listen)
    home = settings.homeassistant.prefix if settings.homeassistant.enabled else None
    wanted = BrokerSettings((listener,), user=user, open_port=broker.trial_port, home=home)
    place = settings.state / BROKER_DIR
    above = settings.district
    if above is None:
        return authority.write_broker(place, wanted)
    try:
        return authority.write_broker(place, wanted, bridge=_bridge(above, _bundle(above)))
    except KengdError as wrong:
        if wrong.code not in ("no_bundle", "bad_bridge"):
            raise
        before = bundle_in_force(place)
        log.error("the way up to the district %s: %s", "stays as it was" if before else "is not there", wrong)
        return authority.write_broker(place, wanted, bridge=None if before is None else _bridge(above, before))


def _bridge(above: District, bundle: bytes) -> Bridge:
    return Bridge(above.host, above.port, above.commands_down, bundle)


def _bundle(above: District) -> bytes:
    try:
        return Path(above.bundle).read_bytes()
    except OSError as wrong:
        raise KengdError(
            "no_bundle",
            f"không đọc được tệp nối lên huyện, tỉnh {above.bundle} ({wrong.strerror})",
            cure="chép tệp mà huyện, tỉnh đã cấp vào đó, hoặc bỏ bảng [district] trong hub.toml",
            en=f"cannot read {above.bundle}",
        ) from wrong


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
