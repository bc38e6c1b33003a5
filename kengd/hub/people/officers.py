"""Officers: who makes, changes and ends them. Nobody gives a role above their own, nor touches somebody who has one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kengd.errors import KengdError, UsageError
from kengd.hub.addresses import channel_of
from kengd.hub.ledger import audits
from kengd.hub.ledger import people as kept
from kengd.hub.notices.sms import sms_channel
from kengd.hub.people.ground import Ground, checked_login, checked_name
from kengd.hub.people.passwords import check_new, one_time
from kengd.hub.people.words import ROLES, Caller, Officer, Role, Session, shell_caller

LONGEST_PHONE = 40
MOST_CHANNELS = 20


class Officers(Ground):
    """The list of officers. Every change is one transaction with its line in the audit book."""

    def officers(self, *, ended: bool = False) -> list[Officer]:
        """In their order of calling; with `ended` also those who left."""
        with self.ledger.read() as connection:
            return kept.officers(connection, ended=ended)

    def officer(self, officer_id: str) -> Officer | None:
        """By id, ended or not."""
        with self.ledger.read() as connection:
            return kept.officer(connection, officer_id)

    def officer_called(self, login: str) -> Officer | None:
        """By login (the shell names officers so)."""
        with self.ledger.read() as connection:
            found = kept.officer_of_login(connection, checked_login(login))
        return None if found is None else found[0]

    def first_officer(self, login: str, name: str = "Quản trị", *, user: str = "root") -> str:
        """The first admin of a new hub, made at the machine's own shell: a password for one sign-in.

        Raises KengdError `officers_exist`, UsageError `bad_login`, `bad_name`.
        """
        return self._make(shell_caller(user), login, name, "admin", first=True)[1]

    def make_officer(
        self, caller: Caller, login: str, name: str, role: Role, *, phone: str = "", channels: Sequence[str] = ()
    ) -> tuple[Officer, str]:
        """A new officer, and a password for one sign-in, which is shown once.

        Raises UsageError `bad_login`, `bad_name`, `bad_phone`, those of `checked_channels`, KengdError `login_taken`, `name_taken`,
        `above_you` and those of `Caller.require`.
        """
        caller.require("people")
        return self._make(caller, login, name, role, phone=phone, channels=channels)

    def change_officer(
        self,
        caller: Caller,
        officer_id: str,
        *,
        name: str | None = None,
        role: Role | None = None,
        phone: str | None = None,
        rank: int | None = None,
        channels: Sequence[str] | None = None,
    ) -> Officer:
        """What is not None, changed. Raises as `make_officer`, and KengdError `no_such_officer`, `last_admin`."""
        caller.require("people")
        with self.ledger.write() as connection:
            kept.lock(connection)
            old = kept.in_service(connection, officer_id)
            not_above(caller, old.role, role)
            if old.role == "admin" and role not in (None, "admin"):
                another_admin(kept.admins(connection))
            new = replace(
                old,
                name=old.name if name is None else checked_name(name),
                role=role or old.role,
                phone=old.phone if phone is None else checked_phone(phone),
                rank=old.rank if rank is None else rank,
                channels=old.channels if channels is None else checked_channels(channels),
            )
            _one_of_a_name(kept.officers(connection), new)
            changed = [
                key for key in ("name", "role", "phone", "rank", "channels") if getattr(old, key) != getattr(new, key)
            ]
            if changed:
                kept.put_officer(connection, new)
                facts = {"officer": officer_id, "changed": changed, "role": new.role}
                audits.write(connection, caller.officer.id, "officer_changed", facts, self.wall_ms())
        return new

    def reset_password(self, caller: Caller, officer_id: str, password: str | None = None) -> str:
        """Another's forgotten password: a new one for one sign-in, made up unless given. Their devices are signed out.

        Raises KengdError `no_such_officer`, `above_you`, UsageError of `check_new`.
        """
        caller.require("people")
        found = self.officer(officer_id)
        if password is not None and found is not None:
            check_new(password, found.login or "", found.name)
        given = password if password is not None else one_time(self.random)
        made = self.passwords.hash(given)
        with self.lately.without(officer_id), self.ledger.write() as connection:
            kept.lock(connection)
            not_above(caller, kept.in_service(connection, officer_id).role)
            kept.put_password(connection, officer_id, made, must_change=True)
            kept.put_pin(connection, officer_id, None)
            kept.end_sessions(connection, officer_id)
            audits.write(connection, caller.officer.id, "password_reset", {"officer": officer_id}, self.wall_ms())
        return given

    def end_officer(self, caller: Caller, officer_id: str) -> None:
        """They left: no sign-in, no device, no token any more; what they did stays. The login may be given anew.

        Raises KengdError `no_such_officer`, `above_you`, `last_admin`.
        """
        caller.require("people")
        now_ms = self.wall_ms()
        with self.lately.without(officer_id), self.ledger.write() as connection:
            kept.lock(connection)
            found = kept.in_service(connection, officer_id)
            not_above(caller, found.role)
            if found.role == "admin":
                another_admin(kept.admins(connection))
            kept.end_officer(connection, officer_id, now_ms)
            audits.write(connection, caller.officer.id, "officer_ended", {"officer": officer_id}, now_ms)

    def devices_of(self, caller: Caller, officer_id: str) -> list[Session]:
        """Where another is signed in."""
        caller.require("people")
        with self.ledger.read() as connection:
            return kept.sessions(connection, officer_id, self.wall_ms())

    def end_devices_of(self, caller: Caller, officer_id: str) -> int:
        """Sign another out everywhere (a lost phone). Returns how many devices."""
        caller.require("people")
        with self.lately.without(officer_id), self.ledger.write() as connection:
            not_above(caller, kept.in_service(connection, officer_id).role)
            count = kept.end_sessions(connection, officer_id)
            facts = {"officer": officer_id, "count": count}
            audits.write(connection, caller.officer.id, "devices_ended", facts, self.wall_ms())
        return count

    def _make(
        self, caller: Caller, login: str, name: str, role: Role, *, phone: str = "", channels: Sequence[str] = (),
        first: bool = False,
    ) -> tuple[Officer, str]:  # fmt: skip
        not_above(caller, role)
        now_ms = self.wall_ms()
        new = Officer(
            self.new_id(), checked_login(login), checked_name(name), role, True, checked_phone(phone),
            channels=checked_channels(channels), made_ms=now_ms,
        )  # fmt: skip
        given = one_time(self.random)
        made = self.passwords.hash(given)
        with self.ledger.write() as connection:
            kept.lock(connection)
            if first and kept.anybody(connection):
                raise KengdError(
                    "officers_exist",
                    "máy trực ban này đã có cán bộ",
                    cure="nhờ quản trị thêm cán bộ, hoặc đặt lại mật khẩu bằng: kengd hub users password TÊN_ĐĂNG_NHẬP",
                    en="there are officers already",
                )
            if kept.officer_of_login(connection, new.login or "") is not None:
                raise UsageError(
                    "login_taken",
                    f"tên đăng nhập “{new.login}” đã có người dùng",
                    cure="chọn tên khác",
                    en="the login is taken",
                )
            now = kept.officers(connection)
            _one_of_a_name(now, new)
            new = replace(new, rank=max((officer.rank for officer in now), default=-1) + 1)
            kept.add_officer(connection, new, made)
            audits.write(connection, caller.officer.id, "officer_made", {"officer": new.id, "role": role}, now_ms)
        return new, given


def not_above(caller: Caller, *roles: Role | None) -> None:
    """Raises KengdError `above_you` when one of these is more than the caller's own."""
    if any(role is not None and ROLES.index(role) > ROLES.index(caller.role) for role in roles):
        raise KengdError(
            "above_you",
            "không trao hoặc sửa được vai trò cao hơn vai trò của mình",
            cure="nhờ quản trị",
            en="a role above your own",
        )


def another_admin(count: int) -> None:
    """Raises KengdError `last_admin` unless there are two."""
    if count < 2:
        raise KengdError(
            "last_admin",
            "đây là quản trị cuối cùng",
            cure="trao vai trò quản trị cho người khác trước",
            en="the last admin stays",
        )


def checked_phone(text: str) -> str:
    """A number that can be called, as the SMS modem reads it, or nothing. Raises UsageError `bad_phone`."""
    phone = text.strip()
    if len(phone) > LONGEST_PHONE:
        raise UsageError(
            "bad_phone",
            "số điện thoại quá dài",
            cure="chỉ ghi một số, ví dụ 0912 345 678",
            en="the phone number is too long",
        )
    if phone:
        sms_channel(phone)
    return phone


def checked_channels(channels: Sequence[str]) -> tuple[str, ...]:
    """Addresses for notices, each one that notices can be sent to: who is called at night must not find out then that his was wrong.

    Raises UsageError `bad_channels`, and those of `addresses.channel_of`, whose texts never repeat an address (P12).
    """
    if len(channels) > MOST_CHANNELS or any(not 0 < len(text) <= 500 or not text.isprintable() for text in channels):
        raise UsageError(
            "bad_channels",
            f"nhiều nhất {MOST_CHANNELS} địa chỉ nhận tin, mỗi địa chỉ không quá 500 ký tự",
            cure="bỏ bớt hoặc sửa lại",
            en="too many notice addresses, or one is unreadable",
        )
    for text in channels:
        channel_of(text)
    return tuple(channels)


def _one_of_a_name(now: Sequence[Officer], new: Officer) -> None:
    """Books and posts know officers by name: two alike could not be told apart."""
    if any(officer.name == new.name and officer.id != new.id for officer in now):
        raise UsageError(
            "name_taken",
            f"đã có một cán bộ tên “{new.name}”",
            cure="ghi thêm chức danh hoặc chữ đệm để phân biệt",
            en="there is an officer of this name",
        )
