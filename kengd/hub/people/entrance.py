"""Signing in and out: passwords, devices that stay signed in, PINs for idle ones, tokens for machines.

A device stays signed in for 30 days after its last use; after two idle hours it asks for the PIN (or the password), but for
stopping the sound. Limits bear on signing in only: nothing here ends a device because somebody typed wrong passwords.
"""

from __future__ import annotations

from typing import Final

from kengd.errors import KengdError
from kengd.hub.ledger import audits
from kengd.hub.ledger import people as kept
from kengd.hub.ledger.store import TROUBLE
from kengd.hub.people.ground import Ground, digest_of, login_of, only_officers, wrong_password
from kengd.hub.people.limits import ADDRESS, NAME, PIN, Rule, address_key
from kengd.hub.people.passwords import check_new
from kengd.hub.people.words import Caller, Officer, Session, lower
from kengd.wire.pin import SALT, check_pin, is_pin, pin_hash, pin_holds

DAY_MS: Final = 86_400_000
STAYS_MS: Final = 30 * DAY_MS
IDLE_MS: Final = 2 * 3_600_000
TOUCH_MS: Final = 60_000
"""A device that is used all the time is written down once a minute."""
TOKEN_PREFIX: Final = "kengd_"
_FAMILIAR: Final = 1_000


class Entrance(Ground):
    """Who is asking."""

    def sign_in(self, login: str, password: str, address: str, device: str = "") -> tuple[str, Officer]:
        """The secret of a new device session, and whose it is.

        Raises KengdError `sign_in_wrong`, `sign_in_busy`, Wait (`try_later`).
        """
        now_ms, name, place = self.wall_ms(), login_of(login), address_key(address)
        keys: list[tuple[str, Rule]] = [(f"address {place}", ADDRESS)]
        if name is not None:
            # who has been here before waits for nobody else's tries, neither at the name nor from the same address
            known = (name, place) in self.familiar
            keys = [(f"pair {name} {place}", NAME)] if known else [*keys, (f"name {name}", NAME)]
        with self.ledger.read() as connection:
            found = None if name is None else kept.officer_of_login(connection, name)
        with self.trying(keys) as slowed:
            right, newer = self.passwords.check(found[1] if found else None, password)
        if name is None or found is None or not right:
            if found is not None and slowed:
                with self.ledger.write() as connection:
                    audits.write(connection, found[0].id, "sign_in_slowed", {"address": place}, now_ms)
            raise wrong_password()
        secret = self.new_secret()
        self._admit(found, secret, device, now_ms)
        if newer is not None:
            with self.ledger.write() as connection:
                kept.renew_hash(connection, found[0].id, found[1], newer)
        self.limits.forget(f"name {name}")
        self.limits.forget(f"pair {name} {place}")
        if keys[0][1] is ADDRESS:
            self.limits.give_back(keys[0][0])
        self._know(name, place)
        return secret, found[0]

    def of_session(self, secret: str, *, use: bool = True, hushing: bool = False) -> Caller | None:
        """Whose device this is; None: not signed in. `use`: a person did something (a page that polls does not keep it awake).

        `hushing`: it is to stop a sound, which needs no ledger: nothing is written first, and who was let in just now still is.
        """
        now_ms, digest = self.wall_ms(), digest_of(secret)
        try:
            with self.ledger.read() as connection:
                found = kept.session_of(connection, digest, now_ms)
        except TROUBLE:
            if hushing and (caller := self.lately.find(digest, now_ms)) is not None:
                return caller
            raise
        if found is None:
            self.lately.drop(digest)
            return None
        session, officer = found
        locked = now_ms - session.used_ms >= IDLE_MS
        if use and not hushing and not locked and abs(now_ms - session.used_ms) >= TOUCH_MS:
            self._use(digest, now_ms)
        return self.lately.keep(digest, Caller(officer, officer.role, locked, session=session.id), now_ms)

    def unlock(self, secret: str, given: str) -> Caller:
        """An idle device goes on, with the officer's PIN or password.

        Raises KengdError `signed_out`, `pin_wrong`, `sign_in_busy`, Wait. However often it is wrong, the device stays signed in.
        """
        now_ms, digest = self.wall_ms(), digest_of(secret)
        with self.ledger.read() as connection:
            found = kept.session_of(connection, digest, now_ms)
            hashes = None if found is None else kept.kept_secrets(connection, found[1].id)
        if found is None or hashes is None:
            raise signed_out()
        session, officer = found
        with self.trying([(f"device {digest}", PIN)]):
            right = self._opens(hashes, given)
        if not right:
            raise KengdError(
                "pin_wrong",
                "mã PIN hoặc mật khẩu không đúng",
                cure="nhập lại; dừng kẻng vẫn bấm được",
                en="wrong PIN or password",
            )
        self.limits.forget(f"device {digest}")
        self._use(digest, now_ms)
        return Caller(officer, officer.role, session=session.id)

    def of_token(self, token: str, *, hushing: bool = False) -> Caller | None:
        """For whom this API token speaks: never with more than its officer's role of today. None: unknown, revoked or over.

        `hushing`: as `of_session`.
        """
        if not token.startswith(TOKEN_PREFIX):
            return None
        now_ms, digest = self.wall_ms(), digest_of(token)
        try:
            with self.ledger.read() as connection:
                found = kept.token_of(connection, digest, now_ms)
        except TROUBLE:
            if hushing and (caller := self.lately.find(digest, now_ms)) is not None:
                return caller
            raise
        if found is None:
            self.lately.drop(digest)
            return None
        kind, officer = found
        return self.lately.keep(digest, Caller(officer, lower(kind.role, officer.role), token=kind.id), now_ms)

    def sign_out(self, caller: Caller) -> None:
        """This device, no more."""
        officer_id = only_officers(caller)
        with self.lately.without(officer_id), self.ledger.write() as connection:
            if kept.end_session(connection, officer_id, caller.session or ""):
                audits.write(connection, officer_id, "sign_out", {"session": caller.session}, self.wall_ms())

    def devices(self, caller: Caller) -> list[Session]:
        """Where the officer is signed in."""
        caller.require_awake()
        with self.ledger.read() as connection:
            return kept.sessions(connection, only_officers(caller), self.wall_ms())

    def end_device(self, caller: Caller, session_id: str) -> bool:
        """A device of one's own that was lost. False: there is none of this id."""
        caller.require_awake()
        officer_id = only_officers(caller)
        with self.lately.without(officer_id), self.ledger.write() as connection:
            done = kept.end_session(connection, officer_id, session_id)
            if done:
                audits.write(connection, officer_id, "device_ended", {"session": session_id}, self.wall_ms())
        return done

    def end_other_devices(self, caller: Caller) -> int:
        """All of one's own but this one. Returns how many. Not from a device left lying: a thief would sign the others out."""
        caller.require_awake()
        officer_id = only_officers(caller)
        with self.lately.without(officer_id), self.ledger.write() as connection:
            count = kept.end_sessions(connection, officer_id, but=caller.session)
            audits.write(connection, officer_id, "devices_ended", {"count": count}, self.wall_ms())
        return count

    def change_password(self, caller: Caller, old: str, new: str) -> None:
        """One's own; other devices have to sign in again.

        Raises UsageError (`password_too_short`, …), KengdError `sign_in_wrong`, `password_same`, Wait.
        """
        officer_id, now_ms = only_officers(caller), self.wall_ms()
        check_new(new, caller.officer.login or "", caller.officer.name)
        stored = self._proved(officer_id, old)
        if self.passwords.check(stored, new)[0]:
            raise KengdError(
                "password_same",
                "mật khẩu mới giống mật khẩu cũ",
                cure="chọn mật khẩu khác",
                en="the new password is the old one",
            )
        made = self.passwords.hash(new)
        with self.lately.without(officer_id), self.ledger.write() as connection:
            if kept.kept_secrets(connection, officer_id, for_update=True) is None:
                raise signed_out()
            kept.put_password(connection, officer_id, made, must_change=False)
            kept.end_sessions(connection, officer_id, but=caller.session)
            audits.write(connection, officer_id, "password_changed", {}, now_ms)

    def set_pin(self, caller: Caller, password: str, pin: str | None) -> None:
        """One's own, for idle devices; None: the password is asked for instead.

        Raises UsageError `bad_pin`, `pin_guessable`, KengdError `sign_in_wrong`, Wait.
        """
        officer_id = only_officers(caller)
        if pin is not None:
            check_pin(pin)
        self._proved(officer_id, password)
        made = None if pin is None else self.pin_made(pin)
        with self.ledger.write() as connection:
            kept.put_pin(connection, officer_id, made)
            audits.write(connection, officer_id, "own_pin", {"set": pin is not None}, self.wall_ms())

    def pin_made(self, pin: str) -> str:
        """The hash of a PIN, with a new salt."""
        with self.gate.pass_one():
            return pin_hash(pin, self.random(SALT))

    def pin_right(self, stored: str | None, pin: str) -> bool:
        """Whether it is this one."""
        with self.gate.pass_one():
            return pin_holds(stored, pin)

    def _opens(self, hashes: tuple[str, str | None], given: str) -> bool:
        password, pin = hashes
        if pin is not None and is_pin(given):
            return self.pin_right(pin, given)
        return self.passwords.check(password, given)[0]

    def _proved(self, officer_id: str, password: str) -> str:
        """The hash of the officer's password, which this is. An open page left behind is not enough to change it."""
        with self.ledger.read() as connection:
            hashes = kept.kept_secrets(connection, officer_id)
        with self.trying([(f"password {officer_id}", PIN)]):
            right = self.passwords.check(hashes[0] if hashes else None, password)[0]
        if hashes is None or not right:
            raise wrong_password()
        self.limits.forget(f"password {officer_id}")
        return hashes[0]

    def _admit(self, found: tuple[Officer, str], secret: str, device: str, now_ms: int) -> None:
        """The device is written down, if the password that was checked is still the officer's."""
        digest, officer = digest_of(secret), found[0]
        label = "".join(letter for letter in device if letter.isprintable())[:200]
        session = Session(digest[: kept.ID_LENGTH], officer.id, label, now_ms, now_ms, now_ms + STAYS_MS)
        with self.ledger.write() as connection:
            now = kept.kept_secrets(connection, officer.id, for_update=True)
            if now is None or now[0] != found[1]:
                raise wrong_password()
            kept.add_session(connection, digest, session)
            audits.write(connection, officer.id, "sign_in", {"session": session.id}, now_ms)

    def _use(self, digest: str, now_ms: int) -> None:
        with self.ledger.write() as connection:
            kept.use_session(connection, digest, now_ms, now_ms + STAYS_MS)

    def _know(self, login: str, place: str) -> None:
        """Where somebody has signed in before, others' tries at the name from elsewhere do not slow them."""
        self.familiar[(login, place)] = None
        if len(self.familiar) > _FAMILIAR:
            self.familiar.clear()


def signed_out() -> KengdError:
    """The device is not signed in any more."""
    return KengdError("signed_out", "máy này không còn đăng nhập", cure="đăng nhập lại", en="this device is signed out")
