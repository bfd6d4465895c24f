"""What core and the stages need from a call: Protocols, so that a test may use something simpler."""

from collections.abc import Sequence
from typing import Any, Protocol

from core.billing.usage import Counted
from core.events import Event, UtteranceSpoken


class Journal(Protocol):
    """Accepts events at once and writes them soon; what was recorded before `drain` returns is written."""

    def record(self, event: Event) -> None:
        """Accept an event. Never blocks and never raises."""
        ...

    async def drain(self) -> None:
        """Wait until everything recorded so far is written."""
        ...


class Session(Protocol):
    """One call, as its stages see it."""

    @property
    def id(self) -> str:
        """The session's id in the record."""
        ...

    @property
    def tools(self) -> list[dict[str, Any]]:
        """Function declarations that the stages of this call offer to the model, as JSON Schema."""
        ...

    @property
    def instructions(self) -> str:
        """What the stages of this call add to the model's system instruction; empty for nothing."""
        ...

    @property
    def progress_summary(self) -> str:
        """Where the exam is, in a sentence for a model that lost its context; empty when not known."""
        ...

    @property
    def utterances(self) -> Sequence[UtteranceSpoken]:
        """The finished utterances of both sides, in the order they began."""
        ...

    def now(self) -> float:
        """Seconds since the call began."""
        ...

    def record(self, event: Event) -> None:
        """Write an event to the session's record. Never blocks and never raises."""
        ...

    def charge(self, model: str, counted: Counted) -> None:
        """Add one usage message of the service to the cost of the call."""
        ...

    def finish(self, why: str, detail: str = "") -> None:
        """End the call once the examiner's audio so far has been played. The first reason given counts."""
        ...

    async def ask(self, prompt: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        """Ask the text model beside the Live model; its answer follows `schema`.

        None when no stage of the call has one. Raises RuntimeError, in a sentence, when it cannot answer.
        """
        ...
