"""Shell of core/exam/progress: where the exam is, for the turn policy, the page, the examiner and the scoring stage."""

from pathlib import Path
from typing import Annotated, assert_never

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    EndFrame,
    Frame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pydantic import AfterValidator, Field

from core import events
from core.exam.plan import ExamPlan
from core.exam.progress import Action, AnswerExpected, ExamMachine, PartOver, Progress, ScoringExpected
from core.ports import Session
from core.stages import StageInfo
from processors.frames import (
    AnswerExpectedFrame,
    InstructionFrame,
    QuestionsAskedFrame,
    ScoringExpectedFrame,
    UtteranceFrame,
)
from processors.stage import ConfigPath, Stage, StageSettings
from processors.yaml_file import read


def read_plan(path: Path) -> ExamPlan:
    """An exam plan from its YAML file. Raises ValueError, in a sentence, for what is none."""
    return read(path, ExamPlan, "an exam plan")


def _holds_a_plan(path: Path) -> Path:
    read_plan(path)
    return path


class ExamSettings(StageSettings):
    """What is asked, in which order, and for how long."""

    plan: Annotated[ConfigPath, AfterValidator(_holds_a_plan)] = Field(
        description="YAML file with the parts and questions of the exam"
    )


class Exam(Stage[ExamSettings]):
    """Gives the examiner the plan, follows where the exam is, and says what answer is expected, when a part is over and
    when scores are expected.
    """

    Settings = ExamSettings
    takes = (UtteranceFrame,)
    gives = (ScoringExpectedFrame, QuestionsAskedFrame)

    def __init__(self, settings: ExamSettings, session: Session) -> None:
        super().__init__(settings, session)
        self.plan = read_plan(settings.plan)
        self._machine = ExamMachine(self.plan)

    @classmethod
    def describe(cls, settings: ExamSettings) -> StageInfo:
        plan = read_plan(settings.plan)
        return StageInfo(questions=len(plan.slots), outline=tuple(plan.outline()))

    def instructions(self) -> str:
        return self.plan.instructions()

    def progress_summary(self) -> str:
        return self._machine.progress_summary()

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        await self.push_frame(frame, direction)
        machine, now = self._machine, self.session.now()
        match frame:
            case UtteranceFrame(utterance=utterance) if utterance.speaker == "examiner":
                await self._carry_out(machine.examiner_said(utterance.text, utterance.started, now))
            case UtteranceFrame(utterance=utterance):
                await self._carry_out(machine.caller_said())
            case UserStartedSpeakingFrame() if direction is FrameDirection.DOWNSTREAM:
                await self._carry_out(machine.caller_began(now))
            case UserStoppedSpeakingFrame() if direction is FrameDirection.DOWNSTREAM:
                await self._carry_out(machine.caller_stopped(now))
            case BotStartedSpeakingFrame() | BotStoppedSpeakingFrame() if direction is FrameDirection.UPSTREAM:
                await self._carry_out(machine.examiner_speaks(isinstance(frame, BotStartedSpeakingFrame), now))
            case InstructionFrame(exam_over=True):
                await self._carry_out(machine.scores_begun())
            case EndFrame() | CancelFrame():
                self.wake_at(None)
            case _:
                pass

    async def woken(self, now: float) -> None:
        await self._carry_out(self._machine.tick(now))

    async def _carry_out(self, actions: list[Action]) -> None:
        machine, now = self._machine, self.session.now()
        for action in actions:
            match action:
                case AnswerExpected(silence, at_least, thinking):
                    await self.push_frame(AnswerExpectedFrame(silence, at_least, thinking), FrameDirection.UPSTREAM)
                case Progress(number, questions, part, question):
                    self.session.record(events.ExamProgressed(now, number, questions, part, question))
                    await self.push_frame(QuestionsAskedFrame(asked=machine.asked, planned=questions))
                case PartOver(instruction):
                    await self.push_frame(InstructionFrame(text=instruction), FrameDirection.UPSTREAM)
                case ScoringExpected(expected):
                    await self.push_frame(ScoringExpectedFrame(expected=expected))
                case _:
                    assert_never(action)
        self.wake_at(self._machine.deadline())
