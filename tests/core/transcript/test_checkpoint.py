"""Checkpoints of an unfinished utterance are recorded soon, and not over and over."""

from hypothesis import given
from hypothesis import strategies as st

from core.events import Speaker, TranscriptCheckpointed
from core.transcript.checkpoint import DELAY, CheckpointTimer


def caller(text: str, started: float = 0.0, ended: float = 9.0) -> tuple[Speaker, str, float, float]:
    return ("caller", text, started, ended)


def test_a_checkpoint_is_recorded_a_second_after_new_text() -> None:
    timer = CheckpointTimer()
    assert timer.deadline() is None and timer.tick([caller("I live")], 10.0) == []
    timer.text_received(started=9.5, now=10.0)
    assert timer.deadline() == 11.0
    assert timer.tick([caller("I live")], 10.9) == []
    assert timer.tick([caller("I live in", 9.5)], 11.0) == [
        TranscriptCheckpointed(11.0, "caller", "I live in", 9.5, 9.0)
    ]
    assert timer.deadline() is None


def test_text_that_has_not_changed_has_no_second_checkpoint() -> None:
    timer = CheckpointTimer()
    for now, unfinished, recorded in (
        (1.0, [caller("Well")], ["Well"]),
        (2.0, [caller("Well"), ("examiner", "Six", 1.5, 2.0)], ["Six"]),
        (3.0, [caller("Well", started=2.5), ("examiner", "Six", 1.5, 2.0)], ["Well"]),
        (4.0, [], []),
    ):
        timer.text_received(now, now)
        assert [checkpoint.text for checkpoint in timer.tick(unfinished, now + DELAY)] == recorded


@given(st.floats(1, 600))
def test_the_checkpoints_of_a_long_answer_are_some_times_its_length(seconds: float) -> None:
    timer, now, recorded, text = CheckpointTimer(), 0.0, 0, ""
    while now < seconds:
        text += "word "
        now += 0.4
        timer.text_received(0.0, now)
        recorded += sum(len(checkpoint.text) for checkpoint in timer.tick([caller(text)], now))
    assert recorded <= 13 * len(text)
