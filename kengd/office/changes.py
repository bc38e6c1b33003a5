"""Orders that change the post: silence, locked buttons, codebook, timetable, taken, replay (DESIGN section 7)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from kengd import clock, intercom
from kengd.errors import KengdError
from kengd.office.desk_words import Refusal
from kengd.settings.plan import BelfryPlan

LOCK_S = 24 * 3600


class Memory(Protocol):
    """Where silences and locks outlive a reboot: values in the book."""

    def remember(self, key: str, value: str | None) -> None: ...
    def recall(self, prefix: str) -> dict[str, str]: ...


class Changes:
    """The settings desk of the post (`desk_words.SettingsDesk`)."""

    def __init__(
        self,
        *,
        config: str,
        plan: Callable[[], BelfryPlan],
        memory: Memory,
        tell: Callable[[Any], bool],
        rewind: Callable[[int], None],
        book_id: Callable[[], str],
    ) -> None:
        self._config = config
        self._plan = plan
        self._memory = memory
        self._tell = tell
        self._rewind = rewind
        self._book_id = book_id
        self._locks: dict[str, int] = {}
        self._unsent: deque[Any] = deque()

    def silence(self, until_s: int) -> Refusal | None:
        """Hold back routine rings until then; 0 ends it."""
        self._memory.remember("silenced_until", str(until_s) if until_s else None)
        self._send(intercom.SetSilence(until_s))
        return None

    def lock_input(self, button: str, locked: bool) -> Refusal | None:
        """For 24 h; never the last alarm button that still works (R67)."""
        plan = self._plan()
        named = next((item for item in plan.buttons if item.name == button), None)
        if named is None:
            return Refusal(
                "cannot_play",
                {
                    "why": "no such button",
                    "vi": f"điểm kẻng này không có nút «{button}»",
                    "buttons": [item.name for item in plan.buttons],
                },
            )
        alarms = {signal.id for signal in plan.signals if signal.kind == "alarm"}
        others = [
            item.name
            for item in plan.buttons
            if item.does in alarms and item.name != button and item.name not in self._locked()
        ]
        if locked and named.does in alarms and not others:
            return Refusal(
                "cannot_play",
                {
                    "why": "it is the last alarm button",
                    "vi": "đây là nút báo động cuối cùng còn dùng được, không khóa",
                },
            )
        until_s = clock.now().wall_ms // 1000 + LOCK_S if locked else 0
        self._locks[button] = until_s
        self._memory.remember(f"lock:{button}", str(until_s) if locked else None)
        self._send(intercom.SetLock(button, until_s))
        return None

    def _send(self, message: Any) -> None:
        """To the belfry, behind what it had no room for: what was answered `settings_changed` must reach it."""
        self._unsent.append(message)
        self.tend()

    def tend(self) -> None:
        """Once a second: what the belfry had no room for (it was stopped, or very busy)."""
        while self._unsent and self._tell(self._unsent[0]):
            self._unsent.popleft()

    def _locked(self) -> set[str]:
        """By the book and by what was ordered since: the book is written later, and not at all on a full disk."""
        now_s = clock.now().wall_ms // 1000
        kept = {key.removeprefix("lock:"): int(until) for key, until in self._memory.recall("lock:").items()}
        return {button for button, until_s in (kept | self._locks).items() if until_s > now_s}

    def restore(self) -> None:
        """After a start of either process: tell the belfry what still holds."""
        until_s = int(self._memory.recall("silenced_until").get("silenced_until", "0"))
        now_s = clock.now().wall_ms // 1000
        if until_s > now_s:
            self._send(intercom.SetSilence(until_s))
        for key, until in self._memory.recall("lock:").items():
            if int(until) > now_s:
                self._send(intercom.SetLock(key.removeprefix("lock:"), int(until)))

    def apply_codebook(self, version: int, codebook: Mapping[str, Any]) -> Refusal | None:
        """Take the hub's codebook; the version before is kept."""
        from kengd.settings.versions import apply_codebook_overlay

        return self._apply(apply_codebook_overlay, version, dict(codebook))

    def apply_timetable(self, version: int, timetable: Sequence[Any]) -> Refusal | None:
        """Take the hub's timetable; the version before is kept."""
        from kengd.settings.versions import apply_timetable_overlay

        return self._apply(apply_timetable_overlay, version, list(timetable))

    def _apply(self, apply: Callable[[str, int, Any], object], version: int, content: Any) -> Refusal | None:
        try:
            apply(self._config, version, content)
        except KengdError as error:
            reason = "stale_version" if error.code == "stale_version" else "cannot_play"
            return Refusal(reason, {"why": error.en[:500], "vi": error.vi[:500]})  # type: ignore[arg-type]
        self._send(intercom.ReloadPlan())
        return None

    def taken(self, activation: str, by: str) -> Refusal | None:
        """The lamp CÔNG AN says that an officer has taken charge."""
        self._send(intercom.Taken(activation, by))
        return None

    def replay(self, book: str, after_seq: int) -> None:
        """Send the entries after this seq again, if it is this book."""
        if book == self._book_id():
            self._rewind(after_seq)
