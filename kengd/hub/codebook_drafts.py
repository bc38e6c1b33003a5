"""What a chief is writing: the commune's next codebook or timetable, kept so that two officers never overwrite each other unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin
from kengd.bellcode.signal import Codebook
from kengd.duty.timetable import parse_line, plain_lines
from kengd.errors import KengdError, UsageError
from kengd.hub.dispatching import State
from kengd.hub.ledger import dispatches, settled, values
from kengd.hub.ledger.store import Transaction

What = Literal["codebook", "timetable"]
KEY: Final = "draft:"
SENT: Final = "sent_draft:"
MOST: Final = 30
"""So many orders back one is looked for that sends the draft again to posts that had not taken it."""
NONE: Final = ""
"""The revision of a draft that there is not."""
FIELDS: Final = ("kind", "name", "name_en", "meaning", "pattern")


@dataclass(frozen=True, slots=True)
class Draft:
    """`rev` follows from what is kept: who saves names the one that he read. `content`: {"use", "signals": […]} or {"lines": […]}.

    `officer`: an id; `at_ms`: unix ms. `sent`: the number under which it went out, while no post has taken it.
    """

    rev: str
    content: dict[str, Any]
    officer: str
    at_ms: int
    sent: int | None = None


def draft_of(connection: Transaction, what: What) -> Draft | None:
    """The commune's draft; what was sent is none any more as soon as one post has taken it, and is not lost when all refuse it."""
    kept = values.value_of(connection, f"{KEY}{what}")
    if kept is None:
        return None
    said = values.value_of(connection, f"{SENT}{what}")
    sent = None if said is None else json.loads(said)
    if sent is None or sent["rev"] != _rev(kept):
        return _draft(kept)
    return None if _taken(connection, what, sent["dispatch"]) else _draft(kept, sent["version"])


def keep(connection: Transaction, what: What, rev: str, content: Mapping[str, Any], officer: str, now_ms: int) -> Draft:
    """Keep it in the place of the one that was read. Raises KengdError `draft_changed`: somebody else has saved meanwhile."""
    key = f"{KEY}{what}"
    said = json.dumps({"content": content, "officer": officer, "at_ms": now_ms}, ensure_ascii=False, sort_keys=True)
    before = values.value_of(connection, key)
    there = draft_of(connection, what)
    begins = there is None or there.sent is not None  # what was sent stands among the versions
    if not ((rev == NONE and begins) or (there is not None and rev == there.rev)):
        raise _changed()
    kept = values.put_first(connection, key, said) if before is None else values.swap(connection, key, before, said)
    if not kept:
        raise _changed()
    return _draft(said)


def strike(connection: Transaction, what: What, rev: str) -> None:
    """Away with it: it is not wanted any more. Raises KengdError `draft_changed`."""
    key = f"{KEY}{what}"
    before = values.value_of(connection, key)
    if before is None or rev != _rev(before) or not values.swap(connection, key, before, None):
        raise _changed()


def note_sent(connection: Transaction, what: What, rev: str, dispatch: str, number: int) -> None:
    """It goes out with this order, and stays until a post has taken it. Raises KengdError `draft_changed`."""
    there = draft_of(connection, what)
    if there is None or there.rev != rev:
        raise _changed()
    values.put_value(connection, f"{SENT}{what}", json.dumps({"rev": rev, "dispatch": dispatch, "version": number}))


def of_codebook(codebook: Codebook) -> dict[str, Any]:
    """A draft's content that says what this codebook says."""
    signals = [
        {
            "id": signal.id, "kind": signal.kind.value, "name": signal.name_vi, "name_en": signal.name_en,
            "meaning": signal.meaning_vi, "pattern": signal.notation,
        }
        for signal in codebook.signals.values()
    ]  # fmt: skip
    return {"use": codebook.name if codebook.name in BUILTIN_NAMES else BUILTIN_NAMES[0], "signals": signals}


def of_table(what: What, sent: Any) -> dict[str, Any]:
    """A draft's content that says what a post was once sent; parts that cannot be read are left out."""
    if what == "timetable":
        return {"lines": [_line(line) for line in sent if isinstance(line, dict)] if isinstance(sent, list) else []}
    table = sent if isinstance(sent, dict) else {}
    use = table.get("use")
    content = of_codebook(builtin(use if isinstance(use, str) and use in BUILTIN_NAMES else BUILTIN_NAMES[0]))
    signals = {signal["id"]: signal for signal in content["signals"]}
    given = table.get("signals")
    for name, told in (given if isinstance(given, dict) else {}).items():
        if not isinstance(told, dict) or told.get("remove"):
            signals.pop(name, None)
            continue
        usual = {"kind": "routine", "name": name, "name_en": name, "meaning": name, "pattern": ""}
        known = {key: told[key] for key in FIELDS if isinstance(told.get(key), str)}
        signals[name] = {"id": name, **usual, **signals.get(name, {}), **known}
    return {**content, "signals": list(signals.values())}


def _line(said: Mapping[str, Any]) -> dict[str, Any]:
    """With days as the editor ticks them ("t2-t6"), whoever wrote the line; one that cannot be read as it is, its faults to be seen."""
    usual: dict[str, Any] = {"at": "", "days": "daily", "signal": "", "grace_s": 300, "except": []}
    line = usual | {key: said[key] for key in usual if isinstance(said.get(key), type(usual[key]))}
    days = said.get("days")
    if isinstance(days, list) and all(isinstance(day, str) for day in days):
        line["days"] = ",".join(days)
    try:
        read = parse_line(line["at"], line["days"], line["signal"], line["grace_s"], line["except"])
    except (UsageError, TypeError):
        return line
    return plain_lines([read])[0]


def to_send(what: What, content: Mapping[str, Any]) -> Any:
    """The table or list that goes to posts. Each signal is said whole, and those of the ready-made book that are not wanted are
    taken out, so that every post rings the same whatever it was given before."""
    if what == "timetable":
        return list(content["lines"])
    signals: dict[str, Any] = {
        signal["id"]: {key: signal[key] for key in FIELDS if signal[key]} for signal in content["signals"]
    }
    unwanted = {name: {"remove": True} for name in builtin(content["use"]).signals if name not in signals}
    return {"use": content["use"], "signals": signals | unwanted}


def _taken(connection: Transaction, what: What, dispatch: str) -> bool:
    """Whether any post rings by what this order brought, or one that brought it again."""
    ids = [dispatch]
    for order, _ in reversed(settled.orders_sent(connection, what, MOST)):
        if order.repeats in ids:
            ids.append(order.id)
    targets = dispatches.targets_of(connection, ids)
    return any(target.state is State.DONE and target.reason is None for target in targets)


def _draft(kept: str, sent: int | None = None) -> Draft:
    facts = json.loads(kept)
    return Draft(_rev(kept), facts["content"], facts["officer"], facts["at_ms"], sent)


def _rev(kept: str) -> str:
    return hashlib.sha256(kept.encode()).hexdigest()[:16]


def _changed() -> KengdError:
    return KengdError(
        "draft_changed",
        "bản nháp này vừa được người khác sửa hoặc gửi đi",
        cure="mở lại trang để xem bản mới, rồi sửa tiếp; những gì vừa sửa ở đây chưa được lưu",
        en="somebody else has changed or sent this draft meanwhile",
    )
