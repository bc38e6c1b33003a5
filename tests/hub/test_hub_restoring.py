"""A backup that somebody has been at makes no hub; and a hub from a backup says whom it lets in again."""

from __future__ import annotations

import json
import secrets
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from kengd.__main__ import main
from kengd.errors import KengdError
from kengd.hub import packing, restored
from kengd.hub.authority import sealing
from kengd.hub.authority.authority import Authority
from kengd.hub.keeping import restore
from kengd.hub.ledger import audits, values
from kengd.hub.ledger.people import OFFICER
from kengd.hub.packing import ABOUT, AUTHORITY, LEDGER, SETTINGS, SUMS
from kengd.hub.people.passwords import argon2
from kengd.hub.people.people import People
from kengd.hub.people.words import Caller
from tests.hub.authority_kit import NOW_MS, wish
from tests.hub.desk_kit import Officer, station
from tests.hub.test_hub_keeping import AFTER_MS, PASS, Place

Change = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Stolen:
    """A backup of a hub with one post, one officer and his token, both shut out right after it was made."""

    file: Path
    secret: str
    serial: str


@pytest.fixture(scope="module", autouse=True)
def cheap() -> Iterator[None]:
    """Passwords and passphrases cost the least that is taken."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("kengd.hub.people.ground.argon2", lambda: argon2(time_cost=1, memory_kib=8))
        patched.setattr(sealing, "N", sealing.LEAST_N)
        yield


@pytest.fixture(scope="module")
def stolen(cheap: None, tmp_path_factory: pytest.TempPathFactory) -> Stolen:
    directory = tmp_path_factory.mktemp("stolen")
    (directory / "old").mkdir()
    place = Place(directory / "old").begin()
    authority = Authority.open(place.state / "authority")
    serial = authority.enrol(wish("thon-1"), NOW_MS).serial
    ledger = place.ledger()
    people = People(ledger, lambda: NOW_MS, secrets.token_bytes)
    with ledger.write() as connection:
        connection.execute(update(OFFICER).values(must_change=False))
    (admin,) = people.officers()
    caller = Caller(admin, admin.role, False, session="s")
    secret, token = people.make_token(caller, "máy", admin.role, None)
    file = place.backup(directory / "b.zip").path
    authority.revoke("thon-1", "mất cắp", NOW_MS + 1_000)
    people.end_token(caller, token.id)
    ledger.close()
    return Stolen(file, secret, serial)


def rewritten(file: Path, into: Path, changes: Mapping[str, Change | None], way: int = zipfile.ZIP_STORED) -> Path:
    """The same zip with these parts changed, or left out."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(into, "w", way) as pack:
        for name in old.namelist():
            content, change = old.read(name), changes.get(name)
            if name not in changes or change is not None:
                pack.writestr(name, content if change is None else change(content))
    return into


def refused(file: Path, directory: Path) -> str:
    """The error's code; nothing at all is there afterwards."""
    new = directory / "new"
    with pytest.raises(KengdError) as wrong:
        restore(file, new / "hub.toml", PASS, "shell:root", AFTER_MS)
    assert [path for path in new.rglob("*") if not path.is_dir()] == [], "nothing is left behind"
    return wrong.value.code


def with_another_password(ledger: bytes) -> bytes:
    """The first officer's is one that the thief knows."""
    out: list[str] = []
    columns: list[str] = []
    known = argon2(time_cost=1, memory_kib=8).hash("mật khẩu của kẻ trộm")
    for line in ledger.decode().splitlines():
        data = json.loads(line)
        if isinstance(data, dict):
            columns = data.get("columns", [])
        elif "must_change" in columns:
            data[columns.index("password")] = known
        out.append(json.dumps(data, ensure_ascii=False))
    return "\n".join(out).encode() + b"\n"


def with_a_source(settings: bytes) -> bytes:
    """One more that may ring."""
    token = sha256(b"thief").hexdigest().encode()
    return settings + b'\n[[cap_from]]\nname = "Huyen"\ntoken_sha256 = "' + token + b'"\nrings = "alarm"\n'


def test_who_does_not_know_the_passphrase_changes_nothing_in_it(stolen: Stolen, tmp_path: Path) -> None:
    """P12: neither the admin's password, nor who may ring, nor the day it was made, nor keys of another backup; and without its sums
    it is refused too, since an old backup looks the same."""
    other = tmp_path / "other"
    other.mkdir()
    foreign = Place(other).begin().backup(other / "b.zip").path
    with zipfile.ZipFile(foreign) as pack:
        keys, sums = pack.read(AUTHORITY), pack.read(SUMS)
    tampered: list[dict[str, Change | None]] = [
        {LEDGER: with_another_password}, {SETTINGS: with_a_source}, {AUTHORITY: lambda _: keys}, {SUMS: lambda _: sums},
        {ABOUT: lambda about: about.replace(str(NOW_MS).encode(), str(AFTER_MS).encode())},
        {SUMS: None}, {SUMS: lambda sums: sums[:-1] + bytes([sums[-1] ^ 1])}, {SUMS: lambda _: keys}, {LEDGER: None},
    ]  # fmt: skip
    codes = [refused(rewritten(stolen.file, tmp_path / "t.zip", each), tmp_path) for each in tampered]
    assert codes == [*["backup_broken"] * 5, "backup_unproved", "wrong_passphrase", *["backup_broken"] * 2]


def flagged(file: Path, into: Path, local: int, central: int, value: int) -> Path:
    """Two bytes of every member's header, in both places where a zip has them."""
    raw = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as pack:
        at, infos = pack.start_dir, pack.infolist()
    for info in infos:
        for place in (info.header_offset + local, at + central):
            raw[place : place + 2] = struct.pack("<H", value)
        at += 46 + sum(struct.unpack("<HHH", raw[at + 28 : at + 34]))
    into.write_bytes(raw)
    return into


def packed(file: Path, ledger: list[str], about: Mapping[str, Any] | None = None) -> Path:
    """By somebody who knows the passphrase, with the settings and keys of a real one in it."""
    with zipfile.ZipFile(file) as pack:
        settings, authority = pack.read(SETTINGS), pack.read(AUTHORITY)
    into = file.with_name("p.zip")
    with into.open("wb") as out:
        packing.write(out, {"made_ms": NOW_MS} if about is None else about, settings, authority, ledger, PASS)
    return into


def test_a_spoilt_zip_is_said_to_be_broken_and_leaves_nothing(stolen: Stolen, tmp_path: Path) -> None:
    """No traceback, whatever is in it, and no empty ledger that would be in the way of the next try."""
    with zipfile.ZipFile(stolen.file) as pack:
        head = pack.read(LEDGER).decode().splitlines()[0]
    officer = '{"table":"officer","columns":["id","name","role","password","made_ms"]}'
    ledgers = [
        [head, "[" * 200_000], [head, officer, f'["a","b","c","d",{"9" * 30}]', '{"rows":1}'], [head, "1" * 5_000], ["[]"],
        [head, '{"table":[]}'], [head], [], ["null"],
    ]  # fmt: skip
    abouts: list[dict[str, Any]] = [
        {"made_ms": float("inf")},
        {"made_ms": 10**400},
        {"made_ms": "1"},
        {},
        {"made_ms": -1},
    ]
    deep: dict[str, Change | None] = {ABOUT: lambda _: b"[" * 200_000}
    codes = [
        refused(flagged(stolen.file, tmp_path / "e.zip", 6, 8, 1), tmp_path),
        refused(flagged(stolen.file, tmp_path / "c.zip", 8, 10, 97), tmp_path),
        refused(rewritten(stolen.file, tmp_path / "b.zip", {}, zipfile.ZIP_BZIP2), tmp_path),
        refused(rewritten(stolen.file, tmp_path / "d.zip", deep), tmp_path),
        *[refused(packed(stolen.file, each), tmp_path) for each in ledgers],
        *[refused(packed(stolen.file, [head, '{"rows":0}'], each), tmp_path) for each in abouts],
    ]
    assert codes == ["backup_broken"] * len(codes)


def test_a_restored_hub_says_whom_it_lets_in_again_until_somebody_has_looked(
    stolen: Stolen, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was revoked after the backup is unknown to it: API tokens all end, the rest is said with names and commands in Vietnamese
    and English, and stands in the ledger until it is confirmed, with a line in the audit book; once."""
    new, passphrase = Place(tmp_path / "new"), tmp_path / "passphrase"
    passphrase.write_text(PASS)
    shell = ["--config", str(new.config), "hub", "restore"]
    assert main([*shell, str(stolen.file), "--passphrase-file", str(passphrase)]) == 0
    said = capsys.readouterr().out
    for words in (
        "LẠI VÀO ĐƯỢC",
        "hub revoke MÃ",
        "đang vào được: thon-1",
        "quantri",
        "hub restore --checked",
        "AGAIN",
    ):
        assert words in said, said
    ledger = new.ledger()
    assert People(ledger, lambda: AFTER_MS, secrets.token_bytes).of_token(stolen.secret) is None
    assert [one.serial for one in Authority.open(new.state / "authority").index.valid("post")] == [stolen.serial]
    with ledger.write() as connection:
        found = restored.unchecked(values.value_of(connection, restored.KEPT))
        assert found is not None and found.made_ms == NOW_MS
        restored.note(connection, NOW_MS + 5_000, AFTER_MS)  # restored once more, from a backup of the unconfirmed
        again = restored.unchecked(values.value_of(connection, restored.KEPT))
        assert again == replace(found, at_ms=AFTER_MS), "still to be looked at from the first backup on"
    assert [main([*shell, "--checked"]), main([*shell, "--checked"])] == [0, 0]
    said = capsys.readouterr().out
    assert "Đã ghi" in said and "Không có lần khôi phục nào" in said
    with ledger.read() as connection:
        assert values.value_of(connection, restored.KEPT) is None
        acts = [(item.act, item.by.startswith("shell:")) for item in audits.read(connection)][-2:]
        assert (acts, audits.verify(connection)) == ([("restore", True), ("restore_checked", True)], None)
    ledger.close()
    assert [main(shell), main([*shell, str(stolen.file), "--checked"])] == [2, 2]
    assert capsys.readouterr().err.count("[usage]") == 2


def test_that_a_hub_was_restored_shows_wherever_it_is_looked_at(tmp_path: Path) -> None:
    """On the board and its page with the cure, and where machines look; until it is confirmed."""
    hub = station(tmp_path)
    with hub.hub.ledger.write() as connection:
        restored.note(connection, NOW_MS, AFTER_MS)
    found = hub.admin.get("/api/desk").json()["conditions"]["restored"]
    assert (found["code"], found["since_ms"], found["made_ms"]) == ("restored_unchecked", AFTER_MS, NOW_MS)
    assert "bị thu hồi sau lúc đó nay lại vào được" in found["vi"] and "hub restore --checked" in found["cure"]
    assert "hub restore --checked" in hub.admin.get("/phan/tren").text
    nobody = Officer(hub.app, "")
    health = nobody.get("/healthz")
    assert (health.status_code, [one["code"] for one in health.json()["conditions"]]) == (200, ["restored_unchecked"])
    assert "kengd_hub_restored_unchecked 1\n" in nobody.get("/metrics").text
    with hub.hub.ledger.write() as connection:
        restored.confirm(connection, "shell:root", AFTER_MS)
    assert hub.admin.get("/api/desk").json()["conditions"]["restored"] is None
    assert nobody.get("/healthz").json()["conditions"] == []
    assert "kengd_hub_restored_unchecked 0\n" in nobody.get("/metrics").text
    hub.hub.ledger.close()
