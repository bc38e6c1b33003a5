"""Alarms for all posts that waited for a second yes: what became of the question when nobody answered it."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from kengd.cli import hub_dispatch
from kengd.errors import KengdError
from kengd.hub.act_ground import CONFIRM_WITHIN_MS, Actor
from kengd.hub.acts import Acts
from kengd.hub.confirmations import NeedsConfirming, forget_confirmations
from kengd.hub.dispatcher import Dispatcher
from kengd.hub.herald import HOUR_MS, Herald
from kengd.hub.ledger import values
from kengd.hub.ledger.store import Ledger
from kengd.hub.ring_acts import RingWish
from kengd.hub.roster import Post, Roster
from kengd.hub.settings import HubSettings
from tests.hub.spine_kit import COMMUNE, KEY, KID, T0, Clock, Mouth

ROSTER = Roster((Post("thon-1", "Kẻng 1"), Post("thon-2", "Kẻng 2")))
HUNG, LAN = Actor("o1", "Đ/c Hùng"), Actor("o2", "Đ/c Lan")


def acts_of(ledger: Ledger, clock: Clock) -> Acts:
    dispatcher = Dispatcher(ledger, COMMUNE, Mouth(), lambda: (KID, KEY), dict, clock)
    return Acts(ledger, dispatcher, lambda: ROSTER, dict, frozenset({"alarm"}), clock, second_officer=True)


def asked(acts: Acts, number: int) -> str:
    """An alarm for all posts; the token of its question."""
    with pytest.raises(NeedsConfirming) as needs:
        acts.ring(HUNG, RingWish(f"act-{number:08}", "alarm", "actual", ("thon-1", "thon-2"), "cháy"))
    return needs.value.token


def test_the_question_counts_no_households_where_nobody_has_entered_them() -> None:
    """ "0 hộ sẽ nghe thấy" would say that the order harms nobody."""
    assert NeedsConfirming("t", 3, 0, by_second=False).vi.endswith("tất cả 3 điểm kẻng, chưa ghi số hộ")
    assert NeedsConfirming("t", 3, 200, by_second=False).vi.endswith("tất cả 3 điểm kẻng, 200 hộ sẽ nghe thấy")


def test_the_shell_does_not_advise_what_was_just_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --yes it has waited for a second officer: what helps then is to call one, or to say why nobody can."""

    class Alone:
        def ring(self, *_: object) -> None:
            raise NeedsConfirming("t", 3, 200, by_second=True)

    monkeypatch.setattr(hub_dispatch, "CONFIRM_WITHIN_MS", 0)
    args = argparse.Namespace(
        alone_why=None, signal="alarm", purpose="actual", why="cháy", at=None, first=None, gap=0, by=None, yes=False
    )
    for yes, wanted in ((False, hub_dispatch.SECOND), (True, hub_dispatch.NOBODY)):
        args.yes = yes
        with pytest.raises(NeedsConfirming) as asked:
            hub_dispatch._ring(Alone(), args, "act-00000001", ["thon-1"])  # type: ignore[arg-type]
        assert (asked.value.cure, "--yes" in asked.value.cure) == (wanted, not yes)


def kept(ledger: Ledger) -> set[str]:
    with ledger.read() as connection:
        return {key.removeprefix("confirm:") for key in values.under(connection, "confirm:")}


def test_a_question_that_has_lapsed_is_struck_and_one_that_waits_is_not(ledger: Ledger) -> None:
    """R62. What waits stays and is confirmed by another; what is older than two minutes, or dated ahead, is nobody's any more."""
    clock = Clock(T0)
    acts = acts_of(ledger, clock)
    old = asked(acts, 1)
    clock.now_ms = T0 + CONFIRM_WITHIN_MS
    new = asked(acts, 2)
    clock.now_ms = T0 + 30 * 86_400_000
    ahead = asked(acts, 3)
    clock.now_ms = T0 + CONFIRM_WITHIN_MS
    with ledger.write() as connection:
        values.put_value(connection, "lock", "{}")
        assert forget_confirmations(connection, clock()) == 2
    assert (kept(ledger), {old, ahead} & kept(ledger)) == ({new}, set())
    with ledger.read() as connection:
        assert values.value_of(connection, "lock") == "{}"
    acts.confirm(LAN, new)
    with pytest.raises(KengdError) as gone:
        acts.confirm(LAN, old)
    assert gone.value.code == "no_such_confirmation"


def test_the_herald_strikes_them_once_an_hour(ledger: Ledger, tmp_path: Path) -> None:
    """What is slow to change is looked at once an hour; nothing in the ledger grows for ever."""
    clock = Clock(T0)
    settings = HubSettings.model_validate(
        {"state_dir": str(tmp_path), "commune": {"id": COMMUNE, "name": "Cộng Lạc"}, "broker": {"names": ["10.0.0.1"]}}
    )
    herald = Herald(settings, ledger, lambda: ROSTER, dict, lambda _: (), clock, deliver={})
    acts = acts_of(ledger, clock)
    herald.turn()
    token = asked(acts, 1)
    clock.now_ms += HOUR_MS - 1
    herald.turn()
    assert kept(ledger) == {token}
    clock.now_ms += 1
    herald.turn()
    assert kept(ledger) == set()
