"""`kengd hub incidents …`: what an officer does about an incident when there is no page, by the same acts and into the same books.

Whoever is at the hub machine's own shell may do what an admin may, as with `kengd hub dispatch`.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from kengd import clock
from kengd.cli.hub_acts import LOOK_S, acts_of, audit_line, check_timeout, follow, look
from kengd.cli.hub_incident_lines import Told, facts, line, listed, whole
from kengd.cli.hub_open import Opened, actor, link, opened, reading, say
from kengd.cli.hub_posts import unknown_village
from kengd.errors import KengdError, UsageError
from kengd.hub.acts import Acts
from kengd.hub.desk.forms import CallForm, Form, OutcomeForm
from kengd.hub.incident_acts import part_of
from kengd.hub.incidents import KINDS, Incident, Outcome
from kengd.hub.ledger import desk_facts, incidents, rosters, values
from kengd.hub.ledger.store import Ledger, Transaction
from kengd.hub.roster import Roster
from kengd.settings.demands import demand_of_json
from kengd.uplink.shell import ShellLink

LATELY_MS: Final = 31 * 86_400_000
"""As the desk's list."""
MOST: Final = 1_000
OPTIONS: Final[Mapping[str, str]] = {"kind": "--kind", "done": "--done", "done_by": "--done-by", "text": "--text"}

F = TypeVar("F", bound=Form)


def run(args: argparse.Namespace) -> int:
    """One of the eight; each act is a line in the audit book. Raises UsageError, KengdError."""
    if args.what in ("list", "show"):
        with reading(args) as (_, ledger):
            return _list(ledger, args) if args.what == "list" else _show(ledger, args)
    check_timeout(args)
    acts: dict[str, Callable[[Opened, argparse.Namespace], int]] = {
        "take": _take, "support": _support, "all-clear": _all_clear, "outcome": _outcome, "correct": _outcome, "call": _call,
    }  # fmt: skip
    with opened(args) as hub:
        return acts[args.what](hub, args)


# ---- what there is


def _list(ledger: Ledger, args: argparse.Namespace) -> int:
    with ledger.read() as connection:
        roster = rosters.read_roster(connection)
        found = listed(_told(connection, _lately(connection) if args.all else incidents.open_ones(connection)))
    for told in found:
        print(json.dumps(facts(told), ensure_ascii=False) if args.json else line(told, roster))
    if not found and not args.json:
        say(
            "Không có vụ việc nào trong 31 ngày qua."
            if args.all
            else "Không có vụ việc nào đang mở. Xem cả vụ đã xong: kengd hub incidents --all"
        )
    return 0


def _show(ledger: Ledger, args: argparse.Namespace) -> int:
    with ledger.read() as connection:
        roster = rosters.read_roster(connection)
        told = _told(connection, [_found(connection, args)])[0]
    print(json.dumps(facts(told), ensure_ascii=False) if args.json else "\n".join(whole(told, roster)))
    return 0


def _lately(connection: Transaction) -> list[Incident]:
    """The last 31 days, and what is open from before."""
    now_ms = clock.now().wall_ms
    found = {one.id: one for one in incidents.between(connection, now_ms - LATELY_MS, 2 * now_ms, MOST)}
    return [*({one.id: one for one in incidents.open_ones(connection)} | found).values()]


def _told(connection: Transaction, found: list[Incident]) -> list[Told]:
    ids = [one.id for one in found]
    sounded = incidents.sounded_of(connection, ids)
    outcomes = incidents.outcomes_of(connection, ids)
    return [
        Told(
            one,
            tuple(item for item in sounded if item.incident == one.id),
            tuple(item for item in outcomes if item.incident == one.id),
        )
        for one in found
    ]


def _found(connection: Transaction, args: argparse.Namespace) -> Incident:
    """By its id, or by the beginning of it where only one begins so. Raises UsageError `usage`, KengdError `unknown_incident`."""
    given = args.incident
    if given is None:
        raise UsageError(
            "usage",
            "phải ghi mã vụ việc",
            cure=f"xem mã: kengd hub incidents; rồi ví dụ: kengd hub incidents {args.what} MÃ_VỤ",
            en="the incident is missing",
        )
    known = incidents.find(connection, given)
    if known is not None:
        return known
    near = [one for one in _lately(connection) if given and one.id.startswith(given)]
    if len(near) > 1:
        raise UsageError(
            "usage",
            f"có {len(near)} vụ việc bắt đầu bằng “{given[:40]}”",
            cure=f"ghi rõ hơn: {', '.join(one.id for one in near[:5])}",
            en="several incidents begin so",
        )
    if not near:
        raise KengdError("unknown_incident", f"không có vụ việc “{given[:60]}”", en="no such incident")
    return near[0]


# ---- acts


def _take(hub: Opened, args: argparse.Namespace) -> int:
    incident, roster = _one(hub, args)
    who = actor(args.by)
    if incident.acknowledged_by != who.name:
        with _acting(hub, roster) as acts:
            acts.acknowledge(who, incident.id, audit_line("acknowledge", {"incident": incident.id}))
    print(f"{who.name} đã nhận xử lý {incident.id}.", file=sys.stderr)
    return follow(hub, [part_of("taken", incident.id), part_of("quiet", incident.id)], args)


def _support(hub: Opened, args: argparse.Namespace) -> int:
    incident, roster = _one(hub, args)
    act_id = _new_id()
    line_of_it = audit_line("support", {"incident": incident.id, "dispatch": act_id})
    with _acting(hub, roster) as acts:
        dispatch = acts.support(actor(args.by), incident.id, act_id, also=line_of_it)
    if dispatch is None:
        print("Danh sách không ghi thôn bạn nào để xin chi viện cho nơi này.", file=sys.stderr)
        return 1
    return follow(hub, [act_id], args)


def _all_clear(hub: Opened, args: argparse.Namespace) -> int:
    incident, roster = _one(hub, args)
    act_id = _new_id()
    with _acting(hub, roster) as acts:
        done = acts.all_clear(
            actor(args.by), incident.id, act_id, audit_line("all_clear", {"incident": incident.id, "act": act_id})
        )
    print(f"Hết báo động {incident.id}, do {done.closed_by}.", file=sys.stderr)
    code = follow(hub, [part_of("hush", incident.id, act_id)], args)
    return follow(hub, _clearings(hub, incident.id, args.timeout), args) or code


def _clearings(hub: Opened, incident_id: str, within_s: float) -> list[str]:
    """The rings of the all-clear: the running service orders each when its post has said that the alarm has ended (P4)."""
    deadline_s = time.monotonic() + within_s
    while True:
        with hub.ledger.read() as connection:
            waits = values.value_of(connection, f"clear:{incident_id}")
            rings = desk_facts.dispatches_of(connection, [incident_id])
        if waits is None or time.monotonic() > deadline_s:
            break
        time.sleep(LOOK_S)
    if waits is not None:
        posts = ", ".join(json.loads(waits)["posts"])
        print(
            f"Dịch vụ máy trực ban sẽ đánh hiệu hết báo động ở: {posts} (systemctl status kengd-hub).", file=sys.stderr
        )
    return [str(ring["id"]) for ring in rings if ring["signal"] == "all_clear"]


def _outcome(hub: Opened, args: argparse.Namespace) -> int:
    """`outcome` the first time; `correct` adds a further one, which keeps what is not said anew."""
    incident, roster = _one(hub, args)
    with hub.ledger.read() as connection:
        before = incidents.outcomes_of(connection, [incident.id])
    _check_turn(args, incident.id, bool(before))
    last = before[-1] if before else Outcome(incident.id, 0, "", "")
    told = {name: getattr(args, name) for name in ("done", "done_by", "text") if getattr(args, name) is not None}
    form = _checked(OutcomeForm, {
        "kind": last.kind if args.kind is None else _kind(args.kind), "done": last.done, "done_by": last.done_by,
        "text": last.text, **told,
    })  # fmt: skip
    who = actor(args.by)
    given = Outcome(incident.id, clock.now().wall_ms, who.name, form.kind, form.done, form.done_by, form.text)
    line_of_it = audit_line("outcome", {"incident": incident.id, "kind": form.kind})
    acts_of(hub, roster, {}, None).outcome(who, given, line_of_it)
    return _show(hub.ledger, args)


def _call(hub: Opened, args: argparse.Namespace) -> int:
    """Tin báo: it is taken charge of by whoever writes it down."""
    if args.text is None or args.incident is not None:
        raise UsageError(
            "usage",
            "tin báo phải có nội dung",
            cure="ví dụ: kengd hub incidents call --village 'Thôn 2' --text 'có người lạ cạy cửa nhà ông Ba'",
            en="--text is missing",
        )
    with hub.ledger.read() as connection:
        roster = rosters.read_roster(connection)
    village = None
    if args.village is not None:
        village = next((item.id for item in roster.villages if args.village in (item.id, item.name)), None)
        if village is None:
            raise unknown_village(args.village, roster)
    form = _checked(CallForm, {"id": _new_id(), "text": args.text, "village": village})
    line_of_it = audit_line("call_in", {"incident": form.id, "village": village})
    incident = acts_of(hub, roster, {}, None).call_in(actor(args.by), form.id, form.text, village, line_of_it)
    print(f"Đã ghi tin báo {incident.id}, {incident.acknowledged_by} nhận xử lý.")
    return 0


# ---- what they share


def _one(hub: Opened, args: argparse.Namespace) -> tuple[Incident, Roster]:
    with hub.ledger.read() as connection:
        return _found(connection, args), rosters.read_roster(connection)


@contextmanager
def _acting(hub: Opened, roster: Roster) -> Iterator[Acts]:
    """With a line to the broker; where there is none the act is kept all the same, and the service sends what it ordered."""
    with link(hub) as shell:
        connected: ShellLink | None = shell
        try:
            shell.connect()
        except KengdError as wrong:
            print(
                f"{wrong.for_people()}\nViệc này vẫn được ghi; dịch vụ máy trực ban sẽ gửi lệnh khi nối được.",
                file=sys.stderr,
            )
            connected = None
        yield acts_of(hub, roster, {} if connected is None else look(hub, connected), connected)


def _new_id() -> str:
    return f"shell-{secrets.token_hex(8)}"


def _check_turn(args: argparse.Namespace, incident_id: str, told: bool) -> None:
    if args.what == "outcome" and args.kind is None:
        raise UsageError(
            "usage",
            "phải ghi loại vụ việc",
            cure=f"ví dụ: kengd hub incidents outcome {incident_id} --kind theft; các loại: {_kinds()}",
            en="--kind is missing",
        )
    if told == (args.what == "correct"):
        return
    right = "correct" if told else "outcome"
    raise UsageError(
        "usage",
        "vụ việc này đã có kết quả" if told else "vụ việc này chưa có kết quả để sửa",
        cure=f"gõ: kengd hub incidents {right} {incident_id} --kind LOẠI",
        en="it has an outcome already" if told else "there is no outcome to correct",
    )


def _kind(given: str) -> str:
    """By its id or its Vietnamese name. Raises UsageError `unknown_kind`."""
    folded = given.strip().casefold()
    for kind, name in KINDS.items():
        if folded in (kind, name.casefold()):
            return kind
    raise UsageError(
        "unknown_kind", f"không có loại vụ việc “{given[:40]}”", cure=f"chọn một trong: {_kinds()}", en="bad --kind"
    )


def _kinds() -> str:
    return ", ".join(f"{kind} ({name})" for kind, name in KINDS.items())


def _checked(form: type[F], given: Mapping[str, Any]) -> F:
    """Bounded as at the desk. Raises UsageError `usage`."""
    try:
        return form.model_validate(given)
    except ValidationError as wrong:
        found = wrong.errors(include_url=False)
        names = [OPTIONS.get(str(item["loc"][0]), str(item["loc"][0])) for item in found]
        raise UsageError(
            "usage",
            "; ".join(f"{name}: {demand_of_json(item)}" for name, item in zip(names, found, strict=True)),
            cure="viết lại rồi gõ lại lệnh này",
            en=f"bad {', '.join(names)}",
        ) from None
