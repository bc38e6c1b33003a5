"""Are these the keys they are said to be? Pure; imports cryptography, so only asked when a file brings keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from kengd.settings.problems import Problem
from kengd.wire.pin import read_pins

_COPY = "chép lại nguyên vẹn tệp xã đưa, từ dòng -----BEGIN đến hết dòng -----END"


def key_problems(keys: Mapping[str, str], lines: Mapping[str, int]) -> list[Problem]:
    """What is wrong with these keys (name → text): those of the file together with those kept already.

    `lines`: where a key stands in the file; one that stands in no line was kept before.
    """
    return list(_problems(keys, lines))


def _problems(keys: Mapping[str, str], lines: Mapping[str, int]) -> Iterator[Problem]:
    for name in ("ca.pem", "broker.pem", "web.pem"):
        if name in lines and not _certificates(keys[name]):
            yield _problem(name, lines, "không phải chứng thư (PEM)", _COPY)
    for name in ("broker.key", "web.key"):
        if name in lines:
            yield from _private(name, keys[name], lines)
    password = keys.get("broker.password", "")
    if "broker.password" in lines and ("\n" in password.strip() or len(password) > 200):
        yield _problem("broker.password", lines, "mật khẩu phải là một dòng", "chỉ ghi mật khẩu, không ghi gì khác")
    for pair in ("broker", "web"):
        if lines.keys() & {f"{pair}.pem", f"{pair}.key"} and _fit(keys, pair) is False:
            vi, cure = f"khoá riêng này không phải của chứng thư {pair}.pem", "xin xã cấp lại cả hai tệp cùng một lần"
            yield _problem(f"{pair}.key", lines, vi, cure)
    if "web.pins" in lines and (bad := read_pins(keys["web.pins"].strip("\n")).bad_lines):
        vi = f"dòng thứ {bad[0]} của tệp mã PIN không đọc được"
        yield _problem("web.pins", lines, vi, "xin xã tệp mới; mỗi dòng: tên người giữ kẻng, một dấu tab, mã đã băm")


def certificate_names(text: str) -> tuple[str, ...]:
    """The names and addresses that the first certificate of a PEM text is good for; none of what is no certificate."""
    try:
        names = _certificates(text)[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (IndexError, ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return ()
    return (
        *names.get_values_for_type(x509.DNSName),
        *(str(address) for address in names.get_values_for_type(x509.IPAddress)),
    )


def _problem(name: str, lines: Mapping[str, int], vi: str, cure: str) -> Problem:
    return Problem("value", f'keys."{name}"', vi, cure, lines.get(name))


def _certificates(text: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        return []


def _private(name: str, text: str, lines: Mapping[str, int]) -> Iterator[Problem]:
    try:
        load_pem_private_key(text.encode(), None)
    except TypeError:
        yield _problem(
            name,
            lines,
            "khoá riêng này có đặt mật khẩu, máy không tự mở được",
            "xin xã cấp khoá không đặt mật khẩu",
        )
    except (ValueError, UnsupportedAlgorithm):
        yield _problem(name, lines, "không phải khoá riêng (PEM)", _COPY)


def _fit(keys: Mapping[str, str], pair: str) -> bool | None:
    """Whether key and certificate belong together; None when that cannot be asked."""
    certificates = _certificates(keys.get(f"{pair}.pem", ""))
    if not certificates:
        return None
    shape = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        private = load_pem_private_key(keys.get(f"{pair}.key", "").encode(), None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return None
    try:
        public = certificates[0].public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False  # a certificate spoilt where its key stands: nobody's key fits
    return private.public_key().public_bytes(*shape) == public.public_bytes(*shape)
