"""The local control socket: real sockets, one selector turn at a time."""

from __future__ import annotations

import json
import selectors
import socket
from pathlib import Path
from typing import Any

from kengd.belfry.control import LARGEST_REQUEST, MOST_VISITORS, ControlSocket


class Post:
    """A control socket with a fake desk behind it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "control.sock"
        self.selector = selectors.DefaultSelector()
        self.asked: list[tuple[dict[str, Any], str]] = []
        self.control = ControlSocket(self.path, self.selector, self.answer, group="no-such-group")

    def answer(self, request: dict[str, Any], by: str) -> dict[str, Any]:
        self.asked.append((request, by))
        return {"ok": True, "do": request["do"]}

    def turn(self) -> None:
        for key, _ in self.selector.select(0.2):
            key.data()

    def visit(self, data: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(str(self.path))
            visitor.settimeout(2)
            self.turn()
            visitor.sendall(data)
            self.turn()
            visitor.setblocking(False)
            try:
                return visitor.recv(65_536)
            except BlockingIOError:
                return b"(open)"


def test_a_request_is_answered_and_the_name_comes_from_the_kernel(tmp_path: Path) -> None:
    """P12: `by` is the peer's user, whatever the request says."""
    post = Post(tmp_path)
    answer = json.loads(post.visit(b'{"do":"status","by":"somebody else"}\n'))
    assert answer == {"ok": True, "do": "status"}
    assert post.asked[0][1] == "root" or post.asked[0][1] != "somebody else"


def test_a_reason_in_an_old_code_page_reaches_the_desk_as_text_that_can_be_written(tmp_path: Path) -> None:
    """P3: a lone surrogate (what Python makes of a byte of TCVN3 or Latin-1 in `--why`) once left an alarm silent that
    stood as sounding, and the next press of the button joined that silence."""
    post = Post(tmp_path)
    answer = json.loads(post.visit(b'{"do":"ring","signal":"alarm","why":"b\\udce1o","\\ud800":["\\udfff"]}\n'))
    assert answer == {"ok": True, "do": "ring"}
    assert post.asked[0][0] == {"do": "ring", "signal": "alarm", "why": "b?o", "?": ["?"]}


def test_nonsense_gets_an_answer_and_ends_nothing(tmp_path: Path) -> None:
    """Bad JSON, no object, a missing key: refused `malformed`, and the next visitor is served."""
    post = Post(tmp_path)
    for data in (b"{\n", b"[]\n", b"{}\n", b"\xff\xfe\n", b"nan\n"):
        assert json.loads(post.visit(data))["reason"] == "malformed"
    assert json.loads(post.visit(b'{"do":"hush"}\n'))["ok"] is True


def test_an_endless_request_is_hung_up_on(tmp_path: Path) -> None:
    """Bounded: nobody fills the belfry's memory through its socket."""
    post = Post(tmp_path)
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(post.path))
        post.turn()
        for _ in range(4):
            visitor.send(b"x" * (LARGEST_REQUEST // 2))
            post.turn()
            if not post.control._visitors:
                break
        assert not post.control._visitors


def test_the_socket_is_private_and_goes_away(tmp_path: Path) -> None:
    """P12: 0600 without a group kengd; removed at the end; a stale one from a crash is replaced."""
    post = Post(tmp_path)
    assert post.path.stat().st_mode & 0o777 == 0o600
    second = ControlSocket(post.path, selectors.DefaultSelector(), post.answer)
    second.close()
    assert not post.path.exists()


def test_idle_visitors_make_room_for_a_hush(tmp_path: Path) -> None:
    """R22: connections that say nothing never keep `kengd hush` out; whoever was silent for longest is asked to leave."""
    post = Post(tmp_path)
    idle = []
    for _ in range(MOST_VISITORS + 4):
        idle.append(socket.socket(socket.AF_UNIX))
        idle[-1].connect(str(post.path))
        post.turn()
    assert json.loads(post.visit(b'{"do":"hush"}\n'))["ok"] is True
    for each in idle:
        each.close()


def test_a_socket_that_somebody_removed_is_noticed(tmp_path: Path) -> None:
    """The belfry then opens it again within a second."""
    post = Post(tmp_path)
    assert post.control.is_there()
    post.path.unlink()
    assert not post.control.is_there()
