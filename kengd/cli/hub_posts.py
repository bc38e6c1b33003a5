"""`kengd hub enrol|revoke|posts|village|page`: the roster from the shell. Each change is a line in the audit book."""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from kengd import clock
from kengd.cli.fresh_file import PRIVATE, fresh
from kengd.cli.hub_acts import look
from kengd.cli.hub_open import Opened, actor, link, opened, say
from kengd.duty.standing import Sounding
from kengd.errors import KengdError, UsageError
from kengd.hub.authority.broker import CONF
from kengd.hub.broker_news import news_vi
from kengd.hub.enrolling import Audit, Enrolled, Enrolling, EnrolWish, check_page
from kengd.hub.founding import BROKER_DIR, write_broker
from kengd.hub.ledger import audits, rosters
from kengd.hub.post_templates import kept_template
from kengd.hub.roster import Post, Roster, Seen, Village, why_calm_silent, why_silent
from kengd.wire.said import PURPOSES, SIGNALS, harmless
from kengd.wire.topics import check_slug

STATUS_WITHIN_S = 1.0
MOST_HOUSEHOLDS: Final = 1_000_000
"""As at the desk."""


def run(args: argparse.Namespace) -> int:
    """One of the five. Raises UsageError, KengdError."""
    with opened(args) as hub:
        acts = {"enrol": _enrol, "revoke": _revoke, "posts": _posts, "village": _village, "page": _page}
        return acts[args.act](hub, args)


def _enrol(hub: Opened, args: argparse.Namespace) -> int:
    post = check_slug(args.post)
    wish = EnrolWish(
        post, args.name, _listed(args.villages), args.sounder, args.broker, template=_template(hub, args), keep_old=args.renew,
        page=None if args.page is None else check_page(args.page), page_names=_listed(args.page_names),
    )  # fmt: skip
    path = Path(args.out or f"{post}.toml")
    with fresh(path, PRIVATE) as out:  # the post's key is in it
        done = _enrolling(hub).enrol(wish, _audit(hub), clock.now().wall_ms)
        out.write(done.file.text.encode())
    _say(done, path)
    return 0


def _say(done: Enrolled, out: Path) -> None:
    print(f"Đã ghi {out}: chép tệp này vào phân vùng boot của thẻ nhớ với tên kengd.toml, rồi xoá bản ở đây.")
    print("Trong tệp có khoá riêng của điểm kẻng: đừng gửi qua Zalo hay thư.")
    print(f"Trang của người giữ kẻng: https://{done.post.id}.local:{_tls_port(done)}/ trong mạng của thôn.")
    if "web.pins" not in done.file.keys:
        say(
            "  chưa người giữ kẻng nào có mã PIN nên trang chỉ để xem; đặt PIN ở trang Điểm kẻng rồi cấp tệp lại với --renew"
        )
    if done.villages:
        print(f"{done.post.name}: các thôn nghe kẻng này: {', '.join(done.villages)}.")
    elif not done.post.sounder:
        print(
            f"  cảnh báo: chưa thôn nào nghe {done.post.name}: lệnh và báo cáo theo thôn không tới điểm này; "
            "cấp tệp lần nữa với --villages THÔN,THÔN",
            file=sys.stderr,
        )
    for warning in done.file.warnings:
        print(f"  cảnh báo: {warning}", file=sys.stderr)
    if done.broker is not None:
        print(f"Chứng thư cũ của điểm này đã bị thu hồi ({len(done.file.revoked)}).")
        print(news_vi(done.broker.config))


def _revoke(hub: Opened, args: argparse.Namespace) -> int:
    post = check_slug(args.post)
    serials = _enrolling(hub).revoke(post, args.why, _audit(hub), clock.now().wall_ms, retire=args.retire)
    print(f"Đã thu hồi {len(serials)} chứng thư của {post}; sổ của điểm này vẫn giữ.")
    if args.retire:
        say(f"Điểm {post} thôi dùng hẳn: ra khỏi danh sách. Dùng lại, với tên và thôn như cũ: kengd hub enrol {post}")
    else:
        say(
            f"Điểm vẫn trong danh sách. Cấp tệp mới: kengd hub enrol {post}; thôi dùng hẳn: kengd hub revoke {post} --retire"
        )
    print(news_vi(hub.settings.state / BROKER_DIR / CONF))
    return 0


def _enrolling(hub: Opened) -> Enrolling:
    return Enrolling(
        hub.ledger, hub.authority, hub.settings.broker, write_broker=lambda: write_broker(hub.authority, hub.settings)
    )


def _audit(hub: Opened) -> Audit:
    by = str(actor().id)
    return lambda connection, act, facts: audits.write(connection, by, act, facts, clock.now().wall_ms)


def _village(hub: Opened, args: argparse.Namespace) -> int:
    if not 0 <= args.households <= MOST_HOUSEHOLDS:
        raise UsageError(
            "usage",
            f"--households phải từ 0 đến {MOST_HOUSEHOLDS}",
            cure="ghi số hộ của thôn, ví dụ --households 180",
            en="bad --households",
        )
    with hub.ledger.write() as connection:
        roster = rosters.read_roster(connection)
        found = next((item for item in roster.villages if args.name in (item.name, item.id)), None)
        if found is None:
            raise unknown_village(args.name, roster)
        rank = rosters.ranks(connection)["villages"][found.id]
        rosters.put_village(connection, Village(found.id, found.name, args.households), rank)
        _audit(hub)(connection, "village_put", {"village": found.id})
    print(f"{found.name}: {args.households} hộ")
    return 0


def _page(hub: Opened, args: argparse.Namespace) -> int:
    page = check_page(args.url)
    with hub.ledger.write() as connection:
        rosters.hold_post(connection, args.post)
        post = rosters.read_roster(connection).post(args.post)
        if post is None:
            raise unknown_post(args.post)
        rosters.put_post(connection, replace(post, page=page), rosters.ranks(connection)["posts"][post.id])
        _audit(hub)(connection, "post_put", {"post": post.id})
    print(f"{post.name}: {page}")
    return 0


def unknown_post(post: str) -> KengdError:
    """As the shell says it."""
    return KengdError(
        "unknown_post", f"không có điểm kẻng “{post[:40]}”", cure="xem các điểm: kengd hub posts", en="no such post"
    )


def unknown_village(name: str, roster: Roster) -> KengdError:
    """As the shell says it."""
    known = ", ".join(village.name for village in roster.villages)
    new = "thôn vào danh sách khi cấp tệp cho một điểm kẻng của thôn: kengd hub enrol MÃ --name TÊN --villages THÔN"
    return KengdError(
        "unknown_village",
        f"không có thôn “{name[:60]}”",
        cure=f"các thôn đang có: {known}" if known else new,
        en="no such village",
    )


def _posts(hub: Opened, args: argparse.Namespace) -> int:
    with hub.ledger.read() as connection:
        roster = rosters.read_roster(connection)
    if not roster.posts:
        if not args.json:
            say("Chưa có điểm kẻng nào. Cấp tệp cho điểm đầu tiên: kengd hub enrol MÃ --name TÊN --villages THÔN")
        return 0
    names = {village.id: village.name for village in roster.villages}
    found, now_ms, bad = _seen(hub), clock.now().wall_ms, 0
    for post in roster.posts:
        seen = found.get(post.id, Seen())
        bad += why_silent(seen, now_ms) is not None
        villages = [names.get(village, village) for village in post.villages]
        if args.json:
            print(json.dumps(_facts(post, villages, seen, now_ms), ensure_ascii=False))
        else:
            print(_line(post, villages, seen, now_ms))
    return 1 if bad else 0


def _seen(hub: Opened) -> dict[str, Seen]:
    with link(hub) as line:
        line.connect()
        return look(hub, line)


def _sounding(seen: Seen, now_ms: int) -> Sounding | None:
    return seen.status.sounding if seen.status is not None and seen.is_present(now_ms) else None


def _facts(post: Post, villages: list[str], seen: Seen, now_ms: int) -> dict[str, Any]:
    why, sounding = why_silent(seen, now_ms), _sounding(seen, now_ms)
    return {
        "post": post.id,
        "name": post.name,
        "villages": villages,
        "page": post.page,
        "present": seen.is_present(now_ms),
        "why_silent": why,
        "why_calm_silent": why_calm_silent(seen, now_ms) if why is None else None,
        "sounding": None
        if sounding is None
        else {"activation": sounding.activation, "signal": sounding.signal, "purpose": sounding.purpose.value},
    }


def _line(post: Post, villages: list[str], seen: Seen, now_ms: int) -> str:
    """With the villages that hear it, where its name does not say so already, and its page where it has one."""
    why, sounding = why_silent(seen, now_ms), _sounding(seen, now_ms)
    now = None if sounding is None else f"ĐANG KÊU {_sounds(sounding)}"
    said = "; ".join(part for part in (now, why or why_calm_silent(seen, now_ms)) if part)
    more = [name for name in villages if name.lower() not in post.name.lower()] + ([post.page] if post.page else [])
    tail = f"  ({', '.join(more)})" if more else ""
    return f"{'✗' if why else '✓'} {post.id:<16} {post.name}: {said or 'sẵn sàng'}{tail}"


def _sounds(sounding: Sounding) -> str:
    """ "báo động, thật"."""
    purpose = PURPOSES.get(sounding.purpose.value, sounding.purpose.value)
    return f"{SIGNALS.get(sounding.signal, harmless(sounding.signal))}, {purpose}"


def _listed(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name for part in text.split(",") if (name := part.strip()))


def _tls_port(done: Enrolled) -> int:
    return int(tomllib.loads(done.file.settings)["web"]["tls_port"])


def _template(hub: Opened, args: argparse.Namespace) -> str | None:
    path = args.template
    if args.like is not None and path is not None:
        raise UsageError(
            "usage", "--like và --template không đi cùng nhau", cure="bỏ một trong hai", en="--like and --template"
        )
    if args.like is not None:
        with hub.ledger.read() as connection:
            found = kept_template(connection, check_slug(args.like))
        if found is None:
            raise unknown_post(args.like)
        return found
    if path is None:
        return None
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise UsageError(
            "no_template", f"không đọc được {path}", cure="xem lại --template", en=f"cannot read {path}"
        ) from wrong
