"""`kengd hub dispatch|hush`: an act from the shell, with a certificate of its own, followed in the ledger.

The act is kept in the ledger like an officer's from the desk: the running service repeats it until each post has answered.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable, Sequence

from kengd import clock
from kengd.cli.hub_open import Opened, actor, link, opened
from kengd.errors import KengdError, UsageError
from kengd.hub.acts import Acts
from kengd.hub.confirmations import NeedsConfirming
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.dispatching import State, Target, is_open
from kengd.hub.ledger import audits, dispatches, rosters
from kengd.hub.ledger.store import Transaction
from kengd.hub.ring_acts import RingWish
from kengd.hub.roster import Roster, Seen
from kengd.hub.service import ALARMS
from kengd.hub.watch import Watch
from kengd.uplink.shell import ShellLink
from kengd.wire.reasons import sentence
from kengd.wire.topics import every_status, parse_topic

STATUS_WITHIN_S = 0.7
LOOK_S = 0.1
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


def run(args: argparse.Namespace) -> int:
    """0 when every post did what was asked, 1 when one refused, failed or did not answer."""
    if args.act == "hush" and args.unlock:
        return _unlock(args)
    with opened(args) as hub:
        with hub.ledger.read() as connection:
            roster = rosters.read_roster(connection)
        posts = chosen(roster, args)
        with link(hub) as line:
            line.connect()
            acts = _acts(hub, roster, _look(hub, line), line)
            act_id = f"shell-{secrets.token_hex(8)}"

            def also(connection: Transaction, *_: object) -> None:
                facts = {"act": act_id, "do": args.act, "posts": list(posts)}
                audits.write(connection, str(actor().id), args.act, facts, clock.now().wall_ms)

            if args.act == "hush":
                acts.hush(actor(args.by), act_id, posts, args.why or None, lock=args.lock, also=also)
            else:
                _ring(acts, args, act_id, posts, also)
        return _follow(hub, act_id, args)


def chosen(roster: Roster, args: argparse.Namespace) -> tuple[str, ...]:
    """The posts that were named in any way. Raises UsageError `no_posts`, KengdError `unknown_village`, `unknown_group`."""
    posts = list(args.post)
    if args.all:
        everything = (
            roster.posts if args.act == "hush" else roster.bells()
        )  # the duty room's sounder is hushed too, and never rung
        posts += [post.id for post in everything]
    for name in args.village:
        village = next((item for item in roster.villages if name in (item.id, item.name)), None)
        if village is None:
            raise KengdError(
                "unknown_village", f"không có thôn “{name[:60]}”", cure="xem: kengd hub posts", en="no such village"
            )
        posts += [post.id for post in roster.serving([village.id])]
    for group in args.group:
        if group not in (roster.groups or {}):
            raise KengdError(
                "unknown_group", f"không có nhóm “{group[:60]}”", cure="xem lại tên nhóm", en="no such group"
            )
        posts += (roster.groups or {})[group]
    if not posts:
        raise UsageError(
            "no_posts", "chưa chọn điểm kẻng nào", cure="thêm --post, --village, --group hoặc --all", en="no posts"
        )
    return tuple(dict.fromkeys(posts))


def _ring(
    acts: Acts,
    args: argparse.Namespace,
    act_id: str,
    posts: Sequence[str],
    also: Callable[[Transaction, str | None], None],
) -> None:
    wish = RingWish(act_id, args.signal, args.purpose, tuple(posts), args.why, args.at, args.first, args.gap)
    try:
        acts.ring(actor(args.by), wish, also)
    except NeedsConfirming as asked:
        if asked.by_second or not args.yes:
            raise
        confirmed = RingWish(
            act_id, args.signal, args.purpose, tuple(posts), args.why, args.at, args.first, args.gap, asked.token
        )
        acts.ring(actor(args.by), confirmed, also)


def _unlock(args: argparse.Namespace) -> int:
    with opened(args) as hub:
        _acts(hub, Roster(), {}, None).unlock(actor(args.by), _unlocked)
    print("Đã mở khoá phát lệnh.")
    return 0


def _look(hub: Opened, line: ShellLink) -> dict[str, Seen]:
    """What the posts say of themselves just now: who needs a nonce, what sounds."""
    watch = Watch(lambda *_: None)
    line.subscribe([every_status(hub.settings.commune.id)])
    for topic, payload, retain in line.messages(STATUS_WITHIN_S):
        where = parse_topic(topic)
        if where is not None and where.leaf == "status":
            watch.status(where.post, payload, retained=retain, now_ms=clock.now().wall_ms)
    return dict(watch.all())


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


def _unlocked(connection: Transaction) -> None:
    audits.write(connection, str(actor().id), "unlock", {}, clock.now().wall_ms)


def _acts(hub: Opened, roster: Roster, seen: dict[str, Seen], line: ShellLink | None) -> Acts:
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


def _follow(hub: Opened, act_id: str, args: argparse.Namespace) -> int:
    """Print each change until nothing more is to be expected, or the time is up."""
    shown: dict[str, State] = {}
    deadline_s = time.monotonic() + args.timeout
    while True:
        with hub.ledger.read() as connection:
            targets = dispatches.targets_of(connection, [act_id])
        for target in targets:
            if shown.get(target.post) is not target.state:
                shown[target.post] = target.state
                print(_line(target, as_json=args.json), flush=True)
        waiting = [target for target in targets if is_open(target) and target.state is not State.RINGING]
        if not waiting or time.monotonic() > deadline_s:
            break
        time.sleep(LOOK_S)
    if any(target.state in (State.SENT, State.WAITING) for target in targets):
        print(
            "Có điểm chưa trả lời. Nếu mọi điểm đều vậy: máy trực ban (kengd hub serve) có đang chạy không?",
            file=sys.stderr,
        )
    good = (State.RECEIVED, State.RINGING, State.FINISHED, State.TESTED, State.DONE)
    return 0 if all(target.state in good for target in targets) else 1


def _line(target: Target, *, as_json: bool) -> str:
    if as_json:
        facts = {
            "post": target.post, "state": target.state.value, "reason": target.reason, "activation": target.activation,
        }  # fmt: skip
        return json.dumps(facts, ensure_ascii=False)
    why = f": {sentence(target.reason)}" if target.reason and target.state is State.REFUSED else ""
    return f"{target.post:<16} {STATES[target.state]}{why}"
