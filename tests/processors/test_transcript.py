"""Frames of text become recorded utterances."""

import asyncio

import pytest
from pipecat.frames.frames import InterruptionFrame, TranscriptionFrame, TTSTextFrame, UserStartedSpeakingFrame
from pipecat.utils.text.base_text_aggregator import TextType

from core.events import AlternativeTranscribed, GapFound, TranscriptCheckpointed, TranscriptMeasured, UtteranceSpoken
from processors.frames import (
    CallerStoppedFrame,
    GapFrame,
    ReplyDoneFrame,
    ShadowReadyFrame,
    ShadowTextFrame,
    UtteranceFrame,
    VoiceSpanFrame,
)
from processors.transcript import Transcript, TranscriptSettings
from support.frames import Ends, running
from support.session import FakeSession


def heard(text: str) -> TranscriptionFrame:
    return TranscriptionFrame(text, "caller", "2026-01-01T00:00:00Z")


def spoke(text: str) -> TTSTextFrame:
    return TTSTextFrame(text, TextType.WORD)


async def settled(ends: Ends) -> None:
    await asyncio.sleep(0.1)


async def test_a_question_and_an_answer_are_recorded_in_order() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(spoke("Where do"), spoke(" you live?"), ReplyDoneFrame())
        await settled(ends)
        await ends.push(UserStartedSpeakingFrame())
        await ends.push(heard("In Sack"), heard("ville."))
        await settled(ends)
        await ends.push(CallerStoppedFrame(spoke_until=session.now()))
        await ends.push(spoke("Thank you."), ReplyDoneFrame())
        await settled(ends)
    assert [(u.speaker, u.text) for u in session.utterances] == [
        ("examiner", "Where do you live?"),
        ("caller", "In Sackville."),
        ("examiner", "Thank you."),
    ]
    assert len(ends.got(UtteranceFrame)) == 3


async def test_words_that_are_pending_when_the_call_ends_are_kept_and_marked() -> None:
    session = FakeSession()
    transcript = Transcript(TranscriptSettings(), session)
    async with running(transcript) as ends:
        await ends.push(UserStartedSpeakingFrame())
        await ends.push(heard("I was about to"))
        await settled(ends)
    assert [(u.text, u.partial) for u in session.utterances] == [("I was about to", True)]
    await transcript.conclude()
    assert len(session.of(UtteranceSpoken)) == 1


async def test_words_are_on_record_before_the_utterance_is_finished() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(UserStartedSpeakingFrame(), heard("In Sackville."))
        await settled(ends)
        await ends.push(CallerStoppedFrame(spoke_until=session.now()), spoke("Your scores are: six"))
        await asyncio.sleep(1.5)
        assert session.utterances == []
        assert [(kept.speaker, kept.text) for kept in session.of(TranscriptCheckpointed)] == [
            ("caller", "In Sackville."),
            ("examiner", "Your scores are: six"),
        ]
        await ends.push(ReplyDoneFrame())
        await settled(ends)
    kept = {fact.speaker: fact.started for fact in session.of(TranscriptCheckpointed)}
    assert {said.speaker: said.started for said in session.utterances} == kept, "the utterance is known to replace them"


async def test_a_cancelled_call_keeps_its_words_too() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(spoke("Now let us"))
        await settled(ends)
        await ends.worker.cancel()
    assert [(u.text, u.partial) for u in session.utterances] == [("Now let us", True)]


async def test_a_reply_that_was_cut_off_is_kept_as_far_as_it_was_played() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(spoke("Now tell me about your town."))
        await settled(ends)
        await ends.push(InterruptionFrame())
        await ends.push(ReplyDoneFrame(interrupted=True, heard=0.5))
        await settled(ends)
    assert [(u.text, u.interrupted) for u in session.utterances] == [("Now tell me", True)]


async def answered(ends: Ends, session: FakeSession, text: str, voice: float = 12.0) -> None:
    """The caller speaks for a while, and the examiner answers."""
    await ends.push(UserStartedSpeakingFrame())
    await settled(ends)
    began = session.now()
    await asyncio.sleep(voice)
    await ends.push(VoiceSpanFrame(started=began, ended=session.now()))
    await ends.push(CallerStoppedFrame(spoke_until=session.now()))
    if text:
        await ends.push(heard(text))
    await settled(ends)
    await ends.push(spoke("I see."), ReplyDoneFrame())
    await settled(ends)


async def test_a_hole_is_asked_about_and_the_utterance_waits_for_the_answer() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(ShadowReadyFrame())
        await answered(ends, session, "A few words.")
        assert [u.speaker for u in session.utterances] == ["examiner"]
        [hole] = ends.rose(GapFrame)
        await ends.push(
            ShadowTextFrame(text="Many more words than that.", started=hole.started, ended=hole.ended, repaired=True)
        )
        await ends.until(lambda: len(ends.got(UtteranceFrame)) == 2)
    assert [(u.speaker, u.text, u.source) for u in session.utterances] == [
        ("caller", "Many more words than that.", "repaired"),
        ("examiner", "I see.", "live"),
    ]
    assert [fact.text for fact in session.of(AlternativeTranscribed)] == ["A few words."]


async def test_a_hole_at_the_end_of_a_turn_is_found_before_the_examiner_has_answered() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(ShadowReadyFrame())
        await ends.push(UserStartedSpeakingFrame(), VoiceSpanFrame(started=0.0, ended=12.0))
        await ends.push(CallerStoppedFrame(spoke_until=12.0), heard("A few words."))
        before = session.now()
        await ends.until(lambda: ends.rose(GapFrame))
        assert session.now() - before == pytest.approx(5.0, abs=0.1)
        [hole] = ends.rose(GapFrame)
        second = ShadowTextFrame(text="More words than that.", started=hole.started, ended=hole.ended, repaired=True)
        await ends.push(second)
        await settled(ends)
        assert session.utterances == [], "its text may still grow"
        await ends.push(spoke("I see."), ReplyDoneFrame())
        await settled(ends)
    assert [u.text for u in session.utterances] == ["More words than that.", "I see."]
    assert len(session.of(GapFound)) == 1


async def test_an_answer_that_does_not_come_is_not_waited_for_for_ever() -> None:
    session = FakeSession()
    transcript = Transcript(TranscriptSettings(repair_wait=2.0), session)
    async with running(transcript) as ends:
        await ends.push(ShadowReadyFrame())
        await answered(ends, session, "A few words.")
        before = session.now()
        await ends.until(lambda: len(ends.got(UtteranceFrame)) == 2)
        assert 4.5 < session.now() - before < 5.5, "two seconds, and a quarter of twelve"
        await transcript.conclude()
    [measured] = session.of(TranscriptMeasured)
    assert (measured.completeness, measured.holes, measured.repaired) == (0.0, 1, 0)


async def test_the_end_of_a_call_waits_for_what_was_asked() -> None:
    session = FakeSession()
    transcript = Transcript(TranscriptSettings(), session)
    async with running(transcript) as ends:
        await ends.push(ShadowReadyFrame())
        await answered(ends, session, "")
        concluding = asyncio.create_task(transcript.conclude())
        [hole] = ends.rose(GapFrame)
        await asyncio.sleep(1.0)
        assert not concluding.done()
        await ends.push(ShadowTextFrame(text="Good bye.", started=hole.started, ended=hole.ended, repaired=True))
        await concluding
        assert [u.text for u in session.utterances] == ["Good bye.", "I see."]


async def test_the_end_of_a_call_waits_for_the_end_of_the_turn_that_is_on_its_way() -> None:
    session = FakeSession()
    transcript = Transcript(TranscriptSettings(), session)
    async with running(transcript) as ends:
        await ends.push(ShadowReadyFrame(), UserStartedSpeakingFrame())
        began = session.now()
        await asyncio.sleep(3.0)
        concluding = asyncio.create_task(transcript.conclude())
        await asyncio.sleep(0.1)
        await ends.push(VoiceSpanFrame(started=began, ended=began + 3), CallerStoppedFrame(spoke_until=began + 3))
        await settled(ends)
        [hole] = ends.rose(GapFrame)
        assert (hole.started, hole.ended) == (began, began + 3)
        await ends.push(ShadowTextFrame(text="I am Bruce.", started=hole.started, ended=hole.ended, repaired=True))
        await concluding
    [said] = session.utterances
    assert (said.text, said.ended, said.source) == ("I am Bruce.", began + 3, "repaired")


async def test_the_end_of_a_call_waits_a_bounded_time() -> None:
    session = FakeSession()
    transcript = Transcript(TranscriptSettings(repair_wait=2.0), session)
    async with running(transcript) as ends:
        await ends.push(ShadowReadyFrame())
        await answered(ends, session, "A few words.")
        before = session.now()
        await transcript.conclude()
        assert session.now() - before < 5.5
    assert [u.text for u in session.utterances] == ["A few words.", "I see."]


async def test_without_second_ears_a_hole_is_told_and_nobody_is_asked() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await answered(ends, session, "A few words.")
    assert len(session.of(GapFound)) == 1 and ends.rose(GapFrame) == []
    assert [u.text for u in session.utterances] == ["A few words.", "I see."]
    [measured] = session.of(TranscriptMeasured)
    assert measured.repaired == 0


async def test_where_both_hear_everything_the_settings_choose() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(prefer="shadow"), session)) as ends:
        await ends.push(ShadowReadyFrame(always=True))
        await answered(ends, session, "I live by the sea.", 3.0)
        [spoken] = session.utterances
        await ends.push(ShadowTextFrame(text="I live by the see.", started=0.1, ended=session.now()))
        await ends.until(lambda: len(session.utterances) == 2)
    assert spoken.speaker == "examiner"
    assert [(u.text, u.source) for u in session.utterances if u.speaker == "caller"] == [
        ("I live by the see.", "shadow")
    ]
    assert session.of(GapFound) == []
