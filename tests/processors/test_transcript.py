"""Frames of text become recorded utterances."""

import asyncio

from pipecat.frames.frames import TranscriptionFrame, TTSTextFrame, UserStartedSpeakingFrame
from pipecat.utils.text.base_text_aggregator import TextType
from support.frames import Ends, running
from support.session import FakeSession

from core.events import ExamProgressed, RepetitionNoticed, UtteranceSpoken
from processors.frames import CallerStoppedFrame, ReplyDoneFrame, UtteranceFrame
from processors.transcript import Transcript, TranscriptSettings


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
    assert [p.asked for p in session.of(ExamProgressed)] == [1]
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


async def test_a_cancelled_call_keeps_its_words_too() -> None:
    session = FakeSession()
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        await ends.push(spoke("Now let us"))
        await settled(ends)
        await ends.worker.cancel()
    assert [(u.text, u.partial) for u in session.utterances] == [("Now let us", True)]


async def test_a_question_asked_again_is_noticed() -> None:
    session = FakeSession()
    question = "Could you tell me something about the town where you grew up?"
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        for _ in range(2):
            await ends.push(spoke(question), ReplyDoneFrame())
            await settled(ends)
    [noticed] = session.of(RepetitionNoticed)
    assert noticed.similarity == 1.0
