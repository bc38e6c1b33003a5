"""Orders that change the post are carried out by the settings desk; what goes wrong there becomes a refusal."""

from __future__ import annotations

from kengd.errors import KengdError
from kengd.office.desk_words import Refusal, SettingsDesk
from kengd.wire.orders import LockInput, NewCodebook, NewTimetable, Order, Silence, Taken


def settle(order: Order, desk: SettingsDesk) -> Refusal | None:
    """None when done. A KengdError or OSError of the desk is answered `cannot_play` with its text."""
    try:
        return _settle(order, desk)
    except KengdError as wrong:
        return Refusal("cannot_play", {"code": wrong.code, "vi": wrong.vi, "cure": wrong.cure})
    except OSError as wrong:
        return Refusal("cannot_play", {"code": "io", "vi": "điểm kẻng không ghi được thay đổi", "en": str(wrong)})


def _settle(order: Order, desk: SettingsDesk) -> Refusal | None:
    if isinstance(order, Silence):
        return desk.silence(order.until)
    if isinstance(order, LockInput):
        return desk.lock_input(order.button, order.locked)
    if isinstance(order, NewCodebook):
        return desk.apply_codebook(order.version, order.codebook)
    if isinstance(order, NewTimetable):
        return desk.apply_timetable(order.version, order.timetable)
    assert isinstance(order, Taken)
    return desk.taken(order.activation, order.by)
