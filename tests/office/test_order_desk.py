"""The order desk: what is passed on, what is written, what is answered and when the broker is told (P5, P12, P13)."""

from __future__ import annotations

from typing import Any

import pytest

from kengd.duty.words import Draft, EntryKind, HushOrder, Purpose, Source, Trigger
from kengd.errors import KengdError
from kengd.intercom import AskHush, AskRing
from kengd.journal.batch import SeenCommand
from kengd.office.desk_words import Refusal
from kengd.office.seen import ALWAYS_KEPT, UNKNOWN_DIGEST, Seen
from tests.office.desk_harness import ALL, RANG, Office
from tests.wire.seal import KID, MONO, NONCE, NOW, STRANGER, command

RING = {"do": "ring", "signal": "alarm", "purpose": "actual", "by": "Đ/c Hùng"}
DUPLICATE = ("refused", "order-0001", "duplicate")


def order(**fields: Any) -> bytes:
    return command(cmd=fields)


def test_a_ring_is_with_the_belfry_before_anything_is_written() -> None:
    """Section 4: hear, decide, ring, write, report: the desk drafts nothing and acknowledges nothing yet."""
    office = Office()
    office.hear(command(cmd=RING | {"why": "cháy", "at": NOW + 5}))
    trigger = Trigger(
        id="0000000000000001",
        signal="alarm",
        purpose=Purpose.ACTUAL,
        source=Source.HUB,
        at_ms=MONO,
        by="Đ/c Hùng",
        why="cháy",
        key="order-0001",
        command_id="order-0001",
        deadline_ms=MONO + 59_749,
        start_ms=MONO + 4_750,
        said_ms=MONO,
    )
    assert office.asked == [AskRing(trigger)]
    assert (office.acked, office.book.entries) == ([], [])
    office.belfry_answers(kinds=RANG)
    assert office.acked == [1]
    assert office.book.told() == [("received", "order-0001", None), ("ringing", "order-0001", None)]
    assert [(row.jti, row.first_reply) for row in office.book.seen_commands()] == [("order-0001", 1)]


def test_a_hush_names_its_moment() -> None:
    """P13: unnamed, what began at or before its `iat`; a verb of its own (R24, R56), bound to its lifetime."""
    office = Office()
    office.hear(order(do="hush", by="x", activation="a" * 16, why="nhầm"))
    hush = HushOrder(Source.HUB, MONO, "a" * 16, None, "x", "nhầm", "order-0001", "order-0001", MONO + 59_749)
    assert office.asked == [AskHush("0000000000000001", hush)]


def test_a_repeat_is_answered_with_the_first_reply_and_written_once() -> None:
    """DESIGN section 7, R32: repeats by id; the stored reply is published again; only the first repeat is written."""
    office = Office()
    raw = command()
    office.hear(raw)
    office.hear(raw)
    assert (office.acked, office.resent) == ([], [])
    office.belfry_answers(kinds=RANG)
    assert office.acked == [1, 2]
    for _ in range(3):
        office.hear(raw)
    assert (office.asked, office.resent, office.acked) == ([], [1, 1, 1], [1, 2, 3, 4, 5])
    assert office.book.told()[2:] == [DUPLICATE]


def test_other_bytes_under_a_used_id_are_told_so() -> None:
    """DESIGN section 7: the same `jti` with other bytes is `jti_reused` and rings nothing."""
    office = Office()
    office.hear(command())
    office.hear(command(exp=NOW + 61))
    office.belfry_answers(kinds=RANG)
    office.hear(command(cmd=RING | {"signal": "support"}))
    assert office.asked == []
    assert [row for row in office.book.told() if row[0] == "refused"] == [("refused", "order-0001", "jti_reused")] * 2


def test_two_like_commands_with_two_ids_both_ring() -> None:
    """R32: nothing but the id makes a repeat; a second, real command is never swallowed."""
    office = Office()
    office.hear(command())
    office.hear(command(jti="order-0002"))
    assert len(office.asked) == 2


def test_a_signed_refusal_is_answered_once_and_remembered() -> None:
    """P5: refused with its reason and its id; its repeats get the same answer, and it never rings later."""
    office = Office()
    raw = command()
    office.clock = "untrusted"
    office.hear(raw)
    assert office.book.entries == [
        Draft(
            EntryKind.REFUSED,
            command_id="order-0001",
            source=Source.HUB,
            by="Đ/c Hùng",
            reason="clock_untrusted",
            detail={"authenticated": True, "kid": KID},
        )
    ]
    office.clock = "ntp"
    office.hear(raw)
    office.hear(raw)
    assert (office.asked, office.resent, office.acked) == ([], [1, 1], [1, 2, 3])
    assert office.book.told()[1:] == [DUPLICATE]


def test_a_refusal_is_acknowledged_only_when_it_is_on_disk() -> None:
    """Section 4: manual acknowledgement, after the entry is on disk; a repeat meanwhile waits with it."""
    office = Office()
    office.hear(command(aud="conglac/thon-9"), disk=False)
    office.hear(command(aud="conglac/thon-9"), disk=False)
    assert office.acked == []
    office.work()
    assert (office.acked, office.book.told()) == ([1, 2], [("refused", "order-0001", "wrong_audience")])


def test_seen_ids_outlive_the_office() -> None:
    """P5, R2: after a restart the id is known, even when the command has expired meanwhile."""
    office = Office()
    raw = command()
    office.hear(raw)
    office.belfry_answers(kinds=RANG)
    office.begin()
    office.hear(raw)
    office.tick(3600)
    office.begin()
    office.hear(raw)
    assert (office.asked, office.resent) == ([], [1, 1])
    assert [row for row in office.book.told() if row[0] == "refused"] == [DUPLICATE]


def test_what_only_the_belfry_remembers_is_not_rung_again() -> None:
    """P5: the office died before it wrote the id: the belfry says duplicate, its entries come, then the broker is told."""
    office = Office()
    raw = command()
    office.hear(raw)
    office.asked.clear()
    office.begin()
    office.hear(raw)
    office.belfry_answers("refuse", "duplicate")
    assert (office.acked, office.book.entries) == ([], [])
    for kind in RANG:
        office.spool(Draft(kind, command_id="order-0001"))
    assert (office.acked, office.book.told()) == (
        [2],
        [("received", "order-0001", None), ("ringing", "order-0001", None)],
    )
    office.tick(100)
    office.hear(raw)
    assert (office.asked, office.resent, office.book.told()[2:]) == ([], [1], [DUPLICATE])


def test_the_spool_is_taken_before_the_line_opens() -> None:
    """P5: a command whose entries lie in the spool is known, though its digest is not, and is not refused as expired."""
    office = Office()
    for kind in RANG:
        office.spool(Draft(kind, command_id="order-0001"))
    office.wall_s += 3600
    office.hear(command())
    assert (office.asked, office.resent, office.acked) == ([], [1], [1])
    office.hear(command(exp=NOW + 61))
    assert office.book.told()[2:] == [DUPLICATE, ("refused", "order-0001", "jti_reused")]


def test_a_duplicate_whose_entries_never_come_is_answered_all_the_same() -> None:
    """P5: each refusal is answered; after half a minute the office says `duplicate` itself."""
    office = Office()
    office.hear(command())
    office.belfry_answers("refuse", "duplicate")
    for seconds in (31, 1, 1):
        assert office.book.entries == []
        office.tick(seconds)
    assert (office.acked, office.book.told()) == ([1], [DUPLICATE])


def test_a_belfry_without_room_gets_its_commands_in_order_or_never() -> None:
    """P5, R7: what waits for room is sent while it is valid, in its order; when it expires it is refused, not sent."""
    office = Office()
    office.belfry_reads = False
    office.hear(command(exp=NOW + 10))
    office.hear(command(jti="order-0002"))
    office.tick(5)
    office.hear(command(jti="order-0003"))
    assert office.asked == []
    office.tick(6)
    assert office.book.told() == [("refused", "order-0001", "expired")]
    office.belfry_reads = True
    office.tick(1)
    keys = [question.trigger.key for question in office.asked if isinstance(question, AskRing)]
    assert (keys, office.acked) == (["order-0002", "order-0003"], [1])


def test_a_belfry_that_has_room_again_too_late_is_not_asked() -> None:
    """P5: `exp` is looked at again at sending; what was never sent is refused at once, no verdict can come."""
    office = Office()
    office.belfry_reads = False
    office.hear(command())
    office.belfry_reads = True
    office.tick(61)
    assert (office.asked, office.acked, office.book.told()) == ([], [1], [("refused", "order-0001", "expired")])


def test_a_hung_belfry_is_answered_for() -> None:
    """P5: no verdict within the deadline: the office refuses `expired`, once; the belfry's own late `expired` is redundant."""
    office = Office()
    office.hear(command())
    for seconds in (59, 700, 1):
        office.tick(seconds)
        assert office.book.entries == []
    office.tick(1)
    expired = Draft(EntryKind.REFUSED, command_id="order-0001", reason="expired")
    assert (office.acked, office.book.told()) == ([1], [("refused", "order-0001", "expired")])
    assert office.desk.redundant(expired)
    assert not office.desk.redundant(Draft(EntryKind.RINGING, command_id="order-0001"))
    office.belfry_answers("refuse", "expired")
    office.tick(60)
    assert (office.acked, len(office.book.entries)) == ([1], 1)
    office.begin()
    assert office.desk.redundant(expired), "an office that was killed meanwhile knows it from the book"


def test_an_office_that_was_stopped_reads_the_verdict_before_it_answers_itself() -> None:
    """P7, P9: thawed after ten minutes, the office has two seconds of its own life to read what the belfry said in time."""
    office = Office()
    office.hear(command())
    office.tick(600)
    office.belfry_answers("ring", kinds=RANG)
    office.tick(60)
    assert office.book.told() == [("received", "order-0001", None), ("ringing", "order-0001", None)]


def test_a_verdict_in_time_is_not_overruled_while_the_disk_is_slow() -> None:
    """P7: the belfry has decided; however long the book takes, the office does not write `expired`."""
    office = Office()
    office.hear(command())
    office.belfry_answers("ring")
    office.tick(600)
    assert (office.acked, office.book.entries) == ([], [])
    office.spool(Draft(EntryKind.RECEIVED, command_id="order-0001"))
    assert office.acked == [1]


def test_a_stopped_office_rings_nothing_late() -> None:
    """P5: messages that waited in the socket for a minute are judged when they are read, by both kinds of freshness."""
    office = Office()
    raw = command()
    office.mono_ms += 60_000
    office.wall_s += 60
    office.hear(raw)
    assert (office.asked, office.book.told()) == ([], [("refused", "order-0001", "expired")])
    office.mono_ms += 12 * 60_000
    office.hear(command(jti="order-0002", nonce=NONCE))
    assert (office.asked, office.book.told()[1:]) == ([], [("refused", "order-0002", "bad_nonce")])


def test_a_flood_of_unsigned_messages_is_counted() -> None:
    """P12, DESIGN section 7: twenty a minute are written, the rest is one entry with a count; the broker never waits."""
    office = Office()
    for number in range(1, 501):
        office.hear(command(key=STRANGER, jti=f"order-{number}") if number % 5 else b"noise")
    assert office.acked == list(range(1, 501))
    assert [row[:2] for row in office.book.told()] == [("refused", None)] * 20
    office.tick(59)
    assert len(office.book.entries) == 20
    office.tick(1)
    assert office.book.entries[20:] == [
        Draft(
            EntryKind.REFUSED,
            source=Source.HUB,
            reason="bad_signature",
            detail={"count": 480, "reasons": {"bad_signature": 384, "malformed": 96}, "within_ms": 60_000},
        )
    ]
    office.hear(b"noise")
    office.tick(61)
    assert len(office.book.entries) == 22


def test_what_was_only_counted_is_written_at_an_orderly_stop() -> None:
    """P7: no refusal is lost at a stop."""
    office = Office()
    for _ in range(25):
        office.hear(b"noise")
    office.carry_out(office.desk.close(office.now()))
    office.work()
    assert office.book.entries[-1].detail == {"count": 5, "reasons": {"malformed": 5}, "within_ms": 0}


def test_a_signed_command_played_back_retained_cannot_flood_the_book_nor_use_up_its_id() -> None:
    """R1, P12: a retained copy is refused, counted with the unsigned ones, and the command itself still rings."""
    office = Office()
    raw = command()
    for _ in range(30):
        office.hear(raw, retained=True)
    assert [row for row in office.book.told() if row != ("refused", "order-0001", "retained")] == []
    assert (len(office.book.entries), office.asked) == (20, [])
    office.hear(raw)
    assert len(office.asked) == 1
    office.belfry_answers(kinds=RANG)
    office.tick(61)
    office.hear(raw, retained=True)
    assert office.book.told()[-1] == ("refused", None, "retained")


def test_a_command_to_all_that_means_others_is_none_of_ours() -> None:
    """A publish to all posts: `aud` says whom; only what names nobody here is refused."""
    office = Office()
    office.hear(command(aud=["conglac/thon-2"]), topic=ALL)
    assert (office.acked, office.book.entries) == ([1], [])
    office.hear(command(aud=["tanlap/*"]), topic=ALL)
    assert office.book.told() == [("refused", "order-0001", "wrong_audience")]
    office.hear(command(jti="order-0002", aud=["conglac/*"]), topic=ALL)
    assert len(office.asked) == 1


@pytest.mark.parametrize(
    "topic", ["kengd/1/conglac/thon-2/command", "kengd/1/conglac/thon-1/entry", "kengd/2/conglac/thon-1/command"]
)
def test_a_message_on_a_strange_topic_is_dropped(topic: str) -> None:
    """A broker that delivers what nobody asked for moves nothing."""
    office = Office()
    office.hear(command(), topic=topic)
    assert (office.acked, office.asked, office.book.entries) == ([1], [], [])


SETTLED: list[tuple[dict[str, Any], tuple[Any, ...], dict[str, Any], str | None]] = [
    (
        {"do": "silence", "until": NOW + 9, "by": "x", "why": "tang lễ"},
        ("silence", NOW + 9),
        {"do": "silence", "until": NOW + 9, "why": "tang lễ"},
        "x",
    ),
    (
        {"do": "lock_input", "button": "cổng", "locked": True, "by": "x"},
        ("lock_input", "cổng", True),
        {"do": "lock_input", "button": "cổng", "locked": True},
        "x",
    ),
    (
        {"do": "codebook", "version": 2, "codebook": {"a": 1}},
        ("codebook", 2, {"a": 1}),
        {"do": "codebook", "version": 2},
        None,
    ),
    (
        {"do": "timetable", "version": 2, "timetable": [1]},
        ("timetable", 2, [1]),
        {"do": "timetable", "version": 2},
        None,
    ),
]


@pytest.mark.parametrize(("fields", "asked", "detail", "by"), SETTLED, ids=[row[0]["do"] for row in SETTLED])
def test_an_order_that_changes_the_post_is_carried_out_then_written(
    fields: dict[str, Any], asked: tuple[Any, ...], detail: dict[str, Any], by: str | None
) -> None:
    """DESIGN section 7: `received`, `settings_changed`, in one transaction with the seen id; nothing asks the belfry."""
    office = Office()
    office.hear(order(**fields))
    assert (office.settings_desk.asked, office.asked, office.acked) == ([asked], [], [1])
    assert office.book.entries == [
        Draft(kind, None, "order-0001", source=Source.HUB, by=by, detail=detail)
        for kind in (EntryKind.RECEIVED, EntryKind.SETTINGS_CHANGED)
    ]
    office.hear(order(**fields))
    assert (office.settings_desk.asked, office.resent) == ([asked], [1])


def test_an_order_that_cannot_be_carried_out_is_refused_with_the_reason() -> None:
    """R27: `cannot_play` or `stale_version`, with what is wrong in the detail; an error of the desk is an answer too."""
    office = Office()
    office.settings_desk.refusal = Refusal("stale_version", {"in_use": 7})
    office.hear(order(do="codebook", version=2, codebook={}))
    office.settings_desk.error = KengdError("bad_pattern", "sai ở cột 3", cure="sửa")
    office.hear(command(jti="order-0002", cmd={"do": "timetable", "version": 2, "timetable": []}))
    office.settings_desk.error = OSError("disk full")
    office.hear(command(jti="order-0003", cmd={"do": "silence", "until": 0, "by": "x"}))
    assert [(draft.kind, draft.reason, draft.detail) for draft in office.book.entries] == [
        (EntryKind.REFUSED, "stale_version", {"do": "codebook", "version": 2, "in_use": 7}),
        (
            EntryKind.REFUSED,
            "cannot_play",
            {"do": "timetable", "version": 2, "code": "bad_pattern", "vi": "sai ở cột 3", "cure": "sửa"},
        ),
        (
            EntryKind.REFUSED,
            "cannot_play",
            {"do": "silence", "until": 0, "code": "io", "vi": "điểm kẻng không ghi được thay đổi", "en": "disk full"},
        ),
    ]
    assert office.acked == [1, 2, 3]


def test_slow_work_that_waited_too_long_is_refused() -> None:
    """P5: `exp` holds for every order, also when the office was stopped between hearing and doing."""
    office = Office()
    office.hear(order(do="silence", until=NOW + 99, by="x"), disk=False)
    office.mono_ms += 60_000
    office.work()
    assert (office.settings_desk.asked, office.book.told()) == ([], [("refused", "order-0001", "expired")])


def test_taken_is_received_and_shown() -> None:
    """DESIGN section 7: taken gives only `received`."""
    office = Office()
    office.hear(order(do="taken", activation="a" * 16, by="Đ/c Lan"))
    assert office.settings_desk.asked == [("taken", "a" * 16, "Đ/c Lan")]
    assert office.book.told() == [("received", "order-0001", None)]
    assert office.book.entries[0].activation == "a" * 16


def test_a_replay_writes_nothing() -> None:
    """DESIGN section 7: answered by the entries alone; a repeat of it is neither done nor written again."""
    office = Office()
    raw = order(do="replay", book="b1", after_seq=5)
    office.hear(raw)
    office.hear(raw)
    assert (office.settings_desk.asked, office.acked) == ([("replay", "b1", 5)], [1, 2])
    assert (office.book.entries, office.book.seen, office.resent) == ([], {}, [])


def test_a_broken_book_still_lets_the_broker_go_on() -> None:
    """A broken book never stops the line: an entry that counts as written has no seq, and nothing is sent again."""
    office = Office()
    raw = command()
    office.hear(raw)
    office.carry_out(office.desk.written("order-0001", None))
    office.hear(raw)
    assert (office.acked, office.resent, len(office.asked)) == ([1, 2], [], 1)


def test_the_newest_ids_are_kept_whatever_the_clock_says() -> None:
    """P5: a clock that jumps years ahead and back does not make an old command new; growth is bounded all the same."""
    rows = [SeenCommand(f"order-{n:05}", UNKNOWN_DIGEST, NOW + n, 0, n) for n in range(1, ALWAYS_KEPT + 11)]
    seen = Seen(reversed(rows))
    assert seen.prune(NOW - 1) == ()
    assert seen.prune(NOW + 9e8) == tuple(row.jti for row in rows[:10])
    assert seen.prune(NOW + 9e8) == ()
    office = Office()
    raw = command()
    office.hear(raw)
    office.belfry_answers(kinds=RANG)
    office.wall_s += 9e8
    office.tick(3601)
    office.wall_s -= 9e8 + 3601
    office.hear(raw)
    assert office.asked == []


def test_an_id_is_kept_until_the_later_of_exp_and_seven_days() -> None:
    """DESIGN section 7, freshness; a refused lifetime does not make an id immortal."""
    office = Office()
    office.hear(command())
    office.belfry_answers(kinds=RANG)
    office.hear(command(jti="order-0002", nonce=NONCE, iat=NOW + 9**9, exp=NOW + 9**9 + 60))
    office.belfry_answers(kinds=RANG)
    office.hear(command(jti="order-0003", exp=NOW + 9**9))
    week = NOW + 7 * 86_400
    assert {row.jti: row.until_s for row in office.book.seen_commands()} == {
        "order-0001": week,
        "order-0002": NOW + 9**9 + 60,
        "order-0003": week,
    }
