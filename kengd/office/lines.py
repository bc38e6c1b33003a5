"""From the compiled office plan to what line, order desk and ticker work with."""

from __future__ import annotations

from pathlib import Path

from kengd.duty.lines import parse_line
from kengd.duty.timetable import Line
from kengd.settings.credentials import at_hand
from kengd.settings.plan import BelfryPlan, BrokerPlan, OfficePlan
from kengd.uplink.line import LineSettings
from kengd.wire.signing import KeyRing


def line_settings(plan: BelfryPlan, broker: BrokerPlan) -> LineSettings:
    """The line of this post. The password is read now and lives in memory only (P12)."""
    broker = at_hand(broker)
    password = None if broker.password_file is None else Path(broker.password_file).read_text("utf-8").strip()
    return LineSettings(
        host=broker.host,
        port=broker.port,
        client_id=f"kengd-{plan.commune}-{plan.post_id}",
        commune=plan.commune,
        post=plan.post_id,
        version=broker.version,
        keepalive_s=broker.keepalive_s,
        ca=broker.ca,
        cert=broker.cert,
        key=broker.key,
        username=broker.username,
        password=password,
    )


def read_lines(plan: OfficePlan) -> list[Line]:
    """The timetable; it was readable when it was compiled."""
    return [parse_line(line.at, line.days, line.signal, line.grace_s, line.except_) for line in plan.timetable]


def revoked_out(plan: OfficePlan) -> KeyRing:
    """The hub's keys that count: a revoked one verifies nothing any more."""
    return KeyRing({key.kid: key.public for key in plan.hub_keys if not key.revoked})
