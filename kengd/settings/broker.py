"""`[broker]`: the line to the hub, and where its keys are. Only short-lived processes import this (pydantic)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from kengd.settings.credentials import NAMES, PREFIX, is_credential, name_of
from kengd.settings.field import FilePath, Section, Words, Wrong, setting


def _version(value: Any) -> Any:
    return "5" if value == 5 and not isinstance(value, bool) else value


def _known_credential(path: str) -> str:
    """systemd hands over only what the unit names."""
    if is_credential(path) and name_of(path) not in NAMES:
        raise Wrong(f'không có khoá nào tên "{name_of(path)}"', "chỉ có: " + ", ".join(PREFIX + name for name in NAMES))
    return path


KeyFile = Annotated[FilePath, AfterValidator(_known_credential)]


class Broker(Section):
    """Đường dây tới máy trực ban xã (MQTT). Không có mục này thì kẻng vẫn chạy một mình."""

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,253}$")] = setting(
        ..., "tên hoặc địa chỉ máy chủ MQTT", "name or address of the broker"
    )
    port: int = setting(8883, "cổng", "port", ge=1, le=65_535)
    ca: KeyFile | None = setting(
        None,
        "chứng thư gốc của xã (PEM); không có thì không mã hoá",
        "the commune's CA (PEM); without it there is no TLS",
    )
    cert: KeyFile | None = setting(None, "chứng thư của điểm kẻng (PEM)", "this post's certificate (PEM)")
    key: KeyFile | None = setting(None, "khoá riêng của chứng thư đó (PEM)", "its private key (PEM)")
    version: Annotated[Literal["5", "3.1.1"], BeforeValidator(_version)] = setting(
        "5", "phiên bản MQTT", "MQTT version"
    )
    keepalive_s: int = setting(
        8,
        "bao lâu không thấy gì thì hỏi thăm; mất liên lạc hiện sau khoảng 1,5 lần",
        "keepalive; absence shows after about 1.5 times this",
        unit="s",
        ge=2,
        le=300,
    )
    username: Words | None = setting(None, "tên đăng nhập, nếu máy chủ cần", "user name, if the broker wants one")
    password_file: KeyFile | None = setting(
        None,
        "tệp chứa mật khẩu (không bao giờ ghi mật khẩu vào đây)",
        "file that holds the password (P12: never in here)",
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Certificate and key come together and only over TLS; a password needs a name."""
        if (self.cert is None) != (self.key is None):
            raise Wrong("cert và key phải đi với nhau", "ghi cả hai, hoặc bỏ cả hai")
        if self.cert is not None and self.ca is None:
            raise Wrong("có cert mà thiếu ca: không có ca thì không mã hoá được", "ghi thêm ca = chứng thư gốc của xã")
        if self.password_file is not None and self.username is None:
            raise Wrong("có password_file mà thiếu username", "ghi thêm username")
        return self
