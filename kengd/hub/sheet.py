"""A post's settings as the hub knows them, for its printed sheet: the file it was given, and what it has been sent since."""

from __future__ import annotations

import base64
import binascii
import json
import tomllib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kengd.errors import KengdError
from kengd.hub.founding import SETTINGS_OF
from kengd.hub.ledger import desk_facts, settled, values
from kengd.hub.ledger.store import Transaction
from kengd.hub.reports.rules_sheet import SheetPost, rules_sheet
from kengd.hub.roster import Post, Roster
from kengd.settings import where
from kengd.settings.find import EXAMPLE, LoadedSettings, read_as
from kengd.settings.overlay import Overlays, packed
from kengd.settings.problems import SettingsError

_WHOSE: Final = ("post", "state_dir", "run_dir", "broker", "hub", "web", "journal")
"""Tables that say who a post is and whom it calls."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a post was given: its file, and what it has carried out since. `own` False: enrolled elsewhere, the example stands in."""

    post: str
    raw: bytes
    overlays: Overlays
    own: bool

    def kin(self) -> Hashable:
        """Equal for posts that differ only in who they are and whom they call: what one rings by, the others do."""
        return _sort(self.raw), self.overlays, self.own

    def read(self, overlays: Overlays | None = None) -> LoadedSettings:
        """What the post rings by; with other `overlays`, what it would ring by then.

        Raises SettingsError with the command that gives it a new file: what was given out lies in no file on this machine.
        """
        try:
            return read_as(
                self.raw, Path(where.SYSTEM_CONFIG), overlays=self.overlays if overlays is None else overlays
            )
        except SettingsError as wrong:
            cure = f"sửa mẫu cài đặt rồi cấp tệp mới cho điểm này: kengd hub enrol {self.post} --renew --template TỆP"
            raise SettingsError(f"đã cấp cho {self.post}", wrong.problems, cure) from None


def _sort(raw: bytes) -> Hashable:
    try:
        data = tomllib.loads(raw.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return raw
    return json.dumps({key: value for key, value in data.items() if key not in _WHOSE}, default=str, sort_keys=True)


def given_to_all(connection: Transaction, posts: Sequence[str]) -> list[Given]:
    """What these posts were given, in their order: with a few looks, however many they are."""
    kept = {key.removeprefix(SETTINGS_OF): raw for key, raw in values.under(connection, SETTINGS_OF).items()}
    codebooks, timetables = (settled.carried_out(connection, do) for do in ("codebook", "timetable"))
    example = EXAMPLE.read_bytes()
    return [
        Given(
            post,
            kept[post].encode() if post in kept else example,
            Overlays(_overlay(codebooks.get(post), "codebook"), _overlay(timetables.get(post), "timetable")),
            post in kept,
        )
        for post in posts
    ]


def read_all(given: Sequence[Given]) -> dict[str, LoadedSettings | None]:
    """By post what it rings by, None where that cannot be read; kin are read once."""
    known: dict[Hashable, LoadedSettings | None] = {}
    found = {}
    for one in given:
        key = one.kin()
        if key not in known:
            try:
                known[key] = one.read()
            except KengdError:
                known[key] = None
        found[one.post] = known[key]
    return found


def given_to(connection: Transaction, post: str) -> Given:
    """What this post was given; the example where it was enrolled elsewhere."""
    kept = values.value_of(connection, f"{SETTINGS_OF}{post}")
    raw = EXAMPLE.read_bytes() if kept is None else kept.encode()
    overlays = Overlays(
        _overlay(desk_facts.last_order(connection, post, "codebook"), "codebook"),
        _overlay(desk_facts.last_order(connection, post, "timetable"), "timetable"),
    )
    return Given(post, raw, overlays, kept is not None)


def settings_of(connection: Transaction, post: str) -> LoadedSettings:
    """What the post rings by. Raises as `Given.read`."""
    return given_to(connection, post).read()


def no_page(post: str) -> KengdError:
    """Nobody has said where its public page is."""
    return KengdError(
        "no_page",
        "chưa ghi địa chỉ trang công khai của điểm kẻng này, nên chưa có mã QR để in",
        cure=f"ghi địa chỉ trang rồi in lại: kengd hub page {post} http://ĐỊA_CHỈ_ĐIỂM_KẺNG:8080/vi-sao",
        en="the post has no public page for the QR code",
    )


def sheet_of(post: Post, roster: Roster, loaded: LoadedSettings, commune: str, phone: str, now_ms: int) -> str:
    """The sheet as HTML. Raises KengdError `no_page`, CannotPlay."""
    if post.page is None:
        raise no_page(post.id)
    names = {item.id: item.name for item in roster.villages}
    keepers = tuple(
        f"{item.name}, {item.phone}" if item.phone else item.name for item in roster.keepers if item.post == post.id
    )
    sheet = SheetPost(
        post.name, commune, tuple(names.get(village, village) for village in post.villages), post.page, now_ms,
        loaded.limits.hard_limit_ms, loaded.limits.after_alarm_ms, keepers, phone,
    )  # fmt: skip
    return rules_sheet(sheet, loaded.codebook, loaded.profile, loaded.timetable)


def _overlay(jws: bytes | None, name: str) -> bytes | None:
    """From the signed order that the post has carried out to the file that it then wrote."""
    cmd = order_in(jws) if jws is not None else None
    return None if cmd is None else packed(int(cmd["version"]), name, cmd[name])


def order_in(jws: bytes) -> Mapping[str, Any] | None:
    """What a command that we have signed asks for (its claim `cmd`)."""
    try:
        part = jws.split(b".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))["cmd"]
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return None
    return found if isinstance(found, dict) else None
