"""What every door yields: a call, with nothing behind it that says which door it was."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipecat.transports.base_transport import BaseTransport


@dataclass(frozen=True, slots=True)
class Call:
    """Someone to talk to.

    `id` names the call in the record. `caller` is who calls, as far as the door knows: the unit an experiment assigns
    an arm to. `rate_in` and `rate_out` are the transport's sample rates in Hz. A transport that knows when a piece of
    sound it took begins to be heard writes that into the frame's `pts`: nanoseconds by the event loop's clock.
    """

    id: str
    caller: str
    door: str
    transport: BaseTransport
    rate_in: int
    rate_out: int
    details: dict[str, Any] = field(default_factory=dict[str, Any])


class Listener(Protocol):
    """A door: an asynchronous iterator of calls that ends when the door is closed."""

    def __aiter__(self) -> AsyncIterator[Call]: ...

    async def close(self) -> None:
        """Let nobody in any more. Calls already yielded go on."""
        ...
