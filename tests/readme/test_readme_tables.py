"""The README's tables are what the program says of itself."""

from __future__ import annotations

import re
import tomllib

import pytest

from kengd.bellcode.notation import NotationError, parse, write
from kengd.cli import COMMANDS
from kengd.duty.precedence import PRECEDENCE
from kengd.duty.words import EntryKind
from kengd.settings.crosscheck import EEPROM_PINS, LAST_PULLED_UP
from kengd.settings.find import EXAMPLE
from kengd.settings.reference import render
from kengd.web.api import make_app
from kengd.wire.reasons import REASONS, SENTENCES
from tests.readme.pages import ROOT, block, readme, rows
from tests.readme.tables import BLOCKS, COMMANDS_EN
from tests.web.paper_post import PaperPost


def codes(cell: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("name", BLOCKS)
def test_each_rendered_table_is_what_the_program_renders_now(name: str) -> None:
    """Settings, commands, reasons, conditions, lamps, codebooks: after a change run `python -m tests.readme.tables`."""
    assert block(name).strip() == BLOCKS[name]().strip()


def test_the_settings_reference_is_the_rendering_of_the_models() -> None:
    """`python -m kengd.settings.reference`, between two markers, word for word."""
    assert block("settings").strip() == render().strip()


def test_all_commands_of_the_command_line_are_told_and_no_other() -> None:
    """What `kengd --help` lists."""
    assert list(COMMANDS_EN) == list(COMMANDS)
    assert [codes(row[0])[0] for row in rows(block("commands"))] == [f"kengd {name}" for name in COMMANDS]


def test_every_reason_that_a_person_can_meet_is_explained() -> None:
    """The door's codes, and what the arbiter's table and its rules refuse with."""
    told = {codes(row[0])[0] for row in rows(block("reasons"))}
    arbiter = {reason for _, reason in PRECEDENCE.values() if reason} | {"after_alarm", "duty", "silenced", "locked"}
    assert told == set(SENTENCES)
    assert set(REASONS) | arbiter <= told


def test_every_kind_of_entry_is_named() -> None:
    """Section 7's kinds, in the order of the program."""
    assert codes(block("kinds")) == [kind.value for kind in EntryKind]


def test_every_pattern_shown_can_be_read_and_written_back() -> None:
    """The notation's examples are said by keepers; parse and write are inverse."""
    shown = [codes(row[1])[0] for row in rows(block("notation"))]
    assert len(shown) >= 7
    assert all(parse(write(parse(text))) == parse(text) for text in shown)


def test_what_is_said_to_be_refused_is_refused_with_exactly_those_offers() -> None:
    """Never guessed: the exact forms to choose from are shown."""
    table = rows(block("refused"))
    assert len(table) == 5
    for written, _, offered in table:
        with pytest.raises(NotationError) as wrong:
            parse(codes(written)[0])
        assert list(wrong.value.suggestions) == codes(offered)


def test_the_wiring_table_is_the_example_settings() -> None:
    """Who wires by the table and copies the example has a bell that rings (R10: the relay's pin is pulled down)."""
    gpio = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))["gpio"]
    told = [(int(row[1]), row[3]) for row in rows(block("wiring"))]
    buttons = [button["pin"] for button in gpio["buttons"]]
    wired = [gpio["relay"]["pin"], *buttons, gpio["lamps"]["bell"], gpio["lamps"]["police"]]
    assert [pin for pin, _ in told][: len(wired)] == wired
    assert [pull for _, pull in told] == [
        "pulled up" if EEPROM_PINS[0] <= pin <= LAST_PULLED_UP else "pulled down" for pin, _ in told
    ]
    assert gpio["relay"]["active_low"] is False
    assert f"gpio={wired[0]}=op,dl" in readme()
    assert f"gpio={','.join(map(str, buttons))}=ip,pu" in readme()


def test_every_dtparam_stands_before_the_first_dtoverlay() -> None:
    """A dtparam after an overlay is taken as that overlay's parameter."""
    found = re.search(r"```ini\n(.*?)```", readme(), re.DOTALL)
    assert found is not None
    keys = [line.split("=")[0] for line in found[1].splitlines() if line.startswith("dt")]
    assert "dtparam=strict_gpiod\n" in found[1]
    assert all(line.startswith("#") or "#" not in line for line in found[1].splitlines())  # no comment behind a value
    assert keys == sorted(keys, reverse=True) and set(keys) == {"dtparam", "dtoverlay"}


def test_the_routes_told_are_the_routes_there_are() -> None:
    """The post's own API, with simulated pins."""
    app = make_app(PaperPost())
    real = {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}
    assert {codes(row[0])[0] for row in rows(block("routes"))} == real


def test_the_rooms_table_names_every_room() -> None:
    """One row for each room of the house; nothing that is not there."""
    told = {codes(row[0])[0] for row in rows(block("rooms"))}
    there = {f"kengd/{path.name}" for path in (ROOT / "kengd").iterdir() if not path.name.startswith("__")}
    assert told == there


def test_every_file_that_is_named_exists() -> None:
    """Paths in backticks, and the scripts in the shell blocks."""
    named = set(re.findall(r"`((?:kengd|tests|deploy)/(?!1/)[\w./-]+)", readme()))
    named |= set(re.findall(r"^(?:sudo )?((?:deploy|tests)/[\w./-]+\.sh)", readme(), re.MULTILINE))
    assert {"deploy/demo.sh", "deploy/test.sh"} <= named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_links_within_the_page_lead_to_a_heading() -> None:
    """As GitHub makes anchors of headings."""
    headings = re.findall(r"^#+ (.*)$", readme(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", readme())) <= anchors


def test_vietnamese_comes_first_and_says_that_a_hush_is_no_all_clear() -> None:
    """The officer reads the first page only; kinds of signals are not confused."""
    first = readme().split("\n---\n")[0]
    assert "## Tóm tắt tiếng Việt" in first and "## What it is" not in first
    assert "chưa phải hết báo động" in first and "deploy/demo.sh" in first and "Ctrl-C" in first
    assert len(first.splitlines()) < 60
