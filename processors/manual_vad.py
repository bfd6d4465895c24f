"""Voice marks -> TurnMachine -> turn edges and flushes. Keeps the onset of speech for the window it opens."""

from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, assert_never

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
from pydantic import Field, model_validator

from core import events, pcm
from core.flushing import LOOK_AHEAD, Chunk, Flush, Flushing, NoFlush, TimerFlush, ValleyFlush
from core.ports import Session
from core.turns import Action, CloseTurn, OpenTurn, TurnMachine, TurnPolicy, VoiceHeard
from core.voicing import VoiceMarker, VoicePolicy
from processors.frames import AnswerDueFrame, CallerStoppedFrame, FlushFrame, VoiceHeardFrame
from processors.stage import Stage, StageSettings
from processors.voice import RATE, Voice, VoiceDetector, level

Profile = Literal["headset", "phone", "noisy room"]

# What a profile says where a config does not. The defaults are a headset's.
PROFILES: Mapping[Profile, Mapping[str, Any]] = {
    "headset": {},
    # A telephone's band has no sibilants above 3.4 kHz, which makes the detector less certain at the edges of words; a
    # codec's silence suppression clips them; and jitter makes pauses longer than they were spoken.
    "phone": {
        "start_confidence": 0.45,
        "stop_confidence": 0.3,
        "silence": 1.0,
        "pre_roll": 0.4,
    },
    # Other people's voices are voice to the detector as well, only farther away: what counts is being clearly louder
    # than the room, for longer than a shout across it. Not by much: speech 10 dB over the noise is 6 over it half the
    # time.
    "noisy room": {
        "start_confidence": 0.6,
        "stop_confidence": 0.4,
        "volume": 0.01,
        "above_noise": 6.0,
        "minimum_speech": 0.3,
        "pre_roll": 0.4,
    },
}


class ManualVadSettings(StageSettings):
    """When the caller's turn begins and ends. The service's own detection is off: these are the only knobs."""

    profile: Profile = Field(
        "headset",
        description="where the caller sits; sets the keys below that are not set here (docs/turns.md has the values)",
    )
    start_confidence: float = Field(
        0.5, gt=0, lt=1, description="likelihood from which a window of 32 ms counts as voice"
    )
    stop_confidence: float = Field(
        0.35, gt=0, lt=1, description="likelihood below which voice ends; not above `start_confidence`"
    )
    volume: float = Field(
        0.0, ge=0, lt=1, description="level (root mean square, 0 to 1) below which nothing counts as voice"
    )
    above_noise: float = Field(
        3.0,
        ge=0,
        le=40,
        description="decibels by which voice stands out from the noise of the room, which is followed all the time;"
        " 0 does not look",
    )
    minimum_speech: float = Field(0.2, gt=0, description="seconds of voice that open a turn")
    silence: float = Field(
        0.8, gt=0, description="seconds of quiet that end a turn, where the exam does not ask for others"
    )
    longest_turn: float | None = Field(
        None,
        gt=0,
        description="seconds after which a turn is closed though the caller speaks, or something that sounds like it;"
        " null never does",
    )
    end_key: str | None = Field(
        None, pattern="^[0-9*#]$", description='key of the phone that ends a turn at once, such as "#"'
    )
    pre_roll: float = Field(
        0.3, ge=0, description="seconds of audio before the detected onset that the turn begins with"
    )
    flush: Literal["valley", "timer", "none"] = Field(
        "valley",
        description='how a long turn is cut into windows: "valley" in a pause, or else where it is quietest; "timer" on'
        ' the second, in mid-word too; "none" never',
    )
    flush_after: float = Field(
        8.0,
        gt=0,
        description="seconds in one window before it may be flushed, or is by the timer. Transcription of 2.5 native"
        " audio was seen to stall after 10 to 40 s",
    )
    flush_ceiling: float = Field(
        15.0, gt=0, description='seconds in one window after which "valley" does not wait for a pause any longer'
    )
    barge_in: bool = Field(True, description="whether the caller's speech stops the examiner's voice")

    @model_validator(mode="before")
    @classmethod
    def _as_the_profile_says(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        said = next((said for name, said in PROFILES.items() if name == data.get("profile")), {})
        return {**said, **data}

    @model_validator(mode="after")
    def _in_order(self) -> "ManualVadSettings":
        if self.stop_confidence > self.start_confidence:
            raise ValueError(
                f"stop_confidence ({self.stop_confidence:g}) is above start_confidence ({self.start_confidence:g}):"
                " voice would end as it begins"
            )
        if self.flush == "valley" and self.flush_ceiling < self.flush_after + LOOK_AHEAD:
            raise ValueError(
                f"flush_ceiling ({self.flush_ceiling:g}) must be at least {LOOK_AHEAD:g} s above flush_after"
                f" ({self.flush_after:g})"
            )
        return self

    @property
    def flushing(self) -> Flushing:
        """The strategy, new for each call."""
        match self.flush:
            case "valley":
                return ValleyFlush(self.flush_after, self.flush_ceiling)
            case "timer":
                return TimerFlush(self.flush_after)
            case "none":
                return NoFlush()


class ManualVad(Stage[ManualVadSettings]):
    """Lets through what the caller says, between a start and a stop, and nothing else.

    A subclass may name another `Detector` of voice.
    """

    Settings = ManualVadSettings
    Detector: ClassVar[type[VoiceDetector]] = Voice

    def __init__(self, settings: ManualVadSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._voice = self.Detector()
        self._marker = VoiceMarker(
            VoicePolicy(settings.start_confidence, settings.stop_confidence, settings.volume, settings.above_noise)
        )
        policy = TurnPolicy(settings.minimum_speech, settings.silence, settings.longest_turn)
        self._turns = TurnMachine(policy, settings.flushing)
        # Not passed on yet: before a turn its onset, in a turn what may be on either side of a flush.
        self._held: deque[InputAudioRawFrame] = deque()
        self._examiner_speaking = False
        self._awaiting_reply_since: float | None = None  # when the caller was heard last
        self._concluded = False

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        match frame:
            case InputAudioRawFrame():
                await self._heard(frame)
                return
            case AnswerDueFrame(silence=silence):
                await self._carry_out(self._turns.expect(silence, self.session.now()))
            case InputDTMFFrame(button=key):
                await self._pressed(key.value)
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
        likelihood = self._voice.confidence(frame.audio, in_turn=self._turns.open)
        loudness, length = level(frame.audio), pcm.seconds(frame.audio, RATE)
        chunk = Chunk(self._marker.mark(likelihood, loudness, length), loudness, length)
        self._held.append(frame)
        await self._carry_out(self._turns.heard(chunk, self.session.now()))
        if not self._turns.open:
            self._forget_all_but_the_onset()
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
                case VoiceHeard(started, ended):
                    await self.push_frame(VoiceHeardFrame(started=started, ended=ended))
                case Flush(at, why, behind):
                    await self._release(all_but=behind)
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
        """Pass on what was held back, except for the newest frames."""
        while len(self._held) > all_but:
            await self.push_frame(self._held.popleft())

    def _forget_all_but_the_onset(self) -> None:
        # The voice that is weighed before a turn opens belongs to it, and the pre-roll before that voice.
        most = pcm.size(self.settings.pre_roll + self.settings.minimum_speech, RATE)
        while len(self._held) > 1 and sum(len(frame.audio) for frame in self._held) > most:
            self._held.popleft()

    async def _pressed(self, key: str) -> None:
        now = self.session.now()
        self.session.record(events.KeyPressed(now, key))
        if key == self.settings.end_key:
            await self._carry_out(self._turns.end(now, "key"))

    def _reply_started(self) -> None:
        self._examiner_speaking = True
        if self._awaiting_reply_since is not None and not self._turns.open:
            now = self.session.now()
            self.session.record(events.ReplyStarted(now, now - self._awaiting_reply_since))
            self._awaiting_reply_since = None
