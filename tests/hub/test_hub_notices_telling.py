"""The door of the room: folding, choosing people and sending, put together."""

from __future__ import annotations

from collections.abc import Iterable

from kengd.hub.notices import wording
from kengd.hub.notices.folding import Folding
from kengd.hub.notices.sending import Limits, Sender
from kengd.hub.notices.telling import Telling, deliverers
from kengd.hub.notices.words import Channel, Notice, NoticeKind, Recipient

KEEPER = Recipient(
    "k",
    "Ông Tư",
    frozenset({NoticeKind.ABSENT, NoticeKind.BACK}),
    (Channel("sms", "0912345678", short=True),),
    frozenset({"a"}),
)


class Pigeon(Sender):
    """A sender that only remembers."""

    def __init__(self) -> None:
        super().__init__({}, lambda *_: None, Limits())
        self.posted: list[tuple[str, int, list[str]]] = []
        self.stopped = False

    def post(self, notice: Notice, recipients: Iterable[Recipient]) -> int:
        self.posted.append((notice.kind.value, notice.repeats, [one.id for one in recipients]))
        return 1

    def stop(self, within_s: float = 2.0) -> None:
        self.stopped = True


def test_repeats_are_folded_before_people_are_chosen_and_a_stop_hands_out_the_rest() -> None:
    """One message at once, the summary at the tick, the rest at the end."""
    now = [0]
    pigeon = Pigeon()
    telling = Telling(pigeon, lambda: [KEEPER], Folding(1_000), mono_ms=lambda: now[0])
    a = wording.absent(at_ms=0, post="a", post_name="A", since_ms=0)
    b = wording.absent(at_ms=0, post="b", post_name="B", since_ms=0)
    for notice in (a, a, a, b):
        telling.tell(notice)
    telling.tick()
    now[0] = 1_000
    telling.tick()
    telling.tell(wording.back(at_ms=0, post="a", post_name="A", since_ms=0))
    telling.stop()
    assert pigeon.posted == [
        ("absent", 0, ["k"]),
        ("absent", 0, []),
        ("absent", 2, ["k"]),
        ("back", 0, ["k"]),
    ]
    assert pigeon.stopped


def test_every_kind_of_channel_is_served() -> None:
    """A channel that can be set can be sent by."""
    assert set(deliverers()) == {"apprise", "sms", "webhook", "frigate"}
