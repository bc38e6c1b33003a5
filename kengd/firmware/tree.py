"""Device tree lines of config.txt: overlays with their parameters, and the parameters that reach the base device tree.

A `dtparam` is offered to the overlay above it first; no section header ends that, only `dtoverlay=` with nothing behind it.
Source: documentation/asciidoc/computers/configuration/device-tree.adoc part 3.2; dtapply in raspberrypi/utils gives every such
parameter to the overlay.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from kengd.firmware.config import Line, Reading
from kengd.firmware.finding import Finding
from kengd.firmware.known import all_params, is_base_param

NEEDED = ("strict_gpiod",)
"""Must not depend on whether an overlay happens to know the name."""
_OFF = ("off", "0", "n", "no", "false")


@dataclass(frozen=True, slots=True)
class Param:
    """`name=value` of a dtparam or dtoverlay line. `value` None: only the name, which means on."""

    name: str
    value: str | None
    line: Line

    @property
    def on(self) -> bool:
        """Whether a switch is on."""
        return (self.value or "on").lower() not in _OFF


@dataclass(frozen=True, slots=True)
class Overlay:
    """A `dtoverlay=name` with the parameters on its own line and on dtparam lines below it."""

    name: str
    line: Line
    params: tuple[Param, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """`base`: parameters of the base tree, surely; `lost`: base parameters written where an overlay is offered them first."""

    overlays: tuple[Overlay, ...]
    base: tuple[Param, ...]
    lost: tuple[tuple[Param, str], ...]

    def switched_on(self, name: str) -> bool:
        """Whether the last word on this base parameter, on lines that surely apply, is on."""
        said = [param.on for param in self.base if param.name == name and param.line.applies == "yes"]
        return bool(said) and said[-1]


def tree_of(reading: Reading) -> Tree:
    """The tree as the firmware builds it from the lines that do or may apply."""
    overlays: list[tuple[str, Line, list[Param]]] = []
    base: list[Param] = []
    lost: list[tuple[Param, str]] = []
    scope: list[Param] | None = None
    for line in reading.lines:
        if line.applies == "no" or line.key not in ("dtoverlay", "dtparam"):
            continue
        words = _params(line)
        if line.key == "dtoverlay":
            scope = None
            if words and words[0].name not in ("", "none", "base"):
                scope = words[1:]
                overlays.append((words[0].name, line, scope))
            continue
        for word in words:
            if scope is None:
                base.append(word)
            elif is_base_param(word.name) and not _knows(overlays[-1][0], word.name):
                lost.append((word, overlays[-1][0]))
            else:
                scope.append(word)
    return Tree(tuple(Overlay(name, line, tuple(own)) for name, line, own in overlays), tuple(base), tuple(lost))


def tree_findings(tree: Tree, overlay_files: frozenset[str] | None) -> Iterator[Finding]:
    """Parameters in the wrong place, names that nobody knows. `overlay_files`: names in overlays/, None = not looked at."""
    for param, above in tree.lost:
        yield param.line.finding(
            "red" if param.name in NEEDED else "yellow",
            "dtparam_after_overlay",
            f'"dtparam={param.name}" đứng sau "dtoverlay={above}" nên bị đưa cho lớp phủ ấy trước, có thể mất tác dụng',
            'chuyển lên trước mọi dòng dtoverlay, hoặc thêm dòng "dtoverlay=" trống ngay phía trên',
            f"dtparam={param.name} stands after dtoverlay={above}, which is offered it first",
        )
    for param in tree.base:
        if not is_base_param(param.name):
            near = difflib.get_close_matches(param.name[:40], all_params(), n=1)
            yield param.line.finding(
                "yellow",
                "unknown_dtparam",
                f'không có tham số "{param.name[:40]}"',
                f'có phải "{near[0]}"?' if near else "xem lại cách viết, hoặc viết sau dtoverlay của nó",
                f"unknown dtparam {param.name[:40]}",
            )
    for overlay in tree.overlays:
        if overlay_files is not None and overlay.name not in overlay_files:
            near = difflib.get_close_matches(overlay.name[:40], overlay_files, n=1)
            yield overlay.line.finding(
                "yellow",
                "unknown_overlay",
                f"không có tệp overlays/{overlay.name[:40]}.dtbo",
                f'có phải "{near[0]}"?' if near else "xoá dòng này, hoặc xem lại cách viết",
                f"no file overlays/{overlay.name[:40]}.dtbo",
            )


def _params(line: Line) -> list[Param]:
    """`name,a=1,b` and the old form `name:a=1,b`."""
    value = line.value
    if line.key == "dtoverlay" and ":" in value.partition(",")[0]:
        value = value.replace(":", ",", 1)
    found = []
    for word in value.split(","):
        name, given, worth = word.strip().partition("=")
        if name.strip() or line.key == "dtoverlay":
            found.append(Param(name.strip(), worth.strip() if given else None, line))
    return found


def _knows(overlay: str, name: str) -> bool:
    """Overlays for an I2C device take the bus by a name that the base tree has too."""
    return overlay.startswith("i2c-") and name.startswith("i2c")
