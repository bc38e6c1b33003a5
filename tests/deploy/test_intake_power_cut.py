"""Power lost at any moment of the intake: the settings are the old or the new ones, whole, and the next start finishes the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from kengd.cli.intake_hands import Hands
from tests.deploy.card import BROKER, PASSWORD, Card, CutHands, PowerCut, key_table

DEEDS = [
    "write ca.pem",
    "write broker.pem",
    "write broker.key",
    "write broker.password",
    "write kengd.toml",
    "note kengd-da-nhan.txt",
    "remove kengd-loi.txt",
    "rename kengd.toml",
    "overwrite kengd-wipe.tmp",
    "remove kengd-wipe.tmp",
]


def _card(root: Path) -> tuple[Card, str]:
    card = Card(root)
    card.drop(card.settings("Kẻng cũ"))
    card.take()
    return card, card.settings("Kẻng mới", broker=BROKER) + key_table()


def test_the_deeds_come_in_the_order_that_a_power_cut_needs(tmp_path: Path) -> None:
    """Keys, settings, note, then the plain copy: renamed first, since half of it must never be read again."""
    card, text = _card(tmp_path)
    hands = CutHands()
    card.drop(text)
    card.take(hands)
    assert hands.done == DEEDS


@pytest.mark.parametrize("when", [0, 1, 2], ids=["before", "halfway", "after"])
@pytest.mark.parametrize("cut_at", range(len(DEEDS)), ids=DEEDS)
def test_a_power_cut_leaves_old_or_new_settings_and_the_next_start_finishes(
    tmp_path: Path, cut_at: int, when: int
) -> None:
    """Idempotent: what is found after the cut is whole, and one more start ends as if there had been no cut."""
    card, text = _card(tmp_path)
    old = card.kept()["kengd.toml"]
    card.drop(text)
    with pytest.raises(PowerCut):
        card.take(CutHands(cut_at=cut_at, when=when))
    found = card.kept()["kengd.toml"]
    assert found == old or ("Kẻng mới" in found[0] and found[1] == 0o640)
    still_there = (card.boot / "kengd.toml").exists()
    assert still_there or "Kẻng mới" in found[0]

    assert card.take().code == 0
    assert "Kẻng mới" in card.kept()["kengd.toml"][0]
    assert {name for name in card.kept() if name.startswith("keys/")} == {
        f"keys/{deed.split()[1]}" for deed in DEEDS[:4]
    }
    assert card.on_boot() == ["kengd-da-nhan.txt"]
    assert "ĐÃ NHẬN" in card.said("kengd-da-nhan.txt")


def test_half_a_wiped_file_is_never_taken_for_settings(tmp_path: Path) -> None:
    """It has another name by then; a start that finds it only gets rid of it."""
    card, _ = _card(tmp_path)
    before = card.kept()
    (card.boot / "kengd-wipe.tmp").write_text("rác" + PASSWORD)
    hands = CutHands()
    assert card.take(hands).code == 0
    assert (hands.done, card.kept()) == (["overwrite kengd-wipe.tmp", "remove kengd-wipe.tmp"], before)


def test_a_card_that_takes_nothing_more_changes_nothing_and_says_so(tmp_path: Path) -> None:
    """A full or failing card: the old settings stay, the file stays, the bell is not held up by an error that nobody caught."""
    from kengd.errors import KengdError

    class Full(Hands):
        def write(self, path: Path, data: bytes, mode: int, group: int | None = None) -> None:
            raise OSError(28, "No space left on device", str(path))

    card, text = _card(tmp_path)
    before = card.kept()
    card.drop(text)
    with pytest.raises(KengdError) as wrong:
        card.take(Full())
    assert wrong.value.code == "intake_failed" and card.kept() == before
    assert card.take().code == 0
