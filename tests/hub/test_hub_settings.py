"""hub.toml: an unknown key, a value out of bounds or a clash stops the start, with line, reason and cure (R27, H18, P12)."""

from __future__ import annotations

from pathlib import Path

import pytest

from kengd.errors import UsageError
from kengd.hub.settings import LARGEST, VARIABLE, HubSettings, load_hub, read_hub
from kengd.settings.problems import Problem, SettingsError

GOOD = """\
[commune]
id = "cong-lac"
name = "Xã Cộng Lạc"

[broker]
names = ["10.0.0.1", "hub.lan"]
"""
HERE = Path("/etc/kengd/hub.toml")


def read(text: str) -> HubSettings:
    return read_hub(text.encode(), HERE)


def problems(text: str | bytes) -> tuple[Problem, ...]:
    raw = text.encode() if isinstance(text, str) else text
    with pytest.raises(SettingsError) as caught:
        read_hub(raw, HERE)
    assert (caught.value.exit_code, caught.value.code) == (2, "settings_invalid")
    return caught.value.problems


def test_little_has_to_be_written() -> None:
    """SQLite in the state directory, TLS on, the desk on loopback."""
    found = read(GOOD)
    assert (found.state, found.authority) == (Path("/var/lib/kengd-hub"), Path("/var/lib/kengd-hub/authority"))
    assert found.database_url == "sqlite:////var/lib/kengd-hub/ledger.sqlite"
    assert (found.broker.tls, found.broker.host, found.broker.port, found.web.host) == (
        True,
        "127.0.0.1",
        8883,
        "127.0.0.1",
    )
    assert (found.duty.call_after_s, found.duty.alarm_all, found.duty.silent_test_at) == (60, "confirm", "03:30")


def test_relative_paths_begin_at_the_file() -> None:
    """Wherever the program was started from."""
    found = read('state_dir = "state"\n' + GOOD + '[web]\ncert = "tls/hub.pem"\nkey = "/keys/hub.key"\n')
    assert (found.state_dir, found.web.cert, found.web.key) == (
        "/etc/kengd/state", "/etc/kengd/tls/hub.pem", "/keys/hub.key"
    )  # fmt: skip


def test_postgresql_is_used_where_a_url_says_so() -> None:
    """Several workers, several communes."""
    url = "postgresql://kengd:x@db/kengd"
    assert read(GOOD + f'[database]\nurl = "{url}"\n').database_url == url


@pytest.mark.parametrize(
    ("text", "where", "line", "cure"),
    [
        (GOOD.replace("names", "nmaes"), "broker.nmaes", 6, "names"),
        (GOOD + "[duty]\ncall_afters_s = 5\n", "duty.call_afters_s", 8, "call_after_s"),
        (GOOD + "[databse]\n", "databse", 7, "database"),
        (GOOD + "[web]\nport = 80\nportt = 1\n", "web.portt", 9, "port"),
    ],
)
def test_an_unknown_key_stops_the_start_and_the_likely_one_is_named(
    text: str, where: str, line: int, cure: str
) -> None:
    """A misspelt limit must not silently be the default."""
    found = next(problem for problem in problems(text) if problem.code == "unknown_key")
    assert (found.where, found.line) == (where, line)
    assert f'"{cure}"' in found.cure


BOUNDS = [
    ("broker", "port", "0", "65536", "1", "65535"),
    ("broker", "keepalive_s", "1", "301", "2", "300"),
    ("web", "port", "-1", "65536", "0", "65535"),
    ("duty", "call_after_s", "9", "3601", "10", "3600"),
    ("duty", "alone_after_s", "4", "601", "5", "600"),
    ("duty", "test_within_s", "9", "601", "10", "600"),
    ("duty", "keep_personal_days", "0", "3651", "1", "3650"),
]


def with_line(section: str, line: str) -> str:
    """The good file with a further line in this section."""
    if section == "broker":
        return GOOD + line + "\n"
    return GOOD + f"[{section}]\n{line}\n"


@pytest.mark.parametrize(("section", "key", "below", "above", "least", "most"), BOUNDS)
def test_bounds_hold_at_both_ends_and_are_said(
    section: str, key: str, below: str, above: str, least: str, most: str
) -> None:
    """The last value that is good is good, the next is refused with its place, and the bound is told."""
    for value in (least, most):
        assert str(getattr(getattr(read(with_line(section, f"{key} = {value}")), section), key)) == value
    for value, bound in ((below, least), (above, most)):
        (found,) = problems(with_line(section, f"{key} = {value}"))
        assert (found.code, found.where, found.line) == ("value", f"{section}.{key}", 7 if section == "broker" else 8)
        assert bound in found.cure


@pytest.mark.parametrize(
    ("section", "line", "part"),
    [
        ("duty", 'silent_test_at = "24:00"', "silent_test_at"),
        ("duty", 'silent_test_at = "3:30"', "silent_test_at"),
        ("duty", 'alarm_all = "yes"', "alarm_all"),
        ("duty", 'call_after_s = "60"', "call_after_s"),
        ("duty", "call_after_s = 60.5", "call_after_s"),
        ("broker", 'host = "mqtt://10.0.0.1"', "host"),
        ("broker", 'client = "Hub 1"', "client"),
        ("broker", "tls = 1", "tls"),
        ("database", 'url = ""', "url"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_cure(section: str, line: str, part: str) -> None:
    """Vietnamese, with what to write instead."""
    (found,) = problems(with_line(section, line))
    assert (found.code, found.where) == ("value", f"{section}.{part}")
    assert found.vi and found.cure


def test_what_is_missing_is_named_with_what_it_is_for() -> None:
    """An empty file says all that it needs."""
    assert {(found.code, found.where) for found in problems("")} == {("missing", "commune"), ("missing", "broker")}
    (found,) = problems(GOOD.replace('id = "cong-lac"\n', ""))
    assert (found.code, found.where) == ("missing", "commune.id")
    assert "mã xã" in found.cure
    assert [item.where for item in problems(GOOD.replace('["10.0.0.1", "hub.lan"]', "[]"))] == ["broker.names"]


def test_without_tls_only_on_this_machine() -> None:
    """P12: a password and an alarm in the open would be everybody's."""
    assert not read(GOOD + "tls = false\n").broker.tls
    (found,) = problems(GOOD + 'tls = false\nhost = "10.0.0.1"\n')
    assert "ngay trên máy này" in found.vi and found.cure


def test_several_workers_share_a_postgresql_and_nothing_else() -> None:
    """Two services on one SQLite would each keep the other waiting, and neither outlives the disk of the other's machine."""
    url = '[database]\nurl = "{}"\n'
    assert read(GOOD + "shared = true\n" + url.format("postgresql://kengd@/kengd")).broker.shared
    for database in ("", url.format("sqlite:////var/lib/kengd-hub/ledger.sqlite")):
        (found,) = problems(GOOD + "shared = true\n" + database)
        assert "PostgreSQL" in found.vi and "[database]" in found.cure


@pytest.mark.parametrize("name", ["hub-0", "hub-shell", "dong", "hub-1000", "hub-"])
def test_a_worker_bears_a_name_that_the_broker_knows_workers_by(name: str) -> None:
    """`hub-1`, `hub-2` …: a certificate of this name may read and write everything of the commune."""
    assert read(GOOD + 'client = "hub-2"\n').broker.client == "hub-2"
    (found,) = problems(GOOD + f'client = "{name}"\n')
    assert (found.code, found.where) == ("value", "broker.client")


@pytest.mark.parametrize("half", ["cert", "key"])
def test_a_certificate_and_its_key_come_together(half: str) -> None:
    """One alone cannot serve a page."""
    (found,) = problems(GOOD + f'[web]\n{half} = "x.pem"\n')
    assert found.cure == "ghi cả hai, hoặc bỏ cả hai"


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"[commune", b'a = "x', b"a = 1\na = 2", b"#" * (LARGEST + 1), b"\x00"])
def test_what_is_no_toml_is_said_with_its_place(raw: bytes) -> None:
    """Not a traceback."""
    (found,) = problems(raw)
    assert found.code == "toml" and found.vi


@pytest.mark.parametrize(
    "line",
    [
        'url = ["postgresql://kengd:mat-khau@db/kengd"]',
        'url = { password = "mat-khau" }',
        f'url = "postgresql://kengd:mat-khau@db/{"x" * 1000}"',
        'password = "mat-khau"',
    ],
)
def test_a_mistake_beside_a_password_does_not_print_it(line: str) -> None:
    """P12: the settings hold the database's password; a complaint about them goes to screens and logs."""
    with pytest.raises(SettingsError) as caught:
        read(GOOD + f"[database]\n{line}\n")
    assert "mat-khau" not in caught.value.for_people() + str(caught.value) + repr(caught.value.problems)


def test_the_file_is_found_by_option_then_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--config` before $KENGD_HUB_CONFIG."""
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text(GOOD)
    two.write_text(GOOD.replace("cong-lac", "xa-khac"))
    monkeypatch.setenv(VARIABLE, str(two))
    assert (load_hub(str(one)).commune.id, load_hub(None).commune.id) == ("cong-lac", "xa-khac")


def test_a_file_that_is_not_there_is_said_with_how_to_make_it(tmp_path: Path) -> None:
    """Exit code 2, and the command that writes one."""
    with pytest.raises(UsageError) as caught:
        load_hub(str(tmp_path / "none.toml"))
    assert caught.value.code == "no_settings" and "kengd hub begin" in caught.value.cure


def test_hooks_cameras_and_sms_are_checked_and_their_secrets_never_repeated() -> None:
    """P12: a bad address is named by its place in the file, not by its text; nothing is sent unless the table is there."""
    assert (read(GOOD).sms, read(GOOD).webhooks, read(GOOD).cameras, read(GOOD).homeassistant.enabled) == (
        None, [], [], False
    )  # fmt: skip
    bad = {
        '[[webhooks]]\nurl = "ftp://MATMA/x"\n': "webhooks[1].url",
        '[[webhooks]]\nurl = "https://a.example"\nkinds = ["nothing"]\n': "webhooks[1].kinds[1]",
        '[[cameras]]\nurl = "http://10.0.0.9"\ncamera = "cổng"\n': "cameras[1].camera",
        '[[cameras]]\nurl = "http://10.0.0.9"\ncamera = "cong"\nduration_s = 0\n': "cameras[1].duration_s",
        '[sms]\nmodem = "; rm"\n': "sms.modem",
    }
    found = {text: problems(GOOD + text) for text in bad}
    assert {text: said[0].where for text, said in found.items()} == bad
    assert all("MATMA" not in str(said) for said in found.values())


@pytest.mark.parametrize("table", ["webhooks", "cameras"])
def test_a_secret_that_is_mistyped_is_not_repeated_however_short(table: str) -> None:
    """P12: the complaint goes to screens and to the journal."""
    key = "secret" if table == "webhooks" else "token"
    more = "" if table == "webhooks" else 'camera = "c"\n'
    text = f'{GOOD}\n[[{table}]]\nurl = "http://10.0.0.9/x"\n{more}{key} = "SECRET KEY"\n'
    (problem,) = problems(text)
    assert key in str(problem) and "SECRET" not in str(problem)
