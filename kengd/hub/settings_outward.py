"""Of hub.toml, what ties the hub to others: where it tells, what it marks, and who may tell it."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin
from kengd.errors import UsageError
from kengd.hub.notices.hooks import webhook_channel
from kengd.hub.notices.words import NoticeKind
from kengd.settings.field import Section, Slug, Words, Wrong, setting


def _hook_url(url: str) -> str:
    """Checked by those who will call it; their words never repeat the address, which may hold a secret (P12)."""
    try:
        webhook_channel(url)
    except UsageError as wrong:
        raise Wrong(wrong.vi, wrong.cure) from None
    return url


HookUrl = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_hook_url)]
HookSecret = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{0,4096}$")]
Kind = Annotated[NoticeKind, Field(strict=False)]
_SIGNALS: Final = frozenset(id for name in BUILTIN_NAMES for id in builtin(name).signals)
"""Those of the shipped codebooks; a village's own bear one of these names."""
SignalName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]
CameraName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class CapFrom(Section):
    """Nơi được gửi bản tin CAP tới máy trực ban. Bản tin chỉ là đề nghị với cán bộ trực, trừ khi ghi rings."""

    name: Words = setting(..., "tên nguồn tin, cán bộ trực sẽ thấy", "who sends, as the officer reads it")
    token_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = setting(
        ..., "SHA-256 của mã truy cập đã trao cho nguồn tin", "of the token that the source sends as bearer"
    )
    rings: SignalName | None = setting(
        None,
        "hiệu lệnh mà bản tin thật, khẩn cấp, nghiêm trọng của nguồn này tự đánh, không chờ cán bộ; không ghi là không bao giờ tự đánh",
        "the signal that its actual, immediate, severe alerts ring without an officer; without it none ever does",
    )
    villages: list[Slug] = setting(
        [], "các thôn mà rings đánh; không ghi là mọi điểm kẻng", "where; none: every post", max_length=200
    )
    areas: list[Words] = setting(
        [],
        "chỉ tự đánh khi bản tin nêu một trong các tên vùng này, ví dụ Tứ Kỳ",
        "only alerts whose area is described with one of these names ring",
        max_length=50,
    )

    @model_validator(mode="after")
    def rings_what_there_is_and_only_here(self) -> Self:
        """A slip in the name would be a false silence, a missing place a false ring."""
        if self.rings is not None and self.rings not in _SIGNALS:
            raise Wrong(f"không có hiệu lệnh “{self.rings}”", f"dùng một trong: {', '.join(sorted(_SIGNALS))}")
        if self.rings is not None and not self.areas:
            raise Wrong("rings phải đi với areas", 'ghi tên vùng như nguồn tin viết, ví dụ areas = ["Tứ Kỳ"]')
        return self


class Sms(Section):
    """Nhắn SMS qua modem 4G cắm ở máy này, tới số điện thoại của cán bộ và người giữ kẻng."""

    modem: Annotated[str, StringConstraints(pattern=r"^(any|\d{1,3})$")] = setting(
        "any", "số của modem (xem: mmcli -L), hoặc any", "ModemManager's number of the modem, or any"
    )


class Webhook(Section):
    """Một máy chủ được báo mỗi tin bằng HTTP POST (JSON)."""

    url: HookUrl = setting(..., "địa chỉ nhận tin", "where notices are posted")
    secret: HookSecret = setting("", "khoá để ký HMAC-SHA256 mỗi tin", "key of the signature in X-Kengd-Signature")
    kinds: list[Kind] = setting(
        [], "chỉ báo các loại tin này; không ghi là mọi loại", "which notices; empty: all", max_length=20
    )


class Camera(Section):
    """Một camera của Frigate: có báo động thì đánh dấu giờ, để tìm lại hình."""

    url: HookUrl = setting(..., "địa chỉ Frigate, ví dụ http://192.168.1.20:5000", "of the Frigate")
    camera: CameraName = setting(..., "tên camera trong Frigate", "the camera's name there")
    label: CameraName = setting("kengd", "nhãn của dấu", "label of the event")
    duration_s: int = setting(60, "ghi bao lâu", "how long the event lasts", unit="s", ge=1, le=3600)
    token: HookSecret = setting("", "mã truy cập (bearer), nếu Frigate đòi", "bearer token")
    posts: list[Slug] = setting([], "các điểm kẻng mà camera này trông", "posts that it looks at", max_length=200)
    villages: list[Words] = setting(
        [], "tên hoặc mã các thôn mà camera này trông; không ghi điểm và thôn là mọi nơi",
        "names or ids of villages; neither: everywhere", max_length=200,
    )  # fmt: skip


class HomeAssistant(Section):
    """Home Assistant chỉ xem, không đánh kẻng được."""

    enabled: bool = setting(False, "cho Home Assistant thấy các điểm kẻng", "publish discovery and state")
    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")] = setting(
        "homeassistant", "tiền tố tìm thiết bị của Home Assistant", "its discovery prefix"
    )


class CapOut(Section):
    """Bản tin CAP 1.2 của mỗi báo động thật, ghi vào state_dir/cap."""

    sender: Annotated[str, StringConstraints(pattern=r"^[^\s,<&]{1,100}$")] | None = setting(
        None, "tên nguồn tin, duy nhất trên thế giới, ví dụ kengd@xa.gov.vn", "CAP sender; default kengd@ and the slug"
    )
    contact: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = setting(
        "", "số điện thoại liên hệ, ghi trong bản tin", "contact in the alerts"
    )
