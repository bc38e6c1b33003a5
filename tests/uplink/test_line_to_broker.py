"""The line against a real mosquitto: what is delivered, when, and what no failure may break."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kengd.errors import KengdError
from kengd.uplink.line import Inbound, LineSettings
from kengd.uplink.shell import ShellLink
from tests.broker import Broker, free_port
from tests.uplink.conftest import ABSENT, ALL, COMMAND, ENTRY, STATUS, Post, Posts, until

ROOT = Path(__file__).resolve().parents[2]


def wait_for(link: ShellLink, topic: str, payload: bytes, within_s: float = 5.0) -> None:
    """AssertionError when it does not come."""
    assert any((t, p) == (topic, payload) for t, p, _ in link.messages(within_s)), f"{payload!r} did not come"


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_commands_to_the_post_and_to_all_are_heard_in_order(version: str, post: Posts, hub: ShellLink) -> None:
    """DESIGN section 7: both topics, also on a 3.1.1 line."""
    one = post(version=version).start()
    for number in range(20):
        hub.publish(COMMAND if number % 2 else ALL, b"%d" % number)
    until(lambda: len(one.heard) == 20)
    assert one.payloads() == [b"%d" % number for number in range(20)]
    assert {inbound.topic for inbound in one.heard} == {COMMAND, ALL}
    assert not any(inbound.retain or inbound.dup for inbound in one.heard)


def test_after_a_broker_restart_the_line_is_back_within_a_second_and_subscribed(
    broker: Broker, post: Posts, hub: ShellLink
) -> None:
    """R4: health is "SUBACK seen"; a command sent after the restart arrives. Figure of the design: back within 1 s."""
    one = post().start()
    for _ in range(3):
        broker.kill()
        until(lambda: not one.session.up)
        broker.start()
        assert until(lambda: one.session.up) <= 1.0
    with ShellLink(broker.host, broker.port) as link:
        link.connect()
        link.publish(COMMAND, b"after")
    until(lambda: one.payloads() == [b"after"])
    assert one.states == [True, False] * 3 + [True]


def test_a_broker_that_forgot_everything_is_subscribed_to_again(broker: Broker, post: Posts) -> None:
    """R4: the subscription is made at each connect, not trusted to the broker's memory."""
    one = post().start()
    broker.kill()
    for saved in broker.directory.glob("*.db*"):
        saved.unlink()
    broker.start()
    until(lambda: one.states == [True, False, True])
    with ShellLink(broker.host, broker.port) as link:
        link.connect()
        link.publish(COMMAND, b"after")
    until(lambda: one.payloads() == [b"after"])


def test_a_reconnect_brings_no_old_command_again(broker: Broker, post: Posts, hub: ShellLink) -> None:
    """R3: what was acknowledged never comes a second time, however often the line drops."""
    one = post().start()
    hub.publish(COMMAND, b"once")
    until(lambda: one.heard)
    time.sleep(1.2)  # the broker saves its sessions each second; the rest of this file does not depend on it
    for count in (2, 3):
        broker.stop()
        until(lambda: not one.session.up)
        broker.start()
        until(lambda count=count: one.states.count(True) == count)  # type: ignore[misc]
    time.sleep(0.2)
    assert one.payloads() == [b"once"]


def test_a_frozen_broker_is_noticed_and_left_for_a_living_one(broker: Broker, post: Posts) -> None:
    """R5: on a half-open link the line is called down within keepalive + 5 s, though no socket ever closed."""
    one = post(keepalive_s=1).start()
    broker.freeze()
    assert until(lambda: not one.session.up, 6) < 4
    fault = one.session.fault
    assert fault is not None
    assert fault.code == "silent"
    broker.thaw()
    until(lambda: one.session.up, 3)


def test_a_publish_without_answer_is_enough_to_call_the_link_dead(broker: Broker, post: Posts) -> None:
    """R5: with a keepalive of 2 s an unanswered status says after 2 s what a ping would say after 4."""
    one = post(keepalive_s=2).start()
    broker.freeze()
    one.session.publish_status(b"{}")
    assert until(lambda: not one.session.up, 9) < 3.5
    broker.thaw()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_stored_retained_command_is_seen_as_retained(version: str, post: Posts, hub: ShellLink) -> None:
    """R1: the office refuses it by this flag."""
    hub.publish(COMMAND, b"old", retain=True)
    one = post(version=version).start()
    until(lambda: one.heard)
    assert [(inbound.payload, inbound.retain) for inbound in one.heard] == [(b"old", True)]


def test_a_command_published_as_retained_to_a_live_post_is_seen_as_retained(post: Posts, hub: ShellLink) -> None:
    """R1: MQTT 5 retainAsPublished; without it the flag of a live publish is lost."""
    one = post().start()
    hub.publish(COMMAND, b"now", retain=True)
    until(lambda: one.heard)
    assert [(inbound.payload, inbound.retain) for inbound in one.heard] == [(b"now", True)]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_commands_sent_while_the_post_was_away_are_delivered_when_it_is_back(
    version: str, post: Posts, hub: ShellLink
) -> None:
    """clean_start is false and the session lives 7 days: whether they are still valid is in the signed message."""
    post(version=version).start().session.leave(ABSENT)
    for number in range(5):
        hub.publish(COMMAND, b"%d" % number)
    again = post(version=version).start()
    until(lambda: len(again.heard) == 5)
    assert again.payloads() == [b"0", b"1", b"2", b"3", b"4"]


def test_what_was_not_acknowledged_comes_again_in_order_until_it_is(
    broker: Broker, post: Posts, hub: ShellLink
) -> None:
    """P5 rests on it: at least once, acknowledged after the entry is on disk."""
    first = post(acks=False).start()
    for number in range(50):
        hub.publish(COMMAND, b"%d" % number)
    until(lambda: len(first.heard) == 50)
    first.session.leave(ABSENT)
    second = post(acks=False).start()
    until(lambda: len(second.heard) == 50)
    assert second.payloads() == first.payloads() == [b"%d" % number for number in range(50)]
    assert all(inbound.dup for inbound in second.heard)
    for inbound in second.heard[:30]:
        second.session.ack(inbound.token)
    hub.publish(COMMAND, b"last")
    until(lambda: len(second.heard) == 51)
    second.session.leave(ABSENT)
    third = post().start()
    until(lambda: len(third.heard) == 21)
    time.sleep(0.1)
    assert third.payloads() == [b"%d" % number for number in range(30, 50)] + [b"last"]


def test_an_acknowledgement_for_an_older_connection_acknowledges_nothing(broker: Broker, post: Posts) -> None:
    """A packet id may mean another message after a reconnect: a late acknowledgement must not swallow that one."""
    one = post(acks=False).start()
    with ShellLink(broker.host, broker.port) as link:
        link.connect()
        link.publish(COMMAND, b"first")
    until(lambda: one.heard)
    broker.kill()
    for saved in broker.directory.glob("*.db*"):
        saved.unlink()
    broker.start()
    until(lambda: one.states == [True, False, True])
    with ShellLink(broker.host, broker.port) as link:
        link.connect()
        link.publish(COMMAND, b"second")
    until(lambda: one.payloads() == [b"first", b"second"])
    assert one.heard[0].token.mid == one.heard[1].token.mid
    one.session.ack(one.heard[0].token)
    one.session.leave(ABSENT)
    again = post().start()
    until(lambda: again.payloads() == [b"second"])


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), KeyboardInterrupt()])
def test_a_callback_that_raises_does_not_stop_later_messages(error: BaseException, post: Posts, hub: ShellLink) -> None:
    """R5: in the library itself one exception ends the thread while is_connected() still says True."""
    one = post()
    one.raises = lambda inbound: error if inbound.payload == b"bad" else None
    one.start()
    for payload in (b"bad", b"bad", b"good"):
        hub.publish(COMMAND, payload)
    until(lambda: len(one.heard) == 3)
    assert one.session.up
    assert one.payloads() == [b"bad", b"bad", b"good"]


def test_a_message_that_fails_twice_is_not_kept_for_a_week(post: Posts, hub: ShellLink) -> None:
    """Not acknowledged at first (trying again can help), but a poison message may not come back at each reconnect."""
    heard: list[list[bool]] = []
    for _ in range(3):
        one = post(acks=False)
        one.raises = lambda _: RuntimeError("poison")
        one.start()
        if not heard:
            hub.publish(COMMAND, b"poison")
            until(lambda one=one: one.heard)  # type: ignore[misc]
        time.sleep(0.2)
        heard.append([inbound.dup for inbound in one.heard])
        one.session.leave(ABSENT)
    assert heard == [[False], [True], []]


def test_ten_thousand_random_payloads_are_passed_on_as_they_are(post: Posts, hub: ShellLink) -> None:
    """The line judges nothing and dies of nothing: empty, binary, far above the limit of 48 KiB."""
    dice = random.Random(7)
    payloads = [dice.randbytes(dice.choice((0, 1, 3, 40, 700))) for _ in range(10_000)]
    payloads[7], payloads[8] = dice.randbytes(60_000), dice.randbytes(500_000)
    one = post().start()
    for payload in payloads:
        hub._open().say(COMMAND, payload)
    hub.publish(COMMAND, b"the end", timeout_s=20)
    until(lambda: one.payloads()[-1:] == [b"the end"], 20)
    assert one.payloads() == [*payloads, b"the end"]


def test_the_last_will_speaks_when_the_process_is_killed(broker: Broker, hub: ShellLink) -> None:
    """Status is `absent` at once after kill -9 (DESIGN section 7: Last Will, retained)."""
    hub.subscribe([STATUS])
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\n"
            "from kengd.uplink.post_session import PostSession\n"
            "from kengd.uplink.line import LineSettings\n"
            "s = PostSession(LineSettings('127.0.0.1', int(sys.argv[1]), 'post-1', 'cong-lac', 'post-1'),\n"
            "            print, lambda up: s.publish_status(b'present'), b'absent')\n"
            "s.start(); time.sleep(60)",
            str(broker.port),
        ],
        cwd=ROOT,
    )
    wait_for(hub, STATUS, b"present", 15)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    wait_for(hub, STATUS, b"absent")


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_an_orderly_stop_says_absent_itself_within_two_seconds_whatever_is_unacknowledged(
    version: str, post: Posts, hub: ShellLink
) -> None:
    """The library's loop_stop blocks 20 s while anything is unacknowledged; the relay's process cannot wait for that."""
    one = post(acks=False, version=version).start()
    hub.subscribe([STATUS])
    hub.publish(COMMAND, b"never acknowledged")
    until(lambda: one.heard)
    begun = time.monotonic()
    one.session.leave(b"absent by itself")
    assert time.monotonic() - begun < 1.0
    assert next(hub.messages(2))[:2] == (STATUS, b"absent by itself")
    assert list(hub.messages(0.3)) == []


def test_a_stop_with_a_frozen_broker_or_without_any_ends_within_two_seconds(broker: Broker, post: Posts) -> None:
    """TimeoutStopSec is 10 s and the relay is to be put at rest first."""
    frozen, alone = post().start(), post(port=free_port())
    alone.session.start()
    broker.freeze()
    for one in (frozen, alone):
        begun = time.monotonic()
        one.session.leave(ABSENT)
        assert time.monotonic() - begun < 2.2
    broker.thaw()


def test_the_newest_status_is_sent_first_when_the_line_is_up(broker: Broker, post: Posts, hub: ShellLink) -> None:
    """Retained: a hub that connects later sees it, and never the one before."""
    one = post()
    one.session.publish_status(b"older")
    one.session.publish_status(b"newest")
    one.start()
    until(lambda: one.published)
    hub.subscribe([STATUS])
    assert next(hub.messages(2)) == (STATUS, b"newest", True)


def test_each_publish_is_answered_with_the_brokers_reason(post: Posts, hub: ShellLink) -> None:
    """R8: taken by the broker (0) and "nobody listens" (16) are told apart."""
    one = post().start()
    unheard = one.session.publish_entry(b"1")
    until(lambda: len(one.published) == 1)
    hub.subscribe([ENTRY])
    heard = one.session.publish_entry(b"2")
    until(lambda: len(one.published) == 2)
    assert one.published == [(unheard, 16), (heard, 0)]
    assert next(hub.messages(2)) == (ENTRY, b"2", False)


def test_while_the_line_is_down_an_entry_is_not_taken(post: Posts) -> None:
    """Nothing is queued in memory: it stays in the book."""
    one = post(port=free_port())
    assert one.session.publish_entry(b"1") is None
    one.session.start()
    time.sleep(0.1)
    assert one.session.publish_entry(b"1") is None


def test_a_publish_from_another_thread_leaves_at_once(post: Posts, hub: ShellLink) -> None:
    """No waiting for the next tick (0.5 s), and no 40 ms of Nagle: medians over an idle line."""
    one = post().start()
    took = []
    for number in range(30):
        time.sleep(0.01)
        begun = time.perf_counter()
        one.session.publish_entry(b"x")
        until(lambda number=number: len(one.published) > number)  # type: ignore[misc]
        took.append(time.perf_counter() - begun)
    assert sorted(took)[15] < 0.02
    assert max(took) < 0.3


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".example", "..", "", "bad host\x00"])
def test_a_bad_host_name_never_ends_the_line(host: str, post: Posts) -> None:
    """Only OSError is caught in the library's reconnect: a name with a bad label kills its loop."""
    one = post(host=host)
    one.session.start()
    until(lambda: one.session.fault is not None and one.session.fault.code in ("name_unknown", "unreachable"), 15)
    assert one.session._thread is not None
    assert one.session._thread.is_alive()
    assert one.states == []


def test_a_dead_thread_is_started_anew_and_a_living_one_is_left(post: Posts, hub: ShellLink) -> None:
    """Supervision: `start` is harmless on a living line and revives a dead one."""
    one = post().start()
    first = one.session._thread
    one.session.start()
    assert one.session._thread is first
    assert one.session.silent_s() < 2


def test_two_posts_of_one_name_do_not_throw_each_other_out_at_full_speed(post: Posts) -> None:
    """A cloned SD card: mosquitto 2.0.11 closes the older connection without a word, later ones with one; the fault says what it may be."""
    one, two = post(jitter=0.0).start(), post(jitter=0.0).start()
    until(lambda: {"unsteady", "taken_over"} & {one.session._fault.code, two.session._fault.code}, 20)
    changes = len(one.states) + len(two.states)
    time.sleep(1.0)
    assert len(one.states) + len(two.states) - changes <= 8


def test_a_refused_publish_is_told_and_the_line_stays(tmp_path: Path) -> None:
    """R6: an ACL that forbids writing shows as a reason code from 128, never as delivered."""
    acl = tmp_path / "acl"
    acl.write_text("topic read kengd/1/cong-lac/#\ntopic write kengd/1/cong-lac/post-1/status\n")
    with Broker(tmp_path / "broker", extra=f"acl_file {acl}") as broker:
        one = Post(LineSettings(broker.host, broker.port, "post-1", "cong-lac", "post-1")).start()
        token = one.session.publish_entry(b"1")
        until(lambda: one.published)
        assert one.published == [(token, 135)]
        assert one.states == [True]
        one.session.leave(ABSENT)


def test_a_wrong_password_is_a_refusal_in_words(tmp_path: Path) -> None:
    """The doctor and the condition `line_down` say why."""
    with Broker(tmp_path / "broker", anonymous=False) as broker:
        settings = LineSettings(
            broker.host, broker.port, "post-1", "cong-lac", "post-1", username="a", password="very secret"
        )
        one = Post(settings)
        one.session.start()
        until(lambda: one.session.fault is not None and one.session.fault.code == "refused")
        assert "very secret" not in repr(settings)
        with pytest.raises(KengdError, match="refused") as error, ShellLink(broker.host, broker.port) as link:
            link.connect()
        one.session.leave(ABSENT)
    assert error.value.code == "broker_refused"


def test_a_burst_of_entries_goes_out_in_order_whatever_the_brokers_window(tmp_path: Path) -> None:
    """P8: with a receive maximum of 5 the rest follows in order (that it is never exceeded is tested elsewhere)."""
    with Broker(tmp_path / "broker", extra="max_inflight_messages 5") as broker:
        one = Post(LineSettings(broker.host, broker.port, "post-1", "cong-lac", "post-1")).start()
        with ShellLink(broker.host, broker.port) as link:
            link.connect()
            link.subscribe([ENTRY])
            tokens = [one.session.publish_entry(b"%d" % number) for number in range(300)]
            got = []
            for _, payload, _ in link.messages(5):
                got.append(payload)
                if len(got) == 300:
                    break
        until(lambda: len(one.published) == 300)
        assert [token for token, _ in one.published] == tokens
        assert got == [b"%d" % number for number in range(300)]
        assert one.states == [True]
        one.session.leave(ABSENT)


def test_the_shell_says_in_vietnamese_that_there_is_no_broker() -> None:
    """Errors to people: KengdError with a cure."""
    with pytest.raises(KengdError) as error, ShellLink("127.0.0.1", free_port()) as link:
        link.connect(2)
    assert error.value.code == "broker_unreachable"
    assert "Không dùng được máy chủ" in error.value.vi


def test_inbound_is_plain_data() -> None:
    """The office compares and stores it."""
    assert Inbound.__slots__ == ("topic", "payload", "retain", "token", "dup")
