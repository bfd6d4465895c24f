"""Absence: no audio packet comes from the caller, which is not silence.

A browser sends packets while its user is silent, and also with discontinuous transmission, one every 0.4 s (RFC 6716,
section 2.1.9). Where none come, nobody knows what the caller says. What arrives late was not lost: the audio of a
network that has only stalled comes in a burst.
"""

from dataclasses import dataclass

# Seconds without a packet after which the transport reports it: longer than discontinuous transmission pauses.
REPORT_AFTER = 0.5
# Seconds of audio, after the first that is back, in which what was late has arrived.
CATCH_UP = 0.5


@dataclass(frozen=True, slots=True)
class Away:
    """No packet has come since `since`: the caller is away."""

    since: float


@dataclass(frozen=True, slots=True)
class Back:
    """Packets come again after `lasted` seconds without any, of which `missing` seconds of audio never came."""

    since: float
    lasted: float
    missing: float


class AbsenceDetector:
    """The transport's report, chunks of audio and time in; when the caller is away, and is back, out.

    `packet_gap` is how many seconds without a packet count as an absence.
    """

    def __init__(self, packet_gap: float) -> None:
        self._packet_gap = packet_gap
        self._stopped_since: float | None = None  # the last packet before those that are missing
        self._away = False
        self._back_at: float | None = None  # the first audio that is back; what was late may still be arriving
        self._received = 0.0  # seconds of audio since
        self._late = 0.0  # seconds of it that came faster than they were spoken

    @property
    def stopped_since(self) -> float | None:
        """Since when no packet has come; None while they come."""
        return None if self._back_at is not None else self._stopped_since

    @property
    def away(self) -> bool:
        """Whether the caller is away: no packet has come for so long, and none is back."""
        return self._away and self._back_at is None

    @property
    def back_after(self) -> float:
        """How long an absence lasted whose first audio is back, and that has not been ended; else 0."""
        return self._back_at - self._stopped_since if self._back_at is not None and self._stopped_since else 0.0

    def packets_stopped(self, since: float) -> Back | None:
        """The transport has had no packet since then. An absence that has just ended is over before this one begins."""
        ended = self.end()
        if self._stopped_since is None:
            self._stopped_since = since
        return ended

    def deadline(self) -> float | None:
        """When `tick` finds the caller away, if no audio comes until then."""
        if self._away or self._stopped_since is None:
            return None
        return self._stopped_since + self._packet_gap

    def tick(self, now: float) -> Away | None:
        """Time has passed."""
        deadline = self.deadline()
        if deadline is None or self._stopped_since is None or now < deadline:
            return None
        self._away = True
        return Away(self._stopped_since)

    def on_audio(self, length: float, now: float) -> Back | None:
        """A chunk of `length` seconds ends at `now`. The absence is over once what was late has arrived."""
        if self._stopped_since is None:
            return None
        if not self._away:
            self._stopped_since = None  # jitter
            return None
        if self._back_at is None:
            self._back_at, self._received, self._late = now, 0.0, 0.0
        self._received += length
        self._late = max(self._late, self._received - (now - self._back_at))
        return self.end() if now >= self._back_at + CATCH_UP else None

    def end(self) -> Back | None:
        """End an absence whose first audio is back, without waiting for more that may be late."""
        since, back_at = self._stopped_since, self._back_at
        if since is None or back_at is None:
            return None
        self._stopped_since, self._away, self._back_at = None, False, None
        lasted = back_at - since
        missing = lasted - self._late
        return Back(since, lasted, missing if missing >= self._packet_gap else 0.0)
