"""Function calls: the calls the model waits for, and the input that is held until they are answered.

Input during a call ends the connection on 2.5 (discuss.ai.google.dev/t/114644) and cancels the call on 3.8.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.live.messages import Outgoing


@dataclass
class ToolCalls:
    """The calls of one connection after the other. `hold_input`: nothing is sent while one is pending."""

    hold_input: bool
    pending: set[str] = field(default_factory=set[str])
    _cancelled: set[str] = field(default_factory=set[str])
    _unacknowledged: list[str] = field(default_factory=list[str])  # results sent, as text, until the model goes on
    _held: list[Outgoing] = field(default_factory=list[Outgoing])

    def received(self, id: str) -> None:
        """The model waits for a result."""
        self._cancelled.discard(id)
        self.pending.add(id)

    def answered(self, id: str, as_text: str) -> bool:
        """A result, `as_text` in words, goes to the model. False: this connection knows no such call."""
        if id not in self.pending:
            return False
        self.pending.discard(id)
        self._unacknowledged.append(as_text)
        return True

    def acknowledged(self) -> None:
        """The model has gone on: it has the results."""
        self._unacknowledged.clear()

    def cancel(self, ids: Iterable[str]) -> None:
        """The model no longer waits for these."""
        self._cancelled.update(ids)
        self.pending.difference_update(ids)

    def is_cancelled(self, id: str) -> bool:
        """Whether nobody waits for this result, on any connection."""
        return id in self._cancelled

    def connection_ended(self) -> list[str]:
        """The connection is gone: no call is pending. Returns the results that may not have arrived, as text."""
        self.pending.clear()
        unacknowledged, self._unacknowledged = self._unacknowledged, []
        return unacknowledged

    def hold(self, items: Sequence[Outgoing]) -> bool:
        """Whether these have to wait for a pending call; if so they are held."""
        if not (self.pending and self.hold_input):
            return False
        self._held += items
        return True

    def release(self) -> list[Outgoing]:
        """The items that were held, once no call is pending."""
        if self.pending:
            return []
        held, self._held = self._held, []
        return held

    def discard_held(self) -> None:
        """The items that are held are of no use any more."""
        self._held.clear()
