"""A thousand posts in one process, for the hub's load test: asyncio, MQTT 3.1.1 by hand, true chains, true answers.

    python -m tests.bench.hub_posts PORT COMMUNE COUNT

Says "ready" when every one is connected, subscribed and has published its status; ends when standard input does. Each post
checks nothing (that is not what is measured) and answers a ring as a real one does: received, ringing, and a new status.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from typing import Any

from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.wire.entry import FIRST_PREV, Facts, entry_of, facts_hash, to_json
from kengd.wire.status import Status, build_status
from kengd.wire.topics import all_command_topic, command_topic, entry_topic, status_topic
from tests.post.mini_mqtt import packet, text

AT_ONCE = 50
"""Connections that are begun together."""


def claims_of(jws: bytes) -> dict[str, Any]:
    """What a command says; nothing is checked."""
    part = jws.split(b".")[1]
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    return said


class SimulatedPost(asyncio.Protocol):
    """One post."""

    def __init__(self, commune: str, post: str, known: dict[bytes, dict[str, Any]]) -> None:
        self.commune, self.post, self._known = commune, post, known
        self.up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = bytearray()
        self._mid = 0
        self._seq, self._hash, self._book = 0, FIRST_PREV, f"{post:0<16}"[:16]
        self._transport: asyncio.Transport | None = None
        self._seen: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """CONNECT, clean, keepalive an hour."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(packet(0x10, text("MQTT") + bytes([4, 2]) + (3600).to_bytes(2, "big") + text(self.post)))

    def data_received(self, data: bytes) -> None:
        """Packets, one after the other."""
        self._buffer += data
        while len(self._buffer) >= 2:
            length, at, shift = 0, 1, 0
            while at < len(self._buffer):
                byte = self._buffer[at]
                length |= (byte & 127) << shift
                at, shift = at + 1, shift + 7
                if byte < 128:
                    break
            else:
                return
            if len(self._buffer) < at + length:
                return
            kind, body = self._buffer[0], bytes(self._buffer[at : at + length])
            del self._buffer[: at + length]
            self._packet(kind, body)

    def connection_lost(self, exc: Exception | None) -> None:
        """The bench is over, or something is wrong."""
        if not self.up.done():
            self.up.set_exception(exc or ConnectionError(self.post))

    def _packet(self, kind: int, body: bytes) -> None:
        if kind == 0x20:
            wanted = [command_topic(self.commune, self.post), all_command_topic(self.commune)]
            self._write(0x82, b"\0\1" + b"".join(text(topic) + b"\1" for topic in wanted))
        elif kind == 0x90:
            self._say([("started", None, {})], None)
            self.up.set_result(None)
        elif kind & 0xF0 == 0x30:
            end = 2 + int.from_bytes(body[:2], "big")
            self._write(0x40, body[end : end + 2])
            self._command(body[end + 2 :])

    def _command(self, jws: bytes) -> None:
        claims = self._known.get(jws)
        if claims is None:
            claims = self._known[jws] = claims_of(jws)
        named = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        mine = f"{self.commune}/{self.post}" in named or f"{self.commune}/*" in named
        if not mine or claims["jti"] in self._seen:
            return
        self._seen.add(claims["jti"])
        cmd, jti, activation = claims["cmd"], claims["jti"], f"{self.post}-{claims['jti'][:8]}"
        if cmd["do"] != "ring":
            self._say([("received", jti, {"detail": '{"ended":[]}'})], None)
            return
        facts = {"signal": cmd["signal"], "purpose": cmd["purpose"], "by": cmd["by"], "source": "hub"}
        ringing = {**facts, "activation": activation}
        if cmd["purpose"] == "test":
            self._say([("received", jti, facts), ("tested", jti, facts)], None)
            return
        sounding = Sounding(activation, cmd["signal"], Purpose.ACTUAL, Source.HUB, time.time_ns() // 1_000_000, None)
        self._say([("received", jti, facts), ("ringing", jti, ringing)], sounding)

    def _say(self, entries: list[tuple[str, str | None, dict[str, str]]], sounding: Sounding | None) -> None:
        now_ms = time.time_ns() // 1_000_000
        for kind, jti, more in entries:
            self._seq += 1
            row: dict[str, Any] = dict.fromkeys(Facts._fields)
            row |= {"seq": self._seq, "at_ms": now_ms, "kind": kind, "command_id": jti, "clock": "ntp", **more}
            facts = Facts(**row)
            before, self._hash = self._hash, facts_hash(self._hash, self._book, facts)
            entry = entry_of(facts, self._book, before, self._hash)
            self._publish(entry_topic(self.commune, self.post), to_json(entry).encode(), retain=False)
        status = Status(now_ms, "ntp", "0" * 32, self._book, self._seq, self._hash, "0.1.0", 1, 1, sounding=sounding)
        self._publish(status_topic(self.commune, self.post), build_status(status), retain=True)

    def _publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        self._mid = self._mid % 65_000 + 1
        self._write(0x32 | retain, text(topic) + self._mid.to_bytes(2, "big") + payload)

    def _write(self, kind: int, body: bytes) -> None:
        assert self._transport is not None
        self._transport.write(packet(kind, body))


async def main(port: int, commune: str, count: int) -> None:
    """All posts, until standard input ends."""
    known: dict[bytes, dict[str, Any]] = {}
    loop = asyncio.get_running_loop()
    posts: list[SimulatedPost] = []
    for first in range(0, count, AT_ONCE):
        some = [SimulatedPost(commune, f"post-{n:04}", known) for n in range(first, min(count, first + AT_ONCE))]
        for post in some:
            await loop.create_connection(lambda post=post: post, "127.0.0.1", port)  # type: ignore[misc]
        await asyncio.gather(*(post.up for post in some))
        posts += some
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
