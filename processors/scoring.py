"""Shell of core/scoring: reads scores as they come, asks for what is missing, ends the exam with a verdict."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, assert_never

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
from core.ports import Session
from core.scoring import (
    CallReader,
    Reading,
    Rubric,
    Stated,
    TextReader,
    Verdict,
    caller_words,
    decide,
    facts_of,
    question,
    readings_of,
    wording,
)
from core.scoring.asking import Action, AskCall, AskingMachine, AskingPolicy, AskScores, Conclude, SayGoodbye
from core.scoring.verdict import early
from processors.frames import (
    InstructionFrame,
    ReplyDoneFrame,
    ScoreFrame,
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

    rubric: Annotated[ConfigPath, AfterValidator(_holds_a_rubric)] = Field(
        description="YAML file with the criteria and their scale"
    )
    order: tuple[Source, ...] = Field(
        ("call", "block", "speech", "text"), description="whose value counts when readers disagree, first to last"
    )
    patience: float = Field(
        6.0, gt=0, description="seconds to wait for more once the examiner has begun to give scores"
    )
    reply: float = Field(
        20.0,
        gt=0,
        description="seconds to wait for the examiner to speak at all, after the last answer or after it was asked for"
        " scores; a lost connection is restored meanwhile",
    )
    farewell: float = Field(
        2.5, gt=0, description="seconds of silence after which the call ends once every score has been reported"
    )
    ask_again: int = Field(2, ge=0, description="how often the examiner is asked for scores it has left out")
    least_words: int = Field(
        20, ge=0, description="words of the caller below which no text model is asked: too little to judge"
    )
    ends_call: bool = Field(True, description="whether the call ends when all scores are there")


class Scoring(Stage[ScoringSettings]):
    """Brings every exam to a verdict: values with evidence, or an honest "not enough evidence"."""

    Settings = ScoringSettings

    def __init__(self, settings: ScoringSettings, session: Session) -> None:
        super().__init__(settings, session)
        self.rubric = read_rubric(settings.rubric)
        self._asking = AskingMachine(
            AskingPolicy(settings.patience, settings.reply, settings.farewell, settings.ask_again)
        )
        self._calls: list[Reading] = []
        self._early: list[Reading] = []
        self._texts: list[Reading] = []
        self._saying = ""  # what the examiner has said of an utterance that is not finished
        self._call_ended = self._concluded = False
        self._concluding = asyncio.Lock()

    def tools(self) -> list[dict[str, Any]]:
        return [self.rubric.declaration()]

    def instructions(self) -> str:
        return wording.results(self.rubric)

    def standing(self) -> str:
        return wording.standing(self.rubric, self._verdict().missing) if self._asking.scoring else ""

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        asking, now = self._asking, self.session.now()
        match frame:
            case ToolCallFrame(function=function) if function == self.rubric.function:
                await self._called(frame)
                return
            case ScoringExpectedFrame(due=due):
                asking.scores_due(due, self._verdict().missing, now)
            case TTSTextFrame(text=text):
                self._saying += text
            case UtteranceFrame(spoken=spoken) if spoken.speaker == "examiner":
                self._saying = ""
                # Only this utterance at first: reading the whole transcript each time would hold up the audio.
                stated = self._stated([spoken])
                if stated or asking.scoring:
                    asking.heard(stated, self._verdict().missing, now)
            case TTSStartedFrame():
                self._saying = ""
                asking.examiner_replies(True, now)
            case TTSStoppedFrame() | ReplyDoneFrame():
                asking.examiner_replies(False, now)
            case BotStartedSpeakingFrame() | BotStoppedSpeakingFrame():
                asking.examiner_plays(isinstance(frame, BotStartedSpeakingFrame), now)
            case UserStartedSpeakingFrame() | UserStoppedSpeakingFrame():
                asking.caller_speaks(isinstance(frame, UserStartedSpeakingFrame), now)
            case EndFrame() | CancelFrame():
                self._call_ended = True
                asking.conclude()
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
                    await self._tell(wording.ask_scores(self.rubric, missing))
                case AskCall():
                    self.session.record(events.ScoreAsked(self.session.now(), []))
                    await self._tell(wording.ask_call(self.rubric))
                case SayGoodbye():
                    await self._tell(wording.GOODBYE)
                case Conclude():
                    self.create_task(self.conclude(), name="conclude scoring")
                case _:
                    assert_never(action)
        self.wake_at(self._asking.deadline())

    async def _tell(self, text: str) -> None:
        await self.push_frame(InstructionFrame(text=text), FrameDirection.UPSTREAM)

    async def conclude(self) -> None:
        async with self._concluding:  # a caller who hangs up meanwhile must not close the record before it is done
            if self._concluded:
                return
            self._asking.conclude()
            verdict = self._verdict()
            if verdict.missing:
                await self._ask_the_text_model()
                verdict = self._verdict(last=True)
            self._concluded = True
            await self._publish(verdict)
        if self.settings.ends_call and not self._call_ended:
            self.session.finish("completed")

    # --- reading

    def _verdict(self, *, last: bool = False) -> Verdict:
        """What there is so far; at the `last`, with what was reported before its time where nothing better came."""
        said = self.session.utterances
        spoken = readings_of(self.rubric, (), said)
        readings = [*self._calls, *spoken, *self._texts, *(self._early if last else ())]
        repaired = any(one.source == "repaired" for one in said)
        return decide(self.rubric, readings, order=(*self.settings.order, "early"), repaired=repaired)

    def _stated(self, said: Sequence[UtteranceSpoken]) -> int:
        """How many criteria have a value in these utterances."""
        return sum(score.value is not None for score in decide(self.rubric, readings_of(self.rubric, (), said)).scores)

    async def _called(self, frame: ToolCallFrame) -> None:
        now = self.session.now()
        readings = CallReader(self.rubric).read(frame.args, now)
        saying = [UtteranceSpoken(now, "examiner", self._saying, now, now)] if self._saying else []
        # An explicit status: models repeat a call whose result tells them nothing.
        if not self._asking.takes_call(self._stated(saying)):
            self._early = [early(reading) for reading in readings]
            for reading in readings:
                if isinstance(reading, Stated):
                    self.session.record(events.ScoreRefused(now, reading.criterion, "call", "the exam was not over"))
            told = wording.not_yet(frame.function)
            result: dict[str, Any] = {"status": "not yet", "retryable": True, "message": told}
        else:
            self._calls += readings
            missing = self._verdict().missing
            self._asking.called(missing, now)
            result = {"status": "incomplete" if missing else "recorded", "retryable": bool(missing)}
            if missing:
                result["message"] = f"Missing or unreadable: {', '.join(missing)}. Call again with all scores."
        answer = ToolAnswerFrame(call_id=frame.call_id, function=frame.function, result=result)
        await self.push_frame(answer, FrameDirection.UPSTREAM)
        self.wake_at(self._asking.deadline())

    async def _ask_the_text_model(self) -> None:
        said = self.session.utterances
        if caller_words(said) < self.settings.least_words:
            return
        try:
            answer = await self.session.ask(question(self.rubric, said), self.rubric.schema())
        except RuntimeError as error:
            logger.warning(f"No scores from the transcript: {error}")
            self.session.record(events.ProblemSeen(self.session.now(), "scoring", str(error)))
            return
        if answer is not None:
            self._texts = list(TextReader(self.rubric).read(answer, self.session.now()))

    async def _publish(self, verdict: Verdict) -> None:
        for fact in facts_of(verdict, self.session.now()):
            self.session.record(fact)
            if isinstance(fact, events.ScoreGiven) and not self._call_ended:
                await self.push_frame(ScoreFrame(fact))
