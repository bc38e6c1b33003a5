"""What acts from the shell share: the acts of an officer with the shell's own line, and each post's answer followed in the ledger.

An act is kept in the ledger like an officer's from the desk: the running service repeats it until each post has answered.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from kengd import clock
from kengd.cli.hub_open import Opened, actor
from kengd.errors import KengdError, UsageError
from kengd.hub.act_ground import Also
from kengd.hub.acts import Acts
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.dispatching import State, Target, is_open
from kengd.hub.ledger import audits, dispatches, values
from kengd.hub.ledger.store import TROUBLE, Transaction
from kengd.hub.roster import Roster, Seen
from kengd.hub.service import ALARMS
from kengd.hub.watch import Watch
from kengd.uplink.shell import ShellLink
from kengd.wire.reasons import sentence
from kengd.wire.topics import every_status, parse_topic

STATUS_WITHIN_S = 0.7
LOOK_S = 0.1
LONGEST_S = 3600.0
STATES = {
    State.WAITING: "chưa gửi được",
    State.SENT: "đã gửi, chưa trả lời",
    State.NO_ANSWER: "không trả lời",
    State.RECEIVED: "máy đã nhận lệnh",
    State.RINGING: "đang đánh",
    State.FINISHED: "đánh xong",
    State.CUT: "bị ngắt",
    State.FAILED: "hỏng, không đánh được",
    State.TESTED: "đã kiểm tra cả đường, không kêu",
    State.DONE: "đã làm xong",
    State.REFUSED: "từ chối",
    State.EXPIRED: "lệnh tới nơi đã quá hạn",
    State.CANCELLED: "thôi gửi",
}


def acts_of(hub: Opened, roster: Roster, seen: dict[str, Seen], line: ShellLink | None) -> Acts:
    """Without a line what is ordered waits in the ledger for the running service."""

    def wall_ms() -> int:
        return clock.now().wall_ms

    dispatcher = Dispatcher(
        hub.ledger, hub.settings.commune.id, _Mouth(line), hub.authority.signing, lambda: seen, wall_ms
    )
    duty = hub.settings.duty
    return Acts(
        hub.ledger, dispatcher, lambda: roster, lambda: seen, ALARMS, wall_ms,
        second_officer=duty.alarm_all == "second_officer", alone_after_s=duty.alone_after_s,
    )  # fmt: skip


def look(hub: Opened, line: ShellLink) -> dict[str, Seen]:
    """What the posts say of themselves just now: who needs a nonce, what sounds; and since when the hub has seen them gone."""
    watch = Watch(lambda *_: None)
    with suppress(*TROUBLE), hub.ledger.read() as connection:
        watch.remember(values.absent_since(connection))
    line.subscribe([every_status(hub.settings.commune.id)])
    for topic, payload, retain in line.messages(STATUS_WITHIN_S):
        where = parse_topic(topic)
        if where is not None and where.leaf == "status":
            watch.status(where.post, payload, retained=retain, now_ms=clock.now().wall_ms)
    return dict(watch.all())


def audit_line(act: str, facts: Mapping[str, Any]) -> Also:
    """The act's line in the hub's own book, as the desk writes it; by whoever is at the keyboard."""

    def write(connection: Transaction) -> None:
        said = {key: value for key, value in facts.items() if value is not None}
        audits.write(connection, str(actor().id), act, said, clock.now().wall_ms)

    return write


def check_timeout(args: argparse.Namespace) -> None:
    """Raises UsageError `usage`: before anything is ordered."""
    if not (math.isfinite(args.timeout) and 0 < args.timeout <= LONGEST_S):
        raise UsageError(
            "usage",
            f"--timeout phải lớn hơn 0 và nhiều nhất {LONGEST_S:.0f} giây",
            cure="ví dụ --timeout 20",
            en="bad --timeout",
        )


def follow(hub: Opened, act_ids: Sequence[str], args: argparse.Namespace) -> int:
    """Print each change until nothing more is to be expected, or the time is up.

    0 when every post did what was asked, 1 when one refused, failed or did not answer.
    """
    shown: dict[tuple[str, str], State] = {}
    deadline_s = time.monotonic() + args.timeout
    while True:
        with hub.ledger.read() as connection:
            targets = dispatches.targets_of(connection, act_ids)
        for target in targets:
            if shown.get((target.dispatch, target.post)) is not target.state:
                shown[target.dispatch, target.post] = target.state
                print(_line(target, as_json=args.json), flush=True)
        waiting = [target for target in targets if is_open(target) and target.state is not State.RINGING]
        if not waiting or time.monotonic() > deadline_s:
            break
        time.sleep(LOOK_S)
    if any(target.state in (State.SENT, State.WAITING) for target in targets):
        print(
            "Có điểm chưa trả lời. Nếu mọi điểm đều vậy: dịch vụ máy trực ban có đang chạy không "
            "(systemctl status kengd-hub)?",
            file=sys.stderr,
        )
    good = (State.RECEIVED, State.RINGING, State.FINISHED, State.TESTED, State.DONE)
    return 0 if all(target.state in good for target in targets) else 1


class _Mouth:
    """The shell's link as a dispatcher's."""

    def __init__(self, line: ShellLink | None) -> None:
        self._line = line

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, flush: bool = True) -> int | None:
        if self._line is None:
            return None
        try:
            self._line.publish(topic, payload, retain=retain)
        except KengdError as wrong:
            print(wrong.for_people(), file=sys.stderr)
            return None
        return 1

    def flush(self) -> None:
        """Everything was flushed as it was said."""


def _line(target: Target, *, as_json: bool) -> str:
    if as_json:
        facts = {
            "post": target.post, "state": target.state.value, "reason": target.reason, "activation": target.activation,
        }  # fmt: skip
        return json.dumps(facts, ensure_ascii=False)
    why = f": {sentence(target.reason)}" if target.reason and target.state is State.REFUSED else ""
    return f"{target.post:<16} {STATES[target.state]}{why}"
