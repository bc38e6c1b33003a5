"""Zalo, Telegram, ntfy, e-mail and SMS gateways through apprise, which is imported only when first needed (0.2 s on a PC).

Its URLs hold tokens and passwords, and it and its HTTP library write them into their logs and exceptions. So their loggers
are closed before the import, nothing of their texts is passed on, and of a failure only the HTTP status is kept (P12).
"""

from __future__ import annotations

import logging
import re
import threading
from typing import TYPE_CHECKING

from kengd.errors import UsageError
from kengd.hub.notices.wording import long_text, sms_text
from kengd.hub.notices.words import Channel, Notice, NoticeFailed

if TYPE_CHECKING:
    from apprise import NotifyBase

CONNECT_S = 5.0
READ_S = 8.0
_LONGEST_URL = 2_000
_SCHEME = re.compile(r"([a-z][a-z0-9]{0,19})://", re.ASCII | re.IGNORECASE)
_STATUS = re.compile(r"error=([0-9]{3})\b", re.ASCII)
_TALKATIVE = ("apprise", "urllib3", "requests", "requests_oauthlib", "slixmpp")
_NEVER = logging.CRITICAL + 100


class _Closed(logging.Filter):
    """Lets no record out; of apprise's failures it remembers the HTTP status, for the thread that sends."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            status = _STATUS.search(record.getMessage())
        except (TypeError, ValueError):  # its own format string does not fit
            status = None
        if status is not None:
            self.seen.status = int(status[1])
        return False


_closed = _Closed()


def close_logs() -> None:
    """Closes the loggers that print secrets, also those that were opened again by a later logging configuration."""
    names = {name for name in list(logging.root.manager.loggerDict) if name.split(".", 1)[0] in _TALKATIVE}
    for name in names | set(_TALKATIVE):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.handlers = [logging.NullHandler()]
        logger.setLevel(logging.WARNING if name == "apprise" else _NEVER)
        logger.filters = [_closed]


def apprise_channel(url: str) -> Channel:
    """A channel by an apprise URL; services that take at most 160 characters get the short form.

    Raises UsageError; its texts name the service only, never the rest of the URL.
    """
    scheme = _SCHEME.match(url)
    if scheme is None or len(url) > _LONGEST_URL or not url.isprintable() or " " in url:
        raise UsageError(
            "bad_notice_url",
            "địa chỉ kênh thông báo không có dạng dịch-vụ://…",
            cure="viết như zalo://TOKEN/CHAT, tgram://TOKEN/CHAT, ntfy://CHỦ-ĐỀ, mailto://…; không có dấu cách",
            en="not a notice URL of the form service://…",
        )
    name = scheme[1].lower()
    service = _service(url)
    if service is None:
        raise UsageError(
            "unknown_notice_url",
            f"kênh thông báo {name}://… không dùng được: không có dịch vụ này, hoặc phần sau thiếu hay sai",
            cure="xem lại tên dịch vụ và mã truy cập (zalo://TOKEN/CHAT, tgram://TOKEN/CHAT, ntfy://CHỦ-ĐỀ); chép lại cả dòng",
            en=f"apprise does not accept this {name}:// URL",
        )
    if not service.verify_certificate:
        raise UsageError(
            "insecure_notice_url",
            f"kênh thông báo {name}://… đã tắt kiểm tra chứng thư (verify=no)",
            cure="bỏ verify=no; nếu máy chủ dùng chứng thư riêng, cài CA của nó vào máy này",
            en="verify=no is not allowed (R42)",
        )
    return Channel("apprise", url, short=service.body_maxlen <= 160)


def deliver(notice: Notice, channel: Channel) -> str:
    """Sends one notice. Raises NoticeFailed."""
    service = _service(channel.target)
    if service is None:
        raise NoticeFailed("unknown_notice_url", "apprise không nhận địa chỉ kênh này", retry=False)
    service.socket_connect_timeout, service.socket_read_timeout = CONNECT_S, READ_S
    _closed.seen.status = None
    try:
        if channel.short:
            done = service.notify(body=sms_text(notice))
        else:
            done = service.notify(title=notice.title_vi, body=long_text(notice))
    except Exception as broken:  # noqa: BLE001  plugins raise anything, and the text may hold the URL (P12)
        raise NoticeFailed("notice_broken", f"dịch vụ hỏng ({type(broken).__name__})", retry=True) from None
    if not done:
        raise _refused(_closed.seen.status)
    return "dịch vụ đã nhận"


def _service(url: str) -> NotifyBase | None:
    close_logs()
    try:
        from apprise import Apprise, AppriseAsset
    except ImportError as missing:
        raise UsageError(
            "apprise_missing",
            "máy này chưa có apprise để gửi thông báo",
            cure="cài lại kengd với phần hub: pip install 'kengd[hub]'",
            en="the package apprise is not installed",
        ) from missing
    close_logs()
    try:
        # one thread, nothing stored on disk, no plugin from elsewhere; a new one each time: it keeps no state between sends
        return Apprise.instantiate(url, asset=AppriseAsset(app_id="kengd", async_mode=False), suppress_exceptions=True)
    except Exception:  # noqa: BLE001  a plugin that stumbles over a URL has refused it; its text may hold the URL
        return None


def _refused(status: int | None) -> NoticeFailed:
    if status is None:
        return NoticeFailed("notice_not_taken", "dịch vụ không nhận hoặc không liên lạc được", retry=True)
    final = 400 <= status < 500 and status not in (408, 425, 429)
    cure = "xem lại mã truy cập và người nhận (Zalo: người nhận phải nhắn cho bot trước)" if final else ""
    return NoticeFailed("notice_refused", f"dịch vụ trả lời mã {status}", retry=not final, cure=cure)
