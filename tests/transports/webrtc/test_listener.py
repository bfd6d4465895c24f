"""The WebRTC listener against aiortc peers in this process, and against offers that are not."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.clips import ANSWERS, READ
from support.deadline import expecting
from support.fake_host import Conversation, FakeHost, serving
from support.peer import Peer
from support.record import until
from support.sound import ARRIVED, at_rate, likeness
from transports.call import SignallingListener
from transports.wav.listener import WavListener, WavSettings
from transports.webrtc import listener as webrtc
from transports.webrtc.listener import (
    MAX_CANDIDATES,
    MAX_CANDIDATES_OF_CALL,
    BadOffer,
    ListenerFull,
    UnknownCall,
    WebRtcListener,
    WebRtcSettings,
)

pytestmark = pytest.mark.real_time


async def call(host: FakeHost, peer: Peer, call_id: str = "one") -> Conversation:
    """Connect a peer to the listener, as the HTTP server does."""
    await peer.accept(await host.listener.answer(call_id=call_id, caller="bruce", sdp=await peer.offer(), type="offer"))
    async with expecting("the peer's call arrives and is connected"):
        conversation = await host.arrived.get()
        await conversation.connected.wait()
    return conversation


@asynccontextmanager
async def idle_listener(**settings: object) -> AsyncIterator[WebRtcListener]:
    """A listener whose calls no pipeline accepts."""
    listener = WebRtcListener(WebRtcSettings.model_validate(settings))
    try:
        yield listener
    finally:
        await listener.close()
        await listener.hang_up()


async def test_an_answered_offer_is_a_call_whose_words_arrive_both_ways() -> None:
    said, answered = at_rate(ANSWERS[0].pcm, 48_000), at_rate(READ.pcm, 24_000)
    peer = Peer(bytes(96_000) + said)
    async with serving() as host:
        conversation = await call(host, peer)
        assert (conversation.call.id, conversation.call.caller, conversation.call.transport_name) == (
            "one",
            "bruce",
            "webrtc",
        )
        assert conversation.call.rtvi
        assert (conversation.call.rate_in, conversation.call.rate_out) == (48_000, 24_000)
        await conversation.say(answered, 24_000)
        await until(lambda: likeness(said, bytes(conversation.sink.audio)) > ARRIVED, every=0.2)
        await until(lambda: likeness(at_rate(READ.pcm, 48_000), bytes(peer.heard)) > ARRIVED, every=0.2)
        await peer.close()
    assert conversation.sink.rates == {(48_000, 1)}, "the transport resampled"


async def test_messages_travel_both_ways_and_the_server_says_when_it_hangs_up() -> None:
    peer = Peer()
    async with serving() as host:
        conversation = await call(host, peer)
        peer.send("client-ready", version="2.0.0", about={"library": "test"})
        async with expecting("the server answers that it is ready"):
            assert (await peer.messages.get())["type"] == "bot-ready"
        peer.send("client-message", t="end")
        async with expecting("the message reaches the pipeline"):
            await conversation.asked_to_end.wait()
        await conversation.hang_up()
        async with expecting("the peer is told of the end, and the pipeline ends"):
            assert (await peer.messages.get())["message"] == {"type": "peerLeft"}
            await conversation.over.wait()
        await until(lambda: not host.listener.calls)
        assert not conversation.left.is_set(), "we hung up; nobody left"
        await peer.close()


async def test_a_camera_and_a_screen_are_declined() -> None:
    peer = Peer(video=True)
    async with serving() as host:
        await call(host, peer)
        assert [t.currentDirection for t in peer.pc.getTransceivers()] == ["sendrecv", "inactive", "inactive"]
        await peer.close()


@pytest.mark.parametrize("way", ["close", "vanish"])
async def test_a_browser_that_goes_in_the_middle_of_a_question_ends_its_call(way: str, monkeypatch) -> None:
    monkeypatch.setattr(webrtc, "ABSENT_AFTER", 0.5)  # after the 3 s that SmallWebRTC waits for a ping
    peer = Peer()
    async with serving() as host:
        conversation = await call(host, peer)
        async with expecting("the data channel opens"):
            await peer.opened.wait()
        await until(lambda: conversation.call.transport._client.is_connected)
        await conversation.say(at_rate(READ.pcm, 24_000), 24_000)
        await until(lambda: len(peer.heard) > 48_000)
        if way == "close":
            await peer.close()
        else:
            peer.vanish()
        async with expecting("the call of a browser that is gone ends"):
            await conversation.left.wait()
            await conversation.over.wait()
        await until(lambda: not host.listener.calls)
        await peer.close()


async def test_a_microphone_whose_packets_stop_is_reported() -> None:
    peer = Peer()
    async with serving() as host:
        conversation = await call(host, peer)
        stopped = asyncio.Event()

        @conversation.call.transport.event_handler("on_packets_stopped")
        async def on_packets_stopped(_: object, silent_for: float) -> None:
            assert silent_for >= 0.5
            stopped.set()

        assert conversation.call.reports_packets
        await until(lambda: len(conversation.sink.audio) > 96_000)
        stopped.clear()
        peer.microphone.flowing.clear()
        async with expecting("the transport reports that no packets come"):
            await stopped.wait()
        received = len(conversation.sink.audio)
        peer.microphone.flowing.set()
        await until(lambda: len(conversation.sink.audio) > received + 96_000)
        await peer.close()


async def test_words_that_can_no_longer_be_played_do_not_hold_up_the_end() -> None:
    peer = Peer()
    async with serving() as host:
        conversation = await call(host, peer)
        await conversation.say(at_rate(40 * READ.pcm, 24_000), 24_000)  # more than the deadline
        await until(lambda: len(peer.heard) > 48_000)
        await conversation.hang_up()
        await peer.close()
        async with expecting("the pipeline ends although nobody takes its audio"):
            await conversation.over.wait()


async def test_a_new_peer_connection_can_be_put_under_a_call() -> None:
    first, second = Peer(), Peer(at_rate(ANSWERS[2].pcm, 48_000))
    async with serving() as host:
        answer = await host.listener.answer(call_id="one", caller="", sdp=await first.offer(), type="offer")
        await first.accept(answer)
        conversation = await host.arrived.get()
        async with expecting("the first peer connection is made"):
            await conversation.connected.wait()
        renewed = await host.listener.renegotiate(answer["pc_id"], sdp=await second.offer(), type="offer", restart=True)
        assert not host.listener.holds(answer["pc_id"]) and host.listener.holds(renewed["pc_id"], "one")
        conversation.sink.audio.clear()
        await second.accept(renewed)
        await conversation.say(at_rate(READ.pcm, 24_000), 24_000)
        await until(lambda: len(conversation.sink.audio) > 96_000 and len(second.heard) > 96_000)
        assert host.listener.calls == {"one"} and not conversation.left.is_set()
        await first.close()
        await second.close()


async def test_a_browser_that_never_connects_gives_its_place_back() -> None:
    peer = Peer()
    async with idle_listener(connect_timeout=0.5) as listener:
        await listener.answer(call_id="one", caller="", sdp=await peer.offer(), type="offer")
        assert listener.calls == {"one"}
        await until(lambda: not listener.calls)
    await peer.close()


async def test_there_are_no_more_calls_than_max_calls() -> None:
    peers = [Peer(), Peer()]
    async with idle_listener(max_calls=1) as listener:
        await listener.answer(call_id="one", caller="", sdp=await peers[0].offer(), type="offer")
        with pytest.raises(ListenerFull, match=r"^All lines are busy; try again in a few minutes\.$"):
            await listener.answer(call_id="two", caller="", sdp=await peers[1].offer(), type="offer")
    for peer in peers:
        await peer.close()


async def test_a_closed_listener_yields_what_came_before_and_accepts_no_more() -> None:
    peer = Peer()
    async with idle_listener() as listener:
        sdp = await peer.offer()
        await listener.answer(call_id="one", caller="", sdp=sdp, type="offer")
        await listener.close()
        assert [call.id async for call in listener] == ["one"]
        with pytest.raises(ListenerFull, match="shutting down"):
            await listener.answer(call_id="two", caller="", sdp=sdp, type="offer")
    await peer.close()


async def test_addresses_found_after_the_offer_connect_the_call() -> None:
    peer = Peer()
    async with serving() as host:
        sdp = await peer.offer()
        lines = sdp.split("\r\n")
        found = [line.removeprefix("a=") for line in lines if line.startswith("a=candidate")]
        bare = "\r\n".join(line for line in lines if "candidate" not in line)
        answer = await host.listener.answer(call_id="one", caller="", sdp=bare, type="offer")
        await host.listener.candidates(
            answer["pc_id"],
            [{"candidate": text, "sdp_mid": "0", "sdp_mline_index": 0} for text in dict.fromkeys(found)]
            + [{"candidate": "", "sdp_mid": "0", "sdp_mline_index": 0}],
        )
        await peer.accept(answer)
        await peer.close()


async def test_a_call_sends_to_so_many_addresses_only() -> None:
    candidate = {"candidate": "candidate:1 1 udp 1 203.0.113.7 {} typ host", "sdp_mid": "0"}
    peer = Peer()
    async with idle_listener() as listener:
        offer = await peer.offer()
        answer = await listener.answer(call_id="one", caller="", sdp=offer, type="offer")
        port = iter(range(1024, 65536))
        for _ in range(MAX_CANDIDATES_OF_CALL // MAX_CANDIDATES):
            batch = [
                {**candidate, "candidate": candidate["candidate"].format(next(port))} for _ in range(MAX_CANDIDATES)
            ]
            await listener.candidates(answer["pc_id"], batch)
        with pytest.raises(BadOffer, match="at most 512 candidates"):
            await listener.candidates(answer["pc_id"], [candidate])
        lines = "".join(f"a={candidate['candidate'].format(next(port))}\r\n" for _ in range(MAX_CANDIDATES_OF_CALL))
        with pytest.raises(BadOffer, match="too many ICE candidates"):
            await listener.answer(call_id="two", caller="", sdp=offer + lines, type="offer")
        await peer.close()


async def test_a_call_is_renegotiated_so_many_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "MAX_RENEGOTIATIONS", 2)
    peer = Peer()
    async with idle_listener() as listener:
        answer = await listener.answer(call_id="one", caller="", sdp=await peer.offer(), type="offer")
        for _ in range(2):
            again = Peer()
            answer = await listener.renegotiate(answer["pc_id"], sdp=await again.offer(), type="offer", restart=True)
            await again.close()
        with pytest.raises(BadOffer, match="at most 2 times"):
            await listener.renegotiate(answer["pc_id"], sdp=await peer.offer(), type="offer", restart=True)
        await peer.close()


async def test_candidates_that_cannot_be_read_are_refused_in_a_sentence() -> None:
    peer = Peer()
    async with idle_listener() as listener:
        answer = await listener.answer(call_id="one", caller="", sdp=await peer.offer(), type="offer")
        for text in ("nonsense", "candidate:1 1 udp", "1 1 udp x 127.0.0.1 y typ host"):
            with pytest.raises(BadOffer, match=r"^An ICE candidate could not be read\.$"):
                await listener.candidates(answer["pc_id"], [{"candidate": text, "sdp_mid": "0"}])
        with pytest.raises(UnknownCall):
            await listener.candidates("nobody", [])
    await peer.close()


async def test_an_offer_that_is_none_is_refused_in_a_sentence() -> None:
    peer = Peer()
    sdp = await peer.offer()
    await peer.close()
    cases = {
        "Expected an SDP offer.": (sdp, "answer"),
        "The SDP offer could not be read.": ("v=0\r\nm=audio nonsense", "offer"),
        "The first media section of the SDP offer must be audio.": ("", "offer"),
        "The SDP offer has 9 media sections; at most 8 are taken.": (
            sdp + sdp[sdp.index("m=audio") : sdp.index("m=application")] * 7,
            "offer",
        ),
        "The SDP offer must prefer Opus for its audio.": (sdp.replace("opus/48000/2", "nothing/48000/2"), "offer"),
    }
    async with idle_listener() as listener:
        for sentence, (text, kind) in cases.items():
            with pytest.raises(BadOffer) as caught:
                await listener.answer(call_id="one", caller="", sdp=text, type=kind)
            assert str(caught.value) == sentence
        assert not listener.calls


def garbled(sdp: str, seed: int) -> str:
    """The offer after a few random accidents to its characters and lines."""
    dice = random.Random(seed)
    lines = sdp.split("\r\n")
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(lines))
        line = lines[at]
        match dice.randrange(7):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, dice.choice(lines))
            case 2:
                lines[at] = line[: dice.randint(0, len(line))]
            case 3:
                where = dice.randint(0, len(line))
                lines[at] = line[:where] + chr(dice.choice([0, 10, 32, 0x2028, 0x1F600, 0xFFFD])) + line[where:]
            case 4:
                lines[at] = "".join(dice.choice(["", "7", "4294967296"]) if c.isdigit() else c for c in line)
            case 5:
                other = dice.randrange(len(lines))
                lines[at], lines[other] = lines[other], line
            case _:
                lines[at] = line.swapcase()
        if not lines:
            return ""
    return "\r\n".join(lines)


async def test_garbled_offers_neither_crash_the_listener_nor_leave_anything_open() -> None:
    process = psutil.Process()
    peer = Peer()
    sdp = await peer.offer()
    await peer.close()
    async with idle_listener(connect_timeout=0.2, max_calls=1000) as listener:
        await listener.answer(call_id="first", caller="", sdp=sdp, type="offer")
        await until(lambda: not listener.calls)
        files, threads = process.num_fds(), process.num_threads()
        tasks = len(asyncio.all_tasks())
        answered = refused = 0
        for seed in range(150):
            try:
                await listener.answer(call_id=str(seed), caller="", sdp=garbled(sdp, seed), type="offer")
                answered += 1
            except BadOffer:
                refused += 1
        assert answered > 10 and refused > 10, "the garbling is too kind or too cruel to show anything"
        await until(lambda: not listener.calls)
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        await until(lambda: process.num_fds() <= files and process.num_threads() <= threads + 1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=400), kind=st.sampled_from(["offer", "answer", "", "rollback"]))
def test_text_that_is_no_sdp_is_refused_without_opening_anything(text: str, kind: str) -> None:
    async def attempt() -> None:
        listener = WebRtcListener(WebRtcSettings())
        with pytest.raises(BadOffer):
            await listener.answer(call_id="one", caller="", sdp=text, type=kind)
        assert not listener.calls

    asyncio.run(attempt())


def test_only_a_listener_with_a_page_is_a_signalling_listener() -> None:
    listener = WebRtcListener(WebRtcSettings(port=8123, max_calls=3))
    assert isinstance(listener, SignallingListener)
    assert (listener.address, listener.max_calls, listener.ice_servers) == (
        ("127.0.0.1", 8123),
        3,
        [],
    )
    assert not isinstance(WavListener(WavSettings(files=(READ.path,)), "one"), SignallingListener)


def test_the_page_url_has_the_key_only_in_its_fragment() -> None:
    assert WebRtcListener(WebRtcSettings(key="secret")).page_url(8123) == "http://localhost:8123/#key=secret"
    assert (
        WebRtcListener(WebRtcSettings(key="secret", host="192.0.2.1")).page_url() == "http://192.0.2.1:8080/#key=secret"
    )
    behind = WebRtcListener(WebRtcSettings(key="secret", public_url="https://exam.example/"))
    assert behind.page_url() == "https://exam.example/#key=secret"


def test_a_listener_without_a_key_makes_one_that_is_hard_to_guess() -> None:
    keys = {WebRtcListener(WebRtcSettings()).key.get_secret_value() for _ in range(3)}
    assert len(keys) == 3 and min(map(len, keys)) >= 20
