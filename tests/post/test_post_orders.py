"""Every `do` of DESIGN section 7 over the wire, and what of it outlives a restart."""

from __future__ import annotations

import time

from tests.post.conftest import NewPost
from tests.post.hub import Entry, Hub, until
from tests.post.village import ALARM, SECOND_PIN, Post

BY = "Đ/c Hùng"
SECOND = (
    f'[[gpio.buttons]]\nname = "second"\npin = {SECOND_PIN}\ndoes = "alarm"\nplace = "tổ liên gia 3"\nhold_ms = 300'
)
SETTLED = [("received", None), ("settings_changed", None)]


def settled(post: Post, hub: Hub, cmd: dict[str, object]) -> list[tuple[str, str | None]]:
    """The answers to an order that the office settles itself."""
    jti = hub.order(post.id, cmd)
    until(
        lambda: [kind for kind, _ in hub.answers(post.id, jti) if kind in ("settings_changed", "refused")], 8, str(cmd)
    )
    return hub.answers(post.id, jti)


def test_a_silence_holds_back_calm_rings_outlives_restarts_and_is_ended_by_zero(new_post: NewPost, hub: Hub) -> None:
    """P4: an alarm rings all the same; the status shows until when, after a restart of either process too; 31 days at most."""
    post = new_post(id="im", hub=hub).start()
    until_s = int(time.time()) + 3_600
    assert settled(post, hub, {"do": "silence", "until": until_s, "by": BY, "why": "đám tang"}) == SETTLED
    until(lambda: hub.status(post.id)["silenced_until"], 3, "shown")
    assert hub.refused(post.id, hub.ring(post.id, "meeting")) == "silenced"
    post.renew_office()
    assert hub.refused(post.id, hub.ring(post.id, "meeting")) == "silenced"
    post.lose_power()
    post.start()
    until(lambda: post.status()["silenced_until"] == until_s, 3, "after a reboot")
    assert hub.refused(post.id, hub.ring(post.id, "meeting")) == "silenced"
    post.press()
    post.rings()
    post.shell(do="hush")
    assert settled(post, hub, {"do": "silence", "until": until_s + 32 * 86_400, "by": BY}) == [("refused", "malformed")]
    assert settled(post, hub, {"do": "silence", "until": 0, "by": BY}) == SETTLED
    hub.answered(post.id, hub.ring(post.id, "meeting"), "finished", 8)


def test_a_button_can_be_locked_but_never_the_last_alarm_button(new_post: NewPost, hub: Hub) -> None:
    """R67, H15: shown and written; a press of a locked button is refused; it outlives a restart; unlocked it rings again."""
    post = new_post(id="khoa", hub=hub, buttons=SECOND).start()

    def lock(button: str, locked: bool) -> list[tuple[str, str | None]]:
        return settled(post, hub, {"do": "lock_input", "button": button, "locked": locked, "by": BY, "why": "ướt"})

    assert lock("second", True) == SETTLED
    assert lock("alarm", True) == [("refused", "cannot_play")]
    assert lock("khong-co", True) == [("refused", "cannot_play")]
    until(lambda: "button_locked" in post.conditions(), 3, "shown")
    before, began = post.head(), post.strokes()
    post.press("second")
    assert post.wrote("refused", "locked", before)["place"] == "tổ liên gia 3"
    assert post.strokes() == began
    post.kill()
    post.start()
    until(lambda: post.status()["locks"] == ["second"], 3, "after a restart")
    began_ns = post.press("alarm")
    post.rings(since_ns=began_ns)
    post.shell(do="hush")
    assert lock("second", False) == SETTLED
    until(lambda: "button_locked" not in post.conditions(), 3, "unlocked")
    began_ns = post.press("second")
    post.rings(since_ns=began_ns)


def test_codebook_and_timetable_come_with_versions(new_post: NewPost, hub: Hub) -> None:
    """DESIGN section 7: `cannot_play`, `stale_version`; the new one rings; a ring under way is not touched; kept over a restart."""
    post = new_post(id="ban-moi", hub=hub).start()

    def codebook(version: int, meeting: str) -> list[tuple[str, str | None]]:
        signals = {"alarm": {"pattern": ALARM}, "meeting": {"pattern": meeting}}
        return settled(
            post, hub, {"do": "codebook", "version": version, "codebook": {"use": "cong_lac", "signals": signals}}
        )

    def blows() -> int:
        began = post.strokes()
        hub.answered(post.id, hub.ring(post.id, "meeting"), "finished", 10)
        return post.strokes() - began

    assert blows() == 3
    jti = hub.ring(post.id)
    hub.answered(post.id, jti, "ringing")
    assert codebook(2, "5 tiếng đều") == SETTLED
    until(lambda: hub.status(post.id)["codebook_version"] == 2, 10, "version 2")
    assert hub.answers(post.id, jti) == [("received", None), ("ringing", None)]
    hub.hush(post.id)
    hub.answered(post.id, jti, "cut")
    assert blows() == 5
    assert codebook(1, "4 tiếng đều") == [("refused", "stale_version")]
    assert codebook(3, "9 tiếng mỗi tiếng 10 ms") == [("refused", "cannot_play")]
    assert codebook(3, "không đọc được") == [("refused", "cannot_play")]

    lines = [{"at": "05:00", "signal": "meeting"}, {"at": "22:00", "days": "t2-t6", "signal": "curfew"}]
    assert settled(post, hub, {"do": "timetable", "version": 7, "timetable": lines}) == SETTLED
    until(lambda: hub.status(post.id)["timetable_version"] == 7, 10, "version 7")
    until(lambda: len(post.http("GET", "/api/timetable")[1]) == 2, 5, "two lines")
    assert settled(post, hub, {"do": "timetable", "version": 6, "timetable": []}) == [("refused", "stale_version")]
    wrong = [{"at": "25:00", "signal": "meeting"}]
    assert settled(post, hub, {"do": "timetable", "version": 8, "timetable": wrong}) == [("refused", "cannot_play")]
    alarm = [{"at": "05:00", "signal": "alarm"}]
    assert settled(post, hub, {"do": "timetable", "version": 8, "timetable": alarm}) == [("refused", "cannot_play")]

    post.kill()
    post.start()
    status = until(lambda: (s := hub.status(post.id)).get("codebook_version") == 2 and s, 3, "kept")
    assert status["timetable_version"] == 7
    assert blows() == 5


def test_taken_is_received_and_nothing_more(post: Post, hub: Hub) -> None:
    """DESIGN section 7: an officer has taken charge; the alarm sounds on."""
    post.press()
    sounding = until(post.sounding, 3)
    jti = hub.order(post.id, {"do": "taken", "activation": sounding["activation"], "by": BY})
    assert hub.answered(post.id, jti, "received")["activation"] == sounding["activation"]
    hub.answered(post.id, hub.ring(post.id, purpose="test"), "tested")
    assert hub.answers(post.id, jti) == [("received", None)]
    assert (post.sounding() or {})["activation"] == sounding["activation"]


def test_a_replay_sends_the_entries_again_and_writes_nothing(post: Post, hub: Hub) -> None:
    """P8: the hub fills a gap; of another book nothing is sent."""
    hub.answered(post.id, hub.ring(post.id, purpose="test"), "tested")
    head = post.head()
    book = post.http("GET", "/api/status")[1]["book"]
    until(lambda: len(hub.entries(post.id)) >= head, 5, "all entries")
    heard = len(hub.deliveries[post.id])
    hub.order(post.id, {"do": "replay", "book": "0" * 16, "after_seq": 0})
    hub.order(post.id, {"do": "replay", "book": book, "after_seq": head - 3})
    until(lambda: len(hub.deliveries[post.id]) >= heard + 3, 5, "again")
    time.sleep(0.5)  # no more come
    again: list[Entry] = hub.deliveries[post.id][heard:]
    assert [each["seq"] for each in again] == [head - 2, head - 1, head]
    assert post.head() == head


def test_kengd_command_sends_and_prints_the_answers(post: Post, hub: Hub) -> None:
    """DESIGN section 8: the smallest form of a hub."""
    key = hub.save_key(post.directory / "hub.pem")
    done = post.kengd(
        "command", "--key", str(key), "--kid", "hub-1", "--post", post.id, "ring", "alarm", "--purpose", "test",
        "--by", BY, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"received"' in done.stdout and '"tested"' in done.stdout
