"""The hub's settings file, `hub.toml`. An unknown key stops the start; bound, unit and reason stand beside the field."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import StringConstraints, ValidationError, model_validator

from kengd.errors import UsageError
from kengd.hub.settings_outward import Camera, CapFrom, CapOut, HomeAssistant, Sms, Webhook
from kengd.settings.explain import problems_of
from kengd.settings.field import FilePath, Section, Slug, Words, Wrong, setting
from kengd.settings.find import toml_of
from kengd.settings.lines import key_lines
from kengd.settings.problems import Problem, SettingsError

SYSTEM_CONFIG: Final = "/etc/kengd/hub.toml"
VARIABLE: Final = "KENGD_HUB_CONFIG"
LARGEST: Final = 1 << 20
MEND: Final = "sửa các chỗ trên trong tệp ấy rồi làm lại; dịch vụ thì chạy: sudo systemctl restart kengd-hub"
BEGIN: Final = "kengd hub begin --commune MÃ_XÃ --name TÊN_XÃ --address ĐỊA_CHỈ"
"""The command that makes a hub.toml where there is none."""


Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
HubName = Annotated[str, StringConstraints(pattern=r"^hub-[1-9][0-9]{0,2}$")]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class Commune(Section):
    """Xã mà máy trực ban này phục vụ."""

    id: Slug = setting(..., "mã xã, như trong tệp của điểm kẻng", "slug of the commune")
    name: Words = setting(..., "tên xã", "its name")
    office: Words = setting("Công an xã", "tên đơn vị, in trên báo cáo", "the unit, as reports print it")


class Database(Section):
    """Nơi giữ sổ. Không ghi gì thì dùng SQLite trong state_dir."""

    url: Secret | None = setting(
        None, "postgresql://… khi có nhiều máy trực ban hoặc nhiều xã", "PostgreSQL for several workers"
    )


class HubBroker(Section):
    """Máy chủ MQTT của xã."""

    host: Host = setting("127.0.0.1", "máy chủ MQTT, nhìn từ máy trực ban", "the broker, as the hub reaches it")
    port: int = setting(8883, "cổng", "port", ge=1, le=65_535)
    names: list[Host] = setting(
        ...,
        "tên và địa chỉ mà các điểm kẻng gọi tới máy này",
        "names and addresses that the posts use",
        min_length=1,
        max_length=20,
    )
    tls: bool = setting(
        True, "mã hoá và xác thực bằng chứng thư", "TLS with certificates; off only for trials on loopback"
    )
    listen: Host | None = setting(
        None, "mosquitto chỉ nghe ở địa chỉ này; không ghi thì nghe ở mọi địa chỉ", "the broker listens here only"
    )
    trial_port: int | None = setting(
        None,
        "chỉ để chạy thử: thêm một cổng không mã hoá trên chính máy này",
        "for trials: a listener without TLS on loopback",
        ge=1,
        le=65_535,
    )
    client: HubName = setting(
        "hub-1",
        'tên của tiến trình này ở máy chủ MQTT; tiến trình thứ hai có tệp cài đặt riêng: chỉ khác client = "hub-2" và web.port',
        "this worker's name at the broker; a second worker has a settings file of its own, which differs in client and web.port",
    )
    shared: bool = setting(
        False,
        "true khi nhiều tiến trình chia nhau một cơ sở dữ liệu PostgreSQL, trong tệp của mỗi tiến trình",
        "several workers share one PostgreSQL: in each one's file",
    )
    keepalive_s: int = setting(8, "bao lâu không thấy gì thì hỏi thăm", "keepalive", unit="s", ge=2, le=300)

    @model_validator(mode="after")
    def plain_only_at_home(self) -> Self:
        """Without TLS anybody on the network could listen and speak (P12)."""
        if not self.tls and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise Wrong(
                "tls = false chỉ dùng được với máy chủ ngay trên máy này", 'bỏ dòng tls, hoặc host = "127.0.0.1"'
            )
        return self


class District(Section):
    """Máy chủ MQTT của huyện, tỉnh mà máy chủ của xã nối lên. Xã vẫn chạy khi không nối được."""

    host: Host = setting(
        ..., "tên hoặc địa chỉ IPv4 của máy chủ ấy", "the district's broker, by the name in its certificate"
    )
    port: int = setting(8883, "cổng", "port", ge=1, le=65_535)
    bundle: FilePath = setting(..., "tệp mà huyện, tỉnh đã cấp cho xã này", "what `hub keys bridge` made there; secret")
    commands_down: bool = setting(
        False, "cho lệnh của huyện, tỉnh xuống tới điểm kẻng của xã", "whether its signed commands reach the posts"
    )


class HubWeb(Section):
    """Nơi cán bộ trực mở trang và nơi các máy khác gọi API."""

    host: Host = setting("127.0.0.1", "địa chỉ nghe", "address")
    port: int = setting(8080, "cổng; 0 là cổng bất kỳ còn trống", "port", ge=0, le=65_535)
    cert: FilePath | None = setting(None, "chứng thư HTTPS (PEM)", "certificate")
    key: FilePath | None = setting(None, "khoá của chứng thư đó (PEM)", "its key")
    own_cert: bool = setting(
        False, "dùng chứng thư HTTPS do chính xã cấp, tự gia hạn", "HTTPS by the commune's own authority"
    )
    origin: Words | None = setting(
        None, "địa chỉ mà trình duyệt thấy, khi có máy trung gian", "what browsers see behind a proxy"
    )

    @model_validator(mode="after")
    def in_pairs(self) -> Self:
        """Certificate and key come together."""
        if (self.cert is None) != (self.key is None):
            raise Wrong("cert và key phải đi với nhau", "ghi cả hai, hoặc bỏ cả hai")
        if self.own_cert and self.cert is not None:
            raise Wrong("own_cert và cert không đi với nhau", "bỏ một trong hai")
        return self

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by HTTPS."""
        return self.own_cert or self.cert is not None or (self.origin or "").startswith("https://")


class Duty(Section):
    """Quy tắc trực."""

    call_after_s: int = setting(
        60,
        "báo động chưa ai nhận thì sau bao lâu gọi người kế tiếp",
        "an alarm nobody takes: next person",
        unit="s",
        ge=10,
        le=3600,
    )
    alarm_all: Literal["confirm", "second_officer"] = setting(
        "confirm", "báo động mọi điểm: xác nhận hai bước, hay phải có cán bộ thứ hai", "alarm for all posts: R62"
    )
    alone_after_s: int = setting(
        20, "cán bộ thứ hai không có mặt: sau bao lâu một người phát được, có ghi lý do", "H14", unit="s", ge=5, le=600
    )
    silent_test_at: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = setting(
        "03:30", "giờ kiểm tra không kêu mỗi đêm", "the nightly silent test"
    )
    test_within_s: int = setting(
        120, "điểm không trả lời trong bao lâu là hỏng", "a silent test must answer", unit="s", ge=10, le=600
    )
    keep_personal_days: int = setting(
        365, "giữ số điện thoại người đã nghỉ bao lâu", "personal data of those who left", unit="ngày", ge=1, le=3650
    )


class HubSettings(Section):
    """Cả tệp."""

    state_dir: FilePath = setting("/var/lib/kengd-hub", "nơi giữ sổ, khoá, bản sao lưu", "state")
    commune: Commune = setting(..., "xã mà máy trực ban này phục vụ", "the commune")
    database: Database = setting(Database(), "nơi giữ sổ", "where the ledger is")
    broker: HubBroker = setting(..., "máy chủ MQTT của xã", "the commune's broker")
    district: District | None = setting(None, "nối lên huyện, tỉnh; không ghi là không nối", "the bridge upwards")
    web: HubWeb = setting(HubWeb(), "trang và API", "the desk")
    duty: Duty = setting(Duty(), "quy tắc trực", "rules of duty")
    sms: Sms | None = setting(None, "nhắn SMS; không có bảng này là không nhắn", "SMS; without the table there is none")
    webhooks: list[Webhook] = setting([], "các máy chủ được báo tin", "servers that are told", max_length=20)
    cameras: list[Camera] = setting([], "các camera của Frigate", "cameras to be marked", max_length=200)
    homeassistant: HomeAssistant = setting(HomeAssistant(), "Home Assistant", "Home Assistant")
    cap: CapOut = setting(CapOut(), "bản tin CAP", "CAP alerts")
    cap_from: list[CapFrom] = setting([], "các nguồn bản tin CAP", "who may propose alerts by CAP", max_length=20)

    @model_validator(mode="after")
    def shared_by_postgresql(self) -> Self:
        """SQLite is for one machine and one service: workers would wait for each other's writes, and lose them with its disk."""
        if self.broker.shared and not (self.database.url or "").startswith("postgresql"):
            raise Wrong(
                "nhiều tiến trình (broker.shared) phải dùng chung một PostgreSQL",
                'ghi [database] url = "postgresql://…" trong tệp của mỗi tiến trình, hoặc bỏ dòng shared',
            )
        return self

    @property
    def state(self) -> Path:
        """The state directory."""
        return Path(self.state_dir)

    @property
    def authority(self) -> Path:
        """CA, certificates, signing keys."""
        return self.state / "authority"

    @property
    def database_url(self) -> str:
        """SQLite in the state directory unless told otherwise."""
        return self.database.url or f"sqlite:///{self.state / 'ledger.sqlite'}"


def file_of(config: str | None) -> Path:
    """Where `load_hub` reads them from."""
    return Path(config or os.environ.get(VARIABLE) or SYSTEM_CONFIG)


def load_hub(config: str | None) -> HubSettings:
    """`--config`, $KENGD_HUB_CONFIG, else /etc/kengd/hub.toml. Raises UsageError `no_settings`, SettingsError with all lines."""
    path = file_of(config)
    try:
        raw = path.read_bytes()[: LARGEST + 1]
    except OSError as wrong:
        missing = isinstance(wrong, FileNotFoundError)
        raise UsageError(
            "no_settings",
            f"không đọc được tệp cài đặt của máy trực ban {path} ({wrong.strerror})",
            cure=f"chỉ ra tệp bằng --config TỆP; chưa lập máy trực ban thì chạy: {BEGIN}"
            if missing
            else "chạy lại bằng người dùng được đọc tệp ấy (thường là sudo -u kengd-hub), hoặc chỉ ra tệp bằng --config TỆP",
            en=f"cannot read {path}: {wrong.strerror}",
        ) from wrong
    return read_hub(raw, path)


def read_hub(raw: bytes, path: Path) -> HubSettings:
    """These bytes as the file at `path`; relative paths in it begin there. Raises SettingsError."""
    if len(raw) > LARGEST:
        raise SettingsError(str(path), [Problem("toml", "", "tệp dài quá 1 MiB")], MEND)
    try:
        text, data = toml_of(raw, str(path))
    except SettingsError as wrong:
        raise SettingsError(str(path), wrong.problems, MEND) from None
    lines = key_lines(text)
    try:
        found = HubSettings.model_validate(data)
    except ValidationError as wrong:
        raise SettingsError(str(path), problems_of(wrong, lines, HubSettings), MEND) from None
    here = path.resolve().parent
    web = found.web.model_copy(update={name: _from(here, getattr(found.web, name)) for name in ("cert", "key")})
    above = found.district
    if above is not None:
        above = above.model_copy(update={"bundle": _from(here, above.bundle)})
    return found.model_copy(update={"state_dir": _from(here, found.state_dir), "web": web, "district": above})


def _from(here: Path, path: str | None) -> str | None:
    return None if path is None else str(here / path)
