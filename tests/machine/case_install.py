"""Install, upgrade, roll back: on the installed machine, by the very scripts, without a network."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.machine import changed
from tests.machine.changed import Change, numbered
from tests.machine.installing import BUNDLE, PATIENCE_S, bundle, push
from tests.machine.machine import Machine, MachineError, Ran
from tests.machine.post import ALARM, CONFIG, HOLD_MS, RELAY, Post
from tests.machine.table import Table

CURRENT, PREVIOUS = "readlink /opt/kengd/current", "readlink /opt/kengd/previous"
MAIN = "systemctl show -P MainPID kengd"
ONCE = "/root/job.log"
Entry = dict[str, object]


class Maker:
    """Brings releases to the machine: the bundle that lies there already, with another program in it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.python = machine.must("python3 -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])'")

    def bring(self, name: str, change: Change) -> str:
        """An unpacked bundle at this path of the guest: only what differs is carried over."""
        place = f"/root/{name}"
        with tempfile.TemporaryDirectory(prefix="kengd-changed-") as scratch:
            packed = bundle(self.python, Path(scratch), change, only_own=True)
            push(self.machine, packed, f"{place}.tar")
        self.machine.must(
            f"mkdir -p {place} && tar -C {place} --strip-components=1 -xf {BUNDLE} && rm {place}/wheels/kengd-*.whl &&"
            f" tar -C {place} --strip-components=1 -xf {place}.tar && cd {place} && rm {place}.tar SHA256SUMS &&"
            " find . -type f -print0 | sort -z | xargs -0 sha256sum >/root/sums && mv /root/sums SHA256SUMS",
            180,
        )
        return place

    def install(self, place: str) -> Ran:
        """Its install.sh, to its end."""
        return self.machine.run(f"{place}/deploy/install.sh", PATIENCE_S)

    def begin(self, place: str) -> None:
        """The same, in the background."""
        self.machine.must(f"systemd-run -q --unit=job -p StandardError=file:{ONCE} {place}/deploy/install.sh")

    def wait_said(self, words: str) -> None:
        """Until the installation in the background says so."""
        self.machine.must(f"until grep -q '{words}' {ONCE}; do sleep 0.5; done", PATIENCE_S)

    def wait_end(self) -> str:
        """Until it has ended; all it said."""
        self.machine.must("while systemctl is-active -q job; do sleep 1; done", PATIENCE_S)
        return self.machine.must(f"cat {ONCE}; systemctl reset-failed job 2>/dev/null || true")


def fresh(machine: Machine, table: Table) -> None:
    """What install.sh left on a bare machine, before there were any settings."""
    said = machine.must("cat /root/install.log")
    table.row("first install, offline: says that settings are missing", "Chưa có tệp cài đặt" in said, said[-160:])
    table.row("a PC is accepted with a warning", "PC (x86-64)" in said)
    table.row("before it was taken: a simulated post rang on this machine", "đúng sơ đồ" in said)
    looked = {
        "the user, its group, no shell": ("getent passwd kengd | cut -d: -f4-; id -gn kengd", "nologin"),
        "a member of the group gpio": ("id -nG kengd", "gpio"),
        "keys: a directory for root alone": ("stat -c '%A %U %G' /etc/kengd/keys", "drwx------ root root"),
        "the state belongs to the post": ("stat -c '%A %U %G' /var/lib/kengd", "drwxr-x--- kengd kengd"),
        "nobody but root writes the program": (
            "find /opt/kengd ! -user root -o -perm /022 ! -type l | grep -c . || true",
            "0",
        ),
        "enabled": ("systemctl is-enabled kengd", "enabled"),
        "not started, and not failed": ("systemctl is-active kengd || true", "inactive"),
        "`kengd` on everybody's path": ("kengd --version", "kengd "),
        "the hardware watchdog is armed, at most 15 s": ("systemctl show -P RuntimeWatchdogUSec", "14s"),
        "journald: limits in force": ("systemd-analyze cat-config systemd/journald.conf", "SystemMaxUse=64M"),
        "byte-compiled": ("find /opt/kengd/current/lib -name 'belfry.cpython-*.pyc' | grep -c .", "1"),
    }
    for what, (command, wanted) in looked.items():
        found = machine.run(command).output.strip()
        table.row(what, wanted in found, found[-100:])
    table.row("started without settings: skipped, not failed", _start_skipped(machine))


def _start_skipped(machine: Machine) -> bool:
    return (
        machine.run("systemctl start kengd").code == 0 and machine.must("systemctl show -P Result kengd") == "success"
    )


def upgrade(machine: Machine, table: Table) -> None:
    """Again, a broken release, while ringing, a good release, back: what the relay's line sees of all that is nothing."""
    post, make = Post(machine), Maker(machine)
    post.settle(alarm_s=300)
    machine.must("systemctl start kengd", 240)
    old, main = machine.must(CURRENT), machine.must(MAIN)
    book = ring_once(post)["book"]
    broken, good = make.bring("broken", numbered("0.9.1", changed.belfry_broken)), make.bring("good", numbered("0.9.2"))

    machine.trace()
    ran = make.install(broken)
    same = (machine.must(CURRENT), machine.must(MAIN)) == (old, main)
    table.row("a broken release is refused; the post goes on, untouched", ran.code == 1 and same, ran.output[-300:])
    table.row("nothing of it is left", machine.run("ls -d /opt/kengd/releases/0.9.1*").code != 0)
    machine.must(f"echo '# sửa hỏng' >>{good}/deploy/release.sh")
    ran = make.install(good)
    table.row("a bundle with a damaged file is refused", ran.code == 1 and "bị hỏng" in ran.output, ran.output[-160:])
    machine.must(f"sed -i '$d' {good}/deploy/release.sh")
    make.begin(good)
    make.wait_said("Đang thử bản")
    no_edges(post, table, "refused releases: no edge on the relay's line")
    _press(post)
    said = make.wait_end()
    ringing = post.status()["sounding"] is not None
    same = (machine.must(CURRENT), machine.must(MAIN)) == (old, main)
    refused = "kẻng đang kêu" in said and ringing and same
    table.row("an alarm during the installation: refused at the last moment, the alarm goes on", refused, said[-160:])
    ran = make.install(good)
    table.row("while ringing: refused at once", ran.code == 1 and "kẻng đang kêu" in ran.output, f"{ran.took_s:.0f} s")
    ran = machine.run("kengd-uninstall", 60)
    table.row("while ringing: not removed", ran.code == 1 and "kẻng đang kêu" in ran.output, ran.output[-100:])
    post.kengd("hush")
    time.sleep(2)

    machine.trace()
    ran = make.install(good)
    new = machine.must(CURRENT)
    table.row("upgraded", ran.code == 0 and "/0.9.2-" in new, f"{ran.took_s:.0f} s; {ran.output[-700:]}")
    no_edges(post, table, "upgrade: no edge on the relay's line")
    table.row(
        "from stop to armed", None, f"{_downtime_s(machine):.1f} s (starting an empty Python: {_pace_s(machine):.2f} s)"
    )
    table.row("the release before is kept", machine.must(PREVIOUS) == old)
    _book_goes_on(post, table, book, "0.9.2")
    again = make.install(good)
    main = machine.must(MAIN)
    table.row("installed again: nothing happens to the post", again.code == 0 and "đã có sẵn" in again.output, main)

    _back(post, table, old, book)


def _back(post: Post, table: Table, old: str, book: object) -> None:
    """Not while it rings; then with one command, to the release before."""
    machine = post.machine
    _press(post)
    ran = machine.run("kengd-rollback", 60)
    table.row("while ringing: not rolled back", ran.code == 1 and "kẻng đang kêu" in ran.output, ran.output[-100:])
    post.kengd("hush")
    time.sleep(2)
    machine.trace()
    ran = machine.run("kengd-rollback", PATIENCE_S)
    table.row("rolled back with one command", ran.code == 0 and machine.must(CURRENT) == old, f"{ran.took_s:.0f} s")
    no_edges(post, table, "roll-back: no edge on the relay's line")
    table.row("from stop to armed", None, f"{_downtime_s(machine):.1f} s")
    _book_goes_on(post, table, book, machine.must("kengd --version").split()[1])


def rollback(machine: Machine, table: Table) -> None:
    """A release with a newer book, and back; a release that only fails as a service. The relay closes at 0 V."""
    post, make = Post(machine, active_low=True), Maker(machine)
    post.settle(alarm_s=300)
    machine.must("systemctl start kengd", 240)
    old = machine.must(CURRENT)
    before = ring_once(post)
    newer, mute = (
        make.bring("newer", numbered("0.9.3", changed.newer_book)),
        make.bring("mute", numbered("0.9.4", changed.mute)),
    )
    machine.trace()
    ran = make.install(newer)
    table.row("a release with a newer shape of the book: upgraded", ran.code == 0, ran.output[-700:])
    _book_goes_on(post, table, before["book"], "0.9.3")
    no_edges(post, table, "upgrade, active-low: no edge on the relay's line")
    newest = ring_once(post)
    machine.trace()
    ran = machine.run("kengd-rollback", PATIENCE_S)
    table.row("rolled back", ran.code == 0 and machine.must(CURRENT) == old, ran.output[-400:])
    table.row(
        "and it says what became of the book", "cất riêng" in ran.output and "mục ghi từ lúc nâng cấp" in ran.output
    )
    no_edges(post, table, "roll-back, active-low: no edge on the relay's line")
    _two_books(post, table, newest)
    ring_once(post)
    machine.trace()
    old_main = machine.must(MAIN)
    ran = make.install(mute)
    back = ran.code == 1 and machine.must(CURRENT) == old and "đã tự quay lại" in ran.output
    table.row("a release that passes its trial and then is not ready: it goes back by itself", back, ran.output[-260:])
    alive = machine.run("systemctl is-active kengd").output.strip() == "active" and post.status()["sounding"] is None
    table.row("and the bell is ready again", alive and machine.must(MAIN) != old_main)
    no_edges(post, table, "the failed start and the way back: no edge on the relay's line")
    code, said = post.kengd("journal verify")
    table.row("the book is whole", code == 0, said)


def _two_books(post: Post, table: Table, newest: Entry) -> None:
    """Today's book was set aside, whole; the new one names it; no entry has two contents."""
    machine = post.machine
    post.wait_entry("started", reason="book_set_aside")
    entries = post.entries()
    aside = machine.must("ls /var/lib/kengd/book/book-aside-*.db").split()[-1]
    detail = entries[0]["detail"]
    linked = (entries[0]["kind"], entries[0]["reason"]) == ("started", "book_set_aside")
    named = isinstance(detail, dict) and aside.endswith(str(detail["set_aside"]))
    table.row(
        "a new book that names the one set aside", linked and named and entries[0]["book"] != newest["book"], detail
    )
    machine.must(
        "mkdir -p /root/aside/book && cp -a /var/lib/kengd/book/book-aside-* /root/aside/book/ && cd /root/aside/book &&"
        f' for tail in "" -wal -shm; do [ ! -e $(basename {aside})$tail ] || mv $(basename {aside})$tail book.db$tail; done;'
        f" sed 's,/var/lib/kengd,/root/aside,' {CONFIG} >/root/aside.toml"
    )
    code, said = _aside(machine, "verify")
    kept = [json.loads(line) for line in _aside(machine, "show --json --last 1000")[1].splitlines()]
    table.row("the book set aside is whole", code == 0 and newest in kept, said)
    identities = [(entry["book"], entry["seq"]) for entry in [*kept, *entries]]
    table.row("no two entries under one (book, seq)", len(set(identities)) == len(identities), len(identities))


def _aside(machine: Machine, deed: str) -> tuple[int, str]:
    ran = machine.run(f"kengd --config /root/aside.toml journal {deed}", 120)
    return ran.code, ran.output.strip()


CASES: dict[str, Callable[[Machine, Table], None]] = {
    "install": fresh,
    "upgrade": upgrade,
    "rollback": rollback,
}


def _press(post: Post) -> None:
    post.machine.press_for(ALARM, (HOLD_MS + 200) / 1000)
    post.machine.wait_level(RELAY, int(not post.active_low), 10)


def ring_once(post: Post) -> Entry:
    """An alarm, hushed; the newest entry of the book then."""
    end = time.monotonic() + 120
    while not _quiet(post) and time.monotonic() < end:
        time.sleep(0.5)
    _press(post)
    post.kengd("hush")
    post.wait_entry("cut", reason="hushed")
    time.sleep(2)
    newest: Entry = post.entries()[-1]
    return newest


def _quiet(post: Post) -> bool:
    """Up, and nothing sounds."""
    try:
        return post.status()["sounding"] is None
    except MachineError:
        return False


def no_edges(post: Post, table: Table, what: str) -> None:
    strokes = post.strokes(stop=True)
    table.row(what, not strokes and post.resting, strokes[:4])


def _book_goes_on(post: Post, table: Table, book: object, version: str) -> None:
    """Under this version, in the same book, whole."""
    end = time.monotonic() + 240
    while not any((entry["detail"] or {}).get("version") == version for entry in post.glance()[-6:]):
        if time.monotonic() > end:
            break
        time.sleep(2)
    entries = post.entries()
    stopped = [entry["kind"] for entry in entries].count("stopped")
    code, said = post.kengd("journal verify")
    going_on = code == 0 and {entry["book"] for entry in entries} == {book}
    table.row(f"{version}: the same book goes on, whole", going_on and stopped > 0, said)


def _downtime_s(machine: Machine) -> float:
    """From the order to stop until armed, by systemd's own stamps."""
    shown = machine.must("systemctl show -p ActiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic kengd")
    at_us = dict(line.split("=") for line in shown.splitlines())
    return (int(at_us["ActiveEnterTimestampMonotonic"]) - int(at_us["ActiveExitTimestampMonotonic"])) / 1e6


def _pace_s(machine: Machine) -> float:
    return min(machine.run("/opt/kengd/current/bin/python -I -c pass").took_s for _ in range(3))
