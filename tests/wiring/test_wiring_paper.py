"""The sheets as paper: A4, black on white, nothing over anything else, made by the generator as it is now."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET

import pytest

from firmware_config.wiring.generator.binder import PRINT_ALL, files
from firmware_config.wiring.generator.index import NAMES, TITLES, slug
from firmware_config.wiring.generator.letters import width, wrapped
from firmware_config.wiring.generator.paper import REVISION
from kengd import __version__
from tests.wiring.drawing import SHEETS, SVG, Box, crosses, lies_on, names, overlap, read

MARGIN = 8.0
LEAST_SIZE = 1.9
"""mm; 5.4 points: the numbers on the map of the header."""


def test_the_committed_sheets_are_what_the_generator_draws_now() -> None:
    """After a change: python -m firmware_config.wiring.generator"""
    there = {path.name: path.read_text(encoding="utf-8") for path in [*SHEETS.glob("*.svg"), *SHEETS.glob("*.html")]}
    made = files()
    assert sorted(there) == sorted(made)
    assert [name for name in sorted(made) if there[name] != made[name]] == []


def test_there_is_a_sheet_for_every_topic() -> None:
    """Relay boards, striker, sirens, buttons, lamps, sensor, cut-off, isolator, battery, earth, parts, commissioning."""
    assert names() == [slug(name) for name in NAMES]
    assert len(names()) == 18


@pytest.mark.parametrize("name", names())
def test_a_sheet_is_a4_and_says_which_it_is(name: str) -> None:
    """Printed at 100 %: millimetres, upright or lying; title in both languages, number, version."""
    root = ET.fromstring((SHEETS / f"{name}.svg").read_text(encoding="utf-8"))
    drawing = read(name)
    assert drawing.size in ((297, 210), (210, 297))
    assert (root.attrib["width"], root.attrib["height"]) == tuple(f"{side:.0f}mm" for side in drawing.size)
    said = drawing.said()
    vi, en = TITLES[name.partition("-")[2]]
    assert vi in said and en in said and f"{int(name[:2])}/{len(NAMES)}" in said
    assert f"kengd {'.'.join(__version__.split('.')[:2])} · bản vẽ số {REVISION}" in said


@pytest.mark.parametrize("name", names())
def test_a_sheet_needs_nothing_from_outside_and_no_colour(name: str) -> None:
    """A village prints it without the Internet, in black; only the generic font is named."""
    text = (SHEETS / f"{name}.svg").read_text(encoding="utf-8")
    root = ET.fromstring(text)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "rect", "polyline", "polygon", "circle", "text", "g"}
    assert not re.search(r"href|url\(|<style|@import|<script", text)
    assert set(re.findall(r'font-family="([^"]+)"', text)) == {"sans-serif"}
    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', text)) - {"none"}
    assert all(re.fullmatch(r"#(?:(.)\1\1|(..)\2\2)", colour) for colour in colours), colours


@pytest.mark.parametrize("name", names())
def test_no_text_leaves_the_frame(name: str) -> None:
    """Widths are estimated by a wide font."""
    drawing = read(name)
    page: Box = (MARGIN, MARGIN, drawing.size[0] - MARGIN, drawing.size[1] - MARGIN)
    outside = [
        text.words
        for text in drawing.texts
        if text.box[0] < page[0] or text.box[1] < page[1] or text.box[2] > page[2] or text.box[3] > page[3]
    ]
    assert outside == []
    assert min(text.size for text in drawing.texts) >= LEAST_SIZE


@pytest.mark.parametrize("name", names())
def test_no_text_lies_over_another(name: str) -> None:
    """Box against box."""
    pairs = itertools.combinations(read(name).texts, 2)
    assert [(a.words, b.words) for a, b in pairs if overlap(a.box, b.box)] == []


@pytest.mark.parametrize("name", names())
def test_no_line_runs_through_a_text(name: str) -> None:
    """Wires, leads, frames of boxes, rules of tables."""
    drawing = read(name)
    struck = []
    for text in drawing.texts:
        left, top, right, bottom = text.box
        inner = (left + 0.1, top + 0.1, right - 0.1, bottom)
        struck += [(text.words, stroke) for stroke in drawing.strokes if crosses(stroke, inner)]
    assert struck == []


@pytest.mark.parametrize("name", names())
def test_every_wire_ends_at_a_terminal_or_on_another_wire(name: str) -> None:
    """No loose end."""
    drawing = read(name)
    pins = {place for part in drawing.parts for place in part.pins.values()}
    for n, wire in enumerate(drawing.wires):
        others = [other for m, other in enumerate(drawing.wires) if m != n]
        for end in (wire[0], wire[-1]):
            assert end in pins or any(lies_on(end, other) for other in others), (name, end)


@pytest.mark.parametrize("name", names())
def test_a_branch_has_a_dot_and_a_mere_crossing_has_none(name: str) -> None:
    """Who reads the sheet knows what is joined."""
    drawing = read(name)
    pins = [place for part in drawing.parts for place in part.pins.values()]
    ends = [end for wire in drawing.wires for end in (wire[0], wire[-1])]
    branches = {
        place
        for place in {*ends, *pins}
        if ends.count(place)
        + pins.count(place)
        + sum(2 for wire in drawing.wires if place not in (wire[0], wire[-1]) and lies_on(place, wire))
        > 2
    }
    assert branches == set(drawing.dots)


@pytest.mark.parametrize("name", names())
def test_vietnamese_is_larger_than_the_english_beside_it(name: str) -> None:
    """First for people who read Vietnamese, with its marks."""
    texts = read(name).texts
    vi = [text.size for text in texts if text.lang == "vi" and len(text.words) > 12]
    assert max((text.size for text in texts[2:] if text.lang == "en"), default=0) <= max(vi)
    assert any(re.search("[ăâđêôơưàảãáạ]", text.words) for text in texts)


def test_the_page_to_print_shows_every_sheet_once_and_loads_nothing_else() -> None:
    """One Ctrl+P for the whole binder."""
    page = (SHEETS / PRINT_ALL).read_text(encoding="utf-8")
    assert re.findall(r'src="([^"]+)"', page) == [f"{name}.svg" for name in names()]
    assert not re.search(r"https?:|<script|<link", page)


def test_widths_are_estimated_with_accents_as_the_bare_letter() -> None:
    """Marks stand above the letter, they do not widen it; ơ and ư do."""
    assert width("KẺNG", 3) == width("KENG", 3)
    assert width("đường", 3) > width("duong", 3)
    assert width("a", 3, bold=True) > width("a", 3)
    assert wrapped("một hai ba", 3, width("một hai", 3)) == ["một hai", "ba"]
