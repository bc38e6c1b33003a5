"""Each actual alarm as CAP 1.2 files in `state_dir/cap`: an alert, an update when the police have it, a cancel at its end.

The messages follow from the incident alone, so a restart, or a second worker, writes the same ones or none.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kengd.errors import KengdError
from kengd.hub.alarms_lately import Alarm
from kengd.hub.authority import files
from kengd.hub.incidents import FROM_VILLAGE, Incident
from kengd.hub.ledger.dispatches import Dispatch
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.notices.cap import CapAlert, CapArea, CapError
from kengd.hub.notices.cap_writing import CapAlarm, CapSource, alarm_alert, alarm_cancel, alarm_update, write_cap
from kengd.hub.roster import Roster
from kengd.hub.settings import HubSettings
from kengd.hub.tidings import signal_vi, why_of

log = logging.getLogger("kengd.hub")

CAP_DIR: Final = "cap"
LASTS_MS: Final = 6 * 3_600_000
"""CAP wants an end; an alarm that goes on so long is told anew by people."""
_NAMED: Final = 20
_STRANGE: Final = re.compile(r"[^A-Za-z0-9._-]")


def messages(
    source: CapSource, incident: Incident, sounded: Sequence[Sounded], roster: Roster, order: Dispatch | None = None
) -> tuple[CapAlert, ...]:
    """All messages of this alarm so far, in their order; none for a drill or what has not sounded. Raises CapError."""
    if not sounded or incident.purpose != "actual":
        return ()
    head, where, areas = sounded[0], *_places(sounded, roster)
    alarm = CapAlarm(
        incident.id, signal_vi(head.signal), "Village alarm", where, incident.began_ms, incident.began_ms + LASTS_MS,
        areas, why=why_of(incident, order) if head.source not in FROM_VILLAGE else "",
    )  # fmt: skip
    found = [alarm_alert(source, alarm)]
    taken_ms, closed_ms = incident.acknowledged_ms, incident.closed_ms
    if taken_ms is not None and head.source in FROM_VILLAGE and (closed_ms is None or taken_ms <= closed_ms):
        said_vi = f"Công an xã đã nhận xử lý: {incident.acknowledged_by or ''}.".replace(": .", ".")
        earlier = [one.reference for one in found]
        found.append(alarm_update(source, alarm, earlier, taken_ms, said_vi, "The commune police have taken charge."))
    if closed_ms is not None:
        earlier = [one.reference for one in found]
        found.append(alarm_cancel(source, alarm, earlier, closed_ms, incident.closed_by or "Công an xã"))
    return tuple(found)


def _places(sounded: Sequence[Sounded], roster: Roster) -> tuple[str, tuple[CapArea, ...]]:
    posts = [post for item in sounded if (post := roster.post(item.post)) is not None]
    names = list(dict.fromkeys(post.name for post in posts)) or [sounded[0].post]
    ids = {village for post in posts for village in post.villages}
    villages = [village.name for village in roster.villages if village.id in ids]
    at = next((f" ({item.place})" for item in sounded[:1] if item.place), "")
    return ", ".join(names[:_NAMED]) + at, tuple(CapArea(name) for name in (villages or names)[:_NAMED])


class Bulletins:
    """Writes what is not there yet. A disk that is full is said once; the next look tries again."""

    def __init__(self, settings: HubSettings) -> None:
        commune = settings.commune
        sender = settings.cap.sender or f"kengd@{commune.id}"
        name = f"{commune.office.removesuffix(' xã') if commune.name.lower().startswith('xã') else commune.office} {commune.name}"
        self._source = CapSource(commune.id, sender, name, settings.cap.contact)
        self.directory = settings.state / CAP_DIR
        self._written: set[tuple[str, int]] = set()
        self._failing = False

    def look(self, alarms: Sequence[Alarm], roster: Roster) -> None:
        """Write the messages of these alarms that are not there."""
        for incident, sounded, order in alarms:
            try:
                for number, alert in enumerate(messages(self._source, incident, sounded, roster, order)):
                    self._write(incident.id, number, alert)
                self._failing = False
            except (KengdError, OSError) as wrong:  # CapError too: one alarm that cannot be said stops no other
                if not self._failing:
                    what = wrong.en if isinstance(wrong, CapError) else str(wrong)
                    log.error("no CAP message of %s: %s", incident.id, what)
                self._failing = True

    def _write(self, incident: str, number: int, alert: CapAlert) -> None:
        if (incident, number) in self._written:
            return
        path = self.directory / file_name(incident, number)
        if not path.exists():
            self.directory.mkdir(mode=0o755, parents=True, exist_ok=True)
            files.write(path, write_cap(alert), mode=0o644)
        self._written.add((incident, number))


def file_name(incident: str, number: int) -> str:
    """`0` the alert, behind it its updates and its cancel."""
    return f"{_STRANGE.sub('_', incident)[:100]}-{number}.xml"


def newest(directory: Path, limit: int = 100) -> list[Path]:
    """The messages written last, newest first."""
    try:
        found = [entry for entry in os.scandir(directory) if entry.name.endswith(".xml")]
        return [Path(entry.path) for entry in sorted(found, key=lambda entry: -entry.stat().st_mtime_ns)[:limit]]
    except OSError:
        return []
