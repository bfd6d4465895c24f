"""Audio and phone keys (DTMF) in; turn edges, flushes and the audio of turns out."""

from collections import deque
from typing import ClassVar, assert_never

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    UserStartedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection

from core import events
from core.audio import pcm
from core.ports import Session
from core.turns.endpointing import Action, CloseTurn, OpenTurn, TurnMachine, TurnPolicy, VoiceSpanEnded
from core.turns.flush import Chunk, Flush
from core.turns.vad import VoiceMarker, VoicePolicy
from processors.frames import AnswerExpectedFrame, CallerStoppedFrame, FlushFrame, VoiceSpanFrame
from processors.manual_vad.settings import ManualVadSettings
from processors.manual_vad.silero import RATE, SileroDetector, VoiceDetector
from processors.stage import Stage


class ManualVad(Stage[ManualVadSettings]):
    """Passes on the audio of the caller's turns, each between a start and a stop frame, and no other audio.

    A subclass may name another `Detector` of voice.
    """

    Settings = ManualVadSettings
    Detector: ClassVar[type[VoiceDetector]] = SileroDetector

    def __init__(self, settings: ManualVadSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._detector = self.Detector()
        self._marker = VoiceMarker(
            VoicePolicy(settings.start_confidence, settings.stop_confidence, settings.volume, settings.above_noise)
        )
        policy = TurnPolicy(settings.minimum_speech, settings.silence, settings.longest_turn)
        self._turns = TurnMachine(policy, settings.flush_strategy)
        # Not passed on yet: before a turn its onset, in a turn the audio that may be on either side of a flush.
        self._held: deque[InputAudioRawFrame] = deque()
        self._examiner_speaking = False
        self._awaiting_reply_since: float | None = None  # when the caller's last voice ended
        self._finished = False

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        match frame:
            case InputAudioRawFrame():
                await self._on_audio(frame)
                return
            case AnswerExpectedFrame(silence=silence):
                await self._carry_out(self._turns.set_silence(silence, self.session.now()))
                return
            case InputDTMFFrame(button=key):
                await self._pressed(key.value)
            case BotStartedSpeakingFrame() if direction is FrameDirection.UPSTREAM:
                self._reply_started()
            case BotStoppedSpeakingFrame() if direction is FrameDirection.UPSTREAM:
                self._examiner_speaking = False
            case EndFrame() | CancelFrame():
                await self._carry_out(self._turns.close_turn(self.session.now()))
            case _:
                pass
        await self.push_frame(frame, direction)

    async def woken(self, now: float) -> None:
        await self._carry_out(self._turns.tick(now))

    async def finish(self) -> None:
        """The call is ending: the turn is closed, and none is opened any more."""
        self._finished = True
        await self._carry_out(self._turns.close_turn(self.session.now()))

    async def _on_audio(self, frame: InputAudioRawFrame) -> None:
        if self._finished:
            return
        if frame.sample_rate != RATE:
            raise ValueError(
                f"manual_vad needs {RATE} Hz and got {frame.sample_rate}: put a resampler stage with rate {RATE}"
                " before it"
            )
        likelihood = self._detector.confidence(frame.audio, in_turn=self._turns.open)
        loudness, length = pcm.level(frame.audio), pcm.seconds(frame.audio, RATE)
        chunk = Chunk(self._marker.mark(likelihood, loudness, length), loudness, length)
        self._held.append(frame)
        await self._carry_out(self._turns.on_audio(chunk, self.session.now()))
        if not self._turns.open:
            self._trim_onset()
        elif not self._turns.holding:
            await self._release()

    async def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case OpenTurn(at):
                    self.session.record(events.TurnOpened(at))
                    if self._examiner_speaking and self.settings.barge_in:
                        await self.broadcast_interruption()
                    await self.push_frame(UserStartedSpeakingFrame())
                case VoiceSpanEnded(started, ended):
                    await self.push_frame(VoiceSpanFrame(started=started, ended=ended))
                case Flush(at, why, carried_over):
                    await self._release(all_but=carried_over)
                    await self.push_frame(FlushFrame(why=why, at=at))
                case CloseTurn(at, why, spoke_until, voiced):
                    self.session.record(events.TurnClosed(at, why, voiced))
                    self._awaiting_reply_since = spoke_until
                    await self._release()
                    await self.push_frame(CallerStoppedFrame(spoke_until=spoke_until, voiced=voiced))
                case _:
                    assert_never(action)
        self.wake_at(self._turns.deadline())

    async def _release(self, all_but: int = 0) -> None:
        """Pass on the frames held back, except for the newest `all_but`."""
        while len(self._held) > all_but:
            await self.push_frame(self._held.popleft())

    def _trim_onset(self) -> None:
        # The voice that opens a turn belongs to it, and the pre-roll before that voice.
        most = pcm.size(self.settings.pre_roll + self.settings.minimum_speech, RATE)
        while len(self._held) > 1 and sum(len(frame.audio) for frame in self._held) > most:
            self._held.popleft()

    async def _pressed(self, key: str) -> None:
        now = self.session.now()
        self.session.record(events.KeyPressed(now, key))
        if key == self.settings.end_key:
            await self._carry_out(self._turns.close_turn(now, "key"))

    def _reply_started(self) -> None:
        self._examiner_speaking = True
        if self._awaiting_reply_since is not None and not self._turns.open:
            now = self.session.now()
            self.session.record(events.ReplyStarted(now, now - self._awaiting_reply_since))
            self._awaiting_reply_since = None
