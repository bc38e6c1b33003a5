"""`kengd hub users list|add|password|end`: the officers, from the hub machine's own shell."""

from __future__ import annotations

import argparse
import getpass
import secrets

from kengd import clock
from kengd.cli.hub_open import opened
from kengd.errors import KengdError, UsageError
from kengd.hub.people.people import People
from kengd.hub.people.words import ROLE_VI, Caller, Officer, role_of, shell_caller


def run(args: argparse.Namespace) -> int:
    """One of the four; each change is a line in the audit book. Raises UsageError, KengdError."""
    with opened(args) as hub:
        people = People(hub.ledger, lambda: clock.now().wall_ms, secrets.token_bytes)
        acts = {"list": _list, "add": _add, "password": _password, "end": _end}
        return acts[args.what](people, args)


def _list(people: People, _args: argparse.Namespace) -> int:
    for officer in people.officers():
        note = "  (chưa đổi mật khẩu lần đầu)" if officer.must_change else ""
        print(f"{officer.login or '-':<20} {ROLE_VI[officer.role]:<9} {officer.name}{note}")
    return 0


def _add(people: People, args: argparse.Namespace) -> int:
    login = _login(args)
    if args.name is None:
        raise UsageError(
            "usage",
            "cán bộ mới phải có họ tên",
            cure='thêm --name "Đại úy Nguyễn Văn An"',
            en="--name is missing",
        )
    made, password = people.make_officer(_caller(), login, args.name, role_of(args.role))
    print(f"Đã thêm {made.name} ({ROLE_VI[made.role]}).")
    _say_password(made.login or login, password)
    return 0


def _password(people: People, args: argparse.Namespace) -> int:
    officer = _officer(people, args)
    password = people.reset_password(_caller(), officer.id)
    print(f"Đã đặt lại mật khẩu của {officer.name}; mọi máy đang đăng nhập của người này bị thoát.")
    _say_password(officer.login or "", password)
    return 0


def _end(people: People, args: argparse.Namespace) -> int:
    officer = _officer(people, args)
    people.end_officer(_caller(), officer.id)
    print(f"{officer.name} không đăng nhập được nữa; việc đã làm vẫn còn trong sổ.")
    return 0


def _say_password(login: str, password: str) -> None:
    print(f"  đăng nhập: {login}   mật khẩu lần đầu: {password}")
    print("Mật khẩu này chỉ hiện một lần và phải đổi khi đăng nhập.")


def _officer(people: People, args: argparse.Namespace) -> Officer:
    login = _login(args)
    found = people.officer_called(login)
    if found is None:
        raise KengdError(
            "no_such_officer",
            f"không có cán bộ đăng nhập bằng tên “{login[:40]}”",
            cure="xem danh sách: kengd hub users list",
            en="no such officer",
        )
    return found


def _login(args: argparse.Namespace) -> str:
    if args.login is None:
        raise UsageError(
            "usage",
            "phải ghi tên đăng nhập",
            cure=f"ví dụ: kengd hub users {args.what} an.nguyen",
            en="the login is missing",
        )
    return str(args.login)


def _caller() -> Caller:
    return shell_caller(getpass.getuser())
