"""P3, P7, R40, R41, H21: no room for the book, no book at all, no memory for the office. The bell rings, the line answers."""

from __future__ import annotations

import contextlib
import http.client
import os
import resource
import time
from pathlib import Path

from tests.post.conftest import NewPost
from tests.post.hub import Hub, until

SICK = {"disk_full", "disk_read_only", "book_broken"}
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def test_a_disk_without_room_stops_neither_bell_nor_line(new_post: NewPost, hub: Hub) -> None:
    """R41: the office may write no file any more; rings, hush and refusals are answered by the status, written when it may again."""
    post = new_post(id="het-cho", hub=hub).start()
    post.trouble_expected = True
    office = post.office_pid()
    assert office is not None
    head = post.head()
    resource.prlimit(office, resource.RLIMIT_FSIZE, (1_024, resource.RLIM_INFINITY))
    jti = hub.ring(post.id)
    post.rings()
    until(lambda: hub.status(post.id)["sounding"], 3, "the line says so")
    until(lambda: SICK & {c["code"] for c in hub.status(post.id)["conditions"]}, 15, "the condition")
    asked_s = time.monotonic()
    late = hub.hush(post.id)
    post.rests()
    assert time.monotonic() - asked_s < 1.5
    began_ns = post.press()
    post.rings(since_ns=began_ns)
    post.shell(do="hush")
    resource.prlimit(office, resource.RLIMIT_FSIZE, UNLIMITED)
    until(lambda: not SICK & post.conditions(), 15, "written again")
    assert [hub.answered(post.id, each, "received")["kind"] for each in (jti, late)] == ["received"] * 2
    assert hub.answers(post.id, jti) == [("received", None), ("ringing", None), ("cut", "hushed")]
    post.wrote("ringing", after_seq=head)
    assert [kind for kind, _ in post.kinds(head)].count("ringing") == 2
    assert post.office_pid() == office
    verified = post.kengd("journal", "verify")
    assert verified.returncode == 0, verified.stdout


def test_a_spool_without_room_stops_no_bell(new_post: NewPost, hub: Hub) -> None:
    """R41, P3: the belfry may write no file any more: `spool_failed`, and it rings; the entries go to the book all the same."""
    post = new_post(id="so-tam", hub=hub).start()
    post.trouble_expected = True
    resource.prlimit(post.pid, resource.RLIMIT_FSIZE, (16, resource.RLIM_INFINITY))
    jti = hub.ring(post.id)
    post.rings()
    hub.answered(post.id, jti, "ringing")
    until(lambda: "spool_failed" in post.conditions(), 5, "spool_failed")
    post.press("hush", 120)
    post.rests()
    resource.prlimit(post.pid, resource.RLIMIT_FSIZE, UNLIMITED)
    assert hub.answered(post.id, jti, "cut")["reason"] == "hushed"
    post.shell(do="ring", signal="alarm", purpose="test")
    until(lambda: "spool_failed" not in post.conditions(), 8, "whole again")


def test_a_book_that_cannot_be_opened_at_start_is_waited_for(new_post: NewPost, hub: Hub) -> None:
    """R40: a file lies where the book's directory should be; the bell rings, a command is obeyed, all is written later."""
    post = new_post(id="khong-so", hub=hub)
    post.trouble_expected = True
    post.state.mkdir(mode=0o700)
    (post.state / "book").write_text("không phải thư mục")
    post.start()
    post.press()
    post.rings()
    until(lambda: SICK & post.conditions(), 10, "the condition")
    assert SICK & {c["code"] for c in hub.status(post.id)["conditions"]}
    post.shell(do="hush")
    jti = hub.ring(post.id, "meeting")
    until(lambda: post.strokes() >= 3 and hub.status(post.id)["sounding"] is not None, 5, "the command rings")
    (post.state / "book").unlink()
    hub.answered(post.id, jti, "finished", 20)
    kinds = [kind for kind in post.kinds() if kind[0] in ("ringing", "cut", "finished")]
    assert kinds == [("ringing", None), ("cut", "hushed"), ("ringing", None), ("finished", None)]
    assert post.kengd("journal", "verify").returncode == 0


def test_the_office_may_not_eat_the_belfrys_memory(new_post: NewPost, hub: Hub) -> None:
    """H21: a limit and the higher OOM score are set; an office without memory in an alarm changes nothing at the bell."""
    post = new_post(id="bo-nho", hub=hub).start()
    post.trouble_expected = True
    office = post.office_pid()
    assert office is not None
    limits = Path(f"/proc/{office}/limits").read_text()
    assert next(line.split()[3:5] for line in limits.splitlines() if line.startswith("Max data size")) == [
        str(256 << 20),
        str(256 << 20),
    ]
    scores = [int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (office, post.pid)]
    assert scores[0] >= scores[1] + 500
    assert "unlimited" in next(
        line for line in Path(f"/proc/{post.pid}/limits").read_text().splitlines() if line.startswith("Max data size")
    )
    post.press()
    post.rings()
    activation = (post.sounding() or {})["activation"]
    resource.prlimit(office, resource.RLIMIT_DATA, (4_096, 256 << 20))
    big = hub.seal(hub.claims(post.id, {"do": "codebook", "version": 1, "codebook": {"use": "x" * 30_000}}))
    for _ in range(20):
        hub.say(post.id, big)
        with contextlib.suppress(OSError, http.client.HTTPException):  # it may die in the middle of an answer
            post.http("GET", "/api/entries?after=0&limit=1000")
    began_ns = time.monotonic_ns()
    until(lambda: post.strokes(began_ns) >= 4, 3, "it sounds on")
    assert (post.sounding() or {})["activation"] == activation
    with contextlib.suppress(ProcessLookupError):
        os.kill(office, 9)
    until(lambda: post.office_pid() not in (None, office), 15, "a new office")
    until(post.healthy, 20, "healthy")
    assert (post.sounding() or {})["activation"] == activation
    post.shell(do="hush")
    post.wrote("cut", "hushed")
