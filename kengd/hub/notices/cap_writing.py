"""Our alarms as CAP 1.2: Alert when it begins, Update when it is taken or hushed, Cancel with the all-clear. Pure.

Identifiers follow from commune, alarm and the message's number, so the same act written twice is the same message. Drills
are of status Exercise and tests of status Test: no receiver can take them for real.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.sax.saxutils import escape

from kengd.duty.words import Purpose
from kengd.hub.notices.cap import (
    NAMESPACE,
    CapAlert,
    CapArea,
    CapError,
    CapInfo,
    CapReference,
    CapValue,
    cap_time,
    check_sense,
)
from kengd.hub.notices.cap_grammar import GRAMMAR, Rule, check_text

_STATUS = {Purpose.ACTUAL: "Actual", Purpose.DRILL: "Exercise", Purpose.TEST: "Test"}
_CATEGORIES = {
    "fire": ("Fire",),
    "disaster": ("Met", "Geo"),
    "": ("Safety", "Security"),
}
_NOTES = {
    Purpose.ACTUAL: "",
    Purpose.DRILL: "Diễn tập: không có sự việc thật. / Exercise: nothing has happened.",
    Purpose.TEST: "Kiểm tra kỹ thuật: bỏ qua. / Technical test: disregard.",
}


@dataclass(frozen=True, slots=True)
class CapSource:
    """Who speaks. `sender`: unique in the world by convention (an address or host name; no blanks or commas)."""

    commune: str
    sender: str
    name_vi: str
    contact: str = ""
    web: str = ""


@dataclass(frozen=True, slots=True)
class CapAlarm:
    """What rings. `id`: of the activation or incident; `began_ms`, `expires_ms`: unix ms; `incident`: kind, "" = unknown yet."""

    id: str
    signal_vi: str
    signal_en: str
    where_vi: str
    began_ms: int
    expires_ms: int
    areas: tuple[CapArea, ...]
    purpose: Purpose = Purpose.ACTUAL
    incident: str = ""
    why: str = ""


def alarm_alert(source: CapSource, alarm: CapAlarm) -> CapAlert:
    """The first message of an alarm. Raises CapError when a value cannot stand in CAP (a sender with a blank)."""
    vi = f"{alarm.signal_vi} tại {alarm.where_vi}" + (f". Lý do: {alarm.why}" if alarm.why else "")
    en = f"{alarm.signal_en}: the village bell is ringing at {alarm.where_vi}"
    infos = (
        _info(source, alarm, "vi-VN", alarm.signal_vi, vi, "Làm theo nội quy sử dụng kẻng của thôn."),
        _info(source, alarm, "en-US", alarm.signal_en, en, "Follow the village's rules for the bell."),
    )
    return _message(source, alarm, "Alert", (), alarm.began_ms, infos, _NOTES[alarm.purpose])


def alarm_update(
    source: CapSource, alarm: CapAlarm, earlier: Sequence[CapReference], at_ms: int, said_vi: str, said_en: str
) -> CapAlert:
    """Taken or hushed: the alarm goes on, and this is what is new. `earlier`: all messages so far. Raises CapError."""
    infos = (
        _info(source, alarm, "vi-VN", alarm.signal_vi, said_vi, "Tiếp tục theo hướng dẫn của Công an xã."),
        _info(source, alarm, "en-US", alarm.signal_en, said_en, "Go on as the commune police say."),
    )
    return _message(source, alarm, "Update", earlier, at_ms, infos, _NOTES[alarm.purpose])


def alarm_cancel(source: CapSource, alarm: CapAlarm, earlier: Sequence[CapReference], at_ms: int, by: str) -> CapAlert:
    """All clear. Raises CapError."""
    vi = _info(source, alarm, "vi-VN", alarm.signal_vi, f"Hết báo động tại {alarm.where_vi}.", "Mọi người trở về.")
    en = _info(source, alarm, "en-US", alarm.signal_en, f"All clear at {alarm.where_vi}.", "Everybody may go home.")
    infos = tuple(replace(one, response_types=("AllClear",), urgency="Past", severity="Minor") for one in (vi, en))
    note = f"Hết báo động, người báo: {by}. / All clear. {_NOTES[alarm.purpose]}".strip()
    return _message(source, alarm, "Cancel", earlier, at_ms, infos, note)


def write_cap(alert: CapAlert) -> bytes:
    """The XML document, UTF-8. Raises CapError when a required value is missing or a value is not allowed."""
    check_sense(alert)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<alert xmlns="{NAMESPACE}">']
    _write_block("alert", alert, "  ", lines)
    lines.append("</alert>\n")
    return "\n".join(lines).encode()


def _message(
    source: CapSource,
    alarm: CapAlarm,
    msg_type: str,
    earlier: Sequence[CapReference],
    at_ms: int,
    infos: tuple[CapInfo, ...],
    note: str,
) -> CapAlert:
    alert = CapAlert(
        identifier=f"kengd-{source.commune}-{alarm.id}-{len(earlier)}",
        sender=source.sender,
        sent=cap_time(at_ms),
        status=_STATUS[alarm.purpose],
        msg_type=msg_type,
        scope="Public",
        note=note,
        references=tuple(earlier),
        incidents=alarm.id,
        infos=infos,
    )
    write_cap(alert)  # a value that exists is valid
    return alert


def _info(source: CapSource, alarm: CapAlarm, language: str, event: str, description: str, instruction: str) -> CapInfo:
    drill = _NOTES[alarm.purpose]
    return CapInfo(
        language=language,
        categories=_CATEGORIES.get(alarm.incident, ("Security",)),
        event=event,
        response_types=("Execute",) if alarm.purpose is Purpose.ACTUAL else ("None",),
        urgency="Immediate",
        severity="Severe" if alarm.purpose is Purpose.ACTUAL else "Minor",
        certainty="Observed",
        effective=cap_time(alarm.began_ms),
        onset=cap_time(alarm.began_ms),
        expires=cap_time(alarm.expires_ms),
        sender_name=source.name_vi,
        headline=f"{event}: {alarm.where_vi}",
        description=f"{drill} {description}".strip(),
        instruction=instruction if alarm.purpose is Purpose.ACTUAL else drill,
        web=source.web,
        contact=source.contact,
        parameters=(CapValue("kengd:alarm", alarm.id),),
        areas=alarm.areas,
    )


def _write_block(block: str, value: Any, indent: str, lines: list[str]) -> None:
    for rule in GRAMMAR[block]:
        held = getattr(value, rule.field)
        items = held if rule.most > 1 else (held,) if held else ()
        if not rule.least <= len(items) <= rule.most:
            raise CapError(f"<{rule.element}> stands {len(items)} times in <{block}>")
        for item in items:
            _write(rule, item, indent, lines)


def _write(rule: Rule, item: Any, indent: str, lines: list[str]) -> None:
    if isinstance(rule.holds, str) and rule.holds in GRAMMAR:
        lines.append(f"{indent}<{rule.element}>")
        _write_block(rule.holds, item, indent + "  ", lines)
        lines.append(f"{indent}</{rule.element}>")
    elif rule.holds == "value":
        name, value = (_checked(rule, "text", part) for part in item)
        lines.append(f"{indent}<{rule.element}><valueName>{name}</valueName><value>{value}</value></{rule.element}>")
    else:
        text = " ".join(",".join(reference) for reference in item) if rule.holds == "references" else item
        lines.append(f"{indent}<{rule.element}>{_checked(rule, rule.holds, text)}</{rule.element}>")


def _checked(rule: Rule, holds: str | frozenset[str], text: str) -> str:
    clean = "".join(char if _is_xml(char) else " " for char in text).strip()
    try:
        check_text(holds, clean)
    except ValueError as wrong:
        raise CapError(f"<{rule.element}> {wrong}") from None
    return escape(clean)


def _is_xml(char: str) -> bool:
    """XML 1.0 knows no other control characters, no surrogates, no U+FFFE and U+FFFF. A carriage return would not survive."""
    return char in "\t\n" or " " <= char <= "\ud7ff" or "\ue000" <= char <= "�" or char >= "\U00010000"
