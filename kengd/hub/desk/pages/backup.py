"""Sao lưu, khôi phục: when the last one was made, one into one's own hands, a look into one, and the way back."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from kengd.hub.authority.sealing import SHORTEST_PASSPHRASE
from kengd.hub.called import called
from kengd.hub.desk.audit_words import who
from kengd.hub.desk.backup_room import facts_of
from kengd.hub.desk.desk import desk_of
from kengd.hub.desk.pages.page import Looking, language, page

router = APIRouter(include_in_schema=False)


@router.get("/sao-luu")
def backups(request: Request, caller: Looking) -> HTMLResponse:
    """For administrators."""
    caller.require("backup")
    desk = desk_of(request)
    facts, index = facts_of(desk), desk.hub.authority.index
    officers = {officer.id: officer.name for officer in desk.people.officers(ended=True)}
    if facts["last"] is not None:
        facts["last"]["who"] = who(facts["last"]["by"], language(request), officers)
    return page(
        request, "backup.html", caller, shortest=SHORTEST_PASSPHRASE, commune_id=desk.hub.settings.commune.id,
        by_shell=called("kengd hub restore"), in_service=desk.people.officers(),
        let_in=sorted({one.subject for one in index.valid("post")}), **facts,
    )  # fmt: skip
