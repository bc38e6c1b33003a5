"""The tables of a report as data, the same for paper and workbook. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from kengd.hub.reports import names
from kengd.hub.reports.facts import Ground, IncidentFacts, Outcome, RingFacts
from kengd.hub.reports.figures import Figures, Spread, outcome_of, time_to_ring_ms

SILENT: tuple[Outcome, ...] = ("missed", "refused", "unanswered", "cancelled")
"""What a report lists as not done; a silent test and a command that still waits are not among them."""

_WHY: Final[dict[Outcome, str]] = {"unanswered": names.reason_words("unanswered", "no_answer")}


@dataclass(frozen=True, slots=True)
class Moment:
    """A cell that holds a moment, unix ms."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Took:
    """A cell that holds a length of time in ms, told in seconds; None = not measured."""

    ms: int | None


@dataclass(frozen=True, slots=True)
class Lost:
    """A cell that holds a long time in ms, told in days, hours and minutes."""

    ms: int


@dataclass(frozen=True, slots=True)
class Share:
    """A cell that holds 0…1, told in %; None = nothing to share."""

    value: float | None


Cell = str | int | Moment | Took | Lost | Share
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Heads and rows, without STT. `summed`: the last row is a sum, and the heads stand over at least one row more."""

    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    summed: bool = False


def by_kind(figures: Figures) -> Table:
    """Rings by kind, apart for real ones and drills."""
    drills = figures.drills_by_kind
    rows: list[Row] = [
        (names.KINDS[kind], count - drills.get(kind, 0), drills.get(kind, 0), count)
        for kind, count in figures.by_kind.items()
    ]
    drilled = sum(drills.values())
    rows.append(("Tổng cộng", figures.rings - drilled, drilled, figures.rings))
    return Table(("Hiệu lệnh", "Thật", "Diễn tập", "Cộng"), tuple(rows), summed=True)


def by_source(figures: Figures) -> Table:
    """Rings by what asked for them."""
    return _counted("Nguồn", ((names.SOURCES[key], count) for key, count in figures.by_source.items()), figures.rings)


def by_village(figures: Figures, chosen: Ground) -> Table:
    """Alarms and rings of each village; no sum, for a post may serve several."""
    named = {village.id: village.name for village in chosen.villages}
    rows: list[Row] = []
    for village, count in figures.by_village.items():
        name = names.NO_VILLAGE if village is None else named.get(village, village)
        rows.append((name, figures.alarms_by_village.get(village or "", 0), count))
    return Table(("Thôn", "Lượt báo động thật", "Số lần kẻng kêu"), tuple(rows))


def by_week(figures: Figures) -> Table:
    """Rings by week."""
    return _counted(
        "Tuần từ thứ Hai ngày", ((f"{week:%d/%m/%Y}", count) for week, count in figures.by_week.items()), figures.rings
    )


def by_hour(figures: Figures) -> Table:
    """Rings by hour of the day, hours without a ring left out."""
    rung = ((f"{hour:02}h00–{hour:02}h59", count) for hour, count in enumerate(figures.by_hour) if count)
    return _counted("Giờ trong ngày", rung, figures.rings)


def by_ending(figures: Figures) -> Table:
    """Rings by how they ended, the most frequent first."""
    found = sorted(figures.by_ending.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or ""))
    return _counted(
        "Kết thúc thế nào",
        ((names.end_words(outcome, reason), count) for (outcome, reason), count in found),
        figures.rings,
    )


def by_reason(figures: Figures) -> Table:
    """Why something was missed or refused, how often; then what was not answered and what was cancelled."""
    rows: list[Row] = []
    counted: tuple[tuple[Outcome, Mapping[str | None, int]], ...] = (
        ("missed", figures.missed),
        ("refused", figures.refused),
    )
    for outcome, counts in counted:
        for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0] or "")):
            rows.append((names.OUTCOMES[outcome].capitalize(), names.reason_words(outcome, reason), count))
    more: tuple[tuple[Outcome, int], ...] = (("unanswered", figures.unanswered), ("cancelled", figures.cancelled))
    rows += [(names.OUTCOMES[outcome].capitalize(), _WHY.get(outcome, ""), count) for outcome, count in more if count]
    if not rows:
        return Table(("Kết quả", "Lý do", "Số lần"), ())
    total = sum(figures.missed.values()) + sum(figures.refused.values()) + figures.unanswered + figures.cancelled
    return Table(("Kết quả", "Lý do", "Số lần"), (*rows, ("Tổng cộng", "", total)), summed=True)


def times(figures: Figures) -> Table:
    """Time to ring by source, time to acknowledge."""
    rows: list[Row] = [
        (f"Từ lúc yêu cầu đến lúc kẻng kêu: {names.lowered(names.SOURCES[source])}", *_spread(spread))
        for source, spread in figures.time_to_ring.items()
    ]
    rows.append(("Từ lúc điểm kẻng báo động đến lúc có cán bộ nhận xử lý", *_spread(figures.time_to_acknowledge)))
    return Table(("Nội dung", "Số lần", "Trung vị", "90 % không quá", "Lâu nhất"), tuple(rows))


def incidents_by_kind(figures: Figures) -> Table:
    """Incidents by kind, in the order of the list of kinds, those not known to it last."""
    kinds = [kind for kind in names.INCIDENTS if kind in figures.incidents_by_kind]
    kinds += sorted(str(kind) for kind in figures.incidents_by_kind if kind not in names.INCIDENTS)
    counts = ((names.incident_words(kind), figures.incidents_by_kind[kind]) for kind in kinds)
    return _counted("Loại vụ việc", counts, figures.incidents, "Số vụ")


def incidents_by_outcome(figures: Figures) -> Table:
    """Incidents by what was done, the most frequent first."""
    found = sorted(figures.incidents_by_outcome.items(), key=lambda item: (-item[1], item[0] or ""))
    return _counted("Kết quả", ((name or names.NO_OUTCOME, count) for name, count in found), figures.incidents, "Số vụ")


def presence(figures: Figures, chosen: Ground) -> Table:
    """How long each post was present."""
    named = {post.id: post.name for post in chosen.posts}
    rows: list[Row] = [
        (named.get(item.post, item.post), Share(item.share), Lost(item.possible_ms - item.present_ms))
        for item in figures.presence
    ]
    return Table(("Điểm kẻng", "Có kết nối", "Mất liên lạc"), tuple(rows))


# ---- lists


def rings(chosen: Ground) -> Table:
    """Every ring."""
    named = {post.id: post.name for post in chosen.posts}
    return Table(
        (
            "Bắt đầu", "Kết thúc", "Điểm kẻng", "Thôn", "Hiệu lệnh", "Mục đích", "Nguồn", "Nơi bấm", "Người yêu cầu",
            "Lý do", "Từ yêu cầu đến kêu (giây)", "Kết thúc thế nào", "Ghi chú",
        ),
        tuple(_ring(ring, named, _villages(chosen)) for ring in chosen.rings if ring.sounded),
    )  # fmt: skip


def failures(chosen: Ground) -> Table:
    """Everything that was missed, refused, not answered or cancelled."""
    named = {post.id: post.name for post in chosen.posts}
    rows: list[Row] = [
        (
            Moment(ring.at_ms),
            named.get(ring.post, ring.post),
            names.signal_words(ring),
            names.SOURCES[ring.source],
            ring.by or "",
            names.OUTCOMES[ring.outcome],
            names.failure_reason(ring),
            ring.count,
        )
        for ring in chosen.rings
        if ring.outcome in SILENT
    ]
    heads = ("Thời gian", "Điểm kẻng", "Hiệu lệnh", "Nguồn", "Người yêu cầu", "Kết quả", "Lý do", "Số lần")
    return Table(heads, tuple(rows))


def incidents(chosen: Ground) -> Table:
    """Every incident."""
    heads = (
        "Bắt đầu", "Thôn", "Loại", "Từ", "Nhận xử lý lúc", "Cán bộ nhận xử lý", "Sau (giây)", "Kết quả", "Ghi chú",
    )  # fmt: skip
    return Table(heads, tuple(_incident(item, _villages(chosen)) for item in chosen.incidents))


def _ring(ring: RingFacts, posts: Mapping[str, str], villages: Mapping[str, str]) -> Row:
    notes = [f"{len(ring.joined)} yêu cầu khác được gộp vào"] if ring.joined else []
    notes += ["đồng hồ điểm kẻng chưa tin được"] if ring.clock_untrusted else []
    notes += {True: ["đã kiểm được tiếng"], False: ["rơ-le đóng nhưng không kiểm được tiếng"], None: []}[ring.proved]
    return (
        Moment(ring.at_ms),
        "" if ring.ended_ms is None else Moment(ring.ended_ms),
        posts.get(ring.post, ring.post),
        ", ".join(villages.get(village, village) for village in ring.villages),
        names.signal_words(ring, with_purpose=False),
        names.PURPOSES[ring.purpose],
        names.SOURCES[ring.source],
        ring.place or "",
        ring.by or "",
        ring.why or "",
        Took(time_to_ring_ms(ring)),
        names.ending_words(ring),
        "; ".join(notes),
    )


def _incident(item: IncidentFacts, villages: Mapping[str, str]) -> Row:
    taken = item.acknowledged_ms
    return (
        Moment(item.began_ms),
        ", ".join(villages.get(village, village) for village in item.places) or names.NO_VILLAGE,
        names.incident_words(item.kind),
        "tin báo" if item.from_call else "cán bộ phát lệnh" if item.from_officer else "điểm kẻng báo động",
        "" if taken is None else Moment(taken),
        item.acknowledged_by or "",
        Took(max(0, taken - item.began_ms) if taken is not None and item.from_keeper else None),
        outcome_of(item) or names.NO_OUTCOME,
        item.text.strip(),
    )


def _villages(chosen: Ground) -> dict[str, str]:
    return {village.id: village.name for village in chosen.villages}


def _counted(head: str, counts: Iterable[tuple[str, int]], total: int, unit: str = "Số lần") -> Table:
    return Table((head, unit), (*counts, ("Tổng cộng", total)), summed=True)


def _spread(spread: Spread) -> Row:
    return spread.count, Took(spread.median_ms), Took(spread.p90_ms), Took(spread.worst_ms)
