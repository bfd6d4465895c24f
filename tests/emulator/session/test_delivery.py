import math

import pytest

from gemini_live_emulator.session.delivery import FIRST, REST, Delivery
from gemini_live_emulator.session.examiner import Progress, Reply

SECOND = bytes(48_000)


def delivery(*sentences: str, speed: float = 4.0, text_only: bool = False) -> Delivery:
    return Delivery(Reply(sentences, Progress()), speed, text_only)


def test_nothing_is_due_before_there_is_audio() -> None:
    it = delivery("One two.")
    assert it.deadline() is None
    it.feed(0, SECOND)
    assert it.deadline() == -math.inf


def test_chunks_come_faster_than_they_play() -> None:
    it = delivery("One two.")
    it.feed(0, SECOND)
    sizes = {at: [len(chunk.pcm) for chunk in it.due(at)] for at in (10.0, 10.04, 10.06, 11.0)}
    assert sizes == {10.0: [FIRST], 10.04: [], 10.06: [REST], 11.0: [REST, REST, 48_000 - FIRST - 3 * REST]}
    assert it.complete
    assert it.seconds == 1.0


def test_words_go_out_with_the_audio_in_which_they_begin() -> None:
    it = delivery("One two three four five.")
    it.feed(0, SECOND)
    assert [chunk.text for chunk in it.due(100.0)] == [" One"]
    assert [chunk.text for chunk in it.due(200.0)] == [" two three", " four", " five.", ""]


def test_a_sentence_that_comes_early_waits_for_its_turn() -> None:
    it = delivery("One.", "Two.")
    it.feed(1, SECOND)
    assert it.due(0.0) == []
    it.feed(0, SECOND)
    it.due(0.0)
    assert "".join(chunk.text for chunk in it.due(99.0)) == " Two."
    assert it.text == "One. Two."


def test_a_slow_mouth_is_waited_for() -> None:
    it = delivery("One.", "Two.")
    it.feed(0, SECOND)
    it.due(0.0)
    it.due(99.0)
    assert not it.complete
    assert it.deadline() is None
    it.feed(1, SECOND)
    assert it.deadline() is not None


def test_a_sentence_without_sound_still_has_its_words() -> None:
    it = delivery("Привет.", "Yes.")
    it.feed(0, b"")
    it.feed(1, SECOND)
    it.due(0.0)
    it.due(99.0)
    assert it.complete
    assert it.text == "Привет. Yes."


def test_text_needs_no_audio() -> None:
    it = delivery("One two.", text_only=True)
    assert [chunk.text for chunk in it.due(0.0)] == [" One two."]
    assert it.complete


def test_the_share_that_was_sent_is_known() -> None:
    it = delivery("One two three four.")
    it.feed(0, SECOND)
    it.due(0.0)
    assert it.fraction == 0.25
    assert delivery().fraction == 1.0
    assert delivery().complete


@pytest.mark.parametrize("number", [-1, 5])
def test_audio_of_an_unknown_sentence_is_ignored(number: int) -> None:
    it = delivery("One.")
    it.feed(number, SECOND)
    assert it.deadline() is None
