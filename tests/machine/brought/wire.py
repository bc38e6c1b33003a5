"""Runs in the guest: the stretch of wire between post and broker, 127.0.0.1:FROM to 127.0.0.1:TO. Standard library only.

Killed, it is a line that breaks; stopped (SIGSTOP), one that swallows everything and says nothing.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading


def carry(source: socket.socket, target: socket.socket) -> None:
    """One direction, until either end is gone."""
    with contextlib.suppress(OSError):
        while part := source.recv(65_536):
            target.sendall(part)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def serve(from_port: int, to_port: int) -> None:
    """For ever."""
    with socket.create_server(("127.0.0.1", from_port)) as door:
        while True:
            near, _ = door.accept()
            try:
                far = socket.create_connection(("127.0.0.1", to_port), 5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            for source, target in ((near, far), (far, near)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=carry, args=(source, target), daemon=True).start()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
