"""HTML for printed pages, written by hand so that nothing reaches a page unescaped: text is text, `Html` is markup. Pure.

A page loads nothing: no script, font, image or style sheet from anywhere, and its policy forbids it.
"""

from __future__ import annotations

import html
import unicodedata
from typing import NewType

Html = NewType("Html", str)
"""Markup that may go into a page as it is."""

Content = str | Html
NOTHING = Html("")


def text(value: object) -> Html:
    """Any value as text: escaped, without control characters and direction marks (they could turn a line round)."""
    clean = "".join(
        " " if char in "\n\r\t\u2028\u2029" else char
        for char in str(value)
        if char in "\n\r\t\u2028\u2029" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    return Html(html.escape(clean, quote=True))


def tag(name: str, content: Html = NOTHING, **attributes: object) -> Html:
    """One element. `class_` writes the attribute class; "_" in a name becomes "-"; values are escaped."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{written}>{content}</{name}>")


def words(name: str, value: object, **attributes: object) -> Html:
    """One element that holds text."""
    return tag(name, text(value), **attributes)


def join(*parts: Html) -> Html:
    """Markup one after another."""
    return Html("".join(parts))


def page(title: str, css: str, body: Html, *, lang: str = "vi") -> str:
    """A whole document. `css` is our own text, never from outside."""
    head = join(
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"),
        words("title", title),
        tag("style", Html(css)),
    )
    return f'<!DOCTYPE html>\n<html lang="{text(lang)}"><head>{head}</head><body>{body}</body></html>\n'
