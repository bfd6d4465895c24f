"""The WebRTC listener: an SDP offer in, an answer out, and a Call for whoever runs the pipeline.

The peer connection is Pipecat's SmallWebRTC (aiortc). The listener closes it in the end: Pipecat's transport closes a
peer connection only while it looks connected, so a browser that vanished would keep its sockets.
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

# Pipecat's small-webrtc client offers audio, camera, screen and data; no caller needs many more.
MAX_SECTIONS = 8
# Each is an address that we send to, whoever's it is. A browser has some ten for each of its sections, and more of them
# when its network changes.
MAX_CANDIDATES = 64  # at a time
MAX_CANDIDATES_OF_CALL = 512

# A phone that changes networks renegotiates; each costs a peer connection and its certificate.
MAX_RENEGOTIATIONS = 100

# SmallWebRTC calls a peer absent after 3 s without its one-second ping. A phone that changes networks is back sooner
# than this many seconds later; one that is not has hung up.
ABSENT_AFTER = 6.0

# Seconds after `connect_timeout` in which a pipeline must accept the call; it may have models to load first.
ACCEPT_WITHIN = 60.0

POLL_INTERVAL = 1.0
NEVER = 10**6

# An answer waits for our own candidates, at most 5 s for an ICE server that does not reply.
ANSWER_WITHIN = 10.0


class BadOffer(ValueError):
    """The browser's offer or candidates cannot be used; the message is one sentence for its user."""


class ListenerFull(RuntimeError):
    """There are as many calls as there may be."""


class UnknownCall(LookupError):
    """No call has that peer connection."""


class WebRtcSettings(BaseModel):
    """The settings of the WebRTC listener."""

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
    """access key a visitor must show; without one a random key is made at start and printed in the URL"""
    public_url: str | None = None
    """where visitors reach the page when it is behind a proxy, for the printed URL"""
    max_calls: int = Field(10, ge=1)
    """calls at once"""
    title: str = "Speaking exam"
    """what the page is headed with"""


@dataclass(slots=True)
class _Peer:
    """One call's peer connection, and the task that closes it."""

    call_id: str
    connection: SpeakingConnection
    # Renegotiating replaces the RTCPeerConnection; its state must not be read in between.
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    candidates: int = 0
    renegotiations: int = 0
    watcher: asyncio.Task[None] | None = None


class WebRtcListener:
    """Answers offers and yields each as a Call."""

    Settings: ClassVar[type[WebRtcSettings]] = WebRtcSettings

    def __init__(self, settings: WebRtcSettings) -> None:
        self.settings = settings
        self.key = settings.key or SecretStr(secrets.token_urlsafe(16))
        self._new_calls: asyncio.Queue[Call | None] = asyncio.Queue()
        self._peers: dict[str, _Peer] = {}
        self._answering = 0
        self._closed = False

    @property
    def calls(self) -> frozenset[str]:
        """The ids of the calls that are going on."""
        return frozenset(peer.call_id for peer in self._peers.values())

    @property
    def full(self) -> bool:
        """Whether another offer would be refused because there are `max_calls` calls."""
        return len(self._peers) + self._answering >= self.settings.max_calls

    @property
    def address(self) -> tuple[str, int]:
        """Host and TCP port to serve the page from; port 0 takes a free one."""
        return self.settings.host, self.settings.port

    @property
    def ice_servers(self) -> list[str]:
        """STUN and TURN URLs for the caller's end."""
        return self.settings.ice_servers

    @property
    def max_calls(self) -> int:
        """How many calls there may be at once."""
        return self.settings.max_calls

    def page_url(self, port: int | None = None) -> str:
        """The URL to open in a browser. The key is in its fragment, which no server ever sees or logs."""
        host, own_port = self.address
        name = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::", "::1"} else host
        base = self.settings.public_url or f"http://{name}:{port or own_port}"
        return f"{base.rstrip('/')}/#key={self.key.get_secret_value()}"

    async def answer(
        self, *, call_id: str, caller: str, sdp: str, type: str, details: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        """Answer an SDP offer and yield its Call. Raises BadOffer, or ListenerFull."""
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
        peer = _Peer(call_id, connection)
        self._peers[connection.pc_id] = peer
        peer.watcher = asyncio.create_task(self._watch(peer), name=f"webrtc {call_id}")
        self._new_calls.put_nowait(
            Call(
                id=call_id,
                caller=caller,
                transport_name="webrtc",
                transport=SpeakerTransport(connection, _params()),
                rate_in=RATE_IN,
                rate_out=RATE_OUT,
                rtvi=True,
                reports_packets=True,
                details=dict(details or {}),
            )
        )
        return connection.get_answer() or {}

    async def renegotiate(self, pc_id: str, *, sdp: str, type: str, restart: bool = False) -> dict[str, str]:
        """Answer a further offer of a call; `restart` replaces its peer connection. Raises BadOffer, or UnknownCall."""
        peer = self._peer(pc_id)
        _check_offer(sdp, type)
        peer.renegotiations += 1
        if peer.renegotiations > MAX_RENEGOTIATIONS:
            raise BadOffer(f"A call is renegotiated at most {MAX_RENEGOTIATIONS} times.")
        async with peer.lock:
            try:
                await _negotiate(peer.connection, sdp, type, first=False, restart=restart)
            finally:
                self._peers.pop(pc_id, None)
                self._peers[peer.connection.pc_id] = peer
        return peer.connection.get_answer() or {}

    async def candidates(self, pc_id: str, candidates: Sequence[Mapping[str, Any]]) -> None:
        """Add ICE candidates that the browser found after its offer, as Pipecat's client sends them.

        Raises BadOffer, or UnknownCall.
        """
        peer = self._peer(pc_id)
        if len(candidates) > MAX_CANDIDATES:
            raise BadOffer(f"At most {MAX_CANDIDATES} candidates are taken at a time.")
        peer.candidates += len(candidates)
        if peer.candidates > MAX_CANDIDATES_OF_CALL:
            raise BadOffer(f"A call takes at most {MAX_CANDIDATES_OF_CALL} candidates.")
        for entry in candidates:
            text = str(entry.get("candidate") or "").removeprefix("candidate:")
            try:
                # RFC 8840: an empty candidate says that there will be no more, which aiortc calls None.
                candidate = candidate_from_sdp(text) if text else None
                if candidate is not None:
                    candidate.sdpMid = entry.get("sdp_mid")
                    candidate.sdpMLineIndex = entry.get("sdp_mline_index")
                await peer.connection.add_ice_candidate(candidate)
            except Exception as error:  # the parser raises whatever the text trips over
                raise BadOffer("An ICE candidate could not be read.") from error

    def holds(self, pc_id: str, call_id: str | None = None) -> bool:
        """Whether there is that peer connection; with `call_id`, only if it carries that call."""
        peer = self._peers.get(pc_id)
        return peer is not None and call_id in {None, peer.call_id}

    async def __aiter__(self) -> AsyncIterator[Call]:
        while (call := await self._new_calls.get()) is not None:
            yield call

    async def close(self) -> None:
        """Accept no more calls. Calls already yielded go on."""
        if not self._closed:
            self._closed = True
            self._new_calls.put_nowait(None)

    async def hang_up(self) -> None:
        """Close the peer connection of every call that is going on."""
        peers = list(self._peers.values())
        for peer in peers:
            peer.ended.set()
        await asyncio.gather(*(peer.watcher for peer in peers if peer.watcher is not None))

    def _peer(self, pc_id: str) -> _Peer:
        peer = self._peers.get(pc_id)
        if peer is None:
            raise UnknownCall("That call is over.")
        return peer

    async def _watch(self, peer: _Peer) -> None:
        """Close a peer connection that was never established, was closed, or whose browser is gone."""
        loop = asyncio.get_running_loop()

        @peer.connection.event_handler("closed")
        async def on_closed(connection: SmallWebRTCConnection) -> None:
            peer.ended.set()

        begun = last_seen = loop.time()
        connected = accepted = False
        while not peer.ended.is_set():
            async with peer.lock:
                now, state = loop.time(), peer.connection.pc.connectionState
                connected = connected or state == "connected"
                if peer.connection.is_connected():
                    last_seen, accepted = now, True
                if state in {"closed", "failed"}:
                    break
                if not connected and now - begun > self.settings.connect_timeout:
                    logger.info("{}: the browser did not connect", peer.call_id)
                    break
                if not accepted and now - begun > self.settings.connect_timeout + ACCEPT_WITHIN:
                    logger.warning("{}: no pipeline accepted the call", peer.call_id)
                    break
                if accepted and now - last_seen > ABSENT_AFTER:
                    logger.info("{}: the browser is gone", peer.call_id)
                    break
            with suppress(TimeoutError):
                await asyncio.wait_for(peer.ended.wait(), POLL_INTERVAL)
        for pc_id in [key for key, value in self._peers.items() if value is peer]:
            del self._peers[pc_id]
        await _discard(peer.connection)


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
        # The last words are still in the browser's jitter buffer; without this second, hanging up cuts them off.
        audio_out_end_silence_secs=1,
    )


def _check_offer(sdp: str, type: str) -> None:
    """Raise BadOffer for what is plainly no offer of a voice call, before any socket is opened for it."""
    if type != "offer":
        raise BadOffer("Expected an SDP offer.")
    try:
        media = SessionDescription.parse(sdp).media
    except Exception as error:  # aiortc's parser raises whatever the text trips over
        raise BadOffer("The SDP offer could not be read.") from error
    if len(media) > MAX_SECTIONS:
        raise BadOffer(f"The SDP offer has {len(media)} media sections; at most {MAX_SECTIONS} are taken.")
    if sum(len(section.ice_candidates) for section in media) > MAX_CANDIDATES_OF_CALL:
        raise BadOffer(f"The SDP offer has too many ICE candidates; at most {MAX_CANDIDATES_OF_CALL} are taken.")
    # SmallWebRTC uses the first section as the microphone, whatever it is.
    if not media or media[0].kind != "audio":
        raise BadOffer("The first media section of the SDP offer must be audio.")


async def _negotiate(
    connection: SmallWebRTCConnection, sdp: str, type: str, *, first: bool = True, restart: bool = False
) -> None:
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            if first:
                await connection.initialize(sdp, type)
            else:
                await connection.renegotiate(sdp, type, restart_pc=restart)
    except TimeoutError as error:
        raise BadOffer("The SDP offer could not be answered in time.") from error
    except Exception as error:  # a fault of the offer surfaces as any kind of error, deep in aiortc
        raise BadOffer("The SDP offer could not be answered: it does not describe a voice call we can hold.") from error
    codecs = SessionDescription.parse((connection.get_answer() or {})["sdp"]).media[0].rtp.codecs
    # Every browser has it (RFC 7874, section 3), and the speaker encodes nothing else.
    if not codecs or codecs[0].mimeType.lower() != "audio/opus":
        raise BadOffer("The SDP offer must prefer Opus for its audio.")
