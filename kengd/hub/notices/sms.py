"""SMS through a modem of this machine: ModemManager's program `mmcli` is called, no shell in between.

Seen in ModemManager's own sources: `--messaging-create-sms` takes key=value pairs whose values may stand in double quotes
(nothing in them can be escaped, so there is none inside), and prints the path of the new SMS; `-s PATH --send` sends it; a
sent SMS stays in the modem until deleted, and a full modem sends nothing more.
"""

from __future__ import annotations

import logging
import re
import subprocess

from kengd.errors import UsageError
from kengd.hub.notices.wording import sms_text
from kengd.hub.notices.words import Channel, Notice, NoticeFailed

log = logging.getLogger(__name__)

_PHONE = re.compile(r"\+?[0-9]{8,15}", re.ASCII)
_PATH = re.compile(r"/org/freedesktop/ModemManager1/SMS/[0-9]{1,9}", re.ASCII)
_MODEM = re.compile(r"any|[0-9]{1,3}", re.ASCII)


def sms_channel(phone: str) -> Channel:
    """A phone number as it is written on paper ("0912 345 678", "+84 912.345.678"). Raises UsageError `bad_phone`."""
    number = re.sub(r"[ .()\-]", "", phone)
    if _PHONE.fullmatch(number) is None:
        raise UsageError(
            "bad_phone",
            f"số điện thoại {len(phone)} ký tự không đọc được",
            cure="viết như 0912345678 hoặc +84912345678: 8–15 chữ số",
            en="a phone number has 8 to 15 digits, with or without +",
        )
    return Channel("sms", number, short=True)


class Modem:
    """Sends SMS by `mmcli`. `modem`: its number, or "any". `timeout_s`: of sending, which can take the network 10 s;
    half of it for each of the other two calls."""

    def __init__(self, modem: str = "any", program: str = "mmcli", timeout_s: float = 14.0) -> None:
        if _MODEM.fullmatch(modem) is None:
            raise UsageError(
                "bad_modem", f"“{modem[:20]}” không phải số của modem", cure='dùng "any" hoặc một số, xem: mmcli -L'
            )
        self._modem, self._program, self._timeout_s = modem, program, timeout_s

    def deliver(self, notice: Notice, channel: Channel) -> str:
        """Sends the short form. Raises NoticeFailed."""
        text = sms_text(notice).replace('"', "'")
        made = self._call("-m", self._modem, f'--messaging-create-sms=text="{text}",number="{channel.target}"')
        path = _PATH.search(made)
        if path is None:
            raise NoticeFailed("sms_not_made", "modem không tạo được tin SMS", retry=True, en="mmcli named no SMS")
        try:
            self._call("-s", path[0], "--send", timeout_s=self._timeout_s)
        finally:
            self._tidy(path[0])
        return "modem đã gửi SMS"

    def _tidy(self, path: str) -> None:
        try:
            self._call("-m", self._modem, f"--messaging-delete-sms={path}")
        except NoticeFailed as failed:  # said but not retried: the message itself is out, or failed for its own reason
            log.warning("a sent SMS stays in the modem: %s", failed.code)

    def _call(self, *arguments: str, timeout_s: float | None = None) -> str:
        try:
            done = subprocess.run(  # its own text is not shown: it may repeat the number and the message
                (self._program, *arguments),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout_s or self._timeout_s / 2,
                check=False,
            )
        except FileNotFoundError as missing:
            raise NoticeFailed(
                "mmcli_missing",
                "máy này chưa có chương trình mmcli để gửi SMS",
                retry=False,
                cure="cài gói modemmanager: sudo apt install modemmanager",
                en="mmcli is not installed (package modemmanager)",
            ) from missing
        except subprocess.TimeoutExpired:
            raise NoticeFailed(
                "modem_timeout", "modem không trả lời", retry=True, en="mmcli did not end in time"
            ) from None
        except OSError as broken:
            raise NoticeFailed("mmcli_failed", f"không chạy được mmcli (mã {broken.errno})", retry=True) from broken
        if done.returncode != 0:
            raise _refused(done.stderr.decode("utf-8", "replace").lower(), done.returncode)
        return done.stdout.decode("utf-8", "replace")


def _refused(said: str, code: int) -> NoticeFailed:
    if "couldn't find modem" in said or "no modem" in said:
        return NoticeFailed("no_modem", "không thấy modem 4G", retry=True, cure="cắm modem, lắp SIM, rồi xem: mmcli -L")
    if "couldn't find the modemmanager" in said or "serviceunknown" in said.replace(" ", ""):
        cure = "sudo systemctl enable --now ModemManager"
        return NoticeFailed("modemmanager_down", "dịch vụ ModemManager không chạy", retry=True, cure=cure)
    return NoticeFailed(
        "modem_refused", f"modem từ chối (mã {code})", retry=True, cure="xem SIM, tiền, sóng: mmcli -m any"
    )
