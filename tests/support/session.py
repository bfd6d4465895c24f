"""A session without a pipeline around it: what a stage under test is handed."""

import asyncio
from typing import Any

from core.billing.usage import Counted
from core.events import Event, UtteranceSpoken


class FakeSession:
    """Stores everything it is given. Its clock is the loop's."""

    def __init__(self, tools: list[dict[str, Any]] | None = None, answer: dict[str, Any] | None = None) -> None:
        self.id = "test"
        self.tools = tools or []
        self.instructions = ""
        self.progress_summary = ""
        self.events: list[Event] = []
        self.charges: list[tuple[str, Counted]] = []
        self.finished: list[tuple[str, str]] = []
        self.asked: list[str] = []
        self._answer = answer
        self._began: float | None = None

    @property
    def utterances(self) -> list[UtteranceSpoken]:
        said = [event for event in self.events if isinstance(event, UtteranceSpoken)]
        return sorted(said, key=lambda u: u.started)

    def now(self) -> float:
        time = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = time
        return time - self._began

    def record(self, event: Event) -> None:
        self.events.append(event)

    def charge(self, model: str, counted: Counted) -> None:
        self.charges.append((model, counted))

    def finish(self, why: str, detail: str = "") -> None:
        self.finished.append((why, detail))

    async def ask(self, prompt: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        self.asked.append(prompt)
        return self._answer

    def of(self, kind: type[Any]) -> list[Any]:
        """The recorded events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]
