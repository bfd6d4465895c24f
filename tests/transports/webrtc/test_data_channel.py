"""What a caller sends over the data channel, in a real call."""

import json

import pytest
from loguru import logger
from pipecat.frames.frames import ErrorFrame

from support.deadline import expecting
from support.fake_host import Conversation, FakeHost, serving
from support.peer import Peer
from support.record import until
from transports.webrtc.data_channel import FAILURE, MOST_CHANNELS
from transports.webrtc.messages import BURST, MOST_ANSWERS, UNKNOWN

pytestmark = pytest.mark.real_time


async def called(host: FakeHost, peer: Peer) -> Conversation:
    await peer.accept(await host.listener.answer(call_id="one", caller="", sdp=await peer.offer(), type="offer"))
    async with expecting("the call is connected"):
        conversation = await host.arrived.get()
        await conversation.connected.wait()
    return conversation


async def answers(peer: Peer, kind: str) -> dict[str, object]:
    async with expecting(f"a message of the type {kind}"):
        while (message := await peer.messages.get())["type"] != kind:
            pass
    return message


async def test_audio_over_the_data_channel_reaches_no_pipeline() -> None:
    peer = Peer()
    async with serving() as host:
        conversation = await called(host, peer)
        peer.send("raw-audio", base64Audio="AAAA" * 1000, sampleRate=1, numChannels=1)
        refusal = await answers(peer, "error-response")
        assert refusal["id"] == "1" and refusal["data"] == {"error": UNKNOWN}
        peer.send("client-message", t="end")
        async with expecting("what comes behind it is still read"):
            await conversation.asked_to_end.wait()
        assert conversation.sink.rates <= {(48_000, 1)}
        await peer.close()


async def test_a_client_that_disconnects_the_bot_ends_its_call_as_a_caller_does() -> None:
    peer = Peer()
    async with serving() as host:
        conversation = await called(host, peer)
        peer.send("disconnect-bot")
        async with expecting("the call is asked to end"):
            await conversation.asked_to_end.wait()
        assert not conversation.over.is_set(), "the host ends it, with its reason"
        await peer.close()


async def test_junk_is_counted_and_not_written_into_the_log() -> None:
    peer, lines = Peer(), list[str]()
    sink = logger.add(lines.append, level="WARNING")
    async with serving() as host:
        conversation = await called(host, peer)
        for number in range(2000):
            peer.channel.send(f"junk \x1b[2J {number}" if number % 2 else bytes([255, number % 256]))
        connection = conversation.call.transport._connection  # pyright: ignore[reportAttributeAccessIssue]
        await until(lambda: connection._refused == 2000)
        assert len(connection._delivering) == 0 and len(connection._pending_app_messages) == 0
        await peer.close()
        async with expecting("the call is over"):
            await conversation.over.wait()
    logger.remove(sink)
    assert [line for line in lines if "junk" in line] == []
    assert sum("not taken" in line for line in lines) == 2 and any("2,000 messages" in line for line in lines)
    assert peer.messages.qsize() <= MOST_ANSWERS + 5


async def test_a_flood_of_messages_that_are_allowed_is_let_through_at_a_rate() -> None:
    peer = Peer()
    async with serving() as host:
        conversation = await called(host, peer)
        connection = conversation.call.transport._connection  # pyright: ignore[reportAttributeAccessIssue]
        for _ in range(10 * int(BURST)):
            peer.send("client-message", t="mark")
        await until(lambda: connection._refused > 5 * BURST)
        await peer.close()


async def test_a_caller_s_further_data_channels_are_closed() -> None:
    peer = Peer()
    async with serving() as host:
        await called(host, peer)
        more = [peer.pc.createDataChannel(f"more-{number}") for number in range(2 * MOST_CHANNELS)]
        await until(lambda: sum(one.readyState == "closed" for one in more) == MOST_CHANNELS + 1)
        await peer.close()


async def test_what_failed_in_the_pipeline_is_not_told_to_the_caller() -> None:
    peer = Peer()
    async with serving() as host:
        conversation = await called(host, peer)
        await conversation.worker.rtvi.push_frame(ErrorFrame("Illegal header value b'AIza-secret'"))
        await conversation.worker.rtvi.send_error("Illegal header value b'AIza-secret'")
        failed = await answers(peer, "error")
        assert "AIza" not in json.dumps(failed) and failed["data"]["error"] == FAILURE  # pyright: ignore
        await peer.close()
