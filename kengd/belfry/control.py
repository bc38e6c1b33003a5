"""The local control socket: `kengd ring|hush|status|silence` for root and group kengd, also while the office is dead.

One JSON object a line, one answer a line. Peer credentials come from the kernel (SO_PEERCRED), never from the message (P12).
"""

from __future__ import annotations

import contextlib
import grp
import json
import logging
import os
import pwd
import selectors
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

log = logging.getLogger("kengd.control")
LARGEST_REQUEST = 16_384
MOST_VISITORS = 16
Answer = Callable[[dict[str, Any], str], dict[str, Any]]
"""(request, name of the peer's user) → answer."""


class ControlSocket:
    """Listens at `path`; every request is answered by `answer` in the deciding thread. Nothing here blocks."""

    def __init__(self, path: Path, selector: selectors.BaseSelector, answer: Answer, group: str = "kengd") -> None:
        self._path = path
        self._selector = selector
        self._answer = answer
        self._group_id = _group_id(group)
        self._visitors: dict[int, tuple[socket.socket, bytearray, str]] = {}
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        mask = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(mask)
        if self._group_id is not None:
            with contextlib.suppress(PermissionError):
                os.chown(path, -1, self._group_id)
                path.chmod(0o660)
        self._listener.listen(32)
        self._inode = os.stat(path).st_ino
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def is_there(self) -> bool:
        """False when somebody removed the socket's file: nobody can find us."""
        try:
            return os.stat(self._path).st_ino == self._inode
        except OSError:
            return False

    def close(self) -> None:
        """Stop listening and remove the socket."""
        for fd in list(self._visitors):
            self._leave(fd)
        self._selector.unregister(self._listener)
        self._listener.close()
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            visitor, _ = self._listener.accept()
            visitor.setblocking(False)
            uid, gid = _peer(visitor)
            if not self._admitted(uid, gid):
                visitor.close()
                return
            if len(self._visitors) >= MOST_VISITORS:
                self._leave(next(iter(self._visitors)))  # who has said nothing for longest makes room for a hush
            fd = visitor.fileno()
            self._visitors[fd] = (visitor, bytearray(), _user_name(uid))
            self._selector.register(visitor, selectors.EVENT_READ, lambda: self._read(fd))

    def _admitted(self, uid: int, gid: int) -> bool:
        if uid in (0, os.geteuid()) or gid == self._group_id:
            return True
        if self._group_id is None:
            return False
        with contextlib.suppress(KeyError):
            user = pwd.getpwuid(uid)
            return self._group_id in os.getgrouplist(user.pw_name, user.pw_gid)
        return False

    def _read(self, fd: int) -> None:
        found = self._visitors.pop(fd, None)
        if found is None:  # asked to leave within this very turn
            return
        visitor, buffer, name = self._visitors[fd] = found  # now the last to be asked to leave
        try:
            data = visitor.recv(LARGEST_REQUEST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        buffer += data
        if not data or len(buffer) > LARGEST_REQUEST:
            self._leave(fd)
            return
        while b"\n" in buffer:
            line, _, rest = bytes(buffer).partition(b"\n")
            buffer[:] = rest
            with contextlib.suppress(OSError):  # a visitor who does not read loses the answer
                visitor.send(json.dumps(self._reply(line, name), ensure_ascii=False).encode() + b"\n")

    def _reply(self, line: bytes, name: str) -> dict[str, Any]:
        try:
            request = _writable(json.loads(line))
            if not isinstance(request, dict):
                raise ValueError("not an object")
            return self._answer(request, name)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            return {"ok": False, "reason": "malformed", "en": str(error)}

    def _leave(self, fd: int) -> None:
        visitor, _, _ = self._visitors.pop(fd)
        self._selector.unregister(visitor)
        visitor.close()


def _writable(value: Any) -> Any:
    """The same, with "?" for what cannot be written as UTF-8: a `--why` typed in an old code page must not lose a ring."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _peer(visitor: socket.socket) -> tuple[int, int]:
    credentials = visitor.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, gid = struct.unpack("3i", credentials)
    return uid, gid


def _group_id(group: str) -> int | None:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return None


def _user_name(uid: int) -> str:
    try:
        return str(_writable(pwd.getpwuid(uid).pw_name))
    except KeyError:
        return f"uid {uid}"
