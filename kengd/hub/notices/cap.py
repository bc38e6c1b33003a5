"""CAP 1.2 (OASIS Common Alerting Protocol, 1 July 2010): the words of an alert. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from kengd.clock import local, unix_ms
from kengd.errors import KengdError

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
SIGNATURE_NAMESPACE: Final = "http://www.w3.org/2000/09/xmldsig#"


class CapError(KengdError):
    """An alert that breaks the standard, or is too big to be one."""

    def __init__(self, en: str) -> None:
        super().__init__(
            "bad_cap",
            f"bản tin CAP không hợp lệ: {_in_vietnamese(en)}",
            cure="nguồn tin phải gửi CAP 1.2 đúng chuẩn OASIS; bản tin này bị bỏ, không đề nghị đánh kẻng",
            en=f"not a valid CAP 1.2 alert: {en}",
        )


_WORDS_VI: Final = (
    ("larger than", "dài quá mức nhận"),
    ("not XML", "không phải tệp XML trọn vẹn"),
    ("no element", "không có nội dung"),
    ("is not an <alert>", "không bắt đầu bằng <alert> của CAP 1.2"),
    ("namespace of CAP 1.2", "có phần tử không thuộc CAP 1.2"),
    ("only XML 1.0", "không phải XML 1.0 viết bằng UTF-8"),
    ("a DTD or entity", "có DTD hoặc thực thể XML, là thứ không được nhận"),
    ("a processing instruction", "có chỉ thị XML không được nhận"),
    ("too many elements", "quá nhiều phần tử"),
    ("nested too deeply", "lồng nhau quá sâu"),
    ("has an attribute", "có thuộc tính thừa"),
    ("after the signature", "có phần tử đứng sau chữ ký"),
    ("text between", "có chữ đứng ngoài các phần tử"),
    ("does not belong", "có phần tử đặt sai chỗ"),
    ("stands too late", "có phần tử sai thứ tự"),
    ("stands too often", "có phần tử lặp quá số lần cho phép"),
    ("is missing", "thiếu một phần tử bắt buộc"),
    ("is empty", "có phần tử bỏ trống"),
    ("is none of", "có giá trị không nằm trong danh sách của CAP"),
    ("needs a restriction", "phạm vi Restricted phải có <restriction>"),
    ("needs addresses", "phạm vi Private phải có <addresses>"),
    ("needs references", "bản tin cập nhật hoặc huỷ phải nhắc tới bản tin trước (<references>)"),
    ("YYYY-MM-DD", "ngày giờ không viết đúng dạng 2026-12-31T22:05:00+07:00"),
    ("is no moment", "ngày giờ không có thật"),
)
"""What is wrong, by words of the English sentence; where none of them stands in it, a value breaks the standard."""
_NAMES: Final = re.compile(r"<[A-Za-z]{1,40}>")


def _in_vietnamese(en: str) -> str:
    said = next((vi for words, vi in _WORDS_VI if words in en), "có giá trị viết sai chuẩn")
    names = [name for name in dict.fromkeys(_NAMES.findall(en)) if name not in said]
    return said + (f" ({', '.join(names)})" if names else "")


class CapReference(NamedTuple):
    """An earlier message: its sender, identifier and `sent` as they stood there."""

    sender: str
    identifier: str
    sent: str


class CapValue(NamedTuple):
    """A named value: an event code, a parameter, a geocode."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class CapResource:
    """A file that belongs to an alert. `size`: bytes in decimal digits, as written."""

    desc: str
    mime_type: str
    size: str = ""
    uri: str = ""
    deref_uri: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class CapArea:
    """Where. `polygons`: "lat,lon lat,lon …" closed, WGS 84 degrees; `circles`: "lat,lon radius_km"."""

    desc: str
    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()
    geocodes: tuple[CapValue, ...] = ()
    altitude: str = ""
    ceiling: str = ""


@dataclass(frozen=True, slots=True)
class CapInfo:
    """What, how bad, what to do: in one language. Moments are texts as in CapAlert; "" = not said."""

    categories: tuple[str, ...]
    event: str
    urgency: str
    severity: str
    certainty: str
    language: str = ""
    response_types: tuple[str, ...] = ()
    audience: str = ""
    event_codes: tuple[CapValue, ...] = ()
    effective: str = ""
    onset: str = ""
    expires: str = ""
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[CapValue, ...] = ()
    resources: tuple[CapResource, ...] = ()
    areas: tuple[CapArea, ...] = ()


@dataclass(frozen=True, slots=True)
class CapAlert:
    """One CAP message. `sent`: "YYYY-MM-DDTHH:MM:SS+07:00", never with Z. `signed`: it carried an XML signature (unchecked)."""

    identifier: str
    sender: str
    sent: str
    status: str
    msg_type: str
    scope: str
    source: str = ""
    restriction: str = ""
    addresses: str = ""
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[CapReference, ...] = ()
    incidents: str = ""
    infos: tuple[CapInfo, ...] = ()
    signed: bool = False

    @property
    def sent_ms(self) -> int:
        """Unix ms of `sent`. Raises ValueError when it is no time."""
        return unix_ms(datetime.fromisoformat(self.sent))

    @property
    def reference(self) -> CapReference:
        """How later messages name this one."""
        return CapReference(self.sender, self.identifier, self.sent)


def cap_time(at_ms: int) -> str:
    """Unix ms as CAP wants it: local, whole seconds, with +07:00 (never Z, section 3.3.2)."""
    return local(at_ms).isoformat(timespec="seconds")


def check_sense(alert: CapAlert) -> None:
    """What the standard asks beyond the form. Raises CapError."""
    if alert.scope == "Restricted" and not alert.restriction:
        raise CapError("scope Restricted needs a restriction")
    if alert.scope == "Private" and not alert.addresses:
        raise CapError("scope Private needs addresses")
    if alert.msg_type in ("Update", "Cancel", "Ack", "Error") and not alert.references:
        raise CapError(f"msgType {alert.msg_type} needs references")


FRESH_MS: Final = 15 * 60_000
"""An alert that lay about longer, or is repeated later, rings nothing by itself: an officer decides."""


def rings_by_itself(alert: CapAlert, areas: Collection[str], now_ms: int) -> bool:
    """Whether it is urgent enough to ring without an officer, where the settings allow that at all: actual, a first alert for the
    public, sent just now; and in one of its infos immediate, severe or worse, observed or likely, here (an area's description names
    one of `areas`), begun and not over, and no all-clear. CAP 1.2, 3.2.1 and 3.2.2."""
    if (alert.status, alert.msg_type, alert.scope) != ("Actual", "Alert", "Public"):
        return False
    try:
        return abs(now_ms - alert.sent_ms) <= FRESH_MS and any(_urgent(info, areas, now_ms) for info in alert.infos)
    except ValueError:
        return False


def _urgent(info: CapInfo, areas: Collection[str], now_ms: int) -> bool:
    begins = [unix_ms(datetime.fromisoformat(at)) for at in (info.effective, info.onset) if at]
    over = info.expires != "" and unix_ms(datetime.fromisoformat(info.expires)) <= now_ms
    here = any(name.casefold() in area.desc.casefold() for name in areas for area in info.areas)
    return (
        here
        and not over
        and all(at_ms <= now_ms for at_ms in begins)
        and "AllClear" not in info.response_types
        and info.urgency == "Immediate"
        and info.severity in ("Extreme", "Severe")
        and info.certainty in ("Observed", "Likely")
    )
