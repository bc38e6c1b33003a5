"""Removing the post: what the village wrote stays, unless it is asked to go too."""

from __future__ import annotations

from collections.abc import Callable

from tests.machine.case_install import no_edges, ring_once
from tests.machine.machine import Machine
from tests.machine.post import Post
from tests.machine.table import Table


def removed(machine: Machine, table: Table) -> None:
    """uninstall keeps what the village wrote; --purge does not."""
    post = Post(machine)
    post.settle()
    machine.must("systemctl start kengd", 240)
    ring_once(post)
    machine.trace()
    ran = machine.run("kengd-uninstall --purge", 120)
    table.row("--purge without a terminal asks for --yes", ran.code == 1 and "--yes" in ran.output, ran.output[-100:])
    ran = machine.run("kengd-uninstall", 120)
    table.row("removed", ran.code == 0, ran.output[-200:])
    no_edges(post, table, "no edge on the relay's line, and at rest")
    gone = machine.run(
        "ls -d /opt/kengd /usr/local/bin/kengd /usr/local/sbin/kengd-* /etc/systemd/system/kengd* 2>/dev/null"
    )
    table.row("program, units and links are gone", gone.output.strip() == "", gone.output)
    off = machine.must("systemctl show -P RuntimeWatchdogUSec; systemctl show -P LoadState kengd").split()
    table.row("systemd knows nothing of it any more", off[-1] == "not-found", off)
    kept = machine.must("ls -d /etc/kengd/kengd.toml /etc/kengd/keys /var/lib/kengd/book/book.db; id -un kengd").split()
    table.row("book, settings, keys and user are kept", len(kept) == 4, kept)


CASES: dict[str, Callable[[Machine, Table], None]] = {"uninstall": removed}
