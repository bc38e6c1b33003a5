"""What a value has to be, in Vietnamese: one sentence for each of pydantic's complaints. For settings files and for the desk's API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import ErrorDetails

from kengd.settings.field import Wrong

PATTERNS: Final[Mapping[str, str]] = {
    r"^[a-z0-9-]{1,40}$": "chỉ chữ thường không dấu, số và dấu gạch nối, nhiều nhất 40 ký tự",
    r"^[a-z0-9_-]{1,40}$": "chỉ chữ thường không dấu, số, gạch nối và gạch dưới, nhiều nhất 40 ký tự",
    r"^[a-z_]{1,40}$": "chỉ chữ thường không dấu và gạch dưới, nhiều nhất 40 ký tự",
    r"^[0-9a-f]{64}$": "phải là 64 chữ số hex thường (kết quả của sha256sum)",
    r"^[0-9a-f]{24}$": "phải là mã xác nhận mà máy trực ban vừa cấp (24 chữ số hex thường)",
    r"^[A-Za-z0-9._:-]{1,253}$": (
        'chỉ ghi tên hoặc địa chỉ máy, như "10.0.0.1": không có dấu cách, không có "mqtt://"; cổng thì ghi ở mục port'
    ),
    r"^[A-Za-z0-9._-]{1,64}$": "chỉ chữ không dấu, số, dấu chấm, gạch nối và gạch dưới, nhiều nhất 64 ký tự",
    r"^[A-Za-z0-9_-]{1,64}$": "chỉ chữ không dấu, số, gạch nối và gạch dưới, nhiều nhất 64 ký tự",
    r"^[A-Za-z0-9_-]{1,40}$": "chỉ chữ không dấu, số, gạch nối và gạch dưới, nhiều nhất 40 ký tự",
    r"^[A-Za-z0-9_.~-]{8,60}$": "phải có 8–60 ký tự: chữ không dấu, số, và các dấu _ . ~ -",
    r"^[A-Za-z0-9_.~-]{1,130}$": "phải có 1–130 ký tự: chữ không dấu, số, và các dấu _ . ~ -",
    r"^[A-Za-z0-9_.~-]{1,64}$": "phải có 1–64 ký tự: chữ không dấu, số, và các dấu _ . ~ -",
    r"^([a-z0-9-]{1,40})?$": "để trống, hoặc chữ thường không dấu, số và dấu gạch nối, nhiều nhất 40 ký tự",
    r"^([a-z_]{1,40})?$": "để trống, hoặc chữ thường không dấu và gạch dưới, nhiều nhất 40 ký tự",
    r"^([a-z0-9_-]{1,40})?$": "để trống, hoặc chữ thường không dấu, số, gạch nối và gạch dưới, nhiều nhất 40 ký tự",
    r"^([A-Za-z0-9_.~-]{1,130})?$": "để trống, hoặc 1–130 ký tự: chữ không dấu, số, và các dấu _ . ~ -",
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$": "để trống, hoặc một ngày như 2026-12-31",
    r"^([0-9a-f]{8}\.)?[0-9]{1,15}$": "phải là số thứ tự của một tin vừa nhận, như tin ấy ghi",
    r"^([0-9a-f]{16})?$": "để trống, hoặc mã của bản nháp vừa đọc (16 chữ số hex thường)",
    r"^[0-9a-f]{12}$": "phải là mã của ảnh (12 chữ số hex thường)",
    r"^(striker|siren|post:[a-z0-9-]{1,40})$": 'phải là "striker" (kẻng), "siren" (còi), hoặc "post:MÃ_ĐIỂM_KẺNG"',
    r"^before-restore-[0-9]{1,20}$": "phải là tên của một bản dữ liệu cũ, như trang Sao lưu liệt kê",
    r"^[^\x00-\x1f\x7f]*$": "không được có ký tự điều khiển hay xuống dòng",
    r"^[\x21-\x7e]{0,4096}$": "chỉ chữ không dấu, số, dấu câu; không có dấu cách; nhiều nhất 4096 ký tự",
    r"^[^\s,<&]{1,100}$": "nhiều nhất 100 ký tự, không có dấu cách, dấu phẩy, dấu < và &",
    r"^[0-9 +().-]*$": "chỉ chữ số và dấu của số điện thoại, ví dụ 0220 3 123 456",
    r"^https?://[!-~]{1,300}$": "phải là địa chỉ trang, ví dụ http://10.0.0.5:8080/vi-sao: không dấu cách, không chữ có dấu",
    r"^hub-[1-9][0-9]{0,2}$": 'phải là "hub-1", "hub-2" …',
    r"^([01]\d|2[0-3]):[0-5]\d$": 'phải là giờ từ "00:00" đến "23:59", ví dụ "03:30"',
    r"^(any|\d{1,3})$": 'phải là "any" hoặc số của modem (xem: mmcli -L)',
}
"""Pattern → what it asks for."""
WRONG_KINDS: Final[Mapping[str, str]] = {
    "int_type": "phải là số nguyên, không có dấu nháy và không có phần lẻ",
    "int_parsing": "phải là số nguyên",
    "int_from_float": "phải là số nguyên, không có phần lẻ",
    "float_type": "phải là một số, không có dấu nháy",
    "float_parsing": "phải là một số",
    "string_type": "phải là chữ, đặt trong dấu nháy",
    "bool_type": "phải là true hoặc false",
    "bool_parsing": "phải là true hoặc false",
    "list_type": "phải là một danh sách: […]",
    "dict_type": "phải là một bảng",
    "model_type": "phải là một bảng",
    "model_attributes_type": "phải là một bảng",
}
"""Complaints about the type of a value."""
JSON_TABLE: Final = "phải là một đối tượng JSON: {…}"

_BOUNDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "greater_than_equal": lambda about: f"phải từ {about['ge']} trở lên",
    "greater_than": lambda about: f"phải lớn hơn {about['gt']}",
    "less_than_equal": lambda about: f"nhiều nhất là {about['le']}",
    "less_than": lambda about: f"phải nhỏ hơn {about['lt']}",
    "finite_number": lambda _: "phải là một số hữu hạn",
    "int_parsing_size": lambda _: "số này quá lớn",
    "string_too_short": lambda about: (
        "không được để trống" if about["min_length"] == 1 else f"ít nhất {about['min_length']} ký tự"
    ),
    "string_too_long": lambda about: f"nhiều nhất {about['max_length']} ký tự",
    "string_unicode": lambda _: "có ký tự không phải UTF-8",
    "too_short": lambda about: f"ít nhất {about['min_length']} mục",
    "too_long": lambda about: f"nhiều nhất {about['max_length']} mục",
    "literal_error": lambda about: f"chọn một trong: {about['expected'].replace(' or ', ', ')}",
    "enum": lambda about: f"chọn một trong: {about['expected'].replace(' or ', ', ')}",
    "union_tag_invalid": lambda about: f"kind phải là một trong: {about['expected_tags']}",
    "string_pattern_mismatch": lambda about: PATTERNS.get(about["pattern"], f"phải theo mẫu {about['pattern']}"),
}


def bound_of(error: ErrorDetails) -> str | None:
    """The bound that was broken, of a value that is of the right type; None where the complaint is of another kind."""
    said = _BOUNDS.get(error["type"])
    return None if said is None else said(error.get("ctx", {}))


def demand_of_json(error: ErrorDetails) -> str:
    """What a client that sent JSON, a query or a path has to put right. What it sent is not repeated: it may be a secret (P12)."""
    kind = error["type"]
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        return JSON_TABLE
    if kind == "missing":
        return "thiếu mục này"
    if kind == "extra_forbidden":
        return "không có mục nào tên như vậy"
    if kind == "json_invalid":
        return "không phải JSON"
    if kind == "value_error":
        wrong = error.get("ctx", {}).get("error")
        return f"{wrong}: {wrong.cure}" if isinstance(wrong, Wrong) else "không dùng được"
    return WRONG_KINDS.get(kind) or bound_of(error) or "không dùng được"
