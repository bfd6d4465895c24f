"""Function calls: the calls the model waits for, and the input that is held until they are answered.

Input during a call ends the connection on 2.5 (discuss.ai.google.dev/t/114644) and cancels the call on 3.8.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.live.messages import Outgoing

# Share of the words of a text without audio that a call was made with from which it is that call in words.
ECHOED = 0.8

# Words and numbers, those within a camelCase or snake_case name as well.
_WORD = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+|[^\W\d_]+")


@dataclass
class ToolCalls:
    """The calls of one connection after the other. `hold_input`: nothing is sent while one is pending."""

    hold_input: bool
    pending: set[str] = field(default_factory=set[str])
    _cancelled: set[str] = field(default_factory=set[str])
    _unacknowledged: list[str] = field(default_factory=list[str])  # results sent, as text, until the model goes on
    _held: list[Outgoing] = field(default_factory=list[Outgoing])
    _called: dict[str, set[str]] = field(default_factory=dict[str, set[str]])  # the words of each call
    _words: set[str] = field(default_factory=set[str])  # of the calls that were answered since anybody last spoke

    def received(self, id: str) -> None:
        """The model waits for a result."""
        self._cancelled.discard(id)
        self.pending.add(id)

    def called(self, id: str, name: str, args: dict[str, Any]) -> None:
        """The model has called a function with this."""
        self._called[id] = _words(f"{name} {json.dumps(args, ensure_ascii=False)}")

    def spoke(self) -> None:
        """The model, or the caller, has spoken: what comes next has nothing to do with the calls before it."""
        self._words.clear()

    def echoed_by(self, text: str) -> bool:
        """Whether text without audio only repeats what a function was called with: it is no speech."""
        said = _words(text)
        return bool(said) and len(said & self._words) >= ECHOED * len(said)

    def answered(self, id: str, as_text: str) -> bool:
        """A result, `as_text` in words, goes to the model. False: this connection knows no such call."""
        if id not in self.pending:
            return False
        self.pending.discard(id)
        self._words |= self._called.pop(id, set())
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
        self._called.clear()
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


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}
