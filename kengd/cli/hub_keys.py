"""`kengd hub keys list|new|retire|revoke|renew`: the keys that sign commands, and the certificates that end soon."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, Final

from kengd import clock
from kengd.cli.hub_open import Opened, actor, opened
from kengd.errors import UsageError
from kengd.hub.authority.brokerfiles import BrokerFiles
from kengd.hub.founding import write_broker
from kengd.hub.ledger import audits

_STATES: Final = {
    "next": "chờ, chưa ký",
    "active": "ĐANG KÝ",
    "retiring": "thôi ký, điểm kẻng còn nhận",
    "revoked": "đã thu hồi",
}
_PURPOSES: Final = {
    "ca": "cơ quan chứng thư",
    "server": "máy chủ MQTT",
    "hub": "máy trực ban",
    "post": "điểm kẻng",
    "bridge": "cầu nối",
}


def run(args: argparse.Namespace) -> int:
    """One of the five; each change is a line in the audit book. Raises UsageError, KengdError."""
    with opened(args) as hub:
        acts = {"list": _list, "new": _new, "retire": _retire, "revoke": _revoke, "renew": _renew}
        return acts[args.what](hub, args)


def _list(hub: Opened, _args: argparse.Namespace) -> int:
    print("Khoá ký lệnh:")
    for key in hub.authority.index.keys:
        print(f"  {key.kid:<24} {_STATES[key.state]:<28} từ {clock.local(key.since_ms):%d/%m/%Y}")
        without = hub.authority.posts_without(key.kid) if key.state in ("next", "active") else ()
        if without:
            print(f"    điểm kẻng chưa có khoá này: {', '.join(without)}")
    now_ms = clock.now().wall_ms
    expiring = hub.authority.expiring(now_ms)
    print("Chứng thư hết hạn trong 60 ngày:" if expiring else "Không có chứng thư nào hết hạn trong 60 ngày.")
    for one in expiring:
        cure = "tự gia hạn: kengd hub keys renew" if one.renews_itself else _cure(one.purpose, one.subject)
        print(f"  {_PURPOSES[one.purpose]} {one.subject}: {clock.local(one.not_after_ms):%d/%m/%Y} ({cure})")
    return 0


def _cure(purpose: str, subject: str) -> str:
    return f"kengd hub enrol {subject} --renew" if purpose == "post" else "phải làm tệp mới"


def _new(hub: Opened, args: argparse.Namespace) -> int:
    key = hub.authority.new_key(_kid(args), clock.now().wall_ms)
    _note(hub, "key_made", {"kid": key.kid, "state": key.state})
    print(f"Đã có khoá {key.kid} ({_STATES[key.state]}).")
    if key.state == "next":
        print("Việc tiếp theo, theo thứ tự:")
        _list_posts(hub, key.kid)
        active = next((one.kid for one in hub.authority.index.keys if one.state == "active"), "")
        print(f"  2. khi mọi điểm đã có khoá mới: kengd hub keys retire {active}")
        print(f"  3. khi yên tâm:                 kengd hub keys revoke {active}")
    return 0


def _list_posts(hub: Opened, kid: str) -> None:
    without = hub.authority.posts_without(kid)
    print("  1. làm tệp mới cho từng điểm kẻng và chép vào thẻ nhớ:" if without else "  1. (mọi điểm đã có khoá mới)")
    for post in without:
        print(f"       kengd hub enrol {post} --renew")


def _retire(hub: Opened, args: argparse.Namespace) -> int:
    signs = hub.authority.retire(_kid(args), clock.now().wall_ms)
    _note(hub, "key_retired", {"kid": args.kid, "signs": signs})
    print(f"Từ giờ {signs} ký lệnh; máy trực ban đang chạy tự dùng khoá mới trong vài giây.")
    _warn(hub, signs)
    return 0


def _revoke(hub: Opened, args: argparse.Namespace) -> int:
    signs = hub.authority.revoke_key(_kid(args), clock.now().wall_ms)
    _note(hub, "key_revoked", {"kid": args.kid, "signs": signs})
    print(f"Đã thu hồi và huỷ khoá {args.kid}; {signs} đang ký lệnh.")
    print("Điểm kẻng còn tin khoá cũ tới khi nhận tệp mới. Làm tệp mới cho từng điểm: kengd hub enrol MÃ --renew")
    _warn(hub, signs)
    return 0


def _warn(hub: Opened, signs: str) -> None:
    without = hub.authority.posts_without(signs)
    if without:
        print(f"CẢNH BÁO: các điểm này chưa có khoá {signs}, sẽ TỪ CHỐI lệnh: {', '.join(without)}")


def _renew(hub: Opened, _args: argparse.Namespace) -> int:
    """The hub's own certificates and the broker's; posts get theirs by a new file."""
    renewed = hub.authority.renew(clock.now().wall_ms)
    files = _broker(hub)
    if renewed:
        _note(hub, "certificates_renewed", {"subjects": list(renewed)})
        print(f"Đã gia hạn chứng thư của: {', '.join(renewed)}.")
        print(f"Máy chủ MQTT cần {'khởi động lại' if files.restart else 'nạp lại cài đặt (SIGHUP)'}.")
        print("Khởi động lại dịch vụ máy trực ban để dùng chứng thư mới: sudo systemctl restart kengd-hub")
    else:
        print("Chưa có chứng thư nào của máy trực ban cần gia hạn.")
    for one in hub.authority.expiring(clock.now().wall_ms):
        if not one.renews_itself:
            print(f"  còn: {_PURPOSES[one.purpose]} {one.subject}: {_cure(one.purpose, one.subject)}")
    return 0


def _broker(hub: Opened) -> BrokerFiles:
    return write_broker(hub.authority, hub.settings)


def _note(hub: Opened, act: str, facts: Mapping[str, Any]) -> None:
    with hub.ledger.write() as connection:
        audits.write(connection, str(actor().id), act, facts, clock.now().wall_ms)


def _kid(args: argparse.Namespace) -> str:
    if args.kid is None:
        raise UsageError(
            "usage", "phải ghi tên khoá", cure=f"ví dụ: kengd hub keys {args.what} cong-lac-2027", en="KID is missing"
        )
    return str(args.kid)
