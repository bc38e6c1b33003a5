"""The English of the pages: texts found in templates, their translations in kengd.po, compiled to kengd.mo.

    python -m tests.pages.catalogue      brings both up to date, and says what has no English yet

A test compares; what is translated is edited in kengd.po.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from kengd.pages.language import DOMAIN, LOCALE

KENGD = Path(__file__).parents[2] / "kengd"
PO = LOCALE / "en" / "LC_MESSAGES" / f"{DOMAIN}.po"
MO = PO.with_suffix(".mo")
SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""In the compiled file's header: the same texts make the same bytes on any day."""
_METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
_OPTIONS = {"**/templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}}


def wanted() -> set[str]:
    """Every text of the pages."""
    found = extract_from_dir(str(KENGD), _METHODS, _OPTIONS, keywords={"_": None, "gettext": None, "noted": None})
    return {str(text) for _, _, text, _, _ in found}


def kept() -> Catalog:
    """What kengd.po has."""
    if not PO.exists():
        return Catalog(locale="en")
    with PO.open("rb") as file:
        return read_po(file, locale="en")


def fresh(before: Catalog) -> Catalog:
    """The same translations, for the texts that there are now."""
    made = Catalog(locale="en", project="kengd", charset="utf-8", fuzzy=False, header_comment="# English of the pages.")
    for text in sorted(wanted()):
        known = before.get(text)
        made.add(text, known.string if known is not None else "")
    return made


def po_bytes(catalog: Catalog) -> bytes:
    """As it lies in the repository: without dates, which would change each time."""
    out = io.BytesIO()
    write_po(out, catalog, width=0, omit_header=True)
    return b'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Language: en\\n"\n\n' + out.getvalue()


def mo_bytes() -> bytes:
    """kengd.po, compiled."""
    out = io.BytesIO()
    catalog = kept()
    catalog.creation_date = catalog.revision_date = SOME_DAY
    write_mo(out, catalog)
    return out.getvalue()


def main() -> None:
    """Write both."""
    catalog = fresh(kept())
    PO.write_bytes(po_bytes(catalog))
    MO.write_bytes(mo_bytes())
    for message in catalog:
        if message.id and not message.string:
            print(repr(message.id))


if __name__ == "__main__":
    main()
