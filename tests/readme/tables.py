"""The tables of the README that the program itself knows best.

    python -m tests.readme.tables        puts them into README.md anew

A test compares; nothing here is edited by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from fastapi import FastAPI

from firmware_config.wiring.generator.index import TITLES, slug
from kengd.bellcode.codebooks import BUILTIN_NAMES, builtin
from kengd.cli import COMMANDS
from kengd.duty.health import CATALOGUE
from kengd.duty.lamps import BELL_LAMP, POLICE_LAMP, Blink
from kengd.duty.precedence import PRECEDENCE, Rank, Verdict
from kengd.hub.desk.app import ROOMS
from kengd.hub.people.words import ACTS, ROLE_VI, ROLES, may
from kengd.hub.settings import HubSettings
from kengd.settings.reference import render
from kengd.wire.reasons import REASONS, SENTENCES
from tests.readme.pages import README, readme, with_block

RANK_NAMES = {
    Rank.QUIET: "nothing",
    Rank.CALM: "curfew, routine",
    Rank.DRILL: "a drill",
    Rank.ALL_CLEAR: "all-clear",
    Rank.SUPPORT: "support",
    Rank.ALARM: "alarm",
}
VERDICT_NAMES = {Verdict.RING: "rings", Verdict.INTERRUPT: "**cuts** it and rings", Verdict.JOIN: "joins it"}

COMMANDS_EN = {
    "run": "the post daemon (belfry, which starts the office)",
    "hub": "the commune hub: serve, begin, enrol, posts, dispatch, hush, users, keys, backup …",
    "demo": "the commune of Cộng Lạc on one machine: hub and five posts, simulated pins",
    "check": "read the settings, name what is wrong by line",
    "score": "draw a signal, print its relay edges, write it as sound",
    "ring": "ring at this post",
    "hush": "stop the sound at this post (not an all-clear)",
    "status": "what the bell is doing",
    "silence": "hold back routine rings (alarms still ring)",
    "command": "send a signed command to posts, print their answers",
    "rehearse": "when the timetable would ring, in virtual time",
    "journal": "show, export, verify the duty book",
    "doctor": "examine the machine: pins, clock, disk, line, keys, page",
    "firmware": "print kengd.txt for the boot partition, for these settings; --write puts it in place",
    "off": "relay to rest now, whatever else is broken",
}


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = "|" + "---|" * len(head)
    return "\n".join(["| " + " | ".join(head) + " |", rule, *("| " + " | ".join(line) + " |" for line in lines)])


def commands() -> str:
    """What the command line knows."""
    head = ("command", "what it does", "")
    return _table(head, [(f"`kengd {name}`", COMMANDS_EN[name], f"*{vi}*") for name, (_, vi) in COMMANDS.items()])


def precedence() -> str:
    """Who gives way to whom."""
    asked = [rank for rank in Rank if rank is not Rank.QUIET]

    def cell(sounds: Rank, wanted: Rank) -> str:
        verdict, reason = PRECEDENCE[(sounds, wanted)]
        return VERDICT_NAMES[verdict] if reason is None else f"refused `{reason}`"

    lines = [[f"**{RANK_NAMES[sounds]}**", *(cell(sounds, wanted) for wanted in asked)] for sounds in Rank]
    return _table(["sounding ↓ asked →", *(RANK_NAMES[rank] for rank in asked)], lines)


def lamps() -> str:
    """Both lamps, as the printed sheet says it."""

    def lines(name: str, blinks: tuple[Blink, ...]) -> list[tuple[str, ...]]:
        return [(name, f"`{blink.code}`", blink.looks, blink.vi) for blink in blinks]

    head = ("lamp", "code", "looks (*trông thế nào*)", "means (*nghĩa là*)")
    return _table(head, lines("KẺNG", BELL_LAMP) + lines("CÔNG AN", POLICE_LAMP))


LAMP_CURES = {
    "test": "không phải làm gì; đèn nào không sáng thì thay",
    "heard": "giữ tiếp cho đủ một giây",
    "ringing": "–",
    "press_again": "còn cần người ra thì bấm lại",
    "fault": "`sudo kengd status` nói hỏng gì; gọi người sửa",
    "ready": "–",
    "taken": "chờ cán bộ tới",
    "reached": "báo động mà quá 2 phút không thành sáng liền thì gọi điện",
    "line_up": "–",
    "line_down": "gọi điện; nút bấm vẫn đánh được kẻng",
}


def lamp_card() -> str:
    """Both lamps for an installer: what it looks like, what it means, what to do."""
    lines = [
        (f"**{name}**", blink.looks, blink.vi, LAMP_CURES[blink.code])
        for name, blinks in (("KẺNG", BELL_LAMP), ("CÔNG AN", POLICE_LAMP))
        for blink in blinks
    ]
    return _table(("đèn", "trông thế nào", "nghĩa là", "làm gì"), lines)


def sheets() -> str:
    """The printed sheets, each a link."""
    lines = [
        (str(n), f"[{vi}](firmware_config/wiring/{slug(name)}.svg)", f"*{en}*")
        for n, (name, (vi, en)) in enumerate(TITLES.items(), 1)
    ]
    return _table(("tờ", "nói gì", ""), lines)


def codebooks() -> str:
    """Every ready-made codebook, signal by signal."""
    lines = []
    for name in BUILTIN_NAMES:
        book = builtin(name)
        signals = (f"`{signal.id}` {signal.name_vi}: `{signal.notation}`" for signal in book.signals.values())
        lines.append((f"`{name}` {book.place_vi}", "<br>".join(signals)))
    return _table(("codebook", "its signals"), lines)


def conditions() -> str:
    """The catalogue of conditions."""
    lines = [(f"`{code}`", line.severity, line.vi, line.en) for code, line in CATALOGUE.items()]
    return _table(("code", "severity", "said on pages", "in English"), lines)


def reasons() -> str:
    """Why something is refused; first the codes of commands, then those of the arbiter beside them."""
    codes = [*REASONS, *(code for code in SENTENCES if code not in REASONS)]
    return _table(("reason", "in English", "tiếng Việt"), [(f"`{code}`", *reversed(SENTENCES[code])) for code in codes])


def hub_settings() -> str:
    """Every key of hub.toml."""
    return render(HubSettings, "####")


def hub_roles() -> str:
    """Who may do what."""
    head = ("act", *(f"`{role}` {ROLE_VI[role]}" for role in ROLES))
    return _table(head, [(f"`{act}`", *("✓" if may(role, act) else "" for role in ROLES)) for act in ACTS])


def hub_routes() -> str:
    """The desk's calls, with the first sentence of what each says of itself."""
    app = FastAPI()
    for room in ROOMS:
        app.include_router(room.router)
    calls = sorted(
        (path, method.upper(), " ".join(about["description"].split()))
        for path, methods in app.openapi()["paths"].items()
        for method, about in methods.items()
    )
    return _table(("call", ""), [(f"`{method} {path}`", said.replace("|", "\\|")) for path, method, said in calls])


BLOCKS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "precedence": precedence,
    "lamps": lamps,
    "lamp_card": lamp_card,
    "sheets": sheets,
    "codebooks": codebooks,
    "settings": render,
    "conditions": conditions,
    "reasons": reasons,
    "hub_settings": hub_settings,
    "hub_roles": hub_roles,
    "hub_routes": hub_routes,
}


def main() -> None:
    """Write all blocks into the README."""
    text = readme()
    for name, rendered in BLOCKS.items():
        text = with_block(text, name, rendered())
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
