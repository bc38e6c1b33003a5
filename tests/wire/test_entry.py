"""The entry on the wire: exactly the canonical form of the contract, however fast it is laid out (P7)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.wire.entry import (
    FIRST_PREV,
    KEYS,
    LATEST_MS,
    Entry,
    chain_hash,
    facts_hash,
    facts_of,
    format_at,
    from_json,
    parse_at,
    to_json,
    verify_chain,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
HEX64 = st.text("0123456789abcdef", min_size=64, max_size=64)
MAYBE = st.none() | TEXT
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)
ENTRIES = st.builds(
    Entry,
    book=TEXT,
    seq=st.integers(1, 2**62),
    at=st.integers(0, LATEST_MS).map(format_at),
    kind=TEXT,
    activation=MAYBE,
    command_id=MAYBE,
    signal=MAYBE,
    purpose=MAYBE,
    source=MAYBE,
    place=MAYBE,
    by=MAYBE,
    reason=MAYBE,
    clock=TEXT,
    detail=st.none() | st.dictionaries(TEXT, JSON, max_size=4),
    prev=HEX64,
    hash=HEX64,
)


def formula(entry: dict[str, Any]) -> str:
    """DESIGN section 7, word for word."""
    without = {key: value for key, value in entry.items() if key != "hash"}
    text = json.dumps(without, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(entry["prev"].encode("ascii") + text.encode()).hexdigest()


@given(ENTRIES)
def test_the_fast_hash_is_the_hash_of_the_contract(entry: Entry) -> None:
    """P7: SHA-256 over prev and json.dumps(entry without hash, sorted, compact, not ASCII), for any entry."""
    expected = formula(dataclasses.asdict(entry))
    assert chain_hash(entry.prev, entry) == expected
    assert facts_hash(entry.prev, entry.book, facts_of(entry)) == expected
    assert chain_hash(entry.prev, dataclasses.asdict(entry)) == expected


@given(ENTRIES)
def test_an_entry_goes_over_the_wire_and_comes_back_the_same(entry: Entry) -> None:
    """All keys present, null when empty, sorted and compact; read back to an equal value."""
    text = to_json(entry)
    plain = dataclasses.asdict(entry)
    assert text == json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert sorted(json.loads(text)) == sorted(KEYS)
    assert from_json(text) == entry
    assert from_json(text.encode()) == entry


def test_a_worked_example_can_be_checked_by_hand() -> None:
    """Other people's hubs can hold their own code against this line."""
    entry = Entry(
        "00112233aabbccdd", 1, "2026-12-01T15:00:00.000Z", "started", None, None, None, None, None, "nhà văn hóa", None,
        "new", "ntp", {"b": [1, 2.5], "a": "ố"}, FIRST_PREV, "",
    )  # fmt: skip
    text = (
        '{"activation":null,"at":"2026-12-01T15:00:00.000Z","book":"00112233aabbccdd","by":null,"clock":"ntp",'
        '"command_id":null,"detail":{"a":"ố","b":[1,2.5]},"kind":"started","place":"nhà văn hóa","prev":"'
        + "0"
        * 64
        + '",'
        '"purpose":null,"reason":"new","seq":1,"signal":null,"source":null}'
    )
    assert chain_hash(FIRST_PREV, entry) == hashlib.sha256(("0" * 64 + text).encode()).hexdigest()


@given(st.integers(0, LATEST_MS))
def test_times_are_written_and_read_to_the_millisecond(wall_ms: int) -> None:
    """at: YYYY-MM-DDTHH:MM:SS.mmmZ."""
    at = format_at(wall_ms)
    assert (len(at), parse_at(at)) == (24, wall_ms)


@pytest.mark.parametrize(
    "at",
    ["2026-12-01T15:00:00Z", "2026-12-01 15:00:00.000Z", "2026-13-01T15:00:00.000Z", "1969-12-31T23:59:59.999Z", "x", "",
     "2026-12-01T15:00:00.000+07:00", "２026-12-01T15:00:00.000Z"],
)  # fmt: skip
def test_a_time_of_another_form_is_refused(at: str) -> None:
    """One form only, so that the hash has one meaning."""
    with pytest.raises(ValueError):
        parse_at(at)


@pytest.mark.parametrize("wall_ms", [-1, LATEST_MS + 1])
def test_a_time_that_cannot_be_written_is_refused(wall_ms: int) -> None:
    """Outside 1970…9999 there is no such text."""
    with pytest.raises(ValueError):
        format_at(wall_ms)


def good() -> dict[str, Any]:
    entry = Entry("b" * 16, 1, format_at(0), "started", *(None,) * 8, "ntp", None, FIRST_PREV, "1" * 64)
    return dataclasses.asdict(entry)


@pytest.mark.parametrize(
    "change",
    [{"seq": 0}, {"seq": True}, {"seq": "1"}, {"at": "soon"}, {"book": None}, {"by": 5}, {"detail": []}, {"hash": "A" * 64},
     {"prev": "0" * 63}, {"more": 1}, {"detail": {"x": float("nan")}}],
)  # fmt: skip
def test_what_is_no_entry_is_refused(change: dict[str, Any]) -> None:
    """Exactly the keys of section 7, each with its type."""
    assert from_json(json.dumps(good())).seq == 1
    with pytest.raises(ValueError):
        from_json(json.dumps(good() | change))


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "[" * 100_000, '{"detail":' * 50_000])
def test_any_other_text_is_refused_with_one_kind_of_error(text: str) -> None:
    """A hub that reads entries from a network meets ValueError, never a crash."""
    with pytest.raises(ValueError):
        from_json(text)


def chain(length: int) -> list[Entry]:
    found: list[Entry] = []
    prev = FIRST_PREV
    for seq in range(1, length + 1):
        draft = Entry(
            "b" * 16,
            seq,
            format_at(seq),
            "refused",
            None,
            None,
            None,
            None,
            None,
            None,
            "Ba",
            None,
            "ntp",
            None,
            prev,
            "",
        )
        found.append(dataclasses.replace(draft, hash=chain_hash(prev, draft)))
        prev = found[-1].hash
    return found


@given(st.data())
def test_any_change_to_a_chain_is_found_at_its_place(data: st.DataObject) -> None:
    """P7: a changed, missing, doubled or exchanged entry is named by the first wrong seq."""
    entries = chain(8)
    assert verify_chain(entries) is None
    assert verify_chain(entries[3:], entries[2].hash, 4) is None
    at = data.draw(st.integers(0, 6))
    key = data.draw(st.sampled_from([key for key in KEYS if key not in ("seq", "prev", "hash")]))
    news: Any = {"at": format_at(99), "detail": {"x": 1}}.get(key, "khác")
    changed = [*entries[:at], dataclasses.replace(entries[at], **{key: news}), *entries[at + 1 :]]
    # a first entry that names another book makes that book the expected one: its hash still does not fit
    assert verify_chain(changed) == at + 1
    assert verify_chain([*entries[:at], *entries[at + 1 :]]) == at + 1
    assert verify_chain([*entries[: at + 1], *entries[at:]]) == at + 2
    assert verify_chain([*entries[:at], entries[at + 1], entries[at], *entries[at + 2 :]]) == at + 1


def test_a_chain_must_begin_at_one_unless_told_where() -> None:
    """A head that was cut off is seen."""
    assert verify_chain(chain(4)[1:]) == 1
    assert verify_chain(chain(4)[1:], "f" * 64) == 2
    assert verify_chain([]) is None
