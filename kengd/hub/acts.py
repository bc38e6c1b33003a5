"""What an officer can do, each an act with an id of the client's: done once, followed to its end (R47, R62, H14, H16)."""

from __future__ import annotations

from kengd.hub.hush_acts import HushActs
from kengd.hub.incident_acts import IncidentActs
from kengd.hub.ring_acts import RingActs


class Acts(RingActs, HushActs, IncidentActs):
    """Safe from any thread."""
