"""The book's entries, oldest first, one JSON object a line, without the seconds that kengd's own start takes on a soft CPU.

For waiting: what is compared or proved is asked of `kengd journal`. No book: nothing. Standard library only.
"""

import contextlib
import json
import sqlite3

BOOK = "file:/var/lib/kengd/book/book.db?mode=ro"
SHOWN = ("seq", "kind", "activation", "signal", "source", "reason", "detail")

with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(sqlite3.connect(BOOK, uri=True)) as book:
    for row in book.execute(f"SELECT {', '.join(SHOWN)} FROM entry ORDER BY seq").fetchall():
        entry = dict(zip(SHOWN, row, strict=True))
        print(json.dumps({**entry, "detail": json.loads(entry["detail"] or "null")}))
