"""How long the line waits: for an answer before it calls the link dead, and before the next try. Time is given (s)."""

from __future__ import annotations

from kengd.uplink.line import FaultCode

CONNACK_WITHIN_S = 20.0  # TCP, TLS and CONNACK each: a GSM link may need it
RESUBSCRIBE_S = 300.0
UNANSWERED_S = 60.0  # a publish without PUBACK although other bytes come
QUICK_FOR_S = 15.0
LONGEST_DELAY_S = 30.0
STEADY_S = 5.0  # a line up this long has recovered: the next loss is a new outage, tried again at once
SHORT_LIVES = 5  # so many lives shorter than that within a minute: not an outage but a fault


class DeadMan:
    """What should have been answered by now (R5).

    The broker's answers to pings, publishes and a subscription repeated every 5 minutes are the proof of life: the four
    topics of the contract leave no room for a loop-back topic, and a repeated SUBSCRIBE also heals a lost one (R4).
    `repeat`: only MQTT 5 can repeat it without being sent the retained messages again.
    """

    def __init__(self, keepalive_s: float, repeat: bool, now_s: float) -> None:
        self._keepalive_s, self._answer_s, self._repeat = keepalive_s, min(keepalive_s, 5.0), repeat
        self._heard_s = self._asked_s = now_s
        self._accepted = False
        self._asked: int | None = None
        self._sent: dict[int, float] = {}

    def heard(self, now_s: float) -> None:
        """Bytes came."""
        self._heard_s = now_s

    def accepted(self) -> None:
        """CONNACK came."""
        self._accepted = True

    def asked(self, mid: int, now_s: float) -> None:
        """SUBSCRIBE was sent."""
        self._asked, self._asked_s = mid, now_s

    def confirmed(self, mid: int) -> bool:
        """SUBACK came; False when it answers an older question."""
        if mid != self._asked:
            return False
        self._asked = None
        return True

    def sent(self, token: int, now_s: float) -> None:
        """PUBLISH was sent. Tokens come in order."""
        self._sent[token] = now_s

    def delivered(self, token: int) -> None:
        """PUBACK came."""
        self._sent.pop(token, None)

    def silent(self, now_s: float) -> bool:
        """True when the link has to be given up: at most keepalive + 5 s after the last byte, 5 s after a question."""
        if not self._accepted:
            return now_s - self._asked_s > CONNACK_WITHIN_S
        unheard_s = now_s - self._heard_s
        waited_s = now_s - next(iter(self._sent.values()), now_s)
        if self._asked is not None:
            waited_s = max(waited_s, now_s - self._asked_s)
        return (
            unheard_s > self._keepalive_s + self._answer_s
            or min(waited_s, unheard_s) > self._answer_s
            or waited_s > UNANSWERED_S
        )

    def wants_to_ask(self, now_s: float) -> bool:
        """True when the subscription should be asked for again."""
        return self._repeat and self._accepted and self._asked is None and now_s - self._asked_s > RESUBSCRIBE_S


class Backoff:
    """When to try again: under 1 s for the first 15 s of an outage, then growing to 30 s, always with jitter.

    Jitter spreads the posts of a commune over a restarted broker's first second; the library's own backoff has none.
    """

    def __init__(self, now_s: float) -> None:
        self._since_s, self._slow = now_s, 0
        self._short: list[float] = []

    def lost(self, up_for_s: float, now_s: float) -> bool:
        """A line that had been up is down. True when it keeps being cut short: two clients of one name throw each other
        out like that, and mosquitto 2.0 does not say so; then the tries grow rare."""
        self._short = [moment_s for moment_s in self._short if now_s - moment_s < 60.0]
        if up_for_s > STEADY_S:
            self._since_s = now_s
            self._slow = self._slow if self._short else 0
        else:
            self._short.append(now_s)
        return len(self._short) >= SHORT_LIVES

    def delay_s(self, code: FaultCode, now_s: float, jitter: float) -> float:
        """Seconds to wait after a try that ended with `code`; `jitter` in [0, 1)."""
        asking_fast_is_no_use = code in ("refused", "not_authorised", "taken_over", "unsteady")
        if asking_fast_is_no_use or now_s - self._since_s >= QUICK_FOR_S:
            self._slow += 1
        if not self._slow:
            return 0.15 + 0.6 * jitter
        return float(min(LONGEST_DELAY_S, 1.6 ** min(self._slow, 20)) * (0.5 + 0.5 * jitter))
