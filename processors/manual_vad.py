"""Voice marks -> TurnMachine -> turn edges and flushes. Keeps the onset of speech for the window it opens."""

from collections import deque
from typing import Literal, assert_never

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    UserStartedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pydantic import Field

from core import events, pcm
from core.ports import Session
from core.turns import Action, CloseTurn, Flush, OpenTurn, TurnMachine, TurnPolicy
from processors.frames import CallerStoppedFrame, FlushFrame
from processors.stage import Stage, StageSettings
from processors.voice import RATE, Voice


class ManualVadSettings(StageSettings):
    """When the caller's turn begins and ends. The service's own detection is off: these are the only knobs."""

    confidence: float = Field(0.5, gt=0, lt=1, description="likelihood from which a window of 32 ms counts as voice")
    volume: float = Field(
        0.0, ge=0, lt=1, description="level (root mean square, 0 to 1) below which nothing counts as voice"
    )
    minimum_speech: float = Field(0.2, gt=0, description="seconds of voice that open a turn")
    silence: float = Field(0.8, gt=0, description="seconds of quiet that end a turn")
    pre_roll: float = Field(
        0.3, ge=0, description="seconds of audio before the detected onset that the turn begins with"
    )
    flush_after: float | None = Field(
        12.0,
        gt=0,
        description="seconds of speech in one activity window before it is flushed; null never flushes."
        " Transcription of 2.5 native audio was seen to stall after 10 to 40 s",
    )
    flush_at: Literal["timer", "pause"] = Field(
        "pause",
        description='"timer" flushes on the second; "pause" at the next pause, at the latest half as long again',
    )
    barge_in: bool = Field(True, description="whether the caller's speech stops the examiner's voice")


class ManualVad(Stage[ManualVadSettings]):
    """Lets through what the caller says, between a start and a stop, and nothing else."""

    Settings = ManualVadSettings

    def __init__(self, settings: ManualVadSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._voice = Voice()
        self._turns = TurnMachine(
            TurnPolicy(settings.minimum_speech, settings.silence, settings.flush_after, settings.flush_at)
        )
        self._onset: deque[InputAudioRawFrame] = deque()
        self._onset_length = 0.0
        self._examiner_speaking = False
        self._awaiting_reply = False
        self._concluded = False

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        match frame:
            case InputAudioRawFrame():
                await self._heard(frame)
                return
            case BotStartedSpeakingFrame() if direction is FrameDirection.UPSTREAM:
                self._reply_started()
            case BotStoppedSpeakingFrame() if direction is FrameDirection.UPSTREAM:
                self._examiner_speaking = False
            case EndFrame() | CancelFrame():
                await self._carry_out(self._turns.end(self.session.now()))
            case _:
                pass
        await self.push_frame(frame, direction)

    async def woken(self, now: float) -> None:
        await self._carry_out(self._turns.tick(now))

    async def conclude(self) -> None:
        """The call is ending: the turn is closed, and none is opened any more."""
        self._concluded = True
        await self._carry_out(self._turns.end(self.session.now()))

    async def _heard(self, frame: InputAudioRawFrame) -> None:
        if self._concluded:
            return
        if frame.sample_rate != RATE:
            raise ValueError(
                f"manual_vad hears {RATE} Hz only and got {frame.sample_rate}: put a resampler stage with rate {RATE}"
                " before it"
            )
        confidence = self._voice.confidence(frame.audio, in_turn=self._turns.open)
        voice = confidence >= self.settings.confidence and (
            self.settings.volume == 0 or pcm.level(frame.audio) >= self.settings.volume
        )
        was_open = self._turns.open
        actions = self._turns.heard(voice, self.session.now())
        if not was_open:
            self._keep(frame)  # an opening turn lets the whole onset go, this frame with it
        await self._carry_out(actions)
        if was_open and self._turns.open:
            await self.push_frame(frame)

    async def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case OpenTurn(at):
                    self.session.record(events.TurnOpened(at))
                    if self._examiner_speaking and self.settings.barge_in:
                        await self.broadcast_interruption()
                    await self.push_frame(UserStartedSpeakingFrame())
                    for kept in self._onset:
                        await self.push_frame(kept)
                    self._onset.clear()
                    self._onset_length = 0.0
                case Flush(at, why):
                    self.session.record(events.TurnFlushed(at, why))
                    await self.push_frame(FlushFrame(why=why))
                case CloseTurn(at, why, spoke_until, voiced):
                    self.session.record(events.TurnClosed(at, why, voiced))
                    self._awaiting_reply = True
                    await self.push_frame(CallerStoppedFrame(spoke_until=spoke_until))
                case _:
                    assert_never(action)
        self.wake_at(self._turns.deadline())

    def _keep(self, frame: InputAudioRawFrame) -> None:
        self._onset.append(frame)
        self._onset_length += pcm.seconds(frame.audio, RATE)
        # The voice that was weighed before the turn opened belongs to it, and the pre-roll before that voice.
        most = self.settings.pre_roll + self.settings.minimum_speech
        while self._onset_length > most and len(self._onset) > 1:
            self._onset_length -= pcm.seconds(self._onset.popleft().audio, RATE)

    def _reply_started(self) -> None:
        self._examiner_speaking = True
        if self._awaiting_reply and not self._turns.open:
            self._awaiting_reply = False
            now = self.session.now()
            self.session.record(events.ReplyStarted(now, now - self._turns.spoke_until))
