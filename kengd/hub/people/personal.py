"""What is kept of people: shown, erased, swept; and the audit book."""

from __future__ import annotations

from typing import Any

from kengd.errors import KengdError
from kengd.hub.ledger import audits, personal
from kengd.hub.ledger import people as kept
from kengd.hub.ledger.audits import ANY, Audit, Wanted
from kengd.hub.people.entrance import DAY_MS
from kengd.hub.people.ground import Ground, no_such_keeper
from kengd.hub.people.words import Caller


class Personal(Ground):
    """What is kept of people, and the audit book."""

    def officer_data(self, caller: Caller, officer_id: str) -> dict[str, Any]:
        """All that is kept of an officer, as plain JSON data: one's own, or another's. Raises KengdError `no_such_officer`."""
        caller.require_awake()
        if officer_id != caller.officer.id:
            caller.require("people")
        with self.ledger.write() as connection:
            found = personal.of_officer(connection, officer_id)
            if found is None:
                raise KengdError(
                    "no_such_officer", "không có cán bộ này", cure="tải lại danh sách cán bộ", en="no such officer"
                )
            audits.write(connection, caller.officer.id, "data_shown", {"officer": officer_id}, self.wall_ms())
        return found

    def keeper_data(self, caller: Caller, keeper_id: str) -> dict[str, Any]:
        """All that is kept of a keeper. Raises KengdError `no_such_keeper`."""
        caller.require("people")
        with self.ledger.write() as connection:
            found = personal.of_keeper(connection, keeper_id)
            if found is None:
                raise no_such_keeper()
            audits.write(connection, caller.officer.id, "data_shown", {"keeper": keeper_id}, self.wall_ms())
        return found

    def erase_officer(self, caller: Caller, officer_id: str) -> None:
        """Name, phone and channels of one who has left. Raises KengdError `not_ended`, also when there is nothing to erase."""
        caller.require("people")
        now_ms = self.wall_ms()
        with self.ledger.write() as connection:
            if not personal.erase_officer(connection, officer_id, now_ms):
                raise KengdError(
                    "not_ended",
                    "chỉ xóa được dữ liệu của cán bộ đã nghỉ, một lần",
                    cure="cho cán bộ này nghỉ trước",
                    en="only of an officer who has ended, once",
                )
            audits.write(connection, caller.officer.id, "data_erased", {"officer": officer_id}, now_ms)

    def erase_keeper(self, caller: Caller, keeper_id: str) -> None:
        """The keeper leaves the roster with all that is kept of them. Raises KengdError `no_such_keeper`."""
        caller.require("people")
        with self.ledger.write() as connection:
            if not personal.erase_keeper(connection, keeper_id):
                raise no_such_keeper()
            audits.write(connection, caller.officer.id, "data_erased", {"keeper": keeper_id}, self.wall_ms())

    def sweep(self, keep_personal_days: int, by: str = "hub") -> tuple[int, int]:
        """Nightly: devices whose time is over, and the data of those who left long ago. Returns how many of each."""
        now_ms = self.wall_ms()
        with self.ledger.write() as connection:
            over = kept.sweep_sessions(connection, now_ms)
            left = personal.left_before(connection, now_ms - keep_personal_days * DAY_MS)
            left = [item for item in left if personal.erase_officer(connection, item, now_ms)]
            for officer_id in left:
                audits.write(connection, by, "data_erased", {"officer": officer_id, "days": keep_personal_days}, now_ms)
        return over, len(left)

    def audit(self, caller: Caller, after: int = 0, limit: int = 200) -> list[Audit]:
        """Acts with a seq above `after`, oldest first."""
        caller.require("audit")
        with self.ledger.read() as connection:
            return audits.read(connection, after, limit)

    def audit_newest(
        self, caller: Caller, before: int | None = None, limit: int = 200, wanted: Wanted = ANY
    ) -> list[Audit]:
        """The last acts, or those before a seq, as far as they are wanted; newest first."""
        caller.require("audit")
        with self.ledger.read() as connection:
            return audits.newest(connection, before, limit, wanted)

    def audit_wrong(self) -> int | None:
        """The first seq of the audit book that does not hold; None: it is whole."""
        with self.ledger.read() as connection:
            return audits.verify(connection)
