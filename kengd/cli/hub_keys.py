"""`kengd hub keys list|new|retire|revoke|renew|reader|bridge`: the keys that sign commands, who may look, and what ends soon."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Literal

from kengd import clock
from kengd.cli.fresh_file import PRIVATE, fresh, unwritable
from kengd.cli.hub_open import Opened, actor, opened, say
from kengd.errors import KengdError, UsageError
from kengd.hub.authority.brokerfiles import BrokerFiles
from kengd.hub.authority.naming import check_server_names, reader_subject
from kengd.hub.authority.readers import Reader
from kengd.hub.broker_news import news_vi, takes_by_itself
from kengd.hub.founding import write_broker
from kengd.hub.ledger import audits
from kengd.wire.topics import check_slug

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
    "reader": "máy chỉ xem",
}

EXAMPLES: Final = {"reader": "home", "bridge": "cong-lac"}
READER_FILES: Final = ("ca.pem", "client.pem", "client.key")
"""As Home Assistant asks for them: the CA's certificate, its own, and its key."""


def run(args: argparse.Namespace) -> int:
    """One of the seven; each change is a line in the audit book. Raises UsageError, KengdError."""
    with opened(args) as hub:
        acts = {
            "list": _list, "new": _new, "retire": _retire, "revoke": _revoke, "renew": _renew, "reader": _reader,
            "bridge": _bridge,
        }  # fmt: skip
        return acts[args.what](hub, args)


def _list(hub: Opened, _args: argparse.Namespace) -> int:
    print("Khoá ký lệnh:")
    for key in hub.authority.index.keys:
        print(f"  {key.kid:<24} {_STATES[key.state]:<28} từ {clock.local(key.since_ms):%d/%m/%Y}")
        without = hub.authority.posts_without(key.kid) if key.state in ("next", "active") else ()
        if without:
            print(f"    điểm kẻng chưa có khoá này: {', '.join(without)}")
    for held in hub.authority.index.current():
        if held.purpose in ("reader", "bridge"):
            name = f"{_PURPOSES[held.purpose].capitalize()}: {held.subject}"
            print(f"{name:<37} tới {clock.local(held.not_after_ms):%d/%m/%Y}")
    now_ms = clock.now().wall_ms
    expiring = hub.authority.expiring(now_ms)
    print("Chứng thư hết hạn trong 60 ngày:" if expiring else "Không có chứng thư nào hết hạn trong 60 ngày.")
    for one in expiring:
        cure = "tự gia hạn: kengd hub keys renew" if one.renews_itself else _cure(one.purpose, one.subject)
        say(f"  {_PURPOSES[one.purpose]} {one.subject}: {clock.local(one.not_after_ms):%d/%m/%Y} ({cure})")
    return 0


def _cure(purpose: str, subject: str) -> str:
    cures = {
        "post": f"kengd hub enrol {subject} --renew",
        "reader": f"kengd hub keys reader {subject}",
        "bridge": f"kengd hub keys bridge {subject}",
    }
    return cures.get(purpose, "phải lập lại từ đầu")


def _new(hub: Opened, args: argparse.Namespace) -> int:
    key = hub.authority.new_key(_kid(args), clock.now().wall_ms)
    _note(hub, "key_made", {"kid": key.kid, "state": key.state})
    print(f"Đã có khoá {key.kid} ({_STATES[key.state]}).")
    if key.state == "next":
        print("Việc tiếp theo, theo thứ tự:")
        _list_posts(hub, key.kid)
        active = next((one.kid for one in hub.authority.index.keys if one.state == "active"), "")
        say(f"  2. khi mọi điểm đã có khoá mới: kengd hub keys retire {active}")
        say(f"  3. khi yên tâm:                 kengd hub keys revoke {active}")
    return 0


def _list_posts(hub: Opened, kid: str) -> None:
    without = hub.authority.posts_without(kid)
    print("  1. làm tệp mới cho từng điểm kẻng và chép vào thẻ nhớ:" if without else "  1. (mọi điểm đã có khoá mới)")
    for post in without:
        say(f"       kengd hub enrol {post} --renew")


def _sure(hub: Opened, args: argparse.Namespace) -> None:
    """Posts that do not know the key that would sign then refuse every order, a hush too. Raises KengdError `posts_would_refuse`."""
    keys = hub.authority.index.keys
    signs = any(key.kid == args.kid and key.state == "active" for key in keys)
    follows = next((key.kid for key in keys if key.state == "next"), None)
    if args.yes or not signs:
        return
    without = () if follows is None else hub.authority.posts_without(follows)
    if without:
        raise KengdError(
            "posts_would_refuse",
            f"các điểm kẻng này chưa có khoá {follows}, sẽ từ chối mọi lệnh, cả lệnh dừng: {', '.join(without)}",
            cure="làm tệp mới cho từng điểm trước (kengd hub enrol MÃ --renew); khoá đã lộ, phải bỏ ngay thì thêm --yes",
            en=f"these posts do not have {follows}: {', '.join(without)}",
        )


def _retire(hub: Opened, args: argparse.Namespace) -> int:
    _sure(hub, args)
    signs = hub.authority.retire(_kid(args), clock.now().wall_ms)
    _note(hub, "key_retired", {"kid": args.kid, "signs": signs})
    print(f"Từ giờ {signs} ký lệnh; máy trực ban đang chạy tự dùng khoá mới trong vài giây.")
    _warn(hub, signs)
    return 0


def _revoke(hub: Opened, args: argparse.Namespace) -> int:
    _sure(hub, args)
    signs = hub.authority.revoke_key(_kid(args), clock.now().wall_ms)
    _note(hub, "key_revoked", {"kid": args.kid, "signs": signs})
    print(f"Đã thu hồi và huỷ khoá {args.kid}; {signs} đang ký lệnh.")
    say("Điểm kẻng còn tin khoá cũ tới khi nhận tệp mới. Làm tệp mới cho từng điểm: kengd hub enrol MÃ --renew")
    _warn(hub, signs)
    return 0


def _warn(hub: Opened, signs: str) -> None:
    without = hub.authority.posts_without(signs)
    if without:
        print(f"CẢNH BÁO: các điểm này chưa có khoá {signs}, sẽ TỪ CHỐI lệnh: {', '.join(without)}")


def _renew(hub: Opened, _args: argparse.Namespace) -> int:
    """The hub's own certificates and the broker's, that also when hub.toml names it otherwise; posts get theirs by a new file."""
    now_ms, broker = clock.now().wall_ms, hub.settings.broker
    names = check_server_names((*broker.names, broker.host))
    renewed = hub.authority.renew(now_ms)
    if names != hub.authority.server_names:
        hub.authority.serve_as(names, now_ms)
        renewed = tuple(dict.fromkeys((names[0], *renewed)))
        print(f"Từ giờ máy chủ MQTT được gọi là: {', '.join(names)}.")
    files = _broker(hub)
    if renewed:
        _note(hub, "certificates_renewed", {"subjects": list(renewed)})
        print(f"Đã gia hạn chứng thư của: {', '.join(renewed)}.")
        by_itself = takes_by_itself(files.config)
        print(
            "Máy chủ MQTT tự nhận trong vài giây."
            if by_itself
            else "Khởi động lại máy chủ MQTT để nó dùng chứng thư mới."
        )
        print("Khởi động lại dịch vụ máy trực ban để dùng chứng thư mới: sudo systemctl restart kengd-hub")
    else:
        print("Chưa có chứng thư nào của máy trực ban cần gia hạn.")
    for one in hub.authority.expiring(clock.now().wall_ms):
        if not one.renews_itself:
            say(f"  còn: {_PURPOSES[one.purpose]} {one.subject}: {_cure(one.purpose, one.subject)}")
    return 0


def _reader(hub: Opened, args: argparse.Namespace) -> int:
    """A certificate for a viewer, or its end. The broker is told at once."""
    name, now_ms = _kid(args), clock.now().wall_ms
    if args.end:
        return _end(hub, "reader", reader_subject(name))
    place = Path(args.out or reader_subject(name))
    with ExitStack() as files:
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as wrong:
            raise unwritable(place, wrong) from wrong
        ca, certificate, key = (files.enter_context(fresh(place / one, PRIVATE)) for one in READER_FILES)
        made = hub.authority.reader(name, now_ms)
        ca.write(made.ca), certificate.write(made.certificate), key.write(made.key)
    _broker(hub)
    _note(hub, "reader_made", {"reader": made.subject, "serial": made.serial, "revoked": list(made.revoked)})
    _say_reader(hub, made, place)
    return 0


def _bridge(hub: Opened, args: argparse.Namespace) -> int:
    """At a district: the secret file that lets this commune's broker connect (deploy/district/)."""
    commune = check_slug(_kid(args))
    if args.end:
        return _end(hub, "bridge", commune)
    path = Path(args.out or f"bridge-{commune}.pem")
    with fresh(path, PRIVATE) as out:
        out.write(hub.authority.bridge_for(commune, clock.now().wall_ms))
    _broker(hub)
    _note(hub, "bridge_made", {"commune": commune})
    print(
        f"Đã ghi {path}: chép sang máy trực ban xã {commune} rồi xoá bản ở đây; tệp cũ của xã này không dùng được nữa."
    )
    print("  ở xã, thêm vào hub.toml rồi khởi động lại kengd-hub:")
    print(f'    [district]\n    host = "{hub.settings.broker.names[0]}"\n    bundle = "{path.name}"')
    return 0


def _end(hub: Opened, purpose: Literal["reader", "bridge"], subject: str) -> int:
    serials = hub.authority.revoke(subject, "thôi dùng", clock.now().wall_ms, purpose=purpose)
    files = _broker(hub)
    _note(hub, f"{purpose}_revoked", {purpose: subject, "serials": list(serials)})
    print(f"Đã thu hồi chứng thư của {subject}. {news_vi(files.config)}")
    return 0


def _say_reader(hub: Opened, made: Reader, place: Path) -> None:
    broker, home = hub.settings.broker, hub.settings.homeassistant
    print(f"Đã ghi {', '.join(READER_FILES)} vào {place}: chép sang máy xem rồi xoá bản ở đây.")
    print(f"  máy chủ MQTT: {broker.names[0]}, cổng {broker.port}, có mã hoá (TLS); không cần tên và mật khẩu")
    print(f"  chứng thư dùng tới {clock.local(made.not_after_ms):%d/%m/%Y}; mỗi chứng thư cho một máy")
    print("  máy này chỉ xem được các điểm kẻng, không gửi được gì: không đánh, không dừng được kẻng")
    if made.revoked:
        print(f"Chứng thư cũ của {made.subject} đã bị thu hồi ({len(made.revoked)}).")
    if not home.enabled:
        print("Home Assistant chỉ tự thấy các điểm kẻng khi hub.toml có [homeassistant] enabled = true.")


def _broker(hub: Opened) -> BrokerFiles:
    return write_broker(hub.authority, hub.settings)


def _note(hub: Opened, act: str, facts: Mapping[str, Any]) -> None:
    with hub.ledger.write() as connection:
        audits.write(connection, str(actor().id), act, facts, clock.now().wall_ms)


def _kid(args: argparse.Namespace) -> str:
    if args.kid is None:
        raise UsageError(
            "usage",
            "phải ghi tên",
            cure=f"ví dụ: kengd hub keys {args.what} {EXAMPLES.get(args.what, 'cong-lac-2027')}",
            en="the name is missing",
        )
    return str(args.kid)
