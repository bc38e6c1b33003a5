"""The backup: one private file, the same from both databases, restored only where nothing is, and never a voice from the past."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from kengd.__main__ import main
from kengd.errors import KengdError
from kengd.hub.authority import sealing
from kengd.hub.authority.authority import Authority
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.dispatching import Order
from kengd.hub.founding import Wish, found
from kengd.hub.incidents import Incident
from kengd.hub.keeping import KEPT, backup, restore
from kengd.hub.ledger import audits, dispatches, incidents, outbox, values
from kengd.hub.ledger.merging import merge
from kengd.hub.ledger.rows import Row
from kengd.hub.ledger.store import Ledger
from kengd.hub.ledger.watch_rows import TrialRow
from kengd.hub.packing import AUTHORITY, LEDGER, SETTINGS, SUMS
from kengd.hub.people.passwords import argon2
from kengd.hub.settings import load_hub
from tests.hub.authority_kit import NOW_MS
from tests.hub.spine_kit import COMMUNE, Clock, Mouth, heard, true_book

PASS = "bốn con vịt qua cầu"
AFTER_MS = NOW_MS + 3_600_000


class Place:
    """A hub on this machine. Its state lies beside its hub.toml, so that a restored one lies beside its own."""

    def __init__(self, directory: Path, url: str | None = None) -> None:
        self.config = directory / "hub.toml"
        self.state = directory / "state"
        self.url = url

    def begin(self) -> Place:
        wish = Wish(COMMUNE, "Xã Cộng Lạc", ("10.0.0.1",), self.state, database_url=self.url)
        found(wish, self.config, NOW_MS)
        said = self.config.read_text().replace(f'"{self.state}"', '"state"')
        self.config.write_text(said)
        return self

    def ledger(self) -> Ledger:
        return Ledger(load_hub(str(self.config)).database_url)

    def backup(self, into: Path, passphrase: str = PASS, now_ms: int = NOW_MS) -> Any:
        return backup(load_hub(str(self.config)), self.config, into, passphrase, "shell:test", now_ms)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables."""
        ledger = self.ledger()
        with ledger.read() as connection:
            found = {
                each.name: [tuple(row) for row in connection.execute(select(each).order_by(*each.primary_key))]
                for each in Row.metadata.sorted_tables
            }
        ledger.close()
        return found


def lively(place: Place) -> None:
    """A book, an alarm that nobody has taken, a command that nobody has answered, an all-clear on its way, a ring that came too late
    and is to be ended, a test at work."""
    ledger, clock = place.ledger(), Clock(NOW_MS)
    authority = Authority.open(load_hub(str(place.config)).authority)
    dispatcher = Dispatcher(ledger, COMMUNE, Mouth(), authority.signing, dict, clock)
    dispatcher.dispatch(Order("act-00000001", "ring", ("thon-1", "thon-2"), "Đ/c Hùng", "có trộm", "alarm", "actual"))
    with ledger.write() as connection:
        merge(connection, heard("thon-1", true_book(5), NOW_MS), NOW_MS)
        incidents.add(connection, Incident("thon-1-x", "alarm", NOW_MS, post="thon-1", call_due_ms=NOW_MS + 60_000))
        values.put_value(connection, "clear:thon-1-x", '{"posts": ["thon-1"]}')
        late = {"dispatch": "act-00000001", "post": "thon-1", "name": "an-0001"}
        values.put_value(connection, f"{dispatches.LATE}jti-1:thon-1", json.dumps(late))
        values.put_value(connection, "lock", '{"by": "Đ/c Hùng"}')
        connection.execute(
            TrialRow.__table__.insert(),  # type: ignore[attr-defined]
            [
                {"night": "2026-01-02", "post": "thon-1", "result": "waiting", "findings": "{}", "at_ms": NOW_MS},
                {"night": "2026-01-01", "post": "thon-1", "result": "missed", "findings": "{}", "at_ms": NOW_MS - 1},
            ],
        )
    ledger.close()


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first officer's password and the passphrase cost the least there is."""
    monkeypatch.setattr(sealing, "N", sealing.LEAST_N)
    monkeypatch.setattr("kengd.hub.people.ground.argon2", lambda: argon2(time_cost=1, memory_kib=8))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    (tmp_path / "old").mkdir()
    made = Place(tmp_path / "old", url).begin()
    lively(made)
    yield made


def emptied(place: Place) -> None:
    """PostgreSQL: the server was lost too."""
    if place.url is not None:
        ledger = place.ledger()
        with ledger.write() as connection:
            for each in reversed(Row.metadata.sorted_tables):
                connection.execute(each.delete())
        ledger.close()


def test_a_restored_hub_has_the_same_book_and_sends_nothing_old(place: Place, tmp_path: Path) -> None:
    """Restore is tried, and never re-dispatches old commands: every command closed, nobody called, no all-clear, no
    hush of what came late, no session."""
    before = place.rows()
    made = place.backup(tmp_path / "b.zip")
    emptied(place)
    new = Place(tmp_path / "new")
    done = restore(made.path, new.config, PASS, "shell:root", AFTER_MS)
    after = new.rows()
    same = ("entry", "book", "officer", "dispatch", "presence", "village")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert (done.rows, done.made_ms) == (made.rows, NOW_MS)
    ledger, clock, mouth = new.ledger(), Clock(AFTER_MS), Mouth()
    with ledger.read() as connection:
        assert outbox.next_due_ms(connection) is None, "every old command is closed"
    authority = Authority.open(new.state / "authority")
    assert authority.public_keys() == Authority.open(place.state / "authority").public_keys()
    Dispatcher(ledger, COMMUNE, mouth, authority.signing, dict, clock).tend()
    clock.now_ms = NOW_MS + 10_000  # even where the clock says that the command is young
    Dispatcher(ledger, COMMUNE, mouth, authority.signing, dict, clock).tend()
    with ledger.read() as connection:
        states = {target.post: target.state.value for target in dispatches.targets_of(connection, ["act-00000001"])}
        kept = [values.value_of(connection, key) for key in ("clear:thon-1-x", "late:jti-1:thon-1", "lock")]
        called = incidents.calls_due(connection, AFTER_MS)
        acts = [item.act for item in audits.read(connection)]
        broken = audits.verify(connection)
    assert (mouth.said, states) == ([], {"thon-1": "cancelled", "thon-2": "cancelled"})
    assert (kept, called) == ([None, None, '{"by": "Đ/c Hùng"}'], [])
    assert [row[1] for row in after["trial"]] == ["thon-1"]
    assert (acts[-1], broken) == ("restore", None)
    with ledger.write() as connection:  # numbers go on where they were
        merge(connection, heard("thon-2", true_book(3), AFTER_MS), AFTER_MS)
    ledger.close()
    assert [row[0] for row in new.rows()["entry"]] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_the_backup_is_one_private_file_with_a_sealed_authority(place: Place, tmp_path: Path) -> None:
    """Only its owner may read it; no private key is in it without the passphrase (P12); nothing half is left (atomic)."""
    made = place.backup(tmp_path / "b.zip")
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    with zipfile.ZipFile(made.path) as pack:
        assert sorted(pack.namelist()) == sorted(["about.json", SETTINGS, AUTHORITY, LEDGER, SUMS])
        assert not any(b"PRIVATE KEY" in pack.read(name) for name in pack.namelist())
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["b.zip"]


def test_nothing_is_overwritten(place: Place, tmp_path: Path) -> None:
    """Restore refuses where a hub.toml, an authority or a ledger with anything in it is."""
    made = place.backup(tmp_path / "b.zip")
    with pytest.raises(KengdError) as on_itself:
        restore(made.path, place.config, PASS, "shell:root", AFTER_MS)
    with pytest.raises(KengdError) as beside:
        restore(made.path, place.config.with_name("other.toml"), PASS, "shell:root", AFTER_MS)
    assert (on_itself.value.code, beside.value.code) == ("hub_exists", "hub_exists")
    if place.url is not None:
        with pytest.raises(KengdError) as full:
            restore(made.path, tmp_path / "new" / "hub.toml", PASS, "shell:root", AFTER_MS)
        assert full.value.code == "hub_exists"
        assert not (tmp_path / "new" / "state" / "authority").exists()
    assert place.rows()["entry"]


def test_a_wrong_passphrase_or_a_broken_file_makes_nothing(place: Place, tmp_path: Path) -> None:
    """All or nothing, and the right one works afterwards in the same place."""
    made = place.backup(tmp_path / "b.zip")
    emptied(place)
    new = Place(tmp_path / "new")
    cut = tmp_path / "cut.zip"
    with zipfile.ZipFile(made.path) as old, zipfile.ZipFile(cut, "w") as pack:
        for name in old.namelist():
            content = old.read(name)
            pack.writestr(name, without_last_row(content) if name == LEDGER else content)
    short = tmp_path / "short.zip"
    short.write_bytes(made.path.read_bytes()[:-200])
    codes = []
    for file, passphrase in ((made.path, "không phải câu này"), (cut, PASS), (short, PASS), (tmp_path / "none", PASS)):
        with pytest.raises(KengdError) as wrong:
            restore(file, new.config, passphrase, "shell:root", AFTER_MS)
        codes.append(wrong.value.code)
        assert not new.config.exists() and not (new.state / "authority").exists()
    assert codes == ["wrong_passphrase", "backup_broken", "backup_broken", "no_backup"]
    assert restore(made.path, new.config, PASS, "shell:root", AFTER_MS).rows == made.rows


def without_last_row(ledger: bytes) -> bytes:
    """The rest is whole, its last line too."""
    begin = ledger.rindex(b"\n[")
    return ledger[:begin] + ledger[ledger.index(b"\n", begin + 1) :]


@pytest.fixture
def small(tmp_path: Path) -> Place:
    (tmp_path / "old").mkdir()
    return Place(tmp_path / "old").begin()


def test_a_nightly_directory_keeps_the_newest_fourteen(
    small: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk does not fill with backups; other files in it are let be."""
    monkeypatch.setattr("kengd.hub.keeping.Authority.seal", lambda *_: b"x")
    nightly = tmp_path / "backup"
    nightly.mkdir()
    (nightly / "của-tôi.zip").write_bytes(b"")
    made = [small.backup(nightly, now_ms=NOW_MS + day * 86_400_000).path for day in range(KEPT + 2)]
    assert sorted(nightly.iterdir()) == sorted([*made[2:], nightly / "của-tôi.zip"])


def test_a_disk_that_takes_nothing_is_said_and_leaves_nothing(small: Place, tmp_path: Path) -> None:
    """A clear error; nothing half stays behind."""
    with pytest.raises(KengdError) as wrong:
        small.backup(tmp_path / "nowhere" / "b.zip")
    assert wrong.value.code == "backup_unwritable"


def test_the_shell_backs_up_and_restores_with_a_passphrase_file(
    small: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The nightly timer answers no prompt."""
    secret = tmp_path / "passphrase"
    secret.write_text(f"{PASS}\n")
    file, new = tmp_path / "b.zip", tmp_path / "new" / "hub.toml"
    old = ["--config", str(small.config), "hub", "backup", str(file), "--passphrase-file", str(secret)]
    assert main(old) == 0
    assert main(["--config", str(new), "hub", "restore", str(file), "--passphrase-file", str(secret)]) == 0
    assert main(["--config", str(new), "hub", "restore", str(file), "--passphrase-file", str(tmp_path / "no")]) == 2
    said = capsys.readouterr()
    assert PASS not in said.out + said.err
    assert ("Đã sao lưu" in said.out, "Đã khôi phục" in said.out, "no_passphrase" in said.err) == (True, True, True)
    assert Place(new.parent).rows()["officer"] == small.rows()["officer"]
