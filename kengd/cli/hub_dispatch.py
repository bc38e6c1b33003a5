"""`kengd hub dispatch|hush`: an act from the shell, with a certificate of its own, followed in the ledger."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from kengd import clock
from kengd.cli.hub_acts import acts_of, audit_line, check_timeout, follow, look
from kengd.cli.hub_open import actor, link, opened
from kengd.cli.hub_posts import unknown_post, unknown_village
from kengd.errors import KengdError, UsageError
from kengd.hub.act_ground import CONFIRM_WITHIN_MS, check_text
from kengd.hub.acts import Acts
from kengd.hub.confirmations import NeedsConfirming
from kengd.hub.ledger import rosters
from kengd.hub.ledger.store import Transaction
from kengd.hub.order_rules import check_times
from kengd.hub.ring_acts import RingWish
from kengd.hub.roster import Roster

ASK_AGAIN_S: Final = 0.5
SURE: Final = "đã chắc chắn thì gõ lại lệnh này, thêm --yes"
SECOND: Final = (
    "gõ lại lệnh này, thêm --yes: lệnh sẽ chờ một cán bộ thứ hai xác nhận trên trang của máy trực ban; "
    "nếu không có ai thì thêm cả --alone-why LÝ_DO"
)
NOBODY: Final = (
    "chưa cán bộ nào xác nhận, lệnh chưa được phát: gọi một cán bộ khác mở trang của máy trực ban rồi gõ lại đúng lệnh này; "
    "nếu không có ai thì thêm --alone-why LÝ_DO"
)


def run(args: argparse.Namespace) -> int:
    """0 when every post did what was asked, 1 when one refused, failed or did not answer."""
    if args.act == "hush" and args.unlock:
        return _unlock(args)
    check_timeout(args)
    with opened(args) as hub:
        with hub.ledger.read() as connection:
            roster = rosters.read_roster(connection)
        posts = chosen(roster, args)
        if args.act == "dispatch":
            check_times(posts, args.at, args.first, args.gap, clock.now().wall_ms)
        with link(hub) as line:
            line.connect()
            acts = acts_of(hub, roster, look(hub, line), line)
            act_id = f"shell-{secrets.token_hex(8)}"
            if args.act == "hush":
                line_of_it = audit_line(
                    "hush", {"act": act_id, "posts": list(posts), "lock": args.lock, "why": args.why}
                )
                acts.hush(actor(args.by), act_id, posts, args.why or None, lock=args.lock, also=line_of_it)
            else:
                _ring(acts, args, act_id, posts)
        return follow(hub, [act_id], args)


def chosen(roster: Roster, args: argparse.Namespace) -> tuple[str, ...]:
    """The posts that were named in any way.

    Raises UsageError `no_posts`, KengdError `unknown_post`, `unknown_village`, `unknown_group`.
    """
    posts = list(args.post)
    for post in posts:
        if roster.post(post) is None:
            raise unknown_post(post)
    if args.all:
        everything = (
            roster.posts if args.act == "hush" else roster.bells()
        )  # the duty room's sounder is hushed too, and never rung
        posts += [post.id for post in everything]
    for name in args.village:
        village = next((item for item in roster.villages if name in (item.id, item.name)), None)
        if village is None:
            raise unknown_village(name, roster)
        posts += [post.id for post in roster.serving([village.id])]
    groups = roster.groups or {}
    for group in args.group:
        if group not in groups:
            raise KengdError(
                "unknown_group",
                f"không có nhóm “{group[:60]}”",
                cure=f"các nhóm đang có: {', '.join(groups) or 'chưa có nhóm nào'}",
                en="no such group",
            )
        posts += groups[group]
    if not posts:
        raise UsageError(
            "no_posts", "chưa chọn điểm kẻng nào", cure="thêm --post, --village, --group hoặc --all", en="no posts"
        )
    return tuple(dict.fromkeys(posts))


def _ring(acts: Acts, args: argparse.Namespace, act_id: str, posts: Sequence[str]) -> None:
    """An alarm for all posts is asked for twice (R62), by a second officer where the settings say so."""
    if args.alone_why is not None:
        check_text(args.alone_why, "--alone-why")
    wish = RingWish(act_id, args.signal, args.purpose, tuple(posts), args.why, args.at, args.first, args.gap)
    by_second = False

    def also(connection: Transaction, second: str | None) -> None:
        alone = args.alone_why if by_second and second is None else None
        facts = {"act": act_id, "signal": args.signal, "purpose": args.purpose, "posts": list(posts), "why": args.why}
        audit_line("dispatch", {**facts, "second": second, "alone_why": alone})(connection)

    asking = audit_line("alarm_asked", {"signal": args.signal, "posts": len(posts), "why": args.why})
    try:
        acts.ring(actor(args.by), wish, also, asking)
        return
    except NeedsConfirming as asked:
        if not args.yes:
            asked.cure = SECOND if asked.by_second else SURE
            raise
        confirmed, by_second = replace(wish, confirm=asked.token, alone_why=args.alone_why), asked.by_second
    if by_second:
        print("Chờ một cán bộ thứ hai xác nhận trên trang của máy trực ban, nhiều nhất 2 phút …", file=sys.stderr)
    deadline_s = time.monotonic() + (CONFIRM_WITHIN_MS / 1000 - 2 * ASK_AGAIN_S if by_second else 0)
    while True:
        try:
            acts.ring(actor(args.by), confirmed, also)
            return
        except NeedsConfirming as asked:
            if time.monotonic() > deadline_s:
                asked.cure = NOBODY if by_second else SURE
                raise
        time.sleep(ASK_AGAIN_S)


def _unlock(args: argparse.Namespace) -> int:
    with opened(args) as hub:
        acts = acts_of(hub, Roster(), {}, None)
        was = acts.locked()
        acts.unlock(actor(args.by), audit_line("unlock", {} if was is None else {"at_ms": was["at_ms"]}))
    print("Đã mở khoá phát lệnh." if was is not None else "Phát lệnh không bị khoá.")
    return 0
