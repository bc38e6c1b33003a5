"""`kengd hub enrol|revoke|posts|village`: the roster from the shell."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from kengd import clock
from kengd.cli.fresh_file import PRIVATE, fresh
from kengd.cli.hub_open import Opened, actor, link, opened
from kengd.cli.said import PURPOSES, SIGNALS, harmless
from kengd.duty.standing import Sounding
from kengd.errors import KengdError, UsageError
from kengd.hub.enrolling import Audit, Enrolled, Enrolling, EnrolWish
from kengd.hub.founding import write_broker
from kengd.hub.ledger import audits, rosters
from kengd.hub.roster import Village, why_calm_silent, why_silent
from kengd.hub.watch import Watch
from kengd.wire.topics import check_slug, every_status, parse_topic

STATUS_WITHIN_S = 1.0


def run(args: argparse.Namespace) -> int:
    """One of the four."""
    with opened(args) as hub:
        acts = {"enrol": _enrol, "revoke": _revoke, "posts": _posts, "village": _village}
        return acts[args.act](hub, args)


def _enrol(hub: Opened, args: argparse.Namespace) -> int:
    post = check_slug(args.post)
    villages = (
        None if args.villages is None else tuple(name for part in args.villages.split(",") if (name := part.strip()))
    )
    wish = EnrolWish(
        post, args.name, villages, args.sounder, args.broker, template=_template(args.template), keep_old=args.renew
    )
    path = Path(args.out or f"{post}.toml")
    with fresh(path, PRIVATE) as out:  # the post's key is in it
        done = _enrolling(hub).enrol(wish, _audit(hub), clock.now().wall_ms)
        out.write(done.file.text.encode())
    _say(done, path)
    return 0


def _say(done: Enrolled, out: Path) -> None:
    print(f"Đã ghi {out}: chép tệp này vào phân vùng boot của thẻ nhớ với tên kengd.toml, rồi xoá bản ở đây.")
    print("Trong tệp có khoá riêng của điểm kẻng: đừng gửi qua Zalo hay thư.")
    for warning in done.file.warnings:
        print(f"  cảnh báo: {warning}", file=sys.stderr)
    if done.broker is not None:
        print(f"Chứng thư cũ của điểm này đã bị thu hồi ({len(done.file.revoked)}).")
        how = "khởi động lại" if done.broker.restart else "nạp lại cài đặt (SIGHUP)"
        print(f"Máy chủ MQTT cần {how} để nhận thay đổi.")


def _revoke(hub: Opened, args: argparse.Namespace) -> int:
    post = check_slug(args.post)
    serials = _enrolling(hub).revoke(post, args.why, _audit(hub), clock.now().wall_ms, retire=True)
    print(f"Đã thu hồi {len(serials)} chứng thư của {post}; sổ của điểm này vẫn giữ.")
    print("Khởi động lại máy chủ MQTT để cắt kết nối đang mở của điểm này.")
    return 0


def _enrolling(hub: Opened) -> Enrolling:
    return Enrolling(
        hub.ledger, hub.authority, hub.settings.broker, write_broker=lambda: write_broker(hub.authority, hub.settings)
    )


def _audit(hub: Opened) -> Audit:
    by = str(actor().id)
    return lambda connection, act, facts: audits.write(connection, by, act, facts, clock.now().wall_ms)


def _village(hub: Opened, args: argparse.Namespace) -> int:
    with hub.ledger.write() as connection:
        roster = rosters.read_roster(connection)
        found = next((item for item in roster.villages if args.name in (item.name, item.id)), None)
        if found is None:
            raise KengdError(
                "unknown_village",
                f"chưa có thôn “{args.name[:60]}”",
                cure="thôn có khi enrol điểm kẻng",
                en="no such village",
            )
        rank = roster.villages.index(found)
        rosters.put_village(connection, Village(found.id, found.name, max(0, args.households)), rank)
    print(f"{found.name}: {max(0, args.households)} hộ")
    return 0


def _posts(hub: Opened, args: argparse.Namespace) -> int:
    with hub.ledger.read() as connection:
        roster = rosters.read_roster(connection)
    watch = Watch(lambda *_: None)
    with link(hub) as line:
        line.connect()
        line.subscribe([every_status(hub.settings.commune.id)])
        for topic, payload, retain in line.messages(STATUS_WITHIN_S):
            where = parse_topic(topic)
            if where is not None and where.leaf == "status":
                watch.status(where.post, payload, retained=retain, now_ms=clock.now().wall_ms)
    now_ms = clock.now().wall_ms
    bad = 0
    for post in roster.posts:
        seen = watch.seen(post.id)
        why = why_silent(seen, now_ms)
        calm = why_calm_silent(seen, now_ms) if why is None else None
        sounding = seen.status.sounding if seen.status is not None and seen.is_present(now_ms) else None
        bad += why is not None
        if args.json:
            facts = {
                "post": post.id,
                "name": post.name,
                "present": seen.is_present(now_ms),
                "why_silent": why,
                "why_calm_silent": calm,
                "sounding": None
                if sounding is None
                else {"activation": sounding.activation, "signal": sounding.signal, "purpose": sounding.purpose.value},
            }
            print(json.dumps(facts, ensure_ascii=False))
        else:
            now = None if sounding is None else f"ĐANG KÊU {_sounds(sounding)}"
            said = "; ".join(part for part in (now, why or calm) if part)
            print(f"{'✗' if why else '✓'} {post.id:<16} {post.name}: {said or 'sẵn sàng'}")
    return 1 if bad else 0


def _sounds(sounding: Sounding) -> str:
    """ "báo động, thật"."""
    purpose = PURPOSES.get(sounding.purpose.value, sounding.purpose.value)
    return f"{SIGNALS.get(sounding.signal, harmless(sounding.signal))}, {purpose}"


def _template(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise UsageError(
            "no_template", f"không đọc được {path}", cure="xem lại --template", en=f"cannot read {path}"
        ) from wrong
