"""The settings reference is made from the models, so it cannot be out of date."""

from __future__ import annotations

import tomllib

from kengd.settings.field import Section
from kengd.settings.find import EXAMPLE
from kengd.settings.reference import render


def every_section(section: type[Section] = Section) -> list[type[Section]]:
    """All tables of the settings."""
    return [found for inner in section.__subclasses__() for found in (inner, *every_section(inner))]


def test_every_field_has_its_reason_in_two_languages_and_numbers_have_bounds() -> None:
    """DESIGN section 5: bound, unit and reason stand beside the field."""
    for section in every_section():
        for name, field in section.model_fields.items():
            extra = field.json_schema_extra
            assert field.description and isinstance(extra, dict) and extra["en"], f"{section.__name__}.{name}"
            if field.annotation in (int, int | None):
                kinds = {type(bound).__name__ for bound in field.metadata}
                assert {"Ge", "Le"} <= kinds, f"{section.__name__}.{name}"


def test_the_reference_names_every_table_and_key_of_the_example() -> None:
    """What people see in the example they find explained."""
    text = render()
    data = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    for table, content in data.items():
        content = content[0] if isinstance(content, list) else content
        if isinstance(content, dict):
            assert f"[{table}]" in text
            for key, value in content.items():
                shown = f"`[{table}.{key}]`" if isinstance(value, dict) else f"`{key}`"
                assert shown in text or f"`[[{table}.{key}]]`" in text, (table, key)
        else:
            assert f"`{table}`" in text


def test_the_reference_is_tables_of_markdown() -> None:
    """It goes into the README as it is."""
    rows = [line for line in render().splitlines() if line.startswith("|")]
    assert len(rows) > 100
    assert all(row.replace("\\|", "").count("|") == 5 for row in rows)
