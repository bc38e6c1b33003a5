"""What the demo lays out, without starting anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kengd.__main__ import main
from kengd.cli.demo import find_mosquitto, open_pages
from kengd.cli.demo_commune import DemoCommune, demo_directory, lay_out
from kengd.cli.demo_greeting import greeting
from kengd.cli.demo_hub import PLACES_M
from kengd.errors import KengdError, UsageError
from kengd.hub.ledger import rosters
from kengd.hub.ledger.store import Ledger
from kengd.hub.settings import load_hub
from kengd.settings.find import load
from kengd.wire.pin import pin_holds, read_pins


def test_all_five_settings_files_are_good_settings(tmp_path: Path) -> None:
    """What the demo writes is what `kengd check` accepts: simulated pins, own state, own port, the hub's key."""
    directory = tmp_path / 'thử "hai" \\ ba'
    directory.mkdir()
    commune = lay_out(directory)
    loaded = [load(str(post.config)) for post in commune.posts]
    assert [one.plan.post_id for one in loaded] == [post.id for post in commune.posts]
    assert [one.plan.pins for one in loaded] == ["simulated"] * 5
    assert [one.plan.state_dir for one in loaded] == [str(post.directory / "state") for post in commune.posts]
    assert len({one.plan.run_dir for one in loaded}) == 5
    assert len({post.port for post in commune.posts} | {commune.broker_port}) == 6
    assert [one.warnings for one in loaded] == [()] * 5


def test_the_hub_key_stays_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    """A second start keeps the key, so that commands made before still verify; 0600 as for every key (P12)."""
    commune = lay_out(tmp_path)
    before = commune.hub_key.read_bytes()
    assert lay_out(tmp_path).hub_key.read_bytes() == before
    assert before.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert commune.hub_key.stat().st_mode & 0o777 == 0o600


def test_the_card_is_the_one_that_other_tools_read(tmp_path: Path) -> None:
    """demo.json has the shape of DESIGN section 8; its broker is the one that tools reach without certificates."""
    commune = lay_out(tmp_path)
    assert not commune.card.exists()
    commune.show_card()
    card = json.loads(commune.card.read_text())
    assert list(card) == ["broker", "hub_key", "kid", "posts", "hub"]
    assert card["hub"]["web"] == commune.web
    assert card["broker"] == {"host": "127.0.0.1", "port": commune.broker_port}
    assert Path(card["hub_key"]).is_file()
    assert card["posts"][4] == {
        "post": "cong-lac-5",
        "config": str(tmp_path / "cong-lac-5" / "kengd.toml"),
        "web": f"http://127.0.0.1:{commune.posts[4].port}",
    }


def test_the_broker_is_private_and_loses_nothing_it_confirmed(tmp_path: Path) -> None:
    """Loopback only; saved each second (the default of half an hour loses confirmed commands); no delay, no small queue;
    posts and hub come with certificates, other tools by the open listener."""
    commune = lay_out(tmp_path)
    settings = commune.broker_config.read_text().splitlines()
    listeners = [line for line in settings if line.startswith("listener")]
    assert listeners == [f"listener {commune.hub.tls_port} 127.0.0.1", f"listener {commune.broker_port} 127.0.0.1"]
    for line in ("set_tcp_nodelay true", "persistence true", "autosave_interval 1", "max_queued_messages 100000"):
        assert line in settings
    assert (
        settings.index("require_certificate true")
        < settings.index(listeners[1])
        < settings.index("allow_anonymous true")
    )


def test_posts_are_enrolled_anew_with_the_same_hub(tmp_path: Path) -> None:
    """Ports change with each start; the first officer, the roster and the authority stay, the posts' certificates are new."""
    first = lay_out(tmp_path)
    login, certificate = (
        first.hub.first_login.read_text(),
        (first.posts[0].directory / "keys" / "broker.pem").read_text(),
    )
    second = lay_out(tmp_path)
    assert second.hub.first_login.read_text() == login
    assert (second.posts[0].directory / "keys" / "broker.pem").read_text() != certificate
    assert load_hub(str(second.hub.config)).broker.port == second.hub.tls_port


def test_every_post_has_a_keeper_whose_pin_is_said_at_the_greeting(tmp_path: Path) -> None:
    """One PIN for all five, made once; each page has a port with HTTPS of its own."""
    commune = lay_out(tmp_path)
    pin = commune.hub.keeper_pin.read_text().strip()
    assert f"{pin} (mọi điểm như nhau)" in greeting(commune)
    webs = [load(str(post.config)).web for post in lay_out(tmp_path).posts]
    kept = [read_pins(Path(web.pins or "").read_text("utf-8")).by_name for web in webs]
    assert [list(by_name) for by_name in kept] == [[post.keeper] for post in commune.posts]
    assert all(pin_holds(next(iter(by_name.values())), pin) for by_name in kept)
    assert len({port for web in webs for port in (web.port, web.tls_port)}) == 10


def test_two_windows_are_opened_where_there_is_a_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--open: the desk and the first post; elsewhere the addresses are told, not a text browser in the greeting."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open_new", opened.append)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    commune = lay_out(tmp_path)
    open_pages(commune)
    assert opened == [] and "không có màn hình" in capsys.readouterr().out
    monkeypatch.setenv("DISPLAY", ":0")
    open_pages(commune)
    assert opened == [commune.web, f"{commune.posts[0].web}/"]


def test_the_villages_beside_one_another_are_asked_for_help(tmp_path: Path) -> None:
    """H13: so that "chi viện" can be tried, by an officer's hand; what somebody has changed there stays."""

    def helped(commune: DemoCommune) -> dict[str, set[tuple[str, bool]]]:
        ledger = Ledger(load_hub(str(commune.hub.config)).database_url)
        with ledger.write() as connection:
            found = rosters.read_roster(connection).neighbours
            rosters.put_neighbours(connection, "thon-3", ())
        ledger.close()
        villages = sorted({one.village for one in found})
        return {
            village: {(one.neighbour, one.by_itself) for one in found if one.village == village} for village in villages
        }

    assert helped(lay_out(tmp_path)) == {
        f"thon-{n}": {(f"thon-{(n - 2) % 5 + 1}", False), (f"thon-{n % 5 + 1}", False)} for n in range(1, 6)
    }
    assert sorted(helped(lay_out(tmp_path))) == ["thon-1", "thon-2", "thon-4", "thon-5"]


def test_the_posts_stand_on_the_map_and_stay_where_somebody_has_put_them(tmp_path: Path) -> None:
    """Posts can be chosen on the map from the first start on, and nobody has to place them twice."""

    def placed(commune: DemoCommune) -> list[tuple[float | None, float | None]]:
        ledger = Ledger(load_hub(str(commune.hub.config)).database_url)
        with ledger.write() as connection:
            found = [(post.x, post.y) for post in rosters.read_roster(connection).posts]
            rosters.place_post(connection, "cong-lac-2", 7.0, 9.0)
            rosters.place_post(connection, "cong-lac-3", None, None)
        ledger.close()
        return found

    first, second = placed(lay_out(tmp_path)), placed(lay_out(tmp_path))
    assert first == list(PLACES_M)
    assert second == [first[0], (7.0, 9.0), (None, None), *first[3:]]


def test_a_first_start_that_was_cut_short_is_begun_again(tmp_path: Path) -> None:
    """Without the first officer's password nobody could sign in."""
    lay_out(tmp_path).hub.first_login.unlink()
    assert lay_out(tmp_path).hub.first_login.exists()


def test_the_greeting_names_three_things_to_try_and_ends_with_the_way_out(tmp_path: Path) -> None:
    """Every command in it can be copied as it stands; the last line says Ctrl-C."""
    commune = lay_out(tmp_path)
    text = greeting(commune)
    assert text.splitlines()[-1] == "Bấm Ctrl-C để dừng tất cả."
    assert [line[0] for line in text.splitlines() if line[1:3] == ". "] == ["1", "2", "3"]
    for piece in ("/sim/press", f"--key {commune.hub_key} --kid demo-1", "journal show", "chỉ là ví dụ"):
        assert piece in text


def test_a_first_password_that_was_changed_is_not_printed_again(tmp_path: Path) -> None:
    """At the second start with the same directory: what opens nothing is no help; the command that sets a new one is."""
    commune = lay_out(tmp_path)
    login, password = commune.hub.first_login.read_text("utf-8").split()
    assert f"{login}, mật khẩu lần đầu {password}" in greeting(commune)
    assert main(["--config", str(commune.hub.config), "hub", "users", "password", login]) == 0
    commune = lay_out(tmp_path)
    text = greeting(commune)
    assert password not in text
    vi, en = text.index("mật khẩu lần đầu đã được đổi"), text.index(f"The first password of {login} was changed")
    assert vi < text.index(f"--config {commune.hub.config} hub users password {login}") < en


def test_without_mosquitto_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No root, no mosquitto: a sentence and what to type, not a traceback."""
    monkeypatch.setattr("kengd.cli.demo.shutil.which", lambda *_args, **_more: None)
    with pytest.raises(KengdError) as caught:
        find_mosquitto()
    assert caught.value.code == "no_mosquitto"
    assert "sudo apt-get install mosquitto" in caught.value.cure


def test_the_directory_follows_the_users_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """--dir, else $XDG_DATA_HOME, else ~/.local/share; a relative $XDG_DATA_HOME does not count (XDG base directories)."""
    monkeypatch.setenv("HOME", "/home/an")
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/data")
    assert demo_directory("/tmp/x") == Path("/tmp/x")
    assert demo_directory(None) == Path("/srv/data/kengd-demo")
    monkeypatch.setenv("XDG_DATA_HOME", "data")
    assert demo_directory(None) == Path("/home/an/.local/share/kengd-demo")
    with pytest.raises(UsageError):
        demo_directory("a\nb")


def test_a_directory_that_cannot_be_used_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file where the directory should be: a sentence, exit code 1."""
    (tmp_path / "demo").write_text("")
    assert main(["demo", "--dir", str(tmp_path / "demo")]) == 1
    assert "[demo_dir]" in capsys.readouterr().err
