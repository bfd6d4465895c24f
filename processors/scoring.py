"""Shell of core/scoring: reads scores as they come, requests what is missing, ends the exam with a verdict."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, assert_never

from loguru import logger
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    EndFrame,
    Frame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pydantic import AfterValidator, Field

from core import events
from core.events import UtteranceSpoken
from core.failure import explained
from core.ports import Session
from core.scoring import (
    CallReader,
    Reading,
    Rubric,
    Stated,
    TextReader,
    Verdict,
    caller_words,
    confirming,
    decide,
    events_of,
    question,
    readings_of,
    wording,
)
from core.scoring.asking import Action, AskCall, AskingMachine, AskingPolicy, AskScores, Finish, SayGoodbye
from core.scoring.scale import NumericScale
from core.scoring.verdict import Questions, early
from core.stages import StageInfo
from processors.frames import (
    InstructionFrame,
    QuestionsAskedFrame,
    ReplyDoneFrame,
    ScoringExpectedFrame,
    ToolAnswerFrame,
    ToolCallFrame,
    UtteranceFrame,
)
from processors.stage import ConfigPath, Stage, StageSettings
from processors.yaml_file import read


def read_rubric(path: Path) -> Rubric:
    """A rubric from its YAML file. Raises ValueError, in a sentence, for what is none."""
    return read(path, Rubric, "a rubric")


def _holds_a_rubric(path: Path) -> Path:
    read_rubric(path)
    return path


Source = Literal["call", "block", "speech", "text"]


class ScoringSettings(StageSettings):
    """What is scored, how scores are read, and how long they are waited for."""

    RENAMED: ClassVar = {"patience": "score_timeout", "reply": "reply_timeout", "ask_again": "max_requests"}

    rubric: Annotated[ConfigPath, AfterValidator(_holds_a_rubric)] = Field(
        description="YAML file with the criteria and their scale"
    )
    order: tuple[Source, ...] = Field(
        ("call", "block", "speech", "text"), description="whose value counts when readers disagree, first to last"
    )
    score_timeout: float = Field(
        6.0, gt=0, description="seconds of silence to wait for more once the examiner has begun to give scores"
    )
    reply_timeout: float = Field(
        20.0,
        gt=0,
        description="seconds to wait for the examiner to speak at all, after the last answer or after it was asked for"
        " scores; a lost connection is restored meanwhile",
    )
    closing: float = Field(
        45.0,
        gt=0,
        le=600,
        description="seconds from the last score to the end of the exam at the latest, also while the candidate goes on"
        " talking or the examiner replies to that",
    )
    farewell: float = Field(
        2.5, gt=0, description="seconds of silence after which the call ends once every score has been reported"
    )
    max_requests: int = Field(2, ge=0, description="how often the examiner is asked for scores it has left out")
    least_words: int = Field(
        20, ge=0, description="words of the caller below which no text model is asked: too little to judge"
    )
    confirm_speech: bool = Field(
        False,
        description="whether the text model is asked once more, at the end, for values that were said and not reported:"
        " one that it hears otherwise is flagged `conflict`, one that it does not hear `ambiguous`",
    )
    ends_call: bool = Field(True, description="whether the call ends when all scores are there")


class Scoring(Stage[ScoringSettings]):
    """Brings every exam to a verdict: values with evidence, or an honest "not enough evidence"."""

    Settings = ScoringSettings
    takes = (UtteranceFrame, ToolCallFrame, ScoringExpectedFrame)

    def __init__(self, settings: ScoringSettings, session: Session) -> None:
        super().__init__(settings, session)
        self.rubric = read_rubric(settings.rubric)
        self._asking = AskingMachine(
            AskingPolicy(
                settings.score_timeout,
                settings.reply_timeout,
                settings.farewell,
                settings.max_requests,
                settings.closing,
            )
        )
        self._calls: list[Reading] = []
        self._early: list[Reading] = []
        self._texts: list[Reading] = []
        self._confirmation: dict[str, float | None] = {}  # what the text model heard the examiner say
        self._questions: Questions | None = None
        self._ignored: list[str] = []
        self._unfinished = ""  # text of the examiner's utterance that is not finished
        self._call_ended = self._finished = False
        self._finishing = asyncio.Lock()

    @classmethod
    def describe(cls, settings: ScoringSettings) -> StageInfo:
        rubric = read_rubric(settings.rubric)
        numbers = (rubric.scale.min, rubric.scale.max) if isinstance(rubric.scale, NumericScale) else None
        return StageInfo(criteria=rubric.names, scale=numbers, owes_verdict=True)

    def tools(self) -> list[dict[str, Any]]:
        return [self.rubric.declaration()]

    def instructions(self) -> str:
        return wording.results(self.rubric)

    def progress_summary(self) -> str:
        return wording.progress_summary(self.rubric, self._verdict().missing) if self._asking.scoring else ""

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        asking, now = self._asking, self.session.now()
        match frame:
            case ToolCallFrame(function=function) if function == self.rubric.function:
                await self._called(frame)
                return
            case ScoringExpectedFrame(expected=expected):
                asking.scores_expected(expected, self._verdict().missing, now)
            case QuestionsAskedFrame(asked=asked, planned=planned):
                self._questions = Questions(asked, planned)
            case TTSTextFrame(text=text):
                self._unfinished += text
            case UtteranceFrame(utterance=utterance) if utterance.speaker == "examiner":
                self._unfinished = ""
                # Only this utterance at first: reading the whole transcript each time would hold up the audio.
                stated = self._stated([utterance])
                if stated or asking.scoring:
                    asking.examiner_said(stated, self._verdict().missing, now)
            case TTSStartedFrame():
                self._unfinished = ""
                asking.examiner_replies(True, now)
            case TTSStoppedFrame() | ReplyDoneFrame():
                asking.examiner_replies(False, now)
            case BotStartedSpeakingFrame() | BotStoppedSpeakingFrame():
                asking.examiner_plays(isinstance(frame, BotStartedSpeakingFrame), now)
            case UserStartedSpeakingFrame() | UserStoppedSpeakingFrame():
                asking.caller_speaks(isinstance(frame, UserStartedSpeakingFrame), now)
            case EndFrame() | CancelFrame():
                self._call_ended = True
                asking.finish()
            case _:
                await self.push_frame(frame, direction)
                return
        self.wake_at(asking.deadline())
        await self.push_frame(frame, direction)

    async def woken(self, now: float) -> None:
        await self._carry_out(self._asking.tick(now))

    async def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case AskScores(missing):
                    self.session.record(events.ScoreAsked(self.session.now(), [*missing]))
                    await self._instruct(wording.ask_scores(self.rubric, missing))
                case AskCall():
                    self.session.record(events.ScoreAsked(self.session.now(), []))
                    await self._instruct(wording.ask_call(self.rubric))
                case SayGoodbye():
                    await self._instruct(wording.GOODBYE)
                case Finish():
                    self.create_task(self.finish(), name="finish scoring")
                case _:
                    assert_never(action)
        self.wake_at(self._asking.deadline())

    async def _instruct(self, text: str) -> None:
        await self.push_frame(InstructionFrame(text=text, exam_over=True), FrameDirection.UPSTREAM)

    async def finish(self) -> None:
        async with self._finishing:  # a caller who hangs up meanwhile must not close the record before it is done
            if self._finished:
                return
            self._asking.finish()
            verdict = self._verdict()
            if verdict.missing:
                await self._ask_the_text_model()
                verdict = self._verdict(last=True)
            spoken = confirming.unconfirmed(verdict) if self.settings.confirm_speech else ()
            if spoken:
                await self._confirm(spoken)
                verdict = self._verdict(last=bool(verdict.missing))
            self._finished = True
            self._publish(verdict)
        if self.settings.ends_call and not self._call_ended:
            self.session.finish("completed", "" if self._questions is None else self._questions.left_out)

    # --- reading

    def _verdict(self, *, last: bool = False) -> Verdict:
        """What there is so far; at the `last`, with what was reported before its time where nothing better came."""
        utterances = self.session.utterances
        stated = confirming.checked(readings_of(self.rubric, (), utterances), self._confirmation)
        readings = [*self._calls, *stated, *self._texts, *(self._early if last else ())]
        repaired = any(one.source == "repaired" for one in utterances)
        return decide(
            self.rubric,
            readings,
            order=(*self.settings.order, "early"),
            repaired=repaired,
            questions=self._questions,
            ignored=self._ignored,
        )

    def _stated(self, utterances: Sequence[UtteranceSpoken]) -> int:
        """How many criteria have a value in these utterances."""
        return sum(
            score.value is not None for score in decide(self.rubric, readings_of(self.rubric, (), utterances)).scores
        )

    async def _called(self, frame: ToolCallFrame) -> None:
        now = self.session.now()
        readings = CallReader(self.rubric).read(frame.args, now)
        unfinished = [UtteranceSpoken(now, "examiner", self._unfinished, now, now)] if self._unfinished else []
        # An explicit status: models repeat a call whose result tells them nothing.
        if not self._asking.takes_call(self._stated(unfinished)):
            self._early = [early(reading) for reading in readings]
            for reading in readings:
                if isinstance(reading, Stated):
                    self.session.record(events.ScoreRefused(now, reading.criterion, "call", "the exam was not over"))
            message = wording.not_yet(frame.function)
            result: dict[str, Any] = {"status": "not yet", "retryable": True, "message": message}
        else:
            self._calls += readings
            self._ignored += [f"call: {one}" for one in CallReader(self.rubric).unread(frame.args)]
            missing = self._verdict().missing
            self._asking.called(missing, now)
            result = {"status": "incomplete" if missing else "recorded", "retryable": bool(missing)}
            if missing:
                result["message"] = f"Missing or unreadable: {', '.join(missing)}. Call again with all scores."
        answer = ToolAnswerFrame(call_id=frame.call_id, function=frame.function, result=result)
        await self.push_frame(answer, FrameDirection.UPSTREAM)
        self.wake_at(self._asking.deadline())

    async def _ask_the_text_model(self) -> None:
        utterances = self.session.utterances
        if caller_words(utterances) < self.settings.least_words:
            return
        answer = await self._ask(question(self.rubric, utterances), self.rubric.schema())
        if answer is not None:
            self._texts = list(TextReader(self.rubric, utterances).read(answer, self.session.now()))

    async def _confirm(self, spoken: Sequence[str]) -> None:
        said = self.session.utterances
        answer = await self._ask(confirming.question(self.rubric, said, spoken), confirming.schema(self.rubric, spoken))
        if answer is not None:
            self._confirmation = confirming.stated_values(self.rubric, said, answer, spoken)

    async def _ask(self, question: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        """The text model's answer, or None without one; why there is none is recorded."""
        try:
            return await self.session.ask(question, schema)
        except RuntimeError as error:
            logger.warning(f"The text model gave no answer: {error}")
            self.session.record(events.ProblemSeen(self.session.now(), "scoring", explained(error)))
            return None

    def _publish(self, verdict: Verdict) -> None:
        for event in events_of(verdict, self.session.now()):
            self.session.record(event)
