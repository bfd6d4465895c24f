"""An event loop whose clock jumps to the next timer instead of waiting for it.

A minute of conversation passes in a few milliseconds, and in the same order as on the real clock. Only for code whose
sole source of time is the loop: a socket or a thread would be outrun (`@pytest.mark.real_time` opts out).
"""

import asyncio
import selectors
from typing import Any


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.jumped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout is None:
            # Nothing is scheduled: only another thread or a socket can wake us, so wait for it really.
            return ready or super().select(timeout)
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
