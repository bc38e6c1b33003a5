"""A district's file for a commune, and the commune that names it in its settings: the bridge without an editor in mosquitto.conf."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kengd.__main__ import main
from kengd.hub.authority.authority import Authority
from kengd.hub.founding import Wish, found, write_broker
from kengd.hub.ledger import audits
from kengd.hub.ledger.store import Ledger
from kengd.hub.people.passwords import argon2
from kengd.hub.settings import load_hub
from tests.hub.authority_kit import NOW_MS


def test_a_commune_is_bridged_by_one_file_and_four_lines(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The district makes a secret file, the commune names it; away again, nothing of it stays. A file that is missing is said, and
    keeps nobody in who is shut out (R43)."""
    monkeypatch.setattr("kengd.hub.people.ground.argon2", lambda: argon2(time_cost=1, memory_kib=8))
    monkeypatch.chdir(tmp_path)
    above, below = tmp_path / "above.toml", tmp_path / "below.toml"
    found(Wish("tu-ky", "Huyện Tứ Kỳ", ("mqtt.tu-ky.example",), tmp_path / "above"), above, NOW_MS)
    found(Wish("cong-lac", "Cộng Lạc", ("10.0.0.5",), tmp_path / "below"), below, NOW_MS)

    def keys(*words: str) -> tuple[int, str]:
        code = main(["--config", str(above), "hub", "keys", "bridge", *words])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    code, told = keys("cong-lac")
    bundle = tmp_path / "bridge-cong-lac.pem"
    assert code == 0 and 'host = "mqtt.tu-ky.example"' in told and 'bundle = "bridge-cong-lac.pem"' in told
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    before = below.read_text("utf-8")
    below.write_text(f'{before}\n[district]\nhost = "mqtt.tu-ky.example"\nbundle = "bridge-cong-lac.pem"\n', "utf-8")
    authority, place = Authority.open(tmp_path / "below" / "authority"), tmp_path / "below" / "broker"
    assert set(write_broker(authority, load_hub(str(below))).changed) == {
        "mosquitto.conf",
        "bridge.pem",
        "bridge-ca.pem",
    }
    lines = (place / "mosquitto.conf").read_text("utf-8").splitlines()
    assert "address mqtt.tu-ky.example:8883" in lines and not [
        line for line in lines if line.startswith("topic +/command")
    ]
    below.write_text(below.read_text("utf-8") + "commands_down = true\n", "utf-8")
    write_broker(authority, load_hub(str(below)))
    assert "topic +/command in 1 kengd/1/cong-lac/ kengd/1/cong-lac/" in (place / "mosquitto.conf").read_text("utf-8")
    bundle.rename(tmp_path / "gone.pem")
    assert write_broker(authority, load_hub(str(below))).changed == (), "what is in force stays"
    (errors,) = [record.getMessage() for record in caplog.records if record.name == "kengd.hub"]
    assert "stays as it was" in errors and "bridge-cong-lac.pem" in errors
    authority.revoke("hub-shell", "mất", NOW_MS, purpose="hub")
    assert write_broker(authority, load_hub(str(below))).changed == ("crl.pem", "acl"), "and whoever is shut out is out"
    below.write_text(before, "utf-8")
    write_broker(authority, load_hub(str(below)))
    assert (
        not (place / "bridge.pem").exists()
        and "connection" not in (place / "mosquitto.conf").read_text("utf-8").split()
    )
    first = Authority.open(tmp_path / "above" / "authority").index.valid("bridge", "cong-lac")
    assert keys("cong-lac")[0] == 0
    assert keys("cong-lac", "--end")[0] == 0
    for words, code_ in (
        (("hub-1",), "reserved_name"),
        (("Xã",), "bad_slug"),
        (("cong-lac", "--end"), "not_enrolled"),
        ((), "usage"),
    ):
        assert f"[{code_}]" in keys(*words)[1]
    index = Authority.open(tmp_path / "above" / "authority").index
    assert len(first) == 1 and index.valid("bridge") == ()
    ledger = Ledger(load_hub(str(above)).database_url)
    with ledger.read() as connection:
        acts = [line.act for line in audits.read(connection) if line.act.startswith("bridge")]
    ledger.close()
    assert acts == ["bridge_made", "bridge_made", "bridge_revoked"]
