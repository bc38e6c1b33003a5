"""From a stamped draft to an entry in the chain. Whatever a draft holds, an entry comes out: no record may block the book."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Final

from kengd.duty.words import Stamped
from kengd.wire.entry import LATEST_MS, Entry, Facts, detail_json, entry_of, facts_hash

LONGEST_DETAIL: Final = 16 * 1024
LONGEST_TEXT: Final = 1024


def stamp(stamped: Stamped, seq: int, prev: str, book: str) -> tuple[Facts, Entry]:
    """The row and the entry that follow the entry with hash `prev`."""
    draft = stamped.draft
    detail = None if draft.detail is None else _plain_detail(draft.detail)
    facts = Facts(
        seq, min(max(int(stamped.wall_ms), 0), LATEST_MS), draft.kind.value, draft.activation, draft.command_id,
        draft.signal, draft.purpose and draft.purpose.value, draft.source and draft.source.value, draft.place,
        draft.by, draft.reason, stamped.clock, detail,
    )  # fmt: skip
    try:
        own_hash = facts_hash(prev, book, facts)
        if max(map(len, filter(None, facts[2:12]))) > LONGEST_TEXT:
            raise ValueError("too long")
    except (ValueError, TypeError):
        sound: dict[str, Any] = {key: _sound(getattr(facts, key)) for key in Facts._fields[2:12]}
        facts = facts._replace(**sound)
        own_hash = facts_hash(prev, book, facts)
    return facts, entry_of(facts, book, prev, own_hash)


def _sound(fact: Any) -> str | None:
    """Text that UTF-8 can say (no lone surrogates) and that has an end."""
    return None if fact is None else str(fact)[:LONGEST_TEXT].encode("utf-8", "replace").decode()


def _plain_detail(detail: dict[str, object]) -> str:
    """Canonical JSON that reads back to itself; what JSON cannot say (NaN, lone surrogates, objects) is kept as its words."""
    try:
        # once through JSON, so that tuples, numbers as keys and enums hash as what will be read back
        text = detail_json(json.loads(detail_json(detail) or "null"))
        assert text is not None
        text.encode()
    except (ValueError, TypeError, RecursionError):
        return detail_json({"unwritable": _words(detail)}) or "null"
    if len(text) > LONGEST_DETAIL:
        return detail_json({"cut_short": text[: LONGEST_DETAIL // 4], "length": len(text)}) or "null"
    return text


def _words(value: object) -> str:
    words = type(value).__name__
    with suppress(Exception):  # a record that cannot even be printed must not block the ones behind it
        words = repr(value)
    return words[:LONGEST_TEXT].encode("utf-8", "replace").decode()
