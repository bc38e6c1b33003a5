"""What the scripts say before they do anything, and what a bundle may never hold."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.fakeroot import DEPLOY, FakeRoot

ROOT = DEPLOY.parent
ENTRANCES = (
    "install.sh",
    "rollback.sh",
    "uninstall.sh",
    "wheelhouse.sh",
    "first-boot/from-card.sh",
    "first-boot/firstrun.sh",
)


@pytest.mark.parametrize("name", ["install.sh", "rollback.sh", "uninstall.sh"])
def test_without_root_there_is_a_sentence_and_a_cure(name: str, tmp_path: Path) -> None:
    """Not a trace of Python, not a half-done installation."""
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    become = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*become, "bash", str(tmp_path / "deploy" / name)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "cần quyền quản trị" in done.stderr and "sudo" in done.stderr


@pytest.mark.parametrize("name", ["install.sh", "wheelhouse.sh"])
def test_help_is_the_head_of_the_script(name: str) -> None:
    """Nothing is done, also without root."""
    done = subprocess.run(
        ["bash", str(DEPLOY / name), "--help"], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0 and "--" in done.stdout and "set -" not in done.stdout


@pytest.mark.parametrize(
    ("machine", "python", "code", "told"),
    [
        ("aarch64", "good", 0, ""),
        ("x86_64", "good", 0, "Cảnh báo: máy này là PC"),
        ("armv7l", "good", 1, "không chạy trên loại máy này (armv7l)"),
        ("aarch64", "narrow", 1, "bản 32 bit"),
        ("aarch64", "old", 1, "Python ở đây cũ quá"),
    ],
)
def test_only_machines_that_can_run_it_are_installed_on(
    tmp_path: Path, machine: str, python: str, code: int, told: str
) -> None:
    """64 bits, Python 3.11 or newer of the system; a PC with a warning. A 32-bit system on a 64-bit kernel is found by its Python."""
    fake = FakeRoot(tmp_path)
    _python(tmp_path / "programs/python3", python)
    said = fake.sh(
        f"""
uname() {{ echo {machine}; }}
findmnt() {{ echo ext4; }}
df() {{ echo 9999; }}
has_systemd() {{ :; }}
answers() {{ "$1" -c "import sys; sys.exit(sys.version_info < (3, 11) or sys.maxsize < 2**32)" >/dev/null 2>&1; }}
{_functions("install.sh", "look_at_the_machine", "refuse_read_only")}
system_python={tmp_path}/programs/python3 least_free_mib=350
stop_if_hopeless() {{ {_body("stop_if_hopeless").replace("/usr/bin/python3", "python3")}
}}
look_at_the_machine
"""
    )
    assert said.code == code and told in said.said, said.said


def _python(path: Path, kind: str) -> None:
    """A Python that is what it should be, of 32 bits, or of long ago."""
    before = {"good": "", "narrow": "sys.maxsize = 2**31 - 1; ", "old": "sys.version_info = (3, 9, 2); "}[kind]
    path.write_text(
        "#!/bin/bash\n"
        'case $1 in -V) echo "Python 3.9.2" ;; *)'
        f' shift; exec /usr/bin/python3 -c "import sys; {before}exec(sys.argv[1])" "$@" ;; esac\n'
    )
    path.chmod(0o755)


@pytest.mark.parametrize(("network", "told"), [(True, ""), (False, "đồng hồ vẫn do systemd-timesyncd giữ")])
def test_chrony_is_installed_when_apt_can_and_else_it_is_said(tmp_path: Path, network: bool, told: str) -> None:
    """Without Internet the system's own keeper of time stays, and gets the hub as a source all the same."""
    fake = FakeRoot(tmp_path)
    release = fake.release("1")
    chrony = release / "share/kengd/deploy/chrony"
    chrony.mkdir(parents=True)
    shutil.copy(DEPLOY / "chrony/kengd.conf", chrony)
    apt = tmp_path / "programs/apt-get"
    apt.write_text("#!/bin/bash\n" + ('mkdir -p "$ROOT/etc/chrony"\n' if network else "exit 100\n"))
    apt.chmod(0o755)
    said = fake.sh(f'{_functions("install.sh", "keep_time")}\nkeep_time "{release}"')
    assert said.code == 0 and told in said.said
    kept = tmp_path / "etc/chrony/conf.d/kengd.conf"
    assert kept.exists() is network
    if network:
        assert {"makestep 1 3", "rtcsync"} <= set(kept.read_text().splitlines())
    restarted = "chrony.service" if network else "systemd-timesyncd.service"
    assert fake.asked("--quiet") == [f"--quiet try-restart {restarted}"]


def test_settings_that_the_elder_release_cannot_read_stop_the_roll_back(tmp_path: Path) -> None:
    """The bell would come back without its settings; the file as it was before the upgrade is named."""
    fake = FakeRoot(tmp_path)
    old, new = fake.release("1"), fake.release("2")
    fake.put_in_force(new, old)
    (fake.fake / "refuses").touch()
    said = fake.sh(f'{_functions("rollback.sh", "look_at")}\nintact() {{ :; }}\nruns() {{ :; }}\nlook_at "{old}"')
    assert said.code == 1 and f"{tmp_path}/var/before/2/kengd.toml" in said.said
    assert fake.links() == {"current": "2", "previous": "1"}


def _functions(script: str, *names: str) -> str:
    text = (DEPLOY / script).read_text()
    return "\n".join(re.search(rf"^{name}\(\) \{{.*?^\}}", text, re.DOTALL | re.MULTILINE)[0] for name in names)  # type: ignore[index]


def _body(name: str) -> str:
    found = re.search(rf"^{name}\(\) \{{\n(.*?)^\}}", (DEPLOY / "ready.sh").read_text(), re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def test_nothing_is_installed_on_a_read_only_root(tmp_path: Path) -> None:
    """It would be gone after the next start, and the old release with the new settings would be left."""
    fake = FakeRoot(tmp_path)
    said = fake.sh(f"findmnt() {{ echo overlay; }}\n{_functions('install.sh', 'refuse_read_only')}\nrefuse_read_only")
    assert said.code == 1 and "overlayroot" in said.said


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("deploy/broker.key", "x"),
        ("systemd/ca.pem", "x"),
        ("kengd.toml", "x"),
        ("firmware_config/note.txt", "-----BEGIN PRIVATE KEY-----\nx\n"),
        ("deploy/x.txt", "-----BEGIN EC PRIVATE KEY-----\nx\n"),
    ],
)
def test_a_bundle_with_a_key_in_it_is_refused(tmp_path: Path, name: str, content: str) -> None:
    """Keys are made per unit, never in an image: one that lies about in a checkout must not travel on every card."""
    fake = FakeRoot(tmp_path)
    tree = tmp_path / "tree"
    (tree / name).parent.mkdir(parents=True)
    (tree / name).write_text(content)
    said = fake.sh(f'{_functions("wheelhouse.sh", "refuse_secrets")}\nrefuse_secrets "{tree}"')
    assert said.code == 1 and name in said.said


def test_what_a_bundle_is_made_of_holds_no_key() -> None:
    """The check that a bundle goes through, over the checkout as it is committed."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--", "kengd", "deploy", "systemd", "firmware_config"],
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file():
            assert not re.search(r"\.(key|pem|password)$", name), name
            assert not re.search(rb"^-----BEGIN ([A-Z]+ )*PRIVATE KEY-----", path.read_bytes(), re.MULTILINE), name


def test_the_shell_scripts_have_no_known_mistakes() -> None:
    """shellcheck, where it is installed; bash itself reads every one of them everywhere."""
    scripts = [str(path) for path in (*DEPLOY.glob("*.sh"), *DEPLOY.glob("first-boot/*.sh"))]
    for script in scripts:
        subprocess.run(["bash", "-n", script], check=True, timeout=30)
    if shutil.which("shellcheck"):
        entrances = [str(DEPLOY / name) for name in ENTRANCES]
        done = subprocess.run(
            ["shellcheck", "-x", *entrances], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.stdout == ""


def test_the_sample_for_cloud_init_starts_the_unit_that_lies_in_the_bundle() -> None:
    """What the samples name exists, under that name, where the bundle has it."""
    user_data = (DEPLOY / "first-boot/user-data").read_text()
    assert user_data.startswith("#cloud-config\n")
    for text in (user_data, (DEPLOY / "first-boot/firstrun.sh").read_text()):
        assert "*/deploy/first-boot/kengd-first-boot.service" in text
    unit = (DEPLOY / "first-boot/kengd-first-boot.service").read_text()
    assert "*/deploy/first-boot/from-card.sh" in unit and (DEPLOY / "first-boot/from-card.sh").exists()


def test_the_unit_loads_every_key_that_settings_may_name() -> None:
    """`credential:NAME` is checked against the same names; each has a blank default, so that a missing file stops no bell."""
    from kengd.settings.credentials import KEY_DIR, NAMES

    unit = (ROOT / "systemd/kengd.service").read_text()
    assert re.findall(r"^LoadCredential=(.*)$", unit, re.MULTILINE) == [f"{name}:{KEY_DIR}/{name}" for name in NAMES]
    assert re.findall(r"^SetCredential=(.*)$", unit, re.MULTILINE) == [rf"{name}:\n" for name in NAMES]


def test_the_watchdog_is_one_that_the_pi_can_count_to() -> None:
    """Above 15 s the driver refuses, and then nothing guards at all."""
    found = re.search(r"^RuntimeWatchdogSec=(\d+)s$", (ROOT / "systemd/watchdog.conf").read_text(), re.MULTILINE)
    assert found and int(found[1]) <= 15
