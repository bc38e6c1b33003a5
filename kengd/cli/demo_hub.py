"""The hub of `kengd demo`: founded at the first start, its five posts enrolled anew at each, with true certificates and signatures."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kengd import clock
from kengd.errors import UsageError

if TYPE_CHECKING:
    from kengd.hub.ledger.store import Ledger

CLIENT: Final = "hub-1"
LOGIN: Final = "quantri"
HOUSEHOLDS: Final = 180
PLACES_M: Final = ((-620.0, 310.0), (40.0, 520.0), (480.0, -60.0), (610.0, -540.0), (-280.0, -410.0))
"""Of the posts, one after the other, from the middle of the commune: east and north."""
DEMO: Final = "shell:demo"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What the hub knows of a post when it makes its file. `template`: its bell, pins, hours and ports; `keeper`: who signs in there."""

    id: str
    name: str
    village: str
    directory: Path
    template: str
    keeper: str


@dataclass(frozen=True, slots=True)
class DemoHub:
    """Where everything of it lies. `open_port`: of the listener without TLS, for tools of others on this machine."""

    directory: Path
    tls_port: int
    open_port: int
    web_port: int

    @property
    def config(self) -> Path:
        return self.directory / "hub.toml"

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def broker_config(self) -> Path:
        return self.state / "broker" / "mosquitto.conf"

    @property
    def first_login(self) -> Path:
        """The first officer's password: only a demo writes one down."""
        return self.directory / "first-login.txt"

    @property
    def keeper_pin(self) -> Path:
        """The PIN of every keeper: only a demo has one for all, and writes it down."""
        return self.directory / "keeper-pin.txt"


def first_password_opens(hub: DemoHub) -> bool:
    """Whether what is written down still lets somebody in: it has not been changed at the desk or by `kengd hub users password`."""
    from kengd.hub.ledger import people
    from kengd.hub.ledger.store import Ledger
    from kengd.hub.people.passwords import Gate, Passwords, argon2
    from kengd.hub.settings import load_hub

    login, password = hub.first_login.read_text("utf-8").split()
    ledger = Ledger(load_hub(str(hub.config)).database_url)
    try:
        with ledger.read() as connection:
            found = people.officer_of_login(connection, login)
    finally:
        ledger.close()
    return found is not None and Passwords(argon2(), Gate(), os.urandom).check(found[1], password)[0]


def lay_out_hub(hub: DemoHub, commune: str, name: str, kid: str, host: str, posts: list[Enrolled]) -> Path:
    """Make or renew all files; the path of the hub's signing key. Raises UsageError `hub_not_installed`, OSError, KengdError."""
    try:
        from kengd.hub import founding
        from kengd.hub.authority.authority import Authority
        from kengd.hub.authority.keys import key_file
        from kengd.hub.enrol_roster import KeeperWish
        from kengd.hub.enrolling import Enrolling, EnrolWish
        from kengd.hub.ledger import audits, rosters
        from kengd.hub.ledger.store import Ledger
        from kengd.hub.roster import Village
        from kengd.hub.settings import read_hub
    except ModuleNotFoundError as missing:
        raise UsageError(
            "hub_not_installed",
            f"máy này chưa cài các gói của máy trực ban (thiếu {missing.name})",
            cure="chạy deploy/demo.sh, hoặc: pip install 'kengd[hub]'",
            en=f"{missing.name} is not installed",
        ) from missing
    now_ms = clock.now().wall_ms
    wish = founding.Wish(
        commune,
        name,
        (host,),
        hub.state,
        hub.tls_port,
        host,
        host,
        hub.web_port,
        LOGIN,
        listen=host,
        trial_port=hub.open_port,
        kid=kid,
    )
    if not hub.first_login.exists():
        _begin_again(hub)
        made = founding.found(wish, hub.config, now_ms)
        _write(hub.first_login, f"{made.login}\n{made.password}\n")
    _write(hub.config, founding.settings_text(wish))
    settings = read_hub(hub.config.read_bytes(), hub.config)
    authority = Authority.open(settings.authority)
    ledger = Ledger(settings.database_url)
    pin = _pin(hub)
    try:
        with ledger.read() as connection:
            keepers = {(keeper.post, keeper.name): keeper.id for keeper in rosters.read_roster(connection).keepers}
        enrolling = Enrolling(ledger, authority, settings.broker, write_broker=lambda: None)  # once, below
        for rank, post in enumerate(posts):
            with ledger.write() as connection:
                village = Village(founding.village_ids([post.village])[post.village], post.village, HOUSEHOLDS)
                rosters.put_village(connection, village, rank)
            keeper = KeeperWish(post.keeper, id=keepers.get((post.id, post.keeper)), pin=pin)
            asked = EnrolWish(post.id, post.name, (post.village,), template=post.template, keepers=(keeper,))
            file = enrolling.enrol(
                asked, lambda connection, act, facts: audits.write(connection, DEMO, act, facts, now_ms), now_ms
            ).file
            _take_in(post, file.settings, dict(file.keys))
        _draw_the_map(ledger)
        _help_one_another(ledger, [founding.village_ids([post.village])[post.village] for post in posts])
    finally:
        ledger.close()
    founding.write_broker(authority, settings)
    return settings.authority / key_file(kid)


def _draw_the_map(ledger: Ledger) -> None:
    """Places, so that posts can be chosen on the map; where somebody has placed one, all stay as they are."""
    from kengd.hub.ledger import rosters

    with ledger.write() as connection:
        posts = rosters.read_roster(connection).posts
        if any(post.x is not None for post in posts):
            return
        for post, (x, y) in zip(posts, PLACES_M, strict=False):
            rosters.place_post(connection, post.id, x, y)


def _help_one_another(ledger: Ledger, villages: list[str]) -> None:
    """Each is helped by those beside it when an officer asks, so that "chi viện" can be tried; whatever somebody has changed stays."""
    from kengd.hub.ledger import rosters
    from kengd.hub.roster import Neighbour

    with ledger.write() as connection:
        if rosters.read_roster(connection).neighbours:
            return
        for before, village, after in zip(
            villages[-1:] + villages, villages, villages[1:] + villages[:1], strict=False
        ):
            rosters.put_neighbours(connection, village, [Neighbour(village, one, False) for one in (before, after)])


def _pin(hub: DemoHub) -> str:
    """The hash of the keepers' PIN, which is made at the first start."""
    from kengd.wire.pin import SALT, pin_hash

    if not hub.keeper_pin.exists():
        _write(hub.keeper_pin, f"{secrets.randbelow(900_000) + 100_000}\n")
    return pin_hash(hub.keeper_pin.read_text("utf-8").strip(), secrets.token_bytes(SALT))


def _take_in(post: Enrolled, settings: str, keys: dict[str, str]) -> None:
    """As `kengd intake` does, but into the post's own directory: several posts live on this machine."""
    place = post.directory / "keys"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in keys.items():
        _write(place / name, text)
        settings = settings.replace(f'"credential:{name}"', json.dumps(str(place / name), ensure_ascii=False))
    _write(post.directory / "kengd.toml", settings)


def _begin_again(hub: DemoHub) -> None:
    """What a start that was cut short has left."""
    import shutil

    shutil.rmtree(hub.state, ignore_errors=True)
    hub.config.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w", encoding="utf-8"
    ) as out:
        out.write(text)
    fresh.replace(path)
