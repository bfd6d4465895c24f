"""Which packets of a stream were late: arithmetic on arrival times and RTP timestamps."""

from collections.abc import Sequence
from dataclasses import dataclass

PACKET = 0.02
RTP_RATE = 48_000  # of Opus, whatever was encoded (RFC 7587, section 4.1)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet: when it came, in seconds, and its RTP timestamp and sequence number."""

    at: float
    timestamp: int
    sequence: int


def late(arrivals: Sequence[Arrival]) -> int:
    """How many packets came more than 20 ms after they were due, or never.

    A packet's delay is its arrival minus its timestamp. The quickest packet of the stream has come when it was due, so
    one is late when its delay is more than 20 ms above the least (the delay variation of RFC 5481, section 4.2).
    """
    if not arrivals:
        return 0
    first = arrivals[0]
    delays = [arrival.at - _forward(first.timestamp, arrival.timestamp, 32) / RTP_RATE for arrival in arrivals]
    due = min(delays)
    sequences = {_forward(first.sequence, arrival.sequence, 16) for arrival in arrivals}
    lost = max(sequences) - min(sequences) + 1 - len(sequences)
    return lost + sum(delay - due > PACKET + 1e-9 for delay in delays)


def _forward(origin: int, value: int, bits: int) -> int:
    """The distance from origin to value where both wrap at `bits`; up to half of that backwards."""
    half = 1 << (bits - 1)
    return (value - origin + half) % (1 << bits) - half
