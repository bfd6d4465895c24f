"""What a shell is handed: Protocols, so that a test may hand it something simpler."""

from typing import Any, Protocol

from core.events import Event


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

    def now(self) -> float:
        """Seconds since the call began."""
        ...

    def record(self, event: Event) -> None:
        """Write a fact to the call's log. Never blocks and never raises."""
        ...
