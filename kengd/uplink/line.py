"""What the line works with: settings, messages, TLS, and what is wrong in words."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field
from typing import Literal, Protocol

from kengd.duty.words import ClockTrust
from kengd.errors import UsageError
from kengd.wire import topics

X509_V_FLAG_NO_CHECK_TIME = 0x200000  # openssl/x509_vfy.h: chain and name are checked, dates are not

FaultCode = Literal[
    "unreachable", "name_unknown", "tls", "certificate_refused", "refused", "not_authorised", "silent", "lost",
    "taken_over", "unsteady",
]  # fmt: skip

_FAULTS: dict[FaultCode, tuple[str, str]] = {
    "unreachable": ("không nối được tới máy chủ", "the broker cannot be reached"),
    "name_unknown": ("không tìm thấy tên máy chủ", "the broker's name is unknown"),
    "tls": ("chứng thư không hợp lệ", "the certificate was not accepted"),
    "certificate_refused": (
        "máy chủ không nhận chứng thư của điểm kẻng",
        "the broker does not accept this post's certificate",
    ),
    "refused": ("máy chủ không cho kết nối", "the broker refused the connection"),
    "not_authorised": ("máy chủ không cho nhận lệnh", "the broker refused the subscription"),
    "silent": ("máy chủ không trả lời", "the broker does not answer"),
    "lost": ("đường truyền bị ngắt", "the connection was lost"),
    "unsteady": (
        "đường truyền cứ nối được lại bị ngắt, có thể máy khác dùng trùng tên",
        "the connection keeps being cut, another client may use this post's name",
    ),
    "taken_over": ("máy khác đang dùng tên điểm kẻng này", "another client uses this post's name"),
}


class SessionSettings(Protocol):
    """Where the broker is, who we are there, and what we listen to: a post's `LineSettings` or a hub's `HubLineSettings`."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def client_id(self) -> str: ...
    @property
    def version(self) -> Literal["5", "3.1.1"]: ...
    @property
    def keepalive_s(self) -> int: ...
    @property
    def ca(self) -> str | None: ...
    @property
    def cert(self) -> str | None: ...
    @property
    def key(self) -> str | None: ...
    @property
    def username(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...
    @property
    def listens_to(self) -> tuple[str, ...]: ...
    @property
    def wants_stored(self) -> bool:
        """True: what the broker has retained is wanted with each connection, marked as such (a hub and its statuses).
        False: it is not wanted, and a live message that asks to be retained is shown as one (a post and its commands)."""

    @property
    def keeps_session(self) -> bool:
        """Whether the broker keeps for us what comes while we are away."""


@dataclass(frozen=True, slots=True)
class HubLineSettings:
    """A hub worker's line. `share`: several workers share the entries under this name (`$share`); statuses go to each of them.
    The broker deals to whoever subscribes to the same name, also to those it then lets hear nothing: so it is a secret, the
    same for all workers. None: this worker is alone.

    Alone, the broker keeps entries for us while we are away. A share is not kept: mosquitto deals it out in turn, to a session
    whose worker is dead as well, and there half of the entries would wait for its return. So the session ends with the connection,
    and all that follows goes to the others. What a worker had been given and not acknowledged mosquitto drops with it
    (its issue 2662; measured with 2.0.11): the post's next status, a second later, names its newest entry, and what is missing
    before it is asked for again (`chains`, `replay`).
    """

    host: str
    port: int
    client_id: str
    commune: str
    share: str | None = field(default=None, repr=False)
    version: Literal["5", "3.1.1"] = "5"
    keepalive_s: int = 8
    ca: str | None = None
    cert: str | None = None
    key: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    wants_stored: bool = True

    @property
    def listens_to(self) -> tuple[str, ...]:
        """Statuses and entries of every post, and our own echo."""
        entries = topics.every_entry(self.commune)
        shared = entries if self.share is None else f"$share/{self.share}/{entries}"
        return (topics.every_status(self.commune), shared, topics.echo_topic(self.commune, self.client_id))

    @property
    def keeps_session(self) -> bool:
        """Only of a worker that is alone."""
        return self.share is None


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Where the broker is and who we are there. `ca` None = no TLS (then `cert`, `key` must be None too).

    `keepalive_s`: the broker calls the post absent after 1.5 times this (12 s at the default). Paths are PEM files.
    """

    host: str
    port: int
    client_id: str
    commune: str
    post: str
    version: Literal["5", "3.1.1"] = "5"
    keepalive_s: int = 8
    ca: str | None = None
    cert: str | None = None
    key: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    wants_stored: bool = False
    keeps_session: bool = True

    @property
    def listens_to(self) -> tuple[str, ...]:
        """The two topics a post listens to (DESIGN section 7)."""
        return (topics.command_topic(self.commune, self.post), topics.all_command_topic(self.commune))

    @property
    def status_topic(self) -> str:
        """Retained; also the Last Will's."""
        return topics.status_topic(self.commune, self.post)

    @property
    def entry_topic(self) -> str:
        """Journal entries."""
        return topics.entry_topic(self.commune, self.post)


@dataclass(frozen=True, slots=True)
class Token:
    """Which message of which connection. An acknowledgement for an older one is dropped: its message comes again."""

    connection: int
    mid: int


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message as it came. `dup`: the broker sends it again because it was not acknowledged."""

    topic: str
    payload: bytes
    retain: bool
    token: Token
    dup: bool = False


@dataclass(frozen=True, slots=True)
class LineFault:
    """Why the line is down, for conditions and `doctor`. `vi`, `en` without a full stop."""

    code: FaultCode
    vi: str
    en: str


def fault(code: FaultCode, detail: str = "") -> LineFault:
    """The fault in words, with the system's own detail in brackets."""
    vi, en = _FAULTS[code]
    tail = f" ({detail})" if detail else ""
    return LineFault(code, vi + tail, en + tail)


def fault_of(error: BaseException) -> LineFault:
    """What an exception of a connection attempt means. Never raises."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return fault("tls", error.verify_message)
    if isinstance(error, ssl.SSLError) and (complaint := _about_our_certificate(error)):
        return fault("certificate_refused", complaint)
    if isinstance(error, ssl.SSLError | UsageError):
        return fault("tls", _plainly(error))
    if isinstance(error, socket.gaierror | UnicodeError | ValueError):
        return fault("name_unknown", _plainly(error))
    return fault("unreachable", _plainly(error))


def _plainly(error: BaseException) -> str:
    """The system's words without its number: people read them."""
    return getattr(error, "strerror", None) or str(error)


def _about_our_certificate(error: ssl.SSLError) -> str:
    """The broker's own word where it complains of our certificate (a TLS alert: RFC 8446, 6.2), else ""."""
    _, alert, complaint = (error.reason or "").partition("ALERT_")
    ours = alert and ("CERTIFICATE" in complaint or complaint == "UNKNOWN_CA")
    return complaint.replace("_", " ").lower() if ours else ""


def tls_context(ca: str | None, cert: str | None, key: str | None, trust: ClockTrust) -> ssl.SSLContext | None:
    """The TLS context, or None for a plain line. Files are read here, so a renewed certificate needs no restart.

    While the clock is untrusted certificates are verified without dates (R43, H22), never without the CA; there is no
    switch that turns verification off (R42). Raises UsageError for a certificate without a CA, OSError for bad files.
    """
    if ca is None:
        if cert is not None or key is not None:
            raise UsageError(
                "tls_without_ca",
                "Có chứng thư của điểm kẻng nhưng thiếu chứng thư gốc (broker.ca)",
                cure="ghi đường dẫn tệp CA của xã vào broker.ca",
                en="a client certificate is set but no CA",
            )
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=ca)
    if cert is not None:
        context.load_cert_chain(cert, key)
    if trust == "untrusted":
        context.verify_flags = ssl.VerifyFlags(context.verify_flags | X509_V_FLAG_NO_CHECK_TIME)
    return context
