"""Which packets of a stream were late: arithmetic on arrival times and RTP timestamps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

PACKET = 0.02
RTP_RATE = 48_000  # of Opus, whatever was encoded (RFC 7587, section 4.1)


@dataclass(frozen=True, slots=True, order=True)
class Arrival:
    """A packet: when it came, in seconds, its RTP timestamp and sequence number, and whether it is audible."""

    at: float
    timestamp: int
    sequence: int
    audible: bool = False


def late(arrivals: Sequence[Arrival]) -> int:
    """How many packets came more than 20 ms after their time, or never.

    A packet's delay is its arrival minus its timestamp. The quickest packet of the stream came on time, so one is
    late when its delay is more than 20 ms above the least (the delay variation of RFC 5481, section 4.2). A
    sender that moves its schedule after a stall does so in its timestamps too: what it skipped between two audible
    packets never came.
    """
    if not arrivals:
        return 0
    first = arrivals[0]
    packets = sorted(
        (
            _forward(first.sequence, arrival.sequence, 16),
            _forward(first.timestamp, arrival.timestamp, 32) / RTP_RATE,
            arrival,
        )
        for arrival in arrivals
    )
    least = min(arrival.at - time for _, time, arrival in packets)
    # The first packet of a pause still has the end of the sound before it: a reply that goes on has two audible ones.
    goes_on = [one.audible and other.audible for (*_, one), (*_, other) in pairwise(packets)] + [False]
    missing = 0
    for n, ((number, time, one), (next_number, next_time, _)) in enumerate(pairwise(packets)):
        lost = next_number - number - 1
        skipped = round((next_time - time) / PACKET) - 1 if one.audible and goes_on[n + 1] else 0
        missing += max(lost, skipped)
    return missing + sum(arrival.at - time - least > PACKET + 1e-9 for _, time, arrival in packets)


def _forward(origin: int, value: int, bits: int) -> int:
    """The distance from origin to value where both wrap at `bits`; up to half of that backwards."""
    half = 1 << (bits - 1)
    return (value - origin + half) % (1 << bits) - half
