"""Runs in the guest as root: tells the host, over the serial line, each entry of the book as soon as anybody can read it.

What stands on the host's side of that line was committed before the power was cut. A line: kengd-book SEQ HASH KIND REASON ID;
`-` for nothing. Standard library only. A reader of the book makes no file and holds up nobody (SQLite's write-ahead log).
"""

from __future__ import annotations

import os
import sqlite3
import time

BOOK = "file:/var/lib/kengd/book/book.db?mode=ro"
NEWER = "SELECT seq, lower(hex(hash)), kind, reason, activation FROM entry WHERE seq > ? ORDER BY seq"
SERIAL = "/dev/ttyS0"
EVERY_S = 0.05


def watch(serial: int) -> None:
    """Until the book cannot be read (any more)."""
    told = 0
    book = sqlite3.connect(BOOK, uri=True)
    while True:
        for seq, digest, *words in book.execute(NEWER, (told,)).fetchall():
            told = seq
            os.write(serial, f"\nkengd-book {seq} {digest} {' '.join(word or '-' for word in words)} .\n".encode())
        time.sleep(EVERY_S)


if __name__ == "__main__":
    serial = os.open(SERIAL, os.O_WRONLY | os.O_NOCTTY)
    while True:
        try:
            watch(serial)
        except sqlite3.Error:
            time.sleep(0.5)
