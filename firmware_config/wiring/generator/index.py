"""The sheets in their order with their titles, so that one sheet can send the reader to another."""

from __future__ import annotations

TITLES = {
    "tong-quan": ("Cả điểm kẻng trên một tờ", "The whole bell post, and which sheet tells the rest"),
    "ro-le-muc-cao": ("Rơ-le đóng ở mức cao", "Relay board, active-high: the relay closes when the pin is high"),
    "ro-le-muc-thap": (
        "Rơ-le đóng ở mức thấp",
        "Relay board, active-low: the relay closes when IN is pulled to ground",
    ),
    "bua-go": ("Búa gõ kẻng", "Striker: a solenoid hammer on its own supply"),
    "coi-hu": ("Còi hú điện tử, không quá 5 A", "Electronic siren of at most 60 W on 12 V: wired as the striker is"),
    "coi-lon": ("Còi động cơ, tới 25 A", "Motor siren up to 25 A on 12 V: power relay, and a second one that cuts"),
    "nut-trong-nha": ("Nút bấm trong nhà", "Buttons indoors: two wires each, with an RC at the Pi"),
    "nut-ngoai-troi": ("Nút bấm ngoài trời", "Button outdoors: NO and NC, optically isolated, its cable watched"),
    "hai-den": ("Hai đèn KẺNG và CÔNG AN", "The two lamps, and what every blink means"),
    "cam-bien-rung": (
        "Cảm biến rung trên quả kẻng",
        "Vibration sensor on the iron: proof that it really sounds (optional)",
    ),
    "mach-cat-cung": (
        "Hộp cắt cứng và điện trở 10 kΩ",
        "Hardware cut-off per stroke and per sounding, and the pull-down: they work with the Pi unplugged",
    ),
    "cau-dao": (
        "Cầu dao cách ly có khóa, và các tiếp điểm báo",
        "Padlocked isolator read back by the Pi; mains and battery contacts",
    ),
    "ac-quy": ("Nguồn điện và ắc quy", "Mains, charger, battery and fuses; the battery's size and its load test"),
    "noi-dat": ("Nối đất, chống sét, điện áp thấp, chống nước", "Earthing, surge, low voltage within reach, water"),
    "vat-tu-1": ("Bảng vật tư (1): phần điện", "Parts list, prices to be filled in"),
    "vat-tu-2": ("Bảng vật tư (2): mạch nhỏ, lắp đặt", "Parts list, continued"),
    "nghiem-thu-1": ("Phiếu nghiệm thu (1): trước và sau khi cắm Pi", "Commissioning: Pi unplugged, Pi plugged"),
    "nghiem-thu-2": (
        "Phiếu nghiệm thu (2): H4, H5, H9 và kengd doctor",
        "Commissioning: the safety tests, and sign-off",
    ),
}
NAMES = tuple(TITLES)


def number(name: str) -> int:
    """1 is the first sheet. ValueError: there is no such sheet."""
    return NAMES.index(name) + 1


def slug(name: str) -> str:
    """The file's name without its ending."""
    return f"{number(name):02}-{name}"


def see(name: str) -> str:
    """As it is written in a drawing."""
    return f"tờ {number(name)}"
