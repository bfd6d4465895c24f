"""Function calls: what the model waits for, and what waits for the model meanwhile.

Input during a call ends the connection on 2.5 (discuss.ai.google.dev/t/114644) and cancels the call on 3.8.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.live.messages import Outgoing


@dataclass
class ToolCalls:
    """The calls of one connection after the other. `hold`: nothing is sent while one is pending."""

    hold: bool
    pending: set[str] = field(default_factory=set[str])
    _withdrawn: set[str] = field(default_factory=set[str])
    _delivered: list[str] = field(default_factory=list[str])  # results the model has shown no sign of having taken
    _waiting: list[Outgoing] = field(default_factory=list[Outgoing])

    def asked(self, id: str) -> None:
        """The model waits for a result."""
        self._withdrawn.discard(id)
        self.pending.add(id)

    def answered(self, id: str, told: str) -> bool:
        """A result goes to the model, `told` in words. False: this connection knows no such call."""
        if id not in self.pending:
            return False
        self.pending.discard(id)
        self._delivered.append(told)
        return True

    def taken(self) -> None:
        """The model has gone on: it has the results."""
        self._delivered.clear()

    def withdraw(self, ids: Iterable[str]) -> None:
        """The model no longer waits for these."""
        self._withdrawn.update(ids)
        self.pending.difference_update(ids)

    def is_withdrawn(self, id: str) -> bool:
        """Whether nobody waits for this result, on any connection."""
        return id in self._withdrawn

    def dropped(self) -> list[str]:
        """The connection is gone: no call is pending. Returns the results that may not have arrived, in words."""
        self.pending.clear()
        delivered, self._delivered = self._delivered, []
        return delivered

    def hold_back(self, items: Sequence[Outgoing]) -> bool:
        """Whether these have to wait; then they are kept."""
        if not (self.pending and self.hold):
            return False
        self._waiting += items
        return True

    def let_in(self) -> list[Outgoing]:
        """What has waited, once no call is pending."""
        if self.pending:
            return []
        waiting, self._waiting = self._waiting, []
        return waiting

    def discard_waiting(self) -> None:
        """What waits is of no use any more."""
        self._waiting.clear()
