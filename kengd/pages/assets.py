"""Style sheet, modules and pictures: read once, each under an address that names its content, so that a browser keeps it for good."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

PLACE: Final = "/static"
OWN: Final = Path(__file__).with_name("static")
KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_IMPORT: Final = re.compile(rb'^(?:import|\}).*?"\./([a-z0-9_]+\.js)";$', re.MULTILINE)
FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """`packed`: the same by gzip, for a poor line."""

    name: str
    kind: str
    content: bytes = field(repr=False)
    packed: bytes = field(repr=False)


class Assets:
    """All files of these directories. One digest names them all: modules import each other by bare names, so they go together."""

    def __init__(self, places: Iterable[Path] = ()) -> None:
        found = {
            path.name: path.read_bytes()
            for place in (OWN, *places)
            for path in sorted(place.iterdir())
            if path.suffix in KINDS
        }
        whole = sha256(b"\0".join(part for name in sorted(found) for part in (name.encode(), found[name])))
        self.digest: Final = whole.hexdigest()[:12]
        self._files: Mapping[str, Asset] = {
            name: Asset(name, KINDS[Path(name).suffix], content, gzip.compress(content, 9, mtime=0))
            for name, content in found.items()
        }

    def url(self, name: str) -> str:
        """Where a page finds it. Raises KeyError where there is none: a slip in a template."""
        return f"{PLACE}/{self.digest}/{self._files[name].name}"

    def needed(self, name: str) -> list[str]:
        """What this module imports, and what that does: a browser that is told so at once asks for all of it together, not for one
        after the other over a slow line. Raises KeyError for an import of what is not there."""
        found, left = list[str](), [name]
        while left:
            for match in _IMPORT.finditer(self._files[left.pop()].content):
                one = match[1].decode()
                if one not in found and one != name:
                    found.append(one)
                    left.append(one)
        return found

    def answer(self, digest: str, name: str, accept_encoding: str) -> tuple[bytes, str, dict[str, str]] | None:
        """Content, kind and headers of what is asked for under this digest: kept for good, or under another one looked for anew each
        time. None: there is no such file."""
        found = self.find(name)
        if found is None:
            return None
        headers = {"Cache-Control": FOREVER if digest == self.digest else "no-cache", "Vary": "Accept-Encoding"}
        if "gzip" not in accept_encoding:
            return found.content, found.kind, headers
        return found.packed, found.kind, headers | {"Content-Encoding": "gzip"}

    def find(self, name: str) -> Asset | None:
        """Also under an older digest: a page of before an upgrade gets what there is now."""
        return self._files.get(name)
