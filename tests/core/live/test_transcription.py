"""The service's transcriptions come in without markers, and nothing of them is lost."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from core.events import MarkersRemoved
from core.live.messages import (
    GenerationComplete,
    Incoming,
    InputTranscribed,
    Interrupted,
    ModelAudio,
    OutputTranscribed,
    TurnComplete,
)
from core.live.transcription import TranscriptionReader


def read(*sent: Incoming) -> list[Incoming | MarkersRemoved]:
    reader = TranscriptionReader()
    return [one for message in sent for one in reader.read(message, 1.0)]


def text_of(messages: Sequence[Incoming | MarkersRemoved], kind: type[InputTranscribed | OutputTranscribed]) -> str:
    return "".join(
        one.text for one in messages if isinstance(one, InputTranscribed | OutputTranscribed) and type(one) is kind
    )


def test_a_marker_in_a_score_is_removed_and_counted() -> None:
    assert read(*map(OutputTranscribed, ("Fluency is 6<ct", "rl46>", ".5.")), TurnComplete()) == [
        OutputTranscribed("Fluency is 6"),
        MarkersRemoved(1.0, "examiner", 1, "<ctrl46>"),
        OutputTranscribed(".5."),
        TurnComplete(),
    ]


def test_noise_is_no_text_of_the_caller() -> None:
    found = read(*[InputTranscribed("<noise>")] * 25, TurnComplete())
    assert text_of(found, InputTranscribed) == ""
    assert sum(one.count for one in found if isinstance(one, MarkersRemoved)) == 25


def test_what_may_be_a_marker_is_passed_on_when_the_turn_ends_and_audio_does_not_wait_for_it() -> None:
    audio = ModelAudio(b"\0\0", 24000)
    assert read(OutputTranscribed("5 ["), audio, GenerationComplete()) == [
        OutputTranscribed("5 "),
        audio,
        OutputTranscribed("["),
        GenerationComplete(),
    ]
    assert read(InputTranscribed("a ["), Interrupted())[1:] == [InputTranscribed("["), Interrupted()]


def test_behind_a_finished_transcription_the_examiners_text_is_apart() -> None:
    for finished in (
        [OutputTranscribed("Let us stop", True)],
        [OutputTranscribed("Let us stop"), OutputTranscribed("", True)],
    ):
        assert text_of(read(*finished, OutputTranscribed("here")), OutputTranscribed) == "Let us stop here"
    assert text_of(read(OutputTranscribed("It is 7", True), OutputTranscribed(".5")), OutputTranscribed) == "It is 7.5"


def test_the_examiners_sentences_are_apart() -> None:
    sent = [OutputTranscribed("How are you today?"), OutputTranscribed("Hello!")]
    assert text_of(read(*sent), OutputTranscribed) == "How are you today? Hello!"


def test_the_end_of_the_callers_transcription_is_passed_on() -> None:
    assert read(InputTranscribed("I live here (", True), InputTranscribed("", True)) == [
        InputTranscribed("I live here "),
        InputTranscribed("("),
        InputTranscribed("", True),
        InputTranscribed("", True),
    ]


def test_what_is_held_of_the_callers_text_is_not_lost_with_the_connection() -> None:
    reader = TranscriptionReader()
    assert [*reader.read(InputTranscribed("in a town (the old"), 1.0)] == [InputTranscribed("in a town ")]
    assert [*reader.connection_ended(2.0)] == [InputTranscribed("(the old")]


@given(st.lists(st.text("ab <>[]().", min_size=1, max_size=6), max_size=8))
def test_no_letter_of_the_caller_is_lost_that_is_not_in_a_marker(texts: list[str]) -> None:
    found = read(*map(InputTranscribed, texts), TurnComplete())
    removed = [one for one in found if isinstance(one, MarkersRemoved)]
    passed = text_of(found, InputTranscribed)
    assert removed or passed == "".join(texts)
