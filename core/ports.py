"""What a shell is handed: Protocols, so that a test may hand it something simpler."""

from collections.abc import Sequence
from typing import Any, Protocol

from core.billing.usage import Counted
from core.events import Event, UtteranceSpoken


class Journal(Protocol):
    """Takes facts now and writes them soon; nothing recorded before `drain` returns is lost."""

    def record(self, event: Event) -> None:
        """Take a fact. Never blocks and never raises."""
        ...

    async def drain(self) -> None:
        """Wait until everything recorded so far is written."""
        ...


class Session(Protocol):
    """One call, as its stages see it."""

    @property
    def id(self) -> str:
        """The call's name in the record."""
        ...

    @property
    def tools(self) -> list[dict[str, Any]]:
        """Function declarations that the stages of this call offer to the model, as JSON Schema."""
        ...

    @property
    def instructions(self) -> str:
        """What the stages of this call tell the model beyond its prompt; empty for nothing."""
        ...

    @property
    def standing(self) -> str:
        """Where the exam is, in a sentence for a model that has lost the conversation; empty when not known."""
        ...

    @property
    def utterances(self) -> Sequence[UtteranceSpoken]:
        """What both sides have said so far, in the order they began."""
        ...

    def now(self) -> float:
        """Seconds since the call began."""
        ...

    def record(self, event: Event) -> None:
        """Write a fact to the call's log. Never blocks and never raises."""
        ...

    def charge(self, model: str, counted: Counted) -> None:
        """Put one usage message of the service on the bill."""
        ...

    def finish(self, why: str, detail: str = "") -> None:
        """End the call politely: what was said before this is played out. The first reason given counts."""
        ...

    async def ask(self, prompt: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        """Put a question to the text model beside the Live model; its answer follows `schema`.

        None when no stage of the call has one. Raises RuntimeError, in a sentence, when it cannot answer.
        """
        ...
