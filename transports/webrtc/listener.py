"""The WebRTC door: an SDP offer in, an answer out, and a Call for whoever runs the pipeline.

The peer connection is Pipecat's SmallWebRTC (aiortc). The door owns its end: Pipecat's transport closes a peer only
while it still looks connected, so a browser that vanished would keep its sockets.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiortc.sdp import SessionDescription, candidate_from_sdp
from loguru import logger
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from transports.call import Call
from transports.webrtc.speaker import SpeakerTransport, SpeakingConnection

# Opus is decoded at 48 kHz whatever the microphone's rate (RFC 7587, section 4.1), and the models speak at 24 kHz,
# so neither direction is resampled inside the transport.
RATE_IN = 48_000
RATE_OUT = 24_000

# Pipecat's small-webrtc client offers audio, camera, screen and data; nobody needs many more.
MOST_SECTIONS = 8
MOST_CANDIDATES = 64

# SmallWebRTC calls a peer absent after 3 s without its one-second ping. A phone that changes networks is back sooner
# than this many seconds later; one that is not has hung up.
ABSENT_AFTER = 6.0

# A pipeline may have models to load first.
TAKEN_WITHIN = 60.0

LOOK_EVERY = 1.0
NEVER = 10**6

# An answer waits for our own candidates, at most 5 s for an ICE server that is silent.
ANSWER_WITHIN = 10.0


class BadOffer(ValueError):
    """What the browser sent cannot be answered; the message is one sentence for its user."""


class ListenerFull(RuntimeError):
    """As many calls as may be are being held."""


class UnknownCall(LookupError):
    """No call of that name is being held."""


class WebRtcSettings(BaseModel):
    """What YAML may say about the WebRTC door."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    host: str = "127.0.0.1"
    """address the page is served from; 0.0.0.0 for all, which browsers allow a microphone only behind HTTPS"""
    port: int = Field(8080, ge=0, le=65535)
    """TCP port of the page; 0 takes a free one"""
    ice_servers: list[str] = Field(default_factory=list[str])
    """STUN or TURN URLs for callers outside this network"""
    connect_timeout: float = Field(20.0, gt=0)
    """seconds a browser may take to connect after its offer was answered"""
    key: SecretStr | None = None
    """access key a visitor must show; without one a random key is made at start and printed in the link"""
    public_url: str | None = None
    """where visitors reach the page when it is behind a proxy, for the printed link"""
    max_calls: int = Field(10, ge=1)
    """calls held at once"""
    title: str = "Speaking exam"
    """what the page is headed with"""


@dataclass(slots=True)
class _Line:
    call_id: str
    connection: SpeakingConnection
    # Renegotiating replaces the peer connection; whoever judges its state must not look in between.
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    watch: asyncio.Task[None] | None = None


class WebRtcListener:
    """Answers offers and yields each as a Call."""

    Settings: ClassVar[type[WebRtcSettings]] = WebRtcSettings

    def __init__(self, settings: WebRtcSettings) -> None:
        self.settings = settings
        self.key = settings.key or SecretStr(secrets.token_urlsafe(16))
        self._arrivals: asyncio.Queue[Call | None] = asyncio.Queue()
        self._lines: dict[str, _Line] = {}
        self._answering = 0
        self._closed = False

    @property
    def calls(self) -> frozenset[str]:
        """The ids of the calls being held."""
        return frozenset(line.call_id for line in self._lines.values())

    @property
    def full(self) -> bool:
        """Whether another offer would be refused for want of room."""
        return len(self._lines) + self._answering >= self.settings.max_calls

    def link(self, port: int | None = None) -> str:
        """The address to open in a browser. The key is in its fragment, which no server ever sees or logs."""
        host = self.settings.host
        shown = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::", "::1"} else host
        base = self.settings.public_url or f"http://{shown}:{port or self.settings.port}"
        return f"{base.rstrip('/')}/#key={self.key.get_secret_value()}"

    async def answer(
        self, *, call_id: str, caller: str, sdp: str, type: str, details: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        """Answer an offer and let its Call in. Raises BadOffer, or ListenerFull."""
        if self._closed:
            raise ListenerFull("This server is shutting down; try again in a minute.")
        if self.full:
            raise ListenerFull("All lines are busy; try again in a few minutes.")
        _check_offer(sdp, type)
        connection = SpeakingConnection(
            RATE_OUT,
            ice_servers=self.settings.ice_servers,
            # Its own timeout cancels itself half-way through closing, and the sockets stay open: `_watch` keeps time.
            connection_timeout_secs=NEVER,
        )
        self._answering += 1
        try:
            await _negotiate(connection, sdp, type)
        except BaseException:
            await _discard(connection)
            raise
        finally:
            self._answering -= 1
        line = _Line(call_id, connection)
        self._lines[connection.pc_id] = line
        line.watch = asyncio.create_task(self._watch(line), name=f"webrtc {call_id}")
        self._arrivals.put_nowait(
            Call(
                id=call_id,
                caller=caller,
                door="webrtc",
                transport=SpeakerTransport(connection, _params()),
                rate_in=RATE_IN,
                rate_out=RATE_OUT,
                details=dict(details or {}),
            )
        )
        return connection.get_answer() or {}

    async def renegotiate(self, pc_id: str, *, sdp: str, type: str, restart: bool = False) -> dict[str, str]:
        """Answer a further offer of a call being held; `restart` puts a new peer connection under it."""
        line = self._line(pc_id)
        _check_offer(sdp, type)
        async with line.lock:
            try:
                await _negotiate(line.connection, sdp, type, again=True, restart=restart)
            finally:
                self._lines.pop(pc_id, None)
                self._lines[line.connection.pc_id] = line
        return line.connection.get_answer() or {}

    async def candidates(self, pc_id: str, candidates: Sequence[Mapping[str, Any]]) -> None:
        """Add addresses the browser found after its offer, as Pipecat's client sends them."""
        line = self._line(pc_id)
        if len(candidates) > MOST_CANDIDATES:
            raise BadOffer(f"At most {MOST_CANDIDATES} candidates are taken at a time.")
        for entry in candidates:
            text = str(entry.get("candidate") or "").removeprefix("candidate:")
            try:
                # RFC 8840: an empty candidate says that there will be no more, which aiortc calls None.
                candidate = candidate_from_sdp(text) if text else None
                if candidate is not None:
                    candidate.sdpMid = entry.get("sdp_mid")
                    candidate.sdpMLineIndex = entry.get("sdp_mline_index")
                await line.connection.add_ice_candidate(candidate)
            except Exception as error:  # the parser raises whatever the text trips over
                raise BadOffer("An ICE candidate could not be read.") from error

    def holds(self, pc_id: str, call_id: str | None = None) -> bool:
        """Whether there is that peer connection; with `call_id`, only if it is the one under that call."""
        line = self._lines.get(pc_id)
        return line is not None and call_id in {None, line.call_id}

    async def __aiter__(self) -> AsyncIterator[Call]:
        while (call := await self._arrivals.get()) is not None:
            yield call

    async def close(self) -> None:
        """Let nobody in any more. Calls already yielded go on."""
        if not self._closed:
            self._closed = True
            self._arrivals.put_nowait(None)

    async def hang_up(self) -> None:
        """End every call still being held, without ceremony."""
        lines = list(self._lines.values())
        for line in lines:
            line.over.set()
        await asyncio.gather(*(line.watch for line in lines if line.watch is not None))

    def _line(self, pc_id: str) -> _Line:
        line = self._lines.get(pc_id)
        if line is None:
            raise UnknownCall("That call is over.")
        return line

    async def _watch(self, line: _Line) -> None:
        """Close a connection whose browser never came, left, or went without a word."""
        loop = asyncio.get_running_loop()

        @line.connection.event_handler("closed")
        async def on_closed(connection: SmallWebRTCConnection) -> None:
            line.over.set()

        begun = last_seen = loop.time()
        joined = heard = False
        while not line.over.is_set():
            async with line.lock:
                now, state = loop.time(), line.connection.pc.connectionState
                joined = joined or state == "connected"
                if line.connection.is_connected():
                    last_seen, heard = now, True
                if state in {"closed", "failed"}:
                    break
                if not joined and now - begun > self.settings.connect_timeout:
                    logger.info("{}: the browser did not connect", line.call_id)
                    break
                if not heard and now - begun > self.settings.connect_timeout + TAKEN_WITHIN:
                    logger.warning("{}: nobody took the call", line.call_id)
                    break
                if heard and now - last_seen > ABSENT_AFTER:
                    logger.info("{}: the browser is gone", line.call_id)
                    break
            with suppress(TimeoutError):
                await asyncio.wait_for(line.over.wait(), LOOK_EVERY)
        for pc_id in [key for key, value in self._lines.items() if value is line]:
            del self._lines[pc_id]
        await _discard(line.connection)


async def _discard(connection: SmallWebRTCConnection) -> None:
    """Close a connection, whatever state it is in."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            await connection.disconnect()
    except Exception as error:
        # aiortc cannot close what it refused half-way through a description; no socket is open by then.
        logger.debug("a connection did not close: {!r}", error)


def _params() -> TransportParams:
    return TransportParams(
        audio_in_enabled=True,
        audio_in_sample_rate=RATE_IN,
        audio_in_channels=1,
        audio_out_enabled=True,
        audio_out_sample_rate=RATE_OUT,
        audio_out_10ms_chunks=2,
        # A browser's jitter buffer holds the last words; without this second the hang-up cuts them off.
        audio_out_end_silence_secs=1,
    )


def _check_offer(sdp: str, type: str) -> None:
    """Refuse what is plainly no offer of a voice call, before any socket is opened for it."""
    if type != "offer":
        raise BadOffer("Expected an SDP offer.")
    try:
        media = SessionDescription.parse(sdp).media
    except Exception as error:  # aiortc's parser raises whatever the text trips over
        raise BadOffer("The SDP offer could not be read.") from error
    if len(media) > MOST_SECTIONS:
        raise BadOffer(f"The SDP offer has {len(media)} media sections; at most {MOST_SECTIONS} are taken.")
    # SmallWebRTC takes the first section for the microphone, whatever it is.
    if not media or media[0].kind != "audio":
        raise BadOffer("The first media section of the SDP offer must be audio.")


async def _negotiate(
    connection: SmallWebRTCConnection, sdp: str, type: str, *, again: bool = False, restart: bool = False
) -> None:
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            if again:
                await connection.renegotiate(sdp, type, restart_pc=restart)
            else:
                await connection.initialize(sdp, type)
    except TimeoutError as error:
        raise BadOffer("The SDP offer could not be answered in time.") from error
    except Exception as error:  # a fault of the offer surfaces as any kind of error, deep in aiortc
        raise BadOffer("The SDP offer could not be answered: it does not describe a voice call we can hold.") from error
    codecs = SessionDescription.parse((connection.get_answer() or {})["sdp"]).media[0].rtp.codecs
    # Every browser has it (RFC 7874, section 3), and the speaker makes nothing else.
    if not codecs or codecs[0].mimeType.lower() != "audio/opus":
        raise BadOffer("The SDP offer must prefer Opus for its audio.")
