"""The directory on disk: whole or not at all, one writer at a time, whatever moment the power goes."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.errors import KengdError, UsageError
from kengd.hub.authority import files, sealing
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.brokerfiles import write_files
from kengd.hub.authority.certificates import read_pair
from kengd.hub.authority.index import Index, Issued, SigningKey, from_json, to_json
from kengd.hub.authority.store import Store
from tests.hub.authority_kit import COMMUNE, DAY_MS, NAMES, NOW_MS, begin, wish

LATER_MS = NOW_MS + 700 * DAY_MS


class PowerCut(BaseException):
    """Nothing is tidied up after it."""


class FailingDisk:
    """`os`, but the power goes just before the n-th step that changes the disk."""

    STEPS = ("open", "fchmod", "chmod", "fsync", "replace", "unlink")

    def __init__(self, steps_left: int) -> None:
        self.steps_left = steps_left

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)
        if name not in self.STEPS:
            return real

        def step(*arguments: object, **more: object) -> object:
            self.steps_left -= 1
            if self.steps_left < 0:
                raise PowerCut
            return real(*arguments, **more)

        return step


def cut_at(monkeypatch: pytest.MonkeyPatch, step: int, act: Callable[[], object]) -> bool:
    """Do it until the power goes; whether it went."""
    with monkeypatch.context() as patched:
        patched.setattr(files, "os", FailingDisk(step))
        try:
            act()
        except PowerCut:
            return True
    return False


def sound(directory: Path) -> Index:
    """Everything agrees once it was opened again; its index."""
    authority = Authority.open(directory)
    index = authority.index
    assert [path.name for path in directory.rglob("*.part")] == []
    ca = read_pair((directory / "private/ca.pem").read_bytes(), "ca")
    assert authority.ca_file.read_bytes() == ca.certificate_pem()
    crl = x509.load_pem_x509_crl((directory / "crl.pem").read_bytes())
    assert {f"{each.serial_number:x}" for each in crl} == {one.serial for one in index.issued if one.revoked_ms}
    known = {one.serial for one in index.issued}
    for path in (directory / "private").glob("*.pem"):
        pair = read_pair(path.read_bytes(), path.name)
        assert path.name == "ca.pem" or f"{pair.serial:x}" in known
    for key in index.usable_keys():
        assert (directory / "signing" / f"{key.kid}.pem").exists()
    assert authority.signing()[0] in authority.public_keys()
    authority.renew(NOW_MS, 0)  # what is no longer in step with the index is made anew
    server = read_pair((directory / "private/server.pem").read_bytes(), "server")
    newest = [one.serial for one in authority.index.current() if one.subject == authority.server_names[0]]
    assert (newest, authority.renew(NOW_MS, 0)) == ([f"{server.serial:x}"], ())
    return index


CHANGES: dict[str, Callable[[Authority], object]] = {
    "enrol": lambda authority: authority.enrol(wish("thon-1"), NOW_MS),
    "revoke": lambda authority: authority.revoke("thon-1", "mất máy", NOW_MS),
    "revoke worker": lambda authority: authority.revoke("hub-1", "thay máy", NOW_MS, purpose="hub"),
    "new key": lambda authority: authority.new_key("c", NOW_MS),
    "retire": lambda authority: authority.retire("a", NOW_MS),
    "revoke key": lambda authority: authority.revoke_key("a", NOW_MS),
    "renew": lambda authority: authority.renew(LATER_MS),
    "names": lambda authority: authority.serve_as(["hub.lan", "127.0.0.1"], NOW_MS),
    "worker": lambda authority: authority.client_files("hub-2", NOW_MS),
    "bridge": lambda authority: authority.bridge_for("other", NOW_MS),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A commune with a post, a worker and two keys, to be copied."""
    directory = tmp_path_factory.mktemp("whole") / "authority"
    authority = Authority.begin(directory, COMMUNE, "Xã Cộng Lạc", NAMES, NOW_MS, kid="a")
    authority.enrol(wish("thon-1"), NOW_MS)
    authority.client_files("hub-1", NOW_MS)
    authority.new_key("b", NOW_MS)
    return directory


@pytest.mark.parametrize("change", CHANGES)
def test_a_power_cut_at_any_step_leaves_the_old_or_the_new_state_and_never_half_a_file(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Broken at each single step; opened again everything agrees, and the change can be made then."""
    before, step, outcomes = Authority.open(whole).index, 0, set()
    while True:
        place = tmp_path / str(step)
        shutil.copytree(whole, place)
        if not cut_at(monkeypatch, step, partial(CHANGES[change], Authority(Store(place)))):
            break
        outcomes.add(sound(place) == before)
        if change != "new key" or Authority.open(place).index == before:
            try:
                CHANGES[change](Authority.open(place))
            except UsageError as done:
                assert done.code in ("not_enrolled", "not_active")
        step += 1
    assert step >= 5 and outcomes == {True, False}


def test_a_power_cut_while_it_begins_or_is_restored_leaves_nothing_or_all_of_it(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory takes its name in one step, also that of an empty directory made by the installer."""
    contents = Store(whole).all_files()
    monkeypatch.setattr(sealing, "unseal", lambda *_: contents)
    acts: list[Callable[[Path], object]] = [begin, lambda place: Authority.unseal(b"", "", place)]
    for number, act in enumerate(acts):
        for step in (0, 3, 14, 22, 26, *range(28, 36), 45):
            place = tmp_path / f"{number}-{step}"
            place.mkdir(mode=0o700)
            if cut_at(monkeypatch, step, partial(act, place)) and not list(place.iterdir()):
                act(place)
            sound(place)
            shutil.rmtree(place)


def test_a_power_cut_while_the_brokers_files_are_written_leaves_each_whole(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written again they are complete, and a half one is gone."""
    contents = {"acl": b"a" * 9, "mosquitto.conf": b"c" * 9}
    step = 0
    while cut_at(monkeypatch, step, partial(write_files, tmp_path / str(step), contents)):
        place = tmp_path / str(step)
        for name, content in contents.items():
            assert not (place / name).exists() or (place / name).read_bytes() == content
        write_files(place, contents)
        assert sorted(path.name for path in place.iterdir()) == ["acl", "data", "mosquitto.conf"]
        step += 1
    assert step > 8


def test_a_full_disk_is_said_and_changes_nothing(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error for people, with the cure; the half-written file is taken away."""
    place = tmp_path / "authority"
    shutil.copytree(whole, place)
    before = sound(place)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(KengdError) as wrong:
            Authority(Store(place)).enrol(wish("thon-2"), NOW_MS)
    assert wrong.value.code == "authority_disk" and "No space" in wrong.value.vi and wrong.value.cure
    assert sound(place) == before


def test_everything_is_the_owners_only(whole: Path) -> None:
    """P12: 0700 and 0600."""
    modes = {path.stat().st_mode & 0o777 for path in whole.rglob("*") if path.is_file()}
    rooms = {path.stat().st_mode & 0o777 for path in (whole, *whole.iterdir()) if path.is_dir()}
    assert (modes, rooms) == ({0o600}, {0o700})


def _enrol_many(directory: str, first: int) -> None:
    authority = Authority.open(Path(directory))
    for number in range(first, first + 8):
        authority.enrol(wish(f"thon-{number}"), NOW_MS)


def test_two_processes_never_write_at_once(whole: Path, tmp_path: Path) -> None:
    """One lock file: three processes enrol at the same time and no certificate is forgotten."""
    place = tmp_path / "authority"
    shutil.copytree(whole, place)
    spawn = multiprocessing.get_context("fork")
    workers = [spawn.Process(target=_enrol_many, args=(str(place), first)) for first in (10, 20, 30)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    subjects = {one.subject for one in sound(place).valid("post")}
    assert subjects == {"thon-1", *(f"thon-{first + more}" for first in (10, 20, 30) for more in range(8))}


def test_who_waits_too_long_for_the_lock_is_told(tmp_path: Path) -> None:
    """A hung process does not hang the next one for ever."""
    lock = tmp_path / "lock"
    with files.locked(lock), pytest.raises(KengdError) as wrong, files.locked(lock, 0.05):
        pass
    assert wrong.value.code == "authority_busy" and wrong.value.cure


def test_a_second_beginning_and_an_empty_place_are_refused(tmp_path: Path) -> None:
    """Nobody loses a CA to a command typed twice."""
    begin(tmp_path / "authority")
    before = {path: path.read_bytes() for path in (tmp_path / "authority").rglob("*.pem")}
    for directory, code in ((tmp_path / "authority", "authority_exists"), (tmp_path / "a" / "b", "no_directory")):
        with pytest.raises(UsageError) as wrong:
            begin(directory)
        assert wrong.value.code == code and wrong.value.cure
    (tmp_path / "empty").mkdir()
    for directory in (tmp_path / "empty", tmp_path / "none"):
        with pytest.raises(UsageError) as wrong:
            Authority.open(directory)
        assert wrong.value.code == "no_authority"
    assert {path: path.read_bytes() for path in (tmp_path / "authority").rglob("*.pem")} == before


@pytest.mark.parametrize("spoilt", ["index.json", "private/ca.pem"])
def test_a_spoilt_file_is_named(whole: Path, tmp_path: Path, spoilt: str) -> None:
    """Which file, and that a backup is the cure."""
    for content in (b"", b"{}", b"\xff\x00", (whole / spoilt).read_bytes()[:-40]):
        place = tmp_path / "authority"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(whole, place)
        (place / spoilt).write_bytes(content)
        with pytest.raises(KengdError) as wrong:
            Authority.open(place)
        assert wrong.value.code == "authority_broken" and spoilt in wrong.value.vi


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TIMES = st.integers(0, 2**53)
ISSUED = st.builds(
    Issued,
    serial=st.integers(1, 2**159).map(lambda number: f"{number:x}"),
    subject=TEXT,
    purpose=st.sampled_from(["server", "post", "hub", "bridge"]),
    issued_ms=TIMES,
    not_after_ms=TIMES,
    revoked_ms=st.none() | TIMES,
    why=TEXT,
    kids=st.lists(TEXT, max_size=3).map(tuple),
)
KEYS = st.builds(
    SigningKey, TEXT, TEXT, st.sampled_from(["next", "active", "retiring", "revoked"]), made_ms=TIMES, since_ms=TIMES
)
INDEXES = st.builds(
    Index,
    TEXT,
    TEXT,
    st.lists(TEXT, max_size=3).map(tuple),
    TIMES,
    st.lists(ISSUED, max_size=4).map(tuple),
    st.lists(KEYS, max_size=4).map(tuple),
)


@settings(max_examples=40)
@given(INDEXES)
def test_an_index_is_read_as_it_was_written(index: Index) -> None:
    """Every field."""
    assert from_json(to_json(index)) == index


@settings(max_examples=60)
@given(INDEXES, st.data())
def test_a_spoilt_index_is_an_error_or_an_index_and_nothing_else(index: Index, data: st.DataObject) -> None:
    """No exception but ValueError, whatever stands in the file."""
    raw = bytearray(to_json(index))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert isinstance(from_json(bytes(raw)), Index)
    except ValueError:
        pass
