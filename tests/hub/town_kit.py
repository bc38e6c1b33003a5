"""A commune of four posts on one ledger, whose herald is turned by hand and whose notice services are fakes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kengd.hub.herald import Herald
from kengd.hub.incidents import Incident
from kengd.hub.ledger import incidents, people, rosters
from kengd.hub.ledger.incidents import Sounded
from kengd.hub.ledger.store import Ledger
from kengd.hub.notices.sending import Deliver
from kengd.hub.notices.words import Channel, Notice
from kengd.hub.people.words import Officer
from kengd.hub.roster import Keeper, Post, Roster, Seen, Village
from kengd.hub.settings import HubSettings, read_hub
from tests.hub.spine_kit import COMMUNE, T0, Clock, status

ROSTER = Roster(
    tuple(Post(f"thon-{n}", f"Kẻng thôn {n}", (f"v{n}",)) for n in range(1, 5)),
    tuple(Village(f"v{n}", f"Thôn {n}") for n in range(1, 5)),
    (
        Keeper("k1", "thon-1", "Bà Lan", "0911111111", 0, None, ("https://k1.example/x",)),
        Keeper("k2", "thon-1", "Ông Ba", "0922222222", 1, T0 + 86_400_000),
        Keeper("k3", "thon-2", "Ông Tư", "0933333333", 0),
    ),
)
HUNG = Sounded("thon-1", "a1", "i1", "alarm", "button", "cổng làng", T0)
ALARM = Incident("i1", "alarm", T0, post="thon-1", village="v1", call_due_ms=T0 + 60_000)


def here(**more: Any) -> Seen:
    return replace(Seen(status(), True, T0, T0 - 1, True), **more)


def all_here(now_ms: int = T0) -> dict[str, Seen]:
    return {post.id: here(heard_ms=now_ms) for post in ROSTER.posts}


HUB_TOML = f'[commune]\nid = "{COMMUNE}"\nname = "Xã Cộng Lạc"\n[broker]\nnames = ["127.0.0.1"]\n'


def settings_of(more: str = "", directory: Path = Path("/nowhere")) -> HubSettings:
    return read_hub(('state_dir = "state"\n' + HUB_TOML + more).encode(), directory / "hub.toml")


class Spoken:
    """All that was delivered: (to whom by channel, title)."""

    def __init__(self) -> None:
        self.got: queue.Queue[tuple[str, str]] = queue.Queue()

    def __call__(self, notice: Notice, channel: Channel) -> str:
        self.got.put((channel.shown, notice.title_vi))
        return "đã nhận"

    def take(self, count: int) -> list[tuple[str, str]]:
        return sorted(self.got.get(timeout=30) for _ in range(count))


class Town:
    """A ledger with an officer, a keeper and four posts, and a herald that is turned by hand."""

    def __init__(self, ledger: Ledger, directory: Path) -> None:
        self.ledger, self.clock, self.spoken = ledger, Clock(T0 + 1_000), Spoken()
        self.deliver: Deliver = self.spoken
        alone = settings_of("", directory)
        broker = alone.broker.model_copy(update={"shared": True})  # several heralds, also on SQLite
        self.settings = alone.model_copy(update={"broker": broker})
        self.seen = all_here(T0 + 1_000)
        self.heralds: list[Herald] = []
        with ledger.write() as connection:
            officer = Officer("o1", "a", "Đ/c Hùng", "chief", channels=("https://hung.example/x",))
            people.add_officer(connection, officer, "x")
            for village in ROSTER.villages:
                rosters.put_village(connection, village)
            for post in ROSTER.posts:
                rosters.put_post(connection, post)

    def herald(self, *, dies: bool = False) -> Herald:
        """Another worker's, or the same after a restart. `dies`: it is killed behind its claim, before it sends anything."""
        deliver: Mapping[Any, Any] = dict.fromkeys(("apprise", "sms", "webhook", "frigate"), self.deliver)
        made = Herald(
            self.settings, self.ledger, lambda: ROSTER, lambda: self.seen, lambda _: (), self.clock, deliver=deliver
        )
        made.line(True)
        if not dies:
            made._sender.start()
            self.heralds.append(made)
        return made

    def arrived(self, herald: Herald) -> None:
        """What was on its way has come to its end, and the ledger says so."""
        until = time.monotonic() + 30
        while herald.waiting() or herald._errands._open:
            assert time.monotonic() < until
            threading.Event().wait(0.005)

    def settle(self) -> None:
        """What is on its way has arrived, and is written down."""
        for herald in self.heralds:
            while herald.waiting():
                threading.Event().wait(0.01)
            herald.stop()

    def alarm(self) -> None:
        with self.ledger.write() as connection:
            incidents.add(connection, ALARM)
            incidents.sound(connection, [HUNG])
