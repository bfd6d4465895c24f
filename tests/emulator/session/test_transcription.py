import numpy as np
import pytest

from gemini_live_emulator.protocol.model_facts import Style
from gemini_live_emulator.scenario import Transcription
from gemini_live_emulator.session.transcription import (
    BYTES_PER_SECOND,
    MAX_CHUNK,
    Chunker,
    EnergyGate,
    InputTranscriber,
    Transcript,
)
from gemini_live_emulator.speech import tone


def voice(seconds: float, level: float = 6000) -> bytes:
    """Make noise that swells as speech does."""
    count = round(seconds * 16_000)
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * np.arange(count) / 16_000)
    return (np.random.default_rng(1).normal(0, level, count) * swell).clip(-32000, 32000).astype("<i2").tobytes()


def hush(seconds: float, level: float = 20) -> bytes:
    return np.random.default_rng(2).normal(0, level, round(seconds * 16_000)).astype("<i2").tobytes()


def cut(*parts: bytes, chunk: int = 3200) -> list[tuple[float, float]]:
    """Cut a recording; give each piece as (seconds long, second it ends at)."""
    chunker, whole = Chunker(), b"".join(parts)
    pieces = [piece for i in range(0, len(whole), chunk) for piece in chunker.push(whole[i : i + chunk])]
    return [(len(pcm) / BYTES_PER_SECOND, end) for pcm, end in pieces + chunker.finish()]


def test_a_pause_finishes_a_piece() -> None:
    pieces = cut(voice(2), hush(0.8), voice(3))
    assert [round(length) for length, _ in pieces] == [2, 3]
    assert 2.0 < pieces[0][1] < 2.8


def test_a_short_pause_does_not() -> None:
    assert len(cut(voice(2), hush(0.3), voice(3))) == 1


def test_silence_is_never_transcribed() -> None:
    assert cut(hush(20)) == []
    assert cut(bytes(BYTES_PER_SECOND * 5)) == []


def test_quiet_before_speech_is_trimmed() -> None:
    ((length, end),) = cut(hush(5), voice(2))
    assert length == pytest.approx(2.3, abs=0.1)
    assert end == pytest.approx(7.0, abs=0.05)


def test_a_monologue_is_cut_where_it_is_quietest() -> None:
    pieces = cut(voice(10), hush(0.2), voice(9))
    assert pieces[0][1] == pytest.approx(10.1, abs=0.1)
    assert all(length <= MAX_CHUNK for length, _ in pieces)


@pytest.mark.parametrize("chunk", [320, 640, 1000, 3200, 64_000])
def test_cuts_do_not_depend_on_the_chunks(chunk: int) -> None:
    parts = (hush(1), voice(3), hush(1), voice(14), hush(0.6), voice(1))
    assert cut(*parts, chunk=chunk) == cut(*parts)


def test_a_short_tail_after_a_forced_cut_is_dropped() -> None:
    lengths = [length for length, _ in cut(voice(10), hush(0.1), voice(2.3), hush(0.5))]
    assert len(lengths) == 1 or lengths[-1] >= 1.0


def test_steady_noise_becomes_the_floor() -> None:
    gate = EnergyGate()
    gate.levels(hush(10, level=400))
    assert not any(voiced for _, voiced in gate.levels(hush(1, level=400))[10:])
    assert any(voiced for _, voiced in gate.levels(voice(1)))


def test_a_tone_passes_for_a_voice() -> None:
    assert any(voiced for _, voiced in EnergyGate().levels(tone("Hello there")))


def transcriber(style: Style = "increments", final_after: float = 0.0, **rules: float) -> InputTranscriber:
    return InputTranscriber(Transcription.model_validate(rules), style, True, None, final_after)


def texts(it: InputTranscriber, now: float) -> list[str]:
    """What is sent for good by now."""
    return [one.text for one in it.due(now) if not one.interim]


def listen(it: InputTranscriber, pcm: bytes, now: float = 0.0) -> list[int]:
    it.open()
    asked = it.feed(pcm, 16_000, now) + it.close(now)
    return [one.id for one in asked]


def test_chunks_are_transcribed_in_the_order_of_their_audio() -> None:
    it = transcriber()
    first, second = listen(it, voice(2) + hush(1) + voice(2))
    it.transcribed(second, "two", 1.0)
    assert it.due(2.0) == []
    it.transcribed(first, "one", 1.5)
    assert texts(it, 2.0) == [" one", " two"]
    assert not it.waiting
    assert it.take() == "one two"
    assert it.take() == ""


def test_an_utterance_waits_for_its_last_piece() -> None:
    it = transcriber("utterance")
    first, second = listen(it, voice(2) + hush(1) + voice(2))
    it.transcribed(first, "one", 1.0)
    assert it.due(9.0) == []
    it.transcribed(second, "two", 1.0)
    assert texts(it, 9.0) == ["one two"]


def test_an_interim_text_is_all_so_far_and_the_final_one_comes_once() -> None:
    it = transcriber("interim", final_after=0.25)
    first, second = listen(it, voice(2) + hush(1) + voice(2))
    it.transcribed(first, "one", 0.1)
    assert it.due(0.1) == [Transcript("one", interim=True)]
    it.transcribed(second, "two", 0.2)
    assert it.due(0.24) == [Transcript("one two", interim=True)]
    assert it.deadline() == 0.25
    assert it.due(0.25) == [Transcript("one two")]


def test_a_final_text_waits_for_a_slow_transcriber() -> None:
    it = transcriber("interim", final_after=0.25)
    (piece,) = listen(it, voice(2))
    it.transcribed(piece, "one", 3.0)
    assert it.due(3.0) == [Transcript("one", interim=True), Transcript("one")]


def test_a_chunk_across_the_stall_is_sent_in_part_and_known_whole() -> None:
    it = transcriber(stall_after=1.0)
    (piece,) = listen(it, voice(2))
    it.transcribed(piece, "a b c d", 0.0)
    assert texts(it, 1.0) == [" a b"]
    assert it.take() == "a b c d"


def test_answers_nobody_asked_for_are_ignored() -> None:
    it = transcriber()
    it.transcribed(7, "what", 0.0)
    assert it.due(1.0) == []
    assert it.close(0.0) == []
    assert it.feed(voice(1), 16_000, 0.0) == []


def test_other_rates_are_transcribed_at_sixteen() -> None:
    it = transcriber()
    it.open()
    it.feed(voice(2)[: 8_000 * 2 * 2], 8_000, 0.0)
    (one,) = it.close(0.0)
    assert len(one.pcm) == pytest.approx(2 * BYTES_PER_SECOND, rel=0.02)
