"""Sao lưu, khôi phục: a sealed backup into one's own hands, a look into one, and a restore that the next start puts in place."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import IO, Annotated, Any, Final
from urllib.parse import unquote

from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints

from kengd.clock import local
from kengd.errors import KengdError, UsageError
from kengd.hub import backups, keeping, packing, restored, staging
from kengd.hub.desk.audit_words import SHUTTING, sentence, who
from kengd.hub.desk.desk import At, Awake, Desk, Writing
from kengd.hub.desk.downloads import parts_of, sent
from kengd.hub.desk.forms import Form, Secret
from kengd.hub.desk.handed_in import handed_in, nameless, one_at_a_time
from kengd.hub.desk.refusals import Json
from kengd.hub.desk.restarting import calm, condition, restart, staged_calmly
from kengd.hub.ledger import audits, changes, values
from kengd.hub.ledger.migrations import NEWEST
from kengd.hub.people.words import Caller

router = APIRouter(prefix="/api/backup")
MOST_SINCE: Final = 100
Passphrase = Annotated[str, Header(max_length=12_000, description="percent-encoded UTF-8")]


class BackupForm(Form):
    """The passphrase that will open it: nobody can find it out again."""

    passphrase: Secret


class UndoForm(Form):
    """Which of the hubs that were put aside."""

    name: Annotated[str, StringConstraints(pattern=r"^before-restore-[0-9]{1,20}$")]


@router.get("")
def state(desk: At, caller: Awake) -> Json:
    """When the last one was made, whether that is too long ago, what waits for the next start, what was put aside."""
    caller.require("backup")
    return Json({"now_ms": desk.now_ms(), **facts_of(desk)})


@router.post("", response_class=StreamingResponse)
def make(form: BackupForm, desk: At, caller: Writing) -> StreamingResponse:
    """All of the hub as one sealed file, from a nameless file on its disk that is gone when the answer is."""
    caller.require("backup")
    settings, config, now_ms = desk.hub.settings, _config(desk), desk.now_ms()
    with one_at_a_time(desk):
        out = nameless(settings.state)
        try:
            hub = (desk.hub.authority, desk.hub.ledger)
            rows = keeping.pack(out, settings, config, hub, form.passphrase, caller.officer.id, now_ms)
            with desk.hub.ledger.write() as connection:
                backups.note(connection, caller.officer.id, None, rows, now_ms)
            size = out.tell()
            out.seek(0)
        except OSError as wrong:
            out.close()
            raise keeping.unwritable(settings.state, wrong) from wrong
        except BaseException:
            out.close()
            raise
    name = keeping.file_name(settings, now_ms)
    return sent(parts_of(out), "application/zip", name, {"Content-Length": str(size)})


@router.post("/check")
async def check(request: Request, desk: At, caller: Writing, x_kengd_passphrase: Passphrase) -> Json:
    """A backup as the body: proved with its passphrase, nothing of it is used. What is in it, and who was shut out since it was made."""
    caller.require("backup")
    async with handed_in(request, desk) as file:
        return Json(await run_in_threadpool(_looked, desk, caller, file, unquote(x_kengd_passphrase)))


@router.post("/restore")
async def restore(
    request: Request, desk: At, caller: Writing, x_kengd_passphrase: Passphrase, x_kengd_commune: Annotated[str, Header(max_length=60)]
) -> Json:  # fmt: skip
    """The same body once more, and the commune's id as somebody typed it: the hub of the backup is made beside this one and takes its
    place at the next start, which is now where systemd looks after the service. The present one is put aside, whole."""
    caller.require("backup")
    _sure(desk, x_kengd_commune)
    calm(desk)
    async with handed_in(request, desk) as file:
        made_ms = await run_in_threadpool(_staged, desk, caller, file, unquote(x_kengd_passphrase))
    return Json({"made_ms": made_ms, "restarts": restart(desk, caller)})


@router.post("/undo")
def undo(form: UndoForm, desk: At, caller: Writing) -> Json:
    """The hub that was put aside takes its place again at the next start; what happened since stays aside."""
    caller.require("backup")
    calm(desk)

    def back() -> dict[str, Any]:
        staging.stage_back(desk.hub.settings.state, form.name, caller.officer.id, desk.now_ms())
        return {"name": form.name}

    with one_at_a_time(desk):
        staged_calmly(desk, caller, "restore_undo_asked", back)
    return Json({"restarts": restart(desk, caller)})


@router.post("/cancel")
def cancel(desk: At, caller: Writing) -> Json:
    """What waits for the next start does not take anybody's place. False: nothing waited, and nothing is written down."""
    caller.require("backup")
    with one_at_a_time(desk):
        waited = staging.unstage(desk.hub.settings.state)
        if waited:
            with desk.hub.ledger.write() as connection:
                changes.note(connection, "hub", restore_staged=False)
                desk.audit_in(connection, caller, "restore_cancelled", {})
    return Json({"cancelled": waited})


@router.post("/checked")
def checked(desk: At, caller: Writing) -> Json:
    """Who was shut out after the backup is shut out again; the hub stops to remind of it. False: nothing had to be confirmed."""
    caller.require("backup")
    with desk.hub.ledger.write() as connection:
        found = restored.confirm(connection, caller.officer.id, desk.now_ms())
    return Json({"confirmed": found is not None})


def facts_of(desk: Desk) -> dict[str, Any]:
    """What the page and `GET /api/backup` show."""
    settings, now_ms = desk.hub.settings, desk.now_ms()
    with desk.hub.ledger.read() as connection:
        kept = values.values_of(connection, backups.KEPT, restored.KEPT)
        began_ms = desk.began_ms(connection)
    last, unchecked = backups.last(kept.get(backups.KEPT)), restored.unchecked(kept.get(restored.KEPT))
    plan, by_page, waits = staging.waiting(settings.state), settings.database.url is None, condition(desk)
    return {
        "last": None if last is None else asdict(last),
        "old": backups.condition(last, began_ms, now_ms),
        "nightly": nightly(settings.state),
        "restored": None if unchecked is None else restored.condition(unchecked),
        "staged": None if plan is None else {"made_ms": plan.made_ms, "asked_ms": plan.asked_ms, "back": plan.back},
        "put_away": waits if waits is not None and plan is None else None,
        "aside": [asdict(one) for one in staging.earlier(settings.state)],
        "by_page": by_page,
        "restarts": desk.restart is not None,
    }


def nightly(state: Path) -> dict[str, Any]:
    """The files that the timer has left in its own directory, newest first."""
    place, found = state / "backup", []
    try:
        for path in place.iterdir():
            if path.is_file() and not path.name.startswith("."):
                about = path.stat()
                found.append({"name": path.name, "at_ms": int(about.st_mtime * 1000), "bytes": about.st_size})
    except OSError:
        found = []  # nobody has made the directory
    found.sort(key=lambda one: -int(str(one["at_ms"])))
    return {"place": str(place), "files": found[: keeping.KEPT]}


def _looked(desk: Desk, caller: Caller, file: IO[bytes], passphrase: str) -> dict[str, Any]:
    with packing.opened(file) as pack:
        pack.prove(passphrase)
        found = backups.contents(pack)
        same = pack.part(packing.SETTINGS) == _config(desk).read_bytes() if desk.config is not None else None
    names = {officer.id: officer.name for officer in desk.people.officers(ended=True)}
    posts = {post.id: post.name for post in desk.hub.roster().posts}
    with desk.hub.ledger.write() as connection:
        since = audits.of_acts(connection, SHUTTING, found.made_ms, MOST_SINCE)
        desk.audit_in(connection, caller, "backup_checked", {"made_ms": found.made_ms})
    return {
        **asdict(found),
        "by_name": who(found.by, "vi", names),
        "fits": found.revision == NEWEST and found.commune == desk.hub.settings.commune.id,
        "commune_fits": found.commune == desk.hub.settings.commune.id,
        "settings_same": same,
        "age_ms": max(0, desk.now_ms() - found.made_ms),
        "since": [
            {
                "at_ms": one.at_ms,
                "when": f"{local(one.at_ms):%H:%M %d/%m}",
                "act": one.act,
                "by": one.by,
                "by_name": who(one.by, "vi", names),
                "said": sentence(one.act, one.facts, "vi", names, posts),
                "said_en": sentence(one.act, one.facts, "en", names, posts),
            }
            for one in since
        ],
    }


def _staged(desk: Desk, caller: Caller, file: IO[bytes], passphrase: str) -> int:
    def beside() -> dict[str, Any]:
        made = staging.stage(desk.hub.settings, file, passphrase, caller.officer.id, desk.now_ms())
        return {"made_ms": made.made_ms, "rows": made.rows}

    return int(staged_calmly(desk, caller, "restore_asked", beside)["made_ms"])


def _sure(desk: Desk, typed: str) -> None:
    if unquote(typed).strip().casefold() != desk.hub.settings.commune.id:
        raise UsageError(
            "not_sure",
            "mã xã gõ vào không đúng",
            cure=f"gõ đúng mã xã ({desk.hub.settings.commune.id}) để chắc chắn là muốn khôi phục",
            en="the commune's id was not typed",
        )


def _config(desk: Desk) -> Path:
    if desk.config is None:
        raise KengdError(
            "no_settings_file",
            "máy trực ban này không chạy từ một tệp hub.toml",
            cure="sao lưu bằng lệnh: kengd --config TỆP_HUB_TOML hub backup TỆP",
            en="this hub was not started from a settings file",
        )
    return desk.config
