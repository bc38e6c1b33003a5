"""Vietnamese first, English by a switch: texts stand in the templates in Vietnamese, their English in a gettext catalogue."""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

Language = Literal["vi", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
COOKIE: Final = "kengd_lang"
LOCALE: Final = Path(__file__).with_name("locale")
DOMAIN: Final = "kengd"


def language_of(cookie: str | None) -> Language:
    """What this browser has chosen; Vietnamese unless it chose the other."""
    return "en" if cookie == "en" else "vi"


@cache
def catalogue(language: Language) -> gettext.NullTranslations:
    """The texts in this language; the Vietnamese ones are those in the templates."""
    if language == "vi":
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, LOCALE, [language])


def noted(text: str) -> str:
    """A text that a template translates later, so that it is found for the catalogue."""
    return text
