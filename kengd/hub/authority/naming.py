"""Which names may stand in certificates and keys, and which moments are believed. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

from kengd.errors import UsageError
from kengd.wire.topics import check_slug

SHELL = "hub-shell"
READER = "reader-"
"""Begins the names of those who may only look."""
LONGEST_COMMON_NAME = 64
"""Bytes (RFC 5280, ub-common-name)."""
MOST_SERVER_NAMES = 20
MOST_PAGE_NAMES = 10
EARLIEST_MS = 1_735_689_600_000
LATEST_MS = 3_786_912_000_000
"""2025-01-01 and 2090-01-01: no hub was made before, and certificates made after would outlive four digits of sense."""

_HUB = re.compile(r"hub-(?:[1-9][0-9]{0,2}|shell)")
_KID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def check_post(post_id: str) -> str:
    """The post's id (or the commune's, of a bridge). Raises UsageError `bad_slug`, or `reserved_name` for names of the hub's
    own (they may do everything) and of readers (they may say nothing)."""
    if check_slug(post_id) == "hub" or post_id.startswith(("hub-", READER)):
        raise UsageError(
            "reserved_name",
            f"“{post_id}” dành riêng cho máy trực ban, không đặt cho điểm kẻng được",
            cure=f"chọn mã khác, không bắt đầu bằng “hub-” hay “{READER}”",
            en=f"{post_id!r} is reserved for the hub itself",
        )
    return post_id


def reader_subject(name: str) -> str:
    """The name in the certificate of a viewer: "home" is `reader-home`. Raises UsageError `bad_slug`."""
    return check_slug(READER + name.removeprefix(READER))


def check_hub_name(name: str) -> str:
    """`hub-1` … `hub-999` or `hub-shell`. Raises UsageError `bad_hub_name`."""
    if _HUB.fullmatch(name) is None:
        raise UsageError(
            "bad_hub_name",
            f"“{name[:60]}” không phải tên của một phần máy trực ban",
            cure="dùng hub-1, hub-2 … cho các tiến trình, hub-shell cho dòng lệnh",
            en=f"{name[:60]!r} is not hub-N or hub-shell",
        )
    return name


def check_kid(kid: str) -> str:
    """A signing key's name: `[A-Za-z0-9._-]{1,64}`, not beginning with a dot or dash. Raises UsageError `bad_kid`."""
    if _KID.fullmatch(kid) is None:
        raise UsageError(
            "bad_kid",
            f"“{kid[:60]}” không dùng làm tên khoá ký được",
            cure="dùng chữ không dấu, chữ số, dấu chấm, gạch; ví dụ xa-2026",
            en=f"{kid[:60]!r} is not a key id",
        )
    return kid


def check_words(text: str, what_vi: str, longest: int = 200) -> str:
    """A name that people use: printable, 1 to `longest` characters. Raises UsageError `bad_name`."""
    if not 0 < len(text) <= longest or not text.isprintable():
        raise UsageError(
            "bad_name",
            f"{what_vi} không dùng được: {text[:60]!r}",
            cure=f"viết trên một dòng, 1–{longest} ký tự, không có ký tự điều khiển",
            en=f"bad name: {text[:60]!r}",
        )
    return text


def check_common_name(text: str) -> str:
    """The commune's name as it stands in its CA. Raises UsageError `bad_name`."""
    check_words(text, "tên xã", LONGEST_COMMON_NAME)
    if len(text.encode()) > LONGEST_COMMON_NAME:
        raise UsageError(
            "bad_name",
            f"tên xã dài quá {LONGEST_COMMON_NAME} byte",
            cure="viết gọn lại, ví dụ “Xã Cộng Lạc”",
            en="the commune's name is too long for a certificate",
        )
    return text


def check_server_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names and addresses of the broker, in order, each once. Raises UsageError `bad_server_name`."""
    found = tuple(dict.fromkeys(_server_name(name) for name in names))
    if not 0 < len(found) <= MOST_SERVER_NAMES:
        raise UsageError(
            "bad_server_name",
            "chưa nói điểm kẻng gọi máy chủ bằng tên hay địa chỉ nào"
            if not found
            else f"nhiều hơn {MOST_SERVER_NAMES} tên máy chủ",
            cure="ghi địa chỉ IP hoặc tên của máy trực ban trong mạng xã, ví dụ 10.0.0.1",
            en="the server needs 1 to 20 names or addresses",
        )
    return found


def page_name(post_id: str) -> str:
    """How a post's page is called in its village's network without anybody's doing (mDNS)."""
    return f"{post_id}.local"


def check_page_names(
    post_id: str, names: Sequence[str], server_names: Sequence[str], posts: Iterable[str]
) -> tuple[str, ...]:
    """By which names a post's page is called beside POST.local, each once. `posts`: who else has a page.

    Raises UsageError `bad_server_name`, `page_name_taken` where its certificate would pass for the broker's (a stolen post could
    then stand between the broker and the others) or for another post's page.
    """
    found = tuple(name for name in dict.fromkeys(_server_name(name) for name in names) if name != page_name(post_id))
    taken = {*server_names, *(page_name(post) for post in posts if post != post_id)}
    for name in found:
        if name in taken:
            raise UsageError(
                "page_name_taken",
                f"“{name}” là tên của máy trực ban hoặc của điểm kẻng khác, không cấp cho trang của {post_id} được",
                cure=f"bỏ tên ấy (trang luôn có tên {page_name(post_id)}), hoặc cho điểm kẻng một địa chỉ khác",
                en=f"{name} is another's name",
            )
    if len(found) > MOST_PAGE_NAMES:
        raise UsageError(
            "bad_server_name", f"nhiều hơn {MOST_PAGE_NAMES} tên của trang", cure="bớt tên", en="too many names"
        )
    return found


def page_has_it(name: str, post_id: str) -> UsageError:
    """The broker cannot be called so while that page's certificate is good."""
    return UsageError(
        "page_name_taken",
        f"chứng thư cho trang của {post_id} đang có tên “{name}”: ai lấy được nó thì giả làm máy chủ của xã",
        cure=f"cấp tệp mới cho điểm ấy không có tên này (chứng thư cũ bị thu hồi): kengd hub enrol {post_id} --page-names ''",
        en=f"the page of {post_id} is called {name}",
    )


def _server_name(name: str) -> str:
    address = address_of(name)
    if address is not None:
        return str(address)
    if len(name) > 253 or _HOST.fullmatch(name) is None or name.rpartition(".")[2].isdigit():
        raise UsageError(
            "bad_server_name",
            f"“{name[:60]}” không phải tên máy hoặc địa chỉ IP",
            cure="ghi địa chỉ IP (10.0.0.1) hoặc tên máy không dấu (hub.lan)",
            en=f"{name[:60]!r} is neither a host name nor an address",
        )
    return name.lower()


def address_of(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that this text is, else None."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def check_now(now_ms: int) -> int:
    """The moment (unix ms). Raises UsageError `clock_wrong` where it cannot be: a certificate made then would be of no use."""
    if not EARLIEST_MS <= now_ms < LATEST_MS:
        raise UsageError(
            "clock_wrong",
            "đồng hồ máy này sai, chưa cấp khoá hay chứng thư được",
            cure="chỉnh giờ cho đúng (timedatectl) rồi làm lại",
            en=f"the clock of this machine is wrong: {now_ms} ms",
        )
    return now_ms
