"""What clients may send about codebooks and timetables: every field bounded; whether a bell can play it is not asked here."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from kengd.hub.desk.forms import ActForm, Form, SignalId, Version, Where, Words

MOST_SIGNALS: Final = 40
MOST_LINES: Final = 60
Rev = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{16})?$")]
PatternText = Annotated[str, StringConstraints(max_length=600)]
BellName = Annotated[str, StringConstraints(pattern=r"^(striker|siren|post:[a-z0-9-]{1,40})$")]
"""The usual bell, the usual siren, or that of a post."""
KindName = Literal["alarm", "support", "all_clear", "curfew", "routine"]
Ms = Annotated[int, Field(ge=0, le=3_600_000)]


class SignalForm(Form):
    """One signal, said whole. `pattern` in the notation; it need not be readable yet."""

    id: SignalId
    kind: KindName
    name: Words
    name_en: Annotated[str, StringConstraints(max_length=200)] = ""
    meaning: Annotated[str, StringConstraints(max_length=200)] = ""
    pattern: PatternText


class CodebookDraftForm(Form):
    """`rev`: of the draft that was read, "" where there was none. `bell`: whose ears warnings are for."""

    rev: Rev
    use: SignalId
    signals: Annotated[list[SignalForm], Field(min_length=1, max_length=MOST_SIGNALS)]
    bell: BellName = "striker"


class LineForm(Form):
    """One line of a timetable as people write it (`kengd.duty.lines`)."""

    at: Annotated[str, StringConstraints(max_length=20)]
    days: Annotated[str, StringConstraints(max_length=100)] = "daily"
    signal: SignalId
    grace_s: Annotated[int, Field(ge=0, le=3_600)] = 300
    except_: list[Annotated[str, StringConstraints(max_length=60)]] = Field(default=[], max_length=100, alias="except")


class DaysForm(Form):
    """Lines to be looked at."""

    lines: Annotated[list[LineForm], Field(max_length=MOST_LINES)]


class TimetableDraftForm(DaysForm):
    """`rev` as for a codebook."""

    rev: Rev


class StrikeForm(Form):
    """The draft that is not wanted any more."""

    rev: Rev


class TapsForm(Form):
    """[press, release] in ms since the first tap."""

    taps: Annotated[list[Annotated[list[Ms], Field(min_length=2, max_length=2)]], Field(min_length=1, max_length=1_000)]
    bell: BellName = "striker"


class SendForm(Where, ActForm):
    """Either the draft of this `rev`, or what was sent under `version` before. `number`: under which it is to go out."""

    rev: Rev | None = None
    version: Version | None = None
    number: Version
