"""Shell of core/transcript and core/repetition: frames of text -> utterances, recorded in order."""

from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pydantic import Field

from core import events
from core.events import UtteranceSpoken
from core.ports import Session
from core.repetition import repeated
from core.transcript import TranscriptMachine
from processors.frames import (
    CallerStoppedFrame,
    HeardAgainFrame,
    ReplyDoneFrame,
    TextKeptFrame,
    UtteranceFrame,
)
from processors.stage import Stage, StageSettings


class TranscriptSettings(StageSettings):
    """How the transcript is kept."""

    repetition: float | None = Field(
        0.8,
        gt=0,
        le=1,
        description="share of its runs of three words from which an examiner's utterance counts as said before;"
        " null: not looked for",
    )


class Transcript(Stage[TranscriptSettings]):
    """Turns both sides' pieces of text into utterances."""

    Settings = TranscriptSettings

    def __init__(self, settings: TranscriptSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._machine = TranscriptMachine()
        self._asked = 0

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        now = self.session.now()
        if direction is FrameDirection.DOWNSTREAM:
            match frame:
                case UserStartedSpeakingFrame():
                    await self._say(self._machine.caller_opened(now))
                case UserStoppedSpeakingFrame():
                    until = frame.spoke_until if isinstance(frame, CallerStoppedFrame) else now
                    await self._say(self._machine.caller_closed(now, until))
                case TranscriptionFrame(text=text):
                    await self._say(self._machine.caller_text(text, now))
                case TextKeptFrame():
                    self._machine.caller_text_kept()
                case HeardAgainFrame():
                    self._machine.caller_heard_again()
                case TTSTextFrame(text=text):
                    await self._say(self._machine.examiner_spoke(text, now))
                case TTSAudioRawFrame():
                    await self._say(self._machine.examiner_spoke("", now))
                case ReplyDoneFrame(interrupted=interrupted):
                    await self._say(self._machine.examiner_done(now, interrupted=interrupted))
                case InterruptionFrame():
                    # What was being said is cut off; a reply that had been heard to its end is done already.
                    await self._say(self._machine.examiner_done(now, interrupted=True))
                case EndFrame():
                    await self._say(self._machine.end(now))
                case CancelFrame():
                    for spoken in self._machine.end(now):  # no frame goes anywhere any more
                        self.session.record(spoken)
                case _:
                    pass
        await self.push_frame(frame, direction)

    async def conclude(self) -> None:
        for spoken in self._machine.end(self.session.now()):
            self.session.record(spoken)

    async def _say(self, finished: list[UtteranceSpoken]) -> None:
        for spoken in finished:
            if spoken.speaker == "examiner":
                self._look_for_repetition(spoken)
            self.session.record(spoken)
            if spoken.speaker == "examiner" and "?" in spoken.text:
                self._asked += 1
                self.session.record(events.ExamProgressed(spoken.at, self._asked))
            await self.push_frame(UtteranceFrame(spoken))

    def _look_for_repetition(self, spoken: UtteranceSpoken) -> None:
        if self.settings.repetition is None:
            return
        earlier = [said.text for said in self.session.utterances if said.speaker == "examiner"]
        if (similar := repeated(spoken.text, earlier, self.settings.repetition)) is not None:
            self.session.record(events.RepetitionNoticed(spoken.at, spoken.text, round(similar, 3)))
