"""The commune's own certificate, for people who are to trust it: alone, and with the mark that they compare. Pure."""

from __future__ import annotations

import re
from hashlib import sha256
from ssl import PEM_cert_to_DER_cert
from typing import Final

KIND: Final = "application/x-x509-ca-cert"
FILE: Final = "chung-thu-xa.crt"
"""Telephones open a certificate by this ending."""
_CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


def certificates_of(text: str) -> str | None:
    """Certificates alone: whatever else stands in that file stays there. None: there is none."""
    found = _CERTIFICATE.findall(text)
    return "\n".join(found) + "\n" if found else None


def fingerprint(pem: str) -> str:
    """SHA-256 of the first one, in groups of four, to be compared with the commune's paper."""
    first = _CERTIFICATE.findall(pem)[0]
    digest = sha256(PEM_cert_to_DER_cert(first)).hexdigest().upper()
    return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))
