"""What each model family can do: a table.

Rows follow the vendors' documents where they speak, and reports of users where they do not.
A value that nobody has published is marked (guess); a scenario may override any of them.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

Coverage = Literal[
    "TURN_INCLUDES_ONLY_ACTIVITY",
    "TURN_INCLUDES_ALL_INPUT",
    "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
]
Behavior = Literal["BLOCKING", "NON_BLOCKING"]
Style = Literal["increments", "utterance", "interim"]


class Model(BaseModel):
    """The capabilities and habits of one model family."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    content_later: bool = Field(description="takes clientContent after the conversation began")
    history_first: bool = Field(description="honours historyConfig.initialHistoryInClientContent")
    media_chunks: bool = Field(description="takes the legacy realtimeInput.mediaChunks")
    modalities: frozenset[str] = Field(default=frozenset({"AUDIO"}), description="what it can answer in")
    thinking: Literal["budget", "level", "level required"]
    default_behavior: Behavior = Field(description="of a function that names none")
    behaviors: frozenset[Behavior] = Field(description="that a declaration may ask for")
    completes_call: bool = Field(default=False, description="sends turnComplete behind a function call it waits for")
    answers: bool = Field(default=True, description="replies; a model that only transcribes does not")
    transcription: Style = Field(
        description="of what the user says; 'interim' is all of it so far again and again, then once for good"
    )
    final_after: float = Field(default=0.0, ge=0, description="seconds from the end of a window to its final text")
    stalls: bool = Field(default=True, description="a scenario's transcription.stall_after holds for it")
    signals: bool = Field(default=False, description="sends voiceActivity unasked")
    input_unasked: bool = Field(default=False, description="sends inputTranscription unasked")
    output_unasked: bool = Field(default=False, description="sends outputTranscription unasked")
    coverage: Coverage = Field(description="default turnCoverage")
    affective: bool = Field(description="takes enableAffectiveDialog and proactivity")
    bundles: bool = Field(description="puts audio and transcript in one message")
    status: bool = Field(description="sends interactionStatus beside turnComplete")
    rounds: int = Field(default=1, ge=1, description="turnComplete messages within one interaction")
    window: int = Field(description="tokens of context")
    lifetime: float | None = Field(description="seconds from connecting to the deadline")
    lifetime_compressed: float | None = Field(description="the same with compression on")
    lead: float = Field(default=50.0, ge=0, description="seconds of notice that goAway gives")
    overshoot: float = Field(default=0.0, ge=0, description="seconds the socket lives past the deadline")
    end_code: int = Field(description="close code at the end of a connection")
    end_reason: str = Field(description="close reason at the end of a connection")
    session_limit: float | None = Field(default=900.0, description="seconds of session, uncompressed")
    silence_ms: int = Field(default=500, description="quiet that ends a turn, automatic detection (guess)")
    speed: float = Field(default=4.0, gt=0, description="audio made, in multiples of real time (guess)")
    holds: bool = Field(default=True, description="turnComplete waits until the audio would have been played")
    leaks: int = Field(default=0, ge=0, description="audio chunks a flushed reply still sends (guess)")
    charges_cut: bool = Field(default=True, description="bills a reply cut before its output (guess)")
    bills_silence: bool = Field(default=True, description="bills audio between automatic activities")
    text_per_audio: bool = Field(default=False, description="bills output transcripts as text (guess)")


# googleapis/python-genai types.py; google-gemini/gemini-skills gemini-live-api-dev/SKILL.md;
# the 10-minute close: discuss.ai.google.dev/t/116509 (2.5), kazunori279/interpretab (3.1).
_NATIVE_25: Final = Model(
    family="2.5",
    content_later=True,
    history_first=False,
    media_chunks=True,
    thinking="budget",
    default_behavior="BLOCKING",
    behaviors=frozenset({"BLOCKING", "NON_BLOCKING"}),
    # google/adk-python gemini_llm_connection.py: 2.5 ends the turn behind its calls, 3.x once they are answered.
    completes_call=True,
    transcription="increments",
    coverage="TURN_INCLUDES_ONLY_ACTIVITY",
    affective=True,
    bundles=False,
    status=False,
    window=131_072,
    lifetime=590.0,
    lifetime_compressed=590.0,
    overshoot=9.7,
    end_code=1011,
    end_reason=(
        "Thread was cancelled when writing StartStep status to channel.; "
        "Failed to close the streaming context; status = CANCELLED:"
    ),
)
_FLASH_31: Final = Model(
    family="3.1",
    content_later=False,
    history_first=True,
    media_chunks=False,
    thinking="level",
    default_behavior="BLOCKING",
    behaviors=frozenset({"BLOCKING"}),
    transcription="utterance",
    # discuss.ai.google.dev/t/171882: returned on every turn whether asked for or not.
    input_unasked=True,
    coverage="TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
    affective=False,
    bundles=True,
    status=False,
    window=131_072,
    lifetime=590.0,
    lifetime_compressed=590.0,
    overshoot=0.4,
    end_code=1008,
    end_reason="The operation was aborted.",
)
# discuss.ai.google.dev/t/186392: 58:00 with compression, 3 of 3. Without compression no figure
# was published; the session limit of 15 minutes comes first (guess).
_LIVE_38: Final = _FLASH_31.model_copy(
    update={
        "family": "3.8",
        "default_behavior": "NON_BLOCKING",
        "behaviors": frozenset({"BLOCKING", "NON_BLOCKING"}),
        # discuss.ai.google.dev/t/188765: output transcription came unrequested.
        "output_unasked": True,
        "input_unasked": False,
        "status": True,
        "lifetime_compressed": 3480.0,
        "lifetime": 3480.0,
        "overshoot": 0.0,
        "end_code": 1011,
        "end_reason": "Deadline expired before operation could complete.",
    }
)
_THINKING_38: Final = _LIVE_38.model_copy(
    update={
        "family": "3.8-thinking",
        "thinking": "level required",
        "behaviors": frozenset({"NON_BLOCKING"}),
        "rounds": 2,
    }
)
# TEXT only, 10 minutes of audio, no word times: docs.cloud.google.com gemini-enterprise-agent-platform
# models/gemini/3-5-transcribe. AUDIO is closed with 1007, and no usage is ever sent: BerriAI/litellm 38540.
# generationComplete with each final text, no turnComplete; 1 to 2 s of quiet end an utterance:
# coval-ai/benchmarks 552. Final text 262 ms after activityEnd: trevornk/ramblr 227. voiceActivity unasked,
# and nothing else about a silent window: the probed shapes in a public client's tests (VizierEngine).
# How it ends is not published; the close of 3.1 is taken (guess).
_TRANSCRIBE_35: Final = Model(
    family="3.5-transcribe",
    content_later=False,
    history_first=False,
    media_chunks=False,
    modalities=frozenset({"TEXT"}),
    thinking="level",
    default_behavior="BLOCKING",
    behaviors=frozenset({"BLOCKING"}),
    answers=False,
    transcription="interim",
    final_after=0.262,
    stalls=False,
    signals=True,
    coverage="TURN_INCLUDES_ONLY_ACTIVITY",
    affective=False,
    bundles=False,
    status=False,
    window=131_072,
    lifetime=600.0,
    lifetime_compressed=600.0,
    end_code=_FLASH_31.end_code,
    end_reason=_FLASH_31.end_reason,
    session_limit=None,
    silence_ms=1500,
)

MODELS: Final[dict[str, Model]] = {
    "gemini-2.5-flash-native-audio-preview-12-2025": _NATIVE_25,
    "gemini-2.5-flash-native-audio-preview-09-2025": _NATIVE_25,
    "gemini-live-2.5-flash-native-audio": _NATIVE_25,
    "gemini-3.1-flash-live-preview": _FLASH_31,
    "gemini-3.8-live": _LIVE_38,
    "gemini-3.8-live-extended-thinking": _THINKING_38,
    "gemini-3.5-transcribe-live": _TRANSCRIBE_35,
}

# Any other name under these is answered by the text endpoint: the fallback scorer's model is the
# caller's choice, and nothing in its behaviour is emulated but the shape of the answer.
TEXT_PREFIX: Final = "gemini-"


def bare(name: str) -> str:
    """Strip `models/` or a full resource name down to the model's id."""
    return name.rsplit("/", 1)[-1]


def find(name: str) -> Model | None:
    """Look up a Live model by any spelling of its name."""
    return MODELS.get(bare(name))
