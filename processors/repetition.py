"""Shell of core/exam/repetition: detects repetitions of the examiner as they are spoken, and may cut them off."""

from typing import ClassVar, Literal

from loguru import logger
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pydantic import Field

from core import events
from core.audio import pcm
from core.exam.repetition import Repeated, RepetitionMachine
from core.ports import Session
from processors.frames import AnswerExpectedFrame, InstructionFrame, ReplyDoneFrame
from processors.stage import Stage, StageSettings

# To a model whose repetition was cut off. The candidate's words are not quoted: they are no instructions.
GO_ON = (
    "You have asked that before and the candidate has answered; they did not hear you ask again. Do not repeat it."
    " Go on with what comes next in the exam."
)


class RepetitionSettings(StageSettings):
    """What is done when the examiner repeats itself."""

    RENAMED: ClassVar = {"do=nudge": "instruct", "nudges": "max_instructions"}

    likeness: float = Field(
        0.8, gt=0.5, le=1, description="share of its runs of three words from which a sentence counts as a repetition"
    )
    do: Literal["flag", "cut", "instruct"] = Field(
        "flag",
        description='"flag" records it; "cut" also stops the rest of the reply; "instruct" also instructs the model to'
        " go on, if the candidate has answered since",
    )
    max_instructions: int = Field(2, ge=0, description="most instructions in a call; after them it is only cut")


class Repetition(Stage[RepetitionSettings]):
    """Stands between the model and the transcript, and compares each sentence of the examiner with its earlier ones."""

    Settings = RepetitionSettings
    takes = (TTSTextFrame,)

    def __init__(self, settings: RepetitionSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._machine = RepetitionMachine(settings.likeness)
        self._caller_speaking = False
        self._instructed = 0
        self._going_on = False  # the model was instructed to go on, and its next reply has not begun
        self._cut: Repeated | None = None  # why the rest of the present reply is dropped
        self._rest: list[str] = []  # its text
        self._audio = 0.0  # seconds of the present reply, cut or not
        self._audible_since: float | None = None  # when playback of it began
        self._played = 0.0

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        now = self.session.now()
        if direction is FrameDirection.UPSTREAM:
            match frame:
                case BotStartedSpeakingFrame():
                    self._audible_since = now
                case BotStoppedSpeakingFrame():
                    self._machine.playback_ended(now)
                case AnswerExpectedFrame() if self._going_on:
                    # To the question that was cut off: an answer expected would make the next reply look unsolicited.
                    return
                case _:
                    pass
            await self.push_frame(frame, direction)
            return
        match frame:
            case UserStartedSpeakingFrame():
                self._caller_speaking = True
                self._machine.caller_began()
            case UserStoppedSpeakingFrame():
                self._caller_speaking = False
            case TranscriptionFrame(text=text):
                self._machine.caller_text(text)
            case TTSStartedFrame():
                self._close_cut(now)
                self._audio, self._audible_since, self._going_on = 0.0, None, False
            case TTSTextFrame(text=text):
                if self._cut is not None:
                    self._rest.append(text)
                    return
                if (repeated := self._machine.examiner_text(text, now)) is not None:
                    self._notice(repeated, now)
                    if self.settings.do != "flag":
                        await self._cut_off(repeated, now)
                        return
            case TTSAudioRawFrame(audio=audio, sample_rate=rate):
                self._audio += pcm.seconds(audio, rate)
                if self._cut is not None:
                    return
            case TTSStoppedFrame() if self._cut is not None:
                # The stages that count the rest of the playback must not wait for audio that is dropped.
                await self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)
            case EndFrame() | CancelFrame():
                self._close_cut(now)
            case ReplyDoneFrame():
                await self._reply_done(frame, now)
                return
            case _:
                pass
        await self.push_frame(frame, direction)

    async def finish(self) -> None:
        self._close_cut(self.session.now())

    def _notice(self, repeated: Repeated, now: float) -> None:
        self.session.record(events.RepetitionNoticed(now, repeated.text, round(repeated.similarity, 3)))

    async def _cut_off(self, repeated: Repeated, now: float) -> None:
        self._cut = repeated
        self._played = 0.0 if self._audible_since is None else min(self._audio, now - self._audible_since)
        # Downstream only: the transcript closes what was played, and the output drops the rest.
        await self.push_frame(InterruptionFrame())

    async def _reply_done(self, frame: ReplyDoneFrame, now: float) -> None:
        late = self._machine.reply_done(interrupted=frame.interrupted or self._cut is not None)
        if late is not None:
            self._notice(late, now)
        cut = self._cut
        if cut is not None:
            frame.interrupted = True
            self._close_cut(now)
        instruct = cut is not None and cut.answered and not self._caller_speaking
        instruct = instruct and self.settings.do == "instruct" and self._instructed < self.settings.max_instructions
        self._going_on = instruct  # before a stage behind can expect an answer
        await self.push_frame(frame)
        if instruct:
            self._instructed += 1
            logger.info("The examiner repeated itself: it was cut off and instructed to go on.")
            await self.push_frame(InstructionFrame(text=GO_ON), FrameDirection.UPSTREAM)

    def _close_cut(self, now: float) -> None:
        if self._cut is None:
            return
        # Text runs ahead of the audio: what came before the cut was hardly played either.
        text = " ".join("".join((self._cut.text, *self._rest)).split())
        self.session.record(events.ReplySuppressed(now, "repetition", text, round(self._audio - self._played, 3)))
        self._cut = None
        self._rest.clear()
