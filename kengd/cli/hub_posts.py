"""`kengd hub enrol|revoke|posts|village`: the roster from the shell."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from kengd import clock
from kengd.cli.hub_open import Opened, actor, link, opened
from kengd.errors import KengdError, UsageError
from kengd.hub.authority.enrolment import Enrolment, PostWish
from kengd.hub.founding import SETTINGS_OF, village_ids, write_broker
from kengd.hub.ledger import audits, rosters, values
from kengd.hub.roster import Post, Roster, Village, why_calm_silent, why_silent
from kengd.hub.watch import Watch
from kengd.wire.topics import check_slug, every_status, parse_topic

STATUS_WITHIN_S = 1.0


def run(args: argparse.Namespace) -> int:
    """One of the four."""
    with opened(args) as hub:
        acts = {"enrol": _enrol, "revoke": _revoke, "posts": _posts, "village": _village}
        return acts[args.act](hub, args)


def _enrol(hub: Opened, args: argparse.Namespace) -> int:
    post_id = check_slug(args.post)
    with hub.ledger.read() as connection:
        roster = rosters.read_roster(connection)
    known = roster.post(post_id)
    names = _names(args.villages, known, roster)
    name = args.name or (known.name if known is not None else None)
    if name is None:
        raise UsageError(
            "usage", "điểm kẻng mới phải có tên", cure='thêm --name "Điểm kẻng thôn …"', en="--name is missing"
        )
    wish = PostWish(
        post_id, name, tuple(names), args.broker or hub.settings.broker.names[0], hub.settings.broker.port,
        _template(args.template),
    )  # fmt: skip
    now_ms = clock.now().wall_ms
    made = hub.authority.enrol(wish, now_ms, keep_old=args.renew)
    _write_private(Path(args.out or f"{post_id}.toml"), made.text)
    ids = village_ids(names)
    with hub.ledger.write() as connection:
        for rank, (village, village_id) in enumerate(ids.items()):
            if roster.village(village_id) is None:
                rosters.put_village(connection, Village(village_id, village), len(roster.villages) + rank)
        post = Post(
            post_id, name, tuple(ids.values()), args.sounder or (known is not None and known.sounder),
            known.x if known else None, known.y if known else None, known.page if known else None,
            known.enrolled_ms if known else now_ms,
        )  # fmt: skip
        rosters.put_post(connection, post, len(roster.posts))
        values.put_value(connection, f"{SETTINGS_OF}{post_id}", made.settings)
        facts = {"post": post_id, "serial": made.serial, "revoked": list(made.revoked)}
        audits.write(connection, str(actor().id), "enrol", facts, now_ms)
    files = write_broker(hub.authority, hub.settings)
    _say(made, Path(args.out or f"{post_id}.toml"), files.restart)
    return 0


def _say(made: Enrolment, out: Path, restart: bool) -> None:
    print(f"Đã ghi {out}: chép tệp này vào phân vùng boot của thẻ nhớ với tên kengd.toml, rồi xoá bản ở đây.")
    print("Trong tệp có khoá riêng của điểm kẻng: đừng gửi qua Zalo hay thư.")
    for warning in made.warnings:
        print(f"  cảnh báo: {warning}", file=sys.stderr)
    if made.revoked:
        print(f"Chứng thư cũ của điểm này đã bị thu hồi ({len(made.revoked)}).")
    print(f"Máy chủ MQTT cần {'khởi động lại' if restart else 'nạp lại cài đặt (SIGHUP)'} để nhận thay đổi.")


def _revoke(hub: Opened, args: argparse.Namespace) -> int:
    now_ms = clock.now().wall_ms
    serials = hub.authority.revoke(check_slug(args.post), args.why, now_ms)
    with hub.ledger.write() as connection:
        rosters.retire_post(connection, args.post, now_ms)
        audits.write(connection, str(actor().id), "revoke", {"post": args.post, "serials": list(serials)}, now_ms)
    write_broker(hub.authority, hub.settings)
    print(f"Đã thu hồi {len(serials)} chứng thư của {args.post}; sổ của điểm này vẫn giữ.")
    print("Khởi động lại máy chủ MQTT để cắt kết nối đang mở của điểm này.")
    return 0


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
        bad += why is not None
        if args.json:
            facts = {
                "post": post.id,
                "name": post.name,
                "present": seen.is_present(now_ms),
                "why_silent": why,
                "why_calm_silent": calm,
            }
            print(json.dumps(facts, ensure_ascii=False))
        else:
            print(f"{'✗' if why else '✓'} {post.id:<16} {post.name}: {why or calm or 'sẵn sàng'}")
    return 1 if bad else 0


def _names(given: str | None, known: Post | None, roster: Roster) -> list[str]:
    if given is not None:
        return [name for part in given.split(",") if (name := part.strip())]
    if known is None:
        return []
    return [village.name for village in roster.villages if village.id in known.villages]


def _template(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise UsageError(
            "no_template", f"không đọc được {path}", cure="xem lại --template", en=f"cannot read {path}"
        ) from wrong


def _write_private(path: Path, text: str) -> None:
    """The post's key is in it: only its owner may read it, from the first byte on."""
    try:
        path.unlink(missing_ok=True)
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="utf-8"
        ) as out:
            out.write(text)
    except OSError as wrong:
        raise KengdError(
            "cannot_write",
            f"không ghi được {path} ({wrong.strerror})",
            cure="chọn nơi khác bằng --out",
            en="cannot write",
        ) from wrong
