"""The office as the page sees it, and the thread the page runs in. The web is imported last, in that thread (DESIGN section 4)."""

from __future__ import annotations

import gc
import logging
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kengd import clock, intercom
from kengd.duty.health import condition
from kengd.duty.lines import plain_lines
from kengd.duty.timetable import next_due
from kengd.duty.words import Draft, EntryKind, HushOrder, Purpose, Source, Trigger
from kengd.errors import KengdError
from kengd.office.lines import read_lines
from kengd.office.page_face import codebook_of, face_of
from kengd.plain import to_plain
from kengd.ports import Face, SignalFace
from kengd.settings.credentials import at_hand, web_at_hand
from kengd.wire.entry import to_json

if TYPE_CHECKING:
    from kengd.office.office import Office

log = logging.getLogger("kengd.page")
PATIENCE_S = 2.0
NOT_HEARD = "not_heard"
"""The value that keeps a keeper's "it did not sound" over a restart."""


class Page:
    """Implements `kengd.ports.PostView` for one office."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._started_s = time.monotonic()

    def start(self) -> None:
        """Import the web and serve, in a thread of its own. A page that cannot be served is a condition, no more."""
        note = self.recall(NOT_HEARD).get(NOT_HEARD)
        if note is not None:
            self.ail("not_heard", True, note, note)
        threading.Thread(target=self._serve, name="page", daemon=True).start()

    def _serve(self) -> None:
        web = web_at_hand(self._office.office_plan.web)
        try:
            from kengd.web.server import Tls, serve

            gc.collect()
            gc.freeze()  # what was loaded stays: no collection walks through it again while a command waits
            tls = None
            if web.tls_port is not None and web.cert is not None and web.key is not None:
                tls = Tls(web.tls_port, web.cert, web.key)
            serve(self, web.host, web.port, tls)
            why = "ended"
        except (Exception, SystemExit) as error:  # uvicorn exits when the port is taken
            log.exception("the page cannot be served")
            why = f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"
        self._office.post(lambda: self._office.ail(condition("page_down", note_en=why)))

    # ---- PostView

    @property
    def simulated(self) -> bool:
        """Simulated pins: then `/sim/*` exists."""
        return self._office.plan.pins == "simulated"

    @property
    def token_sha256(self) -> str | None:
        """Of the bearer token that may ring and hush."""
        return self._office.office_plan.web.token_sha256

    def ready(self) -> bool:
        """The belfry is armed, orders can be judged, and the line, where there is one, is up."""
        office = self._office
        return office.begun and (office.line is None or office.line.up)

    def status(self) -> Mapping[str, Any]:
        """The wire's status and who we are; the nonce is for the hub's eyes only."""
        office, bulletin = self._office, self._office.bulletin
        sounding = bulletin.sounding
        return {
            "post": office.plan.post_id,
            "commune": office.plan.commune,
            "name": office.plan.name,
            "villages": list(office.plan.villages),
            "at": clock.iso_utc(clock.now().wall_ms),
            "clock": office.clock,
            "sounding": None
            if sounding is None
            else {
                "activation": sounding.activation,
                "signal": sounding.signal,
                "purpose": sounding.purpose.value,
                "since": clock.iso_utc(sounding.since_wall_ms),
                "source": sounding.source.value,
                "proved": sounding.proved,
            },
            "conditions": [to_plain(item) for item in bulletin.conditions],
            "book": bulletin.head.book,
            "seq": bulletin.head.seq,
            "hash": bulletin.head.hash,
            "silenced_until": clock.iso_utc(bulletin.silenced_until_s * 1000) if bulletin.silenced_until_s else None,
            "codebook_version": bulletin.codebook_version,
            "timetable_version": bulletin.timetable_version,
            "line_up": office.line is not None and office.line.up,
        }

    def signals(self) -> Sequence[Mapping[str, Any]]:
        """The codebook on this bell."""
        return [
            {
                "id": item.id,
                "kind": item.kind.value,
                "name_vi": item.name_vi,
                "meaning_vi": item.meaning_vi,
                "duration_ms": item.score.duration_ms,
            }
            for item in self._office.plan.signals
        ]

    def timetable(self) -> Sequence[Mapping[str, Any]]:
        """The lines, each with its next ring."""
        lines = read_lines(self._office.office_plan)
        local = clock.local(clock.now().wall_ms)
        rows = []
        for line, plain in zip(lines, plain_lines(lines), strict=True):
            due = next_due([line], local)
            rows.append({"id": line.id, **plain, "next": None if due is None else due.isoformat()})
        return rows

    def entries(self, after_seq: int, limit: int) -> Sequence[str]:
        """Entries as JSON texts."""
        return [payload.decode() for _, payload in self._office.shelf.entries(after_seq, limit)]

    def tail(self, n: int) -> Sequence[str]:
        """The newest entries as JSON texts."""
        return [to_json(entry) for entry in self._office.shelf.tail(n)]

    def counters(self) -> Mapping[str, float]:
        """For /metrics."""
        office = self._office
        return {
            "kengd_entries_total": float(office.bulletin.head.seq),
            "kengd_entries_unsent": float(office.bulletin.head.seq - (office.line.outbox.cursor if office.line else 0)),
            "kengd_sounding": float(office.bulletin.sounding is not None),
            "kengd_line_up": float(office.line is not None and office.line.up),
            "kengd_clock_trusted": float(office.clock != "untrusted"),
            "kengd_conditions": float(len(office.bulletin.conditions)),
            "kengd_office_uptime_seconds": time.monotonic() - self._started_s,
        }

    def ring(self, signal: str, purpose: str, by: str, why: str | None, key: str | None = None) -> Mapping[str, Any]:
        """Ask the belfry."""
        now = clock.now()
        ask_id = secrets.token_hex(8)
        trigger = Trigger(
            ask_id,
            signal,
            Purpose(purpose),
            Source.PAGE,
            now.mono_ms,
            by=by,
            why=why,
            key=key,
            deadline_ms=now.mono_ms + int(PATIENCE_S * 1000),
        )
        return _verdict(self._ask(ask_id, intercom.AskRing(trigger)))

    def hush(self, activation: str | None, by: str, why: str | None) -> Mapping[str, Any]:
        """Ask the belfry."""
        ask_id = secrets.token_hex(8)
        order = HushOrder(Source.PAGE, clock.now().mono_ms, activation, by=by, why=why)
        return _verdict(self._ask(ask_id, intercom.AskHush(ask_id, order)))

    def press(self, button: str, hold_ms: int) -> bool:
        """Press a simulated button."""
        ask_id = secrets.token_hex(8)
        return bool(self._ask(ask_id, intercom.AskPress(ask_id, button, hold_ms)).found)

    def edges(self, after: int) -> Sequence[tuple[int, int, int]]:
        """Edges of the simulated relay."""
        ask_id = secrets.token_hex(8)
        return tuple(self._ask(ask_id, intercom.AskEdges(ask_id, after)).edges)

    # ---- the keeper's page

    @property
    def bell(self) -> str:
        """What hangs there."""
        return self._office.plan.profile.kind

    @property
    def tls_port(self) -> int | None:
        """Where HTTPS is."""
        return self._office.office_plan.web.tls_port

    def pulse(self) -> str:
        """What the belfry, the book, the line and the clock say, in short."""
        office, bulletin = self._office, self._office.bulletin
        up = office.line is not None and office.line.up
        return f"{bulletin.head.seq}|{hash((office.belfry_state, bulletin.own_conditions))}|{up}|{office.clock}"

    def face(self) -> Face:
        """See `page_face`."""
        return face_of(self._office)

    def codebook(self) -> Sequence[SignalFace]:
        """See `page_face`."""
        return codebook_of(self._office.plan)

    def pins_text(self) -> str | None:
        """As systemd hands it over, or from its file. Raises OSError, ValueError."""
        path = web_at_hand(self._office.office_plan.web).pins
        return None if path is None else Path(path).read_text("utf-8")

    def ca_text(self) -> str | None:
        """The CA that the line to the hub is checked by."""
        broker = self._office.office_plan.broker
        path = None if broker is None else at_hand(broker).ca
        try:
            return None if path is None else Path(path).read_text("ascii")
        except (OSError, ValueError):
            return None

    def ail(self, code: str, wrong: bool, note_vi: str = "", note_en: str = "") -> None:
        """In the loop, as all conditions of the office."""
        office = self._office
        if wrong:
            office.post(lambda: office.ail(condition(code, note_vi=note_vi, note_en=note_en)))
        else:
            office.post(lambda: office.recover(code))

    def remember(self, key: str, value: str | None) -> None:
        """In the book."""
        self._office.remember(key, value)

    def recall(self, prefix: str) -> Mapping[str, str]:
        """From the book."""
        return self._office.recall(prefix)

    def heard(self, by: str, heard: bool, ring: Mapping[str, Any]) -> None:
        """A `tested` entry, and a condition while the last word is that nothing was heard: the hub's board shows it at once."""
        detail: dict[str, object] = {
            "heard": heard,
            "ring": ring["activation"],
            "rang_at": clock.iso_utc(ring["at_ms"]),
        }
        reason = "heard" if heard else "not_heard"
        self._office.write(Draft(
            EntryKind.TESTED, signal=ring["signal"], source=Source.PAGE, by=by, reason=reason, detail=detail,
        ))  # fmt: skip
        note = f"{by}, {clock.local(ring['at_ms']):%H:%M %d/%m}"
        self.remember(NOT_HEARD, None if heard else note)
        self.ail("not_heard", not heard, note, note)

    def _ask(self, ask_id: str, question: Any) -> Any:
        future: Future[Any] = Future()
        self._office.asked[ask_id] = future
        if not self._office.tell_belfry(question):
            self._office.asked.pop(ask_id, None)
            raise KengdError("no_answer", "tháp kẻng đang bận", cure="thử lại", en="the belfry does not read")
        try:
            return future.result(PATIENCE_S)
        except FutureTimeout as late:
            self._office.asked.pop(ask_id, None)
            raise KengdError("no_answer", "tháp kẻng không trả lời", cure="thử lại", en="no answer") from late


def _verdict(decided: intercom.Decided) -> dict[str, Any]:
    return {"verdict": decided.verdict, "reason": decided.reason, "activation": decided.activation}
