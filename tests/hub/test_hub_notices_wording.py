"""What people are told, and that it fits a feature phone."""

from __future__ import annotations

import string
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kengd.duty.health import condition
from kengd.duty.words import Purpose, Source
from kengd.hub.notices import wording
from kengd.hub.notices.gsm import plain_text, shortened
from kengd.hub.notices.words import (
    WEIGHTS,
    Channel,
    Notice,
    NoticeKind,
    Recipient,
    Weight,
    quiet_left_ms,
    recipients_of,
)

AT = 1_796_223_900_000  # 22:05 on 2026-12-02 in Asia/Ho_Chi_Minh
GSM7_ONE_SEPTET = frozenset(string.ascii_letters + string.digits + " !\"#$%&'()*+,-./:;<=>?@_")  # 3GPP TS 23.038, 6.2.1
EVERY_LETTER = (
    "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđ"
    "AÀẢÃÁẠĂẰẲẴẮẶÂẦẨẪẤẬEÈẺẼÉẸÊỀỂỄẾỆIÌỈĨÍỊOÒỎÕÓỌÔỒỔỖỐỘƠỜỞỠỚỢUÙỦŨÚỤƯỪỬỮỨỰYỲỶỸÝỴĐ"
)


def an_alarm(**changes: object) -> Notice:
    said = {
        "at_ms": AT,
        "post": "dong-cao",
        "post_name": "Điểm kẻng Đông Cao",
        "villages": ("Đông Cao",),
        "signal_vi": "Báo động",
        "activation": "a1",
        "by": "Nguyễn Văn Đức",
        "why": "trộm chó",
        "place": "cổng đình",
    }
    return wording.alarm(**(said | changes))  # type: ignore[arg-type]


def every_notice() -> list[Notice]:
    post, name = "dong-cao", "Điểm kẻng Đông Cao"
    return [
        an_alarm(),
        wording.taken(at_ms=AT, post=post, post_name=name, activation="a1", by="Trần Thị Hoa"),
        wording.unacknowledged(
            at_ms=AT, post=post, post_name=name, activation="a1", waited_s=60, attempt=2, to="đồng chí Lê Văn Sỹ"
        ),
        wording.ended(at_ms=AT, posts=[post], names=[name], activation="a1", by="Trần Thị Hoa"),
        wording.will_not_ring(
            at_ms=AT, post=post, post_name=name, signal_vi="báo yên", due_ms=AT, reason_vi="đồng hồ chưa đúng"
        ),
        wording.absent(at_ms=AT, post=post, post_name=name, since_ms=AT - 180_000),
        wording.back(at_ms=AT, post=post, post_name=name, since_ms=AT - 180_000),
        wording.condition(at_ms=AT, post=post, post_name=name, sick=condition("battery_low")),
        wording.silent_test_missed(at_ms=AT, posts=[post], names=[name], reasons_vi=["không trả lời"]),
        wording.trial(at_ms=AT, by="Trần Thị Hoa"),
        wording.certificate_expiring(at_ms=AT, subject=name, expires_ms=AT + 60 * 86_400_000, posts=[post]),
    ]


def test_every_kind_has_words_and_a_weight() -> None:
    """No kind of notice is without a text (what rang, why 22h will not ring, absent, the police have it)."""
    assert {notice.kind for notice in every_notice()} == set(NoticeKind) == set(WEIGHTS)


def test_every_vietnamese_letter_loses_its_diacritics_and_nothing_else() -> None:
    """The keeper's feature phone shows plain letters, đ and Đ included."""
    wanted = "".join(
        base * count for base, count in (("a", 18), ("e", 12), ("i", 6), ("o", 18), ("u", 12), ("y", 6), ("d", 1))
    )
    assert plain_text(EVERY_LETTER) == wanted + wanted.upper()


def test_decomposed_letters_and_typographic_signs_are_spelled() -> None:
    """Phones send decomposed letters; settings hold curly quotes and dashes."""
    assert (
        plain_text("Đo\u0302\u0301ng “Cao” – 5\u00a0km… [x] \\ ~ 🔔 \n kẻng Ж") == 'Dong "Cao" - 5 km... (x) / - keng ?'
    )


def test_the_texts_of_an_alarm_say_what_rang_where_when_and_why() -> None:
    """A notice says what rang, where and why."""
    notice = an_alarm()
    assert (notice.title_vi, wording.long_text(notice), wording.sms_text(notice)) == (
        "BÁO ĐỘNG Điểm kẻng Đông Cao",
        "Báo động tại Điểm kẻng Đông Cao lúc 22:05 02/12, do bấm nút tại điểm kẻng (cổng đình), người phát lệnh:"
        " Nguyễn Văn Đức. Lý do: trộm chó.",
        "BAO DONG Diem keng Dong Cao 22:05 02/12: Bao dong, bam nut tai diem keng (cong dinh), nguoi phat lenh:"
        " Nguyen Van Duc. Ly do: trom cho.",
    )


def test_a_drill_says_so_first_everywhere() -> None:
    """R62: test and live look different."""
    drill = an_alarm(purpose=Purpose.DRILL, source=Source.HUB)
    assert [text[:8] for text in (drill.title_vi, drill.body_vi, wording.sms_text(drill))] == [
        "DIỄN TẬP",
        "DIỄN TẬP",
        "DIEN TAP",
    ]


def test_the_keepers_three_messages_fit_one_sms_whole() -> None:
    """HAZARDS: the keeper has a feature phone. Why 22h will not ring, that his post is absent, that the police have it."""
    texts = {notice.kind: wording.sms_text(notice) for notice in every_notice()}
    assert [texts[kind] for kind in (NoticeKind.WILL_NOT_RING, NoticeKind.ABSENT, NoticeKind.TAKEN)] == [
        "Diem keng Dong Cao SE KHONG DANH bao yen luc 22:05 02/12: dong ho chua dung. Hay danh tay dung gio.",
        "Diem keng Dong Cao MAT LIEN LAC tu 22:02 02/12. Kiem tra dien, mang. Nut tai cho van danh duoc neu con dien.",
        "CONG AN XA DA NHAN bao dong Diem keng Dong Cao luc 22:05 02/12: dong chi Tran Thi Hoa xu ly.",
    ]


def test_no_kernel_of_a_notice_is_cut_in_the_ordinary_case() -> None:
    """Only long free text or long names are ever shortened."""
    assert [notice.kind for notice in every_notice() if wording.sms_text(notice).endswith("...")] == []


_TYPED = st.text(max_size=400) | st.text("aZ đĐếỮ…“[€🔔\n.,", min_size=150, max_size=400)


@given(_TYPED, _TYPED, _TYPED, st.sampled_from([0, 1, 9_999, 10**12]))
def test_an_sms_is_always_one_line_of_at_most_160_gsm7_characters(
    title: str, body: str, short: str, repeats: int
) -> None:
    """One letter outside GSM-7 would make it UCS-2 and 70 characters; the count of repeats is never cut off."""
    notice = Notice(NoticeKind.CONDITION, "k", title, body, AT, short_vi=short, repeats=repeats)
    text = wording.sms_text(notice)
    assert len(text) <= 160
    assert set(text) <= GSM7_ONE_SEPTET
    assert text.endswith(f" (va {min(repeats, 9_999)} lan nua)") == bool(repeats)
    assert len(wording.long_text(notice)) <= 1_500


@given(st.text(alphabet="ab ", max_size=60), st.integers(0, 60))
def test_shortening_keeps_the_beginning_and_the_bound(text: str, length: int) -> None:
    """What is cut says so, and never grows."""
    short = shortened(text, length)
    assert len(short) <= length
    assert short == text or text.startswith(short[:-3].rstrip() if length > 3 else short)


def test_repeats_are_said_in_both_forms() -> None:
    """Repeats are folded."""
    notice = replace(every_notice()[5], repeats=3)
    assert wording.long_text(notice).endswith(" …và 3 lần nữa.")
    assert wording.sms_text(notice).endswith(" (va 3 lan nua)")


def test_a_person_is_told_about_the_kinds_and_posts_that_are_his() -> None:
    """A keeper hears of his post; a notice about no post is about all."""
    keeper = Recipient(
        "k1", "Ông Tư", frozenset({NoticeKind.ABSENT, NoticeKind.CERTIFICATE_EXPIRING}), (), frozenset({"a"})
    )
    chief = Recipient("c1", "Chỉ huy", frozenset(NoticeKind), ())
    about_a = wording.absent(at_ms=AT, post="a", post_name="A", since_ms=AT)
    about_b = wording.absent(at_ms=AT, post="b", post_name="B", since_ms=AT)
    back_a = wording.back(at_ms=AT, post="a", post_name="A", since_ms=AT)
    about_all = wording.certificate_expiring(at_ms=AT, subject="CA", expires_ms=AT)
    told = [recipients_of(notice, [keeper, chief]) for notice in (about_a, about_b, back_a, about_all)]
    assert told == [(keeper, chief), (chief,), (chief,), (keeper, chief)]


def test_quiet_hours_hold_calm_notices_only() -> None:
    """R45: quiet hours for tests and notices, never for alarm."""
    sleeper = Recipient("p", "P", frozenset(NoticeKind), (), quiet=(22 * 60, 6 * 60))
    left = {notice.kind: quiet_left_ms(sleeper, notice, 23 * 60) for notice in every_notice()}
    assert left == {kind: 7 * 3_600_000 if weight is Weight.CALM else 0 for kind, weight in WEIGHTS.items()}
    calm = every_notice()[-1]
    by_day = replace(sleeper, quiet=(12 * 60, 13 * 60))
    assert [quiet_left_ms(sleeper, calm, minute) for minute in (0, 359, 360, 1_319)] == [360 * 60_000, 60_000, 0, 0]
    assert [quiet_left_ms(by_day, calm, minute) for minute in (719, 720, 779, 780)] == [0, 60 * 60_000, 60_000, 0]


def test_no_secret_of_a_channel_is_in_its_repr_family_or_shown_name() -> None:
    """P12: also not through the dataclasses that hold it."""
    channels = [
        Channel("apprise", "tgram://110201543:SECRETtoken/987654"),
        Channel("sms", "+84912345678", short=True),
        Channel("webhook", "https://h.example/SECRETpath", secret="SECRETkey"),
        Channel("frigate", "http://10.0.0.5:5000", secret="SECRETkey", camera="cong"),
        Channel("webhook", "http://[broken/SECRET"),
    ]
    person = Recipient("p", "P", frozenset(), tuple(channels))
    said = repr(person) + "".join(channel.family + channel.shown + repr(channel) for channel in channels)
    assert [word for word in ("SECRET", "110201543", "987654", "91234567") if word in said] == []
    assert [channel.shown for channel in channels] == [
        "tgram",
        "sms …678",
        "webhook h.example",
        "frigate 10.0.0.5 cong",
        "webhook ?",
    ]
