"""Shell of core/exam/repetition: notices while it is spoken that the examiner repeats itself, and may cut it off."""

from typing import Literal

from loguru import logger
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
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

# Said to a model whose repetition was cut off. The candidate's words are not quoted: they are no instructions.
NUDGE = (
    "You have asked that before and the candidate has answered; they did not hear you ask again. Do not repeat it."
    " Go on with what comes next in the exam."
)


class RepetitionSettings(StageSettings):
    """What is done when the examiner says again what it has said."""

    likeness: float = Field(
        0.8, gt=0.5, le=1, description="share of its runs of three words from which a sentence counts as said before"
    )
    do: Literal["flag", "cut", "nudge"] = Field(
        "flag",
        description='"flag" records it; "cut" also stops the rest of the reply; "nudge" also tells the model to go on,'
        " if the candidate has answered since",
    )
    nudges: int = Field(2, ge=0, description="most nudges in a call; after them it is only cut")


class Repetition(Stage[RepetitionSettings]):
    """Stands between the model and the transcript, and compares what is said with what was said."""

    Settings = RepetitionSettings

    def __init__(self, settings: RepetitionSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._machine = RepetitionMachine(settings.likeness)
        self._caller_speaking = False
        self._nudged = 0
        self._told_on = False  # the model was told to go on, and has not begun to
        self._cut: Repeated | None = None  # the rest of the present reply is not heard
        self._rest: list[str] = []  # what it says
        self._audio = 0.0  # seconds of the present reply, cut or not
        self._heard_from: float | None = None  # when the caller began to hear it
        self._heard = 0.0

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        now = self.session.now()
        if direction is FrameDirection.UPSTREAM:
            match frame:
                case BotStartedSpeakingFrame():
                    self._heard_from = now
                case BotStoppedSpeakingFrame():
                    self._machine.fell_silent(now)
                case AnswerExpectedFrame() if self._told_on:
                    # To the question that was cut off: it would make what the model says next look unasked for.
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
                self._machine.caller_said(text)
            case TTSStartedFrame():
                self._close_cut(now)
                self._audio, self._heard_from, self._told_on = 0.0, None, False
            case TTSTextFrame(text=text):
                if self._cut is not None:
                    self._rest.append(text)
                    return
                if (repeated := self._machine.speaking(text, now)) is not None:
                    self._notice(repeated, now)
                    if self.settings.do != "flag":
                        await self._cut_off(repeated, now)
                        return
            case TTSAudioRawFrame(audio=audio, sample_rate=rate):
                self._audio += pcm.seconds(audio, rate)
                if self._cut is not None:
                    return
            case TTSStoppedFrame() if self._cut is not None:
                # Whoever counts the seconds until the reply is heard out need not wait for what nobody hears.
                await self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)
            case ReplyDoneFrame():
                await self._reply_done(frame, now)
                return
            case _:
                pass
        await self.push_frame(frame, direction)

    async def conclude(self) -> None:
        self._close_cut(self.session.now())

    def _notice(self, repeated: Repeated, now: float) -> None:
        self.session.record(events.RepetitionNoticed(now, repeated.text, round(repeated.similarity, 3)))

    async def _cut_off(self, repeated: Repeated, now: float) -> None:
        self._cut = repeated
        self._heard = 0.0 if self._heard_from is None else min(self._audio, now - self._heard_from)
        # Downstream only: the transcript closes what was heard, and the output drops what was not.
        await self.push_frame(InterruptionFrame())

    async def _reply_done(self, frame: ReplyDoneFrame, now: float) -> None:
        late = self._machine.done(interrupted=frame.interrupted or self._cut is not None)
        if late is not None:
            self._notice(late, now)
        cut = self._cut
        if cut is not None:
            frame.interrupted = True
            self._close_cut(now)
        tell = cut is not None and cut.answered and not self._caller_speaking
        tell = tell and self.settings.do == "nudge" and self._nudged < self.settings.nudges
        self._told_on = tell  # before anybody behind can say that an answer is due
        await self.push_frame(frame)
        if tell:
            self._nudged += 1
            logger.info("The examiner repeated itself: it was cut off and told to go on.")
            await self.push_frame(InstructionFrame(text=NUDGE), FrameDirection.UPSTREAM)

    def _close_cut(self, now: float) -> None:
        if self._cut is None:
            return
        # Words run ahead of the voice: what was said before the cut was hardly heard either.
        text = " ".join("".join((self._cut.text, *self._rest)).split())
        self.session.record(events.ReplySuppressed(now, "repetition", text, round(self._audio - self._heard, 3)))
        self._cut = None
        self._rest.clear()
