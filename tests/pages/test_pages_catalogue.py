"""Every text of the pages has its English, and what is compiled is what stands in the catalogue."""

from __future__ import annotations

import re

from kengd.pages.language import catalogue, language_of
from tests.pages import catalogue as texts

_NAMES = re.compile(r"%\((\w+)\)s")


def test_every_text_of_the_pages_has_its_english_and_no_other_is_kept() -> None:
    """After a change: python -m tests.pages.catalogue, then write what it names into kengd.po."""
    kept = {str(message.id): str(message.string) for message in texts.kept() if message.id}
    assert set(kept) == texts.wanted()
    assert [text for text, english in kept.items() if not english] == []


def test_a_translation_names_what_its_text_names() -> None:
    """A name that is lost would be a time or a person that is not told."""
    for message in texts.kept():
        if message.id:
            assert sorted(_NAMES.findall(str(message.id))) == sorted(_NAMES.findall(str(message.string))), message.id


def test_what_is_compiled_is_what_is_written() -> None:
    """The program reads only the compiled one."""
    assert texts.MO.read_bytes() == texts.mo_bytes()
    assert catalogue("en").gettext("DỪNG TẤT CẢ") == "STOP ALL"
    assert catalogue("vi").gettext("DỪNG TẤT CẢ") == "DỪNG TẤT CẢ"


def test_vietnamese_comes_first() -> None:
    """Only who chose English gets it."""
    assert [language_of(cookie) for cookie in (None, "", "fr", "vi", "en")] == ["vi", "vi", "vi", "vi", "en"]
