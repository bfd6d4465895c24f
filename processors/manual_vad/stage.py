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
from core.turns.absence import AbsenceDetector, Back
from core.turns.endpointing import Action, CloseTurn, OpenTurn, TurnMachine, TurnPolicy, VoiceSpanEnded
from core.turns.flush import Chunk, Flush
from core.turns.vad import VoiceMarker, VoicePolicy
from processors.frames import (
    AnswerExpectedFrame,
    AudioMissingFrame,
    CallerAwayFrame,
    CallerBackFrame,
    CallerStoppedFrame,
    FlushFrame,
    PacketsStoppedFrame,
    VoiceSpanFrame,
)
from processors.manual_vad.settings import ManualVadSettings
from processors.manual_vad.silero import RATE, SileroDetector, VoiceDetector
from processors.stage import Stage


class ManualVad(Stage[ManualVadSettings]):
    """Passes on the audio of the caller's turns, each between a start and a stop frame, and no other audio.

    A subclass may name another `Detector` of voice.
    """

    Settings = ManualVadSettings
    gives = (UserStartedSpeakingFrame, FlushFrame, VoiceSpanFrame, CallerStoppedFrame)
    Detector: ClassVar[type[VoiceDetector]] = SileroDetector

    def __init__(self, settings: ManualVadSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._detector = self.Detector()
        self._marker = VoiceMarker(
            VoicePolicy(settings.start_confidence, settings.stop_confidence, settings.volume, settings.above_noise)
        )
        policy = TurnPolicy(settings.minimum_speech, settings.silence, settings.longest_turn)
        self._turns = TurnMachine(policy, settings.flush_strategy)
        self._absence = AbsenceDetector(settings.packet_gap)
        self._left_in_turn = False  # the turn was open when the caller was last found away
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
            case PacketsStoppedFrame(silent_for=silent_for):
                await self._packets_stopped(silent_for)
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
        if away := self._absence.tick(now):
            self._left_in_turn = self._turns.open
            self.session.record(events.AudioStopped(now, away.since))
            await self._carry_out(self._turns.caller_away())
            await self.push_frame(CallerAwayFrame(since=away.since))
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
        chunk, now = Chunk(self._marker.mark(likelihood, loudness, length), loudness, length), self.session.now()
        await self._packets_come(length, now)
        self._held.append(frame)
        await self._carry_out(self._turns.on_audio(chunk, now))
        if not self._turns.open:
            self._trim_onset()
        elif not self._turns.holding:
            await self._release()

    async def _packets_stopped(self, silent_for: float) -> None:
        if self._finished:
            return
        now = self.session.now()
        await self._caller_back(self._absence.packets_stopped(max(0.0, now - silent_for)), now)
        self._turns.packets_stopped()
        self._set_alarm()

    async def _packets_come(self, length: float, now: float) -> None:
        """Before a chunk is looked at: it may be the first, or the last, that an absence is judged by."""
        await self._caller_back(self._absence.on_audio(length, now), now)
        if self._left_in_turn and self._absence.back_after > self.settings.grace:
            await self._caller_back(self._absence.end(), now)
            await self._carry_out(self._turns.close_turn(now, "absence"))

    async def _caller_back(self, back: Back | None, now: float) -> None:
        if back is None:
            return
        in_turn, self._left_in_turn = self._left_in_turn, False
        self.session.record(events.AudioResumed(now, round(back.lasted, 3), round(back.missing, 3), in_turn))
        if in_turn and back.missing:
            await self._audio_missing(back.since, back.since + back.lasted, back.missing)
        too_long = back.lasted > self.settings.grace
        await self.push_frame(CallerBackFrame(missing=back.missing, in_turn=in_turn, too_long=too_long))

    async def _audio_missing(self, started: float, ended: float, seconds: float) -> None:
        # Whoever is away for longer than the turn stays open has hardly gone on speaking all the time.
        lost = min(seconds, max(self.settings.grace, self.settings.packet_gap))
        await self.push_frame(AudioMissingFrame(started=started, ended=ended, seconds=lost))

    async def _turn_ends(self, now: float) -> None:
        """Say what is missing of the turn, before its end."""
        await self._caller_back(self._absence.end(), now)
        since = self._absence.stopped_since
        if self._left_in_turn and since is not None:  # the call ends, and the caller is still away
            self._left_in_turn = False
            await self._audio_missing(since, now, now - since)

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
                    await self._turn_ends(at)
                    self.session.record(events.TurnClosed(at, why, voiced))
                    self._awaiting_reply_since = spoke_until
                    await self._release()
                    await self.push_frame(CallerStoppedFrame(spoke_until=spoke_until, voiced=voiced))
                case _:
                    assert_never(action)
        self._set_alarm()

    def _set_alarm(self) -> None:
        deadlines = (self._turns.deadline(), self._absence.deadline())
        self.wake_at(min((at for at in deadlines if at is not None), default=None))

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
