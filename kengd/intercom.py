"""The line between belfry and office: frozen dataclasses as JSON, one a datagram, over a Unix SOCK_SEQPACKET pair.

Both ends live on one machine and share CLOCK_MONOTONIC; all `_ms` times here are on that clock unless named `wall`.
Neither end ever blocks: `send` answers False when the other end does not read.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

from kengd.duty.health import Condition
from kengd.duty.standing import Sounding
from kengd.duty.words import ClockTrust, HushOrder, Instant, Stamped, Trigger
from kengd.plain import from_line, to_line

# ---- office → belfry


@dataclass(frozen=True, slots=True)
class AskRing:
    """Ask for a signal; answered by `Decided` with the trigger's id."""

    trigger: Trigger


@dataclass(frozen=True, slots=True)
class AskHush:
    """Ask for silence now; answered by `Decided` with `id`."""

    id: str
    order: HushOrder


@dataclass(frozen=True, slots=True)
class Written:
    """All spool records with n <= `upto` are in the book (or the book is broken and they count as written)."""

    upto: int


@dataclass(frozen=True, slots=True)
class OfficeState:
    """What the office knows and the belfry shows: clock trust, conditions, line to the hub, durable settings."""

    clock: ClockTrust
    conditions: tuple[Condition, ...] = ()
    line_up: bool = False


@dataclass(frozen=True, slots=True)
class SetSilence:
    """Hold back routine rings until this wall clock time (unix s; 0 ends it)."""

    until_s: int


@dataclass(frozen=True, slots=True)
class SetLock:
    """Ignore a button until this wall clock time (unix s; 0 unlocks it)."""

    button: str
    until_s: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """The hub's broker has taken the `ringing` entry of this activation."""

    activation: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A named officer has taken charge of this activation."""

    activation: str
    by: str


@dataclass(frozen=True, slots=True)
class LastAlarm:
    """From the book after a reboot: when the last ACTUAL alarm ended, and whether power cut it (the lamp asks for a new press)."""

    ended_wall_ms: int
    power_lost: bool


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """New settings were compiled; read them."""


@dataclass(frozen=True, slots=True)
class AskEdges:
    """Simulated pins only: edges with n > `after`; answered by `Edges`."""

    id: str
    after: int


@dataclass(frozen=True, slots=True)
class AskPress:
    """Simulated pins only: press this button for `hold_ms`; answered by `Pressed`."""

    id: str
    button: str
    hold_ms: int


@dataclass(frozen=True, slots=True)
class Pong:
    """The office lives (answer to `Ping`)."""

    n: int


# ---- belfry → office


@dataclass(frozen=True, slots=True)
class Hello:
    """First word of the belfry: the name of its spool, what sounds, since when it is armed (a book begun now begins there)."""

    boot: str
    sounding: Sounding | None = None
    armed: Instant | None = None


@dataclass(frozen=True, slots=True)
class Spooled:
    """Spool records to be written in the book, in one commit: what one decision brought."""

    records: tuple[Stamped, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """The arbiter's verdict on an `AskRing` or `AskHush`."""

    id: str
    verdict: str
    reason: str | None = None
    activation: str | None = None


@dataclass(frozen=True, slots=True)
class BelfryState:
    """Sent at each change: what sounds, the belfry's own conditions, silences, and what the lamps say of an alarm: until when "press
    again" (monotonic), which activation has reached the hub, which has been taken charge of."""

    sounding: Sounding | None = None
    conditions: tuple[Condition, ...] = ()
    silenced_until_s: int = 0
    press_again_until_ms: int = 0
    delivered: str | None = None
    taken: str | None = None


@dataclass(frozen=True, slots=True)
class Edges:
    """Logical relay edges: (n, monotonic ns, on)."""

    id: str
    edges: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Pressed:
    """The simulated press has begun; `found` false = no such button."""

    id: str
    found: bool


@dataclass(frozen=True, slots=True)
class Ping:
    """Is the office alive? Answered by `Pong`."""

    n: int


@dataclass(frozen=True, slots=True)
class ReloadOffice:
    """Settings were compiled anew; read them."""


MESSAGES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        AskRing, AskHush, Written, OfficeState, SetSilence, SetLock, Delivered, Taken, LastAlarm, ReloadPlan,
        AskEdges, AskPress, Pong, Hello, Spooled, Decided, BelfryState, Edges, Pressed, Ping, ReloadOffice,
    )
}  # fmt: skip

LARGEST_MESSAGE = 1 << 20


class Intercom:
    """One end of the line, non-blocking."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end

    @staticmethod
    def pair() -> tuple[socket.socket, socket.socket]:
        """Two connected ends with room for a burst of commands."""
        ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST_MESSAGE)
        return ends

    def fileno(self) -> int:
        """For selectors."""
        return self._end.fileno()

    def send(self, message: Any) -> bool:
        """True when the message was handed to the kernel; False when the other end does not read just now.

        Raises OSError (BrokenPipeError, ConnectionResetError) when the other end is gone.
        """
        try:
            self._end.send(to_line(message))
        except BlockingIOError:
            return False
        return True

    def receive(self) -> Any | None:
        """The next message, or None when there is none just now. Raises EOFError when the other end is gone."""
        try:
            line = self._end.recv(LARGEST_MESSAGE)
        except BlockingIOError:
            return None
        except ConnectionResetError as gone:
            raise EOFError from gone
        if not line:
            raise EOFError
        return from_line(line, MESSAGES)

    def close(self) -> None:
        """Hang up."""
        self._end.close()
