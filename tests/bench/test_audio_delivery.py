"""The arithmetic of bench/audio_delivery.py, on truth files written by hand."""

import base64
import json
from pathlib import Path
from typing import Any

from bench.audio_delivery import RATE, SentAudio, number, numbered, received_audio
from core.audio import pcm

CHUNK = bytes(1024)


def sent_audio() -> SentAudio:
    """Four chunks of silence, which differ in their numbers alone."""
    return SentAudio({n: numbered(CHUNK, n) for n in range(1, 5)}, [(1.0, [1, 2]), (2.0, [3, 4])])


def window(connection: int, *numbers: int, whole: bool = True) -> dict[str, Any]:
    pcm = b"".join(numbered(CHUNK, n) for n in numbers)
    facts = {"samples": len(pcm) // 2, "pcm": base64.b64encode(pcm).decode(), "whole": whole}
    return {"t": 0.0, "what": "window.closed", "connection": connection} | facts


def setup(connection: int, handle: str | None = None, *, as_text: bool = False) -> dict[str, Any]:
    asked: dict[str, Any] = {"sessionResumption": {"handle": handle} if handle else {}}
    if as_text:
        asked["historyConfig"] = {"initialHistoryInClientContent": True}
    facts = {"session": "s", "resumed": handle is not None, "setup": asked}
    return {"t": 0.0, "what": "setup", "connection": connection} | facts


def given(connection: int, handle: str) -> dict[str, Any]:
    return {"t": 0.0, "what": "handle.given", "connection": connection, "handle": handle}


ENDED = {"t": 0.0, "what": "turn.ended", "connection": 1, "cut": False}


def seconds(tmp_path: Path, *lines: dict[str, Any]) -> tuple[float, float, float]:
    """Chunks lost, received as text only, and repeated."""
    file = tmp_path / "truth.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    sent = sent_audio()
    received = received_audio(file, sent)
    assert received.unmatched == 0
    length = pcm.seconds(CHUNK, RATE)
    return received.lost(sent) / length, received.only_text(sent) / length, received.repeated(sent) / length


def test_a_number_is_found_again_and_changes_lowest_bits_only() -> None:
    for n in (1, 77, 2**31 + 5):
        assert number(numbered(b"\xff\x7f" * 512, n)) == n
    assert set(numbered(CHUNK, 2**32 - 1)) <= {0, 1}


def test_audio_in_a_resumed_context_is_received_once(tmp_path: Path) -> None:
    lines = [setup(1), window(1, 1, 2), given(1, "h"), window(1, 3, whole=False), setup(2, "h"), window(2, 3, 4)]
    assert seconds(tmp_path, *lines) == (0, 0, 0)


def test_a_window_that_the_handle_does_not_include_is_lost(tmp_path: Path) -> None:
    lines = [setup(1), given(1, "h"), window(1, 1, 2), setup(2, "h"), window(2, 3, 4)]
    assert seconds(tmp_path, *lines) == (2, 0, 0)


def test_a_window_that_the_handle_includes_is_repeated_when_it_is_replayed(tmp_path: Path) -> None:
    lines = [setup(1), window(1, 1, 2), given(1, "h"), setup(2, "h"), window(2, 1, 2, 3, 4)]
    assert seconds(tmp_path, *lines) == (0, 0, 2)


def test_a_new_session_has_as_text_what_was_answered_if_its_history_is_sent(tmp_path: Path) -> None:
    lines = [setup(1), window(1, 1, 2), ENDED, window(1, 3, whole=False)]
    assert seconds(tmp_path, *lines, setup(2, as_text=True), window(2, 3, 4)) == (0, 2, 0)
    assert seconds(tmp_path, *lines, setup(2), window(2, 3, 4)) == (2, 0, 0)


def test_a_turn_is_as_text_where_it_overlaps_a_retranscribed_span() -> None:
    sent = sent_audio()
    sent.notes = [(1.0, "caller began"), (1.8, "caller stopped"), (2.0, "caller began")]
    assert sent.during([(0.5, 1.1)]) == {1, 2} and sent.during([(1.9, 1.95)]) == set()
    assert sent.during([(3.0, 4.0)]) == {3, 4}, "a turn whose end was never noted goes on to the end"
