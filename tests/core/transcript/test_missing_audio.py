"""Audio that never came makes its utterance partial, and the transcript incomplete."""

import pytest

from core.events import TranscriptMeasured, UtteranceSpoken
from core.transcript.missing_audio import MissingAudio

ANSWER = UtteranceSpoken(30.0, "caller", "I live in a small", 10.0, 25.0)
QUESTION = UtteranceSpoken(9.0, "examiner", "Where do you live?", 5.0, 9.0)
MEASURED = TranscriptMeasured(60.0, 1.0, 15.0, 0, 0)


def test_an_utterance_in_which_audio_is_missing_is_partial() -> None:
    missing = MissingAudio()
    assert missing.marked(ANSWER) == ANSWER
    missing.add(15.0, 20.0, 5.0)
    assert missing.marked(ANSWER).partial and not missing.marked(QUESTION).partial
    later = UtteranceSpoken(50.0, "caller", "Yes.", 40.0, 41.0)
    assert missing.marked(later) == later


def test_an_utterance_that_broke_off_is_partial_too() -> None:
    missing = MissingAudio()
    missing.add(25.7, 90.0, 15.0)
    assert missing.marked(ANSWER).partial


def test_missing_audio_counts_as_voice_without_words() -> None:
    missing = MissingAudio()
    assert missing.measured(MEASURED) == MEASURED
    missing.add(15.0, 20.0, 5.0)
    measured = missing.measured(MEASURED)
    assert measured.completeness == pytest.approx(0.75) and measured.gaps == 1 and measured.voiced == 15.0
