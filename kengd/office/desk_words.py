"""What the order desk asks of the office: actions as data, and the few doors it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kengd.duty.words import Draft
from kengd.journal.batch import SeenCommand
from kengd.uplink.line import Token
from kengd.wire.reasons import Reason


@dataclass(frozen=True, slots=True)
class Write:
    """Write these drafts and this seen id in one transaction, then call `wrote(ticket, seq of the first draft)`."""

    ticket: int
    drafts: tuple[Draft, ...]
    seen: SeenCommand | None = None


@dataclass(frozen=True, slots=True)
class Resend:
    """Publish the entry with this seq again."""

    seq: int


@dataclass(frozen=True, slots=True)
class Ack:
    """Acknowledge this message to the broker."""

    token: Token


@dataclass(frozen=True, slots=True)
class Perform:
    """Slow work waits: call `perform(jti)` in the office's own loop, never in the line's thread."""

    jti: str


Action = Write | Resend | Ack | Perform


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order was not carried out. `detail` goes into the entry (what is wrong, for the person who sent it)."""

    reason: Reason
    detail: dict[str, object] | None = None


class SettingsDesk(Protocol):
    """Carries out the orders that change the post. Called by `perform` only; may be slow. None = done.

    Each of them must bear being done twice: after a power cut between the change and its entry the command comes again.
    """

    def silence(self, until_s: int) -> Refusal | None:
        """Hold back routine rings until this moment (unix s; 0 ends it)."""
        ...

    def lock_input(self, button: str, locked: bool) -> Refusal | None:
        """Lock a button for 24 h, or unlock it. `cannot_play`: no such button, or the last alarm button."""
        ...

    def apply_codebook(self, version: int, codebook: Mapping[str, Any]) -> Refusal | None:
        """Take a codebook into use. `cannot_play`, or `stale_version` for a lower version than the one in use."""
        ...

    def apply_timetable(self, version: int, timetable: Sequence[Any]) -> Refusal | None:
        """Take a timetable into use. `cannot_play` (a line that means nothing), `stale_version`."""
        ...

    def taken(self, activation: str, by: str) -> Refusal | None:
        """Show at the post that an officer has taken charge."""
        ...

    def replay(self, book: str, after_seq: int) -> None:
        """Send the entries of this book after this seq again."""
        ...
