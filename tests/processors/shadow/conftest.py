"""What the tests of the second transcriber share."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def threads_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given to a thread is done at once: a clock that jumps to the next timer would not wait for it."""

    async def done(work: Callable[..., Any], *arguments: Any) -> Any:
        return work(*arguments)

    monkeypatch.setattr("asyncio.to_thread", done)
