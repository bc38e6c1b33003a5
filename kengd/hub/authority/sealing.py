"""A backup of the authority: one blob under a passphrase (scrypt, AES-256-GCM). Pure but for the random salt and nonce.

    b"kengd-authority 1\\n"  one line of JSON with the parameters  b"\\n"  ciphertext

Both lines are authenticated with the ciphertext, so nobody can make the next opening weaker or dearer.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import unicodedata
import zlib
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from kengd.errors import KengdError, UsageError

MAGIC = b"kengd-authority 1\n"
N, R, P = 2**16, 8, 1
"""128·N·R = 64 MiB and about a quarter of a second on a PC; a Pi can open it too."""
LEAST_N, MOST_N, MOST_P = 2**15, 2**18, 4
LARGEST_BLOB = 64 * 1024 * 1024
LARGEST_HEADER = 1024
SHORTEST_PASSPHRASE, LONGEST_PASSPHRASE = 12, 1024
SALT, NONCE = 16, 12


def seal(contents: Mapping[str, bytes], passphrase: str) -> bytes:
    """The blob. Raises UsageError `weak_passphrase` (under 12 characters)."""
    secret = _secret(passphrase)
    if len(secret.decode()) < SHORTEST_PASSPHRASE:
        raise UsageError(
            "weak_passphrase",
            f"mật khẩu sao lưu ngắn hơn {SHORTEST_PASSPHRASE} ký tự",
            cure="dùng một câu dài dễ nhớ, bốn năm từ không liên quan nhau",
            en=f"the passphrase is shorter than {SHORTEST_PASSPHRASE} characters",
        )
    salt, nonce = os.urandom(SALT), os.urandom(NONCE)
    parameters = {"n": N, "r": R, "p": P, "salt": _text(salt), "nonce": _text(nonce), "cipher": "aes-256-gcm"}
    head = MAGIC + json.dumps(parameters, sort_keys=True).encode() + b"\n"
    plain = json.dumps({name: _text(content) for name, content in contents.items()}).encode()
    return head + AESGCM(_key(secret, salt, N, P)).encrypt(nonce, zlib.compress(plain), head)


def unseal(blob: bytes, passphrase: str) -> dict[str, bytes]:
    """What was sealed. Raises KengdError `wrong_passphrase`, `not_a_backup`."""
    if len(blob) > LARGEST_BLOB or not blob.startswith(MAGIC):
        raise no_backup("magic or size")
    line, newline, sealed = blob[len(MAGIC) :].partition(b"\n")
    if not newline or len(line) > LARGEST_HEADER:
        raise no_backup("header")
    n, p, salt, nonce = _parameters(line)
    try:
        plain = AESGCM(_key(_secret(passphrase), salt, n, p)).decrypt(nonce, sealed, MAGIC + line + b"\n")
    except InvalidTag:
        raise KengdError(
            "wrong_passphrase",
            "mật khẩu sao lưu không đúng, hoặc tệp sao lưu đã bị sửa hay hỏng",
            cure="gõ lại mật khẩu (để ý bộ gõ tiếng Việt và phím Caps Lock); nếu vẫn sai, thử bản sao lưu khác",
            en="wrong passphrase, or the backup is damaged",
        ) from None
    return _contents(plain)


def _parameters(line: bytes) -> tuple[int, int, bytes, bytes]:
    """(n, p, salt, nonce), each within its bounds: what is read here decides how much memory is taken."""
    try:
        data = json.loads(line)
        n, p = data["n"], data["p"]
        salt, nonce = base64.b64decode(data["salt"], validate=True), base64.b64decode(data["nonce"], validate=True)
        sound = type(n) is int and LEAST_N <= n <= MOST_N and n & (n - 1) == 0 and type(p) is int and 1 <= p <= MOST_P
        sound = sound and type(data["r"]) is int and data["r"] == R and data["cipher"] == "aes-256-gcm"
        if not sound or len(salt) != SALT or len(nonce) != NONCE:
            raise no_backup("parameters")
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise no_backup("header") from None
    return n, p, salt, nonce


def _contents(plain: bytes) -> dict[str, bytes]:
    try:
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(plain, LARGEST_BLOB)
        if not unpacker.eof:
            raise no_backup("content too large")
        data = json.loads(unpacked)
        return {name: base64.b64decode(text, validate=True) for name, text in data.items()}
    except (ValueError, TypeError, AttributeError, RecursionError, zlib.error, binascii.Error):
        raise no_backup("content") from None


def _secret(passphrase: str) -> bytes:
    """One spelling for "ế", whichever input method typed it. Raises UsageError `weak_passphrase`."""
    try:
        return unicodedata.normalize("NFC", passphrase[:LONGEST_PASSPHRASE]).encode()
    except UnicodeEncodeError:
        raise UsageError(
            "weak_passphrase",
            "mật khẩu có ký tự không đọc được",
            cure="gõ lại mật khẩu trong cửa sổ dùng mã UTF-8",
            en="the passphrase is not UTF-8",
        ) from None


def _key(secret: bytes, salt: bytes, n: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=R, p=p).derive(secret)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def no_backup(what: str) -> KengdError:
    """This is no backup of an authority. `what`: for the log."""
    return KengdError(
        "not_a_backup",
        "tệp này không phải bản sao lưu khoá của máy trực ban, hoặc do bản kengd khác làm ra",
        cure="chọn đúng tệp sao lưu, do lệnh này làm ra: kengd hub backup TỆP",
        en=f"not a sealed authority: {what}",
    )
