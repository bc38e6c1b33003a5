"""Checked settings as plain plans for belfry and office. All paths become absolute, but for `credential:NAME`."""

from __future__ import annotations

from pathlib import Path

from kengd.settings import credentials, where
from kengd.settings.codes import Codes
from kengd.settings.crosscheck import HUSH
from kengd.settings.gpio import Button
from kengd.settings.model import Settings
from kengd.settings.plan import (
    BelfryPlan,
    BrokerPlan,
    ButtonPlan,
    HubKeyPlan,
    InputPlan,
    LampPlan,
    Limits,
    LinePlan,
    OfficePlan,
    RelayPlan,
    RetentionPlan,
    WebPlan,
)

HOLD_MS = 1_000
HUSH_HOLD_MS = 40
"""A hush acts after this much continuous level (R17)."""


def limits_of(settings: Settings) -> Limits:
    """`[limits]` in ms."""
    given = settings.limits
    return Limits(
        alarm_ms=given.alarm_s * 1_000,
        hard_limit_ms=given.hard_limit_s * 1_000,
        drill_ms=given.drill_s * 1_000,
        after_alarm_ms=given.after_alarm_min * 60_000,
        calm_per_hour=given.calm_per_hour,
    )


def belfry_plan(
    settings: Settings, codes: Codes, state: Path, config: Path, versions: tuple[int, int], warnings: tuple[str, ...]
) -> BelfryPlan:
    """Everything the belfry needs. The codes must have been read without problems."""
    assert codes.drill_prefix is not None and codes.slow_roll is not None
    gpio, simulated = settings.gpio, settings.gpio.pins == "simulated"
    run_dir = (
        where.absolute(settings.run_dir, config)
        if settings.run_dir
        else where.default_run_dir(state, simulated=simulated)
    )
    return BelfryPlan(
        commune=settings.post.commune,
        post_id=settings.post.id,
        name=settings.post.name,
        villages=tuple(settings.post.villages),
        state_dir=str(state),
        run_dir=str(run_dir),
        pins=gpio.pins,
        relay=RelayPlan(gpio.relay.pin, gpio.relay.active_low),
        buttons=tuple(_button(button) for button in gpio.buttons),
        lamps=LampPlan(gpio.lamps.bell, gpio.lamps.police),
        inputs=tuple(InputPlan(item.name, item.pin, item.means, item.active_low) for item in gpio.inputs),
        profile=settings.bell.profile(),
        limits=limits_of(settings),
        signals=codes.signals,
        drill_prefix=codes.drill_prefix,
        slow_roll=codes.slow_roll,
        codebook_version=versions[0],
        timetable_version=versions[1],
        edge_udp=gpio.edge_udp,
        warnings=warnings,
    )


def office_plan(settings: Settings, config: Path) -> OfficePlan:
    """What the office needs besides."""
    return OfficePlan(
        broker=_broker(settings, config),
        hub_keys=tuple(HubKeyPlan(key.kid, key.public, key.revoked) for key in settings.hub.keys),
        web=_web(settings, config),
        timetable=tuple(
            LinePlan(line.at, line.days, line.signal, line.grace_s, tuple(line.except_)) for line in settings.timetable
        ),
        retention=RetentionPlan(settings.journal.keep_days, settings.journal.keep_entries),
        clock_assume=settings.clock.assume,
    )


def _button(button: Button) -> ButtonPlan:
    hold_ms = HUSH_HOLD_MS if button.does == HUSH else button.hold_ms or HOLD_MS
    return ButtonPlan(button.name, button.pin, button.does, button.place, hold_ms)


def _broker(settings: Settings, config: Path) -> BrokerPlan | None:
    given = settings.broker
    if given is None:
        return None
    return BrokerPlan(
        host=given.host,
        port=given.port,
        ca=_place(given.ca, config),
        cert=_place(given.cert, config),
        key=_place(given.key, config),
        version=given.version,
        keepalive_s=given.keepalive_s,
        username=given.username,
        password_file=_place(given.password_file, config),
    )


def _web(settings: Settings, config: Path) -> WebPlan:
    given = settings.web
    return WebPlan(
        host=given.host,
        port=given.port,
        token_sha256=given.token_sha256,
        tls_port=given.tls_port,
        cert=_place(given.cert, config),
        key=_place(given.key, config),
        pins=_place(given.pins, config),
    )


def _place(path: str | None, config: Path) -> str | None:
    if path is None or credentials.is_credential(path):
        return path
    return str(where.absolute(path, config))
