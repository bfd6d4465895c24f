"""The settings of `manual_vad`, and its profiles."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from core.turns.flush import LOOK_AHEAD, FlushStrategy, NoFlush, TimerFlush, ValleyFlush
from processors.stage import StageSettings

Profile = Literal["headset", "phone", "noisy room"]


# What a profile says where a config does not. The defaults are a headset's.
PROFILES: Mapping[Profile, Mapping[str, Any]] = {
    "headset": {},
    # A telephone's band has no sibilants above 3.4 kHz, which makes the detector less certain at the edges of words; a
    # codec's silence suppression clips them; and jitter makes pauses longer than they were.
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
    """When the caller's turn begins and ends. The service's own detection is off: only these settings count."""

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
        description="decibels by which voice is above the noise floor, which is tracked all the time; 0 ignores it",
    )
    minimum_speech: float = Field(0.2, gt=0, description="seconds of voice that open a turn")
    silence: float = Field(
        0.8, gt=0, description="seconds of quiet that end a turn, where the exam plan does not set its own"
    )
    longest_turn: float | None = Field(
        None,
        gt=0,
        description="seconds after which a turn is closed though there is still voice, or a noise like it; null: never",
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
    packet_gap: float = Field(
        1.0,
        ge=0.5,
        le=10,
        description="seconds without a packet of audio after which the caller counts as away; they are no silence. Only"
        " transports that know their packets (`webrtc`)",
    )
    grace: float = Field(
        15.0,
        ge=0,
        le=300,
        description="seconds that the caller may be away in the middle of a turn and then go on with it; after more of"
        " them the turn ends, and the examiner asks again",
    )
    barge_in: bool = Field(True, description="whether the caller's speech stops the examiner's voice")

    @model_validator(mode="before")
    @classmethod
    def _as_the_profile_says(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        values = next((values for name, values in PROFILES.items() if name == data.get("profile")), {})
        return {**values, **data}

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
    def flush_strategy(self) -> FlushStrategy:
        """A new strategy, for one call."""
        match self.flush:
            case "valley":
                return ValleyFlush(self.flush_after, self.flush_ceiling)
            case "timer":
                return TimerFlush(self.flush_after)
            case "none":
                return NoFlush()
