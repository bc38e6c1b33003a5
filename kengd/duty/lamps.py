"""What the two lamps say: a table from plain facts to few, clearly different blinks (H10, H20). Pure.

KẺNG tells the keeper whether the bell hears him; CÔNG AN whether the police know. The keeper has no page (HAZARDS).
"""

from __future__ import annotations

from dataclasses import dataclass

LAMP_TEST_MS = 2_000
"""Both lamps are lit for so long at start, so that a dead lamp is noticed."""


@dataclass(frozen=True, slots=True)
class Blink:
    """One thing a lamp can say.

    `cycle`: (on_ms, off_ms) pairs, repeated; () = dark; a single pair with off_ms 0 = steadily lit.
    `vi`: what the printed sheet says it means; `looks`: how the sheet describes it.
    """

    code: str
    vi: str
    looks: str
    cycle: tuple[tuple[int, int], ...]

    @property
    def period_ms(self) -> int:
        """Length of one cycle; 0 for a dark lamp."""
        return sum(on_ms + off_ms for on_ms, off_ms in self.cycle)


LAMP_TEST = Blink("test", "đang thử đèn khi khởi động", "sáng liền 2 giây lúc khởi động", ((LAMP_TEST_MS, 0),))

READY = Blink("ready", "sẵn sàng", "chớp ngắn, 3 giây một lần", ((100, 2_900),))
HEARD = Blink("heard", "đã nhận thấy bấm nút, giữ tiếp", "sáng liền khi đang bấm", ((1_000, 0),))
RINGING = Blink("ringing", "đang đánh kẻng", "nháy nhanh đều", ((150, 150),))
PRESS_AGAIN = Blink("press_again", "kẻng đã dừng: bấm lại để đánh tiếp", "nháy đôi chậm", ((600, 400), (600, 1_400)))
FAULT = Blink(
    "fault", "có hỏng hóc: gọi người sửa (nút vẫn cứ bấm)", "nháy ba rồi nghỉ", ((150, 250), (150, 250), (150, 1_600))
)

LINE_UP = Blink("line_up", "nối được với máy chủ của xã", "chớp ngắn, 3 giây một lần", ((100, 2_900),))
LINE_DOWN = Blink("line_down", "không nối được với máy chủ của xã: hãy gọi điện", "tắt hẳn", ())
REACHED = Blink(
    "reached",
    "đã gửi lên xã, chưa ai nhận: quá 2 phút, gọi điện",
    "nháy chậm đều",
    ((1_000, 1_000),),
)
"""The broker has it (PUBACK): that is not the hub's word, and not yet anybody's."""
TAKEN = Blink("taken", "cán bộ Công an xã đã nhận xử lý", "sáng liền", ((1_000, 0),))

BELL_LAMP = (LAMP_TEST, HEARD, RINGING, PRESS_AGAIN, FAULT, READY)
POLICE_LAMP = (LAMP_TEST, TAKEN, REACHED, LINE_UP, LINE_DOWN)
"""All that each lamp can say, for the printed sheet."""


def bell_lamp(*, testing: bool, pressing: bool, ringing: bool, press_again: bool, fault: bool) -> Blink:
    """The lamp KẺNG: the first of these facts that holds decides, READY when none does.

    A press counts before the ringing: whoever presses while it rings must see that the press is felt.
    """
    table = (
        (testing, LAMP_TEST),
        (pressing, HEARD),
        (ringing, RINGING),
        (press_again, PRESS_AGAIN),
        (fault, FAULT),
    )
    return next((blink for holds, blink in table if holds), READY)


def police_lamp(*, testing: bool, taken: bool, reached: bool, line_up: bool) -> Blink:
    """The lamp CÔNG AN: the first of these facts that holds decides. Dark means no line, as when the lamp is dead."""
    table = (
        (testing, LAMP_TEST),
        (taken, TAKEN),
        (reached, REACHED),
        (line_up, LINE_UP),
    )
    return next((blink for holds, blink in table if holds), LINE_DOWN)


def lit(blink: Blink, now_ms: int) -> bool:
    """Is the lamp lit at this monotonic ms?"""
    return _place(blink, now_ms)[0]


def next_change_ms(blink: Blink, now_ms: int) -> int | None:
    """The next monotonic ms (> now) at which the lamp changes; None when it never does by itself."""
    return _place(blink, now_ms)[1]


def _place(blink: Blink, now_ms: int) -> tuple[bool, int | None]:
    if not blink.cycle:
        return False, None
    if all(off_ms == 0 for _, off_ms in blink.cycle):
        return True, None
    edge_ms = now_ms - now_ms % blink.period_ms
    for on_ms, off_ms in blink.cycle:
        edge_ms += on_ms
        if now_ms < edge_ms:
            return True, edge_ms
        edge_ms += off_ms
        if now_ms < edge_ms:
            return False, edge_ms
    raise AssertionError("unreachable: now lies within one cycle")
