"""The settings file as typed tables: each field with its bound, its unit and its reason. Only short-lived processes import this."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from kengd.settings.bell import Bell, Striker
from kengd.settings.broker import Broker, KeyFile
from kengd.settings.field import FilePath, Name, Section, Slug, Words, Wrong, setting
from kengd.settings.gpio import Gpio
from kengd.wire.strict import decode_base64url, encode_base64url


def _not_all(slug: str) -> str:
    if slug == "all":
        raise Wrong('"all" dành riêng cho lệnh gửi cả xã, không đặt làm tên được', "chọn tên khác")
    return slug


class Post(Section):
    """Điểm kẻng này là ai."""

    commune: Slug = setting(..., "tên mã của xã, chữ thường không dấu", "slug of the commune, in topics and audiences")
    id: Slug = setting(
        ..., "tên mã của điểm kẻng trong xã, mỗi điểm một tên", "slug of this post, unique in the commune"
    )
    name: Words = setting(..., "tên người dân gọi", "the name people use")
    villages: list[Words] = setting(
        [], "các thôn nghe kẻng này (có thể để trống)", "villages served, may be none", max_length=50
    )

    _reserved = field_validator("commune", "id")(_not_all)


class SignalOverride(Section):
    """Sửa, thêm hoặc bỏ một hiệu lệnh của bảng có sẵn."""

    kind: Literal["alarm", "support", "all_clear", "curfew", "routine"] | None = setting(
        None, "loại hiệu lệnh", "kind of the signal"
    )
    name: Words | None = setting(None, "tên gọi", "name, Vietnamese")
    name_en: Words | None = setting(None, "tên tiếng Anh", "name, English")
    meaning: Words | None = setting(None, "dân nghe thì làm gì", "what people do when they hear it")
    pattern: Annotated[str, Field(max_length=500)] | None = setting(
        None, "cách đánh, viết như người giữ kẻng nói", "the pattern in the notation"
    )
    remove: bool = setting(False, "bỏ hiệu lệnh này khỏi bảng", "take this signal out of the codebook")


class CodebookSettings(Section):
    """Bảng hiệu lệnh."""

    use: Name = setting("cong_lac", "bảng hiệu lệnh có sẵn để bắt đầu", "ready-made codebook to start from")
    signals: dict[Name, SignalOverride] = setting(
        {}, "các hiệu lệnh khác với bảng có sẵn", "signals that differ from it", max_length=40
    )


_KEY_CURE = "xin lại xã dòng public = … rồi chép nguyên vẹn: 43 chữ và số, không phải tệp .pem"


class HubKey(Section):
    """Một khoá công khai của máy trực ban xã."""

    kid: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = setting(..., "tên khoá", "key id")
    public: Annotated[str, Field(max_length=64)] = setting(
        ..., "khoá công khai Ed25519: 32 byte, base64url", "Ed25519 public key: raw 32 bytes, base64url"
    )
    revoked: bool = setting(
        False, "khoá đã thu hồi: lệnh ký bằng khoá này bị từ chối", "revoked: its commands are refused"
    )

    @field_validator("public")
    @classmethod
    def is_a_key(cls, value: str) -> str:
        """32 bytes, in either base64 alphabet, with or without the trailing `=`; kept as `kengd.wire` reads it."""
        try:
            raw = decode_base64url(value.rstrip("=").replace("+", "-").replace("/", "_").encode())
        except ValueError:
            raise Wrong("không phải khoá công khai viết bằng base64url", _KEY_CURE) from None
        if len(raw) != 32:
            raise Wrong(f"khoá Ed25519 phải đúng 32 byte, đây là {len(raw)} byte", _KEY_CURE)
        return encode_base64url(raw).decode()


class Hub(Section):
    """Máy trực ban Công an xã."""

    keys: list[HubKey] = setting(
        [],
        "các khoá được nhận lệnh; nhiều khoá cùng lúc khi đổi khoá",
        "keys whose commands are taken; several during rotation",
        max_length=16,
    )


class Web(Section):
    """Trang trên máy ở điểm kẻng."""

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,253}$")] = setting(
        "127.0.0.1", "địa chỉ nghe", "address to listen on"
    )
    port: int = setting(8480, "cổng", "port", ge=1, le=65_535)
    token_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = setting(
        None,
        "SHA-256 của mã truy nhập; không có thì trang chỉ để xem",
        "SHA-256 of the access token; without it the page only shows",
    )
    tls_port: int | None = setting(
        None,
        "cổng HTTPS, mở bên cạnh cổng thường; cần cert và key",
        "port for HTTPS beside the plain one; needs cert and key",
        ge=1,
        le=65_535,
    )
    cert: KeyFile | None = setting(
        None, "chứng thư HTTPS của trang (PEM), xã cấp", "the page's certificate (PEM), from the commune"
    )
    key: KeyFile | None = setting(None, "khoá riêng của chứng thư đó (PEM)", "its private key (PEM)")
    pins: KeyFile | None = setting(
        None,
        "tệp mã PIN của những người giữ kẻng; không có thì trang không cho báo động và dừng kẻng",
        "file with the keepers' PINs; without it nobody rings or hushes from the page",
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Certificate and key come together, and HTTPS needs both and a port of its own."""
        if (self.cert is None) != (self.key is None):
            raise Wrong("cert và key phải đi với nhau", "ghi cả hai, hoặc bỏ cả hai")
        if self.tls_port is not None and self.cert is None:
            raise Wrong("có tls_port mà thiếu cert và key", "ghi thêm cert và key, hoặc bỏ tls_port")
        if self.tls_port == self.port:
            raise Wrong("tls_port phải khác port", "chọn cổng khác, ví dụ 8443")
        return self


class LimitSettings(Section):
    """Giới hạn (P2, P3, P4)."""

    alarm_s: int = setting(180, "một lần báo động kéo bao lâu", "length of an alarm", unit="s", ge=1, le=600)
    hard_limit_s: int = setting(
        300, "không lần đánh nào dài hơn mức này", "no activation is ever longer", unit="s", ge=1, le=600
    )
    drill_s: int = setting(30, "một lần diễn tập kéo bao lâu", "length of a drill", unit="s", ge=1, le=600)
    after_alarm_min: int = setting(
        30,
        "sau báo động bao lâu mới được đánh kẻng thường lệ (dân tưởng hết báo động: H11)",
        "no calm ring so soon after an alarm (H11)",
        unit="phút",
        ge=0,
        le=720,
    )
    calm_per_hour: int = setting(
        12,
        "nhiều nhất bao nhiêu lần kẻng thường lệ trong một giờ",
        "most calm rings in an hour",
        unit="lần",
        ge=1,
        le=120,
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """P2: the hard limit is the longest."""
        for name in ("alarm_s", "drill_s"):
            if getattr(self, name) > self.hard_limit_s:
                raise Wrong(
                    f"{name} ({getattr(self, name)}) không được dài hơn hard_limit_s ({self.hard_limit_s})",
                    f"bớt {name} hoặc tăng hard_limit_s",
                )
        return self


class Drill(Section):
    """Diễn tập."""

    prefix: Annotated[str, Field(min_length=1, max_length=500)] | None = setting(
        None,
        "đánh trước mỗi lần diễn tập để dân biết không phải thật (H19)",
        "played before each drill, so that nobody believes it (H19)",
    )


def _date_text(value: Any) -> Any:
    """A TOML date without quotes is as good as one with."""
    if isinstance(value, datetime.datetime) or not isinstance(value, datetime.date | datetime.time):
        return value
    return value.isoformat() if isinstance(value, datetime.date) else value.strftime("%H:%M")


def _joined(value: Any) -> Any:
    """A list of days is as good as one text with commas."""
    return ",".join(value) if isinstance(value, list) and all(isinstance(part, str) for part in value) else value


LooseText = Annotated[str, BeforeValidator(_date_text), Field(max_length=100)]
DaysText = Annotated[str, BeforeValidator(_joined), Field(max_length=100)]


class TimetableLine(Section):
    """Một dòng giờ kẻng."""

    at: LooseText = setting(..., 'giờ đánh, "22:00"', "local time of day")
    days: DaysText = setting(
        "daily", 'những ngày nào trong tuần: "daily", "t2-t6", "t7,cn"', 'weekdays: "daily", "mon-fri", "sat,sun"'
    )
    signal: Name = setting(..., "đánh hiệu lệnh nào (chỉ hiệu lệnh thường lệ, báo yên)", "which calm signal")
    grace_s: int = setting(
        300,
        "trễ quá mức này thì không đánh nữa mà ghi là lỡ (P6)",
        "later than this it is written as missed (P6)",
        unit="s",
        ge=0,
        le=3_600,
    )
    except_: list[LooseText] = setting(
        [],
        'những ngày nghỉ: "2027-02-06", "30-04", "1/1 âm", "cuối/12 âm..3/1 âm"',
        "dates without the ring, solar or lunar",
        alias="except",
        max_length=400,
    )


class ClockSettings(Section):
    """Đồng hồ."""

    assume: Literal["ntp"] | None = setting(
        None, "coi đồng hồ là đúng; chỉ cho chân mô phỏng", "take the clock as right; simulated pins only"
    )


class JournalSettings(Section):
    """Sổ kẻng."""

    keep_days: int = setting(
        1_095,
        "giữ mục ghi bao lâu (mục chưa gửi được thì luôn giữ)",
        "how long entries are kept (undelivered ones always are)",
        unit="ngày",
        ge=30,
        le=36_500,
    )
    keep_entries: int = setting(
        200_000, "giữ nhiều nhất bao nhiêu mục", "most entries kept", unit="mục", ge=1_000, le=5_000_000
    )


class Settings(Section):
    """Cả tệp cài đặt."""

    post: Post = setting(..., "điểm kẻng này là ai", "who this post is")
    state_dir: FilePath | None = setting(
        None,
        "nơi giữ sổ, khoá và cài đặt đã dịch (mặc định /var/lib/kengd)",
        "where book, keys and compiled settings live",
    )
    run_dir: FilePath | None = setting(
        None, "nơi đặt cổng lệnh, mất khi tắt máy (mặc định /run/kengd)", "sockets and spool, on tmpfs"
    )
    codebook: CodebookSettings = setting(CodebookSettings(), "bảng hiệu lệnh", "the codebook")
    bell: Bell = setting(Striker(), "quả kẻng hoặc còi", "the bell or siren")
    gpio: Gpio = setting(..., "chân GPIO", "the pins")
    limits: LimitSettings = setting(LimitSettings(), "giới hạn", "limits")
    drill: Drill = setting(Drill(), "diễn tập", "drills")
    timetable: list[TimetableLine] = setting([], "giờ kẻng", "the timetable", max_length=60)
    broker: Broker | None = setting(None, "đường dây tới xã", "the line to the hub")
    hub: Hub = setting(Hub(), "máy trực ban xã", "the hub")
    web: Web = setting(Web(), "trang trên máy", "the page")
    clock: ClockSettings = setting(ClockSettings(), "đồng hồ", "the clock")
    journal: JournalSettings = setting(JournalSettings(), "sổ kẻng", "the journal")
