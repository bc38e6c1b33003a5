"""The files that set a machine up: scripts, lock files, pyproject.toml."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import kengd

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
SCRIPTS = sorted(path for path in (*ROOT.glob("deploy/*.sh"), ROOT / ".ci/run", *ROOT.glob("tests/machine/*.sh")))


def locked(name: str) -> dict[str, list[str]]:
    """Package → the lines that belong to it."""
    packages: dict[str, list[str]] = {}
    for line in (ROOT / name).read_text().splitlines():
        if found := re.match(r"([a-z0-9.-]+)==(\S+)", line):
            packages[found[1]] = [found[2]]
        elif line.startswith("    --hash="):
            packages[next(reversed(packages))].append(line.strip(" \\"))
    return packages


SOURCED = {"ready.sh", "release.sh", "build.sh"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse_and_can_be_run(script: Path) -> None:
    """bash -n accepts each; all but those that are sourced are executable."""
    told = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")
    assert os.access(script, os.X_OK) == (script.name not in SOURCED)


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_version_and_hashes(name: str) -> None:
    """pip --require-hashes installs exactly what was locked, wheels only, from whatever index the machine uses."""
    text = (ROOT / name).read_text()
    packages = locked(name)
    assert len(packages) > 20
    assert {package for package, (_, *hashes) in packages.items() if not hashes} == set()
    assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for _, *lines in packages.values() for line in lines)
    assert "\n--only-binary :all:\n" in text
    assert re.findall(r"\w+://|--(?:extra-)?index-url|--find-links|--trusted-host", text) == []


def test_both_locks_agree_and_hold_what_pyproject_names() -> None:
    """The tests run on the very versions that a post runs on; setuptools is there for the editable install."""
    plain, dev = locked(LOCKS[0]), locked(LOCKS[1])
    assert {name: rows for name, rows in dev.items() if name in plain} == plain
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[^a-z0-9-]", one)[0] for one in requirements}

    assert names(project["dependencies"]) | names(extras["gpio"]) | {"setuptools"} <= set(plain)
    assert names(extras["dev"]) <= set(dev) - set(plain)


def test_pyproject_says_what_others_rely_on() -> None:
    """Name, version, script, extras, the pin factory's entry point, the lower bounds that matter."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (project["name"], project["version"]) == ("kengd", kengd.__version__)
    assert project["requires-python"] == ">=3.11,<3.15"
    assert project["scripts"] == {"kengd": "kengd.__main__:main"}
    assert sorted(project["optional-dependencies"]) == ["dev", "gpio", "hub"]
    assert project["entry-points"]["gpiozero_pin_factories"] == {"kengd": "kengd.belfry.gpiod_factory:GpiodFactory"}
    assert {"gpiozero>=2.0.1.post3", "paho-mqtt>=2.2", "fastapi>=0.135"} <= set(project["dependencies"])
    assert not [
        name for name in (*project["dependencies"], *project["optional-dependencies"]["gpio"]) if "lgpio" in name
    ]


READY = ROOT / "deploy" / "ready.sh"


def shell(code: str, fakes: Path) -> subprocess.CompletedProcess[str]:
    """Run a piece of shell after ready.sh; programs in `fakes` stand in for the system's."""
    return subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", f'. "$1"\n{code}', "bash", str(READY)],
        env={"PATH": f"{fakes}:/usr/bin:/bin", "HOME": "/nonexistent"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def fake(directory: Path, name: str, body: str) -> None:
    program = directory / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


WITHOUT_MOSQUITTO = f"find_mosquitto() {{ false; }}\ninstall_missing_packages {sys.executable}"


def test_without_root_and_without_mosquitto_the_cure_is_said(tmp_path: Path) -> None:
    """A sentence in Vietnamese and what to ask the administrator for; nothing is tried."""
    fake(tmp_path, "id", "echo 1000")
    fake(tmp_path, "sudo", "exit 1")
    fake(tmp_path, "apt-get", "echo must not be called >&2; exit 99")
    told = shell(WITHOUT_MOSQUITTO, tmp_path)
    assert told.returncode == 1
    assert told.stderr == (
        "lỗi: máy thiếu mosquitto, mà ở đây không có quyền root để cài.\n"
        "  cách sửa: nhờ người quản trị máy chạy: sudo apt-get install mosquitto   rồi chạy lại lệnh này\n"
    )


@pytest.mark.parametrize("user", [0, 1000])
def test_only_what_is_missing_is_installed_and_the_new_system_broker_is_put_to_rest(tmp_path: Path, user: int) -> None:
    """apt is asked for mosquitto alone; a list that is out of date is renewed once; Debian's service is stopped again."""
    calls, renewed = tmp_path / "calls", tmp_path / "renewed"
    note = f'echo "$(basename "$0") $*" >>{calls}\n'
    fake(tmp_path, "id", f"echo {user}")
    fake(tmp_path, "sudo", f'{note}[ "$1" = -n ] || exec "$@"')
    fake(tmp_path, "apt-get", f"{note}case $1 in update) : >{renewed};; *) [ -e {renewed} ];; esac")
    fake(tmp_path, "systemctl", note)
    told = shell(f"has_systemd() {{ true; }}\n{WITHOUT_MOSQUITTO}", tmp_path)
    assert told.returncode == 0, told.stderr
    made = calls.read_text().splitlines()
    assert [call for call in made if not call.startswith("sudo")] == [
        "apt-get install -q -y --no-install-recommends mosquitto",
        "apt-get update -q",
        "apt-get install -q -y --no-install-recommends mosquitto",
        "systemctl disable --quiet --now mosquitto.service",
    ]
    assert len([call for call in made if call.startswith("sudo")]) == (5 if user else 0)


def test_nothing_is_installed_when_nothing_is_missing(tmp_path: Path) -> None:
    """A machine that has everything needs neither root nor apt."""
    fake(tmp_path, "apt-get", "echo must not be called >&2; exit 99")
    told = shell(
        f"find_mosquitto() {{ echo /usr/sbin/mosquitto; }}\ninstall_missing_packages {sys.executable}", tmp_path
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_an_old_python_is_named_with_the_cure(tmp_path: Path) -> None:
    """Python 3.9 (bullseye): no package of apt's can help, so none is tried."""
    fake(tmp_path, "python3", 'case $1 in -V) echo "Python 3.9.2";; *) exit 1;; esac')
    told = shell("answers() { false; }\nstop_if_hopeless", tmp_path)
    assert told.returncode == 1
    assert "Python ở đây cũ quá (Python 3.9.2); kengd cần Python 3.11 trở lên." in told.stderr
    assert "cách sửa: dùng Debian 12 hoặc Raspberry Pi OS (bookworm) trở lên" in told.stderr


def test_the_newest_python_that_works_is_taken(tmp_path: Path) -> None:
    """A shim that fails and a Python without venv are passed over; the newest of the rest wins."""
    for name in ("python3.14", "python3.13"):
        fake(tmp_path, name, "exit 127")
    fake(tmp_path, "python3.12", f'exec {sys.executable} "$@"')
    fake(tmp_path, "python3.11", f'exec {sys.executable} "$@"')
    told = shell('answers() { [ "$1" != /usr/bin/python3.13 ] && "$1" -c "$2"; }\nnewest_python', tmp_path)
    assert told.stdout == str(tmp_path / "python3.12")


def test_a_lock_that_was_installed_is_not_installed_again(tmp_path: Path) -> None:
    """The stamp holds the lock's hash, the Python and the place: nothing is done while they stay, all is when one changes."""
    for name, text in (("deploy/ready.sh", READY.read_text()), ("some.lock", "a==1"), ("pyproject.toml", "")):
        (tmp_path / "kẻng 'một'" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "kẻng 'một'" / name).write_text(text)
    checkout = tmp_path / "kẻng 'một'"
    code = (
        f'. "{checkout}/deploy/ready.sh"\nin_venv() {{ echo "pip $*"; }}\n'
        "same_python() { true; }\n"
        'mkdir -p "$venv/bin" && printf "#!/bin/sh\\n" >"$venv/bin/python.new" && chmod +x "$venv/bin/python.new"\n'
        f'mv "$venv/bin/python.new" "$venv/bin/python"\ninstall_locked {sys.executable} some.lock'
    )
    installs = [shell(code, tmp_path).stdout.count("pip ") for _ in range(2)]
    (checkout / "some.lock").write_text("a==2")
    installs += [shell(code, tmp_path).stdout.count("pip ") for _ in range(2)]
    assert installs == [2, 0, 2, 0]
