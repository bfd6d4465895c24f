"""YAML settings -> LiveConnectConfig."""

import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from google import genai
from google.genai import types
from pydantic import Field, SecretStr, ValidationInfo, model_validator

from core.live.connection import ConnectionPolicy
from core.live.model_facts import ModelFacts, model_facts
from core.live.policy import LivePolicy, StaleHandle
from core.live.turn_taking import ReplyGateMode
from core.live.watchdog import WatchdogPolicy
from processors.gemini_live.farewell import FarewellFile
from processors.stage import ConfigPath, StageSettings


class GeminiLiveSettings(StageSettings):
    """How to reach the Live API, and what to ask of it."""

    RENAMED: ClassVar = {
        "silence": "idle_timeout",
        "check_memory": "context_check",
        "tell_unheard": "report_suppressed",
        "gate": "reply_gate",
        "stale_handle=tell": "instruct",
        "stale_handle=fresh": "new_session",
    }

    model: str = Field("gemini-3.8-live", description="Live model, with or without `models/`")
    prompt: ConfigPath | None = Field(None, description="file with the system instruction")
    opening: str = Field(
        "The candidate is on the line. Begin.",
        min_length=1,
        description="text that is sent to the model at the start of the call, to make the examiner speak first",
    )
    key: SecretStr | None = Field(None, description="API key; not needed with the embedded emulator")
    base_url: str | None = Field(
        None,
        pattern="^https://",
        description="of a gateway or an emulator; Google's own when absent. The SDK dials TLS",
    )
    ca_file: ConfigPath | None = Field(
        None, description="PEM file of the authority that base_url's certificate is from"
    )
    api_version: str | None = Field(None, description="v1beta by default; v1alpha for ephemeral tokens")

    voice: str = Field("Aoede", description="prebuilt voice of the examiner")
    language: str | None = Field(None, description="BCP 47 code of the speech, where the model wants one")
    transcription_languages: tuple[str, ...] = Field(
        (),
        max_length=20,
        description="BCP 47 codes of what the candidate speaks, as hints for the transcription (`languageCodes`). None"
        " are sent by default: which Live models take them is not known, and a field that one does not know is fatal",
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="how freely the model chooses its words; the model's own default when absent"
    )
    max_output_tokens: int | None = Field(
        None, gt=0, description="most tokens of one reply, audio included; the model's own limit when absent"
    )
    thinking_budget: int | None = Field(None, ge=-1, description="tokens of thought (2.5); 0 is off, -1 is automatic")
    thinking_level: Literal["minimal", "low", "medium", "high"] | None = Field(
        None, description="depth of thought (3.x; needed by -extended-thinking)"
    )
    transcribe_caller: bool = Field(True, description="ask for the text of what the caller says")
    transcribe_examiner: bool = Field(True, description="ask for the text of what the examiner says")
    resumption: bool = Field(True, description="ask for handles, so that a lost connection can be resumed")
    compression: bool = Field(
        True, description="sliding context window; without it a session ends after 15 minutes of audio"
    )
    text_as: Literal["realtime", "content"] | None = Field(
        None,
        description="how text goes to the model: as realtime input (3.x refuses content in mid-session) or as content"
        " (2.5). By default by the model's name",
    )
    lifetime: float | None = Field(
        None,
        gt=60,
        description="seconds a connection lives; from a minute before its end it is replaced by the next one at the"
        " first quiet moment. By default by the model's name: 590 (2.5, 3.1) or 3480 (3.8)",
    )

    chunk: float = Field(
        0.08,
        gt=0,
        le=0.5,
        description="seconds of the caller's speech that make a message; 0.05 to 0.1 is what Google's agent kit"
        " recommends. The end of a turn or a flush sends what there is, so no answer comes later for it",
    )

    text_model: str | None = Field(
        "gemini-2.5-flash", description="model that reads the transcript when the call ended without scores; null: none"
    )
    text_timeout: float = Field(20.0, gt=0, description="seconds for that model to answer")

    backoff: tuple[float, ...] = Field((1.0, 2.0, 4.0), description="seconds before each further attempt to connect")
    long_wait: float = Field(
        15.0, gt=0, description="seconds before the next attempt after the service said that a quota is used up"
    )
    dial_timeout: float = Field(
        8.0,
        gt=0,
        description="seconds for the service to answer setup; 0.2 to 0.3 were measured (kazunori279/interpretab)",
    )
    last_words: float = Field(
        6.0, ge=0, description="seconds to wait at the end of a call for the text of the caller's last words"
    )
    keepalive: float | None = Field(
        None, gt=0, description="seconds between pings; off by default, since pongs of 8 to 30 s were measured"
    )
    reply_timeout: float = Field(
        10.0, gt=0, description="seconds without a reply after which the model is asked to go on"
    )
    nudge_timeout: float = Field(
        4.0,
        gt=0,
        description="seconds without a reply after that until the connection is replaced and the answer replayed. A"
        " model that is there answers the second request as it answers any; one that has frozen has let the caller"
        " wait long enough",
    )
    stale_handle: StaleHandle = Field(
        "instruct",
        description="what to do when a connection is lost and the newest handle is older than a turn that is over."
        ' "instruct" resumes with it, so that the model still has the audio of the earlier answers, and sends the text'
        " of that turn inside the caller's next activity window; that a model takes it so is inferred, and"
        ' context_check watches it. "new_session" begins a new session, which has only the text of the conversation',
    )
    idle_timeout: float | None = Field(
        40.0,
        gt=0,
        description="seconds in which nobody speaks after which the examiner is instructed to ask whether the candidate"
        " is still there; after two such prompts the call ends. null: never",
    )
    context_check: float = Field(
        1.5,
        ge=0,
        description="seconds at most that the first words after a reconnect are held back to see whether the model has"
        " lost the context and begins the exam anew; 0 does not look",
    )
    last_sentence: float = Field(
        12.0, ge=0, description="seconds the examiner may go on when the call is brought to its end in mid-sentence"
    )
    farewell: FarewellFile | None = Field(
        None,
        description="WAV file (16-bit mono, 20 s at most) that is played to the caller when the service is given up and"
        " no examiner is left to say goodbye; without it such a call ends in silence, and only the page says why",
    )
    reply_gate: ReplyGateMode = Field(
        "hold",
        description="what becomes of a reply while the caller speaks. A flush ends the user's turn for the model,"
        " which then begins to reply; that it is interrupted at once is inferred, not documented."
        ' "hold" holds such a reply and releases it if the caller turns out to have finished with that flush, without'
        ' requesting a second one; "drop" suppresses it and requests another; "off" plays everything',
    )
    grace: float = Field(
        2.0,
        ge=0,
        le=10,
        description="seconds after the end of an answer in which the reply to it is held when the caller has spoken"
        " less than the exam plan expects: if the caller goes on, it is suppressed. Unsolicited replies and scores,"
        " while the plan waits for an answer, are suppressed as well. 0: neither",
    )
    report_suppressed: bool = Field(
        True,
        description="inform a model whose reply was suppressed, at the end of the answer that it came too early for."
        " That text inside an activity window belongs to that turn was observed, not documented"
        " (livekit/agents-js#1724)",
    )

    def pointed_at(self, url: str, ca_file: Path) -> Self:
        return self.model_copy(update={"base_url": url, "ca_file": ca_file})

    @model_validator(mode="after")
    def _can_be_reached(self, info: ValidationInfo) -> "GeminiLiveSettings":
        in_config: dict[str, Any] | None = info.context
        if in_config is not None and self.key is None and self.base_url is None and not in_config.get("emulated"):
            raise ValueError('there is no key; add `key: "${GEMINI_API_KEY}"`, or `emulator: {scenario: plain}` below')
        return self

    @property
    def model_facts(self) -> ModelFacts:
        """What is known of the model, with the values that these settings override."""
        known = model_facts(self.model)
        return replace(known, text=self.text_as or known.text, lifetime=self.lifetime or known.lifetime)

    @property
    def policy(self) -> LivePolicy:
        """How the conversation is held."""
        connection = ConnectionPolicy(
            self.backoff,
            self.dial_timeout,
            long_wait=self.long_wait,
            resume=self.resumption,
            lifetime=self.model_facts.lifetime,
        )
        return LivePolicy(
            connection,
            WatchdogPolicy(reply=self.reply_timeout, nudged=self.nudge_timeout),
            reply_gate=self.reply_gate,
            grace=self.grace,
            report_suppressed=self.report_suppressed,
            stale_handle=self.stale_handle,
            context_check=self.context_check,
            idle_timeout=self.idle_timeout,
        )


def client(settings: GeminiLiveSettings) -> genai.Client:
    """A client for this service. Raises ValueError in one sentence when there is neither a key nor a base URL."""
    if settings.key is None and settings.base_url is None:
        raise ValueError("the Live stage has no key: set GEMINI_API_KEY, or use the emulator (configs/offline.yaml)")
    options: dict[str, Any] = {"ping_interval": settings.keepalive, "open_timeout": settings.dial_timeout}
    if settings.ca_file is not None:
        options["ssl"] = ssl.create_default_context(cafile=str(settings.ca_file))
    return genai.Client(
        api_key=settings.key.get_secret_value() if settings.key else "none",
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=settings.base_url, api_version=settings.api_version, async_client_args=options
        ),
    )


def connect_config(
    settings: GeminiLiveSettings,
    tools: list[dict[str, Any]],
    handle: str | None,
    *,
    instructions: str = "",
    seeded: bool = False,
) -> types.LiveConnectConfig:
    """The setup of one connection: the YAML's settings, the stages' tools and instructions, the handle to resume from.

    `seeded` announces that the conversation so far follows as initial history, where the model wants that announced.
    """
    thinking = None
    if settings.thinking_budget is not None or settings.thinking_level is not None:
        level = types.ThinkingLevel(settings.thinking_level.upper()) if settings.thinking_level else None
        thinking = types.ThinkingConfig(thinking_budget=settings.thinking_budget, thinking_level=level)
    return types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        temperature=settings.temperature,
        max_output_tokens=settings.max_output_tokens,
        thinking_config=thinking,
        speech_config=types.SpeechConfig(
            language_code=settings.language,
            voice_config=types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name=settings.voice)),
        ),
        system_instruction=system_instruction(settings.prompt, instructions),
        tools=[types.Tool(function_declarations=[_declaration(tool) for tool in tools])] if tools else None,
        realtime_input_config=types.RealtimeInputConfig(
            automatic_activity_detection=types.AutomaticActivityDetection(disabled=True)
        ),
        input_audio_transcription=types.AudioTranscriptionConfig(
            language_codes=[*settings.transcription_languages] or None
        )
        if settings.transcribe_caller
        else None,
        output_audio_transcription=types.AudioTranscriptionConfig() if settings.transcribe_examiner else None,
        session_resumption=types.SessionResumptionConfig(handle=handle) if settings.resumption else None,
        history_config=types.HistoryConfig(initial_history_in_client_content=True)
        if seeded and settings.model_facts.history == "initial"
        else None,
        context_window_compression=types.ContextWindowCompressionConfig(sliding_window=types.SlidingWindow())
        if settings.compression
        else None,
    )


def _declaration(tool: dict[str, Any]) -> types.FunctionDeclaration:
    parameters = tool.get("parameters")
    return types.FunctionDeclaration(
        name=tool["name"],
        description=tool.get("description"),
        parameters=api_schema(parameters) if parameters else None,
    )


def api_schema(schema: dict[str, Any]) -> types.Schema:
    """JSON Schema as the API's own Schema."""
    return types.Schema.model_validate(_upper_types(schema))


def _upper_types(schema: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema's lower-case type names as the API's enum has them."""
    upper: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "type" and isinstance(value, str):
            upper[key] = value.upper()
        elif key == "properties":
            upper[key] = {name: _upper_types(inner) for name, inner in value.items()}
        elif key == "items":
            upper[key] = _upper_types(value)
        else:
            upper[key] = value
    return upper


def system_instruction(path: Path | None, instructions: str) -> str | None:
    """The system instruction: the prompt file, and what the stages add; None when both are empty."""
    prompt = path.read_text(encoding="utf-8") if path else ""
    return "\n\n".join(filter(None, (prompt, instructions))) or None


def http_options(base_url: str | None, ca_file: Path | None) -> types.HttpOptions:
    """How Pipecat's own services reach the same place as ours."""
    tls = {"ssl": ssl.create_default_context(cafile=str(ca_file))} if ca_file else None
    return types.HttpOptions(base_url=base_url, async_client_args=tls)
