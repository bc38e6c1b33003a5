"""SMS by mmcli: tried with a program of that name that writes down how it was called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kengd.errors import UsageError
from kengd.hub.notices import wording
from kengd.hub.notices.sms import Modem, sms_channel
from kengd.hub.notices.words import NoticeFailed

NOTICE = wording.will_not_ring(
    at_ms=0,
    post="a",
    post_name='Kẻng "Đình"',
    signal_vi="báo yên",
    due_ms=1_796_223_900_000,
    reason_vi="đồng hồ\nchưa đúng",
)
PATH = "/org/freedesktop/ModemManager1/SMS/7"
FAKE = """#!/bin/sh
for argument in "$@"; do printf '%s\\n' "$argument" >> "$CALLS"; done
echo --- >> "$CALLS"
case "$*" in
  *create-sms*) {create} ;;
  *--send*) {send} ;;
  *delete-sms*) {delete} ;;
esac
"""


class FakeModem:
    """A directory on PATH with an mmcli in it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.calls = folder, folder / "calls"
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
        monkeypatch.setenv("CALLS", str(self.calls))

    def answers(self, create: str = "", send: str = "echo successfully sent the SMS", delete: str = "true") -> None:
        create = create or f"echo 'Successfully created new SMS:'; echo '    {PATH} (unknown)'"
        program = self.folder / "mmcli"
        program.write_text(FAKE.format(create=create, send=send, delete=delete))
        program.chmod(0o755)

    def called(self) -> list[list[str]]:
        return [call.splitlines() for call in self.calls.read_text().split("---\n")[:-1]]


@pytest.fixture
def modem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeModem:
    return FakeModem(tmp_path, monkeypatch)


def test_an_sms_is_made_sent_and_taken_out_of_the_modem(modem: FakeModem) -> None:
    """A keeper with a feature phone gets SMS. Three calls, no shell, quotes inside made harmless."""
    modem.answers()
    assert Modem().deliver(NOTICE, sms_channel("+84 912.345-678")) == "modem đã gửi SMS"
    text = "Keng 'Dinh' SE KHONG DANH bao yen luc 22:05 02/12: dong ho chua dung. Hay danh tay dung gio."
    assert modem.called() == [
        ["-m", "any", f'--messaging-create-sms=text="{text}",number="+84912345678"'],
        ["-s", PATH, "--send"],
        ["-m", "any", f"--messaging-delete-sms={PATH}"],
    ]


def test_a_machine_without_mmcli_is_told_which_package_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clear error with its cure; trying again cannot help."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoticeFailed) as failed:
        Modem().deliver(NOTICE, sms_channel("0912345678"))
    assert (failed.value.code, failed.value.retry) == ("mmcli_missing", False)
    assert "modemmanager" in failed.value.cure


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"create": 'echo "error: couldn\'t find modem" >&2; exit 1'}, "no_modem"),
        (
            {"create": "echo 'error: couldn'\"'\"'t find the ModemManager process in the bus' >&2; exit 1"},
            "modemmanager_down",
        ),
        ({"create": "echo nothing"}, "sms_not_made"),
        ({"send": "echo \"error: couldn't send SMS to 0912345678: 'unknown'\" >&2; exit 1"}, "modem_refused"),
    ],
)
def test_what_the_modem_cannot_do_is_said_with_a_code_and_tried_again(
    modem: FakeModem, answers: dict[str, str], code: str
) -> None:
    """A modem finds its network again; the number is in no text."""
    modem.answers(**answers)
    with pytest.raises(NoticeFailed) as failed:
        Modem().deliver(NOTICE, sms_channel("0912345678"))
    assert (failed.value.code, failed.value.retry) == (code, True)
    assert "0912345678" not in failed.value.for_people()


def test_an_sms_that_was_not_sent_is_taken_out_too_and_a_failing_tidy_is_no_failure(modem: FakeModem) -> None:
    """A full modem sends nothing more."""
    modem.answers(send="exit 1")
    with pytest.raises(NoticeFailed):
        Modem("0").deliver(NOTICE, sms_channel("0912345678"))
    assert modem.called()[-1] == ["-m", "0", f"--messaging-delete-sms={PATH}"]
    modem.answers(delete="exit 1")
    assert Modem("0").deliver(NOTICE, sms_channel("0912345678")) == "modem đã gửi SMS"


def test_a_modem_that_hangs_is_ended_at_its_time(modem: FakeModem) -> None:
    """The program is killed, not waited for."""
    modem.answers(create="exec sleep 60")
    with pytest.raises(NoticeFailed) as failed:
        Modem(timeout_s=0.4).deliver(NOTICE, sms_channel("0912345678"))
    assert (failed.value.code, failed.value.retry) == ("modem_timeout", True)


@pytest.mark.parametrize(
    "phone", ["", "113", "091234567x", "0912345678,text=x", '0912345678"', "+" * 9, "٠٩١٢٣٤٥٦٧٨", "1" * 16]
)
def test_what_is_no_phone_number_is_refused_when_the_settings_are_read(phone: str) -> None:
    """Also what would break out of mmcli's own quoting."""
    with pytest.raises(UsageError) as wrong:
        sms_channel(phone)
    assert wrong.value.code == "bad_phone"


def test_only_a_number_names_a_modem() -> None:
    """No option can be slipped in."""
    with pytest.raises(UsageError):
        Modem("--help")
