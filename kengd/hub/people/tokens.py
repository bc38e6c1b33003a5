"""API tokens for machines, and PINs for keepers."""

from __future__ import annotations

from typing import Final

from kengd.errors import UsageError
from kengd.hub.ledger import audits
from kengd.hub.ledger import people as kept
from kengd.hub.people.entrance import TOKEN_PREFIX, Entrance
from kengd.hub.people.ground import checked_name, digest_of, no_such_keeper, only_officers
from kengd.hub.people.limits import PIN
from kengd.hub.people.officers import not_above
from kengd.hub.people.words import Caller, Role, Token
from kengd.wire.pin import check_pin

MOST_TOKENS: Final = 50


class Tokens(Entrance):
    """An officer's machines."""

    def make_token(self, caller: Caller, name: str, role: Role, until_ms: int | None = None) -> tuple[str, Token]:
        """A token of one's own, shown once. Raises KengdError `above_you`, `officers_only`, UsageError `bad_name`, `bad_end`."""
        officer_id, now_ms = only_officers(caller), self.wall_ms()
        caller.require("ring")  # an idle device, or a first password, makes none
        not_above(caller, role)
        if until_ms is not None and until_ms <= now_ms:
            raise UsageError(
                "bad_end", "ngày hết hạn đã qua", cure="chọn ngày sau hôm nay", en="the end lies in the past"
            )
        secret = TOKEN_PREFIX + self.new_secret()
        digest = digest_of(secret)
        token = Token(digest[: kept.ID_LENGTH], checked_name(name), officer_id, role, now_ms, until_ms)
        with self.ledger.write() as connection:
            good = [item for item in kept.tokens(connection, officer_id) if item.ended_ms is None]
            if len(good) >= MOST_TOKENS:
                raise UsageError(
                    "too_many_tokens",
                    f"mỗi cán bộ có nhiều nhất {MOST_TOKENS} mã truy cập",
                    cure="thu hồi mã không còn dùng",
                    en="too many tokens",
                )
            kept.add_token(connection, digest, token)
            facts = {"token": token.id, "role": role, "until_ms": until_ms}
            audits.write(connection, officer_id, "token_made", facts, now_ms)
        return secret, token

    def tokens(self, caller: Caller, officer_id: str | None = None) -> list[Token]:
        """One's own, or another's for those who look after people."""
        caller.require_awake()
        if officer_id is not None and officer_id != caller.officer.id:
            caller.require("people")
        with self.ledger.read() as connection:
            return kept.tokens(connection, officer_id or caller.officer.id)

    def end_token(self, caller: Caller, token_id: str, officer_id: str | None = None) -> bool:
        """Revoke it. False: there is none, or it was revoked before."""
        owner, now_ms = officer_id or caller.officer.id, self.wall_ms()
        caller.require_awake()
        if owner != caller.officer.id:
            caller.require("people")
        with self.lately.without(owner), self.ledger.write() as connection:
            done = kept.end_token(connection, owner, token_id, now_ms)
            if done:
                facts = {"token": token_id, "officer": owner}
                audits.write(connection, caller.officer.id, "token_ended", facts, now_ms)
        return done


class Keepers(Entrance):
    """PINs of bell keepers, one per person."""

    def set_keeper_pin(self, caller: Caller, keeper_id: str, pin: str | None) -> None:
        """Give, change or take it. Raises UsageError `bad_pin`, `pin_guessable`, KengdError `no_such_keeper`."""
        caller.require("people")
        if pin is not None:
            check_pin(pin)
        made = None if pin is None else self.pin_made(pin)
        with self.ledger.write() as connection:
            if not kept.put_keeper_pin(connection, keeper_id, made):
                raise no_such_keeper()
            facts = {"keeper": keeper_id, "set": pin is not None}
            audits.write(connection, caller.officer.id, "keeper_pin", facts, self.wall_ms())
        self.limits.forget(f"keeper {keeper_id}")

    def keeper_pin_right(self, keeper_id: str, pin: str) -> bool:
        """Whether this is the keeper's PIN. Raises Wait after too many tries, `sign_in_busy`."""
        with self.ledger.read() as connection:
            stored = kept.keeper_pin(connection, keeper_id)
        with self.trying([(f"keeper {keeper_id[:100]}", PIN)]):
            right = self.pin_right(stored, pin)
        if right:
            self.limits.forget(f"keeper {keeper_id}")
        return right
