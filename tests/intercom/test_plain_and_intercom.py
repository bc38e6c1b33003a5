"""Plain data and the line between belfry and office: what is said is what is heard, and nobody ever blocks."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd import intercom
from kengd.bellcode.profile import SirenProfile, StrikerProfile
from kengd.bellcode.score import Edge, Score
from kengd.bellcode.signal import Kind
from kengd.duty.standing import Activation, Cause
from kengd.duty.words import Draft, Purpose, Source, Stamped
from kengd.intercom import MESSAGES, Intercom
from kengd.plain import from_line, from_plain, to_line, to_plain
from kengd.settings.plan import BelfryPlan, LampPlan, Limits, RelayPlan, SignalPlan

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
st.register_type_strategy(dict, lambda _: st.dictionaries(st.text(max_size=8), JSON, max_size=3))


@pytest.mark.parametrize("name", sorted(MESSAGES))
@given(data=st.data())
def test_every_message_is_heard_as_it_was_said(name: str, data: st.DataObject) -> None:
    """Whatever the fields hold, writing and reading give the same value, in one line."""
    message = data.draw(st.from_type(MESSAGES[name]))
    line = to_line(message)
    assert b"\n" not in line
    assert from_line(line, MESSAGES) == message


@given(st.from_type(Stamped))
def test_a_spool_record_is_read_as_it_was_written(record: Stamped) -> None:
    """The spool keeps records as plain data within other data."""
    assert from_plain(Stamped, json.loads(json.dumps(to_plain(record)))) == record


@given(st.from_type(Draft))
def test_none_is_left_out_and_comes_back(draft: Draft) -> None:
    """Short lines: what is None is not written."""
    assert None not in to_plain(draft).values()
    assert from_plain(Draft, to_plain(draft)) == draft


def test_a_resume_record_with_its_score_is_read_as_it_was_written() -> None:
    """Named tuples, enums, nested tuples, properties left alone."""
    score = Score((Edge(0, True),), 5, (Edge(0, False), Edge(3, True)), 9)
    cause = Cause("a", 1, 2, "alarm", Source.BUTTON)
    activation = Activation("a", "alarm", Kind.ALARM, Purpose.ACTUAL, 1, 2, 3, 4, (cause,), score)
    assert from_plain(Activation, json.loads(json.dumps(to_plain(activation)))) == activation


@pytest.mark.parametrize("profile", [StrikerProfile(hold_ms=99), SirenProfile(blast_ms=1_234)])
def test_a_compiled_plan_is_read_as_it_was_written(profile: StrikerProfile | SirenProfile) -> None:
    """Unions told apart by their `kind`; a required field that may be None comes back as None."""
    score = Score((Edge(0, True), Edge(1, False)), 1)
    plan = BelfryPlan(
        "c", "p", "Điểm", ("Thôn 1",), "/s", "/r", "simulated", RelayPlan(17, True), (), LampPlan(), (), profile,
        Limits(), (SignalPlan("alarm", Kind.ALARM, "báo động", score),), score, score, 1, 2,
    )  # fmt: skip
    assert from_plain(BelfryPlan, json.loads(json.dumps(to_plain(plan)))) == plan


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[]", b'{"t":"Nobody"}', b'{"t":"Ping"}', b"\xff", b'{"t":"Ping","n":1,"x":2}']
)
def test_what_nobody_said_is_an_error_and_not_a_message(line: bytes) -> None:
    """Unknown tags, missing and unknown fields: KeyError, TypeError, ValueError or AttributeError, nothing else."""
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        from_line(line, MESSAGES)


def test_a_line_that_is_not_read_takes_no_more_and_never_blocks() -> None:
    """DESIGN section 4: the deciding thread never waits for the office; order is kept once it reads again."""
    ours, theirs = (Intercom(end) for end in Intercom.pair())
    sent = 0
    while ours.send(intercom.Ping(sent)):
        sent += 1
    assert sent > 100
    assert [theirs.receive() for _ in range(sent)] == [intercom.Ping(n) for n in range(sent)]
    assert theirs.receive() is None
    assert ours.send(intercom.Ping(0))


def test_a_line_whose_other_end_is_gone_says_so() -> None:
    """EOF when reading, OSError when writing."""
    ours, theirs = (Intercom(end) for end in Intercom.pair())
    theirs.close()
    with pytest.raises(EOFError):
        ours.receive()
    with pytest.raises(OSError, match=r"Broken pipe|reset"):
        ours.send(intercom.Ping(1))


def test_messages_are_frozen() -> None:
    """Data, not shared state."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        intercom.Ping(1).n = 2  # type: ignore[misc]
