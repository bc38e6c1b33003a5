#!/usr/bin/python3
"""Runs in the guest as root: does what the host asks over a virtio-serial line, one JSON object a line each way.

No network is needed, so a test can take it away. Standard library only; Debian's own Python.
"""

from __future__ import annotations

import base64
import glob
import io
import json
import os
import re
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable
from typing import Any

PORT = "/dev/virtio-ports/host"
TRACING = "/sys/kernel/tracing/"
KPROBE = "p:kprobes/letgo gpio_sim_free offset=%si:u32\n"
TRACED = re.compile(r"\s*(.+)-(\d+)\s+\[\d+\]\s+\S+\s+([\d.]+): (\w+): (.*)")

Answer = dict[str, Any]


def line_file(line: int, attribute: str) -> str:
    """The simulated bank's file of this line: `pull` is what is wired to it, `value` is its level."""
    bank = glob.glob("/sys/devices/platform/gpio-sim.0/gpiochip*/")[0]
    return f"{bank}sim_gpio{line}/{attribute}"


def read(path: str) -> str:
    with open(path) as file:
        return file.read().strip()


def write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def append(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)  # Python's own "a" seeks to the end, which tracefs refuses
    os.write(fd, text.encode())
    os.close(fd)


def ping() -> Answer:
    return {"up_s": time.monotonic()}


def run(command: str, timeout_s: float) -> Answer:
    began = time.monotonic()
    try:
        done = subprocess.run(
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            cwd="/root",
            check=False,
        )
        code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        code, output = 124, late.stdout or b""
    return {"code": code, "output": output.decode("utf-8", "replace"), "took_s": time.monotonic() - began}


def put(directory: str, tar: str) -> Answer:
    os.makedirs(directory, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(tar)), mode="r:") as archive:
        archive.extractall(directory)
    os.sync()
    return {}


def pull(line: int, up: bool) -> Answer:
    """Wire the line to 3.3 V or to ground. The time is CLOCK_MONOTONIC, just before."""
    at_s = time.monotonic()
    write(line_file(line, "pull"), "pull-up" if up else "pull-down")
    return {"at_s": at_s}


def press_for(line: int, hold_s: float) -> Answer:
    """A press to ground of this length; timed here: the host is too far away."""
    path = line_file(line, "pull")
    began = time.monotonic()
    write(path, "pull-down")
    time.sleep(max(0.0, began + hold_s - time.monotonic()))
    write(path, "pull-up")
    return {"at_s": began, "held_s": time.monotonic() - began}


def chatter(line: int, changes: int, gap_s: float) -> Answer:
    """A contact that cannot make up its mind; ends released (pulled up)."""
    began = due = time.monotonic()
    path = line_file(line, "pull")
    for n in range(changes):
        write(path, "pull-up" if n % 2 else "pull-down")
        due += gap_s
        time.sleep(max(0.0, due - time.monotonic()))
    write(path, "pull-up")
    return {"took_s": time.monotonic() - began}


def level(line: int) -> Answer:
    return {"level": int(read(line_file(line, "value")))}


def wait_level(line: int, level: int, timeout_s: float) -> Answer:
    """Until the line has this level; `at_s` CLOCK_MONOTONIC, null when it did not come."""
    end = time.monotonic() + timeout_s
    with open(line_file(line, "value"), "rb", buffering=0) as file:
        while time.monotonic() < end:
            file.seek(0)
            if int(file.read()) == level:
                return {"at_s": time.monotonic()}
            time.sleep(0.0005)
    return {"at_s": None}


def trace_on() -> Answer:
    """Let the kernel stamp everything that moves a line, and who let it go. Works beside the owner; gpiomon cannot."""
    write(TRACING + "tracing_on", "0")
    write(TRACING + "trace_clock", "mono")
    write(TRACING + "trace", "")
    if not os.path.exists(TRACING + "events/kprobes/letgo"):
        append(TRACING + "kprobe_events", KPROBE)
    for events in ("gpio", "kprobes"):
        write(f"{TRACING}events/{events}/enable", "1")
    write(TRACING + "tracing_on", "1")
    return {}


def trace_read(stop: bool) -> Answer:
    """What was traced: `happened` is set, in, out or free; `at_s` CLOCK_MONOTONIC."""
    if stop:
        write(TRACING + "tracing_on", "0")
    base = int(read(glob.glob("/sys/class/gpio/gpiochip*/base")[0]))
    found = []
    with open(TRACING + "trace") as trace:
        for text in trace:
            match = TRACED.match(text)
            event = _traced(match[4], match[5], base) if match else None
            if match and event:
                found.append({"at_s": float(match[3]), "pid": int(match[2]), **event})
    return {"events": found}


def _traced(kind: str, text: str, base: int) -> Answer | None:
    if kind == "gpio_value" and (value := re.match(r"(\d+) set (\d)", text)):
        return {"line": int(value[1]) - base, "happened": "set", "level": int(value[2])}
    if kind == "gpio_direction" and (direction := re.match(r"(\d+)\s+(in|out)", text)):
        return {"line": int(direction[1]) - base, "happened": direction[2], "level": None}
    if kind == "letgo" and (offset := re.search(r"offset=(\d+)", text)):
        return {"line": int(offset[1]), "happened": "free", "level": None}
    return None


DOES: dict[str, Callable[..., Answer]] = {
    does.__name__: does for does in (ping, run, put, pull, press_for, chatter, level, wait_level, trace_on, trace_read)
}


def serve() -> None:
    port = os.open(PORT, os.O_RDWR)
    lock = threading.Lock()

    def answer(order: Answer) -> None:
        number = order.pop("n", None)
        try:
            said = DOES[order.pop("do")](**order)
        except Exception as wrong:  # noqa: BLE001  (the host is told)
            said = {"wrong": f"{type(wrong).__name__}: {wrong}"}
        rest = (json.dumps({**said, "n": number}) + "\n").encode()
        with lock:
            while rest:
                rest = rest[os.write(port, rest) :]

    waiting = b""
    while True:
        part = os.read(port, 65_536)
        if not part:  # nobody has opened the other end yet
            time.sleep(0.02)
            continue
        *lines, waiting = (waiting + part).split(b"\n")
        for text in lines:
            try:
                order = json.loads(text)
            except ValueError:
                continue
            threading.Thread(target=answer, args=(order,), daemon=True).start()


if __name__ == "__main__":
    serve()
