"""`kengd command`: a hub's smallest form, against posts in miniature and once over a real broker."""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from kengd.cli import command as cli
from kengd.cli.command_round import Answer, Outcome, Round
from kengd.errors import UsageError
from kengd.uplink.shell import ShellLink
from kengd.wire.command import Accepted, Circumstances, judge
from kengd.wire.entry import Entry, from_json, to_json
from kengd.wire.freshness import Nonces
from kengd.wire.orders import Ring
from kengd.wire.signing import KeyRing
from kengd.wire.status import ABSENT, Status, build_status
from tests.broker import Broker
from tests.wire.seal import KEY, KID, MONO, NONCE, NOW, STRANGER, public

STATUS = Status(NOW * 1000, "ntp", NONCE, "b1", 0, "0" * 64, "0", 0, 0)


def entry(seq: int, kind: str, command_id: str | None, **more: Any) -> bytes:
    nothing: dict[str, Any] = dict.fromkeys(
        ("activation", "signal", "purpose", "source", "place", "by", "reason", "detail")
    )
    at = "2026-09-21T14:13:20.000Z"
    fields = nothing | {"book": "b1", "clock": "ntp", "prev": "0" * 64, "hash": "1" * 64, "at": at} | more
    return to_json(Entry(seq=seq, kind=kind, command_id=command_id, **fields)).encode()


class MiniPost:
    """Judges as a post does, with its own clock, and answers with entries."""

    def __init__(self, post: str, status: bytes | None, *, off_s: float = 0.0, commune: str = "conglac") -> None:
        self.post, self.status, self.off_s, self.commune = post, status, off_s, commune
        self.heard: list[Accepted] = []
        self.reasons: list[str] = []

    def answer(self, raw: bytes, wall_s: float) -> list[bytes]:
        clock = "untrusted" if self.status is not None and b"untrusted" in self.status else "ntp"
        around = Circumstances(
            self.commune,
            self.post,
            KeyRing({KID: public(KEY)}),
            wall_s + self.off_s,
            MONO,
            "untrusted" if clock == "untrusted" else "ntp",
            Nonces(NONCE, MONO),
        )
        verdict = judge(raw, retained=False, circumstances=around)
        if not isinstance(verdict, Accepted):
            self.reasons.append(verdict.reason)
            return [entry(1, "refused", verdict.jti, reason=verdict.reason, detail={"kid": verdict.kid})]
        self.heard.append(verdict)
        if isinstance(verdict.order, Ring):
            last = "tested" if verdict.order.purpose == "test" else "ringing"
            return [entry(1, "received", verdict.jti), entry(2, last, verdict.jti, signal=verdict.order.signal)]
        return [entry(1, "received", verdict.jti), entry(2, "settings_changed", verdict.jti)]


class FakeLink:
    """A broker of lists. `published`: topics in order."""

    def __init__(self, *posts: MiniPost) -> None:
        self.posts = posts
        self.published: list[str] = []
        self.inbox: list[tuple[str, bytes, bool]] = []

    def __enter__(self) -> FakeLink:
        return self

    def __exit__(self, *_: object) -> None: ...

    def connect(self) -> None: ...

    def subscribe(self, topics: Sequence[str]) -> None:
        for post in self.posts:
            topic = f"kengd/1/conglac/{post.post}/status"
            if post.status is not None and topic in topics:
                self.inbox.append((topic, post.status, True))

    def publish(self, topic: str, payload: bytes) -> None:
        self.published.append(topic)
        for post in self.posts:
            if topic.split("/")[3] in (post.post, "all") and post.status != ABSENT:
                answers = post.answer(payload, NOW + 0.5)
                self.inbox += [(f"kengd/1/conglac/{post.post}/entry", answer, False) for answer in answers]

    def messages(self, timeout_s: float) -> Iterator[tuple[str, bytes, bool]]:
        while self.inbox:
            yield self.inbox.pop(0)


def sent(link: FakeLink, *posts: str, key: Any = KEY, **cmd: Any) -> list[Answer | Outcome]:
    order = cmd or {"do": "ring", "signal": "alarm", "purpose": "actual", "by": "x"}
    this = Round(link, "conglac", posts, KID, key, wall_s=lambda: NOW + 0.5, mono_s=iter(range(1000)).__next__)
    return list(this.run(order, 10))


def told(outcomes: list[Answer | Outcome]) -> list[tuple[str, str]]:
    return [(o.post, o.entry.kind if isinstance(o, Answer) else f"absent={o.absent}") for o in outcomes]


def test_one_post_is_addressed_on_its_own_topic() -> None:
    """DESIGN section 7: received, then ringing, which is the last word waited for."""
    link = FakeLink(MiniPost("thon-1", build_status(STATUS)))
    assert told(sent(link, "thon-1")) == [("thon-1", "received"), ("thon-1", "ringing")]
    assert link.published == ["kengd/1/conglac/thon-1/command"]


def test_several_posts_are_addressed_with_one_publish() -> None:
    """DESIGN section 7: one publish to all, `aud` says whom; who was not named does not answer."""
    link = FakeLink(*(MiniPost(f"thon-{n}", build_status(STATUS)) for n in (1, 2)))
    assert told(sent(link, "thon-1", "thon-2")) == [
        ("thon-1", "received"),
        ("thon-1", "ringing"),
        ("thon-2", "received"),
        ("thon-2", "ringing"),
    ]
    assert link.published == ["kengd/1/conglac/all/command"]


def test_a_post_with_an_untrusted_or_wrong_clock_is_addressed_singly_with_its_nonce() -> None:
    """DESIGN section 7, freshness; H22."""
    lost = MiniPost("thon-1", build_status(replace(STATUS, clock="untrusted", at_ms=5)), off_s=-NOW)
    fast = MiniPost("thon-2", build_status(replace(STATUS, at_ms=(NOW + 11) * 1000)), off_s=11)
    slow = MiniPost("thon-3", build_status(replace(STATUS, at_ms=(NOW - 900) * 1000)), off_s=-900)
    good = MiniPost("thon-4", build_status(replace(STATUS, at_ms=(NOW - 59) * 1000)))
    link = FakeLink(lost, fast, slow, good)
    sent(link, "thon-1", "thon-2", "thon-3", "thon-4")
    assert link.published == [f"kengd/1/conglac/thon-{n}/command" for n in (1, 2, 3, 4)]
    assert [len(post.heard) for post in link.posts] == [1, 1, 1, 1]
    assert [post.reasons for post in link.posts] == [[]] * 4


def test_who_does_not_answer_is_named() -> None:
    """R8, P9: an absent post and one of which nothing is known are sent to all the same, and named when silent."""
    link = FakeLink(MiniPost("thon-1", ABSENT))
    assert told(sent(link, "thon-1", "thon-7")) == [("thon-1", "absent=True"), ("thon-7", "absent=False")]


def test_a_post_that_cannot_read_our_signature_is_heard() -> None:
    """P5: the answer to a wrong key carries no command id; it names the key that was claimed."""
    link = FakeLink(MiniPost("thon-1", build_status(STATUS)))
    (answer,) = sent(link, "thon-1", key=STRANGER)
    assert isinstance(answer, Answer)
    assert (answer.entry.kind, answer.entry.reason) == ("refused", "bad_signature")


def test_entries_of_other_commands_are_not_ours() -> None:
    """What another hub or the keeper does meanwhile is not printed."""
    link = FakeLink(MiniPost("thon-1", build_status(STATUS)))
    link.inbox = [("kengd/1/conglac/thon-1/entry", entry(9, "ringing", "somebody-else"), False)]
    assert [kind for _, kind in told(sent(link, "thon-1"))] == ["received", "ringing"]


def test_a_replay_prints_the_entries_it_asked_for() -> None:
    """DESIGN section 7: answered by the entries alone."""
    post = MiniPost("thon-1", build_status(STATUS))
    post.answer = lambda raw, wall_s: [entry(n, "started", None) for n in (1, 2, 3)]  # type: ignore[method-assign]
    answers = sent(FakeLink(post), "thon-1", do="replay", book="b1", after_seq=1)
    assert [answer.entry.seq for answer in answers if isinstance(answer, Answer)] == [2, 3]
    assert len(answers) == 2


def test_a_post_of_which_the_broker_knows_nothing_is_named_as_such() -> None:
    """A slip in the post's name looks otherwise like a post that is slow."""
    outcomes = sent(FakeLink(MiniPost("thon-1", build_status(STATUS))), "thon-9")
    assert outcomes == [Outcome("thon-9", absent=False, unseen=True)]


# ---- the command line


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cli.add_parser(parser.add_subparsers())
    args = parser.parse_args(["command", *words])
    args.config = None
    return args


def words(key: Path, *rest: str) -> list[str]:
    return [
        "--key",
        str(key),
        "--kid",
        KID,
        "--broker",
        "127.0.0.1:1",
        "--commune",
        "conglac",
        "--post",
        "thon-1",
        *rest,
    ]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "hub.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(KEY.private_bytes(*form))
    return path


ORDERS: list[tuple[list[str], dict[str, Any]]] = [
    (["ring", "alarm", "--by", "x"], {"do": "ring", "signal": "alarm", "purpose": "actual", "by": "x"}),
    (
        ["ring", "alarm", "--purpose", "drill", "--why", "y", "--at", "5", "--by", "x"],
        {"do": "ring", "signal": "alarm", "purpose": "drill", "at": 5, "why": "y", "by": "x"},
    ),
    (["hush", "--by", "x"], {"do": "hush", "by": "x"}),
    (["hush", "--activation", "a1", "--by", "x"], {"do": "hush", "activation": "a1", "by": "x"}),
    (["taken", "a1", "--by", "x"], {"do": "taken", "activation": "a1", "by": "x"}),
    (["silence", "0", "--by", "x"], {"do": "silence", "until": 0, "by": "x"}),
    (["lock_input", "cổng", "--by", "x"], {"do": "lock_input", "button": "cổng", "locked": True, "by": "x"}),
    (
        ["lock_input", "cổng", "--unlock", "--by", "x"],
        {"do": "lock_input", "button": "cổng", "locked": False, "by": "x"},
    ),
    (["replay", "b1", "7"], {"do": "replay", "book": "b1", "after_seq": 7}),
]


@pytest.mark.parametrize(("order", "expected"), ORDERS)
def test_each_order_can_be_written_on_the_command_line(
    order: list[str], expected: dict[str, Any], key_file: Path
) -> None:
    """DESIGN section 7: every `do`, with nothing more in it than the contract allows; --json before or behind."""
    assert cli._cmd(parsed(*words(key_file, "--json", *order))) == expected
    args = parsed(*words(key_file, *order, "--json", "--timeout", "3"))
    assert (args.json, args.timeout, parsed(*words(key_file, *order)).timeout) == (True, 3.0, 15.0)


def test_a_codebook_comes_from_a_file(tmp_path: Path, key_file: Path) -> None:
    """codebook and timetable carry their version and the JSON of a file."""
    path = tmp_path / "book.json"
    path.write_text('{"use":"cong-lac"}')
    assert cli._cmd(parsed(*words(key_file, "codebook", "3", str(path)))) == {
        "do": "codebook",
        "version": 3,
        "codebook": {"use": "cong-lac"},
    }


@pytest.mark.parametrize(
    "change",
    [
        ["--broker", "nowhere"],
        ["--broker", ":1883"],
        ["--broker", "h:99999"],
        ["--post", "all"],
        ["--post", "Thôn"],
        ["--key", "/nonexistent"],
        ["--timeout", "nan"],
        ["--timeout", "-1"],
        ["--commune", "#"],
    ],
)
def test_wrong_usage_is_said_before_anything_is_sent(change: list[str], key_file: Path) -> None:
    """DESIGN section 8: exit code 2."""
    with pytest.raises(UsageError):
        cli.run(parsed(*words(key_file, *change, "ring", "alarm")))


def test_a_name_with_a_line_break_is_wrong_usage(key_file: Path) -> None:
    """P12: `by` and `why` are bounded before they are signed."""
    for bad in ("a\nb", "x" * 201, " "):
        with pytest.raises(UsageError):
            cli.run(parsed(*words(key_file, "ring", "alarm", "--by", bad)))


def test_over_a_real_broker_the_entries_are_printed_and_the_exit_code_tells(
    tmp_path: Path, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """DESIGN section 8: `kengd command … ring alarm --json` prints the entries, one JSON a line; 0 done, 1 refused or silent."""
    import time

    with Broker(tmp_path / "broker") as broker, ShellLink(broker.host, broker.port) as ear:
        ear.connect()
        ear.subscribe(["kengd/1/conglac/thon-1/command"])
        post = MiniPost("thon-1", build_status(replace(STATUS, at_ms=int(time.time() * 1000))))
        ear.publish("kengd/1/conglac/thon-1/status", post.status or b"", retain=True)

        def serve() -> None:
            for _, payload, _ in ear.messages(8):
                for answer in post.answer(payload, time.time()):
                    ear.publish("kengd/1/conglac/thon-1/entry", answer)
                if len(post.heard) + len(post.reasons) == 2:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        at = ["--key", str(key_file), "--kid", KID, "--broker", f"{broker.host}:{broker.port}", "--commune", "conglac"]
        codes = [cli.run(parsed(*at, "--post", "thon-1", "ring", "alarm", "--purpose", "test", "--json"))]
        printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        wrong = parsed(*at, "--post", "thon-1", "ring", "alarm")
        wrong.kid = "old"
        codes.append(cli.run(wrong))
        refused = capsys.readouterr().out
        thread.join(10)
        codes.append(cli.run(parsed(*at, "--post", "thon-1", "hush", "--timeout", "0.3")))
        silent = capsys.readouterr().err
    assert codes == [0, 1, 1]
    assert [(line["kind"], line["command_id"]) for line in printed] == [
        ("received", post.heard[0].jti),
        ("tested", post.heard[0].jti),
    ]
    assert refused == "thon-1: từ chối: khóa ký lệnh không có trong danh sách khóa của điểm kẻng [unknown_key]\n"
    assert silent == "thon-1: chưa trả lời sau 0.3 giây\n"


def test_refusals_of_long_ago_in_a_replay_are_no_failure(
    monkeypatch: pytest.MonkeyPatch, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0: the replay was answered. Each entry says when it was written."""
    post = MiniPost("thon-1", build_status(STATUS))
    post.answer = lambda raw, wall_s: [entry(4, "refused", "x", reason="expired")]  # type: ignore[method-assign]
    monkeypatch.setattr(cli, "_link", lambda args: (FakeLink(post), "conglac"))
    assert cli.run(parsed(*words(key_file, "replay", "b1", "0"))) == 0
    assert capsys.readouterr().out == "thon-1: mục 4, 21/09/2026 21:13:20, từ chối: lệnh đã quá hạn [expired]\n"


def test_what_a_post_found_wrong_with_a_version_is_printed_harmless() -> None:
    """The officer has to know which line of the timetable; nothing a terminal would obey."""
    found = {"vi": 'giờ kẻng 21:30 gọi hiệu lệnh "alarm"\n\x1b[2J', "why": "x"}
    raw = entry(4, "refused", "x", reason="cannot_play", detail=found)
    said = cli._line(Answer("thon-1", from_json(raw), raw), as_json=False, several=False, old=False)
    assert said.splitlines()[1:] == ['    giờ kẻng 21:30 gọi hiệu lệnh "alarm" [2J']


def test_a_hush_waits_for_the_end_of_all_that_it_named() -> None:
    """DESIGN section 7: `received`, and the activation's `cut`; the end of something else is not its answer."""

    class Hushed(MiniPost):
        def answer(self, raw: bytes, wall_s: float) -> list[bytes]:
            super().answer(raw, wall_s)
            jti = self.heard[-1].jti
            kinds = [("cut", "other"), ("cut", "a1"), ("finished", "a2"), ("started", None)]
            ended = entry(1, "received", jti, detail={"ended": ["a1", "a2"]})
            return [ended, *(entry(n, kind, None, activation=of) for n, (kind, of) in enumerate(kinds, 2))]

    answers = sent(FakeLink(Hushed("thon-1", build_status(STATUS))), "thon-1", do="hush", by="x")
    assert told(answers) == [("thon-1", "received"), ("thon-1", "cut"), ("thon-1", "finished")]


def test_a_hush_of_nothing_is_answered_at_once() -> None:
    """Nothing sounded: `received` is all there will be."""

    class Still(MiniPost):
        def answer(self, raw: bytes, wall_s: float) -> list[bytes]:
            super().answer(raw, wall_s)
            jti = self.heard[-1].jti
            return [entry(1, "received", jti, detail={"ended": []}), entry(2, "tested", jti)]

    answers = sent(FakeLink(Still("thon-1", build_status(STATUS))), "thon-1", do="hush", by="x")
    assert told(answers) == [("thon-1", "received")]


def test_a_hush_that_found_nothing_sounding_says_so() -> None:
    """Received is not yet hushed: the post tells what it ended."""
    raws = [entry(4, "received", "x", detail={"ended": ended}) for ended in ([], ["a" * 16])]
    lines = [cli._line(Answer("thon-1", from_json(raw), raw), as_json=False, several=False, old=False) for raw in raws]
    assert lines == [
        "thon-1: máy đã nhận lệnh: dừng kẻng (lúc ấy không có kẻng nào kêu)",
        "thon-1: máy đã nhận lệnh: dừng kẻng",
    ]
