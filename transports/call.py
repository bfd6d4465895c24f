"""What every listener yields: a call, which looks the same whatever transport carries it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from pipecat.transports.base_transport import BaseTransport
from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Call:
    """One call, before a pipeline is built around its transport.

    `id` names the call in the record. `caller` is who calls, as far as the transport knows: the unit that an experiment
    assigns an arm to. `transport_name` is the transport as the record names it, such as "webrtc". `rate_in` and
    `rate_out` are the transport's sample rates in Hz. `rtvi` is whether the far end speaks RTVI, Pipecat's client
    protocol, over a data channel. `reports_packets` is whether the transport has an event `on_packets_stopped`:
    no audio packet has come from the caller for so many seconds. `details` is stored in the record. A transport that
    knows when a piece of audio begins to play writes that into the frame's `pts`: nanoseconds by the event loop's
    clock.
    """

    id: str
    caller: str
    transport_name: str
    transport: BaseTransport
    rate_in: int
    rate_out: int
    rtvi: bool = False
    reports_packets: bool = False
    details: dict[str, Any] = field(default_factory=dict[str, Any])


class Listener(Protocol):
    """An asynchronous iterator of calls that ends when the listener is closed."""

    def __aiter__(self) -> AsyncIterator[Call]: ...

    async def close(self) -> None:
        """Accept no more calls. Calls already yielded go on."""
        ...


@runtime_checkable
class SignallingListener(Listener, Protocol):
    """A listener with a page: callers send it their SDP offers and ICE candidates over HTTP."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and TCP port to serve the page from; port 0 takes a free one."""
        ...

    @property
    def key(self) -> SecretStr:
        """The access key that a visitor must show."""
        ...

    @property
    def ice_servers(self) -> list[str]:
        """STUN and TURN URLs for the caller's end."""
        ...

    @property
    def max_calls(self) -> int:
        """How many calls there may be at once."""
        ...

    @property
    def calls(self) -> frozenset[str]:
        """The ids of the calls that are going on."""
        ...

    def page_url(self, port: int | None = None) -> str:
        """The URL to open in a browser, access key included; `port` where the page has another than `address`."""
        ...

    def holds(self, pc_id: str, call_id: str | None = None) -> bool:
        """Whether there is that peer connection; with `call_id`, only if it carries that call."""
        ...

    async def answer(
        self, *, call_id: str, caller: str, sdp: str, type: str, details: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        """Answer an SDP offer and yield its Call."""
        ...

    async def renegotiate(self, pc_id: str, *, sdp: str, type: str, restart: bool = False) -> dict[str, str]:
        """Answer a further offer of a call; `restart` replaces its peer connection."""
        ...

    async def candidates(self, pc_id: str, candidates: Sequence[Mapping[str, Any]]) -> None:
        """Add ICE candidates that the caller's end found after its offer."""
        ...
