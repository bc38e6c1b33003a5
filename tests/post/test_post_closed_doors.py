"""P12, R53, R57: tight files, no secret in any log, every write authenticated and bounded."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import Broker
from tests.post.hub import Hub, until
from tests.post.village import Post

TOKEN = "ma-truy-nhap-cua-can-bo"
PASSWORD = "mat-khau-cua-diem-kenh-1"
VISITOR = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
line = socket.socket(socket.AF_UNIX); line.settimeout(5); line.connect(sys.argv[1])
line.sendall(b'{"do":"ring","signal":"alarm"}\\n')
print(line.recv(4096).decode() or "nothing")
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Post, Hub]]:
    """A post with a password at the broker and a token on its page, and a hub."""
    directory = tmp_path_factory.mktemp("guarded")
    broker = Broker(directory / "broker", extra="", anonymous=True)
    passwords = directory / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "kengd", PASSWORD], check=True, capture_output=True)
    passwords.chmod(0o600)
    broker.settings.write_text(broker.settings.read_text() + f"password_file {passwords}\n")
    secret = directory / "password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    with broker:
        hub = Hub(broker.port)
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        post = Post(
            directory / "post",
            id="kin",
            hub=hub,
            web=f'token_sha256 = "{digest}"',
            broker=f'username = "kengd"\npassword_file = "{secret}"',
        )
        try:
            yield post.start(), hub
        finally:
            hub.close()
            post.end()


def test_book_keys_sockets_and_spool_are_readable_by_their_owner_only(guarded: tuple[Post, Hub]) -> None:
    """P12: no file of a post is open to others, none of the secret ones to the group."""
    post, _ = guarded
    for path in [*post.state.rglob("*"), *post.run_dir.rglob("*")]:
        assert path.stat().st_mode & 0o007 == 0 or (path.parent.stat().st_mode & 0o077) == 0, path
    for path in (post.state / "book").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    for name in ("spool.jsonl", "belfry.lock"):
        assert (post.run_dir / name).stat().st_mode & 0o077 == 0
    assert (post.run_dir / "control.sock").stat().st_mode & 0o007 == 0


def test_a_ring_over_the_api_needs_the_token(guarded: tuple[Post, Hub]) -> None:
    """P12, R53, R57: none and a wrong one are 403 and move nothing; the right one rings; bodies are bounded and strict."""
    post, _ = guarded
    order = {"signal": "alarm", "by": "Đ/c Hùng"}
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert post.http("POST", "/api/ring", order)[0] == 403
    assert post.http("POST", "/api/ring", order, Authorization="Bearer sai")[0] == 403
    assert post.http("POST", "/api/hush", {"by": "Đ/c Hùng"})[0] == 403
    assert post.http("POST", "/api/ring", order | {"loud": 1}, **right)[0] == 422
    assert post.http("POST", "/api/ring", order | {"why": "x" * 9_000}, **right)[0] == 413
    assert post.http("POST", "/api/ring", order, Origin="http://elsewhere.example", **right)[0] == 403
    assert post.strokes() == 0
    assert post.http("POST", "/api/ring", order, **right)[0] == 200
    post.rings()
    assert post.http("POST", "/api/hush", {"by": "Đ/c Hùng"}, **right)[0] == 200
    post.rests()
    assert post.wrote("ringing")["source"] == "page"


def test_a_page_without_a_token_in_the_settings_takes_no_orders(post: Post) -> None:
    """P12: it only shows."""
    began = post.strokes()
    assert post.http("POST", "/api/ring", {"signal": "alarm", "by": "ai đó"}, Authorization="Bearer ")[0] == 403
    assert post.strokes() == began


def test_the_control_socket_refuses_other_users(guarded: tuple[Post, Hub]) -> None:
    """P12: by the file's mode, and, were that wrong, by the peer's uid; nobody rings."""
    post, _ = guarded
    path = post.run_dir / "control.sock"
    before = post.strokes()
    doors = ((0o700, 0o600), (0o755, 0o600), (0o755, 0o666))
    said = []
    try:
        for directory_mode, socket_mode in doors:
            post.run_dir.chmod(directory_mode)
            path.chmod(socket_mode)
            visit = subprocess.run(
                [sys.executable, "-c", VISITOR, str(path)],
                capture_output=True,
                text=True,
                timeout=20,
                check=False,
            )
            said.append((visit.stdout + visit.stderr).strip().splitlines()[-1])
    finally:
        post.run_dir.chmod(0o700)
        path.chmod(0o600)
    assert all("PermissionError" in each for each in said[:2]), said
    assert said[2] == "nothing" or "ConnectionResetError" in said[2] or "BrokenPipe" in said[2], said
    assert post.strokes() == before and post.sounding() is None


def test_no_secret_is_in_a_log_the_book_or_the_status(guarded: tuple[Post, Hub]) -> None:
    """P12: password, token and its digest, and what an unauthenticated message carried."""
    post, hub = guarded
    mark = "bi-mat-trong-lenh-gia"
    hub.say(post.id, mark.encode())
    hub.answered(post.id, hub.ring(post.id, purpose="test"), "tested")
    post.http("POST", "/api/ring", {"signal": "alarm", "by": "x"}, Authorization=f"Bearer {TOKEN}x")
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    places = {
        "log": "".join(post.log + post.said),
        "book": json.dumps(post.entries(), ensure_ascii=False),
        "status": json.dumps([hub.statuses[post.id], post.status()]),
        "metrics": post.http("GET", "/metrics")[1],
        "spool": (post.run_dir / "spool.jsonl").read_text(),
    }
    for name, text in places.items():
        for secret in (PASSWORD, TOKEN, digest, mark):
            assert secret not in text, (name, secret)
    compiled = "".join(path.read_text() for path in Path(post.state / "settings").glob("compiled-*.json"))
    assert PASSWORD not in compiled


def test_the_simulated_pins_answer_only_whom_they_should(guarded: tuple[Post, Hub]) -> None:
    """P12: unknown buttons, wild numbers and foreign pages press nothing."""
    post, _ = guarded
    before = post.strokes()
    assert post.http("POST", "/sim/press", {"button": "khong-co", "hold_ms": 500})[0] == 404
    for hold_ms in (0, -1, 10**9, "500", None, 1.5):
        assert post.http("POST", "/sim/press", {"button": "alarm", "hold_ms": hold_ms})[0] == 422
    assert post.http("POST", "/sim/press", {"button": "alarm"}, Origin="http://elsewhere.example")[0] == 403
    until(lambda: post.sounding() is None, 1, "quiet")
    assert post.strokes() == before
