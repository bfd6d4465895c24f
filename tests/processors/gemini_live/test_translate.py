"""Every field of a server message is taken, in an order in which nothing is lost."""

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


def said(message: dict[str, Any]) -> list[Any]:
    """A message as it stands on the wire, read as the SDK reads it."""
    return translate(types.LiveServerMessage.model_validate(wire._LiveServerMessage_from_mldev(message)))


def audio(pcm: bytes, mime: str = "audio/pcm;rate=24000") -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime, "data": base64.b64encode(pcm).decode()}}


def test_a_bundle_of_3_1_is_taken_apart_content_first() -> None:
    content = {
        "turnComplete": True,
        "generationComplete": True,
        "outputTranscription": {"text": " Hello."},
        "inputTranscription": {"text": " Hi."},
        "modelTurn": {"parts": [audio(b"\1\0"), {"text": "a thought"}, audio(b"\2\0", "audio/pcm;rate=16000")]},
    }
    assert said({"serverContent": content}) == [
        InputTranscribed(" Hi."),
        OutputTranscribed(" Hello."),
        ModelAudio(b"\1\0", 24000),
        ModelAudio(b"\2\0", 16000),
        GenerationComplete(),
        TurnComplete(),
    ]


def test_audio_without_a_rate_is_24_khz_and_other_data_is_no_audio() -> None:
    parts = [audio(b"\1\0", "audio/pcm"), audio(b"\1\0", "image/png"), audio(b"\1\0", "audio/pcm;rate=x")]
    assert said({"serverContent": {"modelTurn": {"parts": parts}}}) == [ModelAudio(b"\1\0", 24000)] * 2


def test_an_interruption_and_a_reason() -> None:
    assert said({"serverContent": {"interrupted": True}}) == [Interrupted()]
    done = {"serverContent": {"turnComplete": True, "turnCompleteReason": "MALFORMED_FUNCTION_CALL"}}
    assert said(done) == [TurnComplete("MALFORMED_FUNCTION_CALL")]


def test_functions_are_asked_and_cancelled() -> None:
    calls = [{"id": "1", "name": "f", "args": {"a": 1}}, {"id": "2", "name": "g"}]
    assert said({"toolCall": {"functionCalls": calls}}) == [
        ToolCallReceived("1", "f", {"a": 1}),
        ToolCallReceived("2", "g", {}),
    ]
    assert said({"toolCallCancellation": {"ids": ["1", "2"]}}) == [ToolsCancelled(("1", "2"))]


def test_the_announced_end_in_seconds() -> None:
    assert said({"goAway": {"timeLeft": "50s"}}) == [GoAway(50.0)]
    assert said({"goAway": {"timeLeft": "1.5s"}}) == [GoAway(1.5)]
    assert said({"goAway": {}}) == [GoAway(0.0)]
    assert said({"goAway": {"timeLeft": "soon"}}) == [GoAway(0.0)]


def test_only_a_resumable_handle_is_a_handle() -> None:
    assert said({"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}}) == [HandleUpdated("h")]
    assert said({"sessionResumptionUpdate": {"newHandle": "h", "resumable": False}}) == [HandleUpdated(None)]
    assert said({"sessionResumptionUpdate": {"resumable": True}}) == [HandleUpdated(None)]


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
    assert said({"usageMetadata": usage}) == [
        UsageReceived(TokenCounts({"text": 67, "audio": 40}, {}, 107, 30, 5, 2)),
    ]
    assert said({"usageMetadata": {}}) == [UsageReceived(TokenCounts())]


def test_an_empty_message_says_nothing() -> None:
    assert said({}) == [] and said({"serverContent": {}}) == []
