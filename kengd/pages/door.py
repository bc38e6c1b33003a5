"""A listening socket with a bounded number of places: in all, and for each address. What is beyond them is hung up on at once.

A few hundred idle connections from one phone must not eat the descriptors by which a post reaches its hub. Connections are bounded
as they are accepted, so also those that never finish their TLS handshake. One event loop's thread accepts and closes.
"""

from __future__ import annotations

import socket
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

TRIES: Final = 64
"""So many are hung up on in a row before the event loop has its turn again."""
LEAVING: Final = 8
"""So many that were shown out may be on their way at once, beyond `most`."""


class Places:
    """Who is inside. `most`: in all; `each`: for one address, None: all addresses are one proxy's, and share alike."""

    def __init__(self, most: int, each: int | None) -> None:
        self._most, self._each = most, each
        self._inside: dict[str, OrderedDict[int, socket.socket]] = {}
        self._leaving: set[int] = set()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def enter(self, address: str, descriptor: int) -> Guest | None:
        """Its socket, with a place; None: there is none for it. When all are taken, the greediest address gives one up."""
        held = len(self._inside.get(address, ()))
        if self._each is not None and held >= self._each:
            return None
        if self._count - len(self._leaving) >= self._most and not self._show_out(held):
            return None
        guest = Guest(fileno=descriptor)
        self._inside.setdefault(address, OrderedDict())[id(guest)] = guest
        self._count += 1
        guest.gone = partial(self._left, address, id(guest))
        return guest

    def _show_out(self, held: int) -> bool:
        """The oldest connection of the address with the most: its end is seen as if the other side had hung up."""
        if self._each is None or len(self._leaving) >= LEAVING:
            return False
        staying = [[key for key in inside if key not in self._leaving] for inside in self._inside.values()]
        greediest = max(staying, key=len)
        if len(greediest) <= held + 1:
            return False
        self._leaving.add(greediest[0])
        for inside in self._inside.values():
            if greediest[0] in inside:
                _hang_up(inside[greediest[0]])
        return True

    def _left(self, address: str, key: int) -> None:
        inside = self._inside[address]
        del inside[key]
        if not inside:
            del self._inside[address]
        self._leaving.discard(key)
        self._count -= 1


class Guest(socket.socket):
    """A connection that has a place, and gives it back exactly once, however it ends."""

    __slots__ = ("gone",)
    gone: Callable[[], None] | None

    def close(self) -> None:
        """The descriptor is free, and so is the place."""
        super().close()
        self._leave()

    def detach(self) -> int:
        """Somebody else has the descriptor now."""
        descriptor = super().detach()
        self._leave()
        return descriptor

    def _leave(self) -> None:
        gone, self.gone = getattr(self, "gone", None), None
        if gone is not None:
            gone()


class Door(socket.socket):
    """As `socket.create_server` makes it, with places. Several doors may lead to the same ones."""

    __slots__ = ("_places",)

    def __init__(self, host: str, port: int, places: Places, backlog: int = 128) -> None:
        """Raises OSError when the port cannot be had."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=backlog)
        super().__init__(listening.family, listening.type, listening.proto, fileno=listening.detach())
        self._places = places

    def accept(self) -> tuple[socket.socket, Any]:
        """The next one for whom there is a place. Raises BlockingIOError when none waits, or many were hung up on in a row."""
        for _ in range(TRIES):
            line, peer = super().accept()
            guest = self._places.enter(share_of(peer), line.fileno())
            if guest is not None:
                line.detach()
                return guest, peer
            line.close()
        raise BlockingIOError("the event loop has its turn")


def share_of(peer: Any) -> str:
    """Who shares places: an address; of IPv6 the /64, of which every one may be the same phone's."""
    host = str(peer[0]) if isinstance(peer, tuple) and peer else "unknown"
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address) or address.ipv4_mapped is not None:
        return host
    return address.packed[:8].hex()


def _hang_up(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:  # the other side was faster
        pass
