"""Finding and reading the settings: order of search, the example, warnings, hostile text (section 8, H12, H18, H23)."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kengd.errors import UsageError
from kengd.settings import find, where
from kengd.settings.bell import Siren, Striker
from kengd.settings.find import load
from kengd.settings.plan import BrokerPlan, HubKeyPlan, Limits
from kengd.settings.problems import SettingsError

Write = Callable[..., str]
ROOT = Path(__file__).parents[2]


def warnings(config: str) -> str:
    """All warnings in one text."""
    return "\n".join(problem.for_people() for problem in load(config).warnings)


def test_the_file_is_searched_in_the_order_of_section_8(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--config`, else $KENGD_CONFIG, else /etc/kengd/kengd.toml, else the example, which is said on stderr."""
    text = Path(write()).read_text()
    files = {name: tmp_path / f"{name}.toml" for name in ("given", "named", "etc")}
    for name, path in files.items():
        path.write_text(text.replace("Kẻng thôn 1", name))
    monkeypatch.setenv("KENGD_CONFIG", str(files["named"]))
    assert load(str(files["given"])).plan.name == "given"
    assert load(None).plan.name == "named"
    monkeypatch.delenv("KENGD_CONFIG")
    assert load(None).plan.name == "etc"
    assert capsys.readouterr().err == ""
    files["etc"].unlink()
    assert load(None).is_example
    assert "tệp mẫu" in capsys.readouterr().err


def test_run_never_takes_the_example() -> None:
    """Section 8: `run` and `off` never use the example."""
    for call in (lambda: load(None, allow_example=False), lambda: where.required_config(None)):
        with pytest.raises(UsageError) as caught:
            call()
        assert (caught.value.code, caught.value.exit_code) == ("no_config", 2)


def test_a_file_that_was_named_and_is_not_there_is_an_error_not_the_example(tmp_path: Path) -> None:
    """A mistyped --config must not ring another bell."""
    missing = str(tmp_path / "missing.toml")
    for call in (load, where.run_dir, where.state_dir):
        with pytest.raises(UsageError) as caught:
            call(missing)
        assert caught.value.code == "config_unreadable"


def test_a_post_whose_own_file_was_lost_can_still_be_stopped(tmp_path: Path) -> None:
    """P1: `kengd off` and `hush` find the system's places when /etc/kengd/kengd.toml is gone."""
    with pytest.raises(UsageError):
        where.run_dir(None)
    (tmp_path / "run").mkdir()
    assert (where.run_dir(None), where.state_dir(None)) == (tmp_path / "run", tmp_path / "var")


def test_the_built_in_example_is_the_one_in_deploy() -> None:
    """Section 8: the same file, byte for byte."""
    assert find.EXAMPLE.read_bytes() == (ROOT / "deploy" / "kengd.example.toml").read_bytes()


def test_the_example_is_valid_and_on_real_pins() -> None:
    """Whoever copies it has a post that rings, or says why not; never a simulated one by accident (P11)."""
    loaded = load(str(find.EXAMPLE))
    assert (loaded.plan.pins, loaded.plan.commune, loaded.codebook.name) == ("kengd", "cong-lac", "cong_lac")
    assert [line.id for line in loaded.timetable] == ["22:00/curfew"]
    assert loaded.limits == Limits()


def test_what_is_written_arrives_in_the_plans(write: Write, tmp_path: Path) -> None:
    """Seconds become ms, paths absolute; a hush button has no hold of its own."""
    loaded = load(write(('ca = "ca.pem"', 'ca = "ca.pem"\ncert = "/c.pem"\nkey = "k/k.pem"\nversion = 5')))
    assert loaded.broker == BrokerPlan("127.0.0.1", 8883, f"{tmp_path}/ca.pem", "/c.pem", f"{tmp_path}/k/k.pem", "5", 8)
    assert loaded.hub_keys == (HubKeyPlan("k1", "A" * 43),)
    assert loaded.plan.state_dir == f"{tmp_path}/state"
    assert [(button.name, button.does, button.hold_ms) for button in loaded.plan.buttons] == [
        ("alarm", "alarm", 1000),
        ("hush", "hush", 40),
    ]
    assert loaded.plan.slow_roll.duration_ms is None and loaded.plan.drill_prefix.duration_ms is not None


def test_defaults_are_those_of_the_profiles() -> None:
    """One source for each default: the bell's profile itself."""
    from kengd.bellcode.profile import SirenProfile, StrikerProfile

    assert Striker().profile() == StrikerProfile()
    assert Siren(kind="siren").profile() == SirenProfile()


def test_a_siren_plays_the_sirens_codebook(write: Write) -> None:
    """A post may be a siren (điểm còi)."""
    config = write(('kind = "striker"', 'kind = "siren"'), ("cong_lac", "coi_hu"))
    assert load(config).profile.kind == "siren"


@pytest.mark.parametrize("book", ["cong_lac", "nam_ngan", "ea_o", "ta_gia_khau"])
def test_every_shipped_codebook_is_usable_on_the_default_bell(write: Write, book: str) -> None:
    """CODEBOOKS: any of them can be chosen by name alone, and none is mistaken for another (H12, H16, H18)."""
    said = [problem for problem in load(write(("cong_lac", book))).warnings if problem.where.startswith("codebook")]
    assert said == []


def test_a_post_without_broker_keys_and_alarm_button_is_valid_and_says_what_is_missing(write: Write) -> None:
    """H23: no hub, no broker, no key is no error."""
    text = Path(write(('does = "alarm"', 'does = "meeting"'), ('does = "hush"', 'does = "meeting"'))).read_text()
    config = Path(write())
    config.write_text(text[: text.index("[broker]")])
    loaded = load(str(config))
    assert (loaded.broker, loaded.hub_keys) == (None, ())
    said = warnings(str(config))
    assert "[broker]" in said and "nút báo động" in said and "nút dừng" in said
    assert "khoá nào" in warnings(write(('kid = "k1"', 'kid = "k1"\nrevoked = true')))


def test_codes_that_sound_alike_or_lack_an_evacuation_are_warned_of(write: Write) -> None:
    """H12, H18: the settings are usable, but `check` says what people will mistake."""
    use = 'use = "cong_lac"'
    alike = write(
        (use, f'{use}\n[codebook.signals.curfew]\npattern = "(3 tiếng dồn dập; nghỉ 1 giây) 9 lần"'),
        ("alarm_s = 180", "alarm_s = 180"),
    )
    same = '\n[codebook.signals.alarm]\npattern = "(3 tiếng dồn dập; nghỉ 1 giây) đến khi dừng"'
    Path(alike).write_text(Path(alike).read_text() + same)
    assert "giống" in warnings(alike)
    assert "sơ tán" in warnings(write((use, f"{use}\nsignals.evacuation.remove = true")))


def test_relay_polarity_that_the_boot_level_switches_on_is_warned_of(write: Write) -> None:
    """R10: an active-low relay on a pin that is pulled down at power-on."""
    real = ('pins = "simulated"', 'pins = "kengd"')
    assert "tự xuống mức thấp" in warnings(write(real, ("pin = 17", "pin = 17, active_low = true")))
    assert "tự xuống mức thấp" not in warnings(write(real))
    assert "rơ-le" not in warnings(write(real, ("pin = 17", "pin = 4, active_low = true")))
    assert "SPI" in warnings(write(real, ("pin = 17", "pin = 11")))


TEXT = (ROOT / "deploy" / "kengd.example.toml").read_text(encoding="utf-8")


def usable_or_settings_error(path: Path, raw: bytes) -> None:
    """Nothing but SettingsError (or UsageError for a file that is no file) comes out, and the start path agrees."""
    path.write_bytes(raw)
    with contextlib.suppress(SettingsError):
        load(str(path))
    where.state_dir(str(path))
    where.run_dir(str(path))


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_settings_with_random_mistakes_never_end_in_anything_but_a_settings_error(tmp_path: Path, seed: int) -> None:
    """R27: whatever a person does to the file, he is told what is wrong with it."""
    chance = random.Random(seed)
    lines = [line for line in TEXT.splitlines() if line and not line.startswith("#")]
    values = [
        "-1",
        "1e400",
        "nan",
        "[]",
        "{}",
        '""',
        "true",
        "99999999999999999999",
        '"\\u0000"',
        "[[1]]",
        "1979-05-27",
        "'x'",
    ]
    for _ in range(chance.randint(1, 4)):
        n = chance.randrange(len(lines))
        match chance.randrange(6):
            case 0:
                del lines[n]
            case 1:
                lines.insert(n, lines[chance.randrange(len(lines))])
            case 2:
                lines[n] = lines[n].partition("=")[0] + "= " + chance.choice(values)
            case 3:
                at = chance.randrange(len(lines[n]) + 1)
                lines[n] = lines[n][:at] + chance.choice("[]{}=\"'\\#.\0é") + lines[n][at + 1 :]
            case 4:
                lines[n] = f"{chance.choice('abcxyz')} = {chance.choice(values)}"
            case 5:
                lines[n] = (
                    f"[{chance.choice(['post', 'bell.x', 'codebook.signals.a', '[gpio.buttons]', 'gpio.inputs', 'hub'])}]"
                )
    usable_or_settings_error(tmp_path / "k.toml", "\n".join(lines).encode())


@given(raw=st.binary(max_size=200))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_bytes_end_in_a_settings_error(tmp_path: Path, raw: bytes) -> None:
    """R27: a card that lost its file system is told, not crashed on."""
    usable_or_settings_error(tmp_path / "k.toml", raw)


@pytest.mark.parametrize("text", ["x = " + "[" * 20_000, "a" + ".a" * 3_000 + " = 1", "x = " + "9" * 10_000])
def test_hostile_nesting_ends_in_a_settings_error(tmp_path: Path, text: str) -> None:
    """A deeply nested file is no way to end the program."""
    path = tmp_path / "k.toml"
    path.write_text(text)
    with pytest.raises(SettingsError):
        load(str(path))
    where.run_dir(str(path))


def test_a_file_that_is_too_large_or_no_file_is_a_usage_error(tmp_path: Path) -> None:
    """A wrong path given by mistake is told in a sentence."""
    path = tmp_path / "k.toml"
    path.write_bytes(b"#" * where.LARGEST_FILE + b"\n")
    for wrong in (str(path), str(tmp_path), "/dev/null/x", "a\0b"):
        with pytest.raises(UsageError):
            load(wrong)


def test_a_page_whose_pins_go_unencrypted_over_the_village_is_warned_of(write: Write) -> None:
    """P12: on the Wi-Fi a PIN can be read along; on this very machine, or with HTTPS beside, there is nothing to say."""
    open_to_all = '\n[web]\nhost = "0.0.0.0"\npins = "web.pins"\n'
    assert "mã PIN có thể bị nghe lén" in warnings(write(more=open_to_all))
    assert "nghe lén" not in warnings(write(more=open_to_all.replace("0.0.0.0", "127.0.0.1")))
    secure = 'tls_port = 8443\ncert = "web.pem"\nkey = "web.key"\n'
    assert "nghe lén" not in warnings(write(more=open_to_all + secure))
    web = load(write(more=open_to_all + secure)).web
    assert web.cert is not None and Path(web.cert).is_absolute()


@pytest.mark.parametrize(
    "wrong", ["tls_port = 8480", "tls_port = 8443", 'cert = "a.pem"', 'key = "a.key"\ntls_port = 8443', "tls_port = 0"]
)
def test_https_is_a_port_of_its_own_with_certificate_and_key(write: Write, wrong: str) -> None:
    """A half is no HTTPS, and must not look like one."""
    with pytest.raises(SettingsError) as caught:
        load(write(more=f"\n[web]\n{wrong}\n"))
    assert [problem.where for problem in caught.value.problems] in (["web"], ["web.tls_port"])
