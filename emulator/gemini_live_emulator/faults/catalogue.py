"""The table of faults by name. Close reasons are the texts that users of the service reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from gemini_live_emulator.faults import rewrites
from gemini_live_emulator.faults.effects import Change, Effect, Emit, Patch, RefuseHttp, RefuseSetup
from gemini_live_emulator.protocol.outputs import Close, Drop, Output, Send, SendRaw
from gemini_live_emulator.protocol.wire import base64_of


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that may go wrong."""

    summary: str
    effect: Effect


def _end(code: int, reason: str, summary: str, *, on: str | None = None, after: float | None = None) -> Fault:
    return Fault(f"{code} {summary}", Emit((Close(code, reason),), on, after))


def _emit(summary: str, *outputs: Output, on: str | None = None, after: float | None = None) -> Fault:
    return Fault(summary, Emit(outputs, on, after))


def _change(summary: str, rewrite: rewrites.Rewrite, *names: str) -> Fault:
    return Fault(summary, Change(rewrite, frozenset(names)))


def _patch(summary: str, **changes: Any) -> Fault:
    return Fault(summary, Patch(tuple((key.replace("__", "."), value) for key, value in changes.items())))


def _audio(size: int) -> Send:
    audio = {"mimeType": "audio/pcm;rate=24000", "data": base64_of(bytes(size))}
    return Send({"serverContent": {"modelTurn": {"parts": [{"inlineData": audio}]}}})


QUOTA: Final = (
    "You exceeded your current quota, please check your plan and billing details. For more "
    "information on this error, head to the rate limits documentation."
)
NOT_IMPLEMENTED: Final = "Operation is not implemented, or supported, or enabled."
THREAD: Final = (
    "Thread was cancelled when writing StartStep status to channel.; "
    "Failed to close the streaming context; status = CANCELLED:"
)
EXPLICIT: Final = "Explicit activity control is not supported when automatic activity detection is enabled."

# The seconds named here are defaults; a rule may set others.
FAULTS: Final[dict[str, Fault]] = {
    # Ends of a connection, by code. discuss.ai.google.dev/t/116509 and the reports it gathered.
    "close_1000": _end(1000, "", "with no reason, which is no proof of success"),
    "cancelled": _end(1000, "The operation was cancelled.", "as Vertex ends a connection"),
    "going_away": _end(1001, "", "the server goes away"),
    "restart": _end(1012, "", "the service restarts"),
    "try_later": _end(1013, "", "try again later"),
    "cut": _emit("1006 the network is lost: no close frame", Drop()),
    "invalid_argument": _end(1007, "Request contains an invalid argument.", "in the middle of a turn"),
    "bad_payload": _end(
        1007,
        "Invalid JSON payload received. Unknown name \"extra\" at 'realtime_input': Cannot find field.",
        "as if a name were unknown",
    ),
    "unlisted": _end(1007, "Something went wrong", "in words that say nothing, in the middle of a turn"),
    "unlisted_code": _end(4001, "Reauthenticated", "a code that nobody has documented"),
    "setup_order": _end(
        1007,
        "setup must be the first message and only the first",
        "out of the blue after two minutes, as on 3.1",
        after=120.0,
    ),
    "activity_refused": _end(1007, EXPLICIT, "at an activityStart", on="activityStart"),
    "voices_refused": Fault(
        "1007 at the setup: no voices for a non-audio request",
        RefuseSetup(1007, "Cannot extract voices from a non-audio request."),
    ),
    "key_invalid": Fault(
        "1007 at the setup: bad key",
        RefuseSetup(1007, "API key not valid. Please pass a valid API key."),
    ),
    "credits_depleted": Fault(
        "1011 at the setup: nothing is left of what was paid in advance",
        RefuseSetup(1011, "Your prepayment credits are depleted. Please go to AI Studio to manage your billing."),
    ),
    "setup_refused": Fault(
        "1007 at the setup: invalid argument",
        RefuseSetup(1007, "Request contains an invalid argument."),
    ),
    "handle_invalid": Fault(
        "1007 every resume is refused: invalid session handle",
        RefuseSetup(1007, "Invalid session handle", resumes=True),
    ),
    "handle_unlisted": Fault(
        "1007 every resume is refused: invalid handle, in words that are not documented",
        RefuseSetup(1007, "Invalid handle", resumes=True),
    ),
    "resume_unlisted": Fault(
        "1007 every resume is refused, in words that say nothing",
        RefuseSetup(1007, "Something went wrong", resumes=True),
    ),
    "handle_not_found": Fault(
        "1008 every resume is refused: session not found",
        RefuseSetup(1008, "BidiGenerateContent session not found", resumes=True),
    ),
    "resume_refused": Fault(
        "1007 a resume is refused: invalid argument",
        RefuseSetup(1007, "Request contains an invalid argument.", resumes=True),
    ),
    "resume_unavailable": Fault(
        "1011 a resume is refused: service unavailable, as with a spent token",
        RefuseSetup(1011, "The service is currently unavailable.", resumes=True),
    ),
    "resume_busy": Fault(
        "1011 a resume is refused, as if the old socket were open",
        RefuseSetup(1011, "Internal error encountered.", resumes=True),
    ),
    "model_not_found": Fault(
        "1008 at the setup: the model is gone",
        RefuseSetup(
            1008,
            "models/gemini-live is not found for API version v1beta, or is not supported for bidiGenerateContent",
        ),
    ),
    "not_implemented": _end(1008, NOT_IMPLEMENTED, "operation not implemented"),
    "input_during_call": _end(
        1008, NOT_IMPLEMENTED, "at realtime input while a call is pending, as on 2.5", on="inputDuringCall"
    ),
    "session_not_found": _end(1008, "BidiGenerateContent session not found", "session not found"),
    "entity_not_found": _end(
        1008, "Requested entity was not found.", "at a tool response, as on 2.5-09-2025", on="toolResponse"
    ),
    "aborted": _end(1008, "The operation was aborted.", "end of the connection's life"),
    "internal_error": _end(1011, "Internal error encountered.", "internal error encountered"),
    "internal_error_occurred": _end(1011, "Internal error occurred.", "internal error occurred"),
    "internal_error_short": _end(1011, "Internal error", "internal error, the short text"),
    "thread_cancelled": _end(1011, THREAD, "thread was cancelled (the report's ten-minute close)"),
    "thread_cancelled_on_tool": _end(1011, THREAD, "thread was cancelled at a tool response", on="toolResponse"),
    "inference_failed": _end(1011, "Failed to run inference for model: go/debugonly", "inference failed"),
    "rpc_deadline": _end(1011, "RPC::DEADLINE_EXCEEDED", "deadline exceeded"),
    "rpc_deadline_traced": _end(
        1011,
        "Request trace id: 5f3a9c0b7d21e846, [ORIGINAL ERROR] RPC::DEADLINE_EXCEEDED: ",
        "deadline exceeded, with a trace id before it",
    ),
    "deadline_expired": _end(1011, "Deadline expired before operation could complete.", "deadline expired"),
    "exhausted": _end(1011, "RESOURCE_EXHAUSTED", "resource exhausted"),
    "sessions_exhausted": Fault(
        "1011 at the setup: too many sessions at once",
        RefuseSetup(
            1011,
            "Request trace id: 5f3a9c0b7d21e846, generic::resource_exhausted: "
            "generic::resource_exhausted: Maximum concurrent sessions exceeded",
        ),
    ),
    "quota": _end(1011, QUOTA, "quota exceeded, 0.8 s after the setup was accepted", after=0.8),
    "unavailable": _end(1011, "The service is currently unavailable.", "service unavailable"),
    "unavailable_short": _end(1011, "service is currently unavailable", "service unavailable, the short text"),
    "empty_1011": _end(1011, "", "with no reason"),
    "keepalive": _end(1011, "keepalive ping timeout", "as if the other end had missed pings"),
    # Refused upgrades.
    "refuse_400": Fault(
        "HTTP 400 for the upgrade: bad key",
        RefuseHttp(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "API_KEY_INVALID"),
    ),
    "refuse_region": Fault(
        "HTTP 400 for the upgrade: unsupported region",
        RefuseHttp(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
    ),
    "refuse_401": Fault(
        "HTTP 401 for the upgrade: malformed key",
        RefuseHttp(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    ),
    "refuse_403": Fault(
        "HTTP 403 for the upgrade: API disabled",
        RefuseHttp(403, "PERMISSION_DENIED", "The API is disabled for this project.", "SERVICE_DISABLED"),
    ),
    "refuse_404": Fault("HTTP 404 for the upgrade", RefuseHttp(404, "NOT_FOUND", "Not found.")),
    "refuse_429": Fault("HTTP 429 for the upgrade", RefuseHttp(429, "RESOURCE_EXHAUSTED", "Resource exhausted.")),
    "refuse_503": Fault(
        "HTTP 503 for the upgrade", RefuseHttp(503, "UNAVAILABLE", "The service is currently unavailable.")
    ),
    "text_429": Fault(
        "HTTP 429 from the text endpoint", RefuseHttp(429, "RESOURCE_EXHAUSTED", "Resource exhausted.", text=True)
    ),
    "text_503": Fault(
        "HTTP 503 from the text endpoint", RefuseHttp(503, "UNAVAILABLE", "The model is overloaded.", text=True)
    ),
    # The connection's notice and its setup.
    "no_go_away": _change("the connection ends without goAway", rewrites.drop_go_away, "goAway"),
    "go_away_at_once": _emit(
        "goAway with 300s a second after the setup, as on 3.8", Send({"goAway": {"timeLeft": "300s"}}), after=1.0
    ),
    "short_life": _patch(
        "the connection lives 30 s, with 10 s of notice",
        model__lifetime=30.0,
        model__lifetime_compressed=30.0,
        model__lead=10.0,
        model__overshoot=0.0,
    ),
    "no_setup_complete": _change("setupComplete never comes", rewrites.drop_setup_complete, "setupComplete"),
    "late_setup_complete": _change(
        "another message comes before setupComplete, which Python takes for it",
        rewrites.late_setup_complete,
        "setupComplete",
    ),
    "long_pongs": _patch("pongs come 25 s late", wire__pong_delay=25.0),
    # Turns.
    "lost_turn_complete": _change("turnComplete never comes", rewrites.drop_turn_complete, "turnComplete"),
    "spurious_interrupted": _emit(
        "interrupted without any user audio", Send({"serverContent": {"interrupted": True}}), on="turnComplete"
    ),
    "late_interrupted": _change("interrupted follows turnComplete", rewrites.late_interrupted, "turnComplete"),
    "late_words": _emit(
        "text of the reply follows its turnComplete",
        Send({"serverContent": {"outputTranscription": {"text": " Take your time."}}}),
        on="turnComplete",
    ),
    "mute": _change("no content any more; the socket stays open", rewrites.drop_content, "serverContent"),
    "empty_reply": _change("turns complete without output", rewrites.empty_turn, "modelTurn", "outputTranscription"),
    "no_audio": _change("the words come, their audio does not", rewrites.drop_audio, "modelTurn"),
    "slow_reply": _patch("the model thinks for 8 s", examiner__latency=8.0),
    "waiting_for_input": _change(
        "turnComplete says the model needs more input", rewrites.waiting_for_input, "turnComplete"
    ),
    "hum": _emit("14 s of tone in the middle of a reply", _audio(14 * 48_000)),
    # Usage.
    "usage_missing": _change("no usageMetadata", rewrites.drop_usage, "usageMetadata"),
    "usage_no_details": _change("no tokens by modality", rewrites.drop_details, "usageMetadata"),
    "usage_total_only": _change("only totalTokenCount", rewrites.total_only, "usageMetadata"),
    "usage_short_details": _change("modalities do not add up", rewrites.short_details, "usageMetadata"),
    "usage_tiny_audio": _change("audio prompts counted as 3 tokens", rewrites.tiny_audio, "usageMetadata"),
    "usage_apart": _change("usage in a message of its own", rewrites.usage_apart, "usageMetadata"),
    "usage_twice": _change("the same usage twice", rewrites.usage_twice, "usageMetadata"),
    "usage_sometimes": _patch("tokens by modality on every other turn", usage__details="sometimes"),
    "usage_without_thoughts": _patch(
        "totalTokenCount leaves the thoughts out", usage__thoughts=136, usage__total_has_thoughts=False
    ),
    # Transcription.
    "transcription_stall": _patch("no text after 20 s of one activity window", transcription__stall_after=20.0),
    "transcription_late": _patch("text comes 4 s late", transcription__delay=4.0),
    "transcription_restart": _patch("text of a flushed window comes 4 s late", transcription__restart=4.0),
    "transcription_double": _change("each inputTranscription twice", rewrites.double_input_text, "inputTranscription"),
    "transcription_missing": _change("no inputTranscription", rewrites.drop_input_text, "inputTranscription"),
    "output_text_missing": _change("no outputTranscription", rewrites.drop_output_text, "outputTranscription"),
    # Function calls.
    "call_missing": _patch("the function is never called", examiner__ending__call="none"),
    "call_chance": _patch("the function is called in 65% of sessions", examiner__ending__chance=0.65),
    "call_malformed": _patch("arguments that do not fit the declaration", examiner__ending__call="malformed"),
    "call_empty": _patch("a call without arguments", examiner__ending__call="empty"),
    "call_unknown": _patch("a function nobody declared", examiner__ending__call="unknown"),
    "call_twice": _patch("the same call twice", examiner__ending__call="twice"),
    "call_early": _patch("the call comes before the scores are spoken", examiner__ending__when="before speech"),
    "call_in_speech": _patch("the call comes while speech still streams", examiner__ending__when="with speech"),
    "call_promised": _patch(
        "says it reports the scores, and does not", examiner__ending__promise=True, examiner__ending__call="none"
    ),
    "call_when_asked": _patch("calls only when the user names the function", examiner__ending__when="when asked"),
    "call_lost": _change("the toolCall is lost and the model waits for its answer", rewrites.drop_call, "toolCall"),
    "call_cancelled": _change("the toolCall is taken back at once", rewrites.cancelled_call, "toolCall"),
    "call_rejected": _change("the turn ends as a malformed function call", rewrites.malformed_call, "toolCall"),
    "call_trailing_audio": _change("audio follows the toolCall", rewrites.trailing_audio, "toolCall"),
    # The examiner.
    "scores_two": _patch("speaks two scores and stops", examiner__ending__speak="two"),
    "scores_none": _patch("speaks no scores", examiner__ending__speak="none"),
    "repeats": _patch("asks question 2 again, unprompted", examiner__repeats=[2]),
    "early": _patch("does not wait for the answer to question 2", examiner__early=[2]),
    "forgets": _patch("begins the exam anew after a resume", examiner__forgets=True),
    # Handles.
    "handle_never": _change("no resumption updates", rewrites.drop_updates, "sessionResumptionUpdate"),
    "handle_unresumable": _change("never resumable", rewrites.never_resumable, "sessionResumptionUpdate"),
    "handle_expires": _patch("handles live 5 s after their connection", resumption__valid=5.0),
    # Frames.
    "huge_frame": _emit("a frame above 1 MiB, at which Python's client closes with 1009", _audio(900_000)),
    "unknown_only": _emit("a message of unknown names only", Send({"somethingNew": {"level": 1}})),
    "error_message": _emit(
        "an error instead of a message", Send({"code": 500, "message": "Internal error", "status": "INTERNAL"})
    ),
    "extra_fields": _change("unknown names beside the known ones", rewrites.extra_fields),
    "empty_message": _emit("a message {}", Send({})),
    "empty_frame": _emit("a frame without bytes", SendRaw(b"")),
    "invalid_json": _emit("a frame that is not JSON", SendRaw('{"serverContent": {')),
    "text_frames": _patch("text frames instead of binary ones", wire__frames="text"),
    "mixed_frames": _change("some messages in text frames", rewrites.text_frame),
    "split_frames": _patch("messages split into WebSocket fragments", wire__fragment=1000),
    "bare_mime": _change("audio/pcm without a rate", rewrites.bare_mime, "modelTurn"),
    "url_safe": _change("audio in URL-safe base64", rewrites.url_safe, "modelTurn"),
    "two_parts": _change("audio in the second part of a message", rewrites.two_parts, "modelTurn"),
}
