"""An event loop whose clock jumps to the next timer instead of waiting for it.

A minute of conversation passes in a few milliseconds, and in the same order as on the real clock. Only for code whose
sole source of time is the loop: a socket or a thread would be outrun (`@pytest.mark.real_time` opts out).
"""

import asyncio
import selectors
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.jumped = 0.0
        self.stands = False

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout is None or (self.stands and timeout > 0):
            # Nothing is scheduled, or the clock stands: only another thread or a socket can wake us, so really wait.
            return ready or super().select(None)
        self.jumped += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A selector loop on virtual seconds, starting at zero."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds of virtual time since the loop was made."""
        return self._jumping.jumped

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Within the block the clock does not move on: what is done there over a real network takes no time."""
        self._jumping.stands = True
        try:
            yield
        finally:
            self._jumping.stands = False
