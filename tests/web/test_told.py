"""What the page says of the book: the last rings and how they ended, a silent test, what a keeper heard."""

from __future__ import annotations

import json
from typing import Any

from kengd.web.rings import Ring, Told, Trial, told
from kengd.wire.entry import format_at

T = 1_790_000_000_000


def entry(kind: str, at_ms: int = T, **more: Any) -> str:
    """As `to_json` writes it, as far as the page reads it."""
    empty = dict.fromkeys(("activation", "signal", "purpose", "source", "place", "by", "reason", "detail"))
    return json.dumps({**empty, "kind": kind, "at": format_at(at_ms), **more})


def alarm(kind: str, at_ms: int = T, **more: Any) -> str:
    """Of one alarm from the button."""
    given = {"activation": "a" * 16, "signal": "alarm", "purpose": "actual", "source": "button", "place": "cổng làng"}
    return entry(kind, at_ms, **(given | more))


def test_a_ring_is_told_from_its_beginning_to_its_end() -> None:
    """Who, where, why, how it ended and by whom; what joined is no ring of its own."""
    found = told([
        alarm("ringing", detail={"why": "trộm"}),
        alarm("ringing", T + 1_000, source="hub", by="Đ/c Minh", detail={"joined": True, "cause": "b"}),
        alarm("cut", T + 9_000, reason="hushed", detail={"hushed_by": {"by": None, "place": "cổng làng"}}),
    ])  # fmt: skip
    assert found.rings == (
        Ring(T, "alarm", "actual", "button", "a" * 16, "cổng làng", None, "trộm", "cut", "hushed", T + 9_000, "cổng làng", 1),
    )  # fmt: skip


def test_the_newest_comes_first_and_a_ring_without_an_end_has_none() -> None:
    """Power lost in between: nobody says that it was well."""
    found = told([alarm("ringing"), entry("missed", T + 5, signal="curfew", source="timetable", reason="after_alarm")])
    assert [(ring.signal, ring.end, ring.reason) for ring in found.rings] == [
        ("curfew", "missed", "after_alarm"), ("alarm", None, None),
    ]  # fmt: skip


def test_a_refused_order_is_told_without_what_a_stranger_wrote() -> None:
    """The reason stands in a code; `why` of a refusal is the machine's."""
    found = told([alarm("refused", reason="bad_signature", detail={"why": "x"}), entry("refused", reason="malformed")])
    assert [(ring.end, ring.reason, ring.why) for ring in found.rings] == [("refused", "bad_signature", None)]


def test_the_last_silent_test_and_what_was_heard() -> None:
    """H2: a keeper's word on a ring is no silent test."""
    found = told([
        entry("tested", signal="alarm", purpose="test", by="Ông Thái", detail={"would": "silenced"}),
        entry("tested", T + 1, signal="alarm", purpose="test", by="Bà Hoà", detail={"would": "ring"}),
        entry("tested", T + 2, signal="curfew", by="Ông Thái", detail={"heard": False, "ring": "c" * 16}),
        entry("received", T + 3, activation="a" * 16, by="Đ/c Minh", detail={"do": "taken"}),
    ])  # fmt: skip
    assert found == Told((), Trial(T + 1, "Bà Hoà", "ring"), {"c" * 16: False}, {"a" * 16: "Đ/c Minh"})
    assert found.trial is not None and found.trial.good and not Trial(T, None, "silenced").good
