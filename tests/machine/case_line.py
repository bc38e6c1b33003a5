"""The line to the hub: TLS, keys that are no good, a broker that dies, and a day without network (P5, P8, P9, R3, R5, R42, R43)."""

from __future__ import annotations

import time

from tests.machine.case_clock import CALM, NIGHT
from tests.machine.hub import Hub
from tests.machine.machine import Machine
from tests.machine.table import Table
from tests.machine.unit import Score, Unit, as_written, blows, kinds

ALARM_S = 3
PATIENCE_S = 240
ORDER = "ring alarm --by 'Trực ban' --why 'thử đường dây'"


def line(machine: Machine, table: Table) -> None:
    """From keys that nobody accepts to a day without network."""
    post = Unit(machine)
    hub = Hub(machine)
    post.settle(alarm_s=ALARM_S, limits=CALM, more=NIGHT + hub.post_settings)
    score = post.score(ALARM_S)
    hub.start_broker()
    hub.lay_wire()
    hub.listen()
    _no_good(post, hub, table, score, "the CA of somebody else", ca="stranger")
    _no_good(post, hub, table, score, "a certificate that has expired", cert="expired")
    _accepted(post, hub, table)
    _ordered(post, hub, table, score)
    _broker_killed(post, hub, table, score)
    _a_day_without(post, hub, table, score)


def _no_good(post: Unit, hub: Hub, table: Table, score: Score, what: str, **keys: str) -> None:
    hub.lay_keys(**keys)
    post.machine.must("systemctl restart kengd", 240)
    held, seen = post.ring(score)
    table.row(f"{what}: the alarm button rings", held, seen)
    post.until(lambda: "line_down" in post.conditions(), "line_down", PATIENCE_S)
    said = [item["vi"] for item in post.status()["conditions"] if item["code"] == "line_down"]
    table.row(f"{what}: the condition says that it is the certificate", "chứng thư" in str(said), said)
    table.row(f"{what}: the broker let nobody in", not hub.heard(), f"{len(hub.heard())} entries")


def _accepted(post: Unit, hub: Hub, table: Table) -> None:
    hub.lay_keys()
    post.machine.must("systemctl restart kengd", 240)
    took_s = _until_up(post)
    table.row("the right keys: the line is up", True, f"{took_s:.0f} s after the buttons were armed")
    _all_there(post, hub, table, "the hub has what was written meanwhile")


def _ordered(post: Unit, hub: Hub, table: Table, score: Score) -> None:
    post.machine.trace()
    code, said = hub.order(ORDER)
    time.sleep(ALARM_S + 2)
    held, seen = as_written(post.strokes(), score)
    table.row("a signed order over TLS: the relay's edges are the score's", held, seen)
    told = kinds(said)
    table.row("and is answered", code == 0 and told == ["received", "ringing"], told)
    post.until(lambda: bool(kinds(hub.heard(), kind="finished", source="hub")), "finished at the hub", PATIENCE_S)
    stati = [status["sounding"]["source"] for status in hub.heard("status") if status.get("sounding")]
    table.row("the hub saw it sounding, and heard that it ended", "hub" in stati, stati)


def _broker_killed(post: Unit, hub: Hub, table: Table, score: Score) -> None:
    hub.kill_broker()
    held, seen = post.ring(score)
    table.row("broker killed: the alarm button rings", held, seen)
    post.until(lambda: "line_down" in post.conditions(), "line_down", PATIENCE_S)
    post.machine.trace()
    hub.start_broker()
    took_s = _until_up(post)
    table.row("broker back: the line is up, and nothing rings", not post.strokes(), f"after {took_s:.0f} s")
    _all_there(post, hub, table, "the hub has what was written meanwhile")


DAY = (
    ("2026-12-01 15:10:00", "press"),
    ("2026-12-01 19:00:00", ""),
    ("2026-12-01 21:59:57", "curfew"),
    ("2026-12-02 01:00:00", "press"),
    ("2026-12-02 06:00:00", ""),
    ("2026-12-02 11:00:00", "press"),
    ("2026-12-02 15:00:00", ""),
)


def _a_day_without(post: Unit, hub: Hub, table: Table, score: Score) -> None:
    post.put_clock("2026-12-01 15:00:00")
    time.sleep(3)
    first = len(post.book())
    hub.freeze_wire()
    code, said = hub.order(ORDER, timeout_s=3)
    table.row("the wire swallows everything: an order is not answered", code == 1 and not said, kinds(said))
    took_s = post.until(lambda: not post.status()["line_up"], "the line is down", PATIENCE_S)
    table.row("the post notices by itself", True, f"{took_s:.0f} s after the order had run out")
    post.machine.trace()
    for moment, what in DAY:
        post.put_clock(moment)
        if what == "press":
            post.press_alarm()
        time.sleep(ALARM_S + 1 if what == "press" else 8 if what == "curfew" else 2)
    wanted = 3 * sum(on for _, on in score) + 2
    table.row(
        "a day passes: three alarms and 22:00 ring", blows(post.strokes()) == wanted, f"{blows(post.strokes())} blows"
    )
    absent = [status["presence"] for status in hub.heard("status")][-1]
    table.row("the hub is told that the post is absent", absent == "absent", absent)
    post.machine.trace()
    hub.cut_wire()
    hub.lay_wire()
    took_s = _until_up(post)
    _all_there(post, hub, table, f"network back, line up after {took_s:.0f} s: the hub has the whole day")
    day = kinds(post.book()[first:], source=None) + kinds(post.book()[first:], kind="refused")
    table.row("the order of yesterday is refused as expired", "refused expired" in day)
    time.sleep(3)
    table.row("nothing rings late", not post.strokes(), f"{blows(post.strokes())} blows")
    held, verified = post.whole()
    table.row("the book is whole", held, verified)


def _until_up(post: Unit) -> float:
    return post.until(lambda: bool(post.status()["line_up"]), "the line is up", PATIENCE_S)


def _all_there(post: Unit, hub: Hub, table: Table, what: str) -> None:
    """Every entry of the book, as it is in the book, in its order; repeats do no harm (P8)."""
    newest = post.book()[-1]
    post.until(lambda: newest in hub.heard(), "the hub has the newest entry", PATIENCE_S)
    heard = [entry for entry in hub.heard() if entry["seq"] <= newest["seq"]]
    book = post.book()[: newest["seq"]]
    first = {entry["seq"]: entry for entry in reversed(heard)}
    arrived = list(dict.fromkeys(entry["seq"] for entry in heard))
    held = [first[seq] for seq in sorted(first)] == book and arrived == sorted(arrived)
    missing = [entry["seq"] for entry in book if entry["seq"] not in first]
    seen = f"{len(book)} entries, {len(heard) - len(first)} came twice, missing {missing or 'none'}"
    table.row(f"{what}, each once or more, in order", held, seen)


CASES = {"line": line}
