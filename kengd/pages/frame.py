"""Templates to HTML. Pure but for the files that were read at the start: facts are given, nothing is looked up while rendering."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from kengd.clock import local
from kengd.pages.assets import Assets
from kengd.pages.language import LANGUAGES, Language, catalogue

TEMPLATES: Final = Path(__file__).with_name("templates")
_MODULE: Final = re.compile(r'<script type="module" src="[^"]*/([^"/]+)">')


class Frame:
    """`places`: directories with a room's own templates (`templates/`) and files (`static/`)."""

    def __init__(self, places: Sequence[Path] = ()) -> None:
        self.assets = Assets([place / "static" for place in places if (place / "static").is_dir()])
        self._of = {language: self._environment(places, language) for language in LANGUAGES}

    def render(self, template: str, language: Language, /, **facts: Any) -> str:
        """The page. Raises jinja2's errors for a slip in a template; what comes from people is escaped."""
        html = self._of[language].get_template(template).render(language=language, **facts)
        return html.replace("</head>", f"{self._preloads(html)}</head>", 1)

    def _preloads(self, html: str) -> str:
        """All modules of this page, told before the first of them has come and named the others."""
        own = list(dict.fromkeys(_MODULE.findall(html)))
        every = dict.fromkeys([*own, *(one for name in own for one in self.assets.needed(name))])
        return "".join(f'<link rel="modulepreload" href="{self.assets.url(name)}">\n' for name in every)

    def _environment(self, places: Sequence[Path], language: Language) -> Environment:
        made = Environment(
            loader=FileSystemLoader([*(place / "templates" for place in places), TEMPLATES]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
            auto_reload=False,
        )
        made.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
        made.globals["asset"] = self.assets.url
        made.filters["clock"] = clock_time
        made.filters["moment"] = moment
        made.filters["stamp"] = stamp
        made.filters["data"] = data
        return made


def clock_time(at_ms: int) -> str:
    """ "22:05", local."""
    return f"{local(at_ms):%H:%M}"


def moment(at_ms: int) -> str:
    """ "22:05 ngày 3/11" as numbers that both languages read: "22:05 3/11/2026", local."""
    at = local(at_ms)
    return f"{at:%H:%M} {at.day}/{at.month}/{at.year}"


def stamp(at_ms: int) -> str:
    """For <time datetime>: UTC, to the second."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def data(value: Any) -> Markup:
    """JSON for a data attribute, in double quotes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(Markup.escape(text))
