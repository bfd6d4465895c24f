"""The speaker's packets on the virtual clock: when they come, what they decode to, that no writer waits for ever."""

import asyncio
import contextlib
from itertools import pairwise

import numpy as np
import pytest
from aiortc.codecs.opus import OpusDecoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError

from transports.webrtc.speaker import PACKET, REFRESH, RTP_STEP, OpusSpeaker

RATE = 24_000


def tone(seconds: float, hz: float = 440.0) -> bytes:
    return (np.sin(np.arange(round(seconds * RATE)) * 2 * np.pi * hz / RATE) * 8000).astype(np.int16).tobytes()


async def collect(speaker: OpusSpeaker, packets: list[tuple[float, int, bytes]]) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(MediaStreamError):
        while True:
            packet = await speaker.recv()
            packets.append((loop.time(), packet.pts or 0, bytes(packet)))


async def spoken(*seconds_and_pauses: float) -> tuple[list[tuple[float, int, bytes]], list[float]]:
    """The packets of speech and pauses in turn, and when each piece of speech had been written."""
    speaker, packets, written = OpusSpeaker(RATE), [], []
    collecting = asyncio.create_task(collect(speaker, packets))
    for index, seconds in enumerate(seconds_and_pauses):
        if index % 2:
            await asyncio.sleep(seconds)
        else:
            assert await speaker.write(tone(seconds)) is not None
            written.append(asyncio.get_running_loop().time())
    speaker.stop()
    await collecting
    return packets, written


async def test_speech_goes_out_in_packets_of_20_ms_at_the_pace_it_is_spoken() -> None:
    packets, written = await spoken(1.0)
    times = [at for at, _, _ in packets]
    assert len(packets) == 50
    assert np.diff(times) == pytest.approx(PACKET)
    assert written == pytest.approx([times[-1]])


async def test_a_writer_of_small_pieces_is_held_to_the_same_pace() -> None:
    speaker, packets = OpusSpeaker(RATE), []
    collecting = asyncio.create_task(collect(speaker, packets))
    for _ in range(50):
        assert await speaker.write(tone(0.02)) is not None
    speaker.stop()
    await collecting
    assert [at for at, _, _ in packets] == pytest.approx([packets[0][0] + n * PACKET for n in range(50)])
    assert [pts for _, pts, _ in packets] == [n * RTP_STEP for n in range(50)]


async def test_a_pause_passes_in_the_timestamps_as_it_does_in_time() -> None:
    packets, _ = await spoken(0.2, 1.03, 0.2)
    for (at, pts, _), (later, later_pts, _) in pairwise(packets):
        assert later_pts > pts
        assert (later_pts - pts) / 48_000 == pytest.approx(later - at, abs=PACKET + 1e-6)


async def test_silence_costs_one_packet_in_a_while() -> None:
    packets, _ = await spoken(0.2, 4.0, 0.02)
    between = [at for at, _, _ in packets if 0.25 < at < 4.15]
    assert 1 <= len(between) <= 4.0 / REFRESH + 1


async def test_the_far_end_decodes_what_was_said() -> None:
    packets, _ = await spoken(1.0)
    decoder = OpusDecoder()
    decoded = np.concatenate(
        [
            frame.to_ndarray().reshape(-1, 2)[:, 0]  # pyright: ignore[reportAttributeAccessIssue]
            for _, pts, payload in packets
            for frame in decoder.decode(JitterFrame(payload, pts))
        ]
    )
    spectrum = np.abs(np.fft.rfft(decoded[9600:-4800].astype(float)))
    peak_hz = np.argmax(spectrum) * 48_000 / len(decoded[9600:-4800])
    assert peak_hz == pytest.approx(440, abs=3)
    assert 6500 < np.abs(decoded[9600:-4800]).max() < 9500


async def test_packets_need_no_level_loop_of_aiortc() -> None:
    packet = await OpusSpeaker(RATE).recv()
    assert type(packet).__name__ == "Packet"


async def test_samples_that_fill_no_packet_are_filled_up_with_silence() -> None:
    packets, _ = await spoken(0.025)
    assert len(packets) == 2


async def test_a_write_returns_none_when_the_track_stops_meanwhile() -> None:
    speaker = OpusSpeaker(RATE)
    writing = asyncio.create_task(speaker.write(tone(1.0)))
    await asyncio.sleep(0)
    speaker.stop()
    assert await writing is None
    assert await speaker.write(tone(0.1)) is None


async def test_a_cancelled_writer_does_not_stop_the_track() -> None:
    speaker, packets = OpusSpeaker(RATE), []
    collecting = asyncio.create_task(collect(speaker, packets))
    writing = asyncio.create_task(speaker.write(tone(0.02)))
    await asyncio.sleep(0)
    writing.cancel()
    assert await speaker.write(tone(0.2)) is not None
    speaker.stop()
    await collecting
    assert len(packets) == 11


async def test_a_reader_that_stalls_does_not_get_a_burst() -> None:
    speaker = OpusSpeaker(RATE)
    writing = asyncio.create_task(speaker.write(tone(2.0)))
    loop = asyncio.get_running_loop()
    first = await speaker.recv()
    await asyncio.sleep(1.0)
    pts, times = [first.pts or 0], []
    for _ in range(5):
        packet = await speaker.recv()
        pts.append(packet.pts or 0)
        times.append(loop.time())
    speaker.stop()
    await writing
    assert pts[1] - pts[0] == pytest.approx(48_000, abs=2 * RTP_STEP)
    assert np.diff(times) == pytest.approx(PACKET)
