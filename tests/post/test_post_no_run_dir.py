"""A run directory that takes nothing (/run full, or its owner wrong): the bell is the last to notice (P3)."""

from __future__ import annotations

from pathlib import Path

from tests.post.conftest import NewPost
from tests.post.hub import until


def test_a_press_rings_and_is_written_though_the_run_directory_cannot_be_used(new_post: NewPost) -> None:
    """P3: no lock file, no pin file, no control socket, no spool. The post once ended at its start, again and again."""
    post = new_post(id="khong-run")
    post.run_dir.rmdir()
    post.run_dir = Path("/proc/no-such-directory/kengd")
    post.write_settings()
    post.process = post.spawn()
    until(post.healthy, 30, "ready")
    post.press()
    post.rings()
    status = post.http("GET", "/api/status")[1]
    assert status["sounding"]["signal"] == "alarm"
    assert "spool_failed" in {item["code"] for item in status["conditions"]}
    until(lambda: ("ringing", None) in post.kinds(), 5, "in the book")
    post.press("hush")
    until(lambda: post.http("GET", "/api/status")[1]["sounding"] is None and not post.relay_on, 3, "rest")
