"""Everything to be bought, sheet by sheet; prices are left to be filled in, since they are local."""

from __future__ import annotations

from typing import NamedTuple

from firmware_config.wiring.generator import energy
from firmware_config.wiring.generator.sheets.bell import SMALL_FUSE
from firmware_config.wiring.generator.sheets.motor_siren import BIG_FUSE, CONTROL_FUSE
from firmware_config.wiring.generator.sheets.power import MAIN_FUSE


class Item(NamedTuple):
    """One line. `refs`: the names in the drawings, parted by blanks; `how_many`: a figure, or "" for as long as it takes."""

    refs: str
    vi: str
    en: str
    how_many: str


ELECTRIC = (
    Item("A1", "Raspberry Pi 4, 3B+, 5 hoặc Zero 2 W, hệ 64-bit", "Raspberry Pi", "1"),
    Item("", "Thẻ nhớ microSD 32 GB loại bền ghi (High Endurance)", "endurance SD card", "2"),
    Item("", "Đồng hồ pin DS3231 (Pi 5: pin RTC sạc được)", "real-time clock", "1"),
    Item("K1", "Mô-đun rơ-le 5 V, 1 kênh, mức cao, tiếp điểm 10 A", "relay board, active-high", "1"),
    Item("Y1 D1", "Cuộn hút 12 V không quá 5 A có lò xo và búa; điốt 1N5408", "striker, diode", "1"),
    Item(
        "Y2",
        "Còi 12 V: điện tử không quá 5 A, hoặc động cơ tới 25 A (thay búa)",
        "siren, instead of the striker",
        "(1)",
    ),
    Item(
        "K2 K3 D2 D3 D4",
        "Còi động cơ: 2 rơ-le ô tô 40 A 5 chân, 2 điốt 1N4007, điốt 1N5408",
        "for a motor siren",
        "(1)",
    ),
    Item("A2 KT1 KT2 KT3", "Rơ-le thời gian đa chức năng 12–240 V, 16 A", "time relays", "3"),
    Item("X1 X2 X3", "Kẹp nối 2,5 mm² cài thanh ray, có nhãn", "terminals", "12"),
    Item("Q1", "Cầu dao 2 cực một chiều 16 A (còi động cơ 32 A), khóa được, tiếp điểm phụ", "isolator", "1"),
    Item("", "Khóa móc, mỗi người sửa một cái; biển ĐANG SỬA", "padlocks, tag", "2"),
    Item("QF1", "RCBO 2P 10 A 30 mA", "RCBO", "1"),
    Item("FV1", "Chống sét lan truyền loại 2, 275 V, L+N–PE", "surge protection, mains", "1"),
    Item(
        "U1",
        f"Bộ nạp 12 V từ {energy.STRIKER.charger_a} A, tiếp điểm báo AC-OK và BAT-OK",
        "charger with contacts",
        "1",
    ),
    Item(
        "G1",
        f"Ắc quy kín khí 12 V {energy.STRIKER.chosen_ah} Ah (còi động cơ {energy.SIREN.chosen_ah} Ah)",
        "battery",
        "1",
    ),
    Item("F1", f"Cầu chì {MAIN_FUSE} (còi động cơ 40 A) và đế, sát cực dương", "main fuse", "1"),
    Item("F2", f"Cầu chì {SMALL_FUSE} và đế", "striker's fuse", "1"),
    Item("F3 F4", f"Còi động cơ: cầu chì {BIG_FUSE}, {CONTROL_FUSE} và đế", "for a motor siren", "(1)"),
    Item("F5 F6 F7", "Cầu chì 1 A, 3 A, 2 A và đế", "fuses", "1"),
    Item("U2", "Bộ đổi điện 12 V → 5,1 V, 5 A, đầu USB-C hoặc micro-USB", "converter", "1"),
    Item("", "Cầu chì dự phòng mỗi loại 3 cái, dán trong nắp tủ", "spare fuses", "1"),
    Item("", "Bộ phát 4G hoặc thiết bị mạng, sim, ăng-ten", "network", "1"),
)
SMALL = (
    Item("S1", "Nút BÁO ĐỘNG đỏ, đầu nấm 60 mm, có nắp lật", "alarm button", "1"),
    Item("S2 S3", "Nút DỪNG KẺNG đen, nút HẾT BÁO ĐỘNG xanh, thường mở", "hush, all-clear", "2"),
    Item("S4 S5", "Ngoài trời: nút đỏ NO + NC, hộp IP65, công tắc nắp", "outdoor button", "(1)"),
    Item("S6", "Công tắc nắp tủ, đóng thì khép", "lid switch", "1"),
    Item("L1 L2 R41 R42", "LED 10 mm đỏ, vàng có đế; 2 điện trở 470 Ω", "lamps", "2"),
    Item("V2 V3 R43 R44", "Ngoài nắng: đèn báo 12 V, BC337, 1 kΩ, 10 kΩ, mỗi thứ 2", "sunlight lamps", "(2)"),
    Item("B1", "Cảm biến rung SW-18010P kín nước, đai bắt", "vibration sensor", "(1)"),
    Item("OK1 OK2 OK3 OK4", "Cách ly quang PC817, 4 kênh", "optocouplers", "1"),
    Item("R1 R3 R5", "Điện trở 10 kΩ 0,25 W", "resistor", "2"),
    Item("R11 R12 R13 R14 R15 R16 R17 R18 R32", "Điện trở 1 kΩ 0,25 W", "resistor", "9"),
    Item("R21 R22 R23 R24 R25 R26 R27 R28", "Điện trở 2,2 kΩ 0,25 W", "resistor", "8"),
    Item("C11 C12 C13 C14 C15 C16 C17 C18", "Tụ 100 nF 50 V", "capacitor", "8"),
    Item("R31 R33 R34", "Điện trở 470 Ω 1 W; 2 cái 1 kΩ 0,5 W", "resistors", "3"),
    Item("V1 R2 R4", "Rơ-le mức thấp: BC337, 4,7 kΩ; hoặc 330 Ω", "for an active-low board", "(1)"),
    Item("FV2 FV3 FV4 FV5", "Chống sét dây tín hiệu SMBJ15CA", "suppressors", "4"),
    Item("", "Bảng hàn có kẹp nối, hàng chân 40 cho Pi", "prototype board", "1"),
    Item("", "Tủ IP65 500 × 400 × 200, khóa, thanh ray, máng, ren cáp", "case", "1"),
    Item("", "Cọc đất thép mạ đồng 2,4 m, kẹp, thanh PE", "earth rods", "2"),
    Item("", "Đồng trần 50 mm², dây PE 16 mm²", "earth conductors", ""),
    Item("", "Cáp búa 2 × 1,5 mm² (còi động cơ 2 × 6 mm²)", "striker's cable", ""),
    Item("", "Cáp bọc lưới 4 × 0,75 và 2 × 0,5 mm², ống luồn", "shielded cables", ""),
    Item("", "Dây đơn 0,5–1,5 mm²: đỏ, đen, cam, tím, trắng; đầu cốt, nhãn dây", "wires", ""),
    Item("", "Dùi gõ tay, móc treo", "mallet", "1"),
)
