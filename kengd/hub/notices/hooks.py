"""Plain webhooks, and Frigate: the moment of an alarm is marked at the cameras, so that the footage is found.

Frigate: `POST /api/events/<camera>/<label>/create` with `{"duration": seconds, "include_recording": true}`; it cannot mark
a time that is past, so a late mark is off by its delay. Standard library only; no redirect is followed; an answer is read up to
a bound; the whole exchange ends at its deadline whatever the server does.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import socket
import ssl
import threading
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlsplit

from kengd.clock import iso_utc
from kengd.errors import UsageError
from kengd.hub.notices.gsm import shortened
from kengd.hub.notices.wording import long_text
from kengd.hub.notices.words import Channel, Notice, NoticeFailed

SIGNATURE = "X-Kengd-Signature"
"""`sha256=` and the hex HMAC-SHA256 of the body's bytes under the channel's secret."""
_LONGEST_BODY = 16 * 1024
_LONGEST_ANSWER = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_SECRET = re.compile(r"[\x21-\x7e]{0,4096}")


def webhook_channel(url: str, secret: str = "") -> Channel:
    """A plain webhook; with a secret each body is signed. Raises UsageError `bad_hook_url`, `bad_hook_secret`."""
    _check(url, secret)
    return Channel("webhook", url, secret)


def frigate_channel(url: str, camera: str, label: str = "kengd", duration_s: int = 60, token: str = "") -> Channel:
    """One camera of a Frigate at `url` (scheme, host and port). Raises UsageError."""
    _check(url, token)
    if not (_NAME.fullmatch(camera) and _NAME.fullmatch(label)):
        raise UsageError(
            "bad_camera",
            f"tên camera “{camera[:40]}” hoặc nhãn “{label[:40]}” không đúng",
            cure="dùng đúng tên trong cấu hình Frigate: chữ không dấu, số, gạch nối, gạch dưới",
            en="a camera or label is 1 to 64 of A-Z a-z 0-9 _ -",
        )
    if not 1 <= duration_s <= 3_600:
        raise UsageError("bad_duration", f"thời gian ghi {duration_s} giây không hợp lệ", cure="đặt 1–3600 giây")
    return Channel("frigate", url, token, camera=camera, label=label, duration_s=duration_s)


class Hooks:
    """Delivers webhooks and camera marks. `timeout_s`: of one whole exchange. `tls`: whom to trust; None = the system's CAs."""

    def __init__(self, timeout_s: float = 8.0, tls: ssl.SSLContext | None = None) -> None:
        self._timeout_s, self._tls = timeout_s, tls

    def webhook(self, notice: Notice, channel: Channel) -> str:
        """POSTs the notice as JSON. Raises NoticeFailed."""
        body = webhook_body(notice)
        signed = {SIGNATURE: signature(channel.secret, body)} if channel.secret else {}
        url = urlsplit(channel.target)
        return self._post(channel, (url.path or "/") + (f"?{url.query}" if url.query else ""), body, signed)

    def frigate(self, notice: Notice, channel: Channel) -> str:
        """Marks the time at the camera. Raises NoticeFailed."""
        path = urlsplit(channel.target).path.rstrip("/")
        path += f"/api/events/{quote(channel.camera, safe='')}/{quote(channel.label, safe='')}/create"
        body = json.dumps({"duration": channel.duration_s, "include_recording": True}).encode()
        return self._post(channel, path, body, {"Authorization": f"Bearer {channel.secret}"} if channel.secret else {})

    def _post(self, channel: Channel, path: str, body: bytes, extra: dict[str, str]) -> str:
        url = urlsplit(channel.target)
        host, port = url.hostname or "", url.port
        line: HTTPConnection
        if url.scheme == "https":
            line = HTTPSConnection(
                host, port, timeout=self._timeout_s, context=self._tls or ssl.create_default_context()
            )
        else:
            line = HTTPConnection(host, port, timeout=self._timeout_s)
        late = threading.Event()
        guard: threading.Timer | None = None
        headers = {"Content-Type": "application/json", "User-Agent": "kengd", "Connection": "close"} | extra
        try:
            line.connect()  # bounded by the time-out itself, the TLS handshake included
            guard = threading.Timer(self._timeout_s, _cut, (line.sock, late))
            guard.daemon = True
            guard.start()
            line.request("POST", path, body, headers)
            answer = line.getresponse()
            answer.read(_LONGEST_ANSWER)
            if late.is_set():  # cut in the middle of an answer reads like its end
                raise TimeoutError
        except ssl.SSLCertVerificationError:
            cure = "dùng chứng thư mà máy này tin cậy (cài CA của máy chủ đó vào máy này)"
            raise NoticeFailed(
                "hook_certificate", "chứng thư của máy chủ không tin được", retry=False, cure=cure
            ) from None
        except (OSError, HTTPException, ValueError) as broken:
            what = "quá thời gian" if late.is_set() or isinstance(broken, TimeoutError) else type(broken).__name__
            raise NoticeFailed("hook_unreachable", f"không gửi được tới máy chủ ({what})", retry=True) from None
        finally:
            if guard is not None:
                guard.cancel()
            line.close()
        return _judged(answer.status)


def webhook_body(notice: Notice) -> bytes:
    """The JSON of a webhook, version 1: UTF-8, at most 16 KiB. `id` is the same for a repeat of the same telling."""
    data = {
        "v": 1,
        "id": notice.id,
        "kind": notice.kind.value,
        "title": shortened(notice.title_vi, 300),
        "body": long_text(notice),
        "at": iso_utc(notice.at_ms),
        "posts": list(notice.posts)[:200],
        "activation": notice.activation,
        "repeats": notice.repeats,
    }
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    if len(body) > _LONGEST_BODY:  # 200 slugs of 40 characters fit: only hostile ones come here
        body = json.dumps(data | {"posts": []}, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return body


def signature(secret: str, body: bytes) -> str:
    """What the receiver compares, in constant time, with what it computes itself."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _judged(status: int) -> str:
    if 200 <= status < 300:
        return f"máy chủ đã nhận (mã {status})"
    if 300 <= status < 400:
        cure = "ghi địa chỉ cuối cùng vào cài đặt: kengd không đi theo chuyển hướng"
        raise NoticeFailed("hook_redirect", f"máy chủ chuyển hướng (mã {status})", retry=False, cure=cure)
    final = 400 <= status < 500 and status not in (408, 425, 429)
    cure = "xem lại địa chỉ, khóa bí mật, tên camera" if final else ""
    raise NoticeFailed("hook_refused", f"máy chủ trả lời mã {status}", retry=not final, cure=cure)


def _cut(sock: socket.socket, late: threading.Event) -> None:
    late.set()
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _check(url: str, secret: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        good = good and not (parts.username or parts.password or parts.fragment)
    except ValueError:
        good = False
    if not good or len(url) > 2_000 or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(
            "bad_hook_url",
            "địa chỉ webhook không đọc được",
            cure="viết như http://192.168.1.20:5000 hoặc https://may-chu/duong-dan; không kèm tên, mật khẩu, dấu cách",
            en="a hook is http:// or https:// with a host, without user, password, fragment or blanks",
        )
    if _SECRET.fullmatch(secret) is None:
        raise UsageError(
            "bad_hook_secret",
            "khóa bí mật của webhook có ký tự không dùng được",
            cure="dùng chữ không dấu, số, dấu câu; không có dấu cách; nhiều nhất 4096 ký tự",
            en="a secret is printable ASCII without blanks",
        )
