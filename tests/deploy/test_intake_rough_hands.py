"""The intake in clumsy hands and on a bad day: spoilt certificates, full partitions, a tight umask, old keys kept as comments."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from kengd.cli.intake_hands import Hands
from kengd.cli.time_source import follow
from kengd.errors import KengdError
from kengd.settings.keycheck import key_problems
from kengd.settings.plan import BrokerPlan
from tests.deploy.card import BROKER, Card, key_table
from tests.deploy.pem import pair


def _spoilt(certificate: str, at: int) -> str:
    """One byte of it is another."""
    raw = bytearray(base64.b64decode("".join(certificate.splitlines()[1:-1])))
    raw[at] ^= 0x15
    return "-----BEGIN CERTIFICATE-----\n" + base64.b64encode(raw).decode() + "\n-----END CERTIFICATE-----\n"


def test_a_certificate_spoilt_in_any_byte_is_a_sentence_and_never_a_crash() -> None:
    """What cannot be explained would be tried again at each start, with nothing on the partition to say why."""
    certificate, private = pair("thon-1")
    size = len(base64.b64decode("".join(certificate.splitlines()[1:-1])))
    for at in range(size):
        spoilt = _spoilt(certificate, at)
        keys = {"ca.pem": spoilt, "broker.pem": spoilt, "broker.key": private}
        for problem in key_problems(keys, dict.fromkeys(keys, 1)):
            assert problem.where.startswith("keys.") and problem.cure


def test_a_partition_without_room_for_the_note_still_loses_the_plain_key(tmp_path: Path) -> None:
    """Else the key lies there for ever, and the file is taken anew at each start, over whatever was edited since."""

    class NoRoom(Hands):
        def note(self, path: Path, data: bytes) -> None:
            raise OSError(28, "No space left on device", str(path))

    card = Card(tmp_path)
    card.drop(card.settings(broker=BROKER) + key_table())
    assert card.take(NoRoom()).code == 0
    assert card.on_boot() == [] and "keys/broker.key" in card.kept()


def test_a_card_with_room_for_some_of_the_keys_takes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new certificate beside the old private key: no line to the hub, on settings that nobody changed."""
    card = Card(tmp_path)
    card.drop(card.settings(broker=BROKER) + key_table())
    card.take()
    before = card.kept()
    card.drop(key_table(broker_pem=pair("thon-2")[0], broker_key=pair("thon-2")[1]))
    real = os.statvfs

    def nearly_full(path: str | Path) -> object:
        return SimpleNamespace(f_flag=real(path).f_flag, f_frsize=4096, f_bfree=3)

    monkeypatch.setattr(os, "statvfs", nearly_full)
    with pytest.raises(KengdError):
        card.take()
    assert card.kept() == before
    monkeypatch.undo()
    assert card.take().code == 0


def test_an_old_key_kept_as_a_comment_does_not_get_into_the_settings(tmp_path: Path) -> None:
    """The settings are for the post's user and for anybody who is shown them; the comment of the next table stays."""
    card = Card(tmp_path)
    old = "".join(f"# {line}\n" for line in f'"broker.key" = """\n{pair("old")[1]}"""'.splitlines())
    card.drop(card.settings(broker=BROKER) + key_table() + old + "# trang web\n[web]\nport = 8480\n")
    assert card.take().code == 0
    settings = card.kept()["kengd.toml"][0]
    assert "PRIVATE" not in settings and pair("old")[1].splitlines()[1] not in settings
    assert settings.endswith("# trang web\n[web]\nport = 8480\n")


def test_with_the_umask_of_the_unit_the_post_can_still_read_what_is_for_it(tmp_path: Path) -> None:
    """kengd-intake.service has UMask=0077; the settings and the clock's source are read by other users than root."""
    card = Card(tmp_path)
    card.etc.rmdir()
    chrony, timesyncd = tmp_path / "chrony/sources.d/kengd.sources", tmp_path / "systemd/timesyncd.conf.d/kengd.conf"
    chrony.parent.mkdir(parents=True)
    timesyncd.parent.mkdir(parents=True)
    card.drop(card.settings())
    before = os.umask(0o077)
    try:
        assert card.take().code == 0
        assert follow(BrokerPlan(host="10.0.0.1", port=8883), chrony, timesyncd) == "10.0.0.1"
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (card.etc, chrony, timesyncd)] == [0o755, 0o644, 0o644]


def test_simulated_pins_are_taken_but_said(tmp_path: Path) -> None:
    """P11: asked for by name. A villager who presses a button that does nothing did not ask."""
    card = Card(tmp_path)
    card.drop(card.settings())
    assert card.take().code == 0
    assert "chân mô phỏng" in card.said("kengd-da-nhan.txt")
    card.drop(card.settings().replace('"simulated"', '"kengd"'))
    assert card.take().code == 0
    assert "chân mô phỏng" not in card.said("kengd-da-nhan.txt")
