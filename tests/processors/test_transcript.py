"""Frames of text become recorded utterances."""

import asyncio

import pytest
from pipecat.frames.frames import InterruptionFrame, TranscriptionFrame, TTSTextFrame, UserStartedSpeakingFrame
from pipecat.utils.text.base_text_aggregator import TextType

from core.events import (
    AlternativeTranscribed,
    GapFound,
    MarkersRemoved,
    TranscriptCheckpointed,
    TranscriptMeasured,
    UtteranceSpoken,
)
from processors.frames import (
    AudioMissingFrame,
    AudioReplayedFrame,
    CallerStoppedFrame,
    GapFrame,
    ReplyDoneFrame,
    ShadowReadyFrame,
    ShadowTextFrame,
    TranscriptionFinishedFrame,
    UtteranceFrame,
    VoiceSpanFrame,
    WindowClosedFrame,
)
from processors.transcript import Transcript, TranscriptSettings
from support.frames import Ends, running
from support.session import FakeSession


def transcribed(text: str) -> TranscriptionFrame:
    return TranscriptionFrame(text, "caller", "2026-01-01T00:00:00Z")


def examiner(text: str) -> TTSTextFrame:
    return TTSTextFrame(text, TextType.WORD)


async def processed(ends: Ends) -> None:
    await asyncio.sleep(0.1)


async def test_a_question_and_an_answer_are_recorded_in_order() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(examiner("Where do"), examiner(" you live?"), ReplyDoneFrame())
        await processed(ends)
        await ends.push(UserStartedSpeakingFrame())
        await ends.push(transcribed("In Sack"), transcribed("ville."))
        await processed(ends)
        await ends.push(CallerStoppedFrame(spoke_until=session.now()))
        await ends.push(examiner("Thank you."), ReplyDoneFrame())
        await processed(ends)
    assert [(u.speaker, u.text) for u in session.utterances] == [
        ("examiner", "Where do you live?"),
        ("caller", "In Sackville."),
        ("examiner", "Thank you."),
    ]
    assert len(ends.got(UtteranceFrame)) == 3


@pytest.mark.parametrize(("whole", "again"), [(False, " two three."), (True, " One two three.")])
async def test_the_text_of_replayed_audio_replaces_what_it_repeats(whole: bool, again: str) -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(UserStartedSpeakingFrame(), transcribed(" One"))
        await ends.push(WindowClosedFrame(acknowledged=False), WindowClosedFrame(acknowledged=True))
        await ends.push(transcribed(" two"), AudioReplayedFrame(whole=whole), transcribed(again))
        await ends.push(CallerStoppedFrame(spoke_until=session.now()), examiner("Thank you."), ReplyDoneFrame())
        await ends.until(lambda: len(ends.got(UtteranceFrame)) == 2)
    assert session.utterances[0].text == "One two three."


async def test_a_replayed_turn_that_lacks_words_waits_for_its_second_transcription_and_stands_once() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(UserStartedSpeakingFrame(), VoiceSpanFrame(started=0.0, ended=5.0), transcribed("I live"))
        await processed(ends)
        await ends.push(CallerStoppedFrame(spoke_until=session.now()), AudioReplayedFrame())
        await ends.push(examiner("I see."), ReplyDoneFrame())
        await processed(ends)
        await ends.push(transcribed("I live in a town."))
        before = session.now()
        await ends.until(lambda: len(ends.got(UtteranceFrame)) == 2)
        assert session.now() - before == pytest.approx(5.0, abs=0.2)
    assert [(u.speaker, u.text) for u in session.utterances] == [
        ("caller", "I live in a town."),
        ("examiner", "I see."),
    ]
    assert [event.text for event in session.of(AlternativeTranscribed)] == ["I live"]


async def test_markers_are_counted_and_are_neither_words_nor_utterances() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(UserStartedSpeakingFrame(), *(transcribed("<noise>") for _ in range(25)))
        await ends.push(CallerStoppedFrame(spoke_until=session.now()))
        await ends.push(examiner("Fluency is 6<ctrl"), examiner("46>.5."), ReplyDoneFrame())
        await processed(ends)
    assert [(u.speaker, u.text) for u in session.utterances] == [("examiner", "Fluency is 6.5.")]
    assert [(event.speaker, event.count, event.text) for event in session.of(MarkersRemoved)] == [
        ("caller", 25, "<noise>"),
        ("examiner", 1, "<ctrl46>"),
    ]


async def test_markers_of_the_second_transcriber_are_no_words_either() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(prefer="shadow"), session)) as ends:
        await ends.push(ShadowReadyFrame(always=True))
        await answered_turn(ends, session, "I live by the sea.", 3.0)
        ended = session.now()
        segments = [("[BLANK_AUDIO]", 0.1, 1.0), ("By the sea.", 1.0, ended)]
        await ends.push(ShadowTextFrame(text="[BLANK_AUDIO] By the sea.", started=0.1, ended=ended, segments=segments))
        await ends.until(lambda: len(session.utterances) == 2)
    assert [u.text for u in session.utterances if u.speaker == "caller"] == ["By the sea."]
    assert [event.count for event in session.of(MarkersRemoved)] == [1]


@pytest.mark.parametrize("finalized", [False, True])
async def test_what_follows_a_transcription_that_is_finished_is_apart_from_it(finalized: bool) -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        first = transcribed("I live here")
        first.finalized = finalized  # as Pipecat's transcribers say it; `gemini_live` sends a frame
        end = [] if finalized else [TranscriptionFinishedFrame()]
        await ends.push(UserStartedSpeakingFrame(), first, *end, transcribed("and there"))
        await processed(ends)
    assert [u.text for u in session.utterances] == ["I live here and there"]


async def test_words_that_are_pending_when_the_call_ends_are_recorded_as_partial() -> None:
    session = FakeSession()
    transcript = Transcript(TranscriptSettings(), session)
    async with running(transcript) as ends:
        await ends.push(UserStartedSpeakingFrame())
        await ends.push(transcribed("I was about to"))
        await processed(ends)
    assert [(u.text, u.partial) for u in session.utterances] == [("I was about to", True)]
    await transcript.finish()
    assert len(session.of(UtteranceSpoken)) == 1


async def test_checkpoints_are_recorded_before_the_utterance_is_finished() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(UserStartedSpeakingFrame(), transcribed("In Sackville."))
        await processed(ends)
        await ends.push(CallerStoppedFrame(spoke_until=session.now()), examiner("Your scores are: six"))
        await asyncio.sleep(1.5)
        assert session.utterances == []
        assert [(checkpoint.speaker, checkpoint.text) for checkpoint in session.of(TranscriptCheckpointed)] == [
            ("caller", "In Sackville."),
            ("examiner", "Your scores are: six"),
        ]
        await ends.push(ReplyDoneFrame())
        await processed(ends)
    started = {event.speaker: event.started for event in session.of(TranscriptCheckpointed)}
    assert {utterance.speaker: utterance.started for utterance in session.utterances} == started, "it replaces them"


async def test_pending_words_of_a_cancelled_call_are_recorded_too() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(examiner("Now let us"))
        await processed(ends)
        await ends.worker.cancel()
    assert [(u.text, u.partial) for u in session.utterances] == [("Now let us", True)]


async def test_a_reply_that_was_interrupted_is_recorded_as_far_as_it_was_played() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(examiner("Now tell me about your town."))
        await processed(ends)
        await ends.push(InterruptionFrame())
        await ends.push(ReplyDoneFrame(interrupted=True, played_share=0.5))
        await processed(ends)
    assert [(u.text, u.interrupted) for u in session.utterances] == [("Now tell me", True)]


async def answered_turn(ends: Ends, session: FakeSession, text: str, voice: float = 12.0) -> None:
    """The caller speaks for a while, and the examiner answers."""
    await ends.push(UserStartedSpeakingFrame())
    await processed(ends)
    began = session.now()
    await asyncio.sleep(voice)
    await ends.push(VoiceSpanFrame(started=began, ended=session.now()))
    await ends.push(CallerStoppedFrame(spoke_until=session.now()))
    if text:
        await ends.push(transcribed(text))
    await processed(ends)
    await ends.push(examiner("I see."), ReplyDoneFrame())
    await processed(ends)


async def test_a_gap_is_sent_upstream_and_the_utterance_waits_for_the_repair() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(ShadowReadyFrame())
        await answered_turn(ends, session, "A few words.")
        assert [u.speaker for u in session.utterances] == ["examiner"]
        [gap] = ends.rose(GapFrame)
        await ends.push(
            ShadowTextFrame(text="Many more words than that.", started=gap.started, ended=gap.ended, repaired=True)
        )
        await ends.until(lambda: len(ends.got(UtteranceFrame)) == 2)
    assert [(u.speaker, u.text, u.source) for u in session.utterances] == [
        ("caller", "Many more words than that.", "repaired"),
        ("examiner", "I see.", "live"),
    ]
    assert [event.text for event in session.of(AlternativeTranscribed)] == ["A few words."]


async def test_a_gap_at_the_end_of_a_turn_is_found_before_the_examiner_has_answered() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(ShadowReadyFrame())
        await ends.push(UserStartedSpeakingFrame(), VoiceSpanFrame(started=0.0, ended=12.0))
        await ends.push(CallerStoppedFrame(spoke_until=12.0), transcribed("A few words."))
        before = session.now()
        await ends.until(lambda: ends.rose(GapFrame))
        assert session.now() - before == pytest.approx(5.0, abs=0.1)
        [gap] = ends.rose(GapFrame)
        shadow = ShadowTextFrame(text="More words than that.", started=gap.started, ended=gap.ended, repaired=True)
        await ends.push(shadow)
        await processed(ends)
        assert session.utterances == [], "its text may still grow"
        await ends.push(examiner("I see."), ReplyDoneFrame())
        await processed(ends)
    assert [u.text for u in session.utterances] == ["More words than that.", "I see."]
    assert len(session.of(GapFound)) == 1


async def test_the_wait_for_a_repair_is_bounded() -> None:
    session = FakeSession()
    transcript = Transcript(TranscriptSettings(repair_wait=2.0), session)
    async with running(transcript) as ends:
        await ends.push(ShadowReadyFrame())
        await answered_turn(ends, session, "A few words.")
        before = session.now()
        await ends.until(lambda: len(ends.got(UtteranceFrame)) == 2)
        assert 4.5 < session.now() - before < 5.5, "two seconds, and a quarter of twelve"
        await transcript.finish()
    [measured] = session.of(TranscriptMeasured)
    assert (measured.completeness, measured.gaps, measured.repaired) == (0.0, 1, 0)


async def test_the_end_of_a_call_waits_for_a_pending_repair() -> None:
    session = FakeSession()
    transcript = Transcript(TranscriptSettings(), session)
    async with running(transcript) as ends:
        await ends.push(ShadowReadyFrame())
        await answered_turn(ends, session, "")
        finishing = asyncio.create_task(transcript.finish())
        [gap] = ends.rose(GapFrame)
        await asyncio.sleep(1.0)
        assert not finishing.done()
        await ends.push(ShadowTextFrame(text="Good bye.", started=gap.started, ended=gap.ended, repaired=True))
        await finishing
        assert [u.text for u in session.utterances] == ["Good bye.", "I see."]


async def test_the_end_of_a_call_waits_for_the_end_of_the_turn_that_is_on_its_way() -> None:
    session = FakeSession()
    transcript = Transcript(TranscriptSettings(), session)
    async with running(transcript) as ends:
        await ends.push(ShadowReadyFrame(), UserStartedSpeakingFrame())
        began = session.now()
        await asyncio.sleep(3.0)
        finishing = asyncio.create_task(transcript.finish())
        await asyncio.sleep(0.1)
        await ends.push(VoiceSpanFrame(started=began, ended=began + 3), CallerStoppedFrame(spoke_until=began + 3))
        await processed(ends)
        [gap] = ends.rose(GapFrame)
        assert (gap.started, gap.ended) == (began, began + 3)
        await ends.push(ShadowTextFrame(text="I am Bruce.", started=gap.started, ended=gap.ended, repaired=True))
        await finishing
    [utterance] = session.utterances
    assert (utterance.text, utterance.ended, utterance.source) == ("I am Bruce.", began + 3, "repaired")


async def test_the_end_of_a_call_waits_a_bounded_time() -> None:
    session = FakeSession()
    transcript = Transcript(TranscriptSettings(repair_wait=2.0), session)
    async with running(transcript) as ends:
        await ends.push(ShadowReadyFrame())
        await answered_turn(ends, session, "A few words.")
        before = session.now()
        await transcript.finish()
        assert session.now() - before < 5.5
    assert [u.text for u in session.utterances] == ["A few words.", "I see."]


async def test_without_a_second_transcriber_a_gap_is_recorded_and_not_sent_upstream() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await answered_turn(ends, session, "A few words.")
    assert len(session.of(GapFound)) == 1 and ends.rose(GapFrame) == []
    assert [u.text for u in session.utterances] == ["A few words.", "I see."]
    [measured] = session.of(TranscriptMeasured)
    assert measured.repaired == 0


async def test_where_both_transcribe_every_turn_the_settings_choose() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(prefer="shadow"), session)) as ends:
        await ends.push(ShadowReadyFrame(always=True))
        await answered_turn(ends, session, "I live by the sea.", 3.0)
        [utterance] = session.utterances
        await ends.push(ShadowTextFrame(text="I live by the see.", started=0.1, ended=session.now()))
        await ends.until(lambda: len(session.utterances) == 2)
    assert utterance.speaker == "examiner"
    assert [(u.text, u.source) for u in session.utterances if u.speaker == "caller"] == [
        ("I live by the see.", "shadow")
    ]
    assert session.of(GapFound) == []


async def test_an_answer_of_which_audio_never_came_is_neither_whole_nor_complete() -> None:
    session = FakeSession()
    async with running(stage := Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(UserStartedSpeakingFrame(), VoiceSpanFrame(started=0.0, ended=1.0))
        await ends.push(AudioMissingFrame(started=1.0, ended=6.0, seconds=5.0))
        await ends.push(VoiceSpanFrame(started=6.0, ended=7.0), transcribed("I live in Sackville in New Brunswick."))
        await ends.push(CallerStoppedFrame(spoke_until=7.0), examiner("Thank you."), ReplyDoneFrame())
        await processed(ends)
        await stage.finish()
    [answer] = [one for one in session.utterances if one.speaker == "caller"]
    assert answer.partial
    [measured] = session.of(TranscriptMeasured)
    assert measured.completeness == pytest.approx(2 / 7, abs=0.01) and measured.gaps == 1
