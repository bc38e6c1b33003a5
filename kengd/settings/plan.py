"""Settings after validation, as plain frozen data: all that belfry (`BelfryPlan`) and office (`OfficePlan`) need. Standard library only.

All lengths are integer milliseconds unless the name says `_s`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kengd.bellcode.profile import SirenProfile, StrikerProfile
from kengd.bellcode.score import Score
from kengd.bellcode.signal import Kind

Pins = Literal["kengd", "lgpio", "simulated"]
InputMeans = Literal["proof_of_sound", "mains_lost", "battery_low", "isolator_open", "lid_open"]


@dataclass(frozen=True, slots=True)
class RelayPlan:
    """BCM number of the relay's pin and its polarity."""

    pin: int
    active_low: bool = False


@dataclass(frozen=True, slots=True)
class ButtonPlan:
    """A button from its pin to ground. `does`: a signal id, or "hush"."""

    name: str
    pin: int
    does: str
    place: str | None = None
    hold_ms: int = 1_000


@dataclass(frozen=True, slots=True)
class LampPlan:
    """BCM pins of the two lamps KẺNG (`bell`) and CÔNG AN (`police`); None = not wired."""

    bell: int | None = None
    police: int | None = None


@dataclass(frozen=True, slots=True)
class InputPlan:
    """An optional input. `active_low`: the stated fact holds while the pin is low (closed to ground)."""

    name: str
    pin: int
    means: InputMeans
    active_low: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of P2, P3, P4 in ms."""

    alarm_ms: int = 180_000
    hard_limit_ms: int = 300_000
    drill_ms: int = 30_000
    after_alarm_ms: int = 1_800_000
    calm_per_hour: int = 12


@dataclass(frozen=True, slots=True)
class SignalPlan:
    """A signal laid out for this post's bell. `name_en`, `meaning_vi`, `notation`: for pages; "" in settings of an older release."""

    id: str
    kind: Kind
    name_vi: str
    score: Score
    name_en: str = ""
    meaning_vi: str = ""
    notation: str = ""


@dataclass(frozen=True, slots=True)
class BelfryPlan:
    """Everything the belfry needs, compiled once from validated settings."""

    commune: str
    post_id: str
    name: str
    villages: tuple[str, ...]
    state_dir: str
    run_dir: str
    pins: Pins
    relay: RelayPlan
    buttons: tuple[ButtonPlan, ...]
    lamps: LampPlan
    inputs: tuple[InputPlan, ...]
    profile: StrikerProfile | SirenProfile
    limits: Limits
    signals: tuple[SignalPlan, ...]
    drill_prefix: Score
    slow_roll: Score
    codebook_version: int
    timetable_version: int
    edge_udp: int | None = None
    warnings: tuple[str, ...] = ()

    def signal(self, signal_id: str) -> SignalPlan | None:
        """The signal with this id, or None."""
        return next((signal for signal in self.signals if signal.id == signal_id), None)


@dataclass(frozen=True, slots=True)
class BrokerPlan:
    """The line to the hub's broker. `ca` None = no TLS. Paths are absolute, or `credential:NAME`, found by `credentials.at_hand`;
    the password stays in its file (P12)."""

    host: str
    port: int
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    version: Literal["5", "3.1.1"] = "5"
    keepalive_s: int = 8
    username: str | None = None
    password_file: str | None = None


@dataclass(frozen=True, slots=True)
class HubKeyPlan:
    """A public key of the hub: Ed25519, 32 raw bytes as base64url without padding."""

    kid: str
    public: str
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class WebPlan:
    """Where the page listens: `port` plain, `tls_port` HTTPS beside it. `token_sha256` None = no program may ring through the API;
    `pins`: file with the keepers' PINs, None = nobody signs in at the page. Files are absolute, or `credential:NAME`."""

    host: str
    port: int
    token_sha256: str | None = None
    tls_port: int | None = None
    cert: str | None = None
    key: str | None = None
    pins: str | None = None


@dataclass(frozen=True, slots=True)
class LinePlan:
    """One line of the timetable as written; `kengd.duty.timetable` reads it (it was readable when compiled)."""

    at: str
    days: str
    signal: str
    grace_s: int
    except_: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """How long the book keeps entries; what the hub has not taken yet stays up to twice `keep_entries`."""

    keep_days: int
    keep_entries: int


@dataclass(frozen=True, slots=True)
class OfficePlan:
    """What the office needs besides the `BelfryPlan`. `clock_assume` only with simulated pins."""

    hub_keys: tuple[HubKeyPlan, ...]
    web: WebPlan
    timetable: tuple[LinePlan, ...]
    retention: RetentionPlan
    broker: BrokerPlan | None = None
    clock_assume: Literal["ntp"] | None = None
