"""How fast keys may be tried: whoever has shown wrong ones waits, and waits longer the more they show."""

import time
from collections.abc import Callable

# Wrong keys of one address that cost nothing, and seconds that each further one costs.
FREE = 5
COST = 0.2
# Seconds that a check waits for its turn at most; whoever would wait longer is refused without a look at the key.
LONGEST_WAIT = 5.0
MOST_ADDRESSES = 10_000


class KeyThrottle:
    """When the next key of an address is looked at. A right one costs nothing, however many come at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._paid_until: dict[str, float] = {}  # by address; no entry where nothing is owed

    def begin(self, address: str) -> float | None:
        """Seconds until this key may be looked at; None when too many wait. It counts as wrong until `right`."""
        now = self._clock()
        paid_until = max(self._paid_until.get(address, now), now)
        wait = max(paid_until - FREE * COST - now, 0.0)
        if wait > LONGEST_WAIT:
            return None
        self._drop_paid(now)
        self._paid_until[address] = paid_until + COST
        return wait

    def right(self, address: str) -> None:
        """The key was right."""
        if address in self._paid_until:
            self._paid_until[address] -= COST

    def _drop_paid(self, now: float) -> None:
        if len(self._paid_until) < MOST_ADDRESSES:
            return
        self._paid_until = {address: until for address, until in self._paid_until.items() if until > now}
        while len(self._paid_until) >= MOST_ADDRESSES:  # oldest first: a dict has them in the order of arrival
            del self._paid_until[next(iter(self._paid_until))]
