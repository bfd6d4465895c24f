"""Every field of a server message is translated, in an order in which nothing is lost."""

import base64
from typing import Any

from google.genai import _live_converters as wire
from google.genai import types

from core.billing.usage import TokenCounts
from core.live.messages import (
    GenerationComplete,
    GoAway,
    HandleUpdated,
    InputTranscribed,
    Interrupted,
    ModelAudio,
    OutputTranscribed,
    ToolCallReceived,
    ToolsCancelled,
    TurnComplete,
    UsageReceived,
)
from processors.gemini_live.translate import translate


def translated(message: dict[str, Any]) -> list[Any]:
    """A message as it stands on the wire, read as the SDK reads it."""
    return translate(types.LiveServerMessage.model_validate(wire._LiveServerMessage_from_mldev(message)))


def audio(pcm: bytes, mime: str = "audio/pcm;rate=24000") -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime, "data": base64.b64encode(pcm).decode()}}


def test_a_bundle_of_3_1_is_split_content_first() -> None:
    content = {
        "turnComplete": True,
        "generationComplete": True,
        "outputTranscription": {"text": " Hello."},
        "inputTranscription": {"text": " Hi."},
        "modelTurn": {"parts": [audio(b"\1\0"), {"text": "a thought"}, audio(b"\2\0", "audio/pcm;rate=16000")]},
    }
    assert translated({"serverContent": content}) == [
        InputTranscribed(" Hi."),
        OutputTranscribed(" Hello."),
        ModelAudio(b"\1\0", 24000),
        ModelAudio(b"\2\0", 16000),
        GenerationComplete(),
        TurnComplete(),
    ]


def test_the_end_of_a_transcription_is_translated_with_and_without_text() -> None:
    content = {"inputTranscription": {"finished": True}, "outputTranscription": {"text": "Stop.", "finished": True}}
    assert translated({"serverContent": content}) == [InputTranscribed("", True), OutputTranscribed("Stop.", True)]
    assert translated({"serverContent": {"inputTranscription": {"text": "", "finished": False}}}) == []


def test_audio_without_a_rate_is_24_khz_and_other_data_is_no_audio() -> None:
    parts = [audio(b"\1\0", "audio/pcm"), audio(b"\1\0", "image/png"), audio(b"\1\0", "audio/pcm;rate=x")]
    assert translated({"serverContent": {"modelTurn": {"parts": parts}}}) == [ModelAudio(b"\1\0", 24000)] * 2


def test_an_interruption_and_a_reason() -> None:
    assert translated({"serverContent": {"interrupted": True}}) == [Interrupted()]
    done = {"serverContent": {"turnComplete": True, "turnCompleteReason": "MALFORMED_FUNCTION_CALL"}}
    assert translated(done) == [TurnComplete("MALFORMED_FUNCTION_CALL")]


def test_function_calls_and_their_cancellation() -> None:
    calls = [{"id": "1", "name": "f", "args": {"a": 1}}, {"id": "2", "name": "g"}]
    assert translated({"toolCall": {"functionCalls": calls}}) == [
        ToolCallReceived("1", "f", {"a": 1}),
        ToolCallReceived("2", "g", {}),
    ]
    assert translated({"toolCallCancellation": {"ids": ["1", "2"]}}) == [ToolsCancelled(("1", "2"))]


def test_the_time_left_of_a_go_away_in_seconds() -> None:
    assert translated({"goAway": {"timeLeft": "50s"}}) == [GoAway(50.0)]
    assert translated({"goAway": {"timeLeft": "1.5s"}}) == [GoAway(1.5)]
    assert translated({"goAway": {}}) == [GoAway(0.0)]
    assert translated({"goAway": {"timeLeft": "soon"}}) == [GoAway(0.0)]


def test_only_a_resumable_handle_is_a_handle() -> None:
    assert translated({"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}}) == [HandleUpdated("h")]
    assert translated({"sessionResumptionUpdate": {"newHandle": "h", "resumable": False}}) == [HandleUpdated(None)]
    assert translated({"sessionResumptionUpdate": {"resumable": True}}) == [HandleUpdated(None)]


def test_usage_with_and_without_details() -> None:
    usage = {
        "promptTokenCount": 100,
        "toolUsePromptTokenCount": 7,
        "responseTokenCount": 30,
        "thoughtsTokenCount": 5,
        "cachedContentTokenCount": 2,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 60}, {"modality": "AUDIO", "tokenCount": 40}],
        "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 7}],
    }
    assert translated({"usageMetadata": usage}) == [
        UsageReceived(TokenCounts({"text": 67, "audio": 40}, {}, 107, 30, 5)),
    ]
    assert translated({"usageMetadata": {}}) == [UsageReceived(TokenCounts())]


def test_an_empty_message_says_nothing() -> None:
    assert translated({}) == [] and translated({"serverContent": {}}) == []
