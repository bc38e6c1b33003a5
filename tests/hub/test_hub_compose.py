"""deploy/compose.yaml and its images, as far as a machine without containers can tell: every name in them is looked up in the
code, every script and command is run here."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kengd.__main__ import main
from kengd.errors import KengdError
from kengd.hub.authority.authority import Authority
from kengd.hub.authority.broker import PORT
from kengd.hub.authority.own import ClientFiles
from kengd.hub.desk.server import DeskServer
from kengd.hub.founding import SHELL, write_broker
from kengd.hub.people.passwords import argon2
from kengd.hub.settings import SYSTEM_CONFIG, VARIABLE, load_hub
from kengd.uplink.shell import ShellLink
from tests.broker import MOSQUITTO, free_port
from tests.hub.authority_kit import NOW_MS
from tests.hub.desk_kit import copied

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (DEPLOY / "container" / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
HUBS = ("hub-1", "hub-2")
STATE = "/var/lib/kengd-hub"
HUB_ID, MOSQUITTO_ID = 1884, 1883
WITHIN_S = 60.0


def stage(name: str) -> str:
    """What the Dockerfile says of one image, with what that begins from."""
    found = re.search(rf"^FROM (\S+) AS {name}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return (stage(found[1]) if f" AS {found[1]}\n" in DOCKERFILE else "") + found[2]


def until(true: Callable[[], Any], what: str) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.05)


# ---- names


def test_every_name_in_the_file_is_there() -> None:
    """Images are built from a stage that exists, out of files that exist; volumes, secrets and services are declared."""
    for name, service in SERVICES.items():
        if (build := service.get("build")) is not None:
            assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
            assert (DEPLOY / build["context"]).resolve() == ROOT
            assert stage(build["target"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or source == "./settings", volume
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] == "service_started" or "healthcheck" in SERVICES[other]
    assert SERVICES["setup"]["image"] == SERVICES["hub-1"]["image"] == SERVICES["hub-2"]["image"]
    allowed = (DEPLOY / "container" / "Dockerfile.dockerignore").read_text().splitlines()
    for line in re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in line.split():
            assert (ROOT / source).exists(), source
            assert any(source == one[1:] or source.startswith(f"{one[1:]}/") for one in allowed if one[0] == "!"), (
                source
            )


def test_the_broker_sees_the_brokers_files_and_no_key_of_the_hub() -> None:
    """P12: CA and signing keys lie in a volume of the hub's alone; both workers have the same of everything."""
    mounts = {name: [one.split(":")[:2] for one in service["volumes"]] for name, service in SERVICES.items()}
    assert mounts["broker"] == [["broker", f"{STATE}/broker"]]
    assert mounts["hub-1"] == mounts["hub-2"] == mounts["setup"]
    assert mounts["hub-1"] == [["state", STATE], ["broker", f"{STATE}/broker"], ["./settings", "/etc/kengd"]]
    assert Path(SYSTEM_CONFIG).parent == Path("/etc/kengd")
    same = [
        {key: SERVICES[hub][key] for key in SERVICES[hub] if key not in ("environment", "ports", "healthcheck")}
        for hub in HUBS
    ]
    assert same[0] == same[1]
    for name in ("broker", *HUBS):
        assert SERVICES[name]["cap_drop"] == ["ALL"] and SERVICES[name]["read_only"] is True
    assert f'USER mosquitto\nCMD ["kengd-broker", "{STATE}/broker"]' in stage("broker")
    assert "USER kengd-hub\n" in stage("hub") and SERVICES["setup"]["user"] == "root"
    assert SERVICES["broker"]["ports"] == [f"{PORT}:{PORT}"], "posts come from outside"
    assert all(SERVICES[hub]["ports"][0].startswith("127.0.0.1:") for hub in HUBS), "without TLS for this machine only"


def test_the_image_holds_what_the_installer_installs() -> None:
    """The same lock file with hashes, the same way of building; Debian's own mosquitto, whose versions are those tested."""
    build, installer = (DEPLOY / "build.sh").read_text("utf-8"), (DEPLOY / "hub-install.sh").read_text("utf-8")
    assert "requirements-hub.lock" in installer
    locked, own = re.findall(r"pip install (.+?)(?: +&& .*)?$", stage("program"), re.MULTILINE)
    assert set(locked.split()) == {
        "--no-cache-dir",
        "--no-compile",
        "--require-hashes",
        "-r",
        "/src/requirements-hub.lock",
    }
    assert set(own.split()) == {"--no-cache-dir", "--no-compile", "--no-deps", "--no-build-isolation", "/src"}
    in_build = (
        (locked, r'in_venv (--no-compile --require-hashes) "\$\{packages'),
        (own, r"in_venv (--no-compile --no-deps --no-build-isolation)"),
    )
    for ours, theirs in in_build:
        assert (found := re.search(theirs, build)) is not None and set(found[1].split()) <= set(ours.split())
    assert "-r /src/requirements-hub.lock" in locked and "COPY requirements-hub.lock /src/" in stage("program")
    copied_ = re.search(r'cp -r -- (.+) "\$scratch/checkout/"', build)
    assert copied_ is not None
    assert set(copied_[1].split()) == set(
        re.findall(r"^COPY (.+) /src/?", stage("program"), re.MULTILINE)[1].split()
    ) | {"kengd"}
    assert "--no-install-recommends mosquitto" in stage("broker")
    for name, number in (("mosquitto", MOSQUITTO_ID), ("kengd-hub", HUB_ID)):
        assert f"groupadd --gid {number} {name}" in stage("base") and f"useradd --uid {number} --gid {number}" in stage(
            "base"
        )
    assert f"{VARIABLE}={SYSTEM_CONFIG}" in stage("hub")


# ---- set-up


def fakes(directory: Path, seen: Path) -> dict[str, str]:
    """`install` with numbers for users, so far as this user may; `kengd` that only says how it was called."""
    mine = {"kengd-hub": HUB_ID, "mosquitto": MOSQUITTO_ID} if os.geteuid() == 0 else {}
    (directory / "bin").mkdir()
    owners = " ".join(f"s/^{name}$/{number}/;" for name, number in mine.items())
    install = f"""#!/bin/bash
words=()
while [ $# -gt 0 ]; do
    case $1 in -o | -g) [ -z '{owners}' ] || words+=("$1" "$(sed '{owners}' <<<"$2")"); shift ;; *) words+=("$1") ;; esac
    shift
done
exec /usr/bin/install "${{words[@]}}"
"""
    setpriv = (
        "#!/bin/bash\nprintf '%s\\n' \"$@\" >>"
        + f"'{seen}.priv'\n"
        + 'while [ "$1" != env ]; do shift; done\nexec "$@"\n'
    )
    kengd = (
        f'#!/bin/sh\nexec {sys.executable} -c \'import json,sys; json.dump(sys.argv[1:], open("{seen}", "w"))\' "$@"\n'
    )
    for name, text in (("install", install), ("setpriv", setpriv), ("kengd", kengd)):
        (directory / "bin" / name).write_text(text)
        (directory / "bin" / name).chmod(0o755)
    return {**os.environ, "PATH": f"{directory / 'bin'}:/usr/bin:/bin"}


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that other users may walk through."""
    directory = Path(tempfile.mkdtemp(prefix="kengd-compose-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def set_up(place: Path, *words: str, password: str = "0123abcd") -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """deploy/container/setup.sh, with directories below `place`; what it said, and how it called kengd."""
    text = (DEPLOY / "container" / "setup.sh").read_text("utf-8")
    for there, here in (
        (f"state={STATE}\n", f"state={place}/state\n"), ("settings=/etc/kengd\n", f"settings={place}/settings\n"),
        ("/run/secrets/", f"{place}/secrets/"),
    ):  # fmt: skip
        assert there in text
        text = text.replace(there, here)
    (place / "secrets").mkdir(exist_ok=True)
    (place / "secrets" / "database-password").write_text(password + "\n")
    (place / "setup.sh").write_text(text)
    seen = place / "seen.json"
    done = subprocess.run(
        ["sh", str(place / "setup.sh"), *words], env=fakes(place, seen), capture_output=True, text=True, check=False
    )
    return done, json.loads(seen.read_text()) if seen.exists() else []


def test_set_up_founds_two_workers_on_one_postgresql(
    place: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each flag that the script gives is one of `kengd hub begin`; both workers may speak from the first start on."""
    monkeypatch.setattr("kengd.hub.people.ground.argon2", lambda: argon2(time_cost=1, memory_kib=8))
    done, called = set_up(place, "--commune", "cong-lac", "--name", "Cộng Lạc", "--address", "10.0.0.5")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--reuid\nkengd-hub\n--regid\nkengd-hub\n--clear-groups\n" in (place / "seen.json.priv").read_text()
    database = SERVICES["database"]["environment"]
    url = f"postgresql://{database['POSTGRES_USER']}:0123abcd@database/{database['POSTGRES_DB']}"
    assert called[called.index("--database") + 1] == url and "database" in SERVICES
    assert main([postgres_url if word == url else word for word in called]) == 0, capsys.readouterr().err
    assert "mật khẩu lần đầu:" in capsys.readouterr().out
    for number, hub in enumerate(HUBS, start=1):
        config = place / "settings" / Path(SERVICES[hub]["environment"][VARIABLE]).name
        settings = load_hub(str(config))
        assert (settings.broker.client, settings.broker.shared, settings.broker.host) == (hub, True, "broker")
        assert settings.database.url == postgres_url and settings.web.host == "0.0.0.0"
        port = settings.web.port
        assert port == 8079 + number
        assert SERVICES[hub]["ports"] == [f"127.0.0.1:{port}:{port}"]
        assert f":{port}/healthz" in SERVICES[hub]["healthcheck"]["test"][-1]
    assert settings.broker.host in SERVICES and settings.broker.port == PORT
    authority = Authority.open(settings.authority)
    assert authority.server_names == ("10.0.0.5", "broker")
    acl = (settings.state / "broker" / "acl").read_text()
    assert re.findall(r"^user (.*)$", acl, re.MULTILINE) == [*HUBS, SHELL]
    assert f"\nlistener {PORT}\n" in (settings.state / "broker" / "mosquitto.conf").read_text()
    assert main(called) == 2 and "[hub_exists]" in capsys.readouterr().err, "a second set-up changes nothing"


def test_set_up_wants_a_password_that_fits_into_an_address(place: Path) -> None:
    """A sentence and a cure; nothing is made."""
    for password in ("", "a b", "a@b", "mật"):
        shutil.rmtree(place / "bin", ignore_errors=True)
        done, called = set_up(place, password=password)
        assert (done.returncode, called) == (2, []) and "openssl rand -hex 24" in done.stderr
    assert not (place / "state").exists()


def test_several_workers_need_postgresql(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is made then."""
    begin = [
        "--config",
        str(tmp_path / "hub.toml"),
        "hub",
        "begin",
        "--commune",
        "a",
        "--name",
        "A",
        "--address",
        "10.0.0.1",
    ]
    for words, code in (
        (("--workers", "2"), "needs_postgresql"),
        (("--workers", "0"), "usage"),
        (("--workers", "99"), "usage"),
    ):
        assert main([*begin, "--state", str(tmp_path / "state"), *words]) == 2
        assert f"[{code}]" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# ---- the broker, as its own user beside the hub's


def as_hub(act: Callable[[], object]) -> None:
    """In a process of the hub's user (where this one may become another)."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(HUB_ID)
                os.setuid(HUB_ID)
            act()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def test_the_broker_runs_on_what_the_hub_writes_and_takes_changes_up(place: Path) -> None:
    """Two users, one directory: mosquitto reads and keeps its data, the hub writes, nobody else looks; a change is taken up, and
    SIGTERM ends both script and mosquitto."""
    assert set_up(place, "--commune", "x", "--name", "X", "--address", "127.0.0.1")[0].returncode == 0
    state, port = place / "state", free_port()
    broker = state / "broker"
    modes = {path: oct((state / path).stat().st_mode & 0o7777) for path in (".", "broker", "broker/data")}
    assert modes == {
        ".": "0o751",
        "broker": "0o2750",
        "broker/data": "0o2700",
    }  # the group comes along, and may nothing
    config = f'state_dir = "{state}"\n[commune]\nid = "x"\nname = "X"\n[broker]\nport = {port}\nnames = ["127.0.0.1"]\n'
    (place / "hub.toml").write_text(config)
    (place / "hub.toml").chmod(0o644)
    settings = load_hub(str(place / "hub.toml"))

    def found() -> None:
        authority = Authority.begin(settings.authority, "x", "X", ["127.0.0.1"], NOW_MS)
        authority.client_files("hub-1", NOW_MS)
        write_broker(authority, settings)

    script = place / "broker.sh"
    shutil.copy(DEPLOY / "container" / "broker.sh", script)
    who: dict[str, Any] = {"user": MOSQUITTO_ID, "group": MOSQUITTO_ID, "extra_groups": []} if os.geteuid() == 0 else {}
    path = f"{Path(MOSQUITTO).parent}:/usr/bin:/bin"
    with (place / "log").open("wb") as log:
        running = subprocess.Popen(
            ["sh", str(script), str(broker)], env={"PATH": path}, cwd="/", stderr=log, stdout=log, **who
        )
        try:
            until(lambda: "setup" in (place / "log").read_text(), "it waits for the set-up and says so")
            as_hub(found)
            files = {
                name: oct((broker / name).stat().st_mode & 0o777) for name in ("acl", "mosquitto.conf", "server.pem")
            }
            assert files == dict.fromkeys(files, "0o640")
            authority = Authority.open(settings.authority)
            own = authority.client_files("hub-1", NOW_MS)
            until(lambda: reached(port, own), (place / "log").read_text())
            check = SERVICES["broker"]["healthcheck"]["test"]
            assert check[0] == "CMD" and f":{PORT:04X} " in check[3]
            check = [word.replace(f":{PORT:04X} ", f":{port:04X} ") for word in check[1:]]
            assert subprocess.run(check, check=False).returncode == 0
            with ShellLink("127.0.0.1", port, ca=own.ca, cert=own.cert, key=own.key) as link:
                link.connect()
                as_hub(
                    lambda: (
                        Authority.open(settings.authority).client_files("hub-2", NOW_MS),
                        write_broker(authority, settings),
                    )
                )
                until(lambda: not said(link), "the open session ends")
            second = Authority.open(settings.authority).client_files("hub-2", NOW_MS)
            until(lambda: reached(port, second), "the second worker is let in")
            until(lambda: os.geteuid() != 0 or list((broker / "data").iterdir()), "mosquitto keeps its data")
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(20) == 0
    assert subprocess.run(check, check=False).returncode != 0, "mosquitto has ended with it"


def reached(port: int, files: ClientFiles) -> bool:
    with ShellLink("127.0.0.1", port, ca=files.ca, cert=files.cert, key=files.key) as link:
        try:
            link.connect(2.0)
        except KengdError:
            return False
        return said(link)


def said(link: ShellLink) -> bool:
    try:
        link.publish("kengd/1/x/all/command", b"x")
    except KengdError:
        return False
    return True


# ---- health


def test_the_health_check_of_the_hub_tells_a_deaf_hub_from_a_ready_one(tmp_path: Path) -> None:
    """Exactly the command of the file, but for the port: 0 while orders can be given, 1 while the broker is away."""
    made = copied(tmp_path, {"web": {"host": "127.0.0.1", "port": 0}})
    server = DeskServer(made.hub, made.people)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        for hub in HUBS:
            kind, program, *words = SERVICES[hub]["healthcheck"]["test"]
            assert (kind, program) == ("CMD", "python")
            command = [sys.executable, *(re.sub(r":808[01]/", f":{server.port}/", word) for word in words)]
            made.line.up = True
            until(lambda: not looked(command), "a hub that can give orders is healthy")  # noqa: B023
            made.line.up = False
            until(lambda: "503" in looked(command), "a hub that cannot give orders is not healthy")  # noqa: B023
    finally:
        server.stop()
        thread.join(20)
        made.hub.ledger.close()


def looked(command: list[str]) -> str:
    """What is wrong; "" for exit code 0. A machine that is busy may be slow once."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]
