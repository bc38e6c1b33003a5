"""The keepers: who signs in at this post's page, by a PIN; whose devices are known; and how a PIN is changed here."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from kengd import clock
from kengd.duty.words import Instant
from kengd.errors import KengdError
from kengd.ports import PostView
from kengd.web.devices import ASK_AGAIN_MS, Device, Devices, Standing, id_of, mark_of, standing_of
from kengd.web.tries import Tries, key_of
from kengd.wire.pin import SALT, KeptPins, check_pin, is_pin, pin_hash, pin_holds, read_pins

CHANGED: Final = "pin:"
"""Values: keeper → the PIN he chose here, and which PIN of the file it took the place of."""
TRIES: Final = "tried"
"""The value that keeps what wrong PINs have used up."""
WAITING: Final = 4
"""So many tries may wait for the one that is being judged (16 MiB and a second of a small computer each)."""
WAIT_S: Final = 20.0
BUTTON: Final = "nút ở điểm kẻng vẫn đánh và dừng được"


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who asks, on which device. `standing` not "open": the device only hushes until the PIN is given again."""

    name: str
    device: Device
    standing: Standing


class Keepers:
    """Safe from any thread; `sign_in` and `change` take long (scrypt) and must not be called from an event loop."""

    def __init__(self, post: PostView) -> None:
        self._post = post
        self.devices = Devices(post.recall, post.remember)
        self._tries = Tries()
        self._tries_known = False
        self._judging = threading.Lock()
        self._places = threading.BoundedSemaphore(WAITING + 1)
        self._lock = threading.Lock()
        self._file: KeptPins | None = None
        self._legible = True
        self._chosen: Mapping[str, tuple[str, str]] = {}
        self._asked_ms: int | None = None
        self._read_file()

    # ---- who

    @property
    def any(self) -> bool:
        """Whether anybody can sign in at all."""
        return bool(self._pins())

    @property
    def asked_for(self) -> bool:
        """Whether the settings name a file with PINs."""
        return self._file is not None

    def of(self, secret: str | None) -> Keeper | None:
        """Whose device this cookie is of."""
        if not secret:
            return None
        now_ms = clock.now().wall_ms
        device = self.devices.find(secret, now_ms)
        if device is None:
            return None
        standing = standing_of(device, self._pins().get(device.by), now_ms, legible=self._legible)
        return None if standing is None else Keeper(device.by, device, standing)

    # ---- by a PIN

    def sign_in(self, pin: str, address: str, known: Keeper | None) -> tuple[str, str | None]:
        """(keeper, secret for the cookie; None: the device keeps the one it has).

        Raises KengdError `no_pins`, `bad_pin`, `wrong_pin`, `try_later`, `busy`.
        """
        pins = self._pins()
        if not pins:
            raise no_pins(asked_for=self.asked_for)
        if not is_pin(pin):
            raise KengdError("bad_pin", "mã PIN phải có đúng 6 chữ số", cure="nhập lại", en="a PIN has six digits")
        with self._one_try(address, known) as now:
            name = self._whose(pin, pins, first=known.name if known else None)
            if name is None:
                self._keep_tries(now)
                raise KengdError("wrong_pin", "mã PIN không đúng", cure=f"nhập lại; {BUTTON}", en="this PIN is wrong")
            self._tries.right()
            if known is not None and known.name == name:
                self.devices.again(known.device, pins[name], now.wall_ms)
                return name, None
            if known is not None:
                self.devices.forget(known.device)
            secret = self.devices.add(name, pins[name], now.wall_ms)
            self._tries.begin(name, key_of(name, id_of(secret)), now.mono_ms)
            return name, secret

    def change(self, keeper: Keeper, old: str, new: str, address: str) -> None:
        """Another PIN, by whoever knows the old one. His other devices are known no more: one of them may be lost.

        It tells whether the new one is somebody else's: so it is always counted as a try.

        Raises KengdError `wrong_pin`, `try_later`, `busy`; UsageError `bad_pin`, `pin_guessable`, `pin_taken`.
        """
        check_pin(new)
        pins = self._pins()
        with self._one_try(address, keeper) as now:
            self._keep_tries(now)
            if not pin_holds(pins.get(keeper.name), old):
                raise KengdError("wrong_pin", "mã PIN cũ không đúng", cure="nhập lại", en="the old PIN is wrong")
            if self._whose(new, pins, first=None) is not None:
                raise KengdError(
                    "pin_taken", "không dùng được mã PIN này", cure="chọn mã khác", en="choose another PIN"
                )
            stored = pin_hash(new, secrets.token_bytes(SALT))
        of_file = self._file.by_name[keeper.name] if self._file is not None else ""
        with self._lock:
            self._chosen = {**self._chosen, keeper.name: (stored, mark_of(of_file))}
        self._post.remember(CHANGED + keeper.name, json.dumps([stored, mark_of(of_file)]))
        self.devices.again(keeper.device, stored, clock.now().wall_ms)
        self.devices.end_others(keeper.device)

    @contextmanager
    def _one_try(self, address: str, known: Keeper | None) -> Iterator[Instant]:
        """One is judged at a time, and counted before; few wait. Gives when it is made."""
        if not self._places.acquire(blocking=False):
            raise _busy()
        try:
            if not self._judging.acquire(timeout=WAIT_S):
                raise _busy()
            try:
                now, device = clock.now(), key_of(known.name, known.device.id) if known else None
                self._recall_tries(now)
                wait_ms = self._tries.wait_ms(address, device, now.mono_ms)
                if wait_ms:
                    raise _later(wait_ms)
                self._tries.count(address, device, now.mono_ms)
                yield now
            finally:
                self._judging.release()
        finally:
            self._places.release()

    def _keep_tries(self, now: Instant) -> None:
        self._tries_known = True
        self._post.remember(TRIES, self._tries.kept(now))

    def _recall_tries(self, now: Instant) -> None:
        """From before the restart: as soon as the book can be read."""
        if not self._tries_known and (kept := self._post.recall(TRIES).get(TRIES)) is not None:
            self._tries_known = True
            self._tries.take_up(kept, now)

    def _whose(self, pin: str, pins: Mapping[str, str], first: str | None) -> str | None:
        """The keeper with this PIN; whose device it is, is tried first."""
        return next((name for name in sorted(pins, key=lambda one: one != first) if pin_holds(pins[name], pin)), None)

    # ---- what there is

    def _pins(self) -> dict[str, str]:
        """As they are now: what a keeper chose here, until the hub's file brings him another."""
        if self._file is None:
            return {}
        now_ms = clock.now().wall_ms
        with self._lock:
            if not self._chosen and (self._asked_ms is None or abs(now_ms - self._asked_ms) > ASK_AGAIN_MS):
                self._asked_ms = now_ms
                self._chosen = _chosen(self._post.recall(CHANGED))
            chosen = self._chosen
        found = {}
        for name, stored in self._file.by_name.items():
            own, instead_of = chosen.get(name, ("", ""))
            found[name] = own if instead_of == mark_of(stored) else stored
        return found

    def _read_file(self) -> None:
        """Once, at the start; what is wrong with it is a condition and keeps nobody else out (P3)."""
        why = ("", "")
        try:
            text = self._post.pins_text()
            self._file = None if text is None else read_pins(text)
            if self._file is not None and self._file.bad_lines:
                n = self._file.bad_lines[0]
                why = (f"dòng {n}", f"line {n}")
        except (OSError, ValueError) as wrong:
            self._file = KeptPins()
            said = getattr(wrong, "strerror", None) or "không phải chữ UTF-8"
            why = (said, said)
        self._legible = not why[0]
        self._post.ail("pins_unreadable", bool(why[0]), *why)


def no_pins(*, asked_for: bool) -> KengdError:
    """Nobody can sign in: what the installer must do."""
    vi = (
        "trong tệp mã PIN chưa có người giữ kẻng nào"
        if asked_for
        else "điểm kẻng này chưa có mã PIN cho người giữ kẻng"
    )
    return KengdError(
        "no_pins",
        vi,
        cure="nhờ Công an xã đặt mã PIN ở trang Điểm kẻng của máy trực ban, rồi chép tệp mới vào thẻ nhớ của điểm này",
        en="no keeper has a PIN at this post",
    )


def _later(wait_ms: int) -> KengdError:
    seconds = -(-wait_ms // 1000)
    return KengdError(
        "try_later",
        f"nhập sai nhiều lần, hãy chờ {seconds} giây",
        cure=f"chờ rồi nhập lại; {BUTTON}, máy đã đăng nhập vẫn dùng được",
        en=f"too many wrong PINs, wait {seconds} s",
    )


def _busy() -> KengdError:
    return KengdError("busy", "đang kiểm tra mã PIN khác", cure="chờ vài giây rồi nhập lại", en="other PINs are judged")


def _chosen(kept: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    found = {}
    for key, text in kept.items():
        try:
            stored, instead_of = json.loads(text)
            found[key.removeprefix(CHANGED)] = (str(stored), str(instead_of))
        except (ValueError, TypeError):
            continue
    return found
