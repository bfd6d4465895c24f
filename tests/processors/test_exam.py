"""The exam stage: plan to prompt, words to progress, and who is told what."""

from pathlib import Path

import pytest
from pipecat.frames.frames import Frame, UserStartedSpeakingFrame
from pipecat.processors.frame_processor import FrameDirection
from pydantic import ValidationError

from core.events import ExamProgressed, Speaker, UtteranceSpoken
from processors.exam import Exam, ExamSettings, read_plan
from processors.frames import (
    AnswerExpectedFrame,
    CallerStoppedFrame,
    InstructionFrame,
    QuestionsAskedFrame,
    ScoringExpectedFrame,
    UtteranceFrame,
)
from processors.stage import Stage, StageSettings
from support.frames import Ends, running
from support.session import FakeSession

EXAMS = Path(__file__).parents[2] / "configs" / "exams"
QUESTIONS = ("What is your name, and where do you live?", "What is your town like?", "What will you do this weekend?")


def stage(session: FakeSession, plan: Path = EXAMS / "short.yaml") -> Exam:
    return Exam(ExamSettings(plan=plan), session)


async def asks(ends: Ends, session: FakeSession, text: str, speaker: Speaker = "examiner") -> None:
    spoken = UtteranceSpoken(session.now(), speaker, text, session.now(), session.now())
    seen = len(ends.got(UtteranceFrame))
    await ends.push(UtteranceFrame(spoken))
    await ends.until(lambda: len(ends.got(UtteranceFrame)) > seen)


async def answers(ends: Ends, session: FakeSession) -> None:
    seen = len(ends.got(CallerStoppedFrame))
    await ends.push(UserStartedSpeakingFrame())
    await ends.push(CallerStoppedFrame(spoke_until=session.now()))
    await ends.until(lambda: len(ends.got(CallerStoppedFrame)) > seen)


async def test_an_exam_is_followed_to_its_scores() -> None:
    session = FakeSession()
    exam = stage(session)
    async with running(exam) as ends:
        for question in QUESTIONS:
            await asks(ends, session, question)
            await answers(ends, session)
        await ends.until(lambda: len(ends.got(ScoringExpectedFrame)) == 2)
    progress = session.of(ExamProgressed)
    assert [(one.asked, one.questions, one.part, one.question) for one in progress] == [
        (number, 3, "Interview", question) for number, question in enumerate(QUESTIONS, start=1)
    ]
    assert [(frame.silence, frame.at_least) for frame in ends.rose(AnswerExpectedFrame)] == [(None, 1.0)] * 3
    assert [frame.expected for frame in ends.got(ScoringExpectedFrame)] == [False, True]
    assert ends.rose(InstructionFrame) == []


async def test_the_time_limit_is_announced_when_nobody_speaks() -> None:
    session = FakeSession()
    async with running(stage(session)) as ends:
        await asks(ends, session, QUESTIONS[0])
        await ends.until(lambda: ends.rose(InstructionFrame), timeout=400)
        assert 300 <= session.now() <= 310
        assert "The time of the test is over" in ends.rose(InstructionFrame)[0].text
        await ends.until(lambda: [frame.expected for frame in ends.got(ScoringExpectedFrame)] == [False, True])


async def test_once_the_scoring_stage_has_asked_for_scores_no_question_counts() -> None:
    session = FakeSession()
    async with running(stage(session)) as ends:
        await asks(ends, session, QUESTIONS[0])
        await ends.pull(InstructionFrame(text="Give the scores.", exam_over=True))
        await ends.until(lambda: ends.rose(InstructionFrame))
        await ends.until(lambda: len(ends.got(ScoringExpectedFrame)) == 2)
        await asks(ends, session, QUESTIONS[1])
    assert [one.asked for one in session.of(ExamProgressed)] == [1]


class Encourage(Stage[StageSettings]):
    """A user's stage behind the exam: a word of encouragement after each answer."""

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        await self.push_frame(frame, direction)
        if isinstance(frame, CallerStoppedFrame):
            await self.push_frame(InstructionFrame(text="Encourage the candidate."), FrameDirection.UPSTREAM)


async def test_another_stage_that_instructs_the_model_does_not_end_the_exam() -> None:
    session = FakeSession()
    async with running(stage(session), Encourage(StageSettings(), session)) as ends:
        for question in QUESTIONS[:2]:
            await asks(ends, session, question)
            await answers(ends, session)
            await ends.until(lambda: ends.rose(InstructionFrame))
            assert [frame.expected for frame in ends.got(ScoringExpectedFrame)] == [False]
        await asks(ends, session, QUESTIONS[2])
        await answers(ends, session)
        await ends.until(lambda: len(ends.got(ScoringExpectedFrame)) == 2)
    assert [one.asked for one in session.of(ExamProgressed)] == [1, 2, 3]
    assert len(ends.rose(InstructionFrame)) == 3


async def test_the_model_is_sent_the_plan_and_the_progress_of_the_exam() -> None:
    session = FakeSession()
    exam = stage(session)
    assert all(question in exam.instructions() for question in QUESTIONS)
    assert exam.progress_summary() == ""
    async with running(exam) as ends:
        await asks(ends, session, QUESTIONS[0])
        await answers(ends, session)
        await asks(ends, session, "Bruce, in Sackville.", "caller")
        assert exam.progress_summary() == "Question 1 is done. Go on with question 2: What is your town like?"


def test_a_bad_plan_is_one_sentence_with_file_and_key(tmp_path: Path) -> None:
    bad = tmp_path / "plan.yaml"
    bad.write_text("name: x\nparts: [{name: y, questions: [{text: Why, answr: long}]}]\n")
    with pytest.raises(
        ValidationError, match=r"plan.yaml is not an exam plan: parts.0.questions.0.answr: Extra .*\(line 2\)"
    ):
        ExamSettings(plan=bad)
    bad.write_text("name: [")
    with pytest.raises(ValueError, match=r"plan\.yaml is not YAML at line 1, column 8: "):
        read_plan(bad)


@pytest.mark.parametrize("path", sorted(EXAMS.glob("*.yaml")), ids=lambda path: path.name)
def test_every_plan_of_the_house_is_one_and_says_what_it_is_for(path: Path) -> None:
    assert read_plan(path).slots
    assert path.read_text(encoding="utf-8").startswith("# ")


async def test_whoever_scores_is_told_how_many_questions_were_asked() -> None:
    session = FakeSession()
    async with running(stage(session)) as ends:
        await asks(ends, session, QUESTIONS[0])
        await answers(ends, session)
        await asks(ends, session, QUESTIONS[1])
        await ends.until(lambda: len(ends.got(QuestionsAskedFrame)) == 2)
    assert [(frame.asked, frame.planned) for frame in ends.got(QuestionsAskedFrame)] == [(1, 3), (2, 3)]
