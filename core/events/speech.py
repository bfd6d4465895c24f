"""What was said, and what was kept from being heard."""

from dataclasses import dataclass
from typing import Any, Literal, cast

from core.events.base import Event

Speaker = Literal["caller", "examiner"]
Source = Literal["live", "shadow", "repaired"]


@dataclass(frozen=True, slots=True)
class Timed:
    """The part of an utterance's text from its character `offset` on to the next part, and when it was said."""

    offset: int
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class UtteranceSpoken(Event):
    """One side finished an utterance.

    `started` and `ended` are seconds since the call began. `interrupted` when it was cut off; `partial` when the
    text may be incomplete (the link dropped, or the call ended, before the service finished it). `source` is whose
    ears heard it: the dialogue's own (live), the second pair (shadow), or the second pair where the first had a hole
    (repaired). `times` says more closely when the parts of the text were said, where anything is known of it: for
    live text the voice between the arrival of the part before and of this one, for shadow text the audio that the part
    was heard in.
    """

    speaker: Speaker
    text: str
    started: float
    ended: float
    interrupted: bool = False
    partial: bool = False
    source: Source = "live"
    times: tuple[Timed, ...] = ()

    def __post_init__(self) -> None:
        # As they are read back from the log.
        parts = (Timed(**cast("dict[str, Any]", one)) if isinstance(one, dict) else one for one in self.times)
        object.__setattr__(self, "times", tuple(parts))


@dataclass(frozen=True, slots=True)
class TranscriptCheckpointed(Event):
    """What one side has said so far of an utterance that is not finished, should the process die before it is.

    The utterance that began at the same `started` replaces it.
    """

    speaker: Speaker
    text: str
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class ReplyStarted(Event):
    """The examiner's first audio left for the caller, `latency` seconds after the caller's speech ended."""

    latency: float


@dataclass(frozen=True, slots=True)
class RepetitionNoticed(Event):
    """The examiner said again what it had said before; `similarity` from 0 to 1."""

    text: str
    similarity: float


@dataclass(frozen=True, slots=True)
class ReplySuppressed(Event):
    """Words of the model that the caller did not hear.

    `why` is flush (an answer to a flush, the caller was still speaking), premature (the caller had only paused),
    mute (no sound came with them) or repetition. `seconds` of audio were not played; `text` is what they said, as far
    as it is known.
    """

    why: str
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class GapFound(Event):
    """The caller was heard to speak from `started` to `ended`, and the transcript has too few words for it."""

    started: float
    ended: float
    words: int


@dataclass(frozen=True, slots=True)
class GapRepaired(Event):
    """A hole was transcribed again by the second ears; `text` is what they heard, empty when they heard nothing."""

    started: float
    ended: float
    text: str


@dataclass(frozen=True, slots=True)
class AlternativeTranscribed(Event):
    """What the other pair of ears heard the caller say from `started` to `ended`: the version that is not in the
    transcript, because `source` is the one that had fewer words, or was not preferred.
    """

    started: float
    ended: float
    text: str
    source: Source


@dataclass(frozen=True, slots=True)
class TranscriptMeasured(Event):
    """How complete the caller's transcript is: the share of voiced seconds that have words, 0 to 1."""

    completeness: float
    voiced: float
    holes: int
    repaired: int
