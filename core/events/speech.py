"""What was said, how it was transcribed, and which output of the model was not played."""

from dataclasses import dataclass
from typing import Any, Literal, cast

from core.events.base import Event

Speaker = Literal["caller", "examiner"]
Source = Literal["live", "shadow", "repaired"]


@dataclass(frozen=True, slots=True)
class SegmentTiming:
    """When a segment of an utterance's text was said, from the character `offset` on to the next segment."""

    offset: int
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class UtteranceSpoken(Event):
    """One side finished an utterance.

    `started` and `ended` are seconds since the call began. `interrupted` when the other side barged in; `partial` when
    the text may be incomplete (the connection was given up, or the call ended, before the service finished it).
    `source` is whose transcription it is: the Live session's (live), the second transcriber's (shadow), or the former
    with its gaps filled from the latter (repaired). `times` has the timing of the text's segments, where it is known:
    for live text the voice between the arrival of the segment before and of this one, for shadow text the audio that
    the segment was transcribed from.
    """

    speaker: Speaker
    text: str
    started: float
    ended: float
    interrupted: bool = False
    partial: bool = False
    source: Source = "live"
    times: tuple[SegmentTiming, ...] = ()

    def __post_init__(self) -> None:
        # As they are read back from the log.
        parts = (SegmentTiming(**cast("dict[str, Any]", one)) if isinstance(one, dict) else one for one in self.times)
        object.__setattr__(self, "times", tuple(parts))


@dataclass(frozen=True, slots=True)
class TranscriptCheckpointed(Event):
    """The text so far of an utterance that is not finished, should the process die before it is.

    The utterance with the same `started` replaces it.
    """

    speaker: Speaker
    text: str
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class ReplyStarted(Event):
    """The first audio of a reply was sent to the caller, `latency` seconds after the caller's speech ended."""

    latency: float


@dataclass(frozen=True, slots=True)
class RepetitionNoticed(Event):
    """The examiner repeated what it had said before; `similarity` from 0 to 1."""

    text: str
    similarity: float


@dataclass(frozen=True, slots=True)
class ReplySuppressed(Event):
    """Output of the model that was not played to the caller.

    `why` is flush (a reply to a flush, the caller was still speaking), premature (the caller had only paused), mute (it
    had no audio) or repetition. `seconds` of audio were not played; `text` is its transcription, as far as it is known.
    """

    why: str
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class GapFound(Event):
    """The caller's voice was detected from `started` to `ended`, and the transcript has too few words for it.

    `why` is missing, or script or language where there are words, and they are not of a language that is expected.
    """

    started: float
    ended: float
    words: int
    why: Literal["missing", "script", "language"] = "missing"


@dataclass(frozen=True, slots=True)
class GapRepaired(Event):
    """A gap was retranscribed by the second transcriber; `text` is empty when it found no words."""

    started: float
    ended: float
    text: str


@dataclass(frozen=True, slots=True)
class AlternativeTranscribed(Event):
    """The transcription of the caller from `started` to `ended` that is not in the transcript, because `source` is the
    one that had fewer words, or was not preferred.
    """

    started: float
    ended: float
    text: str
    source: Source


@dataclass(frozen=True, slots=True)
class MarkersRemoved(Event):
    """Markers, which a transcriber writes and nobody says (<noise>, [laughs], <ctrl46>), were removed from the text of
    `speaker`: `count` of them. `text` has the different ones, 200 characters at most.
    """

    speaker: Speaker
    count: int
    text: str


@dataclass(frozen=True, slots=True)
class TranscriptMeasured(Event):
    """How complete the caller's transcript is: the share of voiced seconds that have words, 0 to 1."""

    completeness: float
    voiced: float
    gaps: int
    repaired: int
