"""How a settings field is written down: default, bound, unit and reason side by side."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Section(BaseModel):
    """A table of the settings file: no unknown keys, no guessing of types (`"15"` is not 15), unchangeable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Wrong(ValueError):
    """What a validator finds wrong with a value, in Vietnamese, with its cure; `en`: the same in English, for logs."""

    def __init__(self, vi: str, cure: str, en: str = "") -> None:
        super().__init__(vi)
        self.cure, self.en = cure, en or vi


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
FilePath = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]


def setting(default: Any, vi: str, en: str, *, unit: str = "", **bounds: Any) -> Any:
    """A field: `vi` and `en` say what it does and why it is bounded so; `bounds` are pydantic's ge, le, max_length …"""
    return Field(default, description=vi, json_schema_extra={"en": en, "unit": unit}, **bounds)
